//! A real PostgreSQL on 127.0.0.1 with a folder and a port of its own, ended with this value.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that answers. The superuser is `postgres`.
pub struct Postgres {
    folder: tempfile::TempDir,
    server: Option<Child>,
    /// Port on 127.0.0.1.
    pub port: u16,
}

/// Invented; the server lives as long as the test.
pub const PASSWORD: &str = "planted-database-password-4711";

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut postgres = Self { folder, server: None, port };
        if is_root() {
            // The server refuses to run as root.
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(postgres.folder.path()).status().unwrap();
            assert!(owned.success(), "there is no account `postgres`: install PostgreSQL (apt-get install postgresql)");
        }
        let data = postgres.data();
        let made = postgres
            .program("initdb")
            .args(["--no-sync", "--auth-host=scram-sha-256", "--auth-local=trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        postgres.serve();
        postgres.sql("postgres", &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'"));
        postgres
    }

    /// Starts the server that was made, again.
    pub fn serve(&mut self) {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1"]);
        self.server = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while !self
            .program("pg_isready")
            .args(["-q", "-h"])
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()])
            .status()
            .unwrap()
            .success()
        {
            assert!(Instant::now() < until, "PostgreSQL did not start within a minute");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as a crash does: connections break, nothing is written any more.
    pub fn crash(&mut self) {
        self.end(rustix::process::Signal::QUIT);
    }

    fn end(&mut self, signal: rustix::process::Signal) {
        let Some(mut server) = self.server.take() else { return };
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next().and_then(|line| line.parse().ok()).and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, signal);
        }
        let _ = server.wait();
    }

    /// Runs statements as the superuser over the local socket; answers with the rows, without alignment.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let (worked, text) = self.tried("postgres", database, statements);
        assert!(worked, "{statements}: {text}");
        text
    }

    /// Runs statements as a role; whether all of them worked, and what was said.
    pub fn tried(&self, role: &str, database: &str, statements: &str) -> (bool, String) {
        let mut command = self.program("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", database, "-p", &self.port.to_string(), "-h"]);
        let mut process =
            command.arg(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text.trim_end().to_owned())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = programs().join(name);
        let mut command = if is_root() && name != "psql" && name != "pg_isready" {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end(rustix::process::Signal::INT);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Debian keeps them by version; others in a folder for all programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let usual = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from);
    let mut found: Vec<PathBuf> = versions.collect();
    found.sort();
    let mut all = usual.into_iter().chain(found).filter(|folder| folder.join("initdb").is_file());
    all.next_back().unwrap_or_else(|| panic!("initdb was not found: install PostgreSQL (apt-get install postgresql)"))
}
