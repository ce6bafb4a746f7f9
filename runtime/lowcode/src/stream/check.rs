//! Whether the streams that the manifest names can be reached: the first record of the first slice of each.

use std::collections::HashMap;

use crate::fault::Failure;
use crate::host::Host;
use crate::model::source::Check;
use crate::model::stream::AnyStream;
use crate::stream::{Connector, Session, dynamic, records};
use crate::value::Dict;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All streams asked for can be reached.
    Reached,
    /// Why not.
    Unreached(String),
}

impl Connector {
    /// Checks the connection.
    ///
    /// # Errors
    /// [`Failure::Ended`]; whatever else goes wrong is a verdict.
    pub fn check(&self, host: &dyn Host) -> Result<Verdict, Failure> {
        let session = self.session(host)?;
        let reached = match &self.source().check {
            Check::Streams { names, dynamic } => self.check_names(names, dynamic, &session),
            Check::Dynamic { count, use_availability } => {
                let count = usize::try_from(*count).unwrap_or(0);
                self.check_first(count, *use_availability, &session)
            }
        };
        match reached {
            Ok(verdict) => Ok(verdict),
            Err(Failure::Ended) => Err(Failure::Ended),
            Err(Failure::Stream { message, .. }) => Ok(Verdict::Unreached(message)),
        }
    }

    fn check_names(&self, names: &[String], wanted: &[(String, Option<i64>)], session: &Session<'_>) -> Result<Verdict, Failure> {
        for name in names {
            let stream = self.stream(name, session)?;
            if let Some(reason) = self.unreached(&stream, session)? {
                return Ok(Verdict::Unreached(reason));
            }
        }
        if wanted.is_empty() {
            return Ok(Verdict::Reached);
        }
        let mut made: HashMap<String, Vec<AnyStream>> = HashMap::new();
        for (template, stream) in dynamic::resolve(self, session)? {
            made.entry(template).or_default().push(stream);
        }
        for (template, count) in wanted {
            let known = self.source().dynamic_streams.iter().any(|dynamic| dynamic.name == *template);
            if !known && !made.contains_key(template) {
                return Ok(Verdict::Unreached(format!("there are no dynamic streams named `{template}`")));
            }
            let streams = made.get(template).map(Vec::as_slice).unwrap_or_default();
            let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(streams.len());
            for stream in streams.iter().take(count) {
                if let Some(reason) = self.unreached(stream, session)? {
                    return Ok(Verdict::Unreached(reason));
                }
            }
        }
        Ok(Verdict::Reached)
    }

    fn check_first(&self, count: usize, availability: bool, session: &Session<'_>) -> Result<Verdict, Failure> {
        let streams = self.streams(session)?;
        if streams.is_empty() {
            return Ok(Verdict::Unreached("there are no streams to reach".to_owned()));
        }
        for stream in streams.iter().take(if availability { count } else { 0 }) {
            if let Some(reason) = self.unreached(stream, session)? {
                return Ok(Verdict::Unreached(reason));
            }
        }
        Ok(Verdict::Reached)
    }

    /// Why a stream cannot be reached; none if it can, be it empty.
    fn unreached(&self, stream: &AnyStream, session: &Session<'_>) -> Result<Option<String>, Failure> {
        let name = stream.name();
        let first = self.begin(stream, &Dict::new(), session).and_then(|mut reading| {
            let Some(work) = reading.next(&session.world)? else { return Ok(false) };
            records::reach(&reading, &work, session)?;
            Ok(true)
        });
        match first {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(format!("stream `{name}` has no slices to read"))),
            Err(Failure::Ended) => Err(Failure::Ended),
            Err(Failure::Stream { message, .. }) => Ok(Some(format!("stream `{name}` cannot be reached: {message}"))),
        }
    }
}
