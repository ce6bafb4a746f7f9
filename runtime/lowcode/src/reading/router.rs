//! Partition routers while they run: lists, records of parent streams, groups, unions and products of them, one partition after the other.
//! Keeps no cursor of the stream that is partitioned (`reading` does).

use std::collections::HashSet;
use std::sync::Arc;

use crate::fault::Failure;
use crate::model::partition::{GroupingRouter, ListRouter, ListValues, PartitionRouter, SubstreamRouter, UnionRouter};
use crate::reading::Building;
use crate::reading::parent::ParentRun;
use crate::reading::world::World;
use crate::retrieve::system;
use crate::slice::Slice;
use crate::value::{Dict, Value};

/// A product holds all partitions of its factors.
const PRODUCT_LIMIT: usize = 1_000_000;

/// A partition router while it runs.
pub enum RouterRun {
    /// One partition without members.
    Single {
        /// Whether it was given.
        done: bool,
    },
    /// One for each value.
    List(ListRun),
    /// One for each record of the parents.
    Substream(SubstreamRun),
    /// Several in one.
    Grouping(Box<GroupingRun>),
    /// Each value once.
    Union(UnionRun),
    /// Each with each.
    Product(ProductRun),
}

/// Values still to come.
pub struct ListRun {
    field: Arc<str>,
    values: Vec<Value>,
    next: usize,
}

/// Parents still to be read.
pub struct SubstreamRun {
    parents: Vec<ParentRun>,
    current: usize,
    told: Option<(Vec<u64>, Value)>,
}

/// Groups still to come.
pub struct GroupingRun {
    of: RouterRun,
    size: usize,
    deduplicate: bool,
    seen: HashSet<String>,
    state: Option<Value>,
    done: bool,
}

/// Routers still to be asked.
pub struct UnionRun {
    of: Vec<RouterRun>,
    current: usize,
    field: Arc<str>,
    seen: HashSet<String>,
}

/// Factors and where in each of them the product stands.
pub struct ProductRun {
    of: Vec<RouterRun>,
    factors: Option<Vec<Vec<Slice>>>,
    at: Vec<usize>,
    done: bool,
}

impl RouterRun {
    /// Begins at the state of the stream that is partitioned; several routers multiply.
    ///
    /// # Errors
    /// A template cannot be evaluated or a parent cannot begin.
    pub fn new(routers: &[PartitionRouter], state: &Dict, building: &Building<'_>) -> Result<Self, Failure> {
        match routers {
            [] => Ok(Self::Single { done: false }),
            [one] => Self::one(one, state, building),
            many => {
                let of = many.iter().map(|router| Self::one(router, state, building)).collect::<Result<Vec<_>, _>>()?;
                Ok(Self::Product(ProductRun { at: vec![0; of.len()], of, factors: None, done: false }))
            }
        }
    }

    fn one(router: &PartitionRouter, state: &Dict, building: &Building<'_>) -> Result<Self, Failure> {
        Ok(match router {
            PartitionRouter::List(list) => Self::List(ListRun::new(list, building)?),
            PartitionRouter::Substream(substream) => Self::Substream(SubstreamRun::new(substream, state, building)?),
            PartitionRouter::Grouping(GroupingRouter { size, of, deduplicate }) => {
                let of = Self::one(of, state, building)?;
                let (size, deduplicate) = (*size, *deduplicate);
                let empty = Some(Value::Dict(Arc::default()));
                Self::Grouping(Box::new(GroupingRun { of, size, deduplicate, seen: HashSet::new(), state: empty, done: false }))
            }
            PartitionRouter::Union(UnionRouter { of, field }) => {
                let of = of.iter().map(|router| Self::one(router, state, building)).collect::<Result<Vec<_>, _>>()?;
                Self::Union(UnionRun { of, current: 0, field: building.text(field)?, seen: HashSet::new() })
            }
        })
    }

