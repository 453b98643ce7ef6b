//! What each command does, called as the engine calls it once a line has been parsed.

use crate::cli::call::{Args, Ask, Call, Go, Login, Next as Follow, Place, Setting, Step};
use crate::cli::grammar::{Command, Refusal, Role, Scope};

use super::*;

#[test]
fn enable_takes_the_empty_password_and_three_wrong_ones_are_enough() {
    let mut blade = attached();
    let asked = run(&mut blade, &exec::USER, &[], "enable", &[], &[]);
    let (prompt, then) = asked.ask.map(|ask| (ask.prompt, ask.then)).unwrap();
    assert_eq!(prompt, "Password: ");
    assert_eq!(answer(&mut blade, then, "").went, "enable");

    let mut asked = run(&mut blade, &exec::USER, &[], "enable", &[], &[]).ask;
    for (n, want) in
        ["Invalid password\n", "Invalid password\n", "Access denied.\n"].iter().enumerate()
    {
        let after = answer(&mut blade, asked.unwrap().then, "cisco");
        assert_eq!((after.out.as_str(), after.went.as_str()), (*want, ""), "try {n}");
        asked = after.ask;
    }
    assert!(asked.is_none());
}

#[test]
fn every_no_releases_what_its_yes_asked_for() {
    let smart = &config::SMART_LICENSE;
    for (yes, no) in [
        ("feature context COUNT:1-65535", "no feature context [COUNT:1-65535]"),
        ("feature strong-encryption", "no feature strong-encryption"),
        ("feature {carrier | mobile-sp}", "no feature {carrier | mobile-sp}"),
    ] {
        let mut blade = licensed();
        assert_eq!(run(&mut blade, smart, SMART, yes, &[], &[]).done, Ok(()));
        assert_eq!(blade.running().features.len(), 2, "{yes}");
        assert_eq!(run(&mut blade, smart, SMART, no, &[], &[]).done, Ok(()));
        let left: Vec<Feature> = blade.running().features.into_keys().collect();
        assert_eq!(left, [Feature::Tier], "{no}");
    }
}

#[test]
fn every_way_goes_where_it_should() {
    let quit = "{exit | quit | logout}";
    let up = "{exit | quit}";
    let table: [(&'static Scope<Blade>, Stand, &str, &str); 8] = [
        (&exec::PRIVILEGED, PRIVILEGED, "configure terminal", "+config"),
        (&exec::PRIVILEGED, PRIVILEGED, "disable", "top"),
        (&exec::PRIVILEGED, PRIVILEGED, quit, "top"),
        (&exec::USER, &[], quit, "leave"),
        (&config::CONFIG, CONFIG, up, "up"),
        (&config::SMART_LICENSE, SMART, up, "up"),
        (&config::SMART_LICENSE, SMART, "end", "enable"),
        (&module::ROOT, &[], "connect asa", "asa"),
    ];
    for (scope, stand, syntax, want) in table {
        let after = run(&mut attached(), scope, stand, syntax, &[], &[]);
        assert_eq!(after.went, want, "{syntax}");
    }
}

#[test]
fn prompts_are_the_seed_s() {
    let blade = attached();
    for (stand, want) in [
        (&[] as Stand, "asa> "),
        (PRIVILEGED, "asa# "),
        (CONFIG, "asa(config)# "),
        (SMART, "asa(config-smart-lic)# "),
    ] {
        assert_eq!(prompt_at(&ASA, &blade, stand), want);
    }
}

#[test]
fn curpriv_knows_where_it_is_asked() {
    for (stand, level, modes) in
        [(&[] as Stand, 1, "P_UNPR"), (PRIVILEGED, 15, "P_PRIV"), (SMART, 15, "P_PRIV P_CONF")]
    {
        let out = run(&mut attached(), &exec::USER, stand, "show curpriv", &[], &[]).out;
        assert!(out.contains(&format!("level : {level}\n")), "{out}");
        assert!(out.ends_with(&format!("Mode/s : {modes}\n")), "{out}");
    }
}

#[test]
fn a_written_name_is_kept() {
    let mut blade = attached();
    let name = [("NAME", "asa-1")];
    run(&mut blade, &config::CONFIG, CONFIG, "hostname NAME:name(63)", &[], &name);
    assert_eq!(prompt_at(&ASA, &blade, PRIVILEGED), "asa-1# ");
    let write = "write [{memory | terminal}]";
    let shown = run(&mut blade, &exec::PRIVILEGED, PRIVILEGED, write, &["terminal"], &[]);
    assert!(shown.out.contains("\nhostname asa-1\n"));
    assert_eq!(blade.startup().hostname, "asa", "only shown");
    let saved = run(&mut blade, &exec::PRIVILEGED, PRIVILEGED, write, &[], &[]);
    assert!(saved.out.starts_with("Building configuration...\nCryptochecksum: "));
    assert!(saved.out.ends_with("\n[OK]\n"));
    assert_eq!(blade.startup().hostname, "asa-1");
}

#[test]
fn the_pager_is_turned_off_by_zero() {
    let pager = "terminal pager [lines] LINES:0-2147483647";
    for (lines, want) in [("0", 0), ("24", 24), ("2147483647", u16::MAX)] {
        let lines = [("LINES", lines)];
        let after = run(&mut attached(), &exec::PRIVILEGED, PRIVILEGED, pager, &[], &lines);
        assert_eq!(after.setting, Some(Setting::Length(want)));
    }
}

// One line typed at one place, and all that came of it.

type Stand = &'static [&'static Scope<Blade>];
static PRIVILEGED: Stand = &[&exec::PRIVILEGED];
static CONFIG: Stand = &[&exec::PRIVILEGED, &config::CONFIG];
static SMART: Stand = &[&exec::PRIVILEGED, &config::CONFIG, &config::SMART_LICENSE];

