//! Records that are not as they should be, and values that are meant to harm.

use bytes::Bytes;
use serde_json::{Value, json};

use super::scene::{Case, End, alive, end, told};
use super::{Check, Scene, Verdict, check};
use crate::author::bench::Seen;
use crate::author::player::Reply;

/// Quotes, backslash, line ends, a NUL, signs that turn a line around, other scripts, and what opens a tag or a formula.
const DIFFICULT: &str = "=1+1;\"'\\ \n\r\t\u{0}\u{202e}äß漢字\u{1f980}</script>{{ 7*7 }}$(x)";
const CANARY: &str = "hubcanary7f3a";

pub(super) const CHECKS: &[Check] = &[
    check!(70, "a field of another type: the other records arrive", retyped),
    check!(71, "a field that is gone: the other records arrive", removed),
    check!(72, "a field that is new: every record arrives", added),
    check!(73, "null in every field: no crash", nulls),
    check!(74, "difficult text arrives as it is", difficult),
    check!(75, "a text of 1 MiB: no crash, and the other records arrive", long),
    check!(76, "a text of 17 MiB: no crash", longer),
    check!(77, "ten thousand arrays in one another: no crash", deep),
    check!(78, "a whole number beyond 2^53 arrives as it is", number),
    check!(79, "what it says about a failure holds no value of a record", quiet),
    check!(80, "secrets are in no record, no state and no message", secret),
];

/// An answer whose JSON document becomes another one.
pub(super) fn changed(reply: Reply, change: &dyn Fn(&mut Value)) -> Reply {
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(mut value) => {
            change(&mut value);
            Reply { body: Bytes::from(value.to_string()), ..reply }
        }
        Err(_) => reply,
    }
}

/// Lists of objects become empty.
pub(super) fn without_items(value: &mut Value) {
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => items.clear(),
        Value::Array(items) => items.iter_mut().for_each(without_items),
        Value::Object(fields) => fields.values_mut().for_each(without_items),
        _ => {}
    }
}

/// The objects that lists hold, outermost first: what records are made of.
fn items(value: &mut Value, found: &mut dyn FnMut(usize, &mut serde_json::Map<String, Value>)) {
    fn walk(value: &mut Value, count: &mut usize, found: &mut dyn FnMut(usize, &mut serde_json::Map<String, Value>)) {
        match value {
            Value::Array(list) => {
                for item in list {
                    match item {
                        Value::Object(fields) => {
                            found(*count, fields);
                            *count += 1;
                        }
                        other => walk(other, count, found),
                    }
                }
            }
            Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, count, found)),
            _ => {}
        }
    }
    walk(value, &mut 0, found);
}

/// Whether it reads JSON at all.
pub(super) async fn is_json(case: Case<'_>) -> bool {
    let found = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let noted = found.clone();
    case.disturbed(move |_, _, reply| {
        let is = matches!(serde_json::from_slice(&reply.body), Ok(Value::Object(_) | Value::Array(_)));
        noted.fetch_or(is, std::sync::atomic::Ordering::Relaxed);
        reply
    })
    .await;
    found.load(std::sync::atomic::Ordering::Relaxed)
}

/// Reads while the first record of each answer is changed.
async fn first_changed(case: Case<'_>, change: impl Fn(&mut serde_json::Map<String, Value>) + Send + Sync + 'static) -> Seen {
    case.disturbed(move |_, _, reply| {
        changed(reply, &|value| {
            items(value, &mut |number, fields| {
                if number == 0 {
                    change(fields);
                }
            });
        })
    })
    .await
}

