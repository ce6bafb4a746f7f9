//! Makes low-code credentials ready: sends what a provider needs, waits as it wants, and remembers what must not come back.
//!
//! A provider's requests are asked for at the gate like any other, and their answers end here.

use std::sync::Arc;
use std::time::Duration;

use hub_lowcode::auth::{Answer, Injection, Need};
use tokio::sync::{MutexGuard, OwnedMutexGuard};

use super::lowcode::{Entry, Issued, LowCode, own_request};
use super::message::{Request, Response};
use super::{Egress, SendError};
use crate::gate::Cleared;

/// For each request of a provider.
const OWN_TIMEOUT: Duration = Duration::from_secs(60);
/// More steps than any login takes, however often it is tried.
const MAX_STEPS: usize = 200;
/// The longest single wait that a provider may ask for.
const MAX_WAIT: f64 = 3600.0;

impl Egress {
    /// Sends a request once its credential is ready. The time for that is not the request's.
    pub(super) async fn send_ready(&self, request: Cleared<Request>, timeout: Duration) -> Result<Response, SendError> {
        let low_code = self.credentials.low_code().cloned();
        let place = request.get().credential.clone().filter(|name| !self.credentials.has_binding(name));
        let (Some(low_code), Some(place)) = (low_code, place) else {
            return self.timed(request, None, true, timeout).await;
        };
        let entry = low_code.entry(&place)?;
        let asked = request.get().clone();
        let (put, generation) = {
            let mut entry = Arc::clone(&entry).lock_owned().await;
            let repeated = entry.has_failed(&asked);
            entry.provider.begin(repeated);
            let put = self.ready(&low_code, &mut entry).await?;
            (put, entry.generation)
        };
        let answer = self.timed(request, Some(&put), true, timeout).await;
        let failed = answer.as_ref().map_or(true, |response| response.status >= 400);
        entry.lock().await.ended(&asked, failed);
        let issued = Some(Issued { credential: place, generation });
        answer.map(|response| Response { issued, ..response })
    }

    async fn timed(
        &self,
        request: Cleared<Request>,
        put: Option<&Injection>,
        is_blackened: bool,
        timeout: Duration,
    ) -> Result<Response, SendError> {
        let answer = tokio::time::timeout(timeout, self.follow(request, put, is_blackened)).await;
        answer.unwrap_or(Err(SendError::Timeout))
    }

    /// Does what the provider needs until it is ready.
    async fn ready(&self, low_code: &LowCode, entry: &mut OwnedMutexGuard<Entry>) -> Result<Injection, SendError> {
        let mut getting: Option<MutexGuard<'_, ()>> = None;
        for _ in 0..MAX_STEPS {
            entry.provider.set_config(low_code.config());
            match entry.provider.next(self.now()) {
                Need::Ready(put) => {
                    put.secrets.iter().for_each(|secret| low_code.trace(secret));
                    entry.ready(&put);
                    return Ok(put);
                }
                // Whoever had the lock before may have got what is wanted: the provider is asked once more.
                Need::Request(_) if getting.is_none() => getting = Some(low_code.getting.lock().await),
                Need::Request(request) => {
                    self.fetch_for(low_code, entry, request).await?;
                }
                Need::Wait(seconds) => {
                    let seconds = if seconds.is_finite() { seconds.clamp(0.0, MAX_WAIT) } else { 0.0 };
                    self.clock.sleep(Duration::from_secs_f64(seconds)).await;
                }
                Need::Failed(failed) => return Err(SendError::Credential { config: failed.config, message: failed.message }),
            }
        }
        Err(SendError::Credential { config: false, message: "the login does not come to an end".to_owned() })
    }

    async fn fetch_for(&self, low_code: &LowCode, entry: &mut Entry, request: hub_lowcode::host::Request) -> Result<(), SendError> {
        let request = self.gate.clear(own_request(&self.system, request)?).await.map_err(SendError::Denied)?;
        match Box::pin(self.timed(request, None, false, OWN_TIMEOUT)).await {
            Ok(response) => {
                entry.provider.answer(self.now(), &Answer { status: response.status, body: response.body.to_vec() });
                low_code.take_updates(&mut entry.provider)
            }
            Err(denied @ SendError::Denied(_)) => Err(denied),
            Err(error) => {
                entry.provider.lost(self.now(), error.cause());
                Ok(())
            }
        }
    }

    /// Gets a new token in the place of a rejected one, unless there is a newer one already. False: there is none to be got.
    ///
    /// # Errors
    /// [`SendError::Credential`], or a refusal of the gate.
    pub(crate) async fn renew(&self, issued: &Issued) -> Result<bool, SendError> {
        let Some(low_code) = self.credentials.low_code() else { return Ok(false) };
        let renewed = async {
            let mut entry = low_code.entry(&issued.credential)?.lock_owned().await;
            if entry.generation != issued.generation {
                return Ok(true);
            }
            if !entry.provider.renew() {
                return Ok(false);
            }
            self.ready(low_code, &mut entry).await.map(|_| true)
        };
        renewed.await.map_err(|error: SendError| error.map_text(|text| self.credentials.redact(text)))
    }

    fn now(&self) -> i64 {
        i64::try_from(self.clock.now_us()).unwrap_or(i64::MAX)
    }
}
