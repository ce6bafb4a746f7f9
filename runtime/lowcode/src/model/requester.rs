//! `HttpRequester`, `RequestOption`, `RequestPath` and bodies.

use crate::fault::Kind;
use crate::host::Method;
use crate::model::authenticator::{Authenticator, Placed, read_placed_authenticator};
use crate::model::error::{ErrorHandler, read_error_handler};
use crate::model::properties::{QueryProperties, read_properties_from_endpoint, read_query_properties};
use crate::model::reader::{Fields, Reader};
use crate::model::text::{Text, Texts};
use crate::value::{Dict, Value};
use crate::yaml::{Content, Node};

/// `HttpRequester`.
#[derive(Clone, Debug)]
pub struct Requester {
    /// The whole address.
    pub url: Option<Text>,
    /// Older form: the address without its path.
    pub url_base: Option<Text>,
    /// What is added to either.
    pub path: Option<Text>,
    /// Request method.
    pub method: Method,
    /// Who asks; none is anonymous.
    pub authenticator: Option<Placed<Authenticator>>,
    /// What becomes of an answer; the default if none.
    pub error_handler: Option<ErrorHandler>,
    /// Query: a mapping, or a text that is ignored as the reference ignores it.
    pub parameters: Option<Texts>,
    /// Headers.
    pub headers: Option<Texts>,
    /// Body.
    pub body: Body,
    /// Which fields are asked for, and in which parameter if it is named.
    pub query_properties: Option<QueryProperties>,
    /// Whether equal requests are sent once; a parent's are unless it says no.
    pub use_cache: Option<bool>,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    None,
    /// A form, or a text as it is.
    Data(Texts),
    /// JSON.
    Json(Texts),
}

/// Where in a request something is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inject {
    /// `request_parameter`.
    Parameter,
    /// `header`.
    Header,
    /// `body_data`.
    BodyData,
    /// `body_json`.
    BodyJson,
}

/// `RequestOption`.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestOption {
    /// Where.
    pub inject: Inject,
    /// Under which name; more than one only in a JSON body.
    pub path: Vec<Text>,
}

/// `RequestOption` or `RequestPath`.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// In the request.
    Option(RequestOption),
    /// Instead of the request's path.
    Path,
}

/// Reads an `HttpRequester`.
pub fn read_requester(node: &Node, reader: &mut Reader) -> Option<Requester> {
    let mut fields = reader.component(node, &["HttpRequester"])?;
    let url = fields.text(reader, "url");
    let url_base = fields.text(reader, "url_base");
    let path = fields.text(reader, "path");
    if url.is_none() && url_base.is_none() {
        reader.fault(node, Kind::Invalid, "`HttpRequester` needs `url` or `url_base`");
        return None;
    }
    let method = read_method(&mut fields, reader);
    let authenticator =
        fields.read(reader, "authenticator", |reader, node| read_placed_authenticator(node, reader, url.as_ref().or(url_base.as_ref())));
    let error_handler = fields.read(reader, "error_handler", |reader, node| read_error_handler(node, reader));
    let (parameters, query_properties) = read_parameters(&mut fields, reader);
    let headers = fields.texts(reader, "request_headers");
    let body = read_body(&mut fields, reader);
    let use_cache = fields.read(reader, "use_cache", Reader::flag);
    fields.ignore(&["connect_timeout_in_seconds", "read_timeout_in_seconds", "use_tcp_keepalive"]);
    fields.end(reader);
    Some(Requester {
        url,
        url_base,
        path,
        method: method?,
        authenticator,
        error_handler,
        parameters,
        headers,
        body: body?,
        query_properties,
        use_cache,
    })
}

