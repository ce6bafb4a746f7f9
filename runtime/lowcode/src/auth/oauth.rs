//! `OAuthAuthenticator`: access tokens for refresh tokens, client credentials or signed assertions, and refresh tokens that serve once.
//!
//! A token is kept until it has expired. Invariant: what a token endpoint answers reaches no error text but for its status.

use crate::auth::injection::{Injection, encoded, set_content_type};
use crate::auth::{Answer, Failed, Need, Update, at, is_set, jwt, scope, text, tree};
use crate::host::{Method, Request};
use crate::model::authenticator::{OAuth, RefreshTokenUpdater};
use crate::model::text::Text;
use crate::template::Scope;
use crate::value::datetime::{Moment, parse_loose};
use crate::value::{Dict, Value};

/// Seconds after which no further try is made.
const PATIENCE: f64 = 300.0;
/// How deep a token is looked for in an answer.
const DEPTH: usize = 5;
const DAY_MICROS: i64 = 86_400_000_000;
const HOUR_MICROS: i64 = 3_600_000_000;
const ASSERTION_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const REQUEST_FAILED: &str = "OAuth access token refresh request failed.";
const REJECTED: &str = "Refresh token was rejected by the OAuth provider (invalid, expired, or already used). \
                        Re-authenticate this source's credentials in its connection settings.";

pub(super) struct OAuthProvider {
    oauth: OAuth,
    asserts: bool,
    /// The token as far as it is not kept in the configuration.
    token: Option<String>,
    expiry_micros: Option<i64>,
    stale: bool,
    trouble: Option<Trouble>,
    /// What is still to be waited before the next try.
    pause: Option<f64>,
    tries: i32,
    waited: f64,
    updates: Vec<Update>,
    /// What the configuration holds since this provider changed it.
    own: Vec<Update>,
}

struct Trouble(Failed);

impl OAuthProvider {
    pub(super) fn new(oauth: OAuth, config: &Value) -> Result<Self, Failed> {
        let scope = scope(0, config);
        let asserts = is_set(oauth.use_profile_assertion.as_ref());
        let single_use = oauth.refresh_token_updater.is_some();
        if !asserts && !single_use && (oauth.client_id.is_none() || oauth.client_secret.is_none()) {
            return Err(invalid("Both 'client_id' and 'client_secret' are required for the basic OAuth flow."));
        }
        if asserts && oauth.profile_assertion.is_none() {
            return Err(invalid("'profile_assertion' is required when using the profile assertion flow."));
        }
        let grant = or_default(oauth.grant_type.as_ref(), "refresh_token", &scope, "grant_type")?;
        if !asserts && !single_use && grant == "refresh_token" && oauth.refresh_token.is_none() {
            return Err(invalid("A 'refresh_token' is required when the 'grant_type' is set to 'refresh_token'."));
        }
        let given = oauth.access_token_value.as_ref().filter(|_| !single_use);
        let token = given.map(|value| text(value, &scope, "access_token_value")).transpose()?;
        let expiry_micros = if single_use { None } else { expiry_date(oauth.token_expiry_date.as_ref(), &scope)? };
        let own = Vec::new();
        Ok(Self {
            oauth,
            asserts,
            token,
            expiry_micros,
            stale: false,
            trouble: None,
            pause: None,
            tries: 0,
            waited: 0.0,
            updates: Vec::new(),
            own,
        })
    }

    pub(super) fn renew(&mut self) -> bool {
        self.stale = self.oauth.token_refresh_endpoint.is_some();
        self.stale
    }

    pub(super) fn take_updates(&mut self) -> Vec<Update> {
        std::mem::take(&mut self.updates)
    }

    /// The configuration holds all changes now.
    pub(super) fn forget_own(&mut self) {
        self.own.clear();
    }

    pub(super) fn next(&mut self, now_micros: i64, config: &Value) -> Need {
        if let Some(Trouble(failed)) = self.trouble.take() {
            (self.tries, self.waited) = (0, 0.0);
            return Need::Failed(failed);
        }
        if let Some(seconds) = self.pause.take() {
            return Need::Wait(seconds);
        }
        match self.fresh_token(now_micros, config) {
            Err(failed) => Need::Failed(failed),
            Ok(Some(token)) => Need::Ready(Injection::header("Authorization", format!("Bearer {token}"), [token])),
            Ok(None) => match self.request(now_micros, config) {
                Ok(request) => Need::Request(request),
                // What the reference meets while it makes the request, it tells with these words.
                Err(failed) => Need::Failed(Failed { message: format!("{REQUEST_FAILED} {}", failed.message), ..failed }),
            },
        }
    }

