//! Who may come in: pages from here, and by a name that the server has.

use super::*;

/// The head of the answer to a request for a WebSocket.
fn ask(web: SocketAddr, path: &str, fields: &str) -> String {
    let mut client = client::Client::connect(web);
    client.send_raw(format!(
        "GET {path} HTTP/1.1\r\n{fields}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    let head = client.read_head();
    head.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn pages_from_elsewhere_may_not_chat() {
    let (_server, web) = start(&[
        "--web-origin",
        "https://chat.example,http://other.example:81",
    ]);
    let here = format!("Host: {web}\r\nOrigin: http://{web}\r\n");
    for (fields, status) in [
        (&*here, 101),
        ("Host: localhost\r\n", 101),
        ("Host: localhost\r\nOrigin: http://evil.example\r\n", 403),
        ("Host: localhost\r\nOrigin: null\r\n", 403),
        ("Host: localhost\r\nOrigin: https://chat.example\r\n", 101),
        (
            "Host: chat.example\r\nOrigin: https://chat.example\r\n",
            101,
        ),
        (
            "Host: other.example:81\r\nOrigin: http://other.example:81\r\n",
            101,
        ),
        // A name of theirs that resolves to this machine: as far as the browser knows it is from
        // here.
        (
            "Host: evil.example:8080\r\nOrigin: http://evil.example:8080\r\n",
            421,
        ),
        ("Host: evil.example\r\n", 421),
    ] {
        let line = ask(web, "/ws", fields);
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status} ")),
            "{fields:?}: {line}"
        );
    }
    assert!(ask(web, "/elsewhere", "Host: localhost\r\n").starts_with("HTTP/1.1 404 "));
}

#[test]
fn pages_are_for_those_who_know_the_name() {
    let (_server, web) = start(&["--web-origin", "https://chat.example"]);
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("chat.example", 200),
        ("evil.example", 421),
    ] {
        assert_eq!(pages::get_from(web, "/", host, "").status, status, "{host}");
    }
}

/// A target that is a whole URL has the name, whatever `Host` says beside it.
#[test]
fn a_whole_url_calls_the_server_by_the_name_in_it() {
    let (_server, web) = start(&["--web-origin", "https://chat.example"]);
    for (authority, host, is_known) in [
        ("localhost", "localhost", true),
        ("chat.example", "chat.example", true),
        ("evil.example", "127.0.0.1", false),
        ("evil.example", "evil.example", false),
        ("localhost", "evil.example", true),
    ] {
        for (path, status) in [("/ws", 101), ("/loop/ws", 403)] {
            let line = ask(
                web,
                &format!("http://{authority}{path}"),
                &format!("Host: {host}\r\n"),
            );
            let wanted = if is_known { status } else { 421 };
            let wanted = format!("HTTP/1.1 {wanted} ");
            assert!(
                line.starts_with(&wanted),
                "{authority}{path}, {host}: {line}"
            );
        }
        for (path, status) in [("/", 200), ("/metrics", 403)] {
            let target = format!("http://{authority}{path}");
            let wanted = if is_known { status } else { 421 };
            let page = pages::get_from(web, &target, host, "");
            assert_eq!(page.status, wanted, "{target}, {host}");
        }
    }
}

#[test]
fn whoever_was_refused_holds_no_place() {
    let (server, web) = start(&["--max-connections", "2"]);
    let mut nc = server.join();
    for _ in 0..5 {
        let mut refused = client::Client::connect(web);
        refused.send_raw(client::REQUEST.replace("\r\n\r\n", "\r\nOrigin: http://a\r\n\r\n"));
        assert!(refused.read_head().starts_with("HTTP/1.1 403 "));
        refused.wait_for_end();
    }
    let browser = support::eventually("the last place to be free", || {
        let mut web = Web::connect(web);
        web.line().starts_with("* Welcome").then_some(web)
    });
    nc.say("still there");
    let mut browser = browser;
    browser.expect("guest1: still there");
}
