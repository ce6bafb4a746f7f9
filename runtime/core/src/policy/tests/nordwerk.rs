//! The worked example (`examples/nordwerk`) holds, and each change of it that takes something away is denied by the rule that says so.

use std::collections::BTreeSet;

use super::super::{Catalogue, Denied, Policy};
use super::NoFiles;
use crate::date::Date;
use crate::manifest;

const EXAMPLE: &str = include_str!("../../../../../examples/nordwerk/manifest.toml");
const TODAY: &str = "2026-11-23";

/// A change of the text: what stands there, and what then does.
type Change = (&'static str, &'static str);

fn changed(changes: &[Change]) -> String {
    changes.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(from.is_empty() || text.contains(from), "the example has no {from:?}");
        if from.is_empty() { format!("{text}\n{to}") } else { text.replacen(from, to, 1) }
    })
}

/// Codes of errors and of warnings, each once; form errors too.
fn codes(text: &str, today: &str) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let problems: Vec<_> = match manifest::read("manifest.toml", text, &NoFiles) {
        Err(failed) => failed.problems.into_iter().collect(),
        Ok(manifest) => match Policy::build(manifest, &Catalogue::new(), Date::parse(today).unwrap()) {
            Ok(policy) => policy.warnings().to_vec(),
            Err(Denied { problems, .. }) => problems.into_iter().collect(),
        },
    };
    for problem in &problems {
        assert!(!problem.help.is_empty() && !problem.labels.is_empty(), "{problem:?}");
    }
    let (warnings, errors): (Vec<_>, Vec<_>) = problems.into_iter().map(|problem| problem.code).partition(|code| code.is_warning());
    let ids = |codes: Vec<crate::problem::Code>| codes.into_iter().map(|code| code.id()).collect();
    (ids(errors), ids(warnings))
}

const ONWARD: &str = r#"
[flow.dwh-to-newsletter]
from = "warehouse.fact_sales"
to = "newsletter.members"
purpose = "promo"
delete = "propagate"
approved = { by = ["a", "b"], at = 2026-09-14, digest = "sha256:fill-by-hub-approve" }
[flow.dwh-to-newsletter.fields]
customer_key = "allow"
[purpose.promo]
use = "marketing.advertising"
basis = { art6 = "f", lia = "L", interest = "I" }
allows = ["user"]
"#;
const LAUNDERING: &str = r#"
[[compatibility]]
from = "sales-analytics"
to = "promo"
assessment = "X"
approved = { by = "dpo", at = 2026-09-14 }
"#;
const REUSE: &str = r#"
[flow.nl-to-crm]
from = "newsletter.members"
to = "crm.contacts"
purpose = "promo"
delete = "propagate"
approved = { by = ["a", "b"], at = 2026-09-14, digest = "sha256:fill-by-hub-approve" }
fields = ["email"]
[purpose.promo]
use = "marketing.advertising"
basis = { art6 = "f", lia = "L", interest = "I" }
allows = ["user"]
[[compatibility]]
from = "newsletter"
to = "promo"
assessment = "X"
approved = { by = "dpo", at = 2026-09-14 }
"#;
const MEMBERS: Change = (
    "email = \"user.contact.email\"\nfirst_name",
    "customer_key = \"user.unique_id.pseudonymous\"\nemail = \"user.contact.email\"\nfirst_name",
);
const STALE: Change = ("checked = 2026-10-20", "checked = 2026-01-01");
const FALLBACK: Change = (
    "[[system.crm.transfer]]\nid = \"scc-2024-017\"\nto = \"US\"\nmechanism = \"scc\"\nmodule = 2\nsigned = 2024-03-01\ntia = { ref = \"TIA-2024-05\", reviewed = 2026-05-02 }\n",
    "",
);
const NEWSLETTER_CONTRACT: Change = (
    "[system.newsletter.contract]\nkind = \"art28\"\nref = \"AVV-2025-004\"\nsigned = 2025-02-01\nvalid_until = 2027-01-31\nreviewed = 2026-02-02\nreview_every = \"P1Y\"\n",
    "",
);
const NEWSLETTER_TRANSFER: Change = (
    "[[system.newsletter.transfer]]\nto = \"US\"\nmechanism = \"scc\"\nmodule = 2\nsigned = 2025-02-01\ntia = { ref = \"TIA-2025-01\", reviewed = 2026-02-02 }\n",
    "",
);
const CONSENT: Change = (
    "[flow.crm-to-newsletter.consent]\nledger = \"crm.subscriptions\"\nscope = \"newsletter-v3\"\nmatch = { email = \"email\" }\nmax_age = \"P1D\"                    # ledger snapshot may not be older; otherwise nothing is sent\non_withdrawal = \"retract\"          # send a delete to the destination\n",
    "",
);

