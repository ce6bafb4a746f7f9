//! A vCard (3: RFC 2426, 4: RFC 6350) as a flat record. Reads only properties that the stream has: a photo is passed over.

use hub_sdk::StreamRequest;
use serde::Serialize;

/// A record has at most so many mail addresses, telephone numbers and addresses each; a card with more is no contact.
const MAX_VALUES: usize = 1_000;

/// Fields and the properties that they come from.
const SOURCES: [(&str, &str); 11] = [
    ("uid", "UID"),
    ("fn", "FN"),
    ("given_name", "N"),
    ("family_name", "N"),
    ("emails", "EMAIL"),
    ("phones", "TEL"),
    ("org", "ORG"),
    ("department", "ORG"),
    ("addresses", "ADR"),
    ("note", "NOTE"),
    ("rev", "REV"),
];

/// What the stream `contacts` hands over.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Record {
    href: String,
    uid: Option<String>,
    #[serde(rename = "fn")]
    full_name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    emails: Vec<String>,
    phones: Vec<String>,
    org: Option<String>,
    department: Option<String>,
    addresses: Vec<Address>,
    note: Option<String>,
    rev: Option<String>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

/// Properties to ask the server for; without them a vCard is none, or what the flow wants would be missing.
pub fn wanted(request: &StreamRequest) -> Vec<&'static str> {
    let mut names = vec!["VERSION", "UID", "FN", "N"];
    for (field, property) in SOURCES {
        if request.wants(field) && !names.contains(&property) {
            names.push(property);
        }
    }
    names
}

/// None: it is no vCard of version 3 or 4.
pub fn read(href: &str, text: &str, request: &StreamRequest) -> Option<Record> {
    let mut lines = Unfolded::new(text);
    let mut record = Record { href: href.to_owned(), ..Record::default() };
    let mut version = None;
    lines.by_ref().find(|line| !line.trim().is_empty()).filter(|line| line.trim().eq_ignore_ascii_case("BEGIN:VCARD"))?;
    for line in lines {
        let Some((name, value)) = property(&line) else { continue };
        match name.as_str() {
            "END" => {
                let is_known = matches!(version.as_deref(), Some("3.0" | "4.0"));
                return is_known.then(|| record.only(request));
            }
            "VERSION" => version = Some(value.trim().to_owned()),
            _ => record.take(&name, value)?,
        }
    }
    None
}

/// It is a vCard of version 3 or 4.
pub fn is_known(card: &str) -> bool {
    read("", card, &StreamRequest::new("contacts")).is_some()
}

