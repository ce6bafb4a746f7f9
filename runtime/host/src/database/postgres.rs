//! PostgreSQL. Every value of an answer is asked for as text, so the server's own words for its types are what is handed on.

mod wire;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, TryStreamExt as _};
use hub_core::manifest::TableName;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::rows::Collector;
use super::{Access, Chunk, Column, Failure, Rows, Shaped, Target, Value, copy, quoted, quoted_table};
use wire::{Patience, Wire};

/// Parts of an answer that may wait to be taken.
const AHEAD: usize = 2;
/// Names are found in the catalogue only, texts mean what they say, and values come in one form whatever the server is set to.
const SETTINGS: &str = "SET search_path = pg_catalog, pg_temp; SET standard_conforming_strings = on; SET DateStyle = 'ISO'; \
    SET TimeZone = 'UTC'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex'; SET extra_float_digits = 1; \
    SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = '1h'";

pub(super) struct Client {
    wire: Wire,
    is_guarded: bool,
    /// The table of progress is known to be there: made or seen by this connection.
    has_progress: bool,
}

impl Client {
    pub(super) async fn open(target: Target, access: Access) -> Result<Self, Failure> {
        let wire = Wire::open(target, access).await?;
        Ok(Self { wire, is_guarded: access == Access::Write, has_progress: false })
    }

