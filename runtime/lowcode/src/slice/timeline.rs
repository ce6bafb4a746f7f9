//! One cursor over one stretch of time (or count): which windows are still to be read, what has been read, and the state that says so.
//! Evaluates no template (`rule` does) and knows no partitions (`partitioned` does).

use std::cmp::Ordering;
use std::sync::Arc;

use crate::slice::Slice;
use crate::slice::point::{Gap, Overflow, Point};
use crate::slice::rule::Rule;
use crate::value::{Dict, Value};

/// What was read without a hole.
#[derive(Clone, Debug, PartialEq)]
struct Interval {
    start: Point,
    end: Point,
    /// The greatest value seen in it.
    recent: Option<Point>,
}

/// A cursor and its progress.
#[derive(Clone, Debug)]
pub struct Timeline {
    rule: Arc<Rule>,
    /// Where the run began: the state's value or the configured start, whichever is later.
    base: Point,
    intervals: Vec<Interval>,
    /// The state this run began with; members that are not the cursor's are handed on.
    legacy: Dict,
    closed: bool,
}

impl Timeline {
    /// Begins at a state: `{field: value}` or the form with `slices`; an empty one begins at the start.
    ///
    /// # Errors
    /// A value of the state cannot be read.
    pub fn new(rule: Arc<Rule>, state: &Dict, lookback_seconds: i64) -> Result<Self, String> {
        if matches!(state.get("state_type").and_then(Value::as_str), Some("date-range" | "integer")) {
            return Self::from_intervals(rule, state);
        }
        let mut legacy = state.clone();
        if lookback_seconds != 0
            && let Some(value) = legacy.get(&*rule.field).filter(|value| value.is_truthy()).cloned()
        {
            let earlier = rule.parse(&value)?.earlier(Gap::micros(lookback_seconds.saturating_mul(1_000_000))).map_err(overflow)?;
            legacy.insert(Arc::clone(&rule.field), rule.format(&earlier)?);
        }
        let start = rule.start.clone().unwrap_or_else(|| rule.zero());
        let base = match legacy.get(&*rule.field) {
            Some(value) => {
                let mark = rule.parse(value)?;
                if mark.is_truthy() && mark.compare(&start)? != Ordering::Less { mark } else { start.clone() }
            }
            None => start.clone(),
        };
        let interval = Interval { start, end: base.clone(), recent: Some(base.clone()) };
        Ok(Self { rule, base, intervals: vec![interval], legacy, closed: false })
    }

    fn from_intervals(rule: Arc<Rule>, state: &Dict) -> Result<Self, String> {
        let mut intervals = Vec::new();
        for item in state.get("slices").and_then(Value::as_items).unwrap_or_default() {
            let point = |key: &str| match item.get(key) {
                Some(value) => rule.parse(value).map(Some),
                None => Ok(None),
            };
            let missing = || "the state's slices need `start` and `end`".to_owned();
            let (start, end) = (point("start")?.ok_or_else(missing)?, point("end")?.ok_or_else(missing)?);
            intervals.push(Interval { start, end, recent: point("most_recent_cursor_value")? });
        }
        let base = intervals
            .first()
            .map(|first| first.recent.clone().unwrap_or_else(|| first.end.clone()))
            .or_else(|| rule.start.clone())
            .unwrap_or_else(|| rule.zero());
        let legacy = state.get("legacy").and_then(Value::as_dict).cloned().unwrap_or_default();
        Ok(Self { rule, base, intervals, legacy, closed: false })
    }

    /// The windows that are still to be read, as cursor parts of slices.
    ///
    /// # Errors
    /// There is nothing to begin at, or a boundary leaves the calendar.
    pub fn windows(&mut self, now: i64) -> Result<Windows, String> {
        self.merge()?;
        let Some(first) = self.intervals.first() else {
            return Err("the state has no slice to begin at".to_owned());
        };
        let rule = &self.rule;
        let end = rule.end(now)?;
        let mut ranges = Vec::new();
        if let Some(start) = &rule.start
            && start.compare(&first.start)? == Ordering::Less
        {
            ranges.push(Range { lower: start.clone(), upper: first.start.clone(), last: false });
        }
        for pair in self.intervals.windows(2) {
            if let [earlier, later] = pair {
                let lower = match rule.granularity {
                    Some(unit) => earlier.end.later(unit).map_err(overflow)?,
                    None => earlier.end.clone(),
                };
                ranges.push(Range { lower, upper: later.start.clone(), last: false });
            }
        }
        if let Some(interval) = self.intervals.last() {
            let lower = match rule.lookback {
                Some(gap) => interval.end.earlier(gap).map_err(overflow)?,
                None => interval.end.clone(),
            };
            ranges.push(Range { lower, upper: end.clone(), last: true });
        }
        ranges.reverse();
        Ok(Windows { rule: Arc::clone(rule), end, ranges, stepping: None })
    }

