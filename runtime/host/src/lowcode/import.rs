//! What another tool was set up to do, as a manifest of hub: streams, modes, configuration, state. Pure: texts and values in, texts out.
//!
//! Why data is processed is not in such a set-up, so it is not made up: those places are left open and marked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hub_core::labels::{inline, key, quoted};
use hub_core::record::FieldPath;
use serde_json::Value;

use super::LowCode;
use super::configuration::at;
use super::describe::slug;

/// One stream that was selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Its name.
    pub name: String,
    /// `append`, `replace` or `upsert`.
    pub mode: &'static str,
    /// The key that was chosen, if one was.
    pub primary_key: Vec<String>,
    /// Top-level fields that were selected; empty if the catalogue does not say.
    pub fields: Vec<String>,
    /// What is not the same as before.
    pub note: Option<String>,
}

/// Reads a configured catalogue.
///
/// # Errors
/// What it lacks.
pub fn catalog(value: &Value) -> Result<Vec<Selected>, String> {
    let streams = value.get("streams").and_then(Value::as_array).ok_or("it has no list `streams`")?;
    let mut found: Vec<Selected> = Vec::new();
    for (at, entry) in streams.iter().enumerate() {
        if entry.pointer("/config/selected").or_else(|| entry.get("selected")) == Some(&Value::Bool(false)) {
            continue;
        }
        let stream = entry.get("stream").unwrap_or(entry);
        let name = stream.get("name").and_then(Value::as_str).ok_or_else(|| format!("`streams.{at}` has no name"))?;
        if found.iter().any(|other| other.name == name) {
            return Err(format!("stream `{name}` stands twice"));
        }
        found.push(selected(name, stream, entry));
    }
    if found.is_empty() { Err("no stream of it is selected".to_owned()) } else { Ok(found) }
}

fn selected(name: &str, stream: &Value, entry: &Value) -> Selected {
    let settings = entry.get("config").unwrap_or(entry);
    let word =
        |snake: &str, camel: &str| entry.get(snake).or_else(|| settings.get(camel)).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (read, write) = (word("sync_mode", "syncMode"), word("destination_sync_mode", "destinationSyncMode"));
    let full = read == "full_refresh";
    let (mode, note) = match write.as_str() {
        "append" if full => ("append", Some("before, each run read everything again; hub goes on from where it was, if the stream can")),
        "append" => ("append", None),
        "append_dedup" => ("upsert", None),
        "overwrite" | "overwrite_dedup" => ("replace", None),
        _ if full => ("replace", Some("the catalogue does not say how it was written")),
        _ => ("append", Some("the catalogue does not say how it was written")),
    };
    let keys = entry.get("primary_key").or_else(|| settings.get("primaryKey")).and_then(Value::as_array);
    let dotted = |path: &Value| match path {
        Value::Array(steps) => Some(steps.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(".")),
        Value::String(name) => Some(name.clone()),
        _ => None,
    };
    let schema = stream.get("json_schema").or_else(|| stream.get("jsonSchema"));
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    Selected {
        name: name.to_owned(),
        mode,
        primary_key: keys.into_iter().flatten().filter_map(dotted).filter(|key| !key.is_empty()).collect(),
        fields: properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default(),
        note: note.map(str::to_owned),
    }
}

/// Reads states by stream: one message, a list of them, one on each line, or the older form with the streams as names. The last one counts.
///
/// # Errors
/// It is none of these.
pub fn states(text: &str) -> Result<BTreeMap<String, Value>, String> {
    let mut found = BTreeMap::new();
    let documents: Vec<Value> = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(messages)) => messages,
        Ok(one) => vec![one],
        Err(_) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(|_| "it is not JSON".to_owned())?
        }
    };
    for document in &documents {
        let message = document.get("state").filter(|_| document.get("type") == Some(&Value::from("STATE"))).unwrap_or(document);
        take_state(message, &mut found)?;
    }
    // A full refresh leaves a state that says only that there is none.
    found.retain(|_, state: &mut Value| {
        state.as_object().is_some_and(|state| !state.is_empty() && !state.contains_key("__ab_no_cursor_state_message"))
    });
    Ok(found)
}

