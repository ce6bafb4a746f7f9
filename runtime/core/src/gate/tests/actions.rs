//! Treatments and joins inside records: where they stand, what becomes of values that do not fit, and that no message says a value.

use super::*;

#[test]
fn values_that_do_not_fit_are_invalid() {
    let setup = Setup::new(scalars("a b"), "a=month b=tens").skipping();
    setup.check(
        "{\"a\":\"2026-08-14\",\"b\":-1.5e1}\n{\"a\":\"today\"}\n{\"b\":\"x\"}\n{\"a\":null,\"b\":null}\n{\"a\":7}\n",
        "{\"a\":\"2026-08\",\"b\":-20}\n{\"a\":null,\"b\":null}\n- HUB-E220 3\n",
    );
    let net = Setup::new(scalars("ip"), "ip=net");
    net.check("{\"ip\":\"\\u0031.2.3.4\"}", "{\"ip\":\"1.2.3.0/24\"}\n");
    net.check("{\"ip\":\"planted\"}", "! HUB-E220: record 0: `ip`: expected an IP address, found string\n");
    net.check_page(
        "[{}]",
        "",
        &[("ip", "\"planted\"")],
        &[],
        "! HUB-E220: record 0: `ip`: expected an IP address, found a constant that is none\n",
    );
}

#[test]
fn fields_become_one() {
    let setup = Setup::new(scalars("a b c"), "a+c>n b");
    setup.check("{\"a\":\"x\",\"b\":1,\"c\":\"y\"}", "{\"b\":1,\"n\":\"x, y\"}\n");
    setup.check("{\"c\":2.50,\"b\":1,\"a\":true}", "{\"b\":1,\"n\":\"true, 2.50\"}\n");
    setup.check("{\"c\":\"y\"}", "{\"n\":\"y\"}\n");
    setup.check("{\"a\":null,\"c\":\"y\"}", "{\"n\":\"y\"}\n");
    setup.check("{\"a\":null}", "{\"n\":null}\n");
    setup.check("{\"a\":\"\",\"c\":\"\"}", "{\"n\":\", \"}\n");
    setup.check("{\"b\":1}\n{\"a\":\"x\"}\n{}", "{\"b\":1}\n{\"n\":\"x\"}\n{}\n");
    setup.check("{\"a\":\"\\ud83d\\ude00\\n\\\"\",\"c\":\"\\u0041\"}", "{\"n\":\"😀\\u000a\\\", A\"}\n");
    setup.check("{\"a\":\"x\",\"a\":\"y\"}", "! HUB-E219: record 0: the field `a` stands twice in one object\n");
    setup.check("{\"a\":[1]}", "! HUB-E220: record 0: `a`: expected string or number or boolean or null, found array\n");
}

#[test]
fn fields_become_one_in_every_object() {
    let schema = record(json!({
        "o": {"type": "object", "properties": {"x": {}, "y": {}, "p": {"type": "object", "properties": {"x": {}, "y": {}}}}},
        "l": {"type": "array", "items": {"type": "object", "required": ["x"], "properties": {"x": {}, "y": {}, "z": {}}}},
        "x": {}, "y": {}}));
    let setup = Setup::new(schema, "o.x+o.y>q.n o.p.x+o.p.y>q.p.m l.y+l.x>l.n l.z x+y>n").skipping();
    setup.check(
        r#"{"x":1,"o":{"x":2,"p":{"y":3,"x":4},"y":5},"l":[{"x":6,"z":0},{"y":7,"x":8}],"y":9}"#,
        "{\"q\":{\"p\":{\"m\":\"4, 3\"},\"n\":\"2, 5\"},\"l\":[{\"z\":0,\"n\":\"6\"},{\"n\":\"7, 8\"}],\"n\":\"1, 9\"}\n",
    );
    // A record that fails inside an object leaves nothing for the next one.
    setup.check(
        "{\"x\":1,\"o\":{\"x\":2,\"p\":{\"x\":3,]\n{\"y\":4,\"o\":{}}\n{\"x\":1,\"l\":[{\"y\":1}]}",
        "{\"q\":{},\"n\":\"4\"}\n- HUB-E219 1\n- HUB-E220 1\n",
    );
}

#[test]
fn what_a_page_adds_is_joined_too() {
    let setup = Setup::new(scalars("a b"), "a+b>n");
    setup.check_page("[{\"b\":1},{\"a\":2}]", "", &[("a", "\"p\"")], &[], "{\"n\":\"p, 1\"}\n{\"n\":\"p\"}\n= 2\n");
}

#[test]
fn long_texts_are_treated() {
    let long = "ä".repeat(1 << 19);
    let setup = Setup::new(scalars("a b c"), "a=hide b+c>n");
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    let line = format!("{{\"a\":\"{long}\",\"b\":\"{long}\",\"c\":\"{long}\"}}");
    setup.plan().unwrap().scan_lines(line.as_bytes(), &mut out, &mut report).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(&format!("\"n\":\"{long}, {long}\"")) && text.len() == 4 * (1 << 19) + r#"{"a":"","n":", "}"#.len() + 26 + 1);
}
