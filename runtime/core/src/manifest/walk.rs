//! Compares a file with the grammar and tells every unknown key (E002), wrong value (E003) and missing key (E004) in one go.
//!
//! Knows shapes only. What a text means (an origin, a period, a schedule) is `check`'s.

use super::finding::{Findings, listed, shorten};
use super::grammar::{self, Key, Kind, Names, Table, Text};
use super::raw::{self, Form, Node, Raw};
use crate::description::stream_name_fault;
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::FieldPath;

/// The greatest length of an id in bytes.
pub(super) const MAX_ID_BYTES: usize = 64;
/// The greatest length of a name for people in bytes.
const MAX_LABEL_BYTES: usize = 200;
/// The greatest length of a field path in bytes.
const MAX_PATH_BYTES: usize = 512;
/// The greatest number of names in a field path.
const MAX_PATH_PARTS: usize = 16;

/// Actions that say nothing without further keys.
const NEEDS_TABLE: [&str; 9] = ["constant", "mask", "pseudonymise", "truncate", "generalise", "redact", "encrypt", "lookup", "concat"];
/// By these keys the treatment of a field is known.
pub(super) const ACTION: &[&str] = &["action"];
/// By these keys the place of a secret is known.
pub(super) const SECRET: &[&str] = &["file", "env"];

/// Looks through one file. Missing top-level keys are told by [`required`], once all files are joined.
pub(super) fn file(root: &raw::Table, findings: &mut Findings) {
    let mut walker = Walker { findings, path: Vec::new() };
    walker.entries(&grammar::MANIFEST, root);
}

/// Tells which top-level keys are missing. `place` is the beginning of the first file.
pub(super) fn required(root: &raw::Table, place: Span, findings: &mut Findings) {
    Walker { findings, path: Vec::new() }.missing(&grammar::MANIFEST, root, &[], place);
}

struct Walker<'a> {
    findings: &'a mut Findings,
    path: Vec<String>,
}

