//! Rule 7: writable is not connected. Ask for the error, then for the peer.

use std::time::Duration;

use loopchat::net::{self, Address, Event, Listener, Socket};
use loopchat::{Context, EventLoop};

use crate::in_process::{
    Family, Place, Rig, World, after_turns, clock, each_family, within_deadline,
};
use crate::nobody::nobody;

/// Makes a client whose events are noted.
fn client(cx: &mut Context<World>, target: impl Into<net::Target>) -> Socket {
    let client = net::create_connection(cx, target);
    client.on_event(cx, |world, _cx, _client, event| world.note(event));
    client
}

/// A loop with nothing on it but what the test makes.
fn alone() -> (EventLoop<World>, World) {
    (EventLoop::new().expect("a loop"), World::default())
}

/// An address that refuses connections, and what has to be kept for it to go on doing so.
fn refusing(family: Family) -> (Address, Box<dyn std::any::Any>) {
    match family {
        Family::Tcp => {
            let (address, kept) = nobody();
            (address.into(), Box::new(kept))
        }
        Family::Ipc => {
            let place = Place::new(family);
            let Address::Ipc(path) = &place.address else {
                unreachable!("it is IPC")
            };
            drop(std::os::unix::net::UnixListener::bind(path).expect("a socket file"));
            (place.address.clone(), Box::new(place))
        }
    }
}

/// Catches: taking the writable event of a failed connection for success.
#[test]
fn rule_7_a_refused_connection_is_an_error_and_a_close_and_never_a_connect() {
    each_family(|family| {
        let (address, _kept) = refusing(family);
        let (mut event_loop, mut world) = alone();
        let client = client(&mut event_loop, address.clone());
        client.on_error(&mut event_loop, move |_world, cx, client, error| {
            assert_eq!(error.syscall(), Some("connect"));
            assert_eq!(error.port(), address.port().map(i32::from));
            assert_eq!(error.to_string(), format!("connect ECONNREFUSED {address}"));
            assert!(client.destroyed(cx) && !client.connecting(cx));
        });
        client.write(&mut event_loop, b"it never arrives");
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(world.events, ["error ECONNREFUSED", "close true"]);
    });
}

#[test]
fn rule_7_a_path_that_is_not_there_is_enoent() {
    within_deadline(|| {
        let place = Place::new(Family::Ipc);
        let (mut event_loop, mut world) = alone();
        client(&mut event_loop, place.address.clone());
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(world.events, ["error ENOENT", "close true"]);
    });
}

/// Catches: waiting for a writable event that never comes: over IPC a full backlog fails at once.
#[test]
fn rule_7_a_full_backlog_of_a_path_is_an_error() {
    within_deadline(|| {
        let place = Place::new(Family::Ipc);
        let _listener = Listener::bind(&place.address, 0).expect("it is free");
        let (mut event_loop, mut world) = alone();
        let first = net::create_connection(&mut event_loop, place.address.clone());
        first.on_connect(&mut event_loop, |world: &mut World, _cx, first| {
            world.sockets.push(first);
        });
        let second = client(&mut event_loop, place.address.clone());
        second.on_close(&mut event_loop, move |_world, cx, _, _| first.destroy(cx));
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(world.events, ["error EAGAIN", "close true"]);
    });
}

/// Catches: writes that are lost, or tried, before the connection stands; and a wrong order.
#[test]
fn rule_7_connect_comes_then_ready_and_what_was_written_before_arrives_first() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        server.on_data(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, bytes| {
                world.bytes.extend_from_slice(bytes);
                if world.bytes.ends_with(b"bye") {
                    server.close(cx);
                    socket.end(cx);
                }
            },
        );
        let cx = &mut *rig.event_loop;
        let client = client(cx, rig.place.address.clone());
        assert!(client.connecting(cx));
        assert!(client.write(cx, b"written "));
        assert!(client.write(cx, b"before, "));
        assert_eq!((client.bytes_written(cx), client.buffered(cx)), (16, 16));
        client.on_connect(cx, |_world, cx, client| {
            assert!(!client.connecting(cx));
            client.write(cx, b"at connect, ");
        });
        client.on_ready(cx, |_world, cx, client| {
            client.write(cx, b"at ready, bye");
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.bytes, b"written before, at connect, at ready, bye");
        assert_eq!(
            world.events,
            ["connect", "ready", "end", "finish", "close false"]
        );
    });
}

