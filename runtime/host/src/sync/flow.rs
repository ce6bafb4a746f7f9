//! One run of one flow: the spine. Source and destination are two guests in two stores, joined by a bounded channel.
//!
//! Knows neither WIT nor sockets. Invariant: a run that did not reach its end leaves `open_run` in the progress, and the next run recovers from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub_core::audit::{Draft, Kind, Outcome};
use hub_core::manifest::{Flow, WriteMode};
use hub_core::policy::{FlowRule, Means};
use hub_core::problem::{Code, Problem};
use hub_core::record::Cursor;
use tokio::sync::{Mutex, mpsc};

use super::inlet::{FlowInlet, Message, Totals};
use super::outlet::{Outlet, plugin_problem};
use super::{Host, Meter, Options, Summary, capability, initial_state, secrets};
use crate::capability::files::FilesState;
use crate::gate::{Gate, RunContext};
use crate::plugin::abi::{self, Setup};
use crate::plugin::{PluginError, ReadRequest, Source, WriteTarget};
use crate::store::format::{Progress, RunOutcome, RunRecord};
use crate::store::{Durability, Namespace, Put, StoreError, Transaction};

/// Batches that the source may be ahead of the destination.
const AHEAD: usize = 2;
/// How long a guest may go on after it was asked to end.
const GRACE: Duration = Duration::from_secs(30);

/// Runs a flow to its end. Every way out leaves a run record and an audit entry, so the summary tells failures too.
///
/// # Errors
/// Only what prevents a run from beginning: unknown flow, keys, drift, store.
pub async fn run_flow(host: &Host, id: &str, options: Options, meter: Arc<Meter>) -> Result<Summary, Arc<Problem>> {
    let mut run = Run::prepare(host, id, options, meter).await?;
    run.begin().await?;
    let outcome = run.transfer().await;
    run.end(outcome).await
}

/// E313: what the manifest wants of a run and no run can do yet. Running without it would deliver what nobody declared.
fn not_yet(flow: &Flow) -> Result<(), Arc<Problem>> {
    let id = &flow.id.value;
    let wanted = [
        (flow.consent.as_ref().map(|gate| gate.span), "asks a ledger who consented", "deliver on another basis, or remove the flow"),
        (flow.filter.as_ref().map(|filter| filter.span), "has a `filter`", "let the source select the records, and remove `filter`"),
    ];
    for (span, what, help) in wanted {
        if let Some(span) = span {
            let problem = Problem::new(Code::E313, format!("flow `{id}` {what}, which no run can do yet"), help);
            return Err(Arc::new(problem.at(span, "wanted here")));
        }
    }
    Ok(())
}

/// A run under way.
struct Run<'a> {
    host: &'a Host,
    flow: &'a Flow,
    rule: &'a FlowRule,
    options: Options,
    gate: Arc<Gate>,
    meter: Arc<Meter>,
    progress: Progress,
    record: RunRecord,
    started: Instant,
    /// The last run of this flow did not reach its end.
    recovering: bool,
    cancelled: Arc<AtomicBool>,
}

/// What is left of a run that did not reach its end.
struct Broken {
    totals: Totals,
    outlet: Option<Outlet>,
    problem: Arc<Problem>,
}

impl Broken {
    fn at_start(problem: Arc<Problem>) -> Self {
        Self { totals: Totals::default(), outlet: None, problem }
    }
}

impl<'a> Run<'a> {
    async fn prepare(host: &'a Host, id: &str, options: Options, meter: Arc<Meter>) -> Result<Self, Arc<Problem>> {
        let Some((flow, rule)) = host.policy.flow(id) else {
            let help = format!("declared flows: {}", host.policy.manifest().flows.keys().cloned().collect::<Vec<_>>().join(", "));
            return Err(Arc::new(Problem::new(Code::E103, format!("flow `{id}` is not declared"), help)));
        };
        not_yet(flow)?;
        for system in [&flow.from.value.system, &flow.to.value.system] {
            capability::activate(host, system).await?;
        }
        let run = ulid::Ulid::from_datetime(std::time::UNIX_EPOCH + Duration::from_millis(crate::clock::now_ms())).to_string();
        let stored = host.store.get(Namespace::Progress, id.as_bytes()).map_err(|error| store_problem(&error))?;
        let progress =
            stored.map_or_else(|| Ok(Progress::default()), |bytes| Progress::decode(&bytes)).map_err(|error| store_problem(&error))?;
        let progress = initial_state::begin(host.policy.manifest(), flow, progress)?;
        let context = context(host, flow, rule, &run);
        let record = RunRecord { id: run, flow: id.to_owned(), started_ms: crate::clock::now_ms(), ..RunRecord::default() };
        Ok(Self {
            host,
            flow,
            rule,
            options,
            gate: Arc::new(Gate::new(host.policy.clone(), host.store.clone(), context, host.clock.clone())),
            meter,
            recovering: progress.open_run.is_some(),
            progress,
            record,
            started: Instant::now(),
            cancelled: Arc::new(AtomicBool::new(false)),
        })
    }

