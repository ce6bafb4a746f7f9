//! The register as JSON-LD with terms of the Data Privacy Vocabulary (DPV 2) and its GDPR extension: <https://w3id.org/dpv>.
//!
//! Says less than the other formats: only what the vocabulary has a term for. Nothing is fetched; the context is written out.

use serde_json::{Value, json};

use super::notice::{self, Right};
use super::register::{Category, Entry, Purpose, Recipient, Register, Transfer};
use super::text::Text;

/// The whole register as a graph.
#[must_use]
pub fn render(register: &Register) -> Value {
    let entries: Vec<Value> = register.entries.iter().map(|entry| process(register, entry)).collect();
    json!({
        "@context": {
            "dpv": "https://w3id.org/dpv#",
            "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
            "dct": "http://purl.org/dc/terms/",
        },
        "@graph": entries,
    })
}

fn process(register: &Register, entry: &Entry) -> Value {
    let bases: Vec<Value> = entry.purposes.iter().flat_map(bases).collect();
    let rights: Vec<Value> = notice::rights(&entry.purposes).into_iter().map(|right| id(right_term(right))).collect();
    json!({
        "@id": format!("urn:hub:{}:activity:{}", register.digest, urlencoding(&entry.name)),
        "@type": "dpv:Process",
        "dct:title": entry.name,
        "dct:modified": entry.changed,
        "dpv:hasDataController": { "@type": "dpv:DataController", "dct:title": register.controller.name },
        "dpv:hasPurpose": entry.purposes.iter().map(purpose).collect::<Vec<_>>(),
        "dpv:hasLegalBasis": bases,
        "dpv:hasDataSubject": entry.subjects.iter().map(|subject| typed("dpv:DataSubject", &subject.name)).collect::<Vec<_>>(),
        "dpv:hasPersonalData": entry.categories.iter().map(personal).collect::<Vec<_>>(),
        "dpv:hasRecipient": entry.recipients.iter().map(recipient).collect::<Vec<_>>(),
        "dpv:hasStorageCondition": entry.periods.iter().map(|period| typed("dpv:StorageCondition", &period.text)).collect::<Vec<_>>(),
        "dpv:hasTechnicalOrganisationalMeasure": entry.measures.iter().flat_map(|goal| &goal.measures)
            .map(|measure| typed("dpv:TechnicalOrganisationalMeasure", measure)).collect::<Vec<_>>(),
        "dpv:hasRight": rights,
        "dpv:hasProcess": entry.transfers.iter().map(transfer).collect::<Vec<_>>(),
    })
}

fn id(term: impl Into<String>) -> Value {
    json!({ "@id": term.into() })
}

fn title(text: &Text) -> Value {
    json!([{ "@value": text.de, "@language": "de" }, { "@value": text.en, "@language": "en" }])
}

fn typed(class: &str, text: &Text) -> Value {
    json!({ "@type": class, "dct:title": title(text) })
}

fn purpose(purpose: &Purpose) -> Value {
    typed("dpv:Purpose", &purpose.purpose.name)
}

fn bases(purpose: &Purpose) -> Vec<Value> {
    let first = id(format!("eu-gdpr:A6-1-{}", purpose.art6));
    std::iter::once(first).chain(purpose.art9.map(|letter| id(format!("eu-gdpr:A9-2-{letter}")))).collect()
}

fn personal(category: &Category) -> Value {
    let special = category.marks.contains(&"art9");
    typed(if special { "dpv:SpecialCategoryPersonalData" } else { "dpv:PersonalData" }, &category.category.name)
}

fn recipient(recipient: &Recipient) -> Value {
    let class = match recipient.role {
        "processor" => "dpv:DataProcessor",
        "joint-controller" => "dpv:JointDataControllers",
        "separate-controller" => "dpv:ThirdParty",
        _ => "dpv:Recipient",
    };
    let name = recipient.legal_name.as_ref().map_or_else(|| recipient.system.name.clone(), Text::same);
    typed(class, &name)
}

/// None where the vocabulary has no single term: an exception of Art. 49 is one of several.
fn transfer(transfer: &Transfer) -> Value {
    let basis = match transfer.mechanism {
        Some("adequacy") => Some("eu-gdpr:A45-3"),
        Some("scc") => Some("eu-gdpr:A46-2-c"),
        Some("bcr") => Some("eu-gdpr:A46-2-b"),
        _ => None,
    };
    json!({
        "@type": "dpv:Process",
        "dpv:hasProcessing": { "@id": "dpv:Transfer" },
        "dpv:hasLegalBasis": basis.map(id),
        "dpv:hasThirdCountry": { "@type": "dpv:ThirdCountry", "dct:identifier": transfer.country },
    })
}

fn right_term(right: Right) -> &'static str {
    match right {
        Right::Access => "eu-gdpr:A15",
        Right::Rectify => "eu-gdpr:A16",
        Right::Erase => "eu-gdpr:A17",
        Right::Restrict => "eu-gdpr:A18",
        Right::Portability => "eu-gdpr:A20",
        Right::Object => "eu-gdpr:A21",
        Right::Withdraw => "eu-gdpr:A7-3",
        Right::Human => "eu-gdpr:A22",
        Right::Complain => "eu-gdpr:A77",
    }
}

/// A name as a part of a URN: letters and digits of ASCII stay, every other byte is written as `%XX`.
fn urlencoding(name: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii_alphanumeric() || byte == b'-' { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(byte).collect()
}
