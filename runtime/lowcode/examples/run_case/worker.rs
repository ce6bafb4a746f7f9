//! One case: starts its API, reads each stream in each way that was recorded, writes what came out in the form of `compare.py`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use hub_lowcode::fault::Failure as EngineFailure;
use serde_json::json;

use super::api::Api;
use super::engine::{self, Engine};
use super::outside::Outside;
use super::wire::Wire;
use super::{Arguments, Failure, json, name, table};

/// Runs what was asked for of the case in `arguments.folder`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let case = &arguments.folder;
    let golden = json::read(&case.join("golden.json"))?;
    let config = json::read(&case.join("config.json"))?;
    let manifest = std::fs::read_to_string(case.join("manifest.yaml"))?;
    let engine = Engine::new(&manifest, &config)?;
    let api = Api::start(case)?;
    let mut streams = serde_json::Map::new();
    for (stream, run) in table::wanted(arguments, &golden) {
        let (result, blind) = one(arguments.open, &engine, &api.wire, &golden, &stream, &run)?;
        let entry = streams.entry(stream).or_insert_with(|| json!({"runs": {}}));
        entry["blind"] = (blind || entry["blind"] == true).into();
        entry["runs"][run] = result;
        std::fs::write(arguments.out.join(format!("{}.json", name(case))), serde_json::to_vec(&json!({"streams": streams}))?)?;
    }
    Ok(())
}

/// What a run left behind, and whether its records stayed outside of the engine.
fn one(
    open: bool,
    engine: &Engine,
    wire: &Rc<Wire>,
    golden: &serde_json::Value,
    stream: &str,
    run: &str,
) -> Result<(serde_json::Value, bool), Failure> {
    let again = run == "incremental";
    let body = match run {
        "incremental" => json!({"phase": "incremental"}),
        "faults_once" => json!({"phase": "initial", "faults": "once"}),
        other => match other.strip_prefix("http_") {
            Some(status) => json!({"phase": "initial", "faults": {"status": status.parse::<u16>()?}}),
            None => json!({"phase": "initial"}),
        },
    };
    wire.send("POST", "/__ctl/reset", &[("Content-Type".into(), "application/json".into())], Some(&serde_json::to_vec(&body)?))?;
    let now = golden[if again { "now_incremental" } else { "now" }].as_str().unwrap_or_default();
    let earlier = &golden["streams"][stream]["runs"]["initial"]["state"]["stream"]["stream_state"];
    let state = (again && !earlier.is_null()).then(|| json::to_value(earlier));
    let now = micros(now)?;
    let (connector, credentials) = match engine.connector(now)? {
        Ok((connector, credentials)) => (Ok(if open { connector.with_open_records() } else { connector }), credentials),
        Err(failure) => (Err(failure), engine.no_credentials()),
    };
    let outside = Outside::new(now, wire.clone(), credentials, open);
    let ended = catch_unwind(AssertUnwindSafe(|| match &connector {
        Ok(connector) => engine::read(connector, stream, state.as_ref(), &outside),
        Err(failure) => vec![failure.clone()],
    }));
    let errors = match ended {
        Ok(failures) => failures.iter().map(told).collect(),
        Err(_) => json!([{"failure_type": "panic", "message": "the engine panicked (see the log)"}]),
    };
    let requests: serde_json::Value = serde_json::from_slice(&wire.send("GET", "/__ctl/log", &[], None)?.body)?;
    let kept = outside.kept();
    let blind = kept.blind_pages.get() > 0 && kept.open_records.get() == 0;
    let status = if errors == json!([]) { "COMPLETE" } else { "INCOMPLETE" };
    let mut result = json!({
        "requests": requests, "records": &*kept.records.borrow(), "state": &*kept.state.borrow(),
        "status": status, "errors": errors,
    });
    // Of a manifest with a budget the recording holds the waits before retries only.
    if !engine.has_budget() {
        result["waits"] = json!(&*kept.waits.borrow());
    }
    Ok((result, blind))
}

fn told(failure: &EngineFailure) -> serde_json::Value {
    match failure {
        EngineFailure::Stream { failure_type, message, .. } => json!({"failure_type": failure_type.name(), "message": message}),
        EngineFailure::Ended => json!({"failure_type": "ended", "message": "the engine says that the run was ended"}),
    }
}

fn micros(text: &str) -> Result<i64, Failure> {
    Ok(chrono::DateTime::parse_from_rfc3339(text)?.timestamp_micros())
}
