//! Manifests that must be accepted, and what comes out of them.

use super::super::*;
use super::{Memory, reads};
use crate::date::Period;
use crate::detect::{Detector, DetectorSet};

const EVERYTHING: &str = include_str!("everything.toml");
const QUICKSTART: &str = include_str!("quickstart.toml");
const SCHEMA: &str = r#"{"type":"object","properties":{"id":{"type":"integer","x-hub-category":"non-personal"}}}"#;

fn everything() -> Manifest {
    reads(EVERYTHING, &Memory::with(&[("schemas/contacts.json", SCHEMA), ("flows/night.toml", include_str!("night.toml"))]))
}

fn paths(fields: &[FlowField]) -> Vec<(&str, &str, Action)> {
    fields.iter().map(|field| (field.path.value.as_str(), field.to.value.as_str(), field.action.value.clone())).collect()
}

#[test]
fn the_quickstart_fits_on_a_screen() {
    let manifest = reads(QUICKSTART, &Memory::default());
    assert!(QUICKSTART.lines().filter(|line| !line.trim().is_empty()).count() <= 22);
    let flow = &manifest.flows["contacts-to-archive"];
    assert_eq!(flow.from.value.to_string(), "crm.contacts");
    assert_eq!(flow.mode.value, WriteMode::Replace);
    assert_eq!((flow.on_undeclared, flow.on_invalid), (OnUndeclared::Drop, OnInvalid::Stop));
    assert!(flow.schedule.is_none());
    assert_eq!(manifest.digest.len(), 64);
    assert_eq!(manifest.systems["archive"].folders["out"].access, FolderAccess::Write);
}

#[test]
fn systems_carry_their_grants() {
    let manifest = everything();
    let crm = &manifest.systems["crm"];
    assert_eq!(crm.connector.value, ConnectorRef::Path("connectors/crm.wasm".to_owned()));
    assert_eq!(
        crm.config.value.to_string(),
        r#"{"base":"https://api.example.org","since":"2026-01-01","pages":[1,2.5],"nested":{"deep":true}}"#
    );
    assert_eq!(crm.status.as_ref().map(|status| status.value), Some(SystemStatus::Pilot));
    let hosts: Vec<String> = crm.hosts.iter().map(|host| host.value.to_string()).collect();
    assert_eq!(hosts, ["https://api.example.org", "http://127.0.0.1:8080"]);
    assert_eq!(crm.networks[0].value, Network { address: [10, 20, 0, 0].into(), prefix: 16 });
    assert!(crm.read_body.is_some());
    assert_eq!(crm.limits, Limits { memory_mib: Some(512), seconds: Some(60) });
    assert_eq!(crm.concurrency.as_ref().map(|most| most.value), Some(2));
    let token = &crm.credentials["token"];
    assert_eq!((&token.scheme, &token.value), (&CredentialScheme::Bearer, &SecretRef::File("secrets/token".to_owned())));
    assert_eq!(token.origins.len(), 2);
    let basic = &crm.credentials["basic"];
    assert_eq!(basic.scheme, CredentialScheme::Basic { user: "hub".to_owned() });
    assert_eq!(basic.value, SecretRef::Env("CRM_WORD".to_owned()));
    assert_eq!(basic.origins.iter().map(ToString::to_string).collect::<Vec<_>>(), ["https://api.example.org"]);
    assert_eq!(crm.credentials["key"].scheme, CredentialScheme::Header { name: "X-Api-Key".to_owned() });
}

