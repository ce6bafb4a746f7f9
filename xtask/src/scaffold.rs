//! The verb `new`: the folder of a new connector, from the files of `sdk/templates`. What it lays out builds and passes `conform`.

use crate::build;
use crate::conform;
use crate::process::{Failure, Result, progress};
use crate::workspace::{self, Workspace};

const TEMPLATE: &str = "sdk/templates/rust";

/// Lays the folder out, builds it and holds it against the standard.
pub fn run(workspace: &Workspace, name: &str) -> Result<()> {
    lay_out(workspace, name)?;
    enlist(workspace, name)?;
    progress("Created", format!("connectors/{name}"));
    build::build(workspace, false, true)?;
    conform::statically(workspace, Some(name))?;
    progress("Next", format!("edit connectors/{name}/connector.toml and src/lib.rs, then `cargo xtask conform {name}`"));
    Ok(())
}

fn lay_out(workspace: &Workspace, name: &str) -> Result<()> {
    check(name)?;
    let folder = workspace.root.join("connectors").join(name);
    if folder.exists() {
        return Err(Failure::new(format!("connectors/{name} is there already")).help("choose another name"));
    }
    let template = workspace.root.join(TEMPLATE);
    for path in workspace::files(&template) {
        let inside = path.strip_prefix(&template).unwrap_or(&path).to_string_lossy().into_owned();
        // Cargo looks at every Cargo.toml below a workspace, so the template's has another name.
        let output = folder.join(inside.trim_end_matches(".template"));
        workspace::write(&output, fill(&workspace::read(&path)?, name).as_bytes())?;
    }
    Ok(())
}

/// Adds the folder to the members of the connectors' workspace, in the order of the names.
fn enlist(workspace: &Workspace, name: &str) -> Result<()> {
    let path = workspace.connectors_manifest();
    let text = workspace::read(&path)?;
    let failed =
        || Failure::new("connectors/Cargo.toml has no line `members = [\"…\"]`").help(format!("add \"{name}\" to its members by hand"));
    let line = text.lines().find(|line| line.starts_with("members = [") && line.ends_with(']')).ok_or_else(failed)?;
    let list = line.trim_start_matches("members = [").trim_end_matches(']');
    let mut members: Vec<&str> =
        list.split(',').map(|member| member.trim().trim_matches('"')).filter(|member| !member.is_empty()).collect();
    members.push(name);
    members.sort_unstable();
    members.dedup();
    let members: Vec<String> = members.iter().map(|member| format!("\"{member}\"")).collect();
    workspace::write(&path, text.replace(line, &format!("members = [{}]", members.join(", "))).as_bytes())
}

fn check(name: &str) -> Result<()> {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if letters && name.len() <= 64 && name.starts_with(|letter: char| letter.is_ascii_lowercase()) && !name.ends_with('-') {
        return Ok(());
    }
    Err(Failure::new(format!("`{name}` is no name for a connector"))
        .help("lower-case letters, digits and hyphens, at most 64, a letter first: `my-system`"))
}

/// `{name}` is the name as it is, `{Name}` the name of a type: `my-system` becomes `MySystem`.
fn fill(text: &str, name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    text.replace("{{name}}", name).replace("{{Name}}", &parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn names_are_filled_in_and_an_existing_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_owned(), target: folder.path().join("target") };
        workspace::write(&folder.path().join(TEMPLATE).join("Cargo.toml.template"), b"name = \"{{name}}\"").unwrap();
        workspace::write(&folder.path().join(TEMPLATE).join("src/lib.rs"), b"struct {{Name}};").unwrap();
        lay_out(&workspace, "my-system2").unwrap();
        let made = folder.path().join("connectors/my-system2");
        assert_eq!(workspace::read(&made.join("Cargo.toml")).unwrap(), "name = \"my-system2\"");
        assert_eq!(workspace::read(&made.join("src/lib.rs")).unwrap(), "struct MySystem2;");
        assert!(lay_out(&workspace, "my-system2").unwrap_err().to_string().contains("is there already"));
    }

    #[test]
    fn the_new_connector_becomes_a_member() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_owned(), target: folder.path().join("target") };
        workspace::write(&workspace.connectors_manifest(), b"[workspace]\nmembers = [\"file\", \"sample\"]\n").unwrap();
        enlist(&workspace, "roundup").unwrap();
        assert_eq!(
            workspace::read(&workspace.connectors_manifest()).unwrap(),
            "[workspace]\nmembers = [\"file\", \"roundup\", \"sample\"]\n"
        );
        workspace::write(&workspace.connectors_manifest(), b"[workspace]\n").unwrap();
        assert!(enlist(&workspace, "roundup").unwrap_err().to_string().contains("add \"roundup\" to its members"));
    }

    #[test]
    fn names_that_no_manifest_could_write_are_refused() {
        for name in ["", "Name", "1st", "a_b", "a/b", "..", "a-", &"a".repeat(65)] {
            assert!(check(name).unwrap_err().to_string().contains("is no name for a connector"), "{name}");
        }
    }
}
