//! Writes to a store until it is killed, and prints the number of audit entries after each commit that was acknowledged as durable.
//! The crash tests start it, kill it and look whether everything that it printed is there.

use std::io::Write as _;
use std::process::ExitCode;

use hub::store::format::Progress;
use hub::store::{self, Durability, Namespace, Put, StoreError, Transaction};
use hub_core::audit::{Draft, Kind};

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        let _ = writeln!(std::io::stderr(), "usage: store_writer FOLDER");
        return ExitCode::from(2);
    };
    match write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io { doing: "printed", source };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    let store = store::open(folder)?;
    let mut out = std::io::stdout().lock();
    let mut size = store.head()?.size;
    loop {
        // A long cursor now and then, so that split values are cut by the kill too.
        let cursor = vec![b'c'; if size % 50 == 0 { 20_000 } else { 300 }];
        let durability = if size % 3 == 0 { Durability::Lazy } else { Durability::Sync };
        size = runtime.block_on(store.commit(step(size, cursor), durability))?;
        if durability == Durability::Sync {
            writeln!(out, "{size}").and_then(|()| out.flush()).map_err(failed)?;
        }
    }
}

/// The progress and the audit entry that belong together.
fn step(size: u64, cursor: Vec<u8>) -> Transaction {
    let progress = Progress { batch: size, cursor: Some(cursor), ..Progress::default() };
    let put = Put { namespace: Namespace::Progress, key: b"crm-to-erp".to_vec(), value: Some(progress.encode()) };
    let run = Put { namespace: Namespace::Runs, key: format!("run-{}", size % 500).into_bytes(), value: Some(size.to_be_bytes().to_vec()) };
    Transaction { puts: vec![put, run], audit: vec![Draft::new(Kind::FlowCheckpoint).flow("crm-to-erp").batch(size).purpose("billing")] }
}