/// Catches: a big write before the connection stands that loses its place, or its drain.
#[test]
fn rule_7_megabytes_written_before_the_connection_stands_arrive_with_one_drain() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        server.on_data(
            &mut rig.event_loop,
            move |world: &mut World, cx, _socket, bytes| {
                world.bytes.extend_from_slice(bytes);
                server.close(cx);
            },
        );
        let sent = crate::in_process::pattern(8 * 1024 * 1024);
        let client = client(&mut rig.event_loop, rig.place.address.clone());
        assert!(!client.write(&mut rig.event_loop, &sent));
        client.on_drain(&mut rig.event_loop, |_world, cx, client| client.end(cx));
        let mut world = World::default();
        rig.run(&mut world);
        assert!(world.bytes == sent);
        let after = ["drain", "finish", "end", "close false"];
        assert_eq!(world.events[..2], ["connect", "ready"]);
        assert_eq!(world.events[2..], after);
    });
}

/// Catches: an `end` that is forgotten, or that ends the connection before it stands.
#[test]
fn rule_7_an_end_right_after_connect_waits_for_it() {
    each_family(|family| {
        for bytes in [&b""[..], b"bye"] {
            let mut rig = Rig::<World>::new(family);
            let server = rig.server;
            server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
            server.on_data(
                &mut rig.event_loop,
                |world: &mut World, _cx, _socket, bytes| {
                    world.bytes.extend_from_slice(bytes);
                },
            );
            let client = client(&mut rig.event_loop, rig.place.address.clone());
            client.write(&mut rig.event_loop, bytes);
            client.end(&mut rig.event_loop);
            let mut world = World::default();
            rig.run(&mut world);
            assert_eq!(
                world.events,
                ["connect", "ready", "finish", "end", "close false"]
            );
            assert_eq!(world.bytes, bytes);
        }
    });
}

/// Catches: an attempt that goes on, or is reported, after the socket was given up.
#[test]
fn rule_7_a_socket_destroyed_while_it_connects_is_only_closed() {
    each_family(|family| {
        let rig = Rig::<World>::new(family); // its loop does not run: it is only connected to
        let (mut event_loop, mut world) = alone();
        let at_once = client(&mut event_loop, rig.place.address.clone());
        at_once.destroy(&mut event_loop);
        assert!(!at_once.connecting(&event_loop));
        let in_a_tick = client(&mut event_loop, rig.place.address.clone());
        event_loop.next_tick(move |_world, cx| in_a_tick.destroy(cx));
        let by_name = client(&mut event_loop, ("localhost", 1));
        by_name.on_event(&mut event_loop, |_world, cx, by_name, event| {
            if matches!(event, Event::Lookup { .. }) {
                by_name.destroy(cx);
            }
        });
        event_loop.run(&mut world).expect("the poll works");
        world.events.retain(|event| event != "lookup");
        assert_eq!(world.events, ["close false"; 3]);
    });
}

/// Catches: more than Node tells a socket whose connect listener has destroyed it.
#[test]
fn rule_7_a_socket_destroyed_in_its_connect_callback_is_ready_and_closed() {
    each_family(|family| {
        let rig = Rig::<World>::new(family);
        let (mut event_loop, mut world) = alone();
        let client = client(&mut event_loop, rig.place.address.clone());
        client.on_connect(&mut event_loop, |_world, cx, client| client.destroy(cx));
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(world.events, ["connect", "ready", "close false"]);
    });
}

