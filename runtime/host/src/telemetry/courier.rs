//! Brings messages to one receiver: through the gate, signed, tried again, in order. Who cannot be reached is told about, and stops nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hub_core::manifest::Receiver;
use hub_core::problem::Problem;
use hub_core::tell::event::{self, Message};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;
use zeroize::Zeroizing;

use super::book::Book;
use super::metrics::Metrics;
use crate::clock::Clock;
use crate::egress::{Credentials, Egress, Method, Request, SendError};
use crate::gate::{Cleared, Gate};
use crate::sync::Host;

/// Messages that wait for a receiver; further ones are left out and counted.
const QUEUE: usize = 256;
/// For one try.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Between one try and the next. After the last a message is given up.
pub(super) const PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(45),
    Duration::from_secs(120),
    Duration::from_secs(300),
];

/// The way to one receiver.
pub struct Courier {
    id: Arc<str>,
    to: Url,
    has_token: bool,
    content_type: &'static str,
    /// None: nothing is signed.
    key: Option<Zeroizing<Vec<u8>>>,
    gate: Arc<Gate>,
    egress: Egress,
    clock: Arc<dyn Clock>,
}

impl Courier {
    /// Reads the receiver's token, if it has one.
    ///
    /// # Errors
    /// E312 if that cannot be read.
    pub fn new(
        host: &Host,
        gate: &Arc<Gate>,
        receiver: &Receiver,
        content_type: &'static str,
        key: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Self, Problem> {
        let id: Arc<str> = receiver.id.as_str().into();
        let credentials = Credentials::of_receiver(&host.policy.manifest().sources, receiver)?;
        let egress = Egress::new(id.clone(), gate.clone(), credentials, host.lookup.clone(), host.clock.clone());
        let to = receiver.to.value.clone();
        Ok(Self { id, to, has_token: receiver.token.is_some(), content_type, key, gate: gate.clone(), egress, clock: host.clock.clone() })
    }

    /// Puts on record that this receiver will be told something, before there is anything to tell: later, the log itself may be what is broken.
    ///
    /// # Errors
    /// The refusal, or E216.
    pub async fn permit(&self) -> Result<(), Arc<Problem>> {
        self.cleared(&Message { id: String::new(), body: Vec::new() }).await.map(drop)
    }

    /// One try. Answers with the status.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn bring(&self, message: &Message) -> Result<u16, SendError> {
        let request = self.cleared(message).await.map_err(SendError::Denied)?;
        self.egress.send(request, TIMEOUT).await.map(|answer| answer.status)
    }

    async fn cleared(&self, message: &Message) -> Result<Cleared<Request>, Arc<Problem>> {
        let mut headers = vec![("content-type".to_owned(), self.content_type.to_owned())];
        if let Some(key) = &self.key {
            // The time is that of the try: a receiver refuses what is too old.
            let seconds = self.clock.now_us() / 1_000_000;
            headers.push(("webhook-id".to_owned(), message.id.clone()));
            headers.push(("webhook-timestamp".to_owned(), seconds.to_string()));
            headers.push(("webhook-signature".to_owned(), event::signature(key, message, seconds)));
        }
        let request = Request {
            system: self.id.clone(),
            url: self.to.clone(),
            method: Method::Post,
            headers,
            body: Some(Bytes::from(message.body.clone())),
            credential: self.has_token.then(|| Receiver::TOKEN.to_owned()),
            redirect: None,
        };
        self.gate.clear(request).await
    }

    async fn insist(&self, message: &Message, metrics: &Metrics, book: &Book) {
        let mut pauses = PAUSES.iter();
        loop {
            let (reason, may_pass) = match self.bring(message).await {
                Ok(200..=299) => {
                    metrics.told(&self.id, "taken");
                    return book.took(&self.id).await;
                }
                Ok(status) => (format!("status {status}"), matches!(status, 408 | 425 | 429 | 500..)),
                Err(SendError::Denied(problem)) => (problem.code.id().to_owned(), false),
                Err(error) => (error.cause().to_owned(), true),
            };
            match pauses.next().filter(|_| may_pass) {
                Some(pause) => {
                    book.failed(&self.id, &reason).await;
                    tracing::warn!(receiver = &*self.id, reason, "HUB-E314 it was not told; another try follows");
                    self.clock.sleep(*pause).await;
                }
                None => {
                    tracing::error!(receiver = &*self.id, reason, "HUB-E314 it was not told, and the message is given up");
                    metrics.told(&self.id, "given-up");
                    return book.gave_up(&self.id, &reason).await;
                }
            }
        }
    }

    /// Brings messages from now on.
    pub(super) fn start(self, metrics: Arc<Metrics>, book: Arc<Book>) -> Outbox {
        let (sender, mut waiting) = mpsc::channel::<Message>(QUEUE);
        let (id, counts, kept) = (self.id.clone(), metrics.clone(), book.clone());
        let task = tokio::spawn(async move {
            while let Some(message) = waiting.recv().await {
                self.insist(&message, &metrics, &book).await;
            }
        });
        Outbox { id, sender, task, metrics: counts, book: kept }
    }
}

/// Where messages for one receiver are left.
pub(super) struct Outbox {
    id: Arc<str>,
    sender: mpsc::Sender<Message>,
    task: JoinHandle<()>,
    metrics: Arc<Metrics>,
    book: Arc<Book>,
}

impl Outbox {
    /// Never waits.
    pub(super) fn put(&self, message: Message) {
        if self.sender.try_send(message).is_err() {
            tracing::error!(receiver = &*self.id, "HUB-E314 too many messages wait for it; one is left out");
            self.metrics.told(&self.id, "left-out");
        }
    }

    /// Waits until everything was brought, at most so long.
    pub(super) async fn close(self, patience: Duration) {
        let Self { id, sender, mut task, metrics, book } = self;
        let capacity = sender.clone();
        drop(sender);
        // The channel closes when its last sender goes: this one only counts.
        let waiting = QUEUE - capacity.capacity();
        drop(capacity);
        if tokio::time::timeout(patience, &mut task).await.is_err() {
            task.abort();
            metrics.told(&id, "given-up");
            let known = book.of(&id).reason;
            book.gave_up(&id, known.as_deref().unwrap_or("no answer in time")).await;
            tracing::error!(receiver = &*id, waiting, "HUB-E314 it was not told everything before the end");
        }
    }
}
