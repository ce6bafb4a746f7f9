//! Arguments of a call, bound to names as Python binds them.

use super::error::{Outcome, TemplateError};
use super::operand::Operand;
use crate::value::Value;

/// Arguments as they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub positional: Vec<Operand>,
    pub named: Vec<(String, Operand)>,
}

/// Arguments by the place of their parameter.
pub(super) struct Bound {
    function: &'static str,
    names: &'static [&'static str],
    values: Vec<Option<Operand>>,
}

impl Given {
    /// Binds the arguments to the names of a function; the first `required` must be there.
    pub fn bind(self, function: &'static str, names: &'static [&'static str], required: usize) -> Outcome<Bound> {
        if self.positional.len() > names.len() {
            return Err(TemplateError::type_error(format!(
                "{function}() takes {} arguments but {} were given",
                names.len(),
                self.positional.len()
            )));
        }
        let mut values: Vec<Option<Operand>> = self.positional.into_iter().map(Some).collect();
        values.resize(names.len(), None);
        for (name, value) in self.named {
            let slot = names.iter().position(|known| *known == name).and_then(|at| values.get_mut(at));
            match slot {
                Some(slot @ None) => *slot = Some(value),
                Some(_) => return Err(TemplateError::type_error(format!("{function}() got multiple values for argument '{name}'"))),
                None => return Err(TemplateError::type_error(format!("{function}() got an unexpected keyword argument '{name}'"))),
            }
        }
        let missing = names.iter().zip(&values).take(required).find(|(_, value)| value.is_none());
        match missing {
            Some((name, _)) => Err(TemplateError::type_error(format!("{function}() missing a required argument: '{name}'"))),
            None => Ok(Bound { function, names, values }),
        }
    }

    /// Fails if there are arguments by name.
    pub fn only_positional(self, function: &str) -> Outcome<Vec<Operand>> {
        match self.named.first() {
            None => Ok(self.positional),
            Some(_) => Err(TemplateError::type_error(format!("{function}() takes no keyword arguments"))),
        }
    }
}

impl Bound {
    pub fn take(&mut self, index: usize) -> Option<Operand> {
        self.values.get_mut(index).and_then(Option::take)
    }

    /// The argument; `None` in its place counts as not given.
    pub fn given(&mut self, index: usize) -> Option<Operand> {
        self.take(index).filter(|value| !matches!(value, Operand::Value(Value::None)))
    }

    pub fn need(&mut self, index: usize) -> Outcome<Operand> {
        self.take(index).ok_or_else(|| TemplateError::type_error(format!("{}() misses an argument", self.function)))
    }

    fn wrong(&self, index: usize, expected: &str, found: &Operand) -> TemplateError {
        if let Operand::Undefined(message) = found {
            return TemplateError::undefined(&**message);
        }
        let name = self.names.get(index).copied().unwrap_or_default();
        TemplateError::type_error(format!("{}(): '{name}' must be {expected}, not {}", self.function, found.type_name()))
    }

    /// A text, or the default.
    pub fn text(&mut self, index: usize, default: &str) -> Outcome<String> {
        match self.take(index) {
            None => Ok(default.to_owned()),
            Some(operand) => match operand.as_str() {
                Some(text) => Ok(text.to_owned()),
                None => Err(self.wrong(index, "str", &operand)),
            },
        }
    }

    /// An integer, or the default.
    pub fn int(&mut self, index: usize, default: i64) -> Outcome<i64> {
        match self.take(index) {
            None => Ok(default),
            Some(operand) => match operand.as_value().and_then(Value::as_int) {
                Some(number) => Ok(i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })),
                None => Err(self.wrong(index, "int", &operand)),
            },
        }
    }

    /// The truth of an argument, or the default.
    pub fn flag(&mut self, index: usize, default: bool) -> bool {
        self.take(index).map_or(default, |operand| operand.is_truthy())
    }
}
