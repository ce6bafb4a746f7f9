//! A vCard with other values in some of its properties. Everything else in it stays as it is, but REV, which no longer holds.

use serde_json::{Map, Value};

use crate::card::{self, Unfolded, escape, property, raw_components, text, without_scheme};

/// Fields that can be written, in the order in which a new card has them.
const FIELDS: [(&str, Setter); 8] = [
    ("uid", |card, value| required(value, "no-key").map(|text| card.single("UID", text))),
    ("fn", |card, value| required(value, "no-name").map(|text| card.single("FN", text))),
    ("given_name", |card, value| words(value).map(|text| card.component("N", 1, text))),
    ("family_name", |card, value| words(value).map(|text| card.component("N", 0, text))),
    ("emails", |card, value| list(value).map(|texts| card.list("EMAIL", "mailto:", &texts))),
    ("phones", |card, value| list(value).map(|texts| card.list("TEL", "tel:", &texts))),
    ("org", |card, value| words(value).map(|text| card.component("ORG", 0, text))),
    ("note", |card, value| words(value).map(|text| card.single("NOTE", text))),
];
/// A line has at most so many bytes (RFC 6350, 3.2).
const MAX_LINE_BYTES: usize = 75;
const END: &str = "END:VCARD";

/// Why a row cannot be written: a word, never a value.
pub type Refused = &'static str;

/// Puts a value into a card, if it is not there.
type Setter = fn(&mut Card, &Value) -> Result<(), Refused>;

/// The lines of a card, unfolded.
struct Card {
    lines: Vec<String>,
    is_changed: bool,
}

/// The card's own number. None: it has none, or is no card.
pub fn uid(card: &str) -> Option<String> {
    Unfolded::new(card).find_map(|line| property(&line).filter(|(name, _)| name == "UID").map(|(_, value)| text(value)))
}

/// Names of the fields that can be written.
pub fn fields() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

/// A new card of version 4.
pub fn new(values: &Map<String, Value>) -> Result<String, Refused> {
    let mut card = Card { lines: ["BEGIN:VCARD", "VERSION:4.0", END].map(String::from).to_vec(), is_changed: true };
    card.set(values)?;
    if !card.lines.iter().any(|line| property(line).is_some_and(|(name, _)| name == "FN")) {
        return Err("no-name");
    }
    Ok(card.folded())
}

/// The card with these values. None: it has them already.
pub fn changed(old: &str, values: &Map<String, Value>) -> Result<Option<String>, Refused> {
    if !card::is_known(old) {
        return Err("not-a-card");
    }
    let lines = Unfolded::new(old).filter(|line| !line.trim().is_empty()).collect();
    let mut card = Card { lines, is_changed: false };
    card.set(values)?;
    card.lines.retain(|line| property(line).is_none_or(|(name, _)| name != "REV"));
    Ok(card.is_changed.then(|| card.folded()))
}

impl Card {
    fn set(&mut self, values: &Map<String, Value>) -> Result<(), Refused> {
        FIELDS.iter().filter_map(|(field, set)| Some((set, values.get(*field)?))).try_for_each(|(set, value)| set(self, value))
    }

    /// The first property of a name gets the value, and keeps its parameters; without a value it goes.
    fn single(&mut self, name: &str, value: &str) {
        let at = self.find(name);
        let old = at.and_then(|at| self.value(at)).map(text).unwrap_or_default();
        if old != value {
            self.put(at, name, (!value.is_empty()).then(|| escape(value)));
        }
    }

    /// One part of a property that has several.
    fn component(&mut self, name: &str, index: usize, value: &str) {
        let at = self.find(name);
        let mut parts: Vec<String> =
            at.and_then(|at| self.value(at)).map(raw_components).unwrap_or_default().into_iter().map(String::from).collect();
        if parts.len() <= index {
            parts.resize(index + 1, String::new());
        }
        let Some(part) = parts.get_mut(index).filter(|part| text(part) != value) else { return };
        *part = escape(value);
        let is_empty = parts.iter().all(String::is_empty);
        self.put(at, name, (!is_empty).then(|| parts.join(";")));
    }

    /// Lines of a name whose value is wanted stay as they are, the others go, new ones come behind.
    fn list(&mut self, name: &str, scheme: &str, wanted: &[&str]) {
        let mut missing = wanted.to_vec();
        let before = self.lines.len();
        self.lines.retain(|line| {
            let Some((_, value)) = property(line).filter(|(found, _)| found == name) else { return true };
            let value = without_scheme(&text(value), scheme);
            missing.retain(|wanted| *wanted != value);
            wanted.contains(&value.as_str())
        });
        self.is_changed |= self.lines.len() != before;
        for value in missing {
            self.put(None, name, Some(escape(value)));
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|line| property(line).is_some_and(|(found, _)| found == name))
    }

    fn value(&self, at: usize) -> Option<&str> {
        self.lines.get(at).and_then(|line| property(line)).map(|(_, value)| value)
    }

