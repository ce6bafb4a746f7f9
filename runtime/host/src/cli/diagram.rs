//! `hub diagram`: the declared flows as a picture. What is drawn and marked is the report's.

use clap::{Args, ValueEnum};
use hub_core::report::diagram::Diagram as Model;

use super::Failure;
use super::paper::Paper;

#[derive(Args, Debug)]
pub(super) struct Diagram {
    #[command(flatten)]
    paper: Paper,
    /// Format of the picture
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A format of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Mermaid text.
    #[default]
    Mermaid,
    /// SVG.
    Svg,
}

impl Diagram {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let subject = self.paper.subject()?;
        let model = Model::build(&subject.policy, subject.day);
        self.paper.write(&match self.format {
            Format::Mermaid => model.mermaid(subject.language),
            Format::Svg => model.svg(subject.language),
        })
    }
}
