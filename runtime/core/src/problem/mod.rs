//! What went wrong, where, and what to do next: the one shape of everything that a user is told.
//!
//! A problem holds names and places, never a record's value or a secret. It does not know how it is drawn (see the host's `cli::render`).

mod reference;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use reference::reference_page;

/// A place in a manifest file: byte offsets into the text with number `file` of [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index into [`Sources`].
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// The texts that spans point into, in the order of reading: the manifest, then its includes.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, Arc<str>)>,
}

impl Sources {
    /// Adds a file; its index is what [`Span::file`] names.
    pub fn add(&mut self, name: &str, text: &str) -> u16 {
        self.files.push((name.to_owned(), text.into()));
        u16::try_from(self.files.len() - 1).unwrap_or(u16::MAX)
    }

    /// Name and text of a file.
    #[must_use]
    pub fn get(&self, file: u16) -> Option<(&str, &str)> {
        self.files.get(usize::from(file)).map(|(name, text)| (name.as_str(), &**text))
    }

    /// All files in the order of reading.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), &**text))
    }

    /// Blanks a place, so that it can be shown although a secret stands there. Line breaks and quotes stay.
    pub fn blank(&mut self, span: Span) {
        let Some((_, text)) = self.files.get_mut(usize::from(span.file)) else { return };
        let range = span.start as usize..span.end as usize;
        let Some(secret) = text.get(range.clone()) else { return };
        let stays = |byte: u8| if matches!(byte, b'"' | b'\'' | b'\n' | b'\r' | b'{' | b'}') { char::from(byte) } else { '*' };
        let blank: String = secret.bytes().map(stays).collect();
        let mut shown = text.to_string();
        shown.replace_range(range, &blank);
        *text = shown.into();
    }

    /// Blanks a text wherever it stands in a file.
    pub fn blank_text(&mut self, file: u16, secret: &str) {
        if let Some((_, text)) = self.files.get_mut(usize::from(file)).filter(|_| !secret.is_empty()) {
            *text = text.replace(secret, &"*".repeat(secret.len())).into();
        }
    }

    /// Line and column of a place, both counted from 1, the column in characters.
    #[must_use]
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let Some((_, text)) = self.get(span.file) else { return (1, 1) };
        let before = text.get(..span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// How a program ends that met a problem (`docs/reference/cli.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Exit code 1: something failed while running.
    Runtime,
    /// Exit code 2: called wrongly, or the manifest cannot be read.
    Usage,
    /// Exit code 3: denied by policy.
    Policy,
    /// Exit code 4: audit log, store or digest is not what it should be.
    Integrity,
}

impl Class {
    /// The process exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Runtime => 1,
            Self::Usage => 2,
            Self::Policy => 3,
            Self::Integrity => 4,
        }
    }
}

macro_rules! codes {
    ($($code:ident $name:literal $class:ident)*) => {
        /// The number of a problem. Stable for ever; each has a page (`hub explain CODE`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $name] $code,)* }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// `HUB-E101`; a warning is `HUB-W134`.
            #[must_use]
            pub fn id(self) -> &'static str { match self { $(Self::$code => concat!("HUB-", stringify!($code)),)* } }

            /// `undeclared-field`.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$code => $name,)* } }

            /// Which exit code follows; a warning alone leads to none.
            #[must_use]
            pub fn class(self) -> Class { match self { $(Self::$code => Class::$class,)* } }

            /// The page of the code as Markdown.
            #[must_use]
            pub fn page(self) -> &'static str { match self { $(Self::$code => include_str!(concat!("codes/HUB-", stringify!($code), ".md")),)* } }
        }
    };
}

