//! Rule 4: what a server does when the process has no descriptor left.
//!
//! The limit is the whole process's, so these tests have a binary, and take turns in it. Every
//! peer is made before the limit is set; then all numbers below it are used up but a few.

#[path = "support/in_process.rs"]
mod in_process;

use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use in_process::{Peer, Rig, World, clock, each_family};
use loopchat::event_loop::ManualClock;
use loopchat::net;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are left, and those that are held to leave no more; the limit as it was
/// comes back in the end.
struct Scarce {
    held: Vec<File>,
    before: Rlimit,
    _alone: MutexGuard<'static, ()>,
}

impl Scarce {
    /// Waits until no other test plays with the limit.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves so many descriptors.
    fn leave(count: usize, alone: MutexGuard<'static, ()>) -> Self {
        let before = getrlimit(Resource::Nofile);
        let open = std::fs::read_dir("/proc/self/fd").expect("this is Linux");
        let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let highest: u64 = numbers.max().expect("some are open");
        let limit = Rlimit {
            current: Some(highest + 16),
            ..before
        };
        setrlimit(Resource::Nofile, limit).expect("a lower limit is allowed");
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        held.truncate(held.len() - count);
        Self {
            held,
            before,
            _alone: alone,
        }
    }
}

impl Drop for Scarce {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.before).expect("the limit may be put back");
    }
}

/// A server that echoes and keeps its sockets, with six peers of which three fit. What is scarce
/// comes first, and so is dropped last: a socket of this test that is closed when the next one has
/// its turn already would leave it one more.
fn crowded(family: in_process::Family) -> (Scarce, Rig<World>, World, ManualClock) {
    let alone = Scarce::alone();
    let clock = clock();
    let mut rig = Rig::<World>::with_clock(family, &clock);
    rig.keep_sockets();
    rig.server
        .on_data(&mut rig.event_loop, |_world, cx, socket, bytes| {
            socket.write(cx, bytes);
        });
    let mut world = World {
        peers: rig.peers(6),
        ..World::default()
    };
    world.peers.iter_mut().for_each(|peer| peer.send(b"hello"));
    let scarce = Scarce::leave(3, alone);
    (scarce, rig, world, clock)
}

/// What has come back to each peer so far.
fn answered(peers: &mut [Peer]) -> Vec<bool> {
    let answered = peers.iter_mut().map(|peer| {
        peer.set_nonblocking(true);
        match peer.read(&mut [0; 16]) {
            Ok(count) => count == b"hello".len(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        }
    });
    answered.collect()
}

/// Catches: an accept loop that gives up for good, for a descriptor that comes free brings no edge;
/// one that spins (this clock moves only when the loop has nothing to do); one that closes who is
/// in already; one that goes on when all are in.
#[test]
fn rule_4_those_who_fit_go_on_and_the_rest_come_in_when_connections_close() {
    each_family(|family| {
        let (_scarce, mut rig, mut world, _clock) = crowded(family);
        let server = rig.server;
        rig.event_loop
            .set_timeout(Duration::from_millis(100), |world: &mut World, cx| {
                assert_eq!(world.sockets.len(), 3);
                assert_eq!(
                    answered(&mut world.peers),
                    [true, true, true, false, false, false]
                );
                // Two connections close; their peers keep their own descriptors.
                world.sockets[0].destroy(cx);
                world.sockets[1].destroy(cx);
            });
        // Sooner than the next try by timer: the close itself has to bring them in.
        rig.event_loop
            .set_timeout(Duration::from_millis(200), |world: &mut World, cx| {
                assert_eq!(world.sockets.len(), 5);
                assert_eq!(answered(&mut world.peers[3..]), [true, true, false]);
                world.sockets[2].destroy(cx);
            });
        rig.event_loop
            .set_timeout(Duration::from_millis(300), move |world: &mut World, cx| {
                assert_eq!(world.sockets.len(), 6);
                assert_eq!(answered(&mut world.peers[5..]), [true]);
                // With a descriptor left it is seen that nobody waits: no reason to try again.
                world.sockets[3].destroy(cx);
            });
        rig.event_loop
            .set_timeout(Duration::from_millis(400), move |_, cx| {
                let tries = cx.counters().accepts;
                cx.set_timeout(Duration::from_secs(10), move |world: &mut World, cx| {
                    assert_eq!(cx.counters().accepts, tries);
                    server.close(cx);
                    world.sockets.iter().for_each(|socket| {
                        socket.destroy(cx);
                    });
                    world.done = true;
                });
            });
        rig.run_until_done(&mut world);
        assert!(world.turn < 50, "it does not spin: {} turns", world.turn);
    });
}

/// Catches: waiting for one's own connections only. The descriptor that comes free is not the
/// server's, so nothing but a timer can find out.
#[test]
fn rule_4_a_descriptor_that_comes_free_elsewhere_is_found_by_a_timer() {
    each_family(|family| {
        let (mut scarce, mut rig, mut world, _clock) = crowded(family);
        let server = rig.server;
        let held = Rc::new(RefCell::new(std::mem::take(&mut scarce.held)));
        let freeing = Rc::clone(&held);
        rig.event_loop
            .set_timeout(Duration::from_secs(10), move |world: &mut World, _cx| {
                assert_eq!(world.sockets.len(), 3);
                let left = freeing.borrow().len() - 2;
                freeing.borrow_mut().truncate(left);
            });
        rig.event_loop
            .set_timeout(Duration::from_secs(11), move |world: &mut World, cx| {
                assert_eq!(world.sockets.len(), 5);
                assert_eq!(
                    answered(&mut world.peers),
                    [true, true, true, true, true, false]
                );
                server.close(cx);
                world.done = true;
            });
        rig.run_until_done(&mut world);
        assert!(
            world.turn < 200,
            "a few tries a second: {} turns",
            world.turn
        );
    });
}

/// Catches: a retry that outlives its server, or that holds the loop open by itself.
#[test]
fn rule_4_a_server_that_is_closed_while_it_waits_is_closed() {
    each_family(|family| {
        let (_scarce, mut rig, mut world, clock) = crowded(family);
        let server = rig.server;
        server.on_close(&mut rig.event_loop, |world, _cx, _| {
            world.say("server close")
        });
        rig.event_loop
            .set_timeout(Duration::from_secs(1), move |world: &mut World, cx| {
                server.close(cx);
                world.sockets.iter().for_each(|socket| {
                    socket.destroy(cx);
                });
            });
        rig.run(&mut world);
        assert_eq!(world.events, ["server close"]);
        assert_eq!((world.sockets.len(), clock.now()), (3, 1000));
    });
}

/// Catches: a client that waits for ever because its descriptor could not even be made.
#[test]
fn rule_4_connecting_without_a_descriptor_is_an_error() {
    each_family(|family| {
        let (_scarce, mut rig, mut world, _clock) = crowded(family);
        let (server, address) = (rig.server, rig.place.address.clone());
        rig.event_loop
            .set_timeout(Duration::from_millis(100), move |_world, cx| {
                let client = net::create_connection(cx, address.clone());
                client.on_event(cx, move |world: &mut World, cx, client, event| {
                    world.note(event);
                    if client.destroyed(cx) {
                        server.close(cx);
                        world.sockets.iter().for_each(|socket| {
                            socket.destroy(cx);
                        });
                    }
                });
            });
        rig.run(&mut world);
        assert_eq!(world.events, ["error EMFILE", "close true"]);
    });
}
