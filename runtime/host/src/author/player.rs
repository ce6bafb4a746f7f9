//! A server on this machine that answers from a recording, and that can be told to answer otherwise. It ends when it is dropped.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hub_core::problem::{Code, Problem};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

use super::recording::{Asked, Recording};
use crate::egress::Lookup;

/// The greatest body that is listened to.
const MAX_ASKED_BYTES: usize = 64 << 20;
/// Before the address that is meant: `/__o/https/api.example.org/v1/items`.
const DETOUR: &str = "/__o/";

/// What goes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// After so many bytes of the body the connection breaks.
    pub cut: Option<usize>,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What was asked.
    pub asked: Asked,
    /// The recording holds exactly this.
    pub exact: bool,
}

/// What becomes of an answer: number of the request from 0, what was asked, the recorded answer.
pub type Twist = dyn Fn(usize, &Asked, Reply) -> Reply + Send + Sync;

/// The server.
pub struct Player {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    recording: Recording,
    /// Texts of secrets: where they stand in an address, the parameter does not count.
    secrets: Vec<String>,
    /// Asked by its own address; recorded ones in its answers become it.
    is_served: bool,
    own: String,
    played: Mutex<Played>,
}

#[derive(Default)]
struct Played {
    used: Vec<bool>,
    heard: Vec<Heard>,
    twist: Option<Arc<Twist>>,
}

impl Player {
    /// Listens, on a free port of this machine unless told otherwise. `is_served`: it is asked by its own address, not by way of [`Detour`].
    ///
    /// # Errors
    /// E315 if the port is taken.
    pub async fn start(recording: Recording, secrets: Vec<String>, address: SocketAddr, is_served: bool) -> Result<Self, Problem> {
        let taken = |error: io::Error| {
            Problem::new(
                Code::E315,
                format!("cannot listen on `{address}`: {error}"),
                "see who has the port (`ss -ltnp`), or name another one",
            )
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let used = vec![false; recording.interactions.len()];
        let played = Mutex::new(Played { used, ..Played::default() });
        let state = Arc::new(State { recording, secrets, is_served, own: format!("http://{address}"), played });
        Ok(Self { address, state: state.clone(), task: tokio::spawn(listen(listener, state)) })
    }

    /// Begins anew: nothing was asked, and answers are what `twist` makes of them.
    pub fn rewind(&self, twist: Option<Arc<Twist>>) {
        let mut played = self.state.played();
        *played = Played { used: vec![false; self.state.recording.interactions.len()], heard: Vec::new(), twist };
    }

    /// What was asked since it began.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.state.played().heard.clone()
    }

