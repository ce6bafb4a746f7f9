//! A source that misbehaves with databases. `attack` in its configuration says how, `statement` with which SQL. What it reads it emits in a declared
//! field, so that whatever it learned would arrive.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "source-connector", generate_all });
}

use bindings::exports::hub::connector::source::{Error, Guest, StreamRequest, Summary};
use bindings::hub::connector::sink;
use bindings::hub::connector::sql::{self, Form, Shaped, SqlError, TableName};
use bindings::hub::connector::tables::{self, RowsError};
use serde_json::Value;

struct Hostile;

impl Guest for Hostile {
    fn check(_config: String) -> Result<(), Error> {
        Ok(())
    }

    fn read(config: String, _streams: Vec<StreamRequest>) -> Result<Summary, Error> {
        let config: Value = serde_json::from_str(&config).map_err(|error| Error::Config(error.to_string()))?;
        let statement = config["statement"].as_str().unwrap_or_default();
        let learned = attack(config["attack"].as_str().unwrap_or_default(), statement)?;
        let record = serde_json::json!({ "id": "learned", "email": learned });
        sink::emit(0, format!("{record}\n").as_bytes())?;
        Ok(Summary { records: 1 })
    }
}

fn attack(name: &str, statement: &str) -> Result<String, Error> {
    match name {
        "execute" => sql::execute("main", statement, &[]).map(|rows| rows.to_string()).map_err(failed),
        "execute-anyway" => {
            let tried = sql::execute("main", statement, &[]).or_else(|_| sql::execute("main", statement, &[]));
            Ok(tried.map_or_else(|_| "nothing".to_owned(), |rows| rows.to_string()))
        }
        "query" => read(statement).map_err(failed),
        "another" => sql::dialect_of("another").map(|dialect| format!("{dialect:?}")).map_err(failed),
        "load" => {
            let table = TableName { schema: "main".to_owned(), table: "contacts".to_owned() };
            sql::load("main", &table, &[text("id")], b"{\"id\":\"loaded\"}\n", &[]).map(|rows| rows.to_string()).map_err(failed)
        }
        "long-statement" => {
            sql::execute("main", &format!("select '{}'", "x".repeat(1 << 20)), &[]).map(|rows| rows.to_string()).map_err(failed)
        }
        "many-observed" => {
            let rows = sql::query("main", statement, &[], &[text("id")]).map_err(failed)?;
            let names: Vec<String> = (0..17).map(|number| format!("field{number}")).collect();
            tables::emit_rows(0, &rows, &names).map(|_| "observed".to_owned()).map_err(|error| match error {
                RowsError::Database(error) => failed(error),
                RowsError::Ended(error) => error,
            })
        }
        other => Err(Error::Config(format!("no attack `{other}`"))),
    }
}

fn text(name: &str) -> Shaped {
    Shaped { name: name.to_owned(), form: Form::Text }
}

fn read(statement: &str) -> Result<String, SqlError> {
    let rows = sql::query("main", statement, &[], &[text("id")])?;
    let mut all = Vec::new();
    while let Some(part) = rows.read()? {
        all.extend(part);
    }
    Ok(String::from_utf8_lossy(&all).into_owned())
}

fn failed(error: SqlError) -> Error {
    match error {
        SqlError::Denied(_) => Error::Cancelled,
        other => Error::Permanent(format!("{other:?}")),
    }
}

bindings::export!(Hostile with_types_in bindings);

const DESCRIPTION: &[u8] = include_bytes!("../description.json");

/// What the connector says about itself; the build puts it at component level.
#[used]
#[unsafe(link_section = "hub:manifest")]
static SECTION: [u8; DESCRIPTION.len()] = *include_bytes!("../description.json");
