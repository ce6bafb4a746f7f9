//! From a resolved flow to its field plan: every action gets what it needs to be carried out, or the run does not begin.
//!
//! Keys, randomness and indexes are the host's; they come in through [`Means`].

use std::sync::Arc;

use super::{Consulted, FlowRule, LabelledField};
use crate::consent::Consents;
use crate::date::Date;
use crate::gate::{FieldPlan, Limit, Looking, PlanError, PlanRequest, PlannedCondition, PlannedField, PlannedJoin};
use crate::manifest::{Action, Flow, Manifest, OnInvalid, OnUndeclared, Recipient, RetentionKind, StreamDeclaration};
use crate::problem::{Code, Problem, Span};
use crate::record::FieldPath;
use crate::stream::{Node, StreamShape};
use crate::treat::{DomainKey, Index, Sealer, Seed, Treatment};

/// What actions need that a manifest cannot hold.
pub struct Means<'a> {
    /// The newest key of a pseudonym domain by its id; else why there is none, in words that hold nothing of the key.
    pub key: &'a dyn Fn(&str) -> Result<DomainKey, String>,
    /// Where ephemeral keys come from: made for this plan and no other.
    pub seed: &'a Seed,
    /// What the ledger of the flow's consent gate says. None if it was not read.
    pub consents: Option<Arc<Consents>>,
    /// What day it is.
    pub today: Date,
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
    let declared = manifest.streams.get(&flow.from.value);
    let request = PlanRequest {
        fields,
        joins,
        primary_key: rule.primary_key.clone(),
        cursor: rule.cursor.clone(),
        on_undeclared: flow.on_undeclared,
        on_invalid: flow.on_invalid,
        conditions: conditions(manifest, flow, rule, means)?,
        looking: looking(declared),
        collect_persons: rule.retracts,
        ..PlanRequest::new(&rule.shape)
    };
    FieldPlan::compile(request).map_err(|errors| cannot_stand_together(flow, &errors))
}

/// The part of a flow's plan that is about the primary key. Whatever else stands beside a key ends the batch: it has no business there.
pub(super) fn compile_keys(manifest: &Manifest, flow: &Flow, rule: &FlowRule, means: &Means<'_>) -> Result<FieldPlan, Problem> {
    let mut fields = Vec::new();
    for field in rule.fields.iter().filter(|field| rule.primary_key.contains(&field.path)) {
        let treatment = treatment(manifest, flow, field, means)?;
        fields.push(PlannedField { path: field.path.clone(), to: field.to.clone(), treatment });
    }
    let declared = manifest.streams.get(&flow.from.value);
    let shape = rule.shape.only(&rule.primary_key);
    let request = PlanRequest {
        fields,
        primary_key: rule.primary_key.clone(),
        on_undeclared: OnUndeclared::Stop,
        on_invalid: flow.on_invalid,
        looking: looking(declared),
        ..PlanRequest::new(&shape)
    };
    FieldPlan::compile(request).map_err(|errors| cannot_stand_together(flow, &errors))
}

/// The plan that takes the primary key out of what arrives: its destination names, its values as they are.
pub(super) fn compile_arrived_keys(flow: &Flow, rule: &FlowRule) -> Result<FieldPlan, Problem> {
    let arrives = |path: &FieldPath| rule.fields.iter().find(|field| field.path == *path);
    let declared: Vec<(FieldPath, String)> =
        rule.primary_key.iter().filter_map(arrives).map(|field| (field.to.clone(), field.resulting.clone())).collect();
    let shape = StreamShape::from_fields(&declared).map_err(|errors| {
        let errors =
            errors.into_iter().filter_map(|error| Some(PlanError { path: FieldPath::parse(&error.pointer)?, message: error.message }));
        cannot_stand_together(flow, &errors.collect::<Vec<_>>())
    })?;
    let keep = |path: &FieldPath| PlannedField { path: path.clone(), to: path.clone(), treatment: Treatment::Keep };
    let primary_key: Vec<FieldPath> = declared.into_iter().map(|(path, _)| path).collect();
    let fields = primary_key.iter().map(keep).collect();
    let request = PlanRequest { fields, primary_key, collect_keys: true, ..PlanRequest::new(&shape) };
    FieldPlan::compile(request).map_err(|errors| cannot_stand_together(flow, &errors))
}

fn looking(declared: Option<&StreamDeclaration>) -> Looking {
    Looking::On(declared.map_or_else(Vec::new, |stream| stream.may_hold.iter().map(|(path, set)| (path.value.clone(), *set)).collect()))
}

/// The plan by which a consulted stream is read: a few fields, as they are. A row that cannot be read ends the run: in a ledger it may be the withdrawal.
///
/// # Errors
/// A field that cannot be planned.
pub fn consult(consulted: &Consulted, fields: &[FieldPath]) -> Result<FieldPlan, Problem> {
    let distinct: std::collections::BTreeSet<&FieldPath> = fields.iter().collect();
    let keep = |path: &FieldPath| PlannedField { path: path.clone(), to: path.clone(), treatment: Treatment::Keep };
    let request =
        PlanRequest { fields: distinct.into_iter().map(keep).collect(), on_invalid: OnInvalid::Stop, ..PlanRequest::new(&consulted.shape) };
    FieldPlan::compile(request).map_err(|errors| {
        let first = errors.first().map_or_else(String::new, |error| format!("`{}`: {}", error.path, error.message));
        Problem::new(Code::E003, format!("stream `{}` cannot be consulted: {first}", consulted.stream), "declare its fields one by one")
    })
}

/// Filter, consent, age: in this order, so that a record which the flow never wanted is not counted as denied.
fn conditions(manifest: &Manifest, flow: &Flow, own: &FlowRule, means: &Means<'_>) -> Result<Vec<PlannedCondition>, Problem> {
    let mut conditions: Vec<PlannedCondition> = flow.filter.iter().map(|filter| PlannedCondition::Filter(filter.value.clone())).collect();
    if let Some(gate) = &flow.consent {
        let consents = means.consents.clone().ok_or_else(|| {
            let title = format!("flow `{}` asks ledger `{}` who consented, and it was not read", flow.id.value, gate.ledger.value);
            Problem::new(Code::E206, title, "see why the ledger could not be read").at(gate.ledger.span, "this ledger")
        })?;
        let fields = gate.matching.iter().map(|(own, _)| own.value.clone()).collect();
        conditions.push(PlannedCondition::Consent { fields, consents });
    }
    let Some(stream) = manifest.streams.get(&flow.from.value) else { return Ok(conditions) };
    let rules =
        stream.retention.iter().filter_map(|rule| manifest.retentions.get(&rule.value)).filter(|rule| rule.kind == RetentionKind::Limit);
    for rule in rules {
        let Some(start) = &rule.start else { continue };
        // An event that is no field of the stream is known to people only.
        let field =
            FieldPath::parse(&start.value.event).filter(|path| matches!(own.shape.at(path), Some(Node::Leaf(leaf)) if !leaf.opaque));
        if let Some(field) = field {
            let limit = Limit { period: rule.period.value, end_of_year: start.value.end_of_year, today: means.today };
            conditions.push(PlannedCondition::Age { field, limit });
        }
    }
    Ok(conditions)
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
        Code::E214,
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
