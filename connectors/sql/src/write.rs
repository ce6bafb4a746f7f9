//! Tables as a destination: appended to, upserted through a table that only this run sees, or replaced at the end. The host commits.

use std::collections::BTreeMap;

use hub_sdk::sql::{Column, Database, Dialect, Failure, Form, Shaped, SqlError, TableName};
use hub_sdk::{Batch, Destination, Error, Mode, Report, RowError, Target};

use crate::text::{self, Twice};
use crate::{Config, text::is_name};

/// More refused records in one batch are a mistake in the flow.
const MAX_REFUSED: usize = 100;
/// Loaded rows are merged at the latest when so many bytes of records wait: one merge of many costs less than many of few.
const MERGE_BYTES: usize = 32 << 20;
/// One statement would change a row twice.
const TWICE: &str = "21000";

/// Writes tables.
pub(crate) struct TableDestination {
    tables: BTreeMap<u32, OpenTable>,
}

struct OpenTable {
    database: Database,
    dialect: Dialect,
    table: TableName,
    mode: Mode,
    key: Vec<String>,
    columns: Vec<String>,
    shaped: Vec<Shaped>,
    /// Columns of the key as the table has them.
    key_columns: Vec<Column>,
    /// None when appending.
    stage: Option<TableName>,
    /// Bytes of records that were loaded into the stage of an upsert and wait for their merge.
    staged: usize,
    /// Where keys of deleted records are put, once there are some.
    gone: Option<TableName>,
    index: u32,
    /// Key and report of the last batch.
    last: Option<(String, Report)>,
}

impl Destination for TableDestination {
    type Config = Config;

    fn check(config: Config) -> Result<(), Error> {
        config.database().dialect()?;
        Ok(())
    }

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        let mut tables = BTreeMap::new();
        for target in targets {
            tables.insert(target.index, OpenTable::open(&config, target)?);
        }
        Ok(Self { tables })
    }

    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        self.table(target)?.write(key, batch)
    }

    fn delete(&mut self, target: u32, key: &str, keys: Batch<'_>) -> Result<Report, Error> {
        self.table(target)?.delete(key, keys)
    }

    /// The host commits after this.
    fn flush(&mut self, target: u32) -> Result<(), Error> {
        self.table(target)?.merge()
    }

    fn finish(&mut self, target: u32) -> Result<(), Error> {
        self.table(target)?.finish()
    }
}

impl TableDestination {
    fn table(&mut self, target: u32) -> Result<&mut OpenTable, Error> {
        self.tables.get_mut(&target).ok_or_else(|| Error::Permanent(format!("no stream was opened with the index {target}")))
    }
}

impl OpenTable {
    fn open(config: &Config, target: Target) -> Result<Self, Error> {
        let database = config.database();
        let dialect = database.dialect()?;
        let table = config.table(dialect, &target.name)?;
        if let Some(field) = target.fields.iter().find(|field| !is_name(&field.name)) {
            return Err(Error::Config(format!("the field `{}` cannot be a column: rename it in the flow with `to`", field.name)));
        }
        if target.mode == Mode::Upsert && target.primary_key.is_empty() {
            return Err(Error::Config(format!("the stream `{}` has no primary key to upsert by", target.name)));
        }
        let described = prepare(&database, dialect, &table, &target, config.create)?;
        let columns: Vec<String> = target.fields.iter().map(|field| field.name.clone()).collect();
        let used: Vec<Column> = described.into_iter().filter(|column| columns.contains(&column.name)).collect();
        let shape = |name: &String| {
            let form = used.iter().find(|column| column.name == *name).map_or(Form::Text, |column| text::form(&column.kind));
            Shaped { name: name.clone(), form }
        };
        let shaped = columns.iter().map(shape).collect();
        let key_columns = used.iter().filter(|column| target.primary_key.contains(&column.name)).cloned().collect();
        let stage = match target.mode {
            Mode::Append => None,
            mode => {
                let stage = temporary(dialect, "stage", target.index);
                database.execute(&text::stage(dialect, &stage, &table, &used, mode == Mode::Replace), &[])?;
                Some(stage)
            }
        };
        Ok(Self {
            database,
            dialect,
            table,
            mode: target.mode,
            key: target.primary_key,
            columns,
            shaped,
            key_columns,
            stage,
            staged: 0,
            gone: None,
            index: target.index,
            last: None,
        })
    }

    fn write(&mut self, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        if let Some((_, report)) = self.last.as_ref().filter(|(last, _)| last == key) {
            return Ok(report.clone());
        }
        let into = self.stage.as_ref().unwrap_or(&self.table);
        let (written, failed) = load(&self.database, into, &self.shaped, batch.as_bytes())?;
        if self.mode == Mode::Upsert && written > 0 {
            self.staged += batch.as_bytes().len();
        }
        if self.staged >= MERGE_BYTES {
            self.merge()?;
        }
        let report = Report { written, failed };
        self.last = Some((key.to_owned(), report.clone()));
        Ok(report)
    }

