//! The server against its description: every operation in `openapi.json` called with good and bad
//! input, every answer held to its schema, and nothing served that is not described.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, Subcommand};
use serde_json::json;

use super::*;
use crate::base::ident::Udi;
use crate::base::rng::Rng;
use crate::proto::authority::{Flavour, Release, Settings};
use crate::shell::authority::Service;
use crate::shell::authority::desk::Desk;
use crate::shell::authority::operation::{AccountRequest, SyncRequest};
use crate::shell::authority::tests::{NOON, registration, token};
use crate::sys::clock::LabClock;
use crate::sys::flash::{Flash, Kind};
use crate::wire::reservation::{RequestCode, ReturnCode, Secret};
use schema::{Schema, document};

mod schema;

/// A cloud authority and a satellite, with something of everything.
struct World {
    cloud: Desk,
    satellite: Desk,
    /// What stands for an example that can't be known beforehand, by its name.
    live: BTreeMap<&'static str, Value>,
}

fn desk(flavour: Flavour, seed: u64) -> Desk {
    let flash = Flash::memory(Kind::Authority);
    let rng = Rng::from_seed(seed);
    let service = Service::open_as(flash, flavour, Settings::default(), rng).unwrap();
    Desk { service, clock: LabClock::new(Some(NOON.wall)), name: "branch".into() }
}

impl World {
    async fn new() -> World {
        let cloud = desk(Flavour::Cloud, 1);
        let satellite = desk(Flavour::Satellite(Release::CURRENT), 2);
        let mut live = BTreeMap::new();
        let (smart_account, virtual_account) = ("vfxos Lab".to_owned(), "Branch".to_owned());
        let account = AccountRequest::New { smart_account, virtual_account, empty: false };
        cloud.perform(Operation::Account(account)).await.unwrap();
        for one in [&cloud, &satellite] {
            let text = token(&one.service).await;
            for number in 1..5 {
                let request = registration(number, &text);
                assert_eq!(one.service.answer(&request, NOON).await.status, 200);
            }
        }
        for serial in ["JAD00000009", "JAD00000010"] {
            let secret = Secret::draw(&mut Rng::from_seed(live.len() as u64));
            let udi = Udi { pid: "FPR-4125-SUP".into(), serial: serial.into() };
            let commitment = secret.commitment();
            live.insert("request_code", RequestCode { udi, commitment }.to_string().into());
            if serial == "JAD00000009" {
                let code = &live["request_code"];
                let made = json!({ "reservation": { "authorize": { "request_code": code } } });
                cloud.perform(serde_json::from_value(made).unwrap()).await.unwrap();
                live.insert("return_code", ReturnCode::new(secret).to_string().into());
            }
        }
        let list = json!({ "token": { "list": {} } });
        let tokens = cloud.perform(serde_json::from_value(list).unwrap()).await.unwrap().json;
        live.insert("token", tokens[0]["id"].clone());
        let list = json!({ "instance": { "list": {} } });
        let all = cloud.perform(serde_json::from_value(list).unwrap()).await.unwrap().json;
        live.insert("after", all[0]["id"].clone());
        World { cloud, satellite, live }
    }

    /// Has the satellite synced, and a further request and its answer made.
    async fn synced(&mut self) {
        for last in [false, true] {
            let request = Operation::Sync(SyncRequest::Request { out: None });
            let request = self.satellite.perform(request).await.unwrap().json;
            self.live.insert("request", request.clone());
            if last {
                break;
            }
            let (smart_account, virtual_account) = ("vfxos Lab", "Branch");
            let asked = json!({ "sync": { "answer": {
                "file": request,
                "smart_account": smart_account,
                "virtual_account": virtual_account,
            } } });
            let asked = serde_json::from_value(asked).unwrap();
            let answer = self.cloud.perform(asked).await.unwrap().json;
            self.live.insert("answer", answer);
        }
    }

    /// Asks the authority whose operation it is.
    async fn ask(&self, call: &Call) -> Answered {
        let satellite = ["sync-request", "sync-install", "sync-status"];
        let desk =
            if satellite.contains(&call.id.as_str()) { &self.satellite } else { &self.cloud };
        call.send(&Access::Loopback, desk).await
    }
}

/// One request, as it is made of the description's examples.
#[derive(Clone)]
struct Call {
    id: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = self.body.iter().flatten().take(200).map(|b| char::from(*b)).collect();
        write!(f, "{} {} {:?} {:?} {body}", self.method, self.path, self.query, self.headers)
    }
}

