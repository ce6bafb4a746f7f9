//! `value is test`.

use super::arguments::Given;
use super::ast::{Comparison, Operator};
use super::budget::Budget;
use super::error::{Outcome, TemplateError};
use super::operand::{Kind, Operand};
use super::operators::{binary, compare};
use crate::value::Value;

const NAMES: &[&str] = &[
    "odd",
    "even",
    "divisibleby",
    "defined",
    "undefined",
    "filter",
    "test",
    "none",
    "boolean",
    "false",
    "true",
    "integer",
    "float",
    "lower",
    "upper",
    "string",
    "mapping",
    "number",
    "sequence",
    "iterable",
    "callable",
    "sameas",
    "escaped",
    "in",
    "==",
    "eq",
    "equalto",
    "!=",
    "ne",
    ">",
    "gt",
    "greaterthan",
    "ge",
    ">=",
    "<",
    "lt",
    "lessthan",
    "le",
    "<=",
];

/// Whether there is a test of this name.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `operand is name(arguments)`
pub(super) fn test(budget: &Budget, name: &str, operand: &Operand, given: Given) -> Outcome<bool> {
    if let Some(comparison) = comparison(name) {
        let other = given.bind("test", &["other"], 1)?.need(0)?;
        return compare(comparison, operand, &other);
    }
    match name {
        "odd" | "even" => {
            let rest = binary(budget, Operator::Modulo, operand, &Operand::int(2))?;
            return Ok(rest.equals(&Operand::int(usize::from(name == "odd"))));
        }
        "divisibleby" => {
            let number = given.bind("divisibleby", &["num"], 1)?.need(0)?;
            return Ok(binary(budget, Operator::Modulo, operand, &number)?.equals(&Operand::int(0)));
        }
        "sameas" => {
            let other = given.bind("sameas", &["other"], 1)?.need(0)?;
            return Ok(operand.type_name() == other.type_name() && operand.equals(&other));
        }
        _ => {}
    }
    given.bind("test", &[], 0)?;
    let is_text = |test: fn(&str) -> bool| operand.as_str().is_some_and(test);
    let value = operand.as_value();
    Ok(match name {
        "defined" => !operand.is_undefined(),
        "undefined" => operand.is_undefined(),
        "filter" => is_text(super::filters::is_known),
        "test" => is_text(is_known),
        "none" => matches!(value, Some(Value::None)),
        "boolean" => matches!(value, Some(Value::Bool(_))),
        "true" => matches!(value, Some(Value::Bool(true))),
        "false" => matches!(value, Some(Value::Bool(false))),
        "integer" => value.is_some_and(|value| value.type_name() == "int"),
        "float" => value.is_some_and(|value| value.type_name() == "float"),
        "number" => value.is_some_and(|value| value.as_f64().is_some()),
        "string" => operand.as_str().is_some(),
        "mapping" => matches!(operand, Operand::Value(Value::Dict(_)) | Operand::Mapping(_) | Operand::AnyCase(_)),
        "sequence" => {
            operand.is_undefined()
                || (operand.length().is_ok() && !matches!(operand, Operand::Sequence(_, Kind::View(_)) | Operand::Loop(_)))
        }
        "iterable" => operand.iterate().is_ok(),
        "callable" => {
            matches!(operand, Operand::Function(_) | Operand::Method(..) | Operand::Macro(_) | Operand::Cycler(_) | Operand::Joiner(_))
        }
        "escaped" => false,
        "lower" | "upper" => {
            let text = operand.to_text();
            let wrong = if name == "lower" { text.chars().any(char::is_uppercase) } else { text.chars().any(char::is_lowercase) };
            !wrong && text.chars().any(|character| character.is_lowercase() || character.is_uppercase())
        }
        _ => return Err(TemplateError::value_error(format!("no test named '{name}'"))),
    })
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "==" | "eq" | "equalto" => Comparison::Equal,
        "!=" | "ne" => Comparison::NotEqual,
        ">" | "gt" | "greaterthan" => Comparison::Greater,
        ">=" | "ge" => Comparison::GreaterOrEqual,
        "<" | "lt" | "lessthan" => Comparison::Less,
        "<=" | "le" => Comparison::LessOrEqual,
        "in" => Comparison::In,
        _ => return None,
    })
}
