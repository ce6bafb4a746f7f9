//! Parses the command line, runs the verb, answers with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    hub::cli::main()
}
