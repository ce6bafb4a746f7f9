//! `HTTPAPIBudget` at work: each request reserves its place in time, and is told how long to wait for it.
//! Sleeps never itself, so that a clock that stands still stops nobody.

use std::collections::VecDeque;

use regex::{Regex, RegexBuilder};

use crate::fault::Failure;
use crate::host::{Method, Request};
use crate::model::budget::{Budget, Matcher, Rule};
use crate::model::text::Texts;
use crate::retrieve::failure::{system, template};
use crate::retrieve::{header, url};
use crate::template::Scope;
use crate::value::Value;
use crate::value::datetime::Span;

/// Calls of a window are remembered up to this number; a larger limit does not limit.
const MAXIMUM_REMEMBERED: usize = 1_000_000;

/// The budget of an API, and what was spent of it.
#[derive(Debug)]
pub struct Limiter {
    policies: Vec<Policy>,
    reset_header: String,
    remaining_header: String,
    status_codes: Vec<i64>,
}

#[derive(Debug)]
struct Policy {
    window: Window,
    matchers: Vec<Filter>,
}

#[derive(Debug)]
enum Window {
    Fixed { period: i64, limit: u64, spent: u64, reset: Option<i64> },
    Moving { rates: Vec<(usize, i64)>, calls: VecDeque<i64>, remembered: usize },
    Unlimited,
}

#[derive(Debug)]
struct Filter {
    method: Option<String>,
    url_base: Option<String>,
    path: Option<Regex>,
    parameters: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    weight: u64,
}

impl Limiter {
    /// Evaluates a budget.
    ///
    /// # Errors
    /// A template, a duration or a pattern is not well formed.
    pub fn new(budget: &Budget, scope: &Scope) -> Result<Self, Failure> {
        let policies = budget.policies.iter().map(|policy| {
            let matchers = policy.matchers.iter().map(|matcher| Filter::new(matcher, scope)).collect::<Result<_, _>>()?;
            Ok(Policy { window: Window::new(&policy.rule, scope)?, matchers })
        });
        Ok(Self {
            policies: policies.collect::<Result<_, Failure>>()?,
            reset_header: budget.reset_header.clone(),
            remaining_header: budget.remaining_header.clone(),
            status_codes: budget.status_codes.clone(),
        })
    }

    /// Reserves a place for a request; gives the seconds until then, if it is not now.
    ///
    /// # Errors
    /// The request weighs more than its window holds.
    pub fn acquire(&mut self, request: &Request, now: i64) -> Result<Option<f64>, Failure> {
        let Some((policy, weight)) = self.policy(request) else { return Ok(None) };
        let at = policy.window.reserve(weight, now)?;
        Ok((at > now).then(|| at.saturating_sub(now) as f64 / 1e6))
    }

    /// Hears what an answer says about the budget.
    pub fn observe(&mut self, request: &Request, status: u16, headers: &[(String, String)], now: i64) {
        let number = |name: &str| header::find(headers, name).and_then(|text| text.trim().parse::<i64>().ok());
        let remaining = number(&self.remaining_header).or_else(|| self.status_codes.contains(&i64::from(status)).then_some(0));
        let reset = number(&self.reset_header).and_then(|seconds| seconds.checked_mul(1_000_000));
        if let Some((policy, _)) = self.policy(request) {
            policy.window.correct(remaining.and_then(|number| u64::try_from(number).ok()), reset, now);
        }
    }

    fn policy(&mut self, request: &Request) -> Option<(&mut Policy, u64)> {
        self.policies.iter_mut().find_map(|policy| {
            if policy.matchers.is_empty() {
                return Some((policy, 1));
            }
            let weight = policy.matchers.iter().find(|matcher| matcher.fits(request)).map(|matcher| matcher.weight)?;
            Some((policy, weight))
        })
    }
}

fn micros(duration: &str) -> Result<i64, Failure> {
    let span = Span::parse_iso(duration).map_err(|_| system(format!("`{duration}` of the API budget is no ISO 8601 duration")))?;
    i64::try_from(span.micros()).ok().filter(|micros| *micros > 0).ok_or_else(|| system("a duration of the API budget is not positive"))
}

