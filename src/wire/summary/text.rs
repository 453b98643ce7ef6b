//! Bytes from the network as text that can stand in a line.

/// Appends `bytes`: what is not UTF-8 becomes U+FFFD, what does not print becomes an escape.
///
/// # Source
/// tshark 4.0: the escapes of C where there is one, three octal digits otherwise, and backslashes
/// as they are.
pub(super) fn push(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\x07' => out.push_str("\\a"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x0b' => out.push_str("\\v"),
                '\0'..' ' | '\x7f' => {
                    let code = u32::from(letter);
                    for shift in [6, 3, 0] {
                        out.push(char::from_digit(code >> shift & 7, 8).unwrap_or('0'));
                        if shift == 6 {
                            let at = out.len() - 1;
                            out.insert(at, '\\');
                        }
                    }
                }
                letter => out.push(letter),
            }
        }
        if !chunk.invalid().is_empty() {
            out.push('\u{fffd}');
        }
    }
}
