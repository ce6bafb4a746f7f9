//! Names whose address changes between the check and the use, or leads inside. Needs a name server of its own, so the program is used as a library
//! here; connectors, gate, store, sockets and servers are the real ones.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use hub::config::Config;
use hub::egress::Lookup;
use hub::plugin::package;
use hub::sync::flow::run_flow;
use hub::sync::{Host, Meter, Options, Packages, Summary};
use hub_core::manifest::{self, Files};
use hub_core::policy::Policy;

use super::scene::{EARLIER, component};
use crate::support::program::Program;
use crate::support::server::{Answer, Server};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

/// Gives these answers one after the other, the last one again and again.
struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = answers.iter().map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Self(Mutex::new(addresses.collect())))
    }
}

impl Lookup for Names {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { Ok(answer.unwrap_or_default()) })
    }
}

/// No manifest of these tests includes another file.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _relative_to: &str, wanted: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Err(format!("{wanted} is not here"))
    }
}

struct Stage {
    program: Program,
    server: Server,
}

impl Stage {
    fn new() -> Self {
        let program = Program::new();
        program.write("guests/network.wasm", component("network"));
        Self { program, server: Server::start(|_, _| Answer::json(&serde_json::json!([{ "id": "a" }]))) }
    }

    /// Runs the flow of a connector that fetches `url` as `attack` says, with this name server.
    fn run(&self, attack: &str, url: &str, system: &str, names: Arc<Names>) -> Summary {
        let text = [
            HEAD,
            PURPOSE,
            ARCHIVE,
            &format!(
                "\n[system.net]\nconnector = \"guests/network.wasm\"\nconfig = {{ attack = \"{attack}\", url = \"{url}\" }}\ncollected_for = [\"care\"]\nrole = \"own\"\nhosting = {{ country = \"DE\" }}\n{system}\n"
            ),
            &flow("net", "net.people", "archive.people", "fields = [\"id\"]"),
        ]
        .concat();
        let manifest = self.program.write("manifest.toml", &text);
        self.program.write("out/people.ndjson", EARLIER);
        let config = Config {
            data: self.program.path("hub-data"),
            connectors: crate::support::program::connectors(),
            program: crate::support::program::executable(),
        };
        let manifest =
            manifest::read(&manifest.display().to_string(), &text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
        let found = |system: &manifest::System| Arc::new(package::find(&system.connector.value, self.program.folder(), &config).unwrap());
        let packages: Packages = manifest.systems.iter().map(|(id, system)| (id.clone(), found(system))).collect();
        let catalogue = packages.iter().map(|(id, package)| (id.clone(), package.description.clone())).collect();
        let policy = Arc::new(
            Policy::build(manifest, &catalogue, hub_core::date::Date::parse("2026-11-23").unwrap())
                .unwrap_or_else(|denied| panic!("{:?}", denied.problems)),
        );
        let store = hub::store::open(&config.data.join("store").display().to_string()).unwrap();
        let clock = Arc::new(hub::clock::SystemClock);
        let host = Host { policy, packages, store, config, stopping: Arc::new(AtomicBool::new(false)), lookup: names, clock };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime
            .block_on(run_flow(&host, "net", Options::default(), Arc::new(Meter::default())))
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// The run was refused under E204, that is on record, and nothing arrived.
    fn refused(&self, what: &str, summary: &Summary) {
        let code = summary.problem.as_ref().map(|problem| problem.code.id());
        assert_eq!(code, Some("HUB-E204"), "{what}: {:?}", summary.problem);
        let denied = self
            .program
            .audit()
            .iter()
            .any(|entry| entry["run"] == summary.run.as_str() && entry["kind"] == "flow.denied" && entry["code"] == "HUB-E204");
        assert!(denied, "{what}: the refusal is not on record");
        assert_eq!(self.program.read("out/people.ndjson"), EARLIER, "{what}");
        self.program.run(&["audit", "verify"]).ends(0);
    }
}

#[test]
fn a_name_that_changes_its_address_between_check_and_use_is_refused() {
    let stage = Stage::new();
    let (url, grant) =
        (format!("http://localhost:{}/", stage.server.port()), format!("hosts = [\"http://localhost:{}\"]", stage.server.port()));
    let summary = stage.run("fetch-twice", &url, &grant, Names::new(&[&["127.0.0.1"], &["169.254.169.254"]]));
    stage.refused("the second answer is a metadata service", &summary);
    assert_eq!(stage.server.requests().len(), 1, "only the first request was sent");
}

#[test]
fn of_several_addresses_only_a_permitted_one_is_connected_to() {
    let stage = Stage::new();
    let (url, grant) =
        (format!("http://localhost:{}/", stage.server.port()), format!("hosts = [\"http://localhost:{}\"]", stage.server.port()));
    let summary = stage.run("fetch", &url, &grant, Names::new(&[&["169.254.169.254", "10.0.0.1", "127.0.0.1"]]));
    assert!(summary.problem.is_none(), "{:?}", summary.problem);
    assert_eq!(stage.server.requests().len(), 1);
}

#[test]
fn a_granted_name_that_leads_inside_is_refused_before_anything_is_connected() {
    let stage = Stage::new();
    // Nobody answers here; a connection would stay in the queue.
    let victim = TcpListener::bind("127.0.0.1:0").unwrap();
    victim.set_nonblocking(true).unwrap();
    let origin = format!("https://intern.example:{}", victim.local_addr().unwrap().port());
    let inside = [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ];
    for address in inside {
        let summary = stage.run("fetch", &format!("{origin}/"), &format!("hosts = [\"{origin}\"]"), Names::new(&[&[address]]));
        stage.refused(address, &summary);
    }
    assert!(victim.accept().is_err(), "somebody connected");
}

#[test]
fn a_granted_network_is_no_grant_for_its_neighbour() {
    let stage = Stage::new();
    let victim = TcpListener::bind("127.0.0.2:0").unwrap();
    victim.set_nonblocking(true).unwrap();
    let origin = format!("https://intern.example:{}", victim.local_addr().unwrap().port());
    let grant = format!("hosts = [\"{origin}\"]\nnetworks = [\"127.0.0.1/32\"]");
    let summary = stage.run("fetch", &format!("{origin}/"), &grant, Names::new(&[&["127.0.0.2"]]));
    stage.refused("127.0.0.2", &summary);
    assert!(victim.accept().is_err(), "somebody connected");
}