#[derive(Debug)]
struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Call {
    fn with_body(&self, body: &Value) -> Call {
        Call { body: Some(body.to_string().into_bytes()), ..self.clone() }
    }

    async fn send(&self, access: &Access, desk: &Desk) -> Answered {
        let query: Vec<_> = self.query.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect();
        let mut target = self.path.clone();
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        let mut request = hyper::Request::builder().method(self.method.as_str()).uri(target);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let body = self.body.clone().unwrap_or_default();
        let perform = |operation| async move { desk.perform(operation).await };
        let reply = answer(access, &parts, &body, perform).await;
        let (parts, body) = reply.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap();
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// One operation of the description.
struct Described {
    id: String,
    method: String,
    path: String,
    description: Value,
}

fn described() -> Vec<Described> {
    let document = document();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, description) in methods.as_object().unwrap() {
            let id = description["operationId"].as_str().unwrap().to_owned();
            let (method, description) = (method.to_uppercase(), description.clone());
            all.push(Described { id, method, path: path.clone(), description });
        }
    }
    all
}

impl Described {
    fn parameters(&self, place: &str) -> Vec<Value> {
        let all = self.description["parameters"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|parameter| parameter["in"] == place).collect()
    }

    /// Returns the schema of the body, if one is taken.
    fn body(&self) -> Option<Schema> {
        let content = &self.description["requestBody"]["content"]["application/json"]["schema"];
        content.is_object().then(|| Schema::of(content))
    }

    /// Returns a body made of the examples.
    fn example(&self, world: &World, whole: bool) -> Option<Value> {
        let schema = self.body()?;
        let mut body = Map::new();
        for (name, property) in schema.properties() {
            if whole || schema.requires(&name) {
                let value = match name.as_str() {
                    "file" if self.id == "sync-install" => world.live["answer"].clone(),
                    "file" => world.live["request"].clone(),
                    name => world.live.get(name).cloned().unwrap_or_else(|| property.example()),
                };
                body.insert(name, value);
            }
        }
        Some(Value::Object(body))
    }

