//! SQLite, the embedded default: a file, its connection on a thread of its own, and an authorizer of SQLite as a second guard.

use std::path::PathBuf;
use std::time::Duration;

use hub_core::manifest::TableName;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use tokio::sync::{mpsc, oneshot};

use super::rows::Collector;
use super::{Access, Column, Failure, Form, Rows, Shaped, Value, copy, quoted, quoted_table};

const BUSY: Duration = Duration::from_secs(30);
const AHEAD: usize = 2;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

pub(super) struct Client {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Client {
    pub(super) async fn open(path: PathBuf, access: Access) -> Result<Self, Failure> {
        let (jobs, mut waiting) = mpsc::unbounded_channel::<Job>();
        let (told, opened) = oneshot::channel();
        let thread = std::thread::Builder::new().name("sqlite".to_owned());
        let spawned = thread.spawn(move || match connect(&path, access) {
            Ok(mut connection) => {
                drop(told.send(Ok(())));
                while let Some(job) = waiting.blocking_recv() {
                    job(&mut connection);
                }
            }
            Err(error) => drop(told.send(Err(failure(&error)))),
        });
        spawned.map_err(|_| Failure::passing("the machine has no thread left"))?;
        opened.await.map_err(|_| ended())??;
        Ok(Self { jobs })
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.job(move |connection| work(connection).map_err(|error| failure(&error))).await
    }

    async fn job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (told, done) = oneshot::channel();
        self.jobs.send(Box::new(move |connection| drop(told.send(work(connection))))).map_err(|_| ended())?;
        done.await.map_err(|_| ended())?
    }

    async fn batch(&self, text: &'static str) -> Result<(), Failure> {
        self.call(move |connection| connection.execute_batch(text)).await
    }

