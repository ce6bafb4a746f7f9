//! `hub run`: judges the manifest, then runs its flows once, or on their schedules until the process is asked to end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use hub_core::audit::{Draft, Kind};
use hub_core::change::State;
use hub_core::gate::Reason;
use hub_core::problem::{Class, Code, Problem, Problems, Sources};
use serde_json::{Value, json};

use super::progress::Display;
use super::reload::{Waiting, Watched};
use super::service::ServiceManager;
use super::{Failure, Output, Place, load, lock, reload, render};
use crate::config::Config;
use crate::evidence;
use crate::history::{self, Coming};
use crate::observe;
use crate::sealed::SealedStore;
use crate::store::{self, Durability, Store, StoreError, Transaction};
use crate::sync::schedule::{Watcher, nothing_to_run, once, until_stopped};
use crate::sync::{Host, Options, Summary};
use crate::telemetry::Telemetry;

#[derive(Args, Debug)]
pub(super) struct Run {
    #[command(flatten)]
    place: Place,
    /// Only this flow; may be given several times
    #[arg(long, value_name = "ID")]
    flow: Vec<String>,
    /// One pass even if there are schedules
    #[arg(long)]
    once: bool,
    /// Read and judge everything, write and remember nothing
    #[arg(long)]
    dry_run: bool,
    /// End each flow after about so many records
    #[arg(long, value_name = "RECORDS")]
    limit: Option<u64>,
    /// How many scheduled runs there may be at once; absent = two for each core, at least four
    #[arg(long, value_name = "RUNS")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Take the manifest over when it, or a file that it names, changes; SIGHUP does so at once and without this
    #[arg(long, conflicts_with_all = ["once", "dry_run"])]
    watch: bool,
    /// Why the manifest changed since the last run, for the history of changes; absent = what the approvals say
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// Runs wait for systems most of the time: a machine with one core carries several.
const LEAST_JOBS: usize = 4;

type Outcomes = Vec<Result<Summary, Arc<Problem>>>;

impl Run {
    pub(super) fn run(&self, quiet: bool) -> Result<u8, Failure> {
        let config = self.place.config();
        let runtime = super::runtime()?;
        let loaded = match load::load(&self.place.manifest, &config) {
            Ok(loaded) => loaded,
            Err(failure) => return Err(runtime.block_on(on_record(failure, &config))),
        };
        selected(&self.flow, &loaded)?;
        if let Some(problem) = evidence::lost(&config) {
            return Err(problem.into());
        }
        let opened = open(&config)?;
        warn_of_clock(&*opened)?;
        let host = Host {
            policy: loaded.policy.clone(),
            packages: loaded.packages.clone(),
            store: opened,
            config,
            stopping: Arc::new(AtomicBool::new(false)),
            lookup: Arc::new(crate::egress::SystemLookup),
            clock: Arc::new(crate::clock::SystemClock),
        };
        // Whoever reads lines of JSON gets nothing else.
        observe::write_as(host.policy.manifest());
        let quiet = quiet || observe::is_json(host.policy.manifest());
        let display = Display::new(quiet || self.output == Output::Json);
        let done = runtime.block_on(self.passes(host.clone(), loaded, &display, quiet))?;
        Ok(self.report(&done, &host, quiet))
    }

    /// What is run from now on is what the next plan compares with, and an entry of the history of changes.
    fn remember(&self, loaded: &load::Loaded, store: &dyn Store) -> Result<Transaction, Failure> {
        let digests = lock::digests(&loaded.packages);
        let state = State::of_policy(&loaded.policy, &digests);
        let coming = Coming {
            policy: &loaded.policy,
            state: &state,
            files: &loaded.files,
            claims: loaded.packages.iter().map(|(system, package)| (system.clone(), package.claim())).collect(),
            lock: &lock::read(&self.place.manifest)?,
            reason: self.reason.as_deref(),
            today: crate::clock::today(loaded.policy.manifest()),
            at_ms: crate::clock::now_ms(),
        };
        let next = history::next(store, &coming).map_err(|error| store_problem(&error))?;
        // A folder that cannot be written is no reason not to run.
        if let Err(failure) = lock::applied(&self.place.manifest, state) {
            failure.problems.iter().for_each(|problem| tracing::warn!("the next `hub plan` will not know this run: {}", problem.title));
        }
        let (put, name) = next.unzip();
        Ok(Transaction { puts: put.into_iter().collect(), audit: vec![history::draft(&loaded.policy, name)] })
    }

