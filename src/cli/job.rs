//! What an operator sets going that ends later, and the words in which it reports.
//!
//! A command asks for a [`Job`]; the edge sends the packets and tells a [`PingReport`] or a
//! [`TraceReport`] what came of each; the report returns what the operator sees. Nothing here reads a
//! clock or a socket.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use super::transfer::Transfer;
use crate::proto::capture::Plan;
use crate::proto::workspace::Place;

/// Something that goes on while the operator looks; Ctrl-C ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    Ping(Ping),
    Traceroute(Traceroute),
    Capture(Box<Plan>),
    /// Print the frames of a file.
    Read {
        file: Place,
        plan: Box<Plan>,
    },
    /// Print a file as it is.
    View(Place),
    Transfer(Transfer),
    Support(Support),
}

/// `show tech-support`: what goes into the archive, by file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// Where the archive goes.
    pub file: Place,
    /// The folder inside the archive.
    pub folder: String,
    pub parts: Vec<(String, String)>,
}

/// `ping HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Name or address.
    pub host: String,
    pub family: Family,
    /// Requests to send; without end if none.
    pub count: Option<u32>,
    /// When it ends whatever has come.
    pub deadline: Option<Duration>,
    pub interval: Duration,
    /// Payload in bytes.
    pub size: usize,
}

/// `traceroute HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceroute {
    /// Name or address.
    pub host: String,
    pub family: Family,
}

/// Which version of IP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// Bytes of payload unless an operator says otherwise, and of the headers before them.
///
/// # Source
/// Seed: `56(84) bytes of data`.
pub const PING_SIZE: usize = 56;
const HEADERS: usize = 28;
/// Bytes of an ICMP header.
const ICMP_HEADER: usize = 8;
/// Interface of the management port, as it names itself.
///
/// # Source
/// Seed: `from 10.62.148.225 eth0`.
const INTERFACE: &str = "eth0";
/// Furthest that a trace goes, requests a hop, and bytes a packet.
///
/// # Source
/// The traceroute of Linux, by recall.
pub const HOPS_MAX: u8 = 30;
pub const PROBES: usize = 3;
const PROBE_LEN: usize = 60;

/// What came of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The host answered.
    Reply { from: IpAddr, ttl: u8, bytes: usize, round_trip: Duration },
    /// A router, or this host itself, says that it cannot be reached.
    Unreachable { from: IpAddr, code: u8 },
    /// A router dropped it because it had come too far.
    TimeExceeded { from: IpAddr, round_trip: Duration },
    /// Nothing came.
    Lost,
}

/// Returns what a job prints whose host has no address.
///
/// # Source
/// The ping and traceroute of Linux, by recall.
pub fn unknown_host(job: &Job, host: &str) -> String {
    match job {
        Job::Ping(_) => format!("ping: unknown host {host}\n"),
        Job::Traceroute(_)
        | Job::Transfer(_)
        | Job::Capture(_)
        | Job::Read { .. }
        | Job::View(_)
        | Job::Support(_) => {
            format!("{host}: Name or service not known\n")
        }
    }
}

/// Returns what a job prints when there is no way to the host at all.
pub fn no_route(job: &Job) -> String {
    let call = match job {
        Job::Traceroute(_) => "send",
        Job::Ping(_)
        | Job::Transfer(_)
        | Job::Capture(_)
        | Job::Read { .. }
        | Job::View(_)
        | Job::Support(_) => "connect",
    };
    format!("{call}: Network is unreachable\n")
}

/// A ping under way: what it has sent, what has come.
#[derive(Clone, Debug)]
pub struct PingReport {
    host: String,
    /// True if the host was named and not given as an address.
    named: bool,
    sent: u32,
    received: u32,
    errors: u32,
    times: Vec<Duration>,
}

/// Most round trips kept for the figures at the end; the first ones go.
const TIMES_MAX: usize = 4096;

impl PingReport {
    /// Begins a ping; returns its first line too.
    ///
    /// # Source
    /// Seed: `PING 172.31.200.100 (172.31.200.100) from 10.62.148.225 eth0: 56(84) bytes of data.`
    pub fn begin(ping: &Ping, target: IpAddr, source: IpAddr) -> (PingReport, String) {
        let (host, size) = (&ping.host, ping.size);
        let line = format!(
            "PING {host} ({target}) from {source} {INTERFACE}: {size}({}) bytes of data.\n",
            size + HEADERS
        );
        let named = host.parse::<IpAddr>().is_err();
        let report = PingReport {
            host: host.clone(),
            named,
            sent: 0,
            received: 0,
            errors: 0,
            times: Vec::new(),
        };
        (report, line)
    }

