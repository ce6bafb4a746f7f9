//! The generated bindings of ABI 0.1 and the components made of a connector's traits. The only place with `unsafe` code, all of it generated.

mod databases;
mod exports;
pub mod imports;

pub use exports::{DestinationComponent, SourceComponent};

/// All imports, and the types that everything shares.
#[allow(unsafe_code, missing_docs, clippy::all, reason = "generated from the WIT files: calls across the component boundary")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit/v0.1",
        world: "imports",
        generate_all,
    });
}

/// One module per world: its exports alone, everything imported comes from [`bindings`]. A connector that reads and writes exports both
/// worlds: their sections add up to the world `full-connector`.
macro_rules! world {
    ($(#[$doc:meta])* $module:ident, $world:literal, $export:literal) => {
        $(#[$doc])*
        #[allow(unsafe_code, missing_docs, clippy::all, reason = "generated from the WIT files: exports across the component boundary")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit/v0.1",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $export,
                with: {
                    "hub:connector/types@0.1.0": crate::host::guest::bindings::hub::connector::types,
                    "hub:connector/http@0.1.0": crate::host::guest::bindings::hub::connector::http,
                    "hub:connector/sink@0.1.0": crate::host::guest::bindings::hub::connector::sink,
                    "hub:connector/pages@0.1.0": crate::host::guest::bindings::hub::connector::pages,
                    "hub:connector/files@0.1.0": crate::host::guest::bindings::hub::connector::files,
                    "hub:connector/sql@0.1.0": crate::host::guest::bindings::hub::connector::sql,
                    "hub:connector/tables@0.1.0": crate::host::guest::bindings::hub::connector::tables,
                    "hub:connector/runtime@0.1.0": crate::host::guest::bindings::hub::connector::runtime,
                },
            });
        }
    };
}

world!(
    /// The world that reads.
    source_world, "source-connector", "export"
);
world!(
    /// The world that writes.
    destination_world, "destination-connector", "export"
);
