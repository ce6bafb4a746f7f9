//! Manifests and remotes that want to use up the machine end with an error that says what and where, in bounded time and memory.

use serde_json::json;

use super::source::{Source, manifest};
use crate::support::program::Program;
use crate::support::server::{Answer, Server};

/// No more address space than this beside the sandbox's reservations would be fair to ask for; the resident set is what counts.
const MOST_RESIDENT_KIB: u64 = 700 << 10;

/// A hostile text of a manifest.
struct Bomb {
    name: &'static str,
    yaml: fn() -> String,
    /// What the error must say.
    says: &'static [&'static str],
}

fn with_head(head: String) -> String {
    Source { head, ..Source::default() }.yaml()
}

fn with_parameter(template: &str) -> String {
    Source { requester: format!("        request_parameters: {{ bomb: {} }}\n", json!(template)), ..Source::default() }.yaml()
}

fn with_cursor(lines: &str) -> String {
    let stream = format!(
        "    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: changed
      datetime_format: \"%Y-%m-%dT%H:%M:%SZ\"
      start_datetime: \"1900-01-01T00:00:00Z\"
{lines}"
    );
    Source { stream, ..Source::default() }.yaml()
}

/// Refused before anything runs.
const REFUSED: &[Bomb] = &[
    Bomb {
        name: "aliases that multiply",
        yaml: || {
            let mut head = "definitions:\n  l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
            for level in 1..12 {
                let below = format!("*l{}", level - 1);
                head.push_str(&format!("  l{level}: &l{level} [{}]\n", vec![below; 10].join(", ")));
            }
            with_head(head)
        },
        says: &["HUB-E", "source.yaml"],
    },
    Bomb {
        name: "references that multiply",
        yaml: || {
            let mut head = "definitions:\n  l0: { a: x, b: x }\n".to_owned();
            for level in 1..60 {
                let below = format!("{{ $ref: \"#/definitions/l{}\" }}", level - 1);
                head.push_str(&format!("  l{level}: {{ a: {below}, b: {below} }}\n"));
            }
            with_head(head)
        },
        says: &["HUB-E", "source.yaml"],
    },
    Bomb {
        name: "a reference to itself",
        yaml: || with_head("definitions:\n  a: { $ref: \"#/definitions/b\" }\n  b: { $ref: \"#/definitions/a\" }\n".to_owned()),
        says: &["HUB-E", "source.yaml"],
    },
    Bomb {
        name: "nesting without end",
        yaml: || with_head(format!("definitions:\n  deep: {}{}\n", "[".repeat(50_000), "]".repeat(50_000))),
        says: &["HUB-E", "source.yaml"],
    },
    Bomb { name: "a very long text", yaml: || with_head(format!("# {}\n", "x".repeat(9 << 20))), says: &["HUB-E", "source.yaml"] },
    Bomb {
        name: "a class of the author's own",
        yaml: || {
            let requester =
                "        authenticator: { type: CustomAuthenticator, class_name: source_acme.components.AcmeLogin }\n".to_owned();
            Source { requester, ..Source::default() }.yaml()
        },
        says: &["HUB-E", "source_acme.components.AcmeLogin", "source.yaml:"],
    },
    Bomb {
        name: "a component that nobody knows",
        yaml: || Source { requester: "        authenticator: { type: TelepathicAuthenticator }\n".to_owned(), ..Source::default() }.yaml(),
        says: &["HUB-E", "TelepathicAuthenticator", "source.yaml:"],
    },
    Bomb { name: "a template that is none", yaml: || with_parameter("{{ config['a' }}"), says: &["HUB-E", "source.yaml:"] },
];

