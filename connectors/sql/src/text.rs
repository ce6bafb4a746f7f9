//! Texts of statements. Every name stands between quotation marks, every value is a parameter.

use hub_sdk::sql::{Column, Dialect, Form, Shaped, TableName};
use hub_sdk::{Field, Kind};

const MAX_NAME_BYTES: usize = 63;

/// A name that a manifest can grant.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(plain)
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn table(name: &TableName) -> String {
    format!("{}.{}", quoted(&name.schema), quoted(&name.table))
}

pub(crate) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The number of a parameter.
pub(crate) fn parameter(dialect: Dialect, number: usize) -> String {
    match dialect {
        Dialect::Postgres => format!("${number}"),
        Dialect::Sqlite => format!("?{number}"),
    }
}

/// A text without its length or scale: `numeric(12,2)` to `numeric`.
fn bare(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.split_once('(') {
        Some((head, tail)) => format!("{}{}", head.trim_end(), tail.split_once(')').map_or("", |(_, rest)| rest)),
        None => lower,
    }
}

/// How values of a column stand in a record.
pub(crate) fn form(kind: &str) -> Form {
    match bare(kind).as_str() {
        "smallint" | "integer" | "bigint" | "int" | "numeric" | "decimal" | "real" | "double precision" | "double" | "float" => {
            Form::Number
        }
        "boolean" | "bool" => Form::Boolean,
        "json" | "jsonb" => Form::Json,
        "bytea" | "blob" => Form::Bytes,
        "timestamp with time zone" | "timestamp without time zone" => Form::Timestamp,
        kind if kind.ends_with("[]") => Form::Array,
        _ => Form::Text,
    }
}

/// A type that a statement may name.
pub(crate) fn is_plain(kind: &str) -> bool {
    let bare = bare(kind);
    matches!(
        bare.strip_suffix("[]").unwrap_or(&bare),
        "smallint"
            | "integer"
            | "bigint"
            | "numeric"
            | "real"
            | "double precision"
            | "boolean"
            | "json"
            | "jsonb"
            | "bytea"
            | "text"
            | "character varying"
            | "uuid"
            | "date"
            | "timestamp with time zone"
            | "timestamp without time zone"
            | "time without time zone"
            | "time with time zone"
            | "interval"
    )
}

/// A column in a SELECT, and how its value stands in the record. An array becomes JSON in the server.
pub(crate) fn selected(dialect: Dialect, column: &Column) -> (String, Shaped) {
    let name = quoted(&column.name);
    let form = form(&column.kind);
    let (text, form) = match (dialect, form) {
        (Dialect::Sqlite, Form::Array) => (name, Form::Json),
        (Dialect::Sqlite, _) => (name, form),
        (Dialect::Postgres, Form::Array) => (format!("to_json({name})::text"), Form::Json),
        (Dialect::Postgres, _) => (format!("{name}::text"), form),
    };
    (text, Shaped { name: column.name.clone(), form })
}

/// The type of a column that is made.
pub(crate) fn kind(dialect: Dialect, kind: Kind) -> &'static str {
    match (dialect, kind) {
        (_, Kind::Text) | (Dialect::Sqlite, Kind::Timestamp | Kind::Date | Kind::Json) => "text",
        (_, Kind::Integer) => "bigint",
        (_, Kind::Number) => "numeric",
        (_, Kind::Boolean) => "boolean",
        (Dialect::Postgres, Kind::Timestamp) => "timestamptz",
        (Dialect::Postgres, Kind::Date) => "date",
        (Dialect::Postgres, Kind::Json) => "jsonb",
    }
}

/// CREATE TABLE for a stream.
pub(crate) fn create(dialect: Dialect, name: &TableName, fields: &[Field], key: &[String]) -> String {
    let mut parts: Vec<String> =
        fields.iter().map(|field| format!("{} {}", quoted(&field.name), self::kind(dialect, field.kind))).collect();
    if !key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", list(key.iter().map(String::as_str))));
    }
    format!("CREATE TABLE {} ({})", table(name), parts.join(", "))
}

