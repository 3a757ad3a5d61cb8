//! Rules 3 and 6: every byte is written though room is announced once, and an end is not a close.

use std::io::{ErrorKind, Read};
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use loopchat::net::Event;

use crate::in_process::{Peer, Rig, World, after_turns, each_family, pattern};

const MIB: usize = 1024 * 1024;

/// More than the kernel takes of a peer that does not read.
const BIG: usize = 8 * MIB;

/// Allow it to read to the end.
const ALL: usize = usize::MAX;

/// Reads a peer to its end on a thread of its own, in small bites of all sizes, but never more
/// than it was allowed: until then the kernel's buffers are all the room there is.
fn read_slowly(mut peer: Peer) -> (JoinHandle<Vec<u8>>, Sender<usize>) {
    peer.keep_receive_buffer_small();
    let (allow, allowed) = channel::<usize>();
    let reader = thread::spawn(move || {
        let (mut all, mut bite, mut left) = (Vec::new(), vec![0; 40_000], 0);
        for round in 0.. {
            if left == 0 {
                left = allowed.recv().expect("it may read to the end at last");
            }
            let size = left.min(1 + round * 7919 % bite.len());
            match peer.read(&mut bite[..size]).expect("no reset") {
                0 => break,
                count => {
                    all.extend_from_slice(&bite[..count]);
                    left -= count;
                }
            }
        }
        all
    });
    (reader, allow)
}

// --- rule 3: writable is acted on only with bytes queued ------------------------------------

/// Catches: losing, doubling or reordering bytes where the kernel took only a part, or waiting for
/// an edge that was used up.
#[test]
fn rule_3_a_big_write_survives_short_writes_byte_for_byte() {
    each_family(|family| {
        let sent = Rc::new(pattern(BIG));
        let (mut rig, to_send) = (Rig::<World>::new(family), Rc::clone(&sent));
        rig.note_events();
        let (server, peer) = (rig.server, rig.peer());
        let (reader, allow) = read_slowly(peer);
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            let shared = Rc::new(to_send[..5 * MIB].to_vec());
            assert!(
                !socket.write_shared(cx, &shared),
                "more than the kernel takes"
            );
            assert!(!socket.write(cx, &to_send[5 * MIB..7 * MIB]));
            for small in to_send[7 * MIB..].chunks(1009) {
                socket.write(cx, small);
            }
            assert_eq!(
                socket.bytes_written(cx),
                BIG as u64,
                "what waits is counted"
            );
            socket.end(cx);
            allow.send(ALL).expect("it waits");
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert!(reader.join().expect("it reads") == *sent);
        assert_eq!(
            world.events,
            ["finish", "end", "close false"],
            "no drain after end"
        );
    });
}

/// Catches: a drain for every writable event, one for every write that returned false, or none.
#[test]
fn rule_3_drain_comes_once_after_writes_that_returned_false() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let (server, peer) = (rig.server, rig.peer());
        let (reader, allow) = read_slowly(peer);
        let connected = allow.clone();
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            assert!(!socket.write(cx, pattern(BIG)));
            assert!(!socket.write(cx, b"x"), "still too much");
            connected.send(BIG + 1).expect("it waits");
        });
        server.on_socket_event(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, event| {
                world.note(event);
                if !matches!(event, Event::Drain) {
                    return;
                }
                assert_eq!(socket.buffered(cx), 0, "all is sent");
                if world.count("drain") == 1 {
                    assert!(!socket.write(cx, pattern(BIG)));
                    allow.send(ALL).expect("it waits");
                } else {
                    assert!(socket.write(cx, b"x"));
                    after_turns(cx, 5, move |_, cx| {
                        socket.end(cx);
                    });
                }
            },
        );
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(
            world.events,
            ["drain", "drain", "finish", "end", "close false"]
        );
        assert_eq!(reader.join().expect("it reads").len(), 2 * BIG + 2);
    });
}

