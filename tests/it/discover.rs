//! `hub discover`: a draft that can be checked at once, allows nothing, and becomes a manifest by answers alone.

use serde_json::{Value, json};

use crate::support::program::Program;

const SECRET: &str = "a-very-secret-key-of-acme";

const SOURCE: &str = r#"
version: "6.0.0"
type: DeclarativeSource
check: { type: CheckStream, stream_names: [contacts] }
streams:
  - type: DeclarativeStream
    name: contacts
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: "{{ config['base_url'] }}"
        path: contacts
        authenticator: { type: BearerAuthenticator, api_token: "{{ config['api_key'] }}" }
      record_selector: { type: RecordSelector, extractor: { type: DpathExtractor, field_path: [items] } }
    schema_loader:
      type: InlineSchemaLoader
      schema:
        type: object
        properties: { id: { type: string }, reach: { type: string }, email: { type: [ "null", string ] }, qqq: { type: string } }
spec:
  type: Spec
  connection_specification:
    type: object
    required: [base_url, api_key]
    properties: { base_url: { type: string }, api_key: { type: string, airbyte_secret: true } }
"#;

/// Answers by somebody who knows: what waits, and what it becomes. Each must be there.
fn answered(text: &str, answers: &[(&str, &str)]) -> String {
    answers.iter().fold(text.to_owned(), |text, (waiting, answer)| {
        assert!(text.contains(waiting), "`{waiting}` does not wait in\n{text}");
        text.replace(waiting, answer)
    })
}

const OPERATOR: (&str, &str) = ("name = \"\"\ncontact = \"\"", "name = \"Muster GmbH\"\ncontact = \"dp@muster.example\"");

#[test]
fn a_draft_allows_nothing_and_says_what_is_open() {
    let program = Program::new();
    let discover = ["discover", "builtin:sample", "builtin:file", "--name", "crm", "--out", "manifest.toml"];
    program.run(&discover).ends(0).prints("2 systems, 3 streams").prints("hub check manifest.toml");
    program.run(&["check"]).ends(2).says("HUB-E003").says("`name`").says("`contact`");
    let draft = program.read("manifest.toml");
    program.write("manifest.toml", answered(&draft, &[OPERATOR, ("#config = { folder = \"\" }", "config = { folder = \"in\" }")]));
    program.run(&["check"]).ends(0).prints("2 systems, 0 flows, nothing to object to");
    assert_eq!(program.run(&["run"]).code, Some(2), "there is nothing to run");
    program.run(&discover).ends(2).says("HUB-E009").says("--force");
    assert!(program.read("manifest.toml").contains("Muster GmbH"), "what was decided is still there");
    program.run(&[&discover[..], &["--force"]].concat()).ends(0);
    assert_eq!(program.read("manifest.toml"), draft);
    assert_eq!(program.run(&discover[..5]).ends(0).stdout, draft, "without a file it is printed");
    assert!(!program.has("hub-data"), "nothing was run");
}

/// A folder with a low-code manifest, its configuration, and a draft of both ends.
fn drafted() -> Program {
    let program = Program::new();
    program.write("acme/manifest.yaml", SOURCE);
    program.write("acme/config.json", json!({ "base_url": "https://acme.example", "api_key": SECRET }).to_string());
    program
        .write("acme/contacts.ndjson", "{\"reach\":\"+49 30 123456\",\"qqq\":\"Erika\"}\n{\"reach\":\"+49 30 654321\",\"other\":\"x\"}\n");
    program.write("new/.keep", "");
    let connectors =
        ["discover", "acme/manifest.yaml", "builtin:file", "--name", "acme", "--name", "archive", "--config", "acme/config.json"];
    program.run(&[&connectors[..], &["--sample", "acme/contacts.ndjson", "--out", "new/manifest.toml"]].concat()).ends(0);
    program
}

