//! A stream while it is read, by itself or for its children: its slices one after the other, the pages of a slice, and its state.
//! Emits nothing (`stream` does).

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::fault::{FailureType, Failure};
use crate::model::cursor::Cursor;
use crate::model::stream::{AnyStream, StateMigration, Stream};
use crate::model::partition::PartitionRouter;
use crate::model::text::Text;
use crate::slice::cursor::{Greatest, NO_CURSOR, Progress, Tracker};
use crate::slice::dates;
use crate::slice::options::Injector;
use crate::slice::partitioned::{Partitioned, Setting};
use crate::slice::router::RouterRun;
use crate::slice::rule::{Rule, field_name, formats};
use crate::slice::timeline::{Timeline, Windows};
use crate::slice::world::World;
use crate::slice::{Options, Slice};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// A cursor makes at most so many windows for one partition.
const WINDOW_LIMIT: u64 = 1_000_000;

/// A failure of the engine or the manifest.
pub fn system(message: impl Into<String>) -> Failure {
    Failure::Stream { failure_type: FailureType::System, message: message.into(), retry_after: None }
}

/// What streams are built with.
#[derive(Clone)]
pub struct Building<'b> {
    /// The configuration.
    pub config: &'b Value,
    /// The configuration in scope.
    pub scope: Scope,
    /// Names of all streams that are a parent of another.
    pub parents: &'b HashSet<String>,
    /// 0: read for itself, 1: for its children, and so on.
    pub level: usize,
}

impl<'b> Building<'b> {
    /// Begins with a configuration.
    #[must_use]
    pub fn new(config: &'b Value, parents: &'b HashSet<String>, now: i64) -> Self {
        Self { config, scope: Scope::new(now).with("config", config.clone()), parents, level: 0 }
    }

    /// For a parent of what is built.
    #[must_use]
    pub fn for_parent(&self) -> Self {
        Self { level: self.level.saturating_add(1), ..self.clone() }
    }

    /// A template's value.
    ///
    /// # Errors
    /// It cannot be evaluated.
    pub fn value(&self, text: &Text) -> Result<Value, Failure> {
        text.evaluate(&self.scope).map_err(|error| system(error.to_string()))
    }

    /// A template's value as text.
    ///
    /// # Errors
    /// It cannot be evaluated.
    pub fn text(&self, text: &Text) -> Result<Arc<str>, Failure> {
        text.evaluate_to_text(&self.scope).map(Arc::from).map_err(|error| system(error.to_string()))
    }
}

/// A slice that is to be read, and whose it is.
#[derive(Clone, Debug)]
pub struct Work {
    /// The slice.
    pub slice: Slice,
    /// Its partition, where partitions have cursors.
    pub key: Option<Arc<str>>,
}

/// A stream while it is read.
pub struct Reading {
    /// Its name.
    pub name: Arc<str>,
    /// Its cursor.
    pub tracker: Rc<Tracker>,
    /// Whether answers to its requests are kept.
    pub cached: bool,
    router: RouterRun,
    injector: Injector,
    windows: Option<Windows>,
    made: u64,
    partition: Option<PartitionWindows>,
}

/// The windows of the partition that is under way.
struct PartitionWindows {
    key: Arc<str>,
    partition: Slice,
    windows: Windows,
    next: Option<Dict>,
    made: u64,
}

impl Reading {
    /// Begins at a state; an empty one is none.
    ///
    /// # Errors
    /// A template cannot be evaluated, or the state cannot be read.
    pub fn new(stream: &AnyStream, state: &Dict, building: &Building<'_>) -> Result<Self, Failure> {
        match stream {
            AnyStream::Declarative(stream) => Self::declarative(stream, state, building),
            AnyStream::StateDelegating(delegating) if state.is_empty() => Self::declarative(&delegating.full_refresh, state, building),
            AnyStream::StateDelegating(delegating) => {
                if let Some(period) = &delegating.api_retention_period
                    && !within_retention(period, state, delegating.incremental.incremental.as_ref(), building)?
                {
                    return Self::declarative(&delegating.full_refresh, &Dict::new(), building);
                }
                Self::declarative(&delegating.incremental, state, building)
            }
        }
    }

