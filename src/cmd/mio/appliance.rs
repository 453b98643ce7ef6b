//! A supervisor that process 1 has started: day 0 first, then ready, then `login:`.

use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::day0;
use crate::cmd::supervisor::Handle;
use crate::sys::{boot, console};

/// Where the last day 0 that was applied is told of, beside the chassis's state.
const LOG: &str = "day0.log";
/// Where a container says how it is, as vrnetlab's do.
const HEALTH: &str = "/health";
/// Longest wait for the services before `login:` is shown all the same.
const READY_WAIT: Duration = Duration::from_secs(60);
/// How long a server has to give an address before another is taken.
const LEASE_WAIT: Duration = Duration::from_secs(8);

/// What process 1 tells its supervisor; nobody else needs it.
#[derive(Clone, Debug, Args)]
pub struct ApplianceArgs {
    #[arg(long, hide = true, value_name = "GROUND")]
    pub appliance: Option<Appliance>,
    /// File with what is to be configured at the first start.
    #[arg(long, value_name = "FILE")]
    pub day0: Option<PathBuf>,
    /// Where that was found.
    #[arg(long, hide = true, value_name = "TEXT")]
    pub day0_from: Option<String>,
    /// Address and gateway of a management port that is left without one.
    #[arg(long, hide = true, value_name = "A.B.C.D/LEN,A.B.C.D")]
    pub fallback: Option<Fallback>,
    /// Print nothing but `login:`.
    #[arg(long, hide = true)]
    pub quiet: bool,
    /// How often the supervisor has died since the machine's start.
    #[arg(long, hide = true, value_name = "NUMBER")]
    pub restarted: Option<u32>,
}

/// What the supervisor runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Appliance {
    Machine,
    Container,
}

/// An address for a port that got none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    address: Ipv4Addr,
    prefix: u8,
    gateway: Ipv4Addr,
}

impl FromStr for Fallback {
    type Err = String;

    fn from_str(text: &str) -> Result<Fallback, String> {
        let parsed = text.split_once(',').and_then(|(address, gateway)| {
            let (address, prefix) = address.split_once('/')?;
            let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
            Some(Fallback {
                address: address.parse().ok()?,
                prefix,
                gateway: gateway.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| "write 10.0.0.15/24,10.0.0.2".to_owned())
    }
}

impl ApplianceArgs {
    /// Returns true if reboot ends the process: process 1 starts it again.
    pub(super) fn ends_at_reboot(&self) -> bool {
        self.appliance.is_some()
    }

    /// Does what comes before the first `login:`. `folder` is the chassis's state.
    pub(super) async fn begin(&self, handle: &Handle, folder: &Path) {
        if let Some(times) = self.restarted {
            tracing::error!(
                "the supervisor has died and is back; it is start {} of this boot",
                times + 1
            );
        }
        if let Some(file) = &self.day0 {
            self.apply(handle, file, &folder.join(LOG)).await;
        }
        if let Some(fallback) = self.fallback {
            let handle = handle.clone();
            tokio::task::spawn_local(async move { fallback.watch(&handle).await });
        }
        if self.appliance.is_some() {
            self.ready(handle).await;
        }
    }

    async fn apply(&self, handle: &Handle, file: &Path, log: &Path) {
        if log.exists() {
            // It was day 0 once; what an operator has changed since stands.
            return;
        }
        let from = self.day0_from.clone().unwrap_or_else(|| file.display().to_string());
        let report = match fs::read(file) {
            Ok(bytes) => day0::apply(handle, &bytes).await,
            Err(error) => vec![format!("refused: {}: {error}", file.display())],
        };
        let refused = report.iter().filter(|line| line.starts_with("refused")).count();
        let head =
            format!("day 0 of {from}: {} applied, {refused} refused", report.len() - refused);
        console::say(&format!("vfxos: {head}"));
        for line in report.iter().filter(|line| line.starts_with("refused")) {
            console::say(&format!("vfxos: day 0: {line}"));
        }
        let text = format!("{head}\n{}\n", report.join("\n"));
        if let Err(why) = keep(log, &text) {
            tracing::error!("{}: {why}; day 0 is applied again at the next start", log.display());
        }
    }

    /// Waits until everything answers, and says so.
    async fn ready(&self, handle: &Handle) {
        let mut status = handle.status.clone();
        let serving = status.wait_for(|status| status.serving);
        match tokio::time::timeout(READY_WAIT, serving).await {
            Ok(Ok(_)) => {}
            // It has ended: whoever watches it says why.
            Ok(Err(_)) => return,
            Err(_) => console::say("vfxos: not every service answers; the console does"),
        }
        let took = boot::uptime().as_secs_f64();
        if !self.quiet {
            let now = handle.clock.now().wall.console();
            console::say(&format!(
                "{now}  %$ VDC-1 %$ %VDC_MGR-2-VDC_ONLINE: vdc 1 has come online \n"
            ));
            console::say(&format!("vfxos: system ready in {took:.1}s"));
        }
        if self.appliance == Some(Appliance::Container) {
            console::say(&format!("Startup complete in: {took:.1}s"));
            // Where nothing can be written, `vfxos ctl health` still answers.
            let _ = fs::write(HEALTH, "0 running\n");
        }
    }
}

impl Fallback {
    /// Gives the port an address if nobody else has.
    async fn watch(self, handle: &Handle) {
        tokio::time::sleep(LEASE_WAIT).await;
        if handle.stack.addresses().iter().any(|one| one.address().is_ipv4()) {
            return;
        }
        let Fallback { address, prefix, gateway } = self;
        let mask = Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0));
        let set = format!(
            "top\nscope fabric-interconnect a\nset out-of-band ip {address} netmask {mask} gw {gateway}\n\
             commit-buffer\n"
        );
        let report = day0::apply(handle, set.as_bytes()).await;
        let refused = report.iter().any(|line| line.starts_with("refused"));
        console::say(&format!(
            "vfxos: nobody has given the management port an address; it {} {address}/{prefix}",
            if refused { "cannot have" } else { "has" }
        ));
    }
}

/// Writes a file so that it is there whole or not at all.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = fs::File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// Forgets that a day 0 was applied: the configuration is erased.
pub(super) fn forget_day0(folder: &Path) {
    // There may have been none.
    let _ = fs::remove_file(folder.join(LOG));
}
