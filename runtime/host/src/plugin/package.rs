//! Finds a component, reads its description, compiles it in a process of its own and keeps the compiled code. Runs nothing of it.
//!
//! Compiled code is native code: it is loaded only if its digest is the one that this hub recorded when it compiled it. Anything else in the cache
//! is compiled again. What a component imports and exports is read from its type, never from what it says about itself.

mod compile;
mod shape;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use hub_core::description::{self, Description};
use hub_core::manifest::ConnectorRef;
use hub_core::problem::{Code, Problem, Sources, Span};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

pub use compile::{Compiler, compile_component_main};
pub use shape::{Generation, Shape};

use super::engine;
use crate::place::beside;

/// The greatest size of a component.
const MAX_COMPONENT_BYTES: u64 = 64 << 20;
/// The greatest size of compiled code.
const MAX_COMPILED_BYTES: u64 = 1 << 30;

/// Where digests of compiled code are kept, so that a file in the cache can be told from one that somebody put there.
pub trait Ledger: Send + Sync {
    /// Hex SHA-256 recorded under a key.
    fn digest(&self, key: &str) -> Option<String>;
    /// Records a digest; it must survive the process.
    fn record(&self, key: &str, digest: &str) -> BoxFuture<'static, Result<(), Problem>>;
}

/// A component, ready to be started.
pub struct Package {
    /// Hex SHA-256 of the component.
    pub digest: String,
    /// What it says about itself.
    pub description: Description,
    /// What it imports and exports in truth.
    pub shape: Shape,
    pub(super) component: Component,
}

impl Package {
    /// Compares what the component says with what it is.
    ///
    /// # Errors
    /// E304 for an ABI that this hub does not speak, E303 for a description that does not fit the component. Foreign imports are the gate's (E305).
    pub fn verify(&self) -> Result<Generation, Problem> {
        self.shape.verify(&self.description)
    }
}

/// Finds and prepares components.
pub struct Packages {
    connectors: PathBuf,
    cache: PathBuf,
    ledger: Arc<dyn Ledger>,
    compiler: Compiler,
    loaded: Mutex<HashMap<String, Arc<Package>>>,
}

impl Packages {
    /// `connectors`: the folder that `builtin:NAME` means. `cache`: the folder for compiled code, created when needed.
    #[must_use]
    pub fn new(connectors: PathBuf, cache: PathBuf, ledger: Arc<dyn Ledger>, compiler: Compiler) -> Self {
        Self { connectors, cache, ledger, compiler, loaded: Mutex::default() }
    }

    /// The component that a system names. `span` is the place of the name: a path is relative to the file that holds it.
    ///
    /// # Errors
    /// E007 if there is none or it cannot be prepared, E303 if it has no valid description, E302 if preparing took too much.
    pub async fn load(&self, sources: &Sources, connector: &ConnectorRef, span: Span) -> Result<Arc<Package>, Problem> {
        let bytes = self.bytes(sources, connector, span)?;
        let digest = hex(&bytes);
        if let Some(package) = self.loaded().get(&digest) {
            return Ok(Arc::clone(package));
        }
        let package = Arc::new(self.prepare(bytes, digest.clone()).await.map_err(|problem| problem.at(span, "named here"))?);
        self.loaded().insert(digest, Arc::clone(&package));
        Ok(package)
    }

    /// The description alone, without compiling: for `check`.
    ///
    /// # Errors
    /// E007 or E303.
    pub fn describe(&self, sources: &Sources, connector: &ConnectorRef, span: Span) -> Result<(String, Description), Problem> {
        let bytes = self.bytes(sources, connector, span)?;
        let description = described(&bytes).map_err(|problem| problem.at(span, "named here"))?;
        Ok((hex(&bytes), description))
    }

    fn bytes(&self, sources: &Sources, connector: &ConnectorRef, span: Span) -> Result<Vec<u8>, Problem> {
        let path = match connector {
            ConnectorRef::Builtin(name) => self.connectors.join(format!("{name}.wasm")),
            ConnectorRef::Path(path) => beside(sources, span, path),
        };
        let inside = !matches!(connector, ConnectorRef::Builtin(name) if name.contains(['/', '\\', '.']));
        let found = if inside { read(&path, MAX_COMPONENT_BYTES) } else { Err(io::ErrorKind::NotFound.into()) };
        found.map_err(|error| missing(connector, &path, &error).at(span, "named here"))
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Package>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn prepare(&self, bytes: Vec<u8>, digest: String) -> Result<Package, Problem> {
        let description = described(&bytes)?;
        let engine = engine::shared()?;
        let key = format!("{digest}-{}", engine::settings_digest(engine));
        let kept = self.cached(&key).and_then(|code| load(&code).ok());
        let component = match kept {
            Some(component) => component,
            None => {
                let code = self.compiled(&key, bytes, &description.name).await?;
                load(&code).map_err(|error| unusable(&description.name, &format!("its compiled code does not load: {error:#}")))?
            }
        };
        let shape = Shape::of(engine, &component);
        Ok(Package { digest, description, shape, component })
    }

    /// Compiled code whose digest is the recorded one.
    fn cached(&self, key: &str) -> Option<Vec<u8>> {
        let recorded = self.ledger.digest(key)?;
        let code = read(&self.cache.join(file_name(key)), MAX_COMPILED_BYTES).ok()?;
        if hex(&code) == recorded {
            return Some(code);
        }
        tracing::warn!("the cache holds compiled code that this hub did not write; it is compiled again");
        None
    }

    async fn compiled(&self, key: &str, bytes: Vec<u8>, name: &str) -> Result<Vec<u8>, Problem> {
        let folder = self.cache.clone();
        let compiler = self.compiler.clone();
        let target = self.cache.join(file_name(key));
        let work = tokio::task::spawn_blocking(move || compiler.compile(&folder, &bytes, &target));
        let compiled = work.await.map_err(|_| unusable(name, "the compiler stopped"))?;
        let code = compiled.map_err(|fault| fault.problem(name))?;
        self.ledger.record(key, &hex(&code)).await?;
        Ok(code)
    }
}

#[expect(unsafe_code, reason = "compiled code is mapped and run; every caller has checked its digest against the ledger or has just compiled it")]
fn load(code: &[u8]) -> wasmtime::Result<Component> {
    let engine = engine::shared().map_err(wasmtime::Error::new)?;
    // SAFETY: these are the exact bytes that this hub's compiler wrote, for `cached` by their digest in the ledger; no one else can change them now.
    unsafe { Component::deserialize(engine, code) }
}

fn described(bytes: &[u8]) -> Result<Description, Problem> {
    description::read(bytes).map_err(|error| {
        Problem::new(Code::E303, format!("the connector's description cannot be used: {error}"), "build the connector with hub's SDK, or ask its author")
    })
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
        ConnectorRef::Builtin(name) => (name, "build the connectors (`cargo xtask build`), or set HUB_CONNECTORS to the folder that holds them"),
        ConnectorRef::Path(name) => (name, "correct the path; it is relative to the file that names it"),
    };
    Problem::new(Code::E007, format!("connector `{name}` cannot be read: {error}"), help).note(format!("looked for {}", path.display()))
}

fn unusable(name: &str, reason: &str) -> Problem {
    Problem::new(Code::E007, format!("connector `{name}` cannot be prepared: {reason}"), "build it again, or ask its author")
}

#[cfg(test)]
mod tests;
