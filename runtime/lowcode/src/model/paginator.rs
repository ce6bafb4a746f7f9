//! Paginators and their strategies.

use crate::fault::Kind;
use crate::model::reader::{Fields, Reader};
use crate::model::requester::{RequestOption, Target, read_request_option, read_target};
use crate::model::text::Text;
use crate::value::Value;
use crate::yaml::Node;

/// How the next page is found.
#[derive(Clone, Debug)]
pub enum Paginator {
    /// `NoPagination`, or none at all.
    None,
    /// `DefaultPaginator`.
    Default(Box<DefaultPaginator>),
}

/// `DefaultPaginator`.
#[derive(Clone, Debug)]
pub struct DefaultPaginator {
    /// Where the page size goes.
    pub page_size_option: Option<RequestOption>,
    /// Where the token goes.
    pub page_token_option: Option<Target>,
    /// How the token is made.
    pub strategy: Strategy,
}

/// How the token of the next page is made.
#[derive(Clone, Debug)]
pub enum Strategy {
    /// `PageIncrement`.
    Page {
        /// As written; a template that gives a whole number.
        page_size: Option<Text>,
        /// First page.
        start: i64,
        /// Whether the first request names its page.
        inject_on_first_request: bool,
    },
    /// `OffsetIncrement`.
    Offset {
        /// As written; a template that gives a whole number.
        page_size: Option<Text>,
        /// Whether the first request names its offset.
        inject_on_first_request: bool,
    },
    /// `CursorPagination`.
    Cursor {
        /// The token.
        cursor_value: Text,
        /// As written; a template that gives a whole number.
        page_size: Option<Text>,
        /// When there are no more pages.
        stop_condition: Option<Text>,
    },
}

impl Strategy {
    /// The page size as written.
    #[must_use]
    pub fn page_size(&self) -> Option<&Text> {
        match self {
            Self::Page { page_size, .. } | Self::Offset { page_size, .. } | Self::Cursor { page_size, .. } => page_size.as_ref(),
        }
    }
}

/// Reads a paginator.
pub fn read_paginator(node: &Node, reader: &mut Reader) -> Option<Paginator> {
    let mut fields = reader.component(node, &["DefaultPaginator", "NoPagination"])?;
    if fields.kind == "NoPagination" {
        fields.end(reader);
        return Some(Paginator::None);
    }
    let page_size_option = fields.read(reader, "page_size_option", |reader, node| read_request_option(node, reader));
    let page_token_option = fields.read(reader, "page_token_option", |reader, node| read_target(node, reader));
    let strategy = fields.require(reader, "pagination_strategy", |reader, node| read_strategy(node, reader))?;
    fields.end(reader);
    if page_size_option.is_some() && strategy.page_size().is_none() {
        reader.fault(node, Kind::Invalid, "`page_size_option` needs a strategy with a `page_size`");
        return None;
    }
    Some(Paginator::Default(Box::new(DefaultPaginator { page_size_option, page_token_option, strategy })))
}

fn read_strategy(node: &Node, reader: &mut Reader) -> Option<Strategy> {
    let mut fields = reader.component(node, &["PageIncrement", "OffsetIncrement", "CursorPagination"])?;
    let page_size = read_page_size(&mut fields, reader);
    let strategy = match fields.kind {
        "PageIncrement" => Some(Strategy::Page {
            page_size,
            start: fields.integer(reader, "start_from_page").unwrap_or(0),
            inject_on_first_request: fields.flag(reader, "inject_on_first_request", false),
        }),
        "OffsetIncrement" => {
            Some(Strategy::Offset { page_size, inject_on_first_request: fields.flag(reader, "inject_on_first_request", false) })
        }
        _ => {
            let stop_condition = fields.text(reader, "stop_condition");
            let cursor_value = fields.require_text(reader, "cursor_value");
            cursor_value.map(|cursor_value| Strategy::Cursor { cursor_value, page_size, stop_condition })
        }
    };
    fields.end(reader);
    strategy
}

fn read_page_size(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<Text> {
    let text = fields.text(reader, "page_size")?;
    let digits = !text.source().is_empty() && text.source().bytes().all(|byte| byte.is_ascii_digit());
    match text.source().parse() {
        Ok(number) if digits => Some(Text::constant(Value::Int(number))),
        _ => Some(text),
    }
}
