//! A draft as `manifest.toml`. A line that begins with `#` and no blank is a setting that waits; everything else behind a `#` is for reading.

use std::fmt::Write as _;

use super::{Draft, Question, Stream, System};
use crate::labels::{Proposals, comment, inline, key, quoted};

const HEAD: &str = "\
# A draft by `hub discover`: what the connectors say about themselves, and what is yours to decide. Nothing moves before you have.
# A line that begins with `#` and no blank is a setting that waits: answer it between the quotes and take the `#` away. What does not apply stays a comment.
# `hub check` says what is still open; `hub explain CODE` says more.
manifest = 1

[operator]
# Who answers for all this, and who is asked about data protection (Art. 30(1)(a) GDPR)?
name = \"\"
contact = \"\"
";

const TAIL: &str = "
# What for, on which legal basis, and which data categories that needs (docs/reference/vocabulary.md).
#[purpose.first]
#use = \"\"
#basis = { art6 = \"\" }
#allows = [\"\"]

# How long: `limit` at most so long, `keep` at least so long because a law wants it (then with `statute`). Periods: P3Y, P6M, P30D.
#[retention.first]
#kind = \"\"
#period = \"\"
";

/// Columns for a path before its category.
const PATH_WIDTH: usize = 32;

impl Draft {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> String {
        let mut text = HEAD.to_owned();
        for system in &self.systems {
            text.push_str(&table(system));
            system.streams.iter().for_each(|stream| text.push_str(&stream_table(system, stream)));
        }
        text.push_str(TAIL);
        text.push_str(&self.flow());
        text
    }

    /// A flow that waits, with names that exist where there are some.
    fn flow(&self) -> String {
        let from = self.systems.iter().find_map(|system| Some(format!("{}.{}", system.id, system.streams.first()?.name)));
        let to = self.systems.iter().find(|system| !system.modes.is_empty());
        let stream = from.as_deref().and_then(|from| from.split_once('.')).map_or("", |(_, stream)| stream);
        let to = to.map_or_else(String::new, |system| format!("{}.{stream}", system.id));
        format!(
            "\n# What goes where. There is no flow yet, so everything is denied. Each field is named; there is no word for all of them.\n\
             #[flow.first]\n#from = {}\n#to = {}\n#purpose = \"first\"\n#retention = [\"first\"]\n#fields = [\"\"]\n",
            quoted(from.as_deref().unwrap_or_default()),
            quoted(&to)
        )
    }
}

fn table(system: &System) -> String {
    let mut text = format!("\n[system.{}]\n# {}\n", system.id, comment(&system.title));
    let directions = match (system.source, system.modes.as_slice()) {
        (true, []) => "It can be read from.".to_owned(),
        (true, modes) => format!("It can be read from, and written to ({}).", modes.join(", ")),
        (false, modes) => format!("It can be written to ({}).", modes.join(", ")),
    };
    let _ = writeln!(text, "# {directions}\nconnector = {}", quoted(&system.reference));
    if let Some(config) = system.config.as_ref().filter(|config| config.as_object().is_some_and(|config| !config.is_empty())) {
        let _ = writeln!(text, "config = {}", inline(config));
    }
    text.push_str(
        "# Nobody has decided yet, and no flow may use it (HUB-E105). When you have: `pilot` or `approved`\nstatus = \"requested\"\n",
    );
    system.questions.iter().for_each(|question| ask(question, &mut text));
    text
}

fn stream_table(system: &System, stream: &Stream) -> String {
    let name = format!("{}.{}", system.id, key(&stream.name));
    let mut text = format!("\n[stream.{name}]\n# {}\n", comment(&stream.summary));
    let keys: Vec<&str> = stream.primary_key.iter().map(|path| path.as_str()).collect();
    if !keys.is_empty() || stream.cursor.is_some() {
        let cursor = stream.cursor.as_ref().map_or("none", |path| path.as_str());
        let keys = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
        let _ = writeln!(text, "# key: {}   cursor: {}", comment(&keys), comment(cursor));
    }
    stream.questions.iter().for_each(|question| ask(question, &mut text));
    if !stream.known.is_empty() {
        text.push_str("# What the connector calls its fields:\n");
        for (path, category) in &stream.known {
            let _ = writeln!(text, "#   {:<PATH_WIDTH$} {}", comment(path.as_str()), comment(category));
        }
    }
    if stream.untold > 0 {
        let _ = writeln!(text, "# Not told: {} fields of the sample whose names could be values.", stream.untold);
    }
    if !stream.proposals.fields.is_empty() || !stream.proposals.unknown.is_empty() {
        let _ = writeln!(
            text,
            "[stream.{name}.fields]\n# Suggestions with how sure they are and why. What stays a comment has no category and cannot pass (HUB-E102)."
        );
        text.push_str(&labels(&stream.proposals));
    }
    text
}

/// One line for each field: a suggestion that waits.
pub(super) fn labels(proposals: &Proposals) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for proposal in &proposals.fields {
        let why = format!("{}: {}", proposal.confidence.name(), comment(&proposal.reason));
        lines.push((proposal.path.as_str(), format!("#{} = {}   # {why}\n", key(proposal.path.as_str()), quoted(&proposal.category))));
    }
    for path in &proposals.unknown {
        lines.push((path.as_str(), format!("#{} = \"\"   # nothing can be guessed\n", key(path.as_str()))));
    }
    lines.sort_by_key(|(path, _)| *path);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A question and the setting that answers it.
pub(super) fn ask(question: &Question, text: &mut String) {
    let _ = writeln!(text, "# {}\n#{} = {}", comment(&question.text), question.key, question.answer);
}
