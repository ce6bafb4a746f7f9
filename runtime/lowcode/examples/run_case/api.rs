//! The recorded API of a case, served by `fake_api.py`, and the judge of what came out, `compare.py`. Both are looked for above the case.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use super::Failure;
use super::wire::Wire;

/// The server sends small pieces at once: its two writes for an answer would wait for each other.
const SERVER: &str = "import socketserver, sys; socketserver.StreamRequestHandler.disable_nagle_algorithm = True; \
    sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]; import fake_api; fake_api.main()";

/// The API of a case, ended with this value.
#[allow(dead_code, reason = "shared: not every program that uses it needs all of it")]
pub struct Api {
    child: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The way to it.
    pub wire: Rc<Wire>,
}

impl Api {
    /// Starts it and waits until it tells its port.
    pub fn start(case: &Path) -> Result<Self, Failure> {
        let tool = tool(case, "fake_api.py")?;
        let mut command = Command::new("python3");
        command.args(["-c", SERVER]).arg(tool.parent().unwrap_or(Path::new("."))).arg("fake_api.py").arg(case.join("api-script.json"));
        let mut child =
            command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let port: Option<u16> = line.trim().strip_prefix("PORT ").and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| format!("fake_api.py did not tell its port but `{line}`"))?;
        Ok(Self { child, port, wire: Rc::new(Wire::new(port)) })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks for a tool beside the case and above it.
pub fn tool(case: &Path, file: &str) -> Result<PathBuf, Failure> {
    let case = case.canonicalize()?;
    case.ancestors()
        .map(|folder| folder.join(file))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("`{file}` is in no folder above the case").into())
}

/// The verdict of `compare.py` over the recording of a case and what came out.
pub fn compare(case: &Path, actual: &Path) -> Result<String, Failure> {
    compare_with(case, &case.join("golden.json"), actual)
}

/// The same over another recording.
pub fn compare_with(case: &Path, golden: &Path, actual: &Path) -> Result<String, Failure> {
    let output = Command::new("python3").arg(tool(case, "compare.py")?).arg(golden).arg(actual).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}
