//! The gate's scanner against the slow oracle: the same output, report and refusals for any bytes.
//!
//! The first byte chooses the case, the second lines or a page with its pointer, constants and observations.

#![no_main]

use std::sync::OnceLock;

use hub_core::gate::oracle::{Case, Oracle, agree_on_lines, agree_on_page, cases};
use hub_core::gate::{FieldPlan, PlanRequest};
use libfuzzer_sys::fuzz_target;

static CASES: OnceLock<Vec<Case>> = OnceLock::new();
static REQUESTS: OnceLock<Vec<PlanRequest<'static>>> = OnceLock::new();
static READY: OnceLock<Vec<(FieldPlan, Oracle<'static>)>> = OnceLock::new();

const POINTERS: [&str; 4] = ["", "/data", "/a/0", "/d~1"];

fn ready() -> &'static [(FieldPlan, Oracle<'static>)] {
    let cases = CASES.get_or_init(cases);
    let requests = REQUESTS.get_or_init(|| cases.iter().map(Case::request).collect());
    let compile = |request: &PlanRequest<'static>| FieldPlan::compile(request.clone()).expect("the cases can be planned");
    READY.get_or_init(|| requests.iter().map(|request| (compile(request), Oracle::new(request))).collect())
}

fuzz_target!(|input: &[u8]| {
    let [case, mode, text @ ..] = input else { return };
    let ready = ready();
    let (plan, oracle) = &ready[usize::from(*case) % ready.len()];
    let agreed = if mode % 2 == 0 {
        agree_on_lines(plan, oracle, text)
    } else {
        let constants = [("a", "\"x\""), ("c", "7")].map(|(path, json)| (path.to_owned(), json.to_owned()));
        let added = &constants[..usize::from(mode >> 3) % 3];
        let observed: Vec<String> = ["c", "d.a"].iter().take(usize::from(mode >> 5) % 3).map(|field| (*field).to_owned()).collect();
        agree_on_page(plan, oracle, text, POINTERS[usize::from(mode >> 1) % 4], added, &observed)
    };
    assert_eq!(agreed, Ok(()));
});
