//! Reads the files of rows. Decides nothing; the tests hold what they contain.

use serde::{Deserialize, Deserializer, de::Error};

use super::{Row, Unit};
use crate::date::{Date, Period};

/// How long a review is good for where a row does not say.
const REVIEW_EVERY: &str = "P1Y";

const FILES: [&str; 4] = [include_str!("adequacy.toml"), include_str!("de.toml"), include_str!("eea.toml"), include_str!("eu.toml")];

/// All rows, sorted by id, then by first day. A damaged file would give none, so that every rule that needs a value refuses.
pub(super) fn shipped() -> Vec<Row> {
    let mut rows: Vec<Row> = FILES.into_iter().flat_map(|text| read(text).unwrap_or_default()).collect();
    rows.sort_by(|left, right| (&left.id, left.valid_from).cmp(&(&right.id, right.valid_from)));
    rows
}

/// The rows of one file; none of them if one is wrong.
pub(super) fn read(text: &str) -> Result<Vec<Row>, toml::de::Error> {
    let file: File = toml::from_str(text)?;
    file.row.into_iter().map(Entry::row).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    row: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    value: String,
    unit: String,
    text: String,
    source: String,
    #[serde(deserialize_with = "date")]
    valid_from: Date,
    #[serde(default, deserialize_with = "optional_date")]
    valid_to: Option<Date>,
    #[serde(deserialize_with = "date")]
    reviewed: Date,
    review_every: Option<String>,
    note: Option<String>,
}

impl Entry {
    fn row(self) -> Result<Row, toml::de::Error> {
        let unknown = |what: &str| toml::de::Error::custom(format!("`{}`: {what}", self.id));
        let unit = Unit::ALL.into_iter().find(|unit| unit.word() == self.unit).ok_or_else(|| unknown("no such unit"))?;
        let review_every = self.review_every.as_deref().unwrap_or(REVIEW_EVERY);
        let review_every = Period::parse(review_every).ok_or_else(|| unknown("`review_every` is no duration"))?;
        Ok(Row {
            id: self.id,
            value: self.value,
            unit,
            text: self.text,
            source: self.source,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            reviewed: self.reviewed,
            review_every,
            note: self.note,
        })
    }
}

fn date<'de, D: Deserializer<'de>>(source: D) -> Result<Date, D::Error> {
    let written = toml::value::Datetime::deserialize(source)?.to_string();
    Date::parse(&written).ok_or_else(|| D::Error::custom(format!("`{written}` is no day")))
}

fn optional_date<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Date>, D::Error> {
    date(source).map(Some)
}
