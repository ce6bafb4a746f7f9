//! What is told about runs to who watches: alerts, lineage, traces. Makes the documents; who sends them is the host's.
//!
//! Invariant: names that the manifest holds, codes and numbers only. No path of an undeclared field and no word of a connector goes out: either may
//! hold something of a record.

pub mod event;
pub mod lineage;
pub mod trace;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::problem::{Class, Code};

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It has begun.
    #[default]
    Running,
    /// It reached its end.
    Completed,
    /// It ended early because the process was asked to end.
    Interrupted,
    /// It did not reach its end.
    Failed(Code),
}

impl State {
    /// The code of its problem.
    #[must_use]
    pub fn code(self) -> Option<Code> {
        match self {
            Self::Failed(code) => Some(code),
            Self::Running | Self::Completed | Self::Interrupted => None,
        }
    }

    /// One word for labels.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::Failed(code) if code.class() == Class::Policy => "denied",
            Self::Failed(_) => "failed",
        }
    }
}

/// One run of one flow.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its id as the log has it; empty if it could not begin.
    pub id: String,
    /// The number behind the id: 48 bits of milliseconds, 80 random ones.
    pub number: u128,
    /// Flow id.
    pub flow: String,
    /// Microseconds since 1970.
    pub began_us: u64,
    /// Microseconds since 1970; as the begin while it runs.
    pub ended_us: u64,
    /// How it stands.
    pub state: State,
    /// Records that the source handed over.
    pub read: u64,
    /// Records that the destination took.
    pub written: u64,
    /// Records that the destination deleted.
    pub deleted: u64,
    /// What rules kept out: code and number of values or records.
    pub denied: Vec<(Code, u64)>,
    /// Entries in the audit log at this moment.
    pub audit_entries: u64,
}

impl Run {
    /// The id as other systems want it: RFC 9562, version 7, of the same number.
    #[must_use]
    pub fn uuid(&self) -> String {
        let versioned = (self.number & !(0xf << 76)) | (0x7 << 76);
        let number = (versioned & !(0x3 << 62)) | (0x2 << 62);
        let hex = format!("{number:032x}");
        let mut text = String::with_capacity(36);
        for (at, digit) in hex.char_indices() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }
}

/// RFC 3339 with microseconds.
fn timestamp(us: u64) -> String {
    let moment = i64::try_from(us).ok().and_then(DateTime::<Utc>::from_timestamp_micros).unwrap_or_default();
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}
