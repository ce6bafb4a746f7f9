//! From the parser's events to nodes: anchors, merge keys, duplicate keys, and the limits on all of them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::fault::{Fault, Kind, Mark};
use crate::value::Value;

use super::indent::{Indented, indent};
use super::node::{Entries, Entry, Node};
use super::scalar::{self, Plain};

/// Bytes of a manifest's text at most.
pub const MAX_TEXT: usize = 8 * 1024 * 1024;
/// Nodes that stand one in another at most, aliases followed.
pub const MAX_NESTING: u32 = 100;
/// Nodes of a manifest at most, counted behind every alias.
pub const MAX_NODES: u64 = 1_000_000;
/// Aliases in a manifest at most.
pub const MAX_ALIASES: u32 = 10_000;

/// Faults, and notes, that are told at most.
const MAX_TOLD: usize = 1000;
/// The prefix of YAML's own tags.
const CORE_TAGS: &str = "tag:yaml.org,2002:";

/// A manifest as written.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its value.
    pub root: Node,
    /// What is odd, but means something: repeated keys, unquoted dates.
    pub notes: Vec<Fault>,
}

/// Reads one document.
///
/// # Errors
/// Everything that is wrong with the text; a syntax error ends the reading, other faults do not.
pub fn parse(text: &str) -> Result<Document, Vec<Fault>> {
    if text.len() > MAX_TEXT {
        let message = format!("the text has {} bytes; at most {MAX_TEXT} are read", text.len());
        return Err(vec![Fault { mark: None, path: String::new(), kind: Kind::Limit, message }]);
    }
    let trimmed = text.trim_end_matches([' ', '\t']);
    let text = if trimmed.ends_with('\n') { trimmed } else { text };
    match compose(text, Vec::new()) {
        Err(faults) if faults.iter().all(|fault| fault.kind == Kind::Syntax) => {
            let Indented { text, moved } = indent(text);
            compose(&text, moved).map_err(|_| faults)
        }
        result => result,
    }
}

/// Composes a text whose lines were moved to the right by so many columns.
fn compose(text: &str, moved: Vec<i64>) -> Result<Document, Vec<Fault>> {
    let ends_open = text.rsplit('\n').next().is_some_and(|line| !line.trim().is_empty());
    let mut composer = Composer { moved, open_end: ends_open.then(|| text.chars().count()), ..Composer::default() };
    let mut parser = Parser::new_from_str(text);
    if let Err(fault) = composer.run(&mut parser) {
        composer.wrong(fault);
    }
    let Composer { mut faults, notes, root, .. } = composer;
    match root {
        Some(root) if faults.is_empty() => Ok(Document { root, notes }),
        _ => {
            faults.sort();
            faults.dedup();
            if faults.is_empty() {
                let message = "the text is empty; a mapping with `streams` is expected".to_owned();
                faults.push(Fault { mark: None, path: String::new(), kind: Kind::Invalid, message });
            }
            Err(faults)
        }
    }
}

/// A key with the identity that the reference's merging looks at: it keeps one of two merged members only if their keys are one and the same object.
#[derive(Clone, Debug)]
struct Key {
    identity: Identity,
    text: Arc<str>,
    mark: Option<Mark>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Written in one place.
    Written(u32),
    /// Texts of one Latin letter exist once in the reference, wherever they are written.
    Letter(Arc<str>),
}

#[derive(Clone, Debug)]
struct Pair {
    key: Key,
    node: Node,
}

/// A node together with the pairs that merging needs.
#[derive(Clone, Debug)]
struct Item {
    node: Node,
    pairs: Option<Rc<Vec<Pair>>>,
    items: Option<Rc<Vec<Item>>>,
    identity: u32,
}

#[derive(Debug)]
enum PendingKey {
    Key(Key),
    Merge,
}

#[derive(Debug)]
enum Frame {
    Sequence { mark: Option<Mark>, anchor: usize, items: Vec<Item> },
    Mapping { mark: Option<Mark>, anchor: usize, key: Option<PendingKey>, pairs: Vec<Pair>, merged: Vec<Pair> },
}

#[derive(Debug, Default)]
struct Composer {
    frames: Vec<Frame>,
    anchors: HashMap<usize, Item>,
    aliases: u32,
    merged: u64,
    identities: u32,
    documents: u32,
    root: Option<Node>,
    moved: Vec<i64>,
    /// Where the text ends, if its last line is without a line break.
    open_end: Option<usize>,
    faults: Vec<Fault>,
    notes: Vec<Fault>,
}

fn fault(mark: Option<Mark>, kind: Kind, message: impl Into<String>) -> Fault {
    Fault { mark, path: String::new(), kind, message: message.into() }
}

impl Composer {
    fn place(&self, span: Span) -> Option<Mark> {
        let line = span.start.line();
        let moved = self.moved.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = i64::try_from(span.start.col()).unwrap_or(i64::MAX).saturating_sub(moved).saturating_add(1);
        Some(Mark { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(1) })
    }

