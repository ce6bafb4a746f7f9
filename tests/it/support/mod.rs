//! What the tests share: the built program, a folder to run it in, an HTTP server with a script, texts to compare with.

pub mod golden;
pub mod program;
pub mod server;
