//! Changes of a manifest that take something away, put something else in its place, or add a flow. Blind: it knows no rule.

use toml::{Table, Value};

/// Random numbers that are the same on every machine (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`; 0 for none.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.get(self.below(words.len())).copied().unwrap_or_default()
    }
}

/// What may stand in the place of a value, by the key that it stands under.
const WORDS: &[(&str, &[&str])] = &[
    (
        "use",
        &[
            "sales",
            "finance",
            "analytics.reporting",
            "marketing.advertising",
            "marketing.communications.email",
            "collect",
            "essential.service",
        ],
    ),
    ("art6", &["a", "b", "c", "d", "e", "f"]),
    ("role", &["own", "processor", "separate-controller", "joint-controller"]),
    ("country", &["DE", "AT", "US", "IN", "GB", "CH", "BR"]),
    ("to", &["US", "CH", "IN"]),
    ("mechanism", &["adequacy", "scc", "bcr", "derogation"]),
    ("status", &["requested", "pilot", "approved", "sunset", "retired"]),
    ("kind", &["keep", "limit"]),
    ("delete", &["propagate", "retain-statutory"]),
    ("deletes", &["apply", "ignore"]),
    ("erase", &["native", "emulated", "unsupported"]),
    ("decision", &["required", "done", "not-required"]),
    ("period", &["P30D", "P1Y", "P3Y", "P8Y", "P10Y"]),
    ("scope", &["newsletter-v3", "newsletter-v4"]),
    ("mode", &["enforce", "observe"]),
];
const CATEGORIES: &[&str] = &[
    "user.name",
    "user.contact.email",
    "user.unique_id",
    "user.unique_id.pseudonymous",
    "user.financial.bank_account",
    "user.behavior.purchase_history",
    "user.content.private",
    "user.health_and_medical",
    "user.demographic.trade_union",
    "user.criminal_history",
    "system.operations",
    "non-personal",
    "user.nonsense",
];
/// Tables that are changed, with how deep below the root single ones lie.
const PLACES: &[(&str, usize)] =
    &[("system", 1), ("purpose", 1), ("retention", 1), ("stream", 2), ("flow", 1), ("compatibility", 1), ("dpia", 1)];

/// A manifest with one to three changes.
pub fn mutate(base: &Table, dice: &mut Dice) -> Table {
    let mut changed = base.clone();
    for _ in 0..=dice.below(3) {
        match dice.below(8) {
            0 => add_flow(&mut changed, dice),
            1 => flow_purpose(&mut changed, dice),
            2 => category(&mut changed, dice),
            3 => action(&mut changed, dice),
            _ => somewhere(&mut changed, dice),
        }
    }
    changed
}

/// The tables below a place, single ones.
fn tables<'t>(root: &'t mut Table, name: &str, depth: usize) -> Vec<&'t mut Table> {
    let Some(value) = root.get_mut(name) else { return Vec::new() };
    let mut found: Vec<&mut Table> = match value {
        Value::Array(items) => return items.iter_mut().filter_map(Value::as_table_mut).collect(),
        Value::Table(table) => table.iter_mut().filter_map(|(_, value)| value.as_table_mut()).collect(),
        _ => return Vec::new(),
    };
    for _ in 1..depth {
        found = found.into_iter().flat_map(|table| table.iter_mut().filter_map(|(_, value)| value.as_table_mut())).collect();
    }
    found
}

fn somewhere(root: &mut Table, dice: &mut Dice) {
    let (name, depth) = PLACES.get(dice.below(PLACES.len())).copied().unwrap_or_default();
    let mut found = tables(root, name, depth);
    let at = dice.below(found.len());
    if let Some(table) = found.get_mut(at) {
        inside(table, dice);
    }
}

/// Goes down by chance, then removes a key or writes another word.
fn inside(table: &mut Table, dice: &mut Dice) {
    let keys: Vec<String> = table.keys().cloned().collect();
    let Some(key) = keys.get(dice.below(keys.len())) else { return };
    let deeper = dice.below(2) == 0;
    match table.get_mut(key) {
        Some(Value::Table(inner)) if deeper && !inner.is_empty() => return inside(inner, dice),
        Some(Value::Array(items)) if deeper => {
            let at = dice.below(items.len());
            match items.get_mut(at) {
                Some(Value::Table(inner)) => return inside(inner, dice),
                Some(_) => return drop(items.remove(at)),
                None => {}
            }
        }
        Some(Value::String(text)) => {
            if let Some((_, words)) = WORDS.iter().find(|(name, _)| name == key) {
                *text = dice.pick(words).to_owned();
                return;
            }
        }
        Some(Value::Integer(number)) if deeper => {
            *number = [1, 2, 4, 60_000].get(dice.below(4)).copied().unwrap_or(1);
            return;
        }
        _ => {}
    }
    table.remove(key);
}

