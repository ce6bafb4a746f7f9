//! How one difference becomes a class and a sentence. Judges that need more than the two values look into both states.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Change, Class, action};
use crate::change::closure::{text, words};
use crate::change::state::State;
use crate::change::walk::Difference;
use crate::date::{Date, Period};
use crate::vocab::{self, law};

use Class::{Editorial, Material, MaterialHigh};

/// Who says what a difference means.
pub(super) enum Judge {
    /// The same class whatever happened.
    Always(Class),
    /// By whether it is new, gone or different.
    Each { new: Class, gone: Class, changed: Class },
    /// A list: by what is new in it and what is gone.
    Items { new: Class, gone: Class },
    /// True or false.
    Flag { set: Class, unset: Class },
    /// An ISO 8601 duration. Absence is neither longer nor shorter: the stricter class holds.
    Period { longer: Class, shorter: Class },
    /// A rule of its own.
    By(fn(&Context<'_>, &Difference<'_>, &str) -> (Class, String)),
}

impl Judge {
    pub(super) fn decide(&self, context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
        let said = || sentence(difference, noun);
        match self {
            Self::Always(class) => (*class, said()),
            Self::Each { new, gone, changed } => match (difference.before, difference.after) {
                (None, _) => (*new, said()),
                (_, None) => (*gone, said()),
                _ => (*changed, said()),
            },
            Self::Items { new, gone } => items(difference, noun, |_| *new, |_| *gone),
            Self::Flag { set, unset } => {
                let is_set = difference.after == Some(&Value::Bool(true));
                (if is_set { *set } else { *unset }, format!("{}: {noun}", if is_set { "now" } else { "no longer" }))
            }
            Self::Period { longer, shorter } => period(difference, noun, *longer, *shorter),
            Self::By(judge) => judge(context, difference, noun),
        }
    }
}

/// Both states, and what rules ask of the earlier one.
pub(super) struct Context<'s> {
    pub old: &'s State,
    pub new: &'s State,
    today: Date,
    /// System → categories that arrived there.
    received: BTreeMap<&'s str, BTreeSet<&'s str>>,
    /// System and purpose of what arrived there.
    served: BTreeSet<(&'s str, &'s str)>,
}

impl<'s> Context<'s> {
    pub fn new(old: &'s State, new: &'s State, today: Date) -> Self {
        let (mut received, mut served) = (BTreeMap::<&str, BTreeSet<&str>>::new(), BTreeSet::new());
        for (id, flow) in flows(old) {
            let Some(system) = text(flow, "to").map(system_of) else { continue };
            let categories = old.categories.get(id).into_iter().flatten().map(|(_, category)| category.as_str());
            received.entry(system).or_default().extend(categories);
            served.extend(text(flow, "purpose").map(|purpose| (system, purpose)));
        }
        Self { old, new, today, received, served }
    }

    /// True if a category, or one above it, is of Art. 9 or 10.
    pub fn is_special(&self, category: &str) -> bool {
        std::iter::successors(Some(category), |key| key.rsplit_once('.').map(|(parent, _)| parent)).any(|key| {
            let extension = [self.new, self.old].into_iter().find_map(|state| state.manifest.get("category")?.get(key));
            let has = |mark: &str| match extension {
                Some(extension) => words(extension, "marks").any(|own| own == mark),
                None => vocab::category(key).is_some_and(|category| category.has(mark)),
            };
            has("art9") || has("art10")
        })
    }

    fn is_third(&self, country: &str) -> bool {
        !law::is_eea(country, self.today)
    }

