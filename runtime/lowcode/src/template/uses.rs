//! What a template reads of its variables, and which of them it needs to be there at all.

use std::collections::BTreeSet;

use super::ast::{Arguments, Comparison, Expression, Macro, Statement, Target};
use super::attributes::is_dict_method;
use crate::value::Value;

/// One step from a value to a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `['key']`, `.key`, `.get('key')`.
    Key(String),
    /// `[0]`, `[-1]`.
    Index(i64),
}

/// One path that a template reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Name of the variable as written.
    pub root: String,
    /// The constant steps.
    pub steps: Vec<Step>,
    /// Whether more than the simple value at the end is read: its length, its members, a step that is known only when it runs.
    pub whole: bool,
}

/// Methods of lists that are none of texts: they read the members.
const LIST_METHODS: &[&str] = &["append", "extend", "insert", "remove", "reverse", "sort", "count", "index"];
/// Filters that read a simple value only.
const SIMPLE_FILTERS: &[&str] = &[
    "default",
    "d",
    "int",
    "float",
    "string",
    "lower",
    "upper",
    "title",
    "capitalize",
    "trim",
    "replace",
    "abs",
    "round",
    "hash",
    "hmac",
    "base64encode",
    "base64decode",
    "base64binascii_decode",
    "regex_search",
    "regex_replace",
    "e",
    "escape",
    "safe",
    "format",
    "truncate",
    "indent",
    "center",
    "wordcount",
    "striptags",
    "filesizeformat",
];

/// What was found in a template.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    pub uses: Vec<Use>,
    /// Variables that must be in the scope.
    pub needed: Vec<String>,
}

/// Looks through a template.
pub(super) fn analyse(statements: &[Statement]) -> Analysis {
    let mut walk = Walk { uses: BTreeSet::new(), needed: BTreeSet::new(), frames: vec![BTreeSet::new()] };
    walk.statements(statements);
    Analysis { uses: walk.uses.into_iter().collect(), needed: walk.needed.into_iter().collect() }
}

struct Walk {
    uses: BTreeSet<Use>,
    needed: BTreeSet<String>,
    /// Names that were assigned, frame by frame.
    frames: Vec<BTreeSet<String>>,
}

