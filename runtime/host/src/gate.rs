//! Enforcement. The only module that can make a [`Cleared`].
//!
//! Does not decide (see `hub_core::policy`) and performs no effect itself. It has no child modules: in Rust a child could forge a clearance.
//! Invariant: the audit entry of a decision is durable before the clearance exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::audit::{Draft, Kind};
use hub_core::date::Date;
use hub_core::gate::{FieldPlan, Held, Mode, PageOutcome, ScanReport, Stop};
use hub_core::manifest::FolderAccess;
use hub_core::policy::ask::{Ask, Because, Occasion};
use hub_core::policy::verdict::Verdict;
use hub_core::policy::{self, Policy, origin_of};
use hub_core::problem::{Code, Problem};
use hub_core::record::StreamId;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::clock::{self, Clock};
use crate::crash::{Point, reach};
use crate::delivered::Delivered;
use crate::quarantine::{self, MAX_WAITING, Note, Vault};
use crate::store::format::HeldRecord;
use crate::store::{Durability, Namespace, Put, Store, StoreError, Transaction};

/// Cargo that may have its effect, once. Effects take this and nothing else.
#[derive(Debug)]
#[must_use = "a clearance that is not used was a decision for nothing"]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    /// The cargo.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Uses the clearance up.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Cargo knows its question, so that no caller can ask for something else.
pub trait Asks {
    /// The question.
    fn ask(&self) -> Ask<'_>;
}

/// Who asks: what every audit entry of a run repeats.
#[derive(Clone, Debug, Default)]
pub struct RunContext {
    /// Run id.
    pub run: String,
    /// Flow id.
    pub flow: String,
    /// Purpose id.
    pub purpose: String,
    /// `art6-b`.
    pub basis: String,
    /// Destination system.
    pub recipient: String,
    /// Categories that arrive.
    pub categories: Vec<String>,
    /// Destination fields.
    pub fields: Vec<String>,
    /// Those of them that a record is found by.
    pub key_fields: Vec<String>,
    /// Hex digest of the manifest.
    pub manifest_digest: String,
    /// Hex digest of the source's component.
    pub component_digest: String,
}

impl RunContext {
    /// An entry of this run.
    #[must_use]
    pub fn draft(&self, kind: Kind) -> Draft {
        // What belongs to no run names none.
        let named = |name: &String| (!name.is_empty()).then(|| name.clone());
        Draft {
            run: named(&self.run),
            flow: named(&self.flow),
            purpose: named(&self.purpose),
            basis: named(&self.basis),
            recipient: named(&self.recipient),
            manifest_digest: named(&self.manifest_digest),
            component_digest: named(&self.component_digest),
            ..Draft::new(kind)
        }
    }
}

/// One run's gate.
pub struct Gate {
    policy: Arc<Policy>,
    store: Arc<dyn Store>,
    context: RunContext,
    clock: Arc<dyn Clock>,
    held: Holding,
    /// None: nothing that was delivered is ever retracted.
    delivered: Option<Delivered>,
    memory: Mutex<Memory>,
}

/// Where records go that are held back, and what must not be in any.
#[derive(Default)]
pub struct Holding {
    /// None: a trial, in which records are counted and not kept.
    pub vault: Option<Arc<Vault>>,
    /// Records of the flow that waited when the run began.
    pub waiting: usize,
    /// For how many days they are kept.
    pub keep_days: i64,
    /// Secrets that hub itself uses, as they may stand in JSON.
    pub secrets: Vec<Zeroizing<Vec<u8>>>,
    /// Origins that the flow has used so far; none while too little is known.
    pub usual_hosts: Option<BTreeSet<String>>,
}

/// What this run was already told, so that an entry stands for all equal decisions of the run and nothing floods the log.
#[derive(Default)]
struct Memory {
    granted: BTreeSet<String>,
    hosts: BTreeSet<String>,
    seen_undeclared: BTreeSet<String>,
    passed: u64,
    held: u64,
    refusals: u32,
}

/// Refusals of one run that get an entry of their own; the run ends at the first, so more can only come from calls already under way.
const MAX_REFUSAL_ENTRIES: u32 = 64;