impl Walker<'_> {
    fn table(&mut self, grammar: &Table, raw: &raw::Table, span: Span) {
        let misspelt = self.entries(grammar, raw);
        self.missing(grammar, raw, &misspelt, span);
    }

    /// Walks through the entries. Answers with the keys that unknown ones were probably meant to be.
    fn entries(&mut self, grammar: &Table, raw: &raw::Table) -> Vec<&'static str> {
        let mut meant = Vec::new();
        for (name, node) in &raw.entries {
            match grammar.keys.iter().find(|key| key.name == name.value) {
                Some(key) => self.inside(&name.value, |walker| walker.value(&key.kind, node)),
                None => meant.extend(self.unknown(grammar, name, node)),
            }
        }
        meant
    }

    fn missing(&mut self, grammar: &Table, raw: &raw::Table, misspelt: &[&str], span: Span) {
        let absent = |key: &&Key| key.required && raw.get(key.name).is_none() && !misspelt.contains(&key.name);
        for key in grammar.keys.iter().filter(absent) {
            let place = self.place(grammar);
            self.findings.lacks(key.missing, span, key.name, &place, key.example);
        }
    }

    fn unknown(&mut self, grammar: &Table, name: &Spanned<String>, node: &Node) -> Option<&'static str> {
        if std::ptr::eq(grammar, &raw const grammar::SECRET) {
            self.findings.secrets.push(node.span);
        }
        let allowed: Vec<&'static str> = grammar.keys.iter().map(|key: &Key| key.name).collect();
        let place = self.place(grammar);
        self.findings.unknown_key(name.span, &name.value, &place, &allowed)
    }

    fn value(&mut self, kind: &Kind, node: &Node) {
        match (kind, &node.value) {
            (Kind::Any, _)
            | (Kind::Text(_), Raw::Text(_))
            | (Kind::Boolean, Raw::Boolean(_))
            | (Kind::Date, Raw::Date(_))
            | (Kind::Free, Raw::Table(_)) => {}
            (Kind::Integer(least, greatest), Raw::Integer(number)) => {
                if !number.is_some_and(|number| (*least..=*greatest).contains(&number)) {
                    let title = format!("`{}` must be {}", self.shown(), expected(kind));
                    self.findings.wrong(node.span, title, format!("write {}", expected(kind)));
                }
            }
            (Kind::Choice(words), Raw::Text(word)) => {
                if !words.contains(&word.as_str()) {
                    let what = format!("`{}`", self.shown());
                    self.findings.not_a_choice(node.span, &what, word, words);
                }
            }
            (Kind::List(item), Raw::List(items)) => {
                for (index, node) in items.iter().enumerate() {
                    self.inside(&index.to_string(), |walker| walker.value(item, node));
                }
            }
            (Kind::Table(grammar), Raw::Table(raw)) => self.table(grammar, raw, node.span),
            (Kind::Map(Names::Path, value), Raw::Table(raw)) => self.fields(value, raw),
            (Kind::Map(names, value), Raw::Table(raw)) => self.map(*names, value, raw),
            (Kind::OneOf(kinds), value) => match kinds.iter().find(|kind| takes(kind, value)) {
                Some(kind) => self.value(kind, node),
                None => self.wrong_type(kind, node),
            },
            _ => self.wrong_type(kind, node),
        }
    }

    fn map(&mut self, names: Names, kind: &Kind, raw: &raw::Table) {
        for (name, node) in &raw.entries {
            let fault = match names {
                Names::Stream => stream_name_fault(&name.value),
                Names::Word => word_fault(&name.value),
                Names::Label => label_fault(&name.value),
                Names::Id | Names::Path => id_fault(&name.value),
            };
            if let Some(fault) = fault {
                let title = format!("`{}` cannot be a name in `{}`", shorten(&name.value), self.shown());
                self.findings.wrong(name.span, title, fault);
            }
            self.inside(&name.value, |walker| walker.value(kind, node));
        }
    }

    fn fields(&mut self, kind: &Kind, raw: &raw::Table) {
        for field in flatten(raw, own_keys(kind)) {
            if let Err(fault) = field_path(&field.path) {
                self.findings.wrong(field.span, format!("`{}` is not a field path", shorten(&field.path)), fault);
            }
            match &field.node.value {
                Raw::Text(word) if own_keys(kind) == ACTION && NEEDS_TABLE.contains(&word.as_str()) => {
                    let help = format!("write it as a table: `{{ action = {word:?}, … }}`");
                    self.findings.wrong(field.node.span, format!("the action `{word}` needs more than its name"), help);
                }
                _ => self.inside(&field.path, |walker| walker.value(kind, field.node)),
            }
        }
    }

    fn wrong_type(&mut self, kind: &Kind, node: &Node) {
        if is_secret(kind) {
            return self.literal_secret(node);
        }
        let title = format!("`{}` must be {}", self.shown(), expected(kind));
        let problem = Problem::new(Code::E003, title, format!("write {}", expected(kind)));
        self.findings.push(problem.at(node.span, format!("this is {}", node.value.type_name())));
    }

    fn literal_secret(&mut self, node: &Node) {
        self.findings.secrets.push(node.span);
        let problem = literal_secret(&self.shown(), "`{ file = \"…\" }` or `{ env = \"…\" }`", node.span);
        self.findings.push(problem);
    }

    fn inside(&mut self, name: &str, act: impl FnOnce(&mut Self)) {
        self.path.push(name.to_owned());
        act(self);
        self.path.pop();
    }

    fn shown(&self) -> String {
        shorten(&self.path.join("."))
    }

    fn place(&self, grammar: &Table) -> String {
        if self.path.is_empty() { grammar.title.to_owned() } else { format!("`[{}]`", self.shown()) }
    }
}

/// A secret stands where its place should.
pub(super) fn literal_secret(shown: &str, write: &str, span: Span) -> Problem {
    let help = format!("write {write}; treat what stood here as known to others and replace it");
    Problem::new(Code::E003, format!("`{shown}` must say where the secret is, not what it is"), help)
        .at(span, "a secret in the manifest would be read by everyone who reads the manifest")
}

fn is_secret(kind: &Kind) -> bool {
    match kind {
        Kind::Table(table) => std::ptr::eq(*table, &raw const grammar::SECRET),
        Kind::OneOf(kinds) => kinds.iter().any(is_secret),
        _ => false,
    }
}

/// One entry of a `fields` table.
pub(crate) struct Field<'a> {
    /// Names from the outside to the inside, joined by dots.
    pub(crate) path: String,
    /// Place of the innermost key.
    pub(crate) span: Span,
    /// What stands behind it.
    pub(crate) node: &'a Node,
}

/// The entries of a table whose keys are paths; tables that only exist because of a dotted key or a header count as the front part of a path.
/// `own_keys`: the keys by which a table behind a path is told from such a front part; none if no table can stand there.
pub(crate) fn flatten<'a>(table: &'a raw::Table, own_keys: &[&str]) -> Vec<Field<'a>> {
    let mut found = Vec::new();
    flatten_into("", table, own_keys, &mut found);
    found.sort_by_key(|field| field.span);
    found
}

fn flatten_into<'a>(prefix: &str, table: &'a raw::Table, own_keys: &[&str], found: &mut Vec<Field<'a>>) {
    for (key, node) in &table.entries {
        let path = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
        match &node.value {
            Raw::Table(inner) if is_front_part(inner, own_keys) => flatten_into(&path, inner, own_keys, found),
            _ => found.push(Field { path, span: key.span, node }),
        }
    }
}

