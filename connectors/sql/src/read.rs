//! Tables as a source: one query in one snapshot, in the order of the cursor; the state is the last cursor, and the key where it may be known.

use hub_sdk::sql::{Column, Dialect, Form, Shaped, TableName, Value};
use hub_sdk::{Error, Output, Source, StreamRequest};
use serde::{Deserialize, Serialize};

use crate::{Config, Stream, text};

/// Reads tables.
pub(crate) struct TableSource(Config);

/// Where a run ended. Values as JSON texts; a key that the gate does not tell is none.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) cursor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Vec<String>>,
}

/// A query and what it answers.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) parameters: Vec<Value>,
    pub(crate) columns: Vec<Shaped>,
    /// The cursor first, then the key; empty without a cursor.
    pub(crate) observe: Vec<String>,
}

impl Source for TableSource {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        Ok(Self(config))
    }

    fn check(&mut self) -> Result<(), Error> {
        self.0.database().dialect()?;
        Ok(())
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let database = self.0.database();
        let dialect = database.dialect()?;
        let table = self.0.table(dialect, &request.name)?;
        let columns =
            database.describe(&table)?.ok_or_else(|| Error::drift(format!("there is no table `{}.{}`", table.schema, table.table)))?;
        let question = question(dialect, &table, &columns, &self.0.stream(&request.name), request)?;
        let mut rows = database.query(&question.text, &question.parameters, &question.columns)?;
        while let Some(part) = output.rows(&mut rows, &question.observe)? {
            let last = |field: &String| part.observed.iter().find(|seen| seen.field == *field).and_then(|seen| seen.last.clone());
            let Some((cursor, key)) = question.observe.split_first() else { continue };
            if let Some(cursor) = last(cursor) {
                let key = key.iter().map(last).collect();
                output.checkpoint(&State { cursor, key })?;
            }
        }
        Ok(())
    }
}

/// The query for a request.
pub(crate) fn question(
    dialect: Dialect,
    table: &TableName,
    columns: &[Column],
    stream: &Stream,
    request: &StreamRequest,
) -> Result<Question, Error> {
    let find = |name: &str| {
        let found = columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| Error::drift(format!("the table `{}.{}` has no column `{name}`", table.schema, table.table)))
    };
    for wanted in &request.fields {
        find(wanted.split('.').next().unwrap_or(wanted))?;
    }
    let mut key: Vec<&Column> = columns.iter().filter(|column| column.key > 0).collect();
    key.sort_by_key(|column| column.key);
    if !stream.key.is_empty() {
        key = stream.key.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
    }
    let cursor = stream.cursor.as_deref().filter(|_| !request.full_refresh).map(find).transpose()?;
    let order: Vec<&Column> =
        cursor.into_iter().chain(key.iter().copied().filter(|column| cursor.is_none_or(|cursor| cursor.name != column.name))).collect();
    let is_read =
        |column: &&Column| request.wants(&column.name) || (cursor.is_some() && order.iter().any(|known| known.name == column.name));
    let (texts, shaped): (Vec<String>, Vec<Shaped>) = columns.iter().filter(is_read).map(|column| text::selected(dialect, column)).unzip();
    let mut statement = format!("SELECT {} FROM {}", texts.join(", "), text::table(table));
    let mut parameters = Vec::new();
    if let (Some(cursor), Some(state)) = (cursor, request.state::<State>()?) {
        let (condition, values) = behind(dialect, cursor, order.get(1..).unwrap_or_default(), &state, stream.lookback)?;
        statement.push_str(&format!(" WHERE {condition}"));
        parameters = values;
    }
    if cursor.is_some() {
        statement.push_str(&format!(" ORDER BY {}", text::list(order.iter().map(|column| column.name.as_str()))));
    }
    if let Some(limit) = request.limit {
        statement.push_str(&format!(" LIMIT {limit}"));
    }
    let observe = if cursor.is_some() { order.iter().map(|column| column.name.clone()).collect() } else { Vec::new() };
    Ok(Question { text: statement, parameters, columns: shaped, observe })
}

/// Rows behind a state: strictly where the key is known, else the rows of the last cursor come again rather than be lost.
fn behind(dialect: Dialect, cursor: &Column, key: &[&Column], state: &State, lookback: u32) -> Result<(String, Vec<Value>), Error> {
    let unreadable = || Error::permanent("the stored checkpoint cannot be read; reset the flow's state to read it anew");
    let plain = |json: &str| plain(json).ok_or_else(unreadable);
    let mark = |number: usize, column: &Column| match dialect {
        Dialect::Sqlite => Ok(text::parameter(dialect, number)),
        Dialect::Postgres if text::is_plain(&column.kind) => Ok(format!("{}::text::{}", text::parameter(dialect, number), column.kind)),
        Dialect::Postgres => {
            Err(Error::config(format!("the column `{}` has a type that cannot be compared with: {}", column.name, column.kind)))
        }
    };
    let first = mark(1, cursor)?;
    let name = text::quoted(&cursor.name);
    if lookback > 0 {
        let is_time = text::form(&cursor.kind) == Form::Timestamp;
        let back = match dialect {
            Dialect::Postgres if is_time => format!("{first} - '{lookback} seconds'::interval"),
            _ if text::form(&cursor.kind) == Form::Number => format!("{first} - {lookback}"),
            _ => {
                return Err(Error::config(format!(
                    "`lookback` needs a cursor that is a number, or a time of PostgreSQL: `{}` is {}",
                    cursor.name, cursor.kind
                )));
            }
        };
        return Ok((format!("{name} >= {back}"), vec![Value::Text(plain(&state.cursor)?)]));
    }
    match &state.key {
        Some(values) if values.len() == key.len() && !key.is_empty() => {
            let mut names = vec![name];
            let mut marks = vec![first];
            let mut parameters = vec![Value::Text(plain(&state.cursor)?)];
            for (index, (column, value)) in key.iter().zip(values).enumerate() {
                names.push(text::quoted(&column.name));
                marks.push(mark(index + 2, column)?);
                parameters.push(Value::Text(plain(value)?));
            }
            Ok((format!("({}) > ({})", names.join(", "), marks.join(", ")), parameters))
        }
        _ => Ok((format!("{name} >= {first}"), vec![Value::Text(plain(&state.cursor)?)])),
    }
}

/// The text of a JSON scalar.
fn plain(json: &str) -> Option<String> {
    if json.starts_with('"') { serde_json::from_str(json).ok() } else { Some(json.to_owned()).filter(|text| text != "null") }
}
