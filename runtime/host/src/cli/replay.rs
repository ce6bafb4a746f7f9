//! `hub test`: plays the recordings of a connector's folder and compares what it makes of them; records the real system; serves a recording.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};
use url::Url;

use super::{Failure, Output, print_json, print_text};
use crate::author::bench::{Bench, Declared};
use crate::author::build;
use crate::author::player::Player;
use crate::author::project::{Project, RECORDINGS};
use crate::author::record::{self, Making};
use crate::author::recording::{self, Expected, Recording};
use crate::config::{self, Config};
use crate::plugin::package::Compiler;

/// Lines of a difference that are shown.
const MAX_SHOWN: usize = 20;

#[derive(Args, Debug)]
pub(super) struct Test {
    /// The connector's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Play the recordings: what happens anyway
    #[arg(long, conflicts_with_all = ["record", "serve"])]
    replay: bool,
    /// Record the real system at this address, with the secrets of test.toml; refused where CI is set
    #[arg(long, value_name = "URL")]
    record: Option<Url>,
    /// With `--record`: what becomes of personal values
    #[arg(long, value_enum, requires = "record", num_args = 0..=1, default_value = "personal", default_missing_value = "personal")]
    scrub: Scrub,
    /// With `--record`: about so many records of each stream
    #[arg(long, value_name = "N", requires = "record", default_value_t = 100)]
    limit: u64,
    /// With `--record`: name of the recording
    #[arg(long, value_name = "NAME", requires = "record", default_value = "recorded")]
    name: String,
    /// Take what the connector makes of the recordings now as what is expected
    #[arg(long, conflicts_with_all = ["record", "serve"])]
    accept: bool,
    /// Answer as recorded at this address of this machine, until stopped
    #[arg(long, value_name = "ADDRESS", conflicts_with = "record")]
    serve: Option<SocketAddr>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// What becomes of personal values in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scrub {
    /// Invented ones stand for them, the same everywhere.
    Personal,
    /// They stay: only for systems whose data is invented.
    None,
}

impl Test {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        if let Some(url) = &self.record {
            return self.make(url);
        }
        if let Some(address) = self.serve {
            return serve(&self.folder, address);
        }
        let compared = super::runtime()?.block_on(compare(&self.folder, self.accept))?;
        match self.output {
            Output::Json => print_json(&json!({
                "version": 1, "passed": compared.iter().filter(|one| one.differences.is_empty()).count(),
                "failed": compared.iter().filter(|one| !one.differences.is_empty()).count(), "streams": compared.iter().map(Compared::json).collect::<Vec<_>>(),
            })),
            Output::Human => print_text(&shown(&compared)),
        }
        Ok(u8::from(compared.iter().any(|one| !one.differences.is_empty())))
    }

    fn make(&self, url: &Url) -> Result<u8, Failure> {
        record::permitted()?;
        let path = self.folder.join(RECORDINGS).join(format!("{}.json", file_name(&self.name)?));
        if path.exists() {
            let help = "choose another name with `--name`, or move it away";
            return Err(Problem::new(Code::E009, format!("`{}` is there already", path.display()), help).into());
        }
        let scrub = self.scrub == Scrub::Personal;
        let made = super::runtime()?.block_on(async {
            let bench = bench(&self.folder, Declared { real_secrets: true, at: Some(url) })?;
            let streams: Vec<&str> = bench.streams().collect();
            let mut made = record::record(&bench, &streams, Making { at: url, scrub, limit: self.limit }).await?;
            // What is expected is what becomes of the recording, not of the real answers.
            let played = self::bench(&self.folder, Declared::default())?;
            let player = player(&made, &played).await?;
            made.streams = record::play(&played, &player, &made, &streams).await?;
            Ok::<_, Problem>(made)
        })?;
        made.write(&path)?;
        let records: usize = made.streams.values().map(|expected| expected.records.len()).sum();
        let what = if scrub { "invented values stand for personal ones" } else { "PERSONAL VALUES ARE IN IT" };
        print_text(&format!(
            "✓ {}   {} answers, {records} records; {what}\nlook at it before it goes under version control\n",
            path.display(),
            made.interactions.len()
        ));
        Ok(0)
    }
}

fn file_name(name: &str) -> Result<&str, Problem> {
    let fits = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fits { Ok(name) } else { Err(Problem::new(Code::E009, "a recording's name is letters, digits, `-` and `_`", "`--name customers`")) }
}

/// Builds what lies in a folder and declares it.
pub(super) fn bench(folder: &Path, declared: Declared<'_>) -> Result<Bench, Problem> {
    let project = Project::open(folder)?;
    let config = Config::new(None, None);
    let built = build::current(&project, &config)?;
    Bench::open(built.package, folder, declared, &config::cache(), Compiler::Child(config.program))
}

pub(super) async fn player(recording: &Recording, bench: &Bench) -> Result<Player, Problem> {
    Player::start(recording.clone(), bench.secrets.clone(), SocketAddr::from(([127, 0, 0, 1], 0)), false).await
}

