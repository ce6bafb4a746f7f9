//! What a retriever is built from besides its model.

use std::cell::RefCell;
use std::rc::Rc;

use crate::model::transformation::Transformation;
use crate::retrieve::budget::Limiter;
use crate::template::Scope;
use crate::value::Value;

/// What a retriever is built from besides its model.
pub struct Setup<'s> {
    /// The stream's name, for messages.
    pub name: &'s str,
    /// `config` is bound in it.
    pub scope: &'s Scope,
    /// The stream's transformations; a parent's or a resolver's retriever has its own stream's.
    pub transformations: &'s [Transformation],
    /// The stream's JSON schema, if values are to be brought to its types.
    pub schema: Option<Value>,
    /// Whether the cursor drops old records.
    pub client_side_incremental: bool,
    /// Whether the cursor ends the pages.
    pub data_feed: bool,
    /// The fields of the catalogue's schema, if there is a catalogue: `JsonSchemaPropertySelector` keeps to them.
    pub properties: Option<Vec<String>>,
    /// What all retrievers of a run share.
    pub shared: Shared,
}

/// What all retrievers of a run share.
#[derive(Clone, Default)]
pub struct Shared {
    /// How often the API may be called.
    pub(super) limiter: Option<Rc<RefCell<Limiter>>>,
}

impl Shared {
    /// Shares an API budget.
    ///
    /// # Errors
    /// A template, a duration or a pattern of the budget is not well formed.
    pub fn new(budget: Option<&crate::model::budget::Budget>, scope: &Scope) -> Result<Self, crate::fault::Failure> {
        let limiter = budget.map(|budget| Limiter::new(budget, scope)).transpose()?;
        Ok(Self { limiter: limiter.map(|limiter| Rc::new(RefCell::new(limiter))) })
    }
}
