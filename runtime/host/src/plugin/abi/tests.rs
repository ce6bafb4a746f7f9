//! Small guests against the real sandbox: what they may do, how they end, what is written about it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, StreamId};

use super::open_source;
use crate::capability::{Accepted, Inlet, Page, PageAccepted, Refused};
use crate::plugin::package::Package;
use crate::plugin::{PluginError, ReadRequest, Source};
use crate::tests::{Still, World, component, description, foreign_component, source, world};

/// Remembers what it got.
#[derive(Default)]
struct Bin {
    batches: Mutex<Vec<(u32, Vec<u8>)>>,
    deleted: Mutex<Vec<(u32, Vec<u8>)>>,
    states: Mutex<Vec<Vec<u8>>>,
}

impl Inlet for Bin {
    fn batch(&self, stream: u32, ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        self.batches.lock().unwrap().push((stream, ndjson));
        Box::pin(async { Ok(Accepted { accepted: 1, ..Accepted::default() }) })
    }

    fn deleted(&self, stream: u32, keys: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        self.deleted.lock().unwrap().push((stream, keys));
        Box::pin(async { Ok(Accepted { accepted: 1, ..Accepted::default() }) })
    }

    fn page(&self, _stream: u32, _page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>> {
        Box::pin(async { Ok(PageAccepted::default()) })
    }

    fn checkpoint(&self, _stream: u32, state: Cursor) -> BoxFuture<'_, Result<(), Refused>> {
        self.states.lock().unwrap().push(state.as_bytes().to_vec());
        Box::pin(async { Ok(()) })
    }
}

fn request() -> ReadRequest {
    let stream = StreamId::parse("here.things").unwrap();
    ReadRequest { flow: "f".into(), stream, fields: Vec::new(), state: None, full_refresh: true, limit: None }
}

async fn open(world: &World, component: Vec<u8>) -> Result<(Box<dyn Source>, Arc<Bin>), Arc<Problem>> {
    let cache = tempfile::tempdir().unwrap();
    let bin = Arc::new(Bin::default());
    let setup = world.setup(Package::of(component).unwrap(), cache.path());
    Ok((open_source(setup, Arc::clone(&bin) as Arc<dyn Inlet>).await?, bin))
}

async fn read(world: &World, component: Vec<u8>) -> (Result<u64, PluginError>, Arc<Bin>) {
    let (mut source, bin) = open(world, component).await.unwrap();
    (source.read(vec![request()]).await, bin)
}

/// A guest with one function `$work`.
fn guest(imports: &str, names: &[&str], body: &str) -> Vec<u8> {
    component(&source(imports, body), "source-connector", &description(names))
}

fn plain(body: &str) -> Vec<u8> {
    guest("", &[], body)
}

const EMIT: &str = r#"(import "hub:connector/sink@0.1.0" "emit" (func $emit (param i32 i32 i32 i32)))
    (import "hub:connector/sink@0.1.0" "checkpoint" (func $checkpoint (param i32 i32 i32 i32)))"#;
