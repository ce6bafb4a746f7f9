//! What a connector is made of, as a CycloneDX document: told from the lock files of its language, not from what somebody remembers.

use std::process::Command;

use hub_core::problem::Problem;
use hub_sdk_package::toolchain::TARGET;
use serde_json::{Value, json};

use super::project::{Language, Project, text, unusable};
use crate::config::environment;
use crate::lowcode;
use crate::plugin::package::Package;

/// The document.
///
/// # Errors
/// E007 if its lock file cannot be read.
pub fn of(project: &Project, package: &Package) -> Result<Vec<u8>, Problem> {
    let parts = match &project.language {
        Language::Yaml { .. } => vec![part("application", lowcode::COMPONENT, env!("CARGO_PKG_VERSION"), None, None)],
        Language::Rust { .. } => crates(project)?,
        Language::JavaScript => packages(project)?,
    };
    let mut itself = part("application", &project.name, &project.version, project.licence.as_deref(), None);
    itself["hashes"] = json!([{ "alg": "SHA-256", "content": package.digest }]);
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": itself, "tools": { "components": [part("application", "hub", env!("CARGO_PKG_VERSION"), None, None)] } },
        "components": parts,
    });
    Ok(format!("{document:#}\n").into_bytes())
}

fn part(kind: &str, name: &str, version: &str, licence: Option<&str>, purl: Option<String>) -> Value {
    let mut part = json!({ "type": kind, "name": name, "version": version });
    if let Some(licence) = licence {
        part["licenses"] = json!([{ "expression": licence }]);
    }
    if let Some(purl) = purl {
        part["purl"] = json!(purl);
    }
    part
}

/// The crates that cargo would build for the sandbox.
fn crates(project: &Project) -> Result<Vec<Value>, Problem> {
    let cargo = environment("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command
        .args(["metadata", "--format-version", "1", "--filter-platform", TARGET, "--manifest-path"])
        .arg(project.folder.join("Cargo.toml"));
    let output = command.output().ok().filter(|output| output.status.success());
    let metadata: Option<Value> = output.and_then(|output| serde_json::from_slice(&output.stdout).ok());
    let metadata = metadata
        .ok_or_else(|| unusable(&project.folder, "cargo does not tell what it depends on", "`cargo metadata` in its folder says why"))?;
    let (mut reached, mut waiting) = (std::collections::BTreeSet::new(), Vec::new());
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let nodes = metadata["resolve"]["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    let own = packages.iter().find(|package| package["name"] == project.name.as_str() && package["source"].is_null());
    waiting.extend(own.and_then(|own| own["id"].as_str()));
    while let Some(id) = waiting.pop() {
        if !reached.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id);
        for dependency in node.and_then(|node| node["deps"].as_array()).into_iter().flatten() {
            // What only its tests need is not in it.
            let is_normal = dependency["dep_kinds"].as_array().is_none_or(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"));
            waiting.extend(dependency["pkg"].as_str().filter(|_| is_normal));
        }
    }
    let of_crate =
        |package: &&Value| package["id"].as_str().is_some_and(|id| reached.contains(id)) && package["name"] != project.name.as_str();
    let found = packages.iter().filter(of_crate).map(|package| {
        let (name, version) = (package["name"].as_str().unwrap_or_default(), package["version"].as_str().unwrap_or_default());
        part("library", name, version, package["license"].as_str(), Some(format!("pkg:cargo/{name}@{version}")))
    });
    Ok(found.collect())
}

/// The packages of npm's lock file that are not there for development alone, and the engine that the component carries.
fn packages(project: &Project) -> Result<Vec<Value>, Problem> {
    let lock: Value = serde_json::from_str(&text(&project.folder.join("package-lock.json"))?)
        .map_err(|error| unusable(&project.folder, &format!("package-lock.json: {error}"), "`npm install` writes it"))?;
    let listed = lock["packages"].as_object().into_iter().flatten();
    let found = listed.filter(|(path, package)| !path.is_empty() && package["link"] != true).map(|(path, package)| {
        let name = path.rsplit("node_modules/").next().unwrap_or(path);
        let version = package["version"].as_str().unwrap_or_default();
        part("library", name, version, package["license"].as_str(), Some(format!("pkg:npm/{}@{version}", name.replace('@', "%40"))))
    });
    Ok(found.collect())
}
