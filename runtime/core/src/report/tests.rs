//! The documents over the worked example, and over names that try to become markup, formulas or syntax.

use std::collections::BTreeMap;

use super::inventory::{Wanted, places};
use super::register::State;
use super::*;
use crate::date::Date;
use crate::manifest::{self, Language};
use crate::policy::{Catalogue, Policy};

const EXAMPLE: &str = include_str!("../../../../examples/nordwerk/manifest.toml");
const LANGUAGES: [Language; 2] = [Language::German, Language::English];
/// What a name may hold at its worst, and how it looks in a manifest.
const HOSTILE: &str = r#"=cmd|' /C calc'!A0 \"><script>alert(1)</script> --> [x](javascript:y) `z` & | {}"#;

struct NoFiles;

impl manifest::Files for NoFiles {
    fn read(&self, _: &str, wanted: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Err(format!("there is no `{wanted}`"))
    }
}

fn day() -> Date {
    Date::parse("2026-11-23").unwrap_or_else(|| panic!("a day"))
}

fn policy(text: &str) -> Policy {
    let manifest = manifest::read("manifest.toml", text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    Policy::build(manifest, &Catalogue::new(), day()).unwrap_or_else(|denied| panic!("{:?}", denied.problems))
}

fn register(text: &str) -> Register {
    Register::build(&policy(text), None, day())
}

/// The example with one change.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replace(from, to)
}

/// The digest follows the text of the example; a snapshot shows the document, not each edit of the example's comments.
fn without_digest(text: &str, register: &Register) -> String {
    text.replace(&register.digest, "DIGEST")
}

#[test]
fn the_example_has_seven_flows_under_five_activities_and_hubs_own() {
    let register = register(EXAMPLE);
    let flows: usize = register.entries.iter().map(|entry| entry.flows.len()).sum();
    assert_eq!((register.entries.len(), flows), (5, 7));
    assert_eq!(register.document().sections.len(), 6);
    let crm = register.entries.first().and_then(|entry| entry.recipients.iter().find(|recipient| recipient.system.key == "crm"));
    let contract = crm.and_then(|recipient| recipient.contract.as_ref()).unwrap_or_else(|| panic!("a contract"));
    assert_eq!((contract.reference.as_str(), contract.valid_until.as_deref()), ("AVV-2024-017", Some("2027-02-28")));
    assert_eq!(contract.subprocessors.len(), 1);
}

#[test]
fn no_cell_is_blank_in_either_language() {
    for text in [EXAMPLE.to_owned(), changed("dpo      = { name = \"Dr. A. Muster (extern)\", email = \"dsb@nordwerk.example\" }", "")] {
        for section in register(&text).document().sections {
            for row in &section.rows {
                for language in LANGUAGES {
                    let blank = row.lines.iter().any(|line| line.in_language(language).trim().is_empty());
                    assert!(!blank && !row.lines.is_empty(), "{:?} of {}", row.heading, section.title.de);
                    assert!(row.lines.iter().all(|line| !line.in_language(language).contains("{}")), "{:?}", row.lines);
                }
            }
        }
    }
}

#[test]
fn every_entry_has_every_column_of_article_30() {
    use words::Word;
    let columns = [
        Word::Name,
        Word::Controller,
        Word::JointController,
        Word::Representative,
        Word::Officer,
        Word::Purposes,
        Word::Basis,
        Word::Subjects,
        Word::Categories,
        Word::Recipients,
        Word::Transfers,
        Word::Erasure,
        Word::Measures,
        Word::Deviations,
        Word::Review,
    ];
    for section in register(EXAMPLE).document().sections {
        for column in columns {
            assert_eq!(section.rows.iter().filter(|row| row.heading == column).count(), 1, "{column:?} of {}", section.title.de);
        }
    }
}

#[test]
fn what_is_absent_is_told_and_listed() {
    let text = changed("dpo      = { name = \"Dr. A. Muster (extern)\", email = \"dsb@nordwerk.example\" }", "");
    let register = register(&text);
    let german = markdown::render(&register.document(), Language::German);
    assert!(german.contains("**Datenschutzbeauftragte Person**\n\n- nicht angegeben\n"));
    let deviations = register.entries.first().map(|entry| &entry.deviations);
    assert!(deviations.is_some_and(|all| all.contains(&Text::word(words::Word::NoOfficer))));
}

