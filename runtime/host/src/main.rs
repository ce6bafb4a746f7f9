//! Parses the command line, runs the verb, prints the problem.
fn main() {}