#[test]
fn a_low_code_connector_has_labels_and_secrets() {
    let manifest = everything();
    let acme = &manifest.systems["acme"];
    assert_eq!(acme.connector.value, ConnectorRef::LowCode("connectors/acme/manifest.yaml".to_owned()));
    assert_eq!(acme.labels.as_ref().unwrap().value, "labels/acme.toml");
    let secrets: Vec<_> = acme.secrets.iter().map(|(path, place)| (path.as_str(), place.value.clone())).collect();
    let expected = [
        ("api_key", SecretRef::File("secrets/acme".to_owned())),
        ("credentials.client_secret", SecretRef::Env("ACME_SECRET".to_owned())),
        ("credentials.refresh_token", SecretRef::File("secrets/refresh".to_owned())),
        ("credentials.token", SecretRef::File("secrets/token".to_owned())),
    ];
    assert_eq!(secrets, expected);
    assert_eq!(manifest.flows["contacts-to-archive"].state.as_ref().unwrap().value, "state/contacts.json");
}

#[test]
fn declarations_are_typed() {
    let manifest = everything();
    let purpose = &manifest.purposes["sales"];
    assert_eq!(purpose.use_key.value, "sales");
    assert_eq!(purpose.basis.value.art6, 'f');
    let basis = &purpose.basis.value;
    assert_eq!(basis.interest.as_ref().unwrap().value.in_language(Language::English), "Vertrieb");
    assert_eq!(basis.lia.as_ref().unwrap().value, "LIA-2026-01");
    assert_eq!(purpose.allows.value.len(), 2);
    assert_eq!(manifest.retentions["prospect"].kind, RetentionKind::Limit);
    assert_eq!(manifest.retentions["voucher"].period.value, Period::parse("P8Y").unwrap());
    assert_eq!(manifest.pseudonyms["analytics"].key.value, SecretRef::File("secrets/analytics.key".to_owned()));
    assert_eq!(manifest.pseudonyms["analytics"].method, PseudonymMethod::HmacSha256);
    assert_eq!(manifest.pseudonyms["support"].method, PseudonymMethod::AesSiv);
    assert!(Recipient::key(&manifest.recipients["adviser"].age.value).is_some());
    assert_eq!(manifest.categories["user.demographic.household"].parent, "user.demographic");
    assert_eq!(manifest.categories["user.demographic.trade_union"].marks, ["art9", "quasi"]);
    assert!(manifest.subjects.contains_key("donor"));
    let stream = &manifest.streams[&StreamId::parse("crm.contacts").unwrap()];
    let fields: Vec<_> = stream.fields.iter().map(|(path, category)| (path.value.as_str(), category.value.as_str())).collect();
    let expected = [
        ("id", "user.unique_id"),
        ("email", "user.contact.email"),
        ("address.city", "user.contact.address.city"),
        ("address.street", "user.contact.address.street"),
        ("lines.product", "user.behavior.purchase_history"),
    ];
    assert_eq!(fields, expected);
    assert_eq!((stream.added[0].0.value.as_str(), stream.labels().count()), ("loyalty.card", 6));
    assert_eq!(stream.schema.as_ref().unwrap().value["type"], "object");
    assert_eq!(stream.primary_key[0].value.as_str(), "id");
    assert_eq!(stream.cursor.as_ref().unwrap().value.as_str(), "updated_at");
}

