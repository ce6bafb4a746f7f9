//! Rules about who agreed: approvals of flows (E171, E172) and the mode that would ask nobody (E190).

use std::collections::BTreeSet;

use crate::manifest::{Flow, Manifest, Mode};
use crate::problem::{Code, Problem};

pub(super) fn mode(manifest: &Manifest, found: &mut Vec<Problem>) {
    if manifest.mode.value == Mode::Observe {
        found.push(
            Problem::new(
                Code::E190,
                "`mode = \"observe\"` would move data and stop nothing",
                "remove it; `hub run --dry-run` reads, labels and writes nothing",
            )
            .at(manifest.mode.span, "not with real systems"),
        );
    }
}

/// The manifest's own `approved` tables; whether they still hold is a question of digests, which `hub.lock` answers.
pub(super) fn check(flow: &Flow, found: &mut Vec<Problem>) {
    let id = &flow.id.value;
    let Some(approval) = flow.approved.as_ref().filter(|approval| approval.digest.is_some()) else {
        let title = format!("flow `{id}` is denied: nobody approved it");
        let problem = Problem::new(Code::E171, title, format!("have it approved: `hub approve --flow {id}`"));
        found.push(match &flow.approved {
            Some(approval) => problem.at(approval.span, "says not what was approved (`digest`)"),
            None => problem.at(flow.id.span, "no `approved` here, and flows need one"),
        });
        return;
    };
    let people: BTreeSet<&str> = approval.by.iter().map(|name| name.value.as_str()).collect();
    if people.len() < 2 {
        let title = format!("flow `{id}` is denied: one person alone approved it");
        found.push(Problem::new(Code::E172, title, "have a second role approve it").at(approval.span, "needs two"));
    }
}
