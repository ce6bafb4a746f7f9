//! What becomes of an answer: error handlers, response filters, waiting strategies.

use regex::RegexBuilder;

use crate::fault::{Failure, FailureType};
use crate::host::FetchError;
use crate::model::error::{Action, Backoff, ErrorHandler, ResponseFilter};
use crate::model::text::Text;
use crate::retrieve::answer::Answer;
use crate::retrieve::failure::{system, template};
use crate::retrieve::header;
use crate::template::Scope;
use crate::value::Value;

/// What to do with an answer, and what to say if it is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// What to do.
    pub action: Action,
    /// Whose fault.
    pub failure_type: FailureType,
    /// What to say; holds nothing of the answer but its status.
    pub message: String,
    /// Whether the manifest itself says it.
    pub own_message: bool,
}

/// Why an answer could not be judged.
#[derive(Debug)]
pub enum Trouble {
    /// The host could not give the answer's content.
    Fetch(FetchError),
    /// The stream fails.
    Failure(Failure),
}

impl From<FetchError> for Trouble {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// A requester's error handlers.
#[derive(Clone, Debug)]
pub struct Errors {
    handler: Option<ErrorHandler>,
    max_retries: i64,
}

impl Errors {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// `max_retries` is no whole number.
    pub fn new(handler: Option<&ErrorHandler>, scope: &Scope) -> Result<Self, Failure> {
        let mut first = handler;
        while let Some(ErrorHandler::Composite(handlers)) = first {
            first = handlers.first();
        }
        let max_retries = match first {
            Some(ErrorHandler::Default(handler)) => handler.max_retries.as_ref(),
            _ => None,
        };
        let max_retries = match max_retries {
            None => 5,
            Some(text) => {
                let value = text.evaluate(scope).map_err(|error| template("`max_retries`", &error))?;
                let number = match &value {
                    Value::Int(number) => i64::try_from(*number).ok(),
                    Value::Float(number, _) if number.is_finite() => Some(*number as i64),
                    Value::Str(text) => text.trim().parse().ok(),
                    _ => None,
                };
                number.ok_or_else(|| system("`max_retries` does not give a whole number"))?
            }
        };
        Ok(Self { handler: handler.cloned(), max_retries })
    }

    /// How often a request is tried again.
    #[must_use]
    pub fn max_retries(&self) -> i64 {
        self.max_retries
    }

    /// Judges an answer.
    ///
    /// # Errors
    /// A predicate fails, or the host cannot give what it reads.
    pub fn judge(&self, answer: &Answer, scope: &Scope) -> Result<Resolution, Trouble> {
        match &self.handler {
            Some(handler) => judge_with(handler, answer, scope),
            None => Ok(by_status(answer.status())),
        }
    }

    /// The time that the first strategy gives that gives any.
    ///
    /// # Errors
    /// A wait is longer than allowed, or a template fails.
    pub fn backoff(&self, answer: Option<&Answer>, sent: u32, scope: &Scope, now: i64) -> Result<Option<f64>, Trouble> {
        let mut strategies = Vec::new();
        if let Some(handler) = &self.handler {
            collect(handler, &mut strategies);
        }
        for strategy in strategies {
            let seconds = backoff(strategy, answer, sent, scope, now)?;
            if let Some(seconds) = seconds.filter(|seconds| *seconds != 0.0) {
                return Ok(Some(seconds));
            }
        }
        Ok(None)
    }
}

fn collect<'h>(handler: &'h ErrorHandler, strategies: &mut Vec<&'h Backoff>) {
    match handler {
        ErrorHandler::Composite(handlers) => handlers.iter().for_each(|handler| collect(handler, strategies)),
        ErrorHandler::Default(handler) => strategies.extend(&handler.backoff),
    }
}

fn judge_with(handler: &ErrorHandler, answer: &Answer, scope: &Scope) -> Result<Resolution, Trouble> {
    match handler {
        ErrorHandler::Default(handler) => {
            for filter in &handler.filters {
                if let Some(resolution) = filter_with(filter, answer, scope)? {
                    return Ok(resolution);
                }
            }
            Ok(by_status(answer.status()))
        }
        ErrorHandler::Composite(handlers) => {
            let mut last = None;
            for handler in handlers {
                let resolution = judge_with(handler, answer, scope)?;
                if !matches!(resolution.action, Action::Fail | Action::RateLimited | Action::RefreshTokenThenRetry) {
                    return Ok(resolution);
                }
                last = Some(resolution);
            }
            Ok(last.unwrap_or_else(|| by_status(answer.status())))
        }
    }
}