fn read_method(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<Method> {
    let Some(node) = fields.get("http_method") else { return Some(Method::Get) };
    reader.inside("http_method", |reader| match reader.word(node)?.as_str() {
        "GET" => Some(Method::Get),
        "POST" => Some(Method::Post),
        "PUT" => Some(Method::Put),
        "PATCH" => Some(Method::Patch),
        "DELETE" => Some(Method::Delete),
        "HEAD" => Some(Method::Head),
        "OPTIONS" => Some(Method::Options),
        _ => {
            reader.fault(node, Kind::Unsupported, "expected GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS");
            None
        }
    })
}

fn read_parameters(fields: &mut Fields<'_>, reader: &mut Reader) -> (Option<Texts>, Option<QueryProperties>) {
    let parameters = fields.parameters.clone();
    let endpoint = fields.read(reader, "fetch_properties_from_endpoint", |reader, node| {
        read_properties_from_endpoint(node, reader).map(QueryProperties::of_endpoint)
    });
    let apart = fields.read(reader, "query_properties", |reader, node| read_query_properties(node, reader));
    let Some(node) = fields.get("request_parameters") else { return (None, endpoint.or(apart)) };
    reader.inside("request_parameters", |reader| {
        let Content::Mapping(mapping) = &node.content else { return (reader.texts(node, &parameters), endpoint.or(apart)) };
        let mut plain = Dict::new();
        let mut named = None;
        for (key, entry) in mapping.entries() {
            let node = &entry.node;
            if node.component_type() == Some("QueryProperties") {
                if named.is_some() {
                    reader.fault(node, Kind::Invalid, "`request_parameters` holds one `QueryProperties` at most");
                }
                named = reader.inside(key, |reader| read_query_properties(node, reader)).map(|mut found| {
                    found.parameter = Some(key.to_string());
                    found
                });
            } else if key.as_ref() != "$parameters" {
                plain.insert(key.clone(), node.to_value());
            }
        }
        match Texts::parse(&Value::Dict(plain.into()), &parameters) {
            Ok(texts) => (Some(texts), named.or(endpoint).or(apart)),
            Err(message) => {
                reader.fault(node, Kind::Syntax, format!("a template cannot be read: {message}"));
                (None, None)
            }
        }
    })
}

fn read_body(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<Body> {
    let mut data = fields.texts(reader, "request_body_data").map(Body::Data);
    let mut json = fields.texts(reader, "request_body_json").map(Body::Json);
    if let Some(node) = fields.get("request_body") {
        match reader.inside("request_body", |reader| read_typed_body(node, reader))? {
            body @ Body::Data(_) => data = Some(body),
            body => json = Some(body),
        }
    }
    match (data, json) {
        (Some(Body::Data(data)), Some(_)) if !is_empty(&data) => {
            reader.fault(fields.node, Kind::Invalid, "a request has either data or JSON as its body, not both");
            None
        }
        (_, Some(json)) => Some(json),
        (Some(data), None) => Some(data),
        (None, None) => Some(Body::None),
    }
}

fn is_empty(texts: &Texts) -> bool {
    match texts {
        Texts::Mapping(entries) => entries.is_empty(),
        Texts::List(items) => items.is_empty(),
        Texts::Text(text) => text.source().is_empty(),
    }
}

fn read_typed_body(node: &Node, reader: &mut Reader) -> Option<Body> {
    let kinds = ["RequestBodyPlainText", "RequestBodyUrlEncodedForm", "RequestBodyJsonObject", "RequestBodyGraphQL"];
    let mut fields = reader.component(node, &kinds)?;
    let kind = fields.kind;
    let parameters = fields.parameters.clone();
    let texts = fields.require(reader, "value", |reader, node| reader.texts(node, &parameters));
    fields.end(reader);
    Some(match kind {
        "RequestBodyPlainText" | "RequestBodyUrlEncodedForm" => Body::Data(texts?),
        _ => Body::Json(texts?),
    })
}

/// Reads a `RequestOption`.
pub fn read_request_option(node: &Node, reader: &mut Reader) -> Option<RequestOption> {
    let mut fields = reader.component(node, &["RequestOption"])?;
    let inject = fields.require_word(reader, "inject_into");
    let name = fields.text(reader, "field_name");
    let path = fields.text_list(reader, "field_path");
    fields.end(reader);
    let inject = match inject?.as_str() {
        "request_parameter" => Inject::Parameter,
        "header" => Inject::Header,
        "body_data" => Inject::BodyData,
        "body_json" => Inject::BodyJson,
        _ => {
            reader.fault(node, Kind::Unsupported, "`inject_into` is request_parameter, header, body_data or body_json");
            return None;
        }
    };
    let path = match (name, path) {
        (Some(name), path) if path.is_empty() => vec![name],
        (None, path) if !path.is_empty() && (path.len() == 1 || inject == Inject::BodyJson) => path,
        _ => {
            reader.fault(node, Kind::Invalid, "needs either `field_name` or, in a JSON body only, `field_path`");
            return None;
        }
    };
    Some(RequestOption { inject, path })
}

/// Reads a `RequestOption` or `RequestPath`.
pub fn read_target(node: &Node, reader: &mut Reader) -> Option<Target> {
    if node.component_type() == Some("RequestPath") {
        let mut fields = reader.component(node, &["RequestPath"])?;
        fields.ignore(&["inject_into", "field_name"]);
        fields.end(reader);
        return Some(Target::Path);
    }
    read_request_option(node, reader).map(Target::Option)
}
