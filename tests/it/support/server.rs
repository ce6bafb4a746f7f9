//! A small HTTP/1.1 server on 127.0.0.1 that answers as told and remembers what it was asked. Also answers in ways that no honest server would.
//!
//! One thread for each connection, one request for each connection. No TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

/// What the server answers to a request, and to which one in order.
type Script = Box<dyn Fn(&Request, usize) -> Answer + Send + Sync>;

struct Shared {
    answer: Script,
    requests: Mutex<Vec<Request>>,
    stopping: AtomicBool,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, by its content-length.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A value of the query as sent, not decoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// What is sent back, piece by piece.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<Piece>,
    framing: Framing,
}

/// A piece of an answer's body.
#[derive(Clone, Debug)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes so many times; `usize::MAX` is without end.
    Repeat(Vec<u8>, usize),
    /// Nothing for so long.
    Pause(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Framing {
    /// Content-Length is told if all pieces are bytes, else the body ends with the connection.
    Plain,
    /// Chunked.
    Chunked,
    /// The pieces are the whole answer: no status line, no headers are made.
    Raw,
}

impl Answer {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), framing: Framing::Plain }
    }

    /// 200 with a JSON document.
    pub fn json(value: &Value) -> Self {
        Self::new(200).header("content-type", "application/json").bytes(value.to_string())
    }

    /// A redirect with this status.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("location", location)
    }

    /// Exactly these bytes on the wire, then the connection ends: torn status lines, header bombs.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { framing: Framing::Raw, ..Self::new(0) }.bytes(bytes)
    }

    /// Never says anything; the connection stays open.
    pub fn silence() -> Self {
        Self { framing: Framing::Raw, ..Self::new(0) }.piece(Piece::Pause(Duration::MAX))
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds bytes to the body.
    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.piece(Piece::Bytes(bytes.into()))
    }

    /// Adds a piece to the body.
    pub fn piece(mut self, piece: Piece) -> Self {
        self.body.push(piece);
        self
    }

    /// Sends the body in chunks, one for each piece.
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\nconnection: close\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let lengths: Option<Vec<usize>> =
            self.body.iter().map(|piece| if let Piece::Bytes(bytes) = piece { Some(bytes.len()) } else { None }).collect();
        let told = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        match (&self.framing, lengths) {
            (Framing::Chunked, _) => head.push_str("transfer-encoding: chunked\r\n"),
            (_, Some(lengths)) if !told => head.push_str(&format!("content-length: {}\r\n", lengths.iter().sum::<usize>())),
            _ => {}
        }
        head.push_str("\r\n");
        head
    }
}

impl Server {
    /// Answers each request by a function of it and of its number, from 0.
    pub fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { answer: Box::new(answer), requests: Mutex::default(), stopping: AtomicBool::new(false) });
        let listening = std::thread::spawn({
            let shared = shared.clone();
            move || listen(&listener, &shared)
        });
        Self { address, shared, listening: Some(listening) }
    }

    /// Gives these answers one after the other; the last one again and again.
    pub fn scripted(answers: Vec<Answer>) -> Self {
        Self::start(move |_, number| answers.get(number).or(answers.last()).cloned().unwrap_or_else(|| Answer::new(404)))
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// An absolute URL of this server.
    pub fn url(&self, target: &str) -> String {
        format!("{}{target}", self.origin())
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it has to end.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        // A client that goes away in the middle is what some of the tests want.
        std::thread::spawn(move || serve(stream, &shared));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let request = read_request(&stream)?;
    let number = {
        let mut requests = shared.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let answer = (shared.answer)(&request, number);
    if answer.framing != Framing::Raw {
        stream.write_all(answer.head().as_bytes()).ok()?;
    }
    if request.method == "HEAD" {
        return Some(());
    }
    for piece in &answer.body {
        send(&mut stream, piece, answer.framing == Framing::Chunked, &shared.stopping)?;
    }
    if answer.framing == Framing::Chunked {
        stream.write_all(b"0\r\n\r\n").ok()?;
    }
    stream.flush().ok()
}

fn send(stream: &mut TcpStream, piece: &Piece, chunked: bool, stopping: &AtomicBool) -> Option<()> {
    let (bytes, times) = match piece {
        Piece::Bytes(bytes) => (bytes, 1),
        Piece::Repeat(bytes, times) => (bytes, *times),
        Piece::Pause(length) => return pause(*length, stopping),
    };
    let framed = if chunked { [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat() } else { bytes.clone() };
    for _ in 0..times {
        if stopping.load(Ordering::Relaxed) {
            return None;
        }
        stream.write_all(&framed).ok()?;
    }
    Some(())
}

/// Waits so long, or until the server is to end.
fn pause(length: Duration, stopping: &AtomicBool) -> Option<()> {
    const STEP: Duration = Duration::from_millis(20);
    let mut left = length;
    while !left.is_zero() {
        if stopping.load(Ordering::Relaxed) {
            return None;
        }
        std::thread::sleep(STEP.min(left));
        left = left.saturating_sub(STEP);
    }
    Some(())
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}

fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        300..=399 => "Elsewhere",
        400..=499 => "Refused",
        _ => "Answer",
    }
}
