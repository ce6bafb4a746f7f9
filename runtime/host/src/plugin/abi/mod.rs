//! Opens a component: one match on its ABI generation. Behind it nobody knows versions.
//!
//! Before anything is linked, the component's type is compared with its description, and the gate is asked for its imports.

mod guest;
mod v0_1;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hub_core::manifest::System;
use hub_core::policy::ask::Ask;
use hub_core::problem::{Code, Problem, Sources};

use zeroize::Zeroizing;

use super::package::{Generation, Package, Ready, Workshop};
use super::{PluginError, Sink, Source};
use crate::capability::Inlet;
use crate::capability::files::{FilesState, Positions};
use crate::capability::run::Run;
use crate::capability::sql::Databases;
use crate::clock::Clock;
use crate::egress::{Credentials, Egress, Lookup, SecretFiles};
use crate::gate::{Asks, Cleared, Gate};

/// What an instance is started with, whatever it is started for.
#[derive(Clone)]
pub struct Setup {
    /// The component.
    pub package: Arc<Package>,
    /// Where it is compiled.
    pub workshop: Workshop,
    /// The manifest's texts: paths are relative to the file that names them.
    pub sources: Sources,
    /// The system that it serves, as declared.
    pub system: System,
    /// Where everything is asked.
    pub gate: Arc<Gate>,
    /// How names become addresses.
    pub lookup: Arc<dyn Lookup>,
    /// What time it is for the guest, and how it waits.
    pub clock: Arc<dyn Clock>,
    /// Set it when the run is to end; the guest is asked to stop, not stopped.
    pub cancelled: Arc<AtomicBool>,
    /// Longest life of the instance, waiting included; none = as long as it takes.
    pub lifetime: Option<Duration>,
    /// A low-code connector takes its records into the sandbox although its manifest does not want to look into them: the gate could not pass its
    /// pages under the labels in force. Grants nothing.
    pub open_records: bool,
}

/// Starts an instance that reads. Its records go to `inlet`.
///
/// # Errors
/// E007, E302 to E305, E308 or E312 before anything of it runs; E301 or E302 if it fails at its start. Refusals are in the audit log.
pub async fn open_source(setup: Setup, inlet: Arc<dyn Inlet>) -> Result<Box<dyn Source>, Arc<Problem>> {
    let (mut prepared, link) = prepare(&setup, BTreeMap::new()).await?;
    prepared.run.inlet = Some(inlet);
    let started = match link.get().generation {
        Generation::V0_1 => v0_1::Reading::start(prepared, link).await,
    };
    Ok(Box::new(started.map_err(|error| failed(&setup, &error))?))
}

/// A destination and what is committed with its checkpoints.
pub struct OpenSink {
    /// The instance.
    pub sink: Box<dyn Sink>,
    /// How far appended files are durable.
    pub positions: Positions,
    /// The transaction of its database.
    pub databases: Arc<Databases>,
}

/// Starts an instance that writes. `cut_to`: the committed lengths of appended files, if the last run of the flow did not reach its end.
///
/// # Errors
/// See [`open_source`].
pub async fn open_sink(setup: Setup, cut_to: BTreeMap<String, u64>) -> Result<OpenSink, Arc<Problem>> {
    let (prepared, link) = prepare(&setup, cut_to).await?;
    let (positions, databases) = (prepared.run.files.positions(), Arc::clone(&prepared.run.databases));
    let started = match link.get().generation {
        Generation::V0_1 => v0_1::Writing::start(prepared, link).await,
    };
    Ok(OpenSink { sink: Box::new(started.map_err(|error| failed(&setup, &error))?), positions, databases })
}

/// Everything that stands before the first instruction of the guest.
struct Prepared<'a> {
    ready: &'a Ready,
    run: Run,
    config: String,
    setup: &'a Setup,
}

/// A component's imports want to be linked.
#[derive(Debug)]
pub struct Link {
    system: Arc<str>,
    imports: Vec<String>,
    generation: Generation,
}

impl Asks for Link {
    fn ask(&self) -> Ask<'_> {
        Ask::Link { system: &self.system, imports: &self.imports }
    }
}

async fn prepare(setup: &Setup, cut_to: BTreeMap<String, u64>) -> Result<(Prepared<'_>, Cleared<Link>), Arc<Problem>> {
    let (package, system, gate) = (&setup.package, &setup.system, &setup.gate);
    let id: Arc<str> = system.id.value.as_str().into();
    let here = |problem: Problem| problem.at(system.connector.span, "this connector");
    let ready = match package.prepare(&setup.workshop).await {
        Ok(ready) => ready,
        // Not to be found, or not a component, is nobody's refusal.
        Err(problem) if problem.code == Code::E007 => return Err(Arc::new(here(problem))),
        Err(problem) => return Err(gate.denied(&id, here(problem)).await),
    };
    let generation = match package.verify(ready) {
        Ok(generation) => generation,
        Err(problem) => return Err(gate.denied(&id, here(problem)).await),
    };
    let link = gate.clear(Link { system: Arc::clone(&id), imports: ready.shape.imports.clone(), generation }).await?;
    let (config, started) = match &package.low_code {
        None => (system.config.value.to_string(), None),
        Some(low_code) => {
            let mut started = low_code.start(&setup.sources, system, micros(setup.clock.now_us()), setup.open_records)?;
            (std::mem::take(&mut started.guest), Some(started))
        }
    };
    let mut credentials = Credentials::read(&setup.sources, system)?;
    if let (Some(low_code), Some(started)) = (&package.low_code, started) {
        let origins = system.hosts.iter().map(|host| host.value.clone()).collect();
        let placeholders = started.secrets.into_iter().map(|(placeholder, secret)| (placeholder, Zeroizing::new(secret))).collect();
        let keeper = SecretFiles::new(&setup.sources, system);
        credentials = credentials.with_lowcode(low_code.manifest.clone(), started.real, placeholders, origins, Some(Arc::new(keeper)));
    }
    let files = FilesState::open(&setup.sources, system, cut_to)?;
    let egress = Egress::new(Arc::clone(&id), Arc::clone(gate), credentials, Arc::clone(&setup.lookup), Arc::clone(&setup.clock))
        .in_region(system.region.clone())
        .paced(system.rate.as_ref().map(|rate| rate.value));
    let databases = Databases::new(&setup.sources, system);
    let mut run = Run::new(id, package.description.name.as_str().into(), Arc::clone(gate), egress, files);
    run.cancelled = Arc::clone(&setup.cancelled);
    run.clock = Arc::clone(&setup.clock);
    run.databases = Arc::new(databases);
    Ok((Prepared { ready, run, config, setup }, link))
}

fn micros(now_us: u64) -> i64 {
    i64::try_from(now_us).unwrap_or(i64::MAX)
}

/// A refusal as the end of a call.
fn refusal(connector: &str, problem: &Problem) -> PluginError {
    PluginError {
        code: problem.code,
        connector: connector.to_owned(),
        kind: None,
        message: problem.title.clone(),
        frame: None,
        retry_after_ms: None,
        refusal: Some(Box::new(problem.clone())),
    }
}

/// The end of a call as a problem of the manifest's system.
fn failed(setup: &Setup, error: &PluginError) -> Arc<Problem> {
    let title = format!("connector `{}` did not start: {}", error.connector, error.message);
    let problem = Problem::new(error.code, title, "report it to the connector's author").at(setup.system.connector.span, "this connector");
    Arc::new(match &error.frame {
        Some(frame) => problem.note(format!("in the guest's function `{frame}`")),
        None => problem,
    })
}

#[cfg(test)]
mod tests;
