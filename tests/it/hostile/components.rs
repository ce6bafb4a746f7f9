//! Attacks by the component itself: its description, its type, its bytes, what it costs to compile and to start, and what lies in the cache.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::attack::{Attack, Guest};
use super::scene::{self, Scene, component};
use crate::support::program::root;

const fn refused(name: &'static str, code: &'static str, exit: i32, before: fn(&Scene)) -> Attack {
    Attack::refused(name, "component", Guest::Made, code, exit).does("honest").system("limits = { seconds = 1 }").before(before)
}

pub const ALL: &[Attack] = &[
    refused("description-missing", "HUB-E303", 3, |scene| put(scene, "description-missing", &Parts::honest().component)),
    refused("description-twice", "HUB-E303", 3, |scene| {
        let Parts { component, description } = Parts::honest();
        put(scene, "description-twice", &with_section(&with_section(&component, &description), &description));
    }),
    refused("description-nested", "HUB-E303", 3, |scene| put(scene, "description-nested", &nested(&component("records")))),
    refused("description-oversized", "HUB-E303", 3, |scene| {
        described(scene, "description-oversized", |text| text + &" ".repeat(300 << 10))
    }),
    refused("description-no-json", "HUB-E303", 3, |scene| described(scene, "description-no-json", |_| "\u{1b}[2J{".to_owned())),
    refused("description-deep", "HUB-E303", 3, |scene| described(scene, "description-deep", |_| "[".repeat(200_000))),
    refused("description-repeats", "HUB-E303", 3, |scene| {
        described(scene, "description-repeats", |text| text.replace("\"imports\":", "\"imports\": [\"sink\"], \"imports\":"));
    }),
    refused("description-hides-import", "HUB-E303", 3, |scene| {
        described(scene, "description-hides-import", |text| text.replace("[\"sink\", \"runtime\"]", "[\"sink\"]"))
    }),
    refused("description-claims-export", "HUB-E303", 3, |scene| {
        described(scene, "description-claims-export", |text| {
            text.replace("\"source\":", "\"destination\": { \"modes\": [\"append\"], \"accepts\": [\"user\"] }, \"source\":")
        });
    }),
    refused("description-drives-terminal", "HUB-E303", 3, |scene| {
        described(scene, "description-drives-terminal", |text| {
            text.replace("hostile-records", "\\u001b[2Jx\\u0007").replace("\"0.1.0\"", "\"\\u009b31m\"")
        });
    }),
    refused("description-refers-elsewhere", "HUB-E303", 3, |scene| {
        described(scene, "description-refers-elsewhere", |text| {
            text.replace("\"config\": {", "\"config\": { \"$ref\": \"https://evil.example/schema\",")
        });
    }),
    refused("description-of-newer-abi", "HUB-E304", 1, |scene| {
        described(scene, "description-of-newer-abi", |text| text.replace("\"hub\": \"0.1\"", "\"hub\": \"9.9\""))
    }),
    refused("import-of-newer-abi", "HUB-E304", 1, |scene| {
        put(scene, "import-of-newer-abi", &replaced(component("records"), b"hub:connector/sink@0.1.0", b"hub:connector/sink@0.2.0"))
    }),
    refused("foreign-import", "HUB-E305", 3, |scene| put(scene, "foreign-import", &foreign())),
    Attack {
        on: "http",
        ..refused("network-not-granted", "HUB-E305", 3, |scene| put(scene, "network-not-granted", &component("network")))
    },
    Attack {
        on: "files",
        ..refused("folders-not-granted", "HUB-E305", 3, |scene| put(scene, "folders-not-granted", &component("folders")))
    },
    refused("core-module", "HUB-E303", 3, |scene| put(scene, "core-module", &wat::parse_str("(module)").unwrap())),
    refused("no-component", "HUB-E303", 3, |scene| put(scene, "no-component", b"#!/bin/sh\nexit 0\n")),
    refused("empty-file", "HUB-E303", 3, |scene| put(scene, "empty-file", b"")),
    refused("truncated", "HUB-E303", 3, |scene| put(scene, "truncated", &component("records")[..50_000])),
    refused("truncated-and-described", "HUB-E303", 3, |scene| {
        let Parts { component, description } = Parts::honest();
        put(scene, "truncated-and-described", &with_section(&component[..50_000], &description));
    }),
    refused("invalid-code", "HUB-E007", 2, |scene| put(scene, "invalid-code", &invalid())),
    refused("oversized-component", "HUB-E007", 2, |scene| {
        let file = std::fs::File::create(scene.program.path("guests/oversized-component.wasm")).unwrap();
        file.set_len(65 << 20).unwrap();
    })
    .unrecorded(),
    refused("memory-of-64-bits", "HUB-E007", 2, |scene| put(scene, "memory-of-64-bits", &probe("(memory $wide i64 1)", ""))),
    refused("compile-bomb", "HUB-E302", 1, |scene| put(scene, "compile-bomb", &bomb())),
    refused("start-never-ends", "HUB-E302", 1, |scene| {
        put(scene, "start-never-ends", &probe("(func $spin (loop br 0)) (start $spin)", ""))
    }),
    refused("start-traps", "HUB-E301", 1, |scene| put(scene, "start-traps", &probe("(func $trap unreachable) (start $trap)", ""))),
    refused("table-never-ends", "HUB-E302", 1, |scene| {
        let grow = "(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))";
        put(scene, "table-never-ends", &probe("(table $t 1 funcref)", grow));
    }),
    refused("table-at-start", "HUB-E302", 1, |scene| put(scene, "table-at-start", &probe("(table $t 9000000 funcref)", ""))),
    refused("memory-at-start", "HUB-E302", 1, |scene| put(scene, "memory-at-start", &greedy())),
    refused("answer-out-of-bounds", "HUB-E301", 1, |scene| put(scene, "answer-out-of-bounds", &probe("", "(return (i32.const -8))"))),
    refused("claims-more-later", "HUB-E215", 3, |scene| {
        put(scene, "claims-more-later", &component("records"));
        assert_eq!(scene.run("claims-more-later.toml").unwrap().code, Some(0));
        scene.program.write("out/claims-more-later.ndjson", scene::EARLIER);
        described(scene, "claims-more-later", |text| {
            text.replace("\"runtime\"],", "\"runtime\", \"http\"], \"hosts\": [\"https://evil.example\"],")
        });
    }),
    Attack::contained("cache-tampered", "component", Guest::Records).does("honest").before(|scene| {
        for file in compiled(scene) {
            let mut bytes = std::fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..].fill(0xcc);
            std::fs::write(&file, bytes).unwrap();
        }
    }),
    Attack::contained("cache-replaced", "component", Guest::Records).does("honest").before(|scene| {
        let files = compiled(scene);
        let [first, .., last] = files.as_slice() else { panic!("the cache holds {files:?}") };
        let (one, other) = (std::fs::read(first).unwrap(), std::fs::read(last).unwrap());
        std::fs::write(first, other).and_then(|()| std::fs::write(last, one)).unwrap();
    }),
];

