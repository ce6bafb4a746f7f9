//! Filters of lists and dictionaries.

use super::super::arguments::Given;
use super::super::ast::Operator;
use super::super::attributes::{item, own_attribute};
use super::super::error::{Outcome, TemplateError};
use super::super::functions::defined;
use super::super::machine::Machine;
use super::super::methods::sorted;
use super::super::methods_members;
use super::super::operand::{Kind, Operand};
use super::super::operators::{binary, hashable, order};
use crate::value::Value;

pub(super) fn apply(machine: &mut Machine<'_>, name: &str, input: Operand, given: Given) -> Outcome<Operand> {
    match name {
        "length" | "count" => return given.bind("length", &[], 0).and_then(|_| input.length().map(Operand::int)),
        "items" => return pairs(&input),
        "attr" => {
            let name = given.bind("attr", &["name"], 1)?.need(0)?.to_text();
            defined_input(&input)?;
            return Ok(own_attribute(&input, &name).unwrap_or_else(|| Operand::undefined(format!("no attribute '{name}'"))));
        }
        "dictsort" => return dictsort(&input, given),
        _ => {}
    }
    if matches!(name, "select" | "reject" | "selectattr" | "rejectattr") && !input.is_truthy() {
        return Ok(Operand::generator(Vec::new()));
    }
    let items = input.iterate()?;
    machine.budget.items(items.len())?;
    match name {
        "list" => given.bind("list", &[], 0).map(|_| Operand::list(items)),
        "first" => Ok(items.into_iter().next().unwrap_or_else(|| Operand::undefined("No first item, sequence was empty."))),
        "last" if matches!(input, Operand::Sequence(_, Kind::Generator)) => {
            Err(TemplateError::type_error("'generator' object is not reversible"))
        }
        "last" => Ok(items.into_iter().next_back().unwrap_or_else(|| Operand::undefined("No last item, sequence was empty."))),
        "random" => {
            let place = usize::try_from(machine.now_micros().unsigned_abs()).unwrap_or(0) % items.len().max(1);
            Ok(items.into_iter().nth(place).unwrap_or_else(|| Operand::undefined("No random item, sequence was empty.")))
        }
        "reverse" => match input.as_str() {
            Some(text) => Ok(Operand::text(text.chars().rev().collect::<String>())),
            None => Ok(Operand::generator(items.into_iter().rev().collect())),
        },
        "join" => join(machine, items, given),
        "map" => map(machine, items, given),
        "select" | "reject" | "selectattr" | "rejectattr" => select(machine, name, items, given),
        "sort" => sort(items, given),
        "unique" => unique(machine, items, given),
        "min" | "max" => extreme(items, name == "max", given),
        "sum" => sum(machine, items, given),
        "groupby" => groupby(items, given),
        "batch" => batch(items, given),
        _ => slice(items, given),
    }
}

fn defined_input(input: &Operand) -> Outcome<()> {
    match input {
        Operand::Undefined(message) => Err(TemplateError::undefined(&**message)),
        _ => Ok(()),
    }
}

fn pairs(input: &Operand) -> Outcome<Operand> {
    if input.is_undefined() {
        return Ok(Operand::generator(Vec::new()));
    }
    let members = methods_members(input).ok_or_else(|| TemplateError::type_error("Can only get item pairs from a mapping."))?;
    Ok(Operand::generator(members.into_iter().map(|(key, value)| Operand::tuple(vec![key, value])).collect()))
}

/// What a path like `a.0.b` finds in an item.
fn found(operand: &Operand, path: &Operand) -> Outcome<Operand> {
    let Some(text) = path.as_str() else {
        return match path {
            Operand::Value(Value::None) => Ok(operand.clone()),
            index => item(operand, index, false),
        };
    };
    text.split('.').try_fold(operand.clone(), |operand, part| match part.parse::<i64>() {
        Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => item(&operand, &Operand::Value(Value::from(index)), true),
        _ => item(&operand, &Operand::text(part), true),
    })
}

fn folded(operand: Operand, case_sensitive: bool) -> Operand {
    match operand.as_str() {
        Some(text) if !case_sensitive => Operand::text(text.to_lowercase()),
        _ => operand,
    }
}

