//! Records that come through jobs: start one, ask for its status, download what it made, remove it.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::fault::{Failure, FailureType};
use crate::host::{FetchError, Host, Response};
use crate::model::asynchronous::{AsyncRetriever, StatusMapping};
use crate::model::decoder::{Decoder, Encoding};
use crate::model::paginator::Paginator;
use crate::model::requester::Requester;
use crate::model::retriever::SimpleRetriever;
use crate::model::selector::{Extractor, RecordSelector};
use crate::model::text::Text;
use crate::retrieve::Setup;
use crate::retrieve::decode;
use crate::retrieve::error::Trouble;
use crate::retrieve::extract::Finder;
use crate::retrieve::failure::{config, system, template};
use crate::retrieve::header;
use crate::retrieve::retriever::Pages;
use crate::retrieve::select::Selector;
use crate::retrieve::walk::{Page, PageWalk, Step, lost};
use crate::slice::{Judge, Options, Slice};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// Seconds between two questions for a job's status.
const BETWEEN_POLLS: f64 = 5.0;
/// A slice's job is started so often at most.
const MAXIMUM_ATTEMPTS: u32 = 3;

/// Texts that mean "not available" in tables.
const NOT_AVAILABLE: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None",
    "n/a", "nan", "null",
];

/// An asynchronous retriever, ready.
pub struct Jobs {
    scope: Scope,
    selector: Selector,
    statuses: BTreeMap<String, Status>,
    status_finder: Finder,
    target_finder: Option<Finder>,
    decoder: Decoder,
    creation: Rc<Pages>,
    polling: Rc<Pages>,
    target: Option<Rc<Pages>>,
    download: Rc<Pages>,
    abort: Option<Rc<Pages>>,
    delete: Option<Rc<Pages>>,
    timeout: f64,
    failed_wait: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Running,
    Completed,
    Failed,
    TimedOut,
    Skipped,
}

fn statuses(mapping: &StatusMapping) -> BTreeMap<String, Status> {
    let pairs = [
        (&mapping.running, Status::Running),
        (&mapping.completed, Status::Completed),
        (&mapping.failed, Status::Failed),
        (&mapping.timeout, Status::TimedOut),
        (&mapping.skipped, Status::Skipped),
    ];
    pairs.into_iter().flat_map(|(words, status)| words.iter().map(move |word| (word.clone(), status))).collect()
}

impl Jobs {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// A template fails, or the manifest lacks a part.
    pub fn new(model: &AsyncRetriever, setup: &Setup<'_>) -> Result<Self, Failure> {
        if model.download_target_requester.is_some() && model.download_target_extractor.is_none() {
            return Err(config("`download_target_requester` needs a `download_target_extractor`"));
        }
        let single = |requester: &Requester| single(requester, &model.decoder, setup);
        let optional = |requester: &Option<Requester>| requester.as_ref().map(single).transpose();
        Ok(Self {
            scope: setup.scope.clone(),
            selector: Selector::new(&model.record_selector, setup)?,
            statuses: statuses(&model.status_mapping),
            status_finder: Finder::new(&model.status_extractor, setup.scope)?,
            target_finder: model.download_target_extractor.as_ref().map(|extractor| Finder::new(extractor, setup.scope)).transpose()?,
            decoder: model.decoder.clone(),
            creation: single(&model.creation_requester)?,
            polling: single(&model.polling_requester)?,
            target: optional(&model.download_target_requester)?,
            download: download(model, setup)?,
            abort: optional(&model.abort_requester)?,
            delete: optional(&model.delete_requester)?,
            timeout: minutes(model.polling_job_timeout.as_ref(), setup.scope)?.unwrap_or(60.0) * 60.0,
            failed_wait: minutes(model.failed_retry_wait_time.as_ref(), setup.scope)?,
        })
    }

