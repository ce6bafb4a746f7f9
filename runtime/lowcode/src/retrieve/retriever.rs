//! Retrievers, ready: everything that needs the configuration only is evaluated once.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use crate::fault::Failure;
use crate::host::Request;
use crate::model::decoder::Decoder;
use crate::model::retriever::{PageSizeReduction, PaginationReset, RequestWindowSplitting, SimpleRetriever};
use crate::model::text::Text;
use crate::retrieve::Setup;
use crate::retrieve::answer::Answer;
use crate::retrieve::blind::Blind;
use crate::retrieve::budget::Limiter;
use crate::retrieve::chunk::Plan;
use crate::retrieve::decode;
use crate::retrieve::error::{Errors, Trouble};
use crate::retrieve::failure::system;
use crate::retrieve::paginate::{Pager, Seen};
use crate::retrieve::request::{Builder, Extra, Particular};
use crate::retrieve::select::Selector;
use crate::retrieve::walk::{Page, PageWalk, Turn};
use crate::slice::{Judge, Options};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// What all walks of a retriever share.
pub struct Pages {
    pub(super) name: String,
    pub(super) scope: Scope,
    pub(super) builder: Builder,
    pub(super) errors: Errors,
    pub(super) pager: Pager,
    pub(super) selector: Selector,
    pub(super) decoder: Decoder,
    pub(super) data_feed: bool,
    pub(super) ignore_slicer_on_paginated_requests: bool,
    pub(super) pagination_reset: Option<PaginationReset>,
    pub(super) page_size_reduction: Option<PageSizeReduction>,
    pub(super) request_window_splitting: Option<RequestWindowSplitting>,
    /// Which fields are asked for, once that is known.
    pub(super) plan: OnceCell<Plan>,
    limiter: Option<Rc<RefCell<Limiter>>>,
}

impl Pages {
    /// Evaluates a retriever's templates.
    ///
    /// # Errors
    /// One of them fails.
    pub fn new(model: &SimpleRetriever, setup: &Setup<'_>) -> Result<Self, Failure> {
        Ok(Self {
            name: setup.name.to_owned(),
            scope: setup.scope.clone(),
            builder: Builder::new(&model.requester),
            errors: Errors::new(model.requester.error_handler.as_ref(), setup.scope)?,
            pager: Pager::new(&model.paginator, setup.scope)?,
            selector: Selector::new(&model.record_selector, setup)?,
            decoder: model.decoder.clone(),
            data_feed: setup.data_feed,
            ignore_slicer_on_paginated_requests: model.ignore_slicer_on_paginated_requests,
            pagination_reset: model.pagination_reset,
            page_size_reduction: model.page_size_reduction.clone(),
            request_window_splitting: model.request_window_splitting.clone(),
            plan: OnceCell::new(),
            limiter: setup.shared.limiter.clone(),
        })
    }

    /// Builds a request.
    pub(super) fn build(
        &self,
        scope: &Scope,
        path: Option<&str>,
        pager: &Options,
        slicer: Option<&Options>,
        properties: Option<&str>,
    ) -> Result<Request, Failure> {
        let extra = Extra::combine(pager, slicer)?;
        self.builder.build(&Particular { scope, path, extra: &extra, properties })
    }

    /// Seconds to wait before a request may be sent, if the API's budget says so.
    pub(super) fn acquire(&self, request: &Request, now: i64) -> Result<Option<f64>, Failure> {
        match &self.limiter {
            Some(limiter) => limiter.try_borrow_mut().map_err(|_| system("the API budget is in use"))?.acquire(request, now),
            None => Ok(None),
        }
    }

    /// Tells the API's budget what an answer says of it.
    pub(super) fn observe(&self, request: &Request, answer: &Answer, now: i64) {
        if let Some(limiter) = &self.limiter
            && let Ok(mut limiter) = limiter.try_borrow_mut()
        {
            limiter.observe(request, answer.status(), answer.headers(), now);
        }
    }
}

