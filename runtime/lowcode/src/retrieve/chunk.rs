//! Fields that are asked for in several requests, and the parts of their records put together again.

use std::rc::Rc;

use indexmap::IndexMap;

use crate::fault::Failure;
use crate::model::properties::{PropertyChunking, QueryProperties};
use crate::retrieve::failure::system;
use crate::retrieve::retriever::Pages;
use crate::value::{Dict, Value};

/// Records of a page are put together from so many parts at most.
const MAXIMUM_PARTS: usize = 1_000_000;

/// Which fields are asked for, request by request.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    chunks: Vec<Vec<String>>,
    joined: Vec<String>,
    merge_key: Option<Vec<String>>,
}

impl Plan {
    /// Distributes fields. `configured` are those of the catalogue, if it is to be kept to.
    #[must_use]
    pub fn new(properties: &QueryProperties, fields: &[String], configured: Option<&[String]>) -> Self {
        let chosen = |field: &&String| configured.is_none_or(|configured| configured.contains(field));
        let chunks = match &properties.chunking {
            Some(chunking) => distribute(chunking, fields, &properties.always, configured),
            None => vec![properties.always.iter().chain(fields.iter().filter(chosen)).cloned().collect()],
        };
        let joined = chunks.iter().map(|chunk| chunk.join(",")).collect();
        let merge_key = properties.chunking.as_ref().map(|chunking| chunking.merge_key.clone().unwrap_or_else(|| vec!["id".to_owned()]));
        Self { chunks, joined, merge_key }
    }
}

fn distribute(chunking: &PropertyChunking, fields: &[String], always: &[String], configured: Option<&[String]>) -> Vec<Vec<String>> {
    let Some(limit) = chunking.limit.filter(|limit| *limit != 0) else {
        return vec![fields.iter().chain(always).cloned().collect()];
    };
    let mut chunks = Vec::new();
    let mut current = always.to_vec();
    let mut size = 0i64;
    for field in fields {
        if configured.is_some_and(|configured| !configured.contains(field)) {
            continue;
        }
        let weight = if chunking.characters { i64::try_from(field.chars().count()).unwrap_or(i64::MAX).saturating_add(3) } else { 1 };
        if size.saturating_add(weight) > limit {
            chunks.push(std::mem::replace(&mut current, always.to_vec()));
            size = 0;
        }
        current.push(field.clone());
        size = size.saturating_add(weight);
    }
    chunks.push(current);
    chunks
}

/// Where a page is in its chunks.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    at: usize,
    parts: IndexMap<String, Value>,
    /// Records that were not put together, and how many were found in all chunks.
    kept: u64,
    extracted: u64,
    last: Option<Value>,
}

/// What a page gave once all its chunks are there.
pub struct Whole {
    /// Records put together.
    pub merged: Vec<Value>,
    /// How many records there were.
    pub kept: u64,
    /// How many the last chunk gave before any filter.
    pub extracted: u64,
    /// The last of them.
    pub last: Option<Value>,
}

impl Chunks {
    /// The fields that are asked for next, as one text.
    #[must_use]
    pub fn current<'p>(&self, pages: &'p Rc<Pages>) -> Option<&'p str> {
        pages.plan.get().and_then(|plan| plan.joined.get(self.at)).map(String::as_str)
    }

    /// The fields that are asked for next.
    #[must_use]
    pub fn fields<'p>(&self, pages: &'p Rc<Pages>) -> Option<&'p [String]> {
        pages.plan.get().and_then(|plan| plan.chunks.get(self.at)).map(Vec::as_slice)
    }

    /// Takes a chunk's records; gives those that go on at once, and the page when the last chunk is there.
    ///
    /// # Errors
    /// There are too many.
    pub fn take(&mut self, pages: &Pages, records: Vec<Value>, extracted: u64) -> Result<(Vec<Value>, Option<Whole>), Failure> {
        let Some(plan) = pages.plan.get() else {
            let kept = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let last = records.last().cloned();
            return Ok((records, Some(Whole { merged: Vec::new(), kept, extracted, last })));
        };
        self.extracted = extracted;
        if self.parts.len().saturating_add(records.len()) > MAXIMUM_PARTS {
            return Err(system(format!("a page has more than {MAXIMUM_PARTS} records")));
        }
        let mut passed = Vec::new();
        for record in records {
            match plan.merge_key.as_ref().and_then(|keys| merge_key(keys, &record)) {
                Some(key) => match self.parts.get_mut(&key) {
                    Some(known) => merge(known, &record, 0),
                    None => {
                        self.parts.insert(key, record);
                    }
                },
                None => {
                    self.kept += 1;
                    self.last = Some(record.clone());
                    passed.push(record);
                }
            }
        }
        self.at += 1;
        if self.at < plan.chunks.len() {
            return Ok((passed, None));
        }
        let done = std::mem::take(self);
        let merged: Vec<Value> = done.parts.into_values().collect();
        let kept = done.kept.saturating_add(u64::try_from(merged.len()).unwrap_or(u64::MAX));
        let last = merged.last().cloned().or(done.last);
        Ok((passed, Some(Whole { merged, kept, extracted: done.extracted, last })))
    }
}

fn merge_key(keys: &[String], record: &Value) -> Option<String> {
    let values: Option<Vec<String>> =
        keys.iter().map(|key| record.get(key).filter(|value| value.is_truthy()).map(Value::python_str)).collect();
    values.map(|values| values.join(","))
}

fn merge(target: &mut Value, source: &Value, depth: usize) {
    let (Value::Dict(known), Value::Dict(added)) = (&mut *target, source) else {
        *target = source.clone();
        return;
    };
    let known: &mut Dict = std::sync::Arc::make_mut(known);
    for (key, value) in added.iter() {
        match known.get_mut(key) {
            Some(member) if depth < 64 => merge(member, value, depth + 1),
            _ => {
                known.insert(key.clone(), value.clone());
            }
        }
    }
}
