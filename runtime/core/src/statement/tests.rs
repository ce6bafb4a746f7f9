//! What connectors need is understood, what must never run is refused, and any text has an answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

fn uses(dialect: Dialect, text: &str) -> Vec<String> {
    let understood = understand(dialect, text).unwrap_or_else(|fault| panic!("{text}: {}", fault.0));
    understood.uses.iter().map(|(table, verb)| format!("{verb} {table}")).collect()
}

#[test]
fn what_connectors_need_is_understood() {
    let rows = [
        (
            "select id::text, to_json(tags)::text from crm.contacts where (changed, id) > ($1::timestamptz, $2::bigint) order by changed, id limit 10",
            "select crm.contacts",
        ),
        ("insert into crm.contacts (id, name) values ($1, $2)", "insert crm.contacts"),
        (
            "insert into crm.contacts (id, name) select distinct on (id) id, name from pg_temp.stage order by id, row desc \
             on conflict (id) do update set name = excluded.name",
            "insert crm.contacts,update crm.contacts",
        ),
        ("insert into crm.contacts (id) select id from other.people on conflict do nothing", "insert crm.contacts,select other.people"),
        ("update crm.contacts set name = upper(name) where id = $1", "update crm.contacts"),
        ("delete from crm.contacts where id in (select id from pg_temp.gone)", "delete crm.contacts"),
        ("truncate table crm.contacts", "delete crm.contacts"),
        ("create temporary table pg_temp.stage (like crm.contacts) on commit delete rows", "select crm.contacts"),
        (
            "create table if not exists crm.contacts (id bigint not null, name text, tags text[], at timestamptz, raw jsonb, primary key (id))",
            "create crm.contacts",
        ),
        ("alter table crm.contacts add column if not exists phone text", "alter crm.contacts"),
        ("comment on column crm.contacts.phone is 'user.contact.phone_number'", "alter crm.contacts"),
        ("drop table if exists crm.old", "drop crm.old"),
        ("select a.id from crm.a as a left join crm.b as b on a.id = b.id", "select crm.a,select crm.b"),
        ("select id from crm.a where exists (select 1 from crm.b where b.id = a.id)", "select crm.a,select crm.b"),
        ("SELECT id FROM CRM.\"Contacts\"", "select crm.Contacts"),
    ];
    for (text, expected) in rows {
        assert_eq!(uses(Dialect::Postgres, text).join(","), expected, "{text}");
    }
    assert_eq!(
        uses(Dialect::Sqlite, "insert into main.A (id) select id from temp.s where true on conflict (id) do update set id = excluded.id")
            .join(","),
        "insert main.a,update main.a"
    );
}

/// What must never run, whatever is granted. The integration tests put the same before a real server, under a role with few rights.
#[test]
fn what_must_not_run_is_refused() {
    let refused: Vec<&str> = include_str!("refused.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(refused.len() >= 60, "{}", refused.len());
    for text in refused {
        let fault = understand(Dialect::Postgres, text);
        assert!(fault.is_err(), "{text}: {fault:?}");
    }
    for text in [
        "attach database 'x' as y",
        "pragma writable_schema = 1",
        "select load_extension('x')",
        "select writefile('a', 'b')",
        "vacuum into 'x'",
    ] {
        assert!(understand(Dialect::Sqlite, text).is_err(), "{text}");
    }
}

#[test]
fn a_fault_quotes_nothing_of_the_statement() {
    for text in
        ["select 'planted4711' from", "insert into crm.a values ('planted4711') returning *", "do $$ planted4711 $$", "'planted4711"]
    {
        let fault = understand(Dialect::Postgres, text).unwrap_err();
        assert!(!fault.0.contains("planted"), "{}", fault.0);
    }
}

#[test]
fn what_runs_is_what_was_understood() {
    let first = understand(Dialect::Postgres, "select   id\n from crm.contacts   where name = 'it''s'").unwrap();
    assert_eq!(first.text, "SELECT id FROM crm.contacts WHERE name = 'it''s'");
    assert_eq!(understand(Dialect::Postgres, &first.text).unwrap(), first);
    assert!(first.answers);
}

#[test]
fn statements_are_bounded() {
    let deep = |count: usize| format!("select {}1 from crm.a", "1 + ".repeat(count));
    let casts = |count: usize| format!("select id{} from crm.a", "::text".repeat(count));
    let wide = (0..200).map(|number| format!("c{number}::text")).collect::<Vec<_>>().join(", ");
    assert!(understand(Dialect::Postgres, &format!("select {wide} from crm.a")).is_ok());
    assert!(understand(Dialect::Postgres, &deep(50)).is_ok());
    for text in [deep(100), deep(5_000), casts(100), format!("select {}1{} from crm.a", "(".repeat(3_000), ")".repeat(3_000))] {
        assert!(understand(Dialect::Postgres, &text).is_err());
    }
    assert!(understand(Dialect::Postgres, &format!("select '{}' from crm.a", "x".repeat(MAX_STATEMENT_BYTES))).is_err());
    // The deepest that passes the counting fits a worker's stack.
    let nested = (0..22).fold("1".to_owned(), |inner, _| format!("coalesce(1, {}{inner})", "1::text::text + ".repeat(12)));
    let stack = std::thread::Builder::new().stack_size(2 << 20);
    let walked = stack.spawn(move || understand(Dialect::Postgres, &format!("select {nested} from crm.a")).is_ok()).unwrap();
    walked.join().unwrap();
}

proptest::proptest! {
    /// Whatever comes: an answer, and what is understood is understood again as the same.
    #[test]
    fn any_text_has_an_answer(parts in proptest::collection::vec(proptest::sample::select(vec![
        "select", "from", "crm.a", "where", "id", "=", "$1", "(", ")", ",", "insert into", "values", "'x'", "update", "set", "delete", ";",
        "with", "as", "union", "--", "/*", "*/", "E'\\''", "$$", "limit", "1", "::", "text", "on conflict", "do", "nothing", "\"", "pg_sleep",
    ]), 0..24)) {
        let text = parts.join(" ");
        if let Ok(understood) = understand(Dialect::Postgres, &text) {
            let again = understand(Dialect::Postgres, &understood.text);
            proptest::prop_assert_eq!(again, Ok(understood));
        }
    }
}
