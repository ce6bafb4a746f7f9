//! What must outlive a run: refresh tokens that serve once have successors, and the place of a secret is where they go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hub_core::manifest::{SecretRef, System};
use hub_core::problem::Sources;
use hub_lowcode::auth::Update;

use crate::place::beside;

/// Keeps changes of a configuration.
pub trait Keeper: Send + Sync {
    /// Stores changes, durably.
    ///
    /// # Errors
    /// Why one that must last could not be stored, without a value.
    fn keep(&self, updates: &[Update]) -> Result<(), String>;
}

/// Writes changes into the files that the manifest names as the places of a system's secrets.
pub struct SecretFiles {
    /// Dotted path in the configuration, and the file if it is one.
    places: Vec<(String, Option<PathBuf>)>,
}

impl SecretFiles {
    /// The files of a system.
    #[must_use]
    pub fn new(sources: &Sources, system: &System) -> Self {
        let place = |(path, place): (&String, &hub_core::problem::Spanned<SecretRef>)| {
            let file = match &place.value {
                SecretRef::File(file) => Some(beside(sources, place.span, file)),
                SecretRef::Env(_) | SecretRef::Store(_) => None,
            };
            (path.clone(), file)
        };
        Self { places: system.secrets.iter().map(place).collect() }
    }
}

impl Keeper for SecretFiles {
    fn keep(&self, updates: &[Update]) -> Result<(), String> {
        for update in updates {
            let path = update.path.join(".");
            match self.places.iter().find(|(known, _)| *known == path) {
                Some((_, Some(file))) => replace(file, &update.value.python_str()).map_err(|error| format!("`{path}`: {error}"))?,
                Some((_, None)) if update.lasting => {
                    return Err(format!(
                        "`{path}` comes from an environment variable, but each of these tokens serves once: put it into a file"
                    ));
                }
                None if update.lasting => {
                    return Err(format!("`{path}` is not among the `secrets` of the system: put it into a file and name it there"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Puts a new file in the place of the old one in one step; nobody else may read it.
fn replace(file: &Path, secret: &str) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = fs::metadata(file).map_or(0o600, |known| known.permissions().mode() & 0o777);
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let beside = folder.join(name);
    drop(fs::remove_file(&beside));
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    new.write_all(secret.as_bytes())?;
    new.write_all(b"\n")?;
    new.set_permissions(fs::Permissions::from_mode(mode))?;
    new.sync_all()?;
    fs::rename(&beside, file)?;
    File::open(folder)?.sync_all()
}
