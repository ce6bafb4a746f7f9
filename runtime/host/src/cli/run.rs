//! `hub run`: judges the manifest, then runs its flows once, or on their schedules until the process is asked to end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use hub_core::audit::{Draft, Kind};
use hub_core::gate::Reason;
use hub_core::problem::{Class, Code, Problem, Problems, Sources};
use serde_json::{Value, json};

use super::progress::Display;
use super::service::ServiceManager;
use super::{Failure, Output, Place, load, lock, render};
use crate::config::Config;
use crate::evidence;
use crate::sealed::SealedStore;
use crate::store::{self, Durability, Store, StoreError, Transaction};
use crate::sync::schedule::{nothing_to_run, once, until_stopped};
use crate::sync::{Host, Options, Summary};

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
        let flows = self.flows(&loaded)?;
        if !self.dry_run {
            remember(&self.place.manifest, &loaded);
        }
        let opened = open(&config)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let host = Host {
            policy: loaded.policy,
            packages: loaded.packages,
            store: opened,
            config,
            stopping,
            lookup: Arc::new(crate::egress::SystemLookup),
            clock: Arc::new(crate::clock::SystemClock),
        };
        let display = Display::new(quiet || self.output == Output::Json);
        let (outcomes, signal) = runtime.block_on(self.passes(&host, &flows, &display, quiet))?;
        Ok(self.report(&outcomes, &loaded.sources, signal, &host, quiet))
    }

    fn flows(&self, loaded: &load::Loaded) -> Result<Vec<String>, Failure> {
        let manifest = loaded.policy.manifest();
        let declared: Vec<String> = {
            let mut flows: Vec<_> = manifest.flows.values().collect();
            flows.sort_by_key(|flow| flow.id.span);
            flows.into_iter().map(|flow| flow.id.value.clone()).collect()
        };
        if declared.is_empty() {
            return Err(nothing_to_run().into());
        }
        if let Some(unknown) = self.flow.iter().find(|wanted| !declared.contains(wanted)) {
            let help = format!("declared flows: {}", declared.join(", "));
            return Err(Problem::new(Code::E009, format!("flow `{unknown}` is not declared"), help).into());
        }
        Ok(if self.flow.is_empty() { declared } else { self.flow.clone() })
    }

    async fn passes(&self, host: &Host, flows: &[String], display: &Display, quiet: bool) -> Result<(Outcomes, Option<u8>), Failure> {
        applied(host).await?;
        let scheduled = flows.iter().filter(|flow| host.policy.flow(flow).is_some_and(|(flow, _)| flow.schedule.is_some())).count();
        let stays = scheduled > 0 && !self.once && !self.dry_run;
        if !quiet && self.output == Output::Human {
            let first = if stays {
                format!("{scheduled} of {} flows have a schedule: staying until stopped.", flows.len())
            } else {
                "One pass, then exit.".to_owned()
            };
            anstream::eprintln!("{first}   audit: {}", host.config.data.display());
        }
        let manager = Arc::new(ServiceManager::of_environment());
        let signal = watch_signals(host.stopping.clone(), display.running(), manager.clone());
        manager.tell("READY=1");
        let options = Options { dry_run: self.dry_run, limit: self.limit };
        let work = async {
            if stays {
                until_stopped(host, flows, options, self.jobs(), display).await
            } else {
                Ok(once(host, flows, options, display).await)
            }
        };
        let outcomes = manager.alive_during(display.during(work)).await?;
        stopped(host).await?;
        let code = if host.stopping.load(Ordering::Relaxed) { signal.await.ok().flatten() } else { None };
        Ok((outcomes, code))
    }

    fn jobs(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        self.jobs.map_or_else(|| LEAST_JOBS.max(2 * cores), std::num::NonZeroUsize::get)
    }

    fn report(&self, outcomes: &Outcomes, sources: &Sources, signal: Option<u8>, host: &Host, quiet: bool) -> u8 {
        let failures: Vec<Problem> = outcomes.iter().filter_map(problem_of).map(|problem| Problem::clone(problem)).collect();
        let code = signal.unwrap_or_else(|| exit_code(outcomes, &failures));
        match self.output {
            Output::Json => super::print_json(&document(outcomes, sources, code)),
            Output::Human => {
                if let Some(problems) = Problems::new(failures) {
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

/// What is run from now on is what the next plan compares with. A folder that cannot be written is no reason not to run.
fn remember(manifest: &Path, loaded: &load::Loaded) {
    if let Err(failure) = lock::applied(manifest, &loaded.policy, &loaded.packages) {
        failure.problems.iter().for_each(|problem| tracing::warn!("the next `hub plan` will not know this run: {}", problem.title));
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
    let store = match open(config) {
        Ok(store) => store,
        Err(other) => return other,
    };
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

async fn applied(host: &Host) -> Result<(), Failure> {
    let entry = |kind| Draft { manifest_digest: Some(host.policy.manifest().digest.clone()), ..Draft::new(kind) };
    let audit = vec![entry(Kind::HubStart), entry(Kind::ManifestApplied)];
    host.store
        .commit(Transaction { puts: Vec::new(), audit }, Durability::Sync)
        .await
        .map(drop)
        .map_err(|error| store_problem(&error).into())
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
    running: impl Fn() -> Vec<String> + Send + 'static,
    manager: Arc<ServiceManager>,
) -> tokio::task::JoinHandle<Option<u8>> {
    let (told, tell) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
        let code = tokio::select! { _ = interrupt.recv() => 130, _ = terminate.recv() => 143 };
        stopping.store(true, Ordering::Relaxed);
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

/// What is told when the second signal ends the process.
fn left_behind(running: &[String]) -> String {
    match running {
        [] => "ended at once: no run was left".to_owned(),
        flows => format!("ended at once in the middle of {}: the next run goes on from the last checkpoint", flows.join(", ")),
    }
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
    let verb = if dry_run { "records would be written" } else { "records written" };
    let mark = if failed == 0 { "✓" } else { "✗" };
    let denied = dropped.len();
    text.push_str(&format!(
        "{mark} {} flows, {written} {verb}, {denied} fields denied, {failed} failed   audit: {} entries\n",
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
