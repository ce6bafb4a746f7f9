//! Runs scanner and oracle side by side.

use super::Oracle;
use crate::gate::{FieldPlan, ScanReport, Stop};

/// Passes the same lines through both, twice into the same report.
///
/// # Errors
/// What they do not agree on.
pub fn agree_on_lines(plan: &FieldPlan, oracle: &Oracle<'_>, ndjson: &[u8]) -> Result<(), String> {
    let (mut fast, mut slow) = (Outcome::default(), Outcome::default());
    for _ in 0..2 {
        let quick = plan.scan_lines(ndjson, &mut fast.out, &mut fast.report);
        let sure = oracle.scan_lines(ndjson, &mut slow.out, &mut slow.report);
        let place = |stop: Stop| (stop.code, stop.record);
        same(&quick.map_err(place), &sure.map_err(place))?;
        fast.same(&slow)?;
    }
    Ok(())
}

/// Passes the same page through both.
///
/// # Errors
/// What they do not agree on.
pub fn agree_on_page(
    plan: &FieldPlan,
    oracle: &Oracle<'_>,
    body: &[u8],
    pointer: &str,
    constants: &[(String, String)],
    observe: &[String],
) -> Result<(), String> {
    let (mut fast, mut slow) = (Outcome::default(), Outcome::default());
    let quick = plan.scan_page(body, pointer, constants, observe, &mut fast.out, &mut fast.report);
    let sure = oracle.scan_page(body, pointer, constants, observe, &mut slow.out, &mut slow.report);
    // The scanner meets the faults of a page in their order, the oracle those of syntax first.
    same(&quick.map_err(|_| ()), &sure.map_err(|_| ()))?;
    fast.same(&slow)
}

#[derive(Default)]
struct Outcome {
    out: Vec<u8>,
    report: ScanReport,
}

impl Outcome {
    fn same(&self, other: &Self) -> Result<(), String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if self.out != other.out {
            return Err(format!("output\nscanner: {}\noracle:  {}", text(&self.out), text(&other.out)));
        }
        if self.report != other.report {
            return Err(format!("report\nscanner: {:?}\noracle:  {:?}", self.report, other.report));
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(fast: &T, slow: &T) -> Result<(), String> {
    if fast == slow { Ok(()) } else { Err(format!("result\nscanner: {fast:?}\noracle:  {slow:?}")) }
}
