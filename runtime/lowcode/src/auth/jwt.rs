//! `JwtAuthenticator`: a JSON Web Token for each request, signed with a key of the configuration.

use data_encoding::BASE64URL_NOPAD;

use crate::auth::{Failed, Injection, is_set, place, sign, text, tree};
use crate::model::authenticator::Jwt;
use crate::model::requester::{Inject, RequestOption};
use crate::model::text::Text;
use crate::template::Scope;
use crate::value::{Dict, Value};

const OWN_HEADERS: [&str; 4] = ["kid", "alg", "typ", "cty"];
const OWN_CLAIMS: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "nbf"];

/// The token where a request carries it.
pub(super) fn injection(jwt: &Jwt, scope: &Scope) -> Result<Injection, Failed> {
    let whole = token(jwt, scope)?;
    let bare = whole.rsplit(' ').next().unwrap_or_default().to_owned();
    let default = RequestOption { inject: Inject::Header, path: vec![Text::constant(Value::str("Authorization"))] };
    place(jwt.request_option.as_ref().unwrap_or(&default), scope, whole, [bare])
}

/// The signed token behind its prefix.
pub(super) fn token(jwt: &Jwt, scope: &Scope) -> Result<String, Failed> {
    let header = compact(sorted(header(jwt, scope)?));
    let claims = compact(claims(jwt, scope)?);
    let signed = format!("{}.{}", BASE64URL_NOPAD.encode(&header), BASE64URL_NOPAD.encode(&claims));
    let key = text(&jwt.secret_key, scope, "secret_key")?;
    let passphrase =
        jwt.passphrase.as_ref().map(|phrase| text(phrase, scope, "passphrase")).transpose()?.filter(|phrase| !phrase.is_empty());
    let key = match passphrase {
        None if is_set(jwt.base64_encode_secret_key.as_ref()) => data_encoding::BASE64.encode(key.as_bytes()),
        _ => key,
    };
    let signature = sign::sign(&jwt.algorithm, &key, passphrase.as_deref(), signed.as_bytes());
    let signature = signature.map_err(|reason| Failed::system(format!("Failed to sign token: {reason}")))?;
    let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature));
    let prefix =
        jwt.header_prefix.as_ref().map(|prefix| text(prefix, scope, "header_prefix")).transpose()?.filter(|prefix| !prefix.is_empty());
    Ok(prefix.map_or_else(|| token.clone(), |prefix| format!("{prefix} {token}")))
}

fn header(jwt: &Jwt, scope: &Scope) -> Result<Dict, Failed> {
    let additional = additional(jwt.additional_headers.as_ref(), scope, "additional_jwt_headers", &OWN_HEADERS)?;
    let mut header = Dict::new();
    header.insert("typ".into(), Value::str("JWT"));
    header.extend(additional);
    for (name, given) in [("kid", &jwt.kid), ("typ", &jwt.typ), ("cty", &jwt.cty)] {
        if let Some(value) = value(given.as_ref(), scope, name)? {
            header.insert(name.into(), value);
        }
    }
    if header.get("typ").is_some_and(|kind| !kind.is_truthy()) {
        header.shift_remove("typ");
    }
    header.insert("alg".into(), Value::str(&jwt.algorithm));
    Ok(header)
}

fn claims(jwt: &Jwt, scope: &Scope) -> Result<Dict, Failed> {
    let mut claims = additional(jwt.additional_payload.as_ref(), scope, "additional_jwt_payload", &OWN_CLAIMS)?;
    for (name, given) in [("iss", &jwt.iss), ("sub", &jwt.sub), ("aud", &jwt.aud)] {
        if let Some(value) = value(given.as_ref(), scope, name)? {
            claims.insert(name.into(), value);
        }
    }
    let now = i128::from(scope.now_micros().div_euclid(1_000_000));
    claims.insert("iat".into(), Value::Int(now));
    claims.insert("exp".into(), Value::Int(now.saturating_add(i128::from(jwt.token_duration))));
    claims.insert("nbf".into(), Value::Int(now));
    Ok(claims)
}

fn additional(texts: Option<&crate::model::text::Texts>, scope: &Scope, name: &str, own: &[&str]) -> Result<Dict, Failed> {
    let Some(texts) = texts else { return Ok(Dict::new()) };
    let Value::Dict(dict) = tree(texts, scope, name)? else { return Ok(Dict::new()) };
    match own.iter().find(|own| dict.contains_key(**own)) {
        Some(own) => Err(Failed::system(format!("Failed to sign token: '{own}' is reserved and should not be set as part of '{name}'"))),
        None => Ok(dict.as_ref().clone()),
    }
}

/// A member that is given as an empty text is none.
fn value(given: Option<&Text>, scope: &Scope, name: &str) -> Result<Option<Value>, Failed> {
    let Some(given) = given.filter(|given| given.value().is_truthy()) else { return Ok(None) };
    let value = given.evaluate(scope);
    value.map(Some).map_err(|error| Failed::system(format!("`{name}` of an authenticator has no value: {error}")))
}

fn sorted(mut dict: Dict) -> Dict {
    dict.sort_keys();
    dict
}

fn compact(dict: Dict) -> Vec<u8> {
    let mut text = Vec::new();
    Value::dict(dict).write_json(&mut text);
    text
}
