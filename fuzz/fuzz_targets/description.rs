//! Any bytes as a component, and as the section of a sound component: described or refused, never a panic.

#![no_main]

use hub_core::description::{MAX_SECTION_BYTES, SECTION, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let direct = read(input);
    assert!(direct.is_err_and(|error| !error.to_string().is_empty()) || input.starts_with(b"\0asm"));
    let wrapped = read(&component(input));
    if input.len() > MAX_SECTION_BYTES {
        assert!(wrapped.is_err());
    } else if let Ok(description) = wrapped {
        assert!(!description.name.is_empty());
    }
});

/// An empty component with one custom section.
fn component(section: &[u8]) -> Vec<u8> {
    let mut content = length(SECTION.len());
    content.extend(SECTION.as_bytes());
    content.extend(section);
    let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
    bytes.extend(length(content.len()));
    bytes.extend(content);
    bytes
}

/// LEB128.
fn length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
