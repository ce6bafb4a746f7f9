//! Smaller pages and narrower windows where an API asks for them, and paginations that begin anew.

use crate::fault::{Failure, FailureType};
use crate::model::retriever::PageSizeReduction;
use crate::retrieve::failure::{config, system};
use crate::retrieve::walk::{PageWalk, Turn};
use crate::slice::{Judge, Slice};
use crate::value::Value;

/// A window is split so often at most.
const MAXIMUM_SPLITS: u32 = 10;

/// How far a page was made smaller, and how many records there were since the last reset.
#[derive(Clone, Debug, Default)]
pub struct Shrink {
    configured: Option<i64>,
    current: Option<i64>,
    attempts: i64,
    retries: i64,
    records: u64,
    greatest: Option<Value>,
    same_slice: u32,
}

impl Shrink {
    /// Begins with the configured page size.
    #[must_use]
    pub fn new(configured: Option<i64>) -> Self {
        Self { configured, ..Self::default() }
    }

    /// Instead of the configured page size.
    #[must_use]
    pub fn size(&self) -> Option<i64> {
        self.current
    }

    /// Notes a page that worked.
    pub fn worked(&mut self, reduction: Option<&PageSizeReduction>) {
        self.attempts = 0;
        self.retries = 0;
        if reduction.is_some_and(|reduction| reduction.reset_after_successful_page) {
            self.current = None;
        }
    }

    /// Notes records, and the greatest value of the cursor's field.
    pub fn saw(&mut self, records: &[Value], field: Option<&str>) {
        self.records = self.records.saturating_add(u64::try_from(records.len()).unwrap_or(u64::MAX));
        let Some(field) = field else { return };
        for value in records.iter().filter_map(|record| record.get(field)) {
            let greater = self.greatest.as_ref().is_none_or(|known| value.compare(known) == Some(std::cmp::Ordering::Greater));
            if greater {
                self.greatest = Some(value.clone());
            }
        }
    }

    /// Records since the last reset.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    fn reduce(&mut self, reduction: &PageSizeReduction) -> Result<f64, Failure> {
        let Some(size) = self.current.or(self.configured) else {
            return Err(config("the page size is to be reduced, but the paginator has none"));
        };
        let note = reduction.failure_message.as_deref().map(|message| format!(" {message}")).unwrap_or_default();
        let reduced = ((size as f64 / reduction.reduction_factor).floor() as i64).max(reduction.minimum_page_size);
        if reduced >= size {
            if self.retries < reduction.retries_at_minimum_page_size {
                self.retries += 1;
                return Ok(reduction.backoff_seconds * self.retries as f64);
            }
            return Err(transient(format!("the API rejects pages even of the smallest size, {size}.{note}")));
        }
        self.attempts += 1;
        if self.attempts > reduction.max_attempts {
            return Err(transient(format!(
                "the page size was reduced {} times in a row, and no page was accepted.{note}",
                self.attempts - 1
            )));
        }
        self.current = Some(reduced);
        Ok(reduction.backoff_seconds * self.attempts as f64)
    }
}

fn transient(message: String) -> Failure {
    Failure::Stream { failure_type: FailureType::Transient, message, retry_after: None }
}

impl PageWalk {
    /// A smaller page, the same token.
    pub(super) fn reduce(&mut self) -> Result<Turn, Failure> {
        let Some(reduction) = &self.pages.page_size_reduction else {
            return Err(config("an error handler asks for a smaller page, but the retriever has no `page_size_reduction`"));
        };
        Ok(Turn::After(self.shrink.reduce(reduction)?))
    }

    /// The first page again; with a cursor, from where the records reached.
    pub(super) fn reset(&mut self, judge: Option<&dyn Judge>) -> Result<Turn, Failure> {
        let by_cursor = self.pages.pagination_reset.is_some_and(|reset| reset.split_using_cursor);
        let judge = judge.filter(|_| by_cursor);
        let narrowed = match (judge, &self.shrink.greatest) {
            (Some(judge), Some(greatest)) => judge.narrow(&self.original, greatest).map_err(system)?,
            (Some(_), None) => self.original.clone(),
            (None, _) => self.slice.clone(),
        };
        if narrowed == self.slice {
            self.shrink.same_slice += 1;
            if self.shrink.same_slice >= if judge.is_some() { 1 } else { 2 } {
                return Err(system("the pagination was reset, but the slice is the same as before; it would be read forever"));
            }
        } else {
            self.shrink.same_slice = 0;
        }
        self.shrink.records = 0;
        self.slice = narrowed;
        self.token = self.pages.pager.first();
        Ok(Turn::Again)
    }

    /// Two halves of the window instead of the whole.
    pub(super) fn split(&mut self, judge: Option<&dyn Judge>) -> Result<Turn, Failure> {
        let Some(splitting) = &self.pages.request_window_splitting else {
            return Err(config("an error handler asks for a narrower window, but the retriever has no `request_window_splitting`"));
        };
        let note = splitting.failure_message.as_deref().map(|message| format!(" {message}")).unwrap_or_default();
        if self.splits >= MAXIMUM_SPLITS {
            return Err(transient(format!("the API rejects windows even after {MAXIMUM_SPLITS} splits.{note}")));
        }
        let minimum = splitting.min_split_window.as_deref();
        let halves: Option<[Slice; 2]> = match judge {
            Some(judge) => judge.split(&self.slice, minimum).map_err(system)?,
            None => None,
        };
        let Some([first, second]) = halves else {
            return Err(transient(format!("the API rejects the smallest window that the cursor allows.{note}")));
        };
        let splits = self.splits + 1;
        self.windows.push((second, splits));
        self.begin(first, splits);
        Ok(Turn::Again)
    }
}