/// What is changed, the code that must follow (empty: nothing), the day.
const CRIME: Change =
    ("customer_no = \"user.unique_id\"\nupdated_at", "record = \"user.criminal_history\"\ncustomer_no = \"user.unique_id\"\nupdated_at");
const CRIME_THERE: Change =
    ("vat_id = \"user.government_id.tax_id\"\niban", "record = \"user.criminal_history\"\nvat_id = \"user.government_id.tax_id\"\niban");
const CRIME_FLOWS: Change =
    ("firstname = { to = \"name\", action = \"concat\"", "record = \"allow\"\nfirstname = { to = \"name\", action = \"concat\"");
const CRIME_ALLOWED: Change =
    ("\"user.payment\", \"user.content.private\"]", "\"user.payment\", \"user.content.private\", \"user.criminal_history\"]");
const ILL: Change =
    ("customer_no = \"user.unique_id\"\nupdated_at", "illness = \"user.health_and_medical\"\ncustomer_no = \"user.unique_id\"\nupdated_at");
const ILL_THERE: Change =
    ("vat_id = \"user.government_id.tax_id\"\niban", "illness = \"user.health_and_medical\"\nvat_id = \"user.government_id.tax_id\"\niban");
const ILL_FLOWS: Change =
    ("firstname = { to = \"name\", action = \"concat\"", "illness = \"allow\"\nfirstname = { to = \"name\", action = \"concat\"");
const ILL_ALLOWED: Change = (
    "\"user.payment\", \"user.content.private\"]\n",
    "\"user.payment\", \"user.content.private\", \"user.health_and_medical\"]\nspecial = { art9 = \"b\", law = \"SGB IX\" }\n",
);

