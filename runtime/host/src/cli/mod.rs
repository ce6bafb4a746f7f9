//! The command line: one verb, one file. Parses and dispatches; knows no rule.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: `docs/reference/cli.md`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use hub_core::audit::Draft;
use hub_core::manifest::{ConnectorRef, Manifest};
use hub_core::problem::{Code, Problem, Problems, Sources};

use crate::author::project::Project;
use crate::config::Config;
use crate::plugin::package::{self, Package};
use crate::store::{Durability, Put, Store, Transaction};

mod alert;
mod anchors;
mod approve;
mod audit;
mod backup;
mod build;
mod catalogue;
mod changes;
mod check;
mod conform;
mod dev;
mod diagram;
mod diff;
mod discover;
mod doctor;
mod dpia;
mod drift;
mod evidence;
mod explain;
mod import;
mod init;
mod inspect_lowcode;
mod install;
mod key;
mod label;
mod law;
mod load;
mod lock;
mod new;
mod notice;
mod observed;
mod paper;
mod past;
mod plan;
mod plugin;
pub mod progress;
mod prune;
mod publish;
mod quarantine;
mod register;
mod registry;
mod reload;
pub mod render;
mod replay;
mod resume;
mod run;
mod sarif;
mod service;
mod shell;
mod state;
mod status;
mod transfer;
mod whereabouts;

/// Declared flows between business systems, through sandboxed connectors. What the manifest does not declare is denied.
#[derive(Debug, Parser)]
#[command(name = "hub", version, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Colours: `auto` looks at the terminal, `NO_COLOR` and `CLICOLOR_FORCE`
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// More about what happens (`-v` info, `-vv` debug), on standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Only problems
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// If standard error is a terminal.
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Human,
    /// One JSON document on standard output.
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a first manifest that runs without editing
    Init(init::Init),
    /// Draft a manifest from what connectors say about themselves; everything stays denied until somebody decides
    Discover(discover::Discover),
    /// Tell everything that is wrong with a manifest; connects to nothing and runs no connector
    Check(check::Check),
    /// Show what would change if the manifest were applied, and who has to agree; applies nothing
    Plan(plan::Plan),
    /// Compare two manifests by what their difference means
    Diff(diff::Diff),
    /// Show which manifests came into force, what each changed, why and who agreed; prove that none was changed since
    Changes(changes::Changes),
    /// Sign flows as they are now, in a role, into `hub.lock`
    Approve(approve::Approve),
    /// Run the flows of a manifest: one pass, or until stopped if any has a schedule
    Run(run::Run),
    /// Look at who is told when something needs a look, and tell them something
    Alert(alert::Alert),
    /// Show what each flow did last
    Status(status::Status),
    /// Look at records that a rule held back; release or erase them
    Quarantine(quarantine::Quarantine),
    /// Let a flow go on that a rule paused (HUB-E213)
    Resume(resume::Resume),
    /// Show which fields the last runs left out and which ones are gone, with a proposal to paste; changes nothing
    Drift(drift::Drift),
    /// Show and verify the audit log
    Audit(audit::Audit),
    /// See and change the keys that encrypt what is stored
    Key(key::Key),
    /// Say how far each flow has come, or make one begin anew
    State(state::State),
    /// Copy the store and prove the copy, also while a hub is running
    Backup(backup::Backup),
    /// Take a backup back
    Restore(backup::Restore),
    /// Look whether everything is there that a run needs, and whether what is stored is whole
    Doctor(doctor::Doctor),
    /// Write the register of processing activities (Art. 30 GDPR)
    Register(register::Register),
    /// Screen for an impact assessment (Art. 35 GDPR): what was found, and what is open
    Dpia(dpia::Dpia),
    /// Write notices for data subjects (Art. 13 and 14 GDPR)
    Notice(notice::Notice),
    /// Tell where data of a category, or a kind of identifier, lies
    Where(whereabouts::Whereabouts),
    /// Draw the declared flows
    Diagram(diagram::Diagram),
    /// Look at connectors, install and update them
    Plugin(plugin::Plugin),
    /// Begin a connector: a folder that can be tried at once
    New(new::New),
    /// Make one file of a connector's folder
    Build(build::Build),
    /// Play a connector's recordings and compare what it makes of them; record the real system
    Test(replay::Test),
    /// Build and play again after each change, and show what became different
    Dev(dev::Dev),
    /// Hold a connector against the standard, check by check
    Conform(conform::Conform),
    /// Sign a connector and put it into a registry
    Publish(publish::Publish),
    /// Take over what another tool was set up to do
    Import(import::Import),
    /// Explain a problem code such as HUB-E101
    Explain(explain::Explain),
    /// List what the rules take from the law, and what is due for review
    Law(law::Law),
    /// Print the JSON Schema of the manifest, for editors
    Schema,
    /// Print a completion script for a shell
    Completion(shell::Completion),
}

