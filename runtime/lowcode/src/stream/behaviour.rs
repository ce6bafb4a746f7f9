//! Streams against a scripted API: what has no recording.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so")]

use crate::fault::Failure;
use crate::stream::check::Verdict;
use crate::stream::scripted::{Scripted, connector, json};

/// A stream of a name with something in its retriever and something beside it. The filter keeps records inside of the engine.
fn stream(name: &str, path: &str, retriever: &str, beside: &str) -> String {
    format!(
        "{{type: DeclarativeStream, name: {name}, {beside} schema_loader: {{type: InlineSchemaLoader, schema: {{}}}}, \
         retriever: {{type: SimpleRetriever, {retriever} requester: {{type: HttpRequester, url_base: 'https://x.com', path: \"{path}\"}}, \
         record_selector: {{type: RecordSelector, record_filter: {{type: RecordFilter, condition: '{{{{ record.id != 0 }}}}'}}, \
         extractor: {{type: DpathExtractor, field_path: []}}}}}}}}"
    )
}

fn substream(parent: &str, more: &str) -> String {
    format!(
        "partition_router: {{type: SubstreamPartitionRouter, parent_stream_configs: [{{type: ParentStreamConfig, parent_key: id, \
         partition_field: of, {more} stream: {parent}}}]}},"
    )
}

const CURSOR: &str = "incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', \
                      start_datetime: '2024-01-01', end_datetime: '2024-02-01'},";

