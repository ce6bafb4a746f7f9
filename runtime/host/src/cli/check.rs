//! `hub check`: all findings of a manifest. No network, no store, no connector code is run.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Output, load, render};
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Check {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let loaded = load::load(&self.manifest, &Config::new(None, Some(&self.manifest)))?;
        let manifest = loaded.policy.manifest();
        let (systems, flows) = (manifest.systems.len(), manifest.flows.len());
        match self.output {
            Output::Json => {
                let notes: Vec<_> = loaded.remarks.iter().map(|remark| render::remark(remark, &loaded.sources)).collect();
                super::print_json(
                    &json!({ "version": 1, "ok": true, "systems": systems, "flows": flows, "digest": manifest.digest, "problems": [], "notes": notes }),
                );
            }
            Output::Human => {
                anstream::eprint!("{}", render::draw_remarks(&loaded.remarks, &loaded.sources));
                let summary = format!(
                    "✓ {}: {systems} systems, {flows} flows, nothing to object to   sha256:{}\n",
                    self.manifest.display(),
                    short(&manifest.digest)
                );
                super::print_text(&summary);
            }
        }
        Ok(0)
    }
}

/// The first characters of a digest, for people.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
