//! `hub plugin label`: proposes labels for a low-code connector. Writes a file only when asked to, and nothing in it counts before somebody confirms.

use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::labels::{self, Sample, Written};
use hub_core::problem::{Code, Problem, Problems, Sources};
use serde_json::json;

use super::{Failure, Output, io_problem};
use crate::lowcode::{self, LowCode, Reading, Texts};

/// The greatest size of a sample in bytes.
const MAX_SAMPLE_BYTES: u64 = 256 << 20;

#[derive(Args, Debug)]
pub(super) struct Label {
    /// The path of a low-code manifest (.yaml)
    manifest: PathBuf,
    /// Write the proposals into a new file, for people to confirm
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Labels that are there already [default: labels.toml beside the manifest, if it is there]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Only this stream
    #[arg(long)]
    stream: Option<String>,
    /// Records of that stream, one JSON object on each line: shapes of values are looked at, values are neither kept nor shown
    #[arg(long, value_name = "FILE", requires = "stream")]
    sample: Option<PathBuf>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Label {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let read = look(&self.manifest, self.labels.as_deref())?;
        let sample = self.sample.as_deref().map(sample).transpose()?;
        let streams = proposals(&read, self.stream.as_deref(), sample.as_ref())?;
        if let Some(path) = &self.write {
            create(path, labels::write(&streams).as_bytes())?;
        }
        match self.output {
            Output::Json => super::print_json(&as_json(&streams)),
            Output::Human => match &self.write {
                Some(path) => super::print_text(&summary(&streams, path)),
                None => super::print_text(&labels::write(&streams)),
            },
        }
        Ok(0)
    }
}

/// A manifest that somebody looks at: it must be readable, what it lacks to run does not matter here.
pub(super) fn look(manifest: &Path, labels: Option<&Path>) -> Result<LowCode, Failure> {
    let mut sources = Sources::default();
    let texts = Texts::read(manifest, labels, &mut sources)?;
    let (read, problems) = lowcode::read(&texts, Reading::default());
    let faults: Vec<Problem> =
        if read.is_some() { problems.into_iter().filter(|problem| problem.code == Code::E011).collect() } else { problems };
    match (read, Problems::new(faults)) {
        (_, Some(problems)) => Err(Failure { problems, sources }),
        (Some(read), None) => Ok(read),
        (None, None) => Err(Problem::new(Code::E010, "the manifest cannot be read", "correct it").into()),
    }
}

/// Proposals for the streams that have something to propose.
pub(super) fn proposals(read: &LowCode, only: Option<&str>, sample: Option<&Sample>) -> Result<Vec<Written>, Problem> {
    if let Some(name) = only.filter(|name| !read.foreign.contains_key(*name)) {
        let near = hub_core::vocab::closest_of(name, read.foreign.keys().map(String::as_str));
        let help = near.map_or_else(|| "see `hub plugin inspect`".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Problem::new(Code::E009, format!("the manifest has no stream `{name}`"), help));
    }
    let streams = read.streams.iter().filter(|stream| only.is_none_or(|only| stream.name == only));
    let written = streams.filter_map(|stream| {
        let known = read.labels.stream(&stream.name);
        let proposals = labels::propose(&stream.name, read.foreign.get(&stream.name)?, known, sample);
        let done = proposals.fields.is_empty() && proposals.unknown.is_empty() && known.is_some();
        (!done).then(|| Written { name: stream.name.clone(), primary_key: stream.primary_key.clone(), proposals })
    });
    Ok(written.collect())
}

/// Records of a file, one JSON object on each line, as classes and counts.
pub(super) fn sample(path: &Path) -> Result<Sample, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_SAMPLE_BYTES).read_to_string(&mut text));
    read.map_err(|error| io_problem("read", path, &error))?;
    let mut sample = Sample::default();
    sample.read(&text).map_err(|line| {
        Problem::new(Code::E009, format!("line {line} of `{}` is no JSON object", path.display()), "write one record on each line")
    })?;
    Ok(sample)
}

/// Writes a file that must not be there yet.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(bytes)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let help = "name another file and take over what you want: what people confirmed is not overwritten";
            Err(Problem::new(Code::E009, format!("`{}` is already there", path.display()), help).into())
        }
        Err(error) => Err(io_problem("write", path, &error).into()),
    }
}

fn summary(streams: &[Written], path: &Path) -> String {
    let proposed: usize = streams.iter().map(|stream| stream.proposals.fields.len()).sum();
    let unknown: usize = streams.iter().map(|stream| stream.proposals.unknown.len()).sum();
    format!(
        "created {}: {} streams, {proposed} proposals, {unknown} fields without one\nnothing counts yet: go through it and set `confirmed = true`\n",
        path.display(),
        streams.len()
    )
}

fn as_json(streams: &[Written]) -> serde_json::Value {
    let streams: Vec<_> = streams
        .iter()
        .map(|stream| {
            let fields: Vec<_> = stream
                .proposals
                .fields
                .iter()
                .map(|guess| json!({ "path": guess.path.as_str(), "category": guess.category, "confidence": guess.confidence.name(), "reason": guess.reason }))
                .collect();
            let subjects: Vec<_> =
                stream.proposals.subjects.iter().map(|(subject, reason)| json!({ "subject": subject, "reason": reason })).collect();
            let unknown: Vec<_> = stream.proposals.unknown.iter().map(ToString::to_string).collect();
            let keys: Vec<_> = stream.primary_key.iter().map(ToString::to_string).collect();
            json!({ "name": stream.name, "subjects": subjects, "primary_key": keys, "fields": fields, "without_proposal": unknown })
        })
        .collect();
    json!({ "version": 1, "streams": streams })
}
