//! Every table and key that a manifest may hold, as one static table. The walker, the JSON Schema and the reference page are made from it.
//!
//! Says which shapes are possible; rules that join several values (a scheme and its user, a period's letters) are `check`'s.

use super::types::{Approvals, DayOfWeek, Misfire, Mode, OnDeleted, OnErasure, OnInvalid, OnUndeclared, OnWithdrawal, Overlap, WriteMode};
use crate::problem::Code;
use crate::vocab;

mod declare;
mod field;
mod govern;
mod observe;
mod system;

use declare::{CATEGORY_EXTENSION, COMPATIBILITY, PSEUDONYM, PURPOSE, RETENTION, STREAM, SUBJECT_EXTENSION};
#[cfg(test)]
pub(super) use field::DETECTORS;
use field::{FIELD, RECIPIENT};
use govern::{ACTIVITY, BREACH, DPIA, DSR, OPERATOR, QUARANTINE, TAXONOMY};
use observe::{ALERT, AUDIT, OBSERVE};
pub(super) use system::SECRET;
use system::SYSTEM;

/// A table: the whole file, `[operator]`, `{ path, access }`.
#[derive(Debug)]
pub struct Table {
    /// How the reference calls it: `[system.ID]`.
    pub title: &'static str,
    /// One line: what it is for.
    pub doc: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
}

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What may stand behind it.
    pub kind: Kind,
    /// The table is refused without it.
    pub required: bool,
    /// Code of the problem if it is missing: E004, or that of the rule that wants it.
    pub missing: Code,
    /// One line: what it says.
    pub doc: &'static str,
    /// A value as TOML.
    pub example: &'static str,
}

