//! Builds a request from a requester, what the paginator adds and what the slice adds.

use crate::fault::Failure;
use crate::host::{Method, Request};
use crate::model::authenticator::Authenticator;
use crate::model::requester::{Body, Inject, RequestOption, Requester};
use crate::model::text::{Text, Texts};
use crate::retrieve::failure::{system, template};
use crate::retrieve::{merge, url};
use crate::slice::Options;
use crate::template::{Scope, Types};
use crate::value::{Dict, Value};

/// A body larger than this is not built.
const MAXIMUM_BODY: usize = 16 * 1024 * 1024;

/// Builds requests.
#[derive(Clone, Debug)]
pub struct Builder {
    requester: Requester,
    credential: Option<String>,
}

/// What one request differs in.
#[derive(Clone, Copy)]
pub struct Particular<'p> {
    /// `stream_slice`, `next_page_token` and the like are bound.
    pub scope: &'p Scope,
    /// Instead of the requester's path.
    pub path: Option<&'p str>,
    /// What paginator and slice add, put together.
    pub extra: &'p Extra,
    /// The fields that are asked for.
    pub properties: Option<&'p str>,
}

/// What paginator and slice add.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    query: Dict,
    headers: Dict,
    body_data: Dict,
    body_json: Dict,
}

impl Extra {
    /// Puts together what paginator and slice add.
    ///
    /// # Errors
    /// Both give the same name.
    pub fn combine(pager: &Options, slice: Option<&Options>) -> Result<Self, Failure> {
        let empty = Options::default();
        let slice = slice.unwrap_or(&empty);
        let both = |pager: &Dict, slice: &Dict, same: bool| {
            if slice.is_empty() {
                return Ok(pager.clone());
            }
            match merge::combine(vec![Value::dict(pager.clone()), Value::dict(slice.clone())], same).map_err(system)? {
                Value::Dict(dict) => Ok(dict.as_ref().clone()),
                _ => Ok(Dict::new()),
            }
        };
        Ok(Self {
            query: both(&pager.query, &slice.query, false)?,
            headers: both(&pager.headers, &slice.headers, false)?,
            body_data: both(&pager.body_data, &slice.body_data, false)?,
            body_json: both(&pager.body_json, &slice.body_json, true)?,
        })
    }
}

impl Builder {
    /// Takes a requester.
    #[must_use]
    pub fn new(requester: &Requester) -> Self {
        let placed = requester.authenticator.as_ref();
        let credential = placed.filter(|placed| !matches!(placed.component, Authenticator::None)).map(|placed| placed.place.clone());
        Self { requester: requester.clone(), credential }
    }

    /// Builds a request.
    ///
    /// # Errors
    /// A template fails, or the same name is given twice.
    pub fn build(&self, particular: &Particular<'_>) -> Result<Request, Failure> {
        let address = self.address(particular)?;
        let parameters = self.parameters(particular)?;
        let known = url::query_pairs(&address);
        let left =
            parameters.iter().filter(|(name, value)| !known.iter().any(|(known, text)| **known == ***name && value.python_str() == *text));
        let query = url::form(left.map(|(name, value)| (name.as_ref(), value)));
        let url = url::prepare(&address, &query).map_err(system)?;
        let mut headers = self.headers(particular)?;
        let body = self.body(particular, &mut headers)?;
        Ok(Request { method: self.requester.method, url, headers, body, credential: self.credential.clone() })
    }

    fn address(&self, particular: &Particular<'_>) -> Result<String, Failure> {
        let evaluate = |text: &Option<Text>, name: &str| match text {
            Some(text) if !text.source().is_empty() => text.evaluate_to_text(particular.scope).map_err(|error| template(name, &error)),
            _ => Ok(String::new()),
        };
        let base = evaluate(&self.requester.url_base, "`url_base`")?;
        let path = match particular.path.filter(|path| !path.is_empty()) {
            Some(path) => path.to_owned(),
            None => evaluate(&self.requester.path, "`path`")?.trim_start_matches('/').to_owned(),
        };
        if !base.is_empty() {
            return Ok(url::join(&base, &path));
        }
        Ok(url::join(&evaluate(&self.requester.url, "`url`")?, &path))
    }

    fn parameters(&self, particular: &Particular<'_>) -> Result<Dict, Failure> {
        let mut own = match &self.requester.parameters {
            Some(texts) => match texts
                .evaluate_flat(particular.scope, Types::STR.or(Types::LIST))
                .map_err(|error| template("`request_parameters`", &error))?
            {
                Value::Dict(dict) => dict.as_ref().clone(),
                _ => Dict::new(),
            },
            None => Dict::new(),
        };
        let name = self.requester.query_properties.as_ref().and_then(|properties| properties.parameter.as_deref());
        if let (Some(name), Some(properties)) = (name, particular.properties) {
            own.insert(name.into(), Value::str(properties));
        }
        let all = merge::combine(vec![Value::dict(own), Value::dict(particular.extra.query.clone())], false).map_err(system)?;
        let Value::Dict(all) = all else { return Ok(Dict::new()) };
        if let Some((name, _)) = all.iter().find(|(_, value)| matches!(value, Value::Dict(_))) {
            return Err(system(format!("the request parameter `{name}` is an object; it needs a text, a number or a list")));
        }
        Ok(all.as_ref().clone())
    }

