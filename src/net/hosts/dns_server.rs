//! A DNS server for a lab's own zone. UDP only: its answers are short.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::modes::Modes;
use crate::net::dns::PORT;
use crate::net::stack::{BindError, Stack, UdpSocket};

/// Time to live of every record, in seconds.
const TTL_S: u32 = 60;
/// Most bytes of a question that is looked at.
const QUESTION_MAX: usize = 512;
/// Most addresses given for one name.
pub const ADDRESSES_MAX: usize = 16;

/// What a DNS server does with questions; a lab's faults change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsMode {
    /// Answers from its zone.
    #[default]
    Answer,
    /// Says nothing.
    Silent,
    /// Knows no name.
    NxDomain,
    /// Fails to answer.
    ServFail,
    /// Gives this address for every name in its zone.
    Wrong(Ipv4Addr),
}

#[derive(Default)]
struct Zone {
    modes: Modes<DnsMode>,
    /// Lower-case names without a final dot.
    records: BTreeMap<String, Vec<Ipv4Addr>>,
}

/// A running DNS server. Dropping it stops it.
pub struct DnsServer {
    zone: Arc<Mutex<Zone>>,
    task: AbortHandle,
    /// Keeps the host on the wire.
    stack: Stack,
}

impl DnsServer {
    /// Starts a server at every address of `stack`, with an empty zone.
    ///
    /// # Errors
    /// [`BindError`] when its port is taken.
    pub fn spawn(stack: Stack) -> Result<DnsServer, BindError> {
        let socket = stack.bind_udp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT))?;
        let zone = Arc::<Mutex<Zone>>::default();
        let task = tokio::spawn(serve(socket, Arc::clone(&zone))).abort_handle();
        Ok(DnsServer { zone, task, stack })
    }

    /// Sets the addresses of a name; none takes the name out of the zone.
    pub fn set(&self, name: &str, mut addresses: Vec<Ipv4Addr>) {
        addresses.truncate(ADDRESSES_MAX);
        let mut zone = self.zone.lock();
        if addresses.is_empty() {
            zone.records.remove(&key(name));
        } else {
            zone.records.insert(key(name), addresses);
        }
    }

    /// Changes what it does with questions, from the next one on.
    pub fn set_modes(&self, modes: Modes<DnsMode>) {
        self.zone.lock().modes = modes;
    }

    /// Returns the host it runs on.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for DnsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsServer").field("modes", &self.zone.lock().modes).finish_non_exhaustive()
    }
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

async fn serve(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = [0; QUESTION_MAX];
    while let Ok((len, from, here)) = socket.recv_at(&mut buffer).await {
        let answer = answer(&buffer[..len], from.ip(), &zone.lock());
        if let Some(bytes) = answer {
            socket.answer(&bytes, here, from);
        }
    }
}

/// Returns the answer to a question; `None` where it is best to say nothing.
fn answer(question: &[u8], from: IpAddr, zone: &Zone) -> Option<Vec<u8>> {
    let mode = zone.modes.of(from);
    let question = Message::from_vec(question).ok()?;
    if question.metadata.message_type != MessageType::Query || mode == DnsMode::Silent {
        return None;
    }
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    let [query] = question.queries.as_slice() else {
        answer.metadata.response_code = ResponseCode::FormErr;
        return answer.to_vec().ok();
    };
    answer.add_query(query.clone());
    if question.metadata.op_code == OpCode::Query {
        fill(&mut answer, query, mode, zone);
    } else {
        answer.metadata.response_code = ResponseCode::NotImp;
    }
    answer.to_vec().ok()
}

fn fill(answer: &mut Message, query: &Query, mode: DnsMode, zone: &Zone) {
    let name = key(&query.name().to_ascii());
    let known = zone.records.get(&name);
    let addresses = match (mode, known) {
        (DnsMode::ServFail, _) => {
            answer.metadata.response_code = ResponseCode::ServFail;
            return;
        }
        (DnsMode::NxDomain, _) | (DnsMode::Answer | DnsMode::Wrong(_) | DnsMode::Silent, None) => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            return;
        }
        (DnsMode::Wrong(address), Some(_)) => vec![address],
        (DnsMode::Answer | DnsMode::Silent, Some(addresses)) => addresses.clone(),
    };
    if query.query_type() != RecordType::A {
        return;
    }
    for address in addresses {
        let data = RData::A(A(address));
        answer.add_answer(Record::from_rdata(query.name().clone(), TTL_S, data));
    }
}
