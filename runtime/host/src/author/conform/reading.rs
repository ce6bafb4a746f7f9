//! How it reads: all of it, once, from where it stopped, and no longer than it is wanted.

use std::collections::BTreeSet;

use hub_core::problem::Code;
use hub_core::record::FieldPath;
use hub_core::stream::StreamShape;
use serde_json::Value;

use super::scene::{Case, End, alive, end, told, value_at};
use super::{Check, Scene, Verdict, check};
use crate::author::bench::{Seen, Wanted};
use crate::author::kept::Interference;

/// A state is a few bytes.
const MAX_STATE_BYTES: usize = 64 << 10;
const MAX_BATCH_BYTES: usize = 1 << 20;
/// A reader that asks more often than this for a page that never changes would go on for ever.
const ENDLESS: usize = 200;
/// States that are tried one by one.
const MAX_STATES: usize = 12;

pub(super) const CHECKS: &[Check] = &[
    check!(20, "it can tell whether its system can be reached", reachable),
    check!(21, "from a recording it makes the records that were recorded", expected),
    check!(22, "it asks for nothing that is not in the recording", exact),
    check!(23, "the same answers make the same records, states and requests", same),
    check!(24, "every record fits the declared schema", fitting),
    check!(25, "every record has its primary key, and no two have the same", keyed),
    check!(26, "batches are at most 1 MiB", batches),
    check!(27, "with a cursor, it tells a state, and the last one covers everything", states),
    check!(28, "states are small and hold no personal value", discreet),
    check!(29, "it goes on from its last state without an error and without inventing records", again),
    check!(30, "going on from any state leaves no gap", gapless),
    check!(31, "going on from any state repeats nothing that the state covers", unrepeated),
    check!(32, "with a limit it ends early", limited),
    check!(33, "a full refresh reads everything, whatever the state", refreshed),
    check!(34, "asked for a part of the fields, it still hands over the key", narrow),
    check!(35, "a stream that does not exist is an error, not a crash", unknown),
    check!(36, "a state that is no state is an error or a beginning, never a gap or a crash", broken),
    check!(37, "a state of another form is an error or a beginning, never a gap or a crash", alien),
    check!(38, "asked to end before it began, it ends without reading everything", early),
    check!(39, "asked to end in the middle, it ends, and going on leaves no gap", stopped),
    check!(40, "refused by the host in the middle, it ends and does not crash", refused),
    check!(41, "it ends although the remote gives the same page for ever", endless),
    check!(42, "an answer without records is no records and no error", empty),
];

async fn reachable(scene: &Scene) -> Verdict {
    let Some(trial) = scene.trials.first() else { return Verdict::NotTried("nothing is recorded: `hub test --record URL`") };
    trial.player.rewind(None);
    match scene.bench.check(trial.player.detour(), trial.timing).await {
        Ok(()) => Verdict::Passed,
        Err(error) if error.code == Code::E310 => {
            Verdict::NotTried("its check wants to read bodies, which is not granted since reading does not need it")
        }
        Err(error) => Verdict::Failed(format!("{}: {}", error.code, error.message)),
    }
}

async fn expected(scene: &Scene) -> Verdict {
    if let Some(case) = scene.cases().find(|case| case.plain.ended.is_err()) {
        return Verdict::Failed(format!("stream `{}`: {}", case.stream, told(case.plain)));
    }
    scene
        .each(async |case: Case<'_>| {
            let Some(expected) = case.trial.streams.get(case.stream) else { return Verdict::Passed };
            let (found, wanted) = (&case.plain.content.records, &expected.records);
            match found.iter().zip(wanted).position(|(left, right)| left != right) {
                Some(at) => Verdict::Failed(format!("record {} is another one", at + 1)),
                None if found.len() != wanted.len() => {
                    Verdict::Failed(format!("there are {} records, recorded are {}", found.len(), wanted.len()))
                }
                None => Verdict::Passed,
            }
        })
        .await
}

