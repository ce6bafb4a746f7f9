//! A registry without a server: one OCI image layout for each name, which other tools read as well. Content lies under its digest; the index is replaced in
//! one step, so a version is there whole or not at all.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hub_core::plugin::is_digest;
use hub_core::problem::Problem;
use serde_json::{Value, json};

use super::artifact::MANIFEST_TYPE;
use super::{MAX_LISTED, MAX_TEXT_BYTES, failed, hex};
use crate::store::replace_file;

const INDEX: &str = "index.json";
const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// The folder of a registry.
pub struct Layouts {
    pub folder: PathBuf,
}

impl Layouts {
    pub(super) fn manifest(&self, name: &str, which: &str) -> Result<Option<Vec<u8>>, Problem> {
        let digest = match which.strip_prefix("sha256:") {
            Some(digest) => Some(digest.to_owned()),
            None => self.index(name)?.into_iter().find(|(tag, _)| tag == which).map(|(_, digest)| digest),
        };
        let Some(digest) = digest else { return Ok(None) };
        let path = self.blob_path(name, &digest)?;
        match read(&path, MAX_TEXT_BYTES) {
            Ok(bytes) if hex(&bytes) == digest => Ok(Some(bytes)),
            Ok(_) => Err(failed(format!("`{}` is not what its name says", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    pub(super) fn blob(&self, name: &str, digest: &str, size: u64) -> Result<Vec<u8>, Problem> {
        let path = self.blob_path(name, digest)?;
        read(&path, size).map_err(|error| unreadable(&path, &error))
    }

    pub(super) fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Problem> {
        let path = self.blob_path(name, &hex(bytes))?;
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        replace_file(folder, &file, bytes).map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    }

    pub(super) fn put_manifest(&self, name: &str, tag: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.put_blob(name, bytes)?;
        let mut entries = self.index(name)?;
        entries.retain(|(known, _)| known != tag);
        entries.push((tag.to_owned(), hex(bytes)));
        let mut manifests = Vec::new();
        for (tag, digest) in &entries {
            let path = self.blob_path(name, digest)?;
            let size = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?.len();
            manifests.push(json!({ "mediaType": MANIFEST_TYPE, "digest": format!("sha256:{digest}"), "size": size, "annotations": { REFERENCE: tag } }));
        }
        let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests });
        let folder = self.folder.join(name);
        let write = |file: &str, value: &Value| {
            replace_file(&folder, file, value.to_string().as_bytes()).map_err(|error| unwritable(&folder, &error))
        };
        write("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }))?;
        write(INDEX, &index)
    }

    pub(super) fn tags(&self, name: &str) -> Result<Vec<String>, Problem> {
        Ok(self.index(name)?.into_iter().map(|(tag, _)| tag).collect())
    }

    pub(super) fn names(&self) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|error| unreadable(&self.folder, &error))?.take(MAX_LISTED) {
            let entry = entry.map_err(|error| unreadable(&self.folder, &error))?;
            if entry.path().join(INDEX).is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    /// Tags and digests (hex) of a name.
    fn index(&self, name: &str) -> Result<Vec<(String, String)>, Problem> {
        let path = self.folder.join(name).join(INDEX);
        let bytes = match read(&path, MAX_TEXT_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let index: Value =
            serde_json::from_slice(&bytes).map_err(|_| failed(format!("`{}` is no index of an image layout", path.display())))?;
        let entry = |entry: &Value| {
            let tag = entry.pointer("/annotations/org.opencontainers.image.ref.name")?.as_str()?;
            let digest = entry.get("digest")?.as_str()?.strip_prefix("sha256:")?;
            Some((tag.to_owned(), digest.to_owned()))
        };
        let entries = index.get("manifests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Ok(entries.iter().take(MAX_LISTED).filter_map(entry).collect())
    }

    fn blob_path(&self, name: &str, digest: &str) -> Result<PathBuf, Problem> {
        if !is_digest(digest) {
            return Err(failed(format!("`{name}` names a digest that is none")));
        }
        Ok(self.folder.join(name).join("blobs/sha256").join(digest))
    }
}

fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    failed(format!("`{}` cannot be read: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    failed(format!("`{}` cannot be written: {error}", path.display()))
}
