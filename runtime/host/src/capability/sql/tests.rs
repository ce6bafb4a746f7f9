//! What a guest can do with a database, what it cannot, and what it learns of a failure. A real file of SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use hub_core::problem::Code;

use super::*;
use crate::database::Form;
use crate::tests::world_in;

const GRANTS: &str = "[system.here.databases.main]\nurl = \"sqlite:shelf.db\"\n\
    tables = { \"main.people\" = [\"select\", \"insert\", \"update\", \"create\"], \"main.read\" = [\"select\"] }\n\
    [system.here.databases.other]\nurl = \"sqlite:other.db\"\ntables = { \"main.people\" = [\"select\"] }\n\
    [system.here.databases.server]\nurl = \"postgres://hub@127.0.0.1:1/shop\"\ntables = { \"public.people\" = [\"select\"] }\n\
    [system.here.databases.locked]\nurl = \"postgres://hub@127.0.0.1:1/shop\"\npassword = { file = \"absent\" }\ntables = { \"public.people\" = [\"select\"] }\n";

fn a_run(folder: &Path) -> Run {
    let world = world_in(folder, GRANTS);
    let mut run = world.run();
    run.databases = Arc::new(Databases::new(&world.sources, &world.system));
    run
}

fn people() -> TableName {
    TableName { schema: "main".to_owned(), table: "people".to_owned() }
}

fn columns() -> Vec<Shaped> {
    [("id", Form::Number), ("name", Form::Text)].map(|(name, form)| Shaped { name: name.to_owned(), form }).to_vec()
}

async fn made(run: &Run) {
    execute(run, "main", "create table main.people (id bigint not null, name text, primary key (id))", Vec::new()).await.unwrap();
}

async fn all(run: &Run) -> String {
    let mut rows = query(run, "main", "select id, name from main.people order by id", Vec::new(), columns()).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = rows.next().await.unwrap() {
        text.push_str(&String::from_utf8(chunk.json).unwrap());
    }
    text
}

#[tokio::test]
async fn rows_go_in_and_come_out_and_stay_only_if_they_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let run = a_run(folder.path());
    made(&run).await;
    let records = b"{\"id\":1,\"name\":\"Zo\\u00eb \\\"x\\\"\\n\"}\n{\"name\":null,\"id\":2}\n{\"id\":3,\"name\":\"left out\"}\n".to_vec();
    assert_eq!(load(&run, "main", people(), &columns(), records, &[2]).await.unwrap(), 2);
    assert_eq!(all(&run).await, r#"[{"id":1,"name":"Zoë \"x\"\n"},{"id":2,"name":null}]"#);
    assert_eq!(run.databases.applied("f").await.unwrap(), None);
    run.databases.commit("f", "first").await.unwrap();
    let parameters = vec![Value::Integer(4), Value::Text("uncommitted".to_owned())];
    assert_eq!(execute(&run, "main", "insert into main.people (id, name) values (?1, ?2)", parameters).await.unwrap(), 1);
    drop(run);
    let next = a_run(folder.path());
    assert!(!all(&next).await.contains("uncommitted"));
    assert_eq!(next.databases.applied("f").await.unwrap().as_deref(), Some("first"));
    assert_eq!(describe(&next, "main", people()).await.unwrap().unwrap()[0].key, 1);
}

#[tokio::test]
async fn a_failure_takes_back_its_own_effects_and_quotes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = a_run(folder.path());
    made(&run).await;
    load(&run, "main", people(), &columns(), b"{\"id\":1,\"name\":\"a\"}\n".to_vec(), &[]).await.unwrap();
    for records in
        ["{\"id\":2}\n{\"id\":1,\"name\":\"planted4711\"}\n", "{\"id\":2}\n{\"name\":\"planted4711\"}\n", "{\"id\":2}\n[\"planted4711\"]\n"]
    {
        let Err(SqlError::Failed(failure)) = load(&run, "main", people(), &columns(), records.into(), &[]).await else {
            panic!("{records}")
        };
        assert_eq!(failure.row, Some(1), "{records}: {failure:?}");
        assert!(!format!("{failure:?}").contains("planted"), "{failure:?}");
    }
    let nul = b"{\"id\":5,\"name\":\"\\u0000\"}\n".to_vec();
    assert!(
        matches!(load(&run, "main", people(), &columns(), nul, &[]).await, Err(SqlError::Failed(failure)) if failure.code == "nul-in-text")
    );
    assert_eq!(all(&run).await, r#"[{"id":1,"name":"a"}]"#, "nothing of what failed is left");
    assert!(run.refusal().is_none(), "a database's failure is the guest's to handle");
}

