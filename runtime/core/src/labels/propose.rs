//! Guesses what a field is: from its name and the names around it, from what the schema and a sample say about its values. Always with a reason,
//! never with an effect.

use super::dictionary::{dictionary, words};
use super::{Sample, StreamLabels};
use crate::detect::Detector;
use crate::record::FieldPath;
use crate::stream::{Foreign, Hint, Leaf};

/// How sure a guess is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Somebody must look.
    Low,
    /// Likely.
    Medium,
    /// The name or the values say it by themselves.
    High,
}

impl Confidence {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A guess about one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The field.
    pub path: FieldPath,
    /// What it seems to be.
    pub category: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why.
    pub reason: String,
}

/// Guesses about a stream.
#[derive(Clone, Debug, Default)]
pub struct Proposals {
    /// Whose data it seems to be, with the reason.
    pub subjects: Vec<(String, String)>,
    /// Guesses in the order of the paths.
    pub fields: Vec<Proposal>,
    /// Fields about which nothing can be guessed.
    pub unknown: Vec<FieldPath>,
}

/// Guesses about every field of a stream that `known` does not label yet.
#[must_use]
pub fn propose(stream: &str, foreign: &Foreign, known: Option<&StreamLabels>, sample: Option<&Sample>) -> Proposals {
    let mut found = Proposals::default();
    if known.is_none_or(|known| known.subjects.is_empty()) {
        found.subjects = subjects(stream);
    }
    for (path, leaf) in foreign.shape.leaves() {
        if known.is_some_and(|known| known.fields.iter().any(|label| label.confirmed && path.is_within(&label.path.value))) {
            continue;
        }
        let hint = foreign.hints.get(path.as_str()).cloned().unwrap_or_default();
        let field = Field { stream, path: &path, leaf, hint };
        match field.by_sample(sample).or_else(|| field.by_format()).or_else(|| field.by_name()).or_else(|| field.by_type()) {
            Some(guess) => found.fields.push(Proposal {
                path: path.clone(),
                category: guess.category,
                confidence: guess.confidence,
                reason: guess.reason,
            }),
            None => found.unknown.push(path.clone()),
        }
    }
    found
}

struct Guess {
    category: String,
    confidence: Confidence,
    reason: String,
}

fn guess(category: &str, confidence: Confidence, reason: impl Into<String>) -> Option<Guess> {
    Some(Guess { category: category.to_owned(), confidence, reason: reason.into() })
}

struct Field<'a> {
    stream: &'a str,
    path: &'a FieldPath,
    leaf: &'a Leaf,
    hint: Hint,
}

