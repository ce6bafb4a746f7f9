//! The section's JSON to the checked description; every fault with its JSON pointer, all in one go.

use serde_json::{Map, Value};
use url::Url;

use super::section::{DescriptionError, Fault};
use super::{ABI, Description, DestinationClaim, HostClaim, SourceClaim, StreamClaim, json, stream_name_fault};
use crate::record::FieldPath;
use crate::stream::StreamShape;
use crate::vocab;

/// The greatest number of streams on either side.
pub const MAX_STREAMS: usize = 500;
const MAX_DEPTH: usize = 32;
const MAX_FAULTS: usize = 50;
const MAX_SUMMARY_BYTES: usize = 500;
const MAX_ITEMS: usize = 64;

const INTERFACES: [&str; 7] = ["http", "sink", "pages", "files", "runtime", "sql", "tables"];
const MODES: [&str; 3] = ["append", "replace", "upsert"];

/// Reads the content of the section.
///
/// # Errors
/// It is not JSON, is written for another ABI, or holds faults: all of them are told.
pub fn parse(section: &[u8]) -> Result<Description, DescriptionError> {
    if section.len() > super::MAX_SECTION_BYTES {
        return Err(DescriptionError::TooLarge { bytes: section.len() });
    }
    let value = json::parse(section, MAX_DEPTH).map_err(|reason| DescriptionError::Json { reason })?;
    if let Some(Value::String(found)) = value.get("hub")
        && found != ABI
    {
        return Err(DescriptionError::Abi { found: found.chars().filter(|character| !character.is_control()).take(32).collect() });
    }
    let mut reader = Reader { faults: Vec::new() };
    let description = reader.description(&value);
    match description {
        Some(description) if reader.faults.is_empty() => Ok(description),
        _ => Err(DescriptionError::Invalid(reader.faults)),
    }
}

struct Reader {
    faults: Vec<Fault>,
}

/// An object with the pointer to it.
struct Object<'a> {
    pointer: String,
    map: &'a Map<String, Value>,
}

impl Object<'_> {
    fn at(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"))
    }
}

impl Reader {
    fn description(&mut self, value: &Value) -> Option<Description> {
        const KEYS: [&str; 10] = ["hub", "name", "version", "summary", "config", "imports", "hosts", "read_body", "source", "destination"];
        let object = self.object(value, String::new(), &KEYS)?;
        let abi = self.text(&object, "hub", 8);
        let name = self.text(&object, "name", 64);
        let version = self.text(&object, "version", 64);
        let summary = self.text(&object, "summary", MAX_SUMMARY_BYTES);
        let config = self.config(&object);
        let imports = self.words(&object, "imports", &INTERFACES);
        let hosts = self.hosts(&object);
        let read_body = self.flag(&object, "read_body");
        let source = self.side(&object, "source", Self::source);
        let destination = self.side(&object, "destination", Self::destination);
        if source.is_none() && destination.is_none() && self.faults.is_empty() {
            self.fault(String::new(), "neither `source` nor `destination` is there: the connector does nothing");
        }
        if let Some(name) = name.as_deref().filter(|name| !is_name(name)) {
            self.fault(
                object.at("name"),
                format!("{name:?} is no name: use lower-case letters, digits and hyphens, beginning with a letter"),
            );
        }
        if let Some(version) = version.as_deref().filter(|version| !is_version(version)) {
            self.fault(object.at("version"), format!("{version:?} is no semantic version such as `1.2.0`"));
        }
        Some(Description {
            abi: abi?,
            name: name?,
            version: version?,
            summary: summary?,
            config,
            imports,
            hosts,
            read_body,
            source,
            destination,
        })
    }

