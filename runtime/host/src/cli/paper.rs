//! What the verbs that write documents share: which manifest, as of which day, in which language, and where to. Makes no document.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use hub_core::date::Date;
use hub_core::manifest::Language;
use hub_core::policy::Policy;

use super::{Failure, io_problem, load};
use crate::clock;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Paper {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// Language of the document [default: the operator's first one, otherwise de]
    #[arg(long, value_enum)]
    lang: Option<Tongue>,
    /// The day by whose rules and law the manifest is judged, such as 2026-06-30; it does not bring back an older manifest [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    at: Option<Date>,
    /// File to write to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A language of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tongue {
    /// German.
    De,
    /// English.
    En,
}

/// A policy with the day and the language of a document about it.
pub(super) struct Subject {
    pub policy: Arc<Policy>,
    pub day: Date,
    pub language: Language,
}

/// A day as users write it.
pub(super) fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "write it as YEAR-MONTH-DAY, such as 2026-06-30".to_owned())
}

impl Paper {
    /// Reads and judges the manifest.
    pub(super) fn subject(&self) -> Result<Subject, Failure> {
        let loaded = load::load_on(&self.manifest, &Config::new(None, Some(&self.manifest)), self.at)?;
        let manifest = loaded.policy.manifest();
        let first = manifest.operator.languages.first().map_or(Language::German, |language| language.value);
        let language = self.lang.map_or(first, |tongue| match tongue {
            Tongue::De => Language::German,
            Tongue::En => Language::English,
        });
        let day = self.at.unwrap_or_else(|| clock::today(manifest));
        Ok(Subject { policy: loaded.policy, day, language })
    }

    /// Settings for the manifest's folder.
    pub(super) fn config(&self, data: Option<PathBuf>) -> Config {
        Config::new(data, Some(&self.manifest))
    }

    /// Writes the document.
    pub(super) fn write(&self, text: &str) -> Result<u8, Failure> {
        match &self.out {
            Some(path) => std::fs::write(path, text).map_err(|error| io_problem("write", path, &error))?,
            None => super::print_text(text),
        }
        Ok(0)
    }
}
