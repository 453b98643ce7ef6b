//! What a running lab does when `vfxos ctl` or a script's `@` line asks.

use std::cell::{Cell, OnceCell};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json as object};
use tokio::sync::Notify;

use super::drill::{Condition, Drill};
use super::faults::{Faults, Victim};
use super::world::World;
use crate::base::time::{Instant, Now};
use crate::cmd::control::{Answer, DrillRequest, Extent, FaultRequest, Request};
use crate::cmd::rack::chassis::Running;
use crate::cmd::rack::state::State;
use crate::cmd::rack::{self, Rack, Site, json};
use crate::net::ca::Ca;
use crate::shell::authority::ServiceError;
use crate::shell::authority::desk::{Desk, Done};
use crate::shell::authority::operation::Operation;

/// How often the clock is kept while it runs faster than the host's.
const CLOCK_KEPT: Duration = Duration::from_secs(5);

/// A running lab; clones mean the same one.
#[derive(Clone)]
pub(super) struct Lab(Rc<Inner>);

struct Inner {
    world: World,
    rack: Rack,
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
}

impl Lab {
    pub(super) fn new(
        world: World,
        chassis: Vec<Running>,
        state: State,
        drill: Option<Drill>,
        ssh: Vec<SocketAddr>,
    ) -> Lab {
        let rack = Rack { chassis, clock: world.clock.clone(), ssh };
        Lab(Rc::new(Inner {
            world,
            rack,
            state,
            faults: Faults::default(),
            faulted: Notify::new(),
            stopping: Notify::new(),
            drill,
            hinted: Cell::new(0),
            other_root: OnceCell::new(),
        }))
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

    /// Keeps on the disk how the clock stands, as long as it runs away from the host's.
    pub(super) async fn watch_clock(&self) {
        let clock = &self.0.rack.clock;
        let mut moved = clock.moved();
        loop {
            tokio::select! {
                changed = moved.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(CLOCK_KEPT), if clock.rate() > 1 => {
                    if let Err(error) = self.keep_clock() {
                        tracing::error!("the lab's clock is not kept: {error}");
                    }
                }
            }
        }
    }

    /// Carries out what an operator of the authority asks.
    pub(super) async fn operate(&self, operation: Operation) -> Result<Done, ServiceError> {
        if let Operation::Clock(request) = operation {
            return rack::move_clock(self, request).await.map_err(ServiceError::Lab);
        }
        self.desk().perform(operation).await
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
                Ok(Answer::done(format!("{ended} ended"), object!({ "ended": ended })))
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
                Ok(Answer::done(hint.clone(), object!({ "hint": hint, "left": left })))
            }
            DrillRequest::Check => {
                let mut wrong = Vec::new();
                for check in &drill.check {
                    let condition = Condition::parse(&check.met)?;
                    let one = self.0.rack.chassis(condition.chassis.as_deref())?;
                    if !condition.holds(&one.handle.status.borrow()) {
                        wrong.push(check.wrong.clone());
                    }
                }
                if wrong.is_empty() {
                    let said = format!("{}: solved", drill.name);
                    return Ok(Answer::done(said, object!({ "solved": true })));
                }
                let json = object!({ "solved": false, "wrong": wrong });
                Ok(Answer { ok: false, text: wrong.join("\n"), json })
            }
            DrillRequest::Solution => {
                let solution = self.filled(drill.solution.trim());
                Ok(Answer::done(solution.clone(), object!({ "solution": solution })))
            }
        }
    }

    /// Returns how the hosts know a chassis.
    fn victim(&self, name: String) -> Result<Victim, String> {
        let one = self.0.rack.chassis(Some(&name))?;
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
}

impl Site for Lab {
    fn rack(&self) -> &Rack {
        &self.0.rack
    }

    fn folder(&self) -> &Path {
        self.0.state.folder()
    }

    /// Puts the lab's own texts in place of `$ROOT` and `$OTHER_ROOT`, and of `$SATELLITE_ROOT` that
    /// of the first satellite.
    fn filled(&self, text: &str) -> String {
        let root = self.0.world.authority.ca().root_pem();
        let satellite = self.0.world.satellites.first().map(|one| one.service.ca().root_pem());
        let text = text.replace("$SATELLITE_ROOT", satellite.unwrap_or_default().trim_end());
        let other = self
            .0
            .other_root
            .get_or_init(|| Ca::generate().map(|ca| ca.root_pem().to_owned()).unwrap_or_default());
        text.replace("$OTHER_ROOT", other.trim_end()).replace("$ROOT", root.trim_end())
    }

    async fn answer(&self, request: Request) -> Answer {
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
                self.0.rack.wait(condition, timeout, chassis.as_deref()).await
            }
            Request::Console(_) => Err("a console needs a terminal: use vfxos ctl console".into()),
            Request::Status => Ok(self.0.rack.status()),
            Request::Health => self.0.rack.health(),
            Request::Stop => {
                self.0.stopping.notify_one();
                Ok(Answer::done("stopping", Value::Null))
            }
        };
        asked.unwrap_or_else(Answer::refused)
    }

    fn due(&self) -> Option<Instant> {
        self.0.faults.next_end()
    }

    fn expire(&self, now: Now) -> Result<(), String> {
        self.0.faults.expire(&self.0.world, now).map(|_| ())
    }

    fn keep_clock(&self) -> Result<(), String> {
        self.0.state.keep_clock(self.0.rack.clock.course())
    }

    async fn stopped(&self) {
        self.0.stopping.notified().await;
    }
}
