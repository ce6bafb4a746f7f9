//! Files against the fake host's folder, read back by the crate's own reader; readers of others are the integration tests' matter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use bytes::Bytes;
use hub_sdk::files::Compression;
use hub_sdk::testing::{FakeHost, Writer};
use hub_sdk::{Error, Field, Kind, Mode, Target};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::ParquetDestination;
use crate::cell::{Cell, Form};
use crate::moment::{Fault, day, microseconds};
use crate::number::Decimal;

const CONFIG: &str = r#"{ "folder": "out", "columns": { "orders": { "total": { "decimal": 2 } } } }"#;
const WHOLE: &str = "out/orders.parquet";

fn host() -> FakeHost {
    let host = FakeHost::new();
    host.grant_folder("out");
    host
}

fn field(name: &str, kind: Kind) -> Field {
    Field { name: name.into(), kind, about: format!("system.operations, for {name}") }
}

fn target(mode: Mode) -> Target {
    let fields = vec![
        field("id", Kind::Integer),
        field("name", Kind::Text),
        field("weight", Kind::Number),
        field("total", Kind::Number),
        field("paid", Kind::Boolean),
        field("at", Kind::Timestamp),
        field("born", Kind::Date),
        field("lines", Kind::Json),
    ];
    Target { index: 2, name: "orders".into(), mode, primary_key: vec!["id".into()], fields }
}

fn open(mode: Mode) -> Result<Writer<ParquetDestination>, Error> {
    Writer::open(CONFIG, vec![target(mode)])
}

fn reader(host: &FakeHost, path: &str) -> SerializedFileReader<Bytes> {
    let bytes = host.file(path).unwrap_or_else(|| panic!("there is no {path}"));
    SerializedFileReader::new(Bytes::from(bytes)).unwrap()
}

fn rows(host: &FakeHost, path: &str) -> Vec<String> {
    reader(host, path).get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect()
}

fn ids(host: &FakeHost, path: &str) -> Vec<String> {
    rows(host, path).iter().map(|row| row.split(',').next().unwrap().replace("{id: ", "")).collect()
}

