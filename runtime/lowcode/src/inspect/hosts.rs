//! Where a manifest wants to connect to: the origins of its addresses, as far as they are known before it runs.

use std::collections::BTreeMap;

use url::Url;

use crate::fault::Mark;
use crate::template::{Scope, Template};
use crate::value::{Dict, Value};
use crate::yaml::Node;

use super::segments::{self, Segment};
use super::walk::{self, Visit};

/// Where a manifest wants to connect to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hosts {
    /// Known origins, in order.
    pub origins: Vec<Origin>,
    /// Addresses that are not known before the run; they need a grant of their own.
    pub open: Vec<OpenHost>,
}

/// An origin and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `https://api.example.com`, with its port if it is not the scheme's own.
    pub origin: String,
    /// The first place that names it.
    pub place: String,
    /// That place in the text, if known.
    pub mark: Option<Mark>,
}

/// An address that is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenHost {
    /// As it stands in the manifest; empty if it has no text of its own.
    pub template: String,
    /// Where it stands.
    pub place: String,
    /// That place in the text, if known.
    pub mark: Option<Mark>,
    /// Why it is not known.
    pub cause: Cause,
}

/// Why an address is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It depends on the configuration, which is not at hand.
    Configuration,
    /// It depends on what the run finds out.
    Run,
    /// Usually only a path, but the run may put a whole address there.
    Perhaps,
    /// It has no value, or none that is an address.
    Invalid(String),
}

/// Finds all addresses.
pub fn find(root: &Node, configuration: Option<&Value>, now_micros: i64) -> Hosts {
    let mut finder = Finder { configuration, now_micros, origins: BTreeMap::new(), open: BTreeMap::new() };
    walk::components(root, &mut |visit| finder.component(visit));
    Hosts { origins: finder.origins.into_values().collect(), open: finder.open.into_values().collect() }
}

struct Finder<'given> {
    configuration: Option<&'given Value>,
    now_micros: i64,
    origins: BTreeMap<String, Origin>,
    open: BTreeMap<(Cause, String), OpenHost>,
}

impl Finder<'_> {
    fn component(&mut self, visit: &Visit<'_>) {
        match visit.kind {
            "HttpRequester" | "CustomRequester" => {
                // Of the two the newer form counts.
                let field = if visit.node.get("url").is_some_and(Node::is_truthy) { "url" } else { "url_base" };
                self.field(visit, field, true);
                self.field(visit, "path", false);
            }
            "RequestPath" => self.note(visit, "", "", Cause::Perhaps, visit.node.mark),
            "LegacySessionTokenAuthenticator" => {
                self.field(visit, "login_url", false);
                self.field(visit, "validate_session_url", false);
            }
            _ => self.field(visit, "token_refresh_endpoint", true),
        }
    }

    /// An address, or (`is_address` false) a path that may be one.
    fn field(&mut self, visit: &Visit<'_>, field: &str, is_address: bool) {
        let Some(node) = visit.node.get(field) else { return };
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else { return };
        let text = if is_address { text } else { text.trim_start_matches('/') };
        if !is_address && !may_be_address(text) {
            return;
        }
        match self.origin(visit, text) {
            Ok(origin) => {
                let place = format!("{}.{field}", visit.path);
                self.origins.entry(origin.clone()).or_insert(Origin { origin, place, mark: node.mark });
            }
            Err(Cause::Invalid(_)) if !is_address => {}
            Err(cause) => {
                let cause = if is_address { cause } else { Cause::Perhaps };
                self.note(visit, field, text, cause, node.mark);
            }
        }
    }

    fn note(&mut self, visit: &Visit<'_>, field: &str, text: &str, cause: Cause, mark: Option<Mark>) {
        let place = if field.is_empty() { visit.path.clone() } else { format!("{}.{field}", visit.path) };
        let open = OpenHost { template: text.to_owned(), place, mark, cause: cause.clone() };
        self.open.entry((cause, text.to_owned())).or_insert(open);
    }

    fn origin(&self, visit: &Visit<'_>, text: &str) -> Result<String, Cause> {
        let text = authority(text);
        let template = Template::parse(&text).map_err(Cause::Invalid)?;
        let empty = Value::dict(Dict::new());
        let configuration = match self.configuration {
            Some(configuration) => configuration,
            None if template.uses().iter().any(|one| one.root == "config") => return Err(Cause::Configuration),
            None => &empty,
        };
        if !segments::is_settled(&template) {
            return Err(Cause::Run);
        }
        let scope = Scope::new(self.now_micros).with("config", configuration.clone()).with("parameters", visit.parameters());
        let address = template.evaluate_text(&scope).map_err(|error| Cause::Invalid(error.message))?;
        let url = Url::parse(address.trim()).map_err(|error| Cause::Invalid(format!("not an address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Cause::Invalid(format!("the scheme `{}` is not supported", url.scheme())));
        }
        Ok(url.origin().ascii_serialization())
    }
}

/// A path is an address only if it begins with a scheme, or with a value that may be anything.
fn may_be_address(text: &str) -> bool {
    if text.starts_with("http://") || text.starts_with("https://") {
        return true;
    }
    match segments::split(text).first() {
        // A lone expression is a whole path; with text behind it, it is a part of one.
        Some(Segment::Expression(first)) => {
            first.len() == text.len() && Template::parse(first).is_ok_and(|template| !segments::is_settled(&template))
        }
        Some(Segment::Statements(_)) => true,
        _ => false,
    }
}

/// The part of an address up to its host; what stands behind it does not matter. Slashes within expressions do not end it.
fn authority(text: &str) -> String {
    let mut out = String::new();
    for segment in segments::split(text) {
        match segment {
            Segment::Text(text) => {
                let (scheme, rest) = match text.find("://") {
                    Some(at) if out.is_empty() || !out.contains("://") => text.split_at(at + 3),
                    _ => ("", text),
                };
                out.push_str(scheme);
                match rest.find(['/', '?', '#']) {
                    Some(0) if out.is_empty() => out.push_str(rest),
                    Some(end) => {
                        out.push_str(rest.get(..end).unwrap_or_default());
                        return out;
                    }
                    None => out.push_str(rest),
                }
            }
            Segment::Expression(expression) => out.push_str(expression),
            Segment::Statements(_) => return text.to_owned(),
        }
    }
    out
}
