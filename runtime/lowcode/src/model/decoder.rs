//! Decoders: how a response's body becomes values.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::yaml::Node;

/// A decoder.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoder {
    /// `JsonDecoder`.
    Json,
    /// `JsonItemsDecoder`.
    JsonItems {
        /// Dotted place of the list.
        path: String,
        /// Of the bytes.
        encoding: Encoding,
    },
    /// `JsonlDecoder`.
    Jsonl,
    /// `CsvDecoder`.
    Csv {
        /// Of the bytes.
        encoding: Encoding,
        /// Between fields.
        delimiter: String,
        /// Values that mean none.
        nothing: Vec<String>,
    },
    /// `XmlDecoder`.
    Xml,
    /// `IterableDecoder`: one record per line.
    Lines,
    /// `GzipDecoder` over another.
    Gzip(Box<Decoder>),
    /// `ZipfileDecoder` over another.
    Zip(Box<Decoder>),
}

/// Of texts in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are their own explanation")]
pub enum Encoding {
    Utf8,
    Utf8WithMark,
    Latin1,
    Windows1252,
    Utf16,
    Utf16Little,
    Utf16Big,
    Ascii,
}

impl Decoder {
    /// Whether the reference reads such a response as a stream, so that its paginator sees an empty object only.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        !matches!(self, Self::Json | Self::Xml | Self::Zip(_))
    }
}

/// Reads a decoder.
pub fn read_decoder(node: &Node, reader: &mut Reader) -> Option<Decoder> {
    let kinds =
        ["JsonDecoder", "JsonItemsDecoder", "JsonlDecoder", "CsvDecoder", "XmlDecoder", "IterableDecoder", "GzipDecoder", "ZipfileDecoder"];
    let mut fields = reader.component(node, &kinds)?;
    let decoder = match fields.kind {
        "JsonDecoder" => Some(Decoder::Json),
        "JsonItemsDecoder" => {
            let encoding = fields.read(reader, "encoding", |reader, node| read_encoding(node, reader)).unwrap_or(Encoding::Utf8);
            fields.require_word(reader, "items_path").map(|path| Decoder::JsonItems { path, encoding })
        }
        "JsonlDecoder" => Some(Decoder::Jsonl),
        "CsvDecoder" => Some(Decoder::Csv {
            encoding: fields.read(reader, "encoding", |reader, node| read_encoding(node, reader)).unwrap_or(Encoding::Utf8),
            delimiter: fields.word(reader, "delimiter").unwrap_or_else(|| ",".to_owned()),
            nothing: fields.word_list(reader, "set_values_to_none"),
        }),
        "XmlDecoder" => Some(Decoder::Xml),
        "IterableDecoder" => Some(Decoder::Lines),
        kind => fields
            .require(reader, "decoder", |reader, node| read_inner(node, reader))
            .map(|inner| if kind == "GzipDecoder" { Decoder::Gzip(Box::new(inner)) } else { Decoder::Zip(Box::new(inner)) }),
    };
    fields.end(reader);
    decoder
}

fn read_inner(node: &Node, reader: &mut Reader) -> Option<Decoder> {
    let inner = read_decoder(node, reader)?;
    if matches!(inner, Decoder::Lines | Decoder::Xml | Decoder::Zip(_)) {
        reader.fault(node, Kind::Invalid, "such a decoder cannot stand inside of another");
        return None;
    }
    Some(inner)
}

fn read_encoding(node: &Node, reader: &mut Reader) -> Option<Encoding> {
    let name = reader.word(node)?.to_lowercase().replace(['_', ' '], "-");
    Some(match name.as_str() {
        "utf-8" | "utf8" | "u8" => Encoding::Utf8,
        "utf-8-sig" => Encoding::Utf8WithMark,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => Encoding::Latin1,
        "cp1252" | "windows-1252" => Encoding::Windows1252,
        "utf-16" | "utf16" => Encoding::Utf16,
        "utf-16-le" | "utf-16le" => Encoding::Utf16Little,
        "utf-16-be" | "utf-16be" => Encoding::Utf16Big,
        "ascii" | "us-ascii" => Encoding::Ascii,
        _ => {
            reader.fault(node, Kind::Unsupported, "expected utf-8, utf-8-sig, latin-1, cp1252, utf-16, utf-16-le, utf-16-be or ascii");
            return None;
        }
    })
}
