//! `hub key`: which keys encrypt what is stored, and new ones. Shows no key.

use std::sync::Arc;

use clap::{Args, Subcommand};
use hub_core::audit::{Draft, Kind};
use serde_json::json;

use super::{Failure, Output, Place, audit, commit, print_json, print_text, run, runtime};
use crate::sealed::{self, SealedStore};
use crate::{keys, quarantine, store};

#[derive(Args, Debug)]
pub(super) struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say which keys there are, and whether a master key wraps them
    Status {
        #[command(flatten)]
        place: Place,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Encrypt the state of all flows under a new key, erase the old one, and wrap every key with the present master key
    Rotate {
        #[command(flatten)]
        place: Place,
    },
}

impl Key {
    pub(super) fn output(&self) -> Output {
        match &self.verb {
            Verb::Status { output, .. } => *output,
            Verb::Rotate { .. } => Output::Human,
        }
    }

    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::Status { place, output } => status(place, *output),
            Verb::Rotate { place } => rotate(place),
        }
    }
}

fn status(place: &Place, output: Output) -> Result<u8, Failure> {
    let config = place.config();
    audit::must_exist(&config)?;
    let state: Vec<String> = sealed::keys_of(&config.data).names().into_iter().collect();
    let held = quarantine::keys_of(&config.data).names().len();
    let wrapped = keys::has_master();
    match output {
        Output::Json => {
            print_json(&json!({ "version": 1, "master_key": wrapped, "state": state, "quarantine": held }));
        }
        Output::Human => {
            let master = if wrapped {
                "a master key wraps every key that is made or rotated from now on".to_owned()
            } else {
                format!("none: whoever can read the data folder can read the keys; set {} or {}", keys::MASTER_KEY_FILE, keys::MASTER_KEY)
            };
            let state = if state.is_empty() { "none yet".to_owned() } else { state.join(", ") };
            print_text(&format!("master key  {master}\nstate       {state}\nquarantine  {held} keys\n"));
        }
    }
    Ok(0)
}

fn rotate(place: &Place) -> Result<u8, Failure> {
    let config = place.config();
    audit::must_exist(&config)?;
    let failed = |error: store::StoreError| Failure::from(run::store_problem(&error));
    let inner = run::open_plain(&config).map_err(failed)?;
    let sealed = SealedStore::open(Arc::clone(&inner), &config.data)?;
    let count = runtime()?.block_on(sealed.rotate()).map_err(failed)?;
    let wrapped = sealed::keys_of(&config.data).wrap_again()? + quarantine::keys_of(&config.data).wrap_again()?;
    commit(&*inner, Vec::new(), vec![Draft::new(Kind::KeyWrapped).records(wrapped as u64)])?;
    print_text(&format!(
        "✓ {count} values of the state are encrypted under a new key, the old one is erased; {wrapped} keys written anew\n"
    ));
    Ok(0)
}
