//! The built program in a folder of its own. Runs it, waits for it, keeps what it printed; knows nothing of what it does.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A place to run the program in: an empty folder, which is the working folder of every run and goes with this value.
pub struct Program {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Program {
    /// An empty folder; stops with the remedy if the program was not built.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("hub-it-").tempdir().expect("a temporary folder can be made");
        assert!(executable().is_file(), "{} is missing: run `cargo xtask build` first", executable().display());
        assert!(connectors().is_dir(), "{} is missing: run `cargo xtask build` first", connectors().display());
        Self { folder, environment: Vec::new() }
    }

    /// A folder that holds `manifest.toml` with this text.
    pub fn with_manifest(text: &str) -> Self {
        let program = Self::new();
        program.write("manifest.toml", text);
        program
    }

    /// The working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path below the working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file below the working folder and makes the folders that it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).and_then(|()| std::fs::write(&path, content)).unwrap();
        path
    }

    /// The text of a file below the working folder.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// True if there is such a file or folder.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Sets an environment variable for later runs.
    pub fn set(&mut self, name: &str, value: impl AsRef<str>) {
        self.environment.push((name.to_owned(), value.as_ref().to_owned()));
    }

    /// Runs `hub ARGUMENTS` to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).wait()
    }

    /// Starts `hub ARGUMENTS` and goes on.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(&executable());
        command.args(arguments);
        Running::spawn(command, format!("hub {}", arguments.join(" ")))
    }

    /// Runs a line of a shell in the working folder, with `hub` in the path.
    pub fn shell(&self, line: &str) -> Outcome {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", &format!("PATH=\"$HUB_FOLDER:$PATH\"; {line}")]).env("HUB_FOLDER", release());
        Running::spawn(command, line.to_owned()).wait()
    }

    /// One line for each record of a file below the working folder, as JSON.
    pub fn records(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"))).collect()
    }

    /// The exact audit entries of the manifest in the working folder, as JSON.
    pub fn audit(&self) -> Vec<Value> {
        let shown = self.run(&["audit", "show", "--from", "0", "--last", "1000000", "--output", "json"]).ends(0);
        shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["HUB_DATA", "HUB_CONNECTORS", "HUB_LOG", "CLICOLOR_FORCE", "LD_LIBRARY_PATH", "CI"] {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1").env("HUB_CONFIG", self.path("settings")).env("HUB_CACHE", release().join("author-cache"));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A run that goes on. Dropped before its end it is killed.
pub struct Running {
    child: Child,
    told: String,
    stdout: Stream,
    stderr: Stream,
}

/// What came out of a stream so far, and who reads it.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    fn spawn(mut command: Command, told: String) -> Self {
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{told}: {error}"));
        let (stdout, stderr) = (Stream::of(child.stdout.take().unwrap()), Stream::of(child.stderr.take().unwrap()));
        Self { child, told, stdout, stderr }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Outcome {
        let status = self.child.wait().unwrap();
        self.outcome(status)
    }

    /// True if it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it printed on standard error so far.
    pub fn said(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until something is so. Stops the test if the program ends before, or if it takes two minutes.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        for _ in 0..24_000 {
            if is_so(self) {
                return;
            }
            assert!(!self.has_ended(), "`{}` ended before {what}\n{}", self.told, self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("`{}`: waited in vain: {what}\n{}", self.told, self.said());
    }

    /// Sends a signal (`libc`'s number).
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
        // A process that has just ended cannot be told anything, which is no fault of the test.
        let _ = rustix::process::kill_process(id, signal);
    }

    /// kill -9, then waits until it is gone.
    pub fn kill(mut self) -> Outcome {
        let _ = self.child.kill();
        let status = self.child.wait().unwrap();
        self.outcome(status)
    }

    fn outcome(&mut self, status: ExitStatus) -> Outcome {
        Outcome { command: self.told.clone(), code: status.code(), stdout: self.stdout.whole(), stderr: self.stderr.whole() }
    }
}

impl Stream {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let shared = text.clone();
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = source.read(&mut piece) {
                shared.lock().unwrap().extend_from_slice(&piece[..length]);
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was run.
    pub command: String,
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Fails the test with everything that was printed if the exit code is another one.
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of `{}`\n--- stdout\n{}\n--- stderr\n{}", self.command, self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("`{}`: not JSON: {error}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.stdout, self.stderr)
        })
    }

    /// Fails the test if standard output lacks a text.
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "`hub {}` does not print `{text}`\n--- stdout\n{}", self.command, self.stdout);
        self
    }

    /// Fails the test if standard error lacks a text.
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{}` does not say `{text}`\n--- stderr\n{}", self.command, self.stderr);
        self
    }

    /// Both outputs, for a look at everything that was printed.
    pub fn printed(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The program's file.
pub fn executable() -> PathBuf {
    release().join("hub")
}

/// The folder with the shipped components.
pub fn connectors() -> PathBuf {
    release().join("connectors")
}

/// The folder of this repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The folder that holds the program: this test's own executable is in its `deps`.
fn release() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().to_owned()
}
