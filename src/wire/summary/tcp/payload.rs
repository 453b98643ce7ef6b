//! What TCP segments carry: which protocol it is, and messages that came in several segments.
//!
//! A protocol is shown what there is and says how much more it needs; the line of the last segment
//! then tells the whole message, as in tshark. What waits is bounded per message and over all.

use super::analysis::{Notes, Seen};
use super::stream::Stream;
use super::{FIN, Header};
use crate::wire::summary::part::{Part, Short};
use crate::wire::summary::{Field, Pass, Read, Words, dns, ftp, http, ssh, tls};

/// Most bytes of one message that are kept until the rest of it comes.
pub(super) const WAITING_MAX: usize = 1024 * 1024;
/// Bytes of a cut payload with which nothing is looked for any more.
const GUESS: usize = 8;
/// How far a message reaches that ends where its connection does.
const UNTIL_FIN: u32 = 0x4000_0000;

/// What a protocol made of the bytes that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire::summary) enum Took {
    /// It read them.
    All,
    /// It read those before `from` and needs more for the rest.
    Ask { from: usize, need: Need },
    /// They are not its own.
    Nothing,
}

/// How much more a protocol needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire::summary) enum Need {
    Bytes(usize),
    /// Another segment, whole.
    Segment,
    /// Everything up to the end of the connection.
    UntilFin,
}

/// What a protocol may do with the bytes that it is shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire::summary) struct Shown<'a> {
    pub data: Part<'a>,
    /// Whether it may ask for more; not if the segment was cut.
    pub may_ask: bool,
    /// Which of the two ends sent it, as an index.
    pub end: usize,
    pub src: u16,
    pub dst: u16,
}

/// A protocol over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire::summary) enum App {
    Dns,
    Ftp,
    FtpData,
    Http,
    Ssh,
    Telnet,
    Tls,
}

/// The protocols that speak in one conversation.
#[derive(Debug, Default)]
pub(super) struct Apps {
    chosen: Option<App>,
    tls: tls::Session,
    http: http::Session,
    ssh: ssh::Session,
    ftp: ftp::Session,
}

/// A message that is not all there.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The number of its first byte.
    start: u32,
    /// The number behind its last one, as far as is known.
    end: u32,
    /// Whether the whole next segment belongs to it.
    segment: bool,
    until_fin: bool,
    bytes: Vec<u8>,
    /// What of `bytes` has come: ranges in order, with gaps between them.
    have: Vec<(usize, usize)>,
}

impl Waiting {
    fn new(start: u32, bytes: &[u8], need: Need) -> Waiting {
        let next = start.wrapping_add(bytes.len() as u32);
        let mut waiting = Waiting {
            start,
            end: next,
            segment: false,
            until_fin: false,
            bytes: Vec::new(),
            have: Vec::new(),
        };
        waiting.add(start, bytes);
        waiting.extend(next, need);
        waiting
    }

    /// Moves the end to `need` beyond `next`.
    fn extend(&mut self, next: u32, need: Need) {
        match need {
            Need::Bytes(count) => {
                let count = u32::try_from(count).unwrap_or(UNTIL_FIN).min(UNTIL_FIN);
                self.end = next.wrapping_add(count);
            }
            Need::Segment => {
                self.end = next.wrapping_add(1);
                self.segment = true;
            }
            Need::UntilFin => {
                self.end = next.wrapping_add(UNTIL_FIN);
                self.until_fin = true;
            }
        }
    }

    fn covers(&self, seq: u32) -> bool {
        seq.wrapping_sub(self.start) < self.end.wrapping_sub(self.start)
    }

    /// Takes bytes that begin at `seq`, which is covered; what is beyond the limit is not kept.
    fn add(&mut self, seq: u32, bytes: &[u8]) {
        let from = seq.wrapping_sub(self.start) as usize;
        let to = from.saturating_add(bytes.len()).min(WAITING_MAX);
        let Some(kept) = bytes.get(..to.saturating_sub(from)) else { return };
        if self.bytes.len() < to {
            self.bytes.resize(to, 0);
        }
        if let Some(place) = self.bytes.get_mut(from..to) {
            place.copy_from_slice(kept);
        }
        let at = self.have.partition_point(|(start, _)| *start < from);
        self.have.insert(at, (from, to));
        self.have.dedup_by(|next, before| {
            let joins = next.0 <= before.1;
            if joins {
                before.1 = before.1.max(next.1);
            }
            joins
        });
    }

    /// How many bytes have come without a gap.
    fn whole(&self) -> usize {
        match self.have.first() {
            Some((0, end)) => *end,
            Some(_) | None => 0,
        }
    }

