//! A client that writes and reads frames by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A read that takes longer waits in vain.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A request that is in order.
pub const REQUEST: &str = "GET /ws HTTP/1.1\r\n\
    Host: localhost\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    \r\n";

/// A frame as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub payload: Vec<u8>,
}

/// A frame as a client sends it: masked, with the shortest length.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0xA5, 0x00, 0x5A, 0xFF];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..65536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    let masked = payload.iter().zip(mask.into_iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame at the start of these bytes, which has to be unmasked, and how long it is.
pub fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        length @ 0..126 => (2, length.into()),
        masked => panic!("a server's frame is masked: {masked}"),
    };
    let end = start + length as usize;
    let payload = bytes.get(start..end)?.to_vec();
    let first = bytes[0];
    Some((Frame { first, payload }, end))
}

pub struct Client<S = TcpStream> {
    pub stream: S,
}

impl Client {
    /// Connects, and no more.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("someone listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("it can");
        stream.set_write_timeout(Some(DEADLINE)).expect("it can");
        stream.set_nodelay(true).expect("it can");
        Self { stream }
    }

    /// Connects, and becomes a WebSocket.
    pub fn open(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        client.send_raw(REQUEST);
        let head = client.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }
}

impl<S: Read + Write> Client<S> {
    pub fn send_raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("it is read");
    }

    /// Sends one frame, masked.
    pub fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.send_raw(frame(first, payload.as_ref()));
    }

    /// The head of an answer, byte by byte so that nothing behind it is taken.
    pub fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.bytes(1));
        }
        String::from_utf8(head).expect("heads are text")
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).expect("more comes");
        bytes
    }

    /// The next frame, which has to be unmasked.
    pub fn read(&mut self) -> Frame {
        let head = self.bytes(2);
        let length = match head[1] {
            126 => u16::from_be_bytes(self.bytes(2).try_into().expect("two")).into(),
            127 => u64::from_be_bytes(self.bytes(8).try_into().expect("eight")),
            length @ 0..126 => length.into(),
            masked => panic!("a server's frame is masked: {masked}"),
        };
        Frame {
            first: head[0],
            payload: self.bytes(length as usize),
        }
    }

    /// The stream has to end here, without a reset.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "still came: {rest:?}");
    }

    /// Everything up to the end of the stream.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("no reset");
        rest
    }

    /// Waits for the connection to be gone, by an end or by a reset.
    pub fn wait_for_end(&mut self) {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("waited in vain for the end: {error}"),
            }
        }
    }
}
