//! Registries of connectors: a folder of OCI image layouts, or a server that speaks the distribution protocol. Takes nothing from one that is not what its
//! digest says, and nothing by halves. Whom to trust is `trust`'s; what is installed is `installed`'s; neither runs a connector.

mod artifact;
mod folder;
mod installed;
mod remote;
#[cfg(test)]
mod tests;
mod trust;

use hub_core::plugin::{Reference, Registry};
use hub_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};

pub use artifact::{About, Artifact, Conformance, Found, Published, about, fetch, mirror, publish};
pub use installed::{component, forget, keep, path, signature};
pub use remote::Login;
pub use trust::{Trust, Trusted, own_key};

use folder::Layouts;
use remote::Remote;

/// The greatest manifest, configuration or signature.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// The greatest number of names or tags that are listed.
const MAX_LISTED: usize = 10_000;

/// An open registry.
pub enum Client {
    /// Folders.
    Folder(Layouts),
    /// A server.
    Remote(Box<Remote>),
}

impl Client {
    /// Opens the registry of a reference; connects to nothing yet. `base`: what a relative folder is relative to.
    ///
    /// # Errors
    /// E323 for a login or an authority that cannot be used.
    pub fn open(registry: &Registry, base: &std::path::Path, login: &Login) -> Result<Self, Problem> {
        match registry {
            Registry::Folder(folder) => Ok(Self::Folder(Layouts { folder: base.join(folder) })),
            Registry::Remote(host) => Remote::new(host, login).map(|remote| Self::Remote(Box::new(remote))),
        }
    }

    /// Exact bytes of a manifest by tag or `sha256:HEX`; none if there is no such one.
    ///
    /// # Errors
    /// E323.
    pub async fn manifest(&self, name: &str, which: &str) -> Result<Option<Vec<u8>>, Problem> {
        match self {
            Self::Folder(layouts) => layouts.manifest(name, which),
            Self::Remote(remote) => remote.manifest(name, which).await,
        }
    }

    /// Bytes with a digest (hex) and a size.
    ///
    /// # Errors
    /// E323, also if they are others.
    pub async fn blob(&self, name: &str, digest: &str, size: u64, limit: u64) -> Result<Vec<u8>, Problem> {
        if size > limit {
            return Err(failed(format!("a part of `{name}` has {size} bytes, at most {limit} are taken")));
        }
        let bytes = match self {
            Self::Folder(layouts) => layouts.blob(name, digest, size)?,
            Self::Remote(remote) => remote.blob(name, digest, size).await?,
        };
        if bytes.len() as u64 != size || hex(&bytes) != digest {
            return Err(failed(format!("a part of `{name}` is not what its digest sha256:{digest} says")));
        }
        Ok(bytes)
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// E323.
    pub async fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        match self {
            Self::Folder(layouts) => layouts.put_blob(name, bytes).map(drop),
            Self::Remote(remote) => remote.put_blob(name, bytes, &hex(bytes)).await,
        }
    }

    /// Puts a manifest under a tag: the last step, by which everything becomes visible.
    ///
    /// # Errors
    /// E323.
    pub async fn put_manifest(&self, name: &str, tag: &str, bytes: &[u8]) -> Result<(), Problem> {
        match self {
            Self::Folder(layouts) => layouts.put_manifest(name, tag, bytes),
            Self::Remote(remote) => remote.put_manifest(name, tag, bytes).await,
        }
    }

    /// Tags of a name, sorted; those of signatures and alike are left out.
    ///
    /// # Errors
    /// E323.
    pub async fn tags(&self, name: &str) -> Result<Vec<String>, Problem> {
        let mut tags = match self {
            Self::Folder(layouts) => layouts.tags(name)?,
            Self::Remote(remote) => remote.tags(name).await?,
        };
        tags.retain(|tag| !tag.starts_with("sha256-"));
        tags.sort();
        Ok(tags)
    }

    /// Names that the registry has, sorted.
    ///
    /// # Errors
    /// E323; a server may not tell them.
    pub async fn names(&self) -> Result<Vec<String>, Problem> {
        let mut names = match self {
            Self::Folder(layouts) => layouts.names()?,
            Self::Remote(remote) => remote.names().await?,
        };
        names.sort();
        Ok(names)
    }
}

/// The newest version among tags; pre-releases only if there is nothing else.
#[must_use]
pub fn newest(tags: &[String]) -> Option<&String> {
    let parsed = || tags.iter().filter_map(|tag| Some((semver::Version::parse(tag).ok()?, tag)));
    let released = parsed().filter(|(version, _)| version.pre.is_empty()).max_by(|left, right| left.0.cmp(&right.0));
    released.or_else(|| parsed().max_by(|left, right| left.0.cmp(&right.0))).map(|(_, tag)| tag)
}

/// Hex SHA-256.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// E323.
fn failed(what: impl std::fmt::Display) -> Problem {
    Problem::new(Code::E323, format!("the registry failed: {what}"), "see that it runs and that the name is right; nothing was changed")
}

/// What a reference asks a registry for.
fn wanted(reference: &Reference) -> Option<String> {
    let digest = reference.digest.as_ref().filter(|digest| digest.len() == 64).map(|digest| format!("sha256:{digest}"));
    digest.or_else(|| reference.tag.clone())
}
