//! `SimpleRetriever` and what splits or repeats its pages.

use crate::fault::Kind;
use crate::model::asynchronous::{AsyncRetriever, read_async_retriever};
use crate::model::authenticator::{Authenticator, Placed};
use crate::model::decoder::{Decoder, read_decoder};
use crate::model::paginator::{Paginator, read_paginator};
use crate::model::partition::{PartitionRouter, read_partition_router};
use crate::model::reader::Reader;
use crate::model::requester::{Requester, read_requester};
use crate::model::selector::{RecordSelector, read_record_selector};
use crate::model::stream::one_or_many;
use crate::value::Value;
use crate::yaml::Node;

/// How a stream's records are got.
#[derive(Clone, Debug)]
pub enum Retriever {
    /// Page after page.
    Simple(Box<SimpleRetriever>),
    /// Through jobs.
    Async(Box<AsyncRetriever>),
}

impl Retriever {
    /// What splits it into partitions; several multiply.
    #[must_use]
    pub fn partition_routers(&self) -> &[PartitionRouter] {
        match self {
            Self::Simple(retriever) => &retriever.partition_routers,
            Self::Async(retriever) => &retriever.partition_routers,
        }
    }

    /// Who asks for the pages.
    #[must_use]
    pub fn authenticator(&self) -> Option<&Placed<Authenticator>> {
        match self {
            Self::Simple(retriever) => retriever.requester.authenticator.as_ref(),
            Self::Async(_) => None,
        }
    }

    /// Whether equal requests are sent once, if the manifest says so.
    #[must_use]
    pub fn use_cache(&self) -> Option<bool> {
        match self {
            Self::Simple(retriever) => retriever.requester.use_cache,
            Self::Async(_) => Some(false),
        }
    }

    /// What selects its records.
    #[must_use]
    pub fn record_selector(&self) -> &RecordSelector {
        match self {
            Self::Simple(retriever) => &retriever.record_selector,
            Self::Async(retriever) => &retriever.record_selector,
        }
    }
}

/// `SimpleRetriever`.
#[derive(Clone, Debug)]
pub struct SimpleRetriever {
    /// Builds and judges the requests.
    pub requester: Requester,
    /// Reads a response's body.
    pub decoder: Decoder,
    /// Finds the records in it.
    pub record_selector: RecordSelector,
    /// Finds the next page.
    pub paginator: Paginator,
    /// What splits it into partitions; several multiply.
    pub partition_routers: Vec<PartitionRouter>,
    /// Whether the partition is left out of all requests but a slice's first.
    pub ignore_slicer_on_paginated_requests: bool,
    /// When the pages begin anew.
    pub pagination_reset: Option<PaginationReset>,
    /// How the pages shrink where the API asks for it.
    pub page_size_reduction: Option<PageSizeReduction>,
    /// How a window shrinks where the API asks for it.
    pub request_window_splitting: Option<RequestWindowSplitting>,
    /// `$parameters`.
    pub parameters: Value,
}

/// `PaginationReset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaginationReset {
    /// Whether the slice begins where the last record was.
    pub split_using_cursor: bool,
    /// After so many records.
    pub number_of_records: Option<u64>,
}

/// `PageSizeReduction`.
#[derive(Clone, Debug, PartialEq)]
pub struct PageSizeReduction {
    /// Divides the page size.
    pub reduction_factor: f64,
    /// Never below.
    pub minimum_page_size: i64,
    /// In a row.
    pub max_attempts: i64,
    /// Before a page is asked for again.
    pub backoff_seconds: f64,
    /// Once there is nothing left to reduce.
    pub retries_at_minimum_page_size: i64,
    /// Added to the error.
    pub failure_message: Option<String>,
    /// Whether a page that worked brings the first size back.
    pub reset_after_successful_page: bool,
}

/// `RequestWindowSplitting`.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestWindowSplitting {
    /// Added to the error.
    pub failure_message: Option<String>,
    /// ISO 8601 duration; no smaller windows.
    pub min_split_window: Option<String>,
}

/// Reads a retriever of either kind.
pub fn read_retriever(node: &Node, reader: &mut Reader) -> Option<Retriever> {
    if node.component_type() == Some("AsyncRetriever") {
        return read_async_retriever(node, reader).map(|retriever| Retriever::Async(Box::new(retriever)));
    }
    read_simple_retriever(node, reader).map(|retriever| Retriever::Simple(Box::new(retriever)))
}

