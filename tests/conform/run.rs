//! One run of a case through the whole program, with the outside that belongs to it: clock, detour, an inlet that keeps everything.

use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use hub::capability::{Accepted, Inlet, Page, PageAccepted, Refused};
use hub::clock::Clock;
use hub::egress::Lookup;
use hub::gate::{Gate, RunContext};
use hub::lowcode;
use hub::plugin::abi::{self, Setup};
use hub::plugin::package::Workshop;
use hub::plugin::{PluginError, ReadRequest, Source};
use hub_core::gate::{FieldPlan, PlanRequest, PlannedField, ScanReport};
use hub_core::manifest::{ConnectorRef, OnInvalid};
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, FieldPath, StreamId};
use hub_core::stream::StreamShape;
use hub_core::treat::Treatment;
use serde_json::{Value, json};
use url::Url;

use super::Failure;
use super::case::{Case, LABEL, micros};
use super::wire::Wire;

/// Longest life of an instance.
const LIFETIME: Duration = Duration::from_secs(120);

/// Where runs of a case take place.
pub struct Place<'a> {
    pub case: &'a Case,
    pub workshop: &'a Workshop,
    pub wire: &'a Rc<Wire>,
    pub port: u16,
}

/// What is to be read, and how.
pub struct Wanted {
    stream: String,
    reset: Value,
    now: i64,
    state: Option<Vec<u8>>,
    /// Recorded types of failures.
    failures: Vec<String>,
}

/// What came out, in the form of `compare.py`.
pub struct Outcome {
    pub json: Value,
    /// Records stayed outside of the sandbox.
    pub blind: bool,
    /// What the program says about a failure.
    pub said: Option<String>,
}

/// What a check of the connection came to.
pub struct Checked {
    pub status: &'static str,
    pub requests: Value,
    pub said: Option<String>,
}

impl Wanted {
    /// A recorded run by its name.
    pub fn new(golden: &Value, stream: &str, run: &str) -> Result<Self, Failure> {
        let again = run == "incremental";
        let reset = match run {
            "incremental" => json!({"phase": "incremental"}),
            "faults_once" => json!({"phase": "initial", "faults": "once"}),
            other => match other.strip_prefix("http_") {
                Some(status) => json!({"phase": "initial", "faults": {"status": status.parse::<u16>()?}}),
                None => json!({"phase": "initial"}),
            },
        };
        let earlier = &golden["streams"][stream]["runs"]["initial"]["state"]["stream"]["stream_state"];
        let state = (again && !earlier.is_null()).then(|| earlier.to_string().into_bytes());
        let now = micros(golden[if again { "now_incremental" } else { "now" }].as_str().unwrap_or_default())?;
        let errors = golden["streams"][stream]["runs"][run]["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let failures = errors.iter().filter(|error| error["final"] != true).filter_map(|error| error["failure_type"].as_str());
        Ok(Self { stream: stream.to_owned(), reset, now, state, failures: failures.map(str::to_owned).collect() })
    }
}

impl Wanted {
    /// A run of hub ends with one failure, where the reference tells one for each slice: one that is recorded several times counts as often.
    fn told(&self, said: &str) -> Vec<Value> {
        let own = failure_type(said);
        let times = if self.failures.iter().all(|recorded| recorded == own) { self.failures.len().max(1) } else { 1 };
        vec![json!({"failure_type": own, "message": said}); times]
    }
}

impl Place<'_> {
    /// Reads a stream to its end.
    pub fn read(&self, wanted: &Wanted) -> Result<Outcome, Failure> {
        self.prepare(&wanted.reset)?;
        let clock = Arc::new(Still { now: wanted.now, waits: Mutex::default() });
        let name = lowcode::hub_name(&wanted.stream).ok_or_else(|| format!("`{}` cannot be the name of a stream", wanted.stream))?;
        let kept = Arc::new(Kept::new(self.case.streams.iter().find(|claim| claim.name == name).map(|claim| claim.shape.clone())));
        let request = ReadRequest {
            flow: "conform".into(),
            stream: StreamId { system: "case".into(), stream: name.into() },
            fields: Vec::new(),
            state: wanted.state.as_deref().and_then(Cursor::new),
            full_refresh: false,
            limit: None,
        };
        let ended = self.with_source(&clock, &kept, async |source| source.read(vec![request]).await.map(drop))?;
        let requests = self.requests()?;
        let content = kept.content();
        let errors: Vec<Value> = ended.iter().flat_map(|error| wanted.told(error)).collect();
        let mut result = json!({
            "requests": requests, "records": content.records, "state": content.state,
            "status": if ended.is_none() { "COMPLETE" } else { "INCOMPLETE" }, "errors": errors,
        });
        // Of a manifest with a budget the recording holds the waits before retries only.
        if !self.case.has_budget {
            result["waits"] = json!(*clock.waits());
        }
        Ok(Outcome { json: result, blind: content.pages > 0 && content.batches == 0, said: ended })
    }

