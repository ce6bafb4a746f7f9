//! Rules about who handles the data: contracts (E150 to E154, W154), third countries (E160 to E164), residency (E165), facts without which neither can be
//! judged (E109), and what a destination can erase (E143, E181, E182). All of them are asked again whenever a flow runs: contracts are clocks.

use std::collections::BTreeMap;

use crate::date::Date;
use crate::manifest::{Contract, ContractKind, Flow, Manifest, OnErasure, Role, Support, System};
use crate::problem::{Code, Problem, Span};
use crate::record::StreamId;
use crate::vocab::law;

use super::transfers;

/// How long a review may be late before it stops flows: days.
const REVIEW_GRACE_DAYS: i64 = 90;

/// A country from which data can be reached.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Reach<'m> {
    /// ISO 3166 alpha-2.
    pub code: &'m str,
    /// Where the manifest says so.
    pub span: Span,
}

/// The countries of a system: where it stands, from where it is looked at, where those are who help its processor. Each once.
pub(super) fn countries(system: &System) -> Vec<Reach<'_>> {
    let mut found: BTreeMap<&str, Span> = BTreeMap::new();
    let hosting = system.hosting.iter().map(|hosting| &hosting.country);
    let helpers = system.contract.iter().flat_map(|contract| contract.subprocessors.iter().map(|helper| &helper.country));
    for country in hosting.chain(&system.access_from).chain(helpers) {
        found.entry(country.value.as_str()).or_insert(country.span);
    }
    found.into_iter().map(|(code, span)| Reach { code, span }).collect()
}

/// Those outside of the European Economic Area.
pub(in crate::policy) fn third_countries(system: &System, today: Date) -> Vec<Reach<'_>> {
    countries(system).into_iter().filter(|country| !law::is_eea(country.code, today)).collect()
}

/// Everything about the two systems of a flow with personal data on a day. `found` gets one finding for each fault of each end.
pub(super) fn check(manifest: &Manifest, flow: &Flow, today: Date, found: &mut Vec<Problem>) {
    for place in [&flow.from, &flow.to] {
        let Some(system) = manifest.systems.get(&*place.value.system) else { continue };
        let mut own = Vec::new();
        facts(system, &mut own);
        contract(system, today, &mut own);
        transfers::check(system, today, &mut own);
        residency(manifest, flow, system, today, &mut own);
        found.extend(own.into_iter().map(|problem| Problem {
            title: format!("flow `{}` is denied: {}", flow.id.value, problem.title),
            ..problem.at(flow.id.span, "this flow")
        }));
    }
}

/// E210: what has become wrong since the flow was planned. Asks as [`check`] does, so for flows with personal data only.
pub(in crate::policy) fn lapsed(manifest: &Manifest, flow: &Flow, today: Date) -> Vec<Problem> {
    let mut found = Vec::new();
    check(manifest, flow, today, &mut found);
    let lapsed = found.into_iter().filter(|problem| !problem.code.is_warning());
    lapsed
        .map(|problem| Problem { code: Code::E210, ..problem.clone() }.note(format!("{}: `hub explain {}`", problem.code, problem.code)))
        .collect()
}

/// The first day after `today` on which [`lapsed`] has something to tell.
pub(in crate::policy) fn lapses_on(manifest: &Manifest, flow: &Flow, today: Date) -> Option<Date> {
    let systems = [&flow.from, &flow.to].into_iter().filter_map(|place| manifest.systems.get(&*place.value.system));
    let mut days: Vec<Date> = systems.flat_map(turning_days).filter(|day| *day > today).collect();
    days.sort_unstable();
    days.dedup();
    days.into_iter().find(|day| !lapsed(manifest, flow, *day).is_empty())
}

