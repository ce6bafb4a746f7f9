//! `hub register export`: the register of processing activities in the format and language that is wanted. Knows no column.

use clap::{Args, Subcommand, ValueEnum};
use hub_core::report::{self, Register as Model};

use super::Failure;
use super::paper::Paper;

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
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let Verb::Export { paper, format } = &self.verb;
        let subject = paper.subject()?;
        // Run records and audit log are not read yet: the document says that nothing was observed.
        let register = Model::build(&subject.policy, None, subject.day);
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
