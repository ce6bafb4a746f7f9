//! Streams that a run reads beside its source, into memory and no further: a consent ledger, and streams that keys are looked up in.
//!
//! Read through the same sandbox, gate and plan as a source. Invariant: a stream that was not read to its end is not used.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::consent::{Consents, Row};
use hub_core::gate::{FieldPlan, ScanReport};
use hub_core::manifest::{ConsentGate, ConsentLedger, Flow, Manifest};
use hub_core::policy::{self, Consulted, FlowRule, Role};
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, FieldPath, StreamId};
use hub_core::stream::{Node, StreamShape};
use hub_core::treat::{Index, Lookup};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::inlet::known;
use super::outlet::plugin_problem;
use crate::capability::{Accepted, Inlet, Page, PageAccepted, Refused};
use crate::gate::{Consultation, Gate};
use crate::plugin::ReadRequest;
use crate::plugin::abi::{self, Setup};

/// The greatest number of keys of a stream that values are looked up in.
const MAX_KEYS: usize = 10_000_000;

/// What was read.
#[derive(Default)]
pub(super) struct Answers {
    pub consents: Option<Arc<Consents>>,
    /// By `via`.
    pub indexes: BTreeMap<String, Index>,
}

/// Prepares a connector to read a stream in a shape.
type Prepare<'a> = dyn Fn(&StreamId, &StreamShape) -> Result<Setup, Arc<Problem>> + Send + Sync + 'a;

/// Reads every stream that the flow consults.
pub(super) async fn read(
    manifest: &Manifest,
    flow: &Flow,
    rule: &FlowRule,
    gate: &Arc<Gate>,
    setup: &Prepare<'_>,
) -> Result<Answers, Arc<Problem>> {
    let mut answers = Answers::default();
    for consulted in &rule.consulted {
        let setup = setup(&consulted.stream, &consulted.shape)?;
        match &consulted.role {
            Role::Ledger => {
                let Some(gate_of_flow) = &flow.consent else { continue };
                let consents = ledger(manifest, rule, gate_of_flow, consulted, gate, setup).await?;
                answers.consents = Some(Arc::new(consents));
            }
            Role::Lookup { via, key, value } => {
                let table = table(flow, consulted, key.as_ref(), value, gate, setup).await?;
                answers.indexes.insert(via.clone(), Index::new(Arc::new(table)));
            }
        }
    }
    Ok(answers)
}

