//! What can be seen of a component without running it.

use std::collections::BTreeSet;

use hub_core::plugin::is_version;
use hub_core::vocab;
use serde_json::{Value, json};

use super::{Check, Scene, Verdict, check};

/// Words in the name of a setting that should not hold its value in the open.
const SECRET_WORDS: [&str; 7] = ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key"];
const MAX_SUMMARY_BYTES: usize = 500;

pub(super) const CHECKS: &[Check] = &[
    check!(1, "it can be compiled for the sandbox, within the limits of time and memory", compiled),
    check!(2, "its description tells the truth about its interfaces, for an ABI that this hub speaks", truthful),
    check!(3, "it imports nothing but hub's interfaces: nothing of WASI", foreign),
    check!(4, "it names every import that it uses, and no other", imports),
    check!(5, "it exports what it offers, and nothing else", exports),
    check!(6, "its version is MAJOR.MINOR.PATCH", version),
    check!(7, "it has a summary of one line", summary),
    check!(8, "its author names a licence", licence),
    check!(9, "every value of every stream has a data category that exists", categories),
    check!(10, "every stream with personal data says whose they are", subjects),
    check!(11, "every stream has a primary key, so that a record can be recognised again", primary_keys),
    check!(12, "the cursor of a stream is one of its single values", cursors),
    check!(13, "every stream has a summary", stream_summaries),
    check!(14, "its configuration has a schema that refuses unknown keys", configuration),
    check!(15, "its configuration holds no secret in the open", secrets),
    check!(16, "it says where it connects to, if it connects at all", hosts),
    check!(17, "as a destination, it says which modes and categories it takes", destination),
];

async fn compiled(scene: &Scene) -> Verdict {
    match &scene.unfit {
        Some(why) if scene.exports.is_empty() => Verdict::Failed(why.clone()),
        _ => Verdict::Passed,
    }
}

async fn truthful(scene: &Scene) -> Verdict {
    scene.unfit.clone().map_or(Verdict::Passed, Verdict::Failed)
}

async fn foreign(scene: &Scene) -> Verdict {
    let foreign: Vec<&String> = scene.imports.iter().filter(|import| import.contains(':')).collect();
    if foreign.is_empty() { Verdict::Passed } else { Verdict::Failed(format!("it imports {foreign:?}")) }
}

async fn imports(scene: &Scene) -> Verdict {
    let said: BTreeSet<&String> = scene.package.description.imports.iter().collect();
    let used: BTreeSet<&String> = scene.imports.iter().filter(|import| !import.contains(':')).collect();
    match (used.difference(&said).next(), said.difference(&used).next()) {
        (Some(hidden), _) => Verdict::Failed(format!("it uses `{hidden}` and does not say so")),
        (_, Some(idle)) => Verdict::Failed(format!("it says `{idle}` and does not use it")),
        (None, None) => Verdict::Passed,
    }
}

async fn exports(scene: &Scene) -> Verdict {
    let description = &scene.package.description;
    let offered = [("source", description.source.is_some()), ("destination", description.destination.is_some())];
    let offered: BTreeSet<&str> = offered.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
    let exported: BTreeSet<&str> = scene.exports.iter().map(String::as_str).collect();
    if offered == exported { Verdict::Passed } else { Verdict::Failed(format!("it offers {offered:?} and exports {exported:?}")) }
}

async fn version(scene: &Scene) -> Verdict {
    let version = &scene.package.description.version;
    if is_version(version) { Verdict::Passed } else { Verdict::Failed(format!("it is `{version}`")) }
}

async fn summary(scene: &Scene) -> Verdict {
    let summary = &scene.package.description.summary;
    let fits = !summary.trim().is_empty() && summary.len() <= MAX_SUMMARY_BYTES && !summary.contains('\n');
    if fits { Verdict::Passed } else { Verdict::Failed(format!("it has {} bytes", summary.len())) }
}

async fn licence(scene: &Scene) -> Verdict {
    match scene.licence.as_deref().map(str::trim) {
        Some(text) if !text.is_empty() => Verdict::Passed,
        _ => Verdict::Failed("there is none: an SPDX expression such as `Apache-2.0`".to_owned()),
    }
}

