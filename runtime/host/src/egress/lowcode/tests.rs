//! Credentials of low-code systems over real sockets: what goes out, what must not come back, how often a token is got.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hub_core::problem::Code;
use hub_lowcode::load::Manifest;
use hub_lowcode::value::Value;
use hub_lowcode::yaml::Node;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::SecretFiles;
use crate::capability::http::{Fetch, FetchError, fetch};
use crate::capability::run::Run;
use crate::egress::tests::{Server, get, moved, ok, refusal, serve};
use crate::egress::{Credentials, Egress, Lookup, Method, SystemLookup};
use crate::tests::{Still, World, world_of};

const PLACE: &str = "streams.0.retriever.requester.authenticator";
const NOW: u64 = 1_767_225_600_000_000;

/// A system whose requester has this authenticator.
struct Scene {
    world: World,
    run: Arc<Run>,
    clock: Arc<Still>,
}

fn scene(folder: &Path, origins: &[String], more: &str, authenticator: &serde_json::Value, config: &serde_json::Value) -> Scene {
    let world = world_of(folder, "manifest.yaml", &format!("hosts = {origins:?}\n{more}"));
    scene_in(world, Arc::new(SystemLookup), authenticator, config)
}

fn scene_in(world: World, lookup: Arc<dyn Lookup>, authenticator: &serde_json::Value, config: &serde_json::Value) -> Scene {
    let requester = json!({ "type": "HttpRequester", "url_base": "https://unused.example", "authenticator": authenticator });
    let manifest = json!({ "streams": [{ "retriever": { "requester": requester } }] });
    let manifest = Manifest::resolved(Node::from_json(manifest.to_string().as_bytes()).unwrap());
    let secrets = config.as_object().unwrap().iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let placeholders = secrets.map(|(name, secret)| (format!("hub{name}0123456789"), Zeroizing::new(secret.to_owned()))).collect();
    let origins = world.system.hosts.iter().map(|host| host.value.clone()).collect();
    let keeper = Arc::new(SecretFiles::new(&world.sources, &world.system));
    let credentials = Credentials::read(&world.sources, &world.system).unwrap();
    let config = Value::from_json(config.to_string().as_bytes()).unwrap();
    let credentials = credentials.with_lowcode(manifest, config, placeholders, origins, Some(keeper));
    let clock = Arc::new(Still::at(NOW));
    let mut run = world.run();
    run.egress = Egress::new("here".into(), Arc::clone(&world.gate), credentials, lookup, Arc::clone(&clock) as _);
    Scene { world, run: Arc::new(run), clock }
}

fn named(url: String) -> Fetch {
    Fetch { credential: Some(PLACE.to_owned()), ..get(url) }
}

fn token(value: &str) -> String {
    ok(&json!({ "access_token": value, "expires_in": 60 }).to_string())
}

fn oauth(server: &Server) -> serde_json::Value {
    json!({ "type": "OAuthAuthenticator", "client_id": "the-id", "client_secret": "{{ config['secret'] }}", "grant_type": "client_credentials",
        "token_refresh_endpoint": format!("{}/token", server.origin()) })
}

