//! Listings of accounts, their sessions and what they did.
//!
//! # Source
//! The layouts are recall: the vendor's configuration guide, `show local-user USER detail` and
//! `show detail` of `/security/default-auth`, and the sibling UCS, `show user-sessions` and `show
//! audit-logs`.

use std::fmt::Write as _;

use crate::base::time::{Now, Utc};
use crate::proto::accounts::user::{self, User};
use crate::proto::accounts::{Accounts, Record, Seat};
use crate::proto::config::schema::Verb;
use crate::proto::config::{Objects, Path, facts};

/// `show local-user`: one line an account.
pub fn local_users(objects: &Objects) -> String {
    let mut text = String::from("User Name       First Name      Last name\n");
    text += "--------------- --------------- ---------\n";
    for path in objects.children(&facts::security(), "local-user") {
        let [first, last] = ["firstname", "lastname"].map(|words| objects.text(&path, words));
        let row = format!("{:<15} {first:<15} {last}", path.name());
        // A String never fails, here and below.
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

/// `show local-user NAME detail`; nothing for an account that does not exist.
pub fn local_user(now: Now, objects: &Objects, accounts: &Accounts, name: &str) -> String {
    let (Some(user), Some(path)) = (User::find(objects, name), user::path(name)) else {
        return String::new();
    };
    let lock = if accounts.is_locked(now, name) { "Locked" } else { "Not Locked" };
    let status = if user.active { "Active" } else { "Inactive" };
    let expires = user.expires.map_or("Never".to_owned(), Utc::iso);
    let password = if user.hash.is_some() { "****" } else { "" };
    let mut text = format!("Local User {name}:\n");
    let mut field = |label: &str, value: &str| {
        let _ = writeln!(text, "{}", format!("    {label}: {value}").trim_end());
    };
    for (label, words) in [
        ("First Name", "firstname"),
        ("Last Name", "lastname"),
        ("Email", "email"),
        ("Phone", "phone"),
    ] {
        field(label, &objects.text(&path, words));
    }
    field("Expiration", &expires);
    field("Password", password);
    field("User lock status", lock);
    field("Account status", status);
    field("User Roles", "");
    for role in objects.children(&path, "role") {
        field("    Name", role.name());
    }
    field("User SSH public key", &user.keys.join("\n        "));
    text
}

/// `show user-sessions`: one line a session.
pub fn sessions(accounts: &Accounts) -> String {
    let mut text =
        String::from("Session Id      User            Host                 Login Time\n");
    text += "--------------- --------------- -------------------- ----------\n";
    for (id, seat) in accounts.seats() {
        let (name, who) = (seat.name(id), &seat.visitor);
        let since = moment(seat.since);
        let _ = writeln!(text, "{name:<15} {:<15} {:<20} {since}", who.user, who.from);
    }
    text
}

/// `show user-sessions detail`.
pub fn sessions_detail(accounts: &Accounts) -> String {
    let block = |(id, seat): (u32, &Seat)| {
        format!(
            "Session Id {}:\n    Fabric Id: A\n    Term: {}\n    User: {}\n    Host: {}\n    \
             Pid: {id}\n    Login Time: {}\n",
            seat.name(id),
            seat.term(),
            seat.visitor.user,
            seat.visitor.from,
            moment(seat.since)
        )
    };
    accounts.seats().map(block).collect::<Vec<_>>().join("\n")
}

/// `show audit-logs`: one line a record, newest first.
pub fn audit(accounts: &Accounts) -> String {
    let mut text = String::from("Audit trail logs:\n");
    text += "    Creation Time       User       ID      Action         Description\n";
    text += "    ------------------- ---------- ------- -------------- -----------\n";
    for record in accounts.audit().rev() {
        let (at, action) = (moment(record.at), record.action.word());
        let at = at.split('.').next().unwrap_or_default();
        let _ = writeln!(
            text,
            "    {at} {:<10} {:>7} {action:<14} {}",
            record.user,
            record.id,
            description(record)
        );
    }
    text
}

/// `show audit-logs detail`, newest first.
pub fn audit_detail(accounts: &Accounts) -> String {
    let block = |record: &Record| {
        let mut text = format!("Audit trail log {}:\n", record.id);
        for (label, value) in [
            ("Creation Time", moment(record.at).as_str()),
            ("User", &record.user),
            ("Session ID", &record.session),
            ("Action", record.action.word()),
            ("Affected Object", &record.object),
            ("Modified Properties", &record.properties),
            ("Description", &description(record)),
        ] {
            let _ = writeln!(text, "{}", format!("    {label}: {value}").trim_end());
        }
        text
    };
    accounts.audit().rev().map(block).collect::<Vec<_>>().join("\n")
}

fn description(record: &Record) -> String {
    match record.times {
        1 => record.text.clone(),
        times => format!("{} ({times} times)", record.text),
    }
}

/// Writes `2012-05-09T20:06:59.000`, as the sibling does.
fn moment(at: Utc) -> String {
    format!("{}.{:03}", at.iso().trim_end_matches('Z'), at.unix_ms().rem_euclid(1000))
}

/// `show detail` of `/security/default-auth`.
pub fn default_auth(objects: &Objects) -> String {
    let timeouts = facts::timeouts(objects);
    let path = Path::find(&[("security", &[]), ("default-auth", &[])]);
    let read = |words: &str| {
        path.as_ref().map_or(String::new(), |path| {
            let property = path.class().property(Verb::Set, words);
            property.map_or(String::new(), |property| objects.listed(path, property))
        })
    };
    let (realm, group) = (read("realm"), read("auth-server-group"));
    let mut text = String::from("Default authentication:\n");
    for (label, value) in [
        ("Admin Realm", realm.as_str()),
        ("Operational Realm", "Local"),
        ("Web session refresh period(in secs)", &read("refresh-period")),
        ("Idle Session timeout(in secs) for web, ssh, telnet sessions", &timeouts.idle.to_string()),
        (
            "Absolute Session timeout(in secs) for web, ssh, telnet sessions",
            &timeouts.absolute.to_string(),
        ),
        ("Serial Console Session timeout(in secs)", &timeouts.console_idle.to_string()),
        (
            "Serial Console Absolute Session timeout(in secs)",
            &timeouts.console_absolute.to_string(),
        ),
        ("Admin Authentication server group", &group),
        ("Operational Authentication server group", ""),
        ("Use of 2nd factor", "No"),
    ] {
        let _ = writeln!(text, "{}", format!("    {label}: {value}").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::time::Instant;
    use crate::proto::accounts::{Visitor, Way};
    use crate::proto::config::{Factory, Tree};

    const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 55, 50) };

    fn lab() -> (Tree, Accounts) {
        let (tree, mut accounts) = (Tree::factory(&Factory::default()), Accounts::default());
        for (id, way, from) in [(1, Way::Console, "ttyS0"), (2, Way::Ssh, "10.83.65.41")] {
            let visitor = Visitor { user: "admin".to_owned(), way, from: from.to_owned() };
            accounts.open((NOW, Instant::ZERO), tree.objects(), id, visitor).unwrap();
        }
        (tree, accounts)
    }

    #[test]
    fn accounts_are_listed_in_a_table_and_in_full() {
        let (tree, accounts) = lab();
        let table = local_users(tree.objects());
        assert_eq!(table.lines().last(), Some("admin"));
        let detail = local_user(NOW, tree.objects(), &accounts, "admin");
        for line in [
            "Local User admin:",
            "    First Name:",
            "    Expiration: Never",
            "    User lock status: Not Locked",
            "    Account status: Active",
            "        Name: admin",
            "    User SSH public key:",
        ] {
            assert!(detail.lines().any(|shown| shown == line), "{line} is not in {detail}");
        }
        assert_eq!(local_user(NOW, tree.objects(), &accounts, "eve"), "");
    }

    #[test]
    fn sessions_are_listed_as_scripts_of_the_sibling_read_them() {
        let (_, accounts) = lab();
        let detail = sessions_detail(&accounts);
        let blocks: Vec<&str> = detail.split("\n\n").collect();
        let [_, ssh] = blocks[..] else { panic!("{detail}") };
        // `egrep "Pid:" | cut -f 6 -d " "` is what they type.
        let pid = ssh.lines().find(|line| line.contains("Pid:")).unwrap();
        assert_eq!(pid.split(' ').nth(5), Some("2"));
        assert!(ssh.starts_with("Session Id pts_0_1_2:\n"));
        assert!(ssh.contains("    Login Time: 2020-08-04T09:55:50.000\n"));
        let row = "ttyS_0_1_1      admin           ttyS0                2020-08-04T09:55:50.000";
        assert_eq!(sessions(&accounts).lines().nth(2), Some(row));
    }

    #[test]
    fn the_audit_log_begins_with_the_newest() {
        let (tree, mut accounts) = lab();
        let visitor =
            Visitor { user: "eve".to_owned(), way: Way::Ssh, from: "192.0.2.1".to_owned() };
        for s in 1..4 {
            accounts.refuse(NOW.advanced(Duration::from_secs(s)), tree.objects(), &visitor);
        }
        let text = audit(&accounts);
        let newest = "    2020-08-04T09:55:53 internal         3 Special        \
                      Fabric A: login of eve from 192.0.2.1 refused (3 times)";
        assert_eq!(text.lines().nth(3), Some(newest));
        assert!(text.lines().last().unwrap().ends_with("local user admin logged in from ttyS0"));
        assert!(audit_detail(&accounts).contains("\n    Session ID: pts_0_1_2\n"));
    }

    #[test]
    fn default_authentication_is_listed_with_its_time_outs() {
        let (tree, _) = lab();
        let text = default_auth(tree.objects());
        assert!(text.contains(
            "    Idle Session timeout(in secs) for web, ssh, telnet sessions: 600\n    \
             Absolute Session timeout(in secs) for web, ssh, telnet sessions: 3600\n"
        ));
    }
}