/// Found while it runs: inside the sandbox, at the bound of an evaluation.
const CONTAINED: &[Bomb] = &[
    Bomb { name: "a text that grows", yaml: || with_parameter("{{ 'a' * 4000000000 }}"), says: &["HUB-E"] },
    Bomb {
        name: "loops in loops",
        yaml: || {
            with_parameter(
                "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}x{% endfor %}{% endfor %}{% endfor %}",
            )
        },
        says: &["HUB-E"],
    },
    Bomb { name: "a range without end", yaml: || with_parameter("{{ range(99999999999) | list | length }}"), says: &["HUB-E"] },
    Bomb {
        name: "doubling",
        yaml: || {
            with_parameter(
                "{% set ns = namespace(t='xxxxxxxxxxxxxxxx') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
            )
        },
        says: &["HUB-E"],
    },
    Bomb {
        name: "a huge regular expression",
        yaml: || with_parameter("{{ 'aaaa' | regex_search('((((a{100}){100}){100}){100})') }}"),
        says: &["HUB-E"],
    },
    Bomb {
        name: "slices of a second since 1900",
        yaml: || with_cursor("      step: PT1S\n      cursor_granularity: PT1S\n"),
        says: &["HUB-E"],
    },
    Bomb {
        name: "a cursor of pages that never moves",
        yaml: || {
            let paginator = "      paginator:
        type: DefaultPaginator
        page_token_option: { type: RequestOption, inject_into: request_parameter, field_name: after }
        pagination_strategy: { type: CursorPagination, cursor_value: \"{{ response.next }}\" }
";
            Source { paginator: paginator.to_owned(), ..Source::default() }.yaml()
        },
        says: &["HUB-E"],
    },
];

#[test]
fn hostile_manifests_are_refused_by_check_with_their_place() {
    for bomb in REFUSED {
        let program = Program::with_manifest(&manifest("http://127.0.0.1:9", "", ""));
        program.write("source.yaml", (bomb.yaml)());
        for verb in ["check", "run"] {
            let outcome = program.run(&[verb]);
            assert!(matches!(outcome.code, Some(2 | 3)), "{} ({verb}): {:?} {}", bomb.name, outcome.code, outcome.printed());
            for text in bomb.says {
                assert!(outcome.stderr.contains(text), "{} ({verb}) does not say {text}: {}", bomb.name, outcome.stderr);
            }
        }
        assert!(!program.has("out/items.ndjson"), "{}", bomb.name);
    }
}

#[test]
fn what_only_a_run_can_find_ends_within_bounds() {
    // One folder for all: the component is compiled once.
    let program = Program::new();
    for bomb in CONTAINED {
        let server = Server::start(|request, _| {
            let items = json!([{ "id": 1, "name": "Ada" }, { "id": 2, "name": "Alan" }]);
            let is_last = request.query("page").is_some_and(|page| page != "1");
            Answer::json(&json!({ "items": if is_last { json!([]) } else { items }, "next": "again" }))
        });
        program.write("manifest.toml", manifest(&server.origin(), "", ""));
        program.write("source.yaml", (bomb.yaml)());
        program.run(&["plugin", "accept", "api"]);
        let measured = program.shell("hub run & pid=$!; most=0; while kill -0 $pid 2>/dev/null; do now=$(awk '/VmHWM/{print $2}' /proc/$pid/status 2>/dev/null); most=${now:-$most}; sleep 0.02; done; wait $pid; code=$?; echo \"resident $most\"; exit $code");
        assert!(matches!(measured.code, Some(1..=3)), "{}: {:?} {}", bomb.name, measured.code, measured.printed());
        for text in bomb.says {
            assert!(measured.stderr.contains(text), "{} does not say {text}: {}", bomb.name, measured.stderr);
        }
        let resident: u64 = measured.stdout.split("resident ").nth(1).and_then(|rest| rest.trim().parse().ok()).unwrap_or(u64::MAX);
        assert!(resident < MOST_RESIDENT_KIB, "{}: {resident} KiB", bomb.name);
        assert!(server.requests().len() < 200, "{}: {} requests", bomb.name, server.requests().len());
        program.run(&["audit", "verify"]).ends(0);
    }
}

/// These explode in other engines; here they simply match or do not.
#[test]
fn expressions_that_explode_elsewhere_are_harmless() {
    let server = Server::start(|_, _| Answer::json(&json!({ "items": [{ "id": 1, "name": "Ada" }] })));
    let program = Program::with_manifest(&manifest(&server.origin(), "", ""));
    program.write("source.yaml", with_parameter(&format!("{{{{ '{}!' | regex_search('(a+)+$') }}}}", "a".repeat(60))));
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/items.ndjson").len(), 1);
}

/// As the language has it, that is one window.
#[test]
fn a_step_of_nothing_is_harmless() {
    let server = Server::start(|_, _| Answer::json(&json!({ "items": [{ "id": 1, "name": "Ada" }] })));
    let program = Program::with_manifest(&manifest(&server.origin(), "", ""));
    program.write("source.yaml", with_cursor("      step: PT0S\n      cursor_granularity: PT1S\n"));
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/items.ndjson").len(), 1);
}

#[test]
fn an_api_that_does_not_know_its_pages_ends_the_run() {
    let server = Server::start(|_, _| Answer::json(&json!({ "items": [{ "id": 1, "name": "Ada" }, { "id": 2, "name": "Alan" }] })));
    let program = Program::with_manifest(&manifest(&server.origin(), "", ""));
    let selector = "        record_filter: { type: RecordFilter, condition: \"{{ record.id > 0 }}\" }\n".to_owned();
    program.write("source.yaml", Source { selector, ..Source::default() }.yaml());
    program.run(&["run"]).ends(1).says("hold the same records").says("`items-to-archive`");
    assert_eq!(server.requests().len(), 21);
}
