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
const CASES: &[(&str, &str, &[Change], &str)] = &[
    ("nothing", "", &[], TODAY),
    ("a field that is not in the source", "E101", &[("code = { to = \"customer_no\", action = \"allow\" }", "shoe = \"allow\"")], TODAY),
    ("a field without a category", "E102", &[("id = \"user.unique_id\"\ncode", "x = \"?\"\nid = \"user.unique_id\"\ncode")], TODAY),
    (
        "an address for a purpose without one",
        "E104",
        &[("name = { to = \"Name\", action = \"allow\" }", "email = { to = \"Name\", action = \"allow\" }")],
        TODAY,
    ),
    (
        "a mislabelled destination",
        "E107",
        &[("email = \"user.contact.email\"\nfirstname", "email = \"system.operations\"\nfirstname")],
        TODAY,
    ),
    (
        "nobody's data",
        "E108",
        &[("[stream.newsletter.members]\nsubjects = [\"newsletter_subscriber\"]", "[stream.newsletter.members]")],
        TODAY,
    ),
    (
        "no basis",
        "E110",
        &[("basis = { art6 = \"a\", consent_scope = \"newsletter-v3\", proof = \"double-opt-in\", law = \"§ 7 Abs. 2 UWG\" }\n", "")],
        TODAY,
    ),
    (
        "a legal obligation without a law",
        "E111",
        &[("basis = { art6 = \"c\", law = \"§§ 238, 257 HGB; §§ 140, 147 AO; § 14b UStG\" }", "basis = { art6 = \"c\" }")],
        TODAY,
    ),
    ("a newsletter without a consent gate", "E112", &[CONSENT], TODAY),
    ("another scope", "E113", &[("scope = \"newsletter-v3\"\nmatch", "scope = \"old-v1\"\nmatch")], TODAY),
    ("a ledger without proof", "E114", &[(", at = \"changed_at\", proof = \"proof_ref\" }", ", at = \"changed_at\" }")], TODAY),
    (
        "trade-union membership without a ground",
        "E120",
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
        "E122",
        &[("email = \"allow\"\nphone = \"allow\"\n\n[[compatibility]]", "email = \"hash\"\nphone = \"allow\"\n\n[[compatibility]]")],
        TODAY,
    ),
    ("statistics sent on for advertising", "E130", &[("", ONWARD), MEMBERS], TODAY),
    ("laundering over the warehouse", "E131", &[("", ONWARD), ("", LAUNDERING), MEMBERS], TODAY),
    ("consent used for something else", "E132", &[("", REUSE)], TODAY),
    (
        "the same use on another basis",
        "E132",
        &[("", REUSE), ("use = \"marketing.advertising\"", "use = \"marketing.communications.email\"")],
        TODAY,
    ),
    (
        "a safeguard that is not met",
        "E133",
        &[
            (
                "party_id = { to = \"customer_key\", action = \"pseudonymise\", domain = \"analytics\" }",
                "party_id = { to = \"customer_key\", action = \"allow\" }",
            ),
            ("customer_key = \"user.unique_id.pseudonymous\"", "customer_key = \"user.unique_id\""),
        ],
        TODAY,
    ),
    ("collecting as a purpose", "E135", &[("use = \"marketing.communications.email\"", "use = \"collect\"")], TODAY),
    ("a limit below a statute", "E140", &[("after_limit = \"restrict\"", "#")], TODAY),
    ("no retention", "E141", &[("retention = [\"subscription\"]\n", "")], TODAY),
    (
        "a keep rule without a law",
        "E142",
        &[("statute = [\"§ 147 Abs. 1 Nr. 4, Abs. 3 und 4 AO\", \"§ 257 Abs. 1 Nr. 4, Abs. 4 und 5 HGB\", \"§ 14b Abs. 1 UStG\"]\n", "")],
        TODAY,
    ),
    (
        "keeping what no law wants",
        "E143",
        &[(
            "delete = \"propagate\"\napproved = { by = [\"role:vertrieb\", \"dpo\"], at = 2026-09-14, digest = \"sha256:fill-by-hub-approve\" }\nown_basis = { compatibility = \"KOMP-2026-02\" }",
            "delete = \"retain-statutory\"\napproved = { by = [\"role:vertrieb\", \"dpo\"], at = 2026-09-14, digest = \"sha256:fill-by-hub-approve\" }\nown_basis = { compatibility = \"KOMP-2026-02\" }",
        )],
        TODAY,
    ),
    ("no contract", "E150", &[NEWSLETTER_CONTRACT], TODAY),
    ("a contract that ended", "E151", &[], "2027-03-01"),
    ("a sub-processor nobody approved", "E153", &[("country = \"US\", approved = 2024-03-01", "country = \"US\"")], TODAY),
    ("no ground for disclosure", "E152", &[("disclosure = { law = \"§ 11 StBerG; §§ 140, 147 AO\" }\n", "")], TODAY),
    ("a third country without a mechanism", "E160", &[NEWSLETTER_TRANSFER], TODAY),
    ("stale evidence without a fallback", "E161", &[FALLBACK, STALE, ("fallback = \"scc-2024-017\"\n", "")], TODAY),
    ("stale evidence, and the fallback carries", "", &[STALE], TODAY),
    ("the wrong module", "E162", &[("module = 2\nsigned = 2025-02-01", "module = 1\nsigned = 2025-02-01")], TODAY),
    (
        "a derogation for a routine",
        "E163",
        &[("mechanism = \"scc\"\nmodule = 2\nsigned = 2025-02-01", "mechanism = \"derogation\"\nmodule = 2\nsigned = 2025-02-01")],
        TODAY,
    ),
    ("clauses without an assessment", "E164", &[("tia = { ref = \"TIA-2025-01\", reviewed = 2026-02-02 }\n", "")], TODAY),
    (
        "a sub-processor in India",
        "E160",
        &[(
            "reviewed = 2026-02-02\nreview_every = \"P1Y\"",
            "reviewed = 2026-02-02\nreview_every = \"P1Y\"\nsubprocessors = [ { name = \"x\", country = \"IN\", approved = 2026-01-01 } ]",
        )],
        TODAY,
    ),
    (
        "profiling of 120,000 persons",
        "E170",
        &[
            ("statistical = true", "profiling = true"),
            ("retention = [\"letters\"]\nsubjects_est = 16000", "retention = [\"letters\"]\nsubjects_est = 120000"),
            ("[[dpia]]\nactivity = \"VT-03 Absatzstatistik\"", "[[dpia]]\nactivity = \"VT-99\""),
        ],
        TODAY,
    ),
    (
        "a flow that nobody approved",
        "E171",
        &[("approved = { by = [\"role:controlling\", \"dpo\"], at = 2026-09-14, digest = \"sha256:fill-by-hub-approve\" }\n", "")],
        TODAY,
    ),
    (
        "one approver",
        "E172",
        &[("by = [\"role:controlling\", \"dpo\"], at = 2026-09-14, digest", "by = [\"dpo\"], at = 2026-09-14, digest")],
        TODAY,
    ),
    (
        "nobody can be found",
        "E180",
        &[(
            "identity = { email = { field = \"email\", strength = \"strong\" } }\nretention = [\"subscription\"]",
            "retention = [\"subscription\"]",
        )],
        TODAY,
    ),
    (
        "a destination that cannot erase",
        "E181",
        &[("erase = \"native\", restrict = \"emulated\", remote_suppression = true", "restrict = \"emulated\", remote_suppression = true")],
        TODAY,
    ),
    ("observing only", "E190", &[("mode     = \"enforce\"", "mode     = \"observe\"")], TODAY),
    (
        "a retired system",
        "E105",
        &[("owner = \"role:marketing\"\nstatus = \"approved\"", "owner = \"role:marketing\"\nstatus = \"retired\"")],
        TODAY,
    ),
];

#[test]
fn each_change_is_denied_by_the_rule_that_says_so() {
    let mut wrong = Vec::new();
    for (name, code, changes, today) in CASES {
        let (errors, _) = codes(&changed(changes), today);
        let expected = format!("HUB-{code}");
        if code.is_empty() != errors.is_empty() || !(code.is_empty() || errors.contains(expected.as_str())) {
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
