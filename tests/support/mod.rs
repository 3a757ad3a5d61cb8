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
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, kill_process, setrlimit};
use socket2::{Domain, SockAddr, Socket, Type};

pub use rustix::process::Signal;

/// How long anything may take before a test fails: far longer than it does, on any machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

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

/// A child that does not outlive the test.
pub struct Process(Child);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
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

/// The binary, without what the environment of the tests says about it.
pub fn loopchat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopchat"));
    untouched(&mut command);
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
    command
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
        let mut process = Process::spawn(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        );
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

/// One end of a conversation.
pub struct Client {
    stream: Socket,
    /// Read, but not yet asked for.
    unread: Vec<u8>,
    /// How much of it was asked for since.
    taken: usize,
    /// The nickname it was greeted with.
    pub name: String,
    /// A program the conversation goes through.
    pub process: Option<Process>,
}

impl Client {
    /// Connects to `IP:PORT`, or to a path with a `/` in it.
    pub fn connect(address: &str) -> Self {
        Self::over(dial(address))
    }

    /// Connects, and reads the greeting.
    pub fn join(address: &str) -> Self {
        let mut client = Self::connect(address);
        client.read_greeting();
        client
    }

    /// A program that connects for us: its standard input and output are the stream.
    pub fn through(command: &mut Command) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let output = theirs.try_clone().expect("a descriptor is left");
        let process = Process::spawn(
            command
                .stdin(OwnedFd::from(theirs))
                .stdout(OwnedFd::from(output))
                .stderr(Stdio::inherit()),
        );
        // The command keeps copies of the descriptors, and with them the stream open.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self {
            process: Some(process),
            ..Self::over(Socket::from(OwnedFd::from(ours)))
        }
    }

    fn over(stream: Socket) -> Self {
        stream
            .set_write_timeout(Some(DEADLINE))
            .expect("sockets have timeouts");
        Self {
            stream,
            unread: Vec::new(),
            taken: 0,
            name: String::new(),
            process: None,
        }
    }

    /// Reads the two lines every newcomer gets, and notes the nickname in them.
    pub fn read_greeting(&mut self) {
        let welcome = self.line();
        let name = welcome
            .strip_prefix("* Welcome to loopchat, ")
            .and_then(|rest| rest.split_once(". You are in #lobby with "));
        self.name = name
            .unwrap_or_else(|| panic!("no greeting: {welcome}"))
            .0
            .to_owned();
        let hint = self.line();
        assert!(hint.starts_with("* Type to talk. "), "no hint: {hint}");
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server reads");
    }

    /// Sends a line.
    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// Sends no more.
    pub fn half_close(&mut self) {
        self.stream
            .shutdown(Shutdown::Write)
            .expect("the connection is open");
    }

    /// Ends a TCP connection with a reset instead of an end.
    pub fn reset(self) {
        self.stream
            .set_linger(Some(Duration::ZERO))
            .expect("TCP sockets can linger");
    }

    /// The next line without its end, or `None` at the end of the stream. What comes has to be
    /// UTF-8, and the stream must not end within a line.
    pub fn next_line(&mut self) -> Option<String> {
        let deadline = Instant::now() + DEADLINE;
        let mut searched = self.taken;
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.unread[searched..]) {
                let end = searched + length;
                let line = self.unread[self.taken..end].to_vec();
                self.taken = end + 1;
                return Some(String::from_utf8(line).expect("the server sends UTF-8"));
            }
            self.unread.drain(..mem::take(&mut self.taken));
            searched = self.unread.len();
            if self.read(deadline).expect("the connection holds") == 0 {
                let rest = String::from_utf8_lossy(&self.unread);
                assert!(rest.is_empty(), "the stream ends within a line: {rest:?}");
                return None;
            }
        }
    }

    /// The next line, which has to come.
    pub fn line(&mut self) -> String {
        self.next_line()
            .unwrap_or_else(|| panic!("{} was disconnected", self.name))
    }

    fn read(&mut self, deadline: Instant) -> io::Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{} waited in vain", self.name);
        self.stream.set_read_timeout(Some(left))?;
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let unread = String::from_utf8_lossy(&self.unread[self.taken..]);
                panic!("{} waited in vain; it has {unread:?}", self.name)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads up to the first line that is wanted, and returns that one and those before it.
    pub fn lines_until(&mut self, wanted: impl Fn(&str) -> bool) -> (Vec<String>, String) {
        let deadline = Instant::now() + DEADLINE;
        let mut before = Vec::new();
        loop {
            let line = self.next_line();
            match line {
                Some(line) if wanted(&line) => return (before, line),
                Some(line) => before.push(line),
                None => panic!("{} was disconnected after {before:#?}", self.name),
            }
            assert!(
                Instant::now() < deadline,
                "{} got only {before:#?}",
                self.name
            );
        }
    }

    /// Reads up to the first line that is wanted.
    pub fn expect_line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        self.lines_until(wanted).1
    }

    /// Reads up to exactly this line.
    pub fn expect(&mut self, wanted: &str) {
        self.expect_line(|line| line == wanted);
    }

    /// Asks something, and returns what came before the answer.
    ///
    /// The server has then read everything this client sent before. What it had read of others
    /// when the question was asked, it has written to this client: it is in what is returned.
    pub fn sync(&mut self) -> Vec<String> {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let room = format!("sync-{}", ASKED.fetch_add(1, Ordering::Relaxed));
        self.say(&format!("/who {room}"));
        let answer = format!("! There is no room #{room}.");
        self.lines_until(|line| line == answer).0
    }

    /// The next `count` messages; notices between them are left out.
    pub fn messages(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.expect_line(is_message)).collect()
    }

    /// All lines up to the end of the stream.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next_line()).collect()
    }

    /// Waits for the connection to end, in whatever way, and forgets what was still to be read.
    pub fn wait_for_end(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while self.read(deadline).is_ok_and(|count| count > 0) {}
    }
}

/// A connected socket. The server's backlog is to hold it even if the server is busy.
pub fn dial(address: &str) -> Socket {
    let (domain, to) = if address.contains('/') {
        (Domain::UNIX, SockAddr::unix(address).expect("a path"))
    } else {
        let address: SocketAddr = address.parse().expect("an address");
        (Domain::for_address(address), address.into())
    };
    let socket = Socket::new(domain, Type::STREAM, None).expect("a descriptor is left");
    if domain == Domain::UNIX {
        // Its `connect` waits for room in the backlog as long as a write may take.
        socket.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        socket.connect(&to).expect("the server listens");
    } else {
        socket
            .connect_timeout(&to, DEADLINE)
            .expect("the server listens");
        socket.set_tcp_nodelay(true).expect("a TCP socket");
    }
    socket
}

/// Whether a line is something a member said, and no notice, error, or answer.
pub fn is_message(line: &str) -> bool {
    !line.starts_with("* ") && !line.starts_with("! ")
}

/// What members said, of all these lines.
pub fn messages(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| is_message(line)).collect()
}

/// How many members a notice of arrivals speaks of: `* a, b, c and 7 others joined #lobby.`
pub fn joins(notice: &str) -> usize {
    let who = notice
        .strip_prefix("* ")
        .and_then(|line| line.strip_suffix(" joined #lobby."))
        .unwrap_or_else(|| panic!("no notice of arrivals alone: {notice}"));
    let (named, others) = match who.rsplit_once(" and ") {
        Some((named, others)) => (named, others.split(' ').next()),
        None => (who, None),
    };
    let others = others.map_or(0, |count| count.parse().expect("a number of others"));
    named.split(", ").count() + others
}

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
