//! Sockets with a layer that is no TLS: what `net` itself makes of layers.

use std::io::IoSlice;

use super::*;

/// Open as soon as anything comes; each byte that comes is handed on twice.
struct Doubling {
    stage: Stage,
    /// How often it was to begin.
    begun: usize,
}

impl Layer for Doubling {
    fn receive(
        &mut self,
        came: &mut [u8],
        hand_on: &mut dyn FnMut(&[u8]),
        _: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match came.is_empty() {
            true => self.begun += 1,
            false => self.stage = Stage::Open,
        }
        for byte in came {
            hand_on(&[*byte, *byte]);
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[IoSlice<'_>], answer: &mut Vec<u8>) -> Result<usize, Error> {
        answer.extend_from_slice(&bytes[0]);
        Ok(bytes[0].len())
    }

    fn end(&mut self, _: &mut Vec<u8>) {}

    fn stage(&self) -> Stage {
        self.stage
    }

    fn opened(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn cut_off(&self) -> Error {
        Error::with_code("CUT_OFF", "cut off")
    }

    fn kept(&self) -> usize {
        0
    }

    fn give_back(&mut self) -> Option<Vec<u8>> {
        None
    }
}

/// What an unlucky peer sends: more than one turn hands out, once it is doubled.
fn sent() -> Vec<u8> {
    (0..100_000).map(|at| (at % 251) as u8).collect()
}

fn doubled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [*byte, *byte]).collect()
}

fn set_layer(cx: &mut Context<Vec<u8>>, socket: Socket, side: Side) {
    let layer = Doubling {
        stage: Stage::Opening,
        begun: 0,
    };
    let set = socket.set_layer(cx, Box::new(layer), side, None);
    set.expect("it stands");
}

/// A server whose sockets have a layer, and a peer that has sent all and has gone.
fn peer_has_gone(
    event_loop: &mut EventLoop<Vec<u8>>,
    listen: impl Fn(&mut Context<Vec<u8>>, Socket) + 'static,
) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("server");
    let server = create_server(event_loop);
    server.listen(event_loop, Address::from(path.as_path()));
    server.on_connection(event_loop, move |_, cx, socket| {
        set_layer(cx, socket, Side::Server);
        listen(cx, socket);
    });
    let mut peer = UnixStream::connect(path).expect("it listens");
    peer.write_all(&sent()).expect("the kernel takes it");
    directory
}

/// More turns than it takes, none of which sleeps.
fn turn(event_loop: &mut EventLoop<Vec<u8>>) -> Vec<u8> {
    let mut read = Vec::new();
    for _ in 0..100 {
        event_loop.set_immediate(|_, _| {});
        event_loop.turn(&mut read).expect("the poll works");
    }
    read
}

#[test]
fn who_reads_by_hand_is_told_of_all_that_a_layer_hands_on() {
    let mut event_loop = EventLoop::new().expect("a poll");
    let _kept = peer_has_gone(&mut event_loop, |cx, socket| {
        socket.on_error(cx, |_, _, _, _| {});
        socket.on_readable(cx, |read: &mut Vec<u8>, cx, socket| {
            while let Some(bytes) = socket.read(cx, None) {
                read.extend(bytes);
            }
        });
    });
    assert!(turn(&mut event_loop) == doubled(&sent()));
}

/// A write that fails has the rest read at once: behind what is there.
#[test]
fn a_write_that_fails_leaves_what_a_layer_hands_on_in_order() {
    for in_which in [EventKind::Secure, EventKind::Data] {
        let mut event_loop = EventLoop::new().expect("a poll");
        let _kept = peer_has_gone(&mut event_loop, move |cx, socket| {
            socket.on_error(cx, |_, _, _, _| {});
            socket.on_data(cx, |read: &mut Vec<u8>, _, _, bytes| {
                read.extend_from_slice(bytes);
            });
            socket.once(cx, in_which, |_, cx, socket, _| {
                socket.write(cx, "to nobody");
            });
        });
        assert!(turn(&mut event_loop) == doubled(&sent()), "{in_which:?}");
    }
}

/// The socket stands when its listeners hear of it: the layer may begin, and once is enough.
#[test]
fn a_layer_that_is_set_when_connected_begins_once() {
    let mut event_loop = EventLoop::<Vec<u8>>::new().expect("a poll");
    let server = create_server(&mut event_loop);
    server.listen(
        &mut event_loop,
        "127.0.0.1:0".parse::<Address>().expect("any"),
    );
    let address = server.address(&event_loop).expect("it listens");
    let client = create_connection(&mut event_loop, address);
    client.on_connect(&mut event_loop, |_, cx, client| {
        set_layer(cx, client, Side::Client);
    });
    client.on_ready(&mut event_loop, |begun, cx, client| {
        let layer: &Doubling = client.layer(cx).expect("it has one");
        begun.push(layer.begun as u8);
    });
    assert_eq!(turn(&mut event_loop), [1]);
}
