//! What can be read: streams, the models of Tryton behind them, and their fields. Reads nothing.

/// Fields as pairs: the name in a record, the path in Tryton.
pub(crate) type Fields = &'static [(&'static str, &'static str)];

/// A stream, its model, and its fields.
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) model: &'static str,
    pub(crate) fields: Fields,
    /// Of each of its lines; empty where it has none.
    pub(crate) lines: Fields,
}

/// True or false, where a stream has it.
pub(crate) const FLAG: &str = "active";
/// Computed, not asked for.
pub(crate) const CHANGED_AT: &str = "changed_at";
/// The lines of a document, in Tryton and in a record.
pub(crate) const LINES: &str = "lines";
/// Every stream has them.
pub(crate) const DATES: [(&str, &str); 2] = [("create_date", "create_date"), ("write_date", "write_date")];

pub(crate) const STREAMS: [Stream; 5] = [
    Stream {
        name: "parties",
        model: "party.party",
        fields: &[("code", "code"), ("name", "name"), ("lang", "lang.code"), ("active", "active"), ("replaced_by", "replaced_by.id")],
        lines: &[],
    },
    Stream {
        name: "addresses",
        model: "party.address",
        fields: &[
            ("party", "party.id"),
            ("party_code", "party.code"),
            ("party_name", "party_name"),
            ("attn", "attn"),
            ("street", "street"),
            ("building_name", "building_name"),
            ("postal_code", "postal_code"),
            ("city", "city"),
            ("subdivision", "subdivision.code"),
            ("country", "country.code"),
            ("active", "active"),
        ],
        lines: &[],
    },
    Stream {
        name: "contact_mechanisms",
        model: "party.contact_mechanism",
        fields: &[
            ("party", "party.id"),
            ("party_code", "party.code"),
            ("type", "type"),
            ("value", "value"),
            ("name", "name"),
            ("comment", "comment"),
            ("address", "address.id"),
            ("active", "active"),
        ],
        lines: &[],
    },
    Stream {
        name: "sales",
        model: "sale.sale",
        fields: &[
            ("number", "number"),
            ("reference", "reference"),
            ("description", "description"),
            ("party", "party.id"),
            ("party_code", "party.code"),
            ("state", "state"),
            ("invoice_state", "invoice_state"),
            ("shipment_state", "shipment_state"),
            ("sale_date", "sale_date"),
            ("currency", "currency.code"),
            ("untaxed_amount", "untaxed_amount"),
            ("tax_amount", "tax_amount"),
            ("total_amount", "total_amount"),
            ("comment", "comment"),
        ],
        lines: DOCUMENT_LINES,
    },
    Stream {
        name: "invoices",
        model: "account.invoice",
        fields: &[
            ("number", "number"),
            ("type", "type"),
            ("reference", "reference"),
            ("description", "description"),
            ("party", "party.id"),
            ("party_code", "party.code"),
            ("state", "state"),
            ("invoice_date", "invoice_date"),
            ("currency", "currency.code"),
            ("untaxed_amount", "untaxed_amount"),
            ("tax_amount", "tax_amount"),
            ("total_amount", "total_amount"),
            ("comment", "comment"),
        ],
        lines: DOCUMENT_LINES,
    },
];

const DOCUMENT_LINES: Fields = &[
    ("type", "type"),
    ("product", "product.code"),
    ("description", "description"),
    ("quantity", "quantity"),
    ("unit", "unit.symbol"),
    ("unit_price", "unit_price"),
    ("amount", "amount"),
];
