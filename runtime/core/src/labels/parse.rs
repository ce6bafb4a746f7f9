//! `labels.toml` with places. Every fault of the file is told in one go.

use super::{FieldLabel, Labels, StreamLabels};
use crate::manifest::raw::{self, Node, Raw, Table};
use crate::manifest::{field_path, flatten, shorten};
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::FieldPath;
use crate::vocab::{self, closest_of};

const FILE_KEYS: &[&str] = &["labels", "stream"];
const STREAM_KEYS: &[&str] = &["confirmed", "fields", "primary_key", "subjects"];
const FIELD_KEYS: &[&str] = &["category", "confirmed"];
/// Faults that are told about one file.
const MAX_FAULTS: usize = 200;

/// Reads a file with labels. `file` is its number in the sources, `category` and `subject` know the words beyond the shipped ones.
#[must_use]
pub fn parse(text: &str, file: u16, category: &dyn Fn(&str) -> bool, subject: &dyn Fn(&str) -> bool) -> (Labels, Vec<Problem>) {
    let mut reader = Reader { found: Vec::new(), category, subject };
    let mut labels = Labels::default();
    match raw::parse(text, file) {
        Ok(root) => labels = reader.file(&root, Span { file, start: 0, end: 0 }),
        Err(problems) => reader.found = problems.into_iter().map(|problem| Problem { code: Code::E011, ..problem }).collect(),
    }
    reader.found.truncate(MAX_FAULTS);
    (labels, reader.found)
}

