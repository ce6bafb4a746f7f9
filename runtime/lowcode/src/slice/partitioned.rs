//! A cursor for each partition, or one for all of them once they are too many: the state of a stream that is both incremental and partitioned.
//! Reads no parent stream (`router` does); is told which partitions there are.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::slice::Slice;
use crate::slice::point::Point;
use crate::slice::rule::{Formats, Rule};
use crate::slice::timeline::{Timeline, Windows};
use crate::value::{Dict, Value};

/// Partitions whose cursors are kept.
const KEPT_PARTITIONS: usize = 25_000;
/// Above so many, one cursor serves all.
const GLOBAL_ABOVE: u64 = 10_000;

/// What a stream of partitions begins with.
pub struct Setting {
    /// The records' field.
    pub field: Arc<str>,
    /// How it is written.
    pub formats: Arc<Formats>,
    /// Whether one cursor serves all partitions from the beginning.
    pub is_global: bool,
    /// Evaluates the cursor; asked once, when the first partition comes.
    pub rule: Box<dyn Fn() -> Result<Rule, String>>,
}

struct Entry {
    partition: Value,
    timeline: Timeline,
}

/// A partition with slices under way.
#[derive(Default)]
struct Open {
    outstanding: u64,
    generated: bool,
    sequence: u64,
}

/// The cursors of all partitions.
pub struct Partitioned {
    setting: Setting,
    rule: Option<Arc<Rule>>,
    entries: IndexMap<Arc<str>, Entry>,
    open: HashMap<Arc<str>, Open>,
    seen: HashSet<(u64, u64)>,
    processing: BTreeSet<u64>,
    parent_states: VecDeque<(Value, u64)>,
    parent_state: Option<Value>,
    generated: u64,
    partitions: u64,
    is_global: bool,
    global: Option<Value>,
    new_global: Option<Value>,
    lookback: i64,
    synced: bool,
    started: Option<i64>,
}

impl Partitioned {
    /// Begins at a state.
    ///
    /// # Errors
    /// The state cannot be read, or the cursor of one of its partitions cannot be evaluated.
    pub fn new(setting: Setting, state: &Dict) -> Result<Self, String> {
        let is_global = setting.is_global;
        let mut this = Self {
            setting,
            rule: None,
            entries: IndexMap::new(),
            open: HashMap::new(),
            seen: HashSet::new(),
            processing: BTreeSet::new(),
            parent_states: VecDeque::new(),
            parent_state: None,
            generated: 0,
            partitions: 0,
            is_global,
            global: None,
            new_global: None,
            lookback: 0,
            synced: false,
            started: None,
        };
        this.take(state)?;
        Ok(this)
    }

    fn take(&mut self, state: &Dict) -> Result<(), String> {
        if state.is_empty() {
            return Ok(());
        }
        if !state.contains_key("states") && !state.contains_key("state") {
            self.take_global(state)?;
        } else {
            self.is_global = state.get("use_global_cursor").is_some_and(Value::is_truthy);
            self.lookback = match state.get("lookback_window") {
                Some(Value::Int(seconds)) => i64::try_from(*seconds).unwrap_or(0),
                Some(Value::Float(seconds, _)) => *seconds as i64,
                _ => 0,
            };
            for item in state.get("states").and_then(Value::as_items).unwrap_or_default() {
                let (Some(partition), Some(cursor)) = (item.get("partition"), item.get("cursor").and_then(Value::as_dict)) else {
                    return Err("the state's `states` need `partition` and `cursor`".to_owned());
                };
                let timeline = Timeline::new(self.rule()?, cursor, 0)?;
                let (key, partition) = keyed(partition);
                self.partitions += 1;
                self.entries.insert(key, Entry { partition, timeline });
            }
            if let Some(global) = state.get("state").and_then(Value::as_dict) {
                self.take_global(global)?;
            }
        }
        self.parent_state = state.get("parent_state").filter(|parent| parent.is_truthy()).cloned();
        Ok(())
    }

    fn take_global(&mut self, state: &Dict) -> Result<(), String> {
        if let Some(value) = state.get(&*self.setting.field) {
            let point = self.setting.formats.parse(value)?;
            let value = self.setting.formats.write(&point)?;
            self.global = Some(value.clone());
            self.new_global = Some(value);
        }
        Ok(())
    }

