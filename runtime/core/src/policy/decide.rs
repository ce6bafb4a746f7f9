//! Questions answered from the manifest. Pure: the same manifest and the same question give the same answer.
//!
//! Order inside an answer: unknown subject first, then form, then the grant. Whatever no rule allows is denied.

use std::collections::BTreeSet;

use url::Url;

use super::address::{AddressClass, class};
use super::ask::{Ask, Because, Occasion, Redirect};
use super::verdict::Refusal;
use super::{Deletes, Policy, region};
use crate::manifest::{Action, Flow, FolderAccess, Manifest, Network, Origin, Receiver, System, TableName, Verb};
use crate::problem::{Code, Span, Spanned};
use crate::record::StreamId;

/// Interfaces of the ABI that a component may import.
pub const INTERFACES: [&str; 8] = ["types", "http", "sink", "pages", "files", "runtime", "sql", "tables"];

/// E210: what a flow rests on held when it was planned, and holds no more. None = it still does.
pub(super) fn lapse(policy: &Policy, occasion: Occasion<'_>) -> Option<Refusal> {
    let first = policy.lapsed(occasion.flow, occasion.today).into_iter().next()?;
    let span = first.labels.first().map(|label| label.span);
    Some(Refusal { code: first.code, title: first.title, span, help: first.help })
}

/// E213: a host that is granted and that no complete run of the flow has used.
pub(super) fn unusual(ask: &Ask<'_>, occasion: Occasion<'_>) -> Option<Refusal> {
    let (Ask::Send { system, url, .. }, Some(usual)) = (ask, occasion.usual_hosts) else { return None };
    let origin = show(&origin_of(url)?);
    (!usual.contains(&origin)).then(|| Refusal {
        code: Code::E213,
        title: format!("system `{system}` wants to reach {origin}, which no complete run of flow `{}` has used", occasion.flow),
        span: None,
        help: format!("find out why; then `hub resume` with the manifest and `{}` lets it go on", occasion.flow),
    })
}

/// E106: deletions that the flow does not let through. None = it does, or it is about something else.
pub(super) fn deletion(policy: &Policy, ask: &Ask<'_>) -> Option<Refusal> {
    let Ask::Delete { flow, from, because, .. } = ask else { return None };
    let (declared, rule) = policy.flow(flow)?;
    let (title, help) = match because {
        Because::Reported if rule.deletes == Deletes::Applied => return None,
        Because::Withdrawn if rule.retracts => return None,
        Because::Reported if rule.deletes == Deletes::Ignored => {
            ("does not carry deletions".to_owned(), "set `deletes = \"apply\"` in the flow".to_owned())
        }
        Because::Reported => (
            format!("is told of deleted records, and nothing says that `{from}` reports any"),
            format!("say so: `deletes = true` in `[stream.{from}]`; then `hub check` tells what the flow has to say about them"),
        ),
        Because::Withdrawn => ("does not retract".to_owned(), "see `on_withdrawal` of its consent gate".to_owned()),
    };
    Some(Refusal { code: Code::E106, title: format!("flow `{flow}` {title}"), span: Some(declared.id.span), help })
}

/// None = granted.
pub(super) fn refusal(manifest: &Manifest, ask: &Ask<'_>) -> Option<Refusal> {
    match ask {
        Ask::Deliver { flow, from, to } | Ask::Delete { flow, from, to, .. } => match manifest.flows.get(*flow) {
            Some(declared) if declared.from.value == **from && declared.to.value == **to => None,
            Some(declared) => Some(undeclared_flow(&format!("{from} → {to}"), Some(declared.id.span))),
            None => Some(undeclared_flow(&format!("{from} → {to}"), None)),
        },
        Ask::Consult { flow, stream } => match manifest.flows.get(*flow) {
            Some(declared) if is_consulted(declared, stream) => None,
            declared => Some(undeclared_flow(&format!("reading of {stream} beside it"), declared.map(|flow| flow.id.span))),
        },
        Ask::Send { system, url, credential } => match manifest.receiver(system) {
            Some(receiver) => tell(receiver, url, *credential),
            None => with_system(manifest, system, |system| {
                url.redirect().and_then(|redirect| redirected(manifest, system, redirect, url)).or_else(|| send(system, url, *credential))
            }),
        },
        Ask::Connect { system, url, address } => match manifest.receiver(system) {
            Some(receiver) => connect(&Party::of_receiver(receiver), url, *address),
            None => with_system(manifest, system, |system| connect(&Party::of_system(system), url, *address)),
        },
        Ask::ReadBody { system } => with_system(manifest, system, read_body),
        Ask::OpenFile { system, folder, access } => with_system(manifest, system, |system| open_file(system, folder, *access)),
        Ask::Statement { system, database, uses } => with_system(manifest, system, |system| statement(system, database, uses)),
        Ask::Link { system, imports } => with_system(manifest, system, |system| link(system, imports)),
    }
}

