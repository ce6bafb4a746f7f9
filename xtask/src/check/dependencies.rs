//! Dependencies: declared with default features off, under licences that allow shipping, from the registry or this repository.

use serde_json::Value;

use crate::check::{Finding, licence};
use crate::process::{self, Failure, Result};
use crate::workspace::{self, TEST_GUESTS, Workspace};

/// Crates whose default features are wanted, and why.
const DEFAULT_FEATURES: &[(&str, &str)] = &[("sled", "its default feature is the absence of metrics")];

/// What the dependencies of all workspaces break.
pub fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for path in workspace::files(&workspace.root).iter().filter(|path| path.file_name().is_some_and(|name| name == "Cargo.toml")) {
        let shown = workspace.shown(path);
        // Templates become manifests only when their placeholders are filled.
        if !shown.starts_with("sdk/templates/") {
            found.extend(default_features(&shown, &workspace::read(path)?)?);
        }
    }
    let mut commands = vec![workspace.cargo()];
    if workspace.connectors_manifest().is_file() {
        commands.push(workspace.guest_cargo());
    }
    if workspace.guests_manifest(&TEST_GUESTS).is_file() {
        commands.push(workspace.cargo_of(&TEST_GUESTS));
    }
    for mut command in commands {
        let text = process::output(command.args(["metadata", "--format-version", "1"]), "reading the dependencies")?;
        let metadata = serde_json::from_str(&text).map_err(|error| Failure::new(format!("cargo metadata is not JSON: {error}")))?;
        found.extend(origins_and_licences(&metadata));
    }
    Ok(found)
}

fn default_features(shown: &str, text: &str) -> Result<Vec<Finding>> {
    let manifest: toml::Table = toml::from_str(text).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let mut found = Vec::new();
    for (name, value) in dependencies(&manifest) {
        let table = value.as_table();
        let is_ours = table.is_some_and(|table| table.contains_key("path") || table.contains_key("workspace"));
        let is_off = table.is_some_and(|table| table.get("default-features").and_then(toml::Value::as_bool) == Some(false));
        if !is_ours && !is_off && !DEFAULT_FEATURES.iter().any(|(known, _)| *known == name) {
            let text =
                format!("`{name}` has its default features on: add `default-features = false` and name the features that are needed");
            found.push(Finding::new(shown, 0, text));
        }
    }
    Ok(found)
}

/// All dependency entries of a manifest, whatever table they stand in.
fn dependencies(manifest: &toml::Table) -> Vec<(&str, &toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if matches!(key.as_str(), "dependencies" | "dev-dependencies" | "build-dependencies") {
            found.extend(table.iter().map(|(name, value)| (name.as_str(), value)));
        } else if matches!(key.as_str(), "workspace" | "target") || table.contains_key("dependencies") {
            found.extend(dependencies(table));
        }
    }
    found
}

fn origins_and_licences(metadata: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = format!("{} {}", package["name"].as_str().unwrap_or("?"), package["version"].as_str().unwrap_or("?"));
        let expression = package["license"].as_str().unwrap_or_default();
        if !licence::is_allowed(expression) {
            let text =
                format!("licence of {name} is `{expression}`: choose another crate, or add the licence in xtask/src/check/licence.rs");
            found.push(Finding::new("Cargo.lock", 0, text));
        }
        if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
            found.push(Finding::new("Cargo.lock", 0, format!("{name} comes from outside of the registry: use a released version")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn default_features_are_off_in_every_kind_of_table() {
        let text = "[dependencies]\na = \"1\"\nb = { version = \"1\", default-features = false }\nc.workspace = true\nd = { path = \"d\" }\n\
                    [dev-dependencies]\ne = { version = \"1\" }\n[workspace.dependencies]\nf = \"1\"\nsled = \"=0.34.7\"\n[target.'cfg(unix)'.dependencies]\ng = \"1\"\n";
        let names: Vec<String> =
            default_features("Cargo.toml", text).unwrap().iter().map(|finding| finding.text.chars().nth(1).unwrap().to_string()).collect();
        assert_eq!(names, ["a", "e", "g", "f"]);
    }

    #[test]
    fn licence_and_origin_are_judged_for_each_package() {
        let metadata = json!({ "packages": [
            { "name": "fine", "version": "1.0.0", "license": "MIT", "source": "registry+index" },
            { "name": "own", "version": "1.0.0", "license": "Apache-2.0", "source": null },
            { "name": "closed", "version": "1.0.0", "license": null, "source": "registry+index" },
            { "name": "forked", "version": "1.0.0", "license": "MIT", "source": "git+https://example.org/forked" },
        ]});
        let texts: Vec<String> = origins_and_licences(&metadata).into_iter().map(|finding| finding.text).collect();
        assert!(
            texts.len() == 2
                && texts[0].starts_with("licence of closed 1.0.0 is ``")
                && texts[1].starts_with("forked 1.0.0 comes from outside")
        );
    }
}
