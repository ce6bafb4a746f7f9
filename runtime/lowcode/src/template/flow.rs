//! Whether a value passes through a template unchanged: printed, joined with other texts, chosen by a condition, but never looked into.
//!
//! Such a template may be given another word in the value's place, and its result is the same but for that word.

use super::ast::{Expression, Operator, Statement};
use super::uses::{Use, analyse};
use super::{Body, Template};

/// Filters that give a text back as it is.
const KEEPING_FILTERS: &[&str] = &["default", "d", "string", "safe"];
/// Tests that only ask whether there is a value, or of which type.
const KEEPING_TESTS: &[&str] = &["none", "defined", "undefined", "string", "number", "mapping", "iterable", "sequence", "boolean"];

impl Template {
    /// Whether what `watched` says of is carried unchanged into the result, or is not read at all.
    #[must_use]
    pub fn carries(&self, watched: &dyn Fn(&Use) -> bool) -> bool {
        match &self.inner.body {
            Body::Value(_) | Body::Constant(..) => true,
            Body::Expression(statements) | Body::Statements(statements) => Flow { watched }.statements(statements),
        }
    }
}

struct Flow<'w> {
    watched: &'w dyn Fn(&Use) -> bool,
}

impl Flow<'_> {
    fn touches(&self, statement: Statement) -> bool {
        analyse(&[statement]).uses.iter().any(self.watched)
    }

    fn reads(&self, expression: &Expression) -> bool {
        self.touches(Statement::Print(vec![expression.clone()]))
    }

    fn statements(&self, statements: &[Statement]) -> bool {
        statements.iter().all(|statement| match statement {
            Statement::Print(expressions) => expressions.iter().all(|expression| self.keeps(expression)),
            Statement::If(branches, otherwise) => {
                branches.iter().all(|(test, body)| self.asks(test) && self.statements(body)) && self.statements(otherwise)
            }
            Statement::For(node) => {
                !self.reads(&node.items)
                    && node.condition.iter().all(|condition| self.asks(condition))
                    && self.statements(&node.body)
                    && self.statements(&node.otherwise)
            }
            Statement::Scoped(body) => self.statements(body),
            other => !self.touches(other.clone()),
        })
    }

    /// Whether the expression's value holds the watched value as it is.
    fn keeps(&self, expression: &Expression) -> bool {
        if !self.reads(expression) {
            return true;
        }
        match expression {
            Expression::List(all) | Expression::Tuple(all) | Expression::Concat(all) | Expression::And(all) | Expression::Or(all) => {
                all.iter().all(|one| self.keeps(one))
            }
            Expression::Dict(members) => members.iter().all(|(key, value)| !self.reads(key) && self.keeps(value)),
            Expression::Binary(Operator::Add, left, right) => self.keeps(left) && self.keeps(right),
            Expression::Conditional(conditional) => {
                self.asks(&conditional.test) && self.keeps(&conditional.yes) && conditional.no.iter().all(|no| self.keeps(no))
            }
            Expression::Filter(Some(input), name, arguments) if KEEPING_FILTERS.contains(&name.as_str()) => {
                self.keeps(input) && arguments.expressions().all(|argument| self.keeps(argument))
            }
            other => is_path(other) || self.asks(other),
        }
    }

    /// Whether the expression only asks if the watched value is there.
    fn asks(&self, expression: &Expression) -> bool {
        if !self.reads(expression) || is_path(expression) {
            return true;
        }
        match expression {
            Expression::Not(inner) => self.asks(inner),
            Expression::And(all) | Expression::Or(all) => all.iter().all(|one| self.asks(one)),
            Expression::Test(input, name, _) => KEEPING_TESTS.contains(&name.as_str()) && self.asks(input),
            _ => false,
        }
    }
}

/// A variable, or members of it one in another.
fn is_path(expression: &Expression) -> bool {
    match expression {
        Expression::Name(_) => true,
        Expression::Attribute(base, _) => is_path(base),
        Expression::Item(base, key) => is_path(base) && matches!(**key, Expression::Constant(_)),
        Expression::Call(function, arguments) => match &**function {
            Expression::Attribute(base, name) if name == "get" => {
                is_path(base) && arguments.expressions().all(|argument| matches!(argument, Expression::Constant(_)))
            }
            _ => false,
        },
        _ => false,
    }
}
