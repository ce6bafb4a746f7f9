//! Templates by hand: what they give, what they cost, what they read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::sync::Arc;

use hub_lowcode::template::{ErrorKind, Mapping, Nested, RequestInput, Scope, Step, Template, Types, Use};
use hub_lowcode::value::{Dict, Value};

const NOW: i64 = 1_750_000_000_123_456;

fn scope(json: &str) -> Scope {
    let variables = Value::from_json(json.as_bytes()).unwrap();
    variables.as_dict().unwrap().iter().fold(Scope::new(NOW), |scope, (name, value)| scope.with(name.to_string(), value.clone()))
}

fn evaluated(text: &str, json: &str) -> String {
    match Template::parse(text).unwrap().evaluate(&scope(json)) {
        Ok(value) => format!("{} {}", value.type_name(), value.python_repr()),
        Err(error) => format!("{:?}", error.kind),
    }
}

#[test]
fn texts_become_python_literals() {
    for (text, expected) in [
        ("123", "int 123"),
        ("1_000", "int 1000"),
        ("1e5", "float 100000.0"),
        ("0x1F", "int 31"),
        ("007", "str '007'"),
        ("1,2", "tuple (1, 2)"),
        ("true", "str 'true'"),
        ("True", "bool True"),
        ("None", "NoneType None"),
        ("'x'", "str 'x'"),
        ("'a' \"b\"", "str 'ab'"),
        ("r'a\\n'", "str 'a\\\\n'"),
        ("{'a': [1, (2,)]}", "dict {'a': [1, (2,)]}"),
        ("{\"a\": true}", "str '{\"a\": true}'"),
        ("2024-01-01", "str '2024-01-01'"),
        ("1+2j", "str '1+2j'"),
        ("-(1)", "int -1"),
        ("\n 1", "str '\\n 1'"),
        ("1\n", "int 1"),
        ("{[1]: 2}", "str '{[1]: 2}'"),
        ("170141183460469231731687303715884105728", "int 170141183460469231731687303715884105728"),
    ] {
        assert_eq!(evaluated(text, "{}"), expected, "{text:?}");
    }
}

