//! Who is responsible, how strictly the manifest is meant, and texts in several languages.

use super::words::words;
use crate::date::Date;
use crate::problem::{Span, Spanned};

/// `[operator]`, Art. 30(1)(a).
#[derive(Clone, Debug)]
pub struct Operator {
    /// Legal name.
    pub name: Spanned<String>,
    /// Address for data-protection questions.
    pub contact: Spanned<String>,
    /// Postal address.
    pub address: Option<Spanned<String>>,
    /// ISO 3166 alpha-2.
    pub country: Option<Spanned<String>>,
    /// Data protection officer.
    pub dpo: Option<Officer>,
    /// Representative in the Union, Art. 27.
    pub representative: Option<Spanned<String>>,
    /// Competent supervisory authority.
    pub authority: Option<Spanned<String>>,
    /// IANA name of the zone in which deadlines are counted.
    pub timezone: Option<Spanned<String>>,
    /// Whose public holidays count: `DE`, `DE-NI`.
    pub calendar: Option<Spanned<String>>,
    /// Languages of registers and notices; none = all.
    pub languages: Vec<Spanned<Language>>,
}

/// `dpo = { name, email }`.
#[derive(Clone, Debug)]
pub struct Officer {
    /// Where the table stands.
    pub span: Span,
    /// Name.
    pub name: Spanned<String>,
    /// E-mail address.
    pub email: Spanned<String>,
}

/// `[taxonomy]`: which vocabulary the manifest was written for.
#[derive(Clone, Debug)]
pub struct Taxonomy {
    /// The vocabulary.
    pub base: Spanned<TaxonomyBase>,
    /// Its version, as written.
    pub base_version: Option<Spanned<String>>,
}

words! {
    /// A vocabulary of categories, uses and subjects.
    TaxonomyBase {
        /// fideslang.
        Fideslang = "fideslang",
    }

    /// Whether the rules stop flows.
    Mode {
        /// Violations are told, nothing is stopped.
        Observe = "observe",
        /// Violations stop flows.
        Enforce = "enforce",
    }

    /// Whether flows need an approval.
    Approvals {
        /// Every flow needs one.
        Required = "required",
        /// No flow needs one.
        None = "none",
    }

    /// A language of registers and notices.
    Language {
        /// German.
        German = "de",
        /// English.
        English = "en",
    }
}

/// A text for people: one for all languages, or one for each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wording {
    /// The same in every language.
    Plain(String),
    /// By language; at least one of them.
    ByLanguage {
        /// German.
        german: Option<String>,
        /// English.
        english: Option<String>,
    },
}

impl Wording {
    /// The text in a language; in the other one if there is none.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::ByLanguage { german, english } => {
                let (first, second) = match language {
                    Language::German => (german, english),
                    Language::English => (english, german),
                };
                first.as_deref().or(second.as_deref()).unwrap_or_default()
            }
        }
    }
}

/// `approved = { by, at, digest }`.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Where the table stands.
    pub span: Span,
    /// Roles or people, as written; at least one.
    pub by: Vec<Spanned<String>>,
    /// When.
    pub at: Spanned<Date>,
    /// What was approved, `sha256:…`. None where nothing is digested.
    pub digest: Option<Spanned<String>>,
}
