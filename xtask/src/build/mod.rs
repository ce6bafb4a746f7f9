//! The verb `build`: the program in release, the connectors as components beside it. Skips what is fresh.

pub mod component;
pub mod stamp;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{self, Failure, Result, progress};
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::{self, Workspace};
use stamp::Stamp;

/// What the program is made of, relative to the root.
const HOST_SOURCES: &[&str] = &["Cargo.toml", "Cargo.lock", ".cargo", "runtime", "wit"];

/// What the connectors are made of, relative to the root.
const CONNECTOR_SOURCES: &[&str] = &["Cargo.toml", ".cargo", "sdk", "connectors", "wit", "runtime/core/src/description.rs"];

/// A connector's package in the connectors' workspace.
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
        build_connectors(workspace)?;
    }
    Ok(())
}

/// The packages of the connectors' workspace that become components; empty if there is no such workspace.
pub fn packages(workspace: &Workspace) -> Result<Vec<Package>> {
    if !workspace.connectors_manifest().is_file() {
        return Ok(Vec::new());
    }
    let mut command = workspace.guest_cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = process::output(&mut command, "reading the connectors' workspace")?;
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

fn build_connectors(workspace: &Workspace) -> Result<()> {
    let stamp = Stamp::new(workspace, "connectors", CONNECTOR_SOURCES)?;
    if !workspace.connectors_manifest().is_file() || stamp.is_fresh() {
        return Ok(());
    }
    let toolchain = Toolchain::ensure()?;
    let packages = packages(workspace)?;
    progress("Building", format!("{} connectors", packages.len()));
    process::run(&mut toolchain.build(workspace), "building the connectors")?;
    let outputs = packages.iter().map(|package| encode(workspace, package)).collect::<Result<Vec<_>>>()?;
    remove_others(&workspace.components(), &outputs)?;
    stamp.keep(&outputs)
}

fn encode(workspace: &Workspace, package: &Package) -> Result<PathBuf> {
    let module = workspace::read_bytes(&workspace.guest_target().join(TARGET).join("release").join(&package.module))?;
    let output = workspace.components().join(format!("{}.wasm", package.name));
    let component = component::encode(&module).map_err(|failure| failure.within(&format!("connector `{}`", package.name)))?;
    if std::fs::read(&output).is_ok_and(|present| present == component) {
        return Ok(output);
    }
    progress("Component", format!("{} ({} KiB)", package.name, component.len().div_ceil(1024)));
    workspace::write(&output, &component)?;
    Ok(output)
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
