//! A connector: a manifest with a configuration. Which streams there are, what they look like, whether they can be reached, and their reading.
//!
//! Sends nothing by itself; whatever it needs comes through [`Host`].

pub mod check;
pub mod configuration;
pub mod discover;
pub mod dynamic;
pub mod path;
pub mod read;
pub mod records;
pub mod schema;
pub mod validate;

#[cfg(test)]
mod behaviour;
#[cfg(test)]
#[allow(clippy::unwrap_used, missing_docs, reason = "of tests only")]
mod scripted;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::fault::{Failure, Fault};
use crate::host::Host;
use crate::model::partition::PartitionRouter;
use crate::model::reader::Reader;
use crate::model::source::{Source, read_source};
use crate::model::stream::{AnyStream, Stream};
use crate::reading::world::World;
use crate::reading::{Building, Reading};
use crate::retrieve::Shared;
use crate::retrieve::system;
use crate::stream::read::{Run, Summary};
use crate::template::Scope;
use crate::value::{Dict, Value};
use crate::yaml::Node;

/// Slices under way at the same time, unless the manifest says how many.
const WINDOW: usize = 4;
/// More than this no manifest gets.
const MAXIMUM_WINDOW: usize = 32;

/// A manifest with a configuration.
pub struct Connector {
    source: Source,
    config: Value,
    parents: HashSet<String>,
    open: bool,
}

impl Connector {
    /// Reads a resolved manifest.
    ///
    /// # Errors
    /// All its faults.
    pub fn read_manifest(root: &Node) -> Result<Source, Vec<Fault>> {
        let mut reader = Reader::new();
        match read_source(root, &mut reader) {
            Some(source) if reader.faults.is_empty() => Ok(source),
            _ => Err(reader.faults),
        }
    }

    /// A manifest with a configuration; the manifest's rules for configurations are applied.
    ///
    /// # Errors
    /// A rule cannot be evaluated, or the configuration is refused.
    pub fn new(source: Source, config: &Value, now: i64) -> Result<Self, Failure> {
        let config = configuration::normalize(config, &source.normalization, now)?;
        configuration::check(&config, &source.normalization, now)?;
        let mut parents = HashSet::new();
        for stream in &source.streams {
            collect_parents(&stream.stream, &mut parents);
        }
        Ok(Self { source, config, parents, open: false })
    }

    /// Lets every record enter the engine, also of streams that could do without: for comparison.
    #[must_use]
    pub fn with_open_records(self) -> Self {
        Self { open: true, ..self }
    }

    /// The configuration as streams see it.
    #[must_use]
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The manifest.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The configuration in scope.
    #[must_use]
    pub fn scope(&self, now: i64) -> Scope {
        Scope::new(now).with("config", self.config.clone())
    }

    /// The streams the manifest names itself, as far as their conditions hold.
    ///
    /// # Errors
    /// A condition cannot be evaluated.
    pub fn static_streams(&self, now: i64) -> Result<Vec<&AnyStream>, Failure> {
        let scope = self.scope(now);
        let mut streams = Vec::with_capacity(self.source.streams.len());
        for one in &self.source.streams {
            let holds = match &one.condition {
                Some(condition) => condition.evaluate_boolean(&scope).map_err(|error| system(error.to_string()))?,
                None => true,
            };
            if holds {
                streams.push(&one.stream);
            }
        }
        Ok(streams)
    }

    /// All streams, those made from templates behind the others.
    ///
    /// # Errors
    /// A condition or a resolver cannot be evaluated, or the API fails.
    pub fn streams(&self, session: &Session<'_>) -> Result<Vec<AnyStream>, Failure> {
        let mut streams: Vec<AnyStream> = self.static_streams(session.now())?.into_iter().cloned().collect();
        streams.extend(dynamic::resolve(self, session)?.into_iter().map(|(_, made)| made));
        Ok(streams)
    }

