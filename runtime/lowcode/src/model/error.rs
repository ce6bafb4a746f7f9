//! Error handlers, response filters and waiting strategies.

use crate::fault::{FailureType, Kind};
use crate::model::reader::{Fields, Reader};
use crate::model::text::Text;
use crate::yaml::Node;

/// What becomes of an answer.
#[derive(Clone, Debug)]
pub enum ErrorHandler {
    /// `DefaultErrorHandler`.
    Default(DefaultErrorHandler),
    /// `CompositeErrorHandler`.
    Composite(Vec<ErrorHandler>),
}

/// `DefaultErrorHandler`.
#[derive(Clone, Debug, Default)]
pub struct DefaultErrorHandler {
    /// The first that matches decides.
    pub filters: Vec<ResponseFilter>,
    /// A template that gives a whole number; 5 if absent.
    pub max_retries: Option<Text>,
    /// The first that gives a time decides.
    pub backoff: Vec<Backoff>,
}

/// `HttpResponseFilter`.
#[derive(Clone, Debug)]
pub struct ResponseFilter {
    /// What to do; a filter without it matches nothing.
    pub action: Option<Action>,
    /// Whose fault a failure is.
    pub failure_type: Option<FailureType>,
    /// Status codes that match.
    pub http_codes: Vec<i64>,
    /// Matches if it is in the body's error text.
    pub error_message_contains: Option<String>,
    /// Matches if it is true.
    pub predicate: Option<Text>,
    /// Instead of the usual text.
    pub error_message: Option<Text>,
}

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are the language's own")]
pub enum Action {
    Success,
    Fail,
    Retry,
    Ignore,
    ResetPagination,
    RateLimited,
    RefreshTokenThenRetry,
    ReducePageSize,
    SplitRequestWindow,
}

/// How long to wait before another try.
#[derive(Clone, Debug)]
pub enum Backoff {
    /// `ConstantBackoffStrategy`.
    Constant {
        /// How long.
        seconds: Text,
        /// Up to twice as much is added.
        jitter: Option<f64>,
    },
    /// `ExponentialBackoffStrategy`.
    Exponential {
        /// Of powers of two; 5 if absent.
        factor: Option<Text>,
        /// Up to twice as much is added.
        jitter: Option<f64>,
    },
    /// `WaitTimeFromHeader`.
    HeaderSeconds {
        /// Which header.
        header: Text,
        /// What of it is the number.
        regex: Option<Text>,
        /// Longer waits fail.
        maximum: Option<Text>,
    },
    /// `WaitUntilTimeFromHeader`.
    HeaderMoment {
        /// Which header.
        header: Text,
        /// Shorter waits last so long.
        min_wait: Option<Text>,
        /// What of it is the number.
        regex: Option<Text>,
        /// Longer waits fail.
        maximum: Option<Text>,
    },
    /// `WaitTimeFromResponse`.
    Response {
        /// How long.
        seconds: Text,
        /// Longer waits fail.
        maximum: Option<Text>,
    },
}

/// Reads an error handler.
pub fn read_error_handler(node: &Node, reader: &mut Reader) -> Option<ErrorHandler> {
    let mut fields = reader.component(node, &["DefaultErrorHandler", "CompositeErrorHandler"])?;
    if fields.kind == "CompositeErrorHandler" {
        let handlers = fields.each(reader, "error_handlers", |reader, node| read_error_handler(node, reader));
        fields.end(reader);
        if handlers.is_empty() {
            reader.fault(node, Kind::Invalid, "`error_handlers` needs at least one handler");
            return None;
        }
        return Some(ErrorHandler::Composite(handlers));
    }
    let handler = DefaultErrorHandler {
        filters: fields.each(reader, "response_filters", |reader, node| read_filter(node, reader)),
        max_retries: fields.text(reader, "max_retries"),
        backoff: fields.each(reader, "backoff_strategies", |reader, node| read_backoff(node, reader)),
    };
    fields.end(reader);
    Some(ErrorHandler::Default(handler))
}

