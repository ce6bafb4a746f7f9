//! Recordings are scrubbed and played, templates are filled: without a sandbox. What needs one is tried by the integration tests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use hub_core::stream::StreamShape;
use serde_json::{Value, json};

use super::conform;
use super::player::Player;
use super::recording::{Answered, Asked, Body, Interaction, Recording};
use super::scrub::Scrubber;
use super::template::{Language, lay_out};
use crate::egress::Lookup;

fn shape() -> StreamShape {
    let schema = json!({ "type": "object", "properties": {
        "id": { "type": "integer", "x-hub-category": "user.unique_id" },
        "who": { "type": "object", "properties": { "full": { "type": "string", "x-hub-category": "user.name" } } },
        "plan": { "type": "string", "x-hub-category": "system.operations" },
    } });
    StreamShape::from_schema(&schema).unwrap()
}

fn answered(body: Body) -> Answered {
    Answered { status: 200, headers: BTreeMap::from([("x-owner".to_owned(), "Grace Hopper".to_owned())]), body }
}

fn one(url: &str, body: Body) -> Interaction {
    Interaction { request: Asked { method: "GET".to_owned(), url: url.to_owned(), body: None }, response: answered(body) }
}

#[test]
fn personal_values_are_invented_the_same_everywhere_and_secrets_go() {
    let person =
        json!({ "id": 4711, "who": { "full": "Grace Hopper" }, "plan": "gold", "contact": "grace@navy.mil", "birth_date": "1906-12-09" });
    let mut scrubber = Scrubber::new(vec!["s3cret-key".to_owned()]);
    scrubber.learn_records(&shape(), std::slice::from_ref(&person));
    let mut interactions = vec![
        one("https://api.example/v1/people/4711?q=Grace%20Hopper&key=s3cret-key", Body::Json(json!([person.clone()]))),
        one("https://api.example/v1/text", Body::Text("call Grace Hopper, grace@navy.mil".to_owned())),
    ];
    scrubber.learn_bodies(interactions.iter().map(|one| &one.response.body));
    interactions.iter_mut().for_each(|one| scrubber.scrub(one));
    scrubber.proven(&interactions).unwrap();
    let whole = json!(interactions).to_string();
    for planted in ["Grace", "Hopper", "navy", "4711", "s3cret", "1906"] {
        assert!(!whole.contains(planted), "{planted}: {whole}");
    }
    let Body::Json(Value::Array(people)) = &interactions[0].response.body else { unreachable!("it stays JSON") };
    let name = people[0]["who"]["full"].as_str().unwrap();
    assert_eq!(interactions[0].response.headers["x-owner"], name, "the same name in a header");
    assert!(people[0]["id"].as_u64().is_some_and(|id| (1000..10_000).contains(&id)), "a number of as many digits: {}", people[0]["id"]);
    assert!(interactions[0].request.url.contains(&people[0]["id"].to_string()), "the way to a person still leads there");
    assert!(interactions[0].request.url.contains("hub-trial-secret-0"));
    assert_eq!(people[0]["plan"], "gold");
}

#[test]
fn what_cannot_be_replaced_makes_no_recording() {
    let mut scrubber = Scrubber::new(vec!["s3cret-key".to_owned()]);
    scrubber.learn_records(&shape(), &[json!({ "who": { "full": "Grace Hopper" } })]);
    let mut interactions = vec![one("https://api.example/", Body::Base64("Grace Hopper".to_owned()))];
    interactions.iter_mut().for_each(|one| scrubber.scrub(one));
    let refused = scrubber.proven(&interactions).unwrap_err();
    assert!(!refused.title.contains("Grace"), "{}", refused.title);
}

#[tokio::test]
async fn the_player_knows_what_was_recorded_from_what_is_only_like_it() {
    let page = |url: &str, number: u32| one(url, Body::Json(json!({ "page": number })));
    let interactions = vec![
        page("https://api.example/items?since=1&key=hub-trial-secret-0", 1),
        page("https://api.example/items?since=1&page=2", 2),
        page("https://other.example/items", 9),
    ];
    let recording = Recording { interactions, ..Recording::default() };
    let player =
        Player::start(recording, vec!["hub-trial-secret-0".to_owned()], SocketAddr::from(([127, 0, 0, 1], 0)), false).await.unwrap();
    let detour = player.detour();
    let client = reqwest(&detour);
    let ask = async |url: &str| client(url.to_owned()).await;
    assert_eq!(
        ask("https://api.example/items?since=1&key=another-hub-trial-secret-0").await,
        (200, json!({ "page": 1 })),
        "a secret does not count"
    );
    assert_eq!(ask("https://api.example/items?page=2&since=1").await.1, json!({ "page": 2 }), "the order of a query does not count");
    assert_eq!(ask("https://api.example/items?since=7").await.1, json!({ "page": 1 }), "what is most alike");
    assert_eq!(ask("https://other.example/items").await.1, json!({ "page": 9 }), "another host is another system");
    assert_eq!(ask("https://api.example/nothing").await.0, 404);
    let exact: Vec<bool> = player.heard().iter().map(|heard| heard.exact).collect();
    assert_eq!(exact, [true, true, false, true, false]);
    player.rewind(None);
    assert!(player.heard().is_empty());
}

type Answering = std::pin::Pin<Box<dyn Future<Output = (u16, Value)> + Send>>;

/// Asks by way of the detour, over a plain connection.
fn reqwest(detour: &std::sync::Arc<dyn Lookup>) -> impl Fn(String) -> Answering + use<> {
    let detour = detour.clone();
    move |url| {
        let target = detour.detour(&url::Url::parse(&url).unwrap()).unwrap();
        Box::pin(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let mut stream = tokio::net::TcpStream::connect((target.host_str().unwrap(), target.port().unwrap())).await.unwrap();
            let query = target.query().map_or_else(String::new, |query| format!("?{query}"));
            let asked = format!("GET {}{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", target.path());
            stream.write_all(asked.as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
        })
    }
}

#[test]
fn every_check_has_a_number_of_its_own() {
    let numbers: Vec<u16> = conform::all().map(|check| check.number).collect();
    assert!(numbers.len() >= 40, "{}", numbers.len());
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "a number stands twice");
}

#[test]
fn a_folder_is_filled_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let made = lay_out(&folder.path().join("my-crm"), "my-crm", Language::Yaml, None).unwrap();
    for path in &made {
        assert!(!std::fs::read_to_string(path).unwrap().contains("{{name}}"), "{}", path.display());
    }
    assert!(lay_out(&folder.path().join("my-crm"), "my-crm", Language::Yaml, None).unwrap_err().title.contains("is there already"));
    assert!(lay_out(&folder.path().join("x"), "../x", Language::Yaml, None).unwrap_err().title.contains("is no name"));
}