    /// In the place of a line, or before the end.
    fn put(&mut self, at: Option<usize>, name: &str, value: Option<String>) {
        self.is_changed = true;
        let head = at.and_then(|at| Some((self.lines.get(at)?, self.value(at)?))).and_then(|(line, value)| line.strip_suffix(value));
        let head = head.map_or_else(|| format!("{name}:"), String::from);
        match (at, value) {
            (Some(at), Some(value)) => self.lines.splice(at..=at, [head + &value]).for_each(drop),
            (Some(at), None) => drop(self.lines.remove(at)),
            (None, Some(value)) => {
                let end = self.lines.iter().rposition(|line| line.trim().eq_ignore_ascii_case(END)).unwrap_or(self.lines.len());
                self.lines.insert(end, head + &value);
            }
            (None, None) => {}
        }
    }

    fn folded(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let mut length = 0;
            for sign in line.chars() {
                if length + sign.len_utf8() > MAX_LINE_BYTES {
                    out.push_str("\r\n ");
                    length = 1;
                }
                out.push(sign);
                length += sign.len_utf8();
            }
            out.push_str("\r\n");
        }
        out
    }
}

fn words(value: &Value) -> Result<&str, Refused> {
    match value {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text.trim()),
        _ => Err("wrong-type"),
    }
}

fn required(value: &Value, missing: Refused) -> Result<&str, Refused> {
    words(value).and_then(|text| if text.is_empty() { Err(missing) } else { Ok(text) })
}

fn list(value: &Value) -> Result<Vec<&str>, Refused> {
    let values = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(values) => values,
        _ => return Err("wrong-type"),
    };
    let mut found = Vec::new();
    for value in values {
        let value = required(value, "wrong-type")?;
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{changed, new, uid};

    const OLD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:K7\r\nFN;X=\"a:b\":Käthe Bäcker\r\nN:Bäcker;Käthe;Maria\\, Anna,Eva;Dr.;\r\nitem1.EMAIL;TYPE=WORK:a@company.example\r\n\
        EMAIL:mailto:b@company.example\r\nORG:Beispiel GmbH;Vertrieb\\; Nord\r\nX-OWN;A=1:stays\\,as it is\r\nREV:20260101T120000Z\r\nEND:VCARD\r\n";

    fn values(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_what_differs_is_changed() {
        let name = values(
            json!({ "uid": "K7", "fn": "Zoë Neumann", "family_name": "Neumann", "org": "Muster, Söhne", "emails": ["a@company.example", "c@company.example"] }),
        );
        let card = changed(OLD, &name).unwrap().unwrap();
        assert_eq!(
            card,
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:K7\r\nFN;X=\"a:b\":Zoë Neumann\r\nN:Neumann;Käthe;Maria\\, Anna,Eva;Dr.;\r\nitem1.EMAIL;TYPE=WORK:a@company.example\r\n\
             ORG:Muster\\, Söhne;Vertrieb\\; Nord\r\nX-OWN;A=1:stays\\,as it is\r\nEMAIL:c@company.example\r\nEND:VCARD\r\n"
        );
        assert_eq!(changed(&card, &name), Ok(None));
        let same = values(
            json!({ "uid": "K7", "fn": "Käthe Bäcker", "given_name": "Käthe", "emails": ["b@company.example", "a@company.example"], "phones": [], "note": null }),
        );
        assert_eq!(changed(OLD, &same), Ok(None), "its date stays too");
    }

    #[test]
    fn what_is_empty_goes() {
        let card = changed(OLD, &values(json!({ "emails": null, "org": null, "given_name": "" }))).unwrap().unwrap();
        assert!(
            !card.contains("EMAIL") && card.contains("\r\nORG:;Vertrieb\\; Nord\r\n") && card.contains("\r\nN:Bäcker;;Maria"),
            "{card}"
        );
    }

    #[test]
    fn a_new_card_is_folded_and_comes_back() {
        let note = format!("Erste; Zeile\n{}", "Größe, ".repeat(30));
        let card =
            new(&values(json!({ "uid": "K\\8", "fn": "Ådne Øst", "given_name": "Ådne", "phones": ["+49 30 23125 008"], "note": note })))
                .unwrap();
        assert!(card.starts_with("BEGIN:VCARD\r\nVERSION:4.0\r\nUID:K\\\\8\r\n") && card.ends_with("\r\nEND:VCARD\r\n"), "{card}");
        assert!(card.lines().all(|line| line.len() <= 75), "{card}");
        assert_eq!(uid(&card).as_deref(), Some("K\\8"));
        assert_eq!(changed(&card, &values(json!({ "note": note, "phones": ["+49 30 23125 008"] }))), Ok(None));
    }

    #[test]
    fn what_cannot_be_written_is_told_by_a_word() {
        for (value, code) in [
            (json!({ "uid": "1" }), "no-name"),
            (json!({ "uid": "", "fn": "x" }), "no-key"),
            (json!({ "uid": "1", "fn": 7 }), "wrong-type"),
            (json!({ "uid": "1", "fn": "x", "emails": "a@company.example" }), "wrong-type"),
        ] {
            assert_eq!(new(&values(value)), Err(code));
        }
        assert_eq!(changed("BEGIN:VCARD\nVERSION:2.1\nEND:VCARD", &Map::new()), Err("not-a-card"));
        let line = new(&values(json!({ "uid": "1", "fn": "x\r\nEND:VCARD\u{1}" }))).unwrap();
        assert!(line.contains("\r\nFN:x\\nEND:VCARD\r\n"), "no value ends a line: {line:?}");
    }
}