#[test]
fn values_have_the_types_of_their_fields() {
    let host = host();
    let mut writer = open(Mode::Replace).unwrap();
    let records = [
        r#"{"id":9007199254740993,"name":"M\u00fcller \"x\"","weight":0.1,"total":1234567890123456.70,"paid":true,"at":"2026-11-28T17:44:42.000005+01:00","born":"1951-02-28","lines":[{"a":1.10}]}"#,
        r#"{"id":-1,"name":12.50,"total":"-0.05","lines":"x"}"#,
    ];
    assert_eq!(writer.write(2, &records.join("\n")).unwrap().written, 2);
    writer.finish(2).unwrap();
    assert_eq!(
        rows(&host, WHOLE),
        [
            r#"{id: 9007199254740993, name: "Müller "x"", weight: 0.1, total: 1234567890123456.70, paid: true, at: 2026-11-28 16:44:42.000005 +00:00, born: 1951-02-28, lines: "[{"a":1.10}]"}"#,
            r#"{id: -1, name: "12.50", weight: null, total: -0.05, paid: null, at: null, born: null, lines: ""x""}"#,
        ]
    );
    let reader = reader(&host, WHOLE);
    let metadata = reader.metadata().file_metadata();
    let labels: Vec<(&str, &str)> = metadata
        .key_value_metadata()
        .unwrap()
        .iter()
        .map(|label| (label.key.as_str(), label.value.as_deref().unwrap_or_default()))
        .take(2)
        .collect();
    assert_eq!(labels, [("hub.stream", "orders"), ("hub.about.id", "system.operations, for id")]);
    assert_eq!(metadata.created_by(), Some(concat!("hub version ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn what_does_not_fit_is_named_by_row_and_stops_no_other() {
    let host = host();
    let mut writer = open(Mode::Replace).unwrap();
    let records = [
        r#"{"id":1}"#,
        r#"{"id":9223372036854775808}"#,
        r#"{"id":1.5}"#,
        r#"{"weight":12345678901234567890.5}"#,
        r#"{"weight":"heavy"}"#,
        r#"{"total":0.001}"#,
        r#"{"total":10000000000000000}"#,
        r#"{"paid":1}"#,
        r#"{"at":"2026-11-28 noon"}"#,
        r#"{"at":"2026-11-28T10:00:00.0000001Z"}"#,
        r#"{"born":"2026-02-30"}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"other":1}"#,
        "[1]",
        r#"{"id":2e0}"#,
        r#"{"id":"3","weight":"","total":"","at":"","born":"","paid":"true"}"#,
    ];
    let report = writer.write(2, &records.join("\n")).unwrap();
    let failed: Vec<_> = report.failed.iter().map(|row| (row.row, row.code.as_str())).collect();
    let wanted = [
        (1, "integer-too-large"),
        (2, "not-an-integer"),
        (3, "number-not-exact"),
        (4, "not-a-number"),
        (5, "decimal-not-exact"),
        (6, "decimal-too-large"),
        (7, "not-a-boolean"),
        (8, "not-a-timestamp"),
        (9, "timestamp-too-fine"),
        (10, "not-a-date"),
        (11, "not-unicode"),
        (12, "unknown-field"),
        (13, "not-a-json-object"),
    ];
    assert_eq!(failed, wanted);
    assert_eq!(report.written, 3);
    writer.finish(2).unwrap();
    assert_eq!(ids(&host, WHOLE), ["1", "2", "3"]);
    assert!(rows(&host, WHOLE)[2].ends_with(r#"weight: null, total: null, paid: true, at: null, born: null, lines: null}"#));
}

#[test]
fn numbers_are_kept_or_refused() {
    let double = |text: &str| Decimal::parse(text).and_then(|number| number.double());
    for (text, number) in
        [("0.1", 0.1), ("1.10", 1.1), ("1e3", 1000.0), ("-0", 0.0), ("5e-324", 5e-324), ("9007199254740992", 9_007_199_254_740_992.0)]
    {
        assert_eq!(double(text), Some(number), "{text}");
    }
    for text in
        ["9007199254740993", "0.1000000000000000000001", "1e400", "1e-400", "1.", ".5", "", "-", "+1", "0x1", "1e", "NaN", "1e99999999999"]
    {
        assert_eq!(double(text), None, "{text}");
    }
    let scaled = |text: &str, places| Decimal::parse(text).and_then(|number| number.scaled(places));
    let rows = [("12.50", 2, 1250), ("-0.05", 2, -5), ("7e-2", 2, 7), ("0", 18, 0), ("0.00", 0, 0), ("-9223372036854775808", 0, i64::MIN)];
    for (text, places, wanted) in rows {
        assert_eq!(scaled(text, places), Some(wanted), "{text}");
    }
    assert_eq!(scaled("12.505", 2), None);
    assert_eq!(scaled("1e2147483647", 0), None);
}

#[test]
fn moments_are_reckoned_to_utc() {
    let rows = [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5z", -500_000),
        ("2026-11-28T01:00:00+02:30", 1_795_818_600_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("2026-11-28 00:00:00.1234560-00:00", 1_795_824_000_123_456),
    ];
    for (text, wanted) in rows {
        assert_eq!(microseconds(text), Ok(wanted), "{text}");
    }
    for text in [
        "",
        "2026-11-28",
        "2026-11-28T10:00:00",
        "2026-11-28T10:00Z",
        "2026-11-28T24:00:00Z",
        "2026-11-28T10:00:00.Z",
        "2026-11-28T10:00:00+1:00",
        "2026-11-28Tä0:00:00Z",
        "+026-11-28T10:00:00Z",
    ] {
        assert_eq!(microseconds(text), Err(Fault::Unreadable), "{text}");
    }
    assert_eq!(microseconds("2026-11-28T10:00:00.1234561Z"), Err(Fault::TooFine));
    assert_eq!((day("1969-12-31"), day("2026-1-1"), day("2026-11-28T")), (Some(-1), None, None));
    assert_eq!(Form::Date.cell("\"1970-01-02\""), Ok(Cell::Day(1)));
}

#[test]
fn replacing_changes_nothing_before_the_end_and_an_empty_file_has_its_columns() {
    let host = host();
    host.put_file(WHOLE, Compression::None, b"old");
    let mut writer = open(Mode::Replace).unwrap();
    writer.write(2, r#"{"id":1}"#).unwrap();
    writer.flush(2).unwrap();
    assert_eq!(host.file(WHOLE).unwrap(), b"old");
    writer.finish(2).unwrap();
    assert_eq!(ids(&host, WHOLE), ["1"]);
    assert!(writer.write(2, r#"{"id":2}"#).unwrap_err().to_string().contains("`orders` was already finished"));
    open(Mode::Replace).unwrap().finish(2).unwrap();
    assert!(rows(&host, WHOLE).is_empty());
    assert_eq!(reader(&host, WHOLE).metadata().file_metadata().schema_descr().num_columns(), 8);
}

#[test]
fn each_checkpoint_with_records_adds_a_part() {
    let host = host();
    for run in 0..2 {
        let mut writer = open(Mode::Append).unwrap();
        writer.flush(2).unwrap();
        for id in [1, 2] {
            writer.write_as(2, &format!("key {id}"), &format!("{{\"id\":{}}}", run * 10 + id)).unwrap();
            // The same batch once more.
            writer.write_as(2, &format!("key {id}"), &format!("{{\"id\":{}}}", run * 10 + id)).unwrap();
            writer.flush(2).unwrap();
        }
        writer.write(2, &format!("{{\"id\":{}}}", run * 10 + 3)).unwrap();
        writer.finish(2).unwrap();
    }
    let parts: Vec<Vec<String>> = (0..6).map(|number| ids(&host, &format!("out/orders/part-{number:010}.parquet"))).collect();
    assert_eq!(parts, [["1"], ["2"], ["3"], ["11"], ["12"], ["13"]]);
    let list = String::from_utf8(host.file("out/orders.parts").unwrap()).unwrap();
    assert_eq!(list.lines().count(), 6);
    assert_eq!(list.lines().last(), Some("part-0000000005.parquet"));
    assert_eq!(host.file("out/orders/part-0000000006.parquet"), None);
}

#[test]
fn a_part_without_a_line_is_emptied_and_gets_its_number_again() {
    let host = host();
    let mut writer = open(Mode::Append).unwrap();
    writer.write(2, r#"{"id":1}"#).unwrap();
    writer.finish(2).unwrap();
    // As the host leaves it after a crash: the list is cut back, the part is there.
    host.put_file("out/orders.parts", Compression::None, b"");
    let mut writer = open(Mode::Append).unwrap();
    assert!(rows(&host, "out/orders/part-0000000000.parquet").is_empty());
    writer.write(2, r#"{"id":2}"#).unwrap();
    writer.finish(2).unwrap();
    assert_eq!(ids(&host, "out/orders/part-0000000000.parquet"), ["2"]);
}

#[test]
fn parts_that_nothing_counts_are_left_alone() {
    let host = host();
    host.put_file("out/orders/part-0000000000.parquet", Compression::None, b"data");
    let told = open(Mode::Append).unwrap_err().to_string();
    assert!(told.contains("`out/orders` holds parts that `out/orders.parts` does not count"), "{told}");
    host.put_file("out/orders/part-0000000003.parquet", Compression::None, b"data");
    host.put_file("out/orders.parts", Compression::None, b"part-0000000000.parquet\n");
    let told = open(Mode::Append).unwrap_err().to_string();
    assert!(told.contains("put back the `out/orders.parts` that belongs to them"), "{told}");
    host.put_file("out/orders.parts", Compression::None, b"part-0000000000.parq");
    let told = open(Mode::Append).unwrap_err().to_string();
    assert!(told.contains("it has 20 bytes, and 24 for each part"), "{told}");
    assert_eq!(host.file("out/orders/part-0000000003.parquet").unwrap(), b"data");
}

#[test]
fn row_groups_are_bounded_in_bytes() {
    let host = host();
    let mut writer = open(Mode::Replace).unwrap();
    let text = "ä".repeat(4_000);
    let mut count = 0_u32;
    for batch in 0..10 {
        let lines: String = (0..500).map(|line| format!("{{\"id\":{},\"name\":\"{text}{line}\"}}\n", batch * 500 + line)).collect();
        count += writer.write(2, &lines).unwrap().written;
    }
    writer.finish(2).unwrap();
    let reader = reader(&host, WHOLE);
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.total_byte_size()).collect();
    assert_eq!((count, groups.len()), (5_000, 3), "{groups:?}");
    assert!(groups.iter().all(|bytes| *bytes < 18 << 20), "{groups:?}");
    let ids = ids(&host, WHOLE);
    assert!(ids.iter().enumerate().all(|(place, id)| *id == place.to_string()), "in their order");
}

#[test]
fn wrong_configuration_has_a_message() {
    let _host = host();
    let told = |config: &str, target: Target| Writer::<ParquetDestination>::open(config, vec![target]).unwrap_err().to_string();
    assert!(told(CONFIG, target(Mode::Upsert)).contains("use the mode append or replace"));
    assert!(told(CONFIG, Target { name: "../a".into(), ..target(Mode::Append) }).contains("cannot be a file's name"));
    assert!(told(CONFIG, Target { fields: Vec::new(), ..target(Mode::Append) }).contains("at least one column"));
    let columns = |entry: &str| format!(r#"{{ "folder": "out", "columns": {{ "orders": {{ {entry} }} }} }}"#);
    assert!(told(&columns(r#""sum": "number""#), target(Mode::Append)).contains("names `sum`, which the flow does not deliver"));
    let large = told(&columns(r#""total": { "decimal": 19 }"#), target(Mode::Append));
    assert!(large.contains("`columns.orders.total.decimal` is 19: at most 18"), "{large}");
    assert!(told(&columns(r#""total": "money""#), target(Mode::Append)).contains("unknown variant `money`"));
    assert!(told(r#"{ "folder": "out", "compression": "zstd" }"#, target(Mode::Append)).contains("unknown field `compression`"));
    let told = Writer::<ParquetDestination>::open(r#"{ "folder": "elsewhere" }"#, vec![target(Mode::Replace)]).unwrap_err();
    assert_eq!(told, Error::Cancelled);
}
