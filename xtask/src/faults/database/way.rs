//! The flows that are tried: into a table in each mode, and out of a table. Their manifests, how their tables look before a round, and what must be there after it.

use std::fmt::Write as _;
use std::fs;

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::cluster::Cluster;
use crate::faults::matrix::ensure;
use crate::faults::matrix::site::{Ground, Site};
use crate::process::{Failure, Result};

/// Records that are read from a table.
const PEOPLE: u64 = 25_000;
/// Records that are written into a table: several batches, and three commits.
const CONTACTS: u64 = 25_000;
/// Where records of a table go.
pub const ARCHIVE: &str = "out/people.ndjson";
/// Name of the role that hub has.
pub const ROLE: &str = "hub_user";
const PASSWORD: &str = "faults";
const CREATED: &str = "CREATE ROLE hub_user LOGIN PASSWORD 'faults'; CREATE DATABASE shop;";

/// What a flow does with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Adds records to a table without a key: one that came twice would be there twice.
    Append,
    /// Adds and changes records of a table that holds half of them, all out of date.
    Upsert,
    /// Replaces the rows of a table that is full of others.
    Replace,
    /// Reads a table into a file.
    Read,
}

impl Way {
    /// In the order of the rounds.
    pub const ALL: [Self; 4] = [Self::Append, Self::Upsert, Self::Replace, Self::Read];

    /// Its name, which is that of its mode and of its table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Upsert => "upsert",
            Self::Replace => "replace",
            Self::Read => "read",
        }
    }

    /// Records of its source.
    pub fn records(self) -> u64 {
        if self == Self::Read { PEOPLE } else { CONTACTS }
    }

    fn manifest(self, port: u16) -> String {
        let tables = "tables = { \"crm.*\" = [\"select\", \"insert\", \"update\", \"delete\"] }";
        let warehouse = format!(
            "[system.warehouse]\nconnector = \"builtin:sql\"\nconfig = {{ schema = \"crm\", streams = {{ people = {{ cursor = \"changed\" }} }} }}\n\
             collected_for = [\"care\"]\ndsr = {{ erase = \"manual\", procedure = \"DSR-1\" }}\n[system.warehouse.databases.main]\n\
             url = \"postgres://{ROLE}@127.0.0.1:{port}/shop\"\npassword = {{ file = \"password\" }}\nprogress = \"crm.hub_progress\"\n{tables}\n"
        );
        let rest = match self {
            Self::Read => format!(
                "{ARCHIVE_SYSTEM}[stream.warehouse.people]\nprimary_key = [\"id\"]\ncursor = \"changed\"\nfields = {{ id = \"system.operations\", \
                 name = \"system.operations\", changed = \"system.operations\" }}\n{}",
                flow("warehouse.people", "archive.people", "append", "\"id\", \"name\"")
            ),
            into => format!("{CRM}{}", flow("crm.contacts", &format!("warehouse.{}", into.name()), into.name(), FIELDS)),
        };
        [HEAD, &warehouse, &rest].concat()
    }
}

const FIELDS: &str = "\"id\", \"first_name\", \"email\"";
const HEAD: &str = r#"manifest = 1
operator = { name = "Faults", contact = "faults@example.org" }
[purpose.care]
use = "essential.service"
basis = { art6 = "b", contract = "purchase" }
allows = ["user", "system"]
[retention.customer]
kind = "limit"
period = "P3Y"
"#;
const ARCHIVE_SYSTEM: &str = r#"[system.archive]
connector = "builtin:file"
config = { folder = "out" }
folders = { out = { path = "out", access = "write" } }
dsr = { erase = "manual", procedure = "DSR-1" }
"#;
/// As many as [`CONTACTS`].
const CRM: &str = "[system.crm]\nconnector = \"builtin:sample\"\nconfig = { records = 25000 }\ncollected_for = [\"care\"]\n";

fn flow(from: &str, to: &str, mode: &str, fields: &str) -> String {
    format!(
        "[flow.tried]\nfrom = \"{from}\"\nto = \"{to}\"\npurpose = \"care\"\nretention = [\"customer\"]\nmode = \"{mode}\"\nfields = [{fields}]\n"
    )
}

/// What all rounds share: the records of the source, and the server with its tables.
pub struct Stage {
    pub cluster: Cluster,
    /// SHA-256 of all contacts as [`CHECKED`] writes them.
    contacts: String,
}

/// What is in a table, by the server, against its copy of the source's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Different keys.
    pub there: u64,
    /// Rows with a key that another row has.
    pub twice: u64,
    /// Rows that are none of the source's.
    pub changed: u64,
}

const CHECKED: &str = "encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', id, coalesce(first_name, '-'), email), E'\\n' ORDER BY id), ''), 'UTF8')), 'hex')";

