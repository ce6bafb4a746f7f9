//! The label function: what may be said about a value after an action. Knows no manifest's streams; who asks gives the categories.

use crate::manifest::Action;
use crate::vocab::{self, NON_PERSONAL};

/// The category of a pseudonym.
pub const PSEUDONYM: &str = "user.unique_id.pseudonymous";

/// What is known of a value that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Key of its category.
    pub category: String,
    /// It says less than the value it was made from: masked, cut, generalised, searched for identifiers, or a pseudonym. It is no less personal.
    pub degraded: bool,
    /// Only the recipient can read it: a supplementary measure, no other category.
    pub protected: bool,
}

/// The label of a value of `category` after an action. None = nothing is left. `others` are the categories of the other inputs: of the looked-up
/// field, or of the fields that are joined with it.
#[must_use]
pub fn label(action: &Action, category: &str, others: &[&str]) -> Option<Label> {
    let label = |category: &str, degraded: bool, protected: bool| Some(Label { category: category.to_owned(), degraded, protected });
    match action {
        Action::Drop => None,
        Action::Null | Action::Constant(_) => label(NON_PERSONAL, false, false),
        Action::Pseudonymise { .. } => label(PSEUDONYM, true, false),
        Action::Allow | Action::Hash => label(category, false, false),
        Action::Mask { .. } | Action::Truncate { .. } | Action::Network { .. } | Action::Generalise(_) | Action::Redact { .. } => {
            label(category, true, false)
        }
        Action::Encrypt { .. } => label(category, false, true),
        Action::Lookup { .. } => label(others.first().unwrap_or(&category), false, false),
        Action::Concat { .. } => label(&joined(others.iter().copied().chain([category])), false, false),
    }
}

/// The nearest category that all personal inputs stand below: what is not personal makes the rest no less so.
fn joined<'a>(categories: impl Iterator<Item = &'a str> + Clone) -> String {
    let personal = || categories.clone().filter(|category| vocab::is_personal(category));
    let nearest = match personal().next() {
        Some(first) => personal().try_fold(first, ancestor).unwrap_or("user"),
        None => {
            let mut all = categories.clone();
            all.next().and_then(|first| all.try_fold(first, ancestor)).unwrap_or(NON_PERSONAL)
        }
    };
    nearest.to_owned()
}

/// The nearest common ancestor, by the text of the keys.
fn ancestor<'a>(left: &'a str, right: &str) -> Option<&'a str> {
    let mut near = Some(left);
    while let Some(key) = near.filter(|key| !vocab::is_within(right, key)) {
        near = key.rsplit_once('.').map(|(parent, _)| parent);
    }
    near
}

/// True unless the category is known to say nothing about a person: what is not known counts as personal.
#[must_use]
pub fn is_personal(category: Option<&str>) -> bool {
    category.is_none_or(vocab::is_personal)
}

/// True if values of a category can be tried out: their hash without a key says what they are. Marks stand at the keys themselves; what the
/// vocabulary does not know is as its nearest known ancestor.
#[must_use]
pub fn is_enumerable(category: &str) -> bool {
    let mut key = Some(category);
    while let Some(near) = key {
        if let Some(known) = vocab::category(near) {
            return known.has("enumerable");
        }
        key = near.rsplit_once('.').map(|(parent, _)| parent);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Coarser, Missing};

    #[test]
    fn labels_follow_the_action() {
        let check = |action: Action, category: &str, degraded: bool, protected: bool| {
            let expected = Label { category: category.to_owned(), degraded, protected };
            assert_eq!(label(&action, "user.name", &[]), Some(expected), "{action:?}");
        };
        assert_eq!(label(&Action::Drop, "user.name", &[]), None);
        check(Action::Allow, "user.name", false, false);
        check(Action::Hash, "user.name", false, false);
        check(Action::Null, "non-personal", false, false);
        check(Action::Constant(serde_json::Value::Null), "non-personal", false, false);
        check(Action::Mask { first: 1, last: 1 }, "user.name", true, false);
        check(Action::Truncate { keep: 2 }, "user.name", true, false);
        check(Action::Network { named: true }, "user.name", true, false);
        check(Action::Generalise(Coarser::Bucket(10)), "user.name", true, false);
        check(Action::Redact { detectors: crate::detect::DetectorSet::ALL }, "user.name", true, false);
        check(Action::Encrypt { recipient: "age:r".to_owned() }, "user.name", false, true);
        check(Action::Pseudonymise { domain: "d".to_owned() }, "user.unique_id.pseudonymous", true, false);
    }

    #[test]
    fn lookups_and_joins_are_labelled_by_all_inputs() {
        let lookup = Action::Lookup { via: "a.b.c".to_owned(), missing: Missing::Null };
        assert_eq!(
            label(&lookup, "user.unique_id", &["user.contact.email"]).map(|label| label.category).as_deref(),
            Some("user.contact.email")
        );
        let concat = Action::Concat { with: Vec::new(), separator: String::new() };
        for (own, others, expected) in [
            ("user.name.first", &["user.name.last"][..], "user.name"),
            ("user.name.first", &["user.name"], "user.name"),
            ("user.name", &["user.contact.email"], "user"),
            ("user.name", &["system.operations", "non-personal"], "user.name"),
            ("non-personal", &["user.contact.address.city", "user.contact.address.street"], "user.contact.address"),
            ("system.operations", &["system"], "system"),
            ("system.operations", &["non-personal"], "non-personal"),
            ("user.name", &[], "user.name"),
            ("user.name", &["odd.key"], "user"),
        ] {
            assert_eq!(label(&concat, own, others).map(|label| label.category).as_deref(), Some(expected), "{own} {others:?}");
        }
    }

    #[test]
    fn only_known_categories_are_not_personal() {
        for (category, expected) in [
            (None, true),
            (Some("user.name"), true),
            (Some("systemic"), true),
            (Some("system"), false),
            (Some("system.operations"), false),
            (Some("non-personal"), false),
        ] {
            assert_eq!(is_personal(category), expected, "{category:?}");
        }
    }

    #[test]
    fn what_can_be_tried_out_is_known() {
        for category in ["user", "user.contact.email", "user.contact.email.business", "user.device.ip_address", "user.unique_id"] {
            assert!(is_enumerable(category), "{category}");
        }
        for category in ["user.unique_id.pseudonymous", "user.behavior.purchase_history", "system.operations", "non-personal", "odd"] {
            assert!(!is_enumerable(category), "{category}");
        }
    }
}
