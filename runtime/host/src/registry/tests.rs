//! A registry in a folder: what was put there comes back, and what was changed there does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use hub_core::description::Description;
use hub_core::plugin::{PublisherKey, key_text};
use tempfile::TempDir;

use super::*;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn described(version: &str) -> Description {
    let text = format!(
        r#"{{"hub":"0.1","name":"crm","version":"{version}","summary":"Contacts.","config":{{}},"imports":[],"hosts":[],"destination":{{"modes":["append"],"accepts":["user"]}}}}"#
    );
    hub_core::description::parse(text.as_bytes()).unwrap()
}

fn client(folder: &Path) -> Client {
    Client::open(&Registry::Folder(folder.display().to_string()), Path::new("."), &Login::default()).unwrap()
}

fn target() -> Reference {
    Reference::parse("dir:x/crm").unwrap()
}

fn put(folder: &Path, version: &str, component: &[u8], key: Option<&PublisherKey>) -> Result<Published, Problem> {
    let description = described(version);
    let artifact = Artifact {
        component,
        description: &description,
        licence: Some("Apache-2.0"),
        materials: Some(b"{}"),
        conformance: None,
        created: "2026-01-01T00:00:00.000Z",
    };
    block_on(publish(&client(folder), &target(), &artifact, key))
}

fn get(folder: &Path, version: &str) -> Result<Found, Problem> {
    block_on(fetch(&client(folder), &Reference { tag: Some(version.into()), ..target() }))
}

fn key() -> PublisherKey {
    PublisherKey::from_seed(&[7; 32]).unwrap()
}

fn trusting(namespace: &str, key: &PublisherKey) -> Trust {
    let one = Trusted { namespace: namespace.into(), name: "acme".into(), key: key_text(&key.public()), since: "2026-01-01".into() };
    let mut trust = Trust::default();
    trust.trusted.push(one);
    trust
}

fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "1.0.0", COMPONENT, Some(&key())).unwrap();
    folder
}

#[test]
fn what_was_published_comes_back_with_who_vouches_for_it() {
    let folder = filled();
    let found = get(folder.path(), "1.0.0").unwrap();
    assert_eq!((found.component.as_slice(), found.licence.as_deref(), found.has_materials), (COMPONENT, Some("Apache-2.0"), true));
    let signer =
        |namespace: &str, version: &str| found.signer("oci://r.example/hub/crm", &described(version), &trusting(namespace, &key()));
    for namespace in ["oci://r.example", "oci://r.example/hub", "oci://r.example/hub/", "oci://r.example/hub/crm"] {
        assert_eq!(signer(namespace, "1.0.0").unwrap(), key().public(), "{namespace}");
    }
    for namespace in ["oci://r.example/hu", "oci://r.example.org", "dir:", "oci://r.example/hub/crm/x"] {
        assert_eq!(signer(namespace, "1.0.0").unwrap_err().code, Code::E508, "{namespace}");
    }
    assert_eq!(signer("oci://r.example", "1.0.1").unwrap_err().code, Code::E508, "a signature is of one version");
    let told = block_on(about(&client(folder.path()), &target())).unwrap().unwrap();
    assert_eq!((told.newest.as_str(), told.summary.as_str(), told.signed), ("1.0.0", "Contacts.", true));
    assert_eq!(block_on(client(folder.path()).names()).unwrap(), ["crm"]);
}

#[test]
fn a_version_never_changes() {
    let folder = filled();
    let again = put(folder.path(), "1.0.0", COMPONENT, Some(&key())).unwrap();
    assert_eq!(again.digest, get(folder.path(), "1.0.0").unwrap().digest);
    let other = put(folder.path(), "1.0.0", b"\0asm\x0d\0\x01\0 other", None);
    assert_eq!(other.unwrap_err().code, Code::E211);
    assert!(get(folder.path(), "1.0.0").unwrap().envelope.is_some());
    put(folder.path(), "1.1.0", b"\0asm\x0d\0\x01\0 other", None).unwrap();
    assert!(get(folder.path(), "1.1.0").unwrap().envelope.is_none());
    assert_eq!(block_on(client(folder.path()).tags("crm")).unwrap(), ["1.0.0", "1.1.0"]);
    assert_eq!(put(folder.path(), "1.2.0+build", COMPONENT, None).unwrap_err().code, Code::E323);
}

#[test]
fn every_changed_byte_is_told() {
    let folder = filled();
    let blobs = folder.path().join("crm/blobs/sha256");
    let names: Vec<_> = fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(
        names.len(),
        7,
        "component, configuration, manifest; signature, materials, their manifests, and one empty part that is `{{}}` too"
    );
    let mut told = 0;
    for path in names {
        let bytes = fs::read(&path).unwrap();
        for changed in [[&bytes[..], b" "].concat(), bytes[..bytes.len() - 1].to_vec(), vec![b'x'; bytes.len()]] {
            fs::write(&path, changed).unwrap();
            match get(folder.path(), "1.0.0") {
                Err(problem) => {
                    assert_eq!(problem.code, Code::E323, "{}", problem.title);
                    told += 1;
                }
                // The configuration and empty parts are not read, so they decide nothing.
                Ok(found) => assert_eq!(found.component, COMPONENT),
            }
        }
        fs::remove_file(&path).unwrap();
        let _ = get(folder.path(), "1.0.0");
        fs::write(&path, bytes).unwrap();
    }
    assert!(told >= 12, "manifest, component, signature and its manifest: {told}");
    fs::write(folder.path().join("crm/index.json"), "{").unwrap();
    assert_eq!(get(folder.path(), "1.0.0").err().unwrap().code, Code::E323);
}

#[test]
fn a_part_over_its_limit_is_not_taken() {
    let folder = filled();
    let too_large = block_on(client(folder.path()).blob("crm", &hex(COMPONENT), 8, 7));
    assert!(too_large.unwrap_err().title.contains("at most 7"));
    let climbing = block_on(client(folder.path()).blob("crm", "../../../index.json", 8, 100));
    assert_eq!(climbing.unwrap_err().code, Code::E323);
}

#[test]
fn a_mirrored_version_keeps_digest_and_signature() {
    let (here, there) = (filled(), tempfile::tempdir().unwrap());
    let from = Reference { tag: Some("1.0.0".into()), ..target() };
    let copied = block_on(mirror(&client(here.path()), &from, &client(there.path()), &target())).unwrap();
    let (old, new) = (get(here.path(), "1.0.0").unwrap(), get(there.path(), "1.0.0").unwrap());
    assert_eq!((copied.digest.as_str(), old.digest.as_str(), old.envelope), (new.digest.as_str(), new.digest.as_str(), new.envelope));
    let other = tempfile::tempdir().unwrap();
    put(other.path(), "1.0.0", b"\0asm\x0d\0\x01\0 other", None).unwrap();
    let refused = block_on(mirror(&client(here.path()), &from, &client(other.path()), &target()));
    assert_eq!(refused.unwrap_err().code, Code::E211);
}

#[test]
fn the_newest_version_is_no_trial() {
    let tags = |tags: &[&str]| tags.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(newest(&tags(&["1.9.0", "1.10.0", "2.0.0-rc.1", "latest"])).unwrap(), "1.10.0");
    assert_eq!(newest(&tags(&["0.1.0-a", "0.1.0-b"])).unwrap(), "0.1.0-b");
    assert_eq!(newest(&tags(&["latest"])), None);
}
