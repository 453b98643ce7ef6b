//! The line editor: keys in, a line and what the screen shows out.
//!
//! A key at the line's end is echoed; any other edit marks the screen as stale, and
//! [`Edit::refresh`] draws once for all keys of one read. A line wider than the screen goes on in the
//! row below, as the screen itself wraps it.

use std::mem;

/// Longest line, in bytes; what is typed beyond is dropped with a bell.
pub const LINE_MAX: usize = 64 * 1024;
/// Lines kept in the history.
pub const HISTORY_MAX: usize = 64;
const BELL: u8 = 7;

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

/// How far a sequence of several keys has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sequence {
    #[default]
    None,
    /// Behind Ctrl-V: the next key stands for itself.
    Literal,
    /// Behind ESC.
    Escape,
    /// Behind `ESC [` or `ESC O`, with the first number.
    Control { number: u16, counting: bool },
}

/// Where the screen's cursor stands, from where the prompt begins. A column equal to the width is
/// the last one of its row, with the next character to begin a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spot {
    row: usize,
    column: usize,
}

/// One line under way, and what the screen shows of it.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    text: Vec<char>,
    bytes: usize,
    cursor: usize,
    sequence: Sequence,
    /// The bytes of a character that is not complete.
    partial: Vec<u8>,
    too_long: bool,
    history: Vec<String>,
    recalled: Option<usize>,
    /// What was typed before the history was looked into.
    draft: Vec<char>,
    /// What stands before the line on the screen.
    prompt: String,
    /// Columns of the screen; 0 if it does not wrap.
    columns: usize,
    spot: Spot,
    /// The last row that prompt and line take.
    depth: usize,
    /// True while the screen does not show the line as it is.
    stale: bool,
    /// True while keys are not shown.
    secret: bool,
    /// True if keys are never shown.
    mute: bool,
    /// True while `?` and Tab are ordinary characters.
    plain: bool,
}

impl Edit {
    /// Begins a new line behind a prompt that the screen already shows.
    pub fn begin(&mut self, prompt: &str, secret: bool, plain: bool) {
        prompt.rsplit('\n').next().unwrap_or_default().clone_into(&mut self.prompt);
        (self.secret, self.plain) = (secret || self.mute, plain);
        self.clear();
        self.spot = self.spot_behind(0);
        (self.depth, self.stale) = (self.spot.row, false);
    }

