//! The real shells: the device's words, and what its clients type from login to logout.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::ident::Udi;
use crate::base::platform::{AgentVersion, Chassis, Module};
use crate::base::rng::Rng;
use crate::cli::asa::{ASA, MODULE};
use crate::cli::tables::{FXOS, LOCAL_MGMT, MIO};
use crate::proto::agent::{Agent, Identity, Stored};
use crate::proto::blade::{self, Blade};
use crate::proto::broker::{self, Broker};
use crate::proto::config::{Factory, Tree};
use crate::proto::mio::{Facts, Mio};

/// A 4125 as it leaves the factory, but for its name.
pub(super) fn chassis() -> Mio {
    let chassis = Chassis::find("FPR-4125").unwrap();
    let (serial, hostname) = ("JAD12345678".to_owned(), "FPR4125-1".to_owned());
    let identity = Identity {
        udi: Udi { pid: chassis.udi_pid.into(), serial: serial.clone() },
        product: chassis.product.into(),
        sudi_pid: chassis.sudi_pid.into(),
        hostname: hostname.clone(),
        version: AgentVersion::V4_6_9,
        public_key: "key".into(),
    };
    let hardware = broker::Facts {
        model: chassis.model.into(),
        hostname: hostname.clone(),
        slots: chassis.slots,
        equipped: BTreeSet::new(),
    };
    let agent = Agent::new(identity, Stored::default(), Rng::from_seed(1), NOW);
    let broker = Broker::new(hardware, broker::Stored::default(), NOW);
    let tree = Tree::factory(&Factory { hostname, ..Factory::default() });
    let (ntp, certificates) = (BTreeMap::new(), BTreeMap::new());
    let (leased_dns, died) = Default::default();
    Mio::new(agent, broker, tree, Facts { chassis, serial, ntp, certificates, leased_dns, died })
}

/// Its module.
pub(super) fn module() -> Blade {
    let facts = blade::Facts {
        slot: Slot::new(1).unwrap(),
        serial: "FCH12345ABC".to_owned(),
        module: Module::find("FPR4K-SM-32S").unwrap(),
        release: "9.14(1)".to_owned(),
    };
    Blade::new(facts, blade::Stored::default(), NOW)
}

/// A chassis with its module behind the relay.
struct Rack {
    mio: Session<Mio>,
    blade: Session<Blade>,
    closed: bool,
}

impl Rack {
    fn new() -> Rack {
        Rack {
            mio: Session::on(&MIO, chassis(), Role::Admin, (80, 24)),
            blade: Session::on(&MODULE, module(), Role::Admin, (80, 0)),
            closed: false,
        }
    }

    /// Types one read; returns what the screen gets, the module's part included.
    fn keys(&mut self, keys: &str) -> String {
        let mio = &mut self.mio;
        mio.terminal.bytes(NOW, &mut mio.world, keys.as_bytes());
        let mut shown = Vec::new();
        while let Some(output) = mio.terminal.poll() {
            match output {
                Output::Bytes(bytes) => shown.extend(bytes),
                Output::Relay { bytes, .. } => {
                    let printed = self.blade.keys(bytes);
                    mio.terminal.relay(NOW, &mut mio.world, printed.as_bytes(), true);
                }
                Output::Closed => self.closed = true,
                Output::OpenRelay { .. } | Output::CloseRelay { .. } | Output::CancelJob => {}
                Output::StartJob(job) => panic!("nobody here carries out {job:?}"),
            }
        }
        String::from_utf8(shown).unwrap()
    }

    /// Plays what a client sends, each a read of its own, and how the screen then ends.
    fn play(&mut self, dialogue: &[(&str, &str)]) -> String {
        let mut all = String::new();
        for (keys, end) in dialogue {
            let shown = self.keys(keys);
            assert!(shown.ends_with(end), "{keys:?} should end in {end:?}: {shown:?}");
            assert!(!shown.contains('\x07'), "{keys:?} rings: clients take it for a failure");
            all += &shown;
        }
        all
    }
}

#[test]
fn the_supervisor_refuses_in_its_words() {
    // The caret's line counts the prompt, `FPR4125-1# ` or `FPR4125-1 /system # `.
    let table = [
        ("", "bogus", 11, "% Invalid Command at '^' marker"),
        ("", "show bogus", 16, "% Invalid Command at '^' marker"),
        // Behind what still began a keyword: `clock`.
        ("", "show clx", 18, "% Invalid Command at '^' marker"),
        ("", "shx clock", 13, "% Invalid Command at '^' marker"),
        ("", "show clock x", 22, "% Invalid Command at '^' marker"),
        ("", "show", 15, "% Incomplete Command at '^' marker"),
        ("", "scope  ", 17, "% Incomplete Command at '^' marker"),
        ("", "s", 11, "% Ambiguous command at '^' marker"),
        ("", "scope s", 17, "% Ambiguous command at '^' marker"),
        ("scope system", "show bogus", 25, "% Invalid Command at '^' marker"),
        ("scope system", "  bogus", 22, "% Invalid Command at '^' marker"),
    ];
    for (stand, line, column, text) in table {
        let mut session = Session::on(&MIO, chassis(), Role::Admin, (80, 0));
        session.enter(stand);
        let caret = " ".repeat(column) + "^";
        assert!(session.enter(line).starts_with(&format!("{caret}\n{text}\nFPR4125-1")), "{line}");
    }
}

