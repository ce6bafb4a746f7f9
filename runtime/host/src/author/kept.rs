//! Where the records of a connector under trial go: kept as they came, and judged by its own schema. It can ask for the end, and it can refuse.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use hub_core::gate::{FieldPlan, PlanRequest, PlannedField, ScanReport};
use hub_core::manifest::OnInvalid;
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, FieldPath};
use hub_core::stream::StreamShape;
use hub_core::treat::Treatment;
use serde_json::Value;

use crate::capability::{Accepted, Inlet, Page, PageAccepted, Refused};
use crate::lowcode::put;

/// What a field is called that only a page adds.
const ADDED: &str = "system.operations";

/// What came.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Records as they came.
    pub records: Vec<Value>,
    /// Number of records before each state, and the state.
    pub states: Vec<(usize, Vec<u8>)>,
    /// Records that do not fit the declared schema.
    pub rejected: u64,
    /// How often records came.
    pub deliveries: usize,
    /// The greatest batch from inside the sandbox, in bytes.
    pub largest_batch: usize,
    /// Deliveries that came although the host had refused one before.
    pub after_refusal: usize,
}

/// When the trial interferes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interference {
    /// From this delivery on the connector is asked to end.
    pub cancel_at: Option<usize>,
    /// This delivery is refused.
    pub refuse_at: Option<usize>,
}

/// The inlet of one stream.
pub struct Kept {
    shape: StreamShape,
    interference: Interference,
    cancelled: Arc<AtomicBool>,
    content: Mutex<Content>,
}

impl Kept {
    pub fn new(shape: StreamShape, interference: Interference, cancelled: Arc<AtomicBool>) -> Self {
        Self { shape, interference, cancelled, content: Mutex::default() }
    }

    pub fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a delivery; asks for the end or refuses where that is wanted.
    fn begin(&self) -> Result<(), Refused> {
        let mut content = self.content();
        let number = content.deliveries;
        content.deliveries += 1;
        if self.interference.cancel_at.is_some_and(|at| number >= at) {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        if self.interference.refuse_at.is_some_and(|at| number > at) {
            content.after_refusal += 1;
        }
        match self.interference.refuse_at {
            Some(at) if number >= at => Err(refused("the trial refuses this delivery")),
            _ => Ok(()),
        }
    }

    fn count(&self, report: &ScanReport) {
        let mut content = self.content();
        content.rejected += report.rejected.values().map(|count| u64::from(*count)).sum::<u64>();
    }

    fn take_page(&self, page: &Page) -> Result<PageAccepted, Refused> {
        self.begin()?;
        let plan = plan(&self.shape, page).map_err(|why| refused(&why))?;
        let (mut lines, mut report) = (Vec::new(), ScanReport::default());
        let scanned = plan.scan_page(&page.body, &page.pointer, &page.constants, &page.observe, &mut lines, &mut report);
        let outcome = scanned.map_err(|stop| refused(&stop.to_string()))?;
        self.count(&report);
        let body: Value = serde_json::from_slice(&page.body).map_err(|_| refused("the page is no JSON"))?;
        let found = match body.pointer(&page.pointer) {
            Some(Value::Array(items)) => items.clone(),
            Some(single @ Value::Object(_)) => vec![single.clone()],
            _ => Vec::new(),
        };
        let mut content = self.content();
        for mut record in found {
            for (name, text) in &page.constants {
                put(&mut record, name, serde_json::from_str(text).unwrap_or_default());
            }
            content.records.push(record);
        }
        let accepted = Accepted { accepted: report.accepted, rejected: 0, dropped_fields: report.dropped_fields };
        Ok(PageAccepted { accepted, extracted: outcome.extracted, observed: outcome.observed })
    }

    fn take_lines(&self, lines: &[u8]) -> Result<Accepted, Refused> {
        self.begin()?;
        let plan = whole(&self.shape).map_err(|why| refused(&why))?;
        let (mut out, mut report) = (Vec::new(), ScanReport::default());
        plan.scan_lines(lines, &mut out, &mut report).map_err(|stop| refused(&stop.to_string()))?;
        self.count(&report);
        let mut content = self.content();
        content.largest_batch = content.largest_batch.max(lines.len());
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            content.records.push(serde_json::from_slice(line).map_err(|_| refused("a record is no JSON"))?);
        }
        Ok(Accepted { accepted: report.accepted, rejected: 0, dropped_fields: report.dropped_fields })
    }

    fn take_keys(lines: &[u8]) -> Result<Accepted, Refused> {
        let mut accepted = 0;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            serde_json::from_slice::<Value>(line).map_err(|_| refused("a key is no JSON"))?;
            accepted += 1;
        }
        Ok(Accepted { accepted, ..Accepted::default() })
    }
}

fn whole(shape: &StreamShape) -> Result<FieldPlan, String> {
    let fields = shape.fields.keys().filter_map(|name| FieldPath::parse(name));
    let request = PlanRequest {
        fields: fields.map(|path| PlannedField { to: path.clone(), path, treatment: Treatment::Keep }).collect(),
        on_invalid: OnInvalid::Skip,
        ..PlanRequest::new(shape)
    };
    FieldPlan::compile(request).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// What a page adds and shows counts as declared: an operator declares such fields where the schema does not.
fn plan(shape: &StreamShape, page: &Page) -> Result<FieldPlan, String> {
    let mut shape = shape.clone();
    for name in page.constants.iter().map(|(name, _)| name).chain(&page.observe) {
        if let Some(path) = FieldPath::parse(name).filter(|path| shape.at(path).is_none()) {
            shape.declare(&path, ADDED).map_err(|error| error.to_string())?;
        }
    }
    whole(&shape)
}

fn refused(why: &str) -> Refused {
    Refused(Arc::new(Problem::new(Code::E219, why, "see what the connector hands over")))
}

impl Inlet for Kept {
    fn batch(&self, _: u32, ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move { self.take_lines(&ndjson) })
    }

    fn deleted(&self, _: u32, keys: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move { Self::take_keys(&keys) })
    }

    fn page(&self, _: u32, page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>> {
        Box::pin(async move { self.take_page(&page) })
    }

    fn is_observable(&self, _: &str) -> bool {
        true
    }

    fn checkpoint(&self, _: u32, state: Cursor) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            let mut content = self.content();
            let before = content.records.len();
            content.states.push((before, state.as_bytes().to_vec()));
            Ok(())
        })
    }
}
