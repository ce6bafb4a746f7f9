//! Rules about purposes: a basis with what it rests on (E111), a use that says something (E135, W134), a ground for decisions by a machine (E173).

use crate::manifest::{Basis, Manifest, Purpose};
use crate::problem::{Code, Problem};
use crate::vocab;

/// The use of fideslang that says that there is none yet.
const UNDEFINED_USE: &str = "collect";

pub(super) fn check(manifest: &Manifest, found: &mut Vec<Problem>) {
    for purpose in manifest.purposes.values() {
        detail(purpose, found);
        use_says_something(purpose, found);
        if let (Some(span), None) = (purpose.automated_decision, &purpose.art22) {
            let title = format!("purpose `{}` lets a machine alone decide about people and names no ground", purpose.id.value);
            found.push(
                Problem::new(Code::E173, title, "add `art22 = \"contract\"`, `\"law\"` or `\"consent\"`, or let a person decide")
                    .at(span, "Art. 22(1) GDPR forbids it without a ground of Art. 22(2)"),
            );
        }
    }
}

fn detail(purpose: &Purpose, found: &mut Vec<Problem>) {
    let basis = &purpose.basis.value;
    if rests_on_something(basis) {
        return;
    }
    let (key, example) = match basis.art6 {
        'a' => ("consent_scope", "newsletter-v3"),
        'b' => ("contract", "purchase contract"),
        'd' => ("reason", "emergency contact"),
        'f' => ("lia", "LIA-2026-01"),
        _ => ("law", "§ 147 AO"),
    };
    let title = format!("purpose `{}` names Art. 6(1)({}) and not what it rests on", purpose.id.value, basis.art6);
    let help = format!("add `{key}`, for example `{key} = \"{example}\"`");
    found.push(Problem::new(Code::E111, title, help).at(purpose.basis.span, format!("`{key}` is missing")));
}

fn rests_on_something(basis: &Basis) -> bool {
    let detail = match basis.art6 {
        'a' => &basis.consent_scope,
        'b' => &basis.contract,
        'd' => &basis.reason,
        'f' => &basis.lia,
        _ => &basis.law,
    };
    detail.as_ref().is_some_and(|text| !text.value.trim().is_empty())
}

fn use_says_something(purpose: &Purpose, found: &mut Vec<Problem>) {
    let key = purpose.use_key.value.as_str();
    if key == UNDEFINED_USE {
        let title = format!("purpose `{}` says that its purpose is not defined yet", purpose.id.value);
        found.push(
            Problem::new(Code::E135, title, "name what the data is used for; collecting is no purpose")
                .at(purpose.use_key.span, "Art. 5(1)(b) GDPR wants a specified purpose"),
        );
    } else if !key.contains('.') && vocab::uses().any(|other| vocab::is_within(&other.key, key) && other.key != key) {
        let narrower: Vec<&str> = vocab::uses()
            .filter(|other| vocab::is_within(&other.key, key) && other.key != key)
            .map(|other| other.key.as_str())
            .take(4)
            .collect();
        let title = format!("purpose `{}` has the wide use `{key}`", purpose.id.value);
        let help = format!("name a narrower one, for example {}", narrower.join(", "));
        found.push(
            Problem::new(Code::W134, title, help).at(purpose.use_key.span, "data collected for it may be used for everything below it"),
        );
    }
}