    /// Returns how many requests were sent.
    pub const fn sent(&self) -> u32 {
        self.sent
    }

    /// Counts a request that is sent.
    pub fn send(&mut self) {
        self.sent += 1;
    }

    /// Returns the line of what came of the request sent as `sequence`; empty for nothing.
    ///
    /// # Source
    /// The ping of Linux, by recall; the seed shows that a lost request prints nothing.
    pub fn outcome(&mut self, sequence: u32, outcome: Outcome) -> String {
        match outcome {
            Outcome::Reply { from, ttl, bytes, round_trip } => {
                self.received += 1;
                if self.times.len() >= TIMES_MAX {
                    self.times.remove(0);
                }
                self.times.push(round_trip);
                let who =
                    if self.named { format!("{} ({from})", self.host) } else { from.to_string() };
                let time = milliseconds(round_trip);
                format!("{bytes} bytes from {who}: icmp_seq={sequence} ttl={ttl} time={time} ms\n")
            }
            Outcome::Unreachable { from, code } => {
                self.errors += 1;
                let what = match code {
                    0 => "Destination Net Unreachable",
                    1 => "Destination Host Unreachable",
                    3 => "Destination Port Unreachable",
                    10 | 13 => "Packet filtered",
                    _ => "Destination Unreachable",
                };
                format!("From {from} icmp_seq={sequence} {what}\n")
            }
            Outcome::TimeExceeded { from, .. } => {
                self.errors += 1;
                format!("From {from} icmp_seq={sequence} Time to live exceeded\n")
            }
            Outcome::Lost => String::new(),
        }
    }

    /// Returns the figures at the end. `elapsed` is the time from the first request to the last;
    /// `broken` says that the operator ended it: then a `^C` stands above.
    ///
    /// # Source
    /// Seed: `4 packets transmitted, 0 received, 100% packet loss, time 3001ms`.
    pub fn end(&self, elapsed: Duration, broken: bool) -> String {
        let mut text = String::from(if broken { "" } else { "\n" });
        // A String never fails.
        let _ = writeln!(text, "--- {} ping statistics ---", self.host);
        let lost = self.sent.saturating_sub(self.received);
        let loss = (u64::from(lost) * 100).checked_div(u64::from(self.sent)).unwrap_or(0);
        let errors =
            if self.errors > 0 { format!("+{} errors, ", self.errors) } else { String::new() };
        let _ = writeln!(
            text,
            "{} packets transmitted, {} received, {errors}{loss}% packet loss, time {}ms",
            self.sent,
            self.received,
            elapsed.as_millis()
        );
        if let (Some(min), Some(max)) = (self.times.iter().min(), self.times.iter().max()) {
            let (mean, deviation) = self.spread();
            let _ = writeln!(
                text,
                "rtt min/avg/max/mdev = {}/{}/{}/{} ms",
                thousandths(*min),
                thousandths(mean),
                thousandths(*max),
                thousandths(deviation)
            );
        }
        text
    }

    /// Returns the mean of the round trips and how far they lie from it.
    fn spread(&self) -> (Duration, Duration) {
        let micros: Vec<u128> = self.times.iter().map(Duration::as_micros).collect();
        let count = micros.len().max(1) as u128;
        let mean = micros.iter().sum::<u128>() / count;
        let squares = micros.iter().map(|one| one.abs_diff(mean).pow(2)).sum::<u128>() / count;
        let duration =
            |micros: u128| Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        (duration(mean), duration(squares.isqrt()))
    }
}

/// Returns the bytes that a reply to a payload of `size` counts.
pub const fn reply_len(size: usize) -> usize {
    size + ICMP_HEADER
}

/// A trace under way.
#[derive(Clone, Debug)]
pub struct TraceReport {
    hop: u8,
    target: IpAddr,
}

impl TraceReport {
    /// Begins a trace; returns its first line too.
    pub fn begin(trace: &Traceroute, target: IpAddr) -> (TraceReport, String) {
        let line = format!(
            "traceroute to {} ({target}), {HOPS_MAX} hops max, {PROBE_LEN} byte packets\n",
            trace.host
        );
        (TraceReport { hop: 0, target }, line)
    }

