//! `vfxos authority`: the licence authority as a process of its own, on the host's own sockets.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::control::socket::Caller;
use super::control::{Answer, Request, SOCKET, socket};
use crate::base::time::Utc;
use crate::net::{ca, tls};
use crate::proto::authority::{AccountName, Flavour, OperatorError, Release, Settings};
use crate::shell::authority::api::{self, Access};
use crate::shell::authority::desk::Desk;
use crate::shell::authority::operation::{Operation, date};
use crate::shell::authority::{Service, web};
use crate::sys::clock::LabClock;
use crate::sys::flash::{Flash, FlashError, Kind};
use crate::sys::{console, process, random};

/// Where it listens when nobody says.
const LISTEN: &str = "127.0.0.1:8443";
/// Name of the file that holds the API's key, in the state folder.
const KEY: &str = "api.key";

/// What `vfxos authority` takes.
#[derive(Clone, Debug, Args)]
pub struct AuthorityArgs {
    /// Address and port for TLS; may be given more than once. [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<SocketAddr>,
    /// Address and port for HTTP without TLS, as older satellites spoke it.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen_plain: Vec<SocketAddr>,
    /// Name that chassis call it by, for its certificate; may be given more than once.
    #[arg(long, value_name = "HOST")]
    pub name: Vec<String>,
    /// Folder for its state. [default: $XDG_STATE_HOME/vfxos/authority]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "cloud")]
    pub flavour: FlavourWord,
    /// A satellite's release; before 2.3.0 its tokens carry no export flag.
    #[arg(long = "version", value_name = "V", value_parser = release)]
    pub release: Option<Release>,
    /// Smart account that a cloud authority begins with.
    #[arg(long, value_name = "NAME", requires = "virtual_account")]
    pub account: Option<String>,
    /// Its virtual account.
    #[arg(long, value_name = "NAME", requires = "account")]
    pub virtual_account: Option<String>,
    /// Control socket for `vfxos ctl`. [default: ctl.sock in the state folder]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Address and port of the JSON API: a loopback address, for whoever has an account here.
    #[arg(long, value_name = "ADDR:PORT")]
    pub api: Option<SocketAddr>,
    /// Let the API listen on any address. Every request then needs the key in api.key in the state
    /// folder; it travels in clear, so keep to a network that nobody listens to.
    #[arg(long, requires = "api")]
    pub api_anywhere: bool,
    /// What its clock shows at the start, such as 2020-08-04T07:58:13Z; the host's time without it.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub clock: Option<Utc>,
    /// Print a root certificate for a chassis's trustpoint and end: tls is for CHdefault, licensing
    /// for CiscoLicRoot.
    #[arg(long, value_enum, value_name = "WHICH", num_args = 0..=1, default_missing_value = "tls")]
    pub print_root: Option<Root>,
}

/// What `--flavour` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FlavourWord {
    /// The one that sells.
    Cloud,
    /// One that hands out what a cloud authority allows it.
    Satellite,
}

/// What `--print-root` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Root {
    /// Vouches for TLS servers.
    Tls,
    /// Vouches for answers.
    Licensing,
}

fn release(text: &str) -> Result<Release, String> {
    Release::parse(text).ok_or_else(|| "write it as 2.3.0".to_owned())
}

/// Runs an authority until it is asked to stop; 2 when it cannot start.
pub fn run(args: &AuthorityArgs) -> ExitCode {
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(why);
            ExitCode::from(2)
        }
    }
}

