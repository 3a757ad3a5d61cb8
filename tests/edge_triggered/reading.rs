//! Rules 1, 2 and 9: every byte is read though it is announced once, and nobody is held up.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use crate::in_process::{
    Family, Peer, Rig, World, after_turns, clock, each_family, pattern, within_deadline,
};

/// What one read takes at most.
const PIECE: usize = 64 * 1024;

// --- rule 1: a short read may end the reading, unless the peer has closed -------------------

/// Catches: stopping at a short read, or at one that filled the buffer exactly, when the end of
/// the stream was announced together with the data: no other edge comes, and the socket leaks.
#[test]
fn rule_1_an_end_that_comes_with_the_data_is_not_lost() {
    each_family(|family| {
        for length in [0, 1, 1000, PIECE - 1, PIECE, PIECE + 1] {
            receive_all_at_once(family, length);
        }
    });
}

/// The same at multiples of the buffer, where the last read that brings data is a full one.
#[test]
fn rule_1_an_end_after_several_full_buffers_is_not_lost() {
    each_family(|family| {
        for length in [2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 130_000] {
            receive_all_at_once(family, length);
        }
    });
}

/// The peer connects, writes and shuts down before the loop first runs: one event tells it all.
fn receive_all_at_once(family: Family, length: usize) {
    let mut rig = Rig::<World>::new(family);
    rig.note_events();
    let (server, mut peer) = (rig.server, rig.peer());
    server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
    let sent = pattern(length);
    peer.send(&sent);
    peer.shut_down_writing();
    let mut world = World::default();
    rig.run(&mut world);
    assert!(world.bytes == sent, "{length} bytes arrive as they were");
    let after = ["end", "finish", "close false"];
    let expected = ["data"].iter().chain(&after);
    let expected: Vec<_> = expected.skip(usize::from(length == 0)).collect();
    assert_eq!(
        world.events.iter().collect::<Vec<_>>(),
        expected,
        "{length} bytes"
    );
    assert_eq!(peer.read_all(), b"", "and the peer is told");
}

/// Catches: forgetting readiness that came between the event and the read. The second socket
/// is announced as readable only; its end follows while the first one's callback runs.
#[test]
fn rule_1_an_end_that_comes_between_the_event_and_the_read_is_not_lost() {
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
                    world.peers.iter_mut().for_each(|peer| peer.send(b"a"));
                }
            },
        );
        server.on_data(
            &mut rig.event_loop,
            |world: &mut World, _cx, _socket, bytes| {
                if world.bytes.is_empty() {
                    for peer in &mut world.peers {
                        peer.send(b"b");
                        peer.shut_down_writing();
                    }
                }
                world.bytes.extend_from_slice(bytes);
            },
        );
        rig.note_events();
        rig.run(&mut world);
        assert_eq!(world.count("end"), 2);
        assert_eq!(world.count("close false"), 2);
    });
}

/// Catches: taking a read that stopped at TCP urgent data (telnet sends it with Ctrl-C) for the end
/// of what is there: the bytes behind it wait for the peer's next segment.
#[test]
fn rule_1_a_read_cut_short_by_urgent_data_does_not_strand_what_follows() {
    within_deadline(|| {
        let clock = clock();
        let mut rig = Rig::<World>::with_clock(Family::Tcp, &clock);
        let (server, mut peer) = (rig.server, rig.peer());
        peer.send(b"before");
        let Peer::Tcp(stream) = &peer else {
            unreachable!("it is TCP")
        };
        assert_eq!(send(stream, b"!", SendFlags::OOB), Ok(1));
        peer.send(b"behind");
        rig.note_events();
        server.on_connection(&mut rig.event_loop, move |_, cx, socket| {
            server.close(cx);
            // Later than anything that is not stranded.
            cx.set_timeout(Duration::from_secs(60), move |_, cx| socket.destroy(cx));
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(String::from_utf8_lossy(&world.bytes), "beforebehind");
    });
}

// --- rules 2 and 9: one piece a socket and turn ---------------------------------------------

/// Catches: reading one socket until it would block. The big peer writes on in every callback, so
/// it never would, and the other's line would wait for ever.
#[test]
fn rule_2_megabytes_of_one_socket_do_not_hold_up_the_line_of_another() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(2),
            ..World::default()
        };
        world.peers[0].set_nonblocking(true);
        world.peers[0].top_up();
        server.on_data(
            &mut rig.event_loop,
            |world: &mut World, _cx, socket, bytes| {
                assert!(bytes.len() <= PIECE, "one read, one piece");
                if world.number(socket) == 1 {
                    assert_eq!(bytes, b"a line\n");
                    world.done = true;
                    return;
                }
                world.pieces.push((bytes.len(), world.turn));
                world.peers[0].top_up();
                if world.pieces.len() == 2 {
                    world.peers[1].send(b"a line\n");
                }
            },
        );
        rig.run_until_done(&mut world);
        // The line came in during the second piece; TCP may take a moment to bring it.
        let bound = if family == Family::Ipc { 3 } else { 20 };
        assert!(world.pieces.len() <= bound, "{:?}", world.pieces);
    });
}