    pub(super) async fn begin(&mut self, access: Access) -> Result<(), Failure> {
        let begin = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            // The word of an earlier run is looked for once its transaction is over, by a statement that must see what came before it.
            Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        self.run(begin).await
    }

    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        self.run("COMMIT").await
    }

    async fn run(&self, text: &str) -> Result<(), Failure> {
        self.wire.answered(self.wire.inner.batch_execute(text)).await
    }

    /// Takes back one statement that failed: without that the whole transaction is lost.
    async fn guarded<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        if !self.is_guarded {
            return work.await;
        }
        self.run("SAVEPOINT hub").await?;
        let done = work.await;
        match &done {
            Ok(_) => self.run("RELEASE SAVEPOINT hub").await?,
            // A connection that broke has its reason already; a savepoint is nothing that could be had back.
            Err(failed) => self.run("ROLLBACK TO SAVEPOINT hub").await.or_else(|lost| if failed.passing { Ok(()) } else { Err(lost) })?,
        }
        done
    }

    pub(super) async fn describe(&mut self, table: &TableName) -> Result<Option<Vec<Column>>, Failure> {
        let columns = "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, \
             coalesce(pg_catalog.array_position(i.indkey::int2[], a.attnum) - pg_catalog.array_lower(i.indkey::int2[], 1) + 1, 0)::int4 \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY a.attnum";
        let found = self.wire.answered(self.wire.inner.query(columns, &[&table.schema, &table.table])).await?;
        let column = |row: tokio_postgres::Row| {
            let key = u32::try_from(row.try_get::<_, i32>(3)?).unwrap_or(0);
            Ok(Column { name: row.try_get(0)?, kind: row.try_get(1)?, nullable: !row.try_get::<_, bool>(2)?, key })
        };
        let columns: Result<Vec<Column>, tokio_postgres::Error> = found.into_iter().map(column).collect();
        let columns = columns.map_err(|error| failure(&error))?;
        Ok((!columns.is_empty()).then_some(columns))
    }

    pub(super) async fn execute(&mut self, statement: &str, parameters: Vec<Value>) -> Result<u64, Failure> {
        self.guarded(async {
            let parameters: Vec<Parameter> = parameters.into_iter().map(Parameter).collect();
            self.wire.answered(self.wire.inner.execute_raw(statement, parameters)).await
        })
        .await
    }

    pub(super) async fn query(&mut self, statement: &str, parameters: Vec<Value>, columns: Vec<Shaped>) -> Result<Rows, Failure> {
        let parameters: Vec<Parameter> = parameters.into_iter().map(Parameter).collect();
        let prepared = self.wire.answered(self.wire.inner.prepare(statement)).await?;
        if prepared.columns().len() != columns.len() {
            return Err(Failure::new("columns", "the statement has another number of columns than was said"));
        }
        if let Some(odd) = prepared.columns().iter().position(|column| *column.type_() != Type::TEXT) {
            return Err(Failure::new("columns", format!("column {} is not text: cast it, `…::text`", odd + 1)));
        }
        let found = self.wire.answered(self.wire.inner.query_raw(&prepared, parameters)).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        drop(tokio::spawn(hand_over(found, Collector::new(&columns), sender, self.wire.patience())));
        Ok(Rows(receiver))
    }

    pub(super) async fn load(&mut self, table: &TableName, columns: &[Shaped], ndjson: Vec<u8>, skip: &[u32]) -> Result<u32, Failure> {
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let statement = format!("COPY {} ({}) FROM STDIN", quoted_table(table), names.join(", "));
        self.guarded(async {
            let mut pieces = copy::pieces(columns, &ndjson, skip);
            let mut unreadable = None;
            let sending = async {
                let sink = self.wire.inner.copy_in::<_, Bytes>(&*statement).await?;
                futures::pin_mut!(sink);
                for piece in &mut pieces {
                    match piece {
                        Ok(piece) => sink.feed(Bytes::from(piece)).await?,
                        // A load that is dropped before its end fails on the server too.
                        Err(failure) => {
                            unreadable = Some(failure);
                            return Ok(());
                        }
                    }
                }
                sink.finish().await.map(drop)
            };
            let sent = self.wire.answered(sending).await;
            match unreadable {
                Some(failure) => Err(failure),
                None => sent.map(|()| pieces.count).map_err(|failed| {
                    // The server counts the rows that it got.
                    Failure { row: failed.row.map(|sent| original(sent, skip)), ..failed }
                }),
            }
        })
        .await
    }

    pub(super) async fn applied(&mut self, progress: &TableName, flow: &str) -> Result<Option<String>, Failure> {
        self.alone(progress, flow).await?;
        if self.describe(progress).await?.is_none() {
            return Ok(None);
        }
        let text = format!("SELECT token FROM {} WHERE flow = $1", quoted_table(progress));
        let found = self.wire.answered(self.wire.inner.query_opt(&text, &[&flow])).await?;
        found.map(|row| row.try_get(0)).transpose().map_err(|error| failure(&error))
    }

    pub(super) async fn mark(&mut self, progress: &TableName, flow: &str, token: &str) -> Result<(), Failure> {
        self.alone(progress, flow).await?;
        let table = quoted_table(progress);
        if !self.has_progress && self.describe(progress).await?.is_none() {
            self.run(&format!("CREATE TABLE IF NOT EXISTS {table} (flow text PRIMARY KEY, token text NOT NULL, at timestamptz NOT NULL)"))
                .await?;
        }
        self.has_progress = true;
        let text = format!(
            "INSERT INTO {table} (flow, token, at) VALUES ($1, $2, now()) ON CONFLICT (flow) DO UPDATE SET token = excluded.token, at = excluded.at"
        );
        self.wire.answered(self.wire.inner.execute(&text, &[&flow, &token])).await.map(|_| ())
    }

    /// Until the end of this transaction no other one commits for the flow: each takes this lock before its COMMIT. The COMMIT of a run that was killed or
    /// cut off may still be on its way to the server, or be waiting in it: whether it happens is known when that transaction is over, not before.
    async fn alone(&self, progress: &TableName, flow: &str) -> Result<(), Failure> {
        let lock = lock(progress, flow);
        let taken = self.wire.answered(self.wire.inner.execute("SELECT pg_catalog.pg_advisory_xact_lock($1)", &[&lock])).await;
        let why = "a transaction of an earlier run of this flow is still open in the server, which ends it when it finds that run gone";
        taken.map(|_| ()).map_err(|failed| {
            if failed.code == SqlState::LOCK_NOT_AVAILABLE.code() { Failure { message: why.to_owned(), ..failed } } else { failed }
        })
    }
}

