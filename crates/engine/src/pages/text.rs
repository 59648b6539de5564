//! Pages as text, whatever their bytes are.

/// What 0x80 to 0x9F mean in Windows-1252; five of them mean nothing (encoding.spec.whatwg.org).
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

/// The text of a page for somebody who edits or compares it. Bytes that are not UTF-8 are read as Windows-1252, which old files are most
/// likely in and which loses no byte.
pub fn readable(source: Vec<u8>) -> String {
    String::from_utf8(source).unwrap_or_else(|error| {
        error
            .as_bytes()
            .iter()
            .map(|byte| match byte {
                0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
                other => char::from(*other),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_encodings_are_read_and_no_byte_is_lost() {
        assert_eq!(readable("Grüße".into()), "Grüße");
        assert_eq!(readable(b"Gr\xfc\xdfe \x80 \x96".to_vec()), "Grüße € –");
        let all: Vec<u8> = (0..=255).collect();
        let text = readable(all);
        assert_eq!(text.chars().collect::<std::collections::BTreeSet<_>>().len(), 256);
    }
}
