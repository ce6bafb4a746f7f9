//! The real PostgreSQL of the fault harness, for tests: whatever goes wrong fails the test.

#[path = "../../../xtask/src/faults/database/cluster.rs"]
mod cluster;

use cluster::Cluster;

/// A server that answers. The superuser is `postgres`.
pub struct Postgres {
    // Before the folder: the server ends before its files go.
    cluster: Cluster,
    _folder: tempfile::TempDir,
    /// Port on 127.0.0.1.
    pub port: u16,
}

/// Invented; the server lives as long as the test.
pub const PASSWORD: &str = "planted-database-password-4711";

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with settings of the server (`name=value`).
    pub fn with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(folder.path(), settings).unwrap_or_else(|why| panic!("{why}"));
        let postgres = Self { port: cluster.port, cluster, _folder: folder };
        postgres.sql("postgres", &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'"));
        postgres
    }

    /// Starts the server that was made, again.
    pub fn serve(&mut self) {
        self.cluster.serve().unwrap();
    }

    /// Ends it as a crash does: connections break, nothing is written any more.
    pub fn crash(&mut self) {
        self.cluster.end(rustix::process::Signal::QUIT);
    }

    /// kill -9 of all its processes: nobody says a word.
    pub fn kill(&mut self) {
        self.cluster.kill();
    }

    /// Runs statements as the superuser over the local socket; answers with the rows, without alignment.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        self.cluster.sql(database, statements).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Runs statements as a role; whether all of them worked, and what was said.
    pub fn tried(&self, role: &str, database: &str, statements: &str) -> (bool, String) {
        self.cluster.tried(role, database, statements).unwrap()
    }
}
