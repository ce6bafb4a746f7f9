//! One origin's HTTP client and its resolver, which hands out cleared addresses only. Follows no redirect and knows no proxy.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use hub_core::policy::ask::Ask;
use hub_core::problem::Problem;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::failure::NoAddress;
use super::{MAX_HEADER_BYTES, Request, Response, SendError};
use crate::gate::{Asks, Gate};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_IDLE: usize = 16;
/// More answers than this are not looked at.
const MAX_ADDRESSES: usize = 16;

/// From a name to addresses.
pub trait Lookup: Send + Sync {
    /// Addresses of a host name.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

    /// Where a request goes instead of its URL. The gate judges the URL all the same; the detour itself is not judged, so it is set in code,
    /// for tests with a server of their own, and never by a configuration.
    fn detour(&self, _url: &Url) -> Option<Url> {
        None
    }

    /// Somebody wants to know what was asked and answered: an author who records. Set in code, never by a configuration.
    fn witness(&self) -> Option<&dyn Witness> {
        None
    }
}

/// Who is told of each request, with its secrets in place, and of its answer; redirects in between are not told.
pub trait Witness: Send + Sync {
    /// Secrets may stand in the request's address and body; in the answer only if it is the answer to a login.
    fn answered(&self, request: &Request, answer: &Response, is_login: bool);
}

/// The operating system's resolver.
#[derive(Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// A connection to an address that a permitted name led to.
#[derive(Debug)]
pub struct Connection {
    system: Arc<str>,
    url: Url,
    address: IpAddr,
}

impl Asks for Connection {
    fn ask(&self) -> Ask<'_> {
        Ask::Connect { system: &self.system, url: &self.url, address: self.address }
    }
}

pub(super) struct OriginClient {
    pub(super) http: reqwest::Client,
    resolver: Arc<ClearingResolver>,
}

impl OriginClient {
    pub(super) fn new(system: &Arc<str>, gate: &Arc<Gate>, lookup: &Arc<dyn Lookup>, url: &Url) -> Result<Self, SendError> {
        let resolver = Arc::new(ClearingResolver::new(system, gate, lookup, url));
        let http = build(url.scheme() == "https", Arc::clone(&resolver)).map_err(|error| super::failure::classify(&error))?;
        Ok(Self { http, resolver })
    }

    /// A literal address never meets the resolver.
    pub(super) async fn clear_literal(&self) -> Result<(), Arc<Problem>> {
        match literal(&self.resolver.url) {
            Some(address) => self.resolver.clear(address).await,
            None => Ok(()),
        }
    }

    /// The gate cleared this address for this origin.
    pub(super) fn is_cleared(&self, address: IpAddr) -> bool {
        self.resolver.cleared.lock().unwrap_or_else(PoisonError::into_inner).contains(&address)
    }
}

/// Every address of a URL's host that the gate clears, with its port.
pub(super) async fn cleared_addresses(
    system: &Arc<str>,
    gate: &Arc<Gate>,
    lookup: &Arc<dyn Lookup>,
    url: &Url,
) -> Result<Vec<SocketAddr>, SendError> {
    let resolver = ClearingResolver::new(system, gate, lookup, url);
    let port = url.port_or_known_default().unwrap_or_default();
    if let Some(address) = literal(url) {
        return resolver.clear(address).await.map(|()| vec![SocketAddr::new(address, port)]).map_err(SendError::Denied);
    }
    match resolver.addresses(url.host_str().unwrap_or_default().to_owned()).await {
        Ok(found) => Ok(found.into_iter().map(|address| SocketAddr::new(address.ip(), port)).collect()),
        Err(NoAddress::Denied(problem)) => Err(SendError::Denied(problem)),
        Err(NoAddress::Unknown(why)) => Err(SendError::Dns(why)),
    }
}

/// The address that a URL names itself.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

/// The question about an address is about an origin: path and query may hold anything and stay out of it.
fn origin_url(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that makes a client")]
fn build(encrypted: bool, resolver: Arc<ClearingResolver>) -> reqwest::Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails only if the process has one already.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .https_only(encrypted)
        .dns_resolver(Shared(resolver))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .http2_max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX));
    // Without TLS there is nothing to verify: the machine need not have certificates.
    if encrypted { builder } else { builder.tls_certs_only([]) }.build()
}

struct ClearingResolver {
    system: Arc<str>,
    gate: Arc<Gate>,
    lookup: Arc<dyn Lookup>,
    url: Url,
    cleared: Mutex<HashSet<IpAddr>>,
}

impl ClearingResolver {
    fn new(system: &Arc<str>, gate: &Arc<Gate>, lookup: &Arc<dyn Lookup>, url: &Url) -> Self {
        Self {
            system: Arc::clone(system),
            gate: Arc::clone(gate),
            lookup: Arc::clone(lookup),
            url: origin_url(url),
            cleared: Mutex::default(),
        }
    }

    async fn clear(&self, address: IpAddr) -> Result<(), Arc<Problem>> {
        let wanted = Connection { system: Arc::clone(&self.system), url: self.url.clone(), address };
        let cleared = self.gate.clear(wanted).await?.into_inner();
        self.cleared.lock().unwrap_or_else(PoisonError::into_inner).insert(cleared.address);
        Ok(())
    }

    async fn addresses(&self, host: String) -> Result<Vec<SocketAddr>, NoAddress> {
        let found = self.lookup.lookup(host).await.map_err(|error| NoAddress::Unknown(error.to_string()))?;
        let mut permitted = Vec::new();
        let mut denied = None;
        for address in found.into_iter().take(MAX_ADDRESSES) {
            match self.clear(address).await {
                Ok(()) => permitted.push(SocketAddr::new(address, 0)),
                Err(problem) => denied = Some(problem),
            }
        }
        match denied {
            Some(problem) if permitted.is_empty() => Err(NoAddress::Denied(problem)),
            None if permitted.is_empty() => Err(NoAddress::Unknown("the name has no address".to_owned())),
            _ => Ok(permitted),
        }
    }
}

/// The resolver as reqwest takes it: its futures may outlive a borrow.
struct Shared(Arc<ClearingResolver>);

impl Resolve for Shared {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str().to_owned()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