impl Record {
    /// None: there are far too many of one kind.
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "UID" => set(&mut self.uid, text(value)),
            "FN" => set(&mut self.full_name, text(value)),
            "NOTE" => set(&mut self.note, text(value)),
            "REV" => set(&mut self.rev, text(value)),
            "N" => {
                let mut parts = components(value).into_iter();
                set(&mut self.family_name, parts.next().unwrap_or_default());
                set(&mut self.given_name, parts.next().unwrap_or_default());
            }
            "ORG" => {
                let mut parts = components(value).into_iter();
                set(&mut self.org, parts.next().unwrap_or_default());
                set(&mut self.department, joined(parts));
            }
            "EMAIL" => add(&mut self.emails, without_scheme(&text(value), "mailto:"))?,
            "TEL" => add(&mut self.phones, without_scheme(&text(value), "tel:"))?,
            "ADR" => {
                let address = Address::of(components(value));
                if address != Address::default() {
                    (self.addresses.len() < MAX_VALUES).then_some(())?;
                    self.addresses.push(address);
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Without what the flow does not want: not every server sends less when it is asked for less.
    fn only(mut self, request: &StreamRequest) -> Self {
        let wants = |field: &str| request.wants(field);
        for (field, slot) in [
            ("uid", &mut self.uid),
            ("fn", &mut self.full_name),
            ("given_name", &mut self.given_name),
            ("family_name", &mut self.family_name),
            ("org", &mut self.org),
            ("department", &mut self.department),
            ("note", &mut self.note),
            ("rev", &mut self.rev),
        ] {
            slot.take_if(|_| !wants(field));
        }
        self.emails.retain(|_| wants("emails"));
        self.phones.retain(|_| wants("phones"));
        self.addresses.retain(|_| wants("addresses"));
        self
    }
}

impl Address {
    fn of(parts: Vec<String>) -> Self {
        let mut parts = parts.into_iter();
        let (post_box, extended, street) = (parts.next(), parts.next(), parts.next());
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let street = joined([street, extended, post_box].into_iter().flatten());
        Self {
            street: Some(street).filter(|street| !street.is_empty()),
            city: next(),
            region: next(),
            postal_code: next(),
            country: next(),
        }
    }
}

/// The first of several wins: vCard 4 puts the preferred one there unless it says otherwise.
fn set(slot: &mut Option<String>, value: String) {
    if slot.is_none() && !value.is_empty() {
        *slot = Some(value);
    }
}

fn add(list: &mut Vec<String>, value: String) -> Option<()> {
    if !value.is_empty() && !list.contains(&value) {
        (list.len() < MAX_VALUES).then_some(())?;
        list.push(value);
    }
    Some(())
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

pub fn without_scheme(value: &str, scheme: &str) -> String {
    let rest = value.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).and_then(|_| value.get(scheme.len()..));
    rest.unwrap_or(value).trim().to_owned()
}

/// Lines of content: one that begins with a blank belongs to the line before.
pub struct Unfolded<'a> {
    rest: &'a str,
}

impl<'a> Unfolded<'a> {
    pub fn new(card: &'a str) -> Self {
        Self { rest: card.trim_start_matches('\u{FEFF}') }
    }
}

impl Iterator for Unfolded<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.rest.is_empty() {
            return None;
        }
        let mut line = String::new();
        loop {
            let (part, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            line.push_str(part.strip_suffix('\r').unwrap_or(part));
            match rest.strip_prefix([' ', '\t']) {
                Some(folded) => self.rest = folded,
                None => {
                    self.rest = rest;
                    return Some(line);
                }
            }
        }
    }
}

/// Name in upper case, without a group, and value; parameters are passed over. None: it is no line of content.
pub fn property(line: &str) -> Option<(String, &str)> {
    let mut quoted = false;
    let end = line.find(|sign| {
        quoted ^= sign == '"';
        sign == ':' && !quoted
    })?;
    let (head, value) = (line.get(..end)?, line.get(end + 1..)?);
    let name = head.split(';').next()?;
    let name = name.rsplit('.').next()?.trim();
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')).then(|| (name.to_ascii_uppercase(), value))
}

/// A value with its signs in place of their escapes, without blanks around.
pub fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut signs = value.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out.trim().to_owned()
}

/// A text as a value: signs that mean something are escaped, those that would end a line are not in it.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => out.extend(['\\', sign]),
            sign if sign.is_control() && sign != '\t' => {}
            sign => out.push(sign),
        }
    }
    out
}

fn components(value: &str) -> Vec<String> {
    raw_components(value).into_iter().map(text).collect()
}

