//! Puts marks in the place of what is found. A redacted text is not anonymous: what is not found stays.

use super::{DetectorSet, find_all};

/// Appends the text with a mark such as `[EMAIL]` in the place of each hit. Valid UTF-8 stays valid.
pub fn redact(text: &[u8], wanted: DetectorSet, out: &mut Vec<u8>) {
    let mut hits = Vec::new();
    find_all(text, wanted, &mut hits);
    let mut from = 0;
    for hit in hits {
        out.extend_from_slice(text.get(from..hit.range.start).unwrap_or_default());
        out.extend_from_slice(hit.detector.mark().as_bytes());
        from = hit.range.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
}