    /// Runs until there is nothing left to run, with the manifest as it was read and with those that take over.
    async fn passes(&self, host: Host, loaded: load::Loaded, display: &Display, quiet: bool) -> Result<Done, Failure> {
        let manager = Arc::new(ServiceManager::of_environment());
        let ending = Arc::new(AtomicBool::new(false));
        let signal = watch_signals(host.stopping.clone(), ending.clone(), display.running(), manager.clone());
        let waiting = Arc::new(Waiting::default());
        let watched = Watched {
            manifest: self.place.manifest.clone(),
            config: host.config.clone(),
            flows: self.flow.clone(),
            watch: self.watch,
            store: host.store.clone(),
            stopping: host.stopping.clone(),
        };
        let watcher = self.stays(&loaded).then(|| reload::watch(watched, &loaded, waiting.clone()));
        let (mut shift, mut ran) = (Shift::begin(self, host, loaded).await?, BTreeSet::new());
        self.announce(&shift, quiet);
        manager.tell("READY=1");
        let mut outcomes = loop {
            let work = shift.work(self, &mut ran, display);
            let outcomes = manager.alive_during(display.during(work)).await;
            let next = waiting.take().await;
            shift.host.stopping.store(false, Ordering::SeqCst);
            let ends = ending.load(Ordering::SeqCst);
            shift.host.stopping.fetch_or(ends, Ordering::SeqCst);
            let Some(loaded) = next.filter(|_| outcomes.is_ok() && !ends) else { break outcomes };
            shift = shift.replaced(self, loaded).await?;
        };
        watcher.inspect(tokio::task::JoinHandle::abort);
        if let Some(telemetry) = shift.telemetry.take() {
            telemetry.finish().await;
        }
        let outcomes = std::mem::replace(&mut outcomes, Ok(Vec::new()))?;
        stopped(&shift.host).await?;
        let code = if ending.load(Ordering::Relaxed) { signal.await.ok().flatten() } else { None };
        Ok(Done { outcomes, sources: shift.sources, signal: code })
    }

    /// Whether there is anything to stay for.
    fn stays(&self, loaded: &load::Loaded) -> bool {
        let is_scheduled = |flow: &String| loaded.policy.flow(flow).is_some_and(|(flow, _)| flow.schedule.is_some());
        !self.once && !self.dry_run && selected(&self.flow, loaded).is_ok_and(|flows| flows.iter().any(is_scheduled))
    }

    fn announce(&self, shift: &Shift, quiet: bool) {
        if quiet || self.output != Output::Human {
            return;
        }
        let is_scheduled = |flow: &&String| shift.host.policy.flow(flow).is_some_and(|(flow, _)| flow.schedule.is_some());
        let first = if shift.stays {
            let scheduled = shift.flows.iter().filter(is_scheduled).count();
            format!("{scheduled} of {} flows have a schedule: staying until stopped.", shift.flows.len())
        } else {
            "One pass, then exit.".to_owned()
        };
        anstream::eprintln!("{first}   audit: {}", shift.host.config.data.display());
    }

    fn jobs(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        self.jobs.map_or_else(|| LEAST_JOBS.max(2 * cores), std::num::NonZeroUsize::get)
    }