    fn status(&self, bodies: &[Value]) -> Result<Status, Failure> {
        let found = self.status_finder.find(bodies)?;
        let word = found.records.first().map_or_else(|| "None".to_owned(), Value::python_str);
        self.statuses.get(&word).copied().ok_or_else(|| system("the API gave a job a status that `status_mapping` does not know"))
    }
}

fn minutes(text: Option<&Text>, scope: &Scope) -> Result<Option<f64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let value = text.evaluate(scope).map_err(|error| template("a job's waiting time", &error))?;
    let number = match &value {
        Value::Str(text) => text.trim().parse::<i64>().ok().map(|number| number as f64),
        other => other.as_f64(),
    };
    number.filter(|number| *number > 0.0).map(Some).ok_or_else(|| system("a job's waiting time is no positive number"))
}

fn everything() -> RecordSelector {
    RecordSelector {
        extractor: Extractor::Path { path: Vec::new(), expander: None },
        filter: None,
        normalize: false,
        transform_before_filtering: None,
    }
}

fn plain(requester: &Requester, decoder: Decoder, record_selector: RecordSelector, paginator: Paginator) -> SimpleRetriever {
    SimpleRetriever {
        requester: requester.clone(),
        decoder,
        record_selector,
        paginator,
        partition_routers: Vec::new(),
        ignore_slicer_on_paginated_requests: false,
        pagination_reset: None,
        page_size_reduction: None,
        request_window_splitting: None,
        parameters: Value::None,
    }
}

fn bare<'s>(setup: &Setup<'s>) -> Setup<'s> {
    Setup {
        name: setup.name,
        scope: setup.scope,
        transformations: &[],
        schema: None,
        client_side_incremental: false,
        data_feed: false,
        properties: None,
        shared: setup.shared.clone(),
    }
}

fn single(requester: &Requester, decoder: &Decoder, setup: &Setup<'_>) -> Result<Rc<Pages>, Failure> {
    Ok(Rc::new(Pages::new(&plain(requester, decoder.clone(), everything(), Paginator::None), &bare(setup))?))
}

fn download(model: &AsyncRetriever, setup: &Setup<'_>) -> Result<Rc<Pages>, Failure> {
    let mut selector = everything();
    let mut decoder = model.download_decoder.clone();
    match &model.download_extractor {
        Some(Extractor::File { preserve_na_values }) => {
            let nothing = if *preserve_na_values { vec![String::new()] } else { NOT_AVAILABLE.map(str::to_owned).to_vec() };
            decoder = Decoder::Gzip(Box::new(Decoder::Csv { encoding: Encoding::Utf8, delimiter: ",".to_owned(), nothing }));
        }
        Some(extractor) => selector.extractor = extractor.clone(),
        None => {}
    }
    let retriever = plain(&model.download_requester, decoder, selector, model.download_paginator.clone());
    Ok(Rc::new(Pages::new(&retriever, &bare(setup))?))
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Create,
    Poll,
    Target,
    Download,
    Delete,
    Abort,
    Done,
}

/// The job of one slice.
pub struct JobWalk {
    jobs: Option<Rc<Jobs>>,
    slice: Slice,
    phase: Phase,
    current: Option<PageWalk>,
    wait: Option<f64>,
    attempts: u32,
    started: i64,
    waited: f64,
    creation: Value,
    polling: Value,
    targets: VecDeque<Value>,
}

impl JobWalk {
    /// Begins.
    #[must_use]
    pub fn new(jobs: Rc<Jobs>, slice: Slice) -> Self {
        Self { jobs: Some(jobs), slice, phase: Phase::Create, attempts: 1, ..Self::ended() }
    }

    /// Nothing is left to do.
    #[must_use]
    pub fn ended() -> Self {
        Self {
            jobs: None,
            slice: Slice::default(),
            phase: Phase::Done,
            current: None,
            wait: None,
            attempts: 0,
            started: 0,
            waited: 0.0,
            creation: Value::None,
            polling: Value::None,
            targets: VecDeque::new(),
        }
    }

