//! The pages of one slice as a state machine: it says what it wants next, and takes the answer.

use std::rc::Rc;

use crate::fault::{Failure, FailureType};
use crate::host::{FetchError, Host, Level, Observed, Request, Response};
use crate::model::error::Action;
use crate::retrieve::answer::Answer;
use crate::retrieve::attempt::{Again, Attempts};
use crate::retrieve::blind::Blind;
use crate::retrieve::error::{Resolution, Trouble, unanswered};
use crate::retrieve::failure::{config, system};
use crate::retrieve::repeat::Repetition;
use crate::retrieve::retriever::Pages;
use crate::retrieve::shrink::Shrink;
use crate::slice::{Judge, Options, Slice};
use crate::template::Scope;
use crate::value::Value;

/// What a slice adds to requests.
pub type Inject = Rc<dyn Fn(&Slice) -> Options>;

/// What a walk wants.
#[derive(Debug)]
pub enum Step {
    /// Send this; give the answer to [`Walk::receive`].
    Request(Request),
    /// Wait so many seconds, then ask again.
    Wait(f64),
    /// As [`Step::Wait`], for the API budget: nothing failed.
    Pace(f64),
    /// Nothing: the slice is read to its end.
    Done,
}

/// What an answer gave.
#[derive(Debug, Default)]
pub struct Page {
    /// Records that go to the gate; on the blind path they are there already.
    pub records: Vec<Value>,
    /// On the blind path: how many records went to the gate.
    pub emitted: u64,
    /// On the blind path: what was seen of the fields that were to be observed.
    pub observed: Vec<(String, Observed)>,
}

/// The pages of one slice.
pub struct PageWalk {
    pub(super) pages: Rc<Pages>,
    pub(super) inject: Inject,
    pub(super) blind: Option<Rc<Blind>>,
    /// As it was given.
    pub(super) original: Slice,
    /// As it is read: narrower after a reset.
    pub(super) slice: Slice,
    pub(super) token: Option<Value>,
    pub(super) shrink: Shrink,
    /// Windows that are still to be read, with the number of splits.
    pub(super) windows: Vec<(Slice, u32)>,
    pub(super) splits: u32,
    pub(super) chunks: super::chunk::Chunks,
    state: State,
    attempts: Attempts,
    failed: Option<Failure>,
    repetition: Repetition,
    keeping: bool,
    kept: Option<Answer>,
}

enum State {
    Build,
    Wait(f64, Option<Request>),
    Ready(Request),
    /// It has its place in the API's budget.
    Granted(Request),
    Awaiting(Request),
    Done,
}

/// What comes after a page.
pub(super) enum Turn {
    /// The next page, or the same anew with what was changed.
    Again,
    /// The next page after a wait.
    After(f64),
    /// This slice is read.
    End,
}

impl PageWalk {
    pub(super) fn new(pages: Rc<Pages>, slice: Slice, inject: Inject) -> Self {
        let token = pages.pager.first();
        let shrink = Shrink::new(pages.pager.page_size());
        let max_retries = pages.errors.max_retries();
        Self {
            pages,
            inject,
            blind: None,
            original: slice.clone(),
            slice,
            token,
            shrink,
            windows: Vec::new(),
            splits: 0,
            chunks: super::chunk::Chunks::default(),
            state: State::Build,
            attempts: Attempts::new(max_retries, 0),
            failed: None,
            repetition: Repetition::default(),
            keeping: false,
            kept: None,
        }
    }

    /// Keeps the answer instead of reading it.
    pub(super) fn keeping(mut self) -> Self {
        self.keeping = true;
        self
    }

    /// The answer that was kept.
    pub(super) fn kept(self) -> Option<Answer> {
        self.kept
    }

    /// Fails when it is asked the next time.
    pub(super) fn fail_next(&mut self, failure: Option<Failure>) {
        if failure.is_some() {
            self.failed = failure;
        }
    }

