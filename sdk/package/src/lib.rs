//! From a connector's folder to a component with its description. Runs no connector and judges none: the host does.

#[cfg(feature = "component")]
pub mod component;
pub mod description;
mod schema;
#[cfg(feature = "component")]
pub mod toolchain;
