//! Session tokens: a login gives them, requests carry them. The older form also asks whether a given token is still good.
//!
//! Without a duration the reference logs in whenever a token is looked at, several times for one request; so does this.

use crate::auth::injection::{Injection, set_content_type};
use crate::auth::login::{self, Patience};
use crate::auth::{Answer, Failed, Need, Provider, at, of_status, place, scope, text};
use crate::host::{Method, Request};
use crate::model::authenticator::{LegacySessionToken, SessionRequest, SessionToken};
use crate::model::decoder::Decoder;
use crate::model::requester::Inject;
use crate::template::Scope;
use crate::value::datetime::{Moment, Span};
use crate::value::{Dict, Value};

const DAY_MICROS: i64 = 86_400_000_000;

/// Whose answer is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nobody,
    /// The login's own authenticator.
    Inner,
    /// The login, or the question whether a token is good.
    Own,
}

pub(super) struct SessionProvider {
    session: SessionToken,
    inner: Provider,
    lasting: Option<Span>,
    token: Option<Value>,
    expiry: Option<Moment>,
    /// Logins that the present request takes.
    due: u32,
    asked: Asked,
    patience: Patience,
    trouble: Option<Failed>,
}

impl SessionProvider {
    pub(super) fn new(session: SessionToken, config: &Value) -> Result<Self, Failed> {
        let none = crate::model::authenticator::Authenticator::None;
        let inner = session.login_requester.authenticator.as_ref().map_or(&none, |placed| &placed.component);
        let inner = Provider::new(inner, config.clone())?;
        if !matches!(session.decoder, Decoder::Json) {
            return Err(Failed::system("A login whose answer is not JSON is not supported."));
        }
        let lasting =
            session.expiration_duration.as_ref().map(|lasting| text(lasting, &scope(0, config), "expiration_duration")).transpose()?;
        let lasting = lasting.filter(|lasting| !lasting.is_empty()).map(|lasting| Span::parse_iso(&lasting)).transpose();
        let lasting = lasting.map_err(|_| Failed::system("`expiration_duration` is not an ISO 8601 duration."))?;
        let (token, expiry, trouble) = (None, None, None);
        Ok(Self { session, inner, lasting, token, expiry, due: 0, asked: Asked::Nobody, patience: Patience::default(), trouble })
    }

    pub(super) fn begin(&mut self, repeated: bool) {
        self.due = match (&self.lasting, &self.session.request_authentication) {
            (Some(_), _) => 0,
            (None, SessionRequest::Bearer) => {
                if repeated {
                    1
                } else {
                    2
                }
            }
            (None, SessionRequest::ApiKey(key)) if key.inject.inject == Inject::Header => {
                if repeated {
                    3
                } else {
                    6
                }
            }
            (None, SessionRequest::ApiKey(_)) => u32::from(!repeated),
        };
        if self.due > 0 || self.token.is_none() {
            self.inner.begin(false);
        }
    }

    pub(super) fn next(&mut self, now_micros: i64, config: &Value) -> Need {
        if let Some(failed) = self.trouble.take() {
            self.due = 0;
            return Need::Failed(failed);
        }
        if let Some(seconds) = self.patience.take_pause() {
            return Need::Wait(seconds);
        }
        let now = Moment::from_utc_micros(now_micros);
        let expired = self.lasting.is_some() && self.expiry.is_none_or(|expiry| expiry.utc_micros() < now.utc_micros());
        match &self.token {
            Some(token) if self.due == 0 && !expired => {
                self.injection(token, &scope(now_micros, config)).map_or_else(Need::Failed, Need::Ready)
            }
            _ => self.login(now_micros, config),
        }
    }

    fn login(&mut self, now_micros: i64, config: &Value) -> Need {
        let injection = match self.inner.next(now_micros) {
            Need::Ready(injection) => injection,
            Need::Request(request) => {
                self.asked = Asked::Inner;
                return Need::Request(request);
            }
            other => return other,
        };
        let mut request = match login::request(&self.session.login_requester, &scope(now_micros, config)) {
            Ok(request) => request,
            Err(failed) => return Need::Failed(failed),
        };
        if let Err(clash) = injection.apply(&mut request) {
            return Need::Failed(Failed::system(clash.0));
        }
        self.asked = Asked::Own;
        Need::Request(request)
    }

    fn injection(&self, token: &Value, scope: &Scope) -> Result<Injection, Failed> {
        let plain = token.python_str();
        match &self.session.request_authentication {
            SessionRequest::Bearer => Ok(Injection::header("Authorization", format!("Bearer {plain}"), [plain])),
            SessionRequest::ApiKey(key) => {
                let value = text(&key.token, &scope.with("session_token", token.clone()), "api_token")?;
                place(&key.inject, scope, value, [plain])
            }
        }
    }

    pub(super) fn answer(&mut self, now_micros: i64, answer: &Answer, _config: &Value) {
        match std::mem::replace(&mut self.asked, Asked::Nobody) {
            Asked::Nobody => {}
            Asked::Inner => self.inner.answer(now_micros, answer),
            Asked::Own if (200..400).contains(&answer.status) => match self.take(now_micros, &answer.body) {
                Ok(()) => self.patience.done(),
                Err(failed) => self.trouble = Some(failed),
            },
            Asked::Own => {
                if !login::is_passing(answer.status) || !self.patience.again() {
                    self.trouble = Some(of_status(answer.status));
                }
            }
        }
    }

