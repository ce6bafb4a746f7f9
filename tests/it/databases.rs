//! Tables as sources and destinations: nothing twice, nothing lost, no statement that the manifest does not grant. A real server, real files.

use std::collections::BTreeSet;

use hub_core::manifest::{Dialect, Verb};
use hub_core::statement::understand;
use serde_json::{Value, json};

use crate::support::postgres::{PASSWORD, Postgres};
use crate::support::program::Program;
use crate::support::server::{Answer, Server};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, crm, flow};

/// A SQLite file, written from `crm` and read into `archive`.
pub fn through_sqlite(records: u64, mode: &str) -> String {
    let shelf = "\n[system.shelf]\nconnector = \"builtin:sql\"\ncollected_for = [\"care\"]\ndsr = { erase = \"manual\", procedure = \"P-1\" }\n\
        [system.shelf.databases.main]\nurl = \"sqlite:shelf.db\"\ntables = { \"main.contacts\" = [\"select\", \"insert\", \"update\", \"delete\", \"create\", \"alter\"] }\n\
        [stream.shelf.contacts]\nprimary_key = [\"id\"]\nretention = [\"customer\"]\nsubjects = [\"customer\"]\n\
        fields = { id = \"user.unique_id\", email = \"user.contact.email\" }\n\
        identity = { customer = { field = \"id\", strength = \"strong\" } }\n";
    let fields = "fields = [\"id\", \"email\"]\n";
    let into = flow("contacts-to-shelf", "crm.contacts", "shelf.contacts", &format!("{fields}{mode}"));
    let out = flow("shelf-to-archive", "shelf.contacts", "archive.contacts", fields);
    [HEAD, PURPOSE, ARCHIVE, &crm(records), shelf, &into, &out].concat()
}

fn ids(program: &Program) -> Vec<u64> {
    program.records("out/contacts.ndjson").iter().map(|record| record["id"].as_u64().unwrap_or_else(|| panic!("{record}"))).collect()
}

