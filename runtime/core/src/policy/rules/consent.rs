//! Rules about consent: a flow that rests on it asks a ledger about each record (E112), about the same consent (E113), and the ledger can prove it (E114).

use crate::manifest::{ConsentLedger, Flow, Manifest};
use crate::problem::{Code, Problem};

pub(super) fn check(manifest: &Manifest, flow: &Flow, found: &mut Vec<Problem>) {
    let Some(purpose) = manifest.purposes.get(&flow.purpose.value).filter(|purpose| purpose.basis.value.art6 == 'a') else { return };
    let basis = &purpose.basis;
    let Some(gate) = &flow.consent else {
        let title = format!("flow `{}` is denied: its purpose rests on consent, and nothing asks who consented", flow.id.value);
        let help = format!("add `[flow.{}.consent]` with `ledger`, `scope` and `match`", flow.id.value);
        found.push(Problem::new(Code::E112, title, help).at(flow.id.span, "no consent gate").at(basis.span, "Art. 6(1)(a) GDPR"));
        return;
    };
    if let Some(scope) = basis.value.consent_scope.as_ref().filter(|scope| scope.value != gate.scope.value) {
        let title = format!("flow `{}` is denied: it asks for another consent than its purpose rests on", flow.id.value);
        found.push(
            Problem::new(Code::E113, title, format!("ask for `{}`", scope.value))
                .at(gate.scope.span, "asked for here")
                .at(scope.span, "the purpose rests on this one"),
        );
    }
    let ledger = manifest.streams.get(&gate.ledger.value).and_then(|stream| stream.consent_ledger.as_ref());
    let missing = missing_columns(ledger);
    if !missing.is_empty() {
        let title = format!("flow `{}` is denied: ledger `{}` cannot prove who consented", flow.id.value, gate.ledger.value);
        let help = format!("name the fields in `consent_ledger` of `[stream.{}]`: {}", gate.ledger.value, missing.join(", "));
        let problem = Problem::new(Code::E114, title, help).at(gate.ledger.span, format!("does not say: {}", missing.join(", ")));
        found.push(match ledger {
            Some(ledger) => problem.at(ledger.span, "this table"),
            None => problem,
        });
    }
}

fn missing_columns(ledger: Option<&ConsentLedger>) -> Vec<&'static str> {
    let has = |column: fn(&ConsentLedger) -> bool| ledger.is_some_and(column);
    [
        ("subject", has(|ledger| ledger.subject.is_some())),
        ("status", has(|ledger| ledger.status.is_some())),
        ("at", has(|ledger| ledger.at.is_some())),
        ("proof", has(|ledger| ledger.proof.is_some())),
    ]
    .into_iter()
    .filter_map(|(name, there)| (!there).then_some(name))
    .collect()
}
