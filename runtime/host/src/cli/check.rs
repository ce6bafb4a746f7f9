//! `hub check`: all findings of a manifest. No network, no store, no connector code is run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hub_core::date::Date;
use hub_core::problem::Problem;
use serde_json::json;

use super::{Failure, Output, load, paper, render, sarif};
use crate::config::Config;

/// Findings that deny.
const DENIED: u8 = 3;

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// Warnings deny too
    #[arg(long)]
    deny_warnings: bool,
    /// The day by whose rules, contracts and law the manifest is judged, such as 2026-06-30 [default: today]
    #[arg(long, value_name = "DATE", value_parser = paper::day)]
    at: Option<Date>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Human,
    /// One JSON document on standard output.
    Json,
    /// SARIF 2.1.0 on standard output, for code reviews.
    Sarif,
}

impl Check {
    pub(super) fn output(&self) -> Output {
        if self.output == Form::Json { Output::Json } else { Output::Human }
    }

    pub(super) fn run(&self) -> Result<u8, Failure> {
        let loaded = match load::load_on(&self.manifest, &Config::new(None, Some(&self.manifest)), self.at) {
            Ok(loaded) => loaded,
            Err(failure) if self.output == Form::Sarif => {
                super::print_json(&sarif::log(failure.problems.iter(), &failure.sources));
                return Ok(failure.problems.exit_code());
            }
            Err(failure) => return Err(failure),
        };
        let warnings = loaded.policy.warnings();
        match self.output {
            Form::Json => self.print_json(&loaded, warnings),
            Form::Sarif => super::print_json(&sarif::log(warnings.iter(), &loaded.sources)),
            Form::Human => self.print(&loaded, warnings),
        }
        Ok(if self.deny_warnings && !warnings.is_empty() { DENIED } else { 0 })
    }

    fn print_json(&self, loaded: &load::Loaded, warnings: &[Problem]) {
        let manifest = loaded.policy.manifest();
        let notes: Vec<_> = loaded.remarks.iter().map(|remark| render::remark(remark, &loaded.sources)).collect();
        let ok = !self.deny_warnings || warnings.is_empty();
        super::print_json(&json!({
            "version": 1, "ok": ok, "systems": manifest.systems.len(), "flows": manifest.flows.len(), "digest": manifest.digest,
            "problems": [], "warnings": render::list_json(warnings, &loaded.sources), "notes": notes,
        }));
    }

    fn print(&self, loaded: &load::Loaded, warnings: &[Problem]) {
        let manifest = loaded.policy.manifest();
        anstream::eprint!("{}{}", render::list(warnings, &loaded.sources), render::draw_remarks(&loaded.remarks, &loaded.sources));
        let verdict = match warnings.len() {
            0 => "nothing to object to".to_owned(),
            1 => "1 warning".to_owned(),
            more => format!("{more} warnings"),
        };
        let counted = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
        let (systems, flows) = (counted(manifest.systems.len(), "system"), counted(manifest.flows.len(), "flow"));
        let summary = format!("✓ {}: {systems}, {flows}, {verdict}   sha256:{}\n", self.manifest.display(), short(&manifest.digest));
        super::print_text(&summary);
    }
}

/// The first characters of a digest, for people.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
