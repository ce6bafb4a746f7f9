//! Finds a component, reads its description, compiles it in a process of its own and keeps the compiled code. Runs nothing of it.
//!
//! Compiled code is native code: it is loaded only if its digest is the one that this hub recorded when it compiled it. Anything else in the cache
//! is compiled again. What a component imports and exports is read from its type, never from what it says about itself.

mod compile;
mod shape;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::description::{self, Description};
use hub_core::manifest::ConnectorRef;
use hub_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use wasmtime::component::Component;

pub use compile::{Compiler, VERB, compile_component_main};
pub use shape::{Generation, Shape};

use super::engine;
use crate::config::Config;
use crate::lowcode::{self, Carried, LowCode};

/// The greatest size of a component.
const MAX_COMPONENT_BYTES: u64 = 64 << 20;
/// The greatest size of compiled code.
const MAX_COMPILED_BYTES: u64 = 1 << 30;

/// A component that was found and read, not yet compiled.
pub struct Package {
    /// Hex SHA-256 of the component; of component, manifest and labels together if it is a low-code connector.
    pub digest: String,
    /// What it says about itself.
    pub description: Arc<Description>,
    /// The low-code manifest that the component runs, if it is there for one.
    pub low_code: Option<Arc<LowCode>>,
    /// That manifest, if it came in one file with the component.
    pub carried: Option<Arc<Carried>>,
    /// Hex SHA-256 of the part that is compiled: what compiled code belongs to.
    component: String,
    bytes: Vec<u8>,
    /// Bytes of that part, from the first one on; behind it a component may carry texts.
    compiled_bytes: usize,
    ready: OnceCell<Ready>,
}

/// A component that can be started.
pub struct Ready {
    /// What it imports and exports in truth.
    pub shape: Shape,
    pub(super) component: Component,
}

/// Where digests of compiled code are kept, so that a file in the cache can be told from one that somebody put there.
pub trait Ledger: Send + Sync {
    /// Hex SHA-256 recorded under a key.
    fn digest(&self, key: &str) -> Option<String>;
    /// Records a digest; it must survive the process.
    fn record(&self, key: &str, digest: &str) -> BoxFuture<'static, Result<(), Problem>>;
}

/// Where components are compiled and their code is kept.
#[derive(Clone)]
pub struct Workshop {
    /// Folder for compiled code, created when needed.
    pub cache: PathBuf,
    /// Its digests.
    pub ledger: Arc<dyn Ledger>,
    /// Who compiles.
    pub compiler: Compiler,
}

/// Finds a component and reads its description; for low-code manifests see [`Package::low_code`]. `folder`: what a path is relative to.
///
/// # Errors
/// E007 if there is none, E303 or E304 if its description cannot be used.
pub fn find(connector: &ConnectorRef, folder: &Path, config: &Config) -> Result<Package, Problem> {
    let path = match connector {
        ConnectorRef::Builtin(name) => config.connectors.join(format!("{name}.wasm")),
        ConnectorRef::Path(path) | ConnectorRef::LowCode(path) => folder.join(path),
        ConnectorRef::Oci(_) | ConnectorRef::Plugin(_) => return Err(elsewhere(connector)),
    };
    let inside = !matches!(connector, ConnectorRef::Builtin(name) if name.contains(['/', '\\', '.']));
    let found = if inside { read(&path, MAX_COMPONENT_BYTES) } else { Err(io::ErrorKind::NotFound.into()) };
    Package::of(found.map_err(|error| missing(connector, &path, &error))?)
}

impl Package {
    /// The component.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the component says about itself, unread: from it the description can be made again. Of a low-code connector, the one that runs it.
    #[must_use]
    pub fn claim(&self) -> String {
        let engine = description::text(self.compiled()).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
        match &self.carried {
            Some(carried) => carried.claim(&engine),
            None => engine,
        }
    }

    /// The part of it that is code.
    fn compiled(&self) -> &[u8] {
        self.bytes.get(..self.compiled_bytes).unwrap_or_default()
    }

    /// Takes a component from memory.
    ///
    /// # Errors
    /// E303 or E304 if its description cannot be used; E010 or E011 for a low-code manifest that it carries.
    pub fn of(component: Vec<u8>) -> Result<Self, Problem> {
        let read = Carried::read(&component)?;
        let engine = read.as_ref().map_or(component.as_slice(), |(engine, _)| engine);
        let mut description = description::read(engine)
            .map_err(|error| Problem::new(error.code(), format!("the connector's description cannot be used: {error}"), error.help()))?;
        let (compiled, compiled_bytes, carried) = (hex(engine), engine.len(), read.map(|(_, carried)| Arc::new(carried)));
        let mut low_code = None;
        if let Some(carried) = &carried {
            let read = carried.understood()?;
            description = carried.description(&read, &description);
            low_code = Some(Arc::new(read));
        }
        let (digest, description) = (hex(&component), Arc::new(description));
        Ok(Self { digest, description, low_code, carried, component: compiled, bytes: component, compiled_bytes, ready: OnceCell::new() })
    }

