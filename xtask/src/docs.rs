//! The verb `docs`: `docs/reference` is written from the program itself. `check` fails when a page is not what its generator says.
//!
//! Explains nothing itself: the words come from the problem codes, the manifest's schema, the connectors and the command line.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

use hub_core::problem::{Class, Code};

use crate::build;
use crate::check::Finding;
use crate::process::{self, Result, progress};
use crate::workspace::{self, Workspace};

const FOLDER: &str = "docs/reference";

const MARK: &str = "<!-- Written by `cargo xtask docs`. Edits are lost. -->\n";

/// A page and who writes it.
struct Page {
    name: &'static str,
    text: fn(&Workspace) -> Result<String>,
}

const PAGES: &[Page] = &[Page { name: "problems.md", text: problems }, Page { name: "cli.md", text: command_line }];

/// Writes every page; removes pages that nobody writes any more.
pub fn write(workspace: &Workspace) -> Result<()> {
    build::build(workspace, true, true)?;
    let folder = workspace.root.join(FOLDER);
    for page in PAGES {
        workspace::write(&folder.join(page.name), whole(page, workspace)?.as_bytes())?;
    }
    for path in unknown(workspace) {
        std::fs::remove_file(&path).map_err(|error| process::Failure::new(format!("{} cannot be removed: {error}", path.display())))?;
    }
    progress("Written", format!("{FOLDER} ({} pages)", PAGES.len()));
    Ok(())
}

/// Pages that are missing, too many or not what their generator says.
pub fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    build::build(workspace, true, true)?;
    let mut found = Vec::new();
    for page in PAGES {
        let shown = format!("{FOLDER}/{}", page.name);
        let present = std::fs::read_to_string(workspace.root.join(&shown)).unwrap_or_default();
        let wanted = whole(page, workspace)?;
        if let Some(line) = first_difference(&present, &wanted) {
            found.push(Finding::new(&shown, line, "the page is not what the program says: run `cargo xtask docs`"));
        }
    }
    found.extend(
        unknown(workspace).iter().map(|path| Finding::new(&workspace.shown(path), 0, "nobody writes this page: run `cargo xtask docs`")),
    );
    Ok(found)
}

fn whole(page: &Page, workspace: &Workspace) -> Result<String> {
    Ok(format!("{MARK}{}\n", (page.text)(workspace)?.trim_end()))
}

fn unknown(workspace: &Workspace) -> Vec<std::path::PathBuf> {
    let known: BTreeSet<&str> = PAGES.iter().map(|page| page.name).collect();
    let is_known = |path: &std::path::PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| known.contains(name));
    workspace::files(&workspace.root.join(FOLDER)).into_iter().filter(|path| !is_known(path)).collect()
}

/// The first line, counted from 1, in which two texts differ.
fn first_difference(present: &str, wanted: &str) -> Option<usize> {
    if present == wanted {
        return None;
    }
    let same = present.lines().zip(wanted.lines()).take_while(|(left, right)| left == right).count();
    Some(same + 1)
}

fn problems(_workspace: &Workspace) -> Result<String> {
    let mut text = String::from("# Problem codes\n\nEvery message of hub carries one. `hub explain CODE` shows the same page.\n\n");
    text.push_str("| code | name | exit code |\n| --- | --- | --- |\n");
    // Writing to a String cannot fail.
    for code in Code::ALL {
        let class = match code.class() {
            Class::Runtime => "failed while running",
            Class::Usage => "called or written wrongly",
            Class::Policy => "denied",
            Class::Integrity => "integrity",
        };
        let _ = writeln!(text, "| [{code}](#{}) | {} | {} ({class}) |", code.id().to_lowercase(), code.name(), code.class().exit_code());
    }
    for code in Code::ALL {
        let body = code.page().split_once('\n').map_or("", |(_, rest)| rest.trim());
        let _ = write!(text, "\n## {code}\n\n`{}`\n\n{}\n", code.name(), deeper(body));
    }
    Ok(text)
}

/// Headings of a page become sub-headings of its section.
fn deeper(page: &str) -> String {
    let mut in_code = false;
    let lines = page.lines().map(|line| {
        in_code ^= line.starts_with("```");
        if line.starts_with('#') && !in_code { format!("#{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn command_line(workspace: &Workspace) -> Result<String> {
    let mut text = String::from("# Command line\n\nWhat `hub --help` and `hub VERB --help` say.\n");
    let overview = help(workspace, &[])?;
    let mut open: Vec<Vec<String>> = verbs(&overview).into_iter().rev().map(|verb| vec![verb]).collect();
    let _ = write!(text, "\n## hub\n\n```text\n{}\n```\n", overview.trim_end());
    while let Some(words) = open.pop() {
        let page = help(workspace, &words)?;
        let _ = write!(text, "\n## hub {}\n\n```text\n{}\n```\n", words.join(" "), page.trim_end());
        open.extend(verbs(&page).into_iter().rev().map(|verb| [words.clone(), vec![verb]].concat()));
    }
    Ok(text)
}

fn help(workspace: &Workspace, words: &[String]) -> Result<String> {
    let mut command = Command::new(workspace.hub());
    command.args(words).arg("--help").env("NO_COLOR", "1").env_remove("COLUMNS");
    process::output(&mut command, "asking the program for its help")
}

/// The verbs that a help text lists under `Commands:`.
fn verbs(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.trim().is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_read_from_a_help_text() {
        let help = "About\n\nUsage: hub <COMMAND>\n\nCommands:\n  run    Runs\n         more\n  audit  Looks\n  help   Print this\n\nOptions:\n  -h\n";
        assert_eq!(verbs(help), ["run", "audit"]);
        assert!(verbs("Usage: hub run\n").is_empty());
    }

    #[test]
    fn the_first_difference_is_a_line() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nx\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
    }

    #[test]
    fn headings_go_one_deeper_except_in_code() {
        assert_eq!(deeper("## Why\n```toml\n# comment\n```\n## Next"), "### Why\n```toml\n# comment\n```\n### Next");
    }

    #[test]
    fn the_page_of_codes_has_a_section_for_each() {
        let workspace = Workspace { root: "unused".into(), target: "unused".into() };
        let text = problems(&workspace).unwrap_or_default();
        assert!(Code::ALL.iter().all(|code| text.contains(&format!("\n## {code}\n"))));
    }
}