    /// Returns the line of the next hop, and whether it was the last.
    pub fn hop(&mut self, outcomes: &[Outcome]) -> (String, bool) {
        self.hop = self.hop.saturating_add(1);
        let mut line = format!("{:2} ", self.hop);
        let (mut last, mut over) = (None, self.hop >= HOPS_MAX);
        for outcome in outcomes {
            let (from, time, mark) = match *outcome {
                Outcome::Reply { from, round_trip, .. } => (from, Some(round_trip), ""),
                Outcome::TimeExceeded { from, round_trip } => (from, Some(round_trip), ""),
                Outcome::Unreachable { from, code } => {
                    over = true;
                    (from, None, if code == 0 { " !N" } else { " !H" })
                }
                Outcome::Lost => {
                    line += " *";
                    continue;
                }
            };
            over |= from == self.target;
            if last != Some(from) {
                let _ = write!(line, " {from} ({from})"); // A String never fails.
                last = Some(from);
            }
            if let Some(time) = time {
                let _ = write!(line, "  {} ms", thousandths(time));
            }
            line += mark;
        }
        (line + "\n", over)
    }
}

/// Three digits that count, as ping prints a round trip.
fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    let (whole, rest) = (micros / 1000, micros % 1000);
    match micros {
        100_000.. => whole.to_string(),
        10_000.. => format!("{whole}.{}", rest / 100),
        1_000.. => format!("{whole}.{:02}", rest / 10),
        _ => format!("{whole}.{rest:03}"),
    }
}

fn thousandths(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(host: &str) -> Ping {
        let interval = Duration::from_secs(1);
        Ping {
            host: host.into(),
            family: Family::V4,
            count: None,
            deadline: None,
            interval,
            size: PING_SIZE,
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The seed's ping of a silent name server, byte for byte.
    #[test]
    fn four_requests_without_answer_are_the_seeds_listing() {
        let target = address("172.31.200.100");
        let (mut report, mut text) =
            PingReport::begin(&ping("172.31.200.100"), target, address("10.62.148.225"));
        for sequence in 1..=4 {
            report.send();
            text += &report.outcome(sequence, Outcome::Lost);
        }
        // The terminal shows what was typed.
        text += "^C\n";
        text += &report.end(Duration::from_millis(3001), true);
        assert_eq!(
            text,
            "PING 172.31.200.100 (172.31.200.100) from 10.62.148.225 eth0: 56(84) bytes of data.\n\
             ^C\n\
             --- 172.31.200.100 ping statistics ---\n\
             4 packets transmitted, 0 received, 100% packet loss, time 3001ms\n"
        );
    }

    #[test]
    fn replies_and_refusals_are_counted() {
        let target = address("192.0.2.1");
        let (mut report, _) = PingReport::begin(&ping("gw.test"), target, address("192.0.2.9"));
        let reply = |micros| Outcome::Reply {
            from: target,
            ttl: 64,
            bytes: reply_len(PING_SIZE),
            round_trip: Duration::from_micros(micros),
        };
        for _ in 0..3 {
            report.send();
        }
        let line = report.outcome(1, reply(372));
        assert_eq!(line, "64 bytes from gw.test (192.0.2.1): icmp_seq=1 ttl=64 time=0.372 ms\n");
        assert!(report.outcome(2, reply(12_345)).ends_with("time=12.3 ms\n"));
        let refused = Outcome::Unreachable { from: address("192.0.2.9"), code: 1 };
        let line = report.outcome(3, refused);
        assert_eq!(line, "From 192.0.2.9 icmp_seq=3 Destination Host Unreachable\n");
        let end = report.end(Duration::from_millis(2002), false);
        assert_eq!(
            end,
            "\n--- gw.test ping statistics ---\n\
             3 packets transmitted, 2 received, +1 errors, 33% packet loss, time 2002ms\n\
             rtt min/avg/max/mdev = 0.372/6.358/12.345/5.986 ms\n"
        );
    }

    #[test]
    fn a_trace_names_each_router_once_and_ends_at_its_target() {
        let (target, router) = (address("198.51.100.7"), address("192.0.2.1"));
        let trace = Traceroute { host: "far.test".into(), family: Family::V4 };
        let (mut report, head) = TraceReport::begin(&trace, target);
        assert_eq!(head, "traceroute to far.test (198.51.100.7), 30 hops max, 60 byte packets\n");
        let round_trip = Duration::from_micros(450);
        let dropped = Outcome::TimeExceeded { from: router, round_trip };
        let (line, over) = report.hop(&[dropped, Outcome::Lost, dropped]);
        assert_eq!(line, " 1  192.0.2.1 (192.0.2.1)  0.450 ms *  0.450 ms\n");
        assert!(!over);
        assert_eq!(report.hop(&[Outcome::Lost; 3]), (" 2  * * *\n".to_owned(), false));
        let reply = Outcome::Reply { from: target, ttl: 62, bytes: 64, round_trip };
        let (line, over) = report.hop(&[reply; 3]);
        assert_eq!(line, " 3  198.51.100.7 (198.51.100.7)  0.450 ms  0.450 ms  0.450 ms\n");
        assert!(over);
    }
}
