//! `schedule`: five or six cron fields and a time zone. Counts weekdays as cron does (0 and 7 are Sunday), which the `cron` crate does not.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::super::Schedule;
use super::super::load::Loader;
use super::super::raw::Table;
use super::read;
use crate::manifest::finding::shorten;
use crate::problem::Spanned;
use crate::vocab::closest_of;

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const HELP: &str = "write minute, hour, day, month, weekday and a time zone: `0 3 * * * Europe/Berlin`; or `manual`";

/// Why a text is no schedule, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScheduleFault {
    pub(super) reason: String,
    pub(super) help: String,
}

/// None for `manual`.
pub(super) fn parse(text: &str) -> Result<Option<Schedule>, ScheduleFault> {
    if text == "manual" {
        return Ok(None);
    }
    let fault = |reason: &str| ScheduleFault { reason: reason.to_owned(), help: HELP.to_owned() };
    if text.len() > 256 {
        return Err(fault("it is too long"));
    }
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    let zone = match fields.last().and_then(|last| Tz::from_str(last).ok()) {
        Some(zone) => {
            fields.pop();
            zone
        }
        None => match fields.last().filter(|last| fields.len() > 5 && looks_like_zone(last)) {
            Some(last) => return Err(unknown_zone(last)),
            None => Tz::UTC,
        },
    };
    let (seconds, rest) = match fields.as_slice() {
        rest if rest.len() == 5 => ("0", rest),
        [seconds, rest @ ..] if rest.len() == 5 => (*seconds, rest),
        _ => return Err(fault(&format!("five or six fields are needed, not {}", fields.len()))),
    };
    let [minute, hour, day, month, weekday] = rest else { return Err(fault("it has not five fields")) };
    let weekday = weekdays(weekday).ok_or_else(|| fault("its weekday is none of 0 to 7 and SUN to SAT"))?;
    let expression = format!("{seconds} {minute} {hour} {day} {month} {weekday}");
    let parsed = cron::Schedule::from_str(&expression).map_err(|_| fault("a field is out of range or cannot be read"))?;
    if parsed.after(&DateTime::<Utc>::UNIX_EPOCH.with_timezone(&zone)).next().is_none() {
        return Err(fault("such a day never comes"));
    }
    Ok(Some(Schedule { expression, zone: zone.name().to_owned() }))
}

/// An IANA name of a zone.
pub(super) fn zone_of(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<String>> {
    let written = read::text(table, name)?;
    match Tz::from_str(&written.value) {
        Ok(zone) => Some(Spanned { value: zone.name().to_owned(), span: written.span }),
        Err(_) => {
            let help = unknown_zone(&written.value).help;
            loader.findings.wrong(written.span, format!("the time zone `{}` is not known", shorten(&written.value)), help);
            None
        }
    }
}

fn looks_like_zone(word: &str) -> bool {
    word.chars().any(|character| character.is_ascii_lowercase())
        || (word.contains('/') && word.starts_with(|first: char| first.is_ascii_alphabetic()))
}

fn unknown_zone(word: &str) -> ScheduleFault {
    let reason = "its time zone is not known".to_owned();
    let help = match closest_of(word, TZ_VARIANTS.iter().map(|zone| zone.name())) {
        Some(nearest) => format!("write `{nearest}`"),
        None => "write an IANA zone such as `Europe/Berlin`, or leave it out for UTC".to_owned(),
    };
    ScheduleFault { reason, help }
}

/// The weekday field as a list of names. None if it cannot be read.
fn weekdays(field: &str) -> Option<String> {
    let mut days: Vec<usize> = Vec::new();
    for item in field.split(',') {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let step: usize = step.map_or(Some(1), |step| step.parse().ok()).filter(|step| (1..=7).contains(step))?;
        let (first, last) = match range {
            "*" | "?" if item == field && step == 1 => return Some("*".to_owned()),
            "*" | "?" => (0, 6),
            _ => match range.split_once('-') {
                Some((first, last)) => (weekday(first)?, weekday(last).map(|last| if last == 0 { 7 } else { last })?),
                None if item.contains('/') => (weekday(range)?, 6),
                None => (weekday(range)?, weekday(range)?),
            },
        };
        if first > last {
            return None;
        }
        days.extend((first..=last).step_by(step).map(|day| day % 7));
    }
    days.sort_unstable();
    days.dedup();
    let names: Vec<&str> = days.iter().filter_map(|day| DAYS.get(*day).copied()).collect();
    Some(names.join(","))
}

fn weekday(word: &str) -> Option<usize> {
    match word.parse::<usize>() {
        Ok(number) if number <= 7 && word.len() == 1 => Some(number),
        Ok(_) => None,
        Err(_) => DAYS.iter().position(|day| day.eq_ignore_ascii_case(word)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(Some(schedule)) => format!("{} | {}", schedule.expression, schedule.zone),
            Ok(None) => "manual".to_owned(),
            Err(fault) => format!("{} / {}", fault.reason, fault.help),
        }
    }

    #[test]
    fn five_and_six_fields_with_and_without_zone() {
        assert_eq!(shown("manual"), "manual");
        assert_eq!(shown("0 3 * * *"), "0 0 3 * * * | UTC");
        assert_eq!(shown("0 3 * * * Europe/Berlin"), "0 0 3 * * * | Europe/Berlin");
        assert_eq!(shown("*/10 0 3 * * *"), "*/10 0 3 * * * | UTC");
        assert_eq!(shown("30 0 3 1 JAN MON Europe/Berlin"), "30 0 3 1 JAN MON | Europe/Berlin");
        assert_eq!(shown("*/15 8-18 * * 1-5"), "0 */15 8-18 * * MON,TUE,WED,THU,FRI | UTC");
    }

    #[test]
    fn weekdays_count_from_sunday_as_zero() {
        let day = |field: &str| weekdays(field);
        assert_eq!(day("0").as_deref(), Some("SUN"));
        assert_eq!(day("7").as_deref(), Some("SUN"));
        assert_eq!(day("1").as_deref(), Some("MON"));
        assert_eq!(day("5-7").as_deref(), Some("SUN,FRI,SAT"));
        assert_eq!(day("FRI-SUN").as_deref(), Some("SUN,FRI,SAT"));
        assert_eq!(day("*/2").as_deref(), Some("SUN,TUE,THU,SAT"));
        assert_eq!(day("1-5/2").as_deref(), Some("MON,WED,FRI"));
        assert_eq!(day("8"), None);
        assert_eq!(day("5-2"), None);
        assert_eq!(day("MON,,TUE"), None);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        assert!(shown("").contains("not 0"));
        assert!(shown("0 3 * *").contains("not 4"));
        assert!(shown("0 3 * * * * 2030 Europe/Berlin").contains("not 7"));
        assert!(shown("61 3 * * *").contains("out of range"));
        assert!(shown("@daily").contains("not 1"));
        assert!(shown("0 3 30 2 *").contains("never comes"));
        assert_eq!(shown("0 3 * * * Europe/Berln"), "its time zone is not known / write `Europe/Berlin`");
    }
}
