//! What a running lab does when `vfxos ctl` or a script's `@` line asks.

use std::cell::{Cell, OnceCell};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::attach;
use super::chassis::Running;
use super::drill::{Condition, Drill};
use super::faults::{Faults, Victim};
use super::state::State;
use super::time;
use super::world::World;
use crate::cmd::control::socket::Caller;
use crate::cmd::control::{Answer, DrillRequest, Extent, FaultRequest, Request, WaitFor};
use crate::net::ca::Ca;
use crate::shell::authority::ServiceError;
use crate::shell::authority::desk::{Desk, Done, clock_shown};
use crate::shell::authority::operation::{ClockRequest, Operation};
use crate::sys::clock::LabClock;

/// How often the clock is kept while it runs faster than the host's.
const CLOCK_KEPT: Duration = Duration::from_secs(5);

/// A running lab; clones mean the same one.
#[derive(Clone)]
pub(super) struct Lab(Rc<Inner>);

struct Inner {
    world: World,
    chassis: Vec<Running>,
    state: State,
    faults: Faults,
    /// Fires when a fault was set, which may end sooner than the others.
    faulted: Notify,
    /// Fires when somebody asked the lab to end.
    stopping: Notify,
    /// The drill that the lab was started for, and how many of its hints were given.
    drill: Option<Drill>,
    hinted: Cell<usize>,
    /// The root of a CA that nobody here trusts.
    other_root: OnceCell<String>,
    /// Where the host leads to each chassis, in their order; empty if it does not.
    ssh: Vec<SocketAddr>,
}

impl Lab {
    pub(super) fn new(
        world: World,
        chassis: Vec<Running>,
        state: State,
        drill: Option<Drill>,
        ssh: Vec<SocketAddr>,
    ) -> Lab {
        Lab(Rc::new(Inner {
            world,
            chassis,
            state,
            faults: Faults::default(),
            faulted: Notify::new(),
            stopping: Notify::new(),
            drill,
            hinted: Cell::new(0),
            other_root: OnceCell::new(),
            ssh,
        }))
    }

    /// Returns the first chassis: the one whose console the lab shows.
    pub(super) fn first(&self) -> Option<&Running> {
        self.0.chassis.first()
    }

    /// Puts the lab's own texts in place of `$ROOT` and `$OTHER_ROOT`, and of `$SATELLITE_ROOT` that
    /// of the first satellite.
    pub(super) fn filled(&self, text: &str) -> String {
        let root = self.0.world.authority.ca().root_pem();
        let satellite = self.0.world.satellites.first().map(|one| one.service.ca().root_pem());
        let text = text.replace("$SATELLITE_ROOT", satellite.unwrap_or_default().trim_end());
        let other = self
            .0
            .other_root
            .get_or_init(|| Ca::generate().map(|ca| ca.root_pem().to_owned()).unwrap_or_default());
        text.replace("$OTHER_ROOT", other.trim_end()).replace("$ROOT", root.trim_end())
    }

    /// Returns the lab's own folder.
    pub(super) fn folder(&self) -> &Path {
        self.0.state.folder()
    }

    /// Returns a token for a learner to begin with: one of an earlier start, if it is as good as a
    /// new one, so that starting a lab often does not fill its authority.
    pub(super) async fn first_token(&self) -> Result<String, String> {
        self.desk().ready_token().await.map_err(|error| error.to_string())
    }

    /// Returns where operators of the authority are served.
    fn desk(&self) -> Desk {
        let world = &self.0.world;
        Desk {
            service: world.authority.clone(),
            clock: world.clock.clone(),
            name: world.authority_name.clone(),
        }
    }

    /// Returns where operators of a satellite are served.
    fn desk_of(&self, name: &str) -> Result<Desk, String> {
        let world = &self.0.world;
        let found = world.satellites.iter().find(|one| one.name.eq_ignore_ascii_case(name));
        let found = found.ok_or_else(|| {
            format!("no satellite {name}: give the topology a [[satellite]] of this name")
        })?;
        let (service, clock) = (found.service.clone(), world.clock.clone());
        Ok(Desk { service, clock, name: found.name.clone() })
    }

