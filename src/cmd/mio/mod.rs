//! `vfxos mio`: one supervisor on a real network.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use tokio::sync::Notify;

use super::control::{Answer, Request};
use super::init::ERASED;
use super::lab::{signalled, state_folder};
use super::rack::chassis::{self, Plan};
use super::rack::state::State;
use super::rack::{self, Rack, Site, Supervisors, script};
use crate::base::time::{Instant, Now, Utc};
use crate::net::link::Mac;
use crate::net::link::hub::Hub;
use crate::net::stack::Cidr;
use crate::proto::config::AUTHORITY_URL;
use crate::shell::authority::operation::{Operation, date};
use crate::sys::clock::ChassisClock;
use crate::sys::{console, process};

mod appliance;
mod built;
mod day0;
pub mod wire;

use built::Built;
use wire::Spec;

/// How this process names itself to its operator.
const WHO: &str = "vfxos mio";
/// Smallest step of the chassis's clock that is kept at once.
const STEP_MIN: Duration = Duration::from_secs(1);
/// Longest frame of the data ports, the Ethernet header apart.
const DATA_MTU: usize = 1500;
/// Smallest and largest packet of `--mtu`.
///
/// # Source
/// RFC 8200 section 5 for what IPv6 needs; jumbo frames for the other.
const MTU: std::ops::RangeInclusive<usize> = 1280..=9216;

/// What `vfxos mio` takes.
#[derive(Clone, Debug, Args)]
pub struct MioArgs {
    /// What the management port is plugged into: tap:NAME, packet:IFNAME, udp:LOCAL:REMOTE,
    /// unix:PATH or unix:LOCAL:REMOTE.
    #[arg(long, value_name = "KIND:WHERE")]
    mgmt: Spec,
    #[command(flatten)]
    appliance: appliance::ApplianceArgs,
    /// Folder for flash. [default: $XDG_STATE_HOME/vfxos/mio]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Keep nothing: state in a folder that goes at the end.
    #[arg(long, conflicts_with = "state")]
    pub ephemeral: bool,
    /// Put the chassis's console on this terminal; its end ends the process.
    #[arg(long)]
    pub console: bool,
    /// The same, asking for name and password as a serial line does.
    #[arg(long)]
    pub login: bool,
    /// With --console and a script, end with status 1 at the first refused command.
    #[arg(long, requires = "console")]
    pub stop_on_refusal: bool,
    /// Largest packet, where it is to be smaller than the interface's.
    #[arg(long, value_name = "BYTES", value_parser = mtu)]
    pub mtu: Option<usize>,
    /// Hardware address of the port. [default: the interface's for packet:, else made of the serial
    /// number]
    #[arg(long, value_name = "MAC", value_parser = mac)]
    mac: Option<Mac>,
    /// Take addresses and ways that routers of IPv6 advertise.
    #[arg(long)]
    pub slaac: bool,
    /// Model of the chassis; only at the first start, as all that follows. [default: FPR-4125]
    #[arg(long)]
    pub model: Option<String>,
    /// Serial number. [default: made up]
    #[arg(long)]
    pub serial: Option<String>,
    /// A security module, SLOT[:MODULE[:SERIAL]], or none; may be given more than once, and again at
    /// a later start. [default: one in slot 1]
    #[arg(long, value_name = "SLOT")]
    blade: Vec<BladeArg>,
    /// System name. [default: firepower]
    #[arg(long)]
    pub name: Option<String>,
    /// Address of the management port. Without it and without --dhcp the console begins with the
    /// first-boot dialog.
    #[arg(long, value_name = "A.B.C.D/LEN")]
    pub address: Option<Cidr>,
    #[arg(long, value_name = "A.B.C.D")]
    pub gateway: Option<Ipv4Addr>,
    /// Ask a DHCP server for the address, as long as none is configured.
    #[arg(long, conflicts_with_all = ["address", "gateway"])]
    pub dhcp: bool,
    /// A name server; may be given more than once.
    #[arg(long, value_name = "ADDR")]
    pub dns: Vec<IpAddr>,
    /// Domain of names without a dot.
    #[arg(long)]
    pub domain: Option<String>,
    /// A time server; may be given more than once.
    #[arg(long, value_name = "ADDR")]
    pub ntp: Vec<IpAddr>,
    /// URL of the licence authority, as `vfxos authority` says it. [default: the vendor's, which
    /// serves no emulated chassis]
    #[arg(long, value_name = "URL")]
    pub authority: Option<String>,
    /// File with the certificate for CHdefault: `vfxos authority --print-root`.
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
    /// File with the certificate for CiscoLicRoot: `vfxos authority --print-root licensing`.
    #[arg(long, value_name = "FILE")]
    pub licensing_root: Option<PathBuf>,
    /// Password of the account admin. [default: Admin123, where there is no first-boot dialog]
    #[arg(long, value_name = "TEXT")]
    pub admin_password: Option<String>,
    /// What its clock shows at the first start, such as 2020-08-04T07:58:13Z; the host's time
    /// without it.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub clock: Option<Utc>,
}

