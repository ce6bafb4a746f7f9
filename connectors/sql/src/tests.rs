//! Statements for every case; what databases make of them is tried with real ones by the integration tests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hub_sdk::sql::{Column, Dialect, TableName, Value};
use hub_sdk::{Error, Field, Kind, StreamRequest};

use crate::read::{State, question};
use crate::text::{self, Twice};
use crate::{Config, Stream};

fn table() -> TableName {
    TableName { schema: "crm".into(), table: "contacts".into() }
}

fn column(name: &str, kind: &str, key: u32) -> Column {
    Column { name: name.into(), kind: kind.into(), nullable: key == 0, key }
}

fn columns() -> Vec<Column> {
    vec![
        column("id", "bigint", 1),
        column("name", "text", 0),
        column("amount", "numeric(12,2)", 0),
        column("tags", "text[]", 0),
        column("mood", "crm.mood", 0),
        column("changed", "timestamp with time zone", 0),
    ]
}

fn by_cursor() -> Stream {
    Stream { cursor: Some("changed".into()), ..Stream::default() }
}

fn request(fields: &[&str], state: Option<State>) -> StreamRequest {
    let state = state.map(|state| serde_json::to_vec(&state).unwrap());
    StreamRequest { fields: fields.iter().map(|field| (*field).into()).collect(), state, ..StreamRequest::new("contacts") }
}

fn asked(stream: &Stream, request: &StreamRequest) -> Result<(String, Vec<Value>), Error> {
    question(Dialect::Postgres, &table(), &columns(), stream, request).map(|question| (question.text, question.parameters))
}

