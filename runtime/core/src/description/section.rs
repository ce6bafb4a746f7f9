//! Finds the description inside a component, without running or compiling it.

use wasmparser::{Encoding, Parser, Payload};

use super::{ABI, Description, MAX_SECTION_BYTES, SECTION, parse};
use crate::problem::Code;

/// Reads the description of a component.
///
/// # Errors
/// The bytes are no component, the section is missing, too large or there twice, or its content is wrong (E303); another ABI (E304).
pub fn read(component: &[u8]) -> Result<Description, DescriptionError> {
    parse(text(component)?)
}

/// The text of a component's description, unread.
///
/// # Errors
/// As [`read`], but for what stands in it.
pub fn text(component: &[u8]) -> Result<&[u8], DescriptionError> {
    let section = find(component)?;
    if section.len() > MAX_SECTION_BYTES {
        return Err(DescriptionError::TooLarge { bytes: section.len() });
    }
    Ok(section)
}

/// The section at component level. Sections inside nested modules and components are another author's and never count.
fn find(component: &[u8]) -> Result<&[u8], DescriptionError> {
    let mut found = None;
    let mut nested = false;
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| DescriptionError::NotAComponent { reason: error.message().to_owned() })? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                let reason = "it is a core module; wrap it into a component".to_owned();
                return Err(DescriptionError::NotAComponent { reason });
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name() == SECTION => {
                if depth > 0 {
                    nested = true;
                } else if found.replace(section.data()).is_some() {
                    return Err(DescriptionError::Twice);
                }
            }
            _ => {}
        }
    }
    found.ok_or(DescriptionError::Missing { nested })
}

/// Names of what a component imports and exports, as its bytes have them. Empty for what is no component.
#[must_use]
pub fn component_names(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentImportSection(section)) if depth == 0 => {
                imports.extend(section.into_iter().flatten().map(|import| import.name.name.to_owned()));
            }
            Ok(Payload::ComponentExportSection(section)) if depth == 0 => {
                exports.extend(section.into_iter().flatten().map(|export| export.name.name.to_owned()));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    (imports, exports)
}

/// Why a component has no usable description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// The bytes are something else.
    #[error("this is no WebAssembly component: {reason}")]
    NotAComponent {
        /// What was found.
        reason: String,
    },
    /// There is no section at component level.
    #[error("the component has no custom section `hub:manifest`{}", if *.nested { " at component level (only inside a nested module)" } else { "" })]
    Missing {
        /// A nested module has one: the build step that moves it was left out.
        nested: bool,
    },
    /// The section stands there more than once.
    #[error("the component has more than one custom section `hub:manifest`")]
    Twice,
    /// The section is over [`MAX_SECTION_BYTES`].
    #[error("the section `hub:manifest` has {bytes} bytes, at most 262144 are possible")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not JSON, nests too deeply, or holds a name twice.
    #[error("the section `hub:manifest` cannot be read: {reason}")]
    Json {
        /// What and where.
        reason: String,
    },
    /// It is written for another ABI.
    #[error("the connector speaks ABI `{found}`, this hub speaks `{ABI}`")]
    Abi {
        /// What `hub` says, cut.
        found: String,
    },
    /// Its content is wrong; every fault that was found.
    #[error("the description is wrong: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Fault>),
}

impl DescriptionError {
    /// E304 for another ABI, else E303.
    #[must_use]
    pub fn code(&self) -> Code {
        if matches!(self, Self::Abi { .. }) { Code::E304 } else { Code::E303 }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotAComponent { .. } => "name a component; `cargo xtask build` makes one out of a connector crate",
            Self::Missing { .. } | Self::Twice | Self::TooLarge { .. } => {
                "build the connector with `cargo xtask build`, which adds the section exactly once"
            }
            Self::Json { .. } | Self::Invalid(_) => "correct `connector.toml` or the schemas of the connector and build it again",
            Self::Abi { .. } => "use a connector that is built for this ABI, or another version of hub",
        }
    }
}

/// One fault in a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// RFC 6901 pointer into the description.
    pub pointer: String,
    /// What is wrong, without full stop.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(out, "{place}: {}", self.message)
    }
}
