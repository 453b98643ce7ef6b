//! What kind of authority it is: the cloud's, or a satellite inside somebody's own network.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of authority it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// The one that sells: it has accounts and pools.
    #[default]
    Cloud,
    /// One that hands out what a cloud authority allows it.
    Satellite(Release),
}

impl Flavour {
    /// Returns the path to which a chassis posts its requests.
    ///
    /// # Source
    /// Cloud: seed, `show expand`, SLDest. Satellite: public product documentation.
    pub const fn path(self) -> &'static str {
        match self {
            Flavour::Cloud => "/its/service/oddce/services/DDCEService",
            Flavour::Satellite(_) => "/Transportgateway/services/DeviceRequestHandler",
        }
    }

    /// Returns whether its tokens say that export-controlled functionality is allowed.
    ///
    /// # Source
    /// Seed, FAQ: with a satellite before 2.3.0 the ASA has to ask for `feature strong-encryption`.
    pub fn supports_export_flag(self) -> bool {
        match self {
            Flavour::Cloud => true,
            Flavour::Satellite(release) => release >= Release { major: 2, minor: 3, patch: 0 },
        }
    }

    /// Returns the word that an operator types.
    pub const fn word(self) -> &'static str {
        match self {
            Flavour::Cloud => "cloud",
            Flavour::Satellite(_) => "satellite",
        }
    }
}

/// Release of a satellite, `2.3.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Release {
    pub major: u16,
    pub minor: u16,
    pub patch: u16,
}

impl Release {
    /// What a satellite is when nobody says otherwise: it knows the export flag.
    pub const CURRENT: Release = Release { major: 8, minor: 0, patch: 0 };

    /// Parses `2`, `2.3` or `2.3.0`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Release> {
        let number = |part: &str| {
            let digits = part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|_| digits)
        };
        let mut parts = text.split('.').map(number);
        let major = parts.next()??;
        let minor = parts.next().unwrap_or(Some(0))?;
        let patch = parts.next().unwrap_or(Some(0))?;
        parts.next().is_none().then_some(Release { major, minor, patch })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl TryFrom<String> for Release {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Release, &'static str> {
        Release::parse(&text).ok_or("not a release such as 2.3.0")
    }
}

impl From<Release> for String {
    fn from(release: Release) -> String {
        release.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_one_to_three_numbers() {
        let release = |major, minor, patch| Some(Release { major, minor, patch });
        assert_eq!(Release::parse("2"), release(2, 0, 0));
        assert_eq!(Release::parse("2.3"), release(2, 3, 0));
        assert_eq!(Release::parse("2.2.10"), release(2, 2, 10));
        for bad in ["", ".", "2.", "2.3.0.1", "+2", "v2", "2.3-rc", "99999"] {
            assert_eq!(Release::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_export_flag_came_with_release_2_3() {
        let table = [("2.2.9", false), ("1.9", false), ("2.3.0", true), ("2.10", true)];
        for (text, supports) in table {
            let flavour = Flavour::Satellite(Release::parse(text).unwrap());
            assert_eq!(flavour.supports_export_flag(), supports, "{text}");
        }
        assert!(Flavour::Cloud.supports_export_flag());
    }
}
