//! Each change of the example with its class and its words.

use super::super::State;
use super::super::closure::Closures;
use super::super::diff::{Change, Class, diff};
use super::{EXAMPLE, edited, state, today};

use Class::{Editorial as E, Material as M, MaterialHigh as H};

/// What stands in the example, what then does, path of the change, class, a piece of its words.
type Row = (&'static str, &'static str, &'static str, Class, &'static str);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Recipients and third countries.
    ("[flow.crm-won-to-erp]\n", "[flow.more]\nfrom = \"erp.parties\"\nto = \"newsletter.members\"\npurpose = \"newsletter\"\nfields = [\"email\"]\n[flow.crm-won-to-erp]\n", "flow.more", M, "new flow erp.parties → newsletter.members for `newsletter`"),
    ("[flow.crm-won-to-erp]\n", "[flow.more]\nfrom = \"erp.parties\"\nto = \"newsletter.members\"\npurpose = \"sales-contact\"\nfields = [\"email\"]\n[flow.crm-won-to-erp]\n", "flow.more", H, "purpose `sales-contact` is new to `newsletter`"),
    ("[system.warehouse]\n", "[system.agency]\nconnector = \"builtin:files\"\nhosting = { country = \"US\" }\n[flow.more]\nfrom = \"erp.parties\"\nto = \"agency.people\"\npurpose = \"newsletter\"\nfields = [\"email\"]\n[system.warehouse]\n", "flow.more", H, "`agency` is a new recipient; it reaches the third country US"),
    ("subprocessors = [ {", "subprocessors = [ { name = \"Ops Ltd.\", country = \"IN\", approved = 2026-03-01 }, {", "system.crm.contract.subprocessors.\"Ops Ltd.\"", H, "in IN, a third country: a new recipient"),
    ("hosting = { country = \"DE\", region = \"eu1\" }", "hosting = { country = \"GB\", region = \"eu1\" }", "system.crm.hosting.country", H, "hosting: DE → GB; new third country GB"),
    ("hosting = { country = \"DE\", region = \"eu1\" }", "hosting = { country = \"FR\", region = \"eu1\" }", "system.crm.hosting.country", M, "hosting: DE → FR"),
    ("access_from = [\"US\"]", "access_from = [\"US\", \"IN\"]", "system.crm.access_from", H, "new third country IN"),
    ("mechanism = \"adequacy\"", "mechanism = \"bcr\"", "system.crm.transfer.US:adequacy", H, "transfer gone"),
    ("legal_name = \"Mailer Inc.\"", "legal_name = \"Mailer Corp.\"", "system.newsletter.legal_name", H, "Mailer Inc. → Mailer Corp."),
    ("role = \"separate-controller\"", "role = \"processor\"", "system.accounting.role", H, "role: separate-controller → processor"),
    ("valid_until = 2027-02-28", "valid_until = 2028-02-28", "system.crm.contract.valid_until", M, "end of the contract: 2027-02-28 → 2028-02-28"),
    ("@sha256:bbbb", "@sha256:bbbc", "system.crm.connector", M, "connector: "),
    ("status = \"approved\"                # requested", "status = \"sunset\"  # requested", "system.erp.status", M, "approved → sunset"),
    ("name = { de = \"Tryton ERP\", en", "name = { de = \"ERP von Tryton\", en", "system.erp.name.de", E, "name"),
    // Actions and fields.
    ("action = \"truncate\", keep = 2", "action = \"allow\"", "flow.erp-to-dwh-sales.fields.ship_postal_code", H, "weaker action: truncate keep 2 → allow"),
    ("action = \"truncate\", keep = 2", "action = \"truncate\", keep = 3", "flow.erp-to-dwh-sales.fields.ship_postal_code", H, "weaker action: truncate keep 2 → truncate keep 3"),
    ("action = \"truncate\", keep = 2", "action = \"truncate\", keep = 1", "flow.erp-to-dwh-sales.fields.ship_postal_code", M, "stronger action"),
    ("to_unit = \"month\"", "to_unit = \"year\"", "flow.erp-to-dwh-sales.fields.order_date", M, "stronger action"),
    ("bucket = 100", "bucket = 10", "flow.erp-to-dwh-sales.fields.amount", H, "weaker action"),
    ("action = \"encrypt\", recipient = \"age:steuerkanzlei\"", "action = \"allow\"", "flow.erp-to-fibu-debtors.fields.iban", H, "weaker action: encrypt"),
    ("product = \"allow\"", "product = \"hash\"", "flow.erp-to-dwh-sales.fields.product", M, "stronger action: allow → hash"),
    ("code = { to = \"customer_no\", action = \"allow\" }\n", "code = { to = \"customer_no\", action = \"allow\" }\ncity = \"allow\"\n", "flow.erp-to-crm.fields.city", M, "new field `city` (user.contact.address.city): new data category for `crm`"),
    ("code = { to = \"customer_no\", action = \"allow\" }\nemail = \"allow\"\n", "code = { to = \"customer_no\", action = \"allow\" }\n", "flow.erp-to-crm.fields.email", M, "field `email` no longer passes"),
    ("description = \"drop\"               # free", "# free", "flow.erp-to-fibu-postings.fields.description", E, "it was dropped and still is"),
    ("first_name\", action = \"allow\" }\nlanguage = \"allow\"", "first_name\", action = \"allow\" }\nlanguage = { to = \"lang\", action = \"allow\" }", "flow.crm-to-newsletter.fields.language", M, "arrives as `lang`, before as `language`"),
    ("language = \"user.demographic.language\"\nnotes", "language = \"user.health_and_medical\"\nnotes", "stream.crm.contacts.fields.language", H, "label: user.demographic.language → user.health_and_medical"),
    // Purposes, consent, time.
    ("purpose = \"order-fulfilment\"\nschedule", "purpose = \"sales-contact\"\nschedule", "flow.crm-won-to-erp.purpose", H, "purpose: order-fulfilment → sales-contact"),
    ("", "[purpose.promo]\nuse = \"marketing\"\nbasis = { art6 = \"a\", consent_scope = \"promo\", proof = \"double-opt-in\" }\nallows = []\n", "purpose.promo", H, "new purpose `promo`"),
    ("basis = { art6 = \"b\"", "basis = { art6 = \"f\"", "purpose.order-fulfilment.basis.art6", H, "legal basis, Art. 6(1): b → f"),
    ("allows = [\"user.contact.email\", \"user.name.first\"", "allows = [\"user.demographic.trade_union\", \"user.contact.email\", \"user.name.first\"", "purpose.newsletter.allows", H, "data category: new `user.demographic.trade_union`"),
    ("allows = [\"user.contact.email\", \"user.name.first\"", "allows = [\"user.device\", \"user.contact.email\", \"user.name.first\"", "purpose.newsletter.allows", M, "data category: new `user.device`"),
    ("statistical = true\n", "", "purpose.sales-analytics.statistical", H, "no longer: statistics only"),
    ("requires = [\"no-direct-identifiers\", \"no-free-text\"]", "requires = [\"no-free-text\"]", "compatibility.order-fulfilment->sales-analytics.requires", H, "gone `no-direct-identifiers`"),
    ("scope = \"newsletter-v3\"\nmatch", "scope = \"newsletter-v4\"\nmatch", "flow.crm-to-newsletter.consent.scope", H, "consent gate: newsletter-v3 → newsletter-v4"),
    ("max_age = \"P1D\"", "max_age = \"P7D\"", "flow.crm-to-newsletter.consent.max_age", H, "P1D → P7D, longer"),
    ("period = \"P5Y\"", "period = \"P10Y\"", "retention.stats.period", H, "retention: P5Y → P10Y, longer"),
    ("period = \"P5Y\"", "period = \"P1Y\"", "retention.stats.period", H, "retention: P5Y → P1Y, shorter"),
    ("rotation = \"P14D\"", "rotation = \"P7D\"", "system.warehouse.backup.rotation", M, "shorter"),
    ("delete = \"propagate\"\napproved = { by = [\"role:controlling\"", "delete = \"retain-statutory\"\napproved = { by = [\"role:controlling\"", "flow.erp-to-dwh-sales.delete", H, "propagate → retain-statutory"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 1 * * *\"\ndeletes = \"ignore\"", "flow.erp-to-dwh-sales.deletes", H, "ignore"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 1 * * *\"\ndeletes = \"apply\"", "flow.erp-to-dwh-sales.deletes", M, "apply"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 2 * * *\"", "flow.erp-to-dwh-sales.schedule", M, "schedule"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 1 * * *\"\njitter = \"PT5M\"", "flow.erp-to-dwh-sales.jitter", E, "spread of begins"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 1 * * *\"\noverlap = \"queue\"", "flow.erp-to-dwh-sales.overlap", E, "during a run"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 1 * * *\"\nmisfire = \"all\"", "flow.erp-to-dwh-sales.misfire", E, "times that passed"),
    ("", "[[maintenance]]\nfrom = \"22:00\"\nto = \"23:00\"\n", "maintenance.22:00-23:00", E, "hours without runs"),
    ("schedule = \"30 1 * * *\"", "schedule = \"30 1 * * *\"\nretries = 0", "flow.erp-to-dwh-sales.retries", E, "number of retries"),
    ("[system.crm]\n", "[system.crm]\nrate = \"10/s\"\n", "system.crm.rate", E, "requests in a time"),
    ("[system.crm]\n", "[system.crm]\nconcurrency = 2\n", "system.crm.concurrency", E, "runs at once"),
    // Keys, governance, texts.
    ("method = \"hmac-sha256\" ", "method = \"aes-siv\" ", "pseudonym.analytics.method", H, "leads back to the person"),
    ("decision = \"not-required\" ", "decision = \"done\" ", "dpia.\"VT-03 Absatzstatistik\".decision", H, "not-required → done"),
    ("version  = \"2026.11.0\"", "version  = \"2026.12.0\"", "version", E, "version"),
    ("authority = \"LfD Niedersachsen\"", "authority = \"LfD Hessen\"", "operator.authority", E, "operator"),
    ("at = 2026-09-14, digest", "at = 2026-09-15, digest", "flow.crm-won-to-erp.approved.at", E, "record of approval"),
    // Who is told how runs go.
    ("", "[alert.ops]\nto = \"https://hooks.example.org/hub\"\nsecret = { env = \"S\" }\n", "alert.ops", M, "new receiver of alerts `ops`"),
    ("", "[audit.anchor.far]\nurl = \"https://evidence.example.org/notes\"\n", "audit.anchor.far", M, "new place of signed heads `far`"),
    ("", "[observe]\notlp = { to = \"https://otel.example.org/v1/traces\" }\n", "observe.otlp", M, "new receiver of traces"),
    ("", "[observe]\nlineage = { file = \"l.ndjson\" }\n", "observe.lineage", M, "new receiver of lineage"),
    ("", "[observe]\nmetrics = \"127.0.0.1:9464\"\n", "observe.metrics", M, "address of the metrics: 127.0.0.1:9464"),
    ("", "[observe]\nlogs = \"json\"\n", "observe.logs", E, "form of log lines"),
    ("", "[system.spare]\nconnector = \"builtin:files\"\n", "system.spare", E, "used by no flow"),
];