    /// Checks the connection.
    pub fn check(&self, now: &str) -> Result<Checked, Failure> {
        self.prepare(&json!({"phase": "initial"}))?;
        let clock = Arc::new(Still { now: micros(now)?, waits: Mutex::default() });
        let kept = Arc::new(Kept::new(None));
        let said = self.with_source(&clock, &kept, async |source| source.check().await)?;
        Ok(Checked { status: if said.is_none() { "COMPLETE" } else { "INCOMPLETE" }, requests: self.requests()?, said })
    }

    fn prepare(&self, reset: &Value) -> Result<(), Failure> {
        for (file, secret) in &self.case.secrets {
            std::fs::write(file, secret)?;
        }
        self.wire.send("POST", "/__ctl/reset", &[("Content-Type".into(), "application/json".into())], Some(&serde_json::to_vec(reset)?))?;
        Ok(())
    }

    fn requests(&self) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.wire.send("GET", "/__ctl/log", &[], None)?.body)?)
    }

    /// Starts an instance and lets it work; answers with what it failed with.
    fn with_source(
        &self,
        clock: &Arc<Still>,
        kept: &Arc<Kept>,
        work: impl AsyncFnOnce(&mut Box<dyn Source>) -> Result<(), PluginError>,
    ) -> Result<Option<String>, Failure> {
        let store = hub::store::open("memory:")?;
        let setup = Setup {
            package: self.case.package.clone(),
            workshop: self.workshop.clone(),
            sources: self.case.policy.manifest().sources.clone(),
            system: self.case.system.clone(),
            gate: Arc::new(Gate::new(self.case.policy.clone(), store, RunContext::default(), Arc::new(hub::clock::SystemClock))),
            lookup: Arc::new(Detour(self.port)),
            clock: clock.clone(),
            cancelled: Arc::new(AtomicBool::new(false)),
            lifetime: Some(LIFETIME),
            open_records: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            match abi::open_source(setup, kept.clone()).await {
                Ok(mut source) => work(&mut source).await.err().map(|error| format!("{}: {}", error.code, error.message)),
                Err(problem) => Some(format!("{}: {}", problem.code, problem.title)),
            }
        }))
    }
}

/// A plan under which every declared field passes, and what a page adds and shows as well: an operator declares such fields where the schema does not.
fn plan(shape: &StreamShape, page: &Page) -> Result<FieldPlan, String> {
    let mut shape = shape.clone();
    for name in page.constants.iter().map(|(name, _)| name).chain(&page.observe) {
        if let Some(path) = FieldPath::parse(name).filter(|path| shape.at(path).is_none()) {
            shape.declare(&path, LABEL).map_err(|error| error.to_string())?;
        }
    }
    let fields = shape.fields.keys().filter_map(|name| FieldPath::parse(name));
    let request = PlanRequest {
        fields: fields.map(|path| PlannedField { to: path.clone(), path, treatment: Treatment::Keep }).collect(),
        on_invalid: OnInvalid::Skip,
        ..PlanRequest::new(&shape)
    };
    FieldPlan::compile(request).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// By the words that the host puts before what a guest says.
fn failure_type(said: &str) -> &'static str {
    let said = said.split_once(": ").map_or(said, |(_, rest)| rest);
    if said.starts_with("wrong configuration") || said.starts_with("the credential was refused") {
        "config_error"
    } else if said.starts_with("it may work later") {
        "transient_error"
    } else if said.starts_with("it failed") {
        "system_error"
    } else {
        "refused"
    }
}

