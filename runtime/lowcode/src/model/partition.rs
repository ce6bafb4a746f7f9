//! Partition routers as data: lists, parent streams, groups and unions of them. Evaluates nothing.

use crate::fault::Kind;
use crate::model::reader::{Fields, Reader};
use crate::model::requester::{RequestOption, read_request_option};
use crate::model::stream::{AnyStream, one_or_many, read_any_stream};
use crate::model::text::Text;
use crate::yaml::{Content, Node};

/// What splits a stream into partitions.
#[derive(Clone, Debug)]
pub enum PartitionRouter {
    /// One partition for each value of a list.
    List(ListRouter),
    /// One partition for each record of parent streams.
    Substream(SubstreamRouter),
    /// Several partitions in one.
    Grouping(GroupingRouter),
    /// Partitions of several routers, each value once.
    Union(UnionRouter),
}

/// `ListPartitionRouter`.
#[derive(Clone, Debug)]
pub struct ListRouter {
    /// The values, or one template that gives a list.
    pub values: ListValues,
    /// The name of the value in a slice.
    pub field: Text,
    /// Where the value goes in a request.
    pub option: Option<RequestOption>,
}

/// What a list is made of.
#[derive(Clone, Debug)]
pub enum ListValues {
    /// As they stand.
    Fixed(Vec<String>),
    /// A template that gives a list.
    Template(Text),
}

/// `SubstreamPartitionRouter`.
#[derive(Clone, Debug)]
pub struct SubstreamRouter {
    /// Read one after another.
    pub parents: Vec<Parent>,
}

/// `ParentStreamConfig`.
#[derive(Clone, Debug)]
pub struct Parent {
    /// The parent.
    pub stream: AnyStream,
    /// Path to the value in a parent's record, with slashes.
    pub key: Text,
    /// The name of the value in a slice.
    pub field: Text,
    /// Paths to other values of a parent's record.
    pub extra_fields: Vec<Vec<Text>>,
    /// Where the value goes in a request.
    pub option: Option<RequestOption>,
    /// Whether the parent's state is kept in the child's.
    pub incremental_dependency: bool,
    /// Where a parent's record holds the child's first page.
    pub lazy_read_pointer: Vec<Text>,
}

/// `GroupingPartitionRouter`.
#[derive(Clone, Debug)]
pub struct GroupingRouter {
    /// Partitions in a group.
    pub size: usize,
    /// Where they come from.
    pub of: Box<PartitionRouter>,
    /// Whether a value comes once only.
    pub deduplicate: bool,
}

/// `UnionPartitionRouter`.
#[derive(Clone, Debug)]
pub struct UnionRouter {
    /// Where they come from.
    pub of: Vec<PartitionRouter>,
    /// The name of the value in a slice.
    pub field: Text,
}

impl PartitionRouter {
    /// The parents in it, however deep.
    #[must_use]
    pub fn parents(&self) -> Vec<&Parent> {
        match self {
            Self::List(_) => Vec::new(),
            Self::Substream(router) => router.parents.iter().collect(),
            Self::Grouping(router) => router.of.parents(),
            Self::Union(router) => router.of.iter().flat_map(Self::parents).collect(),
        }
    }

    fn has_option(&self) -> bool {
        match self {
            Self::List(router) => router.option.is_some(),
            Self::Substream(router) => router.parents.iter().any(|parent| parent.option.is_some()),
            Self::Grouping(_) | Self::Union(_) => false,
        }
    }
}

/// Reads a partition router.
pub fn read_partition_router(node: &Node, reader: &mut Reader) -> Option<PartitionRouter> {
    let kinds = ["ListPartitionRouter", "SubstreamPartitionRouter", "GroupingPartitionRouter", "UnionPartitionRouter"];
    let fields = reader.component(node, &kinds)?;
    match fields.kind {
        "ListPartitionRouter" => read_list(fields, reader).map(PartitionRouter::List),
        "SubstreamPartitionRouter" => read_substream(fields, reader).map(PartitionRouter::Substream),
        "GroupingPartitionRouter" => read_grouping(fields, reader).map(PartitionRouter::Grouping),
        _ => read_union(fields, reader).map(PartitionRouter::Union),
    }
}

