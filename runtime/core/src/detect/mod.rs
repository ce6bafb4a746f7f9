//! Finds identifiers and words of special categories in values: by check digits where there are any, by form and term lists otherwise.
//!
//! Looks at bytes, allocates nothing but the list of hits, and decides nothing: what a hit means for a field is the gate's. Names of people,
//! postal codes and the like are not looked for, since too much else looks like them.

mod card;
mod contact;
mod german;
mod iban;
mod kind;
mod redact;
mod run;
mod special;
mod survey;

use std::ops::Range;

pub use kind::{Class, Detector, DetectorSet, fits};
pub use redact::redact;

use run::{Run, Starts};
pub(crate) use survey::Survey;

/// The fewest digits of any number that is looked for.
const FEWEST_DIGITS: u32 = 7;
/// The shortest and the longest value that can be an identifier as a whole, in bytes.
const WHOLE: std::ops::RangeInclusive<usize> = 6..=contact::LONGEST_EMAIL;

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// From the first byte to behind the last one.
    pub range: Range<usize>,
    /// What it is.
    pub detector: Detector,
}

/// What a value is as a whole, white space at its ends left aside. Finds no terms: for those, see [`find_all`].
#[must_use]
pub fn whole(text: &[u8], wanted: DetectorSet) -> Option<Detector> {
    let text = text.trim_ascii();
    if !WHOLE.contains(&text.len()) {
        return None;
    }
    if !wanted.is_disjoint(DetectorSet::NUMBERS)
        && let Some((detector, end)) = number_at(text, 0, wanted)
        && end == text.len()
    {
        return Some(detector);
    }
    (wanted.contains(Detector::Email) && contact::is_email(text)).then_some(Detector::Email)
}

/// Appends what is found in free text, sorted by place; no two hits overlap. Numbers may be written in their usual groups.
///
/// The time is linear in the length of the text, whatever it is.
pub fn find_all(text: &[u8], wanted: DetectorSet, out: &mut Vec<Hit>) {
    find_surveyed(text, Survey::of(text), wanted, out);
}

/// [`find_all`] in a text that was surveyed on the way.
#[inline]
pub(crate) fn find_surveyed(text: &[u8], seen: Survey, wanted: DetectorSet, out: &mut Vec<Hit>) {
    let has_number = seen.digits >= FEWEST_DIGITS && !wanted.is_disjoint(DetectorSet::NUMBERS);
    let has_address = seen.has_at && wanted.contains(Detector::Email);
    let has_words = !wanted.is_disjoint(DetectorSet::SPECIAL);
    if (has_number || has_address || has_words) && !(has_number && is_time(text)) {
        find_closely(text, wanted, seen, out);
    }
}

#[inline(never)]
fn find_closely(text: &[u8], wanted: DetectorSet, seen: Survey, out: &mut Vec<Hit>) {
    let first = out.len();
    if seen.has_at && wanted.contains(Detector::Email) {
        emails(text, out);
    }
    if seen.digits >= FEWEST_DIGITS && !wanted.is_disjoint(DetectorSet::NUMBERS) {
        numbers(text, wanted, out);
    }
    if !wanted.is_disjoint(DetectorSet::SPECIAL) {
        special::find(text, wanted, out);
    }
    if out.len() > first + 1 {
        let mut found = out.split_off(first);
        found.sort_by_key(|hit| (hit.range.start, usize::MAX - hit.range.end));
        let mut end = 0;
        found.retain(|hit| {
            let is_apart = hit.range.start >= end;
            end = end.max(hit.range.end);
            is_apart
        });
        out.append(&mut found);
    }
}

/// True for `2026-11-28`, with whatever time behind it: the most frequent text with many digits, and never one that is looked for.
fn is_time(text: &[u8]) -> bool {
    const LONGEST: usize = 40;
    let shape = |(at, byte): (usize, &u8)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() };
    text.len() <= LONGEST
        && text.get(..10).is_some_and(|day| day.iter().enumerate().all(shape))
        && matches!(text.get(10), None | Some(b'T' | b' '))
        && text.iter().skip(11).all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.' | b',' | b'+' | b'-' | b'Z'))
}

