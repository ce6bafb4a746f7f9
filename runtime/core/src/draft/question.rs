//! What a connector cannot say and a person must: each question with the line of the manifest that answers it. Knows no answer to a question of law.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Candidate, hosts};
use crate::labels::{inline, quoted};
use crate::record::FieldPath;
use crate::vocab;

/// Something that is to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// One sentence.
    pub text: String,
    /// The key of the manifest that says it.
    pub key: &'static str,
    /// What to write behind the key, with blanks (`""`) where the answer stands. A blank is refused as long as it is one.
    pub answer: String,
}

fn ask(key: &'static str, answer: impl Into<String>, text: impl Into<String>) -> Question {
    Question { text: text.into(), key, answer: answer.into() }
}

/// What a system is, may do and must be able to do.
pub(super) fn of_system(candidate: &Candidate<'_>) -> Vec<Question> {
    let description = candidate.description;
    let imports = |name: &str| description.imports.iter().any(|import| import == name);
    let mut found = settings(candidate);
    if imports("http") {
        found.extend(reach(candidate));
    }
    if imports("files") {
        let text = "Which folder may it use, and how: `read` or `write`? Its configuration calls the folder by the name in front";
        found.push(ask("folders", "{ files = { path = \"\", access = \"\" } }", text));
    }
    if imports("sql") {
        let text =
            "Which database may it use, and what may it do there: `select`, `insert`, `update`, `delete`, `create`, `alter`, `drop`?";
        found.push(ask("databases", "{ main = { url = \"\", tables = {} } }", text));
    }
    found.push(ask("role", "\"\"", "Who runs it: you (`own`), somebody for you (`processor`), for own ends (`separate-controller`), or together with you (`joint-controller`)?"));
    found.push(ask("hosting", "{ country = \"\" }", "In which country does it stand? Two letters of ISO 3166"));
    if imports("http") {
        found.extend(party());
    }
    if description.source.is_some() {
        found.push(ask("collected_for", "[\"\"]", "For which purposes was its data collected? Ids of `[purpose.ID]`"));
    }
    if description.destination.is_some() {
        let text =
            "How is a person's data erased there: `native` or `emulated`, or `manual` by people, with the reference of their procedure?";
        found.push(ask("dsr", "{ erase = \"\", procedure = \"\" }", text));
    }
    found
}

/// Its configuration and the secrets in it.
fn settings(candidate: &Candidate<'_>) -> Vec<Question> {
    let mut found = Vec::new();
    let schema = &candidate.description.config;
    let names: Vec<&str> =
        schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let secrets: BTreeSet<&str> = candidate.secrets.iter().map(|place| place.split('.').next().unwrap_or(place)).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !secrets.contains(name)).collect();
    if candidate.config.is_none() && !names.is_empty() {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let blanks = required.filter(|name| names.contains(name)).map(|name| (name.to_owned(), Value::from(""))).collect();
        let text = format!("How is it set up? It knows {}: see `hub plugin inspect`", names.join(", "));
        found.push(ask("config", inline(&Value::Object(blanks)), text));
    }
    if !candidate.secrets.is_empty() {
        let file = |place: &String| format!("{} = {{ file = \"\" }}", crate::labels::key(place));
        let places: Vec<String> = candidate.secrets.iter().map(file).collect();
        let text = "In which files do its secrets stand? It sees placeholders; the host puts the secrets into its requests";
        found.push(ask("secrets", format!("{{ {} }}", places.join(", ")), text));
    }
    found
}