/// The other records arrive, or it is told why not; it does not crash.
async fn others(scene: &Scene, change: fn(&str, &mut serde_json::Map<String, Value>)) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if !is_json(case).await {
                return Verdict::NotTried("its answers are no JSON");
            }
            let keys: Vec<String> = case.primary_key().iter().filter_map(|path| path.parts().next().map(str::to_owned)).collect();
            let cursor = case.claim().and_then(|claim| claim.cursor.as_ref()).and_then(|path| path.parts().next().map(str::to_owned));
            let spared: Vec<String> = keys.into_iter().chain(cursor).collect();
            let pages = case.usual_requests().await;
            let seen = first_changed(case, move |fields| {
                let names: Vec<String> = fields.keys().filter(|name| !spared.contains(name)).cloned().collect();
                for name in names {
                    change(&name, fields);
                }
            })
            .await;
            match end(&seen) {
                End::Done if case.missing(&seen.content.records) <= pages => Verdict::Passed,
                End::Done => Verdict::Failed(format!("{} records are missing", case.missing(&seen.content.records))),
                End::Trapped => Verdict::Failed(told(&seen)),
                // Told, so that nothing is lost unnoticed.
                End::Told(_) | End::Refused => Verdict::Passed,
            }
        })
        .await
}

async fn retyped(scene: &Scene) -> Verdict {
    others(scene, |name, fields| {
        let other = match fields.get(name) {
            Some(Value::String(_)) => json!({ "now": "an object" }),
            _ => json!("now a text"),
        };
        fields.insert(name.to_owned(), other);
    })
    .await
}

async fn removed(scene: &Scene) -> Verdict {
    others(scene, |name, fields| {
        fields.shift_remove(name);
    })
    .await
}

async fn added(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if !is_json(case).await {
                return Verdict::NotTried("its answers are no JSON");
            }
            let seen = case
                .disturbed(|_, _, reply| {
                    changed(reply, &|value| {
                        items(value, &mut |_, fields| {
                            fields.insert("hub_new_field".to_owned(), json!({ "deep": [1, "two"] }));
                        });
                    })
                })
                .await;
            match (end(&seen), case.missing(&seen.content.records), seen.content.rejected) {
                (End::Done, 0, 0) => Verdict::Passed,
                (End::Done, missing, rejected) => {
                    Verdict::Failed(format!("{} records are missing", missing + usize::try_from(rejected).unwrap_or(0)))
                }
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn nulls(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let seen = first_changed(case, |fields| fields.values_mut().for_each(|field| *field = Value::Null)).await;
            alive(&seen).into()
        })
        .await
}

/// A field of the records whose text is handed over as it came, and that neither finds nor orders a record.
fn plain_text(case: Case<'_>) -> Option<String> {
    let record = case.plain.content.records.first()?.as_object()?;
    let claim = case.claim()?;
    let spared = |name: &str| claim.primary_key.iter().chain(&claim.cursor).any(|path| path.as_str() == name);
    let is_time = |text: &str| text.len() >= 10 && text.as_bytes().get(4) == Some(&b'-');
    let found = record.iter().find(|(name, value)| value.as_str().is_some_and(|text| !text.is_empty() && !is_time(text)) && !spared(name));
    found.map(|(name, _)| name.clone())
}

/// Puts a text into a field of the first record and looks whether it arrives.
async fn planted(scene: &Scene, text: fn() -> String, must_arrive: bool) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if !is_json(case).await {
                return Verdict::NotTried("its answers are no JSON");
            }
            let Some(name) = plain_text(case) else { return Verdict::NotTried("no field is plain text") };
            let field = name.clone();
            let seen = first_changed(case, move |fields| {
                if fields.get(&field).is_some_and(Value::is_string) {
                    fields.insert(field.clone(), Value::String(text()));
                }
            })
            .await;
            let arrived = seen.content.records.iter().any(|record| record.get(&name).and_then(Value::as_str) == Some(text().as_str()));
            match end(&seen) {
                End::Trapped => Verdict::Failed(told(&seen)),
                End::Done if must_arrive && !arrived => Verdict::Failed(format!("it is another text in `{name}`")),
                End::Done if case.missing(&seen.content.records) > case.trial.player.heard().len() => {
                    Verdict::Failed("other records are missing".to_owned())
                }
                _ if must_arrive && !arrived => Verdict::Failed(told(&seen)),
                _ => Verdict::Passed,
            }
        })
        .await
}

