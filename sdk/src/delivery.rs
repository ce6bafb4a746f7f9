//! What most destinations need for each stream: to find it by its index, to know the last batch again, to see a record as columns. Writes nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Error, Field, Report, Target};

/// What a destination keeps for each of its streams.
#[derive(Debug)]
pub struct Opened<T>(BTreeMap<u32, T>);

impl<T> Opened<T> {
    /// Opens each target.
    ///
    /// # Errors
    /// The first one of `open`.
    pub fn new(targets: Vec<Target>, mut open: impl FnMut(Target) -> Result<T, Error>) -> Result<Self, Error> {
        targets.into_iter().map(|target| Ok((target.index, open(target)?))).collect::<Result<_, _>>().map(Self)
    }

    /// The stream of an index.
    ///
    /// # Errors
    /// The host named a stream that it did not open.
    pub fn get(&mut self, index: u32) -> Result<&mut T, Error> {
        self.0.get_mut(&index).ok_or_else(|| Error::Permanent(format!("no stream was opened with the index {index}")))
    }
}

/// Key and report of the last batch of a stream: delivered again, it is not written again.
#[derive(Debug, Default)]
pub struct LastBatch(Option<(String, Report)>);

impl LastBatch {
    /// The report of the last batch, if this key is its.
    #[must_use]
    pub fn again(&self, key: &str) -> Option<Report> {
        self.0.as_ref().filter(|(last, _)| last == key).map(|(_, report)| report.clone())
    }

    /// Remembers a batch and hands its report back.
    pub fn keep(&mut self, key: &str, report: Report) -> Report {
        self.0 = Some((key.to_owned(), report.clone()));
        report
    }
}

/// The top-level fields of a stream's records as columns, in the order of the manifest.
#[derive(Debug)]
pub struct Columns(BTreeMap<String, usize>);

impl Columns {
    /// One column for each field.
    #[must_use]
    pub fn new(fields: &[Field]) -> Self {
        Self(fields.iter().enumerate().map(|(column, field)| (field.name.clone(), column)).collect())
    }

    /// The values of a record as JSON texts, one for each column; `null` where the record has none.
    ///
    /// # Errors
    /// The code of a [`crate::RowError`]: `not-a-json-object`, or `unknown-field` for a field without a column.
    pub fn split<'line>(&self, record: &'line [u8]) -> Result<Vec<&'line str>, &'static str> {
        let mut values = vec!["null"; self.0.len()];
        match serde_json::Deserializer::from_slice(record).deserialize_map(Split { columns: &self.0, values: &mut values }) {
            Err(_) => Err("not-a-json-object"),
            Ok(false) => Err("unknown-field"),
            Ok(true) => Ok(values),
        }
    }
}

/// Puts a record's values into their columns. False: there is a field without a column.
struct Split<'a, 'line> {
    columns: &'a BTreeMap<String, usize>,
    values: &'a mut Vec<&'line str>,
}

impl<'line> Visitor<'line> for Split<'_, 'line> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut known = true;
        while let Some((name, value)) = map.next_entry::<Cow<'line, str>, &'line RawValue>()? {
            match self.columns.get(&*name).and_then(|column| self.values.get_mut(*column)) {
                Some(place) => *place = value.get(),
                None => known = false,
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    #[test]
    fn a_record_is_split_into_the_columns_of_its_stream() {
        let columns = Columns::new(&["id", "name", "a\"b"].map(Field::text));
        assert_eq!(columns.split(br#"{"name": "M\u00fc", "id":-5.50}"#), Ok(vec!["-5.50", r#""M\u00fc""#, "null"]));
        assert_eq!(columns.split(br#"{"a\"b":{"c":[1, 2]}}"#), Ok(vec!["null", "null", r#"{"c":[1, 2]}"#]));
        for (record, code) in [(&b"[1]"[..], "not-a-json-object"), (b"{\"id\":", "not-a-json-object"), (b"{\"other\":1}", "unknown-field")]
        {
            assert_eq!(columns.split(record), Err(code));
        }
    }

    #[test]
    fn streams_are_found_by_their_index_and_a_failure_to_open_stops() {
        let target = |index| Target { index, name: "a".into(), mode: Mode::Append, primary_key: Vec::new(), fields: Vec::new() };
        let mut opened = Opened::new(vec![target(4), target(7)], |target| Ok(target.index * 2));
        assert_eq!(opened.as_mut().map(|opened| opened.get(7).copied()), Ok(Ok(14)));
        let missing = opened.as_mut().ok().and_then(|opened| opened.get(5).err()).map(|error| error.to_string());
        assert_eq!(missing.as_deref(), Some("no stream was opened with the index 5"));
        let failed = Opened::<u32>::new(vec![target(1)], |_| Err(Error::config("no")));
        assert_eq!(failed.err(), Some(Error::config("no")));
    }

    #[test]
    fn only_the_last_batch_is_known_again() {
        let mut last = LastBatch::default();
        assert_eq!(last.again("a"), None);
        let report = last.keep("a", Report { written: 3, failed: Vec::new() });
        assert_eq!(last.again("a"), Some(report));
        let _ = last.keep("b", Report::default());
        assert_eq!(last.again("a"), None);
    }
}
