//! The verb `bench`: programs side by side, in the same run, as ratios to a reference. A bench is one row of [`BENCHES`].
//!
//! Measures CPU time first: other work on the machine disturbs it least. Absolute numbers of two runs are not compared.

mod lowcode;
mod measure;
mod report;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::build;
use crate::process::{Failure, Result, progress};
use crate::workspace::{self, Workspace};
use measure::Sample;

/// One program that is measured.
pub struct Bench {
    /// Benches of a group are compared with each other.
    pub group: &'static str,
    /// Its row in the table.
    pub name: &'static str,
    /// The others of the group are told as ratios to this one. One for each group.
    pub reference: bool,
    /// What is started.
    pub program: Program,
    /// `{records}`, `{folder}` (fresh and empty for each run), `{root}` and `{beside}` are filled in.
    pub arguments: &'static [&'static str],
    /// Records that it handles; 0 if it handles none.
    pub records: u64,
    /// A server that runs beside it and is not measured.
    pub beside: Option<Beside>,
    /// A manifest that is written to `{folder}/manifest.toml`, with a file `key` beside it.
    pub manifest: Option<&'static str>,
    /// Names and contents of further files in `{folder}`.
    pub files: &'static [(&'static str, &'static str)],
    /// The program is run with each of these first, unmeasured.
    pub before: &'static [&'static [&'static str]],
}

/// Where a program is found.
#[derive(Clone, Copy)]
pub enum Program {
    /// hub itself.
    Hub,
    /// A binary of package `.0` of the host workspace with name `.1`, built in release before.
    Built(&'static str, &'static str),
    /// A program of the system.
    System(&'static str),
    /// The reference of the low-code language, from PyPI.
    Cdk,
}

/// A program whose first line of output tells where it listens: the value of `{beside}`.
#[derive(Clone, Copy)]
pub struct Beside {
    /// What is started.
    pub program: Program,
    /// As of a bench.
    pub arguments: &'static [&'static str],
}

/// Records of one run; enough that starting costs nothing.
const RECORDS: u64 = 1_000_000;
const PAGED: u64 = 300_000;
const REFERENCE: Program = Program::Built("hub-tests", "reference");
const SERVER: Option<Beside> = Some(Beside { program: REFERENCE, arguments: &["serve", "300000", "1000"] });
const RECORDS_MANIFEST: Option<&str> = Some(include_str!("records.toml"));
const PAGES_MANIFEST: Option<&str> = Some(include_str!("pages.toml"));
/// `{kept}` outlives the rounds: compiled components are made in the first one only.
const PLAIN: &[&str] = &["run", "{folder}/manifest.toml", "--data", "{kept}", "--quiet", "--flow", "plain"];

const fn bench(group: &'static str, name: &'static str, program: Program, arguments: &'static [&'static str], records: u64) -> Bench {
    Bench { group, name, reference: false, program, arguments, records, beside: None, manifest: None, files: &[], before: &[] }
}

/// All benches but those of the low-code language.
const BENCHES: &[Bench] = &[
    Bench { reference: true, ..bench("start", "a program that does nothing", Program::System("true"), &[], 0) },
    bench("start", "hub --version", Program::Hub, &["--version"], 0),
    Bench { reference: true, ..bench("records", "native: make records, parse each", REFERENCE, &["parse", "{records}"], RECORDS) },
    bench("records", "native: make records only", REFERENCE, &["records", "{records}"], RECORDS),
    Bench {
        manifest: RECORDS_MANIFEST,
        ..bench(
            "records",
            "hub: sample, gate, discard",
            Program::Hub,
            &["run", "{folder}/manifest.toml", "--data", "{kept}", "--quiet", "--dry-run", "--flow", "plain"],
            RECORDS,
        )
    },
    Bench {
        manifest: RECORDS_MANIFEST,
        ..bench(
            "records",
            "hub: the same with mask and HMAC",
            Program::Hub,
            &["run", "{folder}/manifest.toml", "--data", "{kept}", "--quiet", "--dry-run", "--flow", "treated"],
            RECORDS,
        )
    },
    Bench { manifest: RECORDS_MANIFEST, ..bench("records", "hub: sample, gate, file", Program::Hub, PLAIN, RECORDS) },
    Bench { manifest: RECORDS_MANIFEST, ..bench("memory", "hub: 1,000,000 records", Program::Hub, PLAIN, RECORDS) },
    Bench { reference: true, manifest: RECORDS_MANIFEST, ..bench("memory", "hub: 100,000 records", Program::Hub, PLAIN, RECORDS / 10) },
    Bench {
        reference: true,
        beside: SERVER,
        ..bench("pages", "native: HTTP pages to NDJSON", REFERENCE, &["pages", "{beside}", "{folder}/out.ndjson"], PAGED)
    },
    Bench {
        beside: SERVER,
        manifest: PAGES_MANIFEST,
        ..bench(
            "pages",
            "hub: HTTP pages, gate, NDJSON",
            Program::Hub,
            &["run", "{folder}/manifest.toml", "--data", "{kept}", "--quiet"],
            PAGED,
        )
    },
];

