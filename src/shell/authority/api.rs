//! The JSON API: routes to operations, and what keeps strangers out.
//!
//! A route is a row: a method, a path, and the words of the [`Operation`] that it is. The names in
//! the path, the query and the body together are the operation's fields, so that a new operation
//! needs a row here, its description in `openapi.json`, and no code.
//!
//! # Safety
//! An operator of the authority can hand out tokens, so not everybody may be one. On a loopback
//! address whoever has an account on this machine may; a page in that person's browser may not, for
//! it names a foreign `Origin`, or a `Host` that is not this machine's own. Anywhere else the API
//! wants a key with every request; the key travels in clear, so a network that others can listen to
//! is no place for it.

use std::future::Future;
use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    LINK, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value};

use super::ServiceError;
use super::desk::Done;
use super::operation::Operation;
use crate::net::http::{self, Limits, Listener, Opening, Refusals};
use crate::proto::authority::OperatorError;
use crate::wire::sync::FILE_MAX;

#[cfg(test)]
mod tests;

/// What the API offers, in OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("openapi.json");
/// Where that is to be had.
const OPENAPI_PATH: &str = "/openapi.json";
/// Longest body of an operation that takes no file, in bytes.
const BODY_MAX: usize = 64 * 1024;
/// Longest path and query, in bytes.
const TARGET_MAX: usize = 8 * 1024;
/// Most connections at a time: each may hold a whole file.
const CONNECTIONS_MAX: usize = 8;
/// Longest description of what is wrong with a body, in bytes.
const DETAIL_MAX: usize = 300;

/// One route.
#[derive(Debug)]
struct Route {
    method: &'static str,
    /// Parts in braces are fields of the operation.
    path: &'static str,
    /// The words of `vfxos ctl` for the same.
    words: &'static str,
    /// Status of success.
    status: StatusCode,
    /// Longest body, in bytes.
    body_max: usize,
}

const fn route(method: &'static str, path: &'static str, words: &'static str) -> Route {
    Route { method, path, words, status: StatusCode::OK, body_max: BODY_MAX }
}

/// A route that makes something new.
const fn makes(path: &'static str, words: &'static str) -> Route {
    Route { status: StatusCode::CREATED, ..route("POST", path, words) }
}

/// A route that takes a sync file.
const fn takes_file(path: &'static str, words: &'static str) -> Route {
    Route { body_max: FILE_MAX + BODY_MAX, ..makes(path, words) }
}

/// Every route.
static ROUTES: &[Route] = &[
    route("GET", "/v1/authority", "authority"),
    route("GET", "/v1/roots", "root"),
    route("GET", "/v1/accounts", "account list"),
    makes("/v1/accounts", "account new"),
    route("GET", "/v1/tokens", "token list"),
    makes("/v1/tokens", "token new"),
    route("DELETE", "/v1/tokens/{token}", "token revoke"),
    route("GET", "/v1/instances", "instance list"),
    route("GET", "/v1/instances/{instance}", "instance show"),
    route("DELETE", "/v1/instances/{instance}", "instance remove"),
    route("POST", "/v1/instances/{instance}/transfer", "instance transfer"),
    route("GET", "/v1/pools", "pool list"),
    route("PUT", "/v1/pools/{tag}", "pool set"),
    route("GET", "/v1/reservations", "reservation list"),
    makes("/v1/reservations", "reservation authorize"),
    route("POST", "/v1/returns", "reservation return"),
    route("DELETE", "/v1/reservations/{serial}", "reservation remove"),
    route("GET", "/v1/satellites", "satellite list"),
    route("DELETE", "/v1/satellites/{satellite}", "satellite remove"),
    route("GET", "/v1/sync", "sync status"),
    makes("/v1/sync/requests", "sync request"),
    takes_file("/v1/sync/answers", "sync answer"),
    takes_file("/v1/sync/installations", "sync install"),
    route("GET", "/v1/events", "events"),
    route("GET", "/v1/clock", "clock show"),
    route("PUT", "/v1/clock", "clock set"),
    route("POST", "/v1/clock/advance", "clock advance"),
    route("PUT", "/v1/clock/rate", "clock rate"),
];

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches a loopback address of this machine, browsers apart.
    Loopback,
    /// Whoever knows this key.
    Key(String),
}

