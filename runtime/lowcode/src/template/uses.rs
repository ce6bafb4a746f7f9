//! What a template reads of its variables.

/// One step from a value to a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `['key']`, `.key`, `.get('key')`.
    Key(String),
    /// `[0]`, `[-1]`.
    Index(i64),
}

/// One path that a template reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Name of the variable as written.
    pub root: String,
    /// The constant steps.
    pub steps: Vec<Step>,
    /// Whether more than the simple value at the end is read: its length, its members, a step that is known only when it runs.
    pub whole: bool,
}
