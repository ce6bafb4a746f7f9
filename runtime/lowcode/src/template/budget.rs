//! What one evaluation may spend: steps and text.

use std::cell::Cell;

use super::error::{Outcome, TemplateError};

/// Steps of one evaluation.
const STEPS: usize = 1_000_000;
/// Bytes of text that one evaluation may make.
pub(super) const TEXT_LIMIT: usize = 8 * 1024 * 1024;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    steps: Cell<usize>,
    text: Cell<usize>,
}

impl Budget {
    pub fn new() -> Self {
        Self { steps: Cell::new(STEPS), text: Cell::new(TEXT_LIMIT) }
    }

    /// So many steps.
    pub fn items(&self, count: usize) -> Outcome<()> {
        match self.steps.get().checked_sub(count) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => Err(TemplateError::limit("the template takes too many steps")),
        }
    }

    /// So many bytes of new text.
    pub fn text(&self, bytes: usize) -> Outcome<()> {
        match self.text.get().checked_sub(bytes) {
            Some(left) => {
                self.text.set(left);
                Ok(())
            }
            None => Err(TemplateError::limit("the template makes too much text")),
        }
    }
}