    /// A stream by name; templates are asked only if it is none of the manifest's own.
    ///
    /// # Errors
    /// There is no such stream.
    pub fn stream(&self, name: &str, session: &Session<'_>) -> Result<AnyStream, Failure> {
        if let Some(stream) = self.static_streams(session.now())?.into_iter().find(|stream| stream.name() == name) {
            return Ok(stream.clone());
        }
        let made = dynamic::resolve(self, session)?.into_iter().map(|(_, made)| made).find(|stream| stream.name() == name);
        made.ok_or_else(|| system(format!("there is no stream `{name}`")))
    }

    /// Reads a stream from a state to its end. Failures of single slices are in the summary.
    ///
    /// # Errors
    /// The stream cannot begin, or the host wants the run to end.
    pub fn read(&self, name: &str, number: u32, state: Option<&Value>, host: &dyn Host) -> Result<Summary, Failure> {
        let session = self.session(host)?;
        let stream = self.stream(name, &session)?;
        let state = state.and_then(Value::as_dict).cloned().unwrap_or_default();
        let schemas = |stream: &Stream| schema::load(self, stream, &session);
        let building = Building { number: (!self.open).then_some(number), ..self.building(&session, &schemas) };
        let reading = Reading::new(&stream, &state, &building)?;
        Run::new(&session.world, reading, number, self.window(&stream, &session)).read()
    }

    /// Begins to talk to the API.
    ///
    /// # Errors
    /// The API budget cannot be evaluated.
    pub fn session<'h>(&self, host: &'h dyn Host) -> Result<Session<'h>, Failure> {
        let scope = self.scope(host.now_micros());
        Ok(Session { world: World::new(host), shared: Shared::new(self.source.budget.as_ref(), &scope)?, scope })
    }

    fn window(&self, stream: &AnyStream, session: &Session<'_>) -> usize {
        if stream.is_asynchronous() {
            // Each slice is a job at the API, and APIs count them.
            let jobs = self.source.maximum_jobs.as_ref().and_then(|jobs| jobs.evaluate(&session.scope).ok());
            let jobs = jobs.as_ref().and_then(Value::as_int).and_then(|jobs| usize::try_from(jobs).ok());
            return jobs.unwrap_or(1).clamp(1, MAXIMUM_WINDOW);
        }
        let Some(concurrency) = &self.source.concurrency else { return WINDOW };
        let level = match concurrency.default.evaluate(&session.scope) {
            Ok(Value::Int(level)) => usize::try_from(level).unwrap_or(WINDOW),
            _ => WINDOW,
        };
        let maximum = concurrency.maximum.and_then(|maximum| usize::try_from(maximum).ok()).unwrap_or(MAXIMUM_WINDOW);
        level.min(maximum).clamp(1, MAXIMUM_WINDOW)
    }

    pub(crate) fn begin(&self, stream: &AnyStream, state: &Dict, session: &Session<'_>) -> Result<Reading, Failure> {
        let schemas = |stream: &Stream| schema::load(self, stream, session);
        Reading::new(stream, state, &self.building(session, &schemas))
    }

    pub(crate) fn building<'b>(&'b self, session: &Session<'_>, schemas: &'b dyn Fn(&Stream) -> Result<Value, Failure>) -> Building<'b> {
        Building::new(session.scope.clone(), &self.config, &self.parents, session.shared.clone(), schemas)
    }
}

/// A talk with the API: what was said, how often, and when it began.
pub struct Session<'h> {
    /// The host, and the answers of parent streams.
    pub world: World<'h>,
    /// What all retrievers share.
    pub shared: Shared,
    /// The configuration in scope, at the time of the beginning.
    pub scope: Scope,
}

impl Session<'_> {
    /// When it began.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.scope.now_micros()
    }
}

/// Names of the parents of a stream, as far as they keep their answers.
fn collect_parents(stream: &AnyStream, parents: &mut HashSet<String>) {
    let mut of = |stream: &Stream| {
        let routers = stream.retriever.partition_routers();
        parents.extend(routers.iter().flat_map(PartitionRouter::parents).map(|parent| parent.stream.name().to_owned()));
    };
    match stream {
        AnyStream::Declarative(stream) => of(stream),
        // The reference looks for parents in plain streams only.
        AnyStream::StateDelegating(_) => {}
    }
}
