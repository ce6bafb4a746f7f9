//! Session tokens, and how often they are asked for.

use super::*;

const CONFIG: &str = r#"{"user": "u", "pass": "p@ss"}"#;

fn session(more: &str, carried: &str) -> String {
    format!(
        r#"{{"type": "SessionTokenAuthenticator", {more} "session_token_path": ["data", "0", "token"], "request_authentication": {carried},
        "login_requester": {{"type": "HttpRequester", "url_base": "https://id.example/v1/", "path": "/login", "http_method": "POST",
            "authenticator": {{"type": "BasicHttpAuthenticator", "username": "{{{{ config['user'] }}}}", "password": "x"}},
            "request_parameters": {{"a": "1 2"}}, "request_headers": {{"X-Own": "{{{{ config['user'] }}}}"}},
            "request_body_json": {{"password": "{{{{ config['pass'] }}}}"}}}}}}"#
    )
}

fn key(place: &str) -> String {
    format!(
        r#"{{"type": "ApiKey", "api_token": "Token {{{{ session_token }}}}", "inject_into": {{"type": "RequestOption", "inject_into": "{place}", "field_name": "x-token"}}}}"#
    )
}

/// Answers every login until the provider is ready; the count and what is put in.
fn logins(provider: &mut Provider, now: i64, repeated: bool) -> (u32, Injection) {
    provider.begin(repeated);
    let mut count = 0;
    loop {
        match provider.next(now) {
            Need::Request(_) => {
                count += 1;
                provider.answer(now, &answer(200, &format!(r#"{{"data": [{{"token": "t{count}"}}]}}"#)));
            }
            other => return (count, ready(other)),
        }
    }
}

#[test]
fn a_login_is_built_of_its_requester() {
    let mut provider = provider(&session("", r#"{"type": "Bearer"}"#), CONFIG);
    provider.begin(false);
    let request = asked(provider.next(NOW));
    assert_eq!(request.url, "https://id.example/v1/login?a=1+2");
    assert_eq!(request.body.as_deref(), Some(&br#"{"password":"p@ss"}"#[..]));
    let expected = [("X-Own", "u"), ("Content-Type", "application/json"), ("Authorization", "Basic dTp4")];
    assert_eq!(request.headers, pairs(&expected));
}

#[test]
fn without_a_duration_each_look_is_a_login() {
    for (carried, first, repeated) in [(r#"{"type": "Bearer"}"#.to_owned(), 2, 1), (key("header"), 6, 3), (key("request_parameter"), 1, 0)]
    {
        let mut provider = provider(&session("", &carried), CONFIG);
        for expected in [first, first] {
            assert_eq!(logins(&mut provider, NOW, false).0, expected, "{carried}");
        }
        assert_eq!(logins(&mut provider, NOW, true).0, repeated, "{carried}");
    }
}

#[test]
fn with_a_duration_a_token_lasts() {
    let mut provider = provider(&session(r#""expiration_duration": "PT1H","#, &key("header")), CONFIG);
    let (count, put) = logins(&mut provider, NOW, false);
    assert_eq!((count, put.headers), (1, pairs(&[("x-token", "Token t1")])));
    assert_eq!(logins(&mut provider, NOW + 3_600_000_000, false).0, 0);
    assert_eq!(logins(&mut provider, NOW + 3_600_000_001, true).0, 1);
}

#[test]
fn a_login_that_fails_is_tried_again_if_that_may_help() {
    let mut provider = provider(&session("", r#"{"type": "Bearer"}"#), CONFIG);
    provider.begin(false);
    let mut waits = Vec::new();
    let last = loop {
        match provider.next(NOW) {
            Need::Request(_) if waits.len() == 1 => provider.lost(NOW, "no answer in time"),
            Need::Request(_) => provider.answer(NOW, &answer(500, "s3cret")),
            Need::Wait(seconds) => waits.push(seconds),
            other => break failed(other),
        }
    };
    assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0]);
    assert_eq!(last.message, "HTTP Status Code: 500. Error: Internal server error.");
    for (status, body, config) in [(401, "s3cret", true), (404, "", false), (200, r#"{"data": "s3cret"}"#, false), (200, "s3cret", false)] {
        provider.begin(false);
        asked(provider.next(NOW));
        provider.answer(NOW, &answer(status, body));
        let failed = failed(provider.next(NOW));
        assert!(failed.config == config && !failed.message.contains("s3cret"), "{failed:?}");
    }
}

#[test]
fn the_older_form_asks_whether_its_token_is_good() {
    let older = r#"{"type": "LegacySessionTokenAuthenticator", "header": "X-Session", "login_url": "/session", "validate_session_url": "/me",
        "session_token": "{{ config['token'] }}", "session_token_response_key": "id", "username": "u", "password": "p"}"#;
    let mut provider = provider(older, r#"{"token": "given"}"#);
    provider.begin(false);
    for _ in 0..2 {
        let question = asked(provider.next(NOW));
        assert_eq!((question.url.as_str(), question.headers), ("https://api.example/v1/me", pairs(&[("X-Session", "given")])));
        provider.answer(NOW, &answer(200, ""));
    }
    assert_eq!(ready(provider.next(NOW)).headers, pairs(&[("X-Session", "given")]));
    provider.begin(true);
    asked(provider.next(NOW));
    provider.answer(NOW, &answer(401, ""));
    let login = asked(provider.next(NOW));
    assert_eq!(
        (login.url.as_str(), login.body.as_deref()),
        ("https://api.example/v1/session", Some(&br#"{"username":"u","password":"p"}"#[..]))
    );
    provider.answer(NOW, &answer(200, r#"{"id": "fresh"}"#));
    assert_eq!(ready(provider.next(NOW)).headers, pairs(&[("X-Session", "fresh")]));
    provider.begin(true);
    asked(provider.next(NOW));
    provider.answer(NOW, &answer(500, "s3cret"));
    assert!(failed(provider.next(NOW)).message.contains("status 500"));
}