/// `reversible` contradicts a changed method; the reader says so, so it goes with it.
fn changed(from: &str, to: &str) -> State {
    let text = edited(from, to);
    state(&if to.contains("aes-siv") { text.replace("reversible = false\n", "") } else { text })
}

#[test]
fn each_change_has_its_class_and_its_words() {
    let old = state(EXAMPLE);
    for (from, to, path, class, words) in ROWS {
        let found = diff(&old, &changed(from, to), today());
        let change = found.iter().find(|change| change.path == *path).unwrap_or_else(|| panic!("{to}: {found:#?}"));
        assert_eq!(change.class, *class, "{change:#?}");
        assert!(change.words.contains(words), "{words}: {change:#?}");
    }
    assert_eq!(diff(&old, &old, today()), []);
}

/// Nobody has to agree to what voids nothing, and the other way round.
#[test]
fn editorial_changes_void_no_closure() {
    let old = state(EXAMPLE);
    let before = Closures::new(&old.manifest, &old.connectors);
    for (from, to, ..) in ROWS {
        let new = changed(from, to);
        let after = Closures::new(&new.manifest, &new.connectors);
        let found = diff(&old, &new, today());
        let flows = new.manifest.get("flow").unwrap().as_object().unwrap();
        for id in flows.keys() {
            let is_void = before.of(id) != after.of(id);
            let touching: Vec<&Change> = found.iter().filter(|change| change.flows.contains(id)).collect();
            assert_eq!(is_void, !touching.is_empty(), "{to} {id}");
            assert!(touching.iter().all(|change| change.class > Class::Editorial), "{touching:?}");
        }
    }
}

#[test]
fn a_connector_that_says_something_else_is_told() {
    let old = state(EXAMPLE);
    let mut new = old.clone();
    new.connectors.insert("crm".to_owned(), "ab".repeat(32));
    let fields = new.categories.get_mut("crm-to-newsletter").unwrap();
    fields.insert("language".to_owned(), "user.health_and_medical".to_owned());
    let found = diff(&old, &new, today());
    let [connector, label] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((connector.path.as_str(), connector.class), ("connector.crm", M));
    assert_eq!(connector.flows, ["crm-to-newsletter", "crm-won-to-erp", "erp-to-crm", "newsletter-unsubscribe-to-crm"]);
    assert_eq!((label.path.as_str(), label.class), ("flow.crm-to-newsletter.fields.language.category", H));
    assert!(label.words.contains("arrives as `user.health_and_medical`"));
}
