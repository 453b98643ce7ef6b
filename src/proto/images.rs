//! Images on their way to the chassis: what `download image URL` names.

/// Where an image is to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    pub protocol: Protocol,
    pub server: String,
    pub port: u16,
    pub user: String,
    /// Folder and file.
    pub path: String,
}

/// How files reach the chassis.
///
/// # Source
/// Vendor page, reference 3.5: FTP, HTTP, HTTPS, SCP, SFTP, TFTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Ftp,
    Http,
    Https,
    Scp,
    Sftp,
    Tftp,
}

impl Protocol {
    const ALL: [(&'static str, &'static str, Protocol); 6] = [
        ("ftp", "Ftp", Protocol::Ftp),
        ("http", "Http", Protocol::Http),
        ("https", "Https", Protocol::Https),
        ("scp", "Scp", Protocol::Scp),
        ("sftp", "Sftp", Protocol::Sftp),
        ("tftp", "Tftp", Protocol::Tftp),
    ];

    /// Returns the word of listings.
    pub fn text(self) -> &'static str {
        let row = Protocol::ALL.iter().find(|(_, _, protocol)| *protocol == self);
        row.map_or("", |(_, text, _)| text)
    }
}

impl Download {
    /// Parses `scp://user@host[:port]:/path/file` and the like; `None` for what is no such URL.
    ///
    /// # Source
    /// Client kick takes its own URLs apart like this: a colon may stand between host and path.
    pub fn parse(url: &str) -> Option<Download> {
        let (scheme, rest) = url.split_once("://")?;
        let (_, _, protocol) = *Protocol::ALL.iter().find(|(word, _, _)| *word == scheme)?;
        let (host, path) = rest.split_at_checked(rest.find('/')?)?;
        let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
        let host = host.trim_end_matches(':');
        let (server, port) = match host.rsplit_once(':') {
            Some((server, port)) => (server, port.parse().ok()?),
            None => (host, 0),
        };
        let plain =
            |text: &str| text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
        let download = Download {
            protocol,
            server: server.to_owned(),
            port,
            user: user.to_owned(),
            path: path.to_owned(),
        };
        let whole = !server.is_empty() && !download.file().is_empty();
        (whole && [server, user, path].into_iter().all(plain)).then_some(download)
    }

    /// Returns the file's name.
    pub fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Tells whether somebody has to log in there.
    pub fn asks_password(&self) -> bool {
        match self.protocol {
            Protocol::Scp | Protocol::Sftp => true,
            Protocol::Ftp => !self.user.is_empty(),
            Protocol::Http | Protocol::Https | Protocol::Tftp => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The URLs of kick's own docstrings.
    #[test]
    fn urls_are_taken_apart_as_clients_write_them() {
        let one = Download::parse("scp://pxe@172.23.47.63:/tftpboot/fxos-k9.2.1.1.64.SPA").unwrap();
        assert_eq!((one.protocol, one.port, one.user.as_str()), (Protocol::Scp, 0, "pxe"));
        assert_eq!((one.server.as_str(), one.file()), ("172.23.47.63", "fxos-k9.2.1.1.64.SPA"));
        assert!(one.asks_password());
        let two = Download::parse("scp://root@host.test:2222:/tmp/a.SPA").unwrap();
        assert_eq!((two.server.as_str(), two.port), ("host.test", 2222));
        let three = Download::parse("tftp://172.23.47.63/cisco-ftd.6.2.0.296.SPA.csp").unwrap();
        assert_eq!((three.file(), three.asks_password()), ("cisco-ftd.6.2.0.296.SPA.csp", false));
        for bad in ["", "a.SPA", "gopher://h/a", "scp://h", "scp:///a", "ftp://h/", "ftp://h:x/a"] {
            assert_eq!(Download::parse(bad), None, "{bad}");
        }
    }
}
