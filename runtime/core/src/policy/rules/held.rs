//! Rules about streams that the manifest describes: whose data it is (E108), how a person is found (E180), how long it stays (E140 to E142, E144).

use std::collections::BTreeMap;

use crate::manifest::{AfterLimit, Manifest, Retention, RetentionKind, StreamDeclaration};
use crate::problem::{Code, Problem, Spanned};
use crate::record::StreamId;

use super::{category_exists, is_personal};

/// How long a person who was erased is kept from coming back, if the manifest does not say: years.
const DEFAULT_HORIZON_DAYS: u64 = 3 * 365;

/// Streams by a stream that their records refer to.
type Referring<'m> = BTreeMap<&'m StreamId, Vec<(&'m StreamId, &'m StreamDeclaration)>>;

pub(super) fn check(manifest: &Manifest, found: &mut Vec<Problem>) {
    let referring = referring(manifest);
    for (id, stream) in &manifest.streams {
        classified(manifest, id, stream, found);
        let personal = stream.labels().find(|(_, category)| is_personal(manifest, &category.value));
        if let Some((path, category)) = personal {
            let because = |problem: Problem| problem.at(path.span, format!("`{}` is personal", category.value));
            if stream.subjects.is_empty() {
                let title = format!("stream `{id}` holds personal data and names no data subjects");
                let help = "say whose data it is: `subjects = [\"customer\"]`";
                found.push(because(Problem::new(Code::E108, title, help).at(stream.span, "whose data is this?")));
            }
            if stream.identity.is_empty() {
                let title = format!("stream `{id}` holds personal data, and nothing says how a person is found in it");
                let help = "name a field that identifies people: `identity = { email = { field = \"email\", strength = \"strong\" } }`";
                found.push(because(Problem::new(Code::E180, title, help).at(stream.span, "no `identity` here")));
            }
            if stream.retention.is_empty() {
                let title = format!("stream `{id}` holds personal data and has no retention rule");
                let help = "name a rule: `retention = [\"ID\"]`, and declare `[retention.ID]`";
                found.push(because(Problem::new(Code::E141, title, help).at(stream.span, "no `retention` here")));
            }
        }
        conflict(manifest, &referring, id, stream, found);
    }
    for rule in manifest.retentions.values().filter(|rule| rule.kind == RetentionKind::Keep && rule.statute.is_empty()) {
        let title = format!("retention rule `{}` keeps data and names no law", rule.id.value);
        let help = "name it: `statute = [\"§ 257 HGB\"]`; without a law that makes you keep it, write `kind = \"limit\"`";
        found.push(Problem::new(Code::E142, title, help).at(rule.id.span, "no `statute` here"));
    }
    backups(manifest, found);
}

fn referring(manifest: &Manifest) -> Referring<'_> {
    let mut found = Referring::new();
    for (id, stream) in &manifest.streams {
        for via in stream.identity.values().filter_map(|key| key.via.as_ref()) {
            found.entry(&via.value.stream).or_default().push((id, stream));
        }
    }
    found
}

/// E102 for what the manifest itself writes.
fn classified(manifest: &Manifest, id: &StreamId, stream: &StreamDeclaration, found: &mut Vec<Problem>) {
    for (path, category) in stream.labels().filter(|(_, category)| !category_exists(manifest, &category.value)) {
        let title = format!("field `{}` of `{id}` has the unknown category `{}`", path.value, category.value);
        let help = match crate::vocab::closest(&category.value) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "pick a category from `docs/reference/vocabulary.md`, or add one with `[[category]]`".to_owned(),
        };
        found.push(Problem::new(Code::E102, title, help).at(category.span, "no such category"));
    }
}

fn rules<'m>(
    manifest: &'m Manifest,
    stream: &'m StreamDeclaration,
    kind: RetentionKind,
) -> impl Iterator<Item = (&'m Retention, &'m Spanned<String>)> {
    let named = stream.retention.iter().filter_map(|id| Some((manifest.retentions.get(&id.value)?, id)));
    named.filter(move |(rule, _)| rule.kind == kind)
}

/// E140: a limit that ends before a statute lets go, in the stream itself or in records that refer to it.
fn conflict(manifest: &Manifest, referring: &Referring<'_>, id: &StreamId, stream: &StreamDeclaration, found: &mut Vec<Problem>) {
    if stream.after_limit.as_ref().is_some_and(|after| after.value == AfterLimit::Restrict) {
        return;
    }
    let days = |rule: &Retention| rule.period.value.approximate_days();
    let Some((limit, limit_at)) = rules(manifest, stream, RetentionKind::Limit).min_by_key(|(rule, _)| days(rule)) else { return };
    let own = rules(manifest, stream, RetentionKind::Keep).map(|(rule, at)| (rule, at, id));
    let others = referring.get(id).into_iter().flatten();
    let theirs = others.flat_map(|(other, stream)| rules(manifest, stream, RetentionKind::Keep).map(move |(rule, at)| (rule, at, *other)));
    let Some((keep, keep_at, holder)) = own.chain(theirs).max_by_key(|(rule, ..)| days(rule)).filter(|(keep, ..)| days(keep) > days(limit))
    else {
        return;
    };
    let title = format!("`{id}` is erased after {}, but `{holder}` must be kept for {}", limit.period.value, keep.period.value);
    let help = "write `after_limit = \"restrict\"` and name the fields that stay in `keep_fields`: then the record is kept and not used";
    let problem = Problem::new(Code::E140, title, help)
        .at(limit_at.span, format!("at most {}", limit.period.value))
        .at(keep_at.span, format!("at least {}", keep.period.value));
    found.push(if holder == id { problem } else { problem.note(format!("records of `{holder}` refer to `{id}`")) });
}

/// E144: a backup that is older than the memory of who was erased brings people back.
fn backups(manifest: &Manifest, found: &mut Vec<Problem>) {
    let suppression = manifest.dsr.as_ref().and_then(|dsr| dsr.suppression.as_ref());
    let horizon = suppression.and_then(|suppression| suppression.horizon.as_ref());
    let days = horizon.map_or(DEFAULT_HORIZON_DAYS, |horizon| horizon.value.approximate_days());
    for system in manifest.systems.values() {
        let Some(backup) = system.backup.as_ref().filter(|backup| backup.rotation.value.approximate_days() > days) else { continue };
        let title = format!("backups of system `{}` live longer than hub remembers who was erased", system.id.value);
        let problem = Problem::new(Code::E144, title, "shorten the rotation, or lengthen `horizon` in `[dsr]`")
            .at(backup.rotation.span, "a backup of this age can bring an erased person back");
        found.push(match horizon {
            Some(horizon) => problem.at(horizon.span, "erased persons are remembered for so long"),
            None => problem.note("without `[dsr]` erased persons are remembered for P3Y"),
        });
    }
}
