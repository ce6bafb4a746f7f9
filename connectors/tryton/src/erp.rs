//! Tryton's REST interface: how a search is asked for, and what its answers mean.

use data_encoding::BASE64URL;
use hub_sdk::http::{Method, Request, Response};
use hub_sdk::{Error, runtime};
use serde_json::{Value, json};

use crate::Config;
use crate::moment::Moment;

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
