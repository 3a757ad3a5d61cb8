//! `examples/chat_client.rs` as its users meet it: the real program against the real server, or
//! against one that misbehaves.
#![forbid(unsafe_code)]

mod support;

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Seek, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use support::{
    DEADLINE, Folder, Process, Server, Signal, eventually, has_tool, loopchat, untouched,
};

/// The program under test.
struct Client {
    process: Process,
    /// Open until it is dropped; for the client that is the end of its input.
    stdin: Option<PipeWriter>,
    stdout: Lines,
    stderr: Lines,
}

/// What a program prints, line by line as it comes.
struct Lines {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(source: impl Read + Send + 'static) -> Self {
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            lines,
            seen: Vec::new(),
        }
    }

    fn next(&mut self, end: Instant) -> Result<String, RecvTimeoutError> {
        let left = end.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left)?;
        self.seen.push(line.clone());
        Ok(line)
    }

    /// The next line that contains this.
    #[track_caller]
    fn wait_for(&mut self, part: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.next(end) {
                Ok(line) if line.contains(part) => return line,
                Ok(_) => {}
                Err(error) => panic!("no {part:?}: {error}; there is {:#?}", self.seen),
            }
        }
    }

    /// Everything, what was waited for included, once it has ended.
    #[track_caller]
    fn all(&mut self) -> &[String] {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.next(end) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return &self.seen,
                Err(RecvTimeoutError::Timeout) => panic!("no end of {:#?}", self.seen),
            }
        }
    }
}

/// The example, which `cargo test` has built beside the tests.
fn example() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    let built = test.parent().and_then(Path::parent).expect("target/debug");
    let program = built.join("examples/chat_client");
    assert!(
        program.exists(),
        "{} is not built: `cargo test` and `cargo build --examples` do it",
        program.display()
    );
    program
}

/// Starts a program. Of the pipes to its output nobody reads yet.
fn start(mut command: Command, stdin: impl Into<Stdio>) -> (Process, PipeReader, PipeReader) {
    let (stdout, to_stdout) = io::pipe().expect("a descriptor is left");
    let (stderr, to_stderr) = io::pipe().expect("a descriptor is left");
    let command = untouched(&mut command);
    let command = command.stdin(stdin).stdout(to_stdout).stderr(to_stderr);
    (Process::spawn(command), stdout, stderr)
}

impl Client {
    fn with_stdin<S: AsRef<OsStr>>(arguments: &[S], stdin: impl Into<Stdio>) -> Self {
        let mut command = Command::new(example());
        command.args(arguments);
        let (process, stdout, stderr) = start(command, stdin);
        Self {
            process,
            stdin: None,
            stdout: Lines::of(stdout),
            stderr: Lines::of(stderr),
        }
    }

    /// Its standard input is a pipe that stays open.
    fn start<S: AsRef<OsStr>>(arguments: &[S]) -> Self {
        let (stdin, to_stdin) = io::pipe().expect("a descriptor is left");
        let mut client = Self::with_stdin(arguments, stdin);
        client.stdin = Some(to_stdin);
        client
    }

    /// Its standard input is a pipe with this text in it, and no more.
    fn piped<S: AsRef<OsStr>>(arguments: &[S], text: &str) -> Self {
        let mut client = Self::start(arguments);
        client.types(text);
        client.stdin = None;
        client
    }

    fn types(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(text.as_bytes()).expect("the client reads");
    }

    #[track_caller]
    fn exits_with(&mut self, code: i32) {
        assert_eq!(self.process.wait().code(), Some(code));
    }
}

/// A server of the test's own: it says what it likes.
struct FakeServer {
    listener: TcpListener,
    address: String,
}

impl FakeServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("it is a listener");
        let address = listener.local_addr().expect("it is bound").to_string();
        Self { listener, address }
    }

    fn accept(&self) -> TcpStream {
        let accepted = eventually("the client to connect", || self.listener.accept().ok());
        let stream = accepted.0;
        stream.set_nonblocking(false).expect("it is a socket");
        let deadline = stream.set_read_timeout(Some(DEADLINE));
        deadline.expect("sockets have timeouts");
        stream
    }
}

fn file_with(content: &str) -> File {
    let mut file = tempfile::tempfile().expect("there is room for a file");
    file.write_all(content.as_bytes()).expect("and for this");
    file.rewind().expect("it is a file");
    file
}

/// A port of 127.0.0.1 on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").to_string()
}

#[test]
fn a_pipe_is_delivered_and_its_answers_are_printed() {
    let server = Server::start();
    let mut other = server.join();
    // The last line has no end, and is a line all the same.
    let mut client = Client::piped(&[&server.address], "hello\n/who\nand goodbye");
    client.exits_with(0);
    client.stdout.wait_for("* Welcome to loopchat, guest2.");
    client.stdout.wait_for("* In #lobby (2): guest1, guest2");
    assert_eq!(other.messages(2), ["guest2: hello", "guest2: and goodbye"]);
    assert!(client.stderr.all().is_empty());
}

