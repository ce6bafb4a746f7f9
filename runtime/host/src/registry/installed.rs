//! Connectors that were installed: in the data folder under the digest of their bytes, with the signature that was proven. The lock says which of them count.

use std::fs;
use std::io::{self, Read as _};
use std::path::PathBuf;

use hub_core::problem::{Code, Problem};

use crate::config::Config;
use crate::store::replace_file;

const FOLDER: &str = "plugins";
/// The greatest size of a component, and of a signature.
const MAX_BYTES: u64 = 64 << 20;

/// Where the component with a digest (hex) lies.
#[must_use]
pub fn path(config: &Config, digest: &str) -> PathBuf {
    config.data.join(FOLDER).join(format!("{digest}.wasm"))
}

/// The component with a digest; none if it is not here. Whether it is what its name says is for the caller to prove.
///
/// # Errors
/// The operating system's.
pub fn component(config: &Config, digest: &str) -> io::Result<Option<Vec<u8>>> {
    read(&path(config, digest))
}

/// The signature that was kept with it.
///
/// # Errors
/// The operating system's.
pub fn signature(config: &Config, digest: &str) -> io::Result<Option<Vec<u8>>> {
    read(&path(config, digest).with_extension("sig.json"))
}

fn read(path: &std::path::Path) -> io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Keeps a component and its signature, each whole or not at all.
///
/// # Errors
/// E009 if the data folder cannot be written.
pub fn keep(config: &Config, digest: &str, component: &[u8], signature: Option<&[u8]>) -> Result<(), Problem> {
    let folder = config.data.join(FOLDER);
    let written = fs::create_dir_all(&folder).and_then(|()| {
        if let Some(signature) = signature {
            replace_file(&folder, &format!("{digest}.sig.json"), signature)?;
        }
        replace_file(&folder, &format!("{digest}.wasm"), component)
    });
    written.map_err(|error| {
        Problem::new(
            Code::E009,
            format!("`{}` cannot be written: {error}", folder.display()),
            "make the data folder writable; nothing was installed",
        )
    })
}

/// Lets go of a component; what cannot be removed stays and counts for nothing.
pub fn forget(config: &Config, digest: &str) {
    let path = path(config, digest);
    drop(fs::remove_file(&path));
    drop(fs::remove_file(path.with_extension("sig.json")));
}
