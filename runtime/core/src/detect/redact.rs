//! Puts marks in the place of what is found. A redacted text is not anonymous: what is not found stays.

use super::{DetectorSet, find_all};

/// Appends the text with a mark such as `[EMAIL]` in the place of each hit; `plain` appends what stands between them.
pub fn redact(text: &str, wanted: DetectorSet, out: &mut Vec<u8>, plain: impl Fn(&str, &mut Vec<u8>)) {
    // Costs nothing as long as nothing is found.
    let mut hits = Vec::new();
    find_all(text.as_bytes(), wanted, &mut hits);
    let mut from = 0;
    for hit in hits {
        plain(text.get(from..hit.range.start).unwrap_or_default(), out);
        out.extend_from_slice(hit.detector.mark().as_bytes());
        from = hit.range.end;
    }
    plain(text.get(from..).unwrap_or_default(), out);
}
