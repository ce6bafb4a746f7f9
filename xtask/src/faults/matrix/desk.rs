//! A source over HTTP: issues in the form of a Roundup tracker's REST interface, on 127.0.0.1 until it is dropped.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use crate::process::{Failure, Result};

/// A tracker that always answers.
pub struct Desk {
    address: SocketAddr,
}

struct Issues {
    dates: Vec<String>,
}

impl Desk {
    /// One with so many issues. Its thread ends with the process.
    pub fn start(count: u64) -> Result<Self> {
        Self::with((0..count).map(date).collect())
    }

    /// One whose issues were all changed in the same second, as an import does it.
    pub fn of_one_second(count: u64) -> Result<Self> {
        Self::with((0..count).map(|_| date(0)).collect())
    }

    fn with(dates: Vec<String>) -> Result<Self> {
        let cannot = |error| Failure::new(format!("a server cannot be started: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let issues = Arc::new(Issues { dates });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let issues = issues.clone();
                std::thread::spawn(move || answer(&stream, &issues));
            }
        });
        Ok(Self { address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One second after the other, so that texts sort as dates do.
fn date(index: u64) -> String {
    let (day, rest) = (index / 86_400, index % 86_400);
    format!("2026-{:02}-{:02}.{:02}:{:02}:{:02}", 1 + day / 28, 1 + day % 28, rest / 3600, rest / 60 % 60, rest % 60)
}

/// Answers one request.
fn answer(stream: &TcpStream, issues: &Issues) -> Option<()> {
    let (mut reader, mut line) = (BufReader::new(stream), String::new());
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).ok()?;
    }
    let body = issues.page(&target);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Tue, 01 Dec 2026 00:00:00 GMT\r\nconnection: close\r\n";
    let mut out = stream;
    write!(out, "{head}content-length: {}\r\n\r\n{body}", body.len()).ok()
}

impl Issues {
    fn page(&self, target: &str) -> String {
        let value = |name: &str| {
            let query = target.split_once('?').map_or("", |(_, query)| query);
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| key.replace("%40", "@") == name)
                .map(|(_, value)| value)
        };
        let number = |name: &str, absent: usize| value(name).and_then(|value| value.parse().ok()).unwrap_or(absent).max(1);
        let activity = value("activity").unwrap_or("").replace("%3B", ";").replace("%3A", ":");
        let (from, to) = activity.split_once(';').unwrap_or((&activity, ""));
        let first = self.dates.partition_point(|date| date.as_str() < from);
        let last = if to.is_empty() { self.dates.len() } else { self.dates.partition_point(|date| date.as_str() <= to) }.max(first);
        let size = number("@page_size", 50);
        let begin = (first + (number("@page_index", 1) - 1) * size).min(last);
        let end = (begin + size).min(last);
        let next = if end < last { r#","next":[{"uri":"next"}]"# } else { "" };
        let record = |index: usize| format!(r#"{{"id":"{}","title":"An issue","activity":"{}"}}"#, index + 1, self.dates[index]);
        let records = (begin..end).map(record).collect::<Vec<_>>().join(",");
        format!(r#"{{"data":{{"@links":{{"self":[]{next}}},"@total_size":{},"collection":[{records}]}}}}"#, last - first)
    }
}
