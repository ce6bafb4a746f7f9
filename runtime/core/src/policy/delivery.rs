//! What a destination makes of a batch that is sent twice, since a crash came before its result was on record. Promises nothing of itself: each word is what
//! the commit protocol gives for this class (`docs/reliability.md`).

use crate::description::Description;
use crate::manifest::WriteMode;

/// How often a record arrives, come what may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Once: the new content takes the place of the old when it is whole.
    Replaced,
    /// Once: what was appended behind the last checkpoint is cut off and written again.
    CutBack,
    /// Once: records and how far the flow is are committed together.
    Transactional,
    /// Its state once: a batch that is sent again finds its records by their key.
    Keyed,
    /// Once or more: whether a batch has arrived cannot be known after a crash.
    AtLeastOnce,
    /// Nothing is known of the destination's connector.
    Unknown,
}

impl Delivery {
    /// The class of a destination in a mode. None for a connector that was not read.
    #[must_use]
    pub fn of(mode: WriteMode, connector: Option<&Description>) -> Self {
        let Some(connector) = connector else { return Self::Unknown };
        // Whoever reaches nothing but granted folders writes nothing that the host could not cut back.
        let only_files = !connector.imports.iter().any(|import| import == "http");
        if connector.imports.iter().any(|import| import == "sql") {
            return Self::Transactional;
        }
        match mode {
            WriteMode::Replace => Self::Replaced,
            WriteMode::Upsert => Self::Keyed,
            WriteMode::Append if only_files => Self::CutBack,
            WriteMode::Append => Self::AtLeastOnce,
        }
    }

    /// For programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::CutBack => "cut-back",
            Self::Transactional => "transactional",
            Self::Keyed => "keyed",
            Self::AtLeastOnce => "at-least-once",
            Self::Unknown => "unknown",
        }
    }

    /// For people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Replaced => "once: the new content takes the old one's place when it is whole",
            Self::CutBack => "once: after a crash, what stands behind the last checkpoint is cut off and written again",
            Self::Transactional => "once: records and how far the flow is are committed in one transaction",
            Self::Keyed => "its state once: a batch that is sent again finds its records by their key",
            Self::AtLeastOnce => "once or more: after a crash, the last batch is sent again",
            Self::Unknown => "unknown: the destination's connector was not read",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn connector(imports: &str) -> Description {
        let text = format!(
            r#"{{"hub":"0.1","name":"there","version":"1.0.0","summary":"x","config":{{"type":"object"}},"imports":[{imports}],
               "destination":{{"modes":["append"],"accepts":["user"]}}}}"#
        );
        crate::description::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_mode_and_the_reach_of_a_connector_decide() {
        let (files, remote) = (connector("\"files\",\"runtime\""), connector("\"http\""));
        let database = connector("\"sql\"");
        let rows = [
            (WriteMode::Replace, Some(&files), Delivery::Replaced),
            (WriteMode::Append, Some(&files), Delivery::CutBack),
            (WriteMode::Append, Some(&remote), Delivery::AtLeastOnce),
            (WriteMode::Upsert, Some(&remote), Delivery::Keyed),
            (WriteMode::Append, Some(&database), Delivery::Transactional),
            (WriteMode::Append, None, Delivery::Unknown),
        ];
        for (mode, connector, expected) in rows {
            assert_eq!(Delivery::of(mode, connector), expected, "{mode:?}");
            assert!(!expected.sentence().is_empty() && !expected.word().contains(' '));
        }
    }
}
