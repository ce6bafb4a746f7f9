//! From a path to a policy: manifest and its files from the disk, descriptions from the components, static rules over both.
//! Runs no connector and connects to nothing.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_core::change::lock::Lock;
use hub_core::date::Date;
use hub_core::manifest::{self, ConnectorRef, Files, Manifest, System};
use hub_core::plugin::{Pin, Reference};
use hub_core::policy::{Catalogue, Policy};
use hub_core::problem::{Code, Problem, Problems, Sources};

use super::{Failure, lock};
use crate::clock;
use crate::config::Config;
use crate::lowcode::{self, LowCode, Reading, Remark, Texts};
use crate::plugin::package::{self, Package};
use crate::registry;

/// A manifest that may run, with the components that it names.
pub(super) struct Loaded {
    pub policy: Arc<Policy>,
    pub packages: crate::sync::Packages,
    /// The manifest's texts, to show places in.
    pub sources: Sources,
    /// What hinders nothing.
    pub remarks: Vec<Remark>,
    /// Name and text of every file that was read for it, its own first; secrets blanked.
    pub files: Vec<(String, String)>,
}

/// A manifest whose static rules were not applied yet.
pub(super) struct Read {
    pub manifest: Manifest,
    pub packages: crate::sync::Packages,
    pub catalogue: Catalogue,
    /// Problems of components and their configurations.
    pub found: Vec<Problem>,
    /// What hinders nothing.
    pub remarks: Vec<Remark>,
    /// Name and text of every file that was read for it, its own first; secrets blanked.
    pub files: Vec<(String, String)>,
    /// What lies beside it: approvals, what was applied, what is pinned.
    pub lock: Lock,
}

/// Reads and judges a manifest.
pub(super) fn load(path: &Path, config: &Config) -> Result<Loaded, Failure> {
    load_on(path, config, None)
}

/// Reads a manifest and judges it by the rules and the law of a day; None = today where the operator is.
pub(super) fn load_on(path: &Path, config: &Config, day: Option<Date>) -> Result<Loaded, Failure> {
    let mut read = read(path, config)?;
    let lock = std::mem::take(&mut read.lock);
    let day = day.unwrap_or_else(|| clock::today(&read.manifest));
    let Verdict { policy, found, packages, remarks, sources, files } = judge(read, &lock, day);
    match (policy, Problems::new(found)) {
        (Some(policy), None) => Ok(Loaded { policy: Arc::new(policy), packages, sources, remarks, files }),
        (_, Some(problems)) => Err(Failure { problems, sources }),
        (None, None) => Err(Problem::new(Code::E001, "the manifest cannot be judged", "report this as a fault of hub").into()),
    }
}

/// Reads a manifest as it is written: no connector is looked at, no rule applied.
pub(super) fn written(path: &Path) -> Result<Manifest, Failure> {
    parse(path, &Disk { base: folder_of(path), read: RefCell::default() })
}

fn parse(path: &Path, disk: &Disk) -> Result<Manifest, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Problem::new(
            Code::E001,
            format!("cannot read the manifest `{}`: {error}", path.display()),
            "name a manifest, or write a first one with `hub init`",
        )
    })?;
    let name = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::new(Code::E001, format!("`{name}` is not UTF-8 text (byte {at})"), "save the file as UTF-8")
    })?;
    manifest::read(&name, &text, disk).map_err(|failed| Failure { problems: failed.problems, sources: failed.sources })
}

