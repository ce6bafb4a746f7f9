//! Placeholders of secrets in what a guest sends, and the secrets in their place, written as each position wants it.
//!
//! A placeholder stands in the guest's configuration where the real one has a secret. Templates carry it into a URL, a header or a body; here it
//! leaves again. It consists of characters that no encoding touches, so it is found as it is; inside Base64 it is looked for once more.

use std::borrow::Cow;
use std::fmt::Write;

use data_encoding::BASE64;
use url::Url;
use zeroize::Zeroizing;

/// Besides letters and digits, what stays as it is in a path, slashes too, and in a query.
const IN_PATH: &[u8] = b"-._~/:@!$&'()*+,;=";
const IN_QUERY: &[u8] = b"-._~";

/// Placeholders and what they stand for.
#[derive(Default)]
pub(super) struct Placeholders(Vec<(String, Zeroizing<String>)>);

impl Placeholders {
    /// The longest first: one may be the beginning of another.
    pub(super) fn new(mut pairs: Vec<(String, Zeroizing<String>)>) -> Self {
        pairs.retain(|(placeholder, _)| !placeholder.is_empty());
        pairs.sort_by_key(|(placeholder, _)| std::cmp::Reverse(placeholder.len()));
        Self(pairs)
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Zeroizing<String>> {
        self.0.iter().map(|(_, secret)| secret)
    }

    fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|(placeholder, _)| text.contains(placeholder.as_str()))
    }

    fn replace(&self, text: &str, written: impl Fn(&str) -> String) -> Zeroizing<String> {
        let mut text = Zeroizing::new(text.to_owned());
        for (placeholder, secret) in &self.0 {
            if text.contains(placeholder.as_str()) {
                let secret = Zeroizing::new(written(secret));
                *text = text.replace(placeholder.as_str(), &secret);
            }
        }
        text
    }

    /// The address with its secrets. One in the host's name is put in only if `is_granted` says so of the result: refusals name hosts.
    pub(super) fn url(&self, url: &Url, is_granted: impl Fn(&Url) -> bool) -> Option<Url> {
        if !self.is_in(url.as_str()) {
            return Some(url.clone());
        }
        let mut full = url.clone();
        if let Some(host) = url.host_str().filter(|host| self.is_in(host)) {
            let mut named = url.clone();
            named.set_host(Some(&self.replace(host, str::to_owned))).ok()?;
            if is_granted(&named) {
                full = named;
            }
        }
        let path = self.replace(url.path(), |secret| percent(secret, IN_PATH));
        full.set_path(&path);
        if let Some(query) = url.query() {
            let query = self.replace(query, |secret| percent(secret, IN_QUERY));
            full.set_query(Some(&query));
        }
        Some(full)
    }

    /// A header's value; a part of it may be Base64.
    pub(super) fn header(&self, value: &str) -> String {
        let plain = self.replace(value, str::to_owned);
        let parts = plain.split(' ').map(|part| self.inside_base64(part).unwrap_or(Cow::Borrowed(part)));
        parts.collect::<Vec<_>>().join(" ")
    }

    fn inside_base64(&self, part: &str) -> Option<Cow<'static, str>> {
        let bytes = Zeroizing::new(BASE64.decode(part.as_bytes()).ok()?);
        let text = std::str::from_utf8(&bytes).ok().filter(|text| self.is_in(text))?;
        Some(Cow::Owned(BASE64.encode(self.replace(text, str::to_owned).as_bytes())))
    }

    /// A body, as its kind writes texts.
    pub(super) fn body(&self, body: &[u8], content_type: Option<&str>) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(body).ok().filter(|text| self.is_in(text))?;
        let kind = content_type.unwrap_or_default().to_ascii_lowercase();
        let looks_like_json = text.trim_start().starts_with(['{', '[', '"']);
        let replaced = if kind.contains("x-www-form-urlencoded") {
            self.replace(text, |secret| url::form_urlencoded::byte_serialize(secret.as_bytes()).collect())
        } else if kind.contains("json") || (kind.is_empty() && looks_like_json) {
            self.replace(text, in_json)
        } else {
            self.replace(text, str::to_owned)
        };
        Some(replaced.as_bytes().to_vec())
    }
}

fn percent(secret: &str, kept: &[u8]) -> String {
    let mut text = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// As it stands between the quotes of a JSON text.
fn in_json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const SECRET: &str = "s\"e/c ret+&=ä\\%";

    fn placeholders() -> Placeholders {
        let pair = |name: &str, secret: &str| (name.to_owned(), Zeroizing::new(secret.to_owned()));
        Placeholders::new(vec![pair("hub-a1", SECRET), pair("hub-a12", "other"), pair("hub-host", "api")])
    }

    #[test]
    fn each_position_has_its_way_of_writing() {
        let found = placeholders();
        let url = Url::parse("https://a.example/x/hub-a1/y?k=hub-a1&o=hub-a12").unwrap();
        let url = found.url(&url, |_| false).unwrap();
        assert_eq!(url.query_pairs().collect::<Vec<_>>(), [("k".into(), SECRET.into()), ("o".into(), "other".into())]);
        assert_eq!(url.path(), "/x/s%22e/c%20ret+&=%C3%A4%5C%25/y");
        let json = found.body(br#"{"k":"hub-a1","o":["hub-a12"]}"#, Some("application/json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json, serde_json::json!({ "k": SECRET, "o": ["other"] }));
        let form = found.body(b"k=hub-a1&x=1", Some("application/x-www-form-urlencoded; charset=utf-8")).unwrap();
        let form: Vec<_> = url::form_urlencoded::parse(&form).into_owned().collect();
        assert_eq!(form, [("k".to_owned(), SECRET.to_owned()), ("x".to_owned(), "1".to_owned())]);
        assert_eq!(found.body(b"<k>hub-a12</k>", Some("text/xml")).unwrap(), b"<k>other</k>");
        assert_eq!(found.body(b"nothing", None), None);
        assert_eq!(found.header("Key hub-a12"), "Key other");
        let basic = format!("Basic {}", BASE64.encode(b"hub-a12:x"));
        assert_eq!(found.header(&basic), format!("Basic {}", BASE64.encode(b"other:x")));
    }

    #[test]
    fn a_host_is_named_only_where_it_is_granted() {
        let found = placeholders();
        let url = Url::parse("https://hub-host.example/").unwrap();
        let granted = |url: &Url| url.host_str() == Some("api.example");
        assert_eq!(found.url(&url, granted).unwrap().as_str(), "https://api.example/");
        let elsewhere = Url::parse("https://hub-host.evil.example/").unwrap();
        assert_eq!(found.url(&elsewhere, granted).unwrap(), elsewhere);
    }
}
