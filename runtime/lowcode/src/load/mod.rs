//! From text to a resolved manifest: `$ref`, `$parameters`, types that go without saying.
