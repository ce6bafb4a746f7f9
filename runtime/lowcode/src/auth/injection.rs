//! What an authenticator adds to a finished request, and how query strings, forms and JSON bodies are edited for it.

use std::fmt;

use url::form_urlencoded;

use crate::host::{Method, Request};
use crate::model::requester::Inject;
use crate::value::{Dict, Value};

/// Something to be put into a request. Its `Debug` shows places only.
#[derive(Clone, Default, PartialEq)]
pub struct Injection {
    /// Names and values of headers; they take the place of equal ones.
    pub headers: Vec<(String, String)>,
    /// Parameters of the query.
    pub query: Vec<(String, String)>,
    /// Members of a form.
    pub form: Vec<(String, String)>,
    /// Members of a JSON body, by their paths.
    pub json: Vec<(Vec<String>, String)>,
    /// Texts that must not come back: the values, and what they were made of.
    pub secrets: Vec<String>,
}

/// The request has another body than the authenticator expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash(pub &'static str);

impl fmt::Display for Clash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl Injection {
    /// A header. Without a name there is none.
    pub(super) fn header<const N: usize>(name: &str, value: String, secrets: [String; N]) -> Self {
        let headers = if name.is_empty() { Vec::new() } else { vec![(name.to_owned(), value.clone())] };
        Self { headers, secrets: with(secrets, value), ..Self::default() }
    }

    /// A value somewhere in a request.
    pub(super) fn at<const N: usize>(inject: Inject, path: Vec<String>, value: String, secrets: [String; N]) -> Self {
        let name = path.first().cloned().unwrap_or_default();
        match inject {
            Inject::Header => Self::header(&name, value, secrets),
            Inject::Parameter => Self { query: vec![(name, value.clone())], secrets: with(secrets, value), ..Self::default() },
            Inject::BodyData => Self { form: vec![(name, value.clone())], secrets: with(secrets, value), ..Self::default() },
            Inject::BodyJson => Self { json: vec![(path, value.clone())], secrets: with(secrets, value), ..Self::default() },
        }
    }

    /// Whether nothing is put in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.query.is_empty() && self.form.is_empty() && self.json.is_empty()
    }

    /// Puts everything in.
    ///
    /// # Errors
    /// The request has a body that cannot take it.
    pub fn apply(&self, request: &mut Request) -> Result<(), Clash> {
        for (name, value) in &self.headers {
            request.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            request.headers.push((name.clone(), value.clone()));
        }
        request.url = self.query_of(&request.url);
        // Other methods carry no body in the language.
        if matches!(request.method, Method::Get | Method::Post | Method::Put | Method::Patch) {
            self.edit_form(request)?;
            self.edit_json(request)?;
        }
        Ok(())
    }

    /// The address with the parameters. One that is there with the same value, or with the blackened one, is not added again.
    fn query_of(&self, url: &str) -> String {
        let mut url = url.to_owned();
        for (name, value) in &self.query {
            let (address, fragment) = url.split_once('#').map_or((url.as_str(), None), |(address, fragment)| (address, Some(fragment)));
            let (path, query) = address.split_once('?').unwrap_or((address, ""));
            let black = "*".repeat(value.len());
            let mut there = false;
            let mut pairs: Vec<String> = Vec::new();
            for pair in query.split('&').filter(|pair| !pair.is_empty()) {
                let decoded = form_urlencoded::parse(pair.as_bytes()).next();
                match decoded {
                    Some((known, held)) if known == name.as_str() && (held == value.as_str() || held == black) => {
                        if !there {
                            pairs.push(encoded(name, value));
                        }
                        there = true;
                    }
                    _ => pairs.push(pair.to_owned()),
                }
            }
            if !there {
                pairs.push(encoded(name, value));
            }
            let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
            url = format!("{path}?{}{fragment}", pairs.join("&"));
        }
        url
    }

    fn edit_form(&self, request: &mut Request) -> Result<(), Clash> {
        if self.form.is_empty() {
            return Ok(());
        }
        let body = request.body.take().unwrap_or_default();
        if !body.is_empty() && !content_type(request).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Err(Clash("an authenticator adds to a form, but the request has another body"));
        }
        let mut text = String::from_utf8(body).map_err(|_| Clash("an authenticator adds to a form that is not text"))?;
        for (name, value) in &self.form {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&encoded(name, value));
        }
        request.body = Some(text.into_bytes());
        set_content_type(request, "application/x-www-form-urlencoded");
        Ok(())
    }

    fn edit_json(&self, request: &mut Request) -> Result<(), Clash> {
        if self.json.is_empty() {
            return Ok(());
        }
        let body = request.body.take().unwrap_or_default();
        let mut value = if body.is_empty() { Value::dict(Dict::new()) } else { Value::from_json(&body).map_err(|_| Clash(NO_OBJECT))? };
        if self.json.iter().any(|(path, _)| path.len() > MAX_DEPTH) {
            return Err(Clash("an authenticator adds to a JSON body at a place that nests too deep"));
        }
        for (path, member) in &self.json {
            value = put(&value, path, Value::str(member))?;
        }
        let mut text = Vec::new();
        value.write_json(&mut text);
        request.body = Some(text);
        set_content_type(request, "application/json");
        Ok(())
    }
}

const MAX_DEPTH: usize = 64;
const NO_OBJECT: &str = "an authenticator adds to a JSON object, but the request has another body";

/// The tree with one member more. The same value may be there already.
fn put(value: &Value, path: &[String], member: Value) -> Result<Value, Clash> {
    let Some((step, rest)) = path.split_first() else { return Ok(member) };
    let Value::Dict(dict) = value else { return Err(Clash(NO_OBJECT)) };
    let mut dict = dict.as_ref().clone();
    let inner = match dict.get(step.as_str()) {
        None => put(&Value::dict(Dict::new()), rest, member)?,
        Some(inner) if rest.is_empty() => {
            if *inner != member {
                return Err(Clash("an authenticator adds a member of a JSON body that is there already with another value"));
            }
            member
        }
        Some(inner) => put(inner, rest, member)?,
    };
    dict.insert(step.as_str().into(), inner);
    Ok(Value::dict(dict))
}

fn with<const N: usize>(secrets: [String; N], value: String) -> Vec<String> {
    let mut all: Vec<String> = secrets.into_iter().filter(|secret| *secret != value).collect();
    all.push(value);
    all.retain(|secret| !secret.is_empty());
    all
}

/// One pair of a query or a form.
pub(super) fn encoded(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

fn content_type(request: &Request) -> Option<String> {
    let header = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    header.map(|(_, value)| value.to_ascii_lowercase())
}

/// Names the kind of a body, unless the request does so itself.
pub(super) fn set_content_type(request: &mut Request, kind: &str) {
    if content_type(request).is_none() {
        request.headers.push(("Content-Type".to_owned(), kind.to_owned()));
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let mut shown = out.debug_struct("Injection");
        shown.field("headers", &names(&self.headers)).field("query", &names(&self.query)).field("form", &names(&self.form));
        shown.field("json", &self.json.iter().map(|(path, _)| path).collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
