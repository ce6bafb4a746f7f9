//! What cursor and partition routers add to the requests of a slice. Builds no request.

use std::sync::Arc;

use crate::model::cursor::Cursor;
use crate::model::partition::PartitionRouter;
use crate::model::requester::{Inject, RequestOption};
use crate::model::text::Text;
use crate::slice::rule::boundary_names;
use crate::slice::{Options, Slice};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// A member of a slice and where it goes in a request.
#[derive(Clone, Debug)]
struct Injection {
    inject: Inject,
    path: Vec<Arc<str>>,
    key: Arc<str>,
    /// Whether it is left out where it is empty or zero.
    only_if_true: bool,
}

/// All injections of a stream, names evaluated.
#[derive(Clone, Debug, Default)]
pub struct Injector {
    injections: Vec<Injection>,
}

impl Injector {
    /// Evaluates the names.
    ///
    /// # Errors
    /// A template cannot be evaluated.
    pub fn new(cursor: Option<&Cursor>, routers: &[PartitionRouter], scope: &Scope) -> Result<Self, String> {
        let mut injections = Vec::new();
        // Of several routers the first wins, so it comes last.
        for router in routers.iter().rev() {
            match router {
                PartitionRouter::List(list) => {
                    injections.extend(injection(list.option.as_ref(), &text(&list.field, scope)?, true, scope)?);
                }
                PartitionRouter::Substream(substream) => {
                    for parent in &substream.parents {
                        injections.extend(injection(parent.option.as_ref(), &text(&parent.field, scope)?, true, scope)?);
                    }
                }
                PartitionRouter::Grouping(_) | PartitionRouter::Union(_) => {}
            }
        }
        if let Some(cursor) = cursor {
            let (start, end) = boundary_names(cursor, scope)?;
            let (start_option, end_option) = match cursor {
                Cursor::Datetime(cursor) => (cursor.start_option.as_ref(), cursor.end_option.as_ref()),
                Cursor::Count(cursor) => (cursor.start_option.as_ref(), None),
            };
            injections.extend(injection(start_option, &start, false, scope)?);
            injections.extend(injection(end_option, &end, false, scope)?);
        }
        Ok(Self { injections })
    }

    /// What is added to the requests of a slice.
    #[must_use]
    pub fn options(&self, slice: &Slice) -> Options {
        let mut options = Options::default();
        for injection in &self.injections {
            let value = if injection.only_if_true { slice.partition.get(&injection.key) } else { slice.cursor.get(&injection.key) };
            let value = value.cloned().unwrap_or(Value::None);
            if injection.only_if_true && !value.is_truthy() {
                continue;
            }
            let target = match injection.inject {
                Inject::Parameter => &mut options.query,
                Inject::Header => &mut options.headers,
                Inject::BodyData => &mut options.body_data,
                Inject::BodyJson => &mut options.body_json,
            };
            place(target, &injection.path, value);
        }
        options
    }
}

fn injection(option: Option<&RequestOption>, key: &str, only_if_true: bool, scope: &Scope) -> Result<Option<Injection>, String> {
    let Some(option) = option else { return Ok(None) };
    let path = option.path.iter().map(|step| text(step, scope).map(Arc::from)).collect::<Result<_, _>>()?;
    Ok(Some(Injection { inject: option.inject, path, key: key.into(), only_if_true }))
}

fn text(text: &Text, scope: &Scope) -> Result<String, String> {
    text.evaluate_to_text(scope).map_err(|error| error.to_string())
}

fn place(target: &mut Dict, path: &[Arc<str>], value: Value) {
    match path {
        [] => {}
        [last] => {
            target.insert(Arc::clone(last), value);
        }
        [first, rest @ ..] => {
            let mut inner = target.get(first).and_then(Value::as_dict).cloned().unwrap_or_default();
            place(&mut inner, rest, value);
            target.insert(Arc::clone(first), Value::Dict(Arc::new(inner)));
        }
    }
}