/// Catches: a turn that a peer can make unbounded. However much it sends, a turn takes one piece of
/// it, and the check phase runs in every turn.
#[test]
fn rule_9_a_peer_that_never_stops_writing_gets_one_piece_a_turn() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        world.peers[0].set_nonblocking(true);
        world.peers[0].top_up();
        server.on_data(
            &mut rig.event_loop,
            |world: &mut World, cx, _socket, bytes| {
                world.pieces.push((bytes.len(), world.turn));
                world.peers[0].top_up();
                let turn = world.turn;
                cx.set_immediate(move |world: &mut World, _cx| {
                    assert_eq!(world.turn, turn, "the check phase of the same turn");
                    world.done = world.pieces.len() >= 100;
                });
            },
        );
        rig.run_until_done(&mut world);
        assert!(world.pieces.iter().all(|(length, _)| *length <= PIECE));
        let mut turns: Vec<_> = world.pieces.iter().map(|(_, turn)| turn).collect();
        turns.dedup();
        assert_eq!(turns.len(), world.pieces.len(), "never two in one turn");
    });
}

/// Catches: sleeping although a socket that was cut off at the cap waits in the ready queue.
/// The peer is silent, so a poll that slept would sleep for ever.
#[test]
fn rule_2_the_poll_does_not_sleep_while_a_capped_socket_waits() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, mut peer) = (rig.server, rig.peer());
        server.on_data(
            &mut rig.event_loop,
            |world: &mut World, _cx, _socket, _bytes| {
                world.done = world.bytes.len() == 130_000;
            },
        );
        peer.send(&pattern(130_000));
        let mut world = World::default();
        rig.run_until_done(&mut world);
        if family == Family::Ipc {
            let lengths: Vec<_> = world.pieces.iter().map(|(length, _)| *length).collect();
            assert_eq!(lengths, [PIECE, 130_000 - PIECE]);
            assert_eq!(
                world.pieces[1].1,
                world.pieces[0].1 + 1,
                "in two turns on end"
            );
        }
    });
}

// --- rule 2: pausing masks interest, never the remembered event -----------------------------

/// Catches: dropping the edge that comes while a socket is paused; none comes on `resume`. And
/// spinning meanwhile: then this clock would never get to the timer.
#[test]
fn rule_2_resume_delivers_what_came_while_the_socket_was_paused() {
    each_family(|family| {
        let clock = clock();
        let mut rig = Rig::<World>::with_clock(family, &clock);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            server.close(cx);
            socket.pause(cx);
            world.peers[0].send(b"while paused");
            cx.set_timeout(Duration::from_secs(3600), move |world: &mut World, cx| {
                assert!(world.events.is_empty());
                socket.resume(cx);
            });
        });
        rig.note_events();
        server.on_data(&mut rig.event_loop, |world, _cx, _socket, _bytes| {
            world.peers.clear()
        });
        rig.run(&mut world);
        assert_eq!(world.bytes, b"while paused");
        assert_eq!(world.events, ["data", "end", "finish", "close false"]);
        assert_eq!(clock.now(), 3_600_000);
    });
}

/// Catches: going on to read what is left of a capped socket after it was paused in its callback;
/// or losing its place in the ready queue for good.
#[test]
fn rule_2_a_socket_paused_in_its_own_data_callback_keeps_the_rest_in_the_kernel() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, mut peer) = (rig.server, rig.peer());
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_data(&mut rig.event_loop, |_world, cx, socket, _bytes| {
            socket.pause(cx);
            after_turns(cx, 3, move |world: &mut World, cx| {
                world.say("resume");
                socket.resume(cx);
            });
        });
        let sent = pattern(130_000);
        peer.send(&sent);
        peer.shut_down_writing();
        let mut world = World::default();
        rig.run(&mut world);
        assert!(world.bytes == sent);
        let pieces = world.pieces.len();
        let mut expected = ["data", "resume"].repeat(pieces);
        // Paused again after the last piece: the end needs no resuming.
        expected.truncate(2 * pieces - 1);
        let end = world.events.iter().filter(|event| *event != "resume");
        assert_eq!(
            end.skip(pieces).collect::<Vec<_>>(),
            ["end", "finish", "close false"]
        );
        assert_eq!(world.events[..expected.len()], expected);
    });
}