/// The streams that are declared, each judged on its own.
fn streams(scene: &Scene, judge: impl Fn(&hub_core::description::StreamClaim) -> Result<(), String>) -> Verdict {
    let Some(source) = &scene.package.description.source else { return Verdict::NotTried("it is no source") };
    if source.streams.is_empty() {
        return Verdict::NotTried("it reads any stream; the manifest declares its fields");
    }
    let judged = source.streams.iter().try_for_each(|stream| judge(stream).map_err(|why| format!("stream `{}`: {why}", stream.name)));
    judged.into()
}

async fn categories(scene: &Scene) -> Verdict {
    streams(scene, |stream| {
        for (path, leaf) in stream.shape.leaves() {
            match leaf.category.as_deref() {
                None => return Err(format!("`{path}` has none")),
                Some(category) if vocab::category(category).is_none() => {
                    return Err(format!("`{path}` has `{category}`, which does not exist"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    })
}

async fn subjects(scene: &Scene) -> Verdict {
    streams(scene, |stream| {
        let is_personal = |category: &str| category == "user" || category.starts_with("user.");
        let personal = stream.shape.leaves().into_iter().any(|(_, leaf)| leaf.category.as_deref().is_some_and(is_personal));
        if personal && stream.subjects.is_empty() { Err("it names no subjects".to_owned()) } else { Ok(()) }
    })
}

async fn primary_keys(scene: &Scene) -> Verdict {
    streams(scene, |stream| if stream.primary_key.is_empty() { Err("it has none".to_owned()) } else { Ok(()) })
}

async fn cursors(scene: &Scene) -> Verdict {
    streams(scene, |stream| match &stream.cursor {
        Some(path) if !matches!(stream.shape.at(path), Some(hub_core::stream::Node::Leaf(_))) => Err(format!("`{path}` is none")),
        _ => Ok(()),
    })
}

async fn stream_summaries(scene: &Scene) -> Verdict {
    streams(scene, |stream| if stream.summary.trim().is_empty() { Err("it has none".to_owned()) } else { Ok(()) })
}

async fn configuration(scene: &Scene) -> Verdict {
    let schema = &scene.package.description.config;
    let Ok(validator) = jsonschema::validator_for(schema) else { return Verdict::Failed("it is no JSON Schema".to_owned()) };
    let refuses = |value: &Value| validator.iter_errors(value).any(|error| error.to_string().contains("hub-unknown-key"));
    if refuses(&json!({ "hub-unknown-key": 1 })) {
        Verdict::Passed
    } else {
        Verdict::Failed("a key that does not exist is accepted: `\"additionalProperties\": false`".to_owned())
    }
}

async fn secrets(scene: &Scene) -> Verdict {
    fn walk(schema: &Value, found: &mut Vec<String>) {
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let lower = name.to_lowercase();
            let is_text = property.get("type").is_none_or(|kind| kind == "string");
            // A setting that the host takes the value of stands in `secrets`, and the connector sees a placeholder.
            let is_hidden = property.get("airbyte_secret") == Some(&Value::Bool(true));
            if is_text && !is_hidden && SECRET_WORDS.iter().any(|word| lower.contains(word)) {
                found.push(name.clone());
            }
            walk(property, found);
        }
    }
    let mut found = Vec::new();
    walk(&scene.package.description.config, &mut found);
    match found.first() {
        None => Verdict::Passed,
        Some(name) => Verdict::Failed(format!("`{name}` looks like one: use a credential that the host holds")),
    }
}

async fn hosts(scene: &Scene) -> Verdict {
    let description = &scene.package.description;
    if !description.imports.iter().any(|import| import == "http") {
        return Verdict::NotTried("it does not connect by HTTP");
    }
    let told = |read: &std::sync::Arc<crate::lowcode::LowCode>| {
        !read.inspection.hosts.open.is_empty() || !read.inspection.hosts.origins.is_empty()
    };
    if scene.package.low_code.as_ref().is_some_and(told) || !description.hosts.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed("it names no host".to_owned())
    }
}

async fn destination(scene: &Scene) -> Verdict {
    let Some(claim) = &scene.package.description.destination else { return Verdict::NotTried("it is no destination") };
    if claim.modes.is_empty() || claim.accepts.is_empty() {
        return Verdict::Failed("modes or categories are missing".to_owned());
    }
    match claim.accepts.iter().find(|category| vocab::category(category).is_none()) {
        Some(unknown) => Verdict::Failed(format!("the category `{unknown}` does not exist")),
        None => Verdict::Passed,
    }
}
