//! What a running lab does when `vfxos ctl` or a script's `@` line asks.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::chassis::Running;
use super::faults::{Faults, Victim};
use super::time;
use super::world::World;
use crate::cmd::control::{Answer, Extent, FaultRequest, Request, WaitFor};
use crate::cmd::supervisor::{Handle, Registration, Status};
use crate::shell::authority::desk::{Desk, clock_shown};
use crate::shell::authority::operation::{ClockRequest, Operation};

/// A running lab; clones mean the same one.
#[derive(Clone)]
pub(super) struct Lab(Rc<Inner>);

struct Inner {
    world: World,
    chassis: Vec<Running>,
    faults: Faults,
    /// Fires when a fault was set, which may end sooner than the others.
    faulted: Notify,
    stopping: Arc<Notify>,
}

impl Lab {
    pub(super) fn new(world: World, chassis: Vec<Running>) -> Lab {
        let (faults, faulted) = (Faults::default(), Notify::new());
        Lab(Rc::new(Inner { world, chassis, faults, faulted, stopping: Arc::new(Notify::new()) }))
    }

    /// Returns the first chassis: the one whose console the lab shows.
    pub(super) fn first(&self) -> Option<&Handle> {
        self.0.chassis.first().map(|one| &one.handle)
    }

    /// Returns a token for a learner to begin with.
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

    /// Returns why the lab has to end: somebody asked, or a supervisor failed.
    pub(super) async fn ended(&self) -> String {
        loop {
            tokio::select! {
                () = self.0.stopping.notified() => return String::new(),
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
            if let Some(one) = self.0.chassis.iter().find(|one| one.task.is_finished()) {
                return format!("the supervisor of {} has stopped", one.name);
            }
        }
    }

    /// Ends every supervisor after what it has taken.
    pub(super) async fn stop(&self) {
        for one in &self.0.chassis {
            one.handle.stop().await;
        }
    }

    /// Does what is asked.
    pub(super) async fn answer(&self, request: Request) -> Answer {
        let asked = match request {
            // The chassis have to see every deadline at its own moment.
            Request::Authority(Operation::Clock(request)) => self.clock(request).await,
            Request::Authority(operation) => {
                return Answer::of(self.desk().perform(operation).await);
            }
            Request::Fault(request) => self.fault(request),
            Request::Wait { condition, timeout, chassis } => {
                self.wait(condition, timeout, chassis.as_deref()).await
            }
            Request::Status => Ok(self.status()),
            Request::Stop => {
                self.0.stopping.notify_one();
                Ok(Answer::done("stopping", Value::Null))
            }
        };
        asked.unwrap_or_else(Answer::refused)
    }

    async fn clock(&self, request: ClockRequest) -> Result<Answer, String> {
        let clock = &self.0.world.clock;
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
        }
        let shown = clock_shown(clock);
        Ok(Answer::done(shown.text, shown.json))
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
    fn chassis(&self, name: Option<&str>) -> Result<&Running, String> {
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
            status.wait_for(|status| holds(condition, status)).await.is_ok()
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
        let all: Vec<Status> =
            self.0.chassis.iter().map(|one| one.handle.status.borrow().clone()).collect();
        let lines: Vec<String> = all
            .iter()
            .map(|s| {
                let registration = json(&s.registration);
                format!(
                    "{}  {}  authorized {}  blades attached {}  synchronized {}",
                    s.name,
                    registration.as_str().unwrap_or_default(),
                    s.authorized,
                    s.attached,
                    s.synchronized
                )
            })
            .collect();
        Answer::done(lines.join("\n"), json(&all))
    }
}

fn holds(condition: WaitFor, status: &Status) -> bool {
    match condition {
        WaitFor::Registered => status.registration == Registration::Registered,
        WaitFor::Unregistered => status.registration == Registration::Unregistered,
        WaitFor::Failed => status.registration == Registration::Failed,
        WaitFor::Retrying => status.registration == Registration::Retrying,
        WaitFor::Authorized => status.authorized,
        WaitFor::OutOfCompliance => status.out_of_compliance,
        WaitFor::Evaluation => status.evaluation,
        WaitFor::AuthExpired => status.auth_expired,
        WaitFor::Attempted => !status.trying && status.registration != Registration::Pending,
        WaitFor::Attached => status.attached,
        WaitFor::Synchronized => status.synchronized,
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}
