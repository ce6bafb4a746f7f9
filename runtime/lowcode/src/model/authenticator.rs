//! Authenticators as data. `auth` gives them their life outside of the sandbox; within it only their places are used.

use crate::fault::Kind;
use crate::model::decoder::{Decoder, read_decoder};
use crate::model::reader::{Fields, Reader};
use crate::model::requester::{RequestOption, Requester, read_request_option, read_requester};
use crate::model::text::{Text, Texts};
use crate::value::Value;
use crate::yaml::{Content, Node};

/// A component and where it stands in the resolved manifest.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// `streams.0.retriever.requester.authenticator`.
    pub place: String,
    /// The component.
    pub component: T,
}

/// An authenticator.
#[derive(Clone, Debug)]
pub enum Authenticator {
    /// `NoAuth`.
    None,
    /// `ApiKeyAuthenticator`.
    ApiKey(ApiKey),
    /// `BearerAuthenticator`.
    Bearer {
        /// The token.
        token: Text,
    },
    /// `BasicHttpAuthenticator`.
    Basic {
        /// User.
        username: Text,
        /// Password; empty if absent.
        password: Option<Text>,
    },
    /// `OAuthAuthenticator`.
    OAuth(Box<OAuth>),
    /// `JwtAuthenticator`.
    Jwt(Box<Jwt>),
    /// `SessionTokenAuthenticator`.
    SessionToken(Box<SessionToken>),
    /// `LegacySessionTokenAuthenticator`.
    LegacySessionToken(Box<LegacySessionToken>),
    /// `SelectiveAuthenticator`.
    Selective {
        /// Where the configuration says which one.
        selection_path: Vec<String>,
        /// By name.
        authenticators: Vec<(String, Authenticator)>,
    },
}

/// `ApiKeyAuthenticator`.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The key.
    pub token: Text,
    /// Where it goes; a header if `header` was given.
    pub inject: RequestOption,
}

/// `OAuthAuthenticator`.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the language's own")]
pub struct OAuth {
    pub client_id_name: Option<Text>,
    pub client_id: Option<Text>,
    pub client_secret_name: Option<Text>,
    pub client_secret: Option<Text>,
    pub refresh_token_name: Option<Text>,
    pub refresh_token: Option<Text>,
    pub token_refresh_endpoint: Option<Text>,
    pub access_token_name: Option<Text>,
    pub access_token_value: Option<Text>,
    pub expires_in_name: Option<Text>,
    pub grant_type_name: Option<Text>,
    pub grant_type: Option<Text>,
    pub refresh_request_body: Option<Texts>,
    pub refresh_request_headers: Option<Texts>,
    pub send_refresh_request_as_query_params: bool,
    pub scopes: Vec<Text>,
    pub token_expiry_date: Option<Text>,
    pub token_expiry_date_format: Option<String>,
    pub refresh_token_error_status_codes: Vec<i64>,
    pub refresh_token_error_key: Option<String>,
    pub refresh_token_error_values: Vec<String>,
    pub refresh_token_updater: Option<RefreshTokenUpdater>,
    pub profile_assertion: Option<Box<Jwt>>,
    pub use_profile_assertion: Option<Text>,
    /// `$parameters`.
    pub parameters: Value,
}

/// `refresh_token_updater`: refresh tokens that serve once.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the language's own")]
pub struct RefreshTokenUpdater {
    pub refresh_token_name: Option<String>,
    pub access_token_config_path: Vec<String>,
    pub refresh_token_config_path: Vec<String>,
    pub token_expiry_date_config_path: Vec<String>,
    pub refresh_token_error_status_codes: Vec<i64>,
    pub refresh_token_error_key: Option<String>,
    pub refresh_token_error_values: Vec<String>,
}

