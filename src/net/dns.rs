//! A stub resolver over a stack.
//!
//! It asks as a chassis's libc does, because a capture shows it: one question under one id, to
//! each server in order, again after two seconds; no EDNS; nothing is cached, so that each try
//! asks. A name without a dot is tried with the search domain first.
//!
//! # Source
//! Seed, the capture under "Registratiefout: host niet opgelost": two queries an id, 2 s apart,
//! frames of 75 bytes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::random;
use super::stack::{Stack, UdpSocket};

/// The port of DNS.
pub const PORT: u16 = 53;
/// Longest chain of aliases followed within one answer.
const ALIASES_MAX: usize = 8;
/// Most addresses taken from one answer.
pub const ADDRESSES_MAX: usize = 16;
/// Most servers that are asked.
///
/// # Source
/// libc, `MAXNS`; a chassis takes more, and asks these. Recall.
pub const SERVERS_MAX: usize = 4;
/// Largest UDP answer read; a longer one says so and is fetched over TCP.
const UDP_MAX: usize = 4096;

/// How long to wait for each server, and how often to go round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub wait: Duration,
    pub tries: usize,
}

impl Default for Patience {
    /// Two rounds of 2 s.
    ///
    /// # Source
    /// Seed, the capture named at the head of this module.
    fn default() -> Patience {
        Patience { wait: Duration::from_secs(2), tries: 2 }
    }
}

/// Why a name has no address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DnsError {
    #[error("no DNS server is configured")]
    NoServer,
    #[error("not a host name")]
    Name,
    /// A server says that there is no such name.
    #[error("no such name")]
    NoSuchName,
    /// The name exists and has no address.
    #[error("the name has no address")]
    NoAddress,
    /// No server said anything usable.
    #[error("no DNS server answered")]
    Silent,
}

/// Finds the IPv4 addresses of `name`, in the order of the answer; a literal is its own address.
///
/// # Errors
/// [`DnsError`], after at most [`SERVERS_MAX`] times the default [`Patience`] for each name tried.
pub async fn resolve(
    stack: &Stack,
    servers: &[IpAddr],
    search: Option<&str>,
    name: &str,
) -> Result<Vec<IpAddr>, DnsError> {
    resolve_within(stack, servers, search, name, Patience::default()).await
}

/// As [`resolve`], with a patience of the caller's.
///
/// # Errors
/// As there.
pub async fn resolve_within(
    stack: &Stack,
    servers: &[IpAddr],
    search: Option<&str>,
    name: &str,
    patience: Patience,
) -> Result<Vec<IpAddr>, DnsError> {
    find(stack, servers, search, name, (RecordType::A, patience)).await
}

/// Finds the IPv6 addresses of `name`; as [`resolve`] otherwise.
///
/// # Errors
/// As there.
pub async fn resolve6(
    stack: &Stack,
    servers: &[IpAddr],
    search: Option<&str>,
    name: &str,
) -> Result<Vec<IpAddr>, DnsError> {
    find(stack, servers, search, name, (RecordType::AAAA, Patience::default())).await
}