    /// The run is on record before anything happens.
    async fn begin(&mut self) -> Result<(), Arc<Problem>> {
        if self.options.dry_run {
            return Ok(());
        }
        self.host.store.free_space_ok().map_err(|error| store_problem(&error))?;
        let mut audit = Vec::new();
        if let Some(earlier) = &self.progress.open_run {
            audit.push(Draft { detail: Some(format!("run {earlier} did not end")), ..self.gate.context().draft(Kind::HubRecovered) });
        }
        let puts = vec![self.record_put()];
        self.host.store.commit(Transaction { puts, audit }, Durability::Sync).await.map(drop).map_err(|error| store_problem(&error).into())
    }

    async fn transfer(&mut self) -> Result<(Totals, Outlet), Broken> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let started = async { Ok((self.inlet(sender)?, self.outlet().await?)) }.await;
        let (inlet, mut outlet) = started.map_err(|problem: Arc<Problem>| Broken::at_start(problem))?;
        self.mark_open(&mut outlet).await.map_err(Broken::at_start)?;
        let (read, drained) = tokio::join!(self.read(&inlet), async {
            let drained = outlet.drain(receiver).await;
            if drained.is_err() {
                self.cancelled.store(true, Ordering::Relaxed);
            }
            drained
        });
        let totals = inlet.totals.lock().await.clone();
        let complete = match drained.and(read) {
            // A run that was asked to end has read a part: a replacement made of it must not take the old one's place.
            Ok(()) if self.is_interrupted() => Ok(()),
            Ok(()) => outlet.finish().await,
            Err(problem) => Err(problem),
        };
        match complete {
            Ok(()) => Ok((totals, outlet)),
            Err(problem) => Err(Broken { totals, outlet: Some(outlet), problem }),
        }
    }

    fn inlet(&self, sender: mpsc::Sender<Message>) -> Result<Arc<FlowInlet>, Arc<Problem>> {
        let manifest = self.host.policy.manifest();
        let seed = secrets::seed()?;
        let key = |domain: &str| secrets::domain_key(manifest, domain);
        // No index is made yet, so a flow that looks values up ends here (E313).
        let plan = self.host.policy.plan(&self.flow.id.value, &Means { key: &key, seed: &seed, index: &|_| None })?;
        Ok(Arc::new(FlowInlet {
            gate: self.gate.clone(),
            plan,
            flow: self.flow.id.value.as_str().into(),
            from: self.flow.from.value.clone(),
            to: self.flow.to.value.clone(),
            batches: AtomicU64::new(0),
            sender: Mutex::new(Some(sender)),
            totals: Mutex::default(),
            meter: self.meter.clone(),
            limit: self.options.limit,
            cancelled: self.cancelled.clone(),
        }))
    }

    async fn outlet(&self) -> Result<Outlet, Arc<Problem>> {
        let sink = if self.options.dry_run { None } else { Some(self.open_sink().await?) };
        Ok(Outlet {
            gate: self.gate.clone(),
            from: self.flow.from.value.clone(),
            store: self.host.store.clone(),
            sink,
            progress: self.progress.clone(),
            on_invalid: self.flow.on_invalid,
            meter: self.meter.clone(),
            since: 0,
            written: 0,
            refused: 0,
        })
    }

    async fn open_sink(&self) -> Result<(Box<dyn crate::plugin::Sink>, crate::capability::files::Positions), Arc<Problem>> {
        let system = &self.flow.to.value.system;
        let (package, declared) = self.system(system)?;
        let cut_to = if self.recovering { self.progress.positions.clone() } else { std::collections::BTreeMap::new() };
        let (mut sink, positions) = abi::open_sink(self.setup(package, declared), cut_to).await?;
        sink.open(vec![self.target()]).await.map_err(|error| Arc::new(plugin_problem(&self.flow.id.value, &error)))?;
        Ok((sink, positions))
    }

    fn setup(&self, package: Arc<crate::plugin::package::Package>, system: &hub_core::manifest::System) -> Setup {
        Setup {
            package,
            workshop: self.host.workshop(),
            sources: self.host.policy.manifest().sources.clone(),
            system: system.clone(),
            gate: self.gate.clone(),
            lookup: self.host.lookup.clone(),
            clock: self.host.clock.clone(),
            cancelled: self.cancelled.clone(),
            lifetime: None,
            open_records: false,
        }
    }

    fn system(&self, id: &str) -> Result<(Arc<crate::plugin::package::Package>, &hub_core::manifest::System), Arc<Problem>> {
        let Some(declared) = self.host.policy.manifest().systems.get(id) else {
            return Err(Arc::new(Problem::new(Code::E103, format!("system `{id}` is not declared"), "declare it in the manifest")));
        };
        let missing = || {
            let title = format!("the connector of system `{id}` is in a registry");
            let help = "fetch it and name its path: registries are not read yet";
            Arc::new(Problem::new(Code::E007, title, help).at(declared.connector.span, "not read"))
        };
        Ok((self.host.packages.get(id).cloned().ok_or_else(missing)?, declared))
    }

    fn target(&self) -> WriteTarget {
        let mut fields: Vec<String> = Vec::new();
        for field in &self.rule.fields {
            let top = field.to.parts().next().unwrap_or_default();
            if !fields.iter().any(|known| known == top) {
                fields.push(top.to_owned());
            }
        }
        let arrives = |source: &hub_core::record::FieldPath| {
            self.rule.fields.iter().find(|field| field.path == *source).map(|field| field.to.clone())
        };
        let primary_key = self.rule.primary_key.iter().filter_map(arrives).collect();
        WriteTarget { stream: self.flow.to.value.clone(), mode: self.flow.mode.value, primary_key, fields }
    }

    /// From here on a crash is noticed: progress says which run was open, and up to where the files were good.
    async fn mark_open(&mut self, outlet: &mut Outlet) -> Result<(), Arc<Problem>> {
        if self.options.dry_run {
            return Ok(());
        }
        self.progress.open_run = Some(self.record.id.clone());
        if let Some((_, positions)) = &outlet.sink {
            self.progress.positions = positions.committed();
        }
        // Every checkpoint repeats the mark: only the end of the run takes it away.
        outlet.progress = self.progress.clone();
        let transaction = Transaction { puts: vec![self.progress_put()], audit: Vec::new() };
        self.host.store.commit(transaction, Durability::Sync).await.map(drop).map_err(|error| store_problem(&error).into())
    }

    async fn read(&self, inlet: &Arc<FlowInlet>) -> Result<(), Arc<Problem>> {
        let read = self.read_to_the_end(inlet).await;
        inlet.close().await;
        read
    }

    async fn read_to_the_end(&self, inlet: &Arc<FlowInlet>) -> Result<(), Arc<Problem>> {
        let (package, declared) = self.system(&self.flow.from.value.system)?;
        let open_records =
            package.low_code.as_ref().is_some_and(|read| !read.obstacles(&self.flow.from.value.stream, &self.rule.shape).is_empty());
        let setup = Setup { open_records, ..self.setup(package, declared) };
        let mut source = abi::open_source(setup, inlet.clone()).await?;
        match self.watched(&mut *source).await {
            Ok(_) => Ok(()),
            // A guest that ends early because it was asked to has done nothing wrong.
            Err(error) if error.is_cancelled() && self.cancelled.load(Ordering::Relaxed) => Ok(()),
            Err(error) => Err(Arc::new(plugin_problem(&self.flow.id.value, &error))),
        }
    }

    /// Reads, and ends a guest that does not end by itself after it was asked to.
    async fn watched(&self, source: &mut dyn Source) -> Result<u64, PluginError> {
        let ended = async {
            while !self.asked_to_end() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            self.cancelled.store(true, Ordering::Relaxed);
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            read = source.read(vec![self.request()]) => read,
            () = ended => Err(PluginError {
                code: Code::E302,
                connector: self.flow.from.value.system.to_string(),
                message: format!("did not end within {} s after it was asked to", GRACE.as_secs()),
                frame: None,
                retry_after_ms: None,
            }),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.host.stopping.load(Ordering::Relaxed)
    }

    fn asked_to_end(&self) -> bool {
        self.host.stopping.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed)
    }

    fn request(&self) -> ReadRequest {
        let full_refresh = self.flow.mode.value == WriteMode::Replace;
        let state = if full_refresh { None } else { self.progress.cursor.as_deref().and_then(Cursor::new) };
        ReadRequest {
            flow: self.flow.id.value.as_str().into(),
            stream: self.flow.from.value.clone(),
            fields: self.rule.fields.iter().map(|field| field.path.clone()).collect(),
            state,
            full_refresh,
            limit: self.options.limit,
        }
    }

    /// Progress, record and audit entry of the end, all or nothing.
    async fn end(mut self, outcome: Result<(Totals, Outlet), Broken>) -> Result<Summary, Arc<Problem>> {
        let interrupted = self.is_interrupted();
        let (totals, outlet, problem) = match outcome {
            Ok((totals, outlet)) => (totals, Some(outlet), None),
            Err(Broken { totals, outlet, problem }) => (totals, outlet, Some(problem)),
        };
        let summary = Summary {
            run: self.record.id.clone(),
            flow: self.flow.id.value.clone(),
            read: totals.accepted + totals.rejected,
            written: outlet.as_ref().map_or(0, |outlet| outlet.written),
            rejected: totals.rejected + outlet.as_ref().map_or(0, |outlet| outlet.refused),
            undeclared: totals.undeclared,
            millis: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            problem,
            interrupted,
        };
        if self.options.dry_run {
            return Ok(summary);
        }
        match (&summary.problem, outlet) {
            (None, Some(outlet)) if interrupted => {
                self.progress = Progress { open_run: None, ..outlet.progress.clone() };
                self.take_back(outlet);
            }
            (None, Some(outlet)) => self.progress = Progress { open_run: None, ..outlet.progress },
            (Some(_), Some(outlet)) => self.take_back(outlet),
            (_, None) => {}
        }
        self.close_record(&summary);
        let mut puts = vec![self.record_put()];
        if summary.problem.is_none() {
            puts.push(self.progress_put());
        }
        let transaction = Transaction { puts, audit: vec![self.last_entry(&summary)] };
        self.host.store.commit(transaction, Durability::Sync).await.map_err(|error| store_problem(&error))?;
        Ok(summary)
    }

    /// What was appended after the last checkpoint does not stay until the next run finds it.
    fn take_back(&self, outlet: Outlet) {
        let positions = outlet.progress.positions.clone();
        drop(outlet);
        let manifest = self.host.policy.manifest();
        let Some(system) = manifest.systems.get(&*self.flow.to.value.system).filter(|_| !positions.is_empty()) else { return };
        let cut = FilesState::open(&manifest.sources, system, positions).map(|files| files.cut_back());
        if !matches!(cut, Ok(Ok(()))) {
            tracing::warn!(
                flow = self.flow.id.value,
                "what was written after the last checkpoint could not be taken back; the next run does it"
            );
        }
    }

    fn close_record(&mut self, summary: &Summary) {
        self.record.ended_ms = Some(crate::clock::now_ms());
        self.record.outcome = match (&summary.problem, summary.interrupted) {
            (Some(_), _) => RunOutcome::Failed,
            (None, true) => RunOutcome::Interrupted,
            (None, false) => RunOutcome::Completed,
        };
        self.record.code = summary.problem.as_ref().map(|problem| problem.code.id().to_owned());
        self.record.read = summary.read;
        self.record.written = summary.written;
        self.record.rejected = summary.rejected;
        self.record.dropped.clone_from(&summary.undeclared);
    }

    fn last_entry(&self, summary: &Summary) -> Draft {
        let kind = if summary.problem.is_some() { Kind::FlowFailed } else { Kind::FlowResult };
        Draft {
            records: Some(summary.written),
            outcome: Some(if summary.problem.is_some() { Outcome::Failed } else { Outcome::Completed }),
            code: summary.problem.as_ref().map(|problem| problem.code),
            counts: summary.undeclared.clone(),
            ..self.gate.context().draft(kind)
        }
    }

    fn record_put(&self) -> Put {
        Put { namespace: Namespace::Runs, key: self.record.id.clone().into_bytes(), value: Some(self.record.encode()) }
    }

    fn progress_put(&self) -> Put {
        Put { namespace: Namespace::Progress, key: self.flow.id.value.clone().into_bytes(), value: Some(self.progress.encode()) }
    }
}

fn context(host: &Host, flow: &Flow, rule: &FlowRule, run: &str) -> RunContext {
    let manifest = host.policy.manifest();
    let mut categories: Vec<String> = rule.fields.iter().map(|field| field.resulting.clone()).collect();
    categories.sort();
    categories.dedup();
    RunContext {
        run: run.to_owned(),
        flow: flow.id.value.clone(),
        purpose: flow.purpose.value.clone(),
        basis: manifest.purposes.get(&flow.purpose.value).map_or_else(String::new, |purpose| format!("art6-{}", purpose.basis.value.art6)),
        recipient: flow.to.value.to_string(),
        categories,
        fields: rule.fields.iter().map(|field| field.to.as_str().to_owned()).collect(),
        manifest_digest: manifest.digest.clone(),
        component_digest: host.packages.get(&*flow.from.value.system).map_or_else(String::new, |package| package.digest.clone()),
    }
}

fn store_problem(error: &StoreError) -> Problem {
    Problem::new(Code::E216, format!("the store did not answer: {error}"), "free disk space or mend the store; no log, no flow")
}
