//! Typed lines through the real parser. The seed's listings are in tests/transcripts.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ident::Udi;
use crate::base::platform::{AgentVersion, Chassis};
use crate::base::rng::Rng;
use crate::base::time::{Instant, Now, Utc};
use crate::cli::call::{Args, Call, Go, Next, RelayKind, Then};
use crate::cli::grammar::{self, Command, Refusal, Role, Verb};
use crate::cli::lex::{self, Rules};
use crate::cli::parse::{Candidate, find};
use crate::proto::agent::{Agent, Identity, Stored};
use crate::proto::broker::{self, Broker};
use crate::proto::config::{Factory, Tree, Trustpoint};
use crate::proto::mio::Facts;

use super::*;

/// When the seed's `show clock` was typed.
const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 55, 50) };

const CHAIN: &str = "-----BEGIN CERTIFICATE-----\nMIIBAgME\n-----END CERTIFICATE-----";

#[test]
fn the_tables_are_well_formed() {
    for shell in [&MIO, &LOCAL_MGMT, &FXOS] {
        assert_eq!(grammar::faults(shell), Vec::<String>::new(), "{}", shell.name);
    }
}

#[test]
fn every_scope_is_a_class_of_the_schema() {
    let mut rest = vec![(crate::proto::config::Path::root(), &ROOT)];
    while let Some((path, scope)) = rest.pop() {
        for inner in scope.scopes {
            let class = path.class().child(inner.name());
            let class = class.unwrap_or_else(|| panic!("{path} has no {}", inner.name()));
            assert_eq!(class.key.len(), inner.syntax.split(' ').count() - 1, "{}", inner.syntax);
            let keys = vec!["x"; class.key.len()];
            rest.push((path.child(class, &keys), inner));
        }
    }
}

#[test]
fn an_edit_marks_the_prompt_until_it_is_committed_or_discarded() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services", "create ntp-server 192.168.200.101"]);
    assert_eq!(lab.prompt(), "FPR4125-1 /system/services/ntp-server* # ");
    lab.type_all(&["exit"]);
    let pending = " scope services\n+    create ntp-server 192.168.200.101\n";
    assert!(lab.run("show configuration pending").starts_with(pending));
    lab.type_all(&["top"]);
    assert_eq!(lab.prompt(), "FPR4125-1* # ");
    lab.type_all(&["discard-buffer"]);
    assert_eq!(lab.prompt(), "FPR4125-1# ");
    lab.type_all(&["scope system", "set name edge-1", "commit-buffer verify-only"]);
    assert_eq!(lab.prompt(), "FPR4125-1 /system* # ");
    lab.type_all(&["commit-buffer"]);
    assert_eq!(lab.prompt(), "edge-1 /system # ");
}

#[test]
fn servers_are_created_and_deleted_once() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services", "create dns 192.0.2.9", "commit-buffer"]);
    let both = "Domain Name Servers:\n   IP Address: 172.16.200.100\n   IP Address: 192.0.2.9\n";
    assert_eq!(lab.run("show dns"), both);
    let exists = Refusal::denied("Error: Managed object already exists");
    assert_eq!(lab.try_run("create dns 192.0.2.9"), Err(exists));
    lab.type_all(&["enter dns 192.0.2.9", "delete dns 192.0.2.9", "delete dns 172.16.200.100"]);
    assert_eq!(lab.run("show dns"), "");
    let absent = Refusal::denied("Error: Managed object does not exist");
    assert_eq!(lab.try_run("delete dns 192.0.2.9"), Err(absent.clone()));
    assert_eq!(lab.try_run("scope ntp-server 192.0.2.1"), Err(absent));
    lab.type_all(&["delete ntp-server 10.62.148.75", "disable ssh-server", "set https port 8443"]);
    lab.type_all(&["set domain-name example.test", "delete ssh-server host-key rsa"]);
    let shown = lab.run("show configuration pending");
    for line in ["+    disable ssh-server", "+    set https port 8443", "-    enter dns 192.0.2.9"]
    {
        assert!(shown.lines().any(|l| l == line), "no `{line}` in\n{shown}");
    }
}