    /// Rows by their key; one that is not there is gone already.
    fn delete(&mut self, key: &str, keys: Batch<'_>) -> Result<Report, Error> {
        if let Some((_, report)) = self.last.as_ref().filter(|(last, _)| last == key) {
            return Ok(report.clone());
        }
        // What came before the deletion is there before it.
        self.merge()?;
        let gone = match &self.gone {
            Some(gone) => gone.clone(),
            None => {
                let gone = temporary(self.dialect, "gone", self.index);
                self.database.execute(&text::stage(self.dialect, &gone, &self.table, &self.key_columns, false), &[])?;
                self.gone.insert(gone).clone()
            }
        };
        let shape = |column: &Column| Shaped { name: column.name.clone(), form: text::form(&column.kind) };
        let shaped: Vec<Shaped> = self.key_columns.iter().map(shape).collect();
        let (written, failed) = load(&self.database, &gone, &shaped, keys.as_bytes())?;
        let from = self.stage.as_ref().filter(|_| self.mode == Mode::Replace).unwrap_or(&self.table);
        self.database.execute(&text::without(&gone, from, &self.key), &[])?;
        self.database.execute(&text::emptied(self.dialect, &gone, true), &[])?;
        let report = Report { written, failed };
        self.last = Some((key.to_owned(), report.clone()));
        Ok(report)
    }

    /// Merges what waits in the stage of an upsert.
    fn merge(&mut self) -> Result<(), Error> {
        let Some(stage) = self.stage.as_ref().filter(|_| self.staged > 0) else { return Ok(()) };
        let merge = |twice| text::merge(self.dialect, stage, &self.table, &self.columns, &self.key, twice);
        match self.database.execute(&merge(Twice::Once), &[]) {
            Err(SqlError::Failed(Failure { code, .. })) if code == TWICE => {
                self.database.execute(&merge(Twice::LastOne), &[])?;
            }
            other => drop(other?),
        }
        self.database.execute(&text::emptied(self.dialect, stage, true), &[])?;
        self.staged = 0;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.merge()?;
        let Some(stage) = self.stage.as_ref().filter(|_| self.mode == Mode::Replace) else { return Ok(()) };
        self.database.execute(&text::emptied(self.dialect, &self.table, false), &[])?;
        let merge = text::merge(self.dialect, stage, &self.table, &self.columns, &self.key, Twice::Never);
        self.database.execute(&merge, &[])?;
        self.database.execute(&text::emptied(self.dialect, stage, true), &[])?;
        Ok(())
    }
}

/// A table that only this run sees.
fn temporary(dialect: Dialect, what: &str, index: u32) -> TableName {
    let schema = if dialect == Dialect::Postgres { "pg_temp" } else { "temp" };
    TableName { schema: schema.into(), table: format!("hub_{what}_{index}") }
}

/// Makes the table, or what it lacks; answers with its columns.
fn prepare(database: &Database, dialect: Dialect, table: &TableName, target: &Target, create: bool) -> Result<Vec<Column>, Error> {
    let named = format!("{}.{}", table.schema, table.table);
    let described = database.describe(table)?;
    let missing: Vec<_> = match &described {
        None => target.fields.iter().collect(),
        Some(columns) => target.fields.iter().filter(|field| !columns.iter().any(|column| column.name == field.name)).collect(),
    };
    if missing.is_empty() {
        return Ok(described.unwrap_or_default());
    }
    if !create {
        let names: Vec<&str> = missing.iter().map(|field| field.name.as_str()).collect();
        let what = if described.is_none() {
            format!("there is no table `{named}`")
        } else {
            format!("the table `{named}` has no column {}", names.join(", "))
        };
        return Err(Error::Config(format!("{what}, and `create` is false: make it by hand")));
    }
    match &described {
        None => {
            database.execute(&text::create(dialect, table, &target.fields, &target.primary_key), &[])?;
        }
        Some(_) => {
            for field in &missing {
                database.execute(&text::add(dialect, table, field), &[])?;
            }
        }
    }
    if dialect == Dialect::Postgres {
        for field in &missing {
            database.execute(&text::comment(table, field), &[])?;
        }
    }
    Ok(database.describe(table)?.unwrap_or_default())
}

/// Loads a batch; a record that the database does not take is left out and named.
fn load(database: &Database, into: &TableName, columns: &[Shaped], records: &[u8]) -> Result<(u32, Vec<RowError>), Error> {
    let mut failed: Vec<RowError> = Vec::new();
    loop {
        let skip: Vec<u32> = failed.iter().map(|row| row.row).collect();
        match database.load(into, columns, records, &skip) {
            Ok(written) => return Ok((written, failed)),
            Err(SqlError::Failed(Failure { row: Some(row), code, passing: false, .. }))
                if failed.len() < MAX_REFUSED && !skip.contains(&row) =>
            {
                failed.push(RowError { row, code });
            }
            Err(error) => return Err(error.into()),
        }
    }
}
