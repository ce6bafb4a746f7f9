//! What a connector's folder holds, and whether the component says the same.

use std::collections::BTreeSet;

use hub_core::description::{Description, HostClaim};

use super::Candidate;
use crate::check::Finding;
use crate::workspace;

/// Files of every connector.
const FILES: [&str; 4] = ["Cargo.toml", "README.md", "connector.toml", "src/lib.rs"];

/// The set of files is the same everywhere; nothing else lies around.
pub fn files(candidate: &Candidate) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in FILES.iter().filter(|name| !candidate.folder.join(name).is_file()) {
        found.push(Finding::new(&format!("{}/{name}", candidate.shown), 0, "the file is missing"));
    }
    let known = ["Cargo.toml", "README.md", "connector.toml", "src", "schemas", "recordings", "test.toml", "tests"];
    for path in workspace::files(&candidate.folder) {
        let inside = path.strip_prefix(&candidate.folder).unwrap_or(&path).to_string_lossy().into_owned();
        let top = inside.split('/').next().unwrap_or_default();
        if !known.contains(&top) {
            found.push(Finding::new(&format!("{}/{inside}", candidate.shown), 0, format!("a connector has only {}", known.join(", "))));
        }
    }
    let readme = std::fs::read_to_string(candidate.folder.join("README.md")).unwrap_or_default();
    let named: Vec<String> = streams(&candidate.description);
    for stream in named.iter().filter(|stream| !readme.contains(stream.as_str())) {
        found.push(Finding::new(&format!("{}/README.md", candidate.shown), 0, format!("it does not mention the stream `{stream}`")));
    }
    found
}

/// `connector.toml` and the component's own description agree.
pub fn description(candidate: &Candidate) -> Vec<Finding> {
    let (claim, description) = (&candidate.claim, &candidate.description);
    let place = format!("{}/connector.toml", candidate.shown);
    let mut found = Vec::new();
    let mut same = |what: &str, written: BTreeSet<String>, built: BTreeSet<String>| {
        if written != built {
            let [written, built] = [written, built].map(|names| names.into_iter().collect::<Vec<_>>().join(", "));
            found.push(Finding::new(&place, 0, format!("`{what}` is {written}, the component says {built}: build it anew")));
        }
    };
    same("name", text(claim, "name"), [description.name.clone()].into());
    same("name", [candidate.name.clone()].into(), [description.name.clone()].into());
    same("summary", text(claim, "summary"), [description.summary.clone()].into());
    same("imports", texts(claim, "imports"), description.imports.iter().cloned().collect());
    same("hosts", texts(claim, "hosts"), description.hosts.iter().map(host).collect());
    same("stream", names(claim), streams(description).into_iter().collect());
    let destination = claim.get("destination").and_then(toml::Value::as_table);
    let (modes, accepts) = description.destination.as_ref().map(|claim| (claim.modes.clone(), claim.accepts.clone())).unwrap_or_default();
    same("destination.modes", destination.map(|table| texts(table, "modes")).unwrap_or_default(), modes.into_iter().collect());
    same("destination.accepts", destination.map(|table| texts(table, "accepts")).unwrap_or_default(), accepts.into_iter().collect());
    let says =
        |table: Option<&toml::Table>| table.and_then(|table| table.get("deletes")).and_then(toml::Value::as_bool).unwrap_or_default();
    let word = |deletes: bool| BTreeSet::from([deletes.to_string()]);
    same("destination.deletes", word(says(destination)), word(description.destination.as_ref().is_some_and(|claim| claim.deletes)));
    found
}

/// Every field of every stream has a data category, every stream a key, a summary and its subjects.
pub fn schemas(candidate: &Candidate) -> Vec<Finding> {
    let mut found = Vec::new();
    for stream in candidate.description.source.iter().flat_map(|source| &source.streams) {
        let mut tell = |text: String| found.push(Finding::new(&candidate.shown, 0, format!("stream `{}`: {text}", stream.name)));
        if stream.summary.trim().is_empty() {
            tell("it has no summary".to_owned());
        }
        if stream.primary_key.is_empty() {
            tell("it has no primary key: a destination could not recognise a record again".to_owned());
        }
        let leaves = stream.shape.leaves();
        for (path, _) in leaves.iter().filter(|(_, leaf)| leaf.category.is_none()) {
            tell(format!("field `{}` has no `x-hub-category`", path.as_str()));
        }
        let is_personal = leaves.iter().any(|(_, leaf)| leaf.category.as_deref().is_some_and(|category| category.starts_with("user")));
        if is_personal && stream.subjects.is_empty() {
            tell("it holds personal data and names no `subjects`".to_owned());
        }
    }
    found
}

fn streams(description: &Description) -> Vec<String> {
    description.source.iter().flat_map(|source| &source.streams).map(|stream| stream.name.clone()).collect()
}

fn host(claim: &HostClaim) -> String {
    match claim {
        HostClaim::Origin(origin) => origin.clone(),
        HostClaim::Config(key) => format!("config:{key}"),
    }
}

fn text(table: &toml::Table, key: &str) -> BTreeSet<String> {
    table.get(key).and_then(toml::Value::as_str).map(str::to_owned).into_iter().collect()
}

fn texts(table: &toml::Table, key: &str) -> BTreeSet<String> {
    table.get(key).and_then(toml::Value::as_array).into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// Names of the `[[stream]]` tables.
fn names(claim: &toml::Table) -> BTreeSet<String> {
    let tables = claim.get("stream").and_then(toml::Value::as_array).into_iter().flatten();
    tables.filter_map(|table| table.get("name")?.as_str().map(str::to_owned)).collect()
}
