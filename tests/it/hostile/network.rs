//! Attacks on the network: where a request goes, what it carries, what comes back and what is done with it. The `victim` is granted to nobody.

use super::attack::{Attack, Guest, Origins, ensure};
use super::scene::{self, End, Scene};
use crate::support::server::{Answer, Piece, Request};

const GRANT: &str = "hosts = [\"{server}\"]";
const BODIES: &str = "hosts = [\"{server}\"]\ngrants = [\"read-body\"]";
const TOKEN: &str = "hosts = [\"{server}\"]\ncredentials.token = { scheme = \"bearer\", value = { file = \"secret.txt\" } }";
const TOKEN_AND_BODIES: &str =
    "hosts = [\"{server}\"]\ngrants = [\"read-body\"]\ncredentials.token = { scheme = \"bearer\", value = { file = \"secret.txt\" } }";
const TOKEN_ELSEWHERE: &str = "hosts = [\"{server}\", \"https://api.example\"]\ncredentials.token = { scheme = \"bearer\", value = { file = \"secret.txt\" }, origins = [\"https://api.example\"] }";
const TWO_SERVERS: &str = "hosts = [\"{server}\", \"http://localhost:{server-port}\"]\ncredentials.token = { scheme = \"bearer\", value = { file = \"secret.txt\" }, origins = [\"{server}\"] }";

/// A request that must be refused before anything leaves.
const fn refused(name: &'static str, config: &'static str, code: &'static str, exit: i32) -> Attack {
    Attack::refused(name, "http", Guest::Network, code, exit).does("fetch").config(config).system(GRANT).after(nothing_was_sent)
}

/// Something about an answer.
const fn answered(name: &'static str, does: &'static str, config: &'static str, answer: fn(&Request, &Origins) -> Answer) -> Attack {
    Attack::contained(name, "http", Guest::Network).does(does).config(config).system(GRANT).answered(answer)
}

const fn under(attack: Attack, code: &'static str, exit: i32) -> Attack {
    Attack { code: Some(code), exit, ..attack }
}

const fn of_pages(attack: Attack) -> Attack {
    Attack { on: "pages", ..attack }
}

const AT_SERVER: &str = ", url = \"{server}/\"";