/// Days on which the answer about a system may change.
fn turning_days(system: &System) -> Vec<Date> {
    let after = |day: Date, days: u64| day.add_days(i64::try_from(days).ok()?.checked_add(1)?);
    let mut days = Vec::new();
    if let Some(contract) = &system.contract {
        days.extend(contract.valid_until.as_ref().and_then(|last| after(last.value, 0)));
        let reviewed = contract.reviewed.as_ref().unwrap_or(&contract.signed).value;
        let grace = REVIEW_GRACE_DAYS.unsigned_abs();
        days.extend(contract.review_every.as_ref().and_then(|every| after(reviewed, every.value.approximate_days().checked_add(grace)?)));
    }
    for transfer in &system.transfers {
        let recheck = transfer.checked.as_ref().zip(transfer.recheck.as_ref());
        days.extend(recheck.and_then(|(checked, every)| after(checked.value, every.value.approximate_days())));
        days.extend(
            law::rows()
                .filter(|row| row.id.strip_prefix("adequacy.") == Some(&transfer.to.value))
                .filter_map(|row| after(row.valid_to?, 0)),
        );
    }
    days
}

/// E109: a system that is reached over a network is somebody's, somewhere. What runs on this machine is the operator's.
fn facts(system: &System, found: &mut Vec<Problem>) {
    let is_remote =
        system.hosts.iter().any(|host| !host.value.is_loopback()) || system.databases.values().any(|database| !database.is_here());
    if !is_remote {
        return;
    }
    let missing = |what: &str, help: &str| {
        let title = format!("nothing says {what} system `{}`", system.id.value);
        Problem::new(Code::E109, title, help).at(system.id.span, "it handles personal data and is reached over a network")
    };
    if system.role.is_none() {
        found.push(missing("who runs", "add `role = \"own\"`, `\"processor\"`, `\"separate-controller\"` or `\"joint-controller\"`"));
    }
    if system.hosting.is_none() {
        found.push(missing("where stands", "add `hosting = { country = \"DE\" }`"));
    }
}

fn contract(system: &System, today: Date, found: &mut Vec<Problem>) {
    let Some(role) = &system.role else { return };
    let id = &system.id.value;
    let of_kind = |kind| system.contract.as_ref().filter(|contract| contract.kind.value == kind);
    match role.value {
        Role::Own => {}
        Role::Processor => match of_kind(ContractKind::Processing) {
            Some(contract) => in_force(id, contract, today, found),
            None => {
                let title = format!("system `{id}` is a processor without a contract");
                let help = format!("conclude one (Art. 28 GDPR) and declare it: `[system.{id}.contract]` with `kind = \"art28\"`");
                found.push(Problem::new(Code::E150, title, help).at(role.span, "processes on the operator's behalf"));
            }
        },
        Role::JointController if of_kind(ContractKind::Joint).is_none() => {
            let title = format!("nothing is agreed with the joint controller behind system `{id}`");
            let help = format!("agree who answers for what (Art. 26 GDPR): `[system.{id}.contract]` with `kind = \"art26\"`");
            found.push(Problem::new(Code::E152, title, help).at(role.span, "decides together with the operator"));
        }
        Role::SeparateController if system.disclosure.is_none() => {
            let title = format!("nothing allows to hand data to the other controller behind system `{id}`");
            found.push(
                Problem::new(Code::E152, title, "name what does: `disclosure = { law = \"…\" }`").at(role.span, "decides on its own"),
            );
        }
        Role::JointController | Role::SeparateController => {}
    }
}

/// E151, E153, E154, W154.
fn in_force(system: &str, contract: &Contract, today: Date, found: &mut Vec<Problem>) {
    let ended = contract.valid_until.as_ref().filter(|last| last.value < today);
    if today < contract.signed.value || ended.is_some() {
        let title = format!("the contract with the processor behind system `{system}` is not in force on {today}");
        let (span, said) = match ended {
            Some(last) => (last.span, format!("ended with {}", last.value)),
            None => (contract.signed.span, format!("begins on {}", contract.signed.value)),
        };
        found.push(Problem::new(Code::E151, title, "renew the contract and correct its dates").at(span, said));
    }
    for helper in contract.subprocessors.iter().filter(|helper| helper.approved.is_none()) {
        let title = format!("the processor behind system `{system}` uses `{}`, whom nobody approved", helper.name.value);
        let help = "approve it with `approved = DATE`, or object (Art. 28(2) GDPR)";
        found.push(Problem::new(Code::E153, title, help).at(helper.span, "not approved"));
    }
    if let Some(every) = &contract.review_every {
        let last = contract.reviewed.as_ref().unwrap_or(&contract.signed);
        let late = last.value.days_until(today) - i64::try_from(every.value.approximate_days()).unwrap_or(i64::MAX);
        if late > 0 {
            let (code, say) = if late > REVIEW_GRACE_DAYS { (Code::E154, "long overdue") } else { (Code::W154, "overdue") };
            let title = format!("the review of the processor behind system `{system}` is {say} since {late} days");
            found.push(Problem::new(code, title, "review it (Art. 28(1) GDPR) and set `reviewed`").at(last.span, "looked at last"));
        }
    }
}

