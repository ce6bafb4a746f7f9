//! Under whose consent a record was delivered, for as long as it is at the destination: what a withdrawal needs to delete it there, also when the source
//! does not hand the record over again.
//!
//! Values are sealed by the store; a record's place in it is a code of its key that nobody can make without a key of hub's own. Decides nothing.
//! Invariant: a record is remembered before it is delivered.

use std::fmt;

use data_encoding::HEXLOWER;
use hub_core::consent::{Consents, Standing};
use hub_core::gate::{FieldPlan, ScanReport};
use hub_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::keys::Keys;
use crate::store::format::UnderConsent;
use crate::store::{Durability, Namespace, Put, Store, StoreError, Transaction};

/// The key that makes places.
const PLACES: &str = "delivered";
/// Writes of one transaction, and entries that are read at once.
const AT_ONCE: usize = 1000;

/// What a flow remembers.
pub struct Delivered {
    /// Takes the key out of a record as it arrives.
    plan: FieldPlan,
    secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Delivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Delivered").finish_non_exhaustive()
    }
}

/// A record whose consent was withdrawn.
#[derive(Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Where it is remembered.
    pub place: Vec<u8>,
    /// Its key as the destination knows it, one line of JSON.
    pub key: String,
}

impl fmt::Debug for Withdrawn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Withdrawn").finish_non_exhaustive()
    }
}

impl Delivered {
    /// The memory of a data folder's flows. `plan` passes the keys of records as they arrive, and digests of them.
    ///
    /// # Errors
    /// The key of the places cannot be read or made.
    pub fn new(keys: &Keys, plan: FieldPlan) -> Result<Self, Problem> {
        let secret = Zeroizing::new(keys.tag(PLACES, &Sha256::digest(PLACES))?);
        Ok(Self { plan, secret })
    }

    /// Remembers records that are about to be delivered, each with the person whose consent it rests on.
    ///
    /// # Errors
    /// E216 if the store does not take it.
    pub async fn remember(&self, store: &dyn Store, flow: &str, records: &[u8], persons: &[[u8; 16]]) -> Result<(), Problem> {
        let mut puts = Vec::new();
        for ((place, key), person) in self.keys(flow, records)?.into_iter().zip(persons) {
            let value = UnderConsent { person: HEXLOWER.encode(person), key }.encode();
            let known = store.get(Namespace::Delivered, &place).map_err(|error| unwritable(&error))?;
            if known.as_deref() != Some(&*value) {
                puts.push(Put { namespace: Namespace::Delivered, key: place, value: Some(value) });
            }
        }
        write(store, puts).await
    }

    /// Forgets records that are about to be deleted at the destination, by their keys as it knows them.
    ///
    /// # Errors
    /// E216 if the store does not take it.
    pub async fn forget(&self, store: &dyn Store, flow: &str, keys: &[u8]) -> Result<(), Problem> {
        write(store, self.keys(flow, keys)?.into_iter().map(|(place, _)| gone(place)).collect()).await
    }

    /// Place and key of each record.
    fn keys(&self, flow: &str, records: &[u8]) -> Result<Vec<(Vec<u8>, String)>, Problem> {
        let (mut lines, mut report) = (Vec::new(), ScanReport::default());
        self.plan.scan_lines(records, &mut lines, &mut report).map_err(|stop| {
            let title = format!("flow `{flow}` cannot remember what it delivers: {}", stop.message);
            Problem::new(stop.code, title, "set `on_withdrawal = \"keep\"` in its consent gate, and report this")
        })?;
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let found = report.keys.iter().zip(lines);
        Ok(found.map(|(digest, line)| (self.place(flow, digest), String::from_utf8_lossy(line).into_owned())).collect())
    }

    fn place(&self, flow: &str, digest: &[u8; 16]) -> Vec<u8> {
        // Secret and digest have one length each, so the code is sound.
        let code = Sha256::new().chain_update(self.secret.as_slice()).chain_update(digest).finalize();
        [&prefix(flow)[..], HEXLOWER.encode(code.get(..16).unwrap_or_default()).as_bytes()].concat()
    }
}

/// Records of a flow whose consent the ledger now says was withdrawn.
///
/// # Errors
/// The store cannot be read.
pub fn withdrawn(store: &dyn Store, flow: &str, consents: &Consents) -> Result<Vec<Withdrawn>, StoreError> {
    let mut found = Vec::new();
    each(store, flow, |place, entry| {
        let person = HEXLOWER.decode(entry.person.as_bytes()).ok().and_then(|digest| digest.try_into().ok());
        if person.is_some_and(|person| consents.standing_of(&person) == Standing::Withdrawn) {
            found.push(Withdrawn { place, key: entry.key });
        }
    })?;
    Ok(found)
}

/// Forgets everything of a flow: nobody asks it for a withdrawal any more.
///
/// # Errors
/// E216 if the store cannot be read or does not take it.
pub async fn erase(store: &dyn Store, flow: &str) -> Result<(), Problem> {
    let mut puts = Vec::new();
    each(store, flow, |place, _| puts.push(gone(place))).map_err(|error| unwritable(&error))?;
    write(store, puts).await
}

fn each(store: &dyn Store, flow: &str, mut take: impl FnMut(Vec<u8>, UnderConsent)) -> Result<(), StoreError> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.scan(Namespace::Delivered, &prefix(flow), after.as_deref(), AT_ONCE)?;
        after = page.last().map(|(place, _)| place.clone());
        if after.is_none() {
            return Ok(());
        }
        for (place, value) in page {
            take(place, UnderConsent::decode(&value)?);
        }
    }
}

