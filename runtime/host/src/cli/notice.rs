//! `hub notice`: notices for data subjects as fragments, one activity or all of them.

use clap::{Args, ValueEnum};
use hub_core::problem::{Code, Problem};
use hub_core::report::Register;
use hub_core::report::notice::{Notice as Model, notices};

use super::Failure;
use super::paper::Paper;

#[derive(Args, Debug)]
pub(super) struct Notice {
    #[command(flatten)]
    paper: Paper,
    /// Only this activity, by its whole name [default: all]
    #[arg(long, value_name = "NAME")]
    activity: Option<String>,
    /// Format of the fragments
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// A format for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// HTML.
    #[default]
    Html,
    /// Markdown.
    Md,
}

impl Notice {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let subject = self.paper.subject()?;
        let all = notices(&Register::build(&subject.policy, None, subject.day));
        let wanted: Vec<&Model> = all.iter().filter(|notice| self.activity.as_ref().is_none_or(|name| *name == notice.activity)).collect();
        if let (Some(name), true) = (&self.activity, wanted.is_empty()) {
            let names: Vec<&str> = all.iter().map(|notice| notice.activity.as_str()).collect();
            return Err(
                Problem::new(Code::E009, format!("there is no activity `{name}`"), format!("name one of: {}", names.join(", "))).into()
            );
        }
        let fragment = |notice: &&Model| match self.format {
            Form::Html => notice.html(subject.language),
            Form::Md => notice.markdown(subject.language),
        };
        self.paper.write(&wanted.iter().map(fragment).collect::<Vec<_>>().join("\n"))
    }
}
