//! What one instance may use while it runs, and the mark that ends it. Knows no ABI and no wasmtime.
//!
//! Invariant: once something was refused, nothing is done for the instance any more, whatever it makes of the answer.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use hub_core::problem::{Code, Problem};

use super::Inlet;
use super::files::FilesState;
use super::sql::Databases;
use crate::clock::{Clock, SystemClock};
use crate::egress::Egress;
use crate::gate::{Asks, Cleared, Gate};

/// How often a guest may call the host after a refusal before it is stopped from outside.
const CALLS_AFTER_REFUSAL: u32 = 1000;

/// The host's side of one instance.
pub struct Run {
    /// System that the instance serves.
    pub system: Arc<str>,
    /// Name of its connector.
    pub connector: Arc<str>,
    /// Where everything is asked.
    pub gate: Arc<Gate>,
    /// Its only way to the network.
    pub egress: Egress,
    /// Its only way to files.
    pub files: FilesState,
    /// Its only way to databases.
    pub databases: Arc<Databases>,
    /// Where records go; none in a destination.
    pub inlet: Option<Arc<dyn Inlet>>,
    /// Set by the host when the run is to end.
    pub cancelled: Arc<AtomicBool>,
    /// What time it is, and how waiting is done.
    pub clock: Arc<dyn Clock>,
    /// When the run began.
    pub began: Instant,
    pub(super) log_lines: AtomicU32,
    pub(super) under_way: AtomicUsize,
    refusal: OnceLock<Arc<Problem>>,
    calls_after_refusal: AtomicU32,
}

/// The run has ended for the guest: something was refused, and the host knows what.
#[derive(Clone, Debug)]
pub struct Ended(pub Arc<Problem>);

impl Run {
    /// A run at its beginning.
    #[must_use]
    pub fn new(system: Arc<str>, connector: Arc<str>, gate: Arc<Gate>, egress: Egress, files: FilesState) -> Self {
        Self {
            system,
            connector,
            gate,
            egress,
            files,
            databases: Arc::default(),
            inlet: None,
            cancelled: Arc::default(),
            clock: Arc::new(SystemClock),
            began: Instant::now(),
            log_lines: AtomicU32::new(0),
            under_way: AtomicUsize::new(0),
            refusal: OnceLock::new(),
            calls_after_refusal: AtomicU32::new(0),
        }
    }

    /// What was refused first.
    #[must_use]
    pub fn refusal(&self) -> Option<&Arc<Problem>> {
        self.refusal.get()
    }

    /// Marks the run as refused; the first mark stays.
    pub fn end(&self, problem: Arc<Problem>) -> Ended {
        Ended(Arc::clone(self.refusal.get_or_init(|| problem)))
    }

    /// Every effect begins with this.
    ///
    /// # Errors
    /// The earlier refusal.
    pub fn going(&self) -> Result<(), Ended> {
        self.refusal.get().map_or(Ok(()), |problem| Err(Ended(Arc::clone(problem))))
    }

    /// Counts calls of a guest that was told to end. False once it had its chance.
    pub fn may_still_call(&self) -> bool {
        self.refusal.get().is_none() || self.calls_after_refusal.fetch_add(1, Ordering::Relaxed) < CALLS_AFTER_REFUSAL
    }

    /// Asks the gate and marks the run if the answer is no.
    ///
    /// # Errors
    /// The refusal, or an earlier one.
    pub async fn clear<T: Asks>(&self, cargo: T) -> Result<Cleared<T>, Ended> {
        self.going()?;
        self.gate.clear(cargo).await.map_err(|problem| self.end(problem))
    }

    /// Refuses for a reason of the sandbox itself.
    pub async fn refuse(&self, problem: Problem) -> Ended {
        let problem = self.gate.denied(&self.system, problem).await;
        self.end(problem)
    }

    /// Refuses an argument that is greater than the interface allows (E306).
    ///
    /// # Errors
    /// The refusal; nothing if the size is within the limit.
    pub async fn within(&self, what: &str, size: usize, limit: usize) -> Result<(), Ended> {
        if size <= limit {
            return Ok(());
        }
        let title = format!("the connector of system `{}` passed {what} of {size}, the limit is {limit}", self.system);
        Err(self.refuse(Problem::new(Code::E306, title, "tell the author of the connector: the interface states its limits")).await)
    }
}
