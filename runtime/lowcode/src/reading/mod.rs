//! A stream while it is read, by itself or for its children: its slices one after the other, the pages of a slice, and its state.
//! Emits nothing (`stream` does).

pub mod parent;
pub mod router;
pub mod world;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::fault::Failure;
use crate::model::cursor::Cursor;
use crate::model::partition::PartitionRouter;
use crate::model::stream::{AnyStream, StateMigration, Stream};
use crate::model::text::Text;
use crate::reading::router::RouterRun;
use crate::reading::world::World;
use crate::retrieve::{Blind, Inject, Retriever, Setup, Shared, Step, Walk, system};
use crate::slice::cursor::{Greatest, NO_CURSOR, Progress, Tracker};
use crate::slice::dates;
use crate::slice::options::Injector;
use crate::slice::partitioned::{Partitioned, Setting};
use crate::slice::rule::{Rule, field_name, formats};
use crate::slice::timeline::{Timeline, Windows};
use crate::slice::{Judge, Slice};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// A cursor makes at most so many windows for one partition.
const WINDOW_LIMIT: u64 = 100_000;

/// What streams are built with.
#[derive(Clone)]
pub struct Building<'b> {
    /// The configuration.
    pub config: &'b Value,
    /// The configuration in scope.
    pub scope: Scope,
    /// Names of all streams that are a parent of another.
    pub parents: &'b HashSet<String>,
    /// What all retrievers of the run share.
    pub shared: Shared,
    /// A stream's schema, where values are brought to its types.
    pub schemas: &'b dyn Fn(&Stream) -> Result<Value, Failure>,
    /// 0: read for itself, 1: for its children, and so on.
    pub level: usize,
    /// The number of the stream whose records may go to the gate on the blind path.
    pub number: Option<u32>,
}

impl<'b> Building<'b> {
    /// Begins with a configuration.
    #[must_use]
    pub fn new(
        scope: Scope,
        config: &'b Value,
        parents: &'b HashSet<String>,
        shared: Shared,
        schemas: &'b dyn Fn(&Stream) -> Result<Value, Failure>,
    ) -> Self {
        Self { config, scope, parents, shared, schemas, level: 0, number: None }
    }

    /// For a parent of what is built.
    #[must_use]
    pub fn for_parent(&self) -> Self {
        Self { level: self.level.saturating_add(1), number: None, ..self.clone() }
    }

    /// What cursor and partition routers add to requests.
    ///
    /// # Errors
    /// A template cannot be evaluated.
    pub fn inject(&self, cursor: Option<&Cursor>, routers: &[PartitionRouter]) -> Result<Inject, Failure> {
        let injector = Injector::new(cursor, routers, &self.scope).map_err(system)?;
        Ok(Rc::new(move |slice: &Slice| injector.options(slice)))
    }

