//! What the appliance is told at its start: words on the kernel command line, or a container's
//! environment and arguments.

use std::env;

use crate::sys::boot::{self, Card, Ground, address};

/// Settings that are passed on to the supervisor: `vfxos.NAME=VALUE` on the kernel command line,
/// `VFXOS_NAME` in a container's environment.
const PASSED: [&str; 13] = [
    "address",
    "admin-password",
    "authority",
    "blade",
    "clock",
    "dns",
    "domain",
    "gateway",
    "model",
    "mtu",
    "name",
    "ntp",
    "serial",
];
/// Those that may be given more than once: several values stand with commas between them.
const LISTS: [&str; 3] = ["blade", "dns", "ntp"];
/// Where the supervisor keeps its state.
pub(super) const STATE: &str = "/flash/mio";
/// Address of a chassis that was brought a day 0 without one, and gets none from a server.
///
/// # Source
/// vrnetlab's `common/vrnetlab.py` (ecosystem.md 1.3): the guest is 10.0.0.15/24 behind 10.0.0.2.
const FALLBACK: &str = "10.0.0.15/24,10.0.0.2";

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// No messages while everything goes well.
    pub(super) quiet: bool,
    /// The device that is flash.
    pub(super) flash: Option<String>,
    /// Data interfaces that a lab will add.
    pub(super) cards: Option<usize>,
    /// Name and value of what is passed on.
    passed: Vec<(&'static str, String)>,
    /// A container's own arguments for the supervisor.
    more: Vec<String>,
}

impl Options {
    /// Reads what there is to read.
    pub(super) fn read(ground: Ground) -> Options {
        match ground {
            Ground::Machine => Options::of_line(&boot::command_line()),
            Ground::Container => {
                let more = env::args().skip(2).collect();
                Options::of_environment(|name| env::var(name).ok(), more)
            }
        }
    }

    fn of_line(line: &str) -> Options {
        let mut options = Options::default();
        for word in line.split_ascii_whitespace() {
            if word == "quiet" {
                options.quiet = true;
            }
            let Some((key, value)) = word.strip_prefix("vfxos.").and_then(|it| it.split_once('='))
            else {
                continue;
            };
            if key == "flash" {
                options.flash = Some(value.to_owned());
            } else if let Some(key) = PASSED.iter().find(|passed| **passed == key) {
                options.passed.push((key, value.to_owned()));
            }
        }
        options
    }

    fn of_environment(get: impl Fn(&str) -> Option<String>, more: Vec<String>) -> Options {
        let name = |key: &str| format!("VFXOS_{}", key.replace('-', "_").to_ascii_uppercase());
        let passed = PASSED.iter().filter_map(|key| Some((*key, get(&name(key))?)));
        // containerlab says how many interfaces it adds after the start.
        let cards = get("CLAB_INTFS").and_then(|number| number.trim().parse().ok());
        let quiet = get("VFXOS_QUIET").is_some_and(|said| said == "1" || said == "true");
        Options { quiet, flash: None, cards, passed: passed.collect(), more }
    }

    /// Takes the address that a container's maker gave its interface, if nobody has said another.
    pub(super) fn take_address(&mut self, card: &Card) -> Result<(), String> {
        if self.has_address() {
            return Ok(());
        }
        let Some(given) = address::given(&card.name) else { return Ok(()) };
        address::take(&card.name).map_err(|error| {
            format!("{}: {error}; give the container the capability NET_ADMIN", card.name)
        })?;
        self.passed.push(("address", format!("{}/{}", given.address, given.prefix)));
        self.passed.extend(given.gateway.map(|gateway| ("gateway", gateway.to_string())));
        Ok(())
    }

    fn has_address(&self) -> bool {
        self.passed.iter().any(|(name, _)| *name == "address")
    }

    /// Returns the supervisor's arguments; `day0` is a file and where it was found.
    pub(super) fn arguments(
        &self,
        ground: Ground,
        cards: &[Card],
        day0: Option<(String, String)>,
    ) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["mio", "--login", "--state", STATE].map(str::to_owned).into();
        let mut push =
            |name: &str, value: &str| arguments.extend([format!("--{name}"), value.to_owned()]);
        push("appliance", if ground == Ground::Machine { "machine" } else { "container" });
        let first = cards.first().map(|card| format!("packet:{}", card.name));
        push("mgmt", first.as_deref().unwrap_or("none"));
        for (name, value) in &self.passed {
            let list = LISTS.contains(name);
            for value in value.split(|c| list && c == ',').filter(|value| !value.is_empty()) {
                push(name, value);
            }
        }
        let set_up = day0.is_some() || !self.passed.is_empty();
        if let Some((file, from)) = day0 {
            push("day0", &file);
            push("day0-from", &from);
        }
        if set_up && !self.has_address() {
            push("fallback", FALLBACK);
            arguments.push("--dhcp".to_owned());
        }
        if self.quiet {
            arguments.push("--quiet".to_owned());
        }
        arguments.extend(self.more.iter().cloned());
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str) -> Card {
        Card { place: None, index: 2, name: name.to_owned() }
    }

    #[test]
    fn the_kernel_command_line_reaches_the_supervisor() {
        let line = "console=ttyS0 quiet vfxos.serial=JAD1 vfxos.dns=192.0.2.1,192.0.2.2 vfxos.x=1 \
                    vfxos.flash=vdb panic=1";
        let options = Options::of_line(line);
        assert_eq!((options.quiet, options.flash.as_deref()), (true, Some("vdb")));
        let arguments =
            options.arguments(Ground::Machine, &[card("eth0"), card("eth1")], None).join(" ");
        assert!(arguments.contains("--mgmt packet:eth0"), "{arguments}");
        assert!(arguments.contains("--serial JAD1 --dns 192.0.2.1 --dns 192.0.2.2"), "{arguments}");
        assert!(arguments.ends_with("--dhcp --quiet"), "{arguments}");
    }

    #[test]
    fn who_says_nothing_gets_the_dialog_and_who_says_an_address_no_other() {
        let arguments = Options::default().arguments(Ground::Machine, &[], None).join(" ");
        assert_eq!(arguments, "mio --login --state /flash/mio --appliance machine --mgmt none");
        let options = Options::of_line("vfxos.address=192.0.2.9/24");
        let arguments = options.arguments(Ground::Machine, &[card("eth0")], None).join(" ");
        assert!(!arguments.contains("--dhcp") && !arguments.contains("--fallback"), "{arguments}");
    }

    #[test]
    fn a_container_is_told_by_its_environment() {
        let get = |name: &str| match name {
            "VFXOS_ADMIN_PASSWORD" => Some("Lab-12345".to_owned()),
            "CLAB_INTFS" => Some("3".to_owned()),
            _ => None,
        };
        let options = Options::of_environment(get, vec!["--mtu".to_owned(), "1400".to_owned()]);
        assert_eq!(options.cards, Some(3));
        let day0 = Some(("/run/day0-config".to_owned(), "/config".to_owned()));
        let arguments = options.arguments(Ground::Container, &[card("eth0")], day0).join(" ");
        assert!(
            arguments
                .contains("--admin-password Lab-12345 --day0 /run/day0-config --day0-from /config")
        );
        assert!(arguments.ends_with("--mtu 1400"), "{arguments}");
    }
}
