//! Signed heads that go to anchors, over real files and a real server on 127.0.0.1.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use hub_core::audit::note::{LogKey, Verifier};
use hub_core::audit::{Draft, Kind};
use hub_core::manifest::{self, NoFiles};
use hub_core::policy::Catalogue;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::evidence;
use crate::store::format::Reached;
use crate::store::{Durability, Transaction};
use crate::tests::Still;

/// A Tuesday.
const NOW_US: u64 = 1_795_446_000_000_000;

/// What a server was asked: the head of the request, and its body.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// Answers with these statuses in turn, then with the last one for ever. Answers with its port.
fn serve(statuses: &'static [u16]) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Seen = Arc::default();
    let noted = seen.clone();
    std::thread::spawn(move || {
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut reader = BufReader::new(&stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                let lower = line.to_ascii_lowercase();
                length = lower.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap());
                head.push_str(&lower);
            }
            let mut body = String::new();
            let _ = reader.take(length).read_to_string(&mut body);
            noted.lock().unwrap().push((head, body));
            let status = statuses.get(number).or(statuses.last()).unwrap();
            let _ = stream.write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes());
        }
    });
    (port, seen)
}

struct World {
    folder: TempDir,
    host: Host,
    clock: Arc<Still>,
}

/// A hub with a log of some entries. `tables`: what the manifest declares besides.
async fn world(tables: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "planted-token").unwrap();
    let name = folder.path().join("manifest.toml").display().to_string();
    let text = format!("manifest = 1\noperator = {{ name = \"T\", contact = \"t@example.org\" }}\n{tables}\n");
    let manifest = manifest::read(&name, &text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let policy =
        Policy::build(manifest, &Catalogue::new(), crate::clock::day(0, None)).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let clock = Arc::new(Still::at(NOW_US));
    let host = Host {
        policy: Arc::new(policy),
        packages: crate::sync::Packages::new(),
        store: store::open("memory:").unwrap(),
        config: Config::new(Some(folder.path().to_owned()), None),
        stopping: Arc::default(),
        lookup: Arc::new(crate::egress::SystemLookup),
        clock: clock.clone(),
    };
    let world = World { folder, host, clock };
    world.log(5).await;
    world
}

impl World {
    async fn log(&self, entries: usize) {
        let audit = vec![Draft::new(Kind::HubStart); entries];
        self.host.store.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await.unwrap();
    }

    async fn start(&self) -> Result<Telemetry, Problem> {
        Telemetry::start(&self.host, "hub/test".to_owned()).await
    }

    /// A process in which one run ends.
    async fn process(&self) {
        let telemetry = self.start().await.unwrap();
        telemetry.ended("a", &Ok(Summary::default()));
        telemetry.finish().await;
    }

    fn reached(&self, id: &str) -> Reached {
        reached(&*self.host.store).unwrap().remove(id).unwrap_or_default()
    }

    fn verifier(&self) -> Verifier {
        evidence::public(&self.host.config).unwrap().unwrap()
    }

    fn anchored(&self) -> usize {
        let lines = self.host.store.audit(0, 1000).unwrap();
        lines.iter().filter(|line| String::from_utf8_lossy(line).contains("\"kind\":\"audit.anchored\"")).count()
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

#[tokio::test]
async fn a_head_is_posted_after_a_run() {
    let (port, seen) = serve(&[204]);
    let url = format!("http://127.0.0.1:{port}/notes");
    let world = world(&format!("[audit.anchor.far]\nurl = \"{url}\"\ntoken = {{ file = \"token\" }}\nevery = \"P1D\"\n")).await;
    world.start().await.unwrap().finish().await;
    assert_eq!(seen.lock().unwrap().len(), 0, "no run has ended");
    world.process().await;
    let (head, body) = seen.lock().unwrap()[0].clone();
    assert!(head.starts_with("post /notes http/1.1") && head.contains("content-type: text/plain"), "{head}");
    assert!(head.contains("authorization: bearer planted-token"), "{head}");
    let checkpoint = world.verifier().open(&body).unwrap();
    let reached = world.reached("anchor:far");
    assert_eq!((reached.entries, reached.taken_ms), (checkpoint.head.size, Some(NOW_US / 1000)));
    assert_eq!((reached.failing_since_ms, world.anchored()), (None, 1));
    assert!(evidence::begins_with(&*world.host.store, &checkpoint.head).is_ok());
    world.process().await;
    assert_eq!(seen.lock().unwrap().len(), 1, "once a day is once a day, however often a process ends");
}

#[tokio::test]
async fn without_a_rhythm_each_process_leaves_a_head() {
    let world = world("[audit.anchor.near]\nfile = \"anchors.jsonl\"\n").await;
    for runs in 1..=3 {
        world.process().await;
        world.log(3).await;
        let heads = evidence::heads(&world.file("anchors.jsonl"), &world.verifier()).unwrap();
        assert_eq!((heads.len(), world.anchored()), (runs, runs));
        assert_eq!(heads.last().unwrap().size, world.reached("anchor:near").entries);
    }
}

#[tokio::test]
async fn a_server_that_fails_is_tried_again_and_told() {
    let (port, seen) = serve(&[503]);
    let (alerts, told) = serve(&[200]);
    let world = world(&format!(
        "[audit.anchor.far]\nurl = \"http://127.0.0.1:{port}/notes\"\n[alert.ops]\nto = \"http://127.0.0.1:{alerts}/hub\"\nsecret = {{ file = \"token\" }}\non = [\"audit.broken\"]\n"
    ))
    .await;
    world.process().await;
    assert_eq!(seen.lock().unwrap().len(), 2, "a process that ends tries once more");
    let known = world.reached("anchor:far");
    assert_eq!((known.reason.as_deref(), known.failing_since_ms), (Some("status 503"), Some(NOW_US / 1000)));
    assert_eq!((known.taken_ms, world.anchored()), (None, 0));
    let event: Value = serde_json::from_str(&told.lock().unwrap()[0].1).unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["anchor"], &event["data"]["code"]),
        (&"hub.audit.broken.v1".into(), &"far".into(), &"HUB-E316".into())
    );
    world.process().await;
    assert_eq!(told.lock().unwrap().len(), 1, "it is not told again on the same day");
}

