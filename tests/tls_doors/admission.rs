//! What a handshake counts as, and what it may cost.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::rig::Keys;
use crate::support::{Client, eventually, raise_limit};

#[test]
fn a_handshake_that_is_under_way_is_a_connection() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&["--max-connections", "1"]);
    let mut half = TcpStream::connect(address).expect("it listens");
    half.write_all(b"\x16\x03\x01").expect("sent");
    eventually("the server to be full", || {
        let line = Client::connect(&server.address).line();
        line.starts_with("! Disconnected: the server is full")
            .then_some(())
    });
    drop(half);
    eventually("a place", || {
        let line = Client::connect(&server.address).line();
        line.starts_with("* Welcome").then_some(())
    });
}

#[test]
fn who_is_turned_away_is_told_so_over_tls() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&["--max-connections", "1"]);
    let mut member = server.join();
    let refused = keys.connect(address).rest();
    assert!(
        refused.starts_with("! Disconnected: the server is full"),
        "{refused}"
    );
    assert_eq!(refused.lines().count(), 1);
    member.sync();
}

/// It takes as long as a handshake may.
#[test]
fn who_says_nothing_is_told_what_is_spoken_here() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let mut silent = TcpStream::connect(address).expect("it listens");
    let mut half = TcpStream::connect(address).expect("it listens");
    half.write_all(b"\x16\x03\x01\x02").expect("sent");
    let mut told = String::new();
    silent.read_to_string(&mut told).expect("an end");
    assert!(told.starts_with("! This port speaks TLS"), "{told}");
    let mut nothing = Vec::new();
    half.read_to_end(&mut nothing).expect("an end");
    assert!(nothing.is_empty(), "{nothing:?}");
    server.join();
}

#[test]
fn members_chat_on_in_a_flood_of_hellos() {
    raise_limit();
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let mut secure = keys.connect(address).greeted();
    let mut plain = server.join();
    // A whole hello, and nothing after it.
    let hello = hello();
    let mut flood = Vec::new();
    for round in 0..20 {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.write_all(&hello).expect("sent");
            flood.push(stream);
        }
        let line = format!("round {round}");
        secure.say(&line);
        plain.expect(&format!("{}: {line}", secure.name));
    }
    drop(flood);
    keys.connect(address).greeted();
}

/// What a client of TLS says first.
fn hello() -> Vec<u8> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut client = rustls::ClientConnection::new(config.into(), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("a hello");
    hello
}
