//! What a component imports and exports, read from its type, and whether its description tells the truth about it. Grants nothing.

use std::collections::BTreeSet;

use hub_core::description::Description;
use hub_core::problem::{Code, Problem};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

const PACKAGE: &str = "hub:connector/";

/// Generations of the ABI that this hub speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// `hub:connector@0.1.x`.
    V0_1,
}

/// Imports and exports of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Names of `hub:connector` interfaces with something to call (`http`), anything foreign by its full name. Sorted.
    pub imports: Vec<String>,
    /// The same for exports (`source`, `destination`).
    pub exports: Vec<String>,
    /// Interfaces of `hub:connector` that it names at all, also for their types alone.
    pub(crate) named: BTreeSet<String>,
    versions: BTreeSet<String>,
}

impl Shape {
    pub(super) fn of(engine: &Engine, component: &Component) -> Self {
        let mut shape = Self::default();
        let kind = component.component_type();
        let imports: Vec<_> = kind.imports(engine).map(|(name, item)| (name.to_owned(), calls(engine, &item.ty))).collect();
        let exports: Vec<_> = kind.exports(engine).map(|(name, item)| (name.to_owned(), calls(engine, &item.ty))).collect();
        shape.imports =
            imports.into_iter().filter_map(|(name, calls)| shape.note(&name, calls)).collect::<BTreeSet<_>>().into_iter().collect();
        shape.exports =
            exports.into_iter().filter_map(|(name, calls)| shape.note(&name, calls)).collect::<BTreeSet<_>>().into_iter().collect();
        shape
    }

    /// Short names for our own interfaces; those that lend only types are no capability.
    fn note(&mut self, name: &str, calls: bool) -> Option<String> {
        let Some((interface, version)) = name.strip_prefix(PACKAGE).map(|rest| rest.split_once('@').unwrap_or((rest, ""))) else {
            return Some(name.to_owned());
        };
        self.versions.insert(version.to_owned());
        self.named.insert(interface.to_owned());
        calls.then(|| interface.to_owned())
    }

    /// The generation, if the description is true.
    pub(super) fn verify(&self, description: &Description) -> Result<Generation, Problem> {
        let name = &description.name;
        let generation = self.generation(name)?;
        let lie =
            |title: String| Err(Problem::new(Code::E303, title, "build the connector with hub's SDK; do not use it if it is not yours"));
        if description.abi != "0.1" {
            return lie(format!("connector `{name}` says that its ABI is `{}`, but it is 0.1", clean(&description.abi)));
        }
        let own = |import: &&String| !import.contains(':');
        let said: BTreeSet<&String> = description.imports.iter().collect();
        let found: BTreeSet<&String> = self.imports.iter().filter(own).collect();
        if let Some(hidden) = found.difference(&said).next() {
            return lie(format!("connector `{name}` imports `{hidden}`, which its description does not say"));
        }
        for (interface, claimed) in [("source", description.source.is_some()), ("destination", description.destination.is_some())] {
            let exported = self.exports.iter().any(|export| export == interface);
            if exported != claimed {
                let (says, is) = if claimed { ("says", "does not export") } else { ("does not say", "exports") };
                return lie(format!("the description of connector `{name}` {says} that it is a {interface}, and it {is} that"));
            }
        }
        Ok(generation)
    }

    fn generation(&self, name: &str) -> Result<Generation, Problem> {
        let unsupported =
            |title: String| Err(Problem::new(Code::E304, title, "use a version of the connector for ABI 0.1, or a newer hub"));
        if let Some(version) = self.versions.iter().find(|version| !is_v0_1(version)) {
            return unsupported(format!("connector `{name}` uses version {} of the ABI; this hub speaks 0.1", clean(version)));
        }
        if self.versions.is_empty() {
            return unsupported(format!("connector `{name}` uses no interface of `hub:connector`"));
        }
        Ok(Generation::V0_1)
    }
}

fn is_v0_1(version: &str) -> bool {
    version.strip_prefix("0.1.").is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}

fn clean(text: &str) -> String {
    crate::capability::runtime::clean(text, 64)
}

/// There is something to call: a function, or an instance with one.
fn calls(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => instance.exports(engine).any(|(_, item)| calls(engine, &item.ty)),
        ComponentItem::Type(_) | ComponentItem::Resource(_) => false,
        ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) | ComponentItem::Module(_) | ComponentItem::Component(_) => true,
    }
}
