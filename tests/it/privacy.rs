//! Planted values: what a flow does not let through is found nowhere afterwards, neither in the store's raw files nor in anything printed.

use std::fs;
use std::path::Path;

use crate::support::program::{Outcome, Program};
use crate::support::story::{ARCHIVE, DESK, HEAD, PURPOSE, flow};

/// Values of one person, each recognisable.
const NAME: &str = "Zephyrine Quandt-Planted";
const EMAIL: &str = "zephyrine.planted@mail.example";
const IBAN: &str = "DE02120300000000202051";
const UNDECLARED: &str = "planted-gold-card-4711";
const WRONG: &str = "planted-no-number-at-all";
const BROKEN: &str = "planted-in-a-torn-line";
const FILE_KEY: &str = "planted-key-of-the-first-domain";
const ENV_KEY: &str = "planted-key-of-the-second-domain";
const NOTE: &str = "planted-note-that-may-pass";

/// What may be found nowhere but in the operator's own input.
const HIDDEN: [&str; 8] = [NAME, EMAIL, IBAN, UNDECLARED, WRONG, BROKEN, FILE_KEY, ENV_KEY];

const STREAMS: &str = r#"
[stream.desk.people]
subjects = ["customer"]
retention = ["customer"]
schema = "people.schema.json"
[stream.desk.torn]
subjects = ["customer"]
retention = ["customer"]
schema = "people.schema.json"
[pseudonym.first]
key = { file = "secrets/first.key" }
[pseudonym.second]
key = { env = "HUB_TEST_KEY" }
"#;

const TREATED: &str = r#"on_invalid = "skip"
[flow.treated.fields]
id = "allow"
note = "allow"
name = { action = "mask", first = 1, last = 0 }
email = { action = "pseudonymise", domain = "first" }
iban = { action = "pseudonymise", domain = "second" }
"#;

fn planted() -> Program {
    let flows = flow("treated", "desk.people", "archive.people", TREATED)
        + &flow("strict", "desk.people", "archive.strict", "fields = [\"id\"]\non_undeclared = \"stop\"")
        + &flow("exact", "desk.torn", "archive.exact", "fields = [\"id\", \"name\"]");
    let mut program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, DESK, STREAMS, &flows].concat());
    program.set("HUB_TEST_KEY", ENV_KEY);
    program.write("secrets/first.key", FILE_KEY);
    program.write("people.schema.json", SCHEMA);
    let good = format!(
        "{{\"id\":1,\"name\":\"{NAME}\",\"email\":\"{EMAIL}\",\"iban\":\"{IBAN}\",\"note\":\"{NOTE}\",\"card\":\"{UNDECLARED}\"}}\n"
    );
    let wrong = format!("{{\"id\":\"{WRONG}\",\"name\":\"{NAME}\"}}\n");
    let broken = format!("{{\"id\":3,\"name\":\"{BROKEN}\n");
    program.write("in/people.ndjson", [good.as_str(), &wrong, &broken].concat());
    program.write("in/torn.ndjson", [wrong, broken].concat());
    program
}

const SCHEMA: &str = r#"{ "type": "object", "properties": {
  "id": { "type": "integer", "x-hub-category": "user.unique_id" },
  "name": { "type": "string", "x-hub-category": "user.name" },
  "email": { "type": "string", "x-hub-category": "user.contact.email" },
  "iban": { "type": "string", "x-hub-category": "user.financial.bank_account" },
  "note": { "type": "string", "x-hub-category": "user.content.private" } } }"#;

#[test]
fn planted_values_are_found_nowhere_but_where_they_may_go() {
    let program = planted();
    let mut printed = Vec::new();
    let mut run = |arguments: &[&str], code: i32| printed.push(program.run(arguments).ends(code));
    run(&["check"], 0);
    run(&["run", "-vv", "--flow", "treated"], 0);
    run(&["run", "-vv", "--flow", "strict"], 3);
    run(&["run", "-vv", "--flow", "exact"], 1);
    run(&["run", "--output", "json"], 5);
    run(&["run", "--dry-run", "-vv"], 5);
    for output in ["human", "json"] {
        run(&["status", "--output", output], 0);
        run(&["audit", "show", "--from", "0", "--last", "100000", "--output", output], 0);
        run(&["audit", "verify", "--output", output], 0);
    }
    for outcome in &printed {
        nowhere(outcome, &HIDDEN);
        nowhere(outcome, &[NOTE]);
    }
    nowhere_below(&program.path("hub-data"), &[&HIDDEN[..], &[NOTE]].concat());
    nowhere_below(&program.path("out"), &HIDDEN);
    let arrived = program.records("out/people.ndjson");
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0]["note"], NOTE, "what the flow allows has arrived");
    assert_eq!(arrived[0]["name"].as_str().unwrap().chars().next(), Some('Z'));
    assert!(!program.has("out/strict.ndjson") && !program.has("out/exact.ndjson"));
}

#[test]
fn a_killed_run_leaves_no_values_behind_in_the_store() {
    let program = planted();
    let line = format!("{{\"id\":1,\"name\":\"{NAME}\",\"email\":\"{EMAIL}\",\"iban\":\"{IBAN}\",\"card\":\"{UNDECLARED}\"}}\n");
    program.write("in/people.ndjson", line.repeat(200_000));
    let mut running = program.start(&["run", "-vv", "--flow", "treated"]);
    let out = program.path("out");
    running.until("something is written", |_| {
        fs::read_dir(&out)
            .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.metadata().is_ok_and(|meta| meta.len() > 0))))
    });
    nowhere(&running.kill(), &HIDDEN);
    nowhere_below(&program.path("hub-data"), &HIDDEN);
    nowhere_below(&program.path("out"), &HIDDEN);
}