struct Reader<'a> {
    found: Vec<Problem>,
    category: &'a dyn Fn(&str) -> bool,
    subject: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn file(&mut self, root: &Table, begin: Span) -> Labels {
        self.keys(root, FILE_KEYS, "a file with labels");
        match root.get("labels") {
            Some(Node { value: Raw::Integer(Some(1)), .. }) => {}
            Some(node) => self.wrong(node.span, "`labels` must be the number 1", "write `labels = 1`: the version of this format"),
            None => self.wrong(begin, "the key `labels` is missing", "write `labels = 1` in the first line: the version of this format"),
        }
        let Some(node) = root.get("stream") else { return Labels::default() };
        let Raw::Table(streams) = &node.value else {
            self.wrong(node.span, "`stream` must be a table", "write `[stream.NAME]`");
            return Labels::default();
        };
        let streams = streams.entries.iter().filter_map(|(name, node)| match &node.value {
            Raw::Table(table) => Some(self.stream(name, table)),
            _ => {
                self.wrong(node.span, "a stream is a table", "write `[stream.NAME]`");
                None
            }
        });
        Labels { streams: streams.collect() }
    }

    fn stream(&mut self, name: &Spanned<String>, table: &Table) -> StreamLabels {
        self.keys(table, STREAM_KEYS, "a stream's labels");
        let confirmed = self.flag(table, true);
        let subjects = self.texts(table, "subjects");
        for subject in subjects.iter().filter(|subject| vocab::subject(&subject.value).is_none() && !(self.subject)(&subject.value)) {
            let near = vocab::closest_subject(&subject.value);
            self.found.push(no_word("data subject", subject, near));
        }
        let keys = self.texts(table, "primary_key");
        let primary_key = keys.iter().filter_map(|key| self.path(&key.value, key.span)).collect();
        let fields = match table.get("fields") {
            Some(Node { value: Raw::Table(fields), .. }) => self.fields(fields, confirmed),
            Some(node) => {
                self.wrong(node.span, "`fields` must be a table", "write `path = \"category\"` in it");
                Vec::new()
            }
            None => Vec::new(),
        };
        StreamLabels { name: name.clone(), subjects, primary_key, fields, confirmed }
    }

    fn fields(&mut self, table: &Table, confirmed: bool) -> Vec<FieldLabel> {
        let mut labels: Vec<FieldLabel> = Vec::new();
        for field in flatten(table, &["category"]) {
            let Some(path) = self.path(&field.path, field.span) else { continue };
            if let Some(first) = labels.iter().find(|label| label.path.value == path.value) {
                let problem = Problem::new(Code::E011, format!("`{}` is labelled twice", shorten(&field.path)), "keep one of the two");
                self.found.push(problem.at(field.span, "the second one").at(first.path.span, "the first one"));
                continue;
            }
            let Some((category, confirmed)) = self.label(field.node, confirmed) else { continue };
            if vocab::category(&category.value).is_none() && !(self.category)(&category.value) {
                self.found.push(no_word("data category", &category, vocab::closest(&category.value)));
            }
            labels.push(FieldLabel { path, category, confirmed });
        }
        labels
    }

    /// `"category"` or `{ category, confirmed }`.
    fn label(&mut self, node: &Node, confirmed: bool) -> Option<(Spanned<String>, bool)> {
        match &node.value {
            Raw::Text(text) => Some((Spanned { value: text.clone(), span: node.span }, confirmed)),
            Raw::Table(table) => {
                self.keys(table, FIELD_KEYS, "a label");
                let confirmed = self.flag(table, confirmed);
                match table.get("category") {
                    Some(Node { value: Raw::Text(text), span }) => Some((Spanned { value: text.clone(), span: *span }, confirmed)),
                    _ => {
                        self.wrong(node.span, "a label needs a text `category`", "write `{ category = \"…\", confirmed = false }`");
                        None
                    }
                }
            }
            _ => {
                self.wrong(node.span, "a label is a text", "write the category: `\"user.contact.email\"`");
                None
            }
        }
    }

    fn flag(&mut self, table: &Table, otherwise: bool) -> bool {
        match table.get("confirmed") {
            None => otherwise,
            Some(Node { value: Raw::Boolean(flag), .. }) => *flag,
            Some(node) => {
                self.wrong(node.span, "`confirmed` must be true or false", "write `confirmed = true` once you have looked at it");
                false
            }
        }
    }

    fn texts(&mut self, table: &Table, key: &str) -> Vec<Spanned<String>> {
        let Some(node) = table.get(key) else { return Vec::new() };
        let Raw::List(items) = &node.value else {
            self.wrong(node.span, format!("`{key}` must be a list of texts"), "write it in brackets: `[\"…\"]`");
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items {
            match &item.value {
                Raw::Text(text) => found.push(Spanned { value: text.clone(), span: item.span }),
                _ => self.wrong(item.span, format!("`{key}` must be a list of texts"), "write it in quotes"),
            }
        }
        found
    }

    fn path(&mut self, text: &str, span: Span) -> Option<Spanned<FieldPath>> {
        match field_path(text) {
            Ok(value) => Some(Spanned { value, span }),
            Err(help) => {
                self.wrong(span, format!("`{}` is not a field path", shorten(text)), help);
                None
            }
        }
    }

    fn keys(&mut self, table: &Table, known: &[&'static str], place: &str) {
        for (key, _) in table.entries.iter().filter(|(key, _)| !known.contains(&key.value.as_str())) {
            let near = closest_of(&key.value, known.iter().copied());
            let help =
                near.map_or_else(|| format!("remove it, or use one of {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
            self.wrong(key.span, format!("unknown key `{}` in {place}", shorten(&key.value)), help);
        }
    }

    fn wrong(&mut self, span: Span, title: impl Into<String>, help: impl Into<String>) {
        self.found.push(Problem::new(Code::E011, title, help).at(span, "here"));
    }
}

fn no_word(what: &str, written: &Spanned<String>, near: Option<&str>) -> Problem {
    let title = format!("`{}` is no {what} of the vocabulary", shorten(&written.value));
    let help = near.map_or_else(
        || "see docs/reference/vocabulary.md, or add the word to the manifest".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Problem::new(Code::E011, title, help).at(written.span, format!("no such {what}"))
}
