//! Texts in both languages, and lines that are put together from facts. Knows no document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::Word;
use crate::date::Period;
use crate::manifest::{Language, Wording};

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Text {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

/// A key of the manifest or the vocabulary, and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Named {
    /// The key.
    pub key: String,
    /// The name.
    pub name: Text,
}

impl Text {
    /// The same in both languages.
    #[must_use]
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { en: text.clone(), de: text }
    }

    /// Names of the vocabulary.
    #[must_use]
    pub fn new(de: &str, en: &str) -> Self {
        Self { de: de.to_owned(), en: en.to_owned() }
    }

    /// What the operator wrote.
    #[must_use]
    pub fn of(wording: &Wording) -> Self {
        Self::new(wording.in_language(Language::German), wording.in_language(Language::English))
    }

    /// A word without gaps.
    #[must_use]
    pub fn word(word: Word) -> Self {
        Self::new(word.text(Language::German), word.text(Language::English))
    }

    /// A word with its gaps filled in order. What is left over of either is left as it is.
    #[must_use]
    pub fn with(word: Word, facts: &[&dyn Fact]) -> Self {
        let fill = |language| {
            let mut facts = facts.iter();
            let mut parts = word.text(language).split("{}");
            let mut text = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                match facts.next() {
                    Some(fact) => text.push_str(&fact.fact(language)),
                    None => text.push_str("{}"),
                }
                text.push_str(part);
            }
            text
        };
        Self { de: fill(Language::German), en: fill(Language::English) }
    }

    /// Several texts with a separator between them.
    #[must_use]
    pub fn join<'t>(texts: impl IntoIterator<Item = &'t Self>, separator: &str) -> Self {
        let (de, en): (Vec<&str>, Vec<&str>) = texts.into_iter().map(|text| (text.de.as_str(), text.en.as_str())).unzip();
        Self { de: de.join(separator), en: en.join(separator) }
    }

    /// The text in a language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::German => &self.de,
            Language::English => &self.en,
        }
    }

    /// A period in words.
    #[must_use]
    pub fn period(period: Period) -> Self {
        let units = [
            (period.years, Word::OneYear, Word::Years),
            (period.months, Word::OneMonth, Word::Months),
            (period.days, Word::OneDay, Word::Days),
        ];
        let parts: Vec<Self> = units
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| if number == 1 { Self::word(one) } else { Self::with(many, &[&number.to_string()]) })
            .collect();
        let and = Self::word(Word::And);
        let glue = |language| format!(" {} ", and.in_language(language));
        Self { de: Self::join(&parts, &glue(Language::German)).de, en: Self::join(&parts, &glue(Language::English)).en }
    }
}

/// What fills a gap.
pub trait Fact {
    /// The fact in a language.
    fn fact(&self, language: Language) -> String;
}

impl Fact for Text {
    fn fact(&self, language: Language) -> String {
        self.in_language(language).to_owned()
    }
}

impl Fact for String {
    fn fact(&self, _: Language) -> String {
        self.clone()
    }
}

impl Fact for &str {
    fn fact(&self, _: Language) -> String {
        (*self).to_owned()
    }
}

/// A line of facts: the first, and what is known besides, behind semicolons.
#[derive(Debug)]
pub(super) struct Parts(Vec<Text>);

impl Parts {
    pub(super) fn new(first: Text) -> Self {
        Self(vec![first])
    }

    pub(super) fn and(mut self, more: Text) -> Self {
        self.0.push(more);
        self
    }

    /// A word about a fact, if there is one.
    pub(super) fn maybe(self, word: Word, fact: Option<&dyn Fact>) -> Self {
        match fact {
            Some(fact) => self.and(Text::with(word, &[fact])),
            None => self,
        }
    }

    pub(super) fn line(self) -> Text {
        Text::join(&self.0, "; ")
    }
}

/// Counts by name as `name ×3`, sorted by name.
pub(super) fn counts(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(name, times)| format!("{name} ×{times}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_in_order_and_facts_are_not_read_again() {
        let text = Text::with(Word::FlowIs, &[&"a{}", &"b", &Text::new("zwei", "two")]);
        assert_eq!((text.de.as_str(), text.en.as_str()), ("Fluss a{}: b → zwei", "flow a{}: b → two"));
    }

    #[test]
    fn periods_are_told_in_words() {
        let period = |text: &str| Period::parse(text).map(Text::period);
        assert_eq!(period("P8Y"), Some(Text::new("8 Jahre", "8 years")));
        assert_eq!(period("P1Y6M"), Some(Text::new("1 Jahr und 6 Monate", "1 year and 6 months")));
        assert_eq!(period("P1D"), Some(Text::new("1 Tag", "1 day")));
    }
}