type Reply = Response<Full<Bytes>>;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), header: None }
    }

    fn with(self, name: HeaderName, value: &str) -> Problem {
        let value = HeaderValue::from_str(value).ok();
        Problem { header: value.map(|value| (name, value)), ..self }
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Reply {
        let mut reply = http::problem(problem.status, &problem.detail);
        if let Some((name, value)) = problem.header {
            reply.headers_mut().insert(name, value);
        }
        reply
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Problem {
        let status = match &error {
            ServiceError::Refused(refused) => status_of(refused),
            ServiceError::HalfAccount | ServiceError::Clock(_) | ServiceError::Lab(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ServiceError::Unsaved | ServiceError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            ServiceError::Flash(_)
            | ServiceError::Record { .. }
            | ServiceError::OtherFlavour { .. }
            | ServiceError::Ca { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Problem::new(status, error.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return problem.with(RETRY_AFTER, "1");
        }
        problem
    }
}

fn status_of(refused: &OperatorError) -> StatusCode {
    match refused {
        OperatorError::NoToken { .. }
        | OperatorError::NoInstance { .. }
        | OperatorError::NoSatellite { .. }
        | OperatorError::NoReservation { .. }
        | OperatorError::NoTag { .. } => StatusCode::NOT_FOUND,
        OperatorError::Accounts
        | OperatorError::Tokens
        | OperatorError::AccountExists { .. }
        | OperatorError::RequestSpent
        | OperatorError::Reserved { .. }
        | OperatorError::Registered { .. }
        | OperatorError::NoneLeft { .. }
        | OperatorError::Reservations
        | OperatorError::CloudOnly
        | OperatorError::SatelliteOnly
        | OperatorError::Sync(_) => StatusCode::CONFLICT,
        OperatorError::Days { .. }
        | OperatorError::Uses { .. }
        | OperatorError::AccountName
        | OperatorError::Code(_)
        | OperatorError::NoModel { .. }
        | OperatorError::NoAccount { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Serves the API until the listener ends.
pub async fn serve<L, P, F>(listener: L, access: Access, perform: P)
where
    L: Listener,
    P: Fn(Operation) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Done, ServiceError>> + Send + 'static,
{
    let limits = Limits {
        body_max: FILE_MAX + BODY_MAX,
        connections_max: CONNECTIONS_MAX,
        refusals: Refusals::Problem,
        ..Limits::default()
    };
    let handler = move |parts: Parts, body: Bytes| {
        let (access, perform) = (access.clone(), perform.clone());
        async move { answer(&access, &parts, &body, perform).await }
    };
    http::serve(listener, |_| Opening::Plain, limits, handler).await;
}

/// Answers one request.
async fn answer<P, F>(access: &Access, parts: &Parts, body: &[u8], perform: P) -> Reply
where
    P: Fn(Operation) -> F,
    F: Future<Output = Result<Done, ServiceError>>,
{
    let (route, operation) = match judge(access, parts, body) {
        Ok(Asked::Description) => {
            return json(StatusCode::OK, Bytes::from_static(OPENAPI.as_bytes()));
        }
        Ok(Asked::Operation(route, operation)) => (route, operation),
        Err(problem) => return problem.into(),
    };
    match perform(*operation).await {
        Ok(done) => {
            let mut reply = json(route.status, done.json.to_string().into());
            let next = done.next.and_then(|after| next_page(parts, &after));
            if let Some(next) = next {
                reply.headers_mut().insert(LINK, next);
            }
            reply
        }
        Err(error) => Problem::from(error).into(),
    }
}

/// What a request asks for.
enum Asked {
    Description,
    Operation(&'static Route, Box<Operation>),
}

/// Judges who asks, and finds out what for.
fn judge(access: &Access, parts: &Parts, body: &[u8]) -> Result<Asked, Problem> {
    admit(access, &parts.headers)?;
    let path = parts.uri.path();
    if path.len() + parts.uri.query().map_or(0, str::len) > TARGET_MAX {
        let detail = format!("path and query are at most {TARGET_MAX} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, detail));
    }
    if path == OPENAPI_PATH {
        return match parts.method {
            Method::GET => Ok(Asked::Description),
            _ => Err(not_allowed("GET")),
        };
    }
    let fitting: Vec<_> =
        ROUTES.iter().filter_map(|route| Some((route, fields_of(route.path, path)?))).collect();
    if fitting.is_empty() {
        let detail = format!("there is nothing here: see {OPENAPI_PATH} for what there is");
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    let methods: Vec<_> = fitting.iter().map(|(route, _)| route.method).collect();
    let methods = methods.join(", ");
    let found = fitting.into_iter().find(|(route, _)| route.method == parts.method.as_str());
    let Some((route, mut fields)) = found else { return Err(not_allowed(&methods)) };
    for (name, value) in fields_of_query(parts.uri.query().unwrap_or_default())? {
        add(&mut fields, name, Value::from(value))?;
    }
    for (name, value) in fields_of_body(route, &parts.headers, body)? {
        add(&mut fields, name, value)?;
    }
    let operation = operation(route.words, fields)
        .map_err(|why| Problem::new(StatusCode::BAD_REQUEST, shortened(&why.to_string())))?;
    Ok(Asked::Operation(route, Box::new(operation)))
}

/// Makes an operation of its words and its fields.
fn operation(words: &str, fields: Map<String, Value>) -> Result<Operation, serde_json::Error> {
    let nested = words.split(' ').rev().fold(Value::Object(fields), |inner, word| {
        Value::Object(Map::from_iter([(word.to_owned(), inner)]))
    });
    serde_json::from_value(nested)
}

/// Refuses whoever may not ask.
fn admit(access: &Access, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match access {
        Access::Loopback => {
            if text(ORIGIN).is_some() {
                let detail = "pages in a browser may not ask: use a program such as curl";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
            if !text(HOST).is_some_and(is_own_host) {
                let detail = "the Host is not this machine's own: ask 127.0.0.1 or localhost";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
        }
        Access::Key(key) => {
            let given = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if !given.is_some_and(|given| is_same(given, key)) {
                let detail = "send the key: Authorization: Bearer KEY";
                let problem = Problem::new(StatusCode::UNAUTHORIZED, detail);
                return Err(problem.with(WWW_AUTHENTICATE, "Bearer realm=\"vfxos authority\""));
            }
        }
    }
    Ok(())
}

/// Returns whether a `Host` names this machine by itself; any other may be a name that a stranger's
/// DNS made point here.
fn is_own_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Compares digests, so that the time it takes tells nothing of the key.
fn is_same(given: &str, key: &str) -> bool {
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest(given).as_ref() == digest(key).as_ref()
}

/// Returns the fields in a path that fits a pattern.
fn fields_of(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(fields),
            (Some(wanted), Some(found)) => {
                let name = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                match name {
                    Some(name) => {
                        let value = unescaped(found).filter(|value| !value.is_empty())?;
                        fields.insert(name.to_owned(), Value::from(value));
                    }
                    None if wanted == found => {}
                    None => return None,
                }
            }
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

fn fields_of_query(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let both = unescaped(name).zip(unescaped(&value.replace('+', " ")));
            both.ok_or_else(|| {
                Problem::new(StatusCode::BAD_REQUEST, "the query is not percent-encoded UTF-8")
            })
        })
        .collect()
}

fn fields_of_body(
    route: &Route,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, Problem> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    if matches!(route.method, "GET" | "DELETE") {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "no body belongs to this request"));
    }
    if body.len() > route.body_max {
        let detail = format!("{} bytes; a body has at most {} here", body.len(), route.body_max);
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let detail = "a body is JSON: send Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "the body is not a JSON object")),
        Err(error) => {
            let detail = format!("the body is not JSON: {error}");
            Err(Problem::new(StatusCode::BAD_REQUEST, shortened(&detail)))
        }
    }
}

/// Adds a field that was not given before.
fn add(fields: &mut Map<String, Value>, name: String, value: Value) -> Result<(), Problem> {
    if fields.contains_key(&name) {
        let detail = shortened(&format!("{name} is given twice"));
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    fields.insert(name, value);
    Ok(())
}

/// Undoes percent-encoding; `None` for what is none, and for control characters.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

fn not_allowed(methods: &str) -> Problem {
    let detail = format!("this path takes {methods}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, methods)
}

fn json(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::from(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// Names the next page: the same request, after the last of this one.
///
/// # Source
/// RFC 8288.
fn next_page(parts: &Parts, after: &str) -> Option<HeaderValue> {
    let query = parts.uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    pairs.push(format!("after={after}"));
    let link = format!("<{}?{}>; rel=\"next\"", parts.uri.path(), pairs.join("&"));
    HeaderValue::from_str(&link).ok()
}

/// Cuts what may repeat somebody's whole body.
fn shortened(detail: &str) -> String {
    let printable = detail.chars().filter(|c| !c.is_control());
    printable.take(DETAIL_MAX).collect()
}
