//! Contracts are clocks: when one ends, the flow that rests on it stops before the next byte. Needs a clock of its own, so the program is used as a library
//! here; connectors, gate, store and files are the real ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use hub::clock::{self, Clock};
use hub::config::Config;
use hub::egress::SystemLookup;
use hub::plugin::package;
use hub::sync::flow::run_flow;
use hub::sync::{Host, Meter, Options, Packages, Summary};
use hub_core::manifest::{self, NoFiles};
use hub_core::policy::Policy;

use crate::support::program::Program;
use crate::support::story::{HEAD, PURPOSE, crm, flow};

/// 2026-11-30 23:59:59 in Berlin, in microseconds.
const LAST_SECOND: u64 = 1_796_079_599_000_000;
const RECORDS: u64 = 200_000;

/// Stands in the last second of the contract until it was asked so often; from then on it is past midnight.
struct Midnight {
    asked: AtomicU64,
    strikes_after: u64,
}

impl Clock for Midnight {
    fn now_us(&self) -> u64 {
        let past = self.asked.fetch_add(1, Ordering::Relaxed) >= self.strikes_after;
        if past { LAST_SECOND + 1_000_000 } else { LAST_SECOND }
    }

    fn sleep(&self, _time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

fn text() -> String {
    let archive = "\n[system.archive]\nconnector = \"builtin:file\"\nconfig = { folder = \"out\" }\nfolders = { out = { path = \"out\", access = \"write\" } }\n\
        dsr = { erase = \"manual\", procedure = \"P-1\" }\nrole = \"processor\"\nhosting = { country = \"DE\" }\n\
        [system.archive.contract]\nkind = \"art28\"\nref = \"AVV-1\"\nsigned = 2026-01-01\nvalid_until = 2026-11-30\n";
    let head = HEAD.replace("operator = { ", "operator = { timezone = \"Europe/Berlin\", ");
    let rest = "fields = [\"id\", \"email\"]\nmode = \"append\"";
    [&head, PURPOSE, archive, &crm(RECORDS), &flow("contacts", "crm.contacts", "archive.contacts", rest)].concat()
}

fn run(program: &Program, strikes_after: u64) -> Summary {
    let text = text();
    let path = program.write("manifest.toml", &text);
    let config = Config {
        data: program.path("hub-data"),
        connectors: crate::support::program::connectors(),
        program: crate::support::program::executable(),
    };
    let manifest = manifest::read(&path.display().to_string(), &text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let found = |system: &manifest::System| Arc::new(package::find(&system.connector.value, program.folder(), &config).unwrap());
    let packages: Packages = manifest.systems.iter().map(|(id, system)| (id.clone(), found(system))).collect();
    let catalogue = packages.iter().map(|(id, package)| (id.clone(), package.description.clone())).collect();
    let today = clock::day(LAST_SECOND, Some("Europe/Berlin"));
    let policy = Policy::build(manifest, &catalogue, today).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let store = hub::store::open(&config.data.join("store").display().to_string()).unwrap();
    let clock = Arc::new(Midnight { asked: AtomicU64::new(0), strikes_after });
    let stopping = Arc::new(AtomicBool::new(false));
    let host = Host { policy: Arc::new(policy), packages, store, config, stopping, lookup: Arc::new(SystemLookup), clock };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let meter = Arc::new(Meter::default());
    runtime.block_on(run_flow(&host, "contacts", Options::default(), meter)).unwrap_or_else(|problem| panic!("{problem}"))
}

fn delivered(program: &Program) -> usize {
    if program.has("out/contacts.ndjson") { program.records("out/contacts.ndjson").len() } else { 0 }
}

#[test]
fn a_flow_stops_before_the_first_byte_after_midnight() {
    let program = Program::new();
    let summary = run(&program, 20);
    let problem = summary.problem.expect("the run ends with a refusal");
    assert_eq!(problem.code.id(), "HUB-E210", "{problem}");
    assert!(problem.title.contains("not in force on 2026-12-01"), "{problem}");
    assert!(summary.written > 0, "before midnight it wrote");
    assert!(summary.written < RECORDS, "{} records", summary.written);
    assert_eq!(delivered(&program) as u64, summary.written, "what was written is what was counted, and nothing more");
    assert!(program.audit().iter().any(|entry| entry["kind"] == "flow.denied" && entry["code"] == "HUB-E210"));
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn a_flow_whose_contract_has_ended_does_not_begin() {
    let program = Program::new();
    let summary = run(&program, 0);
    assert_eq!(summary.problem.map(|problem| problem.code.id()), Some("HUB-E210"));
    assert_eq!((summary.read, delivered(&program)), (0, 0));
}

#[test]
fn in_the_last_second_it_still_runs() {
    let program = Program::new();
    let summary = run(&program, u64::MAX);
    assert!(summary.problem.is_none(), "{:?}", summary.problem);
    assert_eq!(delivered(&program) as u64, RECORDS);
}
