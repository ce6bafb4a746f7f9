//! Files of a granted folder, on a real disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use hub_core::problem::Code;

use super::{Compression, FileError, FilesState, append, list, open, replace};
use crate::capability::run::Run;
use crate::tests::{World, world_in};

const GRANTS: &str = "folders = { in = { path = \"in\", access = \"read\" }, out = { path = \"out\", access = \"write\" } }";

fn files(folder: &Path) -> World {
    fs::create_dir_all(folder.join("in")).unwrap();
    world_in(folder, GRANTS)
}

async fn text(run: &Run, path: &str, compression: Compression) -> Result<Vec<u8>, FileError> {
    let mut reader = open(run, path, compression).await?;
    let mut all = Vec::new();
    while let Some(chunk) = reader.read(run, 3).await? {
        assert!(chunk.len() <= 3);
        all.extend(chunk);
    }
    Ok(all)
}

#[tokio::test]
async fn files_are_listed_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let world = files(folder.path());
    fs::write(folder.path().join("in/b.txt"), "hello").unwrap();
    fs::write(folder.path().join("in/a.txt"), "").unwrap();
    fs::create_dir(folder.path().join("in/sub")).unwrap();
    std::os::unix::fs::symlink("b.txt", folder.path().join("in/link")).unwrap();
    let run = world.run();
    let listed = list(&run, "in").await.unwrap();
    assert_eq!(listed.iter().map(|entry| (&*entry.path, entry.size)).collect::<Vec<_>>(), [("in/a.txt", 0), ("in/b.txt", 5)]);
    assert!(listed[0].modified_ms > 1_600_000_000_000);
    assert_eq!(text(&run, "in/b.txt", Compression::None).await.unwrap(), b"hello");
    assert_eq!(text(&run, "in/link", Compression::None).await.unwrap(), b"hello", "a link inside the folder is a file");
    assert_eq!(text(&run, "in/a.txt", Compression::None).await.unwrap(), b"");
    assert!(matches!(text(&run, "in/absent", Compression::None).await, Err(FileError::NotFound(_))));
    assert!(matches!(text(&run, "in/sub", Compression::None).await, Err(FileError::Failed(_))));
    assert!(matches!(text(&run, "in/b.txt", Compression::Gzip).await, Err(FileError::Failed(_))));
    assert!(run.refusal().is_none());
}

#[tokio::test]
async fn what_leads_out_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "x").unwrap();
    let world = files(folder.path());
    let inside = folder.path().join("in");
    std::os::unix::fs::symlink("../secret", inside.join("leak")).unwrap();
    std::os::unix::fs::symlink(folder.path(), inside.join("up")).unwrap();
    for path in
        ["in/../secret", "in//secret", "in/./secret", "/etc/passwd", "in/leak", "in/up/secret", "else/x", "out/x", "in/\0", "in/a\\b"]
    {
        let run = world.run();
        let error = text(&run, path, Compression::None).await.err().unwrap();
        assert!(matches!(error, FileError::Ended(_)), "{path}: {error:?}");
        assert_eq!(run.refusal().unwrap().code, Code::E308, "{path}");
    }
    let run = world.run();
    assert!(matches!(open(&run, &"in/".repeat(400), Compression::None).await, Err(FileError::Ended(_))));
    assert_eq!(run.refusal().unwrap().code, Code::E306);
    for path in ["in/x", "out/../x", "out/link"] {
        let run = world.run();
        drop(fs::remove_file(folder.path().join("out/link")));
        std::os::unix::fs::symlink("../secret", folder.path().join("out/link")).unwrap();
        assert!(matches!(replace(&run, path, Compression::None).await, Err(FileError::Ended(_))), "{path}");
        let run = world.run();
        assert!(matches!(append(&run, path, Compression::None).await, Err(FileError::Ended(_))), "{path}");
        assert_eq!(run.refusal().unwrap().code, Code::E308);
    }
    assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"x");
}