/// `JwtAuthenticator`.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the language's own")]
pub struct Jwt {
    pub secret_key: Text,
    pub base64_encode_secret_key: Option<Text>,
    pub algorithm: String,
    pub token_duration: i64,
    pub header_prefix: Option<Text>,
    pub kid: Option<Text>,
    pub typ: Option<Text>,
    pub cty: Option<Text>,
    pub iss: Option<Text>,
    pub sub: Option<Text>,
    pub aud: Option<Text>,
    pub additional_headers: Option<Texts>,
    pub additional_payload: Option<Texts>,
    pub passphrase: Option<Text>,
    pub request_option: Option<RequestOption>,
}

/// `SessionTokenAuthenticator`.
#[derive(Clone, Debug)]
pub struct SessionToken {
    /// Logs in.
    pub login_requester: Requester,
    /// Where the answer holds the token.
    pub session_token_path: Vec<Text>,
    /// ISO 8601 duration.
    pub expiration_duration: Option<Text>,
    /// Of the login's answer.
    pub decoder: Decoder,
    /// How requests carry the token.
    pub request_authentication: SessionRequest,
}

/// How requests carry a session token.
#[derive(Clone, Debug)]
pub enum SessionRequest {
    /// As a bearer token.
    Bearer,
    /// As a key; `session_token` is a variable of its template.
    ApiKey(ApiKey),
}

/// `LegacySessionTokenAuthenticator`.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the language's own")]
pub struct LegacySessionToken {
    /// The requester's `url` or `url_base`.
    pub api_url: Option<Text>,
    pub header: Text,
    pub login_url: Text,
    pub session_token: Option<Text>,
    pub session_token_response_key: Text,
    pub username: Option<Text>,
    pub password: Option<Text>,
    pub validate_session_url: Text,
}

/// Reads an authenticator together with its place.
pub fn read_placed_authenticator(node: &Node, reader: &mut Reader, api_url: Option<&Text>) -> Option<Placed<Authenticator>> {
    let place = reader.path();
    read_authenticator(node, reader, api_url).map(|component| Placed { place, component })
}

/// Reads an authenticator.
pub fn read_authenticator(node: &Node, reader: &mut Reader, api_url: Option<&Text>) -> Option<Authenticator> {
    let kinds = [
        "NoAuth",
        "ApiKeyAuthenticator",
        "BearerAuthenticator",
        "BasicHttpAuthenticator",
        "OAuthAuthenticator",
        "JwtAuthenticator",
        "SessionTokenAuthenticator",
        "LegacySessionTokenAuthenticator",
        "SelectiveAuthenticator",
    ];
    let mut fields = reader.component(node, &kinds)?;
    let authenticator = match fields.kind {
        "NoAuth" => Some(Authenticator::None),
        "ApiKeyAuthenticator" => read_api_key(&mut fields, reader).map(Authenticator::ApiKey),
        "BearerAuthenticator" => fields.require_text(reader, "api_token").map(|token| Authenticator::Bearer { token }),
        "BasicHttpAuthenticator" => {
            let password = fields.text(reader, "password");
            fields.require_text(reader, "username").map(|username| Authenticator::Basic { username, password })
        }
        "OAuthAuthenticator" => read_oauth(&mut fields, reader).map(|oauth| Authenticator::OAuth(Box::new(oauth))),
        "JwtAuthenticator" => read_jwt(&mut fields, reader).map(|jwt| Authenticator::Jwt(Box::new(jwt))),
        "SessionTokenAuthenticator" => {
            read_session_token(&mut fields, reader).map(|session| Authenticator::SessionToken(Box::new(session)))
        }
        "LegacySessionTokenAuthenticator" => {
            read_legacy(&mut fields, reader, api_url).map(|session| Authenticator::LegacySessionToken(Box::new(session)))
        }
        _ => read_selective(&mut fields, reader, api_url),
    };
    fields.end(reader);
    authenticator
}