    /// What it wants next.
    ///
    /// # Errors
    /// The slice cannot be read any further; what was read before holds.
    pub fn next(&mut self, host: &dyn Host) -> Result<Step, Failure> {
        loop {
            let Some(jobs) = self.jobs.clone() else { return Ok(Step::Done) };
            if let Some(seconds) = self.wait.take() {
                return Ok(Step::Wait(seconds));
            }
            if self.phase == Phase::Done {
                return Ok(Step::Done);
            }
            let Some(current) = &mut self.current else {
                self.begin(&jobs, host.now_micros());
                continue;
            };
            match current.next(host) {
                Ok(Step::Done) => {
                    let done = self.current.take();
                    if let Err(failure) = self.advance(&jobs, done, host.now_micros()) {
                        self.trouble(failure)?;
                    }
                }
                Ok(step) => return Ok(step),
                Err(failure) => self.trouble(failure)?,
            }
        }
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
        let (Some(jobs), Some(current)) = (self.jobs.clone(), &mut self.current) else {
            return Err(system("a job was given an answer that it did not ask for"));
        };
        match current.receive(host, None, answer) {
            Err(failure) => {
                self.trouble(failure)?;
                Ok(Page::default())
            }
            Ok(page) => {
                let scope = self.slice.bind(&jobs.scope.at(host.now_micros())).with("next_page_token", Value::None);
                let selected = jobs.selector.refine(page.records, &self.slice, &scope, judge);
                match selected.failure {
                    Some(failure) if selected.records.is_empty() => Err(failure),
                    failure => {
                        if let Some(current) = &mut self.current {
                            current.fail_next(failure);
                        }
                        Ok(Page { records: selected.records, ..Page::default() })
                    }
                }
            }
        }
    }

    /// Sends the next request.
    fn begin(&mut self, jobs: &Jobs, now: i64) {
        let mut slice = self.slice.clone();
        let pages = match self.phase {
            Phase::Create => {
                self.started = now;
                self.waited = 0.0;
                Some(&jobs.creation)
            }
            Phase::Poll => Some(&jobs.polling),
            Phase::Target => jobs.target.as_ref(),
            Phase::Download => match self.targets.pop_front() {
                Some(target) => {
                    slice.extra.insert("download_target".into(), target);
                    Some(&jobs.download)
                }
                None => {
                    self.phase = Phase::Delete;
                    return;
                }
            },
            Phase::Delete => jobs.delete.as_ref(),
            Phase::Abort => jobs.abort.as_ref(),
            Phase::Done => return,
        };
        match self.phase {
            Phase::Create => {}
            Phase::Target => {
                slice = Slice { extra: Dict::from_iter([("polling_response".into(), self.polling.clone())]), ..Slice::default() };
            }
            Phase::Download => {
                slice.extra.insert("creation_response".into(), self.creation.clone());
                slice.extra.insert("polling_response".into(), self.polling.clone());
            }
            _ => {
                slice.extra.insert("creation_response".into(), self.creation.clone());
            }
        }
        let Some(pages) = pages else {
            self.phase = if self.phase == Phase::Abort { Phase::Create } else { Phase::Done };
            return;
        };
        let walk = PageWalk::new(Rc::clone(pages), slice, Rc::new(|_| Options::default()));
        self.current = Some(if self.phase == Phase::Download { walk } else { walk.keeping() });
    }

