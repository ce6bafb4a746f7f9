//! `hub law`: what the rules take from the law on a day, and which rows somebody has to look at again.

use clap::Args;
use comfy_table::{Table, presets};
use hub_core::date::Date;
use hub_core::problem::{Code, Problem};
use hub_core::vocab::law::{self, Row};
use serde_json::{Value, json};

use super::{Failure, Output};
use crate::clock;

#[derive(Args, Debug)]
pub(super) struct Law {
    /// The day, such as 2026-11-23 [default: today in UTC]
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    /// The rows that somebody has to compare with their source again by that day, the most urgent first
    #[arg(long)]
    due: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Law {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let day = self.day()?;
        let rows: Vec<&Row> = if self.due { law::due_for_review(day) } else { law::in_force(day).collect() };
        match self.output {
            Output::Json => {
                let rows: Vec<Value> = rows.iter().map(|row| as_json(row)).collect();
                super::print_json(&json!({ "version": 1, "at": day.to_string(), "due": self.due, "rows": rows }));
            }
            Output::Human => super::print_text(&readable(&rows, day, self.due)),
        }
        Ok(0)
    }

    fn day(&self) -> Result<Date, Failure> {
        let today = hub_core::audit::timestamp(clock::now_ms());
        let written = self.at.as_deref().or_else(|| today.get(..10)).unwrap_or_default();
        Date::parse(written)
            .ok_or_else(|| Problem::new(Code::E009, format!("`{written}` is no day"), "write it as year, month and day: 2026-11-23").into())
    }
}

fn readable(rows: &[&Row], day: Date, due: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "VALUE", "UNIT", "FROM", "TO", "REVIEW DUE", "SOURCE"]);
    for row in rows {
        let last = row.valid_to.map(|last| last.to_string()).unwrap_or_default();
        let cells =
            [row.id.clone(), row.value.clone(), row.unit.word().to_owned(), row.valid_from.to_string(), last, row.due().to_string()];
        table.add_row(cells.into_iter().chain([row.source.clone()]));
    }
    let state = if due { "due for review" } else { "in force" };
    format!("{table}\n\n{} rows {state} on {day}\n", rows.len())
}

fn as_json(row: &Row) -> Value {
    json!({
        "id": row.id, "value": row.value, "unit": row.unit.word(), "text": row.text, "source": row.source,
        "valid_from": row.valid_from.to_string(), "valid_to": row.valid_to.map(|day| day.to_string()),
        "reviewed": row.reviewed.to_string(), "review_due": row.due().to_string(), "note": row.note,
    })
}
