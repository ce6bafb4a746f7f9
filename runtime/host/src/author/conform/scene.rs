//! What the checks share: the component, the bench that it is tried on, the recording that answers it, and how a trial went without any disturbance.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use hub_core::description::StreamClaim;
use hub_core::record::FieldPath;
use serde_json::Value;

use super::Verdict;
use crate::author::bench::{Bench, Seen, Timing, Wanted};
use crate::author::player::{Player, Reply, Twist};
use crate::author::recording::Asked;
use crate::plugin::ErrorKind;
use crate::plugin::package::Package;

/// More streams than these are not tried one by one.
const MAX_STREAMS: usize = 8;

/// A component and what it is tried with.
pub struct Scene {
    /// The component.
    pub package: Arc<Package>,
    /// Why it could not be compiled, or does not say the truth.
    pub(super) unfit: Option<String>,
    /// What it imports in truth.
    pub(super) imports: Vec<String>,
    /// What it exports in truth.
    pub(super) exports: Vec<String>,
    pub(super) bench: Bench,
    pub(super) trials: Vec<Trial>,
    /// The licence that its author names.
    pub(super) licence: Option<String>,
}

/// A recording that is being played, and its streams.
pub(super) struct Trial {
    pub(super) player: Player,
    pub(super) timing: Timing,
    /// As many records as were asked for when it was recorded.
    pub(super) limit: Option<u64>,
    /// Streams that it holds, with what is expected of them.
    pub(super) streams: BTreeMap<String, crate::author::recording::Expected>,
    /// Undisturbed.
    pub(super) plain: BTreeMap<String, Seen>,
}

/// One stream in one trial.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) scene: &'a Scene,
    pub(super) trial: &'a Trial,
    pub(super) stream: &'a str,
    pub(super) plain: &'a Seen,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Told(ErrorKind),
    Refused,
    Trapped,
}

impl Scene {
    /// Compiles the component and plays every recording once.
    pub async fn set(bench: Bench, licence: Option<String>, recordings: Vec<(crate::author::recording::Recording, Player)>) -> Self {
        let package = bench.package.clone();
        let (unfit, imports, exports) = match bench.ready().await {
            Ok(ready) => {
                let unfit = package.verify(ready).err().map(|problem| problem.title);
                (unfit, ready.shape.imports.clone(), ready.shape.exports.clone())
            }
            Err(problem) => (Some(problem.title), Vec::new(), Vec::new()),
        };
        let mut trials = Vec::new();
        for (recording, player) in recordings {
            let timing = Timing { at_ms: recording.at_ms, waits: false };
            let mut plain = BTreeMap::new();
            for stream in recording.streams.keys().take(MAX_STREAMS) {
                player.rewind(None);
                let wanted = Wanted { limit: recording.limit, ..Wanted::all(stream, player.detour(), timing) };
                plain.insert(stream.clone(), bench.read(wanted).await);
            }
            trials.push(Trial { player, timing, limit: recording.limit, streams: recording.streams, plain });
        }
        Self { package, unfit, imports, exports, bench, trials, licence }
    }

    /// Every stream of every recording.
    pub(super) fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.trials.iter().flat_map(move |trial| trial.plain.iter().map(move |(stream, plain)| Case { scene: self, trial, stream, plain }))
    }

    /// Judges every stream that was recorded; the first that fails counts.
    pub(super) async fn each<'a, F, T>(&'a self, judge: F) -> Verdict
    where
        F: Fn(Case<'a>) -> T,
        T: Future<Output = Verdict>,
    {
        let mut verdict = Verdict::NotTried("nothing is recorded: `hub test --record URL`");
        for case in self.cases() {
            if case.plain.ended.is_err() {
                verdict = Verdict::NotTried("it does not read its recording even undisturbed: see check 21");
                continue;
            }
            match judge(case).await {
                Verdict::Failed(why) => return Verdict::Failed(format!("stream `{}`: {why}", case.stream)),
                Verdict::Passed => verdict = Verdict::Passed,
                Verdict::NotTried(why) => {
                    if verdict != Verdict::Passed {
                        verdict = Verdict::NotTried(why);
                    }
                }
            }
        }
        verdict
    }
}

