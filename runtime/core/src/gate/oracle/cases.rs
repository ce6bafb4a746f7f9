//! Shapes and requests under which scanner and oracle are compared: every node, treatment and rule occurs in one of them.

use serde_json::{Value, json};

use crate::gate::{PlanRequest, PlannedField, PlannedJoin};
use crate::manifest::{Coarser, DateUnit, Missing, OnInvalid, OnUndeclared};
use crate::record::FieldPath;
use crate::stream::StreamShape;
use crate::treat::{DomainKey, Index, Lookup, Sealer, Seed, Treatment};

/// One way to be asked.
pub struct Case {
    shape: StreamShape,
    fields: Vec<PlannedField>,
    joins: Vec<PlannedJoin>,
    primary_key: Vec<FieldPath>,
    cursor: Option<FieldPath>,
    on_undeclared: OnUndeclared,
    on_invalid: OnInvalid,
}

impl Case {
    /// The request of this case.
    #[must_use]
    pub fn request(&self) -> PlanRequest<'_> {
        PlanRequest {
            fields: self.fields.clone(),
            joins: self.joins.clone(),
            primary_key: self.primary_key.clone(),
            cursor: self.cursor.clone(),
            on_undeclared: self.on_undeclared,
            on_invalid: self.on_invalid,
            collect_keys: true,
            ..PlanRequest::new(&self.shape)
        }
    }
}

/// All cases. Names are short, so that random input meets them.
#[must_use]
pub fn cases() -> Vec<Case> {
    use Treatment::{Constant, Hash, Keep, Mask, Truncate};
    let pseudonym = DomainKey::new(b"0123456789abcdef").map_or(Hash, Treatment::Pseudonymise);
    let everything = vec![
        ("a", "a", Keep),
        ("b", "z", Keep),
        ("c", "c", Keep),
        ("d", "d", Keep),
        ("l", "l", Keep),
        ("m", "m", Keep),
        ("o", "o", Keep),
        ("x", "x", Keep),
        ("e", "e", Keep),
        ("f", "f", Keep),
    ];
    let treated = vec![
        ("a", "a", Hash),
        ("b", "b", Mask { first: 1, last: 1 }),
        ("d.a", "k.y", pseudonym),
        ("d.b", "k.b", Keep),
        ("l", "n", Truncate { keep: 2 }),
        ("m.a", "m.a", Constant("null".to_owned())),
        ("o", "o", Constant("7".to_owned())),
    ];
    let loose = vec![("a", "a", Keep), ("d.a", "d.a", Keep), ("b", "c", Truncate { keep: 1 })];
    let some = vec![("c", "c", Keep), ("m.b", "m.b", Keep)];
    let joined = vec![("e", "e", Keep), ("x", "x", Keep), ("l", "l", Keep)];
    let in_objects = join(&[("d.a", "d.b"), ("m.a", "m.a")], &["k.n", "m.n"]);
    vec![
        case(&schema(), &coarser(), &[], Some("b"), OnUndeclared::Drop, OnInvalid::Skip),
        Case {
            joins: join(&[("b", "a"), ("c", "f")], &["n", "o"]),
            ..case(&schema(), &joined, &["a"], None, OnUndeclared::Drop, OnInvalid::Skip)
        },
        Case { joins: in_objects, ..case(&schema(), &joined, &[], None, OnUndeclared::Drop, OnInvalid::Stop) },
        case(&schema(), &everything, &["a"], Some("c"), OnUndeclared::Drop, OnInvalid::Skip),
        case(&schema(), &everything, &[], None, OnUndeclared::Stop, OnInvalid::Skip),
        case(&schema(), &treated, &["c", "d.b"], Some("a"), OnUndeclared::Drop, OnInvalid::Skip),
        case(&schema(), &treated, &[], Some("d.b"), OnUndeclared::Drop, OnInvalid::Stop),
        case(&schema(), &some, &[], None, OnUndeclared::Drop, OnInvalid::Skip),
        case(&schema(), &[], &[], None, OnUndeclared::Drop, OnInvalid::Skip),
        case(&Value::Null, &loose, &["b"], Some("a"), OnUndeclared::Drop, OnInvalid::Skip),
        case(&Value::Null, &[], &["a"], None, OnUndeclared::Stop, OnInvalid::Stop),
    ]
}

