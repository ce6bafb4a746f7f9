//! When a flow runs and what becomes of times at which it could not, and the hours in which nothing begins.

use super::super::load::Loader;
use super::super::raw::Table;
use super::super::{Delay, Maintenance, Rate, Schedule, TimeOfDay, Timing};
use super::{read, schedule};
use crate::manifest::finding::shorten;
use crate::problem::{Span, Spanned};

/// Keys that say something about a schedule.
const WITH_SCHEDULE: [&str; 4] = ["overlap", "misfire", "jitter", "retries"];

/// None for `manual` and where there is none.
pub(super) fn schedule(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<Schedule>> {
    let written = read::text(table, "schedule")?;
    match schedule::parse(&written.value) {
        Ok(schedule) => Some(Spanned { value: schedule?, span: written.span }),
        Err(fault) => {
            loader.findings.wrong(written.span, format!("`{}` is not a schedule: {}", shorten(&written.value), fault.reason), fault.help);
            None
        }
    }
}

pub(super) fn timing(table: &Table, loader: &mut Loader<'_>) -> Timing {
    if read::text(table, "schedule").is_none_or(|written| written.value == "manual") {
        for (key, _) in WITH_SCHEDULE.iter().filter_map(|name| table.entry(name)) {
            let title = format!("`{}` means nothing without a schedule", key.value);
            loader.findings.wrong(key.span, title, "give the flow a `schedule`, or remove it");
        }
    }
    Timing {
        overlap: read::word(table, "overlap"),
        misfire: read::word(table, "misfire"),
        jitter: jitter(table, loader),
        retries: read::count(table, "retries"),
    }
}

fn jitter(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<Delay>> {
    let written = read::text(table, "jitter")?;
    let delay = Delay::parse(&written.value);
    if delay.is_none() {
        let title = format!("`{}` is not a duration of at most a day", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write it as ISO 8601, in hours, minutes and seconds: `PT5M`");
    }
    Some(Spanned { value: delay?, span: written.span })
}

/// `rate = "10/s"`.
pub(super) fn rate(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<Rate>> {
    let written = read::text(table, "rate")?;
    let rate = Rate::parse(&written.value);
    if rate.is_none() {
        let title = format!("`{}` is not a rate", shorten(&written.value));
        loader.findings.wrong(
            written.span,
            title,
            "write 1 to 1000000 requests for each second, minute or hour: `10/s`, `600/m`, `5000/h`",
        );
    }
    Some(Spanned { value: rate?, span: written.span })
}

pub(super) fn maintenance(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Maintenance> {
    let (from, to) = (time_of_day(table, "from", loader), time_of_day(table, "to", loader));
    let zone = schedule::zone_of(table, "zone", loader);
    let (from, to) = (from?, to?);
    if from.value == to.value {
        let help = "write when it ends; for a whole day two windows, `00:00` to `12:00` and `12:00` to `00:00`";
        loader.findings.wrong(to.span, "this window ends when it begins", help);
    }
    Some(Maintenance { span, from, to, days: read::words(table, "days"), zone })
}

fn time_of_day(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<TimeOfDay>> {
    let written = read::text(table, name)?;
    let time = TimeOfDay::parse(&written.value);
    if time.is_none() {
        let title = format!("`{}` is not a time of the day", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write hour and minute: `22:00`");
    }
    Some(Spanned { value: time?, span: written.span })
}