#[test]
fn answers_make_a_draft_a_manifest() {
    let program = drafted();
    let draft = program.read("new/manifest.toml");
    assert!(
        draft.contains("connector = \"../acme/manifest.yaml\"") && draft.contains("config = { base_url = \"https://acme.example\" }"),
        "{draft}"
    );
    assert!(
        draft.contains("#reach = \"user.contact.phone_number\"   # high: 2 of 2 sampled values look like telephone numbers"),
        "{draft}"
    );
    assert!(draft.contains("#qqq = \"\"   # nothing can be guessed"), "{draft}");
    assert!(!draft.contains(SECRET) && !draft.contains("Erika") && !draft.contains("123456"), "{draft}");
    let flow = "#[flow.first]\n#from = \"acme.contacts\"\n#to = \"archive.contacts\"\n#purpose = \"first\"\n#retention = [\"first\"]\n#fields = [\"\"]";
    let decided = answered(
        &draft,
        &[
            OPERATOR,
            ("#secrets = { api_key = { file = \"\" } }", "secrets = { api_key = { file = \"key\" } }"),
            (flow, &flow.replace('#', "").replace("[\"\"]", "[\"id\", \"email\"]")),
            (
                "#[purpose.first]\n#use = \"\"\n#basis = { art6 = \"\" }\n#allows = [\"\"]",
                "[purpose.first]\nuse = \"essential.service\"\nbasis = { art6 = \"b\", contract = \"support\" }\nallows = [\"user\"]",
            ),
            ("#[retention.first]\n#kind = \"\"\n#period = \"\"", "[retention.first]\nkind = \"limit\"\nperiod = \"P3Y\""),
        ],
    );
    program.write("new/manifest.toml", &decided);
    let open = codes(&program);
    assert!(["HUB-E006", "HUB-E102", "HUB-E105"].iter().all(|code| open.contains(&(*code).to_owned())), "{open:?}");
    let decided = answered(
        &decided,
        &[
            ("status = \"requested\"", "status = \"approved\""),
            ("#hosts = [\"https://acme.example\"]", "hosts = [\"https://acme.example\"]"),
            ("#role = \"\"", "role = \"own\""),
            ("#hosting = { country = \"\" }", "hosting = { country = \"DE\" }"),
            ("#collected_for = [\"\"]", "collected_for = [\"first\"]"),
            ("#dsr = { erase = \"\", procedure = \"\" }", "dsr = { erase = \"manual\", procedure = \"P-1\" }"),
            ("#subjects = [\"customer\"]", "subjects = [\"customer\"]"),
            ("#retention = [\"\"]", "retention = [\"first\"]"),
            (
                "#identity = { number = { field = \"id\", strength = \"\" }, email",
                "identity = { number = { field = \"id\", strength = \"strong\" }, email",
            ),
            ("field = \"email\", strength = \"\"", "field = \"email\", strength = \"medium\""),
            ("#id = ", "id = "),
            ("#email = ", "email = "),
            ("config = { folder = \"\" }", "config = { folder = \"out\" }"),
            ("#config = ", "config = "),
            ("#folders = { files = { path = \"\", access = \"\" } }", "folders = { out = { path = \"out\", access = \"write\" } }"),
        ],
    );
    program.write("new/manifest.toml", &decided);
    assert_eq!(codes(&program), Vec::<String>::new(), "{decided}");
    program.run(&["check", "new/manifest.toml"]).ends(0).prints("2 systems, 1 flow");
}

fn codes(program: &Program) -> Vec<String> {
    let found = program.run(&["check", "new/manifest.toml", "--output", "json"]).json();
    found["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_drafted_is_a_document_too() {
    let program = drafted();
    let discover = ["discover", "acme/manifest.yaml", "builtin:sample", "builtin:sample", "--output", "json"];
    let document = program.run(&discover).ends(0).json();
    let ids: Vec<&str> = document["systems"].as_array().unwrap().iter().filter_map(|system| system["id"].as_str()).collect();
    assert_eq!(ids, ["acme", "sample", "sample-2"]);
    assert_eq!(document["manifest"], Value::Null);
    let contacts = &document["systems"][0]["streams"][0];
    assert_eq!(contacts["without_suggestion"], json!(["qqq", "reach"]));
    let email = contacts["suggested"].as_array().unwrap().iter().find(|field| field["path"] == "email").unwrap();
    assert_eq!(
        (&email["category"], &email["confidence"], &email["reason"]),
        (&json!("user.contact.email"), &json!("high"), &json!("name `email`"))
    );
    assert!(document["systems"][1]["streams"][0]["labelled"]["email"] == "user.contact.email", "{document:#}");
    assert!(document["systems"][0]["open"].as_array().unwrap().iter().any(|open| open["key"] == "role"));
}

#[test]
fn a_call_that_cannot_be_meant_is_refused_with_the_remedy() {
    let program = drafted();
    program.write("contcts.ndjson", "{\"a\":1}\n");
    let refused: [(&[&str], &str); 7] = [
        (&["builtin:nothing"], "HUB-E007"),
        (&["builtin:sample", "--name", "Crm"], "lower-case"),
        (&["builtin:sample", "--name", "a", "--name", "b"], "2 names for 1 connectors"),
        (&["builtin:sample", "builtin:file", "--name", "a", "--name", "a"], "cannot both be"),
        (&["builtin:sample", "--sample", "contcts.ndjson"], "did you mean `contacts`?"),
        (&["builtin:sample", "builtin:sample", "--sample", "contacts=contcts.ndjson"], "SYSTEM.STREAM=FILE"),
        (&["builtin:sample", "--config", "acme/config.json"], "low-code"),
    ];
    for (arguments, told) in refused {
        let outcome = program.run(&[&["discover"], arguments].concat());
        assert!(outcome.code == Some(2) && outcome.stderr.contains(told), "{arguments:?}: {told}\n{}", outcome.stderr);
    }
    let chosen = ["discover", "builtin:sample", "builtin:sample", "--sample", "sample-2.contacts=contcts.ndjson"];
    program.run(&chosen).ends(0);
}
