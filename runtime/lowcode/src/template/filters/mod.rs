//! `value | filter`: the reference's filters, and Jinja's own.

mod codes;
mod numbers;
mod patterns;
mod sequences;
mod texts;

use super::arguments::Given;
use super::error::{Outcome, TemplateError};
use super::machine::Machine;
use super::operand::Operand;

const NAMES: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "items",
    "map",
    "min",
    "max",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
    "tojson",
    "hash",
    "base64encode",
    "base64decode",
    "base64binascii_decode",
    "regex_search",
    "regex_replace",
    "hmac",
];

/// Whether there is a filter of this name.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `input | name(arguments)`
pub(super) fn apply(machine: &mut Machine<'_>, name: &str, input: Operand, given: Given) -> Outcome<Operand> {
    machine.budget.items(1)?;
    match name {
        "default" | "d" => {
            let mut bound = given.bind("default", &["default_value", "boolean"], 0)?;
            let flag = bound.flag(1, false);
            let replaced = input.is_undefined() || (flag && !input.is_truthy());
            Ok(if replaced { bound.take(0).unwrap_or_else(|| Operand::text("")) } else { input })
        }
        "abs" | "int" | "float" | "round" | "filesizeformat" => numbers::apply(name, &input, given),
        "hash" | "hmac" | "base64encode" | "base64decode" | "base64binascii_decode" | "string" | "tojson" | "urlencode" => {
            codes::apply(&machine.budget, name, &input, given)
        }
        "regex_search" | "regex_replace" => patterns::apply(&machine.budget, name, &input, given),
        "capitalize" | "center" | "e" | "escape" | "forceescape" | "format" | "indent" | "lower" | "pprint" | "replace" | "safe"
        | "striptags" | "title" | "trim" | "truncate" | "upper" | "wordcount" | "wordwrap" | "xmlattr" => {
            texts::apply(&machine.budget, name, &input, given)
        }
        "urlize" => Err(TemplateError::value_error("the filter 'urlize' is not supported")),
        _ if is_known(name) => sequences::apply(machine, name, input, given),
        _ => Err(TemplateError::value_error(format!("no filter named '{name}'"))),
    }
}