    fn report(&self, done: &Done, host: &Host, quiet: bool) -> u8 {
        let Done { outcomes, sources, signal } = done;
        let failures: Vec<Problem> = outcomes.iter().filter_map(problem_of).map(|problem| Problem::clone(problem)).collect();
        let code = (*signal).unwrap_or_else(|| exit_code(outcomes, &failures));
        match self.output {
            Output::Json => super::print_json(&document(outcomes, sources, code)),
            Output::Human => {
                if observe::is_json(host.policy.manifest()) {
                    failures.iter().for_each(|problem| tracing::error!(code = problem.code.id(), help = problem.help, "{}", problem.title));
                } else if let Some(problems) = Problems::new(failures) {
                    anstream::eprint!("{}", render::draw(&Failure { problems, sources: sources.clone() }));
                }
                if !quiet {
                    anstream::eprint!("{}", closing(outcomes, self.dry_run, &self.place.manifest, host));
                }
            }
        }
        code
    }
}

/// Flows that are to run, in the order of the manifest; `wanted` = those that were named, none = all.
pub(super) fn selected(wanted: &[String], loaded: &load::Loaded) -> Result<Vec<String>, Failure> {
    let mut flows: Vec<_> = loaded.policy.manifest().flows.values().collect();
    flows.sort_by_key(|flow| flow.id.span);
    let declared: Vec<String> = flows.into_iter().map(|flow| flow.id.value.clone()).collect();
    if declared.is_empty() {
        return Err(nothing_to_run().into());
    }
    if let Some(unknown) = wanted.iter().find(|wanted| !declared.contains(wanted)) {
        let help = format!("declared flows: {}", declared.join(", "));
        return Err(Problem::new(Code::E009, format!("flow `{unknown}` is not declared"), help).into());
    }
    Ok(if wanted.is_empty() { declared } else { wanted.to_vec() })
}

/// How everything ended.
struct Done {
    outcomes: Outcomes,
    /// Texts of the manifest that was in force last.
    sources: Sources,
    /// Exit code of the signal that ended it.
    signal: Option<u8>,
}

/// The time in which one manifest is in force.
struct Shift {
    host: Host,
    flows: Vec<String>,
    sources: Sources,
    /// None in a trial.
    telemetry: Option<Telemetry>,
    stays: bool,
}

impl Shift {
    /// Brings a manifest into force, on record. Nothing runs yet.
    async fn begin(run: &Run, host: Host, loaded: load::Loaded) -> Result<Self, Failure> {
        let host = Host { policy: loaded.policy.clone(), packages: loaded.packages.clone(), ..host };
        let telemetry = if run.dry_run { None } else { Some(Telemetry::start(&host, source(&host.config)).await?) };
        let applied = if run.dry_run {
            Transaction { puts: Vec::new(), audit: vec![history::draft(&loaded.policy, None)] }
        } else {
            run.remember(&loaded, &*host.store)?
        };
        started(&host, applied).await?;
        Ok(Self { flows: selected(&run.flow, &loaded)?, stays: run.stays(&loaded), sources: loaded.sources, host, telemetry })
    }

    /// Hands over to another manifest. If it cannot begin, this one goes on.
    async fn replaced(mut self, run: &Run, loaded: load::Loaded) -> Result<Self, Failure> {
        if let Some(telemetry) = self.telemetry.take() {
            telemetry.finish().await;
        }
        match Self::begin(run, self.host.clone(), loaded).await {
            Ok(next) => {
                anstream::eprintln!("the new manifest is in force");
                Ok(next)
            }
            Err(failure) => {
                anstream::eprint!("{}", render::draw(&failure));
                anstream::eprintln!("the manifest that was in force goes on");
                self.telemetry = Some(Telemetry::start(&self.host, source(&self.host.config)).await?);
                Ok(self)
            }
        }
    }

