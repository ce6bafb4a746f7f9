//! OpenLineage run events (spec 2-0-2): what a run reads, what it makes of each field, and for what purpose.
//!
//! Everything comes from the policy, so nothing is guessed from names. A dataset is a stream: its namespace is the system's id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Run, State, timestamp};
use crate::manifest::{Action, Expression, Flow, Manifest};
use crate::policy::{FlowRule, LabelledField, Policy, Role};
use crate::problem::Code;
use crate::record::{FieldPath, StreamId};
use crate::stream::{Node, StreamShape};

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const FACETS: &str = "https://openlineage.io/spec/facets";
/// Who makes the events. Not an address: hub has none of its own.
const PRODUCER: &str = concat!("urn:hub:", env!("CARGO_PKG_VERSION"));
/// What the facet `hub_gdpr` looks like: `docs/observe.md`.
const OWN_FACET: &str = "urn:hub:facet:gdpr:1";
/// The namespace of jobs: a flow is one.
const JOBS: &str = "hub";

/// The event of a run as it stands. None if the policy has no such flow.
#[must_use]
pub fn event(policy: &Policy, run: &Run) -> Option<Value> {
    let (flow, rule) = policy.flow(&run.flow)?;
    let kind = match run.state {
        State::Running => "START",
        State::Completed => "COMPLETE",
        State::Interrupted => "ABORT",
        State::Failed(_) => "FAIL",
    };
    Some(json!({
        "eventType": kind,
        "eventTime": timestamp(run.ended_us.max(run.began_us)),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": { "runId": run.uuid(), "facets": run_facets(policy.manifest(), flow, rule, run) },
        "job": {
            "namespace": JOBS,
            "name": run.flow,
            "facets": { "jobType": facet("2-0-4/JobTypeJobFacet", json!({ "processingType": "BATCH", "integration": "HUB", "jobType": "FLOW" })) },
        },
        "inputs": inputs(flow, rule, run),
        "outputs": [output(flow, rule, run)],
    }))
}

fn facet(schema: &str, content: Value) -> Value {
    let (version, name) = schema.split_once('/').unwrap_or_default();
    own(&format!("{FACETS}/{version}/{name}.json#/$defs/{name}"), content)
}

fn own(schema: &str, content: Value) -> Value {
    let mut all = Map::new();
    all.insert("_producer".to_owned(), PRODUCER.into());
    all.insert("_schemaURL".to_owned(), schema.into());
    if let Value::Object(content) = content {
        all.extend(content);
    }
    Value::Object(all)
}

fn run_facets(manifest: &Manifest, flow: &Flow, rule: &FlowRule, run: &Run) -> Value {
    let categories: BTreeSet<&str> = rule.fields.iter().flat_map(LabelledField::contained).collect();
    let basis = manifest.purposes.get(&flow.purpose.value).map(|purpose| format!("art6-{}", purpose.basis.value.art6));
    let declared = manifest.streams.get(&flow.to.value).map(|stream| stream.retention.as_slice()).filter(|rules| !rules.is_empty());
    let retention: Vec<Value> = declared
        .unwrap_or(&flow.retention)
        .iter()
        .map(|rule| json!({ "rule": rule.value, "period": manifest.retentions.get(&rule.value).map(|rule| rule.period.value.to_string()) }))
        .collect();
    let gdpr = json!({
        "purpose": flow.purpose.value,
        "legalBasis": basis,
        "categories": categories,
        "recipient": *flow.to.value.system,
        "retention": retention,
        "manifestDigest": format!("sha256:{}", manifest.digest),
        "auditSeq": run.audit_entries.checked_sub(1),
        "hubRun": run.id,
    });
    let mut facets = json!({
        "hub_gdpr": own(OWN_FACET, gdpr),
        "processing_engine": facet("1-1-1/ProcessingEngineRunFacet", json!({ "version": env!("CARGO_PKG_VERSION"), "name": "hub" })),
    });
    if let Some(code) = run.state.code() {
        facets["errorMessage"] = facet("1-0-1/ErrorMessageRunFacet", error(code));
    }
    facets
}

/// The code alone: a message may be a connector's own words.
fn error(code: Code) -> Value {
    json!({ "message": format!("{} {}", code.id(), code.name()), "programmingLanguage": "RUST" })
}

fn dataset(stream: &StreamId) -> Map<String, Value> {
    let mut dataset = Map::new();
    dataset.insert("namespace".to_owned(), (&*stream.system).into());
    dataset.insert("name".to_owned(), (&*stream.stream).into());
    dataset
}

fn inputs(flow: &Flow, rule: &FlowRule, run: &Run) -> Vec<Value> {
    let read: BTreeSet<&FieldPath> = rule.fields.iter().map(|field| &field.path).collect();
    let mut source = dataset(&flow.from.value);
    source.insert("facets".to_owned(), json!({ "schema": schema(read.iter().map(|path| field_of(&rule.shape, path))) }));
    if run.state != State::Running {
        let counted = facet("1-0-0/InputStatisticsInputDatasetFacet", json!({ "rowCount": run.read }));
        source.insert("inputFacets".to_owned(), json!({ "inputStatistics": counted }));
    }
    let mut all = vec![Value::Object(source)];
    let mut seen = BTreeSet::from([&flow.from.value]);
    all.extend(rule.consulted.iter().filter(|consulted| seen.insert(&consulted.stream)).map(|consulted| dataset(&consulted.stream).into()));
    all
}

fn schema(fields: impl Iterator<Item = Value>) -> Value {
    facet("1-2-0/SchemaDatasetFacet", json!({ "fields": fields.collect::<Vec<_>>() }))
}

