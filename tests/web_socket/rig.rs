//! The echo server in the test's own thread, on a clock that jumps.

use std::sync::mpsc::Receiver;

use loopchat::http::web_socket::{Endpoint, Options, WebSocket};

use super::client::{self, REQUEST};
use super::server::{World, serve};
use super::virtual_time::{Peer, Timed};
use super::*;

/// The server, its WebSockets' events, and time.
pub struct Rig {
    pub timed: Timed<World>,
    pub endpoint: Endpoint,
    events: Receiver<String>,
}

impl Rig {
    pub fn new(options: Options) -> Self {
        let (world, events) = World::new();
        let mut timed = Timed::new(world);
        let (endpoint, server) = serve(&mut timed.event_loop, options);
        let path = timed.path("server");
        server.listen(&mut timed.event_loop, path.as_path());
        Self {
            timed,
            endpoint,
            events,
        }
    }

    /// A client that has become a WebSocket.
    pub fn open(&mut self) -> Peer {
        let mut peer = self.timed.connect("server");
        peer.send(REQUEST);
        let head = self.timed.read_until(&mut peer, "\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// The server's end of the client that was opened as the `number`th, from 0.
    pub fn web_socket(&self, number: usize) -> WebSocket {
        self.timed.state.web_sockets[number]
    }

    /// The next frame that the client gets.
    pub fn read(&mut self, peer: &mut Peer) -> Frame {
        self.timed.read_by(peer, client::parse)
    }

    /// What happens next.
    pub fn heard(&mut self) -> String {
        self.timed.until(|_| self.events.try_recv().ok())
    }

    /// What has happened since that was asked last.
    pub fn heard_so_far(&mut self) -> Vec<String> {
        self.events.try_iter().collect()
    }

    pub fn now(&self) -> u64 {
        self.timed.now()
    }
}

/// Sends one frame, masked.
pub fn send(peer: &mut Peer, first: u8, payload: impl AsRef<[u8]>) {
    peer.send(client::frame(first, payload.as_ref()));
}

pub fn ping(payload: &[u8]) -> Frame {
    Frame {
        first: FIN | PING,
        payload: payload.into(),
    }
}
