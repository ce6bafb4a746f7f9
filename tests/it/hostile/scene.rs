//! Where attacks take place: one data folder for a whole table of them, two servers, an honest flow. Runs an attack and checks what every attack
//! has in common.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::attack::{Attack, Guest, Origins, canary, ensure};
use crate::support::program::{Outcome, Program, executable};
use crate::support::server::{Answer, Server};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, crm, flow};

/// What a destination holds before the attack; it is replaced only by a run that ends well.
pub const EARLIER: &str = "{\"id\":\"earlier\"}\n";
/// A guest that does not end is a failure of the program; this is how long the test waits to see it.
const PATIENCE: Duration = Duration::from_secs(100);
/// A credential, and the content of a file that was not granted.
pub const SECRET: &str = "geheim-0815-schluessel";
const HONEST_RECORDS: usize = 20;

/// One data folder and what is around it.
pub struct Scene {
    /// The folder of all runs.
    pub program: Program,
    /// Granted where an attack asks for it.
    pub server: Server,
    /// Granted to nobody.
    pub victim: Server,
    acting: Arc<Mutex<Option<&'static Attack>>>,
}

/// How an attack ended.
pub struct End {
    /// What the program did.
    pub outcome: Outcome,
    /// The audit entries of the run.
    pub entries: Vec<Value>,
    /// Requests that the granted server saw in this run.
    pub asked: Vec<crate::support::server::Request>,
}

/// Runs a table of attacks one after the other in one data folder, and tells all that failed.
pub fn perform(attacks: &'static [Attack]) {
    let scene = Scene::new();
    let failed: Vec<String> =
        attacks.iter().filter_map(|attack| scene.check(attack).err().map(|why| format!("{}: {why}", attack.name))).collect();
    assert!(failed.is_empty(), "{} of {} attacks:\n{}", failed.len(), attacks.len(), failed.join("\n\n"));
}

impl Scene {
    /// An empty data folder after one honest run.
    pub fn new() -> Self {
        let acting: Arc<Mutex<Option<&'static Attack>>> = Arc::default();
        let victim = Server::start(|_, _| Answer::json(&serde_json::json!({ "records": [{ "id": canary("victim") }] })));
        let victim_origin = victim.origin();
        let told = Arc::clone(&acting);
        let server = Server::start(move |request, _| {
            let attack = *told.lock().unwrap();
            let own = format!("http://{}", request.header("host").unwrap_or_default());
            attack.map_or_else(
                || Answer::new(404),
                |attack| {
                    let origins = Origins { server: own, victim: victim_origin.clone(), canary: canary(attack.name) };
                    (attack.answer)(request, &origins)
                },
            )
        });
        let program = Program::new();
        program.write("secret.txt", format!("{SECRET}\n"));
        for guest in ["records", "network", "folders", "databases", "recipient", "table"] {
            program.write(&format!("guests/{guest}.wasm"), component(guest));
        }
        let honest = flow("honest", "crm.contacts", "archive.honest", "fields = [\"id\", \"email\"]");
        program.write("honest.toml", [HEAD, PURPOSE, ARCHIVE, &crm(HONEST_RECORDS as u64), &honest].concat());
        let scene = Self { program, server, victim, acting };
        scene.honest().expect("the honest flow runs before any attack");
        scene
    }