/// Treatments that a value may not fit.
fn coarser() -> Vec<(&'static str, &'static str, Treatment)> {
    use Treatment::{Encrypt, Generalise, Hash, Lookup, Network};
    let entries = vec![("a".to_owned(), "\"\n".to_owned()), ("b".to_owned(), String::new())];
    let seed = Seed::repeating([3; 32]);
    let sealed = seed.and_then(|seed| Sealer::new([9; 32], &seed)).map_or(Hash, Encrypt);
    vec![
        ("a", "a", Generalise(Coarser::Bucket(7))),
        ("b", "y", Generalise(Coarser::Map { entries: entries.clone(), default: None })),
        ("c", "c", Generalise(Coarser::Bucket(1_000_000_007))),
        ("d.a", "d.a", Generalise(Coarser::Map { entries, default: Some("ö".to_owned()) })),
        ("d.b", "d.c", Network),
        ("e", "e", Lookup { index: Index::new(std::sync::Arc::new(Short)), missing: Missing::Null }),
        ("f", "f", Generalise(Coarser::Date(DateUnit::Quarter))),
        ("l", "l", sealed),
        ("x", "x", Treatment::Keep),
        ("m.a", "m.a", Lookup { index: Index::new(std::sync::Arc::new(Short)), missing: Missing::Invalid }),
    ]
}

/// Knows the keys of at most two bytes.
struct Short;

impl Lookup for Short {
    fn find(&self, key: &[u8], out: &mut Vec<u8>) -> bool {
        let known = key.len() <= 2;
        if known {
            out.extend_from_slice(b"0.5");
        }
        known
    }
}

fn join(pairs: &[(&str, &str)], to: &[&str]) -> Vec<PlannedJoin> {
    let made = pairs.iter().zip(to).filter_map(|((left, right), to)| {
        let mut parts: Vec<FieldPath> = [left, right].iter().filter_map(|path| FieldPath::parse(path)).collect();
        parts.dedup();
        Some(PlannedJoin { parts, to: FieldPath::parse(to)?, separator: "\" ".to_owned() })
    });
    made.collect()
}

fn schema() -> Value {
    json!({"type": "object", "x-hub-category": "system.operations", "required": ["a", "d"], "properties": {
        "a": {"type": ["string", "number", "null"], "maxLength": 9},
        "b": {"type": "string", "minLength": 1, "x-hub-category": "user.name"},
        "c": {"type": "integer", "minimum": -5, "exclusiveMaximum": 1e3},
        "d": {"type": ["object", "null"], "required": ["b"], "properties": {
            "a": {"enum": ["x", 1, null, true]}, "b": {"type": "number", "multipleOf": 0.5}, "d": {"type": "object", "properties": {"a": {}}}}},
        "e": {"type": "string", "pattern": "^[a-e]*$"},
        "f": {"type": "string", "format": "date"},
        "l": {"type": "array", "items": {"type": ["string", "boolean"]}},
        "m": {"type": ["array", "null"], "items": {"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string"}, "b": {"type": "array", "items": {"type": "array", "items": {"type": "null"}}}}}},
        "o": {"type": ["object", "array", "null"], "x-hub-category": "system.operations"},
        "x": {"type": "object", "x-hub-category": "system.operations", "maxProperties": 2}}})
}

fn case(
    schema: &Value,
    fields: &[(&str, &str, Treatment)],
    primary_key: &[&str],
    cursor: Option<&str>,
    on_undeclared: OnUndeclared,
    on_invalid: OnInvalid,
) -> Case {
    let declared = ["a", "b", "d.a"].map(|path| FieldPath::parse(path).map(|path| (path, "system.operations".to_owned())));
    let shape = if schema.is_null() {
        StreamShape::from_fields(&declared.into_iter().flatten().collect::<Vec<_>>())
    } else {
        StreamShape::from_schema(schema)
    };
    let field = |(path, to, treatment): &(&str, &str, Treatment)| {
        Some(PlannedField { path: FieldPath::parse(path)?, to: FieldPath::parse(to)?, treatment: treatment.clone() })
    };
    Case {
        shape: shape.unwrap_or_default(),
        fields: fields.iter().filter_map(field).collect(),
        joins: Vec::new(),
        primary_key: primary_key.iter().filter_map(|path| FieldPath::parse(path)).collect(),
        cursor: cursor.and_then(FieldPath::parse),
        on_undeclared,
        on_invalid,
    }
}
