//! `hub plugin`: what a connector claims, and the acceptance of what it newly claims; verbs about registries are elsewhere. Inspecting runs nothing.

use clap::{Args, Subcommand};
use hub_core::description::{Description, HostClaim};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::registry::Access;
use super::{Failure, Output, Place, install, load, publish, registry, run};
use crate::config::Config;
use crate::plugin::package::Package;
use crate::sync::{self, Host};

#[derive(Args, Debug)]
pub(super) struct Plugin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what a connector claims: streams with categories, hosts, imports, configuration
    Inspect {
        /// `builtin:NAME`, the path of a .wasm file or of a low-code manifest (.yaml), `oci://HOST/NAME:VERSION` or `dir:FOLDER/NAME:VERSION`
        connector: String,
        #[command(flatten)]
        access: Access,
        /// A configuration (JSON) for a low-code manifest: hosts that depend on it are then told
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Install a connector from a registry and pin it in the lock; or everything that the lock pins
    Install(install::Install),
    /// Take a newer version of an installed connector
    Update(install::Update),
    /// Pin a connector no longer
    Remove(install::Remove),
    /// List installed connectors
    List(install::List),
    /// Prove that installed connectors are what the lock pins
    Verify(install::Verify),
    /// List what a registry has
    Search(publish::Search),
    /// Write a page about the connectors of a registry
    Catalogue(super::catalogue::Catalogue),
    /// Copy a connector from one registry to another, with its signature
    Mirror(publish::Mirror),
    /// Trust a publisher's key for a part of a registry, or list who is trusted
    Trust(publish::TrustVerb),
    /// Propose data categories for the fields of a low-code manifest; nothing is labelled by it
    Label(super::label::Label),
    /// Accept that the connector of a system claims more than before (HUB-E215)
    Accept {
        /// The system's id
        system: String,
        #[command(flatten)]
        place: Place,
    },
}

impl Plugin {
    pub(super) fn output(&self) -> Output {
        match &self.verb {
            Verb::Inspect { output, .. } => *output,
            Verb::Label(verb) => verb.output,
            Verb::List(verb) => verb.output,
            Verb::Verify(verb) => verb.output,
            Verb::Search(verb) => verb.output,
            _ => Output::Human,
        }
    }

    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::Inspect { connector, config, output, .. } if connector.ends_with(".yaml") || connector.ends_with(".yml") => {
                super::inspect_lowcode::inspect(Path::new(connector), config.as_deref(), *output)
            }
            Verb::Inspect { connector, access, output, .. } => inspect(connector, access, *output),
            Verb::Install(verb) => verb.run(),
            Verb::Update(verb) => verb.run(),
            Verb::Remove(verb) => verb.run(),
            Verb::List(verb) => verb.run(),
            Verb::Verify(verb) => verb.run(),
            Verb::Search(verb) => verb.run(),
            Verb::Catalogue(verb) => verb.run(),
            Verb::Mirror(verb) => verb.run(),
            Verb::Trust(verb) => verb.run(),
            Verb::Label(verb) => verb.run(),
            Verb::Accept { system, place } => accept(system, place),
        }
    }
}

fn inspect(connector: &str, access: &Access, output: Output) -> Result<u8, Failure> {
    let package = if connector.starts_with("oci://") || connector.starts_with("dir:") {
        let wanted = registry::reference(connector)?;
        let client = access.client(&wanted, Path::new(registry::HERE))?;
        Package::of(super::runtime()?.block_on(crate::registry::fetch(&client, &wanted))?.component)?
    } else {
        super::component(connector, &Config::new(None, None))?
    };
    let description = &package.description;
    match output {
        Output::Json => super::print_json(&as_json(description, &package.digest)),
        Output::Human => super::print_text(&page(description, &package.digest)),
    }
    Ok(0)
}

