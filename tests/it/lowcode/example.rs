//! The example of a low-code connector does what its page says, against the invented helpdesk that lies beside it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::examples::with_examples;
use crate::support::program::root;

const FOLDER: &str = "examples/lowcode-helpdesk";

/// The helpdesk of the example, on a free port. It ends when its standard input does.
struct Helpdesk {
    process: Child,
    origin: String,
}

impl Helpdesk {
    fn start() -> Self {
        let mut process = Command::new("python3")
            .arg(root().join(FOLDER).join("api.py"))
            .args(["--port", "0", "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut origin = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut origin).unwrap();
        Self { process, origin: origin.trim().to_owned() }
    }

    /// Somebody works on a ticket.
    fn touch(&self, ticket: u32) {
        let address = self.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "POST /touch/{ticket} HTTP/1.1\r\nhost: helpdesk\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Helpdesk {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn the_helpdesk_is_read_as_its_page_says() {
    let helpdesk = Helpdesk::start();
    let program = with_examples();
    let manifest = format!("{FOLDER}/manifest.toml");
    let page = program.read(&format!("{FOLDER}/README.md"));
    for line in ["hub check", "hub plugin inspect", "hub run"] {
        assert!(page.contains(line), "the page shows `{line}`");
    }
    program.write(&manifest, program.read(&manifest).replace("http://127.0.0.1:8918", &helpdesk.origin));
    program.write(&format!("{FOLDER}/secrets/api_key"), "helpdesk-example-key\n");
    program.write(&format!("{FOLDER}/secrets/statistics.key"), "a key for the tests only");
    program.run(&["check", &manifest]).ends(0);
    let inspected = program.run(&["plugin", "inspect", &format!("{FOLDER}/helpdesk.yaml")]).ends(0).stdout;
    assert!(inspected.contains("reads tickets") && inspected.contains("records stay in the host"), "{inspected}");
    program.run(&["run", &manifest, "--dry-run", "--limit", "10"]).ends(0);
    let read = || {
        let document = program.run(&["run", &manifest, "--output", "json"]).ends(0).json();
        document["flows"].as_array().unwrap().iter().map(|flow| flow["read"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(read(), 120, "the first run reads every ticket");
    let records = program.records(&format!("{FOLDER}/out/tickets.ndjson"));
    assert_eq!(records.len(), 120);
    let names: Vec<&str> = records[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(!names.contains(&"internal_note") && names.contains(&"state"), "{names:?}");
    assert!(records.iter().all(|record: &Value| !record.to_string().contains("kunde.example")), "nobody's address arrives");
    let again = read();
    assert!(again <= 1, "the next run reads what may have changed at the border: {again}");
    helpdesk.touch(7);
    assert!((1..=2).contains(&read()), "and then the one ticket that somebody worked on");
    program.run(&["audit", "verify", &manifest]).ends(0);
}
