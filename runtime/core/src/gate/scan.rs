//! The scanner: one pass over a batch that projects, checks, treats and counts. Builds no tree and allocates nothing for a usual record.
//!
//! Reads no clock, decides nothing: the plan says what passes. Pages are [`super::page`]'s, single JSON tokens [`super::json`]'s.

use std::collections::BTreeMap;

use super::condition::Reason;
use super::fault::{Fault, Scan};
use super::held::{Cause, Held, MAX_HELD, MAX_HELD_BYTES};
use super::join::Parts;
use super::json::{Kind, Reader, Token, inside, unescape};
use super::look::Sight;
use super::plan::{FieldPlan, ObjectPlan};
use super::tally::{Met, Tally, path_of};
use super::watch::{Watch, key_digest};
use super::{ScanReport, Stop};
use crate::detect::{Detector, Hit};
use crate::manifest::{OnInvalid, OnUndeclared};
use crate::problem::Code;

mod values;

/// The greatest length of a record in bytes, as it stands in the input.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

impl FieldPlan {
    /// [`FieldPlan::scan_lines_in`] as records come.
    ///
    /// # Errors
    /// As there.
    pub fn scan_lines(&self, ndjson: &[u8], out: &mut Vec<u8>, report: &mut ScanReport) -> Result<(), Stop> {
        self.scan_lines_in(Mode::Usual, ndjson, out, report)
    }

    /// Passes a batch of NDJSON: one object a line, ended by `\n` or `\r\n`; empty lines are skipped. Projected records are appended to `out`
    /// as NDJSON, what was met is added to `report`.
    ///
    /// # Errors
    /// The first record that ends the batch. `out` and `report` are then as they were before.
    pub fn scan_lines_in(&self, mode: Mode, ndjson: &[u8], out: &mut Vec<u8>, report: &mut ScanReport) -> Result<(), Stop> {
        let start = out.len();
        out.reserve(ndjson.len());
        let mut scanner = Scanner::new(self, mode, "", out, report);
        match scanner.lines(ndjson) {
            Ok(()) => {
                scanner.finish(report);
                Ok(())
            }
            Err(stop) => {
                out.truncate(start);
                Err(stop)
            }
        }
    }
}

/// How records are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As they come.
    Usual,
    /// They were held back and people released them: nothing holds them again, undeclared fields are dropped.
    Released,
}

