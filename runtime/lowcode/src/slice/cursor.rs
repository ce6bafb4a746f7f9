//! The cursor of a stream while it is read: none, one timeline, or one for each partition. Tells pages what is wanted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::slice::dates;
use crate::slice::partitioned::Partitioned;
use crate::slice::point::Point;
use crate::slice::rule::Rule;
use crate::slice::timeline::{Timeline, overflow};
use crate::slice::{Judge, Slice};
use crate::value::{Dict, Value};

/// What a stream without a cursor leaves as its state.
pub const NO_CURSOR: &str = "__ab_no_cursor_state_message";

/// How far the stream is read.
pub enum Progress {
    /// Nothing to keep.
    Final,
    /// One cursor.
    Single(Box<Timeline>),
    /// One for each partition.
    Partitioned(Box<Partitioned>),
}

/// The cursor of a stream while it is read.
pub struct Tracker {
    /// How far it is.
    pub progress: RefCell<Progress>,
    /// Evaluated as for a single partition; none without a cursor, or as long as no partition asked for it.
    rule: RefCell<Option<Arc<Rule>>>,
    field: Arc<str>,
    /// What the clock showed last.
    now: Cell<i64>,
    /// Grows with each change of the state.
    version: Cell<u64>,
}

/// The greatest positions of a slice's records.
#[derive(Clone, Debug, Default)]
pub struct Greatest {
    /// In time.
    pub point: Option<Point>,
    /// As written.
    pub written: Option<Value>,
}

impl Tracker {
    /// A cursor with its progress; the field is empty without one.
    #[must_use]
    pub fn new(progress: Progress, rule: Option<Arc<Rule>>, field: Arc<str>, now: i64) -> Rc<Self> {
        Rc::new(Self { progress: RefCell::new(progress), rule: RefCell::new(rule), field, now: Cell::new(now), version: Cell::new(0) })
    }

    /// Sets the clock.
    pub fn set_now(&self, now: i64) {
        self.now.set(now);
    }

    /// What the clock showed last.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now.get()
    }

    /// Takes the rule once a partition has made it.
    pub fn set_rule(&self, rule: &Arc<Rule>) {
        if self.rule.borrow().is_none() {
            *self.rule.borrow_mut() = Some(Arc::clone(rule));
        }
    }

    /// Changes with each change of the state.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.get()
    }

    /// Tells that the state changed.
    pub fn touch(&self) {
        self.version.set(self.version.get().wrapping_add(1));
    }

    /// Whether there is a cursor.
    #[must_use]
    pub fn has_cursor(&self) -> bool {
        !matches!(*self.progress.borrow(), Progress::Final)
    }

    /// Itself, if pages have anything to ask.
    #[must_use]
    pub fn judge(&self) -> Option<&dyn Judge> {
        self.has_cursor().then_some(self as &dyn Judge)
    }

    /// Takes note of a record's position; records without one, or with one in no known format, do not count.
    pub fn observe(&self, greatest: &mut Greatest, record: &Value) {
        if let Some(value) = record.get(&self.field) {
            self.observe_value(greatest, value);
        }
    }

    /// Takes note of a position.
    pub fn observe_value(&self, greatest: &mut Greatest, value: &Value) {
        if matches!(value, Value::None) {
            return;
        }
        let rule = self.rule.borrow();
        let Some(rule) = rule.as_ref() else { return };
        let Ok(point) = rule.parse(value) else { return };
        if matches!(*self.progress.borrow(), Progress::Partitioned(_))
            && let Ok(written) = rule.format(&point)
        {
            let greater = match (&greatest.written, &written) {
                (Some(Value::Str(one)), Value::Str(two)) => one < two,
                (known, _) => known.is_none(),
            };
            if greater {
                greatest.written = Some(written);
            }
        }
        let greater = greatest.point.as_ref().is_none_or(|known| known.compare(&point) == Ok(std::cmp::Ordering::Less));
        if greater {
            greatest.point = Some(point);
        }
    }

    /// Notes that a slice was read to its end. False if the state did not change.
    ///
    /// # Errors
    /// Its boundaries cannot be read.
    pub fn close(&self, key: Option<&str>, slice: &Slice, greatest: Greatest) -> Result<bool, String> {
        self.touch();
        match &mut *self.progress.borrow_mut() {
            Progress::Final => Ok(false),
            Progress::Single(timeline) => timeline.close(slice, greatest.point),
            Progress::Partitioned(partitions) => {
                partitions.close(key.unwrap_or_default(), slice, greatest.point, greatest.written)?;
                Ok(true)
            }
        }
    }

    /// Notes that the run is over.
    pub fn finish(&self, parent_state: Option<Value>) {
        self.touch();
        if let Progress::Partitioned(partitions) = &mut *self.progress.borrow_mut() {
            partitions.finish(parent_state, self.now());
        }
    }

    /// What the next run begins at.
    ///
    /// # Errors
    /// A position cannot be written.
    pub fn state(&self) -> Result<Value, String> {
        let state = match &*self.progress.borrow() {
            Progress::Final => {
                let members: [(Arc<str>, Value); 1] = [(NO_CURSOR.into(), Value::Bool(true))];
                members.into_iter().collect()
            }
            Progress::Single(timeline) => timeline.state()?,
            Progress::Partitioned(partitions) => partitions.state()?,
        };
        Ok(Value::Dict(Arc::new(state)))
    }

    fn rule(&self) -> Result<Arc<Rule>, String> {
        self.rule.borrow().clone().ok_or_else(|| "the stream has no cursor that could split its slices".to_owned())
    }

    fn bounds(&self, rule: &Rule, slice: &Slice) -> Result<(Point, Point), String> {
        let (start, end) = rule.names();
        let bound = |name: &str| {
            let value = slice.cursor.get(name).ok_or_else(|| format!("the slice has no boundary `{name}`"))?;
            rule.parse(value)
        };
        Ok((bound(&start)?, bound(&end)?))
    }
}