    fn declarative(stream: &Stream, state: &Dict, building: &Building<'_>) -> Result<Self, Failure> {
        let state = migrate(stream, state, building)?;
        let routers = stream.retriever.partition_routers();
        let router = RouterRun::new(routers, &state, building)?;
        let tracker = track(stream, &router, &state, building)?;
        let injector = Injector::new(stream.incremental.as_ref(), routers, &building.scope).map_err(system)?;
        let name: Arc<str> = stream.name.as_str().into();
        let cached = match (stream.retriever.use_cache(), building.level) {
            (Some(explicit), _) => explicit,
            (None, 0) => building.parents.contains(stream.name.as_str()),
            (None, level) => level == 1,
        };
        Ok(Self { name, tracker, cached, router, injector, windows: None, made: 0, partition: None })
    }

    /// What cursor and partition add to the requests of a slice.
    #[must_use]
    pub fn options(&self, slice: &Slice) -> Options {
        self.injector.options(slice)
    }

    /// The next slice.
    ///
    /// # Errors
    /// A parent fails, or the cursor cannot be evaluated.
    pub fn next(&mut self, world: &World<'_>) -> Result<Option<Work>, Failure> {
        self.tracker.set_now(world.host.now_micros());
        let kind = match &*self.tracker.progress.borrow() {
            Progress::Final => 0,
            Progress::Single(_) => 1,
            Progress::Partitioned(_) => 2,
        };
        match kind {
            0 => Ok(self.router.next(world)?.map(|slice| Work { slice, key: None })),
            1 => self.next_window(),
            _ => self.next_of_partitions(world),
        }
    }

    fn next_window(&mut self) -> Result<Option<Work>, Failure> {
        if self.windows.is_none()
            && let Progress::Single(timeline) = &mut *self.tracker.progress.borrow_mut()
        {
            self.windows = Some(timeline.windows(self.tracker.now()).map_err(system)?);
        }
        let Some(windows) = &mut self.windows else { return Ok(None) };
        let Some(cursor) = windows.next().map_err(system)? else { return Ok(None) };
        self.made += 1;
        limit(self.made, &self.name)?;
        Ok(Some(Work { slice: Slice { cursor, ..Slice::default() }, key: None }))
    }

    fn next_of_partitions(&mut self, world: &World<'_>) -> Result<Option<Work>, Failure> {
        loop {
            if let Some(partition) = &mut self.partition {
                if let Some(cursor) = partition.next.take() {
                    partition.next = partition.windows.next().map_err(system)?;
                    partition.made += 1;
                    limit(partition.made, &self.name)?;
                    if let Progress::Partitioned(partitions) = &mut *self.tracker.progress.borrow_mut() {
                        partitions.begin(&partition.key, partition.next.is_none());
                    }
                    let slice = Slice { cursor, ..partition.partition.clone() };
                    return Ok(Some(Work { slice, key: Some(Arc::clone(&partition.key)) }));
                }
                self.partition = None;
            }
            let Some(partition) = self.router.next(world)? else { return Ok(None) };
            let parent_state = self.router.state()?;
            self.open(partition, parent_state)?;
        }
    }

    fn open(&mut self, partition: Slice, parent_state: Option<Value>) -> Result<(), Failure> {
        let now = self.tracker.now();
        let mut rule = None;
        if let Progress::Partitioned(partitions) = &mut *self.tracker.progress.borrow_mut() {
            partitions.start(now);
            let opened = partitions.open(&partition.partition, parent_state, now).map_err(system)?;
            rule = partitions.rule_made();
            if let Some((key, mut windows)) = opened {
                let next = windows.next().map_err(system)?;
                self.partition = Some(PartitionWindows { key, partition, windows, next, made: 0 });
            }
        }
        if let Some(rule) = rule {
            self.tracker.set_rule(&rule);
        }
        self.tracker.touch();
        Ok(())
    }

    /// Notes that a slice was read to its end. False if the state did not change.
    ///
    /// # Errors
    /// Its boundaries cannot be read.
    pub fn close(&self, work: &Work, greatest: Greatest) -> Result<bool, Failure> {
        self.tracker.close(work.key.as_deref(), &work.slice, greatest).map_err(system)
    }

    /// Notes that there are no more slices.
    ///
    /// # Errors
    /// A parent's position cannot be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let parent_state = self.router.state()?;
        self.tracker.finish(parent_state);
        Ok(())
    }
}

fn limit(made: u64, name: &str) -> Result<(), Failure> {
    if made > WINDOW_LIMIT {
        return Err(system(format!("the cursor of stream `{name}` makes more than {WINDOW_LIMIT} slices; a longer `step` makes fewer")));
    }
    Ok(())
}

