//! What a guest calls to use databases: each function converts its arguments, forwards to the version-free capability, and converts the answer.

use hub_core::manifest::{Dialect, TableName};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::hub::connector::{sql, tables};
use super::imports::{ack, ended};
use crate::capability::sql::{self as database, Rows, SqlError};
use crate::capability::{self, PageAccepted};
use crate::database::{Column, Form, Shaped, Value};
use crate::plugin::abi::guest::State;

impl sql::Host for State {
    async fn dialect_of(&mut self, name: String) -> Result<Result<sql::Dialect, sql::SqlError>> {
        self.work()?;
        let dialect = |dialect| match dialect {
            Dialect::Postgres => sql::Dialect::Postgres,
            Dialect::Sqlite => sql::Dialect::Sqlite,
        };
        Ok(database::dialect(&self.run, &name).await.map(dialect).map_err(sql_error))
    }

    async fn describe(&mut self, name: String, table: sql::TableName) -> Result<Result<Option<Vec<sql::Column>>, sql::SqlError>> {
        self.work()?;
        let described = database::describe(&self.run, &name, table_name(table)).await;
        Ok(described.map(|found| found.map(|columns| columns.into_iter().map(column).collect())).map_err(sql_error))
    }

    async fn execute(&mut self, name: String, statement: String, parameters: Vec<sql::Value>) -> Result<Result<u64, sql::SqlError>> {
        self.work()?;
        let parameters = parameters.into_iter().map(value).collect();
        Ok(database::execute(&self.run, &name, &statement, parameters).await.map_err(sql_error))
    }

    async fn load(
        &mut self,
        name: String,
        table: sql::TableName,
        columns: Vec<sql::Shaped>,
        records: Vec<u8>,
        skip: Vec<u32>,
    ) -> Result<Result<u32, sql::SqlError>> {
        self.work()?;
        let columns: Vec<Shaped> = columns.into_iter().map(shaped).collect();
        Ok(database::load(&self.run, &name, table_name(table), &columns, records, &skip).await.map_err(sql_error))
    }

    async fn query(
        &mut self,
        name: String,
        statement: String,
        parameters: Vec<sql::Value>,
        columns: Vec<sql::Shaped>,
    ) -> Result<Result<Resource<Rows>, sql::SqlError>> {
        self.work()?;
        let (parameters, columns) = (parameters.into_iter().map(value).collect(), columns.into_iter().map(shaped).collect());
        Ok(match database::query(&self.run, &name, &statement, parameters, columns).await {
            Ok(rows) => Ok(self.table.push(rows)?),
            Err(error) => Err(sql_error(error)),
        })
    }
}

impl sql::HostRows for State {
    async fn read(&mut self, this: Resource<Rows>) -> Result<Result<Option<Vec<u8>>, sql::SqlError>> {
        self.work()?;
        Ok(database::read(&self.run, self.table.get_mut(&this)?).await.map_err(sql_error))
    }

    async fn drop(&mut self, this: Resource<Rows>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl tables::Host for State {
    async fn emit_rows(
        &mut self,
        stream: u32,
        rows: Resource<Rows>,
        observe: Vec<String>,
    ) -> Result<Result<Option<tables::RowsAck>, tables::RowsError>> {
        self.work()?;
        let rows = self.table.get_mut(&rows)?;
        Ok(capability::tables::emit_rows(&self.run, stream, rows, observe).await.map(|part| part.map(rows_ack)).map_err(rows_error))
    }
}

fn rows_ack(page: PageAccepted) -> tables::RowsAck {
    let observed = page.observed.into_iter();
    let observed =
        observed.map(|seen| tables::Observed { field: seen.field, first: seen.first, last: seen.last, min: seen.min, max: seen.max });
    tables::RowsAck { ack: ack(page.accepted), extracted: page.extracted, observed: observed.collect() }
}

/// The guest learns that it must end, not why.
fn rows_error(error: SqlError) -> tables::RowsError {
    match error {
        SqlError::Ended(end) => tables::RowsError::Ended(ended(end)),
        failed @ SqlError::Failed(_) => tables::RowsError::Database(sql_error(failed)),
    }
}

fn sql_error(error: SqlError) -> sql::SqlError {
    match error {
        SqlError::Ended(ended) => sql::SqlError::Denied(ended.0.code.id().to_owned()),
        SqlError::Failed(failure) => {
            sql::SqlError::Failed(sql::Failure { code: failure.code, passing: failure.passing, message: failure.message, row: failure.row })
        }
    }
}

fn table_name(name: sql::TableName) -> TableName {
    TableName { schema: name.schema, table: name.table }
}

fn column(column: Column) -> sql::Column {
    sql::Column { name: column.name, kind: column.kind, nullable: column.nullable, key: column.key }
}

fn shaped(column: sql::Shaped) -> Shaped {
    let form = match column.form {
        sql::Form::Text => Form::Text,
        sql::Form::Number => Form::Number,
        sql::Form::Boolean => Form::Boolean,
        sql::Form::Json => Form::Json,
        sql::Form::Timestamp => Form::Timestamp,
        sql::Form::Bytes => Form::Bytes,
        sql::Form::Array => Form::Array,
    };
    Shaped { name: column.name, form }
}

fn value(value: sql::Value) -> Value {
    match value {
        sql::Value::Null => Value::Null,
        sql::Value::Boolean(value) => Value::Boolean(value),
        sql::Value::Integer(value) => Value::Integer(value),
        sql::Value::Text(value) => Value::Text(value),
        sql::Value::Bytes(value) => Value::Bytes(value),
    }
}
