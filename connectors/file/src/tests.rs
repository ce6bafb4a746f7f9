//! Files in and out, against the fake host's folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use hub_sdk::files::Compression;
use hub_sdk::testing::{FakeHost, Writer, check, read};
use hub_sdk::{Error, Mode, StreamRequest, Target};
use serde_json::json;

use super::{FileDestination, FileSource};

const NDJSON: &str = r#"{ "folder": "data" }"#;
const CSV: &str = r#"{ "folder": "data", "format": "csv" }"#;

fn host() -> FakeHost {
    let host = FakeHost::new();
    host.grant_folder("data");
    host
}

fn target(mode: Mode) -> Target {
    Target {
        index: 4,
        name: "contacts".into(),
        mode,
        primary_key: vec!["id".into()],
        fields: ["id", "name", "address"].map(hub_sdk::Field::text).to_vec(),
    }
}

fn open(config: &str, mode: Mode) -> Result<Writer<FileDestination>, Error> {
    Writer::open(config, vec![target(mode)])
}

fn text(host: &FakeHost, path: &str) -> String {
    String::from_utf8(host.file(path).unwrap()).unwrap()
}

#[test]
fn ndjson_passes_through_whatever_its_size() {
    let host = host();
    let lines: String = (0..40_000).map(|id| format!("{{\"id\":{id},\"text\":\"{}\"}}\n", "ä".repeat(id % 60))).collect();
    host.put_file("data/a.ndjson", Compression::None, lines.trim_end().as_bytes());
    assert_eq!(read::<FileSource>(NDJSON, vec![StreamRequest::new("a")]), Ok(40_000));
    assert!(host.batches(0).len() > 1);
    assert_eq!(host.batches(0).concat(), lines.as_bytes());
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_record() {
    let host = host();
    host.put_file("data/a.ndjson", Compression::None, b"\xEF\xBB\xBF{\"id\":1}\n");
    assert_eq!(read::<FileSource>(NDJSON, vec![StreamRequest::new("a")]), Ok(1));
    assert_eq!(host.batches(0).concat(), b"{\"id\":1}\n");
}

#[test]
fn a_limit_cuts_between_lines() {
    for (config, path, content) in
        [(NDJSON, "data/a.ndjson", "{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\"}\n"), (CSV, "data/a.csv", "id\n1\n2\n3\n")]
    {
        let host = host();
        host.put_file(path, Compression::None, content.as_bytes());
        assert_eq!(read::<FileSource>(config, vec![StreamRequest { limit: Some(2), ..StreamRequest::new("a") }]), Ok(2));
        assert_eq!(host.records(0), [json!({ "id": "1" }), json!({ "id": "2" })]);
        assert!(host.checkpoints(0).is_empty(), "the file was not read to its end");
    }
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let host = host();
    host.put_file("data/a.ndjson", Compression::None, b"{\"id\":1}\n");
    read::<FileSource>(NDJSON, vec![StreamRequest::new("a")]).unwrap();
    let state = host.checkpoints(0).pop();
    let again = StreamRequest { state, ..StreamRequest::new("a") };
    assert_eq!(read::<FileSource>(NDJSON, vec![again.clone()]), Ok(0));
    assert_eq!(read::<FileSource>(NDJSON, vec![StreamRequest { full_refresh: true, ..again.clone() }]), Ok(1));
    host.put_file("data/a.ndjson", Compression::None, b"{\"id\":1}\n{\"id\":2}\n");
    assert_eq!(read::<FileSource>(NDJSON, vec![again]), Ok(2));
}

#[test]
fn csv_becomes_objects_of_text() {
    let host = host();
    host.put_file(
        "data/a.csv.gz",
        Compression::Gzip,
        "\u{FEFF}id;name;note\n7;Müller;\"sagt \"\"Moin\"\";\nzweimal\"\n8;;=1+1\n".as_bytes(),
    );
    let config = r#"{ "folder": "data/", "format": "csv", "delimiter": ";", "compression": "gzip" }"#;
    assert_eq!(read::<FileSource>(config, vec![StreamRequest::new("a")]), Ok(2));
    assert_eq!(
        host.records(0),
        [json!({ "id": "7", "name": "Müller", "note": "sagt \"Moin\";\nzweimal" }), json!({ "id": "8", "name": "", "note": "=1+1" })]
    );
}

#[test]
fn bad_csv_has_a_place_and_no_value() {
    let cases: [(&[u8], &str); 4] = [
        (b"id,name\n1,Anna,secret\n", "`data/a.csv` line 2: 3 values where the first line names 2; check delimiter and quotation marks"),
        (b"id,name\n1,\xFF\n", "`data/a.csv` line 2: a value is not UTF-8; save the file as UTF-8"),
        (b"id,id\n1,2\n", "configuration: `data/a.csv`: column 2 has no name of its own: the first line must name every column once"),
        (b"id,\n1,2\n", "configuration: `data/a.csv`: column 2 has no name of its own: the first line must name every column once"),
    ];
    for (content, message) in cases {
        let host = host();
        host.put_file("data/a.csv", Compression::None, content);
        assert_eq!(read::<FileSource>(CSV, vec![StreamRequest::new("a")]).unwrap_err().to_string(), message);
    }
}

#[test]
fn replacing_changes_nothing_before_the_end() {
    let host = host();
    host.put_file("data/contacts.ndjson", Compression::None, b"{\"id\":0}\n");
    let mut writer = open(NDJSON, Mode::Replace).unwrap();
    assert_eq!(writer.write(4, "{\"id\":1}\n{\"id\":2}\n").unwrap().written, 2);
    assert_eq!(writer.write(4, "{\"id\":3}").unwrap().written, 1);
    writer.flush(4).unwrap();
    assert_eq!(text(&host, "data/contacts.ndjson"), "{\"id\":0}\n");
    writer.finish(4).unwrap();
    assert_eq!(text(&host, "data/contacts.ndjson"), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
    assert!(writer.write(4, "{\"id\":4}\n").unwrap_err().to_string().contains("already finished"));
}

#[test]
fn the_same_batch_twice_is_written_once() {
    let host = host();
    let mut writer = open(NDJSON, Mode::Append).unwrap();
    let first = writer.write_as(4, "key", "{\"id\":1}\n").unwrap();
    assert_eq!(writer.write_as(4, "key", "{\"id\":1}\n").unwrap(), first);
    writer.flush(4).unwrap();
    assert_eq!(text(&host, "data/contacts.ndjson"), "{\"id\":1}\n");
}

#[test]
fn csv_has_one_header_however_often_it_is_appended_to() {
    let host = host();
    for id in 1..=2 {
        let mut writer = open(CSV, Mode::Append).unwrap();
        writer.write(4, &format!("{{\"id\":{id},\"name\":\"A, B\"}}\n")).unwrap();
        writer.finish(4).unwrap();
    }
    assert_eq!(text(&host, "data/contacts.csv"), "id,name,address\n1,\"A, B\",\n2,\"A, B\",\n");
}

#[test]
fn csv_values_are_flat_and_no_formulas() {
    let host = host();
    let mut writer = open(CSV, Mode::Replace).unwrap();
    let records = [
        r#"{"id":-5.50,"name":"=1+1","address":{"city":"Köln","tags":["a"]}}"#,
        r#"{"name":"+49 30 23125 001","id":54803.70,"address":null}"#,
        r#"{"id":true,"name":"\tx \"q\"","address":"@sum"}"#,
        r#"{"id":4,"name":"-","address":"a\nb"}"#,
    ];
    assert_eq!(writer.write(4, &records.join("\n")).unwrap().written, 4);
    writer.finish(4).unwrap();
    let wanted = concat!(
        "id,name,address\n",
        "-5.50,'=1+1,\"{\"\"city\"\":\"\"Köln\"\",\"\"tags\"\":[\"\"a\"\"]}\"\n",
        "54803.70,'+49 30 23125 001,\n",
        "true,\"'\tx \"\"q\"\"\",'@sum\n",
        "4,'-,\"a\nb\"\n",
    );
    assert_eq!(text(&host, "data/contacts.csv"), wanted);
}

#[test]
fn records_that_are_none_are_named_by_row() {
    let host = host();
    let mut writer = open(CSV, Mode::Replace).unwrap();
    let report = writer.write(4, "{\"id\":1}\n[2]\n{\"id\":3,\"other\":1}\n{\"id\":\n{\"id\":5}\n").unwrap();
    assert_eq!(report.written, 2);
    let failed: Vec<_> = report.failed.iter().map(|row| (row.row, row.code.as_str())).collect();
    assert_eq!(failed, [(1, "not-a-json-object"), (2, "unknown-field"), (3, "not-a-json-object")]);
    writer.finish(4).unwrap();
    assert_eq!(text(&host, "data/contacts.csv"), "id,name,address\n1,,\n5,,\n");
}

#[test]
fn wrong_configuration_has_a_message() {
    let host = host();
    assert!(open(NDJSON, Mode::Upsert).unwrap_err().to_string().contains("use the mode append or replace"));
    assert!(read::<FileSource>(NDJSON, vec![StreamRequest::new("../a")]).unwrap_err().to_string().contains("cannot be a file's name"));
    assert!(
        read::<FileSource>(NDJSON, vec![StreamRequest::new("a")]).unwrap_err().to_string().contains("there is no file `data/a.ndjson`")
    );
    assert!(check::<FileSource>(r#"{ "folder": "data", "delimiter": "ä" }"#).unwrap_err().to_string().contains("one ASCII character"));
    assert!(check::<FileSource>(r#"{ "folder": "data", "format": "xml" }"#).unwrap_err().to_string().contains("unknown variant `xml`"));
    assert_eq!(check::<FileSource>(r#"{ "folder": "elsewhere" }"#), Err(Error::Cancelled));
    assert_eq!(check::<FileSource>(NDJSON), Ok(()));
    assert!(host.batches(0).is_empty());
}
