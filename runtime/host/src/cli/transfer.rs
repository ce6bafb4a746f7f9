//! `hub state export` and `hub state import`: how far flows have come, for another store. What is exported may hold names or addresses: it is encrypted to a
//! recipient, or a file that only its owner can read.

use std::collections::BTreeMap;
use std::path::Path;

use hub_core::audit::{Draft, Kind};
use hub_core::problem::{Code, Problem};
use hub_core::treat::{Sealer, Seed, Treatment};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Failure, Place, audit, commit, create_private, io_problem, load, print_text, run};
use crate::store::format::Progress;
use crate::store::{self, Namespace, Put};

/// How an encrypted file begins.
const AGE: &[u8] = b"age-encryption.org/v1\n";
/// The greatest size of a file that is imported.
const MAX_BYTES: u64 = 64 << 20;

/// The file.
#[derive(Deserialize, Serialize)]
struct Exported {
    hub_state: u32,
    /// Stored forms by flow, in base64.
    flows: BTreeMap<String, String>,
}

/// Writes a new file. `to`: an age recipient, `age1…`.
pub(super) fn export(file: &Path, place: &Place, to: Option<&str>) -> Result<u8, Failure> {
    let config = place.config();
    audit::must_exist(&config)?;
    let store = run::open(&config)?;
    let mut flows = BTreeMap::new();
    let mut open = Vec::new();
    store::each(&*store, Namespace::Progress, None, |key, value| {
        let (id, progress) = (String::from_utf8_lossy(key).into_owned(), Progress::decode(value)?);
        if progress.open_run.is_some() {
            open.push(id.clone());
        }
        flows.insert(id, data_encoding::BASE64.encode(value));
        Ok(())
    })
    .map_err(|error| run::store_problem(&error))?;
    if let Some(id) = open.first() {
        let title = format!("the last run of `{id}` did not end: how far it has come is not known for certain");
        return Err(Problem::new(Code::E009, title, "run it once more, then export").into());
    }
    let count = flows.len();
    let text = Zeroizing::new(serde_json::to_string(&Exported { hub_state: 1, flows }).unwrap_or_default());
    let content = match to {
        Some(recipient) => Zeroizing::new(sealed(&text, recipient)?),
        None => Zeroizing::new(text.as_bytes().to_vec()),
    };
    create_private(file, &content)?;
    commit(&*store, Vec::new(), vec![Draft::new(Kind::StateExported).records(count as u64)])?;
    let care =
        if to.is_some() { "" } else { "; it may hold names or addresses: keep it as safe as the store, or encrypt it with `--to age1…`" };
    print_text(&format!("✓ {count} flows in {}{care}\n", file.display()));
    Ok(0)
}

fn sealed(text: &str, recipient: &str) -> Result<Vec<u8>, Problem> {
    let wrong = || Problem::new(Code::E009, "this is no age recipient", "give the `age1…` that `age-keygen` says");
    let key = hub_core::manifest::Recipient::key(recipient).ok_or_else(wrong)?;
    let mut random = [0; 32];
    let seed = getrandom::fill(&mut random).ok().and_then(|()| Seed::new(random));
    let sealer = seed.and_then(|seed| Sealer::new(key, &seed)).ok_or_else(wrong)?;
    let mut quoted = Vec::new();
    Treatment::Encrypt(sealer).apply(text, Some(text), &mut quoted).map_err(|_| wrong())?;
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    data_encoding::BASE64.decode(inner).map_err(|_| wrong())
}

/// Takes flows in. Those of which something is stored already only with `replace`.
pub(super) fn import(file: &Path, place: &Place, replace: bool) -> Result<u8, Failure> {
    let config = place.config();
    let loaded = load::load(&place.manifest, &config)?;
    let flows = read(file)?;
    let manifest = loaded.policy.manifest();
    if let Some(unknown) = flows.keys().find(|id| !manifest.flows.contains_key(*id)) {
        return Err(super::unknown_flow(unknown, manifest));
    }
    let store = run::open(&config)?;
    let mut puts = Vec::new();
    let mut entries = Vec::new();
    for (id, value) in flows {
        let known = store.get(Namespace::Progress, id.as_bytes()).map_err(|error| run::store_problem(&error))?;
        if known.is_some() && !replace {
            let title = format!("`{id}` has come somewhere already");
            return Err(
                Problem::new(Code::E009, title, "take the file's word for all of them with `--replace`, or reset the flow first").into()
            );
        }
        entries.push(Draft::new(Kind::StateImported).flow(id.clone()));
        puts.push(Put { namespace: Namespace::Progress, key: id.into_bytes(), value: Some(value) });
    }
    let count = puts.len();
    commit(&*store, puts, entries)?;
    print_text(&format!("✓ {count} flows go on from where the file says\n"));
    Ok(0)
}

/// The stored forms, each of which can be read.
fn read(file: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let wrong = |why: &str| -> Failure {
        let title = format!("`{}` cannot be taken over: {why}", file.display());
        Problem::new(Code::E009, title, "give a file of `hub state export`, and its identity in HUB_AGE_IDENTITY_FILE if it is encrypted")
            .into()
    };
    let bytes = crate::egress::read_bounded(file, MAX_BYTES).map_err(|error| io_problem("read", file, &error))?;
    let opened = if bytes.starts_with(AGE) {
        let identity = crate::egress::identity().map_err(|reason| wrong(&reason))?;
        Zeroizing::new(identity.open(&bytes).ok_or_else(|| wrong("it is not encrypted to the identity"))?)
    } else {
        bytes
    };
    let exported: Exported = serde_json::from_slice(&opened).map_err(|_| wrong("it is no export"))?;
    if exported.hub_state != 1 {
        return Err(wrong("a newer hub wrote it"));
    }
    let form = |(id, text): (String, String)| {
        let value = data_encoding::BASE64.decode(text.as_bytes()).map_err(|_| wrong("a value is not base64"))?;
        let progress = Progress::decode(&value).map_err(|_| wrong("a value cannot be read"))?;
        if progress.open_run.is_some() { Err(wrong("a run had not ended")) } else { Ok((id, value)) }
    };
    exported.flows.into_iter().map(form).collect()
}