#[test]
fn parties_and_governance_are_typed() {
    let manifest = everything();
    assert_eq!(manifest.operator.representative.as_ref().unwrap().value, "Muster EU GmbH, Wien");
    let crm = &manifest.systems["crm"];
    assert!(crm.ai.is_some() && manifest.systems["archive"].ai.is_none());
    assert_eq!(crm.mandant.as_ref().unwrap().value, "Musterverein e.V.");
    let rights = crm.dsr.as_ref().unwrap();
    let modes = [&rights.access, &rights.rectify, &rights.erase, &rights.restrict].map(|mode| mode.as_ref().unwrap().value);
    assert_eq!(modes, [Support::Native, Support::Emulated, Support::Manual, Support::Unsupported]);
    let approved: Vec<_> = crm.contract.as_ref().unwrap().subprocessors.iter().map(|party| party.approved.is_some()).collect();
    assert_eq!(approved, [true, false]);
    let registry = "oci://registry.example:5000/hub/file@sha256:0f3a";
    assert_eq!(manifest.systems["archive"].connector.value, ConnectorRef::Oci(registry.to_owned()));
    let sales = &manifest.purposes["sales"];
    let special = sales.special.as_ref().unwrap();
    assert_eq!((special.art9.as_ref().unwrap().value, special.consent.as_ref().unwrap().value.as_str()), ('b', "health-v1"));
    assert!(sales.profiling.is_some() && sales.automated_decision.is_some() && sales.prevents_right.is_some());
    assert_eq!(sales.art22.as_ref().unwrap().value, DecisionGround::Contract);
    assert!(manifest.purposes["statistics"].statistical.is_none());
    assert!(manifest.pseudonyms["support"].is_reversible());
    let stream = &manifest.streams[&StreamId::parse("crm.contacts").unwrap()];
    assert_eq!(stream.source.as_ref().unwrap().value, DataSource::ThirdParty("Adressverlag".to_owned()));
    assert_eq!(stream.identity["customer_no"].via.as_ref().unwrap().value.field.as_str(), "address.id");
    let gate = manifest.flows["contacts-to-archive"].consent.as_ref().unwrap();
    let pairs: Vec<_> = gate.matching.iter().map(|(own, other)| (own.value.as_str(), other.value.as_str())).collect();
    let flow = &manifest.flows["contacts-to-archive"];
    assert_eq!(flow.deletes.as_ref().unwrap().value, OnDeleted::Ignore);
    assert!(manifest.streams[&StreamId::parse("crm.contacts").unwrap()].deletes.as_ref().unwrap().value);
    assert_eq!((pairs, gate.on_withdrawal), (vec![("email", "email"), ("address.city", "place.city")], OnWithdrawal::Keep));
    let activity = &manifest.activities["VT-01 Kundenstamm"];
    assert_eq!(activity.residency.iter().map(|area| area.value.as_str()).collect::<Vec<_>>(), ["EU", "CH"]);
    assert_eq!(activity.description.as_ref().unwrap().value.in_language(Language::English), "Kundenpflege");
    assert_eq!(manifest.dpia_large_scale.as_ref().unwrap().value, 50_000);
}

#[test]
fn approvals_are_needed_if_said_so_or_if_one_is_there() {
    let needs = |text: &str| reads(text, &Memory::default()).needs_approvals();
    let approved = format!("{QUICKSTART}approved = {{ by = [\"dpo\"], at = 2026-01-01 }}\n");
    assert!(!needs(QUICKSTART) && needs(&approved));
    assert!(needs(&format!("approvals = \"required\"\n{QUICKSTART}")));
    assert!(!needs(&format!("approvals = \"none\"\n{approved}")));
}

