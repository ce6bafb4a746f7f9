//! From extracted values to records: filter, transformations, types.

use crate::fault::Failure;
use crate::model::selector::RecordSelector;
use crate::model::text::Text;
use crate::retrieve::Setup;
use crate::retrieve::extract::{Extracted, Finder};
use crate::retrieve::failure::{system, template};
use crate::retrieve::normalize::normalize;
use crate::retrieve::transform::Transformer;
use crate::slice::{Judge, Slice};
use crate::template::Scope;
use crate::value::Value;

/// A record selector, ready.
#[derive(Clone, Debug)]
pub struct Selector {
    finder: Finder,
    filter: Option<Text>,
    transformer: Transformer,
    /// Whether the cursor drops old records here.
    judged: bool,
    transform_first: bool,
    schema: Option<Value>,
}

/// What a page gave, up to where it failed.
#[derive(Debug, Default)]
pub struct Selected {
    /// The records.
    pub records: Vec<Value>,
    /// How many were extracted.
    pub extracted: u64,
    /// Why there are no more.
    pub failure: Option<Failure>,
}

impl Selector {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// A template fails.
    pub fn new(selector: &RecordSelector, setup: &Setup<'_>) -> Result<Self, Failure> {
        Ok(Self {
            finder: Finder::new(&selector.extractor, setup.scope)?,
            filter: selector.filter.clone(),
            transformer: Transformer::new(setup.transformations, setup.scope)?,
            judged: setup.client_side_incremental && !setup.data_feed,
            transform_first: selector.transform_before_filtering.unwrap_or(setup.client_side_incremental),
            schema: setup.schema.clone().filter(|_| selector.normalize),
        })
    }

    /// The records of decoded bodies.
    pub fn select(&self, bodies: &[Value], slice: &Slice, scope: &Scope, judge: Option<&dyn Judge>) -> Selected {
        let extracted = match self.finder.find(bodies) {
            Ok(extracted) => extracted,
            Err(failure) => return Selected { failure: Some(failure), ..Selected::default() },
        };
        let Extracted { records, count } = extracted;
        Selected { extracted: count, ..self.refine(records, slice, scope, judge) }
    }

    /// Filters and transforms records that are found already.
    pub fn refine(&self, records: Vec<Value>, slice: &Slice, scope: &Scope, judge: Option<&dyn Judge>) -> Selected {
        let mut selected = Selected::default();
        for record in records {
            match self.one(record, slice, scope, judge) {
                Ok(Some(record)) => selected.records.push(record),
                Ok(None) => {}
                Err(failure) => {
                    selected.failure = Some(failure);
                    break;
                }
            }
        }
        selected
    }

    fn one(&self, mut record: Value, slice: &Slice, scope: &Scope, judge: Option<&dyn Judge>) -> Result<Option<Value>, Failure> {
        if self.transform_first {
            self.transformer.apply(&mut record, scope)?;
        }
        if let Some(judge) = judge.filter(|_| self.judged)
            && !judge.wanted(slice, &record).map_err(system)?
        {
            return Ok(None);
        }
        if let Some(filter) = &self.filter {
            // With a cursor that drops records an empty condition counts as none; without one it is false.
            let skip = self.judged && filter.source().is_empty();
            if !skip
                && !filter.evaluate_boolean(&scope.with("record", record.clone())).map_err(|error| template("`record_filter`", &error))?
            {
                return Ok(None);
            }
        }
        if !self.transform_first {
            self.transformer.apply(&mut record, scope)?;
        }
        if let Some(schema) = &self.schema {
            normalize(&mut record, schema);
        }
        if !matches!(record, Value::Dict(_)) {
            return Err(system(format!("a record is {}; an object is expected", record.type_name())));
        }
        Ok(Some(record))
    }
}
