//! A cursor of the manifest with its templates evaluated: where a run begins and ends, in which steps, in which format.
//! Keeps no progress (`timeline` does).

use std::sync::Arc;

use crate::model::cursor::{Clamping, CountCursor, Cursor, DatetimeCursor, MinMax};
use crate::model::text::Text;
use crate::slice::dates;
use crate::slice::point::{Clamp, Gap, Number, Point, Time};
use crate::slice::timeline::overflow;
use crate::template::Scope;
use crate::value::Value;

/// Reaches to the run's end from everywhere, as the reference has it.
pub const ENDLESS: Gap = Gap { months: 0, micros: i64::MAX };

/// How positions are written.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// As dates.
    Time(Arc<Formats>),
    /// As they are.
    Count,
}

/// Formats of dates.
#[derive(Clone, Debug, PartialEq)]
pub struct Formats {
    /// Tried in this order, the last is `output`.
    pub input: Vec<String>,
    /// Of slices and states.
    pub output: String,
}

/// Where a run ends.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// When it is asked.
    Now,
    /// Here.
    At(Point),
    /// Nowhere.
    Never,
}

/// What a cursor goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The records' field.
    pub field: Arc<str>,
    /// The names of a slice's start and end, if slices are bounded by the cursor's own values.
    pub boundaries: Option<(Arc<str>, Arc<str>)>,
    /// Where the first run begins.
    pub start: Option<Point>,
    /// Where a run ends, before clamping.
    pub end: End,
    /// What is read again.
    pub lookback: Option<Gap>,
    /// A slice's length; none or zero: all at once.
    pub step: Option<Gap>,
    /// The smallest difference the API tells apart.
    pub granularity: Option<Gap>,
    /// What boundaries are rounded to.
    pub clamp: Clamp,
    /// Whether a slice of no length is left out.
    pub strictly: bool,
    /// How positions are written.
    pub scale: Scale,
}

/// The name of the records' field.
///
/// # Errors
/// The template cannot be evaluated.
pub fn field_name(cursor: &Cursor, scope: &Scope) -> Result<Arc<str>, String> {
    text(cursor.field(), scope).map(Into::into)
}

/// The names of a slice's start and end.
///
/// # Errors
/// A template cannot be evaluated.
pub fn boundary_names(cursor: &Cursor, scope: &Scope) -> Result<(Arc<str>, Arc<str>), String> {
    let Cursor::Datetime(cursor) = cursor else { return Ok(("start".into(), "end".into())) };
    let name = |given: &Option<Text>, default: &str| match given {
        Some(given) if !given.source().is_empty() => text(given, scope).map(Arc::from),
        _ => Ok(Arc::from(default)),
    };
    Ok((name(&cursor.start_name, "start_time")?, name(&cursor.end_name, "end_time")?))
}

impl Rule {
    /// Evaluates a cursor.
    ///
    /// # Errors
    /// A template, date or duration cannot be read, or they do not fit together.
    pub fn new(cursor: &Cursor, scope: &Scope) -> Result<Self, String> {
        match cursor {
            Cursor::Datetime(model) => Self::datetime(model, field_name(cursor, scope)?, boundary_names(cursor, scope)?, scope),
            Cursor::Count(model) => Self::count(model, field_name(cursor, scope)?, scope),
        }
    }

    fn datetime(model: &DatetimeCursor, field: Arc<str>, names: (Arc<str>, Arc<str>), scope: &Scope) -> Result<Self, String> {
        let granularity = model.granularity.as_deref().filter(|text| !text.is_empty()).map(dates::duration).transpose()?;
        let lookback = duration(model.lookback.as_ref(), scope)?;
        let start = min_max(&model.start, &model.format, scope)?;
        let end = match &model.end {
            Some(end) => End::At(Point::Time(min_max(end, &model.format, scope)?)),
            None => End::Now,
        };
        let has_step = model.step.as_ref().is_some_and(|step| !step.source().is_empty());
        if has_step != granularity.is_some() {
            return Err("`step` and `cursor_granularity` come together or not at all".to_owned());
        }
        let step = duration(model.step.as_ref(), scope)?;
        Ok(Self {
            field,
            boundaries: Some(names),
            start: Some(Point::Time(start)),
            end,
            lookback: lookback.filter(|gap| !gap.is_zero()),
            step: Some(step.unwrap_or(ENDLESS)),
            granularity,
            clamp: model.clamping.as_ref().map_or(Ok(Clamp::None), |clamping| clamp(clamping, scope))?,
            strictly: model.is_compare_strictly,
            scale: Scale::Time(Arc::new(formats(model))),
        })
    }

