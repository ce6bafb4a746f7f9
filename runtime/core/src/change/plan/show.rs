//! A plan as text for people: one line for each table, one for each change in it, sums at the end. Plain text; who prints it may colour it.

use std::fmt::Write as _;

use super::{Entry, Need, Plan, Step};
use crate::change::diff::{Change, Class};

/// More of them are counted only.
const MAX_CHANGES: usize = 40;

pub(super) fn human(plan: &Plan, name: &str, against: &str) -> String {
    let mut text = match &plan.from {
        Some(from) => format!("Manifest {name} (sha256:{}) against {against} (sha256:{})\n", short(&plan.to), short(from)),
        None => format!("Manifest {name} (sha256:{}); nothing was applied before\n", short(&plan.to)),
    };
    if plan.has_changes() {
        text.push('\n');
    }
    plan.entries.iter().for_each(|entry| self::entry(entry, &mut text));
    if !plan.findings.is_empty() {
        text.push('\n');
    }
    for finding in &plan.findings {
        let _ = writeln!(text, "  ! {}   {}", finding.title, finding.code);
        finding.notes.iter().for_each(|note| text.push_str(&format!("      {note}\n")));
        let _ = writeln!(text, "      {}", finding.help);
    }
    if plan.has_changes() {
        let _ = write!(text, "\n  {}", register(plan));
    }
    if !plan.screening.is_empty() {
        let _ = write!(text, "\n  {}", screening(plan));
    }
    for (flow, delivery) in plan.delivery.iter().take(MAX_CHANGES) {
        let _ = write!(text, "\n  Delivery of {flow}: {}", delivery.sentence());
    }
    if let Some(more @ 1..) = plan.delivery.len().checked_sub(MAX_CHANGES) {
        let _ = write!(text, "\n  … and of {more} more flows");
    }
    if !plan.approvals.is_empty() {
        text.push('\n');
    }
    for need in &plan.approvals {
        let _ = write!(text, "\n  Approval of {}: {}", need.flow, approval(need));
    }
    let _ = writeln!(text, "\n\n{}", sums(plan));
    text
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn mark(step: Step) -> char {
    match step {
        Step::Add => '+',
        Step::Change => '~',
        Step::Remove => '-',
    }
}

fn entry(entry: &Entry, text: &mut String) {
    let line = format!("  {} {:<10} {:<26} {}", mark(entry.step), entry.section, entry.id, entry.summary);
    let _ = writeln!(text, "{}", line.trim_end());
    for change in entry.changes.iter().take(MAX_CHANGES) {
        let _ = writeln!(text, "      {} {}{}", step_of(change), change.words, weight(change.class));
    }
    if let Some(more @ 1..) = entry.changes.len().checked_sub(MAX_CHANGES) {
        let _ = writeln!(text, "      … and {more} more");
    }
}

fn step_of(change: &Change) -> char {
    mark(match (&change.before, &change.after) {
        (None, _) => Step::Add,
        (_, None) => Step::Remove,
        _ => Step::Change,
    })
}

fn weight(class: Class) -> &'static str {
    match class {
        Class::Editorial => "   (editorial)",
        Class::Material => "",
        Class::MaterialHigh => "   (!)",
    }
}

fn register(plan: &Plan) -> String {
    let register = &plan.register;
    let count = |number: usize| if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") };
    format!("Register: {} new, {} changed, {} gone", count(register.new.len()), register.changed.len(), register.gone.len())
}

fn screening(plan: &Plan) -> String {
    let met = plan.screening.iter().map(|(activity, criteria)| {
        let numbers: Vec<String> = criteria.iter().map(u8::to_string).collect();
        format!("{activity}: {} of 9 criteria met ({})", criteria.len(), numbers.join(", "))
    });
    format!("DPIA screening: {}", met.collect::<Vec<_>>().join("; "))
}

fn approval(need: &Need) -> String {
    let who = match (need.class, need.wanted) {
        (_, 0) => "none needed",
        (Class::Material, 1) => "one role; the data protection officer is told",
        (Class::Material, _) => "one role and the data protection officer",
        (_, 1) => "one role",
        _ => "two roles",
    };
    format!("{who} ({}), {} given", need.class.word(), need.given)
}

fn sums(plan: &Plan) -> String {
    let count = |step| plan.entries.iter().filter(|entry| entry.step == step).count();
    let findings = match plan.findings.len() {
        1 => "1 finding".to_owned(),
        number => format!("{number} findings"),
    };
    if !plan.has_changes() {
        return format!("Plan: no changes, {findings}.");
    }
    format!("Plan: {} to add, {} to change, {} to remove, {findings}.", count(Step::Add), count(Step::Change), count(Step::Remove))
}
