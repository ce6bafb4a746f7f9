//! Invented values in the place of personal ones, the same everywhere in a recording, so that a connector still finds its way.
//!
//! Personal is what the labels of the streams say, what a field's name or its values suggest, and what the detectors find. A value that was replaced
//! once must stand nowhere any more, or there is no recording.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::detect::{self, Detector, DetectorSet};
use hub_core::labels::{Confidence, Sample, propose};
use hub_core::problem::{Code, Problem};
use hub_core::stream::StreamShape;
use serde_json::Value;
use url::Url;

use super::recording::{Body, Interaction};

/// A shorter text is replaced where it stands alone, not inside of others.
const SHORTEST_INSIDE: usize = 4;
/// Categories whose values choose among a few.
const SETTINGS: [&str; 2] = ["user.account.settings", "user.privacy_preferences"];

/// What was learnt, and what stands for it.
pub(super) struct Scrubber {
    secrets: Vec<String>,
    /// By the original; texts of numbers too.
    known: BTreeMap<String, String>,
    /// Names of fields that the labels know, personal or not.
    labelled: BTreeSet<String>,
}

impl Scrubber {
    pub(super) fn new(secrets: Vec<String>) -> Self {
        Self { secrets, known: BTreeMap::new(), labelled: BTreeSet::new() }
    }

    /// Learns what stands in the personal fields of a stream.
    pub(super) fn learn_records(&mut self, shape: &StreamShape, records: &[Value]) {
        for (path, leaf) in shape.leaves() {
            let Some(category) = &leaf.category else { continue };
            let parts: Vec<&str> = path.parts().collect();
            self.labelled.extend(parts.last().map(|name| (*name).to_owned()));
            let is_setting = SETTINGS.iter().any(|root| category.starts_with(root));
            if category == "user" || category.starts_with("user.") {
                records.iter().for_each(|record| at(record, &parts, &mut |value| self.learn(value, is_setting)));
            }
        }
    }

    /// Learns from bodies what no label speaks of.
    pub(super) fn learn_bodies<'a>(&mut self, bodies: impl Iterator<Item = &'a Body>) {
        let mut objects = Vec::new();
        for body in bodies {
            match body {
                Body::Json(value) => flat(value, &mut objects),
                Body::Text(text) => self.learn_text(text),
                Body::Empty | Body::Base64(_) => {}
            }
        }
        let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
        let mut sample = Sample::default();
        // What cannot be sampled is still looked at value by value.
        let _ = sample.read(&lines);
        let (foreign, _) = sample.foreign();
        let guessed = propose("body", &foreign, None, Some(&sample)).fields.into_iter();
        let personal: BTreeSet<String> = guessed
            .filter(|guess| guess.category.starts_with("user") && guess.confidence >= Confidence::Medium)
            .map(|guess| guess.path.to_string())
            .filter(|name| !self.labelled.contains(name))
            .collect();
        for object in &objects {
            for (name, value) in object.as_object().into_iter().flatten() {
                if personal.contains(name) {
                    self.learn(value, false);
                } else if let Value::String(text) = value {
                    self.learn_text(text);
                }
            }
        }
    }

    /// `is_setting`: a word like `daily` tells nothing without the person, and a connector may go by it.
    fn learn(&mut self, value: &Value, is_setting: bool) {
        match value {
            Value::String(text) if is_setting && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-')) => {}
            Value::String(text) if !text.trim().is_empty() => self.name(text),
            Value::Number(number) => self.name(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.learn(item, is_setting)),
            Value::Object(fields) => fields.values().for_each(|field| self.learn(field, is_setting)),
            _ => {}
        }
    }

    /// Identifiers inside of a text.
    fn learn_text(&mut self, text: &str) {
        let mut hits = Vec::new();
        detect::find_all(text.as_bytes(), DetectorSet::ALL.without(DetectorSet::SPECIAL), &mut hits);
        for hit in hits {
            if let Some(found) = text.get(hit.range) {
                self.name(found);
            }
        }
    }

    /// Gives a value its invented one. A number of three digits is nobody's: it would be found in every other number.
    fn name(&mut self, original: &str) {
        let is_short_number = original.len() < SHORTEST_INSIDE && original.bytes().all(|byte| byte.is_ascii_digit());
        if is_short_number || self.known.contains_key(original) {
            return;
        }
        let next = self.known.len() + 1;
        // Another person's value must not stand for this one.
        let free = |invented: &String| !self.known.contains_key(invented) && !self.known.values().any(|other| other == invented);
        let invented = (next..next + 1000).map(|number| invent(original, number)).find(free);
        self.known.insert(original.to_owned(), invented.unwrap_or_else(|| format!("person-{next}")));
    }

    /// Replaces everything that is known, and every secret.
    pub(super) fn scrub(&self, one: &mut Interaction) {
        one.request.url = self.url(&one.request.url);
        if let Some(body) = &mut one.request.body {
            *body = match serde_json::from_str::<Value>(body) {
                Ok(mut value) => {
                    self.value(&mut value);
                    value.to_string()
                }
                Err(_) => self.text(body),
            };
        }
        for value in one.response.headers.values_mut() {
            *value = self.text(value);
        }
        match &mut one.response.body {
            Body::Json(value) => self.value(value),
            Body::Text(text) => *text = self.text(text),
            Body::Empty | Body::Base64(_) => {}
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Number(number) => {
                if let Some(invented) = self.known.get(&number.to_string()).and_then(|text| serde_json::from_str(text).ok()) {
                    *value = invented;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                let old = std::mem::take(fields);
                for (name, mut field) in old {
                    self.value(&mut field);
                    let name = self.known.get(&name).cloned().unwrap_or(name);
                    fields.insert(name, field);
                }
            }
            _ => {}
        }
    }

    fn text(&self, text: &str) -> String {
        if let Some(invented) = self.known.get(text) {
            return invented.clone();
        }
        let mut text = text.to_owned();
        for (number, secret) in self.secrets.iter().enumerate().filter(|(_, secret)| !secret.is_empty()) {
            text = text.replace(secret.as_str(), &format!("hub-trial-secret-{number}"));
        }
        let mut inside: Vec<&String> =
            self.known.keys().filter(|known| known.len() >= SHORTEST_INSIDE && text.contains(known.as_str())).collect();
        inside.sort_by_key(|known| std::cmp::Reverse(known.len()));
        for known in inside {
            if let Some(invented) = self.known.get(known) {
                text = text.replace(known.as_str(), invented);
            }
        }
        text
    }

    fn url(&self, text: &str) -> String {
        let Ok(mut url) = Url::parse(text) else { return self.text(text) };
        let pairs: Vec<(String, String)> = url.query_pairs().map(|(name, value)| (name.into_owned(), self.text(&value))).collect();
        if url.query().is_some() {
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        let parts: Vec<String> = url.path_segments().into_iter().flatten().map(|part| self.text(&decoded(part))).collect();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(parts);
        }
        url.to_string()
    }

    /// Nothing of what was replaced stands anywhere any more.
    ///
    /// # Errors
    /// E009, without the value.
    pub(super) fn proven(&self, interactions: &[Interaction]) -> Result<(), Problem> {
        // Names of fields are the API's, whatever values they resemble.
        let mut whole = String::new();
        for one in interactions {
            let mut body = one.response.body.clone();
            whole.extend([one.request.url.as_str(), "\n", one.request.body.as_deref().unwrap_or_default(), "\n"]);
            one.response.headers.values().for_each(|value| whole.extend([value.as_str(), "\n"]));
            match &mut body {
                Body::Json(value) => strings(value, &mut |text| whole.extend([text.as_str(), "\n"])),
                Body::Text(text) | Body::Base64(text) => whole.push_str(text),
                Body::Empty => {}
            }
        }
        let left = |text: &&String| text.len() >= SHORTEST_INSIDE && whole.contains(text.as_str()) && self.known.get(*text) != Some(*text);
        let texts = self.known.keys().filter(|known| !self.known.values().any(|invented| invented.contains(known.as_str())));
        let count = texts.chain(self.secrets.iter()).filter(left).count();
        if count == 0 {
            return Ok(());
        }
        let title = format!("{count} personal or secret values could not be taken out of the recording, so there is none");
        Err(Problem::new(
            Code::E009,
            title,
            "they stand in a place that is no JSON; record a smaller part, or against a system with invented data",
        ))
    }
}

