//! A real Roundup tracker with invented content on 127.0.0.1, started by `tests/e2e/roundup`, ended with this value.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::program::root;

/// A tracker that answers.
pub struct Tracker {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Address, account and counts, as `start.py` tells them.
    pub told: Value,
}

impl Tracker {
    /// Starts one with so many issues; the first time its Python packages are fetched.
    pub fn start(issues: u32) -> Self {
        let script = root().join("tests/e2e/roundup/start.py");
        let mut command = Command::new("python3");
        command.arg(&script).args(["--issues", &issues.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("python3 {}: {error}: install python3 and its venv", script.display()));
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut tracker = Self { process, orders, answers, told: Value::Null };
        tracker.told = tracker.answer();
        tracker
    }

    /// Changes the title of an issue, which makes it the last one changed.
    pub fn touch(&mut self, issue: u32) {
        writeln!(self.orders.as_mut().unwrap(), "touch {issue}").unwrap();
        assert_eq!(self.answer()["touched"], issue);
    }

    /// Its address as a browser shows it.
    pub fn url(&self) -> &str {
        self.told["url"].as_str().unwrap()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        url::Url::parse(self.url()).unwrap().origin().ascii_serialization()
    }

    /// The password of its account `admin`.
    pub fn password(&self) -> &str {
        self.told["password"].as_str().unwrap()
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the tracker did not start: {error}: {line:?}"))
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        // It ends when its standard input does, and clears its folder away.
        self.orders.take();
        let _ = self.process.wait();
    }
}
