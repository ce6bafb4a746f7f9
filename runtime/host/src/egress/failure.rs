//! Why a request has no answer. Texts name causes, never a URL (its query may hold anything).

use std::error::Error;
use std::io;
use std::sync::Arc;

use hub_core::problem::Problem;
use rustls::CertificateError;

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
    /// The handshake; a certificate that proves nothing is `Denied`.
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
    #[must_use]
    pub fn cause(&self) -> &'static str {
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
    for cause in chain(error) {
        if let Some(none) = cause.downcast_ref::<NoAddress>() {
            return match none {
                NoAddress::Denied(problem) => SendError::Denied(Arc::clone(problem)),
                NoAddress::Unknown(text) => SendError::Dns(text.clone()),
            };
        }
        if let Some(tls) = tls_error(cause) {
            return SendError::Tls(tls.to_string());
        }
    }
    if error.is_timeout() {
        return SendError::Timeout;
    }
    let innermost = chain(error).last().map_or_else(|| "the request failed".to_owned(), ToString::to_string);
    SendError::Transport(if error.is_connect() { format!("no connection: {innermost}") } else { innermost })
}

/// Why a server's certificate proves nothing; None if something else failed. Fixed words: names in a foreign certificate are not shown.
pub(super) fn distrust(error: &reqwest::Error) -> Option<&'static str> {
    let tls = chain(error).find_map(tls_error)?;
    Some(match tls {
        rustls::Error::NoCertificatesPresented => "it shows none",
        rustls::Error::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "it is for another name",
            CertificateError::UnknownIssuer => "nobody whom this machine trusts has signed it",
            CertificateError::Revoked => "it was revoked",
            CertificateError::BadSignature => "its signature is wrong",
            _ => "it cannot be verified",
        },
        _ => return None,
    })
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// A TLS error travels inside an I/O error, and that one inside another; neither shows it as its source.
fn tls_error<'e>(cause: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner: &(dyn Error + 'static) = cause.downcast_ref::<io::Error>()?.get_ref()?;
    tls_error(inner)
}
