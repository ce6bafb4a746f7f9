//! Who may use whom: one row for each module. An arrow that is not here is refused, in imports and in written-out paths alike.
//!
//! A module may always use itself and its children. Tests may use anything.

use crate::check::Finding;
use crate::check::source::{Mention, Source};

/// A module of a crate and the modules of the same crate that it may use.
struct Row {
    module: &'static str,
    may_use: &'static [&'static str],
}

const fn row(module: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { module, may_use }
}

/// Lowest first: what stands above is used by what stands below.
const CORE: &[Row] = &[
    row("date", &[]),
    row("problem", &[]),
    row("record", &["problem"]),
    row("vocab", &["date", "problem"]),
    row("key_file", &[]),
    row("lanes", &[]),
    row("detect", &["lanes"]),
    row("stream", &["problem", "record", "vocab"]),
    row("description", &["problem", "record", "vocab", "stream"]),
    row("plugin", &["description", "key_file"]),
    row("manifest", &["date", "detect", "problem", "record", "vocab", "stream", "description", "plugin"]),
    row("schedule", &["manifest"]),
    row("statement", &["manifest"]),
    row("labels", &["detect", "problem", "record", "vocab", "stream", "description", "manifest"]),
    row("treat", &["detect", "vocab", "manifest"]),
    row("consent", &["treat"]),
    row("gate", &["date", "lanes", "problem", "record", "vocab", "detect", "stream", "manifest", "treat", "consent"]),
    row("policy", &["date", "problem", "record", "vocab", "stream", "description", "manifest", "statement", "treat", "consent", "gate"]),
    row(
        "change",
        &["date", "key_file", "detect", "problem", "record", "vocab", "description", "plugin", "manifest", "labels", "treat", "policy"],
    ),
    row("audit", &["problem", "record", "manifest", "gate", "policy"]),
    row("report", &["date", "problem", "record", "vocab", "stream", "manifest", "gate", "policy", "audit"]),
    row("tell", &["problem", "record", "stream", "manifest", "policy"]),
    row("draft", &["problem", "record", "vocab", "stream", "description", "manifest", "labels", "gate", "policy"]),
];

const HOST: &[Row] = &[
    row("clock", &[]),
    row("config", &["clock"]),
    row("observe", &["clock", "config"]),
    row("place", &[]),
    row("crash", &["config"]),
    row("store", &["clock"]),
    row("keys", &["config", "store"]),
    row("sealed", &["keys", "store", "config"]),
    row("evidence", &["store", "config"]),
    row("history", &["store"]),
    row("quarantine", &["keys", "store"]),
    row("delivered", &["keys", "store"]),
    row("gate", &["crash", "quarantine", "delivered", "store", "clock"]),
    row("egress", &["gate", "place", "clock", "config"]),
    row("database", &[]),
    row("capability", &["crash", "database", "gate", "egress", "store", "place", "clock", "config"]),
    row("lowcode", &["egress", "place", "config", "clock"]),
    row("registry", &["store", "config"]),
    row("plugin", &["lowcode", "database", "gate", "capability", "egress", "config", "clock"]),
    row("author", &["lowcode", "plugin", "capability", "gate", "egress", "store", "place", "config", "clock"]),
    row(
        "sync",
        &[
            "crash",
            "database",
            "keys",
            "quarantine",
            "delivered",
            "place",
            "capability",
            "plugin",
            "gate",
            "egress",
            "store",
            "config",
            "clock",
        ],
    ),
    row("telemetry", &["evidence", "quarantine", "sync", "gate", "egress", "store", "place", "clock", "config"]),
    row(
        "cli",
        &[
            "author",
            "telemetry",
            "crash",
            "evidence",
            "history",
            "keys",
            "sealed",
            "quarantine",
            "sync",
            "lowcode",
            "place",
            "registry",
            "plugin",
            "capability",
            "gate",
            "egress",
            "store",
            "observe",
            "config",
            "clock",
        ],
    ),
    row("main", &["cli", "config"]),
];

const LOWCODE: &[Row] = &[
    row("fault", &[]),
    row("value", &["fault"]),
    row("template", &["fault", "value"]),
    row("host", &["value"]),
    row("yaml", &["fault", "value"]),
    row("load", &["fault", "value", "yaml"]),
    row("model", &["fault", "value", "template", "host", "yaml", "load"]),
    row("slice", &["fault", "value", "template", "host", "model"]),
    row("retrieve", &["fault", "value", "template", "host", "model", "slice"]),
    row("auth", &["fault", "value", "template", "host", "yaml", "model", "retrieve"]),
    row("reading", &["fault", "value", "template", "host", "model", "slice", "retrieve"]),
    row("stream", &["fault", "value", "template", "host", "yaml", "load", "model", "slice", "retrieve", "reading"]),
    row("inspect", &["fault", "value", "template", "yaml", "load", "model", "retrieve", "slice", "reading", "stream"]),
];

/// Crates with their own name in paths and their table.
const TABLES: &[(&str, &str, &[Row])] = &[("hub-core", "hub_core", CORE), ("hub", "hub", HOST), ("hub-lowcode", "hub_lowcode", LOWCODE)];