    /// A retriever that is no stream's.
    ///
    /// # Errors
    /// A template cannot be evaluated.
    pub fn retriever(&self, model: &crate::model::Retriever, name: &str) -> Result<Retriever, Failure> {
        let setup = Setup {
            name,
            scope: &self.scope,
            transformations: &[],
            schema: None,
            client_side_incremental: false,
            data_feed: false,
            properties: None,
            shared: self.shared.clone(),
        };
        Retriever::new(model, &setup)
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

/// A stream's retriever, ready.
fn compile(stream: &Stream, building: &Building<'_>) -> Result<Retriever, Failure> {
    let normalizes = stream.retriever.record_selector().normalize;
    let setup = Setup {
        name: &stream.name,
        scope: &building.scope,
        transformations: &stream.transformations,
        schema: if normalizes { Some((building.schemas)(stream)?) } else { None },
        client_side_incremental: stream.incremental.as_ref().is_some_and(Cursor::is_client_side_incremental),
        data_feed: stream.incremental.as_ref().is_some_and(Cursor::is_data_feed),
        properties: None,
        shared: building.shared.clone(),
    };
    Retriever::new(&stream.retriever, &setup)
}

/// A stream and who asks for it, wherever both stand.
fn identity(stream: &Stream) -> String {
    let asks = format!("{:?}", stream.retriever.authenticator().map(|placed| &placed.component));
    let mut name = stream.name.clone();
    for (index, part) in asks.split("place: \"").enumerate() {
        name.push_str(if index == 0 { part } else { part.split_once('"').map_or("", |(_, rest)| rest) });
    }
    name
}

/// A slice that is to be read, and whose it is.
#[derive(Clone, Debug)]
pub struct Work {
    /// The slice.
    pub slice: Slice,
    /// Its partition, where partitions have cursors.
    pub key: Option<Arc<str>>,
}

/// The records of a slice, page by page; each page is waited for.
pub struct Pages {
    walk: Walk,
    judge: Rc<Tracker>,
    kept: Option<Arc<str>>,
}

impl Pages {
    /// Begins a slice.
    #[must_use]
    pub fn new(walk: Walk, judge: Rc<Tracker>, kept: Option<Arc<str>>) -> Self {
        Self { walk, judge, kept }
    }

    /// The records of the next page; none behind the last one.
    ///
    /// # Errors
    /// The API fails, or the run is to end.
    pub fn next(&mut self, world: &World<'_>) -> Result<Option<Vec<Value>>, Failure> {
        loop {
            match self.walk.next(world.host)? {
                Step::Done => return Ok(None),
                Step::Wait(seconds) => world.host.sleep(seconds).map_err(|_| Failure::Ended)?,
                Step::Pace(seconds) => world.host.pace(seconds).map_err(|_| Failure::Ended)?,
                Step::Request(request) => {
                    let answer = world.start(self.kept.as_deref(), &request).wait();
                    let page = self.walk.receive(world.host, self.judge.judge(), answer)?;
                    if !page.records.is_empty() {
                        return Ok(Some(page.records));
                    }
                }
            }
        }
    }
}

/// A stream while it is read.
pub struct Reading {
    /// Its name.
    pub name: Arc<str>,
    /// Its cursor.
    pub tracker: Rc<Tracker>,
    /// Under which name answers to its requests are kept, if they are.
    pub kept: Option<Arc<str>>,
    retriever: Retriever,
    blind: Option<Rc<Blind>>,
    router: RouterRun,
    inject: Inject,
    windows: Option<Windows>,
    partition: Option<PartitionWindows>,
}

/// The windows of the partition that is under way.
struct PartitionWindows {
    key: Arc<str>,
    partition: Slice,
    windows: Windows,
    next: Option<Dict>,
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
        let inject = building.inject(stream.incremental.as_ref(), routers)?;
        let name: Arc<str> = stream.name.as_str().into();
        let retriever = compile(stream, building)?;
        let is_kept = match (stream.retriever.use_cache(), building.level) {
            (Some(explicit), _) => explicit,
            (None, 0) => building.parents.contains(stream.name.as_str()),
            (None, level) => level == 1,
        };
        let kept = is_kept.then(|| identity(stream).into());
        let observe: Vec<String> = stream.incremental.iter().map(|_| tracker.field().to_owned()).collect();
        let blind = building.number.and_then(|number| Blind::new(stream, number, &observe).ok()).map(Rc::new);
        Ok(Self { name, tracker, kept, retriever, blind, router, inject, windows: None, partition: None })
    }

    /// The pages of a slice.
    ///
    /// # Errors
    /// A template cannot be evaluated.
    pub fn walk(&self, work: &Work) -> Result<Walk, Failure> {
        let walk = self.retriever.walk(work.slice.clone(), Rc::clone(&self.inject))?;
        Ok(match &self.blind {
            Some(blind) => walk.with_blind(Rc::clone(blind)),
            None => walk,
        })
    }

    /// The records of a slice, for children and checks.
    ///
    /// # Errors
    /// A template cannot be evaluated.
    pub fn pages(&self, work: &Work) -> Result<Pages, Failure> {
        Ok(Pages::new(self.walk(work)?, Rc::clone(&self.tracker), self.kept.clone()))
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
            let windows = timeline.windows(self.tracker.now()).map_err(system)?;
            bounded(&windows, &self.name)?;
            self.windows = Some(windows);
        }
        let Some(windows) = &mut self.windows else { return Ok(None) };
        let Some(cursor) = windows.advance().map_err(system)? else { return Ok(None) };
        Ok(Some(Work { slice: Slice { cursor, ..Slice::default() }, key: None }))
    }

    fn next_of_partitions(&mut self, world: &World<'_>) -> Result<Option<Work>, Failure> {
        loop {
            if let Some(partition) = &mut self.partition {
                if let Some(cursor) = partition.next.take() {
                    partition.next = partition.windows.advance().map_err(system)?;
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
                bounded(&windows, &self.name)?;
                let next = windows.advance().map_err(system)?;
                self.partition = Some(PartitionWindows { key, partition, windows, next });
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

/// Too many windows are told before the first one is read: a year of seconds must not become millions of requests first.
fn bounded(windows: &Windows, name: &str) -> Result<(), Failure> {
    let mut ahead = windows.clone();
    let mut made = 0;
    while ahead.advance().map_err(system)?.is_some() {
        made += 1;
        limit(made, name)?;
    }
    Ok(())
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
    let cutoff = now.earlier(gap).map_err(crate::slice::timeline::overflow).map_err(system)?;
    Ok(point.compare(&cutoff).map_err(system)? != std::cmp::Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_a_limit() {
        assert_eq!(limit(WINDOW_LIMIT, "a"), Ok(()));
        assert!(matches!(limit(WINDOW_LIMIT + 1, "a"), Err(Failure::Stream { message, .. }) if message.contains("`step`")));
    }
}