    /// Runs what is to run. `ran`: flows without a schedule that had their run in this process.
    async fn work(&self, run: &Run, ran: &mut BTreeSet<String>, display: &Display) -> Result<Outcomes, Problem> {
        let options = Options { dry_run: run.dry_run, limit: run.limit };
        let both = self.telemetry.as_ref().map(|telemetry| (display, telemetry));
        let watcher: &dyn Watcher = both.as_ref().map_or(display as &dyn Watcher, |both| both);
        if !self.stays && ran.is_empty() {
            return Ok(once(&self.host, &self.flows, options, watcher).await);
        }
        let has_schedule = |flow: &String| self.host.policy.flow(flow).is_some_and(|(flow, _)| flow.schedule.is_some());
        let flows: Vec<String> = self.flows.iter().filter(|flow| has_schedule(flow) || !ran.contains(*flow)).cloned().collect();
        ran.extend(self.flows.iter().filter(|flow| !has_schedule(flow)).cloned());
        until_stopped(&self.host, &flows, options, run.jobs(), watcher).await
    }
}

/// What a manifest or a connector may not do is on record; a text that cannot be read was never a request.
fn is_recorded(code: Code) -> bool {
    let form = [Code::E001, Code::E002, Code::E003, Code::E004, Code::E005, Code::E009];
    code.class() != Class::Integrity && !form.contains(&code)
}

/// A manifest that is denied is denied on record: each finding has an entry before anything is shown.
async fn on_record(failure: Failure, config: &Config) -> Failure {
    if !failure.problems.iter().any(|problem| is_recorded(problem.code)) {
        return failure;
    }
    match open(config) {
        Ok(store) => record(failure, &*store).await,
        Err(other) => other,
    }
}

/// Puts each finding on record that belongs there.
pub(super) async fn record(failure: Failure, store: &dyn Store) -> Failure {
    if !failure.problems.iter().any(|problem| is_recorded(problem.code)) {
        return failure;
    }
    let audit = failure
        .problems
        .iter()
        .map(|problem| Draft { code: Some(problem.code), detail: Some(problem.title.clone()), ..Draft::new(Kind::FlowDenied) })
        .collect();
    match store.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await {
        Ok(size) => {
            let last = size.saturating_sub(1);
            let note = format!("nothing was read or sent; the denial is in the audit log (entry {last}): hub audit show");
            let problems = failure.problems.into_iter().map(|problem| problem.note(note.clone())).collect();
            let problems = Problems::new(problems).unwrap_or_else(|| store_problem(&StoreError::InUse).into());
            Failure { problems, sources: failure.sources }
        }
        Err(error) => store_problem(&error).into(),
    }
}

/// Begins on record, with what comes into force.
async fn started(host: &Host, mut applied: Transaction) -> Result<(), Failure> {
    let start =
        Draft { manifest_digest: Some(host.policy.manifest().digest.clone()), ..Draft::new(Kind::HubStart).actor(crate::config::actor()) };
    applied.audit.insert(0, start);
    host.store.commit(applied, Durability::Sync).await.map(drop).map_err(|error| store_problem(&error).into())
}

async fn stopped(host: &Host) -> Result<(), Failure> {
    let audit = vec![Draft::new(Kind::HubStop)];
    let durable =
        host.store.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await.map_err(|error| store_problem(&error))?;
    // What was done is done and on record: that it cannot be signed is told, and is no failure of the run.
    match evidence::of_log(&host.config) {
        Ok(key) => {
            let signed = evidence::sign_at(&*host.store, &key, durable);
            if let Err(error) = signed.and_then(|signed| Ok(evidence::keep_note(&signed, &host.config.data)?)) {
                tracing::warn!("the audit log was not signed: {error}");
            }
        }
        Err(problem) => tracing::warn!("the audit log was not signed: {}; {}", problem.title, problem.help),
    }
    Ok(())
}

/// The first signal asks for a clean end, the second ends at once and says what is left. Answers with the exit code that the first one means.
fn watch_signals(
    stopping: Arc<AtomicBool>,
    ending: Arc<AtomicBool>,
    running: impl Fn() -> Vec<String> + Send + 'static,
    manager: Arc<ServiceManager>,
) -> tokio::task::JoinHandle<Option<u8>> {
    let (told, tell) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
        let code = tokio::select! { _ = interrupt.recv() => 130, _ = terminate.recv() => 143 };
        // In this order: who takes over looks at the end after it has taken the mark to stop away.
        ending.store(true, Ordering::SeqCst);
        stopping.store(true, Ordering::SeqCst);
        let _ = told.send(code);
        manager.tell("STOPPING=1");
        anstream::eprintln!("ending after the next checkpoint; once more ends at once");
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        anstream::eprintln!("{}", left_behind(&running()));
        #[expect(
            clippy::disallowed_methods,
            reason = "the second signal must end a process whose guests do not answer; the store recovers"
        )]
        std::process::exit(code.into());
    });
    tokio::spawn(async move { tell.await.ok() })
}

/// By what name this hub tells something: that of its audit log.
pub(super) fn source(config: &Config) -> String {
    evidence::of_log(config).map_or_else(|_| "hub".to_owned(), |key| key.verifier().name().to_owned())
}