#[test]
fn rule_7_a_host_name_is_looked_up_off_the_loop_and_connected_to() {
    within_deadline(|| {
        let mut rig = Rig::<World>::new(Family::Tcp);
        let server = rig.server;
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            socket.end(cx);
        });
        let port = rig.place.address.port().expect("it is TCP");
        let client = client(&mut rig.event_loop, ("localhost", port));
        assert!(client.connecting(&rig.event_loop));
        let mut world = World::default();
        rig.run(&mut world);
        // One lookup event an address; the first may be ::1, where nobody listens.
        assert_eq!(world.events[0], "lookup");
        world.events.retain(|event| event != "lookup");
        assert_eq!(
            world.events,
            ["connect", "ready", "end", "finish", "close false"]
        );
    });
}

#[test]
fn rule_7_a_name_nobody_has_is_an_error() {
    within_deadline(|| {
        let (mut event_loop, mut world) = alone();
        let impossible = "x".repeat(300); // refused without asking any name server
        client(&mut event_loop, (&*impossible, 80));
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(
            world.events,
            ["lookup ENOTFOUND", "error ENOTFOUND", "close true"]
        );
    });
}

/// Catches: the clock of an attempt that goes on when the attempt is over, and ends the connection
/// that came of it or of the next.
#[test]
fn rule_7_the_time_of_an_attempt_is_over_with_the_attempt() {
    for second in [false, true] {
        within_deadline(move || {
            let mut rig = Rig::<World>::with_clock(Family::Tcp, &clock());
            let server = rig.server;
            let port = rig.place.address.port().expect("it is TCP");
            let nobody = "127.0.0.2".parse().expect("an address");
            let mut all = vec!["127.0.0.1".parse().expect("an address"), nobody];
            if second {
                all.rotate_left(1);
            }
            let name = net::ConnectOptions::new(("somewhere", port));
            let options = name.lookup(move |_, cx, request| request.answer(cx, Ok(all)));
            let client = net::create_connection(&mut rig.event_loop, options);
            client.on_event(
                &mut rig.event_loop,
                |world: &mut World, _, _, event| match event {
                    Event::ConnectionAttemptTimeout(_) => world.say("attempt timeout"),
                    event => world.note(event),
                },
            );
            rig.event_loop
                .set_timeout(Duration::from_secs(5), move |world: &mut World, cx| {
                    world.say("later");
                    assert!(!client.destroyed(cx) && client.remote_address(cx).is_some());
                    client.end(cx);
                    server.close(cx);
                });
            client.resume(&mut rig.event_loop);
            server.on_data(&mut rig.event_loop, |_, _, _, _| {});
            let mut world = World::default();
            rig.run(&mut world);
            let told = [
                "lookup",
                "lookup",
                "connect",
                "ready",
                "later",
                "finish",
                "end",
                "close false",
            ];
            assert_eq!(world.events, told);
        });
    }
}

/// Catches: an edge lost among many: every attempt is heard of.
#[test]
fn rule_7_three_hundred_connections_at_once_all_stand() {
    each_family(|family| {
        const MANY: usize = 300;
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            world.sockets.push(socket);
            socket.end(cx);
            if world.sockets.len() == MANY {
                server.close(cx);
            }
        });
        for _ in 0..MANY {
            client(&mut rig.event_loop, rig.place.address.clone());
        }
        let mut world = World::default();
        rig.run(&mut world);
        for event in ["connect", "ready", "end", "finish", "close false"] {
            assert_eq!(world.count(event), MANY, "{event}");
        }
    });
}

/// Catches: what was remembered of a socket's last life being taken for news of the next.
#[test]
fn rule_7_a_socket_connects_anew_from_its_close_event() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        server.on_data(&mut rig.event_loop, |_world, cx, socket, bytes| {
            socket.write(cx, bytes);
            socket.end(cx);
        });
        let (refusing, _kept) = refusing(family);
        let client = client(&mut rig.event_loop, refusing);
        let address = rig.place.address.clone();
        client.on_connect(&mut rig.event_loop, |_world, cx, client| {
            assert_eq!(client.bytes_read(cx), 0, "counted anew");
            client.write(cx, b"hello again");
        });
        client.on_close(
            &mut rig.event_loop,
            move |world: &mut World, cx, client, _| {
                if world.events.len() < 12 {
                    client.connect(cx, address.clone());
                } else {
                    server.close(cx);
                }
            },
        );
        let mut world = World::default();
        rig.run(&mut world);
        let failed = ["error ECONNREFUSED", "close true"];
        let life = ["connect", "ready", "data", "end", "finish", "close false"];
        assert_eq!(world.events[..2], failed);
        assert_eq!(world.events[2..8], life);
        assert_eq!(world.events[8..], life);
        assert_eq!(world.bytes, b"hello againhello again");
    });
}

