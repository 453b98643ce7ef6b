//! The line editor: keys in, a line and what the screen shows out.

/// Longest line, in bytes; what is typed beyond is dropped with a bell.
pub const LINE_MAX: usize = 64 * 1024;
/// Lines kept in the history.
const HISTORY_MAX: usize = 64;

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The line or the cursor changed, or nothing did.
    Edited,
    /// The line is complete.
    Line(String),
    /// The line is complete and was too long to be kept.
    TooLong,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D on an empty line.
    End,
    Help,
    Tab,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Bracket,
    Digit(u8),
}

/// One line under way.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    text: Vec<char>,
    bytes: usize,
    cursor: usize,
    escape: Escape,
    partial: Vec<u8>,
    after_cr: bool,
    too_long: bool,
    history: Vec<String>,
    recalled: Option<usize>,
    /// What stands before the line on the screen.
    prompt: String,
    /// True while keys are not shown.
    secret: bool,
    /// True if keys are never shown.
    mute: bool,
    /// True while `?` and Tab are ordinary characters.
    plain: bool,
}

impl Edit {
    /// Begins a new line behind a prompt.
    pub fn begin(&mut self, prompt: &str, secret: bool, plain: bool) {
        self.prompt = prompt.rsplit('\n').next().unwrap_or_default().to_owned();
        (self.secret, self.plain) = (secret || self.mute, plain);
        self.clear();
    }

    /// Shows no key any more.
    pub fn mute(&mut self) {
        (self.mute, self.secret) = (true, true);
    }

    /// Returns the line as far as it is typed.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Returns the text before the cursor.
    pub fn before(&self) -> String {
        self.text.iter().take(self.cursor).collect()
    }

    /// Returns true if nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Types a text, as completion does.
    pub fn insert(&mut self, text: &str, screen: &mut Vec<u8>) {
        for c in text.chars() {
            self.put(c, screen);
        }
    }

    /// Draws prompt and line anew.
    pub fn redraw(&self, screen: &mut Vec<u8>) {
        screen.extend_from_slice(b"\r\x1b[K");
        screen.extend_from_slice(self.prompt.as_bytes());
        if !self.secret {
            screen.extend_from_slice(self.text().as_bytes());
            let back = self.text.len() - self.cursor;
            screen.extend(std::iter::repeat_n(8, back));
        }
    }

    /// Keeps a line for the arrow keys.
    pub fn remember(&mut self, line: &str) {
        if !line.trim().is_empty() && self.history.last().is_none_or(|last| last != line) {
            if self.history.len() == HISTORY_MAX {
                self.history.remove(0);
            }
            self.history.push(line.to_owned());
        }
    }

    /// Takes one byte from the keyboard.
    pub fn key(&mut self, byte: u8, screen: &mut Vec<u8>) -> Key {
        let after_cr = std::mem::take(&mut self.after_cr);
        if self.escape != Escape::None {
            self.escaped(byte, screen);
            return Key::Edited;
        }
        match byte {
            b'\n' if after_cr => Key::Edited,
            b'\r' | b'\n' => {
                self.after_cr = byte == b'\r';
                self.finish(screen)
            }
            0x1b => {
                self.escape = Escape::Begun;
                Key::Edited
            }
            3 => {
                screen.extend_from_slice(b"^C\r\n");
                self.clear();
                Key::Interrupt
            }
            4 if self.text.is_empty() => Key::End,
            b'?' if !self.plain => Key::Help,
            b'\t' if !self.plain => Key::Tab,
            0..0x20 | 0x7f => {
                self.control(byte, screen);
                Key::Edited
            }
            0x20..0x7f => {
                self.partial.clear();
                self.put(char::from(byte), screen);
                Key::Edited
            }
            0x80.. => {
                self.wide(byte, screen);
                Key::Edited
            }
        }
    }

    fn finish(&mut self, screen: &mut Vec<u8>) -> Key {
        screen.extend_from_slice(b"\r\n");
        let line = self.text();
        let too_long = self.too_long;
        self.clear();
        if too_long { Key::TooLong } else { Key::Line(line) }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.partial.clear();
        (self.bytes, self.cursor, self.too_long, self.recalled) = (0, 0, false, None);
    }

