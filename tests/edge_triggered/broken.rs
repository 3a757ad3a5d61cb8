//! Rules 1 and 6: a write that fails takes nothing from what the peer had sent; a passed descriptor
//! strands no line.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::Duration;

use loopchat::event_loop::ManualClock;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::in_process::{
    Family, Peer, Rig, World, describe, each_family, pattern, within_deadline,
};

/// Sends bytes with a descriptor: on a Unix socket a read ends behind them, whatever follows.
fn send_with_descriptor(peer: &Peer, bytes: &[u8]) {
    let Peer::Ipc(stream) = peer else {
        panic!("only Unix sockets pass descriptors")
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let passed = [stream.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&passed)));
    let sent = sendmsg(
        stream,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::empty(),
    );
    assert_eq!(sent, Ok(bytes.len()));
}

/// Catches: taking a short read of a Unix socket for the end of what is there. The lines behind a
/// descriptor would wait for the next ones, which may never come.
#[test]
fn rule_1_a_passed_descriptor_does_not_strand_what_follows() {
    for (before, behind, ends) in [
        (1, &[1][..], false),
        (1, &[0, 0, 0, 1], true),
        (2, &[1, 0, 2], true),
        (0, &[1, 70_000, 1], false),
        (0, &[100_000], true),
    ] {
        within_deadline(move || {
            let clock = ManualClock::new();
            let mut rig = Rig::<World>::with_clock(Family::Ipc, &clock);
            rig.note_events();
            let (server, mut peer) = (rig.server, rig.peer());
            server.on_connection(&mut rig.event_loop, move |_, cx, socket| {
                server.close(cx);
                // Later than anything that is not stranded.
                cx.set_timeout(Duration::from_secs(60), move |_, cx| socket.destroy(cx));
            });
            let mut sent = Vec::new();
            let mut send = |peer: &mut Peer, length, passes| {
                let bytes = pattern(length);
                sent.extend_from_slice(&bytes);
                match passes {
                    true => send_with_descriptor(peer, &bytes),
                    false => peer.send(&bytes),
                }
            };
            for _ in 0..before {
                send(&mut peer, 100, false);
            }
            for length in behind {
                send(&mut peer, 100, true);
                send(&mut peer, *length, false);
            }
            if ends {
                drop(peer);
            }
            let mut world = World::default();
            rig.run(&mut world);
            assert!(
                world.bytes == sent,
                "{} of {}",
                world.bytes.len(),
                sent.len()
            );
            let has_ended = world.count("end") == 1;
            assert_eq!(has_ended, ends, "{:?}", world.events);
        });
    }
}

/// Catches: a destroy for a write that fails, with the peer's lines unread: it has sent them and
/// closed before we greeted it. However many there are, and whether it ends in order or resets.
#[test]
fn rule_6_what_a_peer_sent_before_it_closed_is_read_although_our_write_fails() {
    each_family(|family| {
        // TCP takes back what has not reached us by the time of a reset.
        let most = if family == Family::Tcp {
            60_000
        } else {
            130_000
        };
        for length in [1, 1000, 30_000, most] {
            for greeting_unread in [false, true] {
                let mut rig = Rig::<World>::new(family);
                let server = rig.server;
                let sent = pattern(length);
                let mut peer = rig.peer();
                peer.send(&sent);
                let mut peer = Some(peer);
                rig.note_events();
                server.on_connection(&mut rig.event_loop, move |_, cx, socket| {
                    server.close(cx);
                    // With a greeting unread the close is a reset; without, our writes bring it on.
                    if greeting_unread {
                        socket.write(cx, "greeting\n");
                    }
                    let mut gone = peer.take().expect("one connection");
                    if greeting_unread {
                        let mut one = [0];
                        std::io::Read::read_exact(&mut gone, &mut one).expect("a greeting");
                    }
                    drop(gone);
                    for _ in 0..3 {
                        socket.write(cx, "welcome\n");
                    }
                });
                let mut world = World::default();
                rig.run(&mut world);
                assert!(
                    world.bytes == sent,
                    "{length} {greeting_unread}: {} came, {:?}",
                    world.bytes.len(),
                    world.events
                );
                assert_eq!(world.events.first().map(String::as_str), Some("data"));
                let last = world.events.last().expect("a close");
                assert!(last.starts_with("close"), "{:?}", world.events);
            }
        }
    });
}

/// Catches: kept lines that are dropped with a write that fails or a reset that is read, when the
/// reader had paused: it resumes later, and they are there.
#[test]
fn rule_6_a_paused_reader_gets_the_rest_after_it_was_told_of_the_failure() {
    each_family(|family| {
        let clock = ManualClock::new();
        let mut rig = Rig::<World>::with_clock(family, &clock);
        let server = rig.server;
        let mut peer = rig.peer();
        peer.send(b"one two three");
        let mut peer = Some(peer);
        rig.note_events();
        server.on_connection(&mut rig.event_loop, move |_, cx, _| server.close(cx));
        server.on_data(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, bytes| {
                let Some(mut gone) = peer.take() else { return };
                world.bytes.clear();
                socket.pause(cx).unshift(cx, &bytes[4..]);
                gone.send(b" four");
                drop(gone);
                cx.set_timeout(Duration::from_millis(10), move |_, cx| {
                    socket.write(cx, "are you there?")
                });
                cx.set_timeout(Duration::from_millis(20), move |_, cx| {
                    socket.write(cx, "are you there?")
                });
                cx.set_timeout(Duration::from_secs(1), move |world: &mut World, cx| {
                    assert!(!socket.destroyed(cx), "{:?}", world.events);
                    assert!(!socket.write(cx, "nothing is queued any more"));
                    assert_eq!(socket.writable_length(cx), 0);
                    world.say("resume");
                    socket.resume(cx);
                });
            },
        );
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(String::from_utf8_lossy(&world.bytes), "two three four");
        let expected = ["data", "error EPIPE", "resume", "data", "end", "close true"];
        assert_eq!(world.events, expected);
    });
}

/// Catches: a broken socket that a program keeps for ever, since it cannot close it: destroying it
/// closes it as any other, and what is kept goes with it.
#[test]
fn rule_6_a_broken_socket_may_be_destroyed_with_bytes_unread() {
    each_family(|family| {
        let clock = ManualClock::new();
        let mut rig = Rig::<World>::with_clock(family, &clock);
        let server = rig.server;
        let mut peer = rig.peer();
        peer.send(b"unread");
        let mut peer = Some(peer);
        server.on_socket_event(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, event| {
                world.say(describe(event));
                if let loopchat::net::Event::Error(_) = event {
                    socket.destroy(cx);
                }
            },
        );
        server.on_connection(&mut rig.event_loop, move |_, cx, socket| {
            server.close(cx);
            socket.pause(cx);
            drop(peer.take());
            for wait in [10, 20] {
                cx.set_timeout(Duration::from_millis(wait), move |_, cx| {
                    socket.write(cx, "are you there?")
                });
            }
        });
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["error EPIPE", "close true"]);
    });
}
