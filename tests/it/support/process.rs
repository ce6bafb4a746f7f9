//! A real system with invented content on 127.0.0.1: a start script of `tests/e2e`, told what to do line by line, ended with this value.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::program::root;

/// A started system.
pub struct Process {
    script: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Address, secret and counts, as its script tells them.
    pub told: Value,
}

impl Process {
    /// Runs `tests/e2e/NAME/start.py` with these arguments; the first time its Python packages are fetched.
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        let script = root().join("tests/e2e").join(name).join("start.py");
        let mut command = Command::new("python3");
        command.arg(&script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("python3 {}: {error}: install python3 and its venv", script.display()));
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self { script: name.to_owned(), child, orders, answers, told: Value::Null };
        let line = process.line();
        process.told = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{name} did not start: {error}: {line:?}"));
        process
    }

    /// Gives an order and answers with what the script says to it.
    pub fn order(&mut self, order: &str) -> Value {
        let line = self.reply(order);
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{} did not answer: {error}: {line:?}", self.script))
    }

    /// Gives an order and answers with the line that the script prints.
    pub fn reply(&mut self, order: &str) -> String {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.line()
    }

    /// One of the things that the script told at its start.
    pub fn told(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap_or_else(|| panic!("{} did not tell `{name}`: {}", self.script, self.told))
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.told("url")
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        url::Url::parse(self.url()).unwrap().origin().ascii_serialization()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends when its standard input does, and clears its folder away.
        self.orders.take();
        let _ = self.child.wait();
    }
}
