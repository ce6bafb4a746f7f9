//! An instance that reads.

use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::problem::Code;

use super::bindings::exports::hub::connector::source as wit;
use super::{complaint, links};
use crate::capability::Inlet;
use crate::gate::Cleared;
use crate::plugin::abi::guest::{Guest, limited};
use crate::plugin::abi::{Link, Settings, run};
use crate::plugin::package::Package;
use crate::plugin::{PluginError, ReadRequest, Source};

/// A source of ABI 0.1.
pub(in crate::plugin::abi) struct Reading {
    guest: Guest,
    source: wit::Guest,
    config: String,
}

impl Reading {
    pub(in crate::plugin::abi) async fn start(
        package: &Package,
        link: Cleared<Link>,
        settings: Settings,
        inlet: Arc<dyn Inlet>,
    ) -> Result<Self, PluginError> {
        let mut run = run(package, &settings);
        run.inlet = Some(inlet);
        let linker = links::linker(package, link)?;
        let (mut guest, instance) = Guest::start(package, &linker, run, &settings).await?;
        let indices = linker.instantiate_pre(&package.component).and_then(|pre| wit::GuestIndices::new(&pre));
        let source = indices.and_then(|indices| indices.load(&mut guest.store, &instance));
        match source {
            Ok(source) => Ok(Self { guest, source, config: settings.config.to_string() }),
            Err(error) => Err(guest.misfit(&error).await),
        }
    }
}

impl Source for Reading {
    fn read(&mut self, requests: Vec<ReadRequest>) -> BoxFuture<'_, Result<u64, PluginError>> {
        Box::pin(async move {
            self.guest.alive()?;
            let streams: Vec<wit::StreamRequest> = requests.into_iter().zip(0..).map(|(request, index)| stream(request, index)).collect();
            let until = self.guest.until();
            let outcome = limited(until, self.source.call_read(&mut self.guest.store, &self.config, &streams)).await;
            let outcome = outcome.map(|called| called.map(|answer| answer.map(|summary| summary.records).map_err(complaint)));
            self.guest.conclude(outcome, Code::E307).await
        })
    }

    fn check(&mut self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(async move {
            self.guest.alive()?;
            let until = self.guest.until();
            let outcome = limited(until, self.source.call_check(&mut self.guest.store, &self.config)).await;
            let outcome = outcome.map(|called| called.map(|answer| answer.map_err(complaint)));
            self.guest.conclude(outcome, Code::E307).await
        })
    }
}

fn stream(request: ReadRequest, index: u32) -> wit::StreamRequest {
    wit::StreamRequest {
        index,
        name: request.stream.stream.to_string(),
        fields: request.fields.iter().map(ToString::to_string).collect(),
        state: request.state.map(|state| state.as_bytes().to_vec()),
        full_refresh: request.full_refresh,
        limit: request.limit,
    }
}
