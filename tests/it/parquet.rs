//! Parquet files for warehouses, read back by DuckDB: types, exact values, labels; each record once, wherever the program ends, and never half a file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::program::Program;
use crate::support::story::{ARCHIVE, DESK, HEAD, PURPOSE, crm, flow};

/// The system `warehouse`: the connector `parquet`, writing into `out`.
fn warehouse(columns: &str) -> String {
    format!(
        "\n[system.warehouse]\nconnector = \"builtin:parquet\"\nconfig = {{ folder = \"out\", columns = {{ {columns} }} }}\n\
         folders = {{ out = {{ path = \"out\", access = \"write\" }} }}\ndsr = {{ erase = \"manual\", procedure = \"P-1\" }}\n"
    )
}

struct Reader(Process);

impl Reader {
    fn start() -> Self {
        Self(Process::start("duckdb", &[]))
    }

    /// `query` with `FILES` as the pattern of the files below the program's folder.
    fn ask(&mut self, program: &Program, files: &str, query: &str) -> Value {
        let pattern = format!("'{}'", program.path(files).display());
        let answer = self.0.order(&query.replace("FILES", &pattern));
        assert_eq!(answer["error"], Value::Null, "{query}");
        answer
    }

    fn rows(&mut self, program: &Program, files: &str, query: &str) -> Value {
        self.ask(program, files, query)["rows"].clone()
    }
}

const ORDERS: &str = "orders = { order_date = \"date\", updated_at = \"timestamp\", net_total = { decimal = 2 } }";
const FIELDS: &str = "fields = [\"id\", \"number\", \"order_date\", \"updated_at\", \"net_total\", \"gross_total\", \"currency\", \"lines\", \"delivery_address\"]";

#[test]
fn a_warehouse_sees_types_values_and_labels() {
    let flows = [
        flow("orders-to-warehouse", "crm.orders", "warehouse.orders", FIELDS),
        flow("orders-to-archive", "crm.orders", "archive.orders", FIELDS),
    ];
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &crm(3_000), &warehouse(ORDERS), &flows.concat()].concat());
    program.run(&["run"]).ends(0).says("6000 records written");
    let mut reader = Reader::start();
    let query = "SELECT * EXCLUDE (lines, delivery_address), lines->0->>'product' AS product, delivery_address->>'city' AS city FROM read_parquet(FILES) ORDER BY id";
    let answer = reader.ask(&program, "out/orders.parquet", query);
    let types: Vec<(&str, &str)> =
        answer["columns"].as_array().unwrap().iter().map(|column| (column[0].as_str().unwrap(), column[1].as_str().unwrap())).collect();
    let wanted = [
        ("id", "BIGINT"),
        ("number", "VARCHAR"),
        ("order_date", "DATE"),
        ("updated_at", "TIMESTAMP WITH TIME ZONE"),
        ("net_total", "DECIMAL(18,2)"),
        ("gross_total", "DOUBLE"),
        ("currency", "VARCHAR"),
        ("product", "VARCHAR"),
        ("city", "VARCHAR"),
    ];
    assert_eq!(types, wanted);
    let mut records = program.records("out/orders.ndjson");
    records.sort_by_key(|record| record["id"].as_i64());
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3_000);
    for (row, record) in rows.iter().zip(&records) {
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        let number = |name: &str| record[name].to_string();
        let updated = text("updated_at").replace('T', " ").replace('Z', "+00");
        let wanted = json!([
            number("id"),
            text("number"),
            text("order_date"),
            updated,
            format!("{:.2}", record["net_total"].as_f64().unwrap()),
            row[5],
            text("currency"),
            record["lines"][0]["product"],
            record["delivery_address"]["city"],
        ]);
        assert_eq!(*row, wanted);
        assert_eq!(row[5].as_str().unwrap().parse::<f64>().unwrap(), record["gross_total"].as_f64().unwrap());
    }
    let labels =
        reader.rows(&program, "out/orders.parquet", "SELECT key::VARCHAR AS key, value::VARCHAR AS value FROM parquet_kv_metadata(FILES)");
    let labels: BTreeMap<&str, &str> =
        labels.as_array().unwrap().iter().map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap())).collect();
    assert_eq!(labels["hub.stream"], "orders");
    assert_eq!(labels["hub.about.number"], "user.behavior.purchase_history, for care");
    assert_eq!(labels["hub.about.currency"], "non-personal, for care");
    let packed = reader.rows(&program, "out/orders.parquet", "SELECT DISTINCT compression FROM parquet_metadata(FILES)");
    assert_eq!(packed, json!([["SNAPPY"]]));
}

/// Ids of contacts, appended.
fn appending(records: u64) -> Program {
    let contacts = flow("contacts-to-warehouse", "crm.contacts", "warehouse.contacts", "mode = \"append\"\nfields = [\"id\", \"email\"]");
    Program::with_manifest(&[HEAD, PURPOSE, &crm(records), &warehouse(""), &contacts].concat())
}

