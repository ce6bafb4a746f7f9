//! Requests over real sockets on 127.0.0.1, with names that lead where a test says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use hub_core::problem::Code;

use super::{Lookup, Method, SendError};
use crate::capability::http::{Fetch, FetchError, Response, fetch, fetch_many, start};
use crate::capability::run::Run;
use crate::tests::{World, world, world_in};

mod trust;

/// Answers each connection with the next text and keeps what was asked.
pub(super) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

pub(super) fn serve(answers: &[String]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let (noted, answers) = (Arc::clone(&seen), answers.to_vec());
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            noted.lock().unwrap().push(request(&stream));
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    Server { port, seen }
}

fn request(stream: &std::net::TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0_u64);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    reader.take(length).read_to_string(&mut text).unwrap();
    text
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\nX-Page: 1\r\nset-cookie: a=b\r\n\r\n{body}", body.len())
}

pub(super) fn moved(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

impl Server {
    pub(super) fn seen(&self, index: usize) -> String {
        self.seen.lock().unwrap()[index].clone()
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(super) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn granting(servers: &[&Server], more: &str) -> World {
    let hosts: Vec<String> = servers.iter().map(|server| format!("{:?}", server.origin())).collect();
    world(&format!("hosts = [{}]\n{more}", hosts.join(", ")))
}

pub(super) fn get(url: impl Into<String>) -> Fetch {
    Fetch { method: Method::Get, url: url.into(), headers: Vec::new(), body: None, credential: None, timeout_ms: None }
}

pub(super) fn refusal(run: &Run, answer: &Result<Response, FetchError>) -> Code {
    assert!(matches!(answer, Err(FetchError::Ended(_))), "{answer:?}");
    run.refusal().unwrap().code
}

#[tokio::test]
async fn a_granted_request_gets_its_answer() {
    let server = serve(&[ok(r#"{"data":[{"id":1},{"id":2}],"next":"p2","meta":{"n":2},"deep":{"list":[1]}}"#)]);
    let run = granting(&[&server], "").run();
    let request = Fetch { headers: vec![("Accept".into(), "text/x".into())], ..get(format!("{}/a?b=c#d", server.origin())) };
    let response = fetch(&run, request).await.unwrap();
    assert_eq!((response.status(), response.header("x-PAGE")), (200, Some("1")));
    assert!(response.header("set-cookie").is_none());
    let seen = server.seen(0);
    assert!(
        seen.starts_with("GET /a?b=c HTTP/1.1\r\n")
            && seen.contains("accept: text/x\r\n")
            && seen.contains("accept-encoding: identity\r\n"),
        "{seen}"
    );
    assert_eq!(response.pointer(&run, "/next").await.unwrap().as_deref(), Some("\"p2\""));
    assert_eq!(response.pointer(&run, "/meta").await.unwrap().as_deref(), Some("{\"n\":2}"));
    assert_eq!(response.pointer(&run, "/absent").await.unwrap(), None);
    assert_eq!(response.length(&run, "/data").await.unwrap(), Some(2));
    assert_eq!(response.length(&run, "/next").await.unwrap(), None);
    assert!(matches!(response.pointer(&run, "next").await, Err(FetchError::Malformed(_))));
    assert!(run.refusal().is_none());
}

#[tokio::test]
async fn records_are_read_with_the_grant_only() {
    let body = r#"{"data":[{"id":1}],"deep":{"list":[1]}}"#;
    let server = serve(&[ok(body), ok(body), ok(body), ok(body)]);
    for pointer in ["/data/0/id", "/deep", ""] {
        let run = granting(&[&server], "").run();
        let response = fetch(&run, get(server.origin())).await.unwrap();
        assert!(matches!(response.pointer(&run, pointer).await, Err(FetchError::Ended(_))), "{pointer}");
        assert_eq!(run.refusal().unwrap().code, Code::E310);
    }
    let world = granting(&[&server], "grants = [\"read-body\"]");
    let run = world.run();
    let mut response = fetch(&run, get(server.origin())).await.unwrap();
    assert_eq!(response.pointer(&run, "/data/0/id").await.unwrap().as_deref(), Some("1"));
    assert_eq!(response.read(&run, 10).await.unwrap().unwrap().len(), 10);
    assert_eq!(response.read(&run, u32::MAX).await.unwrap().unwrap().len(), body.len() - 10);
    assert_eq!(response.read(&run, 0).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_not_granted_never_leaves() {
    let server = serve(&[]);
    let port = server.port;
    for (url, code) in [
        (format!("http://127.0.0.1:{}/", port.wrapping_add(1)), Code::E401),
        (format!("http://user:pass@127.0.0.1:{port}/"), Code::E204),
        ("https://example.org/".to_owned(), Code::E204),
        (format!("https://127.0.0.1:{port}/"), Code::E204),
        ("file:///etc/passwd".to_owned(), Code::E204),
        ("ftp://127.0.0.1/".to_owned(), Code::E401),
    ] {
        let world = granting(&[&server], "");
        let run = world.run();
        let answer = fetch(&run, get(url.clone())).await;
        assert_eq!(refusal(&run, &answer), code, "{url}");
        assert_eq!(world.notes.denied(), [code]);
        assert!(matches!(fetch(&run, get(server.origin())).await, Err(FetchError::Ended(_))), "a refused run sends nothing more");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn headers_and_sizes_of_the_host_stay_the_hosts() {
    let server = serve(&[]);
    let token = tempfile::tempdir().unwrap();
    std::fs::write(token.path().join("t"), "secret-token").unwrap();
    let grants = format!(
        "hosts = [{:?}]\ncredentials.k = {{ scheme = \"header\", header = \"X-Key\", value = {{ file = \"t\" }} }}",
        server.origin()
    );
    for (name, code) in
        [("Authorization", Code::E309), ("cookie", Code::E309), ("x-key", Code::E309), ("Host", Code::E204), ("Proxy-X", Code::E204)]
    {
        let run = world_in(token.path(), &grants).run();
        let answer = fetch(&run, Fetch { headers: vec![(name.into(), "x".into())], ..get(server.origin()) }).await;
        assert_eq!(refusal(&run, &answer), code, "{name}");
    }
    let run = world_in(token.path(), &grants).run();
    let broken = fetch(&run, Fetch { headers: vec![("a\r\nb".into(), "x".into())], ..get(server.origin()) }).await;
    assert!(matches!(broken, Err(FetchError::Malformed(_))));
    assert!(matches!(fetch(&run, get("/relative")).await, Err(FetchError::Malformed(_))));
    for request in [
        get(format!("{}/{}", server.origin(), "x".repeat(9000))),
        Fetch { body: Some(vec![0; (4 << 20) + 1]), ..get(server.origin()) },
        Fetch { headers: vec![("a".into(), "b".into()); 65], ..get(server.origin()) },
    ] {
        let run = granting(&[&server], "").run();
        let answer = fetch(&run, request).await;
        assert_eq!(refusal(&run, &answer), Code::E306);
    }
}

#[tokio::test]
async fn credentials_go_to_their_origins_and_never_come_back() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cr3t-t0ken\n").unwrap();
    let other = serve(&[ok("{}")]);
    let echo = "{\"you\":\"Bearer s3cr3t-t0ken\"}";
    let answer = ok(echo).replace("X-Page: 1", "X-Echo: s3cr3t-t0ken");
    let bound = serve(&[answer, moved(307, &format!("{}/next", other.origin()))]);
    let grants = format!(
        "hosts = [{:?}, {:?}]\ncredentials.api = {{ scheme = \"bearer\", value = {{ file = \"token\" }}, origins = [{:?}] }}",
        bound.origin(),
        other.origin(),
        bound.origin()
    );
    let world = world_in(folder.path(), &grants);
    let run = world.run();
    let with = |url: String| Fetch { credential: Some("api".into()), headers: vec![("x-own".into(), "1".into())], ..get(url) };
    let response = fetch(&run, with(bound.origin())).await.unwrap();
    assert!(bound.seen(0).contains("authorization: Bearer s3cr3t-t0ken\r\n"));
    assert_eq!(response.pointer(&run, "/you").await.unwrap().unwrap(), "\"Bearer ************\"");
    assert_eq!(response.header("x-echo"), Some("************"));

    fetch(&run, with(bound.origin())).await.unwrap();
    let redirected = other.seen(0);
    assert!(
        bound.seen(1).contains("authorization") && !redirected.contains("authorization") && !redirected.contains("x-own"),
        "{redirected}"
    );

    for (url, name) in [(other.origin(), "api"), (bound.origin(), "unknown")] {
        let run = world.run();
        let answer = fetch(&run, Fetch { credential: Some(name.into()), ..get(url) }).await;
        assert_eq!(refusal(&run, &answer), Code::E309);
    }
    std::fs::remove_file(folder.path().join("token")).unwrap();
    let problem = super::Credentials::read(&world.sources, &world.system).err().unwrap();
    assert!(problem.code == Code::E312 && !problem.labels.is_empty(), "{problem}");
}

#[tokio::test]
async fn redirects_are_asked_again() {
    let server =
        serve(&[moved(302, "/landing"), ok("{}"), moved(303, "http://127.0.0.1:1/"), moved(301, "https://169.254.169.254/latest")]);
    let world = granting(&[&server], "");
    let run = world.run();
    let post = Fetch {
        method: Method::Post,
        body: Some(b"x".to_vec()),
        headers: vec![("Content-Type".into(), "a/b".into())],
        ..get(server.origin())
    };
    assert_eq!(fetch(&run, post).await.unwrap().status(), 200);
    assert!(server.seen(0).starts_with("POST / "));
    let landed = server.seen(1);
    assert!(landed.starts_with("GET /landing ") && !landed.contains("content-type"), "{landed}");
    for code in [Code::E401, Code::E204] {
        let run = world.run();
        let answer = fetch(&run, get(server.origin())).await;
        assert_eq!(refusal(&run, &answer), code);
    }
    let again = serve(&vec![moved(302, "/again"); 20]);
    let answer = fetch(&granting(&[&again], "").run(), get(again.origin())).await;
    assert!(matches!(answer, Err(FetchError::Transport(_))), "{answer:?}");
    assert_eq!(again.count(), 11);
}

/// Gives the next list of addresses for each question.
struct Script(Mutex<VecDeque<Vec<IpAddr>>>);

impl Lookup for Script {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn leading_to(world: &mut World, answers: &[&[&str]]) {
    let answers = answers.iter().map(|list| list.iter().map(|address| address.parse().unwrap()).collect()).collect();
    world.lookup = Arc::new(Script(Mutex::new(answers)));
}

#[tokio::test]
async fn a_name_leads_to_permitted_addresses_only() {
    let server = serve(&[ok("{}"), ok("{}")]);
    let grants = format!("hosts = [\"http://localhost:{}\", \"https://api.example.org:{}\"]", server.port, server.port);
    let local = format!("http://localhost:{}/", server.port);
    let named = format!("https://api.example.org:{}/", server.port);

    let mut rebound = world(&grants);
    leading_to(&mut rebound, &[&["127.0.0.1"], &["10.0.0.1"], &["192.168.0.1", "127.0.0.1"]]);
    let run = rebound.run();
    fetch(&run, get(&local)).await.unwrap();
    let answer = fetch(&run, get(&local)).await;
    assert_eq!(refusal(&run, &answer), Code::E204, "the name changed between two connections");
    let run = rebound.run();
    fetch(&run, get(&local)).await.unwrap();
    assert!(run.refusal().is_none(), "one permitted address is enough");
    let answer = fetch(&run, get(&local)).await;
    assert!(matches!(answer, Err(FetchError::Dns(_))), "{answer:?}");

    for address in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00::1"] {
        let mut inside = world(&grants);
        leading_to(&mut inside, &[&[address]]);
        let run = inside.run();
        let answer = fetch(&run, get(&named)).await;
        assert_eq!(refusal(&run, &answer), Code::E204, "{address}");
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn answers_have_limits() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 70000000\r\n\r\n".to_owned();
    let heavy = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    let server = serve(&[endless, heavy, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx".to_owned(), "nonsense\r\n\r\n".to_owned()]);
    let run = granting(&[&server], "").run();
    assert!(matches!(fetch(&run, get(server.origin())).await, Err(FetchError::TooLarge(67_108_864))));
    assert!(matches!(fetch(&run, get(server.origin())).await, Err(FetchError::TooLarge(65_536))));
    for _ in 0..2 {
        let answer = fetch(&run, get(server.origin())).await;
        let Err(FetchError::Transport(text)) = &answer else { panic!("{answer:?}") };
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let run = world(&format!("hosts = [{origin:?}]")).run();
    let answer = fetch(&run, Fetch { timeout_ms: Some(100), ..get(&origin) }).await;
    assert!(matches!(answer, Err(FetchError::Timeout)), "{answer:?}");
}

#[tokio::test]
async fn a_server_without_trust_is_told() {
    let server = serve(&[ok("{}")]);
    let run = world(&format!("hosts = [\"https://127.0.0.1:{}\"]", server.port)).run();
    let request = Fetch { timeout_ms: Some(5000), ..get(format!("https://127.0.0.1:{}", server.port)) };
    let answer = fetch(&run, request).await;
    assert!(matches!(answer, Err(FetchError::Tls(_) | FetchError::Transport(_) | FetchError::Timeout)), "{answer:?}");
}

#[tokio::test]
async fn many_requests_keep_their_order() {
    let server = serve(&(0..20).map(|_| ok("{}")).collect::<Vec<_>>());
    let run = granting(&[&server], "").run();
    let requests = (0..20).map(|number| if number == 7 { get("bad") } else { get(format!("{}/{number}", server.origin())) }).collect();
    let answers = fetch_many(&run, requests).await;
    let wrong: Vec<usize> = answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(index, _)| index).collect();
    assert_eq!((answers.len(), wrong, server.count()), (20, vec![7], 19));
    let run = granting(&[&server], "").run();
    let answers = fetch_many(&run, (0..257).map(|_| get("http://x/")).collect()).await;
    assert!(answers.len() == 257 && answers.iter().all(Result::is_err));
    assert_eq!(run.refusal().unwrap().code, Code::E306);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_go_on_by_themselves() {
    let server = serve(&vec![ok("{}"); 16]);
    let run = Arc::new(granting(&[&server], "").run());
    let mut under_way = Vec::new();
    for number in 0..16 {
        under_way.push(start(&run, get(format!("{}/{number}", server.origin()))).await);
    }
    let began = std::time::Instant::now();
    while server.count() < 16 && began.elapsed().as_secs() < 30 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(server.count(), 16, "nobody has waited for any of them");
    for pending in under_way {
        assert_eq!(pending.wait().await.unwrap().status(), 200);
    }
    let wrong = start(&run, get("/relative")).await;
    assert!(matches!(wrong.wait().await, Err(FetchError::Malformed(_))), "what is wrong with a request is told at its end");
    assert!(run.refusal().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_under_way_are_refused_and_abandoned_ones_do_not_count() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let world = world(&format!("hosts = [{origin:?}]"));
    let run = Arc::new(world.run());
    for _ in 0..40 {
        drop(start(&run, get(&origin)).await);
    }
    assert!(run.refusal().is_none());
    let mut under_way = Vec::new();
    for _ in 0..17 {
        under_way.push(start(&run, get(&origin)).await);
    }
    let last = under_way.pop().unwrap().wait().await;
    assert_eq!(refusal(&run, &last), Code::E306);
    assert_eq!(world.notes.denied(), [Code::E306]);
}

#[test]
fn errors_hold_no_secret() {
    let text = SendError::Transport("see s3cret".to_owned()).map_text(|text| text.replace("s3cret", "***"));
    assert!(matches!(text, SendError::Transport(text) if text == "see ***"));
}
