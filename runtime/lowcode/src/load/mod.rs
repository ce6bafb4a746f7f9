//! From text to a resolved manifest: `$ref`, `$parameters`, types that go without saying.
//!
//! Does what the reference does before it builds components, and no more: whether the components make sense is `model`'s business, conditional
//! streams and dynamic streams are evaluated where the configuration is known. Manifest migrations and normalisation are tools of the reference's
//! editor and do not belong to a run.

mod defaults;
mod propagate;
mod references;

use crate::fault::{Fault, Kind};
use crate::value::Value;
use crate::yaml::{self, Node};

pub use propagate::propagate;

/// Values of a resolved manifest at most, counted behind every shared part.
pub const MAX_RESOLVED: u64 = 2_000_000;
/// Nodes of a resolved manifest that stand one in another at most.
pub const MAX_RESOLVED_NESTING: u32 = 128;

/// Members of a manifest that only references use; a run does without them.
const ONLY_REFERENCED: [&str; 3] = ["definitions", "schemas", "metadata"];

/// A resolved manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    root: Node,
}

impl Manifest {
    /// Reads and resolves a manifest. The second half are notes: what is odd, but means something.
    ///
    /// # Errors
    /// All faults that hinder the reading.
    pub fn read(text: &str) -> Result<(Self, Vec<Fault>), Vec<Fault>> {
        let document = yaml::parse(text)?;
        let root = resolve(&document.root)?;
        Ok((Self { root }, document.notes))
    }

    /// Takes a manifest that is resolved already, as the host hands it to the guest.
    #[must_use]
    pub fn resolved(root: Node) -> Self {
        Self { root }
    }

    /// The whole of it.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Without the parts that only references use: what a run needs.
    #[must_use]
    pub fn for_run(&self) -> Self {
        let Some(entries) = self.root.entries() else { return self.clone() };
        let kept = entries.iter().filter(|(key, _)| !ONLY_REFERENCED.contains(&key.as_ref()));
        Self { root: Node::mapping(self.root.mark, kept.map(|(key, entry)| (key.clone(), entry.clone())).collect()) }
    }

    /// The version of the language that it was written for.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.root.get("version")?.as_str()
    }

    /// How a connection is checked.
    #[must_use]
    pub fn check(&self) -> Option<&Node> {
        self.root.get("check")
    }

    /// What a configuration looks like.
    #[must_use]
    pub fn spec(&self) -> Option<&Node> {
        self.root.get("spec")
    }

    /// The streams as written: `DeclarativeStream`, `StateDelegatingStream`, `ConditionalStreams`.
    #[must_use]
    pub fn streams(&self) -> &[Node] {
        self.root.get("streams").and_then(Node::items).unwrap_or_default()
    }

    /// Templates of streams that are made at run time.
    #[must_use]
    pub fn dynamic_streams(&self) -> &[Node] {
        self.root.get("dynamic_streams").and_then(Node::items).unwrap_or_default()
    }

    /// Groups of streams that are not read at the same time.
    #[must_use]
    pub fn stream_groups(&self) -> Option<&Node> {
        self.root.get("stream_groups")
    }

    /// How many streams and slices are read at once.
    #[must_use]
    pub fn concurrency_level(&self) -> Option<&Node> {
        self.root.get("concurrency_level")
    }

    /// How often the API may be called.
    #[must_use]
    pub fn api_budget(&self) -> Option<&Node> {
        self.root.get("api_budget")
    }

    /// How many asynchronous jobs may run at once.
    #[must_use]
    pub fn max_concurrent_async_job_count(&self) -> Option<&Node> {
        self.root.get("max_concurrent_async_job_count")
    }
}

/// Resolves a manifest: references first, then types and parameters.
///
/// # Errors
/// References that lead nowhere or in a circle, a manifest that is no mapping or lacks `version`, and results over a limit.
pub fn resolve(root: &Node) -> Result<Node, Vec<Fault>> {
    let Some(entries) = root.entries() else {
        let message = format!("the manifest is {}; a mapping with `streams` is expected", root.kind_name());
        return Err(vec![Fault { mark: root.mark, path: String::new(), kind: Kind::Invalid, message }]);
    };
    let mut entries = entries.clone();
    entries.entry("type".into()).or_insert_with(|| Node::text("DeclarativeSource").into());
    let followed = references::follow(&Node::mapping(root.mark, entries))?;
    let resolved = propagate("", &followed, &Node::mapping(None, yaml::Entries::new()), false).map_err(|fault| vec![fault])?;
    check_version(&resolved)?;
    Ok(resolved)
}

/// The reference requires a version and compares it with nothing.
fn check_version(manifest: &Node) -> Result<(), Vec<Fault>> {
    let version = manifest.get("version");
    match version.map(|node| &node.content) {
        Some(yaml::Content::Scalar(Value::Str(_))) => Ok(()),
        _ => {
            let found = version.map_or("missing", Node::kind_name);
            let message = format!("`version` is {found}; a text such as `6.0.0` is expected");
            let mark = version.map_or(manifest.mark, |node| node.mark);
            Err(vec![Fault { mark, path: "version".to_owned(), kind: Kind::Invalid, message }])
        }
    }
}

#[cfg(test)]
mod tests;