    /// What it wants next.
    ///
    /// # Errors
    /// The slice cannot be read any further; what was read before holds.
    pub fn next(&mut self, host: &dyn Host) -> Result<Step, Failure> {
        if let Some(failure) = self.failed.take() {
            self.state = State::Done;
            return Err(failure);
        }
        if matches!(self.state, State::Build) {
            let now = host.now_micros();
            let request = self.build(now)?;
            self.repetition.request(&request)?;
            self.attempts = Attempts::new(self.pages.errors.max_retries(), now);
            self.state = State::Ready(request);
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Wait(seconds, request) => {
                self.state = request.map_or(State::Build, State::Ready);
                Ok(Step::Wait(seconds))
            }
            State::Ready(request) => {
                if let Some(seconds) = self.pages.acquire(&request, host.now_micros())? {
                    self.state = State::Granted(request);
                    return Ok(Step::Pace(seconds));
                }
                Ok(self.send(request))
            }
            State::Granted(request) => Ok(self.send(request)),
            State::Awaiting(_) | State::Build => {
                Err(system("a walk was asked for its next step before it was given the answer to its last"))
            }
            State::Done => Ok(Step::Done),
        }
    }

    fn send(&mut self, request: Request) -> Step {
        self.attempts.begin();
        self.state = State::Awaiting(request.clone());
        Step::Request(request)
    }

    /// Takes the answer to the request that it asked for.
    ///
    /// # Errors
    /// The slice cannot be read any further; what was read before holds.
    pub fn receive(
        &mut self,
        host: &dyn Host,
        judge: Option<&dyn Judge>,
        answer: Result<Box<dyn Response>, FetchError>,
    ) -> Result<Page, Failure> {
        let State::Awaiting(request) = std::mem::replace(&mut self.state, State::Done) else {
            return Err(system("a walk was given an answer that it did not ask for"));
        };
        let answer = match answer {
            Ok(response) => Answer::new(response, self.blind.is_some()),
            Err(error) => return self.unanswered(host, request, error),
        };
        self.pages.observe(&request, &answer, host.now_micros());
        let scope = self.scope(host.now_micros());
        let resolution = match self.pages.errors.judge(&answer, &scope) {
            Ok(resolution) => resolution,
            Err(Trouble::Fetch(error)) => return self.unanswered(host, request, error),
            Err(Trouble::Failure(failure)) => return Err(failure),
        };
        match resolution.action {
            Action::Success => {}
            Action::Ignore => host.log(Level::Info, &format!("stream `{}`: {}", self.pages.name, resolution.message)),
            Action::Fail => return Err(fail(&resolution)),
            Action::Retry | Action::RateLimited | Action::RefreshTokenThenRetry => {
                if resolution.action == Action::RefreshTokenThenRetry {
                    self.renew(host, &answer)?;
                }
                self.again(host, request, &resolution, Some(&answer))?;
                return Ok(Page::default());
            }
            Action::ResetPagination => {
                let turn = self.reset(judge)?;
                self.turn(turn);
                return Ok(Page::default());
            }
            Action::ReducePageSize => {
                let turn = self.reduce()?;
                self.turn(turn);
                return Ok(Page::default());
            }
            Action::SplitRequestWindow => {
                let turn = self.split(judge)?;
                self.turn(turn);
                return Ok(Page::default());
            }
        }
        if self.keeping {
            self.kept = Some(answer);
            return Ok(Page::default());
        }
        self.accept(host, judge, &answer, &scope, request)
    }

    fn accept(
        &mut self,
        host: &dyn Host,
        judge: Option<&dyn Judge>,
        answer: &Answer,
        scope: &Scope,
        request: Request,
    ) -> Result<Page, Failure> {
        let mut page = Page::default();
        match self.read(answer, scope, judge, &mut page) {
            Ok(turn) => {
                self.repetition.answer(answer, &page)?;
                self.turn(turn);
            }
            Err(Trouble::Failure(failure)) => self.failed = Some(failure),
            Err(Trouble::Fetch(error)) if page.records.is_empty() && page.emitted == 0 => return self.unanswered(host, request, error),
            Err(Trouble::Fetch(error)) => self.failed = Some(lost(error)),
        }
        Ok(page)
    }

    fn turn(&mut self, turn: Turn) {
        self.state = match turn {
            Turn::Again => State::Build,
            Turn::After(seconds) => State::Wait(seconds, None),
            Turn::End => match self.windows.pop() {
                Some((slice, splits)) => {
                    self.begin(slice, splits);
                    State::Build
                }
                None => State::Done,
            },
        };
    }

    /// Begins with another window of the slice.
    pub(super) fn begin(&mut self, slice: Slice, splits: u32) {
        self.original = slice.clone();
        self.slice = slice;
        self.splits = splits;
        self.token = self.pages.pager.first();
        self.shrink = Shrink::new(self.pages.pager.page_size());
        self.repetition = Repetition::default();
    }

