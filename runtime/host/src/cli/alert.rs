//! `hub alert`: who is told when something needs a look, and whether that works. Says of an answer its status only.

use clap::{Args, Subcommand};
use hub_core::manifest::{self, Event, id_fault};
use hub_core::problem::{Code, Problem, Problems};
use hub_core::tell::event;
use serde_json::json;

use super::{Failure, Place, load, run};
use crate::clock::SystemClock;
use crate::egress::SendError;
use crate::sync::Host;
use crate::telemetry::{self, Book, new_id};

#[derive(Args, Debug)]
pub(super) struct Alert {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List who is told what
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Send a test event, once, and say what became of it
    Test {
        /// The alert; absent = all of them
        name: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

impl Alert {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::List { place } => list(place),
            // One word alone that is no id is the manifest.
            Verb::Test { name: Some(path), place } if id_fault(path).is_some() => {
                test(None, &Place { manifest: path.into(), data: place.data.clone() })
            }
            Verb::Test { name, place } => test(name.as_deref(), place),
        }
    }
}

fn list(place: &Place) -> Result<u8, Failure> {
    let loaded = load::load(&place.manifest, &place.config())?;
    let alerts = &loaded.policy.manifest().alerts;
    let mut text = String::new();
    for (id, alert) in alerts {
        let told: Vec<&str> = Event::ALL.iter().filter(|event| alert.wants(**event)).map(|event| event.word()).collect();
        text.push_str(&format!("{id}  {}  {}\n", alert.receiver.to.value, told.join(", ")));
    }
    super::print_text(if alerts.is_empty() { "nobody is told anything: the manifest has no `[alert.ID]`\n" } else { &text });
    Ok(0)
}

fn test(name: Option<&str>, place: &Place) -> Result<u8, Failure> {
    let loaded = load::load(&place.manifest, &place.config())?;
    let wanted = wanted(name, loaded.policy.manifest())?;
    let host = host(place, &loaded)?;
    let gate = telemetry::gate(&host);
    let book = Book::new(host.store.clone(), host.clock.clone());
    let source = run::source(&host.config);
    let mut failed = Vec::new();
    for alert in wanted {
        let id = &alert.id.value;
        let us = host.clock.now_us();
        let message = event::message(&new_id(us), "test", &source, None, us, &json!({ "alert": id }));
        let courier = telemetry::to_alert(&host, &gate, alert).map_err(|problem| failure(problem, &loaded))?;
        let runtime = super::runtime()?;
        let answer = runtime.block_on(courier.bring(&message));
        if matches!(answer, Ok(200..=299)) {
            runtime.block_on(book.took(&alert.receiver.id));
        }
        match answer {
            Ok(status @ 200..=299) => super::print_text(&format!("✓ {id}: status {status}\n")),
            Ok(status) => failed.push(refused(alert, &format!("status {status}"))),
            Err(SendError::Denied(problem)) => failed.push(Problem::clone(&problem)),
            Err(error) => failed.push(refused(alert, error.cause())),
        }
    }
    match Problems::new(failed) {
        None => Ok(0),
        Some(problems) => Err(Failure { problems, sources: loaded.sources.clone() }),
    }
}

fn failure(problem: Problem, loaded: &load::Loaded) -> Failure {
    Failure { problems: problem.into(), sources: loaded.sources.clone() }
}

fn refused(alert: &manifest::Alert, reason: &str) -> Problem {
    let title = format!("alert `{}` was not taken by its receiver: {reason}", alert.id.value);
    let help = "look at the address, the secret and the token, then try again";
    Problem::new(Code::E314, title, help).at(alert.receiver.to.span, "declared here")
}

fn wanted<'m>(name: Option<&str>, manifest: &'m manifest::Manifest) -> Result<Vec<&'m manifest::Alert>, Failure> {
    let declared: Vec<&str> = manifest.alerts.keys().map(String::as_str).collect();
    let found: Vec<&manifest::Alert> = manifest.alerts.values().filter(|alert| name.is_none_or(|name| name == alert.id.value)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let title = name.map_or_else(|| "the manifest declares no alert".to_owned(), |name| format!("alert `{name}` is not declared"));
    let help = if declared.is_empty() { "declare `[alert.ID]`".to_owned() } else { format!("declared alerts: {}", declared.join(", ")) };
    Err(Problem::new(Code::E009, title, help).into())
}

/// What sending needs: the log, since who was told is on record.
fn host(place: &Place, loaded: &load::Loaded) -> Result<Host, Failure> {
    let config = place.config();
    Ok(Host {
        policy: loaded.policy.clone(),
        packages: loaded.packages.clone(),
        store: run::open(&config)?,
        config,
        stopping: std::sync::Arc::default(),
        lookup: std::sync::Arc::new(crate::egress::SystemLookup),
        clock: std::sync::Arc::new(SystemClock),
    })
}

/// Tells those who want to know that the log is not whole. Answers with what to say about it.
pub(super) fn tell_broken(place: &Place) -> Option<String> {
    let loaded = load::load(&place.manifest, &place.config()).ok()?;
    let alerts: Vec<&manifest::Alert> = loaded.policy.manifest().alerts.values().filter(|alert| alert.wants(Event::AuditBroken)).collect();
    if alerts.is_empty() {
        return None;
    }
    let Ok(host) = host(place, &loaded) else { return Some("nobody was told: the store does not open".to_owned()) };
    let gate = telemetry::gate(&host);
    let us = host.clock.now_us();
    let message = event::message(&new_id(us), Event::AuditBroken.word(), &run::source(&host.config), None, us, &json!({}));
    let runtime = super::runtime().ok()?;
    let told = alerts.iter().map(|alert| {
        let answer = telemetry::to_alert(&host, &gate, alert).ok().map(|courier| runtime.block_on(courier.bring(&message)));
        let said = match answer {
            Some(Ok(status @ 200..=299)) => format!("told (status {status})"),
            Some(Ok(status)) => format!("not told (status {status})"),
            Some(Err(error)) => format!("not told ({})", error.cause()),
            None => "not told (no secret)".to_owned(),
        };
        format!("alert `{}`: {said}", alert.id.value)
    });
    Some(told.collect::<Vec<_>>().join("; "))
}