    fn headers(&self, particular: &Particular<'_>) -> Result<Vec<(String, String)>, Failure> {
        let own = flat(self.requester.headers.as_ref(), particular.scope, Types::ANY, "`request_headers`")?;
        let all = merge::combine(vec![own, Value::dict(particular.extra.headers.clone())], false).map_err(system)?;
        match all {
            Value::Dict(dict) => Ok(dict.iter().map(|(name, value)| (name.to_string(), value.python_str())).collect()),
            _ => Err(system("`request_headers` gives a text; a mapping is expected")),
        }
    }

    fn body(&self, particular: &Particular<'_>, headers: &mut Vec<(String, String)>) -> Result<Option<Vec<u8>>, Failure> {
        let (data, json) = match &self.requester.body {
            Body::None => (Value::None, Value::None),
            Body::Data(texts) => (flat(Some(texts), particular.scope, Types::STR.or(Types::LIST), "`request_body_data`")?, Value::None),
            Body::Json(texts) => (Value::None, nested(texts, particular.scope)?),
        };
        let data = merge::combine(vec![data, Value::dict(particular.extra.body_data.clone())], false).map_err(system)?;
        let json = merge::combine(vec![json, Value::dict(particular.extra.body_json.clone())], true).map_err(system)?;
        if matches!(json, Value::Str(_)) {
            return Err(system("`request_body_json` gives a text; a mapping is expected"));
        }
        if !matches!(self.requester.method, Method::Get | Method::Post | Method::Put | Method::Patch) {
            return Ok(None);
        }
        let (bytes, kind) = match (data.is_truthy(), json.is_truthy()) {
            (true, true) => return Err(system("a request has either data or JSON as its body, not both")),
            (false, false) => return Ok(None),
            (_, true) => {
                let mut bytes = Vec::new();
                json.write_json(&mut bytes);
                (bytes, Some("application/json"))
            }
            _ => match &data {
                Value::Dict(dict) => (
                    url::form(dict.iter().map(|(name, value)| (name.as_ref(), value))).into_bytes(),
                    Some("application/x-www-form-urlencoded"),
                ),
                other => (other.python_str().into_bytes(), None),
            },
        };
        if bytes.len() > MAXIMUM_BODY {
            return Err(system(format!("a request body is larger than {MAXIMUM_BODY} bytes")));
        }
        if let Some(kind) = kind.filter(|_| !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))) {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        Ok(Some(bytes))
    }
}

fn flat(texts: Option<&Texts>, scope: &Scope, types: Types, name: &str) -> Result<Value, Failure> {
    let Some(texts) = texts else { return Ok(Value::None) };
    let value = texts.evaluate_flat(scope, types).map_err(|error| template(name, &error))?;
    Ok(if value.is_truthy() { value } else { Value::None })
}

fn nested(texts: &Texts, scope: &Scope) -> Result<Value, Failure> {
    let value = match texts {
        Texts::Text(text) => text.evaluate(scope),
        tree => tree.evaluate(scope),
    };
    value.map_err(|error| template("`request_body_json`", &error))
}

/// A `RequestOption` whose names are evaluated.
#[derive(Clone, Debug)]
pub struct Injection {
    inject: Inject,
    path: Vec<String>,
}

impl Injection {
    /// Evaluates the names.
    ///
    /// # Errors
    /// A template fails.
    pub fn new(option: &RequestOption, scope: &Scope) -> Result<Self, Failure> {
        let path = option.path.iter().map(|name| name.evaluate_to_text(scope).map_err(|error| template("`field_name`", &error)));
        Ok(Self { inject: option.inject, path: path.collect::<Result<_, _>>()? })
    }

    /// Puts a value where it goes.
    pub fn put(&self, options: &mut Options, value: Value) {
        let target = match self.inject {
            Inject::Parameter => &mut options.query,
            Inject::Header => &mut options.headers,
            Inject::BodyData => &mut options.body_data,
            Inject::BodyJson => &mut options.body_json,
        };
        put_nested(target, &self.path, value);
    }
}

fn put_nested(target: &mut Dict, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            target.insert(name.as_str().into(), value);
        }
        [name, rest @ ..] => {
            let child = target.entry(name.as_str().into()).or_insert_with(|| Value::dict(Dict::new()));
            let mut inner = child.as_dict().cloned().unwrap_or_default();
            put_nested(&mut inner, rest, value);
            *child = Value::dict(inner);
        }
    }
}
