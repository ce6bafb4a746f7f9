//! What a low-code connector needs and its system does not grant: said before a run, not at its first request. Grants nothing.

use hub_core::manifest::{Manifest, Origin, System};
use hub_core::policy::Policy;
use hub_core::problem::{Code, Problem};
use hub_lowcode::inspect::{Cause, OpenHost};

use super::{LowCode, Remark, span_in};

/// Problems for flows that cannot run, remarks for what may be missing.
#[must_use]
pub fn missing(read: &LowCode, manifest: &Manifest, system: &System) -> (Vec<Problem>, Vec<Remark>) {
    let used = manifest.flows.values().any(|flow| *flow.from.value.system == *system.id.value);
    let mut problems = bodies(read, manifest, system);
    let mut remarks = Vec::new();
    let text = manifest.sources.get(read.file).map_or("", |(_, text)| text);
    let origins = &read.inspection.hosts.origins;
    let granted = |origin: &str| Origin::parse(origin).is_ok_and(|origin| system.hosts.iter().any(|host| host.value == origin));
    let lacking: Vec<&str> = origins.iter().map(|origin| origin.origin.as_str()).filter(|origin| !granted(origin)).collect();
    if used && system.hosts.is_empty() && !lacking.is_empty() {
        let list = lacking.iter().map(|origin| format!("\"{origin}\"")).collect::<Vec<_>>().join(", ");
        let title = format!("the connector of system `{}` has no host that it may reach", system.id.value);
        problems.push(
            Problem::new(Code::E204, title, format!("grant what its manifest names: `hosts = [{list}]`"))
                .at(system.id.span, "no `hosts` here"),
        );
    } else {
        for origin in origins.iter().filter(|origin| !granted(&origin.origin)) {
            let text_ =
                format!("system `{}` does not grant `{}`, which this part of its manifest wants to reach", system.id.value, origin.origin);
            remarks.push(Remark { span: span_in(origin.mark, text, read.file), text: text_ });
        }
    }
    for open in &read.inspection.hosts.open {
        let told = format!("system `{}`: {}; what it may reach must stand in `hosts`", system.id.value, open_host(open));
        remarks.push(Remark { span: span_in(open.mark, text, read.file), text: told });
    }
    (problems, remarks)
}

/// E310 for each flow whose records must enter the sandbox under the labels in force, although the manifest does not want to look into them.
#[must_use]
pub fn blocked(read: &LowCode, policy: &Policy, system: &System) -> Vec<Problem> {
    let flows = policy.manifest().flows.values().filter(|flow| *flow.from.value.system == *system.id.value && system.read_body.is_none());
    let problems = flows.filter_map(|flow| {
        let (_, rule) = policy.flow(&flow.id.value)?;
        let obstacles = read.obstacles(&flow.from.value.stream, &rule.shape);
        let obstacle = obstacles.first()?;
        let title = format!("flow `{}` is denied: the records of `{}` cannot stay outside of the sandbox", flow.id.value, flow.from.value);
        let help =
            format!("let them in with `grants = [\"read-body\"]` in `[system.{}]`, or declare the field as what it is", system.id.value);
        let problem = Problem::new(Code::E310, title, help)
            .at(flow.from.span, "read without being seen")
            .at(system.id.span, "does not grant `read-body`")
            .note(obstacle.clone());
        Some(obstacles.iter().skip(1).take(7).fold(problem, |problem, obstacle| problem.note(obstacle.clone())))
    });
    problems.collect()
}

/// An address that is not known yet, in words.
#[must_use]
pub fn open_host(open: &OpenHost) -> String {
    let what = if open.template.is_empty() { format!("`{}`", open.place) } else { format!("`{}` in `{}`", open.template, open.place) };
    match &open.cause {
        Cause::Configuration => format!("the address {what} depends on the configuration"),
        Cause::Run => format!("the address {what} is known only when it runs"),
        Cause::Perhaps => format!("{what} may be an address of its own when it runs"),
        Cause::Invalid(reason) => format!("{what} is no address: {reason}"),
    }
}

/// E310 for each flow whose records must enter the sandbox.
fn bodies(read: &LowCode, manifest: &Manifest, system: &System) -> Vec<Problem> {
    let flows = manifest.flows.values().filter(|flow| *flow.from.value.system == *system.id.value && system.read_body.is_none());
    let problems = flows.filter_map(|flow| {
        let stream = &*flow.from.value.stream;
        let reasons = read.reasons(stream);
        if reasons.is_empty() {
            return None;
        }
        let title = format!("flow `{}` is denied: the records of `{}` must enter the sandbox", flow.id.value, flow.from.value);
        let help = format!("allow it with `grants = [\"read-body\"]` in `[system.{}]`", system.id.value);
        let problem = Problem::new(Code::E310, title, help)
            .at(flow.from.span, "read in the sandbox")
            .at(system.id.span, "does not grant `read-body`");
        Some(reasons.iter().take(8).fold(problem, |problem, reason| problem.note(reason.clone())))
    });
    problems.collect()
}
