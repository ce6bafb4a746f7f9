//! A TCP proxy on 127.0.0.1 that spoils answers: each request gets a fault by its number, until the proxy is healed. One request for each connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::{Failure, Result};

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It passes.
    None,
    /// It passes so much later.
    Late(Duration),
    /// This status instead, with a `Retry-After` in seconds if there is one.
    Status(u16, Option<u32>),
    /// No byte ever comes; the connection stays open.
    Hang,
    /// Half of the body, then an orderly end.
    Half,
    /// Half of the body, then RST.
    ResetInBody,
    /// RST before the first byte.
    Reset,
    /// A few bytes every so often.
    Drip,
}

/// The proxy.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    plan: Box<dyn Fn(usize) -> Fault + Send + Sync>,
    healed: AtomicBool,
    count: AtomicUsize,
    /// When each request came.
    times: Mutex<Vec<Instant>>,
}

impl Proxy {
    /// In front of a server; `plan` names the fault of each request, from 0. Its thread ends with the process.
    pub fn start(upstream: SocketAddr, plan: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Result<Self> {
        let cannot = |error| Failure::new(format!("a proxy cannot be started: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let shared = Arc::new(Shared {
            upstream,
            plan: Box::new(plan),
            healed: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            times: Mutex::default(),
        });
        let listening = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = listening.clone();
                // A client that goes away in the middle is what some scenarios want.
                std::thread::spawn(move || shared.handle(stream));
            }
        });
        Ok(Self { address, shared })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// From now on everything passes.
    pub fn heal(&self) {
        self.shared.healed.store(true, Ordering::SeqCst);
    }

    /// The time between two requests, numbered from 0.
    pub fn between(&self, first: usize, second: usize) -> Option<Duration> {
        let times = self.shared.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.get(second)?.checked_duration_since(*times.get(first)?)
    }
}

impl Shared {
    fn handle(&self, mut client: TcpStream) -> Option<()> {
        let head = peek_head(&client)?;
        self.times.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let fault = if self.healed.load(Ordering::SeqCst) { Fault::None } else { (self.plan)(number) };
        if fault == Fault::Reset {
            // The request was not read: closing now answers with RST.
            return None;
        }
        // The last byte of the request is left where it is by a fault that ends with RST.
        let taken = if fault == Fault::ResetInBody { head.len() - 1 } else { head.len() };
        client.read_exact(&mut vec![0; taken]).ok()?;
        match fault {
            Fault::Hang => self.hang(&client),
            Fault::Status(status, after) => {
                let after = after.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
                write!(client, "HTTP/1.1 {status} Fault\r\n{after}content-length: 0\r\nconnection: close\r\n\r\n").ok()
            }
            _ => self.relay(&mut client, &head, fault),
        }
    }

    fn relay(&self, client: &mut TcpStream, head: &[u8], fault: Fault) -> Option<()> {
        let mut upstream = TcpStream::connect(self.upstream).ok()?;
        upstream.write_all(head).ok()?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).ok()?;
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        match fault {
            Fault::Late(pause) => {
                std::thread::sleep(pause);
                client.write_all(&answer).ok()
            }
            Fault::Half | Fault::ResetInBody => {
                client.write_all(&answer[..body + (answer.len() - body) / 2]).ok()?;
                // Long enough for the half to be read before the end comes.
                std::thread::sleep(Duration::from_millis(50));
                if fault == Fault::Half { client.shutdown(Shutdown::Both).ok() } else { None }
            }
            Fault::Drip => answer.chunks(answer.len().div_ceil(20)).try_for_each(|chunk| {
                std::thread::sleep(Duration::from_millis(15));
                client.write_all(chunk).ok()
            }),
            _ => client.write_all(&answer).ok(),
        }
    }

    /// Until the client gives up.
    fn hang(&self, mut client: &TcpStream) -> Option<()> {
        while client.read(&mut [0; 64]).ok()? > 0 {}
        Some(())
    }
}

/// The head of a request without taking it.
fn peek_head(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = stream.peek(&mut buffer).ok().filter(|length| *length > 0)?;
        let head = buffer.get(..length)?;
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            return Some(head[..end + 4].to_vec());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::faults::matrix::desk::Desk;

    /// What a client gets for a request.
    fn ask(proxy: &Proxy, page: u32) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(proxy.address)?;
        write!(stream, "GET /issue?@page_size=2&@page_index={page} HTTP/1.1\r\nhost: x\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    }

    #[test]
    fn each_fault_spoils_the_answer_in_its_way() {
        let faults = [
            Fault::None,
            Fault::Late(Duration::from_millis(1)),
            Fault::Half,
            Fault::ResetInBody,
            Fault::Reset,
            Fault::Status(429, Some(7)),
            Fault::Drip,
            Fault::Reset,
        ];
        let proxy = Proxy::start(Desk::start(3).unwrap().address(), move |number| faults[number]).unwrap();
        let first = ask(&proxy, 1).unwrap();
        assert!(first.contains(r#""id":"2""#) && first.contains("next"), "{first}");
        assert_eq!(ask(&proxy, 1).unwrap(), first);
        let half = ask(&proxy, 1).unwrap();
        assert!(half.len() < first.len() && first.starts_with(&half));
        assert!(ask(&proxy, 1).is_err() && ask(&proxy, 1).is_err());
        assert!(ask(&proxy, 1).unwrap().contains("429 Fault\r\nretry-after: 7"));
        let last = ask(&proxy, 2).unwrap();
        assert!(last.contains(r#""id":"3""#) && !last.contains("next"), "{last}");
        proxy.heal();
        assert_eq!(ask(&proxy, 1).unwrap(), first);
        assert_eq!(proxy.count(), 8);
        assert!(proxy.between(0, 7).is_some() && proxy.between(0, 8).is_none());
    }
}