#[test]
fn only_what_the_flow_wants_is_asked_for() {
    let (text, parameters) = asked(&Stream::default(), &request(&["name", "tags", "mood"], None)).unwrap();
    assert_eq!(text, r#"SELECT "name"::text, to_json("tags")::text, "mood"::text FROM "crm"."contacts""#);
    assert!(parameters.is_empty());
    let error = asked(&Stream::default(), &request(&["nothing"], None)).unwrap_err();
    assert!(matches!(&error, Error::SchemaDrift(text) if text.contains("no column `nothing`")), "{error}");
}

#[test]
fn a_run_goes_on_behind_cursor_and_key() {
    let state = State { cursor: "\"2026-11-28T10:00:00Z\"".into(), key: Some(vec!["7".into()]) };
    let (text, parameters) = asked(&by_cursor(), &request(&["name"], Some(state))).unwrap();
    assert_eq!(
        text,
        "SELECT \"id\"::text, \"name\"::text, \"changed\"::text FROM \"crm\".\"contacts\" WHERE (\"changed\", \"id\") > \
         ($1::text::timestamp with time zone, $2::text::bigint) ORDER BY \"changed\", \"id\""
    );
    assert_eq!(parameters, [Value::Text("2026-11-28T10:00:00Z".into()), Value::Text("7".into())]);
}

#[test]
fn without_the_key_the_last_instant_comes_again() {
    let state = || Some(State { cursor: "\"2026-11-28T10:00:00Z\"".into(), key: None });
    let (text, _) = asked(&by_cursor(), &request(&["name"], state())).unwrap();
    assert!(text.contains(r#"WHERE "changed" >= $1::text::timestamp with time zone ORDER BY"#), "{text}");
    let back = Stream { lookback: 60, ..by_cursor() };
    let (text, _) = asked(&back, &request(&["name"], state())).unwrap();
    assert!(text.contains(r#""changed" >= $1::text::timestamp with time zone - '60 seconds'::interval"#), "{text}");
    let odd = Stream { cursor: Some("mood".into()), ..Stream::default() };
    assert!(matches!(asked(&odd, &request(&["name"], state())).unwrap_err(), Error::Config(_)));
}

#[test]
fn a_full_refresh_has_no_order_and_a_trial_run_a_limit() {
    let full = StreamRequest { full_refresh: true, limit: Some(5), ..request(&["id"], None) };
    let (text, _) = asked(&by_cursor(), &full).unwrap();
    assert_eq!(text, r#"SELECT "id"::text FROM "crm"."contacts" LIMIT 5"#);
}

#[test]
fn a_broken_state_is_an_error() {
    let request = StreamRequest { state: Some(b"[]".to_vec()), ..request(&["id"], None) };
    assert!(matches!(asked(&by_cursor(), &request).unwrap_err(), Error::Permanent(_)));
}

#[test]
fn tables_are_made_with_types_and_comments() {
    let field = |name: &str, kind, about: &str| Field { name: name.into(), kind, about: about.into() };
    let fields = [field("id", Kind::Integer, ""), field("at", Kind::Timestamp, ""), field("raw", Kind::Json, "it's \\ user.name")];
    assert_eq!(
        text::create(Dialect::Postgres, &table(), &fields, &["id".into()]),
        r#"CREATE TABLE "crm"."contacts" ("id" bigint, "at" timestamptz, "raw" jsonb, PRIMARY KEY ("id"))"#
    );
    assert_eq!(text::comment(&table(), &fields[2]), r#"COMMENT ON COLUMN "crm"."contacts"."raw" IS 'it''s  user.name'"#);
    assert_eq!(text::add(Dialect::Sqlite, &table(), &fields[1]), r#"ALTER TABLE "crm"."contacts" ADD COLUMN "at" text"#);
}

#[test]
fn rows_are_merged_by_key() {
    let stage = TableName { schema: "pg_temp".into(), table: "hub_stage_0".into() };
    let merge = |dialect, columns: &[&str], twice| {
        let columns: Vec<String> = columns.iter().map(|column| (*column).into()).collect();
        text::merge(dialect, &stage, &table(), &columns, &["id".into()], twice)
    };
    assert_eq!(
        merge(Dialect::Postgres, &["id", "name"], Twice::LastOne),
        "INSERT INTO \"crm\".\"contacts\" (\"id\", \"name\") SELECT DISTINCT ON (\"id\") \"id\", \"name\" FROM \"pg_temp\".\"hub_stage_0\" \
         ORDER BY \"id\", ctid DESC ON CONFLICT (\"id\") DO UPDATE SET \"name\" = excluded.\"name\""
    );
    assert!(merge(Dialect::Postgres, &["id"], Twice::Once).ends_with("ON CONFLICT (\"id\") DO NOTHING"));
    assert!(merge(Dialect::Sqlite, &["id", "name"], Twice::Once).contains("WHERE true ON CONFLICT"));
}

#[test]
fn a_stage_has_the_types_of_the_table() {
    let stage = TableName { schema: "pg_temp".into(), table: "hub_stage_0".into() };
    let plain = &columns()[..3];
    assert_eq!(
        text::stage(Dialect::Postgres, &stage, &table(), plain, false),
        r#"CREATE TEMPORARY TABLE "pg_temp"."hub_stage_0" ("id" bigint, "name" text, "amount" numeric(12,2)) ON COMMIT DELETE ROWS"#
    );
    assert!(text::stage(Dialect::Postgres, &stage, &table(), &columns(), true).ends_with(r#"(LIKE "crm"."contacts")"#));
}

#[test]
fn streams_lead_to_granted_tables_only_by_plain_names() {
    let config: Config =
        serde_json::from_str(r#"{ "schema": "crm", "streams": { "b": { "table": "other.c" }, "d": { "table": "x\"; y" } } }"#).unwrap();
    let name = |stream| config.table(Dialect::Postgres, stream).map(|table| format!("{}.{}", table.schema, table.table));
    assert_eq!(name("a").unwrap(), "crm.a");
    assert_eq!(name("b").unwrap(), "other.c");
    assert!(matches!(name("d").unwrap_err(), Error::Config(_)));
}
