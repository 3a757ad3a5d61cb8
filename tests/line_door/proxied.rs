//! Behind a proxy that speaks the PROXY protocol.

use super::*;

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 3000\r\n";

/// Version 2, for the same client, with something to skip at its end.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x12\xC0\x00\x02\x07\x7F\x00\x00\x01\x12\x67\x0B\xB8\x04\x00\x03abc";

/// A proxy's word for itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// A server that trusts 127.0.0.1, with a door for proxies only; where that is, and an operator.
fn behind(flags: &[&str]) -> (Server, String, Client, Folder) {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let all = [
        "--listen",
        &path,
        "--listen-proxy",
        "127.0.0.1:0",
        "--trust-proxy",
        "127.0.0.1",
    ];
    let server = Server::with(&[&all, flags].concat());
    let said = "listening for proxies on ";
    let line = server.expect_log(|line| line.contains(said));
    let (_, door) = line.rsplit_once(said).expect("an address");
    let operator = Client::join(&path);
    (server, door.to_owned(), operator, folder)
}

#[test]
fn a_member_is_where_the_proxy_says() {
    let (server, door, mut operator, _folder) = behind(&[]);
    for address in [&door, &server.address] {
        for header in [V1, V2] {
            let mut client = Client::connect(address);
            client.send(header);
            client.read_greeting();
            operator.say("/connections");
            let wanted = format!("*   {}, 192.0.2.7: ", client.name);
            operator.expect_line(|line| line.starts_with(&wanted));
            client.say("hello");
            operator.expect(&format!("{}: hello", client.name));
        }
    }
    // Lines may come with it, and it may be torn anywhere.
    for header in [V1, V2] {
        for cut in 1..header.len() {
            let mut client = Client::connect(&door);
            client.send(&header[..cut]);
            operator.sync();
            client.send([&header[cut..], b"here\n"].concat());
            client.read_greeting();
            operator.expect(&format!("{}: here", client.name));
        }
    }
}

#[test]
fn behind_the_header_the_first_line_may_ask_for_json() {
    let (_server, door, mut operator, _folder) = behind(&[]);
    for header in [V1, V2] {
        let mut client = Client::connect(&door);
        client.send([header, b"/json\n{\"kind\":\"line\",\"text\":\"hello\"}\n"].concat());
        client.expect_line(|line| line.starts_with("{\"kind\":\"welcome\","));
        operator.expect_line(|line| line.ends_with(": hello"));
    }
}

#[test]
fn a_ban_is_of_the_client_and_not_of_the_proxy() {
    let (_server, door, mut operator, _folder) = behind(&["--max-per-address", "2"]);
    let from = |last: u32| {
        let mut client = Client::connect(&door);
        client.send(format!("PROXY TCP4 192.0.2.{last} 127.0.0.1 4711 3000\r\n"));
        client
    };
    let mut here: Vec<Client> = (0..4).map(|n| from(n / 2)).collect();
    here.iter_mut().for_each(Client::read_greeting);
    assert_eq!(
        from(1).rest(),
        ["! Disconnected: there are 2 connections from your address, no more are allowed."]
    );
    operator.say(&format!("/ban {}", here[0].name));
    for banned in &mut here[..2] {
        banned.expect("! Disconnected: you are banned for 60 minutes.");
    }
    // Their connections count until they are closed.
    here.drain(..2).for_each(drop);
    eventually("the ban to be what keeps one out", || {
        let told = from(0).rest();
        (told == ["! Disconnected: you are banned for 60 minutes."]).then_some(())
    });
    here[0].say("still here");
    operator.expect(&format!("{}: still here", here[0].name));
}

