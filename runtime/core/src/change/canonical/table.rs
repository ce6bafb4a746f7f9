//! Makes one object of the canonical form. What is absent is left out; what is empty stays, so that nothing and absence do not differ by writing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::manifest::Wording;
use crate::problem::{Span, Spanned};

/// An object under construction.
#[derive(Default)]
pub(super) struct Table(BTreeMap<String, Value>);

impl Table {
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    pub fn maybe(self, key: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    pub fn text(self, key: &str, value: Option<impl ToString>) -> Self {
        self.maybe(key, value.map(|value| Value::String(value.to_string())))
    }

    pub fn spanned<T: ToString>(self, key: &str, value: Option<&Spanned<T>>) -> Self {
        self.text(key, value.map(|value| value.value.to_string()))
    }

    pub fn integer(self, key: &str, value: Option<impl Into<u64>>) -> Self {
        self.maybe(key, value.map(|value| Value::from(value.into())))
    }

    /// True if it was written; its place says so.
    pub fn flag(self, key: &str, place: Option<Span>) -> Self {
        self.set(key, Value::Bool(place.is_some()))
    }

    /// Words whose order means nothing, each once.
    pub fn words<T: ToString>(self, key: &str, words: impl IntoIterator<Item = T>) -> Self {
        let words: BTreeSet<String> = words.into_iter().map(|word| word.to_string()).collect();
        self.set(key, words.into_iter().map(Value::String).collect())
    }

    /// Words in their order.
    pub fn ordered<T: ToString>(self, key: &str, words: impl IntoIterator<Item = T>) -> Self {
        self.set(key, words.into_iter().map(|word| Value::String(word.to_string())).collect())
    }

    pub fn wording(self, key: &str, value: Option<&Spanned<Wording>>) -> Self {
        self.maybe(
            key,
            value.map(|value| match &value.value {
                Wording::Plain(text) => Value::String(text.clone()),
                Wording::ByLanguage { german, english } => Table::default().text("de", german.as_ref()).text("en", english.as_ref()).done(),
            }),
        )
    }

    /// The object that stands behind a key, to be continued.
    pub fn child(&self, key: &str) -> Self {
        let entries = self.0.get(key).and_then(Value::as_object);
        Self(entries.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Tables that are written as a list: each below its own key. What has the same key is told apart by a number, in the order of its content.
    pub fn keyed(tables: impl IntoIterator<Item = (String, Value)>) -> Value {
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (key, value) in tables {
            groups.entry(key).or_default().push(value);
        }
        let mut all = Self::default();
        for (key, mut values) in groups {
            values.sort_by_cached_key(super::text);
            for (index, value) in values.into_iter().enumerate() {
                let key = if index == 0 { key.clone() } else { format!("{key}#{}", index + 1) };
                all = all.set(&key, value);
            }
        }
        all.done()
    }

    pub fn done(self) -> Value {
        Value::Object(self.0.into_iter().collect())
    }
}
