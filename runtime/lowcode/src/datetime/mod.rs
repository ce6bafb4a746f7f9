//! Dates as the reference's formats say them: Python's `strptime` and `strftime`, the reference's own directives, ISO 8601 durations.

/// `datetime.datetime`.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment;

/// `datetime.timedelta` or an ISO duration.
#[derive(Clone, Debug, PartialEq)]
pub struct Span;