/// A clock that stands still and keeps who wanted to wait.
struct Still {
    now: i64,
    waits: Mutex<Vec<f64>>,
}

impl Still {
    fn waits(&self) -> MutexGuard<'_, Vec<f64>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Still {
    fn now_us(&self) -> u64 {
        u64::try_from(self.now).unwrap_or_default()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.waits().push(time.as_secs_f64());
        Box::pin(async {})
    }
}

/// Every request goes to the case's API, with its own scheme and host in front of its path.
struct Detour(u16);

impl Lookup for Detour {
    fn lookup(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<std::net::IpAddr>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn detour(&self, url: &Url) -> Option<Url> {
        let rest = url.as_str().split_once("://")?.1;
        Url::parse(&format!("http://127.0.0.1:{}/__o/{}/{rest}", self.0, url.scheme())).ok()
    }
}

/// Everything that a source handed over, as it was; pages went through the gate's own scan.
struct Kept {
    shape: Option<StreamShape>,
    content: Mutex<Content>,
}

#[derive(Default)]
struct Content {
    records: Vec<Value>,
    state: Option<Value>,
    pages: u64,
    batches: u64,
}

impl Kept {
    fn new(shape: Option<StreamShape>) -> Self {
        Self { shape, content: Mutex::default() }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_page(&self, page: &Page) -> Result<PageAccepted, Refused> {
        let shape = self.shape.as_ref().ok_or_else(|| refused("the connector does not declare the stream".to_owned()))?;
        let plan = plan(shape, page).map_err(refused)?;
        let (mut lines, mut report) = (Vec::new(), ScanReport::default());
        let scanned = plan.scan_page(&page.body, &page.pointer, &page.constants, &page.observe, &mut lines, &mut report);
        let outcome = scanned.map_err(|stop| refused(stop.to_string()))?;
        let body: Value = serde_json::from_slice(&page.body).map_err(|error| refused(error.to_string()))?;
        let mut content = self.content();
        content.pages += 1;
        let found = match body.pointer(&page.pointer) {
            Some(Value::Array(items)) => items.clone(),
            Some(single @ Value::Object(_)) => vec![single.clone()],
            _ => Vec::new(),
        };
        for mut record in found {
            for (name, text) in &page.constants {
                record[name.as_str()] = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
            }
            content.records.push(record);
        }
        let accepted = Accepted { accepted: report.accepted, rejected: 0, dropped_fields: report.dropped_fields };
        Ok(PageAccepted { accepted, extracted: outcome.extracted, observed: outcome.observed })
    }

    fn take_lines(&self, lines: &[u8]) -> Result<Accepted, Refused> {
        let mut content = self.content();
        content.batches += 1;
        let mut accepted = 0;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            content.records.push(serde_json::from_slice(line).map_err(|error| refused(error.to_string()))?);
            accepted += 1;
        }
        Ok(Accepted { accepted, ..Accepted::default() })
    }
}

fn refused(reason: String) -> Refused {
    Refused(Arc::new(Problem::new(Code::E219, reason, "see the case")))
}

impl Inlet for Kept {
    fn batch(&self, _: u32, ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move { self.take_lines(&ndjson) })
    }

    fn deleted(&self, _: u32, _: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async { Err(refused("a low-code manifest reports no deletions".to_owned())) })
    }

    fn page(&self, _: u32, page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>> {
        Box::pin(async move { self.take_page(&page) })
    }

    fn checkpoint(&self, _: u32, state: Cursor) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            let state = serde_json::from_slice(state.as_bytes()).map_err(|error| refused(error.to_string()))?;
            self.content().state = Some(state);
            Ok(())
        })
    }
}

/// Compiles the component that runs manifests, once for all cases.
///
/// # Errors
/// There is none, or it cannot be compiled.
pub fn prepare(workshop: &Workshop, out: &Path) -> Result<(), Failure> {
    let settings = hub::config::Config::new(Some(out.to_owned()), None);
    let component = ConnectorRef::Builtin(lowcode::COMPONENT.to_owned());
    let package = hub::plugin::package::find(&component, out, &settings).map_err(|problem| problem.title)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(package.prepare(workshop)).map(drop).map_err(|problem| problem.title.into())
}