    fn rule(&mut self) -> Result<Arc<Rule>, String> {
        if let Some(rule) = &self.rule {
            return Ok(Arc::clone(rule));
        }
        let rule = Arc::new((self.setting.rule)()?);
        self.rule = Some(Arc::clone(&rule));
        Ok(rule)
    }

    /// The cursor as it was evaluated, once a partition asked for it.
    #[must_use]
    pub fn rule_made(&self) -> Option<Arc<Rule>> {
        self.rule.clone()
    }

    /// Takes note of when the run began.
    pub fn start(&mut self, now: i64) {
        self.started.get_or_insert(now);
    }

    /// The windows of a new partition; none if it came before. `parent_state` is the parents' state once the partition is done.
    ///
    /// # Errors
    /// Its cursor cannot be evaluated.
    pub fn open(&mut self, partition: &Dict, parent_state: Option<Value>, now: i64) -> Result<Option<(Arc<str>, Windows)>, String> {
        self.keep_to_limits();
        let (key, partition) = keyed(&Value::Dict(Arc::new(partition.clone())));
        if !self.entries.contains_key(&key) {
            let timeline = self.fresh()?;
            self.partitions += 1;
            self.entries.insert(Arc::clone(&key), Entry { partition, timeline });
        }
        if !self.seen.insert(fingerprint(&key)) {
            return Ok(None);
        }
        let sequence = self.generated;
        self.generated += 1;
        self.processing.insert(sequence);
        let parent_state = parent_state.unwrap_or(Value::None);
        if self.parent_states.back().is_none_or(|(last, _)| *last != parent_state) {
            self.parent_states.push_back((parent_state, sequence));
        }
        self.open.insert(Arc::clone(&key), Open { outstanding: 0, generated: false, sequence });
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(None) };
        let windows = entry.timeline.windows(now)?;
        Ok(Some((key, windows)))
    }

    fn fresh(&mut self) -> Result<Timeline, String> {
        let mut state = Dict::new();
        let mut lookback = 0;
        if let Some(global) = &self.global {
            state.insert(Arc::clone(&self.setting.field), global.clone());
            lookback = self.lookback;
        }
        Timeline::new(self.rule()?, &state, lookback)
    }

    fn keep_to_limits(&mut self) {
        if self.partitions > GLOBAL_ABOVE {
            self.is_global = true;
        }
        while self.entries.len() >= KEPT_PARTITIONS {
            let done = self.entries.keys().position(|key| !self.open.contains_key(key)).unwrap_or(0);
            self.entries.shift_remove_index(done);
        }
    }

    /// Notes that a slice of a partition is under way; `last` if no other follows.
    pub fn begin(&mut self, key: &str, last: bool) {
        if let Some(open) = self.open.get_mut(key) {
            open.outstanding += 1;
            open.generated |= last;
        }
    }

    /// Notes that a slice was read to its end: the greatest position among its records, and the greatest as written.
    ///
    /// # Errors
    /// The slice's boundaries cannot be read.
    pub fn close(&mut self, key: &str, slice: &Slice, recent: Option<Point>, written: Option<Value>) -> Result<(), String> {
        if let Some(written) = written {
            self.synced = true;
            self.raise(written);
        }
        let Some(open) = self.open.get_mut(key) else { return Ok(()) };
        open.outstanding = open.outstanding.saturating_sub(1);
        let done = open.generated && open.outstanding == 0;
        let sequence = open.sequence;
        if !self.is_global
            && let Some(entry) = self.entries.get_mut(key)
        {
            entry.timeline.close(slice, recent)?;
            if done && let Some(value) = entry.timeline.state()?.get(&*self.setting.field).cloned() {
                self.raise(value);
            }
        }
        if done {
            self.open.remove(key);
            self.processing.remove(&sequence);
        }
        while let Some((_, sequence)) = self.parent_states.front() {
            if self.processing.first().is_some_and(|first| first <= sequence) {
                break;
            }
            self.parent_state = self.parent_states.pop_front().map(|(state, _)| state);
        }
        Ok(())
    }

    /// The greatest as the reference compares: as written.
    fn raise(&mut self, value: Value) {
        let lower = match (&self.new_global, &value) {
            (Some(Value::Str(one)), Value::Str(two)) => one < two,
            (Some(_), _) => false,
            (None, _) => true,
        };
        if lower {
            self.new_global = Some(value);
        }
    }

    /// Notes that the run is over; `parent_state` is what the parents came to.
    pub fn finish(&mut self, parent_state: Option<Value>, now: i64) {
        if self.open.values().any(|open| open.outstanding > 0) {
            return;
        }
        if self.synced {
            self.global.clone_from(&self.new_global);
            let elapsed = now.saturating_sub(self.started.unwrap_or(now));
            self.lookback = elapsed.saturating_add(999_999).div_euclid(1_000_000).max(1);
        }
        self.parent_state = parent_state;
    }

    /// What the next run begins at.
    ///
    /// # Errors
    /// A position cannot be written.
    pub fn state(&self) -> Result<Dict, String> {
        let mut state = Dict::new();
        state.insert("use_global_cursor".into(), Value::Bool(self.is_global));
        if !self.is_global {
            let mut states = Vec::with_capacity(self.entries.len());
            for entry in self.entries.values() {
                let cursor = entry.timeline.state()?;
                let members: [(Arc<str>, Value); 2] =
                    [("partition".into(), entry.partition.clone()), ("cursor".into(), Value::Dict(Arc::new(cursor)))];
                states.push(Value::Dict(Arc::new(members.into_iter().collect())));
            }
            state.insert("states".into(), Value::List(Arc::new(states)));
        }
        if let Some(global) = &self.global {
            let members: [(Arc<str>, Value); 1] = [(Arc::clone(&self.setting.field), global.clone())];
            state.insert("state".into(), Value::Dict(Arc::new(members.into_iter().collect())));
        }
        state.insert("lookback_window".into(), Value::Int(self.lookback.into()));
        if let Some(parent) = &self.parent_state {
            state.insert("parent_state".into(), parent.clone());
        }
        Ok(state)
    }

    /// How many cursors a state holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether a state holds no cursor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a position lies within what the run reads of a partition.
    ///
    /// # Errors
    /// It cannot be compared.
    pub fn wants(&self, partition: &Dict, point: &Point, now: i64) -> Result<bool, String> {
        let Some(rule) = &self.rule else { return Ok(true) };
        if !self.is_global {
            let (key, _) = keyed(&Value::Dict(Arc::new(partition.clone())));
            if let Some(entry) = self.entries.get(&key) {
                return entry.timeline.wants(point, now);
            }
        }
        let mut state = Dict::new();
        if let Some(global) = &self.global {
            state.insert(Arc::clone(&self.setting.field), global.clone());
        }
        Timeline::new(Arc::clone(rule), &state, if state.is_empty() { 0 } else { self.lookback })?.wants(point, now)
    }
}