    /// The next partition.
    ///
    /// # Errors
    /// A parent fails, or partitions do not fit together.
    pub fn next(&mut self, world: &World<'_>) -> Result<Option<Slice>, Failure> {
        match self {
            Self::Single { done } => Ok((!std::mem::replace(done, true)).then(Slice::default)),
            Self::List(run) => Ok(run.next()),
            Self::Substream(run) => run.next(world),
            Self::Grouping(run) => run.next(world),
            Self::Union(run) => run.next(world),
            Self::Product(run) => run.next(world),
        }
    }

    /// The parents' state; none if there is no such thing.
    ///
    /// # Errors
    /// A position cannot be written.
    pub fn state(&mut self) -> Result<Option<Value>, Failure> {
        match self {
            Self::Single { .. } | Self::List(_) | Self::Product(_) => Ok(None),
            Self::Substream(run) => run.state().map(Some),
            Self::Grouping(run) => Ok(run.state.clone()),
            Self::Union(run) => {
                let mut merged = Dict::new();
                for router in &mut run.of {
                    if let Some(Value::Dict(state)) = router.state()? {
                        merged.extend(state.iter().map(|(name, state)| (Arc::clone(name), state.clone())));
                    }
                }
                Ok(Some(Value::Dict(Arc::new(merged))))
            }
        }
    }

    /// Whether it groups: then no partition has a cursor of its own.
    #[must_use]
    pub fn is_grouping(&self) -> bool {
        matches!(self, Self::Grouping(_))
    }

    /// Whether there is but one partition.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(self, Self::Single { .. })
    }
}

impl ListRun {
    fn new(list: &ListRouter, building: &Building<'_>) -> Result<Self, Failure> {
        let values = match &list.values {
            ListValues::Fixed(values) => values.iter().map(Value::str).collect(),
            ListValues::Template(text) => match building.value(text)? {
                Value::List(items) | Value::Tuple(items) => items.to_vec(),
                // Python iterates over a text letter by letter and over a dictionary by its keys.
                Value::Str(text) => text.chars().map(|letter| Value::str(letter.to_string())).collect(),
                Value::Dict(dict) => dict.keys().map(|key| Value::Str(Arc::clone(key))).collect(),
                _ => return Err(system("the `values` of a `ListPartitionRouter` are no list")),
            },
        };
        Ok(Self { field: building.text(&list.field)?, values, next: 0 })
    }

    fn next(&mut self) -> Option<Slice> {
        let value = self.values.get(self.next)?.clone();
        self.next += 1;
        let mut slice = Slice::default();
        slice.partition.insert(Arc::clone(&self.field), value);
        Some(slice)
    }
}

impl SubstreamRun {
    fn new(router: &SubstreamRouter, state: &Dict, building: &Building<'_>) -> Result<Self, Failure> {
        let parents = router.parents.iter().map(|parent| ParentRun::new(parent, state, building)).collect::<Result<_, _>>()?;
        Ok(Self { parents, current: 0, told: None })
    }

    fn next(&mut self, world: &World<'_>) -> Result<Option<Slice>, Failure> {
        while let Some(parent) = self.parents.get_mut(self.current) {
            if let Some(slice) = parent.next(world)? {
                return Ok(Some(slice));
            }
            self.current += 1;
        }
        Ok(None)
    }

    fn state(&mut self) -> Result<Value, Failure> {
        let dependencies = || self.parents.iter().filter(|parent| parent.is_dependency());
        let versions: Vec<u64> = dependencies().map(ParentRun::version).collect();
        if let Some((known, state)) = &self.told
            && *known == versions
        {
            return Ok(state.clone());
        }
        let mut state = Dict::new();
        for parent in dependencies() {
            state.insert(parent.name(), parent.state()?);
        }
        let state = Value::Dict(Arc::new(state));
        self.told = Some((versions, state.clone()));
        Ok(state)
    }
}

