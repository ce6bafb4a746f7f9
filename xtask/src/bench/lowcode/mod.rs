//! Benches of the low-code language: hub against the language's reference (`airbyte-cdk`, in an environment of its own below the target folder) and
//! against the straight native program, with the same manifests and the same server.

use std::path::PathBuf;
use std::process::Command;

use super::{Bench, Beside, Program, REFERENCE, bench};
use crate::process::{self, Result, progress};
use crate::workspace::Workspace;

/// The version whose recorded behaviour the engine is held against.
const VERSION: &str = "7.39.1";
const PAGED: u64 = 200_000;
/// The reference needs a minute for so many.
const TRANSFORMED: u64 = 100_000;

const PAGES_SERVER: Option<Beside> = Some(Beside { program: REFERENCE, arguments: &["serve-orders", "200000", "1000"] });
const TRANSFORMED_SERVER: Option<Beside> = Some(Beside { program: REFERENCE, arguments: &["serve-orders", "100000", "1000"] });
const SMALL_SERVER: Option<Beside> = Some(Beside { program: REFERENCE, arguments: &["serve-orders", "1000", "1000"] });

const HUB: Option<&str> = Some(include_str!("hub.toml"));
const LABELS: (&str, &str) = ("labels.toml", include_str!("labels.toml"));
const CONFIG: (&str, &str) = ("config.json", r#"{"base_url": "{beside}"}"#);
const FULL: (&str, &str) = ("catalog.json", include_str!("catalog_full.json"));
const INCREMENTAL: (&str, &str) = ("catalog.json", include_str!("catalog.json"));
const PAGES: (&str, &str) = ("manifest.yaml", include_str!("pages.yaml"));
const CHANGES: (&str, &str) = ("manifest.yaml", include_str!("changes.yaml"));
const TRANSFORMS: (&str, &str) = ("manifest.yaml", include_str!("transformed.yaml"));
/// The date of the last of a thousand orders.
const STATE: (&str, &str) = (
    "state.json",
    r#"[{"type": "STREAM", "stream": {"stream_descriptor": {"name": "orders"}, "stream_state": {"updated_at": "2026-01-01T00:16:39Z"}}}]"#,
);

const READ: &[&str] =
    &["read", "--config", "{folder}/config.json", "--catalog", "{folder}/catalog.json", "--manifest-path", "{folder}/manifest.yaml"];
const READ_ON: &[&str] = &[
    "read",
    "--config",
    "{folder}/config.json",
    "--catalog",
    "{folder}/catalog.json",
    "--manifest-path",
    "{folder}/manifest.yaml",
    "--state",
    "{folder}/state.json",
];
const RUN: &[&str] = &["run", "{folder}/manifest.toml", "--data", "{kept}", "--quiet"];
/// The server has another port each time, and another host is another claim. The component is compiled in the run that is not measured.
const WARM: &[&[&str]] = &[&["plugin", "accept", "shop", "{folder}/manifest.toml", "--data", "{kept}"], RUN];

/// The name of a group tells what is compared: the reference, the reference with records in the sandbox, a start that finds nothing new, native code.
pub const BENCHES: &[Bench] = &[
    Bench {
        reference: true,
        beside: PAGES_SERVER,
        files: &[CONFIG, FULL, PAGES],
        ..bench("lowcode", "airbyte-cdk: page increment, records to stdout", Program::Cdk, READ, PAGED)
    },
    Bench {
        beside: PAGES_SERVER,
        manifest: HUB,
        before: WARM,
        files: &[LABELS, PAGES],
        ..bench("lowcode", "hub: the same manifest, gate, file", Program::Hub, RUN, PAGED)
    },
    Bench {
        reference: true,
        beside: TRANSFORMED_SERVER,
        files: &[CONFIG, INCREMENTAL, TRANSFORMS],
        ..bench("lowcode-transformed", "airbyte-cdk: incremental, 2 AddFields, RemoveFields", Program::Cdk, READ, TRANSFORMED)
    },
    Bench {
        beside: TRANSFORMED_SERVER,
        manifest: HUB,
        before: WARM,
        files: &[LABELS, TRANSFORMS],
        ..bench("lowcode-transformed", "hub: the same manifest, gate, file", Program::Hub, RUN, TRANSFORMED)
    },
    Bench {
        reference: true,
        beside: SMALL_SERVER,
        files: &[CONFIG, INCREMENTAL, CHANGES, STATE],
        ..bench("lowcode-unchanged", "airbyte-cdk: start, one page, end", Program::Cdk, READ_ON, 0)
    },
    Bench {
        beside: SMALL_SERVER,
        manifest: Some(include_str!("append.toml")),
        files: &[LABELS, CHANGES],
        before: WARM,
        ..bench("lowcode-unchanged", "hub: the same manifest, gate, file", Program::Hub, RUN, 0)
    },
    Bench {
        reference: true,
        beside: PAGES_SERVER,
        ..bench("lowcode-native", "native: HTTP pages to NDJSON", REFERENCE, &["orders", "{beside}", "{folder}/out.ndjson"], PAGED)
    },
    Bench {
        beside: PAGES_SERVER,
        manifest: HUB,
        before: WARM,
        files: &[LABELS, PAGES],
        ..bench("lowcode-native", "hub: manifest.yaml, gate, file", Program::Hub, RUN, PAGED)
    },
];

/// The program that runs a manifest in the reference.
pub fn program(workspace: &Workspace) -> PathBuf {
    folder(workspace).join("bin/source-declarative-manifest")
}

/// Installs the reference, once.
pub fn install(workspace: &Workspace) -> Result<()> {
    let (folder, installed) = (folder(workspace), program(workspace));
    if installed.is_file() {
        return Ok(());
    }
    progress("Installing", format!("airbyte-cdk {VERSION}"));
    process::output(Command::new("python3").args(["-m", "venv"]).arg(&folder), "making an environment for the reference")?;
    let mut pip = Command::new(folder.join("bin/pip"));
    process::output(pip.args(["install", "--quiet", &format!("airbyte-cdk=={VERSION}")]), "installing the reference").map(drop)
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join(format!("airbyte-cdk-{VERSION}"))
}
