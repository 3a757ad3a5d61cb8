//! The idle timeout of a socket: once a period, and closing nothing.
//!
//! Time is a clock that jumps, but not over what is under way.

use std::io::Read;
use std::time::Duration;

use loopchat::Context;
use loopchat::net::{Event, Socket};

use crate::in_process::{Rig, World, clock, each_family};

/// Notes every event with the time it came at.
fn note_with_time(rig: &mut Rig<World>) {
    let server = rig.server;
    server.on_socket_event(
        &mut rig.event_loop,
        |world: &mut World, cx, _socket, event| {
            let what = crate::in_process::describe(event);
            world.say(format!("{} {what}", cx.now()));
        },
    );
}

/// Catches: a timeout that repeats while nothing happens, that is not re-armed by reading or
/// writing, or that closes the socket.
#[test]
fn a_timeout_comes_once_an_idle_period_and_activity_starts_another() {
    each_family(|family| {
        let mut rig = Rig::<World>::with_clock(family, &clock());
        note_with_time(&mut rig);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            socket.set_timeout(cx, Duration::from_secs(1));
            cx.set_timeout(Duration::from_secs(5), |world: &mut World, _cx| {
                world.peers[0].send(b"read")
            });
            cx.set_timeout(Duration::from_millis(5500), |world: &mut World, _cx| {
                world.peers[0].send(b"again")
            });
            cx.set_timeout(Duration::from_secs(8), move |_world, cx| {
                socket.write(cx, b"written");
            });
            cx.set_timeout(Duration::from_secs(20), move |_world, cx| {
                socket.set_timeout(cx, Duration::ZERO)
            });
            cx.set_timeout(Duration::from_secs(30), move |_world, cx| {
                socket.destroy(cx)
            });
        });
        rig.run(&mut world);
        assert_eq!(
            world.events,
            [
                "1000 timeout",
                "5000 data",
                "5500 data",
                "6500 timeout",
                "9000 timeout",
                "30000 close false"
            ]
        );
    });
}

/// Catches: a timer that is not re-armed when its own event's listener writes.
#[test]
fn a_timeout_that_is_answered_with_a_write_comes_again() {
    each_family(|family| {
        let mut rig = Rig::<World>::with_clock(family, &clock());
        note_with_time(&mut rig);
        let (server, _peer) = (rig.server, rig.peer());
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            socket.set_timeout(cx, Duration::from_secs(1));
            cx.set_timeout(Duration::from_millis(3500), move |_world, cx| {
                socket.destroy(cx)
            });
        });
        server.on_socket_event(&mut rig.event_loop, |_world, cx, socket, event| {
            if matches!(event, Event::Timeout) {
                socket.write(cx, b"are you there?");
            }
        });
        let mut world = World::default();
        rig.run(&mut world);
        let timeouts = ["1000 timeout", "2000 timeout", "3000 timeout"];
        assert_eq!(world.events[..3], timeouts);
        assert_eq!(world.events[3..], ["3500 close false"]);
    });
}

/// Reads all that comes to the first peer, until the socket has sent everything.
fn read_all(world: &mut World, cx: &mut Context<World>, socket: Socket) {
    let peer = &mut world.peers[0];
    peer.set_nonblocking(true);
    let mut bytes = vec![0; 64 * 1024];
    while peer.read(&mut bytes).is_ok() {}
    if socket.buffered(cx) > 0 {
        cx.set_immediate(move |world: &mut World, cx| read_all(world, cx, socket));
    }
}

/// Catches: an idle time that does not count from the moment in which a long write was done.
#[test]
fn a_long_write_that_is_done_is_activity() {
    each_family(|family| {
        let mut rig = Rig::<World>::with_clock(family, &clock());
        note_with_time(&mut rig);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            socket.set_timeout(cx, Duration::from_secs(1));
            assert!(
                !socket.write(cx, vec![b'x'; 16 << 20]),
                "more than the system takes"
            );
            cx.set_timeout(Duration::from_millis(900), move |world: &mut World, cx| {
                read_all(world, cx, socket)
            });
            cx.set_timeout(Duration::from_millis(2500), move |_world, cx| {
                socket.destroy(cx)
            });
        });
        rig.run(&mut world);
        assert_eq!(
            world.events,
            ["900 drain", "1900 timeout", "2500 close false"]
        );
    });
}

/// Catches: a timer that outlives its socket, or that holds the loop open by itself.
#[test]
fn a_timeout_goes_with_its_socket_and_does_not_hold_the_loop() {
    each_family(|family| {
        let clock = clock();
        let mut rig = Rig::<World>::with_clock(family, &clock);
        note_with_time(&mut rig);
        let (server, _peers) = (rig.server, rig.peers(2));
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            socket.set_timeout(cx, Duration::from_secs(1));
            if server.connections(cx) == 2 {
                // This one stays open, and is not waited for; the other one closes in its timeout.
                socket.set_ref(cx, false);
                socket.set_timeout(cx, Duration::from_secs(60));
                server.close(cx);
            }
        });
        server.on_socket_event(&mut rig.event_loop, |_world, cx, socket, event| {
            if matches!(event, Event::Timeout) {
                socket.destroy(cx);
            }
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["1000 timeout", "1000 close false"]);
        assert_eq!(clock.now(), 1000);
    });
}