fn filter_with(filter: &ResponseFilter, answer: &Answer, scope: &Scope) -> Result<Option<Resolution>, Trouble> {
    let Some(action) = filter.action else { return Ok(None) };
    if !filter_matches(filter, answer, scope)? {
        return Ok(None);
    }
    let mapped = mapped(answer.status());
    let own = match &filter.error_message {
        Some(text) if !text.uses().iter().any(|one| matches!(one.root.as_str(), "response" | "headers")) => {
            let message = text.evaluate_to_text(&answer.bind(scope, &[])?).map_err(|error| template("`error_message`", &error))?;
            Some(message).filter(|message| !message.is_empty())
        }
        _ => None,
    };
    let failure_type = match (filter.failure_type, action, &mapped) {
        (Some(failure_type), Action::Fail, _) => failure_type,
        (_, _, Some((_, failure_type, _))) => *failure_type,
        _ => FailureType::System,
    };
    let own_message = own.is_some();
    let message = own.or(mapped.map(|(_, _, message)| message.to_owned())).unwrap_or_else(|| unmapped(answer.status()));
    Ok(Some(Resolution { action, failure_type, message, own_message }))
}

fn filter_matches(filter: &ResponseFilter, answer: &Answer, scope: &Scope) -> Result<bool, Trouble> {
    if filter.http_codes.contains(&i64::from(answer.status())) {
        return Ok(true);
    }
    if let Some(predicate) = &filter.predicate {
        let seen = answer.bind(scope, &[predicate])?;
        if predicate.evaluate_boolean(&seen).map_err(|error| template("a response filter's `predicate`", &error))? {
            return Ok(true);
        }
    }
    match &filter.error_message_contains {
        Some(part) => Ok(error_text(answer)?.is_some_and(|text| text.contains(part.as_str()))),
        None => Ok(false),
    }
}

/// What an answer says about its error, for comparing only.
fn error_text(answer: &Answer) -> Result<Option<String>, FetchError> {
    match answer.json()? {
        Some(value) => Ok(error_in(&value, 0)),
        None => Ok(String::from_utf8(answer.body()?.to_vec()).ok()),
    }
}

fn error_in(value: &Value, depth: usize) -> Option<String> {
    const NAMES: [&str; 12] = [
        "message",
        "messages",
        "error",
        "errors",
        "failures",
        "failure",
        "detail",
        "err",
        "error_message",
        "msg",
        "reason",
        "status_message",
    ];
    match value {
        _ if depth > 64 => None,
        Value::Str(text) => Some(text.to_string()),
        Value::List(items) => Some(items.iter().filter_map(|item| error_in(item, depth + 1)).collect::<Vec<_>>().join(", ")),
        Value::Dict(dict) => {
            let found = NAMES.iter().filter_map(|name| dict.get(*name)).find(|value| value.is_truthy())?;
            error_in(found, depth + 1)
        }
        _ => None,
    }
}

/// What becomes of an answer that nobody else judged.
#[must_use]
pub fn by_status(status: u16) -> Resolution {
    if status < 400 {
        return Resolution { action: Action::Success, failure_type: FailureType::System, message: String::new(), own_message: false };
    }
    let (action, failure_type, message) = match mapped(status) {
        Some((action, failure_type, message)) => (action, failure_type, message.to_owned()),
        None => (Action::Retry, FailureType::System, unmapped(status)),
    };
    Resolution { action, failure_type, message, own_message: false }
}

/// What becomes of a request that was not answered.
#[must_use]
pub fn unanswered(message: &str) -> Resolution {
    let message = format!("The request was not answered: {message}");
    Resolution { action: Action::Retry, failure_type: FailureType::System, message, own_message: false }
}

fn unmapped(status: u16) -> String {
    format!("HTTP Status Code: {status}. Error: Unexpected response.")
}

fn mapped(status: u16) -> Option<(Action, FailureType, &'static str)> {
    use FailureType::{Config, System, Transient};
    Some(match status {
        400 => (Action::Fail, System, "HTTP Status Code: 400. Error: Bad request. Please check your request parameters."),
        401 => (Action::Fail, Config, "HTTP Status Code: 401. Error: Unauthorized. Please ensure you are authenticated correctly."),
        403 => (Action::Fail, Config, "HTTP Status Code: 403. Error: Forbidden. You don't have permission to access this resource."),
        404 => (Action::Fail, System, "HTTP Status Code: 404. Error: Not found. The requested resource was not found on the server."),
        405 => (Action::Fail, System, "HTTP Status Code: 405. Error: Method not allowed. Please check your request method."),
        408 => (Action::Retry, Transient, "HTTP Status Code: 408. Error: Request timeout."),
        429 => (Action::RateLimited, Transient, "HTTP Status Code: 429. Error: Too many requests."),
        500 => (Action::Retry, Transient, "HTTP Status Code: 500. Error: Internal server error."),
        502 => (Action::Retry, Transient, "HTTP Status Code: 502. Error: Bad gateway."),
        503 => (Action::Retry, Transient, "HTTP Status Code: 503. Error: Service unavailable."),
        504 => (Action::Retry, Transient, "HTTP Status Code: 504. Error: Gateway timeout."),
        _ => return None,
    })
}

