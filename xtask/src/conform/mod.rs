//! The verb `conform`: every connector against `connectors/STANDARD.md`, first what can be seen, then what it does.
//!
//! The static part walks folders and components and lives here; the dynamic part are the numbered checks of `hub conform`.

mod component;
mod folder;
mod mutate;
pub mod policy;
pub mod recorded;

use std::path::PathBuf;
use std::process::Command;

use hub_core::description::Description;

use crate::build::{self, Package};
use crate::check::Finding;
use crate::process::{self, Failure, Result, progress};
use crate::workspace::{self, Workspace};

/// A connector with all that can be seen of it.
pub struct Candidate {
    /// Name of the folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The folder as it is shown.
    pub shown: String,
    /// `connector.toml`.
    pub claim: toml::Table,
    /// The built component.
    pub component: Vec<u8>,
    /// What the component says about itself.
    pub description: Description,
}

/// A group of rules: a column of the table.
struct Column {
    name: &'static str,
    judge: fn(&Candidate) -> Vec<Finding>,
}

const COLUMNS: &[Column] = &[
    Column { name: "files", judge: folder::files },
    Column { name: "description", judge: folder::description },
    Column { name: "schemas", judge: folder::schemas },
    Column { name: "imports", judge: component::imports },
    Column { name: "exports", judge: component::exports },
];

/// Both parts for one connector or for all.
pub fn run(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    build::build(workspace, true, true)?;
    statically(workspace, name)?;
    // The interpreter of low-code manifests alone is no connector: where it connects to stands in the manifest that it runs.
    for package in chosen(build::packages(workspace)?, name)?.into_iter().filter(|package| package.name != "lowcode") {
        progress("Checking", format!("what {} does", package.name));
        let mut command = Command::new(workspace.hub());
        command.args(["conform", &format!("builtin:{}", package.name), "--with"]).arg(&package.folder);
        process::run(command.env_remove("LD_LIBRARY_PATH"), &format!("the standard for {}", package.name))?;
    }
    Ok(())
}

/// Only what can be seen. The components must have been built.
pub fn statically(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    let packages = chosen(build::packages(workspace)?, name)?;
    let mut findings = Vec::new();
    let width = packages.iter().map(|package| package.name.len()).max().unwrap_or(0).max("connector".len());
    let heads: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    println!("{:<width$}  {}", "connector", heads.join("  "));
    for package in &packages {
        let candidate = candidate(workspace, package)?;
        let judged: Vec<Vec<Finding>> = COLUMNS.iter().map(|column| (column.judge)(&candidate)).collect();
        let cells = COLUMNS.iter().zip(&judged).map(|(column, found)| {
            let cell = if found.is_empty() { "ok".to_owned() } else { found.len().to_string() };
            format!("{cell:<0$}", column.name.len())
        });
        println!("{:<width$}  {}", package.name, cells.collect::<Vec<_>>().join("  ").trim_end());
        findings.extend(judged.into_iter().flatten());
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("points of the standard that are not met: {count}"))
            .help("connectors/STANDARD.md says what each point is for")),
    }
}

fn chosen(packages: Vec<Package>, name: Option<&str>) -> Result<Vec<Package>> {
    let Some(name) = name else { return Ok(packages) };
    let known: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
    let found: Vec<Package> = packages.into_iter().filter(|package| package.name == name).collect();
    if found.is_empty() {
        return Err(Failure::new(format!("there is no connector `{name}`")).help(format!("there are {}", known.join(", "))));
    }
    Ok(found)
}

fn candidate(workspace: &Workspace, package: &Package) -> Result<Candidate> {
    let shown = workspace.shown(&package.folder);
    let path = package.folder.join("connector.toml");
    let claim = toml::from_str(&workspace::read(&path)?).map_err(|error| Failure::new(format!("{shown}/connector.toml: {error}")))?;
    let component = workspace::read_bytes(&workspace.components().join(format!("{}.wasm", package.name)))?;
    let description = build::describe(&component)?;
    Ok(Candidate { name: package.name.clone(), folder: package.folder.clone(), shown, claim, component, description })
}