/// The number of a flow's lock, the same in each run.
fn lock(progress: &TableName, flow: &str) -> i64 {
    let mut hash = Sha256::new();
    for part in [progress.schema.as_str(), progress.table.as_str(), flow] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

async fn hand_over(
    found: tokio_postgres::RowStream,
    mut collector: Collector,
    sender: mpsc::Sender<Result<Chunk, Failure>>,
    patience: Patience,
) {
    futures::pin_mut!(found);
    loop {
        let row = match patience.wait(found.try_next()).await {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(failed) => return drop(sender.send(Err(failed)).await),
        };
        for index in 0..collector.columns() {
            match row.try_get::<_, Option<&str>>(index) {
                Ok(text) => collector.value(text),
                Err(error) => return drop(sender.send(Err(failure(&error))).await),
            }
        }
        if let Some(chunk) = collector.end()
            && sender.send(Ok(chunk)).await.is_err()
        {
            return;
        }
    }
    if let Some(chunk) = collector.take() {
        drop(sender.send(Ok(chunk)).await);
    }
}

/// The number of a row before rows were left out.
fn original(sent: u32, skip: &[u32]) -> u32 {
    let mut skipped = skip.to_vec();
    skipped.sort_unstable();
    skipped.into_iter().fold(sent, |number, left_out| if left_out <= number { number + 1 } else { number })
}

/// The code and the names, never the text: it may repeat a value.
fn failure(error: &tokio_postgres::Error) -> Failure {
    let Some(server) = error.as_db_error() else {
        return wire::broken(error);
    };
    let code = server.code();
    let mut message = condition(code).to_owned();
    for (kind, name) in [("table", server.table()), ("column", server.column()), ("constraint", server.constraint())] {
        if let Some(name) = name {
            message.push_str(&format!(" ({kind} `{name}`)"));
        }
    }
    // `COPY stage, line 3, column amount: …`: the number is no value.
    let context = server.where_().filter(|place| place.starts_with("COPY "));
    let line = context
        .and_then(|place| place.split(", line ").nth(1))
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let row = line.and_then(|line| line.parse::<u32>().ok()).and_then(|line| line.checked_sub(1));
    let passing = matches!(code.code().get(..2), Some("08" | "40" | "53" | "57")) || matches!(code.code(), "55P03" | "25P03" | "25P04");
    Failure { code: code.code().to_owned(), passing, message, row }
}

/// The meaning of the codes that people meet; others are known by their class.
fn condition(code: &SqlState) -> &'static str {
    match code.code() {
        "22P02" | "22003" | "22007" | "22008" => "a value does not fit the type of its column",
        "22001" => "a text is too long for its column",
        "23502" => "a value is missing where the table wants one",
        "23503" => "a row that is referred to does not exist",
        "23505" => "a row with this key exists",
        "23514" => "a check of the table fails",
        "21000" => "one statement would change a row twice",
        "25006" => "the transaction only reads",
        "25P03" | "25P04" => "the server ended a transaction that was open for too long",
        "28000" | "28P01" => "the server refused the login",
        "3D000" => "the database does not exist",
        "3F000" => "the schema does not exist",
        "42501" => "the role may not do this",
        "42703" => "a column does not exist",
        "42804" => "types do not agree",
        "42P01" => "a table does not exist",
        "55P03" => "another transaction holds what this one needs",
        "57014" => "the statement took longer than `statement_seconds` of the database, or somebody cancelled it",
        "57P01" | "57P02" | "57P03" => "the server stops or starts",
        "42P10" => "the key of the conflict is not unique in the table",
        other => match other.get(..2) {
            Some("08") => "the connection failed",
            Some("22") => "a value is not allowed",
            Some("23") => "a rule of the table is broken",
            Some("40") => "another transaction was in the way",
            Some("42") => "the statement does not fit the database",
            Some("53") => "the server has no resources left",
            Some("55") => "an object is in use",
            Some("57") => "the server ended the work",
            _ => "the server refused it",
        },
    }
}

#[derive(Debug)]
struct Parameter(Value);

impl ToSql for Parameter {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (&self.0, kind) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Boolean(value), &Type::BOOL) => out.put_u8(u8::from(*value)),
            (Value::Integer(value), &Type::INT8) => out.put_i64(*value),
            (Value::Integer(value), &Type::INT4) => out.put_i32(i32::try_from(*value)?),
            (Value::Integer(value), &Type::INT2) => out.put_i16(i16::try_from(*value)?),
            (Value::Text(value), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME | &Type::UNKNOWN) => {
                out.extend_from_slice(value.as_bytes());
            }
            (Value::Bytes(value), &Type::BYTEA) => out.extend_from_slice(value),
            _ => return Err("a parameter has another type than the statement wants: cast it, `$1::text`".into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
