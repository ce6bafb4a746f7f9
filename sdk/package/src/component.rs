//! A core module becomes a component: the description moves from the nested module to the component, the rest is wit-component's work.
//!
//! Does not judge what a description says (the host does), only that there is exactly one.

use wit_component::ComponentEncoder;

/// The custom section that holds a description.
pub const SECTION: &str = "hub:manifest";

const HEADER_BYTES: usize = 8;
const CUSTOM: u8 = 0;

/// The component of a core module that the SDK's macro put a description into.
///
/// # Errors
/// It has not exactly one description, or is no module of hub's worlds.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    let (module, description) = split(module)?;
    let encoded = ComponentEncoder::default().validate(true).module(&module).and_then(|encoder| encoder.encode());
    let mut component = encoded.map_err(|error| format!("it is not a component of hub's worlds: {error:#}"))?;
    append(&mut component, SECTION, &description);
    Ok(component)
}

/// The module without its description, and the description.
fn split(module: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut kept = module.get(..HEADER_BYTES).ok_or_else(|| malformed(0))?.to_vec();
    let mut descriptions = Vec::new();
    for section in sections(module)? {
        match section.name {
            Some(SECTION) => descriptions.push(section.data.to_vec()),
            _ => kept.extend_from_slice(section.whole),
        }
    }
    match <[Vec<u8>; 1]>::try_from(descriptions) {
        Ok([description]) => Ok((kept, description)),
        Err(found) => Err(format!(
            "it has {} sections `{SECTION}`, and must have one: call hub_sdk::connector! exactly once in the crate",
            found.len()
        )),
    }
}

/// Appends a custom section.
pub fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut content = length(name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(data);
    component.push(CUSTOM);
    component.extend_from_slice(&length(content.len()));
    component.extend_from_slice(&content);
}

/// What stands before a custom section of this name, and its data, if it is the last section of the component.
#[must_use]
pub fn closing<'a>(component: &'a [u8], name: &str) -> Option<(&'a [u8], &'a [u8])> {
    let sections = sections(component).ok()?;
    let last = sections.last().filter(|last| last.name == Some(name))?;
    Some((component.get(..component.len() - last.whole.len())?, last.data))
}

struct Section<'a> {
    /// With its id and length.
    whole: &'a [u8],
    /// Of a custom section.
    name: Option<&'a str>,
    /// Behind the name.
    data: &'a [u8],
}

fn sections(binary: &[u8]) -> Result<Vec<Section<'_>>, String> {
    let mut found = Vec::new();
    let mut at = HEADER_BYTES;
    while at < binary.len() {
        let section = section(&binary[at..]).ok_or_else(|| malformed(at))?;
        at += section.whole.len();
        found.push(section);
    }
    Ok(found)
}

fn section(rest: &[u8]) -> Option<Section<'_>> {
    let (size, size_bytes) = number(rest.get(1..)?)?;
    let begin = 1 + size_bytes;
    let whole = rest.get(..begin.checked_add(size)?)?;
    let content = whole.get(begin..)?;
    if rest.first() != Some(&CUSTOM) {
        return Some(Section { whole, name: None, data: content });
    }
    let (name_size, name_at) = number(content)?;
    let data_at = name_at.checked_add(name_size)?;
    let name = std::str::from_utf8(content.get(name_at..data_at)?).ok()?;
    Some(Section { whole, name: Some(name), data: content.get(data_at..)? })
}

/// An unsigned LEB128 number of at most 32 bits and the bytes that it takes.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(value).ok()?).ok()?, index + 1));
        }
    }
    None
}

fn length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn malformed(at: usize) -> String {
    format!("it is not a WebAssembly binary: the section at byte {at} is broken")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn module(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn the_description_is_taken_out_and_the_rest_kept() {
        let with = module(r#"(module (func) (@custom "hub:manifest" "{}") (@custom "other" "x"))"#);
        let (rest, description) = split(&with).unwrap();
        assert_eq!(description, b"{}");
        assert_eq!(rest, module(r#"(module (func) (@custom "other" "x"))"#));
    }

    #[test]
    fn none_and_two_descriptions_are_refused() {
        for (text, count) in [("(module)", 0), (r#"(module (@custom "hub:manifest" "{}") (@custom "hub:manifest" "{}"))"#, 2)] {
            let failure = split(&module(text)).unwrap_err();
            assert!(failure.contains(&format!("it has {count} sections `hub:manifest`")), "{failure}");
        }
    }

    #[test]
    fn an_appended_section_stands_at_component_level_behind_the_module() {
        let encoded = ComponentEncoder::default().validate(true).module(&module("(module)")).and_then(|encoder| encoder.encode());
        let mut component = encoded.unwrap();
        let long = vec![b'x'; 200];
        append(&mut component, SECTION, &long);
        let sections = sections(&component).unwrap();
        let last = sections.last().unwrap();
        assert_eq!((last.name, last.data), (Some(SECTION), long.as_slice()));
    }

    #[test]
    fn what_closes_a_component_is_told_apart_from_what_stands_before() {
        let mut component = module("(module)");
        let before = component.clone();
        append(&mut component, "hub:lowcode", b"text");
        assert_eq!(closing(&component, "hub:lowcode"), Some((before.as_slice(), b"text".as_slice())));
        append(&mut component, "other", b"");
        assert_eq!(closing(&component, "hub:lowcode"), None, "something stands behind it");
    }

    #[test]
    fn broken_binaries_are_told_and_not_followed() {
        let mut cut = module(r#"(module (@custom "hub:manifest" "0123456789"))"#);
        cut.truncate(cut.len() - 3);
        assert!(split(&cut).unwrap_err().contains("the section at byte 8 is broken"));
        assert!(split(b"abc").is_err());
        assert!(sections(b"\0asm\x01\0\0\0\x00\xff\xff\xff\xff\xff\x01").is_err());
    }

    #[test]
    fn lengths_read_back() {
        for value in [0, 1, 127, 128, 300, 16_384, 262_144, 4_294_967_295] {
            let bytes = length(value);
            assert_eq!(number(&bytes), Some((value, bytes.len())));
        }
    }
}