const PARTS: &str = "out/contacts/*.parquet";

/// Rows and different ids of all parts; nothing where there are none.
fn counts(reader: &mut Reader, program: &Program, files: &str) -> (u64, u64) {
    let is_there = std::fs::read_dir(program.path(files).parent().unwrap())
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().extension().is_some_and(|ending| ending == "parquet")));
    if !is_there {
        return (0, 0);
    }
    let row = reader.rows(program, files, "SELECT count(*), count(DISTINCT id) FROM read_parquet(FILES)")[0].clone();
    let number = |place: usize| row[place].as_str().unwrap().parse().unwrap();
    (number(0), number(1))
}

#[test]
fn a_crash_anywhere_leaves_each_appended_record_once_and_no_half_file() {
    let mut reader = Reader::start();
    let mut program = appending(30_000);
    let flow = "contacts-to-warehouse";
    for place in [
        "opened:1",
        "judged:2",
        "half-written:3",
        "half-written:9",
        "half-written:10",
        "half-written:11",
        "written:2",
        "flushed:1",
        "flushed:2",
        "checkpoint:2",
        "finished:1",
        "ended:1",
    ] {
        program.set("HUB_CRASH_AT", place);
        assert_eq!(program.run(&["run"]).code, None, "{place}");
        let (rows, ids) = counts(&mut reader, &program, PARTS);
        assert_eq!(rows, ids, "{place}: whoever reads after the crash");
        program.set("HUB_CRASH_AT", "");
        program.run(&["run"]).ends(0);
        assert_eq!(counts(&mut reader, &program, PARTS), (30_000, 30_000), "{place}");
        let parts = std::fs::read_dir(program.path("out/contacts")).unwrap().count();
        assert_eq!(program.read("out/contacts.parts").lines().count(), parts, "{place}");
        program.run(&["run"]).ends(0).says(" 0 records written");
        assert_eq!(counts(&mut reader, &program, PARTS), (30_000, 30_000), "{place}");
        program.run(&["state", "reset", flow, "--yes", flow]).ends(0);
        std::fs::remove_dir_all(program.path("out")).unwrap();
    }
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn a_part_of_records_that_do_not_come_again_is_emptied() {
    let in_out = |mode: &str| {
        let stream = "\n[stream.desk.people]\nidentity = { customer = { field = \"id\", strength = \"strong\" } }\nsubjects = [\"customer\"]\nretention = [\"customer\"]\n\
            fields = { id = \"user.unique_id\" }\n";
        let people = flow("people-to-warehouse", "desk.people", "warehouse.people", &format!("{mode}fields = [\"id\"]"));
        [HEAD, PURPOSE, DESK, &warehouse("people = { id = \"integer\" }"), stream, &people].concat()
    };
    let mut program = Program::with_manifest(&in_out("mode = \"append\"\n"));
    let mut reader = Reader::start();
    program.write("in/people.ndjson", "{\"id\":1}\n");
    program.run(&["run"]).ends(0);
    program.write("in/people.ndjson", "{\"id\":2}\n{\"id\":3}\n");
    program.set("HUB_CRASH_AT", "flushed:1");
    assert_eq!(program.run(&["run"]).code, None);
    program.set("HUB_CRASH_AT", "");
    assert_eq!(counts(&mut reader, &program, "out/people/*.parquet").0, 3, "the part is in its place, its checkpoint is not");
    program.write("in/people.ndjson", "");
    program.run(&["run"]).ends(0);
    assert_eq!(reader.rows(&program, "out/people/*.parquet", "SELECT id FROM read_parquet(FILES)"), json!([["1"]]));
    // The list that counts the parts is lost: nothing is written over them.
    std::fs::remove_file(program.path("out/people.parts")).unwrap();
    program.write("in/people.ndjson", "{\"id\":4}\n");
    program.run(&["run"]).ends(1).says("HUB-E307").says("`out/people` holds parts that `out/people.parts` does not count");
    assert_eq!(reader.rows(&program, "out/people/*.parquet", "SELECT id FROM read_parquet(FILES)"), json!([["1"]]));
    program.write("manifest.toml", in_out(""));
    program.write("in/people.ndjson", "{\"id\":4}\n{\"id\":5.5}\n");
    program.run(&["run"]).ends(1).says("HUB-E311").says("not-an-integer");
    assert!(!program.has("out/people.parquet"), "a replacement is there as a whole or not at all");
    program.write("manifest.toml", in_out("on_invalid = \"skip\"\n"));
    program.run(&["run"]).ends(0).says("1 records written");
    assert_eq!(reader.rows(&program, "out/people.parquet", "SELECT id FROM read_parquet(FILES)"), json!([["4"]]));
}

#[test]
fn a_plan_says_how_often_a_record_arrives() {
    let program = appending(10);
    program.run(&["plan"]).ends(0).prints("once: after a crash, what stands behind the last checkpoint is cut off and written again");
}
