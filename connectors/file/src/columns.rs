//! CSV to JSON objects and back. A value of a CSV file is text: nothing is guessed to be a number or a date.

use std::borrow::Cow;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder, Writer, WriterBuilder};
use hub_sdk::{Columns, Error, Field};

/// A value that begins with one of these is a formula to a spreadsheet program.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The records of a CSV file as lines of NDJSON.
pub struct CsvRecords<R> {
    reader: csv::Reader<R>,
    /// `"name":` as JSON.
    keys: Vec<Vec<u8>>,
    row: ByteRecord,
    path: String,
}

impl<R: Read> CsvRecords<R> {
    /// Reads the names in the first line.
    pub fn open(file: R, delimiter: u8, path: &str) -> Result<Self, Error> {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(false).from_reader(file);
        let names = reader.byte_headers().map_err(|error| csv_error(path, error))?.clone();
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for (column, name) in names.iter().enumerate() {
            let number = column + 1;
            let name =
                std::str::from_utf8(name).map_err(|_| Error::Config(format!("`{path}`: the name of column {number} is not UTF-8")))?;
            let mut key = json_text(name.trim_start_matches('\u{FEFF}'))?;
            key.push(b':');
            if name.is_empty() || keys.contains(&key) {
                return Err(Error::Config(format!(
                    "`{path}`: column {number} has no name of its own: the first line must name every column once"
                )));
            }
            keys.push(key);
        }
        Ok(Self { reader, keys, row: ByteRecord::new(), path: path.into() })
    }

    /// Appends the next record. False at the end.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        if !self.reader.read_byte_record(&mut self.row).map_err(|error| csv_error(&self.path, error))? {
            return Ok(false);
        }
        let start = out.len();
        for (key, value) in self.keys.iter().zip(&self.row) {
            out.push(if out.len() == start { b'{' } else { b',' });
            out.extend_from_slice(key);
            let Ok(value) = std::str::from_utf8(value) else {
                let line = self.row.position().map_or(0, csv::Position::line);
                out.truncate(start);
                return Err(Error::Permanent(format!("`{}` line {line}: a value is not UTF-8; save the file as UTF-8", self.path)));
            };
            serde_json::to_writer(&mut *out, value).map_err(|_| Error::permanent("a value cannot be written as JSON"))?;
        }
        out.extend_from_slice(b"}\n");
        Ok(true)
    }
}

fn json_text(text: &str) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(text).map_err(|_| Error::permanent("a name cannot be written as JSON"))
}

/// What csv says, without the values that its own text may hold.
fn csv_error(path: &str, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.map_or(0, |pos| pos.line());
            Error::Permanent(format!(
                "`{path}` line {line}: {len} values where the first line names {expected_len}; check delimiter and quotation marks"
            ))
        }
        _ => Error::Permanent(format!("`{path}` is not readable as CSV")),
    }
}

/// Rows of a CSV file for records of one stream.
pub struct CsvRows {
    columns: Columns,
    names: Vec<String>,
    delimiter: u8,
}

impl CsvRows {
    /// The columns in the order of the manifest.
    pub fn new(fields: &[Field], delimiter: u8) -> Self {
        let names = fields.iter().map(|field| field.name.clone()).collect();
        Self { columns: Columns::new(fields), names, delimiter }
    }

    /// The first line.
    pub fn header(&self) -> Result<Vec<u8>, Error> {
        let mut writer = self.writer();
        writer.write_record(self.names.iter().map(|name| neutral(name.as_str().into()).into_owned())).map_err(|_| unwritable())?;
        writer.into_inner().map_err(|_| unwritable())
    }

    /// A batch: the rows, how many there are, and which records could not be made into one, with a word for why.
    pub fn rows<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Result<Rows, Error> {
        let mut writer = self.writer();
        let mut rows = Rows::default();
        for (row, line) in (0_u32..).zip(lines) {
            match self.columns.split(line) {
                Err(code) => rows.failed.push((row, code)),
                Ok(values) => {
                    let cells: Vec<Cow<'_, str>> = values.into_iter().map(cell_of).collect();
                    writer.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(|_| unwritable())?;
                    rows.written += 1;
                }
            }
        }
        rows.bytes = writer.into_inner().map_err(|_| unwritable())?;
        Ok(rows)
    }

    fn writer(&self) -> Writer<Vec<u8>> {
        WriterBuilder::new().delimiter(self.delimiter).from_writer(Vec::new())
    }
}

/// A batch as CSV.
#[derive(Default)]
pub struct Rows {
    /// What goes into the file.
    pub bytes: Vec<u8>,
    /// Rows in it.
    pub written: u32,
    /// Position in the batch and reason of those that are not.
    pub failed: Vec<(u32, &'static str)>,
}

fn unwritable() -> Error {
    Error::permanent("a record cannot be written as CSV: does the stream have fields?")
}

/// Text unquoted, null as nothing, anything else as its JSON: a number stays as it is written, a nested value is JSON text.
fn cell_of(json: &str) -> Cow<'_, str> {
    if json == "null" {
        return Cow::Borrowed("");
    }
    if !json.starts_with('"') {
        return Cow::Borrowed(json);
    }
    let inner = json.get(1..json.len() - 1).unwrap_or_default();
    if !inner.contains('\\') {
        return neutral(Cow::Borrowed(inner));
    }
    neutral(serde_json::from_str::<String>(json).map_or(Cow::Borrowed(inner), Cow::Owned))
}

/// Keeps a spreadsheet program from calculating text.
fn neutral(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{text}")) } else { text }
}
