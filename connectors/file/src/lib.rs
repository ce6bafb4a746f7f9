//! The connector `file`: streams as files of a granted folder, `contacts` being `FOLDER/contacts.ndjson`, `.csv`, or these with `.gz`.
//!
//! NDJSON passes through without being parsed: whether a line is a record is the host's gate's matter.

mod columns;
mod read;
mod write;

use hub_sdk::Error;
use hub_sdk::files::{Compression, list, stream_path};

use read::FileSource;
use write::FileDestination;

/// Files of a granted folder.
#[hub_sdk::config]
struct Config {
    /// Name of a folder grant of the manifest, with a path below it if need be: `exports/crm`.
    folder: String,
    /// How records stand in a file.
    #[serde(default)]
    format: Format,
    /// How a file is stored.
    #[serde(default)]
    compression: Packing,
    /// CSV only: what separates two values. One ASCII character.
    #[serde(default = "comma")]
    delimiter: char,
}

/// How records stand in a file.
#[hub_sdk::config]
#[serde(rename_all = "lowercase")]
#[derive(Clone, Copy, Default, PartialEq)]
enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// Comma-separated values, the first line holds the names.
    Csv,
}

/// How a file is stored.
#[hub_sdk::config]
#[serde(rename_all = "lowercase")]
#[derive(Clone, Copy, Default, PartialEq)]
enum Packing {
    /// As it is.
    #[default]
    None,
    /// Gzip; `.gz` is added to the name.
    Gzip,
}

hub_sdk::connector!(source: FileSource, destination: FileDestination);

fn comma() -> char {
    ','
}

impl Config {
    /// The delimiter as the one byte that it must be.
    fn delimiter(&self) -> Result<u8, Error> {
        u8::try_from(self.delimiter).ok().filter(|byte| byte.is_ascii() && !b"\"\r\n".contains(byte)).ok_or_else(|| {
            Error::Config(
                "`delimiter` must be one ASCII character other than a quotation mark or a line end, such as \";\" or \"\\t\"".into(),
            )
        })
    }

    fn compression(&self) -> Compression {
        match self.compression {
            Packing::None => Compression::None,
            Packing::Gzip => Compression::Gzip,
        }
    }

    /// The path of a stream's file.
    fn path(&self, stream: &str) -> Result<String, Error> {
        let ending = if self.format == Format::Csv { "csv" } else { "ndjson" };
        let packed = if self.compression == Packing::Gzip { ".gz" } else { "" };
        Ok(format!("{}.{ending}{packed}", stream_path(&self.folder, stream)?))
    }

    /// The folder is granted and there.
    fn check(&self) -> Result<(), Error> {
        self.delimiter()?;
        list(self.folder.trim_end_matches('/'))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
