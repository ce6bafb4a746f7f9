//! Operators of two operands, as Python has them.

use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Comparison, Operator};
use super::budget::Budget;
use super::error::{Outcome, TemplateError};
use super::operand::{Kind, Operand};
use crate::value::datetime::{DateError, Span};
use crate::value::{Dict, Value};

/// Items that a repeated list may have.
const ITEMS_LIMIT: usize = 100_000;

impl From<DateError> for TemplateError {
    fn from(error: DateError) -> Self {
        match error {
            DateError::Kind => Self::type_error(error.to_string()),
            _ => Self::value_error(error.to_string()),
        }
    }
}

fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::FloorDivide => "//",
        Operator::Modulo => "%",
        Operator::Power => "** or pow()",
    }
}

/// `left operator right`.
pub(super) fn binary(budget: &Budget, operator: Operator, left: &Operand, right: &Operand) -> Outcome<Operand> {
    if let (Operator::Modulo, Some(format)) = (operator, left.as_str()) {
        return super::printf::printf(budget, format, right).map(Operand::text);
    }
    for side in [left, right] {
        if let Operand::Undefined(message) = side {
            return Err(TemplateError::undefined(&**message));
        }
    }
    let unsupported = || {
        let (left, right) = (left.type_name(), right.type_name());
        TemplateError::type_error(format!("unsupported operand type(s) for {}: '{left}' and '{right}'", symbol(operator)))
    };
    let (Some(a), Some(b)) = (left.as_value(), right.as_value()) else {
        return sequences(budget, operator, left, right)?.ok_or_else(unsupported);
    };
    if let (Some(_), Some(_)) = (a.as_f64(), b.as_f64()) {
        return numbers(operator, a, b).map(Operand::Value);
    }
    match dates(operator, a, b)? {
        Some(value) => Ok(Operand::Value(value)),
        None => sequences(budget, operator, left, right)?.ok_or_else(unsupported),
    }
}

fn dates(operator: Operator, left: &Value, right: &Value) -> Outcome<Option<Value>> {
    let short = |number: i128| i64::try_from(number).map_err(|_| TemplateError::from(DateError::Range));
    Ok(Some(match (operator, left, right) {
        (Operator::Add, Value::Moment(moment), Value::Span(span)) | (Operator::Add, Value::Span(span), Value::Moment(moment)) => {
            Value::Moment(moment.plus(span)?)
        }
        (Operator::Subtract, Value::Moment(moment), Value::Span(span)) => Value::Moment(moment.minus(span)?),
        (Operator::Subtract, Value::Moment(left), Value::Moment(right)) => Value::Span(left.since(right)?),
        (Operator::Add, Value::Span(left), Value::Span(right)) => Value::Span(left.plus(right)?),
        (Operator::Subtract, Value::Span(left), Value::Span(right)) => Value::Span(left.plus(&right.negated())?),
        (Operator::Multiply, Value::Span(span), Value::Int(factor)) | (Operator::Multiply, Value::Int(factor), Value::Span(span)) => {
            Value::Span(span.times(short(*factor)?)?)
        }
        (Operator::Multiply, Value::Span(span), Value::Float(factor, _))
        | (Operator::Multiply, Value::Float(factor, _), Value::Span(span))
            if !span.is_calendar() =>
        {
            Value::Span(Span::from_days(span.total_seconds() * factor / 86_400.0)?)
        }
        (Operator::Divide, Value::Span(_), Value::Span(right))
        | (Operator::FloorDivide | Operator::Modulo, Value::Span(_), Value::Span(right))
            if right.micros() == 0 =>
        {
            return Err(TemplateError::value_error("integer division or modulo by zero"));
        }
        (Operator::Divide, Value::Span(left), Value::Span(right)) => Value::float(left.micros() as f64 / right.micros() as f64),
        (Operator::FloorDivide, Value::Span(left), Value::Span(right)) => Value::Int(floor_divide(left.micros(), right.micros())?),
        (Operator::Modulo, Value::Span(left), Value::Span(right)) => {
            Value::Span(Span::from_micros(floor_modulo(left.micros(), right.micros())?))
        }
        (Operator::FloorDivide, Value::Span(left), Value::Int(right)) => {
            Value::Span(Span::from_micros(floor_divide(left.micros(), *right)?))
        }
        (Operator::Divide, Value::Span(left), right) if right.as_f64().is_some_and(|number| number != 0.0) => {
            Value::Span(Span::from_micros((left.micros() as f64 / right.as_f64().unwrap_or(1.0)).round_ties_even() as i128))
        }
        _ => return Ok(None),
    }))
}