#[test]
fn the_german_register_of_the_example() {
    let register = register(EXAMPLE);
    insta::assert_snapshot!(without_digest(&markdown::render(&register.document(), Language::German), &register));
}

#[test]
fn a_notice_of_the_example() {
    let register = register(EXAMPLE);
    let notices = notice::notices(&register);
    let newsletter = notices.iter().find(|notice| notice.activity.contains("Newsletter")).unwrap_or_else(|| panic!("a notice"));
    assert!(
        newsletter
            .html(Language::German)
            .starts_with(&format!("<!-- hub-notice hub-notice-vt-04-newsletter-de sha256:{} -->\n", register.digest))
    );
    insta::assert_snapshot!(without_digest(&newsletter.markdown(Language::German), &register));
}

#[test]
fn rights_follow_the_basis() {
    use notice::Right;
    let register = register(EXAMPLE);
    let of = |name: &str| {
        let entry = register.entries.iter().find(|entry| entry.name.contains(name)).unwrap_or_else(|| panic!("{name}"));
        notice::rights(&entry.purposes)
    };
    let (consent, law, interest) = (of("Newsletter"), of("Finanzbuchhaltung"), of("Absatzstatistik"));
    assert!(consent.contains(&Right::Withdraw) && consent.contains(&Right::Portability) && !consent.contains(&Right::Object));
    assert!(!law.contains(&Right::Withdraw) && !law.contains(&Right::Portability) && !law.contains(&Right::Object));
    assert!(interest.contains(&Right::Object) && !interest.contains(&Right::Portability));
    assert!([consent, law, interest].iter().all(|rights| rights.contains(&Right::Complain) && rights.contains(&Right::Access)));
}

fn hostile() -> String {
    changed("name     = \"Nordwerk Anlagenbau GmbH\"", &format!("name = \"{HOSTILE}\""))
        .replace("VT-01 Kundenstamm", HOSTILE)
        .replace("name = { de = \"Tryton ERP\", en = \"Tryton ERP\" }", &format!("name = \"{HOSTILE}\""))
}

#[test]
fn html_keeps_days_whole_and_titles_on_every_page() {
    let page = html::render(&register(EXAMPLE).document(), Language::German);
    assert!(page.contains("gültig bis <time>2027-02-28</time>") && !page.contains("<time></time>"));
    assert!(page.contains("<thead><tr><th colspan=\"2\" scope=\"colgroup\"><h2>1. VT-01 Kundenstamm</h2></th></tr></thead>"));
    assert!(page.contains("<li>1. VT-01 Kundenstamm</li>"), "a list of contents");
    assert!(page.contains("<table>\n<colgroup><col><col></colgroup>\n<thead>"), "a title over both columns must not make them equal");
    let line = |text: &str| html::lines(&[Text::same(text)], Language::German);
    assert_eq!(line("AVV-2024-01-02, 2024-01-021, 2024-13-01 'ü2024-01-02"), "AVV-2024-01-02, 2024-01-021, 2024-13-01 &#39;ü2024-01-02");
    assert_eq!(line("(2024-01-02)"), "(<time>2024-01-02</time>)");
}

#[test]
fn hostile_names_stay_text_in_html() {
    let register = register(&hostile());
    for language in LANGUAGES {
        let html = html::render(&register.document(), language);
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{language}");
        assert!(!html.contains("src=") && !html.contains("href="), "nothing is loaded");
        let fragments = notice::notices(&register);
        let markdown: String = fragments.iter().map(|notice| notice.markdown(language)).collect();
        assert!(!markdown.contains("<script") && !markdown.contains("[x](javascript") && markdown.contains(r"\[x\](javascript"));
        let notices: String = fragments.iter().map(|notice| notice.html(language) + &notice.markdown(language)).collect();
        assert!(!notices.contains("<script"));
        assert_eq!(notices.matches("-->").count(), 2 * register.entries.len(), "a name cannot end the marker");
    }
    assert_eq!(html::escape("a<b>&\"'\u{0}"), "a&lt;b&gt;&amp;&quot;&#39; ");
}

