//! From a resolved flow to its field plan: every action gets what it needs to be carried out, or the run does not begin.
//!
//! Keys, randomness and indexes are the host's; they come in through [`Means`].

use super::{FlowRule, LabelledField};
use crate::gate::{FieldPlan, PlanError, PlanRequest, PlannedField, PlannedJoin};
use crate::manifest::{Action, Flow, Manifest, Recipient};
use crate::problem::{Code, Problem, Span};
use crate::treat::{DomainKey, Index, Sealer, Seed, Treatment};

/// What actions need that a manifest cannot hold.
pub struct Means<'a> {
    /// The newest key of a pseudonym domain by its id; else why there is none, in words that hold nothing of the key.
    pub key: &'a dyn Fn(&str) -> Result<DomainKey, String>,
    /// Where ephemeral keys come from: made for this plan and no other.
    pub seed: &'a Seed,
    /// The index behind a lookup by its `via`, as the manifest writes it. None if there is none.
    pub index: &'a dyn Fn(&str) -> Option<Index>,
}

pub(super) fn compile(manifest: &Manifest, flow: &Flow, rule: &FlowRule, means: &Means<'_>) -> Result<FieldPlan, Problem> {
    let (mut fields, mut joins) = (Vec::new(), Vec::new());
    for field in &rule.fields {
        if let Action::Concat { with, separator } = &field.action {
            if !with.is_empty() {
                let parts = std::iter::once(&field.path).chain(with.iter().map(|part| &part.value)).cloned().collect();
                joins.push(PlannedJoin { parts, to: field.to.clone(), separator: separator.clone() });
            }
            continue;
        }
        let treatment = treatment(manifest, flow, field, means)?;
        fields.push(PlannedField { path: field.path.clone(), to: field.to.clone(), treatment });
    }
    let request = PlanRequest {
        shape: &rule.shape,
        fields,
        joins,
        primary_key: rule.primary_key.clone(),
        cursor: rule.cursor.clone(),
        on_undeclared: flow.on_undeclared,
        on_invalid: flow.on_invalid,
        collect_keys: false,
    };
    FieldPlan::compile(request).map_err(|errors| cannot_stand_together(flow, &errors))
}

fn cannot_stand_together(flow: &Flow, errors: &[PlanError]) -> Problem {
    let first = errors.first().map_or_else(String::new, |error| format!("`{}`: {}", error.path, error.message));
    Problem::new(
        Code::E003,
        format!("the fields of flow `{}` cannot stand together: {first}", flow.id.value),
        "give each field a place of its own with `to`",
    )
    .at(flow.fields_span, "in these fields")
}

fn treatment(manifest: &Manifest, flow: &Flow, field: &LabelledField, means: &Means<'_>) -> Result<Treatment, Problem> {
    let span = super::rules::action_span(flow, &field.path);
    Ok(match &field.action {
        // Dropped and joined fields are no fields of the plan; kept apart from the rest so that a new action is not forgotten here.
        Action::Allow | Action::Drop | Action::Concat { .. } => Treatment::Keep,
        Action::Null => Treatment::Constant("null".to_owned()),
        Action::Constant(value) => Treatment::Constant(value.to_string()),
        Action::Mask { first, last } => Treatment::Mask { first: *first, last: *last },
        Action::Hash => Treatment::Hash,
        Action::Truncate { keep } => Treatment::Truncate { keep: *keep },
        Action::Network { .. } => Treatment::Network,
        Action::Redact { detectors } => Treatment::Redact(*detectors),
        Action::Generalise(coarser) => Treatment::Generalise(coarser.clone()),
        Action::Pseudonymise { domain } => {
            Treatment::Pseudonymise((means.key)(domain).map_err(|reason| no_key(manifest, domain, &reason, span))?)
        }
        Action::Encrypt { recipient } => Treatment::Encrypt(sealer(manifest, recipient, means, span)?),
        Action::Lookup { via, missing } => {
            let index = (means.index)(via).ok_or_else(|| no_index(flow, via, span))?;
            Treatment::Lookup { index, missing: *missing }
        }
    })
}

fn no_key(manifest: &Manifest, domain: &str, reason: &str, span: Span) -> Problem {
    let problem = Problem::new(
        Code::E312,
        format!("the key of pseudonym domain `{domain}` is not available: {reason}"),
        "put a key of at least 16 bytes where `[pseudonym]` says, or lines `v1:BASE64`",
    )
    .at(span, "this field needs it");
    match manifest.pseudonyms.get(domain) {
        Some(declared) => problem.at(declared.key.span, "it should be here"),
        None => problem,
    }
}

fn sealer(manifest: &Manifest, recipient: &str, means: &Means<'_>, span: Span) -> Result<Sealer, Problem> {
    let declared = recipient.strip_prefix("age:").and_then(|id| manifest.recipients.get(id));
    let written = declared.map_or(recipient, |declared| declared.age.value.as_str());
    Recipient::key(written).and_then(|key| Sealer::new(key, means.seed)).ok_or_else(|| {
        let problem = Problem::new(
            Code::E003,
            format!("the key of recipient `{}` protects nothing", crate::manifest::shorten(recipient)),
            "have the recipient make a key with `age-keygen` and send its public part",
        );
        problem.at(declared.map_or(span, |declared| declared.age.span), "no key that somebody holds alone")
    })
}

fn no_index(flow: &Flow, via: &str, span: Span) -> Problem {
    Problem::new(
        Code::E313,
        format!("flow `{}` looks values up in `{via}`, and there is no index of it", flow.id.value),
        "take the field out, or treat it in another way, until the index can be made",
    )
    .at(span, "looked up here")
}
