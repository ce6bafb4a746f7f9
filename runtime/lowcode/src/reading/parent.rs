//! A parent stream while it is read for its children: one partition for each of its records.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::fault::Failure;
use crate::model::partition::Parent;
use crate::model::stream::AnyStream;
use crate::reading::world::World;
use crate::reading::{Building, Pages, Reading, Work};
use crate::retrieve::system;
use crate::slice::Slice;
use crate::slice::cursor::{Greatest, NO_CURSOR};
use crate::value::{Dict, Value};

/// A parent while it is read.
pub struct ParentRun {
    reading: Reading,
    key: Vec<String>,
    field: Arc<str>,
    extra: Vec<Vec<String>>,
    lazy: Vec<String>,
    dependency: bool,
    /// The slice after the current one, once asked for: the last slice of a stream is told from others.
    upcoming: Option<Option<Work>>,
    current: Option<Current>,
}

struct Current {
    work: Work,
    pages: Pages,
    records: VecDeque<Value>,
    /// The record that is next; whether another follows decides when the slice is closed.
    held: Option<Value>,
    greatest: Greatest,
}

impl ParentRun {
    /// Begins at the state that its child keeps for it.
    ///
    /// # Errors
    /// A template cannot be evaluated or the stream cannot begin.
    pub fn new(parent: &Parent, child: &Dict, building: &Building<'_>) -> Result<Self, Failure> {
        let state = parent_state(parent, child, building)?;
        let texts = |path: &[crate::model::text::Text]| {
            path.iter().map(|step| building.text(step).map(|step| step.to_string())).collect::<Result<Vec<_>, _>>()
        };
        let key = building.text(&parent.key)?;
        Ok(Self {
            reading: Reading::new(&parent.stream, &state, &building.for_parent())?,
            key: key.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect(),
            field: building.text(&parent.field)?,
            extra: parent.extra_fields.iter().map(|path| texts(path)).collect::<Result<_, _>>()?,
            lazy: texts(&parent.lazy_read_pointer)?,
            dependency: parent.incremental_dependency,
            upcoming: None,
            current: None,
        })
    }

    /// Whether its state is kept in the child's.
    #[must_use]
    pub fn is_dependency(&self) -> bool {
        self.dependency
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.reading.name)
    }

    /// Changes with each change of its state.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.reading.tracker.version()
    }

    /// Its state.
    ///
    /// # Errors
    /// A position cannot be written.
    pub fn state(&self) -> Result<Value, Failure> {
        self.reading.tracker.state().map_err(system)
    }

    /// The next partition.
    ///
    /// # Errors
    /// The parent fails.
    pub fn next(&mut self, world: &World<'_>) -> Result<Option<Slice>, Failure> {
        loop {
            if self.current.is_none() && !self.begin(world)? {
                return Ok(None);
            }
            let Some(current) = &mut self.current else { return Ok(None) };
            let record = current.held.take();
            if record.is_some() {
                current.held = current.fetch(world)?;
            }
            let slice = match record {
                Some(record) => {
                    self.reading.tracker.observe(&mut current.greatest, &record);
                    child(&record, &current.work.slice, &self.key, &self.field, &self.extra, &self.lazy)
                }
                None => None,
            };
            if current.held.is_none() {
                self.end()?;
            }
            if slice.is_some() {
                return Ok(slice);
            }
        }
    }

    /// Begins the next slice; false if there is none.
    fn begin(&mut self, world: &World<'_>) -> Result<bool, Failure> {
        let next = match self.upcoming.take() {
            Some(next) => next,
            None => self.reading.next(world)?,
        };
        let Some(work) = next else {
            self.upcoming = Some(None);
            return Ok(false);
        };
        self.upcoming = Some(self.reading.next(world)?);
        let pages = self.reading.pages(&work)?;
        let mut current = Current { work, pages, records: VecDeque::new(), held: None, greatest: Greatest::default() };
        current.held = current.fetch(world)?;
        self.current = Some(current);
        Ok(true)
    }

    fn end(&mut self) -> Result<(), Failure> {
        if let Some(current) = self.current.take() {
            self.reading.close(&current.work, current.greatest)?;
        }
        if matches!(self.upcoming, Some(None)) {
            self.reading.finish()?;
        }
        Ok(())
    }
}

impl Current {
    fn fetch(&mut self, world: &World<'_>) -> Result<Option<Value>, Failure> {
        while self.records.is_empty() {
            match self.pages.next(world)? {
                Some(records) => self.records.extend(records),
                None => return Ok(None),
            }
        }
        Ok(self.records.pop_front())
    }
}

/// The partition that a record stands for; none if it has no value at the key.
fn child(record: &Value, parent: &Slice, key: &[String], field: &Arc<str>, extra: &[Vec<String>], lazy: &[String]) -> Option<Slice> {
    let value = locate(record, key).filter(|value| !matches!(value, Value::None))?.clone();
    let mut slice = Slice::default();
    slice.partition.insert(Arc::clone(field), value);
    slice.partition.insert("parent_slice".into(), Value::Dict(Arc::new(parent.partition.clone())));
    if !lazy.is_empty() {
        let page = locate(record, lazy).cloned().unwrap_or_else(|| Value::List(Arc::default()));
        slice.extra.insert("child_response".into(), page);
    }
    for path in extra {
        slice.extra.insert(path.join(".").into(), locate(record, path).cloned().unwrap_or(Value::None));
    }
    Some(slice)
}

/// What lies at a path; `*` stands for the one member there is.
fn locate<'r>(value: &'r Value, path: &[String]) -> Option<&'r Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Dict(dict) => match dict.get(step.as_str()) {
            Some(found) => Some(found),
            None if step == "*" && dict.len() == 1 => dict.values().next(),
            None => None,
        },
        Value::List(items) | Value::Tuple(items) => match step.parse::<i64>() {
            Ok(index) if index >= 0 => items.get(usize::try_from(index).ok()?),
            Ok(index) => items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?).and_then(|index| items.get(index)),
            Err(_) if step == "*" && items.len() == 1 => items.first(),
            Err(_) => None,
        },
        _ => None,
    })
}

/// The part of the child's state that is the parent's: under `parent_state`, or the one cursor of all partitions, or a plain value.
fn parent_state(parent: &Parent, child: &Dict, building: &Building<'_>) -> Result<Dict, Failure> {
    let mut child = child.clone();
    child.shift_remove(NO_CURSOR);
    if !parent.incremental_dependency || child.is_empty() {
        return Ok(Dict::new());
    }
    let name = parent.stream.name();
    let of = |state: Option<&Value>| state.and_then(Value::as_dict).cloned();
    if let Some(state) = of(child.get("parent_state").and_then(|states| states.get(name))) {
        return Ok(state);
    }
    if let Some(state) = of(child.get("state")) {
        return Ok(state);
    }
    let (1, Some(value @ (Value::Str(_) | Value::Int(_) | Value::Float(..)))) = (child.len(), child.values().next()) else {
        return Ok(Dict::new());
    };
    let stream = match &parent.stream {
        AnyStream::Declarative(stream) => stream,
        AnyStream::StateDelegating(stream) => &stream.incremental,
    };
    let Some(cursor) = &stream.incremental else { return Ok(Dict::new()) };
    let mut state = Dict::new();
    state.insert(building.text(cursor.field())?, value.clone());
    Ok(state)
}