/// Records that want to leave.
#[derive(Debug)]
pub struct Delivery {
    /// Flow id.
    pub flow: Arc<str>,
    /// Where they come from.
    pub from: StreamId,
    /// Where they go.
    pub to: StreamId,
    /// Number of the batch in its run, from 1.
    pub batch: u64,
    /// The records.
    pub payload: Payload,
}

/// One page of the blind path.
#[derive(Clone, Debug)]
pub struct Page {
    /// The response body.
    pub body: bytes::Bytes,
    /// RFC 6901.
    pub pointer: String,
    /// Field path and JSON text added to each record.
    pub constants: Vec<(String, String)>,
    /// Fields whose first, last, least and greatest value the guest wants to know.
    pub observe: Vec<String>,
}

/// Records as they arrived.
#[derive(Debug)]
pub enum Payload {
    /// NDJSON from the sandbox.
    Lines(Vec<u8>),
    /// A page that never entered it.
    Page(Page),
    /// NDJSON from the sandbox: primary keys of records that the source reports as deleted.
    Keys(Vec<u8>),
}

impl Payload {
    fn verb(&self) -> Verb {
        match self {
            Self::Lines(_) | Self::Page(_) => Verb::Write,
            Self::Keys(_) => Verb::Delete,
        }
    }
}

/// What is to happen at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Records are written.
    Write,
    /// Records are deleted by their keys.
    Delete,
}

impl Asks for Delivery {
    fn ask(&self) -> Ask<'_> {
        let Self { flow, from, to, .. } = self;
        match self.payload.verb() {
            Verb::Write => Ask::Deliver { flow, from, to },
            Verb::Delete => Ask::Delete { flow, from, to, because: Because::Reported },
        }
    }
}

/// Keys of records that were delivered under a consent which was withdrawn, as the destination knows them.
#[derive(Debug)]
pub struct Retraction {
    /// Flow id.
    pub flow: Arc<str>,
    /// Where the records came from.
    pub from: StreamId,
    /// Where they are.
    pub to: StreamId,
    /// Number of the batch in its run, from 1.
    pub batch: u64,
    /// NDJSON.
    pub ndjson: Vec<u8>,
    /// Number of keys.
    pub records: u32,
}

impl Asks for Retraction {
    fn ask(&self) -> Ask<'_> {
        Ask::Delete { flow: &self.flow, from: &self.from, to: &self.to, because: Because::Withdrawn }
    }
}

/// A stream that is to be read beside a flow's source.
#[derive(Debug)]
pub struct Consultation {
    /// Flow id.
    pub flow: Arc<str>,
    /// The stream.
    pub stream: StreamId,
}

impl Asks for Consultation {
    fn ask(&self) -> Ask<'_> {
        Ask::Consult { flow: &self.flow, stream: &self.stream }
    }
}

/// Records, or keys of them, as they may arrive: projected, checked, treated.
#[derive(Debug)]
pub struct Checked {
    /// What is done with them.
    pub verb: Verb,
    /// Where they go.
    pub to: StreamId,
    /// Number of the batch.
    pub batch: u64,
    /// NDJSON.
    pub ndjson: Vec<u8>,
    /// Number of records.
    pub records: u32,
}

/// Checked records whose audit entry is on its way to the disk.
pub struct Pending {
    checked: Checked,
    durable: BoxFuture<'static, Result<u64, StoreError>>,
}

impl Pending {
    /// Waits for the entry, then gives the clearance.
    ///
    /// # Errors
    /// E216 if the entry could not be written: no log, no flow.
    pub async fn cleared(self) -> Result<Cleared<Checked>, Arc<Problem>> {
        match self.durable.await {
            Ok(_) => Ok(Cleared(self.checked)),
            Err(error) => Err(Arc::new(unwritable(&error))),
        }
    }
}

/// What the pass found.
#[derive(Debug, Default)]
pub struct Passed {
    /// Counts.
    pub report: ScanReport,
    /// For pages.
    pub page: Option<PageOutcome>,
}

impl Gate {
    /// A gate for one run.
    #[must_use]
    pub fn new(policy: Arc<Policy>, store: Arc<dyn Store>, context: RunContext, clock: Arc<dyn Clock>) -> Self {
        Self { policy, store, context, clock, held: Holding::default(), delivered: None, memory: Mutex::default() }
    }

