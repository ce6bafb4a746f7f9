//! Tables of what the operator says about data: purposes, retention, pseudonyms, streams, further words.

use super::{
    CATEGORY, KEY, Key, Kind, MOST_PERSONS, NAME, Names, PATH, PATHS, PEOPLE, PERIOD, REFERENCE, REFERENCES, TEXT, Table, Text, optional,
    required,
};
use crate::manifest::types::{AfterLimit, DecisionGround, PseudonymMethod, RetentionKind, Safeguard, Strength, Then};
use crate::problem::Code;

pub static PURPOSE: Table = Table {
    title: "[purpose.ID]",
    doc: "What data is used for, on which legal basis.",
    keys: &[
        required("use", Kind::Text(Text::Use), "Key of the vocabulary's uses.", "\"essential.service\""),
        Key {
            missing: Code::E110,
            ..required("basis", Kind::Table(&BASIS), "Legal basis, Art. 6(1) GDPR.", "{ art6 = \"b\", contract = \"Kaufvertrag\" }")
        },
        required("allows", Kind::List(&CATEGORY), "Categories that it needs; those below them too.", "[\"user.name\", \"user.contact\"]"),
        optional("name", NAME, "Name for people.", "\"Customer care\""),
        optional("owner", TEXT, "Who answers for it.", "\"role:sales\""),
        optional("rationale", NAME, "Why it is needed.", "\"Orders cannot be delivered without an address\""),
        optional("special", Kind::Table(&SPECIAL), "What allows data of Art. 9 and 10 GDPR.", "{ art9 = \"b\", law = \"§ 26 BDSG\" }"),
        optional("statistical", Kind::Boolean, "It is statistics only.", "true"),
        optional("profiling", Kind::Boolean, "People are evaluated, Art. 4(4).", "true"),
        optional("automated_decision", Kind::Boolean, "A machine alone decides, Art. 22(1).", "true"),
        optional("art22", Kind::Choice(DecisionGround::WORDS), "What allows that, Art. 22(2).", "\"contract\""),
        optional("prevents_right", Kind::Boolean, "It may keep people from a right, a service or a contract.", "true"),
        optional("objection", TEXT, "How people object.", "\"unsubscribe\""),
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

static SPECIAL: Table = Table {
    title: "[purpose.ID.special]",
    doc: "What allows special categories of data.",
    keys: &[
        optional("art9", Kind::Choice(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]), "Letter of Art. 9(2) GDPR.", "\"b\""),
        optional("law", TEXT, "The law.", "\"§ 26 Abs. 3 BDSG\""),
        optional("consent", TEXT, "Scope of the explicit consent.", "\"health-v1\""),
    ],
};

pub static COMPATIBILITY: Table = Table {
    title: "[[compatibility]]",
    doc: "An assessment by Art. 6(4) GDPR: data collected for one purpose may serve another.",
    keys: &[
        required("from", REFERENCE, "Id of the purpose of collection.", "\"order-fulfilment\""),
        required("to", REFERENCE, "Id of the new purpose.", "\"sales-analytics\""),
        required("assessment", TEXT, "The operator's reference.", "\"KOMP-2026-01\""),
        optional(
            "requires",
            Kind::List(&Kind::Choice(Safeguard::WORDS)),
            "Safeguards without which it does not hold.",
            "[\"no-free-text\"]",
        ),
        optional("approved", Kind::Table(&DECISION), "Who approved it.", "{ by = \"dpo\", at = 2026-09-14 }"),
    ],
};

static DECISION: Table = Table {
    title: "[compatibility.approved]",
    doc: "An approval.",
    keys: &[required("by", Kind::OneOf(&[TEXT, PEOPLE]), "Roles or people.", "\"dpo\""), required("at", Kind::Date, "When.", "2026-09-14")],
};

pub static RETENTION: Table = Table {
    title: "[retention.ID]",
    doc: "How long data must or may be kept.",
    keys: &[
        required("kind", Kind::Choice(RetentionKind::WORDS), "`keep`: at least so long. `limit`: at most so long.", "\"limit\""),
        required("period", PERIOD, "How long.", "\"P3Y\""),
        optional(
            "start",
            TEXT,
            "The event that it counts from; behind `end-of-calendar-year:` the end of that year.",
            "\"end-of-calendar-year:last_order\"",
        ),
        optional("name", NAME, "Name for people.", "\"Prospects\""),
        optional("statute", Kind::OneOf(&[TEXT, Kind::List(&TEXT)]), "The law behind it.", "[\"§ 257 HGB\"]"),
        optional("suspend", TEXT, "What keeps it from ending; a person says when it is so.", "\"assessment-period-open\""),
        optional("then", Kind::Choice(Then::WORDS), "What follows.", "\"erase\""),
        optional("rationale", NAME, "Why so long.", "{ de = \"regelmäßige Verjährung\" }"),
    ],
};

pub static PSEUDONYM: Table = Table {
    title: "[pseudonym.ID]",
    doc: "A domain inside which the same person gets the same pseudonym.",
    keys: &[
        required("key", KEY, "Where its key is (at least 16 bytes).", "{ file = \"secrets/analytics.key\" }"),
        optional("method", Kind::Choice(PseudonymMethod::WORDS), "How pseudonyms are made; absent = `hmac-sha256`.", "\"hmac-sha256\""),
        optional("reversible", Kind::Boolean, "Whether the key leads back: true with `aes-siv` only.", "false"),
        optional("rotate", PERIOD, "How often the key changes.", "\"P2Y\""),
        optional("holders", PEOPLE, "Who may ask for the person behind a pseudonym.", "[\"role:dpo\"]"),
    ],
};

pub static CATEGORY_EXTENSION: Table = Table {
    title: "[[category]]",
    doc: "A data category beyond the shipped ones.",
    keys: &[
        required("key", TEXT, "The new key: the parent's, a dot, one name.", "\"user.demographic.household\""),
        required("parent", CATEGORY, "The key that it stands below.", "\"user.demographic\""),
        optional("name", NAME, "Name for people.", "{ de = \"Haushalt\", en = \"Household\" }"),
        optional(
            "marks",
            Kind::List(&Kind::Choice(&["direct", "identifier", "quasi", "enumerable", "art9", "art10", "free-text", "highly-personal"])),
            "What makes it delicate.",
            "[\"quasi\"]",
        ),
    ],
};

pub static SUBJECT_EXTENSION: Table = Table {
    title: "[[subject]]",
    doc: "A group of people beyond the shipped ones.",
    keys: &[
        required("key", TEXT, "The new key.", "\"donor\""),
        optional("name", NAME, "Name for people.", "{ de = \"Spender\", en = \"Donors\" }"),
    ],
};

pub static STREAM: Table = Table {
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
        optional(
            "added",
            Kind::Map(Names::Path, &CATEGORY),
            "Field path = category: adds fields that records have and the connector's description, or the schema, does not know.",
            "{ loyalty_card = \"user.unique_id\" }",
        ),
        optional("schema", TEXT, "A JSON Schema with `x-hub-category`, relative to this file.", "\"schemas/contacts.json\""),
        optional("primary_key", PATHS, "Fields that identify a record.", "[\"id\"]"),
        optional("cursor", PATH, "The field that grows with every change.", "\"updated_at\""),
        optional(
            "deletes",
            Kind::Boolean,
            "The source reports records that were deleted, as it is configured; absent = what its description says.",
            "true",
        ),
        optional("name", NAME, "Name for people.", "\"Contacts\""),
        optional("collected_for", REFERENCES, "Purposes for which the data was collected.", "[\"order-fulfilment\"]"),
        optional("source", TEXT, "`subject`: from the person (Art. 13). `third-party:WHO`: from somebody else (Art. 14).", "\"subject\""),
        optional(
            "identity",
            Kind::Map(Names::Word, &Kind::Table(&IDENTITY)),
            "How a person is found, by the kind of identifier.",
            "{ email = { field = \"email\", strength = \"strong\" } }",
        ),
        optional(
            "after_limit",
            Kind::Choice(AfterLimit::WORDS),
            "What happens at the limit while another rule still keeps the record.",
            "\"restrict\"",
        ),
        optional("keep_fields", PATHS, "Fields that stay in a restricted record.", "[\"id\", \"name\"]"),
        optional("subjects_est", Kind::Integer(0, MOST_PERSONS), "About how many persons.", "18000"),
        optional(
            "consent_ledger",
            Kind::Table(&LEDGER),
            "The stream says who consented to what: which field says what.",
            "{ subject = \"email\", status = \"status\" }",
        ),
        optional(
            "may_hold",
            Kind::Map(Names::Path, &Kind::List(&Kind::Choice(super::field::DETECTORS))),
            "What a field's values may look like in spite of its category: the gate does not hold records back for it.",
            "{ order_no = [\"payment-card\"] }",
        ),
    ],
};

