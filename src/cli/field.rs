//! One line typed at a question outside the command language: a name, a password, an address.

/// Longest line, in characters; more is dropped.
pub const FIELD_MAX: usize = 256;

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The line changed, or nothing did.
    Typed,
    Line(String),
    /// Ctrl-C, or Ctrl-D behind some text.
    Interrupt,
    /// Ctrl-D on an empty line.
    End,
}

/// The line under way.
#[derive(Clone, Debug, Default)]
pub struct Field {
    text: String,
    after_cr: bool,
}

impl Field {
    /// Takes a key; what is typed is shown only if `echo`. Line ends are shown in any case.
    pub fn key(&mut self, key: u8, echo: bool, screen: &mut Vec<u8>) -> Key {
        let after_cr = std::mem::replace(&mut self.after_cr, key == b'\r');
        match key {
            // The second half of a line end, and what telnet sends behind a CR.
            b'\n' | 0 if after_cr => {}
            b'\r' | b'\n' => {
                screen.extend_from_slice(b"\r\n");
                return Key::Line(std::mem::take(&mut self.text));
            }
            8 | 0x7f if self.text.pop().is_some() && echo => {
                screen.extend_from_slice(b"\x08 \x08");
            }
            // Ctrl-U and Ctrl-W.
            21 | 23 => {
                let shown = if echo { self.text.chars().count() } else { 0 };
                for _ in 0..shown {
                    screen.extend_from_slice(b"\x08 \x08");
                }
                self.text.clear();
            }
            4 if self.text.is_empty() => return Key::End,
            3 | 4 => {
                self.text.clear();
                screen.extend_from_slice(b"\r\n");
                return Key::Interrupt;
            }
            0x20..0x7f if self.text.len() < FIELD_MAX => {
                self.text.push(char::from(key));
                if echo {
                    screen.push(key);
                }
            }
            // What no name, password or address has.
            _ => {}
        }
        Key::Typed
    }

    /// Forgets what was typed.
    pub fn clear(&mut self) {
        self.text.clear();
    }
}

/// Adds a text to a screen; its lines end in `\n`, those of the screen in `\r\n`.
pub fn show(screen: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        if byte == b'\n' {
            screen.push(b'\r');
        }
        screen.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8], echo: bool) -> (Vec<Key>, String) {
        let (mut field, mut screen) = (Field::default(), Vec::new());
        let done: Vec<Key> = keys
            .iter()
            .map(|key| field.key(*key, echo, &mut screen))
            .filter(|key| *key != Key::Typed)
            .collect();
        (done, String::from_utf8(screen).unwrap())
    }

    #[test]
    fn every_line_end_is_one() {
        let line = |text: &str| Key::Line(text.to_owned());
        let keys = b"a\r\nb\rc\nd\r\0\n";
        let lines = vec![line("a"), line("b"), line("c"), line("d"), line("")];
        assert_eq!(typed(keys, false).0, lines);
    }

    #[test]
    fn keys_edit_the_line() {
        let (done, shown) = typed(b"root\x15ab\x7fcd\xff\x1b\t\n", true);
        assert_eq!(done, [Key::Line("acd".to_owned())]);
        assert_eq!(shown, format!("root{}ab\x08 \x08cd\r\n", "\x08 \x08".repeat(4)));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let (done, shown) = typed(b"se\x7f\x15cret\n", false);
        assert_eq!((done, shown.as_str()), (vec![Key::Line("cret".to_owned())], "\r\n"));
    }

    #[test]
    fn a_line_is_bounded() {
        let long = [vec![b'x'; 5000], vec![b'\n']].concat();
        assert_eq!(typed(&long, true).0, [Key::Line("x".repeat(FIELD_MAX))]);
    }
}