    /// The way of requests to it.
    #[must_use]
    pub fn detour(&self) -> Arc<dyn Lookup> {
        Arc::new(Detour(self.address))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every request goes to the player, with its own scheme and host in front of its path.
struct Detour(SocketAddr);

impl Lookup for Detour {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn detour(&self, url: &Url) -> Option<Url> {
        let rest = url.as_str().split_once("://")?.1;
        Url::parse(&format!("http://{}{DETOUR}{}/{rest}", self.0, url.scheme())).ok()
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(serve(stream, state.clone()));
    }
}

type Out = StreamBody<futures::stream::Iter<std::vec::IntoIter<io::Result<Frame<Bytes>>>>>;

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request: Request<Incoming>| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(&state, request).await) }
    });
    // A client that goes away is not this side's matter.
    drop(hyper::server::conn::http1::Builder::new().max_buf_size(1 << 20).serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(state: &State, request: Request<Incoming>) -> Response<Out> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let url = match target.strip_prefix(DETOUR).and_then(|rest| rest.split_once('/')) {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => format!("{}{target}", state.own),
    };
    let body = Limited::new(body, MAX_ASKED_BYTES).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
    let reply = state.reply(Asked { method: head.method.to_string(), url, body });
    let length = reply.body.len();
    let mut builder = Response::builder().status(reply.status).header("content-length", length);
    if !reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date")) {
        // Its clock stands where the recording was made, as the connector's does.
        builder = builder.header("date", date(state.recording.at_ms));
    }
    for (name, value) in &reply.headers {
        builder = builder.header(name, value);
    }
    let mut parts = Vec::new();
    match reply.cut.filter(|cut| *cut < length) {
        Some(cut) => {
            parts.push(Ok(Frame::data(reply.body.slice(..cut))));
            parts.push(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        None => parts.push(Ok(Frame::data(reply.body))),
    }
    let body = StreamBody::new(futures::stream::iter(parts));
    // Only a recorded header that is none can be refused here.
    builder.body(body).unwrap_or_else(|_| Response::new(StreamBody::new(futures::stream::iter(Vec::new()))))
}

/// A moment in milliseconds since 1970 as HTTP writes it.
fn date(at_ms: u64) -> String {
    let moment = chrono::DateTime::from_timestamp_millis(i64::try_from(at_ms).unwrap_or_default()).unwrap_or_default();
    moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

impl State {
    fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, asked: Asked) -> Reply {
        let mut played = self.played();
        let (found, exact) = self.find(&asked, &played.used);
        let reply = match found {
            Some(at) => {
                played.used[at] = true;
                self.recorded(at)
            }
            None => Reply {
                status: 404,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: Bytes::from_static(b"{\"error\":\"this is not in the recording\"}"),
                cut: None,
            },
        };
        let number = played.heard.len();
        played.heard.push(Heard { asked: asked.clone(), exact });
        let twist = played.twist.clone();
        drop(played);
        twist.map_or(reply.clone(), |twist| twist(number, &asked, reply))
    }

    fn recorded(&self, at: usize) -> Reply {
        let answered = &self.recording.interactions[at].response;
        let headers = answered.headers.iter().map(|(name, value)| (name.clone(), self.here(at, value))).collect();
        let body = answered.body.bytes().unwrap_or_default();
        let body = match std::str::from_utf8(&body) {
            Ok(text) if self.is_served => self.here(at, text).into_bytes(),
            _ => body,
        };
        Reply { status: answered.status, headers, body: body.into(), cut: None }
    }

    /// Links to the recorded address lead here.
    fn here(&self, at: usize, text: &str) -> String {
        let recorded = Url::parse(&self.recording.interactions[at].request.url).map(|url| url.origin().ascii_serialization());
        match recorded {
            Ok(origin) if self.is_served => text.replace(&origin, &self.own),
            _ => text.to_owned(),
        }
    }

    /// The answer that fits best, first one that was not given yet, and whether the recording holds exactly this request.
    fn find(&self, asked: &Asked, used: &[bool]) -> (Option<usize>, bool) {
        let wanted = self.key(asked);
        let keys: Vec<Key> = self.recording.interactions.iter().map(|one| self.key(&one.request)).collect();
        let fits = |key: &Key| {
            let same_place = key.method == wanted.method && key.path == wanted.path && (self.is_served || key.origin == wanted.origin);
            same_place.then(|| (key.query == wanted.query && key.body == wanted.body, common(&key.query, &wanted.query)))
        };
        let mut best: Option<(usize, (bool, usize, bool))> = None;
        for (at, key) in keys.iter().enumerate() {
            let Some((exact, alike)) = fits(key) else { continue };
            let rank = (exact, alike, !used[at]);
            if best.is_none_or(|(_, known)| rank > known) {
                best = Some((at, rank));
            }
        }
        (best.map(|(at, _)| at), best.is_some_and(|(_, (exact, ..))| exact))
    }

    fn key(&self, asked: &Asked) -> Key {
        let is_secret = |value: &str| self.secrets.iter().any(|secret| value.contains(secret.as_str()));
        let Ok(url) = Url::parse(&asked.url) else { return Key::default() };
        let mut query: Vec<(String, String)> =
            url.query_pairs().filter(|(_, value)| !is_secret(value)).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        query.sort();
        let body = asked.body.clone().filter(|body| !is_secret(body));
        Key { method: asked.method.clone(), origin: url.origin().ascii_serialization(), path: url.path().to_owned(), query, body }
    }
}

/// What of a request is compared.
#[derive(Default)]
struct Key {
    method: String,
    origin: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<String>,
}

fn common(left: &[(String, String)], right: &[(String, String)]) -> usize {
    left.iter().filter(|pair| right.contains(pair)).count()
}