/// How one stream of one recording compares.
pub(super) struct Compared {
    pub recording: String,
    pub stream: String,
    pub records: usize,
    pub again: Option<usize>,
    /// Empty: it is what is expected.
    pub differences: Vec<String>,
}

impl Compared {
    fn json(&self) -> Value {
        let Self { recording, stream, records, again, differences } = self;
        json!({ "recording": recording, "stream": stream, "records": records, "again": again, "differences": differences })
    }
}

/// Plays everything. `accept`: what comes is what is expected from now on.
pub(super) async fn compare(folder: &Path, accept: bool) -> Result<Vec<Compared>, Problem> {
    let recordings = recording::all(folder)?;
    if recordings.is_empty() {
        let help = "record the real system: `hub test --record URL`; a connector without a network is tried by `hub conform`";
        return Err(Problem::new(Code::E007, format!("`{}` has no recordings", folder.display()), help));
    }
    let bench = bench(folder, Declared::default())?;
    let mut found = Vec::new();
    for (name, path, mut recorded) in recordings {
        let player = player(&recorded, &bench).await?;
        let streams: Vec<&str> = recorded.streams.keys().map(String::as_str).collect();
        let played = record::play(&bench, &player, &recorded, &streams).await?;
        if accept {
            recorded.streams = played.clone();
            recorded.write(&path)?;
        }
        let unrecorded = player
            .heard()
            .into_iter()
            .filter(|heard| !heard.exact)
            .map(|heard| format!("! asked for what is not recorded: {}", place(&heard.asked)));
        let mut unrecorded: Vec<String> = unrecorded.collect();
        for (stream, now) in played {
            let expected = recorded.streams.get(&stream).cloned().unwrap_or_default();
            let mut differences = differences(&expected, &now);
            differences.append(&mut unrecorded);
            let again = now.again.as_ref().map(Vec::len);
            found.push(Compared { recording: name.clone(), stream, records: now.records.len(), again, differences });
        }
    }
    Ok(found)
}

/// Method and path; a query may hold values.
fn place(asked: &recording::Asked) -> String {
    format!("{} {}", asked.method, asked.url.split('?').next().unwrap_or_default())
}

/// Record by record. Recordings hold invented values, so they are shown.
fn differences(expected: &Expected, now: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    lines(&expected.records, &now.records, "", &mut found);
    match (&expected.again, &now.again) {
        (Some(expected), Some(now)) => lines(expected, now, "going on: ", &mut found),
        (None, None) => {}
        (Some(_), None) => found.push("- going on: it told no state".to_owned()),
        (None, Some(_)) => found.push("+ going on: it told a state".to_owned()),
    }
    if expected.state != now.state {
        let text = |state: &Option<Value>| state.as_ref().map_or_else(|| "none".to_owned(), Value::to_string);
        found.push(format!("- state {}", text(&expected.state)));
        found.push(format!("+ state {}", text(&now.state)));
    }
    found
}

fn lines(expected: &[Value], now: &[Value], about: &str, found: &mut Vec<String>) {
    for at in 0..expected.len().max(now.len()) {
        let (old, new) = (expected.get(at), now.get(at));
        if old == new {
            continue;
        }
        found.extend(old.map(|old| format!("- {about}{old}")));
        found.extend(new.map(|new| format!("+ {about}{new}")));
    }
}

pub(super) fn shown(compared: &[Compared]) -> String {
    let mut text = String::new();
    for one in compared {
        let mark = if one.differences.is_empty() { "✓" } else { "✗" };
        let again = one.again.map_or_else(String::new, |again| format!(", then {again}"));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{mark} {}: {}  {} records{again}", one.recording, one.stream, one.records);
        for line in one.differences.iter().take(MAX_SHOWN) {
            let _ = writeln!(text, "    {line}");
        }
        if let Some(more) = one.differences.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "    and {more} more lines");
        }
    }
    let failed = compared.iter().filter(|one| !one.differences.is_empty()).count();
    let _ = writeln!(text, "{} passed, {failed} failed", compared.len() - failed);
    if failed > 0 {
        let _ = writeln!(text, "if that is wanted: hub test --accept");
    }
    text
}

fn serve(folder: &Path, address: SocketAddr) -> Result<u8, Failure> {
    if !address.ip().is_loopback() {
        return Err(
            Problem::new(Code::E009, format!("`{address}` is not an address of this machine alone"), "`--serve 127.0.0.1:8950`").into()
        );
    }
    let mut whole = Recording::default();
    for (_, _, one) in recording::all(folder)? {
        whole.interactions.extend(one.interactions);
    }
    if whole.interactions.is_empty() {
        return Err(Problem::new(
            Code::E007,
            format!("`{}` has no recordings", folder.display()),
            "record the real system: `hub test --record URL`",
        )
        .into());
    }
    super::runtime()?.block_on(async {
        let player = Player::start(whole, Vec::new(), address, true).await?;
        anstream::eprintln!("answers as recorded at http://{} until stopped (Ctrl-C)", player.address);
        let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(|error| Problem::new(Code::E302, format!("cannot listen for signals: {error}"), "raise the limit of open files"))?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = ended.recv() => {}
        }
        Ok::<_, Failure>(0)
    })
}