/// In Rust "private" includes children: whoever may make a `Grant` or a `Cleared<T>` has none.
const CHILDLESS: &[(&str, &[&str])] = &[("hub", &["gate"]), ("hub-core", &["policy", "verdict"])];

/// Uses that no table allows.
pub fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (package, own_name, rows) in TABLES {
        for source in sources.iter().filter(|source| source.package == *package && !source.is_test) {
            found.extend(outgoing(source, own_name, rows));
        }
    }
    for source in sources {
        let inside = |(package, parent): &&(&str, &[&str])| {
            source.package == *package
                && source.module.len() > parent.len()
                && source.module.iter().zip(*parent).all(|(left, right)| left == right)
        };
        if let Some((_, parent)) = CHILDLESS.iter().find(inside).filter(|_| !source.is_test) {
            found.push(Finding::new(
                &source.path,
                0,
                format!("`{}` has no child modules: they could make what only it may make", parent.join("::")),
            ));
        }
    }
    found
}

fn outgoing(source: &Source, own_name: &str, rows: &[Row]) -> Vec<Finding> {
    // The crate's root declares the modules; it is above all of them.
    let Some(home) = source.module.first() else { return Vec::new() };
    let Some(own) = rows.iter().find(|row| row.module == home) else {
        return vec![Finding::new(
            &source.path,
            0,
            format!("module `{home}` is not in the table of xtask/src/check/arrows.rs: add its row"),
        )];
    };
    let mut found = Vec::new();
    for mention in &source.paths {
        let Some(module) = target(mention, own_name, home) else { continue };
        let is_module = rows.iter().any(|row| row.module == module);
        if is_module && module != home && !own.may_use.contains(&module) {
            found.push(Finding::new(&source.path, mention.line, format!("`{home}` may not use `{module}`: {}", allowed(own))));
        }
    }
    found
}

/// The module of the same crate that is meant, if it is one.
fn target<'a>(mention: &'a Mention, own_name: &str, home: &str) -> Option<&'a str> {
    let first = mention.parts.first()?;
    // Inside of main.rs, `crate` is the binary and the library goes by its name.
    let of_this_crate = first == "crate" || (first == own_name && (home == "main" || own_name != "hub"));
    of_this_crate.then(|| mention.parts.get(1).map(String::as_str)).flatten()
}

fn allowed(row: &Row) -> String {
    match row.may_use {
        [] => "it stands at the bottom and uses no other module".to_owned(),
        some => format!("it may use {} (xtask/src/check/arrows.rs)", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn source(package: &'static str, inside: &str, text: &str) -> Source {
        Source::read(package, inside, inside, text.to_owned()).unwrap()
    }

    fn found(package: &'static str, inside: &str, text: &str) -> Vec<String> {
        findings(&[source(package, inside, text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_of_the_table_passes() {
        assert!(found("hub", "capability/http.rs", "use crate::egress::Address;\nuse super::ALL;").is_empty());
        assert!(found("hub", "main.rs", "use hub::cli;\nfn main() { hub::cli::run(); }").is_empty());
        assert!(found("hub-core", "policy/mod.rs", "use crate::manifest::Manifest;").is_empty());
    }

    #[test]
    fn an_arrow_back_is_refused_with_its_line() {
        let refused = found("hub", "store/sled.rs", "//! Doc.\nuse crate::gate::Cleared;");
        assert_eq!(refused, ["store/sled.rs:2: `store` may not use `gate`: it may use clock (xtask/src/check/arrows.rs)"]);
        assert_eq!(found("hub-core", "problem/mod.rs", "use crate::record::Batch;").len(), 1);
        assert_eq!(found("hub", "main.rs", "use hub::store;").len(), 1);
    }

    #[test]
    fn a_written_out_path_counts_like_an_import() {
        assert_eq!(found("hub", "store/mod.rs", "fn f() { super::sync::flow::run(); }").len(), 1);
    }

    #[test]
    fn tests_may_use_anything() {
        assert!(found("hub", "store/mod.rs", "#[cfg(test)]\nmod tests { use crate::cli; }").is_empty());
    }

    #[test]
    fn a_new_module_needs_a_row() {
        assert!(found("hub", "extra.rs", "//! Doc.")[0].contains("module `extra` is not in the table"));
    }

    #[test]
    fn who_may_make_clearances_has_no_children() {
        assert!(found("hub", "gate/helper.rs", "//! Doc.")[0].contains("`gate` has no child modules"));
        assert!(found("hub-core", "policy/verdict/more.rs", "//! Doc.")[0].contains("`policy::verdict` has no child modules"));
        assert!(found("hub-core", "policy/ask.rs", "//! Doc.").is_empty());
    }

    #[test]
    fn the_tables_have_no_circle() {
        for (_, _, rows) in TABLES {
            for (index, row) in rows.iter().enumerate() {
                for used in row.may_use {
                    assert!(
                        rows[..index].iter().any(|lower| lower.module == *used),
                        "{} uses {used}, which does not stand above it",
                        row.module
                    );
                }
            }
        }
    }
}