    fn take(&mut self, now_micros: i64, body: &[u8]) -> Result<(), Failed> {
        let content = Value::from_json(body).unwrap_or_else(|_| Value::dict(Dict::new()));
        // A list is taken for its first item.
        let content = content.as_items().and_then(|items| items.first()).unwrap_or(&content);
        let path: Vec<String> = self.session.session_token_path.iter().map(|step| step.value().python_str()).collect();
        let token = at(content, &path).filter(|token| !token.is_none()).cloned();
        self.token = Some(token.ok_or_else(|| Failed::system("Failed to get session token: the login's answer does not hold it."))?);
        self.due = self.due.saturating_sub(1);
        if let Some(lasting) = &self.lasting {
            let expiry = Moment::from_utc_micros(now_micros).plus(lasting);
            self.expiry = Some(expiry.map_err(|_| Failed::system("`expiration_duration` is out of range."))?);
        }
        Ok(())
    }

    pub(super) fn lost(&mut self, reason: &str) {
        if std::mem::replace(&mut self.asked, Asked::Nobody) == Asked::Inner {
            self.inner.lost(0, reason);
        } else if !self.patience.again() {
            self.trouble = Some(Failed::system(format!("The login had no answer: {reason}")));
        }
    }
}

pub(super) struct LegacyProvider {
    session: LegacySessionToken,
    /// What the last question about the given token brought.
    is_good: Option<bool>,
    /// Questions that the present request takes.
    due: u32,
    token: Option<(String, i64)>,
    asked: Option<Question>,
    trouble: Option<Failed>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    IsItGood,
    Login,
}

impl LegacyProvider {
    pub(super) fn new(session: LegacySessionToken) -> Self {
        Self { session, is_good: None, due: 0, token: None, asked: None, trouble: None }
    }

    pub(super) fn begin(&mut self, repeated: bool) {
        self.due = if repeated { 1 } else { 2 };
    }

    pub(super) fn next(&mut self, now_micros: i64, config: &Value) -> Need {
        if let Some(failed) = self.trouble.take() {
            return Need::Failed(failed);
        }
        self.need(now_micros, &scope(now_micros, config)).unwrap_or_else(Need::Failed)
    }

    fn need(&mut self, now_micros: i64, scope: &Scope) -> Result<Need, Failed> {
        let given = optional(self.session.session_token.as_ref(), scope, "session_token")?;
        let header = text(&self.session.header, scope, "header")?;
        if !given.is_empty() {
            if self.due > 0 || self.is_good.is_none() {
                self.asked = Some(Question::IsItGood);
                let url = self.url(&self.session.validate_session_url, scope, "validate_session_url")?;
                return Ok(Need::Request(Request {
                    method: Method::Get,
                    url,
                    headers: vec![(header, given)],
                    body: None,
                    credential: None,
                }));
            }
            if self.is_good == Some(true) {
                return Ok(Need::Ready(Injection::header(&header, given.clone(), [given])));
            }
        }
        if let Some((token, _)) = self.token.as_ref().filter(|(_, until)| now_micros < *until) {
            return Ok(Need::Ready(Injection::header(&header, token.clone(), [token.clone()])));
        }
        self.login(scope).map(Need::Request)
    }

    fn login(&mut self, scope: &Scope) -> Result<Request, Failed> {
        let username = optional(self.session.username.as_ref(), scope, "username")?;
        let password = optional(self.session.password.as_ref(), scope, "password")?;
        if username.is_empty() || password.is_empty() {
            return Err(Failed::system("Invalid credentials: session token is not valid or provide username and password"));
        }
        let url = self.url(&self.session.login_url, scope, "login_url")?;
        let login: Dict = [("username".into(), Value::str(username)), ("password".into(), Value::str(password))].into_iter().collect();
        let mut body = Vec::new();
        Value::dict(login).write_json(&mut body);
        let mut request = Request { method: Method::Post, url, headers: Vec::new(), body: Some(body), credential: None };
        set_content_type(&mut request, "application/json");
        self.asked = Some(Question::Login);
        Ok(request)
    }

    fn url(&self, path: &crate::model::text::Text, scope: &Scope, name: &str) -> Result<String, Failed> {
        let base = optional(self.session.api_url.as_ref(), scope, "url_base")?;
        Ok(format!("{base}{}", text(path, scope, name)?))
    }

    pub(super) fn answer(&mut self, now_micros: i64, answer: &Answer, config: &Value) {
        let is_fine = (200..400).contains(&answer.status);
        match self.asked.take() {
            Some(Question::IsItGood) if is_fine || answer.status == 401 => {
                self.is_good = Some(is_fine);
                self.due = self.due.saturating_sub(1);
            }
            Some(Question::IsItGood) => {
                self.trouble = Some(Failed::system(format!("Error while validating session token: status {}", answer.status)));
            }
            Some(Question::Login) if is_fine => match self.token_of(now_micros, &answer.body, config) {
                Ok(token) => self.token = Some((token, now_micros.saturating_add(DAY_MICROS))),
                Err(failed) => self.trouble = Some(failed),
            },
            Some(Question::Login) => {
                self.trouble = Some(Failed::system(format!("Failed to retrieve new session token, response code {}", answer.status)));
            }
            None => {}
        }
    }

    fn token_of(&self, now_micros: i64, body: &[u8], config: &Value) -> Result<String, Failed> {
        let key = text(&self.session.session_token_response_key, &scope(now_micros, config), "session_token_response_key")?;
        let content = Value::from_json(body).ok();
        let token = content.as_ref().and_then(|content| content.get(&key)).map(Value::python_str);
        token.ok_or_else(|| Failed::system("Failed to retrieve new session token: the login's answer does not hold it."))
    }

    pub(super) fn lost(&mut self, reason: &str) {
        self.asked = None;
        self.trouble = Some(Failed::system(format!("The login had no answer: {reason}")));
    }
}

fn optional(given: Option<&crate::model::text::Text>, scope: &Scope, name: &str) -> Result<String, Failed> {
    given.map_or_else(|| Ok(String::new()), |given| text(given, scope, name))
}
