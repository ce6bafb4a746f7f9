//! The verb `docs`: `docs/reference` is written from the program itself. `check` fails when a page is not what its generator says.
//!
//! Explains nothing itself: the words come from the problem codes, the manifest's schema, the connectors and the command line.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

use hub_core::description::StreamClaim;

use crate::build;
use crate::check::Finding;
use crate::process::{self, Result, progress};
use crate::workspace::{self, Workspace};

const FOLDER: &str = "docs/reference";

/// A page and who writes it.
struct Page {
    name: &'static str,
    text: fn(&Workspace) -> Result<String>,
}

const PAGES: &[Page] = &[
    Page { name: "manifest.md", text: |_| Ok(hub_core::manifest::schema::reference_page()) },
    Page { name: "vocabulary.md", text: |_| Ok(hub_core::vocab::reference_page()) },
    Page { name: "law.md", text: |_| Ok(hub_core::vocab::law::reference_page()) },
    Page { name: "problems.md", text: |_| Ok(hub_core::problem::reference_page()) },
    Page { name: "connectors.md", text: connectors },
    Page { name: "cli.md", text: command_line },
];

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
    Ok(format!("{}\n", (page.text)(workspace)?.trim_end()))
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

/// What every built connector says about itself.
fn connectors(workspace: &Workspace) -> Result<String> {
    let mut text = String::from(
        "# Connectors\n\n<!-- Generated from the components. Do not edit. -->\n\nWhat each says about itself; a manifest grants it.\n",
    );
    for path in
        workspace::files(&workspace.components()).iter().filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
    {
        let description = build::describe(&workspace::read_bytes(path)?)?;
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {}\n\n{}\n\n", description.name, description.summary);
        let _ = writeln!(text, "Imports: {}. ABI {}.", names(description.imports.iter()), description.abi);
        if let Some(claim) = &description.destination {
            let deletes = if claim.deletes { "; deletes by primary key" } else { "" };
            let _ = writeln!(text, "\nDestination: modes {}; accepts {}{deletes}.", names(claim.modes.iter()), names(claim.accepts.iter()));
        }
        if let Some(claim) = &description.source {
            claim.streams.iter().for_each(|stream| describe(&mut text, stream));
            if claim.any_stream {
                text.push_str("\nAny other stream can be read too; the manifest declares its fields.\n");
            }
        }
    }
    Ok(text)
}

fn describe(text: &mut String, stream: &StreamClaim) {
    let key = names(stream.primary_key.iter().map(|path| path.as_str()));
    let cursor = stream.cursor.as_ref().map_or(String::new(), |path| format!(", cursor `{}`", path.as_str()));
    let _ = writeln!(text, "\n### `{}`\n\n{} Key {key}{cursor}.\n", stream.name, stream.summary);
    text.push_str("| field | category |\n| --- | --- |\n");
    for (path, leaf) in stream.shape.leaves() {
        let _ = writeln!(text, "| `{}` | {} |", path.as_str(), leaf.category.as_deref().unwrap_or("none: cannot be delivered"));
    }
}

fn names(names: impl Iterator<Item = impl std::fmt::Display>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn command_line(workspace: &Workspace) -> Result<String> {
    let mut text = String::from(
        "# Command line\n\n<!-- Generated from the program. Do not edit. -->\n\nWhat `hub --help` and `hub VERB --help` say.\n",
    );
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
}
