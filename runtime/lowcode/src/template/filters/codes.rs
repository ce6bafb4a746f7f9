//! Filters that encode: hashes, base64, JSON, URLs.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::super::arguments::Given;
use super::super::budget::Budget;
use super::super::error::{Outcome, TemplateError};
use super::super::functions::{defined, quoted};
use super::super::methods_members;
use super::super::operand::Operand;
use crate::value::{Dumps, Value};

pub(super) fn apply(budget: &Budget, name: &str, input: &Operand, given: Given) -> Outcome<Operand> {
    let text = match name {
        "hash" => {
            let mut bound = given.bind("hash", &["hash_type", "salt"], 0)?;
            let kind = bound.text(0, "md5")?;
            let salt = bound.given(1).filter(Operand::is_truthy).map(|salt| salt.to_text()).unwrap_or_default();
            hash(&kind, &format!("{}{salt}", input.to_text()))?
        }
        "hmac" => {
            let mut bound = given.bind("hmac", &["key", "hash_type"], 1)?;
            let (key, kind) = (bound.need(0)?.to_text(), bound.text(1, "sha256")?);
            if kind != "sha256" {
                return Err(TemplateError::value_error(format!("Hash type '{kind}' is not allowed. Allowed types: sha256")));
            }
            hmac_sha256(&key, &input.to_text())?
        }
        "base64encode" | "base64binascii_decode" | "base64decode" => {
            given.bind("base64", &[], 0)?;
            // Python: no attribute `encode`.
            let text = input.as_str().ok_or_else(|| {
                defined(input, || TemplateError::value_error(format!("'{}' object has no attribute 'encode'", input.type_name())))
            })?;
            match name {
                "base64encode" => BASE64.encode(text.as_bytes()),
                "base64decode" => base64_decode(text)?,
                _ if text.is_ascii() => BASE64.encode(text.as_bytes()),
                _ => return Err(TemplateError::value_error("the text is not ASCII")),
            }
        }
        "string" => match input.as_str() {
            Some(text) => text.to_owned(),
            None => format!("\"\"\"{}\"\"\"", dumps(input, Dumps::default())?),
        },
        "tojson" => {
            let mut bound = given.bind("tojson", &["indent"], 0)?;
            let indent = match bound.given(0) {
                None => None,
                Some(operand) => {
                    operand.as_value().and_then(Value::as_int).and_then(|indent| usize::try_from(indent).ok()).map(|indent| indent.min(64))
                }
            };
            let json = dumps(input, Dumps { sort_keys: true, indent, keep_unicode: false })?;
            json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027")
        }
        _ => {
            given.bind("urlencode", &[], 0)?;
            url_encode(input)?
        }
    };
    budget.text(text.len())?;
    Ok(Operand::text(text))
}

/// `json.dumps`
fn dumps(input: &Operand, mood: Dumps) -> Outcome<String> {
    let text = input.as_value().and_then(|value| value.dumps(mood));
    text.ok_or_else(|| TemplateError::type_error(format!("Object of type {} is not JSON serializable", input.type_name())))
}

fn hash(kind: &str, text: &str) -> Outcome<String> {
    let bytes = text.as_bytes();
    Ok(match kind {
        "md5" => HEXLOWER.encode(&md5::Md5::digest(bytes)),
        "sha1" => HEXLOWER.encode(&sha1::Sha1::digest(bytes)),
        "sha224" => HEXLOWER.encode(&Sha224::digest(bytes)),
        "sha256" => HEXLOWER.encode(&Sha256::digest(bytes)),
        "sha384" => HEXLOWER.encode(&Sha384::digest(bytes)),
        "sha512" => HEXLOWER.encode(&Sha512::digest(bytes)),
        _ => return Err(TemplateError::value_error(format!("No hashing function named {kind}"))),
    })
}

fn hmac_sha256(key: &str, text: &str) -> Outcome<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map_err(|_| TemplateError::value_error("the key of the filter 'hmac' is not usable"))?;
    mac.update(text.as_bytes());
    Ok(HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// Python's `b64decode` leaves out what is not of the alphabet.
fn base64_decode(text: &str) -> Outcome<String> {
    let wrong = || TemplateError::value_error("the text is not base64");
    let kept: String = text.chars().filter(|character| character.is_ascii_alphanumeric() || "+/=".contains(*character)).collect();
    let data = kept.find('=').map_or(kept.as_str(), |end| kept.get(..end).unwrap_or_default());
    let padding = kept.len() - data.len();
    if data.len() % 4 == 1 || (4 - data.len() % 4) % 4 > padding {
        return Err(wrong());
    }
    let mut decoder = data_encoding::Specification::new();
    decoder.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    decoder.check_trailing_bits = false;
    let bytes = decoder.encoding().ok().and_then(|encoding| encoding.decode(data.as_bytes()).ok()).ok_or_else(wrong)?;
    String::from_utf8(bytes).map_err(|_| TemplateError::value_error("the decoded text is not UTF-8"))
}

fn url_encode(input: &Operand) -> Outcome<String> {
    if input.as_str().is_some() {
        return Ok(quoted(&input.to_text(), "/", false));
    }
    let pairs: Vec<(Operand, Operand)> = match methods_members(input) {
        Some(members) => members,
        None => match input.iterate() {
            Err(_) => return Ok(quoted(&input.to_text(), "/", false)),
            Ok(items) => items
                .iter()
                .map(|item| match item.iterate()?.as_slice() {
                    [key, value] => Ok((key.clone(), value.clone())),
                    _ => Err(TemplateError::value_error("urlencode wants pairs")),
                })
                .collect::<Outcome<_>>()?,
        },
    };
    let part = |operand: &Operand| quoted(&operand.to_text(), "", true);
    Ok(pairs.iter().map(|(key, value)| format!("{}={}", part(key), part(value))).collect::<Vec<_>>().join("&"))
}