fn take_state(message: &Value, found: &mut BTreeMap<String, Value>) -> Result<(), String> {
    let one = |entry: &Value, found: &mut BTreeMap<String, Value>| -> bool {
        let name = entry.pointer("/stream_descriptor/name").or_else(|| entry.pointer("/streamDescriptor/name")).and_then(Value::as_str);
        let state = entry.get("stream_state").or_else(|| entry.get("streamState"));
        if let (Some(name), Some(state)) = (name, state) {
            found.insert(name.to_owned(), state.clone());
        }
        name.is_some()
    };
    let lists = [message.get("streamState"), message.pointer("/global/stream_states"), message.pointer("/globalState/streamStates")];
    if let Some(list) = lists.into_iter().flatten().find_map(Value::as_array) {
        for entry in list {
            one(entry, found);
        }
        return Ok(());
    }
    if one(message.get("stream").unwrap_or(message), found) {
        return Ok(());
    }
    let Value::Object(fields) = message.get("data").unwrap_or(message) else { return Err("a state is an object".to_owned()) };
    for (name, state) in fields.iter().filter(|(_, state)| state.is_object()) {
        found.insert(name.clone(), state.clone());
    }
    Ok(())
}

/// The configuration without its secrets, and those by their dotted places.
#[must_use]
pub fn split(read: &LowCode, config: &Value) -> (Value, BTreeMap<String, String>) {
    let mut secrets = BTreeMap::new();
    for secret in &read.inspection.secrets {
        for (path, value) in at(config, &secret.steps) {
            leaves(&path, value, &mut secrets);
        }
    }
    let mut rest = config.clone();
    for path in secrets.keys() {
        remove(&mut rest, path);
    }
    (rest, secrets)
}

fn leaves(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| leaves(&format!("{path}.{name}"), inner, found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| leaves(&format!("{path}.{at}"), inner, found)),
        other => drop(found.insert(path.to_owned(), other.to_string())),
    }
}

/// Takes a value out; the place in a list stays.
fn remove(config: &mut Value, path: &str) {
    let (outer, last) = path.rsplit_once('.').map_or((None, path), |(outer, last)| (Some(outer), last));
    let place = match outer {
        None => Some(config),
        Some(outer) => config.pointer_mut(&format!("/{}", outer.replace('.', "/"))),
    };
    match place {
        Some(Value::Object(fields)) => drop(fields.remove(last)),
        Some(Value::Array(items)) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                *item = Value::String(String::new());
            }
        }
        _ => {}
    }
}

/// File name of a secret in the folder `secrets`, or of a state in the folder `state`; never one that `taken` holds.
pub fn file_name(text: &str, taken: &mut Vec<String>) -> String {
    let plain = slug(text);
    let plain = if plain.is_empty() { "one".to_owned() } else { plain };
    let mut name = plain.clone();
    let mut number = 2;
    while taken.contains(&name) {
        name = format!("{plain}-{number}");
        number += 1;
    }
    taken.push(name.clone());
    name
}

/// Everything that goes into `manifest.toml`.
pub struct Plan<'a> {
    /// The source.
    pub read: &'a LowCode,
    /// Id of the source's system.
    pub system: String,
    /// The configuration without secrets.
    pub config: Value,
    /// Dotted places of secrets and their files.
    pub secrets: Vec<(String, String)>,
    /// Streams.
    pub selected: Vec<Selected>,
    /// Files with states, by stream.
    pub states: BTreeMap<String, String>,
}

const HEAD: &str = "\
#:schema ./hub-manifest.schema.json
# Taken over by `hub import airbyte`. What is marked FILL IN is yours to say: why which data goes where. `hub check` names what is still missing.
manifest = 1

[operator]
# FILL IN: who answers for this, Art. 30(1)(a) GDPR
# name = \"…\"
# contact = \"…\"
";

