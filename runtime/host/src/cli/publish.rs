//! `hub publish`, `hub plugin search|mirror|trust`: connectors on their way into registries, and what is in them.

use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::audit::timestamp;
use hub_core::plugin::{PublisherKey, Reference, key_text, parse_key};
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};

use super::registry::{Access, HERE, newest, reference, within};
use super::{Failure, Output, print_json, print_text};
use crate::author::conform::Report;
use crate::author::materials;
use crate::clock;
use crate::config::Config;
use crate::registry::{self, Artifact, Client, Conformance, Trust, Trusted, own_key};

/// The greatest list of materials.
const MAX_MATERIALS_BYTES: u64 = 1 << 20;

#[derive(Args, Debug)]
#[command(allow_missing_positional = true)]
pub(super) struct Publish {
    /// The connector: its folder, a .wasm file, or `builtin:NAME`
    #[arg(default_value = ".")]
    connector: String,
    /// `dir:FOLDER`, or `oci://HOST/PATH`; the connector lies there under its name and version
    to: String,
    /// Its licence, an SPDX expression [default: what its folder says]
    #[arg(long, value_name = "SPDX")]
    licence: Option<String>,
    /// What it is made of: a JSON document (CycloneDX or SPDX), published beside it [default: made from its folder]
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    /// The key that vouches for it; absent = this machine's, which is made if there is none
    #[arg(long, value_name = "FILE", conflicts_with = "unsigned")]
    key: Option<PathBuf>,
    /// Vouch for nothing
    #[arg(long)]
    unsigned: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Args, Debug)]
pub(super) struct Search {
    /// Only those whose name or summary holds this text
    text: Option<String>,
    /// `dir:FOLDER`, or `oci://HOST/PATH`
    #[arg(long = "in", value_name = "PLACE")]
    place: String,
    #[command(flatten)]
    access: Access,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

#[derive(Args, Debug)]
pub(super) struct Mirror {
    /// The connector: `oci://HOST/NAME:VERSION` or `dir:FOLDER/NAME:VERSION`
    reference: String,
    /// Where it is copied to: `dir:FOLDER`, or `oci://HOST/PATH`
    to: String,
    #[command(flatten)]
    access: Access,
}

#[derive(Args, Debug)]
pub(super) struct TrustVerb {
    /// A publisher's public key, `ed25519:…`; absent = list who is trusted
    key: Option<String>,
    /// For which part of a registry: `oci://registry.example.org/hub`, `dir:` for every folder
    #[arg(long, value_name = "PLACE", requires = "key")]
    namespace: Option<String>,
    /// Who that is
    #[arg(long, value_name = "NAME", requires = "key")]
    name: Option<String>,
    /// Trust this key no longer
    #[arg(long, requires = "key", conflicts_with_all = ["namespace", "name"])]
    remove: bool,
}

impl Publish {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let (project, package) = super::connector(&self.connector, &Config::new(None, None))?;
        let description = &package.description;
        let target = within(&self.to, &description.name)?;
        let materials = match (&self.sbom, &project) {
            (Some(path), _) => Some(listed(path)?),
            (None, Some(project)) => Some(materials::of(project, &package)?),
            (None, None) => None,
        };
        let report = project.as_ref().and_then(|project| tried(&project.report(), &package.digest));
        let summary = report.as_ref().map(|(report, _)| report.summary());
        let licence = self.licence.clone().or_else(|| project.as_ref().and_then(|project| project.licence.clone()));
        let key = match &self.key {
            _ if self.unsigned => None,
            Some(path) => Some(named_key(path)?),
            None => Some(own_key()?),
        };
        let created = timestamp(clock::now_ms());
        let artifact = Artifact {
            component: package.bytes(),
            description,
            licence: licence.as_deref(),
            materials: materials.as_deref(),
            conformance: report.as_ref().zip(summary.as_deref()).map(|((_, report), summary)| Conformance { summary, report }),
            created: &created,
        };
        let client = self.access.client(&target, Path::new(HERE))?;
        let published = super::runtime()?.block_on(registry::publish(&client, &target, &artifact, key.as_ref()))?;
        let signer = match &key {
            Some(key) => format!(
                "  signed by  {}\nOthers trust it with: hub plugin trust {} --namespace {} --name NAME\n",
                key_text(&key.public()),
                key_text(&key.public()),
                target.repository()
            ),
            None => "  signed by  nobody\n".to_owned(),
        };
        print_text(&format!(
            "✓ {}   {} KiB\n  digest     sha256:{}\n  standard   {}\n{signer}",
            published.reference,
            package.bytes().len() / 1024,
            published.digest,
            summary.as_deref().unwrap_or("not tried: `hub conform` first, then publish")
        ));
        Ok(0)
    }
}

