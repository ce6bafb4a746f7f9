//! A folder of its own for a scenario, the program in it, and what can be seen from outside: files, exit codes, the log, how far a flow has come.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::super::round;
use super::{Need, ensure};
use crate::process::{self, Failure, Result};
use crate::workspace;

/// A program that has not ended by then is ended, and the scenario has failed.
const PATIENCE: Duration = Duration::from_secs(120);
const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];

/// What all scenarios share.
pub struct Ground {
    /// The program.
    pub hub: PathBuf,
    root: PathBuf,
    folder: PathBuf,
}

impl Ground {
    /// Ground for a scenario, cleared.
    pub fn new(hub: &Path, root: &Path, folder: &Path) -> Result<Self> {
        let _ = fs::remove_dir_all(folder);
        round::make(folder)?;
        Ok(Self { hub: hub.to_owned(), root: root.to_owned(), folder: folder.to_owned() })
    }

    /// Why something cannot be tried here; none if it can.
    pub fn lacks(&self, need: Need) -> Option<&'static str> {
        let (is_there, why) = match need {
            Need::Root => (rustix::process::geteuid().is_root(), "needs root, to mount a small file system"),
            Need::Strace => {
                let mut probe = Command::new("strace");
                (process::succeeds(probe.args(["-f", "-qq", "-o", "/dev/null", "true"])), "needs strace and the right to trace")
            }
            Need::Faketime => (faketime().is_some(), "needs libfaketime (Debian's package, or HUB_FAKETIME with its file)"),
            Need::Guests => (self.guests().is_dir(), "needs the test guests beside the program: cargo xtask build"),
        };
        (!is_there).then_some(why)
    }

    /// Where the test guests are.
    pub fn guests(&self) -> PathBuf {
        self.hub.parent().unwrap_or(Path::new(".")).join("guests")
    }

    /// A folder with a manifest.
    pub fn site(&self, name: &str, manifest: &str) -> Result<Site> {
        let folder = self.folder.join(name);
        round::make(&folder)?;
        workspace::write(&folder.join("manifest.toml"), manifest.as_bytes())?;
        Ok(Site { hub: self.hub.clone(), repository: self.root.clone(), folder, count: Cell::new(0) })
    }

    /// A copy of a folder.
    pub fn copy(&self, site: &Site, name: &str) -> Result<Site> {
        let folder = self.folder.join(name);
        let _ = fs::remove_dir_all(&folder);
        round::copy(&site.folder, &folder)?;
        Ok(Site { hub: self.hub.clone(), repository: self.root.clone(), folder, count: Cell::new(0) })
    }
}

/// The library that shows a program another time.
pub fn faketime() -> Option<PathBuf> {
    let named = workspace::environment("HUB_FAKETIME").map(PathBuf::from);
    named.into_iter().chain(FAKETIME.map(PathBuf::from)).find(|path| path.is_file())
}

/// Where a program runs.
pub struct Site {
    hub: PathBuf,
    /// The repository.
    repository: PathBuf,
    folder: PathBuf,
    /// Numbers the outputs.
    count: Cell<u32>,
}

/// How far a flow has come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Progress {
    /// Entries of the log.
    pub entries: u64,
    /// Bytes up to which the destination's file is good.
    pub good: u64,
    /// Bytes of the cursor: 0 = reads from the beginning.
    pub cursor: u64,
    /// A run did not end.
    pub is_open: bool,
    /// Records in the quarantine.
    pub held: u64,
}

