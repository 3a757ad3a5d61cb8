//! Rule 5: an id outlives its socket, and must do nothing then; and sockets that go at awkward
//! moments.

use std::io;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use loopchat::Context;
use loopchat::net::{self, Event, Socket};

use crate::in_process::{Peer, Rig, World, after_turns, describe, each_family, pattern};

/// More than the kernel takes of a peer that does not read.
const BIG: usize = 8 * 1024 * 1024;

/// Calls every method there is.
fn do_everything_with(stale: Socket, cx: &mut Context<World>, address: &net::Address) {
    assert!(stale.destroyed(cx) && !stale.connecting(cx));
    assert_eq!(
        (
            stale.buffered(cx),
            stale.bytes_read(cx),
            stale.bytes_written(cx)
        ),
        (0, 0, 0)
    );
    assert_eq!(
        (stale.remote_address(cx), stale.local_address(cx)),
        (None, None)
    );
    assert!(!stale.write(cx, b"stale"));
    assert!(!stale.write_shared(cx, &Rc::new(b"stale".to_vec())));
    stale.cork(cx);
    stale.pause(cx);
    stale.unshift(cx, b"stale");
    stale.set_timeout(cx, Duration::from_millis(1));
    stale.set_no_delay(cx, true);
    stale.set_allow_half_open(cx, true);
    stale.set_ref(cx, false);
    stale.on_event(cx, |_, _, _, event| {
        panic!("a stale socket hears {event:?}")
    });
    stale.on_data(cx, |_, _, _, _| panic!("a stale socket hears data"));
    stale.end(cx);
    stale.destroy_soon(cx);
    assert_eq!(stale.reset_and_destroy(cx), Ok(()));
    stale.destroy(cx);
    stale.connect(cx, address.clone());
    stale.uncork(cx);
    stale.resume(cx);
}

/// Catches: an index taken for an identity. Whoever still holds the id of a socket that is gone
/// would write to, or close, the stranger in its place.
#[test]
fn rule_5_an_old_id_does_nothing_to_the_socket_that_took_its_slot() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        let address = rig.place.address.clone();
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            world.sockets.push(socket);
            let address = address.clone();
            if let [old, new] = world.sockets[..] {
                assert_eq!(old.index(), new.index(), "otherwise this tests nothing");
                assert_ne!(old, new);
                do_everything_with(old, cx, &address);
                server.close(cx);
                return;
            }
            socket.destroy(cx);
            do_everything_with_destroyed(socket, cx);
            after_turns(cx, 1, move |world: &mut World, cx| {
                do_everything_with(socket, cx, &address);
                let mut next = Peer::connect(&address);
                next.send(b"hello");
                next.shut_down_writing();
                world.peers.push(next);
            });
        });
        server.on_data(&mut rig.event_loop, |_world, cx, socket, bytes| {
            assert!(socket.write(cx, bytes));
        });
        rig.note_events();
        rig.run(&mut world);
        assert_eq!(
            world.events,
            ["close false", "data", "end", "finish", "close false"]
        );
        assert_eq!(world.peers.remove(1).read_all(), b"hello");
    });
}

/// What can be done with a socket between its `destroy` and its close.
fn do_everything_with_destroyed(socket: Socket, cx: &mut Context<World>) {
    assert!(socket.destroyed(cx));
    assert!(!socket.write(cx, b"gone"));
    socket.cork(cx);
    socket.uncork(cx);
    socket.unshift(cx, b"gone");
    socket.pause(cx);
    socket.resume(cx);
    socket.set_timeout(cx, Duration::from_millis(1));
    socket.end(cx);
    socket.destroy_soon(cx);
    assert_eq!(socket.reset_and_destroy(cx), Ok(()));
    socket.destroy(cx);
    assert_eq!((socket.buffered(cx), socket.remote_address(cx)), (0, None));
}

/// Catches: a slot that is free at once. What the poll has said of the old socket in this batch
/// would be taken for the new one's.
#[test]
fn rule_5_a_slot_is_not_used_again_before_the_closing_phase_is_over() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let (server, mut peer) = (rig.server, rig.peer());
        peer.send(b"go");
        let address = rig.place.address.clone();
        let elsewhere = move |cx: &mut Context<World>, old: Socket| {
            let other = net::create_connection(cx, address.clone());
            assert_ne!(other.index(), old.index());
            other.destroy(cx);
        };
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_socket_event(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, event| {
                world.note(event);
                socket.destroy(cx);
                elsewhere(cx, socket);
            },
        );
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["data", "close false"]);
    });
}

