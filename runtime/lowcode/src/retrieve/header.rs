//! Response headers as templates see them.

use crate::value::{Dict, Value};

/// The value of a header, whatever its case.
#[must_use]
pub fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// All headers by name; several of one name are joined.
#[must_use]
pub fn all(headers: &[(String, String)]) -> Dict {
    let mut dict = Dict::with_capacity(headers.len() + 1);
    for (name, value) in headers {
        let joined = match dict.get(name.as_str()) {
            Some(Value::Str(known)) => format!("{known}, {value}"),
            _ => value.clone(),
        };
        dict.insert(name.as_str().into(), Value::str(joined));
    }
    dict
}

/// As a paginator sees them: `link` is taken apart by relation, `Link` is as it came.
#[must_use]
pub fn with_links(headers: &[(String, String)]) -> Dict {
    let mut dict = all(headers);
    let raw = dict.shift_remove("link");
    let links = raw.as_ref().and_then(Value::as_str).map(links).unwrap_or_default();
    dict.insert("link".into(), Value::dict(links));
    if let Some(raw) = raw {
        dict.insert("Link".into(), raw);
    }
    dict
}

/// `<url>; rel="next", …` by relation, or by address where there is none.
fn links(text: &str) -> Dict {
    const TRIM: [char; 3] = [' ', '\'', '"'];
    let mut all = Dict::new();
    for part in split_links(text.trim_matches(TRIM)) {
        let (url, parameters) = part.split_once(';').unwrap_or((part, ""));
        let url = url.trim_matches(['<', '>', ' ', '\'', '"']);
        let mut link = Dict::from_iter([("url".into(), Value::str(url))]);
        for parameter in parameters.split(';') {
            let Some((name, value)) = parameter.split_once('=') else { break };
            link.insert(name.trim_matches(TRIM).into(), Value::str(value.trim_matches(TRIM)));
        }
        let key = link.get("rel").or_else(|| link.get("url")).and_then(Value::as_str).unwrap_or_default().to_owned();
        all.insert(key.into(), Value::dict(link));
    }
    all
}

/// At each comma that a `<` follows.
fn split_links(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(',') {
        let rest = text[at + 1..].trim_start();
        if at >= start && rest.starts_with('<') {
            parts.push(&text[start..at]);
            start = text.len() - rest.len();
        }
    }
    if start < text.len() {
        parts.push(&text[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_by_relation() {
        let headers = [("link".to_owned(), "<https://x/?a=1,2>; rel=\"next\", <https://x/9>; rel=last; title='t'".to_owned())];
        let seen = Value::dict(with_links(&headers));
        let url = |relation: &str| seen.get("link").and_then(|links| links.get(relation)).and_then(|link| link.get("url")).cloned();
        assert_eq!(url("next"), Some(Value::str("https://x/?a=1,2")));
        assert_eq!(url("last"), Some(Value::str("https://x/9")));
        assert!(seen.get("Link").is_some());
        assert_eq!(Value::dict(with_links(&[])).get("link"), Some(&Value::dict(Dict::new())));
    }
}
