//! Secrets of every kind of authenticator arrive where they belong and nowhere else: not in a guest's memory, a log, an error, the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::memory;
use super::source::{Source, manifest};
use crate::support::program::Program;
use crate::support::server::{Answer, Request, Server};

const KEY: &str = "planted-key-4f81c2";
const PASSWORD: &str = "planted-password-77d0";
const TOKEN: &str = "planted-session-token-9b3e";
const REFRESH: &str = "planted-refresh-token-1c55";
/// No secret: the guest knows it, which shows that the search finds what is there.
const KNOWN: &str = "known-to-the-guest-3141";

/// A kind of authenticator.
struct Kind {
    name: &'static str,
    /// Lines of the requester.
    requester: &'static str,
    /// True if the request brings what it should.
    right: fn(&Request) -> bool,
}

const fn kind(name: &'static str, requester: &'static str, right: fn(&Request) -> bool) -> Kind {
    Kind { name, requester, right }
}

fn bearer(request: &Request, token: &str) -> bool {
    request.header("authorization") == Some(&format!("Bearer {token}"))
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

const KINDS: &[Kind] = &[
    kind(
        "key-in-header",
        "        authenticator:
          type: ApiKeyAuthenticator
          api_token: \"{{ config['key'] }}\"
          inject_into: { type: RequestOption, inject_into: header, field_name: X-Key }
",
        |request| request.header("x-key") == Some(KEY),
    ),
    kind(
        "key-in-query",
        "        authenticator:
          type: ApiKeyAuthenticator
          api_token: \"{{ config['key'] }}\"
          inject_into: { type: RequestOption, inject_into: request_parameter, field_name: key }
",
        |request| request.query("key") == Some(KEY),
    ),
    kind(
        "key-in-body",
        "        http_method: POST
        request_body_json: { other: 1 }
        authenticator:
          type: ApiKeyAuthenticator
          api_token: \"{{ config['key'] }}\"
          inject_into: { type: RequestOption, inject_into: body_json, field_name: key }
",
        |request| body(request) == json!({ "other": 1, "key": KEY }),
    ),
    kind("bearer", "        authenticator: { type: BearerAuthenticator, api_token: \"{{ config['key'] }}\" }\n", |request| {
        bearer(request, KEY)
    }),
    kind(
        "basic",
        "        authenticator: { type: BasicHttpAuthenticator, username: \"{{ config['key'] }}\", password: \"{{ config['password'] }}\" }\n",
        |request| request.header("authorization") == Some(&format!("Basic {}", BASE64.encode(format!("{KEY}:{PASSWORD}").as_bytes()))),
    ),
    kind(
        "oauth",
        "        authenticator:
          type: OAuthAuthenticator
          token_refresh_endpoint: \"{{ config['base_url'] }}/oauth\"
          client_id: \"{{ config['key'] }}\"
          client_secret: \"{{ config['password'] }}\"
          refresh_token: \"{{ config['refresh'] }}\"
",
        |request| bearer(request, TOKEN),
    ),
    kind(
        "session-as-bearer",
        "        authenticator:
          type: SessionTokenAuthenticator
          login_requester:
            type: HttpRequester
            url_base: \"{{ config['base_url'] }}\"
            path: /login
            http_method: POST
            request_body_json: { user: \"{{ config['key'] }}\", password: \"{{ config['password'] }}\" }
          session_token_path: [session, token]
          request_authentication: { type: Bearer }
",
        |request| bearer(request, TOKEN),
    ),
    kind(
        "session-as-key",
        "        authenticator:
          type: SessionTokenAuthenticator
          login_requester:
            type: HttpRequester
            url_base: \"{{ config['base_url'] }}\"
            path: /login
            http_method: POST
            authenticator: { type: BasicHttpAuthenticator, username: \"{{ config['key'] }}\", password: \"{{ config['password'] }}\" }
          session_token_path: [session, token]
          expiration_duration: PT1H
          request_authentication:
            type: ApiKey
            inject_into: { type: RequestOption, inject_into: header, field_name: X-Session }
",
        |request| request.header("x-session") == Some(TOKEN),
    ),
    kind(
        "legacy-session",
        "        authenticator:
          type: LegacySessionTokenAuthenticator
          header: X-Session
          username: \"{{ config['key'] }}\"
          password: \"{{ config['password'] }}\"
          login_url: /login
          session_token_response_key: id
          validate_session_url: /validate
",
        |request| request.header("x-session") == Some(TOKEN),
    ),
    kind(
        "signed",
        "        authenticator:
          type: JwtAuthenticator
          secret_key: \"{{ config['key'] }}\"
          algorithm: HS256
          header_prefix: Bearer
          token_duration: 1200
          additional_jwt_payload: { tenant: somebody }
",
        |request| request.header("authorization").is_some_and(|value| value.starts_with("Bearer eyJ") && value.matches('.').count() == 2),
    ),
    kind(
        "selected",
        "        authenticator:
          type: SelectiveAuthenticator
          authenticator_selection_path: [how]
          authenticators:
            by_key: { type: BearerAuthenticator, api_token: \"{{ config['key'] }}\" }
            none: { type: NoAuth }
",
        |request| bearer(request, KEY),
    ),
    kind(
        "in-a-parameter",
        "        request_parameters: { key: \"{{ config['key'] }}\", both: \"a-{{ config['password'] }}\" }\n",
        |request| request.query("key") == Some(KEY) && request.query("both") == Some(&format!("a-{PASSWORD}")),
    ),
    kind(
        "made-of-two",
        "        request_headers: { X-Pair: \"{{ (config['key'] ~ ':' ~ config['password']) | base64encode }}\" }\n",
        |request| request.header("x-pair") == Some(&BASE64.encode(format!("{KEY}:{PASSWORD}").as_bytes())),
    ),
];

const PROPERTIES: &str = "      key: { type: string, airbyte_secret: true }
      password: { type: string, airbyte_secret: true }
      refresh: { type: string, airbyte_secret: true }
      how: { type: string }
";
/// The records enter the sandbox: the strictest test of what else is there.
const FILTER: &str = "        record_filter: { type: RecordFilter, condition: \"{{ record['id'] > 0 }}\" }\n";

/// Serves logins at once; the second page waits until it is let go.
fn server(right: fn(&Request) -> bool, waiting: &Arc<AtomicBool>, go: &Arc<AtomicBool>) -> Server {
    let (waiting, go) = (waiting.clone(), go.clone());
    Server::start(move |request, _| match request.path() {
        "/oauth" => Answer::json(&json!({ "access_token": TOKEN, "expires_in": 3600 })),
        "/login" => Answer::json(&json!({ "id": TOKEN, "session": { "token": TOKEN } })),
        "/validate" => Answer::json(&json!({ "ok": true })),
        _ if !right(request) => Answer::new(401),
        _ if request.query("page") == Some("1") => {
            Answer::json(&json!({ "items": [{ "id": 1, "name": "Ada" }, { "id": 2, "name": "Alan" }] }))
        }
        _ => {
            waiting.store(true, Ordering::Relaxed);
            until(|| go.load(Ordering::Relaxed), "let go");
            // A remote that repeats what it was sent.
            let sent: Vec<_> = request.headers.iter().map(|(_, value)| value.clone()).chain([request.target.clone()]).collect();
            Answer::json(&json!({ "items": [{ "id": 3, "name": "Grace" }], "debug": sent, "body": String::from_utf8_lossy(&request.body) }))
        }
    })
}

fn until(mut done: impl FnMut() -> bool, what: &str) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(120), "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn secrets_of_every_kind_of_authenticator_stay_outside_of_the_sandbox() {
    // One folder for all: the component is compiled once.
    let program = Program::new();
    for kind in KINDS {
        for open in [false, true] {
            keeps(&program, kind, open);
        }
    }
}

fn keeps(program: &Program, kind: &Kind, open: bool) {
    let (waiting, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let server = server(kind.right, &waiting, &go);
    let selector = if open { FILTER } else { "" }.to_owned();
    let source = Source { requester: kind.requester.to_owned(), selector, properties: PROPERTIES.to_owned(), ..Source::default() };
    let config = format!(", how = \"by_key\", known = \"{KNOWN}\"");
    let secrets = "secrets = { key = { file = \"key\" }, password = { file = \"password\" }, refresh = { file = \"refresh\" } }";
    program.write("manifest.toml", manifest(&server.origin(), &config, secrets));
    let _ = std::fs::remove_dir_all(program.path("out"));
    std::fs::create_dir_all(program.path("out")).unwrap();
    program.write("source.yaml", source.yaml());
    for (name, secret) in [("key", KEY), ("password", PASSWORD), ("refresh", REFRESH)] {
        program.write(name, secret);
    }
    program.run(&["plugin", "accept", "api"]).ends(0);
    let mut running = program.start(&["run", "-vv"]);
    until(|| waiting.load(Ordering::Relaxed) || running.has_ended(), "the second page is asked for");
    let guests = if waiting.load(Ordering::Relaxed) { memory::of_guests(running.id()) } else { Vec::new() };
    go.store(true, Ordering::Relaxed);
    let outcome = running.wait().ends(0);
    assert_eq!(program.records("out/items.ndjson").len(), 3, "{}", kind.name);
    assert!(memory::holds(&guests, KNOWN), "{}: the search does not find what is there", kind.name);
    for secret in [KEY, PASSWORD, TOKEN, REFRESH] {
        assert!(!memory::holds(&guests, secret), "{} (open: {open}): a guest's memory holds {secret}", kind.name);
        assert!(!outcome.printed().contains(secret), "{}: {}", kind.name, outcome.printed());
        crate::roundup::holds_nowhere(&program.path("hub-data"), secret);
    }
}