#[test]
fn what_a_connector_says_and_what_a_checkpoint_holds_is_not_shown() {
    // A folder that is missing, a file that is missing, a delimiter that cannot be: the connector's own words, without values.
    let program = planted();
    fs::remove_file(program.path("in/people.ndjson")).unwrap();
    nowhere(&program.run(&["run", "-vv", "--flow", "treated"]).ends(1).says("HUB-E307"), &HIDDEN);
    fs::remove_dir_all(program.path("in")).unwrap();
    let outcome = program.run(&["run", "-vv", "--flow", "treated"]);
    assert_ne!(outcome.code, Some(0), "{}", outcome.printed());
    nowhere(&outcome, &HIDDEN);
}

#[test]
fn the_store_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let program = planted();
    program.run(&["run", "--flow", "treated"]).ends(0);
    let mode = fs::metadata(program.path("hub-data/store")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

/// None of these stands in what was printed, in no spelling that would give it away.
fn nowhere(outcome: &Outcome, values: &[&str]) {
    for value in values {
        for spelling in spellings(value) {
            assert!(
                !contains(outcome.printed().as_bytes(), &spelling),
                "`{}` has printed `{value}`\n{}",
                outcome.command,
                outcome.printed()
            );
        }
    }
}

/// None of these stands in the raw bytes or the name of any file below a folder.
fn nowhere_below(folder: &Path, values: &[&str]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nowhere_below(&path, values);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for value in values {
            for spelling in spellings(value) {
                assert!(!contains(&bytes, &spelling), "{} holds `{value}`", path.display());
                assert!(!contains(path.as_os_str().as_encoded_bytes(), &spelling));
            }
        }
    }
}

/// As it is, as hex, and as base64 at each of the three places where it can begin, without the characters that depend on its neighbours.
fn spellings(value: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![value.as_bytes().to_vec(), value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()];
    for shift in 0..3 {
        let coded = base64(&[&[0; 2][..shift], value.as_bytes()].concat());
        spellings.push(coded.as_bytes()[shift * 2..coded.len() / 4 * 4 - 4].to_vec());
    }
    spellings
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*three.get(at).unwrap_or(&0)));
        text.extend([18, 12, 6, 0].map(|shift| char::from(LETTERS[bits >> shift & 63])));
    }
    text
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return false };
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[test]
fn spellings_are_found() {
    let value = "planted";
    for coded in ["x cGxhbnRlZA==", "eHBsYW50ZWQ=", "eHhwbGFudGVk", "706c616e746564"] {
        assert!(spellings(value).iter().any(|spelling| contains(coded.as_bytes(), spelling)), "{coded}");
    }
    assert!(!spellings(value).iter().any(|spelling| contains(b"implanting", spelling)));
}

/// An age identity, and the public key that belongs to it.
const IDENTITY: &str = "AGE-SECRET-KEY-1PZT8H2AGDAVTYQGJZQQJUKTDDHQJ9G5FZK39LUW3ZKJJWU2CVVZQ3523P9";
const RECIPIENT: [u8; 32] = [
    122, 181, 100, 166, 194, 174, 160, 123, 123, 65, 121, 120, 172, 88, 55, 96, 202, 254, 149, 67, 162, 157, 195, 214, 82, 60, 164, 234,
    154, 58, 112, 25,
];

/// The key store as any tool for age would write it.
fn key_store(keys: &str) -> Vec<u8> {
    let sealer = hub_core::treat::Sealer::new(RECIPIENT, &hub_core::treat::Seed::new([7; 32]).unwrap()).unwrap();
    let mut quoted = Vec::new();
    hub_core::treat::Treatment::Encrypt(sealer).apply(keys, Some(keys), &mut quoted).unwrap();
    data_encoding::BASE64.decode(&quoted[1..quoted.len() - 1]).unwrap()
}

#[test]
fn keys_of_pseudonyms_can_stand_in_an_encrypted_key_store() {
    let mut program = planted();
    let manifest = program.read("manifest.toml").replace("{ file = \"secrets/first.key\" }", "\"kms:hub/first\"");
    program.write("manifest.toml", &manifest);
    program.run(&["run", "--flow", "treated"]).ends(1).says("HUB-E214").says("hub-keys.age");
    program.write("hub-keys.age", key_store(&format!("{{\"hub/first\":\"{FILE_KEY}\"}}")));
    program.run(&["run", "--flow", "treated"]).ends(1).says("HUB_AGE_IDENTITY");
    program.write("identity.txt", format!("# created: today\n{IDENTITY}\n"));
    program.set("HUB_AGE_IDENTITY_FILE", program.path("identity.txt").display().to_string());
    let run = program.run(&["run", "--flow", "treated"]).ends(0);
    assert!(!run.stderr.contains(FILE_KEY));
    let with_store = program.records("out/people.ndjson")[0]["email"].clone();
    // The same key from a file makes the same token.
    program.write("manifest.toml", manifest.replace("\"kms:hub/first\"", "{ file = \"secrets/first.key\" }"));
    program.run(&["run", "--flow", "treated"]).ends(0);
    assert_eq!(program.records("out/people.ndjson")[0]["email"], with_store);
    program.write("manifest.toml", manifest.replace("kms:hub/first", "kms:hub/other"));
    program.run(&["run", "--flow", "treated"]).ends(1).says("holds no key `hub/other`");
}