impl Field<'_> {
    fn by_sample(&self, sample: Option<&Sample>) -> Option<Guess> {
        let (class, hits, values) = sample?.class_at(self.path.as_str())?;
        let (category, what) = match (Detector::parse(class), class) {
            (Some(detector), _) => (detector.category(), plural(detector)),
            (None, "ip") => ("user.device.ip_address", "IP addresses"),
            (None, _) => return None,
        };
        guess(category, Confidence::High, format!("{hits} of {values} sampled values look like {what}"))
    }

    fn by_format(&self) -> Option<Guess> {
        let format = self.hint.format.as_deref()?;
        let reason = format!("format `{format}`");
        match format {
            "email" | "idn-email" => guess("user.contact.email", Confidence::High, reason),
            "ipv4" | "ipv6" => guess("user.device.ip_address", Confidence::High, reason),
            "date" | "date-time" | "time" if self.by_name().is_none_or(|guess| guess.confidence == Confidence::Low) => {
                guess("system.operations", Confidence::Medium, reason)
            }
            _ => None,
        }
    }

    fn by_name(&self) -> Option<Guess> {
        let name = words(self.name());
        let found = (0..name.len()).find_map(|start| self.by_words(&name, start)).or_else(|| self.by_inner_word(&name))?;
        // Whether there is an address is not the address.
        let only_yes_or_no = self.hint.boolean && !self.hint.text && !self.hint.number;
        if only_yes_or_no && !matches!(found.category.as_str(), "user.privacy_preferences" | "non-personal" | "system.operations") {
            return self.by_type();
        }
        Some(if self.leaf.opaque {
            Guess { confidence: Confidence::Low, reason: format!("{}, and its inside is not told", found.reason), ..found }
        } else {
            found
        })
    }

    /// The last words of the name, from `start` on.
    fn by_words(&self, name: &[String], start: usize) -> Option<Guess> {
        let book = dictionary();
        let joined = name.get(start..)?.concat();
        let whole = start == 0;
        if let Some(category) = book.strong.get(&joined) {
            return guess(category, if whole { Confidence::High } else { Confidence::Medium }, format!("name `{joined}`"));
        }
        let of_people = self.of_people();
        let in_people = of_people.as_ref().and_then(|place| Some((place, book.among_people.get(&joined)?)));
        if let Some((place, category)) = in_people.filter(|_| whole) {
            return guess(category, Confidence::Medium, format!("name `{joined}` in `{place}`"));
        }
        let person = start.checked_sub(1).and_then(|at| name.get(at)).filter(|word| book.people.contains(*word));
        if let Some((word, category)) = person.and_then(|word| Some((word, book.among_people.get(&joined)?))) {
            return guess(category, Confidence::Medium, format!("name `{joined}` behind `{word}`"));
        }
        if let Some(category) = book.weak.get(&joined) {
            return guess(
                category,
                if whole && of_people.is_none() { Confidence::Medium } else { Confidence::Low },
                format!("name `{joined}`"),
            );
        }
        book.elsewhere.get(&joined).and_then(|category| guess(category, Confidence::Low, format!("name `{joined}`")))
    }

    /// A telling word that is not the last one.
    fn by_inner_word(&self, name: &[String]) -> Option<Guess> {
        let (word, category) = name.iter().find_map(|word| Some((word, dictionary().strong.get(word)?)))?;
        guess(category, Confidence::Low, format!("the name holds `{word}`"))
    }

    /// What says nothing by its name and cannot hold a text.
    fn by_type(&self) -> Option<Guess> {
        let (what, of_people) = match (&self.hint, self.of_people()) {
            (Hint { text: false, number: true, .. }, people) => ("a number", people),
            (Hint { text: false, boolean: true, .. }, people) => ("yes or no", people),
            _ => return None,
        };
        match of_people {
            Some(place) => guess("user.account.settings", Confidence::Low, format!("{what} in `{place}`")),
            None => guess("non-personal", Confidence::Low, what),
        }
    }

    fn name(&self) -> &str {
        self.path.parts().last().unwrap_or_default()
    }

    /// What stands around the field, if its things are people.
    fn of_people(&self) -> Option<String> {
        let mut parts: Vec<&str> = self.path.parts().collect();
        parts.pop();
        let place = parts.pop().unwrap_or(self.stream);
        let words = words(place);
        let book = dictionary();
        (0..words.len()).any(|start| words.get(start..).is_some_and(|tail| book.people.contains(&tail.concat()))).then(|| place.to_owned())
    }
}

fn plural(detector: Detector) -> &'static str {
    match detector {
        Detector::Iban => "IBANs",
        Detector::TaxId => "German tax numbers, by their check digit",
        Detector::PensionNumber => "German pension insurance numbers, by their check digit",
        Detector::HealthInsuranceNumber => "German health insurance numbers, by their check digit",
        Detector::PaymentCard => "numbers of payment cards, by their check digit",
        Detector::Email => "e-mail addresses",
        Detector::Phone => "telephone numbers",
        Detector::Health | Detector::TradeUnion | Detector::Religion => "words of a special category",
    }
}

fn subjects(stream: &str) -> Vec<(String, String)> {
    let words = words(stream);
    for start in 0..words.len() {
        let joined = words.get(start..).unwrap_or_default().concat();
        if let Some(subjects) = dictionary().subjects.get(&joined) {
            return subjects.iter().map(|subject| (subject.clone(), format!("the stream's name says `{joined}`"))).collect();
        }
    }
    words.iter().find_map(|word| Some((word, dictionary().subjects.get(word)?))).map_or_else(Vec::new, |(word, subjects)| {
        subjects.iter().map(|subject| (subject.clone(), format!("the stream's name holds `{word}`"))).collect()
    })
}