fn read_api_key(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<ApiKey> {
    let token = fields.text(reader, "api_token").unwrap_or_else(|| Text::constant(Value::str("")));
    let header = fields.text(reader, "header");
    let inject = fields.read(reader, "inject_into", |reader, node| read_request_option(node, reader));
    match (header, inject) {
        (Some(_), Some(_)) => {
            reader.fault(fields.node, Kind::Invalid, "either `header` or `inject_into`, not both");
            None
        }
        (_, Some(inject)) => Some(ApiKey { token, inject }),
        (header, None) => {
            let name = header.unwrap_or_else(|| Text::constant(Value::str("")));
            Some(ApiKey { token, inject: RequestOption { inject: crate::model::requester::Inject::Header, path: vec![name] } })
        }
    }
}

fn read_oauth(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<OAuth> {
    Some(OAuth {
        client_id_name: fields.text(reader, "client_id_name"),
        client_id: fields.text(reader, "client_id"),
        client_secret_name: fields.text(reader, "client_secret_name"),
        client_secret: fields.text(reader, "client_secret"),
        refresh_token_name: fields.text(reader, "refresh_token_name"),
        refresh_token: fields.text(reader, "refresh_token"),
        token_refresh_endpoint: fields.text(reader, "token_refresh_endpoint"),
        access_token_name: fields.text(reader, "access_token_name"),
        access_token_value: fields.text(reader, "access_token_value"),
        expires_in_name: fields.text(reader, "expires_in_name"),
        grant_type_name: fields.text(reader, "grant_type_name"),
        grant_type: fields.text(reader, "grant_type"),
        refresh_request_body: fields.texts(reader, "refresh_request_body"),
        refresh_request_headers: fields.texts(reader, "refresh_request_headers"),
        send_refresh_request_as_query_params: fields.flag(reader, "send_refresh_request_as_query_params", false),
        scopes: fields.text_list(reader, "scopes"),
        token_expiry_date: fields.text(reader, "token_expiry_date"),
        token_expiry_date_format: fields.word(reader, "token_expiry_date_format"),
        refresh_token_error_status_codes: fields.each(reader, "refresh_token_error_status_codes", Reader::integer),
        refresh_token_error_key: fields.word(reader, "refresh_token_error_key"),
        refresh_token_error_values: fields.word_list(reader, "refresh_token_error_values"),
        refresh_token_updater: fields.read(reader, "refresh_token_updater", |reader, node| read_updater(node, reader)),
        profile_assertion: fields
            .read(reader, "profile_assertion", |reader, node| {
                let mut fields = reader.component(node, &["JwtAuthenticator"])?;
                let jwt = read_jwt(&mut fields, reader);
                fields.end(reader);
                jwt
            })
            .map(Box::new),
        use_profile_assertion: fields.text(reader, "use_profile_assertion"),
        parameters: fields.parameters.clone(),
    })
}

fn read_updater(node: &Node, reader: &mut Reader) -> Option<RefreshTokenUpdater> {
    let mut fields = reader.component(node, &["RefreshTokenUpdater"])?;
    let path = |words: Vec<String>, default: &str| {
        if words.is_empty() { vec!["credentials".to_owned(), default.to_owned()] } else { words }
    };
    let updater = RefreshTokenUpdater {
        refresh_token_name: fields.word(reader, "refresh_token_name"),
        access_token_config_path: path(fields.word_list(reader, "access_token_config_path"), "access_token"),
        refresh_token_config_path: path(fields.word_list(reader, "refresh_token_config_path"), "refresh_token"),
        token_expiry_date_config_path: path(fields.word_list(reader, "token_expiry_date_config_path"), "token_expiry_date"),
        refresh_token_error_status_codes: fields.each(reader, "refresh_token_error_status_codes", Reader::integer),
        refresh_token_error_key: fields.word(reader, "refresh_token_error_key"),
        refresh_token_error_values: fields.word_list(reader, "refresh_token_error_values"),
    };
    fields.end(reader);
    Some(updater)
}

fn read_jwt(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<Jwt> {
    let parameters = fields.parameters.clone();
    let inner = |node: Option<&Node>, reader: &mut Reader, key: &str| {
        let node = node?.get(key)?;
        reader.inside(key, |reader| reader.text(node, &parameters))
    };
    let headers = fields.get("jwt_headers");
    let payload = fields.get("jwt_payload");
    let secret_key = fields.require_text(reader, "secret_key");
    let algorithm = fields.require_word(reader, "algorithm");
    Some(Jwt {
        base64_encode_secret_key: fields.text(reader, "base64_encode_secret_key"),
        token_duration: fields.integer(reader, "token_duration").unwrap_or(1200),
        header_prefix: fields.text(reader, "header_prefix"),
        kid: inner(headers, reader, "kid"),
        typ: inner(headers, reader, "typ"),
        cty: inner(headers, reader, "cty"),
        iss: inner(payload, reader, "iss"),
        sub: inner(payload, reader, "sub"),
        aud: inner(payload, reader, "aud"),
        additional_headers: fields.texts(reader, "additional_jwt_headers"),
        additional_payload: fields.texts(reader, "additional_jwt_payload"),
        passphrase: fields.text(reader, "passphrase"),
        request_option: fields.read(reader, "request_option", |reader, node| read_request_option(node, reader)),
        secret_key: secret_key?,
        algorithm: algorithm?,
    })
}

fn read_session_token(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<SessionToken> {
    let login_requester = fields.require(reader, "login_requester", |reader, node| read_requester(node, reader));
    let session_token_path = fields.text_list(reader, "session_token_path");
    let expiration_duration = fields.text(reader, "expiration_duration");
    let decoder = fields.read(reader, "decoder", |reader, node| read_decoder(node, reader)).unwrap_or(Decoder::Json);
    let request_authentication = fields.require(reader, "request_authentication", |reader, node| {
        let mut fields = reader.component(node, &["Bearer", "ApiKey"])?;
        let request = if fields.kind == "Bearer" {
            Some(SessionRequest::Bearer)
        } else {
            let token = fields.text(reader, "api_token").or_else(|| Text::parse("{{ session_token }}", Value::None).ok());
            let inject = fields.require(reader, "inject_into", |reader, node| read_request_option(node, reader));
            token.zip(inject).map(|(token, inject)| SessionRequest::ApiKey(ApiKey { token, inject }))
        };
        fields.end(reader);
        request
    });
    Some(SessionToken {
        login_requester: login_requester?,
        session_token_path,
        expiration_duration,
        decoder,
        request_authentication: request_authentication?,
    })
}

fn read_legacy(fields: &mut Fields<'_>, reader: &mut Reader, api_url: Option<&Text>) -> Option<LegacySessionToken> {
    let header = fields.require_text(reader, "header");
    let login_url = fields.require_text(reader, "login_url");
    let session_token = fields.text(reader, "session_token");
    let session_token_response_key = fields.require_text(reader, "session_token_response_key");
    let username = fields.text(reader, "username");
    let password = fields.text(reader, "password");
    let validate_session_url = fields.require_text(reader, "validate_session_url");
    Some(LegacySessionToken {
        api_url: api_url.cloned(),
        header: header?,
        login_url: login_url?,
        session_token,
        session_token_response_key: session_token_response_key?,
        username,
        password,
        validate_session_url: validate_session_url?,
    })
}

fn read_selective(fields: &mut Fields<'_>, reader: &mut Reader, api_url: Option<&Text>) -> Option<Authenticator> {
    let selection_path = fields.word_list(reader, "authenticator_selection_path");
    let authenticators = fields.require(reader, "authenticators", |reader, node| {
        let Content::Mapping(mapping) = &node.content else {
            reader.fault(node, Kind::Invalid, "expected a mapping of names to authenticators");
            return None;
        };
        let entries = mapping.entries().iter().filter(|(key, _)| key.as_ref() != "$parameters" && key.as_ref() != "type");
        let read = entries.filter_map(|(key, entry)| {
            let found = reader.inside(key, |reader| read_authenticator(&entry.node, reader, api_url))?;
            Some((key.to_string(), found))
        });
        Some(read.collect())
    })?;
    Some(Authenticator::Selective { selection_path, authenticators })
}