/// What is told when the second signal ends the process.
fn left_behind(running: &[String]) -> String {
    match running {
        [] => "ended at once: no run was left".to_owned(),
        flows => format!("ended at once in the middle of {}: the next run goes on from the last checkpoint", flows.join(", ")),
    }
}

/// Entries are never dated earlier than those before them: until the clock has caught up, all have one time.
fn warn_of_clock(store: &dyn Store) -> Result<(), Failure> {
    let newest = evidence::newest(store).map_err(|error| store_problem(&error))?;
    if let Some(ahead) = newest.and_then(crate::clock::ahead_ms) {
        tracing::warn!(
            "the newest audit entry is {} s in the future: the clock was put back, or was ahead before; see `clock.step`",
            ahead / 1000
        );
    }
    Ok(())
}

/// Opens the store of a data folder.
pub(super) fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let store = open_plain(config).map_err(|error| store_problem(&error))?;
    Ok(Arc::new(SealedStore::open(store, &config.data)?))
}

/// Opens the store of a data folder as it is on the disk: state stays sealed. Refuses one that is older than the head that was signed last: a run would
/// deliver once more what it has forgotten, and sign that.
pub(super) fn open_plain(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    let store = store::open(&config.data.join("store").display().to_string())?;
    if let Some(signed) = evidence::last_signed(config) {
        evidence::begins_with(&*store, &signed)?;
    }
    Ok(store)
}

/// What a store's error means to the operator.
pub(super) fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::InUse => {
            Problem::new(Code::E503, "the store is in use by another hub", "stop the other process, or give this one its own `--data`")
        }
        StoreError::Damaged { first_bad_entry, .. } => {
            let problem =
                Problem::new(Code::E502, format!("{error}"), "keep the folder as evidence, look with `hub audit verify`, restore a backup");
            match first_bad_entry {
                Some(entry) => problem.note(format!("the first bad audit entry is number {entry}")),
                None => problem,
            }
        }
        StoreError::Format { .. } => Problem::new(Code::E504, format!("{error}"), "use the hub version that wrote it, or a newer one"),
        StoreError::Io { source, .. } => {
            Problem::new(Code::E216, format!("{error}: {source}"), "check disk space and permissions of the data folder")
        }
        StoreError::Pruned { first } => {
            Problem::new(Code::E009, format!("{error}"), format!("entry {first} is the first that is kept; an older export has the others"))
        }
        StoreError::TooLarge { .. } => Problem::new(Code::E306, format!("{error}"), "report the connector that sent it"),
    }
}

fn problem_of(outcome: &Result<Summary, Arc<Problem>>) -> Option<&Arc<Problem>> {
    match outcome {
        Ok(summary) => summary.problem.as_ref(),
        Err(problem) => Some(problem),
    }
}

/// 0 if all went well, 5 if some did, else what the problems say.
fn exit_code(outcomes: &Outcomes, failures: &[Problem]) -> u8 {
    match Problems::new(failures.to_vec()) {
        None => 0,
        Some(_) if failures.len() < outcomes.len() => 5,
        Some(problems) => problems.exit_code(),
    }
}

fn document(outcomes: &Outcomes, sources: &Sources, code: u8) -> Value {
    let flows: Vec<Value> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(summary) => json!({
                "run": summary.run, "flow": summary.flow, "read": summary.read, "written": summary.written, "rejected": summary.rejected,
                "undeclared": summary.undeclared, "skipped": summary.skipped, "held": summary.held, "suspected": summary.suspected,
                "deleted": summary.deleted, "retracted": summary.retracted, "deletes_ignored": summary.deletes_ignored,
                "milliseconds": summary.millis, "interrupted": summary.interrupted,
                "problem": summary.problem.as_ref().map(|problem| shown(problem, sources)),
            }),
            Err(problem) => json!({ "problem": shown(problem, sources) }),
        })
        .collect();
    json!({ "version": 1, "ok": code == 0, "exit_code": code, "flows": flows })
}

fn shown(problem: &Problem, sources: &Sources) -> Value {
    let failure = Failure { problems: problem.clone().into(), sources: sources.clone() };
    render::problems(&failure).get(0).cloned().unwrap_or_default()
}

