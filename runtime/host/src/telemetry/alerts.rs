//! Everybody whom `[alert.ID]` names: who wants which event, and where it is left for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_core::manifest::Event;
use hub_core::policy::Policy;
use hub_core::tell::event;
use serde_json::Value;

use super::courier::Outbox;
use super::new_id;
use crate::clock::Clock;

pub(super) struct Alerts {
    pub policy: Arc<Policy>,
    pub clock: Arc<dyn Clock>,
    /// Which hub it is: the name of its audit log.
    pub source: String,
    /// By alert id.
    pub outboxes: BTreeMap<String, Outbox>,
}

impl Alerts {
    /// Tells an event to everybody who wants it. Never waits.
    pub fn tell(&self, event: Event, subject: Option<&str>, data: &Value) {
        let alerts = self.policy.manifest().alerts.values().filter(|alert| alert.wants(event));
        let wanting: Vec<&Outbox> = alerts.filter_map(|alert| self.outboxes.get(&alert.id.value)).collect();
        if wanting.is_empty() {
            return;
        }
        let us = self.clock.now_us();
        let message = event::message(&new_id(us), event.word(), &self.source, subject, us, data);
        wanting.into_iter().for_each(|outbox| outbox.put(message.clone()));
    }
}