#[test]
fn flows_keep_the_order_of_their_fields() {
    let manifest = everything();
    let flow = &manifest.flows["contacts-to-archive"];
    let entries = [("AT", "EU"), ("CH", "EFTA")].map(|(text, coarse)| (text.to_owned(), coarse.to_owned())).to_vec();
    let head = flow.fields.iter().find(|field| field.path.value.as_str() == "first").map(|field| field.action.value.clone());
    let parts = if let Some(Action::Concat { with, .. }) = head { with } else { Vec::new() };
    assert_eq!(parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>(), ["last", "suffix"]);
    let expected = [
        ("id", "customer_no", Action::Pseudonymise { domain: "analytics".to_owned() }),
        ("email", "email", Action::Hash),
        ("name", "name", Action::Mask { first: 1, last: 0 }),
        ("zip", "region", Action::Truncate { keep: 2 }),
        ("country", "country", Action::Constant(serde_json::json!("DE"))),
        ("notes", "notes", Action::Drop),
        ("fax", "fax", Action::Null),
        ("ip", "ip", Action::Network { named: true }),
        ("last_ip", "last_ip", Action::Network { named: false }),
        ("born", "born_in", Action::Generalise(Coarser::Date(DateUnit::Year))),
        ("amount", "amount", Action::Generalise(Coarser::Bucket(100))),
        ("nation", "nation", Action::Generalise(Coarser::Map { entries, default: Some("other".to_owned()) })),
        ("remarks", "remarks", Action::Redact { detectors: DetectorSet::NONE.with(Detector::Email).with(Detector::Iban) }),
        ("iban", "iban", Action::Encrypt { recipient: "age:adviser".to_owned() }),
        ("party", "party_code", Action::Lookup { via: "erp.parties.code".to_owned(), missing: Missing::Null }),
        ("first", "full", Action::Concat { with: parts, separator: ", ".to_owned() }),
        ("last", "full", Action::Concat { with: Vec::new(), separator: " ".to_owned() }),
        ("address.city", "address.town", Action::Allow),
        ("address.street", "address.street", Action::Allow),
        ("lines.product", "lines.product", Action::Allow),
        ("lines.note", "lines.note", Action::Mask { first: 0, last: 0 }),
    ];
    assert_eq!(paths(&flow.fields), expected);
    assert_eq!(flow.mode.value, WriteMode::Upsert);
    assert_eq!((flow.on_undeclared, flow.on_invalid), (OnUndeclared::Stop, OnInvalid::Skip));
    let schedule = flow.schedule.as_ref().unwrap();
    assert_eq!((schedule.value.expression.as_str(), schedule.value.zone.as_str()), ("0 0 3 * * *", "Europe/Berlin"));
    let Timing { overlap: Some(overlap), misfire: Some(misfire), jitter: Some(jitter), retries: Some(retries) } = &flow.timing else {
        panic!("{flow:?}")
    };
    assert_eq!((overlap.value, misfire.value, jitter.value, retries.value), (Overlap::Queue, Misfire::All, Delay { seconds: 5400 }, 5));
    let windows: Vec<String> = manifest.maintenance.iter().map(|window| format!("{}-{}", window.from.value, window.to.value)).collect();
    assert_eq!(windows, ["22:00-02:00", "12:00-12:30"]);
    assert_eq!(flow.retention[0].value, "prospect");
    assert_eq!(paths(&manifest.flows["nightly"].fields), [("id", "id", Action::Allow)]);
    assert_eq!(manifest.sources.get(manifest.flows["nightly"].id.span.file).unwrap().0, "flows/night.toml");
}

#[test]
fn detectors_are_named_as_they_are() {
    assert_eq!(grammar::DETECTORS, Detector::ALL.map(Detector::name));
}

/// A key that no good manifest uses is a key that nothing tests.
#[test]
fn the_good_manifest_uses_every_key_of_the_grammar() {
    let mut unused = Vec::new();
    let mut waiting = vec![&grammar::MANIFEST];
    while let Some(table) = waiting.pop() {
        for key in table.keys {
            let written = format!("{} =", key.name);
            let opened = [format!("[{}", key.name), format!(".{}", key.name)];
            if !EVERYTHING.contains(&written) && !opened.iter().any(|form| EVERYTHING.contains(form)) {
                unused.push(format!("{} {}", table.title, key.name));
            }
            waiting.extend(schema::inner_tables(&key.kind));
        }
    }
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn the_digest_covers_every_file() {
    let files = |schema: &str, night: &str| Memory::with(&[("schemas/contacts.json", "")]).replaced(schema, night);
    let digest = |schema: &str, night: &str| reads(EVERYTHING, &files(schema, night)).digest;
    let night = include_str!("night.toml");
    let first = digest(SCHEMA, night);
    assert_eq!(first, digest(SCHEMA, night));
    assert_ne!(first, digest(&format!("{SCHEMA} "), night));
    assert_ne!(first, digest(SCHEMA, &format!("{night}\n")));
}

impl Memory {
    fn replaced(mut self, schema: &str, night: &str) -> Self {
        self.0.insert("schemas/contacts.json", schema.as_bytes().to_vec());
        self.0.insert("flows/night.toml", night.as_bytes().to_vec());
        self
    }
}
