//! `hub where`: in which systems, streams and fields data of a category, or a kind of identifier, lies.

use clap::{Args, ValueEnum};
use hub_core::problem::{Code, Problem};
use hub_core::report::inventory::{self, Wanted};
use hub_core::report::{csv, markdown};
use hub_core::vocab;
use serde_json::json;

use super::Failure;
use super::paper::Paper;

#[derive(Args, Debug)]
pub(super) struct Whereabouts {
    #[command(flatten)]
    paper: Paper,
    /// A data category and everything below it, such as user.contact
    #[arg(long, value_name = "KEY", required_unless_present = "identifier", conflicts_with = "identifier")]
    category: Option<String>,
    /// A kind of identifier as the manifest's streams name it, such as email
    #[arg(long, value_name = "KIND")]
    identifier: Option<String>,
    /// Format of the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A format of the inventory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading.
    #[default]
    Md,
    /// A table for spreadsheets.
    Csv,
    /// For programs.
    Json,
}

impl Whereabouts {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let subject = self.paper.subject()?;
        let manifest = subject.policy.manifest();
        let (name, wanted) = match (&self.category, &self.identifier) {
            (Some(key), _) => {
                if vocab::category(key).is_none() && !manifest.categories.contains_key(key) {
                    let near =
                        vocab::closest(key).map_or_else(|| "see the vocabulary".to_owned(), |near| format!("did you mean `{near}`?"));
                    return Err(Problem::new(Code::E009, format!("there is no data category `{key}`"), near).into());
                }
                (key, Wanted::Category(key.clone()))
            }
            (None, Some(kind)) => {
                let kinds = inventory::kinds(manifest);
                if !kinds.contains(kind.as_str()) {
                    let known = format!("name one of: {}", kinds.into_iter().collect::<Vec<_>>().join(", "));
                    return Err(Problem::new(Code::E009, format!("no stream is identified by `{kind}`"), known).into());
                }
                (kind, Wanted::Identifier(kind.clone()))
            }
            (None, None) => return Err(Problem::new(Code::E009, "nothing to look for", "name `--category` or `--identifier`").into()),
        };
        let places = inventory::places(&subject.policy, &wanted);
        self.paper.write(&match self.format {
            Format::Md => markdown::render(&inventory::document(name, &places), subject.language),
            Format::Csv => csv::render(&inventory::document(name, &places), subject.language),
            Format::Json => format!("{:#}\n", json!({ "version": 1, "wanted": name, "places": places })),
        })
    }
}
