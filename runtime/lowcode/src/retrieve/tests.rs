//! Walks with a host that answers from a script.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::cell::RefCell;
use std::rc::Rc;

use crate::fault::{Failure, FailureType};
use crate::host::{FetchError, Host, Level, PageOutcome, PageRequest, Pending, Request, Response};
use crate::model::{Reader, Stream, read_stream};
use crate::retrieve::{Blind, Retriever, Setup, Shared, Step, Walk};
use crate::slice::{Judge, Options, Slice};
use crate::template::Scope;
use crate::value::Value;
use crate::yaml::Node;

/// What a script says to one request.
#[derive(Clone, Debug)]
struct Said {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn ok(body: &str) -> Said {
    Said { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn status(status: u16) -> Said {
    Said { status, headers: Vec::new(), body: b"{}".to_vec() }
}

impl Response for Said {
    fn status(&self) -> u16 {
        self.status
    }
    fn headers(&self) -> Vec<(String, String)> {
        self.headers.clone()
    }
    fn pointer(&self, path: &str) -> Result<Option<Value>, FetchError> {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        Ok(json.pointer(path).map(|value| Value::from_json(value.to_string().as_bytes()).unwrap()))
    }
    fn length(&self, path: &str) -> Result<Option<u64>, FetchError> {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        Ok(json.pointer(path).and_then(serde_json::Value::as_array).map(|items| items.len() as u64))
    }
    fn body(&self) -> Result<Vec<u8>, FetchError> {
        Ok(self.body.clone())
    }
    fn emit_page(&self, _stream: u32, page: &PageRequest) -> Result<PageOutcome, FetchError> {
        let Some(Value::List(items)) = self.pointer(&page.pointer)? else { return Ok(PageOutcome::default()) };
        let observed = page
            .observe
            .iter()
            .map(|field| crate::host::Observed { last: items.last().and_then(|item| item.get(field)).cloned(), ..Default::default() });
        Ok(PageOutcome { extracted: items.len() as u64, observed: observed.collect() })
    }
}

struct Quiet;

impl Host for Quiet {
    fn now_micros(&self) -> i64 {
        1_700_000_000_000_000
    }
    fn sleep(&self, _seconds: f64) -> Result<(), FetchError> {
        Ok(())
    }
    fn start(&self, _request: &Request) -> Box<dyn Pending> {
        struct Never;
        impl Pending for Never {
            fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError> {
                Err(FetchError::Ended)
            }
        }
        Box::new(Never)
    }
    fn emit(&self, _stream: u32, _record: &Value) -> Result<(), FetchError> {
        Ok(())
    }
    fn checkpoint(&self, _stream: u32, _state: &Value) -> Result<(), FetchError> {
        Ok(())
    }
    fn log(&self, _level: Level, _message: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// A manifest's stream in short: base, path and record selector are given.
fn stream(parts: &str) -> Stream {
    let text = r#"{"type":"DeclarativeStream","name":"s","retriever":{"type":"SimpleRetriever","requester":{"type":"HttpRequester",
        "url_base":"https://x.com/v1","path":"a"},"record_selector":{"type":"RecordSelector","extractor":
        {"type":"DpathExtractor","field_path":["d"]}}}}"#;
    let mut whole: serde_json::Value = serde_json::from_str(text).unwrap();
    merge(&mut whole, serde_json::from_str(parts).unwrap());
    read(&whole)
}

fn read(json: &serde_json::Value) -> Stream {
    let node = Node::from_value(&Value::from_json(json.to_string().as_bytes()).unwrap());
    let mut reader = Reader::new();
    let stream = read_stream(&node, &mut reader);
    assert!(reader.faults.is_empty(), "{:?}", reader.faults);
    assert!(reader.notes.is_empty(), "{:?}", reader.notes);
    stream.unwrap()
}

fn merge(target: &mut serde_json::Value, source: serde_json::Value) {
    match (target, source) {
        (serde_json::Value::Object(target), serde_json::Value::Object(source)) => {
            for (key, value) in source {
                merge(target.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (target, source) => *target = source,
    }
}

fn walk(stream: &Stream) -> Walk {
    walk_slice(stream, Slice::default(), Options::default())
}

fn walk_slice(stream: &Stream, slice: Slice, options: Options) -> Walk {
    let scope = Scope::new(0).with("config", Value::from_json(br#"{"key":"k","size":2}"#).unwrap());
    let setup = Setup {
        name: "s",
        scope: &scope,
        transformations: &stream.transformations,
        schema: None,
        client_side_incremental: false,
        data_feed: false,
        properties: None,
        shared: Shared::default(),
    };
    Retriever::new(&stream.retriever, &setup).unwrap().walk(slice, Rc::new(move |_| options.clone())).unwrap()
}

/// What a walk did.
#[derive(Debug, Default)]
struct Seen {
    asked: Vec<String>,
    requests: Vec<Request>,
    waits: Vec<f64>,
    records: Vec<Value>,
    emitted: u64,
    failure: Option<Failure>,
}

impl Seen {
    fn kind(&self) -> Option<FailureType> {
        match self.failure.as_ref()? {
            Failure::Stream { failure_type, .. } => Some(*failure_type),
            Failure::Ended => None,
        }
    }
}

/// Lets a walk run; each request takes the next answer, the last one answers all that follow.
fn run(mut walk: Walk, script: Vec<Result<Said, FetchError>>, judge: Option<&dyn Judge>) -> Seen {
    let mut seen = Seen::default();
    let mut at = 0;
    loop {
        let step = match walk.next(&Quiet) {
            Ok(step) => step,
            Err(failure) => {
                seen.failure = Some(failure);
                return seen;
            }
        };
        match step {
            Step::Done => return seen,
            Step::Wait(seconds) | Step::Pace(seconds) => seen.waits.push(seconds),
            Step::Request(request) => {
                seen.asked.push(request.url.strip_prefix("https://x.com/v1/").unwrap_or(&request.url).to_owned());
                seen.requests.push(request);
                let said = script.get(at).or(script.last()).unwrap().clone();
                at += 1;
                match walk.receive(&Quiet, judge, said.map(|said| Box::new(said) as Box<dyn Response>)) {
                    Ok(page) => {
                        seen.records.extend(page.records);
                        seen.emitted += page.emitted;
                    }
                    Err(failure) => {
                        seen.failure = Some(failure);
                        return seen;
                    }
                }
            }
        }
    }
}

fn pages(bodies: &[&str]) -> Vec<Result<Said, FetchError>> {
    bodies.iter().map(|body| Ok(ok(body))).collect()
}

const BY_PAGE: &str = r#"{"retriever":{"paginator":{"type":"DefaultPaginator",
    "page_token_option":{"type":"RequestOption","inject_into":"request_parameter","field_name":"page"},
    "page_size_option":{"type":"RequestOption","inject_into":"request_parameter","field_name":"n"},
    "pagination_strategy":{"type":"PageIncrement","page_size":"{{ config['size'] }}","start_from_page":1}}}}"#;

#[test]
fn pages_by_number() {
    let seen = run(walk(&stream(BY_PAGE)), pages(&[r#"{"d":[{"i":1},{"i":2}]}"#, r#"{"d":[{"i":3}]}"#]), None);
    assert_eq!(seen.asked, ["a?n=2", "a?page=2&n=2"]);
    assert_eq!(seen.records.len(), 3);
    assert_eq!(seen.failure, None);
}

fn by_cursor(value: &str, target: &str) -> String {
    format!(
        r#"{{"retriever":{{"paginator":{{"type":"DefaultPaginator","page_token_option":{target},
        "pagination_strategy":{{"type":"CursorPagination","cursor_value":"{value}"}}}}}}}}"#
    )
}

#[test]
fn pages_by_address() {
    let stream = stream(&by_cursor("{{ response.next }}", r#"{"type":"RequestPath"}"#));
    let script = pages(&[r#"{"d":[{"i":1}],"next":"https://x.com/v1/b?c=1"}"#, r#"{"d":[{"i":2}],"next":null}"#]);
    assert_eq!(run(walk(&stream), script, None).asked, ["a", "b?c=1"]);
}

#[test]
fn circles_end() {
    let option = r#"{"type":"RequestOption","inject_into":"request_parameter","field_name":"c"}"#;
    let stream = stream(&by_cursor("{{ response.next }}", option));
    let seen = run(walk(&stream), pages(&[r#"{"d":[{"i":1}],"next":"same"}"#]), None);
    assert_eq!(seen.kind(), Some(FailureType::System));
    assert!(seen.asked.len() < 10, "{}", seen.asked.len());
    let blind = Rc::new(Blind::new(&stream, 0, &[]).unwrap());
    let seen = run(walk(&stream).with_blind(blind), pages(&[r#"{"d":[{"i":1}],"next":"same"}"#]), None);
    assert_eq!(seen.kind(), Some(FailureType::System));
    assert!(seen.asked.len() < 200, "{}", seen.asked.len());
}

#[test]
fn blind_pages_go_the_same_way() {
    let option = r#"{"type":"RequestOption","inject_into":"header","field_name":"c"}"#;
    let stream = stream(&by_cursor("{{ last_record['i'] if last_page_size == 2 else '' }}", option));
    let script = pages(&[r#"{"d":[{"i":1},{"i":7}]}"#, r#"{"d":[{"i":3}]}"#]);
    let blind = Rc::new(Blind::new(&stream, 0, &[]).unwrap());
    let unseen = run(walk(&stream).with_blind(blind), script.clone(), None);
    let seen = run(walk(&stream), script, None);
    assert_eq!(unseen.requests, seen.requests);
    assert_eq!(seen.requests[1].headers, [("c".to_owned(), "7".to_owned())]);
    assert_eq!((unseen.emitted, seen.records.len()), (3, 3));
}

#[test]
fn obstacles_are_told() {
    let reasons = |parts: &str| Blind::new(&stream(parts), 0, &[]).err().unwrap_or_default().len();
    assert_eq!(reasons("{}"), 0);
    assert_eq!(
        reasons(
            r#"{"transformations":[{"type":"AddFields","fields":[{"type":"AddedFieldDefinition","path":["c"],"value":"{{ config['key'] }}"}]}]}"#
        ),
        0
    );
    assert_eq!(
        reasons(
            r#"{"transformations":[{"type":"AddFields","fields":[{"type":"AddedFieldDefinition","path":["c"],"value":"{{ record['i'] }}"}]}]}"#
        ),
        1
    );
    assert_eq!(reasons(r#"{"transformations":[{"type":"KeysToLower"}],"retriever":{"decoder":{"type":"XmlDecoder"}}}"#), 2);
    assert_eq!(reasons(r#"{"retriever":{"record_selector":{"record_filter":{"type":"RecordFilter","condition":"{{ record.i }}"}}}}"#), 1);
    let option = r#"{"type":"RequestOption","inject_into":"request_parameter","field_name":"c"}"#;
    for (value, obstacles) in [
        ("{{ response.meta.next }}", 0),
        ("{{ response.d[-1].i }}", 1),
        ("{{ response['d']['x'] }}", 1),
        ("{{ response }}", 1),
        ("{{ last_record.i }}", 0),
        ("{{ last_record.i.j }}", 1),
        ("{{ headers['next'] }}", 0),
    ] {
        assert_eq!(reasons(&by_cursor(value, option)), obstacles, "{value}");
    }
}

fn errors(handler: &str) -> String {
    format!(r#"{{"retriever":{{"requester":{{"error_handler":{handler}}}}}}}"#)
}

#[test]
fn failures_are_tried_again() {
    let seen = run(walk(&stream("{}")), vec![Ok(status(500))], None);
    assert_eq!(seen.waits, [1.0, 2.0, 4.0, 8.0, 16.0]);
    assert_eq!((seen.asked.len(), seen.kind()), (6, Some(FailureType::Transient)));
    let script = vec![Err(FetchError::Transport("lost".into())), Ok(status(429)), Ok(ok(r#"{"d":[{"i":1}]}"#))];
    let seen = run(walk(&stream("{}")), script, None);
    assert_eq!((seen.waits.as_slice(), seen.records.len()), ([1.0, 1.0].as_slice(), 1));
    let constant = r#"{"type":"DefaultErrorHandler","max_retries":1,"backoff_strategies":[{"type":"WaitTimeFromHeader","header":"x-wait"},
        {"type":"ExponentialBackoffStrategy","factor":3}]}"#;
    let mut waiting = status(503);
    waiting.headers.push(("x-wait".into(), "7".into()));
    let seen = run(walk(&stream(&errors(constant))), vec![Ok(waiting), Ok(status(503))], None);
    assert_eq!((seen.waits.as_slice(), seen.asked.len()), ([8.0].as_slice(), 2));
    let seen = run(walk(&stream(&errors(constant))), vec![Ok(status(503))], None);
    assert_eq!(seen.waits, [7.0]);
}

#[test]
fn filters_decide() {
    let handler = r#"{"type":"CompositeErrorHandler","error_handlers":[
        {"type":"DefaultErrorHandler","response_filters":[{"type":"HttpResponseFilter","action":"IGNORE","http_codes":[404]},
            {"type":"HttpResponseFilter","action":"FAIL","failure_type":"config_error","predicate":"{{ response.code == 'no' }}","error_message":"off"}]},
        {"type":"DefaultErrorHandler","response_filters":[{"type":"HttpResponseFilter","action":"RETRY","error_message_contains":"busy"}]}]}"#;
    let seen = run(walk(&stream(&errors(handler))), vec![Ok(status(404))], None);
    assert_eq!((seen.failure, seen.asked.len()), (None, 1));
    let mut no = status(400);
    no.body = br#"{"code":"no"}"#.to_vec();
    // The second handler has the last word where the first says that it failed.
    assert_eq!(run(walk(&stream(&errors(handler))), vec![Ok(no)], None).kind(), Some(FailureType::System));
    let mut busy = status(400);
    busy.body = br#"{"errors":[{"message":"too busy"}]}"#.to_vec();
    assert_eq!(run(walk(&stream(&errors(handler))), vec![Ok(busy)], None).waits.len(), 5);
}

#[test]
fn nothing_of_an_answer_is_told() {
    let handler = r#"{"type":"DefaultErrorHandler","response_filters":[{"type":"HttpResponseFilter","action":"FAIL","http_codes":[400],
        "error_message":"{{ response.person }}"}]}"#;
    let mut answer = status(400);
    answer.body = br#"{"person":"Ada","message":"Ada"}"#.to_vec();
    for parts in ["{}".to_owned(), errors(handler)] {
        let seen = run(walk(&stream(&parts)), vec![Ok(answer.clone())], None);
        assert!(!format!("{:?}", seen.failure.unwrap()).contains("Ada"));
    }
}

#[test]
fn requests_are_built_as_the_reference_builds_them() {
    let stream = stream(
        r#"{"retriever":{"requester":{"url_base":"https://X.com/v1/","path":"/b?q=1","http_method":"POST",
        "request_parameters":{"q":"1","list":"{{ ['x','y'] }}","none":"{{ None }}","number":"{{ 1 }}"},
        "request_headers":{"h":"{{ 1.0 }}"},"request_body_json":{"a":{"{{ config.key }}":"{{ 5 }}"},"skip":"{{ None }}"}}}}"#,
    );
    let mut options = Options::default();
    options.query.insert("since".into(), Value::str("2024-01-01 x"));
    options.body_json.insert("a".into(), Value::from_json(br#"{"z":1}"#).unwrap());
    let seen = run(walk_slice(&stream, Slice::default(), options.clone()), pages(&["{}"]), None);
    let request = &seen.requests[0];
    assert_eq!(request.url, "https://x.com/v1/b?q=1&list=x&list=y&none=None&number=1&since=2024-01-01+x");
    assert_eq!(request.headers, [("h".to_owned(), "1.0".to_owned()), ("Content-Type".to_owned(), "application/json".to_owned())]);
    assert_eq!(Value::from_json(request.body.as_deref().unwrap()), Value::from_json(br#"{"a":{"k":5,"z":1}}"#));
    options.query.insert("q".into(), Value::Int(2));
    assert_eq!(run(walk_slice(&stream, Slice::default(), options), pages(&["{}"]), None).kind(), Some(FailureType::System));
}

#[test]
fn records_before_a_failure_hold() {
    let stream = stream(
        r#"{"transformations":[{"type":"AddFields","fields":[{"type":"AddedFieldDefinition","path":["a","b"],"value":"{{ record.i }}"}]}]}"#,
    );
    let seen = run(walk(&stream), pages(&[r#"{"d":[{"i":1},{"i":2,"a":"text"}]}"#]), None);
    assert_eq!(seen.records, [Value::from_json(br#"{"i":1,"a":{"b":1}}"#).unwrap()]);
    assert_eq!(seen.kind(), Some(FailureType::System));
}

#[test]
fn fields_come_in_several_requests() {
    let stream = stream(
        r#"{"retriever":{"requester":{"request_parameters":{"fields":{"type":"QueryProperties","property_list":["p","q","r"],
        "always_include_properties":["id"],"property_chunking":{"type":"PropertyChunking","property_limit_type":"property_count","property_limit":2,
        "record_merge_strategy":{"type":"GroupByKeyMergeStrategy","key":"id"}}}}}}}"#,
    );
    let seen = run(walk(&stream), pages(&[r#"{"d":[{"id":"1","p":1,"q":{"x":1}}]}"#, r#"{"d":[{"id":"1","q":{"y":2},"r":3}]}"#]), None);
    assert_eq!(seen.asked, ["a?fields=id%2Cp%2Cq", "a?fields=id%2Cr"]);
    assert_eq!(seen.records, [Value::from_json(br#"{"id":"1","p":1,"q":{"x":1,"y":2},"r":3}"#).unwrap()]);
}

#[test]
fn fields_come_from_an_endpoint() {
    let stream = stream(
        r#"{"retriever":{"requester":{"request_parameters":{"fields":{"type":"QueryProperties","property_list":{"type":"PropertiesFromEndpoint",
        "property_field_path":["name"],"retriever":{"type":"SimpleRetriever","requester":{"type":"HttpRequester","url_base":"https://x.com/v1",
        "path":"fields"},"record_selector":{"type":"RecordSelector","extractor":{"type":"DpathExtractor","field_path":[]}}}}}}}}}"#,
    );
    let seen = run(walk(&stream), pages(&[r#"[{"name":"p"},{"name":"q"}]"#, r#"{"d":[{"p":1}]}"#]), None);
    assert_eq!(seen.asked, ["fields", "a?fields=p%2Cq"]);
    assert_eq!(seen.records.len(), 1);
}

struct Halves;

impl Judge for Halves {
    fn wanted(&self, _slice: &Slice, record: &Value) -> Result<bool, String> {
        Ok(record.get("i") != Some(&Value::Int(0)))
    }
    fn split(&self, slice: &Slice, _minimum: Option<&str>) -> Result<Option<[Slice; 2]>, String> {
        let Some(Value::Int(size)) = slice.get("size") else { return Ok(None) };
        let half = Slice { cursor: [("size".into(), Value::Int(size / 2))].into_iter().collect(), ..Slice::default() };
        Ok((*size > 1).then(|| [half.clone(), half]))
    }
    fn narrow(&self, slice: &Slice, greatest: &Value) -> Result<Slice, String> {
        let mut slice = slice.clone();
        slice.cursor.insert("from".into(), greatest.clone());
        Ok(slice)
    }
    fn field(&self) -> &str {
        "i"
    }
}

#[test]
fn windows_are_split() {
    let parts = r#"{"retriever":{"request_window_splitting":{"type":"RequestWindowSplitting"},"requester":{"path":"{{ stream_interval.size }}",
        "error_handler":{"type":"DefaultErrorHandler","response_filters":[{"type":"HttpResponseFilter","action":"SPLIT_REQUEST_WINDOW","http_codes":[413]}]}}}}"#;
    let slice = Slice { cursor: [("size".into(), Value::Int(4))].into_iter().collect(), ..Slice::default() };
    let page = r#"{"d":[{"i":1}]}"#;
    let script = vec![Ok(status(413)), Ok(status(413)), Ok(ok(page)), Ok(ok(page)), Ok(ok(page))];
    let seen = run(walk_slice(&stream(parts), slice.clone(), Options::default()), script, Some(&Halves));
    assert_eq!((seen.asked, seen.records.len()), (["4", "2", "1", "1", "2"].map(str::to_owned).to_vec(), 3));
    let seen = run(walk_slice(&stream(parts), slice, Options::default()), vec![Ok(status(413))], Some(&Halves));
    assert_eq!(seen.kind(), Some(FailureType::Transient));
}

#[test]
fn paginations_begin_anew_from_where_they_reached() {
    let parts = r#"{"retriever":{"pagination_reset":{"type":"PaginationReset","action":"SPLIT_USING_CURSOR","limits":{"type":"PaginationResetLimits",
        "number_of_records":2}},"requester":{"path":"{{ stream_interval.get('from') }}"}}}"#;
    let script = pages(&[r#"{"d":[{"i":3},{"i":2}]}"#, r#"{"d":[{"i":5},{"i":4}]}"#, r#"{"d":[{"i":6}]}"#]);
    let slice = Slice { cursor: [("from".into(), Value::Int(1))].into_iter().collect(), ..Slice::default() };
    let seen = run(walk_slice(&stream(parts), slice, Options::default()), script, Some(&Halves));
    assert_eq!((seen.asked, seen.records.len()), (["1", "3", "5"].map(str::to_owned).to_vec(), 5));
}

#[test]
fn pages_shrink() {
    let parts = r#"{"retriever":{"page_size_reduction":{"type":"PageSizeReduction"},"requester":{"error_handler":{"type":"DefaultErrorHandler",
        "response_filters":[{"type":"HttpResponseFilter","action":"REDUCE_PAGE_SIZE","http_codes":[413]}]}},
        "paginator":{"type":"DefaultPaginator","page_size_option":{"type":"RequestOption","inject_into":"request_parameter","field_name":"n"},
        "page_token_option":{"type":"RequestOption","inject_into":"request_parameter","field_name":"o"},
        "pagination_strategy":{"type":"OffsetIncrement","page_size":4}}}}"#;
    let script = vec![Ok(status(413)), Ok(ok(r#"{"d":[{"i":1},{"i":2}]}"#)), Ok(ok(r#"{"d":[]}"#))];
    let seen = run(walk(&stream(parts)), script, None);
    assert_eq!(seen.asked, ["a?n=4", "a?n=2", "a?o=2&n=2"]);
    assert_eq!(seen.waits, [0.5]);
    assert_eq!(run(walk(&stream(parts)), vec![Ok(status(413))], None).kind(), Some(FailureType::Transient));
}

fn job() -> Stream {
    let requester = |path: &str| format!(r#"{{"type":"HttpRequester","url_base":"https://x.com/v1","path":"{path}"}}"#);
    let extractor = |path: &str| format!(r#"{{"type":"DpathExtractor","field_path":["{path}"]}}"#);
    let text = format!(
        r#"{{"type":"DeclarativeStream","name":"s","retriever":{{"type":"AsyncRetriever",
        "record_selector":{{"type":"RecordSelector","extractor":{{"type":"DpathExtractor","field_path":[]}}}},
        "status_mapping":{{"type":"AsyncJobStatusMap","running":["r"],"completed":["c"],"failed":["f"],"timeout":["t"]}},
        "status_extractor":{},"download_target_extractor":{},"download_extractor":{{"type":"ResponseToFileExtractor"}},
        "creation_requester":{},"polling_requester":{},"download_requester":{{"type":"HttpRequester","url_base":"{{{{ download_target }}}}"}},
        "delete_requester":{}}}}}"#,
        extractor("status"),
        extractor("urls"),
        requester("create"),
        requester("poll/{{ creation_response['id'] }}"),
        requester("delete/{{ creation_response['id'] }}"),
    );
    read(&serde_json::from_str(&text).unwrap())
}

#[test]
fn jobs_are_awaited_downloaded_and_removed() {
    let script = pages(&[
        r#"{"id":7}"#,
        r#"{"status":"r"}"#,
        r#"{"status":"c","urls":["https://x.com/v1/one","https://x.com/v1/two"]}"#,
        "a,b\n1,NA\n",
        "a,b\n2,x\n",
        "{}",
    ]);
    let seen = run(walk(&job()), script, None);
    assert_eq!(seen.asked, ["create", "poll/7", "poll/7", "one", "two", "delete/7"]);
    assert_eq!(seen.waits, [5.0]);
    assert_eq!(Value::list(seen.records), Value::from_json(br#"[{"a":"1","b":null},{"a":"2","b":"x"}]"#).unwrap());
    assert_eq!(seen.failure, None);
}

#[test]
fn jobs_that_fail_are_started_anew_three_times() {
    let attempt = [r#"{"id":7}"#, r#"{"status":"f"}"#];
    let seen = run(walk(&job()), pages(&[attempt, attempt, attempt].concat()), None);
    assert_eq!(seen.asked.iter().filter(|path| *path == "create").count(), 3);
    assert_eq!(seen.kind(), Some(FailureType::System));
    let seen = run(walk(&job()), pages(&[r#"{"id":7}"#, r#"{"status":"r"}"#]), None);
    assert_eq!(seen.kind(), Some(FailureType::System));
    assert!(seen.asked.len() < 3000);
}

/// Whatever a template or an answer is, a walk ends.
#[test]
fn hostile_answers_end() {
    let option = r#"{"type":"RequestOption","inject_into":"request_parameter","field_name":"c"}"#;
    let streams = [stream("{}"), stream(BY_PAGE), stream(&by_cursor("{{ response.x.y }}", option)), job()];
    let deep = "[".repeat(100_000);
    let counter = RefCell::new(0);
    for stream in &streams {
        for body in ["", "null", "1", "\"t\"", "[1,[2],{}]", r#"{"d":{"d":1}}"#, r#"{"d":[1]}"#, r#"{"x":1}"#, "\u{feff}{}", &deep] {
            let seen = run(walk(stream), pages(&[body]), None);
            *counter.borrow_mut() += seen.asked.len();
        }
    }
    assert!(*counter.borrow() >= 40);
}
