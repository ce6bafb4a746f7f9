//! `hub audit key|export|proof|consistency|anchor`, and verifying what these gave away. Needs no store to verify.

use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use hub_core::audit::export::{ExportCheck, MAX_DOCUMENT_BYTES, Proven, Untrue, verify_proof};
use hub_core::audit::note::{Checkpoint, LogKey, Verifier};
use hub_core::audit::{Draft, Kind, LIMIT, TreeHead};
use hub_core::problem::{Code, Problem};
use serde_json::json;

use super::{Failure, Output, Place, anchors, commit, io_problem, run, runtime};
use crate::config::Config;
use crate::evidence::{self, EvidenceError, Signed};
use crate::store::{self, Store, StoreError};

/// How entries are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The exact lines behind the signed head: evidence
    #[default]
    Jsonl,
    /// Events of OCSF 1.3 for a collector: a view, no evidence
    Ocsf,
}

/// What is verified with a key instead of a store.
#[derive(Args, Debug)]
pub(super) struct Outside {
    /// Verify an export instead of the store
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "proof")]
    export: Option<PathBuf>,
    /// Verify a proof instead of the store
    #[arg(long, value_name = "FILE", requires = "key")]
    proof: Option<PathBuf>,
    /// The log's public key, as `hub audit key` prints it, or a file with it [default: that of the data folder]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Heads that were kept elsewhere (`hub audit anchor`): the log must begin with each of them; may be given several times
    #[arg(long, value_name = "FILE")]
    anchors: Vec<PathBuf>,
}

impl Outside {
    /// Verifies an export or a proof, if one is named.
    pub(super) fn run(&self, output: Output) -> Result<Option<u8>, Failure> {
        let Some(verifier) = self.given_key()? else { return Ok(None) };
        match (&self.export, &self.proof) {
            (Some(file), _) => self.export(file, &verifier, output).map(Some),
            (_, Some(file)) => proof(file, &verifier, output).map(Some),
            _ => Ok(None),
        }
    }

    /// The heads that a store must agree with: those in files, also of the manifest's anchors, and the one that was signed last.
    pub(super) fn kept(&self, place: &Place, config: &Config) -> Result<Vec<TreeHead>, Failure> {
        let note = config.data.join(evidence::NOTE);
        let given = self.given_key()?;
        let verifier = match given {
            Some(verifier) => Some(verifier),
            None => evidence::public(config)?,
        };
        let Some(verifier) = verifier else {
            if let Some(problem) = evidence::lost(config) {
                return Err(problem
                    .note("with the public key that was given away the log can be verified: hub audit verify --key KEY")
                    .into());
            }
            return match self.anchors.first() {
                Some(file) => Err(untrue(file, "there is no key to check it with: name it with `--key`")),
                None => Ok(Vec::new()),
            };
        };
        let mut heads = self.anchors(&verifier)?;
        match anchors::manifest(place) {
            Ok(Some(manifest)) => heads.extend(anchors::heads(&manifest, config, &verifier)?),
            Ok(None) => {}
            // A log is verified whatever became of its manifest.
            Err(_) => tracing::warn!("`{}` cannot be read: its anchors are not compared", place.manifest.display()),
        }
        if note.exists() {
            heads.extend(read_heads(&note, &verifier)?);
        }
        Ok(heads)
    }

    fn given_key(&self) -> Result<Option<Verifier>, Failure> {
        let Some(given) = &self.key else { return Ok(None) };
        let text = if given.contains('+') && !Path::new(given).exists() {
            given.clone()
        } else {
            fs::read_to_string(given).map_err(|error| io_problem("read", Path::new(given), &error))?
        };
        let help = "give the whole line that `hub audit key` prints: `NAME+ID+KEY`";
        let verifier = Verifier::parse(&text);
        verifier.map(Some).ok_or_else(|| Problem::new(Code::E009, "that is no public key of an audit log", help).into())
    }

    fn anchors(&self, verifier: &Verifier) -> Result<Vec<TreeHead>, Failure> {
        let heads: Result<Vec<_>, Failure> = self.anchors.iter().map(|file| read_heads(file, verifier)).collect();
        heads.map(|heads| heads.concat())
    }

    fn export(&self, file: &Path, verifier: &Verifier, output: Output) -> Result<u8, Failure> {
        let anchors = self.anchors(verifier)?;
        let opened = fs::File::open(file).map_err(|error| io_problem("read", file, &error))?;
        let (signed, first, older) = lines(BufReader::new(opened), verifier, &anchors).map_err(|error| match error {
            ExportError::Io(error) => io_problem("read", file, &error).into(),
            ExportError::Untrue(why) => untrue(file, &why.to_string()),
        })?;
        let Checkpoint { origin, head } = signed;
        let root = data_encoding::HEXLOWER.encode(&head.root);
        match output {
            Output::Json => super::print_json(
                &json!({ "version": 1, "ok": true, "log": origin, "first": first, "entries": head.size, "root": root, "anchors": anchors.len() - older, "older_anchors": older }),
            ),
            Output::Human => super::print_text(&format!(
                "✓ {} entries of `{origin}`{}: chain, tree and signature are whole, {} anchors agree{}   root {root}\n",
                head.size,
                super::audit::pruned(first),
                anchors.len() - older,
                if older == 0 { String::new() } else { format!(", {older} are older than what is kept") }
            )),
        }
        Ok(0)
    }
}

