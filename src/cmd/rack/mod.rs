//! The chassis that one process runs: started, watched, served at a console and on the control
//! socket. What `vfxos lab` does for its chassis and `vfxos mio` for its one is this.

use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::{JoinError, JoinSet};

use super::control::socket::{self, Caller};
use super::control::{Answer, Request, WaitFor};
use super::init::{AFRESH, ERASED};
use super::supervisor::Ended;
use crate::base::time::{Instant, Now};
use crate::shell::authority::desk::{Done, clock_shown};
use crate::shell::authority::operation::ClockRequest;
use crate::sys::clock::LabClock;
use crate::sys::console;

mod attach;
pub(in crate::cmd) mod blades;
pub(in crate::cmd) mod chassis;
mod keyboard;
pub(in crate::cmd) mod script;
pub(in crate::cmd) mod state;
mod time;

use chassis::{Running, Task};

/// Longest wait for the supervisors to end, once they were asked to.
const END_WAIT: Duration = Duration::from_secs(10);

/// Running chassis and the clock that they follow.
pub(in crate::cmd) struct Rack {
    pub(in crate::cmd) chassis: Vec<Running>,
    pub(in crate::cmd) clock: LabClock,
    /// Where the host leads to each chassis, in their order; empty if it does not.
    pub(in crate::cmd) ssh: Vec<SocketAddr>,
}

/// Where a rack stands: a lab, or a machine's own network.
pub(in crate::cmd) trait Site: Clone + 'static {
    /// Returns the chassis.
    fn rack(&self) -> &Rack;

    /// Returns the folder of state.
    fn folder(&self) -> &Path;

    /// Puts the site's own texts in place of the names that stand for them in a script.
    fn filled(&self, text: &str) -> String;

    /// Does what is asked.
    fn answer(&self, request: Request) -> impl Future<Output = Answer>;

    /// Returns when something beside the chassis falls due.
    fn due(&self) -> Option<Instant>;

    /// Does what beside the chassis was due.
    ///
    /// # Errors
    /// A line for the operator.
    fn expire(&self, now: Now) -> Result<(), String>;

    /// Keeps on the disk how the clock stands.
    ///
    /// # Errors
    /// A line for the operator: the disk refused it.
    fn keep_clock(&self) -> Result<(), String>;

    /// Returns once somebody asked the process to end.
    fn stopped(&self) -> impl Future<Output = ()>;
}

/// The supervisors' tasks; each ends with the reason it stopped for, an error if it had to.
pub(in crate::cmd) struct Supervisors(JoinSet<Result<(Ended, String), String>>);

impl Supervisors {
    pub(in crate::cmd) fn new() -> Supervisors {
        Supervisors(JoinSet::new())
    }

    /// Watches over one more.
    pub(in crate::cmd) fn watch(&mut self, name: String, task: Task) {
        self.0.spawn(async move {
            match task.await {
                Ok(Ok(ended)) => Ok((ended, format!("the supervisor of {name} has ended"))),
                Ok(Err(error)) => Err(format!("the supervisor of {name} has stopped: {error}")),
                Err(error) => Err(format!("the supervisor of {name} has failed: {error}")),
            }
        });
    }

    /// Waits for all to end; returns the first failure.
    async fn end(&mut self) -> Option<String> {
        let mut failed = None;
        let ended = async {
            while let Some(joined) = self.0.join_next().await {
                failed = failed.take().or(end_of(joined).err());
            }
        };
        if tokio::time::timeout(END_WAIT, ended).await.is_err() {
            tracing::error!("a supervisor does not end; what it did last may be lost");
        }
        failed
    }
}

/// Returns how a supervisor's task ended.
fn end_of(
    joined: Result<Result<(Ended, String), String>, JoinError>,
) -> Result<(Ended, String), String> {
    joined.unwrap_or_else(|error| Err(error.to_string()))
}