impl<'a> Case<'a> {
    /// All of the stream.
    pub(super) fn wanted(&self) -> Wanted<'a> {
        Wanted { limit: self.trial.limit, ..Wanted::all(self.stream, self.trial.player.detour(), self.trial.timing) }
    }

    /// Reads, undisturbed.
    pub(super) async fn read(&self, wanted: Wanted<'_>) -> Seen {
        self.trial.player.rewind(None);
        self.scene.bench.read(wanted).await
    }

    /// Reads while answers become others.
    pub(super) async fn disturbed(&self, twist: impl Fn(usize, &Asked, Reply) -> Reply + Send + Sync + 'static) -> Seen {
        let twist: Arc<Twist> = Arc::new(twist);
        self.trial.player.rewind(Some(twist));
        self.scene.bench.read(self.wanted()).await
    }

    /// Number of requests of the last trial.
    pub(super) fn requests(&self) -> usize {
        self.trial.player.heard().len()
    }

    /// Every request of the last trial is in the recording.
    pub(super) fn is_exact(&self) -> bool {
        self.trial.player.heard().iter().all(|heard| heard.exact)
    }

    /// Requests of an undisturbed trial.
    pub(super) async fn usual_requests(&self) -> usize {
        self.read(self.wanted()).await;
        self.requests()
    }

    /// What the connector claims of the stream; none if it reads any stream.
    pub(super) fn claim(&self) -> Option<&'a StreamClaim> {
        self.scene.package.description.source.iter().flat_map(|source| &source.streams).find(|claim| claim.name == self.stream)
    }

    /// The stream's primary key.
    pub(super) fn primary_key(&self) -> &'a [FieldPath] {
        self.claim().map(|claim| claim.primary_key.as_slice()).unwrap_or_default()
    }

    /// The stream grows by one of its fields.
    pub(super) fn has_cursor(&self) -> bool {
        self.claim().is_some_and(|claim| claim.cursor.is_some())
    }

    /// A record's key as text; the whole record where there is none.
    pub(super) fn key(&self, record: &Value) -> String {
        let key = self.primary_key();
        if key.is_empty() {
            return record.to_string();
        }
        let parts: Vec<Value> = key.iter().map(|path| value_at(record, path).cloned().unwrap_or_default()).collect();
        Value::Array(parts).to_string()
    }

    /// Keys of records that were there without disturbance and are not among these.
    pub(super) fn missing(&self, records: &[Value]) -> usize {
        let found: std::collections::BTreeSet<String> = records.iter().map(|record| self.key(record)).collect();
        self.plain.content.records.iter().filter(|record| !found.contains(&self.key(record))).count()
    }

    /// Goes on from the last state of a trial; what came before that state and what comes then must be everything.
    pub(super) async fn completed(&self, seen: &Seen) -> Verdict {
        let (kept, state) = match seen.content.states.last() {
            Some((count, state)) => (*count, Some(state.clone())),
            None => (0, None),
        };
        let rest = self.read(Wanted { state, ..self.wanted() }).await;
        let all: Vec<Value> = seen.content.records.iter().take(kept).chain(&rest.content.records).cloned().collect();
        match self.missing(&all) {
            _ if rest.ended.is_err() => Verdict::Failed(format!("going on: {}", told(&rest))),
            0 => Verdict::Passed,
            missing => Verdict::Failed(format!("{missing} records were lost")),
        }
    }
}

/// What stands at a path outside of arrays.
pub(super) fn value_at<'v>(record: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.parts().try_fold(record, |value, part| value.get(part))
}

/// How it ended.
pub(super) fn end(seen: &Seen) -> End {
    match &seen.ended {
        Ok(_) => End::Done,
        Err(error) => match (&error.refusal, error.kind) {
            (Some(_), _) => End::Refused,
            (None, Some(kind)) => End::Told(kind),
            (None, None) => End::Trapped,
        },
    }
}

/// It did not crash.
pub(super) fn alive(seen: &Seen) -> Result<(), String> {
    match (&seen.ended, end(seen)) {
        (Err(error), End::Trapped) => Err(format!("it crashed: {} {}", error.code, error.message)),
        _ => Ok(()),
    }
}

/// How it ended, in words.
pub(super) fn told(seen: &Seen) -> String {
    match &seen.ended {
        Ok(records) => format!("it ended well with {records} records"),
        Err(error) => format!("it ended with {}: {}", error.code, error.message),
    }
}