const CASES: &[(&str, &str, &[Change], &str)] = &[
    ("nothing", "", &[], TODAY),
    (
        "a field that is not in the source",
        "HUB-E101",
        &[("code = { to = \"customer_no\", action = \"allow\" }", "shoe = \"allow\"")],
        TODAY,
    ),
    ("a field without a category", "HUB-E102", &[("id = \"user.unique_id\"\ncode", "x = \"?\"\nid = \"user.unique_id\"\ncode")], TODAY),
    (
        "an address for a purpose without one",
        "HUB-E104",
        &[("name = { to = \"Name\", action = \"allow\" }", "email = { to = \"Name\", action = \"allow\" }")],
        TODAY,
    ),
    (
        "a mislabelled destination",
        "HUB-E107",
        &[("email = \"user.contact.email\"\nfirstname", "email = \"system.operations\"\nfirstname")],
        TODAY,
    ),
    (
        "nobody's data",
        "HUB-E108",
        &[("[stream.newsletter.members]\nsubjects = [\"newsletter_subscriber\"]", "[stream.newsletter.members]")],
        TODAY,
    ),
    (
        "no basis",
        "HUB-E110",
        &[("basis = { art6 = \"a\", consent_scope = \"newsletter-v3\", proof = \"double-opt-in\", law = \"§ 7 Abs. 2 UWG\" }\n", "")],
        TODAY,
    ),
    (
        "a legal obligation without a law",
        "HUB-E111",
        &[("basis = { art6 = \"c\", law = \"§§ 238, 257 HGB; §§ 140, 147 AO; § 14b UStG\" }", "basis = { art6 = \"c\" }")],
        TODAY,
    ),
    ("a newsletter without a consent gate", "HUB-E112", &[CONSENT], TODAY),
    ("another scope", "HUB-E113", &[("scope = \"newsletter-v3\"\nmatch", "scope = \"old-v1\"\nmatch")], TODAY),
    ("a ledger without proof", "HUB-E114", &[(", at = \"changed_at\", proof = \"proof_ref\" }", ", at = \"changed_at\" }")], TODAY),
    (
        "trade-union membership without a ground",
        "HUB-E120",
        &[
            (
                "customer_no = \"user.unique_id\"\nupdated_at",
                "union = \"user.demographic.trade_union\"\ncustomer_no = \"user.unique_id\"\nupdated_at",
            ),
            (
                "vat_id = \"user.government_id.tax_id\"\niban",
                "union = \"user.demographic.trade_union\"\nvat_id = \"user.government_id.tax_id\"\niban",
            ),
            ("firstname = { to = \"name\", action = \"concat\"", "union = \"allow\"\nfirstname = { to = \"name\", action = \"concat\""),
            (
                "\"user.payment\", \"user.content.private\"]",
                "\"user.payment\", \"user.content.private\", \"user.demographic.trade_union\"]",
            ),
        ],
        TODAY,
    ),
    (
        "a guessable hash",
        "HUB-E122",
        &[("email = \"allow\"\nphone = \"allow\"\n\n[[compatibility]]", "email = \"hash\"\nphone = \"allow\"\n\n[[compatibility]]")],
        TODAY,
    ),
    ("statistics sent on for advertising", "HUB-E130", &[("", ONWARD), MEMBERS], TODAY),
    ("laundering over the warehouse", "HUB-E131", &[("", ONWARD), ("", LAUNDERING), MEMBERS], TODAY),
    ("consent used for something else", "HUB-E132", &[("", REUSE)], TODAY),
    (
        "the same use on another basis",
        "HUB-E132",
        &[("", REUSE), ("use = \"marketing.advertising\"", "use = \"marketing.communications.email\"")],
        TODAY,
    ),
    (
        "a safeguard that is not met",
        "HUB-E133",
        &[
            (
                "party_id = { to = \"customer_key\", action = \"pseudonymise\", domain = \"analytics\" }",
                "party_id = { to = \"customer_key\", action = \"allow\" }",
            ),
            ("customer_key = \"user.unique_id.pseudonymous\"", "customer_key = \"user.unique_id\""),
        ],
        TODAY,
    ),
    ("collecting as a purpose", "HUB-E135", &[("use = \"marketing.communications.email\"", "use = \"collect\"")], TODAY),
    ("a limit below a statute", "HUB-E140", &[("after_limit = \"restrict\"", "#")], TODAY),
    ("no retention", "HUB-E141", &[("retention = [\"subscription\"]\n", "")], TODAY),
    (
        "a keep rule without a law",
        "HUB-E142",
        &[("statute = [\"§ 147 Abs. 1 Nr. 4, Abs. 3 und 4 AO\", \"§ 257 Abs. 1 Nr. 4, Abs. 4 und 5 HGB\", \"§ 14b Abs. 1 UStG\"]\n", "")],
        TODAY,
    ),
    (
        "keeping what no law wants",
        "HUB-E143",
        &[(
            "delete = \"propagate\"\napproved = { by = [\"role:vertrieb\", \"dpo\"], at = 2026-09-14, digest = \"sha256:fill-by-hub-approve\" }\nown_basis = { compatibility = \"KOMP-2026-02\" }",
            "delete = \"retain-statutory\"\napproved = { by = [\"role:vertrieb\", \"dpo\"], at = 2026-09-14, digest = \"sha256:fill-by-hub-approve\" }\nown_basis = { compatibility = \"KOMP-2026-02\" }",
        )],
        TODAY,
    ),
    ("no contract", "HUB-E150", &[NEWSLETTER_CONTRACT], TODAY),
    ("a contract that ended", "HUB-E151", &[], "2027-03-01"),
    ("a sub-processor nobody approved", "HUB-E153", &[("country = \"US\", approved = 2024-03-01", "country = \"US\"")], TODAY),
    ("no ground for disclosure", "HUB-E152", &[("disclosure = { law = \"§ 11 StBerG; §§ 140, 147 AO\" }\n", "")], TODAY),
    ("a third country without a mechanism", "HUB-E160", &[NEWSLETTER_TRANSFER], TODAY),
    ("stale evidence without a fallback", "HUB-E161", &[FALLBACK, STALE, ("fallback = \"scc-2024-017\"\n", "")], TODAY),
    ("stale evidence, and the fallback carries", "", &[STALE], TODAY),
    ("the wrong module", "HUB-E162", &[("module = 2\nsigned = 2025-02-01", "module = 1\nsigned = 2025-02-01")], TODAY),
    (
        "a derogation for a routine",
        "HUB-E163",
        &[("mechanism = \"scc\"\nmodule = 2\nsigned = 2025-02-01", "mechanism = \"derogation\"\nmodule = 2\nsigned = 2025-02-01")],
        TODAY,
    ),
    ("clauses without an assessment", "HUB-E164", &[("tia = { ref = \"TIA-2025-01\", reviewed = 2026-02-02 }\n", "")], TODAY),
    (
        "a sub-processor in India",
        "HUB-E160",
        &[(
            "reviewed = 2026-02-02\nreview_every = \"P1Y\"",
            "reviewed = 2026-02-02\nreview_every = \"P1Y\"\nsubprocessors = [ { name = \"x\", country = \"IN\", approved = 2026-01-01 } ]",
        )],
        TODAY,
    ),
    (
        "profiling of 120,000 persons",
        "HUB-E170",
        &[
            ("statistical = true", "profiling = true"),
            ("retention = [\"letters\"]\nsubjects_est = 16000", "retention = [\"letters\"]\nsubjects_est = 120000"),
            ("[[dpia]]\nactivity = \"VT-03 Absatzstatistik\"", "[[dpia]]\nactivity = \"VT-99\""),
        ],
        TODAY,
    ),
    (
        "a flow that nobody approved",
        "HUB-E171",
        &[("approved = { by = [\"role:controlling\", \"dpo\"], at = 2026-09-14, digest = \"sha256:fill-by-hub-approve\" }\n", "")],
        TODAY,
    ),
    (
        "one approver",
        "HUB-E172",
        &[("by = [\"role:controlling\", \"dpo\"], at = 2026-09-14, digest", "by = [\"dpo\"], at = 2026-09-14, digest")],
        TODAY,
    ),
    (
        "nobody can be found",
        "HUB-E180",
        &[(
            "identity = { email = { field = \"email\", strength = \"strong\" } }\nretention = [\"subscription\"]",
            "retention = [\"subscription\"]",
        )],
        TODAY,
    ),
    (
        "a destination that cannot erase",
        "HUB-E181",
        &[("erase = \"native\", restrict = \"emulated\", remote_suppression = true", "restrict = \"emulated\", remote_suppression = true")],
        TODAY,
    ),
    ("observing only", "HUB-E190", &[("mode     = \"enforce\"", "mode     = \"observe\"")], TODAY),
    (
        "a retired system",
        "HUB-E105",
        &[("owner = \"role:marketing\"\nstatus = \"approved\"", "owner = \"role:marketing\"\nstatus = \"retired\"")],
        TODAY,
    ),
    (
        "a remote system of nobody, nowhere",
        "HUB-E109",
        &[(
            "hosting = { country = \"DE\", provider = \"Eigenbetrieb, RZ Hannover\" }\nowner = \"role:controlling\"",
            "hosts = [\"https://dwh.example\"]\nowner = \"role:controlling\"",
        )],
        TODAY,
    ),
    ("crimes without a law", "HUB-E121", &[CRIME, CRIME_THERE, CRIME_FLOWS, CRIME_ALLOWED], TODAY),
    ("health in the hands of a helper abroad", "HUB-E123", &[ILL, ILL_THERE, ILL_FLOWS, ILL_ALLOWED], TODAY),
    (
        "data from nowhere",
        "HUB-E136",
        &[(
            "[stream.erp.orders]\nsubjects = [\"customer\"]\ncollected_for = [\"order-fulfilment\"]",
            "[stream.erp.orders]\nsubjects = [\"customer\"]",
        )],
        TODAY,
    ),
    (
        "backups that outlive the memory of erased people",
        "HUB-E144",
        &[("backup = { rotation = \"P35D\" }", "backup = { rotation = \"P9Y\" }")],
        TODAY,
    ),
    (
        "a review long overdue",
        "HUB-E154",
        &[("reviewed = 2026-02-02\nreview_every = \"P1Y\"", "reviewed = 2026-02-02\nreview_every = \"P30D\"")],
        TODAY,
    ),
    ("data that leaves where it should stay", "HUB-E165", &[("", "[activity.\"VT-04 Newsletter\"]\nresidency = [\"EEA\"]")], TODAY),
    ("a machine that decides alone", "HUB-E173", &[("statistical = true", "automated_decision = true")], TODAY),
];