/// Serves the console at this process's terminal, or for `None` nobody there, until the process is
/// to end; then ends every supervisor after what it has taken. `who` begins every line to the
/// operator.
///
/// # Errors
/// A line for the operator.
pub(in crate::cmd) async fn live<S: Site>(
    site: &S,
    who: &str,
    task: Option<script::Task>,
    mut supervisors: Supervisors,
    signalled: impl Future<Output = &'static str>,
) -> Result<ExitCode, String> {
    let console = async {
        match task {
            Some(task) => script::attend(site, task).await,
            None => std::future::pending().await,
        }
    };
    let code = tokio::select! {
        code = console => code,
        () = site.stopped() => Ok(ExitCode::SUCCESS),
        name = signalled => {
            console::say(&format!("{who}: ended by {name}"));
            Ok(ExitCode::SUCCESS)
        }
        Some(joined) = supervisors.0.join_next() => end_of(joined).map(|(ended, why)| match ended {
            Ended::Off => {
                console::say(&format!("{who}: {why}"));
                ExitCode::SUCCESS
            }
            Ended::Afresh => ExitCode::from(AFRESH),
            Ended::Erased => ExitCode::from(ERASED),
        }),
    };
    for one in &site.rack().chassis {
        one.handle.stop().await;
    }
    // A supervisor that fails takes its sessions with it: whichever end was seen first, the failure
    // is what is told.
    let code = supervisors.end().await.map_or(code, Err);
    code.and_then(|code| site.keep_clock().map(|()| code))
}

/// Opens the control socket of a site.
///
/// # Errors
/// A line for the operator.
pub(in crate::cmd) fn listen<S: Site>(site: &S, path: &Path) -> Result<socket::Socket, String> {
    let asked = site.clone();
    socket::serve(path, move |request, caller| {
        let site = asked.clone();
        async move { serve(&site, request, caller).await }
    })
}

/// Serves whoever asks on the control socket.
async fn serve(site: &impl Site, request: Request, caller: Caller) {
    if let Request::Console(request) = request {
        let Caller { reader, writer } = caller;
        attach::attend(site.rack(), &request, reader, writer).await;
    } else {
        caller.answer(&site.answer(request).await).await;
    }
}

/// Reads or moves the clock of a site.
///
/// # Errors
/// A line for the operator.
pub(in crate::cmd) async fn move_clock(
    site: &impl Site,
    request: ClockRequest,
) -> Result<Done, String> {
    let Rack { chassis, clock, .. } = site.rack();
    let shown = matches!(request, ClockRequest::Show {});
    match request {
        ClockRequest::Show {} => {}
        ClockRequest::Advance { by } => {
            // The chassis have to see every deadline at its own moment.
            time::advance(site, by).await?;
        }
        ClockRequest::Set { date } => {
            clock.set(date).map_err(|error| error.to_string())?;
            for one in chassis {
                one.handle.settled().await;
            }
        }
        ClockRequest::Rate { rate } => {
            clock.set_rate(rate).map_err(|error| error.to_string())?;
        }
        ClockRequest::Skew { chassis, ahead } => return skew(site.rack(), &chassis, ahead).await,
    }
    if !shown {
        site.keep_clock()?;
    }
    Ok(clock_shown(clock))
}

/// Sets, if `ahead` is given, and says how far a chassis's clock is ahead of the rack's.
async fn skew(rack: &Rack, name: &str, ahead: Option<i64>) -> Result<Done, String> {
    let one = rack.chassis(Some(name))?;
    if let Some(ahead) = ahead {
        one.handle.clock.set_skew_ms(ahead);
        one.handle.settled().await;
    }
    let (skew_ms, wall) = (one.handle.clock.skew_ms(), one.handle.clock.now().wall);
    let sign = if skew_ms < 0 { "behind" } else { "ahead of" };
    let (whole, rest) = (skew_ms.unsigned_abs() / 1000, skew_ms.unsigned_abs() % 1000);
    let text = format!("{name} {}, {whole}.{rest:03} s {sign} the lab", wall.iso());
    let json = json!({ "chassis": name, "wall": wall.iso(), "skew_ms": skew_ms });
    Ok(Done { text, json, next: None })
}

