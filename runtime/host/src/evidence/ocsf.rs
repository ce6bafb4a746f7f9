//! Entries as events of OCSF 1.3 (class 6003, API Activity), for tools that collect those. A view: it proves nothing.

use hub_core::audit::{Kind, Outcome};
use serde_json::{Value, json};

const CATEGORY: u32 = 6;
const CLASS: u32 = 6003;

/// The event of an entry; null for a line that is none.
#[must_use]
pub fn event(line: &[u8], origin: &str) -> Value {
    let Ok(entry) = serde_json::from_slice::<Value>(line) else { return Value::Null };
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let kind = text("kind").unwrap_or_default();
    let failed = matches!(text("outcome").and_then(Outcome::parse), Some(Outcome::Denied | Outcome::Failed))
        || matches!(Kind::parse(kind), Some(Kind::FlowDenied | Kind::FlowFailed));
    let activity = activity(kind);
    let time = text("ts").and_then(|time| chrono::DateTime::parse_from_rfc3339(time).ok()).map(|time| time.timestamp_millis());
    json!({
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "activity_id": activity,
        "severity_id": if failed { 3 } else { 1 },
        "status_id": if failed { 2 } else { 1 },
        "time": time,
        "message": text("detail"),
        "api": { "operation": kind, "service": { "name": text("flow").or_else(|| text("system")) } },
        "actor": { "app_name": "hub" },
        "src_endpoint": { "svc_name": text("system") },
        "metadata": {
            "version": "1.3.0",
            "product": { "name": "hub", "vendor_name": "hub", "version": env!("CARGO_PKG_VERSION") },
            "log_name": origin,
            "sequence": entry.get("seq"),
            "event_code": text("code"),
        },
        "unmapped": entry,
    })
}

/// Create, read, update, delete, or other.
fn activity(kind: &str) -> u32 {
    match Kind::parse(kind) {
        Some(Kind::ManifestApplied | Kind::CapabilityAccepted) => 1,
        Some(Kind::StreamConsulted) => 2,
        Some(Kind::FlowIntent | Kind::FlowResult | Kind::FlowCheckpoint | Kind::QuarantineReleased) => 3,
        Some(Kind::QuarantineDropped | Kind::QuarantineExpired | Kind::FlowDeletes | Kind::FlowDeleted) => 4,
        _ => 99,
    }
}