    /// Returns once somebody asked the lab to end.
    pub(super) async fn stopped(&self) {
        self.0.stopping.notified().await;
    }

    /// Returns the lab's clock.
    pub(super) fn clock(&self) -> &LabClock {
        &self.0.world.clock
    }

    /// Keeps on the disk how the clock stands, as long as it runs away from the host's.
    pub(super) async fn watch_clock(&self) {
        let clock = self.clock();
        let mut moved = clock.moved();
        loop {
            tokio::select! {
                changed = moved.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(CLOCK_KEPT), if clock.rate() > 1 => {
                    if let Err(error) = self.0.state.keep_clock(clock) {
                        tracing::error!("the lab's clock is not kept: {error}");
                    }
                }
            }
        }
    }

    /// Ends every supervisor after what it has taken.
    pub(super) async fn stop(&self) {
        for one in &self.0.chassis {
            one.handle.stop().await;
        }
    }

    /// Serves whoever asks on the control socket.
    pub(super) async fn serve(&self, request: Request, caller: Caller) {
        if let Request::Console(request) = request {
            let Caller { reader, writer } = caller;
            attach::attend(self, &request, reader, writer).await;
        } else {
            caller.answer(&self.answer(request).await).await;
        }
    }

    /// Does what is asked.
    pub(super) async fn answer(&self, request: Request) -> Answer {
        let asked = match request {
            Request::Authority(operation)
            | Request::At { operation: operation @ Operation::Clock(_), .. } => {
                return Answer::of(self.operate(operation).await);
            }
            Request::At { satellite, operation } => match self.desk_of(&satellite) {
                Ok(desk) => return Answer::of(desk.perform(operation).await),
                Err(why) => Err(why),
            },
            Request::Fault(request) => self.fault(request),
            Request::Drill(request) => self.drill(request),
            Request::Wait { condition, timeout, chassis } => {
                self.wait(condition, timeout, chassis.as_deref()).await
            }
            Request::Console(_) => Err("a console needs a terminal: use vfxos ctl console".into()),
            Request::Status => Ok(self.status()),
            Request::Stop => {
                self.0.stopping.notify_one();
                Ok(Answer::done("stopping", Value::Null))
            }
        };
        asked.unwrap_or_else(Answer::refused)
    }

    /// Carries out what an operator of the authority asks.
    pub(super) async fn operate(&self, operation: Operation) -> Result<Done, ServiceError> {
        if let Operation::Clock(request) = operation {
            // The chassis have to see every deadline at its own moment.
            return self.move_clock(request).await.map_err(ServiceError::Lab);
        }
        self.desk().perform(operation).await
    }

    async fn move_clock(&self, request: ClockRequest) -> Result<Done, String> {
        let clock = &self.0.world.clock;
        let shown = matches!(request, ClockRequest::Show {});
        match request {
            ClockRequest::Show {} => {}
            ClockRequest::Advance { by } => {
                let Inner { world, chassis, faults, .. } = &*self.0;
                time::advance(world, chassis, faults, by).await?;
            }
            ClockRequest::Set { date } => {
                clock.set(date).map_err(|error| error.to_string())?;
                for one in &self.0.chassis {
                    one.handle.settled().await;
                }
            }
            ClockRequest::Rate { rate } => {
                clock.set_rate(rate).map_err(|error| error.to_string())?;
            }
            ClockRequest::Skew { chassis, ahead } => return self.skew(&chassis, ahead).await,
        }
        if !shown {
            self.0.state.keep_clock(clock)?;
        }
        Ok(clock_shown(clock))
    }

