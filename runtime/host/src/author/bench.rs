//! A connector under trial: declared as its `test.toml` says, started in the sandbox, and read as a flow would read it. Nothing of it is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use hub_core::description::HostClaim;
use hub_core::manifest::{self, Manifest, NoFiles, System};
use hub_core::policy::{Catalogue, Policy};
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, FieldPath, StreamId};
use hub_core::stream::StreamShape;
use serde_json::Value;
use url::Url;

use super::kept::{Content, Interference, Kept};
use super::project::{TRIAL, text};
use crate::clock::{self, Clock, SystemClock};
use crate::egress::Lookup;
use crate::gate::{Gate, RunContext};
use crate::lowcode::{self, Reading};
use crate::plugin::abi::{self, OpenSink, Setup};
use crate::plugin::package::{Compiler, Ledger, Package, Ready, Workshop};
use crate::plugin::{PluginError, ReadRequest};
use crate::store;

/// Longest life of an instance.
const LIFETIME: Duration = Duration::from_secs(60);
const SYSTEM: &str = "trial";

/// How a trial is declared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared<'a> {
    /// Secrets are read where `test.toml` says; otherwise the connector gets invented ones.
    pub real_secrets: bool,
    /// Where its system really is: the first of its hosts becomes this one.
    pub at: Option<&'a Url>,
}

/// A connector and the system that it is declared to serve.
pub struct Bench {
    /// What is tried.
    pub package: Arc<Package>,
    /// The first host that is declared for it, if there is one.
    pub origin: Option<String>,
    /// Texts that stand for secrets.
    pub secrets: Vec<String>,
    /// Somebody wrote down what it is tried with.
    pub is_written: bool,
    policy: Arc<Policy>,
    system: System,
    workshop: Workshop,
    /// Its files are there as long as it is.
    _home: Home,
}

/// What is to be read, and how.
#[derive(Clone)]
pub struct Wanted<'a> {
    /// The stream.
    pub stream: &'a str,
    /// State of an earlier run.
    pub state: Option<Vec<u8>>,
    /// Everything must be read.
    pub full_refresh: bool,
    /// End after about so many records.
    pub limit: Option<u64>,
    /// Only these fields; none = all that it declares.
    pub fields: Option<Vec<FieldPath>>,
    /// When the trial interferes.
    pub interference: Interference,
    /// It is asked to end before it begins.
    pub cancelled: bool,
    /// Where requests go.
    pub lookup: Arc<dyn Lookup>,
    /// What time it is.
    pub timing: Timing,
}

/// What time it is in a trial: its clock stands still, so that a recording plays as it was made.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The moment, in milliseconds since 1970.
    pub at_ms: u64,
    /// Waiting takes its time: there is a real system behind it.
    pub waits: bool,
}

impl<'a> Wanted<'a> {
    /// All of a stream, from the beginning.
    #[must_use]
    pub fn all(stream: &'a str, lookup: Arc<dyn Lookup>, timing: Timing) -> Self {
        let interference = Interference::default();
        Self { stream, state: None, full_refresh: false, limit: None, fields: None, interference, cancelled: false, lookup, timing }
    }
}

/// How a trial went.
#[derive(Debug)]
pub struct Seen {
    /// What was handed over.
    pub content: Content,
    /// The connector's own count, or why it failed.
    pub ended: Result<u64, PluginError>,
    /// For how long it wanted to wait.
    pub waits: Vec<Duration>,
}