fn track(stream: &Stream, router: &RouterRun, state: &Dict, building: &Building<'_>) -> Result<Rc<Tracker>, Failure> {
    let now = building.scope.now_micros();
    let Some(cursor) = &stream.incremental else { return Ok(Tracker::new(Progress::Final, None, "".into(), now)) };
    let field = field_name(cursor, &building.scope).map_err(system)?;
    if router.is_single() {
        let rule = Arc::new(Rule::new(cursor, &building.scope).map_err(system)?);
        let timeline = Timeline::new(Arc::clone(&rule), state, 0).map_err(system)?;
        return Ok(Tracker::new(Progress::Single(Box::new(timeline)), Some(rule), field, now));
    }
    let Cursor::Datetime(model) = cursor else {
        return Err(system(format!("stream `{}` has both a partition router and an `IncrementingCountCursor`", stream.name)));
    };
    let (cursor, scope) = (cursor.clone(), building.scope.clone());
    let setting = Setting {
        field: Arc::clone(&field),
        formats: Arc::new(formats(model)),
        is_global: router.is_grouping() || model.is_global,
        rule: Box::new(move || Rule::new(&cursor, &scope)),
    };
    let partitions = Partitioned::new(setting, state).map_err(system)?;
    let rule = partitions.rule_made();
    Ok(Tracker::new(Progress::Partitioned(Box::new(partitions)), rule, field, now))
}

fn migrate(stream: &Stream, state: &Dict, building: &Building<'_>) -> Result<Dict, Failure> {
    let mut state = state.clone();
    for migration in &stream.state_migrations {
        match migration {
            StateMigration::LegacyToPerPartition => state = legacy_to_partitions(stream, state, building)?,
        }
    }
    Ok(state)
}

/// `{parent: {field: value}}` becomes a state for each partition; anything else stays.
fn legacy_to_partitions(stream: &Stream, state: Dict, building: &Building<'_>) -> Result<Dict, Failure> {
    let field = match stream.retriever.partition_routers() {
        [PartitionRouter::Substream(router)] => match router.parents.as_slice() {
            [parent] => building.text(&parent.field)?,
            _ => return Ok(state),
        },
        [PartitionRouter::Union(router)] => building.text(&router.field)?,
        _ => return Err(system("`LegacyToPerPartitionStateMigration` needs a `SubstreamPartitionRouter` or `UnionPartitionRouter`")),
    };
    let Some(cursor) = &stream.incremental else {
        return Err(system("`LegacyToPerPartitionStateMigration` needs an `incremental_sync`"));
    };
    let cursor_field = building.text(cursor.field())?;
    let is_legacy = |value: &Value| value.as_dict().is_some_and(|dict| dict.len() == 1 && dict.contains_key(&cursor_field));
    if state.is_empty() || state.contains_key("states") || !state.values().all(is_legacy) {
        return Ok(state);
    }
    let states = state.iter().map(|(key, value)| {
        let partition: Dict = [(Arc::clone(&field), Value::Str(Arc::clone(key)))].into_iter().collect();
        let members: [(Arc<str>, Value); 2] = [("partition".into(), Value::Dict(Arc::new(partition))), ("cursor".into(), value.clone())];
        Value::Dict(Arc::new(members.into_iter().collect()))
    });
    let states = Value::List(Arc::new(states.collect()));
    Ok([(Arc::from("states"), states)].into_iter().collect())
}

/// Whether a state is young enough for the API to know everything since.
fn within_retention(period: &Text, state: &Dict, cursor: Option<&Cursor>, building: &Building<'_>) -> Result<bool, Failure> {
    let period = building.text(period)?;
    if period.is_empty() || period.as_ref() == "None" || state.get(NO_CURSOR).is_some_and(Value::is_truthy) {
        return Ok(true);
    }
    let Some(Cursor::Datetime(model)) = cursor else { return Ok(false) };
    let gap = dates::duration(&period).map_err(system)?;
    let field = building.text(&model.field)?;
    let inner = state.get("state").and_then(Value::as_dict).unwrap_or(state);
    let value = match inner.get("slices").and_then(Value::as_items).and_then(<[Value]>::first) {
        Some(first) => first.get("most_recent_cursor_value").or_else(|| first.get("end")),
        None => inner.get(&field),
    };
    let Some(Ok(point)) = value.map(|value| formats(model).parse(value)) else { return Ok(false) };
    let now = crate::slice::point::Point::Time(crate::slice::point::Time { micros: building.scope.now_micros(), offset: 0 });
    let cutoff = now.subtract(gap).map_err(crate::slice::timeline::overflow).map_err(system)?;
    Ok(point.compare(&cutoff).map_err(system)? != std::cmp::Ordering::Less)
}
