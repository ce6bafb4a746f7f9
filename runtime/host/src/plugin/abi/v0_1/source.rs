//! An instance that reads.

use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::problem::Code;

use super::bindings::exports::hub::connector::source as wit;
use super::{complaint, links};
use crate::gate::Cleared;
use crate::lowcode::LowCode;
use crate::plugin::abi::guest::{Guest, limited};
use crate::plugin::abi::{Link, Prepared};
use crate::plugin::{PluginError, ReadRequest, Source};

/// A source of ABI 0.1.
pub(in crate::plugin::abi) struct Reading {
    guest: Guest,
    source: wit::Guest,
    config: String,
    low_code: Option<Arc<LowCode>>,
}

impl Reading {
    pub(in crate::plugin::abi) async fn start(prepared: Prepared<'_>, link: Cleared<Link>) -> Result<Self, PluginError> {
        let linker = links::linker(&prepared, link)?;
        let config = prepared.config.clone();
        let low_code = prepared.setup.package.low_code.clone();
        let exports = Guest::start(prepared, &linker, |pre, store, instance| wit::GuestIndices::new(pre)?.load(store, instance)).await;
        exports.map(|(guest, source)| Self { guest, source, config, low_code })
    }
}

impl Source for Reading {
    fn read(&mut self, requests: Vec<ReadRequest>) -> BoxFuture<'_, Result<u64, PluginError>> {
        Box::pin(async move {
            self.guest.alive()?;
            let streams: Vec<wit::StreamRequest> =
                requests.into_iter().zip(0..).map(|(request, index)| stream(request, index, self.low_code.as_deref())).collect();
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

fn stream(request: ReadRequest, index: u32, low_code: Option<&LowCode>) -> wit::StreamRequest {
    let name: &str = &request.stream.stream;
    wit::StreamRequest {
        index,
        name: low_code.map_or(name, |low_code| low_code.own_name(name)).to_owned(),
        fields: request.fields.iter().map(ToString::to_string).collect(),
        state: request.state.map(|state| state.as_bytes().to_vec()),
        full_refresh: request.full_refresh,
        limit: request.limit,
    }
}
