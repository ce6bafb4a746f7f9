//! A connector's traits as the exports of a component: decodes the configuration, converts types, keeps the destination between calls.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::PanicHookInfo;
use std::sync::Once;

use super::bindings::hub::connector::types;
use super::destination_world::exports::hub::connector::destination as wire_destination;
use super::source_world::exports::hub::connector::source as wire_source;
use crate::runtime::{Level, log};
use crate::{Batch, Destination, Error, Field, Kind, Mode, Report, Source, StreamRequest, Target, config};

/// Exports a [`Source`].
#[derive(Debug)]
pub struct SourceComponent<S>(PhantomData<S>);

/// Exports a [`Destination`].
#[derive(Debug)]
pub struct DestinationComponent<D>(PhantomData<D>);

thread_local! {
    /// The destination of this run: one instance serves one run.
    static RUNNING: RefCell<Option<Box<dyn Running>>> = const { RefCell::new(None) };
}

/// An open destination of any type.
trait Running {
    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error>;
    fn delete(&mut self, target: u32, key: &str, keys: Batch<'_>) -> Result<Report, Error>;
    fn flush(&mut self, target: u32) -> Result<(), Error>;
    fn finish(&mut self, target: u32) -> Result<(), Error>;
}

impl<D: Destination> Running for D {
    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        Destination::write(self, target, key, batch)
    }

    fn delete(&mut self, target: u32, key: &str, keys: Batch<'_>) -> Result<Report, Error> {
        Destination::delete(self, target, key, keys)
    }

    fn flush(&mut self, target: u32) -> Result<(), Error> {
        Destination::flush(self, target)
    }

    fn finish(&mut self, target: u32) -> Result<(), Error> {
        Destination::finish(self, target)
    }
}

fn check_source<S: Source>(text: &str) -> Result<(), Error> {
    report_panics();
    S::open(config::parse(text)?)?.check()
}

fn read<S: Source>(text: &str, requests: &[StreamRequest]) -> Result<u64, Error> {
    report_panics();
    S::open(config::parse(text)?)?.read(requests)
}

fn check_destination<D: Destination>(text: &str) -> Result<(), Error> {
    report_panics();
    D::check(config::parse(text)?)
}

fn open<D: Destination + 'static>(text: &str, targets: Vec<Target>) -> Result<(), Error> {
    report_panics();
    let opened = D::open(config::parse(text)?, targets)?;
    RUNNING.set(Some(Box::new(opened)));
    Ok(())
}

fn running<T>(act: impl FnOnce(&mut dyn Running) -> Result<T, Error>) -> Result<T, types::Error> {
    let answer = RUNNING.with_borrow_mut(|running| match running {
        Some(running) => act(running.as_mut()),
        None => Err(Error::permanent("the destination was not opened before it was used")),
    });
    Ok(answer?)
}

/// A panic ends the run as a trap; the log says where it was. Its message may hold a value of a record: it is left out.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
            let place = info.location().map(|location| format!("{}:{}", short_path(location.file()), location.line()));
            log(Level::Error, &format!("the connector panicked at {}", place.as_deref().unwrap_or("an unknown place")));
        }));
    });
}

/// The path from the crate's folder on: what stands before it is the build machine's.
fn short_path(path: &str) -> &str {
    let Some(source) = path.rfind("/src/") else { return path };
    let start = path.get(..source).and_then(|before| before.rfind('/')).map_or(0, |slash| slash + 1);
    path.get(start..).unwrap_or(path)
}

impl<S: Source> wire_source::Guest for SourceComponent<S> {
    fn check(config: String) -> Result<(), types::Error> {
        Ok(check_source::<S>(&config)?)
    }

    fn read(config: String, streams: Vec<wire_source::StreamRequest>) -> Result<wire_source::Summary, types::Error> {
        let requests: Vec<_> = streams.into_iter().map(StreamRequest::from).collect();
        Ok(wire_source::Summary { records: read::<S>(&config, &requests)? })
    }
}

impl<D: Destination + 'static> wire_destination::Guest for DestinationComponent<D> {
    fn check(config: String) -> Result<(), types::Error> {
        Ok(check_destination::<D>(&config)?)
    }

    fn open(config: String, targets: Vec<wire_destination::Target>) -> Result<(), types::Error> {
        Ok(open::<D>(&config, targets.into_iter().map(Target::from).collect())?)
    }

    fn write(target: u32, key: String, batch: Vec<u8>) -> Result<wire_destination::Report, types::Error> {
        Ok(running(|running| running.write(target, &key, Batch::new(&batch)))?.into())
    }

    fn delete(target: u32, key: String, keys: Vec<u8>) -> Result<wire_destination::Report, types::Error> {
        Ok(running(|running| running.delete(target, &key, Batch::new(&keys)))?.into())
    }

    fn flush(target: u32) -> Result<(), types::Error> {
        running(|running| running.flush(target))
    }

    fn finish(target: u32) -> Result<(), types::Error> {
        running(|running| running.finish(target))
    }
}

impl From<wire_source::StreamRequest> for StreamRequest {
    fn from(stream: wire_source::StreamRequest) -> Self {
        Self {
            index: stream.index,
            name: stream.name,
            fields: stream.fields,
            state: stream.state,
            full_refresh: stream.full_refresh,
            limit: stream.limit,
        }
    }
}

impl From<Report> for wire_destination::Report {
    fn from(report: Report) -> Self {
        let failed = report.failed.into_iter().map(|row| wire_destination::RowError { row: row.row, code: row.code }).collect();
        Self { written: report.written, failed }
    }
}

impl From<wire_destination::Target> for Target {
    fn from(target: wire_destination::Target) -> Self {
        let mode = match target.mode {
            wire_destination::Mode::Append => Mode::Append,
            wire_destination::Mode::Replace => Mode::Replace,
            wire_destination::Mode::Upsert => Mode::Upsert,
        };
        let fields = target.fields.into_iter().map(Field::from).collect();
        Self { index: target.index, name: target.name, mode, primary_key: target.primary_key, fields }
    }
}

impl From<wire_destination::Field> for Field {
    fn from(field: wire_destination::Field) -> Self {
        let kind = match field.kind {
            wire_destination::Kind::Text => Kind::Text,
            wire_destination::Kind::Integer => Kind::Integer,
            wire_destination::Kind::Number => Kind::Number,
            wire_destination::Kind::Boolean => Kind::Boolean,
            wire_destination::Kind::Timestamp => Kind::Timestamp,
            wire_destination::Kind::Date => Kind::Date,
            wire_destination::Kind::Json => Kind::Json,
        };
        Self { name: field.name, kind, about: field.about }
    }
}