fn is_consulted(flow: &Flow, stream: &StreamId) -> bool {
    let looks_up = |via: &str| Action::via_places(via).iter().any(|(known, _)| known == stream);
    flow.consent.as_ref().is_some_and(|gate| gate.ledger.value == *stream)
        || flow.fields.iter().any(|field| matches!(&field.action.value, Action::Lookup { via, .. } if looks_up(via)))
}

fn with_system(manifest: &Manifest, id: &str, answer: impl Fn(&System) -> Option<Refusal>) -> Option<Refusal> {
    match manifest.systems.get(id) {
        Some(system) => answer(system),
        None => Some(Refusal {
            code: Code::E103,
            title: format!("system `{id}` is not declared"),
            span: None,
            help: format!("declare `[system.{id}]` in the manifest"),
        }),
    }
}

fn undeclared_flow(what: &str, span: Option<Span>) -> Refusal {
    Refusal {
        code: Code::E218,
        title: format!("no flow declares {what}"),
        span,
        help: "declare the flow with its purpose and fields, or correct the connector".to_owned(),
    }
}

/// Scheme, host and port of a URL as the manifest writes them.
#[must_use]
pub fn origin_of(url: &Url) -> Option<Origin> {
    let host = url.host_str()?.to_ascii_lowercase();
    Some(Origin { scheme: url.scheme().to_owned(), host, port: url.port_or_known_default()? })
}

/// What no grant of the target makes good: a step down from TLS with a login, and a way into another country.
fn redirected(manifest: &Manifest, system: &System, redirect: &Redirect, url: &Url) -> Option<Refusal> {
    let id = &system.id.value;
    let (from, to) = (origin_of(&redirect.from)?, origin_of(url)?);
    if redirect.with_credential && from.scheme == "https" && to.scheme != "https" {
        return Some(Refusal {
            code: Code::E403,
            title: format!("{} redirects system `{id}`, which sent a credential, to {} without TLS", show(&from), show(&to)),
            span: Some(system.id.span),
            help: "have the server redirect to https, or name the right address in the connector's configuration".to_owned(),
        });
    }
    region::led_abroad(manifest, system, &from, &to)
}

fn send(system: &System, url: &Url, credential: Option<&str>) -> Option<Refusal> {
    let id = &system.id.value;
    if !url.username().is_empty() || url.password().is_some() {
        return Some(Refusal {
            code: Code::E204,
            title: format!("system `{id}` put a user name into a URL"),
            span: Some(system.id.span),
            help: "use a credential binding: the host injects it, the connector never sees it".to_owned(),
        });
    }
    let Some(origin) = origin_of(url) else { return Some(egress(system, "a URL without a host")) };
    let shown = show(&origin);
    let granted = system.hosts.iter().any(|host| host.value == origin);
    if !granted && origin.scheme != "https" {
        return Some(Refusal {
            code: Code::E401,
            title: format!("system `{id}` wants to send without TLS to {shown}"),
            span: Some(system.id.span),
            help: "use https; plain http can be granted for a loopback address only".to_owned(),
        });
    }
    if !granted {
        return Some(egress(system, &shown));
    }
    credential.and_then(|name| credential_refusal(system, name, &origin))
}

