//! What a run tells while it goes on: bars on a terminal, a line every ten seconds without one. On standard error, counts and names only.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use hub_core::problem::Problem;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::sync::schedule::Watcher;
use crate::sync::{Meter, Summary};

/// How often a line is printed without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows runs as they go.
pub struct Display {
    bars: Option<MultiProgress>,
    quiet: bool,
    running: Arc<Mutex<BTreeMap<String, Running>>>,
}

struct Running {
    meter: Arc<Meter>,
    started: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Display {
    /// Bars if standard error is a terminal.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let bars = (!quiet && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { bars, quiet, running: Arc::default() }
    }

    /// Answers with the flows that run at the moment of asking.
    pub fn running(&self) -> impl Fn() -> Vec<String> + Send + 'static {
        let running = self.running.clone();
        move || running.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Updates what is shown until the future that it is given ends.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => self.update(),
            }
        }
    }

    fn update(&self) {
        if self.quiet {
            return;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for (flow, run) in running.iter_mut() {
            let text = counts(&run.meter, run.started.elapsed());
            match &run.bar {
                Some(bar) => bar.set_message(text),
                None if run.told.elapsed() >= LINE_EVERY => {
                    run.told = Instant::now();
                    anstream::eprintln!("{flow}: {text}");
                }
                None => {}
            }
        }
    }
}

impl Watcher for Display {
    fn begins(&self, flow: &str, meter: &Arc<Meter>) {
        let bar = self.bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template("  {spinner} {prefix}  {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(flow.to_owned()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let run = Running { meter: meter.clone(), started: Instant::now(), told: Instant::now(), bar };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(flow.to_owned(), run);
    }

    fn ended(&self, flow: &str, result: &Result<Summary, Arc<Problem>>) {
        let run = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(flow);
        if let Some(bar) = run.and_then(|run| run.bar) {
            bar.finish_and_clear();
        }
        if !self.quiet {
            anstream::eprintln!("{}", line(flow, result));
        }
    }

    fn waits(&self, flow: &str, until: DateTime<Utc>) {
        tracing::info!(flow, until = %until.to_rfc3339(), "waits for its time");
    }
}

fn counts(meter: &Meter, elapsed: Duration) -> String {
    let rate = meter.read().checked_div(elapsed.as_secs().max(1)).unwrap_or_default();
    format!("read {}  written {}  {rate} rec/s", meter.read(), meter.written())
}

/// One line about a run that ended.
fn line(flow: &str, result: &Result<Summary, Arc<Problem>>) -> String {
    match result {
        Ok(summary) => {
            let mark = match (&summary.problem, summary.interrupted) {
                (Some(_), _) => "✗",
                (None, true) => "…",
                (None, false) => "✓",
            };
            let seconds = Duration::from_millis(summary.millis).as_secs_f64();
            let left_out = if summary.rejected == 0 { String::new() } else { format!("  left out {}", summary.rejected) };
            let deleted = if summary.deleted == 0 { String::new() } else { format!("  deleted {}", summary.deleted) };
            format!("  {mark} {flow}  read {}  written {}{deleted}{left_out}  {seconds:.1} s", summary.read, summary.written)
        }
        Err(_) => format!("  ✗ {flow}  did not begin"),
    }
}
