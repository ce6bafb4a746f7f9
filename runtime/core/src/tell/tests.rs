//! What is told over the worked example: the right shape, the right masks, and nothing that a record could hold.

use serde_json::{Value, json};

use super::event::{key, message, of_run, signature};
use super::trace::{Mark, Step, trace};
use super::{Run, State, lineage};
use crate::date::Date;
use crate::manifest::{self, Event, NoFiles};
use crate::policy::{Catalogue, Policy};
use crate::problem::Code;

const EXAMPLE: &str = include_str!("../../../../examples/nordwerk/manifest.toml");

fn policy() -> Policy {
    let manifest = manifest::read("manifest.toml", EXAMPLE, &NoFiles).unwrap();
    Policy::build(manifest, &Catalogue::new(), Date::parse("2026-11-23").unwrap()).unwrap_or_else(|denied| panic!("{:?}", denied.problems))
}

fn run(flow: &str, state: State) -> Run {
    Run {
        deleted: 0,
        id: "01KB5ZQ0M8V4H3Q2W1E0R9T8Y7".to_owned(),
        number: 0x019a_cbfb_8288_d912_3456_789a_bcde_f012,
        flow: flow.to_owned(),
        began_us: 1_795_000_000_000_000,
        ended_us: 1_795_000_002_500_000,
        state,
        read: 10,
        written: 9,
        denied: vec![(Code::E201, 3)],
        audit_entries: 42,
    }
}

#[test]
fn an_id_is_a_uuid_of_version_7() {
    assert_eq!(run("x", State::Running).uuid(), "019acbfb-8288-7912-b456-789abcdef012");
    assert_eq!(Run::default().uuid(), "00000000-0000-7000-8000-000000000000");
}

/// The signature of the specification's own example.
#[test]
fn signatures_are_those_of_standard_webhooks() {
    let message = super::event::Message { id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), body: br#"{"test": 2432232314}"#.to_vec() };
    let signed = signature(&key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &message, 1_614_265_330);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(key("plain words"), b"plain words");
    assert_eq!(key("whsec_not base64!"), b"whsec_not base64!");
    assert_ne!(signature(&key("a"), &message, 1), signature(&key("b"), &message, 1));
    assert_ne!(signature(&key("a"), &message, 1), signature(&key("a"), &message, 2));
}

