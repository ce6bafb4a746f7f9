//! Whether a record meets a filter: three-valued, as in SQL. A comparison with an absent value is neither true nor false.

use std::cmp::Ordering;

use super::Compiled;
use crate::gate::json::{Kind, Token};
use crate::gate::number;
use crate::manifest::{Comparison, Literal, Test};

type Values<'v, 'a> = &'v dyn Fn(usize) -> Option<Token<'a>>;

impl Compiled {
    /// None: it depends on a value that is not there or of another kind.
    pub(super) fn holds(&self, value: Values<'_, '_>, scratch: &mut String) -> Option<bool> {
        match self {
            Self::All(parts) => each(parts, false, value, scratch),
            Self::Any(parts) => each(parts, true, value, scratch),
            Self::Not(part) => part.holds(value, scratch).map(|holds| !holds),
            Self::Test(slot, test) => compare(test, value(*slot), scratch),
        }
    }
}

/// `deciding` as soon as one part says so; unknown if a part is unknown.
fn each(parts: &[Compiled], deciding: bool, value: Values<'_, '_>, scratch: &mut String) -> Option<bool> {
    let mut whole = Some(!deciding);
    for part in parts {
        match part.holds(value, scratch) {
            Some(holds) if holds == deciding => return Some(deciding),
            Some(_) => {}
            None => whole = None,
        }
    }
    whole
}

fn compare(test: &Test, token: Option<Token<'_>>, scratch: &mut String) -> Option<bool> {
    let Some(token) = token else { return if *test == Test::IsNull { Some(true) } else { None } };
    match test {
        Test::IsNull => Some(false),
        Test::Compare(comparison, literal) => order(&token, literal, scratch).map(|order| fits(*comparison, order)),
        Test::In(literals) => {
            let mut orders = literals.iter().map(|literal| order(&token, literal, scratch));
            Some(orders.any(|order| order == Some(Ordering::Equal)))
        }
    }
}

/// None for values of different kinds: they have no order.
fn order(token: &Token<'_>, literal: &Literal, scratch: &mut String) -> Option<Ordering> {
    match (token.kind, literal) {
        (Kind::Text(_), Literal::Text(text)) => Some(token.text(scratch).cmp(text)),
        (Kind::Integer | Kind::Number, Literal::Number(number)) => Some(number::compare(token.json, number)),
        (Kind::Boolean, Literal::Boolean(value)) => Some((token.json == "true").cmp(value)),
        _ => None,
    }
}

fn fits(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
