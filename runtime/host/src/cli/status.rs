//! `hub status`: what each declared flow did last, from the run history, and who outside was not reached. Also while a hub runs, by a private copy.

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::json;

use super::anchors::Outside;
use super::{Failure, Output, Place, changes, load, run};
use crate::store::format::{RunOutcome, RunRecord};
use crate::store::{self, Namespace, Store, StoreError};

#[derive(Args, Debug)]
pub(super) struct Status {
    #[command(flatten)]
    place: Place,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Status {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        let loaded = load::load(&self.place.manifest, &config)?;
        let looked = changes::read(&config, |store| Ok((runs(store)?, Outside::read(store)?)))?;
        let (records, outside) = looked.unwrap_or_default();
        let (manifest, entries) = (loaded.policy.manifest(), outside.entries);
        let flows: Vec<&String> = manifest.flows.keys().collect();
        let last = |flow: &str| records.iter().rev().find(|record| record.flow == flow);
        match self.output {
            Output::Json => {
                let flows: Vec<_> = flows.iter().map(|flow| json!({ "flow": flow, "last": last(flow).map(as_json) })).collect();
                let (anchors, failing) = outside.as_json(manifest);
                super::print_json(&json!({
                    "version": 1, "audit_entries": entries, "flows": flows, "anchors": anchors, "receivers_failing": failing,
                }));
            }
            Output::Human => {
                let mut table = Table::new();
                table.load_style(presets::NOTHING).set_header([
                    "FLOW",
                    "STATE",
                    "LAST RUN (UTC)",
                    "READ",
                    "WRITTEN",
                    "DELETED",
                    "LEFT OUT",
                    "UNDECLARED",
                ]);
                for flow in flows {
                    table.add_row(row(flow, last(flow)));
                }
                let outside = outside.lines(manifest);
                super::print_text(&format!(
                    "{table}\n\naudit: {entries} entries   hub audit verify {}\n{outside}",
                    self.place.manifest.display()
                ));
            }
        }
        Ok(0)
    }
}

/// All run records, oldest first.
pub(super) fn records(store: &dyn Store) -> Result<Vec<RunRecord>, Failure> {
    runs(store).map_err(|error| run::store_problem(&error).into())
}

fn runs(store: &dyn Store) -> Result<Vec<RunRecord>, StoreError> {
    let mut records = Vec::new();
    store::each(store, Namespace::Runs, None, |_, value| {
        records.push(RunRecord::decode(value)?);
        Ok(())
    })?;
    Ok(records)
}

fn state(record: &RunRecord) -> &'static str {
    match record.outcome {
        RunOutcome::Open => "did not end",
        RunOutcome::Completed => "ok",
        RunOutcome::Interrupted => "interrupted",
        RunOutcome::Failed => "failed",
    }
}

fn row(flow: &str, record: Option<&RunRecord>) -> Vec<String> {
    let Some(record) = record else { return vec![flow.to_owned(), "never ran".to_owned()] };
    let state = record.code.as_ref().map_or_else(|| state(record).to_owned(), |code| format!("{} {code}", state(record)));
    let undeclared: u64 = record.dropped.values().sum();
    let when = hub_core::audit::timestamp(record.started_ms);
    let mut row = vec![flow.to_owned(), state, when];
    row.extend([record.read, record.written, record.deleted, record.rejected, undeclared].map(|count| count.to_string()));
    row
}

fn as_json(record: &RunRecord) -> serde_json::Value {
    json!({
        "run": record.id, "state": state(record), "started": hub_core::audit::timestamp(record.started_ms),
        "ended": record.ended_ms.map(hub_core::audit::timestamp), "code": record.code, "read": record.read,
        "written": record.written, "deleted": record.deleted, "retracted": record.retracted, "deletes_ignored": record.deletes_ignored, "rejected": record.rejected, "undeclared": record.dropped,
    })
}