#[test]
fn the_other_shells_refuse_in_theirs() {
    let fxos = |line| Session::on(&FXOS, chassis(), Role::Admin, (80, 0)).enter(line);
    let prompt = "FPR4125-1(fxos)# ";
    let caret = |more: usize| " ".repeat(prompt.len() + more) + "^\n";
    assert_eq!(fxos("bogus"), caret(0) + "% Invalid command at '^' marker.\n" + prompt);
    assert_eq!(fxos("show"), caret(4) + "% Incomplete command at '^' marker.\n" + prompt);
    assert_eq!(fxos("e"), caret(0) + "% Ambiguous command at '^' marker.\n" + prompt);
    let mut local = Session::on(&LOCAL_MGMT, chassis(), Role::Admin, (80, 0));
    let want = " ".repeat(23) + "^\n% Invalid Command at '^' marker\nFPR4125-1(local-mgmt)# ";
    assert_eq!(local.enter("bogus"), want);

    // The module's own has no caret and repeats the word: kick wants `No such command.+exit`.
    let boot = |line| Session::on(&MODULE, module(), Role::Admin, (80, 0)).enter(line);
    assert_eq!(boot("exit"), "No such command 'exit'\nFirepower-module1>");
    assert_eq!(boot("~ x"), "No such command '~'\nFirepower-module1>");
    assert_eq!(boot("connect"), "Syntax error: The command is not completed\nFirepower-module1>");

    // An ASA has a caret for what is invalid only.
    let mut asa = Session::on(&ASA, module(), Role::Admin, (80, 0));
    let invalid = "ERROR: % Invalid input detected at '^' marker.\nasa> ";
    assert_eq!(asa.enter("bogus"), " ".repeat(5) + "^\n" + invalid);
    assert_eq!(asa.enter("show clx"), " ".repeat(12) + "^\n" + invalid);
    assert_eq!(asa.enter("show"), "ERROR: % Incomplete command\nasa> ");
    assert_eq!(asa.enter("e"), "ERROR: % Ambiguous command\nasa> ");
}

#[test]
fn each_shell_has_its_own_foot_of_a_full_screen() {
    let mut session = Session::on(&MIO, chassis(), Role::Admin, (80, 3));
    assert!(session.keys("show license all\r").ends_with("\r\n--More--"));
    let mut asa = Session::on(&ASA, module(), Role::Admin, (80, 3));
    asa.keys("enable\r\r");
    assert!(asa.keys("show version\r").ends_with("\r\n<--- More --->"));
    assert_eq!(dialect::FXOS.more, "\x1b[7m--More--\x1b[m");
}

/// The wire log of unicon's `fxos` plugin, the states it changes through.
#[test]
fn unicon_goes_everywhere_and_back() {
    let mut rack = Rack::new();
    let shown = rack.play(&[
        ("show version | inc Version\r", "\r\nFPR4125-1# "),
        ("show version\r", "\r\nFPR4125-1# "),
        ("scope system\r", "\r\nFPR4125-1 /system # "),
        ("scope services\r", "\r\nFPR4125-1 /system/services # "),
        ("create ntp-server 192.0.2.1\r", "\r\nFPR4125-1 /system/services/ntp-server* # "),
        ("commit-buffer\r", "\r\nFPR4125-1 /system/services/ntp-server # "),
        ("top\r", "\r\nFPR4125-1# "),
        ("connect fxos\r", "\r\nFPR4125-1(fxos)# "),
        ("exit\r", "\r\nFPR4125-1# "),
        ("connect local-mgmt\r", "\r\nFPR4125-1(local-mgmt)# "),
        ("exit\r", "\r\nFPR4125-1# "),
        ("connect module 1 console\r", "\r\nFirepower-module1>"),
        ("\r", "\r\nFirepower-module1>"),
        ("\r", "\r\nFirepower-module1>"),
        ("connect asa\r", "\r\nasa> "),
        ("enable\r", "\r\nPassword: "),
        ("\r", "\r\nasa# "),
        ("\r", "\r\nasa# "),
        ("\x01d", "\r\nConsole connection detached.\r\nFirepower-module1>"),
        ("\r", "\r\nFirepower-module1>"),
        ("~\x17", "\r\ntelnet> "),
        ("q\r", "\r\nConnection closed.\r\nFPR4125-1# "),
        ("bogus\r", "\r\n% Invalid Command at '^' marker\r\nFPR4125-1# "),
        // Its answer to a bell: clear the line.
        ("half a line\x01\x0b\r", "\r\nFPR4125-1# "),
        // The module by telnet; `exit` is refused there, so that it sends `~` and then `q`.
        ("connect module 1 telnet\r", "\r\nFirepower-module1>"),
        ("exit\r", "\r\nNo such command 'exit'\r\nFirepower-module1>"),
        ("~", "\r\ntelnet> "),
        ("q\r", "\r\nFPR4125-1# "),
    ]);
    assert!(shown.contains("\r\n    Version: "), "without it unicon does not know where it is");
    assert!(shown.contains("\r\nEscape character is '~'.\r\n"));
    // The ASA is in the mode that it was left in.
    rack.play(&[("connect module 1 console\r", ">"), ("connect asa\r", "\r\nasa# ")]);
}