#[test]
fn a_file_is_as_good_as_a_pipe() {
    let server = Server::start();
    let mut other = server.join();
    let mut client = Client::with_stdin(&[&server.address], file_with("hello\n/who\n"));
    client.exits_with(0);
    client.stdout.wait_for("* In #lobby (2): guest1, guest2");
    assert_eq!(other.messages(1), ["guest2: hello"]);
}

#[test]
fn no_input_at_all_is_an_end() {
    let server = Server::start();
    let mut client = Client::with_stdin(&[&server.address], Stdio::null());
    client.exits_with(0);
    client.stdout.wait_for("* Welcome to loopchat, guest1.");
}

#[test]
fn input_that_cannot_be_read_is_an_error() {
    let server = Server::start();
    let folder = File::open("/").expect("it is there");
    let mut client = Client::with_stdin(&[&server.address], folder);
    client.exits_with(1);
    client.stderr.wait_for("-- cannot read the input: ");
}

#[test]
fn a_path_is_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let _server = Server::listening(loopchat().args(["--listen", &path]));
    let mut client = Client::piped(&[&path], "/who\n");
    client.exits_with(0);
    client.stdout.wait_for("* In #lobby (1): guest1");
}

#[test]
fn a_host_name_is_looked_up() {
    let server = Server::start();
    let (_, port) = server.address.rsplit_once(':').expect("it has a port");
    let mut client = Client::piped(&[format!("localhost:{port}")], "/who\n");
    client.exits_with(0);
    client.stdout.wait_for("* In #lobby (1): guest1");
}

#[test]
fn flags_give_name_and_room() {
    let server = Server::start();
    let arguments = ["--nick", "ada", "--room", "tea", &server.address];
    let mut client = Client::piped(&arguments, "/who\n");
    client.exits_with(0);
    client.stdout.wait_for("* You are now ada.");
    client.stdout.wait_for("* You are now in #tea");
    client.stdout.wait_for("* In #tea (1): ada");
}

#[test]
fn after_quit_it_says_no_more_and_exits_with_zero() {
    let server = Server::start();
    let mut other = server.join();
    let mut client = Client::start(&[&server.address]);
    client.types("before\n/QUIT now\nafter\n");
    client.exits_with(0);
    client.stdout.wait_for("* Bye, guest2.");
    assert_eq!(support::messages(other.sync()), ["guest2: before"]);
}

#[test]
fn a_pipe_to_nobody_is_an_error() {
    let nobody = nobody();
    let mut client = Client::piped(&[&nobody], "");
    client.exits_with(1);
    let reason = format!("-- cannot connect to {nobody}: connect ECONNREFUSED {nobody}");
    assert_eq!(client.stderr.all(), [reason]);
    let mut client = Client::piped(&["nonsense"], "");
    client.exits_with(2);
    client.stderr.wait_for("it wants IP:PORT");
}

/// The heart of it: name, room and what is said meanwhile survive the server.
#[test]
fn it_comes_back_when_the_server_does() {
    let mut first = Server::start();
    let address = first.address.clone();
    let mut client = Client::start(&[&address]);
    // What is confirmed counts, not what is typed.
    client.types("/nick ada\n/nick not a name\n/join Tea\n/join ##\n");
    client.stdout.wait_for("* You are now ada.");
    client.stdout.wait_for("* You are now in #Tea");
    client.stdout.wait_for("! A room name");
    first.signal(Signal::KILL);
    first.wait();
    let lost = "-- connection lost; next try in 1 s";
    assert_eq!(client.stderr.wait_for(""), lost);
    client.types("/who\n");
    client.stderr.wait_for("ECONNREFUSED");

    let _second = Server::listening(loopchat().args(["--listen", &address]));
    client.stderr.wait_for("-- connected again");
    client.stdout.wait_for("* Welcome to loopchat, guest1.");
    client.stdout.wait_for("* You are now ada.");
    client.stdout.wait_for("* You are now in #Tea");
    client.stdout.wait_for("* In #Tea (1): ada");
    client.stdin = None;
    client.exits_with(0);
}

#[test]
fn a_guest_comes_back_as_a_guest_to_the_lobby() {
    let server = FakeServer::start();
    let mut client = Client::start(&[&server.address]);
    let mut stream = server.accept();
    let greeting = "* Welcome to loopchat, guest7. You are in #lobby with 1 other.\n\
                    * You are now in #tea with 0 others.\n\
                    * You are now in #lobby with 1 other.\n\
                    ada: * You are now eve.\n";
    stream.write_all(greeting.as_bytes()).expect("it reads");
    client.stdout.wait_for("ada:");
    drop(stream);
    client.stderr.wait_for("-- connection lost");
    client.types("first\n"); // it waits in the pipe
    let stream = server.accept();
    client.stderr.wait_for("-- connected again");
    let said = Lines::of(stream).wait_for("");
    assert_eq!(said, "first", "neither a /nick nor a /join");
}