/// Parts between semicolons that are not escaped, as they stand.
pub fn raw_components(value: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, sign) in value.char_indices() {
        if sign == ';' && !escaped {
            parts.push(value.get(start..at).unwrap_or_default());
            start = at + 1;
        }
        escaped = sign == '\\' && !escaped;
    }
    parts.push(value.get(start..).unwrap_or_default());
    parts
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hub_sdk::StreamRequest;
    use serde_json::{Value, json};

    use super::{read, wanted};

    fn record(card: &str) -> Option<Value> {
        read("/a.vcf", card, &StreamRequest::new("contacts")).map(|record| serde_json::to_value(record).unwrap())
    }

    #[test]
    fn a_card_of_version_4_with_everything() {
        let card = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:1\r\nFN;PREF=1:Dörte Voß\r\nFN:D. V.\r\nN:Voß;Dörte;Maria;Dr.;\r\n\
            item1.EMAIL;TYPE=\"work:x;y\":a@example.org\r\nEMAIL:mailto:b@example.org\r\nEMAIL:a@example.org\r\nTEL;VALUE=uri:tel:+49-30-1\r\nORG:Beispiel\\; Söhne;Vertrieb;Nord\r\n\
            ADR;TYPE=home:PF 7;;Hafenstraße 1\\, links;Köln;NW;50667;Deutschland\r\nADR:;;;;;;\r\nNOTE:Zeile 1\\nZeile 2 \\\\ En\r\n de\r\nPHOTO:data:image/png;base64,AAAA\r\n\
            REV:20260101T120000Z\r\nX-OTHER:1\r\nEND:VCARD\r\n";
        let wanted = json!({ "href": "/a.vcf", "uid": "urn:uuid:1", "fn": "Dörte Voß", "given_name": "Dörte", "family_name": "Voß", "emails": ["a@example.org", "b@example.org"],
            "phones": ["+49-30-1"], "org": "Beispiel; Söhne", "department": "Vertrieb, Nord", "note": "Zeile 1\nZeile 2 \\ Ende", "rev": "20260101T120000Z",
            "addresses": [{ "street": "Hafenstraße 1, links, PF 7", "city": "Köln", "region": "NW", "postal_code": "50667", "country": "Deutschland" }] });
        assert_eq!(record(card), Some(wanted));
    }

    #[test]
    fn a_card_of_version_3_with_bare_line_ends() {
        let found = record("\u{FEFF}\nbegin:vcard\nversion:3.0\nfn:Zoë\nn:;Zoë\ntel;type=cell:+49 30\nend:vcard").unwrap();
        assert_eq!(
            (&found["fn"], &found["given_name"], &found["family_name"], &found["phones"]),
            (&json!("Zoë"), &json!("Zoë"), &Value::Null, &json!(["+49 30"]))
        );
    }

    #[test]
    fn what_is_no_card_is_none() {
        let endless = "EMAIL:a@example.org\n".repeat(3);
        let many: String = (0..1_001).map(|number| format!("EMAIL:{number}@example.org\n")).collect();
        for card in [
            "",
            "\n\n",
            "BEGIN:VCALENDAR\nVERSION:4.0\nEND:VCALENDAR",
            "BEGIN:VCARD\nVERSION:2.1\nFN:x\nEND:VCARD",
            "BEGIN:VCARD\nFN:x\nEND:VCARD",
            &format!("BEGIN:VCARD\nVERSION:4.0\n{endless}"),
            &format!("BEGIN:VCARD\nVERSION:4.0\n{many}END:VCARD"),
        ] {
            assert_eq!(record(card), None, "{card}");
        }
    }

    #[test]
    fn odd_lines_do_no_harm() {
        let card = "BEGIN:VCARD\nVERSION:4.0\n\n:\n;;;\nno colon\n \n\t\n..:x\nTEL;X=\"open:+49\nN\nADR:\\\nNOTE:\\\n\u{0}FN:x\nFN:y\\\nORG:;;\nEND:VCARD";
        let found = record(card).unwrap();
        assert_eq!((&found["fn"], &found["org"], &found["phones"]), (&json!("y\\"), &Value::Null, &json!([])));
    }

    #[test]
    fn only_what_the_flow_wants_is_asked_for_and_kept() {
        let request =
            StreamRequest { fields: vec!["href".into(), "emails".into(), "addresses.city".into()], ..StreamRequest::new("contacts") };
        assert_eq!(wanted(&request), ["VERSION", "UID", "FN", "N", "EMAIL", "ADR"]);
        let card = "BEGIN:VCARD\nVERSION:4.0\nUID:1\nFN:Anna\nEMAIL:a@example.org\nNOTE:secret\nEND:VCARD";
        let text = serde_json::to_string(&read("/a.vcf", card, &request).unwrap()).unwrap();
        assert!(text.contains("a@example.org") && !text.contains("Anna") && !text.contains("secret"), "{text}");
    }
}