/// ALTER TABLE for a field that the table lacks.
pub(crate) fn add(dialect: Dialect, name: &TableName, field: &Field) -> String {
    format!("ALTER TABLE {} ADD COLUMN {} {}", table(name), quoted(&field.name), self::kind(dialect, field.kind))
}

/// COMMENT for a column; SQLite has none.
pub(crate) fn comment(name: &TableName, field: &Field) -> String {
    let about: String = field.about.chars().filter(|character| !matches!(character, '\\' | '\0')).collect();
    format!("COMMENT ON COLUMN {}.{} IS '{}'", table(name), quoted(&field.name), about.replace('\'', "''"))
}

/// A table that lasts as long as the run. Its columns are those that are written; a type of the server's own is copied from the table.
pub(crate) fn stage(dialect: Dialect, stage: &TableName, like: &TableName, columns: &[Column], keeps: bool) -> String {
    let end = match (dialect, keeps) {
        (Dialect::Postgres, false) => " ON COMMIT DELETE ROWS",
        _ => "",
    };
    if dialect == Dialect::Postgres && !columns.iter().all(|column| is_plain(&column.kind)) {
        return format!("CREATE TEMPORARY TABLE {} (LIKE {}){end}", table(stage), table(like));
    }
    let parts: Vec<String> = columns
        .iter()
        .map(|column| match dialect {
            Dialect::Postgres => format!("{} {}", quoted(&column.name), column.kind),
            Dialect::Sqlite => format!("{} {}", quoted(&column.name), if is_plain(&column.kind) { column.kind.as_str() } else { "text" }),
        })
        .collect();
    format!("CREATE TEMPORARY TABLE {} ({}){end}", table(stage), parts.join(", "))
}

/// What becomes of staged rows whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// There are none: every row is added.
    Never,
    /// They take the place of the old ones. The batch holds each key once.
    Once,
    /// As before; of several with one key the last one counts.
    LastOne,
}

/// Staged rows into the table.
pub(crate) fn merge(dialect: Dialect, stage: &TableName, into: &TableName, columns: &[String], key: &[String], twice: Twice) -> String {
    let names = list(columns.iter().map(String::as_str));
    let keys = list(key.iter().map(String::as_str));
    let head = format!("INSERT INTO {} ({names})", table(into));
    let from = format!("FROM {}", table(stage));
    let select = match (dialect, twice) {
        (Dialect::Postgres, Twice::LastOne) => format!("SELECT DISTINCT ON ({keys}) {names} {from} ORDER BY {keys}, ctid DESC"),
        // SQLite takes row after row, and needs the WHERE to see where the SELECT ends.
        (Dialect::Sqlite, Twice::Once | Twice::LastOne) => format!("SELECT {names} {from} WHERE true"),
        _ => format!("SELECT {names} {from}"),
    };
    if twice == Twice::Never {
        return format!("{head} {select}");
    }
    let set: Vec<String> = columns
        .iter()
        .filter(|column| !key.contains(column))
        .map(|column| format!("{name} = excluded.{name}", name = quoted(column)))
        .collect();
    let action = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
    format!("{head} {select} ON CONFLICT ({keys}) DO {action}")
}

/// Takes away the rows whose key stands in another table.
pub(crate) fn without(gone: &TableName, from: &TableName, key: &[String]) -> String {
    let keys = list(key.iter().map(String::as_str));
    let these = if key.len() == 1 { keys.clone() } else { format!("({keys})") };
    format!("DELETE FROM {} WHERE {these} IN (SELECT {keys} FROM {})", table(from), table(gone))
}

/// Takes all rows away.
pub(crate) fn emptied(dialect: Dialect, name: &TableName, is_stage: bool) -> String {
    match dialect {
        // Others go on reading the old rows until the commit; nobody else reads a stage.
        Dialect::Postgres if is_stage => format!("TRUNCATE TABLE {}", table(name)),
        _ => format!("DELETE FROM {}", table(name)),
    }
}