    /// What a flow of the new state brings that its destination did not have: in words, with the class of the gravest.
    fn brings(&self, id: &str, flow: &Value) -> (Class, Vec<String>) {
        let (mut class, mut news) = (Material, Vec::new());
        let mut told = |grave: bool, words: String| {
            class = if grave { MaterialHigh } else { class };
            news.push(words);
        };
        let system = text(flow, "to").map_or("", system_of);
        let purpose = text(flow, "purpose").unwrap_or_default();
        let known = self.received.get(system);
        if known.is_none() {
            told(true, format!("`{system}` is a new recipient"));
            for country in third_countries(self, self.new, system) {
                told(true, format!("it reaches the third country {country}"));
            }
        } else if !self.served.contains(&(system, purpose)) {
            told(true, format!("purpose `{purpose}` is new to `{system}`"));
        }
        for category in self.new.categories.get(id).into_iter().flatten().map(|(_, category)| category.as_str()).collect::<BTreeSet<_>>() {
            let is_new = known.is_none_or(|known| !known.contains(category));
            match (self.is_special(category), is_new) {
                (true, true) => told(true, format!("special category `{category}` is new to it")),
                (false, true) if known.is_some() && vocab::is_personal(category) => {
                    told(false, format!("data category `{category}` is new to it"))
                }
                _ => {}
            }
        }
        (class, news)
    }
}

/// Flows of a state by id.
fn flows(state: &State) -> impl Iterator<Item = (&String, &Value)> {
    state.manifest.get("flow").and_then(Value::as_object).into_iter().flatten()
}

pub(super) fn flow_ids(state: &State) -> impl Iterator<Item = &String> {
    flows(state).map(|(id, _)| id)
}

fn system_of(stream: &str) -> &str {
    stream.split_once('.').map_or(stream, |(system, _)| system)
}

fn third_countries(context: &Context<'_>, state: &State, system: &str) -> BTreeSet<String> {
    let Some(declared) = state.manifest.get("system").and_then(|systems| systems.get(system)) else { return BTreeSet::new() };
    let hosting = declared.get("hosting").and_then(|hosting| text(hosting, "country"));
    let helpers = declared.get("contract").and_then(|contract| contract.get("subprocessors")).and_then(Value::as_object);
    let helpers = helpers.into_iter().flatten().filter_map(|(_, helper)| text(helper, "country"));
    let all = hosting.into_iter().chain(words(declared, "access_from")).chain(helpers);
    all.filter(|country| context.is_third(country)).map(str::to_owned).collect()
}

pub(super) fn flow(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let (Some(id), Some(after), None) =
        (difference.path.get(1).filter(|_| difference.path.len() == 2), difference.after, difference.before)
    else {
        return (Material, sentence(difference, noun));
    };
    let of = |key| text(after, key).unwrap_or_default();
    let (class, news) = context.brings(id, after);
    let mut said = vec![format!("new flow {} → {} for `{}`", of("from"), of("to"), of("purpose"))];
    said.extend(news);
    (class, said.join("; "))
}

pub(super) fn destination(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let id = difference.path.get(1).map_or("", String::as_str);
    let flow = context.new.manifest.get("flow").and_then(|flows| flows.get(id));
    let (class, news) = flow.map_or((MaterialHigh, Vec::new()), |flow| context.brings(id, flow));
    (class, std::iter::once(sentence(difference, noun)).chain(news).collect::<Vec<_>>().join("; "))
}

pub(super) fn field(context: &Context<'_>, difference: &Difference<'_>, _noun: &str) -> (Class, String) {
    let [_, id, _, path] = difference.path.as_slice() else { return (Material, sentence(difference, "field")) };
    let is_dropped = |field: &Value| text(field, "action") == Some("drop");
    match (difference.before, difference.after) {
        (Some(before), Some(after)) => action::compare(before, after),
        (Some(before), None) if is_dropped(before) => {
            (Editorial, format!("field `{path}` is no longer named; it was dropped and still is"))
        }
        (Some(_), None) => (Material, format!("field `{path}` no longer passes")),
        (None, Some(after)) if is_dropped(after) => (Editorial, format!("field `{path}` is named and dropped, as before")),
        _ => new_field(context, id, path),
    }
}