/// Catches: a drain nobody asked for, from the writable event that every connection begins with,
/// or after bytes were queued by a write that returned true.
#[test]
fn rule_3_no_drain_comes_unless_a_write_returned_false() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, mut peer) = (rig.server, rig.peer());
        let (written, total) = channel();
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            while socket.buffered(cx) == 0 {
                assert!(
                    socket.write(cx, [b'x'; 8 * 1024]),
                    "below the high-water mark"
                );
            }
            written
                .send(socket.bytes_written(cx))
                .expect("the peer waits");
        });
        server.on_data(&mut rig.event_loop, |_world, cx, socket, _bytes| {
            assert_eq!(socket.buffered(cx), 0, "all of it was sent");
            socket.end(cx);
        });
        let reader = thread::spawn(move || {
            let mut all = vec![0; total.recv().expect("it was sent") as usize];
            peer.read_exact(&mut all).expect("no reset");
            peer.send(b"thanks");
            peer.read_all()
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["data", "finish", "end", "close false"]);
        assert_eq!(reader.join().expect("it reads"), b"");
    });
}

/// Catches: `write` returning true while memory grows: a sender that heeds it queues little.
#[test]
fn rule_3_a_sender_that_waits_for_drain_queues_little() {
    each_family(|family| {
        const CHUNK: usize = 64 * 1024;
        let sent = Rc::new(pattern(BIG));
        let (mut rig, to_send) = (Rig::<World>::new(family), Rc::clone(&sent));
        let (server, peer) = (rig.server, rig.peer());
        let mut place = 0;
        let mut send_on = move |cx: &mut _, socket: loopchat::net::Socket| {
            while let Some(chunk) = to_send.get(place..place + CHUNK) {
                place += CHUNK;
                let more = socket.write(cx, chunk);
                assert!(socket.buffered(cx) <= CHUNK, "never more than one write");
                if !more {
                    return;
                }
            }
            socket.end(cx);
        };
        server.on_socket_event(
            &mut rig.event_loop,
            move |_, cx, socket, event| match event {
                Event::Data(_) | Event::Drain => send_on(cx, socket),
                _ => drop(server.close(cx)),
            },
        );
        let mut starter = peer;
        starter.send(b"go");
        let (reader, allow) = read_slowly(starter);
        allow.send(ALL).expect("it waits");
        rig.run(&mut World::default());
        assert!(reader.join().expect("it reads") == *sent);
    });
}

/// Catches: corked bytes that leave early, stay for ever, or are lost by `end`.
#[test]
fn rule_3_corked_bytes_leave_with_the_last_uncork_or_with_end() {
    each_family(|family| {
        for with_end in [false, true] {
            let mut rig = Rig::<World>::new(family);
            rig.note_events();
            let server = rig.server;
            let mut world = World {
                peers: rig.peers(1),
                ..World::default()
            };
            server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
                server.close(cx);
                socket.cork(cx);
                socket.cork(cx);
                assert!(socket.write(cx, b"one "));
                socket.uncork(cx);
                assert!(!socket.write(cx, [b'x'; 16 * 1024]), "the high-water mark");
                assert_eq!(socket.buffered(cx), 4 + 16 * 1024);
                let peer = &mut world.peers[0];
                peer.set_nonblocking(true);
                let early = peer.read(&mut [0]).expect_err("nothing was sent");
                assert_eq!(early.kind(), ErrorKind::WouldBlock);
                peer.set_nonblocking(false);
                if with_end {
                    socket.end(cx);
                } else {
                    socket.uncork(cx);
                    after_turns(cx, 2, move |_, cx| {
                        socket.end(cx);
                    });
                }
                assert_eq!(socket.buffered(cx), 0);
                world.peers[0].shut_down_writing();
            });
            rig.run(&mut world);
            world.events.retain(|event| event == "drain");
            assert_eq!(
                world.events.len(),
                usize::from(!with_end),
                "no drain after end"
            );
            let peer = world.peers.pop().expect("it is there");
            assert_eq!(peer.read_all().len(), 4 + 16 * 1024);
        }
    });
}

// --- rule 6: a read of 0 is the end of one direction ----------------------------------------