/// Catches: serving a socket from the poll's batch although a callback of the same batch has
/// destroyed it.
#[test]
fn rule_5_a_ready_socket_that_another_one_destroys_hears_nothing_more() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(2),
            ..World::default()
        };
        server.on_connection(
            &mut rig.event_loop,
            move |world: &mut World, cx, _socket| {
                if world.sockets.len() == 2 {
                    server.close(cx);
                    world
                        .peers
                        .iter_mut()
                        .for_each(|peer| peer.send(b"both are ready"));
                }
            },
        );
        server.on_socket_event(
            &mut rig.event_loop,
            |world: &mut World, cx, socket, event| {
                let own = world.number(socket);
                if matches!(event, Event::Data(_)) {
                    world.sockets[1 - own].destroy(cx);
                    world.peers[own].shut_down_writing();
                }
                world.say(format!("{own} {}", describe(event)));
            },
        );
        rig.run(&mut world);
        let own = world.events[0]
            .strip_suffix(" data")
            .expect("data came first");
        let other = if own == "0" { "1" } else { "0" };
        let of_own = |event: &str| format!("{own} {event}");
        assert_eq!(
            world.events[1],
            format!("{other} close false"),
            "and nothing else"
        );
        assert_eq!(
            world.events[2..],
            ["end", "finish", "close false"].map(of_own)
        );
    });
}

/// Catches: going on with a socket after a callback of its own has destroyed it.
#[test]
fn rule_5_a_socket_destroyed_in_its_own_callback_hears_only_its_close() {
    each_family(|family| {
        for (moment, expected) in [
            ("connection", &["close false"][..]),
            ("data", &["data", "close false"]),
            ("drain", &["drain", "close false"]),
            ("end", &["data", "end", "close false"]),
            ("finish", &["finish", "close false"]),
            ("close false", &["data", "end", "finish", "close false"]),
        ] {
            let mut rig = Rig::<World>::new(family);
            let (server, mut peer) = (rig.server, rig.peer());
            let (queued, read) = channel();
            server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
                server.close(cx);
                match moment {
                    "connection" => drop(socket.destroy(cx)),
                    "drain" => assert!(!socket.write(cx, pattern(BIG))),
                    "finish" => drop(socket.end(cx)),
                    _ => {}
                }
                queued.send(()).expect("the peer waits");
            });
            let note = move |world: &mut World, cx: &mut _, socket: Socket, event: Event<'_>| {
                world.note(event);
                if describe(event) == moment {
                    socket.destroy(cx);
                }
            };
            server.on_socket_event(&mut rig.event_loop, note);
            peer.send(&pattern(100_000)); // more than a piece
            if moment.starts_with("close") || moment == "end" {
                peer.shut_down_writing();
            }
            peer.keep_receive_buffer_small();
            let mut world = World::default();
            let reader = thread::spawn(move || {
                read.recv().expect("it is accepted");
                // It may be reset, for there is data that nobody has read.
                let _ = io::copy(&mut peer, &mut io::sink());
            });
            rig.run(&mut world);
            reader.join().expect("it reads");
            if moment == "drain" {
                world.events.retain(|event| event != "data"); // before it or after
            }
            assert_eq!(world.events, expected, "destroyed in {moment}");
            assert!(world.pieces.len() <= 1 || moment != "data");
        }
    });
}

/// Catches: an error or a close for every way in which the same reset is noticed, or none.
#[test]
fn rule_5_a_reset_while_much_is_queued_gives_one_error_and_one_close() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            server.close(cx);
            assert!(!socket.write(cx, pattern(BIG)));
            world.peers.remove(0).reset();
        });
        rig.run(&mut world);
        assert!(["error ECONNRESET", "error EPIPE"].contains(&&*world.events[0]));
        assert_eq!(world.events[1..], ["close true"]);
    });
}

/// Catches: taking the reset for news before the bytes that came ahead of it were read.
#[test]
fn rule_5_what_came_before_a_reset_is_handed_out_first() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, mut peer) = (rig.server, rig.peer());
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        peer.send(b"last words");
        peer.reset();
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.bytes, b"last words");
        let closes = ["close true", "close false"].map(|close| world.count(close));
        assert_eq!(closes.iter().sum::<usize>(), 1);
    });
}

/// The same while the socket has bytes queued, so that writing, too, would notice the reset. Node
/// reads before it writes.
#[test]
fn rule_5_what_came_before_a_reset_is_handed_out_first_even_with_much_queued() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            server.close(cx);
            assert!(!socket.write(cx, pattern(BIG)));
            let mut peer = world.peers.remove(0);
            peer.send(b"last words");
            peer.reset();
        });
        rig.run(&mut world);
        assert_eq!(String::from_utf8_lossy(&world.bytes), "last words");
        // As libuv has it, a reset that was seen together with the data is the end of the stream.
        assert!(world.events.last().expect("it ends").starts_with("close"));
    });
}

/// Catches: a reset that this end sends being told to its own program as an error.
#[test]
fn rule_5_reset_and_destroy_is_an_error_only_for_the_peer() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, mut peer) = (rig.server, rig.peer());
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            if let Err(error) = socket.reset_and_destroy(cx) {
                assert_eq!(error.code(), "ERR_INVALID_HANDLE_TYPE");
                socket.destroy(cx);
            }
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["close false"]);
        let read = io::Read::read(&mut peer, &mut [0]).map_err(|error| error.kind());
        match peer {
            Peer::Tcp(_) => assert_eq!(read, Err(io::ErrorKind::ConnectionReset)),
            Peer::Ipc(_) => assert_eq!(read, Ok(0), "IPC knows no reset"),
        }
    });
}
