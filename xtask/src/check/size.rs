//! Sizes: functions and files stay small, and their 95th percentile smaller. Tests are not counted.

use std::fmt::Write;

use crate::check::Finding;
use crate::check::source::{CRATES, Source};

const FUNCTION_P95: usize = 35;
const FUNCTION_MAXIMUM: usize = 60;
const FILE_P95: usize = 450;
const FILE_MAXIMUM: usize = 700;

/// Files and functions that are too long; percentiles over the whole project that are.
pub fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in code(sources) {
        let lines = source.code_lines();
        if lines > FILE_MAXIMUM {
            found.push(Finding::new(&source.path, 0, format!("{lines} lines, at most {FILE_MAXIMUM}: split it by what it does")));
        }
        for function in source.functions.iter().filter(|function| function.lines > FUNCTION_MAXIMUM) {
            let text = format!("`{}` has {} lines, at most {FUNCTION_MAXIMUM}: split it", function.name, function.lines);
            found.push(Finding::new(&source.path, function.line, text));
        }
    }
    for (package, _) in CRATES {
        let (functions, files) = sizes(code(sources).filter(|source| source.package == *package));
        for (what, sizes, limit) in [("functions", functions, FUNCTION_P95), ("files", files, FILE_P95)] {
            if let Some(value) = percentile95(&sizes).filter(|value| *value > limit) {
                found.push(Finding::new(package, 0, format!("the 95th percentile of its {what} is {value} lines, at most {limit}")));
            }
        }
    }
    found
}

/// One line for each crate: number, 95th percentile and maximum of functions and files.
pub fn table(sources: &[Source]) -> String {
    let mut text = String::from("crate            functions   p95   max   files   p95   max   (lines outside of tests)\n");
    let names = CRATES.iter().map(|(package, _)| *package).chain(["all"]);
    for name in names {
        let (functions, files) = sizes(code(sources).filter(|source| name == "all" || source.package == name));
        if files.is_empty() {
            continue;
        }
        let [function_p95, file_p95] = [&functions, &files].map(|sizes| percentile95(sizes).unwrap_or(0));
        let [function_max, file_max] = [&functions, &files].map(|sizes| sizes.last().copied().unwrap_or(0));
        let counts = (functions.len(), files.len());
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{name:<16} {:>9} {function_p95:>5} {function_max:>5} {:>7} {file_p95:>5} {file_max:>5}", counts.0, counts.1);
    }
    text
}

fn code(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !source.is_test)
}

/// Sorted line counts of functions and files.
fn sizes<'a>(sources: impl Iterator<Item = &'a Source>) -> (Vec<usize>, Vec<usize>) {
    let (mut functions, mut files) = (Vec::new(), Vec::new());
    for source in sources {
        functions.extend(source.functions.iter().map(|function| function.lines));
        files.push(source.code_lines());
    }
    functions.sort_unstable();
    files.sort_unstable();
    (functions, files)
}

/// The least value that 95 of 100 values do not exceed (nearest rank); none of none. Below 20 values it would be the maximum, which has
/// its own limit.
fn percentile95(sorted: &[usize]) -> Option<usize> {
    if sorted.len() < 20 {
        return None;
    }
    sorted.get((sorted.len() * 95).div_ceil(100).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::read("hub", path, path, text.to_owned()).unwrap()
    }

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_of_60_lines_passes_and_of_61_does_not() {
        assert!(findings(&[source("a.rs", &function(60))]).is_empty());
        let found = findings(&[source("a.rs", &format!("\n{}", function(61)))]);
        assert_eq!(found, [Finding::new("a.rs", 2, "`f` has 61 lines, at most 60: split it")]);
    }

    #[test]
    fn a_file_is_measured_without_its_tests() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// long\n".repeat(800));
        assert!(findings(&[source("a.rs", &format!("{}{tests}", "// code\n".repeat(700)))]).is_empty());
        assert_eq!(findings(&[source("a.rs", &format!("{}{tests}", "// code\n".repeat(701)))]).len(), 1);
        assert!(findings(&[source("tests/a.rs", &"// test\n".repeat(900))]).is_empty());
    }

    #[test]
    fn the_percentile_is_the_nearest_rank() {
        let hundred: Vec<usize> = (1..=100).collect();
        assert_eq!(percentile95(&hundred), Some(95));
        assert_eq!(percentile95(&hundred[..20]), Some(19));
        assert_eq!(percentile95(&hundred[..19]), None);
    }

    #[test]
    fn many_long_functions_break_the_percentile() {
        let text = function(36).repeat(2) + &function(3).repeat(18);
        assert_eq!(
            findings(&[source("a.rs", &text)]),
            [Finding::new("hub", 0, "the 95th percentile of its functions is 36 lines, at most 35")]
        );
    }

    #[test]
    fn the_table_tells_every_crate_that_has_files() {
        let table = table(&[source("a.rs", &function(10).repeat(20))]);
        assert_eq!(table.lines().nth(1).unwrap(), "hub                     20    10    10       1     0   200");
        assert!(table.lines().last().unwrap().starts_with("all "));
    }
}