    pub(super) async fn begin(&mut self, access: Access) -> Result<(), Failure> {
        self.batch(if access == Access::Read { "BEGIN" } else { "BEGIN IMMEDIATE" }).await
    }

    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        self.batch("COMMIT").await
    }

    pub(super) async fn describe(&mut self, table: &TableName) -> Result<Option<Vec<Column>>, Failure> {
        let (schema, table) = (table.schema.clone(), table.table.clone());
        let found = self
            .call(move |connection| {
                let mut columns = connection.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1, ?2) ORDER BY cid")?;
                let column = |row: &rusqlite::Row<'_>| {
                    Ok(Column { name: row.get(0)?, kind: row.get(1)?, nullable: !row.get::<_, bool>(2)?, key: row.get(3)? })
                };
                columns.query_map((&table, &schema), column)?.collect::<rusqlite::Result<Vec<Column>>>()
            })
            .await?;
        Ok((!found.is_empty()).then_some(found))
    }

    pub(super) async fn execute(&mut self, statement: &str, parameters: Vec<Value>) -> Result<u64, Failure> {
        let text = statement.to_owned();
        self.call(move |connection| {
            guarded(connection, |connection| {
                let mut statement = connection.prepare_cached(&text)?;
                statement.execute(rusqlite::params_from_iter(parameters.iter())).map(|count| count as u64)
            })
        })
        .await
    }

    pub(super) async fn query(&mut self, statement: &str, parameters: Vec<Value>, columns: Vec<Shaped>) -> Result<Rows, Failure> {
        let text = statement.to_owned();
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (told, begun) = oneshot::channel();
        // The connection is busy until the rows are taken or let go.
        let job: Job = Box::new(move |connection| {
            let mut collector = Collector::new(&columns);
            let mut told = Some(told);
            let read = (|| {
                let mut prepared = connection.prepare(&text)?;
                if prepared.column_count() != columns.len() {
                    return Ok(Some(Failure::new("columns", "the statement has another number of columns than was said")));
                }
                let mut rows = prepared.query(rusqlite::params_from_iter(parameters.iter()))?;
                if let Some(told) = told.take() {
                    drop(told.send(Ok(())));
                }
                while let Some(row) = rows.next()? {
                    for (index, column) in columns.iter().enumerate() {
                        value(row.get_ref(index)?, column.form, &mut collector);
                    }
                    if let Some(chunk) = collector.end()
                        && sender.blocking_send(Ok(chunk)).is_err()
                    {
                        return Ok(None);
                    }
                }
                if let Some(chunk) = collector.take() {
                    drop(sender.blocking_send(Ok(chunk)));
                }
                Ok(None)
            })();
            let failed = match read {
                Ok(None) => return,
                Ok(Some(failed)) => failed,
                Err(error) => failure(&error),
            };
            match told.take() {
                Some(told) => drop(told.send(Err(failed))),
                None => drop(sender.blocking_send(Err(failed))),
            }
        });
        self.jobs.send(job).map_err(|_| ended())?;
        begun.await.map_err(|_| ended())??;
        Ok(Rows(receiver))
    }

    pub(super) async fn load(&mut self, table: &TableName, columns: &[Shaped], ndjson: Vec<u8>, skip: &[u32]) -> Result<u32, Failure> {
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let marks: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
        let text = format!("INSERT INTO {} ({}) VALUES ({})", quoted_table(table), names.join(", "), marks.join(", "));
        let (columns, skip) = (columns.to_vec(), skip.to_vec());
        self.job(move |connection| {
            let begin = connection.execute_batch("SAVEPOINT hub").map_err(|error| failure(&error));
            let loaded = begin.and_then(|()| insert(connection, &text, &columns, &ndjson, &skip));
            let end = if loaded.is_ok() { "RELEASE hub" } else { "ROLLBACK TO hub; RELEASE hub" };
            connection.execute_batch(end).map_err(|error| failure(&error))?;
            loaded
        })
        .await
    }

    pub(super) async fn applied(&mut self, progress: &TableName, flow: &str) -> Result<Option<String>, Failure> {
        if self.describe(progress).await?.is_none() {
            return Ok(None);
        }
        let (text, flow) = (format!("SELECT token FROM {} WHERE flow = ?1", quoted_table(progress)), flow.to_owned());
        self.call(move |connection| {
            let mut statement = connection.prepare(&text)?;
            let mut rows = statement.query((&flow,))?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })
        .await
    }

    pub(super) async fn mark(&mut self, progress: &TableName, flow: &str, token: &str) -> Result<(), Failure> {
        let table = quoted_table(progress);
        let (flow, token) = (flow.to_owned(), token.to_owned());
        self.call(move |connection| {
            connection.execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS {table} (flow TEXT PRIMARY KEY, token TEXT NOT NULL, at TEXT NOT NULL)"
            ))?;
            let text = format!(
                "INSERT INTO {table} (flow, token, at) VALUES (?1, ?2, datetime('now')) \
                 ON CONFLICT (flow) DO UPDATE SET token = excluded.token, at = excluded.at"
            );
            connection.execute(&text, (&flow, &token)).map(|_| ())
        })
        .await
    }
}

fn connect(path: &std::path::Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON")?;
    connection.authorizer(Some(judge))?;
    Ok(connection)
}

/// What no statement of a connector can need, whatever the reading of it let pass.
fn judge(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Unknown { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. } if pragma_name != "table_info" => Authorization::Deny,
        AuthAction::Function { function_name } if function_name.eq_ignore_ascii_case("load_extension") => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

fn guarded<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT hub")?;
    let done = work(connection);
    connection.execute_batch(if done.is_ok() { "RELEASE hub" } else { "ROLLBACK TO hub; RELEASE hub" })?;
    done
}