fn credential_refusal(system: &System, name: &str, origin: &Origin) -> Option<Refusal> {
    let refusal = |title: String, span: Span, help: String| Some(Refusal { code: Code::E309, title, span: Some(span), help });
    let id = &system.id.value;
    match system.credentials.get(name) {
        // A low-code manifest brings its own authenticators along; the origin is one of the system's.
        None if system.low_code => None,
        None => refusal(
            format!("system `{id}` has no credential `{name}`"),
            system.id.span,
            format!("declare `credentials.{name}` in `[system.{id}]`"),
        ),
        Some(binding) if !binding.origins.contains(origin) => refusal(
            format!("credential `{name}` of system `{id}` is not bound to {}", show(origin)),
            binding.span,
            "add the origin to `origins` of the credential, if it may be sent there".to_owned(),
        ),
        Some(_) => None,
    }
}

fn egress(system: &System, target: &str) -> Refusal {
    let id = &system.id.value;
    Refusal {
        code: Code::E204,
        title: format!("system `{id}` wants to connect to {target}, which its `hosts` do not grant"),
        span: Some(system.hosts.first().map_or(system.id.span, |host| host.span)),
        help: format!("add the origin to `hosts` of `[system.{id}]`, if the connector may go there"),
    }
}

/// An origin as a manifest writes it, without the scheme's own port.
#[must_use]
pub fn show(origin: &Origin) -> String {
    let default = if origin.scheme == "https" { 443 } else { 80 };
    if origin.port == default {
        format!("{}://{}", origin.scheme, origin.host)
    } else {
        format!("{}://{}:{}", origin.scheme, origin.host, origin.port)
    }
}

/// Somebody is told something at the one address that the manifest names: wherever that redirects to, nobody declared it.
fn tell(receiver: &Receiver, url: &Url, credential: Option<&str>) -> Option<Refusal> {
    let is_there = *url == receiver.to.value && credential.is_none_or(|name| name == Receiver::TOKEN && receiver.token.is_some());
    (!is_there).then(|| Refusal {
        code: Code::E204,
        title: format!("what is told to `{}` would go to another address than its `to`", receiver.id),
        span: Some(receiver.to.span),
        help: "write the address that its server redirects to".to_owned(),
    })
}

/// Whose connection it is.
struct Party<'m> {
    /// For messages.
    name: String,
    /// Its table.
    table: String,
    networks: &'m [Spanned<Network>],
    span: Span,
}

impl<'m> Party<'m> {
    fn of_system(system: &'m System) -> Self {
        let id = &system.id.value;
        let span = system.hosts.first().map_or(system.id.span, |host| host.span);
        Self { name: format!("system `{id}`"), table: format!("[system.{id}]"), networks: &system.networks, span }
    }

    fn of_receiver(receiver: &'m Receiver) -> Self {
        let table = format!("[{}]", receiver.id.replace(':', "."));
        Self { name: format!("`{}`", receiver.id), table, networks: &receiver.networks, span: receiver.to.span }
    }
}

fn connect(party: &Party<'_>, url: &Url, address: std::net::IpAddr) -> Option<Refusal> {
    let kind = class(address);
    let named = match url.host() {
        Some(url::Host::Ipv4(literal)) => address == std::net::IpAddr::V4(literal),
        Some(url::Host::Ipv6(literal)) => address == std::net::IpAddr::V6(literal),
        Some(url::Host::Domain("localhost")) => kind == AddressClass::Loopback,
        _ => party.networks.iter().any(|network| network.value.contains(address)),
    };
    let Party { name, table, span, .. } = party;
    let host = url.host_str().unwrap_or("?");
    if kind == AddressClass::Public || (named && kind != AddressClass::Unusable) {
        // `localhost` is a name like any other: where it leads to another machine, what is sent there does not stay on this one.
        return (url.scheme() != "https" && kind != AddressClass::Loopback).then(|| Refusal {
            code: Code::E401,
            title: format!("{name}: `{host}` leads without TLS to {address}, another machine"),
            span: Some(*span),
            help: "use https; look at who resolves this name, and how".to_owned(),
        });
    }
    Some(Refusal {
        code: Code::E204,
        title: format!("{name}: `{host}` leads to {address}, which is not a public address"),
        span: Some(*span),
        help: format!("if it stands inside your own network, name the network: `networks = [\"{address}/32\"]` in `{table}`"),
    })
}