/// What `--blade` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum BladeArg {
    None,
    At { slot: u8, module: Option<String>, serial: Option<String> },
}

impl FromStr for BladeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<BladeArg, String> {
        if text == "none" {
            return Ok(BladeArg::None);
        }
        let mut parts = text.splitn(3, ':');
        let slot = parts.next().and_then(|slot| slot.parse().ok());
        let slot = slot.ok_or("write SLOT, SLOT:MODULE, SLOT:MODULE:SERIAL or none")?;
        let mut part = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        Ok(BladeArg::At { slot, module: part(), serial: part() })
    }
}

fn mtu(text: &str) -> Result<usize, String> {
    let mtu = text.parse().ok().filter(|mtu| MTU.contains(mtu));
    mtu.ok_or_else(|| format!("write a number from {} to {}", MTU.start(), MTU.end()))
}

fn mac(text: &str) -> Result<Mac, String> {
    text.parse().map_err(|_| "write it as 02:57:00:00:00:01, a single station's".to_owned())
}

/// Runs a supervisor until it is asked to end; 2 when it cannot start or has to stop.
pub fn run(args: &MioArgs) -> ExitCode {
    match start(args) {
        Ok(code) => code,
        Err(why) => {
            console::say(&format!("{WHO}: {why}"));
            ExitCode::from(2)
        }
    }
}

fn start(args: &MioArgs) -> Result<ExitCode, String> {
    process::private_files();
    process::raise_open_files();
    if let Some(model) = &args.model
        && crate::base::platform::Chassis::find(model).is_none()
    {
        return Err(format!("--model {model}: there are {}", built::known_models()));
    }
    let state = State::prepare(args.ephemeral, args.state.clone(), || state_folder("mio"))?;
    let built = match state.built::<Built>()? {
        None => Built::new(args)?,
        Some(kept) => kept.restarted(args)?,
    };
    built.checked()?;
    let runtime = super::runtime().map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    let code = local.block_on(&runtime, live(args, &built, &state));
    drop(local);
    // A thread may still wait for a key that nobody will press.
    runtime.shutdown_background();
    code
}

