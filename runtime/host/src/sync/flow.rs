//! One run of one flow: the spine. Source and destination are two guests in two stores, joined by a bounded channel.
//!
//! Knows neither WIT nor sockets. Invariant: a run that did not reach its end leaves `open_run` in the progress, and the next run recovers from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub_core::audit::{Draft, Kind, Outcome};
use hub_core::gate::FieldPlan;
use hub_core::manifest::{Action, Flow, OnWithdrawal, WriteMode};
use hub_core::policy::{Deletes, FlowRule, Means};
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, StreamId};
use hub_core::stream::{Node, StreamShape, ValueKind};
use tokio::sync::{Mutex, mpsc};

use super::consult::{self, Answers};
use super::inlet::{FlowInlet, Message, Totals};
use super::outlet::{Outlet, database_problem, plugin_problem};
use super::{Host, Meter, Options, Summary, capability, held, initial_state, secrets, volume};
use crate::capability::files::FilesState;
use crate::capability::sql::Databases;
use crate::clock;
use crate::crash::{Point, reach};
use crate::delivered::{self, Delivered};
use crate::gate::{Gate, Holding, RunContext};
use crate::keys;
use crate::plugin::abi::{self, OpenSink, Setup};
use crate::plugin::{PluginError, ReadRequest, Source, TargetField, WriteTarget};
use crate::quarantine::{self, Vault};
use crate::store::format::{Progress, RunOutcome, RunRecord};
use crate::store::{Durability, Namespace, Put, StoreError, Transaction};

/// Batches that the source may be ahead of the destination.
const AHEAD: usize = 2;
const DAY_US: u64 = 86_400_000_000;
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

/// E217: the cursor would keep a person's data in the state of hub, whose key lies beside it.
fn personal_cursor(host: &Host, flow: &Flow, rule: &FlowRule) -> Result<(), Arc<Problem>> {
    if keys::has_master() {
        return Ok(());
    }
    let Some(path) = &rule.cursor else { return Ok(()) };
    let Some(Node::Leaf(leaf)) = rule.shape.at(path) else { return Ok(()) };
    let Some(category) = leaf.category.as_ref().filter(|category| host.policy.is_personal(category)) else { return Ok(()) };
    let title = format!(
        "flow `{}` advances by the field `{path}`, which is personal (`{category}`): its state would keep a value of it",
        flow.id.value
    );
    let help = format!(
        "name another field in `[stream.{}]`: `cursor = \"updated_at\"`; or keep the key of the state elsewhere: set `{}`",
        flow.from.value,
        keys::MASTER_KEY_FILE
    );
    Err(Arc::new(Problem::new(Code::E217, title, help).at(flow.from.span, "read from here")))
}

/// Ids of the systems that a run of a flow uses: source, destination, and those of ledgers and lookups.
pub(super) fn systems<'a>(flow: &'a Flow, rule: &'a FlowRule) -> impl Iterator<Item = &'a str> {
    let consulted = rule.consulted.iter().map(|consulted| &*consulted.stream.system);
    [&*flow.from.value.system, &*flow.to.value.system].into_iter().chain(consulted)
}

/// Where the manifest lets the systems of a flow go.
fn granted_hosts(host: &Host, flow: &Flow, rule: &FlowRule) -> std::collections::BTreeSet<String> {
    let declared = systems(flow, rule).filter_map(|id| host.policy.manifest().systems.get(id));
    declared.flat_map(|system| system.hosts.iter().map(|origin| hub_core::policy::shown(&origin.value))).collect()
}

/// E213: somebody has to look first.
fn paused(id: &str, progress: &Progress) -> Result<(), Arc<Problem>> {
    let Some(run) = &progress.paused else { return Ok(()) };
    let title =
        format!("flow `{id}` is paused since run {run}: it read far more records than before, or asked for a host that it had never used");
    Err(Arc::new(Problem::new(Code::E213, title, format!("find out why, then `hub resume` with the manifest and `{id}`"))))
}

