//! `hub init`: writes a first manifest that runs without editing. Never overwrites.

use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::problem::{Code, Problem};

use super::{Failure, io_problem};

#[derive(Args, Debug)]
pub(super) struct Init {
    /// The folder, made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// The quickstart of the examples, so that what is shown there is what is written here.
const MANIFEST: &str = include_str!("../../../../examples/quickstart/manifest.toml");

impl Init {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        std::fs::create_dir_all(&self.folder).map_err(|error| io_problem("create", &self.folder, &error))?;
        let manifest = self.folder.join("manifest.toml");
        if manifest.exists() {
            return Err(Problem::new(
                Code::E009,
                format!("`{}` is already there", manifest.display()),
                "name another folder: `hub init FOLDER`",
            )
            .into());
        }
        let schema = format!("{:#}\n", hub_core::manifest::schema::json_schema());
        write(&self.folder.join("hub-manifest.schema.json"), &schema)?;
        write(&manifest, MANIFEST)?;
        let ignore = self.folder.join(".gitignore");
        if !ignore.exists() {
            write(&ignore, "hub-data/\nout/\n")?;
        }
        super::print_text(&format!("created {}\nnext: hub check {0}, then hub run {0}\n", manifest.display()));
        Ok(0)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| io_problem("write", path, &error).into())
}
