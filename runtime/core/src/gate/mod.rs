//! The single pass over a batch: compiled field plan, scanner, report. Pure; enforcement is the host's `gate`.

/// What was seen of one field over a page, as JSON text. Only fields that are not personal are observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Field path.
    pub field: String,
    /// Value in the first record that has one.
    pub first: Option<String>,
    /// Value in the last record that has one.
    pub last: Option<String>,
    /// Least value (numbers by size, texts by code point).
    pub min: Option<String>,
    /// Greatest value.
    pub max: Option<String>,
}
