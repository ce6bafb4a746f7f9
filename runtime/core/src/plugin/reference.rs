//! Names of connectors in registries: `oci://HOST/PATH:TAG` and `dir:FOLDER/NAME:TAG`, each with `@sha256:HEX` if one digest only is meant.

use std::fmt;

const MAX_PLACE_BYTES: usize = 512;
/// A tag of the distribution specification.
const MAX_TAG_BYTES: usize = 128;

/// Where registries keep things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registry {
    /// Host, with a port if it is not the usual one.
    Remote(String),
    /// A folder of OCI image layouts, one for each name.
    Folder(String),
}

/// One thing in a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Where.
    pub registry: Registry,
    /// Name within it; in a remote registry with its path.
    pub name: String,
    /// Its version, or a name that moves.
    pub tag: Option<String>,
    /// Hex SHA-256 of its manifest, in full or (in a hub manifest) its beginning.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads `oci://HOST/NAME:TAG@sha256:HEX` or `dir:FOLDER/NAME:TAG@sha256:HEX`; tag and digest may be missing.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (place, digest) = match text.split_once("@sha256:") {
            Some((place, digest)) if is_hex(digest) && matches!(digest.len(), 1..=64) => (place, Some(digest.to_owned())),
            Some(_) => return Err("behind `@sha256:` stand at most 64 characters 0 to 9 and a to f"),
            None => (text, None),
        };
        if place.len() > MAX_PLACE_BYTES {
            return Err("it is longer than 512 bytes");
        }
        let (registry, path) = match (place.strip_prefix("oci://"), place.strip_prefix("dir:")) {
            (Some(rest), _) => {
                let (host, path) =
                    rest.split_once('/').ok_or("behind `oci://` stand a host and a name: `oci://registry.example.org/hub/crm:1.0.0`")?;
                if !is_host(host) {
                    return Err("its host is none");
                }
                (Registry::Remote(host.to_owned()), path)
            }
            (None, Some(rest)) => {
                let (folder, path) = rest.rsplit_once('/').unwrap_or((".", rest));
                (Registry::Folder(if folder.is_empty() { "/".to_owned() } else { folder.to_owned() }), path)
            }
            (None, None) => return Err("it begins with neither `oci://` nor `dir:`"),
        };
        let (name, tag) = match path.rsplit_once(':') {
            Some((name, tag)) if is_tag(tag) => (name, Some(tag.to_owned())),
            Some(_) => return Err("its tag is none: letters, digits, `.`, `_` and `-`, at most 128"),
            None => (path, None),
        };
        if name.is_empty() || !name.split('/').all(is_path_part) {
            return Err("its name is none: lower-case letters, digits, `.`, `_` and `-` between slashes");
        }
        Ok(Self { registry, name: name.to_owned(), tag, digest })
    }

    /// A name within a place: `dir:FOLDER` or `oci://HOST/PATH`.
    ///
    /// # Errors
    /// What is wrong with the place, in words.
    pub fn within(place: &str, name: &str) -> Result<Self, &'static str> {
        if place.contains('@') || place.strip_prefix("oci://").is_some_and(str::is_empty) {
            return Err("a place is `dir:FOLDER` or `oci://HOST/PATH`, without a version");
        }
        Self::parse(&format!("{}/{name}", place.trim_end_matches('/')))
    }

    /// Without tag and digest: what a publisher is trusted for.
    #[must_use]
    pub fn repository(&self) -> String {
        Self { tag: None, digest: None, ..self.clone() }.to_string()
    }

    /// The last part of its name.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.registry {
            Registry::Remote(host) => write!(out, "oci://{host}/{}", self.name)?,
            Registry::Folder(folder) => write!(out, "dir:{}/{}", folder.trim_end_matches('/'), self.name)?,
        }
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(out, "@sha256:{digest}")?;
        }
        Ok(())
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_port && name.split('.').all(label)
}

fn is_path_part(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    part.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && part.bytes().all(allowed)
}

fn is_tag(tag: &str) -> bool {
    let first = tag.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    first && tag.len() <= MAX_TAG_BYTES && tag.bytes().all(allowed)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// True for the hex of a SHA-256.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

/// True for what a connector may be called: `[a-z][a-z0-9-]*`, at most 64 bytes.
#[must_use]
pub fn is_plugin_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// True for `MAJOR.MINOR.PATCH` with an optional part behind `-`, which is also a tag.
#[must_use]
pub fn is_version(text: &str) -> bool {
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let numbers: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.len() == 3 && numbers.iter().all(number) && pre.is_none_or(is_tag)
}
