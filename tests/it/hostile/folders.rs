//! Attacks on files: paths that lead out, directions that were not granted, things that are no files, too much of them.

use super::attack::{Attack, Guest, ensure};
use super::scene::{self, SECRET, Scene};

const GRANTS: &str = "folders = { in = { path = \"in\", access = \"read\" }, drop = { path = \"drop\", access = \"write\" } }";

const fn refused(name: &'static str, does: &'static str, config: &'static str, code: &'static str, exit: i32) -> Attack {
    Attack::refused(name, "files", Guest::Folders, code, exit).does(does).config(config).system(GRANTS).before(prepare).after(untouched)
}

pub const ALL: &[Attack] = &[
    refused("path-up", "open", ", path = \"in/../secret.txt\"", "HUB-E308", 3),
    refused("path-up-inside", "open", ", path = \"in/deep/../../secret.txt\"", "HUB-E308", 3),
    refused("path-absolute", "open", ", path = \"/etc/passwd\"", "HUB-E308", 3),
    refused("path-absolute-inside", "open", ", path = \"in//etc/passwd\"", "HUB-E308", 3),
    refused("path-with-nul", "open", ", path = \"in/plain.txt\\u0000\"", "HUB-E308", 3),
    refused("path-too-long", "long-path", ", path = \"in\"", "HUB-E306", 3),
    refused("link-to-a-file", "open", ", path = \"in/link\"", "HUB-E308", 3),
    refused("link-to-a-folder", "open", ", path = \"in/away/secret.txt\"", "HUB-E308", 3),
    refused("link-absolute", "open", ", path = \"in/root/etc/passwd\"", "HUB-E308", 3),
    refused("link-listed", "list", ", path = \"in/away\"", "HUB-E308", 3),
    refused("folder-not-granted", "open", ", path = \"other/plain.txt\"", "HUB-E308", 3),
    refused("folder-not-granted-listed", "list", ", path = \"other\"", "HUB-E308", 3),
    refused("tries-again", "open-anyway", ", path = \"in/../secret.txt\"", "HUB-E308", 3),
    refused("write-where-read", "replace", ", path = \"in/plain.txt\"", "HUB-E308", 3),
    refused("append-where-read", "append", ", path = \"in/plain.txt\"", "HUB-E308", 3),
    refused("read-where-write", "open", ", path = \"drop/earlier.txt\"", "HUB-E308", 3),
    refused("replace-through-link", "replace", ", path = \"drop/link\"", "HUB-E308", 3),
    refused("append-through-link", "append", ", path = \"drop/link\"", "HUB-E308", 3),
    refused("replace-through-folder-link", "replace", ", path = \"drop/away/secret.txt\"", "HUB-E308", 3),
    refused("write-up", "replace", ", path = \"drop/../secret.txt\"", "HUB-E308", 3),
    refused("pipe", "open", ", path = \"in/pipe\"", "HUB-E307", 1),
    refused("folder-as-file", "open", ", path = \"in/deep\"", "HUB-E307", 1),
    refused("oversized-write", "oversized-write", ", path = \"drop/new.txt\"", "HUB-E306", 3),
    refused("too-many-files", "list", ", path = \"in/many\"", "HUB-E307", 1).before(|scene| {
        prepare(scene);
        for number in 0..10_001 {
            scene.program.write(&format!("in/many/{number}"), "");
        }
    }),
    refused("too-many-readers", "many-handles", ", path = \"in/plain.txt\"", "HUB-E302", 1),
    Attack::contained("unfinished-replacement", "files", Guest::Folders)
        .does("replace-unfinished")
        .config(", path = \"drop/earlier.txt\"")
        .system(GRANTS)
        .before(prepare)
        .after(untouched),
];

/// A folder to read with links, a pipe and a folder in it, one to write with a link in it, and a secret beside them.
fn prepare(scene: &Scene) {
    let program = &scene.program;
    if program.has("in/plain.txt") {
        return;
    }
    program.write("in/plain.txt", "plain");
    program.write("in/deep/plain.txt", "plain");
    program.write("other/plain.txt", SECRET);
    program.write("drop/earlier.txt", "earlier");
    let made = program.shell("ln -s ../secret.txt in/link && ln -s .. in/away && ln -s / in/root && ln -s ../secret.txt drop/link && ln -s .. drop/away && mkfifo in/pipe");
    assert_eq!(made.code, Some(0), "{}", made.stderr);
}

/// Whatever was tried: the files that were there hold what they held, and nothing else is there.
fn untouched(scene: &Scene, _: &scene::End) -> Result<(), String> {
    let program = &scene.program;
    for (file, content) in [("secret.txt", &*format!("{SECRET}\n")), ("in/plain.txt", "plain"), ("drop/earlier.txt", "earlier")] {
        ensure(program.read(file) == content, || format!("{file} now holds {:?}", program.read(file)))?;
    }
    let mut names: Vec<String> = std::fs::read_dir(program.path("drop"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    ensure(names == ["away", "earlier.txt", "link"], || format!("the folder now holds {names:?}"))
}

#[test]
fn attacks_on_files() {
    scene::perform(ALL);
}