/// Reads a manifest and the descriptions of its connectors.
pub(super) fn read(path: &Path, config: &Config) -> Result<Read, Failure> {
    let disk = Disk { base: folder_of(path), read: RefCell::default() };
    let mut manifest = parse(path, &disk)?;
    let (mut found, mut remarks) = (Vec::new(), Vec::new());
    let mut packages = crate::sync::Packages::new();
    let lock = lock::read(path)?;
    let systems: Vec<manifest::System> = manifest.systems.values().cloned().collect();
    for system in systems {
        let package = match &system.connector.value {
            manifest::ConnectorRef::LowCode(named) => low_code(&mut manifest, &system, named, config, &mut found, &mut remarks),
            connector @ manifest::ConnectorRef::Plugin(name) => installed(&system, lock.plugins.get(name), connector, config, &mut found),
            connector @ manifest::ConnectorRef::Oci(name) => match lock.plugins.values().find(|pin| names(name, pin)) {
                Some(pin) => installed(&system, Some(pin), connector, config, &mut found),
                // What is in a registry can be judged by the manifest's own words. It cannot be run: no component, no run.
                None => {
                    let text = format!(
                        "system `{}`: connector `{name}` is in a registry and was not installed; the manifest alone is judged",
                        system.id.value
                    );
                    remarks.push(Remark { span: Some(system.connector.span), text });
                    None
                }
            },
            connector => component(&system, connector, &folder_of(path), config, &mut found),
        };
        let package = package.and_then(|package| carrying(&mut manifest, &system, package, &mut found, &mut remarks));
        packages.extend(package.map(|package| (system.id.value.clone(), Arc::new(package))));
    }
    let catalogue = packages.iter().map(|(id, package)| (id.clone(), package.description.clone())).collect();
    let files = all_files(&manifest.sources, disk.read.into_inner());
    Ok(Read { manifest, packages, catalogue, found, remarks, files, lock })
}