/// A run under way.
struct Run<'a> {
    host: &'a Host,
    flow: &'a Flow,
    rule: &'a FlowRule,
    options: Options,
    gate: Arc<Gate>,
    /// Held records that two people released: they go first. None in a flow that replaces, which meets them again where they stand in the source.
    released: Vec<(String, Vec<u8>)>,
    meter: Arc<Meter>,
    progress: Progress,
    record: RunRecord,
    started: Instant,
    /// The last run of this flow did not reach its end.
    recovering: bool,
    /// That run announced a commit, and it has happened: the log does not have it yet.
    settled: Option<Draft>,
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
        personal_cursor(host, flow, rule)?;
        for system in systems(flow, rule) {
            capability::activate(host, system).await?;
        }
        let run = meter.run().to_string();
        let stored = host.store.get(Namespace::Progress, id.as_bytes()).map_err(|error| store_problem(&error))?;
        let progress =
            stored.map_or_else(|| Ok(Progress::default()), |bytes| Progress::decode(&bytes)).map_err(|error| store_problem(&error))?;
        paused(id, &progress)?;
        let vault = (!options.dry_run).then(|| Arc::new(Vault::new(&host.config.data)));
        let waiting = match &vault {
            Some(vault) => held::of_flow(host, vault, flow).await?,
            None => held::Waiting::default(),
        };
        let progress = initial_state::begin(host.policy.manifest(), flow, progress)?;
        let context = context(host, flow, rule, &run);
        let manifest = host.policy.manifest();
        let holding = Holding {
            vault,
            waiting: waiting.count,
            keep_days: held::keep_days(manifest),
            secrets: [&flow.from.value.system, &flow.to.value.system]
                .into_iter()
                .flat_map(|system| secrets::in_use(manifest, system))
                .collect(),
            usual_hosts: (!options.dry_run)
                .then(|| volume::usual_hosts(progress.hosts.as_ref(), &granted_hosts(host, flow, rule)))
                .flatten(),
        };
        let asked = flow.consent.as_ref().is_some_and(|gate| gate.on_withdrawal == OnWithdrawal::Retract);
        if !asked && !options.dry_run {
            delivered::erase(&*host.store, id).await?;
        }
        let remembers = rule.retracts && !options.dry_run;
        let plan = remembers.then(|| host.policy.arrived_key_plan(id)).transpose()?;
        let memory = plan.map(|plan| Delivered::new(&keys::kept_in(&host.config.data), plan)).transpose()?;
        let gate = Gate::new(host.policy.clone(), host.store.clone(), context, host.clock.clone()).holding(holding).remembering(memory);
        let record = RunRecord { id: run, flow: id.to_owned(), started_ms: crate::clock::now_ms(), ..RunRecord::default() };
        Ok(Self {
            host,
            flow,
            rule,
            options,
            gate: Arc::new(gate),
            released: waiting.released,
            meter,
            recovering: progress.open_run.is_some(),
            progress,
            settled: None,
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
        reach(Point::Begin);
        let mut audit = Vec::new();
        if let Some(earlier) = &self.progress.open_run {
            audit.push(Draft { detail: Some(format!("run {earlier} did not end")), ..self.gate.context().draft(Kind::HubRecovered) });
        }
        let puts = vec![self.record_put()];
        self.host.store.commit(Transaction { puts, audit }, Durability::Sync).await.map_err(|error| store_problem(&error))?;
        reach(Point::Recorded);
        Ok(())
    }

    async fn transfer(&mut self) -> Result<(Totals, Outlet), Broken> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let started = async {
            let answers = self.answers().await?;
            let inlet = self.inlet(sender, answers)?;
            let sink = self.open_sink().await?;
            self.settle(sink.as_ref().map(|open| open.databases.clone())).await?;
            Ok((inlet, self.outlet(sink)))
        }
        .await;
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
        let complete = match (drained, read) {
            (Err(problem), _) => Err(problem),
            (Ok(()), Ok(())) if !self.is_interrupted() => outlet.finish().await,
            // A run that was asked to end has read a part: a replacement made of it must not take the old one's place.
            (Ok(()), read) => outlet.catch_up().await.and(read),
        };
        match complete {
            Ok(()) => Ok((totals, outlet)),
            Err(problem) => Err(Broken { totals, outlet: Some(outlet), problem }),
        }
    }

    /// What the flow's other streams say.
    async fn answers(&self) -> Result<Answers, Arc<Problem>> {
        let setup = |stream: &StreamId, shape: &StreamShape| self.setup_to_read(stream, shape);
        consult::read(self.host.policy.manifest(), self.flow, self.rule, &self.gate, &setup).await
    }

    /// What a connector needs to read a stream; the records of a low-code stream enter the sandbox only where they must.
    fn setup_to_read(&self, stream: &StreamId, shape: &StreamShape) -> Result<Setup, Arc<Problem>> {
        let (package, declared) = self.system(&stream.system)?;
        let open_records = package.low_code.as_ref().is_some_and(|read| !read.obstacles(&stream.stream, shape).is_empty());
        Ok(Setup { open_records, ..self.setup(package, declared) })
    }

    fn inlet(&self, sender: mpsc::Sender<Message>, answers: Answers) -> Result<Arc<FlowInlet>, Arc<Problem>> {
        let manifest = self.host.policy.manifest();
        let seed = secrets::seed()?;
        let key = |domain: &str| secrets::domain_key(manifest, domain);
        let now_us = self.host.clock.now_us();
        let max_age = self.flow.consent.as_ref().and_then(|gate| gate.max_age.as_ref());
        let withdrawn = match answers.consents.as_ref().filter(|_| self.rule.retracts) {
            Some(consents) => {
                delivered::withdrawn(&*self.host.store, &self.flow.id.value, consents).map_err(|error| store_problem(&error))?
            }
            None => Vec::new(),
        };
        let means = Means {
            key: &key,
            seed: &seed,
            consents: answers.consents,
            today: clock::day_by(&*self.host.clock, manifest),
            index: &|via| answers.indexes.get(via).cloned(),
        };
        let plan = self.host.policy.plan(&self.flow.id.value, &means)?;
        let deletes = self.rule.deletes;
        let keys = (deletes == Deletes::Applied).then(|| self.host.policy.key_plan(&self.flow.id.value, &means)).transpose()?;
        Ok(Arc::new(FlowInlet {
            gate: self.gate.clone(),
            plan,
            keys,
            deletes,
            withdrawn,
            flow: self.flow.id.value.as_str().into(),
            from: self.flow.from.value.clone(),
            to: self.flow.to.value.clone(),
            batches: AtomicU64::new(0),
            sender: Mutex::new(Some(sender)),
            totals: Mutex::default(),
            meter: self.meter.clone(),
            limit: self.options.limit,
            most: if self.options.dry_run { None } else { volume::most(&self.progress.volumes) },
            stale_after: max_age.map(|age| now_us.saturating_add(age.value.approximate_days().saturating_mul(DAY_US))),
            clock: self.host.clock.clone(),
            cancelled: self.cancelled.clone(),
        }))
    }

    fn outlet(&self, sink: Option<OpenSink>) -> Outlet {
        Outlet {
            gate: self.gate.clone(),
            from: self.flow.from.value.clone(),
            store: self.host.store.clone(),
            clock: self.host.clock.clone(),
            sink,
            progress: self.progress.clone(),
            reached: self.progress.cursor.clone(),
            waits_until: None,
            is_ahead: false,
            committed: Instant::now(),
            on_invalid: self.flow.on_invalid,
            meter: self.meter.clone(),
            since: 0,
            written: 0,
            deleted: 0,
            retracted: 0,
            refused: 0,
        }
    }

    /// A commit that was announced by an earlier run has happened if the database holds its word: then its records are there, and the flow stands behind them.
    async fn settle(&mut self, databases: Option<Arc<Databases>>) -> Result<(), Arc<Problem>> {
        let (Some(databases), Some(pending)) = (databases, self.progress.pending.take()) else { return Ok(()) };
        let (flow, system) = (&self.flow.id.value, &self.flow.to.value.system);
        if !databases.is_in_use().await {
            let title = format!(
                "flow `{flow}`: whether the last commit of system `{system}` has happened cannot be known: its connector opened no database"
            );
            return Err(Arc::new(Problem::new(Code::E322, title, "give the system the database and the connector that it had")));
        }
        let applied = databases.applied(flow).await;
        if applied.map_err(|failure| Arc::new(database_problem(flow, system, &failure)))?.as_deref() == Some(&*pending.token) {
            self.progress.cursor = pending.cursor;
            let earlier = self.progress.open_run.as_deref().unwrap_or("before");
            let detail = Some(format!("the commit of run {earlier} had happened"));
            self.settled = Some(Draft { detail, ..self.gate.context().draft(Kind::FlowCheckpoint) });
        }
        Ok(())
    }

    /// None in a dry run.
    async fn open_sink(&self) -> Result<Option<OpenSink>, Arc<Problem>> {
        if self.options.dry_run {
            return Ok(None);
        }
        let system = &self.flow.to.value.system;
        let (package, declared) = self.system(system)?;
        let cut_to = if self.recovering { self.progress.positions.clone() } else { std::collections::BTreeMap::new() };
        let mut open = abi::open_sink(self.setup(package, declared), cut_to).await?;
        open.sink.open(vec![self.target()]).await.map_err(|error| Arc::new(plugin_problem(&self.flow.id.value, system, &error)))?;
        Ok(Some(open))
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
            let title = format!("the connector of system `{id}` is in a registry and not installed");
            let help = format!("install it: `hub plugin install {}`", declared.connector.value);
            Arc::new(Problem::new(Code::E007, title, help).at(declared.connector.span, "not installed"))
        };
        Ok((self.host.packages.get(id).cloned().ok_or_else(missing)?, declared))
    }

    fn target(&self) -> WriteTarget {
        let mut fields: Vec<TargetField> = Vec::new();
        for field in &self.rule.fields {
            let mut parts = field.to.parts();
            let top = parts.next().unwrap_or_default();
            // What is treated is a text or nothing, whatever it was.
            let kind = match (parts.next(), &field.action, self.rule.shape.at(&field.path)) {
                (Some(_), ..) => ValueKind::Json,
                (None, Action::Allow, Some(node)) => node.kind(),
                (None, Action::Constant(value), _) => of_constant(value),
                (None, ..) => ValueKind::Text,
            };
            let about = format!("{}, for {}", field.resulting, self.flow.purpose.value);
            match fields.iter_mut().find(|known| known.name == top) {
                Some(known) => known.kind = ValueKind::Json,
                None => fields.push(TargetField { name: top.to_owned(), kind, about }),
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
        if let Some(open) = &outlet.sink {
            self.progress.positions = open.positions.committed();
        }
        // Every checkpoint repeats the mark: only the end of the run takes it away.
        outlet.progress = self.progress.clone();
        let transaction = Transaction { puts: vec![self.progress_put()], audit: self.settled.take().into_iter().collect() };
        self.host.store.commit(transaction, Durability::Sync).await.map_err(|error| store_problem(&error))?;
        reach(Point::Opened);
        Ok(())
    }

    async fn read(&self, inlet: &Arc<FlowInlet>) -> Result<(), Arc<Problem>> {
        let ahead = async {
            inlet.retract().await?;
            inlet.redeliver(&self.released).await
        };
        let read = match ahead.await {
            Ok(()) => self.read_to_the_end(inlet).await,
            Err(refused) => Err(refused.0),
        };
        inlet.close().await;
        read
    }

    async fn read_to_the_end(&self, inlet: &Arc<FlowInlet>) -> Result<(), Arc<Problem>> {
        let setup = self.setup_to_read(&self.flow.from.value, &self.rule.shape)?;
        let mut source = abi::open_source(setup, inlet.clone()).await?;
        match self.watched(&mut *source, self.request(&inlet.plan)).await {
            Ok(_) => Ok(()),
            // A guest that ends early because it was asked to has done nothing wrong.
            Err(error) if error.is_cancelled() && self.cancelled.load(Ordering::Relaxed) => Ok(()),
            Err(error) => Err(Arc::new(plugin_problem(&self.flow.id.value, &self.flow.from.value.system, &error))),
        }
    }

    /// Reads, and ends a guest that does not end by itself after it was asked to.
    async fn watched(&self, source: &mut dyn Source, request: ReadRequest) -> Result<u64, PluginError> {
        let ended = async {
            while !self.asked_to_end() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            self.cancelled.store(true, Ordering::Relaxed);
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            read = source.read(vec![request]) => read,
            () = ended => Err(PluginError {
                code: Code::E302,
                connector: self.flow.from.value.system.to_string(),
                kind: None,
                message: format!("did not end within {} s after it was asked to", GRACE.as_secs()),
                frame: None,
                retry_after_ms: None,
                refusal: None,
            }),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.host.stopping.load(Ordering::Relaxed)
    }

    fn asked_to_end(&self) -> bool {
        self.host.stopping.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed)
    }

    /// What the source is asked for: what passes, and what the gate needs besides to judge a record.
    fn request(&self, plan: &FieldPlan) -> ReadRequest {
        let full_refresh = self.flow.mode.value == WriteMode::Replace;
        let state = if full_refresh { None } else { self.progress.cursor.as_deref().and_then(Cursor::new) };
        let mut fields: Vec<_> = self.rule.fields.iter().map(|field| field.path.clone()).collect();
        let needed: Vec<_> = plan.needed().filter(|path| !fields.contains(path)).cloned().collect();
        fields.extend(needed);
        ReadRequest {
            flow: self.flow.id.value.as_str().into(),
            stream: self.flow.from.value.clone(),
            fields,
            state,
            full_refresh,
            limit: self.options.limit,
        }
    }

    /// What was counted.
    fn summary(&self, totals: Totals, outlet: Option<&Outlet>) -> Summary {
        Summary {
            run: self.record.id.clone(),
            flow: self.flow.id.value.clone(),
            read: totals.read(),
            written: outlet.map_or(0, |outlet| outlet.written),
            rejected: totals.rejected + outlet.map_or(0, |outlet| outlet.refused),
            undeclared: totals.undeclared,
            skipped: totals.skipped.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
            held: totals.held,
            suspected: totals.suspected,
            deleted: outlet.map_or(0, |outlet| outlet.deleted),
            retracted: outlet.map_or(0, |outlet| outlet.retracted),
            deletes_ignored: totals.deletes_ignored,
            millis: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Summary::default()
        }
    }

    /// Progress, record and audit entry of the end, all or nothing.
    async fn end(mut self, outcome: Result<(Totals, Outlet), Broken>) -> Result<Summary, Arc<Problem>> {
        let interrupted = self.is_interrupted();
        let (totals, outlet, problem) = match outcome {
            Ok((totals, outlet)) => (totals, Some(outlet), None),
            Err(Broken { totals, outlet, problem }) => (totals, outlet, Some(problem)),
        };
        let summary = Summary { problem, interrupted, ..self.summary(totals, outlet.as_ref()) };
        if self.options.dry_run {
            return Ok(summary);
        }
        match (&summary.problem, outlet) {
            (None, Some(outlet)) if interrupted => {
                self.progress = Progress { open_run: None, ..outlet.progress.clone() };
                self.take_back(outlet);
            }
            (None, Some(outlet)) => {
                self.progress = Progress { open_run: None, ..outlet.progress };
                volume::learn(&mut self.progress.volumes, summary.read);
                let granted = granted_hosts(self.host, self.flow, self.rule);
                volume::learn_hosts(&mut self.progress.hosts, granted, self.gate.hosts().await);
            }
            (Some(problem), Some(outlet)) => {
                self.progress = outlet.progress.clone();
                self.progress.paused = (problem.code == Code::E213).then(|| self.record.id.clone());
                self.take_back(outlet);
            }
            (_, None) => {}
        }
        self.close_record(&summary);
        let mut puts = vec![self.record_put()];
        let mut audit = Vec::new();
        if self.progress.paused.is_some() {
            audit.push(Draft { code: Some(Code::E213), ..self.gate.context().draft(Kind::FlowPaused) });
        }
        if summary.problem.is_none() || self.progress.paused.is_some() {
            puts.push(self.progress_put());
        }
        if summary.problem.is_none() && !summary.interrupted {
            self.let_go(&mut puts, &mut audit);
        }
        audit.push(self.last_entry(&summary));
        let transaction = Transaction { puts, audit };
        self.host.store.commit(transaction, Durability::Sync).await.map_err(|error| store_problem(&error))?;
        reach(Point::Ended);
        Ok(summary)
    }

    /// Released records have arrived: nothing of them stays.
    fn let_go(&self, puts: &mut Vec<Put>, audit: &mut Vec<Draft>) {
        if self.released.is_empty() {
            return;
        }
        puts.extend(self.released.iter().map(|(id, _)| quarantine::write(id, None)));
        let records = Some(self.released.len() as u64);
        audit.push(Draft { records, ..self.gate.context().draft(Kind::QuarantineReleased) });
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
        self.record.skipped = summary.skipped.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        self.record.held = summary.held;
        self.record.deleted = summary.deleted;
        self.record.retracted = summary.retracted;
        self.record.deletes_ignored = summary.deletes_ignored;
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

fn of_constant(value: &serde_json::Value) -> ValueKind {
    match value {
        serde_json::Value::Bool(_) => ValueKind::Boolean,
        serde_json::Value::Number(number) if number.is_i64() => ValueKind::Integer,
        serde_json::Value::Number(_) => ValueKind::Number,
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => ValueKind::Json,
        serde_json::Value::String(_) | serde_json::Value::Null => ValueKind::Text,
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
        key_fields: rule.fields.iter().filter(|field| rule.primary_key.contains(&field.path)).map(|field| field.to.to_string()).collect(),
        manifest_digest: manifest.digest.clone(),
        component_digest: host.packages.get(&*flow.from.value.system).map_or_else(String::new, |package| package.digest.clone()),
    }
}

pub(super) fn store_problem(error: &StoreError) -> Problem {
    let why = match error {
        StoreError::Io { source, .. } => format!(": {source}"),
        _ => String::new(),
    };
    Problem::new(Code::E216, format!("the store did not answer: {error}{why}"), "free disk space or mend the store; no log, no flow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_refuses_says_why() {
        let source = std::io::Error::new(std::io::ErrorKind::StorageFull, "3 MB are free");
        let told = store_problem(&StoreError::Io { doing: "trusted with a new run", source }).title;
        assert_eq!(told, "the store did not answer: the store cannot be trusted with a new run: 3 MB are free");
    }
}