    fn is_complete(&self) -> bool {
        self.whole() >= self.end.wrapping_sub(self.start) as usize
    }

    /// Returns how much memory it holds.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }
}

/// Reads what a segment carries.
pub(super) fn read(
    pass: &mut Pass<'_>,
    stream: &mut Stream,
    seen: &Seen,
    notes: &Notes,
    payload: Part<'_>,
) -> Read {
    // What was read before is not read again; what comes too late is not put in its place.
    if notes.repeats() {
        return Ok(());
    }
    pass.facts.mark();
    let mut speaker = Speaker { stream, seen };
    if payload.len() == 0 {
        return speaker.finish(pass);
    }
    // The classic layout shows segments one by one.
    if !payload.is_whole() || pass.fragment || pass.words == Words::Classic {
        let took = speaker.speak(pass, payload, false)?;
        // tshark asks those who guess; the least that one of them looks at is not there.
        let guess = took == Took::Nothing && payload.is_cut_below(GUESS);
        return if guess { Err(Short::Cut) } else { Ok(()) };
    }
    let mut rest = payload;
    let mut seq = seen.header.seq.wrapping_add(u32::from(seen.header.has(super::SYN)));
    loop {
        let follows = match speaker.stream.waiting() {
            Some(waiting) if waiting.covers(seq) => speaker.goes_on(pass, rest, seq)?,
            Some(_) | None => {
                speaker.begins(pass, rest, seq)?;
                None
            }
        };
        let Some(taken) = follows else { break };
        // What follows in the same segment is told after it.
        pass.hold();
        rest = rest.from(taken)?;
        seq = seq.wrapping_add(taken as u32);
    }
    if seen.header.has(FIN) { speaker.finish(pass) } else { Ok(()) }
}

struct Speaker<'a> {
    stream: &'a mut Stream,
    seen: &'a Seen,
}

impl Speaker<'_> {
    /// A segment that begins a message, or several.
    fn begins(&mut self, pass: &mut Pass<'_>, data: Part<'_>, seq: u32) -> Read {
        if let Took::Ask { from, need } = self.speak(pass, data, true)? {
            let bytes = data.captured().get(from..).unwrap_or_default();
            let start = seq.wrapping_add(from as u32);
            *self.stream.waiting_mut() = Some(Waiting::new(start, bytes, need));
            if from == 0 {
                raw(pass);
            }
        }
        Ok(())
    }

    /// A segment that goes on with the message that waits. Returns how much of it was that
    /// message's, if others follow.
    fn goes_on(
        &mut self,
        pass: &mut Pass<'_>,
        data: Part<'_>,
        seq: u32,
    ) -> Result<Option<usize>, Short> {
        let Some(mut waiting) = self.stream.waiting_mut().take() else { return Ok(None) };
        let next = seq.wrapping_add(data.len() as u32);
        let left = waiting.end.wrapping_sub(seq) as usize;
        let len = if waiting.segment { data.len() } else { left.min(data.len()) };
        waiting.add(seq, data.captured().get(..len).unwrap_or_default());
        if std::mem::take(&mut waiting.segment) && len > left {
            waiting.end = next;
        }
        let mut follows = Some(len).filter(|len| *len < data.len());
        if !waiting.is_complete() {
            *self.stream.waiting_mut() = Some(waiting);
            raw(pass);
            return Ok(follows);
        }
        let bytes = std::mem::take(&mut waiting.bytes);
        let before = bytes.len() - len.min(bytes.len());
        if let Took::Ask { from, need } = self.speak(pass, Part::new(&bytes, bytes.len()), true)? {
            if from <= before {
                // More of the same message.
                waiting.bytes = bytes;
                waiting.extend(waiting.start.wrapping_add(waiting.bytes.len() as u32), need);
                *self.stream.waiting_mut() = Some(waiting);
                follows = None;
            } else {
                let start = waiting.start.wrapping_add(from as u32);
                let rest = bytes.get(from..).unwrap_or_default();
                *self.stream.waiting_mut() = Some(Waiting::new(start, rest, need));
            }
            if from == 0 {
                raw(pass);
            }
        }
        Ok(follows)
    }

    /// A message that ends with its connection ends here.
    fn finish(&mut self, pass: &mut Pass<'_>) -> Read {
        if !self.seen.header.has(FIN) {
            return Ok(());
        }
        let until_fin = self.stream.waiting().is_some_and(|waiting| waiting.until_fin);
        if !until_fin {
            return Ok(());
        }
        let Some(waiting) = self.stream.waiting_mut().take() else { return Ok(()) };
        let whole = waiting.bytes.get(..waiting.whole()).unwrap_or_default();
        self.speak(pass, Part::new(whole, whole.len()), false).map(|_| ())
    }

    /// Shows bytes to the protocol of the conversation, or to those that may be.
    fn speak(&mut self, pass: &mut Pass<'_>, data: Part<'_>, may_ask: bool) -> Result<Took, Short> {
        let Header { src, dst, .. } = self.seen.header;
        let last = self.seen.header.has(FIN);
        let end = self.stream.end_index();
        let shown = Shown { data, may_ask: may_ask && !last, end, src, dst };
        if ftp::data(pass, self.stream.key(), data.len()) {
            return Ok(Took::All);
        }
        let stream = self.stream.number;
        let (from, to) = self.stream.route();
        let apps = &mut self.stream.apps;
        if apps.chosen.is_none_or(|app| app == App::Ftp) {
            apps.ftp.between(stream, from, to);
        }
        if let Some(app) = apps.chosen {
            let took = one(pass, apps, app, shown)?;
            if took != Took::Nothing {
                return Ok(took);
            }
        }
        for port in [src.min(dst), src.max(dst)] {
            if let Some(app) = app_of(port).filter(|app| apps.chosen != Some(*app)) {
                let took = one(pass, apps, app, shown)?;
                if took != Took::Nothing {
                    return Ok(took);
                }
            }
        }
        if apps.chosen.is_none() {
            for (app, fits) in [
                (App::Tls, tls::looks_like(data.captured())),
                (App::Http, http::looks_like(data.captured())),
            ] {
                if fits {
                    apps.chosen = Some(app);
                    return one(pass, apps, app, shown);
                }
            }
        }
        Ok(Took::Nothing)
    }
}

