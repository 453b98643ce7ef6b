//! Day 0: what somebody brings to a chassis that nobody has configured, as lines to type.
//!
//! Three forms are taken: commands of the device, settings by name (our TOML, read by whoever has a
//! reader for it), and the JSON that a Firepower's virtual appliances take. Nothing stops: what
//! can't be used is said and left out.

use std::net::Ipv4Addr;

use serde_json::{Map, Value};

use crate::proto::config::value::is_host;

/// Most lines that are typed.
pub const LINES_MAX: usize = 20_000;
/// Most values of a list, such as servers.
const LIST_MAX: usize = 16;
/// Trustpoints that a setting fills.
const TRUSTPOINTS: [(&str, &str); 2] =
    [("authority-root", "CHdefault"), ("licensing-root", "CiscoLicRoot")];

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Commands,
    Toml,
    Json,
}

/// Tells how a text is written, by its first line that says anything.
pub fn form(text: &str) -> Form {
    let line = text.lines().map(str::trim).find(|line| !is_remark(line)).unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if line.starts_with('{') {
        Form::Json
    } else if (line.contains('=') && !key.is_empty() && key.chars().all(plain))
        || line.starts_with('[')
    {
        Form::Toml
    } else {
        Form::Commands
    }
}

/// A line to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from: `line 7`, or the name of a setting.
    pub from: String,
    pub text: String,
    /// Not to be shown to anybody.
    pub secret: bool,
}

/// What there is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub lines: Vec<Line>,
    /// What can't be used: where it is, and why.
    pub refused: Vec<(String, String)>,
}

/// Reads bytes as text: a byte order mark and what is no UTF-8 do no harm.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned()
}

fn is_remark(line: &str) -> bool {
    line.is_empty() || line.starts_with('!') || line.starts_with('#')
}

/// Takes the commands out of a text: remarks are left out, a certificate's lines stay as they are.
pub fn commands(text: &str) -> Plan {
    let mut plan = Plan::default();
    let (mut block, mut secrets) = (false, 0);
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        let ends = line == "ENDOFBUF";
        if !block && is_remark(line) {
            continue;
        }
        if plan.lines.len() == LINES_MAX {
            let why = format!("only {LINES_MAX} lines are taken");
            plan.refused.push((format!("line {number}"), why));
            break;
        }
        let from = format!("line {number}");
        plan.lines.push(Line { from, text: line.to_owned(), secret: secrets > 0 });
        secrets = match line {
            // Both are asked for: the password, and the same again.
            "set password" => 2,
            "set value" => 1,
            _ => secrets - 1_i32.min(secrets),
        };
        block = (block || line == "set certchain") && !ends;
    }
    plan
}

/// Turns settings by name into commands.
pub fn settings(value: &Value) -> Plan {
    let mut writer = Writer::default();
    match value {
        Value::Object(map) if map.contains_key("EULA") || map.contains_key("Hostname") => {
            writer.firepower(map);
        }
        Value::Object(map) => writer.ours(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            writer.refuse("the file", "it has no settings by name");
        }
    }
    writer.plan
}

#[derive(Default)]
struct Writer {
    plan: Plan,
}

impl Writer {
    fn refuse(&mut self, from: &str, why: &str) {
        self.plan.refused.push((from.to_owned(), why.to_owned()));
    }

    fn push(&mut self, from: &str, text: impl Into<String>, secret: bool) {
        self.plan.lines.push(Line { from: from.to_owned(), text: text.into(), secret });
    }

    /// One change in its scope, committed by itself: what comes after it stands even if it falls.
    fn change(&mut self, from: &str, words: &[&str]) {
        let lines = ["top"].iter().chain(words).chain(&["commit-buffer"]);
        for line in lines {
            self.push(from, *line, false);
        }
    }

