//! `hub audit`: shows the log and proves that it is whole. Verifying reads a private copy, so it never changes evidence.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hub_core::audit::{Bad, TreeHead, Verdict};
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};

use super::evidence::{self, Format, Outside};
use super::{Failure, Output, Place, alert, prune, run};
use crate::config::Config;
use crate::store::{self, VerifiedAudit};

#[derive(Args, Debug)]
pub(super) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Prove that no entry was changed, left out or added; exit code 4 and the first bad entry if one was
    Verify {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        outside: Outside,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print the public key that checks what the log signs
    Key {
        #[command(flatten)]
        place: Place,
    },
    /// Write all entries behind a signed head: whoever has the public key can verify them without hub's store
    Export {
        #[command(flatten)]
        place: Place,
        /// A new file [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// What is written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print a proof that one entry is in the log
    Proof {
        /// Its number
        entry: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Print a proof that the log begins with one that was signed before
    Consistency {
        /// The file with the older signed head
        note: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Sign the log as it is now and keep the signed head elsewhere: with it an older store, or one written anew, is told
    Anchor {
        #[command(flatten)]
        place: Place,
        /// A file that the head is added to, best on another machine [default: print it]; may be given several times
        #[arg(long, value_name = "FILE")]
        to: Vec<PathBuf>,
    },
    /// Delete old entries: the log stays provable, and says from where on it is kept
    Prune(prune::Prune),
    /// Print entries, oldest first
    Show {
        #[command(flatten)]
        place: Place,
        /// The first entry to print
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
        /// At most so many entries
        #[arg(long, default_value_t = 50)]
        last: u64,
        /// Only entries of this kind, such as flow.denied
        #[arg(long)]
        kind: Option<String>,
        /// `json`: the exact lines, one for each entry
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
}

impl Audit {
    pub(super) fn output(&self) -> Output {
        match &self.verb {
            Verb::Verify { output, .. } | Verb::Show { output, .. } => *output,
            _ => Output::Human,
        }
    }

    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::Verify { place, outside, output } => match outside.run(*output)? {
                Some(code) => Ok(code),
                None => verify(place, outside, *output),
            },
            Verb::Key { place } => evidence::key(place),
            Verb::Export { place, out, format } => evidence::export(place, out.as_deref(), *format),
            Verb::Proof { entry, place } => evidence::prove(place, *entry),
            Verb::Consistency { note, place } => evidence::consistency(place, note),
            Verb::Anchor { place, to } => evidence::anchor(place, to),
            Verb::Prune(prune) => prune.run(),
            Verb::Show { place, from, last, kind, output } => show(place, *from, *last, kind.as_deref(), *output),
        }
    }
}

/// A call that needs a store, where there is none.
pub(super) fn must_exist(config: &Config) -> Result<(), Failure> {
    if config.data.join("store").exists() {
        return Ok(());
    }
    let help = "run a manifest first, name the manifest that ran, or its `--data`";
    Err(Problem::new(Code::E009, format!("there is no store in `{}`", config.data.display()), help).into())
}

fn verify(place: &Place, outside: &Outside, output: Output) -> Result<u8, Failure> {
    let config = place.config();
    must_exist(&config)?;
    let kept = outside.kept(place, &config)?;
    let verified = store::verify_audit(&config.data.join("store"), &kept).map_err(|error| run::store_problem(&error))?;
    let bad = verified.verdict.first_bad.as_ref();
    let told = bad.and_then(|_| alert::tell_broken(place));
    match output {
        Output::Json => super::print_json(&document(&verified, &kept)),
        Output::Human => match bad {
            None => super::print_text(&format!(
                "✓ {} entries{}: chain and tree are whole   root {}   {}\n",
                verified.verdict.entries,
                pruned(verified.verdict.first),
                hex(&verified.verdict.root),
                signatures(&kept, verified.verdict.first)
            )),
            Some(bad) => {
                let problem = damaged(bad, &verified.verdict);
                return Err(told.into_iter().fold(problem, Problem::note).into());
            }
        },
    }
    Ok(if bad.is_some() { 4 } else { 0 })
}

/// Says from where on a log is kept, if not from its beginning.
pub(super) fn pruned(first: u64) -> String {
    if first == 0 { String::new() } else { format!(", kept from entry {first} on, those before were pruned") }
}

pub(super) fn damaged(bad: &Bad, verdict: &Verdict) -> Problem {
    let (first, provable) = (verdict.first, verdict.still_provable_until);
    let whole =
        if provable <= first { "no entry before it is whole".to_owned() } else { format!("entries {first} to {} are whole", provable - 1) };
    Problem::new(
        Code::E501,
        format!("audit entry {} is not what was written: {}", bad.seq, bad.reason.text()),
        "keep the folder as evidence and find out who changed it; restore from a backup",
    )
    .note(format!("expected {}, found {}", bad.expected, bad.found))
    .note(whole)
}

fn signatures(kept: &[TreeHead], first: u64) -> String {
    let (older, met): (Vec<_>, Vec<_>) = kept.iter().map(|head| head.size).partition(|size| *size < first);
    let told = match met.iter().max() {
        None if older.is_empty() => "nothing was signed".to_owned(),
        None => "no signed head is left to compare".to_owned(),
        Some(size) => format!("{} signed heads agree, the last over {size} entries", met.len()),
    };
    if older.is_empty() { told } else { format!("{told}; {} are older than what is kept", older.len()) }
}

fn document(verified: &VerifiedAudit, kept: &[TreeHead]) -> Value {
    let verdict = &verified.verdict;
    let bad = verdict.first_bad.as_ref().map(|bad| {
        json!({ "seq": bad.seq, "expected": bad.expected, "found": bad.found, "reason": bad.reason.text(), "still_provable_until": verdict.still_provable_until })
    });
    json!({ "version": 1, "ok": bad.is_none(), "first": verdict.first, "entries": verdict.entries, "root": hex(&verdict.root), "signed_heads": kept.len(), "older_heads": verdict.older_heads, "first_bad": bad })
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn show(place: &Place, from: Option<u64>, last: u64, kind: Option<&str>, output: Output) -> Result<u8, Failure> {
    let config = place.config();
    must_exist(&config)?;
    let store = run::open(&config)?;
    let size = store.head().map_err(|error| run::store_problem(&error))?.size;
    let first = store.first().map_err(|error| run::store_problem(&error))?;
    let next = from.unwrap_or_else(|| if kind.is_some() { 0 } else { size.saturating_sub(last) });
    let mut next = next.max(first);
    let mut left = last;
    while next < size && left > 0 {
        let page = store.audit(next, 1000).map_err(|error| run::store_problem(&error))?;
        if page.is_empty() {
            break;
        }
        for line in &page {
            next += 1;
            let text = String::from_utf8_lossy(line);
            let entry: Value = serde_json::from_str(&text).unwrap_or_default();
            let wanted = kind.is_none_or(|kind| entry.get("kind").and_then(Value::as_str) == Some(kind));
            if wanted && left > 0 {
                left -= 1;
                super::print_text(&if output == Output::Json { format!("{text}\n") } else { readable(&entry) });
            }
        }
    }
    Ok(0)
}

/// One line for people: number, time, kind, then what the entry says.
fn readable(entry: &Value) -> String {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = entry.get("seq").and_then(Value::as_u64).unwrap_or_default();
    let mut line = format!("{number:>6}  {}  {:<18}", text("ts"), text("kind"));
    for key in ["flow", "batch", "system", "records", "code", "outcome", "counts", "detail"] {
        match entry.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => line.push_str(&format!("  {key} {value}")),
            Some(value) => line.push_str(&format!("  {key} {value}")),
        }
    }
    line.push('\n');
    line
}
