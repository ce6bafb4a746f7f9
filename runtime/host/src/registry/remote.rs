//! A registry that speaks the OCI distribution protocol. Plain HTTP only on this machine; an own authority and a login as they are given.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use hub_core::problem::Problem;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use zeroize::Zeroizing;

use super::artifact::MANIFEST_TYPE;
use super::{MAX_LISTED, MAX_TEXT_BYTES, failed};

const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);
/// Names or tags of one page.
const PAGE: usize = 100;
/// A password or a certificate.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// How to log in, as an operator gives it.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// With a password from a file.
    pub user: Option<String>,
    /// Its password.
    pub password_file: Option<PathBuf>,
    /// A bearer token instead.
    pub token_file: Option<PathBuf>,
    /// Who signed the server's certificate, if not one whom the machine trusts.
    pub authority: Option<PathBuf>,
}

/// A server.
pub struct Remote {
    client: Client,
    host: String,
    auth: RegistryAuth,
}

impl Remote {
    pub(super) fn new(host: &str, login: &Login) -> Result<Self, Problem> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_here = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let authority = login.authority.as_ref().map(|path| secret(path, "the authority")).transpose()?;
        let is_plain = is_here && authority.is_none();
        // The first one in the process counts; all are the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let config = ClientConfig {
            protocol: if is_plain { ClientProtocol::Http } else { ClientProtocol::Https },
            extra_root_certificates: authority
                .map(|pem| Certificate { encoding: CertificateEncoding::Pem, data: pem.as_bytes().to_vec() })
                .into_iter()
                .collect(),
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: concat!("hub/", env!("CARGO_PKG_VERSION")),
            platform_resolver: None,
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|_| failed("the authority's certificate cannot be used"))?;
        Ok(Self { client, host: host.to_owned(), auth: auth(login)? })
    }

    fn named(&self, name: &str, which: &str) -> Reference {
        match which.strip_prefix("sha256:") {
            Some(_) => Reference::with_digest(self.host.clone(), name.to_owned(), which.to_owned()),
            None => Reference::with_tag(self.host.clone(), name.to_owned(), which.to_owned()),
        }
    }

    pub(super) async fn manifest(&self, name: &str, which: &str) -> Result<Option<Vec<u8>>, Problem> {
        match self.client.pull_manifest_raw(&self.named(name, which), &self.auth, &[MANIFEST_TYPE]).await {
            Ok((bytes, _)) if bytes.len() as u64 > MAX_TEXT_BYTES => Err(failed(format!("the manifest of `{name}` is over 1 MiB"))),
            Ok((bytes, _)) => Ok(Some(bytes.to_vec())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.refused(&error)),
        }
    }

    pub(super) async fn blob(&self, name: &str, digest: &str, size: u64) -> Result<Vec<u8>, Problem> {
        let digest = format!("sha256:{digest}");
        let place = self.named(name, &digest);
        self.client.store_auth_if_needed(&self.host, &self.auth).await;
        let mut stream = self.client.pull_blob_stream(&place, &*digest).await.map_err(|error| self.refused(&error))?.stream;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|_| failed(format!("`{}` ended in the middle of a part", self.host)))?;
            if (bytes.len() + piece.len()) as u64 > size {
                return Err(failed(format!("a part of `{name}` is longer than its manifest says")));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    pub(super) async fn put_blob(&self, name: &str, bytes: &[u8], digest: &str) -> Result<(), Problem> {
        let digest = format!("sha256:{digest}");
        let place = self.named(name, &digest);
        self.client.store_auth_if_needed(&self.host, &self.auth).await;
        if self.client.blob_exists(&place, &digest).await.unwrap_or(false) {
            return Ok(());
        }
        self.client.push_blob(&place, bytes.to_vec(), &digest).await.map(drop).map_err(|error| self.refused(&error))
    }

    pub(super) async fn put_manifest(&self, name: &str, tag: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.client.store_auth_if_needed(&self.host, &self.auth).await;
        let kind = reqwest::header::HeaderValue::from_static(MANIFEST_TYPE);
        self.client.push_manifest_raw(&self.named(name, tag), bytes.to_vec(), kind).await.map(drop).map_err(|error| self.refused(&error))
    }

    pub(super) async fn tags(&self, name: &str) -> Result<Vec<String>, Problem> {
        let place = self.named(name, "latest");
        let mut tags: Vec<String> = Vec::new();
        loop {
            let page = match self.client.list_tags(&place, &self.auth, Some(PAGE), tags.last().map(String::as_str)).await {
                Ok(page) => page.tags,
                Err(error) if is_absent(&error) => return Ok(tags),
                Err(error) => return Err(self.refused(&error)),
            };
            let whole = page.len() >= PAGE;
            tags.extend(page);
            if !whole || tags.len() >= MAX_LISTED {
                return Ok(tags);
            }
        }
    }

    pub(super) async fn names(&self) -> Result<Vec<String>, Problem> {
        let place = self.named("hub", "latest");
        let mut names: Vec<String> = Vec::new();
        loop {
            let page = self.client.catalog(&place, &self.auth, Some(PAGE), names.last().map(String::as_str)).await;
            let page = page.map_err(|error| self.refused(&error))?.repositories;
            let whole = page.len() >= PAGE;
            names.extend(page);
            if !whole || names.len() >= MAX_LISTED {
                return Ok(names);
            }
        }
    }

    /// The kind of a failure in our own words: a server's text may hold anything, and an address a token.
    fn refused(&self, error: &OciDistributionError) -> Problem {
        let host = &self.host;
        failed(match error {
            OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => {
                format!("`{host}` refused the login")
            }
            OciDistributionError::ServerError { code, .. } => format!("`{host}` answered with status {code}"),
            OciDistributionError::RequestError(error) if error.is_connect() => format!("`{host}` cannot be reached"),
            OciDistributionError::RequestError(error) if error.is_timeout() => format!("`{host}` did not answer in time"),
            OciDistributionError::RequestError(_) | OciDistributionError::IoError(_) => format!("`{host}` ended in the middle"),
            OciDistributionError::DigestError(_) => format!("`{host}` sent something that is not what its digest says"),
            OciDistributionError::RegistryError { .. } => format!("`{host}` refused it"),
            _ => format!("`{host}` answered with something that no registry says"),
        })
    }
}

fn is_absent(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => envelope.errors.iter().any(|error| {
            matches!(
                error.code,
                OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound | OciErrorCode::BlobUnknown
            )
        }),
        _ => false,
    }
}

fn auth(login: &Login) -> Result<RegistryAuth, Problem> {
    if let Some(token) = &login.token_file {
        return Ok(RegistryAuth::Bearer(secret(token, "the token")?.trim_end().to_owned()));
    }
    match (&login.user, &login.password_file) {
        (Some(user), Some(file)) => Ok(RegistryAuth::Basic(user.clone(), secret(file, "the password")?.trim_end().to_owned())),
        (None, None) => Ok(RegistryAuth::Anonymous),
        _ => Err(failed("a login needs both `--user NAME` and `--password-file FILE`")),
    }
}

fn secret(path: &std::path::Path, what: &str) -> Result<Zeroizing<String>, Problem> {
    use std::io::Read as _;

    let mut text = Zeroizing::new(String::new());
    let read = fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    read.map_err(|error| failed(format!("{what} in `{}` cannot be read: {}", path.display(), error.kind())))?;
    Ok(text)
}
