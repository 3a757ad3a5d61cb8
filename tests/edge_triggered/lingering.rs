//! Closing with something that the peer has not taken: what the kernel holds is bounded, and is
//! let go of.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use loopchat::Context;
use loopchat::net::{self, BufferSizes, Socket};

use crate::in_process::{Family, Peer, Place, World, each_family, within_deadline};

const SIZES: BufferSizes = BufferSizes {
    send: Some(16 * 1024),
    receive: Some(16 * 1024),
};

/// A server whose peers have a second to take what they are sent.
fn rig(family: Family) -> (loopchat::EventLoop<World>, net::Server, Place) {
    let mut event_loop = loopchat::EventLoop::new().expect("a loop");
    let mut place = Place::new(family);
    let server = net::create_server(&mut event_loop);
    server.set_linger(&mut event_loop, Some(Duration::from_millis(300)));
    server.on_connection(&mut event_loop, |world: &mut World, _, socket| {
        world.sockets.push(socket);
    });
    let options = net::ListenOptions::from(place.address.clone()).buffer_sizes(SIZES);
    server.listen(&mut event_loop, options);
    place.address = server.address(&event_loop).expect("it listens");
    (event_loop, server, place)
}

/// Writes until the kernel takes no more; how much it took.
fn fill(cx: &mut Context<World>, socket: Socket) -> u64 {
    while socket.buffered(cx) == 0 {
        socket.write(cx, vec![b'x'; 1000]);
    }
    socket.bytes_written(cx) - socket.buffered(cx) as u64
}

/// Catches: megabytes of the kernel's for whoever does not read.
#[test]
fn what_the_kernel_holds_for_a_peer_is_bounded_on_either_kind() {
    each_family(|family| {
        let (mut event_loop, server, place) = rig(family);
        let mut world = World::default();
        let peer = Peer::connect(&place.address);
        peer.keep_receive_buffer_small();
        while world.sockets.is_empty() {
            event_loop.turn(&mut world).expect("the poll works");
        }
        let taken = fill(&mut event_loop, world.sockets[0]);
        println!("the kernel takes {taken} bytes");
        // What TCP has handed to the peer's own buffer is the peer's.
        let peers = if family == Family::Tcp { 256 * 1024 } else { 0 };
        assert!(taken <= peers + 2 * 16 * 1024, "{taken} bytes");
        server.close(&mut event_loop);
        world.sockets[0].destroy(&mut event_loop);
    });
}

/// Catches: sizes that are given and not set on a connection that one makes.
#[test]
fn a_connection_that_is_made_has_its_sizes_too() {
    each_family(|family| {
        let (mut event_loop, server, place) = rig(family);
        let options = net::ConnectOptions::new(place.address.clone()).buffer_sizes(SIZES);
        let client = net::create_connection(&mut event_loop, options);
        let mut world = World::default();
        // Its attempt is a tick's, and the loop has not run yet.
        event_loop.set_immediate(|_, _| ());
        while world.sockets.is_empty() || client.connecting(&event_loop) {
            event_loop.turn(&mut world).expect("the poll works");
        }
        // Nobody reads at the other end: it has no listener for data.
        let taken = fill(&mut event_loop, client);
        assert!(taken <= 6 * 16 * 1024, "{taken} bytes");
        server.close(&mut event_loop);
        client.destroy(&mut event_loop);
        world.sockets[0].destroy(&mut event_loop);
        event_loop.run(&mut world).expect("the poll works");
    });
}

/// Catches: a peer that reads nothing, whose connection lives on in the kernel; and one that reads
/// slowly, and is reset for it.
#[test]
#[cfg(target_os = "linux")]
fn who_takes_nothing_is_reset_and_who_takes_all_is_not() {
    within_deadline(|| {
        for (ms, reads) in [(200, false), (3_600_000, true)] {
            let (mut event_loop, server, place) = rig(Family::Tcp);
            server.set_linger(&mut event_loop, Some(Duration::from_millis(ms)));
            let mut world = World::default();
            let mut peer = Peer::connect(&place.address);
            while world.sockets.is_empty() {
                event_loop.turn(&mut world).expect("the poll works");
            }
            let socket = world.sockets[0];
            const SENT: usize = 8 * 1024 * 1024;
            socket.write(&mut event_loop, vec![b'x'; SENT]);
            assert!(
                socket.unacknowledged(&mut event_loop).is_some(),
                "it is known"
            );
            socket.linger(&mut event_loop);
            server.close(&mut event_loop);
            let reader = std::thread::spawn(move || {
                let read = match reads {
                    true => peer.read_to_end(&mut Vec::new()),
                    false => Ok(0),
                };
                (peer, read)
            });
            // A loop without sockets ends.
            event_loop.run(&mut world).expect("the poll works");
            let (mut peer, read) = reader.join().expect("no panic");
            if reads {
                assert_eq!(read.expect("no reset"), SENT);
            } else {
                let error = peer.read_to_end(&mut Vec::new()).expect_err("a reset");
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            }
        }
    });
}
