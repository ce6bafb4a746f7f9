//! Finds, digests, caches components.
