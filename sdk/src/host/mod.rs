//! Where every call to the host goes: the component's imports in the sandbox, the fake host of `testing` anywhere else.
//!
//! Both sides offer the same functions and handles in the SDK's own types; nothing else of this crate knows which one is there.

#[cfg(target_arch = "wasm32")]
pub mod guest;
#[cfg(target_arch = "wasm32")]
pub use guest::imports::*;

#[cfg(not(target_arch = "wasm32"))]
pub use crate::testing::imports::*;
