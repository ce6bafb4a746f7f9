//! Running other programs and saying what went wrong. Holds no knowledge of any of them.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What an action ends with.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why a verb did not do its work, and what to do next.
#[derive(Debug)]
pub struct Failure {
    what: String,
    help: Option<String>,
}

impl Failure {
    /// A failure in one sentence without full stop.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    /// Says what it is about: a connector, a bench.
    pub fn within(mut self, about: &str) -> Self {
        self.what = format!("{about}: {}", self.what);
        self
    }

    /// Adds the remedy.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", self.what)?;
        match &self.help {
            Some(help) => write!(out, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// One line of progress in cargo's form: a verb, right-aligned, and what it is about.
pub fn progress(verb: &str, about: impl fmt::Display) {
    eprintln!("{verb:>12} {about}");
}

/// Runs a program with this terminal; anything but success is a failure named after `doing`.
pub fn run(command: &mut Command, doing: &str) -> Result<()> {
    let status = command.status().map_err(|error| cannot_start(command, doing, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::new(format!("{doing} failed ({status})")).help(format!("run it alone: {}", shown(command)))),
    }
}

/// Runs a program silently and answers with its standard output; its standard error becomes part of the failure.
pub fn output(command: &mut Command, doing: &str) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, doing, &error))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
            Err(Failure::new(format!("{doing} failed ({}): {said}", output.status)))
        }
    }
}

/// True if the program can be started and ends well, silently.
pub fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a program with this terminal for at most so long; none if it had to be ended.
pub fn run_within(command: &mut Command, limit: Duration, doing: &str) -> Result<Option<bool>> {
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| cannot_start(command, doing, &error))?;
    let begun = Instant::now();
    while begun.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status.success())),
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(Failure::new(format!("{doing} failed: {error}"))),
        }
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| Failure::new(format!("{doing} cannot be ended: {error}")))?;
    Ok(None)
}

fn cannot_start(command: &Command, doing: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("{doing} failed: `{}` cannot be started: {error}", command.get_program().to_string_lossy()))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_failure_names_the_command_to_repeat() {
        let failure = run(Command::new("sh").args(["-c", "exit 3"]), "the check").unwrap_err();
        assert_eq!(failure.to_string(), "error: the check failed (exit status: 3)\n  help: run it alone: sh -c exit 3");
    }

    #[test]
    fn output_keeps_what_the_program_complained_about() {
        let failure = output(Command::new("sh").args(["-c", "echo broken >&2; exit 1"]), "reading").unwrap_err();
        assert_eq!(failure.to_string(), "error: reading failed (exit status: 1): broken");
    }

    #[test]
    fn a_program_over_its_time_is_ended() {
        assert_eq!(run_within(Command::new("sleep").arg("600"), Duration::from_millis(80), "waiting").unwrap(), None);
        assert_eq!(run_within(&mut Command::new("true"), Duration::from_secs(60), "waiting").unwrap(), Some(true));
    }
}
