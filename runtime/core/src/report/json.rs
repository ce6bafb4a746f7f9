//! The register as JSON, for programs: the model as it is, under a version that changes with its shape.

use serde_json::{Value, json};

use super::register::Register;

/// Version of the shape. It grows when a key changes its meaning or goes; new keys do not change it.
pub const SCHEMA: u32 = 1;

/// The whole register. Texts are objects with `de` and `en`.
#[must_use]
pub fn render(register: &Register) -> Value {
    // Maps with text keys, numbers and texts only: there is nothing that could fail to become JSON.
    json!({ "schema": SCHEMA, "register": serde_json::to_value(register).unwrap_or_default() })
}