pub const ALL: &[Attack] = &[
    refused("host-not-granted", ", url = \"https://evil.example/\"", "HUB-E204", 3),
    refused("other-port", ", url = \"https://127.0.0.1:{victim-port}/\"", "HUB-E204", 3),
    refused("other-port-plain", ", url = \"{victim}/\"", "HUB-E401", 3),
    refused("plain-http", ", url = \"http://example.org/\"", "HUB-E401", 3),
    refused("other-scheme", ", url = \"file:///etc/passwd\"", "HUB-E204", 3),
    refused("metadata-service", ", url = \"http://169.254.169.254/latest/meta-data/\"", "HUB-E401", 3),
    refused("decimal-address", ", url = \"https://2130706433:{victim-port}/\"", "HUB-E204", 3),
    refused("octal-address", ", url = \"https://0177.0.0.1:{victim-port}/\"", "HUB-E204", 3),
    refused("hexadecimal-address", ", url = \"https://0x7f000001:{victim-port}/\"", "HUB-E204", 3),
    refused("short-address", ", url = \"https://127.1:{victim-port}/\"", "HUB-E204", 3),
    refused("mapped-address", ", url = \"https://[::ffff:127.0.0.1]:{victim-port}/\"", "HUB-E204", 3),
    refused("wide-digits", ", url = \"https://１２７.0.0.1:{victim-port}/\"", "HUB-E204", 3),
    refused("name-with-dot", ", url = \"https://localhost.:{victim-port}/\"", "HUB-E204", 3),
    refused("user-name", ", url = \"http://user@127.0.0.1:{server-port}/\"", "HUB-E204", 3),
    refused("host-as-user-name", ", url = \"https://127.0.0.1:{server-port}@evil.example/\"", "HUB-E204", 3),
    refused("backslash-host", ", url = \"https://evil.example\\\\@127.0.0.1:{server-port}/\"", "HUB-E204", 3),
    refused("header-host", ", url = \"{server}/\", headers = [[\"Host\", \"evil.example\"]]", "HUB-E204", 3),
    refused("header-length", ", url = \"{server}/\", headers = [[\"Content-Length\", \"1000\"]]", "HUB-E204", 3),
    refused("header-encoding", ", url = \"{server}/\", headers = [[\"Transfer-Encoding\", \"chunked\"]]", "HUB-E204", 3),
    refused("header-proxy", ", url = \"{server}/\", headers = [[\"Proxy-Connection\", \"keep-alive\"]]", "HUB-E204", 3),
    refused("header-login", ", url = \"{server}/\", headers = [[\"AUTHORIZATION\", \"Bearer x\"]]", "HUB-E309", 3),
    refused("header-proxy-login", ", url = \"{server}/\", headers = [[\"Proxy-Authorization\", \"Basic x\"]]", "HUB-E309", 3),
    refused("header-cookie", ", url = \"{server}/\", headers = [[\"Cookie\", \"session=1\"]]", "HUB-E309", 3),
    refused("header-line-break", ", url = \"{server}/\", headers = [[\"x\", \"a\\r\\nauthorization: Bearer x\"]]", "HUB-E307", 1),
    refused("header-name-line-break", ", url = \"{server}/\", headers = [[\"x\\r\\nhost\", \"evil.example\"]]", "HUB-E307", 1),
    refused("many-requests", ", url = \"{server}/\"", "HUB-E306", 3).does("fetch-many"),
    refused("oversized-body", ", url = \"{server}/\", body_bytes = 4194305", "HUB-E306", 3),
    refused("credential-not-declared", ", url = \"{server}/\", credential = \"token\"", "HUB-E309", 3),
    refused("credential-elsewhere", ", url = \"{server}/\", credential = \"token\"", "HUB-E309", 3).system(TOKEN_ELSEWHERE),
    refused("denied-and-on", ", url = \"https://evil.example/\"", "HUB-E204", 3).does("ignores-denial"),
    refused("oversized-url", AT_SERVER, "HUB-E306", 3)
        .before(|scene| rewrite(scene, "oversized-url", "/\"", &format!("/{}\"", "u".repeat(10 << 10)))),
    refused("oversized-headers", ", url = \"{server}/\", headers = [[\"x\", \"LONG\"]]", "HUB-E306", 3)
        .before(|scene| rewrite(scene, "oversized-headers", "LONG", &"h".repeat(17 << 10))),
    under(
        answered("redirect-to-victim", "fetch", AT_SERVER, |_, origins| Answer::redirect(302, &format!("{}/", origins.victim))),
        "HUB-E401",
        3,
    ),
    under(answered("redirect-to-private", "fetch", AT_SERVER, |_, _| Answer::redirect(302, "https://10.0.0.1/")), "HUB-E204", 3),
    under(answered("redirect-to-metadata", "fetch", AT_SERVER, |_, _| Answer::redirect(307, "https://169.254.169.254/")), "HUB-E204", 3),
    under(
        answered("redirect-with-user", "fetch", AT_SERVER, |_, origins| Answer::redirect(301, &origins.server.replace("//", "//a:b@"))),
        "HUB-E204",
        3,
    ),
    under(answered("redirect-to-file", "fetch", AT_SERVER, |_, _| Answer::redirect(302, "file:///etc/passwd")), "HUB-E204", 3),
    under(answered("redirect-loop", "fetch", AT_SERVER, |_, _| Answer::redirect(302, "/again")), "HUB-E307", 1)
        .after(|_, end| ensure(end.asked.len() <= 11, || format!("the server was asked {} times", end.asked.len()))),
    answered("redirect-with-credential", "fetch", ", url = \"{server}/\", credential = \"token\"", to_other_origin)
        .system(TWO_SERVERS)
        .after(credential_stays),
    under(
        answered("endless-answer", "fetch", AT_SERVER, |_, _| Answer::new(200).piece(Piece::Repeat(vec![b'x'; 1 << 20], usize::MAX))),
        "HUB-E307",
        1,
    ),
    under(
        answered("endless-chunks", "fetch", AT_SERVER, |_, _| {
            Answer::new(200).piece(Piece::Repeat(vec![b'x'; 1 << 20], usize::MAX)).chunked()
        }),
        "HUB-E307",
        1,
    ),
    under(answered("told-length", "fetch", AT_SERVER, |_, _| Answer::new(200).header("content-length", "99999999999")), "HUB-E307", 1),
    under(answered("header-bomb", "fetch", AT_SERVER, header_bomb), "HUB-E307", 1),
    under(
        answered("endless-header", "fetch", AT_SERVER, |_, _| {
            Answer::raw("HTTP/1.1 200 OK\r\nx: ").piece(Piece::Repeat(vec![b'x'; 1 << 16], 4096))
        }),
        "HUB-E307",
        1,
    ),
    under(answered("torn-answer", "fetch", AT_SERVER, |_, _| Answer::raw("HTTP/1.1 200")), "HUB-E307", 1),
    under(answered("silent-server", "fetch", ", url = \"{server}/\", timeout_ms = 200", |_, _| Answer::silence()), "HUB-E307", 1),
    under(answered("many-started", "starts-many", AT_SERVER, |_, _| Answer::new(200)), "HUB-E306", 3),
    under(answered("kept-responses", "keeps-responses", AT_SERVER, |_, _| Answer::new(200)), "HUB-E302", 1),
    under(answered("body-not-granted", "tells-body", AT_SERVER, people), "HUB-E310", 3),
    under(answered("pointer-into-list", "tells-pointer", ", url = \"{server}/\", pointer = \"/records/0/id\"", people), "HUB-E310", 3),
    under(answered("pointer-around-list", "tells-pointer", ", url = \"{server}/\", pointer = \"\"", people), "HUB-E310", 3),
    under(answered("pointer-too-long", "long-pointer", AT_SERVER, people), "HUB-E306", 3),
    under(answered("deep-body-pointed", "tells-pointer", ", url = \"{server}/\", pointer = \"/0/0/0\"", deep), "HUB-E310", 3),
    under(answered("deep-body-read", "tells-pointer", ", url = \"{server}/\", pointer = \"\"", deep), "HUB-E307", 1).system(BODIES),
    answered("deep-body-counted", "length", ", url = \"{server}/\", pointer = \"\"", deep),
    of_pages(under(answered("deep-page", "page", AT_SERVER, deep), "HUB-E219", 1)),
    of_pages(under(answered("page-is-no-json", "page", AT_SERVER, |_, _| Answer::new(200).bytes("<html>")), "HUB-E219", 1)),
    of_pages(under(answered("page-hides-by-repeating", "page", ", url = \"{server}/\", pointer = \"/records\"", repeated), "HUB-E219", 1)),
    of_pages(under(answered("page-of-other-stream", "page-of-foreign-stream", AT_SERVER, people), "HUB-E218", 3)),
    of_pages(under(
        answered("observed-person", "page-observes", ", url = \"{server}/\", pointer = \"/records\", field = \"email\"", people),
        "HUB-E201",
        3,
    )),
    of_pages(under(
        answered("observed-undeclared", "page-observes", ", url = \"{server}/\", pointer = \"/records\", field = \"ssn\"", people),
        "HUB-E201",
        3,
    )),
    of_pages(under(answered("observed-too-much", "page-observes-much", AT_SERVER, people), "HUB-E306", 3)),
    of_pages(under(
        answered("added-undeclared", "page-adds", ", url = \"{server}/\", pointer = \"/records\", field = \"ssn\", json = \"1\"", people),
        "HUB-E201",
        3,
    )),
    of_pages(under(
        answered("added-broken", "page-adds", ", url = \"{server}/\", pointer = \"/records\", field = \"score\", json = \"1},{\"", people),
        "HUB-E219",
        1,
    )),
    of_pages(under(
        answered(
            "added-container",
            "page-adds",
            ", url = \"{server}/\", pointer = \"/records\", field = \"score\", json = \"[1]\"",
            people,
        ),
        "HUB-E219",
        1,
    )),
    of_pages(under(answered("added-too-much", "page-adds-much", AT_SERVER, people), "HUB-E306", 3)),
    of_pages(under(answered("page-with-undeclared", "page", ", url = \"{server}/\", pointer = \"/people\"", people), "HUB-E201", 0)),
    answered("echo-in-header", "tells-headers", ", url = \"{server}/\", credential = \"token\"", echo).system(TOKEN),
    answered("echo-in-scalar", "tells-pointer", ", url = \"{server}/\", credential = \"token\", pointer = \"/echo\"", echo).system(TOKEN),
    answered("echo-in-body", "tells-body", ", url = \"{server}/\", credential = \"token\"", echo).system(TOKEN_AND_BODIES),
    of_pages(answered("echo-in-page", "page", ", url = \"{server}/\", credential = \"token\", pointer = \"/records\"", echo).system(TOKEN)),
    under(
        answered("echo-in-error", "fails-with-header", ", url = \"{server}/\", credential = \"token\"", echo).system(TOKEN),
        "HUB-E307",
        1,
    ),
];