fn read_list(mut fields: Fields<'_>, reader: &mut Reader) -> Option<ListRouter> {
    let parameters = fields.parameters.clone();
    let field = fields.require_text(reader, "cursor_field");
    let values = fields.require(reader, "values", |reader, node| match &node.content {
        Content::Sequence(_) => Some(ListValues::Fixed(reader.items(node, Reader::word))),
        _ => reader.text(node, &parameters).map(ListValues::Template),
    });
    let option = fields.read(reader, "request_option", |reader, node| read_request_option(node, reader));
    fields.end(reader);
    Some(ListRouter { values: values?, field: field?, option })
}

fn read_substream(mut fields: Fields<'_>, reader: &mut Reader) -> Option<SubstreamRouter> {
    let before = reader.faults.len();
    let parents =
        fields.require(reader, "parent_stream_configs", |reader, node| Some(one_or_many(node, reader, read_parent))).unwrap_or_default();
    let node = fields.node;
    fields.end(reader);
    if parents.is_empty() {
        if reader.faults.len() == before {
            reader.fault(node, Kind::Invalid, "`SubstreamPartitionRouter` needs at least one parent stream");
        }
        return None;
    }
    Some(SubstreamRouter { parents })
}

fn read_parent(node: &Node, reader: &mut Reader) -> Option<Parent> {
    let mut fields = reader.component(node, &["ParentStreamConfig"])?;
    let parameters = fields.parameters.clone();
    let stream = fields.require(reader, "stream", |reader, node| read_any_stream(node, reader));
    let key = fields.require_text(reader, "parent_key");
    let field = fields.require_text(reader, "partition_field");
    let extra_fields =
        fields.each(reader, "extra_fields", |reader, node| Some(reader.items(node, |reader, node| reader.text(node, &parameters))));
    let option = fields.read(reader, "request_option", |reader, node| read_request_option(node, reader));
    let incremental_dependency = fields.flag(reader, "incremental_dependency", false);
    let lazy_read_pointer = fields.text_list(reader, "lazy_read_pointer");
    fields.end(reader);
    if lazy_read_pointer.iter().any(|step| step.source().contains('*')) {
        reader.fault(node, Kind::Invalid, "`lazy_read_pointer` takes plain names, no `*`");
        return None;
    }
    Some(Parent { stream: stream?, key: key?, field: field?, extra_fields, option, incremental_dependency, lazy_read_pointer })
}

fn read_grouping(mut fields: Fields<'_>, reader: &mut Reader) -> Option<GroupingRouter> {
    let size = fields.require(reader, "group_size", Reader::integer);
    let of = fields.require(reader, "underlying_partition_router", |reader, node| read_partition_router(node, reader));
    let deduplicate = fields.flag(reader, "deduplicate", true);
    let node = fields.node;
    fields.end(reader);
    let (size, of) = (size?, of?);
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        reader.fault(node, Kind::Invalid, "`group_size` is at least 1");
        return None;
    };
    refuse_options(node, reader, std::slice::from_ref(&of))?;
    Some(GroupingRouter { size, of: Box::new(of), deduplicate })
}

fn read_union(mut fields: Fields<'_>, reader: &mut Reader) -> Option<UnionRouter> {
    let before = reader.faults.len();
    let of = fields.each(reader, "partition_routers", |reader, node| read_partition_router(node, reader));
    let field = fields.require_text(reader, "partition_field");
    let node = fields.node;
    fields.end(reader);
    if of.len() < 2 {
        if reader.faults.len() == before {
            reader.fault(node, Kind::Invalid, "`UnionPartitionRouter` needs at least two partition routers");
        }
        return None;
    }
    refuse_options(node, reader, &of)?;
    Some(UnionRouter { of, field: field? })
}

/// Groups and unions cannot say which of their parts a request belongs to.
fn refuse_options(node: &Node, reader: &mut Reader, routers: &[PartitionRouter]) -> Option<()> {
    if routers.iter().any(PartitionRouter::has_option) {
        reader.fault(node, Kind::Invalid, "a group or union of partition routers takes no `request_option` inside");
        return None;
    }
    Some(())
}
