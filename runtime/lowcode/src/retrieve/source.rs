//! Retrievers of either kind, and the walk through one slice.

use std::rc::Rc;

use crate::fault::Failure;
use crate::host::{FetchError, Host, Response};
use crate::model::properties::{PropertyList, QueryProperties};
use crate::model::{self, Text};
use crate::retrieve::blind::Blind;
use crate::retrieve::chunk::Plan;
use crate::retrieve::dpath;
use crate::retrieve::failure::{system, template};
use crate::retrieve::job::{JobWalk, Jobs};
use crate::retrieve::retriever::Pages;
use crate::retrieve::walk::{Inject, Page, PageWalk, Step};
use crate::retrieve::{Setup, Shared};
use crate::slice::{Judge, Options, Slice};
use crate::template::Scope;
use crate::value::Value;

/// An endpoint names so many fields at most.
const MAXIMUM_PROPERTIES: usize = 100_000;

/// A retriever, ready.
#[derive(Clone)]
pub struct Retriever {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Pages { pages: Rc<Pages>, properties: Option<Rc<Properties>> },
    Jobs(Rc<Jobs>),
}

/// Fields that are asked for by name.
struct Properties {
    model: QueryProperties,
    configured: Option<Vec<String>>,
    endpoint: Option<(Retriever, Vec<Text>)>,
    scope: Scope,
}

/// The way through one slice.
pub struct Walk {
    kind: WalkKind,
}

enum WalkKind {
    /// The fields are not known yet.
    Properties {
        walk: Box<Walk>,
        found: Vec<String>,
        properties: Rc<Properties>,
        then: Box<PageWalk>,
    },
    Pages(Box<PageWalk>),
    Job(Box<JobWalk>),
}

impl Retriever {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// A template fails.
    pub fn new(model: &model::Retriever, setup: &Setup<'_>) -> Result<Self, Failure> {
        let kind = match model {
            model::Retriever::Async(model) => Kind::Jobs(Rc::new(Jobs::new(model, setup)?)),
            model::Retriever::Simple(model) => Kind::Pages {
                pages: Rc::new(Pages::new(model, setup)?),
                properties: model.requester.query_properties.as_ref().map(|one| Properties::new(one, setup).map(Rc::new)).transpose()?,
            },
        };
        Ok(Self { kind })
    }

    /// Begins a slice.
    ///
    /// # Errors
    /// What the slice carries cannot be used.
    pub fn walk(&self, slice: Slice, inject: Inject) -> Result<Walk, Failure> {
        let kind = match &self.kind {
            Kind::Jobs(jobs) => WalkKind::Job(Box::new(JobWalk::new(Rc::clone(jobs), slice))),
            Kind::Pages { pages, properties } => {
                let walk = PageWalk::new(Rc::clone(pages), slice, inject);
                match properties.as_ref().filter(|_| pages.plan.get().is_none()) {
                    None => WalkKind::Pages(Box::new(walk)),
                    Some(properties) => match &properties.endpoint {
                        None => {
                            let PropertyList::Fixed(fields) = &properties.model.list else { return Err(system("no fields to ask for")) };
                            let plan = Plan::new(&properties.model, fields, properties.configured.as_deref());
                            let _ = pages.plan.set(plan);
                            WalkKind::Pages(Box::new(walk))
                        }
                        Some((retriever, _)) => WalkKind::Properties {
                            walk: Box::new(retriever.walk(Slice::default(), Rc::new(|_| Options::default()))?),
                            found: Vec::new(),
                            properties: Rc::clone(properties),
                            then: Box::new(walk),
                        },
                    },
                }
            }
        };
        Ok(Walk { kind })
    }
}

impl Properties {
    fn new(model: &QueryProperties, setup: &Setup<'_>) -> Result<Self, Failure> {
        let endpoint = match &model.list {
            PropertyList::Fixed(_) => None,
            PropertyList::Endpoint(endpoint) => {
                let shared: Shared = setup.shared.clone();
                let inner = Setup {
                    name: setup.name,
                    scope: setup.scope,
                    transformations: &[],
                    schema: None,
                    client_side_incremental: false,
                    data_feed: false,
                    properties: None,
                    shared,
                };
                Some((Retriever::new(&endpoint.retriever, &inner)?, endpoint.path.clone()))
            }
        };
        let configured = model.selector.as_ref().and_then(|_| setup.properties.clone());
        Ok(Self { model: model.clone(), configured, endpoint, scope: setup.scope.clone() })
    }

    fn name(&self, record: &Value) -> Result<String, Failure> {
        let texts = self.endpoint.as_ref().map(|(_, path)| path.as_slice()).unwrap_or_default();
        let path = texts.iter().map(|text| text.evaluate_to_text(&self.scope).map_err(|error| template("`property_field_path`", &error)));
        let path: Vec<String> = path.collect::<Result<_, _>>()?;
        Ok(dpath::get(record, &path).map_err(system)?.map_or_else(|| "[]".to_owned(), Value::python_str))
    }
}

impl Walk {
    /// Takes the blind path.
    #[must_use]
    pub fn with_blind(mut self, blind: Rc<Blind>) -> Self {
        match &mut self.kind {
            WalkKind::Pages(walk) => walk.blind = Some(blind),
            WalkKind::Properties { then, .. } => then.blind = Some(blind),
            WalkKind::Job(_) => {}
        }
        self
    }

    /// What it wants next.
    ///
    /// # Errors
    /// The slice cannot be read any further; what was read before holds.
    pub fn next(&mut self, host: &dyn Host) -> Result<Step, Failure> {
        loop {
            match &mut self.kind {
                WalkKind::Pages(walk) => return walk.next(host),
                WalkKind::Job(walk) => return walk.next(host),
                WalkKind::Properties { walk, .. } => match walk.next(host)? {
                    Step::Done => self.properties_known(),
                    step => return Ok(step),
                },
            }
        }
    }

    fn properties_known(&mut self) {
        let empty = WalkKind::Job(Box::new(JobWalk::ended()));
        self.kind = match std::mem::replace(&mut self.kind, empty) {
            WalkKind::Properties { found, properties, then, .. } => {
                let plan = Plan::new(&properties.model, &found, properties.configured.as_deref());
                let _ = then.pages.plan.set(plan);
                WalkKind::Pages(then)
            }
            other => other,
        };
    }

    /// Takes the answer to the request that it asked for.
    ///
    /// # Errors
    /// The slice cannot be read any further; what was read before holds.
    pub fn receive(
        &mut self,
        host: &dyn Host,
        judge: Option<&dyn Judge>,
        answer: Result<Box<dyn Response>, FetchError>,
    ) -> Result<Page, Failure> {
        match &mut self.kind {
            WalkKind::Pages(walk) => walk.receive(host, judge, answer),
            WalkKind::Job(walk) => walk.receive(host, judge, answer),
            WalkKind::Properties { walk, found, properties, .. } => {
                for record in walk.receive(host, None, answer)?.records {
                    if found.len() >= MAXIMUM_PROPERTIES {
                        return Err(system(format!("an endpoint names more than {MAXIMUM_PROPERTIES} fields")));
                    }
                    found.push(properties.name(&record)?);
                }
                Ok(Page::default())
            }
        }
    }
}