impl Window {
    fn new(rule: &Rule, scope: &Scope) -> Result<Self, Failure> {
        Ok(match rule {
            Rule::Unlimited => Self::Unlimited,
            Rule::Fixed { period, limit } => {
                let limit = u64::try_from(*limit).ok().filter(|limit| *limit > 0);
                Self::Fixed {
                    period: micros(period)?,
                    limit: limit.ok_or_else(|| system("`call_limit` is at least 1"))?,
                    spent: 0,
                    reset: None,
                }
            }
            Rule::Moving(rates) => {
                let mut all = Vec::new();
                for (limit, interval) in rates {
                    let value = limit.evaluate(scope).map_err(|error| template("`limit` of a rate", &error))?;
                    let limit = match &value {
                        Value::Str(text) => text.trim().parse().ok(),
                        other => other.as_int(),
                    };
                    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
                    all.push((limit.ok_or_else(|| system("`limit` of a rate gives no positive whole number"))?, micros(interval)?));
                }
                all.retain(|(limit, _)| *limit <= MAXIMUM_REMEMBERED);
                let remembered = all.iter().map(|(limit, _)| *limit).max().unwrap_or(0);
                Self::Moving { rates: all, calls: VecDeque::new(), remembered }
            }
        })
    }

    fn reserve(&mut self, weight: u64, now: i64) -> Result<i64, Failure> {
        let too_heavy = || system("a request weighs more than the API budget allows at once");
        match self {
            Self::Unlimited => Ok(now),
            Self::Fixed { period, limit, spent, reset } => {
                if weight > *limit {
                    return Err(too_heavy());
                }
                let end = *reset.get_or_insert(now.saturating_add(*period));
                let start = end.saturating_sub(*period);
                if now > end {
                    *reset = Some(now.saturating_add(*period));
                    *spent = weight;
                    return Ok(now);
                }
                if spent.saturating_add(weight) > *limit {
                    *reset = Some(end.saturating_add(*period));
                    *spent = weight;
                    return Ok(end);
                }
                *spent += weight;
                Ok(now.max(start))
            }
            Self::Moving { rates, calls, remembered } => {
                let weight = usize::try_from(weight).map_err(|_| too_heavy())?;
                let mut at = now.max(calls.back().copied().unwrap_or(now));
                for (limit, interval) in rates.iter() {
                    if weight > *limit {
                        return Err(too_heavy());
                    }
                    if let Some(index) = (calls.len() + weight).checked_sub(limit + 1)
                        && let Some(earlier) = calls.get(index)
                    {
                        at = at.max(earlier.saturating_add(*interval));
                    }
                }
                calls.extend(std::iter::repeat_n(at, weight));
                while calls.len() > *remembered {
                    calls.pop_front();
                }
                Ok(at)
            }
        }
    }

    fn correct(&mut self, remaining: Option<u64>, reset_at: Option<i64>, now: i64) {
        match self {
            Self::Unlimited => {}
            Self::Fixed { limit, spent, reset, .. } => {
                if let Some(remaining) = remaining.filter(|remaining| limit.saturating_sub(*spent) > *remaining) {
                    *spent = limit.saturating_sub(remaining);
                }
                if reset_at.is_some() {
                    *reset = reset_at;
                }
            }
            Self::Moving { rates, calls, remembered } => {
                if remaining == Some(0) && reset_at.is_none() {
                    let left = rates.iter().map(|(limit, _)| limit.saturating_sub(calls.len())).min().unwrap_or(0);
                    let at = now.max(calls.back().copied().unwrap_or(now));
                    calls.extend(std::iter::repeat_n(at, left.min(*remembered)));
                }
            }
        }
    }
}

