//! Databases in the SDK's types, over the generated bindings.

use super::bindings::hub::connector::{sql as wire, tables as wire_tables};
use crate::Error;
use crate::pages::{Observed, PageAck};
use crate::sql::{Column, Dialect, Failure, Form, Shaped, SqlError, TableName, Value};

/// Which SQL a database speaks.
pub fn dialect_of(database: &str) -> Result<Dialect, SqlError> {
    Ok(match wire::dialect_of(database)? {
        wire::Dialect::Postgres => Dialect::Postgres,
        wire::Dialect::Sqlite => Dialect::Sqlite,
    })
}

/// The columns of a table.
pub fn describe(database: &str, table: &TableName) -> Result<Option<Vec<Column>>, SqlError> {
    let column = |column: wire::Column| Column { name: column.name, kind: column.kind, nullable: column.nullable, key: column.key };
    Ok(wire::describe(database, &table_name(table))?.map(|columns| columns.into_iter().map(column).collect()))
}

/// One statement.
pub fn execute(database: &str, statement: &str, parameters: &[Value]) -> Result<u64, SqlError> {
    let parameters: Vec<_> = parameters.iter().map(value).collect();
    Ok(wire::execute(database, statement, &parameters)?)
}

/// Records into a table.
pub fn load(database: &str, table: &TableName, columns: &[Shaped], records: &[u8], skip: &[u32]) -> Result<u32, SqlError> {
    let columns: Vec<_> = columns.iter().map(shaped).collect();
    Ok(wire::load(database, &table_name(table), &columns, records, skip)?)
}

/// Rows on their way.
#[derive(Debug)]
pub struct Rows(wire::Rows);

impl Rows {
    /// The next part.
    pub fn read(&self) -> Result<Option<Vec<u8>>, SqlError> {
        Ok(self.0.read()?)
    }
}

/// One query.
pub fn query(database: &str, statement: &str, parameters: &[Value], columns: &[Shaped]) -> Result<Rows, SqlError> {
    let parameters: Vec<_> = parameters.iter().map(value).collect();
    let columns: Vec<_> = columns.iter().map(shaped).collect();
    Ok(Rows(wire::query(database, statement, &parameters, &columns)?))
}

/// A part of the rows to the gate.
pub fn emit_rows(stream: u32, rows: &Rows, observe: &[String]) -> Result<Option<PageAck>, Error> {
    let part = wire_tables::emit_rows(stream, &rows.0, observe).map_err(|error| match error {
        wire_tables::RowsError::Database(error) => Error::from(SqlError::from(error)),
        wire_tables::RowsError::Ended(error) => error.into(),
    })?;
    Ok(part.map(|answer| {
        let observed = answer.observed.into_iter();
        let observed =
            observed.map(|seen| Observed { field: seen.field, first: seen.first, last: seen.last, min: seen.min, max: seen.max });
        PageAck { ack: answer.ack.into(), extracted: answer.extracted, observed: observed.collect() }
    }))
}

fn table_name(name: &TableName) -> wire::TableName {
    wire::TableName { schema: name.schema.clone(), table: name.table.clone() }
}

fn shaped(column: &Shaped) -> wire::Shaped {
    let form = match column.form {
        Form::Text => wire::Form::Text,
        Form::Number => wire::Form::Number,
        Form::Boolean => wire::Form::Boolean,
        Form::Json => wire::Form::Json,
        Form::Timestamp => wire::Form::Timestamp,
        Form::Bytes => wire::Form::Bytes,
        Form::Array => wire::Form::Array,
    };
    wire::Shaped { name: column.name.clone(), form }
}

fn value(value: &Value) -> wire::Value {
    match value {
        Value::Null => wire::Value::Null,
        Value::Boolean(value) => wire::Value::Boolean(*value),
        Value::Integer(value) => wire::Value::Integer(*value),
        Value::Text(value) => wire::Value::Text(value.clone()),
        Value::Bytes(value) => wire::Value::Bytes(value.clone()),
    }
}

impl From<wire::SqlError> for SqlError {
    fn from(error: wire::SqlError) -> Self {
        match error {
            wire::SqlError::Denied(text) => Self::Denied(text),
            wire::SqlError::Failed(failure) => {
                Self::Failed(Failure { code: failure.code, passing: failure.passing, message: failure.message, row: failure.row })
            }
        }
    }
}
