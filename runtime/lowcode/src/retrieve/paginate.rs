//! How the token of the next page is made, and where it goes in a request.

use crate::fault::Failure;
use crate::host::FetchError;
use crate::model::paginator::{Paginator, Strategy};
use crate::model::requester::Target;
use crate::model::text::Text;
use crate::retrieve::answer::Answer;
use crate::retrieve::error::Trouble;
use crate::retrieve::failure::{config, system, template};
use crate::retrieve::header;
use crate::retrieve::request::Injection;
use crate::slice::Options;
use crate::template::Scope;
use crate::value::Value;

/// A paginator, ready.
#[derive(Clone, Debug)]
pub struct Pager {
    page_size_option: Option<Injection>,
    token_option: Option<TokenOption>,
    strategy: Option<Strategy>,
    page_size: Option<i64>,
}

#[derive(Clone, Debug)]
enum TokenOption {
    Injection(Injection),
    Path,
}

/// What is known of a page once it is read.
pub struct Seen<'s> {
    /// The answer.
    pub answer: &'s Answer,
    /// The decoded body as paginators see it.
    pub decoded: &'s dyn Fn(&[&Text]) -> Result<Value, FetchError>,
    /// Records found, before any filter.
    pub extracted: u64,
    /// Records left.
    pub kept: u64,
    /// The last record left.
    pub last_record: Value,
    /// Instead of the configured page size.
    pub page_size_override: Option<i64>,
}

impl Pager {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// A page size is no whole number.
    pub fn new(paginator: &Paginator, scope: &Scope) -> Result<Self, Failure> {
        let Paginator::Default(paginator) = paginator else {
            return Ok(Self { page_size_option: None, token_option: None, strategy: None, page_size: None });
        };
        let page_size = match paginator.strategy.page_size() {
            Some(text) => whole(&text.evaluate(scope).map_err(|error| template("`page_size`", &error))?)?,
            None => None,
        };
        let token_option = match &paginator.page_token_option {
            Some(Target::Option(option)) => Some(TokenOption::Injection(Injection::new(option, scope)?)),
            Some(Target::Path) => Some(TokenOption::Path),
            None => None,
        };
        let page_size_option = paginator.page_size_option.as_ref().map(|option| Injection::new(option, scope)).transpose()?;
        Ok(Self { page_size_option, token_option, strategy: Some(paginator.strategy.clone()), page_size })
    }

    /// The configured page size.
    #[must_use]
    pub fn page_size(&self) -> Option<i64> {
        self.page_size
    }

    /// The token of the first page.
    #[must_use]
    pub fn first(&self) -> Option<Value> {
        match &self.strategy {
            Some(Strategy::Page { start, inject_on_first_request: true, .. }) => Some(Value::Int((*start).into())),
            Some(Strategy::Offset { inject_on_first_request: true, .. }) => Some(Value::Int(0)),
            _ => None,
        }
    }

    /// What it adds to a request.
    #[must_use]
    pub fn options(&self, token: Option<&Value>, page_size_override: Option<i64>) -> Options {
        let mut options = Options::default();
        if let (Some(TokenOption::Injection(injection)), Some(token)) = (&self.token_option, token) {
            injection.put(&mut options, token.clone());
        }
        let size = page_size_override.or(self.page_size).filter(|size| *size != 0);
        if let (Some(injection), Some(size)) = (&self.page_size_option, size) {
            injection.put(&mut options, Value::Int(size.into()));
        }
        options
    }

    /// The token as the request's path.
    #[must_use]
    pub fn path(&self, token: Option<&Value>) -> Option<String> {
        match (&self.token_option, token) {
            (Some(TokenOption::Path), Some(token)) if token.is_truthy() => Some(token.python_str()),
            _ => None,
        }
    }

    /// The token of the next page; none means there is none.
    ///
    /// # Errors
    /// A template fails, or the host cannot give what it reads.
    pub fn next(&self, seen: &Seen<'_>, last: Option<&Value>, scope: &Scope) -> Result<Option<Value>, Trouble> {
        match &self.strategy {
            None => Ok(None),
            Some(Strategy::Page { start, .. }) => {
                if seen.page_size_override.is_some() {
                    return Err(config(
                        "`PageIncrement` cannot go on with a smaller page size; `OffsetIncrement` and `CursorPagination` can",
                    )
                    .into());
                }
                if self.is_last(seen.extracted, self.page_size) {
                    return Ok(None);
                }
                Ok(Some(counted(last, i128::from(*start), 1)?))
            }
            Some(Strategy::Offset { page_size, .. }) => {
                let size = match (seen.page_size_override, page_size) {
                    (Some(size), _) => Some(size),
                    (None, Some(text)) if text.uses().iter().any(|one| one.root == "response") => {
                        let scope = scope.with("response", (seen.decoded)(&[text])?);
                        whole(&text.evaluate(&scope).map_err(|error| template("`page_size`", &error))?)?
                    }
                    _ => self.page_size,
                };
                if self.is_last(seen.extracted, size) {
                    return Ok(None);
                }
                Ok(Some(counted(last, 0, i128::from(seen.extracted))?))
            }
            Some(Strategy::Cursor { cursor_value, stop_condition, .. }) => self.cursor(seen, cursor_value, stop_condition.as_ref(), scope),
        }
    }

    fn is_last(&self, extracted: u64, size: Option<i64>) -> bool {
        extracted == 0 || size.is_some_and(|size| size != 0 && i128::from(extracted) < i128::from(size))
    }

    fn cursor(&self, seen: &Seen<'_>, value: &Text, stop: Option<&Text>, scope: &Scope) -> Result<Option<Value>, Trouble> {
        let mut texts = vec![value];
        texts.extend(stop);
        let mut scope = scope
            .with("response", (seen.decoded)(&texts)?)
            .with_any_case("headers", Value::dict(header::with_links(seen.answer.headers())))
            .with("last_page_size", Value::Int(seen.kept.into()));
        if let Some(size) = seen.page_size_override.or(self.page_size) {
            scope = scope.with("page_size", Value::Int(size.into()));
        }
        scope = match &seen.last_record {
            Value::Dict(_) => {
                let data = std::iter::once(("data".into(), seen.last_record.clone())).collect();
                scope.with_attributes("last_record", seen.last_record.clone(), std::sync::Arc::new(data))
            }
            other => scope.with("last_record", other.clone()),
        };
        if let Some(stop) = stop
            && stop.evaluate_boolean(&scope).map_err(|error| template("`stop_condition`", &error))?
        {
            return Ok(None);
        }
        let token = value.evaluate(&scope).map_err(|error| template("`cursor_value`", &error))?;
        Ok(Some(token).filter(Value::is_truthy))
    }
}

fn counted(last: Option<&Value>, start: i128, step: i128) -> Result<Value, Failure> {
    let last = match last {
        None => start,
        Some(Value::Int(last)) => *last,
        Some(_) => return Err(system("the last page's token is no whole number")),
    };
    last.checked_add(step).map(Value::Int).ok_or_else(|| system("the page's number is too large"))
}

fn whole(value: &Value) -> Result<Option<i64>, Failure> {
    match value {
        Value::Int(number) => i64::try_from(*number).map(Some).map_err(|_| system("`page_size` is too large")),
        Value::Bool(flag) => Ok(Some(i64::from(*flag))),
        other => Err(system(format!("`page_size` gives {}; a whole number is expected", other.type_name()))),
    }
}