    fn count(model: &CountCursor, field: Arc<str>, scope: &Scope) -> Result<Self, String> {
        let start = match &model.start {
            Some(start) => match start.evaluate(scope).map_err(|error| error.to_string())? {
                Value::Str(text) => text.trim().parse().ok().map(Value::Int),
                Value::Float(number, _) if number.is_finite() => Some(Value::Int(number.trunc() as i128)),
                Value::Bool(flag) => Some(Value::Int(i128::from(flag))),
                number @ Value::Int(_) => Some(number),
                _ => None,
            }
            .ok_or_else(|| "`start_value` is not a whole number".to_owned())?,
            None => Value::Int(0),
        };
        Ok(Self {
            field,
            boundaries: None,
            start: Some(Point::Number(Number(start))),
            end: End::Never,
            lookback: None,
            step: None,
            granularity: None,
            clamp: Clamp::None,
            strictly: false,
            scale: Scale::Count,
        })
    }

    /// The names of a window's members in a slice.
    #[must_use]
    pub fn names(&self) -> (Arc<str>, Arc<str>) {
        self.boundaries.clone().unwrap_or_else(|| ("start".into(), "end".into()))
    }

    /// Where a run ends that is asked now.
    ///
    /// # Errors
    /// It leaves the calendar.
    pub fn end(&self, now: i64) -> Result<Point, String> {
        let end = match &self.end {
            End::Now => Point::Time(Time { micros: now, offset: 0 }),
            End::At(point) => point.clone(),
            End::Never => return Ok(Point::Number(Number(Value::Float(f64::INFINITY, None)))),
        };
        let unit = match self.clamp {
            Clamp::None => return Ok(end),
            Clamp::Day => Gap::micros(1_000_000),
            Clamp::Week(_) | Clamp::Month => Gap::micros(86_400_000_000),
        };
        let unit = self.granularity.filter(|unit| !unit.is_zero()).unwrap_or(unit);
        end.clamp(self.clamp, false).and_then(|end| end.earlier(unit)).map_err(overflow)
    }

    /// Where a cursor without start and state stands.
    #[must_use]
    pub fn zero(&self) -> Point {
        match self.scale {
            Scale::Time(_) => Point::Time(Time { micros: -62_135_596_800_000_000, offset: 0 }),
            Scale::Count => Point::Number(Number(Value::Int(0))),
        }
    }

    /// The next position that the API tells apart from this.
    ///
    /// # Errors
    /// There is none.
    pub fn next(&self, point: &Point) -> Result<Point, String> {
        match point {
            Point::Time(_) => {
                let unit = self.granularity.filter(|unit| !unit.is_zero()).unwrap_or(Gap::micros(1000));
                Ok(point.later(unit).unwrap_or_else(|_| point.clone()))
            }
            Point::Number(Number(Value::Int(number))) => Ok(Point::Number(Number(Value::Int(number.saturating_add(1))))),
            Point::Number(Number(Value::Float(number, _))) => Ok(Point::Number(Number(Value::Float(number + 1.0, None)))),
            _ => Err("the cursor's field holds no numbers".to_owned()),
        }
    }

