//! What data is used for, how long it is kept, how people become pseudonyms, and words beyond the shipped vocabulary.

use super::operator::{Approval, Wording};
use super::system::SecretRef;
use super::words::words;
use crate::date::Period;
use crate::problem::{Span, Spanned};

/// `[purpose.ID]`.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Use key of the taxonomy.
    pub use_key: Spanned<String>,
    /// Letter of Art. 6(1) and what it rests on.
    pub basis: Spanned<Basis>,
    /// Category keys that this purpose needs; anything below them too.
    pub allows: Spanned<Vec<Spanned<String>>>,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
    /// Who answers for it.
    pub owner: Option<Spanned<String>>,
    /// Why it is needed.
    pub rationale: Option<Spanned<Wording>>,
    /// What allows data of Art. 9 and 10.
    pub special: Option<Special>,
    /// Set if it is statistics only.
    pub statistical: Option<Span>,
    /// Set if people are evaluated, Art. 4(4).
    pub profiling: Option<Span>,
    /// Set if a machine alone decides, Art. 22(1).
    pub automated_decision: Option<Span>,
    /// What allows that, Art. 22(2).
    pub art22: Option<Spanned<DecisionGround>>,
    /// Set if it may keep people from a right, a service or a contract.
    pub prevents_right: Option<Span>,
    /// How people object, as written.
    pub objection: Option<Spanned<String>>,
}

/// `basis = { art6 = "b", contract = "…" }`. Which detail a letter needs is the policy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// `a` … `f`.
    pub art6: char,
    /// The contract (letter b).
    pub contract: Option<Spanned<String>>,
    /// The law (letters c and e).
    pub law: Option<Spanned<String>>,
    /// The legitimate interest (letter f).
    pub interest: Option<Spanned<Wording>>,
    /// Reference of the balancing test (letter f).
    pub lia: Option<Spanned<String>>,
    /// The vital interest (letter d).
    pub reason: Option<Spanned<String>>,
    /// What was consented to (letter a).
    pub consent_scope: Option<Spanned<String>>,
    /// How consent is proved (letter a).
    pub proof: Option<Spanned<String>>,
}

/// `special = { art9, law, consent }`.
#[derive(Clone, Debug)]
pub struct Special {
    /// Where the table stands.
    pub span: Span,
    /// Letter of Art. 9(2): `a` … `j`.
    pub art9: Option<Spanned<char>>,
    /// The law.
    pub law: Option<Spanned<String>>,
    /// Scope of the explicit consent.
    pub consent: Option<Spanned<String>>,
}

/// `[[compatibility]]`: an assessment by Art. 6(4).
#[derive(Clone, Debug)]
pub struct Compatibility {
    /// Where the table is opened.
    pub span: Span,
    /// Id of the purpose of collection.
    pub from: Spanned<String>,
    /// Id of the new purpose.
    pub to: Spanned<String>,
    /// The operator's reference.
    pub assessment: Spanned<String>,
    /// Safeguards without which it does not hold.
    pub requires: Vec<Spanned<Safeguard>>,
    /// Who approved it; none = not approved.
    pub approved: Option<Approval>,
}

/// `[retention.ID]`.
#[derive(Clone, Debug)]
pub struct Retention {
    /// The id and its place.
    pub id: Spanned<String>,
    /// `keep` (statutory minimum) or `limit` (maximum).
    pub kind: RetentionKind,
    /// How long.
    pub period: Spanned<Period>,
    /// From when.
    pub start: Option<Spanned<Start>>,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
    /// The laws behind it.
    pub statute: Vec<Spanned<String>>,
    /// What keeps the period from ending; a person says when it is so.
    pub suspend: Option<Spanned<String>>,
    /// What follows.
    pub then: Option<Spanned<Then>>,
    /// Why so long.
    pub rationale: Option<Spanned<Wording>>,
}

/// `start = "last_contact"` or `"end-of-calendar-year:invoice_date"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The event, or the field that holds its date.
    pub event: String,
    /// The period counts from the end of the event's calendar year.
    pub end_of_year: bool,
}

/// `[pseudonym.ID]`.
#[derive(Clone, Debug)]
pub struct PseudonymDomain {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Where the key is (at least 16 bytes).
    pub key: Spanned<SecretRef>,
    /// How pseudonyms are made; absent = `hmac-sha256`.
    pub method: PseudonymMethod,
    /// How often the key changes.
    pub rotate: Option<Spanned<Period>>,
    /// Who may ask for the person behind a pseudonym.
    pub holders: Vec<Spanned<String>>,
}

impl PseudonymDomain {
    /// True if the key leads back to the value.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.method == PseudonymMethod::AesSiv
    }
}

/// `[[category]]`.
#[derive(Clone, Debug)]
pub struct CategoryExtension {
    /// The key's place.
    pub span: Span,
    /// The key that it stands below.
    pub parent: String,
    /// `art9`, `identifier`, `enumerable` …
    pub marks: Vec<String>,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
}

/// `[[subject]]`.
#[derive(Clone, Debug)]
pub struct SubjectExtension {
    /// The key's place.
    pub span: Span,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
}

words! {
    /// What allows a decision by a machine alone, Art. 22(2).
    DecisionGround {
        /// A contract with the person needs it.
        Contract = "contract",
        /// A law allows it.
        Law = "law",
        /// The person agreed explicitly.
        Consent = "consent",
    }

    /// What a further use has to keep to.
    Safeguard {
        /// Nothing that names a person.
        NoDirectIdentifiers = "no-direct-identifiers",
        /// No free text.
        NoFreeText = "no-free-text",
    }

    /// Direction of a retention rule.
    RetentionKind {
        /// Must be kept at least so long.
        Keep = "keep",
        /// May be kept at most so long.
        Limit = "limit",
    }

    /// What follows the end of a period.
    Then {
        /// The data is erased.
        Erase = "erase",
        /// The data is kept and not used.
        Restrict = "restrict",
    }

    /// How pseudonyms are made.
    PseudonymMethod {
        /// Keyed hash: nothing leads back.
        HmacSha256 = "hmac-sha256",
        /// Deterministic encryption: the key leads back.
        AesSiv = "aes-siv",
    }
}