#[tokio::test]
async fn each_kind_puts_its_secret_in_and_nothing_of_it_comes_back() {
    let at = |place: &str| json!({ "type": "RequestOption", "inject_into": place, "field_name": "key" });
    let folder = tempfile::tempdir().unwrap();
    for (authenticator, sent) in [
        (json!({ "type": "BearerAuthenticator", "api_token": "{{ config['secret'] }}" }), "authorization: Bearer s3cret-key\r\n"),
        (json!({ "type": "ApiKeyAuthenticator", "api_token": "{{ config['secret'] }}", "header": "X-Key" }), "x-key: s3cret-key\r\n"),
        (json!({ "type": "ApiKeyAuthenticator", "api_token": "{{ config['secret'] }}", "header": "Cookie" }), "cookie: s3cret-key\r\n"),
        (
            json!({ "type": "ApiKeyAuthenticator", "api_token": "{{ config['secret'] }}", "inject_into": at("request_parameter") }),
            "/a?b=c&key=s3cret-key HTTP",
        ),
        (
            json!({ "type": "ApiKeyAuthenticator", "api_token": "{{ config['secret'] }}", "inject_into": at("body_data") }),
            "\r\n\r\nkey=s3cret-key",
        ),
        (
            json!({ "type": "ApiKeyAuthenticator", "api_token": "{{ config['secret'] }}", "inject_into": at("body_json") }),
            "\r\n\r\n{\"key\":\"s3cret-key\"}",
        ),
        (json!({ "type": "BasicHttpAuthenticator", "username": "{{ config['secret'] }}" }), "authorization: Basic czNjcmV0LWtleTo=\r\n"),
        (
            json!({ "type": "SelectiveAuthenticator", "authenticator_selection_path": ["which"],
                "authenticators": { "b": { "type": "BearerAuthenticator", "api_token": "{{ config['secret'] }}" } } }),
            "authorization: Bearer s3cret-key\r\n",
        ),
    ] {
        let echo = json!({ "you": "s3cret-key", "basic": "czNjcmV0LWtleTo=" }).to_string();
        let server = serve(&[ok(&echo).replace("X-Page: 1", "X-Echo: s3cret-key")]);
        let scene = scene(folder.path(), &[server.origin()], "", &authenticator, &json!({ "secret": "s3cret-key", "which": "b" }));
        let request = Fetch { method: Method::Post, ..named(format!("{}/a?b=c", server.origin())) };
        let response = fetch(&scene.run, request).await.unwrap();
        assert!(server.seen(0).contains(sent), "{authenticator}: {}", server.seen(0));
        assert_eq!(response.pointer(&scene.run, "/you").await.unwrap().unwrap(), "\"**********\"");
        assert_eq!(response.header("x-echo"), Some("**********"));
        assert!(!scene.world.notes.text().contains("s3cret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_got_once_for_all_and_renewed_when_it_is_rejected() {
    let mut answers = vec![token("t0ken-one")];
    answers.extend(vec![ok("{\"you\":\"t0ken-one\"}"); 5]);
    answers.extend([token("t0ken-two"), ok("{}")]);
    let server = serve(&answers);
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(folder.path(), &[server.origin()], "", &oauth(&server), &json!({ "secret": "s3cret-key" }));
    let all = (0..5).map(|number| fetch(&scene.run, named(format!("{}/{number}", server.origin()))));
    let responses = futures::future::join_all(all).await;
    assert!(server.seen(0).ends_with("grant_type=client_credentials&client_id=the-id&client_secret=s3cret-key"), "{}", server.seen(0));
    for (index, response) in responses.iter().enumerate() {
        assert!(server.seen(index + 1).contains("authorization: Bearer t0ken-one\r\n"));
        let response = response.as_ref().unwrap();
        assert_eq!(response.pointer(&scene.run, "/you").await.unwrap().unwrap(), "\"*********\"");
    }
    let first = responses[0].as_ref().unwrap();
    assert!(first.renew(&scene.run).await.unwrap());
    assert!(responses[1].as_ref().unwrap().renew(&scene.run).await.unwrap(), "there is a newer one already");
    fetch(&scene.run, named(server.origin())).await.unwrap();
    assert!(server.seen(6).starts_with("POST /token ") && server.seen(7).contains("authorization: Bearer t0ken-two\r\n"));
    assert_eq!(server.count(), 8);
}

#[tokio::test]
async fn a_login_goes_through_the_gate_and_its_failure_tells_nothing() {
    let elsewhere = serve(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&[]);
    let denied = scene(folder.path(), &[server.origin()], "", &oauth(&elsewhere), &json!({ "secret": "s3cret-key" }));
    let answer = fetch(&denied.run, named(server.origin())).await;
    assert_eq!(refusal(&denied.run, &answer), Code::E401);
    assert_eq!((elsewhere.count(), server.count()), (0, 0));

    let refused = "HTTP/1.1 401 No\r\ncontent-length: 10\r\nconnection: close\r\n\r\ns3cret-key".to_owned();
    let overloaded = "HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    let server = serve(&[overloaded.clone(), overloaded, refused]);
    let scene = scene(folder.path(), &[server.origin()], "", &oauth(&server), &json!({ "secret": "s3cret-key" }));
    let answer = fetch(&scene.run, named(server.origin())).await;
    let Err(FetchError::Credential { config: false, message }) = answer else { panic!("{answer:?}") };
    assert!(message.contains("status 401") && !message.contains("s3cret"), "{message}");
    assert_eq!(scene.clock.sleeps(), [Duration::from_secs(1), Duration::from_secs(2)]);
    assert_eq!(server.count(), 3);
    assert!(scene.run.refusal().is_none(), "the guest decides what becomes of it");
    let unknown = fetch(&scene.run, Fetch { credential: Some("streams.7.authenticator".to_owned()), ..get(server.origin()) }).await;
    assert!(matches!(unknown, Err(FetchError::Malformed(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_session_is_asked_for_as_often_as_the_reference_does() {
    let failing = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    let login = |number: u32| ok(&format!("{{\"token\":\"session-{number}\"}}"));
    let server = serve(&[login(1), login(2), failing, login(3), ok("{}")]);
    let folder = tempfile::tempdir().unwrap();
    let session = json!({ "type": "SessionTokenAuthenticator", "session_token_path": ["token"], "request_authentication": { "type": "Bearer" },
        "login_requester": { "type": "HttpRequester", "url_base": server.origin(), "path": "login", "http_method": "POST",
            "request_body_json": { "password": "{{ config['secret'] }}" } } });
    let scene = scene(folder.path(), &[server.origin()], "", &session, &json!({ "secret": "s3cret-key" }));
    for expected in [500, 200] {
        assert_eq!(fetch(&scene.run, named(format!("{}/x", server.origin()))).await.unwrap().status(), expected);
    }
    assert!(server.seen(0).starts_with("POST /login ") && server.seen(0).ends_with("{\"password\":\"s3cret-key\"}"));
    assert!(
        server.seen(2).contains("authorization: Bearer session-2\r\n") && server.seen(4).contains("authorization: Bearer session-3\r\n")
    );
}

#[tokio::test]
async fn placeholders_give_way_on_granted_origins_only() {
    let server = serve(&[ok("{}"), moved(302, "https://evil.example/?k=hubsecret0123456789")]);
    let folder = tempfile::tempdir().unwrap();
    let none = json!({ "type": "NoAuth" });
    let scene = scene(folder.path(), &[server.origin()], "", &none, &json!({ "secret": "s3cret \"key\"" }));
    let request = Fetch {
        method: Method::Post,
        headers: vec![
            ("Authorization".into(), "Key hubsecret0123456789".into()),
            ("Content-Type".into(), "application/json".into()),
            ("Host".into(), "evil.example".into()),
        ],
        body: Some(b"{\"k\":\"hubsecret0123456789\"}".to_vec()),
        ..named(format!("{}/hubsecret0123456789?k=hubsecret0123456789", server.origin()))
    };
    fetch(&scene.run, request).await.unwrap();
    let seen = server.seen(0);
    assert!(seen.starts_with("POST /s3cret%20%22key%22?k=s3cret%20%22key%22 HTTP"), "{seen}");
    assert!(
        seen.contains("authorization: Key s3cret \"key\"\r\n")
            && !seen.contains("evil")
            && seen.ends_with("{\"k\":\"s3cret \\\"key\\\"\"}"),
        "{seen}"
    );

    let answer = fetch(&scene.run, named(server.origin())).await;
    assert_eq!(refusal(&scene.run, &answer), Code::E204);
    let elsewhere = scene_in(
        world_of(folder.path(), "manifest.yaml", "hosts = [\"https://api.example\"]"),
        Arc::new(SystemLookup),
        &none,
        &json!({ "secret": "s3cret-key" }),
    );
    let answer = fetch(&elsewhere.run, named("https://hubsecret0123456789.evil.example/".to_owned())).await;
    assert_eq!(refusal(&elsewhere.run, &answer), Code::E204);
    assert!(!elsewhere.run.refusal().unwrap().to_string().contains("s3cret"), "a refusal names what was asked for");
}

#[tokio::test]
async fn a_redirect_to_another_origin_leaves_the_credential_behind() {
    let other = serve(&[ok("{}")]);
    let server = serve(&[moved(307, "/here"), moved(302, &format!("{}/there", other.origin()))]);
    let folder = tempfile::tempdir().unwrap();
    let bearer = json!({ "type": "BearerAuthenticator", "api_token": "{{ config['secret'] }}" });
    let scene = scene(folder.path(), &[server.origin(), other.origin()], "", &bearer, &json!({ "secret": "s3cret-key" }));
    fetch(&scene.run, named(server.origin())).await.unwrap();
    assert!(server.seen(1).starts_with("GET /here ") && server.seen(1).contains("authorization: Bearer s3cret-key"));
    assert!(!other.seen(0).contains("authorization"), "{}", other.seen(0));
}

#[tokio::test]
async fn the_successor_of_a_refresh_token_goes_where_the_old_one_was() {
    let answer = ok(&json!({ "access_token": "t0ken-one", "expires_in": 60, "refresh_token": "r3fresh-two" }).to_string());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("refresh"), "r3fresh-one\n").unwrap();
    let config = json!({ "secret": "s3cret-key", "credentials": { "refresh_token": "r3fresh-one" } });
    for (secrets, kept) in [("secrets.credentials.refresh_token = { file = \"refresh\" }", true), ("", false)] {
        let server = serve(&[answer.clone(), ok("{\"you\":\"r3fresh-two\"}")]);
        let mut once = oauth(&server);
        once["refresh_token_updater"] = json!({ "type": "RefreshTokenUpdater" });
        let scene = scene(folder.path(), &[server.origin()], secrets, &once, &config);
        let answer = fetch(&scene.run, named(server.origin())).await;
        if kept {
            let you = answer.unwrap().pointer(&scene.run, "/you").await.unwrap().unwrap();
            assert_eq!(you, "\"***********\"");
            assert_eq!(std::fs::read_to_string(folder.path().join("refresh")).unwrap(), "r3fresh-two\n");
        } else {
            let Err(FetchError::Credential { message, .. }) = answer else { panic!("{answer:?}") };
            assert!(message.contains("credentials.refresh_token") && !message.contains("r3fresh"), "{message}");
        }
    }
}

/// Leads everything to one server, under a path that tells the way.
struct Detour(String);

impl Lookup for Detour {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Err(io::Error::other("no such name")) })
    }

    fn detour(&self, url: &Url) -> Option<Url> {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Url::parse(&format!("{}/__o/{}/{}{}{query}", self.0, url.scheme(), url.host_str()?, url.path())).ok()
    }
}

#[tokio::test]
async fn a_detour_changes_the_way_not_the_judgement() {
    let server = serve(&[token("t0ken-one"), ok("{}")]);
    let folder = tempfile::tempdir().unwrap();
    let mut authenticator = oauth(&server);
    authenticator["token_refresh_endpoint"] = "https://id.vendor.example/token".into();
    let world = world_of(folder.path(), "manifest.yaml", "hosts = [\"https://api.vendor.example\", \"https://id.vendor.example\"]");
    let scene = scene_in(world, Arc::new(Detour(server.origin())), &authenticator, &json!({ "secret": "s3cret-key" }));
    fetch(&scene.run, named("https://api.vendor.example/v1?a=b".to_owned())).await.unwrap();
    assert!(server.seen(0).starts_with("POST /__o/https/id.vendor.example/token "), "{}", server.seen(0));
    assert!(server.seen(1).starts_with("GET /__o/https/api.vendor.example/v1?a=b "), "{}", server.seen(1));
    let answer = fetch(&scene.run, named("https://other.vendor.example/".to_owned())).await;
    assert_eq!(refusal(&scene.run, &answer), Code::E204);
    assert_eq!(server.count(), 2);
}
