//! Runs the statements of a template.

mod expressions;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::arguments::Given;
use super::ast::{Expression, For, Macro, Statement, Target};
use super::budget::Budget;
use super::error::{Outcome, TemplateError};
use super::operand::{LoopState, Operand};
use super::scope::Scope;

pub(super) use expressions::borrowed;

/// Macros and expressions inside one another.
const DEPTH_LIMIT: usize = 300;

/// One evaluation.
pub(super) struct Machine<'a> {
    scope: &'a Scope,
    pub budget: Budget,
    /// What the template assigned, frame by frame; the first is that of the whole template.
    frames: Vec<Vec<(String, Operand)>>,
    /// Loops that may be entered again.
    loops: Vec<&'a For>,
    depth: usize,
}

impl<'a> Machine<'a> {
    pub fn new(scope: &'a Scope) -> Self {
        Self { scope, budget: Budget::new(), frames: Vec::new(), loops: Vec::new(), depth: 0 }
    }

    pub fn now_micros(&self) -> i64 {
        self.scope.now_micros()
    }

    /// Runs all statements.
    pub fn run(&mut self, statements: &'a [Statement]) -> Outcome<String> {
        let mut out = String::new();
        self.frames.push(Vec::new());
        self.statements(statements, &mut out)?;
        Ok(out)
    }

    fn statements(&mut self, statements: &'a [Statement], out: &mut String) -> Outcome<()> {
        statements.iter().try_for_each(|statement| self.statement(statement, out))
    }

