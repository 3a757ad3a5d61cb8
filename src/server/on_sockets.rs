//! Tests of the doors on real sockets, turn by turn: the loop runs in the test, and so do its
//! peers, so what a turn has brought and what it has cost is known without a clock. Before each
//! turn all that was sent has arrived.

mod drafts;
mod end;
#[path = "../../tests/support/in_flight.rs"]
mod in_flight;
mod queries;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::event_loop::ManualClock;
use crate::net::Address;
use crate::room_log::{MemoryLog, RoomLog};
use crate::server::bind::{Bound, bind_all, bind_web};
use crate::server::doors::line;
use crate::server::doors::web;
use crate::server::{ChatServer, Config, Loop, shutdown};
use in_flight::Ping;

/// A server with both doors, whose time stands still.
struct House {
    event_loop: Loop,
    server: ChatServer,
    lines: SocketAddr,
    web: SocketAddr,
    ping: Ping,
}

struct Peer {
    stream: TcpStream,
    heard: String,
}

impl House {
    fn new(config: Config) -> Self {
        Self::with_log(config, Box::<MemoryLog>::default())
    }

    fn with_log(config: Config, log: Box<dyn RoomLog>) -> Self {
        let ping = Ping::new();
        let mut event_loop = Loop::with_clock(ManualClock::new()).expect("a loop");
        let mut server = ChatServer::new(&mut event_loop, config, log);
        let address = "127.0.0.1:0".to_owned();
        let lines = bind_all(std::slice::from_ref(&address), Vec::new(), 0o600).expect("a port");
        let lines = lines.into_iter().next().expect("one was asked for");
        let web = bind_web(&[address], Vec::new(), 0o600).expect("a port");
        let of = |bound: &Bound| match bound.listener.address() {
            Address::Tcp(address) => *address,
            Address::Ipc(_) => panic!("it is on TCP"),
        };
        let (at, web_at) = (of(&lines), of(&web[0]));
        let door = line::open(&mut event_loop, server.hub.high_water_mark());
        door.listen_on(&mut event_loop, lines.listener);
        server.servers.push(door);
        web::open(&mut event_loop, &mut server, web).expect("it can be polled");
        Self {
            event_loop,
            server,
            lines: at,
            web: web_at,
            ping,
        }
    }

    fn turn(&mut self) {
        self.ping.arrived();
        self.event_loop
            .turn(&mut self.server)
            .expect("it can be polled");
    }

    /// Turns until something is so.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) -> usize {
        for turns in 0..100_000 {
            if is_so(self) {
                return turns;
            }
            // What would sleep until a timer is due jumps to it instead.
            self.turn();
        }
        panic!("waited in vain for {what}");
    }

    /// The end is asked for, when all that was sent has come.
    fn begin_end(&mut self) {
        self.ping.arrived();
        shutdown::begin_after_what_came(&mut self.server, &mut self.event_loop);
    }

    fn peer(&mut self, address: SocketAddr) -> Peer {
        let stream = TcpStream::connect(address).expect("someone listens");
        stream.set_nonblocking(true).expect("it can");
        Peer {
            stream,
            heard: String::new(),
        }
    }

    fn member(&mut self) -> Peer {
        let mut peer = self.peer(self.lines);
        self.until("a greeting", |_| peer.hears("/help lists the commands"));
        peer
    }

    /// A peer of the web door becomes a member.
    fn enter_by_web(&mut self, peer: &mut Peer) {
        peer.send(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        );
        self.until("a greeting", |_| peer.hears("/help lists the commands"));
    }
}

impl Peer {
    /// Sends as much as the system takes.
    fn send(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        sent
    }

    fn read(&mut self) {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => self.heard += &String::from_utf8_lossy(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn hears(&mut self, what: &str) -> bool {
        self.read();
        self.heard.contains(what)
    }
}

/// How many turns it takes until a line is delivered while others keep the server as busy as they
/// can, and what the dearest of these turns has cost.
fn turns_beside(attack: impl Fn(&mut House, usize) -> (Peer, Vec<u8>), attackers: usize) -> usize {
    let mut house = House::new(Config::default());
    let (mut author, mut reader) = (house.member(), house.member());
    let mut all: Vec<(Peer, Vec<u8>)> = (0..attackers).map(|n| attack(&mut house, n)).collect();
    for (peer, bytes) in &mut all {
        peer.send(bytes);
    }
    let mut most = 0;
    for round in 0..20 {
        let text = format!("round {round}");
        author.send(format!("{text}\n").as_bytes());
        let turns = house.until("a line", |_| {
            for (peer, bytes) in &mut all {
                peer.read();
                peer.heard.clear();
                peer.send(bytes); // it is of whole requests, lines, frames: a torn one ends in an error
            }
            reader.hears(&text)
        });
        most = most.max(turns);
    }
    most
}

fn pipeline(house: &mut House, _: usize) -> (Peer, Vec<u8>) {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    (house.peer(house.web), request.repeat(1500))
}

#[test]
fn a_line_is_delivered_in_the_turn_that_brings_it_whatever_others_ask_for() {
    assert!(turns_beside(pipeline, 100) <= 2);
}

/// Requests that are answered in one turn, after the first few in which nothing was known of who
/// asks.
#[test]
fn a_turn_answers_so_many_requests_however_many_wait() {
    for attackers in [20, 100] {
        let mut house = House::new(Config::default());
        let mut all: Vec<(Peer, Vec<u8>)> =
            (0..attackers).map(|n| pipeline(&mut house, n)).collect();
        let answer = {
            let mut one = house.peer(house.web);
            one.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
            house.until("an answer", |_| one.hears("ok\n"));
            one.heard.len() as u64
        };
        for (peer, bytes) in &mut all {
            peer.send(bytes);
        }
        let mut answered = Vec::new();
        // As long as there is something to do: a turn with nothing to do would sleep.
        while answered.len() < 80 && answered.iter().sum::<u64>() < attackers as u64 * 1000 {
            let before = house.event_loop.counters().bytes_written;
            house.turn();
            answered.push((house.event_loop.counters().bytes_written - before) / answer);
            all.iter_mut().for_each(|(peer, _)| {
                peer.read();
                peer.heard.clear();
            });
        }
        let first = answered.iter().take(8).max().copied();
        let most = answered.iter().skip(8).max().copied();
        let bound = 256 * 10 + 2 * attackers as u64;
        assert!(first <= Some(bound), "{attackers}: {answered:?}");
        assert!(most <= Some(3 * 256), "{attackers}: {answered:?}");
        assert!(answered.iter().sum::<u64>() > 2000, "{answered:?}");
    }
}

#[test]
fn who_pipelines_is_answered_in_full_and_in_order() {
    let mut house = House::new(Config::default());
    let mut all: Vec<Peer> = (0..50).map(|_| house.peer(house.web)).collect();
    for peer in &mut all {
        let asked: String = (0..400)
            .map(|n| format!("GET /none/{n} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .collect();
        assert_eq!(peer.send(asked.as_bytes()), asked.len());
    }
    for peer in &mut all {
        house.until("all answers", |_| {
            peer.read();
            peer.heard.matches("HTTP/1.1 404").count() == 400
        });
    }
    house.until("nobody waits", |house| !house.server.turns.anyone_waits());
}
