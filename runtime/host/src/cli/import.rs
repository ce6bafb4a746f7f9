//! `hub import`: takes over what another tool was set up to do. Writes a new folder and nothing else; runs and sends nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hub_core::labels;
use hub_core::problem::{Code, Problem, Problems, Sources};
use serde_json::Value;

use super::{Failure, inspect_lowcode, io_problem, label};
use crate::lowcode::import::{self, Plan, Selected};
use crate::lowcode::{self, LowCode, Reading, Texts};

#[derive(Args, Debug)]
pub(super) struct Import {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// A source of Airbyte with a low-code manifest: its manifest, configuration, catalogue and state
    Airbyte(Airbyte),
}

#[derive(Args, Debug)]
struct Airbyte {
    /// The source's manifest.yaml; it is taken over unchanged
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Its configuration (JSON); secrets are put into files of their own
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The configured catalogue (JSON): which streams, and how
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// The last state (JSON), from which the first runs go on
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The folder to write, which must not hold anything yet
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

impl Import {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let Tool::Airbyte(airbyte) = &self.tool;
        airbyte.run()
    }
}

impl Airbyte {
    fn run(&self) -> Result<u8, Failure> {
        let config = inspect_lowcode::configuration(&self.config)?;
        let mut catalog = import::catalog(&json(&self.catalog)?).map_err(|reason| unusable(&self.catalog, &reason))?;
        let states = match &self.state {
            Some(path) => import::states(&text(path)?).map_err(|reason| unusable(path, &reason))?,
            None => BTreeMap::new(),
        };
        let read = self.source(&config)?;
        let states = states.into_iter().filter_map(|(name, state)| Some((lowcode::hub_name(&name)?, state))).collect();
        for stream in &mut catalog {
            stream.name = lowcode::hub_name(&stream.name).unwrap_or_else(|| std::mem::take(&mut stream.name));
        }
        known(&read, &catalog)?;
        empty(&self.to)?;
        let written = self.write(&read, &config, catalog, &states)?;
        super::print_text(&written);
        Ok(0)
    }

    fn source(&self, config: &Value) -> Result<LowCode, Failure> {
        let mut sources = Sources::default();
        let texts = Texts::read(&self.manifest, None, &mut sources)?;
        let now_micros = i64::try_from(crate::clock::now_ms()).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
        let (read, problems) = lowcode::read(&texts, Reading { config: Some(config), now_micros, ..Reading::default() });
        match (read, Problems::new(problems)) {
            (_, Some(problems)) => Err(Failure { problems, sources }),
            (Some(read), None) => Ok(read),
            (None, None) => Err(unusable(&self.manifest, "it cannot be read").into()),
        }
    }

    fn write(&self, read: &LowCode, config: &Value, selected: Vec<Selected>, states: &BTreeMap<String, Value>) -> Result<String, Failure> {
        let folder = |name: &str| self.to.join(name);
        private_folder(&folder("secrets"))?;
        let (rest, values) = import::split(read, config);
        let (mut secrets, mut taken) = (Vec::new(), Vec::new());
        for (path, value) in &values {
            let file = format!("secrets/{}", import::file_name(path, &mut taken));
            private_file(&folder(&file), value.as_bytes())?;
            secrets.push((path.clone(), file));
        }
        let (mut files, mut taken) = (BTreeMap::new(), Vec::new());
        for (stream, state) in
            states.iter().filter(|(name, _)| selected.iter().any(|stream| stream.name == **name && stream.mode != "replace"))
        {
            private_folder(&folder("state"))?;
            let file = format!("state/{}.json", import::file_name(stream, &mut taken));
            private_file(&folder(&file), state.to_string().as_bytes())?;
            files.insert(stream.clone(), file);
        }
        let text = fs::read(&self.manifest).map_err(|error| io_problem("read", &self.manifest, &error))?;
        label::create(&folder("manifest.yaml"), &text)?;
        let mut proposals = label::proposals(read, None, None)?;
        proposals.retain(|stream| selected.iter().any(|one| one.name == stream.name));
        label::create(&folder("labels.toml"), labels::write(&proposals).as_bytes())?;
        label::create(&folder(".gitignore"), b"hub-data/\nout/\nsecrets/\nstate/\n")?;
        let schema = format!("{:#}\n", hub_core::manifest::schema::json_schema());
        label::create(&folder("hub-manifest.schema.json"), schema.as_bytes())?;
        let count = (selected.len(), secrets.len(), files.len());
        let system = system_id(&self.manifest);
        let plan = Plan { read, system, config: rest, secrets, selected, states: files };
        label::create(&folder("manifest.toml"), import::manifest(&plan).as_bytes())?;
        Ok(format!(
            "created {0}: {1} flows, {2} secrets in files of their own, {3} states to go on from\nnext: fill in what is marked in {0}/manifest.toml, confirm {0}/labels.toml, then hub check {0}/manifest.toml\n",
            self.to.display(),
            count.0,
            count.1,
            count.2
        ))
    }
}

/// The source's name, unless it is that of the destination.
fn system_id(manifest: &Path) -> String {
    let full = manifest.canonicalize().unwrap_or_else(|_| manifest.to_owned());
    let name = lowcode::name_of(&full);
    if name == "destination" { "source".to_owned() } else { name }
}

/// Every selected stream is one of the manifest; those that are made at run time cannot be known.
fn known(read: &LowCode, selected: &[Selected]) -> Result<(), Failure> {
    let is_known = |name: &str| read.foreign.contains_key(name) || !read.inspection.dynamic_streams.is_empty();
    let unknown = selected.iter().filter(|stream| !is_known(&stream.name)).map(|stream| {
        let near = hub_core::vocab::closest_of(&stream.name, read.foreign.keys().map(String::as_str));
        let help = near.map_or_else(|| "take it out of the catalogue".to_owned(), |near| format!("did you mean `{near}`?"));
        Problem::new(Code::E009, format!("the manifest has no stream `{}`", stream.name), help)
    });
    match Problems::new(unknown.collect()) {
        Some(problems) => Err(Failure { problems, sources: Sources::default() }),
        None => Ok(()),
    }
}

fn empty(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| io_problem("create", folder, &error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| io_problem("read", folder, &error))?;
    if entries.next().is_some() {
        let help = "name another folder: nothing is overwritten";
        return Err(Problem::new(Code::E009, format!("`{}` is not empty", folder.display()), help).into());
    }
    Ok(())
}

fn private_folder(path: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| io_problem("create", path, &error).into())
}

fn private_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes)).map_err(|error| io_problem("write", path, &error).into())
}

fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| io_problem("read", path, &error).into())
}

fn json(path: &Path) -> Result<Value, Failure> {
    serde_json::from_str(&text(path)?).map_err(|error| unusable(path, &format!("line {} is not JSON", error.line())).into())
}

fn unusable(path: &Path, reason: &str) -> Problem {
    Problem::new(Code::E009, format!("`{}` cannot be used: {reason}", path.display()), "name the file that the other tool wrote")
}