impl Stage {
    /// The tables, filled with what the source says when it is read into a file.
    pub fn set(ground: &Ground, mut cluster: Cluster) -> Result<Self> {
        let copy =
            ground.site("contacts", &[HEAD, ARCHIVE_SYSTEM, CRM, &flow("crm.contacts", "archive.contacts", "append", FIELDS)].concat())?;
        copy.run(&["run", "--quiet"])?.with(0)?;
        let text = fs::read_to_string(copy.path("out/contacts.ndjson")).unwrap_or_default();
        let (mut lines, mut rows) = (Vec::new(), String::new());
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_default();
            let field = |name: &str| {
                record
                    .get(name)
                    .filter(|value| !value.is_null())
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            };
            let (id, name, email) = (field("id").unwrap_or_default(), field("first_name"), field("email").unwrap_or_default());
            ensure(![&id, &email].iter().any(|text| text.contains(['\t', '\\'])), || {
                "a record of the source does not fit COPY".to_owned()
            })?;
            // Writing to a String cannot fail.
            let _ = writeln!(rows, "{id}\t{}\t{email}", name.as_deref().unwrap_or("\\N"));
            lines.push((id.parse::<u64>().unwrap_or(0), format!("{id}|{}|{email}", name.as_deref().unwrap_or("-"))));
        }
        ensure(lines.len() as u64 == CONTACTS, || format!("the source has {} records instead of {CONTACTS}", lines.len()))?;
        lines.sort();
        let all = lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let sql = |database: &str, text: &str| cluster.sql(database, text).map_err(Failure::new);
        sql("postgres", CREATED)?;
        sql("shop", TABLES)?;
        sql("shop", &format!("COPY crm.source FROM STDIN;\n{rows}\\.\n"))?;
        sql(
            "shop",
            &format!(
                "INSERT INTO crm.people SELECT id, 'person-' || id, timestamptz '2026-01-01 00:00Z' + interval '1 s' * (id / 10) FROM generate_series(1, {PEOPLE}) id"
            ),
        )?;
        cluster.sql("shop", "VACUUM ANALYZE").map_err(Failure::new)?;
        // What the tables hold now stays, whatever is killed.
        cluster.end(rustix::process::Signal::INT);
        cluster.serve().map_err(Failure::new)?;
        Ok(Self { cluster, contacts: HEXLOWER.encode(&Sha256::digest(all)) })
    }

    /// A folder for a flow, in which the components are compiled and nothing has run.
    pub fn prepared(&self, ground: &Ground, way: Way, port: u16) -> Result<Site> {
        let site = ground.site(way.name(), &way.manifest(port))?;
        // A trial compiles the source only. Both are compiled by a run that cannot log in.
        site.run(&["run", "--quiet"])?.refused(&["HUB-E322"])?;
        site.write("password", PASSWORD.as_bytes())?;
        site.run(&["run", "--dry-run", "--limit", "1"])?.with(0)?;
        Ok(site)
    }

    /// The table as it is before a round; no word of an earlier one is left.
    pub fn reset(&self, way: Way) -> Result<()> {
        let text = match way {
            Way::Append => "TRUNCATE crm.append;",
            Way::Upsert => "TRUNCATE crm.upsert; INSERT INTO crm.upsert SELECT id, 'old', 'old' FROM crm.source WHERE id % 2 = 0;",
            Way::Replace => {
                "TRUNCATE crm.replace; INSERT INTO crm.replace SELECT -id, 'old', 'old' FROM crm.source; INSERT INTO crm.replace SELECT id, 'old', 'old' FROM crm.source WHERE id % 3 = 0;"
            }
            Way::Read => "",
        };
        self.sql(&format!("DROP TABLE IF EXISTS crm.hub_progress; {text}")).map(|_| ())
    }

    /// Statements in the database, as its superuser.
    pub fn sql(&self, text: &str) -> Result<String> {
        self.cluster.sql("shop", text).map_err(Failure::new)
    }

    /// Rows of a flow's table.
    pub fn count(&self, way: Way) -> Result<u64> {
        Ok(self.sql(&format!("SELECT count(*) FROM crm.{}", way.name()))?.parse().unwrap_or(0))
    }

    /// Compares a flow's table with the source: by counts against the server's copy of it, and by a checksum against the records themselves.
    pub fn rows(&self, way: Way) -> Result<Rows> {
        let table = format!("crm.{}", way.name());
        let found = self.sql(&format!(
            "SELECT count(*), count(DISTINCT id), (SELECT count(*) FROM {table} there WHERE NOT EXISTS (SELECT FROM crm.source s WHERE s.id = there.id \
             AND (s.first_name, s.email) IS NOT DISTINCT FROM (there.first_name, there.email))), {CHECKED} FROM {table}"
        ))?;
        let parts: Vec<&str> = found.split('|').collect();
        let [all, different, changed, checksum] = parts.as_slice() else { return Err(Failure::new(format!("psql says {found}"))) };
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let (all, there, mut changed) = (number(all), number(different), number(changed));
        if *checksum != self.contacts && all == CONTACTS && there == CONTACTS && changed == 0 {
            changed = 1;
        }
        Ok(Rows { there, twice: all - there, changed })
    }
}

/// Lines of the file that are none of the table's rows.
pub fn changed_lines(site: &Site) -> u64 {
    let is_a_row = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        let id = record.get("id").and_then(Value::as_u64).filter(|id| (1..=PEOPLE).contains(id));
        id.is_some_and(|id| record.get("name").and_then(Value::as_str) == Some(&format!("person-{id}")))
    };
    fs::read_to_string(site.path(ARCHIVE)).unwrap_or_default().lines().filter(|line| !is_a_row(line)).count() as u64
}

const TABLES: &str = "CREATE SCHEMA crm AUTHORIZATION hub_user; SET ROLE hub_user;
    CREATE TABLE crm.append (id bigint, first_name text, email text);
    CREATE TABLE crm.upsert (id bigint PRIMARY KEY, first_name text, email text);
    CREATE TABLE crm.replace (id bigint, first_name text, email text);
    CREATE TABLE crm.people (id bigint PRIMARY KEY, name text NOT NULL, changed timestamptz NOT NULL);
    CREATE TABLE crm.source (id bigint PRIMARY KEY, first_name text, email text);";