    /// One level deeper.
    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= DEPTH_LIMIT {
            return Err(TemplateError::limit("the template calls itself too deep"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// In a frame of its own.
    fn framed<T>(&mut self, names: Vec<(String, Operand)>, inside: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.frames.push(names);
        let result = self.deeper(inside);
        self.frames.pop();
        result
    }

    /// The text of a body.
    fn captured(&mut self, body: &'a [Statement]) -> Outcome<String> {
        self.framed(Vec::new(), |machine| {
            let mut text = String::new();
            machine.statements(body, &mut text)?;
            Ok(text)
        })
    }

    fn statement(&mut self, statement: &'a Statement, out: &mut String) -> Outcome<()> {
        self.budget.items(1)?;
        match statement {
            Statement::Text(text) => {
                self.budget.text(text.len())?;
                out.push_str(text);
            }
            Statement::Print(expressions) => {
                for expression in expressions {
                    let start = out.len();
                    self.evaluate(expression)?.write_str(out);
                    self.budget.text(out.len() - start)?;
                }
            }
            Statement::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.evaluate(test)?.is_truthy() {
                        return self.deeper(|machine| machine.statements(body, out));
                    }
                }
                return self.deeper(|machine| machine.statements(otherwise, out));
            }
            Statement::For(node) => {
                let items = self.evaluate(&node.items)?;
                return self.run_loop(node, &items, 1, out);
            }
            Statement::Set(target, value) => {
                let value = self.evaluate(value)?;
                self.assign(target, value)?;
            }
            Statement::SetBlock(target, filter, body) => {
                let text = Operand::text(self.captured(body)?);
                let value = match filter {
                    Some(filter) => self.filter_block(filter, text)?,
                    None => text,
                };
                self.assign(target, value)?;
            }
            Statement::With(assignments, body) => return self.with(assignments, body, out),
            Statement::Macro(object) => self.assign(&Target::Name(object.name.clone()), Operand::Macro(Arc::clone(object)))?,
            Statement::CallBlock(call, body) => {
                let caller = Operand::Macro(Arc::clone(body));
                let text = self.call_expression(call, vec![("caller".to_owned(), caller)])?.to_text();
                out.push_str(&text);
            }
            Statement::FilterBlock(filter, body) => {
                let text = Operand::text(self.captured(body)?);
                self.filter_block(filter, text)?.write_str(out);
            }
            Statement::Scoped(body) => return self.framed(Vec::new(), |machine| machine.statements(body, out)),
            Statement::Load => return Err(TemplateError::type_error("no loader for this environment specified")),
        }
        Ok(())
    }

    fn with(&mut self, assignments: &'a [(Target, Expression)], body: &'a [Statement], out: &mut String) -> Outcome<()> {
        let values = assignments.iter().map(|(_, value)| self.evaluate(value)).collect::<Outcome<Vec<_>>>()?;
        self.framed(Vec::new(), |machine| {
            for ((target, _), value) in assignments.iter().zip(values) {
                machine.assign(target, value)?;
            }
            machine.statements(body, out)
        })
    }

    fn run_loop(&mut self, node: &'a For, items: &Operand, depth: usize, out: &mut String) -> Outcome<()> {
        let mut items = items.iterate()?;
        self.budget.items(items.len())?;
        if let Some(condition) = &node.condition {
            let mut kept = Vec::new();
            for item in items {
                let keep = self.framed(Vec::new(), |machine| {
                    machine.assign(&node.target, item.clone())?;
                    machine.evaluate(condition)
                })?;
                if keep.is_truthy() {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            return self.framed(Vec::new(), |machine| machine.statements(&node.otherwise, out));
        }
        self.loops.push(node);
        let items = Rc::new(items);
        let mut changed = None;
        for (index, item) in items.iter().enumerate() {
            let state = Rc::new(LoopState { index, items: Rc::clone(&items), depth, changed: RefCell::new(changed) });
            let frame = vec![("loop".to_owned(), Operand::Loop(Rc::clone(&state)))];
            self.framed(frame, |machine| {
                machine.assign(&node.target, item.clone())?;
                machine.statements(&node.body, out)
            })?;
            changed = state.changed.borrow_mut().take();
        }
        self.loops.pop();
        Ok(())
    }

    /// `loop(items)`
    fn enter_loop_again(&mut self, state: &LoopState, given: Given) -> Outcome<Operand> {
        let items = given.bind("loop", &["iterable"], 1)?.need(0)?;
        let Some(node) = self.loops.last().copied().filter(|node| node.recursive) else {
            return Err(TemplateError::type_error("The loop must have the 'recursive' marker to be called recursively."));
        };
        let mut text = String::new();
        self.deeper(|machine| machine.run_loop(node, &items, state.depth + 1, &mut text))?;
        Ok(Operand::text(text))
    }

    fn assign(&mut self, target: &Target, value: Operand) -> Outcome<()> {
        match target {
            Target::Name(name) => {
                if let Some(frame) = self.frames.last_mut() {
                    match frame.iter_mut().find(|(known, _)| known == name) {
                        Some(known) => known.1 = value,
                        None => frame.push((name.clone(), value)),
                    }
                }
                Ok(())
            }
            Target::Tuple(targets) => {
                if let Operand::Value(value) = &value
                    && value.as_f64().is_some()
                {
                    return Err(TemplateError::type_error(format!("cannot unpack non-iterable {} object", value.type_name())));
                }
                let items = value.iterate()?;
                if items.len() != targets.len() {
                    return Err(TemplateError::value_error(format!("expected {} values to unpack, found {}", targets.len(), items.len())));
                }
                targets.iter().zip(items).try_for_each(|(target, item)| self.assign(target, item))
            }
            Target::Attribute(name, attribute) => match self.lookup(name) {
                Operand::Namespace(members) => {
                    let mut members = members.borrow_mut();
                    match members.iter_mut().find(|(known, _)| known == attribute) {
                        Some(known) => known.1 = value,
                        None => members.push((attribute.clone(), value)),
                    }
                    Ok(())
                }
                _ => Err(TemplateError::value_error("cannot assign attribute on non-namespace object")),
            },
        }
    }

    /// Replaces the value of a variable where it lives: its object was changed by a method.
    fn store_back(&mut self, place: &Expression, value: Operand) {
        match place {
            Expression::Name(name) => {
                let known = self.frames.iter_mut().rev().find_map(|frame| frame.iter_mut().find(|(known, _)| known == name));
                match known {
                    Some(known) => known.1 = value,
                    None => {
                        if let Some(frame) = self.frames.first_mut() {
                            frame.push((name.clone(), value));
                        }
                    }
                }
            }
            Expression::Attribute(base, attribute) => {
                if let Expression::Name(name) = &**base
                    && let Operand::Namespace(members) = self.lookup(name)
                    && let Some(known) = members.borrow_mut().iter_mut().find(|(known, _)| known == attribute)
                {
                    known.1 = value;
                }
            }
            _ => {}
        }
    }

    fn run_macro(&mut self, object: &Macro, given: Given) -> Outcome<Operand> {
        let Macro { name, signature, body } = object;
        let mut frame: Vec<(String, Operand)> = Vec::new();
        let mut positional = given.positional.into_iter();
        let mut named = given.named;
        let first_default = signature.names.len().saturating_sub(signature.defaults.len());
        for (index, parameter) in signature.names.iter().enumerate() {
            let by_name = named.iter().position(|(known, _)| known == parameter).map(|at| named.remove(at).1);
            let value = match (positional.next(), by_name) {
                (Some(_), Some(_)) => {
                    return Err(TemplateError::type_error(format!("macro '{name}' got multiple values for argument '{parameter}'")));
                }
                (Some(value), None) | (None, Some(value)) => value,
                (None, None) => match index.checked_sub(first_default).and_then(|index| signature.defaults.get(index)) {
                    Some(default) => self.detached(default)?,
                    None => Operand::undefined(format!("parameter '{parameter}' was not provided")),
                },
            };
            frame.push((parameter.clone(), value));
        }
        let caller = named.iter().position(|(known, _)| known == "caller").map(|at| named.remove(at).1);
        frame.push(("caller".to_owned(), caller.unwrap_or_else(|| Operand::undefined("No caller defined"))));
        frame.push(("varargs".to_owned(), Operand::tuple(positional.collect())));
        frame.push(("kwargs".to_owned(), Operand::mapping(named.into_iter().map(|(key, value)| (Operand::text(key), value)).collect())));
        self.detached_body(body, frame).map(Operand::text)
    }

    /// Runs the body of a macro: it may live longer or shorter than the template, so it runs in a machine of its own with the same frames.
    fn detached_body(&mut self, body: &[Statement], frame: Vec<(String, Operand)>) -> Outcome<String> {
        if self.depth >= DEPTH_LIMIT {
            return Err(TemplateError::limit("the template calls itself too deep"));
        }
        let budget = std::mem::replace(&mut self.budget, Budget::new());
        let frames = std::mem::take(&mut self.frames);
        let mut inner = Machine { scope: self.scope, budget, frames, loops: Vec::new(), depth: self.depth + 20 };
        inner.frames.push(frame);
        let mut text = String::new();
        let result = inner.statements(body, &mut text);
        inner.frames.pop();
        self.budget = inner.budget;
        self.frames = inner.frames;
        result.map(|()| text)
    }

    fn detached(&mut self, expression: &Expression) -> Outcome<Operand> {
        let budget = std::mem::replace(&mut self.budget, Budget::new());
        let frames = std::mem::take(&mut self.frames);
        let mut inner = Machine { scope: self.scope, budget, frames, loops: Vec::new(), depth: self.depth + 1 };
        let result = inner.evaluate(expression);
        self.budget = inner.budget;
        self.frames = inner.frames;
        result
    }
}

/// `loop.name`
pub(super) fn loop_attribute(state: &Rc<LoopState>, name: &str) -> Option<Operand> {
    let length = state.items.len();
    Some(match name {
        "index" => Operand::int(state.index + 1),
        "index0" => Operand::int(state.index),
        "revindex" => Operand::int(length - state.index),
        "revindex0" => Operand::int(length - state.index - 1),
        "first" => Operand::bool(state.index == 0),
        "last" => Operand::bool(state.index + 1 == length),
        "length" => Operand::int(length),
        "depth" => Operand::int(state.depth),
        "depth0" => Operand::int(state.depth - 1),
        "previtem" => match state.index.checked_sub(1).and_then(|at| state.items.get(at)) {
            Some(item) => item.clone(),
            None => Operand::undefined("there is no previous item"),
        },
        "nextitem" => state.items.get(state.index + 1).cloned().unwrap_or_else(|| Operand::undefined("there is no next item")),
        _ => return None,
    })
}
