//! `hub dpia`: the screening for an impact assessment as a document. What counts as a hit is the policy's.

use clap::Args;
use hub_core::report::{dpia, html, markdown};

use super::Failure;
use super::notice::Form;
use super::paper::Paper;

#[derive(Args, Debug)]
pub(super) struct Dpia {
    #[command(flatten)]
    paper: Paper,
    /// Format of the document
    #[arg(long, value_enum, default_value_t = Form::Md)]
    format: Form,
}

impl Dpia {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let subject = self.paper.subject()?;
        let document = dpia::document(&subject.policy, subject.day);
        self.paper.write(&match self.format {
            Form::Html => html::render(&document, subject.language),
            Form::Md => markdown::render(&document, subject.language),
        })
    }
}
