//! Who runs a system, where, and under which contract: processors, other controllers, third countries, and what each can do for data subjects.

use super::words::words;
use crate::date::{Date, Period};
use crate::problem::{Span, Spanned};

words! {
    /// Who runs a system in the sense of the GDPR.
    Role {
        /// The operator.
        Own = "own",
        /// A processor, Art. 28.
        Processor = "processor",
        /// Another controller.
        SeparateController = "separate-controller",
        /// A joint controller, Art. 26.
        JointController = "joint-controller",
    }

    /// What a contract is.
    ContractKind {
        /// Processing on behalf of a controller, Art. 28.
        Processing = "art28",
        /// Joint controllers, Art. 26.
        Joint = "art26",
    }

    /// What carries a transfer to a third country.
    Mechanism {
        /// An adequacy decision, Art. 45.
        Adequacy = "adequacy",
        /// Standard contractual clauses, Art. 46(2)(c).
        StandardClauses = "scc",
        /// Binding corporate rules, Art. 47.
        CorporateRules = "bcr",
        /// A derogation, Art. 49.
        Derogation = "derogation",
    }

    /// How a system serves a right of a data subject.
    Support {
        /// Its connector can.
        Native = "native",
        /// hub does it with reads and writes.
        Emulated = "emulated",
        /// People do it.
        Manual = "manual",
        /// Nobody can.
        Unsupported = "unsupported",
    }
}

/// `hosting = { country, region, provider }`.
#[derive(Clone, Debug)]
pub struct Hosting {
    /// Where the table stands.
    pub span: Span,
    /// ISO 3166 alpha-2.
    pub country: Spanned<String>,
    /// The provider's name for the region.
    pub region: Option<Spanned<String>>,
    /// Who runs the machines.
    pub provider: Option<Spanned<String>>,
}

/// `backup = { rotation }`.
#[derive(Clone, Debug)]
pub struct Backup {
    /// How long a backup is kept.
    pub rotation: Spanned<Period>,
}

/// `dsr = { access, rectify, erase, restrict, … }`: None = not said.
#[derive(Clone, Debug)]
pub struct RightsSupport {
    /// Where the table stands.
    pub span: Span,
    /// Art. 15.
    pub access: Option<Spanned<Support>>,
    /// Art. 16.
    pub rectify: Option<Spanned<Support>>,
    /// Art. 17.
    pub erase: Option<Spanned<Support>>,
    /// Art. 18.
    pub restrict: Option<Spanned<Support>>,
    /// Reference of the procedure by which people do it.
    pub procedure: Option<Spanned<String>>,
    /// Set if the system refuses people whom it erased.
    pub remote_suppression: Option<Span>,
}

/// `disclosure = { law }`: what allows to hand data to another controller.
#[derive(Clone, Debug)]
pub struct Disclosure {
    /// Where the table stands.
    pub span: Span,
    /// The law.
    pub law: Spanned<String>,
}

/// `[system.ID.contract]`.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Where the table stands.
    pub span: Span,
    /// What it is.
    pub kind: Spanned<ContractKind>,
    /// The operator's reference.
    pub reference: Spanned<String>,
    /// First day.
    pub signed: Spanned<Date>,
    /// Last day; none = no end. Never before `signed`.
    pub valid_until: Option<Spanned<Date>>,
    /// Last review.
    pub reviewed: Option<Spanned<Date>>,
    /// How often it is to be reviewed.
    pub review_every: Option<Spanned<Period>>,
    /// Who works for the processor.
    pub subprocessors: Vec<Subprocessor>,
}

/// `{ name, country, approved }`.
#[derive(Clone, Debug)]
pub struct Subprocessor {
    /// Where the table stands.
    pub span: Span,
    /// Legal name.
    pub name: Spanned<String>,
    /// ISO 3166 alpha-2.
    pub country: Spanned<String>,
    /// When the operator approved it; none = not approved.
    pub approved: Option<Spanned<Date>>,
}

/// `[[system.ID.transfer]]`.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Where the table stands.
    pub span: Span,
    /// By which another transfer names it as `fallback`.
    pub id: Option<Spanned<String>>,
    /// The third country, ISO 3166 alpha-2.
    pub to: Spanned<String>,
    /// What carries it.
    pub mechanism: Spanned<Mechanism>,
    /// The instrument's name.
    pub instrument: Option<Spanned<String>>,
    /// Proof that the recipient is covered.
    pub evidence: Option<Spanned<String>>,
    /// When the evidence was last looked at.
    pub checked: Option<Spanned<Date>>,
    /// How often it is to be looked at.
    pub recheck: Option<Spanned<Period>>,
    /// Id of the transfer that carries on if this one falls.
    pub fallback: Option<Spanned<String>>,
    /// Module of the standard contractual clauses, 1 to 4.
    pub module: Option<Spanned<u32>>,
    /// When the clauses were signed.
    pub signed: Option<Spanned<Date>>,
    /// Transfer impact assessment.
    pub tia: Option<ImpactAssessment>,
    /// The operator's reference, of corporate rules above all.
    pub reference: Option<Spanned<String>>,
}

/// `tia = { ref, reviewed }`.
#[derive(Clone, Debug)]
pub struct ImpactAssessment {
    /// Where the table stands.
    pub span: Span,
    /// The operator's reference.
    pub reference: Spanned<String>,
    /// Last review.
    pub reviewed: Option<Spanned<Date>>,
}
