//! Messages and control frames: what is taken, and what fails the connection (RFC 6455, 5).

use loopchat::http::web_socket::Options;

use super::client::frame;
use super::*;

/// What the peer broke, and what it is told.
fn fails(server: &Echo, bytes: &[u8], code: u16) {
    let mut client = Client::open(server.address);
    client.send_raw(bytes);
    assert_eq!(client.read(), close_frame(code, ""), "{bytes:x?}");
    client.expect_end();
    let event = server.heard();
    assert!(event.contains(" error "), "{bytes:x?}: {event}");
    // There was no close frame of the peer's. It closes its side, and that is the end.
    drop(client);
    let event = server.heard();
    assert!(event.ends_with(" close 1006 "), "{bytes:x?}: {event}");
}

#[test]
fn messages_of_every_length_come_back() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    for length in [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1024 * 1024] {
        let payload: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        client.send(FIN | BINARY, &payload);
        let echo = client.read();
        assert_eq!(echo.first, FIN | BINARY);
        assert!(echo.payload == payload, "{length}");
        let payload = "\u{e9}".repeat(length / 2);
        client.send(FIN | TEXT, &payload);
        assert!(client.read() == text(&payload), "{length}");
    }
}

#[test]
fn four_mebibytes_come_back_if_so_much_is_allowed() {
    let size = 4 * 1024 * 1024;
    let server = Echo::with(Options::new().max_message(size));
    let mut client = Client::open(server.address);
    let payload: Vec<u8> = (0..size).map(|n| (n % 253) as u8).collect();
    let mut sender = client.stream.try_clone().expect("a descriptor is left");
    let bytes = frame(FIN | BINARY, &payload);
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut sender, &bytes));
    assert!(client.read().payload == payload);
    writing.join().expect("no panic").expect("it was read");
}

#[test]
fn fragments_are_one_message_and_pings_come_between() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    client.send(TEXT, "h");
    client.send(FIN | PING, "one");
    client.send(CONTINUATION, "");
    client.send(CONTINUATION, "el");
    client.send(FIN | PONG, "not asked for");
    client.send(FIN | PING, "two");
    client.send(FIN | CONTINUATION, "lo");
    assert_eq!(client.read(), pong(b"one"));
    assert_eq!(client.read(), pong(b"two"));
    assert_eq!(client.read(), text("hello"));
    let heard: Vec<String> = (0..4).map(|_| server.heard()).collect();
    let wanted = [
        "0 ping one",
        "0 pong not asked for",
        "0 ping two",
        "0 text hello",
    ];
    assert_eq!(heard, wanted);
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    for length in [5, 200] {
        let message = "x".repeat(length);
        for byte in frame(FIN | TEXT, message.as_bytes()) {
            client.send_raw([byte]);
        }
        assert_eq!(client.read(), text(&message));
    }
}

#[test]
fn a_ping_is_answered_with_its_payload_of_up_to_125_bytes() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    for payload in [&b""[..], b"\x00\xFF\xFE", &[b'p'; 125]] {
        client.send(FIN | PING, payload);
        assert_eq!(client.read(), pong(payload));
    }
    drop(client);
    (0..4).for_each(|_| drop(server.heard()));
    fails(&server, &frame(FIN | PING, &[b'p'; 126]), 1002);
}

#[test]
fn what_breaks_the_protocol_fails_the_connection_with_1002() {
    let server = Echo::start();
    let unmasked = b"\x81\x05hello";
    fails(&server, unmasked, 1002);
    for reserved_bits in [0x40, 0x20, 0x10, 0x70] {
        fails(&server, &frame(FIN | reserved_bits | TEXT, b"x"), 1002);
        fails(&server, &frame(FIN | reserved_bits | PING, b""), 1002);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        fails(&server, &frame(FIN | opcode, b""), 1002);
    }
    for control in [CLOSE, PING, PONG] {
        fails(&server, &frame(control, b""), 1002); // a fragment
        fails(&server, &frame(FIN | control, &[b'a'; 126]), 1002);
    }
    fails(&server, &frame(FIN | CONTINUATION, b"of nothing"), 1002);
    fails(&server, &frame(CONTINUATION, b"of nothing"), 1002);
    let interrupted = [frame(TEXT, b"begun"), frame(FIN | TEXT, b"another")].concat();
    fails(&server, &interrupted, 1002);
    let interrupted = [frame(TEXT, b"begun"), frame(FIN | BINARY, b"another")].concat();
    fails(&server, &interrupted, 1002);
}

