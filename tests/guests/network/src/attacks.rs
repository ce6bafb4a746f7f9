//! The attacks. Most are a request that the configuration spells out; the others are about what is done with the answer.

use crate::bindings::exports::hub::connector::source::Error;
use crate::bindings::hub::connector::http::{self, FetchError, Response};
use crate::bindings::hub::connector::{pages, sink};
use crate::{Job, failed};

type Attack = fn(&Job) -> Result<(), Error>;

pub const ALL: &[(&str, Attack)] = &[
    ("fetch", |job| job.fetch().map(drop)),
    ("fetch-twice", |job| job.fetch().and_then(|_| job.fetch()).map(drop)),
    ("ignores-denial", ignores_denial),
    ("fetch-many", |job| {
        http::fetch_many(&vec![job.request(); 10_000]).into_iter().try_for_each(|answer| answer.map(drop).map_err(failed))
    }),
    ("starts-many", starts_many),
    ("keeps-responses", keeps_responses),
    ("tells-headers", tells_headers),
    ("tells-pointer", |job| told(job, &job.fetch()?, job.text("pointer"))),
    ("tells-body", tells_body),
    ("fails-with-header", fails_with_header),
    ("length", |job| job.fetch()?.length(job.text("pointer")).map(drop).map_err(failed)),
    ("long-pointer", |job| told(job, &job.fetch()?, &"/a".repeat(1 << 20))),
    ("page", |job| page(job, &[], &[])),
    ("page-of-foreign-stream", |job| pages::emit_page(7, &job.fetch()?, "", &[], &[]).map(drop)),
    ("page-observes", |job| page(job, &[], &[job.text("field").to_owned()])),
    ("page-observes-much", |job| page(job, &[], &vec!["score".to_owned(); 100_000])),
    ("page-adds", |job| page(job, &[(job.text("field").to_owned(), job.text("json").to_owned())], &[])),
    ("page-adds-much", |job| page(job, &vec![("score".to_owned(), "1".to_owned()); 1000], &[])),
];

fn page(job: &Job, constants: &[(String, String)], observe: &[String]) -> Result<(), Error> {
    let answer = pages::emit_page(0, &job.fetch()?, job.text("pointer"), constants, observe)?;
    let learned = answer.observed.iter().filter_map(|seen| seen.first.as_deref()).collect::<Vec<_>>().join(" ");
    if learned.is_empty() { Ok(()) } else { job.tell(&learned) }
}

fn ignores_denial(job: &Job) -> Result<(), Error> {
    let _ = job.fetch();
    let _ = job.tell(job.text("canary"));
    Ok(())
}

fn starts_many(job: &Job) -> Result<(), Error> {
    let under_way: Vec<_> = (0..17).map(|_| http::start(&job.request())).collect();
    under_way.into_iter().try_for_each(|pending| http::Pending::wait(pending).map(drop).map_err(failed))
}

fn keeps_responses(job: &Job) -> Result<(), Error> {
    let mut kept: Vec<Response> = Vec::new();
    for _ in 0..10_000 {
        kept.push(job.fetch()?);
    }
    Ok(())
}

fn tells_headers(job: &Job) -> Result<(), Error> {
    let headers = job.fetch()?.headers();
    let all: Vec<String> = headers.into_iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
    job.tell(&all.join("; "))
}

fn told(job: &Job, answer: &Response, pointer: &str) -> Result<(), Error> {
    match answer.pointer(pointer).map_err(failed)? {
        Some(json) => job.tell(&json),
        None => Ok(()),
    }
}

fn tells_body(job: &Job) -> Result<(), Error> {
    let answer = job.fetch()?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.read(u32::MAX).map_err(failed)? {
        body.extend(chunk);
    }
    job.tell(&String::from_utf8_lossy(&body))
}

/// What a server sends back goes into the text that the operator is shown.
fn fails_with_header(job: &Job) -> Result<(), Error> {
    let answer = job.fetch()?;
    let echo = answer.header("x-echo").unwrap_or_default();
    let _ = sink::checkpoint(0, echo.as_bytes());
    Err(Error::Auth(format!(
        "the server said {echo}, {:?}",
        http::fetch(&job.request()).err().map(|error: FetchError| format!("{error:?}"))
    )))
}
