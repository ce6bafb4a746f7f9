//! Records out of pages.

use super::*;

fn setup() -> Setup {
    Setup::new(
        record(json!({"id": {"type": "integer"}, "name": {"type": "string", "x-hub-category": "user.name"}, "at": {"type": "string"},
            "parent": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}, "in": {"type": "object", "properties": {"x": {"type": "integer"}}}})),
        "id name parent>owner",
    )
}

#[test]
fn records_are_found_under_a_pointer() {
    let rows = "[ {\"id\":1,\n\"name\":\"a\"} , {\"id\":2,\"s\":1} ]";
    let out = "{\"id\":1,\"name\":\"a\"}\n{\"id\":2}\n? s 1\n= 2\n";
    setup().check_page(rows, "", &[], &[], out);
    setup().check_page(
        &format!("{{\"next\":[1,{{\"x\":null}}],\"data\":{{\"a/b~c\":{rows}}},\"end\":true}} "),
        "/data/a~1b~0c",
        &[],
        &[],
        out,
    );
    setup().check_page(&format!("[0,[{rows}],0]"), "/1/0", &[], &[], out);
    setup().check_page(&format!("{{\"d\\u0061ta\":{rows}}}"), "/data", &[], &[], out);
    setup().check_page("{\"id\":7}", "", &[], &[], "{\"id\":7}\n= 1\n");
    for pointer in ["/none", "/rows/9", "/rows/00", "/rows/-1", "/rows/0/id/x", "/null", "/empty"] {
        setup().check_page("{\"rows\":[{\"id\":1}],\"null\":null,\"empty\":[]}", pointer, &[], &[], "= 0\n");
    }
}

#[test]
fn the_whole_page_must_be_json() {
    let check = |body: &str, pointer: &str, record: u64, message: &str| {
        setup().skipping().check_page(body, pointer, &[], &[], &format!("! HUB-E219: record {record}: {message}\n"));
    };
    check("{\"data\":[{\"id\":1}]", "/data", 1, "the JSON text ends too early");
    check("{\"data\":[{\"id\":1}],\"x\":01}", "/data", 1, "a number is not written as JSON numbers are");
    check("[{\"id\":1}] x", "", 1, "a page is one JSON text and nothing else");
    check("[{\"id\":1},]", "", 2, "a value is neither object, array, string, number, true, false nor null");
    check("[{\"id\":1}{\"id\":2}]", "", 1, "a comma or a closing bracket is missing");
    check("{\"data\":[],\"data\":[{\"id\":1}]}", "/data", 0, "a name on the pointer's way stands twice");
    check("{\"data\":7}", "/data", 0, "the pointer leads to a scalar, not to records");
    check("[]", "data", 0, "the pointer is not one of RFC 6901");
    check("[]", "/a~2", 0, "the pointer is not one of RFC 6901");
    check("", "", 0, "the JSON text ends too early");
    let (mut out, mut report) = (b"before".to_vec(), ScanReport::default());
    setup().plan().unwrap().scan_page(b"[\"\xff\"]", "", &[], &[], &mut out, &mut report).unwrap_err();
    setup().plan().unwrap().scan_page(b"[{\"id\":1},{\"id\":null}]", "", &[], &[], &mut out, &mut report).unwrap_err();
    assert!(out == b"before" && report == ScanReport::default());
}

#[test]
fn single_records_are_left_out_where_the_page_goes_on() {
    let body = "[{\"id\":1},{\"id\":\"x\",\"name\":{\"a\":[1]}},{\"id\":1,\"id\":2},7,[{}],{\"id\":3}]";
    setup().skipping().check_page(body, "", &[], &["id"], "{\"id\":1}\n{\"id\":3}\n- HUB-E219 3\n- HUB-E220 1\n= 6\n@ id 1 3 1 3\n");
    setup().check_page(body, "", &[], &[], "! HUB-E220: record 1: `id`: expected integer, found string\n");
}

#[test]
fn constants_are_added_under_the_same_rules() {
    let body = "[{\"id\":1},{\"id\":2,\"parent\":9,\"parent\":8}]";
    let check = |constants: &[(&str, &str)], expected: &str| setup().check_page(body, "", constants, &[], expected);
    check(&[("parent", " 5")], "{\"owner\":5,\"id\":1}\n{\"owner\":5,\"id\":2}\n= 2\n");
    check(
        &[("name", "\"x\""), ("at", "\"declared, not planned\""), ("parent", "5")],
        "{\"name\":\"x\",\"owner\":5,\"id\":1}\n{\"name\":\"x\",\"owner\":5,\"id\":2}\n= 2\n",
    );
    let top = |path: &str| format!("! HUB-E201: record 0: `{path}` cannot be added: nothing declares it at the top of a record\n");
    check(&[("ssn", "1")], &top("ssn"));
    check(&[("in.x", "1")], &top("in.x"));
    check(
        &[("tags", "1")],
        "! HUB-E220: record 0: `tags`: expected a declared scalar, since a page adds nothing else, found an object or array\n",
    );
    check(&[("parent", "\"x\"")], "! HUB-E220: record 0: `parent`: expected integer, found a constant that its schema does not permit\n");
    check(&[("parent", "[1]")], "! HUB-E219: record 0: a page adds scalars only\n");
    check(&[("parent", "1,\"ssn\":2")], "! HUB-E219: record 0: a constant is one JSON scalar and nothing else\n");
    check(&[("parent", "1"), ("parent", "1")], "! HUB-E219: record 0: the field `parent` stands twice in one object\n");
    check(&[("parent", "1"); 33], "! HUB-E219: record 0: a page adds more than 32 fields\n");
    setup().key("parent").cursor("parent").check_page(
        "[{},{}]",
        "",
        &[("parent", "5")],
        &[],
        "{\"owner\":5}\n{\"owner\":5}\n^ parent 5 5 5 5\n= 2\n",
    );
}

#[test]
fn only_what_is_not_personal_is_observed() {
    let body = "{\"rows\":[{\"id\":2,\"at\":\"b\",\"in\":{\"x\":1}},{\"id\":3,\"at\":\"a\"},{\"id\":1}]}";
    let check = |observe: &[&str], expected: &str| setup().check_page(body, "/rows", &[], observe, expected);
    check(
        &["at", "id", "in.x", "parent"],
        "{\"id\":2}\n{\"id\":3}\n{\"id\":1}\n= 3\n@ at \"b\" \"a\" \"a\" \"b\"\n@ id 2 1 1 3\n@ in.x 1 1 1 1\n@ parent - - - -\n",
    );
    check(&["name"], "! HUB-E201: record 0: `name` cannot be observed: it may be personal\n");
    check(&["ssn"], "! HUB-E201: record 0: `ssn` cannot be observed: nothing declares it\n");
    check(&["in"], "! HUB-E201: record 0: `in` cannot be observed: nothing declares it\n");
    check(&["tags"], "! HUB-E201: record 0: `tags` cannot be observed: it has no single value\n");
    check(&["id"; 17], "! HUB-E219: record 0: more than 16 fields are to be observed\n");
    let plan = setup().plan().unwrap();
    let observable = ["at", "id", "in.x", "parent", "name", "ssn", "in", "tags"].map(|field| plan.is_observable(field));
    assert_eq!(observable, [true, true, true, true, false, false, false, false]);
    setup().check_page("[{\"id\":1,\"at\":{\"x\":1}}]", "", &[], &["at"], "{\"id\":1}\n? at.x 1\n= 1\n@ at - - - -\n");
}
