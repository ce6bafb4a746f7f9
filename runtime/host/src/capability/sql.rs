//! `sql`: databases of the manifest. Reads each statement before it is run, asks the gate for what it would do, and holds the one transaction of a run.
//!
//! A database that fails is the guest's to handle; a statement that is not granted (E320) or never allowed (E321) ends the run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hub_core::manifest::{Database, DatabasePlace, Dialect, SecretRef, System, TableName, Verb};
use hub_core::policy::ask::Ask;
use hub_core::problem::{Code, Problem, Sources, Spanned};
use hub_core::record::MAX_BATCH_BYTES;
use hub_core::statement::{self, MAX_STATEMENT_BYTES, Understood};
use tokio::sync::Mutex;
use url::Url;
use zeroize::Zeroizing;

pub use crate::database::Rows;
use crate::database::{Access, Column, Failure, Session, Shaped, Target, Value};

use super::run::{Ended, Run};
use crate::egress::{self, SendError};
use crate::gate::Asks;
use crate::place::beside;

const MAX_NAME_BYTES: usize = 128;
const MAX_PARAMETERS: usize = 512;
const MAX_PARAMETER_BYTES: usize = 1 << 20;
const MAX_COLUMNS: usize = 1_000;
const MAX_SKIPPED: usize = 10_000;
/// Statements of one run that are kept as understood.
const MAX_KEPT: usize = 128;
const MAX_CERTIFICATE_BYTES: u64 = 1 << 20;
/// A replacement of a large table is one statement, and takes its time.
const STATEMENT_SECONDS: u32 = 3_600;

/// Why a database did not do it.
#[derive(Clone, Debug)]
pub enum SqlError {
    /// The run has ended.
    Ended(Ended),
    /// The database said no.
    Failed(Failure),
}

impl From<Ended> for SqlError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<Failure> for SqlError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The databases of one system in one run, of which one at most is open; shared with whoever commits the checkpoint.
#[derive(Default)]
pub struct Databases {
    declared: BTreeMap<String, Arc<Database>>,
    sources: Sources,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    understood: HashMap<String, Arc<Understood>>,
}

struct Open {
    name: String,
    declared: Arc<Database>,
    session: Session,
}

/// A statement, or a load, that wants to be run.
#[derive(Debug)]
struct Request {
    system: Arc<str>,
    database: String,
    uses: BTreeSet<(TableName, Verb)>,
}

impl Asks for Request {
    fn ask(&self) -> Ask<'_> {
        Ask::Statement { system: &self.system, database: &self.database, uses: &self.uses }
    }
}

impl Databases {
    /// What the manifest grants to a system.
    #[must_use]
    pub fn new(sources: &Sources, system: &System) -> Self {
        let declared = system.databases.iter().map(|(name, database)| (name.clone(), Arc::new(database.clone()))).collect();
        Self { declared, sources: sources.clone(), state: Mutex::default() }
    }

    /// A guest has used one of them.
    pub async fn is_in_use(&self) -> bool {
        self.state.lock().await.open.is_some()
    }

    /// Makes everything since the last commit durable together with a word; nothing to do where no database was used.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit(&self, flow: &str, token: &str) -> Result<(), Failure> {
        match &mut self.state.lock().await.open {
            Some(open) => open.session.commit(&open.declared.progress, flow, token).await,
            None => Ok(()),
        }
    }

    /// The word that the last commit of a flow left in the database that the guest has opened.
    ///
    /// # Errors
    /// The database's.
    pub async fn applied(&self, flow: &str) -> Result<Option<String>, Failure> {
        match &mut self.state.lock().await.open {
            Some(open) => open.session.applied(&open.declared.progress, flow).await,
            None => Ok(None),
        }
    }
}

/// The database of that name, open: connects at its first use.
async fn opened<'s>(run: &Run, state: &'s mut State, name: &str) -> Result<&'s mut Session, SqlError> {
    let open = match state.open.take() {
        Some(open) if open.name == name => open,
        Some(_) => {
            let title = format!("the connector of system `{}` wants to use a second database in one run", run.system);
            let help = "one transaction cannot span two: use a system and a flow for each";
            return Err(run.refuse(Problem::new(Code::E321, title, help)).await.into());
        }
        None => {
            let declared = declared(run, name).await?;
            let access = if run.inlet.is_some() { Access::Read } else { Access::Write };
            let session = Session::open(target(run, &declared).await?, access).await?;
            Open { name: name.to_owned(), declared, session }
        }
    };
    Ok(&mut state.open.insert(open).session)
}