const EMIT_DELETED: &str = r#"(import "hub:connector/sink@0.1.0" "emit-deleted" (func $deleted (param i32 i32 i32 i32)))"#;
const NOW: &str = r#"(import "hub:connector/runtime@0.1.0" "now-ms" (func $now (result i64)))"#;
const FETCH: &str = r#"(import "hub:connector/http@0.1.0" "fetch"
    (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
/// A GET of the text at 1024 with 22 bytes, answer at 64.
const CALL_FETCH: &str =
    "(call $fetch (i32.const 0) (i32.const 1024) (i32.const 22) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))";

#[tokio::test(flavor = "multi_thread")]
async fn a_source_reads_checks_and_emits() {
    let world = world("");
    let body = r#"(data (i32.const 1024) "{\"a\":1}\nstate") (func $work (result i64)
        (call $emit (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 64))
        (call $checkpoint (i32.const 0) (i32.const 1032) (i32.const 5) (i32.const 64))
        (i64.const 7))"#;
    let (mut source, bin) = open(&world, guest(EMIT, &["sink"], body)).await.unwrap();
    source.check().await.unwrap();
    assert_eq!(source.read(vec![request()]).await.unwrap(), 7);
    assert_eq!(*bin.batches.lock().unwrap(), [(0, b"{\"a\":1}\n".to_vec())]);
    assert_eq!(*bin.states.lock().unwrap(), [b"state".to_vec()]);
    assert_eq!(world.notes.denied(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_reports_deletions_within_the_limit() {
    let world = world("limits = { memory_mib = 32 }");
    let body = r#"(data (i32.const 1024) "{\"a\":1}\n") (func $work (result i64)
        (call $deleted (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 64))
        (drop (memory.grow (i32.const 300)))
        (call $deleted (i32.const 0) (i32.const 1024) (i32.const 16777217) (i32.const 64))
        (i64.const 1))"#;
    let (result, bin) = read(&world, guest(EMIT_DELETED, &["sink"], body)).await;
    let error = result.unwrap_err();
    assert!(error.code == Code::E306 && error.message.contains("keys in bytes of 16777217, the limit is 16777216"), "{error}");
    assert_eq!(*bin.deleted.lock().unwrap(), [(0, b"{\"a\":1}\n".to_vec())]);
    assert_eq!((bin.batches.lock().unwrap().len(), world.notes.denied()), (0, vec![Code::E306]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_names_the_guests_function_and_ends_the_instance() {
    let body = "(func $_ZN5guest4boom17h0123456789abcdefE unreachable)
        (func $work (result i64) (call $_ZN5guest4boom17h0123456789abcdefE) (i64.const 0))";
    let (mut source, _) = open(&world(""), plain(body)).await.unwrap();
    let error = source.read(vec![request()]).await.unwrap_err();
    assert_eq!((error.code, error.frame.as_deref()), (Code::E301, Some("guest::boom")), "{error}");
    assert_eq!((&*error.connector, error.retry_after_ms), ("test", None));
    let again = source.read(vec![request()]).await.unwrap_err();
    assert!(again.message.contains("has ended before"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_end_a_guest_with_their_code() {
    let forever = "(func $work (result i64) (loop $again (br $again)) (i64.const 0))";
    let deep = "(func $work (result i64) (i64.add (i64.const 1) (call $work)))";
    let greedy = "(func $work (result i64) (if (i32.eq (memory.grow (i32.const 400)) (i32.const -1)) (then unreachable)) (i64.const 0))";
    for (body, message) in [(forever, "computed for 1 s"), (deep, "too deeply"), (greedy, "more than 16 MiB")] {
        let world = world("limits = { seconds = 1, memory_mib = 16 }");
        let (result, _) = read(&world, plain(body)).await;
        let error = result.unwrap_err();
        assert!(error.code == Code::E302 && error.message.contains(message), "{error}");
        assert_eq!(world.notes.denied(), [Code::E302]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_computes_leaves_room_for_others() {
    let world = world("limits = { seconds = 1 }");
    let busy =
        tokio::spawn(async move { read(&world, plain("(func $work (result i64) (loop $again (br $again)) (i64.const 0))")).await.0 });
    let other = read(&crate::tests::world(""), plain("(func $work (result i64) (i64.const 3))")).await.0;
    assert_eq!(other.unwrap(), 3);
    assert_eq!(busy.await.unwrap().unwrap_err().code, Code::E302);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_beyond_the_limit_at_the_start_is_refused() {
    let core = source("", "(func $work (result i64) (i64.const 0))").replace("(export \"memory\") 1", "(export \"memory\") 400");
    let world = world("limits = { memory_mib = 16 }");
    let problem = open(&world, component(&core, "source-connector", &description(&[]))).await.err().unwrap();
    assert_eq!(problem.code, Code::E302, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_beyond_the_limit_at_the_start_are_refused() {
    for (extra, message) in [("(table 30001 funcref)", "30000 elements"), (&*"(table 1 funcref)".repeat(17), "too many modules")] {
        let core = source(extra, "(func $work (result i64) (i64.const 0))");
        let problem = open(&world(""), component(&core, "source-connector", &description(&[]))).await.err().unwrap();
        assert!(problem.code == Code::E302 && problem.title.contains(message), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_cannot_hoard_handles() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/a"), "x").unwrap();
    let world = crate::tests::world_in(folder.path(), "folders = { in = { path = \"in\", access = \"read\" } }");
    let opening = r#"(import "hub:connector/files@0.1.0" "open" (func $open (param i32 i32 i32 i32)))
        (import "hub:connector/files@0.1.0" "[resource-drop]reader" (func $drop (param i32)))"#;
    let body = r#"(data (i32.const 1024) "in/a") (func $work (result i64)
        (loop $again (call $open (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 64)) (br $again)) (i64.const 0))"#;
    let error = read(&world, guest(opening, &["files"], body)).await.0.unwrap_err();
    assert!(error.code == Code::E302 && error.message.contains("too many"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_granted_described_and_known() {
    let fetching = |names: &[&str]| guest(FETCH, names, &format!("(func $work (result i64) {CALL_FETCH} (i64.const 0))"));
    let granted = world("hosts = [\"https://api.example.org\"]");
    open(&granted, fetching(&["http"])).await.unwrap();
    for (grants, names, code) in [("", vec!["http"], Code::E305), ("hosts = [\"https://api.example.org\"]", vec![], Code::E303)] {
        let world = world(grants);
        assert_eq!(open(&world, fetching(&names)).await.err().unwrap().code, code);
        assert_eq!(world.notes.denied(), [code]);
    }
    let other = "package other:thing@1.0.0; interface api { call: func(); }";
    let with_other = "package test:it; world w { import other:thing/api@1.0.0; include hub:connector/source-connector@0.1.0; }";
    let core = source(r#"(import "other:thing/api@1.0.0" "call" (func $call))"#, "(func $work (result i64) (call $call) (i64.const 0))");
    let world = world("hosts = [\"https://api.example.org\"]");
    let problem = open(&world, foreign_component(&core, &[other, with_other], "w", &description(&[]))).await.err().unwrap();
    assert_eq!((problem.code, world.notes.denied()), (Code::E305, vec![Code::E305]));
    assert!(problem.title.contains("other:thing/api@1.0.0"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_abi_and_a_false_role_are_told() {
    let newer = "package hub:connector@0.2.0; interface source { read: func() -> u64; } world w { export source; }";
    let core = r#"(module (memory (export "memory") 1) (func (export "hub:connector/source@0.2.0#read") (result i64) (i64.const 1)))"#;
    let first = world("");
    assert_eq!(open(&first, foreign_component(core, &[newer], "w", &description(&[]))).await.err().unwrap().code, Code::E304);
    assert_eq!(first.notes.denied(), [Code::E304]);
    let both = description(&[]).replace("\"source\"", "\"destination\":{\"modes\":[\"append\"],\"accepts\":[\"user\"]},\"source\"");
    let bytes = component(&source("", "(func $work (result i64) (i64.const 0))"), "source-connector", &both);
    assert_eq!(open(&world(""), bytes).await.err().unwrap().code, Code::E303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_outweighs_what_the_guest_makes_of_it() {
    let body = format!(
        r#"(data (i32.const 1024) "https://evil.example/x") (data (i32.const 2048) "{{}}\n")
        (func $work (result i64) {CALL_FETCH} (call $emit (i32.const 0) (i32.const 2048) (i32.const 3) (i32.const 64)) (i64.const 1))"#
    );
    let world = world("hosts = [\"https://api.example.org\"]");
    let (result, bin) = read(&world, guest(&format!("{FETCH}{EMIT}"), &["http", "sink"], &body)).await;
    assert_eq!(result.unwrap_err().code, Code::E204);
    assert_eq!(world.notes.denied(), [Code::E204]);
    assert!(bin.batches.lock().unwrap().is_empty(), "nothing goes out after a refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_goes_on_after_a_refusal_is_stopped() {
    let body = format!(
        r#"(data (i32.const 1024) "https://evil.example/x")
        (func $work (result i64) {CALL_FETCH} (loop $again (drop (call $now)) (br $again)) (i64.const 1))"#
    );
    let world = world("hosts = [\"https://api.example.org\"]");
    let (result, _) = read(&world, guest(&format!("{FETCH}{NOW}"), &["http", "runtime"], &body)).await;
    assert_eq!(result.unwrap_err().code, Code::E204);
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_arguments_are_refused() {
    // 16 MiB + 1 reaches the capability; 18 MiB does not even leave the guest.
    for bytes in [(16 << 20) + 1, 18 << 20] {
        let body = format!(
            "(func $work (result i64) (drop (memory.grow (i32.const 320)))
            (call $emit (i32.const 0) (i32.const 0) (i32.const {bytes}) (i32.const 64)) (i64.const 1))"
        );
        let world = world("");
        let (result, bin) = read(&world, guest(EMIT, &["sink"], &body)).await;
        let error = result.unwrap_err();
        assert_eq!((error.code, world.notes.denied()), (Code::E306, vec![Code::E306]), "{error}");
        assert!(bin.batches.lock().unwrap().is_empty());
    }
    let body = "(func $work (result i64) (drop (memory.grow (i32.const 4)))
        (call $checkpoint (i32.const 0) (i32.const 0) (i32.const 4194305) (i32.const 64)) (i64.const 1))";
    let body = body.replace("(i32.const 4))", "(i32.const 80))");
    let (result, bin) = read(&world(""), guest(EMIT, &["sink"], &body)).await;
    assert_eq!(result.unwrap_err().code, Code::E306);
    assert!(bin.states.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_starts_a_request_sleeps_and_waits_for_it() {
    let imports = r#"(import "hub:connector/http@0.1.0" "start"
            (func $start (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "hub:connector/http@0.1.0" "[static]pending.wait" (func $wait (param i32 i32)))
        (import "hub:connector/runtime@0.1.0" "sleep-ms" (func $sleep (param i32)))
        (import "hub:connector/runtime@0.1.0" "now-us" (func $now (result i64)))"#;
    let start = CALL_FETCH.replace("$fetch", "$start").replace(" (i32.const 64))", ")");
    // Counts the clock and the answer's discriminant: 0 is a response, 1 is an error.
    let body = format!(
        r#"(data (i32.const 1024) "https://evil.example/x") (func $work (result i64) (local $pending i32)
            (local.set $pending {start}) (call $sleep (i32.const 2500)) (call $wait (local.get $pending) (i32.const 64))
            (i64.add (call $now) (i64.load8_u (i32.const 64))))"#
    );
    let (granted, cache, still) = (world("hosts = [\"https://api.example.org\"]"), tempfile::tempdir().unwrap(), Arc::new(Still::at(41)));
    let mut setup = granted.setup(Package::of(guest(imports, &["http", "runtime"], &body)).unwrap(), cache.path());
    setup.clock = Arc::clone(&still) as _;
    let mut source = open_source(setup, Arc::new(Bin::default())).await.unwrap();
    assert_eq!(source.read(vec![request()]).await.unwrap_err().code, Code::E204, "a refusal in the background is one");
    assert_eq!(granted.notes.denied(), [Code::E204]);

    let waiting = "(func $work (result i64) (call $sleep (i32.const 2500)) (call $now))";
    let imports = imports.split_once("(import \"hub:connector/runtime@0.1.0\" \"sleep-ms\"").unwrap().1;
    let imports = format!("(import \"hub:connector/runtime@0.1.0\" \"sleep-ms\"{imports}");
    let mut setup = granted.setup(Package::of(guest(&imports, &["runtime"], waiting)).unwrap(), cache.path());
    setup.clock = Arc::clone(&still) as _;
    let mut source = open_source(setup, Arc::new(Bin::default())).await.unwrap();
    assert_eq!(source.read(vec![request()]).await.unwrap(), 41);
    assert_eq!(still.sleeps().last(), Some(&std::time::Duration::from_millis(2500)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_error_is_told_cleaned_and_its_cancellation_is_known() {
    let fails = |kind: u8| {
        let core = source("", "(func $work (result i64) (i64.const 0))").replace(
            "(i32.store8 (i32.const 16) (i32.const 0))\n                (i32.const 16))\n            (func (export \"hub:connector/source@0.1.0#check\")",
            &format!(
                "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store8 (i32.const 24) (i32.const {kind}))
                (i32.store (i32.const 28) (i32.const 1024)) (i32.store (i32.const 32) (i32.const 9))
                (i32.store8 (i32.const 36) (i32.const 1)) (i32.store (i32.const 40) (i32.const 1500))
                (i32.const 16)) (data (i32.const 1024) \"try\\1b[31m!\")
                (func (export \"hub:connector/source@0.1.0#check\")"
            ),
        );
        component(&core, "source-connector", &description(&[]))
    };
    let error = read(&world(""), fails(2)).await.0.unwrap_err();
    assert_eq!((error.code, error.retry_after_ms, &*error.message), (Code::E307, Some(Some(1500)), "it may work later: try [31m!"));
    assert!(!error.is_cancelled());
    assert!(read(&world(""), fails(5)).await.0.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lifetime_ends_a_guest_that_waits() {
    struct Full;
    impl Inlet for Full {
        fn batch(&self, _stream: u32, _ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
            Box::pin(std::future::pending())
        }
        fn deleted(&self, _stream: u32, _keys: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
            Box::pin(std::future::pending())
        }
        fn page(&self, _stream: u32, _page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>> {
            Box::pin(std::future::pending())
        }
        fn checkpoint(&self, _stream: u32, _state: Cursor) -> BoxFuture<'_, Result<(), Refused>> {
            Box::pin(std::future::pending())
        }
    }
    let body = "(func $work (result i64) (call $emit (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)) (i64.const 1))";
    let (world, cache) = (world(""), tempfile::tempdir().unwrap());
    let mut setup = world.setup(Package::of(guest(EMIT, &["sink"], body)).unwrap(), cache.path());
    setup.lifetime = Some(std::time::Duration::from_millis(200));
    let mut source = open_source(setup, Arc::new(Full)).await.unwrap();
    let error = source.read(vec![request()]).await.unwrap_err();
    assert_eq!((error.code, world.notes.denied()), (Code::E302, vec![Code::E302]), "{error}");
}