#[test]
fn children_of_each_record_and_groups_of_them() {
    let parent = stream("p", "/p", "", "");
    let child = stream("a", "/c/{{ stream_partition.of }}", &substream(&parent, ""), "");
    let grouping = format!(
        "partition_router: {{type: GroupingPartitionRouter, group_size: 2, underlying_{}}},",
        substream(&parent, "extra_fields: [[name], [gone]],").trim_end_matches(',')
    );
    let grouped = stream("g", "/g/{{ stream_partition.of | join('-') }}/{{ stream_slice.extra_fields['name'][0] }}", &grouping, "");
    let connector = connector(&format!("streams: [{child}, {grouped}]"), "{}");
    let host = Scripted::new(&[
        ("https://x.com/p", r#"[{"id":1,"name":"n"},{"id":null},{"id":2},{"id":1},{"id":3}]"#),
        ("https://x.com/c/1", r#"[{"id":11},{"id":0}]"#),
        ("https://x.com/c/2", "[]"),
        ("https://x.com/c/3", r#"[{"id":31}]"#),
        ("https://x.com/g/1-2/n", r#"[{"id":5}]"#),
        ("https://x.com/g/3/None", r#"[{"id":6}]"#),
    ]);
    let summary = connector.read("a", 0, None, &host).unwrap();
    assert_eq!(summary.failures, []);
    assert_eq!(host.record_texts(), [r#"{"id":11}"#, r#"{"id":11}"#, r#"{"id":31}"#]);
    assert_eq!(host.last_state(), r#"{"__ab_no_cursor_state_message":true}"#);
    host.records.borrow_mut().clear();
    let summary = connector.read("g", 0, None, &host).unwrap();
    assert_eq!(summary.failures, []);
    assert_eq!(host.record_texts(), [r#"{"id":5}"#, r#"{"id":6}"#]);
}

#[test]
fn products_and_unions_of_partitions() {
    let list = |field: &str, values: &str| format!("{{type: ListPartitionRouter, cursor_field: {field}, values: {values}}}");
    let product = format!("partition_router: [{}, {}],", list("x", "[a, b]"), list("y", "\"{{ config['ys'] }}\""));
    let union = format!(
        "partition_router: {{type: UnionPartitionRouter, partition_field: x, partition_routers: [{}, {}]}},",
        list("x", "[a, b]"),
        list("x", "[b, c]")
    );
    let product = stream("a", "/{{ stream_slice.x }}/{{ stream_slice.y }}", &product, "");
    let union = stream("u", "/{{ stream_slice.x }}", &union, "");
    let connector = connector(&format!("streams: [{product}, {union}]"), r#"{"ys":[1,2]}"#);
    let host = Scripted::new(&[]);
    let summary = connector.read("a", 0, None, &host).unwrap();
    assert_eq!(summary.failures.len(), 4, "each slice fails for itself");
    assert_eq!(*host.asked.borrow(), ["https://x.com/a/1", "https://x.com/a/2", "https://x.com/b/1", "https://x.com/b/2"]);
    host.asked.borrow_mut().clear();
    connector.read("u", 0, None, &host).unwrap();
    assert_eq!(*host.asked.borrow(), ["https://x.com/a", "https://x.com/b", "https://x.com/c"]);
}

#[test]
fn partitions_with_cursors_keep_the_state_of_incremental_parents() {
    let parent = stream("p", "/p/{{ stream_interval.start_time }}", "", CURSOR);
    let child = stream(
        "a",
        "/c/{{ stream_partition.of }}/{{ stream_slice['start_time'] }}",
        &substream(&parent, "incremental_dependency: true,"),
        CURSOR,
    );
    let connector = connector(&format!("streams: [{child}]"), "{}");
    let first = Scripted::new(&[
        ("https://x.com/p/2024-01-01", r#"[{"id":1,"at":"2024-01-20"},{"id":2,"at":"2024-01-10"}]"#),
        ("https://x.com/c/1/2024-01-01", r#"[{"id":7,"at":"2024-01-15"}]"#),
        ("https://x.com/c/2/2024-01-01", r#"[{"id":8,"at":"2024-01-25"}]"#),
    ]);
    assert_eq!(connector.read("a", 0, None, &first).unwrap().failures, []);
    let state = r#"{"use_global_cursor":false,"states":[{"partition":{"of":1,"parent_slice":{}},"cursor":{"at":"2024-01-15"}},{"partition":{"of":2,"parent_slice":{}},"cursor":{"at":"2024-01-25"}}],"state":{"at":"2024-01-25"},"lookback_window":1,"parent_state":{"p":{"at":"2024-01-20"}}}"#;
    assert_eq!(first.last_state(), state);
    let second =
        Scripted::new(&[("https://x.com/p/2024-01-20", r#"[{"id":3,"at":"2024-01-30"}]"#), ("https://x.com/c/3/2024-01-24", "[]")]);
    assert_eq!(connector.read("a", 0, Some(&json(state)), &second).unwrap().failures, []);
    assert_eq!(*second.asked.borrow(), ["https://x.com/p/2024-01-20", "https://x.com/c/3/2024-01-24"]);
}

#[test]
fn a_failed_slice_leaves_the_others_and_holds_the_state_back() {
    let cursor = CURSOR.replace("start_datetime", "step: P11D, cursor_granularity: P1D, start_datetime");
    let connector = connector(&format!("streams: [{}]", stream("a", "/{{ stream_slice.start_time }}", "", &cursor)), "{}");
    let host = Scripted::new(&[
        ("https://x.com/2024-01-01", r#"[{"id":1,"at":"2024-01-05"}]"#),
        ("https://x.com/2024-01-23", r#"[{"id":2,"at":"2024-01-28"}]"#),
    ]);
    let summary = connector.read("a", 0, None, &host).unwrap();
    assert_eq!((summary.failures.len(), host.records.borrow().len()), (1, 2));
    assert_eq!(host.last_state(), r#"{"at":"2024-01-05"}"#);
    let host = Scripted::new(&[("https://x.com/2024-01-01", "[]")]);
    host.patience.set(Some(1));
    assert_eq!(connector.read("a", 0, None, &host), Err(Failure::Ended));
    assert_eq!(host.states.borrow().len(), 1, "the run ends behind a state");
}

#[test]
fn answers_to_parents_are_kept() {
    let cursor = CURSOR.replace("start_datetime", "step: P16D, cursor_granularity: P1D, start_datetime");
    let parent = stream("p", "/p", "", &cursor);
    let child = stream("a", "/c/{{ stream_partition.of }}", &substream(&parent, ""), "");
    let connector = connector(&format!("streams: [{child}, {parent}]"), "{}");
    let host = Scripted::new(&[("https://x.com/p", r#"[{"id":1}]"#), ("https://x.com/c/1", "[]")]);
    connector.read("a", 0, None, &host).unwrap();
    let asked = host.asked.borrow().iter().filter(|url| url.ends_with("/p")).count();
    assert_eq!(asked, 1, "both windows of the parent ask for the same");
    let host = Scripted::new(&[("https://x.com/p", r#"[{"id":1}]"#)]);
    connector.read("p", 0, None, &host).unwrap();
    assert_eq!(host.records.borrow().len(), 2);
}

#[test]
fn streams_from_templates_and_under_conditions() {
    let template = stream("NAME", "/{{ parameters.never }}PATH", "", "");
    let mapping = "{type: ComponentMappingDefinition, field_path: [name], value: \"{{ components_values['n'] }}\"}, \
                   {type: ComponentMappingDefinition, field_path: [retriever, requester, path], value: \"/{{ components_values.n }}\"}";
    let dynamic = |resolver: &str| {
        format!(
            "{{type: DynamicDeclarativeStream, stream_template: {template}, components_resolver: {{{resolver}, components_mapping: [{mapping}]}}}}"
        )
    };
    let config = dynamic("type: ConfigComponentsResolver, stream_config: {type: StreamConfig, configs_pointer: [lists]}");
    let fixed = dynamic(
        "type: ParametrizedComponentsResolver, stream_parameters: {type: StreamParametersDefinition, list_of_parameters_for_stream: [{n: three}]}",
    );
    let retriever = stream("r", "/names", "", "").split_once("retriever: ").unwrap().1.trim_end_matches('}').to_owned() + "}}}";
    let http = dynamic(&format!("type: HttpComponentsResolver, retriever: {retriever}"));
    let conditional =
        format!("{{type: ConditionalStreams, condition: \"{{{{ config['more'] }}}}\", streams: [{}]}}", stream("b", "/b", "", ""));
    let rest = format!("streams: [{}, {conditional}]\ndynamic_streams: [{config}, {fixed}, {http}]", stream("a", "/a", "", ""));
    let connector = connector(&rest, r#"{"lists":[{"n":"one"},{"n":"two"}],"more":false}"#);
    let host = Scripted::new(&[("https://x.com/names", r#"[{"id":1,"n":"four"}]"#), ("https://x.com/two", r#"[{"id":2}]"#)]);
    let names: Vec<String> = connector.discover(&host).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["a", "one", "two", "three", "four"]);
    assert_eq!(connector.read("two", 0, None, &host).unwrap().failures, []);
    assert_eq!(host.record_texts(), [r#"{"id":2}"#]);
}

#[test]
fn schemas_from_the_api() {
    let retriever = stream("r", "/fields", "", "").split_once("retriever: ").unwrap().1.trim_end_matches('}').to_owned() + "}}}";
    let loader = format!(
        "{{type: DynamicSchemaLoader, retriever: {retriever}, schema_type_identifier: {{schema_pointer: [fields], key_pointer: [key], \
         type_pointer: [kind], types_mapping: [{{type: TypesMap, current_type: text, target_type: string}}, \
         {{type: TypesMap, current_type: many, target_type: {{type: ComplexFieldType, field_type: array, items: integer}}}}]}}}}"
    );
    let stream = stream("a", "/a", "", "").replace("{type: InlineSchemaLoader, schema: {}}", &loader);
    let connector = connector(&format!("streams: [{stream}]"), "{}");
    let fields = r#"[{"id":1,"fields":[{"key":"x","kind":"text"},{"key":"y","kind":"many"},{"key":"z","kind":"date"}]}]"#;
    let host = Scripted::new(&[("https://x.com/fields", fields)]);
    let entry = connector.discover(&host).unwrap().remove(0);
    let properties = r#"{"x":{"type":["null","string"]},"y":{"type":["null","array"],"items":{"type":["null","integer"]}},"z":{"type":["null","string"],"format":"date"}}"#;
    assert_eq!(*entry.json_schema.get("properties").unwrap(), json(properties));
}

#[test]
fn which_stream_is_read_depends_on_the_state() {
    let delegating = format!(
        "{{type: StateDelegatingStream, name: a, api_retention_period: P60D, full_refresh_stream: {}, incremental_stream: {}}}",
        stream("a", "/full", "", CURSOR),
        stream("a", "/new", "", CURSOR)
    );
    let connector = connector(&format!("streams: [{delegating}]"), "{}");
    let asked = |state: Option<&str>| {
        let host = Scripted::new(&[("https://x.com/full", "[]"), ("https://x.com/new", "[]")]);
        connector.read("a", 0, state.map(json).as_ref(), &host).unwrap();
        host.asked.borrow().join(" ")
    };
    assert_eq!(asked(None), "https://x.com/full");
    assert_eq!(asked(Some(r#"{"at":"2024-01-15"}"#)), "https://x.com/new");
    assert_eq!(asked(Some(r#"{"at":"2023-12-15"}"#)), "https://x.com/full", "too old for the API");
}

#[test]
fn checks_tell_why() {
    let connector = connector(&format!("streams: [{}]", stream("a", "/a", "", "")), "{}");
    assert_eq!(connector.check(&Scripted::new(&[("https://x.com/a", "[]")])), Ok(Verdict::Reached));
    let Ok(Verdict::Unreached(reason)) = connector.check(&Scripted::new(&[])) else { panic!("it cannot be reached") };
    assert!(reason.contains("404"), "{reason}");
}

#[test]
fn configurations_are_migrated_transformed_and_validated() {
    let rules = "spec: {type: Spec, connection_specification: {}, config_normalization_rules: {type: ConfigNormalizationRules, \
        config_migrations: [{type: ConfigMigration, transformations: [{type: ConfigRemapField, field_path: [region], map: {old: new}}]}], \
        transformations: [{type: ConfigAddFields, fields: [{type: AddedFieldDefinition, path: [host, name], value: \"{{ config['region'] }}.x.com\"}]}, \
        {type: ConfigRemoveFields, field_pointers: [[gone]]}], \
        validations: [{type: DpathValidator, field_path: [host, name], validation_strategy: {type: ValidateAdheresToSchema, \
        base_schema: {type: string, pattern: x.com}}}]}}\n";
    let rules = rules.replace("pattern: x.com", "minLength: 3").replace("{type: string, ", "{");
    let rules = rules.replace("field_path: [host, name], validation_strategy", "field_path: [host], validation_strategy");
    let connector = connector(&format!("{rules}streams: [{}]", stream("a", "/a", "", "")), r#"{"region":"old","gone":1}"#);
    assert_eq!(*connector.config(), json(r#"{"region":"new","host":{"name":"new.x.com"}}"#));
}

#[test]
fn too_many_windows_are_told_before_the_first_is_read() {
    let cursor = CURSOR.replace("start_datetime: '2024-01-01'", "step: PT1S, cursor_granularity: PT1S, start_datetime: '1970-01-01'");
    let connector = connector(&format!("streams: [{}]", stream("a", "/a", "", &cursor)), "{}");
    let host = Scripted::new(&[("https://x.com/a", "[]")]);
    host.patience.set(Some(0));
    let read = connector.read("a", 0, None, &host).unwrap();
    assert!(matches!(&read.failures[..], [Failure::Stream { message, .. }] if message.contains("more than 100000 slices")), "{read:?}");
    assert_eq!(read.slices, 0);
}
