//! `hub resume`: lets a flow go on that a rule paused (HUB-E213). What it usually reads is learned anew.

use clap::Args;
use hub_core::audit::{Draft, Kind};
use hub_core::problem::{Code, Problem};

use super::{Failure, Place, load, run};
use crate::store::format::Progress;
use crate::store::{Durability, Namespace, Put, Transaction};

#[derive(Args, Debug)]
pub(super) struct Resume {
    /// The flow
    flow: String,
    #[command(flatten)]
    place: Place,
}

impl Resume {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        let loaded = load::load(&self.place.manifest, &config)?;
        let flows = &loaded.policy.manifest().flows;
        if !flows.contains_key(&self.flow) {
            let known: Vec<&str> = flows.keys().map(String::as_str).collect();
            let title = format!("flow `{}` is not declared", self.flow);
            return Err(Problem::new(Code::E009, title, format!("declared flows: {}", known.join(", "))).into());
        }
        let store = run::open(&config)?;
        let failed = |error: crate::store::StoreError| Failure::from(run::store_problem(&error));
        let stored = store.get(Namespace::Progress, self.flow.as_bytes()).map_err(failed)?;
        let progress = stored.map_or_else(|| Ok(Progress::default()), |bytes| Progress::decode(&bytes)).map_err(failed)?;
        if progress.paused.is_none() {
            super::print_text(&format!("flow `{}` is not paused\n", self.flow));
            return Ok(0);
        }
        let progress = Progress { paused: None, volumes: Vec::new(), ..progress };
        let put = Put { namespace: Namespace::Progress, key: self.flow.clone().into_bytes(), value: Some(progress.encode()) };
        let draft = Draft { flow: Some(self.flow.clone()), ..Draft::new(Kind::FlowResumed) };
        let written = super::runtime()?.block_on(store.commit(Transaction { puts: vec![put], audit: vec![draft] }, Durability::Sync));
        written.map_err(failed)?;
        super::print_text(&format!("✓ flow `{}` goes on with its next run\n", self.flow));
        Ok(0)
    }
}