#[tokio::test]
async fn a_replacement_takes_its_place_at_the_end_or_never() {
    let folder = tempfile::tempdir().unwrap();
    let world = files(folder.path());
    let run = world.run();
    let target = folder.path().join("out/deep/file");
    let mut writer = replace(&run, "out/deep/file", Compression::None).await.unwrap();
    writer.write(&run, b"new".to_vec()).await.unwrap();
    writer.sync(&run).await.unwrap();
    assert!(!target.exists());
    assert!(matches!(replace(&world.run(), "out/deep/file", Compression::None).await, Err(FileError::Failed(_))), "one writer at a time");
    writer.finish(&run).await.unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert!(writer.write(&run, b"more".to_vec()).await.is_err());

    let mut abandoned = replace(&run, "out/deep/file", Compression::None).await.unwrap();
    abandoned.write(&run, b"half".to_vec()).await.unwrap();
    drop(abandoned);
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");

    fs::write(target.with_file_name(".file.hub-partial"), "left by a run that was killed").unwrap();
    let mut writer = replace(&run, "out/deep/file", Compression::Gzip).await.unwrap();
    writer.finish(&run).await.unwrap();
    let mut plain = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(&target).unwrap()).read_to_string(&mut plain).unwrap();
    assert_eq!(plain, "");
}

async fn appended(world: &World, cut_to: BTreeMap<String, u64>, text: &str, compression: Compression) -> BTreeMap<String, u64> {
    let mut run = world.run();
    run.files = FilesState::open(&world.sources, &world.system, cut_to).unwrap();
    let positions = run.files.positions();
    let mut writer = append(&run, "out/log", compression).await.unwrap();
    writer.write(&run, text.as_bytes().to_vec()).await.unwrap();
    writer.sync(&run).await.unwrap();
    let synced = positions.committed();
    writer.write(&run, b"not covered by a checkpoint".to_vec()).await.unwrap();
    assert_eq!(positions.committed(), synced);
    synced
}

#[tokio::test]
async fn an_interrupted_append_is_cut_back_to_what_was_committed() {
    for compression in [Compression::None, Compression::Gzip] {
        let folder = tempfile::tempdir().unwrap();
        let world = files(folder.path());
        let committed = appended(&world, BTreeMap::new(), "one\n", compression).await;
        assert_eq!(committed.keys().collect::<Vec<_>>(), ["out/log"]);
        let committed = appended(&world, committed, "two\n", compression).await;
        let run = {
            let mut run = world.run();
            run.files = FilesState::open(&world.sources, &world.system, committed.clone()).unwrap();
            run
        };
        let mut writer = append(&run, "out/log", compression).await.unwrap();
        assert_eq!(run.files.positions().committed(), committed, "the length is known as soon as the file is open");
        writer.finish(&run).await.unwrap();
        let bytes = fs::read(folder.path().join("out/log")).unwrap();
        let mut plain = String::new();
        match compression {
            Compression::None => plain.push_str(std::str::from_utf8(&bytes).unwrap()),
            Compression::Gzip => drop(flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut plain).unwrap()),
        }
        assert_eq!(plain, "one\ntwo\n");
        fs::write(folder.path().join("out/log"), "x").unwrap();
        append(&run, "out/log", compression).await.unwrap();
        assert_eq!(fs::read(folder.path().join("out/log")).unwrap(), b"x", "a file that somebody made shorter is kept");
    }
}

#[tokio::test]
async fn packed_files_of_several_members_are_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let world = files(folder.path());
    appended(&world, BTreeMap::new(), "one ", Compression::Gzip).await;
    appended(&world, BTreeMap::new(), "two ", Compression::Gzip).await;
    fs::rename(folder.path().join("out/log"), folder.path().join("in/log")).unwrap();
    let read = text(&world.run(), "in/log", Compression::Gzip).await.unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), "one not covered by a checkpointtwo not covered by a checkpoint");
    let whole = fs::read(folder.path().join("in/log")).unwrap();
    fs::write(folder.path().join("in/log"), &whole[..whole.len() - 5]).unwrap();
    assert!(matches!(text(&world.run(), "in/log", Compression::Gzip).await, Err(FileError::Failed(_))), "the last member has no end");
}

#[tokio::test]
async fn a_pipe_does_not_hold_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let world = files(folder.path());
    rustix::fs::mknodat(rustix::fs::CWD, folder.path().join("in/pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(matches!(open(&world.run(), "in/pipe", Compression::None).await, Err(FileError::Failed(_))));
}

#[test]
fn a_folder_that_is_missing_is_told_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_in(folder.path(), GRANTS);
    let problem = FilesState::open(&world.sources, &world.system, BTreeMap::new()).err().unwrap();
    assert_eq!(problem.code, Code::E308);
    assert!(!problem.labels.is_empty() && problem.title.contains("`in`"), "{problem}");
}