#[test]
fn hostile_names_are_no_formulas_in_csv() {
    for start in ['=', '+', '-', '@', '\t', '\r'] {
        let cell = csv::cell(&format!("{start}1+1\"; x"));
        assert_eq!(cell, format!("\"'{start}1+1\"\"; x\""));
    }
    assert_eq!(csv::cell("  =1"), "\"'  =1\"");
    assert_eq!(csv::cell("Müller; \"Söhne\""), "\"Müller; \"\"Söhne\"\"\"");
    let text = csv::render(&register(&hostile()).document(), Language::German);
    assert!(text.starts_with("\u{feff}\"Nr. und Bezeichnung\";"));
    assert!(!text.contains(";\"=") && !text.contains("\n\"="));
    assert!(text.contains("\"'=cmd"));
}

#[test]
fn csv_has_one_line_for_each_entry_below_the_headings() {
    let text = csv::render(&register(EXAMPLE).document(), Language::English);
    assert_eq!(text.matches("\r\n").count(), 1 + 6);
}

#[test]
fn json_carries_its_version_and_both_languages() {
    let value = json::render(&register(EXAMPLE));
    assert_eq!(value.pointer("/schema").and_then(serde_json::Value::as_u64), Some(u64::from(json::SCHEMA)));
    assert_eq!(value.pointer("/register/entries").and_then(|entries| entries.as_array()).map(Vec::len), Some(5));
    let name = value.pointer("/register/entries/4/purposes/0/purpose/name");
    assert!(name.is_some_and(|name| name.get("de") != name.get("en")), "{name:?}");
}

#[test]
fn json_ld_speaks_dpv() {
    let value = jsonld::render(&register(EXAMPLE));
    let newsletter = value.pointer("/@graph/3").unwrap_or_else(|| panic!("an activity"));
    assert_eq!(newsletter.pointer("/dpv:hasLegalBasis/0/@id").and_then(|id| id.as_str()), Some("eu-gdpr:A6-1-a"));
    let transfers = newsletter.pointer("/dpv:hasProcess").map(ToString::to_string).unwrap_or_default();
    assert!(transfers.contains("eu-gdpr:A46-2-c") && transfers.contains("eu-gdpr:A45-3"), "{transfers}");
    assert!(newsletter.pointer("/dpv:hasRight").is_some_and(|rights| rights.to_string().contains("eu-gdpr:A7-3")));
}

fn observed(days: u64, flows: &[(&str, ObservedFlow)]) -> Observed {
    let until = Date::parse("2027-06-01").unwrap_or_else(day);
    let since = until.add_days(-i64::try_from(days).unwrap_or(0)).unwrap_or(until);
    let flows = flows.iter().map(|(id, flow)| ((*id).to_owned(), flow.clone())).collect();
    Observed { since, until, entries: 40, flows, elsewhere: BTreeMap::new() }
}