/// The last lines for people: what was dropped, and the sum.
fn closing(outcomes: &Outcomes, dry_run: bool, manifest: &Path, host: &Host) -> String {
    let summaries: Vec<&Summary> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
    for summary in &summaries {
        for (path, count) in &summary.undeclared {
            *dropped.entry(format!("{} {path}", summary.flow)).or_default() += count;
        }
    }
    let mut text = String::new();
    for (place, count) in &dropped {
        text.push_str(&format!("  ! HUB-E201 {place}: undeclared field, dropped {count} times\n"));
    }
    // A dry run leaves no record that could be looked at.
    if !dropped.is_empty() && !dry_run {
        text.push_str(&format!("    what to declare, if one is needed: hub drift {}\n", manifest.display()));
    }
    summaries.iter().for_each(|summary| text.push_str(&left_out(summary, dry_run)));
    let failed = outcomes.iter().filter(|outcome| problem_of(outcome).is_some()).count();
    let written: u64 = summaries.iter().map(|summary| summary.written).sum();
    let deleted: u64 = summaries.iter().map(|summary| summary.deleted).sum();
    let verb = if dry_run { "records would be written" } else { "records written" };
    let deleted = if deleted > 0 { format!(", {deleted} deleted") } else { String::new() };
    let mark = if failed == 0 { "✓" } else { "✗" };
    let denied = dropped.len();
    text.push_str(&format!(
        "{mark} {} flows, {written} {verb}{deleted}, {denied} fields denied, {failed} failed   audit: {} entries\n",
        outcomes.len(),
        host.store.head().map_or(0, |head| head.size)
    ));
    text
}

/// What a flow did not deliver, line by line.
fn left_out(summary: &Summary, dry_run: bool) -> String {
    let mut text = String::new();
    let flow = &summary.flow;
    for reason in Reason::ALL {
        let Some(count) = summary.skipped.get(reason.name()) else { continue };
        let code = reason.code().map_or_else(String::new, |code| format!("{code} "));
        text.push_str(&format!("  · {code}{flow}: {count} records left out ({})\n", reason.name()));
    }
    if summary.retracted > 0 {
        text.push_str(&format!("  · HUB-E206 {flow}: {} records deleted at the destination (consent-withdrawn)\n", summary.retracted));
    }
    if summary.deletes_ignored > 0 {
        text.push_str(&format!("  · {flow}: {} records reported as deleted stay at the destination\n", summary.deletes_ignored));
    }
    for (place, count) in &summary.suspected {
        text.push_str(&format!("  ! HUB-E203 {flow} {place}: seems to hold a special category, {count} times\n"));
    }
    if summary.held > 0 {
        let next = if dry_run { "would wait in the quarantine" } else { "wait in the quarantine: hub quarantine list" };
        text.push_str(&format!("  ! {flow}: {} records {next}\n", summary.held));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Code, StoreError, left_behind, store_problem};

    #[test]
    fn who_ends_at_once_says_what_is_left() {
        assert_eq!(left_behind(&[]), "ended at once: no run was left");
        let two = left_behind(&["contacts".to_owned(), "deals".to_owned()]);
        assert_eq!(two, "ended at once in the middle of contacts, deals: the next run goes on from the last checkpoint");
    }

    #[test]
    fn each_failure_of_the_store_has_its_code_and_remedy() {
        let damaged = || StoreError::Damaged { detail: "page 7".to_owned(), first_bad_entry: Some(41) };
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let cases = [
            (StoreError::InUse, Code::E503, 1),
            (damaged(), Code::E502, 4),
            (StoreError::Format { found: 9, known: 1 }, Code::E504, 4),
            (StoreError::Io { doing: "written", source }, Code::E216, 4),
            (StoreError::TooLarge { what: "a value", limit: 5 }, Code::E306, 3),
        ];
        for (error, code, exit) in cases {
            let problem = store_problem(&error);
            assert_eq!((problem.code, problem.code.class().exit_code()), (code, exit), "{error}");
            assert!(!problem.help.is_empty(), "{error}");
        }
        assert!(store_problem(&damaged()).notes[0].ends_with("number 41"));
    }
}