codes! {
    E001 "manifest-unreadable" Usage
    E002 "unknown-key" Usage
    E003 "wrong-value" Usage
    E004 "missing-key" Usage
    E005 "include" Usage
    E006 "config-invalid" Usage
    E007 "connector-unavailable" Usage
    E008 "schema-unusable" Usage
    E009 "usage" Usage
    E010 "low-code-unsupported" Usage
    E011 "labels-wrong" Usage
    E012 "secret-in-config" Usage
    E101 "undeclared-field" Policy
    E102 "unclassified-field" Policy
    E103 "unknown-reference" Policy
    E104 "category-not-needed" Policy
    E105 "system-not-approved" Policy
    E106 "capability-missing" Policy
    E107 "label-understated" Policy
    E108 "no-subject" Policy
    E109 "fact-missing" Policy
    E110 "no-basis" Policy
    E111 "basis-detail-missing" Policy
    E112 "consent-gate-missing" Policy
    E113 "consent-scope-differs" Policy
    E114 "consent-proof-missing" Policy
    E120 "special-category" Policy
    E121 "criminal-data" Policy
    E122 "unkeyed-hash" Policy
    E123 "special-abroad" Policy
    E130 "purpose-incompatible" Policy
    E131 "purpose-laundered" Policy
    E132 "consent-repurposed" Policy
    E133 "safeguard-unmet" Policy
    W134 "root-use" Policy
    E135 "indefinite-purpose" Policy
    E136 "no-provenance" Policy
    E140 "retention-conflict" Policy
    E141 "no-retention" Policy
    E142 "keep-without-statute" Policy
    E143 "keep-mode-without-duty" Policy
    E144 "backup-beyond-horizon" Policy
    E150 "no-processing-contract" Policy
    E151 "contract-not-in-force" Policy
    E152 "no-arrangement" Policy
    E153 "sub-processor-not-approved" Policy
    W154 "review-overdue" Policy
    E154 "review-long-overdue" Policy
    E160 "no-transfer-mechanism" Policy
    E161 "transfer-evidence-stale" Policy
    E162 "wrong-transfer-instrument" Policy
    E163 "derogation-for-routine" Policy
    E164 "no-transfer-impact-assessment" Policy
    E165 "residency" Policy
    E170 "dpia-open" Policy
    E171 "not-approved" Policy
    E172 "no-four-eyes" Policy
    E173 "automated-decision-without-ground" Policy
    E180 "no-identity-key" Policy
    E181 "cannot-erase" Policy
    E182 "no-delete-propagation" Policy
    E190 "observe-mode" Policy
    E201 "undeclared-field-observed" Policy
    E202 "label-mismatch" Policy
    E203 "special-suspected" Policy
    E204 "egress-host" Policy
    E205 "region-mismatch" Policy
    E206 "consent-missing" Policy
    E210 "contract-or-transfer-lapsed" Policy
    E211 "connector-not-as-pinned" Integrity
    E212 "over-age" Policy
    E213 "volume-anomaly" Policy
    E214 "domain-key-unavailable" Runtime
    E215 "capability-drift" Policy
    E216 "audit-unwritable" Integrity
    E217 "personal-cursor" Policy
    E218 "undeclared-flow" Policy
    E219 "record-unreadable" Runtime
    E220 "schema-mismatch" Runtime
    E301 "connector-trap" Runtime
    E302 "connector-limit" Runtime
    E303 "description-invalid" Policy
    E304 "abi-unsupported" Runtime
    E305 "import-not-granted" Policy
    E306 "argument-over-limit" Policy
    E307 "connector-failed" Runtime
    E308 "folder-not-granted" Policy
    E309 "credential-not-granted" Policy
    E310 "body-not-granted" Policy
    E311 "delivery-failed" Runtime
    E312 "key-unavailable" Runtime
    E313 "not-available" Runtime
    E314 "receiver-failed" Runtime
    E315 "cannot-listen" Runtime
    E316 "anchor-failed" Runtime
    E320 "statement-not-granted" Policy
    E321 "statement-refused" Policy
    E322 "database-failed" Runtime
    E323 "registry-failed" Runtime
    E401 "plain-http" Policy
    E402 "certificate" Policy
    E403 "auth-downgrade" Policy
    E404 "secret-in-record" Policy
    E405 "metrics-not-local" Policy
    E501 "audit-damaged" Integrity
    E502 "store-damaged" Integrity
    E503 "store-in-use" Runtime
    E504 "store-format" Integrity
    E505 "lock-damaged" Integrity
    E506 "approval-forged" Integrity
    E507 "log-key-lost" Integrity
    E508 "connector-not-vouched-for" Integrity
}

impl Code {
    /// True for a `W` code: it is told, and hinders nothing.
    #[must_use]
    pub fn is_warning(self) -> bool {
        self.id().starts_with("HUB-W")
    }

    /// Finds a code by `HUB-E101`, `E101` or `hub-e101`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let wanted = text.to_ascii_uppercase();
        let wanted = wanted.strip_prefix("HUB-").unwrap_or(&wanted);
        Self::ALL.iter().copied().find(|code| code.id().strip_prefix("HUB-") == Some(wanted))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.id())
    }
}

/// A place with what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words, no full stop.
    pub text: String,
}

/// A text edit that would mend the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What is replaced (may be empty: an insertion).
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// One finding: code, sentence, places (the first is the main one), notes, remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule.
    pub code: Code,
    /// One sentence without full stop: what is wrong.
    pub title: String,
    /// Where; the first label is the main one. Empty when there is no manifest place.
    pub labels: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do next. Every problem has one.
    pub help: String,
    /// The edit that `help` describes, where there is exactly one.
    pub patch: Option<Patch>,
    /// What is worth another try later on. Nothing that a rule denied ever is.
    pub passing: Option<Box<Passing>>,
}

/// A reason that may pass by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// Id of the system that did not answer as it should.
    pub system: String,
    /// For how many milliseconds it asked to be left alone.
    pub after_ms: Option<u32>,
}

impl Problem {
    /// A problem without a place.
    #[must_use]
    pub fn new(code: Code, title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, title: title.into(), labels: Vec::new(), notes: Vec::new(), help: help.into(), patch: None, passing: None }
    }

    /// Adds a place; the first one added is the main one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says that it may pass by itself.
    #[must_use]
    pub fn passing(mut self, system: impl Into<String>, after_ms: Option<u32>) -> Self {
        self.passing = Some(Box::new(Passing { system: system.into(), after_ms }));
        self
    }

    /// Adds the edit that mends it.
    #[must_use]
    pub fn with_patch(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.patch = Some(Patch { span, replacement: replacement.into() });
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.title)
    }
}

impl std::error::Error for Problem {}

/// All findings of one look, never empty, sorted by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None if there is nothing to tell.
    #[must_use]
    pub fn new(mut found: Vec<Problem>) -> Option<Self> {
        found.sort_by_key(|problem| (problem.labels.first().map_or(Span::default(), |label| label.span), problem.code));
        found.dedup();
        (!found.is_empty()).then_some(Self(found))
    }

    /// The findings in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Exit code for all of them: an unreadable manifest (2) before a denial (3), since what cannot be read cannot be judged.
    /// 0 if there are only warnings.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let worst = [Class::Integrity, Class::Usage, Class::Policy, Class::Runtime];
        let errors = || self.0.iter().filter(|problem| !problem.code.is_warning());
        worst.into_iter().find(|class| errors().any(|problem| problem.code.class() == *class)).map_or(0, Class::exit_code)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
