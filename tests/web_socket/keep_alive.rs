//! Pings to those who keep quiet, with time that jumps.

use std::io::ErrorKind;
use std::sync::mpsc::Receiver;

use loopchat::EventLoop;
use loopchat::event_loop::ManualClock;
use loopchat::http::web_socket::Options;

use super::client::REQUEST;
use super::server::{World, serve};
use super::*;

struct Rig {
    event_loop: EventLoop<World>,
    world: World,
    clock: ManualClock,
    events: Receiver<String>,
    address: std::net::SocketAddr,
}

impl Rig {
    fn new() -> Self {
        let clock = ManualClock::new();
        let mut event_loop = EventLoop::with_clock(clock.clone()).expect("a loop");
        let (world, events) = World::new();
        let (_, address) = serve(
            &mut event_loop,
            Options {
                ping_interval_ms: 32_000,
                ping_timeout_ms: 10_000,
                ..Options::default()
            },
        );
        // Keeps the clock from jumping far while nothing else is to be waited for.
        event_loop.set_interval(1_000, |_, _| {});
        Self {
            event_loop,
            world,
            clock,
            events,
            address,
        }
    }

    fn turn(&mut self) {
        // Time jumps, so this is soon reached if what is waited for does not come.
        assert!(self.clock.now() < 3_600_000, "waited in vain");
        self.event_loop.turn(&mut self.world).expect("it polls");
    }

    /// Turns until this time.
    fn run_until(&mut self, time: u64) {
        while self.clock.now() < time {
            self.turn();
        }
    }

    fn open(&mut self) -> Client {
        let mut client = Client::connect(self.address);
        client.send_raw(REQUEST);
        let count = self.world.web_sockets.len();
        while self.world.web_sockets.len() == count {
            self.turn();
        }
        client.read_head();
        client
    }

    /// Turns until this happens.
    fn run_until_heard(&mut self, wanted: &str) {
        loop {
            match self.events.try_recv() {
                Ok(event) if event == wanted => return,
                Ok(event) => panic!("{event}, and not {wanted}"),
                Err(_) => self.turn(),
            }
        }
    }
}

/// Nothing has come for the client.
fn expect_nothing(client: &mut Client) {
    client.stream.set_nonblocking(true).expect("it can");
    let peeked = client.stream.peek(&mut [0]);
    client.stream.set_nonblocking(false).expect("it can");
    match peeked {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        other => panic!("something came: {other:?}"),
    }
}

#[test]
fn who_is_silent_is_pinged_and_who_stays_silent_is_cut_off() {
    let mut rig = Rig::new();
    let mut client = rig.open();
    let start = rig.clock.now();
    rig.run_until(start + 31_000);
    expect_nothing(&mut client);
    rig.run_until(start + 35_000);
    assert_eq!(
        client.read(),
        Frame {
            first: FIN | PING,
            payload: Vec::new()
        }
    );
    assert!(rig.events.try_recv().is_err());
    rig.run_until_heard("0 close 1006 ");
    let now = rig.clock.now();
    assert!((start + 42_000..start + 50_000).contains(&now), "{now}");
    client.expect_end();
}

#[test]
fn who_answers_stays() {
    let mut rig = Rig::new();
    let mut client = rig.open();
    for _ in 0..5 {
        // A ping comes at some time, since nothing else does.
        client.stream.set_nonblocking(true).expect("it can");
        while client.stream.peek(&mut [0]).is_err() {
            rig.turn();
        }
        client.stream.set_nonblocking(false).expect("it can");
        assert_eq!(client.read().first, FIN | PING);
        client.send(FIN | PONG, "");
        rig.run_until_heard("0 pong ");
    }
    let now = rig.clock.now();
    assert!(now > 5 * 32_000, "{now}");
}

#[test]
fn who_speaks_needs_no_ping() {
    let mut rig = Rig::new();
    let mut client = rig.open();
    for _ in 0..20 {
        client.send(FIN | TEXT, "x");
        rig.run_until_heard("0 text x");
        assert_eq!(client.read(), text("x"));
        let now = rig.clock.now();
        rig.run_until(now + 16_000);
        expect_nothing(&mut client);
    }
}

#[test]
fn many_cost_one_timer_and_all_are_pinged() {
    let mut rig = Rig::new();
    let mut clients: Vec<Client> = (0..600).map(|_| rig.open()).collect();
    let start = rig.clock.now();
    rig.run_until(start + 38_000);
    for client in &mut clients {
        assert_eq!(client.read().first, FIN | PING);
    }
}

#[test]
fn one_that_is_gone_does_not_take_the_timer_along() {
    let mut rig = Rig::new();
    let first = rig.open();
    let start = rig.clock.now();
    rig.run_until(start + 10_000);
    let mut second = rig.open();
    drop(first);
    rig.run_until_heard("0 close 1006 ");
    rig.run_until(start + 50_000);
    assert_eq!(second.read().first, FIN | PING);
}