struct After {
    done: Result<(), Refusal>,
    out: String,
    /// `+name` for into, a scope's name for to, or what the session does.
    went: String,
    ask: Option<Ask<Blade>>,
    setting: Option<Setting>,
}

/// Runs the row of `scope` that has this notation, standing at `stand`.
fn run(
    blade: &mut Blade,
    scope: &'static Scope<Blade>,
    stand: Stand,
    syntax: &str,
    words: &[&'static str],
    values: &[(&'static str, &str)],
) -> After {
    let row: Option<&Command<Blade>> = scope.all_commands().find(|row| row.syntax == syntax);
    let row = row.unwrap_or_else(|| panic!("no row `{syntax}`"));
    let values = values.iter().map(|(name, text)| (*name, (*text).to_owned()));
    let args = Args::new(words.to_vec(), values.collect());
    call(blade, &args, stand, |blade, call| (row.run)(blade, call))
}

/// Answers a question.
fn answer(blade: &mut Blade, then: crate::cli::call::Then<Blade>, text: &str) -> After {
    call(blade, &Args::default(), &[], |blade, call| then(blade, call, text))
}

fn call(
    blade: &mut Blade,
    args: &Args,
    stand: Stand,
    run: impl FnOnce(&mut Blade, &mut Call<'_, Blade>) -> Result<(), Refusal>,
) -> After {
    let (login, place) = (login(), place(stand));
    let mut call = Call::new(ASKED, &login, args, &place);
    let done = run(blade, &mut call);
    let went = match &call.go {
        None => "",
        Some(Go::Up) => "up",
        Some(Go::Top) => "top",
        Some(Go::Into(scope)) => &format!("+{}", scope.name()),
        Some(Go::To(scopes)) => scopes.last().map_or("top", |scope| scope.name()),
    };
    let mut went = went.to_owned();
    let mut ask = None;
    match call.next {
        Follow::Prompt => {}
        Follow::Ask(question) => ask = Some(question),
        Follow::Enter(shell) => shell.name.clone_into(&mut went),
        Follow::Leave => "leave".clone_into(&mut went),
        Follow::Job(job) => match job {},
        Follow::Relay { .. } => panic!("a blade reaches no module"),
    }
    After { done, out: call.out, went, ask, setting: call.setting }
}

fn prompt_at(shell: &crate::cli::grammar::Shell<Blade>, blade: &Blade, stand: Stand) -> String {
    (shell.prompt)(blade, &login(), &place(stand))
}

fn place(stand: Stand) -> Place<Blade> {
    Place::new(stand.iter().map(|scope| Step { scope, keys: Args::default() }).collect())
}

fn login() -> Login {
    Login {
        session: 1,
        user: "enable_15".to_owned(),
        role: Role::Admin,
        from: "console".to_owned(),
    }
}
