//! Arithmetic on numbers and on bytes of the frame.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "to a parser all tokens but those it asks for are alike"
)]

use super::{Parsed, Parser};
use crate::wire::filter::lex::Tok;
use crate::wire::filter::meaning::{Meaning, Number};
use crate::wire::filter::program::Alu;
use crate::wire::filter::words::Word;
use crate::wire::filter::{FilterError, Why};

impl Parser<'_> {
    /// Arithmetic whose operators bind at least as strongly as `least`.
    pub(super) fn arithmetic(&mut self, least: u8) -> Parsed<Number> {
        let left = self.operand()?;
        self.operators(left, least)
    }

    /// The operators after `left` and what they join to it.
    pub(super) fn operators(&mut self, left: Number, least: u8) -> Parsed<Number> {
        let mut left = left;
        while let Some((alu, strength)) = operator(self.peek()) {
            if strength < least {
                break;
            }
            let offset = self.token().at;
            self.at += 1;
            self.deeper()?;
            // What takes all that follows has no strength of its own.
            let right = self.arithmetic(if strength == GREEDY { 0 } else { strength + 1 })?;
            self.depth -= 1;
            let joined = self.meaning.arithmetic(alu, left, right);
            left = joined.map_err(|why| FilterError { offset, why })?;
        }
        Ok(left)
    }

    fn operand(&mut self) -> Parsed<Number> {
        match self.peek() {
            Tok::Num(number) => {
                self.at += 1;
                self.meaning.constant(number).map_err(|why| self.error(why))
            }
            Tok::Word(Word::Len) => {
                self.at += 1;
                self.meaning.frame_length().map_err(|why| self.error(why))
            }
            Tok::Mark(b'-') => {
                self.at += 1;
                self.deeper()?;
                let number = self.arithmetic(GREEDY)?;
                self.depth -= 1;
                Ok(Meaning::negative(number))
            }
            Tok::Mark(b'(') => {
                self.at += 1;
                self.deeper()?;
                let number = self.arithmetic(0)?;
                self.depth -= 1;
                self.expect(b')')?;
                Ok(number)
            }
            Tok::Word(Word::Proto(proto)) => {
                let start = self.at;
                self.at += 1;
                self.expect(b'[')?;
                self.deeper()?;
                let index = self.arithmetic(0)?;
                self.depth -= 1;
                let size = if self.take(Tok::Mark(b':')) { self.plain_number()? } else { 1 };
                self.expect(b']')?;
                let offset = self.tokens.get(start).map_or(0, |token| token.at);
                let number = self.meaning.index(proto, index, size);
                number.map_err(|why| FilterError { offset, why })
            }
            _ => Err(self.error(Why::Syntax)),
        }
    }
}

/// The strength of `%` and `^`: they go before everything, and take everything.
const GREEDY: u8 = 9;

fn operator(tok: Tok) -> Option<(Alu, u8)> {
    Some(match tok {
        Tok::Mark(b'|') => (Alu::Or, 1),
        Tok::Mark(b'&') => (Alu::And, 2),
        Tok::ShiftLeft => (Alu::ShiftLeft, 3),
        Tok::ShiftRight => (Alu::ShiftRight, 3),
        Tok::Mark(b'+') => (Alu::Add, 4),
        Tok::Mark(b'-') => (Alu::Sub, 4),
        Tok::Mark(b'*') => (Alu::Mul, 5),
        Tok::Mark(b'/') => (Alu::Div, 5),
        Tok::Mark(b'%') => (Alu::Mod, GREEDY),
        Tok::Mark(b'^') => (Alu::Xor, GREEDY),
        _ => return None,
    })
}
