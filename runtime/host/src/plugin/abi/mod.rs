//! Opens a component: one match on its ABI generation. Behind it nobody knows versions.
//!
//! Before anything is linked, the component's type is compared with its description, and the gate is asked for its imports.

mod guest;
mod v0_1;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hub_core::manifest::Limits;
use hub_core::policy::ask::Ask;
use hub_core::problem::Problem;

use super::package::{Generation, Package};
use super::{PluginError, Sink, Source};
use crate::capability::Inlet;
use crate::capability::files::FilesState;
use crate::capability::run::Run;
use crate::egress::Egress;
use crate::gate::{Asks, Cleared, Gate};

/// What an instance is started with, whatever it is started for.
pub struct Settings {
    /// System that it serves.
    pub system: Arc<str>,
    /// The system's configuration, checked against the description's schema.
    pub config: serde_json::Value,
    /// Where everything is asked.
    pub gate: Arc<Gate>,
    /// Its way to the network.
    pub egress: Arc<Egress>,
    /// Its way to files; keep a clone to read the positions for the checkpoint.
    pub files: Arc<FilesState>,
    /// The manifest's limits.
    pub limits: Limits,
    /// Set it when the run is to end; the guest is asked to stop, not stopped.
    pub cancelled: Arc<AtomicBool>,
    /// Longest life of the instance, waiting included; none = as long as it takes.
    pub lifetime: Option<Duration>,
}

/// Starts an instance that reads. Its records go to `inlet`.
///
/// # Errors
/// E303, E304, E305 before anything runs; E301 or E302 if it fails at its start. All but E301 are in the audit log.
pub async fn open_source(package: &Package, settings: Settings, inlet: Arc<dyn Inlet>) -> Result<Box<dyn Source>, PluginError> {
    let link = ask(package, &settings).await?;
    match link.get().generation {
        Generation::V0_1 => Ok(Box::new(v0_1::Reading::start(package, link, settings, inlet).await?)),
    }
}

/// Starts an instance that writes.
///
/// # Errors
/// See [`open_source`].
pub async fn open_sink(package: &Package, settings: Settings) -> Result<Box<dyn Sink>, PluginError> {
    let link = ask(package, &settings).await?;
    match link.get().generation {
        Generation::V0_1 => Ok(Box::new(v0_1::Writing::start(package, link, settings).await?)),
    }
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

async fn ask(package: &Package, settings: &Settings) -> Result<Cleared<Link>, PluginError> {
    let refused = |problem: Arc<Problem>| refusal(&package.description.name, &problem);
    let generation = match package.verify() {
        Ok(generation) => generation,
        Err(problem) => return Err(refused(settings.gate.denied(&settings.system, problem).await)),
    };
    let link = Link { system: Arc::clone(&settings.system), imports: package.shape.imports.clone(), generation };
    settings.gate.clear(link).await.map_err(refused)
}

/// A refusal as the end of a call.
fn refusal(connector: &str, problem: &Problem) -> PluginError {
    PluginError { code: problem.code, connector: connector.to_owned(), message: problem.title.clone(), frame: None, retry_after_ms: None }
}

fn run(package: &Package, settings: &Settings) -> Run {
    let mut run = Run::new(
        Arc::clone(&settings.system),
        package.description.name.as_str().into(),
        Arc::clone(&settings.gate),
        Arc::clone(&settings.egress),
        Arc::clone(&settings.files),
    );
    run.cancelled = Arc::clone(&settings.cancelled);
    run
}

#[cfg(test)]
mod tests;
