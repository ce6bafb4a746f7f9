//! The canonical form of who is told how runs go.

use serde_json::Value;

use super::system::secret;
use super::table::Table;
use crate::manifest::{Alert, Anchor, AnchorPlace, Event, Lineage, LogForm, Observe, Receiver};

pub(super) fn observe(observe: &Observe) -> Value {
    let lineage = |lineage: &Lineage| match lineage {
        Lineage::File(file) => Table::default().text("file", Some(&file.value)).done(),
        Lineage::Server(server) => receiver(server).done(),
    };
    Table::default()
        .text("metrics", observe.metrics.as_ref().map(|address| address.value))
        // Absent is text: neither is said, so that they do not differ.
        .text("logs", observe.logs.as_ref().map(|form| form.value).filter(|form| *form != LogForm::Text))
        .maybe("lineage", observe.lineage.as_ref().map(lineage))
        .maybe("otlp", observe.otlp.as_ref().map(|server| receiver(server).done()))
        .done()
}

pub(super) fn alert(alert: &Alert) -> Value {
    let told = Event::ALL.iter().filter(|event| alert.wants(**event));
    receiver(&alert.receiver).text("secret", Some(secret(&alert.secret.value))).words("on", told).done()
}

pub(super) fn anchor(anchor: &Anchor) -> Value {
    let table = match &anchor.to {
        AnchorPlace::File(file) => Table::default().text("file", Some(&file.value)),
        AnchorPlace::Server(server) => receiver(server),
    };
    table.spanned("every", anchor.every.as_ref()).done()
}

fn receiver(receiver: &Receiver) -> Table {
    Table::default()
        .text("to", Some(&receiver.to.value))
        .words("networks", receiver.networks.iter().map(|network| format!("{}/{}", network.value.address, network.value.prefix)))
        .text("token", receiver.token.as_ref().map(|token| secret(&token.value)))
}
