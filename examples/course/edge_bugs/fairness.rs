//! Rule 2: everyone gets a share of a turn, and who has not finished is remembered.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as Peer;

use mio::net::UnixStream;
use mio::{Interest, Poll, Token};

use crate::{connection, events, say};

/// What the flooder has sent, to be read in pieces of one byte.
const FLOOD: usize = 1000;
/// Reads a socket may have in one turn.
const SHARE: usize = 4;

pub fn show() -> io::Result<()> {
    let mut crowd = Crowd::new()?;
    crowd.turn(usize::MAX, false)?;
    let reads = crowd.reads_before_quiet;
    say(
        "broken",
        format!("no cap: the quiet one is heard after {reads} reads of the flooder"),
    );

    let mut crowd = Crowd::new()?;
    crowd.turn(SHARE, false)?;
    let (reads, left) = (crowd.reads_before_quiet, FLOOD - crowd.reads);
    let events = events(&mut crowd.poll)?.len();
    say(
        "broken",
        format!(
            "a cap alone: heard after {reads}; then {events} events, {left} pieces stay unread"
        ),
    );

    let mut crowd = Crowd::new()?;
    crowd.turn(SHARE, true)?;
    let reads = crowd.reads_before_quiet;
    say(
        "mended",
        format!("a cap and a ready queue: heard after {reads}, and the flooder keeps its place"),
    );
    let mut turns = 1;
    while !crowd.ready.is_empty() {
        crowd.turn(SHARE, true)?;
        turns += 1;
    }
    say(
        "mended",
        format!("after {turns} turns all {} pieces are read", crowd.reads),
    );
    Ok(())
}

/// One who floods, one who says a word, and those known to be ready.
struct Crowd {
    poll: Poll,
    flooder: UnixStream,
    quiet: UnixStream,
    ready: VecDeque<Token>,
    reads: usize,
    /// Reads of the flooder before the quiet one was heard.
    reads_before_quiet: usize,
    _peers: [Peer; 2],
}

const FLOODER: Token = Token(0);
const QUIET: Token = Token(1);

impl Crowd {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let ((mut flooder, mut floods), (mut quiet, mut whispers)) = (connection()?, connection()?);
        poll.registry()
            .register(&mut flooder, FLOODER, Interest::READABLE)?;
        poll.registry()
            .register(&mut quiet, QUIET, Interest::READABLE)?;
        floods.write_all(&[b'x'; FLOOD])?;
        whispers.write_all(b"a word")?;
        Ok(Self {
            poll,
            flooder,
            quiet,
            ready: VecDeque::new(),
            reads: 0,
            reads_before_quiet: 0,
            _peers: [floods, whispers],
        })
    }

    /// One turn: a snapshot of those who are ready, so many reads for each.
    fn turn(&mut self, share: usize, remember: bool) -> io::Result<()> {
        if self.ready.is_empty() {
            let told = events(&mut self.poll)?;
            self.ready.extend(told.iter().map(|event| event.token()));
        }
        for token in std::mem::take(&mut self.ready) {
            let has_more = self.drain(token, share)?;
            if has_more && remember {
                self.ready.push_back(token); // no event will say so
            }
        }
        Ok(())
    }

    /// Whether there may be more to read.
    fn drain(&mut self, token: Token, share: usize) -> io::Result<bool> {
        if token == QUIET {
            self.reads_before_quiet = self.reads;
            return self.quiet.read(&mut [0; 64]).map(|_| false);
        }
        for _ in 0..share {
            match self.flooder.read(&mut [0]) {
                Ok(_) => self.reads += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