static IDENTITY: Table = Table {
    title: "[stream.SYSTEM.NAME.identity.KIND]",
    doc: "How a person is found. Exactly one of `field` and `fields`.",
    keys: &[
        optional("field", PATH, "The field that holds the identifier.", "\"email\""),
        optional("fields", PATHS, "The fields that identify together.", "[\"name\", \"street\", \"postal_code\"]"),
        required("strength", Kind::Choice(Strength::WORDS), "How surely it names one person.", "\"strong\""),
        optional("via", TEXT, "The field of another stream with the same identifier, `system.stream.field`.", "\"erp.parties.id\""),
        optional("domain", REFERENCE, "Pseudonym domain in which it is written.", "\"analytics\""),
    ],
};

static LEDGER: Table = Table {
    title: "[stream.SYSTEM.NAME.consent_ledger]",
    doc: "Which field of a consent ledger says what.",
    keys: &[
        optional("subject", PATH, "Who.", "\"email\""),
        optional("scope", PATH, "To what.", "\"scope\""),
        optional("status", PATH, "Given or withdrawn.", "\"status\""),
        optional(
            "given",
            Kind::List(&TEXT),
            "What the status of a valid consent says; absent = given, granted, confirmed or subscribed. Everything else is no consent.",
            "[\"opted-in\"]",
        ),
        optional("at", PATH, "When.", "\"changed_at\""),
        optional("proof", PATH, "By which proof.", "\"proof_ref\""),
    ],
};
