//! An instance that writes.

use futures::future::BoxFuture;
use hub_core::manifest::WriteMode;
use hub_core::problem::Code;
use hub_core::stream::ValueKind;

use super::bindings::exports::hub::connector::destination as wit;
use super::{complaint, links};
use crate::capability::runtime::clean;
use crate::gate::Cleared;
use crate::plugin::abi::guest::{Guest, limited};
use crate::plugin::abi::{Link, Prepared};
use crate::plugin::{PluginError, RowFailure, Sink, TargetField, WriteReport, WriteTarget};

const MAX_ROW_CODE_BYTES: usize = 64;

/// A destination of ABI 0.1.
pub(in crate::plugin::abi) struct Writing {
    guest: Guest,
    destination: wit::Guest,
    config: String,
}

impl Writing {
    pub(in crate::plugin::abi) async fn start(prepared: Prepared<'_>, link: Cleared<Link>) -> Result<Self, PluginError> {
        let linker = links::linker(&prepared, link)?;
        let config = prepared.config.clone();
        let exports = Guest::start(prepared, &linker, |pre, store, instance| wit::GuestIndices::new(pre)?.load(store, instance)).await;
        exports.map(|(guest, destination)| Self { guest, destination, config })
    }
}

/// Calls a function of the destination: only while it lives, only within its time, and with the outcome's meaning.
macro_rules! call {
    ($self:ident, $function:ident($($argument:expr),*)) => {{
        $self.guest.alive()?;
        let until = $self.guest.until();
        let outcome = limited(until, $self.destination.$function(&mut $self.guest.store, $($argument),*)).await;
        let outcome = outcome.map(|called| called.map(|answer| answer.map_err(complaint)));
        $self.guest.conclude(outcome, Code::E307).await
    }};
}

impl Sink for Writing {
    fn open(&mut self, targets: Vec<WriteTarget>) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(async move {
            let targets: Vec<wit::Target> = targets.into_iter().zip(0..).map(|(target, index)| wit_target(target, index)).collect();
            call!(self, call_open(&self.config, &targets))
        })
    }

    fn write(&mut self, target: u32, idempotency_key: String, batch: Vec<u8>) -> BoxFuture<'_, Result<WriteReport, PluginError>> {
        Box::pin(async move {
            let answer: Result<wit::Report, PluginError> = call!(self, call_write(target, &idempotency_key, &batch));
            answer.map(report)
        })
    }

    fn delete(&mut self, target: u32, idempotency_key: String, keys: Vec<u8>) -> BoxFuture<'_, Result<WriteReport, PluginError>> {
        Box::pin(async move {
            let answer: Result<wit::Report, PluginError> = call!(self, call_delete(target, &idempotency_key, &keys));
            answer.map(report)
        })
    }

    fn flush(&mut self, target: u32) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(async move { call!(self, call_flush(target)) })
    }

    fn finish(&mut self, target: u32) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(async move { call!(self, call_finish(target)) })
    }

    fn check(&mut self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(async move { call!(self, call_check(&self.config)) })
    }
}

fn report(report: wit::Report) -> WriteReport {
    let failed = report.failed.into_iter().map(|failed| RowFailure { row: failed.row, code: clean(&failed.code, MAX_ROW_CODE_BYTES) });
    WriteReport { written: report.written, failed: failed.collect() }
}

fn wit_target(target: WriteTarget, index: u32) -> wit::Target {
    wit::Target {
        index,
        name: target.stream.stream.to_string(),
        mode: match target.mode {
            WriteMode::Append => wit::Mode::Append,
            WriteMode::Replace => wit::Mode::Replace,
            WriteMode::Upsert => wit::Mode::Upsert,
        },
        primary_key: target.primary_key.iter().map(ToString::to_string).collect(),
        fields: target.fields.into_iter().map(wit_field).collect(),
    }
}

fn wit_field(field: TargetField) -> wit::Field {
    let kind = match field.kind {
        ValueKind::Text => wit::Kind::Text,
        ValueKind::Integer => wit::Kind::Integer,
        ValueKind::Number => wit::Kind::Number,
        ValueKind::Boolean => wit::Kind::Boolean,
        ValueKind::Timestamp => wit::Kind::Timestamp,
        ValueKind::Date => wit::Kind::Date,
        ValueKind::Json => wit::Kind::Json,
    };
    wit::Field { name: field.name, kind, about: field.about }
}