impl Site {
    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        workspace::write(&self.path(name), content)
    }

    /// The program with arguments, in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.within(Command::new(&self.hub), arguments)
    }

    /// Another program that starts hub: its words first.
    pub fn command_of(&self, words: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(words.first().unwrap_or(&"false"));
        command.args(words.get(1..).unwrap_or_default()).arg(&self.hub);
        self.within(command, arguments)
    }

    fn within(&self, mut command: Command, arguments: &[&str]) -> Command {
        for name in ["HUB_DATA", "HUB_CONNECTORS", "HUB_LOG", "HUB_MASTER_KEY", "HUB_MASTER_KEY_FILE", "HUB_CRASH_AT"] {
            command.env_remove(name);
        }
        command.current_dir(&self.folder).env("NO_COLOR", "1").args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Ended> {
        self.begin(self.command(arguments))?.wait()
    }

    /// Starts it.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        self.begin(self.command(arguments))
    }

    /// Starts a command whose outputs go to files.
    pub fn begin(&self, mut command: Command) -> Result<Running> {
        let number = self.count.get();
        self.count.set(number + 1);
        let made = |name: &str| {
            let path = self.path(&format!("{name}-{number}.txt"));
            let file = File::create(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            Ok::<_, Failure>((path, file))
        };
        let ((out, out_file), (err, err_file)) = (made("stdout")?, made("stderr")?);
        let child = command.stdin(Stdio::null()).stdout(out_file).stderr(err_file).spawn();
        let child = child.map_err(|error| Failure::new(format!("the program does not start: {error}")))?;
        Ok(Running { child, out, err })
    }

    /// The log's entries.
    pub fn log(&self) -> Result<Vec<Value>> {
        let shown = self.run(&["audit", "show", "--from", "0", "--last", "10000000", "--output", "json"])?.with(0)?;
        Ok(shown.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The log verifies. Answers with its root.
    pub fn root(&self) -> Result<String> {
        let verdict = self.verdict()?;
        Ok(verdict.get("root").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn verdict(&self) -> Result<Value> {
        let verdict: Value = serde_json::from_str(&self.run(&["audit", "verify", "--output", "json"])?.with(0)?.out).unwrap_or_default();
        ensure(verdict.get("ok") == Some(&Value::Bool(true)), || format!("the log does not verify: {verdict}"))?;
        Ok(verdict)
    }

    /// The log verifies: by the program, and by the verifier that shares no code with it where a head was signed and there is Python.
    pub fn verified(&self) -> Result<()> {
        let verdict = self.verdict()?;
        if verdict.get("signed_heads").and_then(Value::as_u64) > Some(0) && process::succeeds(Command::new("python3").arg("--version")) {
            let (export, key) = (self.run(&["audit", "export"])?.with(0)?.out, self.run(&["audit", "key"])?.with(0)?.out);
            self.write("export.jsonl", export.as_bytes())?;
            let mut second = Command::new("python3");
            second.arg(self.repository.join("tests/audit_verify.py")).arg("export").arg(self.path("export.jsonl")).arg(key.trim());
            process::output(&mut second, "the second verifier")?;
        }
        Ok(())
    }

    /// How far the one flow has come.
    pub fn progress(&self) -> Result<Progress> {
        let shown: Value = serde_json::from_str(&self.run(&["state", "show", "--output", "json"])?.with(0)?.out).unwrap_or_default();
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or(0);
        let flow = shown.pointer("/flows/0");
        let files = flow.and_then(|flow| flow.get("files")).and_then(Value::as_object);
        Ok(Progress {
            entries: number(shown.get("audit_entries")),
            good: files.map_or(0, |files| files.values().filter_map(Value::as_u64).sum()),
            cursor: number(flow.and_then(|flow| flow.get("cursor_bytes"))),
            is_open: flow.and_then(|flow| flow.get("open_run")).is_some_and(|run| !run.is_null()),
            held: number(shown.get("held")),
        })
    }

    /// Bytes of a file; 0 if it is not there.
    pub fn size(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).map_or(0, |metadata| metadata.len())
    }

    /// What is in a folder, by path, without outputs of this harness and locks.
    pub fn content(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found: Vec<_> = workspace::files(&self.path(name)).into_iter().filter(|path| !path.ends_with("hub.lock")).collect();
        found.sort();
        found.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect()
    }
}

/// A program that goes on; ended with this value.
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Running {
    /// It has not ended.
    pub fn goes_on(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it said on standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has just ended cannot be told anything.
            let _ = rustix::process::kill_process(id, signal);
        }
    }

    /// Waits until something is so; a failure if it ends before.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
        let begun = Instant::now();
        while !is_so() {
            ensure(self.goes_on(), || format!("the program ended before {what}: {}", self.said()))?;
            ensure(begun.elapsed() < PATIENCE, || format!("waited in vain until {what}: {}", self.said()))?;
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Result<Ended> {
        let begun = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(self.ended(status)),
                Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
                Ok(None) => return Err(Failure::new(format!("the program does not end: {}", self.said()))),
                Err(error) => return Err(Failure::new(format!("the program cannot be waited for: {error}"))),
            }
        }
    }

    /// kill -9.
    pub fn kill(mut self) -> Result<Ended> {
        let _ = self.child.kill();
        let status = self.child.wait().map_err(|error| Failure::new(format!("the program cannot be waited for: {error}")))?;
        Ok(self.ended(status))
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Ended { code: status.code(), signal: status.signal(), out: read(&self.out), err: read(&self.err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.goes_on() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// As it must have ended.
    pub fn with(self, code: i32) -> Result<Self> {
        ensure(self.code == Some(code), || format!("exit code {} instead of {code}: {}", self.how(), self.first_line()))?;
        Ok(self)
    }

    /// It refused, with one of these codes in its message.
    pub fn refused(self, codes: &[&str]) -> Result<Self> {
        let is_named = codes.iter().any(|code| self.err.contains(code));
        ensure(self.code.is_some_and(|code| (1..=5).contains(&code)) && is_named, || {
            format!("ended with {} and not with {}: {}", self.how(), codes.join(" or "), self.first_line())
        })?;
        Ok(self)
    }

    /// Exit code or signal.
    pub fn how(&self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => code.to_string(),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// The first line of what it complained about.
    pub fn first_line(&self) -> &str {
        self.err
            .lines()
            .find(|line| line.contains("error") || line.contains("ERROR"))
            .or_else(|| self.err.lines().next())
            .unwrap_or_default()
    }
}