/// Catches: an end that waits for someone to read although nothing is left to read; and the
/// reverse, an end that overtakes a byte nobody has read yet.
#[test]
fn rule_2_a_paused_socket_ends_unless_a_byte_is_left() {
    each_family(|family| {
        for left in [&b""[..], b"x"] {
            let clock = clock();
            let mut rig = Rig::<World>::with_clock(family, &clock);
            rig.note_events();
            let (server, mut peer) = (rig.server, rig.peer());
            peer.send(left);
            peer.shut_down_writing();
            server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
                server.close(cx);
                socket.pause(cx);
                let timer = cx.set_timeout(Duration::from_secs(1), move |world: &mut World, cx| {
                    world.say("resume");
                    socket.resume(cx);
                });
                // A paused socket that has read the end holds nothing open, as in Node.
                cx.set_timer_ref(timer, !left.is_empty());
            });
            let mut world = World::default();
            rig.run(&mut world);
            let end = ["end", "finish", "close false"];
            if left.is_empty() {
                assert_eq!(world.events, end);
            } else {
                assert_eq!(world.events[..2], ["resume", "data"]);
                assert_eq!(world.events[2..], end);
            }
        }
    });
}

/// Catches: a socket that nobody listens to yet whose only edge is gone when somebody does.
#[test]
fn rule_2_data_that_came_before_anyone_listened_is_handed_out_then() {
    each_family(|family| {
        let clock = clock();
        let mut rig = Rig::<World>::with_clock(family, &clock);
        let (server, mut peer) = (rig.server, rig.peer());
        peer.send(b"early");
        peer.shut_down_writing();
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            cx.set_timeout(Duration::from_secs(1), move |_world, cx| {
                socket.on_event(cx, |world: &mut World, _cx, _socket, event| {
                    world.note(event)
                });
            });
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.bytes, b"early");
        assert_eq!(world.events, ["data", "end", "finish", "close false"]);
    });
}

// --- rule 2: bytes given back ---------------------------------------------------------------

/// Catches: handing given-back bytes out again in the same turn (a peer with a thousand lines
/// would hold up everybody), behind what comes later, or after the end.
#[test]
fn rule_2_unshift_hands_the_rest_out_next_turn_before_what_comes_and_before_the_end() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        world.peers[0].send(b"one\ntwo\nthree\n");
        let lines = Rc::new(Cell::new(0));
        let counted = Rc::clone(&lines);
        server.on_data(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, bytes| {
                if counted.get() == 0 {
                    world.peers[0].send(b"four\n");
                    world.peers[0].shut_down_writing();
                }
                let line = bytes
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .expect("whole lines")
                    + 1;
                world.say(String::from_utf8_lossy(&bytes[..line - 1]));
                socket.unshift(cx, &bytes[line..]);
                counted.set(counted.get() + 1);
            },
        );
        server.on_socket_event(&mut rig.event_loop, |world, _cx, _socket, event| {
            world.done = matches!(event, loopchat::net::Event::Close(_));
        });
        rig.run_until_done(&mut world);
        world.events.retain(|event| event != "data");
        let lines = ["one", "two", "three", "four"];
        assert_eq!(world.events[..4], lines);
        assert_eq!(world.events[4..], ["end", "finish", "close false"]);
        let turns: Vec<_> = world.pieces.iter().map(|(_, turn)| *turn).collect();
        assert!(
            turns.windows(2).all(|two| two[0] < two[1]),
            "one a turn: {turns:?}"
        );
    });
}

/// Catches: an end that overtakes bytes which a paused reader has given back.
#[test]
fn rule_2_unshift_on_a_paused_socket_holds_the_end_back() {
    each_family(|family| {
        let clock = clock();
        let mut rig = Rig::<World>::with_clock(family, &clock);
        let (server, mut peer) = (rig.server, rig.peer());
        peer.send(b"given back");
        peer.shut_down_writing();
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_data(
            &mut rig.event_loop,
            |world: &mut World, cx, socket, bytes| {
                if world.events.is_empty() {
                    socket.pause(cx);
                    socket.unshift(cx, bytes);
                    cx.set_timeout(Duration::from_secs(1), move |world: &mut World, cx| {
                        world.say("resume");
                        socket.resume(cx);
                    });
                }
            },
        );
        rig.note_events();
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(
            world.events,
            ["data", "resume", "data", "end", "finish", "close false"]
        );
        assert_eq!(world.bytes, b"given backgiven back");
    });
}
