//! Whether enough people agreed to each flow as it is now (E171, E172), and whether those who signed did (E506).
//!
//! Where the manifest says whose keys may approve in a role, no other key counts (E506).
//!
//! Knows two kinds of consent: signatures in the lock, and the manifest's own `approved` tables. A table with a full digest must name the present
//! closure. A table without one was written before there were signatures: it counts until somebody signs the flow, and never where the manifest says
//! `approvals = "required"`.

use super::{Approval, Lock};
use crate::change::closure::{Closure, Closures};
use crate::change::{ConnectorDigests, canonical};
use crate::manifest::{Approvals, Flow, Manifest};
use crate::plugin::is_digest;
use crate::policy::Policy;
use crate::problem::{Code, Problem, Span};

/// How many people have to agree.
const FOUR_EYES: usize = 2;
/// How many differences a message lists.
const MAX_LISTED: usize = 12;

/// What is wrong with the approvals of a policy. `lock` is empty where there is no file.
#[must_use]
pub fn check(policy: &Policy, lock: &Lock, connectors: &ConnectorDigests) -> Vec<Problem> {
    let manifest = policy.manifest();
    let mut found: Vec<Problem> = lock.approvals.iter().filter_map(|approval| refused(manifest, approval)).collect();
    if !manifest.needs_approvals() {
        return found;
    }
    let form = canonical::of(manifest);
    let closures = Closures::new(&form, connectors);
    for flow in manifest.flows.values() {
        if let Some(closure) = closures.of(&flow.id.value) {
            found.extend(of_flow(manifest, lock, flow, &closure));
        }
    }
    found
}

/// E506 for what nobody signed, and for what somebody signed in a role that is another's.
fn refused(manifest: &Manifest, approval: &Approval) -> Option<Problem> {
    let (flow, role) = (crate::manifest::shorten(&approval.flow), &approval.role);
    let (title, help, label) = if !approval.verify() {
        (
            format!("the approval of flow `{flow}` by `{role}` has a wrong signature"),
            "restore the lock from version control, or have the flow approved again; find out who changed it",
            "the flow that was to be approved",
        )
    } else if !manifest.may_approve(role, &approval.key) {
        (
            format!("flow `{flow}` was approved by `{role}` with a key that `[approver]` does not name for this role"),
            "have it approved by whoever has the role, or name the key in `[approver]` if it is theirs",
            "the flow that was approved",
        )
    } else {
        return None;
    };
    let place = manifest.flows.get(&approval.flow).map_or(Span::default(), |flow| flow.id.span);
    Some(Problem::new(Code::E506, title, help).at(place, label))
}

fn of_flow(manifest: &Manifest, lock: &Lock, flow: &Flow, closure: &Closure) -> Option<Problem> {
    let id = &flow.id.value;
    let recorded = flow.approved.as_ref().and_then(|approval| approval.digest.as_ref());
    let full = recorded.and_then(|digest| Some((digest.value.strip_prefix("sha256:").filter(|hex| is_digest(hex))?, digest.span)));
    if let Some((_, span)) = full.filter(|(digest, _)| *digest != closure.digest) {
        let problem = Problem::new(Code::E171, format!("flow `{id}` is denied: what was approved has changed since"), approve(id));
        return Some(with_causes(problem.at(span, "this was approved"), lock, id, closure));
    }
    let is_signed = lock.approvals.iter().any(|approval| approval.flow == *id);
    let is_strict = manifest.approvals.as_ref().is_some_and(|approvals| approvals.value == Approvals::Required);
    if full.is_none() && recorded.is_some() && !is_signed && !is_strict {
        return None;
    }
    let valid: Vec<&Approval> = lock.valid(id, &closure.digest).collect();
    if valid.is_empty() {
        let title = if is_signed { "what was approved has changed since" } else { "nobody signed an approval of it" };
        let problem =
            Problem::new(Code::E171, format!("flow `{id}` is denied: {title}"), approve(id)).at(flow.id.span, "this flow, as it is now");
        return Some(with_causes(problem, lock, id, closure));
    }
    if lock.given(id, &closure.digest) >= FOUR_EYES {
        return None;
    }
    let who: Vec<String> = valid.iter().map(|approval| format!("`{}`", approval.role)).collect();
    let title = format!("flow `{id}` is denied: {} alone approved it", who.join(", "));
    let help = format!("have a second role approve it with a key of its own: `hub approve --flow {id} --role ROLE --key FILE`");
    Some(Problem::new(Code::E172, title, help).at(flow.id.span, "needs two roles with two keys"))
}

fn approve(id: &str) -> String {
    format!("look at it with `hub plan` and have two roles approve it: `hub approve --flow {id} --role ROLE --key FILE`")
}

fn with_causes(problem: Problem, lock: &Lock, id: &str, closure: &Closure) -> Problem {
    let causes = lock.what_voided(id, closure).unwrap_or_default();
    let shown =
        causes.iter().take(MAX_LISTED).fold(problem, |problem, path| problem.note(format!("`{path}` differs from what was approved")));
    match causes.len().checked_sub(MAX_LISTED) {
        Some(more) if more > 0 => shown.note(format!("{more} more differ")),
        _ => shown,
    }
}