/// The write that forgets a record.
#[must_use]
pub fn gone(place: Vec<u8>) -> Put {
    Put { namespace: Namespace::Delivered, key: place, value: None }
}

/// No flow's id holds the separator.
fn prefix(flow: &str) -> Vec<u8> {
    [flow.as_bytes(), &[0]].concat()
}

/// Lazy: order is kept, so the entry of the audit log that follows makes it durable.
async fn write(store: &dyn Store, mut puts: Vec<Put>) -> Result<(), Problem> {
    while !puts.is_empty() {
        let rest = puts.split_off(puts.len().min(AT_ONCE));
        let transaction = Transaction { puts: std::mem::replace(&mut puts, rest), audit: Vec::new() };
        store.commit(transaction, Durability::Lazy).await.map_err(|error| unwritable(&error))?;
    }
    Ok(())
}

fn unwritable(error: &StoreError) -> Problem {
    let title = format!("what was delivered under a consent cannot be remembered: {error}");
    Problem::new(Code::E216, title, "free disk space or mend the store; what could not be taken back is not delivered")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use hub_core::consent::Row;
    use hub_core::gate::{PlanRequest, PlannedField};
    use hub_core::record::FieldPath;
    use hub_core::stream::StreamShape;
    use hub_core::treat::Treatment;

    use super::*;
    use crate::store::{MemoryStore, Options};

    fn plan() -> FieldPlan {
        let path = |text: &str| FieldPath::parse(text).unwrap();
        let paths = [path("id"), path("at.shop")];
        let shape = StreamShape::from_fields(&paths.clone().map(|path| (path, "user.unique_id".to_owned()))).unwrap();
        let keep = |path: &FieldPath| PlannedField { path: path.clone(), to: path.clone(), treatment: Treatment::Keep };
        let fields = paths.iter().map(keep).collect();
        FieldPlan::compile(PlanRequest { fields, primary_key: paths.to_vec(), collect_keys: true, ..PlanRequest::new(&shape) }).unwrap()
    }

    fn ledger(rows: &[(&str, &str)]) -> Consents {
        let mut consents = Consents::new("news", vec!["given".to_owned()], vec!["user.contact.email".to_owned()]);
        for (mail, status) in rows {
            assert!(consents.add(&[mail], Row { scope: None, status: Some(status), at: Some("2026-01-01"), proof: Some("doi") }));
        }
        consents
    }

    fn tag(consents: &Consents, mail: &str) -> [u8; 16] {
        let mut person = consents.person();
        person.add(mail);
        person.tag()
    }

    #[tokio::test]
    async fn a_withdrawal_finds_what_was_delivered_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Delivered::new(&Keys::new(folder.path().to_path_buf()), plan()).unwrap();
        let store = MemoryStore::new(Options::default());
        let consents = ledger(&[("ada@x.example", "given"), ("bob@x.example", "given")]);
        let (ada, bob) = (tag(&consents, "ada@x.example"), tag(&consents, "bob@x.example"));
        let records = "{\"at\":{\"shop\":\"s\"},\"id\":1.0,\"name\":\"Ada\"}\n{\"id\":\"2\",\"at\":{\"shop\":\"s\"}}\n{\"id\":\"3\",\"at\":{\"shop\":\"s\"}}\n";
        memory.remember(&store, "f", records.as_bytes(), &[ada, bob, bob]).await.unwrap();
        memory.remember(&store, "f2", records.as_bytes(), &[ada, bob, bob]).await.unwrap();
        let found = |consents: &Consents| withdrawn(&store, "f", consents).unwrap();
        assert_eq!(found(&consents), []);
        assert_eq!(found(&ledger(&[])), [], "no entry is no withdrawal");
        let later = ledger(&[("ada@x.example", "withdrawn"), ("bob@x.example", "given")]);
        let keys: Vec<_> = found(&later).into_iter().map(|one| one.key).collect();
        assert_eq!(keys, ["{\"at\":{\"shop\":\"s\"},\"id\":1.0}"], "spelled as it was delivered, without anything else");
        // The same key in another order of fields is the same record; what the source deletes is forgotten.
        memory.forget(&store, "f", b"{\"id\":\"2\",\"at\":{\"shop\":\"s\"}}\n{\"id\":1.0,\"at\":{\"shop\":\"s\"}}\n").await.unwrap();
        assert_eq!(found(&later), []);
        let all = ledger(&[("ada@x.example", "withdrawn"), ("bob@x.example", "no")]);
        assert_eq!((found(&all).len(), withdrawn(&store, "f2", &all).unwrap().len()), (1, 3), "another flow has its own");
        // A record that changes hands rests on the other's consent.
        memory.remember(&store, "f", b"{\"id\":\"3\",\"at\":{\"shop\":\"s\"}}\n", &[ada]).await.unwrap();
        assert_eq!(found(&ledger(&[("bob@x.example", "withdrawn")])), []);
        erase(&store, "f").await.unwrap();
        assert_eq!(withdrawn(&store, "f", &all).unwrap(), []);
        assert_eq!(withdrawn(&store, "f2", &all).unwrap().len(), 3);
        for (place, _) in store.scan(Namespace::Delivered, b"", None, 100).unwrap() {
            assert!(place.starts_with(b"f") && place.iter().all(|byte| *byte == 0 || byte.is_ascii_alphanumeric()), "{place:?}");
        }
    }
}