    /// Runs an attack and checks what must be so after each of them.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub fn check(&self, attack: &'static Attack) -> Result<(), String> {
        let (entries_before, asked_before) = (self.program.audit().len(), self.server.requests().len());
        self.program.write(&format!("{}.toml", attack.name), self.manifest(attack));
        self.program.write(&format!("out/{}.ndjson", attack.name), EARLIER);
        *self.acting.lock().unwrap() = Some(attack);
        (attack.before)(self);
        let outcome = self.run(&format!("{}.toml", attack.name))?;
        *self.acting.lock().unwrap() = None;
        let entries = self.program.audit().split_off(entries_before);
        let end = End { outcome, entries, asked: self.server.requests().split_off(asked_before) };
        ended(attack, &end)?;
        (attack.after)(self, &end)?;
        ensure(self.victim.requests().is_empty(), || "the server that nobody granted was asked".to_owned())?;
        self.arrived(attack)?;
        self.leaked(attack, &end)?;
        self.honest()
    }

    /// One pass of a manifest; a program that does not end is ended.
    ///
    /// # Errors
    /// It did not end, or a signal ended it, or it panicked.
    pub fn run(&self, manifest: &str) -> Result<Outcome, String> {
        let mut running = self.program.start(&["run", manifest, "--once"]);
        let step = Duration::from_millis(10);
        let mut left = PATIENCE;
        while !running.has_ended() {
            if left.is_zero() {
                let outcome = running.kill();
                return Err(format!("it did not end\n{}", outcome.printed()));
            }
            std::thread::sleep(step);
            left = left.saturating_sub(step);
        }
        let outcome = running.wait();
        ensure(outcome.code.is_some(), || format!("a signal ended the program\n{}", outcome.printed()))?;
        ensure(!outcome.stderr.contains("panicked at"), || format!("the program panicked\n{}", outcome.printed()))?;
        Ok(outcome)
    }

    /// The honest flow works, and the audit log is whole.
    fn honest(&self) -> Result<(), String> {
        let ran = self.run("honest.toml")?;
        ensure(ran.code == Some(0), || format!("the honest flow then ended with {:?}\n{}", ran.code, ran.printed()))?;
        let written = self.program.records("out/honest.ndjson").len();
        ensure(written == HONEST_RECORDS, || format!("the honest flow then wrote {written} records"))?;
        let verified = self.program.run(&["audit", "verify"]);
        ensure(verified.code == Some(0), || format!("the audit log is not whole\n{}", verified.printed()))
    }

    fn manifest(&self, attack: &Attack) -> String {
        let Attack { name, config, system, .. } = attack;
        let file = match attack.guest {
            Guest::Records => "records",
            Guest::Network => "network",
            Guest::Folders => "folders",
            Guest::Databases => "databases",
            Guest::Recipient => "recipient",
            Guest::Made => name,
        };
        let does = attack.does.unwrap_or(name);
        let own = format!(
            "\n[system.{name}]\nconnector = \"guests/{file}.wasm\"\nconfig = {{ attack = \"{does}\", canary = \"{{canary}}\"{config} }}\ncollected_for = [\"care\"]\ndsr = {{ erase = \"native\" }}\nrole = \"own\"\nhosting = {{ country = \"DE\" }}\n{system}\n"
        );
        let text = if attack.guest == Guest::Recipient {
            let rest = format!("fields = [\"id\", \"email\"]\n{}", attack.flow);
            let source = if attack.deletes { crm(5).replace("records = 5", "records = 5, deleted_every = 1") } else { crm(5) };
            let stream = if attack.deletes { "[stream.crm.contacts]\ndeletes = true\n" } else { "" };
            [HEAD, PURPOSE, &own, &source, stream, &flow(name, "crm.contacts", &format!("{name}.people"), &rest)].concat()
        } else {
            let rest = format!("fields = [\"id\", \"email\", \"score\", \"address\", \"tags\"]\n{}", attack.flow);
            let stream = if attack.deletes { format!("[stream.{name}.people]\ndeletes = true\n") } else { String::new() };
            let archive = if attack.deletes { ARCHIVE.replace("builtin:file", "guests/table.wasm") } else { ARCHIVE.to_owned() };
            [HEAD, PURPOSE, &archive, &own, &stream, &flow(name, &format!("{name}.people"), &format!("archive.{name}"), &rest)].concat()
        };
        self.filled(&text).replace("{canary}", &canary(name))
    }

    /// A text with the places of this scene in it.
    pub fn filled(&self, text: &str) -> String {
        text.replace("{server}", &self.server.origin())
            .replace("{victim}", &self.victim.origin())
            .replace("{server-port}", &self.server.port().to_string())
            .replace("{victim-port}", &self.victim.port().to_string())
    }

    /// What an attack left in its destination.
    pub fn destination(&self, attack: &str) -> String {
        self.program.read(&format!("out/{attack}.ndjson"))
    }

    /// The destination is replaced by a run that ended well, and by no other.
    fn arrived(&self, attack: &Attack) -> Result<(), String> {
        let held = self.destination(attack.name);
        let replaced = attack.exit == 0 && attack.guest != Guest::Recipient;
        let appends = attack.flow.contains("append");
        ensure(appends || replaced || held == EARLIER, || format!("the run failed and its destination holds\n{held}"))
    }

    fn leaked(&self, attack: &Attack, end: &End) -> Result<(), String> {
        for secret in [canary(attack.name).as_str(), SECRET] {
            ensure(attack.shown || !end.outcome.printed().contains(secret), || format!("{secret} was printed\n{}", end.outcome.printed()))?;
            let kept = holders(&self.program.path("hub-data"), secret);
            ensure(kept.is_empty(), || format!("{secret} is kept in {kept:?}"))?;
            let holds = holders(&self.program.path("out"), secret);
            ensure(attack.arrives || holds.is_empty(), || format!("{secret} arrived in {holds:?}"))?;
        }
        let driven = end.outcome.printed().chars().find(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
        ensure(driven.is_none(), || format!("the terminal was sent {driven:?}\n{:?}", end.outcome.printed()))
    }
}

/// Exit code, code on the terminal, code in the audit log.
fn ended(attack: &Attack, end: &End) -> Result<(), String> {
    let printed = end.outcome.printed();
    ensure(end.outcome.code == Some(attack.exit), || format!("exit code {:?}, expected {}\n{printed}", end.outcome.code, attack.exit))?;
    let Some(code) = attack.code else { return Ok(()) };
    ensure(attack.exit == 0 || printed.contains(code), || format!("{code} is not printed\n{printed}"))?;
    let held = !attack.recorded || end.entries.iter().any(|entry| entry["code"] == code);
    ensure(held, || format!("no audit entry under {code}; there are\n{}", shown(&end.entries)))
}

fn shown(entries: &[Value]) -> String {
    entries.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// The files below a folder that hold a text.
pub fn holders(folder: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| std::fs::read(path).unwrap_or_default().windows(text.len()).any(|window| window == text.as_bytes());
    files(folder).into_iter().filter(holds).collect()
}

/// All regular files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

/// A built component of `tests/guests`, beside the program.
pub fn component(name: &str) -> Vec<u8> {
    let path = executable().with_file_name("guests").join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask build` first", path.display()))
}
