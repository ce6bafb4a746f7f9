//! `hub dev`: builds and plays a connector again whenever one of its files changes, and shows what became different.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;

use super::{Failure, render, replay};
use crate::author::project::Project;

const LOOK_AGAIN: Duration = Duration::from_millis(300);

#[derive(Args, Debug)]
pub(super) struct Dev {
    /// The connector's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Once only, without watching
    #[arg(long)]
    once: bool,
}

type Looks = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Dev {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let runtime = super::runtime()?;
        loop {
            let before = look(&self.folder);
            let code = match runtime.block_on(replay::compare(&self.folder, false)) {
                Ok(compared) => {
                    anstream::eprint!("{}", replay::shown(&compared));
                    u8::from(compared.iter().any(|one| !one.differences.is_empty()))
                }
                Err(problem) if self.once => return Err(problem.into()),
                Err(problem) => {
                    anstream::eprint!("{}", render::draw(&problem.into()));
                    1
                }
            };
            if self.once {
                return Ok(code);
            }
            anstream::eprintln!("waiting for a change (Ctrl-C ends)");
            while look(&self.folder) == before {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }
}

/// How the files of the folder look now; of a folder that is no connector, its own files.
fn look(folder: &Path) -> Looks {
    let files = Project::open(folder).map(|project| project.files()).unwrap_or_default();
    let one = |path: PathBuf| {
        let about = std::fs::metadata(&path).ok()?;
        Some((path, about.len(), about.modified().ok()))
    };
    files.into_iter().filter_map(one).collect()
}
