//! Any bytes as a manifest: checked or refused with problems, never a panic. Every problem has a page and a remedy and can be placed.

#![no_main]

use hub_core::manifest::{Files, read_bytes};
use libfuzzer_sys::fuzz_target;

/// Every file that is asked for is the part of the input behind the first line of three dashes.
struct Rest<'a>(&'a [u8]);

impl Files for Rest<'_> {
    fn read(&self, _relative_to: &str, name: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Ok(vec![(name.to_owned(), self.0.to_vec())])
    }
}

fuzz_target!(|input: &[u8]| {
    let cut = input.windows(5).position(|part| part == b"\n---\n");
    let (text, rest) = cut.map_or((input, &b""[..]), |at| (&input[..at], &input[at + 5..]));
    if let Err(failed) = read_bytes("manifest.toml", text, &Rest(rest)) {
        assert!(failed.problems.iter().count() > 0);
        for problem in failed.problems.iter() {
            assert!(!problem.title.is_empty() && !problem.help.is_empty() && !problem.code.page().is_empty(), "{problem:?}");
            for label in &problem.labels {
                failed.sources.line_column(label.span);
            }
        }
    }
});