impl Rack {
    /// Returns the chassis of a name, or the first.
    ///
    /// # Errors
    /// A line for the operator: there is none.
    pub(in crate::cmd) fn chassis(&self, name: Option<&str>) -> Result<&Running, String> {
        let one = match name {
            None => self.chassis.first(),
            Some(name) => self.chassis.iter().find(|one| one.name == name),
        };
        one.ok_or_else(|| format!("no chassis {}", name.unwrap_or("at all")))
    }

    /// Waits until a chassis stands as asked, `timeout` at most.
    ///
    /// # Errors
    /// A line for the operator.
    pub(in crate::cmd) async fn wait(
        &self,
        condition: WaitFor,
        timeout: Duration,
        name: Option<&str>,
    ) -> Result<Answer, String> {
        let one = self.chassis(name)?;
        // What was typed just before is to be seen first.
        let mut status = one.handle.status.clone();
        let met = tokio::time::timeout(timeout, async {
            one.handle.seen().await;
            status.wait_for(|status| status.is(condition)).await.is_ok()
        });
        match met.await {
            Ok(true) => Ok(Answer::done(format!("{} is there", one.name), json(&*status.borrow()))),
            Ok(false) => Err(format!("{} has stopped", one.name)),
            Err(_) => Err(format!(
                "{} is not {condition:?} after {} s: {}",
                one.name,
                timeout.as_secs(),
                json(&*status.borrow())
            )),
        }
    }

    /// Says whether every chassis takes whoever comes, in the words of vrnetlab's `/health`.
    ///
    /// # Errors
    /// The same for one that does not yet.
    pub(in crate::cmd) fn health(&self) -> Result<Answer, String> {
        let serving = self.chassis.iter().all(|one| one.handle.status.borrow().serving);
        if serving {
            Ok(Answer::done("0 running", Value::Null))
        } else {
            Err("1 starting".to_owned())
        }
    }

    /// Says how every chassis and its blades stand.
    pub(in crate::cmd) fn status(&self) -> Answer {
        let (mut text, mut all) = (String::new(), Vec::new());
        for (at, one) in self.chassis.iter().enumerate() {
            let status = one.handle.status.borrow().clone();
            let registration = json(&status.registration);
            let _ = write!(
                text,
                "{}  {}  authorized {}  blades attached {}  synchronized {}",
                status.name,
                registration.as_str().unwrap_or_default(),
                status.authorized,
                status.attached,
                status.synchronized
            );
            let ssh = self.ssh.get(at);
            let _ = writeln!(text, "{}", ssh.map_or(String::new(), |ssh| format!("  ssh {ssh}")));
            let mut blades = Vec::new();
            for blade in &one.blades {
                let (slot, pid) = (blade.slot.number(), blade.pid());
                let attached = status.blades.contains(&blade.slot);
                let serial = &blade.serial;
                let word = if attached { "attached" } else { "not attached" };
                let process = pid.map_or("no process".to_owned(), |pid| format!("process {pid}"));
                let _ = writeln!(text, "    blade {slot}  {serial}  {word}  {process}");
                blades.push(json!({
                    "slot": slot, "serial": serial, "attached": attached, "pid": pid,
                }));
            }
            let mut facts = json(&status);
            if let Some(facts) = facts.as_object_mut() {
                facts.insert("blades".to_owned(), Value::Array(blades));
                if let Some(ssh) = ssh {
                    facts.insert("ssh".to_owned(), json!(ssh.to_string()));
                }
            }
            all.push(facts);
        }
        Answer::done(text.trim_end(), Value::Array(all))
    }
}

/// Returns a value as JSON for an answer.
pub(in crate::cmd) fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}
