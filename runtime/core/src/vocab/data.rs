//! Reads the two data files into sorted tables. Decides nothing; a test pins what they hold.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Category, Term};

/// All shipped keys.
pub(super) struct Vocabulary {
    pub(super) categories: BTreeMap<String, Category>,
    pub(super) uses: BTreeMap<String, Term>,
    pub(super) subjects: BTreeMap<String, Term>,
}

impl Vocabulary {
    /// The vocabulary inside the program. A damaged file would give an empty one, which denies everything; the tests hold the counts.
    pub(super) fn shipped() -> Self {
        let base: File = toml::from_str(include_str!("fideslang.toml")).unwrap_or_default();
        let own: File = toml::from_str(include_str!("hub.toml")).unwrap_or_default();
        Self {
            categories: joined(base.category, own.category).map(|(key, entry)| (key.clone(), entry.category(key))).collect(),
            uses: joined(base.usage, own.usage).map(|(key, entry)| (key.clone(), entry.term(key))).collect(),
            subjects: joined(base.subject, own.subject).map(|(key, entry)| (key.clone(), entry.term(key))).collect(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    category: BTreeMap<String, Entry>,
    #[serde(rename = "use")]
    usage: BTreeMap<String, Entry>,
    subject: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    parent: Option<String>,
    name: String,
    de: String,
    marks: Vec<String>,
}

impl Entry {
    fn category(self, key: String) -> Category {
        Category { key, parent: self.parent, name_de: self.de, name_en: self.name, marks: self.marks }
    }

    fn term(self, key: String) -> Term {
        Term { key, parent: self.parent, name_de: self.de, name_en: self.name }
    }
}

fn joined(base: BTreeMap<String, Entry>, own: BTreeMap<String, Entry>) -> impl Iterator<Item = (String, Entry)> {
    let mut all = base;
    for (key, added) in own {
        let entry = all.entry(key).or_default();
        entry.parent = entry.parent.take().or(added.parent);
        if entry.name.is_empty() {
            entry.name = added.name;
        }
        entry.de = added.de;
        entry.marks = added.marks;
    }
    all.into_iter()
}
