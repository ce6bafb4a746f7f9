//! Values out of Tryton's wrapping: `{"__class__":"Decimal","decimal":"1.20"}` becomes `1.20`. Numbers keep their digits, none is calculated.

use std::collections::BTreeMap;

use hub_sdk::Error;
use serde_json::value::RawValue;

use crate::moment::Moment;

/// Values nested deeper are refused.
const MAX_DEPTH: u32 = 32;
const CLASS: &str = "__class__";

/// A record as it came: the values are still text.
pub type Record = BTreeMap<String, Box<RawValue>>;

/// Appends a value as plain JSON.
pub fn write(value: &RawValue, out: &mut Vec<u8>) -> Result<(), Error> {
    write_at(value.get(), 0, out)
}

/// Appends true or false: on SQLite, Tryton sends them as numbers.
pub fn write_flag(value: &RawValue, out: &mut Vec<u8>) -> Result<(), Error> {
    let flag = match value.get() {
        "0" => "false",
        "1" => "true",
        other => other,
    };
    write_at(flag, 0, out)
}

fn write_at(json: &str, depth: u32, out: &mut Vec<u8>) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::drift("a value is nested too deeply"));
    }
    match json.as_bytes().first() {
        Some(b'{') => write_object(json, depth, out),
        Some(b'[') => {
            let items: Vec<&RawValue> = parse(json)?;
            out.push(b'[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_at(item.get(), depth + 1, out)?;
            }
            out.push(b']');
            Ok(())
        }
        _ => {
            out.extend_from_slice(json.as_bytes());
            Ok(())
        }
    }
}

fn write_object(json: &str, depth: u32, out: &mut Vec<u8>) -> Result<(), Error> {
    let members: BTreeMap<String, &RawValue> = parse(json)?;
    if let Some(class) = members.get(CLASS) {
        return unwrap(&parse::<String>(class.get())?, json, &members, out);
    }
    out.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(&name, out)?;
        out.push(b':');
        write_at(value.get(), depth + 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn unwrap(class: &str, json: &str, members: &BTreeMap<String, &RawValue>, out: &mut Vec<u8>) -> Result<(), Error> {
    let member = |name: &str| members.get(name).map(|value| value.get()).ok_or_else(|| unknown(class));
    match class {
        "datetime" => write_text(&Moment::from_tryton(json).ok_or_else(|| unknown(class))?.to_string(), out),
        // Dates of birth lie before 1970: the parts are written as they are.
        "date" => {
            let [year, month, day] = numbers(class, ["year", "month", "day"], &member)?;
            write_text(&format!("{year:04}-{month:02}-{day:02}"), out)
        }
        "time" => {
            let [hour, minute, second, fraction] = numbers(class, ["hour", "minute", "second", "microsecond"], &member)?;
            write_text(&format!("{hour:02}:{minute:02}:{second:02}.{fraction:06}"), out)
        }
        "timedelta" => write_number(member("seconds")?, out),
        "Decimal" => write_number(&parse::<String>(member("decimal")?)?, out),
        "bytes" => {
            let base64: String = parse(member("base64")?)?;
            write_text(&base64.split_ascii_whitespace().collect::<String>(), out)
        }
        _ => Err(unknown(class)),
    }
}

fn numbers<'a, const N: usize>(class: &str, names: [&str; N], member: &impl Fn(&str) -> Result<&'a str, Error>) -> Result<[u32; N], Error> {
    let mut found = [0; N];
    for (slot, name) in found.iter_mut().zip(names) {
        *slot = member(name)?.parse().map_err(|_| unknown(class))?;
    }
    Ok(found)
}

/// A number as it stands; what JSON has no number for (NaN, Infinity) becomes text.
fn write_number(text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && parse::<&RawValue>(text).is_ok();
    if !is_number {
        return write_text(text, out);
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Appends text as JSON.
pub fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    serde_json::to_writer(out, text).map_err(|_| Error::permanent("a text cannot be written as JSON"))
}

fn parse<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|_| Error::drift("a value is not of the form that Tryton 8.2 sends"))
}

/// Names of classes are Tryton's own; anything longer than those is not repeated.
fn unknown(class: &str) -> Error {
    let shown = if class.len() <= 16 && class.bytes().all(|byte| byte.is_ascii_alphanumeric()) { class } else { "?" };
    Error::drift(format!("a value of the class `{shown}` is not of a form that this connector knows"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::value::RawValue;

    use super::{MAX_DEPTH, write};

    fn plain(json: &str) -> Result<String, String> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut out = Vec::new();
        write(&raw, &mut out).map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn wrapped_values_come_out_and_nothing_is_rounded() {
        let cases = [
            (r#"{"__class__":"Decimal","decimal":"54803.70"}"#, "54803.70"),
            (r#"{"__class__":"Decimal","decimal":"-0.000000000000000000000001"}"#, "-0.000000000000000000000001"),
            (r#"{"__class__":"Decimal","decimal":"1E+5"}"#, "1E+5"),
            (r#"{"__class__":"Decimal","decimal":"NaN"}"#, "\"NaN\""),
            (r#"{"__class__":"Decimal","decimal":"007"}"#, "\"007\""),
            (r#"{"__class__":"date","year":1948,"month":5,"day":3}"#, "\"1948-05-03\""),
            (r#"{"__class__":"time","hour":7,"minute":5,"second":0,"microsecond":12}"#, "\"07:05:00.000012\""),
            (r#"{"__class__":"timedelta","seconds":90.5}"#, "90.5"),
            (r#"{"__class__":"bytes","base64":"YWJj\nZGVm\n"}"#, "\"YWJjZGVm\""),
            (
                r#"{"a":[{"__class__":"Decimal","decimal":"1.0"},12345678901234567890123, null]}"#,
                r#"{"a":[1.0,12345678901234567890123,null]}"#,
            ),
            (r#""K\u00f6ln""#, r#""K\u00f6ln""#),
        ];
        for (wrapped, wanted) in cases {
            assert_eq!(plain(wrapped).as_deref(), Ok(wanted), "{wrapped}");
        }
    }

    #[test]
    fn what_is_no_value_of_tryton_is_told_without_it() {
        for wrapped in [
            r#"{"__class__":"secret of a person","x":1}"#,
            r#"{"__class__":"Decimal","decimal":5}"#,
            r#"{"__class__":"Decimal"}"#,
            r#"{"__class__":"datetime","year":"Anna"}"#,
            r#"{"__class__":7}"#,
            r#"{"__class__":"date","year":-1,"month":1,"day":1}"#,
        ] {
            let message = plain(wrapped).unwrap_err();
            assert!(message.starts_with("schema drift: a value") && !message.contains("person") && !message.contains("Anna"), "{message}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(plain(&nested(MAX_DEPTH as usize)).is_ok());
        assert!(plain(&nested(200_000)).unwrap_err().contains("nested too deeply"));
    }
}
