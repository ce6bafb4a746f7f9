//! Tables about who is told how runs go, and where signed heads of the log go.

use super::{Kind, Names, TEXT, Table, optional, required};
use crate::manifest::grammar::SECRET;
use crate::manifest::types::{Event, LogForm};

const NETWORKS: Kind = Kind::List(&TEXT);
const NETWORKS_DOC: &str = "Networks that are not public into which its name may lead.";
const TO_DOC: &str = "Where: https, host, port and path, without a query. Plain http for loopback only.";

pub static OBSERVE: Table = Table {
    title: "[observe]",
    doc: "Who may watch how runs go. Names and numbers only, never a record's value. What is absent is off.",
    keys: &[
        optional(
            "metrics",
            TEXT,
            "Address and port on which `hub run` serves numbers for Prometheus; a loopback address (E405).",
            "\"127.0.0.1:9464\"",
        ),
        optional("logs", Kind::Choice(LogForm::WORDS), "How log lines are written; absent = text.", "\"json\""),
        optional("lineage", Kind::Table(&LINEAGE), "Where OpenLineage events go.", "{ file = \"lineage.ndjson\" }"),
        optional("otlp", Kind::Table(&RECEIVER), "Where traces go, as OTLP over HTTP.", "{ to = \"http://127.0.0.1:4318/v1/traces\" }"),
    ],
};

static LINEAGE: Table = Table {
    title: "[observe.lineage]",
    doc: "Where OpenLineage events go. Exactly one of `file` and `to`.",
    keys: &[
        optional("file", TEXT, "A file that events are added to, one a line; relative to this file.", "\"lineage.ndjson\""),
        optional("to", TEXT, TO_DOC, "\"https://lineage.example.org/api/v1/lineage\""),
        optional("token", Kind::Table(&SECRET), "Sent as `Authorization: Bearer`; with `to` only.", "{ env = \"LINEAGE_TOKEN\" }"),
        optional("networks", NETWORKS, NETWORKS_DOC, "[\"10.20.0.0/16\"]"),
    ],
};

static RECEIVER: Table = Table {
    title: "[observe.otlp]",
    doc: "A server that is told something.",
    keys: &[
        required("to", TEXT, TO_DOC, "\"https://otel.example.org/v1/traces\""),
        optional("token", Kind::Table(&SECRET), "Sent as `Authorization: Bearer`.", "{ env = \"OTLP_TOKEN\" }"),
        optional("networks", NETWORKS, NETWORKS_DOC, "[\"10.20.0.0/16\"]"),
    ],
};

pub static ALERT: Table = Table {
    title: "[alert.ID]",
    doc: "A server that is told by a signed CloudEvent when something needs a look.",
    keys: &[
        required("to", TEXT, TO_DOC, "\"https://hooks.example.org/hub\""),
        required("secret", Kind::Table(&SECRET), "Where the secret is that signs each message.", "{ env = \"OPS_HOOK_SECRET\" }"),
        optional(
            "on",
            Kind::List(&Kind::Choice(Event::WORDS)),
            "What it is told; absent = all but `run.completed`.",
            "[\"run.failed\", \"audit.broken\"]",
        ),
        optional("token", Kind::Table(&SECRET), "Sent as `Authorization: Bearer`.", "{ file = \"secrets/hook-token\" }"),
        optional("networks", NETWORKS, NETWORKS_DOC, "[\"10.20.0.0/16\"]"),
    ],
};

pub static AUDIT: Table = Table {
    title: "[audit]",
    doc: "The audit log.",
    keys: &[optional(
        "anchor",
        Kind::Map(Names::Id, &Kind::Table(&ANCHOR)),
        "Places outside that signed heads of the log go to: with them an older log, or one written anew, is told.",
        "[audit.anchor.evidence]",
    )],
};

static ANCHOR: Table = Table {
    title: "[audit.anchor.ID]",
    doc: "A place that signed heads of the log go to, best on another machine. Exactly one of `file` and `url`.",
    keys: &[
        optional("file", TEXT, "A file that notes are added to, one a line; relative to this file.", "\"/mnt/evidence/hub.jsonl\""),
        optional(
            "url",
            TEXT,
            "A server that each note is posted to: https, host, port and path, without a query. Plain http for loopback only.",
            "\"https://evidence.example.org/notes\"",
        ),
        optional(
            "every",
            TEXT,
            "After a run, but at most once in so long (of UTC); absent = after each run, at most once in PT10M while hub stays.",
            "\"P1D\"",
        ),
        optional("token", Kind::Table(&SECRET), "Sent as `Authorization: Bearer`; with `url` only.", "{ env = \"ANCHOR_TOKEN\" }"),
        optional("networks", NETWORKS, NETWORKS_DOC, "[\"10.20.0.0/16\"]"),
    ],
};
