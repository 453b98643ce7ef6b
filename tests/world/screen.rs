//! What a terminal shows: whole lines above, and the one that the cursor stands in.

/// A terminal as wide as it must be.
#[derive(Debug, Default)]
pub struct Screen {
    /// Whole lines that nobody has taken yet.
    above: Vec<String>,
    line: Vec<char>,
    column: usize,
}

impl Screen {
    /// Returns the line that the cursor stands in.
    pub fn line(&self) -> String {
        self.line.iter().collect()
    }

    /// Takes the whole lines.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.above)
    }

    /// Another session begins: what the last one left unfinished is gone.
    pub fn begin(&mut self) {
        self.line.clear();
        self.column = 0;
    }

    /// Shows bytes; an escape sequence that no transcript needs is a fault.
    pub fn show(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '\n' => {
                    let line = std::mem::take(&mut self.line).into_iter().collect();
                    self.above.push(line);
                    self.column = 0;
                }
                '\r' => self.column = 0,
                '\u{8}' => self.column = self.column.saturating_sub(1),
                '\u{1b}' => {
                    let sequence: String = rest.by_ref().take(2).collect();
                    assert_eq!(sequence, "[K", "an escape sequence that is not understood");
                    self.line.truncate(self.column);
                }
                // A bell is not seen.
                '\u{7}' => {}
                character => {
                    self.line.resize(self.line.len().max(self.column + 1), ' ');
                    self.line[self.column] = character;
                    self.column += 1;
                }
            }
        }
    }
}