impl Walk {
    fn is_bound(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.contains(name))
    }

    fn bind(&mut self, target: &Target) {
        match target {
            Target::Name(name) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.insert(name.clone());
                }
            }
            Target::Tuple(targets) => targets.iter().for_each(|target| self.bind(target)),
            Target::Attribute(name, _) => self.path(name, Vec::new(), true),
        }
    }

    fn framed(&mut self, names: &[String], inside: impl FnOnce(&mut Self)) {
        self.frames.push(names.iter().cloned().collect());
        inside(self);
        self.frames.pop();
    }

    fn path(&mut self, root: &str, steps: Vec<Step>, whole: bool) {
        if self.is_bound(root) || super::functions::is_known(root) || root == "self" {
            return;
        }
        self.needed.insert(root.to_owned());
        let whole = whole || steps.is_empty();
        self.uses.insert(Use { root: root.to_owned(), steps, whole });
    }

    fn statements(&mut self, statements: &[Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Text(_) | Statement::Load => {}
            Statement::Print(expressions) => expressions.iter().for_each(|expression| self.read(expression, false)),
            Statement::If(branches, otherwise) => self.branches(branches, otherwise),
            Statement::For(node) => {
                self.read(&node.items, true);
                self.framed(&["loop".to_owned()], |walk| {
                    walk.bind(&node.target);
                    if let Some(condition) = &node.condition {
                        walk.read(condition, false);
                    }
                    walk.statements(&node.body);
                });
                self.framed(&[], |walk| walk.statements(&node.otherwise));
            }
            Statement::Set(target, value) => {
                self.read(value, true);
                self.bind(target);
            }
            Statement::SetBlock(target, filter, body) => {
                if let Some(filter) = filter {
                    self.read(filter, false);
                }
                self.framed(&[], |walk| walk.statements(body));
                self.bind(target);
            }
            Statement::With(assignments, body) => {
                assignments.iter().for_each(|(_, value)| self.read(value, true));
                self.framed(&[], |walk| {
                    assignments.iter().for_each(|(target, _)| walk.bind(target));
                    walk.statements(body);
                });
            }
            Statement::Macro(object) => {
                self.bind(&Target::Name(object.name.clone()));
                self.macro_body(object);
            }
            Statement::CallBlock(call, object) => {
                self.read(call, true);
                self.macro_body(object);
            }
            Statement::FilterBlock(filter, body) => {
                self.read(filter, false);
                self.framed(&[], |walk| walk.statements(body));
            }
            Statement::Scoped(body) => self.framed(&[], |walk| walk.statements(body)),
        }
    }

    fn macro_body(&mut self, object: &Macro) {
        object.signature.defaults.iter().for_each(|default| self.read(default, true));
        let hidden = ["caller", "varargs", "kwargs"].map(str::to_owned);
        self.framed(&hidden, |walk| {
            object.signature.names.iter().for_each(|name| walk.bind(&Target::Name(name.clone())));
            walk.statements(&object.body);
        });
    }

    /// What is first assigned inside of a branch counts as needed: the reference wants it in the scope.
    fn branches(&mut self, branches: &[(Expression, Vec<Statement>)], otherwise: &[Statement]) {
        let before = self.frames.last().cloned().unwrap_or_default();
        let mut assigned = before.clone();
        for (index, (test, body)) in branches.iter().enumerate() {
            if index == 0 {
                self.read(test, false);
            }
            self.frames.last_mut().into_iter().for_each(|frame| frame.clone_from(&before));
            if index > 0 {
                self.read(test, false);
            }
            self.statements(body);
            assigned.extend(self.frames.last().into_iter().flatten().cloned());
        }
        self.frames.last_mut().into_iter().for_each(|frame| frame.clone_from(&before));
        self.statements(otherwise);
        assigned.extend(self.frames.last().into_iter().flatten().cloned());
        self.frames.pop();
        for name in assigned.difference(&before) {
            if !self.is_bound(name) && !super::functions::is_known(name) {
                self.needed.insert(name.clone());
            }
        }
        self.frames.push(assigned);
    }

    fn all<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expression>, whole: bool) {
        expressions.into_iter().for_each(|expression| self.read(expression, whole));
    }

    /// Root and constant steps of a path; what else is read on the way is visited.
    fn steps<'a>(&mut self, expression: &'a Expression) -> Option<(&'a str, Vec<Step>)> {
        match expression {
            Expression::Name(name) => Some((name, Vec::new())),
            Expression::Attribute(base, name) if !is_dict_method(name) => {
                let (root, mut steps) = self.steps(base)?;
                steps.push(Step::Key(name.clone()));
                Some((root, steps))
            }
            Expression::Item(base, key) => {
                let step = match &**key {
                    Expression::Constant(Value::Str(key)) => Step::Key(key.to_string()),
                    Expression::Constant(Value::Int(index)) => Step::Index(i64::try_from(*index).ok()?),
                    Expression::Negative(inner) => match &**inner {
                        Expression::Constant(Value::Int(index)) => Step::Index(i64::try_from(*index).ok()?.checked_neg()?),
                        _ => return None,
                    },
                    _ => return None,
                };
                let (root, mut steps) = self.steps(base)?;
                steps.push(step);
                Some((root, steps))
            }
            Expression::Call(function, arguments) => match (&**function, arguments.positional.as_slice()) {
                (Expression::Attribute(base, name), [Expression::Constant(Value::Str(key)), rest @ ..]) if name == "get" => {
                    let (root, mut steps) = self.steps(base)?;
                    self.all(rest, false);
                    self.all(arguments.named.iter().map(|(_, argument)| argument), false);
                    steps.push(Step::Key(key.to_string()));
                    Some((root, steps))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn read(&mut self, expression: &Expression, whole: bool) {
        if let Some((root, steps)) = self.steps(expression) {
            self.path(root, steps, whole);
            return;
        }
        match expression {
            Expression::Constant(_) | Expression::Name(_) => {}
            Expression::List(all) | Expression::Tuple(all) | Expression::Concat(all) | Expression::And(all) | Expression::Or(all) => {
                self.all(all, whole)
            }
            Expression::Dict(members) => members.iter().for_each(|(key, value)| {
                self.read(key, false);
                self.read(value, whole);
            }),
            Expression::Not(inner) => self.read(inner, false),
            Expression::Negative(inner) | Expression::Positive(inner) => self.read(inner, whole),
            Expression::Binary(_, left, right) => {
                self.read(left, whole);
                self.read(right, whole);
            }
            Expression::Compare(first, rest) => self.compare(first, rest),
            Expression::Conditional(conditional) => {
                self.read(&conditional.test, false);
                self.read(&conditional.yes, whole);
                self.all(&conditional.no, whole);
            }
            Expression::Attribute(base, _) => self.read(base, true),
            Expression::Item(base, key) => {
                self.read(base, true);
                self.read(key, false);
            }
            Expression::Slice(base, bounds) => {
                self.read(base, true);
                self.all(bounds.iter().flatten(), false);
            }
            Expression::Call(function, arguments) => self.call(function, arguments),
            Expression::Filter(input, name, arguments) => {
                let simple = SIMPLE_FILTERS.contains(&name.as_str());
                self.all(input.as_deref(), !simple || (whole && matches!(name.as_str(), "default" | "d")));
                self.all(arguments.expressions(), !simple);
            }
            Expression::Test(input, name, arguments) => {
                let simple = !matches!(name.as_str(), "in" | "eq" | "ne" | "equalto" | "==" | "!=" | "sameas");
                self.read(input, !simple && name != "in");
                self.all(arguments.expressions(), !simple);
            }
        }
    }

    fn call(&mut self, function: &Expression, arguments: &Arguments) {
        let simple = match function {
            // Methods of texts read simple values.
            Expression::Attribute(base, name) => {
                let whole = is_dict_method(name) || LIST_METHODS.contains(&name.as_str());
                self.read(base, whole);
                !whole && !matches!(name.as_str(), "join" | "format_map")
            }
            Expression::Name(name) => {
                self.read(function, true);
                super::functions::is_known(name) && !matches!(name.as_str(), "max" | "min" | "dict" | "namespace")
            }
            other => {
                self.read(other, true);
                false
            }
        };
        self.all(arguments.expressions(), !simple);
    }

    fn compare(&mut self, first: &Expression, rest: &[(Comparison, Expression)]) {
        let is_simple = |expression: &Expression| matches!(expression, Expression::Constant(_));
        let mut left = first;
        for (comparison, right) in rest {
            match comparison {
                Comparison::In | Comparison::NotIn => {
                    self.read(left, false);
                    self.read(right, true);
                }
                Comparison::Equal | Comparison::NotEqual => {
                    self.read(left, !is_simple(right));
                    self.read(right, !is_simple(left));
                }
                _ => {
                    self.read(left, false);
                    self.read(right, false);
                }
            }
            left = right;
        }
    }
}
