//! Rules about data that needs more than a basis: Art. 9 (E120), Art. 10 (E121), and Art. 9 abroad or in an AI system (E123).

use crate::date::Date;
use crate::manifest::{Decision, Flow, Manifest};
use crate::policy::LabelledField;
use crate::problem::{Code, Problem};

use super::{carries, field_span, parties};

const SPECIAL: &str = "art9";
const CRIMINAL: &str = "art10";

pub(super) fn check(manifest: &Manifest, flow: &Flow, fields: &[LabelledField], today: Date, found: &mut Vec<Problem>) {
    let Some(purpose) = manifest.purposes.get(&flow.purpose.value) else { return };
    let special = purpose.special.as_ref();
    for field in fields {
        let problem = |code, category: &str, what: &str, help: String| {
            let title = format!("flow `{}` is denied: `{category}` is {what}", flow.id.value);
            Problem::new(code, title, help)
                .at(field_span(flow, &field.path), format!("carries `{category}`"))
                .at(purpose.id.span, "this purpose names no ground for it")
        };
        let ground = special.is_some_and(|special| special.art9.is_some() && (special.law.is_some() || special.consent.is_some()));
        let marked = |mark| field.contained().find(|category| carries(manifest, category, mark));
        if let (Some(category), false) = (marked(SPECIAL), ground) {
            let help = "drop the field, or add `special = { art9 = \"LETTER\", law = \"…\" }` (letter of Art. 9(2) GDPR) to the purpose";
            found.push(problem(Code::E120, category, "data of Art. 9 GDPR", help.to_owned()));
        }
        if let (Some(category), true) = (marked(CRIMINAL), special.is_none_or(|special| special.law.is_none())) {
            let help = "drop the field, or add `special = { law = \"…\" }` to the purpose: Art. 10 GDPR wants a law";
            found.push(problem(Code::E121, category, "about crimes, Art. 10 GDPR", help.to_owned()));
        }
    }
    abroad(manifest, flow, fields, today, found);
}

/// E123. Both ends count: data is at the source, too.
fn abroad(manifest: &Manifest, flow: &Flow, fields: &[LabelledField], today: Date, found: &mut Vec<Problem>) {
    let Some(field) = fields.iter().find(|field| field.contained().any(|category| carries(manifest, category, SPECIAL))) else { return };
    let done = |activity: &str| {
        manifest.dpia.iter().any(|decision| decision.activity.value == activity && decision.decision.value == Decision::Done)
    };
    if flow.activity.as_ref().is_some_and(|activity| done(&activity.value)) {
        return;
    }
    for place in [&flow.from, &flow.to] {
        let Some(system) = manifest.systems.get(&*place.value.system) else { continue };
        let countries: Vec<String> = parties::third_countries(system, today).into_iter().map(|country| country.code.to_owned()).collect();
        let where_to = match (countries.as_slice(), system.ai) {
            ([], None) => continue,
            ([], Some(_)) => "an AI system".to_owned(),
            (countries, _) => countries.join(", "),
        };
        let title = format!("flow `{}` is denied: data of Art. 9 GDPR reaches {where_to} without an impact assessment", flow.id.value);
        let help = "make one (Art. 35 GDPR) and record it: `[[dpia]]` with this flow's `activity` and `decision = \"done\"`";
        found.push(
            Problem::new(Code::E123, title, help)
                .at(field_span(flow, &field.path), format!("carries `{}`", field.resulting))
                .at(system.id.span, format!("reaches {where_to}")),
        );
    }
}
