//! One entry: what may be said in it, and how it becomes a line of bytes.
//!
//! Does not number, date or store anything itself: the store passes sequence number, time and predecessor to [`Draft::seal`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::HEXLOWER;

use crate::problem::Code;

/// Longest entry in bytes.
pub const LIMIT: usize = 4096;
/// How every entry begins.
pub const START: &str = "{\"v\":1,\"seq\":";
/// What stands before the hash of the predecessor in every entry.
pub const PREVIOUS: &str = "\",\"prev\":\"";
/// Longest name (flow, field, category, recipient …) in bytes; longer ones are cut.
const NAME_LIMIT: usize = 128;
/// Longest `detail` in bytes.
const DETAIL_LIMIT: usize = 256;
/// Most names in `counts`.
const COUNTS_LIMIT: usize = 64;
/// Room kept for `"cut":{…}` and the closing brace while lists are filled.
const CUT_ROOM: usize = 128;

macro_rules! texts {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $text:literal)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The name that stands in the log. Stable for ever.
            #[must_use]
            pub fn text(self) -> &'static str { match self { $(Self::$variant => $text,)* } }

            /// The value with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|one| one.text() == text) }
        }
    };
}

texts! {
    /// What an entry is about.
    Kind {
        /// The program began to work.
        HubStart "hub.start"
        /// The program ended in order.
        HubStop "hub.stop"
        /// A run that was cut off is taken up again.
        HubRecovered "hub.recovered"
        /// A manifest came into force.
        ManifestApplied "manifest.applied"
        /// A batch is about to be delivered.
        FlowIntent "flow.intent"
        /// A batch was delivered, or a run ended.
        FlowResult "flow.result"
        /// Records are about to be deleted at the destination: the source reports them as deleted, or a consent was withdrawn.
        FlowDeletes "flow.deletes"
        /// They were deleted there.
        FlowDeleted "flow.deleted"
        /// A stream was read beside the source: a consent ledger, or one that keys are looked up in.
        StreamConsulted "stream.consulted"
        /// Somebody agreed to the release of a held record.
        QuarantineApproved "quarantine.approved"
        /// Released records went to the destination.
        QuarantineReleased "quarantine.released"
        /// Somebody dropped held records.
        QuarantineDropped "quarantine.dropped"
        /// Held records were past their time and were erased.
        QuarantineExpired "quarantine.expired"
        /// A flow was paused, or goes on after somebody looked.
        FlowPaused "flow.paused"
        /// Somebody let a paused flow go on.
        FlowResumed "flow.resumed"
        /// Progress was stored.
        FlowCheckpoint "flow.checkpoint"
        /// Something was denied.
        FlowDenied "flow.denied"
        /// A run failed.
        FlowFailed "flow.failed"
        /// A connector may reach a host.
        EgressGranted "egress.granted"
        /// A connector may use a folder.
        FileGranted "file.granted"
        /// The operator accepted what a connector declares.
        CapabilityAccepted "capability.accepted"
        /// A signed head went to a place outside.
        AuditAnchored "audit.anchored"
        /// Entries before a cut are about to be deleted.
        AuditPruned "audit.pruned"
        /// Somebody made a flow forget how far it had come.
        StateReset "state.reset"
        /// How far flows had come was written into a file.
        StateExported "state.exported"
        /// How far a flow had come was taken from a file.
        StateImported "state.imported"
        /// The store was taken from a backup.
        StateRestored "state.restored"
        /// What is stored was encrypted under a new key, and the old one erased.
        KeyRotated "key.rotated"
        /// Keys were wrapped with another master key.
        KeyWrapped "key.wrapped"
        /// The wall clock jumped.
        ClockStep "clock.step"
    }
}

texts! {
    /// How a run or a batch ended.
    Outcome {
        /// The run reached its end.
        Completed "completed"
        /// The batch was delivered.
        Delivered "delivered"
        /// Delivered, but records or fields were left out.
        Partial "partial"
        /// Stopped by a rule.
        Denied "denied"
        /// Stopped by a fault.
        Failed "failed"
        /// Stopped by the operator.
        Cancelled "cancelled"
    }
}

