//! Airbyte's low-code language, pure: reads manifests, evaluates templates, says which requests to send and what to do with the answers.
//!
//! Does no I/O, reads no clock, holds no secret: whatever it needs comes through [`host::Host`]. The connector `lowcode` runs it inside the sandbox;
//! the host of hub uses the same reading of a manifest for `check`, `inspect` and the credential providers (`auth`), which run outside of it.

pub mod auth;
pub mod fault;
pub mod host;
pub mod inspect;
pub mod load;
pub mod model;
pub mod reading;
pub mod retrieve;
pub mod slice;
pub mod stream;
pub mod template;
pub mod value;
pub mod yaml;
