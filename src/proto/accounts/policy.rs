//! Which passwords an account may have.

use thiserror::Error;

/// Shortest password, unless an operator asks for longer ones.
///
/// # Source
/// Vendor's command reference, `set enforce-strong-password`: 8 to 80 characters.
pub const LENGTH_MIN: usize = 8;
/// Longest password, in characters.
///
/// # Source
/// As [`LENGTH_MIN`].
pub const LENGTH_MAX: usize = 80;
/// Most repetitions of one character.
///
/// # Source
/// As [`LENGTH_MIN`]; its example `aaabbb` has three, so three in a row are one too many.
const RUN_MAX: usize = 2;

/// Words that a strong password must not contain: what a short dictionary would find first.
///
/// # Source
/// Ours: the device's dictionary is not public.
const WORDS: [&str; 12] = [
    "password",
    "passw0rd",
    "cisco",
    "firepower",
    "admin",
    "administrator",
    "qwerty",
    "welcome",
    "letmein",
    "security",
    "default",
    "changeme",
];

/// What an operator has configured about passwords in general.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub strong: bool,
    /// In characters.
    pub length_min: usize,
}

/// Why a password is not taken.
///
/// # Source
/// Vendor's command reference, `set enforce-strong-password`, for the rules; the device's words for
/// them are recall.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Weakness {
    #[error("it must have at least {min} characters")]
    Short { min: usize },
    #[error("it must have at most {LENGTH_MAX} characters")]
    Long,
    #[error("it must consist of printable ASCII characters")]
    Character,
    #[error("it must include an uppercase letter")]
    NoUpper,
    #[error("it must include a lowercase letter")]
    NoLower,
    #[error("it must include a non-alphanumeric character")]
    NoSpecial,
    #[error("it must not contain '$', '?' or '='")]
    Symbol,
    #[error("a character must not be repeated three times")]
    Repeated,
    #[error("it must not contain three consecutive numbers or letters")]
    Sequence,
    #[error("it must not be the user name or its reverse")]
    Name,
    #[error("it must not be based on a dictionary word")]
    Dictionary,
}

impl Policy {
    /// Checks a password for `user`.
    ///
    /// # Errors
    /// The first [`Weakness`] found.
    pub fn check(&self, user: &str, password: &str) -> Result<(), Weakness> {
        let length = password.chars().count();
        if !password.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            return Err(Weakness::Character);
        }
        if length < self.length_min {
            return Err(Weakness::Short { min: self.length_min });
        }
        if length > LENGTH_MAX {
            return Err(Weakness::Long);
        }
        if self.strong { strong(user, password.as_bytes()) } else { Ok(()) }
    }
}

fn strong(user: &str, password: &[u8]) -> Result<(), Weakness> {
    let has = |test: fn(&u8) -> bool| password.iter().any(test);
    let lower = password.to_ascii_lowercase();
    let name = user.to_ascii_lowercase().into_bytes();
    let found = |word: &&str| lower.windows(word.len()).any(|part| part == word.as_bytes());
    let checks = [
        (has(u8::is_ascii_uppercase), Weakness::NoUpper),
        (has(u8::is_ascii_lowercase), Weakness::NoLower),
        (has(u8::is_ascii_punctuation), Weakness::NoSpecial),
        (!has(|b| b"$?=".contains(b)), Weakness::Symbol),
        (!repeats(password), Weakness::Repeated),
        (!climbs(&lower), Weakness::Sequence),
        (lower != name && !lower.iter().rev().eq(name.iter()), Weakness::Name),
        (!WORDS.iter().any(found), Weakness::Dictionary),
    ];
    checks.into_iter().find(|(fine, _)| !fine).map_or(Ok(()), |(_, weakness)| Err(weakness))
}

fn repeats(password: &[u8]) -> bool {
    password.windows(RUN_MAX + 1).any(|part| part.iter().all(|b| Some(b) == part.first()))
}

/// Tells whether three neighbours follow each other in any order: `abc`, `321`, `bca`.
fn climbs(lower: &[u8]) -> bool {
    lower.windows(3).any(|part| {
        let mut sorted = part.to_vec();
        sorted.sort_unstable();
        let kind = part.iter().all(u8::is_ascii_digit) || part.iter().all(u8::is_ascii_lowercase);
        kind && sorted.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRONG: Policy = Policy { strong: true, length_min: LENGTH_MIN };

    #[test]
    fn every_rule_bites() {
        let cases = [
            ("Go4th!Xk9", None),
            ("Go!4Xk", Some(Weakness::Short { min: 8 })),
            ("go4th!xk9", Some(Weakness::NoUpper)),
            ("GO4TH!XK9", Some(Weakness::NoLower)),
            ("Go4thXk97", Some(Weakness::NoSpecial)),
            ("Go4th!Xk?", Some(Weakness::Symbol)),
            ("Go4th!!!Xk", Some(Weakness::Repeated)),
            ("Go!Xk9321", Some(Weakness::Sequence)),
            ("Go!Xk9bca", Some(Weakness::Sequence)),
            ("Jo.Smith", Some(Weakness::Name)),
            ("HtimS.oj", Some(Weakness::Name)),
            ("Cisco!9vX", Some(Weakness::Dictionary)),
            ("Go4th! k9", Some(Weakness::Character)),
            ("Gö4th!Xk9", Some(Weakness::Character)),
        ];
        for (password, weakness) in cases {
            assert_eq!(STRONG.check("jo.smith", password).err(), weakness, "{password}");
        }
        let long = "Go4th!Xk9".repeat(9);
        assert_eq!(STRONG.check("jo", &long), Err(Weakness::Long));
    }

    #[test]
    fn without_the_strength_check_the_length_alone_counts() {
        let policy = Policy { strong: false, length_min: LENGTH_MIN };
        assert_eq!(policy.check("admin", "Admin123"), Ok(()));
        assert_eq!(policy.check("admin", "Admin12"), Err(Weakness::Short { min: 8 }));
        let longer = Policy { length_min: 15, ..policy };
        assert_eq!(longer.check("admin", "Admin123"), Err(Weakness::Short { min: 15 }));
    }
}
