//! Two network namespaces with a cable between them: in one a chassis, in the other real servers.
//! Everything goes when the test does, however it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub const BINARY: &str = env!("CARGO_BIN_EXE_vfxos");
/// Longest wait for anything; what takes so long has failed.
const PATIENCE: Duration = Duration::from_secs(40);
/// Where the servers are.
pub const SERVER: &str = "10.0.0.1";
/// Where the chassis is, unless a test says otherwise.
pub const CHASSIS: &str = "10.0.0.15";

/// Says why a test does not run, or `None` if it can.
pub fn lacking(tools: &[&str]) -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let has = |tool: &&&str| path.split(':').any(|at| Path::new(at).join(**tool).exists());
    if let Some(tool) = ["ip"].iter().chain(tools).find(|tool| !has(tool)) {
        return Some(format!("{tool} is not installed"));
    }
    static PROBED: OnceLock<Option<String>> = OnceLock::new();
    let probe = || {
        let name = format!("vfx-probe-{}", std::process::id());
        let made = run(Command::new("ip").args(["netns", "add", &name]));
        let _ = run(Command::new("ip").args(["netns", "del", &name]));
        made.err().map(|why| format!("no network namespaces here: {}", why.trim()))
    };
    PROBED.get_or_init(probe).clone()
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}

/// A process that ends with the test, and what it has said so far.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: String,
}