    /// Gathers a character of several bytes; what is no UTF-8 rings the bell.
    fn wide(&mut self, byte: u8, screen: &mut Vec<u8>) {
        self.partial.push(byte);
        match std::str::from_utf8(&self.partial).map(|text| text.chars().next()) {
            Ok(Some(c)) => {
                self.partial.clear();
                if c.is_control() {
                    screen.push(7);
                } else {
                    self.put(c, screen);
                }
            }
            Err(error) if error.error_len().is_none() && self.partial.len() < 4 => {}
            Ok(None) | Err(_) => {
                self.partial.clear();
                screen.push(7);
            }
        }
    }

    fn put(&mut self, c: char, screen: &mut Vec<u8>) {
        if self.bytes + c.len_utf8() > LINE_MAX {
            if !self.too_long {
                screen.push(7);
            }
            self.too_long = true;
            return;
        }
        self.text.insert(self.cursor, c);
        self.bytes += c.len_utf8();
        self.cursor += 1;
        if self.secret {
            return;
        }
        if self.cursor == self.text.len() {
            screen.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            self.redraw(screen);
        }
    }

    fn control(&mut self, byte: u8, screen: &mut Vec<u8>) {
        match byte {
            1 => self.cursor = 0,
            2 => self.cursor = self.cursor.saturating_sub(1),
            4 => self.remove(self.cursor, self.cursor + 1),
            5 => self.cursor = self.text.len(),
            6 => self.cursor = (self.cursor + 1).min(self.text.len()),
            8 | 0x7f if self.cursor > 0 => {
                self.cursor -= 1;
                self.remove(self.cursor, self.cursor + 1);
                if self.cursor == self.text.len() && !self.secret {
                    screen.extend_from_slice(b"\x08 \x08");
                    return;
                }
            }
            11 => self.remove(self.cursor, self.text.len()),
            12 | 18 => {}
            14 => self.recall(false),
            16 => self.recall(true),
            21 => {
                self.remove(0, self.cursor);
                self.cursor = 0;
            }
            23 => {
                let blank = |c: &char| *c == ' ';
                let head = self.text.get(..self.cursor).unwrap_or_default();
                let end = head.iter().rposition(|c| !blank(c)).map_or(0, |at| at + 1);
                let start = head.iter().take(end).rposition(blank).map_or(0, |at| at + 1);
                self.remove(start, self.cursor);
                self.cursor = start;
            }
            _ => {
                screen.push(7);
                return;
            }
        }
        if !self.secret {
            self.redraw(screen);
        }
    }

    fn escaped(&mut self, byte: u8, screen: &mut Vec<u8>) {
        let was = std::mem::take(&mut self.escape);
        let key = match (was, byte) {
            (Escape::Begun, b'[' | b'O') => {
                self.escape = Escape::Bracket;
                return;
            }
            (Escape::Bracket, b'0'..=b'9') => {
                self.escape = Escape::Digit(byte);
                return;
            }
            (Escape::Digit(_), b'0'..=b'9' | b';') => {
                self.escape = was;
                return;
            }
            (Escape::Bracket, b'A') => 16,
            (Escape::Bracket, b'B') => 14,
            (Escape::Bracket, b'C') => 6,
            (Escape::Bracket, b'D') => 2,
            (Escape::Bracket, b'H') | (Escape::Digit(b'1' | b'7'), b'~') => 1,
            (Escape::Bracket, b'F') | (Escape::Digit(b'4' | b'8'), b'~') => 5,
            (Escape::Digit(b'3'), b'~') if !self.text.is_empty() => 4,
            (Escape::None | Escape::Begun | Escape::Bracket | Escape::Digit(_), _) => return,
        };
        self.control(key, screen);
    }

    fn remove(&mut self, from: usize, to: usize) {
        let to = to.min(self.text.len());
        if from < to {
            self.text.drain(from..to);
            self.bytes = self.text.iter().map(|c| c.len_utf8()).sum();
        }
    }

    fn recall(&mut self, older: bool) {
        if self.secret || self.plain {
            return;
        }
        let last = self.history.len();
        let at = self.recalled.unwrap_or(last);
        let to = if older { at.saturating_sub(1) } else { (at + 1).min(last) };
        self.recalled = (to < last).then_some(to);
        self.text = self.history.get(to).map_or_else(Vec::new, |line| line.chars().collect());
        self.bytes = self.text.iter().map(|c| c.len_utf8()).sum();
        self.cursor = self.text.len();
    }
}