    /// The gate with a place for records that are held back.
    #[must_use]
    pub fn holding(self, held: Holding) -> Self {
        Self { held, ..self }
    }

    /// The gate of a flow that remembers under whose consent it delivered what.
    #[must_use]
    pub fn remembering(self, delivered: Option<Delivered>) -> Self {
        Self { delivered, ..self }
    }

    /// Asks whether what the run rests on still holds: for effects that no other question precedes.
    ///
    /// # Errors
    /// E210, already in the audit log.
    pub async fn still_holds(&self, to: &StreamId, from: &StreamId) -> Result<(), Arc<Problem>> {
        let ask = Ask::Deliver { flow: &self.context.flow, from, to };
        match self.decide(&ask) {
            Verdict::Granted(grant) => {
                grant.consume();
                Ok(())
            }
            Verdict::Refused(refusal) => Err(self.denied(&to.system, refusal.problem()).await),
        }
    }

    /// Contracts are clocks: the day is asked for at every effect.
    fn decide(&self, ask: &Ask<'_>) -> Verdict {
        policy::decide(&self.policy, ask, self.occasion())
    }

    fn occasion(&self) -> Occasion<'_> {
        Occasion { flow: &self.context.flow, today: self.today(), usual_hosts: self.held.usual_hosts.as_ref() }
    }

    /// Origins to which a request of this run was let through.
    pub async fn hosts(&self) -> BTreeSet<String> {
        self.memory.lock().await.hosts.clone()
    }

    fn today(&self) -> Date {
        clock::day_by(&*self.clock, self.policy.manifest())
    }

    /// Whose run it is.
    #[must_use]
    pub fn context(&self) -> &RunContext {
        &self.context
    }

    /// Asks for one effect. Equal grants of a run share one audit entry, written before the first effect.
    ///
    /// # Errors
    /// The refusal, already in the audit log; or E216 if that could not be written.
    pub async fn clear<T: Asks>(&self, cargo: T) -> Result<Cleared<T>, Arc<Problem>> {
        let (system, footprint) = footprint(&cargo.ask());
        match self.decide(&cargo.ask()) {
            Verdict::Granted(grant) => {
                if let Some((key, draft)) = footprint {
                    self.grant_once(key, draft).await?;
                }
                if let Ask::Send { url, .. } = cargo.ask()
                    && let Some(origin) = origin_of(&url)
                {
                    self.memory.lock().await.hosts.insert(policy::shown(&origin));
                }
                grant.consume();
                Ok(Cleared(cargo))
            }
            Verdict::Refused(refusal) => Err(self.denied(&system, refusal.problem()).await),
        }
    }

    /// Records a refusal, whoever found it, under its code.
    pub async fn denied(&self, system: &str, problem: Problem) -> Arc<Problem> {
        let mut memory = self.memory.lock().await;
        memory.refusals += 1;
        if memory.refusals <= MAX_REFUSAL_ENTRIES {
            let draft = Draft { system: Some(system.to_owned()), code: Some(problem.code), ..self.context.draft(Kind::FlowDenied) };
            if let Err(error) = self.write(draft).await {
                return Arc::new(unwritable(&error));
            }
        }
        Arc::new(problem)
    }

    /// The single pass over a batch. The clearance follows when the entry is durable (see [`Pending`]); a batch of which nothing is left needs none.
    ///
    /// # Errors
    /// E218 for records without a flow, E201, E219 or E220 when the flow's rules say stop; each is in the audit log.
    pub async fn pass(&self, delivery: Delivery, plan: &FieldPlan) -> Result<(Option<Pending>, Passed), Arc<Problem>> {
        let delivery = self.clear(delivery).await?.into_inner();
        let mut passed = Passed::default();
        let mut ndjson = Vec::new();
        let scanned = match &delivery.payload {
            Payload::Lines(lines) | Payload::Keys(lines) => {
                ndjson.reserve(lines.len());
                plan.scan_lines(lines, &mut ndjson, &mut passed.report)
            }
            Payload::Page(page) => plan
                .scan_page(&page.body, &page.pointer, &page.constants, &page.observe, &mut ndjson, &mut passed.report)
                .map(|outcome| passed.page = Some(outcome)),
        };
        if let Err(stop) = scanned {
            return Err(self.denied(&delivery.from.system, stopped(&delivery, &stop)).await);
        }
        let verb = delivery.payload.verb();
        let puts = match verb {
            Verb::Write => self.hold(&delivery, plan, &mut ndjson, &mut passed.report).await?,
            // A key cannot wait for people: the record that it names did not pass either. It is counted as left out.
            Verb::Delete => Vec::new(),
        };
        if self.held.secrets.iter().any(|secret| memchr::memmem::find(&ndjson, secret).is_some()) {
            return Err(self.denied(&delivery.from.system, leaked(&delivery)).await);
        }
        let records = passed.report.accepted;
        if let Some(memory) = &self.delivered {
            match verb {
                Verb::Write => memory.remember(&*self.store, &delivery.flow, &ndjson, &passed.report.persons).await?,
                Verb::Delete => memory.forget(&*self.store, &delivery.flow, &ndjson).await?,
            }
        }
        let audit = self.intent(&delivery, &passed.report).await;
        if audit.is_empty() && puts.is_empty() {
            return Ok((None, passed));
        }
        let entries = Transaction { puts, audit };
        reach(Point::Judged);
        let durable = self.store.commit(entries, Durability::Sync);
        if records == 0 {
            return Ok((None, passed));
        }
        let checked = Checked { verb, to: delivery.to, batch: delivery.batch, ndjson, records };
        Ok((Some(Pending { checked, durable }), passed))
    }

    /// Keys of delivered records whose consent was withdrawn. The clearance follows when the entry is durable.
    ///
    /// # Errors
    /// The flow does not retract, or what it rests on no longer holds; each is in the audit log.
    pub async fn retract(&self, retraction: Retraction) -> Result<Pending, Arc<Problem>> {
        let Retraction { to, batch, ndjson, records, .. } = self.clear(retraction).await?.into_inner();
        let entry = Draft {
            batch: Some(batch),
            records: Some(u64::from(records)),
            code: Some(Code::E206),
            fields: self.context.key_fields.clone(),
            ..self.context.draft(Kind::FlowDeletes)
        };
        let durable = self.store.commit(Transaction { puts: Vec::new(), audit: vec![entry] }, Durability::Sync);
        Ok(Pending { checked: Checked { verb: Verb::Delete, to, batch, ndjson, records }, durable })
    }

    /// What is held back waits in the vault; what two people released passes after all. Answers with what is to be stored with the batch.
    async fn hold(
        &self,
        delivery: &Delivery,
        plan: &FieldPlan,
        out: &mut Vec<u8>,
        report: &mut ScanReport,
    ) -> Result<Vec<Put>, Arc<Problem>> {
        let held = std::mem::take(&mut report.held);
        let (mut puts, mut released) = (Vec::new(), Vec::new());
        for one in held {
            match self.place(delivery, &one)? {
                Placed::New(put) => puts.push(put),
                Placed::Waits => {}
                Placed::Released => {
                    released.extend_from_slice(&one.record);
                    released.push(b'\n');
                    continue;
                }
            }
            report.held.push(Held { record: Vec::new(), ..one });
        }
        if !released.is_empty() {
            let scanned = plan.scan_lines_in(Mode::Released, &released, out, report);
            if let Err(stop) = scanned {
                return Err(self.denied(&delivery.from.system, stopped(delivery, &stop)).await);
            }
        }
        let mut memory = self.memory.lock().await;
        memory.passed += u64::from(report.accepted);
        memory.held += report.held.len() as u64;
        let too_many = (memory.held >= SHARE_FROM && memory.held * 100 > memory.held + memory.passed)
            || self.held.waiting as u64 + memory.held > MAX_WAITING as u64;
        drop(memory);
        match report.held.first().filter(|_| too_many) {
            Some(first) => Err(self.denied(&delivery.from.system, too_many_held(delivery, first)).await),
            None => Ok(puts),
        }
    }

    fn place(&self, delivery: &Delivery, one: &Held) -> Result<Placed, Arc<Problem>> {
        let Some(vault) = &self.held.vault else { return Ok(Placed::Waits) };
        let id = vault.id(&delivery.flow, &one.record)?;
        let known = self.store.get(Namespace::Quarantine, id.as_bytes()).map_err(|error| Arc::new(unwritable(&error)))?;
        if let Some(known) = known {
            let entry = HeldRecord::decode(&known).map_err(|error| Arc::new(unwritable(&error)))?;
            return Ok(if quarantine::given(&id, &entry) >= quarantine::NEEDED { Placed::Released } else { Placed::Waits });
        }
        let note = Note {
            flow: &delivery.flow,
            stream: delivery.from.to_string(),
            run: &self.context.run,
            now_ms: self.clock.now_us() / 1000,
            today: self.today(),
            keep_days: self.held.keep_days,
        };
        Ok(Placed::New(vault.put(&id, &note, one)?))
    }

    /// The entries that must be durable before the records move.
    async fn intent(&self, delivery: &Delivery, report: &ScanReport) -> Vec<Draft> {
        let mut audit = Vec::new();
        if report.accepted > 0 {
            let entry = match delivery.payload.verb() {
                Verb::Write => Draft {
                    categories: self.context.categories.clone(),
                    fields: self.context.fields.clone(),
                    ..self.context.draft(Kind::FlowIntent)
                },
                Verb::Delete => Draft { fields: self.context.key_fields.clone(), ..self.context.draft(Kind::FlowDeletes) },
            };
            audit.push(Draft { batch: Some(delivery.batch), records: Some(u64::from(report.accepted)), ..entry });
        }
        let denied = self.first_seen(report).await;
        if !denied.is_empty() {
            let system = Some(delivery.from.system.to_string());
            audit.push(Draft {
                system,
                batch: Some(delivery.batch),
                code: Some(Code::E201),
                counts: denied,
                ..self.context.draft(Kind::FlowDenied)
            });
        }
        let mut denied: BTreeMap<Code, BTreeMap<String, u64>> = BTreeMap::new();
        let mut count = |code: Code, what: String, count: u64| *denied.entry(code).or_default().entry(what).or_default() += count;
        for (code, records) in &report.rejected {
            count(*code, "records".to_owned(), u64::from(*records));
        }
        for (reason, records) in &report.skipped {
            if let Some(code) = reason.code() {
                count(code, reason.name().to_owned(), u64::from(*records));
            }
        }
        for held in &report.held {
            count(held.code, held.place(), 1);
        }
        for (place, values) in report.hints() {
            count(Code::E203, place, values);
        }
        let entry =
            |(code, counts)| Draft { batch: Some(delivery.batch), code: Some(code), counts, ..self.context.draft(Kind::FlowDenied) };
        audit.extend(denied.into_iter().map(entry));
        audit
    }

    /// Undeclared paths that this run meets for the first time; their sums stand in the run's result.
    async fn first_seen(&self, report: &ScanReport) -> BTreeMap<String, u64> {
        if report.undeclared.is_empty() {
            return BTreeMap::new();
        }
        let mut memory = self.memory.lock().await;
        report
            .undeclared
            .iter()
            .filter(|(path, _)| memory.seen_undeclared.insert((*path).clone()))
            .map(|(path, count)| (path.clone(), *count))
            .collect()
    }

    async fn grant_once(&self, key: String, draft: Box<dyn FnOnce(&RunContext) -> Draft + Send>) -> Result<(), Arc<Problem>> {
        // The lock is held over the write, so that a second caller cannot act before the entry of the first is durable.
        let mut memory = self.memory.lock().await;
        if memory.granted.contains(&key) {
            return Ok(());
        }
        self.write(draft(&self.context)).await.map_err(|error| Arc::new(unwritable(&error)))?;
        memory.granted.insert(key);
        Ok(())
    }

    async fn write(&self, draft: Draft) -> Result<u64, StoreError> {
        self.store.commit(Transaction { puts: Vec::new(), audit: vec![draft] }, Durability::Sync).await
    }
}

