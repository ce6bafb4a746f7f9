//! Attacks on databases: tables that were not granted, statements that are none, a second database, rows into the sandbox, too much of it.

use super::attack::{Attack, Guest, ensure};
use super::scene::{self, Scene};
use crate::databases::through_sqlite;

const GRANTS: &str = "databases = { main = { url = \"sqlite:shelf.db\", tables = { \"main.contacts\" = [\"select\"] } } }";

const fn refused(name: &'static str, on: &'static str, does: &'static str, config: &'static str, code: &'static str) -> Attack {
    Attack::refused(name, on, Guest::Databases, code, 3).does(does).config(config).system(GRANTS).before(prepare).after(untouched)
}

pub const ALL: &[Attack] = &[
    refused("table-not-granted", "sql", "query", ", statement = \"select name as id from main.sqlite_master\"", "HUB-E320"),
    refused("verb-not-granted", "sql", "execute", ", statement = \"delete from main.contacts\"", "HUB-E320"),
    refused("verb-tried-again", "sql", "execute-anyway", ", statement = \"drop table main.contacts\"", "HUB-E320"),
    refused("load-not-granted", "sql", "load", "", "HUB-E320"),
    refused("database-not-granted", "sql", "another", "", "HUB-E320"),
    refused("two-statements", "sql", "execute", ", statement = \"select 1; delete from main.contacts\"", "HUB-E321"),
    refused("attached-file", "sql", "execute", ", statement = \"attach database 'other.db' as other\"", "HUB-E321"),
    refused("comment-in-a-statement", "sql", "execute", ", statement = \"delete /* x */ from main.contacts\"", "HUB-E321"),
    refused("rows-in-the-sandbox", "sql", "query", ", statement = \"select id from main.contacts\"", "HUB-E310"),
    refused("oversized-statement", "sql", "long-statement", "", "HUB-E306"),
    refused("too-many-observed-columns", "tables", "many-observed", ", statement = \"select id from main.contacts\"", "HUB-E306"),
];

/// A file with a table of five rows.
fn prepare(scene: &Scene) {
    let program = &scene.program;
    if program.has("shelf.db") {
        return;
    }
    program.write("shelf.toml", through_sqlite(5, "mode = \"upsert\"\n"));
    program.run(&["run", "--data", "shelf-data", "--flow", "contacts-to-shelf", "shelf.toml"]).ends(0);
}

/// The rows are still there.
fn untouched(scene: &Scene, _: &scene::End) -> Result<(), String> {
    let program = &scene.program;
    let read =
        program.run(&["run", "--data", "shelf-data", "--flow", "shelf-to-archive", "--dry-run", "--output", "json", "shelf.toml"]).ends(0);
    let count = read.json()["flows"][0]["read"].as_u64();
    ensure(count == Some(5), || format!("the table has {count:?} rows"))
}

#[test]
fn attacks_on_databases() {
    scene::perform(ALL);
}