    /// Sets the width of the screen; 0 for one that does not wrap.
    pub fn set_columns(&mut self, columns: u16) {
        self.columns = usize::from(columns);
        let shown = if self.secret { 0 } else { self.cursor };
        self.spot = self.spot_behind(shown);
        self.depth = self.spot_behind(if self.secret { 0 } else { self.text.len() }).row;
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

    /// Types a text, as completion does.
    pub fn insert(&mut self, text: &str, screen: &mut Vec<u8>) {
        for c in text.chars() {
            self.put(c, screen);
        }
    }

    /// Draws prompt and line anew if the screen does not show them as they are.
    pub fn refresh(&mut self, screen: &mut Vec<u8>) {
        if self.stale {
            self.redraw(screen);
        }
    }

    /// Draws prompt and line anew where they stand.
    fn redraw(&mut self, screen: &mut Vec<u8>) {
        self.erase(screen);
        self.draw(screen);
    }

    /// Draws prompt and line at the start of a row, behind [`Edit::erase`] or [`Edit::leave`].
    pub fn draw(&mut self, screen: &mut Vec<u8>) {
        screen.extend_from_slice(self.prompt.as_bytes());
        self.spot = self.spot_behind(0);
        if !self.secret {
            self.text.iter().for_each(|c| show(*c, screen));
            self.spot = self.spot_behind(self.text.len());
        }
        self.depth = self.spot.row;
        if !self.secret
            && let Some(c) = self.text.get(self.cursor)
        {
            let mut spot = self.spot_behind(self.cursor);
            if self.columns > 0 && spot.column + cells(*c) > self.columns {
                spot = Spot { row: spot.row + 1, column: 0 };
            }
            self.go_back(spot, screen);
        }
        self.stale = false;
    }

    /// Takes prompt and line off the screen; [`Edit::draw`] shows them again.
    pub fn erase(&mut self, screen: &mut Vec<u8>) {
        move_by(self.spot.row, b'A', screen);
        screen.extend_from_slice(if self.depth == 0 { b"\r\x1b[K" } else { b"\r\x1b[J" });
        (self.spot, self.depth, self.stale) = (Spot::default(), 0, true);
    }

    /// Goes on in the row below the line, which stays.
    pub fn leave(&mut self, screen: &mut Vec<u8>) {
        self.refresh(screen);
        move_by(self.depth.saturating_sub(self.spot.row), b'B', screen);
        screen.extend_from_slice(b"\r\n");
        (self.spot, self.depth, self.stale) = (Spot::default(), 0, true);
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
        let sequence = mem::take(&mut self.sequence);
        let printable = (0x20..0x7f).contains(&byte);
        if sequence != Sequence::None && printable || sequence == Sequence::Literal && byte == b'\t'
        {
            self.sequel(sequence, byte, screen);
            return Key::Edited;
        }
        // What is no part of the sequence ends it, so that Enter is Enter behind a stray ESC.
        match byte {
            b'\r' | b'\n' => return self.finish(screen),
            3 => return self.interrupt(screen),
            4 if self.text.is_empty() => return Key::End,
            b'?' if !self.plain => return Key::Help,
            b'\t' if !self.plain => return Key::Tab,
            0x1b => self.sequence = Sequence::Escape,
            22 => self.sequence = Sequence::Literal,
            b'\t' => self.put('\t', screen),
            0..0x20 | 0x7f => self.control(byte, screen),
            0x20..0x7f => self.put(char::from(byte), screen),
            0x80.. => {
                self.wide(byte, screen);
                return Key::Edited;
            }
        }
        self.partial.clear();
        Key::Edited
    }

    fn finish(&mut self, screen: &mut Vec<u8>) -> Key {
        self.leave(screen);
        let (line, too_long) = (self.text(), self.too_long);
        self.clear();
        if too_long { Key::TooLong } else { Key::Line(line) }
    }

    fn interrupt(&mut self, screen: &mut Vec<u8>) -> Key {
        self.move_to(self.text.len());
        self.refresh(screen);
        screen.extend_from_slice(b"^C");
        self.leave(screen);
        self.clear();
        Key::Interrupt
    }

    fn clear(&mut self) {
        self.text.clear();
        self.draft.clear();
        self.partial.clear();
        (self.bytes, self.cursor, self.too_long, self.recalled) = (0, 0, false, None);
    }

    /// Gathers a character of several bytes; what is no UTF-8 rings the bell.
    fn wide(&mut self, byte: u8, screen: &mut Vec<u8>) {
        self.partial.push(byte);
        match std::str::from_utf8(&self.partial).map(|text| text.chars().next()) {
            Ok(Some(c)) if !c.is_control() => {
                self.partial.clear();
                self.put(c, screen);
            }
            Err(error) if error.error_len().is_none() => {}
            Ok(_) | Err(_) => {
                screen.push(BELL);
                // The byte that broke a character may begin the next.
                let broke = self.partial.len() > 1;
                self.partial.clear();
                if broke {
                    self.wide(byte, screen);
                }
            }
        }
    }

    fn put(&mut self, c: char, screen: &mut Vec<u8>) {
        if self.bytes + c.len_utf8() > LINE_MAX {
            if !self.too_long {
                screen.push(BELL);
            }
            self.too_long = true;
            return;
        }
        let echoes = self.cursor == self.text.len() && !self.stale;
        self.text.insert(self.cursor, c);
        self.bytes += c.len_utf8();
        self.cursor += 1;
        if self.secret {
            return;
        }
        if echoes {
            show(c, screen);
            self.spot = self.spot.behind(c, self.columns);
            self.depth = self.spot.row;
        } else {
            self.stale = true;
        }
    }

    fn control(&mut self, byte: u8, screen: &mut Vec<u8>) {
        let (cursor, len) = (self.cursor, self.text.len());
        match byte {
            1 => self.move_to(0),
            2 => self.move_to(cursor.saturating_sub(1)),
            4 => self.remove(cursor, cursor + 1),
            5 => self.move_to(len),
            6 => self.move_to((cursor + 1).min(len)),
            8 | 0x7f if cursor > 0 => self.rub_out(screen),
            11 => self.remove(cursor, len),
            12 | 18 => self.stale = true,
            14 => self.recall(false),
            16 => self.recall(true),
            21 => self.remove(0, cursor),
            23 => {
                let head = self.text.get(..cursor).unwrap_or_default();
                let end = head.iter().rposition(|c| *c != ' ').map_or(0, |at| at + 1);
                let start = head.iter().take(end).rposition(|c| *c == ' ').map_or(0, |at| at + 1);
                self.remove(start, cursor);
            }
            _ => screen.push(BELL),
        }
    }

    /// Takes the character before the cursor away: at the line's end on the screen at once.
    fn rub_out(&mut self, screen: &mut Vec<u8>) {
        let narrow = self.text.get(self.cursor - 1).is_some_and(|c| cells(*c) == 1);
        let within = self.spot.column > 0 && (self.columns == 0 || self.spot.column < self.columns);
        let simple = self.cursor == self.text.len() && narrow && within && !self.stale;
        self.remove(self.cursor - 1, self.cursor);
        if simple && !self.secret {
            screen.extend_from_slice(b"\x08 \x08");
            self.spot.column -= 1;
            self.stale = false;
        }
    }

    /// Goes on with a sequence by one printable key.
    fn sequel(&mut self, sequence: Sequence, byte: u8, screen: &mut Vec<u8>) {
        let key = match (sequence, byte) {
            (Sequence::None, _) => return,
            (Sequence::Literal, _) => return self.put(char::from(byte), screen),
            (Sequence::Escape, b'[' | b'O') => {
                self.sequence = Sequence::Control { number: 0, counting: true };
                return;
            }
            // Alt and a key: none is known.
            (Sequence::Escape, _) => return,
            (Sequence::Control { number, counting: true }, b'0'..=b'9') => {
                let number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                self.sequence = Sequence::Control { number, counting: true };
                return;
            }
            // Further numbers name modifiers, which change nothing here.
            (Sequence::Control { number, .. }, 0x20..=0x3f) => {
                self.sequence = Sequence::Control { number, counting: false };
                return;
            }
            (Sequence::Control { .. }, b'A') => 16,
            (Sequence::Control { .. }, b'B') => 14,
            (Sequence::Control { .. }, b'C') => 6,
            (Sequence::Control { .. }, b'D') => 2,
            (Sequence::Control { .. }, b'H') => 1,
            (Sequence::Control { .. }, b'F') => 5,
            (Sequence::Control { number: 1 | 7, .. }, b'~') => 1,
            (Sequence::Control { number: 4 | 8, .. }, b'~') => 5,
            (Sequence::Control { number: 3, .. }, b'~') => 4,
            (Sequence::Control { .. }, _) => return,
        };
        self.control(key, screen);
    }

    fn move_to(&mut self, cursor: usize) {
        self.stale |= self.cursor != cursor && !self.secret;
        self.cursor = cursor;
    }

    /// Takes characters away and puts the cursor where they stood.
    fn remove(&mut self, from: usize, to: usize) {
        let to = to.min(self.text.len());
        if from < to {
            self.bytes -= self.text.drain(from..to).map(char::len_utf8).sum::<usize>();
            self.stale |= !self.secret;
            self.cursor = from;
            self.too_long &= !self.text.is_empty();
        }
    }

    fn recall(&mut self, older: bool) {
        if self.secret || self.plain {
            return;
        }
        let last = self.history.len();
        let at = self.recalled.unwrap_or(last);
        let to = if older { at.saturating_sub(1) } else { (at + 1).min(last) };
        if to == at {
            return;
        }
        if self.recalled.is_none() {
            self.draft = mem::take(&mut self.text);
        }
        self.recalled = (to < last).then_some(to);
        self.text = match self.history.get(to) {
            Some(line) => line.chars().collect(),
            None => mem::take(&mut self.draft),
        };
        self.bytes = self.text.iter().map(|c| c.len_utf8()).sum();
        (self.cursor, self.stale) = (self.text.len(), true);
    }

    /// Returns where the screen's cursor stands behind the prompt and so many characters.
    fn spot_behind(&self, characters: usize) -> Spot {
        let text = self.text.iter().take(characters).copied();
        let all = self.prompt.chars().chain(text);
        all.fold(Spot::default(), |spot, c| spot.behind(c, self.columns))
    }

    /// Moves the screen's cursor from the line's end to a spot before it.
    fn go_back(&mut self, to: Spot, screen: &mut Vec<u8>) {
        // From the last column on, terminals differ about what a backspace does.
        let waits = self.columns > 0 && self.spot.column == self.columns;
        if to.row == self.spot.row && !waits {
            screen.extend(std::iter::repeat_n(8, self.spot.column - to.column));
        } else {
            move_by(self.spot.row - to.row, b'A', screen);
            screen.push(b'\r');
            move_by(to.column, b'C', screen);
        }
        self.spot = to;
    }
}

impl Spot {
    /// Returns where the cursor stands once `c` was written.
    fn behind(self, c: char, columns: usize) -> Spot {
        let wide = cells(c);
        if columns > 0 && self.column + wide > columns {
            Spot { row: self.row + 1, column: wide }
        } else {
            Spot { row: self.row, column: self.column + wide }
        }
    }
}

/// Returns how many columns a text takes.
pub fn columns_of(text: &str) -> usize {
    text.chars().map(cells).sum()
}

/// Returns how many columns a character takes.
///
/// # Source
/// Unicode's East Asian Width, in blocks: combining marks, wide scripts and pictographs.
fn cells(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Shows one character; a tab in an answer takes the column of a blank.
fn show(c: char, screen: &mut Vec<u8>) {
    let c = if c == '\t' { ' ' } else { c };
    screen.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Moves the screen's cursor `steps` in one direction: `A` up, `B` down, `C` right.
fn move_by(steps: usize, direction: u8, screen: &mut Vec<u8>) {
    if steps > 0 {
        screen.extend_from_slice(format!("\x1b[{steps}").as_bytes());
        screen.push(direction);
    }
}
