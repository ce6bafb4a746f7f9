//! Page after page of one window. The tracker pages by position: a record that is changed meanwhile leaves the window and moves all
//! behind it forward. The total gives that away, and the pages concerned are read again rather than skipped.

use hub_sdk::http::{Request, Response};
use hub_sdk::pages::PageRequest;
use hub_sdk::{Error, Output, StreamRequest};

use crate::dates::{from_tracker, to_tracker};
use crate::window::{State, Window};
use crate::{Class, Roundup};

/// Where the records stand in an answer.
pub const RECORDS: &str = "/data/collection";
const NEXT: &str = "/data/@links/next";
const TOTAL: &str = "/data/@total_size";
const CHANGED: &str = "activity";

/// One stream being read.
pub struct Paging<'a> {
    roundup: &'a Roundup,
    class: &'static Class,
    window: Window,
    page_size: u32,
    /// Value of `@fields`; empty: none but `id` and `link`.
    fields: String,
    /// The flow wants the date of change, so we may ask for its greatest value.
    observes: bool,
    latest: Option<String>,
}

impl<'a> Paging<'a> {
    /// Asks for the fields that the flow wants and for no more.
    pub fn new(roundup: &'a Roundup, class: &'static Class, request: &StreamRequest, window: Window) -> Self {
        let fields: Vec<_> = class.fields.iter().copied().filter(|field| request.wants(field)).collect();
        let most = request.limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(u32::MAX).max(1);
        Self {
            roundup,
            class,
            window,
            page_size: roundup.config.page_size.min(most),
            fields: fields.join(","),
            observes: request.wants(CHANGED),
            latest: None,
        }
    }

    /// Hands over every record of the window. Checkpoints after each page, if the flow lets us know how far that is.
    pub fn read_all(&mut self, output: &mut Output) -> Result<(), Error> {
        let mut page = 1;
        let mut known_total = None;
        while !output.is_full() {
            let response = self.page(page).send_for_success()?;
            let total = response.pointer::<i64>(TOTAL)?.and_then(|total| u64::try_from(total).ok());
            if let (Some(before), Some(after)) = (known_total, total)
                && after < before
            {
                page = self.page_before_the_gap(page, before - after);
                known_total = total;
                continue;
            }
            known_total = total;
            self.hand_over(&response, output)?;
            if response.length(NEXT)?.unwrap_or(0) == 0 {
                break;
            }
            page += 1;
        }
        Ok(())
    }

    /// The account's time zone shifts the tracker's filter: a wrong one loses changes without a word. The latest record tells: it must match
    /// a filter that begins at its own date, and nothing may come behind it.
    pub fn prove_time_zone(&self) -> Result<(), Error> {
        let Some(latest) = self.latest.as_deref().and_then(from_tracker) else { return Ok(()) };
        let itself = self.count(&format!("{};", to_tracker(latest)))?;
        let behind = self.window.behind(latest).map_or(Ok(0), |filter| self.count(&filter))?;
        if itself == 0 || behind > 0 {
            return Err(Error::config(
                "the tracker reads dates in another time zone than UTC: set the time zone of the connector's account in the tracker to UTC (0)",
            ));
        }
        Ok(())
    }

    fn page(&self, page: u64) -> Request {
        let request = self.roundup.request(self.class, self.page_size, &self.window.filter()).query("@page_index", page);
        if self.fields.is_empty() { request } else { request.query("@fields", &self.fields) }
    }

    fn hand_over(&mut self, response: &Response, output: &mut Output) -> Result<(), Error> {
        let records = PageRequest::new(response, RECORDS);
        if !self.observes {
            output.page(&records)?;
            return Ok(());
        }
        let answer = output.page(&records.observe(CHANGED))?;
        if let Some(latest) = answer.greatest_text(CHANGED).filter(|text| from_tracker(text).is_some()) {
            output.checkpoint(&State::at(latest.clone()))?;
            self.latest = Some(latest);
        }
        Ok(())
    }

    /// The page that holds the first record that moved: `gone` places before the first of this page.
    fn page_before_the_gap(&self, page: u64, gone: u64) -> u64 {
        let size = u64::from(self.page_size);
        ((page - 1) * size).saturating_sub(gone) / size + 1
    }

    fn count(&self, filter: &str) -> Result<u32, Error> {
        let response = self.roundup.request(self.class, 1, filter).send_for_success()?;
        Ok(response.length(RECORDS)?.unwrap_or(0))
    }
}
