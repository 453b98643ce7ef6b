//! Applies a day 0: types its lines into a session and writes down what became of each.

use crate::cli::day0::{self, Form, Line, Plan};
use crate::cmd::rack::script::{is_refusal, open};
use crate::cmd::supervisor::Handle;
use crate::shell::sessions::{FromSession, Front, Opened, ToSession};

/// As wide as the device allows, so that no line is broken.
const COLUMNS: u16 = 511;
/// What is written in place of a secret.
const HIDDEN: &str = "********";

/// Applies a day 0; returns one line for each of its own, `applied: ...` or `refused: ...`.
pub(super) async fn apply(handle: &Handle, bytes: &[u8]) -> Vec<String> {
    let plan = plan(&day0::text(bytes));
    let mut report: Vec<String> =
        plan.refused.iter().map(|(from, why)| format!("refused: {from}: {why}")).collect();
    let mut typist = None;
    for line in &plan.lines {
        if typist.is_none() {
            typist = match Typist::sit_down(handle).await {
                Ok(typist) => Some(typist),
                Err(why) => {
                    report.push(format!("refused: {}: {why}", line.from));
                    break;
                }
            };
        }
        let shown = if line.secret { HIDDEN } else { line.text.as_str() };
        let told = match &mut typist {
            Some(one) => one.enter(line).await,
            None => Err("nobody types".to_owned()),
        };
        report.push(match told {
            Ok(()) => format!("applied: {}: {shown}", line.from),
            Err(why) => format!("refused: {}: {shown}: {why}", line.from),
        });
        if typist.as_ref().is_some_and(|typist| typist.over) {
            // A line such as `exit` at the top ends a session, not day 0.
            typist = None;
        }
    }
    if let Some(typist) = typist {
        handle.tell(ToSession::Hangup { id: typist.opened.id }).await;
    }
    // Only what is on the disk counts as applied.
    handle.seen().await;
    report
}

fn plan(text: &str) -> Plan {
    let refused =
        |why: String| Plan { lines: Vec::new(), refused: vec![("the file".to_owned(), why)] };
    match day0::form(text) {
        Form::Commands => day0::commands(text),
        Form::Json => match serde_json::from_str(text) {
            Ok(value) => day0::settings(&value),
            Err(error) => refused(error.to_string()),
        },
        Form::Toml => match toml::from_str::<serde_json::Value>(text) {
            Ok(value) => day0::settings(&value),
            Err(error) => refused(error.to_string().trim().replace('\n', " ")),
        },
    }
}

/// A session that lines are typed into.
struct Typist<'a> {
    handle: &'a Handle,
    opened: Opened,
    serial: u64,
    over: bool,
}

impl Typist<'_> {
    async fn sit_down(handle: &Handle) -> Result<Typist<'_>, String> {
        let opened = open(handle, COLUMNS, 0).await?;
        let mut typist = Typist { handle, opened, serial: 0, over: false };
        typist.settled().await?;
        Ok(typist)
    }

    /// Types a line; an error is what the device says of it.
    async fn enter(&mut self, line: &Line) -> Result<(), String> {
        self.serial += 1;
        let mut bytes = line.text.clone().into_bytes();
        bytes.push(b'\r');
        let (id, serial) = (self.opened.id, self.serial);
        self.handle.tell(ToSession::Bytes { id, serial, bytes }).await;
        let printed = self.settled().await?;
        let said = printed.lines().map(str::trim).find(|said| is_refusal(said.as_bytes()));
        said.map_or(Ok(()), |said| Err(said.to_owned()))
    }

    async fn settled(&mut self) -> Result<String, String> {
        let mut printed = Vec::new();
        loop {
            match self.opened.output.recv().await {
                Some(FromSession::Bytes(bytes)) => printed.extend(bytes),
                Some(FromSession::Settled(serial)) if serial == self.serial => break,
                Some(FromSession::Settled(_)) => {}
                Some(FromSession::Closed { .. }) => {
                    self.over = true;
                    break;
                }
                None => {
                    self.over = true;
                    return Err("the supervisor has gone".to_owned());
                }
            }
        }
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}
