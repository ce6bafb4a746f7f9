//! Records for the engine itself: what templates of streams, schemas and checks want to know of the API.

use std::rc::Rc;

use crate::fault::Failure;
use crate::model::retriever::Retriever as Model;
use crate::model::stream::Stream;
use crate::reading::router::RouterRun;
use crate::reading::{Pages, Reading, Work};
use crate::retrieve::system;
use crate::retrieve::{Inject, Retriever, Walk};
use crate::slice::cursor::{Progress, Tracker};
use crate::slice::{Options, Slice};
use crate::stream::{Connector, Session};
use crate::value::{Dict, Value};

/// The first record of a retriever without partitions.
///
/// # Errors
/// The API fails.
pub fn first(connector: &Connector, model: &Model, name: &str, session: &Session<'_>) -> Result<Option<Value>, Failure> {
    let retriever = compile(connector, model, name, session)?;
    let nothing: Inject = Rc::new(|_| Options::default());
    let mut pages = pages(retriever.walk(Slice::default(), nothing)?, name, session);
    while let Some(records) = pages.next(&session.world)? {
        if let Some(record) = records.into_iter().next() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// All records of a retriever, each with its slice; more than `limit` are a failure.
///
/// # Errors
/// The API fails.
pub fn all(connector: &Connector, model: &Model, name: &str, limit: usize, session: &Session<'_>) -> Result<Vec<(Value, Slice)>, Failure> {
    let retriever = compile(connector, model, name, session)?;
    let none = no_schemas;
    let building = connector.building(session, &none);
    let mut router = RouterRun::new(model.partition_routers(), &Dict::new(), &building)?;
    let inject = building.inject(None, model.partition_routers())?;
    let mut found = Vec::new();
    while let Some(slice) = router.next(&session.world)? {
        let mut pages = pages(retriever.walk(slice.clone(), Rc::clone(&inject))?, name, session);
        while let Some(records) = pages.next(&session.world)? {
            found.extend(records.into_iter().map(|record| (record, slice.clone())));
            if found.len() > limit {
                return Err(system(format!("`{name}` finds more than {limit} records")));
            }
        }
    }
    Ok(found)
}

/// Reads a slice up to its first record, or to its end if it has none.
///
/// # Errors
/// The API fails.
pub fn reach(reading: &Reading, work: &Work, session: &Session<'_>) -> Result<(), Failure> {
    let mut pages = reading.pages(work)?;
    while let Some(records) = pages.next(&session.world)? {
        if !records.is_empty() {
            break;
        }
    }
    Ok(())
}

fn compile(connector: &Connector, model: &Model, name: &str, session: &Session<'_>) -> Result<Retriever, Failure> {
    let none = no_schemas;
    connector.building(session, &none).retriever(model, name)
}

fn pages(walk: Walk, name: &str, session: &Session<'_>) -> Pages {
    Pages::new(walk, Tracker::new(Progress::Final, None, "".into(), session.now()), Some(name.into()))
}

fn no_schemas(_: &Stream) -> Result<Value, Failure> {
    Ok(Value::Dict(Default::default()))
}