impl GroupingRun {
    fn next(&mut self, world: &World<'_>) -> Result<Option<Slice>, Failure> {
        if self.done {
            return Ok(None);
        }
        let mut batch: Vec<Slice> = Vec::new();
        while batch.len() < self.size {
            let Some(slice) = self.of.next(world)? else {
                self.done = true;
                break;
            };
            let mut values = slice.partition.iter().filter(|(key, _)| key.as_ref() != "parent_slice");
            let (Some((_, value)), None) = (values.next(), values.next()) else {
                return Err(system("a `GroupingPartitionRouter` takes partitions of one member only"));
            };
            if self.deduplicate && !self.seen.insert(identity(value)) {
                continue;
            }
            batch.push(slice);
        }
        self.state = self.of.state()?;
        let Some(first) = batch.first() else { return Ok(None) };
        let mut grouped = Slice::default();
        for key in first.partition.keys() {
            grouped.partition.insert(Arc::clone(key), column(&batch, |slice| &slice.partition, key));
        }
        let extras: Vec<Arc<str>> = batch.iter().flat_map(|slice| slice.extra.keys().cloned()).collect();
        for key in extras {
            if !grouped.extra.contains_key(&key) {
                let values = column(&batch, |slice| &slice.extra, &key);
                grouped.extra.insert(key, values);
            }
        }
        Ok(Some(grouped))
    }
}

fn column<'b>(batch: &'b [Slice], of: impl Fn(&'b Slice) -> &'b Dict, key: &str) -> Value {
    Value::List(Arc::new(batch.iter().map(|slice| of(slice).get(key).cloned().unwrap_or(Value::None)).collect()))
}

impl UnionRun {
    fn next(&mut self, world: &World<'_>) -> Result<Option<Slice>, Failure> {
        while let Some(router) = self.of.get_mut(self.current) {
            let Some(slice) = router.next(world)? else {
                self.current += 1;
                continue;
            };
            let Some(value) = slice.partition.get(&self.field).cloned() else {
                return Err(system(format!("a `UnionPartitionRouter` takes partitions with the member `{}`", self.field)));
            };
            if !self.seen.insert(identity(&value)) {
                continue;
            }
            let mut merged = Slice { extra: slice.extra, ..Slice::default() };
            for (key, other) in slice.partition {
                if key != self.field {
                    merged.extra.insert(key, other);
                }
            }
            merged.partition.insert(Arc::clone(&self.field), value);
            return Ok(Some(merged));
        }
        Ok(None)
    }
}

impl ProductRun {
    fn next(&mut self, world: &World<'_>) -> Result<Option<Slice>, Failure> {
        if self.done {
            return Ok(None);
        }
        if self.factors.is_none() {
            self.factors = Some(self.gather(world)?);
        }
        let Some(factors) = &self.factors else { return Ok(None) };
        let mut product = Slice::default();
        // Of equal members the first router's wins.
        for (factor, at) in factors.iter().zip(&self.at).rev() {
            let Some(slice) = factor.get(*at) else {
                self.done = true;
                return Ok(None);
            };
            product.partition.extend(slice.partition.iter().map(|(key, value)| (Arc::clone(key), value.clone())));
            product.extra.extend(slice.extra.iter().map(|(key, value)| (Arc::clone(key), value.clone())));
        }
        self.done = true;
        for (factor, at) in factors.iter().zip(&mut self.at).rev() {
            *at += 1;
            if *at < factor.len() {
                self.done = false;
                break;
            }
            *at = 0;
        }
        Ok(Some(product))
    }

    fn gather(&mut self, world: &World<'_>) -> Result<Vec<Vec<Slice>>, Failure> {
        let mut total = 0;
        let mut factors = Vec::with_capacity(self.of.len());
        for router in &mut self.of {
            let mut factor = Vec::new();
            while let Some(slice) = router.next(world)? {
                total += 1;
                if total > PRODUCT_LIMIT {
                    return Err(system(format!("several partition routers multiply at most {PRODUCT_LIMIT} partitions")));
                }
                factor.push(slice);
            }
            factors.push(factor);
        }
        Ok(factors)
    }
}

/// Equal for values that Python takes for equal members of a set.
fn identity(value: &Value) -> String {
    match value {
        Value::Float(number, _) if number.fract() == 0.0 && number.abs() < 1e15 => (*number as i64).to_string(),
        Value::Bool(flag) => i32::from(*flag).to_string(),
        other => other.python_repr(),
    }
}
