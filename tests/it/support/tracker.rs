//! A real Roundup tracker with invented content on 127.0.0.1, started by `tests/e2e/roundup`, ended with this value.

use serde_json::Value;

use super::process::Process;

/// A tracker that answers.
pub struct Tracker(Process);

impl Tracker {
    /// Starts one with so many issues.
    pub fn start(issues: u32) -> Self {
        Self(Process::start("roundup", &["--issues", &issues.to_string()]))
    }

    /// Changes the title of an issue, which makes it the last one changed.
    pub fn touch(&mut self, issue: u32) {
        assert_eq!(self.0.order(&format!("touch {issue}"))["touched"], issue);
    }

    /// Title, status and date of change of an issue; null if there is none.
    pub fn issue(&mut self, issue: u32) -> Value {
        self.0.order(&format!("show {issue}"))["issue"].clone()
    }

    /// Its address as a browser shows it.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin()
    }

    /// The password of its account `admin`.
    pub fn password(&self) -> &str {
        self.0.told("password")
    }
}
