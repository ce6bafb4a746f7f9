//! The words of `dictionary.toml`: data, compiled in. Knows no field and no stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::shipped);

/// Words by category, turned round.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pub(super) people: BTreeSet<String>,
    pub(super) subjects: BTreeMap<String, Vec<String>>,
    pub(super) strong: BTreeMap<String, String>,
    pub(super) weak: BTreeMap<String, String>,
    pub(super) among_people: BTreeMap<String, String>,
    pub(super) elsewhere: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    people: Vec<String>,
    subjects: BTreeMap<String, Vec<String>>,
    strong: BTreeMap<String, Vec<String>>,
    weak: BTreeMap<String, Vec<String>>,
    among_people: BTreeMap<String, Vec<String>>,
    elsewhere: BTreeMap<String, Vec<String>>,
}

pub(super) fn dictionary() -> &'static Dictionary {
    &DICTIONARY
}

impl Dictionary {
    fn shipped() -> Self {
        let file = read().unwrap_or_default();
        let turned = |words: BTreeMap<String, Vec<String>>| {
            words.into_iter().flat_map(|(key, words)| words.into_iter().map(move |word| (word, key.clone()))).collect()
        };
        let mut subjects: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (subject, words) in file.subjects {
            for word in words {
                subjects.entry(word).or_default().push(subject.clone());
            }
        }
        Self {
            people: file.people.into_iter().collect(),
            subjects,
            strong: turned(file.strong),
            weak: turned(file.weak),
            among_people: turned(file.among_people),
            elsewhere: turned(file.elsewhere),
        }
    }
}

fn read() -> Result<File, toml::de::Error> {
    toml::from_str(include_str!("dictionary.toml"))
}

/// The words of a name: split at separators and where small letters meet capitals; umlauts written out, lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut previous_is_small = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && previous_is_small) {
            found.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        previous_is_small = character.is_lowercase() || character.is_ascii_digit();
        match character.to_lowercase().next() {
            Some('ä') => word.push_str("ae"),
            Some('ö') => word.push_str("oe"),
            Some('ü') => word.push_str("ue"),
            Some('ß') => word.push_str("ss"),
            Some(small) if character.is_alphanumeric() => word.push(small),
            _ => {}
        }
    }
    found.extend((!word.is_empty()).then_some(word));
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{read, words};
    use crate::vocab;

    #[test]
    fn every_word_stands_once_and_means_something_known() {
        let file = read().unwrap();
        assert!(file.subjects.keys().all(|subject| vocab::subject(subject).is_some()));
        for (part, entries) in
            [("strong", &file.strong), ("weak", &file.weak), ("among_people", &file.among_people), ("elsewhere", &file.elsewhere)]
        {
            let mut seen = std::collections::BTreeMap::new();
            for (category, entries) in entries {
                assert!(vocab::category(category).is_some(), "{part}: {category}");
                for word in entries {
                    assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{part}: {word}");
                    assert_eq!(seen.insert(word, category), None, "{part}: {word} stands twice");
                }
            }
        }
        assert!(file.people.iter().chain(file.subjects.values().flatten()).all(|word| words(word) == [word.clone()]));
    }

    #[test]
    fn names_are_split_however_they_are_written() {
        for name in ["first_name", "firstName", "First-Name", "FIRST_NAME", "first name"] {
            assert_eq!(words(name), ["first", "name"], "{name}");
        }
        assert_eq!(words("Straße2"), ["strasse2"]);
        assert_eq!(words("address1City"), ["address1", "city"]);
        assert!(words("__").is_empty());
    }
}
