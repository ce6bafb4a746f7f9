//! Issues into a tracker: added, or found by a key and changed. The tracker itself leaves alone what would change nothing.
//!
//! Of what is found only the number comes in here, never an issue's content.

use std::collections::BTreeMap;

use hub_sdk::http::{Method, Request, Response};
use hub_sdk::{Batch, Destination, Error, Mode, Report, RowError, Target};
use serde_json::{Map, Value};

use crate::{Config, ISSUE, paging};

/// The text of a key has at most so many bytes: it becomes part of an address.
const MAX_KEY_BYTES: usize = 512;
/// What the classic tracker lets one write.
const FIELDS: [&str; 7] = ["title", "status", "priority", "assignedto", "nosy", "keyword", "superseder"];

/// Writes streams.
pub(crate) struct RoundupDestination {
    tracker: Tracker,
    targets: BTreeMap<u32, Written>,
}

/// Where requests that change something go.
struct Tracker {
    /// Ends with `/`.
    base_url: String,
    credential: String,
    origin: String,
}

struct Written {
    /// None: every record is added.
    key: Option<String>,
    fields: Vec<String>,
    /// Key and report of the last batch: delivered again, it is not added again.
    last: Option<(String, Report)>,
}

/// A record of a batch.
struct Row {
    /// Text of the key; none where there is no key.
    key: Option<String>,
    values: Map<String, Value>,
}

/// Why the tracker or this code did not take a row.
type Refused = &'static str;

impl Destination for RoundupDestination {
    type Config = Config;

    fn check(config: Config) -> Result<(), Error> {
        <crate::Roundup as hub_sdk::Source>::check(&mut <crate::Roundup as hub_sdk::Source>::open(config)?)
    }

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        let known: Vec<&str> = FIELDS.into_iter().chain(config.extra_fields.iter().map(String::as_str)).collect();
        if let Some(odd) = config.extra_fields.iter().find(|name| !is_property(name)) {
            return Err(Error::Config(format!("`extra_fields`: `{odd}` is no name of a property")));
        }
        let targets = targets.into_iter().map(|target| Ok((target.index, Written::of(target, &known)?)));
        Ok(Self { targets: targets.collect::<Result<_, Error>>()?, tracker: Tracker::new(&config) })
    }

    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        let tracker = &self.tracker;
        let stream =
            self.targets.get_mut(&target).ok_or_else(|| Error::Permanent(format!("no stream was opened with the index {target}")))?;
        if let Some((_, report)) = stream.last.as_ref().filter(|(last, _)| last == key) {
            return Ok(report.clone());
        }
        let mut report = Report::default();
        for (number, line) in (0_u32..).zip(batch.lines()) {
            let taken = match stream.row(line) {
                Ok(row) => tracker.put(stream.key.as_deref(), &row)?,
                Err(code) => Err(code),
            };
            match taken {
                Ok(()) => report.written += 1,
                Err(code) => report.failed.push(RowError { row: number, code: code.into() }),
            }
        }
        stream.last = Some((key.to_owned(), report.clone()));
        Ok(report)
    }

    /// What was answered is committed.
    fn flush(&mut self, _target: u32) -> Result<(), Error> {
        Ok(())
    }
}

impl Written {
    fn of(target: Target, known: &[&str]) -> Result<Self, Error> {
        let wrong = |text: String| Err(Error::Config(format!("the stream `{}`: {text}", target.name)));
        if target.name != "issues" {
            return wrong("only issues can be written".into());
        }
        let key = match (target.mode, target.primary_key.as_slice()) {
            (Mode::Append, _) => None,
            (Mode::Upsert, [key]) => Some(key.clone()),
            (Mode::Upsert, keys) => {
                return wrong(format!(
                    "the primary key must be one field that passes, and has {}: name it in the source's stream",
                    keys.len()
                ));
            }
            (Mode::Replace, _) => return wrong("a tracker's issues cannot be replaced as a whole; use the mode append or upsert".into()),
        };
        if let Some(unknown) = target.fields.iter().find(|field| !known.contains(&field.name.as_str())) {
            return wrong(format!(
                "there is no field `{}` to write; there are {}, and properties of your own go into `extra_fields`",
                unknown.name,
                known.join(", ")
            ));
        }
        let fields = target.fields.into_iter().map(|field| field.name).collect();
        Ok(Self { key, fields, last: None })
    }