/// An honest component taken apart.
struct Parts {
    /// Without its description.
    component: Vec<u8>,
    description: Vec<u8>,
}

impl Parts {
    /// The build puts the description at the end.
    fn honest() -> Self {
        let whole = component("records");
        let name = b"\x0chub:manifest";
        let at = whole.windows(name.len()).rposition(|window| window == name).expect("a described component");
        let description = whole[at + name.len()..].to_vec();
        let content = name.len() + description.len();
        Self { component: whole[..at - 1 - length(content).len()].to_vec(), description }
    }
}

fn put(scene: &Scene, name: &str, bytes: &[u8]) {
    scene.program.write(&format!("guests/{name}.wasm"), bytes);
}

/// The honest component with another description.
fn described(scene: &Scene, name: &str, change: impl Fn(String) -> String) {
    let Parts { component, description } = Parts::honest();
    let before = String::from_utf8(description).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after, "the description was not changed");
    put(scene, name, &with_section(&component, after.as_bytes()));
}

fn with_section(component: &[u8], description: &[u8]) -> Vec<u8> {
    let content = [b"\x0chub:manifest", description].concat();
    [component, &[0], &length(content.len()), &content].concat()
}

/// A component whose only content is another one.
fn nested(inner: &[u8]) -> Vec<u8> {
    const COMPONENT_SECTION: u8 = 4;
    [&inner[..8], &[COMPONENT_SECTION], &length(inner.len()), inner].concat()
}

