//! Random and hostile JSON: scanner and oracle agree on every byte, or both refuse.

use proptest::prelude::*;

use super::super::FieldPlan;
use super::super::oracle::{Oracle, agree_on_lines, agree_on_page, cases};

/// Names that the cases declare, spelled plainly and with escapes, and some that they do not.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => "[a-fl-ox]".prop_map(|name| format!("\"{name}\"")),
        1 => Just("\"\\u0061\"".to_owned()),
        1 => Just("\"\\u0064\"".to_owned()),
        1 => prop::sample::select(vec!["\"q\"", "\"\"", "\"a.b\"", "\"\\n\"", "\"d.q\"", "\"\\ud83d\\ude00\"", "\"é\"", "\"\\ud800\""]).prop_map(str::to_owned),
        1 => "[a-z]{120,140}".prop_map(|name| format!("\"{name}\"")),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    let odd = vec![
        "0",
        "-0",
        "1.0",
        "1.5",
        "-5",
        "-5.0000000000000000001",
        "999.99",
        "1e3",
        "0.5",
        "2.5e-1",
        "1e400",
        "-1e-400",
        "12345678901234567890",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "-",
        "nul",
        "True",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\u00zz\"",
        "\"tab\tin\"",
        "\"open",
        "\"2026-02-28\"",
        "\"2026-02-30\"",
        "\"\\u0061bc\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "1e99999999999999999999",
        "\"äöü€😀\"",
    ];
    prop_oneof![
        6 => "\"[a-e]{0,3}\"",
        4 => "-?[1-9]?[0-9]",
        2 => "-?[0-9]{1,3}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        3 => prop::sample::select(vec!["null", "true", "false", "1", "\"x\""]).prop_map(str::to_owned),
        2 => prop::sample::select(odd).prop_map(str::to_owned),
    ]
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![12 => Just(""), 1 => Just(" "), 1 => Just("\t "), 1 => Just("\r")]
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 24, 5, |inner| {
        let member = (name(), space(), space(), inner.clone(), space());
        let object = prop::collection::vec(member, 0..5).prop_map(|members| {
            let members =
                members.into_iter().map(|(name, before, behind, value, end)| format!("{before}{name}{before}:{behind}{value}{end}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        let array = prop::collection::vec((inner, space()), 0..4).prop_map(|items| {
            let items = items.into_iter().map(|(value, space)| format!("{space}{value}{space}"));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        });
        prop_oneof![object, array]
    })
}

/// A record that is likely to fit the schema of the cases, so that more than refusals are compared.
fn record() -> impl Strategy<Value = String> {
    let text = "\"[a-e]{1,4}\"";
    let field = |name: &'static str, value: BoxedStrategy<String>| value.prop_map(move |value| format!("\"{name}\":{value}")).boxed();
    let inner = (text, -3..3).prop_map(|(text, number)| format!("{{\"a\":\"x\",\"q\":{text},\"b\":{number}}}"));
    let list = prop::collection::vec(prop_oneof![text.boxed(), Just("true".to_owned()).boxed()], 0..3)
        .prop_map(|items| format!("[{}]", items.join(", ")));
    let lines = prop::collection::vec((text, value()), 0..3).prop_map(|items| {
        let items = items.into_iter().map(|(text, value)| format!("{{\"a\":{text},\"s\":{value},\"b\":[[null],[]]}}"));
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    });
    let needed = (
        field("a", text.boxed()),
        field("d", inner.boxed()),
        field("c", (-5..1000_i32).prop_map(|number: i32| number.to_string()).boxed()),
    );
    let others = prop::collection::vec(
        prop_oneof![
            field("b", text.boxed()),
            field("e", text.boxed()),
            field("f", Just("\"2026-01-31\"".to_owned()).boxed()),
            field("l", list.boxed()),
            field("m", lines.boxed()),
            field("o", value().boxed()),
            field("x", value().boxed()),
            field("y", value().boxed()),
        ],
        0..4,
    );
    (needed, others)
        .prop_map(|((a, d, c), others)| format!("{{{a},{d},{c}{}}}", others.iter().map(|other| format!(",{other}")).collect::<String>()))
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => record(),
        3 => value(),
        1 => (record(), record()).prop_map(|(left, right)| format!("{left}{right}")),
        1 => (record(), any::<prop::sample::Index>()).prop_map(|(record, at)| record.chars().take(at.index(record.len())).collect()),
        1 => prop::sample::select(vec!["", " ", "\r", "{}", "{", "[]", "{\"a\":1,}", "{,}", "[1,]", "{\"a\"}", "{\"a\":}", "\u{feff}{}"]).prop_map(str::to_owned),
        1 => (60_usize..70).prop_map(|depth| format!("{{\"o\":{}{}}}", "[".repeat(depth), "]".repeat(depth))),
        1 => (510_usize..515).prop_map(|length| format!("{{\"q\":{}}}", "1".repeat(length))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_read_as_by_the_oracle(lines in prop::collection::vec(line(), 0..6), break_at in any::<Option<prop::sample::Index>>()) {
        let mut text = lines.join("\n").into_bytes();
        if let (Some(at), false) = (break_at.filter(|at| at.index(4) == 0), text.is_empty()) {
            let at = at.index(text.len());
            text[at] = 0xff;
        }
        for case in cases() {
            let request = case.request();
            let plan = FieldPlan::compile(request.clone()).unwrap();
            prop_assert_eq!(agree_on_lines(&plan, &Oracle::new(&request), &text), Ok(()), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn pages_are_read_as_by_the_oracle(
        lines in prop::collection::vec(line(), 0..4),
        frame in prop::sample::select(vec!["@", "{\"data\":@}", "{\"x\":[1,{\"data\":@}]}", "{\"data\":@,\"data\":1}", "{\"data\":@,\"n\":[{}]", "[@]\n"]),
        pointer in prop::sample::select(vec!["", "/data", "/x/1/data", "/x/01/data", "/none", "/data/0", "data", "/a~2"]),
        constant in prop::option::of((prop::sample::select(vec!["a", "b", "c", "d", "y"]), scalar())),
        observe in prop::collection::vec(prop::sample::select(vec!["a", "c", "d.a", "b", "l", "q"]), 0..2),
    ) {
        let body = frame.replace('@', &format!("[ {} ]", lines.join(",\n")));
        let constants: Vec<(String, String)> = constant.into_iter().map(|(path, json)| (path.to_owned(), json)).collect();
        let observe: Vec<String> = observe.into_iter().map(str::to_owned).collect();
        for case in cases() {
            let request = case.request();
            let plan = FieldPlan::compile(request.clone()).unwrap();
            let agreed = agree_on_page(&plan, &Oracle::new(&request), body.as_bytes(), pointer, &constants, &observe);
            prop_assert_eq!(agreed, Ok(()), "{} {} {:?}", body, pointer, constants);
        }
    }
}
