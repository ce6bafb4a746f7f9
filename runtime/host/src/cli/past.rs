//! A manifest as it was on an earlier day, made again from the texts that were kept when it came into force. Reads no file and no component.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hub_core::date::Date;
use hub_core::description;
use hub_core::manifest::{self, ConnectorRef, Files, Manifest, System};
use hub_core::policy::{Catalogue, Policy};
use hub_core::problem::{Code, Problem, Sources};

use super::Failure;
use crate::lowcode::{self, Carried, LowCode, Reading, Texts};
use crate::store::format::Applied;

/// The policy of a manifest that was in force, by the rules and the law of a day.
///
/// # Errors
/// What denies it by today's rules, or that its texts were not kept.
pub(super) fn policy(entry: &Applied, day: Date) -> Result<Policy, Failure> {
    let Some((name, text)) = entry.files.first() else {
        let title = format!("the texts of change {} were too large to be kept", entry.number);
        return Err(Problem::new(Code::E009, title, "take the manifest of that day from version control").into());
    };
    let kept = Kept { files: entry.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect() };
    let manifest = manifest::read(name, text, &kept).map_err(|failed| Failure { problems: failed.problems, sources: failed.sources })?;
    let mut catalogue = Catalogue::new();
    for system in manifest.systems.values() {
        let Some(claim) = entry.claims.get(&system.id.value) else { continue };
        if let Some((carried, engine)) = Carried::of_claim(claim, &|name| kept.files.get(name).map(|text| (*text).to_owned())) {
            let mut texts = carried.texts(&mut Sources::default());
            if let Some(labels) = lowcode::labels_path(&manifest.sources, system) {
                texts.labels = kept.text(&labels).map(|text| (text, 0));
            }
            let described = understood(&manifest, system, &texts, entry).map(|read| carried.description(&read, &engine));
            catalogue.extend(described.map(|described| (system.id.value.clone(), Arc::new(described))));
            continue;
        }
        let Ok(base) = description::parse(claim.as_bytes()) else { continue };
        let described = match &system.connector.value {
            ConnectorRef::LowCode(named) => low_code(&manifest, system, named, &kept, entry, &base),
            _ => Some(base),
        };
        catalogue.extend(described.map(|described| (system.id.value.clone(), Arc::new(described))));
    }
    let sources = manifest.sources.clone();
    Policy::build(manifest, &catalogue, day).map_err(|denied| Failure { problems: denied.problems, sources })
}

fn low_code(
    manifest: &Manifest,
    system: &System,
    named: &str,
    kept: &Kept<'_>,
    entry: &Applied,
    base: &lowcode::Base,
) -> Option<lowcode::Base> {
    let path = crate::place::beside(&manifest.sources, system.connector.span, named);
    let labels = lowcode::labels_path(&manifest.sources, system).unwrap_or_else(|| path.with_file_name("labels.toml"));
    let texts = Texts { manifest: kept.text(&path)?, file: 0, labels: kept.text(&labels).map(|text| (text, 0)) };
    Some(understood(manifest, system, &texts, entry)?.description(&path, base))
}

/// Texts as they were read for a system on the day of an entry.
fn understood(manifest: &Manifest, system: &System, texts: &Texts, entry: &Applied) -> Option<LowCode> {
    let now_micros = i64::try_from(entry.at_ms).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    lowcode::read(texts, Reading { hub: Some(manifest), system: Some(system), now_micros, ..Reading::default() }).0
}

/// Files by the names under which they were read.
struct Kept<'a> {
    files: BTreeMap<&'a str, &'a str>,
}

impl Kept<'_> {
    fn text(&self, path: &Path) -> Option<String> {
        self.files.get(path.display().to_string().as_str()).map(|text| (*text).to_owned())
    }
}