fn emails(text: &[u8], out: &mut Vec<Hit>) {
    let mut floor = 0;
    for at in memchr::memchr_iter(b'@', text) {
        if let Some(range) = contact::email_around(text, at, floor) {
            floor = range.end;
            out.push(Hit { range, detector: Detector::Email });
        }
    }
}

fn numbers(text: &[u8], wanted: DetectorSet, out: &mut Vec<Hit>) {
    let mut floor = 0;
    for at in Starts::of(text) {
        if at >= floor
            && let Some((detector, end)) = number_at(text, at, wanted).filter(|(_, end)| !is_part_of_fraction(text, at, *end))
        {
            floor = end;
            out.push(Hit { range: at..end, detector });
        }
    }
}

/// True for digits on either side of a decimal point: a measured value, not a number that was given out.
fn is_part_of_fraction(text: &[u8], start: usize, end: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
    let point = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|byte| matches!(byte, b'.' | b','));
    (point(start.checked_sub(1)) && digit(start.checked_sub(2))) || (point(Some(end)) && digit(Some(end + 1)))
}

/// The number that begins here, and where it ends. Here is the beginning of a word, or a `+`.
fn number_at(text: &[u8], at: usize, wanted: DetectorSet) -> Option<(Detector, usize)> {
    match text.get(at..)? {
        [b'0'..=b'9', ..] => {
            let number = run::has_known_lengths(text, at).then(|| digits_first(&Run::read(text, at), wanted)).flatten();
            number.or_else(|| phone_at(text, at, wanted))
        }
        [b'+' | b'(', ..] => phone_at(text, at, wanted),
        [b'A'..=b'Z', b'0'..=b'9', ..] => letter_first(&Run::read(text, at), wanted),
        [first, second, b'0'..=b'9', b'0'..=b'9', ..] if wanted.contains(Detector::Iban) => {
            let length = iban::length([*first, *second])?;
            iban_first(&Run::read(text, at), length)
        }
        _ => None,
    }
}

fn phone_at(text: &[u8], at: usize, wanted: DetectorSet) -> Option<(Detector, usize)> {
    let end = Some(at).filter(|_| wanted.contains(Detector::Phone)).and_then(|at| contact::phone(text, at))?;
    Some((Detector::Phone, end))
}

fn digits_first(run: &Run, wanted: DetectorSet) -> Option<(Detector, usize)> {
    const TAX: [&[usize]; 2] = [&[11], &[2, 3, 3, 3]];
    const PENSION: [&[usize]; 3] = [&[12], &[2, 6, 1, 3], &[2, 6, 4]];
    const CARD: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];
    let check = |detector: Detector, forms: &[&[usize]], is_valid: fn(&[u8]) -> bool| {
        let forms = forms.iter().filter(|_| wanted.contains(detector));
        forms.filter_map(|form| run.grouped(form)).find(|(text, _)| is_valid(text)).map(|(_, end)| (detector, end))
    };
    let card = || {
        let group = run.first_group().filter(|(text, _)| wanted.contains(Detector::PaymentCard) && card::is_valid(text));
        group.map(|(_, end)| (Detector::PaymentCard, end))
    };
    check(Detector::TaxId, &TAX, german::is_tax_id)
        .or_else(|| check(Detector::PensionNumber, &PENSION, german::is_pension_number))
        .or_else(card)
        .or_else(|| check(Detector::PaymentCard, &CARD, card::is_valid))
}

fn letter_first(run: &Run, wanted: DetectorSet) -> Option<(Detector, usize)> {
    let (text, end) = run.first_group().filter(|_| wanted.contains(Detector::HealthInsuranceNumber))?;
    german::is_health_insurance_number(text).then_some((Detector::HealthInsuranceNumber, end))
}

fn iban_first(run: &Run, length: usize) -> Option<(Detector, usize)> {
    let (text, end) = run.grouped(&[length]).or_else(|| run.in_fours(length))?;
    iban::is_valid(text).then_some((Detector::Iban, end))
}

#[cfg(test)]
mod tests;