#[test]
fn the_authority_and_the_proxy_are_set_in_callhome() {
    let mut lab = Lab::new();
    lab.type_all(&["scope monitoring", "scope callhome", "set http-proxy-server-enable on"]);
    lab.type_all(&["set http-proxy-server-url proxy.test", "set http-proxy-server-port 3128"]);
    lab.type_all(&["scope profile SLProfile", "scope destination SLDest"]);
    assert_eq!(lab.prompt(), "FPR4125-1 /monitoring/callhome/profile/destination* # ");
    lab.type_all(&["set address https://authority.test/its/DDCEService", "commit-buffer"]);
    let objects = lab.mio.config.objects();
    let url = facts::callhome_destination(objects);
    assert_eq!(url.as_deref(), Some("https://authority.test/its/DDCEService"));
    let proxy = facts::callhome_proxy(objects).unwrap();
    assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.test", 3128));
}

#[test]
fn trustpoints_show_their_status_and_take_a_chain() {
    let mut lab = Lab::new();
    lab.mio.facts.certificates.insert("CHdefault".into(), "Expired".into());
    lab.type_all(&["scope security", "create trustpoint Lab"]);
    lab.run("set certchain");
    lab.answer(CHAIN);
    lab.type_all(&["up"]);
    let one = |name: &str, status: &str| {
        format!(
            "Trustpoint Name: {name}\nTrustpoint certificate chain: {CHAIN}\nCert Status: {status}\n"
        )
    };
    assert_eq!(lab.run("show trustpoint"), one("CHdefault", "Expired") + &one("Lab", "Valid"));
    lab.type_all(&["enter trustpoint Lab"]);
    lab.run("set certchain");
    let then = lab.then.take().unwrap();
    let invalid = lab.call(&Args::default(), |mio, call| then(mio, call, "no certificate"));
    assert_eq!(invalid, Err(Refusal::denied("Error: Invalid Value")));
}

#[test]
fn a_token_is_registered_and_the_listing_tells() {
    let mut lab = Lab::new();
    lab.type_all(&["scope license", "register idtoken ODNm%0A force"]);
    assert!(matches!(
        lab.mio.agent.stored().registration,
        crate::proto::agent::Registration::Pending { force: true, .. }
    ));
    lab.type_all(&["register idtoken ODNm%0A"]);
    let all = lab.run("show license all");
    assert!(all.contains("Command : register idtoken ODNm%0A\n"), "{all}");
    assert_eq!(lab.try_run("register idtoken a!b"), Err(Refusal::denied("Error: Invalid Value")));
    for part in ["usage", "status", "summary", "udi", "techsupport", "eventlog", "resvcode"] {
        assert_ne!(lab.run(&format!("show license {part}")), "", "{part}");
    }
    lab.type_all(&["deregister", "scope licdebug", "renew", "expireauth", "expireidcert"]);
    assert_eq!(lab.prompt(), "FPR4125-1 /license/licdebug # ");
    lab.type_all(&["expireeval"]);
    let usage = lab.mio.agent.report(NOW);
    assert!(usage.evaluation_left.is_zero());
}

#[test]
fn the_management_port_is_set_in_one_line() {
    let mut lab = Lab::new();
    lab.type_all(&["scope fabric-interconnect a"]);
    lab.type_all(&["set out-of-band ip 192.0.2.7 netmask 255.255.255.0 gw 192.0.2.1"]);
    assert_eq!(lab.prompt(), "FPR4125-1 /fabric-interconnect* # ");
    lab.type_all(&["commit-buffer"]);
    let port = facts::out_of_band(lab.mio.config.objects()).unwrap();
    assert_eq!(port.ip.to_string(), "192.0.2.7");
    assert_eq!(port.gateway.to_string(), "192.0.2.1");
}