#[test]
fn what_a_run_has_to_tell() {
    let events = |state, denied: Vec<(Code, u64)>| {
        let told = of_run(&Run { denied, ..run("f", state) });
        told.into_iter().map(|(event, data)| (event.word(), data["rules"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(events(State::Completed, vec![]), [("run.completed", Value::Null)]);
    assert_eq!(events(State::Interrupted, vec![]), []);
    assert_eq!(events(State::Failed(Code::E307), vec![]), [("run.failed", Value::Null)]);
    assert_eq!(events(State::Failed(Code::E216), vec![]), [("audit.broken", Value::Null), ("run.failed", Value::Null)]);
    let rule = |code: &str, name: &str, count: u64| json!({ "code": code, "name": name, "count": count });
    assert_eq!(
        events(State::Failed(Code::E213), vec![]),
        [("flow.paused", Value::Null), ("flow.denied", json!([rule("HUB-E213", "volume-anomaly", 1)]))]
    );
    assert_eq!(
        events(State::Completed, vec![(Code::E201, 3)]),
        [("run.completed", Value::Null), ("flow.denied", json!([rule("HUB-E201", "undeclared-field-observed", 3)]))]
    );
}

#[test]
fn a_message_is_a_cloud_event() {
    let data = json!({ "flow": "f" });
    let message = message("id-1", "run.failed", "hub/0011", Some("f"), 1_795_000_000_000_000, &data);
    let event: Value = serde_json::from_slice(&message.body).unwrap();
    let expected = json!({
        "specversion": "1.0", "id": "id-1", "source": "hub/0011", "type": "hub.run.failed.v1", "time": "2026-11-18T11:06:40.000000Z",
        "datacontenttype": "application/json", "subject": "f", "data": { "flow": "f" },
    });
    assert_eq!(event, expected);
}

#[test]
fn every_event_of_lineage_has_what_the_specification_wants() {
    let policy = policy();
    let states = [State::Running, State::Completed, State::Interrupted, State::Failed(Code::E307)];
    for (state, kind) in states.into_iter().zip(["START", "COMPLETE", "ABORT", "FAIL"]) {
        for flow in policy.manifest().flows.keys() {
            let event = lineage::event(&policy, &run(flow, state)).unwrap();
            assert_eq!((&event["eventType"], &event["job"]["name"]), (&json!(kind), &json!(flow)));
            assert_eq!(event["eventTime"], "2026-11-18T11:06:42.500000Z");
            for required in ["producer", "schemaURL"] {
                assert!(url::Url::parse(event[required].as_str().unwrap()).is_ok(), "{required}");
            }
            assert_eq!(event["run"]["runId"].as_str().unwrap().len(), 36);
            facets_are_whole(&event);
            for dataset in event["inputs"].as_array().unwrap().iter().chain(event["outputs"].as_array().unwrap()) {
                assert!(dataset["namespace"].is_string() && dataset["name"].is_string(), "{dataset}");
            }
            assert_eq!(event["run"]["facets"].get("errorMessage").is_some(), kind == "FAIL");
        }
    }
    assert!(lineage::event(&policy, &run("nobody", State::Running)).is_none());
}

/// Each facet says who made it and by which schema.
fn facets_are_whole(value: &Value) {
    if let Value::Object(entries) = value {
        for (key, inner) in entries {
            if matches!(key.as_str(), "facets" | "inputFacets" | "outputFacets") {
                for facet in inner.as_object().unwrap().values() {
                    assert!(url::Url::parse(facet["_producer"].as_str().unwrap()).is_ok(), "{facet}");
                    assert!(url::Url::parse(facet["_schemaURL"].as_str().unwrap()).is_ok(), "{facet}");
                }
            }
            facets_are_whole(inner);
        }
    }
    if let Value::Array(items) = value {
        items.iter().for_each(facets_are_whole);
    }
}

#[test]
fn columns_say_where_they_come_from_and_whether_they_are_masked() {
    let policy = policy();
    let mut masked = std::collections::BTreeMap::new();
    for (id, flow) in &policy.manifest().flows {
        let event = lineage::event(&policy, &run(id, State::Completed)).unwrap();
        let columns = &event["outputs"][0]["facets"]["columnLineage"]["fields"];
        for field in &flow.fields {
            for input in columns[field.to.value.as_str()]["inputFields"].as_array().into_iter().flatten() {
                assert!(input["field"].is_string() && input["namespace"].is_string() && input["name"].is_string(), "{input}");
                let how = &input["transformations"][0];
                assert!(matches!(how["type"].as_str(), Some("DIRECT" | "INDIRECT")), "{how}");
                masked.insert(how["description"].as_str().unwrap().to_owned(), how["masking"].as_bool().unwrap());
            }
        }
    }
    for (action, is_masked) in [("allow", false), ("pseudonymise", true), ("generalise", true), ("truncate", true), ("encrypt", true)] {
        assert_eq!(masked.get(action), Some(&is_masked), "{action}: {masked:?}");
    }
    let newsletter = lineage::event(&policy, &run("crm-to-newsletter", State::Completed)).unwrap();
    let filters = newsletter["outputs"][0]["facets"]["columnLineage"]["dataset"].as_array().unwrap();
    assert!(filters.iter().any(|input| input["transformations"][0]["description"] == "consent"), "{filters:?}");
    let gdpr = &newsletter["run"]["facets"]["hub_gdpr"];
    assert_eq!((&gdpr["purpose"], &gdpr["legalBasis"], &gdpr["recipient"]), (&json!("newsletter"), &json!("art6-a"), &json!("newsletter")));
    assert_eq!((&gdpr["auditSeq"], &gdpr["hubRun"]), (&json!(41), &json!("01KB5ZQ0M8V4H3Q2W1E0R9T8Y7")));
    assert!(gdpr["categories"].as_array().unwrap().contains(&json!("user.contact.email")));
    assert!(!gdpr["retention"].as_array().unwrap().is_empty());
}

#[test]
fn a_trace_has_a_span_for_the_run_and_for_each_batch() {
    let policy = policy();
    let marks = [
        Mark { step: Step::Judge, began_us: 1_795_000_000_100_000, ended_us: 1_795_000_000_200_000, records: 5 },
        Mark { step: Step::Deliver, began_us: 1_795_000_000_300_000, ended_us: 1_795_000_000_400_000, records: 4 },
    ];
    let trace = trace(&policy, &run("erp-to-dwh-sales", State::Failed(Code::E307)), &marks, 7).unwrap();
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["hub.run", "hub.judge", "hub.deliver"]);
    let attribute = |span: &Value, key: &str| {
        let all = span["attributes"].as_array().unwrap();
        all.iter().find(|attribute| attribute["key"] == key).map(|attribute| attribute["value"].clone())
    };
    for span in spans {
        assert_eq!(span["traceId"], "019acbfb8288d9123456789abcdef012");
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        assert_eq!(attribute(span, "hub.flow.id"), Some(json!({ "stringValue": "erp-to-dwh-sales" })));
    }
    assert_eq!((&spans[1]["parentSpanId"], spans[0].get("parentSpanId")), (&spans[0]["spanId"], None));
    assert_eq!((&spans[0]["startTimeUnixNano"], &spans[0]["status"]["code"]), (&json!("1795000000000000000"), &json!(2)));
    assert_eq!(attribute(&spans[0], "error.type"), Some(json!({ "stringValue": "HUB-E307" })));
    assert_eq!(attribute(&spans[0], "hub.spans.left_out"), Some(json!({ "intValue": "7" })));
    assert_eq!(attribute(&spans[1], "hub.system.name"), Some(json!({ "stringValue": "erp" })));
    assert_eq!(attribute(&spans[2], "hub.records"), Some(json!({ "intValue": "4" })));
}

#[test]
fn only_runs_that_went_well_are_not_told_unless_wanted() {
    let text = format!(
        "{EXAMPLE}\n[alert.all]\nto = \"https://h.example.org/x\"\nsecret = {{ env = \"S\" }}\n[alert.one]\nto = \"https://h.example.org/x\"\nsecret = {{ env = \"S\" }}\non = [\"run.completed\"]\n"
    );
    let manifest = manifest::read("manifest.toml", &text, &NoFiles).unwrap();
    let wants =
        |id: &str| Event::ALL.iter().filter(|event| manifest.alerts[id].wants(**event)).map(|event| event.word()).collect::<Vec<_>>();
    assert_eq!(wants("all"), ["run.failed", "flow.denied", "flow.paused", "audit.broken"]);
    assert_eq!(wants("one"), ["run.completed"]);
    assert_eq!(Event::ALL.iter().map(|event| event.word()).collect::<Vec<_>>(), Event::WORDS);
    assert_eq!(manifest.receivers().map(|receiver| receiver.id.as_str()).collect::<Vec<_>>(), ["alert:all", "alert:one"]);
    let (event, data) = crate::tell::event::of_anchor("far", "2026-11-28T10:00:00.000Z", 40, 12);
    assert_eq!((event.word(), &data["code"], &data["anchored_entries"]), ("audit.broken", &json!("HUB-E316"), &json!(12)));
}
