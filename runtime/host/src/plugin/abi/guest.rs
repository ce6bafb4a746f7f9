//! One living instance, whatever its ABI generation: its store, its end, and what a call's outcome means. Converts no WIT type.
//!
//! Invariants: after a trap or a dropped call nothing is called again; a refusal outweighs whatever the guest answers.

use std::future::Future;
use std::sync::Arc;

use hub_core::problem::{Code, Problem};
use tokio::time;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Linker, ResourceTable};

use super::{Prepared, refusal};
use crate::capability::run::Run;
use crate::capability::runtime::clean;
use crate::plugin::engine::{self, Meter, Metered};
use crate::plugin::trap::{self, Stopped};
use crate::plugin::{ErrorKind, PluginError};

const MAX_RESOURCES: usize = 1024;
/// What is kept of a guest's text.
pub(super) const MAX_MESSAGE_BYTES: usize = 2 << 10;

/// Host state of an instance.
pub(super) struct State {
    pub(super) run: Arc<Run>,
    pub(super) table: ResourceTable,
    meter: Meter,
}

impl Metered for State {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl State {
    /// A call that looks something up: its time is the guest's. Fails once a guest had its chance to end.
    pub(super) fn glance(&self) -> wasmtime::Result<()> {
        if self.run.may_still_call() { Ok(()) } else { Err(wasmtime::Error::new(Stopped)) }
    }

    /// A call by which the guest hands work to the host: its computing time counts anew, unless it was told to end.
    pub(super) fn work(&mut self) -> wasmtime::Result<()> {
        self.glance()?;
        if self.run.refusal().is_none() {
            self.meter.rest();
        }
        Ok(())
    }

    /// A call that makes the host walk over a body, at about a gigabyte a second, on the guest's time.
    pub(super) fn walk(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.glance()?;
        let within = self.meter.spend(std::time::Duration::from_nanos(bytes as u64));
        if within { Ok(()) } else { Err(wasmtime::Error::new(Stopped)) }
    }
}

/// An instance and its store.
pub(super) struct Guest {
    pub(super) store: Store<State>,
    pub(super) connector: Arc<str>,
    until: Option<time::Instant>,
    dead: bool,
}

/// What a guest says when it does not do it.
pub(super) struct Complaint {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) retry_after_ms: Option<Option<u32>>,
}

impl Guest {
    /// Makes the store and the instance in it, and finds the exports that are to be called.
    pub(super) async fn start<T>(
        prepared: Prepared<'_>,
        linker: &Linker<State>,
        exports: impl FnOnce(&InstancePre<State>, &mut Store<State>, &Instance) -> wasmtime::Result<T>,
    ) -> Result<(Self, T), PluginError> {
        let connector = Arc::clone(&prepared.run.connector);
        let failed = |problem: Problem| refusal(&connector, &problem);
        let engine = engine::shared().map_err(failed)?;
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let state = State { run: Arc::new(prepared.run), table, meter: Meter::new(prepared.setup.system.limits).map_err(failed)? };
        let until = prepared.setup.lifetime.map(|lifetime| time::Instant::now() + lifetime);
        let mut guest = Self { store: engine::store(engine, state), connector, until, dead: false };
        let pre = match linker.instantiate_pre(&prepared.ready.component) {
            Ok(pre) => pre,
            Err(error) => return Err(guest.misfit(&error).await),
        };
        let instance = limited(guest.until, pre.instantiate_async(&mut guest.store)).await;
        let instance = guest.settle(instance).await?;
        match exports(&pre, &mut guest.store, &instance) {
            Ok(exports) => Ok((guest, exports)),
            Err(error) => Err(guest.misfit(&error).await),
        }
    }

    /// The component asks for something that this ABI does not have.
    async fn misfit(&mut self, error: &wasmtime::Error) -> PluginError {
        let reason = clean(&format!("{error:#}"), MAX_MESSAGE_BYTES);
        let title = format!("connector `{}` does not fit ABI 0.1: {reason}", self.connector);
        let run = &self.store.data().run;
        let problem = run.gate.denied(&run.system, Problem::new(Code::E304, title, "use a version of the connector for this hub")).await;
        refusal(&self.connector, &problem)
    }

    /// Calls only while the instance lives.
    pub(super) fn alive(&self) -> Result<(), PluginError> {
        if self.dead { Err(self.error(Code::E301, "it has ended before".to_owned())) } else { Ok(()) }
    }

    pub(super) fn until(&self) -> Option<time::Instant> {
        self.until
    }

    /// What a call's outcome means: a refusal first, then the end of time, then a trap, then the guest's own answer.
    pub(super) async fn conclude<T>(
        &mut self,
        outcome: Option<wasmtime::Result<Result<T, Complaint>>>,
        failing: Code,
    ) -> Result<T, PluginError> {
        match self.settle(outcome).await? {
            Ok(done) => Ok(done),
            Err(complaint) => Err(PluginError {
                kind: Some(complaint.kind),
                retry_after_ms: complaint.retry_after_ms,
                ..self.error(failing, complaint.message)
            }),
        }
    }

    async fn settle<T>(&mut self, outcome: Option<wasmtime::Result<T>>) -> Result<T, PluginError> {
        let trapped = !matches!(outcome, Some(Ok(_)));
        self.dead |= trapped;
        if let Some(problem) = self.store.data().run.refusal() {
            self.dead = true;
            return Err(refusal(&self.connector, problem));
        }
        let crash = match outcome {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => trap::explain(&error, &self.store.data().meter),
            None => trap::Crash { code: Code::E302, message: "its time was up".to_owned(), frame: None },
        };
        let error = PluginError { frame: crash.frame, ..self.error(crash.code, crash.message) };
        if error.code != Code::E301 {
            let run = &self.store.data().run;
            let help = "look at the connector, or raise `limits` of the system";
            let denied = Problem::new(error.code, format!("connector `{}` was stopped: {}", error.connector, error.message), help);
            run.gate.denied(&run.system, denied).await;
        }
        Err(error)
    }

    fn error(&self, code: Code, message: String) -> PluginError {
        PluginError { code, connector: self.connector.to_string(), kind: None, message, frame: None, retry_after_ms: None, refusal: None }
    }
}

/// None if the time was up first.
pub(super) async fn limited<T>(until: Option<time::Instant>, call: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => time::timeout_at(until, call).await.ok(),
        None => Some(call.await),
    }
}
