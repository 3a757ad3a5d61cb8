//! Connections from an address that is not loopback: what is spared there holds here.

use std::net::{IpAddr, UdpSocket};

use super::*;

/// An address of this machine that is not loopback, if it has one. Nothing is sent to find it.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let Some(address) = own_address() else {
        println!("skipped: this machine has no address but loopback");
        return;
    };
    let listen = format!("{address}:0");
    let server = Server::with(&["--listen", &listen, "--max-per-address", "3"]);
    let outside = server.expect_log(|line| line.contains(&format!("listening on {address}:")));
    let (_, outside) = outside.rsplit_once("listening on ").expect("an address");
    let mut local = server.join();
    let mut strangers: Vec<Client> = (0..3).map(|_| Client::join(outside)).collect();
    for _ in 0..2 {
        let mut refused = Client::connect(outside);
        assert_eq!(
            refused.rest(),
            ["! Disconnected: there are 3 connections from your address, no more are allowed."]
        );
        // Loopback is not counted.
        server.join();
        // A place that is given up may be taken, however it was given up.
        let mut gone = strangers.remove(0);
        gone.say("here");
        local.expect(&format!("{}: here", gone.name));
        let left = format!("{} left #lobby", gone.name);
        gone.reset();
        local.expect_line(|line| line.contains(&left));
        strangers.push(Client::join(outside));
    }
    strangers[2].say("hello");
    local.expect(&format!("{}: hello", strangers[2].name));
}