impl Bench {
    /// Declares a connector as `test.toml` in its folder says; without one, as it says itself.
    ///
    /// # Errors
    /// What is wrong with `test.toml`, with the configuration in it, or with the connector.
    pub fn open(package: Package, folder: &Path, declared: Declared<'_>, cache: &Path, compiler: Compiler) -> Result<Self, Problem> {
        let home = Home::new(cache)?;
        let path = folder.join(TRIAL);
        let is_written = path.is_file();
        let mut table = if is_written { written(&path)? } else { toml::Table::new() };
        let mut secrets = Vec::new();
        if !declared.real_secrets {
            invent(&mut table, &home, &mut secrets)?;
        }
        settle(&mut table, &package, folder, &home)?;
        let origin = first_host(&table);
        if let (Some(url), Some(origin)) = (declared.at, &origin) {
            moved(&mut table, origin, &url.origin().ascii_serialization());
        }
        let mut manifest = declare(&table, &path)?;
        if let Some(system) = manifest.systems.get_mut(SYSTEM) {
            system.low_code = package.low_code.is_some();
        }
        let system = manifest.systems.get(SYSTEM).cloned().ok_or_else(|| wrong(&path, "it declares no system"))?;
        let package = serving(package, &mut manifest, &system, &path)?;
        if declared.real_secrets {
            secrets = real(&manifest, &system)?;
        }
        if package.low_code.is_none() && is_written {
            configured(&package, &system, &path)?;
        }
        let package = Arc::new(package);
        let catalogue: Catalogue = [(SYSTEM.to_owned(), package.description.clone())].into();
        let policy = Policy::build(manifest, &catalogue, clock::day(clock::now_ms() * 1000, None))
            .map_err(|denied| first(denied.problems, &path))?;
        let workshop = workshop(cache, compiler);
        Ok(Self { package, origin, secrets, is_written, policy: Arc::new(policy), system, workshop, _home: home })
    }

    /// Names of the streams that it declares.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.package.description.source.iter().flat_map(|source| &source.streams).map(|stream| stream.name.as_str())
    }

    /// The declared shape of a stream; an empty one for a stream that is not declared.
    #[must_use]
    pub fn shape(&self, stream: &str) -> StreamShape {
        let streams = self.package.description.source.iter().flat_map(|source| &source.streams);
        streams.filter(|claim| claim.name == stream).map(|claim| claim.shape.clone()).next().unwrap_or_default()
    }

    /// Compiles it, or takes compiled code that this user's hub has made.
    ///
    /// # Errors
    /// E007 or E302.
    pub async fn ready(&self) -> Result<&Ready, Problem> {
        self.package.prepare(&self.workshop).await
    }

    /// Reads a stream.
    pub async fn read(&self, wanted: Wanted<'_>) -> Seen {
        let shape = self.shape(wanted.stream);
        let cancelled = Arc::new(AtomicBool::new(wanted.cancelled));
        let kept = Arc::new(Kept::new(shape.clone(), wanted.interference, cancelled.clone()));
        let clock = Arc::new(Still::at(wanted.timing));
        let obstacles = |read: &Arc<crate::lowcode::LowCode>| !read.obstacles(wanted.stream, &shape).is_empty();
        let setup = Setup {
            open_records: self.package.low_code.as_ref().is_some_and(obstacles),
            ..self.setup(wanted.lookup, clock.clone(), cancelled)
        };
        let request = ReadRequest {
            flow: SYSTEM.into(),
            stream: StreamId { system: SYSTEM.into(), stream: wanted.stream.into() },
            fields: wanted.fields.unwrap_or_else(|| shape.leaves().into_iter().map(|(path, _)| path).collect()),
            state: wanted.state.as_deref().and_then(Cursor::new),
            full_refresh: wanted.full_refresh,
            limit: wanted.limit,
        };
        let ended = match abi::open_source(setup, kept.clone()).await {
            Ok(mut source) => source.read(vec![request]).await,
            Err(problem) => Err(not_started(&problem)),
        };
        let content = kept.content().clone();
        let waits = clock.waits().clone();
        Seen { content, ended, waits }
    }

    /// Asks whether its system can be reached.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, lookup: Arc<dyn Lookup>, timing: Timing) -> Result<(), PluginError> {
        let clock = Arc::new(Still::at(timing));
        let setup = self.setup(lookup, clock, Arc::default());
        if self.package.description.source.is_some() {
            let kept = Arc::new(Kept::new(StreamShape::default(), Interference::default(), Arc::default()));
            abi::open_source(setup, kept).await.map_err(|problem| not_started(&problem))?.check().await
        } else {
            abi::open_sink(setup, BTreeMap::new()).await.map_err(|problem| not_started(&problem))?.sink.check().await
        }
    }

    /// Starts it as a destination.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn sink(&self, lookup: Arc<dyn Lookup>, timing: Timing) -> Result<OpenSink, PluginError> {
        let clock = Arc::new(Still::at(timing));
        abi::open_sink(self.setup(lookup, clock, Arc::default()), BTreeMap::new()).await.map_err(|problem| not_started(&problem))
    }

    fn setup(&self, lookup: Arc<dyn Lookup>, clock: Arc<dyn Clock>, cancelled: Arc<AtomicBool>) -> Setup {
        let store = Arc::new(store::MemoryStore::new(store::Options::default()));
        let gate = Gate::new(self.policy.clone(), store, RunContext::default(), Arc::new(SystemClock));
        Setup {
            package: self.package.clone(),
            workshop: self.workshop.clone(),
            sources: self.policy.manifest().sources.clone(),
            system: self.system.clone(),
            gate: Arc::new(gate),
            lookup,
            clock,
            cancelled,
            lifetime: Some(LIFETIME),
            open_records: false,
        }
    }
}

