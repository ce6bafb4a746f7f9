//! XML as objects: attributes under `@name`, text under `#text`, repeated elements as lists, empty ones as none.
//! Reads no external entities and defines none.

use std::sync::Arc;

use crate::value::{Dict, Value};

/// Elements lie one in another so deep at most.
const MAXIMUM_DEPTH: usize = 256;

/// Parses a document; none if it is not well formed.
#[must_use]
pub fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser { rest: text };
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        parser.text(open.last_mut())?;
        if parser.rest.is_empty() {
            return if open.is_empty() { root } else { None };
        }
        match parser.markup()? {
            Markup::Nothing => {}
            Markup::Characters(text) => open.last_mut()?.text.push_str(text),
            Markup::Open(mut element, is_empty) => {
                if open.len() >= MAXIMUM_DEPTH || (open.is_empty() && root.is_some()) {
                    return None;
                }
                if is_empty {
                    close(std::mem::take(&mut element), &mut open, &mut root);
                } else {
                    open.push(element);
                }
            }
            Markup::Close(name) => {
                let element = open.pop().filter(|element| *element.name == *name)?;
                close(element, &mut open, &mut root);
            }
        }
    }
}

#[derive(Default)]
struct Element {
    name: Arc<str>,
    members: Dict,
    text: String,
}

enum Markup<'t> {
    Nothing,
    Characters(&'t str),
    Open(Element, bool),
    Close(&'t str),
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Value>) {
    let text = element.text.trim();
    let text = if text.is_empty() { Value::None } else { Value::str(text) };
    let value = if element.members.is_empty() {
        text
    } else {
        let mut members = element.members;
        if !text.is_none() {
            members.insert("#text".into(), text);
        }
        Value::dict(members)
    };
    match open.last_mut() {
        None => *root = Some(Value::dict(Dict::from_iter([(element.name, value)]))),
        Some(parent) => match parent.members.get_mut(&element.name) {
            None => {
                parent.members.insert(element.name, value);
            }
            Some(Value::List(items)) => Arc::make_mut(items).push(value),
            Some(known) => *known = Value::list(vec![known.clone(), value]),
        },
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    /// Text up to the next markup.
    fn text(&mut self, into: Option<&mut Element>) -> Option<()> {
        let end = self.rest.find('<').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        match into {
            Some(element) => unescape(text, &mut element.text),
            None => text.trim().is_empty().then_some(()),
        }
    }

    fn until(&mut self, mark: &str) -> Option<&'t str> {
        let (inside, rest) = self.rest.split_once(mark)?;
        self.rest = rest;
        Some(inside)
    }

    fn markup(&mut self) -> Option<Markup<'t>> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.rest = rest;
            return self.until("-->").map(|_| Markup::Nothing);
        }
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            self.rest = rest;
            return self.until("]]>").map(Markup::Characters);
        }
        if let Some(rest) = self.rest.strip_prefix("<?") {
            self.rest = rest;
            return self.until("?>").map(|_| Markup::Nothing);
        }
        if let Some(rest) = self.rest.strip_prefix("<!") {
            self.rest = rest;
            let inside = self.until(">")?;
            if inside.contains('[') && !inside.contains(']') {
                self.until(">").filter(|_| false)?;
            }
            return Some(Markup::Nothing);
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            self.rest = rest;
            return self.until(">").map(|name| Markup::Close(name.trim_end()));
        }
        self.rest = self.rest.strip_prefix('<')?;
        self.open()
    }

    fn open(&mut self) -> Option<Markup<'t>> {
        let name = self.name()?;
        let mut element = Element { name: name.into(), ..Element::default() };
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return Some(Markup::Open(element, true));
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                return Some(Markup::Open(element, false));
            }
            let name = self.name()?;
            self.rest = self.rest.trim_start().strip_prefix('=')?.trim_start();
            let quote = self.rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            self.rest = &self.rest[1..];
            let mut value = String::new();
            unescape(self.until(if quote == '"' { "\"" } else { "'" })?, &mut value)?;
            element.members.insert(format!("@{name}").into(), Value::str(value));
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        let end = self.rest.find(|one: char| one.is_whitespace() || matches!(one, '/' | '>' | '=' | '<' | '"' | '\''))?;
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty() && !name.starts_with(|one: char| one.is_ascii_digit() || one == '-' || one == '.')).then_some(name)
    }
}

fn unescape(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, behind) = behind.split_once(';')?;
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            other => {
                let number = other.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = behind;
    }
    out.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[test]
    fn reads_documents() {
        let text = "<?xml version='1.0'?><!DOCTYPE a><a k='1'><b>x &amp; y</b><b/><c><![CDATA[<z>]]></c><d e=\"f\">t</d><!-- n --></a>";
        let expected = r##"{"a":{"@k":"1","b":["x & y",null],"c":"<z>","d":{"@e":"f","#text":"t"}}}"##;
        assert_eq!(parse(text), Some(Value::from_json(expected.as_bytes()).unwrap()));
        for wrong in ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a>&nope;</a>", "<a b=c/>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