async fn exact(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            case.read(case.wanted()).await;
            let heard = case.trial.player.heard();
            match heard.iter().find(|heard| !heard.exact) {
                Some(other) => {
                    Verdict::Failed(format!("{} of a path that was recorded otherwise: {}", other.asked.method, path(&other.asked.url)))
                }
                None => Verdict::Passed,
            }
        })
        .await
}

/// A URL without its query, which may hold values.
fn path(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

async fn same(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let first = case.read(case.wanted()).await;
            let asked = case.trial.player.heard();
            let second = case.read(case.wanted()).await;
            let rest = [
                ("records", first.content.records == second.content.records),
                ("states", first.content.states == second.content.states),
                ("requests", asked == case.trial.player.heard()),
            ];
            match rest.into_iter().find(|(_, same)| !same) {
                Some((what, _)) => Verdict::Failed(format!("the {what} of two runs differ")),
                None => Verdict::Passed,
            }
        })
        .await
}

async fn fitting(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| match case.plain.content.rejected {
            0 => Verdict::Passed,
            count => Verdict::Failed(format!("{count} of {} do not", case.plain.content.records.len())),
        })
        .await
}

async fn keyed(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let key = case.primary_key();
            if key.is_empty() {
                return Verdict::Failed("it has no primary key".to_owned());
            }
            let mut seen = BTreeSet::new();
            for (at, record) in case.plain.content.records.iter().enumerate() {
                if key.iter().any(|path| value_at(record, path).is_none_or(Value::is_null)) {
                    return Verdict::Failed(format!("record {} lacks it", at + 1));
                }
                if !seen.insert(case.key(record)) {
                    return Verdict::Failed(format!("record {} has the key of an earlier one", at + 1));
                }
            }
            Verdict::Passed
        })
        .await
}

async fn batches(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| match case.plain.content.largest_batch {
            size if size > MAX_BATCH_BYTES => Verdict::Failed(format!("one has {size} bytes")),
            _ => Verdict::Passed,
        })
        .await
}

async fn states(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let content = &case.plain.content;
            match content.states.last() {
                None if !case.has_cursor() => Verdict::NotTried("it names no cursor: each run reads everything"),
                None => Verdict::Failed("it names a cursor and told no state".to_owned()),
                Some((count, _)) if *count < content.records.len() => {
                    Verdict::Failed(format!("{} records came behind the last one", content.records.len() - count))
                }
                Some(_) => Verdict::Passed,
            }
        })
        .await
}

async fn discreet(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let personal = personal(&scene.bench.shape(case.stream), &case.plain.content.records);
            for (_, state) in &case.plain.content.states {
                if state.len() > MAX_STATE_BYTES {
                    return Verdict::Failed(format!("one has {} bytes", state.len()));
                }
                let text = String::from_utf8_lossy(state);
                if personal.iter().any(|value| text.contains(value.as_str())) {
                    return Verdict::Failed("one holds the value of a personal field".to_owned());
                }
            }
            Verdict::Passed
        })
        .await
}

/// Texts of at least four letters in personal fields.
fn personal(shape: &StreamShape, records: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, leaf) in shape.leaves() {
        if !leaf.category.as_deref().is_some_and(|category| category == "user" || category.starts_with("user.")) {
            continue;
        }
        let texts = records.iter().filter_map(|record| value_at(record, &path)?.as_str());
        found.extend(texts.filter(|text| text.len() >= 4).map(str::to_owned));
    }
    found
}

async fn again(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let Some((_, state)) = case.plain.content.states.last() else { return Verdict::NotTried("it told no state") };
            let seen = case.read(Wanted { state: Some(state.clone()), ..case.wanted() }).await;
            if seen.ended.is_err() {
                return Verdict::Failed(told(&seen));
            }
            let known: BTreeSet<String> = case.plain.content.records.iter().map(|record| case.key(record)).collect();
            let recorded = case.trial.streams.get(case.stream).and_then(|expected| expected.again.as_ref());
            match recorded {
                Some(recorded) if *recorded != seen.content.records => Verdict::Failed("the records are not the recorded ones".to_owned()),
                None if seen.content.records.iter().any(|record| !known.contains(&case.key(record))) => {
                    Verdict::Failed("a record came that was not there before".to_owned())
                }
                _ => Verdict::Passed,
            }
        })
        .await
}

