//! `HTTPAPIBudget`: how many requests an API takes in how much time.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::model::text::{Text, Texts};
use crate::yaml::Node;

/// `HTTPAPIBudget`.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The first whose matchers fit a request holds for it.
    pub policies: Vec<Policy>,
    /// The header that says when the count begins anew.
    pub reset_header: String,
    /// The header that says how many calls are left.
    pub remaining_header: String,
    /// Status codes that say that none is left.
    pub status_codes: Vec<i64>,
}

/// One policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many.
    pub rule: Rule,
    /// Which requests; none means all.
    pub matchers: Vec<Matcher>,
}

/// How many.
#[derive(Clone, Debug)]
pub enum Rule {
    /// `FixedWindowCallRatePolicy`.
    Fixed {
        /// ISO 8601 duration.
        period: String,
        /// Calls in it.
        limit: i64,
    },
    /// `MovingWindowCallRatePolicy`: limits and ISO 8601 durations, all of which hold.
    Moving(Vec<(Text, String)>),
    /// `UnlimitedCallRatePolicy`.
    Unlimited,
}

/// `HttpRequestRegexMatcher`.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// In upper case.
    pub method: Option<String>,
    /// Scheme and host.
    pub url_base: Option<String>,
    /// Regular expression for the path.
    pub path_pattern: Option<String>,
    /// Query parameters it must have.
    pub parameters: Option<Texts>,
    /// Headers it must have.
    pub headers: Option<Texts>,
    /// How many calls it counts for.
    pub weight: Option<Text>,
}

/// Reads an `HTTPAPIBudget`.
pub fn read_budget(node: &Node, reader: &mut Reader) -> Option<Budget> {
    let mut fields = reader.component(node, &["HTTPAPIBudget"])?;
    let codes = fields.read(reader, "status_codes_for_ratelimit_hit", |reader, node| Some(reader.items(node, Reader::integer)));
    let budget = Budget {
        policies: fields.each(reader, "policies", |reader, node| read_policy(node, reader)),
        reset_header: fields.word(reader, "ratelimit_reset_header").unwrap_or_else(|| "ratelimit-reset".to_owned()),
        remaining_header: fields.word(reader, "ratelimit_remaining_header").unwrap_or_else(|| "ratelimit-remaining".to_owned()),
        status_codes: codes.unwrap_or_else(|| vec![429]),
    };
    fields.ignore(&["maximum_attempts_to_acquire"]);
    fields.end(reader);
    Some(budget)
}

fn read_policy(node: &Node, reader: &mut Reader) -> Option<Policy> {
    let kinds = ["FixedWindowCallRatePolicy", "MovingWindowCallRatePolicy", "UnlimitedCallRatePolicy"];
    let mut fields = reader.component(node, &kinds)?;
    let matchers = fields.each(reader, "matchers", |reader, node| read_matcher(node, reader));
    let rule = match fields.kind {
        "FixedWindowCallRatePolicy" => {
            let period = fields.require_word(reader, "period");
            let limit = fields.require(reader, "call_limit", Reader::integer);
            period.zip(limit).map(|(period, limit)| Rule::Fixed { period, limit })
        }
        "MovingWindowCallRatePolicy" => {
            let rates = fields.each(reader, "rates", |reader, node| {
                let mut fields = reader.component(node, &["Rate"])?;
                let limit = fields.require_text(reader, "limit");
                let interval = fields.require_word(reader, "interval");
                fields.end(reader);
                limit.zip(interval)
            });
            if rates.is_empty() {
                reader.fault(node, Kind::Invalid, "`rates` needs at least one rate");
            }
            Some(Rule::Moving(rates))
        }
        _ => Some(Rule::Unlimited),
    };
    fields.end(reader);
    Some(Policy { rule: rule?, matchers })
}

fn read_matcher(node: &Node, reader: &mut Reader) -> Option<Matcher> {
    let mut fields = reader.component(node, &["HttpRequestRegexMatcher"])?;
    let matcher = Matcher {
        method: fields.word(reader, "method").map(|method| method.to_uppercase()),
        url_base: fields.word(reader, "url_base"),
        path_pattern: fields.word(reader, "url_path_pattern"),
        parameters: fields.texts(reader, "params"),
        headers: fields.texts(reader, "headers"),
        weight: fields.text(reader, "weight"),
    };
    fields.end(reader);
    Some(matcher)
}