async fn declared(run: &Run, name: &str) -> Result<Arc<Database>, SqlError> {
    match run.databases.declared.get(name) {
        Some(declared) => Ok(Arc::clone(declared)),
        // The gate has the words for it.
        None => Err(match cleared(run, name, BTreeSet::new()).await {
            Err(ended) => ended.into(),
            Ok(()) => Failure::default().into(),
        }),
    }
}

async fn cleared(run: &Run, database: &str, uses: BTreeSet<(TableName, Verb)>) -> Result<(), Ended> {
    let request = Request { system: Arc::clone(&run.system), database: database.to_owned(), uses };
    run.clear(request).await.map(|cleared| drop(cleared.into_inner()))
}

async fn target(run: &Run, declared: &Database) -> Result<Target, SqlError> {
    let sources = &run.databases.sources;
    let (host, port, user, database) = match &declared.place.value {
        DatabasePlace::Sqlite { path } => return Ok(Target::Sqlite(beside(sources, declared.place.span, path))),
        DatabasePlace::Postgres { host, port, user, database } => (host, port, user.clone(), database.clone()),
    };
    let (tls, password, url) = match means(sources, declared, host, *port) {
        Ok(means) => means,
        Err(why) => {
            let title = format!("the database of system `{}` cannot be used: {why}", run.system);
            let problem = Problem::new(Code::E322, title, "correct `url`, `password` or `ca` of the database");
            return Err(run.refuse(problem.at(declared.place.span, "this database")).await.into());
        }
    };
    let addresses = run.egress.addresses(&url).await.map_err(|error| match error {
        SendError::Denied(problem) => SqlError::Ended(run.end(problem)),
        _ => Failure::passing("the name leads nowhere").into(),
    })?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let patience = Duration::from_secs(u64::from(declared.statement_seconds.unwrap_or(STATEMENT_SECONDS)));
    Ok(Target::Postgres { addresses, host, user, database, password, tls, patience })
}

type Tls = Option<Box<rustls::ClientConfig>>;

/// How TLS is spoken, the password, and the URL that stands for the server when the gate is asked: its question about an address is asked in terms of the
/// web, and what it is about is TLS or none.
fn means(sources: &Sources, declared: &Database, host: &str, port: u16) -> Result<(Tls, Option<Zeroizing<String>>, Url), String> {
    let own = declared.authority.as_ref().map(|file| beside(sources, file.span, &file.value));
    let tls = if own.is_none() && declared.is_here() { None } else { Some(Box::new(trust(own.as_deref())?)) };
    let read = |place: &Spanned<SecretRef>| egress::read_secret(sources, place.span, &place.value);
    let password = declared.password.as_ref().map(read).transpose().map_err(|why| format!("its password: {why}"))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{host}:{port}/")).map_err(|_| "its host is none".to_owned())?;
    Ok((tls, password, url))
}