fn names(root: &Table, name: &str) -> Vec<String> {
    root.get(name).and_then(Value::as_table).map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn streams(root: &Table) -> Vec<String> {
    let systems = root.get("stream").and_then(Value::as_table);
    let all = systems
        .into_iter()
        .flatten()
        .flat_map(|(system, streams)| streams.as_table().into_iter().flatten().map(move |(stream, _)| format!("{system}.{stream}")));
    all.collect()
}

fn flow_purpose(root: &mut Table, dice: &mut Dice) {
    let purposes = names(root, "purpose");
    let purpose = purposes.get(dice.below(purposes.len())).cloned().unwrap_or_default();
    let mut flows = tables(root, "flow", 1);
    let at = dice.below(flows.len());
    if let Some(flow) = flows.get_mut(at) {
        flow.insert("purpose".to_owned(), Value::String(purpose));
    }
}

fn category(root: &mut Table, dice: &mut Dice) {
    let mut streams = tables(root, "stream", 2);
    let at = dice.below(streams.len());
    let Some(fields) = streams.get_mut(at).and_then(|stream| stream.get_mut("fields")).and_then(Value::as_table_mut) else { return };
    let keys: Vec<String> = fields.keys().cloned().collect();
    if let Some(key) = keys.get(dice.below(keys.len())) {
        fields.insert(key.clone(), Value::String(dice.pick(CATEGORIES).to_owned()));
    }
}

fn action(root: &mut Table, dice: &mut Dice) {
    let mut flows = tables(root, "flow", 1);
    let at = dice.below(flows.len());
    let Some(fields) = flows.get_mut(at).and_then(|flow| flow.get_mut("fields")).and_then(Value::as_table_mut) else { return };
    let keys: Vec<String> = fields.keys().cloned().collect();
    let Some(key) = keys.get(dice.below(keys.len())) else { return };
    let to = fields.get(key).and_then(Value::as_table).and_then(|field| field.get("to")).cloned();
    let mut field = Table::new();
    match dice.below(4) {
        0 => drop(field.insert("action".to_owned(), Value::String("allow".to_owned()))),
        1 => drop(field.insert("action".to_owned(), Value::String("hash".to_owned()))),
        2 => {
            field.insert("action".to_owned(), Value::String("mask".to_owned()));
            field.insert("last".to_owned(), Value::Integer(2));
        }
        _ => {
            field.insert("action".to_owned(), Value::String("pseudonymise".to_owned()));
            field.insert("domain".to_owned(), Value::String("analytics".to_owned()));
        }
    }
    field.extend(to.map(|to| ("to".to_owned(), to)));
    fields.insert(key.clone(), Value::Table(field));
}

/// A flow of fields that both ends have by the same name.
fn add_flow(root: &mut Table, dice: &mut Dice) {
    let (streams, purposes) = (streams(root), names(root, "purpose"));
    let (from, to) = (streams.get(dice.below(streams.len())), streams.get(dice.below(streams.len())));
    let (Some(from), Some(to), Some(purpose)) = (from, to, purposes.get(dice.below(purposes.len()))) else { return };
    let fields = |stream: &str| -> Vec<String> {
        let (system, stream) = stream.split_once('.').unwrap_or_default();
        let fields = root.get("stream").and_then(|all| all.get(system)?.get(stream)?.get("fields")?.as_table());
        fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    let theirs = fields(to);
    let shared: Table =
        fields(from).into_iter().filter(|name| theirs.contains(name)).map(|name| (name, Value::String("allow".to_owned()))).collect();
    if from == to || shared.is_empty() {
        return;
    }
    let Some(mut flow) = root.get("flow").and_then(|flows| flows.get("erp-to-crm")?.as_table()).cloned() else { return };
    for (key, value) in [("from", from), ("to", to), ("purpose", purpose)] {
        flow.insert(key.to_owned(), Value::String(value.clone()));
    }
    flow.insert("fields".to_owned(), Value::Table(shared));
    if let Some(flows) = root.get_mut("flow").and_then(Value::as_table_mut) {
        flows.insert(format!("added-{}", dice.below(1_000)), Value::Table(flow));
    }
}
