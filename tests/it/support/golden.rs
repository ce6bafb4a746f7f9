//! Whole outputs as files below `tests/golden`, with what differs from run to run replaced. `cargo xtask bless` writes them anew.

use std::path::Path;

use super::program::connectors;

/// Compares a text with `tests/golden/NAME.snap`.
pub fn golden(name: &str, actual: &str, folder: &Path) {
    let text = normal(actual, folder);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The text with places, runs, digests, times, durations and versions replaced by their names.
pub fn normal(text: &str, folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let text = text.replace(&*whole.to_string_lossy(), "[FOLDER]").replace(&*folder.to_string_lossy(), "[FOLDER]");
    let text = text.replace(&*connectors().to_string_lossy(), "[CONNECTORS]").replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    let text = without_progress(&text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let starts_word = !out.ends_with(|last: char| last.is_ascii_alphanumeric());
        let (taken, shown) = if starts_word { word(rest) } else { None }.unwrap_or((first.len_utf8(), &rest[..first.len_utf8()]));
        out.push_str(shown);
        rest = &rest[taken..];
    }
    out
}

/// The text without the lines that a run prints every ten seconds: how many there are is the machine's matter.
pub fn without_progress(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.trim_end().ends_with(" rec/s")).collect()
}

/// The length of a changing word at the beginning of the text, and its name.
fn word(text: &str) -> Option<(usize, &'static str)> {
    let length = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
    let word = &text[..length];
    if length == 26 && word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return Some((length, "[RUN]"));
    }
    let is_hex = word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if matches!(length, 12 | 16 | 32 | 64) && is_hex {
        return Some((length, "[DIGEST]"));
    }
    time(text).or_else(|| seconds(text))
}

/// `2026-11-23T10:11:12.123Z`.
fn time(text: &str) -> Option<(usize, &'static str)> {
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || "-:.TZ".contains(letter))).unwrap_or(text.len());
    let shape = text[..end].split('T').map(str::len).collect::<Vec<_>>();
    (shape.first() == Some(&10) && shape.len() == 2 && text[..end].contains(':')).then_some((end, "[TIME]"))
}

/// `0.3 s`.
fn seconds(text: &str) -> Option<(usize, &'static str)> {
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
    let is_unit = text[end..].starts_with(" s") && !text[end + 2..].starts_with(|letter: char| letter.is_ascii_alphanumeric());
    (end > 0 && text[..end].contains('.') && is_unit).then_some((end, "[SECONDS]"))
}

#[test]
fn what_changes_is_replaced_and_nothing_else() {
    let text = "run 01JD6ZABCDEFGHJKMNPQRSTVWX at 2026-11-23T10:11:12.123Z took 0.3 s in /tmp/x/out; sha256:0123456789ab, 1000 records, HUB-E101 facade";
    let expected = "run [RUN] at [TIME] took [SECONDS] s in [FOLDER]/out; sha256:[DIGEST], 1000 records, HUB-E101 facade";
    assert_eq!(normal(text, Path::new("/tmp/x")), expected);
}
