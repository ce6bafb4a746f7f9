//! What is compiled, kept and trusted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_core::manifest::ConnectorRef;
use hub_core::problem::Code;

use super::{Compiler, Package, Workshop, compile_component_main, find};
use crate::config::Config;
use crate::tests::{Digests, append_section, component, description, source, workshop};

fn bytes() -> Vec<u8> {
    component(&source("", "(func $work (result i64) (i64.const 7))"), "source-connector", &description(&[]))
}

fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[tokio::test]
async fn compiled_code_is_kept_and_only_the_recorded_one_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let workshop = workshop(folder.path());
    let shape = Package::of(bytes()).unwrap().prepare(&workshop).await.unwrap().shape.clone();
    assert_eq!((shape.imports, shape.exports), (Vec::<String>::new(), vec!["source".to_owned()]));
    let file = only_file(folder.path());
    let compiled = fs::read(&file).unwrap();

    let mut altered = compiled.clone();
    altered[compiled.len() / 2] ^= 1;
    for content in [altered, Vec::new(), b"\0asm".to_vec()] {
        fs::write(&file, content).unwrap();
        Package::of(bytes()).unwrap().prepare(&workshop).await.unwrap();
        assert_eq!(fs::read(only_file(folder.path())).unwrap(), compiled, "it was compiled again");
    }
    fs::remove_file(&file).unwrap();
    Package::of(bytes()).unwrap().prepare(&workshop).await.unwrap();
    assert!(file.exists());
}

#[tokio::test]
async fn code_without_a_record_is_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let first = workshop(folder.path());
    Package::of(bytes()).unwrap().prepare(&first).await.unwrap();
    let file = only_file(folder.path());
    fs::write(&file, b"put here by somebody").unwrap();
    // The same folder with an empty ledger: another installation, or a store that was restored.
    let second = Workshop { ledger: Arc::new(Digests::default()), ..first };
    Package::of(bytes()).unwrap().prepare(&second).await.unwrap();
    assert_ne!(fs::read(&file).unwrap(), b"put here by somebody");
}

#[tokio::test]
async fn code_of_another_engine_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let workshop = workshop(folder.path());
    Package::of(bytes()).unwrap().prepare(&workshop).await.unwrap();
    let file = only_file(folder.path());
    // A record for bytes that are no code: the loader's own check is the last one.
    fs::write(&file, b"no code").unwrap();
    let key = file.file_stem().unwrap().to_str().unwrap().to_owned();
    workshop.ledger.record(&key, &super::hex(b"no code")).await.unwrap();
    Package::of(bytes()).unwrap().prepare(&workshop).await.unwrap();
    assert_ne!(fs::read(&file).unwrap(), b"no code");
}

/// The child's side, when [`child`] starts this test binary again.
#[test]
fn child_side() {
    let wanted = |name: &str| crate::config::environment(name).map(PathBuf::from);
    if let (Some(input), Some(output)) = (wanted("HUB_TEST_INPUT"), wanted("HUB_TEST_OUTPUT")) {
        assert_eq!(compile_component_main(&input, &output), std::process::ExitCode::SUCCESS);
    }
}

/// A program that takes `compile-component IN OUT` as hub does.
fn child(folder: &Path, script: &str) -> Compiler {
    let program = folder.join("program");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    Compiler::Child(program)
}

#[tokio::test]
async fn a_child_compiles_within_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let script = format!(
        "test \"$1\" = compile-component || exit 9\nHUB_TEST_INPUT=\"$2\" HUB_TEST_OUTPUT=\"$3\" exec {} --exact plugin::package::tests::child_side",
        this.display()
    );
    let workshop = Workshop { compiler: child(folder.path(), &script), ..workshop(&folder.path().join("cache")) };
    let package = Package::of(bytes()).unwrap();
    assert_eq!(package.prepare(&workshop).await.unwrap().shape.exports, ["source"]);
    only_file(&folder.path().join("cache"));
}

#[tokio::test]
async fn a_child_that_fails_is_told_apart() {
    for (script, code, text) in [
        (r"printf 'invalid: \033[31mbad\n' >&2; exit 1", Code::E007, "invalid: "),
        ("kill -KILL $$", Code::E302, "signal 9"),
        ("exit 7", Code::E302, "code Some(7)"),
        ("exit 0", Code::E007, "No such file"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let workshop = Workshop { compiler: child(folder.path(), script), ..workshop(&folder.path().join("cache")) };
        let problem = Package::of(bytes()).unwrap().prepare(&workshop).await.err().unwrap();
        assert!(problem.code == code && problem.title.contains(text) && !problem.title.contains('\u{1b}'), "{problem}");
        assert_eq!(fs::read_dir(folder.path().join("cache")).unwrap().count(), 0, "nothing is left behind");
    }
}

#[test]
fn components_are_found_by_name_or_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("test.wasm"), bytes()).unwrap();
    let config = Config { data: folder.path().to_owned(), connectors: folder.path().to_owned(), program: PathBuf::new() };
    let code = |connector: &ConnectorRef, config: &Config| {
        find(connector, folder.path(), config).map(|found| found.digest).map_err(|problem| problem.code)
    };
    let named = code(&ConnectorRef::Builtin("test".to_owned()), &config).unwrap();
    assert_eq!(code(&ConnectorRef::Path("test.wasm".to_owned()), &config).unwrap(), named);
    assert_eq!(named.len(), 64);
    for connector in [
        ConnectorRef::Builtin("absent".to_owned()),
        ConnectorRef::Builtin("../test".to_owned()),
        ConnectorRef::Path(".".to_owned()),
        ConnectorRef::Oci("oci://registry.example/hub/test@sha256:0f3a".to_owned()),
    ] {
        assert_eq!(code(&connector, &config), Err(Code::E007));
    }
}

#[test]
fn descriptions_are_read_first() {
    assert_eq!(Package::of(b"text".to_vec()).err().unwrap().code, Code::E303);
    let mut twice = bytes();
    append_section(&mut twice, b"{}");
    assert_eq!(Package::of(twice).err().unwrap().code, Code::E303);
    let other = component(
        &source("", "(func $work (result i64) (i64.const 7))"),
        "source-connector",
        &description(&[]).replace("\"0.1\"", "\"0.9\""),
    );
    assert_eq!(Package::of(other).err().unwrap().code, Code::E304);
}
