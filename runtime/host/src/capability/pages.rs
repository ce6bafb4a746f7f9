//! `pages`: the blind path. Records go from a response to the gate inside the host and never enter the sandbox.

use hub_core::problem::{Code, Problem};

use super::http::Response;
use super::run::{Ended, Run};
use super::sink::inlet;
use super::{Page, PageAccepted};

const MAX_CONSTANTS: usize = 32;
const MAX_OBSERVED: usize = 16;
const MAX_NAME_BYTES: usize = 1 << 10;
const MAX_CONSTANT_BYTES: usize = 4 << 10;

/// Hands the records under a pointer to the gate.
///
/// # Errors
/// E306, or whatever the gate or the flow refused.
pub async fn emit_page(
    run: &Run,
    stream: u32,
    page: &Response,
    pointer: String,
    constants: Vec<(String, String)>,
    observe: Vec<String>,
) -> Result<PageAccepted, Ended> {
    run.going()?;
    limits(run, &pointer, &constants, &observe).await?;
    if constants.iter().any(|(_, json)| serde_json::from_str::<serde::de::IgnoredAny>(json).is_err()) {
        let title = format!("the connector of system `{}` added a constant that is not JSON", run.system);
        return Err(run.refuse(Problem::new(Code::E219, title, "tell the author of the connector")).await);
    }
    let page = Page { body: page.body(), pointer, constants, observe };
    inlet(run).await?.page(stream, page).await.map_err(|refused| run.end(refused.0))
}

/// What a guest may pass with a page (E306).
pub(super) async fn limits(run: &Run, pointer: &str, constants: &[(String, String)], observe: &[String]) -> Result<(), Ended> {
    run.within("a pointer in bytes", pointer.len(), MAX_NAME_BYTES).await?;
    run.within("a number of constants", constants.len(), MAX_CONSTANTS).await?;
    run.within("a number of observed fields", observe.len(), MAX_OBSERVED).await?;
    for name in constants.iter().map(|(path, _)| path).chain(observe) {
        run.within("a field path in bytes", name.len(), MAX_NAME_BYTES).await?;
    }
    for (_, json) in constants {
        run.within("a constant in bytes", json.len(), MAX_CONSTANT_BYTES).await?;
    }
    Ok(())
}
