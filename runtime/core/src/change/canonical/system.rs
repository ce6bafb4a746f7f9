//! The canonical form of a system. Of secrets it holds the place, never the value.

use serde_json::Value;

use super::table::Table;
use crate::manifest::{
    Contract, Credential, CredentialScheme, Database, FolderAccess, FolderGrant, Hosting, ImpactAssessment, Limits, Origin, Region,
    RightsSupport, SecretRef, System, SystemStatus, Transfer,
};

pub(super) fn system(system: &System) -> Value {
    let table = Table::default()
        .text("connector", Some(system.connector.value.to_string()))
        // A digest: a connector of one's own may be given a secret there in plain text.
        .text("config", Some(super::digest(&system.config.value)))
        .text("status", Some(system.status.as_ref().map_or(SystemStatus::Approved, |status| status.value)))
        .words("hosts", system.hosts.iter().map(|host| origin(&host.value)))
        .words("networks", system.networks.iter().map(|network| format!("{}/{}", network.value.address, network.value.prefix)))
        .set("folders", super::by_id(&system.folders, folder))
        .set("databases", super::by_id(&system.databases, database))
        .set("credentials", super::by_id(&system.credentials, credential))
        .set("secrets", super::by_id(&system.secrets, |place| Value::String(secret(&place.value))))
        .spanned("labels", system.labels.as_ref())
        .flag("read_body", system.read_body)
        .set("limits", limits(system.limits))
        .spanned("rate", system.rate.as_ref())
        .integer("concurrency", system.concurrency.as_ref().map(|most| most.value));
    parties(table, system).done()
}

fn parties(table: Table, system: &System) -> Table {
    let disclosure = system.disclosure.as_ref().map(|disclosure| Table::default().text("law", Some(&disclosure.law.value)).done());
    let backup = system.backup.as_ref().map(|backup| Table::default().text("rotation", Some(backup.rotation.value)).done());
    table
        .wording("name", system.name.as_ref())
        .spanned("kind", system.kind.as_ref())
        .spanned("owner", system.owner.as_ref())
        .spanned("role", system.role.as_ref())
        .spanned("legal_name", system.legal_name.as_ref())
        .maybe("hosting", system.hosting.as_ref().map(hosting))
        .maybe("region", system.region.as_ref().map(region))
        .words("collected_for", system.collected_for.iter().map(|purpose| &purpose.value))
        .words("access_from", system.access_from.iter().map(|country| &country.value))
        .flag("ai", system.ai)
        .spanned("mandant", system.mandant.as_ref())
        .maybe("backup", backup)
        .maybe("dsr", system.dsr.as_ref().map(rights))
        .maybe("disclosure", disclosure)
        .maybe("contract", system.contract.as_ref().map(contract))
        .set("transfer", Table::keyed(system.transfers.iter().map(transfer)))
}

fn origin(origin: &Origin) -> String {
    format!("{}://{}:{}", origin.scheme, origin.host, origin.port)
}

/// Where a secret is.
pub(super) fn secret(place: &SecretRef) -> String {
    match place {
        SecretRef::File(path) => format!("file:{path}"),
        SecretRef::Env(name) => format!("env:{name}"),
        SecretRef::Store(name) => format!("kms:{name}"),
    }
}

fn folder(folder: &FolderGrant) -> Value {
    let access = match folder.access {
        FolderAccess::Read => "read",
        FolderAccess::Write => "write",
    };
    Table::default().text("path", Some(&folder.path.value)).text("access", Some(access)).done()
}

fn database(database: &Database) -> Value {
    let tables = database.tables.iter().map(|grant| {
        let verbs: Vec<&str> = grant.verbs.iter().map(|verb| verb.word()).collect();
        (grant.name(), Table::default().words("verbs", verbs).done())
    });
    Table::default()
        .text("url", Some(database.place.value.url()))
        .text("password", database.password.as_ref().map(|place| secret(&place.value)))
        .spanned("ca", database.authority.as_ref())
        .text("progress", Some(database.progress.to_string()))
        .integer("statement_seconds", database.statement_seconds)
        .set("tables", Value::Object(tables.collect()))
        .done()
}

fn credential(credential: &Credential) -> Value {
    let table = match &credential.scheme {
        CredentialScheme::Bearer => Table::default().text("scheme", Some("bearer")),
        CredentialScheme::Basic { user } => Table::default().text("scheme", Some("basic")).text("user", Some(user)),
        CredentialScheme::Header { name } => Table::default().text("scheme", Some("header")).text("header", Some(name)),
    };
    table.words("origins", credential.origins.iter().map(origin)).text("value", Some(secret(&credential.value))).done()
}

fn limits(limits: Limits) -> Value {
    Table::default().integer("memory_mib", limits.memory_mib).integer("seconds", limits.seconds).done()
}

fn hosting(hosting: &Hosting) -> Value {
    Table::default()
        .text("country", Some(&hosting.country.value))
        .spanned("region", hosting.region.as_ref())
        .spanned("provider", hosting.provider.as_ref())
        .done()
}

fn region(region: &Region) -> Value {
    Table::default()
        .text("header", Some(&region.header.value))
        .text("is", Some(&region.is.value))
        .words("origins", region.origins.iter().map(origin))
        .done()
}

fn rights(rights: &RightsSupport) -> Value {
    Table::default()
        .spanned("access", rights.access.as_ref())
        .spanned("rectify", rights.rectify.as_ref())
        .spanned("erase", rights.erase.as_ref())
        .spanned("restrict", rights.restrict.as_ref())
        .spanned("procedure", rights.procedure.as_ref())
        .flag("remote_suppression", rights.remote_suppression)
        .done()
}

fn contract(contract: &Contract) -> Value {
    let helpers = contract.subprocessors.iter().map(|helper| {
        let table = Table::default().text("country", Some(&helper.country.value)).spanned("approved", helper.approved.as_ref());
        (helper.name.value.clone(), table.done())
    });
    Table::default()
        .text("kind", Some(contract.kind.value))
        .text("ref", Some(&contract.reference.value))
        .text("signed", Some(contract.signed.value))
        .spanned("valid_until", contract.valid_until.as_ref())
        .spanned("reviewed", contract.reviewed.as_ref())
        .spanned("review_every", contract.review_every.as_ref())
        .set("subprocessors", Table::keyed(helpers))
        .done()
}

/// A transfer below its id, or below country and mechanism.
fn transfer(transfer: &Transfer) -> (String, Value) {
    let assessment =
        |tia: &ImpactAssessment| Table::default().text("ref", Some(&tia.reference.value)).spanned("reviewed", tia.reviewed.as_ref()).done();
    let key = transfer.id.as_ref().map_or_else(|| format!("{}:{}", transfer.to.value, transfer.mechanism.value), |id| id.value.clone());
    let table = Table::default()
        .text("to", Some(&transfer.to.value))
        .text("mechanism", Some(transfer.mechanism.value))
        .spanned("instrument", transfer.instrument.as_ref())
        .spanned("evidence", transfer.evidence.as_ref())
        .spanned("checked", transfer.checked.as_ref())
        .spanned("recheck", transfer.recheck.as_ref())
        .spanned("fallback", transfer.fallback.as_ref())
        .integer("module", transfer.module.as_ref().map(|module| module.value))
        .spanned("signed", transfer.signed.as_ref())
        .maybe("tia", transfer.tia.as_ref().map(assessment))
        .spanned("ref", transfer.reference.as_ref());
    (key, table.done())
}
