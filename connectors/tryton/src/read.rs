//! Streams out of Tryton: page after page by date of change and number, so that no page depends on how many records stood before it.

use hub_sdk::{Error, Output, Source, StreamRequest};
use serde_json::value::RawValue;

use crate::Config;
use crate::erp::{Erp, Further, answered};
use crate::moment::Moment;
use crate::plain::{self, Record};
use crate::streams::{CHANGED_AT, DATES, FLAG, LINE, LINES, STREAMS, Stream};
use crate::window::{Part, Position, State, Window};

/// Reads streams.
pub(crate) struct TrytonSource {
    erp: Erp,
    page_size: u32,
    overlap_seconds: u32,
}

impl Source for TrytonSource {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        if config.page_size == 0 || config.page_size > 5_000 {
            return Err(Error::config("`page_size` must be from 1 to 5000"));
        }
        Ok(Self { erp: Erp::new(&config), page_size: config.page_size, overlap_seconds: config.overlap_seconds })
    }

    fn check(&mut self) -> Result<(), Error> {
        self.erp.clock("party.party").map(|_| ())
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let stream = STREAMS.iter().find(|stream| stream.name == request.name).ok_or_else(|| {
            let known: Vec<&str> = STREAMS.iter().map(|stream| stream.name).collect();
            Error::Config(format!("there is no stream `{}`; there are {}", request.name, known.join(", ")))
        })?;
        let state = request.state::<State>()?.unwrap_or_default();
        let now = self.erp.clock(stream.model)?;
        let paging = Paging::new(self, stream, request)?;
        for window in state.windows(now, self.overlap_seconds) {
            for part in window.parts() {
                paging.read(&window, part, output)?;
            }
            if output.is_full() || output.records() == 0 {
                // A trial run goes on from its last page; without news the old state is as good.
                continue;
            }
            output.checkpoint(&window.done(self.overlap_seconds))?;
        }
        output.flush()
    }
}

/// One stream being read.
struct Paging<'a> {
    source: &'a TrytonSource,
    stream: &'static Stream,
    /// What the flow wants, in the schema's order.
    wanted: Vec<(&'static str, &'static str)>,
    /// Fields of each line. None: the flow wants no lines.
    lines: Option<Vec<(&'static str, &'static str)>>,
    wants_changed_at: bool,
    /// Fields of further modules, and whether the flow wants their values.
    further: Vec<(Further, bool)>,
}

impl<'a> Paging<'a> {
    fn new(source: &'a TrytonSource, stream: &'static Stream, request: &StreamRequest) -> Result<Self, Error> {
        let wanted = stream.fields().chain(DATES).filter(|(name, _)| request.wants(name)).collect();
        let all = request.fields.iter().any(|field| field == LINES);
        let of_line = |name: &str| all || request.wants(&format!("{LINES}.{name}"));
        let has_lines = stream.is_document && request.wants(LINES);
        let lines = has_lines.then(|| LINE.iter().copied().filter(|(name, _)| of_line(name)).collect());
        let further = source.erp.further_fields(stream.model)?.into_iter().filter(|field| !stream.has(&field.name));
        let further = further.map(|field| {
            let wanted = request.wants(&field.name);
            (field, wanted)
        });
        Ok(Self { source, stream, wanted, lines, wants_changed_at: request.wants(CHANGED_AT), further: further.collect() })
    }

