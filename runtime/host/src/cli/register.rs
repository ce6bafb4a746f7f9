//! `hub register export`: the register of processing activities in the format and language that is wanted. Knows no column.

use clap::{Args, Subcommand, ValueEnum};
use hub_core::report::{self, Observed, Register as Model};

use super::paper::{Paper, Subject};
use super::{Failure, observed};
use crate::clock;

#[derive(Args, Debug)]
pub(super) struct Register {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the register of processing activities (Art. 30 GDPR)
    Export {
        #[command(flatten)]
        paper: Paper,
        /// Format of the document
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Ask no store: nothing of what was observed or in force; the same manifest and day give the same document wherever it is made
        #[arg(long)]
        no_observed: bool,
    },
}

/// A format of the register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page for reading and printing.
    #[default]
    Html,
    /// Markdown, for reviews in Git.
    Md,
    /// A table for spreadsheets.
    Csv,
    /// The model, for programs.
    Json,
    /// Terms of the Data Privacy Vocabulary.
    Jsonld,
}

impl Register {
    pub(super) fn run(&self, quiet: bool) -> Result<u8, Failure> {
        let Verb::Export { paper, format, no_observed } = &self.verb;
        let subject = if *no_observed { paper.present()? } else { paper.subject()? };
        let observed = if *no_observed { None } else { observe(paper, &subject, quiet)? };
        let changes = if *no_observed { Vec::new() } else { paper.history(subject.day)? };
        let register = Model { changes, ..Model::build(&subject.policy, observed.as_ref(), subject.day) };
        let text = match format {
            Format::Html => report::html::render(&register.document(), subject.language),
            Format::Md => report::markdown::render(&register.document(), subject.language),
            Format::Csv => report::csv::render(&register.document(), subject.language),
            Format::Json => format!("{:#}\n", report::json::render(&register)),
            Format::Jsonld => format!("{:#}\n", report::jsonld::render(&register)),
        };
        paper.write(&text)
    }
}

/// What the store knows; if there is nothing to know, the document says so, and standard error says where it was looked for.
fn observe(paper: &Paper, subject: &Subject, quiet: bool) -> Result<Option<Observed>, Failure> {
    let config = paper.config();
    let observed = observed::observe(&config, subject.day, clock::zone(subject.policy.manifest()))?;
    if observed.is_none() && !quiet {
        let (data, day) = (config.data.display(), subject.day);
        anstream::eprintln!("nothing was observed up to {day}: no run is on record in `{data}`; `--data` names another folder");
    }
    Ok(observed)
}