/// What may stand behind a key.
#[derive(Debug)]
pub enum Kind {
    /// Any text. The word says what kind of text, for the schema and the reference.
    Text(Text),
    /// A whole number between two others, both included.
    Integer(i64, i64),
    /// True or false.
    Boolean,
    /// A day, as TOML writes it: `2026-03-01` without quotes.
    Date,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list of one kind.
    List(&'static Kind),
    /// A table with fixed keys.
    Table(&'static Table),
    /// A table whose keys the operator names.
    Map(Names, &'static Kind),
    /// A table that only the connector understands.
    Free,
    /// Any value.
    Any,
    /// One of several kinds; they differ by their TOML type.
    OneOf(&'static [Kind]),
}

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Anything.
    Plain,
    /// The id of a table elsewhere in the manifest.
    Reference,
    /// `system.stream`.
    Stream,
    /// A field path.
    Path,
    /// A country, ISO 3166 alpha-2.
    Country,
    /// An ISO 8601 duration of years, months and days.
    Period,
    /// `kms:NAME`, a key of hub's own key store.
    StoreKey,
    /// A key of the vocabulary's categories.
    Category,
    /// A key of the vocabulary's uses.
    Use,
    /// A key of the vocabulary's data subjects.
    Subject,
}

/// Which keys an operator may choose in a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `[a-z0-9][a-z0-9-]*`, at most 64 bytes.
    Id,
    /// As `Id`, but with `_` instead of hyphens or besides them.
    Word,
    /// A name for people: any text in one line.
    Label,
    /// A stream as its connector calls it.
    Stream,
    /// A field path; dotted keys make nested tables, which are read as one path.
    Path,
}

const fn required(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Key {
    Key { name, kind, required: true, missing: Code::E004, doc, example }
}

const fn optional(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Key {
    Key { name, kind, required: false, missing: Code::E004, doc, example }
}

const TEXT: Kind = Kind::Text(Text::Plain);
/// A text, or one in each language.
const NAME: Kind = Kind::OneOf(&[TEXT, Kind::Table(&LANGUAGES)]);
const ORIGINS: Kind = Kind::List(&TEXT);
const PATHS: Kind = Kind::List(&Kind::Text(Text::Path));
const REFERENCE: Kind = Kind::Text(Text::Reference);
const REFERENCES: Kind = Kind::List(&REFERENCE);
const CATEGORY: Kind = Kind::Text(Text::Category);
const COUNTRY: Kind = Kind::Text(Text::Country);
const PERIOD: Kind = Kind::Text(Text::Period);
const PATH: Kind = Kind::Text(Text::Path);
/// Roles or people.
const PEOPLE: Kind = Kind::List(&TEXT);
/// A secret that may stand in hub's own key store as well.
const KEY: Kind = Kind::OneOf(&[Kind::Table(&SECRET), Kind::Text(Text::StoreKey)]);

/// More persons than ever lived.
const MOST_PERSONS: i64 = 1_000_000_000_000;

/// The whole file.
pub static MANIFEST: Table = Table {
    title: "manifest.toml",
    doc: "The whole manifest. What it does not declare is denied. An included file has the same tables.",
    keys: &[
        required("manifest", Kind::Integer(1, 1), "Version of this format.", "1"),
        optional("version", TEXT, "The operator's own version of the manifest.", "\"2026.11.0\""),
        optional("mode", Kind::Choice(Mode::WORDS), "Whether the rules stop flows; absent = enforce.", "\"enforce\""),
        optional(
            "approvals",
            Kind::Choice(Approvals::WORDS),
            "Whether flows need an approval; absent = as soon as one flow has `approved`.",
            "\"required\"",
        ),
        optional(
            "approver",
            Kind::Map(Names::Label, &Kind::List(&TEXT)),
            "Whose keys may approve in a role (`hub approve --new-key` says the public key); absent = any key, so that only Git says who signed.",
            "[approver]",
        ),
        optional(
            "include",
            Kind::List(&TEXT),
            "Files or glob patterns, relative to this file, that hold more tables.",
            "[\"flows/*.toml\"]",
        ),
        required("operator", Kind::Table(&OPERATOR), "Who is responsible.", "{ name = \"Muster GmbH\", contact = \"dp@muster.example\" }"),
        optional("taxonomy", Kind::Table(&TAXONOMY), "The vocabulary that the manifest was written for.", "{ base = \"fideslang\" }"),
        optional("system", Kind::Map(Names::Id, &Kind::Table(&SYSTEM)), "Systems by id.", "[system.crm]"),
        optional("purpose", Kind::Map(Names::Id, &Kind::Table(&PURPOSE)), "Purposes by id.", "[purpose.customer-care]"),
        optional("compatibility", Kind::List(&Kind::Table(&COMPATIBILITY)), "Assessments of further uses.", "[[compatibility]]"),
        optional("retention", Kind::Map(Names::Id, &Kind::Table(&RETENTION)), "Retention rules by id.", "[retention.prospect]"),
        optional("pseudonym", Kind::Map(Names::Id, &Kind::Table(&PSEUDONYM)), "Pseudonym domains by id.", "[pseudonym.analytics]"),
        optional(
            "recipient",
            Kind::Map(Names::Id, &Kind::Table(&RECIPIENT)),
            "Recipients of encrypted values by id.",
            "[recipient.adviser]",
        ),
        optional("category", Kind::List(&Kind::Table(&CATEGORY_EXTENSION)), "Categories beyond the shipped ones.", "[[category]]"),
        optional("subject", Kind::List(&Kind::Table(&SUBJECT_EXTENSION)), "Data subjects beyond the shipped ones.", "[[subject]]"),
        optional(
            "stream",
            Kind::Map(Names::Id, &Kind::Map(Names::Stream, &Kind::Table(&STREAM))),
            "What the operator says about streams, by system and stream.",
            "[stream.crm.contacts]",
        ),
        optional("flow", Kind::Map(Names::Id, &Kind::Table(&FLOW)), "Flows by id. Not listed = denied.", "[flow.contacts-to-archive]"),
        optional("activity", Kind::Map(Names::Label, &Kind::Table(&ACTIVITY)), "Processing activities by name.", "[activity.vt-01]"),
        optional("dpia", Kind::List(&Kind::Table(&DPIA)), "Decisions about impact assessments.", "[[dpia]]"),
        optional(
            "dpia_large_scale",
            Kind::Integer(1, MOST_PERSONS),
            "From how many persons on processing is on a large scale, by the operator's own rule.",
            "50000",
        ),
        optional("dsr", Kind::Table(&DSR), "Requests of data subjects.", "{ intake = [\"email\", \"post\"] }"),
        optional(
            "maintenance",
            Kind::List(&Kind::Table(&MAINTENANCE)),
            "Hours in which no scheduled run begins.",
            "[{ from = \"22:00\", to = \"02:00\", days = [\"sat\"] }]",
        ),
        optional("quarantine", Kind::Table(&QUARANTINE), "Records that are held back.", "{ keep = \"P14D\" }"),
        optional("breach", Kind::Table(&BREACH), "Breaches, Art. 33 and 34 GDPR.", "{ clock = \"PT72H\" }"),
        optional("observe", Kind::Table(&OBSERVE), "Who may watch how runs go.", "{ metrics = \"127.0.0.1:9464\" }"),
        optional("alert", Kind::Map(Names::Id, &Kind::Table(&ALERT)), "Servers that are told when something needs a look.", "[alert.ops]"),
        optional("audit", Kind::Table(&AUDIT), "The audit log.", "{ anchor = { evidence = { file = \"/mnt/evidence/hub.jsonl\" } } }"),
    ],
};

static LANGUAGES: Table = Table {
    title: "{ de, en }",
    doc: "A text in two languages.",
    keys: &[optional("de", TEXT, "German.", "\"Kundenpflege\""), optional("en", TEXT, "English.", "\"Customer care\"")],
};

static FLOW: Table = Table {
    title: "[flow.ID]",
    doc: "What goes where, why, and how.",
    keys: &[
        required("from", Kind::Text(Text::Stream), "Source, `system.stream`.", "\"crm.contacts\""),
        required("to", Kind::Text(Text::Stream), "Destination, `system.stream`.", "\"archive.contacts\""),
        required("purpose", Kind::Text(Text::Reference), "Id of a purpose.", "\"customer-care\""),
        required(
            "fields",
            Kind::OneOf(&[
                PATHS,
                Kind::Map(Names::Path, &Kind::OneOf(&[Kind::Choice(&["allow", "drop", "null", "hash"]), Kind::Table(&FIELD)])),
            ]),
            "What passes: a list of paths, or path = action. Nothing else does.",
            "[\"id\", \"name\", \"email\"]",
        ),
        optional("retention", REFERENCES, "Retention rules for the destination, where it has no `[stream]` table.", "[\"prospect\"]"),
        optional(
            "mode",
            Kind::Choice(WriteMode::WORDS),
            "What happens to earlier content of the destination; absent = replace.",
            "\"append\"",
        ),
        optional("schedule", TEXT, "Five or six cron fields and a time zone (absent = UTC), or `manual`.", "\"0 3 * * * Europe/Berlin\""),
        optional(
            "overlap",
            Kind::Choice(Overlap::WORDS),
            "What becomes of a time that comes while the flow still runs; absent = skip. `queue`: it waits for the end of the run.",
            "\"queue\"",
        ),
        optional(
            "misfire",
            Kind::Choice(Misfire::WORDS),
            "What becomes of times that passed while hub was stopped or busy or the machine slept; absent = run-once.",
            "\"skip\"",
        ),
        optional(
            "jitter",
            TEXT,
            "A run begins up to so much later than planned, at a moment of its own; absent = at the time itself.",
            "\"PT5M\"",
        ),
        optional("retries", Kind::Integer(0, 20), "How often a run that failed for a passing reason is tried again; absent = 3.", "5"),
        optional(
            "state",
            TEXT,
            "A file with the state from which the first run goes on, relative to this file.",
            "\"state/contacts.json\"",
        ),
        optional(
            "on_undeclared",
            Kind::Choice(OnUndeclared::WORDS),
            "What happens to records with fields that nobody declared; absent = drop. `hold`: they wait in the quarantine.",
            "\"stop\"",
        ),
        optional(
            "on_invalid",
            Kind::Choice(OnInvalid::WORDS),
            "What happens to records that contradict the schema; absent = stop.",
            "\"skip\"",
        ),
        optional("name", NAME, "Name for people.", "\"Contacts into the archive\""),
        optional("activity", TEXT, "Processing activity that it belongs to.", "\"VT-01 Customer file\""),
        optional("owner", TEXT, "Who answers for it.", "\"role:sales\""),
        optional("rationale", NAME, "Why it is needed.", "\"The archive is the copy of record\""),
        optional(
            "filter",
            TEXT,
            "Which records pass: comparisons of fields, joined by `and`, `or`, `not`; the others are left out and counted.",
            "\"customer_no != ''\"",
        ),
        optional("delete", Kind::Choice(OnErasure::WORDS), "What the destination does when the source erases.", "\"propagate\""),
        optional(
            "deletes",
            Kind::Choice(OnDeleted::WORDS),
            "What becomes of records that the source reports as deleted; absent = apply, where source and destination can.",
            "\"ignore\"",
        ),
        optional("approved", Kind::Table(&APPROVAL), "Who approved it.", "{ by = [\"role:sales\", \"dpo\"], at = 2026-09-14 }"),
        optional("own_basis", Kind::Table(&OWN_BASIS), "What carries a change of purpose.", "{ compatibility = \"KOMP-2026-01\" }"),
        optional(
            "consent",
            Kind::Table(&CONSENT),
            "Consent without which no record passes.",
            "{ ledger = \"crm.subscriptions\", scope = \"newsletter\", match = { email = \"email\" } }",
        ),
    ],
};

static MAINTENANCE: Table = Table {
    title: "[[maintenance]]",
    doc: "Hours in which no scheduled run begins; `misfire` says what becomes of the times that pass.",
    keys: &[
        required("from", TEXT, "When it begins.", "\"22:00\""),
        required("to", TEXT, "When it ends; if not later than `from`, on the next day.", "\"02:00\""),
        optional("days", Kind::List(&Kind::Choice(DayOfWeek::WORDS)), "Days on which it begins; absent = every day.", "[\"sat\"]"),
        optional("zone", TEXT, "The zone of its times; absent = the operator's `timezone`, else UTC.", "\"Europe/Berlin\""),
    ],
};

static APPROVAL: Table = Table {
    title: "[flow.ID.approved]",
    doc: "An approval.",
    keys: &[
        required("by", PEOPLE, "Roles or people.", "[\"role:sales\", \"dpo\"]"),
        required("at", Kind::Date, "When.", "2026-09-14"),
        optional("digest", TEXT, "What was approved.", "\"sha256:0f3a\""),
    ],
};

static OWN_BASIS: Table = Table {
    title: "[flow.ID.own_basis]",
    doc: "What carries a change of purpose.",
    keys: &[required("compatibility", TEXT, "Reference of an assessment in `[[compatibility]]`.", "\"KOMP-2026-01\"")],
};

static CONSENT: Table = Table {
    title: "[flow.ID.consent]",
    doc: "A gate: only records of people who consented pass.",
    keys: &[
        required("ledger", Kind::Text(Text::Stream), "The stream that says who consented.", "\"crm.subscriptions\""),
        required("scope", TEXT, "What must have been consented to.", "\"newsletter-v3\""),
        required("match", Kind::Map(Names::Path, &PATH), "Field of the source = field of the ledger.", "{ email = \"email\" }"),
        optional("max_age", PERIOD, "How old what hub knows of the ledger may be.", "\"P1D\""),
        optional(
            "on_withdrawal",
            Kind::Choice(OnWithdrawal::WORDS),
            "What a withdrawal does at the destination; absent = retract.",
            "\"retract\"",
        ),
    ],
};

impl Text {
    /// Words that an editor may offer: the shipped vocabulary, where the text is one of its keys.
    #[must_use]
    pub fn suggestions(self) -> Vec<&'static str> {
        match self {
            Self::Category => vocab::categories().map(|category| category.key.as_str()).collect(),
            Self::Use => vocab::uses().map(|term| term.key.as_str()).collect(),
            Self::Subject => vocab::subjects().map(|term| term.key.as_str()).collect(),
            Self::Plain | Self::Reference | Self::Stream | Self::Path | Self::Country | Self::Period | Self::StoreKey => Vec::new(),
        }
    }
}
