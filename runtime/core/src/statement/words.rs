//! Functions and types that a statement may use. A function that is not here may read files, sleep, or change something.

use sqlparser::ast::{ArrayElemTypeDef, DataType};

use crate::manifest::Dialect;

/// Functions that look at their arguments and at nothing else, in both dialects.
const COMMON: [&str; 19] = [
    "abs", "avg", "coalesce", "concat", "count", "greatest", "least", "length", "lower", "ltrim", "max", "min", "nullif", "replace",
    "round", "rtrim", "sum", "trim", "upper",
];
const POSTGRES: [&str; 15] = [
    "char_length",
    "date_trunc",
    "decode",
    "encode",
    "left",
    "now",
    "octet_length",
    "right",
    "split_part",
    "to_char",
    "to_json",
    "to_jsonb",
    "to_timestamp",
    "md5",
    "bool_or",
];
const SQLITE: [&str; 11] =
    ["date", "datetime", "hex", "ifnull", "json", "json_extract", "julianday", "strftime", "substr", "time", "typeof"];

/// True for a function without effects.
pub(super) fn is_harmless(dialect: Dialect, name: &str) -> bool {
    let own: &[&str] = match dialect {
        Dialect::Postgres => &POSTGRES,
        Dialect::Sqlite => &SQLITE,
    };
    COMMON.contains(&name) || own.contains(&name)
}

/// True for a type that is a plain value: no name of a database's object, no type of somebody's own.
pub(super) fn is_plain(kind: &DataType) -> bool {
    match kind {
        DataType::Text
        | DataType::Varchar(_)
        | DataType::CharacterVarying(_)
        | DataType::Uuid
        | DataType::Numeric(_)
        | DataType::Decimal(_)
        | DataType::SmallInt(None)
        | DataType::Int2(None)
        | DataType::Int(None)
        | DataType::Int4(None)
        | DataType::Int8(None)
        | DataType::Integer(None)
        | DataType::BigInt(None)
        | DataType::Real
        | DataType::Float4
        | DataType::Float8
        | DataType::DoublePrecision
        | DataType::Bool
        | DataType::Boolean
        | DataType::Date
        | DataType::Time(..)
        | DataType::Timestamp(..)
        | DataType::Interval { .. }
        | DataType::JSON
        | DataType::JSONB
        | DataType::Bytea
        | DataType::Blob(None) => true,
        DataType::Array(ArrayElemTypeDef::SquareBracket(inner, None)) => is_plain(inner),
        _ => false,
    }
}
