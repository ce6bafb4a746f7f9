//! Placeholders for secrets: what of a manifest and its configuration may enter the sandbox.
//!
//! A secret that a template passes on unchanged needs nothing: its placeholder passes on as well. Where a template makes something else of a secret
//! and needs nothing but the configuration, it is evaluated here and its result gets a placeholder of its own. Where it does so together with what
//! only the run knows, the manifest is refused.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fault::{Fault, Kind};
use crate::template::{Scope, Template, Use};
use crate::value::{Dict, Value, float_repr};
use crate::yaml::{Content, Entries, Entry, Node};

use super::secrets::{SecretPath, is_authenticator, is_secret_use};
use super::segments::{Segment, is_settled, split};
use super::walk::is_apart;

/// How a placeholder must look, so that templates type it as they would the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Lower-case letters and digits, beginning with a letter: it may stand in a host's name.
    Word,
    /// Digits, the first of which is not zero.
    Digits,
    /// Digits with a point among them, as Python writes a `float`: neither side empty, no zero in front or at the end.
    Decimal,
}

/// What may enter the sandbox, and what it stands for.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The manifest for the guest.
    pub manifest: Node,
    /// The configuration for the guest.
    pub configuration: Value,
    /// Placeholders and the texts that they stand for.
    pub secrets: Vec<(String, String)>,
}

/// Replaces secrets by placeholders, which `make` gives: never the same twice, and in the shape that is asked for.
///
/// # Errors
/// Templates that cannot work with placeholders.
pub fn derive_secrets(
    manifest: &Node,
    configuration: &Value,
    secrets: &[SecretPath],
    now_micros: i64,
    make: &mut dyn FnMut(Shape) -> String,
) -> Result<Derived, Vec<Fault>> {
    let mut vault = Vault { make, known: HashMap::new(), secrets: Vec::new() };
    let mut guest_configuration = configuration.clone();
    for secret in secrets {
        guest_configuration = vault.hide_at(&guest_configuration, &secret.steps, configuration);
    }
    let scope = Scope::new(now_micros).with("config", configuration.clone());
    let mut rewriter =
        Rewriter { secrets, settle: Some(Settle { vault, scope }), done: HashMap::new(), path: Vec::new(), faults: Vec::new() };
    let manifest = rewriter.node(manifest, None, &Value::dict(Dict::new()));
    let Rewriter { settle, faults, .. } = rewriter;
    if !faults.is_empty() {
        return Err(faults);
    }
    let secrets = settle.map(|settle| settle.vault.secrets).unwrap_or_default();
    Ok(Derived { manifest, configuration: guest_configuration, secrets })
}

/// The templates that cannot work with placeholders, whatever the configuration holds.
pub(super) fn faults(manifest: &Node, secrets: &[SecretPath]) -> Vec<Fault> {
    let mut rewriter = Rewriter { secrets, settle: None, done: HashMap::new(), path: Vec::new(), faults: Vec::new() };
    rewriter.node(manifest, None, &Value::None);
    rewriter.faults
}

/// Makes placeholders; equal texts get one.
struct Vault<'make> {
    make: &'make mut dyn FnMut(Shape) -> String,
    known: HashMap<(String, bool), String>,
    secrets: Vec<(String, String)>,
}

impl Vault<'_> {
    fn hide(&mut self, real: &str, is_number: bool) -> String {
        if let Some(known) = self.known.get(&(real.to_owned(), is_number)) {
            return known.clone();
        }
        let placeholder = (self.make)(shape(real));
        self.known.insert((real.to_owned(), is_number), placeholder.clone());
        self.secrets.push((placeholder.clone(), real.to_owned()));
        placeholder
    }

    /// Hides what stands under a path. A place that two paths name is hidden once: what is no longer as in `real` is hidden already.
    fn hide_at(&mut self, value: &Value, steps: &[String], real: &Value) -> Value {
        let Some((step, rest)) = steps.split_first() else {
            return if value == real { self.hide_value(value) } else { value.clone() };
        };
        match (value, real) {
            (Value::Dict(dict), Value::Dict(real)) => {
                let mut dict = dict.as_ref().clone();
                for (key, member) in &mut dict {
                    if (step == "*" || step == key.as_ref())
                        && let Some(real) = real.get(key)
                    {
                        *member = self.hide_at(member, rest, real);
                    }
                }
                Value::dict(dict)
            }
            (Value::List(items), Value::List(real)) => {
                let index = step.parse::<usize>().ok();
                let hidden = items.iter().zip(real.iter()).enumerate().map(|(at, (item, real))| match step == "*" || index == Some(at) {
                    true => self.hide_at(item, rest, real),
                    false => item.clone(),
                });
                Value::list(hidden.collect())
            }
            _ => value.clone(),
        }
    }

    fn hide_value(&mut self, value: &Value) -> Value {
        match value {
            Value::Str(text) if !text.is_empty() => Value::str(self.hide(text, false)),
            Value::Int(number) => self.hide(&number.to_string(), true).parse().map_or(Value::None, Value::Int),
            Value::Float(number, _) => {
                let placeholder = self.hide(&float_repr(*number), true);
                placeholder.parse().map_or(Value::None, |number| Value::Float(number, None))
            }
            Value::List(items) => Value::list(items.iter().map(|item| self.hide_value(item)).collect()),
            Value::Dict(dict) => Value::dict(dict.iter().map(|(key, item)| (key.clone(), self.hide_value(item))).collect()),
            other => other.clone(),
        }
    }
}