/// Every text of a document.
pub(super) fn strings(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| strings(field, change)),
        _ => {}
    }
}

/// Everything at a path; arrays are transparent.
fn at(value: &Value, parts: &[&str], found: &mut dyn FnMut(&Value)) {
    match (value, parts.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| at(item, parts, found)),
        (value, None) => found(value),
        (value, Some((first, rest))) => {
            if let Some(inner) = value.get(first) {
                at(inner, rest, found);
            }
        }
    }
}

/// Every object of a document, with its scalars only.
fn flat(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flat(item, found)),
        Value::Object(fields) => {
            let scalars = fields.iter().filter(|(_, field)| !field.is_object() && !field.is_array());
            found.push(Value::Object(scalars.map(|(name, field)| (name.clone(), field.clone())).collect()));
            fields.values().for_each(|field| flat(field, found));
        }
        _ => {}
    }
}

fn decoded(part: &str) -> String {
    // The library decodes queries only: a path's part becomes one.
    let query = format!("x={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A value of the same form: an address stays an address, a date a date, a number a number of as many digits.
fn invent(original: &str, number: usize) -> String {
    let bytes = original.as_bytes();
    if detect::whole(bytes, DetectorSet::NONE.with(Detector::Email)).is_some() {
        return format!("person{number}@example.org");
    }
    let is_date = bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit);
    if is_date {
        return format!("1970-01-{:02}{}", number % 28 + 1, original.get(10..).unwrap_or_default());
    }
    if original.starts_with("http://") || original.starts_with("https://") {
        return format!("https://example.org/{number}");
    }
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = original.chars().filter(|character| character.is_alphabetic()).count();
    let is_word = !original.contains(char::is_whitespace);
    // Numbers, telephones, and what machines make up: hexadecimal digits, UUIDs.
    if digits > 0 && (digits > letters || (is_word && original.len() >= 16)) {
        return same_form(original, digits + letters, number);
    }
    if is_word { format!("person{number}") } else { format!("Person {number}") }
}

/// Digits and letters become the number, with zeros in front but for the first one; everything between stays.
fn same_form(original: &str, places: usize, number: usize) -> String {
    let filled = format!("{number:0>places$}");
    let mut new =
        filled.chars().skip(filled.len() - places).enumerate().map(|(at, digit)| if at == 0 && digit == '0' { '1' } else { digit });
    original.chars().map(|character| if character.is_alphanumeric() { new.next().unwrap_or('0') } else { character }).collect()
}