impl Process {
    /// Waits until it says a line with `words` in it, and returns that line.
    #[track_caller]
    pub fn says(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            self.said += &line;
            self.said.push('\n');
            if line.contains(words) {
                return line;
            }
        }
        panic!("it never said {words:?}, but:\n{}", self.said);
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Sends SIGTERM and returns the exit status.
    #[track_caller]
    pub fn end(mut self) -> Option<i32> {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The namespaces.
pub struct Network {
    number: String,
    folder: PathBuf,
    /// Its servers, in the order in which they end.
    servers: Vec<Process>,
}

impl Network {
    pub fn new() -> Network {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let number = format!("{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(format!("vfn-{number}"));
        fs::create_dir_all(&folder).unwrap();
        let network = Network { number, folder, servers: Vec::new() };
        let (hosts, chassis) = (network.hosts(), network.chassis());
        for name in [&hosts, &chassis] {
            network.ip(&format!("netns add {name}"));
            network.ip(&format!("-n {name} link set lo up"));
        }
        network.ip(&format!("-n {hosts} link add wire type veth peer name mgmt netns {chassis}"));
        network.ip(&format!("-n {hosts} addr add {SERVER}/24 dev wire"));
        network.ip(&format!("-n {hosts} addr add fd00::1/64 dev wire nodad"));
        network.ip(&format!("-n {hosts} link set wire up"));
        // The kernel is no host there: only the chassis answers.
        network.ip(&format!("-n {chassis} link set mgmt addrgenmode none"));
        network.ip(&format!("-n {chassis} link set mgmt up"));
        network
    }

    /// Name of the namespace of the servers.
    pub fn hosts(&self) -> String {
        format!("vfx-{}-h", self.number)
    }

    /// Name of the namespace of the chassis.
    pub fn chassis(&self) -> String {
        format!("vfx-{}-c", self.number)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    #[track_caller]
    pub fn ip(&self, words: &str) -> String {
        let done = run(Command::new("ip").args(words.split(' ')));
        done.unwrap_or_else(|why| panic!("ip {words}: {why}"))
    }

    /// Runs a program among the servers to its end.
    pub fn on_hosts(&self, words: &[&str]) -> Result<String, String> {
        run(Command::new("ip").args(["netns", "exec", &self.hosts()]).args(words))
    }

    /// Puts a bridge between the cable and a TAP interface of the name.
    pub fn bridge(&self, tap: &str) {
        let chassis = self.chassis();
        self.ip(&format!("-n {chassis} link add bridge0 type bridge"));
        self.ip(&format!("-n {chassis} link set bridge0 addrgenmode none up"));
        self.ip(&format!("-n {chassis} link set mgmt master bridge0"));
        self.tap(tap);
    }

    pub fn tap(&self, tap: &str) {
        let chassis = self.chassis();
        self.ip(&format!("-n {chassis} tuntap add dev {tap} mode tap"));
        self.ip(&format!("-n {chassis} link set {tap} addrgenmode none master bridge0 up"));
    }

    /// Starts a program in a namespace.
    pub fn start(&self, namespace: &str, words: &[&str]) -> Process {
        let mut child = Command::new("ip")
            .args(["netns", "exec", namespace])
            .args(words)
            .env("VFXOS_LOG", "error,vfxos=info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (say, lines) = mpsc::channel();
        let out: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for source in out {
            let say = say.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(source).lines().map_while(Result::ok) {
                    if say.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Process { child, lines, said: String::new() }
    }

    /// Starts a server that runs as long as the network.
    pub fn serve(&mut self, words: &[&str]) -> &mut Process {
        let server = self.start(&self.hosts(), words);
        self.servers.push(server);
        self.servers.last_mut().unwrap()
    }

    /// Starts dnsmasq with more arguments, and waits for it.
    pub fn dnsmasq(&mut self, more: &[&str]) {
        let (leases, address) = (self.path("leases"), format!("--address=/tools.lab/{SERVER}"));
        let leases = format!("--dhcp-leasefile={}", leases.display());
        let words: [&str; 14] = [
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--interface=wire",
            "--bind-interfaces",
            "--user=root",
            "--pid-file=",
            "--log-facility=-",
            "--log-queries",
            "--log-dhcp",
            &leases,
            &address,
        ];
        let words: Vec<&str> = words.iter().chain(more).copied().collect();
        self.serve(&words).says("started");
    }

    /// Starts the licence authority, with its roots in files for the chassis.
    pub fn authority(&mut self) {
        let state = self.path("authority").display().to_string();
        for (file, which) in [("root.pem", "tls"), ("licensing.pem", "licensing")] {
            let root = run(Command::new(BINARY).args([
                "authority",
                "--state",
                &state,
                "--print-root",
                which,
            ]));
            fs::write(self.path(file), root.unwrap()).unwrap();
        }
        let listen = format!("{SERVER}:443");
        let words =
            [BINARY, "authority", "--state", &state, "--listen", &listen, "--name", "tools.lab"];
        self.serve(&words).says("a token is ready");
    }

    pub fn token(&self) -> String {
        let state = self.path("authority").display().to_string();
        let made =
            run(Command::new(BINARY).args(["ctl", "--json", "--state", &state, "token", "new"]));
        let made: serde_json::Value = serde_json::from_str(&made.unwrap()).unwrap();
        made["text"].as_str().unwrap().to_owned()
    }

    /// Starts a chassis and waits until it is up.
    pub fn mio(&self, mgmt: &str, more: &[&str]) -> Mio<'_> {
        let state = self.path("mio").display().to_string();
        let mut words = vec![BINARY, "mio", "--mgmt", mgmt, "--state", &state, "--blade", "none"];
        words.extend(more);
        let mut process = self.start(&self.chassis(), &words);
        process.says("from another terminal");
        Mio { network: self, process }
    }

    /// Starts a chassis with an address, DNS, and the authority's roots where there is one.
    pub fn configured(&self, mgmt: &str, more: &[&str]) -> Mio<'_> {
        let address = format!("{CHASSIS}/24");
        let (root, licensing) = (self.path("root.pem"), self.path("licensing.pem"));
        let (root, licensing) = (root.display().to_string(), licensing.display().to_string());
        let mut words = vec!["--address", &address, "--gateway", SERVER, "--dns", SERVER];
        if Path::new(&root).exists() {
            words.extend(["--root", &root, "--licensing-root", &licensing]);
            words.extend([
                "--authority",
                "https://tools.lab/its/service/oddce/services/DDCEService",
            ]);
        }
        words.extend(more);
        self.mio(mgmt, &words)
    }

    /// Waits until a ping from the servers to `host` is answered.
    #[track_caller]
    pub fn pings(&self, host: &str) {
        self.until(&format!("{host} answers"), || {
            self.on_hosts(&["ping", "-c1", "-W1", host]).map(|_| ())
        });
    }

    /// Tries again and again.
    #[track_caller]
    pub fn until<T>(&self, what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            match attempt() {
                Ok(done) => return done,
                Err(why) if Instant::now() > end => panic!("not so: {what}: {why}"),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.servers.clear();
        for name in [self.hosts(), self.chassis()] {
            // A test that failed on the way may not have made it.
            let _ = run(Command::new("ip").args(["netns", "del", &name]));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running chassis.
pub struct Mio<'a> {
    network: &'a Network,
    pub process: Process,
}

impl Mio<'_> {
    /// Asks it for something, as `vfxos ctl` does.
    pub fn ctl(&self, words: &str) -> Result<String, String> {
        let state = self.network.path("mio").display().to_string();
        run(Command::new(BINARY).args(["ctl", "--state", &state]).args(words.split(' ')))
    }

    #[track_caller]
    pub fn waits(&self, condition: &str) {
        self.ctl(&format!("wait {condition} 40s")).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Types lines at its console, and returns the screen.
    pub fn types(&self, lines: &[&str]) -> String {
        let state = self.network.path("mio").display().to_string();
        let mut child = Command::new(BINARY)
            .args(["ctl", "--state", &state, "console"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\r")).collect();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let mut screen = String::new();
        child.stdout.take().unwrap().read_to_string(&mut screen).unwrap();
        child.wait().unwrap();
        screen.replace('\r', "")
    }
}
