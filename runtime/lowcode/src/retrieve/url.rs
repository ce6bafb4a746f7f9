//! Addresses as the reference makes them: Python's joining, its form encoding, and the small repairs its HTTP library does before sending.

use crate::value::Value;

/// What is left as it is when an address is quoted anew.
const KEPT: &str = "!#$%&'()*+,/:;=?@[]~";

/// Joins as `urljoin(base + "/", path)`; an empty path leaves the base as it is.
#[must_use]
pub fn join(base: &str, path: &str) -> String {
    if path.is_empty() {
        return base.to_owned();
    }
    let base = if base.ends_with('/') { base.to_owned() } else { format!("{base}/") };
    resolve(&base, path)
}

struct Parts<'t> {
    scheme: String,
    host: Option<&'t str>,
    path: &'t str,
    query: Option<&'t str>,
    fragment: Option<&'t str>,
}

fn split(text: &str) -> Parts<'_> {
    let text = text.trim_start_matches(|one: char| one <= ' ');
    let (scheme, rest) = match text.find(':') {
        Some(colon) if is_scheme(&text[..colon]) => (text[..colon].to_lowercase(), &text[colon + 1..]),
        _ => (String::new(), text),
    };
    let (host, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    let (rest, fragment) = match rest.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (rest, None),
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    Parts { scheme, host, path, query, fragment }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|one: char| one.is_ascii_alphabetic())
        && text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '+' | '-' | '.'))
}

fn resolve(base: &str, reference: &str) -> String {
    let (from, to) = (split(base), split(reference));
    let scheme = if to.scheme.is_empty() { from.scheme.clone() } else { to.scheme.clone() };
    if scheme != from.scheme || !matches!(scheme.as_str(), "" | "http" | "https" | "ftp" | "file") {
        return reference.to_owned();
    }
    if let Some(host) = to.host.filter(|host| !host.is_empty()) {
        return unsplit(&scheme, Some(host), to.path, to.query, to.fragment);
    }
    if to.path.is_empty() {
        return unsplit(&scheme, from.host, from.path, to.query.filter(|query| !query.is_empty()).or(from.query), to.fragment);
    }
    let mut segments: Vec<&str> = Vec::new();
    if !to.path.starts_with('/') {
        segments.extend(from.path.split('/'));
        if segments.last().is_some_and(|last| !last.is_empty()) {
            segments.pop();
        }
        segments.extend(to.path.split('/'));
        let last = segments.len().saturating_sub(1);
        let mut at = 0;
        segments.retain(|segment| {
            at += 1;
            at == 1 || at > last || !segment.is_empty()
        });
    } else {
        segments.extend(to.path.split('/'));
    }
    let mut path: Vec<&str> = Vec::with_capacity(segments.len());
    for segment in &segments {
        match *segment {
            ".." => {
                path.pop();
            }
            "." => {}
            other => path.push(other),
        }
    }
    if matches!(segments.last(), Some(&"." | &"..")) {
        path.push("");
    }
    let path = path.join("/");
    unsplit(&scheme, from.host, if path.is_empty() { "/" } else { &path }, to.query, to.fragment)
}

fn unsplit(scheme: &str, host: Option<&str>, path: &str, query: Option<&str>, fragment: Option<&str>) -> String {
    let mut text = String::new();
    if !scheme.is_empty() {
        text.push_str(scheme);
        text.push(':');
    }
    if let Some(host) = host {
        text.push_str("//");
        text.push_str(host);
        if !path.is_empty() && !path.starts_with('/') {
            text.push('/');
        }
    }
    text.push_str(path);
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        text.push('?');
        text.push_str(query);
    }
    if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
        text.push('#');
        text.push_str(fragment);
    }
    text
}

/// Names and first values of a query, decoded; empty values do not count.
#[must_use]
pub fn query_pairs(url: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in split(url).query.unwrap_or_default().split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name), decode(value));
        if !value.is_empty() && !pairs.iter().any(|(known, _)| *known == name) {
            pairs.push((name, value));
        }
    }
    pairs
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, hexadecimal(bytes, at)) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(*other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hexadecimal(bytes: &[u8], percent: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
    u8::try_from(digit(percent + 1)? * 16 + digit(percent + 2)?).ok()
}

/// Form encoding of names and values: lists repeat the name, nothing leaves it out.
#[must_use]
pub fn form<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p Value)>) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: &Value| {
        if !text.is_empty() {
            text.push('&');
        }
        quote_plus(name, &mut text);
        text.push('=');
        quote_plus(&value.python_str(), &mut text);
    };
    for (name, value) in pairs {
        match value {
            Value::None => {}
            Value::List(items) | Value::Tuple(items) => {
                for item in items.iter().filter(|item| !item.is_none()) {
                    match item {
                        Value::List(inner) | Value::Tuple(inner) => inner.iter().for_each(|item| add(name, item)),
                        other => add(name, other),
                    }
                }
            }
            Value::Dict(dict) => dict.keys().for_each(|key| add(name, &Value::Str(key.clone()))),
            other => add(name, other),
        }
    }
    text
}

