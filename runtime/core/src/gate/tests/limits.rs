//! Every limit, met and exceeded.

use super::super::{
    MAX_DEPTH, MAX_NUMBER_BYTES, MAX_RECORD_BYTES, MAX_STRING_BYTES, MAX_UNDECLARED_NAME_BYTES, MAX_UNDECLARED_PATHS, OTHER_PATHS,
};
use super::*;

fn setup() -> Setup {
    Setup::new(record(json!({"a": {}, "o": {"type": ["array", "object"], "x-hub-category": "system"}})), "a o")
}

/// Passes a line and expects nothing, or the fault.
fn check(line: &str, expected: &str) {
    let mut report = ScanReport::default();
    let result = setup().plan().unwrap().scan_lines(line.as_bytes(), &mut Vec::new(), &mut report);
    assert_eq!(result.map_or_else(|stop| format!("{} {}", stop.code, stop.message), |()| String::new()), expected);
    let page = setup().plan().unwrap().scan_page(line.as_bytes(), "", &[], &[], &mut Vec::new(), &mut report);
    assert_eq!(page.map_or_else(|stop| format!("{} {}", stop.code, stop.message), |_| String::new()), expected);
}

#[test]
fn depth_is_bounded() {
    for name in ["o", "undeclared"] {
        let nested = |depth: usize| format!("{{\"{name}\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        check(&nested(MAX_DEPTH), "");
        check(&nested(MAX_DEPTH + 1), "HUB-E219 objects and arrays are nested more than 64 deep");
        check(&nested(100_000), "HUB-E219 objects and arrays are nested more than 64 deep");
    }
    let list = (0..14).fold(json!({"type": "string"}), |inner, _| json!({"type": "array", "items": inner}));
    let deep = Setup::new(record(json!({"l": list, "i": {"type": "string"}})), "l");
    deep.check(
        &format!("{{\"l\":{}\"x\"{}}}", "[".repeat(14), "]".repeat(14)),
        &format!("{{\"l\":{}\"x\"{}}}\n", "[".repeat(14), "]".repeat(14)),
    );
    deep.check(&format!("{{\"i\":{}", "[".repeat(100_000)), "! HUB-E219: record 0: objects and arrays are nested more than 64 deep\n");
}

#[test]
fn numbers_are_bounded() {
    for name in ["a", "undeclared"] {
        check(&format!("{{\"{name}\":{}}}", "9".repeat(MAX_NUMBER_BYTES)), "");
        check(&format!("{{\"{name}\":{}}}", "9".repeat(MAX_NUMBER_BYTES + 1)), "HUB-E219 a number is longer than 512 bytes");
    }
}

#[test]
fn strings_are_bounded() {
    let (fits, over) = ("x".repeat(MAX_STRING_BYTES), "x".repeat(MAX_STRING_BYTES + 1));
    for name in ["a", "undeclared"] {
        check(&format!("{{\"{name}\":\"{fits}\"}}"), "");
        check(&format!("{{\"{name}\":\"{over}\"}}"), "HUB-E219 a string is longer than 8388608 bytes");
    }
    check(&format!("{{\"{over}\":1}}"), "HUB-E219 a string is longer than 8388608 bytes");
}

#[test]
fn records_are_bounded() {
    let half = "x".repeat(MAX_RECORD_BYTES / 2 - 20);
    let record = |end: usize| format!("{{\"o\":[\"{half}\",\"{half}\"{}]}}", " ".repeat(end));
    let exact = MAX_RECORD_BYTES - record(0).len();
    check(&record(exact), "");
    check(&record(exact + 1), "HUB-E219 the record is longer than 16777216 bytes");
}

#[test]
fn undeclared_paths_are_bounded() {
    let setup = Setup::new(scalars("a"), "a");
    let long = "é".repeat(MAX_UNDECLARED_NAME_BYTES);
    setup.check(&format!("{{\"x{long}\":1,\"x{long}2\":1}}"), "{}\n? (unusual name) 2\n");
    let line = |from: usize, to: usize| (from..to).map(|at| format!("\"u{at:04}\":1")).collect::<Vec<_>>().join(",");
    let plan = setup.plan().unwrap();
    let mut report = ScanReport::default();
    let mut pass = |from, to| {
        plan.scan_lines(format!("{{{}}}\n", line(from, to)).as_bytes(), &mut Vec::new(), &mut report).unwrap();
        (report.undeclared.len(), report.undeclared.get(OTHER_PATHS).copied().unwrap_or_default(), report.dropped_fields as usize)
    };
    assert_eq!(pass(0, MAX_UNDECLARED_PATHS), (MAX_UNDECLARED_PATHS, 0, MAX_UNDECLARED_PATHS));
    assert_eq!(pass(0, MAX_UNDECLARED_PATHS + 3), (MAX_UNDECLARED_PATHS + 1, 3, 2 * MAX_UNDECLARED_PATHS + 3));
    assert_eq!(pass(5000, 7000), (MAX_UNDECLARED_PATHS + 1, 2003, 2 * MAX_UNDECLARED_PATHS + 2003));
    assert_eq!(report.undeclared["u0000"], 2);
}