fn sequences(budget: &Budget, operator: Operator, left: &Operand, right: &Operand) -> Outcome<Option<Operand>> {
    match operator {
        Operator::Add => {
            if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
                budget.text(left.len() + right.len())?;
                return Ok(Some(Operand::text(format!("{left}{right}"))));
            }
            match (left.items_of_list(), right.items_of_list()) {
                (Some(mut items), Some(more)) if left.type_name() == right.type_name() => {
                    budget.items(items.len() + more.len())?;
                    items.extend(more);
                    Ok(Some(if left.type_name() == "tuple" { Operand::tuple(items) } else { Operand::list(items) }))
                }
                _ => Ok(None),
            }
        }
        Operator::Multiply => {
            let count = |operand: &Operand| operand.as_value().and_then(Value::as_int);
            let (sequence, count) = match (count(left), count(right)) {
                (None, Some(count)) => (left, count),
                (Some(count), None) => (right, count),
                _ => return Ok(None),
            };
            let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
            if let Some(text) = sequence.as_str() {
                budget.text(text.len().saturating_mul(count))?;
                return Ok(Some(Operand::text(text.repeat(count))));
            }
            let Some(items) = sequence.items_of_list() else { return Ok(None) };
            let total = items.len().saturating_mul(count);
            if total > ITEMS_LIMIT {
                return Err(TemplateError::limit("a list that is repeated too often"));
            }
            budget.items(total)?;
            let repeated = std::iter::repeat_n(items, count).flatten().collect();
            Ok(Some(if sequence.type_name() == "tuple" { Operand::tuple(repeated) } else { Operand::list(repeated) }))
        }
        _ => Ok(None),
    }
}

fn too_large() -> TemplateError {
    TemplateError::limit("a number that is too large")
}

fn zero() -> TemplateError {
    TemplateError::value_error("division by zero")
}

fn floor_divide(left: i128, right: i128) -> Outcome<i128> {
    if right == 0 {
        return Err(zero());
    }
    let quotient = left.checked_div(right).ok_or_else(too_large)?;
    let exact = left.wrapping_rem(right) == 0;
    Ok(if !exact && (left < 0) != (right < 0) { quotient - 1 } else { quotient })
}

fn floor_modulo(left: i128, right: i128) -> Outcome<i128> {
    if right == 0 {
        return Err(zero());
    }
    let rest = left.wrapping_rem(right);
    Ok(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
}

fn numbers(operator: Operator, left: &Value, right: &Value) -> Outcome<Value> {
    if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
        return integers(operator, a, b);
    }
    if left.as_huge().is_some() || right.as_huge().is_some() {
        return Err(too_large());
    }
    let (Some(a), Some(b)) = (left.as_f64(), right.as_f64()) else { return Err(too_large()) };
    if b == 0.0 && matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Modulo) {
        return Err(zero());
    }
    Ok(Value::float(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Modulo => float_modulo(a, b),
        Operator::FloorDivide => {
            let rest = float_modulo(a, b);
            ((a - rest) / b).round()
        }
        Operator::Power if a == 0.0 && b < 0.0 => return Err(zero()),
        Operator::Power if a < 0.0 && b.fract() != 0.0 => return Err(TemplateError::value_error("a complex number")),
        Operator::Power => a.powf(b),
    }))
}

fn float_modulo(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest != 0.0 && (rest < 0.0) != (right < 0.0) {
        rest + right
    } else if rest == 0.0 {
        0.0_f64.copysign(right)
    } else {
        rest
    }
}

fn integers(operator: Operator, left: i128, right: i128) -> Outcome<Value> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => {
            return if right == 0 { Err(zero()) } else { Ok(Value::float(left as f64 / right as f64)) };
        }
        Operator::FloorDivide => Some(floor_divide(left, right)?),
        Operator::Modulo => Some(floor_modulo(left, right)?),
        Operator::Power if right < 0 => {
            return if left == 0 { Err(zero()) } else { Ok(Value::float((left as f64).powf(right as f64))) };
        }
        Operator::Power => match (left, u32::try_from(right)) {
            (0 | 1, _) => Some(if right == 0 { 1 } else { left }),
            (-1, _) => Some(if right % 2 == 0 { 1 } else { -1 }),
            (_, Ok(exponent)) => left.checked_pow(exponent),
            _ => None,
        },
    };
    result.map(Value::Int).ok_or_else(too_large)
}