    /// Notes that a slice was read to its end; `recent` is the greatest cursor value among its records. False if nothing changed.
    ///
    /// # Errors
    /// The slice's boundaries cannot be read.
    pub fn close(&mut self, slice: &Slice, recent: Option<Point>) -> Result<bool, String> {
        let interval = match (&self.rule.boundaries, recent) {
            (Some((start, end)), recent) => {
                let boundary = |key: &str| {
                    let value = slice.get(key).ok_or_else(|| format!("the slice has no boundary `{key}`"))?;
                    self.rule.parse(value)
                };
                Some(Interval { start: boundary(start)?, end: boundary(end)?, recent })
            }
            (None, Some(recent)) if recent.is_truthy() => {
                if self.closed {
                    return Err("a cursor without boundaries takes one slice only".to_owned());
                }
                Some(Interval { start: self.base.clone(), end: recent.clone(), recent: Some(recent) })
            }
            (None, _) => None,
        };
        self.closed = true;
        let Some(interval) = interval else { return Ok(false) };
        self.intervals.push(interval);
        self.merge()?;
        Ok(true)
    }

    /// What the next run begins at.
    ///
    /// # Errors
    /// The value cannot be written in the cursor's format.
    pub fn state(&self) -> Result<Dict, String> {
        let mut state = self.legacy.clone();
        let Some(first) = self.intervals.first() else {
            return Err("the state has no slice to tell of".to_owned());
        };
        let latest = first.recent.as_ref().filter(|point| point.is_truthy()).unwrap_or(&first.start);
        state.insert(Arc::clone(&self.rule.field), self.rule.format(latest)?);
        Ok(state)
    }

    /// Whether a value of the cursor's field lies within what this run reads.
    ///
    /// # Errors
    /// It cannot be compared.
    pub fn wants(&self, point: &Point, now: i64) -> Result<bool, String> {
        Ok(self.lowest()?.compare(point)? != Ordering::Greater && point.compare(&self.rule.end(now)?)? != Ordering::Greater)
    }

    fn lowest(&self) -> Result<Point, String> {
        let Some(gap) = self.rule.lookback else { return Ok(self.base.clone()) };
        let Ok(lower) = self.base.earlier(gap) else { return Ok(self.base.clone()) };
        let Some(start) = self.rule.start.as_ref().filter(|start| start.is_truthy()) else { return Ok(lower) };
        let floor = if self.base.compare(start)? == Ordering::Less { &self.base } else { start };
        Ok(if lower.compare(floor)? == Ordering::Less { floor.clone() } else { lower })
    }

    fn merge(&mut self) -> Result<(), String> {
        let mut failed = Ok(());
        self.intervals.sort_by(|one, two| {
            let order = one.start.compare(&two.start).and_then(|order| Ok(order.then(one.end.compare(&two.end)?)));
            order.unwrap_or_else(|message| {
                failed = Err(message);
                Ordering::Equal
            })
        });
        failed?;
        let mut merged: Vec<Interval> = Vec::with_capacity(self.intervals.len());
        for interval in self.intervals.drain(..) {
            match merged.last_mut() {
                Some(last) if self.rule.next(&last.end)?.compare(&interval.start)? != Ordering::Less => absorb(last, interval)?,
                _ => merged.push(interval),
            }
        }
        self.intervals = merged;
        Ok(())
    }
}

fn absorb(last: &mut Interval, interval: Interval) -> Result<(), String> {
    if last.end.compare(&interval.end)? == Ordering::Less {
        last.end = interval.end;
    }
    let known = |point: &Option<Point>| point.as_ref().is_some_and(Point::is_truthy);
    last.recent = match (known(&last.recent), known(&interval.recent)) {
        (true, true) => match (&last.recent, &interval.recent) {
            (Some(one), Some(two)) if one.compare(two)? == Ordering::Less => interval.recent,
            _ => last.recent.take(),
        },
        (_, true) => interval.recent,
        _ => last.recent.take(),
    };
    Ok(())
}

/// Adding or subtracting left the calendar.
pub(crate) fn overflow(_: Overflow) -> String {
    "a boundary leaves the years 1 to 9999".to_owned()
}

