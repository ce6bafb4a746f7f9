//! One case: its system as a manifest of hub would have it, what it claims without being run, and each recorded run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hub::config::Config;
use hub::lowcode::{self, LowCode, Reading, Texts};
use hub::plugin::package::{Package, Workshop};
use hub_core::description::StreamClaim;
use hub_core::manifest::{self, Manifest, NoFiles, System};
use hub_core::policy::{Catalogue, Policy};
use hub_core::problem::{Code, Problem};
use hub_core::stream::Node;
use hub_lowcode::inspect::Schema;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api::{Api, compare};
use super::report::Verdict;
use super::run::{Place, Wanted};
use super::{Arguments, Failure, name};

/// What every field is called.
pub const LABEL: &str = "system.operations";

/// Everything that the runs of a case share.
pub struct Case {
    pub policy: Arc<Policy>,
    pub package: Arc<Package>,
    pub system: System,
    pub streams: Vec<StreamClaim>,
    /// Files and contents of secrets: a run may leave others behind.
    pub secrets: Vec<(std::path::PathBuf, String)>,
    /// Requests wait for a budget as well.
    pub has_budget: bool,
}

/// Runs a case.
pub fn run(arguments: &Arguments, folder: &Path, workshop: &Workshop) -> Result<Verdict, Failure> {
    let begun = Instant::now();
    let golden: Value = serde_json::from_slice(&std::fs::read(folder.join("golden.json"))?)?;
    let mut verdict = Verdict::new(name(folder), golden["streams"].as_object().map_or(0, serde_json::Map::len));
    match Case::open(folder, &golden, &arguments.out)? {
        Err(problems) => verdict.refused(&problems),
        Ok(case) => {
            let low_code = case.package.low_code.as_deref().ok_or("the package lost its manifest")?;
            catalogue(low_code, &golden, &mut verdict);
            let api = Api::start(folder)?;
            let place = Place { case: &case, workshop, wire: &api.wire, port: api.port };
            streams(arguments, folder, &golden, &place, &mut verdict)?;
            check(arguments, folder, &golden, &place, &mut verdict)?;
        }
    }
    verdict.seconds = begun.elapsed().as_secs_f64();
    Ok(verdict)
}

/// All recorded runs, or those of one stream.
fn streams(arguments: &Arguments, folder: &Path, golden: &Value, place: &Place<'_>, verdict: &mut Verdict) -> Result<(), Failure> {
    let mut actual = serde_json::Map::new();
    for (stream, recorded) in golden["streams"].as_object().into_iter().flatten() {
        if arguments.stream.as_ref().is_some_and(|wanted| wanted != stream) {
            continue;
        }
        let mut runs = serde_json::Map::new();
        let mut blind = false;
        for run in recorded["runs"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            let result = place.read(&Wanted::new(golden, stream, run)?)?;
            blind |= result.blind;
            verdict.wanted += 1;
            verdict.said.extend(result.said.map(|said| format!("{stream} {run} said: {said}")));
            runs.insert(run.clone(), result.json);
        }
        verdict.blind += usize::from(blind);
        actual.insert(stream.clone(), json!({"runs": runs}));
    }
    let file = arguments.out.join(format!("{}.json", verdict.case));
    std::fs::write(&file, serde_json::to_vec(&json!({"streams": actual}))?)?;
    verdict.compared(&compare(folder, &file)?);
    Ok(())
}

/// The check of the connection: its outcome and its requests.
fn check(arguments: &Arguments, folder: &Path, golden: &Value, place: &Place<'_>, verdict: &mut Verdict) -> Result<(), Failure> {
    let recorded = &golden["check"];
    if recorded.is_null() || arguments.stream.is_some() {
        return Ok(());
    }
    let result = place.check(golden["now"].as_str().unwrap_or_default())?;
    let status = if recorded["status"] == "SUCCEEDED" { "COMPLETE" } else { "INCOMPLETE" };
    let nothing = json!({"count": 0, "sha256": hex(b""), "data": []});
    let expected =
        json!({"requests": recorded["requests"], "records": nothing, "state": null, "status": [status], "errors": [], "waits": []});
    let actual = json!({"requests": result.requests, "records": [], "state": null, "status": result.status, "errors": []});
    let whole = |run: Value| json!({"streams": {"check": {"runs": {"check": run}}}});
    let [golden, file] = ["expected", "actual"].map(|what| arguments.out.join(format!("{}.check-{what}.json", verdict.case)));
    std::fs::write(&golden, serde_json::to_vec(&whole(expected))?)?;
    std::fs::write(&file, serde_json::to_vec(&whole(actual))?)?;
    verdict.checked(&super::api::compare_with(folder, &golden, &file)?, result.said.as_deref());
    Ok(())
}

