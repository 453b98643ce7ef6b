//! How a world begins: the `# key: value` lines at the head of a transcript.
//!
//! | key        | value, and what it is without the line                                            |
//! |------------|-----------------------------------------------------------------------------------|
//! | `clock`    | what every clock shows at first: `2020-08-04T07:58:13.500` or Unix seconds; needed  |
//! | `seed`     | of all randomness; 1                                                              |
//! | `skew`     | how far the authority's clock is ahead of the chassis's, in ms; 0                  |
//! | `latency`  | from a request to its outcome, in ms; 3000, which is the seed's 33 s less 30       |
//! | `model`    | of the chassis; FPR-4125                                                          |
//! | `agent`    | release of the Smart Agent, `1.2.2`; the model's own                               |
//! | `pid`      | product of the UDI line; the model's own                                          |
//! | `serial`   | of the chassis; JAD12345678                                                       |
//! | `hostname` | FPR4125-1                                                                         |
//! | `account`  | `SMART / VIRTUAL`; the lab's own                                                  |
//! | `dns`      | a server's address; none                                                          |
//! | `ntp`      | a server and, after a blank, what it shows; none. Once a server                    |
//! | `blade`    | slot and serial of a blade, with the model's own module; none. Once a blade        |
//! | `chassis`  | name and serial of one more chassis: `blade` lines below it are for that one        |

use std::net::IpAddr;
use std::time::Duration;

use vfxos::base::ident::Slot;
use vfxos::base::platform::{self, AgentVersion, Module};
use vfxos::base::time::Utc;
use vfxos::proto::blade;
use vfxos::proto::config::{Factory, Trustpoint};

/// What the trustpoints of every chassis hold: a root's certificate, valid from 2020 to 2051.
const CHAIN: &str = include_str!("../../src/wire/certificate/lab-root.pem");
/// Release of every blade.
const RELEASE: &str = "9.14(1)";

/// How a world begins.
#[derive(Clone, Debug)]
pub struct Setup {
    pub clock: Utc,
    pub seed: u64,
    pub skew_ms: i64,
    pub latency: Duration,
    pub model: &'static platform::Chassis,
    pub serial: String,
    pub hostname: String,
    pub account: Option<(String, String)>,
    pub dns: Vec<IpAddr>,
    /// Servers and their statuses.
    pub ntp: Vec<(String, String)>,
    agent: Option<AgentVersion>,
    pid: Option<String>,
    blades: Vec<(Slot, String)>,
    more: Vec<More>,
}

/// One chassis more, with what it has of its own.
#[derive(Clone, Debug)]
struct More {
    hostname: String,
    serial: String,
    blades: Vec<(Slot, String)>,
}