fn insert(connection: &mut Connection, text: &str, columns: &[Shaped], ndjson: &[u8], skip: &[u32]) -> Result<u32, Failure> {
    let mut statement = connection.prepare_cached(text).map_err(|error| failure(&error))?;
    let mut room = Vec::new();
    let mut count = 0;
    for (number, line) in copy::lines(ndjson, skip) {
        let at = |failed: Failure| Failure { row: Some(number), ..failed };
        let read = copy::fields(columns, line, room).map_err(at)?;
        for (index, (column, field)) in columns.iter().zip(&read.0).enumerate() {
            let text = field.map(|field| copy::plain(if column.form == Form::Array { Form::Json } else { column.form }, field));
            let text = text.transpose().map_err(at)?.flatten();
            statement.raw_bind_parameter(index + 1, Bound(column.form, text.as_deref())).map_err(|error| at(failure(&error)))?;
        }
        statement.raw_execute().map_err(|error| at(failure(&error)))?;
        count += 1;
        room = read.0;
    }
    Ok(count)
}

/// A text on its way into a column of a form.
struct Bound<'t>(Form, Option<&'t str>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let Some(text) = self.1 else { return Ok(ToSqlOutput::Borrowed(ValueRef::Null)) };
        let borrowed = ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()));
        Ok(match self.0 {
            // A number that SQLite would shorten stays a text: nothing is lost.
            Form::Number => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(whole), _) => ToSqlOutput::Owned(whole.into()),
                (_, Ok(number)) if number.to_string() == text => ToSqlOutput::Owned(number.into()),
                _ => borrowed,
            },
            Form::Boolean => ToSqlOutput::Owned(i64::from(text == "true").into()),
            Form::Bytes => match text.strip_prefix("\\x").and_then(|hex| data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()) {
                Some(bytes) => ToSqlOutput::Owned(bytes.into()),
                None => borrowed,
            },
            _ => borrowed,
        })
    }
}

fn value(found: ValueRef<'_>, form: Form, collector: &mut Collector) {
    match found {
        ValueRef::Null => collector.value(None),
        ValueRef::Integer(number) => collector.value(Some(&number.to_string())),
        ValueRef::Real(number) => collector.value(Some(&number.to_string())),
        ValueRef::Text(bytes) => collector.value(Some(&String::from_utf8_lossy(bytes))),
        ValueRef::Blob(bytes) if form == Form::Bytes => collector.value(Some(&format!("\\x{}", data_encoding::HEXLOWER.encode(bytes)))),
        ValueRef::Blob(bytes) => collector.value(Some(&data_encoding::BASE64.encode(bytes))),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Boolean(value) => ToSqlOutput::Owned(i64::from(*value).into()),
            Self::Integer(value) => ToSqlOutput::Owned((*value).into()),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        })
    }
}

fn ended() -> Failure {
    Failure::passing("the connection has ended")
}

/// The code, never the text.
fn failure(error: &rusqlite::Error) -> Failure {
    use rusqlite::ErrorCode;
    let (number, passing, message) = match error {
        rusqlite::Error::SqliteFailure(inner, _) => {
            let passing = matches!(inner.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull);
            let message = match inner.code {
                ErrorCode::ConstraintViolation => "a rule of the table is broken",
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "another process uses the file",
                ErrorCode::DiskFull => "the disk is full",
                ErrorCode::CannotOpen => "the file cannot be opened",
                ErrorCode::ReadOnly => "the file can only be read",
                ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => "the file is damaged, or no database",
                ErrorCode::AuthorizationForStatementDenied => "the statement is not allowed",
                ErrorCode::TypeMismatch => "a value does not fit its column",
                _ => "the statement does not fit the database",
            };
            (inner.extended_code, passing, message)
        }
        rusqlite::Error::SqlInputError { error, .. } => (error.extended_code, false, "the statement does not fit the database"),
        rusqlite::Error::InvalidParameterCount(..) => (0, false, "the statement has another number of parameters"),
        _ => (0, false, "the database did not do it"),
    };
    Failure { code: format!("sqlite-{number}"), passing, message: message.to_owned(), row: None }
}