    fn unanswered(&mut self, host: &dyn Host, request: Request, error: FetchError) -> Result<Page, Failure> {
        match error {
            FetchError::Transport(message) => {
                self.again(host, request, &unanswered(&message), None)?;
                Ok(Page::default())
            }
            other => Err(lost(other)),
        }
    }

    /// Once for each request: a token that is rejected after it was renewed will not get better.
    fn renew(&mut self, host: &dyn Host, answer: &Answer) -> Result<(), Failure> {
        match self.attempts.renewed {
            Some(true) => return Err(config("Refreshed OAuth access token is rejected by the API.")),
            Some(false) => {
                let message = "API rejects the current OAuth access token and the token refresh failed.".to_owned();
                return Err(Failure::Stream { failure_type: FailureType::Transient, message, retry_after: None });
            }
            None => {}
        }
        let told =
            |what: &str| host.log(Level::Warn, &format!("stream `{}`: {what}; trying again with the present token", self.pages.name));
        match answer.response().renew_credential() {
            Ok(true) => self.attempts.renewed = Some(true),
            Ok(false) => told("the credential has no token that can be renewed"),
            Err(FetchError::Ended) => return Err(Failure::Ended),
            Err(FetchError::Credential { config: true, message }) => return Err(config(message)),
            Err(_) => {
                told("the token could not be renewed");
                self.attempts.renewed = Some(false);
            }
        }
        Ok(())
    }

    fn again(&mut self, host: &dyn Host, request: Request, resolution: &Resolution, answer: Option<&Answer>) -> Result<(), Failure> {
        let now = host.now_micros();
        let scope = self.scope(now);
        let given = match self.pages.errors.backoff(answer, self.attempts.sent(), &scope, now) {
            Ok(given) => given,
            Err(Trouble::Failure(failure)) => return Err(failure),
            Err(Trouble::Fetch(error)) => return Err(lost(error)),
        };
        let why = match (given, resolution.action) {
            (Some(seconds), _) => Again::Given(seconds),
            (None, Action::RateLimited) => Again::RateLimited,
            (None, _) => Again::Failed,
        };
        let Some(seconds) = self.attempts.wait(why, now) else {
            return Err(exhausted(resolution, answer.map(Answer::status)));
        };
        host.log(Level::Info, &format!("stream `{}`: another try in {seconds} seconds: {}", self.pages.name, resolution.message));
        self.state = State::Wait(seconds, Some(request));
        Ok(())
    }

    /// What templates of requests and answers see.
    pub(super) fn scope(&self, now: i64) -> Scope {
        let token = match &self.token {
            Some(token) => Value::dict(std::iter::once(("next_page_token".into(), token.clone())).collect()),
            None => Value::None,
        };
        let mut scope = self.slice.bind(&self.pages.scope.at(now)).with("next_page_token", token);
        for (name, value) in &self.slice.extra {
            scope = scope.with(name.to_string(), value.clone());
        }
        scope
    }

    fn build(&mut self, now: i64) -> Result<Request, Failure> {
        let scope = self.scope(now);
        let slicer = (self.inject)(&self.slice);
        let path = self.pages.pager.path(self.token.as_ref());
        let options = self.pages.pager.options(self.token.as_ref(), self.shrink.size());
        let skip = self.token.is_some() && self.pages.ignore_slicer_on_paginated_requests;
        self.pages.build(&scope, path.as_deref(), &options, (!skip).then_some(&slicer), self.chunks.current(&self.pages))
    }
}

fn fail(resolution: &Resolution) -> Failure {
    Failure::Stream { failure_type: resolution.failure_type, message: resolution.message.clone(), retry_after: None }
}

fn exhausted(resolution: &Resolution, status: Option<u16>) -> Failure {
    if status == Some(429) {
        return Failure::Stream { failure_type: FailureType::Transient, message: "API rate limit exceeded.".to_owned(), retry_after: None };
    }
    let message = format!("Exhausted available request attempts. {}", resolution.message);
    Failure::Stream { failure_type: resolution.failure_type, message, retry_after: None }
}

/// The failure of a stream whose request the host could not bring to its end.
pub(super) fn lost(error: FetchError) -> Failure {
    match error {
        FetchError::Ended => Failure::Ended,
        FetchError::Transport(message) => system(format!("a response was lost on the way: {message}")),
        FetchError::TooLarge => system("a response is larger than the host allows"),
        FetchError::Malformed(message) => system(format!("a request is not well formed: {message}")),
        FetchError::Credential { config: true, message } => config(message),
        FetchError::Credential { config: false, message } => system(message),
    }
}
