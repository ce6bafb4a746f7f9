//! From a connector's folder to its component. What builds it is the language's own tool; what it says about itself is checked before it is kept.

use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use hub_core::manifest::ConnectorRef;
use hub_core::problem::{Code, Problem};
use hub_sdk_package::component;
use hub_sdk_package::description::Description;
use hub_sdk_package::toolchain::{TARGET, Toolchain};

use super::project::{Language, Project, text, unusable};
use crate::config::{Config, environment};
use crate::lowcode::{self, Carried};
use crate::plugin::package::{self, Package};

/// A component that was built.
pub struct Built {
    /// Where it lies.
    pub path: PathBuf,
    /// Read back.
    pub package: Package,
    /// What its parts take.
    pub sizes: Sizes,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The component.
    pub component: usize,
    /// What of it is not the author's own: the interpreter of low-code manifests.
    pub shared: usize,
    /// What it says about itself.
    pub description: usize,
}

impl Built {
    /// Bytes of the component when it is packed, as it travels.
    #[must_use]
    pub fn packed_bytes(&self) -> usize {
        packed(self.package.bytes())
    }
}

/// The component as it was built last, if it is one in JavaScript and nothing of its folder has changed since: making it takes long, and two builds of the
/// same folder differ in their bytes, so that what was judged would not be what is published. Otherwise it is built.
///
/// # Errors
/// As [`build`].
pub fn current(project: &Project, config: &Config) -> Result<Built, Problem> {
    let path = project.component();
    let modified = |path: &PathBuf| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let is_current = project.language == Language::JavaScript
        && modified(&path).is_some_and(|built| project.files().iter().all(|file| modified(file).is_some_and(|then| then < built)));
    let read = if is_current { std::fs::read(&path).ok().and_then(|bytes| Package::of(bytes).ok()) } else { None };
    match read {
        Some(package) => Ok(finished(path, package, 0)),
        None => build(project, None, config),
    }
}

/// Builds the component and puts it where it belongs, or at `output`.
///
/// # Errors
/// E007 if its tools are not there or do not succeed; E303, E304, E010 or E011 if it cannot be used.
pub fn build(project: &Project, output: Option<&Path>, config: &Config) -> Result<Built, Problem> {
    let path = output.map_or_else(|| project.component(), Path::to_owned);
    let (bytes, shared) = match &project.language {
        Language::Yaml { manifest, labels, summary } => low_code(project, manifest, labels.as_deref(), summary, config)?,
        Language::Rust { module, target } => (rust(project, module, target)?, 0),
        Language::JavaScript => (java_script(project, &path)?, 0),
    };
    let package = Package::of(bytes)?;
    write(&path, package.bytes())?;
    Ok(finished(path, package, shared))
}

fn finished(path: PathBuf, package: Package, shared: usize) -> Built {
    let description = match hub_core::description::text(package.bytes()) {
        Ok(text) if shared == 0 => text.len(),
        _ => 0,
    };
    let sizes = Sizes { component: package.bytes().len(), shared, description };
    Built { path, package, sizes }
}

fn low_code(
    project: &Project,
    manifest: &Path,
    labels: Option<&Path>,
    summary: &str,
    config: &Config,
) -> Result<(Vec<u8>, usize), Problem> {
    let engine = package::find(&ConnectorRef::Builtin(lowcode::COMPONENT.to_owned()), &project.folder, config)?;
    let carried = Carried {
        name: project.name.clone(),
        version: project.version.clone(),
        summary: summary.to_owned(),
        manifest: text(&project.folder.join(manifest))?,
        labels: labels.map(|labels| text(&project.folder.join(labels))).transpose()?,
    };
    carried.check().map_err(|why| unusable(&project.folder, &why, "correct its connector.toml"))?;
    Ok((carried.onto(engine.bytes()), engine.bytes().len()))
}

fn rust(project: &Project, module: &str, target: &Path) -> Result<Vec<u8>, Problem> {
    let compiler = environment("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let toolchain = Toolchain::find(&compiler).ok_or_else(|| {
        let help = format!("`rustup target add {TARGET}`, or Debian's packages rustc-web, cargo-web, rust-web-src and lld-22");
        unusable(&project.folder, "there is no toolchain that compiles to WebAssembly", &help)
    })?;
    let cargo = environment("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let mut command = toolchain.build(&cargo, &environment("PATH").unwrap_or_default());
    // A folder of its own: the toolchain may be another than the one that builds for this machine.
    let target = target.join("hub");
    command.current_dir(&project.folder).env("CARGO_TARGET_DIR", &target).arg("--lib");
    run(&mut command, project, "cargo")?;
    let module = target.join(TARGET).join("release").join(module);
    let bytes = std::fs::read(&module)
        .map_err(|error| unusable(&project.folder, &format!("`{}` cannot be read: {error}", module.display()), "see what cargo says"))?;
    component::encode(&bytes).map_err(|why| unusable(&project.folder, &why, "build it with hub's SDK"))
}

fn java_script(project: &Project, path: &Path) -> Result<Vec<u8>, Problem> {
    let tool = tool(project)?;
    let description = Description::read(&project.folder, &project.name, &project.version, None, false)
        .map_err(|why| unusable(&project.folder, &why, "correct what it says about itself"))?;
    let made = path.with_extension("plain.wasm");
    if let Some(folder) = made.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    run(Command::new("node").arg(&tool).arg(&project.folder).arg(&made), project, "node")?;
    let read = std::fs::read(&made);
    drop(std::fs::remove_file(&made));
    let mut bytes =
        read.map_err(|error| unusable(&project.folder, &format!("`{}` cannot be read: {error}", made.display()), "see what node says"))?;
    component::append(&mut bytes, component::SECTION, description.json.as_bytes());
    Ok(bytes)
}

/// The SDK's tool: where npm has put it, or where the package says that the SDK lies.
fn tool(project: &Project) -> Result<PathBuf, Problem> {
    let package: serde_json::Value = serde_json::from_str(&text(&project.folder.join("package.json"))?).unwrap_or_default();
    let named = package["dependencies"]["hub-sdk"].as_str().and_then(|named| named.strip_prefix("file:"));
    let places = [Some(project.folder.join("node_modules/hub-sdk")), named.map(|named| project.folder.join(named))];
    let tools = places.into_iter().flatten().map(|place| place.join("bin/componentize.mjs"));
    tools
        .into_iter()
        .find(|tool| tool.is_file())
        .ok_or_else(|| unusable(&project.folder, "hub-sdk is not installed in it", "`npm install` in this folder, then build again"))
}

/// Runs the language's tool; what it says goes to standard error.
fn run(command: &mut Command, project: &Project, name: &str) -> Result<(), Problem> {
    command.stdout(std::io::stderr());
    let ended = command.status().map_err(|error| unusable(&project.folder, &format!("{name} cannot be started: {error}"), "install it"))?;
    if ended.success() {
        Ok(())
    } else {
        Err(unusable(&project.folder, &format!("{name} ended with {ended}"), "its own words stand above"))
    }
}

/// Writes a file and the folders above it, unless the same is there.
///
/// # Errors
/// E009.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, bytes)).map_err(|error| unwritable(path, &error))
}

pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::E009, format!("cannot write `{}`: {error}", path.display()), "check the path and its permissions")
}

fn packed(bytes: &[u8]) -> usize {
    use std::io::Write as _;

    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_or(bytes.len(), |packed| packed.len())
}