/// A partition's identity: its JSON with sorted members; and itself, sorted.
fn keyed(partition: &Value) -> (Arc<str>, Value) {
    let sorted = sort(partition, 0);
    let mut text = Vec::new();
    sorted.write_json(&mut text);
    (String::from_utf8_lossy(&text).into(), sorted)
}

fn sort(value: &Value, depth: usize) -> Value {
    match value {
        Value::Dict(dict) if depth < 64 => {
            let mut members: Vec<(Arc<str>, Value)> = dict.iter().map(|(key, value)| (Arc::clone(key), sort(value, depth + 1))).collect();
            members.sort_by(|one, two| one.0.cmp(&two.0));
            Value::Dict(Arc::new(members.into_iter().collect()))
        }
        Value::List(items) | Value::Tuple(items) if depth < 64 => {
            Value::List(Arc::new(items.iter().map(|item| sort(item, depth + 1)).collect()))
        }
        other => other.clone(),
    }
}

/// Two independent hashes: a partition that came before is told from a new one without keeping its text.
fn fingerprint(key: &str) -> (u64, u64) {
    let mut one = DefaultHasher::new();
    key.hash(&mut one);
    let mut two = DefaultHasher::new();
    (key.len(), key, 0x9e37_79b9_u64).hash(&mut two);
    (one.finish(), two.finish())
}
