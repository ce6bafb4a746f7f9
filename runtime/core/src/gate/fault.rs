//! Why a record cannot pass: a rule, a place, a sentence without values. Made on the cold path only.

use crate::problem::Code;

/// The result of reading a part of a record.
pub(super) type Scan<T> = Result<T, Fault>;

/// What is wrong with a record. Boxed, so that a good result costs no more than a pointer.
#[derive(Debug)]
pub(super) struct Fault(Box<Detail>);

#[derive(Debug)]
struct Detail {
    code: Code,
    path: Option<String>,
    message: String,
}

impl Fault {
    /// The text is not JSON, or not within the limits, or not one object (E219).
    #[cold]
    pub(super) fn unreadable(message: impl Into<String>) -> Self {
        Self(Box::new(Detail { code: Code::E219, path: None, message: message.into() }))
    }

    /// A name stands twice in an object (E219).
    #[cold]
    pub(super) fn repeated(path: &str) -> Self {
        let message = format!("the field `{path}` stands twice in one object");
        Self(Box::new(Detail { code: Code::E219, path: Some(path.to_owned()), message }))
    }

    /// The value contradicts the declaration (E220).
    #[cold]
    pub(super) fn mismatch(path: &str, expected: &str, found: &str) -> Self {
        let message = format!("`{path}`: expected {expected}, found {found}");
        Self(Box::new(Detail { code: Code::E220, path: Some(path.to_owned()), message }))
    }

    /// A field that nothing declares, where that ends the run (E201).
    #[cold]
    pub(super) fn undeclared(path: String, message: String) -> Self {
        Self(Box::new(Detail { code: Code::E201, path: Some(path), message }))
    }

    /// More records are to be held back than can be (E201, E202).
    #[cold]
    pub(super) fn held(code: Code, path: &str, message: String) -> Self {
        Self(Box::new(Detail { code, path: Some(path.to_owned()), message }))
    }

    pub(super) fn code(&self) -> Code {
        self.0.code
    }

    /// The fault as the end of a batch.
    pub(super) fn stop(self, record: u64) -> super::Stop {
        super::Stop { code: self.0.code, record, path: self.0.path, message: self.0.message }
    }
}
