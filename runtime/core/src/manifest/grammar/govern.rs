//! Tables of who is responsible and how processing is governed.

use super::{COUNTRY, KEY, Kind, NAME, PEOPLE, PERIOD, TEXT, Table, optional, required};
use crate::manifest::types::{Decision, Evidence, ExtensionNeed, IdentityClock, Intake, Language, PackageEncryption, TaxonomyBase};

pub static OPERATOR: Table = Table {
    title: "[operator]",
    doc: "The controller, Art. 30(1)(a) GDPR.",
    keys: &[
        required("name", TEXT, "Legal name.", "\"Muster GmbH\""),
        required("contact", TEXT, "Address for data-protection questions.", "\"datenschutz@muster.example\""),
        optional("address", TEXT, "Postal address.", "\"Beispielweg 1, 30159 Hannover\""),
        optional("country", COUNTRY, "Country, ISO 3166 alpha-2.", "\"DE\""),
        optional("dpo", Kind::Table(&OFFICER), "Data protection officer.", "{ name = \"A. Muster\", email = \"dsb@muster.example\" }"),
        optional("representative", TEXT, "Representative in the Union, Art. 27.", "\"Muster EU GmbH, Wien\""),
        optional("authority", TEXT, "Competent supervisory authority.", "\"LfD Niedersachsen\""),
        optional("timezone", TEXT, "IANA zone in which deadlines are counted.", "\"Europe/Berlin\""),
        optional("calendar", TEXT, "Whose public holidays count: a country, or one of its regions.", "\"DE-NI\""),
        optional(
            "languages",
            Kind::List(&Kind::Choice(Language::WORDS)),
            "Languages of registers and notices; absent = all.",
            "[\"de\", \"en\"]",
        ),
    ],
};

static OFFICER: Table = Table {
    title: "[operator.dpo]",
    doc: "The data protection officer, Art. 37.",
    keys: &[required("name", TEXT, "Name.", "\"A. Muster\""), required("email", TEXT, "E-mail address.", "\"dsb@muster.example\"")],
};

pub static TAXONOMY: Table = Table {
    title: "[taxonomy]",
    doc: "The vocabulary that the manifest was written for.",
    keys: &[
        required("base", Kind::Choice(TaxonomyBase::WORDS), "The vocabulary.", "\"fideslang\""),
        optional("base_version", TEXT, "Its version.", "\"3.1.4a1\""),
    ],
};

pub static ACTIVITY: Table = Table {
    title: "[activity.NAME]",
    doc: "A processing activity: an entry of the register, Art. 30 GDPR.",
    keys: &[
        optional(
            "residency",
            Kind::List(&COUNTRY),
            "Countries in which its data may be held; `EU` and `EEA` stand for all of theirs. Absent = anywhere.",
            "[\"EU\", \"CH\"]",
        ),
        optional("description", NAME, "What is done.", "\"Orders are counted by region and month\""),
        optional("tom", NAME, "Technical and organisational measures, Art. 32.", "\"Access for controlling only\""),
        optional("contact", TEXT, "Whom to ask about the law.", "\"legal@muster.example\""),
        optional("department", TEXT, "Department that answers for it.", "\"Controlling\""),
    ],
};

pub static DPIA: Table = Table {
    title: "[[dpia]]",
    doc: "A decision about an impact assessment, Art. 35 GDPR.",
    keys: &[
        required("activity", TEXT, "The activity's name, as flows write it.", "\"VT-03 Statistics\""),
        required("decision", Kind::Choice(Decision::WORDS), "What was decided.", "\"not-required\""),
        optional("reasons", NAME, "Why.", "\"Counts only, nobody can be singled out\""),
        optional("by", PEOPLE, "Who decided.", "[\"dpo\", \"role:controlling\"]"),
        optional("at", Kind::Date, "When.", "2026-09-14"),
        optional("review", Kind::Date, "When to look again.", "2027-09-14"),
    ],
};

pub static DSR: Table = Table {
    title: "[dsr]",
    doc: "How requests of data subjects are handled, Art. 12 to 22 GDPR.",
    keys: &[
        optional("intake", Kind::List(&Kind::Choice(Intake::WORDS)), "Ways on which they come in.", "[\"email\", \"post\"]"),
        optional(
            "extension_requires",
            Kind::List(&Kind::Choice(ExtensionNeed::WORDS)),
            "What a longer deadline needs, Art. 12(3).",
            "[\"reason\", \"notice-sent\"]",
        ),
        optional(
            "clock_pause_for_identity",
            Kind::Choice(IdentityClock::WORDS),
            "Which deadline counts while the person's identity is in doubt.",
            "\"show-both\"",
        ),
        optional(
            "suppression",
            Kind::Table(&SUPPRESSION),
            "How erased persons are kept from coming back.",
            "{ key = \"kms:hub/suppression\", scopes = [\"all\"], horizon = \"P3Y\" }",
        ),
        optional(
            "package_encryption",
            Kind::Choice(PackageEncryption::WORDS),
            "How a package for a person is protected.",
            "\"password-out-of-band\"",
        ),
    ],
};

static SUPPRESSION: Table = Table {
    title: "[dsr.suppression]",
    doc: "The list of erased persons; it holds keyed tags, no names.",
    keys: &[
        required("key", KEY, "Where its key is (at least 16 bytes).", "\"kms:hub/suppression\""),
        optional("scopes", Kind::List(&TEXT), "What entries may be for.", "[\"all\", \"marketing\"]"),
        optional("horizon", PERIOD, "How long an entry lasts.", "\"P3Y\""),
    ],
};

pub static QUARANTINE: Table = Table {
    title: "[quarantine]",
    doc: "Records that a rule holds back until two people release them.",
    keys: &[optional("keep", PERIOD, "How long they are kept at most, in days; absent = P14D.", "\"P14D\"")],
};

pub static BREACH: Table = Table {
    title: "[breach]",
    doc: "How breaches are handled, Art. 33 and 34 GDPR.",
    keys: &[
        optional("contact", TEXT, "Whom to tell.", "\"dsb@muster.example\""),
        optional("clock", TEXT, "Hours from knowing of it to the notification.", "\"PT72H\""),
        optional("evidence", Kind::Choice(Evidence::WORDS), "What happens to the evidence.", "\"freeze-on-suspicion\""),
    ],
};
