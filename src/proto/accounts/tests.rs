use super::*;
use crate::proto::config::schema::Verb;
use crate::proto::config::{Factory, Path, Pending, Tree};

const T0: Utc = Utc::from_civil(2026, 11, 24, 12, 0, 0);

fn now(s: u64) -> Now {
    Now { mono: Instant::ZERO, wall: T0 }.advanced(Duration::from_secs(s))
}

fn patience(s: u64) -> Instant {
    Instant::from_elapsed(Duration::from_secs(s))
}

fn visitor(user: &str, way: Way) -> Visitor {
    Visitor { user: user.to_owned(), way, from: "192.0.2.7".to_owned() }
}

/// A property to set: its object by names, its words, its text. Without words the object alone.
type Edit<'a> = (&'a [(&'a str, &'a [&'a str])], &'a str, &'a str);

/// A chassis with `admin` and what else a test sets.
struct Lab {
    accounts: Accounts,
    tree: Tree,
}

impl Lab {
    fn new() -> Lab {
        let mut tree = Tree::factory(&Factory::default());
        tree.give_admin_password(|| hash::hash("Admin123", &mut Rng::from_seed(9)));
        Lab { accounts: Accounts::default(), tree }
    }

    /// Sets properties in one commit; a path is created if it does not exist.
    fn set(&mut self, s: u64, steps: &[Edit<'_>]) {
        let mut pending = Pending::default();
        for (names, words, text) in steps {
            let path = Path::find(names).unwrap();
            pending.enter(&self.tree, &path, &[]).unwrap();
            if !words.is_empty() {
                pending.set(&self.tree, &path, (Verb::Set, words), text).unwrap();
            }
        }
        self.commit(s, &mut pending);
    }

    fn commit(&mut self, s: u64, pending: &mut Pending) {
        let before = self.tree.clone();
        let differences = self.tree.commit(pending).unwrap();
        self.accounts.committed(now(s), 1, &differences, before.objects());
    }

    fn user(&mut self, name: &str, password: &str, role: &str) {
        let stored = hash::hash(password, &mut Rng::from_seed(3));
        let user: &[(&str, &[&str])] = &[("security", &[]), ("local-user", &[name])];
        let role_path: &[(&str, &[&str])] =
            &[("security", &[]), ("local-user", &[name]), ("role", &[role])];
        self.set(0, &[(user, "password", &stored), (role_path, "", "")]);
    }

    /// Comes to the door with a password, as an edge does it.
    fn try_login(&mut self, s: u64, user: &str, password: &str) -> Option<Admission> {
        let (now, visitor, objects) = (now(s), visitor(user, Way::Ssh), self.tree.objects());
        let challenge = self.accounts.challenge(now, objects, user);
        if hash::verify(password, &challenge.hash) {
            self.accounts.admit(now, objects, &visitor)
        } else {
            self.accounts.refuse(now, objects, &visitor);
            None
        }
    }

    fn open(&mut self, id: u32, user: &str, way: Way) -> Result<(), TooMany> {
        let (objects, at) = (self.tree.objects(), (now(0), patience(0)));
        self.accounts.open(at, objects, id, visitor(user, way))
    }

    fn outputs(&mut self, s: u64) -> (Vec<Output>, Option<Instant>) {
        let mut outputs = Vec::new();
        loop {
            match self.accounts.poll(now(s)) {
                Next::Do(output) => outputs.push(output),
                Next::Wait(due) => return (outputs, due),
            }
        }
    }

    fn texts(&self) -> Vec<&str> {
        self.accounts.audit().map(|record| record.text.as_str()).collect()
    }
}

const SECURITY: &[(&str, &[&str])] = &[("security", &[])];

#[test]
fn the_right_password_gets_in_and_is_told_of_the_last_time() {
    let mut lab = Lab::new();
    let first = lab.try_login(0, "admin", "Admin123").unwrap();
    assert_eq!((first.logins, first.last), (1, None));
    assert!(first.roles.admin);
    let second = lab.try_login(60, "admin", "Admin123").unwrap();
    assert_eq!(second.logins, 2);
    assert_eq!(second.last, Some((T0, Origin::Address("192.0.2.7".to_owned()))));
}

#[test]
fn nobody_gets_in_without_the_password() {
    let mut lab = Lab::new();
    lab.user("jo", "Jo.Secret1", "read-only");
    for (user, password) in [("admin", "admin123"), ("Admin", "Admin123"), ("eve", ""), ("jo", "")]
    {
        assert_eq!(lab.try_login(0, user, password), None, "{user}");
    }
    // An account without a password has none that could be guessed.
    lab.set(0, &[(&[("security", &[]), ("local-user", &["empty"])], "firstname", "E")]);
    for guess in ["", "Admin123", hash::DECOY] {
        assert_eq!(lab.try_login(0, "empty", guess), None);
    }
}

#[test]
fn too_many_wrong_passwords_lock_the_account_for_a_while() {
    let mut lab = Lab::new();
    lab.set(0, &[(SECURITY, "user-account-unlock-time", "600")]);
    for s in 0..3 {
        assert_eq!(lab.try_login(s, "admin", "wrong"), None);
    }
    assert!(lab.accounts.is_locked(now(3), "admin"));
    // The right one is refused now, and so is its public key.
    assert_eq!(lab.try_login(3, "admin", "Admin123"), None);
    let (admin, objects) = (visitor("admin", Way::Console), lab.tree.objects());
    assert_eq!(lab.accounts.admit(now(4), objects, &admin), None);
    assert!(lab.try_login(602, "admin", "Admin123").is_some());
    // It counts from the start again.
    assert_eq!(lab.try_login(603, "admin", "wrong"), None);
    assert!(lab.try_login(604, "admin", "Admin123").is_some());
}

#[test]
fn a_lock_survives_power_loss_and_an_operator_ends_it() {
    let mut lab = Lab::new();
    for s in 0..3 {
        lab.try_login(s, "admin", "wrong");
    }
    let (outputs, _) = lab.outputs(3);
    let mut stored = Stored::default();
    let mut pages = Vec::new();
    for output in outputs {
        match output {
            Output::Persist(new) => stored = new,
            Output::PersistPage(page) => pages.push(page),
            Output::End { .. } => {}
        }
    }
    let stored = serde_json::from_slice(&serde_json::to_vec(&stored).unwrap()).unwrap();
    lab.accounts = Accounts::new(stored, pages, Rng::from_seed(0));
    assert!(lab.accounts.is_locked(now(4), "admin"));
    assert!(lab.texts().contains(&"Fabric A: local user admin is locked out"));
    lab.accounts.unlock(now(5), "admin");
    assert!(lab.try_login(5, "admin", "Admin123").is_some());
}

#[test]
fn without_a_limit_nobody_is_locked_out() {
    let mut lab = Lab::new();
    lab.set(0, &[(SECURITY, "max-login-attempts", "0")]);
    for s in 0..20 {
        lab.try_login(s, "admin", "wrong");
    }
    assert!(lab.try_login(20, "admin", "Admin123").is_some());
}

#[test]
fn an_inactive_or_expired_account_is_no_account() {
    let mut lab = Lab::new();
    lab.user("jo", "Jo.Secret1", "operations");
    let jo: &[(&str, &[&str])] = &[("security", &[]), ("local-user", &["jo"])];
    lab.set(0, &[(jo, "expiration", "nov 25 2026")]);
    assert!(lab.try_login(0, "jo", "Jo.Secret1").is_some());
    assert_eq!(lab.try_login(12 * 3600, "jo", "Jo.Secret1"), None);
    lab.set(0, &[(jo, "account-status", "inactive")]);
    assert_eq!(lab.try_login(0, "jo", "Jo.Secret1"), None);
    let challenge = lab.accounts.challenge(now(0), lab.tree.objects(), "jo");
    assert_eq!((challenge.hash.as_str(), challenge.keys.len()), (hash::DECOY, 0));
}

#[test]
fn sessions_are_limited_by_account_and_in_all() {
    let mut lab = Lab::new();
    let limits: &[(&str, &[&str])] =
        &[("system", &[]), ("services", &[]), ("shell-session-limits", &[])];
    lab.set(0, &[(limits, "per-user", "2"), (limits, "total", "3")]);
    assert_eq!(lab.open(1, "admin", Way::Ssh), Ok(()));
    assert_eq!(lab.open(2, "admin", Way::Console), Ok(()));
    let refused = lab.open(3, "admin", Way::Ssh).unwrap_err();
    assert_eq!(refused.device_text(), "Too many logins for 'admin'");
    assert_eq!(lab.open(4, "jo", Way::Telnet), Ok(()));
    assert!(lab.open(5, "jo", Way::Ssh).is_err(), "three in all");
    // Nobody logs in at the lab's own terminal.
    assert_eq!(lab.open(6, "admin", Way::Terminal), Ok(()));
    lab.accounts.close(now(1), 1);
    assert_eq!(lab.open(7, "admin", Way::Ssh), Ok(()));
}

#[test]
fn time_outs_end_sessions_by_their_way_in() {
    let mut lab = Lab::new();
    let auth: &[(&str, &[&str])] = &[("security", &[]), ("default-auth", &[])];
    lab.set(0, &[(auth, "session-timeout", "60"), (auth, "con-session-timeout", "0")]);
    for (id, way) in [(1, Way::Ssh), (2, Way::Console), (3, Way::Terminal)] {
        lab.open(id, "admin", way).unwrap();
    }
    lab.accounts.save();
    lab.outputs(0);
    let objects = lab.tree.objects();
    assert_eq!(lab.accounts.expire(patience(59), objects), Some(patience(60)));
    lab.accounts.touch(patience(59), 1);
    assert_eq!(lab.accounts.expire(patience(60), objects), Some(patience(119)));
    assert_eq!(lab.accounts.expire(patience(119), objects), Some(patience(3600)));
    let ends = |outputs: Vec<Output>| -> Vec<(u32, &'static str)> {
        let end = |output| match output {
            Output::End { session, text: Some(text) } => Some((session, text)),
            Output::End { .. } | Output::Persist(_) | Output::PersistPage(_) => None,
        };
        outputs.into_iter().filter_map(end).collect()
    };
    let idle = ends(lab.outputs(0).0);
    assert_eq!(idle, [(1, "Inactive timeout reached, logging out.")]);
    let objects = lab.tree.objects();
    lab.accounts.touch(patience(3599), 2);
    assert_eq!(lab.accounts.expire(patience(3600), objects), None, "each is asked once");
    let absolute = ends(lab.outputs(0).0);
    assert_eq!(absolute, [(2, "Absolute timeout reached, logging out.")]);
}

#[test]
fn what_happens_is_in_the_audit_log() {
    let mut lab = Lab::new();
    lab.try_login(0, "eve", "x");
    lab.try_login(0, "eve", "y");
    lab.try_login(1, "admin", "Admin123");
    lab.open(1, "admin", Way::Ssh).unwrap();
    lab.set(2, &[(&[("system", &[]), ("services", &[]), ("dns", &["192.0.2.1"])], "", "")]);
    lab.accounts.close(now(3), 1);
    assert_eq!(
        lab.texts(),
        [
            "Fabric A: login of eve from 192.0.2.7 refused",
            "Fabric A: local user admin logged in from 192.0.2.7",
            "Domain Name Servers 192.0.2.1 created",
            "Fabric A: user admin terminated session id pts_0_1_1",
        ]
    );
    let records: Vec<&Record> = lab.accounts.audit().collect();
    assert_eq!(records[0].times, 2);
    let commit = records[2];
    assert_eq!((commit.user.as_str(), commit.session.as_str()), ("admin", "pts_0_1_1"));
    assert_eq!(commit.object, "/system/services/dns 192.0.2.1");
    assert_eq!((commit.action, commit.at), (Action::Creation, T0 + Duration::from_secs(2)));
}

#[test]
fn a_commit_is_written_at_once_and_a_login_soon() {
    let mut lab = Lab::new();
    lab.set(0, &[(SECURITY, "max-login-attempts", "5")]);
    let (outputs, due) = lab.outputs(0);
    assert!(matches!(outputs[..], [Output::Persist(_), Output::PersistPage(_)]), "{outputs:?}");
    assert_eq!(due, None);
    lab.try_login(10, "admin", "Admin123");
    let (outputs, due) = lab.outputs(10);
    assert_eq!((outputs, due), (Vec::new(), Some(now(11).mono)));
    let (outputs, due) = lab.outputs(11);
    assert!(matches!(outputs[..], [Output::Persist(_)]), "{outputs:?}");
    assert_eq!(due, None);
}

#[test]
fn former_passwords_may_not_come_again() {
    let mut lab = Lab::new();
    lab.user("jo", "Jo.Secret1", "aaa");
    let jo: &[(&str, &[&str])] = &[("security", &[]), ("local-user", &["jo"])];
    let profile: &[(&str, &[&str])] = &[("security", &[]), ("password-profile", &[])];
    lab.set(0, &[(profile, "history-count", "2")]);
    let change = |lab: &mut Lab, password: &str| {
        let objects = lab.tree.objects().clone();
        let stored = lab.accounts.new_password(now(0), &objects, "jo", password)?;
        lab.set(0, &[(jo, "password", &stored)]);
        Ok(())
    };
    assert_eq!(change(&mut lab, "Jo.Secret1"), Err(Unfit::Used));
    assert_eq!(change(&mut lab, "Jo.Secret2"), Ok(()));
    assert_eq!(change(&mut lab, "Jo.Secret1"), Err(Unfit::Used));
    assert_eq!(change(&mut lab, "Jo.Secret3"), Ok(()));
    assert_eq!(change(&mut lab, "Jo.Secret1"), Ok(()), "two later it may");
    lab.accounts.forget_passwords(now(0), "jo");
    assert_eq!(change(&mut lab, "Jo.Secret3"), Ok(()));
    assert!(lab.try_login(0, "jo", "Jo.Secret3").is_some());
}

#[test]
fn who_has_no_privilege_may_not_change_too_often() {
    let mut lab = Lab::new();
    lab.user("jo", "Jo.Secret1", "operations");
    let jo: &[(&str, &[&str])] = &[("security", &[]), ("local-user", &["jo"])];
    let change = |lab: &mut Lab, s: u64, password: &str| {
        let objects = lab.tree.objects().clone();
        let stored = lab.accounts.new_password(now(s), &objects, "jo", password)?;
        lab.set(s, &[(jo, "password", &stored)]);
        Ok(())
    };
    // Two changes within 48 hours are the default; the first password counts as none.
    assert_eq!(change(&mut lab, 0, "Jo.Secret2"), Ok(()));
    assert_eq!(change(&mut lab, 1, "Jo.Secret3"), Ok(()));
    assert_eq!(change(&mut lab, 2, "Jo.Secret4"), Err(Unfit::TooSoon));
    assert_eq!(change(&mut lab, 48 * 3600 + 1, "Jo.Secret4"), Ok(()));
    let profile: &[(&str, &[&str])] = &[("security", &[]), ("password-profile", &[])];
    lab.set(0, &[(profile, "change-during-interval", "disable")]);
    assert_eq!(change(&mut lab, 72 * 3600, "Jo.Secret5"), Err(Unfit::TooSoon));
    assert_eq!(change(&mut lab, 72 * 3600 + 1, "Jo.Secret5"), Ok(()));
}

#[test]
fn a_deleted_account_is_forgotten_and_its_sessions_end() {
    let mut lab = Lab::new();
    lab.user("jo", "Jo.Secret1", "admin");
    lab.try_login(0, "jo", "Jo.Secret1").unwrap();
    lab.open(1, "admin", Way::Ssh).unwrap();
    lab.open(2, "jo", Way::Ssh).unwrap();
    let mut pending = Pending::default();
    pending.delete(&lab.tree, &user::path("jo").unwrap()).unwrap();
    lab.commit(1, &mut pending);
    assert_eq!(lab.accounts.past("jo"), None);
    let ends: Vec<Output> = lab.outputs(1).0;
    assert!(ends.contains(&Output::End { session: 2, text: None }));
    assert!(!ends.contains(&Output::End { session: 1, text: None }));
    assert_eq!(lab.try_login(1, "jo", "Jo.Secret1"), None);
}

#[test]
fn the_account_admin_cannot_be_made_useless() {
    let mut lab = Lab::new();
    let admin = user::path("admin").unwrap();
    let role =
        Path::find(&[("security", &[]), ("local-user", &["admin"]), ("role", &["admin"])]).unwrap();
    let tree = &mut lab.tree;
    let mut inactive = Pending::default();
    inactive.set(tree, &admin, (Verb::Set, "account-status"), "inactive").unwrap();
    let mut expiring = Pending::default();
    expiring.set(tree, &admin, (Verb::Set, "expiration"), "jan 1 2030").unwrap();
    let mut bare = Pending::default();
    bare.delete(tree, &role).unwrap();
    let mut gone = Pending::default();
    assert!(gone.delete(tree, &admin).is_err());
    for mut pending in [inactive, expiring, bare] {
        assert!(tree.commit(&mut pending).is_err());
    }
    let mut odd = Pending::default();
    odd.create(tree, &user::path("4711").unwrap(), &[]).unwrap();
    assert!(tree.commit(&mut odd).is_err());
}
