//! How the operator governs processing: activities of the register, impact assessments, requests of data subjects, breaches.

use super::operator::Wording;
use super::system::SecretRef;
use super::words::words;
use crate::date::{Date, Period};
use crate::problem::{Span, Spanned};

/// `[activity."VT-01 …"]`: an entry of the register.
#[derive(Clone, Debug)]
pub struct Activity {
    /// The name, as flows write it, and its place.
    pub id: Spanned<String>,
    /// Countries in which its data may be held: ISO 3166 alpha-2, `EU` or `EEA`. Empty = anywhere.
    pub residency: Vec<Spanned<String>>,
    /// What is done.
    pub description: Option<Spanned<Wording>>,
    /// Technical and organisational measures, Art. 32.
    pub measures: Option<Spanned<Wording>>,
    /// Whom to ask about the law.
    pub contact: Option<Spanned<String>>,
    /// Department that answers for it.
    pub department: Option<Spanned<String>>,
}

/// `[[dpia]]`: a decision about an impact assessment, Art. 35.
#[derive(Clone, Debug)]
pub struct ImpactDecision {
    /// Where the table is opened.
    pub span: Span,
    /// The activity's name.
    pub activity: Spanned<String>,
    /// What was decided.
    pub decision: Spanned<Decision>,
    /// Why.
    pub reasons: Option<Spanned<Wording>>,
    /// Who decided.
    pub by: Vec<Spanned<String>>,
    /// When.
    pub at: Option<Spanned<Date>>,
    /// When to look again.
    pub review: Option<Spanned<Date>>,
}

/// `[dsr]`: requests of data subjects.
#[derive(Clone, Debug)]
pub struct RequestRules {
    /// Where the table is opened.
    pub span: Span,
    /// Ways on which requests come in.
    pub intake: Vec<Spanned<Intake>>,
    /// What a longer deadline needs, Art. 12(3).
    pub extension_requires: Vec<Spanned<ExtensionNeed>>,
    /// Which deadline counts while the person's identity is in doubt.
    pub clock_pause_for_identity: Option<Spanned<IdentityClock>>,
    /// How erased persons are kept from coming back.
    pub suppression: Option<Suppression>,
    /// How a package for a person is protected.
    pub package_encryption: Option<Spanned<PackageEncryption>>,
}

/// `suppression = { key, scopes, horizon }`.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// Where the table stands.
    pub span: Span,
    /// Where the key of the list is.
    pub key: Spanned<SecretRef>,
    /// What entries may be for, as written: `all`, `marketing`.
    pub scopes: Vec<Spanned<String>>,
    /// How long an entry lasts.
    pub horizon: Option<Spanned<Period>>,
}

/// `[quarantine]`.
#[derive(Clone, Debug)]
pub struct QuarantineRules {
    /// How long records are kept at most.
    pub keep: Option<Spanned<Period>>,
}

/// `[breach]`, Art. 33 and 34.
#[derive(Clone, Debug)]
pub struct BreachRules {
    /// Where the table is opened.
    pub span: Span,
    /// Whom to tell.
    pub contact: Option<Spanned<String>>,
    /// Hours from knowing of a breach to the notification.
    pub clock_hours: Option<Spanned<u32>>,
    /// What happens to the evidence.
    pub evidence: Option<Spanned<Evidence>>,
}

words! {
    /// A decision about an impact assessment.
    Decision {
        /// One is to be made.
        Required = "required",
        /// One was made.
        Done = "done",
        /// None is needed; that needs reasons and two people.
        NotRequired = "not-required",
    }

    /// A way on which a request comes in.
    Intake {
        /// E-mail.
        Email = "email",
        /// A form.
        Form = "form",
        /// A letter.
        Post = "post",
        /// A call.
        Phone = "phone",
        /// A person at the desk.
        InPerson = "in-person",
    }

    /// What a longer deadline needs.
    ExtensionNeed {
        /// A reason.
        Reason = "reason",
        /// The person was told in time.
        NoticeSent = "notice-sent",
    }

    /// Which deadline counts while the person's identity is in doubt.
    IdentityClock {
        /// The strict and the paused one are shown.
        ShowBoth = "show-both",
        /// The strict one only: it does not stop.
        Strict = "strict",
    }

    /// How a package for a person is protected.
    PackageEncryption {
        /// A password that goes another way.
        PasswordOutOfBand = "password-out-of-band",
    }

    /// What happens to the evidence of a breach.
    Evidence {
        /// It is frozen as soon as somebody suspects one.
        FreezeOnSuspicion = "freeze-on-suspicion",
    }
}
