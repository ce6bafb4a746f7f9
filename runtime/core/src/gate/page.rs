//! Records out of a page: the array or object under a pointer of one JSON text, straight from its bytes.
//!
//! The whole text is checked, also around the records. What the page's connector may add and learn is bounded here.

use super::fault::{Fault, Scan};
use super::json::{Kind, Reader};
use super::plan::{Entry, FieldPlan, NodePlan};
use super::scan::{MAX_RECORD_BYTES, Mode, Scanner};
use super::{Observed, ScanReport, Stop};
use crate::treat::Treatment;

/// The greatest number of fields that a page adds to its records.
pub const MAX_CONSTANTS: usize = 32;
/// The greatest number of fields that a page's connector observes.
pub const MAX_OBSERVED: usize = 16;

/// What became of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageOutcome {
    /// Records found under the pointer, passed or not.
    pub extracted: u32,
    /// What was seen of the fields in passing records, in the order of the request.
    pub observed: Vec<Observed>,
}

impl FieldPlan {
    /// True for what a page's connector may observe: a declared, non-personal scalar outside arrays.
    #[must_use]
    pub fn is_observable(&self, field: &str) -> bool {
        self.leaves.get(field).is_some_and(|leaf| !leaf.personal && !leaf.many)
    }

    /// Passes the records of a page: the elements of the array, or the one object, under an RFC 6901 pointer. Nothing or `null` there: no record.
    ///
    /// `constants` are added to each record as if they stood in it: a declared top-level field and the JSON text of a scalar; a field of the
    /// same name in the record gives way. `observe` names what [`FieldPlan::is_observable`].
    ///
    /// # Errors
    /// The body is not one JSON text, a constant or observation is not possible, or a record ends the batch. `out` and `report` are then as before.
    pub fn scan_page(
        &self,
        body: &[u8],
        pointer: &str,
        constants: &[(String, String)],
        observe: &[String],
        out: &mut Vec<u8>,
        report: &mut ScanReport,
    ) -> Result<PageOutcome, Stop> {
        let refuse = |fault: Fault| fault.stop(0);
        let steps = steps(pointer).map_err(refuse)?;
        let text = simdutf8::basic::from_utf8(body).map_err(|_| refuse(Fault::unreadable("the page is not UTF-8")))?;
        let start = out.len();
        let mut page = Page { scanner: Scanner::new(self, Mode::Usual, text, out, report), constants, found: false };
        let prepared = page.observe(observe).and_then(|first| page.add().map(|()| first));
        let read = prepared.map_err(refuse).and_then(|first| {
            page.value(&steps)?;
            page.end()?;
            Ok(first)
        });
        match read {
            Ok(first) => Ok(page.outcome(observe, first, report)),
            Err(stop) => {
                out.truncate(start);
                Err(stop)
            }
        }
    }
}

struct Page<'a, 'o> {
    scanner: Scanner<'a, 'o>,
    constants: &'a [(String, String)],
    /// The pointer's place was met.
    found: bool,
}