    fn fault(&mut self, pointer: String, message: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { pointer, message: message.into() });
        }
    }

    fn object<'a>(&mut self, value: &'a Value, pointer: String, keys: &[&str]) -> Option<Object<'a>> {
        let Value::Object(map) = value else {
            self.fault(pointer, "an object is expected");
            return None;
        };
        let object = Object { pointer, map };
        for key in map.keys().filter(|key| !keys.contains(&key.as_str())) {
            let near = vocab::closest_of(key, keys.iter().copied()).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            self.fault(object.at(key), format!("unknown key{near}"));
        }
        Some(object)
    }

    fn text(&mut self, object: &Object<'_>, key: &str, max: usize) -> Option<String> {
        match object.map.get(key) {
            Some(Value::String(text)) => self.checked_text(text, object.at(key), max),
            Some(_) => {
                self.fault(object.at(key), "a text is expected");
                None
            }
            None => {
                self.fault(object.at(key), "this key is missing");
                None
            }
        }
    }

    fn checked_text(&mut self, text: &str, pointer: String, max: usize) -> Option<String> {
        if text.trim().is_empty() || text.len() > max || text.chars().any(char::is_control) {
            self.fault(pointer, format!("the text must have 1 to {max} bytes and no control characters"));
            return None;
        }
        Some(text.to_owned())
    }

    fn flag(&mut self, object: &Object<'_>, key: &str) -> bool {
        match object.map.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(object.at(key), "`true` or `false` is expected");
                false
            }
        }
    }

    /// The texts of a list, each with its pointer. An absent list is empty.
    fn texts(&mut self, object: &Object<'_>, key: &str, max_items: usize) -> Vec<(String, String)> {
        let items = match object.map.get(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= max_items => items,
            Some(Value::Array(_)) => {
                self.fault(object.at(key), format!("at most {max_items} entries are possible"));
                return Vec::new();
            }
            Some(_) => {
                self.fault(object.at(key), "a list of texts is expected");
                return Vec::new();
            }
        };
        let mut found: Vec<(String, String)> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{}/{index}", object.at(key));
            match item {
                Value::String(text) if found.iter().any(|(known, _)| known == text) => self.fault(pointer, "this entry stands twice"),
                Value::String(text) => found.extend(self.checked_text(text, pointer.clone(), 512).map(|text| (text, pointer))),
                _ => self.fault(pointer, "a text is expected"),
            }
        }
        found
    }

    fn words(&mut self, object: &Object<'_>, key: &str, allowed: &[&str]) -> Vec<String> {
        let texts = self.texts(object, key, MAX_ITEMS);
        for (_, pointer) in texts.iter().filter(|(text, _)| !allowed.contains(&text.as_str())) {
            self.fault(pointer.clone(), format!("one of {} is expected", allowed.join(", ")));
        }
        texts.into_iter().map(|(text, _)| text).collect()
    }

    /// Keys of the vocabulary.
    fn keys(
        &mut self,
        object: &Object<'_>,
        key: &str,
        known: impl Fn(&str) -> bool,
        near: impl Fn(&str) -> Option<&'static str>,
    ) -> Vec<String> {
        let texts = self.texts(object, key, MAX_ITEMS);
        for (text, pointer) in texts.iter().filter(|(text, _)| !known(text)) {
            let near = near(text).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            self.fault(pointer.clone(), format!("{text:?} is no key of the vocabulary{near}"));
        }
        texts.into_iter().map(|(text, _)| text).collect()
    }

    fn paths(&mut self, object: &Object<'_>, key: &str) -> Vec<FieldPath> {
        let texts = self.texts(object, key, MAX_ITEMS);
        texts.into_iter().filter_map(|(text, pointer)| self.path(&text, pointer)).collect()
    }

    fn path(&mut self, text: &str, pointer: String) -> Option<FieldPath> {
        let path = FieldPath::parse(text);
        if path.is_none() {
            self.fault(pointer, "a field path is expected: names joined by dots");
        }
        path
    }

    /// The schema of the config; `{"type":"object"}` without it.
    fn config(&mut self, object: &Object<'_>) -> Value {
        let Some(schema) = object.map.get("config") else { return serde_json::json!({ "type": "object", "additionalProperties": false }) };
        if !schema.is_object() {
            self.fault(object.at("config"), "a JSON Schema (an object) is expected");
        } else if holds_remote_reference(schema) {
            self.fault(object.at("config"), "the schema may refer to itself (`#/…`) only");
        } else if let Err(error) = jsonschema::validator_for(schema) {
            let text: String = error.to_string().chars().filter(|character| !character.is_control()).take(200).collect();
            self.fault(object.at("config"), format!("this is no usable JSON Schema: {text}"));
        }
        schema.clone()
    }

    fn hosts(&mut self, object: &Object<'_>) -> Vec<HostClaim> {
        let mut found = Vec::new();
        for (text, pointer) in self.texts(object, "hosts", MAX_ITEMS) {
            match host_claim(&text) {
                Some(claim) => found.push(claim),
                None => self.fault(pointer, "`https://host`, `https://host:port` or `config:KEY` is expected"),
            }
        }
        found
    }

    fn side<T>(&mut self, object: &Object<'_>, key: &str, read: impl Fn(&mut Self, &Value, String) -> Option<T>) -> Option<T> {
        let value = object.map.get(key).filter(|value| !value.is_null())?;
        read(self, value, object.at(key))
    }

    fn source(&mut self, value: &Value, pointer: String) -> Option<SourceClaim> {
        let object = self.object(value, pointer, &["streams", "any_stream"])?;
        let any_stream = self.flag(&object, "any_stream");
        let mut streams: Vec<StreamClaim> = Vec::new();
        match object.map.get("streams") {
            None => {}
            Some(Value::Array(items)) if items.len() <= MAX_STREAMS => {
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{}/{index}", object.at("streams"));
                    match self.stream(item, pointer.clone()) {
                        Some(stream) if streams.iter().any(|known| known.name == stream.name) => {
                            self.fault(pointer, "this stream stands twice")
                        }
                        found => streams.extend(found),
                    }
                }
            }
            Some(_) => self.fault(object.at("streams"), format!("a list of at most {MAX_STREAMS} streams is expected")),
        }
        if streams.is_empty() && !any_stream {
            self.fault(object.pointer.clone(), "a source without streams needs `any_stream`");
        }
        Some(SourceClaim { streams, any_stream })
    }

    fn stream(&mut self, value: &Value, pointer: String) -> Option<StreamClaim> {
        let object = self.object(value, pointer, &["name", "summary", "schema", "primary_key", "cursor", "subjects", "deletes"])?;
        let name = self.text(&object, "name", super::MAX_STREAM_NAME_BYTES);
        if let Some(fault) = name.as_deref().and_then(stream_name_fault) {
            self.fault(object.at("name"), fault);
        }
        let summary = self.text(&object, "summary", MAX_SUMMARY_BYTES);
        let shape = self.shape(&object);
        let primary_key = self.paths(&object, "primary_key");
        let cursor = match object.map.get("cursor") {
            None | Some(Value::Null) => None,
            Some(_) => self.text(&object, "cursor", 512).and_then(|text| self.path(&text, object.at("cursor"))),
        };
        let subjects = self.keys(&object, "subjects", |key| vocab::subject(key).is_some(), vocab::closest_subject);
        let deletes = self.flag(&object, "deletes");
        if deletes && primary_key.is_empty() {
            self.fault(object.at("deletes"), "what is deleted is named by `primary_key`, and there is none");
        }
        let shape = shape?;
        for (path, key) in primary_key.iter().map(|path| (path, "primary_key")).chain(cursor.iter().map(|path| (path, "cursor"))) {
            if shape.at(path).is_none() {
                self.fault(object.at(key), format!("the schema has no field `{path}`"));
            }
        }
        Some(StreamClaim { name: name?, summary: summary?, shape, primary_key, cursor, subjects, deletes })
    }

    fn shape(&mut self, object: &Object<'_>) -> Option<StreamShape> {
        let Some(schema) = object.map.get("schema") else {
            self.fault(object.at("schema"), "this key is missing");
            return None;
        };
        let shape = match StreamShape::from_schema(schema) {
            Ok(shape) => shape,
            Err(errors) => {
                for error in errors {
                    self.fault(format!("{}{}", object.at("schema"), error.pointer), error.message);
                }
                return None;
            }
        };
        for (path, leaf) in shape.leaves() {
            if let Some(key) = leaf.category.as_deref().filter(|key| vocab::category(key).is_none()) {
                let near = vocab::closest(key).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                self.fault(object.at("schema"), format!("field `{path}`: {key:?} is no category of the vocabulary{near}"));
            }
        }
        Some(shape)
    }

    fn destination(&mut self, value: &Value, pointer: String) -> Option<DestinationClaim> {
        let object = self.object(value, pointer, &["modes", "accepts", "streams", "deletes"])?;
        let modes = self.words(&object, "modes", &MODES);
        let accepts = self.keys(&object, "accepts", |key| vocab::category(key).is_some(), vocab::closest);
        for (key, list) in [("modes", &modes), ("accepts", &accepts)] {
            if list.is_empty() {
                self.fault(object.at(key), "at least one entry is needed");
            }
        }
        let streams = match object.map.get("streams") {
            None | Some(Value::Null) => None,
            Some(_) => {
                let names = self.texts(&object, "streams", MAX_STREAMS);
                for (name, pointer) in &names {
                    if let Some(fault) = stream_name_fault(name) {
                        self.fault(pointer.clone(), fault);
                    }
                }
                Some(names.into_iter().map(|(name, _)| name).collect())
            }
        };
        let deletes = self.flag(&object, "deletes");
        Some(DestinationClaim { modes, accepts, streams, deletes })
    }
}

