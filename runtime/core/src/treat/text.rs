//! Text of values: characters kept and masked, JSON escapes, hex and base32. Knows no treatment.

use data_encoding::{BASE32_NOPAD, Encoding};

/// All characters become `*` but the first and last few, as a JSON string.
pub(super) fn mask(text: &str, first: usize, last: usize, out: &mut Vec<u8>) {
    let count = text.chars().count();
    // A mask that would show everything shows nothing.
    let (first, last) = if count <= first.saturating_add(last) { (0, 0) } else { (first, last) };
    let head = prefix(text, first);
    let tail = text.get(prefix(text, count - last).len()..).unwrap_or_default();
    quoted(out, |out| {
        escape(head, out);
        out.resize(out.len() + count - first - last, b'*');
        escape(tail, out);
    });
}

/// The first `count` characters.
pub(super) fn prefix(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// Quotes around what `body` appends.
pub(super) fn quoted(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    body(out);
    out.push(b'"');
}

/// Appends text as the inside of a JSON string.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                hex(&[byte], out);
            }
            _ => out.push(byte),
        }
    }
}

/// Appends lower-case hex.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

/// Replaces everything from `mark` on by its RFC 4648 base32 in lower case without padding.
pub(super) fn base32_from(mark: usize, out: &mut Vec<u8>) {
    encode_from(&BASE32_NOPAD, mark, out);
    if let Some(text) = out.get_mut(mark..) {
        text.make_ascii_lowercase();
    }
}

/// Replaces everything from `mark` on by its encoding: `out` is its own scratch space, so that no value costs an allocation.
pub(super) fn encode_from(encoding: &Encoding, mark: usize, out: &mut Vec<u8>) {
    let end = out.len();
    let length = encoding.encode_len(end.saturating_sub(mark));
    out.resize(end + length, 0);
    let (raw, encoded) = out.split_at_mut(end);
    encoding.encode_mut(raw.get(mark..).unwrap_or_default(), encoded);
    out.drain(mark..end);
}
