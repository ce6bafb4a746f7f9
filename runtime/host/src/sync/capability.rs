//! E215: what a connector may do was accepted once; a version that claims more is not activated until somebody accepts that too.

use std::sync::Arc;

use hub_core::audit::{Draft, Kind};
use hub_core::description::{Capability, claimed_capability};
use hub_core::problem::{Code, Problem};

use super::Host;
use crate::store::format::Capability as Accepted;
use crate::store::{Durability, Namespace, Put, StoreError, Transaction};

/// Compares the claims of a system's connector with what was accepted. The first use is an acceptance: the manifest names the connector.
///
/// # Errors
/// E215 with everything that is new; E216 or E502 if the store does not answer.
pub async fn activate(host: &Host, system: &str) -> Result<(), Problem> {
    let Some(package) = host.packages.get(system) else { return Ok(()) };
    let claimed = claimed_capability(&package.description);
    let stored = host.store.get(Namespace::Capability, system.as_bytes()).map_err(|error| unreadable(&error))?;
    let Some(bytes) = stored else { return record(host, system, &package.digest, claimed).await };
    let accepted = Accepted::decode(&bytes).map_err(|error| unreadable(&error))?;
    let accepted = Capability { categories: accepted.categories, hosts: accepted.hosts, imports: accepted.imports };
    let wider = accepted.widened_by(&claimed);
    if wider.is_empty() {
        return Ok(());
    }
    let denied = Draft {
        system: Some(system.to_owned()),
        code: Some(Code::E215),
        component_digest: Some(package.digest.clone()),
        ..Draft::new(Kind::FlowDenied)
    };
    host.store.commit(Transaction { puts: Vec::new(), audit: vec![denied] }, Durability::Sync).await.map_err(|error| unreadable(&error))?;
    let span = host.policy.manifest().systems.get(system).map(|system| system.connector.span);
    let problem = Problem::new(
        Code::E215,
        format!(
            "connector `{}` {} of system `{system}` claims more than was accepted: {}",
            package.description.name,
            package.description.version,
            wider.join(", ")
        ),
        format!("if that is wanted: `hub plugin accept {system}` with the manifest; else go back to the earlier version"),
    );
    Err(match span {
        Some(span) => problem.at(span, "this connector was not activated"),
        None => problem,
    })
}

/// Accepts what a system's connector claims now.
///
/// # Errors
/// E103 for a system that is not declared; E216 or E502 if the store does not answer.
pub async fn accept(host: &Host, system: &str) -> Result<(), Problem> {
    let Some(package) = host.packages.get(system) else {
        return Err(Problem::new(Code::E103, format!("system `{system}` is not declared"), "name a system of the manifest"));
    };
    let package = Arc::clone(package);
    record(host, system, &package.digest, claimed_capability(&package.description)).await
}

async fn record(host: &Host, system: &str, digest: &str, capability: Capability) -> Result<(), Problem> {
    let listed = capability.categories.iter().cloned().collect();
    let entry = Draft {
        system: Some(system.to_owned()),
        categories: listed,
        component_digest: Some(digest.to_owned()),
        ..Draft::new(Kind::CapabilityAccepted).actor(crate::config::actor())
    };
    let Capability { categories, hosts, imports } = capability;
    let read_body = imports.contains("read-body");
    let value = Accepted { component_digest: digest.to_owned(), categories, hosts, imports, read_body }.encode();
    let put = Put { namespace: Namespace::Capability, key: system.as_bytes().to_vec(), value: Some(value) };
    host.store
        .commit(Transaction { puts: vec![put], audit: vec![entry] }, Durability::Sync)
        .await
        .map(drop)
        .map_err(|error| unreadable(&error))
}

fn unreadable(error: &StoreError) -> Problem {
    Problem::new(Code::E502, format!("the store did not answer: {error}"), "run `hub audit verify`, and mend the disk before running again")
}