fn start(args: &AuthorityArgs) -> Result<(), String> {
    let flavour = match (args.flavour, args.release) {
        (FlavourWord::Cloud, None) => Flavour::Cloud,
        (FlavourWord::Cloud, Some(_)) => {
            return Err("--version is a satellite's: add --flavour satellite".to_owned());
        }
        (FlavourWord::Satellite, release) => {
            Flavour::Satellite(release.unwrap_or(Release::CURRENT))
        }
    };
    if let Some(address) = args.api.filter(|api| !api.ip().is_loopback() && !args.api_anywhere) {
        return Err(format!(
            "--api {address}: others reach that address, and an operator can hand out tokens; \
             name a loopback address, or add --api-anywhere and use the key"
        ));
    }
    process::private_files();
    let folder = match &args.state {
        Some(folder) => folder.clone(),
        None => super::lab::state_folder("authority")?,
    };
    let flash = Flash::open(&folder, Kind::Authority).map_err(|error| {
        if matches!(error, FlashError::InUse { .. }) {
            format!("{error}; ask the one that runs: vfxos ctl --state {}", folder.display())
        } else {
            error.to_string()
        }
    })?;
    let mut settings = Settings::default();
    if let (Some(account), Some(virtual_account)) = (&args.account, &args.virtual_account) {
        let (smart_account, virtual_account) = (account.clone(), virtual_account.clone());
        let name = AccountName { smart_account, virtual_account };
        if !name.is_printable() {
            return Err(format!("--account: {}", OperatorError::AccountName));
        }
        settings.account = Some(name);
    }
    let service = Service::open_as(flash, flavour, settings, random::rng())
        .map_err(|error| error.to_string())?;
    if let Some(root) = args.print_root {
        let pem = match root {
            Root::Tls => service.ca().root_pem().to_owned(),
            Root::Licensing => service.licence_root_pem(),
        };
        return io::stdout().write_all(pem.as_bytes()).map_err(|error| error.to_string());
    }
    let clock = LabClock::new(args.clock);
    let name = args.name.first().cloned().unwrap_or_else(|| "localhost".to_owned());
    let desk = Desk { service, clock, name };
    let runtime = super::runtime().map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    // What is being written when this returns is waited for as the runtime is dropped.
    local.block_on(&runtime, live(args, desk, &folder))
}

/// Serves until somebody asks to stop.
async fn live(args: &AuthorityArgs, desk: Desk, folder: &Path) -> Result<(), String> {
    let signalled = super::lab::signalled().map_err(|error| format!("signals: {error}"))?;
    let mut servers = JoinSet::new();
    let mut told = Vec::new();
    listen(args, &desk, &mut servers, &mut told).await?;
    serve_api(args, &desk, folder, &mut servers, &mut told).await?;
    let stopping = Rc::new(Notify::new());
    let path = args.control.clone().unwrap_or_else(|| folder.join(SOCKET));
    let _socket = {
        let (desk, stopping) = (desk.clone(), Rc::clone(&stopping));
        socket::serve(&path, move |request, caller| {
            attend(desk.clone(), Rc::clone(&stopping), request, caller)
        })?
    };
    let token = desk.ready_token().await.map_err(|error| error.to_string())?;
    say(format!("{}, state in {}", desk.service.flavour().word(), folder.display()));
    told.iter().for_each(say);
    say(format!("root for CHdefault: SHA-256 {}", ca::fingerprint(desk.service.ca().root_pem())));
    say(format!(
        "root for CiscoLicRoot: SHA-256 {}",
        ca::fingerprint(&desk.service.licence_root_pem())
    ));
    say(format!("a token is ready: {token}"));
    let how = match &args.control {
        Some(path) => format!("--control {}", path.display()),
        None => format!("--state {}", folder.display()),
    };
    say(format!("from another terminal: vfxos ctl {how} authority"));
    tokio::select! {
        () = stopping.notified() => Ok(()),
        name = signalled => {
            say(format!("ended by {name}"));
            Ok(())
        }
        ended = servers.join_next() => Err(format!("a server has ended: {ended:?}")),
    }
}

/// Says one line to the operator.
fn say(line: impl Display) {
    console::say(&format!("vfxos authority: {line}"));
}