/// `-operand`
pub(super) fn negative(operand: &Operand) -> Outcome<Operand> {
    Ok(Operand::Value(match operand {
        Operand::Value(Value::Float(number, _)) if operand.as_value().and_then(Value::as_huge).is_none() => Value::float(-number),
        Operand::Value(Value::Span(span)) => Value::Span(span.negated()),
        Operand::Undefined(message) => return Err(TemplateError::undefined(&**message)),
        _ => match operand.as_value().and_then(Value::as_int) {
            Some(number) => Value::Int(number.checked_neg().ok_or_else(too_large)?),
            None => return Err(TemplateError::type_error(format!("bad operand type for unary -: '{}'", operand.type_name()))),
        },
    }))
}

/// `+operand`
pub(super) fn positive(operand: &Operand) -> Outcome<Operand> {
    match operand {
        Operand::Undefined(message) => Err(TemplateError::undefined(&**message)),
        Operand::Value(Value::Bool(flag)) => Ok(Operand::Value(Value::Int((*flag).into()))),
        Operand::Value(value) if value.as_f64().is_some() || matches!(value, Value::Span(_)) => Ok(operand.clone()),
        _ => Err(TemplateError::type_error(format!("bad operand type for unary +: '{}'", operand.type_name()))),
    }
}

/// `left comparison right`
pub(super) fn compare(comparison: Comparison, left: &Operand, right: &Operand) -> Outcome<bool> {
    Ok(match comparison {
        Comparison::Equal => left.equals(right),
        Comparison::NotEqual => !left.equals(right),
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
        Comparison::Less => order(left, right, "<")? == Some(Ordering::Less),
        Comparison::Greater => order(left, right, ">")? == Some(Ordering::Greater),
        Comparison::LessOrEqual => matches!(order(left, right, "<=")?, Some(Ordering::Less | Ordering::Equal)),
        Comparison::GreaterOrEqual => matches!(order(left, right, ">=")?, Some(Ordering::Greater | Ordering::Equal)),
    })
}

/// The order of two operands; none if one is not a number.
pub(super) fn order(left: &Operand, right: &Operand, symbol: &str) -> Outcome<Option<Ordering>> {
    for side in [left, right] {
        if let Operand::Undefined(message) = side {
            return Err(TemplateError::undefined(&**message));
        }
    }
    if let (Some(a), Some(b)) = (left.as_value(), right.as_value()) {
        let ordering = a.compare(b);
        let is_nan = |value: &Value| matches!(value, Value::Float(number, _) if number.is_nan());
        if ordering.is_some() || ((is_nan(a) || is_nan(b)) && a.as_f64().is_some() && b.as_f64().is_some()) {
            return Ok(ordering);
        }
    } else if let (Operand::Sequence(a, Kind::List | Kind::Tuple), Some(b)) = (left, right.items_of_list()) {
        return order_items(a, &b, symbol);
    }
    Err(TemplateError::type_error(format!(
        "'{symbol}' not supported between instances of '{}' and '{}'",
        left.type_name(),
        right.type_name()
    )))
}

fn order_items(left: &[Operand], right: &[Operand], symbol: &str) -> Outcome<Option<Ordering>> {
    match left.iter().zip(right).find(|(left, right)| !left.equals(right)) {
        Some((left, right)) => order(left, right, symbol),
        None => Ok(Some(left.len().cmp(&right.len()))),
    }
}

