//! `tables`: the blind path for rows. They go from a database to the gate inside the host and never enter the sandbox.

use super::pages::limits;
use super::run::Run;
use super::sink::inlet;
use super::sql::{Rows, SqlError};
use super::{Page, PageAccepted};

/// Hands the next part of the rows to the gate; none at their end. What may not be observed is left out of the answer.
///
/// # Errors
/// The database's, E306, or whatever the gate or the flow refused.
pub async fn emit_rows(run: &Run, stream: u32, rows: &mut Rows, mut observe: Vec<String>) -> Result<Option<PageAccepted>, SqlError> {
    run.going()?;
    limits(run, "", &[], &observe).await?;
    let inlet = inlet(run).await?;
    // A connector of any table cannot know which columns the manifest calls personal: it learns nothing of those.
    observe.retain(|field| inlet.is_observable(field));
    let Some(chunk) = rows.next().await? else { return Ok(None) };
    let page = Page { body: chunk.json.into(), pointer: String::new(), constants: Vec::new(), observe };
    let accepted = inlet.page(stream, page).await.map_err(|refused| run.end(refused.0))?;
    Ok(Some(accepted))
}
