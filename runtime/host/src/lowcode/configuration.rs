//! Configuration and secrets of a low-code system: what is checked, what a run takes, what the guest sees of it.
//!
//! A real configuration exists from the start of a run to the hand-over to the credential providers; it is never shown and never stored.

use std::collections::BTreeMap;

use hub_core::manifest::System;
use hub_core::problem::{Code, Problem, Sources};
use hub_lowcode::inspect::{Derived, SecretPath, Shape, derive_secrets};
use hub_lowcode::load;
use hub_lowcode::value::Value as EngineValue;
use serde_json::{Map, Value};

use super::LowCode;

/// What stands in the place of a secret while nobody runs anything.
const PLACEHOLDER: &str = "hub-secret";
/// A shorter text would blank innocent ones; where it stands it is blanked with all around it.
const SHORTEST_BLANKED: usize = 4;
/// Faults of one configuration that are told.
const MAX_FAULTS: usize = 16;

/// What a run begins with.
pub struct Started {
    /// What the component is configured with: manifest and configuration with placeholders.
    pub guest: String,
    /// The configuration with its secrets, for the credential providers.
    pub real: EngineValue,
    /// Placeholders and the texts that they stand for.
    pub secrets: Vec<(String, String)>,
}

impl LowCode {
    /// Reads the secrets and makes placeholders for the guest.
    ///
    /// `open_records`: records enter the sandbox although the manifest does not want to look into them.
    ///
    /// # Errors
    /// E312 for a secret that cannot be read, E010 for a template that cannot work with a placeholder.
    pub fn start(&self, sources: &Sources, system: &System, now_micros: i64, open_records: bool) -> Result<Started, Problem> {
        let real = EngineValue::from(&real_config(sources, system)?);
        let manifest = self.manifest.for_run();
        let mut made = 0_u64;
        let derived =
            derive_secrets(manifest.root(), &real, &self.inspection.secrets, now_micros, &mut |shape| placeholder(shape, &mut made));
        let Derived { manifest, configuration, secrets } = derived.map_err(|faults| {
            let what = faults.first().map_or_else(String::new, ToString::to_string);
            let help = "a secret must be passed on as it is, or be all that its template needs";
            Problem::new(Code::E010, format!("a template cannot work with a placeholder: {what}"), help)
                .at(system.connector.span, "this connector")
        })?;
        let mut guest = b"{\"manifest\":".to_vec();
        manifest.to_value().write_json(&mut guest);
        guest.extend_from_slice(b",\"config\":");
        configuration.write_json(&mut guest);
        guest.extend_from_slice(if open_records { b",\"open_records\":true}" } else { b"}" });
        Ok(Started { guest: String::from_utf8_lossy(&guest).into_owned(), real, secrets })
    }
}

/// A text that nobody could have written by chance, in the shape that a template needs.
fn placeholder(shape: Shape, made: &mut u64) -> String {
    let mut random = [0_u8; 12];
    if getrandom::fill(&mut random).is_err() {
        // Still unlike any other of this run; it is no secret itself.
        *made += 1;
        random.iter_mut().zip(made.to_le_bytes()).for_each(|(slot, byte)| *slot = byte);
    }
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| char::from(b'1' + byte % 9)).collect::<String>();
    match shape {
        Shape::Word => format!("hub{}", data_encoding::HEXLOWER.encode(&random)),
        Shape::Digits => digits(&random),
        Shape::Decimal => format!("{}.{}", digits(&random[..6]), digits(&random[6..])),
    }
}

/// The declared configuration with the secrets in their places.
///
/// # Errors
/// E312 for a secret that cannot be read.
pub fn real_config(sources: &Sources, system: &System) -> Result<Value, Problem> {
    let mut config = system.config.value.clone();
    for (path, place) in &system.secrets {
        let secret = crate::egress::read_secret(sources, place.span, &place.value).map_err(|reason| {
            let title = format!("secret `{path}` of system `{}` cannot be read: {reason}", system.id.value);
            Problem::new(Code::E312, title, "put the secret where the manifest says, then run again").at(place.span, "named here")
        })?;
        put(&mut config, path, Value::String(secret.to_string()));
    }
    Ok(config)
}

/// The declared configuration with a placeholder for each secret.
#[must_use]
pub fn placeholder_config(declared: &Value, secrets: &[SecretPath], system: Option<&System>) -> Value {
    let mut config = declared.clone();
    for secret in secrets {
        hide(&mut config, &secret.steps);
    }
    for path in system.iter().flat_map(|system| system.secrets.keys()) {
        put(&mut config, path, Value::String(PLACEHOLDER.to_owned()));
    }
    config
}

/// Hides what stands under a path; puts nothing where nothing is.
fn hide(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            *value = Value::String(PLACEHOLDER.to_owned());
        }
        return;
    };
    match value {
        Value::Object(fields) => {
            if let Some(inner) = fields.get_mut(step) {
                hide(inner, rest);
            }
        }
        Value::Array(items) if step == "*" => items.iter_mut().for_each(|item| hide(item, rest)),
        _ => {}
    }
}