fn host_claim(text: &str) -> Option<HostClaim> {
    if let Some(key) = text.strip_prefix("config:") {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        return (!key.is_empty() && key.bytes().all(plain)).then(|| HostClaim::Config(key.to_owned()));
    }
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']' | b':');
    let whole =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let origin = match url.port() {
        Some(port) => format!("https://{host}:{port}"),
        None => format!("https://{host}"),
    };
    (url.scheme() == "https" && whole && host.bytes().all(plain) && text.trim_end_matches('/').eq_ignore_ascii_case(&origin))
        .then_some(HostClaim::Origin(origin))
}

/// A `$ref` that points elsewhere would make validation depend on something outside the description.
fn holds_remote_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let remote = matches!(key.as_str(), "$ref" | "$dynamicRef") && !value.as_str().is_some_and(|target| target.starts_with('#'));
            remote || holds_remote_reference(value)
        }),
        Value::Array(items) => items.iter().any(holds_remote_reference),
        _ => false,
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// `MAJOR.MINOR.PATCH`, then optionally `-PRE` and `+BUILD`.
fn is_version(version: &str) -> bool {
    let plain =
        |part: &str| part.split('.').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let (rest, build) = version.split_once('+').map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let numbers: Vec<&str> = core.split('.').collect();
    let number = |text: &&str| {
        !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) && (*text == "0" || !text.starts_with('0'))
    };
    numbers.len() == 3 && numbers.iter().all(number) && build.is_none_or(plain) && pre.is_none_or(plain)
}
