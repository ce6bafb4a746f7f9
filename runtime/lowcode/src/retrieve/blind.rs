//! The blind path: records go from the response to the gate without entering the sandbox. Says whether a stream can take it, and why not;
//! and says of each page where its records are.

use crate::fault::Failure;
use crate::host::{PageOutcome, PageRequest};
use crate::model::decoder::Decoder;
use crate::model::error::{Backoff, ErrorHandler};
use crate::model::paginator::{Paginator, Strategy};
use crate::model::retriever::{Retriever, SimpleRetriever};
use crate::model::selector::Extractor;
use crate::model::stream::Stream;
use crate::model::text::Text;
use crate::model::transformation::Transformation;
use crate::retrieve::answer::{Answer, pointer};
use crate::retrieve::dpath;
use crate::retrieve::error::Trouble;
use crate::retrieve::failure::{system, template};
use crate::retrieve::transform::cast;
use crate::slice::Slice;
use crate::template::{Scope, Step, Types, Use};
use crate::value::{Dict, Value};

/// Why a stream's records enter the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where in the manifest.
    pub path: String,
    /// Why, in words.
    pub message: String,
}

/// How a stream's records get to the gate.
#[derive(Clone, Debug)]
pub struct Blind {
    /// The number of the stream at the host.
    pub stream: u32,
    path: Vec<String>,
    constants: Vec<(String, Text, Types)>,
    observe: Vec<String>,
    last_record: Vec<String>,
}

impl Blind {
    /// A plan for a stream; `observe` are fields whose values are wanted.
    ///
    /// # Errors
    /// Why there is none.
    pub fn new(model: &Stream, stream: u32, observe: &[String]) -> Result<Self, Vec<Reason>> {
        let mut reasons = Reasons { path: &model.path, found: Vec::new() };
        let Retriever::Simple(retriever) = &model.retriever else {
            reasons.add("retriever", "records come through jobs, whose files are read in the sandbox");
            return Err(reasons.found);
        };
        if model.incremental.as_ref().is_some_and(|cursor| cursor.is_data_feed()) {
            reasons.add("incremental_sync.is_data_feed", "each record is compared with the cursor to find where to stop");
        }
        if model.incremental.as_ref().is_some_and(|cursor| cursor.is_client_side_incremental()) {
            reasons.add("incremental_sync.is_client_side_incremental", "each record is compared with the cursor to drop old ones");
        }
        if model.incremental.as_ref().is_some_and(|cursor| !cursor.orders_as_written()) {
            reasons.add("incremental_sync", "the cursor's values are dates whose order is not that of their texts");
        }
        let path = records_path(retriever, &mut reasons);
        let constants = constants(&model.transformations, &mut reasons);
        let last_record = paging(retriever, &path, &mut reasons);
        judging(retriever, &path, &mut reasons);
        if !reasons.found.is_empty() {
            return Err(reasons.found);
        }
        let mut all: Vec<String> = observe.to_vec();
        all.extend(last_record.iter().filter(|field| !observe.contains(field)).cloned());
        Ok(Self { stream, path, constants, observe: all, last_record })
    }

    /// Fields that are added to each record.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.constants.iter().map(|(name, ..)| name.as_str())
    }

    /// Fields whose values the engine wants to know.
    pub fn observed(&self) -> impl Iterator<Item = &str> {
        self.observe.iter().map(String::as_str)
    }

    /// What becomes of a page's records.
    ///
    /// # Errors
    /// A constant's template fails.
    pub fn page(&self, slice: &Slice, scope: &Scope) -> Result<PageRequest, Failure> {
        let scope = slice.bind(scope);
        let mut constants: Vec<(String, Value)> = Vec::with_capacity(self.constants.len());
        for (name, text, types) in &self.constants {
            let value = text.evaluate_as(&scope, *types).map_err(|error| template("an added field's `value`", &error))?;
            constants.retain(|(known, _)| known != name);
            constants.push((name.clone(), value));
        }
        Ok(PageRequest { pointer: pointer(&self.path), constants, observe: self.observe.clone() })
    }

    /// A list where the manifest has an object would be read otherwise than the manifest means.
    ///
    /// # Errors
    /// It is one.
    pub fn check(&self, answer: &Answer, outcome: &PageOutcome) -> Result<(), Trouble> {
        if outcome.extracted == 0 && !self.path.is_empty() && answer.response().length("")?.is_some_and(|length| length > 0) {
            return Err(system("the response is a list; the manifest expects an object that holds the records").into());
        }
        Ok(())
    }

    /// The last record, as far as templates read it; none if there was no record.
    #[must_use]
    pub fn last_record(&self, request: &PageRequest, outcome: &PageOutcome) -> Value {
        if outcome.extracted == 0 {
            return Value::None;
        }
        let mut record: Dict = request.constants.iter().map(|(name, value)| (name.as_str().into(), value.clone())).collect();
        for (field, observed) in request.observe.iter().zip(&outcome.observed) {
            if self.last_record.contains(field)
                && let Some(value) = &observed.last
            {
                record.insert(field.as_str().into(), value.clone());
            }
        }
        Value::dict(record)
    }
}

struct Reasons<'m> {
    path: &'m str,
    found: Vec<Reason>,
}

impl Reasons<'_> {
    fn add(&mut self, place: &str, message: impl Into<String>) {
        self.found.push(Reason { path: format!("{}.{place}", self.path), message: message.into() });
    }
}

