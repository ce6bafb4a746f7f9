//! Bad days: a remote that asks for patience, refuses, breaks off, or answers with something else. What was not read must be told, never left out.

use bytes::Bytes;

use super::scene::{Case, End, alive, end, told};
use super::{Check, Scene, Verdict, check};
use crate::author::player::Reply;
use crate::plugin::ErrorKind;

/// A remote that always fails is asked no more often than this.
const MAX_TRIES: usize = 60;
const TOO_LARGE: usize = 65 << 20;

pub(super) const CHECKS: &[Check] = &[
    check!(50, "429 with Retry-After: it waits that long, or says for how long to wait", patience),
    check!(51, "429 in the middle: nothing is lost", patience_late),
    check!(52, "503 once: it tries again, or says that it may work later", once),
    check!(53, "500 for ever: it gives up, and says that it may work later", failing),
    check!(54, "408: it may work later", timeout),
    check!(55, "401: the credential was refused", unauthorised),
    check!(56, "403: the credential was refused", forbidden),
    check!(57, "404: an error, not an end without records", gone),
    check!(58, "a connection that breaks off: an error, or everything at the second try", cut),
    check!(59, "a page for people in the place of data: an error", html),
    check!(60, "half a document: an error", half),
    check!(61, "a document of another kind: no crash", other),
    check!(62, "no document at all: no crash", nothing),
    check!(63, "a redirect to a host that is not declared: refused, and nothing is sent there", redirect),
    check!(64, "a failure in the middle: going on from the last state leaves no gap", middle),
    check!(65, "an answer of 65 MiB: an error, not a crash", huge),
];

fn answer(reply: &Reply, status: u16) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Bytes::from_static(b"{\"error\":\"no\"}"),
        ..reply.clone()
    }
}

/// Everything arrived.
fn whole(case: Case<'_>, seen: &crate::author::bench::Seen) -> Verdict {
    match case.missing(&seen.content.records) {
        0 => Verdict::Passed,
        missing => Verdict::Failed(format!("it ended well, and {missing} records are missing")),
    }
}

/// One request fails once: everything arrives all the same, or it is told as something that passes.
async fn transient(scene: &Scene, status: u16, at: impl Fn(usize) -> usize) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let usual = case.usual_requests().await;
            if usual == 0 {
                return Verdict::NotTried("it asks for nothing");
            }
            let at = at(usual);
            let seen = case.disturbed(move |number, _, reply| if number == at { answer(&reply, status) } else { reply }).await;
            match end(&seen) {
                End::Done => whole(case, &seen),
                End::Told(ErrorKind::Transient) => Verdict::Passed,
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn patience(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if case.usual_requests().await == 0 {
                return Verdict::NotTried("it asks for nothing");
            }
            let seen = case
                .disturbed(|number, _, reply| {
                    let mut asked = answer(&reply, 429);
                    asked.headers.push(("retry-after".to_owned(), "3".to_owned()));
                    if number == 0 { asked } else { reply }
                })
                .await;
            let waited: u128 = seen.waits.iter().map(std::time::Duration::as_millis).sum();
            match (end(&seen), &seen.ended) {
                (End::Done, _) if waited >= 3000 => whole(case, &seen),
                (End::Done, _) => Verdict::Failed(format!("it was asked to wait for 3 s, and waited {waited} ms")),
                (End::Told(ErrorKind::Transient), Err(error)) if error.retry_after_ms.flatten().is_some_and(|ms| ms >= 3000) => {
                    Verdict::Passed
                }
                (End::Told(ErrorKind::Transient), _) => Verdict::Failed("it does not say for how long to wait".to_owned()),
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn patience_late(scene: &Scene) -> Verdict {
    transient(scene, 429, |usual| usual - 1).await
}

async fn once(scene: &Scene) -> Verdict {
    transient(scene, 503, |_| 0).await
}

/// The remote answers so, whatever is asked.
async fn always(scene: &Scene, status: u16, wanted: &'static [ErrorKind]) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let seen = case.disturbed(move |_, _, reply| answer(&reply, status)).await;
            let asked = case.requests();
            match end(&seen) {
                _ if asked == 0 => Verdict::NotTried("it asks for nothing"),
                End::Told(kind) if wanted.is_empty() || wanted.contains(&kind) => {
                    if asked <= MAX_TRIES {
                        Verdict::Passed
                    } else {
                        Verdict::Failed(format!("it asked {asked} times"))
                    }
                }
                End::Refused => Verdict::Passed,
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn failing(scene: &Scene) -> Verdict {
    always(scene, 500, &[ErrorKind::Transient]).await
}

async fn timeout(scene: &Scene) -> Verdict {
    always(scene, 408, &[ErrorKind::Transient]).await
}

async fn unauthorised(scene: &Scene) -> Verdict {
    always(scene, 401, &[ErrorKind::Auth, ErrorKind::Config]).await
}

async fn forbidden(scene: &Scene) -> Verdict {
    always(scene, 403, &[ErrorKind::Auth, ErrorKind::Config]).await
}

async fn gone(scene: &Scene) -> Verdict {
    always(scene, 404, &[]).await
}

/// What arrives is spoilt: an error, or everything.
async fn spoilt(scene: &Scene, spoil: fn(Reply) -> Reply) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            if case.plain.content.records.is_empty() {
                return Verdict::NotTried("no records are recorded");
            }
            let seen = case.disturbed(move |_, _, reply| spoil(reply)).await;
            match end(&seen) {
                _ if case.requests() == 0 => Verdict::NotTried("it asks for nothing"),
                End::Done => whole(case, &seen),
                End::Trapped => Verdict::Failed(told(&seen)),
                _ => Verdict::Passed,
            }
        })
        .await
}

async fn cut(scene: &Scene) -> Verdict {
    spoilt(scene, |reply| Reply { cut: Some(reply.body.len() / 2), ..reply }).await
}

async fn html(scene: &Scene) -> Verdict {
    spoilt(scene, |reply| Reply {
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: Bytes::from_static(b"<!doctype html><title>Please log in</title>"),
        ..reply
    })
    .await
}

async fn half(scene: &Scene) -> Verdict {
    spoilt(scene, |reply| Reply { body: reply.body.slice(..reply.body.len() / 2), ..reply }).await
}

/// No crash, whatever it makes of it.
async fn survived(scene: &Scene, body: &'static [u8]) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let seen = case.disturbed(move |_, _, reply| Reply { body: Bytes::from_static(body), ..reply }).await;
            let asked = case.requests();
            match alive(&seen) {
                Ok(()) if asked > 5 * MAX_TRIES => Verdict::Failed(format!("it asked {asked} times")),
                other => other.into(),
            }
        })
        .await
}

