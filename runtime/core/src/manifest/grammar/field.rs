//! The tables about single values: what is done with a field, and to whom encrypted values go.

use super::{Kind, Table, Text, optional, required};

/// The names of [`crate::detect::Detector`], in its order.
pub(in crate::manifest) const DETECTORS: &[&str] =
    &["iban", "tax-id", "pension-number", "health-insurance-number", "payment-card", "email", "phone", "health", "trade-union", "religion"];

pub(super) static FIELD: Table = Table {
    title: "[flow.ID.fields.PATH]",
    doc: "What is done with one field.",
    keys: &[
        required(
            "action",
            Kind::Choice(&[
                "allow",
                "drop",
                "null",
                "constant",
                "mask",
                "hash",
                "pseudonymise",
                "truncate",
                "generalise",
                "redact",
                "encrypt",
                "lookup",
                "concat",
            ]),
            "`constant` needs `value`, `pseudonymise` needs `domain`, `truncate` needs `keep` or `network`, `generalise` needs one of `to_unit`, \
             `bucket` and `map`, `redact` needs `detectors`, `encrypt` needs `recipient`, `lookup` needs `via`; `mask` takes `first` and `last`, `concat` takes `with` and \
             `separator`.",
            "\"allow\"",
        ),
        optional("to", Kind::Text(Text::Path), "Name at the destination; absent = the same.", "\"customer_no\""),
        optional("value", Kind::Any, "The fixed value.", "\"unknown\""),
        optional("first", Kind::Integer(0, 1024), "Characters kept at the beginning; absent = 0.", "1"),
        optional("last", Kind::Integer(0, 1024), "Characters kept at the end; absent = 0.", "2"),
        optional("keep", Kind::Integer(1, 1024), "Characters kept.", "2"),
        optional(
            "network",
            Kind::Boolean,
            "`true`: of an IP address the network is kept, /24 of IPv4 and /48 of IPv6. May be absent at `user.device.ip_address`.",
            "true",
        ),
        optional("domain", Kind::Text(Text::Reference), "Id of a pseudonym domain.", "\"analytics\""),
        optional(
            "to_unit",
            Kind::Choice(&["year", "quarter", "month", "day"]),
            "The part of an ISO date or date-time that is kept: `2026`, `2026-Q3`, `2026-08`, `2026-08-14`.",
            "\"month\"",
        ),
        optional("bucket", Kind::Integer(1, 1_000_000_000_000), "Numbers become the next lower multiple of this.", "100"),
        optional(
            "map",
            Kind::Free,
            "Text = what it becomes. `default` stands for all others; without it they are invalid.",
            "{ AT = \"EU\", CH = \"EFTA\", default = \"other\" }",
        ),
        optional(
            "detectors",
            Kind::List(&Kind::Choice(DETECTORS)),
            "What is looked for in a text and replaced by a mark such as `[EMAIL]`. What they do not find stays.",
            "[\"email\", \"iban\"]",
        ),
        optional("recipient", super::TEXT, "`age:ID` of a `[recipient]`, or an `age1…` key itself.", "\"age:adviser\""),
        optional("via", super::TEXT, "`system.stream.field`: the field of the record whose key this value is.", "\"erp.parties.code\""),
        optional("missing", Kind::Choice(&["invalid", "null"]), "What a value without such a record is; absent = invalid.", "\"null\""),
        optional("with", super::PATHS, "Fields that are appended, in this order.", "[\"lastname\"]"),
        optional("separator", super::TEXT, "What stands between them; absent = one space.", "\", \""),
    ],
};

pub(super) static RECIPIENT: Table = Table {
    title: "[recipient.ID]",
    doc: "Who can read encrypted values. Hub holds the public key only.",
    keys: &[
        required(
            "age",
            super::TEXT,
            "The recipient's X25519 key as `age-keygen` prints it.",
            "\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"",
        ),
        optional("name", super::NAME, "Name for people. Recorded.", "\"Tax adviser\""),
    ],
};
