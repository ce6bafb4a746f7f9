//! Every table and key that a manifest may hold, as one static table. The walker, the JSON Schema and the reference page are made from it.
//!
//! Says which shapes are possible; rules that join several values (a scheme and its user, a period's letters) are `check`'s.

use crate::vocab;

mod field;

#[cfg(test)]
pub(super) use field::DETECTORS;
use field::{FIELD, RECIPIENT};

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
    /// `true` or `false`.
    Boolean,
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
    /// A stream as its connector calls it.
    Stream,
    /// A field path; dotted keys make nested tables, which are read as one path.
    Path,
}

const fn required(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Key {
    Key { name, kind, required: true, doc, example }
}

const fn optional(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Key {
    Key { name, kind, required: false, doc, example }
}

const TEXT: Kind = Kind::Text(Text::Plain);
/// A text, or one in each language.
const NAME: Kind = Kind::OneOf(&[TEXT, Kind::Table(&LANGUAGES)]);
const ORIGINS: Kind = Kind::List(&TEXT);
const PATHS: Kind = Kind::List(&Kind::Text(Text::Path));
const REFERENCES: Kind = Kind::List(&Kind::Text(Text::Reference));
const CATEGORY: Kind = Kind::Text(Text::Category);

/// The whole file.
pub static MANIFEST: Table = Table {
    title: "manifest.toml",
    doc: "The whole manifest. What it does not declare is denied. An included file has the same tables.",
    keys: &[
        required("manifest", Kind::Integer(1, 1), "Version of this format.", "1"),
        optional("version", TEXT, "The operator's own version of the manifest. Recorded.", "\"2026.11.0\""),
        optional(
            "include",
            Kind::List(&TEXT),
            "Files or glob patterns, relative to this file, that hold more tables.",
            "[\"flows/*.toml\"]",
        ),
        required("operator", Kind::Table(&OPERATOR), "Who is responsible.", "{ name = \"Muster GmbH\", contact = \"dp@muster.example\" }"),
        optional("system", Kind::Map(Names::Id, &Kind::Table(&SYSTEM)), "Systems by id.", "[system.crm]"),
        optional("purpose", Kind::Map(Names::Id, &Kind::Table(&PURPOSE)), "Purposes by id.", "[purpose.customer-care]"),
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
    ],
};

static LANGUAGES: Table = Table {
    title: "{ de, en }",
    doc: "A text in two languages.",
    keys: &[optional("de", TEXT, "German.", "\"Kundenpflege\""), optional("en", TEXT, "English.", "\"Customer care\"")],
};

static OPERATOR: Table = Table {
    title: "[operator]",
    doc: "The controller, Art. 30(1)(a) GDPR.",
    keys: &[
        required("name", TEXT, "Legal name.", "\"Muster GmbH\""),
        required("contact", TEXT, "Address for data-protection questions.", "\"datenschutz@muster.example\""),
    ],
};

static SYSTEM: Table = Table {
    title: "[system.ID]",
    doc: "A system and what its connector may do. Nothing is granted by default.",
    keys: &[
        required(
            "connector",
            TEXT,
            "`builtin:NAME`, or the path of a `.wasm` file or of a low-code `manifest.yaml`, relative to this file.",
            "\"builtin:sample\"",
        ),
        optional("config", Kind::Free, "The connector's own configuration.", "{ records = 100 }"),
        optional(
            "status",
            Kind::Choice(&["requested", "pilot", "approved", "sunset", "retired"]),
            "Place in the service catalogue; absent = approved. `requested` and `retired` allow no flow.",
            "\"approved\"",
        ),
        optional(
            "hosts",
            ORIGINS,
            "Origins that it may reach: scheme, host, port. Plain http for loopback only.",
            "[\"https://api.example.org\"]",
        ),
        optional("networks", Kind::List(&TEXT), "Networks that are not public into which its hosts may lead.", "[\"10.20.0.0/16\"]"),
        optional(
            "folders",
            Kind::Map(Names::Id, &Kind::Table(&FOLDER)),
            "Folders that it may use, by the name that the connector uses.",
            "{ out = { path = \"out\", access = \"write\" } }",
        ),
        optional(
            "credentials",
            Kind::Map(Names::Id, &Kind::Table(&CREDENTIAL)),
            "Secrets that the host puts into its requests, by the name that the connector uses.",
            "{ token = { scheme = \"bearer\", value = { file = \"token.txt\" } } }",
        ),
        optional(
            "secrets",
            Kind::Map(Names::Path, &Kind::Table(&SECRET)),
            "Secret parts of a low-code connector's `config`, by their dotted place. The connector sees placeholders.",
            "{ api_key = { file = \"secrets/key\" } }",
        ),
        optional("labels", TEXT, "Labels of a low-code connector; absent = `labels.toml` beside it.", "\"labels/acme.toml\""),
        optional(
            "grants",
            Kind::List(&Kind::Choice(&["read-body"])),
            "Further permissions. `read-body`: response bodies may enter the sandbox.",
            "[\"read-body\"]",
        ),
        optional("limits", Kind::Table(&LIMITS), "Limits that differ from the defaults.", "{ memory_mib = 512, seconds = 60 }"),
        optional("name", NAME, "Name for people. Recorded.", "{ de = \"Kundenkartei\", en = \"Customer file\" }"),
        optional("owner", TEXT, "Who answers for it. Recorded.", "\"role:sales\""),
        optional("legal_name", TEXT, "Who runs it, if not the operator. Recorded.", "\"CRM Vendor Ltd.\""),
        optional(
            "role",
            Kind::Choice(&["own", "processor", "separate-controller", "joint-controller"]),
            "Who runs it in the sense of the GDPR. Recorded.",
            "\"own\"",
        ),
    ],
};

static FOLDER: Table = Table {
    title: "[system.ID.folders.NAME]",
    doc: "A folder and what may be done there.",
    keys: &[
        required("path", TEXT, "Relative to this file, or absolute.", "\"out\""),
        required("access", Kind::Choice(&["read", "write"]), "`read`: list and read. `write`: create, replace, append.", "\"write\""),
    ],
};

static CREDENTIAL: Table = Table {
    title: "[system.ID.credentials.NAME]",
    doc: "A secret that the host puts into requests; the connector never sees it.",
    keys: &[
        required("scheme", Kind::Choice(&["bearer", "basic", "header"]), "How it is put into a request.", "\"bearer\""),
        optional("user", TEXT, "The user's name; with `basic` only.", "\"hub\""),
        optional("header", TEXT, "The header's name; with `header` only.", "\"X-Api-Key\""),
        required("value", Kind::Table(&SECRET), "Where the secret is.", "{ file = \"token.txt\" }"),
        optional(
            "origins",
            ORIGINS,
            "Origins that it may be sent to; absent = all `hosts` of the system.",
            "[\"https://api.example.org\"]",
        ),
    ],
};

/// Where a secret is; the walker knows it, to refuse a literal secret with help.
pub(super) static SECRET: Table = Table {
    title: "{ file } or { env }",
    doc: "Where a secret is read from; never the secret itself. Exactly one of the two.",
    keys: &[
        optional("file", TEXT, "A file, relative to this file; one trailing newline is cut.", "\"secrets/token\""),
        optional("env", TEXT, "An environment variable.", "\"CRM_TOKEN\""),
    ],
};

static LIMITS: Table = Table {
    title: "[system.ID.limits]",
    doc: "What a connector may use up.",
    keys: &[
        optional("memory_mib", Kind::Integer(1, 1024), "Linear memory in MiB; absent = 256.", "512"),
        optional("seconds", Kind::Integer(1, 3600), "Seconds of CPU time between two calls to the host; absent = 30.", "60"),
    ],
};

static PURPOSE: Table = Table {
    title: "[purpose.ID]",
    doc: "What data is used for, on which legal basis.",
    keys: &[
        required("use", Kind::Text(Text::Use), "Key of the vocabulary's uses.", "\"essential.service\""),
        required("basis", Kind::Table(&BASIS), "Legal basis, Art. 6(1) GDPR.", "{ art6 = \"b\", contract = \"Kaufvertrag\" }"),
        required("allows", Kind::List(&CATEGORY), "Categories that it needs; those below them too.", "[\"user.name\", \"user.contact\"]"),
        optional("name", NAME, "Name for people. Recorded.", "\"Customer care\""),
        optional("owner", TEXT, "Who answers for it. Recorded.", "\"role:sales\""),
        optional("rationale", NAME, "Why it is needed. Recorded.", "\"Orders cannot be delivered without an address\""),
    ],
};

static BASIS: Table = Table {
    title: "[purpose.ID.basis]",
    doc: "Letter of Art. 6(1) GDPR and what it rests on.",
    keys: &[
        required("art6", Kind::Choice(&["a", "b", "c", "d", "e", "f"]), "The letter.", "\"b\""),
        optional("contract", TEXT, "The contract (letter b).", "\"Kaufvertrag\""),
        optional("law", TEXT, "The law (letters c and e).", "\"§ 147 AO\""),
        optional("interest", NAME, "The legitimate interest (letter f).", "\"Direct marketing to business customers\""),
        optional("lia", TEXT, "Reference of the balancing test (letter f).", "\"LIA-2026-01\""),
        optional("reason", TEXT, "The vital interest (letter d).", "\"Emergency contact\""),
        optional("consent_scope", TEXT, "What was consented to (letter a).", "\"newsletter-v3\""),
        optional("proof", TEXT, "How consent is proved (letter a).", "\"double-opt-in\""),
    ],
};

static RETENTION: Table = Table {
    title: "[retention.ID]",
    doc: "How long data must or may be kept.",
    keys: &[
        required("kind", Kind::Choice(&["keep", "limit"]), "`keep`: at least so long. `limit`: at most so long.", "\"limit\""),
        required("period", TEXT, "ISO 8601 duration of years, months and days.", "\"P3Y\""),
        optional("start", TEXT, "The event that it counts from.", "\"end-of-calendar-year:last_order\""),
        optional("name", NAME, "Name for people. Recorded.", "\"Prospects\""),
        optional("statute", Kind::OneOf(&[TEXT, Kind::List(&TEXT)]), "The law behind it. Recorded.", "[\"§ 257 HGB\"]"),
        optional("then", TEXT, "What follows. Recorded.", "\"erase\""),
        optional("rationale", NAME, "Why so long. Recorded.", "{ de = \"regelmäßige Verjährung\" }"),
    ],
};

static PSEUDONYM: Table = Table {
    title: "[pseudonym.ID]",
    doc: "A domain inside which the same person gets the same pseudonym.",
    keys: &[
        required(
            "key",
            Kind::Table(&SECRET),
            "Where its key is (at least 16 bytes), or its versions: lines `v1:BASE64`, newest last.",
            "{ file = \"secrets/analytics.key\" }",
        ),
        optional(
            "method",
            Kind::Choice(&["hmac-sha256", "aes-siv"]),
            "How pseudonyms are made; absent = `hmac-sha256`. `aes-siv` can be undone with the key.",
            "\"hmac-sha256\"",
        ),
        optional("reversible", Kind::Boolean, "`true` with the method `aes-siv`, and only then.", "false"),
    ],
};

static CATEGORY_EXTENSION: Table = Table {
    title: "[[category]]",
    doc: "A data category beyond the shipped ones.",
    keys: &[
        required("key", TEXT, "The new key: the parent's, a dot, one name.", "\"user.demographic.household\""),
        required("parent", CATEGORY, "The key that it stands below.", "\"user.demographic\""),
        optional("name", NAME, "Name for people. Recorded.", "{ de = \"Haushalt\", en = \"Household\" }"),
        optional(
            "marks",
            Kind::List(&Kind::Choice(&["direct", "identifier", "quasi", "enumerable", "art9", "art10", "free-text", "highly-personal"])),
            "What makes it delicate.",
            "[\"quasi\"]",
        ),
    ],
};

static SUBJECT_EXTENSION: Table = Table {
    title: "[[subject]]",
    doc: "A group of people beyond the shipped ones.",
    keys: &[
        required("key", TEXT, "The new key.", "\"donor\""),
        optional("name", NAME, "Name for people. Recorded.", "{ de = \"Spender\", en = \"Donors\" }"),
    ],
};

static STREAM: Table = Table {
    title: "[stream.SYSTEM.NAME]",
    doc: "What the operator knows about a stream beyond its connector's description.",
    keys: &[
        optional("subjects", Kind::List(&Kind::Text(Text::Subject)), "Whom the data is about.", "[\"customer\"]"),
        optional("retention", REFERENCES, "Retention rules that apply.", "[\"prospect\"]"),
        optional(
            "fields",
            Kind::Map(Names::Path, &CATEGORY),
            "Field path = category: adds fields of a dynamic stream, or tightens a label.",
            "{ email = \"user.contact.email\" }",
        ),
        optional("schema", TEXT, "A JSON Schema with `x-hub-category`, relative to this file.", "\"schemas/contacts.json\""),
        optional("primary_key", PATHS, "Fields that identify a record.", "[\"id\"]"),
        optional("cursor", Kind::Text(Text::Path), "The field that grows with every change.", "\"updated_at\""),
        optional("name", NAME, "Name for people. Recorded.", "\"Contacts\""),
    ],
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
            Kind::Choice(&["append", "replace", "upsert"]),
            "What happens to earlier content of the destination; absent = replace.",
            "\"append\"",
        ),
        optional("schedule", TEXT, "Five or six cron fields and a time zone (absent = UTC), or `manual`.", "\"0 3 * * * Europe/Berlin\""),
        optional(
            "state",
            TEXT,
            "A file with the state from which the first run goes on, relative to this file.",
            "\"state/contacts.json\"",
        ),
        optional(
            "on_undeclared",
            Kind::Choice(&["drop", "stop"]),
            "What happens to fields that nobody declared; absent = drop.",
            "\"stop\"",
        ),
        optional(
            "on_invalid",
            Kind::Choice(&["stop", "skip"]),
            "What happens to records that contradict the schema; absent = stop.",
            "\"skip\"",
        ),
        optional("name", NAME, "Name for people. Recorded.", "\"Contacts into the archive\""),
        optional("activity", TEXT, "Processing activity that it belongs to. Recorded.", "\"VT-01 Customer file\""),
        optional("owner", TEXT, "Who answers for it. Recorded.", "\"role:sales\""),
        optional("rationale", NAME, "Why it is needed. Recorded.", "\"The archive is the copy of record\""),
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
            Self::Plain | Self::Reference | Self::Stream | Self::Path => Vec::new(),
        }
    }
}
