//! `sink`: records and checkpoints out. Does not look into a batch: that is the gate's, behind the inlet.

use std::sync::Arc;

use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, MAX_BATCH_BYTES, MAX_CURSOR_BYTES};

use super::run::{Ended, Run};
use super::{Accepted, Inlet};

/// Hands a batch to the gate; waits while downstream is full.
///
/// # Errors
/// E306, or whatever the gate or the flow refused.
pub async fn emit(run: &Run, stream: u32, batch: Vec<u8>) -> Result<Accepted, Ended> {
    run.going()?;
    run.within("a batch in bytes", batch.len(), MAX_BATCH_BYTES).await?;
    inlet(run).await?.batch(stream, batch).await.map_err(|refused| run.end(refused.0))
}

/// Hands keys of deleted records to the gate; waits while downstream is full.
///
/// # Errors
/// E306, or whatever the gate or the flow refused.
pub async fn emit_deleted(run: &Run, stream: u32, keys: Vec<u8>) -> Result<Accepted, Ended> {
    run.going()?;
    run.within("keys in bytes", keys.len(), MAX_BATCH_BYTES).await?;
    inlet(run).await?.deleted(stream, keys).await.map_err(|refused| run.end(refused.0))
}

/// Says that everything emitted before is covered by a state.
///
/// # Errors
/// E306, or whatever the flow refused.
pub async fn checkpoint(run: &Run, stream: u32, state: &[u8]) -> Result<(), Ended> {
    run.going()?;
    run.within("a state in bytes", state.len(), MAX_CURSOR_BYTES).await?;
    let Some(cursor) = Cursor::new(state) else { return Ok(()) };
    inlet(run).await?.checkpoint(stream, cursor).await.map_err(|refused| run.end(refused.0))
}

/// A destination has no inlet: records from it belong to no flow.
pub(super) async fn inlet(run: &Run) -> Result<Arc<dyn Inlet>, Ended> {
    match &run.inlet {
        Some(inlet) => Ok(Arc::clone(inlet)),
        None => {
            let title = format!("system `{}` emitted records while it was used as a destination", run.system);
            Err(run.refuse(Problem::new(Code::E218, title, "declare a flow from this system, or correct the connector")).await)
        }
    }
}
