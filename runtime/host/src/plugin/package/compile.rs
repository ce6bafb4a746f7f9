//! From a component to native code, in a child process with limits: a component that makes the compiler explode harms nothing but itself.
//!
//! The child gets no environment and no standard input; it reads one file and writes one file.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub_core::problem::{Code, Problem};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{MAX_COMPILED_BYTES, read, unusable};
use crate::capability::runtime::clean;
use crate::plugin::engine;

/// The verb by which the program compiles for itself.
pub const VERB: &str = "compile-component";
const MAX_DATA_BYTES: u64 = 1 << 30;
const MAX_CPU_SECONDS: u64 = 120;
const MAX_WAIT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(5);
const MAX_MESSAGE_BYTES: u64 = 2 << 10;

/// How components are compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// By `PROGRAM compile-component IN OUT`: the hub itself.
    Child(PathBuf),
    /// In this process, without limits: for programs that are not the hub and compile only what they trust.
    InProcess,
}

/// Why there is no compiled code.
pub(super) enum Fault {
    /// The component is not valid, or needs a feature that the sandbox does not have.
    Invalid(String),
    /// A limit was reached.
    Limit(String),
    /// The cache cannot be written, or the child did not start.
    System(io::Error),
}

impl Fault {
    pub(super) fn problem(&self, name: &str) -> Problem {
        match self {
            Self::Invalid(reason) => unusable(name, reason),
            Self::System(error) => Problem::new(
                Code::E007,
                format!("connector `{name}` cannot be prepared: {error}"),
                "look at the permissions and the free space of hub's data folder",
            ),
            Self::Limit(reason) => Problem::new(
                Code::E302,
                format!("compiling connector `{name}` was stopped: {reason}"),
                "use a smaller component, or ask its author",
            ),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Compiler {
    /// The program that runs now.
    ///
    /// # Errors
    /// The operating system does not tell its path.
    pub fn this_program() -> io::Result<Self> {
        Ok(Self::Child(std::env::current_exe()?))
    }

    /// Compiles, puts the code at `target` and gives its bytes.
    pub(super) fn compile(&self, folder: &Path, component: &[u8], target: &Path) -> Result<Vec<u8>, Fault> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let output = Scratch::new(folder, "cwasm");
        let code = match self {
            Self::InProcess => {
                let code = engine::shared().map_err(|problem| Fault::Invalid(problem.title))?.precompile_component(component);
                let code = code.map_err(|error| Fault::Invalid(format!("{error:#}")))?;
                output.write(&code)?;
                code
            }
            Self::Child(program) => {
                let input = Scratch::new(folder, "wasm");
                input.write(component)?;
                run(program, &input.0, &output.0)?;
                read(&output.0, MAX_COMPILED_BYTES)?
            }
        };
        fs::rename(&output.0, target)?;
        Ok(code)
    }
}

/// The hidden verb: compiles IN to OUT under limits. Prints the reason of a failure.
#[must_use]
pub fn compile_component_main(input: &Path, output: &Path) -> ExitCode {
    match limit_myself().map_err(|error| format!("no limits: {error}")).and_then(|()| translate(input, output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // Nobody is left to tell if this fails.
            drop(writeln!(io::stderr(), "{reason}"));
            ExitCode::FAILURE
        }
    }
}

/// Written memory is limited, not addresses: threads and their heaps reserve far more addresses than they use.
fn limit_myself() -> rustix::io::Result<()> {
    let both = |value| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Data, both(MAX_DATA_BYTES))?;
    setrlimit(Resource::Cpu, both(MAX_CPU_SECONDS))?;
    setrlimit(Resource::Fsize, both(MAX_COMPILED_BYTES))?;
    setrlimit(Resource::Core, both(0))
}

fn translate(input: &Path, output: &Path) -> Result<(), String> {
    let component = fs::read(input).map_err(|error| error.to_string())?;
    let engine = engine::shared().map_err(|problem| problem.title)?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    fs::write(output, code).map_err(|error| error.to_string())
}

fn run(program: &Path, input: &Path, output: &Path) -> Result<(), Fault> {
    let mut command = Command::new(program);
    command.arg(VERB).arg(input).arg(output).env_clear();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let message = child.stderr.take().map(|stderr| std::thread::spawn(move || read_message(stderr)));
    let status = wait(&mut child)?;
    let message = message.and_then(|reader| reader.join().ok()).unwrap_or_default();
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(1), _) => Err(Fault::Invalid(message)),
        (_, Some(signal)) => Err(Fault::Limit(format!("it used too much time or memory (signal {signal})"))),
        (code, None) => Err(Fault::Limit(format!("the compiler ended with code {code:?}: {message}"))),
    }
}

/// The first part of what the child says; the rest is read, so that the child never waits for a reader.
fn read_message(mut stderr: impl Read) -> String {
    let mut message = Vec::new();
    drop(stderr.by_ref().take(MAX_MESSAGE_BYTES).read_to_end(&mut message));
    drop(io::copy(&mut stderr, &mut io::sink()));
    clean(&String::from_utf8_lossy(&message), MAX_MESSAGE_BYTES as usize)
}

fn wait(child: &mut Child) -> io::Result<std::process::ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if began.elapsed() > MAX_WAIT {
            child.kill()?;
            return child.wait();
        }
        std::thread::sleep(POLL);
    }
}

/// A file of this process alone, removed unless it was renamed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(folder: &Path, extension: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(folder.join(format!("{}-{number}.{extension}.tmp", std::process::id())))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.0)?.write_all(bytes)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        drop(fs::remove_file(&self.0));
    }
}