fn not_started(problem: &Problem) -> PluginError {
    PluginError {
        code: problem.code,
        connector: String::new(),
        kind: None,
        message: problem.title.clone(),
        frame: None,
        retry_after_ms: None,
        refusal: Some(Box::new(problem.clone())),
    }
}

fn wrong(path: &Path, why: &str) -> Problem {
    let help = "it has one table, `[system]`, with the keys of `[system.ID]` in a manifest: config, hosts, credentials, secrets, grants";
    Problem::new(Code::E006, format!("`{}` cannot be used: {why}", path.display()), help)
}

fn first(problems: impl IntoIterator<Item = Problem>, path: &Path) -> Problem {
    let found = problems.into_iter().find(|problem| !problem.code.is_warning());
    match found {
        Some(problem) => Problem { labels: Vec::new(), patch: None, ..problem }.note(format!("declared by `{}`", path.display())),
        None => wrong(path, "its system is denied"),
    }
}

/// The table `[system]`.
fn written(path: &Path) -> Result<toml::Table, Problem> {
    let text = text(path)?;
    let mut whole: toml::Table = toml::from_str(&text).map_err(|error| wrong(path, error.message()))?;
    match (whole.remove("system"), whole.keys().next()) {
        (Some(toml::Value::Table(system)), None) if !system.contains_key("connector") => Ok(system),
        (_, Some(other)) => Err(wrong(path, &format!("it has `{other}`"))),
        _ => Err(wrong(path, "`[system]` is not there, or names a connector")),
    }
}

/// Puts an invented secret in the place of each real one.
fn invent(table: &mut toml::Table, home: &Home, secrets: &mut Vec<String>) -> Result<(), Problem> {
    let mut places: Vec<&mut toml::Value> = Vec::new();
    for (key, inner) in table.iter_mut() {
        let Some(inner) = inner.as_table_mut().filter(|_| matches!(key.as_str(), "secrets" | "credentials")) else { continue };
        for (_, place) in inner.iter_mut() {
            if key == "secrets" {
                places.push(place);
            } else if let Some(value) = place.as_table_mut().and_then(|credential| credential.get_mut("value")) {
                places.push(value);
            }
        }
    }
    for place in places {
        let secret = format!("hub-trial-secret-{}", secrets.len());
        let file = home.0.join(&secret);
        std::fs::write(&file, &secret).map_err(|error| super::build::unwritable(&file, &error))?;
        let named = toml::Table::from_iter([("file".to_owned(), toml::Value::String(file.display().to_string()))]);
        *place = toml::Value::Table(named);
        secrets.push(secret);
    }
    Ok(())
}

