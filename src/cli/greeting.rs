//! What the device says to whoever has logged in.

use std::fmt::Write as _;

use crate::base::time::Utc;
use crate::proto::accounts::{Admission, Origin};

/// What stands above the first prompt.
///
/// # Source
/// Client kick, `kick/device2/ssp` mock sessions of a 4110 over SSH; the last year is recall.
pub const BANNER: &str = "\
Cisco Firepower Extensible Operating System (FX-OS) Software
TAC support: http://www.cisco.com/tac
Copyright (c) 2009-2020, Cisco Systems, Inc. All rights reserved.

The copyrights to certain works contained in this software are
owned by other third parties and used and distributed under
license.

Certain components of this software are licensed under the \"GNU General Public
License, version 3\" provided with ABSOLUTELY NO WARRANTY under the terms of
\"GNU General Public License, Version 3\", available here:
http://www.gnu.org/licenses/gpl.html. See User Manual (''Licensing'') for
details.

Certain components of this software are licensed under the \"GNU General Public
License, version 2\" provided with ABSOLUTELY NO WARRANTY under the terms of
\"GNU General Public License, version 2\", available here:
http://www.gnu.org/licenses/old-licenses/gpl-2.0.html. See User Manual
(''Licensing'') for details.

Certain components of this software are licensed under the \"GNU LESSER GENERAL
PUBLIC LICENSE, version 3\" provided with ABSOLUTELY NO WARRANTY under the terms
of \"GNU LESSER GENERAL PUBLIC LICENSE\" Version 3\", available here:
http://www.gnu.org/licenses/lgpl.html. See User Manual (''Licensing'') for
details.

Certain components of this software are licensed under the \"GNU Lesser General
Public License, version 2.1\" provided with ABSOLUTELY NO WARRANTY under the
terms of \"GNU Lesser General Public License, version 2\", available here:
http://www.gnu.org/licenses/old-licenses/lgpl-2.1.html. See User Manual
(''Licensing'') for details.

Certain components of this software are licensed under the \"GNU Library General
Public License, version 2\" provided with ABSOLUTELY NO WARRANTY under the terms
of \"GNU Library General Public License, version 2\", available here:
http://www.gnu.org/licenses/old-licenses/lgpl-2.0.html. See User Manual
(''Licensing'') for details.

";

/// Returns the greeting; lines end in `\n`.
///
/// # Source
/// Client kick over SSH, `Last login: Wed Jun 26 22:17:30 2019 from 10.83.65.41`; unicon's mock on
/// the console, `Last login: Wed Nov  1 17:31:13 PDT 2017 on ttyS0`. That a first login has no such
/// line is recall.
pub fn greeting(user: &str, admission: &Admission) -> String {
    let mut text = format!("Successful login attempts for user '{user}' : {}\n", admission.logins);
    // Writing to a `String` does not fail.
    let _ = match &admission.last {
        None => Ok(()),
        Some((at, Origin::Line(line))) => writeln!(text, "Last login: {} on {line}", at.clock()),
        Some((at, Origin::Address(from))) => {
            writeln!(text, "Last login: {} from {from}", date(*at))
        }
    };
    text + BANNER
}

/// Writes `Wed Jun 26 22:17:30 2019`.
fn date(at: Utc) -> String {
    at.clock().replace(" UTC ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::accounts::Roles;

    const AT: Utc = Utc::from_civil(2019, 6, 26, 22, 17, 30);

    fn first_lines(last: Option<(Utc, Origin)>) -> Vec<String> {
        let admission = Admission { roles: Roles::default(), logins: 43, last };
        greeting("admin", &admission).lines().take(3).map(str::to_owned).collect()
    }

    #[test]
    fn it_is_what_a_4110_says() {
        let last = Some((AT, Origin::Address("10.83.65.41".to_owned())));
        assert_eq!(
            first_lines(last),
            [
                "Successful login attempts for user 'admin' : 43",
                "Last login: Wed Jun 26 22:17:30 2019 from 10.83.65.41",
                "Cisco Firepower Extensible Operating System (FX-OS) Software",
            ]
        );
    }

    #[test]
    fn the_console_names_its_line_and_a_first_login_names_none() {
        let last = Some((AT, Origin::Line("ttyS0".to_owned())));
        assert_eq!(first_lines(last)[1], "Last login: Wed Jun 26 22:17:30 UTC 2019 on ttyS0");
        assert!(first_lines(None)[1].starts_with("Cisco Firepower"));
    }
}