/// The key under which equal grants are one, and the entry that the first of them writes.
type Footprint = Option<(String, Box<dyn FnOnce(&RunContext) -> Draft + Send>)>;

fn footprint(ask: &Ask<'_>) -> (String, Footprint) {
    let entry = |system: &str, kind: Kind, detail: String| -> Footprint {
        let (system, key) = (system.to_owned(), format!("{system} {detail}"));
        Some((key, Box::new(move |context| Draft { system: Some(system), detail: Some(detail), ..context.draft(kind) })))
    };
    match ask {
        Ask::Deliver { from, .. } | Ask::Delete { from, .. } => (from.system.to_string(), None),
        Ask::Consult { stream, .. } => (stream.system.to_string(), entry(&stream.system, Kind::StreamConsulted, stream.to_string())),
        Ask::Connect { system, .. } | Ask::Link { system, .. } => ((*system).to_owned(), None),
        Ask::ReadBody { system } => ((*system).to_owned(), entry(system, Kind::EgressGranted, "read-body".to_owned())),
        Ask::Send { system, url, credential } => {
            let origin = origin_of(url).map_or_else(String::new, |origin| format!("{}://{}:{}", origin.scheme, origin.host, origin.port));
            let detail = credential.map_or_else(|| origin.clone(), |name| format!("{origin} with credential {name}"));
            ((*system).to_owned(), entry(system, Kind::EgressGranted, detail))
        }
        Ask::OpenFile { system, folder, access } => {
            let verb = if *access == FolderAccess::Read { "read" } else { "write" };
            ((*system).to_owned(), entry(system, Kind::FileGranted, format!("{verb} folder {folder}")))
        }
        Ask::Statement { system, database, uses } => {
            let uses: Vec<String> = uses.iter().map(|(table, verb)| format!("{verb} {table}")).collect();
            ((*system).to_owned(), entry(system, Kind::EgressGranted, format!("database {database}: {}", uses.join(", "))))
        }
    }
}

