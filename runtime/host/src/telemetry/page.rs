//! The page of numbers on a loopback port. Answers one request for each connection, few at once, and waits for nobody.
//!
//! Whoever can connect is on this machine, and is not trusted: what it sends is bounded in size and time, and its body is not read. A page in a
//! browser that lets a name of its own lead here does not get an answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hub_core::problem::{Code, Problem};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::metrics::Metrics;

/// Connections that are served at once; whoever comes then is hung up on.
const CONNECTIONS: usize = 16;
/// From its first byte to its last, a connection has so long.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Until the headers are there.
const HEADER_TIME: Duration = Duration::from_secs(5);
const HEADERS: usize = 64;
const BUFFER_BYTES: usize = 16 << 10;
/// Until the next try, where the system has no descriptors left.
const BREATHER: Duration = Duration::from_millis(100);
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page, until it is dropped.
pub(super) struct Page {
    task: JoinHandle<()>,
}

impl Page {
    /// Listens from now on.
    ///
    /// # Errors
    /// E315 if the port is taken.
    pub(super) async fn open(address: SocketAddr, metrics: Arc<Metrics>) -> Result<Self, Problem> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let help = "see who has the port (`ss -ltnp`), or name another one in `[observe]`";
            Problem::new(Code::E315, format!("cannot listen on `{address}` for metrics: {error}"), help)
        })?;
        Ok(Self { task: tokio::spawn(listen(listener, metrics)) })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, metrics: Arc<Metrics>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATHER).await;
            continue;
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
        let metrics = metrics.clone();
        tokio::spawn(async move {
            // What a client breaks is its own loss.
            let _ = tokio::time::timeout(CONNECTION_TIME, serve(stream, &metrics)).await;
            drop(slot);
        });
    }
}

async fn serve(stream: TcpStream, metrics: &Arc<Metrics>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(&request, metrics);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).keep_alive(false).max_headers(HEADERS).max_buf_size(BUFFER_BYTES);
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    if !request.headers().get(HOST).is_some_and(is_local) {
        return plain(StatusCode::MISDIRECTED_REQUEST, "ask for a loopback address\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match request.uri().path() {
        "/metrics" => {
            let mut answer = Response::new(Full::new(Bytes::from(metrics.text())));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        }
        _ => plain(StatusCode::NOT_FOUND, "the page is /metrics\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// `localhost` or a loopback address, with or without a port.
fn is_local(host: &HeaderValue) -> bool {
    let Some(host) = host.to_str().ok() else { return false };
    host.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| host.trim_matches(['[', ']']).parse()).map_or_else(
        |_| host.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case("localhost")),
        |address: std::net::IpAddr| address.is_loopback(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_here_are_told_from_names_of_this_machine() {
        for (host, is) in [
            ("127.0.0.1:9464", true),
            ("127.0.0.1", true),
            ("[::1]:9464", true),
            ("[::1]", true),
            ("localhost:9464", true),
            ("LOCALHOST", true),
            ("evil.example:9464", false),
            ("localhost.evil.example", false),
            ("10.0.0.1:9464", false),
            ("", false),
        ] {
            assert_eq!(is_local(&HeaderValue::from_static(host)), is, "{host}");
        }
    }
}