fn read_filter(node: &Node, reader: &mut Reader) -> Option<ResponseFilter> {
    let mut fields = reader.component(node, &["HttpResponseFilter"])?;
    let action = fields.read(reader, "action", |reader, node| read_action(node, reader));
    let failure_type = fields.read(reader, "failure_type", |reader, node| read_failure_type(node, reader));
    let filter = ResponseFilter {
        action,
        failure_type,
        http_codes: fields.each(reader, "http_codes", Reader::integer),
        error_message_contains: fields.word(reader, "error_message_contains").filter(|text| !text.is_empty()),
        predicate: fields.text(reader, "predicate").filter(|text| !text.source().is_empty()),
        error_message: fields.text(reader, "error_message").filter(|text| !text.source().is_empty()),
    };
    fields.end(reader);
    Some(filter)
}

fn read_action(node: &Node, reader: &mut Reader) -> Option<Action> {
    Some(match reader.word(node)?.as_str() {
        "SUCCESS" => Action::Success,
        "FAIL" => Action::Fail,
        "RETRY" => Action::Retry,
        "IGNORE" => Action::Ignore,
        "RESET_PAGINATION" => Action::ResetPagination,
        "RATE_LIMITED" => Action::RateLimited,
        "REFRESH_TOKEN_THEN_RETRY" => Action::RefreshTokenThenRetry,
        "REDUCE_PAGE_SIZE" => Action::ReducePageSize,
        "SPLIT_REQUEST_WINDOW" => Action::SplitRequestWindow,
        _ => {
            reader.fault(
                node,
                Kind::Unsupported,
                "expected SUCCESS, FAIL, RETRY, IGNORE, RESET_PAGINATION, RATE_LIMITED, REFRESH_TOKEN_THEN_RETRY, REDUCE_PAGE_SIZE or SPLIT_REQUEST_WINDOW",
            );
            return None;
        }
    })
}

fn read_failure_type(node: &Node, reader: &mut Reader) -> Option<FailureType> {
    Some(match reader.word(node)?.as_str() {
        "system_error" => FailureType::System,
        "config_error" => FailureType::Config,
        "transient_error" => FailureType::Transient,
        _ => {
            reader.fault(node, Kind::Unsupported, "expected system_error, config_error or transient_error");
            return None;
        }
    })
}

fn read_backoff(node: &Node, reader: &mut Reader) -> Option<Backoff> {
    let kinds =
        ["ConstantBackoffStrategy", "ExponentialBackoffStrategy", "WaitTimeFromHeader", "WaitUntilTimeFromHeader", "WaitTimeFromResponse"];
    let mut fields = reader.component(node, &kinds)?;
    let backoff = match fields.kind {
        "ConstantBackoffStrategy" => fields
            .require_text(reader, "backoff_time_in_seconds")
            .map(|seconds| Backoff::Constant { seconds, jitter: read_jitter(&mut fields, reader) }),
        "ExponentialBackoffStrategy" => {
            Some(Backoff::Exponential { factor: fields.text(reader, "factor"), jitter: read_jitter(&mut fields, reader) })
        }
        "WaitTimeFromHeader" => fields.require_text(reader, "header").map(|header| Backoff::HeaderSeconds {
            header,
            regex: fields.text(reader, "regex"),
            maximum: fields.text(reader, "max_waiting_time_in_seconds"),
        }),
        "WaitUntilTimeFromHeader" => fields.require_text(reader, "header").map(|header| Backoff::HeaderMoment {
            header,
            min_wait: fields.text(reader, "min_wait"),
            regex: fields.text(reader, "regex"),
            maximum: fields.text(reader, "max_waiting_time_in_seconds"),
        }),
        _ => fields
            .require_text(reader, "wait_time_in_seconds")
            .map(|seconds| Backoff::Response { seconds, maximum: fields.text(reader, "max_waiting_time_in_seconds") }),
    };
    fields.end(reader);
    backoff
}

fn read_jitter(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<f64> {
    let jitter = fields.number(reader, "jitter_range_in_seconds")?;
    if jitter < 0.0 {
        reader.fault(fields.node, Kind::Invalid, "`jitter_range_in_seconds` is not negative");
        return None;
    }
    Some(jitter)
}