#[test]
fn what_comes_after_the_input_is_printed_and_made_harmless() {
    let server = FakeServer::start();
    let mut client = Client::piped(&[&server.address], "question\n");
    let mut stream = server.accept();
    let mut asked = String::new();
    stream.read_to_string(&mut asked).expect("it half-closes");
    assert_eq!(asked, "question\n");
    let answer = "\x1b[31mred\u{202E}\r\n\x07 žluťoučký kůň\nno end\x1b";
    stream.write_all(answer.as_bytes()).expect("it reads");
    drop(stream);
    client.exits_with(0);
    let printed = client.stdout.all();
    assert_eq!(printed, ["[31mred", " žluťoučký kůň", "no end"]);
}

/// A megabyte of lines, told apart by their numbers.
fn megabyte() -> (String, Vec<String>) {
    let lines = (0..16 * 1024).map(|number| format!("{number:063}"));
    let lines: Vec<String> = lines.collect();
    (lines.join("\n") + "\n", lines)
}

#[test]
fn a_megabyte_arrives_complete() {
    let server = Server::start();
    let mut other = server.join();
    let (text, lines) = megabyte();
    let expected = |guest: &str| -> Vec<String> {
        let said = lines.iter().map(|line| format!("{guest}: {line}"));
        said.collect()
    };
    let mut client = Client::start(&[&server.address]);
    let mut stdin = client.stdin.take().expect("it is open");
    let feeder = {
        let text = text.clone();
        thread::spawn(move || stdin.write_all(text.as_bytes()).expect("the client reads"))
    };
    assert!(other.messages(lines.len()) == expected("guest2"), "a pipe");
    feeder.join().expect("all was taken");
    client.exits_with(0);
    let mut client = Client::with_stdin(&[&server.address], file_with(&text));
    assert!(other.messages(lines.len()) == expected("guest3"), "a file");
    client.exits_with(0);
}

/// Someone says a megabyte, and the client's output goes to a pipe that nobody reads. Returns when
/// that is full, with the reader that will not.
fn stuck() -> (Process, PipeReader, thread::JoinHandle<()>) {
    let server = FakeServer::start();
    let mut command = Command::new(example());
    command.arg(&server.address);
    let (process, stdout, _stderr) = start(command, Stdio::null());
    let mut stream = server.accept();
    let speaker = thread::spawn(move || {
        // An error says that the client is gone.
        let _ = stream.write_all(megabyte().0.as_bytes());
    });
    eventually("the pipe to be full", || {
        let unread = rustix::io::ioctl_fionread(&stdout).expect("it is a pipe");
        (unread > 60 * 1024).then_some(())
    });
    (process, stdout, speaker)
}

#[test]
fn output_that_nobody_reads_waits_and_is_complete() {
    let (mut process, mut stdout, speaker) = stuck();
    let mut printed = String::new();
    stdout.read_to_string(&mut printed).expect("it is text");
    assert!(printed == megabyte().0, "{} bytes", printed.len());
    assert_eq!(process.wait().code(), Some(0));
    speaker.join().expect("it does not panic");
}

#[test]
fn ctrl_c_exits_with_130_whatever_the_output_does() {
    let server = Server::start();
    let mut client = Client::start(&[&server.address]);
    client.stdout.wait_for("Type to talk");
    client.process.signal(Signal::INT);
    client.exits_with(130);
    let (mut process, _unread, _speaker) = stuck();
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(130));
}

/// The client at a terminal, which `script` makes: standard input, output and error in one.
fn at_terminal(address: &str) -> Client {
    let mut command = Command::new("script");
    let line = format!("{} {address}", example().display());
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    let (stdin, to_stdin) = io::pipe().expect("a descriptor is left");
    let (process, stdout, stderr) = start(command, stdin);
    Client {
        process,
        stdin: Some(to_stdin),
        stdout: Lines::of(stdout),
        stderr: Lines::of(stderr),
    }
}

#[test]
fn at_a_terminal_it_keeps_trying_and_keeps_what_is_typed() {
    if !has_tool("script") {
        return;
    }
    let address = nobody();
    let mut client = at_terminal(&address);
    client.stdout.wait_for("ECONNREFUSED");
    for number in 0..=100 {
        client.types(&format!("line {number}\n"));
    }
    client.stdout.wait_for("-- not connected, and too many");
    let mut server = Server::listening(loopchat().args(["--listen", &address]));
    client.stdout.wait_for("* Welcome to loopchat, guest1.");
    client.types("/history 999\n");
    client.stdout.wait_for("* The last 100 messages of #lobby:");
    client.stdout.wait_for("guest1: line 99");
    server.signal(Signal::TERM);
    server.wait();
    client.stdout.wait_for("Goodbye.");
    client.stdout.wait_for("-- connection lost"); // in this order
    client.types("\x04"); // Ctrl-D: who would wait for answers
    client.exits_with(0);
}

#[test]
fn ctrl_d_and_ctrl_c_at_a_terminal() {
    if !has_tool("script") {
        return;
    }
    let server = Server::start();
    let mut client = at_terminal(&server.address);
    client.stdout.wait_for("Type to talk");
    client.types("/who\n\x04");
    client.stdout.wait_for("* In #lobby (1)");
    client.exits_with(0);
    let mut client = at_terminal(&server.address);
    client.stdout.wait_for("Type to talk");
    client.types("\x03");
    client.exits_with(130);
}
