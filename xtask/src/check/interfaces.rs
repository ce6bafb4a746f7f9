//! The WIT files: each folder of `wit/` is one package that parses, and everything a connector's author reads about is documented.

use std::path::Path;

use wit_parser::{Docs, Resolve, TypeDef, TypeDefKind};

use crate::check::Finding;
use crate::process::Result;
use crate::workspace::{self, Workspace};

/// Undocumented or unreadable interfaces.
pub fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let folders = workspace::folders(&workspace.root.join("wit"));
    Ok(folders.iter().flat_map(|folder| folder_findings(folder, &workspace.shown(folder))).collect())
}

fn folder_findings(folder: &Path, shown: &str) -> Vec<Finding> {
    let mut resolve = Resolve::default();
    if let Err(error) = resolve.push_dir(folder) {
        return vec![Finding::new(shown, 0, format!("{error:#}"))];
    }
    let mut bare = Vec::new();
    let mut ask = |docs: &Docs, name: String| {
        if docs.contents.as_ref().is_none_or(|text| text.trim().is_empty()) {
            bare.push(name);
        }
    };
    for (_, world) in &resolve.worlds {
        ask(&world.docs, format!("world {}", world.name));
    }
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.as_deref().unwrap_or("unnamed");
        ask(&interface.docs, format!("interface {name}"));
        for (type_name, id) in &interface.types {
            if let Some(kind) = own_kind(&resolve.types[*id]) {
                ask(&resolve.types[*id].docs, format!("{kind} {name}.{type_name}"));
            }
        }
        for function in interface.functions.values() {
            ask(&function.docs, format!("function {name}.{}", function.name));
        }
    }
    bare.into_iter()
        .map(|name| Finding::new(shown, 0, format!("{name} has no `///` comment: say what it does, its limits and its errors")))
        .collect()
}

/// The kind of a type that is declared here; none for what `use` brings in.
fn own_kind(declared: &TypeDef) -> Option<&'static str> {
    match declared.kind {
        TypeDefKind::Type(_) => None,
        _ => Some(declared.kind.as_str()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn texts(wit: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.wit"), wit).unwrap();
        folder_findings(folder.path(), "wit/v0.1").into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn every_undocumented_item_is_named_once() {
        let found = texts(
            "package hub:connector@0.1.0;\n/// Doc.\ninterface one {\n  record bare { a: u8 }\n  /// Doc.\n  resource thing { size: func() -> u8; }\n  /// Doc.\n  run: func();\n}\n\
             interface two {\n  use one.{bare};\n  /// Doc.\n  get: func() -> bare;\n}\n",
        );
        let names: Vec<&str> = found.iter().map(|text| text.split(" has no").next().unwrap()).collect();
        assert_eq!(names, ["record one.bare", "function one.[method]thing.size", "interface two"]);
    }

    #[test]
    fn what_does_not_parse_is_told() {
        assert!(texts("package hub:connector@0.1.0;\ninterface {")[0].contains("expected"));
    }
}