/// An entry before the store numbers, dates and chains it. It can hold names and numbers that the manifest or the host knows; there is no place for
/// a record's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is about.
    pub kind: Kind,
    /// On whose behalf it was done, where a person started it: `uid:1000`, never a name.
    pub actor: Option<String>,
    /// Id of the run.
    pub run: Option<String>,
    /// Id of the flow.
    pub flow: Option<String>,
    /// Number of the batch.
    pub batch: Option<u64>,
    /// Id of the system.
    pub system: Option<String>,
    /// Purpose key.
    pub purpose: Option<String>,
    /// Legal basis key.
    pub basis: Option<String>,
    /// Recipient key.
    pub recipient: Option<String>,
    /// Data categories.
    pub categories: Vec<String>,
    /// Field paths as the manifest declares them.
    pub fields: Vec<String>,
    /// Number of records.
    pub records: Option<u64>,
    /// The rule.
    pub code: Option<Code>,
    /// What was denied: rule or undeclared path, and how often. At most 64 are kept.
    pub counts: BTreeMap<String, u64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// `sha256:…` of the manifest.
    pub manifest_digest: Option<String>,
    /// `sha256:…` of the component.
    pub component_digest: Option<String>,
    /// A sentence made by the host out of names only, at most 256 bytes.
    pub detail: Option<String>,
}

/// Even with its lists cut the entry is over [`LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an audit entry is over the limit of {LIMIT} bytes")]
pub struct TooLong;

macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $type:ty)*) => {
        $($(#[$doc])* #[must_use] pub fn $field(mut self, $field: impl Into<$type>) -> Self { self.$field = Some($field.into()); self })*
    };
}

impl Draft {
    /// An entry that says only its kind.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            actor: None,
            run: None,
            flow: None,
            batch: None,
            system: None,
            purpose: None,
            basis: None,
            recipient: None,
            categories: Vec::new(),
            fields: Vec::new(),
            records: None,
            code: None,
            counts: BTreeMap::new(),
            outcome: None,
            manifest_digest: None,
            component_digest: None,
            detail: None,
        }
    }

    setters! {
        /// Sets the account that did it.
        actor: String
        /// Sets the id of the run.
        run: String
        /// Sets the id of the flow.
        flow: String
        /// Sets the number of the batch.
        batch: u64
        /// Sets the id of the system.
        system: String
        /// Sets the purpose key.
        purpose: String
        /// Sets the key of the legal basis.
        basis: String
        /// Sets the recipient key.
        recipient: String
        /// Sets the number of records.
        records: u64
        /// Sets the rule.
        code: Code
        /// Sets how it ended.
        outcome: Outcome
        /// Sets the digest of the manifest.
        manifest_digest: String
        /// Sets the digest of the component.
        component_digest: String
        /// Sets the host's own sentence: names only.
        detail: String
    }

    /// Sets the data categories.
    #[must_use]
    pub fn categories<Text: Into<String>>(mut self, categories: impl IntoIterator<Item = Text>) -> Self {
        self.categories = categories.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the field paths.
    #[must_use]
    pub fn fields<Text: Into<String>>(mut self, fields: impl IntoIterator<Item = Text>) -> Self {
        self.fields = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Adds to the count of a rule or an undeclared path.
    #[must_use]
    pub fn count(mut self, name: impl Into<String>, times: u64) -> Self {
        let sum = self.counts.entry(name.into()).or_default();
        *sum = sum.saturating_add(times);
        self
    }

    /// The line of bytes that is stored and hashed: JSON with fixed key order, no line feed, at most [`LIMIT`] bytes. Names that are too long are cut;
    /// lists that do not fit are cut and `cut` says how many names went.
    pub fn seal(&self, seq: u64, ts_ms: u64, previous: &[u8; 32]) -> Result<Vec<u8>, TooLong> {
        let mut line = Line { text: format!("{START}{seq},\"ts\":\"{}{PREVIOUS}{}\"", timestamp(ts_ms), HEXLOWER.encode(previous)) };
        line.string("kind", Some(self.kind.text()), NAME_LIMIT);
        line.string("actor", self.actor.as_deref(), NAME_LIMIT);
        line.string("run", self.run.as_deref(), NAME_LIMIT);
        line.string("flow", self.flow.as_deref(), NAME_LIMIT);
        line.number("batch", self.batch);
        line.string("system", self.system.as_deref(), NAME_LIMIT);
        line.string("purpose", self.purpose.as_deref(), NAME_LIMIT);
        line.string("basis", self.basis.as_deref(), NAME_LIMIT);
        line.string("recipient", self.recipient.as_deref(), NAME_LIMIT);
        line.number("records", self.records);
        line.string("code", self.code.map(Code::id), NAME_LIMIT);
        line.string("outcome", self.outcome.map(Outcome::text), NAME_LIMIT);
        line.string("manifest_digest", self.manifest_digest.as_deref(), NAME_LIMIT);
        line.string("component_digest", self.component_digest.as_deref(), NAME_LIMIT);
        line.string("detail", self.detail.as_deref(), DETAIL_LIMIT);
        self.lists(&mut line);
        line.text.push('}');
        if line.text.len() > LIMIT { Err(TooLong) } else { Ok(line.text.into_bytes()) }
    }

    /// Counts come first, since a denial must not be crowded out by a long list of declared fields.
    fn lists(&self, line: &mut Line) {
        let mut cut = Vec::new();
        let counts = self.counts.iter().map(|(name, times)| format!("{}:{times}", quoted(name, NAME_LIMIT)));
        let kept = line.list("counts", ['{', '}'], counts.take(COUNTS_LIMIT));
        if kept < self.counts.len() {
            let lost = self.counts.values().skip(kept).fold(0_u64, |sum, times| sum.saturating_add(*times));
            cut.push(format!("\"counts\":{},\"counted\":{lost}", self.counts.len() - kept));
        }
        for (key, names) in [("categories", &self.categories), ("fields", &self.fields)] {
            let kept = line.list(key, ['[', ']'], names.iter().map(|name| quoted(name, NAME_LIMIT)));
            if kept < names.len() {
                cut.push(format!("\"{key}\":{}", names.len() - kept));
            }
        }
        if !cut.is_empty() {
            let _ = write!(line.text, ",\"cut\":{{{}}}", cut.join(","));
        }
    }
}

/// What links an entry to its place in the log, read from the start of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Sequence number.
    pub seq: u64,
    /// Leaf hash of the entry before; zeros for the first.
    pub previous: [u8; 32],
}

