//! Every chore of a contributor, one verb each: `cargo xtask VERB`. `cargo hub …` is the verb `hub`.
//!
//! Knows `hub-core` and no other part of hub, so that it builds fast. It does not hold house rules itself: those are data and functions in
//! [`check`].

mod bench;
mod bless;
mod build;
mod check;
mod conform;
mod docs;
mod faults;
mod hub;
mod lock;
mod process;
mod scaffold;
mod test;
mod toolchain;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::process::Result;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    match dispatch() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// What `cargo xtask` understands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Builds, tests and checks hub")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a toolchain for WebAssembly available
    Setup {
        /// Only tell what is there
        #[arg(long)]
        check: bool,
    },
    /// Build what is stale: the program, the connectors, the tests' guests
    Build {
        /// Only the connectors
        #[arg(long, conflicts_with = "host")]
        connectors: bool,
        /// Only the program
        #[arg(long)]
        host: bool,
    },
    /// Build what is stale, then run the program (the alias `cargo hub …`)
    Hub {
        /// Passed on as they are
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run everything that must be green: build, tests, conformance, check
    Test {
        /// Only the tests whose name contains this
        filter: Option<String>,
    },
    /// Format, lints and house rules
    Check {
        /// Only the house rules (seconds instead of minutes)
        #[arg(long)]
        tidy: bool,
    },
    /// Accept the present output: generated pages and snapshots
    Bless,
    /// Hold connectors against connectors/STANDARD.md, low-code manifests against recorded behaviour, or the static rules against a sketch of them
    Conform {
        /// Only this connector
        name: Option<String>,
        /// With `lowcode`: a case, or a folder of cases, recorded of the language's reference. With `policy`: a folder with `plan_check.py`
        folder: Option<PathBuf>,
        #[command(flatten)]
        options: conform::recorded::Options,
    },
    /// Measure programs side by side
    Bench(bench::Options),
    /// End the program at every place of its commit protocol and look what is left
    Faults(faults::Options),
    /// Lay out a new connector
    New {
        /// Its name: lower-case letters, digits and hyphens
        name: String,
    },
    /// Write docs/reference anew
    Docs,
    /// Write the digests of the interface folders into wit/LOCK
    Lock {
        /// Mark this folder as released: it is never edited again
        #[arg(long, value_name = "FOLDER")]
        release: Option<String>,
    },
}

fn dispatch() -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut arguments = std::env::args_os().skip(1);
    // `cargo hub --help` is a question to hub, not to clap's view of this verb.
    if arguments.next().is_some_and(|verb| verb == "hub") {
        return hub::run(&workspace, arguments.collect());
    }
    match Arguments::parse().verb {
        Verb::Setup { check } => toolchain::setup(check)?,
        Verb::Build { connectors, host } => {
            build::build(&workspace, !connectors, !host)?;
            if !connectors && !host {
                build::build_guests(&workspace, &workspace::TEST_GUESTS)?;
            }
        }
        Verb::Hub { arguments } => return hub::run(&workspace, arguments),
        Verb::Test { filter } => test::run(&workspace, filter.as_deref())?,
        Verb::Check { tidy: true } => check::tidy(&workspace)?,
        Verb::Check { tidy: false } => check::run(&workspace)?,
        Verb::Bless => bless::run(&workspace)?,
        Verb::Conform { name, folder: Some(folder), options } if name.as_deref() == Some("policy") => {
            return conform::policy::run(&workspace, &folder, options.count);
        }
        Verb::Conform { name, folder: Some(folder), options } => {
            return conform::recorded::run(&workspace, name.as_deref(), &folder, &options);
        }
        Verb::Conform { name, folder: None, .. } => conform::run(&workspace, name.as_deref())?,
        Verb::Bench(options) => bench::run(&workspace, &options)?,
        Verb::Faults(options) => faults::run(&workspace, &options)?,
        Verb::New { name } => scaffold::run(&workspace, &name)?,
        Verb::Docs => docs::write(&workspace)?,
        Verb::Lock { release } => lock::write(&workspace, release.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}