async fn refused_with(folder: &Path, database: &str, statement: &str) -> Code {
    let run = a_run(folder);
    let answer = execute(&run, database, statement, Vec::new()).await;
    assert!(matches!(answer, Err(SqlError::Ended(_))), "{statement}: {answer:?}");
    run.refusal().unwrap().code
}

#[tokio::test]
async fn what_is_not_granted_or_never_allowed_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    made(&a_run(folder.path())).await;
    for (database, statement, code) in [
        ("main", "delete from main.people", Code::E320),
        ("main", "insert into main.read (id) values (1)", Code::E320),
        ("main", "insert into main.people (id) select id from main.hidden", Code::E320),
        ("nowhere", "delete from main.people", Code::E320),
        ("main", "insert into main.people (id) values (1); drop table main.people", Code::E321),
        ("main", "attach database 'x' as y", Code::E321),
        ("main", "select id from main.people", Code::E321),
        ("locked", "delete from public.people", Code::E320),
        ("locked", "create temporary table pg_temp.x (id int)", Code::E322),
    ] {
        assert_eq!(refused_with(folder.path(), database, statement).await, code, "{statement}");
    }
    let run = a_run(folder.path());
    dialect(&run, "main").await.unwrap();
    assert!(matches!(dialect(&run, "other").await, Err(SqlError::Ended(_))), "one transaction cannot span two");
    let run = a_run(folder.path());
    assert!(matches!(
        load(&run, "main", TableName { table: "read".to_owned(), ..people() }, &columns(), Vec::new(), &[]).await,
        Err(SqlError::Ended(_))
    ));
    let run = a_run(folder.path());
    let absent = dialect(&run, "server").await;
    assert!(matches!(&absent, Err(SqlError::Failed(failure)) if failure.passing), "{absent:?}");
}

#[tokio::test]
async fn everything_that_a_guest_passes_has_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(MAX_STATEMENT_BYTES + 1);
    let name = "x".repeat(MAX_NAME_BYTES + 1);
    let wide = vec![columns()[0].clone(); MAX_COLUMNS + 1];
    let run = || a_run(folder.path());
    let over = |run: &Run| assert_eq!(run.refusal().map(|problem| problem.code), Some(Code::E306));
    let one = run();
    drop(execute(&one, "main", &long, Vec::new()).await);
    over(&one);
    let one = run();
    drop(execute(&one, &name, "delete from main.people", Vec::new()).await);
    over(&one);
    let one = run();
    drop(execute(&one, "main", "delete from main.people", vec![Value::Null; MAX_PARAMETERS + 1]).await);
    over(&one);
    let one = run();
    drop(execute(&one, "main", "delete from main.people", vec![Value::Bytes(vec![0; MAX_PARAMETER_BYTES + 1])]).await);
    over(&one);
    let one = run();
    drop(query(&one, "main", "select id from main.people", Vec::new(), wide.clone()).await.map(|_| ()));
    over(&one);
    let one = run();
    drop(load(&one, "main", people(), &wide, Vec::new(), &[]).await);
    over(&one);
    let one = run();
    drop(load(&one, "main", people(), &columns(), vec![b' '; MAX_BATCH_BYTES + 1], &[]).await);
    over(&one);
    let one = run();
    drop(load(&one, "main", people(), &columns(), Vec::new(), &vec![0; MAX_SKIPPED + 1]).await);
    over(&one);
    let one = run();
    drop(describe(&one, "main", TableName { table: name, ..people() }).await);
    over(&one);
}