impl Setup {
    /// Reads the head of a transcript; what is not for the world is `other`'s.
    ///
    /// # Errors
    /// The line that is not understood, or that there is no clock.
    pub fn parse<'a>(
        lines: impl Iterator<Item = &'a str>,
        other: &[&str],
    ) -> Result<Setup, String> {
        let mut setup = Setup {
            clock: Utc::MIN,
            seed: 1,
            skew_ms: 0,
            latency: Duration::from_secs(3),
            model: platform::Chassis::find("FPR-4125").ok_or("no 4125")?,
            serial: "JAD12345678".to_owned(),
            hostname: "FPR4125-1".to_owned(),
            account: None,
            dns: Vec::new(),
            ntp: Vec::new(),
            agent: None,
            pid: None,
            blades: Vec::new(),
            more: Vec::new(),
        };
        for line in lines {
            let (key, value) = line
                .strip_prefix("# ")
                .and_then(|line| line.split_once(": "))
                .ok_or_else(|| format!("`{line}` is not `# key: value`"))?;
            if !other.contains(&key) {
                setup.set(key, value).ok_or_else(|| format!("`{line}` is not understood"))?;
            }
        }
        if setup.clock == Utc::MIN { Err("no `# clock:`".to_owned()) } else { Ok(setup) }
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "clock" => self.clock = moment(value)?,
            "seed" => self.seed = value.parse().ok()?,
            "skew" => self.skew_ms = value.parse().ok()?,
            "latency" => self.latency = Duration::from_millis(value.parse().ok()?),
            "model" => self.model = platform::Chassis::find(value)?,
            "agent" => self.agent = Some(release(value)?),
            "pid" => self.pid = Some(value.to_owned()),
            "serial" => value.clone_into(&mut self.serial),
            "hostname" => value.clone_into(&mut self.hostname),
            "account" => {
                let (smart, virtual_account) = value.split_once(" / ")?;
                self.account = Some((smart.to_owned(), virtual_account.to_owned()));
            }
            "dns" => self.dns.push(value.parse().ok()?),
            "ntp" => {
                let (server, status) = value.split_once(' ').unwrap_or((value, ""));
                self.ntp.push((server.to_owned(), status.to_owned()));
            }
            "blade" => {
                let (slot, serial) = value.split_once(' ')?;
                let blades = self.more.last_mut().map_or(&mut self.blades, |more| &mut more.blades);
                blades.push((Slot::new(slot.parse().ok()?)?, serial.to_owned()));
            }
            "chassis" => {
                let (name, serial) = value.split_once(' ')?;
                let (hostname, serial) = (name.to_owned(), serial.to_owned());
                self.more.push(More { hostname, serial, blades: Vec::new() });
            }
            _ => return None,
        }
        Some(())
    }

    /// Returns one setup a chassis, in their order.
    pub fn all(&self) -> Vec<Setup> {
        let more = (1..).zip(&self.more).map(|(number, more)| Setup {
            seed: self.seed + (number << 32),
            hostname: more.hostname.clone(),
            serial: more.serial.clone(),
            blades: more.blades.clone(),
            ..self.clone()
        });
        std::iter::once(self.clone()).chain(more).collect()
    }

    pub fn agent(&self) -> AgentVersion {
        self.agent.unwrap_or(self.model.agent)
    }

    pub fn udi_pid(&self) -> &str {
        self.pid.as_deref().unwrap_or(self.model.udi_pid)
    }

    /// Returns what the factory and the first-boot dialog decide.
    pub fn factory(&self) -> Factory {
        let trustpoint = |name: &str| Trustpoint { name: name.to_owned(), chain: CHAIN.to_owned() };
        Factory {
            hostname: self.hostname.clone(),
            chassis: self.model,
            deployed: self.blades.iter().map(|(slot, _)| *slot).collect(),
            dns: self.dns.clone(),
            ntp: self.ntp.iter().map(|(server, _)| server.clone()).collect(),
            trustpoints: ["CHdefault", "CiscoLicRoot"].map(trustpoint).to_vec(),
            ..Factory::default()
        }
    }

    /// Returns the blades that are in their slots from the start.
    pub fn bays(&self) -> Vec<blade::Facts> {
        let module = Module::find(self.model.module).expect("every model has a known module");
        let facts = |(slot, serial): &(Slot, String)| blade::Facts {
            slot: *slot,
            serial: serial.clone(),
            module,
            release: RELEASE.to_owned(),
        };
        self.blades.iter().map(facts).collect()
    }
}

/// Reads `2020-08-04T07:58:13`, with a fraction of three digits or without, or Unix seconds.
pub fn moment(text: &str) -> Option<Utc> {
    if let Ok(seconds) = text.parse() {
        return Some(Utc::from_unix_s(seconds));
    }
    let (text, fraction) = text.split_once('.').unwrap_or((text, "000"));
    let fraction = fraction.parse::<u16>().ok().filter(|_| fraction.len() == 3)?;
    Some(Utc::parse_iso(text)?.shifted_ms(i64::from(fraction)))
}

/// Finds a release of the Smart Agent by its beginning.
fn release(text: &str) -> Option<AgentVersion> {
    AgentVersion::ALL.into_iter().find(|version| version.text().starts_with(text))
}
