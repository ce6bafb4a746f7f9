//! YAML as the reference reads it, and texts that want to use up the machine.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fmt::Write;

use super::*;
use crate::fault::{Kind, Mark};

fn json(text: &str) -> String {
    String::from_utf8(parse(text).unwrap().root.to_json()).unwrap()
}

fn kinds(text: &str) -> Vec<Kind> {
    parse(text).unwrap_err().into_iter().map(|fault| fault.kind).collect()
}

#[test]
fn words_mean_what_yaml_1_1_says() {
    for (word, expected) in [
        ("~", "null"),
        ("", "null"),
        ("Null", "null"),
        ("nULL", "\"nULL\""),
        ("yes", "true"),
        ("Off", "false"),
        ("yES", "\"yES\""),
        ("y", "\"y\""),
        ("1_000", "1000"),
        ("017", "15"),
        ("-017", "-15"),
        ("08", "\"08\""),
        ("0o17", "\"0o17\""),
        ("00", "0"),
        ("0_", "0"),
        ("+0x1F", "31"),
        ("0b11", "3"),
        ("1:30", "90"),
        ("-1:30", "-90"),
        ("0:30", "\"0:30\""),
        ("1:30:70", "\"1:30:70\""),
        ("190:20:30.15", "685230.15"),
        ("1_", "1"),
        ("_1", "\"_1\""),
        ("1e5", "\"1e5\""),
        ("1.5e3", "\"1.5e3\""),
        ("1.5e+3", "1500.0"),
        ("1.e+5", "100000.0"),
        ("1__0.5", "10.5"),
        ("0.1_e+5", "10000.0"),
        ("1.5_0", "1.5"),
        (".5", "0.5"),
        ("-.5", "\"-.5\""),
        ("1.2.3", "\"1.2.3\""),
        ("1.10", "1.1"),
        ("'1'", "\"1\""),
        ("\"yes\"", "\"yes\""),
        ("!!str 1", "\"1\""),
        ("!!int \"3\"", "3"),
        ("!!float 1", "1.0"),
        ("!!bool \"on\"", "true"),
        ("!!null x", "null"),
        ("! 12", "12"),
        ("2020-01-01", "\"2020-01-01\""),
        ("2020-1-1", "\"2020-1-1\""),
        ("2020-1-1 1:02:03", "\"2020-01-01T01:02:03\""),
        ("2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00+00:00\""),
        ("2020-01-01t1:02:03.1234567", "\"2020-01-01T01:02:03.123456\""),
        ("2020-01-01 1:02:03.5 +02:00", "\"2020-01-01T01:02:03.500000+02:00\""),
        ("2020-01-01T1:02:03 -5", "\"2020-01-01T01:02:03-05:00\""),
        ("http://x:80/y", "\"http://x:80/y\""),
    ] {
        assert_eq!(json(&format!("a: {word}")), format!("{{\"a\":{expected}}}"), "{word}");
    }
}

#[test]
fn infinities_are_numbers() {
    let root = parse("a: -.inf\nb: .NaN").unwrap().root;
    assert!(matches!(root.get("a").and_then(Node::as_scalar), Some(crate::value::Value::Float(number, _)) if *number == f64::NEG_INFINITY));
    assert!(matches!(root.get("b").and_then(Node::as_scalar), Some(crate::value::Value::Float(number, _)) if number.is_nan()));
}