async fn difficult(scene: &Scene) -> Verdict {
    planted(scene, || DIFFICULT.to_owned(), true).await
}

async fn long(scene: &Scene) -> Verdict {
    planted(scene, || "ü".repeat(1 << 19), false).await
}

async fn longer(scene: &Scene) -> Verdict {
    planted(scene, || "x".repeat(17 << 20), false).await
}

async fn deep(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            // The library refuses to write or read such a document: it is made by hand.
            let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            let seen = case
                .disturbed(move |_, _, reply| {
                    let text = String::from_utf8_lossy(&reply.body).replacen("[{", &format!("[{{\"hub_deep\":{nested},"), 1);
                    Reply { body: Bytes::from(text), ..reply }
                })
                .await;
            alive(&seen).into()
        })
        .await
}

async fn number(scene: &Scene) -> Verdict {
    const LARGE: i64 = 9_007_199_254_740_993;
    scene
        .each(async |case: Case<'_>| {
            if !is_json(case).await {
                return Verdict::NotTried("its answers are no JSON");
            }
            let Some(record) = case.plain.content.records.first().and_then(Value::as_object) else {
                return Verdict::NotTried("no records are recorded");
            };
            let shape = scene.bench.shape(case.stream);
            let is_key = |name: &str| case.primary_key().iter().any(|path| path.as_str() == name);
            let is_whole = |name: &str| shape.fields.get(name).is_some_and(|node| node.kind() == hub_core::stream::ValueKind::Integer);
            let Some(name) =
                record.iter().find(|(name, value)| value.is_i64() && !is_key(name) && is_whole(name)).map(|(name, _)| name.clone())
            else {
                return Verdict::NotTried("no field but the key is a whole number");
            };
            let field = name.clone();
            let seen = first_changed(case, move |fields| {
                if fields.get(&field).is_some_and(Value::is_i64) {
                    fields.insert(field.clone(), json!(LARGE));
                }
            })
            .await;
            let arrived = seen.content.records.iter().any(|record| record.get(&name).and_then(Value::as_i64) == Some(LARGE));
            if arrived || end(&seen) != End::Done {
                alive(&seen).into()
            } else {
                Verdict::Failed(format!("it is another number in `{name}`"))
            }
        })
        .await
}

async fn quiet(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            for cut in [false, true] {
                let seen = case
                    .disturbed(move |_, _, reply| {
                        let reply = changed(reply, &|value| {
                            items(value, &mut |_, fields| {
                                fields.values_mut().for_each(|field| *field = json!([{ CANARY: CANARY }, CANARY]))
                            });
                        });
                        let length = reply.body.len();
                        if cut { Reply { body: reply.body.slice(..length - length / 8), ..reply } } else { reply }
                    })
                    .await;
                if seen.ended.as_ref().is_err_and(|error| error.message.contains(CANARY)) {
                    return Verdict::Failed("its message holds one".to_owned());
                }
            }
            Verdict::Passed
        })
        .await
}

async fn secret(scene: &Scene) -> Verdict {
    let Some(secret) = scene.bench.secrets.first().cloned() else { return Verdict::NotTried("it uses no secret") };
    scene
        .each(async |case: Case<'_>| {
            let echoed = secret.clone();
            let failing = case
                .disturbed(move |_, _, reply| Reply {
                    status: 400,
                    body: Bytes::from(json!({ "error": format!("bad key {echoed}") }).to_string()),
                    ..reply
                })
                .await;
            let in_message = failing.ended.as_ref().is_err_and(|error| error.message.contains(&secret));
            let content = &case.plain.content;
            let in_records = content.records.iter().any(|record| record.to_string().contains(&secret));
            let in_states = content.states.iter().any(|(_, state)| String::from_utf8_lossy(state).contains(&secret));
            if in_message || in_records || in_states { Verdict::Failed("one holds it".to_owned()) } else { Verdict::Passed }
        })
        .await
}