enum ExportError {
    Io(io::Error),
    Untrue(Untrue),
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Untrue> for ExportError {
    fn from(why: Untrue) -> Self {
        Self::Untrue(why)
    }
}

/// The signed head of an export, the number of its first entry, and how many anchors are older than that.
fn lines(mut reader: impl BufRead, verifier: &Verifier, anchors: &[TreeHead]) -> Result<(Checkpoint, u64, usize), ExportError> {
    let mut line = Vec::new();
    line_of(&mut reader, MAX_DOCUMENT_BYTES, &mut line)?;
    let mut check = ExportCheck::begin(&line, verifier, anchors)?;
    while line_of(&mut reader, LIMIT, &mut line)? {
        check.take(&line)?;
    }
    let (first, older) = (check.first(), check.older_anchors());
    Ok((check.finish()?, first, older))
}

/// Reads a line without its end, at most one byte more than `limit`: whoever checks it refuses what is longer. False at the end.
fn line_of(reader: &mut impl BufRead, limit: usize, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = io::Read::take(reader, most).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(read > 0)
}

fn proof(file: &Path, verifier: &Verifier, output: Output) -> Result<u8, Failure> {
    let metadata = fs::metadata(file).map_err(|error| io_problem("read", file, &error))?;
    if metadata.len() > MAX_DOCUMENT_BYTES as u64 {
        return Err(untrue(file, "it is longer than any proof"));
    }
    let text = fs::read_to_string(file).map_err(|error| io_problem("read", file, &error))?;
    let proven = verify_proof(&text, verifier).map_err(|why| untrue(file, &why.to_string()))?;
    let (document, told) = match &proven {
        Proven::Entry { seq, entry, head } => (
            json!({ "version": 1, "ok": true, "log": head.origin, "entry": seq, "of": head.head.size }),
            format!("✓ entry {seq} is in the log `{}` of {} entries:\n{entry}\n", head.origin, head.head.size),
        ),
        Proven::Growth { old, new } => (
            json!({ "version": 1, "ok": true, "log": new.origin, "old": old.head.size, "of": new.head.size }),
            format!("✓ the log `{}` of {} entries begins with the {} that were signed before\n", new.origin, new.head.size, old.head.size),
        ),
    };
    match output {
        Output::Json => super::print_json(&document),
        Output::Human => super::print_text(&told),
    }
    Ok(0)
}

pub(super) fn read_heads(file: &Path, verifier: &Verifier) -> Result<Vec<TreeHead>, Failure> {
    evidence::heads(file, verifier).map_err(|why| untrue(file, &why.to_string()))
}

pub(super) fn untrue(file: &Path, why: &str) -> Failure {
    let help = "compare it with another copy, and the key with the one that you were given; keep what you have as evidence";
    Problem::new(Code::E501, format!("`{}` proves nothing: {why}", file.display()), help).into()
}

/// The store of a log, or a copy of one that a running hub has open, and the key of the log.
pub(super) struct Log {
    store: Opened,
    pub(super) key: LogKey,
    pub(super) config: Config,
}

enum Opened {
    Own(Arc<dyn Store>),
    Copy(Box<store::StoreCopy>),
}

impl Log {
    pub(super) fn open(place: &Place) -> Result<Self, Failure> {
        let config = place.config();
        super::audit::must_exist(&config)?;
        let failed = |error: StoreError| Failure::from(run::store_problem(&error));
        let store = match run::open_plain(&config) {
            Ok(store) => Opened::Own(store),
            Err(StoreError::InUse) => Opened::Copy(Box::new(store::open_copy(&config.data.join("store")).map_err(failed)?)),
            Err(error) => return Err(failed(error)),
        };
        let key = evidence::of_log(&config)?;
        Ok(Self { store, key, config })
    }

    /// The store itself, which a running hub has to itself.
    pub(super) fn own(&self) -> Result<Arc<dyn Store>, Failure> {
        match &self.store {
            Opened::Own(store) => Ok(Arc::clone(store)),
            Opened::Copy(_) => Err(run::store_problem(&StoreError::InUse).into()),
        }
    }

    fn store(&self) -> &dyn Store {
        match &self.store {
            Opened::Own(store) => &**store,
            Opened::Copy(copy) => &copy.store,
        }
    }