fn new_field(context: &Context<'_>, id: &str, path: &str) -> (Class, String) {
    let category = context.new.categories.get(id).and_then(|fields| fields.get(path));
    let flow = context.new.manifest.get("flow").and_then(|flows| flows.get(id));
    let system = flow.and_then(|flow| text(flow, "to")).map_or("", system_of);
    let Some(category) = category else { return (Material, format!("new field `{path}`")) };
    let is_new = context.received.get(system).is_none_or(|known| !known.contains(category.as_str()));
    let said = format!("new field `{path}` ({category})");
    match (context.is_special(category), is_new) {
        (true, _) => (MaterialHigh, format!("{said}: special category")),
        (false, true) if vocab::is_personal(category) => (Material, format!("{said}: new data category for `{system}`")),
        _ => (Material, said),
    }
}

pub(super) fn erasure(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let is_propagated = difference.after.and_then(Value::as_str) == Some("propagate");
    (if is_propagated { Material } else { MaterialHigh }, sentence(difference, noun))
}

/// What the source deletes stays at the destination from now on, or does not.
pub(super) fn deletions(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let stays = difference.after.and_then(Value::as_str) == Some("ignore");
    (if stays { MaterialHigh } else { Material }, sentence(difference, noun))
}

/// Hosting as a whole, its country, or the list of countries from which somebody looks.
pub(super) fn countries(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let id = difference.path.get(1).map_or("", String::as_str);
    let before = third_countries(context, context.old, id);
    let after = third_countries(context, context.new, id);
    let news: Vec<&str> = after.difference(&before).map(String::as_str).collect();
    let said = if difference.path.last().is_some_and(|key| key == "access_from") {
        items(difference, noun, |_| Material, |_| Material).1
    } else {
        sentence(difference, noun)
    };
    if news.is_empty() { (Material, said) } else { (MaterialHigh, format!("{said}; new third country {}", news.join(", "))) }
}

pub(super) fn helper(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    if difference.before.is_none() && difference.path.len() == 5 {
        let country = difference.after.and_then(|helper| text(helper, "country")).unwrap_or_default();
        let third = if context.is_third(country) { ", a third country" } else { "" };
        return (MaterialHigh, format!("{} in {country}{third}: a new recipient", sentence(difference, noun)));
    }
    if difference.path.last().is_some_and(|key| key == "country") {
        countries(context, difference, noun)
    } else {
        (Material, sentence(difference, noun))
    }
}

pub(super) fn system(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let id = difference.path.get(1).map_or("", String::as_str);
    let said = sentence(difference, noun);
    let third: Vec<String> = third_countries(context, context.new, id).into_iter().collect();
    if difference.before.is_some() || difference.path.len() > 2 {
        return (Material, said);
    }
    if third.is_empty() { (Material, said) } else { (MaterialHigh, format!("{said}; it reaches the third country {}", third.join(", "))) }
}

/// Something that stands in the canonical form as a digest.
pub(super) fn hidden(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let what = match (difference.before, difference.after) {
        (None, _) => "is known for the first time",
        (_, None) => "is not known any more",
        _ => "is another one",
    };
    (Material, format!("{noun} {what}"))
}

pub(super) fn allowed(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    items(difference, noun, |category| if context.is_special(category) { MaterialHigh } else { Material }, |_| Material)
}

pub(super) fn label(context: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let of = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|category| context.is_special(category));
    // A label that is taken away, or no longer says that data is special, would understate what is there.
    let is_grave = of(difference.before) || of(difference.after);
    (if is_grave { MaterialHigh } else { Material }, sentence(difference, noun))
}

pub(super) fn method(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let is_reversible = difference.after.and_then(Value::as_str) == Some("aes-siv");
    let said = sentence(difference, noun);
    if is_reversible { (MaterialHigh, format!("{said}: the key now leads back to the person")) } else { (Material, said) }
}

/// Fewer countries are stricter, but none at all means anywhere.
pub(super) fn residency(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let (before, after) = (listed(difference.before), listed(difference.after));
    let is_wider = after.is_empty() || !before.is_empty() && !after.is_subset(&before);
    (if is_wider { MaterialHigh } else { Material }, sentence(difference, noun))
}

