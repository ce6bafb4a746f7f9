//! What a consent ledger says, person by person, while a run lasts. Persons are kept as digests: no identifier stays in memory.
//!
//! Fails closed: what cannot be read as a consent is none, and of two entries of the same moment the one that says no counts.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate};
use sha2::{Digest, Sha256};

use crate::treat::normalise;

/// The greatest number of persons that are kept.
pub const MAX_PERSONS: usize = 10_000_000;

/// The newest entry of each person for one scope.
#[derive(Debug)]
pub struct Consents {
    scope: String,
    given: Vec<String>,
    /// Categories of the fields that name a person, in their order.
    categories: Vec<String>,
    entries: HashMap<[u8; 16], Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: i64,
    given: bool,
}

/// What a ledger says about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The newest entry is a valid consent.
    Given,
    /// There is an entry, and it is none.
    Withdrawn,
    /// There is no entry.
    Missing,
}

/// One row of a ledger. What it does not have is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// To what. None: the ledger has no such field, and holds one consent only.
    pub scope: Option<&'a str>,
    /// What it says.
    pub status: Option<&'a str>,
    /// When: an RFC 3339 time, a day, or seconds since 1970.
    pub at: Option<&'a str>,
    /// By which proof.
    pub proof: Option<&'a str>,
}

/// A person in the making: the values that name one, in the order of the categories.
pub struct Person<'c> {
    categories: std::slice::Iter<'c, String>,
    digest: Sha256,
}

impl Person<'_> {
    /// The next value. Normalised, so that both systems may spell it in their way.
    pub fn add(&mut self, value: &str) {
        let mut normal = Vec::new();
        normalise(self.categories.next().map_or("", String::as_str), value.trim(), &mut normal);
        self.digest.update((normal.len() as u64).to_le_bytes());
        self.digest.update(&normal);
    }

    /// The digest by which the person is known.
    #[must_use]
    pub fn tag(self) -> [u8; 16] {
        let whole = self.digest.finalize();
        std::array::from_fn(|at| whole[at])
    }
}

impl Consents {
    /// Consents to a scope. `given` lists what the status of a valid one says.
    #[must_use]
    pub fn new(scope: &str, given: Vec<String>, categories: Vec<String>) -> Self {
        Self { scope: scope.to_owned(), given, categories, entries: HashMap::new() }
    }

    /// Begins to name a person.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        Person { categories: self.categories.iter(), digest: Sha256::new() }
    }

    /// Takes a row in. False if there is no room for another person.
    pub fn add(&mut self, values: &[&str], row: Row<'_>) -> bool {
        if row.scope.is_some_and(|scope| scope != self.scope) {
            return true;
        }
        let mut person = self.person();
        values.iter().for_each(|value| person.add(value));
        let tag = person.tag();
        let moment = row.at.and_then(moment);
        let says_so = row.status.is_some_and(|status| self.given.iter().any(|given| given == status));
        let given = says_so && moment.is_some() && row.proof.is_some_and(|proof| !proof.trim().is_empty());
        // An entry without a time may be the newest one.
        let entry = Entry { at: moment.unwrap_or(i64::MAX), given };
        if self.entries.len() >= MAX_PERSONS && !self.entries.contains_key(&tag) {
            return false;
        }
        let known = self.entries.entry(tag).or_insert(entry);
        if entry.at > known.at || (entry.at == known.at && !entry.given) {
            *known = entry;
        }
        true
    }

    /// What the ledger says about a person.
    #[must_use]
    pub fn standing(&self, person: Person<'_>) -> Standing {
        self.standing_of(&person.tag())
    }

    /// What the ledger says about the person of a digest.
    #[must_use]
    pub fn standing_of(&self, tag: &[u8; 16]) -> Standing {
        match self.entries.get(tag) {
            Some(entry) if entry.given => Standing::Given,
            Some(_) => Standing::Withdrawn,
            None => Standing::Missing,
        }
    }

    /// How many persons have an entry.
    #[must_use]
    pub fn persons(&self) -> usize {
        self.entries.len()
    }
}

/// Microseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    }
    text.parse::<i64>().ok()?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(status: &'a str, at: &'a str) -> Row<'a> {
        Row { scope: Some("news"), status: Some(status), at: Some(at), proof: Some("doi-1") }
    }

    fn standing(rows: &[Row<'_>]) -> Standing {
        let mut consents = Consents::new("news", vec!["given".to_owned()], vec!["user.contact.email".to_owned()]);
        for row in rows {
            assert!(consents.add(&["Ada@Example.org "], *row));
        }
        let mut person = consents.person();
        person.add("ada@example.org");
        consents.standing(person)
    }

    #[test]
    fn the_newest_entry_counts_in_any_order() {
        let (given, withdrawn) = (row("given", "2026-01-01T00:00:00Z"), row("withdrawn", "2026-01-02"));
        assert_eq!(standing(&[given]), Standing::Given);
        assert_eq!(standing(&[given, withdrawn]), Standing::Withdrawn);
        assert_eq!(standing(&[withdrawn, given]), Standing::Withdrawn);
        assert_eq!(standing(&[withdrawn, row("given", "1767398400")]), Standing::Given, "2026-01-03");
        assert_eq!(standing(&[]), Standing::Missing);
    }

    #[test]
    fn what_is_no_consent_is_none() {
        let given = row("given", "2026-01-01T00:00:00Z");
        for doubtful in [
            Row { proof: None, ..given },
            Row { proof: Some(" "), ..given },
            Row { status: None, ..given },
            Row { status: Some("Given"), ..given },
            Row { at: None, ..given },
            Row { at: Some("yesterday"), ..given },
        ] {
            assert_eq!(standing(&[doubtful]), Standing::Withdrawn, "{doubtful:?}");
        }
        assert_eq!(standing(&[Row { scope: Some("other"), ..given }]), Standing::Missing);
        assert_eq!(standing(&[Row { scope: None, ..given }]), Standing::Given, "a ledger of one scope");
        assert_eq!(standing(&[given, row("withdrawn", "2026-01-01T00:00:00Z")]), Standing::Withdrawn, "the same moment");
        assert_eq!(standing(&[row("withdrawn", "soon"), given]), Standing::Withdrawn, "an entry without a time may be the newest");
    }

    #[test]
    fn values_do_not_run_into_one_another() {
        let mut consents = Consents::new("s", vec!["given".to_owned()], vec!["user.name".to_owned(), "user.name".to_owned()]);
        assert!(consents.add(&["ab", "c"], Row { scope: None, ..row("given", "2026-01-01") }));
        let mut person = consents.person();
        person.add("a");
        person.add("bc");
        assert_eq!((consents.standing(person), consents.persons()), (Standing::Missing, 1));
    }
}
