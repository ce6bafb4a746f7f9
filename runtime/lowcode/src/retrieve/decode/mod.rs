//! Bodies of responses as values: one value per element of a JSON list, line, row or document.

mod archive;
mod csv;
mod text;
mod xml;

use std::rc::Rc;

use crate::fault::Failure;
use crate::model::decoder::Decoder;
use crate::retrieve::answer::Answer;
use crate::retrieve::error::Trouble;
use crate::retrieve::failure::system;
use crate::value::{Dict, Value};

/// What a decompressed body may hold at most.
pub const MAXIMUM_DECOMPRESSED: usize = 256 * 1024 * 1024;

/// Decodes an answer.
///
/// # Errors
/// The host cannot give the body, or it is not what the decoder expects.
pub fn decode(decoder: &Decoder, answer: &Answer) -> Result<Vec<Value>, Trouble> {
    match decoder {
        Decoder::Json => Ok(json(answer.json()?)),
        other => Ok(decode_bytes(other, answer.body()?)?),
    }
}

/// The first value of an answer, as paginators see it.
///
/// # Errors
/// As above.
pub fn first(decoder: &Decoder, answer: &Answer) -> Result<Value, Trouble> {
    if decoder.is_streamed() {
        return Ok(Value::dict(Dict::new()));
    }
    Ok(decode(decoder, answer)?.into_iter().next().unwrap_or_else(|| Value::dict(Dict::new())))
}

/// The reference takes whatever is no JSON for an empty object, and an empty list, too.
fn json(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::List(items)) if !items.is_empty() => items.as_ref().clone(),
        None | Some(Value::None | Value::List(_)) => vec![Value::dict(Dict::new())],
        Some(other) => vec![other],
    }
}

/// Decodes a body.
///
/// # Errors
/// It is not what the decoder expects.
pub fn decode_bytes(decoder: &Decoder, body: Rc<Vec<u8>>) -> Result<Vec<Value>, Failure> {
    match decoder {
        Decoder::Json => match Value::from_json(&body) {
            Ok(Value::List(items)) => Ok(items.as_ref().clone()),
            Ok(Value::None) | Err(_) => Err(system("Response JSON data failed to be parsed.")),
            Ok(other) => Ok(vec![other]),
        },
        Decoder::JsonItems { path, encoding } => items(&text::decode(&body, *encoding)?, path),
        Decoder::Jsonl => Ok(body.split(|byte| *byte == b'\n').filter_map(|line| Value::from_json(line.trim_ascii()).ok()).collect()),
        Decoder::Csv { encoding, delimiter, nothing } => csv::read(&text::decode(&body, *encoding)?, delimiter, nothing),
        Decoder::Xml => Ok(vec![xml::parse(&text::of_xml(&body)).unwrap_or_else(|| Value::dict(Dict::new()))]),
        Decoder::Lines => Ok(text::lines(&body)?.map(|line| Value::dict(Dict::from_iter([("record".into(), Value::str(line))]))).collect()),
        Decoder::Gzip(inner) => decode_bytes(inner, archive::gunzip(body)?),
        Decoder::Zip(inner) => {
            let mut all = Vec::new();
            for file in archive::unzip(&body)? {
                all.extend(decode_bytes(inner, Rc::new(file))?);
            }
            Ok(all)
        }
    }
}

/// The items of the lists at a dotted path; `item` stands for a list's items.
fn items(text: &str, path: &str) -> Result<Vec<Value>, Failure> {
    let value = Value::from_json(text.as_bytes()).map_err(|_| system("Response JSON data failed to be parsed."))?;
    let mut current = vec![&value];
    for step in path.split('.') {
        current = current
            .into_iter()
            .flat_map(|value| match value {
                Value::List(items) if step == "item" => items.iter().collect(),
                other => other.get(step).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    Ok(current.into_iter().filter_map(Value::as_items).flatten().cloned().collect())
}