/// Who consented, by the fields that the flow's gate matches.
async fn ledger(
    manifest: &Manifest,
    rule: &FlowRule,
    asked: &ConsentGate,
    consulted: &Consulted,
    gate: &Arc<Gate>,
    setup: Setup,
) -> Result<Consents, Arc<Problem>> {
    let columns = manifest.streams.get(&asked.ledger.value).and_then(|stream| stream.consent_ledger.clone());
    let Some(columns) = columns else {
        let title = format!("stream `{}` is no consent ledger", asked.ledger.value);
        return Err(Arc::new(
            Problem::new(Code::E114, title, "say in `consent_ledger` which field says what").at(asked.ledger.span, "this one"),
        ));
    };
    let column = |path: &Option<hub_core::problem::Spanned<FieldPath>>| path.as_ref().map(|path| path.value.clone());
    let named = [column(&columns.scope), column(&columns.status), column(&columns.at), column(&columns.proof)];
    let persons: Vec<FieldPath> = asked.matching.iter().map(|(_, theirs)| theirs.value.clone()).collect();
    let category = |path: &FieldPath| match rule.shape.at(path) {
        Some(Node::Leaf(leaf)) => leaf.category.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let categories = asked.matching.iter().map(|(own, _)| category(&own.value)).collect();
    let mut consents = Consents::new(&asked.scope.value, given(&columns), categories);
    let fields: Vec<FieldPath> = persons.iter().chain(named.iter().flatten()).cloned().collect();
    rows(consulted, &fields, gate, setup, |row| {
        let text = |path: &Option<FieldPath>| path.as_ref().and_then(|path| scalar(row, path));
        let [scope, status, at, proof] = [&named[0], &named[1], &named[2], &named[3]].map(text);
        let who: Option<Vec<String>> = persons.iter().map(|path| scalar(row, path)).collect();
        // A row without a person is nobody's consent.
        let Some(who) = who else { return true };
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        let scope = scope.as_deref().or_else(|| named[0].as_ref().map(|_| ""));
        consents.add(&who, Row { scope, status: status.as_deref(), at: at.as_deref(), proof: proof.as_deref() })
    })
    .await?;
    Ok(consents)
}

fn given(ledger: &ConsentLedger) -> Vec<String> {
    if ledger.given.is_empty() {
        return ConsentLedger::GIVEN.iter().map(|word| (*word).to_owned()).collect();
    }
    ledger.given.iter().map(|word| word.value.clone()).collect()
}

async fn table(
    flow: &Flow,
    consulted: &Consulted,
    key: Option<&FieldPath>,
    value: &FieldPath,
    gate: &Arc<Gate>,
    setup: Setup,
) -> Result<Table, Arc<Problem>> {
    let Some(key) = key else {
        let title = format!("flow `{}` looks values up in `{}`, which has no primary key of one field", flow.id.value, consulted.stream);
        let help = format!("name it: `primary_key = [\"FIELD\"]` in `[stream.{}]`", consulted.stream);
        return Err(Arc::new(Problem::new(Code::E313, title, help)));
    };
    let mut table = Table::default();
    rows(consulted, &[key.clone(), value.clone()], gate, setup, |row| {
        let Some(key) = scalar(row, key) else { return true };
        let found = at(row, value).filter(|value| !value.is_null()).map(|value| value.to_string().into_boxed_str());
        table.add(&key, found)
    })
    .await?;
    Ok(table)
}

/// Values by the digest of their key's text.
#[derive(Default)]
struct Table(HashMap<[u8; 16], Option<Box<str>>>);

impl Table {
    /// Two values for one key are none. False if there is no room for another key.
    fn add(&mut self, key: &str, value: Option<Box<str>>) -> bool {
        if self.0.len() >= MAX_KEYS {
            return false;
        }
        let known = self.0.entry(tag(key.as_bytes())).or_insert_with(|| value.clone());
        if *known != value {
            *known = None;
        }
        true
    }
}

impl Lookup for Table {
    fn find(&self, key: &[u8], out: &mut Vec<u8>) -> bool {
        match self.0.get(&tag(key)) {
            Some(Some(value)) => {
                out.extend_from_slice(value.as_bytes());
                true
            }
            _ => false,
        }
    }
}

fn tag(text: &[u8]) -> [u8; 16] {
    let digest = Sha256::digest(text);
    std::array::from_fn(|at| digest[at])
}

/// Gives each row of a stream to `take`, which says false when there is no room for more.
async fn rows(
    consulted: &Consulted,
    fields: &[FieldPath],
    gate: &Arc<Gate>,
    setup: Setup,
    mut take: impl FnMut(&Value) -> bool + Send,
) -> Result<(), Arc<Problem>> {
    let flow: Arc<str> = gate.context().flow.as_str().into();
    let consultation = gate.clear(Consultation { flow: flow.clone(), stream: consulted.stream.clone() }).await?;
    let plan = policy::consult(consulted, fields).map_err(Arc::new)?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(2);
    let inlet = Arc::new(Reader { gate: gate.clone(), plan, stream: consulted.stream.clone(), sender: Mutex::new(Some(sender)) });
    let mut source = abi::open_source(setup, inlet.clone()).await?;
    let request = ReadRequest {
        flow: flow.clone(),
        stream: consultation.into_inner().stream,
        fields: fields.to_vec(),
        state: None,
        full_refresh: true,
        limit: None,
    };
    let reading = async {
        let read = source.read(vec![request]).await.map_err(|error| Arc::new(plugin_problem(&flow, &consulted.stream.system, &error)));
        inlet.sender.lock().await.take();
        read
    };
    let taking = async {
        while let Some(lines) = receiver.recv().await {
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let row = serde_json::from_slice(line).unwrap_or_default();
                if !take(&row) {
                    let title = format!("stream `{}` has more rows than can be kept in memory", consulted.stream);
                    return Err(Arc::new(Problem::new(Code::E306, title, "let the connector read a part of it")));
                }
            }
        }
        Ok(())
    };
    let (read, taken) = tokio::join!(reading, taking);
    taken.and(read.map(drop))
}

