//! The pages that both sides of the bench read: issues in the form of a Roundup tracker's REST interface, made before the first request.
//! Prints its address as the first line of its output and serves until it is ended.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use super::Failure;

/// All records as JSON objects, in the order of their dates.
struct Issues {
    records: Vec<String>,
    dates: Vec<String>,
    page_size: usize,
}

/// Serves `count` issues in pages of `size` on a free port of 127.0.0.1.
pub fn run(count: u64, size: u64) -> Result<(), Failure> {
    let issues = Issues::new(count, usize::try_from(size)?);
    listen(issues)
}

/// What a server has.
pub trait Pages: Send + Sync + 'static {
    /// The body for the target of a request.
    fn page(&self, target: &str) -> Cow<'_, [u8]>;
}

impl Pages for Issues {
    fn page(&self, target: &str) -> Cow<'_, [u8]> {
        Cow::Owned(self.body(&Query::read(target)).into_bytes())
    }
}

/// Serves pages on a free port of 127.0.0.1.
pub fn listen(pages: impl Pages) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let pages = Arc::new(pages);
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    for stream in listener.incoming() {
        let (stream, pages) = (stream?, pages.clone());
        std::thread::spawn(move || drop(answer_all(&stream, &*pages)));
    }
    Ok(())
}

impl Issues {
    fn new(count: u64, page_size: usize) -> Self {
        let dates: Vec<String> = (0..count).map(date).collect();
        let records = dates.iter().enumerate().map(|(index, date)| record(index, date)).collect();
        Self { records, dates, page_size }
    }

    /// The body for a query: records whose date matches, of one page, and what else the tracker says.
    fn body(&self, query: &Query) -> String {
        let (from, to) = query.activity.split_once(';').unwrap_or((&query.activity, ""));
        let first = self.dates.partition_point(|date| date.as_str() < from);
        let last = if to.is_empty() { self.dates.len() } else { self.dates.partition_point(|date| date.as_str() <= to) }.max(first);
        let size = query.page_size.unwrap_or(self.page_size);
        let begin = (first + (query.page - 1) * size).min(last);
        let end = (begin + size).min(last);
        let next = if end < last { r#","next":[{"uri":"next"}]"# } else { "" };
        let records = self.records[begin..end].join(",");
        format!(r#"{{"data":{{"@links":{{"self":[]{next}}},"@total_size":{},"collection":[{records}]}}}}"#, last - first)
    }
}

/// One second after the other, so that texts sort as dates do.
fn date(index: u64) -> String {
    let (day, rest) = (index / 86_400, index % 86_400);
    format!("2026-{:02}-{:02}.{:02}:{:02}:{:02}", 1 + day / 28, 1 + day % 28, rest / 3600, rest / 60 % 60, rest % 60)
}

fn record(index: usize, date: &str) -> String {
    let id = index + 1;
    let words =
        "The printer on the second floor answers with an error after each change of paper, and the message on its display cannot be read. ";
    format!(
        concat!(
            r#"{{"id":"{id}","link":"https://tracker.example/rest/data/issue/{id}","title":"{words}({id})","status":"{status}","priority":"3","#,
            r#""assignedto":"{person}","nosy":["{person}","4","5"],"keyword":[],"superseder":null,"messages":["{id}"],"files":[],"#,
            r#""creation":"2025-12-24.08:15:00","creator":"{person}","activity":"{date}","actor":"{person}"}}"#
        ),
        id = id,
        words = words,
        status = id % 8,
        person = id % 97,
        date = date
    )
}

/// What a request asks for.
struct Query {
    page: usize,
    page_size: Option<usize>,
    activity: String,
}

impl Query {
    fn read(target: &str) -> Self {
        let mut query = Self { page: 1, page_size: None, activity: String::new() };
        for (name, value) in target.split_once('?').map_or("", |(_, query)| query).split('&').filter_map(|pair| pair.split_once('=')) {
            match name.replace("%40", "@").as_str() {
                "@page_index" => query.page = value.parse().unwrap_or(1).max(1),
                "@page_size" => query.page_size = value.parse().ok(),
                "activity" => query.activity = value.replace("%3B", ";").replace("%3A", ":"),
                _ => {}
            }
        }
        query
    }
}

fn answer_all(stream: &TcpStream, pages: &impl Pages) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream);
    let mut out = stream;
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let target = line.split(' ').nth(1).unwrap_or("/").to_owned();
        while line.trim() != "" {
            line.clear();
            requests.read_line(&mut line)?;
        }
        let body = pages.page(&target);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Tue, 01 Dec 2026 00:00:00 GMT\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        out.write_all(head.as_bytes())?;
        out.write_all(&body)?;
    }
}