    /// With its manifest as it was read for a system: what it claims stays what it is without one.
    #[must_use]
    pub fn serving(self, read: LowCode) -> Self {
        Self { low_code: Some(Arc::new(read)), ..self }
    }

    /// A low-code connector: the component that runs manifests, with what this manifest claims. `path`: the manifest's.
    ///
    /// # Errors
    /// E007, E303 or E304 for the component.
    pub fn low_code(read: LowCode, path: &Path, config: &Config) -> Result<Self, Problem> {
        let base = find(&ConnectorRef::Builtin(lowcode::COMPONENT.to_owned()), path, config)?;
        let description = Arc::new(read.description(path, &base.description));
        let digest = hex(format!("{}\n{}", base.component, read.digest).as_bytes());
        Ok(Self { digest, description, low_code: Some(Arc::new(read)), ..base })
    }

    /// Loads its compiled code, after compiling it where the cache has none that can be trusted. Once for each package.
    ///
    /// # Errors
    /// E007 if it is not a valid component for this sandbox, E302 if compiling took too much.
    pub async fn prepare(&self, workshop: &Workshop) -> Result<&Ready, Problem> {
        self.ready.get_or_try_init(|| self.load(workshop)).await
    }

    /// Compares what the component says with what it is.
    ///
    /// # Errors
    /// E304 for an ABI that this hub does not speak, E303 for a description that hides something. Foreign imports are the gate's (E305).
    pub fn verify(&self, ready: &Ready) -> Result<Generation, Problem> {
        ready.shape.verify(&self.description)
    }

    async fn load(&self, workshop: &Workshop) -> Result<Ready, Problem> {
        let engine = engine::shared()?;
        let key = format!("{}-{}", self.component, engine::settings_digest(engine));
        let component = match workshop.kept(&key).and_then(|code| load(&code).ok()) {
            Some(component) => component,
            None => {
                let code = workshop.compile(&key, self).await?;
                load(&code).map_err(|error| unusable(&self.description.name, &format!("its compiled code does not load: {error:#}")))?
            }
        };
        Ok(Ready { shape: Shape::of(engine, &component), component })
    }
}

impl Workshop {
    /// Compiled code whose digest is the recorded one.
    fn kept(&self, key: &str) -> Option<Vec<u8>> {
        let recorded = self.ledger.digest(key)?;
        let code = read(&self.cache.join(file_name(key)), MAX_COMPILED_BYTES).ok()?;
        if hex(&code) == recorded {
            return Some(code);
        }
        tracing::warn!("the cache holds compiled code that this hub did not write; it is compiled again");
        None
    }

    async fn compile(&self, key: &str, package: &Package) -> Result<Vec<u8>, Problem> {
        let name = &package.description.name;
        let (compiler, folder, target) = (self.compiler.clone(), self.cache.clone(), self.cache.join(file_name(key)));
        let component = package.compiled().to_vec();
        let work = tokio::task::spawn_blocking(move || compiler.compile(&folder, &component, &target));
        let compiled = work.await.map_err(|_| unusable(name, "the compiler stopped"))?;
        let code = compiled.map_err(|fault| fault.problem(name))?;
        self.ledger.record(key, &hex(&code)).await?;
        Ok(code)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that loads compiled code")]
#[expect(
    unsafe_code,
    reason = "compiled code is mapped and run; every caller has checked its digest against the ledger or has just compiled it"
)]
fn load(code: &[u8]) -> wasmtime::Result<Component> {
    let engine = engine::shared().map_err(wasmtime::Error::new)?;
    // SAFETY: these are the exact bytes that this hub's compiler wrote, for kept code by its digest in the ledger; no one else can change them now.
    unsafe { Component::deserialize(engine, code) }
}

fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is over {} MiB", limit >> 20)));
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

fn file_name(key: &str) -> String {
    format!("{key}.cwasm")
}

fn missing(connector: &ConnectorRef, path: &Path, error: &io::Error) -> Problem {
    let (name, help) = match connector {
        ConnectorRef::Builtin(name) => {
            (name, "build the connectors (`cargo xtask build`), or set HUB_CONNECTORS to the folder that holds them")
        }
        ConnectorRef::Path(name) | ConnectorRef::LowCode(name) => (name, "correct the path; it is relative to the file that names it"),
        ConnectorRef::Oci(_) | ConnectorRef::Plugin(_) => return elsewhere(connector),
    };
    Problem::new(Code::E007, format!("connector `{name}` cannot be read: {error}"), help).note(format!("looked for {}", path.display()))
}

/// The lock, which knows installed connectors, is not looked at here.
fn elsewhere(connector: &ConnectorRef) -> Problem {
    Problem::new(
        Code::E007,
        format!("connector `{connector}` cannot be read here"),
        "install it with `hub plugin install`, and run a manifest that names it",
    )
}

fn unusable(name: &str, reason: &str) -> Problem {
    Problem::new(Code::E007, format!("connector `{name}` cannot be prepared: {reason}"), "build it again, or ask its author")
}

#[cfg(test)]
mod tests;
