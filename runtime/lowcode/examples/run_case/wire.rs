//! As much HTTP/1.1 as `fake_api.py` speaks: one connection that is kept, bodies with a length, no compression, no TLS.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::linux::net::TcpStreamExt;
use std::time::Duration;

use super::Failure;

/// An answer, read to its end.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "shared: not every program that uses it looks at all of an answer")]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A connection to the API of a case.
pub struct Wire {
    port: u16,
    kept: RefCell<Option<BufReader<TcpStream>>>,
}

impl Wire {
    pub fn new(port: u16) -> Self {
        Self { port, kept: RefCell::new(None) }
    }

    /// Sends a request to a path of the server.
    pub fn send(&self, method: &str, path: &str, headers: &[(String, String)], body: Option<&[u8]>) -> Result<Answer, Failure> {
        let mut reader = match self.kept.take() {
            Some(reader) => reader,
            None => self.connect()?,
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        if let Some(body) = body {
            write!(head, "Content-Length: {}\r\n", body.len())?;
        }
        head.push_str("\r\n");
        let mut bytes: Vec<u8> = head.chars().map(|one| u8::try_from(u32::from(one)).unwrap_or(b'?')).collect();
        bytes.extend_from_slice(body.unwrap_or_default());
        reader.get_mut().write_all(&bytes)?;
        // The server sends head and body apart and waits for the first one's acknowledgement.
        reader.get_ref().set_quickack(true)?;
        let answer = receive(&mut reader, method == "HEAD")?;
        self.kept.replace(Some(reader));
        Ok(answer)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(BufReader::new(stream))
    }
}

fn receive(reader: &mut BufReader<TcpStream>, headless: bool) -> Result<Answer, Failure> {
    let first = line(reader)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| format!("no status in `{first}`"))?;
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let text = line(reader)?;
        let Some((name, value)) = text.split_once(':') else { break };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse()?;
        }
        headers.push((name, value));
    }
    let mut body = vec![0; if headless { 0 } else { length }];
    reader.read_exact(&mut body)?;
    Ok(Answer { status, headers, body })
}

fn line(reader: &mut BufReader<TcpStream>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Err("the server closed the connection".into());
    }
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    Ok(text.trim_end().to_owned())
}
