//! The client as a process, and a server that says what a test likes.

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

use crate::support::{DEADLINE, Process, eventually, untouched};

/// The program under test.
pub struct Client {
    pub process: Process,
    /// Open until it is dropped; for the client that is the end of its input.
    pub stdin: Option<PipeWriter>,
    pub stdout: Lines,
    pub stderr: Lines,
}

/// What a program prints, line by line as it comes.
pub struct Lines {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    pub fn of(source: impl Read + Send + 'static) -> Self {
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
    pub fn wait_for(&mut self, part: &str) -> String {
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
    pub fn all(&mut self) -> &[String] {
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
pub fn example() -> PathBuf {
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
pub fn start(mut command: Command, stdin: impl Into<Stdio>) -> (Process, PipeReader, PipeReader) {
    let (stdout, to_stdout) = io::pipe().expect("a descriptor is left");
    let (stderr, to_stderr) = io::pipe().expect("a descriptor is left");
    let command = untouched(&mut command);
    let command = command.stdin(stdin).stdout(to_stdout).stderr(to_stderr);
    (Process::spawn(command), stdout, stderr)
}

impl Client {
    pub fn with_stdin<S: AsRef<OsStr>>(arguments: &[S], stdin: impl Into<Stdio>) -> Self {
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
    pub fn start<S: AsRef<OsStr>>(arguments: &[S]) -> Self {
        let (stdin, to_stdin) = io::pipe().expect("a descriptor is left");
        let mut client = Self::with_stdin(arguments, stdin);
        client.stdin = Some(to_stdin);
        client
    }

    /// Its standard input is a pipe with this text in it, and no more; it has to have room for it.
    pub fn piped<S: AsRef<OsStr>>(arguments: &[S], text: &str) -> Self {
        let (stdin, mut to_stdin) = io::pipe().expect("a descriptor is left");
        // Before it starts: it may end without having read any.
        to_stdin.write_all(text.as_bytes()).expect("it is open");
        Self::with_stdin(arguments, stdin)
    }

    pub fn types(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(text.as_bytes()).expect("the client reads");
    }

    #[track_caller]
    pub fn exits_with(&mut self, code: i32) {
        assert_eq!(self.process.wait().code(), Some(code));
    }
}

/// A server of the test's own: it says what it likes.
pub struct FakeServer {
    pub listener: TcpListener,
    pub address: String,
}

impl FakeServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("it is a listener");
        let address = listener.local_addr().expect("it is bound").to_string();
        Self { listener, address }
    }

    /// A connection of the client, which is told that only lines are spoken here.
    pub fn accept(&self) -> TcpStream {
        let mut stream = self.accept_silently();
        let mut asked = [0; 6];
        stream.read_exact(&mut asked).expect("the client asks");
        assert_eq!(&asked, b"/json\n");
        let answer = b"! There is no command /json. /help lists the commands.\n";
        stream.write_all(answer).expect("the client hears");
        stream
    }

    /// The same without a word.
    pub fn accept_silently(&self) -> TcpStream {
        let accepted = eventually("the client to connect", || self.listener.accept().ok());
        let stream = accepted.0;
        stream.set_nonblocking(false).expect("it is a socket");
        let deadline = stream.set_read_timeout(Some(DEADLINE));
        deadline.expect("sockets have timeouts");
        stream
    }
}

pub fn file_with(content: &str) -> File {
    let mut file = tempfile::tempfile().expect("there is room for a file");
    file.write_all(content.as_bytes()).expect("and for this");
    file.rewind().expect("it is a file");
    file
}

/// The client at a terminal, which `script` makes: standard input, output and error in one.
pub fn at_terminal(address: &str) -> Client {
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
