//! A loop whose time jumps, and peers for it in the same thread.
//!
//! Everything here is over Unix sockets: what is written to one is with the other end when the
//! write returns, and so are a new connection and an end. A poll that has nothing to tell has
//! therefore shown that nothing is on its way, and time may jump to the next timer: it cannot
//! overtake a peer, whatever the speed of the machine. (TCP promises no such thing, not even
//! within one machine; nor does another thread.)
//!
//! So a test can say at which millisecond of the loop's time a thing has to happen.
#![allow(
    dead_code,
    reason = "every test binary uses its own part of this module"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loopchat::EventLoop;
use loopchat::event_loop::ManualClock;
use tempfile::TempDir;

/// Whoever waits for longer waits in vain: a week, which passes at once.
const IN_VAIN: u64 = 7 * 24 * 3600 * 1000;

/// What is handed on from turn to turn at one point in time takes fewer turns than this.
const TURNS: usize = 32;

/// A loop, its time, and what its callbacks share.
pub struct Timed<S: 'static> {
    pub event_loop: EventLoop<S>,
    pub state: S,
    clock: ManualClock,
    folder: TempDir,
}

impl<S> Timed<S> {
    pub fn new(state: S) -> Self {
        Self::with(|_, _| state)
    }

    /// With a state that is made on the loop, and may listen in the folder.
    pub fn with(state: impl FnOnce(&mut EventLoop<S>, &Path) -> S) -> Self {
        let clock = ManualClock::new();
        let mut event_loop = EventLoop::with_clock(clock.clone()).expect("a loop");
        // It holds the loop open, too: a turn of a loop that has nothing to wait for does not wait.
        event_loop.set_timeout(Duration::from_millis(IN_VAIN), |_, _| {
            panic!("waited in vain")
        });
        let folder = tempfile::tempdir().expect("a folder for sockets");
        let state = state(&mut event_loop, folder.path());
        Self {
            event_loop,
            state,
            clock,
            folder,
        }
    }

    /// Where something may listen.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A peer of whoever listens there.
    pub fn connect(&self, name: &str) -> Peer {
        Peer::over(UnixStream::connect(self.path(name)).expect("someone listens"))
    }

