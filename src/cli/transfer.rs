//! Files that go to another host or come from one: what an operator types, and what is said of it.

use std::fmt;

use thiserror::Error;

use crate::proto::workspace::Place;

/// Longest URL accepted, in bytes.
const URL_MAX: usize = 1024;

/// A copy between the workspace and another host.
#[derive(Clone, PartialEq, Eq)]
pub struct Transfer {
    pub direction: Direction,
    pub url: Url,
    /// Empty where none is needed.
    pub password: String,
}

/// Which way a file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the workspace.
    Up(Place),
    /// Into the workspace.
    Down(Place),
}

/// How a file is carried.
///
/// # Source
/// Vendor's troubleshooting guide, `copy`: FTP, HTTP, HTTPS, SCP, SFTP, TFTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Ftp,
    Tftp,
    Http,
}

impl Scheme {
    fn parse(text: &str) -> Option<Scheme> {
        Some(match text {
            "ftp" => Scheme::Ftp,
            "tftp" => Scheme::Tftp,
            "http" => Scheme::Http,
            _ => return None,
        })
    }

    /// Returns the port that is meant if none is named.
    pub const fn port(self) -> u16 {
        match self {
            Scheme::Ftp => 21,
            Scheme::Tftp => 69,
            Scheme::Http => 80,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Scheme::Ftp => "ftp",
            Scheme::Tftp => "tftp",
            Scheme::Http => "http",
        }
    }
}

/// A file on another host, `ftp://ftp_user@10.62.148.41/SSL.pcap`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub scheme: Scheme,
    /// Empty if none was typed.
    pub user: String,
    pub host: String,
    pub port: u16,
    /// Without the `/` in front.
    pub path: String,
}

/// Why a text is no URL that can be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UrlError {
    #[error("{0}:// is not supported on this emulated chassis; use ftp, tftp or http")]
    Scheme(String),
    #[error("a URL is SCHEME://[USER@]HOST[:PORT]/PATH")]
    Form,
}

impl Url {
    /// Returns whether a text means another host rather than a file here.
    pub fn is_meant(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| scheme != "workspace")
    }

    /// Reads a URL; a path that is left out or ends in `/` is completed by `name`.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str, name: &str) -> Result<Url, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Form)?;
        let scheme = Scheme::parse(scheme).ok_or_else(|| UrlError::Scheme(scheme.to_owned()))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match host.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| UrlError::Form)?),
            None => (host, scheme.port()),
        };
        let plain = |text: &str| !text.chars().any(|c| c.is_control() || c == ' ');
        if host.is_empty() || text.len() > URL_MAX || !plain(text) {
            return Err(UrlError::Form);
        }
        let mut path = path.to_owned();
        if path.is_empty() || path.ends_with('/') {
            path.push_str(name);
        }
        if path.is_empty() {
            return Err(UrlError::Form);
        }
        Ok(Url { scheme, user: user.to_owned(), host: host.to_owned(), port, path })
    }

    /// Returns whether whoever is named has to prove it.
    pub const fn asks_password(&self) -> bool {
        matches!(self.scheme, Scheme::Ftp) && !self.user.is_empty()
    }

    /// Returns the last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme.text(), self.host, self.path)
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password is nobody's business.
        f.debug_struct("Transfer")
            .field("direction", &self.direction)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_people_write_them() {
        let seed = Url::parse("ftp://ftp_user@10.62.148.41/SSL.pcap", "x").unwrap();
        assert_eq!(
            (seed.user.as_str(), seed.host.as_str(), seed.port),
            ("ftp_user", "10.62.148.41", 21)
        );
        assert!(seed.path == "SSL.pcap" && seed.asks_password());
        let short = Url::parse("tftp://files.test:1069", "SSL.pcap").unwrap();
        assert_eq!((short.path.as_str(), short.port), ("SSL.pcap", 1069));
        assert!(!short.asks_password());
        assert_eq!(Url::parse("http://a/b/c/", "d").unwrap().path, "b/c/d");
        assert_eq!(Url::parse("nfs://a/b", ""), Err(UrlError::Scheme("nfs".into())));
        for bad in ["ftp://", "ftp:///x", "ftp://a:b/c", "ftp://a/b c", "x"] {
            assert_eq!(Url::parse(bad, ""), Err(UrlError::Form), "{bad}");
        }
        assert!(
            Url::is_meant("ftp://a/b") && !Url::is_meant("workspace:///b") && !Url::is_meant("b")
        );
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = Url::parse("ftp://u@h/f", "").unwrap();
        let direction = Direction::Up(Place::default());
        let transfer = Transfer { direction, url, password: "secret".into() };
        assert!(!format!("{transfer:?}").contains("secret"));
    }
}
