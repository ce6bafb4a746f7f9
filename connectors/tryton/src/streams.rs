//! What can be read: streams, the models of Tryton behind them, and their fields. Reads nothing.

/// Fields as pairs: the name in a record, the path in Tryton.
pub(crate) type Fields = &'static [(&'static str, &'static str)];

/// A stream, its model, and its fields.
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) model: &'static str,
    fields: Fields,
    /// It has the fields of every document, and lines.
    pub(crate) is_document: bool,
}

impl Stream {
    /// Its fields but for lines and dates.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let shared = if self.is_document { DOCUMENT } else { &[] };
        self.fields.iter().chain(shared).copied()
    }

    /// A field of that name comes by itself.
    pub(crate) fn has(&self, name: &str) -> bool {
        let computed = ["id", CHANGED_AT].into_iter().chain(DATES.map(|(name, _)| name));
        self.fields().map(|(known, _)| known).chain(computed).any(|known| known == name)
    }
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
        is_document: false,
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
        is_document: false,
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
        is_document: false,
    },
    Stream {
        name: "sales",
        model: "sale.sale",
        fields: &[("sale_date", "sale_date"), ("invoice_state", "invoice_state"), ("shipment_state", "shipment_state")],
        is_document: true,
    },
    Stream { name: "invoices", model: "account.invoice", fields: &[("type", "type"), ("invoice_date", "invoice_date")], is_document: true },
];

const DOCUMENT: Fields = &[
    ("number", "number"),
    ("reference", "reference"),
    ("description", "description"),
    ("party", "party.id"),
    ("party_code", "party.code"),
    ("state", "state"),
    ("currency", "currency.code"),
    ("untaxed_amount", "untaxed_amount"),
    ("tax_amount", "tax_amount"),
    ("total_amount", "total_amount"),
    ("comment", "comment"),
];

/// Of each line of a document.
pub(crate) const LINE: Fields = &[
    ("type", "type"),
    ("product", "product.code"),
    ("description", "description"),
    ("quantity", "quantity"),
    ("unit", "unit.symbol"),
    ("unit_price", "unit_price"),
    ("amount", "amount"),
];