/// Opens every socket on which chassis are served.
async fn listen(
    args: &AuthorityArgs,
    desk: &Desk,
    servers: &mut JoinSet<()>,
    told: &mut Vec<String>,
) -> Result<(), String> {
    let mut secure = args.listen.clone();
    if secure.is_empty() && args.listen_plain.is_empty() {
        secure.push(LISTEN.parse().map_err(|_| "the default address is none".to_owned())?);
    }
    let config = certified(args, desk, &secure)?;
    let plain = args.listen_plain.iter().map(|address| (*address, None));
    let secure = secure.into_iter().map(|address| (address, Some(Arc::clone(&config))));
    for (address, tls) in secure.chain(plain) {
        let (listener, address) = bind(address).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let path = desk.service.flavour().path();
        told.push(format!(
            "chassis are served on {address}: {scheme}://{}:{}{path}",
            desk.name,
            address.port()
        ));
        servers.spawn(web::serve(listener, tls, desk.service.clone(), desk.clock.clone()));
    }
    Ok(())
}

/// Makes the certificate that chassis are shown: for every name, and every address that is one.
fn certified(
    args: &AuthorityArgs,
    desk: &Desk,
    secure: &[SocketAddr],
) -> Result<Arc<ServerConfig>, String> {
    let mut names = args.name.clone();
    if names.is_empty() {
        names.push(desk.name.clone());
    }
    let addresses = secure.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
    names.extend(addresses.map(|ip| ip.to_string()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (from, to) = web::CERTIFICATE_LIFE;
    let made = desk.service.ca().issue_server(&names, from, to);
    let made = made.map_err(|error| format!("--name: {error}"))?;
    tls::server(made.chain, made.key).map_err(|error| error.to_string())
}

/// Opens the JSON API, if one is wanted.
async fn serve_api(
    args: &AuthorityArgs,
    desk: &Desk,
    folder: &Path,
    servers: &mut JoinSet<()>,
    told: &mut Vec<String>,
) -> Result<(), String> {
    let Some(address) = args.api else { return Ok(()) };
    let access = if address.ip().is_loopback() {
        Access::Loopback
    } else {
        let path = folder.join(KEY);
        told.push(format!("the API's key is in {}", path.display()));
        Access::Key(key(&path).map_err(|error| format!("{}: {error}", path.display()))?)
    };
    let (listener, address) = bind(address).await?;
    told.push(format!("the API is described at http://{address}/openapi.json"));
    let desk = desk.clone();
    let perform = move |operation| {
        let desk = desk.clone();
        async move { desk.perform(operation).await }
    };
    servers.spawn(api::serve(listener, access, perform));
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let say = |error: io::Error| format!("{address}: {error}; name another address or port");
    let listener = TcpListener::bind(address).await.map_err(say)?;
    let address = listener.local_addr().map_err(say)?;
    Ok((listener, address))
}

/// Reads the key of the API, or makes one.
fn key(path: &Path) -> io::Result<String> {
    /// Shortest key that is no accident.
    const LEN_MIN: usize = 32;
    if path.exists() {
        let key = fs::read_to_string(path)?.trim().to_owned();
        if key.len() < LEN_MIN {
            let why =
                format!("a key has at least {LEN_MIN} characters: remove the file for a new one");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        return Ok(key);
    }
    let key: String = random::seed().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()?;
    Ok(key)
}

/// Serves whoever asks on the control socket.
async fn attend(desk: Desk, stopping: Rc<Notify>, request: Request, caller: Caller) {
    let stops = matches!(request, Request::Stop);
    let answer = match request {
        Request::Authority(operation) => Answer::of(desk.perform(operation).await),
        Request::Status => Answer::of(desk.perform(Operation::Authority {}).await),
        // Whoever hears this has been answered.
        Request::Health => Answer::done("0 running", serde_json::Value::Null),
        Request::Stop => Answer::done("stopping", serde_json::Value::Null),
        Request::Fault(_)
        | Request::Console(_)
        | Request::Drill(_)
        | Request::At { .. }
        | Request::Wait { .. } => {
            Answer::refused("only a lab does this: start one with `vfxos lab`")
        }
    };
    caller.answer(&answer).await;
    if stops {
        stopping.notify_one();
    }
}
