//! Which places of a configuration hold secrets: those that the specification marks, and those that authenticators send as secrets.

use std::collections::BTreeMap;

use crate::load::Manifest;
use crate::template::{Step, Template, Use};
use crate::value::Value;
use crate::yaml::{Content, Node};

use super::walk::{self, Visit};

/// A place of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretPath {
    /// Its keys; `*` is any item of a list.
    pub steps: Vec<String>,
    /// Who says so.
    pub why: Why,
}

/// Why a place is secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// `airbyte_secret` in the specification.
    Marked,
    /// An authenticator's secret field; where it stands.
    Authenticator(String),
}

impl SecretPath {
    /// With dots.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.steps.join(".")
    }
}

/// All secret places, in order, each once.
#[must_use]
pub fn secret_paths(manifest: &Manifest) -> Vec<SecretPath> {
    let mut found: BTreeMap<Vec<String>, Why> = BTreeMap::new();
    if let Some(specification) = manifest.spec().and_then(|spec| spec.get("connection_specification")) {
        marked(specification, &mut Vec::new(), &mut |path| {
            found.entry(path.to_vec()).or_insert(Why::Marked);
        });
    }
    let mut in_addresses = Vec::new();
    let mut sent = Vec::new();
    walk::components(manifest.root(), &mut |visit| {
        for field in ["url", "url_base", "token_refresh_endpoint"] {
            in_addresses.extend(paths_in(visit, field));
        }
        of_authenticator(visit, &mut sent);
    });
    for Sent { place, paths } in sent {
        // Beside a marked secret, the rest of a field is a user or a switch; what is part of an address is known to everyone.
        if !paths.iter().any(|path| found.get(path) == Some(&Why::Marked)) {
            for path in paths.into_iter().filter(|path| !in_addresses.contains(path)) {
                found.entry(path).or_insert_with(|| Why::Authenticator(place.clone()));
            }
        }
    }
    let all: Vec<Vec<String>> = found.keys().cloned().collect();
    // What lies within a secret is secret anyway.
    found.retain(|path, _| !all.iter().any(|other| other.len() < path.len() && path.starts_with(other)));
    found.into_iter().map(|(steps, why)| SecretPath { steps, why }).collect()
}

/// Looks for `airbyte_secret` in a JSON schema, alternatives included.
fn marked(schema: &Node, path: &mut Vec<String>, see: &mut dyn FnMut(&[String])) {
    if schema.get("airbyte_secret").and_then(Node::as_scalar) == Some(&Value::Bool(true)) && !path.is_empty() {
        see(path);
    }
    for (name, property) in schema.get("properties").and_then(Node::entries).into_iter().flatten() {
        path.push(name.to_string());
        marked(&property.node, path, see);
        path.pop();
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for alternative in schema.get(keyword).and_then(Node::items).unwrap_or_default() {
            marked(alternative, path, see);
        }
    }
    if let Some(items) = schema.get("items") {
        path.push("*".to_owned());
        for schema in items.items().unwrap_or(std::slice::from_ref(items)) {
            marked(schema, path, see);
        }
        path.pop();
    }
}

/// The fields of authenticators that hold what must not be known.
fn secret_fields(visit: &Visit<'_>) -> Vec<&'static str> {
    match visit.kind {
        "ApiKeyAuthenticator" | "BearerAuthenticator" => vec!["api_token"],
        // Many APIs take the key as the user, with no password.
        "BasicHttpAuthenticator" if !visit.node.get("password").and_then(Node::as_str).is_some_and(|text| text.contains("config")) => {
            vec!["username"]
        }
        "BasicHttpAuthenticator" => vec!["password"],
        "OAuthAuthenticator" => vec!["client_secret", "refresh_token", "access_token_value"],
        "JwtAuthenticator" => vec!["secret_key", "passphrase"],
        "LegacySessionTokenAuthenticator" => vec!["session_token", "password"],
        _ => Vec::new(),
    }
}

/// A secret field and the places of the configuration that it reads.
struct Sent {
    place: String,
    paths: Vec<Vec<String>>,
}

fn paths_in(visit: &Visit<'_>, field: &str) -> Vec<Vec<String>> {
    let template = visit.node.get(field).and_then(Node::as_str).and_then(|text| Template::parse(text).ok());
    template.map(|template| config_paths(template.uses())).unwrap_or_default()
}

fn of_authenticator(visit: &Visit<'_>, sent: &mut Vec<Sent>) {
    for field in secret_fields(visit) {
        sent.push(Sent { place: format!("{}.{field}", visit.path), paths: paths_in(visit, field) });
    }
    let Some(updater) = visit.node.get("refresh_token_updater").filter(|updater| updater.entries().is_some()) else { return };
    for (field, default) in [("refresh_token_config_path", "refresh_token"), ("access_token_config_path", "access_token")] {
        let path = updater.get(field).and_then(Node::items).map(|items| items.iter().filter_map(Node::as_str).map(str::to_owned).collect());
        let path = path.unwrap_or_else(|| vec!["credentials".to_owned(), default.to_owned()]);
        sent.push(Sent { place: format!("{}.refresh_token_updater", visit.path), paths: vec![path] });
    }
}

/// The places of the configuration that are read, without those that are the configuration as a whole.
#[must_use]
pub fn config_paths(uses: &[Use]) -> Vec<Vec<String>> {
    uses.iter()
        .filter(|one| one.root == "config" && !one.steps.is_empty())
        .map(|one| {
            one.steps
                .iter()
                .map(|step| match step {
                    Step::Key(key) => key.clone(),
                    Step::Index(_) => "*".to_owned(),
                })
                .collect()
        })
        .collect()
}

/// Whether what a template reads touches one of the secrets: the secret itself, something in it, or what holds it, which shows it when printed.
pub fn is_secret_use(one: &Use, secrets: &[SecretPath]) -> bool {
    if one.root != "config" {
        return false;
    }
    let read = config_paths(std::slice::from_ref(one)).pop().unwrap_or_default();
    secrets.iter().any(|secret| read.iter().zip(&secret.steps).all(|(left, right)| left == right || left == "*" || right == "*"))
}

/// Whether a node is an authenticator: those are run outside of the sandbox with the real configuration.
pub fn is_authenticator(key: &str, node: &Node) -> bool {
    let is_component = matches!(node.content, Content::Mapping(_));
    is_component
        && (key == "authenticator" || node.component_type().is_some_and(|kind| kind.ends_with("Authenticator") || kind == "NoAuth"))
}
