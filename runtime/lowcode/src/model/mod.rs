//! The checked types of a manifest. Nothing behind this module looks at unchecked nodes.
