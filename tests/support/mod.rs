//! What the integration tests stand on: the real binary as a child process, clients on real
//! sockets, and waiting that never guesses.
//!
//! Nothing here sleeps and hopes. A test waits for a line, for the end of a stream or of a process,
//! and gives up only after [`DEADLINE`]. That something has *not* arrived is known from a later
//! answer: [`Client::sync`].

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub mod asleep;
mod client;
pub mod nobody;

pub use client::*;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, kill_process, setrlimit};
use socket2::{Domain, SockAddr, Socket, Type};

pub use rustix::process::Signal;

/// How long anything may take before a test fails: far longer than it does, on any machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Looks again and again until there is something to see.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits on a socket that has a deadline, again if the wait was cut short: on Linux that is so when
/// the process is stopped and goes on, whoever has stopped it.
pub fn uninterrupted<T>(mut wait: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match wait() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Lets this process open as many sockets as the system allows it to.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit can be raised to the hard one");
}

// ---------------------------------------------------------------------------------------------
// Processes

/// Between a fork and its exec a child has a copy of every descriptor of this process, so what a
/// test closes meanwhile is not closed yet. Whoever lets time pass by what sockets tell holds
/// this, so that nobody forks.
pub static FORKS: RwLock<()> = RwLock::new(());

/// A child that does not outlive the test.
pub struct Process(Child);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        // It returns after the exec.
        let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is there");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually("the end of a process", || {
            self.0.try_wait().expect("it is our child")
        })
    }

    /// One of its files in `/proc`.
    pub fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.pid().as_raw_nonzero());
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// What `/proc/PID/stat` says it is doing: `R` runs, `S` sleeps, `T` is stopped.
    pub fn state(&self) -> char {
        let stat = self.proc("stat");
        // The name before it is in parentheses and may hold anything.
        let (_, rest) = stat.rsplit_once(") ").expect("a name in parentheses");
        rest.chars().next().expect("a state")
    }

    /// Holds it, so that what happens meanwhile comes to it all at once; returns when it stands.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        eventually("the process to stop", || {
            (self.state() == 'T').then_some(())
        });
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process::spawn(command);
    let stdout = drain(process.0.stdout.take().expect("stdout is piped"));
    let stderr = drain(process.0.stderr.take().expect("stderr is piped"));
    Output {
        status: process.wait(),
        stdout: stdout.join().expect("stdout was read"),
        stderr: stderr.join().expect("stderr was read"),
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Whether a test that needs `tool` can run. If not, it says so and is skipped: `cargo test` needs
/// nothing but cargo. Where `LOOPCHAT_REQUIRE_TOOLS` is set, it fails instead.
pub fn has_tool(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    found || skip(&format!("{tool} is not installed"))
}

/// Skips a test, or fails it where it has to run; always false.
pub fn skip(reason: &str) -> bool {
    assert!(
        env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_none(),
        "LOOPCHAT_REQUIRE_TOOLS is set, but {reason}"
    );
    println!("skipped: {reason}");
    false
}

// ---------------------------------------------------------------------------------------------
// The server

/// The binary, without what the environment of the tests says about it. It has no web door unless
/// `--web` is given: its address is one for all servers there are. And whoever does not read has
/// all the time that a slow machine takes, unless a flag says otherwise.
pub fn loopchat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopchat"));
    untouched(&mut command)
        .env("LOOPCHAT_WEB", "off")
        .env("LOOPCHAT_STALL_TIMEOUT", "3600")
        .env("LOOPCHAT_SHUTDOWN_TIMEOUT", "3600");
    command
}

/// Takes out of a command's environment what would configure the server.
pub fn untouched(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("LOOPCHAT_") || text.starts_with("RUST_LOG") {
            command.env_remove(&name);
        }
    }
    // No test leaves anything in somebody's home.
    command.env("LOOPCHAT_STORE", "memory")
}

/// A server that runs. It is killed when it goes out of scope, and a failing test shows its log.
pub struct Server {
    process: Process,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    /// Where it listens first.
    pub address: String,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

impl Server {
    /// On a free port of 127.0.0.1.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same, with more flags.
    pub fn with(flags: &[&str]) -> Self {
        Self::listening(loopchat().args(["--listen", "127.0.0.1:0"]).args(flags))
    }

    /// Where the log says that the web door is.
    pub fn web_address(&self) -> SocketAddr {
        let said = "the chat in a browser: http://";
        let line = self.expect_log(|line| line.contains(said));
        let (_, address) = line.rsplit_once(said).expect("an address");
        let address = address.trim_end_matches('/').parse();
        address.expect("an address and a port")
    }

    /// Any command that becomes a server; waits until it listens.
    pub fn listening(command: &mut Command) -> Self {
        let mut server = Self::spawn(command);
        let line = server.expect_log(|line| line.contains("listening on "));
        let (_, address) = line.rsplit_once("listening on ").expect("an address");
        server.address = address.to_owned();
        server
    }

    /// The same without waiting.
    pub fn spawn(command: &mut Command) -> Self {
        Self::with_streams(command.stdin(Stdio::null()).stdout(Stdio::null()))
    }

    /// The same with the command's own standard input and output.
    pub fn with_streams(command: &mut Command) -> Self {
        let mut process = Process::spawn(command.stderr(Stdio::piped()));
        let stderr = process.0.stderr.take().expect("stderr is piped");
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let line = line.expect("the log is UTF-8");
                writer.lines.lock().expect("no reader panics").push(line);
                writer.grown.notify_all();
            }
        });
        Self {
            process,
            log,
            reader: Some(reader),
            address: String::new(),
        }
    }

    /// Waits for a line of the log.
    pub fn expect_log(&self, wanted: impl Fn(&str) -> bool) -> String {
        let lines = self.log.lines.lock().expect("no reader panics");
        let found = |lines: &Vec<String>| lines.iter().find(|line| wanted(line)).cloned();
        let (lines, _) = self
            .log
            .grown
            .wait_timeout_while(lines, DEADLINE, |lines| found(lines).is_none())
            .expect("no reader panics");
        found(&lines).unwrap_or_else(|| panic!("the log has no such line: {lines:#?}"))
    }

    /// The log so far. All of it, after [`ended`](Self::ended).
    pub fn log(&self) -> Vec<String> {
        self.log.lines.lock().expect("no reader panics").clone()
    }

    /// Waits for the end of the process, and of its log.
    pub fn ended(&mut self) -> ExitStatus {
        let status = self.process.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log was read");
        }
        status
    }

    /// A new member, where the server listens first.
    pub fn join(&self) -> Client {
        Client::join(&self.address)
    }
}

impl Deref for Server {
    type Target = Process;
    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the server's log: {:#?}", self.log.lines.lock());
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Clients

/// A folder of its own, for sockets, gone with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for temporary files"))
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path().join(name.as_ref())
    }

    /// The same as text, for `--listen`.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a UTF-8 path").to_owned()
    }
}