/// The state of one call.
pub(super) struct Scanner<'a, 'o> {
    pub(super) plan: &'a FieldPlan,
    mode: Mode,
    pub(super) reader: Reader<'a>,
    out: &'o mut Vec<u8>,
    /// Input that will be copied as it is: kept fields that stand side by side are copied at once.
    run: (usize, usize),
    /// Bits of the names met in each open object.
    seen: Vec<u64>,
    /// Which entry followed an entry last time: records tend to repeat the order of their fields. Each object has a stretch of its own, the first
    /// place for its beginning.
    guesses: Vec<u16>,
    /// Undeclared names of the record that is being read.
    met: Vec<Met<'a>>,
    tally: Tally<'a>,
    pub(super) watch: Watch<'a>,
    pub(super) scratch: String,
    parts: Parts<'a>,
    keys: Vec<[u8; 16]>,
    persons: Vec<[u8; 16]>,
    /// The first value of the record that holds it back.
    apart: Option<(&'a str, Detector)>,
    /// What values of the record look like.
    sights: Vec<(&'a str, Detector)>,
    /// What values look like that the page adds to each record.
    pub(super) added_sights: Vec<(&'a str, Sight)>,
    suspected: BTreeMap<(&'a str, Detector), u64>,
    pub(super) hits: Vec<Hit>,
    skipped: [u32; Reason::ALL.len()],
    held: Vec<Held>,
    held_bytes: usize,
    /// Records looked at, and those that passed or were left out.
    pub(super) records: u64,
    accepted: u32,
    rejected: [u32; 2],
    /// Fields that the page adds to each record: bits of the root's entries, and their text.
    pub(super) added: Vec<u64>,
    pub(super) prelude: Vec<u8>,
    pub(super) added_values: Vec<(u32, Token<'a>)>,
    /// Those of them that are parts of a join.
    pub(super) added_parts: Vec<(usize, Token<'a>)>,
}

impl<'a, 'o> Scanner<'a, 'o> {
    pub(super) fn new(plan: &'a FieldPlan, mode: Mode, text: &'a str, out: &'o mut Vec<u8>, report: &ScanReport) -> Self {
        let mut watch = Watch::new(plan.leaves.len());
        let cursor = plan.cursor.as_ref().map(|(_, leaf)| leaf);
        for leaf in plan.key.iter().map(|(_, leaf)| leaf).chain(&plan.asked).chain(cursor) {
            watch.add(*leaf);
        }
        Self {
            plan,
            mode,
            reader: Reader::new(text),
            out,
            run: (0, 0),
            seen: Vec::new(),
            guesses: plan.guesses.clone(),
            met: Vec::new(),
            tally: Tally::new(&report.undeclared),
            watch,
            scratch: String::new(),
            parts: Parts::default(),
            keys: Vec::new(),
            persons: Vec::new(),
            apart: None,
            sights: Vec::new(),
            added_sights: Vec::new(),
            suspected: BTreeMap::new(),
            hits: Vec::new(),
            skipped: [0; Reason::ALL.len()],
            held: Vec::new(),
            held_bytes: 0,
            records: 0,
            accepted: 0,
            rejected: [0; 2],
            added: vec![0; plan.root.required.len()],
            prelude: Vec::new(),
            added_values: Vec::new(),
            added_parts: Vec::new(),
        }
    }

    fn lines(&mut self, ndjson: &'a [u8]) -> Result<(), Stop> {
        let whole = simdutf8::basic::from_utf8(ndjson).ok();
        let mut start = 0;
        while start < ndjson.len() {
            let rest = ndjson.get(start..).unwrap_or_default();
            let end = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            // Each line by itself only if the batch has a fault: then it matters which line.
            let line = match whole {
                Some(text) => Some(text.get(start..end).unwrap_or_default()),
                None => simdutf8::basic::from_utf8(ndjson.get(start..end).unwrap_or_default()).ok(),
            };
            self.line(line)?;
            start = end + 1;
        }
        Ok(())
    }

    fn line(&mut self, line: Option<&'a str>) -> Result<(), Stop> {
        let Some(line) = line else {
            self.records += 1;
            return self.leave_out(Fault::unreadable("the text is not UTF-8"));
        };
        self.reader = Reader::new(line);
        self.reader.skip_space();
        if self.reader.at == line.len() {
            return Ok(());
        }
        self.records += 1;
        if line.len() > MAX_RECORD_BYTES {
            return self.leave_out(Fault::unreadable(format!("the record is longer than {MAX_RECORD_BYTES} bytes")));
        }
        let mark = self.out.len();
        let read = self.record().and_then(|()| self.reader.expect_end(ONE_A_LINE));
        match read {
            Ok(()) => self.accept(mark, line.trim_ascii(), &[]),
            Err(fault) => {
                self.roll_back(mark);
                self.reader = Reader::new(line);
                // Text that is no JSON is unreadable, whatever else the part before the fault had against it.
                let syntax = self.reader.skip().and_then(|_| self.reader.expect_end(ONE_A_LINE));
                self.leave_out(syntax.err().unwrap_or(fault))
            }
        }
    }

    /// Reads the record that begins here and appends its projection.
    pub(super) fn record(&mut self) -> Scan<()> {
        if self.reader.next()? != b'{' {
            return Err(Fault::unreadable("a record is one JSON object"));
        }
        self.watch.clear();
        self.met.clear();
        self.sights.clear();
        self.apart = None;
        self.run = (self.reader.at, self.reader.at);
        for (leaf, token) in &self.added_values {
            self.watch.value(*leaf, *token);
        }
        for at in 0..self.added_sights.len() {
            let (path, sight) = self.added_sights[at];
            self.sighted(path, sight);
        }
        self.out.push(b'{');
        self.out.extend_from_slice(&self.prelude);
        self.object(&self.plan.root)?;
        self.flush();
        self.out.extend_from_slice(b"}\n");
        for (slot, (path, _)) in self.plan.key.iter().enumerate() {
            if self.watch.current(slot).is_none() {
                return Err(Fault::mismatch(path.as_str(), "a value, since it is part of the primary key", "none"));
            }
        }
        Ok(())
    }

    /// The record that was read last passes, unless a condition leaves it out, something holds it back, or an undeclared field ends the run.
    /// `mark` is where its projection begins, `record` its text, `added` what the page adds to it.
    pub(super) fn accept(&mut self, mark: usize, record: &str, added: &[(String, String)]) -> Result<(), Stop> {
        if !self.plan.asked.is_empty()
            && let Some(reason) = self.unmet()
        {
            self.roll_back(mark);
            self.skipped[reason as usize] += 1;
            return Ok(());
        }
        if !self.met.is_empty() || !self.sights.is_empty() {
            let undeclared = self.judge_undeclared()?;
            for sight in self.sights.drain(..) {
                *self.suspected.entry(sight).or_default() += 1;
            }
            let cause = self.apart.take().map(Cause::suspected).or(undeclared.map(Cause::undeclared));
            if let Some(cause) = cause.filter(|_| self.mode == Mode::Usual) {
                self.roll_back(mark);
                return self.hold(&cause, record, added);
            }
        }
        for met in self.met.drain(..) {
            self.tally.add(&self.plan.places, met);
        }
        let parts = self.plan.key.len();
        if self.plan.collect_keys && parts > 0 {
            let key = key_digest((0..parts).filter_map(|slot| self.watch.current(slot)), &mut self.scratch);
            self.keys.push(key);
        }
        if self.plan.collect_persons {
            let watch = &self.watch;
            self.persons.extend(self.plan.conditions.person(&|slot| watch.current(parts + slot), &mut self.scratch));
        }
        self.watch.accept(parts + self.plan.asked.len());
        self.accepted += 1;
        Ok(())
    }

    #[cold]
    pub(super) fn sighted(&mut self, path: &'a str, sight: Sight) {
        self.sights.push((path, sight.detector));
        if sight.holds && self.apart.is_none() {
            self.apart = Some((path, sight.detector));
        }
    }

    fn unmet(&mut self) -> Option<Reason> {
        let first = self.plan.key.len();
        let watch = &self.watch;
        self.plan.conditions.unmet(&|slot| watch.current(first + slot), &mut self.scratch)
    }

    /// What the flow does at the first undeclared field of the record, unless it drops it.
    fn judge_undeclared(&self) -> Result<Option<String>, Stop> {
        let Some(met) = self.met.first().filter(|_| self.mode == Mode::Usual) else { return Ok(None) };
        match self.plan.on_undeclared {
            OnUndeclared::Drop => Ok(None),
            OnUndeclared::Hold => Ok(Some(path_of(&self.plan.places, *met))),
            OnUndeclared::Stop => {
                let path = path_of(&self.plan.places, *met);
                let message = format!("nothing declares the field `{path}`, and the flow stops at undeclared fields");
                Err(Fault::undeclared(path, message).stop(self.records - 1))
            }
        }
    }

    #[cold]
    fn hold(&mut self, cause: &Cause, record: &str, added: &[(String, String)]) -> Result<(), Stop> {
        self.held_bytes += record.len();
        if self.held.len() == MAX_HELD || self.held_bytes > MAX_HELD_BYTES {
            let message = format!("`{}` would hold back more records than can wait", cause.path);
            return Err(Fault::held(cause.code(), &cause.path, message).stop(self.records.saturating_sub(1)));
        }
        let held = cause.hold(record, added).map_err(|fault| fault.stop(self.records.saturating_sub(1)))?;
        self.held.push(held);
        Ok(())
    }

    /// A record does not pass: it is counted, or it ends the batch.
    pub(super) fn leave_out(&mut self, fault: Fault) -> Result<(), Stop> {
        match self.plan.on_invalid {
            OnInvalid::Stop => Err(fault.stop(self.records.saturating_sub(1))),
            OnInvalid::Skip => {
                self.rejected[usize::from(fault.code() == Code::E220)] += 1;
                Ok(())
            }
        }
    }

    /// Forgets a record of which a part was read.
    pub(super) fn roll_back(&mut self, mark: usize) {
        self.out.truncate(mark);
        self.seen.clear();
        self.parts.clear();
    }

    pub(super) fn out_length(&self) -> usize {
        self.out.len()
    }

    /// Adds what this call met to the report.
    pub(super) fn finish(self, report: &mut ScanReport) {
        let (undeclared, dropped) = self.tally.finish(&self.plan.places);
        report.undeclared = undeclared;
        report.dropped_fields = report.dropped_fields.saturating_add(u32::try_from(dropped).unwrap_or(u32::MAX));
        report.accepted = report.accepted.saturating_add(self.accepted);
        for (code, count) in [Code::E219, Code::E220].into_iter().zip(self.rejected) {
            if count > 0 {
                let known = report.rejected.entry(code).or_default();
                *known = known.saturating_add(count);
            }
        }
        for (reason, count) in Reason::ALL.into_iter().zip(self.skipped).filter(|(_, count)| *count > 0) {
            let known = report.skipped.entry(reason).or_default();
            *known = known.saturating_add(count);
        }
        for ((path, detector), count) in self.suspected {
            *report.suspected.entry((path.to_owned(), detector)).or_default() += count;
        }
        report.held.extend(self.held);
        report.keys.extend(self.keys);
        report.persons.extend(self.persons);
        if let Some((path, _)) = &self.plan.cursor {
            report.cursor =
                Some(self.watch.range(self.plan.key.len() + self.plan.asked.len()).observed(path.as_str(), report.cursor.as_ref()));
        }
    }

    /// Reads the object whose bracket is the next byte. What passes is appended without brackets.
    fn object(&mut self, object: &'a ObjectPlan) -> Scan<()> {
        self.reader.open()?;
        let seen = self.seen.len();
        let is_root = seen == 0;
        for at in 0..object.required.len() {
            self.seen.push(if is_root { self.added.get(at).copied().unwrap_or_default() } else { 0 });
        }
        let outer = self.parts.enter(object.parts);
        if is_root {
            self.added_parts.iter().for_each(|(part, token)| self.parts.put(*part, *token));
        }
        let mut guess = object.guesses;
        if self.reader.next()? != b'}' {
            loop {
                self.member(object, seen, &mut guess)?;
                match self.reader.next()? {
                    b',' => self.reader.at += 1,
                    b'}' => break,
                    _ => return Err(Fault::unreadable("a comma or a closing bracket is missing")),
                }
                self.reader.next()?;
            }
        }
        self.reader.close();
        for (at, required) in object.required.iter().enumerate() {
            let missing = required & !self.seen.get(seen + at).copied().unwrap_or_default();
            if missing != 0 {
                let entry = &object.entries[at * 64 + missing.trailing_zeros() as usize];
                return Err(Fault::mismatch(&entry.path, "a value, since the schema requires it", "none"));
            }
        }
        self.seen.truncate(seen);
        if !object.joins.is_empty() {
            self.joined(object);
        }
        self.parts.leave(outer);
        Ok(())
    }

    /// Appends the fields that several fields of the object became.
    fn joined(&mut self, object: &'a ObjectPlan) {
        self.flush();
        for join in &object.joins {
            if self.parts.of(join).next().is_some() {
                self.comma();
                self.out.extend_from_slice(&join.emitted);
                self.parts.write(join, &mut self.scratch, self.out);
            }
        }
    }

    /// Reads a name, its colon and its value. `guess` is the place of the name that is expected, and becomes that of the next one.
    #[inline]
    fn member(&mut self, object: &'a ObjectPlan, seen: usize, guess: &mut usize) -> Scan<()> {
        let start = self.reader.at;
        let guessed = usize::from(self.guesses[*guess]);
        let rest = self.reader.bytes().get(start..).unwrap_or_default();
        let at = match object.entries.get(guessed) {
            Some(entry) if !entry.quoted.is_empty() && rest.starts_with(&entry.quoted) => {
                self.reader.at = start + entry.quoted.len();
                guessed
            }
            _ => match self.unexpected_name(object, *guess)? {
                Some(at) => at,
                None => return Ok(()),
            },
        };
        *guess = object.guesses + at + 1;
        let entry = &object.entries[at];
        self.reader.expect(b':', "a colon is missing after a name")?;
        let compact = self.reader.at - start == entry.quoted.len() + 1;
        let (word, bit) = (seen + at / 64, 1 << (at % 64));
        let known = self.seen.get_mut(word);
        if known.as_ref().is_some_and(|known| **known & bit != 0) {
            if seen == 0 && self.added.get(word).is_some_and(|added| added & bit != 0) {
                // The page adds this field itself: the record's own value gives way.
                return self.reader.skip().map(drop);
            }
            return Err(Fault::repeated(&entry.path));
        }
        if let Some(known) = known {
            *known |= bit;
        }
        self.field(entry, start, compact)
    }

    /// Reads a name that was not expected here. None if nothing declares it: its value is then skipped and noted.
    ///
    /// Undeclared names may repeat: none of their values passes, so no reader can be misled by them.
    #[inline(never)]
    fn unexpected_name(&mut self, object: &'a ObjectPlan, guess: usize) -> Scan<Option<usize>> {
        if self.reader.next()? != b'"' {
            return Err(Fault::unreadable("a name in quotes is missing"));
        }
        let name = self.reader.scalar(b'"')?;
        let found = match name.kind {
            Kind::Text(true) => {
                self.scratch.clear();
                unescape(inside(name.json), &mut self.scratch);
                object.find(self.scratch.as_bytes())
            }
            _ => object.find(inside(name.json).as_bytes()),
        };
        match found {
            Some(at) => self.guesses[guess] = u16::try_from(at).unwrap_or(u16::MAX),
            None => {
                self.reader.expect(b':', "a colon is missing after a name")?;
                self.met.push(Met { place: object.place, name });
                self.reader.skip()?;
            }
        }
        Ok(found)
    }
}

const ONE_A_LINE: &str = "a line holds one JSON object and nothing else";