    /// The loop's time in milliseconds.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    pub fn turn(&mut self) {
        self.run_ticks();
        self.event_loop.turn(&mut self.state).expect("it polls");
    }

    /// Does what the test itself has put off by what it called between two turns.
    fn run_ticks(&mut self) {
        self.event_loop.make_callback(&mut self.state, |_, _| {});
    }

    /// Runs until there is something to see; time passes as that takes.
    pub fn until<T>(&mut self, mut look: impl FnMut(&mut S) -> Option<T>) -> T {
        loop {
            self.run_ticks();
            if let Some(seen) = look(&mut self.state) {
                return seen;
            }
            self.turn();
        }
    }

    /// Runs up to this time, and does all that is due by then.
    pub fn run_to(&mut self, time: u64) {
        let wait = time.checked_sub(self.now()).expect("it is still to come");
        if wait > 0 {
            self.event_loop
                .set_timeout(Duration::from_millis(wait), |_, _| {});
        }
        while self.now() < time {
            self.turn();
        }
        self.settle();
    }

    /// Runs for so many milliseconds, and does all that is due by then.
    pub fn run_for(&mut self, ms: u64) {
        self.run_to(self.now() + ms);
    }

    /// Does all that is due now; no time passes.
    pub fn settle(&mut self) {
        let now = self.now();
        for _ in 0..TURNS {
            self.event_loop.set_immediate(|_, _| {}); // it keeps time from jumping
            self.turn();
        }
        assert_eq!(self.now(), now, "time stood still");
    }

    /// Runs until the peer has got this; all up to and with it is taken out of what it has got.
    pub fn read_until(&mut self, peer: &mut Peer, wanted: &str) -> String {
        loop {
            self.run_ticks();
            peer.read();
            let mut windows = peer.got.windows(wanted.len());
            if let Some(at) = windows.position(|window| window == wanted.as_bytes()) {
                let taken: Vec<u8> = peer.got.drain(..at + wanted.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            if peer.end.is_some() {
                panic!("{:?} is all that came", peer.text());
            }
            self.turn();
        }
    }

    /// Runs until the peer has got enough for this to make something of it, and of how many bytes.
    pub fn read_by<T>(
        &mut self,
        peer: &mut Peer,
        parse: impl Fn(&[u8]) -> Option<(T, usize)>,
    ) -> T {
        loop {
            self.run_ticks();
            peer.read();
            if let Some((parsed, length)) = parse(&peer.got) {
                peer.got.drain(..length);
                return parsed;
            }
            if peer.end.is_some() {
                panic!("{:?} is all that came", peer.text());
            }
            self.turn();
        }
    }

    /// Runs until the peer's stream has ended, without a reset; what was still to be read.
    pub fn rest(&mut self, peer: &mut Peer) -> String {
        let (text, end) = self.end(peer);
        assert_eq!(end, End::Closed, "{text:?} is all that came");
        text
    }

    /// Runs until the peer's stream has ended, and how.
    pub fn end(&mut self, peer: &mut Peer) -> (String, End) {
        loop {
            self.run_ticks();
            peer.read();
            if let Some(end) = peer.end {
                return (peer.take(), end);
            }
            self.turn();
        }
    }

    /// Has the peer read until nothing more comes, and no time pass; all that has come.
    pub fn drain(&mut self, peer: &mut Peer) -> String {
        String::from_utf8_lossy(&self.drain_bytes(peer)).into_owned()
    }

    /// The same as bytes.
    pub fn drain_bytes(&mut self, peer: &mut Peer) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            self.settle();
            match peer.take_bytes() {
                some if some.is_empty() => return all,
                mut some => all.append(&mut some),
            }
        }
    }

    /// Has the peer send this; the loop takes it.
    pub fn send_all(&mut self, peer: &mut Peer, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match peer.stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.turn(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Has the peer send the same again and again until the loop takes no more of it; how many
    /// bytes it took.
    pub fn send_until_stuck(&mut self, peer: &mut Peer, bytes: &[u8]) -> usize {
        let mut taken = 0;
        loop {
            match peer.stream.write(&bytes[taken % bytes.len()..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Whatever the loop still does about it, now or later, makes room.
                    self.settle();
                    match peer.stream.write(&bytes[taken % bytes.len()..]) {
                        Ok(count) => taken += count,
                        Err(_) => return taken,
                    }
                }
                Err(error) => panic!("{error}"),
            }
            assert!(taken < 1 << 30, "it is read on and on");
        }
    }
}

/// How a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Closed,
    /// By a reset: something that was on its way may be lost.
    Reset,
}

/// The other end of a connection. It never blocks: what it waits for is the loop's to do.
pub struct Peer {
    pub stream: UnixStream,
    got: Vec<u8>,
    end: Option<End>,
}

impl Peer {
    pub fn over(stream: UnixStream) -> Self {
        stream.set_nonblocking(true).expect("it can be");
        Self {
            stream,
            got: Vec::new(),
            end: None,
        }
    }

    /// Sends all of it; the system has to have room.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("there is room");
    }

    /// Sends no more.
    pub fn shut_down(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
    }

    /// Takes from the system all there is.
    pub fn read(&mut self) {
        let mut buffer = [0; 64 * 1024];
        while self.end.is_none() {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.end = Some(End::Closed),
                Ok(count) => self.got.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    self.end = Some(End::Reset);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// What has come by now and was not taken.
    pub fn text(&mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.got).into_owned()
    }

    /// The same, and takes it.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.got.clear();
        text
    }

    /// The same as bytes.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        self.read();
        std::mem::take(&mut self.got)
    }

    /// Whether the stream has ended, and how.
    pub fn ended(&mut self) -> Option<End> {
        self.read();
        self.end
    }
}