/// Texts whose places can be shown, and the schema files beside them.
fn all_files(sources: &Sources, read: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = sources.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    for (name, bytes) in read {
        if files.iter().all(|(known, _)| *known != name) {
            files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    files
}

fn component(system: &System, connector: &ConnectorRef, folder: &Path, config: &Config, found: &mut Vec<Problem>) -> Option<Package> {
    taken(system, package::find(connector, folder, config), found)
}

/// A component that was found, with its configuration looked at.
fn taken(system: &System, package: Result<Package, Problem>, found: &mut Vec<Problem>) -> Option<Package> {
    match package {
        Ok(package) => {
            // Of a low-code connector, with its secrets in their places: when it is read for the system.
            if package.low_code.is_none() {
                configuration(system, &package, found);
            }
            Some(package)
        }
        Err(problem) => {
            found.push(problem.at(system.connector.span, "this connector"));
            None
        }
    }
}

/// Whether what a manifest writes is what the lock pins.
fn names(written: &str, pin: &Pin) -> bool {
    let same = |written: &Reference, from: &Reference| written.repository() == from.repository();
    let (Ok(written), Ok(from)) = (Reference::parse(written), Reference::parse(&pin.from)) else { return false };
    same(&written, &from) && written.digest.is_some_and(|digest| pin.digest.starts_with(&digest))
}

/// An installed connector: exactly what the lock pins, or none.
fn installed(system: &System, pin: Option<&Pin>, connector: &ConnectorRef, config: &Config, found: &mut Vec<Problem>) -> Option<Package> {
    let package = match pin {
        Some(pin) => pinned_package(pin, config),
        None => {
            let help = "install it: `hub plugin install oci://…` or `dir:…`; `hub plugin search` shows what there is";
            Err(Problem::new(Code::E007, format!("connector `{connector}` is not installed: the lock does not pin it"), help))
        }
    };
    taken(system, package, found)
}

/// The package that a pin names, if its bytes are here and do no more than is pinned.
pub(super) fn pinned_package(pin: &Pin, config: &Config) -> Result<Package, Problem> {
    let name = &pin.name;
    let absent = |why: String| {
        let help = "`hub plugin install` fetches what the lock pins";
        Problem::new(Code::E007, format!("connector `{name}` {} is pinned and not here: {why}", pin.version), help)
    };
    let place = registry::path(config, &pin.component);
    let bytes = registry::component(config, &pin.component).map_err(|error| absent(format!("`{}`: {error}", place.display())))?;
    let bytes = bytes.ok_or_else(|| absent(format!("there is no `{}`", place.display())))?;
    let differs = |objections: Vec<String>| {
        let title = format!("connector `{name}` is not what the lock pins");
        let help = "`hub plugin install` fetches it again; find out who changed it or the lock";
        objections.into_iter().fold(Problem::new(Code::E211, title, help), Problem::note)
    };
    // Bytes that nobody pinned are not even read.
    if let Some(objection) = pin.other_bytes(&registry::hex(&bytes)) {
        return Err(differs(vec![objection]));
    }
    let package = Package::of(bytes)?;
    let objections = pin.objections(&package.description);
    if objections.is_empty() { Ok(package) } else { Err(differs(objections)) }
}

/// A low-code connector: manifest and labels become sources of their own, so that their places can be shown.
fn low_code(
    manifest: &mut Manifest,
    system: &System,
    named: &str,
    config: &Config,
    found: &mut Vec<Problem>,
    remarks: &mut Vec<Remark>,
) -> Option<Package> {
    let here = |problem: Problem| problem.at(system.connector.span, "this connector");
    let path = crate::place::beside(&manifest.sources, system.connector.span, named);
    let labels = lowcode::labels_path(&manifest.sources, system);
    let texts = match Texts::read(&path, labels.as_deref(), &mut manifest.sources) {
        Ok(texts) => texts,
        Err(problem) => {
            found.push(here(problem));
            return None;
        }
    };
    let read = for_system(manifest, system, &texts, found, remarks)?;
    match Package::low_code(read, &path, config) {
        Ok(package) => Some(package),
        Err(problem) => {
            found.push(here(problem));
            None
        }
    }
}

/// A component that carries a low-code manifest, read for the system that it serves. Labels that the system names count instead of its own.
fn carrying(
    manifest: &mut Manifest,
    system: &System,
    package: Package,
    found: &mut Vec<Problem>,
    remarks: &mut Vec<Remark>,
) -> Option<Package> {
    let Some(carried) = package.carried.clone() else {
        found.extend(meaningless(system, &package));
        return Some(package);
    };
    let labels = lowcode::labels_path(&manifest.sources, system);
    let mut texts = carried.texts(&mut manifest.sources);
    if let Some(place) = labels {
        match texts.labelled(&place, &mut manifest.sources) {
            Ok(other) => texts = other,
            Err(problem) => {
                found.push(problem.at(system.connector.span, "this connector"));
                return None;
            }
        }
    }
    if let Some(declared) = manifest.systems.get_mut(&system.id.value) {
        declared.low_code = true;
    }
    let read = for_system(manifest, system, &texts, found, remarks)?;
    Some(package.serving(read))
}

/// E003 for keys that only a low-code connector gives a meaning.
fn meaningless(system: &System, package: &Package) -> Option<Problem> {
    let span = system.secrets.values().next().map(|place| place.span).or_else(|| system.labels.as_ref().map(|labels| labels.span))?;
    if package.low_code.is_some() {
        return None;
    }
    let title = format!("`secrets` and `labels` are for low-code connectors, and `{}` is none", package.description.name);
    let help = "use `credentials` for its secrets, and `[stream.SYSTEM.NAME.fields]` for the categories of its fields";
    Some(Problem::new(Code::E003, title, help).at(span, "this has no effect"))
}

/// What a low-code manifest says to a system's configuration and grants.
fn for_system(
    manifest: &mut Manifest,
    system: &System,
    texts: &Texts,
    found: &mut Vec<Problem>,
    remarks: &mut Vec<Remark>,
) -> Option<LowCode> {
    let now_micros = i64::try_from(clock::now_ms()).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    let (read, problems) = lowcode::read(texts, Reading { hub: Some(manifest), system: Some(system), now_micros, ..Reading::default() });
    found.extend(problems);
    let mut read = read?;
    lowcode::blank_literals(&read, system, &mut manifest.sources);
    let (denied, told) = lowcode::missing(&read, manifest, system);
    found.extend(denied);
    remarks.append(&mut read.remarks);
    remarks.extend(told);
    Some(read)
}

/// What the rules say about a manifest that was read.
pub(super) struct Verdict {
    /// None: a rule denies it.
    pub policy: Option<Policy>,
    /// Everything that denies it. Warnings are in the policy, or here if there is none.
    pub found: Vec<Problem>,
    pub packages: crate::sync::Packages,
    /// What hinders nothing.
    pub remarks: Vec<Remark>,
    /// The manifest's texts, to show places in.
    pub sources: Sources,
    /// As [`Read::files`].
    pub files: Vec<(String, String)>,
}

/// Applies all rules, those about approvals among them; all findings come together.
pub(super) fn judge(read: Read, approvals: &Lock, today: Date) -> Verdict {
    let Read { manifest, packages, catalogue, mut found, remarks, files, .. } = read;
    let sources = manifest.sources.clone();
    let policy = match Policy::build(manifest, &catalogue, today) {
        Ok(policy) => Some(policy),
        Err(denied) => {
            found.extend(denied.problems);
            None
        }
    };
    if let Some(policy) = &policy {
        for (id, package) in &packages {
            if let (Some(low_code), Some(system)) = (&package.low_code, policy.manifest().systems.get(id)) {
                found.extend(lowcode::blocked(low_code, policy, system));
            }
        }
        found.extend(hub_core::change::lock::check(policy, approvals, &lock::digests(&packages)));
    }
    Verdict { policy, found, packages, remarks, sources, files }
}

/// E006: the connector's own schema over the manifest's `config`.
fn configuration(system: &manifest::System, package: &Package, found: &mut Vec<Problem>) {
    let validator = match jsonschema::validator_for(&package.description.config) {
        Ok(validator) => validator,
        Err(_) => {
            let problem = Problem::new(
                Code::E303,
                format!("the configuration schema of connector `{}` cannot be used", package.description.name),
                "ask its author",
            );
            found.push(problem.at(system.connector.span, "this connector"));
            return;
        }
    };
    for error in validator.iter_errors(&system.config.value).take(16) {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the configuration".to_owned() } else { format!("`{}`", place.trim_start_matches('/')) };
        let title = format!(
            "connector `{}` does not accept this configuration: {place} {}",
            package.description.name,
            crate::place::without_value(&error)
        );
        found.push(
            Problem::new(Code::E006, title, format!("see `hub plugin inspect {}`", system.connector.value))
                .at(system.config.span, "configured here"),
        );
    }
}

/// The folder that relative paths of a manifest start from.
pub(super) fn folder_of(manifest: &Path) -> PathBuf {
    manifest.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Reads includes and schema files below the manifest's folder.
struct Disk {
    base: PathBuf,
    /// Everything that was read.
    read: RefCell<Vec<(String, Vec<u8>)>>,
}

impl Files for Disk {
    fn read(&self, relative_to: &str, wanted: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let base = Path::new(relative_to).parent().map_or_else(|| self.base.clone(), Path::to_owned);
        let full = base.join(wanted);
        let found = if wanted.contains('*') {
            let paths = matching(&full).map_err(|error| error.to_string())?.into_iter();
            let read = paths.map(|path| {
                let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                Ok((path.display().to_string(), bytes))
            });
            read.collect::<Result<Vec<_>, String>>()?
        } else {
            std::fs::read(&full).map(|bytes| vec![(full.display().to_string(), bytes)]).map_err(|error| error.to_string())?
        };
        self.read.borrow_mut().extend(found.iter().cloned());
        Ok(found)
    }
}

/// Files that a pattern with `*` in its last part names, sorted.
fn matching(pattern: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder = pattern.parent().unwrap_or_else(|| Path::new("."));
    let name = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (head, tail) = name.split_once('*').unwrap_or((&name, ""));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
