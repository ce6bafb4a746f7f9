//! What an attack is: a row of a table. Texts may hold `{server}`, `{victim}` (origins), `{server-port}`, `{victim-port}` and `{canary}`.

use super::scene::{End, Scene};
use crate::support::server::{Answer, Request};

/// A value that must not arrive anywhere unless the attack says so: each attack has its own, and it looks like what it stands for.
pub fn canary(attack: &str) -> String {
    format!("{attack}@kanarien.example")
}

/// Which connector misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// The source `tests/guests/records`.
    Records,
    /// The source `tests/guests/network`.
    Network,
    /// The source `tests/guests/folders`.
    Folders,
    /// The source `tests/guests/databases`.
    Databases,
    /// The destination `tests/guests/recipient`.
    Recipient,
    /// The source that the scene has made as `guests/NAME.wasm`.
    Made,
}

/// One thing that is tried, and what must come of it.
#[derive(Clone)]
pub struct Attack {
    /// Names the row, its system, its flow and its file.
    pub name: &'static str,
    /// The interface that is abused; `component` if it is the file itself, `records` if it is what is emitted.
    pub on: &'static str,
    /// The connector.
    pub guest: Guest,
    /// What the connector does, if it is not named like the row.
    pub does: Option<&'static str>,
    /// Further keys of its configuration, as TOML inside an inline table.
    pub config: &'static str,
    /// Further lines of its system.
    pub system: &'static str,
    /// Further lines of the flow.
    pub flow: &'static str,
    /// The code under which it is refused; none if it is contained without a refusal.
    pub code: Option<&'static str>,
    /// The source reports deletions, as the manifest says, and the destination can delete.
    pub deletes: bool,
    /// The program's exit code.
    pub exit: i32,
    /// The audit log tells it; only what is wrong before anything was decided is not.
    pub recorded: bool,
    /// The canary may be shown on the terminal (never kept).
    pub shown: bool,
    /// The canary may arrive: it is in a field that the flow lets through.
    pub arrives: bool,
    /// Made before the run.
    pub before: fn(&Scene),
    /// What the server of the scene answers.
    pub answer: fn(&Request, &Origins) -> Answer,
    /// What else must be so.
    pub after: fn(&Scene, &End) -> Result<(), String>,
}

/// Where the servers of a scene are.
#[derive(Clone, Debug)]
pub struct Origins {
    /// `http://127.0.0.1:PORT`, granted.
    pub server: String,
    /// The same for the one that nobody granted.
    pub victim: String,
    /// See [`canary`].
    pub canary: String,
}

impl Attack {
    /// An attack of a source that ends with a code and an exit code, with everything else as usual.
    pub const fn refused(name: &'static str, on: &'static str, guest: Guest, code: &'static str, exit: i32) -> Self {
        Self { code: Some(code), exit, ..Self::contained(name, on, guest) }
    }

    /// An attack that comes to nothing: the run ends well.
    pub const fn contained(name: &'static str, on: &'static str, guest: Guest) -> Self {
        Self {
            name,
            on,
            guest,
            does: None,
            config: "",
            system: "",
            flow: "",
            deletes: false,
            code: None,
            exit: 0,
            recorded: true,
            shown: false,
            arrives: false,
            before: |_| {},
            answer: |_, _| Answer::new(404),
            after: |_, _| Ok(()),
        }
    }

    /// With further configuration.
    pub const fn config(self, config: &'static str) -> Self {
        Self { config, ..self }
    }

    /// With further lines of the system.
    pub const fn system(self, system: &'static str) -> Self {
        Self { system, ..self }
    }

    /// With further lines of the flow.
    pub const fn flow(self, flow: &'static str) -> Self {
        Self { flow, ..self }
    }

    /// With a source that reports deletions, and a destination that can delete.
    pub const fn deletes(self) -> Self {
        Self { deletes: true, flow: "mode = \"upsert\"", ..self }
    }

    /// Doing something that is not named like the row.
    pub const fn does(self, does: &'static str) -> Self {
        Self { does: Some(does), ..self }
    }

    /// With a server's answer.
    pub const fn answered(self, answer: fn(&Request, &Origins) -> Answer) -> Self {
        Self { answer, ..self }
    }

    /// With something that is made before.
    pub const fn before(self, before: fn(&Scene)) -> Self {
        Self { before, ..self }
    }

    /// With something else that must be so.
    pub const fn after(self, after: fn(&Scene, &End) -> Result<(), String>) -> Self {
        Self { after, ..self }
    }

    /// Told before anything was decided, so that there is nothing to record.
    pub const fn unrecorded(self) -> Self {
        Self { recorded: false, ..self }
    }

    /// With a canary that the operator may see.
    pub const fn shown(self) -> Self {
        Self { shown: true, ..self }
    }
}

/// An error unless it is so.
pub fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise()) }
}
