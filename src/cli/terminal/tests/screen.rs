//! A terminal's screen, as far as the line editor counts on one: it wraps at its width, late.

/// What the operator sees. A row is as wide as the screen; the last column holds the cursor until the
/// next character, as on every terminal with `am` and `xenl`.
pub(super) struct Screen {
    columns: usize,
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    pub(super) fn new(columns: usize) -> Screen {
        Screen { columns, rows: vec![Vec::new()], row: 0, column: 0 }
    }

    /// Shows a text with its control sequences.
    pub(super) fn show(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.enter_row(self.row + 1),
                '\x08' => self.column = self.column.min(self.columns - 1).saturating_sub(1),
                '\x07' => {}
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['), "in {text:?}");
                    let mut number = String::new();
                    let last = loop {
                        let c = rest.next().expect("a whole sequence");
                        if !c.is_ascii_digit() {
                            break c;
                        }
                        number.push(c);
                    };
                    self.control(last, number.parse().unwrap_or(1));
                }
                c => self.put(c),
            }
        }
    }

    fn control(&mut self, last: char, number: usize) {
        match last {
            'A' => self.row = self.row.checked_sub(number).expect("not above the screen"),
            'B' => self.enter_row(self.row + number),
            'C' => self.column = (self.column + number).min(self.columns - 1),
            'K' => self.rows[self.row].truncate(self.column),
            'J' => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            other => panic!("unknown control sequence {other:?}"),
        }
    }

    fn put(&mut self, c: char) {
        // The scripts of the tests: a Chinese character takes two cells.
        let wide = usize::from(c > '\u{4e00}') + 1;
        if self.column + wide > self.columns {
            self.enter_row(self.row + 1);
            self.column = 0;
        }
        let row = &mut self.rows[self.row];
        if row.len() < self.column + wide {
            row.resize(self.column + wide, ' ');
        }
        row[self.column] = c;
        row[self.column + wide - 1] = c;
        self.column += wide;
    }

    fn enter_row(&mut self, row: usize) {
        self.row = row;
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
        }
    }

    /// Returns what the rows show, joined by `/`, without blanks at their ends.
    pub(super) fn text(&self) -> String {
        let row = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
        self.rows.iter().map(row).collect::<Vec<String>>().join("/")
    }

    /// Returns the cell that the next character would take, from the first of the screen.
    pub(super) fn cell(&self) -> usize {
        self.row * self.columns + self.column
    }
}
