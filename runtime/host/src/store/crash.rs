//! What is left after the process died at any moment: everything that was acknowledged, and a log that verifies.
//! The writer is the example `store_writer`; `cargo test` builds it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::format::Progress;
use super::{Namespace, Options, SledStore, Store, StoreError, verify_audit};

fn writer() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let path = program.parent().unwrap().parent().unwrap().join("examples/store_writer");
    assert!(path.exists(), "`{}` is not built: run `cargo build --release -p hub --example store_writer`", path.display());
    path
}

/// Reads acknowledged sizes until the process is gone; answers with the last one.
fn last_acknowledged(child: &mut Child) -> Option<u64> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // A line that was cut by the kill is no acknowledgement: it is parsed only with its end.
    lines.map_while(Result::ok).filter_map(|line| line.parse().ok()).last()
}

/// The store holds what was acknowledged, whole and in step; answers with its size.
fn assert_whole(folder: &Path, acknowledged: u64) -> u64 {
    let before = verify_audit(folder, &[]).unwrap();
    assert_eq!(before.verdict.first_bad, None);
    let store = SledStore::open(folder, Options::default()).unwrap();
    let head = store.head().unwrap();
    assert!(head.size >= acknowledged, "{acknowledged} entries were acknowledged, {} are there", head.size);
    assert_eq!((before.verdict.entries, before.verdict.root), (head.size, head.root));
    if head.size > 0 {
        let progress = Progress::decode(&store.get(Namespace::Progress, b"crm-to-erp").unwrap().unwrap()).unwrap();
        assert_eq!(progress.batch, head.size - 1, "value and audit entry of one transaction");
        let last = store.audit(head.size - 1, 1).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&last[0]).unwrap()["batch"], progress.batch);
    }
    drop(store);
    assert_eq!(verify_audit(folder, &[]).unwrap().verdict.first_bad, None);
    head.size
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    kill_in_rounds(None);
}

#[test]
fn a_log_is_whole_when_its_pruning_is_killed() {
    let folder = kill_in_rounds(Some("prune"));
    let verdict = verify_audit(&folder.path().join("store"), &[]).unwrap().verdict;
    assert!(verdict.first > 0, "nothing was pruned: {} entries", verdict.entries);
}

fn kill_in_rounds(mode: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut known = 0;
    for round in 0..30_u64 {
        let mut child = Command::new(writer()).arg(&store).args(mode).stdout(Stdio::piped()).spawn().unwrap();
        let id = rustix::process::Pid::from_child(&child);
        // From the middle of opening to hundreds of commits later.
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(3 + round * round * 37 % 400));
            rustix::process::kill_process(id, rustix::process::Signal::KILL)
        });
        let acknowledged = last_acknowledged(&mut child).unwrap_or(known);
        let status = child.wait().unwrap();
        killer.join().unwrap().unwrap();
        assert_eq!(status.signal(), Some(9), "the writer ended by itself in round {round}");
        if store.join("db").exists() {
            known = assert_whole(&store, acknowledged.max(known));
        }
    }
    assert!(known > 100, "the rounds were too short to show anything: {known} entries");
    folder
}

#[test]
fn an_error_of_the_disk_ends_the_process_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    // Files may not grow over 2 MiB: the engine's write fails as on a full disk.
    let script = "trap '' XFSZ; ulimit -f 4096; ulimit -c 0; exec \"$0\" \"$1\"";
    let mut command = Command::new("sh");
    let mut child = command.args(["-c", script]).arg(writer()).arg(&store).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let acknowledged = last_acknowledged(&mut child).expect("it wrote for a while");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(6), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the store cannot be") && told.contains("ending at once"), "{told}");
    assert!(assert_whole(&store, acknowledged) >= acknowledged);
}

#[test]
fn a_second_process_is_refused_and_verifying_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), Options::default()).unwrap();
    let output = Command::new(writer()).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap().trim(), "the store is in use by another process");
    assert!(matches!(SledStore::open(folder.path(), Options::default()), Err(StoreError::InUse)));
    let verified = verify_audit(folder.path(), &[]).unwrap();
    assert!(verified.in_use && verified.verdict.first_bad.is_none());
    drop(store);
    assert!(!verify_audit(folder.path(), &[]).unwrap().in_use);
}

#[test]
fn a_store_that_is_being_written_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(writer()).arg(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let reached: u64 = lines.by_ref().nth(100).unwrap().unwrap().parse().unwrap();
        let verified = verify_audit(folder.path(), &[]).unwrap();
        assert!(verified.in_use);
        assert_eq!(verified.verdict.first_bad, None);
        assert!(verified.verdict.entries >= reached, "{} of {reached}", verified.verdict.entries);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
