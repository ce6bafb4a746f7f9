//! `[observe]`, `[alert.ID]` and `[audit.anchor.ID]`: who is told how runs go, and where signed heads of the log go. Addresses are read as strictly as those of systems.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::Url;

use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::{Alert, Anchor, AnchorPlace, Credential, CredentialScheme, Lineage, Observe, Origin, Receiver, Rhythm};
use super::secret::secret;
use super::{Named, OriginFault, read, system};
use crate::manifest::finding::shorten;
use crate::problem::{Code, Problem, Span, Spanned};

pub(super) fn observe(table: &Table, _: Span, loader: &mut Loader<'_>) -> Option<Observe> {
    Some(Observe {
        metrics: metrics(table, loader),
        logs: read::word(table, "logs"),
        lineage: read::one(table, "lineage", loader, lineage),
        otlp: read::one(table, "otlp", loader, |table, span, loader| receiver("observe:otlp", "to", table, span, loader)),
    })
}

pub(super) fn alert(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Alert> {
    let table = named.table;
    let receiver = receiver(&format!("alert:{}", named.id.value), "to", table, named.span, loader);
    let signing = read::table(table, "secret").and_then(|(written, span)| Some(Spanned { value: secret(written, span, loader)?, span }));
    Some(Alert { id: named.id(), receiver: receiver?, secret: signing?, on: read::words(table, "on") })
}

/// E405: numbers are for this machine; whoever is elsewhere asks something that logs people in.
fn metrics(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<SocketAddr>> {
    let written = read::text(table, "metrics")?;
    let Some(address) = written.value.parse::<SocketAddr>().ok().filter(|address| address.port() != 0) else {
        let title = format!("`{}` is not an address with a port", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write a loopback address and a port: `127.0.0.1:9464` or `[::1]:9464`");
        return None;
    };
    if !address.ip().is_loopback() {
        let title = format!("numbers about runs would be served on `{address}`, to other machines");
        let help = "write `127.0.0.1:9464`; for other machines put a proxy in front of it that knows who asks";
        loader.findings.push(Problem::new(Code::E405, title, help).at(written.span, "not a loopback address"));
    }
    Some(Spanned { value: address, span: written.span })
}

fn lineage(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Lineage> {
    match (table.entry("file"), table.get("to")) {
        (Some((file, _)), Some(_)) => {
            loader.findings.wrong(file.span, "lineage can go to one place only", "keep `file` or `to`");
            None
        }
        (Some(_), None) => {
            for_servers_only(table, "to", loader);
            Some(Lineage::File(read::filled(table, "file", loader)?))
        }
        (None, Some(_)) => Some(Lineage::Server(Box::new(receiver("observe:lineage", "to", table, span, loader)?))),
        (None, None) => {
            loader.findings.missing(span, "file", "the place of lineage", "\"lineage.ndjson\"");
            None
        }
    }
}

fn for_servers_only(table: &Table, instead: &str, loader: &mut Loader<'_>) {
    for (key, _) in ["token", "networks"].iter().filter_map(|name| table.entry(name)) {
        loader.findings.wrong(key.span, format!("`{}` means nothing for a file", key.value), format!("remove it, or write `{instead}`"));
    }
}

pub(super) fn anchors(root: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, Anchor> {
    read::table(root, "audit").map(|(audit, _)| read::keyed(audit, "anchor", loader, anchor)).unwrap_or_default()
}

fn anchor(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Anchor> {
    let table = named.table;
    let every = rhythm(table, loader);
    let to = match (table.entry("file"), table.get("url")) {
        (Some((file, _)), Some(_)) => {
            loader.findings.wrong(file.span, "an anchor is one place", "keep `file` or `url`, and declare another anchor for the other");
            None
        }
        (Some(_), None) => {
            for_servers_only(table, "url", loader);
            read::filled(table, "file", loader).map(AnchorPlace::File)
        }
        (None, Some(_)) => {
            let receiver = receiver(&format!("anchor:{}", named.id.value), "url", table, named.span, loader);
            receiver.map(|receiver| AnchorPlace::Server(Box::new(receiver)))
        }
        (None, None) => {
            loader.findings.missing(named.span, "file", "the place of an anchor", "\"/mnt/evidence/hub.jsonl\"");
            None
        }
    };
    Some(Anchor { id: named.id(), to: to?, every })
}

fn rhythm(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<Rhythm>> {
    let written = read::text(table, "every")?;
    let rhythm = Rhythm::parse(&written.value);
    if rhythm.is_none() {
        let title = format!("`{}` is not a rhythm of seconds to 366 days", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write it as ISO 8601, in days or in hours, minutes and seconds: `P1D`, `PT1H`");
    }
    Some(Spanned { value: rhythm?, span: written.span })
}

/// `key`: what the address stands behind.
fn receiver(id: &str, key: &str, table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Receiver> {
    let networks = system::networks(table, loader);
    let to = address(table, key, loader);
    let token = match table.get("token") {
        Some(Node { value: Raw::Table(written), span }) => Some((secret(written, *span, loader), *span)),
        _ => None,
    };
    let (to, origin) = to?;
    let token = match token {
        Some((value, span)) => Some(Credential { span, scheme: CredentialScheme::Bearer, origins: vec![origin.clone()], value: value? }),
        None => None,
    };
    Some(Receiver { id: id.to_owned(), span, to, origin, networks, token })
}

/// A whole address. The part before the path is read as an origin is, so that what a reviewer reads is what is connected to.
fn address(table: &Table, key: &str, loader: &mut Loader<'_>) -> Option<(Spanned<Url>, Origin)> {
    let written = read::filled(table, key, loader)?;
    let authority = written.value.find("://").map_or(0, |at| at + 3);
    let path = written.value.get(authority..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(written.value.len(), |at| authority + at);
    let (front, rest) = written.value.split_at(path);
    let parsed = Origin::parse(front).and_then(|origin| Ok((Url::parse(&written.value).map_err(|_| OriginFault::Unreadable)?, origin)));
    match parsed {
        Ok(_) if rest.contains(['?', '#']) => {
            // It may hold a secret: it is not shown.
            let help = "leave out what follows `?` or `#`; a secret goes into `token` or `secret`";
            loader.findings.wrong(written.span, "an address to tell something has no query and no fragment", help);
            loader.findings.secrets.push(written.span);
            None
        }
        Ok((url, origin)) => Some((Spanned { value: url, span: written.span }, origin)),
        Err(fault) => {
            let front = Spanned { value: front.to_owned(), span: written.span };
            loader.findings.push(system::origin_problem(&front, fault));
            None
        }
    }
}
