//! Slices of a stream: partitions, cursors, states.