async fn find(
    stack: &Stack,
    servers: &[IpAddr],
    search: Option<&str>,
    name: &str,
    (kind, patience): (RecordType, Patience),
) -> Result<Vec<IpAddr>, DnsError> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let names = candidates(name, search)?;
    let servers = servers.get(..servers.len().min(SERVERS_MAX)).unwrap_or_default();
    if servers.is_empty() {
        return Err(DnsError::NoServer);
    }
    let mut last = DnsError::Silent;
    for name in names {
        match ask(stack, servers, (&name, kind), patience).await {
            Ok(addresses) => return Ok(addresses),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Returns the full names to try, in order.
fn candidates(name: &str, search: Option<&str>) -> Result<Vec<Name>, DnsError> {
    let mut full = Name::from_str(name).map_err(|_| DnsError::Name)?;
    if full.num_labels() == 0 {
        return Err(DnsError::Name);
    }
    if full.is_fqdn() {
        return Ok(vec![full]);
    }
    let has_dot = full.num_labels() > 1;
    let searched = search
        .filter(|domain| !domain.is_empty())
        .and_then(|domain| Name::from_str(domain).ok())
        .and_then(|domain| full.clone().append_domain(&domain).ok());
    full.set_fqdn(true);
    Ok(match searched {
        None => vec![full],
        Some(searched) if has_dot => vec![full, searched],
        Some(searched) => vec![searched, full],
    })
}

async fn ask(
    stack: &Stack,
    servers: &[IpAddr],
    (name, kind): (&Name, RecordType),
    patience: Patience,
) -> Result<Vec<IpAddr>, DnsError> {
    let mut query = Message::new(u16::from_le_bytes(random()), MessageType::Query, OpCode::Query);
    query.metadata.recursion_desired = true;
    query.add_query(Query::query(name.clone(), kind));
    let bytes = query.to_vec().map_err(|_| DnsError::Name)?;
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let socket = stack.bind_udp(any).map_err(|_| DnsError::Silent)?;
    for _ in 0..patience.tries {
        for server in servers {
            let to = SocketAddr::new(*server, PORT);
            let exchange = over_udp(&socket, &query, &bytes, to);
            let answer = match tokio::time::timeout(patience.wait, exchange).await {
                Ok(Some(answer)) if answer.metadata.truncation => {
                    let exchange = over_tcp(stack, &query, &bytes, to, patience.wait);
                    tokio::time::timeout(patience.wait, exchange).await.ok().flatten()
                }
                Ok(answer) => answer,
                Err(_) => None,
            };
            // Silent, or a server that says it can't: the next one.
            if let Some(result) = answer.and_then(|answer| read(&answer, name)) {
                return result;
            }
        }
    }
    Err(DnsError::Silent)
}

/// Returns the answer to `query`, however long it takes; `None` if it can't even be sent.
async fn over_udp(
    socket: &UdpSocket,
    query: &Message,
    bytes: &[u8],
    server: SocketAddr,
) -> Option<Message> {
    socket.send_to(bytes, server).await.ok()?;
    let mut buffer = vec![0; UDP_MAX];
    loop {
        let (len, from) = socket.recv_from(&mut buffer).await.ok()?;
        // Anything else is a late answer, or somebody guessing.
        if from == server
            && let Ok(answer) = Message::from_vec(&buffer[..len])
            && answers(query, &answer)
        {
            return Some(answer);
        }
    }
}

async fn over_tcp(
    stack: &Stack,
    query: &Message,
    bytes: &[u8],
    server: SocketAddr,
    wait: Duration,
) -> Option<Message> {
    let mut stream = stack.connect(server, wait).await.ok()?;
    stream.write_u16(u16::try_from(bytes.len()).ok()?).await.ok()?;
    stream.write_all(bytes).await.ok()?;
    let mut buffer = vec![0; usize::from(stream.read_u16().await.ok()?)];
    stream.read_exact(&mut buffer).await.ok()?;
    Message::from_vec(&buffer).ok().filter(|answer| answers(query, answer))
}

fn answers(query: &Message, answer: &Message) -> bool {
    let same = |(ours, theirs): (&Query, &Query)| {
        ours.name() == theirs.name() && ours.query_type() == theirs.query_type()
    };
    answer.metadata.id == query.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && answer.queries.len() == query.queries.len()
        && query.queries.iter().zip(&answer.queries).all(same)
}

/// Returns what the answer says of `name`; `None` if its sender could not tell.
fn read(answer: &Message, name: &Name) -> Option<Result<Vec<IpAddr>, DnsError>> {
    if answer.metadata.response_code == ResponseCode::NXDomain {
        return Some(Err(DnsError::NoSuchName));
    }
    if answer.metadata.response_code != ResponseCode::NoError {
        return None;
    }
    let mut owner = name.clone();
    for _ in 0..ALIASES_MAX {
        let records = || answer.answers.iter().filter(|record| record.name == owner);
        let addresses: Vec<IpAddr> =
            records().filter_map(|record| record.data.ip_addr()).take(ADDRESSES_MAX).collect();
        if !addresses.is_empty() {
            return Some(Ok(addresses));
        }
        let alias = records().find_map(|record| {
            let RData::CNAME(target) = &record.data else { return None };
            Some(target.0.clone())
        });
        match alias {
            Some(target) => owner = target,
            None => break,
        }
    }
    Some(Err(DnsError::NoAddress))
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{A, CNAME};

    use super::*;

    fn names(name: &str, search: Option<&str>) -> Vec<String> {
        candidates(name, search).unwrap().iter().map(Name::to_ascii).collect()
    }

    #[test]
    fn the_search_domain_comes_first_for_a_name_without_a_dot() {
        assert_eq!(names("tools.cisco.com", None), ["tools.cisco.com."]);
        assert_eq!(names("tools", Some("cisco.com")), ["tools.cisco.com.", "tools."]);
        assert_eq!(names("a.b", Some("lab")), ["a.b.", "a.b.lab."]);
        assert_eq!(names("a.b.", Some("lab")), ["a.b."]);
        assert_eq!(names("tools", Some("")), ["tools."]);
        assert_eq!(candidates("", None), Err(DnsError::Name));
        assert_eq!(candidates(&"a".repeat(64), None), Err(DnsError::Name));
    }

    fn answer(records: &[(&str, RData)]) -> Message {
        let mut message = Message::new(1, MessageType::Response, OpCode::Query);
        for (name, data) in records {
            let name = Name::from_str(name).unwrap();
            message.add_answer(Record::from_rdata(name, 60, data.clone()));
        }
        message
    }

    #[test]
    fn aliases_are_followed_and_a_ring_of_them_ends() {
        let a = |last| RData::A(A::new(192, 0, 2, last));
        let alias = |to: &str| RData::CNAME(CNAME(Name::from_str(to).unwrap()));
        let name = Name::from_str("A.lab.").unwrap();
        let table: [(&[(&str, RData)], _); 5] = [
            (&[("a.lab.", a(1)), ("a.lab.", a(2))], Ok(2)),
            (&[("a.lab.", alias("b.lab.")), ("b.lab.", a(1))], Ok(1)),
            (&[("a.lab.", alias("b.lab.")), ("b.lab.", alias("a.lab."))], Err(DnsError::NoAddress)),
            (&[("other.lab.", a(1))], Err(DnsError::NoAddress)),
            (&[], Err(DnsError::NoAddress)),
        ];
        for (records, want) in table {
            let got = read(&answer(records), &name).unwrap();
            assert_eq!(got.map(|addresses| addresses.len()), want, "{records:?}");
        }
    }

    #[test]
    fn a_server_that_failed_is_no_answer() {
        let name = Name::from_str("a.lab.").unwrap();
        let mut message = answer(&[]);
        message.metadata.response_code = ResponseCode::ServFail;
        assert_eq!(read(&message, &name), None);
        message.metadata.response_code = ResponseCode::NXDomain;
        assert_eq!(read(&message, &name), Some(Err(DnsError::NoSuchName)));
    }

    #[test]
    fn only_the_question_that_was_asked_is_answered() {
        let mut query = Message::new(7, MessageType::Query, OpCode::Query);
        query.add_query(Query::query(Name::from_str("a.lab.").unwrap(), RecordType::A));
        let mut good = query.clone();
        good.metadata.message_type = MessageType::Response;
        assert!(answers(&query, &good));
        let mut other = good.clone();
        other.metadata.id = 8;
        assert!(!answers(&query, &other));
        let mut other = good.clone();
        other.queries[0].set_name(Name::from_str("b.lab.").unwrap());
        assert!(!answers(&query, &other));
        let mut other = good;
        other.queries.clear();
        assert!(!answers(&query, &other));
        assert!(!answers(&query, &query));
    }
}