/// Unsigned LEB128.
fn length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn replaced(mut bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let places: Vec<usize> = bytes.windows(old.len()).enumerate().filter(|(_, window)| *window == old).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "nothing to replace");
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes
}

/// A core module that exports what a source must; `fields` and the body of `read` are the attack's.
fn module(fields: &str, read: &str) -> String {
    format!(
        r#"(module
            {fields}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
            (func (export "hub:connector/source@0.1.0#check") (param i32 i32) (result i32) i32.const 16)
            (func (export "hub:connector/source@0.1.0#read") (param i32 i32 i32 i32) (result i32) {read} unreachable))"#
    )
}

/// Wants 4 GiB before anything runs.
fn greedy() -> Vec<u8> {
    source(&module("", "").replace("(memory (export \"memory\") 1)", "(memory (export \"memory\") 65536)"))
}

/// A source out of such a module, which imports nothing.
fn probe(fields: &str, read: &str) -> Vec<u8> {
    source(&module(fields, read))
}

fn source(module: &str) -> Vec<u8> {
    encoded(module, "package hub:probe; world probe { export hub:connector/source@0.1.0; }", "[]")
}

fn foreign() -> Vec<u8> {
    let import = r#"(import "wasi:cli/environment@0.2.0" "get" (func (result i32)))"#;
    encoded(
        &module(import, ""),
        "package hub:probe; world probe { import wasi:cli/environment@0.2.0; export hub:connector/source@0.1.0; }",
        "[]",
    )
}

fn encoded(text: &str, world: &str, imports: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(root().join("wit/v0.1")).unwrap();
    resolve.push_str("wasi.wit", "package wasi:cli@0.2.0; interface environment { get: func() -> u32; }").unwrap();
    let package = resolve.push_str("probe.wit", world).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let description = String::from_utf8(Parts::honest().description).unwrap();
    with_section(&component, description.replace("[\"sink\", \"runtime\"]", imports).as_bytes())
}

/// Sound in its form, but a function leaves nothing where it promises a number.
fn invalid() -> Vec<u8> {
    // local.get 77 of a function that has no such variable.
    let marked = probe("(func $marked (local i32) (drop (local.get 0)) (drop (i32.const 1234567)))", "");
    let constant = [0x41, 0x87, 0xad, 0xcb, 0x00, 0x1a];
    replaced(marked, &constant, &[0x20, 0x87, 0xad, 0xcb, 0x00, 0x1a])
}

/// Many variables that change in many loops: small to write down, quadratic to compile.
fn bomb() -> Vec<u8> {
    const VARIABLES: usize = 40_000;
    const LOOPS: usize = 4_000;
    let variables = "i64 ".repeat(VARIABLES);
    let mut body = String::new();
    for number in 0..LOOPS {
        let (to, from) = (number * 7 % VARIABLES, number * 13 % VARIABLES);
        body.push_str(&format!(
            "(loop (local.set {to} (i64.add (local.get {from}) (local.get {to}))) (br_if 0 (i64.eqz (local.get {to}))))"
        ));
    }
    let all: String = (0..VARIABLES).map(|number| format!("(local.set 0 (i64.xor (local.get 0) (local.get {number})))")).collect();
    probe(&format!("(func $bomb (export \"bomb\") (local {variables}) (loop {body}{all}(br_if 0 (i64.eqz (local.get 1)))))"), "")
}

fn compiled(scene: &Scene) -> Vec<std::path::PathBuf> {
    let mut files = scene::files(&scene.program.path("hub-data"));
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cwasm"));
    files.sort();
    assert!(files.len() >= 2, "the cache holds {files:?}");
    files
}

#[test]
fn attacks_by_the_component_itself() {
    scene::perform(ALL);
}
