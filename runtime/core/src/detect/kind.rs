//! What can be found, how sure that is, and in which categories it belongs. Finds nothing itself.

/// How sure a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A check digit, or a form that nothing else has: may hold records back.
    Checksum,
    /// Looks like it: may warn, never hold.
    Pattern,
}

/// What can be found. The order is that of the bits in a [`DetectorSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detector {
    /// International bank account number; one of 97 texts of its form is one.
    Iban,
    /// German tax identification number; one of 300 numbers of eleven digits is one.
    TaxId,
    /// German pension insurance number (Rentenversicherungsnummer); one of 100 texts of its form is one.
    PensionNumber,
    /// German health insurance number (Krankenversichertennummer); one of ten texts of its form is one.
    HealthInsuranceNumber,
    /// Number of a payment card; one of ten numbers with such a beginning and length is one.
    PaymentCard,
    /// E-mail address.
    Email,
    /// Telephone number, with a country code or an area code set apart.
    Phone,
    /// Words about a person's health, or a code of ICD-10 behind a word such as diagnosis.
    Health,
    /// Words about membership in a trade union.
    TradeUnion,
    /// Words about a person's religion.
    Religion,
}

struct Facts {
    name: &'static str,
    mark: &'static str,
    class: Class,
    /// Where such a value belongs first, then the other categories that it may stand in. Each with those below it.
    categories: &'static [&'static str],
}

impl Detector {
    /// Every detector.
    pub const ALL: [Self; 10] = [
        Self::Iban,
        Self::TaxId,
        Self::PensionNumber,
        Self::HealthInsuranceNumber,
        Self::PaymentCard,
        Self::Email,
        Self::Phone,
        Self::Health,
        Self::TradeUnion,
        Self::Religion,
    ];

    const fn facts(self) -> Facts {
        const PAYROLL: &str = "user.employment.payroll";
        const PERSON: &str = "user.government_id.national_identification_number";
        const fn checked(name: &'static str, mark: &'static str, categories: &'static [&'static str]) -> Facts {
            Facts { name, mark, class: Class::Checksum, categories }
        }
        const fn likely(name: &'static str, mark: &'static str, categories: &'static [&'static str]) -> Facts {
            Facts { name, mark, class: Class::Pattern, categories }
        }
        match self {
            Self::Iban => checked("iban", "[IBAN]", &["user.financial.bank_account", "user.payment", PAYROLL]),
            Self::TaxId => checked("tax-id", "[TAX-ID]", &["user.government_id.tax_id", PAYROLL]),
            Self::PensionNumber => checked("pension-number", "[PENSION-NUMBER]", &[PERSON, PAYROLL]),
            Self::HealthInsuranceNumber => checked(
                "health-insurance-number",
                "[HEALTH-INSURANCE-NUMBER]",
                &["user.health_and_medical.insurance_beneficiary_id", PERSON, PAYROLL],
            ),
            Self::PaymentCard => checked("payment-card", "[PAYMENT-CARD]", &["user.financial.credit_card", "user.payment"]),
            Self::Email => checked(
                "email",
                "[EMAIL]",
                &["user.contact.email", "user.account.username", "user.authorization.credentials", "user.content"],
            ),
            Self::Phone => likely(
                "phone",
                "[PHONE]",
                &["user.contact.phone_number", "user.contact.fax_number", "user.account.username", "user.content"],
            ),
            Self::Health => likely("health", "[HEALTH]", &["user.health_and_medical", "user.employment.absence", "user.biometric.health"]),
            Self::TradeUnion => likely("trade-union", "[TRADE-UNION]", &["user.demographic.trade_union"]),
            Self::Religion => likely("religion", "[RELIGION]", &["user.demographic.religious_belief"]),
        }
    }

    /// `tax-id`: as a manifest and the audit log write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The detector with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|detector| detector.name() == name)
    }

    /// `[TAX-ID]`: what stands in its place in a redacted text.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        self.facts().mark
    }

    /// How sure a hit is.
    #[must_use]
    pub const fn class(self) -> Class {
        self.facts().class
    }

    /// The category of such a value, `user.contact.email`; for terms the root of what they hint at.
    #[must_use]
    pub fn category(self) -> &'static str {
        self.facts().categories.first().copied().unwrap_or("user")
    }

    /// True for hints at special categories (Art. 9 GDPR), as opposed to identifiers.
    #[must_use]
    pub fn is_special(self) -> bool {
        DetectorSet::SPECIAL.contains(self)
    }

    /// True if one text in ten of its form passes its check: one hit says little.
    #[must_use]
    pub const fn is_doubtful(self) -> bool {
        matches!(self, Self::HealthInsuranceNumber | Self::PaymentCard)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// True if such a value may stand in a field of this category: where it belongs and below, and for identifiers also in what stands above that
/// (`user.contact` has room for an address). Above a special category stands nothing that is as protected.
#[must_use]
pub fn fits(detector: Detector, category: &str) -> bool {
    let listed = detector.facts().categories.iter().any(|root| is_within(category, root));
    listed || (!detector.is_special() && is_within(detector.category(), category))
}

fn is_within(key: &str, root: &str) -> bool {
    key.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Some of the detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectorSet(u16);

impl DetectorSet {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(Detector::Religion.bit() * 2 - 1);
    /// Hints at special categories (Art. 9 GDPR).
    pub const SPECIAL: Self = Self::NONE.with(Detector::Health).with(Detector::TradeUnion).with(Detector::Religion);
    /// Those that may hold records back.
    pub const CHECKSUM: Self = Self(Self::ALL.0 & !Self::SPECIAL.0 & !Detector::Phone.bit());
    /// Those that begin with a digit, a sign or a letter with digits behind it.
    pub(super) const NUMBERS: Self = Self(Self::ALL.0 & !Self::SPECIAL.0 & !Detector::Email.bit());

    /// The set with one more.
    #[must_use]
    pub const fn with(self, detector: Detector) -> Self {
        Self(self.0 | detector.bit())
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set without what is in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those of the set that may not stand in a field of this category: what a gate has to look for.
    #[must_use]
    pub fn unfit(self, category: &str) -> Self {
        Detector::ALL.into_iter().filter(|detector| self.contains(*detector) && !fits(*detector, category)).collect()
    }

    /// True if it is in the set.
    #[must_use]
    pub const fn contains(self, detector: Detector) -> bool {
        self.0 & detector.bit() != 0
    }

    /// True if no detector is in both.
    #[must_use]
    pub const fn is_disjoint(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// True if there is none in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Detector> for DetectorSet {
    fn from_iter<I: IntoIterator<Item = Detector>>(detectors: I) -> Self {
        detectors.into_iter().fold(Self::NONE, Self::with)
    }
}