/// Goes on from each of its states.
async fn from_states(case: Case<'_>, mut judge: impl FnMut(&Seen, usize) -> Result<(), String>) -> Verdict {
    if case.plain.content.states.is_empty() {
        return Verdict::NotTried("it told no state");
    }
    for (count, state) in case.plain.content.states.iter().take(MAX_STATES) {
        let seen = case.read(Wanted { state: Some(state.clone()), ..case.wanted() }).await;
        if seen.ended.is_err() {
            return Verdict::Failed(told(&seen));
        }
        if let Err(why) = judge(&seen, *count) {
            return Verdict::Failed(why);
        }
    }
    Verdict::Passed
}

async fn gapless(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            from_states(case, |seen, count| {
                let both: Vec<Value> = case.plain.content.records.iter().take(count).chain(&seen.content.records).cloned().collect();
                match case.missing(&both) {
                    0 => Ok(()),
                    missing => Err(format!("{missing} records are missing behind the state after {count}")),
                }
            })
            .await
        })
        .await
}

async fn unrepeated(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let mut exact = true;
            let verdict = from_states(case, |seen, count| {
                exact &= case.is_exact();
                let covered: BTreeSet<String> = case.plain.content.records.iter().take(count).map(|record| case.key(record)).collect();
                let repeated = seen.content.records.iter().filter(|record| covered.contains(&case.key(record))).count();
                // Equal values at the border of a cursor are read twice rather than lost, and so is a whole that has no border.
                let is_whole = seen.content.records.len() >= case.plain.content.records.len();
                if !exact || is_whole || repeated <= count.div_ceil(2).max(1) {
                    Ok(())
                } else {
                    Err(format!("{repeated} of {count} came again"))
                }
            })
            .await;
            if exact { verdict } else { Verdict::NotTried("the recording does not hold what it asks for when it goes on") }
        })
        .await
}

async fn limited(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let usual = case.usual_requests().await;
            let seen = case.read(Wanted { limit: Some(1), ..case.wanted() }).await;
            if let Err(why) = alive(&seen) {
                return Verdict::Failed(why);
            }
            match case.requests() {
                asked if usual > 2 && asked >= usual => Verdict::Failed(format!("it asked {asked} times, as without a limit")),
                _ => Verdict::Passed,
            }
        })
        .await
}

async fn refreshed(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let Some((_, state)) = case.plain.content.states.last() else { return Verdict::NotTried("it told no state") };
            let seen = case.read(Wanted { state: Some(state.clone()), full_refresh: true, ..case.wanted() }).await;
            match case.missing(&seen.content.records) {
                _ if seen.ended.is_err() => Verdict::Failed(told(&seen)),
                0 => Verdict::Passed,
                missing => Verdict::Failed(format!("{missing} records are missing")),
            }
        })
        .await
}

async fn narrow(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let key: Vec<FieldPath> = case.primary_key().to_vec();
            if key.is_empty() {
                return Verdict::NotTried("it has no primary key");
            }
            let seen = case.read(Wanted { fields: Some(key.clone()), ..case.wanted() }).await;
            if seen.ended.is_err() {
                return if case.is_exact() {
                    Verdict::Failed(told(&seen))
                } else {
                    Verdict::NotTried("it asks for less, which is not recorded")
                };
            }
            let lacks = seen.content.records.iter().any(|record| key.iter().any(|path| value_at(record, path).is_none()));
            if lacks { Verdict::Failed("a record lacks its key".to_owned()) } else { Verdict::Passed }
        })
        .await
}

