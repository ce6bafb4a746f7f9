//! One Parquet file being written: rows are gathered, and become a row group when they take enough memory. The end of the file makes it readable.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_sdk::files::{Compression, FileWriter};
use hub_sdk::{Columns, Error, Field, Target};
use parquet::basic::Compression as Codec;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::cell::{Cell, Form, PRECISION};
use crate::column::{Column, described};

/// Bytes of gathered values that become a row group. The encoder needs about as much again.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// What all files of a stream share.
pub(crate) struct Layout {
    columns: Columns,
    forms: Vec<Form>,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
}

impl Layout {
    /// Columns in the order of the manifest; `known` says of some what they hold, the source of the others.
    pub(crate) fn new(target: &Target, known: &BTreeMap<String, Form>) -> Result<Self, Error> {
        let name = &target.name;
        if target.fields.is_empty() {
            return Err(Error::Config(format!("the stream `{name}` has no fields: a Parquet file has at least one column")));
        }
        for (field, form) in known {
            if !target.fields.iter().any(|delivered| delivered.name == *field) {
                return Err(Error::Config(format!("`columns.{name}` names `{field}`, which the flow does not deliver")));
            }
            if let Form::Decimal(places) = form
                && *places > PRECISION
            {
                return Err(Error::Config(format!("`columns.{name}.{field}.decimal` is {places}: at most {PRECISION}")));
            }
        }
        let form = |field: &Field| known.get(&field.name).copied().unwrap_or_else(|| field.kind.into());
        let forms: Vec<Form> = target.fields.iter().map(form).collect();
        let columns: Result<Vec<TypePtr>, _> =
            target.fields.iter().zip(&forms).map(|(field, form)| described(&field.name, *form).map(Arc::new)).collect();
        let schema = columns.and_then(|columns| Type::group_type_builder("schema").with_fields(columns).build());
        let schema = schema.map_err(|error| Error::Config(format!("the stream `{name}` cannot be a Parquet file: {error}")))?;
        Ok(Self { columns: Columns::new(&target.fields), forms, schema: Arc::new(schema), properties: Arc::new(properties(target)) })
    }

    /// A record as values.
    ///
    /// # Errors
    /// The code of a row error.
    pub(crate) fn cells<'line>(&self, record: &'line [u8]) -> Result<Vec<Cell<'line>>, &'static str> {
        self.columns.split(record)?.into_iter().zip(&self.forms).map(|(json, form)| form.cell(json)).collect()
    }
}

/// Category and purpose of each field go along: who finds the file can see what it holds.
fn properties(target: &Target) -> WriterProperties {
    let labels = target.fields.iter().filter(|field| !field.about.is_empty());
    let labels = labels.map(|field| KeyValue::new(format!("hub.about.{}", field.name), field.about.clone()));
    let stream = KeyValue::new("hub.stream".to_owned(), target.name.clone());
    WriterProperties::builder()
        .set_compression(Codec::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(format!("hub version {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(std::iter::once(stream).chain(labels).collect()))
        .build()
}

/// A file that is being written.
pub(crate) struct ParquetFile {
    path: String,
    writer: SerializedFileWriter<FileWriter>,
    columns: Vec<Column>,
    gathered: usize,
}

impl ParquetFile {
    /// Begins the new version of a file.
    pub(crate) fn open(path: &str, layout: &Layout) -> Result<Self, Error> {
        let file = FileWriter::replace(path, Compression::None)?;
        let writer = SerializedFileWriter::new(file, Arc::clone(&layout.schema), Arc::clone(&layout.properties));
        let columns = layout.forms.iter().map(|form| Column::new(*form)).collect();
        Ok(Self { path: path.to_owned(), writer: writer.map_err(|error| unwritable(path, error))?, columns, gathered: 0 })
    }

    /// Takes a record.
    pub(crate) fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), Error> {
        self.gathered += self.columns.iter_mut().zip(cells).map(|(column, cell)| column.push(cell)).sum::<usize>();
        if self.gathered >= ROW_GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    /// Writes what is gathered and the file's end. It takes its place when the answer is finished.
    pub(crate) fn end(mut self) -> Result<FileWriter, Error> {
        if self.gathered > 0 {
            self.write_group()?;
        }
        let path = self.path;
        self.writer.flush().map_err(Error::from)?;
        self.writer.into_inner().map_err(|error| unwritable(&path, error))
    }

    fn write_group(&mut self) -> Result<(), Error> {
        self.gathered = 0;
        let mut group = self.writer.next_row_group().map_err(|error| unwritable(&self.path, error))?;
        let write = || {
            for column in &mut self.columns {
                let Some(mut writer) = group.next_column()? else { break };
                column.write(&mut writer)?;
                writer.close()?;
            }
            group.close().map(drop)
        };
        write().map_err(|error| unwritable(&self.path, error))
    }
}

/// What the host said comes out as it was.
fn unwritable(path: &str, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => Error::from(*error),
            Err(_) => Error::Permanent(format!("`{path}` could not be written as Parquet")),
        },
        other => Error::Permanent(format!("`{path}` could not be written as Parquet: {other}")),
    }
}
