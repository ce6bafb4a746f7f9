//! The table of what changes mean: the first row whose path fits decides. What no row names is material.
//!
//! A row that is editorial also keeps its place out of the closures: what nobody has to agree to voids no approval.

use super::Class;
use super::judge::{self, Context, Judge};
use crate::change::walk::Difference;

use Class::{Editorial, Material, MaterialHigh};
use Judge::{Always, By, Each, Flag, Items, Period};

/// Sections that mean something only where a flow uses them.
pub(super) const ONLY_THROUGH_FLOWS: &[&str] = &["system", "stream", "retention", "pseudonym", "recipient", "connector", "activity"];

/// Path (`*`: any key; what stands below is meant too), who judges, what it is in words.
type Row = (&'static str, Judge, &'static str);

const ROWS: &[Row] = &[
    // What people read, and who answers: nothing is processed in another way.
    ("system.*.name", Always(Editorial), "name"),
    ("system.*.kind", Always(Editorial), "kind"),
    ("system.*.owner", Always(Editorial), "owner"),
    ("system.*.limits", Always(Editorial), "limits"),
    ("system.*.rate", Always(Editorial), "number of requests in a time"),
    ("system.*.concurrency", Always(Editorial), "number of runs at once"),
    ("purpose.*.name", Always(Editorial), "name"),
    ("purpose.*.owner", Always(Editorial), "owner"),
    ("purpose.*.rationale", Always(Editorial), "rationale"),
    ("retention.*.name", Always(Editorial), "name"),
    ("retention.*.rationale", Always(Editorial), "rationale"),
    ("category.*.name", Always(Editorial), "name"),
    ("subject.*.name", Always(Editorial), "name"),
    ("stream.*.*.name", Always(Editorial), "name"),
    ("flow.*.name", Always(Editorial), "name"),
    ("flow.*.owner", Always(Editorial), "owner"),
    ("flow.*.rationale", Always(Editorial), "rationale"),
    ("flow.*.state", Always(Editorial), "state file"),
    ("flow.*.overlap", Always(Editorial), "time that comes during a run"),
    ("flow.*.misfire", Always(Editorial), "times that passed"),
    ("flow.*.jitter", Always(Editorial), "spread of begins"),
    ("flow.*.retries", Always(Editorial), "number of retries"),
    ("maintenance", Always(Editorial), "hours without runs"),
    ("flow.*.approved", Always(Editorial), "record of approval"),
    ("activity.*.description", Always(Editorial), "description"),
    ("activity.*.measures", Always(Editorial), "measures"),
    ("activity.*.contact", Always(Editorial), "contact"),
    ("activity.*.department", Always(Editorial), "department"),
    ("version", Always(Editorial), "version"),
    ("taxonomy", Always(Editorial), "vocabulary"),
    // Flows.
    ("flow.*.fields.*", By(judge::field), "field"),
    ("flow.*.from", Always(MaterialHigh), "source"),
    ("flow.*.to", By(judge::destination), "destination"),
    ("flow.*.purpose", Always(MaterialHigh), "purpose"),
    ("flow.*.retention", Items { new: MaterialHigh, gone: MaterialHigh }, "retention rule"),
    ("flow.*.consent.max_age", Period { longer: MaterialHigh, shorter: Material }, "age of the consent ledger"),
    ("flow.*.consent", Each { new: Material, gone: MaterialHigh, changed: MaterialHigh }, "consent gate"),
    ("flow.*.delete", By(judge::erasure), "erasure at the destination"),
    ("flow.*.deletes", By(judge::deletions), "records that the source reports as deleted"),
    ("flow.*.schedule", Always(Material), "schedule"),
    ("flow.*.mode", Always(Material), "write mode"),
    ("stream.*.*.may_hold", Each { new: MaterialHigh, gone: Material, changed: MaterialHigh }, "what a field may hold"),
    ("quarantine", Always(Material), "quarantine"),
    ("flow.*.filter", Always(Material), "filter"),
    ("flow.*", By(judge::flow), "flow"),
    // Systems: who, where, by which contract.
    ("system.*.role", Always(MaterialHigh), "role"),
    ("system.*.legal_name", Always(MaterialHigh), "legal name"),
    ("system.*.hosting", By(judge::countries), "hosting"),
    ("system.*.region", Each { new: Material, gone: MaterialHigh, changed: MaterialHigh }, "proof of the region"),
    ("system.*.access_from", By(judge::countries), "country of access"),
    ("system.*.collected_for", Items { new: MaterialHigh, gone: MaterialHigh }, "purpose of collection"),
    ("system.*.ai", Flag { set: MaterialHigh, unset: Material }, "AI system"),
    ("system.*.contract.subprocessors.*", By(judge::helper), "sub-processor"),
    ("system.*.contract.kind", Always(MaterialHigh), "kind of contract"),
    ("system.*.contract.valid_until", Always(Material), "end of the contract"),
    ("system.*.contract.reviewed", Always(Material), "review of the contract"),
    ("system.*.contract", Each { new: Material, gone: MaterialHigh, changed: Material }, "contract"),
    ("system.*.transfer.*.to", Always(MaterialHigh), "third country"),
    ("system.*.transfer.*.mechanism", Always(MaterialHigh), "transfer mechanism"),
    ("system.*.transfer.*", Each { new: MaterialHigh, gone: MaterialHigh, changed: Material }, "transfer"),
    ("system.*.backup.rotation", Period { longer: MaterialHigh, shorter: Material }, "backup rotation"),
    ("system.*.disclosure", Each { new: MaterialHigh, gone: MaterialHigh, changed: Material }, "ground of disclosure"),
    ("system.*.hosts", Items { new: Material, gone: Material }, "reachable host"),
    ("system.*.networks", Items { new: Material, gone: Material }, "reachable network"),
    ("system.*.folders.*", Always(Material), "folder"),
    ("system.*.databases.*.tables.*.verbs", Items { new: Material, gone: Material }, "permission in a table"),
    ("system.*.databases.*", Always(Material), "database"),
    ("system.*.credentials.*", Always(Material), "credential"),
    ("system.*.read_body", Flag { set: Material, unset: Material }, "reading of bodies"),
    ("system.*.connector", Always(Material), "connector"),
    ("system.*.config", By(judge::hidden), "configuration"),
    ("system.*.status", Always(Material), "status"),
    ("system.*.dsr", Always(Material), "service for data subjects"),
    ("system.*", By(judge::system), "system"),
    ("connector.*", By(judge::hidden), "component of the connector"),
    // Purposes.
    ("purpose.*.use", Always(MaterialHigh), "use"),
    ("purpose.*.basis.art6", Always(MaterialHigh), "legal basis, Art. 6(1)"),
    ("purpose.*.basis.consent_scope", Always(MaterialHigh), "scope of consent"),
    ("purpose.*.basis", Always(Material), "detail of the legal basis"),
    ("purpose.*.allows", By(judge::allowed), "data category"),
    ("purpose.*.special", Always(MaterialHigh), "ground for special categories"),
    ("purpose.*.statistical", Flag { set: Material, unset: MaterialHigh }, "statistics only"),
    ("purpose.*.profiling", Flag { set: MaterialHigh, unset: Material }, "profiling"),
    ("purpose.*.automated_decision", Flag { set: MaterialHigh, unset: Material }, "automated decision"),
    ("purpose.*.art22", Always(MaterialHigh), "ground for automated decisions"),
    ("purpose.*.prevents_right", Flag { set: MaterialHigh, unset: Material }, "hindrance of a right"),
    ("purpose.*.objection", Always(Material), "way to object"),
    ("purpose.*", Each { new: MaterialHigh, gone: Material, changed: Material }, "purpose"),
    ("compatibility.*.requires", Items { new: Material, gone: MaterialHigh }, "safeguard of the further use"),
    ("compatibility.*", Each { new: MaterialHigh, gone: Material, changed: Material }, "assessment of a further use"),
    // How long.
    ("retention.*.period", Period { longer: MaterialHigh, shorter: MaterialHigh }, "retention"),
    ("retention.*.kind", Always(MaterialHigh), "direction of the retention rule"),
    ("retention.*.start", Always(MaterialHigh), "begin of the retention period"),
    ("retention.*.then", Always(MaterialHigh), "end of the retention period"),
    ("retention.*", Always(Material), "retention rule"),
    // Keys and readers.
    ("pseudonym.*.method", By(judge::method), "method of pseudonyms"),
    ("pseudonym.*.holders", Items { new: MaterialHigh, gone: Material }, "holder who may ask for the person"),
    ("pseudonym.*.rotate", Period { longer: Material, shorter: Material }, "rotation of the key"),
    ("pseudonym.*", Always(Material), "pseudonym domain"),
    ("recipient.*.age", Always(MaterialHigh), "key of the recipient"),
    ("recipient.*", Always(Material), "recipient of encrypted values"),
    // Streams and the vocabulary.
    ("stream.*.*.fields.*", By(judge::label), "label"),
    ("stream.*.*.added.*", By(judge::label), "added field"),
    ("stream.*.*.subjects", Items { new: Material, gone: Material }, "data subject"),
    ("stream.*.*.collected_for", Items { new: MaterialHigh, gone: MaterialHigh }, "purpose of collection"),
    ("stream.*.*.retention", Items { new: MaterialHigh, gone: MaterialHigh }, "retention rule"),
    ("stream.*.*.after_limit", Always(MaterialHigh), "what happens at the limit"),
    ("stream.*.*.keep_fields", Items { new: Material, gone: Material }, "field that stays when restricted"),
    ("stream.*.*.schema", By(judge::hidden), "schema"),
    ("stream.*.*.subjects_est", Always(Material), "number of persons"),
    ("stream.*.*.source", Always(Material), "origin of the data"),
    ("stream.*.*.identity.*", Always(Material), "way to find a person"),
    ("stream.*.*.deletes", Always(Material), "report of deleted records"),
    ("stream.*.*", Always(Material), "stream"),
    ("category.*.marks", Items { new: Material, gone: MaterialHigh }, "mark of the category"),
    ("category.*.parent", Always(MaterialHigh), "parent category"),
    ("category.*", Always(Material), "category"),
    ("subject.*", Always(Material), "kind of data subject"),
    // Governance.
    ("activity.*.residency", By(judge::residency), "country of residency"),
    ("activity.*", By(judge::activity), "activity"),
    ("dpia.*.decision", Always(MaterialHigh), "decision about an impact assessment"),
    ("dpia.*", Always(Material), "impact assessment"),
    ("approver", Always(MaterialHigh), "key that may approve"),
    ("approvals", By(judge::approvals), "need of approvals"),
    ("mode", By(judge::mode), "mode"),
    ("operator.name", Always(Material), "name of the controller"),
    ("operator.dpo", Always(Material), "data protection officer"),
    ("operator.country", Always(Material), "country of the controller"),
    ("operator.representative", Always(Material), "representative"),
    ("operator", Always(Editorial), "operator"),
    ("dsr", Always(Material), "rules for requests of data subjects"),
    ("breach", Always(Material), "rules for breaches"),
    // Who is told how runs go: names and numbers, which still say something to whoever reads them.
    ("observe.logs", Always(Editorial), "form of log lines"),
    ("observe.metrics", Always(Material), "address of the metrics"),
    ("observe.lineage", Always(Material), "receiver of lineage"),
    ("observe.otlp", Always(Material), "receiver of traces"),
    ("observe", Always(Material), "observation"),
    ("alert.*.on", Items { new: Material, gone: Material }, "event that is told"),
    ("alert.*", Always(Material), "receiver of alerts"),
    ("audit.anchor.*.every", Always(Editorial), "rhythm of anchors"),
    ("audit.anchor.*", Always(Material), "place of signed heads"),
];

/// Class and words of a difference.
pub(super) fn judge(context: &Context<'_>, difference: &Difference<'_>) -> (Class, String) {
    match row(&difference.path) {
        Some((_, judge, noun)) => judge.decide(context, difference, noun),
        None => Always(Material).decide(context, difference, "declaration"),
    }
}

pub(super) fn is_editorial(path: &[String]) -> bool {
    matches!(row(path), Some((_, Always(Editorial), _)))
}

fn row(path: &[String]) -> Option<&'static Row> {
    ROWS.iter().find(|(pattern, _, _)| fits(pattern, path))
}

fn fits(pattern: &str, path: &[String]) -> bool {
    let mut keys = path.iter();
    pattern.split('.').all(|part| keys.next().is_some_and(|key| part == "*" || part == key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_stands_behind_one_that_takes_its_paths() {
        for (index, (pattern, _, noun)) in ROWS.iter().enumerate() {
            let path: Vec<String> = pattern.split('.').map(str::to_owned).collect();
            assert_eq!(ROWS.iter().position(|(earlier, _, _)| fits(earlier, &path)), Some(index), "{pattern}");
            assert!(!noun.is_empty());
        }
    }
}
