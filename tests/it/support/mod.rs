//! What the tests share: the built program, a folder to run it in, an HTTP server with a script, real systems, manifests, texts to compare with.

pub mod chance;
pub mod console;
pub mod golden;
pub mod javascript;
pub mod postgres;
pub mod process;
pub mod program;
pub mod registry;
pub mod server;
pub mod story;
pub mod tracker;