/// Catches: closing at the peer's end while bytes are queued, or taking RDHUP for HUP.
#[test]
fn rule_6_what_is_queued_is_flushed_before_the_socket_ends_itself() {
    each_family(|family| {
        let sent = Rc::new(pattern(BIG));
        let (mut rig, to_send) = (Rig::<World>::new(family), Rc::clone(&sent));
        rig.note_events();
        let (server, mut peer) = (rig.server, rig.peer());
        peer.send(b"everything, please");
        peer.shut_down_writing();
        let (reader, allow) = read_slowly(peer);
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_data(&mut rig.event_loop, move |_world, cx, socket, _bytes| {
            socket.write(cx, &to_send[..BIG - 3]);
        });
        let to_send = Rc::clone(&sent);
        server.on_socket_event(&mut rig.event_loop, move |_world, cx, socket, event| {
            if matches!(event, Event::End) {
                assert!(socket.buffered(cx) > 0, "otherwise this tests nothing");
                socket.write(cx, &to_send[BIG - 3..]); // still possible
                allow.send(ALL).expect("it waits");
            }
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert!(reader.join().expect("it reads") == *sent);
        assert_eq!(world.events, ["data", "end", "finish", "close false"]);
    });
}

/// Catches: ending the write side with the read side although the program keeps it open.
#[test]
fn rule_6_a_half_open_socket_writes_on_after_the_end() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, peer) = (rig.server, rig.peer());
        peer.shut_down_writing();
        let (reader, allow) = read_slowly(peer);
        server.set_allow_half_open(&mut rig.event_loop, true);
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_socket_event(&mut rig.event_loop, move |_world, cx, socket, event| {
            if matches!(event, Event::End) {
                let allow = allow.clone();
                after_turns(cx, 3, move |_world, cx| {
                    assert!(!socket.write(cx, pattern(BIG)));
                    allow.send(ALL).expect("it waits");
                    after_turns(cx, 3, move |_world, cx| {
                        socket.end(cx);
                    });
                });
            }
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert!(reader.join().expect("it reads") == pattern(BIG));
        world.events.retain(|event| event != "drain");
        assert_eq!(world.events, ["end", "finish", "close false"]);
    });
}

/// Catches: an automatic end that comes too early for an answer to the last line, or never.
#[test]
fn rule_6_without_half_open_the_end_handler_and_its_ticks_can_still_write() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, peer) = (rig.server, rig.peer());
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_socket_event(&mut rig.event_loop, |_world, cx, socket, event| {
            if !matches!(event, Event::End) {
                return;
            }
            assert!(socket.write(cx, b"handler "));
            cx.next_tick(move |_world, cx| {
                assert!(socket.write(cx, b"tick"));
                cx.next_tick(move |_world, cx| assert!(!socket.write(cx, b"too late")));
            });
        });
        peer.shut_down_writing();
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["end", "error EPIPE", "close true"]);
        assert_eq!(peer.read_all(), b"handler tick");
    });
}

/// Catches: `end` taken for a close: the other direction goes on until the peer ends, too.
#[test]
fn rule_6_after_its_own_end_a_socket_reads_on() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        server.on_connection(&mut rig.event_loop, move |_, cx, socket| {
            server.close(cx);
            socket.end(cx);
        });
        server.on_socket_event(
            &mut rig.event_loop,
            |world: &mut World, _cx, _socket, event| {
                world.note(event);
                if matches!(event, Event::Finish) {
                    world.peers[0].send(b"one more thing");
                    world.peers[0].shut_down_writing();
                }
            },
        );
        rig.run(&mut world);
        assert_eq!(world.events, ["finish", "data", "end", "close false"]);
        assert_eq!(world.bytes, b"one more thing");
    });
}

/// Catches: `destroy_soon` that drops what is queued, or that waits for the peer's end.
#[test]
fn rule_6_destroy_soon_sends_everything_and_waits_for_nobody() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.note_events();
        let (server, peer) = (rig.server, rig.peer());
        let (reader, allow) = read_slowly(peer);
        server.on_connection(&mut rig.event_loop, move |_world, cx, socket| {
            server.close(cx);
            socket.write(cx, pattern(BIG));
            socket.destroy_soon(cx);
            assert!(socket.buffered(cx) > 0);
            allow.send(ALL).expect("it waits");
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["finish", "close false"]);
        assert!(reader.join().expect("it reads") == pattern(BIG));
    });
}