/// Who may sign the server's certificate: an own authority, or those that the machine trusts.
fn trust(own: Option<&std::path::Path>) -> Result<rustls::ClientConfig, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let Some(file) = own else {
        return Ok(builder.with_platform_verifier().map_err(|error| error.to_string())?.with_no_client_auth());
    };
    let pem = egress::read_bounded(file, MAX_CERTIFICATE_BYTES).map_err(|error| format!("`ca` cannot be read: {error}"))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| "`ca` holds no certificates".to_owned())?;
        roots.add(certificate).map_err(|_| "`ca` holds a certificate that is none".to_owned())?;
    }
    if roots.is_empty() {
        Err("`ca` holds no certificate".to_owned())
    } else {
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// Which SQL a database speaks; connects.
///
/// # Errors
/// See [`SqlError`].
pub async fn dialect(run: &Run, database: &str) -> Result<Dialect, SqlError> {
    named(run, &[database]).await?;
    let mut state = run.databases.state.lock().await;
    Ok(opened(run, &mut state, database).await?.dialect())
}

/// The columns of a table that the manifest mentions.
///
/// # Errors
/// See [`SqlError`].
pub async fn describe(run: &Run, database: &str, table: TableName) -> Result<Option<Vec<Column>>, SqlError> {
    named(run, &[database, &table.schema, &table.table]).await?;
    let mut state = run.databases.state.lock().await;
    let session = opened(run, &mut state, database).await?;
    let known = declared(run, database).await?;
    let is_own = table.schema == statement::temporary_schema(known.dialect());
    if !is_own && !known.tables.iter().any(|grant| grant.covers(&table) && !grant.verbs.is_empty()) {
        cleared(run, database, BTreeSet::from([(table, Verb::Select)])).await?;
        return Ok(None);
    }
    Ok(session.describe(&table).await?)
}

/// Runs a statement without an answer.
///
/// # Errors
/// See [`SqlError`].
pub async fn execute(run: &Run, database: &str, text: &str, parameters: Vec<Value>) -> Result<u64, SqlError> {
    let mut state = run.databases.state.lock().await;
    let understood = understood(run, &mut state, database, text, &parameters).await?;
    if understood.answers {
        return Err(refused(run, "a SELECT belongs into `query`").await.into());
    }
    Ok(opened(run, &mut state, database).await?.execute(&understood.text, parameters).await?)
}

/// Runs a statement that answers with rows.
///
/// # Errors
/// See [`SqlError`].
pub async fn query(run: &Run, database: &str, text: &str, parameters: Vec<Value>, columns: Vec<Shaped>) -> Result<Rows, SqlError> {
    shaped(run, &columns).await?;
    let mut state = run.databases.state.lock().await;
    let understood = understood(run, &mut state, database, text, &parameters).await?;
    if !understood.answers {
        return Err(refused(run, "only a SELECT belongs into `query`").await.into());
    }
    Ok(opened(run, &mut state, database).await?.query(&understood.text, parameters, columns).await?)
}

/// Adds records to a table.
///
/// # Errors
/// See [`SqlError`].
pub async fn load(
    run: &Run,
    database: &str,
    table: TableName,
    columns: &[Shaped],
    records: Vec<u8>,
    skip: &[u32],
) -> Result<u32, SqlError> {
    named(run, &[database, &table.schema, &table.table]).await?;
    shaped(run, columns).await?;
    run.within("a batch in bytes", records.len(), MAX_BATCH_BYTES).await?;
    run.within("a number of rows to leave out", skip.len(), MAX_SKIPPED).await?;
    let mut state = run.databases.state.lock().await;
    let known = declared(run, database).await?;
    let is_own = table.schema == statement::temporary_schema(known.dialect());
    let uses = if is_own { BTreeSet::new() } else { BTreeSet::from([(table.clone(), Verb::Insert)]) };
    cleared(run, database, uses).await?;
    Ok(opened(run, &mut state, database).await?.load(&table, columns, records, skip).await?)
}

/// The next part of an answer as a JSON array, in the sandbox.
///
/// # Errors
/// E310 without the read-body grant; see [`SqlError`].
pub async fn read(run: &Run, rows: &mut Rows) -> Result<Option<Vec<u8>>, SqlError> {
    run.clear(super::http::BodyRead { system: Arc::clone(&run.system) }).await.map(|cleared| drop(cleared.into_inner()))?;
    Ok(rows.next().await?.map(|chunk| chunk.json))
}

async fn named(run: &Run, names: &[&str]) -> Result<(), Ended> {
    run.going()?;
    for name in names {
        run.within("a name in bytes", name.len(), MAX_NAME_BYTES).await?;
    }
    Ok(())
}

async fn shaped(run: &Run, columns: &[Shaped]) -> Result<(), Ended> {
    run.going()?;
    run.within("a number of columns", columns.len(), MAX_COLUMNS).await?;
    for column in columns {
        run.within("a name in bytes", column.name.len(), MAX_NAME_BYTES).await?;
    }
    Ok(())
}

/// The statement, read and cleared.
async fn understood(run: &Run, state: &mut State, database: &str, text: &str, parameters: &[Value]) -> Result<Arc<Understood>, SqlError> {
    named(run, &[database]).await?;
    run.within("a statement in bytes", text.len(), MAX_STATEMENT_BYTES).await?;
    run.within("a number of parameters", parameters.len(), MAX_PARAMETERS).await?;
    let size = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 8,
    };
    run.within("parameters in bytes", parameters.iter().map(size).sum(), MAX_PARAMETER_BYTES).await?;
    let known = match state.understood.get(text) {
        Some(known) => Arc::clone(known),
        None => {
            let dialect = declared(run, database).await?.dialect();
            let read = match statement::understand(dialect, text) {
                Ok(read) => Arc::new(read),
                Err(fault) => return Err(refused(run, &fault.0).await.into()),
            };
            if state.understood.len() < MAX_KEPT {
                state.understood.insert(text.to_owned(), Arc::clone(&read));
            }
            read
        }
    };
    cleared(run, database, known.uses.clone()).await?;
    Ok(known)
}

async fn refused(run: &Run, why: &str) -> Ended {
    let title = format!("the connector of system `{}` passed a statement that is not run: {why}", run.system);
    run.refuse(Problem::new(Code::E321, title, "report it to the connector's author")).await
}

#[cfg(test)]
mod tests;
