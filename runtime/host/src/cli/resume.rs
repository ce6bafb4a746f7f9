//! `hub resume`: lets a flow go on that a rule paused (HUB-E213). What it usually reads is learned anew.

use clap::Args;
use hub_core::audit::{Draft, Kind};

use super::{Failure, Place, commit, load, run, unknown_flow};
use crate::store::format::Progress;
use crate::store::{Namespace, Put};

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
        let manifest = loaded.policy.manifest();
        if !manifest.flows.contains_key(&self.flow) {
            return Err(unknown_flow(&self.flow, manifest));
        }
        let store = run::open(&config)?;
        let failed = |error: crate::store::StoreError| Failure::from(run::store_problem(&error));
        let stored = store.get(Namespace::Progress, self.flow.as_bytes()).map_err(failed)?;
        let progress = stored.map_or_else(|| Ok(Progress::default()), |bytes| Progress::decode(&bytes)).map_err(failed)?;
        if progress.paused.is_none() {
            super::print_text(&format!("flow `{}` is not paused\n", self.flow));
            return Ok(0);
        }
        let progress = Progress { paused: None, volumes: Vec::new(), hosts: None, ..progress };
        let put = Put { namespace: Namespace::Progress, key: self.flow.clone().into_bytes(), value: Some(progress.encode()) };
        let draft = Draft { flow: Some(self.flow.clone()), ..Draft::new(Kind::FlowResumed) };
        commit(&*store, vec![put], vec![draft])?;
        super::print_text(&format!("✓ flow `{}` goes on with its next run\n", self.flow));
        Ok(0)
    }
}