/// What becomes of a record that is held back.
enum Placed {
    New(Put),
    Waits,
    Released,
}

/// From how many held records on their share of all records counts.
const SHARE_FROM: u64 = 100;

fn too_many_held(delivery: &Delivery, first: &Held) -> Problem {
    let what = first.detector.map_or("undeclared fields".to_owned(), |detector| format!("values that look like `{}`", detector.name()));
    let title = format!(
        "flow `{}`, batch {}: more than one record in a hundred is held back for {what} in `{}`",
        delivery.flow, delivery.batch, first.path
    );
    Problem::new(
        first.code,
        title,
        "that is no exception: correct the category of the field, or say what it may hold in `may_hold` of its stream",
    )
}

fn leaked(delivery: &Delivery) -> Problem {
    let title = format!("flow `{}`, batch {}: a record holds one of the secrets that hub itself uses", delivery.flow, delivery.batch);
    Problem::new(Code::E404, title, "replace the secret, then see who wrote it there: the server, its log, or the connector")
}

fn stopped(delivery: &Delivery, stop: &Stop) -> Problem {
    let place = stop.path.as_ref().map_or_else(String::new, |path| format!(", field `{path}`"));
    let message = match (delivery.payload.verb(), stop.code) {
        (Verb::Delete, Code::E201) => "it stands beside the key of a deleted record and is no part of it",
        _ => &stop.message,
    };
    let noun = if delivery.payload.verb() == Verb::Write { "record" } else { "key of a deleted record" };
    let what = format!("flow `{}`, batch {}, {noun} {}{place}: {message}", delivery.flow, delivery.batch, stop.record + 1);
    let help = match stop.code {
        _ if delivery.payload.verb() == Verb::Delete => {
            "tell the author of the connector: a key holds the stream's primary key and nothing else"
        }
        Code::E201 => "declare the field in the stream, or set `on_undeclared = \"drop\"` in the flow",
        _ => "correct the record at its source or the stream's schema, or set `on_invalid = \"skip\"` in the flow",
    };
    Problem::new(stop.code, what, help)
}

fn unwritable(error: &StoreError) -> Problem {
    Problem::new(Code::E216, format!("the audit log cannot be written: {error}"), "free disk space or mend the store; no log, no flow")
}