/// Texts that a template would type as numbers keep being numbers.
fn shape(real: &str) -> Shape {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
    let unsigned = real.strip_prefix('-').unwrap_or(real);
    if unsigned == "0" || (digits(unsigned) && !unsigned.starts_with('0')) {
        return Shape::Digits;
    }
    match unsigned.split_once('.') {
        Some((whole, fraction)) if digits(whole) && digits(fraction) && real.parse().is_ok_and(|number| float_repr(number) == real) => {
            Shape::Decimal
        }
        _ => Shape::Word,
    }
}

struct Settle<'make> {
    vault: Vault<'make>,
    scope: Scope,
}

struct Rewriter<'given> {
    secrets: &'given [SecretPath],
    /// None: only faults are looked for.
    settle: Option<Settle<'given>>,
    /// What became of shared parts, by address. The manifest outlives the rewriting, so addresses stay.
    done: HashMap<usize, Node>,
    path: Vec<Arc<str>>,
    faults: Vec<Fault>,
}

/// What is to be done with a template.
enum Treatment {
    Keep,
    /// Evaluate the whole of it.
    Settle(Template),
    /// Evaluate some of its expressions.
    SettleParts,
    Refuse,
}

impl Rewriter<'_> {
    fn node(&mut self, node: &Node, owner: Option<&str>, parameters: &Value) -> Node {
        let address = match &node.content {
            Content::Scalar(Value::Str(text)) => return self.text(text, node, parameters),
            Content::Scalar(_) => return node.clone(),
            Content::Sequence(sequence) => Arc::as_ptr(sequence).addr(),
            Content::Mapping(mapping) => Arc::as_ptr(mapping).addr(),
        };
        // Only components are remembered: what else lies in them depends on their parameters.
        let remembered = node.component_type().is_some();
        if let Some(done) = self.done.get(&address).filter(|_| remembered) {
            return done.clone();
        }
        let result = match &node.content {
            Content::Sequence(sequence) => {
                let items: Vec<Node> = sequence
                    .items()
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.inside(index.to_string().into(), |rewriter| rewriter.node(item, owner, parameters)))
                    .collect();
                Node::sequence(node.mark, items)
            }
            _ => self.mapping(node, owner, parameters),
        };
        if remembered {
            self.done.insert(address, result.clone());
        }
        result
    }

    fn inside<R>(&mut self, step: Arc<str>, work: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(step);
        let result = work(self);
        self.path.pop();
        result
    }

    fn mapping(&mut self, node: &Node, owner: Option<&str>, parameters: &Value) -> Node {
        let kind = node.component_type().or(owner);
        let own = node.component_type().map(|_| node.get("$parameters").map_or_else(|| Value::dict(Dict::new()), Node::to_value));
        let parameters = own.as_ref().unwrap_or(parameters);
        let mut entries = Entries::new();
        for (key, entry) in node.entries().into_iter().flatten() {
            if is_apart(kind, key) || is_authenticator(key, &entry.node) {
                entries.insert(key.clone(), entry.clone());
                continue;
            }
            let value = self.inside(key.clone(), |rewriter| rewriter.node(&entry.node, None, parameters));
            let key = self.key(key, node, parameters);
            entries.insert(key, Entry { key_mark: entry.key_mark, node: value });
        }
        Node::mapping(node.mark, entries)
    }

    /// Keys of headers, parameters and bodies are templates, too.
    fn key(&mut self, key: &Arc<str>, node: &Node, parameters: &Value) -> Arc<str> {
        if !key.contains("{{") {
            return key.clone();
        }
        let rewritten = self.text(key, node, parameters);
        rewritten.as_str().map_or_else(|| key.clone(), Into::into)
    }

    fn is_secret(&self, one: &Use) -> bool {
        is_secret_use(one, self.secrets)
    }

    /// Whether a template passes secrets on without looking into them.
    fn carries(&self, template: &Template) -> bool {
        template.carries(&|one| self.is_secret(one))
    }

    fn treatment(&self, text: &str) -> Treatment {
        if !["{{", "{%"].iter().any(|mark| text.contains(mark)) {
            return Treatment::Keep;
        }
        // What is no template is told by whoever reads the component.
        let Ok(template) = Template::parse(text) else { return Treatment::Keep };
        if !template.uses().iter().any(|one| self.is_secret(one)) || self.carries(&template) {
            return Treatment::Keep;
        }
        if is_settled(&template) {
            return Treatment::Settle(template);
        }
        let parts = split(text);
        let parts_settle = parts.iter().all(|part| match part {
            Segment::Text(_) => true,
            Segment::Statements(_) => false,
            Segment::Expression(expression) => matches!(self.treatment_of_part(expression), Treatment::Keep | Treatment::Settle(_)),
        });
        if parts_settle { Treatment::SettleParts } else { Treatment::Refuse }
    }

    fn treatment_of_part(&self, expression: &str) -> Treatment {
        let Ok(template) = Template::parse(expression) else { return Treatment::Refuse };
        if !template.uses().iter().any(|one| self.is_secret(one)) || self.carries(&template) {
            return Treatment::Keep;
        }
        if is_settled(&template) { Treatment::Settle(template) } else { Treatment::Refuse }
    }

    fn text(&mut self, text: &str, node: &Node, parameters: &Value) -> Node {
        let treatment = self.treatment(text);
        if let Treatment::Refuse = treatment {
            let message = "a secret of the configuration is transformed here together with values that only the run knows; \
                           pass it on as it is, or transform it in an expression of its own";
            self.faults.push(Fault { mark: node.mark, path: self.path.join("."), kind: Kind::Unsupported, message: message.to_owned() });
            return node.clone();
        }
        let Some(settle) = &mut self.settle else { return node.clone() };
        let result = match treatment {
            Treatment::Keep | Treatment::Refuse => return node.clone(),
            Treatment::Settle(template) => settle.template(&template, parameters),
            Treatment::SettleParts => self.parts(text, parameters),
        };
        match result {
            Ok(text) => Node::scalar(node.mark, Value::str(text)),
            Err(message) => {
                self.faults.push(Fault { mark: node.mark, path: self.path.join("."), kind: Kind::Invalid, message });
                node.clone()
            }
        }
    }

    fn parts(&mut self, text: &str, parameters: &Value) -> Result<String, String> {
        let mut out = String::new();
        for part in split(text) {
            match part {
                Segment::Expression(expression) => match (self.treatment_of_part(expression), &mut self.settle) {
                    (Treatment::Settle(template), Some(settle)) => out.push_str(&settle.template(&template, parameters)?),
                    _ => out.push_str(expression),
                },
                Segment::Text(text) | Segment::Statements(text) => out.push_str(text),
            }
        }
        Ok(out)
    }
}

impl Settle<'_> {
    /// The text that takes the place of a template that transforms secrets.
    fn template(&mut self, template: &Template, parameters: &Value) -> Result<String, String> {
        let scope = self.scope.with("parameters", parameters.clone());
        let value = template.evaluate(&scope).map_err(|error| format!("a template over secrets has no value: {error}"))?;
        Ok(match &value {
            Value::Str(text) if text.is_empty() => String::new(),
            Value::Bool(true) => "{{ True }}".to_owned(),
            Value::Bool(false) => "{{ False }}".to_owned(),
            Value::None => "{{ None }}".to_owned(),
            Value::Str(text) => self.vault.hide(text, false),
            Value::Int(_) | Value::Float(..) => format!("{{{{ {} }}}}", self.vault.hide(&value.python_str(), true)),
            Value::List(_) | Value::Tuple(_) | Value::Dict(_) => {
                let hidden = self.vault.hide_value(&value);
                hidden.python_repr()
            }
            Value::Moment(_) | Value::Span(_) => self.vault.hide(&value.python_str(), false),
        })
    }
}