/// What kick's `Ssp` sends, from login to logout.
#[test]
fn kick_goes_to_the_module_and_logs_out() {
    let mut rack = Rack::new();
    let shown = rack.play(&[
        ("\r", "\r\nFPR4125-1# "),
        ("top\r", "\r\nFPR4125-1# "),
        ("terminal length 0\r", "\r\nFPR4125-1# "),
        ("terminal width 511\r", "\r\nFPR4125-1# "),
        ("scope system\r", "\r\nFPR4125-1 /system # "),
        ("scope services\r", "\r\nFPR4125-1 /system/services # "),
        ("create dns 192.0.2.1\r", " # "),
        ("discard\r", " # "),
        ("end\r", "\r\nFPR4125-1# "),
        // It writes two Enters once it has read `Close Network Connection to Exit`.
        ("connect module 1 console\r", "\r\nFirepower-module1>"),
        ("\r\r", "\r\nFirepower-module1>"),
        ("exit\r", "\r\nNo such command 'exit'\r\nFirepower-module1>"),
        ("~\r", "\r\ntelnet> "),
        ("\"q\"\r", "\r\nConnection closed.\r\nFPR4125-1# "),
        ("scope system\r", "\r\nFPR4125-1 /system # "),
        ("\x15\r", "\r\nFPR4125-1 /system # "),
        ("top; exit\r", "top; exit\r\n"),
    ]);
    assert!(shown.contains("\r\nClose Network Connection to Exit\r\n"));
    assert!(rack.closed);
}

/// netmiko ends lines with LF only; scrapli sends text and LF in two writes, and reads the prompt by
/// a bare LF; a telnet client sends CR LF or CR NUL.
#[test]
fn every_client_has_its_own_enter() {
    for (name, end) in [("netmiko", "\n"), ("telnet", "\r\n"), ("raw telnet", "\r\0")] {
        let mut rack = Rack::new();
        for (line, prompt) in [
            ("", "FPR4125-1# "),
            ("terminal width 511", "FPR4125-1# "),
            ("terminal length 0", "FPR4125-1# "),
            ("scope system", "FPR4125-1 /system # "),
            ("show clock", "Tue Aug  4 09:55:50 UTC 2020\r\nFPR4125-1 /system # "),
        ] {
            let shown = rack.keys(&format!("{line}{end}"));
            assert_eq!(shown, format!("{line}\r\n{prompt}"), "{name}");
        }
    }
    let mut rack = Rack::new();
    rack.play(&[
        ("\n", "\r\nFPR4125-1# "),
        ("show clock", "show clock"),
        ("\n", "\r\nTue Aug  4 09:55:50 UTC 2020\r\nFPR4125-1# "),
        ("connect fxos", "connect fxos"),
        ("\n", "\r\nFPR4125-1(fxos)# "),
        ("exit", "exit"),
        ("\n", "\r\nFPR4125-1# "),
    ]);
}

/// Config backups page with a space, RANCID, or a `q` while connecting, unicon.
#[test]
fn a_client_that_does_not_turn_the_pager_off_gets_everything() {
    let mut session = Session::on(&MIO, chassis(), Role::Admin, (80, 10));
    let mut shown = session.keys("show license all\r");
    while shown.ends_with("--More--") {
        shown += &session.keys(" ");
    }
    let paged = shown.replace("--More--\r\x1b[K", "");
    session.keys("term len 0\r");
    assert_eq!(session.keys("show license all\r"), paged);
}

#[test]
fn what_show_configuration_prints_can_be_typed_again() {
    let mut session = Session::on(&MIO, chassis(), Role::Admin, (80, 0));
    session.enter_all(&["scope system", "scope services", "create ntp-server 192.0.2.1; up"]);
    let shown = session.enter("show configuration");
    let lines = shown.lines().filter(|line| line.starts_with([' ', '!']));
    // No table has this command yet.
    let lines = lines.filter(|line| !line.contains("rekey-limit"));
    let mut again = Session::on(&MIO, chassis(), Role::Admin, (80, 0));
    again.enter("scope system");
    for line in lines {
        let answer = again.enter(line);
        assert!(!answer.contains('^') && !answer.contains("Error"), "{line:?}: {answer}");
    }
    assert!(shown.contains("\n !"), "a remark is among them");
}