#[test]
fn a_length_in_more_bytes_than_it_needs_breaks_the_protocol() {
    let server = Echo::start();
    fails(&server, b"\x81\xFE\x00\x05\0\0\0\0hello", 1002);
    fails(&server, b"\x81\xFF\0\0\0\0\0\0\x00\x05\0\0\0\0hello", 1002);
    fails(&server, b"\x81\xFF\x80\0\0\0\0\0\0\0\0\0\0\0", 1002);
}

#[test]
fn text_that_is_not_utf8_fails_as_soon_as_that_is_certain() {
    let server = Echo::start();
    let cases: [&[u8]; 8] = [
        b"\xFF",
        b"hello \xC0\xAF",   // more bytes than it needs
        b"\xED\xA0\x80",     // a surrogate
        b"\xF4\x90\x80\x80", // above U+10FFFF
        b"\x80",             // a continuation of nothing
        b"\xE2\x82\x41",     // a character that is cut off
        b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90",
        b"\xF5",
    ];
    for bytes in cases {
        fails(&server, &frame(FIN | TEXT, bytes), 1007);
        // In the first of several frames, and of more bytes than ever come.
        fails(&server, &frame(TEXT, bytes), 1007);
        let header = frame(TEXT, &[&[b'a'; 1000], bytes, &[b'a'; 1000]].concat());
        fails(&server, &header[..8 + 1000 + bytes.len()], 1007);
        // Byte by byte, each in a frame of its own.
        let mut frames = frame(TEXT, b"");
        for byte in bytes {
            frames.extend(frame(CONTINUATION, &[*byte]));
        }
        fails(&server, &frames, 1007);
    }
    // The end of the message is where a character that is cut off is certain.
    fails(&server, &frame(FIN | TEXT, b"\xE2\x82"), 1007);
    let cut_off = [frame(TEXT, b"\xE2\x82"), frame(FIN | CONTINUATION, b"")].concat();
    fails(&server, &cut_off, 1007);
}

#[test]
fn a_character_may_be_cut_by_reads_and_by_fragments() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let message = "a\u{e9}\u{20ac}\u{1f600}";
    for cut in 0..=message.len() {
        let (before, after) = message.as_bytes().split_at(cut);
        client.send(TEXT, before);
        client.send(FIN | PING, ""); // so that the first part is read by itself
        assert_eq!(client.read(), pong(b""));
        client.send(FIN | CONTINUATION, after);
        assert_eq!(client.read(), text(message));
    }
}

#[test]
fn a_message_that_is_too_large_fails_at_the_header_that_says_so() {
    let server = Echo::with(Options::new().max_message(100));
    let mut client = Client::open(server.address);
    client.send(FIN | BINARY, [b'b'; 100]);
    assert_eq!(client.read().payload, [b'b'; 100]);
    assert_eq!(server.heard(), "0 binary 100");
    client.send(FIN | TEXT, [b't'; 100]);
    assert_eq!(client.read().payload, [b't'; 100]);
    assert!(server.heard().starts_with("0 text "));
    fails(&server, &frame(FIN | BINARY, &[b'b'; 101])[..6], 1009);
    fails(
        &server,
        b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0",
        1009,
    );
    let fragments = [frame(TEXT, &[b't'; 60]), frame(CONTINUATION, &[b't'; 41])].concat();
    fails(&server, &fragments[..fragments.len() - 41], 1009);
}

#[test]
fn a_message_reaches_many_encoded_once() {
    let server = Echo::start();
    let mut clients: Vec<Client> = (0..5).map(|_| Client::open(server.address)).collect();
    // They are known to the server when it has answered.
    for client in &mut clients {
        client.send(FIN | PING, "");
        assert_eq!(client.read(), pong(b""));
    }
    clients[0].send(FIN | TEXT, "/all news");
    for client in &mut clients {
        assert_eq!(client.read(), text("news"));
    }
}
