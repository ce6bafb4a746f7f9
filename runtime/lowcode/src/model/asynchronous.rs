//! `AsyncRetriever`: records that come through jobs.

use crate::fault::Kind;
use crate::model::decoder::{Decoder, read_decoder};
use crate::model::paginator::{Paginator, read_paginator};
use crate::model::partition::{PartitionRouter, read_partition_router};
use crate::model::reader::{Fields, Reader};
use crate::model::requester::{Requester, read_requester};
use crate::model::selector::{Extractor, RecordSelector, read_extractor, read_record_selector};
use crate::model::stream::one_or_many;
use crate::model::text::Text;
use crate::value::Value;
use crate::yaml::Node;

/// `AsyncRetriever`.
#[derive(Clone, Debug)]
pub struct AsyncRetriever {
    /// Finds the records in what was downloaded.
    pub record_selector: RecordSelector,
    /// Which words of the API mean what.
    pub status_mapping: StatusMapping,
    /// Finds a job's status.
    pub status_extractor: Extractor,
    /// Finds the addresses to download from.
    pub download_target_extractor: Option<Extractor>,
    /// Finds the records in a file; the selector's if absent.
    pub download_extractor: Option<Extractor>,
    /// Starts a job.
    pub creation_requester: Requester,
    /// Asks for its status.
    pub polling_requester: Requester,
    /// Minutes; 60 if absent.
    pub polling_job_timeout: Option<Text>,
    /// Seconds before a failed job is started again.
    pub failed_retry_wait_time: Option<Text>,
    /// Asks for the addresses to download from.
    pub download_target_requester: Option<Requester>,
    /// Downloads.
    pub download_requester: Requester,
    /// Pages of a download.
    pub download_paginator: Paginator,
    /// Ends a job.
    pub abort_requester: Option<Requester>,
    /// Removes a job.
    pub delete_requester: Option<Requester>,
    /// What splits it into partitions; several multiply.
    pub partition_routers: Vec<PartitionRouter>,
    /// Of all answers but downloads.
    pub decoder: Decoder,
    /// Of downloads.
    pub download_decoder: Decoder,
    /// `$parameters`.
    pub parameters: Value,
}

/// `AsyncJobStatusMap`.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the words are the language's own")]
pub struct StatusMapping {
    pub running: Vec<String>,
    pub completed: Vec<String>,
    pub failed: Vec<String>,
    pub timeout: Vec<String>,
    pub skipped: Vec<String>,
}

/// Reads an `AsyncRetriever`.
pub fn read_async_retriever(node: &Node, reader: &mut Reader) -> Option<AsyncRetriever> {
    let mut fields = reader.component(node, &["AsyncRetriever"])?;
    let record_selector = fields.require(reader, "record_selector", |reader, node| read_record_selector(node, reader));
    let status_mapping = fields.require(reader, "status_mapping", |reader, node| read_status_mapping(node, reader));
    let status_extractor = fields.require(reader, "status_extractor", |reader, node| read_extractor(node, reader));
    let download_target_extractor = fields.read(reader, "download_target_extractor", |reader, node| read_extractor(node, reader));
    let download_extractor = fields.read(reader, "download_extractor", |reader, node| read_extractor(node, reader));
    let creation_requester = fields.require(reader, "creation_requester", |reader, node| read_requester(node, reader));
    let polling_requester = fields.require(reader, "polling_requester", |reader, node| read_requester(node, reader));
    let download_requester = fields.require(reader, "download_requester", |reader, node| read_requester(node, reader));
    let polling_job_timeout = fields.text(reader, "polling_job_timeout");
    let failed_retry_wait_time = fields.text(reader, "failed_retry_wait_time_in_seconds");
    let optional = read_optional_requesters(&mut fields, reader);
    let download_paginator =
        fields.read(reader, "download_paginator", |reader, node| read_paginator(node, reader)).unwrap_or(Paginator::None);
    let partition_routers =
        fields.read(reader, "partition_router", |reader, node| Some(one_or_many(node, reader, read_partition_router))).unwrap_or_default();
    let decoder = fields.read(reader, "decoder", |reader, node| read_decoder(node, reader)).unwrap_or(Decoder::Json);
    let download_decoder = fields.read(reader, "download_decoder", |reader, node| read_decoder(node, reader)).unwrap_or(Decoder::Json);
    let parameters = fields.parameters.clone();
    fields.end(reader);
    let [download_target_requester, abort_requester, delete_requester] = optional;
    Some(AsyncRetriever {
        record_selector: record_selector?,
        status_mapping: status_mapping?,
        status_extractor: status_extractor?,
        download_target_extractor,
        download_extractor,
        creation_requester: creation_requester?,
        polling_requester: polling_requester?,
        polling_job_timeout,
        failed_retry_wait_time,
        download_target_requester,
        download_requester: download_requester?,
        download_paginator,
        abort_requester,
        delete_requester,
        partition_routers,
        decoder,
        download_decoder,
        parameters,
    })
}

fn read_optional_requesters(fields: &mut Fields<'_>, reader: &mut Reader) -> [Option<Requester>; 3] {
    ["download_target_requester", "abort_requester", "delete_requester"]
        .map(|key| fields.read(reader, key, |reader, node| read_requester(node, reader)))
}

fn read_status_mapping(node: &Node, reader: &mut Reader) -> Option<StatusMapping> {
    let mut fields = reader.component(node, &["AsyncJobStatusMap"])?;
    let mapping = StatusMapping {
        running: fields.word_list(reader, "running"),
        completed: fields.word_list(reader, "completed"),
        failed: fields.word_list(reader, "failed"),
        timeout: fields.word_list(reader, "timeout"),
        skipped: fields.word_list(reader, "skipped"),
    };
    fields.end(reader);
    let all = [&mapping.running, &mapping.completed, &mapping.failed, &mapping.timeout, &mapping.skipped];
    let mut seen = std::collections::BTreeSet::new();
    if !all.into_iter().flatten().all(|word| seen.insert(word)) {
        reader.fault(node, Kind::Invalid, "each status of the API stands under one of running, completed, failed, timeout or skipped only");
        return None;
    }
    Some(mapping)
}