#[test]
fn common_commands_work_in_every_scope() {
    let mut lab = Lab::new();
    assert_eq!(lab.run("show clock"), "Tue Aug  4 09:55:50 UTC 2020\n");
    assert_eq!(lab.run("show timezone"), "Timezone:\n");
    assert_eq!(lab.run("show version"), "Version: 2.8(1.105)\n");
    lab.type_all(&["scope monitoring", "scope callhome", "terminal length 0"]);
    // From any scope, a scope of the top.
    lab.type_all(&["scope license"]);
    assert_eq!(lab.prompt(), "FPR4125-1 /license # ");
    assert_eq!(lab.run("where"), "Mode: /license\nMode Data:\n    scope license\n");
    assert!(lab.run("connect fxos").starts_with("Cisco Firepower Extensible"));
    assert_eq!(lab.went, "fxos");
    lab.run("connect local-mgmt");
    assert_eq!(lab.went, "local-mgmt");
    lab.run("connect module 1 console");
    assert_eq!(lab.went, "module 1 Console");
    let absent = Refusal::denied("Error: Managed object does not exist");
    assert_eq!(lab.try_run("connect module 2 telnet"), Err(absent), "a 4125 has one slot");
    lab.type_all(&["end", "exit"]);
    assert_eq!(lab.went, "left");
    let inner = (LOCAL_MGMT.prompt)(&lab.mio, &lab.login, &Place::TOP);
    assert_eq!(inner, "FPR4125-1(local-mgmt)# ");
    assert_eq!((FXOS.prompt)(&lab.mio, &lab.login, &Place::TOP), "FPR4125-1(fxos)# ");
}

#[test]
fn algorithms_keys_and_limits_are_set() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services"]);
    lab.type_all(&["set ssh-server mac-algorithm hmac-sha2-512 hmac-sha2-256"]);
    lab.type_all(&["set https crl-mode relaxed", "set ssh-server host-key ecdsa secp384r1"]);
    lab.type_all(&[
        "scope web-session-limits",
        "set per-user 8",
        "set total 8",
        "up",
        "enter ip-block 192.0.2.0 24 snmp",
    ]);
    lab.type_all(&["up", "scope telemetry", "enable", "up", "scope ntp-server 172.18.108.14"]);
    lab.run("set ntp-sha1-key-string");
    lab.answer("0123456789abcdef0123456789abcdef01234567");
    lab.type_all(&["set ntp-sha1-key-id 7", "up", "commit-buffer"]);
    let shown = lab.run("show configuration");
    for line in [
        "     set ssh-server mac-algorithm hmac-sha2-256 hmac-sha2-512",
        "     set https crl-mode relaxed",
        "     set ssh-server host-key ecdsa secp384r1",
        "         set total 8",
        "         enable",
        "     enter ip-block 192.0.2.0 24 snmp",
        "         set ntp-sha1-key-id 7",
    ] {
        assert!(shown.lines().any(|l| l == line), "no `{line}` in\n{shown}");
    }
    assert!(!shown.contains("0123456789abcdef"), "the key is a secret");
    let range = lab.try_run("scope shell-session-limits").and_then(|_| lab.try_run("set total 64"));
    assert_eq!(range, Err(Refusal::denied("Error: Invalid Value, range is 1 to 32")));
}

/// What a typed line means: a command, or a scope behind a verb and the depth that it hangs at.
#[derive(Clone, Copy)]
enum Target {
    Run(&'static Command<Mio>),
    Open(Verb, &'static Scope<Mio>, usize),
}

/// A supervisor and one session on it.
struct Lab {
    mio: Mio,
    login: Login,
    place: Place<Mio>,
    then: Option<Then<Mio>>,
    /// Where the last command led: a shell, a module, out.
    went: String,
}

impl Lab {
    fn new() -> Lab {
        let chassis = Chassis::find("FPR-4125").unwrap();
        let identity = Identity {
            udi: Udi { pid: chassis.udi_pid.into(), serial: "JAD12345678".into() },
            product: chassis.product.into(),
            sudi_pid: chassis.sudi_pid.into(),
            hostname: "FPR4125-1".into(),
            version: AgentVersion::V4_6_9,
            public_key: "key".into(),
        };
        let hardware = broker::Facts {
            model: chassis.model.into(),
            hostname: "FPR4125-1".into(),
            slots: chassis.slots,
            equipped: BTreeSet::new(),
        };
        let trustpoint = Trustpoint { name: "CHdefault".into(), chain: CHAIN.into() };
        let factory = Factory {
            hostname: "FPR4125-1".into(),
            dns: vec!["172.16.200.100".parse().unwrap()],
            ntp: ["10.62.148.75", "172.18.108.14", "172.18.108.15"].map(str::to_owned).to_vec(),
            trustpoints: vec![trustpoint],
            ..Factory::default()
        };
        let ntp = [("172.18.108.14", "Time Synchronized"), ("172.18.108.15", "Candidate")];
        let facts = Facts {
            chassis,
            serial: "JAD12345678".into(),
            ntp: ntp.map(|(name, status)| (name.to_owned(), status.to_owned())).into(),
            certificates: BTreeMap::new(),
        };
        let agent = Agent::new(identity, Stored::default(), Rng::from_seed(1), NOW);
        let broker = Broker::new(hardware, broker::Stored::default(), NOW);
        Lab {
            mio: Mio::new(agent, broker, Tree::factory(&factory), facts),
            login: Login {
                session: 1,
                user: "admin".into(),
                role: Role::Admin,
                from: "console".into(),
            },
            place: Place::TOP,
            then: None,
            went: String::new(),
        }
    }

    fn prompt(&self) -> String {
        (MIO.prompt)(&self.mio, &self.login, &self.place)
    }

    /// Runs lines that are accepted in silence.
    fn type_all(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.run(line), "", "{line}");
        }
    }

