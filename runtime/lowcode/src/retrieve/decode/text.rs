//! Bytes as texts.

use crate::fault::Failure;
use crate::model::decoder::Encoding;
use crate::retrieve::failure::system;

/// Decodes a body.
///
/// # Errors
/// It is not in that encoding.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Result<String, Failure> {
    let wrong = || system("a response is not in the encoding that the manifest says");
    match encoding {
        Encoding::Utf8 | Encoding::Ascii => utf8(bytes),
        Encoding::Utf8WithMark => utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
        Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Encoding::Windows1252 => bytes.iter().map(|byte| windows_1252(*byte)).collect::<Option<String>>().ok_or_else(wrong),
        Encoding::Utf16 => match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            other => utf16(other, u16::from_le_bytes),
        },
        Encoding::Utf16Little => utf16(bytes, u16::from_le_bytes),
        Encoding::Utf16Big => utf16(bytes, u16::from_be_bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Failure> {
    String::from_utf8(bytes.to_vec()).map_err(|_| system("a response is not in the encoding that the manifest says"))
}

fn utf16(bytes: &[u8], pair: fn([u8; 2]) -> u16) -> Result<String, Failure> {
    let units = bytes.chunks_exact(2).map(|two| pair([two[0], two[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| system("a response is not in the encoding that the manifest says"))
}

fn windows_1252(byte: u8) -> Option<char> {
    const HIGH: [u16; 32] = [
        0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019,
        0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().filter(|code| *code != 0).and_then(|code| char::from_u32(code.into())),
        other => Some(char::from(other)),
    }
}

/// An XML document: its own encoding is not looked at but for a byte order mark; what is not UTF-8 is taken for Latin-1.
#[must_use]
pub fn of_xml(bytes: &[u8]) -> String {
    let encoding = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Encoding::Utf16,
        _ => Encoding::Utf8WithMark,
    };
    decode(bytes, encoding).unwrap_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// The lines of a body, without their ends.
///
/// # Errors
/// It is not UTF-8.
pub fn lines(bytes: &[u8]) -> Result<impl Iterator<Item = &str>, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| system("a response is not in the encoding that the manifest says"))?;
    let text = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(text);
    let text = if text.is_empty() { None } else { Some(text) };
    Ok(text.into_iter().flat_map(|text| text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))))
}
