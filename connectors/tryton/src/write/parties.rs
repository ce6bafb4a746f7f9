//! Parties by their code.

use hub_sdk::{Error, Target};
use serde_json::{Map, Value, json};

use super::values::{Row, Text, comparable};
use super::{Field, Found, Kind};
use crate::erp::{Erp, answered};

pub(super) const PARTIES: Kind = Kind {
    stream: "parties",
    model: "party.party",
    fields: &[
        Field { name: "code", text: Text::Trimmed },
        Field { name: "name", text: Text::Exact },
        Field { name: "active", text: Text::Flag },
    ],
    needs: &["code"],
    find,
};

/// The parties whose code one of the rows has. Other fields of the key are compared here.
fn find(erp: &Erp, target: &Target, rows: &mut [Row]) -> Result<Vec<Found>, Error> {
    let codes: Vec<&str> = rows.iter().filter_map(|row| row.text("code")).map(str::trim).collect();
    let found = by_code(erp, &codes, PARTIES.fields.iter().map(|field| field.name))?;
    let found = found.into_iter().map(|mut values| {
        let id = values.remove("id").as_ref().and_then(Value::as_u64).ok_or_else(|| Error::drift("a party has no number in `id`"))?;
        Ok(Found { id, key: key(target, PARTIES.fields, &values), values })
    });
    found.collect()
}

/// The key of what was found, in the form of a row's.
pub(super) fn key(target: &Target, fields: &[Field], values: &Map<String, Value>) -> Vec<String> {
    let part = |name: &String| {
        let text = fields.iter().find(|field| field.name == name).map_or(Text::Exact, |field| field.text);
        comparable(text, values.get(name).unwrap_or(&Value::Null))
    };
    target.primary_key.iter().map(part).collect()
}

/// Parties with these codes: `id` and the asked fields.
pub(super) fn by_code<'a>(erp: &Erp, codes: &[&str], fields: impl Iterator<Item = &'a str>) -> Result<Vec<Map<String, Value>>, Error> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    // A code is unique; twice as many would be a sign of another module's rules, and of doubt.
    let most = u32::try_from(codes.len() * 2).unwrap_or(u32::MAX);
    let request = erp.search(PARTIES.model, &json!([["code", "in", codes]]), None, fields, most);
    answered(request.send()?)?.json()
}