#[tokio::test]
async fn a_hub_that_stays_goes_on_trying() {
    let (port, seen) = serve(&[503, 404, 200]);
    let world = world(&format!("[audit.anchor.far]\nurl = \"http://127.0.0.1:{port}/notes\"\n")).await;
    let telemetry = world.start().await.unwrap();
    telemetry.ended("a", &Ok(Summary::default()));
    while world.reached("anchor:far").taken_ms.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(world.clock.sleeps(), [Duration::from_secs(1), Duration::from_secs(5)]);
    let sizes: Vec<u64> = seen.lock().unwrap().iter().map(|(_, body)| world.verifier().open(body).unwrap().head.size).collect();
    assert_eq!((sizes.len(), world.reached("anchor:far").failing_since_ms), (3, None));
    telemetry.finish().await;
    assert_eq!(seen.lock().unwrap().len(), 3, "nothing has run since");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_nothing() {
    let world = world("[audit.anchor.near]\nfile = \"nowhere/anchors.jsonl\"\n").await;
    world.process().await;
    assert_eq!(world.reached("anchor:near").reason.as_deref(), Some("entity not found"));
    std::fs::create_dir(world.file("nowhere")).unwrap();
    world.process().await;
    let known = world.reached("anchor:near");
    assert_eq!((known.reason, known.failing_since_ms, world.anchored()), (None, None, 1));
}

fn refused(started: Result<Telemetry, Problem>) -> Problem {
    match started {
        Err(problem) => problem,
        Ok(_) => panic!("it began"),
    }
}

#[tokio::test]
async fn an_older_log_another_one_and_a_lost_key_let_nothing_begin() {
    let world = world("[audit.anchor.near]\nfile = \"anchors.jsonl\"\n").await;
    world.process().await;
    let file = world.file("anchors.jsonl");
    // The same data folder with a log that is younger.
    let older = World {
        host: Host { store: store::open("memory:").unwrap(), ..world.host.clone() },
        clock: world.clock.clone(),
        folder: world.folder,
    };
    older.log(2).await;
    let problem = refused(older.start().await);
    assert!(problem.code == Code::E502 && problem.title.contains("an older state was put in its place"), "{}", problem.title);
    older.log(20).await;
    let problem = refused(older.start().await);
    assert!(problem.code == Code::E502 && problem.title.contains("are not the ones that were signed"), "{}", problem.title);
    std::fs::remove_file(older.file("audit.key")).unwrap();
    let problem = refused(older.start().await);
    assert_eq!((problem.code, older.file("audit.key").exists()), (Code::E507, false));
    let foreign = LogKey::from_seed("hub/other", &[7; 32]).unwrap();
    write_key(&older.file("audit.key"), &LogKey::file("hub/other", &[7; 32]));
    assert!(evidence::last_head(&file, &foreign.verifier()).is_err());
    let problem = refused(older.start().await);
    assert!(problem.code == Code::E502 && problem.title.contains("does not hold the heads of this log"), "{}", problem.title);
}

fn write_key(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_is_in_the_book_until_it_does() {
    let (port, _) = serve(&[400, 200]);
    let world =
        world(&format!("[alert.ops]\nto = \"http://127.0.0.1:{port}/hub\"\nsecret = {{ file = \"token\" }}\non = [\"run.failed\"]\n"))
            .await;
    for (given_up, reason) in [(1, Some("status 400")), (0, None)] {
        let telemetry = world.start().await.unwrap();
        telemetry.alerts.tell(hub_core::manifest::Event::RunFailed, None, &Value::Null);
        telemetry.finish().await;
        let known = world.reached("alert:ops");
        assert_eq!((known.given_up, known.reason.as_deref(), known.failing_since_ms.is_some()), (given_up, reason, reason.is_some()));
    }
}