async fn other(scene: &Scene) -> Verdict {
    for body in [b"[[\"a\"],7,null,{}]".as_slice(), b"-12", b"\"text\"", b"{\"\":{\"\":[]}}"] {
        match survived(scene, body).await {
            Verdict::Passed => {}
            end => return end,
        }
    }
    Verdict::Passed
}

async fn nothing(scene: &Scene) -> Verdict {
    survived(scene, b"").await
}

async fn redirect(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let seen = case
                .disturbed(|_, asked, reply| {
                    if asked.url.contains("elsewhere.example") {
                        return reply;
                    }
                    let location = ("location".to_owned(), "https://elsewhere.example/v1/items".to_owned());
                    Reply { status: 302, headers: vec![location], body: Bytes::new(), cut: None }
                })
                .await;
            let heard = case.trial.player.heard();
            match end(&seen) {
                _ if heard.is_empty() => Verdict::NotTried("it asks for nothing"),
                _ if heard.iter().any(|heard| heard.asked.url.contains("elsewhere.example")) => {
                    Verdict::Failed("it was sent there".to_owned())
                }
                End::Refused => Verdict::Passed,
                _ => Verdict::Failed(told(&seen)),
            }
        })
        .await
}

async fn middle(scene: &Scene) -> Verdict {
    scene
        .each(async |case: Case<'_>| {
            let usual = case.usual_requests().await;
            if usual < 2 {
                return Verdict::NotTried("a single request is recorded");
            }
            let seen = case.disturbed(move |number, _, reply| if number >= usual - 1 { answer(&reply, 500) } else { reply }).await;
            if end(&seen) == End::Done {
                return whole(case, &seen);
            }
            case.completed(&seen).await
        })
        .await
}

async fn huge(scene: &Scene) -> Verdict {
    let mut body = b"{\"x\":\"".to_vec();
    body.resize(TOO_LARGE, b'x');
    let body = Bytes::from(body);
    scene
        .each(async |case: Case<'_>| {
            let body = body.clone();
            let seen = case
                .disturbed(move |number, _, reply| if number == 0 { Reply { body: body.clone(), ..reply } } else { answer(&reply, 500) })
                .await;
            match end(&seen) {
                _ if case.requests() == 0 => Verdict::NotTried("it asks for nothing"),
                End::Done => Verdict::Failed(told(&seen)),
                End::Trapped => Verdict::Failed(told(&seen)),
                _ => Verdict::Passed,
            }
        })
        .await
}
