//! Tryton's REST interface: how a search is asked for, and what its answers mean.

use data_encoding::BASE64URL;
use hub_sdk::http::{Method, Request, Response};
use hub_sdk::{Error, runtime};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Config;
use crate::moment::Moment;

/// Modules whose fields were looked through: what of them is not in a stream is left out on purpose.
const KNOWN_MODULES: [&str; 11] =
    ["ir", "res", "party", "country", "currency", "company", "product", "account", "account_product", "account_invoice", "sale"];
/// What a field holds that is a value and no other record.
const PLAIN_TYPES: [&str; 15] = [
    "boolean",
    "integer",
    "biginteger",
    "char",
    "text",
    "fulltext",
    "float",
    "numeric",
    "date",
    "datetime",
    "timestamp",
    "time",
    "timedelta",
    "selection",
    "multiselection",
];
const FLAG_TYPE: &str = "boolean";
const MAX_FURTHER_FIELDS: u32 = 500;
const MAX_NAME_BYTES: usize = 64;

/// A field that a further module, often the company's own, gave to a model.
#[derive(Debug, Deserialize)]
pub struct Further {
    pub name: String,
    ttype: String,
}

impl Further {
    /// It is true or false.
    pub fn is_flag(&self) -> bool {
        self.ttype == FLAG_TYPE
    }

    fn is_plainly_named(&self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (1..=MAX_NAME_BYTES).contains(&self.name.len()) && self.name.bytes().all(is_plain)
    }
}

/// A database of a server.
pub struct Erp {
    /// Ends with `/`.
    base_url: String,
    credential: String,
}

impl Erp {
    pub fn new(config: &Config) -> Self {
        let slash = if config.base_url.ends_with('/') { "" } else { "/" };
        Self { base_url: format!("{}{slash}", config.base_url), credential: config.credential.clone() }
    }

    /// A search in a model. `fields` are paths (`party.code`); `count` is the most records that come back.
    pub fn search<'a>(
        &self,
        model: &str,
        domain: &Value,
        order: Option<&str>,
        fields: impl Iterator<Item = &'a str>,
        count: u32,
    ) -> Request {
        let mut request = self.request(Method::Get, model).query("d", encoded(domain)).query("s", count);
        if let Some(first) = order {
            request = request.query("o", encoded(&json!([[first, "ASC"], ["id", "ASC"]])));
        }
        for field in fields {
            request = request.query("f", field);
        }
        request
    }

    /// Fields of a model that modules added which this connector does not know, without links; none where the key's user may not ask.
    pub fn further_fields(&self, model: &str) -> Result<Vec<Further>, Error> {
        let domain = json!([["model", "=", model], ["module", "not in", KNOWN_MODULES], ["ttype", "in", PLAIN_TYPES]]);
        let response = self.search("ir.model.field", &domain, None, ["name", "ttype"].into_iter(), MAX_FURTHER_FIELDS).send()?;
        if response.status() == 403 {
            runtime::warn("fields that further modules added are not told: the user of the key may not read `ir.model.field`");
            return Ok(Vec::new());
        }
        let mut found: Vec<Further> = answered(response)?.json()?;
        found.retain(Further::is_plainly_named);
        Ok(found)
    }

    /// A new record.
    pub fn create(&self, model: &str, values: &Value) -> Result<Request, Error> {
        self.request(Method::Post, model).json(values)
    }

    /// New values for some fields of a record.
    pub fn update(&self, model: &str, id: u64, values: &Value) -> Result<Request, Error> {
        self.request(Method::Put, &format!("{model}/{id}")).json(values)
    }

    /// The server's clock, asked with a search that matches no record: dates of change are made over there.
    pub fn clock(&self, model: &str) -> Result<Moment, Error> {
        let response = answered(self.search(model, &json!([["id", "=", -1]]), None, ["id"].into_iter(), 1).send()?)?;
        if response.length("")?.is_none() {
            return Err(Error::drift("the answer is no list of records: is `base_url` the address of a Tryton database?"));
        }
        let told = response.header("date").and_then(|text| Moment::from_http(&text));
        Ok(told.unwrap_or_else(|| Moment::from_seconds(runtime::now().as_secs())))
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request::new(method, format!("{}rest/model/{path}", self.base_url))
            .header("accept", "application/json")
            // Records that were put away (`active` is false) are found too.
            .header("x-tryton-context", encoded(&json!({ "active_test": false })))
            .credential(self.credential.as_str())
    }
}

/// Lets success pass. Beyond what the SDK says: 409 and 423 are Tryton's words for a record that somebody else is changing right now.
pub fn answered(response: Response) -> Result<Response, Error> {
    match response.status() {
        status @ (409 | 423) => Err(Error::transient(format!("the record is being changed by somebody else (status {status})"))),
        _ => response.success(),
    }
}

fn encoded(value: &Value) -> String {
    BASE64URL.encode(value.to_string().as_bytes())
}