impl Files for Kept<'_> {
    fn read(&self, relative_to: &str, wanted: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let folder = Path::new(relative_to).parent().unwrap_or_else(|| Path::new(""));
        let full = folder.join(wanted).display().to_string();
        let (head, tail) = full.split_once('*').unwrap_or((&full, ""));
        let is_one = !wanted.contains('*');
        let fits = |name: &str| match name.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)) {
            Some(between) => {
                if is_one {
                    between.is_empty()
                } else {
                    !between.contains('/')
                }
            }
            None => false,
        };
        let found: Vec<(String, Vec<u8>)> =
            self.files.iter().filter(|(name, _)| fits(name)).map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        if is_one && found.is_empty() { Err("it was not kept".to_owned()) } else { Ok(found) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use hub_core::change::State;
    use hub_core::change::lock::Lock;

    use super::*;
    use crate::history::{self, Coming};
    use crate::store::{self, Durability, Namespace, Put, Store, Transaction};

    const NORDWERK: &str = include_str!("../../../../examples/nordwerk/manifest.toml");
    const DAY_MS: u64 = 86_400_000;

    fn today() -> Date {
        Date::parse("2026-11-23").unwrap()
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Brings a manifest into force on a day of its own; answers with whether it was one more.
    fn apply(store: &dyn Store, day: u64, files: &[(&str, &str)], reason: Option<&str>) -> bool {
        let files: Vec<(String, String)> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let kept = Kept { files: files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect() };
        let manifest = manifest::read(&files[0].0, &files[0].1, &kept).unwrap();
        let policy = Policy::build(manifest, &Catalogue::new(), today()).unwrap();
        let state = State::of_policy(&policy, &BTreeMap::new());
        let coming = Coming {
            policy: &policy,
            state: &state,
            files: &files,
            claims: BTreeMap::new(),
            lock: &Lock::default(),
            reason,
            today: today(),
            at_ms: day * DAY_MS,
        };
        let Some((put, name)) = history::next(store, &coming).unwrap() else { return false };
        let audit = vec![history::draft(&policy, Some(name))];
        block_on(store.commit(Transaction { puts: vec![put], audit }, Durability::Sync)).unwrap();
        true
    }

    #[test]
    fn a_day_has_the_manifest_that_was_in_force() {
        let store = store::open("memory:").unwrap();
        let later = NORDWERK.replace("LfD Niedersachsen", "LfD Hessen");
        assert!(apply(&*store, 20_000, &[("a/manifest.toml", NORDWERK)], None));
        assert!(!apply(&*store, 20_005, &[("a/manifest.toml", NORDWERK)], None), "the same once more is no change");
        assert!(apply(&*store, 20_010, &[("a/manifest.toml", &later)], Some("moved")));
        let entries = history::entries(&*store).unwrap();
        assert_eq!(entries.iter().map(|entry| (entry.number, entry.class.as_str())).collect::<Vec<_>>(), [(1, ""), (2, "editorial")]);
        assert_eq!((entries[0].reason.as_deref(), entries[1].reason.as_deref()), (None, Some("moved")));
        let authority = |day: u64| {
            let entry = history::in_force(&entries, (day + 1) * DAY_MS)?;
            policy(entry, today()).unwrap().manifest().operator.authority.as_ref().map(|name| name.value.clone())
        };
        assert_eq!(authority(19_999), None);
        assert_eq!(authority(20_009).as_deref(), Some("LfD Niedersachsen"));
        assert_eq!(authority(20_010).as_deref(), Some("LfD Hessen"));
        assert_eq!(history::fault(&*store).unwrap(), None);
    }

    #[test]
    fn includes_are_found_again_by_name_and_by_pattern() {
        let (head, flows) = NORDWERK.split_at(NORDWERK.find("[flow.").unwrap());
        for include in ["include = [\"flows/*.toml\"]\n", "include = [\"flows/all.toml\"]\n"] {
            let head = format!("{include}{head}");
            let files = [("a/manifest.toml", head.as_str()), ("a/flows/all.toml", flows), ("a/flows/deep/no.toml", "manifest = 1")];
            let store = store::open("memory:").unwrap();
            apply(&*store, 20_000, &files, None);
            let entries = history::entries(&*store).unwrap();
            assert_eq!(policy(&entries[0], today()).unwrap().manifest().flows.len(), 7);
        }
    }

    #[test]
    fn a_manifest_that_is_too_large_is_kept_without_its_texts() {
        let store = store::open("memory:").unwrap();
        let large = format!("{NORDWERK}\n# {}\n", "x".repeat(3 << 20));
        let more = format!("# {}", "y".repeat(3 << 20));
        assert!(apply(&*store, 20_000, &[("manifest.toml", &large), ("more.toml", &more)], None));
        let entries = history::entries(&*store).unwrap();
        assert!(entries[0].files.is_empty() && !entries[0].state.is_empty());
        let failure = policy(&entries[0], today()).unwrap_err();
        assert!(failure.problems.iter().any(|problem| problem.title.contains("too large to be kept")));
        assert_eq!(history::fault(&*store).unwrap(), None);
    }

    #[test]
    fn a_history_that_was_touched_is_told() {
        let texts: Vec<String> = (0..4).map(|number| NORDWERK.replace("LfD Niedersachsen", &format!("LfD {number}"))).collect();
        let full = || {
            let store = store::open("memory:").unwrap();
            for (day, text) in (20_000..).zip(&texts) {
                assert!(apply(&*store, day, &[("manifest.toml", text)], None));
            }
            store
        };
        let put = |store: &dyn Store, key: Vec<u8>, value: Option<Vec<u8>>| {
            let puts = vec![Put { namespace: Namespace::Applied, key, value }];
            block_on(store.commit(Transaction { puts, audit: Vec::new() }, Durability::Sync)).unwrap();
        };
        let page = full().scan(Namespace::Applied, b"", None, 10).unwrap();
        for (index, (key, value)) in page.iter().enumerate() {
            let number = 4 - index;
            let gone = full();
            put(&*gone, key.clone(), None);
            assert_eq!(history::fault(&*gone).unwrap(), Some(format!("change {number} is missing")));
            let changed = full();
            let mut entry = Applied::decode(value).unwrap();
            entry.reason = Some("nothing to see".to_owned());
            put(&*changed, key.clone(), Some(entry.encode()));
            assert_eq!(history::fault(&*changed).unwrap(), Some(format!("change {number} is not what the audit log names")));
        }
    }
}
