//! Words that hint at special categories of Art. 9 GDPR: short lists, German and English, of words that hardly mean anything else.
//!
//! Not a search for every such word: what is missing here is no proof of absence, and a hit only warns.

use super::run::{Starts, is_word, word_end};
use super::{Detector, DetectorSet, Hit};

/// In lower case, sorted. `*` at the end: whatever follows belongs to the word, as in German compounds.
pub(super) const TERMS: [(&str, Detector); 31] = [
    ("arbeitsunfähigkeitsbescheinigung*", Detector::Health),
    ("chemotherap*", Detector::Health),
    ("church tax", Detector::Religion),
    ("dgb-mitglied*", Detector::TradeUnion),
    ("evangelisch-lutherisch*", Detector::Religion),
    ("gewerkschaftsbeitr*", Detector::TradeUnion),
    ("gewerkschaftsmitglied*", Detector::TradeUnion),
    ("gewerkschaftszugehörigkeit", Detector::TradeUnion),
    ("grad der behinderung", Detector::Health),
    ("hiv positive", Detector::Health),
    ("hiv-positiv*", Detector::Health),
    ("ig bau", Detector::TradeUnion),
    ("ig bce", Detector::TradeUnion),
    ("ig metall", Detector::TradeUnion),
    ("kirchenaustritt*", Detector::Religion),
    ("kirchensteuer*", Detector::Religion),
    ("konfessionszugehörigkeit", Detector::Religion),
    ("krankenschein*", Detector::Health),
    ("krankmeldung*", Detector::Health),
    ("krankschreibung*", Detector::Health),
    ("member of a trade union", Detector::TradeUnion),
    ("psychotherap*", Detector::Health),
    ("religionszugehörigkeit", Detector::Religion),
    ("religious affiliation", Detector::Religion),
    ("römisch-katholisch*", Detector::Religion),
    ("schwerbehindert*", Detector::Health),
    ("sick note", Detector::Health),
    ("trade union member*", Detector::TradeUnion),
    ("trade-union member*", Detector::TradeUnion),
    ("union dues", Detector::TradeUnion),
    ("ver.di", Detector::TradeUnion),
];

/// Words that say that a code behind them is a diagnosis.
const BEFORE_A_CODE: [&[u8]; 3] = [b"icd", b"diagnos", b"befund"];
/// How far before the code such a word may stand, in bytes.
const CONTEXT: usize = 40;

/// For each letter the place of the first term that does not begin with an earlier one; the terms of a letter end where those of the next begin.
const PLACES: [usize; 27] = places();

const fn places() -> [usize; 27] {
    let mut places = [0; 27];
    let mut letter = 0;
    while letter < places.len() {
        let mut place = 0;
        while place < TERMS.len() && ((TERMS[place].0.as_bytes()[0] - b'a') as usize) < letter {
            place += 1;
        }
        places[letter] = place;
        letter += 1;
    }
    places
}

/// For each letter the letters that follow it at the beginning of a term, a bit each: most words are passed over by their first two.
const SECOND: [u32; 26] = second();

const fn second() -> [u32; 26] {
    let mut second = [0; 26];
    let mut place = 0;
    while place < TERMS.len() {
        let term = TERMS[place].0.as_bytes();
        second[(term[0] - b'a') as usize] |= bit(term[1]);
        place += 1;
    }
    second
}

/// A bit of its own for each letter, whether upper or lower case, and one for everything else.
const fn bit(byte: u8) -> u32 {
    let letter = byte.to_ascii_lowercase().wrapping_sub(b'a');
    1 << if letter < 26 { letter } else { 26 }
}

/// The terms that begin with a letter, in lower case.
fn terms(letter: u8) -> &'static [(&'static str, Detector)] {
    let place = usize::from(letter - b'a');
    let ends = PLACES.get(place).zip(PLACES.get(place + 1));
    ends.and_then(|(first, end)| TERMS.get(*first..*end)).unwrap_or_default()
}

/// Appends the terms and codes of a text, in their order.
pub(super) fn find(text: &[u8], wanted: DetectorSet, out: &mut Vec<Hit>) {
    let mut end = 0;
    for at in Starts::of(text) {
        if at >= end
            && let Some(hit) = hit(text, at).filter(|hit| wanted.contains(hit.detector))
        {
            end = hit.range.end;
            out.push(hit);
        }
    }
}

fn hit(text: &[u8], at: usize) -> Option<Hit> {
    let letter = text.get(at)?.to_ascii_lowercase();
    if !letter.is_ascii_lowercase() {
        return None;
    }
    let next = *text.get(at + 1)?;
    if next.is_ascii_digit() {
        return code(text, at).map(|end| Hit { range: at..end, detector: Detector::Health });
    }
    if SECOND[usize::from(letter - b'a')] & bit(next) == 0 {
        return None;
    }
    terms(letter).iter().find_map(|(term, detector)| Some(Hit { range: at..term_end(text, at, term)?, detector: *detector }))
}

/// Where the term that stands here ends.
fn term_end(text: &[u8], at: usize, term: &str) -> Option<usize> {
    let (stem, is_open) = term.strip_suffix('*').map_or((term, false), |stem| (stem, true));
    let end = at + stem.len();
    if !text.get(at..end)?.eq_ignore_ascii_case(stem.as_bytes()) {
        return None;
    }
    let rest = word_end(text, end);
    (is_open || rest == end).then_some(rest)
}

/// Where a code of ICD-10 ends (`E11`, `F32.1`, `M54.16`) that a word such as diagnosis stands before.
fn code(text: &[u8], at: usize) -> Option<usize> {
    let digits = |from: usize| text.iter().skip(from).take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if !text.get(at)?.is_ascii_uppercase() || digits(at + 1) != 2 {
        return None;
    }
    let mut end = at + 3;
    if text.get(end) == Some(&b'.') && matches!(digits(end + 1), 1 | 2) {
        end += 1 + digits(end + 1);
    }
    if text.get(end).is_some_and(|byte| is_word(*byte)) || (text.get(end) == Some(&b'.') && digits(end + 1) > 0) {
        return None;
    }
    let before = text.get(at.saturating_sub(CONTEXT)..at)?;
    let is_named = BEFORE_A_CODE.iter().any(|word| before.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)));
    is_named.then_some(end)
}
