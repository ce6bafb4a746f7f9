//! A real PostgreSQL on 127.0.0.1 with a folder and a port of its own, ended with its value. Shared with the tests, so it knows nothing but the standard
//! library and signals.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// What an action ends with: a failure in one sentence.
pub type Result<T> = std::result::Result<T, String>;

/// A server. The superuser is `postgres`, without a password over the local socket.
pub struct Cluster {
    folder: PathBuf,
    server: Option<Child>,
    settings: Vec<String>,
    /// Port on 127.0.0.1.
    pub port: u16,
}

impl Cluster {
    /// Makes a cluster in a folder that is there, and starts it with these settings (`name=value`).
    pub fn start(folder: &Path, settings: &[&str]) -> Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| format!("there is no free port: {error}"))?.port();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut cluster = Self { folder: folder.to_owned(), server: None, settings, port };
        if geteuid().is_root() {
            // The server refuses to run as root.
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder).status();
            if !owned.is_ok_and(|status| status.success()) {
                return Err("there is no account `postgres`: install PostgreSQL (apt-get install postgresql)".to_owned());
            }
        }
        let mut made = cluster.program("initdb")?;
        made.args(["--no-sync", "--auth-host=scram-sha-256", "--auth-local=trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"]);
        let made = made.arg(cluster.data()).output().map_err(|error| format!("initdb: {error}"))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        cluster.serve()?;
        Ok(cluster)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Starts the server that was made, again, and waits until it answers.
    pub fn serve(&mut self) -> Result<()> {
        let begun = Instant::now();
        let mut command = self.program("postgres")?;
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.folder).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1"]).args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        // One that was just killed may hold its memory for a moment: the new one refuses to start as long.
        while begun.elapsed() < Duration::from_secs(60) {
            if self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None))) {
                let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                self.server = Some(spawned.map_err(|error| format!("PostgreSQL does not start: {error}"))?);
            }
            if self.answers()? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("PostgreSQL did not start within a minute".to_owned())
    }

    /// It takes connections.
    pub fn answers(&self) -> Result<bool> {
        let mut ready = self.program("pg_isready")?;
        let status = ready.args(["-q", "-h"]).arg(&self.folder).args(["-p", &self.port.to_string()]).status();
        status.map(|status| status.success()).map_err(|error| format!("pg_isready: {error}"))
    }

    /// Ends it with a signal and waits until it is gone: SIGQUIT ends it as a crash does, with words to its clients; SIGINT in order.
    pub fn end(&mut self, signal: Signal) {
        let Some(mut server) = self.server.take() else { return };
        // `setpriv` has become the server: the number is the same.
        if let Some(pid) = i32::try_from(server.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
        let _ = server.wait();
    }

    /// kill -9 of the server with all its processes: nobody says a word, nothing is written any more.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let children = self.children();
        let _ = server.kill();
        for child in children {
            let _ = kill_process(child, Signal::KILL);
        }
        let _ = server.wait();
    }

    /// kill -9 of the process that serves a role's connection: the server then ends all others, recovers, and goes on by itself. False if there is none.
    pub fn kill_one(&self, role: &str) -> Result<bool> {
        let asked = self.sql("postgres", &format!("SELECT pid FROM pg_stat_activity WHERE usename = '{role}' LIMIT 1"))?;
        let Some(pid) = asked.trim().parse().ok().and_then(Pid::from_raw) else { return Ok(false) };
        Ok(kill_process(pid, Signal::KILL).is_ok())
    }

    /// The server's own processes.
    fn children(&self) -> Vec<Pid> {
        let server = self.server.as_ref().map_or(0, Child::id).to_string();
        let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().map(|output| output.stdout).unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let pairs = listed.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        pairs.filter(|(_, parent)| parent.trim() == server).filter_map(|(pid, _)| pid.parse().ok().and_then(Pid::from_raw)).collect()
    }

    /// Runs statements as the superuser over the local socket; answers with the rows, without alignment.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let (worked, text) = self.tried("postgres", database, statements)?;
        if worked { Ok(text) } else { Err(format!("{statements}: {text}")) }
    }

    /// Runs statements as a role; whether all of them worked, and what was said.
    pub fn tried(&self, role: &str, database: &str, statements: &str) -> Result<(bool, String)> {
        let failed = |error| format!("psql: {error}");
        let mut command = self.program("psql")?;
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", database, "-p", &self.port.to_string(), "-h"]);
        command.arg(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(failed)?;
        if let Some(mut input) = process.stdin.take() {
            input.write_all(statements.as_bytes()).map_err(failed)?;
        }
        let output = process.wait_with_output().map_err(failed)?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), text.trim_end().to_owned()))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn program(&self, name: &str) -> Result<Command> {
        let path = programs()?.join(name);
        let mut command = if geteuid().is_root() && name != "psql" && name != "pg_isready" {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder).env("LC_ALL", "C");
        Ok(command)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end(Signal::INT);
    }
}

/// Debian keeps them by version; others in a folder for all programs.
pub fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let usual = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from);
    let mut found: Vec<PathBuf> = versions.collect();
    found.sort();
    let mut all = usual.into_iter().chain(found).filter(|folder| folder.join("initdb").is_file());
    all.next_back().ok_or_else(|| "initdb was not found: install PostgreSQL (apt-get install postgresql)".to_owned())
}