    fn run<'text>(&mut self, parser: &mut Parser<'text, StrInput<'text>>) -> Result<(), Fault> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                let marker = error.marker();
                fault(self.place(Span::empty(*marker)), Kind::Syntax, format!("not YAML: {}", error.info()))
            })?;
            let mark = self.place(span);
            match event {
                Event::DocumentStart(_) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        return Err(fault(mark, Kind::Syntax, "a second document begins here; a manifest is one document"));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                    // A line break that is not in the text is none.
                    let cut = is_block && self.open_end.is_some_and(|end| span.end.index() >= end);
                    let text = if cut { text.strip_suffix('\n').unwrap_or(&text) } else { &text };
                    self.scalar(text, style, anchor, tag.as_deref(), mark)?;
                }
                Event::Alias(anchor) => self.alias(anchor, mark)?,
                Event::SequenceStart(anchor, tag) => {
                    self.open(tag.as_deref(), "seq", mark)?;
                    self.frames.push(Frame::Sequence { mark, anchor, items: Vec::new() });
                }
                Event::MappingStart(anchor, tag) => {
                    self.open(tag.as_deref(), "map", mark)?;
                    self.frames.push(Frame::Mapping { mark, anchor, key: None, pairs: Vec::new(), merged: Vec::new() });
                }
                Event::SequenceEnd | Event::MappingEnd => self.close()?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    /// Before a collection begins: it may not be a key, nor lie too deep, nor bear a foreign tag.
    fn open(&mut self, tag: Option<&Tag>, expected: &str, mark: Option<Mark>) -> Result<(), Fault> {
        if self.expects_key() {
            let message = "a list or mapping cannot be a key; a text that begins with `{` or `[`, as a template does, must be quoted";
            return Err(fault(mark, Kind::Syntax, message));
        }
        if self.frames.len() >= usize::try_from(MAX_NESTING).unwrap_or(usize::MAX) {
            return Err(fault(mark, Kind::Limit, format!("nested deeper than {MAX_NESTING} levels")));
        }
        match core_tag(tag) {
            None => {}
            Some(Ok(kind)) if kind == expected => {}
            Some(Ok(kind)) => self.wrong(fault(mark, Kind::Invalid, format!("the tag `!!{kind}` does not fit here, or is not supported"))),
            Some(Err(name)) => self.wrong(unknown_tag(mark, &name)),
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Mapping { key: None, .. }))
    }

    fn identity(&mut self, mark: Option<Mark>) -> Result<u32, Fault> {
        self.identities = self.identities.saturating_add(1);
        if u64::from(self.identities) > MAX_NODES {
            return Err(fault(mark, Kind::Limit, format!("more than {MAX_NODES} values")));
        }
        Ok(self.identities)
    }

    fn wrong(&mut self, fault: Fault) {
        if self.faults.len() < MAX_TOLD {
            self.faults.push(fault);
        }
    }

    fn note(&mut self, mark: Option<Mark>, message: String) {
        if self.notes.len() < MAX_TOLD {
            self.notes.push(fault(mark, Kind::Invalid, message));
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, mark: Option<Mark>) -> Result<(), Fault> {
        let plain = match core_tag(tag) {
            None if style == ScalarStyle::Plain => scalar::resolve(text),
            None => Plain::Value(Value::str(text)),
            Some(Ok(kind)) => scalar::tagged(&kind, text).map_or_else(Plain::Wrong, Plain::Value),
            Some(Err(name)) => {
                self.wrong(unknown_tag(mark, &name));
                Plain::Value(Value::None)
            }
        };
        let as_key = self.expects_key();
        let value = match plain {
            Plain::Merge if as_key => return self.set_key(PendingKey::Merge),
            Plain::Default if as_key => Value::str(text),
            Plain::Merge | Plain::Default => {
                self.wrong(fault(mark, Kind::Invalid, format!("`{text}` has a meaning as a key only; quote it if it is a text")));
                Value::None
            }
            Plain::Wrong(message) => {
                self.wrong(fault(mark, Kind::Invalid, message));
                Value::None
            }
            Plain::Timestamp(moment) => {
                self.note(mark, format!("unquoted date, read as the text `{moment}`"));
                Value::str(moment)
            }
            Plain::Value(value) => value,
        };
        let identity = self.identity(mark)?;
        self.finish(Item { node: Node::scalar(mark, value), pairs: None, items: None, identity }, anchor)
    }

    fn alias(&mut self, anchor: usize, mark: Option<Mark>) -> Result<(), Fault> {
        self.aliases = self.aliases.saturating_add(1);
        if self.aliases > MAX_ALIASES {
            return Err(fault(mark, Kind::Limit, format!("more than {MAX_ALIASES} aliases")));
        }
        let Some(item) = self.anchors.get(&anchor).cloned() else {
            return Err(fault(mark, Kind::Invalid, "this alias stands inside of what it names; a value cannot contain itself"));
        };
        self.finish(item, 0)
    }

    /// A node is complete: it becomes an item, a key, a member or the document.
    fn finish(&mut self, item: Item, anchor: usize) -> Result<(), Fault> {
        let base = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        if item.node.size() > MAX_NODES {
            return Err(fault(item.node.mark, Kind::Limit, format!("more than {MAX_NODES} values, counted behind every alias")));
        }
        if item.node.depth().saturating_add(base) > MAX_NESTING.saturating_add(1) {
            return Err(fault(item.node.mark, Kind::Limit, format!("nested deeper than {MAX_NESTING} levels")));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, item.clone());
        }
        match self.frames.last_mut() {
            None => self.root = Some(item.node),
            Some(Frame::Sequence { items, .. }) => items.push(item),
            Some(Frame::Mapping { key: None, .. }) => return self.key_of(&item),
            Some(Frame::Mapping { key, pairs, .. }) => match key.take() {
                Some(PendingKey::Key(key)) => pairs.push(Pair { key, node: item.node }),
                Some(PendingKey::Merge) => return self.merge(&item),
                None => {}
            },
        }
        Ok(())
    }

    fn set_key(&mut self, pending: PendingKey) -> Result<(), Fault> {
        if let Some(Frame::Mapping { key, .. }) = self.frames.last_mut() {
            *key = Some(pending);
        }
        Ok(())
    }

    fn key_of(&mut self, item: &Item) -> Result<(), Fault> {
        let Some(value) = item.node.as_scalar() else {
            return Err(fault(item.node.mark, Kind::Syntax, "a list or mapping cannot be a key"));
        };
        let text: Arc<str> = scalar::key_text(value).into();
        let mut letters = text.chars();
        let is_letter = letters.next().is_none_or(|letter| u32::from(letter) < 256) && letters.next().is_none();
        let identity = if is_letter { Identity::Letter(text.clone()) } else { Identity::Written(item.identity) };
        self.set_key(PendingKey::Key(Key { identity, text, mark: item.node.mark }))
    }

    fn merge(&mut self, item: &Item) -> Result<(), Fault> {
        let mistaken = |mark| fault(mark, Kind::Invalid, "`<<` takes a mapping or a list of mappings");
        let mut sources: Vec<Rc<Vec<Pair>>> = Vec::new();
        match (&item.pairs, &item.items) {
            (Some(pairs), _) => sources.push(pairs.clone()),
            (None, Some(items)) => {
                for part in items.iter() {
                    sources.push(part.pairs.clone().ok_or_else(|| mistaken(part.node.mark))?);
                }
            }
            (None, None) => return Err(mistaken(item.node.mark)),
        }
        let Some(Frame::Mapping { merged, .. }) = self.frames.last_mut() else { return Ok(()) };
        for pairs in sources {
            self.merged = self.merged.saturating_add(pairs.len() as u64);
            if self.merged > MAX_NODES {
                return Err(fault(item.node.mark, Kind::Limit, format!("more than {MAX_NODES} members are merged by `<<`")));
            }
            merged.extend(pairs.iter().cloned());
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let identity = self.identity(None)?;
        let (item, anchor) = match self.frames.pop() {
            None => return Ok(()),
            Some(Frame::Sequence { mark, anchor, items }) => {
                let node = Node::sequence(mark, items.iter().map(|item| item.node.clone()).collect());
                (Item { node, pairs: None, items: Some(Rc::new(items)), identity }, anchor)
            }
            Some(Frame::Mapping { mark, anchor, pairs, merged, .. }) => {
                let (node, all) = self.build(mark, pairs, merged);
                (Item { node, pairs: Some(Rc::new(all)), items: None, identity }, anchor)
            }
        };
        self.finish(item, anchor)
    }

    /// Merged members come first and are overridden by the mapping's own; of equal keys the last one is meant.
    fn build(&mut self, mark: Option<Mark>, own: Vec<Pair>, merged: Vec<Pair>) -> (Node, Vec<Pair>) {
        let mut seen = std::collections::HashSet::new();
        let mut all: Vec<Pair> = merged.into_iter().filter(|pair| seen.insert(pair.key.identity.clone())).collect();
        let mut entries = Entries::with_capacity(all.len() + own.len());
        for Pair { key, node } in &all {
            entries.insert(key.text.clone(), Entry { key_mark: key.mark, node: node.clone() });
        }
        let mut written = std::collections::HashSet::new();
        for Pair { key, node } in &own {
            if !written.insert(key.text.clone()) {
                let message = format!("the key `{}` stands twice in one mapping; the last one is meant", key.text);
                self.note(key.mark, message);
            }
            entries.insert(key.text.clone(), Entry { key_mark: key.mark, node: node.clone() });
        }
        all.extend(own);
        (Node::mapping(mark, entries), all)
    }
}

/// The name of one of YAML's own tags; as an error, any other tag. The tag `!` alone says nothing, as the reference reads it.
fn core_tag(tag: Option<&Tag>) -> Option<Result<String, String>> {
    let tag = tag?;
    let full = format!("{}{}", tag.handle, tag.suffix);
    match full.strip_prefix(CORE_TAGS) {
        Some(kind) => Some(Ok(kind.to_owned())),
        None if full == "!" => None,
        None => Some(Err(full)),
    }
}

fn unknown_tag(mark: Option<Mark>, name: &str) -> Fault {
    fault(mark, Kind::Unsupported, format!("the tag `{name}` is not known"))
}
