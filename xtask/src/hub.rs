//! The verb `hub`: the program, built if stale, in place of this process. The caller's folder, input and exit code are the program's.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::build;
use crate::process::{Failure, Result};
use crate::workspace::Workspace;

/// Becomes the program; comes back only if that is not possible.
pub fn run(workspace: &Workspace, arguments: Vec<OsString>) -> Result<ExitCode> {
    build::build(workspace, true, true)?;
    let mut command = Command::new(workspace.hub());
    command.args(arguments).env_remove("LD_LIBRARY_PATH");
    let error = command.exec();
    Err(Failure::new(format!("{} cannot be started: {error}", workspace.hub().display())))
}
