//! The values under declared names: leaves, objects and arrays, and how they get into the output.

use super::Scanner;
use crate::detect::Survey;
use crate::gate::fault::{Fault, Scan};
use crate::gate::json::{Kind, Token, compact};
use crate::gate::look::Look;
use crate::gate::plan::{Entry, LeafPlan, NodePlan, ObjectPlan};
use crate::gate::tally::Met;
use crate::treat::Treatment;

/// The name in front of a value. Elements of an array have none.
#[derive(Clone, Copy)]
struct Lead<'a> {
    entry: &'a Entry,
    /// The value is an element of the array (or of an array in the array) under the name.
    element: bool,
    /// Where the input begins that stands for name and value as the output wants them; none if they are spelled differently.
    copied_from: Option<usize>,
}

impl<'a> Scanner<'a, '_> {
    /// Reads the value under a declared name. `start` is where the name begins; `compact` says that no space follows it.
    #[inline]
    pub(super) fn field(&mut self, entry: &'a Entry, start: usize, compact: bool) -> Scan<()> {
        let first = self.reader.next()?;
        let compact = compact && self.reader.at == start + entry.quoted.len() + 1;
        let lead = Lead { entry, element: false, copied_from: (entry.same && compact).then_some(start) };
        self.value(&entry.node, lead, first)
    }

    fn value(&mut self, node: &'a NodePlan, lead: Lead<'a>, first: u8) -> Scan<()> {
        match (node, first) {
            (NodePlan::Leaf(leaf), b'{' | b'[') => self.container_at_leaf(leaf, lead),
            (NodePlan::Leaf(leaf), _) => self.leaf(leaf, lead, first),
            (NodePlan::Object { object, .. }, b'{') => self.inner_object(object, lead),
            (NodePlan::List { item, planned, .. }, b'[') => self.list(item, *planned, lead),
            (NodePlan::Object { object, nullable }, _) => self.no_container(object.place, object.planned, *nullable, "object", lead),
            (NodePlan::List { item, nullable, planned }, _) => self.no_container(place_of(item), *planned, *nullable, "array", lead),
        }
    }

    #[inline]
    fn leaf(&mut self, leaf: &'a LeafPlan, lead: Lead<'a>, first: u8) -> Scan<()> {
        let (token, seen) = match first {
            b'"' if leaf.look.is_some() => self.reader.surveyed().map(|(token, seen)| (token, Some(seen)))?,
            _ => (self.reader.scalar(first)?, None),
        };
        if let Some(check) = &leaf.check
            && let Some(keyword) = check.broken(&token, &mut self.scratch)
        {
            return Err(mismatch(&lead.entry.path, check.expected(), keyword, token.kind));
        }
        self.watch.value(leaf.id, token);
        if let Some(look) = &leaf.look {
            self.look(look, lead, &token, seen);
        }
        match &leaf.treatment {
            None => {}
            Some(Treatment::Keep) => self.keep(lead, token.json.len()),
            Some(treatment) => self.treat(treatment, &token, lead)?,
        }
        if let Some(part) = leaf.part {
            self.parts.put(part, token);
        }
        Ok(())
    }

    #[inline]
    fn look(&mut self, look: &Look, lead: Lead<'a>, token: &Token<'a>, seen: Option<Survey>) {
        if let Some(sight) = look.at(token, seen, &mut self.scratch, &mut self.hits) {
            self.sighted(&lead.entry.path, sight);
        }
    }

    fn treat(&mut self, treatment: &Treatment, token: &Token<'a>, lead: Lead<'a>) -> Scan<()> {
        self.lead(lead);
        let text = match token.kind {
            Kind::Null => None,
            _ => Some(token.text(&mut self.scratch)),
        };
        treatment.apply(token.json, text, self.out).map_err(|unfit| Fault::mismatch(&lead.entry.path, unfit.0, token.kind.name()))
    }

    /// An object or array where a value without declared fields is.
    fn container_at_leaf(&mut self, leaf: &'a LeafPlan, lead: Lead<'a>) -> Scan<()> {
        let Some(check) = &leaf.check else {
            return if leaf.opaque { self.reader.skip().map(drop) } else { self.undeclared_content(leaf.place) };
        };
        if !leaf.opaque {
            if leaf.schemaless && self.reader.peek()? == b'{' {
                return self.undeclared_content(leaf.place);
            }
            let found = self.reader.skip()?.kind;
            return Err(mismatch(&lead.entry.path, check.expected(), "type", found));
        }
        // Names inside may repeat here: the content passes as a whole under one label, so none of them can hide behind another.
        self.reader.spaced = false;
        let token = self.reader.skip()?;
        if let Some(keyword) = check.broken(&token, &mut self.scratch) {
            return Err(mismatch(&lead.entry.path, check.expected(), keyword, token.kind));
        }
        let spaced = self.reader.spaced;
        if let Some(look) = &leaf.look {
            self.look(look, lead, &token, None);
        }
        match &leaf.treatment {
            None => {}
            Some(Treatment::Keep) if !spaced => self.keep(lead, token.json.len()),
            Some(Treatment::Keep) => {
                self.lead(lead);
                compact(token.json, self.out);
            }
            Some(treatment) => self.treat(treatment, &token, lead)?,
        }
        Ok(())
    }

    fn inner_object(&mut self, object: &'a ObjectPlan, lead: Lead<'a>) -> Scan<()> {
        if !object.planned {
            return self.object(object);
        }
        self.lead(lead);
        self.out.push(b'{');
        self.object(object)?;
        self.flush();
        self.out.push(b'}');
        Ok(())
    }

    /// Reads the array whose bracket is the next byte, element by element: undeclared names inside are found wherever they are.
    fn list(&mut self, item: &'a NodePlan, planned: bool, lead: Lead<'a>) -> Scan<()> {
        if planned {
            self.lead(lead);
            self.out.push(b'[');
        }
        self.reader.open()?;
        let mut first = self.reader.next()?;
        while first != b']' {
            let lead = Lead { element: true, copied_from: Some(self.reader.at), ..lead };
            self.value(item, lead, first)?;
            match self.reader.next()? {
                b',' => self.reader.at += 1,
                b']' => break,
                _ => return Err(Fault::unreadable("a comma or a closing bracket is missing")),
            }
            first = self.reader.next()?;
            if first == b']' {
                return Err(Fault::unreadable("a value is missing after a comma"));
            }
        }
        self.reader.close();
        if planned {
            self.flush();
            self.out.push(b']');
        }
        Ok(())
    }

    /// Something else where an object or array is declared.
    fn no_container(&mut self, place: u32, planned: bool, nullable: bool, expected: &str, lead: Lead<'a>) -> Scan<()> {
        if !planned {
            return self.undeclared_content(place);
        }
        let token = self.reader.skip()?;
        if token.kind != Kind::Null || !nullable {
            let expected = if nullable { format!("{expected} or null") } else { expected.to_owned() };
            return Err(Fault::mismatch(&lead.entry.path, &expected, token.kind.name()));
        }
        self.keep(lead, token.json.len());
        Ok(())
    }

    /// Reads a value of which nothing passes; names of objects in it are noted, as far as the next objects in these.
    fn undeclared_content(&mut self, place: u32) -> Scan<()> {
        match self.reader.next()? {
            b'{' => {
                self.reader.open()?;
                let mut closed = self.reader.next()? == b'}';
                while !closed {
                    let name = self.reader.member_name()?;
                    self.met.push(Met { place, name });
                    self.reader.skip()?;
                    closed = self.more(b'}')?;
                }
            }
            b'[' => {
                self.reader.open()?;
                let mut closed = self.reader.next()? == b']';
                while !closed {
                    self.undeclared_content(place)?;
                    closed = self.more(b']')?;
                }
            }
            _ => return self.reader.skip().map(drop),
        }
        self.reader.close();
        Ok(())
    }

    /// After a member or element: true at the closing bracket, false after a comma.
    fn more(&mut self, closing: u8) -> Scan<bool> {
        match self.reader.next()? {
            b',' => self.reader.at += 1,
            byte if byte == closing => return Ok(true),
            _ => return Err(Fault::unreadable("a comma or a closing bracket is missing")),
        }
        Ok(false)
    }

    /// Passes the value of `length` bytes that ends here, as it is written.
    #[inline]
    fn keep(&mut self, lead: Lead<'a>, length: usize) {
        let end = self.reader.at;
        match lead.copied_from {
            // Only a comma stands between the run and this.
            Some(start) if start == self.run.1 + 1 && self.run.0 < self.run.1 => self.run.1 = end,
            Some(start) => {
                self.flush();
                self.run = (start, end);
            }
            None => {
                self.lead(lead);
                let value = self.reader.slice(end - length, end);
                self.out.extend_from_slice(value.as_bytes());
            }
        }
    }

    /// Appends what comes before a value: the run, a comma, a name.
    fn lead(&mut self, lead: Lead<'a>) {
        self.flush();
        self.comma();
        if !lead.element {
            self.out.extend_from_slice(&lead.entry.emitted);
        }
    }

    /// Appends the run.
    pub(super) fn flush(&mut self) {
        let (start, end) = self.run;
        if start < end {
            self.comma();
            self.out.extend_from_slice(self.reader.slice(start, end).as_bytes());
            self.run = (end, end);
        }
    }

    /// A comma, unless the output has just entered an object or array: no value ends in an opening bracket.
    #[inline]
    pub(super) fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }
}

fn place_of(node: &NodePlan) -> u32 {
    match node {
        NodePlan::Leaf(leaf) => leaf.place,
        NodePlan::Object { object, .. } => object.place,
        NodePlan::List { item, .. } => place_of(item),
    }
}

#[cold]
fn mismatch(path: &str, expected: &str, keyword: &'static str, found: Kind) -> Fault {
    let found = found.name();
    match keyword {
        "type" => Fault::mismatch(path, expected, found),
        "schema" => Fault::mismatch(path, &format!("{expected} that its schema permits"), &format!("{found} that it does not")),
        keyword => Fault::mismatch(path, &format!("{expected} within `{keyword}`"), &format!("{found} beyond it")),
    }
}