/// Folders become copies, hosts and grants are what the connector says unless they are written.
fn settle(table: &mut toml::Table, package: &Package, folder: &Path, home: &Home) -> Result<(), Problem> {
    for (name, grant) in table.get_mut("folders").and_then(toml::Value::as_table_mut).into_iter().flatten() {
        let Some(path) = grant.as_table_mut().and_then(|grant| grant.get_mut("path")) else { continue };
        let from = folder.join(path.as_str().unwrap_or_default());
        let copy = home.0.join(name);
        copied(&from, &copy).map_err(|error| super::build::unwritable(&copy, &error))?;
        *path = toml::Value::String(copy.display().to_string());
    }
    if !table.contains_key("hosts") && package.description.imports.iter().any(|import| import == "http") {
        let hosts = hosts(table, package);
        table.insert("hosts".to_owned(), toml::Value::Array(hosts.into_iter().map(toml::Value::String).collect()));
    }
    if package.description.read_body && !table.contains_key("grants") {
        table.insert("grants".to_owned(), toml::Value::Array(vec![toml::Value::String("read-body".to_owned())]));
    }
    Ok(())
}

fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Where it says that it connects to.
fn hosts(table: &toml::Table, package: &Package) -> BTreeSet<String> {
    let config = table.get("config").map_or_else(|| Value::Object(serde_json::Map::new()), |config| serde_json::json!(config));
    let mut found = BTreeSet::new();
    for claim in &package.description.hosts {
        match claim {
            HostClaim::Origin(origin) => {
                found.insert(origin.clone());
            }
            HostClaim::Config(key) => {
                let url = config.get(key).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
                found.extend(url.map(|url| url.origin().ascii_serialization()));
            }
        }
    }
    if let Some(carried) = &package.carried {
        let texts = carried.texts(&mut hub_core::problem::Sources::default());
        let (read, _) = lowcode::read(&texts, Reading { config: Some(&config), ..Reading::default() });
        found.extend(read.into_iter().flat_map(|read| read.inspection.hosts.origins).map(|origin| origin.origin));
    }
    found
}

fn first_host(table: &toml::Table) -> Option<String> {
    let host = table.get("hosts")?.as_array()?.first()?.as_str()?;
    Url::parse(host).ok().map(|url| url.origin().ascii_serialization())
}

/// The system is elsewhere: its origin becomes another one, in hosts and configuration.
fn moved(table: &mut toml::Table, from: &str, to: &str) {
    fn walk(value: &mut toml::Value, from: &str, to: &str) {
        match value {
            toml::Value::String(text) if text.starts_with(from) => *text = text.replacen(from, to, 1),
            toml::Value::Array(items) => items.iter_mut().for_each(|item| walk(item, from, to)),
            toml::Value::Table(fields) => fields.iter_mut().for_each(|(_, field)| walk(field, from, to)),
            _ => {}
        }
    }
    for key in ["config", "hosts", "credentials"] {
        if let Some(value) = table.get_mut(key) {
            walk(value, from, to);
        }
    }
}

fn declare(table: &toml::Table, path: &Path) -> Result<Manifest, Problem> {
    let mut system = table.clone();
    system.insert("connector".to_owned(), toml::Value::String("./trial.wasm".to_owned()));
    let systems = toml::Table::from_iter([(SYSTEM.to_owned(), toml::Value::Table(system))]);
    let operator = toml::Table::from_iter(
        [("name", "Trial"), ("contact", "trial@example.org")].map(|(key, value)| (key.to_owned(), toml::Value::String(value.to_owned()))),
    );
    let whole = toml::Table::from_iter([
        ("manifest".to_owned(), toml::Value::Integer(1)),
        ("operator".to_owned(), toml::Value::Table(operator)),
        ("system".to_owned(), toml::Value::Table(systems)),
    ]);
    manifest::read(&path.display().to_string(), &whole.to_string(), &NoFiles).map_err(|failed| first(failed.problems, path))
}