async fn live(args: &MioArgs, built: &Built, state: &State) -> Result<ExitCode, String> {
    let signalled = signalled().map_err(|error| format!("signals: {error}"))?;
    let described = built.checked()?;
    let made_up = Mac::made_of(&described.serial);
    let stack = wire::plug(&args.mgmt, (args.mac, made_up), args.mtu, args.slaac).await?;
    let port = stack.mac();
    let clock = state.clock(args.clock)?.for_chassis(0);
    let authority = built.authority.clone().unwrap_or_else(|| AUTHORITY_URL.to_owned());
    let folder = state.chassis(&described.name);
    let plan = Plan {
        name: described.name.clone(),
        serial: described.serial.clone(),
        model: described.model,
        blades: described.blades.clone(),
        factory: chassis::factory(&described, built.trustpoints(), authority),
        address: described.address,
        stack,
        // No cable leads from its data ports to another chassis.
        data: (Hub::new().port(DATA_MTU), 0),
        clock: clock.clone(),
        admin_password: built.admin_password.clone(),
        died: args.appliance.restarted.unwrap_or(0),
        ends_at_reboot: args.appliance.ends_at_reboot(),
        dhcp: built.dhcp,
    };
    let (mut running, task) = chassis::start(plan, &folder)?;
    // What cannot start is not kept: the next try says everything anew.
    state.keep_built(built)?;
    running.start_blades(&described.blades, &folder);
    let mut supervisors = Supervisors::new();
    supervisors.watch(described.name.clone(), task);
    let unconfigured = running.handle.unconfigured;
    let handle = running.handle.clone();
    let rack = Rack { chassis: vec![running], clock: clock.lab().clone(), ssh: Vec::new() };
    let site = Alone(Rc::new(Inner { rack, clock, state: state.clone(), stopping: Notify::new() }));
    let socket = rack::listen(&site, &state.socket())?;
    let chassis_folder = folder;
    let folder = state.folder().display();
    let alone = args.appliance.appliance.is_none();
    if alone {
        console::say(&format!(
            "{WHO}: {} {} on {}, {port}; state in {folder}",
            described.model.model, described.serial, args.mgmt
        ));
        console::say(&format!("{WHO}: from another terminal: vfxos ctl --state {folder} status"));
    }
    args.appliance.begin(&handle, &chassis_folder).await;
    let attended = args.console || (args.login && (alone || console::is_terminal()));
    if unconfigured && !attended {
        console::say(&format!(
            "{WHO}: nobody has configured it: start it with --console or --login for the first-boot \
             dialog, or with --address or --dhcp"
        ));
    }
    let keeper = site.clone();
    tokio::task::spawn_local(async move { keeper.watch_clock().await });
    let (stop_on_refusal, login) = (args.stop_on_refusal, args.login);
    let none = String::new;
    let task = script::Task {
        token: none(),
        prepare: none(),
        story: none(),
        stop_on_refusal,
        login,
        stays: !alone,
    };
    let code = rack::live(&site, WHO, attended.then_some(task), supervisors, signalled).await;
    drop(socket);
    if code.as_ref().is_ok_and(|code| *code == ExitCode::from(ERASED)) {
        appliance::forget_day0(&chassis_folder);
    }
    code
}

/// A chassis by itself; clones mean the same one.
#[derive(Clone)]
struct Alone(Rc<Inner>);

struct Inner {
    rack: Rack,
    clock: ChassisClock,
    state: State,
    /// Fires when somebody asked the process to end.
    stopping: Notify,
}

impl Alone {
    /// Keeps the clock whenever it was set: what NTP steers in small steps is kept at the end.
    async fn watch_clock(&self) {
        let mut moved = self.0.rack.clock.moved();
        let mut kept = self.0.clock.course();
        while moved.changed().await.is_ok() {
            let now = self.0.clock.course();
            let expected = kept.wall + now.host.since(kept.host);
            let apart = now.wall.since(expected).max(expected.since(now.wall));
            if apart >= STEP_MIN || now.rate != kept.rate {
                kept = now;
                if let Err(error) = self.keep_clock() {
                    tracing::error!("the chassis's clock is not kept: {error}");
                }
            }
        }
    }
}

impl Site for Alone {
    fn rack(&self) -> &Rack {
        &self.0.rack
    }

    fn folder(&self) -> &Path {
        self.0.state.folder()
    }

    fn filled(&self, text: &str) -> String {
        text.to_owned()
    }

    async fn answer(&self, request: Request) -> Answer {
        let asked = match request {
            Request::Authority(Operation::Clock(request)) => {
                return Answer::of(rack::move_clock(self, request).await);
            }
            Request::Wait { condition, timeout, chassis } => {
                self.0.rack.wait(condition, timeout, chassis.as_deref()).await
            }
            Request::Status => Ok(self.0.rack.status()),
            Request::Health => self.0.rack.health(),
            Request::Stop => {
                self.0.stopping.notify_one();
                Ok(Answer::done("stopping", serde_json::Value::Null))
            }
            Request::Console(_) => Err("a console needs a terminal: use vfxos ctl console".into()),
            Request::Authority(_) | Request::At { .. } => Err(
                "a chassis by itself has no authority: ask the one that it registers with, vfxos \
                 ctl --state with the folder of vfxos authority"
                    .to_owned(),
            ),
            Request::Fault(_) | Request::Drill(_) => {
                Err("only a lab does this: start one with `vfxos lab`".to_owned())
            }
        };
        asked.unwrap_or_else(Answer::refused)
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn expire(&self, _: Now) -> Result<(), String> {
        Ok(())
    }

    fn keep_clock(&self) -> Result<(), String> {
        self.0.state.keep_clock(self.0.clock.course())
    }

    async fn stopped(&self) {
        self.0.stopping.notified().await;
    }
}
