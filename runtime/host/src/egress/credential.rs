//! Secrets of one system: read when a run starts, put into headers on the way out, blackened on the way back. They never leave this folder.
//!
//! Does not decide where a credential may go (see `hub_core::policy`); on a redirect it only says what the manifest bound.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::BytesMut;
use hub_core::manifest::{Credential, CredentialScheme, Origin, Receiver, SecretRef, System};
use hub_core::problem::{Code, Problem, Sources, Span};
use hub_lowcode::load::Manifest;
use hub_lowcode::value::Value;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::lowcode::{Keeper, LowCode};
use crate::place::beside;

const MAX_SECRET_BYTES: u64 = 64 << 10;
/// A shorter secret would blacken innocent text.
const MIN_REDACTED_BYTES: usize = 6;

/// The secrets of one system.
#[derive(Default)]
pub struct Credentials {
    bindings: BTreeMap<String, Binding>,
    low_code: Option<Arc<LowCode>>,
}

struct Binding {
    origins: Vec<Origin>,
    header: HeaderName,
    value: HeaderValue,
    /// Texts that must not come back: the secret itself and what it looks like in the header.
    traces: Vec<Zeroizing<String>>,
}

impl Credentials {
    /// Reads the secrets of a system.
    ///
    /// # Errors
    /// E312 at the binding whose secret is missing, empty, too long or not fit for a header.
    pub fn read(sources: &Sources, system: &System) -> Result<Self, Problem> {
        let read = |(name, credential): (&String, &Credential)| Ok((name.clone(), binding(sources, name, credential)?));
        Ok(Self { bindings: system.credentials.iter().map(read).collect::<Result<_, Problem>>()?, low_code: None })
    }

    /// Reads the token of somebody who is told something.
    ///
    /// # Errors
    /// E312, as for a system.
    pub fn of_receiver(sources: &Sources, receiver: &Receiver) -> Result<Self, Problem> {
        let token = receiver.token.iter().map(|token| Ok((Receiver::TOKEN.to_owned(), binding(sources, &receiver.id, token)?)));
        Ok(Self { bindings: token.collect::<Result<_, Problem>>()?, low_code: None })
    }

    /// With the credentials of a low-code connector, by the places of its authenticators. `manifest` is resolved, `config` the real one;
    /// `placeholders` are what the guest has instead of secrets. Neither leaves for other origins than these.
    #[must_use]
    pub fn with_lowcode(
        self,
        manifest: Manifest,
        config: Value,
        placeholders: Vec<(String, Zeroizing<String>)>,
        origins: Vec<Origin>,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Self {
        Self { low_code: Some(Arc::new(LowCode::new(manifest, config, placeholders, origins, keeper))), ..self }
    }

    pub(super) fn low_code(&self) -> Option<&Arc<LowCode>> {
        self.low_code.as_ref()
    }

    pub(super) fn has_binding(&self, name: &str) -> bool {
        self.bindings.contains_key(name)
    }

    /// The header of a credential.
    pub(super) fn header(&self, name: &str) -> Option<(HeaderName, HeaderValue)> {
        self.bindings.get(name).map(|binding| (binding.header.clone(), binding.value.clone()))
    }

    pub(super) fn header_names(&self) -> impl Iterator<Item = String> {
        self.bindings.values().map(|binding| binding.header.as_str().to_owned())
    }

    /// The manifest binds the credential to this origin.
    pub(super) fn is_bound(&self, name: &str, origin: &Origin) -> bool {
        match self.bindings.get(name) {
            Some(binding) => binding.origins.contains(origin),
            None => self.low_code.as_ref().is_some_and(|low_code| low_code.is_bound(origin)),
        }
    }

    /// Blackens secrets in a text.
    pub(super) fn redact(&self, text: &str) -> String {
        self.traces().iter().fold(text.to_owned(), |text, trace| text.replace(trace.as_str(), &"*".repeat(trace.len())))
    }

    /// Blackens secrets in a body that a server echoed. The length stays, so JSON stays JSON.
    pub(super) fn redact_bytes(&self, body: &mut BytesMut) {
        for trace in self.traces() {
            let mut from = 0;
            while let Some(at) = memchr::memmem::find(&body[from..], trace.as_bytes()) {
                let end = from + at + trace.len();
                body[from + at..end].fill(b'*');
                from = end;
            }
        }
    }

    /// Texts that must not come back, the longest first.
    pub(crate) fn traces(&self) -> Vec<Zeroizing<String>> {
        let mut all: Vec<_> = self.bindings.values().flat_map(|binding| &binding.traces).cloned().collect();
        all.extend(self.low_code.iter().flat_map(|low_code| low_code.traces()));
        all.retain(|trace| trace.len() >= MIN_REDACTED_BYTES);
        // The longest first: one may stand inside another.
        all.sort_by_key(|trace| std::cmp::Reverse(trace.len()));
        all
    }
}

fn binding(sources: &Sources, name: &str, credential: &Credential) -> Result<Binding, Problem> {
    let secret = read_secret(sources, credential.span, &credential.value)
        .map_err(|reason| unavailable(name, credential.span, &format!("its secret cannot be read: {reason}")))?;
    let (header, text) = match &credential.scheme {
        CredentialScheme::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", *secret))),
        CredentialScheme::Basic { user } => {
            let pair = Zeroizing::new(format!("{user}:{}", *secret));
            (AUTHORIZATION, Zeroizing::new(format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()))))
        }
        CredentialScheme::Header { name: header } => {
            let header = HeaderName::from_bytes(header.as_bytes());
            (header.map_err(|_| unavailable(name, credential.span, "its header name is not one"))?, secret.clone())
        }
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| unavailable(name, credential.span, "its secret holds characters that no header may hold"))?;
    value.set_sensitive(true);
    let encoded = text.split_once(' ').filter(|(scheme, _)| *scheme == "Basic").map(|(_, encoded)| Zeroizing::new(encoded.to_owned()));
    let traces = [Some(secret), encoded].into_iter().flatten().collect();
    Ok(Binding { origins: credential.origins.clone(), header, value, traces })
}

fn unavailable(name: &str, span: Span, reason: &str) -> Problem {
    Problem::new(
        Code::E312,
        format!("credential `{name}` cannot be used: {reason}"),
        "put the secret where the manifest says, then run again",
    )
    .at(span, "this binding names its place")
}

/// One secret, without its last line break. The reason of a failure holds no part of it.
pub(crate) fn read_secret(sources: &Sources, span: Span, place: &SecretRef) -> Result<Zeroizing<String>, String> {
    let text = match place {
        SecretRef::Env(variable) => {
            Zeroizing::new(crate::config::environment(variable).ok_or_else(|| format!("the variable {variable} is not set"))?)
        }
        SecretRef::File(file) => read_file(&beside(sources, span, file)).map_err(|error| format!("file `{file}`: {error}"))?,
        SecretRef::Store(name) => super::keystore::read(&beside(sources, span, super::keystore::FILE), name)?,
    };
    let plain = text.strip_suffix('\n').unwrap_or(&text);
    let plain = plain.strip_suffix('\r').unwrap_or(plain);
    if plain.is_empty() { Err("it is empty".to_owned()) } else { Ok(Zeroizing::new(plain.to_owned())) }
}

fn read_file(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let bytes = read_bounded(path, MAX_SECRET_BYTES)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A whole file that holds something secret, if it is not larger than that.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let size = File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if size as u64 > limit {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, format!("it is over {} KiB", limit >> 10)));
    }
    Ok(bytes)
}