fn nothing_was_sent(_: &Scene, end: &End) -> Result<(), String> {
    ensure(end.asked.is_empty(), || format!("the server was asked {:?}", end.asked))
}

/// A person, a list, and a field that nobody declared.
fn people(_: &Request, origins: &Origins) -> Answer {
    let person = serde_json::json!({ "id": "a", "email": origins.canary, "score": 1 });
    Answer::json(&serde_json::json!({ "records": [person], "people": [{ "id": "a", "ssn": origins.canary }] }))
}

fn repeated(_: &Request, origins: &Origins) -> Answer {
    let canary = &origins.canary;
    Answer::new(200).bytes(format!("{{\"records\":[{{\"id\":\"a\"}}],\"records\":[{{\"id\":\"{canary}\"}}]}}"))
}

fn deep(_: &Request, _: &Origins) -> Answer {
    Answer::new(200).bytes("[".repeat(2 << 20) + &"]".repeat(2 << 20))
}

fn header_bomb(_: &Request, _: &Origins) -> Answer {
    (0..50).fold(Answer::new(200), |answer, number| answer.header(&format!("x-{number}"), &"y".repeat(8 << 10)))
}

/// The login goes back as it came, in every place from which a connector could read it. (In a code of its own a server could tell it to anybody.)
fn echo(request: &Request, _: &Origins) -> Answer {
    let login = request.header("authorization").unwrap_or_default();
    let body = format!("{{\"echo\":\"{login}\",\"records\":[{{\"id\":\"a\",\"email\":\"{login}\"}}]}}");
    Answer::new(200).header("x-echo", login).header("set-cookie", login).bytes(body)
}

/// The same server under another name: another origin, also granted, but not bound to the credential.
fn to_other_origin(request: &Request, origins: &Origins) -> Answer {
    match request.header("host") {
        Some(host) if host.starts_with("localhost") => Answer::new(200),
        _ => Answer::redirect(307, &origins.server.replace("127.0.0.1", "localhost")),
    }
}

fn credential_stays(_: &Scene, end: &End) -> Result<(), String> {
    let logins: Vec<bool> = end.asked.iter().map(|request| request.header("authorization").is_some()).collect();
    ensure(logins == [true, false], || format!("the requests carried the credential: {logins:?}"))
}

/// What is too long for a row.
fn rewrite(scene: &Scene, attack: &str, short: &str, long: &str) {
    let file = format!("{attack}.toml");
    let text = scene.program.read(&file);
    assert!(text.contains(short), "{text}");
    scene.program.write(&file, text.replace(short, long));
}

#[test]
fn attacks_on_the_network() {
    scene::perform(ALL);
}
