//! `[system.ID.databases.NAME]`: where a database is and what may be done with which table. Read strictly, like every grant.

use std::collections::BTreeMap;

use url::Url;

use super::super::load::Loader;
use super::super::raw::Table;
use super::super::{Database, DatabasePlace, Origin, TableGrant, TableName, Verb};
use super::secret::secret;
use super::{Named, read};
use crate::manifest::finding::shorten;
use crate::problem::{Code, Problem, Span, Spanned};

const DEFAULT_PORT: u16 = 5432;
/// PostgreSQL cuts longer names.
const MAX_NAME_BYTES: usize = 63;
const URL_HELP: &str = "write `postgres://USER@HOST:PORT/DATABASE` or `sqlite:FILE`";

pub(super) fn databases(table: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, Database> {
    let found = read::tables(table, "databases").into_iter();
    found.filter_map(|named| database(&named, loader).map(|database| (named.id.value.clone(), database))).collect()
}

fn database(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Database> {
    let table = named.table;
    let place = read::filled(table, "url", loader).and_then(|url| place(&url, loader));
    let password =
        read::table(table, "password").and_then(|(written, span)| secret(written, span, loader).map(|value| Spanned { value, span }));
    let authority = read::filled(table, "ca", loader);
    let grants = grants(table, loader);
    let place = place?;
    let is_file = matches!(place.value, DatabasePlace::Sqlite { .. });
    let statement_seconds = read::number(table, "statement_seconds");
    for (key, is_there) in
        [("password", password.is_some()), ("ca", authority.is_some()), ("statement_seconds", statement_seconds.is_some())]
    {
        if let Some((name, _)) = table.entry(key).filter(|_| is_file && is_there) {
            loader.findings.wrong(name.span, format!("`{key}` has no meaning for a file"), "remove it");
        }
    }
    for grant in grants.iter().filter(|grant| is_file && grant.schema != "main") {
        let title = format!("SQLite has no schema `{}`", shorten(&grant.schema));
        loader.findings.wrong(grant.span, title, "name the table as `main.TABLE`");
    }
    let progress = match read::filled(table, "progress", loader) {
        Some(written) => name(&written.value).or_else(|| {
            let title = format!("`{}` is not the name of a table", shorten(&written.value));
            loader.findings.wrong(written.span, title, "write `SCHEMA.TABLE`, in lower case");
            None
        })?,
        None => {
            let schema = if is_file { "main" } else { "public" };
            TableName { schema: schema.to_owned(), table: "hub_progress".to_owned() }
        }
    };
    Some(Database { place, password, authority, tables: grants, progress, statement_seconds })
}

fn place(written: &Spanned<String>, loader: &mut Loader<'_>) -> Option<Spanned<DatabasePlace>> {
    if let Some(path) = written.value.strip_prefix("sqlite:") {
        if path.is_empty() || path.starts_with("//") || path.contains(['?', '#']) || path.starts_with(':') {
            loader.findings.wrong(written.span, "this is not the path of a SQLite file", "write `sqlite:FILE`, relative to this file");
            return None;
        }
        return Some(Spanned { value: DatabasePlace::Sqlite { path: path.to_owned() }, span: written.span });
    }
    match server(&written.value) {
        Ok(value) => in_the_open(&value, written.span, loader).then_some(Spanned { value, span: written.span }),
        Err(Fault::Password) => {
            loader.findings.secrets.push(written.span);
            let help = "leave it out, and say where it is: `password = { file = \"…\" }`";
            loader.findings.wrong(written.span, "the URL of a database holds a password", help);
            None
        }
        Err(Fault::Unreadable) => {
            loader.findings.wrong(written.span, format!("`{}` names no database", shorten(&written.value)), URL_HELP);
            None
        }
    }
}

enum Fault {
    Password,
    Unreadable,
}

fn server(text: &str) -> Result<DatabasePlace, Fault> {
    let url = Url::parse(text).map_err(|_| Fault::Unreadable)?;
    if url.password().is_some() {
        return Err(Fault::Password);
    }
    let database = url.path().strip_prefix('/').filter(|name| is_name(name)).map(str::to_owned);
    let user = Some(url.username()).filter(|name| is_name(name)).map(str::to_owned);
    let host = url.host_str().filter(|host| !host.is_empty() && !host.contains(['*', '%'])).map(str::to_ascii_lowercase);
    let plain = url.query().is_none() && url.fragment().is_none() && matches!(url.scheme(), "postgres" | "postgresql");
    match (host, user, database) {
        (Some(host), Some(user), Some(database)) if plain => {
            Ok(DatabasePlace::Postgres { host, port: url.port().unwrap_or(DEFAULT_PORT), user, database })
        }
        _ => Err(Fault::Unreadable),
    }
}

/// `localhost` and names inside: everything else is reached with TLS, so there is nothing that could be left open by mistake.
fn in_the_open(place: &DatabasePlace, span: Span, loader: &mut Loader<'_>) -> bool {
    let DatabasePlace::Postgres { host, port, .. } = place else { return true };
    let is_fine = *port != 0 && Origin::parse(&format!("https://{host}:{port}")).is_ok();
    if !is_fine {
        let problem = Problem::new(Code::E003, format!("`{}` is not the host of a database", shorten(host)), URL_HELP);
        loader.findings.push(problem.at(span, "here"));
    }
    is_fine
}

fn grants(table: &Table, loader: &mut Loader<'_>) -> Vec<TableGrant> {
    let Some((tables, _)) = read::table(table, "tables") else { return Vec::new() };
    let mut found = Vec::new();
    for (id, _) in &tables.entries {
        let verbs: Vec<Verb> = read::words(tables, &id.value).into_iter().map(|verb| verb.value).collect();
        let pattern = id.value.strip_suffix(".*").filter(|schema| is_name(schema)).map(|schema| (schema.to_owned(), None));
        match pattern.or_else(|| name(&id.value).map(|name| (name.schema, Some(name.table)))) {
            Some((schema, table)) => found.push(TableGrant { span: id.span, schema, table, verbs }),
            None => {
                let title = format!("`{}` is not the name of a table", shorten(&id.value));
                loader.findings.wrong(id.span, title, "write `SCHEMA.TABLE` or `SCHEMA.*`, between quotation marks");
            }
        }
    }
    found
}

/// `SCHEMA.TABLE`.
fn name(text: &str) -> Option<TableName> {
    let (schema, table) = text.split_once('.')?;
    (is_name(schema) && is_name(table)).then(|| TableName { schema: schema.to_owned(), table: table.to_owned() })
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(plain)
}