/// Reads a `SimpleRetriever`.
pub fn read_simple_retriever(node: &Node, reader: &mut Reader) -> Option<SimpleRetriever> {
    let mut fields = reader.component(node, &["SimpleRetriever"])?;
    let requester = fields.require(reader, "requester", |reader, node| read_requester(node, reader));
    let decoder = match fields.get("decoder") {
        None => Some(Decoder::Json),
        Some(node) => reader.inside("decoder", |reader| read_decoder(node, reader)),
    };
    let record_selector = fields.require(reader, "record_selector", |reader, node| read_record_selector(node, reader));
    let paginator = match fields.get("paginator") {
        None => Some(Paginator::None),
        Some(node) => reader.inside("paginator", |reader| read_paginator(node, reader)),
    };
    let partition_routers =
        fields.read(reader, "partition_router", |reader, node| Some(one_or_many(node, reader, read_partition_router))).unwrap_or_default();
    let ignore_slicer_on_paginated_requests = fields.flag(reader, "ignore_stream_slicer_parameters_on_paginated_requests", false);
    let pagination_reset = fields.read(reader, "pagination_reset", |reader, node| read_pagination_reset(node, reader));
    let page_size_reduction = fields.read(reader, "page_size_reduction", |reader, node| read_page_size_reduction(node, reader));
    let request_window_splitting = fields.read(reader, "request_window_splitting", |reader, node| read_window_splitting(node, reader));
    let parameters = fields.parameters.clone();
    fields.end(reader);
    Some(SimpleRetriever {
        requester: requester?,
        decoder: decoder?,
        record_selector: record_selector?,
        paginator: paginator?,
        partition_routers,
        ignore_slicer_on_paginated_requests,
        pagination_reset,
        page_size_reduction,
        request_window_splitting,
        parameters,
    })
}

fn read_pagination_reset(node: &Node, reader: &mut Reader) -> Option<PaginationReset> {
    let mut fields = reader.component(node, &["PaginationReset"])?;
    let action = fields.require_word(reader, "action")?;
    let number_of_records = fields.read(reader, "limits", |reader, node| {
        let mut fields = reader.component(node, &["PaginationResetLimits"])?;
        let number = fields.integer(reader, "number_of_records");
        fields.end(reader);
        number.and_then(|number| u64::try_from(number).ok())
    });
    fields.end(reader);
    let split_using_cursor = match action.as_str() {
        "SPLIT_USING_CURSOR" => true,
        "RESET" => false,
        _ => {
            reader.fault(node, Kind::Unsupported, "`action` is SPLIT_USING_CURSOR or RESET");
            return None;
        }
    };
    Some(PaginationReset { split_using_cursor, number_of_records })
}

fn read_page_size_reduction(node: &Node, reader: &mut Reader) -> Option<PageSizeReduction> {
    let mut fields = reader.component(node, &["PageSizeReduction"])?;
    let reduction = PageSizeReduction {
        reduction_factor: fields.number(reader, "reduction_factor").unwrap_or(2.0),
        minimum_page_size: fields.integer(reader, "minimum_page_size").unwrap_or(1),
        max_attempts: fields.integer(reader, "max_attempts").unwrap_or(5),
        backoff_seconds: fields.number(reader, "backoff_seconds").unwrap_or(0.5),
        retries_at_minimum_page_size: fields.integer(reader, "retries_at_minimum_page_size").unwrap_or(0),
        failure_message: fields.word(reader, "failure_message"),
        reset_after_successful_page: fields.word(reader, "reset_policy").as_deref() == Some("AFTER_SUCCESSFUL_PAGE"),
    };
    fields.end(reader);
    if reduction.reduction_factor <= 1.0 || reduction.minimum_page_size < 1 {
        reader.fault(node, Kind::Invalid, "`reduction_factor` is greater than 1 and `minimum_page_size` at least 1");
        return None;
    }
    Some(reduction)
}

fn read_window_splitting(node: &Node, reader: &mut Reader) -> Option<RequestWindowSplitting> {
    let mut fields = reader.component(node, &["RequestWindowSplitting"])?;
    let splitting = RequestWindowSplitting {
        failure_message: fields.word(reader, "failure_message"),
        min_split_window: fields.word(reader, "min_split_window"),
    };
    fields.end(reader);
    Some(splitting)
}
