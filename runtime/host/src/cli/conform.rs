//! `hub conform`: the connector standard, check by check, against a folder or any component.

use std::path::PathBuf;

use clap::Args;
use hub_core::problem::Problem;

use super::{Failure, Output, print_json, print_text, replay};
use crate::author::bench::{Bench, Declared};
use crate::author::conform::{self, Line, Scene};
use crate::author::project::Project;
use crate::author::{build, recording};
use crate::config::{self, Config};
use crate::plugin::package::Compiler;

#[derive(Args, Debug)]
pub(super) struct Conform {
    /// The connector: its folder, a .wasm file, or `builtin:NAME`
    #[arg(default_value = ".")]
    connector: String,
    /// Folder with `test.toml` and `recordings` for a component [default: the connector's folder]
    #[arg(long, value_name = "FOLDER")]
    with: Option<PathBuf>,
    /// Where the report is put, as JSON [default: target/conformance.json in the connector's folder]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// List the checks and try nothing
    #[arg(long)]
    list: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Conform {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        if self.list {
            let lines: String = conform::all().map(|check| format!("{:>2}  {}\n", check.number, check.title)).collect();
            print_text(&lines);
            return Ok(0);
        }
        let config = Config::new(None, None);
        let (project, package) = super::connector(&self.connector, &config)?;
        let with = self.with.clone().or_else(|| project.as_ref().map(|project| project.folder.clone()));
        // Without a folder there is nothing beside the component: what is tried with recordings is not tried.
        let with = with.unwrap_or_else(|| config::cache().join("no-folder"));
        let beside = project.clone().or_else(|| Project::open(&with).ok());
        let licence = beside.and_then(|project| project.licence);
        let bench = Bench::open(package, &with, Declared::default(), &config::cache(), Compiler::Child(config.program))?;
        let human = self.output == Output::Human;
        let told = |line: &Line| {
            if human {
                print_text(&format!("{}\n", line.text()));
            }
        };
        let report = super::runtime()?.block_on(async {
            let mut recordings = Vec::new();
            for (_, _, recorded) in recording::all(&with)? {
                let player = replay::player(&recorded, &bench).await?;
                recordings.push((recorded, player));
            }
            let scene = Scene::set(bench, licence, recordings).await;
            Ok::<_, Problem>(conform::run(&scene, &told).await)
        })?;
        let path = self.report.clone().or_else(|| project.as_ref().map(Project::report));
        if let Some(path) = &path {
            build::write(path, format!("{:#}\n", serde_json::json!(report)).as_bytes())?;
        }
        match self.output {
            Output::Json => print_json(&serde_json::json!(report)),
            Output::Human => {
                let place = path.map_or_else(String::new, |path| format!("   {}", path.display()));
                print_text(&format!("{}{place}\n", report.summary()));
            }
        }
        Ok(u8::from(report.failed > 0))
    }
}