#[test]
fn a_file_of_sqlite_takes_and_gives_records() {
    for mode in ["mode = \"upsert\"\n", "mode = \"replace\"\n", "mode = \"append\"\n"] {
        let program = Program::with_manifest(&through_sqlite(25_000, mode));
        program.run(&["run", "--flow", "contacts-to-shelf"]).ends(0).says("25000 records written");
        program.run(&["run", "--flow", "shelf-to-archive"]).ends(0).says("25000 records written");
        let found = ids(&program);
        assert_eq!(found.len(), 25_000, "{mode}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 25_000, "{mode}");
        let again = program.run(&["run", "--flow", "contacts-to-shelf"]).ends(0);
        if mode.contains("append") {
            again.says(" 0 records written");
        }
        program.run(&["run", "--flow", "shelf-to-archive"]).ends(0);
        assert_eq!(ids(&program).len(), 25_000, "{mode}");
        program.run(&["audit", "verify"]).ends(0);
    }
}

#[test]
fn a_table_that_is_not_granted_is_denied() {
    let program = Program::with_manifest(&through_sqlite(10, "").replace("\"create\", ", ""));
    program.run(&["run", "--flow", "contacts-to-shelf"]).ends(3).says("HUB-E320").says("wants to create in table `main.contacts`");
    let denied = program.audit();
    assert!(denied.iter().any(|entry| entry["kind"] == "flow.denied" && entry["code"] == "HUB-E320"), "{denied:#?}");
    program.write("manifest.toml", through_sqlite(10, "").replace("main.contacts", "main.other"));
    program.run(&["run", "--flow", "contacts-to-shelf"]).ends(3).says("HUB-E320");
}

/// A crash behind each step of a commit: appended rows are there once, whatever was known.
#[test]
fn a_crash_at_any_step_of_a_commit_leaves_every_row_once() {
    for place in ["announced:2", "written:3", "flushed:2", "committed:1", "committed:2", "checkpoint:2", "finished:1"] {
        let mut program = Program::with_manifest(&through_sqlite(50_000, "mode = \"append\"\n"));
        program.set("HUB_CRASH_AT", place);
        assert_eq!(program.run(&["run", "--flow", "contacts-to-shelf"]).code, None, "{place}");
        program.set("HUB_CRASH_AT", "");
        program.run(&["run", "--flow", "contacts-to-shelf"]).ends(0);
        program.run(&["run", "--flow", "shelf-to-archive"]).ends(0);
        let found = ids(&program);
        assert_eq!(found.len(), 50_000, "{place}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 50_000, "{place}");
        program.run(&["audit", "verify"]).ends(0);
    }
}

fn warehouse(postgres: &Postgres, rest: &str) -> String {
    let port = postgres.port;
    format!(
        "\n[system.warehouse]\nconnector = \"builtin:sql\"\nconfig = {{ schema = \"crm\", streams = {{ people = {{ cursor = \"changed\" }} }} }}\n\
         collected_for = [\"care\"]\ndsr = {{ erase = \"manual\", procedure = \"P-1\" }}\n\
         [system.warehouse.databases.main]\nurl = \"postgres://hub_user@127.0.0.1:{port}/shop\"\npassword = {{ file = \"password\" }}\n\
         progress = \"crm.hub_progress\"\n\
         tables = {{ \"crm.people\" = [\"select\"], \"crm.contacts\" = [\"insert\", \"update\", \"delete\", \"create\", \"alter\"] }}\n{rest}"
    )
}

fn shop() -> Postgres {
    let postgres = Postgres::start();
    prepared(&postgres);
    postgres
}

fn prepared(postgres: &Postgres) {
    postgres
        .sql("postgres", &format!("CREATE ROLE hub_user LOGIN PASSWORD '{PASSWORD}';\nCREATE ROLE least LOGIN;\nCREATE DATABASE shop;"));
    postgres.sql(
        "shop",
        "CREATE SCHEMA crm AUTHORIZATION hub_user; CREATE SCHEMA other; CREATE TABLE other.secret (id int);
         CREATE TYPE crm.mood AS ENUM ('glad', 'sad');
         SET ROLE hub_user;
         CREATE TABLE crm.people (id bigint PRIMARY KEY, name text, amount numeric(20,6), mood crm.mood, tags text[], raw jsonb, photo bytea,
           born date, ok boolean, changed timestamptz NOT NULL);
         INSERT INTO crm.people VALUES
           (1, E'Zoë \"quoted\"\\n\\ttab \\\\ back', 12345678901234.100000, 'glad', ARRAY['a,b', NULL, '\"x\"'], '{\"deep\": [1, {\"k\": null}]}', '\\x00ff10', '1999-12-31', true, '2026-11-28 10:00:00.123456+01'),
           (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-28 10:00:00.123456+01');",
    );
}

/// The schema of the table, with categories.
fn people() -> Value {
    let leaf = |kind: &str, category: &str| json!({ "type": [kind, "null"], "x-hub-category": category });
    json!({
        "type": "object",
        "required": ["id", "changed"],
        "properties": {
            "id": { "type": "integer", "x-hub-category": "user.unique_id" },
            "name": leaf("string", "user.name"),
            "amount": leaf("number", "user.financial"),
            "mood": leaf("string", "user.content"),
            "born": leaf("string", "user.demographic.date_of_birth"),
            "ok": leaf("boolean", "user.content"),
            "photo": leaf("string", "user.content"),
            "tags": { "type": ["array", "null"], "items": leaf("string", "user.content") },
            "raw": leaf("object", "user.content"),
            "changed": { "type": "string", "format": "date-time", "x-hub-category": "system.operations" },
        },
    })
}

#[test]
fn postgres_gives_and_takes_every_type_without_loss() {
    let postgres = shop();
    let stream = "[stream.warehouse.people]\nprimary_key = [\"id\"]\ncursor = \"changed\"\nretention = [\"customer\"]\nsubjects = [\"customer\"]\n\
         identity = { customer = { field = \"id\", strength = \"strong\" } }\nschema = \"people.json\"\n";
    let fields = "fields = [\"id\", \"name\", \"amount\", \"mood\", \"born\", \"ok\", \"changed\", \"photo\", \"tags\", \"raw\"]\nmode = \"append\"\n";
    let manifest =
        [HEAD, PURPOSE, ARCHIVE, &warehouse(&postgres, stream), &flow("people", "warehouse.people", "archive.people", fields)].concat();
    let program = Program::with_manifest(&manifest);
    program.write("password", PASSWORD);
    program.write("people.json", people().to_string());
    program.run(&["run"]).ends(0).says("2 records written");
    let records = program.records("out/people.ndjson");
    let text = program.read("out/people.ndjson");
    assert!(text.contains("12345678901234.100000"), "no digit is lost: {text}");
    assert_eq!(records[0]["name"], "Zoë \"quoted\"\n\ttab \\ back");
    assert_eq!(records[0]["photo"], "AP8Q");
    assert_eq!(records[0]["changed"], "2026-11-28T09:00:00.123456Z");
    assert_eq!((&records[0]["mood"], &records[0]["born"], &records[0]["ok"]), (&json!("glad"), &json!("1999-12-31"), &json!(true)));
    assert_eq!(records[0]["tags"], json!(["a,b", null, "\"x\""]));
    assert_eq!(records[0]["raw"], json!({ "deep": [1, { "k": null }] }));
    assert_eq!((&records[1]["amount"], &records[1]["tags"]), (&Value::Null, &Value::Null));
    // Only what changed is read the next time.
    postgres.sql("shop", "UPDATE crm.people SET name = 'Ada', changed = '2026-11-29 00:00:00+00' WHERE id = 1");
    program.run(&["run"]).ends(0);
    let later = program.records("out/people.ndjson");
    assert_eq!(later.last().unwrap()["name"], "Ada");
    assert!(later.len() <= 4, "{later:#?}");
    assert!(!program.run(&["audit", "show", "--last", "1000"]).stdout.contains("Ada"));
}

/// A key that is not personal is known to the connector: of rows of one instant, those that were read do not come again.
#[test]
fn postgres_goes_on_behind_cursor_and_key() {
    let postgres = shop();
    postgres.sql(
        "shop",
        "SET ROLE hub_user; CREATE TABLE crm.people_rates (rate int, code text, area int, changed timestamptz, PRIMARY KEY (code, area));
         INSERT INTO crm.people_rates VALUES (1, 'a', 1, '2026-11-28 10:00:00Z'), (2, 'a', 2, '2026-11-28 10:00:00Z')",
    );
    let stream = "[stream.warehouse.rates]\nprimary_key = [\"code\", \"area\"]\ncursor = \"changed\"\n\
         fields = { code = \"system.operations\", area = \"system.operations\", rate = \"system.operations\", changed = \"system.operations\" }\n";
    let source = warehouse(&postgres, stream)
        .replace("people = { cursor = \"changed\" }", "rates = { table = \"people_rates\", cursor = \"changed\" }")
        .replace("\"crm.people\"", "\"crm.people_rates\"");
    let fields = "fields = [\"code\", \"area\", \"rate\"]\nmode = \"append\"\n";
    let purpose = PURPOSE.replace("allows = [\"user\"]", "allows = [\"user\", \"system\"]");
    let program =
        Program::with_manifest(&[HEAD, &purpose, ARCHIVE, &source, &flow("rates", "warehouse.rates", "archive.rates", fields)].concat());
    program.write("password", PASSWORD);
    program.run(&["run"]).ends(0).says("2 records written");
    program.run(&["run"]).ends(0).says(" 0 records written");
    postgres.sql("shop", "INSERT INTO crm.people_rates VALUES (3, 'b', 1, '2026-11-28 10:00:00Z')");
    program.run(&["run"]).ends(0).says("1 records written");
}

#[test]
fn a_server_that_crashes_leaves_every_row_once() {
    let mut postgres = shop();
    let fields = "fields = [\"id\", \"first_name\", \"email\"]\n";
    for mode in ["append", "upsert", "replace"] {
        let manifest = [
            HEAD,
            PURPOSE,
            &crm(60_000),
            &warehouse(&postgres, ""),
            &flow("contacts", "crm.contacts", "warehouse.contacts", &format!("{fields}mode = \"{mode}\"\n")),
        ]
        .concat();
        let mut program = Program::with_manifest(&manifest);
        program.write("password", PASSWORD);
        for place in ["announced:1", "committed:2", "written:5"] {
            program.set("HUB_CRASH_AT", place);
            assert_ne!(program.run(&["run"]).code, Some(0), "{mode} {place}");
        }
        program.set("HUB_CRASH_AT", "");
        // The server goes while hub writes.
        let running = program.start(&["run", "--quiet"]);
        std::thread::sleep(std::time::Duration::from_millis(700));
        postgres.crash();
        running.wait();
        postgres.serve();
        program.run(&["run"]).ends(0);
        let counted = postgres.sql("shop", "SELECT count(*), count(DISTINCT id) FROM crm.contacts");
        assert_eq!(counted, "60000|60000", "{mode}");
        let comment = postgres.sql("shop", "SELECT col_description('crm.contacts'::regclass, 3)");
        assert_eq!(comment, "user.contact.email, for care", "{mode}");
        program.run(&["audit", "verify"]).ends(0);
        postgres.sql("shop", "DROP TABLE crm.contacts");
    }
}

/// A server that works with each record once, and the manifest of a flow that appends so many to a table without a key.
fn appending(postgres: &Postgres, records: u64, database: &str) -> Program {
    postgres.sql("shop", "SET ROLE hub_user; CREATE TABLE crm.contacts (id bigint, email text)");
    let fields = "fields = [\"id\", \"email\"]\nmode = \"append\"\n";
    let warehouse = warehouse(postgres, "").replace("progress =", &format!("{database}progress ="));
    let program = Program::with_manifest(
        &[HEAD, PURPOSE, &crm(records), &warehouse, &flow("contacts", "crm.contacts", "warehouse.contacts", fields)].concat(),
    );
    program.write("password", PASSWORD);
    program
}

/// The number of the server's process for hub, as soon as something is so.
fn process_where(postgres: &Postgres, condition: &str) -> String {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let found = postgres.sql("shop", &format!("SELECT pid FROM pg_stat_activity WHERE usename = 'hub_user' AND {condition}"));
        if !found.is_empty() {
            return found;
        }
        assert!(std::time::Instant::now() < until, "hub came never to where {condition}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// The connection stands, and nothing comes: an overloaded server, a path that swallows everything.
#[test]
fn a_server_that_falls_silent_is_given_up_and_told() {
    let postgres = shop();
    let program = appending(&postgres, 60_000, "statement_seconds = 1\n");
    let running = program.start(&["run"]);
    let process = process_where(&postgres, "query LIKE 'COPY%'");
    let process = process.parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    let signal = |signal| rustix::process::kill_process(process, signal).unwrap();
    signal(rustix::process::Signal::STOP);
    let begun = std::time::Instant::now();
    let ended = running.wait();
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    ended.ends(1).says("HUB-E307").says("the server has said nothing for 6 s").says("statement_seconds");
    signal(rustix::process::Signal::CONT);
    program.run(&["run"]).ends(0);
    assert_eq!(postgres.sql("shop", "SELECT count(*), count(DISTINCT id) FROM crm.contacts"), "60000|60000");
}

#[test]
fn a_statement_that_takes_too_long_is_ended_by_the_server() {
    let postgres = shop();
    let program = appending(&postgres, 1_000, "statement_seconds = 1\n");
    postgres.sql(
        "shop",
        "SET ROLE hub_user; CREATE FUNCTION crm.slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NEW; END';
         CREATE TRIGGER slowly BEFORE INSERT ON crm.contacts EXECUTE FUNCTION crm.slowly()",
    );
    program.run(&["run"]).ends(1).says("the statement took longer than `statement_seconds`").says("57014");
    postgres.sql("shop", "DROP TRIGGER slowly ON crm.contacts");
    program.run(&["run"]).ends(0).says("1000 records written");
}

/// hub is killed while the server commits, and the next run begins before it has: what was on its way arrives, and does not arrive again.
#[test]
fn a_commit_that_outlives_its_hub_is_waited_for() {
    let postgres = shop();
    let program = appending(&postgres, 25_000, "");
    postgres.sql(
        "shop",
        "SET ROLE hub_user; CREATE TABLE crm.hub_progress (flow text PRIMARY KEY, token text NOT NULL, at timestamptz NOT NULL);
         CREATE FUNCTION crm.slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(4); RETURN NEW; END';
         CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON crm.hub_progress DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION crm.slowly()",
    );
    let running = program.start(&["run"]);
    process_where(&postgres, "query = 'COMMIT' AND state = 'active'");
    running.kill();
    assert_eq!(postgres.sql("shop", "SELECT count(*) FROM crm.contacts"), "0");
    program.run(&["run"]).ends(0);
    assert_eq!(postgres.sql("shop", "SELECT count(*), count(DISTINCT id) FROM crm.contacts"), "25000|25000");
    // The log says that the commit of the killed run had happened.
    let told = program.audit();
    let is_told = |entry: &Value| {
        entry["kind"] == "flow.checkpoint" && entry["detail"].as_str().is_some_and(|detail| detail.ends_with("had happened"))
    };
    assert_eq!(told.iter().filter(|entry| is_told(entry)).count(), 1, "{told:#?}");
}

/// The server is set to answer a COMMIT before it is on the disk: not to hub, whose progress goes on behind it.
#[test]
fn what_was_committed_outlives_a_server_that_forgets_its_last_commits() {
    let mut postgres = Postgres::with(&["synchronous_commit=off", "wal_writer_delay=10s"]);
    prepared(&postgres);
    let program = appending(&postgres, 25_000, "");
    postgres.sql("shop", "CHECKPOINT");
    program.run(&["run"]).ends(0);
    postgres.kill();
    postgres.serve();
    program.run(&["run"]).ends(0);
    assert_eq!(postgres.sql("shop", "SELECT count(*), count(DISTINCT id) FROM crm.contacts"), "25000|25000");
}

/// Each is denied by the host's reading and by a role that has no more rights than the manifest.
#[test]
fn thirty_statements_are_denied_by_the_host_and_by_the_role() {
    let postgres = shop();
    postgres.sql(
        "shop",
        "REVOKE CREATE, TEMPORARY ON DATABASE shop FROM PUBLIC; GRANT USAGE ON SCHEMA crm TO least; GRANT SELECT, INSERT ON crm.people TO least;",
    );
    let granted = |table: &str, verb: Verb| table == "crm.people" && matches!(verb, Verb::Select | Verb::Insert);
    let statements = [
        "select id from other.secret",
        "insert into other.secret (id) values (1)",
        "delete from crm.people",
        "update crm.people set name = 'x'",
        "truncate table crm.people",
        "drop table crm.people",
        "alter table crm.people add column x int",
        "comment on table crm.people is 'x'",
        "create table crm.mine (id int)",
        "create table crm.copy as select id from crm.people",
        "copy crm.people to '/tmp/people'",
        "copy crm.people from program 'id'",
        "copy (select 1) to program 'id'",
        "set role postgres",
        "set session authorization postgres",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "select lo_import('/etc/passwd')",
        "select pg_terminate_backend(pg_backend_pid()) from pg_catalog.pg_authid",
        "select rolpassword from pg_catalog.pg_authid",
        "with gone as (delete from crm.people returning id) select id from gone",
        "select id from crm.people for update",
        "insert into crm.people (id, changed) values (1, now()) on conflict (id) do update set name = 'x'",
        "create function crm.f() returns int language sql as 'select 1'",
        "create role mine",
        "alter role least superuser",
        "grant all on crm.people to public; select 1 from other.secret",
        "alter system set work_mem = '1GB'",
        "select 1; drop table crm.people",
        "do $$ begin delete from crm.people; end $$",
        "create extension dblink",
        "lock table crm.people in exclusive mode",
        "create trigger t before insert on crm.people execute function suppress_redundant_updates_trigger()",
    ];
    assert!(statements.len() >= 30);
    for statement in statements {
        let by_host = match understand(Dialect::Postgres, statement) {
            Err(_) => true,
            Ok(understood) => understood.uses.iter().any(|(table, verb)| !granted(&table.to_string(), *verb)),
        };
        assert!(by_host, "the host lets pass: {statement}");
        let (worked, said) = postgres.tried("least", "shop", &format!("{statement};"));
        assert!(!worked, "the role may: {statement}: {said}");
    }
    let counted = postgres.sql("shop", "SELECT count(*) FROM crm.people");
    assert_eq!(counted, "2");
}

/// Checkpoints that follow closely share a commit; where a crash is rehearsed, each has its own, so that every step can be met.
#[test]
fn checkpoints_that_follow_closely_share_a_commit() {
    let commits = |rehearsed: bool| {
        let mut program = Program::with_manifest(&through_sqlite(50_000, "mode = \"append\"\n"));
        program.set("HUB_CRASH_AT", if rehearsed { "ended:99" } else { "" });
        program.run(&["run", "--flow", "contacts-to-shelf"]).ends(0).says("50000 records written");
        program.run(&["run", "--flow", "contacts-to-shelf"]).ends(0).says(" 0 records written");
        program.run(&["run", "--flow", "shelf-to-archive"]).ends(0);
        assert_eq!(ids(&program).len(), 50_000);
        program.audit().iter().filter(|entry| entry["kind"] == "flow.checkpoint" && entry["flow"] == "contacts-to-shelf").count()
    };
    let (each, shared) = (commits(true), commits(false));
    assert!(shared < each, "{shared} commits of {each} checkpoints");
}

/// The first page is in the database while the source still thinks about the second one.
#[test]
fn a_checkpoint_does_not_wait_for_a_slow_source() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let server = Server::start(move |request, _| {
        let page = request.query("%40page_index").unwrap_or("1").to_owned();
        if page == "2" {
            let _ = released.lock().unwrap().recv();
        }
        let issue = json!({ "id": page, "title": "T", "activity": format!("2026-01-01.00:00:0{page}") });
        let links = if page == "1" { json!({ "next": [{ "uri": "x", "rel": "next" }] }) } else { json!({}) };
        Answer::json(&json!({ "data": { "collection": [issue], "@links": links, "@total_size": 2 } }))
    });
    let systems = format!(
        "\n[system.tracker]\nconnector = \"builtin:roundup\"\nconfig = {{ base_url = \"{}\", page_size = 1 }}\nhosts = [\"{}\"]\ncollected_for = [\"care\"]\n\
         credentials = {{ tracker = {{ scheme = \"basic\", user = \"admin\", value = {{ file = \"password\" }} }} }}\n\
         [system.shelf]\nconnector = \"builtin:sql\"\ndsr = {{ erase = \"manual\", procedure = \"P-1\" }}\n\
         [system.shelf.databases.main]\nurl = \"sqlite:shelf.db\"\ntables = {{ \"main.issues\" = [\"insert\", \"create\", \"alter\"] }}\n",
        server.url("/tracker/"),
        server.origin()
    );
    let flow = flow("issues", "tracker.issues", "shelf.issues", "fields = [\"id\", \"title\", \"activity\"]\nmode = \"append\"");
    let program = Program::with_manifest(&[HEAD, PURPOSE, &systems, &flow].concat());
    program.write("password", "planted-password");
    let mut running = program.start(&["run"]);
    let rows = "python3 -c 'import sqlite3; print(sqlite3.connect(\"file:shelf.db?mode=ro\", uri=True).execute(\"select count(*) from issues\").fetchone()[0])'";
    running.until("its first page was in the database", |_| program.shell(rows).stdout.trim() == "1");
    release.send(()).unwrap();
    drop(release);
    running.wait();
    program.run(&["audit", "verify"]).ends(0);
}