    /// Goes on after a request that worked.
    fn advance(&mut self, jobs: &Jobs, done: Option<PageWalk>, now: i64) -> Result<(), Failure> {
        let answer = done.and_then(PageWalk::kept);
        match (self.phase, answer) {
            (Phase::Download, _) => {}
            (Phase::Delete, _) => self.phase = Phase::Done,
            (Phase::Abort, _) => self.phase = Phase::Create,
            (_, None) => return Err(system("a job's request was not answered with success")),
            (Phase::Create, Some(answer)) => {
                if !answer.is_ok() {
                    return Err(system("a job could not be started"));
                }
                self.creation = context(&answer)?;
                self.phase = Phase::Poll;
            }
            (Phase::Poll, Some(answer)) => {
                let bodies = decode::decode(&jobs.decoder, &answer).map_err(untroubled)?;
                match jobs.status(&bodies)? {
                    Status::Running => {
                        self.waited += BETWEEN_POLLS;
                        let elapsed = self.waited.max(now.saturating_sub(self.started) as f64 / 1e6);
                        if elapsed > jobs.timeout { self.again(jobs, Status::TimedOut)? } else { self.wait = Some(BETWEEN_POLLS) }
                    }
                    Status::Completed => {
                        self.polling = context(&answer)?;
                        self.completed(jobs, &bodies)?;
                    }
                    Status::Skipped => self.phase = Phase::Done,
                    other => self.again(jobs, other)?,
                }
            }
            (Phase::Target, Some(answer)) => {
                let bodies = decode::decode(&jobs.decoder, &answer).map_err(untroubled)?;
                self.found_targets(jobs, &bodies)?;
            }
            (Phase::Done, _) => {}
        }
        Ok(())
    }

    fn completed(&mut self, jobs: &Jobs, bodies: &[Value]) -> Result<(), Failure> {
        if jobs.target.is_some() {
            self.phase = Phase::Target;
            return Ok(());
        }
        self.found_targets(jobs, bodies)
    }

    fn found_targets(&mut self, jobs: &Jobs, bodies: &[Value]) -> Result<(), Failure> {
        self.targets = match &jobs.target_finder {
            Some(finder) => finder.find(bodies)?.records.into(),
            None => VecDeque::from([Value::str("")]),
        };
        self.phase = Phase::Download;
        Ok(())
    }

    /// Starts the job anew after it failed or took too long.
    fn again(&mut self, jobs: &Jobs, why: Status) -> Result<(), Failure> {
        if self.attempts >= MAXIMUM_ATTEMPTS {
            return Err(Failure::Stream {
                failure_type: FailureType::System,
                message: "Async job failed after exhausting all retry attempts.".to_owned(),
                retry_after: None,
            });
        }
        self.attempts += 1;
        self.phase = if why == Status::TimedOut { Phase::Abort } else { Phase::Create };
        self.wait = Some(jobs.failed_wait.filter(|_| why == Status::Failed).map_or(BETWEEN_POLLS, |wait| wait.max(BETWEEN_POLLS)));
        Ok(())
    }

    /// A job that cannot be started counts as failed; an abort that fails changes nothing; everything else ends the slice.
    fn trouble(&mut self, failure: Failure) -> Result<(), Failure> {
        self.current = None;
        let is_config = matches!(failure, Failure::Stream { failure_type: FailureType::Config, .. } | Failure::Ended);
        match self.phase {
            Phase::Create if !is_config && self.attempts < MAXIMUM_ATTEMPTS => {
                self.attempts += 1;
                self.wait = Some(BETWEEN_POLLS);
                Ok(())
            }
            Phase::Abort if failure != Failure::Ended => {
                self.phase = Phase::Create;
                Ok(())
            }
            _ => {
                self.phase = Phase::Done;
                Err(failure)
            }
        }
    }
}

fn context(answer: &crate::retrieve::answer::Answer) -> Result<Value, Failure> {
    let json = answer.json().map_err(lost)?;
    let mut dict = json.as_ref().and_then(Value::as_dict).cloned().unwrap_or_default();
    if !dict.contains_key("headers") {
        dict.insert("headers".into(), Value::dict(header::all(answer.headers())));
    }
    Ok(Value::dict(dict))
}

fn untroubled(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Failure(failure) => failure,
        Trouble::Fetch(error) => lost(error),
    }
}