fn join(machine: &Machine<'_>, items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("join", &["d", "attribute"], 0)?;
    let separator = bound.take(0).map(|separator| separator.to_text()).unwrap_or_default();
    let attribute = bound.given(1);
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        let start = out.len();
        if index > 0 {
            out.push_str(&separator);
        }
        match &attribute {
            Some(path) => found(item, path)?.write_str(&mut out),
            None => item.write_str(&mut out),
        }
        machine.budget.text(out.len() - start)?;
    }
    Ok(Operand::text(out))
}

fn map(machine: &mut Machine<'_>, items: Vec<Operand>, mut given: Given) -> Outcome<Operand> {
    let at = given.named.iter().position(|(name, _)| name == "attribute");
    if let (true, Some(at)) = (given.positional.is_empty(), at) {
        let (_, path) = given.named.remove(at);
        let default = given.named.iter().position(|(name, _)| name == "default").map(|at| given.named.remove(at).1);
        if let Some((name, _)) = given.named.first() {
            return Err(TemplateError::value_error(format!("Unexpected keyword argument '{name}'")));
        }
        let default = default.filter(|default| !matches!(default, Operand::Value(Value::None)));
        let mapped = items.iter().map(|item| {
            let found = found(item, &path)?;
            Ok(if found.is_undefined() { default.clone().unwrap_or(found) } else { found })
        });
        return mapped.collect::<Outcome<_>>().map(Operand::generator);
    }
    if given.positional.is_empty() {
        return Err(TemplateError::value_error("map requires a filter argument"));
    }
    let name = given.positional.remove(0).to_text();
    items.into_iter().map(|item| super::apply(machine, &name, item, given.clone())).collect::<Outcome<_>>().map(Operand::generator)
}

fn select(machine: &Machine<'_>, name: &str, items: Vec<Operand>, mut given: Given) -> Outcome<Operand> {
    let path = match (name.ends_with("attr"), given.positional.is_empty()) {
        (true, true) => return Err(TemplateError::value_error("Missing parameter for attribute name")),
        (true, false) => given.positional.remove(0),
        _ => Operand::none(),
    };
    let test = if given.positional.is_empty() { None } else { Some(given.positional.remove(0).to_text()) };
    let wanted = name.starts_with("select");
    let mut kept = Vec::new();
    for item in items {
        let subject = found(&item, &path)?;
        let passes = match &test {
            None => subject.is_truthy(),
            Some(test) => super::super::tests::test(&machine.budget, test, &subject, given.clone())?,
        };
        if passes == wanted {
            kept.push(item);
        }
    }
    Ok(Operand::generator(kept))
}

/// Sort key: one path, or several with commas.
fn sort_key(operand: &Operand, path: Option<&Operand>, case_sensitive: bool) -> Outcome<Operand> {
    match path.map(|path| (path, path.as_str())) {
        None => Ok(folded(operand.clone(), case_sensitive)),
        Some((_, Some(text))) if text.contains(',') => {
            let parts = text.split(',').map(|part| found(operand, &Operand::text(part)).map(|part| folded(part, case_sensitive)));
            parts.collect::<Outcome<_>>().map(Operand::list)
        }
        Some((path, _)) => found(operand, path).map(|key| folded(key, case_sensitive)),
    }
}

fn sort(items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("sort", &["reverse", "case_sensitive", "attribute"], 0)?;
    let (reverse, case_sensitive, path) = (bound.flag(0, false), bound.flag(1, false), bound.given(2));
    let keyed = items.into_iter().map(|item| Ok((sort_key(&item, path.as_ref(), case_sensitive)?, item)));
    sorted(keyed.collect::<Outcome<_>>()?, reverse).map(Operand::list)
}

fn dictsort(input: &Operand, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("dictsort", &["case_sensitive", "by", "reverse"], 0)?;
    let (case_sensitive, by, reverse) = (bound.flag(0, false), bound.text(1, "key")?, bound.flag(2, false));
    if by != "key" && by != "value" {
        return Err(TemplateError::value_error("You can only sort by either \"key\" or \"value\""));
    }
    // Python: no attribute `items`.
    let members =
        methods_members(input).ok_or_else(|| defined(input, || TemplateError::value_error("the filter 'dictsort' wants a mapping")))?;
    let keyed = members.into_iter().map(|(key, value)| {
        let sort_key = folded(if by == "key" { key.clone() } else { value.clone() }, case_sensitive);
        (sort_key, Operand::tuple(vec![key, value]))
    });
    sorted(keyed.collect(), reverse).map(Operand::list)
}

