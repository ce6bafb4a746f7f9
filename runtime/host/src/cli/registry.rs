//! What the verbs about registries share: where a registry is, how to log in, a connector that was fetched and read.

use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::plugin::{Reference, Registry, key_text};
use hub_core::problem::{Code, Problem};

use super::{Failure, Place, load};
use crate::plugin::package::Package;
use crate::registry::{self, Client, Found, Login, Trust};

/// A manifest that is not the first word of the call.
#[derive(Args, Clone, Debug)]
pub(super) struct Beside {
    /// The manifest, beside which the lock lies
    #[arg(long, value_name = "FILE", default_value = "manifest.toml")]
    manifest: PathBuf,
    /// Folder of store, audit log and cache [default: hub-data beside the manifest]
    #[arg(long, env = "HUB_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Beside {
    pub(super) fn place(&self) -> Place {
        Place { manifest: self.manifest.clone(), data: self.data.clone() }
    }
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Access {
    /// Log in to the registry as this user
    #[arg(long, value_name = "NAME", requires = "password_file", conflicts_with = "token_file")]
    user: Option<String>,
    /// The file with its password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// A file with a bearer token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A file with the certificate (PEM) of whoever signed the registry's; makes TLS be spoken on this machine too
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Access {
    /// `base`: what a relative folder is relative to.
    pub(super) fn client(&self, reference: &Reference, base: &Path) -> Result<Client, Problem> {
        let login = Login {
            user: self.user.clone(),
            password_file: self.password_file.clone(),
            token_file: self.token_file.clone(),
            authority: self.ca.clone(),
        };
        Client::open(&reference.registry, base, &login)
    }
}

/// Where an operator stands: what is typed is relative to it.
pub(super) const HERE: &str = ".";

/// A reference as the lock keeps it: a folder relative to the manifest's where it lies below that, so that a clone of a project finds it.
pub(super) fn kept(reference: Reference, manifest: &Path) -> Reference {
    let Registry::Folder(folder) = &reference.registry else { return reference };
    let (Ok(whole), Ok(base)) = (std::fs::canonicalize(folder), std::fs::canonicalize(load::folder_of(manifest))) else { return reference };
    let below =
        whole.strip_prefix(&base).map_or(whole.as_path(), |below| if below.as_os_str().is_empty() { Path::new(HERE) } else { below });
    match below.to_str() {
        Some(folder) => Reference { registry: Registry::Folder(folder.to_owned()), ..reference },
        None => reference,
    }
}

/// A name of a connector in a registry.
pub(super) fn reference(text: &str) -> Result<Reference, Problem> {
    Reference::parse(text).map_err(|why| wrong(text, why))
}

/// A name within a place.
pub(super) fn within(place: &str, name: &str) -> Result<Reference, Problem> {
    Reference::within(place, name).map_err(|why| wrong(place, why))
}

fn wrong(text: &str, why: &str) -> Problem {
    let shown: String = text.chars().filter(|character| !character.is_control()).take(100).collect();
    let help = "write `oci://registry.example.org/hub/crm:1.0.0` or `dir:FOLDER/crm:1.0.0`";
    Problem::new(Code::E009, format!("`{shown}` names nothing in a registry: {why}"), help)
}

/// A connector as a registry has it, with who vouches for it.
pub(super) struct Offer {
    pub reference: Reference,
    pub found: Found,
    pub package: Package,
    /// `ed25519:HEX`; none if nobody does, and that was said to be right.
    pub signer: Option<String>,
    /// Who that is, for people.
    pub known_as: String,
}

/// Fetches a connector and proves it. `unsigned`: it may be one that nobody vouches for.
pub(super) async fn offer(client: &Client, reference: Reference, unsigned: bool) -> Result<Offer, Problem> {
    let found = registry::fetch(client, &reference).await?;
    let package = Package::of(found.component.clone())?;
    if package.description.name != reference.short_name() {
        let title = format!("`{reference}` holds a connector that is called `{}`", package.description.name);
        return Err(Problem::new(Code::E508, title, "ask whoever publishes there: a connector lies under its own name"));
    }
    if reference.tag.as_deref().is_some_and(|tag| semver::Version::parse(tag).is_ok() && tag != package.description.version) {
        let title = format!("`{reference}` holds version {} of the connector", package.description.version);
        return Err(Problem::new(Code::E508, title, "ask whoever publishes there: somebody may offer an old version as a new one"));
    }
    if unsigned && found.envelope.is_none() {
        return Ok(Offer { reference, found, package, signer: None, known_as: "nobody".to_owned() });
    }
    let trust = Trust::read()?;
    let key = found.signer(&reference.repository(), &package.description, &trust)?;
    Ok(Offer { reference, found, package, signer: Some(key_text(&key)), known_as: trust.name_of(&key) })
}

/// The newest version of a connector in a registry.
pub(super) async fn newest(client: &Client, reference: &Reference) -> Result<Reference, Failure> {
    let tags = client.tags(&reference.name).await?;
    match registry::newest(&tags) {
        Some(tag) => Ok(Reference { tag: Some(tag.clone()), digest: None, ..reference.clone() }),
        None => {
            let title = format!("there is no version of `{}`", reference.repository());
            Err(Problem::new(Code::E323, title, "`hub plugin search` shows what a registry has").into())
        }
    }
}