    fn sign(&self) -> Result<Signed, Failure> {
        let signed = match &self.store {
            Opened::Own(store) => runtime()?.block_on(evidence::sign(&**store, &self.key)),
            // What a running hub has not on the disk yet must not be signed.
            Opened::Copy(copy) => evidence::sign_at(&copy.store, &self.key, copy.durable),
        };
        let signed = signed.map_err(|error| problem(&error))?;
        evidence::keep_note(&signed, &self.config.data).map_err(|error| problem(&error.into()))?;
        Ok(signed)
    }
}

pub(super) fn problem(error: &EvidenceError) -> Failure {
    match error {
        EvidenceError::Store(error) => run::store_problem(error).into(),
        EvidenceError::Io(error) => {
            Problem::new(Code::E009, format!("cannot write the evidence: {error}"), "check the path, its permissions and the space left")
                .into()
        }
    }
}

pub(super) fn key(place: &Place) -> Result<u8, Failure> {
    let config = place.config();
    super::audit::must_exist(&config)?;
    super::print_text(&format!("{}\n", evidence::of_log(&config)?.verifier()));
    Ok(0)
}

pub(super) fn export(place: &Place, out: Option<&Path>, format: Format) -> Result<u8, Failure> {
    let log = Log::open(place)?;
    let signed = log.sign()?;
    let write = |to: &mut dyn io::Write| match format {
        Format::Jsonl => evidence::export(log.store(), &signed, to),
        Format::Ocsf => {
            let origin = log.key.verifier().name().to_owned();
            evidence::each_entry(log.store(), signed.head.size, &mut |line| writeln!(to, "{}", evidence::event(line, &origin)))
        }
    };
    match out {
        None => write(&mut BufWriter::new(io::stdout().lock())).map_err(|error| problem(&error))?,
        Some(path) => {
            let file = fs::File::create_new(path).map_err(|error| io_problem("create", path, &error))?;
            let mut buffered = BufWriter::new(file);
            write(&mut buffered).map_err(|error| problem(&error))?;
            let file = buffered.into_inner().map_err(|error| io_problem("write", path, error.error()))?;
            file.sync_all().map_err(|error| io_problem("write", path, &error))?;
            super::print_text(&format!(
                "✓ {} entries{} in {}\n  verify: hub audit verify --export {} --key {}\n",
                signed.head.size,
                super::audit::pruned(log.store().first().map_err(|error| run::store_problem(&error))?),
                path.display(),
                path.display(),
                log.key.verifier()
            ));
        }
    }
    Ok(0)
}

pub(super) fn prove(place: &Place, entry: u64) -> Result<u8, Failure> {
    let log = Log::open(place)?;
    let signed = log.sign()?;
    let proof = evidence::prove_entry(log.store(), &signed, entry).map_err(|error| problem(&error))?;
    let Some(proof) = proof else {
        let first = log.store().first().map_err(|error| run::store_problem(&error))?;
        let help = format!("the log has the entries {first} to {}: hub audit show", signed.head.size.saturating_sub(1));
        return Err(Problem::new(Code::E009, format!("there is no audit entry {entry}"), help).into());
    };
    super::print_text(&format!("{proof}\n"));
    Ok(0)
}

pub(super) fn consistency(place: &Place, old: &Path) -> Result<u8, Failure> {
    let log = Log::open(place)?;
    let verifier = log.key.verifier();
    let note = fs::read_to_string(old).map_err(|error| io_problem("read", old, &error))?;
    let known = verifier.open(&note).map_err(|why| untrue(old, &why.to_string()))?;
    let signed = log.sign()?;
    if known.head.size > signed.head.size {
        return Err(untrue(old, &Untrue::Shorter { known: known.head.size, found: signed.head.size }.to_string()));
    }
    let proof = evidence::prove_growth(log.store(), &signed, known.head.size, &note).map_err(|error| problem(&error))?;
    verify_proof(&proof, &verifier).map_err(|why| untrue(old, &why.to_string()))?;
    super::print_text(&format!("{proof}\n"));
    Ok(0)
}

pub(super) fn anchor(place: &Place, to: &[PathBuf]) -> Result<u8, Failure> {
    let log = Log::open(place)?;
    // That a head goes elsewhere is on record, and the head covers the record.
    let entry = Draft::new(Kind::AuditAnchored).detail(format!("{} places", to.len().max(1)));
    // A hub that is running has the store: its log holds the head as well, and says nothing of who took it.
    if let Opened::Own(store) = &log.store {
        commit(&**store, Vec::new(), vec![entry])?;
    }
    let signed = log.sign()?;
    if to.is_empty() {
        super::print_text(&signed.note);
    }
    for path in to {
        evidence::append(path, &signed.note, crate::clock::now_ms()).map_err(|error| io_problem("write", path, &error))?;
        super::print_text(&format!("✓ {} entries anchored in {}\n", signed.head.size, path.display()));
    }
    Ok(0)
}
