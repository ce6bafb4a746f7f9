//! `hub state`: how far each flow has come, and forgetting it. Shows no cursor: it may be a name or an address.

use clap::{Args, Subcommand};
use hub_core::audit::{Draft, Kind};
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};

use super::{Failure, Output, Place, audit, commit, print_json, print_text, run, transfer};
use crate::store::format::Progress;
use crate::store::{self, Namespace, Put};

#[derive(Args, Debug)]
pub(super) struct State {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say how far each flow has come, and what the store holds
    Show {
        #[command(flatten)]
        place: Place,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Write how far flows have come into a new file, for another store
    Export {
        /// The file
        file: std::path::PathBuf,
        #[command(flatten)]
        place: Place,
        /// Encrypt it to this age recipient
        #[arg(long, value_name = "AGE1…")]
        to: Option<String>,
    },
    /// Let flows go on from where a file of `export` says
    Import {
        /// The file
        file: std::path::PathBuf,
        #[command(flatten)]
        place: Place,
        /// Also flows of which this store knows something already
        #[arg(long)]
        replace: bool,
    },
    /// Write the store anew without what was deleted from it: history, state and log stay, the space goes back to the disk
    Compact {
        #[command(flatten)]
        place: Place,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Forget how far a flow has come: its next run reads everything again
    Reset {
        /// The flow
        flow: String,
        #[command(flatten)]
        place: Place,
        /// The flow once more: what a destination without keys already has would be there twice
        #[arg(long, value_name = "FLOW")]
        yes: Option<String>,
    },
}

impl State {
    pub(super) fn output(&self) -> Output {
        match &self.verb {
            Verb::Show { output, .. } | Verb::Compact { output, .. } => *output,
            _ => Output::Human,
        }
    }

    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::Show { place, output } => show(place, *output),
            Verb::Export { file, place, to } => transfer::export(file, place, to.as_deref()),
            Verb::Import { file, place, replace } => transfer::import(file, place, *replace),
            Verb::Compact { place, output } => compact(place, *output),
            Verb::Reset { flow, place, yes } => reset(flow, place, yes.as_deref()),
        }
    }
}

fn show(place: &Place, output: Output) -> Result<u8, Failure> {
    let config = place.config();
    audit::must_exist(&config)?;
    let store = run::open(&config)?;
    let failed = |error: store::StoreError| Failure::from(run::store_problem(&error));
    let mut flows = Vec::new();
    store::each(&*store, Namespace::Progress, None, |key, value| {
        flows.push((String::from_utf8_lossy(key).into_owned(), Progress::decode(value)?));
        Ok(())
    })
    .map_err(failed)?;
    let count = |namespace| {
        let mut count = 0_u64;
        store::each(&*store, namespace, None, |_, _| {
            count += 1;
            Ok(())
        })
        .map(|()| count)
    };
    let (runs, held) = (count(Namespace::Runs).map_err(failed)?, count(Namespace::Quarantine).map_err(failed)?);
    let entries = store.head().map_err(failed)?.size;
    let bytes = store::bytes_on_disk(&config.data.join("store"));
    match output {
        Output::Json => {
            let flows: Vec<Value> = flows.iter().map(|(id, progress)| document(id, progress)).collect();
            print_json(
                &json!({ "version": 1, "flows": flows, "runs": runs, "held": held, "audit_entries": entries, "bytes_on_disk": bytes }),
            );
        }
        Output::Human => {
            let mut text: String = flows.iter().map(|(id, progress)| line(id, progress)).collect();
            if flows.is_empty() {
                text.push_str("no flow has come anywhere yet\n");
            }
            text.push_str(&format!("{runs} runs, {held} held records, {entries} audit entries, {} KiB on disk\n", bytes / 1024));
            print_text(&text);
        }
    }
    Ok(0)
}

fn document(id: &str, progress: &Progress) -> Value {
    json!({
        "flow": id, "run": progress.run, "cursor_bytes": progress.cursor.as_ref().map(Vec::len), "files": progress.positions,
        "open_run": progress.open_run, "paused": progress.paused,
    })
}

fn line(id: &str, progress: &Progress) -> String {
    let cursor = match &progress.cursor {
        None => "reads from the beginning".to_owned(),
        Some(cursor) => format!("goes on from a checkpoint ({} bytes)", cursor.len()),
    };
    let open = progress.open_run.as_ref().map_or_else(String::new, |run| format!("; run {run} did not end, the next one recovers"));
    let paused = if progress.paused.is_some() { format!("; paused: hub resume {id}") } else { String::new() };
    let files: String = progress.positions.iter().map(|(path, length)| format!("\n    {path} is good up to byte {length}")).collect();
    format!("{id}  {cursor}{open}{paused}{files}\n")
}

fn compact(place: &Place, output: Output) -> Result<u8, Failure> {
    let config = place.config();
    audit::must_exist(&config)?;
    let done = store::compact(&config.data.join("store")).map_err(|error| run::store_problem(&error))?;
    match output {
        Output::Json => {
            print_json(&json!({ "version": 1, "bytes_before": done.before, "bytes_after": done.after, "audit_entries": done.entries }))
        }
        Output::Human => print_text(&format!(
            "✓ {} KiB on disk, {} KiB before; {} audit entries and all state proven whole\n",
            done.after / 1024,
            done.before / 1024,
            done.entries
        )),
    }
    Ok(0)
}

fn reset(flow: &str, place: &Place, yes: Option<&str>) -> Result<u8, Failure> {
    if yes != Some(flow) {
        let help = format!("if that is what you want: hub state reset {flow} --yes {flow}");
        return Err(Problem::new(Code::E009, format!("the next run of `{flow}` would read everything again"), help).into());
    }
    let config = place.config();
    audit::must_exist(&config)?;
    let store = run::open(&config)?;
    let known = store.get(Namespace::Progress, flow.as_bytes()).map_err(|error| run::store_problem(&error))?;
    if known.is_none() {
        return Err(Problem::new(Code::E009, format!("nothing is stored of a flow `{flow}`"), "see `hub state show`").into());
    }
    let put = Put { namespace: Namespace::Progress, key: flow.as_bytes().to_vec(), value: None };
    commit(&*store, vec![put], vec![Draft::new(Kind::StateReset).flow(flow)])?;
    print_text(&format!("✓ `{flow}` begins anew with its next run\n"));
    Ok(0)
}