#[test]
fn observation_tells_match_dead_denied_and_drift() {
    let policy = policy(EXAMPLE);
    let (_, rule) = policy.flow("crm-to-newsletter").unwrap_or_else(|| panic!("a flow"));
    let all = rule.fields.iter().map(|field| field.to.to_string()).collect();
    let good = ObservedFlow { last_run: Some("2026-11-23T02:00:00Z".into()), runs: 3, records: 10, fields: all, ..ObservedFlow::default() };
    let partly = ObservedFlow { fields: good.fields.iter().take(1).cloned().collect(), ..good.clone() };
    let cut = ObservedFlow { is_cut: true, ..partly.clone() };
    let denied = ObservedFlow { denials: BTreeMap::from([("HUB-E218".to_owned(), 4)]), ..good.clone() };
    let malformed = ObservedFlow { denials: BTreeMap::from([("HUB-E220".to_owned(), 4)]), ..good.clone() };
    let stranger = ObservedFlow { undeclared: BTreeMap::from([("shoe_size".to_owned(), 4)]), ..good.clone() };
    let repaired = ObservedFlow { undeclared: BTreeMap::from([("email".to_owned(), 4)]), ..good.clone() };
    let seen = |flow: ObservedFlow, days| {
        let register = Register::build(&policy, Some(&observed(days, &[("crm-to-newsletter", flow)])), day());
        let seen = register.entries.iter().flat_map(|entry| entry.observed.clone()).find(|seen| seen.flow == "crm-to-newsletter");
        seen.map(|seen| (seen.state, seen.drift)).unwrap_or_else(|| panic!("seen"))
    };
    assert_eq!(seen(good, 10), (State::Match, false));
    assert_eq!(seen(partly.clone(), 10), (State::Match, false), "a new field may wait for the next run");
    assert_eq!(seen(partly, 90), (State::Match, true));
    assert_eq!(seen(cut, 90), (State::Match, false));
    assert_eq!(seen(denied, 10), (State::Denied, true));
    assert_eq!(seen(malformed, 10), (State::Match, false), "a wrong value is no undeclared processing");
    assert_eq!(seen(stranger, 10), (State::Denied, true));
    assert_eq!(seen(repaired, 10), (State::Match, false), "it is declared now");
    assert_eq!(seen(ObservedFlow::default(), 89), (State::Waiting, false));
    assert_eq!(seen(ObservedFlow::default(), 90), (State::Dead, true));
}

#[test]
fn a_flow_is_not_dead_before_it_was_approved_long_enough() {
    let policy = policy(EXAMPLE);
    let until = policy.flow("crm-to-newsletter").and_then(|(flow, _)| flow.approved.as_ref()).map(|approval| approval.at.value);
    let until = until.and_then(|day| day.add_days(89)).unwrap_or_else(|| panic!("an approval"));
    let state = |until: Date| {
        let observed = Observed { until, ..observed(400, &[]) };
        let register = Register::build(&policy, Some(&observed), day());
        register.entries.iter().flat_map(|entry| &entry.observed).find(|seen| seen.flow == "crm-to-newsletter").map(|seen| seen.state)
    };
    assert_eq!(state(until), Some(State::Waiting));
    assert_eq!(until.add_days(1).and_then(state), Some(State::Dead));
}

#[test]
fn what_belongs_to_no_declared_flow_is_told_and_keeps_the_register_from_being_current() {
    let policy = policy(EXAMPLE);
    let denied = ObservedFlow { denials: BTreeMap::from([("HUB-E218".to_owned(), 3)]), ..ObservedFlow::default() };
    let stranger = Register::build(&policy, Some(&observed(1, &[("stranger", denied)])), day());
    assert_eq!((stranger.current, &stranger.undeclared), (Some(false), &vec!["stranger".to_owned()]));
    let elsewhere = Observed { elsewhere: BTreeMap::from([("HUB-E215".to_owned(), 2)]), ..observed(1, &[]) };
    let elsewhere = Register::build(&policy, Some(&elsewhere), day());
    assert_eq!(elsewhere.current, Some(false));
    let calm = Register::build(&policy, Some(&observed(1, &[])), day());
    assert_eq!(calm.current, Some(true));
    let german = |register: &Register| markdown::render(&register.document(), Language::German);
    assert!(german(&stranger).contains("Läufe ohne erklärten Fluss: stranger (HUB-E218 ×3)"));
    assert!(german(&elsewhere).contains("Außerhalb von Flüssen abgewiesen: HUB-E215 ×2"));
    assert!(german(&calm).contains("Beobachtet vom 2027-05-31 bis zum 2027-06-01 (Tage: 1, Einträge im Protokoll: 40)"));
}

#[test]
fn a_system_with_a_client_gets_a_sheet_of_article_30_2() {
    let text = changed("[system.warehouse]", "[system.warehouse]\nmandant = \"Kunde AG\"");
    let register = register(&text);
    let mandate = register.mandates.first().unwrap_or_else(|| panic!("a mandate"));
    assert_eq!((mandate.on_behalf_of.as_str(), mandate.kinds.len()), ("Kunde AG", 1));
    let last = register.document().sections.pop().map(|section| section.title.en);
    assert_eq!(last.as_deref(), Some("Record of the processor (Art. 30 Abs. 2 DSGVO): Kunde AG"));
}

