//! A client on a real socket, and what it makes of the lines it hears.

use super::*;

/// One end of a conversation.
pub struct Client {
    stream: Socket,
    /// Read, but not yet asked for.
    unread: Vec<u8>,
    /// How much of it was asked for since.
    taken: usize,
    /// Telnet commands that came among the lines: `IAC`, what, and an option each.
    pub telnet: Vec<u8>,
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

    /// Over a socket that is connected already.
    pub fn over(stream: Socket) -> Self {
        stream
            .set_write_timeout(Some(DEADLINE))
            .expect("sockets have timeouts");
        Self {
            stream,
            unread: Vec::new(),
            taken: 0,
            telnet: Vec::new(),
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

    /// Sends bytes, the last of which is marked as urgent.
    pub fn send_urgent(&mut self, bytes: &[u8]) {
        let sent = self.stream.send_out_of_band(bytes);
        assert_eq!(sent.expect("the server reads"), bytes.len());
    }

    /// Sends a line.
    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// Sends the same again and again, until the other end has had enough.
    pub fn send_until_cut_off(&mut self, bytes: &[u8]) {
        while self.stream.write_all(bytes).is_ok() {}
    }

    /// Sends as much of it as the other end takes before it has had enough.
    pub fn send_until_end(&mut self, bytes: &[u8]) {
        // An error says that it has.
        let _ = self.stream.write_all(bytes);
    }

    /// Sends the same again and again, until the other end's system takes no more of it for now.
    /// Returns how many bytes that were.
    pub fn send_what_fits(&mut self, bytes: &[u8]) -> usize {
        self.stream.set_nonblocking(true).expect("a socket");
        let mut sent = 0;
        let mut refusals = 0;
        // A window that is closed may open a little once more.
        while refusals < 20 {
            match self.stream.write(bytes) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    refusals += 1;
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("the connection is gone: {error}"),
            }
        }
        self.stream.set_nonblocking(false).expect("a socket");
        sent
    }

    /// Whether this is in what has come so far; it is still to be asked for.
    pub fn has_come(&mut self, text: &str) -> bool {
        self.take_what_came();
        memchr::memmem::find(&self.unread, text.as_bytes()).is_some()
    }

    /// Reads what has come so far; the lines are still to be asked for.
    pub fn take_what_came(&mut self) {
        self.stream.set_nonblocking(true).expect("a socket");
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = self.stream.read(&mut buffer) {
            self.unread.extend_from_slice(&buffer[..count]);
        }
        self.stream.set_nonblocking(false).expect("a socket");
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

    /// Whether the other end has ended the stream by now. What came before is still to be read.
    pub fn has_been_ended(&mut self) -> bool {
        self.take_what_came();
        self.stream.set_nonblocking(true).expect("a socket");
        let ended = self.stream.peek(&mut [mem::MaybeUninit::uninit()]);
        self.stream.set_nonblocking(false).expect("a socket");
        matches!(ended, Ok(0))
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
        match uninterrupted(|| self.stream.read(&mut buffer)) {
            Ok(count) => {
                for &byte in &buffer[..count] {
                    // No byte of UTF-8 is 255: what begins with it is a command of three bytes.
                    match byte == 255 || !self.telnet.len().is_multiple_of(3) {
                        true => self.telnet.push(byte),
                        false => self.unread.push(byte),
                    }
                }
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

/// What was said, of a line that repeats it with its time: `[14:03] alice: hi`.
#[track_caller]
pub fn replayed(line: &str) -> &str {
    let timed = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let (time, said) = timed.unwrap_or_else(|| panic!("no time: {line}"));
    assert_eq!(without_digits(time), "00:00", "{line}");
    said
}

/// With a zero in the place of every digit.
pub fn without_digits(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "0")
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
