//! `hub new`: the folder of a new connector, which can be tried at once. Never overwrites.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Failure, print_text};
use crate::author::template::{self, Language};

#[derive(Args, Debug)]
pub(super) struct New {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A connector's folder, with a recording or a test that runs at once
    Connector {
        /// Its name: lower-case letters, digits and hyphens
        name: String,
        /// What it is written in
        #[arg(long = "lang", value_enum, default_value_t = Language::Yaml)]
        language: Language,
        /// Folder in which its own is made
        #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
        place: PathBuf,
        /// The folder `sdk` of a clone of hub, for Rust and JavaScript [default: the clone that this is in]
        #[arg(long, env = "HUB_SDK", value_name = "FOLDER")]
        sdk: Option<PathBuf>,
    },
}

impl New {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let What::Connector { name, language, place, sdk } = &self.what;
        let folder = if place == Path::new(".") { PathBuf::from(name) } else { place.join(name) };
        let made = template::lay_out(&folder, name, *language, sdk.as_deref())?;
        let next = match language {
            Language::Yaml => "hub test",
            Language::Rust => "hub conform",
            Language::Js => "npm install && hub conform",
        };
        print_text(&format!("created {} with {} files\nnext: cd {0} && {next}\n", folder.display(), made.len()));
        Ok(0)
    }
}
