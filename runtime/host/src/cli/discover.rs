//! `hub discover`: drafts a manifest from what connectors say about themselves. Runs no connector, connects to nothing and decides nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hub_core::description::Description;
use hub_core::draft::{Candidate, Draft};
use hub_core::labels::Sample;
use hub_core::manifest::{ConnectorRef, id_fault};
use hub_core::problem::{Code, Problem, Problems, Sources};
use hub_core::stream::Foreign;
use serde_json::{Value, json};

use super::{Failure, Output, inspect_lowcode, io_problem, label, load};
use crate::config::Config;
use crate::lowcode::{self, LowCode, Reading, Texts, import};
use crate::plugin::package::{self, Package};

#[derive(Args, Debug)]
pub(super) struct Discover {
    /// `builtin:NAME`, the path of a .wasm file, or that of a low-code manifest (.yaml)
    #[arg(required = true, value_name = "CONNECTOR")]
    connectors: Vec<String>,
    /// The id of a connector's system, in the order of the connectors [default: the connector's own name]
    #[arg(long, value_name = "ID")]
    name: Vec<String>,
    /// A configuration (JSON) for the low-code manifest among the connectors; its secrets are left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Records of a stream, one JSON object on each line: shapes of values are looked at, values are neither kept nor shown. The file's name is the
    /// stream's, or write STREAM=FILE, or SYSTEM.STREAM=FILE
    #[arg(long, value_name = "[STREAM=]FILE")]
    sample: Vec<String>,
    /// The manifest to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite that file
    #[arg(long, requires = "out")]
    force: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// A connector that was looked at.
struct Found {
    id: String,
    reference: String,
    description: Arc<Description>,
    low_code: Option<Arc<LowCode>>,
    samples: BTreeMap<String, Sample>,
}

impl Discover {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        self.may_write()?;
        let config = self.config.as_deref().map(inspect_lowcode::configuration).transpose()?;
        let (mut found, notes) = self.look(config.as_ref())?;
        self.identify(&mut found)?;
        for sample in &self.sample {
            take_sample(sample, &mut found)?;
        }
        let none = BTreeMap::new();
        let candidates: Vec<Candidate<'_>> = found.iter().map(|found| found.candidate(config.as_ref(), &none)).collect();
        let draft = Draft::new(&candidates);
        if let Some(path) = &self.out {
            self.write(path, &draft.manifest())?;
        }
        match self.output {
            Output::Json => super::print_json(&self.document(&draft, &notes)),
            Output::Human => {
                notes.iter().for_each(|note| anstream::eprintln!("note: {note}"));
                super::print_text(&self.out.as_deref().map_or_else(|| draft.manifest(), |path| summary(&draft, path)));
            }
        }
        Ok(0)
    }

    fn may_write(&self) -> Result<(), Problem> {
        match self.out.as_deref().filter(|path| path.exists() && !self.force) {
            Some(path) => {
                let help = "name another file, or overwrite what was decided there with `--force`";
                Err(Problem::new(Code::E009, format!("`{}` is already there", path.display()), help))
            }
            None => Ok(()),
        }
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        if self.force {
            return std::fs::write(path, text).map_err(|error| io_problem("write", path, &error).into());
        }
        label::create(path, text.as_bytes())
    }

    /// Reads every description; what cannot run is told by `hub check` of the draft, so it is a note here.
    fn look(&self, config: Option<&Value>) -> Result<(Vec<Found>, Vec<String>), Failure> {
        let is_low_code = |connector: &String| connector.ends_with(".yaml") || connector.ends_with(".yml");
        let low_code = self.connectors.iter().filter(|connector| is_low_code(connector)).count();
        if config.is_some() && low_code != 1 {
            let help = "name one low-code manifest with it, and add the others by drafts of their own";
            return Err(Problem::new(Code::E009, format!("`--config` is for one low-code manifest, and there are {low_code}"), help).into());
        }
        let folder = self.out.as_deref().map_or_else(|| PathBuf::from("."), load::folder_of);
        let (mut found, mut notes) = (Vec::new(), Vec::new());
        for connector in &self.connectors {
            let (reference, package) = match connector.strip_prefix("builtin:") {
                Some(name) => (connector.clone(), component(&ConnectorRef::Builtin(name.to_owned()))?),
                None if is_low_code(connector) => (place(connector, &folder), manifest(connector, config, &mut notes)?),
                None => (place(connector, &folder), component(&ConnectorRef::Path(connector.clone()))?),
            };
            let Package { description, low_code, .. } = package;
            found.push(Found { id: description.name.clone(), reference, description, low_code, samples: BTreeMap::new() });
        }
        Ok((found, notes))
    }

