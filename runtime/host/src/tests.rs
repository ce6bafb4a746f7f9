//! What the tests of this crate share: a gate over a real policy, a store that remembers what was audited, components out of text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use hub_core::manifest::{self, Manifest, NoFiles, System};
use hub_core::policy::{Catalogue, Policy};
use hub_core::problem::{Code, Problem, Sources};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::capability::files::FilesState;
use crate::capability::run::Run;
use crate::clock::Clock;
use crate::egress::{Credentials, Egress, Lookup, SystemLookup};
use crate::gate::{Gate, RunContext};
use crate::plugin::abi::Setup;
use crate::plugin::package::{Compiler, Ledger, Package, Workshop};
use crate::store::Store;

/// The audit log of a store in memory.
pub(crate) struct Notes(Arc<dyn Store>);

impl Notes {
    /// Everything that was written, as text.
    pub(crate) fn text(&self) -> String {
        self.0.audit(0, 10_000).unwrap().iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    /// Codes of refusals in their order.
    pub(crate) fn denied(&self) -> Vec<Code> {
        let lines = self.0.audit(0, 10_000).unwrap();
        let entries = lines.iter().map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap());
        entries.filter_map(|entry| entry["code"].as_str().and_then(Code::parse)).collect()
    }
}

/// A manifest with one system `here`, its gate, and what the gate wrote.
pub(crate) struct World {
    pub(crate) gate: Arc<Gate>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) sources: Sources,
    pub(crate) system: System,
    pub(crate) lookup: Arc<dyn Lookup>,
}

/// `grants`: the keys of `[system.here]` besides `connector`. Paths in it are relative to `folder`.
pub(crate) fn world_in(folder: &Path, grants: &str) -> World {
    world_of(folder, "builtin:test", grants)
}

pub(crate) fn world_of(folder: &Path, connector: &str, grants: &str) -> World {
    let text = format!(
        "manifest = 1\noperator = {{ name = \"T\", contact = \"t@example.org\" }}\n[system.here]\nconnector = {connector:?}\n{grants}\n"
    );
    let name = folder.join("manifest.toml").display().to_string();
    let manifest: Manifest = manifest::read(&name, &text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let (sources, system) = (manifest.sources.clone(), manifest.systems["here"].clone());
    let policy =
        Policy::build(manifest, &Catalogue::new(), crate::clock::day(0, None)).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let store = crate::store::open("memory:").unwrap();
    let notes = Arc::new(Notes(Arc::clone(&store)));
    let gate = Arc::new(Gate::new(Arc::new(policy), store, RunContext::default(), Arc::new(crate::clock::SystemClock)));
    World { gate, notes, sources, system, lookup: Arc::new(SystemLookup) }
}

pub(crate) fn world(grants: &str) -> World {
    world_in(Path::new("."), grants)
}

impl World {
    pub(crate) fn egress(&self) -> Egress {
        let credentials = Credentials::read(&self.sources, &self.system).unwrap();
        Egress::new("here".into(), Arc::clone(&self.gate), credentials, Arc::clone(&self.lookup), Arc::new(crate::clock::SystemClock))
            .in_region(self.system.region.clone())
    }

    pub(crate) fn run(&self) -> Run {
        let files = FilesState::open(&self.sources, &self.system, std::collections::BTreeMap::new()).unwrap();
        Run::new("here".into(), "test".into(), Arc::clone(&self.gate), self.egress(), files)
    }

    /// A set-up that compiles in this process and keeps the code in `cache`.
    pub(crate) fn setup(&self, package: Package, cache: &Path) -> Setup {
        Setup {
            package: Arc::new(package),
            workshop: workshop(cache),
            sources: self.sources.clone(),
            system: self.system.clone(),
            gate: Arc::clone(&self.gate),
            lookup: Arc::clone(&self.lookup),
            clock: Arc::new(crate::clock::SystemClock),
            cancelled: Arc::default(),
            lifetime: None,
            open_records: false,
        }
    }
}

pub(crate) fn workshop(cache: &Path) -> Workshop {
    Workshop { cache: cache.to_owned(), ledger: Arc::new(Digests::default()), compiler: Compiler::InProcess }
}

/// A clock that stands still and remembers who wanted to wait.
pub(crate) struct Still {
    now_us: u64,
    sleeps: Mutex<Vec<Duration>>,
}

impl Still {
    pub(crate) fn at(now_us: u64) -> Self {
        Self { now_us, sleeps: Mutex::default() }
    }

    pub(crate) fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().unwrap().clone()
    }
}

impl Clock for Still {
    fn now_us(&self) -> u64 {
        self.now_us
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.sleeps.lock().unwrap().push(time);
        Box::pin(async {})
    }
}

/// A ledger in memory.
#[derive(Default)]
pub(crate) struct Digests(Mutex<HashMap<String, String>>);

impl Ledger for Digests {
    fn digest(&self, key: &str) -> Option<String> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn record(&self, key: &str, digest: &str) -> BoxFuture<'static, Result<(), Problem>> {
        self.0.lock().unwrap().insert(key.to_owned(), digest.to_owned());
        Box::pin(async { Ok(()) })
    }
}

/// The description of a source that imports these interfaces.
pub(crate) fn description(imports: &[&str]) -> String {
    serde_json::json!({
        "hub": "0.1", "name": "test", "version": "0.1.0", "summary": "A test.", "config": { "type": "object" },
        "imports": imports, "hosts": [], "source": { "streams": [], "any_stream": true }
    })
    .to_string()
}

/// A source whose `read` runs `body` (it leaves an i64 on the stack: the number of records) with these core imports.
pub(crate) fn source(imports: &str, body: &str) -> String {
    format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (global $next (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (block $fits (loop $grow
                    (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
                    (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
                    (br $grow)))
                (local.get $at))
            {body}
            (func (export "hub:connector/source@0.1.0#read") (param i32 i32 i32 i32) (result i32)
                (i64.store (i32.const 24) (call $work))
                (i32.store8 (i32.const 16) (i32.const 0))
                (i32.const 16))
            (func (export "hub:connector/source@0.1.0#check") (param i32 i32) (result i32)
                (i32.store8 (i32.const 16) (i32.const 0))
                (i32.const 16)))"#
    )
}

/// A component out of a core module in text, for a world of the ABI, with its description.
pub(crate) fn component(core: &str, world: &str, description: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/v0.1")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    encode(core, &resolve, world, description)
}

/// The same for a world that a test brings along as WIT text beside the ABI.
pub(crate) fn foreign_component(core: &str, wit: &[&str], world: &str, description: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/v0.1")).unwrap();
    let packages: Vec<_> = wit.iter().map(|text| resolve.push_str("test.wit", text).unwrap()).collect();
    let world = resolve.select_world(&packages[packages.len() - 1..], Some(world)).unwrap();
    encode(core, &resolve, world, description)
}

fn encode(core: &str, resolve: &Resolve, world: wit_parser::WorldId, description: &str) -> Vec<u8> {
    let mut module = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    let mut bytes = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    append_section(&mut bytes, description.as_bytes());
    bytes
}

/// Appends the custom section with the description.
pub(crate) fn append_section(component: &mut Vec<u8>, content: &[u8]) {
    let name = hub_core::description::SECTION.as_bytes();
    let mut section = leb(name.len());
    section.extend_from_slice(name);
    section.extend_from_slice(content);
    component.push(0);
    component.extend(leb(section.len()));
    component.extend(section);
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}
