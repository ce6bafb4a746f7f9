//! The state that a flow's first run goes on from, if the manifest names one: what another tool had reached. Never read again once hub has its own.

use std::fs::File;
use std::io::Read;

use hub_core::manifest::{Flow, Manifest};
use hub_core::problem::{Code, Problem};
use hub_core::record::MAX_CURSOR_BYTES;

use crate::place::beside;
use crate::store::format::Progress;

/// The progress that a run begins with. A flow of which no run has reached a checkpoint begins with the declared state.
pub(super) fn begin(manifest: &Manifest, flow: &Flow, progress: Progress) -> Result<Progress, Problem> {
    let Some(state) = flow.state.as_ref().filter(|_| progress.cursor.is_none() && progress.run.is_empty()) else { return Ok(progress) };
    let refuse = |reason: String| {
        let title = format!("the state `{}` of flow `{}` cannot be used: {reason}", state.value, flow.id.value);
        Problem::new(Code::E003, title, "correct the path, or remove `state` to read everything from the beginning")
            .at(state.span, "named here")
    };
    let mut bytes = Vec::new();
    let path = beside(&manifest.sources, state.span, &state.value);
    let read = File::open(path).and_then(|file| file.take(MAX_CURSOR_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| refuse(error.to_string()))?;
    if bytes.len() > MAX_CURSOR_BYTES {
        return Err(refuse(format!("it is over {} KiB", MAX_CURSOR_BYTES >> 10)));
    }
    let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).is_ok();
    if !is_object {
        return Err(refuse("it is not a JSON object".to_owned()));
    }
    Ok(Progress { cursor: Some(bytes), ..progress })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;

    use hub_core::manifest::{self, NoFiles};
    use hub_core::problem::Code;

    use super::{Progress, begin};

    const MANIFEST: &str = r#"
manifest = 1
operator = { name = "A", contact = "b@example.org" }
system.a = { connector = "builtin:sample" }
purpose.p = { use = "sales", basis = { art6 = "f" }, allows = [] }
[flow.f]
from = "a.x"
to = "a.y"
purpose = "p"
mode = "append"
state = "x.json"
fields = ["id"]
"#;

    #[test]
    fn the_first_run_goes_on_from_the_declared_state_and_later_ones_from_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("manifest.toml").display().to_string();
        let manifest = manifest::read(&name, MANIFEST, &NoFiles).unwrap();
        let flow = &manifest.flows["f"];
        let absent = begin(&manifest, flow, Progress::default()).unwrap_err();
        assert_eq!((absent.code, absent.labels.len()), (Code::E003, 1));
        for bad in ["[1]", "{", "\"x\""] {
            fs::write(folder.path().join("x.json"), bad).unwrap();
            assert!(begin(&manifest, flow, Progress::default()).is_err(), "{bad}");
        }
        fs::write(folder.path().join("x.json"), r#"{"updated_at":"2026-01-01"}"#).unwrap();
        let first = begin(&manifest, flow, Progress::default()).unwrap();
        assert_eq!(first.cursor.as_deref(), Some(&br#"{"updated_at":"2026-01-01"}"#[..]));
        let crashed = begin(&manifest, flow, Progress { open_run: Some("r".to_owned()), ..Progress::default() }).unwrap();
        assert!(crashed.cursor.is_some());
        for own in
            [Progress { cursor: Some(b"{}".to_vec()), ..Progress::default() }, Progress { run: "r".to_owned(), ..Progress::default() }]
        {
            assert_eq!(begin(&manifest, flow, own.clone()).unwrap(), own);
        }
    }
}