impl PageWalk {
    /// Reads a page and finds what comes after it.
    pub(super) fn read(&mut self, answer: &Answer, scope: &Scope, judge: Option<&dyn Judge>, page: &mut Page) -> Result<Turn, Trouble> {
        let pages = Rc::clone(&self.pages);
        self.shrink.worked(pages.page_size_reduction.as_ref());
        if !answer.is_ok() {
            return Ok(match self.chunks.take(&pages, Vec::new(), 0)? {
                (_, None) => Turn::Again,
                (_, Some(_)) => Turn::End,
            });
        }
        let summary = match self.blind.clone() {
            Some(blind) => self.read_blind(&blind, answer, scope, page)?,
            None => match self.read_open(answer, scope, judge, page)? {
                Some(summary) => summary,
                None => return Ok(Turn::Again),
            },
        };
        if let Some(limit) = pages.pagination_reset.and_then(|reset| reset.number_of_records)
            && self.shrink.records() >= limit
        {
            return Ok(self.reset(judge)?);
        }
        if let Some(judge) = judge.filter(|_| pages.data_feed)
            && summary.last.is_truthy()
            && !judge.wanted(&self.slice, &summary.last).map_err(system)?
        {
            return Ok(Turn::End);
        }
        let decoded = |texts: &[&Text]| match answer.response_for(texts, || match decode::first(&pages.decoder, answer) {
            Ok(value) => Ok(value),
            Err(Trouble::Fetch(error)) => Err(error),
            Err(Trouble::Failure(_)) => Ok(Value::dict(Dict::new())),
        }) {
            Ok(value) => Ok(value),
            Err(error) => Err(error),
        };
        let seen = Seen {
            answer,
            decoded: &decoded,
            extracted: summary.extracted,
            kept: summary.kept,
            last_record: summary.last,
            page_size_override: self.shrink.size(),
        };
        let next = pages.pager.next(&seen, self.token.as_ref(), &scope.with("next_page_token", Value::None))?;
        Ok(match next {
            Some(token) => {
                self.token = Some(token);
                Turn::Again
            }
            None => Turn::End,
        })
    }

    fn read_open(
        &mut self,
        answer: &Answer,
        scope: &Scope,
        judge: Option<&dyn Judge>,
        page: &mut Page,
    ) -> Result<Option<Summary>, Trouble> {
        let pages = Rc::clone(&self.pages);
        let bodies = decode::decode(&pages.decoder, answer)?;
        let mut slice = self.slice.clone();
        let mut scope = scope.with("next_page_token", Value::None);
        if let Some(fields) = self.chunks.fields(&pages) {
            slice.extra = Dict::from_iter([("query_properties".into(), Value::list(fields.iter().map(Value::str).collect()))]);
            scope = slice.bind(&scope);
        }
        let selected = pages.selector.select(&bodies, &slice, &scope, judge);
        let field = judge.map(Judge::field);
        let (passed, whole) = self.chunks.take(&pages, selected.records, selected.extracted)?;
        let mut records = passed;
        let summary = whole.map(|whole| {
            records.extend(whole.merged);
            Summary { extracted: whole.extracted, kept: whole.kept, last: whole.last.unwrap_or(Value::None) }
        });
        self.shrink.saw(&records, field);
        if let Some(judge) = judge.filter(|_| pages.data_feed) {
            let mut failed = None;
            records.retain(|record| match judge.wanted(&self.slice, record) {
                Ok(wanted) => wanted,
                Err(message) => {
                    failed.get_or_insert(message);
                    false
                }
            });
            if let Some(message) = failed {
                return Err(system(message).into());
            }
        }
        page.records = records;
        match selected.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(summary),
        }
    }

    fn read_blind(&mut self, blind: &Blind, answer: &Answer, scope: &Scope, page: &mut Page) -> Result<Summary, Trouble> {
        let request = blind.page(&self.slice, scope)?;
        let outcome = answer.response().emit_page(blind.stream, &request)?;
        blind.check(answer, &outcome)?;
        page.emitted = outcome.extracted;
        let last = blind.last_record(&request, &outcome);
        page.observed = request.observe.into_iter().zip(outcome.observed).collect();
        Ok(Summary { extracted: outcome.extracted, kept: outcome.extracted, last })
    }
}

/// What pagination needs to know of a page.
struct Summary {
    extracted: u64,
    kept: u64,
    last: Value,
}