impl Link {
    /// Reads number and predecessor; `None` if the bytes do not begin as an entry does. `bytes` may go on after the entry.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(START.as_bytes())?;
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let seq: u64 = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
        let rest = rest.get(digits..)?.strip_prefix(b",\"ts\":\"")?;
        let quote = rest.iter().take(40).position(|byte| *byte == b'"')?;
        let hex = rest.get(quote..)?.strip_prefix(PREVIOUS.as_bytes())?;
        let previous = HEXLOWER.decode(hex.get(..64)?).ok()?.try_into().ok()?;
        (hex.get(64) == Some(&b'"')).then_some(Self { seq, previous })
    }

    /// Where the entry that begins with `bytes` ends, if it ends within [`LIMIT`] bytes: one past its closing brace.
    #[must_use]
    pub fn end(bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
        for (at, byte) in bytes.iter().take(LIMIT).enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' if !quoted => depth += 1,
                b'}' if !quoted && depth <= 1 => return Some(at + 1),
                b'}' if !quoted => depth -= 1,
                _ => {}
            }
        }
        None
    }
}

/// The line while it grows.
struct Line {
    text: String,
}

impl Line {
    fn string(&mut self, key: &str, value: Option<&str>, limit: usize) {
        if let Some(value) = value {
            let _ = write!(self.text, ",\"{key}\":{}", quoted(value, limit));
        }
    }

    fn number(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            let _ = write!(self.text, ",\"{key}\":{value}");
        }
    }

    /// Adds as many items as fit; answers with their number.
    fn list(&mut self, key: &str, brackets: [char; 2], items: impl Iterator<Item = String>) -> usize {
        let mut body = String::new();
        let mut kept = 0;
        for item in items {
            if self.text.len() + key.len() + body.len() + item.len() + CUT_ROOM > LIMIT {
                break;
            }
            if kept > 0 {
                body.push(',');
            }
            body.push_str(&item);
            kept += 1;
        }
        if kept > 0 {
            let _ = write!(self.text, ",\"{key}\":{}{body}{}", brackets[0], brackets[1]);
        }
        kept
    }
}

/// A JSON string of at most `limit` bytes before quoting, without control characters: a name of a hostile source must not grow sixfold by escapes.
fn quoted(value: &str, limit: usize) -> String {
    let clean: String = value.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    let cut = clean.floor_char_boundary(limit);
    serde_json::Value::from(&clean[..cut]).to_string()
}

