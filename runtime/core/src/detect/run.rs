//! Letters and digits that may belong together: a word, and the words behind it that one space or hyphen each sets apart. Bounded, so that
//! looking ahead costs the same everywhere.

use super::iban;
use crate::lanes::{Lanes, Places, WIDTH, padded};

/// More groups than any number has.
const MOST_GROUPS: usize = 10;
/// More characters than any number has.
const MOST_CHARACTERS: usize = iban::LONGEST + 1;

/// The groups from one place on.
pub(super) struct Run {
    characters: [u8; MOST_CHARACTERS],
    length: usize,
    /// For each complete group: the characters up to its end, and its end in the text.
    groups: [(usize, usize); MOST_GROUPS],
    count: usize,
}

impl Run {
    /// Reads groups from a place on, until something else follows or nothing that is looked for could be as long.
    pub(super) fn read(text: &[u8], start: usize) -> Self {
        let mut run = Self { characters: [0; MOST_CHARACTERS], length: 0, groups: [(0, 0); MOST_GROUPS], count: 0 };
        let mut at = start;
        let mut separator = None;
        loop {
            while let Some(byte) = byte_at(text, at).filter(u8::is_ascii_alphanumeric) {
                if !run.push(byte) {
                    return run;
                }
                at += 1;
            }
            if text.get(at) == Some(&b'_') || !run.close(at) {
                return run;
            }
            match text.get(at) {
                Some(byte @ (b' ' | b'-')) if separator.is_none_or(|own| own == byte) => separator = Some(byte),
                _ => return run,
            }
            at += 1;
        }
    }

    fn push(&mut self, byte: u8) -> bool {
        let Some(slot) = self.characters.get_mut(self.length) else { return false };
        *slot = byte;
        self.length += 1;
        true
    }

    /// Ends a group; false if it is empty or one too many.
    fn close(&mut self, at: usize) -> bool {
        let before = self.count.checked_sub(1).and_then(|last| self.groups.get(last)).map_or(0, |(length, _)| *length);
        let Some(slot) = self.groups.get_mut(self.count).filter(|_| self.length > before) else { return false };
        *slot = (self.length, at);
        self.count += 1;
        true
    }

    /// The first group and its end in the text.
    pub(super) fn first_group(&self) -> Option<(&[u8], usize)> {
        let (length, end) = *self.groups.get(..self.count)?.first()?;
        Some((self.characters.get(..length)?, end))
    }

    /// The characters of the first groups, if these are as long as the form says, and their end in the text.
    pub(super) fn grouped(&self, form: &[usize]) -> Option<(&[u8], usize)> {
        let groups = self.groups.get(..self.count)?.get(..form.len())?;
        let mut total = 0;
        for ((length, _), wanted) in groups.iter().zip(form) {
            total += wanted;
            if *length != total {
                return None;
            }
        }
        Some((self.characters.get(..total)?, groups.last()?.1))
    }

    /// So many characters in groups of four, the last of which may be shorter, and their end in the text.
    pub(super) fn in_fours(&self, total: usize) -> Option<(&[u8], usize)> {
        let groups = self.groups.get(..self.count)?.get(..total.div_ceil(4))?;
        let fits = groups.iter().zip(1..).all(|((length, _), place)| *length == (place * 4).min(total));
        Some((self.characters.get(..total)?, groups.last()?.1)).filter(|_| fits)
    }
}

/// True if a number that begins here with a digit can be one that is looked for: by the length of this word, and of the next two if it is short.
/// Dates, amounts and telephone numbers are passed over so.
pub(super) fn has_known_lengths(text: &[u8], start: usize) -> bool {
    const LONGEST: usize = 19;
    let word = |from: usize| (0..=LONGEST).find(|length| !byte_at(text, from + length).is_some_and(is_word)).unwrap_or(LONGEST + 1);
    let next = |end: usize| if matches!(text.get(end), Some(b' ' | b'-')) { word(end + 1) } else { 0 };
    match word(start) {
        2 => match next(start + 2) {
            3 => next(start + 6) == 3,
            second => second == 6,
        },
        4 => matches!(next(start + 4), 4 | 6),
        first => (11..=LONGEST).contains(&first),
    }
}

/// True for a character of a word. What is not ASCII counts as none: quotes and dashes often touch a number.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    WORD[usize::from(byte)]
}

/// By byte. Most of the time that a look at prose takes goes into passing over its words.
const WORD: [bool; 256] = {
    let mut word = [false; 256];
    let mut byte = 0;
    while byte < word.len() {
        word[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    word
};

/// Where words begin, and every `+`, in their order.
pub(super) struct Starts<'a> {
    rest: &'a [u8],
    /// Where the bytes begin that `places` are of, and where the next ones do.
    base: usize,
    next: usize,
    places: Places,
    /// The last of these bytes belongs to a word.
    in_word: bool,
}

impl<'a> Starts<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { rest: text, base: 0, next: 0, places: 0, in_word: false }
    }

    #[inline]
    fn load(&mut self, lanes: Lanes) {
        let letters = lanes.within(b'a', b'z').or(lanes.within(b'A', b'Z'));
        let words = letters.or(lanes.within(b'0', b'9')).or(lanes.are(b'_')).places();
        self.places = (words & !(words << 1 | Places::from(self.in_word))) | lanes.are(b'+').places();
        self.in_word = words >> (WIDTH - 1) != 0;
        (self.base, self.next) = (self.next, self.next + WIDTH);
    }
}

impl Iterator for Starts<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.places == 0 {
            if let Some((chunk, rest)) = self.rest.split_first_chunk() {
                self.load(Lanes::of(chunk));
                self.rest = rest;
            } else if self.rest.is_empty() {
                return None;
            } else {
                self.load(Lanes::of(&padded(self.rest)));
                self.rest = &[];
            }
        }
        let at = self.base + self.places.trailing_zeros() as usize;
        self.places &= self.places - 1;
        Some(at)
    }
}

/// Where the word that stands here ends; here, if none does.
pub(super) fn word_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while byte_at(text, at).is_some_and(is_word) {
        at += 1;
    }
    at
}

/// The byte at a place. Every look at a text that is not bounded by a constant goes through here, so that tests can count.
pub(super) fn byte_at(text: &[u8], at: usize) -> Option<u8> {
    #[cfg(test)]
    super::tests::count_step();
    text.get(at).copied()
}
