//! Reckons expressions.

use std::rc::Rc;
use std::sync::Arc;

use super::super::arguments::Given;
use super::super::ast::{Arguments, Comparison, Expression};
use super::super::attributes::{attribute, is_dict_method, item, method};
use super::super::error::{Outcome, TemplateError};
use super::super::filters;
use super::super::functions;
use super::super::methods;
use super::super::methods_members;
use super::super::operand::Operand;
use super::super::operators::{binary, compare, hashable, negative, positive, slice};
use super::super::tests;
use super::Machine;
use crate::value::Value;

/// A value in a scope, found without copying anything: the way of most expressions.
pub(in super::super) fn borrowed<'s>(scope: &'s super::Scope, expression: &Expression) -> Option<&'s Value> {
    match expression {
        Expression::Name(name) => scope.find(name).filter(|found| found.attributes.is_none() && !found.any_case).map(|found| found.value),
        Expression::Attribute(base, name) if !is_dict_method(name) => borrowed(scope, base)?.get(name),
        Expression::Item(base, key) => match &**key {
            Expression::Constant(Value::Str(key)) => borrowed(scope, base)?.get(key),
            Expression::Constant(Value::Int(index)) => borrowed(scope, base)?.as_items()?.get(usize::try_from(*index).ok()?),
            _ => None,
        },
        _ => None,
    }
}

impl<'a> Machine<'a> {
    /// The operand of an expression.
    pub fn evaluate(&mut self, expression: &Expression) -> Outcome<Operand> {
        self.budget.items(1)?;
        match expression {
            Expression::Constant(value) => Ok(Operand::Value(value.clone())),
            Expression::Name(_) | Expression::Attribute(..) | Expression::Item(..) => self.path(expression),
            _ => self.deeper(|machine| machine.composed(expression)),
        }
    }

    fn all(&mut self, expressions: &[Expression]) -> Outcome<Vec<Operand>> {
        expressions.iter().map(|expression| self.evaluate(expression)).collect()
    }

