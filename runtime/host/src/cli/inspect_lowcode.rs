//! `hub plugin inspect manifest.yaml`: what a low-code manifest offers, wants and lacks. Runs nothing.

use std::path::Path;

use hub_core::problem::{Code, Problem, Problems, Sources};
use serde_json::{Value, json};

use super::{Failure, Output, io_problem, render};
use crate::lowcode::{self, LowCode, Reading, Texts};

pub(super) fn inspect(path: &Path, config: Option<&Path>, output: Output) -> Result<u8, Failure> {
    let config = config.map(configuration).transpose()?;
    let mut sources = Sources::default();
    let texts = Texts::read(path, None, &mut sources)?;
    let now_micros = i64::try_from(crate::clock::now_ms()).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    let (read, problems) = lowcode::read(&texts, Reading { config: config.as_ref(), now_micros, ..Reading::default() });
    let failure = Problems::new(problems).map(|problems| Failure { problems, sources: sources.clone() });
    let code = failure.as_ref().map_or(0, |failure| failure.problems.exit_code());
    let Some(read) = read else {
        let unreadable = || Problem::new(Code::E010, "the manifest cannot be read", "correct it").into();
        return Err(failure.unwrap_or_else(unreadable));
    };
    match output {
        Output::Json => super::print_json(&as_json(&read, failure.as_ref(), &sources)),
        Output::Human => {
            super::print_text(&page(&read));
            if let Some(failure) = &failure {
                anstream::eprint!("{}", render::draw(failure));
            }
            anstream::eprint!("{}", render::draw_remarks(&read.remarks, &sources));
        }
    }
    Ok(code)
}

/// A configuration for looking only; what is secret in it is hidden before anything is made of it.
pub(super) fn configuration(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| io_problem("read", path, &error))?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(Problem::new(Code::E009, format!("`{}` is no JSON object", path.display()), "name a configuration in JSON").into()),
    }
}

fn page(read: &LowCode) -> String {
    let mut text = format!("low-code manifest   version {}   sha256:{}\n", read.manifest.version().unwrap_or("none"), read.digest);
    for origin in &read.inspection.hosts.origins {
        text.push_str(&format!("reaches    {}\n", origin.origin));
    }
    for open in &read.inspection.hosts.open {
        text.push_str(&format!("may reach  needs a grant: {}\n", lowcode::open_host(open)));
    }
    for secret in &read.inspection.secrets {
        text.push_str(&format!("secret     {}\n", secret.dotted()));
    }
    for dynamic in &read.inspection.dynamic_streams {
        text.push_str(&format!("streams    more of them, made by `{}` when it runs\n", dynamic.name));
    }
    for stream in &read.streams {
        let keys = stream.primary_key.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            "\nreads {}\n  key {}   cursor {}   subjects {}\n",
            stream.name,
            or_none(&keys),
            stream.cursor.as_ref().map_or("none", |path| path.as_str()),
            or_none(&stream.subjects.join(", "))
        ));
        match read.reasons(&stream.name) {
            [] => text.push_str("  records stay in the host\n"),
            reasons => {
                text.push_str("  records enter the sandbox (needs `grants = [\"read-body\"]`)\n");
                reasons.iter().for_each(|reason| text.push_str(&format!("    because {reason}\n")));
            }
        }
        for (path, leaf) in stream.shape.leaves() {
            let whole = if leaf.opaque { "   (as a whole)" } else { "" };
            text.push_str(&format!("  {:<36} {}{whole}\n", path.as_str(), leaf.category.as_deref().unwrap_or("UNCLASSIFIED")));
        }
    }
    let waiting = read.labels.unconfirmed();
    if waiting > 0 {
        text.push_str(&format!("\n{waiting} labels wait to be confirmed and do not count\n"));
    }
    text
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn as_json(read: &LowCode, failure: Option<&Failure>, sources: &Sources) -> Value {
    let streams: Vec<_> = read.streams.iter().map(|stream| {
        let fields: serde_json::Map<_, _> = stream.shape.leaves().into_iter()
            .map(|(path, leaf)| (path.to_string(), json!({ "category": leaf.category, "whole": leaf.opaque }))).collect();
        let reasons = read.reasons(&stream.name);
        json!({ "name": stream.name, "fields": fields, "subjects": stream.subjects, "cursor": stream.cursor.as_ref().map(ToString::to_string),
            "primary_key": stream.primary_key.iter().map(ToString::to_string).collect::<Vec<_>>(), "enters_sandbox": !reasons.is_empty(), "reasons": reasons })
    }).collect();
    let hosts = &read.inspection.hosts;
    json!({
        "version": 1, "manifest_version": read.manifest.version(), "digest": read.digest,
        "hosts": hosts.origins.iter().map(|origin| json!({ "origin": origin.origin, "place": origin.place })).collect::<Vec<_>>(),
        "open_hosts": hosts.open.iter().map(|open| json!({ "template": open.template, "place": open.place, "why": lowcode::open_host(open) })).collect::<Vec<_>>(),
        "secrets": read.inspection.secrets.iter().map(hub_lowcode::inspect::SecretPath::dotted).collect::<Vec<_>>(),
        "dynamic_streams": read.inspection.dynamic_streams.iter().map(|one| one.name.clone()).collect::<Vec<_>>(),
        "streams": streams, "unconfirmed_labels": read.labels.unconfirmed(),
        "problems": failure.map_or_else(|| json!([]), render::problems),
        "notes": read.remarks.iter().map(|remark| render::remark(remark, sources)).collect::<Vec<_>>(),
    })
}
