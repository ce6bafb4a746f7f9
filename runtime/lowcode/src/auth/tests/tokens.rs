//! JSON Web Tokens, against tokens of another implementation.

use super::*;

fn token(authenticator: &str, config: &str) -> Result<Injection, Failed> {
    match provider(authenticator, config).next(NOW) {
        Need::Ready(injection) => Ok(injection),
        other => Err(failed(other)),
    }
}

fn with_key(key: &str, algorithm: &str) -> String {
    let config = serde_json::json!({ "type": "JwtAuthenticator", "algorithm": algorithm, "secret_key": "{{ config['key'] }}",
        "jwt_headers": { "kid": "k1" }, "jwt_payload": { "iss": "me" } });
    let injection = token(&config.to_string(), &serde_json::json!({ "key": key }).to_string());
    injection.unwrap().headers[0].1.clone()
}

#[test]
fn shared_secrets() {
    let jwt = r#"{"type": "JwtAuthenticator", "algorithm": "HS256", "secret_key": "{{ config['key'] }}", "token_duration": 60, "header_prefix": "Bearer",
        "jwt_headers": {"kid": "k1"}, "jwt_payload": {"iss": "me", "aud": "https://x"}, "additional_jwt_payload": {"scope": "a {{ config['b'] }}"}}"#;
    let config = r#"{"key": "sekrit-sekrit-sekrit-sekrit-sekrit-32", "b": "b"}"#;
    let expected = "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJzY29wZSI6ImEgYiIsImlzcyI6Im1lIiwiYXVkIjoiaHR0cHM6Ly94IiwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjU2NjAsIm5iZiI6MTc2NzIyNTYwMH0.wYeJtzRWsZ9UN2Q-nH1snLqp1b2NELfhtk8LBLl50bg";
    assert_eq!(token(jwt, config).unwrap().headers, pairs(&[("Authorization", expected)]));

    let encoded = r#"{"type": "JwtAuthenticator", "algorithm": "HS512", "secret_key": "sekrit-sekrit-sekrit-sekrit-sekrit-32", "base64_encode_secret_key": true,
        "request_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "jwt"}}"#;
    let expected = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyNjgwMCwibmJmIjoxNzY3MjI1NjAwfQ.z3m3mGXcLaK3yDZHc4pfRTFHG3xGQXPBJuS2E6RsmdGuiDV1G7oKSANeiUf8eLjKnOBkB4y8ijqzEngYh_W6BA";
    assert_eq!(token(encoded, "{}").unwrap().query, pairs(&[("jwt", expected)]));
}

#[test]
fn what_is_reserved_or_unfit_is_refused_without_the_key() {
    for (more, key) in [
        (r#""additional_jwt_payload": {"iat": 1}"#, "s3cret"),
        (r#""additional_jwt_headers": {"kid": "x"}"#, "s3cret"),
        (r#""token_duration": 1"#, "-----BEGIN PRIVATE KEY----- s3cret"),
    ] {
        let jwt = format!(r#"{{"type": "JwtAuthenticator", "algorithm": "HS256", "secret_key": "{key}", {more}}}"#);
        let failed = token(&jwt, "{}").unwrap_err();
        assert!(failed.message.starts_with("Failed to sign token") && !failed.message.contains("s3cret"), "{failed:?}");
    }
}

#[cfg(feature = "signatures")]
mod private_keys {
    use super::*;
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

    const RSA: &str = include_str!("keys/rsa-pkcs8.pem");
    const P256: &str = include_str!("keys/p256-pkcs8.pem");

    #[test]
    fn rsa() {
        let expected = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJtZSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI2ODAwLCJuYmYiOjE3NjcyMjU2MDB9.KJ0EpX8nT05b5uAX0NrRnmslB3xsHdtg8UqeqAZv9tdLnDB_wyR1GOcr5uXHOgdjDAVthFU9EPcJvX_rljhDGvrcgPunTMD3g_zArajGuXJaGTEfeQNwUgLgSMPkhYA37BxH-gmZsV6m5Cil6XHGKeIuuJD69AVWhE2s53AVmbVpnIlKN5iJ-uE80C5aDzagr9_G8KItGap0YFpj0adhJRjmJs7w6f-Sk8SfMQdogaGNV7CkULQKxrpggjydSwnXltq3qOWkw23sJqB8pAtxAapttXAg8nN8htbNVBtK2zS3bSEXEFBwZ9OJ5d1g_TLuTZsiyXq2yKdxBOB1nSSuBQ";
        for key in [RSA.to_owned(), RSA.replace('\n', "\\n"), RSA.replace('\n', " "), include_str!("keys/rsa-pkcs1.pem").to_owned()] {
            assert_eq!(with_key(&key, "RS256"), expected);
        }
        assert_eq!(with_key(RSA, "PS512").matches('.').count(), 2);
    }

    fn verifies(key: &str, algorithm: &str, point: usize, verification: &'static dyn VerificationAlgorithm) {
        let token = with_key(key, algorithm);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let body: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
        // The public point is what a private key of these tests ends with.
        let der = BASE64.decode(body.as_bytes()).unwrap();
        let public = UnparsedPublicKey::new(verification, &der[der.len() - point..]);
        public.verify(signed.as_bytes(), &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
    }

    #[test]
    fn elliptic_curves() {
        verifies(P256, "ES256", 65, &signature::ECDSA_P256_SHA256_FIXED);
        verifies(include_str!("keys/p256-sec1.pem"), "ES256", 65, &signature::ECDSA_P256_SHA256_FIXED);
        verifies(include_str!("keys/p384-sec1.pem"), "ES384", 97, &signature::ECDSA_P384_SHA384_FIXED);
    }

    #[test]
    fn keys_that_do_not_fit_are_refused() {
        for (key, algorithm) in [(RSA, "ES256"), (P256, "RS256"), (P256, "ES384"), ("no key", "RS256"), (RSA, "ES512"), (RSA, "XX")] {
            let jwt = serde_json::json!({ "type": "JwtAuthenticator", "algorithm": algorithm, "secret_key": key });
            assert!(token(&jwt.to_string(), "{}").unwrap_err().message.starts_with("Failed to sign token"), "{algorithm}");
        }
    }
}
