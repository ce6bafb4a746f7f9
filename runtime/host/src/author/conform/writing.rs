//! How it writes: what it takes, what it refuses, and that neither a bad batch nor a repeated one does harm.

use hub_core::manifest::WriteMode;
use hub_core::record::{FieldPath, StreamId};
use hub_core::stream::ValueKind;
use serde_json::json;

use super::{Check, Scene, Verdict, check};
use crate::author::bench::Timing;
use crate::egress::{Lookup, SystemLookup};
use crate::plugin::abi::OpenSink;
use crate::plugin::{PluginError, Sink, TargetField, WriteTarget};

const ROWS: u32 = 3;
const MODES: [WriteMode; 3] = [WriteMode::Append, WriteMode::Replace, WriteMode::Upsert];
const UNTRIED: &str = "it is no destination, or `test.toml` gives it no folder to write to";

pub(super) const CHECKS: &[Check] = &[
    check!(90, "it opens in every mode that it names", opens),
    check!(91, "a mode that it does not name is refused when it opens", closed),
    check!(92, "it takes records, and says how many", takes),
    check!(93, "an empty batch is nothing, not an error", empty),
    check!(94, "a batch that is no NDJSON, which no gate lets through, is no crash", garbage),
    check!(95, "a record of other types is taken or named by its row, and the others are taken", mixed),
    check!(96, "difficult text is taken", difficult),
    check!(97, "the same batch under the same key is no error", repeated),
    check!(98, "a target that was not opened is an error, not a crash", unopened),
    check!(99, "keys of records that are not there are deleted without an error, where it deletes", absent),
];

/// Folders are what can be made on any machine; what writes to a server has its own tests against a real one.
fn is_tried(scene: &Scene) -> bool {
    scene.bench.is_written && scene.package.description.destination.is_some() && scene.imports.iter().any(|import| import == "files")
}

fn modes(scene: &Scene) -> Vec<WriteMode> {
    let named = scene.package.description.destination.iter().flat_map(|claim| &claim.modes);
    named.filter_map(|named| MODES.into_iter().find(|mode| mode.word() == named)).collect()
}

fn target(scene: &Scene, mode: WriteMode) -> WriteTarget {
    let streams = scene.package.description.destination.as_ref().and_then(|claim| claim.streams.clone()).unwrap_or_default();
    let stream = streams.into_iter().next().unwrap_or_else(|| format!("trial-{}", mode.word()));
    let field = |name: &str, kind| TargetField { name: name.to_owned(), kind, about: String::new() };
    WriteTarget {
        stream: StreamId { system: "trial".into(), stream: stream.into() },
        mode,
        primary_key: FieldPath::parse("id").into_iter().collect(),
        fields: vec![field("id", ValueKind::Integer), field("name", ValueKind::Text), field("is_new", ValueKind::Boolean)],
    }
}

fn rows(name: &str) -> Vec<u8> {
    let line = |id: u32| format!("{}\n", json!({ "id": id, "name": name, "is_new": id.is_multiple_of(2) }));
    (1..=ROWS).map(line).collect::<String>().into_bytes()
}

async fn started(scene: &Scene, mode: WriteMode) -> Result<OpenSink, String> {
    let mut open = plain(scene).await.map_err(|error| error.to_string())?;
    open.sink.open(vec![target(scene, mode)]).await.map_err(|error| format!("{}: {error}", mode.word()))?;
    Ok(open)
}

async fn plain(scene: &Scene) -> Result<OpenSink, PluginError> {
    let lookup: std::sync::Arc<dyn Lookup> = std::sync::Arc::new(SystemLookup);
    scene.bench.sink(lookup, Timing { at_ms: 1_767_225_600_000, waits: false }).await
}

fn crashed(error: &PluginError) -> bool {
    error.kind.is_none() && error.refusal.is_none()
}

/// Every mode with a sink of its own.
async fn each<T>(scene: &Scene, judge: T) -> Verdict
where
    T: AsyncFn(&mut dyn Sink) -> Result<(), String>,
{
    if !is_tried(scene) {
        return Verdict::NotTried(UNTRIED);
    }
    for mode in modes(scene) {
        let outcome = match started(scene, mode).await {
            Ok(mut open) => judge(&mut *open.sink).await.map_err(|why| format!("{}: {why}", mode.word())),
            Err(why) => Err(why),
        };
        if let Err(why) = outcome {
            return Verdict::Failed(why);
        }
    }
    Verdict::Passed
}