#[test]
fn each_change_is_denied_by_the_rule_that_says_so() {
    let mut wrong = Vec::new();
    for (name, code, changes, today) in CASES {
        let (errors, _) = codes(&changed(changes), today);
        if code.is_empty() != errors.is_empty() || !(code.is_empty() || errors.contains(code)) {
            wrong.push(format!("{name}: expected {code:?}, got {errors:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A change does not drown in what follows from it.
#[test]
fn most_changes_are_told_by_one_code() {
    let alone = CASES.iter().filter(|(_, _, changes, today)| codes(&changed(changes), today).0.len() <= 1).count();
    assert!(alone * 10 >= CASES.len() * 8, "{alone} of {}", CASES.len());
}

#[test]
fn warnings_hinder_nothing() {
    for (expected, changes) in [
        ("HUB-W134", &[("use = \"sales\"", "use = \"analytics\"")][..]),
        ("HUB-W154", &[("reviewed = 2026-02-02\nreview_every = \"P1Y\"", "reviewed = 2026-10-01\nreview_every = \"P30D\"")][..]),
    ] {
        let (errors, warnings) = codes(&changed(changes), TODAY);
        assert!(errors.is_empty() && warnings.contains(expected), "{expected}: {errors:?} {warnings:?}");
    }
}

/// What is joined with something harmless is still what it was.
#[test]
fn joining_hides_no_special_category() {
    let union = ("lastname = \"user.name.last\"", "lastname = \"user.demographic.trade_union\"");
    let (errors, _) = codes(&changed(&[union]), TODAY);
    assert!(errors.contains("HUB-E120"), "{errors:?}");
}

/// The last message shows every flow on the way, and where the data was collected.
#[test]
fn laundering_is_told_with_the_whole_way() {
    let text = changed(&[("", ONWARD), ("", LAUNDERING), MEMBERS]);
    let manifest = manifest::read("manifest.toml", &text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let denied = Policy::build(manifest, &Catalogue::new(), Date::parse(TODAY).unwrap()).err().unwrap();
    let problem = denied.problems.iter().find(|problem| problem.code == crate::problem::Code::E131).unwrap();
    let labels: Vec<&str> = problem.labels.iter().map(|label| label.text.as_str()).collect();
    assert!(labels.iter().any(|label| label.contains("flow `erp-to-dwh-sales`")), "{labels:?}");
    assert!(labels.iter().any(|label| label.contains("collected in `erp.orders` for `order-fulfilment`")), "{labels:?}");
    assert!(problem.notes.iter().any(|note| note.contains("erp.orders → warehouse.fact_sales") && note.contains("→ newsletter.members")));
}

/// Contracts end: the day is known beforehand, and what no longer holds is told as one code.
#[test]
fn the_day_on_which_a_flow_lapses_is_known() {
    let manifest = manifest::read("manifest.toml", EXAMPLE, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let today = Date::parse(TODAY).unwrap();
    let policy = Policy::build(manifest, &Catalogue::new(), today).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let (_, rule) = policy.flow("crm-to-newsletter").unwrap();
    // The newsletter's contract ends with 2027-01-31, the CRM's a month later.
    assert_eq!(rule.lapses_on.map(|day| day.to_string()).as_deref(), Some("2027-02-01"));
    assert!(policy.lapsed("crm-to-newsletter", today).is_empty());
    let lapsed = policy.lapsed("crm-to-newsletter", rule.lapses_on.unwrap());
    assert!(!lapsed.is_empty() && lapsed.iter().all(|problem| problem.code.id() == "HUB-E210"), "{lapsed:?}");
    assert_eq!(policy.flow("erp-to-dwh-sales").unwrap().1.lapses_on, None);
}