fn is_front_part(table: &raw::Table, own_keys: &[&str]) -> bool {
    let is_own = || own_keys.iter().any(|key| matches!(table.get(key), Some(Node { value: Raw::Text(_), .. })));
    match table.form {
        // `key.file = "…"` makes the table of a secret, `address.city = "…"` the front part of a path.
        Form::Implied => own_keys != SECRET || !is_own(),
        Form::Inline => own_keys.is_empty(),
        Form::Header => own_keys.is_empty() || !is_own(),
    }
}

/// The keys by which the tables of this kind are known where a path may stand as well.
fn own_keys(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Table(table) if std::ptr::eq(*table, &raw const grammar::SECRET) => SECRET,
        Kind::Table(_) => ACTION,
        Kind::OneOf(kinds) => kinds.iter().map(own_keys).find(|keys| !keys.is_empty()).unwrap_or_default(),
        _ => &[],
    }
}

/// True if the TOML type fits; kinds inside a `OneOf` differ by it.
fn takes(kind: &Kind, value: &Raw) -> bool {
    match kind {
        Kind::Any => true,
        Kind::Text(_) | Kind::Choice(_) => matches!(value, Raw::Text(_)),
        Kind::Integer(..) => matches!(value, Raw::Integer(_)),
        Kind::Boolean => matches!(value, Raw::Boolean(_)),
        Kind::Date => matches!(value, Raw::Date(_)),
        Kind::List(_) => matches!(value, Raw::List(_)),
        Kind::Table(_) | Kind::Map(..) | Kind::Free => matches!(value, Raw::Table(_)),
        Kind::OneOf(kinds) => kinds.iter().any(|kind| takes(kind, value)),
    }
}

/// The kind in words, for messages and the reference.
pub(super) fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Text(Text::StoreKey) => "`\"kms:NAME\"`".to_owned(),
        Kind::Text(_) => "text".to_owned(),
        Kind::Boolean => "`true` or `false`".to_owned(),
        Kind::Date => "a day without quotes (`2026-03-01`)".to_owned(),
        Kind::Integer(least, greatest) if least == greatest => format!("the number {least}"),
        Kind::Integer(least, greatest) => format!("a whole number from {least} to {greatest}"),
        Kind::Choice([only]) => format!("`{only}`"),
        Kind::Choice(words) => format!("one of {}", listed(words)),
        Kind::List(item) => match item {
            Kind::Text(_) => "a list of texts".to_owned(),
            Kind::Table(_) => "a list of tables (`[[…]]`)".to_owned(),
            item => format!("a list, each element {}", expected(item)),
        },
        Kind::Table(table) if table.title.starts_with('{') => format!("a table `{}`", table.title),
        Kind::Table(_) | Kind::Map(..) | Kind::Free => "a table".to_owned(),
        Kind::Any => "any value".to_owned(),
        Kind::OneOf(kinds) => kinds.iter().map(expected).collect::<Vec<_>>().join(", or "),
    }
}

/// None if the text can be an id; else what an id looks like.
#[must_use]
pub fn id_fault(id: &str) -> Option<&'static str> {
    let body = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = id.len() <= MAX_ID_BYTES && id.bytes().next().is_some_and(body) && id.bytes().all(|byte| body(byte) || byte == b'-');
    (!fits).then_some("use lower-case letters, digits and hyphens, beginning with a letter or digit, at most 64 of them")
}

/// None if the text can be a word of the operator's own; else what a word looks like.
fn word_fault(word: &str) -> Option<&'static str> {
    let body = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = word.len() <= MAX_ID_BYTES
        && word.bytes().next().is_some_and(body)
        && word.bytes().all(|byte| body(byte) || matches!(byte, b'-' | b'_'));
    (!fits).then_some("use lower-case letters, digits, `_` and hyphens, beginning with a letter or digit, at most 64 of them")
}

/// None if the text can be a name for people; else what such a name looks like.
pub(super) fn label_fault(label: &str) -> Option<&'static str> {
    let fits = !label.trim().is_empty() && label.len() <= MAX_LABEL_BYTES && !label.chars().any(char::is_control);
    (!fits).then_some("use a text in one line, at most 200 bytes")
}

/// The text as a field path; else what a path looks like.
pub(crate) fn field_path(text: &str) -> Result<FieldPath, &'static str> {
    const HELP: &str = "write names joined by dots (`address.city`), at most 16 names and 512 bytes, none of them empty";
    if text.len() > MAX_PATH_BYTES || text.split('.').count() > MAX_PATH_PARTS || text.chars().any(char::is_control) {
        return Err(HELP);
    }
    FieldPath::parse(text).ok_or(HELP)
}
