//! Why the records of a stream must enter the sandbox: what the engine itself would say when it runs.

use std::collections::BTreeMap;

use hub_lowcode::load::Manifest;
use hub_lowcode::model::{AnyStream, Reader, Stream, read_source};
use hub_lowcode::retrieve::Blind;

/// The reasons by stream; a stream without an entry needs nobody to read its bodies.
pub(super) fn reasons(manifest: &Manifest) -> BTreeMap<String, Vec<String>> {
    let mut reader = Reader::new();
    let Some(source) = read_source(manifest.root(), &mut reader) else { return BTreeMap::new() };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stream in &source.streams {
        let reasons: Vec<String> = match &stream.stream {
            AnyStream::Declarative(stream) => of(stream),
            AnyStream::StateDelegating(stream) => of(&stream.full_refresh).into_iter().chain(of(&stream.incremental)).collect(),
        };
        if !reasons.is_empty() {
            found.insert(stream.stream.name().to_owned(), reasons);
        }
    }
    found
}

fn of(stream: &Stream) -> Vec<String> {
    match Blind::new(stream, 0, &[]) {
        Ok(_) => Vec::new(),
        Err(reasons) => reasons.into_iter().map(|reason| format!("`{}`: {}", reason.path, reason.message)).collect(),
    }
}