fn with_bounds(slice: &Slice, rule: &Rule, start: &Point, end: &Point) -> Result<Slice, String> {
    let (start_name, end_name) = rule.names();
    let mut cursor = Dict::with_capacity(2);
    cursor.insert(start_name, rule.format(start)?);
    cursor.insert(end_name, rule.format(end)?);
    Ok(Slice { partition: slice.partition.clone(), cursor, extra: slice.extra.clone() })
}

impl Judge for Tracker {
    fn wanted(&self, slice: &Slice, record: &Value) -> Result<bool, String> {
        let Some(value) = record.get(&self.field).filter(|value| !matches!(value, Value::None)) else { return Ok(true) };
        let Ok(rule) = self.rule() else { return Ok(true) };
        let Ok(point) = rule.parse(value) else { return Ok(true) };
        match &*self.progress.borrow() {
            Progress::Final => Ok(true),
            Progress::Single(timeline) => timeline.wants(&point, self.now()),
            Progress::Partitioned(partitions) => partitions.wants(&slice.partition, &point, self.now()),
        }
    }

    fn split(&self, slice: &Slice, minimum: Option<&str>) -> Result<Option<[Slice; 2]>, String> {
        let rule = self.rule()?;
        let Some(unit) = rule.granularity.filter(|unit| !unit.is_zero()) else { return Ok(None) };
        let (start, end) = self.bounds(&rule, slice)?;
        let (Point::Time(first), Point::Time(last)) = (&start, &end) else { return Ok(None) };
        let span = last.micros.saturating_sub(first.micros);
        // Months have no length of their own; whoever counts in them does not split.
        if span <= 0 || unit.months != 0 || unit.micros <= 0 {
            return Ok(None);
        }
        if let Some(minimum) = minimum.map(dates::duration).transpose()?
            && minimum.months == 0
            && span <= minimum.micros
        {
            return Ok(None);
        }
        let half = (span / unit.micros + 1) / 2;
        if half < 1 {
            return Ok(None);
        }
        let offset = crate::slice::point::Gap::micros((half - 1).saturating_mul(unit.micros));
        let first_end = start.later(offset).map_err(overflow)?;
        let second_start = first_end.later(unit).map_err(overflow)?;
        let ordered = |one: &Point, two: &Point| one.compare(two).map(|order| order != std::cmp::Ordering::Greater);
        if !(ordered(&start, &first_end)? && ordered(&second_start, &end)?) {
            return Ok(None);
        }
        Ok(Some([with_bounds(slice, &rule, &start, &first_end)?, with_bounds(slice, &rule, &second_start, &end)?]))
    }

    fn narrow(&self, slice: &Slice, greatest: &Value) -> Result<Slice, String> {
        let rule = self.rule()?;
        let (_, end) = self.bounds(&rule, slice)?;
        with_bounds(slice, &rule, &rule.parse(greatest)?, &end)
    }

    fn field(&self) -> &str {
        &self.field
    }
}