async fn opens(scene: &Scene) -> Verdict {
    each(scene, async |sink| sink.finish(0).await.map_err(|error| error.to_string())).await
}

async fn closed(scene: &Scene) -> Verdict {
    let named = modes(scene);
    let Some(other) = MODES.into_iter().rev().find(|mode| !named.contains(mode)) else {
        return Verdict::NotTried("it names all modes");
    };
    if !is_tried(scene) {
        return Verdict::NotTried(UNTRIED);
    }
    let Ok(mut open) = plain(scene).await else { return Verdict::Failed("it did not start".to_owned()) };
    match open.sink.open(vec![target(scene, other)]).await {
        Err(error) if !crashed(&error) => Verdict::Passed,
        Err(error) => Verdict::Failed(error.to_string()),
        Ok(()) => Verdict::Failed(format!("`{}` was opened", other.word())),
    }
}

async fn takes(scene: &Scene) -> Verdict {
    each(scene, async |sink| {
        let report = sink.write(0, "k1".to_owned(), rows("Ada")).await.map_err(|error| error.to_string())?;
        sink.flush(0).await.map_err(|error| error.to_string())?;
        sink.finish(0).await.map_err(|error| error.to_string())?;
        if report.written == ROWS && report.failed.is_empty() { Ok(()) } else { Err(format!("it says {} of {ROWS}", report.written)) }
    })
    .await
}

async fn empty(scene: &Scene) -> Verdict {
    each(scene, async |sink| {
        let report = sink.write(0, "k1".to_owned(), Vec::new()).await.map_err(|error| error.to_string())?;
        if report.written == 0 { Ok(()) } else { Err(format!("it says that it took {}", report.written)) }
    })
    .await
}

async fn garbage(scene: &Scene) -> Verdict {
    each(scene, async |sink| match sink.write(0, "k1".to_owned(), b"\xff\xfe[1,2\n{\"id\":\n".to_vec()).await {
        Err(error) if crashed(&error) => Err(error.to_string()),
        // The gate lets no such batch through, so a destination may write on what it gets.
        _ => Ok(()),
    })
    .await
}

async fn mixed(scene: &Scene) -> Verdict {
    each(scene, async |sink| {
        let batch = b"{\"id\":1,\"name\":\"a\"}\n{\"id\":\"two\",\"name\":{\"x\":[]},\"is_new\":7}\n{\"id\":3,\"name\":\"c\"}\n".to_vec();
        match sink.write(0, "k1".to_owned(), batch).await {
            Err(error) if crashed(&error) => Err(error.to_string()),
            Ok(report) if report.written as usize + report.failed.len() != 3 => {
                Err(format!("it says {} taken and {} refused, of 3", report.written, report.failed.len()))
            }
            Ok(report) if report.failed.iter().any(|failed| failed.row != 1) => Err("it names another row".to_owned()),
            _ => Ok(()),
        }
    })
    .await
}

async fn difficult(scene: &Scene) -> Verdict {
    each(scene, async |sink| {
        let text = "\"'\\ \n\r\t\u{202e}äß漢字\u{1f980}</script>;--";
        let report = sink.write(0, "k1".to_owned(), rows(text)).await.map_err(|error| error.to_string())?;
        sink.flush(0).await.map_err(|error| error.to_string())?;
        if report.written == ROWS { Ok(()) } else { Err(format!("it took {} of {ROWS}", report.written)) }
    })
    .await
}

async fn repeated(scene: &Scene) -> Verdict {
    each(scene, async |sink| {
        for _ in 0..2 {
            sink.write(0, "k1".to_owned(), rows("Ada")).await.map_err(|error| error.to_string())?;
        }
        sink.flush(0).await.map_err(|error| error.to_string())?;
        sink.finish(0).await.map_err(|error| error.to_string())
    })
    .await
}

async fn unopened(scene: &Scene) -> Verdict {
    each(scene, async |sink| match sink.write(77, "k1".to_owned(), rows("Ada")).await {
        Err(error) if !crashed(&error) => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("it wrote somewhere".to_owned()),
    })
    .await
}

async fn absent(scene: &Scene) -> Verdict {
    if !scene.package.description.destination.as_ref().is_some_and(|claim| claim.deletes) {
        return Verdict::NotTried("it does not delete");
    }
    each(scene, async |sink| {
        let report = sink.delete(0, "k1".to_owned(), b"{\"id\":404}\n".to_vec()).await.map_err(|error| error.to_string())?;
        if report.failed.is_empty() { Ok(()) } else { Err("it says that it failed".to_owned()) }
    })
    .await
}