    /// Sets, if `ahead` is given, and says how far a chassis's clock is ahead of the lab's.
    async fn skew(&self, name: &str, ahead: Option<i64>) -> Result<Done, String> {
        let one = self.chassis(Some(name))?;
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

    fn fault(&self, request: FaultRequest) -> Result<Answer, String> {
        let Inner { world, faults, faulted, .. } = &*self.0;
        let now = world.clock.now();
        match request {
            FaultRequest::Set { name, words } => {
                let extent = Extent::parse(&words)?;
                let victim = extent.chassis.map(|name| self.victim(name)).transpose()?;
                faults.set(world, now, &name, victim, extent.lasts)?;
                faulted.notify_one();
                let mut active = faults.list(now);
                active.retain(|fault| fault.active);
                let said = active.iter().filter(|fault| fault.name == name);
                let said: Vec<String> = said.map(ToString::to_string).collect();
                Ok(Answer::done(said.join("\n"), json(&active)))
            }
            FaultRequest::List => {
                let all = faults.list(now);
                let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
                Ok(Answer::done(lines.join("\n"), json(&all)))
            }
            FaultRequest::Clear { name } => {
                let ended = faults.clear(world, name.as_deref())?;
                Ok(Answer::done(format!("{ended} ended"), json!({ "ended": ended })))
            }
        }
    }

    fn drill(&self, request: DrillRequest) -> Result<Answer, String> {
        let drill = self.0.drill.as_ref();
        let drill = drill.ok_or("no drill is under way; begin one with vfxos drill start NAME")?;
        match request {
            DrillRequest::Hint => {
                let given = self.0.hinted.get();
                let Some(hint) = drill.hints.get(given) else {
                    return Err("there are no more hints; see vfxos drill solution".to_owned());
                };
                self.0.hinted.set(given + 1);
                let left = drill.hints.len() - given - 1;
                Ok(Answer::done(hint.clone(), json!({ "hint": hint, "left": left })))
            }
            DrillRequest::Check => {
                let mut wrong = Vec::new();
                for check in &drill.check {
                    let condition = Condition::parse(&check.met)?;
                    let one = self.chassis(condition.chassis.as_deref())?;
                    if !condition.holds(&one.handle.status.borrow()) {
                        wrong.push(check.wrong.clone());
                    }
                }
                if wrong.is_empty() {
                    let said = format!("{}: solved", drill.name);
                    return Ok(Answer::done(said, json!({ "solved": true })));
                }
                let json = json!({ "solved": false, "wrong": wrong });
                Ok(Answer { ok: false, text: wrong.join("\n"), json })
            }
            DrillRequest::Solution => {
                let solution = self.filled(drill.solution.trim());
                Ok(Answer::done(solution.clone(), json!({ "solution": solution })))
            }
        }
    }

    /// Returns how the hosts know a chassis.
    fn victim(&self, name: String) -> Result<Victim, String> {
        let one = self.chassis(Some(&name))?;
        Ok(Victim { name, address: one.address, serial: one.serial.clone() })
    }

    /// Ends faults when their time is over, for as long as the lab runs.
    pub(super) async fn watch_faults(&self) {
        let Inner { world, faults, faulted, .. } = &*self.0;
        loop {
            tokio::select! {
                () = faulted.notified() => {}
                () = world.clock.sleep_until(faults.next_end()) => {}
            }
            if let Err(error) = faults.expire(world, world.clock.now()) {
                tracing::error!("a fault could not be ended: {error}");
            }
        }
    }

    /// Returns the chassis of a name, or the first.
    pub(super) fn chassis(&self, name: Option<&str>) -> Result<&Running, String> {
        let one = match name {
            None => self.0.chassis.first(),
            Some(name) => self.0.chassis.iter().find(|one| one.name == name),
        };
        one.ok_or_else(|| format!("no chassis {}", name.unwrap_or("at all")))
    }

    async fn wait(
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

    fn status(&self) -> Answer {
        let (mut text, mut all) = (String::new(), Vec::new());
        for (at, one) in self.0.chassis.iter().enumerate() {
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
            let ssh = self.0.ssh.get(at);
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

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}