/// What the manifest says about its streams, without being run.
fn catalogue(read: &LowCode, golden: &Value, verdict: &mut Verdict) {
    let recorded = golden["discover"].as_array().map_or(&[][..], Vec::as_slice);
    let facts = &read.inspection.streams;
    let mut tell = |text: String| verdict.discover.push(text);
    for one in recorded {
        let name = one["name"].as_str().unwrap_or_default();
        let Some(fact) = facts.iter().find(|fact| fact.name == name) else {
            tell(format!("{name}: not found"));
            continue;
        };
        let incremental = one["supported_sync_modes"].as_array().is_some_and(|modes| modes.iter().any(|mode| mode == "incremental"));
        if fact.is_incremental != incremental {
            tell(format!("{name}: incremental is {}", fact.is_incremental));
        }
        let cursor = one["default_cursor_field"][0].as_str();
        if cursor.is_some() && fact.cursor_field.as_deref() != cursor {
            tell(format!("{name}: the cursor is {:?}, not {cursor:?}", fact.cursor_field));
        }
        let keys = one["source_defined_primary_key"].as_array().map_or_else(Vec::new, |keys| keys.iter().map(Value::to_string).collect());
        let own: Vec<String> = fact.primary_key.iter().map(|path| json!(path).to_string()).collect();
        if keys != own {
            tell(format!("{name}: the primary key is {own:?}, not {keys:?}"));
        }
        if let Schema::Static(schema) = &fact.schema
            && one["json_schema_sha256"].as_str() != Some(&digest(schema))
        {
            tell(format!("{name}: another JSON schema"));
        }
    }
}

