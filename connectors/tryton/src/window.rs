//! Which span of changes a run reads, and where the next one goes on.
//!
//! A record's date of change is `write_date`, or `create_date` before its first change. A window is read in two parts, since no search of
//! Tryton's orders by both. Its end is fixed when it is begun: what changes while it is being read leaves it for the next one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::moment::Moment;

/// What is kept between runs: moments, no personal data.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Everything before was read. None: nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Moment>,
    /// A window that was left before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Open {
    until: Moment,
    part: Part,
    /// Records of this part up to here were read; those of the same moment are read again.
    from: Moment,
}

/// A part of a window.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Records that were never changed.
    New,
    /// Records that were.
    Changed,
}

impl Part {
    /// Both, in the order in which they are read. A record that is changed meanwhile moves behind the window's end, never back.
    pub const ALL: [Self; 2] = [Self::New, Self::Changed];

    /// The field that holds the date of change.
    pub fn field(self) -> &'static str {
        match self {
            Self::New => "create_date",
            Self::Changed => "write_date",
        }
    }
}

/// A record's place in a part: nothing comes twice, nothing is skipped, however many records share a moment.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Position {
    pub moment: Moment,
    pub id: u64,
}

/// A span of dates of change.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    since: Option<Moment>,
    until: Moment,
    resumed: Option<Open>,
}

impl State {
    /// The windows of a run: what is left of an earlier one, then all until now. Later changes carry a later moment than `now`.
    pub fn windows(self, now: Moment, overlap_seconds: u32) -> Vec<Window> {
        // The server tells whole seconds: what happens in this one is read too.
        let until = now.after(1);
        match self.open {
            None => vec![Window { since: self.since, until, resumed: None }],
            Some(open) => {
                let rest = Window { since: self.since, until: open.until, resumed: Some(open) };
                vec![rest, Window { since: rest.done(overlap_seconds).since, until: until.max(open.until), resumed: None }]
            }
        }
    }
}

impl Window {
    /// The parts that are still to be read.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let first = self.resumed.map(|open| open.part);
        Part::ALL.into_iter().filter(move |part| first.is_none_or(|first| *part >= first))
    }

    /// The filter for records of a part behind a position.
    pub fn domain(&self, part: Part, behind: Option<Position>) -> Value {
        let field = part.field();
        let mut clauses = vec![json!([field, "<", self.until.to_tryton()])];
        if part == Part::New {
            clauses.push(json!(["write_date", "=", null]));
        }
        match behind {
            Some(Position { moment, id }) => {
                let moment = moment.to_tryton();
                clauses.push(json!(["OR", [[field, ">", moment]], [[field, "=", moment], ["id", ">", id]]]));
            }
            None => {
                let resumed = self.resumed.filter(|open| open.part == part).map(|open| open.from);
                clauses.extend(resumed.or(self.since).map(|from| json!([field, ">=", from.to_tryton()])));
            }
        }
        Value::Array(clauses)
    }

    /// The state when a part was read up to a position.
    pub fn reached(&self, part: Part, position: Position) -> State {
        State { since: self.since, open: Some(Open { until: self.until, part, from: position.moment }) }
    }

    /// The state when it was read to its end: the next one begins a little earlier, for transactions that were under way.
    pub fn done(&self, overlap_seconds: u32) -> State {
        State { since: Some(self.until.before(overlap_seconds.saturating_add(1))), open: None }
    }
}
