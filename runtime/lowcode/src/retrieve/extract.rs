//! Records in decoded bodies.

use crate::fault::Failure;
use crate::model::selector::{Expander, Extractor};
use crate::model::text::Text;
use crate::retrieve::dpath;
use crate::retrieve::failure::{config, system, template};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// An extractor, ready.
#[derive(Clone, Debug)]
pub enum Finder {
    /// At a path.
    Path { path: Vec<String>, expander: Option<Box<Expansion>> },
    /// In several ways.
    Combined { finders: Vec<Finder>, first_match: bool, skip_empty: bool },
    /// The decoded values are the records.
    Rows,
}

/// A record expander, ready.
#[derive(Clone, Debug)]
pub struct Expansion {
    path: Vec<String>,
    remain_original_record: bool,
    parent_fields: Vec<(Vec<String>, Vec<String>)>,
    merge_parent: bool,
    emit_parent: bool,
}

/// What was found in a response.
#[derive(Debug, Default)]
pub struct Extracted {
    /// The records.
    pub records: Vec<Value>,
    /// How many there were, dropped empty ones included.
    pub count: u64,
}

fn path(texts: &[Text], scope: &Scope) -> Result<Vec<String>, Failure> {
    texts.iter().map(|text| text.evaluate_to_text(scope).map_err(|error| template("a path", &error))).collect()
}

impl Finder {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// A template fails, or the extractor asks for what is not supported.
    pub fn new(extractor: &Extractor, scope: &Scope) -> Result<Self, Failure> {
        Ok(match extractor {
            Extractor::Path { path: texts, expander } => Self::Path {
                path: path(texts, scope)?,
                expander: expander.as_ref().map(|expander| Expansion::new(expander, scope).map(Box::new)).transpose()?,
            },
            Extractor::Combined { extractors, first_match, skip_empty } => Self::Combined {
                finders: extractors.iter().map(|extractor| Self::new(extractor, scope)).collect::<Result<_, _>>()?,
                first_match: *first_match,
                skip_empty: *skip_empty,
            },
            Extractor::File { .. } => Self::Rows,
        })
    }

    /// The records in decoded bodies.
    ///
    /// # Errors
    /// A path fits more than it may.
    pub fn find(&self, bodies: &[Value]) -> Result<Extracted, Failure> {
        match self {
            Self::Rows => Ok(counted(bodies.to_vec())),
            Self::Path { path, expander } => {
                let mut records = Vec::new();
                for body in bodies {
                    find_in(body, path, expander.as_deref(), &mut records)?;
                }
                Ok(counted(records))
            }
            Self::Combined { finders, first_match, skip_empty } => {
                let mut all = Extracted::default();
                for finder in finders {
                    let mut found = finder.find(bodies)?;
                    if *skip_empty {
                        found.records.retain(Value::is_truthy);
                    }
                    if *first_match {
                        if !found.records.is_empty() {
                            return Ok(found);
                        }
                        continue;
                    }
                    all.count = all.count.saturating_add(found.count);
                    all.records.append(&mut found.records);
                }
                Ok(all)
            }
        }
    }
}

fn counted(records: Vec<Value>) -> Extracted {
    let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
    Extracted { records, count }
}

fn find_in(body: &Value, path: &[String], expander: Option<&Expansion>, records: &mut Vec<Value>) -> Result<(), Failure> {
    let mut add = |value: &Value| match expander {
        Some(expander) => expander.expand(value, records),
        None => {
            records.push(value.clone());
            Ok(())
        }
    };
    if path.iter().any(|step| step == "*") {
        return dpath::values(body, path).into_iter().try_for_each(add);
    }
    let found = if path.is_empty() { Some(body) } else { dpath::get(body, path).map_err(system)? };
    match found {
        Some(Value::List(items)) => items.iter().try_for_each(add),
        Some(value) if value.is_truthy() => add(value),
        _ => Ok(()),
    }
}

impl Expansion {
    fn new(expander: &Expander, scope: &Scope) -> Result<Self, Failure> {
        if expander.truncated_list_retriever.is_some() {
            return Err(config("a record expander that fetches truncated lists is not supported"));
        }
        let fields = expander.parent_fields.iter().map(|(from, to)| Ok((path(from, scope)?, path(to, scope)?)));
        Ok(Self {
            path: path(&expander.path, scope)?,
            remain_original_record: expander.remain_original_record,
            parent_fields: fields.collect::<Result<_, Failure>>()?,
            merge_parent: expander.merge_parent,
            emit_parent: expander.emit_parent,
        })
    }

    fn expand(&self, parent: &Value, records: &mut Vec<Value>) -> Result<(), Failure> {
        if !matches!(parent, Value::Dict(_)) || self.path.is_empty() {
            records.push(parent.clone());
            return Ok(());
        }
        let base = self.merge_parent.then(|| {
            let mut base = parent.clone();
            let _ = dpath::delete::<()>(&mut base, &self.path, None);
            base
        });
        let carries = self.remain_original_record || self.merge_parent || !self.parent_fields.is_empty();
        let mut any = false;
        for items in dpath::values(parent, &self.path).into_iter().filter_map(Value::as_items) {
            for item in items {
                any = true;
                let child = match item {
                    Value::Dict(dict) => dict.as_ref().clone(),
                    other if carries => Dict::from_iter([("value".into(), other.clone())]),
                    other => {
                        records.push(other.clone());
                        continue;
                    }
                };
                records.push(self.child(parent, child, base.as_ref())?);
            }
        }
        if !any && self.emit_parent {
            records.push(parent.clone());
        }
        Ok(())
    }

    fn child(&self, parent: &Value, child: Dict, base: Option<&Value>) -> Result<Value, Failure> {
        let mut merged = base.and_then(Value::as_dict).cloned().unwrap_or_default();
        merged.extend(child);
        let mut child = Value::dict(merged);
        for (from, to) in &self.parent_fields {
            let value = dpath::get(parent, from).ok().flatten().cloned().unwrap_or(Value::None);
            dpath::put(&mut child, to, value).map_err(|_| config("a field of the parent record cannot be put where `record_path` says"))?;
        }
        if self.remain_original_record {
            dpath::put(&mut child, &["original_record".to_owned()], parent.clone()).map_err(system)?;
        }
        Ok(child)
    }
}
