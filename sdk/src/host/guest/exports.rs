//! A connector's traits as the exports of a component: decodes the configuration, converts types, keeps the destination between calls.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::PanicHookInfo;
use std::sync::Once;

use super::bindings::hub::connector::types;
use super::{destination_world, full_world, source_world};
use crate::runtime::{Level, log};
use crate::{Batch, Destination, Error, Mode, Report, Source, StreamRequest, Target, config};

/// Exports a [`Source`].
#[derive(Debug)]
pub struct SourceComponent<S>(PhantomData<S>);

/// Exports a [`Destination`].
#[derive(Debug)]
pub struct DestinationComponent<D>(PhantomData<D>);

/// Exports both.
#[derive(Debug)]
pub struct FullComponent<S, D>(PhantomData<(S, D)>);

thread_local! {
    /// The destination of this run: one instance serves one run.
    static RUNNING: RefCell<Option<Box<dyn Running>>> = const { RefCell::new(None) };
}

/// An open destination of any type.
trait Running {
    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error>;
    fn flush(&mut self, target: u32) -> Result<(), Error>;
    fn finish(&mut self, target: u32) -> Result<(), Error>;
}

impl<D: Destination> Running for D {
    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        Destination::write(self, target, key, batch)
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

/// The exports of the `source` interface in one world.
macro_rules! source_exports {
    ($world:ident, $component:ty, <$($parameter:ident: $bound:ident),+>) => {
        impl<$($parameter: $bound + 'static),+> $world::exports::hub::connector::source::Guest for $component {
            fn check(config: String) -> Result<(), types::Error> {
                Ok(check_source::<S>(&config)?)
            }

            fn read(
                config: String,
                streams: Vec<$world::exports::hub::connector::source::StreamRequest>,
            ) -> Result<$world::exports::hub::connector::source::Summary, types::Error> {
                let requests: Vec<_> = streams
                    .into_iter()
                    .map(|stream| StreamRequest {
                        index: stream.index,
                        name: stream.name,
                        fields: stream.fields,
                        state: stream.state,
                        full_refresh: stream.full_refresh,
                        limit: stream.limit,
                    })
                    .collect();
                Ok($world::exports::hub::connector::source::Summary { records: read::<S>(&config, &requests)? })
            }
        }
    };
}

/// The exports of the `destination` interface in one world.
macro_rules! destination_exports {
    ($world:ident, $component:ty, <$($parameter:ident: $bound:ident),+>) => {
        impl<$($parameter: $bound + 'static),+> $world::exports::hub::connector::destination::Guest for $component {
            fn check(config: String) -> Result<(), types::Error> {
                Ok(check_destination::<D>(&config)?)
            }

            fn open(config: String, targets: Vec<$world::exports::hub::connector::destination::Target>) -> Result<(), types::Error> {
                use $world::exports::hub::connector::destination::Mode as WireMode;
                let targets = targets
                    .into_iter()
                    .map(|target| Target {
                        index: target.index,
                        name: target.name,
                        mode: match target.mode {
                            WireMode::Append => Mode::Append,
                            WireMode::Replace => Mode::Replace,
                            WireMode::Upsert => Mode::Upsert,
                        },
                        primary_key: target.primary_key,
                        fields: target.fields,
                    })
                    .collect();
                Ok(open::<D>(&config, targets)?)
            }

            fn write(target: u32, key: String, batch: Vec<u8>) -> Result<$world::exports::hub::connector::destination::Report, types::Error> {
                use $world::exports::hub::connector::destination as wire;
                let report = running(|running| running.write(target, &key, Batch::new(&batch)))?;
                let failed = report.failed.into_iter().map(|row| wire::RowError { row: row.row, code: row.code }).collect();
                Ok(wire::Report { written: report.written, failed })
            }

            fn flush(target: u32) -> Result<(), types::Error> {
                running(|running| running.flush(target))
            }

            fn finish(target: u32) -> Result<(), types::Error> {
                running(|running| running.finish(target))
            }
        }
    };
}

source_exports!(source_world, SourceComponent<S>, <S: Source>);
destination_exports!(destination_world, DestinationComponent<D>, <D: Destination>);
source_exports!(full_world, FullComponent<S, D>, <S: Source, D: Destination>);
destination_exports!(full_world, FullComponent<S, D>, <S: Source, D: Destination>);
