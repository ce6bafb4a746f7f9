//! Opens a component: one match on its ABI generation.
