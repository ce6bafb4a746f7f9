//! Links what a component imports and was granted, and nothing else.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::hub::connector::{files, http, pages, runtime, sink, sql, tables, types};
use crate::gate::Cleared;
use crate::plugin::abi::guest::State;
use crate::plugin::abi::{Link, Prepared, refusal};
use crate::plugin::{PluginError, engine};
use hub_core::problem::{Code, Problem};

/// The clearance covers what can be called; an interface that lends only types is linked with it, since there is nothing to call in it.
pub(super) fn linker(prepared: &Prepared<'_>, link: Cleared<Link>) -> Result<Linker<State>, PluginError> {
    let connector = &*prepared.run.connector;
    let engine = engine::shared().map_err(|problem| refusal(connector, &problem))?;
    let mut linker = Linker::new(engine);
    drop(link.into_inner());
    for interface in &prepared.ready.shape.named {
        add(&mut linker, interface).map_err(|error| {
            refusal(
                connector,
                &Problem::new(Code::E304, format!("interface `{interface}` cannot be linked: {error:#}"), "build the connector again"),
            )
        })?;
    }
    Ok(linker)
}

fn add(linker: &mut Linker<State>, interface: &str) -> wasmtime::Result<()> {
    type Own = HasSelf<State>;
    match interface {
        "files" => files::add_to_linker::<State, Own>(linker, |state| state),
        "http" => http::add_to_linker::<State, Own>(linker, |state| state),
        "pages" => pages::add_to_linker::<State, Own>(linker, |state| state),
        "runtime" => runtime::add_to_linker::<State, Own>(linker, |state| state),
        "sink" => sink::add_to_linker::<State, Own>(linker, |state| state),
        "sql" => sql::add_to_linker::<State, Own>(linker, |state| state),
        "tables" => tables::add_to_linker::<State, Own>(linker, |state| state),
        "types" => types::add_to_linker::<State, Own>(linker, |state| state),
        _ => Ok(()),
    }
}