#[test]
fn the_screening_tells_hits_and_never_that_nothing_is_needed() {
    let two = changed("[purpose.newsletter]", "[purpose.newsletter]\nprofiling = true\nprevents_right = true")
        + "\n[[dpia]]\nactivity = \"VT-04 Newsletter\"\ndecision = \"done\"\nby = [\"dpo\"]\nat = 2026-09-14\n";
    for text in [EXAMPLE, &two] {
        let document = dpia::document(&policy(text), day());
        for language in LANGUAGES {
            let said = markdown::render(&document, language);
            assert!(!said.contains("not needed") && !said.contains("no DPIA") && !said.contains("nicht nötig"), "{said}");
        }
    }
    let said = markdown::render(&dpia::document(&policy(&two), day()), Language::German);
    assert!(said.contains("2 Kriterien erfüllt (1, 9)") && said.contains("HUB-E170"), "{said}");
    assert!(said.contains("(Fluss crm-to-newsletter)") && said.contains("entschieden: durchgeführt"), "{said}");
}

#[test]
fn the_inventory_finds_categories_and_identifiers() {
    let policy = policy(EXAMPLE);
    let email = places(&policy, &Wanted::Category("user.contact.email".into()));
    let streams: Vec<&str> = email.iter().map(|place| place.stream.key.as_str()).collect();
    assert_eq!(streams, ["crm.contacts", "crm.subscriptions", "erp.parties", "newsletter.members", "newsletter.unsubscribes"]);
    let contact = email.first().unwrap_or_else(|| panic!("a place"));
    assert!(contact.receivers.iter().any(|(system, flow)| system.key == "newsletter" && flow == "crm-to-newsletter"));
    assert!(contact.retention.contains(&("prospect".to_owned(), "P2Y".to_owned())));
    assert!(contact.purposes.iter().any(|purpose| purpose.key == "sales-contact"));
    let customer = places(&policy, &Wanted::Identifier("customer_no".into()));
    let fields: Vec<String> = customer.iter().map(|place| format!("{}.{}", place.stream.key, place.field)).collect();
    assert_eq!(fields, ["accounting.debtors.Konto", "accounting.postings.Gegenkonto", "erp.parties.code"]);
    assert!(places(&policy, &Wanted::Category("user.biometric".into())).is_empty());
    assert!(inventory::kinds(policy.manifest()).contains("email"));
}

#[test]
fn the_diagram_groups_by_country_and_marks_third_countries() {
    let diagram = diagram::Diagram::build(&policy(EXAMPLE), day());
    let mermaid = diagram.mermaid(Language::German);
    assert!(mermaid.starts_with("flowchart LR\n") && mermaid.contains("[\"US (Drittland)\"]"), "{mermaid}");
    assert_eq!(mermaid.matches("subgraph").count(), 2);
    assert_eq!(mermaid.matches("==>").count() + mermaid.matches("-->").count(), 7, "{mermaid}");
    let svg = diagram.svg(Language::German);
    assert_eq!(svg.matches("<path class=\"arrow").count(), 7);
    assert_eq!(svg.matches("class=\"box").count(), 5);
    assert!(svg.contains("⚠ Drittland") && !svg.contains("NaN"), "{svg}");
}

#[test]
fn hostile_names_stay_text_in_diagrams() {
    let diagram = diagram::Diagram::build(&policy(&hostile()), day());
    let mermaid = diagram.mermaid(Language::English);
    assert!(!mermaid.contains("<script") && mermaid.lines().all(|line| line.matches('"').count() % 2 == 0), "{mermaid}");
    assert!(!diagram.svg(Language::English).contains("<script"));
}

