//! ABI 0.1: bindings, and the two ways in which an instance is used. What it may call stands in `imports`.
//!
//! WIT types become core types here and nowhere else.

mod databases;
mod imports;
mod links;
mod sink;
mod source;

pub(super) use sink::Writing;
pub(super) use source::Reading;

use super::guest::{Complaint, MAX_MESSAGE_BYTES};
use crate::capability::runtime::clean;
use crate::plugin::ErrorKind;

mod bindings {
    #![allow(missing_docs, reason = "generated from the WIT files, which hold the documentation")]
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "full-connector",
        imports: {
            "hub:connector/runtime.log": trappable,
            "hub:connector/runtime.now-ms": trappable,
            "hub:connector/runtime.now-us": trappable,
            "hub:connector/runtime.monotonic-ns": trappable,
            "hub:connector/runtime.random": trappable,
            "hub:connector/runtime.cancelled": trappable,
            "hub:connector/http.[method]response.status": trappable,
            "hub:connector/http.[method]response.headers": trappable,
            "hub:connector/http.[method]response.header": trappable,
            default: async | trappable,
        },
        exports: { default: async },
        with: {
            "hub:connector/http.response": crate::capability::http::Response,
            "hub:connector/http.pending": crate::capability::http::Pending,
            "hub:connector/files.reader": crate::capability::files::Reader,
            "hub:connector/files.writer": crate::capability::files::Writer,
            "hub:connector/sql.rows": crate::capability::sql::Rows,
        },
    });
}

use bindings::hub::connector::types::Error;

/// A guest's error as the host takes it.
fn complaint(error: Error) -> Complaint {
    let (kind, message, retry_after_ms) = match error {
        Error::Config(text) => (ErrorKind::Config, text, None),
        Error::Auth(text) => (ErrorKind::Auth, text, None),
        Error::Transient(retry) => (ErrorKind::Transient, retry.message, Some(retry.after_ms)),
        Error::SchemaDrift(text) => (ErrorKind::SchemaDrift, text, None),
        Error::Permanent(text) => (ErrorKind::Permanent, text, None),
        Error::Cancelled => {
            let kind = ErrorKind::Cancelled;
            return Complaint { kind, message: kind.words().to_owned(), retry_after_ms: None };
        }
    };
    Complaint { kind, message: clean(&format!("{}: {message}", kind.words()), MAX_MESSAGE_BYTES), retry_after_ms }
}
