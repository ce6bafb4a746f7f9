//! Why a request has no answer. Texts name causes, never a URL (its query may hold anything).

use std::error::Error;
use std::io;
use std::sync::Arc;

use hub_core::problem::Problem;

/// Why there is no response.
#[derive(Clone, Debug)]
pub enum SendError {
    /// The gate refused the request, a redirect or an address; it is in the audit log.
    Denied(Arc<Problem>),
    /// The time was up.
    Timeout,
    /// The limit in bytes.
    TooLarge(u64),
    /// The name leads nowhere.
    Dns(String),
    /// The certificate or the handshake.
    Tls(String),
    /// Anything else on the way.
    Transport(String),
    /// The request itself cannot be sent.
    Invalid(String),
    /// The credential could not be made ready.
    Credential {
        /// The configuration is at fault.
        config: bool,
        /// What happened, without a secret.
        message: String,
    },
}

impl SendError {
    /// What kind of failure it is, without a word of anybody else.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::Denied(_) => "it was refused",
            Self::Timeout => "no answer in time",
            Self::TooLarge(_) => "the answer is too large",
            Self::Dns(_) => "the name could not be resolved",
            Self::Tls(_) => "no secure connection",
            Self::Transport(_) => "the connection failed",
            Self::Invalid(_) | Self::Credential { .. } => "the request could not be sent",
        }
    }

    pub(super) fn map_text(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Dns(text) => Self::Dns(change(&text)),
            Self::Tls(text) => Self::Tls(change(&text)),
            Self::Transport(text) => Self::Transport(change(&text)),
            Self::Invalid(text) => Self::Invalid(change(&text)),
            Self::Credential { config, message } => Self::Credential { config, message: change(&message) },
            other @ (Self::Denied(_) | Self::Timeout | Self::TooLarge(_)) => other,
        }
    }
}

/// The resolver's answer when no address is left.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAddress {
    #[error("{0}")]
    Denied(Arc<Problem>),
    #[error("{0}")]
    Unknown(String),
}

pub(super) fn classify(error: &reqwest::Error) -> SendError {
    let chain = || std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    for cause in chain() {
        if let Some(none) = cause.downcast_ref::<NoAddress>() {
            return match none {
                NoAddress::Denied(problem) => SendError::Denied(Arc::clone(problem)),
                NoAddress::Unknown(text) => SendError::Dns(text.clone()),
            };
        }
        if let Some(tls) = tls_cause(cause) {
            return SendError::Tls(tls);
        }
    }
    if error.is_timeout() {
        return SendError::Timeout;
    }
    let innermost = chain().last().map_or_else(|| "the request failed".to_owned(), ToString::to_string);
    SendError::Transport(if error.is_connect() { format!("no connection: {innermost}") } else { innermost })
}

/// A TLS error travels inside an I/O error, which does not show it as its source.
fn tls_cause(cause: &(dyn Error + 'static)) -> Option<String> {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
    [Some(cause), inner].into_iter().flatten().find_map(|error| error.downcast_ref::<rustls::Error>()).map(ToString::to_string)
}