impl Filter {
    fn new(matcher: &Matcher, scope: &Scope) -> Result<Self, Failure> {
        let path = matcher.path_pattern.as_deref().map(|pattern| {
            let built = RegexBuilder::new(pattern).size_limit(1 << 20).dfa_size_limit(1 << 20).build();
            built.map_err(|_| system("`url_path_pattern` of the API budget is not a regular expression that is supported"))
        });
        let weight = match &matcher.weight {
            Some(text) => {
                let value = text.evaluate(scope).map_err(|error| template("`weight`", &error))?.as_int();
                value
                    .and_then(|weight| u64::try_from(weight).ok())
                    .filter(|weight| *weight > 0)
                    .ok_or_else(|| system("`weight` is at least 1"))?
            }
            None => 1,
        };
        let texts = |texts: &Option<Texts>| {
            let source = texts.as_ref().map(Texts::source);
            let dict = source.as_ref().and_then(Value::as_dict);
            dict.into_iter().flatten().map(|(name, value)| (name.to_string(), value.python_str())).collect()
        };
        Ok(Self {
            method: matcher.method.clone(),
            url_base: matcher.url_base.as_deref().map(|base| base.trim_end_matches('/').to_owned()),
            path: path.transpose()?,
            parameters: texts(&matcher.parameters),
            headers: texts(&matcher.headers),
            weight,
        })
    }

    fn fits(&self, request: &Request) -> bool {
        let (base, path) = split(&request.url);
        let known = url::query_pairs(&request.url);
        self.method.as_deref().is_none_or(|method| method == method_name(request.method))
            && self.url_base.as_deref().is_none_or(|expected| expected == base)
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(path.trim_end_matches('/')))
            && self.parameters.iter().all(|pair| known.contains(pair))
            && self.headers.iter().all(|(name, value)| header::find(&request.headers, name) == Some(value))
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Report => "REPORT",
        Method::Propfind => "PROPFIND",
    }
}

fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url.get(host..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| host + at);
    let (base, rest) = url.split_at(path);
    (base, rest.split(['?', '#']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;
    use crate::model::text::Text;

    fn request(url: &str) -> Request {
        Request { method: Method::Get, url: url.to_owned(), headers: Vec::new(), body: None, credential: None }
    }

    fn limiter(rule: Rule, pattern: Option<&str>) -> Limiter {
        let matcher = Matcher {
            method: Some("GET".to_owned()),
            url_base: Some("https://x.com/".to_owned()),
            path_pattern: pattern.map(str::to_owned),
            parameters: None,
            headers: None,
            weight: None,
        };
        let policy = crate::model::budget::Policy { rule, matchers: vec![matcher] };
        let budget =
            Budget { policies: vec![policy], reset_header: "reset".into(), remaining_header: "left".into(), status_codes: vec![429] };
        Limiter::new(&budget, &Scope::new(0)).unwrap()
    }

    #[test]
    fn moving_windows_space_calls_out() {
        let rates = vec![(Text::constant(Value::Int(2)), "PT1S".to_owned())];
        let mut limiter = limiter(Rule::Moving(rates), Some("^/v1"));
        let asked = request("https://x.com/v1/a?b=1");
        let waits: Vec<_> = (0..5).map(|_| limiter.acquire(&asked, 0).unwrap()).collect();
        assert_eq!(waits, [None, None, Some(1.0), Some(1.0), Some(2.0)]);
        assert_eq!(limiter.acquire(&request("https://x.com/v2"), 0), Ok(None));
        assert_eq!(limiter.acquire(&request("https://y.com/v1"), 0), Ok(None));
    }

    #[test]
    fn fixed_windows_hear_the_api() {
        let mut limiter = limiter(Rule::Fixed { period: "PT1M".to_owned(), limit: 2 }, None);
        let asked = request("https://x.com/");
        assert_eq!(limiter.acquire(&asked, 0), Ok(None));
        limiter.observe(&asked, 429, &[("reset".to_owned(), "30".to_owned())], 0);
        assert_eq!(limiter.acquire(&asked, 0), Ok(Some(30.0)));
        assert_eq!(limiter.acquire(&asked, 31_000_000), Ok(None));
    }
}