    /// Reads a position.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(&self, value: &Value) -> Result<Point, String> {
        match &self.scale {
            Scale::Time(formats) => formats.parse(value),
            Scale::Count => match value {
                Value::Int(_) | Value::Float(..) | Value::Bool(_) => Ok(Point::Number(Number(value.clone()))),
                Value::Str(text) => Ok(Point::Text(Arc::clone(text))),
                _ => Err("the cursor's field holds neither number nor text".to_owned()),
            },
        }
    }

    /// Writes a position.
    ///
    /// # Errors
    /// The format cannot write it.
    pub fn format(&self, point: &Point) -> Result<Value, String> {
        match (&self.scale, point) {
            (Scale::Time(formats), point) => formats.write(point),
            (_, Point::Number(number)) => Ok(number.0.clone()),
            (_, Point::Text(text)) => Ok(Value::Str(Arc::clone(text))),
            (Scale::Count, Point::Time(_)) => Err("a counting cursor holds no dates".to_owned()),
        }
    }
}

impl Formats {
    /// Reads a date.
    ///
    /// # Errors
    /// No format fits.
    pub fn parse(&self, value: &Value) -> Result<Point, String> {
        self.input
            .iter()
            .find_map(|format| dates::read(value, format).ok())
            .map(Point::Time)
            .ok_or_else(|| format!("a value of the cursor's field is in none of the formats {:?}", self.input))
    }

    /// Writes a date.
    ///
    /// # Errors
    /// It is none, or lies outside of the calendar.
    pub fn write(&self, point: &Point) -> Result<Value, String> {
        match point {
            Point::Time(time) => dates::write(*time, &self.output).map(Value::str),
            _ => Err("a cursor of dates holds something else".to_owned()),
        }
    }
}

/// How a cursor reads and writes dates.
#[must_use]
pub fn formats(model: &DatetimeCursor) -> Formats {
    let mut input = model.record_formats.clone();
    input.push(model.format.clone());
    Formats { input, output: model.format.clone() }
}

fn text(text: &Text, scope: &Scope) -> Result<String, String> {
    text.evaluate_to_text(scope).map_err(|error| error.to_string())
}

fn duration(given: Option<&Text>, scope: &Scope) -> Result<Option<Gap>, String> {
    let Some(given) = given.filter(|given| !given.source().is_empty()) else { return Ok(None) };
    match given.evaluate(scope).map_err(|error| error.to_string())? {
        value if !value.is_truthy() => Ok(None),
        Value::Str(text) => dates::duration(&text).map(Some),
        _ => Err("a duration is an ISO 8601 text such as `P1D`".to_owned()),
    }
}

fn min_max(model: &MinMax, format: &str, scope: &Scope) -> Result<Time, String> {
    let format = model.format.as_deref().unwrap_or(format);
    let mut time = dates::read(&Value::str(text(&model.datetime, scope)?), format)?;
    if let Some(minimum) = &model.minimum {
        let minimum = text(minimum, scope)?;
        if !minimum.is_empty() {
            let minimum = dates::read(&Value::str(minimum), format)?;
            time = if minimum.micros > time.micros { minimum } else { time };
        }
    }
    if let Some(maximum) = &model.maximum {
        let maximum = text(maximum, scope)?;
        if !maximum.is_empty() {
            let maximum = dates::read(&Value::str(maximum), format)?;
            time = if maximum.micros < time.micros { maximum } else { time };
        }
    }
    Ok(time)
}

fn clamp(model: &Clamping, scope: &Scope) -> Result<Clamp, String> {
    match text(&model.target, scope)?.as_str() {
        "DAY" => Ok(Clamp::Day),
        "MONTH" => Ok(Clamp::Month),
        "WEEK" => {
            let days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
            let weekday = model.weekday.as_deref().unwrap_or_default();
            let index = days.iter().position(|day| *day == weekday).and_then(|index| u8::try_from(index).ok());
            index.map(Clamp::Week).ok_or_else(|| "clamping to a WEEK needs `target_details.weekday`, MONDAY to SUNDAY".to_owned())
        }
        _ => Err("clamping goes to DAY, WEEK or MONTH".to_owned()),
    }
}
