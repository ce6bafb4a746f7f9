//! The compiled field plan: which fields of a record pass, under which names, how treated, and what everything declared must look like.
//!
//! Does not decide what may pass (the policy does): it refuses plans that could not be carried out in one pass without a doubt.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Check;
use super::condition::{Conditions, Limit};
use super::look::{Look, Looking};
use crate::consent::Consents;
use crate::manifest::{Filter, OnInvalid, OnUndeclared};
use crate::record::FieldPath;
use crate::stream::StreamShape;
use crate::treat::Treatment;

pub(super) mod build;
mod joins;

/// What a plan is made of.
#[derive(Clone, Debug)]
pub struct PlanRequest<'a> {
    /// What is declared.
    pub shape: &'a StreamShape,
    /// What passes. A path that names a container stands for every leaf in it.
    pub fields: Vec<PlannedField>,
    /// Fields that several source fields become.
    pub joins: Vec<PlannedJoin>,
    /// Scalar leaves outside arrays that every record must have; they need not pass.
    pub primary_key: Vec<FieldPath>,
    /// A scalar leaf outside arrays whose least and greatest value is reported; it need not pass.
    pub cursor: Option<FieldPath>,
    /// What happens to fields that nothing declares.
    pub on_undeclared: OnUndeclared,
    /// What happens to records that cannot be read or contradict the schema.
    pub on_invalid: OnInvalid,
    /// What a record must meet besides its schema, in the order of asking.
    pub conditions: Vec<PlannedCondition>,
    /// Whether values are looked at for what their label does not say.
    pub looking: Looking,
    /// Report a digest of each record's primary key (see [`super::ScanReport::keys`]).
    pub collect_keys: bool,
    /// Report whose consent each record rests on (see [`super::ScanReport::persons`]).
    pub collect_persons: bool,
}

impl<'a> PlanRequest<'a> {
    /// Nothing passes and nothing is asked; what contradicts the declaration ends the batch.
    #[must_use]
    pub fn new(shape: &'a StreamShape) -> Self {
        Self {
            shape,
            fields: Vec::new(),
            joins: Vec::new(),
            primary_key: Vec::new(),
            cursor: None,
            on_undeclared: OnUndeclared::Drop,
            on_invalid: OnInvalid::Stop,
            conditions: Vec::new(),
            looking: Looking::Off,
            collect_keys: false,
            collect_persons: false,
        }
    }
}

/// One field that passes.
#[derive(Clone, Debug)]
pub struct PlannedField {
    /// Where it stands in the source.
    pub path: FieldPath,
    /// Where it stands in the destination: as many parts as `path`.
    pub to: FieldPath,
    /// What is done with its values.
    pub treatment: Treatment,
}

/// One destination field made of several source fields: their texts in this order, with the separator between them. Fields that are absent or
/// `null` are passed over; if all of them are `null`, so is the result, and if all are absent, there is none.
#[derive(Clone, Debug)]
pub struct PlannedJoin {
    /// Scalars of one object, none of which passes in another way.
    pub parts: Vec<FieldPath>,
    /// Where it stands in the destination: as many parts as the sources.
    pub to: FieldPath,
    /// What stands between two texts.
    pub separator: String,
}

/// What a record must meet. Its fields are scalars outside arrays, and need not pass.
#[derive(Clone, Debug)]
pub enum PlannedCondition {
    /// The flow's filter takes it.
    Filter(Filter),
    /// The person consented.
    Consent {
        /// What names the person, in the order of the consents' categories.
        fields: Vec<FieldPath>,
        /// What the ledger says.
        consents: Arc<Consents>,
    },
    /// It is not past a limit.
    Age {
        /// The day that the limit counts from.
        field: FieldPath,
        /// The limit.
        limit: Limit,
    },
}

/// Why a field cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanError {
    /// The source path.
    pub path: FieldPath,
    /// One sentence without full stop.
    pub message: String,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "`{}`: {}", self.path, self.message)
    }
}

impl std::error::Error for PlanError {}

/// The greatest number of fields in a primary key.
pub const MAX_KEY_PARTS: usize = 16;

