//! Fields that become one: the first names the others in `with`, and those that are listed themselves say the same `to`.

use std::collections::BTreeMap;

use super::super::load::Loader;
use super::super::{Action, FlowField};
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::FieldPath;

/// Every part of a `concat` belongs to exactly one, stands beside it in the record, and goes to the same place (E003).
pub(super) fn check(fields: &[FlowField], loader: &mut Loader<'_>) {
    let mut owners: BTreeMap<&FieldPath, (&FlowField, Span)> = BTreeMap::new();
    for head in fields {
        let Action::Concat { with, .. } = &head.action.value else { continue };
        for part in with {
            if let Some(problem) = part_fault(fields, head, part) {
                loader.findings.push(problem);
            } else if let Some((_, first)) = owners.get(&part.value) {
                let problem = Problem::new(Code::E003, format!("`{}` would be appended twice", part.value), "keep one of the two");
                loader.findings.push(problem.at(part.span, "the second place").at(*first, "the first place"));
            } else {
                owners.insert(&part.value, (head, part.span));
            }
        }
    }
    for tail in fields.iter().filter(|field| is_tail(field)) {
        match owners.get(&tail.path.value) {
            Some((head, _)) if head.to.value == tail.to.value => {}
            Some((head, _)) => {
                let problem = Problem::new(
                    Code::E003,
                    format!("`{}` is appended to `{}`, but goes to `{}`", tail.path.value, head.path.value, tail.to.value),
                    format!("write `to = \"{}\"`, or remove the field: being named in `with` is enough", head.to.value),
                );
                loader.findings.push(problem.at(tail.to.span, "another place").at(head.to.span, "what it is appended to"));
            }
            None => {
                let help = "name the fields that are appended: `with = [\"lastname\"]`";
                loader.findings.wrong(tail.action.span, format!("nothing is appended to `{}`, nor is it appended", tail.path.value), help);
            }
        }
    }
}

/// A field that says `concat` and names none: another one must name it.
pub(super) fn is_tail(field: &FlowField) -> bool {
    matches!(&field.action.value, Action::Concat { with, .. } if with.is_empty())
}

fn part_fault(fields: &[FlowField], head: &FlowField, part: &Spanned<FieldPath>) -> Option<Problem> {
    let parent = |path: &FieldPath| path.as_str().rsplit_once('.').map(|(parent, _)| parent.to_owned());
    let fault = |title: String, help: &str| Some(Problem::new(Code::E003, title, help).at(part.span, "here"));
    if part.value == head.path.value {
        return fault(format!("`{}` would be appended to itself", part.value), "remove it from `with`");
    }
    if parent(&part.value) != parent(&head.path.value) {
        let title = format!("`{}` and `{}` stand in different objects", part.value, head.path.value);
        return fault(title, "only fields of the same object can become one");
    }
    match fields.iter().find(|field| field.path.value == part.value) {
        Some(listed) if !is_tail(listed) => {
            let problem = Problem::new(
                Code::E003,
                format!("`{}` is appended to `{}` and has an action of its own", part.value, head.path.value),
                "give it the action `concat` and the same `to`, or remove it from the fields",
            );
            Some(problem.at(listed.action.span, "its own action").at(part.span, "appended here"))
        }
        _ => None,
    }
}