impl Search {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let inside = within(&self.place, "x")?;
        let client = self.access.client(&inside, Path::new(HERE))?;
        let below = inside.name.strip_suffix('x').unwrap_or_default().to_owned();
        let found = super::runtime()?.block_on(self.found(&client, &inside, &below))?;
        match self.output {
            Output::Json => print_json(&json!({ "version": 1, "plugins": found })),
            Output::Human => {
                let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("–").to_owned();
                let line = |one: &Value| {
                    let signed = if one["signed"] == true { "signed" } else { "unsigned" };
                    format!(
                        "{}  {}  {signed}  {}  {}\n",
                        text(one, "name"),
                        text(one, "newest"),
                        text(one, "licence"),
                        text(one, "summary")
                    )
                };
                let lines: String = found.iter().map(line).collect();
                print_text(if lines.is_empty() { "nothing was found\n" } else { &lines });
            }
        }
        Ok(0)
    }

    async fn found(&self, client: &Client, inside: &Reference, below: &str) -> Result<Vec<Value>, Problem> {
        let mut found = Vec::new();
        for name in client.names().await? {
            let Some(short) = name.strip_prefix(below).filter(|short| !short.contains('/')) else { continue };
            let Some(told) = registry::about(client, &Reference { name: name.clone(), ..inside.clone() }).await? else { continue };
            let wanted = self.text.as_ref().is_none_or(|text| {
                let text = text.to_lowercase();
                short.contains(&text) || told.summary.to_lowercase().contains(&text)
            });
            if wanted {
                found.push(json!({
                    "name": short, "newest": told.newest, "versions": told.versions, "summary": told.summary, "licence": told.licence, "conformance": told.conformance,
                    "signed": told.signed,
                }));
            }
        }
        Ok(found)
    }
}

impl Mirror {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let from = reference(&self.reference)?;
        let to = within(&self.to, from.short_name())?;
        // A login is for the server; a folder needs none. Two servers with two logins go through a folder.
        let (source, target) = (self.access.client(&from, Path::new(HERE))?, self.access.client(&to, Path::new(HERE))?);
        let copied = super::runtime()?.block_on(async {
            let from = if from.tag.is_none() { newest(&source, &from).await? } else { from };
            registry::mirror(&source, &from, &target, &to).await.map_err(Failure::from)
        })?;
        print_text(&format!("✓ {}   sha256:{}\n", copied.reference, copied.digest));
        Ok(0)
    }
}

impl TrustVerb {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let mut trust = Trust::read()?;
        let Some(text) = &self.key else {
            let line = |one: &Trusted| format!("{}  {}  {}  since {}\n", one.name, one.namespace, one.key, one.since);
            let lines: String = trust.trusted.iter().map(line).collect();
            print_text(if lines.is_empty() { "nobody is trusted but this machine's own key\n" } else { &lines });
            return Ok(0);
        };
        if parse_key(text).is_none() {
            let help = "a public key is `ed25519:` and 64 characters 0 to 9 and a to f, as `hub publish` prints it";
            return Err(Problem::new(Code::E009, "this is no public key", help).into());
        }
        let before = trust.trusted.len();
        if self.remove {
            trust.trusted.retain(|one| one.key != *text);
            if trust.trusted.len() == before {
                return Err(Problem::new(Code::E009, "this key is not trusted", "`hub plugin trust` lists who is").into());
            }
            trust.write()?;
            print_text(&format!("✓ {text} is not trusted any more; what it has signed stays installed until it is removed\n"));
            return Ok(0);
        }
        let (Some(namespace), Some(name)) = (&self.namespace, &self.name) else {
            let help = "say for what and whose it is: `--namespace oci://registry.example.org/hub --name acme`";
            return Err(Problem::new(Code::E009, "a key is trusted for a place, and has a name", help).into());
        };
        if namespace != "dir:" {
            within(namespace, "x")?;
        }
        let since = timestamp(clock::now_ms()).chars().take(10).collect();
        trust.trusted.retain(|one| one.key != *text || one.namespace != *namespace);
        trust.trusted.push(Trusted { namespace: namespace.clone(), name: name.clone(), key: text.clone(), since });
        trust.write()?;
        print_text(&format!("✓ {name} is trusted for {namespace}\n"));
        Ok(0)
    }
}

/// The report of a connector's checks, if it is of these very bytes.
fn tried(path: &Path, component: &str) -> Option<(Report, Vec<u8>)> {
    let text = std::fs::read(path).ok().filter(|text| text.len() as u64 <= MAX_MATERIALS_BYTES)?;
    let report: Report = serde_json::from_slice(&text).ok()?;
    (report.component == component).then_some((report, text))
}

fn named_key(path: &Path) -> Result<PublisherKey, Problem> {
    use std::io::Read as _;

    let mut text = zeroize::Zeroizing::new(String::new());
    let read = std::fs::File::open(path).and_then(|file| file.take(1024).read_to_string(&mut text));
    read.map_err(|error| super::io_problem("read", path, &error))?;
    PublisherKey::parse(&text)
        .ok_or_else(|| Problem::new(Code::E009, format!("`{}` holds no publisher's key", path.display()), "name a file that hub made"))
}

fn listed(path: &Path) -> Result<Vec<u8>, Problem> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_MATERIALS_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| super::io_problem("read", path, &error))?;
    if bytes.len() as u64 > MAX_MATERIALS_BYTES || serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err() {
        let title = format!("`{}` is no JSON document of at most 1 MiB", path.display());
        return Err(Problem::new(Code::E009, title, "name a CycloneDX or SPDX document"));
    }
    Ok(bytes)
}