impl<'a> Page<'a, '_> {
    /// Adds a slot for each observed field; returns the first one.
    fn observe(&mut self, fields: &[String]) -> Scan<usize> {
        if fields.len() > MAX_OBSERVED {
            return Err(Fault::unreadable(format!("more than {MAX_OBSERVED} fields are to be observed")));
        }
        let plan = self.scanner.plan;
        for field in fields {
            match plan.leaves.get(field) {
                Some(leaf) if !leaf.personal && !leaf.many => self.scanner.watch.add(leaf.id),
                Some(leaf) => {
                    let reason = if leaf.personal { "may be personal" } else { "has no single value" };
                    return Err(Fault::undeclared(field.clone(), format!("`{field}` cannot be observed: it {reason}")));
                }
                None => return Err(Fault::undeclared(field.clone(), format!("`{field}` cannot be observed: nothing declares it"))),
            };
        }
        Ok(plan.key.len() + plan.asked.len() + usize::from(plan.cursor.is_some()))
    }

    /// Checks and treats the fields that the page adds, once for all records.
    fn add(&mut self) -> Scan<()> {
        let constants = self.constants;
        if constants.len() > MAX_CONSTANTS {
            return Err(Fault::unreadable(format!("a page adds more than {MAX_CONSTANTS} fields")));
        }
        for (path, json) in constants {
            let root = &self.scanner.plan.root;
            let Some((at, entry)) = root.find(path.as_bytes()).and_then(|at| Some((at, root.entries.get(at)?))) else {
                return Err(Fault::undeclared(
                    path.clone(),
                    format!("`{path}` cannot be added: nothing declares it at the top of a record"),
                ));
            };
            let NodePlan::Leaf(leaf) = &entry.node else {
                return Err(Fault::mismatch(path, "a declared scalar, since a page adds nothing else", "an object or array"));
            };
            let token = scalar(json)?;
            let bit = 1 << (at % 64);
            if self.scanner.added[at / 64] & bit != 0 {
                return Err(Fault::repeated(path));
            }
            self.scanner.added[at / 64] |= bit;
            let mut scratch = String::new();
            if let Some(check) = &leaf.check
                && check.broken(&token, &mut scratch).is_some()
            {
                return Err(Fault::mismatch(path, check.expected(), "a constant that its schema does not permit"));
            }
            if let Some(look) = &leaf.look
                && let Some(sight) = look.at(&token, None, &mut scratch, &mut self.scanner.hits)
            {
                self.scanner.added_sights.push((&entry.path, sight));
            }
            self.scanner.added_values.push((leaf.id, token));
            if let Some(part) = leaf.part {
                self.scanner.added_parts.push((part, token));
            }
            if let Some(treatment) = &leaf.treatment {
                self.append(entry, treatment, token, &mut scratch)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, entry: &Entry, treatment: &Treatment, token: super::json::Token<'_>, scratch: &mut String) -> Scan<()> {
        let prelude = &mut self.scanner.prelude;
        if !prelude.is_empty() {
            prelude.push(b',');
        }
        prelude.extend_from_slice(&entry.emitted);
        let text = if token.kind == Kind::Null { None } else { Some(token.text(scratch)) };
        let applied = treatment.apply(token.json, text, prelude);
        applied.map_err(|unfit| Fault::mismatch(&entry.path, unfit.0, "a constant that is none"))
    }

    /// Reads the value that begins here, on the way to the pointer's place.
    fn value(&mut self, steps: &[String]) -> Result<(), Stop> {
        let Some((step, rest)) = steps.split_first() else {
            self.found = true;
            return self.records();
        };
        match self.tried(|page| page.scanner.reader.next())? {
            b'{' => self.members(step, rest),
            b'[' => self.elements(step, rest),
            _ => self.skip(),
        }
    }

    fn members(&mut self, step: &str, rest: &[String]) -> Result<(), Stop> {
        let mut scratch = String::new();
        let mut met = false;
        self.tried(|page| page.scanner.reader.open())?;
        let mut closed = self.tried(|page| page.scanner.reader.next())? == b'}';
        while !closed {
            let name = self.tried(|page| page.scanner.reader.member_name())?;
            if name.text(&mut scratch) != step {
                self.skip()?;
            } else if met {
                // Other names may repeat: nothing under them is read.
                return Err(self.end_with(Fault::unreadable("a name on the pointer's way stands twice")));
            } else {
                met = true;
                self.value(rest)?;
            }
            closed = self.more(b'}')?;
        }
        self.scanner.reader.close();
        Ok(())
    }

    fn elements(&mut self, step: &str, rest: &[String]) -> Result<(), Stop> {
        let wanted = if step.len() > 1 && step.starts_with('0') { None } else { step.parse::<u64>().ok() };
        let mut at = 0;
        self.tried(|page| page.scanner.reader.open())?;
        let mut closed = self.tried(|page| page.scanner.reader.next())? == b']';
        while !closed {
            if Some(at) == wanted {
                self.value(rest)?
            } else {
                self.skip()?
            }
            at += 1;
            closed = self.more(b']')?;
        }
        self.scanner.reader.close();
        Ok(())
    }

    /// Reads the value at the pointer's place.
    fn records(&mut self) -> Result<(), Stop> {
        match self.tried(|page| page.scanner.reader.next())? {
            b'{' => self.record(),
            b'[' => {
                self.tried(|page| page.scanner.reader.open())?;
                let mut closed = self.tried(|page| page.scanner.reader.next())? == b']';
                while !closed {
                    self.record()?;
                    closed = self.more(b']')?;
                }
                self.scanner.reader.close();
                Ok(())
            }
            b'n' => self.skip(),
            _ => {
                self.skip()?;
                Err(self.end_with(Fault::unreadable("the pointer leads to a scalar, not to records")))
            }
        }
    }

    fn record(&mut self) -> Result<(), Stop> {
        self.tried(|page| page.scanner.reader.next())?;
        let (mark, start, depth) = (self.scanner.out_length(), self.scanner.reader.at, self.scanner.reader.depth);
        self.scanner.records += 1;
        let read = self.scanner.record().and_then(|()| self.within_limit(start));
        let Err(fault) = read else {
            let record = self.scanner.reader.slice(start, self.scanner.reader.at);
            return self.scanner.accept(mark, record, self.constants);
        };
        self.scanner.roll_back(mark);
        // The page goes on behind the record, unless its text is broken there: then nothing tells where the next one begins.
        (self.scanner.reader.at, self.scanner.reader.depth) = (start, depth);
        match self.scanner.reader.skip() {
            Ok(_) => self.scanner.leave_out(fault),
            Err(fault) => Err(self.end_with(fault)),
        }
    }

    fn within_limit(&self, start: usize) -> Scan<()> {
        if self.scanner.reader.at - start > MAX_RECORD_BYTES {
            return Err(Fault::unreadable(format!("the record is longer than {MAX_RECORD_BYTES} bytes")));
        }
        Ok(())
    }

    /// After a member or element: true at the closing bracket, false after a comma.
    fn more(&mut self, closing: u8) -> Result<bool, Stop> {
        match self.tried(|page| page.scanner.reader.next())? {
            b',' => self.scanner.reader.at += 1,
            byte if byte == closing => return Ok(true),
            _ => return Err(self.end_with(Fault::unreadable("a comma or a closing bracket is missing"))),
        }
        Ok(false)
    }

    fn skip(&mut self) -> Result<(), Stop> {
        self.tried(|page| page.scanner.reader.skip()).map(drop)
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.tried(|page| page.scanner.reader.expect_end("a page is one JSON text and nothing else"))
    }

    fn tried<T>(&mut self, read: impl FnOnce(&mut Self) -> Scan<T>) -> Result<T, Stop> {
        read(self).map_err(|fault| self.end_with(fault))
    }

    /// The page cannot be read further, whatever the flow does with single records.
    fn end_with(&self, fault: Fault) -> Stop {
        fault.stop(self.scanner.records)
    }

    fn outcome(self, observe: &[String], first: usize, report: &mut ScanReport) -> PageOutcome {
        let slots = observe.iter().enumerate();
        let observed = slots.map(|(at, field)| self.scanner.watch.range(first + at).observed(field, None)).collect();
        let extracted = u32::try_from(self.scanner.records).unwrap_or(u32::MAX);
        self.scanner.finish(report);
        PageOutcome { extracted, observed }
    }
}

/// The parts of an RFC 6901 pointer.
fn steps(pointer: &str) -> Scan<Vec<String>> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let malformed = || Fault::unreadable("the pointer is not one of RFC 6901");
    let unescaped = |step: &str| {
        let sound = step.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        sound.then(|| step.replace("~1", "/").replace("~0", "~")).ok_or_else(malformed)
    };
    pointer.strip_prefix('/').ok_or_else(malformed)?.split('/').map(unescaped).collect()
}

/// The scalar that a constant's text is.
fn scalar(json: &str) -> Scan<super::json::Token<'_>> {
    let mut reader = Reader::new(json);
    let token = reader.skip()?;
    if matches!(token.kind, Kind::Object | Kind::Array) {
        return Err(Fault::unreadable("a page adds scalars only"));
    }
    reader.expect_end("a constant is one JSON scalar and nothing else").map(|()| token)
}