/// Shows bytes to one protocol.
fn one(pass: &mut Pass<'_>, apps: &mut Apps, app: App, shown: Shown<'_>) -> Result<Took, Short> {
    match app {
        App::Tls => tls::records(pass, &mut apps.tls, shown),
        App::Http => {
            let took = http::messages(pass, &mut apps.http, shown)?;
            if let Some(port) = apps.http.take_tunnel() {
                // What a proxy passes on is another protocol's.
                apps.chosen = app_of(port);
            }
            Ok(took)
        }
        App::Ssh => ssh::packets(pass, &mut apps.ssh, shown),
        App::Ftp => {
            let took = ftp::line(pass, &mut apps.ftp, shown)?;
            if apps.ftp.take_secured() {
                apps.chosen = Some(App::Tls);
            }
            Ok(took)
        }
        App::FtpData => {
            pass.name("FTP-DATA");
            pass.clear();
            pass.add(format_args!("FTP Data: {} bytes", shown.data.len()));
            Ok(Took::All)
        }
        App::Telnet => {
            pass.name("TELNET");
            pass.clear().push_str("Telnet Data ...");
            Ok(Took::All)
        }
        App::Dns => dns_messages(pass, shown),
    }
}

/// DNS over TCP: each message has its length before it.
fn dns_messages(pass: &mut Pass<'_>, shown: Shown<'_>) -> Result<Took, Short> {
    let mut from = 0;
    while from < shown.data.len() {
        let rest = shown.data.from(from)?;
        let Ok(len) = rest.u16(0) else {
            if shown.may_ask {
                return Ok(Took::Ask { from, need: Need::Segment });
            }
            return Err(Short::Beyond);
        };
        let len = usize::from(len);
        let missing = (2 + len).saturating_sub(rest.len());
        if missing > 0 && shown.may_ask {
            return Ok(Took::Ask { from, need: Need::Bytes(missing) });
        }
        dns::message(pass, rest.from(2)?.first(len))?;
        from += 2 + len;
    }
    Ok(Took::All)
}

/// Marks the line as a part of something, unless it tells something whole already.
fn raw(pass: &mut Pass<'_>) {
    if pass.fixed {
        return;
    }
    pass.facts.forget();
    pass.name("TCP");
    if !pass.line.info.is_empty() {
        pass.line.info.push(' ');
    }
    pass.line.info.push_str("[TCP segment of a reassembled PDU]");
}

fn app_of(port: u16) -> Option<App> {
    Some(match port {
        20 => App::FtpData,
        21 => App::Ftp,
        22 => App::Ssh,
        23 => App::Telnet,
        53 => App::Dns,
        80 | 1900 | 2710 | 2869 | 3128 | 3132 | 5985 | 8080 | 8088 | 11371 => App::Http,
        443 => App::Tls,
        _ => return None,
    })
}

/// Notes a text for display filters if it is one.
pub(in crate::wire::summary) fn note(pass: &mut Pass<'_>, field: Field, bytes: &[u8]) {
    if pass.facts.is_on() {
        pass.facts.text(field, &String::from_utf8_lossy(bytes));
    }
}