fn unique(machine: &Machine<'_>, items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("unique", &["case_sensitive", "attribute"], 0)?;
    let (case_sensitive, path) = (bound.flag(0, false), bound.given(1).unwrap_or_else(Operand::none));
    let mut seen: Vec<Operand> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        let key = folded(found(&item, &path)?, case_sensitive);
        hashable(&key)?;
        machine.budget.items(seen.len() / 16)?;
        if !seen.iter().any(|known| known.equals(&key)) {
            seen.push(key);
            kept.push(item);
        }
    }
    Ok(Operand::generator(kept))
}

fn extreme(items: Vec<Operand>, greatest: bool, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("min or max", &["case_sensitive", "attribute"], 0)?;
    let (case_sensitive, path) = (bound.flag(0, false), bound.given(1).unwrap_or_else(Operand::none));
    let wanted = if greatest { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less };
    let mut best: Option<(Operand, Operand)> = None;
    for item in items {
        let key = folded(found(&item, &path)?, case_sensitive);
        let better = match &best {
            None => true,
            Some((known, _)) => order(&key, known, if greatest { ">" } else { "<" })? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| Operand::undefined("No aggregated item, sequence was empty."), |(_, item)| item))
}

fn sum(machine: &Machine<'_>, items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("sum", &["attribute", "start"], 0)?;
    let path = bound.given(0).unwrap_or_else(Operand::none);
    let start = bound.take(1).unwrap_or_else(|| Operand::int(0));
    if start.as_str().is_some() {
        return Err(TemplateError::type_error("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    items.iter().try_fold(start, |total, item| binary(&machine.budget, Operator::Add, &total, &found(item, &path)?))
}

fn groupby(items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("groupby", &["attribute", "default", "case_sensitive"], 1)?;
    let (path, default, case_sensitive) = (bound.need(0)?, bound.given(1), bound.flag(2, false));
    let mut keyed = Vec::new();
    for item in items {
        let key = found(&item, &path)?;
        let key = if key.is_undefined() { default.clone().unwrap_or(key) } else { key };
        keyed.push((folded(key.clone(), case_sensitive), Operand::tuple(vec![key, item])));
    }
    let mut groups: Vec<(Operand, Operand, Vec<Operand>)> = Vec::new();
    for pair in sorted(keyed, false)? {
        let mut parts = pair.iterate()?.into_iter();
        let (Some(key), Some(item)) = (parts.next(), parts.next()) else { continue };
        let compared = folded(key.clone(), case_sensitive);
        match groups.last_mut() {
            Some((known, _, items)) if known.equals(&compared) => items.push(item),
            _ => groups.push((compared, key, vec![item])),
        }
    }
    Ok(Operand::list(groups.into_iter().map(|(_, key, items)| Operand::tuple(vec![key, Operand::list(items)])).collect()))
}

fn batch(items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("batch", &["linecount", "fill_with"], 1)?;
    let size = usize::try_from(bound.int(0, 1)?)
        .ok()
        .filter(|size| (1..=100_000).contains(size))
        .ok_or_else(|| TemplateError::value_error("batch wants a size above 0"))?;
    let fill = bound.given(1);
    let rows = items.chunks(size).map(|row| {
        let mut row = row.to_vec();
        if let Some(fill) = &fill {
            row.resize(size, fill.clone());
        }
        Operand::list(row)
    });
    Ok(Operand::generator(rows.collect()))
}

fn slice(items: Vec<Operand>, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("slice", &["slices", "fill_with"], 1)?;
    let count = usize::try_from(bound.int(0, 1)?)
        .ok()
        .filter(|count| (1..=100_000).contains(count))
        .ok_or_else(|| TemplateError::value_error("slice wants a count above 0"))?;
    let fill = bound.given(1);
    let (each, extra) = (items.len() / count, items.len() % count);
    let mut rest = items.as_slice();
    let mut columns = Vec::new();
    for index in 0..count {
        let size = each + usize::from(index < extra);
        let (column, tail) = rest.split_at(size.min(rest.len()));
        rest = tail;
        let mut column = column.to_vec();
        if let (Some(fill), true) = (&fill, index >= extra && extra > 0) {
            column.push(fill.clone());
        }
        columns.push(Operand::list(column));
    }
    Ok(Operand::generator(columns))
}