    fn ours(&mut self, map: &Map<String, Value>) {
        let known = [
            "hostname",
            "password",
            "address",
            "gateway",
            "dns",
            "domain",
            "ntp",
            "authority-root",
            "licensing-root",
            "commands",
        ];
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.refuse(key, &format!("no such setting; there are {}", known.join(", ")));
        }
        let text = |key: &str| map.get(key).map(|value| value.as_str().unwrap_or_default());
        for (key, name) in TRUSTPOINTS {
            if let Some(chain) = text(key) {
                self.trustpoint(key, name, chain);
            }
        }
        self.name("hostname", text("hostname"));
        self.address(("address", text("address")), None, text("gateway"));
        self.servers("dns", "dns", map.get("dns"));
        self.domain("domain", text("domain"));
        self.servers("ntp", "ntp-server", map.get("ntp"));
        self.password("password", text("password"));
        for (number, command) in (1..).zip(list(map.get("commands"))) {
            let mut plan = commands(&command);
            for line in &mut plan.lines {
                line.from = format!("commands, {number}");
            }
            self.plan.lines.append(&mut plan.lines);
        }
    }

    /// # Source
    /// vrnetlab's `cisco_ftdv` (ecosystem.md 1.3): the names in `day0-config`.
    fn firepower(&mut self, map: &Map<String, Value>) {
        let text = |key: &str| map.get(key).map(|value| value.as_str().unwrap_or_default());
        let said = |key: &str| text(key).filter(|text| !text.is_empty());
        let used = [
            "EULA",
            "Hostname",
            "AdminPassword",
            "DNS1",
            "DNS2",
            "DNS3",
            "IPv4Mode",
            "IPv4Addr",
            "IPv4Mask",
            "IPv4Gw",
        ];
        for key in map.keys().filter(|key| !used.contains(&key.as_str())) {
            if said(key).is_some() {
                self.refuse(key, "a chassis has nothing of that name");
            }
        }
        self.name("Hostname", said("Hostname"));
        if text("IPv4Mode").is_none_or(|mode| mode == "manual") {
            self.address(("IPv4Addr", said("IPv4Addr")), said("IPv4Mask"), said("IPv4Gw"));
        }
        for key in ["DNS1", "DNS2", "DNS3"] {
            self.servers(key, "dns", said(key).map(Value::from).as_ref());
        }
        self.password("AdminPassword", said("AdminPassword"));
    }

    fn name(&mut self, from: &str, name: Option<&str>) {
        match name {
            None => {}
            Some(name) if is_host(name) => {
                self.change(from, &["scope system", &format!("set name {name}")]);
            }
            Some(_) => self.refuse(from, "no host name"),
        }
    }

    fn domain(&mut self, from: &str, name: Option<&str>) {
        match name {
            None => {}
            Some(name) if is_host(name) => {
                let set = format!("set domain-name {name}");
                self.change(from, &["scope system", "scope services", &set]);
            }
            Some(_) => self.refuse(from, "no domain name"),
        }
    }

    fn address(
        &mut self,
        (from, address): (&str, Option<&str>),
        mask: Option<&str>,
        gateway: Option<&str>,
    ) {
        let Some(address) = address.filter(|address| *address != "dhcp") else { return };
        let (ip, length) = address.split_once('/').unwrap_or((address, ""));
        let mask = mask.map_or_else(|| mask_of(length), |mask| mask.parse().ok());
        let (Ok(ip), Some(mask)) = (ip.parse::<Ipv4Addr>(), mask) else {
            return self.refuse(from, "no address with its length, such as 192.0.2.10/24");
        };
        let mut set = format!("set out-of-band ip {ip} netmask {mask}");
        match gateway.map(str::parse::<Ipv4Addr>) {
            None => {}
            Some(Ok(gateway)) => set += &format!(" gw {gateway}"),
            Some(Err(_)) => self.refuse("gateway", "no IPv4 address"),
        }
        self.change(from, &["scope fabric-interconnect a", &set]);
    }

    fn servers(&mut self, from: &str, class: &str, value: Option<&Value>) {
        for server in list(value).into_iter().take(LIST_MAX) {
            if is_host(&server) {
                let enter = format!("enter {class} {server}");
                self.change(from, &["scope system", "scope services", &enter]);
            } else {
                self.refuse(from, &format!("{server:?} is no address and no name"));
            }
        }
    }

    fn password(&mut self, from: &str, password: Option<&str>) {
        let Some(password) = password else { return };
        if password.is_empty() || password.chars().any(char::is_control) {
            return self.refuse(from, "no password");
        }
        for line in ["top", "scope security", "enter local-user admin", "set password"] {
            self.push(from, line, false);
        }
        self.push(from, password, true);
        self.push(from, password, true);
        self.push(from, "commit-buffer", false);
    }

    fn trustpoint(&mut self, from: &str, name: &str, chain: &str) {
        if !chain.contains("-----BEGIN CERTIFICATE-----") {
            return self.refuse(from, "no certificate in PEM");
        }
        let enter = format!("enter trustpoint {name}");
        for line in ["top", "scope security", &enter, "set certchain"] {
            self.push(from, line, false);
        }
        for line in chain.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.push(from, line, false);
        }
        self.push(from, "ENDOFBUF", false);
        self.push(from, "commit-buffer", false);
    }
}

