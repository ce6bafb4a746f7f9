//! Python's methods of texts, lists, dictionaries and dates.

mod dates;
mod lists;
mod texts;

use super::arguments::Given;
use super::budget::Budget;
use super::error::{Outcome, TemplateError};
use super::operand::{Kind, Operand};
use crate::value::Value;

/// What a method gives, and what its object is afterwards if it changed.
pub(super) struct Called {
    pub result: Operand,
    pub changed: Option<Operand>,
}

impl From<Operand> for Called {
    fn from(result: Operand) -> Self {
        Self { result, changed: None }
    }
}

/// `receiver.name(arguments)`
pub(super) fn call(budget: &Budget, receiver: &Operand, name: &'static str, given: Given) -> Outcome<Called> {
    match receiver {
        Operand::Value(Value::Str(text)) => texts::call(budget, text, name, given).map(Called::from),
        Operand::Value(Value::Moment(moment)) => dates::moment(moment, name, given).map(Called::from),
        Operand::Value(Value::Span(span)) => Ok(Operand::Value(Value::float(span.total_seconds())).into()),
        Operand::Value(Value::Dict(_)) | Operand::Mapping(_) | Operand::AnyCase(_) => lists::dict(receiver, name, given),
        Operand::Value(Value::List(_) | Value::Tuple(_)) | Operand::Sequence(_, Kind::List | Kind::Tuple) => {
            lists::list(receiver, name, given)
        }
        Operand::Value(Value::Float(number, _)) if name == "is_integer" => Ok(Operand::bool(number.fract() == 0.0).into()),
        Operand::Value(Value::Int(number)) if name == "bit_length" => {
            Ok(Operand::int((128 - number.unsigned_abs().leading_zeros()) as usize).into())
        }
        Operand::Value(value) if name == "conjugate" => Ok(Operand::Value(value.clone()).into()),
        Operand::Cycler(state) => cycler(state, name),
        _ => Err(TemplateError::type_error(format!("method '{name}' cannot be called"))),
    }
}

fn cycler(state: &(Vec<Operand>, std::cell::RefCell<usize>), name: &str) -> Outcome<Called> {
    let mut place = state.1.borrow_mut();
    let current = state.0.get(*place).cloned().unwrap_or_else(Operand::none);
    if name == "reset" {
        *place = 0;
        return Ok(Operand::none().into());
    }
    *place = (*place + 1) % state.0.len().max(1);
    Ok(current.into())
}

pub(super) use lists::{members, sorted};
pub(super) use texts::{lines, replaced};
