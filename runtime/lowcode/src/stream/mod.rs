//! A connector: a manifest with a configuration. Which streams there are, what they look like, whether they can be reached, and their reading.
//!
//! Sends nothing by itself; whatever it needs comes through [`Host`].

pub mod configuration;
pub mod discover;
pub mod dynamic;
pub mod path;
pub mod read;
pub mod schema;
pub mod check;
pub mod validate;

use std::collections::HashSet;

use crate::fault::{Fault, Failure};
use crate::host::Host;
use crate::model::partition::PartitionRouter;
use crate::model::reader::Reader;
use crate::model::source::{Source, read_source};
use crate::model::stream::{AnyStream, Stream};
use crate::slice::reading::{Building, Reading, system};
use crate::slice::world::World;
use crate::stream::read::{Run, Summary};
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
        Ok(Self { source, config, parents })
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

    /// The streams the manifest names itself, as far as their conditions hold.
    ///
    /// # Errors
    /// A condition cannot be evaluated.
    pub fn static_streams(&self, now: i64) -> Result<Vec<&AnyStream>, Failure> {
        let building = self.building(now);
        let mut streams = Vec::with_capacity(self.source.streams.len());
        for one in &self.source.streams {
            let holds = match &one.condition {
                Some(condition) => condition.evaluate_boolean(&building.scope).map_err(|error| system(error.to_string()))?,
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
    pub fn streams(&self, world: &World<'_>) -> Result<Vec<AnyStream>, Failure> {
        let now = world.host.now_micros();
        let mut streams: Vec<AnyStream> = self.static_streams(now)?.into_iter().cloned().collect();
        for (_, made) in dynamic::resolve(self, world)? {
            streams.push(made);
        }
        Ok(streams)
    }

    /// A stream by name; templates are asked only if it is none of the manifest's own.
    ///
    /// # Errors
    /// There is no such stream.
    pub fn stream(&self, name: &str, world: &World<'_>) -> Result<AnyStream, Failure> {
        let now = world.host.now_micros();
        if let Some(stream) = self.static_streams(now)?.into_iter().find(|stream| stream.name() == name) {
            return Ok(stream.clone());
        }
        let made = dynamic::resolve(self, world)?.into_iter().map(|(_, made)| made).find(|stream| stream.name() == name);
        made.ok_or_else(|| system(format!("there is no stream `{name}`")))
    }

    /// Reads a stream from a state to its end. Failures of single slices are in the summary.
    ///
    /// # Errors
    /// The stream cannot begin, or the host wants the run to end.
    pub fn read(&self, name: &str, number: u32, state: Option<&Value>, host: &dyn Host) -> Result<Summary, Failure> {
        let world = World::new(host);
        let stream = self.stream(name, &world)?;
        let state = state.and_then(Value::as_dict).cloned().unwrap_or_default();
        let building = self.building(host.now_micros());
        let reading = Reading::new(&stream, &state, &building)?;
        Run::new(&world, reading, number, self.window(&building)).read()
    }

    pub(crate) fn building(&self, now: i64) -> Building<'_> {
        Building::new(&self.config, &self.parents, now)
    }

    fn window(&self, building: &Building<'_>) -> usize {
        let Some(concurrency) = &self.source.concurrency else { return WINDOW };
        let level = match building.value(&concurrency.default) {
            Ok(Value::Int(level)) => usize::try_from(level).unwrap_or(WINDOW),
            _ => WINDOW,
        };
        let maximum = concurrency.maximum.and_then(|maximum| usize::try_from(maximum).ok()).unwrap_or(MAXIMUM_WINDOW);
        level.min(maximum).clamp(1, MAXIMUM_WINDOW)
    }

    pub(crate) fn begin(&self, stream: &AnyStream, state: &Dict, now: i64) -> Result<Reading, Failure> {
        Reading::new(stream, state, &self.building(now))
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