/// A component as a call names it: a file, or `builtin:NAME`.
fn component(named: &str, config: &Config) -> Result<Package, Problem> {
    let builtin = named.strip_prefix("builtin:").map(|name| ConnectorRef::Builtin(name.to_owned()));
    package::find(&builtin.unwrap_or_else(|| ConnectorRef::Path(named.to_owned())), Path::new("."), config)
}

/// A connector as a call names it: its folder, or its component.
fn connector(named: &str, config: &Config) -> Result<(Option<Project>, Package), Problem> {
    let folder = Path::new(named);
    if !folder.is_dir() {
        return Ok((None, component(named, config)?));
    }
    let project = Project::open(folder)?;
    let built = crate::author::build::current(&project, config)?;
    Ok((Some(project), built.package))
}

/// Where a manifest and its data are.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// Folder of store, audit log and cache [default: hub-data beside the manifest]
    #[arg(long, env = "HUB_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Place {
    fn config(&self) -> Config {
        Config::new(self.data.clone(), Some(&self.manifest))
    }
}

/// A verb that did not do its work: what is wrong, and the texts to show it in.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub problems: Problems,
    /// Texts that the places are in; empty if there is no manifest.
    pub sources: Sources,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problems: problem.into(), sources: Sources::default() }
    }
}

/// Runs the program; answers with its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(code) = internal(&arguments) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; everything else is a wrong call (exit code 2).
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    cli.set_colour();
    crate::observe::start(cli.verbose, cli.quiet);
    let output = cli.output();
    ExitCode::from(cli.dispatch().unwrap_or_else(|failure| {
        render::show(&failure, output);
        failure.problems.exit_code()
    }))
}

/// Calls that no user is offered: compiling in a process of its own, the reference page of the documentation, and the places of `cargo xtask faults`.
fn internal(arguments: &[OsString]) -> Option<ExitCode> {
    match (arguments.first()?.to_str()?, arguments.get(1..)?) {
        ("compile-component", [input, output]) => Some(crate::plugin::package::compile_component_main(Path::new(input), Path::new(output))),
        ("crash-points", []) => {
            for (_, name, about) in crate::crash::Point::ALL {
                print_text(&format!("{name}\t{}\n", about.trim()));
            }
            Some(ExitCode::SUCCESS)
        }
        ("reference-page", []) => {
            shell::reference_page();
            Some(ExitCode::SUCCESS)
        }
        _ => None,
    }
}

impl Cli {
    fn set_colour(&self) {
        match self.color {
            Colour::Auto => {}
            Colour::Always => anstream::ColorChoice::Always.write_global(),
            Colour::Never => anstream::ColorChoice::Never.write_global(),
        }
    }

    fn output(&self) -> Output {
        match &self.verb {
            Verb::Check(verb) => verb.output(),
            Verb::Plan(verb) => verb.output,
            Verb::Diff(verb) => verb.output,
            Verb::Changes(verb) => verb.output,
            Verb::Run(verb) => verb.output,
            Verb::Status(verb) => verb.output,
            Verb::Quarantine(verb) => verb.output(),
            Verb::Discover(verb) => verb.output,
            Verb::Drift(verb) => verb.output,
            Verb::Audit(verb) => verb.output(),
            Verb::Key(verb) => verb.output(),
            Verb::State(verb) => verb.output(),
            Verb::Doctor(verb) => verb.output,
            Verb::Plugin(verb) => verb.output(),
            Verb::Law(verb) => verb.output,
            Verb::Build(verb) => verb.output,
            Verb::Test(verb) => verb.output,
            Verb::Conform(verb) => verb.output,
            _ => Output::Human,
        }
    }

