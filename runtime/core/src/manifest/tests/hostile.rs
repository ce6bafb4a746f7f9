//! Whatever stands in a file, the answer is a manifest or problems: never a panic, never an overflow of the stack.

#![allow(clippy::disallowed_methods, reason = "the seeds of the fuzzer are files")]

use proptest::prelude::*;

use super::super::*;
use super::{BASE, Memory, fails, told};

const EVERYTHING: &str = include_str!("everything.toml");
const WORDS: [&str; 24] = [
    "[",
    "]",
    "[[",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ",",
    ".",
    "\n",
    "é",
    "\u{0}",
    "[flow.x]",
    "[stream.a.b.fields]",
    "action",
    "fields = ",
    "1e999",
    "99999999999999999999",
    "1979-05-27",
    "nan",
    "a.b.c",
    "\"\"\"",
    "#",
];

fn survives(text: &str) {
    if let Err(failed) = read("manifest.toml", text, &NoFiles) {
        for problem in failed.problems.iter() {
            for label in &problem.labels {
                let (_, source) = failed.sources.get(label.span.file).unwrap();
                assert!(source.get(label.span.start as usize..label.span.end as usize).is_some(), "{label:?} is no place in the text");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_bytes("manifest.toml", &bytes, &NoFiles);
    }

    #[test]
    fn random_words_do_not_panic(words in proptest::collection::vec(0..WORDS.len(), 0..60)) {
        survives(&words.iter().map(|word| WORDS[*word]).collect::<String>());
    }

    #[test]
    fn mutated_manifests_do_not_panic(edits in proptest::collection::vec((any::<u16>(), 0..WORDS.len(), 0_usize..12), 1..6)) {
        let mut text: Vec<char> = EVERYTHING.replace("include = ", "version2 = ").chars().collect();
        for (at, word, cut) in edits {
            let at = usize::from(at) % text.len();
            let end = (at + cut).min(text.len());
            text.splice(at..end, WORDS[word].chars());
        }
        survives(&text.into_iter().collect::<String>());
    }
}

#[test]
fn deep_nesting_is_told_and_not_followed() {
    let deep = [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}1", "{ a = ".repeat(100_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("a = {{ {} = {{ {} = 1 }} }}", vec!["a"; 20].join("."), vec!["a"; 20].join(".")),
    ];
    for text in deep {
        let found = told(&fails(&text, &Memory::default()));
        assert!(found.contains("too deep inside each other"), "{found}");
    }
    survives(&format!("a = [{}]", vec!["1.5"; 1_000].join(", ")));
    survives(&format!("{BASE}{}", "[[category]]\n".repeat(1_000)));
}

/// Large files of every kind come to an end; the runner's time limit is the measure.
#[test]
fn large_files_are_read() {
    let flow = |number: usize| format!("[flow.f{number}]\nfrom = \"a.b\"\nto = \"c.d\"\npurpose = \"p\"\nfields = [\"id\"]\n");
    let flows = (0..40_000).fold(BASE.to_owned(), |text, number| text + &flow(number));
    let manifest = read("manifest.toml", &flows, &NoFiles).unwrap();
    assert_eq!(manifest.flows.len(), 40_000);
    let fields: String = (0..100_000).map(|number| format!("f{number} = \"allow\"\n")).collect();
    let wide = format!("{BASE}[flow.x]\nfrom = \"a.b\"\nto = \"c.d\"\npurpose = \"p\"\n[flow.x.fields]\n{fields}");
    assert_eq!(read("manifest.toml", &wide, &NoFiles).unwrap().flows["x"].fields.len(), 100_000);
    for noise in ["]\n", "a\n", "x = \n", "\"", "[[a]]\n", "a.b = 1\n", "{"] {
        survives(&noise.repeat(MAX_FILE_BYTES / noise.len()));
    }
}

/// Every list and map of the vocabulary may be long.
#[test]
fn long_lists_are_read() {
    let many = |line: &dyn Fn(usize) -> String| (0..10_000).map(line).collect::<String>();
    let parties = many(&|number| format!("{{ name = \"P{number}\", country = \"US\", approved = 2026-01-01 }}, "));
    let transfers = many(&|number| format!("[[system.a.transfer]]\nid = \"t{number}\"\nto = \"US\"\nmechanism = \"scc\"\n"));
    let identity = many(&|number| format!("k_{number} = {{ field = \"f\", strength = \"weak\", via = \"x.y.z\" }}\n"));
    let pairs = many(&|number| format!("f{number} = \"g{number}\"\n"));
    let records = many(&|number| format!("[[compatibility]]\nfrom = \"a\"\nto = \"b\"\nassessment = \"K{number}\"\n"));
    let activities = many(&|number| format!("[activity.\"VT-{number}\"]\nresidency = [\"EU\"]\n"));
    let text = format!(
        "{BASE}[system.a]\nconnector = \"builtin:x\"\n[system.a.contract]\nkind = \"art28\"\nref = \"r\"\nsigned = 2026-01-01\n\
         subprocessors = [{parties}]\n{transfers}[stream.a.b.identity]\n{identity}[flow.f]\nfrom = \"a.b\"\nto = \"a.c\"\npurpose = \"p\"\n\
         fields = [\"f\"]\n[flow.f.consent]\nledger = \"a.d\"\nscope = \"s\"\n[flow.f.consent.match]\n{pairs}{records}{activities}"
    );
    let manifest = read("manifest.toml", &text, &NoFiles).unwrap();
    let system = &manifest.systems["a"];
    assert_eq!((system.contract.as_ref().unwrap().subprocessors.len(), system.transfers.len()), (10_000, 10_000));
    assert_eq!(manifest.streams[&StreamId::parse("a.b").unwrap()].identity.len(), 10_000);
    assert_eq!(manifest.flows["f"].consent.as_ref().unwrap().matching.len(), 10_000);
    assert_eq!((manifest.compatibilities.len(), manifest.activities.len()), (10_000, 10_000));
}

#[test]
fn days_and_periods_out_of_range_are_told() {
    let dpia = |date: &str| format!("{BASE}[[dpia]]\nactivity = \"a\"\ndecision = \"done\"\nat = {date}\n");
    for date in ["2026-02-30", "2026-13-01", "0000-01-01", "99999-01-01", "2026-01-32", "07:32:00", "\"2026-01-01\"", "-2026-01-01"] {
        assert!(!told(&fails(&dpia(date), &Memory::default())).is_empty(), "{date}");
    }
    assert!(read("manifest.toml", &dpia("9999-12-31"), &NoFiles).is_ok());
    let keep = |period: &str| format!("{BASE}[retention.a]\nkind = \"keep\"\nperiod = {period:?}\n");
    for period in ["P100000Y", "P18446744073709551616D", "P-1D", "P", "P1W", "PT1H", &"P1Y".repeat(10_000)] {
        let found = told(&fails(&keep(period), &Memory::default()));
        assert!(found.contains("is not a period") && found.len() < 400, "{found}");
    }
    assert_eq!(read("manifest.toml", &keep("P99999Y99999M99999D"), &NoFiles).unwrap().retentions["a"].period.value.days, 99_999);
}

/// A key that was written where its place belongs is in no message and no shown line.
#[test]
fn keys_in_the_manifest_are_blanked() {
    for text in [
        "[pseudonym.p]\nkey = \"correct horse battery\"\n",
        "[pseudonym.p]\nkey = { value = \"correct horse battery\" }\n",
        "[pseudonym.p]\nkey = [\"correct horse battery\"]\n",
        "[dsr.suppression]\nkey = \"kms: correct horse battery\"\n",
    ] {
        let failed = fails(&format!("{BASE}{text}"), &Memory::default());
        let shown: String = failed.sources.iter().map(|(_, text)| text).collect();
        assert!(!shown.contains("horse"), "{shown}");
        assert!(failed.problems.iter().all(|problem| !format!("{problem:?}").contains("horse")), "{text}");
    }
}

#[test]
fn a_flood_of_problems_is_cut() {
    let text = (0..5_000).fold(BASE.to_owned(), |text, number| text + &format!("unknown{number} = 1\n"));
    let failed = fails(&text, &Memory::default());
    assert_eq!(failed.problems.iter().count(), 200);
    assert!(failed.problems.iter().any(|problem| problem.notes.iter().any(|note| note.contains("4800 more"))));
}

/// Files under `fuzz/seeds` keep their promise: `good-*` is read, `bad-*` is refused.
#[test]
fn seeds_are_what_their_names_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/manifest");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let read = read_bytes(&name, &std::fs::read(&path).unwrap(), &NoFiles);
        if name.starts_with("good-") || name.starts_with("bad-") {
            assert_eq!(
                read.is_ok(),
                name.starts_with("good-"),
                "{name}: {:?}",
                read.err().map(|failed| failed.problems.iter().map(|problem| problem.title.clone()).collect::<Vec<_>>())
            );
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
}