    /// The token, unless it has to be got first.
    fn fresh_token(&self, now_micros: i64, config: &Value) -> Result<Option<String>, Failed> {
        let (token, expiry) = match &self.oauth.refresh_token_updater {
            Some(updater) => {
                let held = |path: &[String]| self.held(path, config).map(Value::python_str).unwrap_or_default();
                let expiry = held(&updater.token_expiry_date_config_path);
                let expiry = if expiry.is_empty() { now_micros.saturating_sub(DAY_MICROS) } else { moment(&expiry)? };
                (Some(held(&updater.access_token_config_path)), expiry)
            }
            None => (self.token.clone(), self.expiry_micros.unwrap_or(now_micros.saturating_sub(DAY_MICROS))),
        };
        if self.oauth.token_refresh_endpoint.is_none() && token.is_some() {
            return Ok(token);
        }
        Ok(token.filter(|_| !self.stale && now_micros <= expiry))
    }

    /// The value at a path of the configuration, own changes first.
    fn held<'a>(&'a self, path: &[String], config: &'a Value) -> Option<&'a Value> {
        let own = self.own.iter().find(|update| update.path == path).map(|update| &update.value);
        own.or_else(|| at(config, path))
    }

    fn request(&self, now_micros: i64, config: &Value) -> Result<Request, Failed> {
        let scope = scope(now_micros, config);
        let endpoint =
            self.oauth.token_refresh_endpoint.as_ref().map(|endpoint| text(endpoint, &scope, "token_refresh_endpoint")).transpose()?;
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        let mut url = endpoint.ok_or_else(|| Failed::system("`token_refresh_endpoint` has no value."))?;
        let headers =
            self.oauth.refresh_request_headers.as_ref().map(|headers| tree(headers, &scope, "refresh_request_headers")).transpose()?;
        let headers = pairs(headers.as_ref());
        let in_query = self.oauth.send_refresh_request_as_query_params;
        let has_login = headers.iter().any(|(name, _)| name == "Authorization");
        let mut form = String::new();
        if in_query {
            let query = form_of(&self.standard_arguments(&scope, config, has_login)?);
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
        if self.asserts {
            form = form_of(&self.assertion(&scope)?);
        } else if !in_query {
            form = form_of(&self.standard_arguments(&scope, config, has_login)?);
        }
        let body = if form.is_empty() { None } else { Some(form.into_bytes()) };
        let mut request = Request { method: Method::Post, url, headers, body, credential: None };
        if request.body.is_some() {
            set_content_type(&mut request, "application/x-www-form-urlencoded");
        }
        Ok(request)
    }

    fn assertion(&self, scope: &Scope) -> Result<Dict, Failed> {
        let assertion = self.oauth.profile_assertion.as_ref().ok_or_else(|| invalid("'profile_assertion' is not set."))?;
        let mut form = Dict::new();
        form.insert(self.name(self.oauth.grant_type_name.as_ref(), "grant_type", scope)?.into(), Value::str(ASSERTION_GRANT));
        form.insert("assertion".into(), Value::str(jwt::token(assertion, scope)?));
        Ok(form)
    }

    fn standard_arguments(&self, scope: &Scope, config: &Value, has_login: bool) -> Result<Dict, Failed> {
        let oauth = &self.oauth;
        let updater = oauth.refresh_token_updater.as_ref();
        let mut form = Dict::new();
        let grant = or_default(oauth.grant_type.as_ref(), "refresh_token", scope, "grant_type")?;
        form.insert(self.name(oauth.grant_type_name.as_ref(), "grant_type", scope)?.into(), Value::str(grant));
        if !has_login {
            let id = self.client(updater, oauth.client_id.as_ref(), "client_id", scope, config)?;
            let secret = self.client(updater, oauth.client_secret.as_ref(), "client_secret", scope, config)?;
            if id.is_empty() && updater.is_none() {
                return Err(Failed::system("`client_id` has no value."));
            }
            form.insert(self.name(oauth.client_id_name.as_ref(), "client_id", scope)?.into(), Value::str(id));
            form.insert(self.name(oauth.client_secret_name.as_ref(), "client_secret", scope)?.into(), Value::str(secret));
        }
        let refresh_token = match updater {
            Some(updater) => Value::str(self.held(&updater.refresh_token_config_path, config).map(Value::python_str).unwrap_or_default()),
            None => match &oauth.refresh_token {
                Some(token) => Value::str(text(token, scope, "refresh_token")?),
                None => Value::None,
            },
        };
        form.insert(self.refresh_name(scope)?.into(), refresh_token);
        if !oauth.scopes.is_empty() {
            form.insert("scopes".into(), Value::list(oauth.scopes.iter().map(Text::value).collect()));
        }
        let extra = oauth.refresh_request_body.as_ref().map(|extra| tree(extra, scope, "refresh_request_body")).transpose()?;
        for (key, value) in extra.as_ref().and_then(Value::as_dict).into_iter().flatten() {
            form.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Ok(form)
    }

    /// Of refresh tokens that serve once the configuration's own place goes first.
    fn client(
        &self,
        updater: Option<&RefreshTokenUpdater>,
        given: Option<&Text>,
        name: &str,
        scope: &Scope,
        config: &Value,
    ) -> Result<String, Failed> {
        let own = updater.and_then(|_| at(config, &["credentials", name]));
        match (own, given) {
            (Some(own), _) => Ok(own.python_str()),
            (None, Some(given)) => text(given, scope, name),
            (None, None) => Ok(String::new()),
        }
    }

    fn name(&self, given: Option<&Text>, default: &str, scope: &Scope) -> Result<String, Failed> {
        or_default(given, default, scope, default)
    }

    fn refresh_name(&self, scope: &Scope) -> Result<String, Failed> {
        match &self.oauth.refresh_token_updater {
            Some(updater) => Ok(updater.refresh_token_name.clone().unwrap_or_else(|| "refresh_token".to_owned())),
            None => self.name(self.oauth.refresh_token_name.as_ref(), "refresh_token", scope),
        }
    }

    pub(super) fn answer(&mut self, now_micros: i64, answer: &Answer, config: &Value) {
        if (200..400).contains(&answer.status) {
            (self.tries, self.waited) = (0, 0.0);
            let taken = self.take(now_micros, &answer.body, config);
            self.trouble = taken.err().map(Trouble);
        } else if answer.status == 429 || answer.status >= 500 {
            self.again(Failed::system(format!(
                "{REQUEST_FAILED} The token endpoint answered with status {} again and again.",
                answer.status
            )));
        } else {
            self.trouble = Some(Trouble(self.refused(answer)));
        }
    }

    pub(super) fn lost(&mut self, _now_micros: i64, reason: &str) {
        self.again(Failed::system(format!("OAuth access token refresh request failed due to a network error. ({reason})")));
    }

    /// Another try after a while, as long as there is patience.
    fn again(&mut self, last: Failed) {
        let seconds = 2_f64.powi(self.tries.min(16)).min(PATIENCE - self.waited);
        if seconds <= 0.0 {
            self.trouble = Some(Trouble(last));
            return;
        }
        self.tries += 1;
        self.waited += seconds;
        self.pause = Some(seconds);
    }

    fn refused(&self, answer: &Answer) -> Failed {
        let updater = self.oauth.refresh_token_updater.as_ref();
        let own = !self.oauth.refresh_token_error_status_codes.is_empty() || self.oauth.refresh_token_error_key.is_some();
        let (codes, key, values) = match updater {
            Some(updater) if !own => {
                (&updater.refresh_token_error_status_codes, &updater.refresh_token_error_key, &updater.refresh_token_error_values)
            }
            _ => {
                (&self.oauth.refresh_token_error_status_codes, &self.oauth.refresh_token_error_key, &self.oauth.refresh_token_error_values)
            }
        };
        let content = Value::from_json(&answer.body).ok();
        let said = key.as_ref().and_then(|key| content.as_ref()?.get(key)).map(Value::python_str);
        if codes.contains(&i64::from(answer.status)) && said.is_some_and(|said| values.contains(&said)) {
            return Failed::config(REJECTED);
        }
        Failed::system(format!("{REQUEST_FAILED} The token endpoint answered with status {}.", answer.status))
    }

    fn take(&mut self, now_micros: i64, body: &[u8], config: &Value) -> Result<(), Failed> {
        let scope = scope(now_micros, config);
        let content = Value::from_json(body).map_err(|_| Failed::system(format!("{REQUEST_FAILED} The answer is not JSON.")))?;
        let name = self.name(self.oauth.access_token_name.as_ref(), "access_token", &scope)?;
        let token = find(&content, &name, 0)?.filter(|token| token.is_truthy()).map(Value::python_str);
        let token = token.ok_or_else(|| Failed::system(format!("Token refresh API response was missing access token {name}")))?;
        let expires_name = self.name(self.oauth.expires_in_name.as_ref(), "expires_in", &scope)?;
        let expiry = match find(&content, &expires_name, 0)? {
            Some(expires) => self.expiry_of(expires, now_micros)?,
            None => self.kept_expiry(now_micros, config),
        };
        let refresh_token = find(&content, &self.refresh_name(&scope)?, 0)?.map(Value::python_str);
        self.stale = false;
        let Some(updater) = self.oauth.refresh_token_updater.clone() else {
            (self.token, self.expiry_micros) = (Some(token), Some(expiry));
            return Ok(());
        };
        self.update(updater.access_token_config_path, token, false);
        if let Some(refresh_token) = refresh_token {
            self.update(updater.refresh_token_config_path, refresh_token, true);
        }
        self.update(updater.token_expiry_date_config_path, Moment::from_utc_micros(expiry).with_offset(Some(0)).isoformat('T'), false);
        Ok(())
    }

    fn update(&mut self, path: Vec<String>, value: String, lasting: bool) {
        let update = Update { path, value: Value::str(value), lasting };
        self.own.retain(|earlier| earlier.path != update.path);
        self.own.push(update.clone());
        self.updates.push(update);
    }

    fn expiry_of(&self, expires: &Value, now_micros: i64) -> Result<i64, Failed> {
        let said = expires.python_str();
        if self.oauth.token_expiry_date_format.is_some() {
            return moment(&said);
        }
        let seconds = crate::value::python_float(&said).filter(|seconds| seconds.is_finite());
        let seconds =
            seconds.ok_or_else(|| Failed::system("Invalid expires_in value. Expected number of seconds when no format specified."))?;
        // Casts of floats saturate.
        Ok(now_micros.saturating_add((seconds.trunc() * 1e6) as i64))
    }

    /// Without a word about it, a time that is still to come stays, else a token is good for an hour.
    fn kept_expiry(&self, now_micros: i64, config: &Value) -> i64 {
        let known = match &self.oauth.refresh_token_updater {
            Some(updater) => self.held(&updater.token_expiry_date_config_path, config).and_then(|date| moment(&date.python_str()).ok()),
            None => self.expiry_micros.filter(|_| self.token.is_some()),
        };
        known.filter(|known| now_micros <= *known).unwrap_or(now_micros.saturating_add(HOUR_MICROS))
    }
}

fn invalid(message: &str) -> Failed {
    Failed::system(format!("OAuthAuthenticator configuration error: {message}"))
}

fn or_default(given: Option<&Text>, default: &str, scope: &Scope, name: &str) -> Result<String, Failed> {
    // An empty text is none.
    given.filter(|given| given.value().is_truthy()).map_or_else(|| Ok(default.to_owned()), |given| text(given, scope, name))
}

fn expiry_date(given: Option<&Text>, scope: &Scope) -> Result<Option<i64>, Failed> {
    match given.filter(|given| given.value().is_truthy()) {
        Some(given) => moment(&text(given, scope, "token_expiry_date")?).map(Some),
        None => Ok(None),
    }
}

fn moment(text: &str) -> Result<i64, Failed> {
    parse_loose(text).map(|moment| moment.utc_micros()).map_err(|_| Failed::system("Invalid token expiry date format."))
}

/// The first member of that name, members before what lies in them.
fn find<'a>(value: &'a Value, name: &str, depth: usize) -> Result<Option<&'a Value>, Failed> {
    if depth > DEPTH {
        return Err(Failed::config(format!(
            "The maximum level of recursion is reached. Couldn't find the specified `{name}` in the response."
        )));
    }
    let below: Vec<&Value> = match value {
        Value::Dict(dict) => match dict.get(name) {
            Some(Value::None) => return Ok(None),
            Some(found) => return Ok(Some(found)),
            None => dict.values().collect(),
        },
        Value::List(items) => items.iter().collect(),
        _ => return Ok(None),
    };
    for inner in below {
        if let Some(found) = find(inner, name, depth + 1)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A dictionary as a form: none is left out, a list is a pair for each of its items.
fn form_of(form: &Dict) -> String {
    let mut parts = Vec::new();
    for (name, value) in form {
        match value {
            Value::None => {}
            Value::List(items) | Value::Tuple(items) => parts.extend(items.iter().map(|item| encoded(name, &item.python_str()))),
            Value::Dict(inner) => parts.extend(inner.keys().map(|key| encoded(name, key))),
            other => parts.push(encoded(name, &other.python_str())),
        }
    }
    parts.join("&")
}

fn pairs(headers: Option<&Value>) -> Vec<(String, String)> {
    let dict = headers.and_then(Value::as_dict);
    dict.into_iter().flatten().map(|(name, value)| (name.to_string(), value.python_str())).collect()
}