fn quote_plus(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte as char),
            b' ' => out.push('+'),
            other => percent(other, out),
        }
    }
}

fn percent(byte: u8, out: &mut String) {
    out.push_str(&format!("%{byte:02X}"));
}

/// Makes an address ready to be sent: host in lower case, characters quoted, query added.
///
/// # Errors
/// It has no scheme or no host.
pub fn prepare(url: &str, query: &str) -> Result<String, String> {
    let parts = split(url);
    let Some(host) = parts.host.filter(|host| !host.is_empty()) else {
        return Err("the request's address has no host; expected https://host/path".to_owned());
    };
    if !matches!(parts.scheme.as_str(), "http" | "https") {
        return Err("the request's address is neither http nor https".to_owned());
    }
    let host = match host.rsplit_once('@') {
        Some((user, host)) => format!("{user}@{}", host.to_lowercase()),
        None => host.to_lowercase(),
    };
    let path = remove_dots(parts.path);
    let path = if path.is_empty() { "/".to_owned() } else { path };
    let all = match (parts.query.filter(|own| !own.is_empty()), query) {
        (Some(own), "") => own.to_owned(),
        (Some(own), added) => format!("{own}&{added}"),
        (None, added) => added.to_owned(),
    };
    Ok(requote(&unsplit(&parts.scheme, Some(&host), &path, Some(&all), parts.fragment)))
}

fn remove_dots(path: &str) -> String {
    if !path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return path.to_owned();
    }
    let mut out: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    if path.starts_with('/') && out.first().is_none_or(|first| !first.is_empty()) {
        out.insert(0, "");
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        out.push("");
    }
    out.join("/")
}

/// Quotes what needs it; what is quoted without need is not.
fn requote(url: &str) -> String {
    let bytes = url.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'%' => match hexadecimal(bytes, at) {
                Some(decoded) if decoded.is_ascii_alphanumeric() || matches!(decoded, b'-' | b'.' | b'_' | b'~') => {
                    out.push(decoded as char);
                    at += 2;
                }
                Some(decoded) => {
                    percent(decoded, &mut out);
                    at += 2;
                }
                None => out.push_str("%25"),
            },
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_') || (b.is_ascii() && KEPT.contains(*b as char)) => {
                out.push(*b as char);
            }
            other => percent(*other, &mut out),
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_as_python_does() {
        for (base, path, joined) in [
            ("https://api.x.com/v1", "items", "https://api.x.com/v1/items"),
            ("https://api.x.com/v1/", "a//b/", "https://api.x.com/v1/a/b/"),
            ("https://api.x.com/v1", "/items", "https://api.x.com/items"),
            ("https://api.x.com/v1", "../v2/x", "https://api.x.com/v2/x"),
            ("https://api.x.com/v1", "https://b.y/z?q=1", "https://b.y/z?q=1"),
            ("https://api.x.com/v1", "?page=2", "https://api.x.com/v1/?page=2"),
            ("https://api.x.com/v1", "items:search", "items:search"),
            ("https://api.x.com/v1", "", "https://api.x.com/v1"),
        ] {
            assert_eq!(join(base, path), joined);
        }
    }

    #[test]
    fn prepares_as_requests_does() {
        assert_eq!(prepare("https://API.x.com", "a=1"), Ok("https://api.x.com/?a=1".to_owned()));
        assert_eq!(prepare("https://x.com/a b/%7eu?q=[1]", ""), Ok("https://x.com/a%20b/~u?q=[1]".to_owned()));
        assert_eq!(prepare("https://x.com/a?b=%", "c=d"), Ok("https://x.com/a?b=%25&c=d".to_owned()));
        assert!(prepare("items:search", "").is_err());
    }

    #[test]
    fn encodes_forms() {
        let list = Value::list(vec![Value::Int(1), Value::None, Value::str("a b")]);
        assert_eq!(form([("k", &list), ("n", &Value::None), ("t", &Value::Bool(true))]), "k=1&k=a+b&t=True");
        assert_eq!(query_pairs("https://x/?a=1&a=2&b=&c=%20+"), [("a".to_owned(), "1".to_owned()), ("c".to_owned(), "  ".to_owned())]);
    }
}
