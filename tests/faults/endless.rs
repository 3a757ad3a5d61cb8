//! Peers that send faster than they are heard, for ever; and peers that say one thing and are gone.

use std::io::{ErrorKind, Read, Write};

use super::*;
use crate::support::{DEADLINE, Folder, dial};
use socket2::Socket;

/// Lines that are heard of a flood in a test. Each is heard in a turn of its own, and the flooder
/// is released before it.
const HEARD: usize = 1000;

/// What the server and the kernel may hold of a flood, in KiB: the kernel's buffers grow to some
/// 10 MiB. A read of 64 KiB for each line heard would be 64 MiB.
const HELD: u64 = 16 * 1024;

/// A flooder: sends the same again and again, as much as there is room for.
struct Flood {
    socket: Socket,
    bytes: Vec<u8>,
    sent: usize,
}

impl Flood {
    fn new(socket: Socket, unit: &[u8]) -> Self {
        socket.set_nonblocking(true).expect("a socket can be");
        let bytes = unit.repeat(64 * 1024 / unit.len());
        Self {
            socket,
            bytes,
            sent: 0,
        }
    }

    fn top_up(&mut self) {
        loop {
            match self
                .socket
                .write(&self.bytes[self.sent % self.bytes.len()..])
            {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("the flooder is cut off: {error}"),
            }
        }
    }
}

/// Hears the flood, line by line, and checks what it costs.
fn hear(server: &Server, member: &mut Client, mut flood: Flood) {
    let before = measure::peak_memory(server);
    let mut heard = 0;
    while heard < HEARD {
        flood.top_up();
        heard += usize::from(member.line().ends_with(": b"));
    }
    let grown = measure::peak_memory(server) - before;
    assert!(grown < HELD, "{grown} KiB more in the server");
    let sent = flood.sent as u64 / 1024;
    assert!(sent < HELD, "{sent} KiB were taken");
}

/// Catches: bytes read with every release of a flooder who is held back, in whatever framing they
/// come.
#[test]
fn an_endless_flood_waits_with_the_flooder_on_every_door() {
    let folder = Folder::new();
    let path = folder.text("door");
    let server = Server::with(&[
        "--listen",
        &path,
        "--web",
        "127.0.0.1:0",
        "--flood",
        "1000:1",
    ]);
    let said = "the chat in a browser: http://";
    let line = server.expect_log(|line| line.contains(said));
    let web = line.rsplit_once(said).expect("an address").1;
    let web = web.trim_end_matches('/').to_owned();
    let mut member = server.join();
    for door in [server.address.clone(), path, web.clone()] {
        let mut socket = dial(&door);
        let mut unit = b"b\n".to_vec();
        if door == web {
            open_web_socket(&mut socket);
            unit = b"\x81\x81\0\0\0\0b".to_vec();
        }
        println!("{door}");
        hear(&server, &mut member, Flood::new(socket, &unit));
    }
}

fn open_web_socket(socket: &mut Socket) {
    let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    socket.write_all(request.as_bytes()).expect("it is open");
    socket.set_read_timeout(Some(DEADLINE)).expect("it can");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
}

/// Catches: a line that is lost since its author was gone when we greeted it; the write fails, and
/// what it had sent must be read all the same. Whether it comes all at once, over TCP or a socket
/// file, held back or not, with its last line ended or not, with the greeting read or unread.
#[test]
fn who_says_something_and_is_gone_at_once_is_heard() {
    const SCRIPTS: usize = 30;
    let folder = Folder::new();
    let path = folder.text("door");
    for flood in ["off", "1000:1"] {
        let server = Server::with(&["--listen", &path, "--flood", flood]);
        let mut member = server.join();
        for door in [&server.address, &path] {
            for (way, frozen) in [(0, true), (1, true), (2, true), (3, false), (0, false)] {
                println!("flood {flood}, {door}: way {way}, {frozen}");
                if frozen {
                    server.freeze();
                }
                for n in 0..SCRIPTS {
                    let mut script = Client::connect(door);
                    match way {
                        0 => script.send(format!("script {n}\n")),
                        1 => script.send(format!("script {n}")),
                        2 => script.send(format!("first\nsecond\nthird\nscript {n}\n")),
                        _ => {
                            script.read_greeting();
                            // With others' lines unread its close is a reset, and what that cuts
                            // off is no line.
                            script.send(format!("first\nscript {n}\n"));
                        }
                    }
                }
                if frozen {
                    server.thaw();
                }
                let mut missing: Vec<usize> = (0..SCRIPTS).collect();
                while !missing.is_empty() {
                    let line = member.line();
                    let number = line.rsplit_once(": script ").map(|(_, number)| number);
                    if let Some(number) = number.and_then(|number| number.parse().ok()) {
                        missing.retain(|missing| *missing != number);
                    }
                }
                member.sync();
            }
        }
    }
}