/// A table of texts for people, but for the countries of residency in it.
pub(super) fn activity(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let binds = |table: Option<&Value>| table.is_some_and(|table| words(table, "residency").next().is_some());
    let class = match (binds(difference.before), binds(difference.after)) {
        (false, false) => Editorial,
        (true, false) => MaterialHigh,
        _ => Material,
    };
    (class, sentence(difference, noun))
}

pub(super) fn approvals(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let is_needed = difference.after.and_then(Value::as_str) == Some("required");
    (if is_needed { Material } else { MaterialHigh }, sentence(difference, noun))
}

pub(super) fn mode(_: &Context<'_>, difference: &Difference<'_>, noun: &str) -> (Class, String) {
    let stops = difference.after.and_then(Value::as_str) == Some("enforce");
    (if stops { Material } else { MaterialHigh }, sentence(difference, noun))
}

/// True if a change already tells why a field arrives with another label.
pub(super) fn explains(context: &Context<'_>, change: &Change, flow: &str, field: &str) -> bool {
    let from = context.new.manifest.get("flow").and_then(|flows| text(flows.get(flow)?, "from")).and_then(|from| from.split_once('.'));
    let keys: Vec<&str> = change.keys.iter().map(String::as_str).collect();
    match keys.as_slice() {
        ["flow", id, "fields", path] => *id == flow && *path == field,
        ["flow", id, "from"] => *id == flow,
        ["stream", system, stream, ..] => from == Some((system, stream)),
        ["category", ..] => true,
        _ => false,
    }
}

fn period(difference: &Difference<'_>, noun: &str, longer: Class, shorter: Class) -> (Class, String) {
    let days = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Period::parse).map(Period::approximate_days);
    let said = sentence(difference, noun);
    match (days(difference.before), days(difference.after)) {
        (Some(before), Some(after)) if after > before => (longer, format!("{said}, longer")),
        (Some(before), Some(after)) if after < before => (shorter, format!("{said}, shorter")),
        _ => (longer.max(shorter), said),
    }
}

fn listed(value: Option<&Value>) -> BTreeSet<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn items(difference: &Difference<'_>, noun: &str, new: impl Fn(&str) -> Class, gone: impl Fn(&str) -> Class) -> (Class, String) {
    let (before, after) = (listed(difference.before), listed(difference.after));
    let news: Vec<&str> = after.difference(&before).copied().collect();
    let lost: Vec<&str> = before.difference(&after).copied().collect();
    let class = news.iter().map(|item| new(item)).chain(lost.iter().map(|item| gone(item))).max().unwrap_or(Material);
    let list = |items: &[&str]| items.iter().map(|item| format!("`{}`", crate::manifest::shorten(item))).collect::<Vec<_>>().join(", ");
    let parts = [("new", &news), ("gone", &lost)].into_iter().filter(|(_, items)| !items.is_empty());
    (class, format!("{noun}: {}", parts.map(|(word, items)| format!("{word} {}", list(items))).collect::<Vec<_>>().join("; ")))
}

/// What happened at a place. Tables go by their key, values are shown.
pub(super) fn sentence(difference: &Difference<'_>, noun: &str) -> String {
    let key = difference.path.last().map_or("", String::as_str);
    let shown = |value: &Value| match value {
        Value::Object(_) => format!(" `{key}`"),
        value => format!(": {}", brief(value)),
    };
    match (difference.before, difference.after) {
        (Some(before), Some(after)) => format!("{noun}: {} → {}", brief(before), brief(after)),
        (None, Some(after)) => format!("new {noun}{}", shown(after)),
        (Some(before), None) => format!("{noun} gone{}", shown(before)),
        (None, None) => noun.to_owned(),
    }
}

/// A value in a few characters.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => crate::manifest::shorten(text).to_string(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(brief).collect::<Vec<_>>().join(", "),
        Value::Object(entries) => entries.iter().map(|(key, value)| format!("{key} {}", brief(value))).collect::<Vec<_>>().join(", "),
        plain => plain.to_string(),
    }
}