/// Name, type and category of a source field.
fn field_of(shape: &StreamShape, path: &FieldPath) -> Value {
    let leaf = match shape.at(path) {
        Some(Node::Leaf(leaf)) => Some(leaf),
        _ => None,
    };
    let kind = leaf.and_then(|leaf| leaf.schema.as_ref()?.get("type")?.as_str());
    described(path, kind, leaf.and_then(|leaf| leaf.category.as_deref()))
}

fn described(path: &FieldPath, kind: Option<&str>, category: Option<&str>) -> Value {
    let mut field = Map::new();
    field.insert("name".to_owned(), path.as_str().into());
    if let Some(kind) = kind {
        field.insert("type".to_owned(), kind.into());
    }
    if let Some(category) = category {
        field.insert("description".to_owned(), category.into());
    }
    field.into()
}

fn output(flow: &Flow, rule: &FlowRule, run: &Run) -> Value {
    let mut columns: BTreeMap<&FieldPath, Vec<Value>> = BTreeMap::new();
    let mut labels: BTreeMap<&FieldPath, &str> = BTreeMap::new();
    for field in rule.fields.iter().filter(|field| field.action != Action::Drop) {
        labels.entry(&field.to).or_insert(&field.resulting);
        columns.entry(&field.to).or_default().extend(sources(flow, rule, field));
    }
    let fields: Map<String, Value> =
        columns.into_iter().map(|(to, sources)| (to.as_str().to_owned(), json!({ "inputFields": sources }))).collect();
    let columns = facet("1-2-0/ColumnLineageDatasetFacet", json!({ "fields": fields, "dataset": conditions(flow) }));
    let schema = schema(labels.iter().map(|(path, category)| described(path, None, Some(category))));
    let mut destination = dataset(&flow.to.value);
    destination.insert("facets".to_owned(), json!({ "schema": schema, "columnLineage": columns }));
    if run.state != State::Running {
        let counted = facet("1-0-2/OutputStatisticsOutputDatasetFacet", json!({ "rowCount": run.written }));
        destination.insert("outputFacets".to_owned(), json!({ "outputStatistics": counted }));
    }
    destination.into()
}

fn input(stream: &StreamId, field: &FieldPath, transformation: Value) -> Value {
    let mut input = dataset(stream);
    input.insert("field".to_owned(), field.as_str().into());
    input.insert("transformations".to_owned(), Value::Array(vec![transformation]));
    input.into()
}

/// From where the value of a destination's field comes, and what was made of it.
fn sources(flow: &Flow, rule: &FlowRule, field: &LabelledField) -> Vec<Value> {
    let from = &flow.from.value;
    let direct = |subtype: &str, action: &str, masking: bool| {
        let how = json!({ "type": "DIRECT", "subtype": subtype, "description": action, "masking": masking });
        vec![input(from, &field.path, how)]
    };
    match &field.action {
        // Nothing of the source is in it.
        Action::Drop | Action::Null | Action::Constant(_) => Vec::new(),
        Action::Allow => direct("IDENTITY", "allow", false),
        Action::Concat { .. } => direct("TRANSFORMATION", "concat", false),
        Action::Lookup { via, .. } => looked_up(from, rule, field, via),
        Action::Mask { .. } => direct("TRANSFORMATION", "mask", true),
        Action::Hash => direct("TRANSFORMATION", "hash", true),
        Action::Pseudonymise { .. } => direct("TRANSFORMATION", "pseudonymise", true),
        Action::Truncate { .. } | Action::Network { .. } => direct("TRANSFORMATION", "truncate", true),
        Action::Generalise(_) => direct("TRANSFORMATION", "generalise", true),
        Action::Redact { .. } => direct("TRANSFORMATION", "redact", true),
        Action::Encrypt { .. } => direct("TRANSFORMATION", "encrypt", true),
    }
}

/// The key decides which record is taken, the value comes from there.
fn looked_up(from: &StreamId, rule: &FlowRule, field: &LabelledField, wanted: &str) -> Vec<Value> {
    let join = json!({ "type": "INDIRECT", "subtype": "JOIN", "description": "lookup", "masking": false });
    let mut found = vec![input(from, &field.path, join)];
    for consulted in &rule.consulted {
        if let Role::Lookup { via, value, .. } = &consulted.role
            && via == wanted
        {
            let how = json!({ "type": "DIRECT", "subtype": "IDENTITY", "description": "lookup", "masking": false });
            found.push(input(&consulted.stream, value, how));
        }
    }
    found
}

/// Fields that decide which records pass.
fn conditions(flow: &Flow) -> Vec<Value> {
    let how = |what: &str| json!({ "type": "INDIRECT", "subtype": "FILTER", "description": what, "masking": false });
    let mut named = BTreeSet::new();
    if let Some(filter) = &flow.filter {
        fields_of(&filter.value.expression, &mut named);
    }
    let filter = named.into_iter().map(|path| input(&flow.from.value, path, how("filter")));
    let consent = flow.consent.iter().flat_map(|gate| {
        gate.matching.iter().flat_map(|(own, other)| {
            [input(&flow.from.value, &own.value, how("consent")), input(&gate.ledger.value, &other.value, how("consent"))]
        })
    });
    filter.chain(consent).collect()
}

fn fields_of<'f>(expression: &'f Expression, found: &mut BTreeSet<&'f FieldPath>) {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().for_each(|part| fields_of(part, found)),
        Expression::Not(inner) => fields_of(inner, found),
        Expression::Test(path, _) => {
            found.insert(path);
        }
    }
}
