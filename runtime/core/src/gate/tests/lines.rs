//! NDJSON: projection, undeclared fields, duplicates, faults of single lines, keys and cursors.

use super::*;

fn nested() -> Value {
    record(json!({
        "id": {"type": "integer"}, "name": {"type": ["string", "null"], "x-hub-category": "user.name"},
        "address": {"type": ["object", "null"], "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"product": {"type": "string"}, "price": {"type": "number"}}}},
        "meta": {"type": "object", "x-hub-category": "system.operations"}}))
}

#[test]
fn what_is_planned_passes_as_written() {
    let all = Setup::new(nested(), "id name address tags lines meta");
    for line in [
        r#"{"id":1,"name":"Ada","address":{"city":"X","zip":"1"},"tags":["a","b"],"lines":[{"product":"p","price":54803.70}],"meta":{"a":[1,{"b":null}]}}"#,
        r#"{"name":"\u00e4\"\\ \/ 😀","id":-0,"address":null}"#,
        r#"{"address":{},"lines":[{},{}],"tags":[],"meta":{}}"#,
        "{}",
    ] {
        all.check(line, &format!("{line}\n"));
    }
    all.check(
        " { \"id\" : 1 , \"tags\" : [ \"a\" , \"b\" ] ,\t\"meta\" : { \"a b\" : [ 1 , \" \\\" \" ] } } \r\n",
        "{\"id\":1,\"tags\":[\"a\",\"b\"],\"meta\":{\"a b\":[1,\" \\\" \"]}}\n",
    );
    all.check("{\"id\":1}\n\n \r\n{\"id\":2}\r\n{\"id\":3}", "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
    all.check("", "");
    all.check(r#"{"\u0069d":1,"n\u0061me":"x"}"#, "{\"id\":1,\"name\":\"x\"}\n");
}

#[test]
fn only_what_is_planned_passes() {
    let line = r#"{"id":1,"name":"Ada","address":{"zip":"1","city":"X"},"tags":["a"],"lines":[{"price":1,"product":"p"},{"product":"q"}],"meta":{}}"#;
    Setup::new(nested(), "").check(line, "{}\n");
    Setup::new(nested(), "name lines.product").check(line, "{\"name\":\"Ada\",\"lines\":[{\"product\":\"p\"},{\"product\":\"q\"}]}\n");
    Setup::new(nested(), "id>number address.city>place.town tags>words")
        .check(line, "{\"number\":1,\"place\":{\"town\":\"X\"},\"words\":[\"a\"]}\n");
    Setup::new(nested(), "id>name name>id").check(line, "{\"name\":1,\"id\":\"Ada\"}\n");
    Setup::new(nested(), "address>place=mask").check(line, "{\"place\":{\"zip\":\"*\",\"city\":\"*\"}}\n");
}

#[test]
fn values_are_treated_on_their_way() {
    let line = r#"{"id":1234,"name":"M\u00fcller","address":{"zip":"30159"},"tags":["abc","d"]}"#;
    Setup::new(nested(), "id=mask name=mask address.zip=cut tags=cut")
        .check(line, "{\"id\":\"1**4\",\"name\":\"M****r\",\"address\":{\"zip\":\"30\"},\"tags\":[\"ab\",\"d\"]}\n");
    Setup::new(nested(), "id=null name=\"x\" meta={}")
        .check(r#"{"id":1,"name":null,"meta":{"a":1}}"#, "{\"id\":null,\"name\":\"x\",\"meta\":{}}\n");
    Setup::new(nested(), "name=hash").check(r#"{"name":null}"#, "{\"name\":null}\n");
    let mut treated = Vec::new();
    DomainKey::new(b"0123456789abcdef")
        .map(Treatment::Pseudonymise)
        .unwrap()
        .for_category("user.name")
        .apply("", Some("Ada"), &mut treated)
        .unwrap();
    let token = String::from_utf8(treated).unwrap();
    Setup::new(nested(), "name=hide").check("{\"name\":\"\\u0041da\"}", &format!("{{\"name\":{token}}}\n"));
}

#[test]
fn undeclared_fields_are_dropped_and_counted_by_path() {
    let setup = Setup::new(nested(), "id address.city lines.product");
    setup.check("{\"id\":1,\"ssn\":\"x\",\"SSN\":{\"deep\":[1]}}\n{\"ssn\":null,\"id\":2}", "{\"id\":1}\n{\"id\":2}\n? SSN 1\n? ssn 2\n");
    setup.check(r#"{"address":{"city":"X","ssn":1},"name":{"ssn":1}}"#, "{\"address\":{\"city\":\"X\"}}\n? address.ssn 1\n? name.ssn 1\n");
    setup.check(r#"{"lines":[{"product":"p","ssn":1},{"ssn":2}]}"#, "{\"lines\":[{\"product\":\"p\"},{}]}\n? lines.ssn 2\n");
    setup.check(r#"{"tags":["a",{"ssn":1},[{"ssn":2}]]}"#, "{}\n? tags.ssn 2\n");
    setup.check(r#"{"meta":{"any":1},"ss\u006e":1,"ssn":2,"s\u0001":3}"#, "{}\n? (unusual name) 1\n? ssn 2\n");
    Setup::new(nested(), "id").check(r#"{"address":[{"ssn":1}],"lines":{"x":1},"id":1}"#, "{\"id\":1}\n? address.ssn 1\n? lines.x 1\n");
    let stops = Setup::new(nested(), "id").stopping_at_undeclared().skipping();
    stops.check(r#"{"id":1,"name":"declared, not planned"}"#, "{\"id\":1}\n");
    stops.check(
        "{\"id\":1}\n{\"id\":2,\"tags\":[{\"ssn\":1}]}",
        "! HUB-E201: record 1: nothing declares the field `tags.ssn`, and the flow stops at undeclared fields\n",
    );
    stops.check("{\"id\":true,\"ssn\":1}", "- HUB-E220 1\n");
}

#[test]
fn repeated_names_are_refused() {
    let twice = |path: &str| format!("! HUB-E219: record 0: the field `{path}` stands twice in one object\n");
    let setup = Setup::new(nested(), "id address");
    setup.check(r#"{"id":1,"id":1}"#, &twice("id"));
    setup.check(r#"{"id":1,"\u0069\u0064":2}"#, &twice("id"));
    setup.check(r#"{"name":"declared, not planned","name":""}"#, &twice("name"));
    setup.check(r#"{"address":{"zip":"1","city":"2","zip":"3"}}"#, &twice("address.zip"));
    setup.check(r#"{"lines":[{"price":1,"price":1}]}"#, &twice("lines.price"));
    setup.check(r#"{"x":1,"x":2,"y":{"z":1,"z":1}}"#, "{}\n? x 2\n? y 1\n");
}

#[test]
fn broken_lines_end_the_batch_or_are_left_out() {
    let setup = Setup::new(scalars("a b"), "a b");
    let faults = [
        ("{\"a\":1}{\"a\":2}", "a line holds one JSON object and nothing else"),
        ("[1]", "a record is one JSON object"),
        ("{\"a\":1,}", "a name in quotes is missing"),
        ("{,}", "a name in quotes is missing"),
        ("{\"a\" 1}", "a colon is missing after a name"),
        ("{\"a\":1 \"b\":2}", "a comma or a closing bracket is missing"),
        ("{\"a\":", "the JSON text ends too early"),
        ("{\"a\":\"x", "a string has no end"),
        ("{\"a\":\"\t\"}", "a string holds a control character"),
        ("{\"a\":\"\\x\"}", "a string holds an escape that JSON does not know"),
        ("{\"a\":\"\\u12g4\"}", "a string holds an escape that JSON does not know"),
        ("{\"a\":\"\\ud800\"}", "a string holds half of a surrogate pair"),
        ("{\"a\":\"\\udc00\\ud800\"}", "a string holds half of a surrogate pair"),
        ("{\"a\":01}", "a number is not written as JSON numbers are"),
        ("{\"a\":1.}", "a number is not written as JSON numbers are"),
        ("{\"a\":-}", "a number is not written as JSON numbers are"),
        ("{\"a\":1e+}", "a number is not written as JSON numbers are"),
        ("{\"a\":NaN}", "a value is neither object, array, string, number, true, false nor null"),
        ("{\"a\":nul}", "a value is neither object, array, string, number, true, false nor null"),
        ("\u{feff}{}", "a value is neither object, array, string, number, true, false nor null"),
        ("{\"x\":[1,]}", "a value is neither object, array, string, number, true, false nor null"),
        ("{\"x\":{\"a\":1]}", "a comma or a closing bracket is missing"),
    ];
    for (line, message) in faults {
        setup.check(&format!("{{}}\n\n{line}\n{{}}"), &format!("! HUB-E219: record 1: {message}\n"));
        Setup::new(scalars("a b"), "a b")
            .skipping()
            .check(&format!("{{\"a\":1}}\n{line}\n{{\"b\":2}}"), "{\"a\":1}\n{\"b\":2}\n- HUB-E219 1\n");
    }
    setup.check_bytes(b"{}\n{\"a\":\"\xff\"}", "! HUB-E219: record 1: the text is not UTF-8\n");
    Setup::new(scalars("a b"), "a")
        .skipping()
        .check_bytes(b"{\"a\":1}\n\xc3\n{\"a\":\"\xc3\xa4\"}", "{\"a\":1}\n{\"a\":\"ä\"}\n- HUB-E219 1\n");
}

#[test]
fn a_record_that_is_left_out_leaves_nothing() {
    let setup = Setup::new(nested(), "id name address").skipping().cursor("id").key("id");
    setup.check(
        "{\"id\":1,\"ssn\":1}\n{\"ssn\":1,\"id\":9,\"address\":{\"city\":1}}\n{\"id\":2,\"name\":true}\n{\"name\":\"x\"}\n{\"id\":3,\"name\":true,\n{\"id\":4}",
        "{\"id\":1}\n{\"id\":4}\n^ id 1 4 1 4\n- HUB-E219 1\n- HUB-E220 3\n? ssn 1\n",
    );
}

#[test]
fn keys_must_be_there_and_tell_records_apart() {
    let missing =
        |path: &str| format!("! HUB-E220: record 0: `{path}`: expected a value, since it is part of the primary key, found none\n");
    let setup = Setup::new(nested(), "name").key("id address.zip");
    setup.check(r#"{"id":1}"#, &missing("address.zip"));
    setup.check(r#"{"id":1,"address":null}"#, &missing("address.zip"));
    setup.check(r#"{"address":{"zip":"1"}}"#, &missing("id"));
    setup.check(r#"{"id":null,"address":{"zip":"1"}}"#, "! HUB-E220: record 0: `id`: expected integer, found null\n");
    setup.check(r#"{"id":1,"address":{"zip":"1"}}"#, "{}\n");

    let mut report = ScanReport::default();
    let lines = [("1", "23"), ("12", "3"), ("1", "23"), ("1", "\\u00323")]
        .map(|(id, zip)| format!("{{\"id\":{id},\"address\":{{\"zip\":\"{zip}\"}}}}"));
    setup.plan().unwrap().scan_lines(lines.join("\n").as_bytes(), &mut Vec::new(), &mut report).unwrap();
    let keys = &report.keys;
    assert!(keys.len() == 4 && keys[0] != keys[1] && keys[0] == keys[2] && keys[0] == keys[3], "{keys:?}");
}

#[test]
fn the_cursor_is_followed() {
    let setup = Setup::new(scalars("at"), "").cursor("at");
    let values = |values: &[&str]| values.iter().map(|value| format!("{{\"at\":{value}}}\n")).collect::<String>();
    setup.check(
        &values(&["5", "1e1", "null", "9007199254740993", "9007199254740992.5", "2"]),
        "{}\n{}\n{}\n{}\n{}\n{}\n^ at 5 2 2 9007199254740993\n",
    );
    setup.check(&values(&["\"b\"", "\"\\u0061\"", "\"ba\"", "\"é\"", "\"b\""]), "{}\n{}\n{}\n{}\n{}\n^ at \"b\" \"b\" \"\\u0061\" \"é\"\n");
    setup.check(&values(&["\"1\"", "2", "true"]), "{}\n{}\n{}\n^ at \"1\" true true \"1\"\n");
    setup.check("{}", "{}\n^ at - - - -\n");
    let (plan, mut out, mut report) = (setup.plan().unwrap(), Vec::new(), ScanReport::default());
    for batch in [["3", "7"], ["5", "6"], ["1", "4"]] {
        plan.scan_lines(values(&batch).as_bytes(), &mut out, &mut report).unwrap();
    }
    assert_eq!(seen(report.cursor.as_ref().unwrap()), "at 3 4 1 7");
    assert_eq!(report.accepted, 6);
}

#[test]
fn wide_objects_have_bits_for_every_name() {
    let names: Vec<String> = (0..200).map(|at| format!("f{at:03}")).collect();
    let setup = Setup::new(scalars(&names.join(" ")), "f000 f063 f064 f199");
    let line: String = names.iter().rev().map(|name| format!("\"{name}\":1,")).collect();
    setup.check(&format!("{{{line}\"z\":1}}"), "{\"f199\":1,\"f064\":1,\"f063\":1,\"f000\":1}\n? z 1\n");
    setup.check(&format!("{{{line}\"f130\":1}}"), "! HUB-E219: record 0: the field `f130` stands twice in one object\n");
}
