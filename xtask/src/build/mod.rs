//! The verb `build`: the program in release, the connectors and the tests' guests as components beside it. Skips what is fresh.

pub mod stamp;

use std::path::{Path, PathBuf};

use hub_core::description::{self, Description};
use hub_sdk_package::component;
use hub_sdk_package::toolchain::TARGET;
use serde_json::Value;

use crate::process::{self, Failure, Result, progress};
use crate::toolchain;
use crate::workspace::{self, CONNECTORS, Guests, Workspace};
use stamp::Stamp;

/// What the program is made of, relative to the root.
const HOST_SOURCES: &[&str] = &["Cargo.toml", "Cargo.lock", ".cargo", "runtime", "sdk/package", "sdk/templates", "wit"];

/// A package of a workspace of guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name of its folder: `builtin:NAME`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// File name of the core module that cargo writes.
    pub module: String,
}

/// Builds what is stale of the asked parts.
pub fn build(workspace: &Workspace, host: bool, connectors: bool) -> Result<()> {
    if host {
        build_host(workspace)?;
    }
    if connectors {
        build_guests(workspace, &CONNECTORS)?;
    }
    Ok(())
}

/// The packages of the connectors' workspace that become components; empty if there is no such workspace.
pub fn packages(workspace: &Workspace) -> Result<Vec<Package>> {
    packages_of(workspace, &CONNECTORS)
}

fn packages_of(workspace: &Workspace, guests: &Guests) -> Result<Vec<Package>> {
    if !workspace.guests_manifest(guests).is_file() {
        return Ok(Vec::new());
    }
    let mut command = workspace.cargo_of(guests);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = process::output(&mut command, &format!("reading the workspace of the {}", guests.called))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| Failure::new(format!("cargo metadata is not JSON: {error}")))?;
    let mut found: Vec<Package> = metadata["packages"].as_array().into_iter().flatten().filter_map(package).collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

fn build_host(workspace: &Workspace) -> Result<()> {
    let stamp = Stamp::new(workspace, "host", HOST_SOURCES)?;
    if stamp.is_fresh() {
        return Ok(());
    }
    progress("Building", "the program (the first time takes some minutes)");
    process::run(workspace.cargo().args(["build", "--release", "--package", "hub", "--bin", "hub"]), "building the program")?;
    stamp.keep(&[workspace.hub()])
}

/// Builds the components of one workspace, if they are stale.
pub fn build_guests(workspace: &Workspace, guests: &Guests) -> Result<()> {
    let stamp = Stamp::new(workspace, &guests.called.replace(' ', "-"), guests.sources)?;
    if !workspace.guests_manifest(guests).is_file() || stamp.is_fresh() {
        return Ok(());
    }
    let toolchain = toolchain::ensure()?;
    let packages = packages_of(workspace, guests)?;
    progress("Building", format!("{} {}", packages.len(), guests.called));
    process::run(&mut toolchain::build(&toolchain, workspace, guests), &format!("building the {}", guests.called))?;
    let folder = workspace.target.join(guests.components);
    let outputs = packages.iter().map(|package| encode(workspace, package, &folder)).collect::<Result<Vec<_>>>()?;
    remove_others(&folder, &outputs)?;
    stamp.keep(&outputs)
}

fn encode(workspace: &Workspace, package: &Package, folder: &Path) -> Result<PathBuf> {
    let module = workspace::read_bytes(&workspace.guest_target().join(TARGET).join("release").join(&package.module))?;
    let output = folder.join(format!("{}.wasm", package.name));
    let about = |failure: Failure| failure.within(&format!("connector `{}`", package.name));
    let component = component::encode(&module).map_err(|error| about(Failure::new(error)))?;
    describe(&component).map_err(about)?;
    if std::fs::read(&output).is_ok_and(|present| present == component) {
        return Ok(output);
    }
    progress("Component", format!("{} ({} KiB)", package.name, component.len().div_ceil(1024)));
    workspace::write(&output, &component)?;
    Ok(output)
}

/// What a component says about itself, checked.
pub fn describe(component: &[u8]) -> Result<Description> {
    description::read(component).map_err(|error| Failure::new(error.to_string()))
}

/// A connector that no longer exists must not be found as `builtin:NAME`.
fn remove_others(folder: &Path, outputs: &[PathBuf]) -> Result<()> {
    for path in workspace::files(folder) {
        if !outputs.contains(&path) {
            std::fs::remove_file(&path).map_err(|error| Failure::new(format!("{} cannot be removed: {error}", path.display())))?;
        }
    }
    Ok(())
}

fn package(value: &Value) -> Option<Package> {
    let targets = value["targets"].as_array()?;
    let is_component = |target: &&Value| target["crate_types"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "cdylib"));
    let library = targets.iter().find(is_component)?["name"].as_str()?;
    let folder = Path::new(value["manifest_path"].as_str()?).parent()?.to_path_buf();
    let name = folder.file_name()?.to_str()?.to_owned();
    Some(Package { name, folder, module: format!("{}.wasm", library.replace('-', "_")) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_package_is_a_connector_if_it_is_a_cdylib() {
        let mut metadata = json!({
            "manifest_path": "/repository/connectors/sample/Cargo.toml",
            "targets": [{ "name": "connector-sample", "crate_types": ["cdylib", "rlib"] }],
        });
        let found = package(&metadata).unwrap();
        assert_eq!((found.name.as_str(), found.module.as_str()), ("sample", "connector_sample.wasm"));
        metadata["targets"][0]["crate_types"] = json!(["lib"]);
        assert_eq!(package(&metadata), None);
    }

    #[test]
    fn components_of_removed_connectors_go() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, old) = (folder.path().join("kept.wasm"), folder.path().join("old.wasm"));
        std::fs::write(&kept, "").and_then(|()| std::fs::write(&old, "")).unwrap();
        remove_others(folder.path(), std::slice::from_ref(&kept)).unwrap();
        assert_eq!(workspace::files(folder.path()), [kept]);
    }
}
