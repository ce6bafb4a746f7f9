//! Methods of `datetime` and `date`.

use super::super::arguments::Given;
use super::super::error::{Outcome, TemplateError};
use super::super::operand::Operand;
use crate::value::Value;
use crate::value::datetime::{Moment, Parts, SECOND, Span, strftime, to_days};

pub(super) fn moment(moment: &Moment, name: &'static str, given: Given) -> Outcome<Operand> {
    let number = |number: i64| Operand::Value(Value::from(number));
    Ok(match name {
        "strftime" => {
            let format = given.bind(name, &["format"], 1)?.text(0, "")?;
            Operand::text(strftime(moment, &format))
        }
        "isoformat" => {
            let mut bound = given.bind(name, &["sep", "timespec"], 0)?;
            let separator = bound.text(0, "T")?.chars().next().unwrap_or('T');
            let precision = bound.text(1, "auto")?;
            Operand::text(isoformat(moment, separator, &precision)?)
        }
        "timestamp" => Operand::Value(Value::float(moment.timestamp())),
        "date" => Operand::Value(Value::Moment(moment.to_date())),
        "weekday" => number(moment.weekday().into()),
        "isoweekday" => number((moment.weekday() + 1).into()),
        "toordinal" => {
            let Parts { year, month, day, .. } = moment.parts();
            number(to_days(year, month, day) + 719_163)
        }
        "ctime" => Operand::text(strftime(moment, "%a %b %e %H:%M:%S %Y")),
        "isocalendar" => {
            let part = |format: &str| strftime(moment, format).parse::<i64>().unwrap_or(0);
            Operand::tuple(vec![number(part("%G")), number(part("%V")), number(part("%u"))])
        }
        "utcoffset" => match moment.offset() {
            Some(offset) => Operand::Value(Value::Span(Span::from_micros(i128::from(offset) * i128::from(SECOND)))),
            None => Operand::none(),
        },
        "astimezone" => Operand::Value(Value::Moment(moment.to_utc()?)),
        "replace" => replace(moment, given)?,
        _ => return Err(TemplateError::value_error(format!("dates have no method '{name}' here"))),
    })
}

fn replace(moment: &Moment, given: Given) -> Outcome<Operand> {
    const NAMES: &[&str] = &["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"];
    let mut bound = given.bind("replace", NAMES, 0)?;
    let old = moment.parts();
    let mut part = |index: usize, old: u32| -> Outcome<u32> {
        u32::try_from(bound.int(index, old.into())?).map_err(|_| TemplateError::from(crate::value::datetime::DateError::Range))
    };
    let parts = Parts {
        year: i32::try_from(part(0, old.year.unsigned_abs())?)
            .map_err(|_| TemplateError::from(crate::value::datetime::DateError::Range))?,
        month: part(1, old.month)?,
        day: part(2, old.day)?,
        hour: part(3, old.hour)?,
        minute: part(4, old.minute)?,
        second: part(5, old.second)?,
        micro: part(6, old.micro)?,
    };
    let offset = match bound.take(7) {
        None => moment.offset(),
        Some(Operand::Value(Value::None)) => None,
        Some(_) => moment.offset().or(Some(0)),
    };
    let replaced = Moment::from_parts(parts, offset)?;
    Ok(Operand::Value(Value::Moment(if moment.is_date() { replaced.to_date() } else { replaced })))
}

fn isoformat(moment: &Moment, separator: char, precision: &str) -> Outcome<String> {
    let format = match precision {
        "auto" => return Ok(moment.isoformat(separator)),
        "hours" => "%H",
        "minutes" => "%H:%M",
        "seconds" => "%H:%M:%S",
        "milliseconds" | "microseconds" => "%H:%M:%S.%f",
        _ => return Err(TemplateError::value_error("unknown timespec value")),
    };
    let whole = moment.isoformat(separator);
    let zone = if moment.offset().is_some() { whole.get(whole.len().saturating_sub(6)..).unwrap_or_default() } else { "" };
    let mut time = strftime(moment, format);
    if precision == "milliseconds" {
        time.truncate(time.len() - 3);
    }
    Ok(format!("{}{separator}{time}{zone}", whole.get(..10).unwrap_or_default()))
}
