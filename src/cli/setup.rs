//! The first-boot dialog of a chassis that nobody has configured: keys in, questions out, and in
//! the end what to configure.
//!
//! # Source
//! Recall of the device's dialog, reference 2.9; the refusals of an answer are ours.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::net::Ipv4Addr;

use super::field::{Field, Key, show};
use crate::proto::accounts::policy::{LENGTH_MIN, Policy};
use crate::proto::config::value::is_host;

/// Longest system name, in characters.
///
/// # Source
/// Recall.
const NAME_MAX: usize = 30;

/// Who may reach a service, as `ip-block` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub network: Ipv4Addr,
    pub netmask: Ipv4Addr,
}

/// What the dialog found out.
#[derive(Clone, PartialEq, Eq)]
pub struct Answers {
    pub strong: bool,
    pub password: String,
    pub name: String,
    pub ip: Ipv4Addr,
    pub netmask: Ipv4Addr,
    pub gateway: Ipv4Addr,
    pub ssh: Option<Access>,
    pub https: Option<Access>,
    pub dns: Option<Ipv4Addr>,
    pub domain: Option<String>,
}

impl fmt::Debug for Answers {
    /// Writes everything but the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("name", &self.name).field("ip", &self.ip).finish()
    }
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Show this.
    Bytes(Vec<u8>),
    /// Configure this, and bring back [`Setup::applied`] or [`Setup::refused`].
    Apply(Box<Answers>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Mode,
    Continue,
    Strong,
    Password,
    Confirm,
    Name,
    Ip,
    Netmask,
    Gateway,
    WantSsh,
    SshNetwork,
    SshNetmask,
    WantHttps,
    HttpsNetwork,
    HttpsNetmask,
    WantDns,
    Dns,
    WantDomain,
    Domain,
    Apply,
    /// Waits for the configuration to be applied.
    Applying,
    Done,
}

/// The machine.
pub struct Setup {
    question: Question,
    answers: Answers,
    field: Field,
    ahead: VecDeque<u8>,
    screen: Vec<u8>,
    outputs: VecDeque<Output>,
}

/// Most keys typed ahead that are kept.
const AHEAD_MAX: usize = 64 * 1024;

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("question", &self.question).finish_non_exhaustive()
    }
}

impl Default for Setup {
    /// Begins the dialog.
    fn default() -> Setup {
        let mut setup = Setup {
            question: Question::Mode,
            answers: Setup::nothing(),
            field: Field::default(),
            ahead: VecDeque::new(),
            screen: Vec::new(),
            outputs: VecDeque::new(),
        };
        setup.say("\n           ---- Basic System Configuration Dialog ----\n\n");
        setup.ask(Question::Mode);
        setup
    }
}

impl Setup {
    fn nothing() -> Answers {
        let none = Ipv4Addr::UNSPECIFIED;
        Answers {
            strong: true,
            password: String::new(),
            name: String::new(),
            ip: none,
            netmask: none,
            gateway: none,
            ssh: None,
            https: None,
            dns: None,
            domain: None,
        }
    }

    /// Takes keys.
    pub fn keys(&mut self, keys: &[u8]) {
        let room = AHEAD_MAX.saturating_sub(self.ahead.len());
        self.ahead.extend(keys.iter().take(room));
        while !matches!(self.question, Question::Applying | Question::Done) {
            let Some(key) = self.ahead.pop_front() else { return };
            let secret = matches!(self.question, Question::Password | Question::Confirm);
            match self.field.key(key, !secret, &mut self.screen) {
                Key::Typed => {}
                Key::Line(line) => self.answered(line.trim()),
                // From the start, as Ctrl-C does on the device.
                Key::Interrupt | Key::End => self.again(),
            }
        }
    }

    /// Ends the dialog; what was typed ahead is returned.
    pub fn applied(&mut self) -> Vec<u8> {
        self.say("Configuration file - Ok\n");
        self.question = Question::Done;
        self.ahead.drain(..).collect()
    }

    /// Says why the configuration was refused, and begins anew.
    pub fn refused(&mut self, why: &str) {
        self.say(&format!("{why}\n"));
        self.again();
        self.keys(&[]);
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        if !self.screen.is_empty() {
            let bytes = std::mem::take(&mut self.screen);
            self.outputs.push_back(Output::Bytes(bytes));
        }
        self.outputs.pop_front()
    }

    fn again(&mut self) {
        self.answers = Setup::nothing();
        self.say("\n");
        self.ask(Question::Mode);
    }

    fn say(&mut self, text: &str) {
        show(&mut self.screen, text);
    }

    fn ask(&mut self, question: Question) {
        self.question = question;
        self.field.clear();
        let summary = if question == Question::Apply { self.summary() } else { String::new() };
        self.say(&summary);
        self.say(question.prompt());
    }