/// With its low-code manifest read for the system, if it carries one.
fn serving(package: Package, manifest: &mut Manifest, system: &System, path: &Path) -> Result<Package, Problem> {
    let Some(carried) = package.carried.clone() else { return Ok(package) };
    let texts = carried.texts(&mut manifest.sources);
    let reading = Reading { hub: Some(manifest), system: Some(system), now_micros: 0, ..Reading::default() };
    match lowcode::read(&texts, reading) {
        (Some(read), problems) if problems.is_empty() => Ok(package.serving(read)),
        (_, problems) => Err(first(problems, path)),
    }
}

/// Its own schema over the configuration.
fn configured(package: &Package, system: &System, path: &Path) -> Result<(), Problem> {
    let validator = jsonschema::validator_for(&package.description.config)
        .map_err(|_| wrong(path, "the connector's schema of its configuration cannot be used"))?;
    match validator.iter_errors(&system.config.value).next() {
        None => Ok(()),
        Some(error) => {
            let place = error.instance_path().to_string();
            Err(wrong(path, &format!("`config{place}` {}", crate::place::without_value(&error))))
        }
    }
}

/// Texts of the real secrets.
fn real(manifest: &Manifest, system: &System) -> Result<Vec<String>, Problem> {
    let named = system.secrets.values().map(|place| (place.span, &place.value));
    let bound = system.credentials.values().map(|credential| (credential.span, &credential.value));
    let read = |(span, place)| {
        crate::egress::read_secret(&manifest.sources, span, place)
            .map(|secret| secret.to_string())
            .map_err(|why| Problem::new(Code::E312, format!("a secret of {TRIAL} cannot be read: {why}"), "put it where test.toml says"))
    };
    named.chain(bound).map(read).collect()
}

/// A folder that goes when it is dropped.
struct Home(PathBuf);

impl Home {
    fn new(cache: &Path) -> Result<Self, Problem> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = cache.join("trials").join(format!("{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| super::build::unwritable(&folder, &error))?;
        Ok(Self(std::path::absolute(&folder).unwrap_or(folder)))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A clock that stands still and keeps who wanted to wait.
struct Still {
    timing: Timing,
    waits: Mutex<Vec<Duration>>,
}

impl Still {
    fn at(timing: Timing) -> Self {
        Self { timing, waits: Mutex::default() }
    }

    fn waits(&self) -> MutexGuard<'_, Vec<Duration>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Still {
    fn now_us(&self) -> u64 {
        self.timing.at_ms * 1000
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.waits().push(time);
        if self.timing.waits { SystemClock.sleep(time) } else { Box::pin(async {}) }
    }
}

/// Compiled code in a folder of this user, its digests in a file beside it.
#[must_use]
pub fn workshop(folder: &Path, compiler: Compiler) -> Workshop {
    let cache = folder.join("compiled");
    let ledger = Digests { file: folder.join("compiled.json"), known: Mutex::default(), is_read: AtomicBool::new(false) };
    Workshop { cache, ledger: Arc::new(ledger), compiler }
}

struct Digests {
    file: PathBuf,
    known: Mutex<HashMap<String, String>>,
    is_read: AtomicBool,
}

impl Digests {
    fn known(&self) -> MutexGuard<'_, HashMap<String, String>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_read.swap(true, Ordering::Relaxed) {
            let kept = std::fs::read(&self.file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            *known = kept.unwrap_or_default();
        }
        known
    }
}

impl Ledger for Digests {
    fn digest(&self, key: &str) -> Option<String> {
        self.known().get(key).cloned()
    }

    fn record(&self, key: &str, digest: &str) -> BoxFuture<'static, Result<(), Problem>> {
        let mut known = self.known();
        known.insert(key.to_owned(), digest.to_owned());
        // A file that cannot be written costs the next start some seconds, no more.
        drop(std::fs::write(&self.file, serde_json::json!(*known).to_string()));
        Box::pin(async { Ok(()) })
    }
}