/// A plan that can be run over batches, from any number of threads.
#[derive(Debug)]
pub struct FieldPlan {
    pub(super) root: ObjectPlan,
    /// The path under which undeclared names are counted, by [`ObjectPlan::place`] and [`LeafPlan::place`].
    pub(super) places: Vec<String>,
    /// Leaves by their full path, for observation.
    pub(super) leaves: BTreeMap<String, LeafPlace>,
    /// For each object the order in which its entries are expected at first: as declared.
    pub(super) guesses: Vec<u16>,
    pub(super) key: Vec<(FieldPath, u32)>,
    pub(super) cursor: Option<(FieldPath, u32)>,
    pub(super) conditions: Conditions,
    /// Leaves that the conditions ask for, by slot.
    pub(super) asked: Vec<u32>,
    pub(super) on_undeclared: OnUndeclared,
    pub(super) on_invalid: OnInvalid,
    pub(super) collect_keys: bool,
    pub(super) collect_persons: bool,
}

impl FieldPlan {
    /// Compiles a plan.
    ///
    /// # Errors
    /// Every field that cannot be planned: not declared, unclassified, planned twice, renamed ambiguously or to another depth, treated in a way that
    /// its shape does not permit, or with a schema that cannot be compiled.
    pub fn compile(request: PlanRequest<'_>) -> Result<Self, Vec<PlanError>> {
        build::compile(request)
    }

    /// Fields that a record must bring, whether they pass or not: those of the primary key, then those of conditions.
    pub fn needed(&self) -> impl Iterator<Item = &FieldPath> {
        self.key.iter().map(|(path, _)| path).chain(&self.conditions.asked)
    }
}

/// Where a leaf stands and whether it may be observed.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeafPlace {
    pub(super) id: u32,
    pub(super) personal: bool,
    /// Inside an array (or itself one, or taken as a whole): it has no single value.
    pub(super) many: bool,
}

/// One object: the record itself or one inside it.
#[derive(Debug, Default)]
pub(super) struct ObjectPlan {
    /// Ordered by name.
    pub(super) entries: Vec<Entry>,
    /// Bits of the entries that must be there, 64 a word.
    pub(super) required: Vec<u64>,
    /// Something in it passes.
    pub(super) planned: bool,
    /// Index into [`FieldPlan::places`].
    pub(super) place: u32,
    /// Where its stretch of [`FieldPlan::guesses`] begins.
    pub(super) guesses: usize,
    /// Fields that are made when it ends.
    pub(super) joins: Vec<JoinPlan>,
    /// How many fields these are made of.
    pub(super) parts: usize,
}

/// A field that several fields of an object become.
#[derive(Debug)]
pub(super) struct JoinPlan {
    /// The first of its parts.
    pub(super) first: FieldPath,
    /// `"destination name":`.
    pub(super) emitted: Box<[u8]>,
    /// The separator as the inside of a JSON string.
    pub(super) separator: Box<[u8]>,
    /// Its stretch of the object's parts.
    pub(super) parts: std::ops::Range<usize>,
}

impl ObjectPlan {
    /// The entry of an unescaped name.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok()
    }
}

/// One declared name of an object.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Box<[u8]>,
    /// The name with its quotes as most writers spell it; empty if it has no such spelling.
    pub(super) quoted: Box<[u8]>,
    /// `"destination name":`.
    pub(super) emitted: Box<[u8]>,
    /// The destination name is the source name.
    pub(super) same: bool,
    pub(super) path: Box<str>,
    pub(super) node: NodePlan,
}

/// What stands under a name, or in an array.
#[derive(Debug)]
pub(super) enum NodePlan {
    Leaf(Box<LeafPlan>),
    Object { object: Box<ObjectPlan>, nullable: bool },
    List { item: Box<NodePlan>, nullable: bool, planned: bool },
}

impl NodePlan {
    /// Something in it passes.
    pub(super) fn planned(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.treatment.is_some() || leaf.part.is_some(),
            Self::Object { object, .. } => object.planned,
            Self::List { planned, .. } => *planned,
        }
    }
}

/// A value.
#[derive(Debug)]
pub(super) struct LeafPlan {
    pub(super) id: u32,
    /// Index into [`FieldPlan::places`].
    pub(super) place: u32,
    /// None = it does not pass.
    pub(super) treatment: Option<Treatment>,
    /// Its place among the parts of its object's joins.
    pub(super) part: Option<usize>,
    /// None = it neither passes nor identifies a record: syntax only.
    pub(super) check: Option<Check>,
    /// What its values are looked at for.
    pub(super) look: Option<Box<Look>>,
    /// Objects and arrays are taken as a whole.
    pub(super) opaque: bool,
    /// The manifest declares it without a schema: an object in its place is undeclared content, no mismatch.
    pub(super) schemaless: bool,
}
