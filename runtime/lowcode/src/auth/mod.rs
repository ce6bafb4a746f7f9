//! Authenticators at work: what is put into a request, and which requests of its own an authenticator needs for that.
//!
//! Sends nothing and waits for nothing: a [`Provider`] says what it needs, its owner does it. Runs outside of the sandbox, over the real
//! configuration. Invariant: no text of a [`Failed`] holds a value of the configuration or of an answer.

mod injection;
mod jwt;
mod login;
mod oauth;
mod session;
mod sign;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::host::Request;
use crate::model::authenticator::{ApiKey, Authenticator, Jwt};
use crate::model::requester::RequestOption;
use crate::model::text::{Text, Texts};
use crate::template::Scope;
use crate::value::Value;

pub use injection::{Clash, Injection};

use oauth::OAuthProvider;
use session::{LegacyProvider, SessionProvider};

/// Why a credential cannot be made ready. Holds no value of the configuration and of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// `config_error` if true, else `system_error`.
    pub config: bool,
    /// What happened.
    pub message: String,
}

impl Failed {
    fn system(message: impl Into<String>) -> Self {
        Self { config: false, message: message.into() }
    }

    fn config(message: impl Into<String>) -> Self {
        Self { config: true, message: message.into() }
    }
}

/// What a provider needs before a request can go out.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    /// Nothing: this is to be put in.
    Ready(Injection),
    /// This request's answer, by [`Provider::answer`] or [`Provider::lost`].
    Request(Request),
    /// Time to pass, in seconds; then [`Provider::next`] again.
    Wait(f64),
    /// It will not get ready.
    Failed(Failed),
}

/// An answer to a request of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A change of the configuration that must outlive the run: a refresh token that serves once has a successor.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Where in the configuration.
    pub path: Vec<String>,
    /// What is to stand there.
    pub value: Value,
    /// Without it the next run cannot begin: the refresh token itself.
    pub lasting: bool,
}

/// One authenticator of one place in a manifest, with the tokens that it has got so far.
pub struct Provider {
    kind: Kind,
    config: Value,
}

enum Kind {
    None,
    ApiKey(Arc<ApiKey>),
    Bearer(Text),
    Basic(Text, Option<Text>),
    Jwt(Arc<Jwt>),
    OAuth(Box<OAuthProvider>),
    Session(Box<SessionProvider>),
    Legacy(Box<LegacyProvider>),
}

impl Provider {
    /// For an authenticator and the real configuration.
    ///
    /// # Errors
    /// The configuration does not fit the authenticator.
    pub fn new(authenticator: &Authenticator, config: Value) -> Result<Self, Failed> {
        let kind = match select(authenticator, &config, 0)? {
            // `select` leaves none.
            Authenticator::None | Authenticator::Selective { .. } => Kind::None,
            Authenticator::ApiKey(key) => Kind::ApiKey(Arc::new(key.clone())),
            Authenticator::Bearer { token } => Kind::Bearer(token.clone()),
            Authenticator::Basic { username, password } => Kind::Basic(username.clone(), password.clone()),
            Authenticator::Jwt(jwt) => Kind::Jwt(Arc::new(jwt.as_ref().clone())),
            Authenticator::OAuth(oauth) => Kind::OAuth(Box::new(OAuthProvider::new(oauth.as_ref().clone(), &config)?)),
            Authenticator::SessionToken(session) => Kind::Session(Box::new(SessionProvider::new(session.as_ref().clone(), &config)?)),
            Authenticator::LegacySessionToken(session) => Kind::Legacy(Box::new(LegacyProvider::new(session.as_ref().clone()))),
        };
        Ok(Self { kind, config })
    }

    /// A request is about to be sent. `repeated`: it was sent before and is sent again, which asks some authenticators less often.
    pub fn begin(&mut self, repeated: bool) {
        match &mut self.kind {
            Kind::Session(session) => session.begin(repeated),
            Kind::Legacy(session) => session.begin(repeated),
            _ => {}
        }
    }

    /// What is needed now. The time is in microseconds since 1970.
    pub fn next(&mut self, now_micros: i64) -> Need {
        let scope = scope(now_micros, &self.config);
        let ready = match &mut self.kind {
            Kind::OAuth(oauth) => return oauth.next(now_micros, &self.config),
            Kind::Session(session) => return session.next(now_micros, &self.config),
            Kind::Legacy(session) => return session.next(now_micros, &self.config),
            Kind::None => Ok(Injection::default()),
            Kind::ApiKey(key) => api_key(key, &scope),
            Kind::Bearer(token) => {
                text(token, &scope, "api_token").map(|token| Injection::header("Authorization", format!("Bearer {token}"), [token]))
            }
            Kind::Basic(username, password) => basic(username, password.as_ref(), &scope),
            Kind::Jwt(jwt) => jwt::injection(jwt, &scope),
        };
        ready.map_or_else(Need::Failed, Need::Ready)
    }

    /// The answer to the request that [`Provider::next`] asked for.
    pub fn answer(&mut self, now_micros: i64, answer: &Answer) {
        match &mut self.kind {
            Kind::OAuth(oauth) => oauth.answer(now_micros, answer, &self.config),
            Kind::Session(session) => session.answer(now_micros, answer, &self.config),
            Kind::Legacy(session) => session.answer(now_micros, answer, &self.config),
            _ => {}
        }
    }

