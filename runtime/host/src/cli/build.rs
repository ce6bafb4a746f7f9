//! `hub build`: a connector's folder becomes one file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Output, print_json, print_text};
use crate::author::build::{self, Built};
use crate::author::project::Project;
use crate::config::Config;

/// More than this is left unused by the sandbox.
const MAX_COMPONENT_KIB: usize = 64 << 10;

#[derive(Args, Debug)]
pub(super) struct Build {
    /// The connector's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where the component is put [default: target/NAME.wasm in the folder]
    #[arg(long = "to", value_name = "FILE")]
    to: Option<PathBuf>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Build {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let project = Project::open(&self.folder)?;
        let built = build::build(&project, self.to.as_deref(), &Config::new(None, None))?;
        match self.output {
            Output::Json => print_json(&as_json(&built)),
            Output::Human => print_text(&report(&built)),
        }
        Ok(0)
    }
}

fn as_json(built: &Built) -> serde_json::Value {
    let (sizes, description) = (built.sizes, &built.package.description);
    json!({
        "version": 1, "name": description.name, "connector_version": description.version, "path": built.path.display().to_string(),
        "digest": built.package.digest,
        "bytes": { "component": sizes.component, "shared": sizes.shared, "description": sizes.description, "packed": built.packed_bytes() },
    })
}

fn report(built: &Built) -> String {
    let (sizes, description) = (built.sizes, &built.package.description);
    let kib = |bytes: usize| format!("{:>6} KiB", bytes.div_ceil(1024));
    let own = if sizes.shared == 0 {
        format!("{}  what it says about itself, schemas included\n", kib(sizes.description))
    } else {
        format!(
            "{}  the interpreter, which all low-code connectors share\n{}  manifest and labels\n",
            kib(sizes.shared),
            kib(sizes.component - sizes.shared)
        )
    };
    format!(
        "✓ {} {}   {}\n  sha256:{}\n{}  the component, of at most {MAX_COMPONENT_KIB} KiB\n{own}{}  packed, as it travels\n",
        description.name,
        description.version,
        built.path.display(),
        built.package.digest,
        kib(sizes.component),
        kib(built.packed_bytes())
    )
}