    fn answered(&mut self, line: &str) {
        match self.take(line) {
            Ok(Question::Applying) => {
                self.say("Applying configuration. Please wait.\n\n");
                self.question = Question::Applying;
                let answers = Box::new(self.answers.clone());
                if !self.screen.is_empty() {
                    let bytes = std::mem::take(&mut self.screen);
                    self.outputs.push_back(Output::Bytes(bytes));
                }
                self.outputs.push_back(Output::Apply(answers));
            }
            Ok(next) => self.ask(next),
            Err(why) => {
                self.say(&format!("  {why}\n"));
                // A password that does not fit begins with the first of its two questions.
                let same = self.question;
                self.ask(if same == Question::Confirm { Question::Password } else { same });
            }
        }
    }

    /// Takes an answer and returns the next question.
    fn take(&mut self, line: &str) -> Result<Question, String> {
        use Question as Q;
        let answers = &mut self.answers;
        Ok(match self.question {
            Q::Mode => match line {
                "setup" => Q::Continue,
                "restore" => return Err("A backup cannot be restored here.".to_owned()),
                _ => return Err("Please type 'setup' or 'restore'.".to_owned()),
            },
            Q::Continue => either(yes(line, None)?, Q::Strong, Q::Mode),
            Q::Strong => {
                answers.strong = yes(line, Some(true))?;
                Q::Password
            }
            Q::Password => {
                let policy = Policy { strong: answers.strong, length_min: LENGTH_MIN };
                policy.check("admin", line).map_err(|why| format!("Password refused: {why}."))?;
                line.clone_into(&mut answers.password);
                Q::Confirm
            }
            Q::Confirm if line == answers.password => Q::Name,
            Q::Confirm => return Err("Passwords do not match.".to_owned()),
            Q::Name => {
                answers.name = name(line)?;
                Q::Ip
            }
            Q::Ip => {
                answers.ip = address(line)?;
                Q::Netmask
            }
            Q::Netmask => {
                answers.netmask = netmask(line)?;
                Q::Gateway
            }
            Q::Gateway => {
                answers.gateway = gateway(line, answers)?;
                Q::WantSsh
            }
            service @ (Q::WantSsh
            | Q::SshNetwork
            | Q::SshNetmask
            | Q::WantHttps
            | Q::HttpsNetwork
            | Q::HttpsNetmask
            | Q::WantDns
            | Q::Dns
            | Q::WantDomain
            | Q::Domain
            | Q::Apply
            | Q::Applying
            | Q::Done) => return self.take_service(service, line),
        })
    }

    /// As [`Setup::take`], for what the chassis offers and where it looks names up.
    fn take_service(&mut self, question: Question, line: &str) -> Result<Question, String> {
        use Question as Q;
        let answers = &mut self.answers;
        Ok(match question {
            Q::WantSsh => either(yes(line, Some(true))?, Q::SshNetwork, Q::WantHttps),
            Q::SshNetwork => {
                answers.ssh = Some(network(line)?);
                Q::SshNetmask
            }
            Q::SshNetmask => {
                answers.ssh = Some(access(line, answers.ssh)?);
                Q::WantHttps
            }
            Q::WantHttps => either(yes(line, Some(true))?, Q::HttpsNetwork, Q::WantDns),
            Q::HttpsNetwork => {
                answers.https = Some(network(line)?);
                Q::HttpsNetmask
            }
            Q::HttpsNetmask => {
                answers.https = Some(access(line, answers.https)?);
                Q::WantDns
            }
            Q::WantDns => either(yes(line, Some(false))?, Q::Dns, Q::WantDomain),
            Q::Dns => {
                answers.dns = Some(address(line)?);
                Q::WantDomain
            }
            Q::WantDomain => either(yes(line, Some(false))?, Q::Domain, Q::Apply),
            Q::Domain if is_host(line) => {
                answers.domain = Some(line.to_owned());
                Q::Apply
            }
            Q::Domain => return Err("Not a domain name.".to_owned()),
            Q::Apply if yes(line, None)? => Q::Applying,
            Q::Apply => {
                self.answers = Setup::nothing();
                Q::Mode
            }
            other @ (Q::Mode
            | Q::Continue
            | Q::Strong
            | Q::Password
            | Q::Confirm
            | Q::Name
            | Q::Ip
            | Q::Netmask
            | Q::Gateway
            | Q::Applying
            | Q::Done) => other,
        })
    }

    fn summary(&self) -> String {
        let answers = &self.answers;
        let word = |on: bool| if on { "yes" } else { "no" };
        let mut text = String::from("\nFollowing configurations will be applied:\n\n");
        let mut line = |name: &str, value: &dyn fmt::Display| {
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "    {name}={value}");
        };
        line("Switch Fabric", &"A");
        line("System Name", &answers.name);
        line("Enforced Strong Password", &word(answers.strong));
        line("Supervisor Mgmt IP Address", &answers.ip);
        line("Supervisor Mgmt IP Netmask", &answers.netmask);
        line("Default Gateway", &answers.gateway);
        for (name, access) in [("SSH", answers.ssh), ("HTTPS", answers.https)] {
            line(&format!("{name} Access Configured"), &word(access.is_some()));
            if let Some(access) = access {
                line(&format!("    {name} IP Address"), &access.network);
                line(&format!("    {name} IP Netmask"), &access.netmask);
            }
        }
        if let Some(dns) = answers.dns {
            line("DNS Server", &dns);
        }
        if let Some(domain) = &answers.domain {
            line("Domain Name", domain);
        }
        text + "\n"
    }
}

