//! What is under way between the sockets of this process: a clock that jumps must not overtake it.
//!
//! Over loopback a packet mostly arrives within the system call that sends it, but nothing
//! promises that. The kernel may have put the work of this processor off; Nagle's algorithm keeps
//! a small write back until the one before it is acknowledged, which may take 40 ms; a full buffer
//! is filled again by a timer. So the kernel is asked, in two ways:
//!
//! - A datagram to oneself goes through the same queue as everything that this processor sent
//!   before. Once it is back, all of that has arrived; the thread is kept on its processor for it.
//! - Where not all bytes that were written have been read, the kernel's table of connections tells
//!   whether any are on their way, or all wait for a reader.

#![allow(
    dead_code,
    reason = "every test binary uses its own part of this module"
)]

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use loopchat::event_loop::{Counters, ManualClock};

/// Whatever is under way longer than this is lost.
const DEADLINE: Duration = Duration::from_secs(120);

/// What follows a packet may itself have an answer: a handshake is three of them.
const PINGS: usize = 4;

/// A clock that jumps only when nothing is under way between the sockets of this process.
pub fn clock() -> ManualClock {
    let ping = Ping::new();
    ManualClock::settling(move |counters| ping.settle(counters))
}

/// A way to know that what this thread sent has arrived.
#[derive(Debug)]
pub struct Ping(UdpSocket);

impl Ping {
    /// Keeps the calling thread on the processor that it is on.
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        {
            use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
            let mut here = CpuSet::new();
            here.set(sched_getcpu());
            sched_setaffinity(None, &here).expect("a thread may stay where it is");
        }
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        socket.connect(address).expect("to itself");
        socket.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        Self(socket)
    }

    /// Returns when all packets that this thread has sent are delivered, and their answers.
    pub fn arrived(&self) {
        for _ in 0..PINGS {
            self.0.send(b"!").expect("loopback is up");
            let mut back = self.0.recv(&mut [0]);
            while matches!(&back, Err(error) if error.kind() == ErrorKind::Interrupted) {
                back = self.0.recv(&mut [0]); // the process was stopped, and goes on
            }
            back.expect("a datagram comes back");
        }
    }

    fn settle(&self, counters: &Counters) {
        self.arrived();
        if counters.bytes_read != counters.bytes_written {
            let deadline = Instant::now() + DEADLINE;
            while let Some(what) = table::under_way() {
                assert!(Instant::now() < deadline, "it does not arrive: {what}");
                std::thread::sleep(Duration::from_millis(1)); // until the next look
            }
            self.arrived();
        }
    }
}

#[cfg(target_os = "linux")]
mod table {
    use std::collections::{HashMap, HashSet};
    use std::net::{IpAddr, SocketAddr};

    use procfs::net::{TcpNetEntry, TcpState};
    use procfs::process::{FDTarget, Process};
    use procfs::{ProcError, ProcResult};

    /// A connection of this process on which something is under way, if there is any.
    pub fn under_way() -> Option<String> {
        match look() {
            Ok(found) => found,
            // A test that uses up all descriptors: the pings have to do.
            Err(ProcError::Io(error, _)) if error.raw_os_error() == Some(EMFILE) => None,
            Err(error) => panic!("the table of connections: {error}"),
        }
    }

    const EMFILE: i32 = 24;

    fn look() -> ProcResult<Option<String>> {
        let mut own = HashSet::new();
        for descriptor in Process::myself()?.fd()? {
            if let Ok(FDTarget::Socket(inode)) = descriptor.map(|found| found.target) {
                own.insert(inode);
            }
        }
        let mut table = procfs::net::tcp()?;
        table.extend(procfs::net::tcp6()?);
        let ends = |entry: &TcpNetEntry| (plain(entry.local_address), plain(entry.remote_address));
        let by_ends: HashMap<_, _> = table.iter().map(|entry| (ends(entry), entry)).collect();
        let found = table.iter().find(|entry| {
            let (local, remote) = ends(entry);
            let peer = by_ends.get(&(remote, local)).copied();
            let ours = own.contains(&entry.inode) || peer.is_some_and(|p| own.contains(&p.inode));
            let here = remote.ip().is_loopback() || remote.ip() == local.ip();
            ours && here && is_under_way(entry, peer)
        });
        Ok(found.map(|entry| format!("{entry:?}")))
    }

    /// An IPv4 address as such, also on a socket of IPv6.
    fn plain(address: SocketAddr) -> SocketAddr {
        let ip: IpAddr = address.ip().to_canonical();
        SocketAddr::new(ip, address.port())
    }

    fn is_under_way(entry: &TcpNetEntry, peer: Option<&TcpNetEntry>) -> bool {
        match (&entry.state, peer) {
            (TcpState::Listen | TcpState::TimeWait | TcpState::Close, _) => false,
            (TcpState::SynSent | TcpState::SynRecv | TcpState::NewSynRecv, _) => true,
            // The kernel may forget who has closed; a reset is behind the pings.
            (TcpState::CloseWait, None) => false,
            // A reset.
            (_, None) => true,
            // What was sent is acknowledged, or waits behind what the peer has not read.
            (_, Some(peer)) => entry.tx_queue > 0 && peer.rx_queue == 0,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod table {
    /// There is no table to look at: the pings have to do.
    pub fn under_way() -> Option<String> {
        None
    }
}
