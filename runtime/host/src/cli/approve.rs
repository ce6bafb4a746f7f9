//! `hub approve`: signs flows as they are now, in a role, and puts the signatures into the lock. Makes keys. Says not who may have which role.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use data_encoding::HEXLOWER;
use hub_core::change::canonical;
use hub_core::change::closure::{Closure, Closures};
use hub_core::change::lock::{Approval, Lock, SigningKey};
use hub_core::problem::{Code, Problem};
use zeroize::Zeroizing;

use super::plan::{Judged, judge};
use super::{Failure, check, io_problem, lock, unknown_flow};

/// A key file is one short line.
const MAX_KEY_BYTES: u64 = 1024;
/// Differences that are shown of one flow.
const MAX_SHOWN: usize = 12;

#[derive(Args, Debug)]
pub(super) struct Approve {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// The flow that is approved; may be given several times
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    flow: Vec<String>,
    /// Approve every flow that this role has not approved as it is now
    #[arg(long)]
    all: bool,
    /// The role in which you approve, as the manifest writes it: `dpo`, `role:sales`
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The file with your key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Why; it is signed as well, and stands in the history of changes
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Make a key in a new file that only you can read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["flow", "all", "role", "key"])]
    new_key: Option<PathBuf>,
}

impl Approve {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        if let Some(path) = &self.new_key {
            return new_key(path);
        }
        let (Some(role), Some(key)) = (&self.role, &self.key) else {
            let help = "give both: `--role ROLE --key FILE`; make a key with `hub approve --new-key FILE`";
            return Err(Problem::new(Code::E009, "an approval needs a role and a key", help).into());
        };
        let key = read_key(key)?;
        let mut lock = lock::read(&self.manifest)?;
        let judged = judge(&self.manifest, &lock)?;
        // Nobody can agree to what the rules deny.
        if let Some(failure) = judged.objections() {
            return Err(failure);
        }
        let signed = self.sign(&judged, &mut lock, &key, role)?;
        if !signed.is_empty() {
            lock::write(&self.manifest, &lock)?;
        }
        super::print_text(&if signed.is_empty() { format!("`{role}` has approved every flow as it is now\n") } else { signed });
        Ok(0)
    }

    /// Adds the approvals to the lock; answers with what was signed, for people.
    fn sign(&self, judged: &Judged, lock: &mut Lock, key: &SigningKey, role: &str) -> Result<String, Failure> {
        if !judged.manifest.may_approve(role, &key.public()) {
            return Err(not_yours(role, key).into());
        }
        let form = canonical::of(&judged.manifest);
        let closures = Closures::new(&form, &judged.digests);
        let mut told = String::new();
        for id in self.wanted(judged)? {
            let Some(closure) = closures.of(id) else { return Err(unknown_flow(id, &judged.manifest)) };
            if self.all && lock.valid(id, &closure.digest).any(|known| known.role == role && known.key == key.public()) {
                continue;
            }
            let approval = Approval::sign(key, id, &closure.digest, role, judged.today, self.reason.as_deref()).ok_or_else(|| {
                Problem::new(
                    Code::E009,
                    "a role is one line of at most 128 characters, a reason one of at most 500",
                    "name a role as the manifest writes it: `dpo`, `role:sales`",
                )
            })?;
            told.push_str(&changed(lock, id, &closure));
            lock.approve(approval, &closure);
            let given = lock.given(id, &closure.digest);
            told.push_str(&format!("✓ {id} approved by `{role}`   sha256:{}   {given} of 2\n", check::short(&closure.digest)));
        }
        Ok(told)
    }

    fn wanted<'j>(&'j self, judged: &'j Judged) -> Result<Vec<&'j str>, Failure> {
        if !self.all && self.flow.is_empty() {
            let help = "name flows with `--flow ID`, or all with `--all`; `hub plan` shows what changes";
            return Err(Problem::new(Code::E009, "nothing was named to approve", help).into());
        }
        let flows = &judged.manifest.flows;
        if let Some(id) = self.flow.iter().find(|id| !flows.contains_key(*id)) {
            return Err(unknown_flow(id, &judged.manifest));
        }
        Ok(if self.all { flows.keys().map(String::as_str).collect() } else { self.flow.iter().map(String::as_str).collect() })
    }
}

/// A role is somebody's where the manifest says whose.
pub(super) fn not_yours(role: &str, key: &SigningKey) -> Problem {
    let title = format!("this key may not approve as `{role}`: `[approver]` does not name it");
    let help = format!("have it done by whoever has the role, or let the manifest name the key: {}", HEXLOWER.encode(&key.public()));
    Problem::new(Code::E009, title, help)
}

/// What differs from what was approved before: whoever signs should see it.
fn changed(lock: &Lock, id: &str, closure: &Closure) -> String {
    let paths = lock.what_voided(id, closure).unwrap_or_default();
    let mut told: String = paths.iter().take(MAX_SHOWN).map(|path| format!("  {id}: `{path}` differs from what was approved\n")).collect();
    if let Some(more @ 1..) = paths.len().checked_sub(MAX_SHOWN) {
        told.push_str(&format!("  {id}: {more} more differ\n"));
    }
    told
}

pub(super) fn read_key(path: &Path) -> Result<SigningKey, Failure> {
    let failed = |error: std::io::Error| io_problem("read", path, &error);
    let file = fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        let help = format!("take their rights away (`chmod 600 {}`), or make a new key if somebody may have read it", path.display());
        return Err(Problem::new(Code::E009, format!("others can read the key `{}`", path.display()), help).into());
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_KEY_BYTES).read_to_string(&mut text).map_err(failed)?;
    SigningKey::parse(&text).ok_or_else(|| {
        let help = "make one with `hub approve --new-key FILE`";
        Problem::new(Code::E009, format!("`{}` is no key for approvals", path.display()), help).into()
    })
}

fn new_key(path: &Path) -> Result<u8, Failure> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    let made = getrandom::fill(&mut *seed).ok().and_then(|()| SigningKey::from_seed(&seed));
    let Some(key) = made else {
        return Err(Problem::new(Code::E009, "the operating system gives no random numbers", "try again on another machine").into());
    };
    let text = Zeroizing::new(SigningKey::file(&seed));
    super::create_private(path, text.as_bytes())?;
    super::print_text(&format!("created {}: keep it secret\npublic key: {}\n", path.display(), HEXLOWER.encode(&key.public())));
    Ok(0)
}