#[derive(Clone, Debug)]
struct Range {
    lower: Point,
    upper: Point,
    /// Whether `upper` is where the run ends, not where the next interval begins.
    last: bool,
}

/// Windows still to come; made one by one, however many they are.
#[derive(Clone, Debug)]
pub struct Windows {
    rule: Arc<Rule>,
    end: Point,
    /// The next one last.
    ranges: Vec<Range>,
    stepping: Option<Range>,
}

impl Windows {
    /// The next window, as the cursor part of a slice.
    ///
    /// # Errors
    /// A boundary leaves the calendar or cannot be written.
    pub fn advance(&mut self) -> Result<Option<Dict>, String> {
        loop {
            if let Some(range) = self.stepping.take()
                && let Some(window) = self.step(range)?
            {
                return Ok(Some(window));
            }
            let Some(range) = self.ranges.pop() else { return Ok(None) };
            if let Some(range) = self.clip(range)? {
                match self.whole(&range)? {
                    Some(window) => return Ok(Some(window)),
                    None => self.stepping = Some(range),
                }
            }
        }
    }

    /// The part of a range that is to be read; none if nothing of it is.
    fn clip(&self, range: Range) -> Result<Option<Range>, String> {
        let Range { mut lower, upper, last } = range;
        let unit = self.rule.granularity.filter(|gap| !gap.is_zero());
        match lower.compare(&upper)? {
            Ordering::Greater => return Ok(None),
            Ordering::Equal if unit.is_none() => return Ok(None),
            _ => {}
        }
        if let Some(start) = self.rule.start.as_ref().filter(|start| start.is_truthy()) {
            if upper.compare(start)? == Ordering::Less {
                return Ok(None);
            }
            if lower.compare(start)? == Ordering::Less {
                lower = start.clone();
            }
        }
        let lower = lower.clamp(self.rule.clamp, true).map_err(overflow)?;
        Ok(match lower.compare(&upper)? {
            Ordering::Greater => None,
            Ordering::Equal if self.rule.strictly || !last => None,
            _ => Some(Range { lower, upper, last }),
        })
    }

    /// The range as one window, if a step covers it.
    fn whole(&self, range: &Range) -> Result<Option<Dict>, String> {
        let rule = &self.rule;
        if let Some(step) = rule.step.filter(|step| !step.is_zero())
            && self.after(&range.lower, step).compare(&range.upper)? == Ordering::Less
        {
            return Ok(None);
        }
        let unit = rule.granularity.filter(|gap| !gap.is_zero());
        let upper =
            if range.last && unit.is_some() { range.upper.clone() } else { range.upper.clamp(rule.clamp, true).map_err(overflow)? };
        let upper = match unit {
            Some(unit) if !range.last => upper.earlier(unit).map_err(overflow)?,
            _ => upper,
        };
        self.window(&range.lower, &upper).map(Some)
    }

    /// One step of a range; puts the rest aside for the next.
    fn step(&mut self, range: Range) -> Result<Option<Dict>, String> {
        let rule = &self.rule;
        let Some(step) = rule.step else { return Ok(None) };
        let after = self.after(&range.lower, step);
        let upper = if after.compare(&range.upper)? == Ordering::Less { after } else { range.upper.clone() };
        let at_end = upper.compare(&range.upper)? != Ordering::Less;
        let clamped = if at_end { upper } else { upper.clamp(rule.clamp, true).map_err(overflow)? };
        let done = at_end || clamped == range.upper;
        let lower = range.lower.clamp(rule.clamp, true).map_err(overflow)?;
        if lower.compare(&clamped)? != Ordering::Less {
            return Ok(None);
        }
        let shown = match rule.granularity.filter(|gap| !gap.is_zero()) {
            Some(unit) if !range.last || !done => clamped.earlier(unit).map_err(overflow)?,
            _ => clamped.clone(),
        };
        let window = self.window(&lower, &shown)?;
        if !done {
            self.stepping = Some(Range { lower: clamped, ..range });
        }
        Ok(Some(window))
    }

    /// A step that leaves the calendar ends where the run ends.
    fn after(&self, lower: &Point, step: Gap) -> Point {
        lower.later(step).unwrap_or_else(|_| self.end.clone())
    }

    fn window(&self, lower: &Point, upper: &Point) -> Result<Dict, String> {
        let (start, end) = self.rule.names();
        let mut window = Dict::with_capacity(2);
        window.insert(start, self.rule.format(lower)?);
        window.insert(end, self.rule.format(upper)?);
        Ok(window)
    }
}
