//! Behind a proxy: members are where the proxy says they are, and nobody is this machine.

use std::os::unix::net::UnixStream;

use super::*;
use crate::support::Folder;

/// What a proxy on this machine passes on.
fn request(fields: &str) -> String {
    client::REQUEST.replace("\r\n\r\n", &format!("\r\n{fields}\r\n\r\n"))
}

/// Opens a WebSocket with these fields, as a proxy does for a client.
fn connect(web: SocketAddr, fields: &str) -> Web {
    let mut member = Web::over(client::Client::connect(web));
    member.client.send_raw(request(fields));
    let head = member.client.read_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    member
}

/// A server behind a proxy at 127.0.0.1, its web door, and an operator.
fn behind(flags: &[&str]) -> (Server, SocketAddr, Client, Folder) {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let all = ["--listen", &path, "--trust-proxy", "127.0.0.1"];
    let (server, web) = start(&[&all, flags].concat());
    let operator = Client::join(&path);
    (server, web, operator, folder)
}

#[test]
fn a_ban_is_of_the_client_and_not_of_the_proxy() {
    let (_server, web, mut operator, _folder) = behind(&[]);
    let mut mallory = connect(web, "X-Forwarded-For: 203.0.113.9, 192.0.2.7").greeted();
    let mut bob = connect(web, "Forwarded: for=\"[2001:db8::7]:4711\"").greeted();
    operator.say("/connections");
    for (name, address) in [(&mallory.name, "192.0.2.7"), (&bob.name, "2001:db8::7")] {
        let wanted = format!("*   {name}, {address}: ");
        operator.expect_line(|line| line.starts_with(&wanted));
        operator.say("/connections");
    }
    operator.say(&format!("/ban {}", mallory.name));
    mallory.expect("! Disconnected: you are banned for 60 minutes.");
    let back = connect(web, "X-Forwarded-For: 192.0.2.7").end();
    assert_eq!(
        back.lines,
        ["! Disconnected: you are banned for 60 minutes."]
    );
    // What a client says of itself stands further to the left.
    let back = connect(web, "X-Forwarded-For: 198.51.100.1, 192.0.2.7").end();
    assert_eq!(
        back.lines,
        ["! Disconnected: you are banned for 60 minutes."]
    );
    bob.say("still here");
    operator.expect(&format!("{}: still here", bob.name));
}

#[test]
fn limits_are_on_clients_and_not_on_the_proxy() {
    let (_server, web, mut operator, _folder) =
        behind(&["--max-per-address", "2", "--flood", "1:2"]);
    let from = |last: u32| connect(web, &format!("X-Forwarded-For: 192.0.2.{last}"));
    let _here: Vec<Web> = (0..6).map(|n| from(n / 2).greeted()).collect();
    let refused = "! Disconnected: there are 2 connections from your address, no more are allowed.";
    assert_eq!(from(1).end().lines, [refused]);
    // The same /64 is the same client.
    let v6 = |last: u32| connect(web, &format!("X-Forwarded-For: 2001:db8::{last}"));
    let _there: Vec<Web> = (1..3).map(|n| v6(n).greeted()).collect();
    assert_eq!(v6(3).end().lines, [refused]);
    let mut last = from(9).greeted();
    last.say("a\nb\nc");
    operator.expect(&format!("{}: b", last.name));
    last.expect_line(|line| line.contains("faster than 1 line a second"));
}

#[test]
fn who_is_no_proxy_says_what_it_likes_in_vain() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let (_server, web) = start(&["--listen", &path, "--trust-proxy", "192.0.2.1"]);
    let mut operator = Client::join(&path);
    let liar = connect(web, "X-Forwarded-For: 203.0.113.9").greeted();
    operator.say("/connections");
    let wanted = format!("*   {}, 127.0.0.1: ", liar.name);
    operator.expect_line(|line| line.starts_with(&wanted));
}

#[test]
fn two_stories_are_one_too_many() {
    let (_server, web, ..) = behind(&[]);
    let mut client = client::Client::connect(web);
    client.send_raw(request(
        "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=203.0.113.9",
    ));
    assert!(client.read_head().starts_with("HTTP/1.1 400 "));
}

#[test]
fn nobody_behind_a_proxy_is_this_machine() {
    let status = |web, path: &str, fields: &str| pages::get(web, path, fields).status;
    let (_server, web) = start(&[]);
    assert_eq!(status(web, "/metrics", ""), 200);
    for flags in [
        ["--trust-proxy", "10.0.0.0/8"],
        ["--web-origin", "https://chat.example"],
    ] {
        let (_server, web) = start(&flags);
        for path in ["/metrics", "/loop"] {
            assert_eq!(status(web, path, ""), 403, "{flags:?}");
            assert_eq!(status(web, path, "X-Forwarded-For: 127.0.0.1\r\n"), 403);
        }
        assert_eq!(status(web, "/healthz", ""), 200);
    }
    let (_server, web) = start(&["--trust-proxy", "127.0.0.1", "--expose", "metrics"]);
    assert_eq!(status(web, "/metrics", ""), 200);
    assert_eq!(status(web, "/loop", ""), 403);
}

#[test]
fn a_proxy_may_come_through_a_unix_socket() {
    let folder = Folder::new();
    let (path, web) = (folder.text("chat.sock"), folder.text("web.sock"));
    let flags = ["--listen", &path, "--web", &web, "--trust-proxy", "unix"];
    let _server = Server::with(&flags);
    let mut operator = Client::join(&path);
    let stream = UnixStream::connect(&web).expect("someone listens");
    let deadline = Some(client::DEADLINE);
    stream.set_read_timeout(deadline).expect("it can");
    let mut proxy = client::Client { stream };
    proxy.send_raw(request("X-Forwarded-For: 192.0.2.7"));
    let head = proxy.read_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let member = Web::over(proxy).greeted();
    operator.say("/connections");
    let wanted = format!("*   {}, 192.0.2.7: ", member.name);
    operator.expect_line(|line| line.starts_with(&wanted));
}