fn page(description: &Description, digest: &str) -> String {
    let mut text = format!(
        "{} {}   {}\ndigest     sha256:{digest}\nABI        {}\nimports    {}\n",
        description.name,
        description.version,
        description.summary,
        description.abi,
        description.imports.join(", ")
    );
    let hosts: Vec<String> = description.hosts.iter().map(host).collect();
    text.push_str(&format!("may reach  {}\n", if hosts.is_empty() { "nothing".to_owned() } else { hosts.join(", ") }));
    text.push_str(&format!(
        "bodies     {}\n",
        if description.read_body { "wants to read them in the sandbox" } else { "stay in the host" }
    ));
    if let Some(source) = &description.source {
        for stream in &source.streams {
            text.push_str(&format!(
                "\nreads {}   {}\n  key {}   cursor {}   subjects {}\n",
                stream.name,
                stream.summary,
                list(stream.primary_key.iter().map(ToString::to_string)),
                stream.cursor.as_ref().map_or("none", |path| path.as_str()),
                list(stream.subjects.iter().cloned())
            ));
            for (path, leaf) in stream.shape.leaves() {
                text.push_str(&format!("  {:<28} {}\n", path.as_str(), leaf.category.as_deref().unwrap_or("UNCLASSIFIED")));
            }
        }
        if source.any_stream {
            text.push_str("\nreads any stream; the manifest declares its fields\n");
        }
    }
    if let Some(destination) = &description.destination {
        text.push_str(&format!("\nwrites     modes {}   categories {}\n", destination.modes.join(", "), destination.accepts.join(", ")));
        text.push_str(if destination.deletes { "deletes    by primary key\n" } else { "deletes    nothing\n" });
    }
    text.push_str(&format!("\nconfiguration (JSON Schema)\n{:#}\n", description.config));
    text
}

fn list(items: impl Iterator<Item = String>) -> String {
    let text = items.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "none".to_owned() } else { text }
}

fn host(claim: &HostClaim) -> String {
    match claim {
        HostClaim::Origin(origin) => origin.clone(),
        HostClaim::Config(key) => format!("the host in its configuration `{key}`"),
    }
}

fn as_json(description: &Description, digest: &str) -> serde_json::Value {
    let streams: Vec<_> = description.source.iter().flat_map(|source| &source.streams).map(|stream| {
        let fields: serde_json::Map<_, _> = stream.shape.leaves().into_iter().map(|(path, leaf)| (path.to_string(), json!(leaf.category))).collect();
        json!({ "name": stream.name, "summary": stream.summary, "fields": fields, "subjects": stream.subjects,
            "primary_key": stream.primary_key.iter().map(ToString::to_string).collect::<Vec<_>>(), "cursor": stream.cursor.as_ref().map(ToString::to_string), "deletes": stream.deletes })
    }).collect();
    json!({
        "version": 1, "name": description.name, "connector_version": description.version, "summary": description.summary, "digest": digest, "abi": description.abi,
        "imports": description.imports, "hosts": description.hosts.iter().map(host).collect::<Vec<_>>(), "read_body": description.read_body,
        "streams": streams, "any_stream": description.source.as_ref().is_some_and(|source| source.any_stream),
        "destination": description.destination.as_ref().map(|claim| json!({ "modes": claim.modes, "accepts": claim.accepts, "streams": claim.streams, "deletes": claim.deletes })),
        "config": description.config,
    })
}

fn accept(system: &str, place: &Place) -> Result<u8, Failure> {
    let config = place.config();
    let loaded = load::load(&place.manifest, &config)?;
    let host = Host {
        policy: loaded.policy,
        packages: loaded.packages,
        store: run::open(&config)?,
        config,
        stopping: Arc::new(AtomicBool::new(false)),
        lookup: Arc::new(crate::egress::SystemLookup),
        clock: Arc::new(crate::clock::SystemClock),
    };
    super::runtime()?.block_on(sync::accept(&host, system))?;
    super::print_text(&format!("✓ accepted what the connector of `{system}` claims; the audit log says so\n"));
    Ok(0)
}