fn read_body(system: &System) -> Option<Refusal> {
    let id = &system.id.value;
    system.read_body.is_none().then(|| Refusal {
        code: Code::E310,
        title: format!("system `{id}` wants to read response bodies inside the sandbox"),
        span: Some(system.id.span),
        help: format!("grant it with `grants = [\"read-body\"]` in `[system.{id}]`, or use a connector that hands pages over by handle"),
    })
}

fn open_file(system: &System, folder: &str, access: FolderAccess) -> Option<Refusal> {
    let id = &system.id.value;
    let wanted = if access == FolderAccess::Read { "read" } else { "write" };
    let refusal = |title: String, span: Span| {
        Some(Refusal {
            code: Code::E308,
            title,
            span: Some(span),
            help: format!("grant it with `folders = {{ {folder} = {{ path = \"…\", access = \"{wanted}\" }} }}` in `[system.{id}]`"),
        })
    };
    match system.folders.get(folder) {
        None => refusal(format!("system `{id}` has no folder `{folder}`"), system.id.span),
        Some(grant) if grant.access != access => refusal(format!("system `{id}` may not {wanted} in folder `{folder}`"), grant.path.span),
        Some(_) => None,
    }
}

fn statement(system: &System, name: &str, uses: &BTreeSet<(TableName, Verb)>) -> Option<Refusal> {
    let id = &system.id.value;
    let refusal = |title: String, span: Span, help: String| Some(Refusal { code: Code::E320, title, span: Some(span), help });
    let Some(database) = system.databases.get(name) else {
        let help = format!("declare `[system.{id}.databases.{name}]`, or correct the connector's configuration");
        return refusal(format!("system `{id}` has no database `{name}`"), system.id.span, help);
    };
    let granted = |table: &TableName, verb: Verb| database.tables.iter().any(|grant| grant.covers(table) && grant.verbs.contains(&verb));
    let (table, verb) = uses.iter().find(|(table, verb)| !granted(table, *verb))?;
    if *table == database.progress {
        let help = "give the connector another table: this one is hub's own";
        return refusal(
            format!("system `{id}` wants to use `{table}`, where hub keeps its progress"),
            database.place.span,
            help.to_owned(),
        );
    }
    let known = database.tables.iter().find(|grant| grant.covers(table));
    let span = known.map_or(database.place.span, |grant| grant.span);
    let help = format!("add \"{verb}\" to `\"{table}\"` in `[system.{id}.databases.{name}.tables]`, if the connector may do that");
    refusal(format!("system `{id}` wants to {verb} in table `{table}`, which the manifest does not grant"), span, help)
}

fn link(system: &System, imports: &[String]) -> Option<Refusal> {
    let id = &system.id.value;
    let missing = imports.iter().find_map(|import| match import.as_str() {
        "types" | "sink" | "runtime" => None,
        "http" | "pages" => {
            system.hosts.is_empty().then(|| (import, "grant the origins that it may reach: `hosts = [\"https://…\"]`".to_owned()))
        }
        "files" => system
            .folders
            .is_empty()
            .then(|| (import, "grant a folder: `folders = { NAME = { path = \"…\", access = \"read\" } }`".to_owned())),
        "sql" | "tables" => system
            .databases
            .is_empty()
            .then(|| (import, "grant a database: `databases = { NAME = { url = \"…\", tables = { … } } }`".to_owned())),
        _ => Some((import, format!("a connector may import {} of hub:connector only", INTERFACES.join(", ")))),
    })?;
    let (import, help) = missing;
    Some(Refusal {
        code: Code::E305,
        title: format!("the connector of system `{id}` imports `{import}`, which the manifest does not grant"),
        span: Some(system.connector.span),
        help,
    })
}