    fn dispatch(self) -> Result<u8, Failure> {
        let quiet = self.quiet;
        match self.verb {
            Verb::Init(verb) => verb.run(),
            Verb::Discover(verb) => verb.run(),
            Verb::Check(verb) => verb.run(),
            Verb::Plan(verb) => verb.run(),
            Verb::Diff(verb) => verb.run(),
            Verb::Changes(verb) => verb.run(),
            Verb::Approve(verb) => verb.run(),
            Verb::Run(verb) => verb.run(quiet),
            Verb::Alert(verb) => verb.run(),
            Verb::Status(verb) => verb.run(),
            Verb::Quarantine(verb) => verb.run(),
            Verb::Resume(verb) => verb.run(),
            Verb::Drift(verb) => verb.run(),
            Verb::Audit(verb) => verb.run(),
            Verb::Key(verb) => verb.run(),
            Verb::State(verb) => verb.run(),
            Verb::Backup(verb) => verb.run(),
            Verb::Restore(verb) => verb.run(),
            Verb::Doctor(verb) => verb.run(),
            Verb::Register(verb) => verb.run(quiet),
            Verb::Dpia(verb) => verb.run(),
            Verb::Notice(verb) => verb.run(),
            Verb::Where(verb) => verb.run(),
            Verb::Diagram(verb) => verb.run(),
            Verb::Plugin(verb) => verb.run(),
            Verb::New(verb) => verb.run(),
            Verb::Build(verb) => verb.run(),
            Verb::Test(verb) => verb.run(),
            Verb::Dev(verb) => verb.run(),
            Verb::Conform(verb) => verb.run(),
            Verb::Publish(verb) => verb.run(),
            Verb::Import(verb) => verb.run(),
            Verb::Explain(verb) => verb.run(),
            Verb::Law(verb) => verb.run(),
            Verb::Schema => shell::schema(),
            Verb::Completion(verb) => verb.run(),
        }
    }
}

/// The definition of the command line, for completions and the reference page.
fn definition() -> clap::Command {
    Cli::command()
}

/// A problem of the operating system with a file or a stream.
fn io_problem(doing: &str, what: &std::path::Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::E009, format!("cannot {doing} `{}`: {error}", what.display()), "check the path and its permissions")
}

/// Writes a new file that only its owner can read, and waits until it is on disk.
fn create_private(path: &Path, content: &[u8]) -> Result<(), Problem> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all())).map_err(|error| io_problem("create", path, &error))
}

/// E009 for a flow that a call names and the manifest does not.
fn unknown_flow(id: &str, manifest: &Manifest) -> Failure {
    let declared: Vec<&str> = manifest.flows.keys().map(String::as_str).collect();
    Problem::new(Code::E009, format!("flow `{id}` is not declared"), format!("declared flows: {}", declared.join(", "))).into()
}

/// Writes to the store and waits until it is on disk.
fn commit(store: &dyn Store, puts: Vec<Put>, audit: Vec<Draft>) -> Result<(), Failure> {
    let audit = audit.into_iter().map(|draft| draft.actor(crate::config::actor())).collect();
    let written = runtime()?.block_on(store.commit(Transaction { puts, audit }, Durability::Sync));
    written.map(drop).map_err(|error| run::store_problem(&error).into())
}

/// A runtime for verbs that need one.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Problem::new(Code::E302, format!("cannot start threads: {error}"), "raise the limit of processes for this user").into()
    })
}

/// Prints one JSON document; a closed pipe is no error.
fn print_json(value: &serde_json::Value) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from).and_then(|()| writeln!(out));
}

/// Prints text for people; a closed pipe is no error.
fn print_text(text: &str) {
    use std::io::Write;
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}
