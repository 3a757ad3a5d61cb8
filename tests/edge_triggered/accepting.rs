//! Rules 2 and 4: accepting is bounded, and a connection that is gone already stops nobody.

use std::io::Read;

use loopchat::net::Address;

use crate::in_process::{Family, Peer, Rig, World, describe, each_family};

/// Catches: a turn in which a crowd at the door keeps everyone inside waiting; and a backlog that
/// is forgotten at the cap, for it brings no other edge.
#[test]
fn rule_2_two_hundred_in_the_backlog_are_accepted_over_several_turns() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let (server, _peers) = (rig.server, rig.peers(200));
        server.on_connection(&mut rig.event_loop, |world: &mut World, cx, socket| {
            world.pieces.push((1, world.turn));
            socket.destroy(cx);
            let turn = world.turn;
            cx.set_immediate(move |world: &mut World, _cx| {
                assert_eq!(world.turn, turn, "the check phase runs between the batches");
                world.done = world.pieces.len() == 200;
            });
        });
        let mut world = World::default();
        rig.run_until_done(&mut world);
        let batches: Vec<_> = world.pieces.chunk_by(|one, two| one.1 == two.1).collect();
        assert!(batches.len() >= 4, "{} batches", batches.len());
        assert!(batches.iter().all(|batch| batch.len() <= 64));
    });
}

/// Catches: an accept loop, or a server, that ends at the first connection which is dead already.
#[test]
fn rule_4_a_peer_that_resets_before_it_is_accepted_does_not_stop_the_next() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        let server = rig.server;
        let mut first = rig.peer();
        let mut resetting = rig.peer();
        if family == Family::Ipc {
            resetting.send(b"unread by nobody");
        }
        resetting.reset();
        let mut last = rig.peer();
        server.on_socket_event(
            &mut rig.event_loop,
            move |world: &mut World, cx, socket, event| {
                let number = world.number(socket);
                world.say(format!("{number} {}", describe(event)));
                if let loopchat::net::Event::Data(bytes) = event {
                    socket.write(cx, bytes);
                }
                if world.sockets.len() == 3 {
                    server.close(cx);
                }
            },
        );
        for peer in [&mut first, &mut last] {
            peer.send(b"hello");
            peer.shut_down_writing();
        }
        let mut world = World::default();
        rig.run(&mut world);
        let of = |number: usize| {
            let events = world.events.iter();
            let own = events.filter_map(|event| event.strip_prefix(&format!("{number} ")));
            own.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(0), ["data", "end", "finish", "close false"]);
        assert_eq!(of(2), ["data", "end", "finish", "close false"]);
        match family {
            Family::Tcp => assert_eq!(of(1), ["error ECONNRESET", "close true"]),
            // There is no reset before an accept here; the echo may find nobody.
            Family::Ipc => assert!(of(1).last().expect("it closes").starts_with("close")),
        }
        assert_eq!(first.read_all(), b"hello");
        assert_eq!(last.read_all(), b"hello");
    });
}

/// Catches: accepting on after the listener is gone (or using it).
#[test]
fn rule_4_a_server_closed_in_its_connection_callback_accepts_no_more() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let (server, peers) = (rig.server, rig.peers(3));
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            world.say("connection");
            server.close(cx);
            assert!(!server.listening(cx));
            socket.end(cx);
        });
        server.on_close(&mut rig.event_loop, |world, _cx, _| {
            world.say("server close")
        });
        peers.iter().for_each(Peer::shut_down_writing);
        let mut world = World::default();
        rig.run(&mut world);
        assert_eq!(world.events, ["connection", "server close"]);
        if let Address::Ipc(path) = &rig.place.address {
            assert!(!path.exists(), "the socket file is removed");
        }
        for mut peer in peers {
            // Those in the backlog are told: by a reset over TCP, by the end over IPC.
            assert!(matches!(peer.read(&mut [0]), Ok(0) | Err(_)));
        }
    });
}

/// Catches: a server that loses the edge of its listener when it listens anew in the callback of a
/// connection to the old one.
#[test]
fn rule_4_a_server_can_listen_anew_in_its_connection_callback() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        let again = rig.place.address.clone();
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            world.say("connection");
            socket.destroy(cx);
            server.close(cx);
            if world.events.len() == 1 {
                let address = match &again {
                    Address::Tcp(_) => "127.0.0.1:0".parse().expect("an address"),
                    Address::Ipc(_) => again.clone(),
                };
                server.listen(cx, address);
                let address = server.address(cx).expect("it listens");
                world.peers.push(Peer::connect(&address));
            }
        });
        server.on_listening(&mut rig.event_loop, |world: &mut World, _cx, _| {
            if !world.events.is_empty() {
                world.say("listening");
            }
        });
        rig.run(&mut world);
        assert_eq!(world.events, ["connection", "listening", "connection"]);
    });
}

/// Catches: a limit on connections that stops accepting instead of turning away, so that nothing
/// wakes it again.
#[test]
fn rule_4_connections_beyond_the_limit_are_dropped_and_room_is_used_again() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let server = rig.server;
        server.set_max_connections(&mut rig.event_loop, Some(1));
        let mut world = World {
            peers: rig.peers(2),
            ..World::default()
        };
        let address = rig.place.address.clone();
        server.on_connection(&mut rig.event_loop, |world, _cx, socket| {
            world.say("connection");
            world.sockets.push(socket);
        });
        server.on_drop(&mut rig.event_loop, move |world: &mut World, cx, _, _| {
            world.say("drop");
            let [first] = world.sockets[..] else {
                panic!("one was let in")
            };
            first.destroy(cx);
            world.peers.push(Peer::connect(&address));
        });
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            if world.sockets.len() == 2 {
                socket.destroy(cx);
                server.close(cx);
            }
        });
        rig.run(&mut world);
        assert_eq!(world.events, ["connection", "drop", "connection"]);
        let turned_away = world.peers[1].read(&mut [0]);
        assert!(matches!(turned_away, Ok(0)), "closed at once");
    });
}
