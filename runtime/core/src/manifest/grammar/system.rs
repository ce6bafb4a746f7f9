//! Tables of a system: what serves it, what it may reach, who runs it.

use super::{COUNTRY, Kind, NAME, Names, ORIGINS, PERIOD, REFERENCE, REFERENCES, TEXT, Table, optional, required};
use crate::manifest::types::{ContractKind, FolderAccess, Mechanism, Role, Support, SystemStatus, Verb};

pub static SYSTEM: Table = Table {
    title: "[system.ID]",
    doc: "A system and what its connector may do. Nothing is granted by default.",
    keys: &[
        required(
            "connector",
            TEXT,
            "`builtin:NAME`, the path of a `.wasm` file or of a low-code `manifest.yaml`, relative to this file, or `oci://HOST/NAME@sha256:HEX`.",
            "\"builtin:sample\"",
        ),
        optional("config", Kind::Free, "The connector's own configuration.", "{ records = 100 }"),
        optional(
            "status",
            Kind::Choice(SystemStatus::WORDS),
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
            "databases",
            Kind::Map(Names::Id, &Kind::Table(&DATABASE)),
            "Databases that it may use, by the name that the connector uses. The host holds the connection.",
            "{ main = { url = \"sqlite:crm.db\", tables = { \"main.contacts\" = [\"select\"] } } }",
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
        optional(
            "rate",
            TEXT,
            "How many requests may go to it in a second, a minute or an hour, from all flows together; absent = any number.",
            "\"10/s\"",
        ),
        optional("concurrency", Kind::Integer(1, 1000), "How many runs may use it at once; absent = any number.", "2"),
        optional("name", NAME, "Name for people.", "{ de = \"Kundenkartei\", en = \"Customer file\" }"),
        optional("kind", TEXT, "What sort of system it is.", "\"crm\""),
        optional("owner", TEXT, "Who answers for it.", "\"role:sales\""),
        optional("role", Kind::Choice(Role::WORDS), "Who runs it in the sense of the GDPR.", "\"own\""),
        optional("legal_name", TEXT, "Who runs it, if not the operator.", "\"CRM Vendor Ltd.\""),
        optional("hosting", Kind::Table(&HOSTING), "Where it is.", "{ country = \"DE\" }"),
        optional(
            "region",
            Kind::Table(&REGION),
            "The header by which its answers say where they come from; another value ends the run (E205).",
            "{ header = \"x-data-region\", is = \"eu-central-1\" }",
        ),
        optional(
            "collected_for",
            REFERENCES,
            "Purposes for which its data was collected; a `[stream]` table can say otherwise.",
            "[\"customer-care\"]",
        ),
        optional("access_from", Kind::List(&COUNTRY), "Countries from which somebody else may look at the data.", "[\"US\"]"),
        optional("ai", Kind::Boolean, "It is an AI system.", "true"),
        optional("mandant", TEXT, "The controller on whose behalf the operator runs it, Art. 30(2).", "\"Musterverein e.V.\""),
        optional("backup", Kind::Table(&BACKUP), "Its backups.", "{ rotation = \"P30D\" }"),
        optional("dsr", Kind::Table(&RIGHTS), "What it can do for data subjects.", "{ access = \"native\", erase = \"manual\" }"),
        optional("disclosure", Kind::Table(&DISCLOSURE), "What allows to hand data to another controller.", "{ law = \"§ 11 StBerG\" }"),
        optional(
            "contract",
            Kind::Table(&CONTRACT),
            "The contract with who runs it.",
            "{ kind = \"art28\", ref = \"AVV-1\", signed = 2026-03-01 }",
        ),
        optional(
            "transfer",
            Kind::List(&Kind::Table(&TRANSFER)),
            "What carries transfers to third countries.",
            "[{ to = \"US\", mechanism = \"scc\" }]",
        ),
    ],
};

static FOLDER: Table = Table {
    title: "[system.ID.folders.NAME]",
    doc: "A folder and what may be done there.",
    keys: &[
        required("path", TEXT, "Relative to this file, or absolute.", "\"out\""),
        required("access", Kind::Choice(FolderAccess::WORDS), "`read`: list and read. `write`: create, replace, append.", "\"write\""),
    ],
};

static DATABASE: Table = Table {
    title: "[system.ID.databases.NAME]",
    doc: "A database and what may be done in it. The connector sees neither address nor password, and each of its statements is read before it is run.",
    keys: &[
        required(
            "url",
            TEXT,
            "`postgres://USER@HOST:PORT/DATABASE`, with TLS unless it stands on this machine, or `sqlite:FILE`, relative to this file.",
            "\"postgres://hub@db.example.org/warehouse\"",
        ),
        optional("password", Kind::Table(&SECRET), "Where the password is; with `postgres` only.", "{ file = \"secrets/warehouse\" }"),
        optional(
            "ca",
            TEXT,
            "PEM file with the authority that signed the server's certificate; absent = the public ones.",
            "\"certificates/own-ca.pem\"",
        ),
        required(
            "tables",
            Kind::Map(Names::Label, &Kind::List(&Kind::Choice(Verb::WORDS))),
            "What may be done with which table: `SCHEMA.TABLE`, or `SCHEMA.*`. In SQLite the schema is `main`.",
            "{ \"crm.contacts\" = [\"select\"], \"staging.*\" = [\"insert\", \"create\"] }",
        ),
        optional(
            "progress",
            TEXT,
            "Table in which hub keeps how far its flows are, in the same transaction as their records; absent = `public.hub_progress` (`main.hub_progress`).",
            "\"staging.hub_progress\"",
        ),
        optional(
            "statement_seconds",
            Kind::Integer(1, 86_400),
            "Seconds that the server may take for one statement, or for the next rows of an answer, before the run fails; with `postgres` only; absent = 3600.",
            "600",
        ),
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
pub static SECRET: Table = Table {
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

static HOSTING: Table = Table {
    title: "[system.ID.hosting]",
    doc: "Where a system is.",
    keys: &[
        required("country", COUNTRY, "The country.", "\"DE\""),
        optional("region", TEXT, "The provider's name for the region.", "\"eu1\""),
        optional("provider", TEXT, "Who runs the machines.", "\"Rechenzentrum Hannover\""),
    ],
};

static REGION: Table = Table {
    title: "[system.ID.region]",
    doc: "How answers prove where they come from: a header that each of them must have, with one value.",
    keys: &[
        required("header", TEXT, "The header's name.", "\"x-data-region\""),
        required("is", TEXT, "The value that it must have.", "\"eu-central-1\""),
        optional("origins", ORIGINS, "Origins that send it; absent = all `hosts` of the system.", "[\"https://api.example.org\"]"),
    ],
};

static BACKUP: Table = Table {
    title: "[system.ID.backup]",
    doc: "Backups of a system.",
    keys: &[required("rotation", PERIOD, "How long a backup is kept.", "\"P35D\"")],
};

static RIGHTS: Table = Table {
    title: "[system.ID.dsr]",
    doc: "What a system can do for data subjects: `native` by its connector, `emulated` by hub, `manual` by people.",
    keys: &[
        optional("access", SUPPORT, "Access, Art. 15.", "\"native\""),
        optional("rectify", SUPPORT, "Rectification, Art. 16.", "\"native\""),
        optional("erase", SUPPORT, "Erasure, Art. 17.", "\"native\""),
        optional("restrict", SUPPORT, "Restriction, Art. 18.", "\"emulated\""),
        optional("procedure", TEXT, "Reference of the procedure by which people do it.", "\"DSR-P-07\""),
        optional("remote_suppression", Kind::Boolean, "It refuses people whom it erased.", "true"),
    ],
};

const SUPPORT: Kind = Kind::Choice(Support::WORDS);

static DISCLOSURE: Table = Table {
    title: "[system.ID.disclosure]",
    doc: "What allows to hand data to another controller.",
    keys: &[required("law", TEXT, "The law.", "\"§ 11 StBerG\"")],
};

static CONTRACT: Table = Table {
    title: "[system.ID.contract]",
    doc: "The contract with a processor (`art28`) or a joint controller (`art26`).",
    keys: &[
        required("kind", Kind::Choice(ContractKind::WORDS), "What it is.", "\"art28\""),
        required("ref", TEXT, "The operator's reference.", "\"AVV-2024-017\""),
        required("signed", Kind::Date, "First day.", "2024-03-01"),
        optional("valid_until", Kind::Date, "Last day; absent = no end.", "2027-02-28"),
        optional("reviewed", Kind::Date, "Last review.", "2026-03-10"),
        optional("review_every", PERIOD, "How often it is to be reviewed.", "\"P1Y\""),
        optional(
            "subprocessors",
            Kind::List(&Kind::Table(&SUBPROCESSOR)),
            "Who works for the processor.",
            "[{ name = \"Vendor Inc.\", country = \"US\", approved = 2024-03-01 }]",
        ),
    ],
};

static SUBPROCESSOR: Table = Table {
    title: "[[system.ID.contract.subprocessors]]",
    doc: "Who works for a processor.",
    keys: &[
        required("name", TEXT, "Legal name.", "\"Vendor Inc.\""),
        required("country", COUNTRY, "Where.", "\"US\""),
        optional("approved", Kind::Date, "When the operator approved it.", "2024-03-01"),
    ],
};

static TRANSFER: Table = Table {
    title: "[[system.ID.transfer]]",
    doc: "What carries transfers to a third country.",
    keys: &[
        optional("id", REFERENCE, "By which another transfer names it as `fallback`.", "\"scc-2024-017\""),
        required("to", COUNTRY, "The third country.", "\"US\""),
        required("mechanism", Kind::Choice(Mechanism::WORDS), "What carries it, Art. 45 to 49 GDPR.", "\"scc\""),
        optional("instrument", TEXT, "The instrument's name.", "\"EU-US DPF\""),
        optional("evidence", TEXT, "Proof that the recipient is covered.", "\"dpf-listing.pdf\""),
        optional("checked", Kind::Date, "When the evidence was last looked at.", "2026-10-20"),
        optional("recheck", PERIOD, "How often it is to be looked at.", "\"P90D\""),
        optional("fallback", REFERENCE, "Id of the transfer that carries on if this one falls.", "\"scc-2024-017\""),
        optional("module", Kind::Integer(1, 4), "Module of the standard contractual clauses.", "2"),
        optional("signed", Kind::Date, "When they were signed.", "2024-03-01"),
        optional("tia", Kind::Table(&TIA), "Transfer impact assessment.", "{ ref = \"TIA-2024-05\", reviewed = 2026-05-02 }"),
        optional("ref", TEXT, "The operator's reference, of corporate rules above all.", "\"BCR-2025-01\""),
    ],
};

static TIA: Table = Table {
    title: "[system.ID.transfer.tia]",
    doc: "A transfer impact assessment.",
    keys: &[
        required("ref", TEXT, "The operator's reference.", "\"TIA-2024-05\""),
        optional("reviewed", Kind::Date, "Last review.", "2026-05-02"),
    ],
};
