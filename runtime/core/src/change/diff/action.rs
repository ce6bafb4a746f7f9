//! Which of two actions leaves more of a person to whoever reads the value in the end.
//!
//! The order: nothing (`drop`), a value that says nothing (`null`, `constant`), a token that only a key leads back from (`pseudonymise`), one that
//! can be guessed (`hash`), a part of the value (`generalise`, `truncate`, `mask`), the whole value for one reader (`encrypt`), the whole value.
//! Encryption stands so low because it takes nothing away: it chooses the reader.

use serde_json::Value;

use super::Class;
use crate::change::closure::text;

use Class::{Material, MaterialHigh};

/// How much an action takes away: more is stronger.
fn strength(action: &str) -> u8 {
    match action {
        "drop" => 7,
        "null" => 6,
        "constant" => 5,
        "pseudonymise" => 4,
        "hash" => 3,
        "generalise" | "truncate" | "mask" => 2,
        "encrypt" => 1,
        // `allow`, `lookup`, `concat`: a whole value arrives.
        _ => 0,
    }
}

/// Class and words of a field that is treated in another way.
pub(super) fn compare(before: &Value, after: &Value) -> (Class, String) {
    let (left, right) = (text(before, "action").unwrap_or_default(), text(after, "action").unwrap_or_default());
    let said = format!("{} → {}", named(before), named(after));
    match strength(left).cmp(&strength(right)) {
        std::cmp::Ordering::Greater => (MaterialHigh, format!("weaker action: {said}")),
        std::cmp::Ordering::Less => (Material, format!("stronger action: {said}")),
        std::cmp::Ordering::Equal if left == right => same_action(left, before, after, &said),
        // Nobody can say which of two parts tells more, nor what another value tells.
        std::cmp::Ordering::Equal => (MaterialHigh, format!("another action: {said}")),
    }
}

fn same_action(action: &str, before: &Value, after: &Value, said: &str) -> (Class, String) {
    let differs = |key: &str| before.get(key) != after.get(key);
    let high = |words: &str| (MaterialHigh, format!("{words}: {said}"));
    let by_amount = |more: bool| if more { high("weaker action") } else { (Material, format!("stronger action: {said}")) };
    let grows = |key: &str| before.get(key).and_then(Value::as_u64) < after.get(key).and_then(Value::as_u64);
    match action {
        "pseudonymise" if differs("domain") => high("other pseudonym domain"),
        "encrypt" if differs("recipient") => high("other reader"),
        "lookup" if differs("via") => high("other value"),
        "mask" if differs("first") || differs("last") => by_amount(grows("first") || grows("last")),
        "truncate" if differs("network") => high("another action"),
        "truncate" if differs("keep") => by_amount(grows("keep")),
        "generalise" if differs("bucket") && ["bucket"].iter().all(|key| both(before, after, key)) => by_amount(!grows("bucket")),
        "generalise" if differs("to_unit") && both(before, after, "to_unit") => by_amount(unit(after) > unit(before)),
        "generalise" if differs("bucket") || differs("to_unit") || differs("map") || differs("default") => high("another action"),
        _ if differs("to") => (Material, format!("arrives as `{}`, before as `{}`", place(after), place(before))),
        _ => (Material, format!("field: {said}")),
    }
}

fn both(before: &Value, after: &Value, key: &str) -> bool {
    before.get(key).is_some() && after.get(key).is_some()
}

/// How fine a part of a date is.
fn unit(field: &Value) -> u8 {
    match text(field, "to_unit") {
        Some("year") => 0,
        Some("quarter") => 1,
        Some("month") => 2,
        _ => 3,
    }
}

fn place(field: &Value) -> &str {
    text(field, "to").unwrap_or_default()
}

/// The action with what it needs: `truncate keep 2`.
fn named(field: &Value) -> String {
    let action = text(field, "action").unwrap_or_default();
    let Some(entries) = field.as_object() else { return action.to_owned() };
    let details = entries.iter().filter(|(key, _)| !matches!(key.as_str(), "to" | "action")).map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" {key} {}", crate::manifest::shorten(&value))
    });
    std::iter::once(action.to_owned()).chain(details).collect()
}