    fn composed(&mut self, expression: &Expression) -> Outcome<Operand> {
        match expression {
            Expression::List(items) => self.all(items).map(Operand::list),
            Expression::Tuple(items) => self.all(items).map(Operand::tuple),
            Expression::Dict(members) => self.dict(members),
            Expression::Not(inner) => Ok(Operand::bool(!self.evaluate(inner)?.is_truthy())),
            Expression::Negative(inner) => negative(&self.evaluate(inner)?),
            Expression::Positive(inner) => positive(&self.evaluate(inner)?),
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                binary(&self.budget, *operator, &left, &right)
            }
            Expression::Concat(parts) => self.concat(parts),
            Expression::And(parts) => self.first(parts, false),
            Expression::Or(parts) => self.first(parts, true),
            Expression::Compare(first, rest) => self.compare_chain(first, rest),
            Expression::Conditional(conditional) => {
                if self.evaluate(&conditional.test)?.is_truthy() {
                    self.evaluate(&conditional.yes)
                } else {
                    match &conditional.no {
                        Some(no) => self.evaluate(no),
                        None => Ok(Operand::undefined("the inline if-expression evaluated to false and no else section was defined.")),
                    }
                }
            }
            Expression::Slice(base, bounds) => {
                let base = self.evaluate(base)?;
                let mut parts = [None, None, None];
                for (part, bound) in parts.iter_mut().zip(bounds.iter()) {
                    *part = bound.as_ref().map(|bound| self.evaluate(bound)).transpose()?;
                }
                slice(&base, parts)
            }
            Expression::Call(..) => self.call_expression(expression, Vec::new()),
            Expression::Filter(input, name, arguments) => {
                let input = match input {
                    Some(input) => self.evaluate(input)?,
                    None => Operand::text(""),
                };
                let given = self.arguments(arguments)?;
                filters::apply(self, name, input, given)
            }
            Expression::Test(input, name, arguments) => {
                let input = self.evaluate(input)?;
                let given = self.arguments(arguments)?;
                tests::test(&self.budget, name, &input, given).map(Operand::bool)
            }
            other => self.path(other),
        }
    }

    /// A filter of a block, whose innermost input is the text of the block.
    pub(super) fn filter_block(&mut self, expression: &Expression, text: Operand) -> Outcome<Operand> {
        let Expression::Filter(input, name, arguments) = expression else { return self.evaluate(expression) };
        let input = match input {
            Some(input) => self.filter_block(input, text)?,
            None => text,
        };
        let given = self.arguments(arguments)?;
        filters::apply(self, name, input, given)
    }

    fn dict(&mut self, members: &[(Expression, Expression)]) -> Outcome<Operand> {
        let mut pairs = Vec::with_capacity(members.len());
        for (key, value) in members {
            let key = self.evaluate(key)?;
            hashable(&key)?;
            pairs.push((key, self.evaluate(value)?));
        }
        Ok(Operand::mapping(pairs))
    }

    fn concat(&mut self, parts: &[Expression]) -> Outcome<Operand> {
        let mut out = String::new();
        for part in parts {
            let start = out.len();
            self.evaluate(part)?.write_str(&mut out);
            self.budget.text(out.len() - start)?;
        }
        Ok(Operand::text(out))
    }

    /// `and` and `or`: the first operand that decides, or the last.
    fn first(&mut self, parts: &[Expression], wanted: bool) -> Outcome<Operand> {
        let mut operand = Operand::none();
        for part in parts {
            operand = self.evaluate(part)?;
            if operand.is_truthy() == wanted {
                break;
            }
        }
        Ok(operand)
    }

    fn compare_chain(&mut self, first: &Expression, rest: &[(Comparison, Expression)]) -> Outcome<Operand> {
        let mut left = self.evaluate(first)?;
        for (comparison, right) in rest {
            let right = self.evaluate(right)?;
            if !compare(*comparison, &left, &right)? {
                return Ok(Operand::bool(false));
            }
            left = right;
        }
        Ok(Operand::bool(true))
    }

    /// A variable: assigned by the template, given, or a function.
    pub(super) fn lookup(&self, name: &str) -> Operand {
        if let Some((_, found)) = self.frames.iter().rev().flatten().find(|(known, _)| known == name) {
            return found.clone();
        }
        if let Some(found) = self.scope.find(name) {
            return match found.value {
                Value::Dict(dict) if found.any_case => Operand::AnyCase(Arc::clone(dict)),
                value => Operand::Value(value.clone()),
            };
        }
        match functions::find(name) {
            Some(function) => Operand::Function(function),
            None if name == "self" => Operand::Opaque("TemplateReference None"),
            None => Operand::undefined(format!("'{name}' is undefined")),
        }
    }

    fn is_assigned(&self, name: &str) -> bool {
        self.frames.iter().flatten().any(|(known, _)| known == name)
    }

    fn path(&mut self, expression: &Expression) -> Outcome<Operand> {
        if self.frames.iter().all(Vec::is_empty)
            && let Some(value) = borrowed(self.scope, expression)
        {
            return Ok(Operand::Value(value.clone()));
        }
        match expression {
            Expression::Name(name) => Ok(self.lookup(name)),
            Expression::Attribute(base, name) => {
                if let Expression::Name(root) = &**base
                    && !self.is_assigned(root)
                    && let Some(found) =
                        self.scope.find(root).and_then(|found| found.attributes).and_then(|attributes| attributes.get(&**name))
                {
                    return Ok(Operand::Value(found.clone()));
                }
                attribute(&self.evaluate(base)?, name)
            }
            Expression::Item(base, key) => {
                let base = self.evaluate(base)?;
                let is_written = matches!(**key, Expression::Constant(_));
                let key = self.evaluate(key)?;
                item(&base, &key, is_written)
            }
            _ => Err(TemplateError::value_error("an expression that cannot be reckoned")),
        }
    }

    fn arguments(&mut self, arguments: &Arguments) -> Outcome<Given> {
        let mut positional = self.all(&arguments.positional)?;
        let mut named = Vec::with_capacity(arguments.named.len());
        for (name, value) in &arguments.named {
            named.push((name.clone(), self.evaluate(value)?));
        }
        if let Some(star) = &arguments.star {
            positional.extend(self.evaluate(star)?.iterate()?);
            self.budget.items(positional.len())?;
        }
        if let Some(stars) = &arguments.double_star {
            let mapping = self.evaluate(stars)?;
            let members = methods_members(&mapping).ok_or_else(|| TemplateError::type_error("argument after ** must be a mapping"))?;
            for (key, value) in members {
                let key = key.as_str().ok_or_else(|| TemplateError::type_error("keywords must be strings"))?.to_owned();
                named.push((key, value));
            }
        }
        Ok(Given { positional, named })
    }

    /// A call, with further arguments by name.
    pub(super) fn call_expression(&mut self, expression: &Expression, further: Vec<(String, Operand)>) -> Outcome<Operand> {
        let Expression::Call(function, arguments) = expression else {
            return Err(TemplateError::type_error("expected a call"));
        };
        if let Expression::Attribute(base, name) = &**function {
            let receiver = self.evaluate(base)?;
            if let Some(method) = method(&receiver, name) {
                let given = self.arguments(arguments)?;
                return self.call_method(&receiver, method, given, Some(base));
            }
        }
        let function = self.evaluate(function)?;
        let mut given = self.arguments(arguments)?;
        given.named.extend(further);
        self.call(&function, given)
    }

    fn call_method(&mut self, receiver: &Operand, name: &'static str, given: Given, place: Option<&Expression>) -> Outcome<Operand> {
        if let Operand::Loop(state) = receiver {
            return loop_method(state, name, given);
        }
        let called = methods::call(&self.budget, receiver, name, given)?;
        if let (Some(changed), Some(place)) = (called.changed, place) {
            self.store_back(place, changed);
        }
        Ok(called.result)
    }

    fn call(&mut self, function: &Operand, given: Given) -> Outcome<Operand> {
        match function {
            Operand::Function(name) => functions::call(self.scope.now_micros(), name, given),
            Operand::Method(receiver, name) => self.call_method(receiver, name, given, None),
            Operand::Macro(object) => {
                let object = Arc::clone(object);
                self.run_macro(&object, given)
            }
            Operand::Loop(state) => {
                let state = Rc::clone(state);
                self.enter_loop_again(&state, given)
            }
            Operand::Joiner(state) => {
                let used = state.1.replace(true);
                Ok(Operand::text(if used { state.0.clone() } else { String::new() }))
            }
            Operand::Undefined(message) => Err(TemplateError::undefined(&**message)),
            other => Err(TemplateError::type_error(format!("'{}' object is not callable", other.type_name()))),
        }
    }
}

fn loop_method(state: &super::LoopState, name: &str, given: Given) -> Outcome<Operand> {
    let items = given.only_positional(name)?;
    if name == "changed" {
        let known = state.changed.borrow_mut().replace(items.clone());
        let same =
            known.is_some_and(|known| known.len() == items.len() && known.iter().zip(&items).all(|(known, item)| known.equals(item)));
        return Ok(Operand::bool(!same));
    }
    match items.get(state.index % items.len().max(1)) {
        Some(item) => Ok(item.clone()),
        None => Err(TemplateError::type_error("no items for cycling given")),
    }
}
