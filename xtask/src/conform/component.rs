//! What a component can do, read from its type, against what it says that it does.

use std::collections::BTreeSet;

use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use super::Candidate;
use crate::check::Finding;

/// The package of every interface that a connector may import or export, with its version.
const PACKAGE: &str = "hub:connector/";
const VERSION: &str = "@0.1.0";

/// It imports what it names, nothing else, and above all nothing of WASI.
pub fn imports(candidate: &Candidate) -> Vec<Finding> {
    let world = match read(&candidate.component) {
        Ok((resolve, world)) => names(&resolve, resolve.worlds[world].imports.iter()),
        Err(error) => return vec![Finding::new(&candidate.shown, 0, error)],
    };
    let mut found = foreign(candidate, &world);
    // `types` holds no function: it comes with every other interface.
    let used: BTreeSet<&str> = world.iter().filter_map(|name| interface(name)).filter(|name| *name != "types").collect();
    let named: BTreeSet<&str> = candidate.description.imports.iter().map(String::as_str).collect();
    for name in used.difference(&named) {
        found.push(Finding::new(&candidate.shown, 0, format!("it imports `{name}` and does not name it in `imports`")));
    }
    for name in named.difference(&used) {
        found.push(Finding::new(&candidate.shown, 0, format!("it names `{name}` in `imports` and does not use it: leave it out")));
    }
    found
}

/// It exports what its description offers, and nothing else.
pub fn exports(candidate: &Candidate) -> Vec<Finding> {
    let world = match read(&candidate.component) {
        Ok((resolve, world)) => names(&resolve, resolve.worlds[world].exports.iter()),
        Err(error) => return vec![Finding::new(&candidate.shown, 0, error)],
    };
    let mut found = foreign(candidate, &world);
    let exported: BTreeSet<&str> = world.iter().filter_map(|name| interface(name)).collect();
    let offered = [("source", candidate.description.source.is_some()), ("destination", candidate.description.destination.is_some())];
    for (name, is_offered) in offered {
        if is_offered != exported.contains(name) {
            let text = if is_offered { "it offers" } else { "it does not offer" };
            found.push(Finding::new(&candidate.shown, 0, format!("{text} a {name} in its description, its exports say the opposite")));
        }
    }
    for name in exported.iter().filter(|name| !matches!(**name, "source" | "destination")) {
        found.push(Finding::new(&candidate.shown, 0, format!("it exports `{name}`, which nobody calls")));
    }
    found
}

fn foreign(candidate: &Candidate, names: &[String]) -> Vec<Finding> {
    let foreign = names.iter().filter(|name| interface(name).is_none());
    foreign
        .map(|name| Finding::new(&candidate.shown, 0, format!("`{name}` is no interface of hub's ABI 0.1: the host links nothing else")))
        .collect()
}

/// `http` of `hub:connector/http@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    name.strip_prefix(PACKAGE)?.strip_suffix(VERSION)
}

fn read(component: &[u8]) -> Result<(Resolve, WorldId), String> {
    match wit_component::decode(component) {
        Ok(DecodedWasm::Component(resolve, world)) => Ok((resolve, world)),
        Ok(DecodedWasm::WitPackage(..)) => Err("it is a package of interfaces and no component".to_owned()),
        Err(error) => Err(format!("its type cannot be read: {error:#}")),
    }
}

fn names<'a>(resolve: &Resolve, items: impl Iterator<Item = (&'a WorldKey, &'a WorldItem)>) -> Vec<String> {
    // A type at the level of the world is only a name for one of an interface.
    items.filter(|(_, item)| !matches!(item, WorldItem::Type { .. })).map(|(key, _)| resolve.name_world_key(key)).collect()
}
