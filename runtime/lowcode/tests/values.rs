//! Values: JSON in and out, Python's texts, equality and order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use hub_lowcode::value::{Dumps, JsonReader, Value, float_repr};

fn read(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

#[test]
fn json_comes_out_as_it_went_in() {
    for text in [
        "null",
        "true",
        "-0.0",
        "54803.70",
        "1e400",
        "123456789012345678901234567890123456789012345678901234567890",
        r#"{"a":[1,{"b":"ü\n\"\\"}],"c":{}}"#,
        "[]",
        r#""""#,
    ] {
        assert_eq!(read(text).to_json(), text);
    }
    assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#).to_json(), r#"{"a":3,"b":2}"#);
    assert_eq!(read(r#""\u00e9\ud83d\ude00\ud800\/""#).to_json(), "\"é😀\u{fffd}/\"");
    assert_eq!(read("[NaN,Infinity,-Infinity]").to_json(), "[null,null,null]");
    assert_eq!(read("\u{feff} 1 "), Value::Int(1));
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["", "{", "[1,]", "{\"a\":1,}", "01", "1.", "-", "tru", "\"\t\"", "\"a", "1 2", "{1:2}", "\"\\x\"", "\"\\u12\"", "nul"] {
        assert!(Value::from_json(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(Value::from_json(b"\"\xff\"").is_err());
    assert!(Value::from_json("[".repeat(100_000).as_bytes()).is_err());
    assert!(Value::from_json(format!("{}{}", "[".repeat(128), "]".repeat(128)).as_bytes()).is_ok());
}

#[test]
fn a_reader_shares_the_keys_of_its_texts() {
    let mut reader = JsonReader::new();
    let first = reader.read(br#"{"same":1}"#).unwrap();
    let second = reader.read(br#"{"same":2}"#).unwrap();
    let key = |value: &Value| value.as_dict().unwrap().keys().next().unwrap().as_ptr();
    assert_eq!(key(&first), key(&second));
}

#[test]
fn texts_are_pythons() {
    for (number, text) in
        [(1.0, "1.0"), (1e16, "1e+16"), (1e15, "1000000000000000.0"), (1e-4, "0.0001"), (1e-5, "1e-05"), (0.1, "0.1"), (-0.0, "-0.0")]
    {
        assert_eq!(float_repr(number), text);
    }
    assert_eq!(read(r#"["it's","\"","\u00e9\u0000\u200b",54803.70]"#).python_repr(), "[\"it's\", '\"', 'é\\x00\\u200b', 54803.7]");
    assert_eq!(read(r#"{"a":null,"b":[true]}"#).python_str(), "{'a': None, 'b': [True]}");
    assert_eq!(
        read(r#"{"b":"é","a":[1,2.50]}"#).dumps(Dumps { sort_keys: true, ..Dumps::default() }).unwrap(),
        r#"{"a": [1, 2.5], "b": "\u00e9"}"#
    );
}

#[test]
fn equality_and_order_are_pythons() {
    assert_eq!(Value::Int(1), Value::Float(1.0, None));
    assert_eq!(Value::Bool(true), Value::Int(1));
    assert_ne!(Value::Int(9_007_199_254_740_993), Value::Float(9_007_199_254_740_992.0, None));
    assert_ne!(Value::str("1"), Value::Int(1));
    assert_eq!(read(r#"{"a":1,"b":2}"#), read(r#"{"b":2.0,"a":1}"#));
    assert_eq!(Value::Int(1).compare(&Value::str("a")), None);
    assert!(read("[1,2]").compare(&read("[1,3]")).unwrap().is_lt());
}

#[test]
fn a_value_is_small() {
    assert!(size_of::<Value>() <= 32, "a record has many: {}", size_of::<Value>());
}
