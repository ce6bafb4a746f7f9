//! Over the worked example: what a text says and not how it is written, what each change means, and what an approval holds.

mod changes;
mod locks;
mod plans;

use super::canonical;
use super::closure::Closures;
use super::{ConnectorDigests, State};
use crate::date::Date;
use crate::manifest::{self, Manifest, NoFiles};
use crate::policy::{Catalogue, Policy};

const EXAMPLE: &str = include_str!("../../../../examples/nordwerk/manifest.toml");

fn today() -> Date {
    Date::parse("2026-11-23").unwrap()
}

fn read(text: &str) -> Manifest {
    manifest::read("manifest.toml", text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems))
}

fn policy(text: &str) -> Policy {
    Policy::build(read(text), &Catalogue::new(), today()).unwrap_or_else(|denied| panic!("{:?}", denied.problems))
}

fn state(text: &str) -> State {
    State::of_manifest(&read(text), &ConnectorDigests::new())
}

/// The example with one piece replaced.
fn edited(from: &str, to: &str) -> String {
    assert!(from.is_empty() || EXAMPLE.contains(from), "the example has no {from:?}");
    if from.is_empty() { format!("{EXAMPLE}\n{to}") } else { EXAMPLE.replacen(from, to, 1) }
}

fn digest(text: &str) -> String {
    state(text).digest()
}

/// The text cut before each header, those of lists and what belongs to them together with the header before.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = vec![String::new()];
    let mut top = String::new();
    for line in text.lines() {
        let header = line.trim_start_matches('[').split([']', '.']).take(2).collect::<Vec<_>>().join(".");
        if line.starts_with('[') && (header != top || line.starts_with("[[c") || line.starts_with("[[s")) {
            top = header;
            blocks.push(String::new());
        }
        let last = blocks.last_mut().unwrap();
        last.push_str(line);
        last.push('\n');
    }
    blocks
}

#[test]
fn how_it_is_written_does_not_matter() {
    let whole = digest(EXAMPLE);
    let mut turned = blocks(EXAMPLE);
    assert!(turned.len() > 40, "{}", turned.len());
    turned.get_mut(1..).unwrap().reverse();
    assert_eq!(digest(&turned.concat()), whole);
    let spaced: String = EXAMPLE.lines().map(|line| format!("  {line}   # said\n\n")).collect();
    assert_eq!(digest(&spaced), whole);
    assert_eq!(digest(&edited("access_from = [\"US\"]", "access_from = [\"US\", \"US\"]")), whole);
    assert_eq!(digest(&edited("status = \"approved\"                # requested", "# requested")), whole, "a default that is written");
    assert_ne!(digest(&edited("P8Y", "P9Y")), whole);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn no_order_of_tables_matters(keys in proptest::collection::vec(proptest::prelude::any::<u32>(), 80)) {
        let mut turned: Vec<(u32, String)> = blocks(EXAMPLE).into_iter().enumerate()
            .map(|(index, block)| (if index == 0 { 0 } else { 1 + keys[index % keys.len()] / 2 }, block)).collect();
        turned.sort();
        let text: String = turned.into_iter().map(|(_, block)| block).collect();
        proptest::prop_assert_eq!(digest(&text), digest(EXAMPLE));
    }
}

#[test]
fn keys_are_sorted_at_every_depth() {
    let value = serde_json::json!({ "b": [{ "z": 1.5, "a": null }], "a\"\n": "é", "": true });
    assert_eq!(canonical::text(&value), r#"{"":true,"a\"\n":"é","b":[{"a":null,"z":1.5}]}"#);
    assert_eq!(canonical::digest(&serde_json::json!({})), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

#[test]
fn the_form_holds_no_secret_and_no_place() {
    let with_secret = edited(
        "[system.erp]\n",
        "[system.erp]\nconfig = { token = \"hunter2\" }\ncredentials.key = { scheme = \"bearer\", value = { env = \"ERP_TOKEN\" } }\n",
    );
    let text = canonical::text(&canonical::of(&read(&with_secret)));
    assert!(!text.contains("hunter2") && text.contains("env:ERP_TOKEN"));
    assert!(!text.contains("span") && !text.contains("requested | pilot"));
    assert!(text.contains("\"valid_until\":\"2027-02-28\"") && text.contains("\"mode\":\"enforce\""));
    assert_eq!(State::parse(&state(EXAMPLE).text()).unwrap(), state(EXAMPLE));
    assert_eq!(State::parse("{}"), None);
}

#[test]
fn a_closure_holds_what_the_flow_rests_on_and_no_more() {
    let form = canonical::of(&read(EXAMPLE));
    let connectors = ConnectorDigests::from([("erp".to_owned(), "aa".repeat(32)), ("newsletter".to_owned(), "bb".repeat(32))]);
    let closures = Closures::new(&form, &connectors);
    let closure = closures.of("erp-to-dwh-sales").unwrap().value;
    let ids = |section: &str| closure.get(section).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids("flow"), ["erp-to-dwh-sales"]);
    assert_eq!(ids("system"), ["erp", "warehouse"]);
    assert_eq!(ids("purpose"), ["order-fulfilment", "sales-analytics"]);
    assert_eq!(ids("compatibility"), ["order-fulfilment->sales-analytics"]);
    assert_eq!(ids("retention"), ["letters", "stats"]);
    assert_eq!(ids("pseudonym"), ["analytics"]);
    assert_eq!(ids("connector"), ["erp"]);
    assert!(closure.pointer("/flow/erp-to-dwh-sales/approved").is_none() && closure.pointer("/system/erp/name").is_none());
    let newsletter = closures.of("crm-to-newsletter").unwrap().value;
    assert!(newsletter.pointer("/stream/crm/subscriptions").is_some() && newsletter.pointer("/retention/consent-proof").is_some());
    let postings = closures.of("erp-to-fibu-postings").unwrap().value;
    assert!(postings.pointer("/stream/erp/parties").is_some(), "it looks values up there");
    assert!(closures.of("erp-to-fibu-debtors").unwrap().value.pointer("/recipient/steuerkanzlei").is_some());
    assert_eq!(closures.of("nobody"), None);
}

/// What a whole system collects for counts as what each of its streams does.
#[test]
fn a_system_that_says_what_it_collects_for_leads_to_the_same_closure() {
    let of_stream = "retention = [\"letters\"]\n";
    let said = "[stream.erp.orders]\nsubjects = [\"customer\"]\ncollected_for = [\"order-fulfilment\"]\n";
    assert!(edited(of_stream, of_stream).contains(said));
    let by_system = edited(said, "[stream.erp.orders]\nsubjects = [\"customer\"]\n").replacen(
        "[system.erp]\n",
        "[system.erp]\ncollected_for = [\"order-fulfilment\"]\n",
        1,
    );
    let (form, connectors) = (canonical::of(&read(&by_system)), ConnectorDigests::new());
    let closure = Closures::new(&form, &connectors).of("erp-to-dwh-sales").unwrap().value;
    assert!(closure.pointer("/compatibility/order-fulfilment->sales-analytics").is_some());
    let elsewhere = by_system.replace("own_basis = { compatibility = \"KOMP-2026-01\" }\n", "");
    let form = canonical::of(&read(&elsewhere));
    let closure = Closures::new(&form, &connectors).of("erp-to-dwh-sales").unwrap().value;
    assert!(closure.pointer("/compatibility/order-fulfilment->sales-analytics").is_some(), "also where the flow does not name it");
}
