//! Who comes to a port where TLS is spoken, and does not speak it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::rig::{Keys, web_address};
use crate::support::{Client, Server};

/// What is answered to this.
fn answer(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(bytes).expect("sent");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("an answer, and the end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_no_tls_is_told_so_and_heard_by_nobody() {
    let keys = Keys::new();
    let mut command = keys.command(&["--web", "https://127.0.0.1:0"]);
    let server = Server::listening(&mut command);
    let mut witness = server.join();
    for address in [crate::rig::tls_address(&server), web_address(&server)] {
        for chat in [
            "hello\n",
            "/nick boss\r\nI am the boss\r\n",
            "SSH-2.0-x\r\n",
            "GE",
        ] {
            let line = "! This port speaks TLS, and what came does not: try openssl s_client, or \
                        ncat --ssl.\r\n";
            assert_eq!(answer(address, chat.as_bytes()), line, "{chat:?}");
        }
        for request in [
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nhello\n",
            "OPTIONS * HTTP/1.1\r\n\r\n",
        ] {
            let found = answer(address, request.as_bytes());
            assert!(found.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{found}");
            assert!(found.contains("\r\n\r\nThis port speaks TLS"), "{found}");
            assert!(found.contains("https://"), "{found}");
        }
        let found = answer(address, b"HEAD / HTTP/1.1\r\n\r\n");
        assert!(found.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{found}");
        assert!(found.ends_with("\r\n\r\n"), "{found}");
    }
    let heard = witness.sync();
    assert!(heard.is_empty(), "{heard:#?}");
    server.expect_log(|line| line.contains("refused 127.0.0.1 why=foreign"));
}

/// Whoever sends much more than a line is cut off, and no reset takes the answer from whoever does
/// not.
#[test]
fn a_stranger_who_goes_on_and_on_is_cut_off() {
    let keys = Keys::new();
    let (_server, address) = keys.serve(&[]);
    let mut client = Client::connect(&address.to_string());
    client.send_until_cut_off(&[b'a'; 16 * 1024]);
}

#[test]
fn garbage_within_tls_closes_the_connection_and_no_other() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let mut member = keys.connect(address).greeted();
    for bytes in [
        &b"\x16\x03\x01\x00\x05hello"[..],
        b"\x16\x03\x01\xff\xff",
        b"\x16\x00\x00\x00\x01\x01",
        b"\x16",
    ] {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(bytes).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("ended");
        let mut found = Vec::new();
        let _reset_or_end = stream.read_to_end(&mut found);
        assert!(!String::from_utf8_lossy(&found).contains("Welcome"));
    }
    let mut plain = server.join();
    member.say("still here");
    plain.expect(&format!("{}: still here", member.name));
}
