//! `hub dpia`: the screening for an impact assessment as a document, and drafts for whoever makes one. What counts as a hit is the policy's.

use clap::{Args, ValueEnum};
use hub_core::problem::{Code, Problem};
use hub_core::report::{Document, Register, dpia, html, markdown, pia, protection};

use super::Failure;
use super::notice::Form;
use super::paper::{Paper, Subject};

#[derive(Args, Debug)]
pub(super) struct Dpia {
    #[command(flatten)]
    paper: Paper,
    /// What is written
    #[arg(long = "as", value_name = "KIND", value_enum, default_value_t)]
    kind: Kind,
    /// The activity that a draft for the PIA tool is of, by its whole name; needed where there are several
    #[arg(long, value_name = "NAME")]
    activity: Option<String>,
    /// Format of screening and sheet
    #[arg(long, value_enum, default_value_t = Form::Md)]
    format: Form,
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Which criteria and lists are met, and what is open.
    #[default]
    Screening,
    /// Draft of a sheet with the goals of the Standard Data Protection Model.
    Sdm,
    /// Draft of an assessment that the PIA tool of CNIL imports (JSON).
    Pia,
}

impl Dpia {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let subject = self.paper.subject()?;
        let register = || Register::build(&subject.policy, None, subject.day);
        self.paper.write(&match self.kind {
            Kind::Screening => self.rendered(&dpia::document(&subject.policy, subject.day), &subject),
            Kind::Sdm => self.rendered(&protection::document(&register()), &subject),
            Kind::Pia => self.draft(&register(), &subject)?,
        })
    }

    fn rendered(&self, document: &Document, subject: &Subject) -> String {
        match self.format {
            Form::Html => html::render(document, subject.language),
            Form::Md => markdown::render(document, subject.language),
        }
    }

    fn draft(&self, register: &Register, subject: &Subject) -> Result<String, Failure> {
        let only = match register.entries.as_slice() {
            [entry] => Some(entry.name.as_str()),
            _ => None,
        };
        let wanted = self.activity.as_deref().or(only);
        if let Some(draft) = wanted.and_then(|name| pia::render(register, name, subject.language)) {
            return Ok(format!("{draft:#}\n"));
        }
        let names: Vec<&str> = register.entries.iter().map(|entry| entry.name.as_str()).collect();
        let title = match wanted {
            Some(name) => format!("there is no activity `{name}`"),
            None => "a draft is of one activity, and there are several".to_owned(),
        };
        Err(Problem::new(Code::E009, title, format!("name one with `--activity`: {}", names.join(", "))).into())
    }
}