fn records_path(retriever: &SimpleRetriever, reasons: &mut Reasons<'_>) -> Vec<String> {
    const SELECTOR: &str = "retriever.record_selector";
    if retriever.decoder != Decoder::Json {
        reasons.add("retriever.decoder", "the response is no plain JSON");
    }
    if retriever.record_selector.filter.is_some() {
        reasons.add(&format!("{SELECTOR}.record_filter"), "a condition looks into each record");
    }
    if retriever.record_selector.normalize {
        reasons.add(&format!("{SELECTOR}.schema_normalization"), "each record's values are brought to the schema's types");
    }
    if retriever.pagination_reset.is_some() {
        reasons.add("retriever.pagination_reset", "records are counted and compared to find where the pages begin anew");
    }
    if retriever.requester.query_properties.as_ref().is_some_and(|properties| properties.chunking.is_some()) {
        reasons.add("retriever.requester", "records come in parts that are put together");
    }
    let extractor = format!("{SELECTOR}.extractor");
    match &retriever.record_selector.extractor {
        Extractor::Path { expander: Some(_), .. } => reasons.add(&extractor, "each record is taken apart into several"),
        Extractor::Combined { .. } => reasons.add(&extractor, "records are looked for in several ways"),
        Extractor::File { .. } => reasons.add(&extractor, "records are rows of a file"),
        Extractor::Path { path, expander: None } => {
            if path.iter().any(|step| !step.is_constant()) {
                reasons.add(&extractor, "where the records are is a template");
            }
            let path: Vec<String> = path.iter().map(|step| step.source().to_owned()).collect();
            if path.iter().any(|step| dpath::is_pattern(step)) {
                reasons.add(&extractor, "where the records are is a pattern, in several places at once");
            }
            return path;
        }
    }
    Vec::new()
}

fn constants(transformations: &[Transformation], reasons: &mut Reasons<'_>) -> Vec<(String, Text, Types)> {
    let mut constants = Vec::new();
    for (index, transformation) in transformations.iter().enumerate() {
        let place = format!("transformations.{index}");
        let Transformation::AddFields { fields, condition: None } = transformation else {
            reasons.add(&place, "each record is changed");
            continue;
        };
        for field in fields {
            if field.value.uses().iter().any(|one| one.root == "record") {
                reasons.add(&place, "an added field's value is made from the record");
                break;
            }
            match field.path.as_slice() {
                [name] => constants.push((name.source().to_owned(), field.value.clone(), field.value_type.map_or(Types::ANY, cast))),
                _ => {
                    reasons.add(&place, "a field is added inside of another");
                    break;
                }
            }
        }
    }
    constants
}

/// Fields of the last record that the pagination reads.
fn paging(retriever: &SimpleRetriever, path: &[String], reasons: &mut Reasons<'_>) -> Vec<String> {
    let Paginator::Default(paginator) = &retriever.paginator else { return Vec::new() };
    let texts: Vec<&Text> = match &paginator.strategy {
        Strategy::Cursor { cursor_value, stop_condition, .. } => std::iter::once(cursor_value).chain(stop_condition).collect(),
        Strategy::Offset { page_size, .. } => page_size.iter().collect(),
        Strategy::Page { .. } => Vec::new(),
    };
    let mut fields: Vec<String> = Vec::new();
    for one in texts.iter().flat_map(|text| text.uses()) {
        match one.root.as_str() {
            "response" => response_use(one, path, "retriever.paginator", reasons),
            "last_record" => match one.steps.as_slice() {
                [] if !one.whole => {}
                [Step::Key(field)] if !one.whole => fields.push(field.clone()),
                [Step::Key(data), Step::Key(field)] if !one.whole && data == "data" => fields.push(field.clone()),
                _ => reasons.add("retriever.paginator", "the next page's token is made from more than a simple field of the last record"),
            },
            _ => {}
        }
    }
    fields.dedup();
    fields
}

fn judging(retriever: &SimpleRetriever, path: &[String], reasons: &mut Reasons<'_>) {
    if let Some(handler) = &retriever.requester.error_handler {
        judging_by(handler, path, reasons);
    }
}

fn judging_by(handler: &ErrorHandler, path: &[String], reasons: &mut Reasons<'_>) {
    const PLACE: &str = "retriever.requester.error_handler";
    match handler {
        ErrorHandler::Composite(handlers) => handlers.iter().for_each(|handler| judging_by(handler, path, reasons)),
        ErrorHandler::Default(handler) => {
            if handler.filters.iter().any(|filter| filter.error_message_contains.is_some()) {
                reasons.add(PLACE, "a response filter searches the texts of each response");
            }
            let predicates = handler.filters.iter().filter_map(|filter| filter.predicate.as_ref());
            let waits = handler.backoff.iter().filter_map(|backoff| match backoff {
                Backoff::Response { seconds, .. } => Some(seconds),
                _ => None,
            });
            for one in predicates.chain(waits).flat_map(|text| text.uses()).filter(|one| one.root == "response") {
                response_use(one, path, PLACE, reasons);
            }
        }
    }
}

fn response_use(one: &Use, records: &[String], place: &str, reasons: &mut Reasons<'_>) {
    let keys: Option<Vec<&str>> = one
        .steps
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    let Some(keys) = keys else {
        reasons.add(place, "a template reaches into a list of the response");
        return;
    };
    let shared = keys.iter().zip(records).take_while(|(key, step)| **key == step.as_str()).count();
    if records.is_empty() {
        reasons.add(place, "a template reads the response, which is the records themselves");
    } else if keys.is_empty() {
        reasons.add(place, "a template reads the response as a whole");
    } else if shared == records.len() && keys.len() > records.len() {
        reasons.add(place, "a template reads from the records");
    } else if shared == keys.len() && (one.whole || keys.len() < records.len()) {
        reasons.add(place, "a template reads a part of the response that holds the records");
    } else if one.whole {
        reasons.add(place, format!("a template reads all of `{}` in the response", keys.join(".")));
    }
}