/// Circles, flows inside one system, flows side by side, and countries without systems: the layout has to bear them all.
#[test]
fn any_graph_of_flows_can_be_drawn() {
    use diagram::{Country, Diagram, Edge, Node};
    let mut seed = 7_usize;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..40 {
        let systems = round % 13;
        let node = |at: usize| Node { id: format!("n{at}"), name: Text::same(format!("System {at}")), reached_from: Vec::new() };
        let countries = (0..4).map(|at| Country {
            code: Some(format!("C{at}")),
            is_third: at == 3,
            systems: (0..systems).filter(|system| system % 3 == at).map(node).collect(),
        });
        let edge = |at: usize, from: usize, to: usize| Edge {
            id: format!("e{at}"),
            from: format!("n{from}"),
            to: format!("n{to}"),
            purpose: Text::same("why"),
            categories: Vec::new(),
            is_special: at.is_multiple_of(5),
            is_transfer: false,
        };
        let flows = if systems == 0 { 0 } else { systems * 3 };
        let edges = (0..flows).map(|at| edge(at, next(systems), next(systems))).collect();
        let svg = Diagram { countries: countries.collect(), edges }.svg(Language::English);
        assert_eq!((svg.matches("class=\"box").count(), svg.matches("<path class=\"arrow").count()), (systems, flows), "round {round}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "round {round}");
    }
}

#[test]
fn drafts_hold_what_the_register_knows_and_judge_nothing() {
    let register = Register::build(&policy(EXAMPLE), None, day());
    let name = "VT-01 Kundenstamm";
    assert!(pia::render(&register, "VT-99", Language::German).is_none());
    let Some(draft) = pia::render(&register, name, Language::German) else { panic!("{name} is an activity") };
    let answers = draft["answers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let answer = |number: u64| {
        let found = answers.iter().find(|answer| answer["reference_to"] == number);
        found.and_then(|answer| answer["data"]["text"].as_str()).unwrap_or_default().to_owned()
    };
    assert!(answer(212).contains("Art. 6") && answer(121).contains("<li>") && answer(227).contains("US"), "{draft:#}");
    assert_eq!((&draft["evaluations"], &draft["pia"]["progress"]), (&serde_json::json!([]), &serde_json::json!(0)));
    assert!(draft["measures"].as_array().is_some_and(|measures| measures.len() >= 3), "{draft:#}");
    let hostile = Register::build(&policy(&hostile()), None, day());
    for entry in &hostile.entries {
        let draft = pia::render(&hostile, &entry.name, Language::English).map(|draft| draft["answers"].to_string()).unwrap_or_default();
        assert!(!draft.is_empty() && !draft.contains("<script"), "{draft}");
    }
    let sheet = markdown::render(&protection::document(&register), Language::English);
    assert_eq!(sheet.matches("Intervenability").count(), register.entries.len());
    assert!(!sheet.to_lowercase().contains("residual risk"), "{sheet}");
}

#[test]
fn a_list_is_named_where_its_conditions_are_met() {
    use crate::policy::{Cause, Hit, Screening};
    let path = |text: &str| crate::record::FieldPath::parse(text).unwrap_or_else(|| panic!("{text} is a path"));
    let stream = || crate::record::StreamId::parse("crm.people").unwrap_or_else(|| panic!("a stream"));
    let lists = |causes: Vec<(u8, Cause)>| {
        let hits = causes.into_iter().map(|(criterion, cause)| Hit { criterion, cause, flow: "sync".to_owned() }).collect();
        let found = dpia::screened(&policy(EXAMPLE), "VT-01 Kundenstamm", &Screening { flows: Vec::new(), hits });
        found.listed.iter().map(|text| text.en.clone()).collect::<Vec<_>>().join("\n")
    };
    let voice = || (4, Cause::Special(path("voice"), "user.biometric.voice".to_owned()));
    let large = || (5, Cause::LargeScale(stream(), 90_000, 50_000));
    assert_eq!(lists(vec![voice()]), "", "one criterion alone is on no list");
    let found = lists(vec![voice(), large()]);
    assert!(found.contains("Buchst. b") && found.contains("biometric") && found.lines().count() == 2, "{found}");
    let employees = vec![
        (3, Cause::Watches(path("at"), "user.location".to_owned())),
        (7, Cause::Vulnerable(stream(), "customer, employee".to_owned())),
    ];
    assert!(lists(employees).contains("behaviour of employees"));
    let evaluated = vec![(1, Cause::Evaluates("score".to_owned())), (2, Cause::Decides("score".to_owned()))];
    assert!(lists(evaluated).contains("Buchst. a"));
}