impl Bench {
    /// Groups are named as a whole, or by the word before the hyphen.
    fn is_in(&self, group: &str) -> bool {
        self.group == group || self.group.split('-').next() == Some(group)
    }
}

/// What the caller wants measured.
#[derive(clap::Args)]
pub struct Options {
    /// Only these groups
    groups: Vec<String>,
    /// So many rounds; each starts every program once, the best of each counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Where the numbers are written [default: bench.json in the target folder]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures and prints.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let chosen = chosen(&all(), &options.groups)?;
    build::build(workspace, true, true)?;
    build_tools(workspace, &chosen)?;
    let samples = rounds(workspace, &chosen, options.rounds)?;
    print!("{}", report::table(&chosen, &samples));
    let file = options.json.clone().unwrap_or_else(|| workspace.target.join("bench.json"));
    workspace::write(&file, report::json(&chosen, &samples).as_bytes())?;
    progress("Written", file.display());
    Ok(())
}

fn all() -> Vec<&'static Bench> {
    BENCHES.iter().chain(lowcode::BENCHES).collect()
}

fn chosen<'a>(benches: &[&'a Bench], groups: &[String]) -> Result<Vec<&'a Bench>> {
    if let Some(unknown) = groups.iter().find(|group| !benches.iter().any(|bench| bench.is_in(group))) {
        let mut known: Vec<&str> = benches.iter().map(|bench| bench.group).collect();
        known.dedup();
        return Err(Failure::new(format!("there is no group of benches `{unknown}`")).help(format!("the groups are {}", known.join(", "))));
    }
    Ok(benches.iter().copied().filter(|bench| groups.is_empty() || groups.iter().any(|group| bench.is_in(group))).collect())
}

fn build_tools(workspace: &Workspace, benches: &[&Bench]) -> Result<()> {
    if benches.iter().any(|bench| matches!(bench.program, Program::Cdk)) {
        lowcode::install(workspace)?;
    }
    let programs = benches.iter().flat_map(|bench| [Some(bench.program), bench.beside.map(|beside| beside.program)]).flatten();
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--quiet"]);
    let mut some = false;
    for program in programs {
        if let Program::Built(package, name) = program {
            cargo.args(["--package", package, "--bin", name]);
            some = true;
        }
    }
    if some { crate::process::run(&mut cargo, "building the programs to compare with") } else { Ok(()) }
}

/// Interleaved, so that a disturbance of the machine meets all alike. One list of samples for each bench.
fn rounds(workspace: &Workspace, benches: &[&Bench], rounds: u32) -> Result<Vec<Vec<Sample>>> {
    let mut samples: Vec<Vec<Sample>> = benches.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        progress("Measuring", format!("round {round} of {rounds}"));
        for (bench, samples) in benches.iter().zip(&mut samples) {
            samples.push(once(workspace, bench)?);
        }
    }
    Ok(samples)
}