    fn row(&self, line: &[u8]) -> Result<Row, Refused> {
        let values: Map<String, Value> = serde_json::from_slice(line).map_err(|_| "not-a-json-object")?;
        if values.keys().any(|name| !self.fields.contains(name)) {
            return Err("unknown-field");
        }
        let Some(field) = &self.key else { return Ok(Row { key: None, values }) };
        let key = match values.get(field).unwrap_or(&Value::Null) {
            Value::String(text) if text.trim().is_empty() => return Err("no-key"),
            Value::String(text) if text.len() > MAX_KEY_BYTES => return Err("key-too-long"),
            Value::String(text) => text.clone(),
            Value::Null => return Err("no-key"),
            _ => return Err("wrong-type"),
        };
        Ok(Row { key: Some(key), values })
    }
}

impl Tracker {
    fn new(config: &Config) -> Self {
        let slash = if config.base_url.ends_with('/') { "" } else { "/" };
        let base_url = format!("{}{slash}", config.base_url);
        let host = base_url.find("://").map_or(0, |at| at + 3);
        let end = base_url.get(host..).and_then(|rest| rest.find('/')).map_or(base_url.len(), |at| host + at);
        Self { origin: base_url.get(..end).unwrap_or_default().to_owned(), base_url, credential: config.credential.clone() }
    }

    /// One request at a time: a tracker on SQLite was seen to answer several at once with status 500.
    fn put(&self, field: Option<&str>, row: &Row) -> Result<Result<(), Refused>, Error> {
        let ids = match (field, &row.key) {
            (Some(field), Some(key)) => self.find(field, key)?,
            _ => Vec::new(),
        };
        match ids.as_slice() {
            [] => Ok(taken(self.changing(Method::Post, "").json(&row.values)?.send()?)?.map(|_| ()).ok_or("refused")),
            [id] => self.change(id, &row.values),
            _ => Ok(Err("ambiguous-key")),
        }
    }

    /// The numbers of issues with this key. Two are enough to know that it names none.
    fn find(&self, field: &str, key: &str) -> Result<Vec<String>, Error> {
        // A colon behind the name: the whole text, not a part of it.
        let search = self.request(Method::Get, "").query("@page_size", 2).query("@verbose", 0).query(&format!("{field}:"), key);
        let response = search.send_for_success()?;
        let count = response.length(paging::RECORDS)?;
        let count =
            count.ok_or_else(|| Error::drift("the answer holds no list of records: is `base_url` the address of a Roundup tracker?"))?;
        let id = |index: u32| response.pointer::<Number>(&format!("{}/{index}/id", paging::RECORDS));
        let ids =
            (0..count.min(2)).map(|index| id(index)?.and_then(Number::text).ok_or_else(|| Error::drift("an issue has no number in `id`")));
        ids.collect()
    }

    /// Changes an issue as it is now: if somebody else is faster, once more.
    fn change(&self, id: &str, values: &Map<String, Value>) -> Result<Result<(), Refused>, Error> {
        for _ in 0..2 {
            let item = self.request(Method::Get, id).query("@verbose", 0).send()?;
            if matches!(item.status(), 404 | 410) {
                return Ok(Err("refused"));
            }
            let tag = item
                .success()?
                .header("etag")
                .ok_or_else(|| Error::drift("the tracker sends no ETag with an issue: is it Roundup 2.4 or later?"))?;
            let response = self.changing(Method::Put, id).header("if-match", tag).json(values)?.send()?;
            if response.status() != 412 {
                return Ok(taken(response)?.map(|_| ()).ok_or("refused"));
            }
        }
        Err(Error::transient("an issue is being changed by somebody else again and again"))
    }

    /// What the tracker wants to see before it believes that no other site sent the request.
    fn changing(&self, method: Method, id: &str) -> Request {
        self.request(method, id)
            .header("origin", self.origin.as_str())
            .header("referer", self.base_url.as_str())
            .header("x-requested-with", "rest")
    }

    fn request(&self, method: Method, id: &str) -> Request {
        let slash = if id.is_empty() { "" } else { "/" };
        Request::new(method, format!("{}rest/data/{}{slash}{id}", self.base_url, ISSUE.name))
            .header("accept", "application/json")
            .credential(self.credential.as_str())
    }
}

/// None: the tracker says no to this record (a rule, a link that leads nowhere). Its text may hold values and is not passed on.
fn taken(response: Response) -> Result<Option<Response>, Error> {
    match response.status() {
        400 | 404 | 405 | 409 => Ok(None),
        _ => response.success().map(Some),
    }
}

/// The number of an issue: text or a number, as versions of the tracker have it.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Number(u64),
}

impl Number {
    /// None: it is none. It goes into an address.
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text),
            Self::Number(number) => Some(number.to_string()),
        }
    }
}

fn is_property(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