/// Puts a value under a dotted path; objects on the way are made, other values there give way.
pub fn put(config: &mut Value, path: &str, value: Value) {
    let mut place = config;
    for step in path.split('.') {
        if let (Value::Array(items), Ok(at)) = (&mut *place, step.parse::<usize>()) {
            if at >= items.len() {
                return;
            }
        } else if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Array(items) => match items.get_mut(step.parse::<usize>().unwrap_or_default()) {
                Some(item) => item,
                None => return,
            },
            Value::Object(fields) => fields.entry(step.to_owned()).or_insert(Value::Null),
            _ => return,
        };
    }
    *place = value;
}

/// What stands under a path, with `*` for any item; each place by its own dotted path.
pub(super) fn at<'a>(config: &'a Value, steps: &[String]) -> Vec<(String, &'a Value)> {
    let mut places = vec![(String::new(), config)];
    for step in steps {
        let joined = |path: &str, step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
        places = places
            .into_iter()
            .flat_map(|(path, value)| match value {
                Value::Object(fields) => fields.get(step).map(|inner| (joined(&path, step), inner)).into_iter().collect::<Vec<_>>(),
                Value::Array(items) if step == "*" => {
                    items.iter().enumerate().map(|(index, inner)| (joined(&path, &index.to_string()), inner)).collect()
                }
                _ => Vec::new(),
            })
            .collect();
    }
    places
}

/// E012 for secrets in the wrong place, E006 for a configuration that the specification does not accept.
pub(super) fn check(system: &System, config: &Value, manifest: &load::Manifest, secrets: &[SecretPath], found: &mut Vec<Problem>) {
    for secret in secrets {
        for (path, value) in at(&system.config.value, &secret.steps) {
            let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
            if !empty && !system.secrets.contains_key(&path) {
                found.push(literal(system, &path));
            }
        }
    }
    for (path, place) in system.secrets.iter().filter(|(path, _)| !secrets.iter().any(|secret| covers(&secret.steps, path))) {
        let title = format!("`{path}` is no secret of the connector of system `{}`", system.id.value);
        let known: Vec<String> = secrets.iter().map(SecretPath::dotted).collect();
        let help = if known.is_empty() {
            "it has none: write the value in `config`".to_owned()
        } else {
            format!("its secrets are: {}", known.join(", "))
        };
        found.push(Problem::new(Code::E012, title, help).at(place.span, "no such secret"));
    }
    let Some(specification) = manifest.spec().and_then(|spec| spec.get("connection_specification")) else { return };
    accepted(system, config, &Value::from(&specification.to_value()), secrets, found);
}

fn literal(system: &System, path: &str) -> Problem {
    let title = format!("`{path}` of system `{}` is a secret and cannot stand in `config`", system.id.value);
    let help = format!(
        "put it into a file and name that: `secrets = {{ {} = {{ file = \"secrets/…\" }} }}`; replace the value, it is known now",
        hub_core::labels::key(path)
    );
    Problem::new(Code::E012, title, help).at(system.config.span, "in this configuration")
}

/// Makes the texts fit to be shown where secrets stand in a configuration.
pub fn blank_literals(read: &LowCode, system: &System, sources: &mut Sources) {
    let secrets = &read.inspection.secrets;
    let literals: Vec<&Value> = secrets.iter().flat_map(|secret| at(&system.config.value, &secret.steps)).map(|(_, value)| value).collect();
    for literal in &literals {
        if let Some(text) = literal.as_str().filter(|text| text.len() >= SHORTEST_BLANKED) {
            sources.blank_text(system.config.span.file, text);
        }
    }
    if !literals.is_empty() {
        sources.blank(system.config.span);
    }
}

fn covers(steps: &[String], path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    parts.len() >= steps.len() && steps.iter().zip(&parts).all(|(step, part)| step == "*" || step == part)
}

/// The specification over the configuration, without values in the texts. What a placeholder cannot be is nobody's fault.
fn accepted(system: &System, config: &Value, schema: &Value, secrets: &[SecretPath], found: &mut Vec<Problem>) {
    let Ok(validator) = jsonschema::validator_for(schema) else { return };
    let mut told: BTreeMap<String, Problem> = BTreeMap::new();
    for error in validator.iter_errors(config) {
        let place = error.instance_path().to_string().trim_start_matches('/').replace('/', ".");
        if secrets.iter().any(|secret| covers(&secret.steps, &place)) || told.len() >= MAX_FAULTS {
            continue;
        }
        let shown = if place.is_empty() { "the configuration".to_owned() } else { format!("`{place}`") };
        let what = crate::place::without_value(&error);
        let title = format!("the connector of system `{}` does not accept this configuration: {shown} {what}", system.id.value);
        let help = if what.starts_with("lacks") {
            "add it to `config`, or to `secrets` if it is one"
        } else {
            "see `hub plugin inspect` with the connector's path"
        };
        let problem = Problem::new(Code::E006, title.clone(), help).at(system.config.span, "configured here");
        told.entry(title).or_insert(problem);
    }
    found.extend(told.into_values());
}