#[test]
fn shapes_are_read_as_the_reference_reads_them() {
    for (text, expected) in [
        (
            "a: |\n  x\n\n  y\n\nb: >\n  x\n  y\n\n  z\n   q\nc: |-\n  x\nd: |+\n  x\n\ne: 1",
            r#"{"a":"x\n\ny\n","b":"x y\nz\n q\n","c":"x","d":"x\n\n","e":1}"#,
        ),
        ("a: \"x\\\n  y\\n\\x41\\u00e9\"", "{\"a\":\"xy\\nAé\"}"),
        ("a: 'it''s\n  folded\n\n  x'", r#"{"a":"it's folded\nx"}"#),
        ("{a: 1, b}", r#"{"a":1,"b":null}"#),
        ("[a: 1, b: 2]", r#"[{"a":1},{"b":2}]"#),
        ("a:\n- 1\n- 2\nb: 1", r#"{"a":[1,2],"b":1}"#),
        ("a: [\n1,\n2,\n  ]", r#"{"a":[1,2]}"#),
        ("a: >-\n  x\n\n\n  y\n  - z\n", r#"{"a":"x\n\ny - z"}"#),
        ("a: x\n  y\n\n  z", r#"{"a":"x y\nz"}"#),
        ("%YAML 1.1\n---\na: yes", r#"{"a":true}"#),
        ("a: 1\n...\n", r#"{"a":1}"#),
        ("1: a\n1.5: b\nyes: c\n~: d\n2020-01-01: e\n0x10: f", r#"{"1":"a","1.5":"b","true":"c","null":"d","2020-01-01":"e","16":"f"}"#),
        ("? |\n  x\n: 1", r#"{"x\n":1}"#),
        ("\u{feff}a: 1", r#"{"a":1}"#),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn brackets_and_quotes_may_run_on_at_any_column() {
    for (text, expected) in [
        ("x:\n  a: {\n  \"b\": 1,\n  \"d\": [\n ]}\n  c: 2", r#"{"x":{"a":{"b":1,"d":[]},"c":2}}"#),
        ("x:\n  a: \"x\n y\"", r#"{"x":{"a":"x y"}}"#),
        ("x:\n  a: 'x\n\ty'", r#"{"x":{"a":"x y"}}"#),
        (
            "- k: |\n    a: [\n    'b\n  v: {\n z: 1,\n\"q\": \"it's\n w\", # {\n}\n  w: it's\n- 'a\n b''c\nd'",
            r#"[{"k":"a: [\n'b\n","v":{"z":1,"q":"it's w"},"w":"it's"},"a b'c d"]"#,
        ),
        ("a: 'x'#c\nb: {c: \"é\"}# d\ne: [f\n]#g", r#"{"a":"x","b":{"c":"é"},"e":["f"]}"#),
        ("a: |\n  x", r#"{"a":"x"}"#),
        ("a: |\n  x\n  ", r#"{"a":"x\n"}"#),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
    let root = parse("a: {\nb: 1,\n  c: 2\n}").unwrap().root;
    assert_eq!(root.at(&["a", "b"]).unwrap().mark, Some(Mark { line: 2, column: 4 }), "columns are those of the text as written");
    assert_eq!(root.at(&["a", "c"]).unwrap().mark, Some(Mark { line: 3, column: 6 }));
}

#[test]
fn aliases_and_merges_are_those_of_the_reference() {
    for (text, expected) in [
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: *x", r#"{"a":{"b":1},"c":{"b":1,"d":{"b":1}}}"#),
        ("a: &x\nb: *x\nc: &y !!str\nd: *y", r#"{"a":null,"b":null,"c":"","d":""}"#),
        ("c: {<<: {q: 1, x: 5}, x: 3}\nd: {\"<<\": 3}", r#"{"c":{"q":1,"x":3},"d":{"<<":3}}"#),
        (
            "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], w: 1}",
            r#"{"a":{"x":1,"y":1},"b":{"x":2,"z":2},"c":{"x":1,"y":1,"z":2,"w":1}}"#,
        ),
        ("a: &a {xxx: 1}\nb: &b {xxx: 2}\nc: {<<: [*a, *b]}", r#"{"a":{"xxx":1},"b":{"xxx":2},"c":{"xxx":2}}"#),
        (
            "a: &a {xxx: 1, yyy: 1}\nb: &b {<<: *a, yyy: 2}\nc: {<<: [*b, *a]}",
            r#"{"a":{"xxx":1,"yyy":1},"b":{"xxx":1,"yyy":2},"c":{"xxx":1,"yyy":2}}"#,
        ),
        ("yyy: 9\n<<: {yyy: 1, zzz: 2}", r#"{"yyy":9,"zzz":2}"#),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn of_repeated_keys_the_last_is_meant_and_told() {
    let document = parse("a: 1\nb: 2\na: 3").unwrap();
    assert_eq!(document.root.to_json(), br#"{"a":3,"b":2}"#);
    assert_eq!(document.notes.len(), 1);
    assert_eq!(document.notes.first().unwrap().mark, Some(Mark { line: 3, column: 1 }));
}

#[test]
fn what_the_reference_refuses_is_a_fault_with_a_place() {
    for (text, kind, line) in [
        ("a: b: c", Kind::Syntax, 1),
        ("x: 1\na: {{ x }}", Kind::Syntax, 2),
        ("? [a, b]\n: 1", Kind::Syntax, 1),
        ("a: @x", Kind::Syntax, 1),
        ("a: %x", Kind::Syntax, 1),
        ("a: \"\\q\"", Kind::Syntax, 1),
        ("a: 1\n b: 2", Kind::Syntax, 2),
        ("--- 1\n--- 2", Kind::Syntax, 2),
        ("a: *b", Kind::Syntax, 1),
        ("a: &q [1, *q]", Kind::Invalid, 1),
        ("a: 2020-13-01", Kind::Invalid, 1),
        ("a: 0x_", Kind::Invalid, 1),
        ("a: =", Kind::Invalid, 1),
        ("a: <<", Kind::Invalid, 1),
        ("b: 1\na: {<<: 3}", Kind::Invalid, 2),
        ("a: !!int x", Kind::Invalid, 1),
        ("a: !foo 1", Kind::Unsupported, 1),
        ("a: !!seq {a: 1}", Kind::Invalid, 1),
        ("a: !!set {a, b}", Kind::Invalid, 1),
    ] {
        let faults = parse(text).unwrap_err();
        let fault = faults.first().unwrap();
        assert_eq!((&fault.kind, fault.mark.map(|mark| mark.line)), (&kind, Some(line)), "{text}: {fault}");
    }
    assert_eq!(kinds(""), [Kind::Invalid]);
    assert_eq!(kinds("a: 2020-13-01\nb: 0x_\nc: !foo 1").len(), 3, "faults are told together");
}

#[test]
fn marks_are_those_of_the_definition() {
    let root = parse("a: &x\n  b: 1\nc: *x\n").unwrap().root;
    assert_eq!(root.at(&["c", "b"]).unwrap().mark, Some(Mark { line: 2, column: 6 }));
    assert!(root.get("a").unwrap().is_same(root.get("c").unwrap()));
    assert_eq!(root.size(), 5);
    assert_eq!(root.depth(), 3);
}

#[test]
fn laughs_do_not_explode() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{items}]").unwrap();
    }
    assert_eq!(kinds(&text), [Kind::Limit]);
}

#[test]
fn merges_do_not_explode() {
    let members: Vec<String> = (0..2000).map(|member| format!("k{member}: 1")).collect();
    let mut text = format!("m0: &m0 {{{}}}\n", members.join(", "));
    for level in 1..1000 {
        writeln!(text, "m{level}: &m{level} {{<<: *m{}}}", level - 1).unwrap();
    }
    assert_eq!(kinds(&text), [Kind::Limit]);
}

#[test]
fn depth_size_and_aliases_are_bounded() {
    assert_eq!(kinds(&format!("{}{}", "[".repeat(120), "]".repeat(120))), [Kind::Limit]);
    assert_eq!(kinds(&"- ".repeat(100_000)), [Kind::Limit]);
    assert!(!kinds(&"{a: ".repeat(100_000)).is_empty());
    let mut text = "a0: &a0 {x: 1}\n".to_owned();
    for level in 1..150 {
        writeln!(text, "a{level}: &a{level} {{x: *a{}}}", level - 1).unwrap();
    }
    assert_eq!(kinds(&text), [Kind::Limit], "depth counts behind aliases");
    assert_eq!(kinds(&format!("a: &a 1\nb: [{}]", "*a, ".repeat(10_001))), [Kind::Limit]);
    assert_eq!(kinds(&format!("[{}]", "1,".repeat(1_000_001))), [Kind::Limit]);
    assert_eq!(kinds(&"#".repeat(MAX_TEXT + 1)), [Kind::Limit]);
}

/// Damaged texts: cuts, and letters put in the place of others. Whatever comes out, nothing panics.
#[test]
fn damaged_texts_end_in_an_answer() {
    let text = "a: &x\n  - {b: 'c', \"d\": [1, 2.5, *x]}\n  - |\n    text\n? k\n: >-\n  y\n<<: *x\n!!str z: ~ # c\n";
    let letters: Vec<char> = text.chars().collect();
    for cut in 0..letters.len() {
        let _ = parse(&letters.iter().take(cut).collect::<String>());
        for odd in ['{', ']', ':', '\t', '&', '*', '!', '%', '\0', '\u{2028}', '|', '"', '?', '-', '\n', 'é'] {
            let mut damaged = letters.clone();
            if let Some(letter) = damaged.get_mut(cut) {
                *letter = odd;
            }
            let _ = parse(&damaged.iter().collect::<String>());
            damaged.insert(cut, odd);
            let _ = parse(&damaged.iter().collect::<String>());
        }
    }
}
