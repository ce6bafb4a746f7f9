//! What the verbs that write documents share: which manifest, as of which day, in which language, and where to. Makes no document.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use hub_core::date::Date;
use hub_core::manifest::Language;
use hub_core::policy::Policy;
use hub_core::report::register::Changed;

use super::{Failure, changes, io_problem, load, past};
use crate::clock;
use crate::config::Config;
use crate::history;

#[derive(Args, Debug)]
pub(super) struct Paper {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// Language of the document [default: the operator's first one, otherwise de]
    #[arg(long, value_enum)]
    lang: Option<Tongue>,
    /// The day for which it holds, such as 2026-06-30: the manifest that was in force then, if the store knows it, by the rules and the law of that
    /// day [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    at: Option<Date>,
    /// Folder of the store that tells what was in force and what ran [default: hub-data beside the manifest]
    #[arg(long, env = "HUB_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
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
    /// Reads and judges the manifest, or the one that was in force on an earlier day.
    pub(super) fn subject(&self) -> Result<Subject, Failure> {
        match self.earlier()? {
            Some(policy) => Ok(self.about(Arc::new(policy))),
            None => self.present(),
        }
    }

    /// Reads and judges the manifest, and asks no store: the same files and day give the same document wherever it is made.
    pub(super) fn present(&self) -> Result<Subject, Failure> {
        Ok(self.about(load::load_on(&self.manifest, &self.config(), self.at)?.policy))
    }

    fn about(&self, policy: Arc<Policy>) -> Subject {
        let manifest = policy.manifest();
        let first = manifest.operator.languages.first().map_or(Language::German, |language| language.value);
        let language = self.lang.map_or(first, |tongue| match tongue {
            Tongue::De => Language::German,
            Tongue::En => Language::English,
        });
        let day = self.at.unwrap_or_else(|| clock::today(manifest));
        Subject { policy, day, language }
    }

    /// What was in force at the end of an earlier day. None: today is meant, or the store does not know, which is said.
    fn earlier(&self) -> Result<Option<Policy>, Failure> {
        let Some(day) = self.at else { return Ok(None) };
        let ends = day.add_days(1).map_or(u64::MAX, |next| clock::start_of(next, None));
        if ends > clock::now_ms() {
            return Ok(None);
        }
        let config = self.config();
        let entries = changes::read(&config, history::entries)?.unwrap_or_default();
        if let Some(entry) = history::in_force(&entries, ends) {
            return past::policy(entry, day).map(Some);
        }
        let data = config.data.display();
        anstream::eprintln!("`{data}` knows no manifest that was in force on {day}: the present one is judged by the rules of that day");
        Ok(None)
    }

    /// The history of changes up to the document's day.
    pub(super) fn history(&self, day: Date) -> Result<Vec<Changed>, Failure> {
        let ends = day.add_days(1).map_or(u64::MAX, |next| clock::start_of(next, None));
        Ok(changes::told(&changes::read(&self.config(), history::entries)?.unwrap_or_default(), ends))
    }

    /// Settings for the manifest's folder.
    pub(super) fn config(&self) -> Config {
        Config::new(self.data.clone(), Some(&self.manifest))
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