#[test]
fn what_is_missing_is_empty_once_and_an_error_below() {
    assert_eq!(evaluated("{{ config.a }}", r#"{"config":{}}"#), "str ''");
    assert_eq!(evaluated("{{ config.a.b }}", r#"{"config":{}}"#), "Undefined");
    assert_eq!(evaluated("{{ nobody }}", r#"{"config":{}}"#), "Value");
    assert_eq!(evaluated("x{{ none }}", "{}"), "str 'xNone'");
    assert_eq!(evaluated("{{ stream_state.a }}", "{}"), "Unsupported");
    assert_eq!(evaluated("{{ config }}", r#"{"config":{},"stream_interval":1}"#), "Value");
    // A TypeError leaves the text as it is.
    assert_eq!(evaluated("{{ config.a + 1 }}", r#"{"config":{"a":null}}"#), "str '{{ config.a + 1 }}'");
    // A default text takes over.
    let template = Template::parse("{{ config.a.b }}").unwrap();
    let default = Template::parse("5").unwrap();
    let scope = scope(r#"{"config":{}}"#);
    assert_eq!(template.evaluate_with(&scope, Some(&default), Types::ANY).unwrap(), Value::Int(5));
    assert_eq!(template.evaluate_with(&scope, Some(&default), Types::STR).unwrap(), Value::str("5"));
    assert_eq!(template.evaluate_with(&scope, None, Types::STR).unwrap(), Value::None);
}

#[test]
fn booleans_are_the_references() {
    let truth = |text: &str, json: &str| Template::parse(text).unwrap().evaluate_boolean(&scope(json)).unwrap();
    for text in ["", "{{ '' }}", "False", "false", "0", "{{ [] }}", "{{ config.a.b }}", "{{ config.a }}", "{{ '[]' }}", "{{ none }}"] {
        assert!(!truth(text, r#"{"config":{}}"#), "{text}");
    }
    for text in ["x", "1", "{{ 'true' }}", "{{ [0] }}", "{{ 'a' in config.n }}"] {
        assert!(truth(text, r#"{"config":{"n":null}}"#), "{text}");
    }
}

#[test]
fn dates_are_reckoned() {
    assert_eq!(evaluated("{{ (now_utc() - duration('P1D')).strftime('%Y-%m-%dT%H:%M:%SZ') }}", "{}"), "str '2025-06-14T15:06:40Z'");
    assert_eq!(evaluated("{{ now_utc() - duration('P1M') }}", "{}"), "str '2025-05-15 15:06:40.123456+00:00'");
    assert_eq!(evaluated("{{ today_utc() }}", "{}"), "str '2025-06-15'");
    assert_eq!(evaluated("{{ today_with_timezone('Pacific/Kiritimati') }}", "{}"), "str '2025-06-16'");
    assert_eq!(evaluated("{{ format_datetime('2024-01-31T10:20:30Z', '%s') }}", "{}"), "int 1706696430");
    assert_eq!(evaluated("{{ day_delta(-1, '%Y-%m-%d') }}", "{}"), "str '2025-06-14'");
}

#[test]
fn hostile_templates_end_with_an_error() {
    let json = r#"{"config":{"s":"ab"}}"#;
    for text in [
        "{{ 'a' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{{ 9**9**9 }}",
        "{{ 10**1000 }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ 'a'|center(10**9) }}",
        "{{ 'a'|indent(10**9) }}",
        "{{ '%1000000000d' % 5 * 1000 }}",
        "{{ '{:>100000}'.format('x') * 1000 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = 'a' * 1000 %}{% for i in x %}{% for j in x %}{% for k in x %}{{ k }}{% endfor %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set l = [1] %}{% for i in 'a' * 40 %}{% set _ = l.extend(l) %}{% endfor %}",
        "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
        "{{ ('a' * 100000)|regex_replace('a', 'b' * 100000) }}",
        "{{ 'a'|regex_search('(((((a{1000}){1000}){1000}){1000}){1000})') }}",
        "{{ (('x' * 100000)|list)|join('y' * 100000) }}",
    ] {
        let template = Template::parse(text).unwrap();
        let error = template.evaluate(&scope(json)).expect_err(text);
        assert!(matches!(error.kind, ErrorKind::Limit | ErrorKind::Value), "{text}: {error:?}");
    }
    for text in [
        "(".repeat(1000),
        "[".repeat(1000),
        "{{ ".to_owned() + &"(".repeat(1000),
        "{{ ".to_owned() + &"-".repeat(1000) + "1 }}",
        "{{ 1".to_owned() + &"+1".repeat(1000) + " }}",
        "{% if 1 %}".repeat(1000),
        "{{ a".to_owned() + &".b".repeat(1000) + " }}",
        "{{ a".to_owned() + &"|lower".repeat(1000) + " }}",
        "{{ ".to_owned() + &"not ".repeat(1000) + "1 }}",
        "{{ ".to_owned() + &"[".repeat(1000),
    ] {
        if let Ok(template) = Template::parse(&text) {
            assert!(template.evaluate(&scope(json)).is_ok(), "only texts stay");
        }
    }
    // Literals that are nested deep, or that would be read again and again.
    for text in ["[".repeat(100_000), "{1:".repeat(100_000), "{(".repeat(50_000), "-".repeat(100_000), "{[".repeat(100_000)] {
        assert_eq!(Template::parse(&format!("{text}x")).map(|template| template.is_constant()), Ok(true));
    }
}

#[test]
fn errors_hold_no_values() {
    let json = r#"{"config":{"secret":"hunter2"},"record":{"k":"hunter2"}}"#;
    for text in [
        "{{ config[record.k].x }}",
        "{{ config.secret.x.y }}",
        "{{ config.secret|base64decode }}",
        "{{ str_to_datetime(config.secret) }}",
        "{{ config.secret|int / 0 }}",
    ] {
        let error = Template::parse(text).unwrap().evaluate(&scope(json)).expect_err(text);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

fn used(text: &str) -> Vec<String> {
    let show = |step: &Step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Index(index) => format!("[{index}]"),
    };
    let line = |Use { root, steps, whole }: &Use| {
        format!("{root}{}{}", steps.iter().map(show).collect::<String>(), if *whole { " whole" } else { "" })
    };
    Template::parse(text).unwrap().uses().iter().map(line).collect()
}

#[test]
fn uses_are_exact() {
    let cases: [(&str, &[&str]); 16] = [
        ("plain", &[]),
        ("{{ response['meta']['next'] }}", &["response.meta.next"]),
        ("{{ response.data[-1].id }}", &["response.data[-1].id"]),
        ("{{ response.get('next', {}).get('url') }}", &["response.next.url"]),
        ("{{ response.get('next', config.x) }}", &["config.x", "response.next"]),
        ("{{ response|length }}", &["response whole"]),
        ("{{ response.items }}", &["response whole"]),
        ("{{ response.data|length > 0 }}", &["response.data whole"]),
        ("{{ response[config.key] }}", &["config.key", "response whole"]),
        ("{{ response.next is none }}", &["response.next"]),
        ("{{ response.a|default('x') }}", &["response.a"]),
        ("{{ 'a' in response.b }}", &["response.b whole"]),
        ("{{ record.date.split('T')[0] }}", &["record.date"]),
        ("{% set r = response.a %}{{ r.b }}", &["response.a whole"]),
        ("{% for x in response.list %}{{ x.y }}{{ loop.index }}{% endfor %}", &["response.list whole"]),
        ("{{ now_utc().strftime(config.format) }}", &["config.format"]),
    ];
    for (text, expected) in cases {
        assert_eq!(used(text), expected, "{text}");
    }
}

#[test]
fn slices_and_headers_have_their_own_ways() {
    let dict = |json: &str| Value::from_json(json.as_bytes()).unwrap();
    let attributes: Dict = [("extra_fields".into(), dict(r#"{"x":1}"#))].into_iter().collect();
    let scope = Scope::new(NOW)
        .with_attributes("stream_slice", dict(r#"{"id":5}"#), Arc::new(attributes))
        .with_any_case("headers", dict(r#"{"Retry-After":"7"}"#));
    let value = |text: &str| Template::parse(text).unwrap().evaluate(&scope).unwrap();
    assert_eq!(value("{{ stream_partition.id }}"), Value::Int(5));
    assert_eq!(value("{{ stream_interval.extra_fields.x }}"), Value::Int(1));
    assert_eq!(value("{{ headers['retry-after'] }}"), Value::Int(7));
    assert_eq!(value("{{ headers.get('RETRY-AFTER') }}"), Value::Int(7));
    assert_eq!(value("{{ 'retry-after' in headers }}"), Value::Bool(true));
}

#[test]
fn trees_leave_out_what_is_none() {
    let scope = scope(r#"{"config":{"a":1,"n":null},"next_page_token":null}"#);
    let tree =
        Value::from_json(br#"{"{{ config.a }}":"{{ config.n }}","b":["{{ config.a }}",null,5],"c":{"d":"{{ config.missing }}"}}"#).unwrap();
    assert_eq!(Nested::parse(&tree).unwrap().evaluate(&scope).unwrap().python_repr(), "{'b': [1, None, 5], 'c': {}}");
    let flat = Value::from_json(br#"{"x":"{{ config.n }}","y":"{{ config.a }}","z":3}"#).unwrap();
    let mapping = Mapping::parse(flat.as_dict().unwrap()).unwrap();
    assert_eq!(Value::dict(mapping.evaluate(&scope, Types::STR, Types::ANY).unwrap()).python_repr(), "{'x': None, 'y': 1, 'z': 3}");
    let input = RequestInput::parse(&flat).unwrap();
    assert_eq!(input.evaluate(&scope, Types::STR, Types::STR.or(Types::LIST)).unwrap().python_repr(), "{'x': 'None', 'y': '1', 'z': 3}");
}