/// `2026-11-23T15:00:00.000Z`. A time beyond the calendar becomes its end, since an entry must not fail for its clock.
#[must_use]
pub fn timestamp(ts_ms: u64) -> String {
    let known = i64::try_from(ts_ms).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    known.unwrap_or(DateTime::<Utc>::MAX_UTC).to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: u64 = 1_795_446_000_000;

    fn text(draft: &Draft) -> String {
        String::from_utf8(draft.seal(7, NOON, &[0xab; 32]).unwrap()).unwrap()
    }

    #[test]
    fn keys_have_one_order() {
        let draft = Draft::new(Kind::FlowDenied)
            .detail("the manifest does not declare it")
            .flow("crm-to-erp")
            .run("01J")
            .batch(3_u64)
            .system("crm")
            .purpose("billing")
            .basis("contract")
            .recipient("erp")
            .categories(["user.name"])
            .fields(["name", "address.city"])
            .records(12_u64)
            .code(Code::E201)
            .count("person.iban", 12)
            .outcome(Outcome::Partial)
            .manifest_digest("sha256:aa")
            .component_digest("sha256:bb");
        let expected = concat!(
            r#"{"v":1,"seq":7,"ts":"2026-11-23T15:00:00.000Z","prev":"abababababababababababababababababababababababababababababababab","#,
            r#""kind":"flow.denied","run":"01J","flow":"crm-to-erp","batch":3,"system":"crm","purpose":"billing","basis":"contract","#,
            r#""recipient":"erp","records":12,"code":"HUB-E201","outcome":"partial","manifest_digest":"sha256:aa","component_digest":"sha256:bb","#,
            r#""detail":"the manifest does not declare it","counts":{"person.iban":12},"categories":["user.name"],"fields":["name","address.city"]}"#,
        );
        assert_eq!(text(&draft), expected);
    }

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let mut draft = Draft::new(Kind::FlowDenied).fields((0..400).map(|number| format!("field-{number}-{}", "x".repeat(200))));
        for number in 0..200_u64 {
            draft = draft.count(format!("path-{number:03}-{}", "y".repeat(300)), 2);
        }
        let bytes = draft.seal(0, NOON, &[0; 32]).unwrap();
        assert!(bytes.len() <= LIMIT);
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let kept = value["counts"].as_object().unwrap();
        assert!(kept.len() > 10 && kept.keys().all(|name| name.len() <= NAME_LIMIT));
        assert_eq!(value["cut"]["counts"].as_u64().unwrap() as usize + kept.len(), 200);
        assert_eq!(value["cut"]["counted"].as_u64().unwrap(), 2 * (200 - kept.len() as u64));
        let fields = value["fields"].as_array().map_or(0, Vec::len);
        assert_eq!(value["cut"]["fields"].as_u64().unwrap() as usize + fields, 400);
    }

    #[test]
    fn names_are_stable_and_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.text()), Some(*kind));
        }
        assert_eq!(Outcome::parse("denied"), Some(Outcome::Denied));
        assert_eq!(Kind::parse("flow.unknown"), None);
    }

    #[test]
    fn a_changed_start_has_no_link() {
        let line = text(&Draft::new(Kind::HubStart));
        let link = Link { seq: 7, previous: [0xab; 32] };
        assert_eq!(Link::parse(line.as_bytes()), Some(link));
        assert_eq!(Link::parse(&[line.as_bytes(), b"garbage"].concat()), Some(link));
        for at in (0..14).chain(45..55) {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 0x20;
            assert_ne!(Link::parse(&bytes), Some(link), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn any_draft_seals_to_one_line_of_json(
            names in proptest::collection::vec(".{0,400}", 0..80),
            counts in proptest::collection::btree_map("\\PC{0,300}|.{0,300}", any::<u64>(), 0..100),
            scalar in ".{0,600}",
            seq in any::<u64>(),
            ts in any::<u64>(),
        ) {
            let mut draft = Draft::new(Kind::FlowDenied).run(&*scalar).flow(&*scalar).system(&*scalar).purpose(&*scalar).basis(&*scalar);
            draft = draft.recipient(&*scalar).detail(&*scalar).manifest_digest(&*scalar).component_digest(&*scalar);
            draft = draft.categories(names.clone()).fields(names.clone());
            draft.counts = counts;
            let bytes = draft.seal(seq, ts, &[1; 32]).unwrap();
            prop_assert!(bytes.len() <= LIMIT && !bytes.contains(&b'\n'));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            prop_assert_eq!(Link::parse(&bytes), Some(Link { seq, previous: [1; 32] }));
            prop_assert_eq!(Link::end(&[&bytes[..], b"}}\"{"].concat()), Some(bytes.len()));
        }
    }
}
