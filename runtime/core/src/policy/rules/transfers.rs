//! Rules about third countries (E160 to E164): each that a system reaches needs one mechanism that holds today. Knows the law by its dates only.

use crate::date::Date;
use crate::manifest::{Mechanism, Role, System, Transfer};
use crate::problem::{Code, Problem, Span};
use crate::vocab::law;

use super::parties::{Reach, third_countries};

pub(super) fn check(system: &System, today: Date, found: &mut Vec<Problem>) {
    for country in third_countries(system, today) {
        let own: Vec<&Transfer> = system.transfers.iter().filter(|transfer| transfer.to.value == country.code).collect();
        if own.is_empty() {
            found.push(none(system, country));
            continue;
        }
        let failed: Vec<Fault> = own.iter().filter_map(|transfer| fault(system, transfer, today)).collect();
        // One that holds is enough: the others are its fallbacks.
        if failed.len() == own.len() {
            found.extend(failed.into_iter().map(|fault| {
                let title = format!("system `{}` reaches {}, and {}", system.id.value, country.code, fault.what);
                Problem::new(fault.code, title, fault.help).at(fault.span, "does not carry").at(country.span, "reached because of this")
            }));
        }
    }
}

fn none(system: &System, country: Reach<'_>) -> Problem {
    let title = format!("system `{}` reaches {}, and nothing carries that transfer", system.id.value, country.code);
    let help = format!("declare what does: `[[system.{}.transfer]]` with `to = \"{}\"` and a `mechanism`", system.id.value, country.code);
    Problem::new(Code::E160, title, help).at(country.span, "a third country, Art. 44 GDPR")
}

/// Why a mechanism does not hold.
struct Fault {
    code: Code,
    what: String,
    help: &'static str,
    span: Span,
}

fn fault(system: &System, transfer: &Transfer, today: Date) -> Option<Fault> {
    match transfer.mechanism.value {
        Mechanism::Adequacy => adequacy(transfer, today),
        Mechanism::StandardClauses => clauses(system, transfer, today),
        Mechanism::CorporateRules => transfer.reference.is_none().then(|| Fault {
            code: Code::E162,
            what: "its binding corporate rules have no reference".to_owned(),
            help: "name them: `ref = \"…\"`",
            span: transfer.mechanism.span,
        }),
        Mechanism::Derogation => Some(Fault {
            code: Code::E163,
            what: "an exception of Art. 49 GDPR cannot carry what happens again and again".to_owned(),
            help: "conclude standard contractual clauses, or choose another system",
            span: transfer.mechanism.span,
        }),
    }
}

fn adequacy(transfer: &Transfer, today: Date) -> Option<Fault> {
    let wrong = |code, what: String, help, span| Some(Fault { code, what, help, span });
    let country = &transfer.to.value;
    let scope = match law::adequacy(country, today) {
        law::Adequacy::Never => {
            let what = format!("there is no adequacy decision for {country}");
            return wrong(Code::E162, what, "choose another mechanism", transfer.mechanism.span);
        }
        law::Adequacy::Ended { on: last } => {
            let what = format!("the adequacy decision for {country} ended with {last}");
            return wrong(Code::E161, what, "choose another mechanism", transfer.mechanism.span);
        }
        law::Adequacy::InForce { scope, .. } => scope,
    };
    if let (Some(scope), None) = (scope, &transfer.evidence) {
        let what = format!("the adequacy decision covers {scope} only, and nothing shows that the recipient is covered");
        return wrong(Code::E162, what, "name the proof: `evidence = \"…\"`", transfer.mechanism.span);
    }
    let (checked, recheck) = (transfer.checked.as_ref()?, transfer.recheck.as_ref()?);
    let age = checked.value.days_until(today);
    if age > i64::try_from(recheck.value.approximate_days()).unwrap_or(i64::MAX) {
        let what = format!("its evidence was looked at {age} days ago, which is longer than {}", recheck.value);
        return wrong(Code::E161, what, "look again and set `checked`, or declare a fallback", checked.span);
    }
    None
}

fn clauses(system: &System, transfer: &Transfer, today: Date) -> Option<Fault> {
    let role = system.role.as_ref().map(|role| role.value).filter(|role| *role != Role::Own);
    let expected = role.and_then(|role| law::number(&format!("scc.module.{role}"), today));
    if transfer.module.as_ref().map(|module| module.value) != expected {
        let module = transfer.module.as_ref();
        let what = match expected {
            Some(expected) => format!("its standard contractual clauses need module {expected} for this role"),
            None => "standard contractual clauses are concluded with somebody else than the operator".to_owned(),
        };
        let span = module.map_or(transfer.mechanism.span, |module| module.span);
        return Some(Fault {
            code: Code::E162,
            what,
            help: "conclude the module that fits the role of the recipient, or correct `role`",
            span,
        });
    }
    transfer.tia.is_none().then(|| Fault {
        code: Code::E164,
        what: "its standard contractual clauses stand without a transfer impact assessment".to_owned(),
        help: "assess the transfer and name it: `tia = { ref = \"…\", reviewed = DATE }`",
        span: transfer.mechanism.span,
    })
}