#[test]
fn who_has_no_header_is_sent_away_where_one_is_wanted() {
    let (server, door, mut operator, _folder) = behind(&[]);
    for (sent, reason) in [
        (&b"hello\n"[..], "a PROXY header has to come first."),
        (
            b"PROXY TCP4 nobody 127.0.0.1 1 2\r\n",
            "that PROXY header cannot be read.",
        ),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            "a PROXY header has to come first.",
        ),
    ] {
        let mut client = Client::connect(&door);
        client.send(sent);
        assert_eq!(client.rest(), [format!("! Disconnected: {reason}")]);
    }
    let mut silent = Client::connect(&door);
    assert_eq!(
        silent.rest(),
        ["! Disconnected: a PROXY header has to come first."]
    );
    // Nor is what follows a header taken for another one, or for anything but a chat.
    let mut twice = Client::connect(&door);
    twice.send([V1, V1].concat());
    assert!(
        twice
            .rest()
            .last()
            .unwrap()
            .contains("what came is the PROXY protocol")
    );
    // A proxy's own health checks are no members, and no operators.
    let mut check = Client::connect(&door);
    check.send(LOCAL);
    check.half_close();
    check.wait_for_end();
    assert_eq!(operator.sync(), [""; 0], "nobody was announced");
    // Where none is wanted, who has none comes in as itself; after a moment, or when it speaks.
    let mut direct = Client::join(&server.address);
    direct.say("hello");
    operator.expect(&format!("{}: hello", direct.name));
}

#[test]
fn who_is_no_proxy_is_sent_away() {
    let folder = Folder::new();
    let (path, for_proxies) = (folder.text("chat.sock"), folder.text("proxy.sock"));
    let flags = [
        "--listen",
        &path,
        "--listen-proxy",
        &for_proxies,
        "--trust-proxy",
        "192.0.2.1",
    ];
    let server = Server::with(&flags);
    server.expect_log(|line| line.contains("listening for proxies on "));
    let mut stranger = Client::connect(&for_proxies);
    assert_eq!(
        stranger.rest(),
        ["! Disconnected: only proxies that are trusted connect here."]
    );
    let mut liar = Client::connect(&server.address);
    liar.send(V1);
    assert!(
        liar.rest()
            .last()
            .unwrap()
            .contains("what came is the PROXY protocol")
    );
}

#[test]
fn nobody_behind_a_proxy_gives_orders() {
    let folder = Folder::new();
    let (path, for_proxies) = (folder.text("chat.sock"), folder.text("proxy.sock"));
    let flags = [
        "--listen",
        &path,
        "--listen-proxy",
        &for_proxies,
        "--trust-proxy",
        "unix",
    ];
    let server = Server::with(&flags);
    server.expect_log(|line| line.contains("listening for proxies on "));
    for header in [V1, LOCAL] {
        let mut client = Client::connect(&for_proxies);
        client.send(header);
        client.read_greeting();
        client.say("/shutdown");
        client.expect("! /shutdown is for operators only.");
    }
    let mut operator = Client::join(&path);
    operator.say("/ban");
    operator.expect("* Nobody is banned.");
}

#[test]
fn a_door_by_which_nobody_can_come_in_is_said() {
    let warned = |flags: &[&str]| {
        let server = Server::with(&[&["--listen-proxy", "127.0.0.1:0"], flags].concat());
        server.expect_log(|line| line.contains("listening for proxies on "));
        server.join().sync(); // it has begun to serve, and has said all there is
        let log = server.log();
        log.iter()
            .any(|line| line.contains("WARN") && line.contains("no proxy is trusted"))
    };
    assert!(warned(&[]));
    assert!(!warned(&["--trust-proxy", "192.0.2.1"]));
}

/// Catches: an end of the server that waits for those of whom it does not know who they are.
#[test]
fn who_has_not_said_for_whom_it_comes_does_not_hold_up_the_end() {
    let (mut server, door, mut operator, _folder) = behind(&["--shutdown-timeout", "3600"]);
    let mut silent = Client::connect(&door);
    let mut torn = Client::connect(&door);
    torn.send(&V1[..9]);
    eventually("them to be there", || {
        operator.say("/loop");
        let line = operator.expect_line(|line| line.contains(" connections"));
        (line.contains("3 connections")).then_some(())
    });
    server.signal(support::Signal::TERM);
    operator.expect("* The server is shutting down. Goodbye.");
    drop(operator);
    assert_eq!(server.ended().code(), Some(0));
    assert_eq!(silent.rest(), [""; 0]);
    assert_eq!(torn.rest(), [""; 0]);
}