/// Where it may connect, and what of the answers it may see.
fn reach(candidate: &Candidate<'_>) -> Vec<Question> {
    let (origins, keys) = hosts(candidate.description);
    let listed: Vec<String> = origins.iter().map(|origin| quoted(origin)).collect();
    let answer = if listed.is_empty() { "[\"\"]".to_owned() } else { format!("[{}]", listed.join(", ")) };
    let from_keys = keys.iter().map(|key| format!("what stands in `{key}` of its configuration"));
    let wishes: Vec<String> =
        origins.iter().map(|origin| (*origin).to_owned()).chain(from_keys).chain(candidate.open_hosts.iter().cloned()).collect();
    let wishes = if wishes.is_empty() { "it names none".to_owned() } else { format!("it asks for {}", wishes.join("; ")) };
    let mut found = vec![ask("hosts", answer, format!("Which addresses may it reach, and no others? {}", sentence(&wishes)))];
    if candidate.secrets.is_empty() && candidate.foreign.is_empty() {
        let text = "Does it need a secret? The host puts it into its requests; the connector's page says by which name it asks for it";
        found.push(ask("credentials", "{ token = { scheme = \"bearer\", value = { file = \"\" } } }", text));
    }
    if candidate.description.read_body {
        let which = if candidate.entering.is_empty() { String::new() } else { format!(" of {}", candidate.entering.join(", ")) };
        found.push(ask("grants", "[\"read-body\"]", format!("May records{which} enter the sandbox? It cannot read them otherwise")));
    }
    found
}

/// Who it is to whom data goes.
fn party() -> [Question; 4] {
    [
        ask("legal_name", "\"\"", "Who is that by legal name, if it is not you?"),
        ask(
            "contract",
            "{ kind = \"\", ref = \"\", signed = \"\" }",
            "Which contract is there, if somebody else runs it: `art28` with a processor, `art26` with a joint controller?",
        ),
        ask("access_from", "[\"\"]", "From which other countries may somebody look at the data, for maintenance for instance?"),
        ask(
            "transfer",
            "[{ to = \"\", mechanism = \"\" }]",
            "What carries the transfer, if one of these countries is outside of the EEA (Art. 44 to 49 GDPR)?",
        ),
    ]
}

/// Whom a stream is about.
pub(super) struct Subjects<'a> {
    /// As the connector says.
    pub told: &'a [String],
    /// As its name suggests, each with the reason.
    pub guessed: &'a [(String, String)],
}

/// What a stream's records are about, where they come from and how a person is found in them.
pub(super) fn of_stream<'a>(subjects: &Subjects<'_>, fields: impl Iterator<Item = (&'a FieldPath, &'a str)>) -> Vec<Question> {
    let listed = |names: Vec<String>| if names.is_empty() { "[\"\"]".to_owned() } else { format!("[{}]", names.join(", ")) };
    let (names, because) = match subjects.guessed.first() {
        _ if !subjects.told.is_empty() => (subjects.told.iter().map(|name| quoted(name)).collect(), " As the connector says".to_owned()),
        Some((_, reason)) => (subjects.guessed.iter().map(|(name, _)| quoted(name)).collect(), format!(" Guessed, since {reason}")),
        None => (Vec::new(), String::new()),
    };
    vec![
        ask("subjects", listed(names), format!("Whose data is it?{because}")),
        ask("identity", identity(fields), "By which fields is a person found, and how surely: `strong`, `medium` or `weak`?"),
        ask("retention", "[\"\"]", "How long may it be kept there? Ids of `[retention.ID]`"),
        ask("source", "\"\"", "From whom does it come: from the person (`subject`), or `third-party:WHO`?"),
    ]
}

/// Kinds of identifiers and the categories that hold them, the surest first.
const KINDS: [(&str, &str); 4] = [
    ("number", "user.unique_id"),
    ("email", "user.contact.email"),
    ("username", "user.account.username"),
    ("phone", "user.contact.phone_number"),
];
/// Kinds that are suggested for one stream.
const MAX_KINDS: usize = 2;

fn identity<'a>(fields: impl Iterator<Item = (&'a FieldPath, &'a str)>) -> String {
    let fields: Vec<(&FieldPath, &str)> = fields.collect();
    // A person stands at the top of a record: what is deeper identifies somebody else as often.
    let at = |category: &str| fields.iter().find(|(path, own)| vocab::is_within(own, category) && path.parts().count() == 1);
    let kinds = KINDS.iter().filter_map(|(kind, category)| Some((kind, at(category)?.0)));
    let found: Vec<String> =
        kinds.take(MAX_KINDS).map(|(kind, path)| format!("{kind} = {{ field = {}, strength = \"\" }}", quoted(path.as_str()))).collect();
    if found.is_empty() { "{ number = { field = \"\", strength = \"\" } }".to_owned() } else { format!("{{ {} }}", found.join(", ")) }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
