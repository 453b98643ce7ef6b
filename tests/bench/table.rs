//! The table of figures: what was measured, beside what, the ratio, and the budget.

use std::fmt::Write as _;
use std::time::Duration;

/// How a number is printed.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Seconds.
    Time,
    /// Seconds for one, printed as so many in a second.
    Rate,
    /// Seconds for so many bytes, printed as bytes in a second.
    Flow { bytes: f64 },
    /// Bytes.
    Memory,
    /// A part of one, printed in percent.
    Share,
    /// So many in a second.
    Frequency,
}

/// What a figure may come to.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// At most so many times the peer.
    Times(f64),
    /// At most so much, whatever the peer: seconds, bytes or a part of one, as the unit has it.
    Most(f64),
    /// At most so much longer than the peer takes.
    Longer(Duration),
}

/// One line of the table. Subject and peer are in the same unit, and less is better.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub name: &'static str,
    pub unit: Unit,
    pub subject: f64,
    pub beside: &'static str,
    pub peer: f64,
    pub budget: Budget,
}

impl Figure {
    fn within_budget(&self) -> bool {
        match self.budget {
            Budget::Times(times) => self.subject <= self.peer * times,
            Budget::Most(most) => self.subject <= most,
            Budget::Longer(more) => self.subject - self.peer <= more.as_secs_f64(),
        }
    }

    fn ratio(&self) -> String {
        let ratio = self.subject / self.peer;
        match self.peer > 0.0 {
            true if ratio < 100.0 => format!("{ratio:.2}"),
            true => format!("{ratio:.0}"),
            // Next to nothing every number is infinitely much.
            false => "-".to_owned(),
        }
    }

    fn budget(&self) -> String {
        match self.budget {
            Budget::Times(times) => format!("ratio {times}"),
            Budget::Most(most) => self.unit.print(most),
            Budget::Longer(more) => format!("+ {}", Unit::Time.print(more.as_secs_f64())),
        }
    }
}

impl Unit {
    fn print(self, number: f64) -> String {
        match self {
            Unit::Time => time(number),
            Unit::Rate => format!("{:.0}/s", 1.0 / number),
            Unit::Flow { bytes } => format!("{:.0} MB/s", bytes / number / 1e6),
            Unit::Memory => format!("{:.1} MiB", number / 1_048_576.0),
            Unit::Share => format!("{:.4} %", number * 100.0),
            Unit::Frequency => format!("{number:.2}/s"),
        }
    }
}

fn time(seconds: f64) -> String {
    let (scale, unit) = match seconds.abs() {
        s if s < 1e-6 => (1e9, "ns"),
        s if s < 1e-3 => (1e6, "us"),
        s if s < 1.0 => (1e3, "ms"),
        _ => (1.0, "s"),
    };
    format!("{:.1} {unit}", seconds * scale)
}

/// Lays the figures out.
pub fn render(figures: &[Figure]) -> String {
    let head =
        ["figure", "measured", "beside", "measured", "ratio", "budget", ""].map(str::to_owned);
    let rows = figures.iter().map(|figure| {
        [
            figure.name.to_owned(),
            figure.unit.print(figure.subject),
            figure.beside.to_owned(),
            figure.unit.print(figure.peer),
            figure.ratio(),
            figure.budget(),
            if figure.within_budget() { "ok" } else { "over" }.to_owned(),
        ]
    });
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let widths: Vec<usize> = (0..7)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Words to the left, numbers to the right.
            let _ = match column {
                0 | 2 | 6 => write!(line, "{cell:width$}  "),
                _ => write!(line, "{cell:>width$}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