/// `item in container`
pub(super) fn contains(container: &Operand, item: &Operand) -> Outcome<bool> {
    match container {
        Operand::Value(Value::Str(text)) => match item.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(TemplateError::type_error(format!("'in <string>' requires string as left operand, not {}", item.type_name()))),
        },
        Operand::Value(Value::Dict(dict)) => hashable(item).map(|()| item.as_str().is_some_and(|key| dict.contains_key(key))),
        Operand::AnyCase(dict) => Ok(item.as_str().is_some_and(|key| any_case(dict, key).is_some())),
        Operand::Value(Value::List(items) | Value::Tuple(items)) => Ok(items.iter().any(|known| match item {
            Operand::Value(item) => known == item,
            other => Operand::Value(known.clone()).equals(other),
        })),
        Operand::Mapping(members) => hashable(item).map(|()| members.iter().any(|(key, _)| key.equals(item))),
        _ => match container.iterate() {
            Ok(items) => Ok(items.iter().any(|known| known.equals(item))),
            Err(_) => Err(TemplateError::type_error(format!("argument of type '{}' is not iterable", container.type_name()))),
        },
    }
}

/// The member of a dictionary whose keys are the same in upper and lower case.
pub(super) fn any_case<'a>(dict: &'a Dict, key: &str) -> Option<&'a Value> {
    dict.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

/// Python's keys of dictionaries cannot be lists or dictionaries.
pub(super) fn hashable(key: &Operand) -> Outcome<()> {
    match key {
        Operand::Value(Value::List(_) | Value::Dict(_)) | Operand::Sequence(_, Kind::List) | Operand::Mapping(_) => {
            Err(TemplateError::type_error(format!("unhashable type: '{}'", key.type_name())))
        }
        _ => Ok(()),
    }
}

/// `container[start:stop:step]`
pub(super) fn slice(container: &Operand, bounds: [Option<Operand>; 3]) -> Outcome<Operand> {
    let mut numbers = [None; 3];
    for (bound, number) in bounds.iter().zip(numbers.iter_mut()) {
        *number = match bound {
            None | Some(Operand::Value(Value::None)) => None,
            Some(Operand::Value(value)) if value.as_int().is_some() => value.as_int(),
            // Jinja takes what cannot be looked up for undefined.
            Some(_) => return Ok(Operand::undefined("slice indices must be integers or None")),
        };
    }
    let [start, stop, step] = numbers;
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(TemplateError::value_error("slice step cannot be zero"));
    }
    match container {
        Operand::Undefined(message) => Err(TemplateError::undefined(&**message)),
        Operand::Value(Value::Str(text)) if text.is_ascii() && step == 1 => {
            let range = ends(text.len(), start, stop, step);
            let bounds = usize::try_from(range.0).ok().zip(usize::try_from(range.1).ok()).filter(|(first, end)| first < end);
            Ok(Operand::text(bounds.and_then(|(first, end)| text.get(first..end)).unwrap_or_default()))
        }
        Operand::Value(Value::Str(text)) => {
            let characters: Vec<char> = text.chars().collect();
            Ok(Operand::text(places(characters.len(), start, stop, step).filter_map(|at| characters.get(at)).collect::<String>()))
        }
        Operand::Value(Value::List(items)) => Ok(Operand::Value(Value::list(picked(items, start, stop, step)))),
        Operand::Value(Value::Tuple(items)) => Ok(Operand::Value(Value::Tuple(Arc::new(picked(items, start, stop, step))))),
        Operand::Sequence(items, kind @ (Kind::List | Kind::Tuple)) => {
            Ok(Operand::Sequence(Rc::new(picked(items, start, stop, step)), *kind))
        }
        _ => Ok(Operand::undefined(format!("'{}' object cannot be sliced", container.type_name()))),
    }
}

fn picked<T: Clone>(items: &[T], start: Option<i128>, stop: Option<i128>, step: i128) -> Vec<T> {
    places(items.len(), start, stop, step).filter_map(|at| items.get(at).cloned()).collect()
}

fn places(length: usize, start: Option<i128>, stop: Option<i128>, step: i128) -> impl Iterator<Item = usize> {
    let (first, end) = ends(length, start, stop, step);
    std::iter::successors(Some(first), move |at| at.checked_add(step))
        .take_while(move |at| if step > 0 { *at < end } else { *at > end })
        .filter_map(|at| usize::try_from(at).ok())
}

/// The first place, and the one that is not reached.
fn ends(length: usize, start: Option<i128>, stop: Option<i128>, step: i128) -> (i128, i128) {
    let length = i128::try_from(length).unwrap_or(0);
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |number: i128| if number < 0 { number.saturating_add(length).max(low) } else { number.min(high) };
    (start.map_or(if step > 0 { 0 } else { high }, bound), stop.map_or(if step > 0 { length } else { -1 }, bound))
}