fn digest(schema: &hub_lowcode::value::Value) -> String {
    let mut text = Vec::new();
    schema.write_json(&mut text);
    let mut value: Value = serde_json::from_slice(&text).unwrap_or_default();
    value.sort_all_objects();
    hex(value.to_string().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Case {
    /// Reads the case as `hub check` does. The inner error: why it refuses it.
    fn open(folder: &Path, golden: &Value, out: &Path) -> Result<Result<Self, Vec<Problem>>, Failure> {
        let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
        let home = out.join(name(folder));
        std::fs::create_dir_all(&home)?;
        let (config, secrets) = apart(folder, config)?;
        let (mut manifest, mut secret_files) = (declared(golden, &secrets, &home)?, Vec::new());
        for (at, (_, text)) in secrets.iter().enumerate() {
            secret_files.push((home.join(format!("secret-{at}")), text.clone()));
        }
        if let Some(system) = manifest.systems.get_mut("case") {
            system.config.value = config;
        }
        let system = manifest.systems.get("case").cloned().ok_or("the manifest of hub lost its system")?;
        let texts = Texts::read(&folder.join("manifest.yaml"), None, &mut manifest.sources).map_err(|problem| problem.title)?;
        let reading = Reading {
            hub: Some(&manifest),
            system: Some(&system),
            now_micros: micros(golden["now"].as_str().unwrap_or_default())?,
            ..Reading::default()
        };
        let (read, problems) = lowcode::read(&texts, reading);
        let (Some(mut read), true) = (read, problems.is_empty()) else { return Ok(Err(problems)) };
        label(&mut read.streams);
        let streams = read.streams.clone();
        let has_budget = read.manifest.api_budget().is_some();
        let settings = Config::new(Some(out.to_owned()), None);
        let package = Package::low_code(read, &folder.join("manifest.yaml"), &settings).map_err(|problem| problem.title)?;
        let catalogue: Catalogue = [("case".to_owned(), package.description.clone())].into();
        match Policy::build(manifest, &catalogue, hub::clock::day(0, None)) {
            Ok(policy) => {
                Ok(Ok(Self { policy: Arc::new(policy), package: Arc::new(package), system, streams, secrets: secret_files, has_budget }))
            }
            Err(denied) => Ok(Err(denied.problems.into_iter().collect())),
        }
    }
}

/// The configuration without its secrets, and those by their dotted place.
fn apart(folder: &Path, mut config: Value) -> Result<(Value, Vec<(String, String)>), Failure> {
    let text = std::fs::read_to_string(folder.join("manifest.yaml"))?;
    let mut found = Vec::new();
    // A manifest that cannot be read has none: it is refused later, with its reasons.
    if let Ok((manifest, _)) = hub_lowcode::load::Manifest::read(&text) {
        for path in hub_lowcode::inspect::secret_paths(&manifest) {
            take(&mut config, &path.steps, String::new(), &mut found);
        }
    }
    Ok((config, found))
}

/// Takes what stands under a path away; empty values stay.
fn take(value: &mut Value, steps: &[String], path: String, found: &mut Vec<(String, String)>) {
    let joined = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    let Some((step, rest)) = steps.split_first() else { return };
    match value {
        Value::Object(fields) if rest.is_empty() => {
            let text = match fields.get(step) {
                Some(Value::String(text)) if !text.is_empty() => text.clone(),
                Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
                _ => return,
            };
            fields.remove(step);
            found.push((joined(step), text));
        }
        Value::Object(fields) => {
            if let Some(inner) = fields.get_mut(step) {
                take(inner, rest, joined(step), found);
            }
        }
        Value::Array(items) if step == "*" => {
            for (at, item) in items.iter_mut().enumerate() {
                take(item, rest, joined(&at.to_string()), found);
            }
        }
        _ => {}
    }
}

/// A manifest of hub with the case as its system: the hosts that the recording asked, nothing else.
fn declared(golden: &Value, secrets: &[(String, String)], home: &Path) -> Result<Manifest, Failure> {
    let mut origins = BTreeSet::new();
    collect(golden, &mut origins);
    let mut text =
        String::from("manifest = 1\noperator = { name = \"Conformance\", contact = \"conformance@example.org\" }\n[system.case]\n");
    writeln!(text, "connector = \"manifest.yaml\"\ngrants = [\"read-body\"]\nhosts = {}", json!(origins))?;
    for (at, (path, _)) in secrets.iter().enumerate() {
        writeln!(text, "[system.case.secrets.{}]\nfile = \"secret-{at}\"", json!(path))?;
    }
    let name = home.join("hub.toml").display().to_string();
    manifest::read(&name, &text, &NoFiles).map_err(|failed| {
        let titles: Vec<String> = failed.problems.into_iter().map(|problem| problem.title).collect();
        format!("the case cannot be declared: {}", titles.join("; ")).into()
    })
}

/// Origins of all requests of a recording.
fn collect(value: &Value, origins: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, origins)),
        Value::Object(fields) => {
            if let (Some(url), true) = (fields.get("url").and_then(Value::as_str), fields.contains_key("method"))
                && let Ok(url) = url::Url::parse(url)
            {
                origins.insert(url.origin().ascii_serialization());
            }
            fields.values().for_each(|value| collect(value, origins));
        }
        _ => {}
    }
}

/// Every field gets a label, as an operator would give it: what a field means is not what is measured here.
fn label(streams: &mut [StreamClaim]) {
    fn node(place: &mut Node) {
        match place {
            Node::Leaf(leaf) => Arc::make_mut(leaf).category = Some(LABEL.to_owned()),
            Node::Object { fields, .. } => fields.values_mut().for_each(node),
            Node::List { item, .. } => node(item),
        }
    }
    for stream in streams {
        stream.shape.fields.values_mut().for_each(node);
    }
}

/// A time of the recording in microseconds since 1970.
pub fn micros(text: &str) -> Result<i64, Failure> {
    let parsed = hub_lowcode::value::datetime::parse(text, if text.contains('.') { "%Y-%m-%dT%H:%M:%S.%fZ" } else { "%Y-%m-%dT%H:%M:%SZ" });
    parsed.map(|moment| moment.utc_micros()).map_err(|_| format!("`{text}` is no time").into())
}

/// The reasons of a refusal that name a custom class.
pub fn custom_classes(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .filter(|problem| problem.code == Code::E010 && problem.title.contains("Python class"))
        .map(|problem| problem.title.clone())
        .collect()
}
