//! Tokens of token endpoints.

use super::*;

const REFRESHING: &str = r#"{"type": "OAuthAuthenticator", "client_id": "{{ config['id'] }}", "client_secret": "{{ config['secret'] }}",
    "refresh_token": "{{ config['refresh'] }}", "token_refresh_endpoint": "https://id.example/token"}"#;
const CONFIG: &str = r#"{"id": "the-id", "secret": "the-secret", "refresh": "the-refresh"}"#;

fn with(more: &str) -> String {
    REFRESHING.replacen('{', &format!("{{{more},"), 1)
}

fn bearer(need: Need) -> String {
    ready(need).headers[0].1.clone()
}

#[test]
fn a_token_is_got_once_and_again_when_it_has_expired() {
    let mut provider = provider(REFRESHING, CONFIG);
    let request = asked(provider.next(NOW));
    assert_eq!((request.url.as_str(), request.headers[0].1.as_str()), ("https://id.example/token", "application/x-www-form-urlencoded"));
    let expected =
        [("client_id", "the-id"), ("client_secret", "the-secret"), ("grant_type", "refresh_token"), ("refresh_token", "the-refresh")];
    assert_eq!(form(&request), pairs(&expected));
    provider.answer(NOW, &answer(200, r#"{"data": [{"access_token": "one", "expires_in": "60.0"}]}"#));
    assert_eq!(bearer(provider.next(NOW)), "Bearer one");
    assert_eq!(bearer(provider.next(NOW + 60_000_000)), "Bearer one");
    asked(provider.next(NOW + 60_000_001));
    provider.answer(NOW + 60_000_001, &answer(200, r#"{"access_token": "two"}"#));
    assert_eq!(bearer(provider.next(NOW + 3_600_000_000)), "Bearer two", "an hour without a word about it");
    assert!(provider.renew());
    asked(provider.next(NOW + 60_000_002));
    assert!(provider.take_updates().is_empty());
}

#[test]
fn each_key_changes_the_request() {
    let names = r#""client_id_name": "ci", "client_secret_name": "cs", "refresh_token_name": "rt", "grant_type_name": "gt", "grant_type": "custom",
        "scopes": ["a", "b"], "refresh_request_body": {"grant_type": "x", "gt": "y", "extra": "{{ config['id'] }}", "none": null}"#;
    let expected = [
        ("ci", "the-id"),
        ("cs", "the-secret"),
        ("extra", "the-id"),
        ("grant_type", "x"),
        ("gt", "custom"),
        ("rt", "the-refresh"),
        ("scopes", "a"),
        ("scopes", "b"),
    ];
    assert_eq!(form(&asked(provider(&with(names), CONFIG).next(NOW))), pairs(&expected));

    let login = r#""refresh_request_headers": {"Authorization": "Basic {{ (config['id'] ~ ':' ~ config['secret']) | base64encode }}"}"#;
    let request = asked(provider(&with(login), CONFIG).next(NOW));
    assert_eq!(form(&request), pairs(&[("grant_type", "refresh_token"), ("refresh_token", "the-refresh")]));
    assert_eq!(request.headers[0].1, "Basic dGhlLWlkOnRoZS1zZWNyZXQ=");

    let request = asked(provider(&with(r#""send_refresh_request_as_query_params": true"#), CONFIG).next(NOW));
    assert_eq!((request.body.clone(), request.headers.len()), (None, 0));
    assert!(request.url.starts_with("https://id.example/token?grant_type=refresh_token&client_id=the-id&"), "{}", request.url);

    let credentials = r#"{"type": "OAuthAuthenticator", "client_id": "i", "client_secret": "", "grant_type": "client_credentials", "token_refresh_endpoint": "https://id.example/"}"#;
    let expected = [("client_id", "i"), ("client_secret", ""), ("grant_type", "client_credentials")];
    assert_eq!(form(&asked(provider(credentials, "{}").next(NOW))), pairs(&expected));
}

#[test]
fn expiry_dates_have_forms() {
    let dated = with(r#""expires_in_name": "expires_at", "token_expiry_date_format": "%Y-%m-%dT%H:%M:%SZ""#);
    let mut provider = provider(&dated, CONFIG);
    asked(provider.next(NOW));
    provider.answer(NOW, &answer(200, r#"{"access_token": "one", "expires_at": "2026-01-01T00:00:10Z"}"#));
    assert_eq!(bearer(provider.next(NOW + 10_000_000)), "Bearer one");
    asked(provider.next(NOW + 10_000_001));
    provider.answer(NOW, &answer(200, r#"{"access_token": "one", "expires_at": "soon"}"#));
    assert!(failed(provider.next(NOW)).message.starts_with("Invalid token expiry date format"));

    let given = with(r#""access_token_value": "given", "token_expiry_date": "2026-01-01T00:00:05Z""#);
    let mut provider = super::provider(&given, CONFIG);
    assert_eq!(bearer(provider.next(NOW)), "Bearer given");
    asked(provider.next(NOW + 5_000_001));
    let only =
        r#"{"type": "OAuthAuthenticator", "client_id": "i", "client_secret": "s", "grant_type": "g", "access_token_value": "given"}"#;
    let mut provider = super::provider(only, "{}");
    assert_eq!(bearer(provider.next(NOW)), "Bearer given");
    assert!(!provider.renew());
}

#[test]
fn failures_are_whose_they_are_and_tell_no_secret() {
    let codes = with(
        r#""refresh_token_error_status_codes": [400], "refresh_token_error_key": "error", "refresh_token_error_values": ["invalid_grant"]"#,
    );
    for (status, body, config) in [
        (400, r#"{"error": "invalid_grant", "error_description": "s3cret"}"#, true),
        (400, r#"{"error": "s3cret"}"#, false),
        (401, "s3cret", false),
        (200, "s3cret", false),
        (200, r#"{"access_token": null, "s3cret": 1}"#, false),
        (200, r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a": "s3cret"}}}}}}}"#, true),
    ] {
        let mut provider = provider(&codes, CONFIG);
        asked(provider.next(NOW));
        provider.answer(NOW, &answer(status, body));
        let failed = failed(provider.next(NOW));
        assert!(failed.config == config && !failed.message.contains("s3cret"), "{status} {body}: {failed:?}");
        asked(provider.next(NOW));
    }
    for (wrong, config) in [
        (r#"{"type": "OAuthAuthenticator", "client_id": "i", "token_refresh_endpoint": "https://id.example/"}"#, "{}"),
        (
            r#"{"type": "OAuthAuthenticator", "client_id": "i", "client_secret": "s", "token_refresh_endpoint": "https://id.example/"}"#,
            "{}",
        ),
        (r#"{"type": "OAuthAuthenticator", "use_profile_assertion": true, "token_refresh_endpoint": "https://id.example/"}"#, "{}"),
    ] {
        assert!(made(wrong, config).unwrap_err().message.starts_with("OAuthAuthenticator configuration error"), "{wrong}");
    }
    let mut without_id = provider(REFRESHING, r#"{"id": "", "secret": "s", "refresh": "r"}"#);
    assert!(failed(without_id.next(NOW)).message.starts_with("OAuth access token refresh request failed."));
}

#[test]
fn an_overloaded_endpoint_is_asked_for_five_minutes() {
    let mut provider = provider(REFRESHING, CONFIG);
    let mut waits = Vec::new();
    let last = loop {
        match provider.next(NOW) {
            Need::Request(_) if waits.len() % 2 == 0 => provider.answer(NOW, &answer(503, "")),
            Need::Request(_) => provider.lost(NOW, "no answer in time"),
            Need::Wait(seconds) => waits.push(seconds),
            other => break failed(other),
        }
    };
    assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 45.0]);
    assert!(!last.config);
}

#[test]
fn a_refresh_token_that_serves_once_has_a_successor() {
    let once = r#"{"type": "OAuthAuthenticator", "client_id": "given", "client_secret": "s", "token_refresh_endpoint": "https://id.example/token",
        "refresh_token_updater": {"refresh_token_name": "next_token", "refresh_token_config_path": ["login", "refresh"]}}"#;
    let config = r#"{"login": {"refresh": "first"}, "credentials": {"client_id": "own"}}"#;
    let mut provider = provider(once, config);
    let expected = [("client_id", "own"), ("client_secret", "s"), ("grant_type", "refresh_token"), ("next_token", "first")];
    assert_eq!(form(&asked(provider.next(NOW))), pairs(&expected));
    provider.answer(NOW, &answer(200, r#"{"access_token": "one", "expires_in": 60, "next_token": "second"}"#));
    assert_eq!(bearer(provider.next(NOW)), "Bearer one");
    let updates: Vec<_> =
        provider.take_updates().into_iter().map(|update| (update.path.join("."), update.value.python_str(), update.lasting)).collect();
    let update = |path: &str, value: &str, lasting| (path.to_owned(), value.to_owned(), lasting);
    assert_eq!(
        updates,
        [
            update("credentials.access_token", "one", false),
            update("login.refresh", "second", true),
            update("credentials.token_expiry_date", "2026-01-01T00:01:00+00:00", false)
        ]
    );
    let changed = r#"{"login": {"refresh": "second"}, "credentials": {"client_id": "own", "access_token": "one", "token_expiry_date": "2026-01-01T00:01:00+00:00"}}"#;
    provider.set_config(Value::from_json(changed.as_bytes()).unwrap());
    assert_eq!(bearer(provider.next(NOW + 60_000_000)), "Bearer one");
    assert_eq!(form(&asked(provider.next(NOW + 60_000_001)))[3].1, "second");
}

#[test]
fn an_assertion_takes_the_place_of_credentials() {
    let asserting = r#"{"type": "OAuthAuthenticator", "token_refresh_endpoint": "https://id.example/token", "use_profile_assertion": true,
        "profile_assertion": {"type": "JwtAuthenticator", "algorithm": "HS256", "secret_key": "{{ json_loads(config['account'])['key'] }}",
            "jwt_payload": {"iss": "me"}}}"#;
    let request = asked(provider(asserting, r#"{"account": "{\"key\": \"sekrit-sekrit\"}"}"#).next(NOW));
    let form = form(&request);
    assert_eq!((form.len(), form[1].clone()), (2, ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned())));
    assert!(form[0].0 == "assertion" && form[0].1.matches('.').count() == 2, "{}", form[0].1.len());
}