/// Returns a list of texts, or the one text that there is.
fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => {
            values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

fn mask_of(length: &str) -> Option<Ipv4Addr> {
    let length = length.parse::<u32>().ok().filter(|length| *length <= 32)?;
    Some(u32::MAX.checked_shl(32 - length).unwrap_or(0).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(plan: &Plan) -> Vec<&str> {
        plan.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn the_form_is_told_by_the_first_line_that_says_anything() {
        assert_eq!(form("! day0\n\nscope system\n"), Form::Commands);
        assert_eq!(form("# ours\nhostname = \"edge\"\n"), Form::Toml);
        assert_eq!(form("\n [management]\n"), Form::Toml);
        assert_eq!(form("  {\"EULA\": \"accept\"}"), Form::Json);
        assert_eq!(form("set property /x a=b\n"), Form::Commands);
        assert_eq!(form(""), Form::Commands);
    }

    #[test]
    fn remarks_are_left_out_and_certificates_kept() {
        let text = "! x\r\nscope security\n  enter trustpoint A\n set certchain\n# in it\nENDOFBUF\n# out\ntop\n";
        let plan = commands(text);
        let kept =
            ["scope security", "enter trustpoint A", "set certchain", "# in it", "ENDOFBUF", "top"];
        assert_eq!(texts(&plan), kept);
        assert_eq!(plan.lines[0].from, "line 2");
        assert_eq!(commands(&"top\n".repeat(LINES_MAX + 5)).lines.len(), LINES_MAX);
    }

    #[test]
    fn what_follows_a_question_for_a_password_is_secret() {
        let plan = commands("enter local-user admin\nset password\nA\nA\ncommit-buffer\n");
        let secret: Vec<bool> = plan.lines.iter().map(|line| line.secret).collect();
        assert_eq!(secret, [false, false, true, true, false]);
    }

    #[test]
    fn settings_become_commands_and_what_is_wrong_is_said() {
        let value = serde_json::json!({
            "hostname": "edge-1", "address": "192.0.2.10/24", "gateway": "192.0.2.1", "dns": ["192.0.2.53"],
            "ntp": "ntp.lab", "domain": "a b", "colour": "blue", "password": "Lab-12345",
        });
        let plan = settings(&value);
        let lines = texts(&plan).join("\n");
        assert!(lines.contains("scope system\nset name edge-1\ncommit-buffer"), "{lines}");
        assert!(lines.contains("set out-of-band ip 192.0.2.10 netmask 255.255.255.0 gw 192.0.2.1"));
        assert!(
            lines.contains("enter dns 192.0.2.53") && lines.contains("enter ntp-server ntp.lab")
        );
        assert_eq!(plan.lines.iter().filter(|line| line.secret).count(), 2);
        let refused: Vec<&str> = plan.refused.iter().map(|(from, _)| from.as_str()).collect();
        assert_eq!(refused, ["colour", "domain"]);
        assert_eq!(settings(&Value::Null).refused.len(), 1);
    }

    #[test]
    fn a_firepower_appliance_s_json_is_understood() {
        let value = serde_json::json!({
            "EULA": "accept", "Hostname": "ftdv", "AdminPassword": "Admin@123", "FirewallMode": "routed",
            "DNS1": "192.0.2.53", "DNS2": "", "IPv4Mode": "manual", "IPv4Addr": "192.0.2.9",
            "IPv4Mask": "255.255.255.128", "IPv4Gw": "192.0.2.1", "FmcIp": "",
        });
        let plan = settings(&value);
        let lines = texts(&plan).join("\n");
        assert!(
            lines.contains("set out-of-band ip 192.0.2.9 netmask 255.255.255.128 gw 192.0.2.1")
        );
        assert!(lines.contains("set name ftdv") && lines.contains("enter dns 192.0.2.53"));
        assert_eq!(plan.refused.len(), 1, "{:?}", plan.refused);
    }

    #[test]
    fn garbage_of_any_kind_makes_no_trouble() {
        for seed in 0..2_000_u32 {
            let bytes: Vec<u8> = (0..seed % 97)
                .map(|at| (seed.wrapping_mul(2_654_435_761) >> (at % 24)) as u8)
                .collect();
            let text = text(&bytes);
            let _ = form(&text);
            assert!(commands(&text).lines.len() <= LINES_MAX);
        }
        assert_eq!(mask_of("33"), None);
        assert_eq!(mask_of("0"), Some(Ipv4Addr::UNSPECIFIED));
    }
}