    /// The request that [`Provider::next`] asked for has no answer. The reason holds no secret.
    pub fn lost(&mut self, now_micros: i64, reason: &str) {
        match &mut self.kind {
            Kind::OAuth(oauth) => oauth.lost(now_micros, reason),
            Kind::Session(session) => session.lost(reason),
            Kind::Legacy(session) => session.lost(reason),
            _ => {}
        }
    }

    /// The API rejects the token: the next one is to be got anew. False: there is none to be got.
    pub fn renew(&mut self) -> bool {
        match &mut self.kind {
            Kind::OAuth(oauth) => oauth.renew(),
            _ => false,
        }
    }

    /// What the configuration has to remember from now on; the provider itself does already.
    pub fn take_updates(&mut self) -> Vec<Update> {
        match &mut self.kind {
            Kind::OAuth(oauth) => oauth.take_updates(),
            _ => Vec::new(),
        }
    }

    /// The configuration as another provider has changed it.
    pub fn set_config(&mut self, config: Value) {
        self.config = config;
        if let Kind::OAuth(oauth) = &mut self.kind {
            oauth.forget_own();
        }
    }
}

/// The authenticator that the configuration chooses.
fn select<'a>(authenticator: &'a Authenticator, config: &Value, depth: usize) -> Result<&'a Authenticator, Failed> {
    let Authenticator::Selective { selection_path, authenticators } = authenticator else { return Ok(authenticator) };
    let chosen = at(config, selection_path).filter(|_| depth < MAX_CHOICES);
    let chosen = chosen.ok_or_else(|| Failed::system("The path from `authenticator_selection_path` is not found in the config."))?;
    let name = chosen.python_str();
    let found = authenticators.iter().find(|(known, _)| *known == name);
    let (_, found) = found.ok_or_else(|| Failed::system("The authenticator that the config selects is not among `authenticators`."))?;
    select(found, config, depth + 1)
}

/// Choices inside of choices.
const MAX_CHOICES: usize = 16;

fn api_key(key: &ApiKey, scope: &Scope) -> Result<Injection, Failed> {
    let token = text(&key.token, scope, "api_token")?;
    place(&key.inject, scope, token.clone(), [token])
}

fn basic(username: &Text, password: Option<&Text>, scope: &Scope) -> Result<Injection, Failed> {
    let username = text(username, scope, "username")?;
    let password = password.map_or_else(|| Ok(String::new()), |password| text(password, scope, "password"))?;
    let encoded = data_encoding::BASE64.encode(format!("{username}:{password}").as_bytes());
    // A user's name is no secret by itself: blackening it would blacken records. Where it is one, the configuration says so.
    Ok(Injection::header("Authorization", format!("Basic {encoded}"), [encoded, password]))
}

/// A value at the place that a request option names.
fn place<const N: usize>(option: &RequestOption, scope: &Scope, value: String, secrets: [String; N]) -> Result<Injection, Failed> {
    let path = option.path.iter().map(|step| text(step, scope, "field_name")).collect::<Result<Vec<_>, _>>()?;
    Ok(Injection::at(option.inject, path, value, secrets))
}

fn scope(now_micros: i64, config: &Value) -> Scope {
    Scope::new(now_micros).with("config", config.clone())
}

/// A template's value as text. `name` is all that an error may tell.
fn text(text: &Text, scope: &Scope, name: &str) -> Result<String, Failed> {
    text.evaluate_to_text(scope).map_err(|error| Failed::system(format!("`{name}` of an authenticator has no value: {error}")))
}

fn tree(texts: &Texts, scope: &Scope, name: &str) -> Result<Value, Failed> {
    let value = texts.evaluate_flat(scope, crate::template::Types::ANY);
    value.map_err(|error| Failed::system(format!("`{name}` of an authenticator has no value: {error}")))
}

/// Whether a flag is on the way the reference has it here: a text that is not empty, whatever it says, or `true`.
fn is_set(flag: Option<&Text>) -> bool {
    flag.is_some_and(|flag| flag.value().is_truthy())
}

/// The value at a path of a tree; numbers are indices of lists.
fn at<'a, S: AsRef<str>>(value: &'a Value, path: &[S]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match value.as_items() {
        Some(items) => items.get(step.as_ref().parse::<usize>().ok()?),
        None => value.get(step.as_ref()),
    })
}

/// What the language says of a status that no rule names.
fn of_status(status: u16) -> Failed {
    let (config, what) = match status {
        400 => (false, "Bad request. Please check your request parameters."),
        401 => (true, "Unauthorized. Please ensure you are authenticated correctly."),
        403 => (true, "Forbidden. You don't have permission to access this resource."),
        404 => (false, "Not found. The requested resource was not found on the server."),
        405 => (false, "Method not allowed. Please check your request method."),
        408 => (false, "Request timeout."),
        429 => (false, "Too many requests."),
        500 => (false, "Internal server error."),
        502 => (false, "Bad gateway."),
        503 => (false, "Service unavailable."),
        504 => (false, "Gateway timeout."),
        _ => (false, "The login was not successful."),
    };
    Failed { config, message: format!("HTTP Status Code: {status}. Error: {what}") }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::None => "NoAuth",
            Kind::ApiKey(_) => "ApiKey",
            Kind::Bearer(_) => "Bearer",
            Kind::Basic(..) => "Basic",
            Kind::Jwt(_) => "Jwt",
            Kind::OAuth(_) => "OAuth",
            Kind::Session(_) => "SessionToken",
            Kind::Legacy(_) => "LegacySessionToken",
        };
        out.debug_struct("Provider").field("kind", &kind).finish_non_exhaustive()
    }
}
