//! The only `wasmtime::Config`, the only engine of the process, and the limits of a store. Knows no ABI and no capability.
//!
//! One constructor, because compiled code fits only an engine with the same settings. Instances are allocated on demand: a run lives for seconds
//! to hours, so the 30 us that pooling would save do not count, while its reserved address space would.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

use hub_core::manifest::Limits;
use hub_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, ResourceLimiter, Store, Strategy, UpdateDeadline, WasmBacktraceDetails};

/// Length of an epoch: how soon a computing guest makes room for its neighbours.
const TICK: Duration = Duration::from_millis(10);
/// What one call between guest and host may carry: the greatest batch and some room for everything around it.
const MAX_CALL_BYTES: usize = hub_core::record::MAX_BATCH_BYTES + (1 << 20);
const MAX_HANDLES: usize = 1024;
const MAX_INSTANCES: usize = 64;
const MAX_TABLES: usize = 16;
const MAX_TABLE_ELEMENTS: usize = 30_000;
const MAX_MEMORIES: usize = 4;
const MAX_STACK_BYTES: usize = 512 << 10;
const DEFAULT_MEMORY_MIB: u32 = 256;
const DEFAULT_SECONDS: u32 = 30;

/// The engine of this process. The first call starts the thread that counts epochs.
///
/// # Errors
/// E007 if the sandbox cannot run on this machine.
pub fn shared() -> Result<&'static Engine, Problem> {
    machine().map(|machine| &machine.engine)
}

struct Machine {
    engine: Engine,
    ticker: Thread,
}

fn machine() -> Result<&'static Machine, Problem> {
    static MACHINE: OnceLock<Result<Machine, String>> = OnceLock::new();
    let made = MACHINE.get_or_init(|| start().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|reason| {
        Problem::new(
            Code::E007,
            format!("the sandbox cannot start: {reason}"),
            "run hub on a 64-bit machine and system that wasmtime supports",
        )
    })
}

fn start() -> wasmtime::Result<Machine> {
    let engine = Engine::new(&config())?;
    let ticked = engine.clone();
    let ticker = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || tick(&ticked))?;
    Ok(Machine { engine, ticker: ticker.thread().clone() })
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that configures the engine")]
fn config() -> Config {
    let mut config = Config::new();
    // Cranelift only: the fast compiler had security advisories of its own. Canonical NaN keeps runs reproducible.
    config.strategy(Strategy::Cranelift).cranelift_nan_canonicalization(true);
    // Epochs, no fuel: a quarter cheaper, and they reach a guest that never calls the host.
    config.epoch_interruption(true).consume_fuel(false);
    config.max_wasm_stack(MAX_STACK_BYTES).async_stack_size(2 << 20).async_stack_zeroing(true);
    config.concurrency_support(false);
    config.wasm_memory64(false).wasm_multi_memory(false).wasm_relaxed_simd(false).wasm_simd(true);
    config.wasm_backtrace_max_frames(NonZeroUsize::new(20)).wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // With a guard behind 4 GiB of reserved addresses no access needs a bounds check.
    config.memory_reservation(4 << 30).memory_guard_size(32 << 20).guard_before_linear_memory(true).memory_may_move(false);
    config.memory_init_cow(true);
    config
}

/// Names the engine's settings: compiled code is kept under it. Stable for one build of hub on one kind of processor.
pub fn settings_digest(engine: &Engine) -> String {
    let mut digest = DigestHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut digest);
    data_encoding::HEXLOWER.encode(&digest.0.finalize()[..16])
}

struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Host state of a store says where its meter is.
pub trait Metered: Send + 'static {
    /// The meter of this store.
    fn meter(&mut self) -> &mut Meter;
}

/// A store with all limits in place.
pub fn store<T: Metered>(engine: &Engine, state: T) -> Store<T> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| state.meter());
    store.set_hostcall_fuel(MAX_CALL_BYTES);
    store.set_max_component_handles(MAX_HANDLES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let within = context.data_mut().meter().spend(TICK);
        Ok(if within { UpdateDeadline::Yield(1) } else { UpdateDeadline::Interrupt })
    });
    store
}

/// What one instance has used of memory and of computing time between two calls to the host.
pub struct Meter {
    memory_limit: usize,
    memory: usize,
    refused: Option<String>,
    budget: Duration,
    spent: Duration,
    _ticking: Ticking,
}

impl Meter {
    /// A meter for one instance; the manifest's limits or the defaults (256 MiB, 30 s).
    ///
    /// # Errors
    /// See [`shared`].
    pub fn new(limits: Limits) -> Result<Self, Problem> {
        let ticking = Ticking::start(&machine()?.ticker);
        let mebibytes = limits.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB) as usize;
        Ok(Self {
            memory_limit: mebibytes.saturating_mul(1 << 20),
            memory: 0,
            refused: None,
            budget: Duration::from_secs(u64::from(limits.seconds.unwrap_or(DEFAULT_SECONDS))),
            spent: Duration::ZERO,
            _ticking: ticking,
        })
    }

    /// The guest handed work to the host: its time counts from the beginning.
    pub fn rest(&mut self) {
        self.spent = Duration::ZERO;
    }

    /// Counts time of the guest, or of the host on its behalf. False once the budget is used up.
    pub fn spend(&mut self, time: Duration) -> bool {
        self.spent = self.spent.saturating_add(time);
        self.spent <= self.budget
    }

    /// The budget that was used up, if it was.
    #[must_use]
    pub fn overspent(&self) -> Option<Duration> {
        (self.spent > self.budget).then_some(self.budget)
    }

    /// What the guest wanted and did not get, if there was something.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_add(desired.saturating_sub(current));
        if wanted > self.memory_limit {
            self.refused = Some(format!("more than {} MiB of memory", self.memory_limit >> 20));
            return Ok(false);
        }
        self.memory = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > MAX_TABLE_ELEMENTS {
            self.refused = Some(format!("a table of more than {MAX_TABLE_ELEMENTS} elements"));
        }
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

/// Keeps the epoch thread awake while an instance lives; without one it sleeps.
struct Ticking;

static LIVE: AtomicUsize = AtomicUsize::new(0);

impl Ticking {
    fn start(ticker: &Thread) -> Self {
        LIVE.fetch_add(1, Ordering::SeqCst);
        ticker.unpark();
        Self
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &Engine) {
    loop {
        if LIVE.load(Ordering::SeqCst) == 0 {
            std::thread::park();
        } else {
            std::thread::sleep(TICK);
            engine.increment_epoch();
        }
    }
}
