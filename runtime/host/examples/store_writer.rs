//! Writes to a store until it is killed, and prints the number of audit entries after each commit that was acknowledged as durable.
//! With `prune` behind the folder it prunes the audit log now and then.
//! The crash tests start it, kill it and look whether everything that it printed is there.

use std::io::Write as _;
use std::process::ExitCode;

use hub::store::format::Progress;
use hub::store::{self, Durability, Namespace, Put, Store, StoreError, Transaction};
use hub_core::audit::prune::Cut;
use hub_core::audit::tree::{BLOCK, Frontier};
use hub_core::audit::{Draft, Kind};

/// Entries of a step, where the log is to grow fast enough to be pruned often.
const BATCH: u64 = 40;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        let _ = writeln!(std::io::stderr(), "usage: store_writer FOLDER [prune]");
        return ExitCode::from(2);
    };
    match write(&folder, std::env::args().nth(2).is_some()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &str, prunes: bool) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io { doing: "printed", source };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    let store = store::open(folder)?;
    let mut out = std::io::stdout().lock();
    let mut size = store.head()?.size;
    loop {
        let cut = size.saturating_sub(100) / BLOCK * BLOCK;
        if prunes && cut > store.first()? {
            let by = size;
            size = runtime.block_on(store.commit(announcement(&*store, cut, size)?, Durability::Sync))?;
            writeln!(out, "{size}").and_then(|()| out.flush()).map_err(failed)?;
            while runtime.block_on(store.prune(by))? < cut {}
        }
        // A long cursor now and then, so that split values are cut by the kill too.
        let cursor = vec![b'c'; if size % 50 == 0 { 20_000 } else { 300 }];
        let durability = if size % 3 == 0 { Durability::Lazy } else { Durability::Sync };
        size = runtime.block_on(store.commit(step(size, cursor, if prunes { BATCH } else { 1 }), durability))?;
        if durability == Durability::Sync {
            writeln!(out, "{size}").and_then(|()| out.flush()).map_err(failed)?;
        }
    }
}

/// Says that the entries before a cut go, with the progress that belongs to the number of the entry.
fn announcement(store: &dyn Store, cut: u64, size: u64) -> Result<Transaction, StoreError> {
    let edge = Frontier::load(cut, |seq, level| store.hash(seq, level).ok().flatten());
    let missing = |seq| StoreError::Damaged { detail: "a hash is missing".to_owned(), first_bad_entry: Some(seq) };
    let cut = Cut { to: cut, root: edge.map_err(missing)?.root() };
    Ok(Transaction { audit: vec![cut.draft(BLOCK, "a test").batch(size)], ..step(size, b"short".to_vec(), 1) })
}

/// The progress and the audit entries that belong together: it names the last one.
fn step(size: u64, cursor: Vec<u8>, entries: u64) -> Transaction {
    let progress = Progress { batch: size + entries - 1, cursor: Some(cursor), ..Progress::default() };
    let put = Put { namespace: Namespace::Progress, key: b"crm-to-erp".to_vec(), value: Some(progress.encode()) };
    let run = Put { namespace: Namespace::Runs, key: format!("run-{}", size % 500).into_bytes(), value: Some(size.to_be_bytes().to_vec()) };
    let entry = |number| Draft::new(Kind::FlowCheckpoint).flow("crm-to-erp").batch(number).purpose("billing");
    Transaction { puts: vec![put, run], audit: (size..size + entries).map(entry).collect() }
}