async fn unknown(scene: &Scene) -> Verdict {
    let is_closed = scene.package.description.source.as_ref().is_some_and(|source| !source.any_stream);
    let Some(trial) = scene.trials.first().filter(|_| is_closed) else {
        return Verdict::NotTried("it reads any stream, or nothing is recorded");
    };
    trial.player.rewind(None);
    let seen = scene.bench.read(Wanted::all("hub-no-such-stream", trial.player.detour(), trial.timing)).await;
    match end(&seen) {
        End::Told(_) | End::Refused => Verdict::Passed,
        End::Done => Verdict::Failed("it read it".to_owned()),
        End::Trapped => Verdict::Failed(told(&seen)),
    }
}

/// Reads with a state that it never told.
async fn with_state(scene: &Scene, state: &'static [u8]) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let seen = case.read(Wanted { state: Some(state.to_vec()), ..case.wanted() }).await;
            match (end(&seen), case.missing(&seen.content.records)) {
                (End::Told(_) | End::Refused, _) | (End::Done, 0) => Verdict::Passed,
                (End::Done, missing) => Verdict::Failed(format!("{missing} records were left out")),
                (End::Trapped, _) => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn broken(scene: &Scene) -> Verdict {
    with_state(scene, b"\xff\xfe{not a state").await
}

async fn alien(scene: &Scene) -> Verdict {
    with_state(scene, br#"{"hub-unknown":[{"deep":[1,2,3]}],"page":-7}"#).await
}

async fn early(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let usual = case.usual_requests().await;
            let seen = case.read(Wanted { cancelled: true, ..case.wanted() }).await;
            let asked = case.requests();
            match alive(&seen) {
                Ok(()) if usual > 2 && asked >= usual => Verdict::Failed(format!("it asked {asked} times, as ever")),
                other => other.into(),
            }
        })
        .await
}

async fn stopped(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let interference = Interference { cancel_at: Some(0), ..Interference::default() };
            let seen = case.read(Wanted { interference, ..case.wanted() }).await;
            if let Err(why) = alive(&seen) {
                return Verdict::Failed(why);
            }
            case.completed(&seen).await
        })
        .await
}

async fn refused(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if case.plain.content.deliveries == 0 {
                return Verdict::NotTried("no records are recorded");
            }
            let interference = Interference { refuse_at: Some(0), ..Interference::default() };
            let seen = case.read(Wanted { interference, ..case.wanted() }).await;
            match (end(&seen), seen.content.after_refusal) {
                (End::Refused, 0) => Verdict::Passed,
                (End::Refused, count) => Verdict::Failed(format!("{count} deliveries came after it")),
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn endless(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            case.read(case.wanted()).await;
            let Some(first) = case.trial.player.heard().first().map(|heard| heard.asked.clone()) else {
                return Verdict::NotTried("it asks for nothing");
            };
            let page = std::sync::Mutex::new(None);
            let seen = case
                .disturbed(move |number, asked, mut reply| {
                    if number >= ENDLESS {
                        reply.status = 500;
                        return reply;
                    }
                    let same_path = path(&asked.url) == path(&first.url) && asked.method == first.method;
                    let mut page = page.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    if same_path { page.get_or_insert(reply).clone() } else { reply }
                })
                .await;
            let asked = case.requests();
            match alive(&seen) {
                Ok(()) if asked >= ENDLESS => Verdict::Failed(format!("after {asked} requests it had not noticed")),
                other => other.into(),
            }
        })
        .await
}

async fn empty(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if !super::content::is_json(case).await {
                return Verdict::NotTried("its answers are no JSON");
            }
            let seen = case.disturbed(|_, _, reply| super::content::changed(reply, &|value| super::content::without_items(value))).await;
            match (end(&seen), seen.content.records.len()) {
                (End::Done, 0) => Verdict::Passed,
                (End::Done, count) => Verdict::Failed(format!("it made {count} records of nothing")),
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}
