//! A host in memory for a connector's unit tests: records what comes out, serves prepared answers and files. Native targets only.
//!
//! It keeps the host's rules that a connector can break (valid NDJSON, size limits, bodies only with the grant, folders only with a
//! grant), not its policy: nothing is projected or refused here. One host per thread, as each test has its own.

mod cases;
mod host;
pub(crate) mod imports;

pub use cases::{Writer, assert_config_schema, check, read};
pub use host::{Answer, FakeHost, LogLine};