/// E165.
fn residency(manifest: &Manifest, flow: &Flow, system: &System, today: Date, found: &mut Vec<Problem>) {
    let Some(activity) = flow.activity.as_ref().and_then(|activity| manifest.activities.get(&activity.value)) else { return };
    if activity.residency.is_empty() || *system.id.value != *flow.to.value.system {
        return;
    }
    let allowed = |code: &str| {
        activity.residency.iter().any(|place| match place.value.as_str() {
            "EU" => law::is_eu(code, today),
            "EEA" => law::is_eea(code, today),
            country => country == code,
        })
    };
    for country in countries(system).into_iter().filter(|country| !allowed(country.code)) {
        let places: Vec<&str> = activity.residency.iter().map(|place| place.value.as_str()).collect();
        let title = format!(
            "system `{}` reaches {}, and activity `{}` stays in {}",
            system.id.value,
            country.code,
            activity.id.value,
            places.join(", ")
        );
        let problem = Problem::new(Code::E165, title, "use a system that stays there, or widen `residency`").at(country.span, "outside");
        found.push(match activity.residency.first() {
            Some(first) => problem.at(first.span, "the activity's data stays here"),
            None => problem,
        });
    }
}

/// E143, E181, E182: what arrives can be erased again.
pub(super) fn erasure(manifest: &Manifest, flow: &Flow, finds_people: bool, found: &mut Vec<Problem>) {
    let law_keeps = manifest.purposes.get(&flow.purpose.value).is_none_or(|purpose| matches!(purpose.basis.value.art6, 'c' | 'e'));
    if let Some(delete) = flow.delete.as_ref().filter(|delete| delete.value == OnErasure::RetainStatutory && !law_keeps) {
        let title = format!("flow `{}` is denied: it keeps what the source erases, and no law wants that", flow.id.value);
        found.push(
            Problem::new(Code::E143, title, "write `delete = \"propagate\"`; only a purpose by law (Art. 6(1)(c) or (e)) keeps data")
                .at(delete.span, "keeps erased data"),
        );
    }
    let Some(system) = manifest.systems.get(&*flow.to.value.system) else { return };
    let rights = system.dsr.as_ref();
    let erase = rights.and_then(|rights| rights.erase.as_ref());
    let by_hand = erase.is_some_and(|erase| erase.value == Support::Manual) && rights.is_some_and(|rights| rights.procedure.is_none());
    let cannot = erase.is_none_or(|erase| erase.value == Support::Unsupported);
    if cannot || by_hand {
        let title = format!("flow `{}` is denied: nothing says how data is erased from system `{}`", flow.id.value, system.id.value);
        let help = "say how: `dsr = { erase = \"native\" }`, or `dsr = { erase = \"manual\", procedure = \"REFERENCE\" }` if people do it";
        let problem =
            Problem::new(Code::E181, title, help).at(erase.map_or(system.id.span, |erase| erase.span), "cannot erase, as declared");
        found.push(problem.at(flow.to.span, "personal data arrives here"));
    } else if !finds_people && erase.is_some_and(|erase| erase.value != Support::Manual) {
        no_way_back(flow, &flow.to.value, found);
    }
}

fn no_way_back(flow: &Flow, to: &StreamId, found: &mut Vec<Problem>) {
    let title =
        format!("flow `{}` is denied: nothing that arrives in `{to}` identifies a person, so an erasure cannot follow", flow.id.value);
    let help = format!("deliver an identifying field or its pseudonym, or declare `[stream.{to}]` with `identity`");
    found.push(Problem::new(Code::E182, title, help).at(flow.fields_span, "these fields").at(flow.to.span, "the destination"));
}
