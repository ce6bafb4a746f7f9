//! `[system.ID]`: what a connector is and what it may reach. Grants are read strictly: what cannot be read exactly is refused.

use std::collections::BTreeMap;

use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::walk::{SECRET, flatten, id_fault};
use super::super::{ConnectorRef, Credential, CredentialScheme, FolderGrant, Limits, Network, Origin, Region, SecretRef, System};
use super::secret::secret;
use super::{Named, OriginFault, database, party, read, timing};
use crate::manifest::finding::shorten;
use crate::plugin::{Reference, Registry, is_plugin_name};
use crate::problem::{Code, Problem, Span, Spanned};

/// Headers that the host writes itself, or that would change where a request ends.
const HOST_HEADERS: [&str; 8] = ["host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"];

pub(super) fn system(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<System> {
    let table = named.table;
    let connector = connector(table, loader);
    let config = match table.get("config") {
        Some(node) => read::json(node, loader).map(|value| Spanned { value, span: node.span }),
        None => Some(Spanned { value: serde_json::Value::Object(serde_json::Map::new()), span: named.id.span }),
    };
    let hosts = origins(table, "hosts", loader);
    let networks = networks(table, loader);
    let folders = folders(table, loader);
    let databases = database::databases(table, loader);
    let credentials = credentials(table, &hosts, loader);
    let secrets = secrets(table, loader);
    let labels = read::filled(table, "labels", loader);
    let connector = connector.inspect(|connector| low_code_only(table, &connector.value, loader));
    Some(System {
        id: named.id(),
        low_code: connector.as_ref().is_some_and(|connector| matches!(connector.value, ConnectorRef::LowCode(_))),
        status: read::word(table, "status"),
        region: read::one(table, "region", loader, |region, span, loader| self::region(region, span, &hosts, loader)),
        hosts,
        networks,
        folders,
        databases,
        credentials,
        secrets,
        labels,
        read_body: read::texts(table, "grants").iter().find(|grant| grant.value == "read-body").map(|grant| grant.span),
        limits: limits(table),
        rate: timing::rate(table, loader),
        concurrency: read::count(table, "concurrency"),
        name: read::wording(table, "name", loader),
        kind: read::filled(table, "kind", loader),
        owner: read::filled(table, "owner", loader),
        role: read::word(table, "role"),
        legal_name: read::filled(table, "legal_name", loader),
        hosting: read::one(table, "hosting", loader, party::hosting),
        collected_for: read::filled_texts(table, "collected_for", loader),
        access_from: read::countries(table, "access_from", loader),
        ai: read::flag(table, "ai"),
        mandant: read::filled(table, "mandant", loader),
        backup: read::one(table, "backup", loader, party::backup),
        dsr: read::one(table, "dsr", loader, party::rights),
        disclosure: read::one(table, "disclosure", loader, party::disclosure),
        contract: read::one(table, "contract", loader, party::contract),
        transfers: party::transfers(table, loader),
        connector: connector?,
        config: config?,
    })
}

fn limits(table: &Table) -> Limits {
    let Some((limits, _)) = read::table(table, "limits") else { return Limits::default() };
    Limits { memory_mib: read::number(limits, "memory_mib"), seconds: read::number(limits, "seconds") }
}

fn connector(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<ConnectorRef>> {
    let written = read::filled(table, "connector", loader)?;
    let span = written.span;
    if let Some(name) = written.value.strip_prefix("builtin:") {
        if let Some(fault) = id_fault(name) {
            loader.findings.wrong(span, format!("`{}` cannot be the name of a connector", shorten(name)), fault);
            return None;
        }
        return Some(Spanned { value: ConnectorRef::Builtin(name.to_owned()), span });
    }
    if let Some(name) = written.value.strip_prefix("plugin:") {
        if !is_plugin_name(name) {
            let help = "write its name as `hub plugin list` shows it: `plugin:acme-crm`";
            loader.findings.wrong(span, format!("`{}` cannot be the name of a connector", shorten(name)), help);
            return None;
        }
        return Some(Spanned { value: ConnectorRef::Plugin(name.to_owned()), span });
    }
    let file = (!written.value.contains("://")).then(|| written.value.rsplit('.').next()).flatten();
    match file {
        Some("wasm") => return Some(Spanned { value: ConnectorRef::Path(written.value), span }),
        Some("yaml" | "yml") => return Some(Spanned { value: ConnectorRef::LowCode(written.value), span }),
        _ if is_registry_name(&written.value) => return Some(Spanned { value: ConnectorRef::Oci(written.value), span }),
        _ => {}
    }
    let title = format!("`{}` names no connector", shorten(&written.value));
    let help = "write `builtin:NAME`, `plugin:NAME` for one that was installed, or the path of a `.wasm` file or of a low-code `manifest.yaml`, relative to this file";
    loader.findings.wrong(span, title, help);
    None
}

/// `oci://HOST/NAME@sha256:HEX`: a tag alone does not say which bytes.
fn is_registry_name(text: &str) -> bool {
    Reference::parse(text).is_ok_and(|read| matches!(read.registry, Registry::Remote(_)) && read.digest.is_some())
}

fn origins(table: &Table, name: &str, loader: &mut Loader<'_>) -> Vec<Spanned<Origin>> {
    let mut found = Vec::new();
    for written in read::texts(table, name) {
        match Origin::parse(&written.value) {
            Ok(value) => found.push(Spanned { value, span: written.span }),
            Err(fault) => loader.findings.push(origin_problem(&written, fault)),
        }
    }
    found
}

pub(super) fn origin_problem(written: &Spanned<String>, fault: OriginFault) -> Problem {
    if fault == OriginFault::PlainHttp {
        let title = format!("`{}` would be reached without TLS", shorten(&written.value));
        return Problem::new(Code::E401, title, fault.help()).at(written.span, "plain http to another machine");
    }
    let shown = if fault == OriginFault::UserInfo { "a URL with a user name".to_owned() } else { format!("`{}`", shorten(&written.value)) };
    Problem::new(Code::E003, format!("{shown} is not an origin"), fault.help()).at(written.span, "here")
}

pub(super) fn networks(table: &Table, loader: &mut Loader<'_>) -> Vec<Spanned<Network>> {
    let mut found = Vec::new();
    for written in read::texts(table, "networks") {
        let help = match Network::parse(&written.value) {
            None => "write an address and a prefix: `10.20.0.0/16`, or a single address",
            Some(network) if network.prefix < if network.address.is_ipv4() { 8 } else { 16 } => {
                "name the networks that are needed: at least /8 (IPv4), /16 (IPv6)"
            }
            Some(network) if !is_first(network) => "bits behind the prefix must be zero, so that the range reads as what it is",
            Some(value) => {
                found.push(Spanned { value, span: written.span });
                continue;
            }
        };
        loader.findings.wrong(written.span, format!("`{}` cannot be granted as a network", shorten(&written.value)), help);
    }
    found
}

fn is_first(network: Network) -> bool {
    let (bits, width) = match network.address {
        std::net::IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        std::net::IpAddr::V6(address) => (u128::from(address), 128),
    };
    bits.trailing_zeros() >= width - u32::from(network.prefix)
}

fn folders(table: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, FolderGrant> {
    let mut found = BTreeMap::new();
    for named in read::tables(table, "folders") {
        let path = read::filled(named.table, "path", loader);
        let access = read::word(named.table, "access");
        if let (Some(path), Some(access)) = (path, access) {
            found.insert(named.id.value.clone(), FolderGrant { path, access: access.value });
        }
    }
    found
}

fn credentials(table: &Table, hosts: &[Spanned<Origin>], loader: &mut Loader<'_>) -> BTreeMap<String, Credential> {
    let mut found = BTreeMap::new();
    for named in read::tables(table, "credentials") {
        let scheme = scheme(&named, loader);
        let value = read::table(named.table, "value").and_then(|(value, span)| secret(value, span, loader));
        let origins = bound_origins(named.table, hosts, loader);
        if let (Some(scheme), Some(value)) = (scheme, value) {
            found.insert(named.id.value.clone(), Credential { span: named.id.span, scheme, origins, value });
        }
    }
    found
}

/// The origins that a credential may be sent to; never more than the system may reach.
fn bound_origins(table: &Table, hosts: &[Spanned<Origin>], loader: &mut Loader<'_>) -> Vec<Origin> {
    if table.get("origins").is_none() {
        return hosts.iter().map(|host| host.value.clone()).collect();
    }
    let origins = origins(table, "origins", loader);
    for origin in origins.iter().filter(|origin| !hosts.iter().any(|host| host.value == origin.value)) {
        let title = format!("`{}` is not among the system's hosts", origin.value);
        loader.findings.wrong(origin.span, title, "`origins` narrows `hosts`: add it there, or remove it here");
    }
    origins.into_iter().map(|origin| origin.value).collect()
}

fn scheme(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<CredentialScheme> {
    let table = named.table;
    let word = read::text(table, "scheme")?.value;
    for (key, owner) in [("user", "basic"), ("header", "header")] {
        if let Some((name, _)) = table.entry(key).filter(|_| word != owner) {
            loader.findings.wrong(
                name.span,
                format!("`{key}` has no meaning with the scheme `{}`", shorten(&word)),
                format!("remove it, or use `scheme = {owner:?}`"),
            );
        }
    }
    match word.as_str() {
        "bearer" => Some(CredentialScheme::Bearer),
        "basic" => Some(CredentialScheme::Basic { user: user(named, loader)? }),
        "header" => Some(CredentialScheme::Header { name: header(named, loader)? }),
        _ => None,
    }
}

fn user(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<String> {
    let Some(Node { .. }) = named.table.get("user") else {
        loader.findings.missing(named.span, "user", "a credential with `scheme = \"basic\"`", "\"hub\"");
        return None;
    };
    let user = read::filled(named.table, "user", loader)?;
    if user.value.contains(':') {
        loader.findings.wrong(user.span, "a user name cannot hold a colon", "write the name alone; the secret stands in `value`");
        return None;
    }
    Some(user.value)
}

fn header(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<String> {
    if named.table.get("header").is_none() {
        loader.findings.missing(named.span, "header", "a credential with `scheme = \"header\"`", "\"X-Api-Key\"");
        return None;
    }
    let header = read::text(named.table, "header")?;
    if !is_header(&header.value) || HOST_HEADERS.contains(&header.value.to_ascii_lowercase().as_str()) {
        let title = format!("`{}` cannot carry a credential", shorten(&header.value));
        loader.findings.wrong(header.span, title, "write the header's name as the API documents it, for example `X-Api-Key`");
        return None;
    }
    Some(header.value)
}

fn is_header(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(token)
}

fn region(table: &Table, span: Span, hosts: &[Spanned<Origin>], loader: &mut Loader<'_>) -> Option<Region> {
    let header = read::filled(table, "header", loader);
    let is = read::filled(table, "is", loader);
    let origins = bound_origins(table, hosts, loader);
    let header = header.filter(|header| {
        let fits = is_header(&header.value);
        if !fits {
            let title = format!("`{}` is not the name of a header", shorten(&header.value));
            loader.findings.wrong(header.span, title, "write the header's name as the API documents it, for example `x-data-region`");
        }
        fits
    });
    Some(Region { span, header: header?, is: is?, origins })
}

/// Keys that only the description of a low-code connector gives a meaning.
fn low_code_only(table: &Table, connector: &ConnectorRef, loader: &mut Loader<'_>) {
    // What an installed connector or a component is shows when it is read.
    if !matches!(connector, ConnectorRef::Builtin(_)) {
        return;
    }
    for (name, instead) in [("secrets", "`credentials`"), ("labels", "`[stream.SYSTEM.NAME.fields]`")] {
        if let Some((key, _)) = table.entry(name) {
            let title = format!("`{name}` is for low-code connectors (`manifest.yaml`) only");
            loader.findings.wrong(key.span, title, format!("use {instead} for this connector"));
        }
    }
}

/// Places in the configuration that are filled from elsewhere when a run starts.
fn secrets(table: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, Spanned<SecretRef>> {
    let mut found: BTreeMap<String, Spanned<SecretRef>> = BTreeMap::new();
    let Some((entries, _)) = read::table(table, "secrets") else { return found };
    for entry in flatten(entries, SECRET) {
        let Raw::Table(inner) = &entry.node.value else { continue };
        let Some(value) = secret(inner, entry.span, loader) else { continue };
        if let Some(first) = found.get(&entry.path) {
            let problem = Problem::new(Code::E003, format!("`{}` is declared twice", shorten(&entry.path)), "keep one of the two");
            let problem = problem.at(entry.span, "the second one").at(first.span, "the first one");
            loader.findings.push(problem);
            continue;
        }
        found.insert(entry.path, Spanned { value, span: entry.span });
    }
    found
}
