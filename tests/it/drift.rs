//! A connector that claims more than was accepted is not run until somebody accepts that, too (HUB-E215).

use serde_json::{Value, json};

use crate::support::program::{Program, connectors};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

#[test]
fn a_connector_that_claims_more_is_stopped_until_it_is_accepted() {
    let system = "\n[system.crm]\nconnector = \"reader.wasm\"\nconfig = { records = 10 }\ncollected_for = [\"care\"]\n";
    let fields = "fields = [\"id\", \"email\"]";
    let program =
        Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, system, &flow("a", "crm.contacts", "archive.contacts", fields)].concat());
    let first = std::fs::read(connectors().join("sample.wasm")).unwrap();
    program.write("reader.wasm", &first);
    program.run(&["run"]).ends(0);
    program.write("reader.wasm", with_description(&first, |description| description["version"] = json!("0.1.1")));
    program.run(&["run"]).ends(0);

    std::fs::remove_file(program.path("out/contacts.ndjson")).unwrap();
    let wider = with_description(&first, |description| {
        description["version"] = json!("0.2.0");
        description["hosts"] = json!(["https://elsewhere.example"]);
    });
    program.write("reader.wasm", &wider);
    let outcome = program.run(&["run"]).ends(3).says("HUB-E215").says("elsewhere.example").says("hub plugin accept crm");
    assert!(outcome.stderr.contains("connector = \"reader.wasm\""), "the manifest's line is shown\n{}", outcome.stderr);
    assert!(!program.has("out/contacts.ndjson"), "nothing was written");
    assert_eq!(denials(&program), ["HUB-E215"]);

    program.run(&["plugin", "accept", "crm"]).ends(0);
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/contacts.ndjson").len(), 10);
    let accepted = program.audit().iter().filter(|entry| entry["kind"] == "capability.accepted" && entry["system"] == "crm").count();
    assert_eq!(accepted, 2, "the first use and the acceptance are on record");
    program.write("reader.wasm", &first);
    program.run(&["run"]).ends(0);
    program.run(&["plugin", "accept", "nobody"]).ends(3).says("HUB-E103");
}

fn denials(program: &Program) -> Vec<String> {
    program.audit().iter().filter(|entry| entry["kind"] == "flow.denied").map(|entry| entry["code"].as_str().unwrap().to_owned()).collect()
}

/// The component with another description: the section `hub:manifest` is put in anew, everything else stays.
fn with_description(component: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut out = component[..8].to_vec();
    let mut rest = &component[8..];
    let mut changed = 0;
    while let Some((&id, after)) = rest.split_first() {
        let (size, after) = number(after);
        let (payload, after) = after.split_at(size);
        rest = after;
        let named = (id == 0).then(|| number(payload)).map(|(length, name)| name.split_at(length));
        let payload = match named {
            Some((b"hub:manifest", text)) => {
                changed += 1;
                let mut description: Value = serde_json::from_slice(text).unwrap();
                change(&mut description);
                let text = description.to_string();
                [&[12][..], b"hub:manifest", text.as_bytes()].concat()
            }
            _ => payload.to_vec(),
        };
        out.push(id);
        out.extend(leb(payload.len()));
        out.extend(payload);
    }
    assert_eq!(changed, 1, "a component has one description");
    out
}

/// A length at the beginning of the bytes (LEB128), and what follows.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let value = bytes[..length].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    (value, &bytes[length..])
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}
