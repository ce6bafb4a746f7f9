//! Where secrets are: a file, a variable, or hub's own key store. A secret itself is refused and blanked before a source is shown.

use super::super::SecretRef;
use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::walk::literal_secret;
use super::read;
use crate::problem::{Span, Spanned};

/// The greatest length of a key's name in the key store in bytes.
const MAX_KEY_NAME_BYTES: usize = 128;

/// `key = { file }`, `{ env }` or `"kms:NAME"`. `place`: the table, for messages.
pub(super) fn key(table: &Table, place: &str, loader: &mut Loader<'_>) -> Option<Spanned<SecretRef>> {
    let Node { value, span } = table.get("key")?;
    let value = match value {
        Raw::Table(written) => secret(written, *span, loader)?,
        Raw::Text(written) => match written.strip_prefix("kms:").filter(|name| is_key_name(name)) {
            Some(name) => SecretRef::Store(name.to_owned()),
            None => {
                loader.findings.secrets.push(*span);
                loader.findings.push(literal_secret(
                    &format!("{place}.key"),
                    "`\"kms:NAME\"`, `{ file = \"…\" }` or `{ env = \"…\" }`",
                    *span,
                ));
                return None;
            }
        },
        _ => return None,
    };
    Some(Spanned { value, span: *span })
}

/// Parts of lower-case letters, digits, `-`, `_` and `.`, joined by slashes; each begins with a letter or digit.
fn is_key_name(name: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part =
        |part: &str| part.bytes().next().is_some_and(first) && part.bytes().all(|byte| first(byte) || matches!(byte, b'-' | b'_' | b'.'));
    name.len() <= MAX_KEY_NAME_BYTES && name.split('/').all(part)
}

/// `{ file = "…" }` or `{ env = "…" }`.
pub(super) fn secret(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<SecretRef> {
    match (table.get("file"), table.get("env")) {
        (Some(_), None) => Some(SecretRef::File(read::filled(table, "file", loader)?.value)),
        (None, Some(_)) => {
            let name = read::text(table, "env")?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.value.is_empty() || !name.value.bytes().all(plain) || name.value.as_bytes().first().is_some_and(u8::is_ascii_digit) {
                loader.findings.wrong(
                    name.span,
                    "this is not the name of an environment variable",
                    "write its name, for example `CRM_TOKEN`",
                );
                return None;
            }
            Some(SecretRef::Env(name.value))
        }
        (Some(_), Some(_)) => {
            loader.findings.wrong(span, "a secret can stand in one place only", "keep `file` or `env`");
            None
        }
        (None, None) => {
            loader.findings.missing(span, "file", "the place of a secret", "\"secrets/token\"");
            None
        }
    }
}