    /// Hands over every record of a part. Checkpoints after each page.
    fn read(&self, window: &Window, part: Part, output: &mut Output) -> Result<(), Error> {
        let mut behind = None;
        while !output.is_full() {
            let size = output.remaining().and_then(|rest| u32::try_from(rest).ok()).unwrap_or(u32::MAX).min(self.source.page_size);
            let records = self.page(window, part, behind, size)?;
            for record in &records {
                let position = position(record, part)?;
                if behind.is_some_and(|before| position <= before) {
                    return Err(Error::drift("the server does not keep the order that it was asked for: nothing can be read safely"));
                }
                behind = Some(position);
                self.hand_over(record, position.id, output)?;
            }
            let is_last = u32::try_from(records.len()).is_ok_and(|count| count < size);
            if let Some(position) = behind.filter(|_| !records.is_empty()) {
                output.checkpoint(&window.reached(part, position))?;
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn page(&self, window: &Window, part: Part, behind: Option<Position>, size: u32) -> Result<Vec<Record>, Error> {
        let dates = DATES.iter().filter(|date| !self.wanted.contains(date));
        let of_line = self.lines.iter().flat_map(|fields| fields.iter().map(|(_, path)| *path).chain(["id"]));
        let of_lines: Vec<String> = of_line.map(|path| format!("{LINES}.{path}")).collect();
        let further = self.further.iter().filter(|(_, wanted)| *wanted).map(|(field, _)| field.name.as_str());
        let fields = self.wanted.iter().chain(dates).map(|(_, path)| *path).chain(of_lines.iter().map(String::as_str)).chain(further);
        let request = self.source.erp.search(self.stream.model, &window.domain(part, behind), Some(part.field()), fields, size);
        answered(request.send()?)?.json()
    }

    fn hand_over(&self, record: &Record, id: u64, output: &mut Output) -> Result<(), Error> {
        let out = output.buffer();
        write_fields(record, id, &self.wanted, out)?;
        if let (Some(fields), Some(lines)) = (&self.lines, record.get(LINES)) {
            write_lines(lines, fields, out)?;
        }
        for (field, wanted) in &self.further {
            // Of what nobody asked for the gate learns the name: the value stays where it is.
            let value = if *wanted { record.get(&field.name).map(AsRef::as_ref) } else { Some(RawValue::NULL) };
            let Some(value) = value else { continue };
            out.extend_from_slice(format!(",\"{}\":", field.name).as_bytes());
            if field.is_flag() { plain::write_flag(value, out)? } else { plain::write(value, out)? }
        }
        if self.wants_changed_at {
            let changed = moment(record, "write_date")?.or(moment(record, "create_date")?);
            out.extend_from_slice(format!(",\"{CHANGED_AT}\":").as_bytes());
            plain::write_text(&changed.ok_or_else(no_dates)?.to_string(), out)?;
        }
        out.extend_from_slice(b"}\n");
        output.wrote(1)
    }
}

/// The beginning of an object: its number and its fields.
fn write_fields(record: &Record, id: u64, fields: &[(&str, &str)], out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend_from_slice(format!("{{\"id\":{id}").as_bytes());
    for (name, path) in fields {
        // A field that the key's user may not read is missing.
        let Some(value) = value_at(record, path)? else { continue };
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        if *name == FLAG { plain::write_flag(&value, out)? } else { plain::write(&value, out)? }
    }
    Ok(())
}

/// The lines of a document, in its order.
fn write_lines(lines: &RawValue, fields: &[(&str, &str)], out: &mut Vec<u8>) -> Result<(), Error> {
    let lines: Vec<Record> = serde_json::from_str(lines.get()).map_err(|_| Error::drift("`lines` holds no list of records"))?;
    out.extend_from_slice(format!(",\"{LINES}\":[").as_bytes());
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_fields(line, number(line)?, fields, out)?;
        out.push(b'}');
    }
    out.push(b']');
    Ok(())
}

fn number(record: &Record) -> Result<u64, Error> {
    record.get("id").and_then(|id| id.get().parse().ok()).ok_or_else(|| Error::drift("a record has no number in `id`"))
}

/// The value at `field` or `link.field`; null where the link leads nowhere, none where the record lacks the field.
fn value_at(record: &Record, path: &str) -> Result<Option<Box<RawValue>>, Error> {
    let Some((link, field)) = path.split_once('.') else { return Ok(record.get(path).cloned()) };
    let Some(value) = record.get(link) else { return Ok(None) };
    let linked: Option<Record> =
        serde_json::from_str(value.get()).map_err(|_| Error::SchemaDrift(format!("`{link}` holds no linked record")))?;
    match linked {
        Some(linked) => Ok(linked.get(field).cloned()),
        None => Ok(Some(value.clone())),
    }
}

fn position(record: &Record, part: Part) -> Result<Position, Error> {
    Ok(Position { moment: moment(record, part.field())?.ok_or_else(no_dates)?, id: number(record)? })
}

/// A date of change; none if it is null or not there.
fn moment(record: &Record, field: &str) -> Result<Option<Moment>, Error> {
    match record.get(field).map(|value| value.get()).filter(|json| *json != "null") {
        None => Ok(None),
        Some(json) => Moment::from_tryton(json).map(Some).ok_or_else(|| Error::SchemaDrift(format!("`{field}` holds no date"))),
    }
}

fn no_dates() -> Error {
    Error::config("the records come without `create_date` and `write_date`: the user of the key must be allowed to read both")
}