    fn run(&mut self, line: &str) -> String {
        self.try_run(line).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"))
    }

    fn try_run(&mut self, line: &str) -> Result<String, Refusal> {
        let cut = lex::cut(line, Rules { operators: true, pipes: true })
            .map_err(|fault| Refusal::Invalid { at: fault.at })?;
        let candidates = self.candidates();
        let (found, args) = find(&candidates, &cut[0].words, line, line.len())?;
        match found.target {
            Target::Run(command) => self.call(&args, |mio, call| (command.run)(mio, call)),
            Target::Open(verb, scope, depth) => {
                let mut place = self.place.clone();
                place.truncate(depth);
                place.push(scope, args.clone());
                let opened = place.clone();
                let out =
                    self.call(&args, move |mio, call| (scope.open)(mio, call, verb, &opened))?;
                if verb != Verb::Delete {
                    self.place = place;
                }
                Ok(out)
            }
        }
    }

    fn answer(&mut self, text: &str) {
        let then = self.then.take().unwrap();
        assert_eq!(
            self.call(&Args::default(), |mio, call| then(mio, call, text)),
            Ok(String::new())
        );
    }

    fn call(
        &mut self,
        args: &Args,
        run: impl FnOnce(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
    ) -> Result<String, Refusal> {
        let (login, place) = (self.login.clone(), self.place.clone());
        let mut call = Call::new(NOW, &login, args, &place);
        run(&mut self.mio, &mut call)?;
        match call.go {
            Some(Go::Up) => drop(self.place.pop()),
            Some(Go::Top) => self.place = Place::TOP,
            Some(Go::Into(_) | Go::To(_)) => panic!("the supervisor has no such move"),
            None => {}
        }
        self.went = match call.next {
            Next::Prompt => String::new(),
            Next::Ask(ask) => {
                self.then = Some(ask.then);
                "ask".to_owned()
            }
            Next::Job(job) => match job {},
            Next::Enter(shell) => shell.name.to_owned(),
            Next::Relay { slot, kind } => {
                let _: RelayKind = kind;
                format!("module {} {kind:?}", slot.number())
            }
            Next::Leave => "left".to_owned(),
        };
        Ok(call.out)
    }

    fn candidates(&self) -> Vec<Candidate<Target>> {
        let here = self.place.scope().unwrap_or(&ROOT);
        let depth = self.place.steps().len();
        let common = MIO.common.iter().flat_map(|table| table.iter());
        let commands = here.all_commands().chain(common).map(|command| Candidate {
            verb: None,
            syntax: command.syntax,
            help: command.help,
            rank: 0,
            shown: true,
            target: Target::Run(command),
        });
        let near = here.scopes.iter().map(|scope| (*scope, depth, 0));
        let scopes = near.chain(ROOT.scopes.iter().map(|scope| (*scope, 0, 1)));
        let opens = scopes.flat_map(|(scope, depth, rank)| {
            scope.verbs.iter().map(move |verb| Candidate {
                verb: Some((verb.word(), verb.help())),
                syntax: scope.syntax,
                help: scope.help,
                rank,
                shown: true,
                target: Target::Open(*verb, scope, depth),
            })
        });
        commands.chain(opens).collect()
    }
}
