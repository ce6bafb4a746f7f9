//! Keys and logins that need no request, and how a finished request takes what is put in.

use super::*;
use crate::host::Method;

fn injected(authenticator: &str, config: &str) -> Injection {
    ready(provider(authenticator, config).next(NOW))
}

fn request(url: &str, kind: Option<&str>, body: &str) -> Request {
    let headers = kind.map(|kind| ("content-type".to_owned(), kind.to_owned())).into_iter().collect();
    let body = Some(body.as_bytes().to_vec()).filter(|body| !body.is_empty());
    Request { method: Method::Post, url: url.to_owned(), headers, body, credential: None }
}

#[test]
fn headers_are_made_of_the_configuration() {
    let config = r#"{"key": "k-1", "user": "jane", "pass": "pä:ss", "which": {"a": "two"}, "name": "X-Key"}"#;
    for (authenticator, name, value) in [
        (
            r#"{"type": "ApiKeyAuthenticator", "header": "X-{{ config['user'] }}", "api_token": "Key {{ config['key'] }}"}"#,
            "X-jane",
            "Key k-1",
        ),
        (r#"{"type": "BearerAuthenticator", "api_token": "{{ config['key'] }}"}"#, "Authorization", "Bearer k-1"),
        (
            r#"{"type": "BasicHttpAuthenticator", "username": "{{ config['user'] }}", "password": "{{ config['pass'] }}"}"#,
            "Authorization",
            "Basic amFuZTpww6Q6c3M=",
        ),
        (r#"{"type": "BasicHttpAuthenticator", "username": "{{ config['user'] }}"}"#, "Authorization", "Basic amFuZTo="),
        (
            r#"{"type": "SelectiveAuthenticator", "authenticator_selection_path": ["which", "a"], "authenticators": {
                "one": {"type": "NoAuth"}, "two": {"type": "BearerAuthenticator", "api_token": "t"}}}"#,
            "Authorization",
            "Bearer t",
        ),
    ] {
        assert_eq!(injected(authenticator, config).headers, pairs(&[(name, value)]), "{authenticator}");
    }
    assert!(injected(r#"{"type": "NoAuth"}"#, config).is_empty());
}

#[test]
fn a_choice_that_is_not_there_is_told_without_the_value() {
    let selective =
        r#"{"type": "SelectiveAuthenticator", "authenticator_selection_path": ["which"], "authenticators": {"one": {"type": "NoAuth"}}}"#;
    for config in ["{}", r#"{"which": "s3cret-choice"}"#] {
        let failed = made(selective, config).unwrap_err();
        assert!(!failed.config && !failed.message.contains("s3cret"), "{failed:?}");
    }
}

#[test]
fn a_header_takes_the_place_of_an_equal_one() {
    let mut request = request("https://a.example/", None, "");
    request.headers = pairs(&[("AUTHORIZATION", "old"), ("x", "1")]);
    injected(r#"{"type": "BearerAuthenticator", "api_token": "t"}"#, "{}").apply(&mut request).unwrap();
    assert_eq!(request.headers, pairs(&[("x", "1"), ("Authorization", "Bearer t")]));
}

#[test]
fn a_parameter_stands_in_the_query_once() {
    let key = r#"{"type": "ApiKeyAuthenticator", "api_token": "a b&c", "inject_into": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "api_key"}}"#;
    let injection = injected(key, "{}");
    for (before, after) in [
        ("https://a.example/x", "https://a.example/x?api_key=a+b%26c"),
        ("https://a.example/x?", "https://a.example/x?api_key=a+b%26c"),
        ("https://a.example/x?p=1#f", "https://a.example/x?p=1&api_key=a+b%26c#f"),
        // It is there already, as it is in a next link, or blackened in one.
        ("https://a.example/x?api_key=a%20b%26c&p=1", "https://a.example/x?api_key=a+b%26c&p=1"),
        ("https://a.example/x?p=1&api_key=*****", "https://a.example/x?p=1&api_key=a+b%26c"),
        ("https://a.example/x?api_key=other", "https://a.example/x?api_key=other&api_key=a+b%26c"),
    ] {
        let mut request = request(before, None, "");
        injection.apply(&mut request).unwrap();
        assert_eq!(request.url, after);
        assert_eq!(request.body, None);
    }
}

#[test]
fn forms_take_one_more_member() {
    let key = r#"{"type": "ApiKeyAuthenticator", "api_token": "ä", "inject_into": {"type": "RequestOption", "inject_into": "body_data", "field_name": "k"}}"#;
    let injection = injected(key, "{}");
    let mut empty = request("https://a.example/", None, "");
    injection.apply(&mut empty).unwrap();
    assert_eq!((empty.body.as_deref(), empty.headers[0].1.as_str()), (Some(&b"k=%C3%A4"[..]), "application/x-www-form-urlencoded"));
    let mut more = request("https://a.example/", Some("application/x-www-form-urlencoded; charset=utf-8"), "a=1");
    injection.apply(&mut more).unwrap();
    assert_eq!(more.body.as_deref(), Some(&b"a=1&k=%C3%A4"[..]));
    assert!(injection.apply(&mut request("https://a.example/", Some("application/json"), "{}")).is_err());
    let mut delete = Request { method: Method::Delete, ..request("https://a.example/", None, "") };
    injection.apply(&mut delete).unwrap();
    assert_eq!(delete.body, None);
}

#[test]
fn json_bodies_take_members_at_any_depth() {
    let key = r#"{"type": "ApiKeyAuthenticator", "api_token": "q\"1", "inject_into": {"type": "RequestOption", "inject_into": "body_json", "field_path": ["auth", "key"]}}"#;
    let injection = injected(key, "{}");
    for (before, after) in [
        ("", r#"{"auth":{"key":"q\"1"}}"#),
        (r#"{"z":1.50,"auth":{"user":"u"}}"#, r#"{"z":1.50,"auth":{"user":"u","key":"q\"1"}}"#),
        (r#"{"auth":{"key":"q\"1"}}"#, r#"{"auth":{"key":"q\"1"}}"#),
    ] {
        let mut request = request("https://a.example/", None, before);
        injection.apply(&mut request).unwrap();
        assert_eq!(String::from_utf8(request.body.unwrap()).unwrap(), after);
        assert_eq!(request.headers[0].1, "application/json");
    }
    for wrong in ["[1]", r#"{"auth":1}"#, r#"{"auth":{"key":"other"}}"#, "no json"] {
        assert!(injection.apply(&mut request("https://a.example/", None, wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let injection = injected(r#"{"type": "BearerAuthenticator", "api_token": "s3cret"}"#, "{}");
    assert_eq!(injection.secrets, ["s3cret", "Bearer s3cret"]);
    assert!(!format!("{injection:?}").contains("s3cret"));
    let wrong = r#"{"type": "BearerAuthenticator", "api_token": "{{ config['token']['of'] }}{{ 1 / 0 }}"}"#;
    let failed = failed(provider(wrong, r#"{"token": {"of": "s3cret"}}"#).next(NOW));
    assert!(!failed.message.contains("s3cret"), "{failed:?}");
}