fn at<'r>(row: &'r Value, path: &FieldPath) -> Option<&'r Value> {
    path.parts().try_fold(row, |value, part| value.get(part))
}

/// The text of a scalar; `null` is none.
fn scalar(row: &Value, path: &FieldPath) -> Option<String> {
    match at(row, path)? {
        Value::String(text) => Some(text.clone()),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        _ => None,
    }
}

/// Where the rows leave the guest.
struct Reader {
    gate: Arc<Gate>,
    plan: FieldPlan,
    stream: StreamId,
    sender: Mutex<Option<tokio::sync::mpsc::Sender<Vec<u8>>>>,
}

impl Reader {
    async fn pass(&self, stream: u32, rows: Result<Vec<u8>, hub_core::gate::Stop>) -> Result<(), Refused> {
        let system = &self.stream.system;
        known(&self.gate, system, stream).await?;
        match rows {
            Ok(rows) => {
                let sender = self.sender.lock().await.clone();
                if let Some(sender) = sender {
                    // Whoever takes the rows has its own problem when it ends early.
                    drop(sender.send(rows).await);
                }
                Ok(())
            }
            Err(stop) => {
                let title = format!("stream `{}`, record {}: {}", self.stream, stop.record + 1, stop.message);
                let problem = Problem::new(stop.code, title, "correct the record at its source or the stream's schema");
                Err(Refused(self.gate.denied(system, problem).await))
            }
        }
    }
}

impl Inlet for Reader {
    fn batch(&self, stream: u32, ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move {
            let (mut rows, mut report) = (Vec::new(), ScanReport::default());
            let scanned = self.plan.scan_lines(&ndjson, &mut rows, &mut report).map(|()| rows);
            self.pass(stream, scanned).await?;
            Ok(Accepted { accepted: report.accepted, rejected: 0, dropped_fields: report.dropped_fields })
        })
    }

    /// Rows that were taken in are not taken out again: in a ledger that would leave a consent that is none.
    fn deleted(&self, stream: u32, _: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move {
            known(&self.gate, &self.stream.system, stream).await?;
            let title = format!("stream `{}` is read as a whole, and its connector reports deleted records", self.stream);
            let problem = Problem::new(Code::E106, title, "let the connector leave out what is deleted when everything is read");
            Err(Refused(self.gate.denied(&self.stream.system, problem).await))
        })
    }

    fn is_observable(&self, field: &str) -> bool {
        self.plan.is_observable(field)
    }

    fn page(&self, stream: u32, page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>> {
        Box::pin(async move {
            let (mut rows, mut report) = (Vec::new(), ScanReport::default());
            let scanned = self.plan.scan_page(&page.body, &page.pointer, &page.constants, &page.observe, &mut rows, &mut report);
            let (outcome, rows) = match scanned {
                Ok(outcome) => (outcome, Ok(rows)),
                Err(stop) => (hub_core::gate::PageOutcome::default(), Err(stop)),
            };
            self.pass(stream, rows).await?;
            let accepted = Accepted { accepted: report.accepted, rejected: 0, dropped_fields: report.dropped_fields };
            Ok(PageAccepted { accepted, extracted: outcome.extracted, observed: outcome.observed })
        })
    }

    fn checkpoint(&self, _: u32, _: Cursor) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(futures::future::ready(Ok(())))
    }
}