    /// Makes a request of the examples: of all there are, or of what is needed alone.
    fn call(&self, world: &World, whole: bool) -> Call {
        let example = |parameter: &Value| {
            let name = parameter["name"].as_str().unwrap().to_owned();
            let value = world.live.get(name.as_str()).unwrap_or(&parameter["example"]);
            (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let mut path = self.path.clone();
        for (name, value) in self.parameters("path").iter().map(example) {
            path = path.replace(&format!("{{{name}}}"), &escaped(&value));
        }
        let wanted = |parameter: &&Value| whole || parameter["required"] == true;
        let query = self.parameters("query").iter().filter(wanted).map(example).collect();
        let json = ("content-type", "application/json; charset=utf-8".to_owned());
        let call = Call {
            id: self.id.clone(),
            method: self.method.clone(),
            path,
            query,
            headers: vec![("host", "127.0.0.1:8080".to_owned()), json],
            body: None,
        };
        match self.example(world, whole) {
            Some(body) => call.with_body(&body),
            None => call,
        }
    }

    /// Checks that an answer is one that the description promises.
    fn check(&self, call: &Call, answered: &Answered) {
        let status = answered.status.to_string();
        let mut promised = &self.description["responses"][&status];
        if let Some(reference) = promised["$ref"].as_str() {
            promised = schema::resolve(reference);
        }
        assert!(promised.is_object(), "{} may not answer {answered:?} to {call:?}", self.id);
        let kind = answered.headers["content-type"].to_str().unwrap();
        let content = &promised["content"][kind]["schema"];
        assert!(content.is_object(), "{}: {kind} with {status}", self.id);
        let faults = Schema::of(content).faults(&answered.body);
        assert_eq!(faults, Vec::<String>::new(), "{}: {}", self.id, answered.body);
        if let Some(problem) = answered.body.get("status") {
            assert_eq!(problem.to_string(), status, "{}: {}", self.id, answered.body);
        }
    }
}

#[test]
fn the_description_and_the_routes_and_the_words_of_ctl_are_the_same_operations() {
    let served = ROUTES.iter().map(|route| {
        let status = route.status.as_str().to_owned();
        let id = route.words.replace(' ', "-");
        (route.method.to_owned(), route.path.to_owned(), id, status)
    });
    let described = described().into_iter().map(|operation| {
        let responses = operation.description["responses"].as_object().unwrap();
        let good: Vec<_> = responses.keys().filter(|status| status.starts_with('2')).collect();
        assert_eq!(good.len(), 1, "{}", operation.id);
        (operation.method, operation.path, operation.id, good[0].clone())
    });
    assert_eq!(served.collect::<BTreeSet<_>>(), described.collect::<BTreeSet<_>>());

    // The clock of one chassis is a lab's alone: an authority has none.
    let words = leaves().into_iter().map(|(words, _)| words).filter(|words| words != "clock skew");
    let words: BTreeSet<_> = words.collect();
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| route.words.to_owned()).collect();
    assert_eq!(words, routes);
}

/// Returns what `vfxos ctl` takes of an authority: the words, and the names that go with them.
fn leaves() -> Vec<(String, BTreeSet<String>)> {
    fn walk(command: &Command, words: &str, all: &mut Vec<(String, BTreeSet<String>)>) {
        if command.get_subcommands().next().is_none() {
            let names = command.get_arguments().map(|argument| argument.get_id().to_string());
            all.push((words.trim().to_owned(), names.collect()));
        }
        for inner in command.get_subcommands() {
            walk(inner, &format!("{words} {}", inner.get_name()), all);
        }
    }
    let mut all = Vec::new();
    walk(&Operation::augment_subcommands(Command::new("ctl")), "", &mut all);
    all
}

#[test]
fn what_an_operation_is_given_has_the_same_names_everywhere() {
    // A file to write is the business of whoever types; both roots come in one answer.
    let own = ["out", "licensing"].map(str::to_owned).into();
    let leaves: BTreeMap<_, _> = leaves().into_iter().collect();
    for operation in described() {
        let parameters = ["path", "query"].map(|place| operation.parameters(place)).concat();
        let mut names: BTreeSet<_> =
            parameters.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        if let Some(body) = operation.body() {
            names.extend(body.properties().into_iter().map(|(name, _)| name));
        }
        let typed = &leaves[&operation.id.replace('-', " ")] - &own;
        assert_eq!(names, typed, "{}", operation.id);
    }
}

#[tokio::test]
async fn every_operation_answers_good_input_as_described() {
    for operation in described() {
        for whole in [false, true] {
            let mut world = World::new().await;
            world.synced().await;
            let call = operation.call(&world, whole);
            let answered = world.ask(&call).await;
            assert!(answered.status < 300, "{call:?}: {answered:?}");
            operation.check(&call, &answered);
        }
    }
}

#[tokio::test]
async fn every_operation_refuses_bad_input_as_described() {
    let mut world = World::new().await;
    world.synced().await;
    let before = operation_count(&world).await;
    let mut refused = 0;
    for operation in described() {
        for (what, call) in spoilt(&operation, &world) {
            let answered = world.ask(&call).await;
            assert!((400..500).contains(&answered.status), "{what}: {call:?}: {answered:?}");
            operation.check(&call, &answered);
            refused += 1;
        }
    }
    assert!(refused > 200, "{refused}");
    assert_eq!(operation_count(&world).await, before, "something was changed");
}

/// Counts what any operation that went through would have changed.
async fn operation_count(world: &World) -> (Value, usize, usize) {
    let events = |desk: Desk| async move {
        desk.perform(Operation::Events {}).await.unwrap().json.as_array().unwrap().len()
    };
    let shown = world.cloud.perform(Operation::Authority {}).await.unwrap().json;
    (shown, events(world.cloud.clone()).await, events(world.satellite.clone()).await)
}

/// Makes every kind of bad request that the description allows to make.
fn spoilt(operation: &Described, world: &World) -> Vec<(String, Call)> {
    let good = operation.call(world, true);
    let mut all = Vec::new();
    let mut add = |what: &str, call: Call| all.push((what.to_owned(), call));
    let mut unknown = good.clone();
    unknown.query.push(("nonsense".into(), "1".into()));
    add("an unknown parameter", unknown);
    if ["{instance}", "{satellite}", "{serial}"].iter().any(|part| operation.path.contains(part)) {
        let nobody = good.path.replace("JAD0000000", "nobody").replace("branch", "nobody");
        add("nobody", Call { path: nobody, ..good.clone() });
    }
    for parameter in operation.parameters("query") {
        let name = parameter["name"].as_str().unwrap();
        let mut twice = good.clone();
        twice.query.extend(good.query.iter().find(|(n, _)| n == name).cloned());
        add("a parameter twice", twice);
        for value in Schema::of(&parameter["schema"]).bad_values() {
            let mut call = good.clone();
            call.query.retain(|(known, _)| known != name);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            call.query.push((name.to_owned(), text));
            // Any text is good for a parameter that is text.
            if parameter["schema"]["type"] != "string" {
                add(name, call);
            }
        }
    }
    let (Some(schema), Some(body)) = (operation.body(), operation.example(world, true)) else {
        add("a body", good.with_body(&json!({ "nonsense": 1 })));
        return all;
    };
    for bytes in ["{", "[]", "null", "\"\"", "\u{0}", "{\"a\":1}{"] {
        add("no JSON object", Call { body: Some(bytes.as_bytes().to_vec()), ..good.clone() });
    }
    add("not UTF-8", Call { body: Some(vec![b'{', 0xff, b'}']), ..good.clone() });
    let text = vec![good.headers[0].clone(), ("content-type", "text/plain".to_owned())];
    add("not said to be JSON", Call { headers: text, ..good.clone() });
    let mut extra = body.clone();
    extra["nonsense"] = json!(1);
    add("an unknown field", good.with_body(&extra));
    if !operation.id.starts_with("sync") {
        let mut long = body.clone();
        long["nonsense"] = json!("x".repeat(BODY_MAX));
        add("too long", good.with_body(&long));
    }
    for (name, property) in schema.properties() {
        if schema.requires(&name) {
            let mut less = body.clone();
            less.as_object_mut().unwrap().remove(&name);
            add("a field missing", good.with_body(&less));
        }
        for value in property.bad_values() {
            let mut bad = body.clone();
            bad[&name] = value;
            add(&name, good.with_body(&bad));
        }
    }
    all
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_answered_with_those_it_does() {
    let world = World::new().await;
    for operation in described() {
        let call = operation.call_bare();
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"] {
            let takes = |one: &&Described| one.path == operation.path && one.method == method;
            if described().iter().any(|one| takes(&one)) {
                continue;
            }
            let answered = Call { method: method.into(), ..call.clone() }
                .send(&Access::Loopback, &world.cloud)
                .await;
            assert_eq!(answered.status, 405, "{method} {}", operation.path);
            let allowed = answered.headers["allow"].to_str().unwrap();
            assert!(allowed.split(", ").any(|one| one == operation.method), "{allowed}");
        }
    }
}

impl Described {
    /// Makes a request that names nothing that there is.
    fn call_bare(&self) -> Call {
        let path = self.path.replace(['{', '}'], "");
        let headers = vec![("host", "localhost".to_owned())];
        let (id, method) = (self.id.clone(), self.method.clone());
        Call { id, method, path, query: vec![], headers, body: None }
    }
}

fn get(path: &str, headers: &[(&'static str, &str)]) -> Call {
    Call {
        id: String::new(),
        method: "GET".into(),
        path: path.into(),
        query: vec![],
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        body: None,
    }
}

#[tokio::test]
async fn a_page_in_a_browser_and_a_foreign_name_are_kept_out() {
    let world = World::new().await;
    let table = [
        (vec![("host", "127.0.0.1:8080")], 200),
        (vec![("host", "localhost")], 200),
        (vec![("host", "[::1]:8080")], 200),
        (vec![("host", "127.9.9.9")], 200),
        (vec![], 403),
        (vec![("host", "evil.example")], 403),
        (vec![("host", "localhost.evil.example:8080")], 403),
        (vec![("host", "10.0.0.1:8080")], 403),
        (vec![("host", "127.0.0.1"), ("origin", "https://evil.example")], 403),
        (vec![("host", "127.0.0.1"), ("origin", "null")], 403),
    ];
    for (headers, status) in table {
        for path in ["/v1/tokens", "/openapi.json"] {
            let answered = get(path, &headers).send(&Access::Loopback, &world.cloud).await;
            assert_eq!(answered.status, status, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn where_a_key_is_wanted_nothing_goes_without_it() {
    let world = World::new().await;
    let access = Access::Key("5ecret".into());
    for (given, status) in [
        ("Bearer 5ecret", 200),
        ("Bearer 5ecre", 401),
        ("Bearer 5ecrett", 401),
        ("Bearer ", 401),
        ("5ecret", 401),
        ("Basic 5ecret", 401),
    ] {
        let headers = [("host", "10.0.0.1:8080"), ("authorization", given)];
        let answered = get("/v1/tokens", &headers).send(&access, &world.cloud).await;
        assert_eq!(answered.status, status, "{given}");
        assert_eq!(answered.headers.contains_key("www-authenticate"), status == 401);
    }
    let none = get("/v1/tokens", &[("host", "127.0.0.1")]).send(&access, &world.cloud).await;
    assert_eq!(none.status, 401);
}

#[tokio::test]
async fn the_description_is_served_and_what_is_not_there_is_not_found() {
    let world = World::new().await;
    let host = [("host", "localhost")];
    let answered = get("/openapi.json", &host).send(&Access::Loopback, &world.cloud).await;
    assert_eq!((answered.status, &answered.body), (200, document()));
    for path in ["/", "/v1", "/v1/tokens/", "/v1/tokens//x", "/v2/tokens", "/v1/pools/%ff"] {
        let answered = get(path, &host).send(&Access::Loopback, &world.cloud).await;
        assert_eq!(answered.status, 404, "{path}");
        assert_eq!(answered.headers["content-type"], "application/problem+json");
    }
    let long = format!("/v1/pools/{}", "x".repeat(TARGET_MAX));
    let answered = get(&long, &host).send(&Access::Loopback, &world.cloud).await;
    assert_eq!(answered.status, 414);
}

#[tokio::test]
async fn pages_of_instances_add_up_to_all_of_them() {
    let world = World::new().await;
    let mut path = "/v1/instances?limit=3".to_owned();
    let mut serials = Vec::new();
    for _ in 0..3 {
        let call = get(&path, &[("host", "localhost")]);
        let answered = call.send(&Access::Loopback, &world.cloud).await;
        let page = answered.body.as_array().unwrap().clone();
        serials.extend(page.iter().map(|one| one["udi"]["serial"].as_str().unwrap().to_owned()));
        let Some(link) = answered.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
        assert!(link.ends_with("rel=\"next\""), "{link}");
    }
    serials.sort();
    assert_eq!(serials, ["JAD00000001", "JAD00000002", "JAD00000003", "JAD00000004"]);
}

#[tokio::test]
async fn an_account_is_named_whole_and_must_be_there() {
    let world = World::new().await;
    let one = json!({ "smart_account": "vfxos Lab" });
    let nowhere = json!({ "smart_account": "vfxos Lab", "virtual_account": "Nowhere" });
    let with = |body: &Value, count: bool| {
        let mut body = body.clone();
        if count {
            body["count"] = json!(1);
        }
        body
    };
    for query in ["smart_account=vfxos+Lab", "smart_account=vfxos%20Lab&virtual_account=Nowhere"] {
        for list in ["instances", "pools"] {
            let call = get(&format!("/v1/{list}?{query}"), &[("host", "localhost")]);
            assert_eq!(call.send(&Access::Loopback, &world.cloud).await.status, 422, "{query}");
        }
    }
    for (method, path, count, half, unknown) in [
        ("PUT", "/v1/pools/FIREPOWER_4100_ASA_STANDARD", true, 422, 422),
        ("POST", "/v1/instances/JAD00000001/transfer", false, 400, 422),
        // A token opens the account that it is for.
        ("POST", "/v1/tokens", false, 422, 201),
    ] {
        for (body, status) in [(&one, half), (&nowhere, unknown)] {
            let headers = [("host", "localhost"), ("content-type", "application/json")];
            let call = Call { method: method.into(), ..get(path, &headers) };
            let call = call.with_body(&with(body, count));
            let answered = call.send(&Access::Loopback, &world.cloud).await;
            assert_eq!(answered.status, status, "{call:?}: {answered:?}");
        }
    }
}

#[tokio::test]
async fn a_token_is_revoked_by_its_text_too() {
    let world = World::new().await;
    let text = token(&world.cloud.service).await;
    let path = format!("/v1/tokens/{}", escaped(&text));
    let call = Call { method: "DELETE".into(), ..get(&path, &[("host", "localhost")]) };
    let answered = call.send(&Access::Loopback, &world.cloud).await;
    assert_eq!((answered.status, &answered.body["state"]), (200, &json!("revoked")));
}
