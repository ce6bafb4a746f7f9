//! Contact mechanisms by their party and further fields: type and value, say, or the type alone.

use std::collections::BTreeMap;

use hub_sdk::{Error, Target};
use serde_json::{Map, Value, json};

use super::parties::{by_code, key};
use super::values::{Row, Text};
use super::{Field, Found, Kind};
use crate::erp::{Erp, answered};

pub(super) const CONTACTS: Kind = Kind {
    stream: "contact_mechanisms",
    model: "party.contact_mechanism",
    fields: &[
        Field { name: "party", text: Text::Id },
        Field { name: "party_code", text: Text::Trimmed },
        Field { name: "type", text: Text::Exact },
        Field { name: "value", text: Text::Number },
        Field { name: "name", text: Text::Trimmed },
        Field { name: "comment", text: Text::Exact },
        Field { name: "active", text: Text::Flag },
    ],
    needs: &["party", "party_code"],
    find,
};

/// Contact mechanisms that one search brings.
const MOST: u32 = 5_000;

/// All contact mechanisms of the rows' parties. The value is compared here and not searched for: Tryton may have written a telephone
/// number in another form.
fn find(erp: &Erp, target: &Target, rows: &mut [Row]) -> Result<Vec<Found>, Error> {
    let codes = resolve_parties(erp, rows)?;
    let mut ids: Vec<u64> = rows.iter().filter_map(party).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let fields = ["party.id", "type", "value", "name", "comment", "active"].into_iter();
    let request = erp.search(CONTACTS.model, &json!([["party", "in", ids]]), None, fields, MOST);
    let records: Vec<Map<String, Value>> = answered(request.send()?)?.json()?;
    if records.len() == MOST as usize {
        return Err(Error::permanent(format!(
            "parties of one batch have {MOST} contact mechanisms or more: which of them is meant cannot be told"
        )));
    }
    records.into_iter().map(|values| found(target, &codes, values)).collect()
}

fn found(target: &Target, codes: &BTreeMap<u64, String>, mut values: Map<String, Value>) -> Result<Found, Error> {
    let number = |value: Option<Value>| value.as_ref().and_then(Value::as_u64);
    let id = number(values.remove("id")).ok_or_else(|| Error::drift("a contact mechanism has no number in `id`"))?;
    let party = number(values.get("party").and_then(|party| party.get("id")).cloned());
    values.insert("party".into(), party.into());
    let code = party.and_then(|party| codes.get(&party));
    values.insert("party_code".into(), code.cloned().into());
    let key = key(target, CONTACTS.fields, &values);
    // Where a row leads to its party is settled: only the number is written.
    values.remove("party_code");
    Ok(Found { id, key, values })
}

/// Puts the party's number in the place of its code. Answers with the code of each number, as the rows wrote it.
fn resolve_parties(erp: &Erp, rows: &mut [Row]) -> Result<BTreeMap<u64, String>, Error> {
    let codes: Vec<&str> = rows.iter().filter_map(|row| row.text("party_code")).map(str::trim).collect();
    let mut numbers = BTreeMap::new();
    for party in by_code(erp, &codes, ["code"].into_iter())? {
        if let (Some(code), Some(id)) = (party.get("code").and_then(Value::as_str), party.get("id").and_then(Value::as_u64)) {
            numbers.insert(code.trim().to_owned(), id);
        }
    }
    for row in rows {
        let Some(code) = row.values.remove("party_code") else { continue };
        let id = code.as_str().and_then(|code| numbers.get(code.trim())).copied();
        match (id, party(row)) {
            (None, _) => row.fault = Some("unknown-party"),
            (Some(id), Some(other)) if id != other => row.fault = Some("two-parties"),
            (Some(id), _) => {
                row.values.insert("party".into(), id.into());
            }
        }
    }
    Ok(numbers.into_iter().map(|(code, id)| (id, code)).collect())
}

fn party(row: &Row) -> Option<u64> {
    row.values.get("party").and_then(Value::as_u64)
}
