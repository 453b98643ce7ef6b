//! What a running lab does when `vfxos ctl` or a script's `@` line asks.

use std::cell::{Cell, OnceCell};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::attach;
use super::chassis::Running;
use super::drill::{Condition, Drill};
use super::faults::{Faults, Victim};
use super::time;
use super::world::World;
use crate::cmd::control::{
    Answer, ClockRequest, DrillRequest, Extent, FaultRequest, InstanceRequest, LINE_MAX,
    PoolRequest, Request, TokenRequest, WaitFor, YesNo,
};
use crate::net::ca::Ca;
use crate::proto::authority::{AccountName, Pool, TokenSpec};
use crate::shell::authority::ServiceError;

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
        drill: Option<Drill>,
        ssh: Vec<SocketAddr>,
    ) -> Lab {
        let (faults, faulted) = (Faults::default(), Notify::new());
        let stopping = Arc::new(Notify::new());
        let (hinted, other_root) = (Cell::new(0), OnceCell::new());
        Lab(Rc::new(Inner {
            world,
            chassis,
            faults,
            faulted,
            stopping,
            drill,
            hinted,
            other_root,
            ssh,
        }))
    }

    /// Returns the names of the chassis.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.chassis.iter().map(|one| one.name.as_str())
    }

    /// Returns the first chassis: the one whose console the lab shows.
    pub(super) fn first(&self) -> Option<&Running> {
        self.0.chassis.first()
    }

    /// Puts the lab's own texts in place of `$ROOT` and `$OTHER_ROOT`.
    pub(super) fn filled(&self, text: &str) -> String {
        let root = self.0.world.authority.ca().root_pem();
        let other = self
            .0
            .other_root
            .get_or_init(|| Ca::generate().map(|ca| ca.root_pem().to_owned()).unwrap_or_default());
        text.replace("$OTHER_ROOT", other.trim_end()).replace("$ROOT", root.trim_end())
    }

    /// Returns a token for a learner to begin with.
    pub(super) async fn first_token(&self) -> Result<String, String> {
        let spec =
            TokenSpec { account: None, valid_days: 30, uses_max: None, export_controlled: true };
        let now = self.0.world.clock.now();
        let made =
            self.0.world.authority.operate(now, |authority, wall| authority.token_new(wall, &spec));
        made.await.map(|token| token.text).map_err(|error| error.to_string())
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
            Request::Token(request) => self.token(request).await,
            Request::Instance(request) => self.instance(request).await,
            Request::Pool(request) => self.pool(request).await,
            Request::Clock(request) => self.clock(request).await,
            Request::Fault(request) => self.fault(request),
            Request::Drill(request) => self.drill(request),
            Request::Wait { condition, timeout, chassis } => {
                self.wait(condition, timeout, chassis.as_deref()).await
            }
            Request::Console(_) => Err("a console needs a terminal: use vfxos ctl console".into()),
            Request::Events => self.events().await,
            Request::Status => Ok(self.status()),
            Request::Stop => {
                self.0.stopping.notify_one();
                Ok(Answer::done("stopping", Value::Null))
            }
        };
        asked.unwrap_or_else(Answer::refused)
    }

    async fn token(&self, request: TokenRequest) -> Result<Answer, String> {
        let (authority, now) = (&self.0.world.authority, self.0.world.clock.now());
        match request {
            TokenRequest::New { export_controlled, days, uses, account, virtual_account } => {
                let spec = TokenSpec {
                    account: account_name(account, virtual_account)?,
                    valid_days: days,
                    uses_max: uses,
                    export_controlled: export_controlled == YesNo::Yes,
                };
                let made = authority.operate(now, |a, wall| a.token_new(wall, &spec)).await;
                let token = made.map_err(text)?;
                Ok(Answer::done(token.text.clone(), json(&token)))
            }
            TokenRequest::List => {
                let tokens = authority.operate(now, |a, wall| Ok(a.tokens(wall))).await;
                let tokens = tokens.map_err(text)?;
                let mut lines = String::new();
                for token in &tokens {
                    let uses = token.uses_max.map_or("-".to_owned(), |max| max.to_string());
                    let (state, until) = (json(&token.state), token.expires.iso());
                    let state = state.as_str().unwrap_or_default().to_owned();
                    let _ = writeln!(
                        lines,
                        "{}  {state:<8}  until {until}  used {}/{uses}  export {}  {}",
                        token.id, token.uses, token.export_controlled, token.text
                    );
                }
                Ok(Answer::done(lines.trim_end(), json(&tokens)))
            }
            TokenRequest::Revoke { token } => {
                let done = authority.operate(now, |a, wall| a.token_revoke(wall, &token)).await;
                let token = done.map_err(text)?;
                Ok(Answer::done(format!("token {} is revoked", token.id), json(&token)))
            }
        }
    }

    async fn instance(&self, request: InstanceRequest) -> Result<Answer, String> {
        let (authority, now) = (&self.0.world.authority, self.0.world.clock.now());
        match request {
            InstanceRequest::List => {
                let all = authority.operate(now, |a, _| Ok(a.instances())).await.map_err(text)?;
                let mut lines = String::new();
                for one in &all {
                    let (heard, until) = (one.last_contact.iso(), one.not_after.iso());
                    let _ = writeln!(
                        lines,
                        "{}  {}  {}  heard {heard}  certificate until {until}",
                        one.id, one.udi, one.hostname
                    );
                    for used in &one.in_use {
                        let _ = writeln!(lines, "    {} x {}", used.count, used.tag);
                    }
                }
                Ok(Answer::done(lines.trim_end(), json(&all)))
            }
            InstanceRequest::Remove { instance } => {
                let done =
                    authority.operate(now, |a, wall| a.instance_remove(wall, &instance)).await;
                done.map_err(text)?;
                let said = format!("instance {instance} is removed");
                Ok(Answer::done(said, json!({ "removed": instance })))
            }
        }
    }

    async fn pool(&self, request: PoolRequest) -> Result<Answer, String> {
        let (authority, now) = (&self.0.world.authority, self.0.world.clock.now());
        if let PoolRequest::Set { tag, count, expires, account, virtual_account } = request {
            let name = account_name(account, virtual_account)?;
            let pool = Pool { bought: count, expires };
            let done =
                authority.operate(now, |a, wall| a.pool_set(wall, name.as_ref(), &tag, pool));
            done.await.map_err(text)?;
        }
        let pools = authority.operate(now, |a, wall| Ok(a.pools(wall))).await.map_err(text)?;
        let mut lines = String::new();
        for pool in &pools {
            let state = if pool.in_compliance { "" } else { "  OUT OF COMPLIANCE" };
            let _ = writeln!(
                lines,
                "{:<34} {:>4} of {:>4} in use{state}",
                pool.tag, pool.in_use, pool.available
            );
        }
        Ok(Answer::done(lines.trim_end(), json(&pools)))
    }

    async fn clock(&self, request: ClockRequest) -> Result<Answer, String> {
        let clock = &self.0.world.clock;
        match request {
            ClockRequest::Show => {}
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
        let (wall, rate) = (clock.now().wall, clock.rate());
        let said = format!("{} at {rate}x", wall.iso());
        Ok(Answer::done(said, json!({ "wall": wall.iso(), "rate": rate })))
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

    async fn events(&self) -> Result<Answer, String> {
        let now = self.0.world.clock.now();
        let all = self
            .0
            .world
            .authority
            .operate(now, |a, _| Ok(a.events().map(json).collect::<Vec<Value>>()));
        let all = all.await.map_err(text)?;
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        Ok(Answer::done(lines.join("\n"), Value::Array(all)))
    }

    fn status(&self) -> Answer {
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        for (at, one) in self.0.chassis.iter().enumerate() {
            let status = one.handle.status.borrow().clone();
            let registration = json(&status.registration);
            let ssh = self.0.ssh.get(at);
            let mut line = format!(
                "{}  {}  authorized {}  blades attached {}  synchronized {}",
                status.name,
                registration.as_str().unwrap_or_default(),
                status.authorized,
                status.attached,
                status.synchronized
            );
            let mut value = json(&status);
            if let (Some(ssh), Some(fields)) = (ssh, value.as_object_mut()) {
                let _ = write!(line, "  ssh {ssh}"); // A String never fails.
                fields.insert("ssh".to_owned(), json!(ssh.to_string()));
            }
            lines.push(line);
            all.push(value);
        }
        Answer::done(lines.join("\n"), json(&all))
    }
}

fn account_name(
    account: Option<String>,
    virtual_account: Option<String>,
) -> Result<Option<AccountName>, String> {
    match (account, virtual_account) {
        (None, None) => Ok(None),
        (Some(smart_account), Some(virtual_account)) => {
            Ok(Some(AccountName { smart_account, virtual_account }))
        }
        _ => Err("name both --account and --virtual-account, or neither".to_owned()),
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn text(error: ServiceError) -> String {
    error.to_string()
}

/// The control socket; its file and its task go when this is dropped.
pub(super) struct Socket {
    path: PathBuf,
    task: AbortHandle,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        // It may be gone with its folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Serves the control socket, for our own user alone.
pub(super) fn serve(lab: &Lab, path: &Path) -> Result<Socket, String> {
    // One that a killed lab left behind; the folder's lock says that no lab uses it.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).map_err(|error| {
        format!("control socket {}: {error}; choose a shorter --state", path.display())
    })?;
    let lab = lab.clone();
    let task = tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let ours = stream.peer_cred().map(|peer| peer.uid() == crate::sys::process::user());
            if ours.unwrap_or(false) {
                let lab = lab.clone();
                tokio::task::spawn_local(async move { converse(&lab, stream).await });
            }
        }
    });
    Ok(Socket { path: path.to_owned(), task: task.abort_handle() })
}

/// Answers the one line that a connection brings.
async fn converse(lab: &Lab, mut stream: UnixStream) {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LINE_MAX as u64));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Console(request)) => {
            reader.get_mut().set_limit(u64::MAX);
            return attach::attend(lab, &request, reader, writer).await;
        }
        Ok(request) => lab.answer(request).await,
        Err(error) => Answer::refused(format!("no request of this version: {error}")),
    };
    // Whoever asked may have left.
    let _ = writer.write_all(&answer.line()).await;
}