fn backoff(strategy: &Backoff, answer: Option<&Answer>, sent: u32, scope: &Scope, now: i64) -> Result<Option<f64>, Trouble> {
    match strategy {
        Backoff::Constant { seconds, .. } => Ok(Some(number(seconds, scope, "`backoff_time_in_seconds`")?)),
        Backoff::Exponential { factor, .. } => {
            let factor = match factor {
                Some(factor) => number(factor, scope, "`factor`")?,
                None => 5.0,
            };
            Ok(Some(factor * 2f64.powi(i32::try_from(sent.min(1000)).unwrap_or(1000))))
        }
        Backoff::HeaderSeconds { header, regex, maximum } => {
            let Some(seconds) = header_number(header, regex.as_ref(), answer, scope)? else { return Ok(None) };
            Ok(Some(capped(seconds, maximum.as_ref(), scope)?))
        }
        Backoff::HeaderMoment { header, min_wait, regex, maximum } => {
            let until = header_number(header, regex.as_ref(), answer, scope)?;
            let minimum = match min_wait {
                Some(text) => Some(number(text, scope, "`min_wait`")?).filter(|minimum| *minimum != 0.0),
                None => None,
            };
            let seconds = match (until.filter(|until| *until != 0.0), minimum) {
                (None, None) => return Ok(None),
                (None, Some(minimum)) => minimum,
                (Some(until), minimum) => {
                    let wait = until - now as f64 / 1e6;
                    match minimum {
                        Some(minimum) => wait.max(minimum),
                        None if wait < 0.0 => return Ok(None),
                        None => wait,
                    }
                }
            };
            Ok(Some(capped(seconds, maximum.as_ref(), scope)?))
        }
        Backoff::Response { seconds, maximum } => {
            let scope = match answer {
                Some(answer) => answer.bind(scope, &[seconds])?,
                None => scope.with("response", Value::dict(Default::default())).with("headers", Value::dict(Default::default())),
            };
            let Ok(value) = seconds.evaluate(&scope) else { return Ok(None) };
            let Some(seconds) = as_number(&value).filter(|seconds| *seconds >= 0.0) else { return Ok(None) };
            Ok(Some(capped(seconds, maximum.as_ref(), &scope)?))
        }
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Str(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
    .filter(|number: &f64| number.is_finite())
}

fn number(text: &Text, scope: &Scope, name: &str) -> Result<f64, Failure> {
    let value = text.evaluate(scope).map_err(|error| template(name, &error))?;
    as_number(&value).ok_or_else(|| system(format!("{name} does not give a number")))
}

fn header_number(name: &Text, regex: Option<&Text>, answer: Option<&Answer>, scope: &Scope) -> Result<Option<f64>, Failure> {
    let name = name.evaluate_to_text(scope).map_err(|error| template("`header`", &error))?;
    let Some(value) = answer.and_then(|answer| header::find(answer.headers(), &name)) else { return Ok(None) };
    let Some(regex) = regex else { return Ok(value.trim().parse().ok()) };
    let pattern = regex.evaluate_to_text(scope).map_err(|error| template("`regex`", &error))?;
    let regex = RegexBuilder::new(&format!("^(?:{pattern})"))
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .build()
        .map_err(|_| system("`regex` of a waiting strategy is not a regular expression that is supported"))?;
    let found = regex.find(value).map_or(value, |found| found.as_str());
    Ok(found.trim().parse().ok())
}

fn capped(seconds: f64, maximum: Option<&Text>, scope: &Scope) -> Result<f64, Failure> {
    let Some(maximum) = maximum else { return Ok(seconds) };
    let maximum = number(maximum, scope, "`max_waiting_time_in_seconds`")?;
    if seconds != 0.0 && seconds >= maximum {
        return Err(Failure::Stream {
            failure_type: FailureType::Transient,
            message: "The rate limit wait time is longer than the connector is allowed to wait.".to_owned(),
            retry_after: Some(seconds),
        });
    }
    Ok(seconds)
}
