//! Who is told how runs go: a page of numbers on this machine, lineage, traces, alerts, and where signed heads of the log go. None of it holds a
//! record's value.

use std::net::SocketAddr;

use url::Url;

use super::system::{Credential, Network, Origin, SecretRef};
use super::timing::Rhythm;
use super::words::words;
use crate::problem::{Span, Spanned};

/// `[observe]`.
#[derive(Clone, Debug)]
pub struct Observe {
    /// The loopback address on which numbers are served.
    pub metrics: Option<Spanned<SocketAddr>>,
    /// How log lines are written; absent = text.
    pub logs: Option<Spanned<LogForm>>,
    /// Where lineage goes.
    pub lineage: Option<Lineage>,
    /// Where traces go.
    pub otlp: Option<Receiver>,
}

/// `lineage = { file }` or `{ to, … }`.
#[derive(Clone, Debug)]
pub enum Lineage {
    /// A file that events are added to, relative to the file that names it.
    File(Spanned<String>),
    /// A server.
    Server(Box<Receiver>),
}

/// A server that is told something. Nothing is sent to another place than this one.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// `alert:ID`, `anchor:ID`, `observe:lineage` or `observe:otlp`: no system has such an id.
    pub id: String,
    /// Where it is declared.
    pub span: Span,
    /// The whole address: scheme, host, port and path.
    pub to: Spanned<Url>,
    /// Scheme, host and port of it.
    pub origin: Origin,
    /// Networks that are not public into which its name may lead.
    pub networks: Vec<Spanned<Network>>,
    /// What it is told in the header `Authorization`.
    pub token: Option<Credential>,
}

/// `[alert.ID]`.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Id and its place.
    pub id: Spanned<String>,
    /// Who is told.
    pub receiver: Receiver,
    /// With what each message is signed.
    pub secret: Spanned<SecretRef>,
    /// What it is told, as written; empty = see [`Alert::wants`].
    pub on: Vec<Spanned<Event>>,
}

/// `[audit.anchor.ID]`: a place outside that signed heads of the audit log go to.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// Id and its place.
    pub id: Spanned<String>,
    /// Where.
    pub to: AnchorPlace,
    /// At most once in so long; absent = after each run, see the reference.
    pub every: Option<Spanned<Rhythm>>,
}

/// `file`, `url` or `witness`.
#[derive(Clone, Debug)]
pub enum AnchorPlace {
    /// A file that notes are added to, relative to the file that names it.
    File(Spanned<String>),
    /// A server that notes are posted to.
    Server(Box<Receiver>),
}

impl Anchor {
    /// The server, if it is one.
    #[must_use]
    pub fn receiver(&self) -> Option<&Receiver> {
        match &self.to {
            AnchorPlace::File(_) => None,
            AnchorPlace::Server(receiver) => Some(receiver),
        }
    }
}

impl Receiver {
    /// By what name the egress knows its token.
    pub const TOKEN: &'static str = "token";
}

impl Event {
    /// Every event, in the order of declaration.
    pub const ALL: &'static [Self] = &[Self::RunFailed, Self::RunCompleted, Self::FlowDenied, Self::FlowPaused, Self::AuditBroken];
}

impl Alert {
    /// True if it is told such an event. Where nothing is written: all but runs that went well.
    #[must_use]
    pub fn wants(&self, event: Event) -> bool {
        if self.on.is_empty() { event != Event::RunCompleted } else { self.on.iter().any(|wanted| wanted.value == event) }
    }
}

words! {
    /// How log lines are written.
    LogForm {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }

    /// What an alert tells.
    Event {
        /// A run did not reach its end, or could not begin.
        RunFailed = "run.failed",
        /// A run reached its end.
        RunCompleted = "run.completed",
        /// A rule kept something out, or ended a run.
        FlowDenied = "flow.denied",
        /// A flow waits until somebody looks.
        FlowPaused = "flow.paused",
        /// The audit log, or what else must be whole, is not.
        AuditBroken = "audit.broken",
    }
}