    /// Gives each system the id that was asked for, or its connector's name with a number if that is taken.
    fn identify(&self, found: &mut [Found]) -> Result<(), Problem> {
        let help = "write `--name ID` once for each connector, in their order";
        if self.name.len() > found.len() {
            return Err(Problem::new(Code::E009, format!("{} names for {} connectors", self.name.len(), found.len()), help));
        }
        let mut taken: Vec<String> = Vec::new();
        for (at, system) in found.iter_mut().enumerate() {
            if let Some(name) = self.name.get(at) {
                if let Some(fault) = id_fault(name) {
                    return Err(Problem::new(Code::E009, format!("`{name}` cannot be the id of a system"), fault));
                }
                if taken.contains(name) {
                    return Err(Problem::new(Code::E009, format!("two systems cannot both be `{name}`"), help));
                }
                system.id.clone_from(name);
            }
            let name = system.id.clone();
            let mut number = 2;
            while taken.contains(&system.id) {
                system.id = format!("{name}-{number}");
                number += 1;
            }
            taken.push(system.id.clone());
        }
        Ok(())
    }

    fn document(&self, draft: &Draft, notes: &[String]) -> Value {
        let mut document = draft.json();
        if let Value::Object(fields) = &mut document {
            fields.insert("manifest".to_owned(), json!(self.out.as_ref().map(|path| path.display().to_string())));
            fields.insert("notes".to_owned(), json!(notes));
        }
        document
    }
}

impl Found {
    fn candidate<'a>(&'a self, config: Option<&Value>, none: &'a BTreeMap<String, Foreign>) -> Candidate<'a> {
        let read = self.low_code.as_deref();
        let streams = self.description.source.iter().flat_map(|source| &source.streams);
        let enters = |name: &&String| read.is_some_and(|read| !read.reasons(name).is_empty());
        Candidate {
            id: self.id.clone(),
            reference: self.reference.clone(),
            description: &self.description,
            foreign: read.map_or(none, |read| &read.foreign),
            config: read.and_then(|read| Some(import::split(read, config?).0)),
            secrets: read.iter().flat_map(|read| &read.inspection.secrets).map(hub_lowcode::inspect::SecretPath::dotted).collect(),
            open_hosts: read.iter().flat_map(|read| &read.inspection.hosts.open).map(lowcode::open_host).collect(),
            entering: streams.map(|stream| &stream.name).filter(enters).cloned().collect(),
            samples: &self.samples,
        }
    }

    fn offers(&self, stream: &str) -> bool {
        self.description.source.as_ref().is_some_and(|source| source.streams.iter().any(|claim| claim.name == stream))
    }

    fn takes_any(&self) -> bool {
        self.description.source.as_ref().is_some_and(|source| source.any_stream)
    }
}

fn component(connector: &ConnectorRef) -> Result<Package, Problem> {
    package::find(connector, Path::new("."), &Config::new(None, None))
}

