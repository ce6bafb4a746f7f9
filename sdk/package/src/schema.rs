//! A stream's JSON Schema: every value has a data category. Whether the category exists is known to the host's vocabulary, not here.

use serde_json::Value;

const CATEGORY: &str = "x-hub-category";

/// Walks the schema. The error names the first field without a category.
pub fn check(file: &str, schema: &Value) -> Result<(), String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let Some(properties) = properties.filter(|_| schema.get("type").and_then(Value::as_str) == Some("object")) else {
        return Err(format!("{file}: the schema of a stream is `\"type\": \"object\"` with `properties`"));
    };
    properties.iter().try_for_each(|(name, field)| check_field(file, name, field))
}

fn check_field(file: &str, path: &str, field: &Value) -> Result<(), String> {
    if field.get(CATEGORY).is_some_and(Value::is_string) {
        return Ok(());
    }
    if let Some(properties) = field.get("properties").and_then(Value::as_object) {
        return properties.iter().try_for_each(|(name, inner)| check_field(file, &format!("{path}.{name}"), inner));
    }
    match field.get("items") {
        Some(items) => check_field(file, path, items),
        None => Err(format!("{file}: the field `{path}` has no `{CATEGORY}`: every value needs the key of its data category")),
    }
}

/// The field at a dotted path. Arrays are transparent.
pub fn find<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(schema, |at, name| {
        let object = at.get("items").unwrap_or(at);
        object.get("properties")?.get(name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check, find};

    #[test]
    fn a_field_without_category_is_named() {
        let schema =
            json!({ "type": "object", "properties": { "lines": { "items": { "properties": { "price": { "type": "number" } } } } } });
        let message = check("schemas/orders.json", &schema).err();
        assert_eq!(
            message.as_deref(),
            Some("schemas/orders.json: the field `lines.price` has no `x-hub-category`: every value needs the key of its data category")
        );
        assert!(find(&schema, "lines.price").is_some());
        assert!(find(&schema, "lines.tax").is_none());
    }
}