impl Question {
    const fn prompt(self) -> &'static str {
        match self {
            Question::Mode => {
                "Enter the setup mode; setup newly or restore from backup. (setup/restore) ? "
            }
            Question::Continue => {
                "You have chosen to setup a new Security Appliance. Continue? (y/n): "
            }
            Question::Strong => "Enforce strong password? (yes/no) [y]: ",
            Question::Password => "Enter the password for \"admin\": ",
            Question::Confirm => "Confirm the password for \"admin\": ",
            Question::Name => "Enter the system name: ",
            Question::Ip => "Supervisor Mgmt IP address : ",
            Question::Netmask => "Supervisor Mgmt IPv4 netmask : ",
            Question::Gateway => "IPv4 address of the default gateway : ",
            Question::WantSsh => {
                "The system cannot be accessed via SSH if SSH Mgmt Access is not configured.\n\
                 Do you want to configure SSH Mgmt Access? (yes/no) [y]: "
            }
            Question::SshNetwork => "SSH Mgmt Access host/network address (IPv4/IPv6): ",
            Question::SshNetmask => "SSH Mgmt Access IPv4 netmask: ",
            Question::WantHttps => {
                "Firepower Chassis Manager cannot be accessed if HTTPS Mgmt Access is not \
                 configured.\nDo you want to configure HTTPS Mgmt Access? (yes/no) [y]: "
            }
            Question::HttpsNetwork => "HTTPS Mgmt Access host/network address (IPv4/IPv6): ",
            Question::HttpsNetmask => "HTTPS Mgmt Access IPv4 netmask: ",
            Question::WantDns => "Configure the DNS Server IP address? (yes/no) [n]: ",
            Question::Dns => "DNS IP address : ",
            Question::WantDomain => "Configure the default domain name? (yes/no) [n]: ",
            Question::Domain => "Default domain name : ",
            Question::Apply => {
                "Apply and save the configuration (select 'no' if you want to re-enter)? (yes/no): "
            }
            Question::Applying | Question::Done => "",
        }
    }
}

const fn either(first: bool, one: Question, other: Question) -> Question {
    if first { one } else { other }
}

fn yes(line: &str, default: Option<bool>) -> Result<bool, String> {
    match (line, default) {
        ("y" | "yes", _) => Ok(true),
        ("n" | "no", _) => Ok(false),
        ("", Some(default)) => Ok(default),
        _ => Err("Please type 'yes' or 'no'.".to_owned()),
    }
}

fn name(line: &str) -> Result<String, String> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let fits = (1..=NAME_MAX).contains(&line.len()) && line.bytes().all(fine);
    if fits && line.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(line.to_owned());
    }
    Err(format!("A name has 1 to {NAME_MAX} letters, digits, '-', '_' or '.', a letter first."))
}

fn address(line: &str) -> Result<Ipv4Addr, String> {
    let address: Option<Ipv4Addr> = line.parse().ok();
    let host = |ip: &Ipv4Addr| {
        !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() && !ip.is_loopback()
    };
    address.filter(host).ok_or_else(|| "Not an IPv4 address of a host.".to_owned())
}

fn netmask(line: &str) -> Result<Ipv4Addr, String> {
    let mask: Option<Ipv4Addr> = line.parse().ok();
    let contiguous =
        |mask: &Ipv4Addr| mask.to_bits().leading_ones() + mask.to_bits().trailing_zeros() >= 32;
    mask.filter(contiguous).ok_or_else(|| "Not an IPv4 netmask.".to_owned())
}

fn gateway(line: &str, answers: &Answers) -> Result<Ipv4Addr, String> {
    let gateway = address(line)?;
    let mask = answers.netmask.to_bits();
    if gateway.to_bits() & mask == answers.ip.to_bits() & mask && gateway != answers.ip {
        return Ok(gateway);
    }
    Err("The gateway must be in the subnet of the management address.".to_owned())
}

/// Reads the address of [`Access`]; its netmask is asked for next.
fn network(line: &str) -> Result<Access, String> {
    let network = line.parse().map_err(|_| "Not an IPv4 address.".to_owned())?;
    Ok(Access { network, netmask: Ipv4Addr::UNSPECIFIED })
}

fn access(line: &str, begun: Option<Access>) -> Result<Access, String> {
    let netmask = netmask(line)?;
    let network = begun.map_or(Ipv4Addr::UNSPECIFIED, |access| access.network);
    let bits = network.to_bits() & netmask.to_bits();
    Ok(Access { network: bits.into(), netmask })
}

#[cfg(test)]
mod tests;
