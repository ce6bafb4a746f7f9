//! Data categories, uses and subjects: keys of fideslang (CC BY 4.0, see `fideslang.toml`) and hub's extensions (`hub.toml`). Data, not code.
//!
//! Beside them stands law as dated data (`law`). Knows the shipped vocabulary only: what a manifest adds with `[[category]]` and `[[subject]]`
//! is the policy's to join.

mod data;
pub mod law;
mod reference;

use std::collections::HashMap;
use std::sync::LazyLock;

use data::Vocabulary;

pub use reference::reference_page;

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::shipped);
/// Categories by key once more: rules ask for the category of each field, several times.
static CATEGORIES: LazyLock<HashMap<&str, &Category>> =
    LazyLock::new(|| VOCABULARY.categories.iter().map(|(key, category)| (key.as_str(), category)).collect());

/// The category of data that says nothing about people.
pub const NON_PERSONAL: &str = "non-personal";
/// Every word that may stand in [`Category::marks`].
pub const MARKS: [&str; 7] = ["direct", "quasi", "enumerable", "art9", "art10", "free-text", "highly-personal"];

/// A kind of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// `user.contact.email`.
    pub key: String,
    /// The key that it stands below.
    pub parent: Option<String>,
    /// German name, as a register of processing activities writes it.
    pub name_de: String,
    /// English name.
    pub name_en: String,
    /// Words of [`MARKS`]. They apply to this key alone, not to those below it.
    pub marks: Vec<String>,
}

impl Category {
    /// True if it carries this mark.
    #[must_use]
    pub fn has(&self, mark: &str) -> bool {
        self.marks.iter().any(|own| own == mark)
    }
}

/// A use of data, or a group of people that data is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `essential.service`, `customer`.
    pub key: String,
    /// The key that it stands below.
    pub parent: Option<String>,
    /// German name.
    pub name_de: String,
    /// English name.
    pub name_en: String,
}

/// The shipped category with this key.
#[must_use]
pub fn category(key: &str) -> Option<&'static Category> {
    CATEGORIES.get(key).copied()
}

/// The shipped use with this key.
#[must_use]
pub fn use_key(key: &str) -> Option<&'static Term> {
    VOCABULARY.uses.get(key)
}

/// The shipped data subject with this key.
#[must_use]
pub fn subject(key: &str) -> Option<&'static Term> {
    VOCABULARY.subjects.get(key)
}

/// All shipped categories, sorted by key.
pub fn categories() -> impl Iterator<Item = &'static Category> {
    VOCABULARY.categories.values()
}

/// All shipped uses, sorted by key.
pub fn uses() -> impl Iterator<Item = &'static Term> {
    VOCABULARY.uses.values()
}

/// All shipped data subjects, sorted by key.
pub fn subjects() -> impl Iterator<Item = &'static Term> {
    VOCABULARY.subjects.values()
}

/// True if `key` is `root` or stands below it. Goes by the text, so it holds for extensions too: a key always begins with its parent's.
#[must_use]
pub fn is_within(key: &str, root: &str) -> bool {
    key.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// True unless the key is `non-personal`, `system` or below `system`. An unknown key counts as personal.
#[must_use]
pub fn is_personal(key: &str) -> bool {
    key != NON_PERSONAL && !is_within(key, "system")
}

/// The shipped category that a misspelt key most likely meant.
#[must_use]
pub fn closest(key: &str) -> Option<&'static str> {
    closest_of(key, categories().map(|category| category.key.as_str()))
}

/// The shipped use that a misspelt key most likely meant.
#[must_use]
pub fn closest_use(key: &str) -> Option<&'static str> {
    closest_of(key, uses().map(|term| term.key.as_str()))
}

/// The shipped data subject that a misspelt key most likely meant.
#[must_use]
pub fn closest_subject(key: &str) -> Option<&'static str> {
    closest_of(key, subjects().map(|term| term.key.as_str()))
}

/// The candidate that a misspelt word most likely meant: a third of its characters may differ; or the one that ends in it (`email` for
/// `user.contact.email`), if there is exactly one.
#[must_use]
pub fn closest_of<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > 128 {
        return None;
    }
    let wanted = word.to_lowercase();
    let mut near: Option<(usize, &str)> = None;
    let mut tails = Vec::new();
    for candidate in candidates {
        let distance = strsim::damerau_levenshtein(&wanted, candidate);
        if near.is_none_or(|(least, _)| distance < least) {
            near = Some((distance, candidate));
        }
        if candidate.strip_suffix(wanted.as_str()).is_some_and(|head| head.ends_with('.')) {
            tails.push(candidate);
        }
    }
    let allowed = (wanted.chars().count() / 3).max(1);
    match (near, tails.as_slice()) {
        (Some((distance, candidate)), _) if distance <= allowed => Some(candidate),
        (_, [only]) => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_fideslang_and_the_extensions() {
        assert_eq!(categories().count(), 85 + 6);
        assert_eq!(uses().count(), 54);
        assert_eq!(subjects().count(), 15 + 4);
        assert_eq!(include_str!("fideslang.toml").matches(" = { ").count(), 85 + 54 + 15);
    }

    #[test]
    fn every_key_has_both_names_a_known_parent_and_known_marks() {
        for category in categories() {
            assert!(!category.name_de.is_empty() && !category.name_en.is_empty(), "{}", category.key);
            let expected = category.key.rsplit_once('.').map(|(parent, _)| parent.to_owned());
            assert_eq!(category.parent, expected, "{}", category.key);
            assert!(category.parent.as_deref().is_none_or(|parent| super::category(parent).is_some()), "{}", category.key);
            assert!(category.marks.iter().all(|mark| MARKS.contains(&mark.as_str())), "{}", category.key);
        }
        for term in uses().chain(subjects()) {
            assert!(!term.name_de.is_empty() && !term.name_en.is_empty(), "{}", term.key);
            assert_eq!(term.parent, term.key.rsplit_once('.').map(|(parent, _)| parent.to_owned()), "{}", term.key);
        }
    }

    #[test]
    fn the_hierarchy_is_read_from_the_key() {
        assert!(is_within("user.contact.email", "user.contact") && is_within("user", "user"));
        assert!(!is_within("user.contacts", "user.contact") && !is_within("user", "user.contact"));
        assert!(is_personal("user.name") && is_personal("no.such.key") && is_personal("systematic"));
        assert!(!is_personal("non-personal") && !is_personal("system") && !is_personal("system.operations"));
    }

    #[test]
    fn marks_follow_the_register() {
        assert!(category("user.contact.email").is_some_and(|email| email.has("enumerable") && email.has("direct")));
        assert!(category("user.health_and_medical.genetic").is_some_and(|genetic| genetic.has("art9")));
        assert!(category("user.behavior.purchase_history").is_some_and(|history| history.marks.is_empty()));
    }

    #[test]
    fn misspelt_keys_are_recognised() {
        assert_eq!(closest("user.contact.emial"), Some("user.contact.email"));
        assert_eq!(closest("email"), Some("user.contact.email"));
        assert_eq!(closest("quite another thing"), None);
        assert_eq!(closest_subject("custommer"), Some("customer"));
        assert_eq!(closest_use("essential.servise"), Some("essential.service"));
    }
}