/// Catches: a slot that is freed after the close of one life although the next has begun in that
/// close, and has failed already: its own close never comes, and whoever retries there stops.
#[test]
fn rule_7_a_retry_that_fails_at_once_closes_again() {
    within_deadline(|| {
        let place = Place::new(Family::Ipc);
        let (mut event_loop, mut world) = alone();
        let client = client(&mut event_loop, place.address.clone());
        client.on_close(&mut event_loop, move |world: &mut World, cx, client, _| {
            if world.count("close true") < 3 {
                client.connect(cx, place.address.clone()); // nobody listens there
            }
        });
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(world.events, ["error ENOENT", "close true"].repeat(3));
    });
}

/// Catches: a state that depends on how fast a connection fails. In Node a socket is connecting
/// from `connect` on, until the loop brings the outcome.
#[test]
fn rule_7_a_socket_is_connecting_until_the_loop_says_otherwise() {
    each_family(|family| {
        let (address, _kept) = refusing(family);
        let (mut event_loop, mut world) = alone();
        let client = client(&mut event_loop, address);
        assert!(client.connecting(&event_loop) && !client.destroyed(&event_loop));
        assert!(client.write(&mut event_loop, b"queued, and dropped"));
        event_loop.run(&mut world).expect("the poll works");
        assert_eq!(world.events, ["error ECONNREFUSED", "close true"]);
    });
}

/// Catches: the answer to a lookup of a socket's last life taken for one of this.
#[test]
fn rule_7_an_answer_that_comes_too_late_is_for_nobody() {
    within_deadline(|| {
        let mut rig = Rig::<World>::new(Family::Tcp);
        let server = rig.server;
        let port = rig.place.address.port().expect("it is TCP");
        let here = "127.0.0.1".parse().expect("an address");
        let client = Socket::new(&mut rig.event_loop);
        let first = net::ConnectOptions::new(("first", port));
        let first = first.lookup(move |_: &mut World, cx, request| {
            client.destroy(cx);
            after_turns(cx, 5, move |_, cx| request.answer(cx, Ok(vec![here])));
        });
        client.on_event(&mut rig.event_loop, |world, _, _, event| world.note(event));
        client.once_close(&mut rig.event_loop, move |_, cx, client, _| {
            let second = net::ConnectOptions::new(("second", port));
            client.connect(cx, second.lookup(|_, _, _never_answered| {}));
            after_turns(cx, 20, move |world: &mut World, cx| {
                assert!(client.connecting(cx));
                world.say("still looking");
                client.destroy(cx);
                server.close(cx);
            });
        });
        client.connect(&mut rig.event_loop, first);
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(
            world.events,
            ["close false", "still looking", "close false"]
        );
    });
}

/// Catches: more addresses tried than were asked for: of one family it is the first alone.
#[test]
fn rule_7_of_one_family_only_the_first_address_is_tried() {
    within_deadline(|| {
        let mut rig = Rig::<World>::new(Family::Tcp);
        let server = rig.server;
        let port = rig.place.address.port().expect("it is TCP");
        let all = ["127.0.0.2", "127.0.0.1"].map(|text| text.parse().expect("an address"));
        let options = net::ConnectOptions::new(("somewhere", port)).family(4);
        let options = options.lookup(move |_, cx, request| {
            assert!(!request.all);
            request.answer(cx, Ok(all.to_vec()));
        });
        let client = net::create_connection(&mut rig.event_loop, options);
        client.on_event(&mut rig.event_loop, |world, _, _, event| world.note(event));
        client.on_close(&mut rig.event_loop, move |_, cx, _, _| server.close(cx));
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["lookup", "error ECONNREFUSED", "close true"]);
    });
}