const TAIL: &str = "
[system.destination]
# FILL IN: where the data goes. As it stands: NDJSON files in the folder `out`
connector = \"builtin:file\"
config = { folder = \"out\" }
folders = { out = { path = \"out\", access = \"write\" } }
# FILL IN for personal data: how it is erased there, and the reference of the procedure if people do it
# dsr = { erase = \"manual\", procedure = \"…\" }

[purpose.imported]
# FILL IN: what for, on which legal basis, which data categories it needs (docs/reference/vocabulary.md)
# use = \"…\"
# basis = { art6 = \"…\" }
# allows = [\"…\"]
";

/// The manifest.
#[must_use]
pub fn manifest(plan: &Plan<'_>) -> String {
    let mut text = HEAD.to_owned();
    system(plan, &mut text);
    text.push_str(TAIL);
    let mut ids = Vec::new();
    for stream in &plan.selected {
        flow(plan, stream, &mut ids, &mut text);
    }
    text
}

fn system(plan: &Plan<'_>, text: &mut String) {
    let id = &plan.system;
    let _ = writeln!(text, "\n[system.{id}]\nconnector = \"manifest.yaml\"");
    if plan.config.as_object().is_some_and(|config| !config.is_empty()) {
        let _ = writeln!(text, "config = {}", inline(&plan.config));
    }
    let hosts: Vec<String> = plan.read.inspection.hosts.origins.iter().map(|origin| quoted(&origin.origin)).collect();
    let _ = writeln!(text, "hosts = [{}]", hosts.join(", "));
    text.push_str(
        "# FILL IN for personal data: who runs it, where it stands, what the data was collected for\n# role = \"processor\"\n# hosting = { country = \"…\" }\n# collected_for = [\"imported\"]\n",
    );
    for open in &plan.read.inspection.hosts.open {
        let _ = writeln!(text, "# FILL IN if it is needed: {}", one_line(&super::open_host(open)));
    }
    let entering: Vec<&str> =
        plan.selected.iter().map(|stream| stream.name.as_str()).filter(|name| !plan.read.reasons(name).is_empty()).collect();
    if !entering.is_empty() {
        let names = one_line(&entering.join(", "));
        let _ = writeln!(
            text,
            "# FILL IN if you allow it: records of these streams must enter the sandbox: {names}\n# grants = [\"read-body\"]"
        );
    }
    if !plan.secrets.is_empty() {
        let _ = writeln!(text, "[system.{id}.secrets]");
    }
    for (path, file) in &plan.secrets {
        let _ = writeln!(text, "{} = {{ file = {} }}", key(path), quoted(file));
    }
}

fn flow(plan: &Plan<'_>, stream: &Selected, ids: &mut Vec<String>, text: &mut String) {
    let id = file_name(&stream.name, ids);
    let _ = writeln!(text, "\n[flow.{id}]");
    if let Some(note) = &stream.note {
        let _ = writeln!(text, "# {note}");
    }
    let _ = writeln!(text, "from = {}", quoted(&format!("{}.{}", plan.system, stream.name)));
    let _ =
        writeln!(text, "to = {}\npurpose = \"imported\"\nmode = {}", quoted(&format!("destination.{}", stream.name)), quoted(stream.mode));
    match plan.states.get(&stream.name) {
        Some(file) if stream.mode != "replace" => drop(writeln!(text, "state = {}", quoted(file))),
        _ => {}
    }
    text.push_str("# FILL IN for personal data: how long it is kept, as `[retention.ID]`\n# retention = [\"…\"]\n");
    let fields: Vec<String> = fields(plan.read, stream).iter().map(|field| quoted(field)).collect();
    let _ = writeln!(text, "fields = [{}]", fields.join(", "));
    if !stream.primary_key.is_empty() {
        let chosen: Vec<FieldPath> = stream.primary_key.iter().filter_map(|key| FieldPath::parse(key)).collect();
        let known = plan.read.streams.iter().find(|claim| claim.name == stream.name).is_some_and(|claim| claim.primary_key == chosen);
        if !known {
            let keys: Vec<String> = chosen.iter().map(|path| quoted(path.as_str())).collect();
            let _ = writeln!(text, "[stream.{}.{}]\nprimary_key = [{}]", plan.system, key(&stream.name), keys.join(", "));
        }
    }
}

/// What passes: what was selected, as far as it can be named.
fn fields(read: &LowCode, stream: &Selected) -> Vec<String> {
    let claim = read.streams.iter().find(|claim| claim.name == stream.name);
    let known: Vec<String> = claim.map(|claim| claim.shape.fields.keys().cloned().collect()).unwrap_or_default();
    let plain = |name: &&String| !name.is_empty() && !name.contains('.') && !name.chars().any(char::is_control);
    if known.is_empty() {
        return stream.fields.iter().filter(plain).cloned().collect();
    }
    if stream.fields.is_empty() { known } else { known.into_iter().filter(|name| stream.fields.contains(name)).collect() }
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
