//! Requests that log in: built from a requester, and tried again as the language does it where nothing else is declared.

use url::Url;

use crate::auth::injection::{encoded, set_content_type};
use crate::auth::{Failed, text};
use crate::host::{Method, Request};
use crate::model::requester::{Body, Requester};
use crate::model::text::Texts;
use crate::template::{Scope, Types};
use crate::value::{Dict, Value};

/// Tries after the first one.
const TRIES: i32 = 5;

/// How often a login was tried in vain, and what is to be waited before it is tried again.
#[derive(Default)]
pub(super) struct Patience {
    tries: i32,
    pause: Option<f64>,
}

impl Patience {
    /// Another try after a while. False: it is over.
    pub(super) fn again(&mut self) -> bool {
        if self.tries >= TRIES {
            *self = Self::default();
            return false;
        }
        self.pause = Some(2_f64.powi(self.tries));
        self.tries += 1;
        true
    }

    pub(super) fn done(&mut self) {
        *self = Self::default();
    }

    pub(super) fn take_pause(&mut self) -> Option<f64> {
        self.pause.take()
    }
}

/// Whether an answer of this status is worth another try.
pub(super) fn is_passing(status: u16) -> bool {
    status == 408 || status == 429 || status >= 500
}

/// The request of a requester, without its authentication.
pub(super) fn request(requester: &Requester, scope: &Scope) -> Result<Request, Failed> {
    let mut url = address(requester, scope)?;
    for (name, value) in flat(requester.parameters.as_ref(), scope, "request_parameters")? {
        let known: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for value in items(&value) {
            if !known.iter().any(|(known, held)| *known == *name && *held == value) {
                let pair = encoded(&name, &value);
                let query = url.query().filter(|query| !query.is_empty()).map_or_else(|| pair.clone(), |query| format!("{query}&{pair}"));
                url.set_query(Some(&query));
            }
        }
    }
    let headers = flat(requester.headers.as_ref(), scope, "request_headers")?;
    let headers = headers.into_iter().map(|(name, value)| (name.to_string(), value.python_str())).collect();
    let mut request = Request { method: requester.method, url: url.into(), headers, body: None, credential: None };
    if matches!(request.method, Method::Get | Method::Post | Method::Put | Method::Patch) {
        put_body(&requester.body, scope, &mut request)?;
    }
    Ok(request)
}

fn address(requester: &Requester, scope: &Scope) -> Result<Url, Failed> {
    let base = requester.url_base.as_ref().or(requester.url.as_ref()).map(|base| text(base, scope, "url_base")).transpose()?;
    let path = requester.path.as_ref().map(|path| text(path, scope, "path")).transpose()?.unwrap_or_default();
    let mut base = base.unwrap_or_default();
    let path = path.trim_start_matches('/');
    let wrong = |_| Failed::system("The address of the login is not an absolute URL.");
    if path.is_empty() {
        return Url::parse(&base).map_err(wrong);
    }
    if !base.ends_with('/') {
        base.push('/');
    }
    Url::parse(&base).and_then(|base| base.join(path)).map_err(wrong)
}

fn put_body(body: &Body, scope: &Scope, request: &mut Request) -> Result<(), Failed> {
    let failed = |error| Failed::system(format!("The body of the login has no value: {error}"));
    match body {
        Body::None => {}
        Body::Json(texts) => {
            let value = texts.evaluate(scope).map_err(failed)?;
            if value.is_truthy() {
                let mut json = Vec::new();
                value.write_json(&mut json);
                request.body = Some(json);
                set_content_type(request, "application/json");
            }
        }
        Body::Data(texts) => match texts.evaluate_flat(scope, Types::ANY).map_err(failed)? {
            Value::Dict(form) if form.is_empty() => {}
            Value::Dict(form) => {
                let pairs: Vec<String> =
                    form.iter().flat_map(|(name, value)| items(value).into_iter().map(|value| encoded(name, &value))).collect();
                request.body = Some(pairs.join("&").into_bytes());
                set_content_type(request, "application/x-www-form-urlencoded");
            }
            Value::Str(text) if text.is_empty() => {}
            other => request.body = Some(other.python_str().into_bytes()),
        },
    }
    Ok(())
}

/// What a query or a form says of a value: nothing of none, each item of a list.
fn items(value: &Value) -> Vec<String> {
    match value {
        Value::None => Vec::new(),
        Value::List(items) | Value::Tuple(items) => items.iter().map(Value::python_str).collect(),
        other => vec![other.python_str()],
    }
}

fn flat(texts: Option<&Texts>, scope: &Scope, name: &str) -> Result<Dict, Failed> {
    let Some(texts) = texts else { return Ok(Dict::new()) };
    match crate::auth::tree(texts, scope, name)? {
        Value::Dict(dict) => Ok(dict.as_ref().clone()),
        _ => Ok(Dict::new()),
    }
}