fn manifest(path: &str, config: Option<&Value>, notes: &mut Vec<String>) -> Result<Package, Failure> {
    let (name, path) = (path, Path::new(path));
    let mut sources = Sources::default();
    let texts = Texts::read(path, None, &mut sources)?;
    let now_micros = i64::try_from(crate::clock::now_ms()).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    let (read, problems) = lowcode::read(&texts, Reading { config, now_micros, ..Reading::default() });
    let is_readable = read.is_some();
    let (rest, faults): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(|problem| is_readable && problem.code != Code::E011);
    let read = match (read, Problems::new(faults)) {
        (Some(read), None) => read,
        (_, Some(problems)) => return Err(Failure { problems, sources }),
        (None, None) => return Err(Problem::new(Code::E010, format!("`{name}` cannot be read"), "correct it").into()),
    };
    if !rest.is_empty() {
        notes.push(format!("{name}: {} parts of it cannot run here; `hub plugin inspect {name}` names them", rest.len()));
    }
    notes.extend(read.remarks.iter().map(|remark| format!("{name}: {}", remark.text)));
    Ok(Package::low_code(read, path, &Config::new(None, None))?)
}

/// A path of a connector as a manifest in `folder` names it.
fn place(connector: &str, folder: &Path) -> String {
    let path = Path::new(connector);
    let relative = || {
        let (file, from) = (path.file_name()?, load::folder_of(path).canonicalize().ok()?);
        let to = folder.canonicalize().ok()?;
        let shared = from.components().zip(to.components()).take_while(|(left, right)| left == right).count();
        let up = to.components().skip(shared).map(|_| "..".to_owned());
        let down = from.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
        let parts: Vec<String> = up.chain(down).chain([file.to_string_lossy().into_owned()]).collect();
        Some(parts.join("/"))
    };
    if path.is_absolute() { connector.to_owned() } else { relative().unwrap_or_else(|| connector.to_owned()) }
}

/// Reads a sample and gives it to the system that has its stream.
fn take_sample(written: &str, found: &mut [Found]) -> Result<(), Failure> {
    let (named, path) = written.split_once('=').map_or((None, written), |(stream, path)| (Some(stream), path));
    let path = Path::new(path);
    let from_file = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let named = named.map_or_else(from_file, str::to_owned);
    let (system, stream) = match named.split_once('.') {
        Some((system, stream)) if found.iter().any(|found| found.id == system) => (Some(system), stream),
        _ => (None, named.as_str()),
    };
    let at = owner(system, stream, found)?;
    let sample = label::sample(path)?;
    if let Some(found) = found.get_mut(at) {
        found.samples.insert(stream.to_owned(), sample);
    }
    Ok(())
}

/// Which system has the stream: one that offers it, else the only one that takes any.
fn owner(system: Option<&str>, stream: &str, found: &[Found]) -> Result<usize, Problem> {
    let matching = |fits: &dyn Fn(&Found) -> bool| -> Vec<usize> {
        let meant = found.iter().enumerate().filter(|(_, found)| system.is_none_or(|system| found.id == system) && fits(found));
        meant.map(|(at, _)| at).collect()
    };
    let mut fitting = matching(&|found| found.offers(stream));
    if fitting.is_empty() {
        fitting = matching(&Found::takes_any);
    }
    match fitting.as_slice() {
        [at] => Ok(*at),
        [] => {
            let all = found.iter().flat_map(|found| &found.description.source).flat_map(|source| &source.streams);
            let names: Vec<&str> = all.map(|claim| claim.name.as_str()).collect();
            let near = hub_core::vocab::closest_of(stream, names.iter().copied());
            let help = near
                .map_or_else(|| format!("write STREAM=FILE with one of: {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
            Err(Problem::new(Code::E009, format!("no connector offers a stream `{stream}` for this sample"), help))
        }
        _ => {
            let help = "say which one: SYSTEM.STREAM=FILE";
            Err(Problem::new(Code::E009, format!("several connectors have a stream `{stream}`"), help))
        }
    }
}

fn summary(draft: &Draft, path: &Path) -> String {
    let [systems, streams, suggested, unknown] = draft.counts();
    format!(
        "created {0}: {systems} systems, {streams} streams, {suggested} suggestions, {unknown} fields without one; nothing is allowed yet\nnext: answer what {0} asks, then hub check {0}\n",
        path.display()
    )
}