fn once(workspace: &Workspace, bench: &Bench) -> Result<Sample> {
    let folder = workspace.target.join("bench");
    let cannot = |error| Failure::new(format!("{} cannot be emptied: {error}", folder.display()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(cannot)?;
    }
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    let mut values = vec![
        ("{records}", bench.records.to_string()),
        ("{folder}", folder.to_string_lossy().into_owned()),
        ("{root}", workspace.root.to_string_lossy().into_owned()),
    ];
    values.push(("{kept}", workspace.target.join("bench-kept").to_string_lossy().into_owned()));
    let mut server = None;
    if let Some(beside) = &bench.beside {
        let (child, told) = start_beside(&mut command(workspace, beside.program, beside.arguments, &values))?;
        server = Some(child);
        values.push(("{beside}", told));
    }
    if let Some(template) = bench.manifest {
        let text = values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value));
        workspace::write(&folder.join("manifest.toml"), text.as_bytes())?;
        workspace::write(&folder.join("key"), b"a key of the bench, not a secret")?;
    }
    for (name, template) in bench.files {
        let text = values.iter().fold((*template).to_owned(), |text, (name, value)| text.replace(name, value));
        workspace::write(&folder.join(name), text.as_bytes())?;
    }
    let errors = folder.with_extension("stderr");
    let unmeasured = |before: &&[&str]| measure::measure(&mut command(workspace, bench.program, before, &values), &errors).map(drop);
    let first = bench.before.iter().try_for_each(unmeasured);
    let sample = first.and_then(|()| measure::measure(&mut command(workspace, bench.program, bench.arguments, &values), &errors));
    if let Some(mut child) = server {
        child.kill().and_then(|()| child.wait()).map_err(|error| Failure::new(format!("the server beside cannot be ended: {error}")))?;
    }
    sample.map_err(|failure| failure.within(&format!("bench {} / {}", bench.group, bench.name)))
}

fn command(workspace: &Workspace, program: Program, arguments: &[&str], values: &[(&str, String)]) -> Command {
    let release = workspace.target.join("release");
    let path = match program {
        Program::Hub => workspace.hub(),
        Program::Built(_, name) => release.join(name),
        Program::System(name) => Path::new(name).to_path_buf(),
        Program::Cdk => lowcode::program(workspace),
    };
    let fill = |argument: &&str| values.iter().fold((*argument).to_owned(), |text, (name, value)| text.replace(name, value));
    let mut command = Command::new(path);
    command.args(arguments.iter().map(fill)).current_dir(&workspace.root).env_remove("LD_LIBRARY_PATH");
    command
}

/// Starts a server and waits for its first line.
fn start_beside(command: &mut Command) -> Result<(Child, String)> {
    use std::io::{BufRead, BufReader};
    let failed = |error| Failure::new(format!("the server beside cannot be started: {error}"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(failed)?;
    }
    if line.trim().is_empty() {
        child.kill().and_then(|()| child.wait()).map_err(failed)?;
        return Err(Failure::new("the server beside ended without telling where it listens"));
    }
    Ok((child, line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn scene() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_owned(), target: folder.path().join("target") };
        (folder, workspace)
    }

    fn shell(arguments: &'static [&'static str], beside: Option<Beside>) -> Bench {
        Bench { reference: true, beside, ..bench("g", "n", Program::System("sh"), arguments, 7) }
    }

    #[test]
    fn every_group_has_one_reference() {
        for bench in all() {
            let references = all().into_iter().filter(|other| other.group == bench.group && other.reference).count();
            assert_eq!(references, 1, "group {}", bench.group);
        }
    }

    #[test]
    fn placeholders_are_filled_and_the_folder_is_fresh() {
        let (_folder, workspace) = scene();
        let bench = shell(&["-c", "test ! -e {folder}/mark && echo {records} > {folder}/mark && test $(cat {folder}/mark) = 7"], None);
        once(&workspace, &bench).unwrap();
        once(&workspace, &bench).unwrap();
    }

    #[test]
    fn the_server_beside_tells_where_it_listens_and_is_ended() {
        let (_folder, workspace) = scene();
        let beside = Beside { program: Program::System("sh"), arguments: &["-c", "echo $$; exec sleep 600"] };
        let bench = shell(&["-c", "kill -0 {beside} && echo {beside} > {root}/pid"], Some(beside));
        once(&workspace, &bench).unwrap();
        let number = workspace::read(&workspace.root.join("pid")).unwrap();
        assert!(!Path::new("/proc").join(number.trim()).exists());
        let silent = Beside { program: Program::System("true"), arguments: &[] };
        assert!(
            once(&workspace, &shell(&["-c", "true"], Some(silent))).unwrap_err().to_string().contains("without telling where it listens")
        );
    }

    #[test]
    fn a_bench_that_fails_says_what_it_said() {
        let (_folder, workspace) = scene();
        let failure = once(&workspace, &shell(&["-c", "echo broken >&2; exit 2"], None)).unwrap_err().to_string();
        assert!(failure.contains("bench g / n") && failure.contains("broken"), "{failure}");
    }

    #[test]
    fn an_unknown_group_is_told() {
        assert!(chosen(&all(), &["nonsense".to_owned()]).err().unwrap().to_string().contains("the groups are start"));
    }
}
