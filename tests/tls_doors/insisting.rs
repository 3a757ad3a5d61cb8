//! Pages that are to be asked for over TLS only.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::rig::{Keys, web_address};
use crate::support::{Server, loopchat};

/// The head of the answer to a request in the clear, with these fields.
fn ask(address: SocketAddr, path: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a head").0.to_owned()
}

const HOST: &str = "Host: chat.example:8080\r\n";

/// With an address for all, in the clear, and one over TLS.
fn serve(keys: &Keys, flags: &[&str]) -> (Server, SocketAddr, SocketAddr) {
    let web = ["--web", "0.0.0.0:0", "--web", "https://127.0.0.1:0"];
    let mut command = keys.command(&[&web, flags].concat());
    let server = Server::listening(&mut command);
    let secure = web_address(&server);
    let plain = SocketAddr::from(([127, 0, 0, 1], server.web_address().port()));
    (server, plain, secure)
}

#[test]
fn who_comes_in_the_clear_is_sent_on() {
    let keys = Keys::new();
    let (_server, plain, secure) = serve(&keys, &["--web-redirect"]);
    let port = secure.port();
    let found = ask(plain, "/docs/?a=b", HOST);
    assert!(found.starts_with("HTTP/1.1 308 "), "{found}");
    let there = format!("Location: https://chat.example:{port}/docs/?a=b");
    assert!(found.lines().any(|line| line == there), "{found}");
    for (path, fields, status) in [
        ("/healthz", HOST, 200),
        ("/", "Host: localhost\r\n", 200), // this machine's own
        ("/", "Host: a b\r\n", 400),
        ("/", "Host: a@b\r\n", 400),
        ("/", "Host: \r\n", 403),
    ] {
        let found = ask(plain, path, fields);
        assert!(
            found.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path} {fields} {found}"
        );
    }
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let found = ask(plain, "/ws", &format!("{HOST}{upgrade}"));
    assert!(found.starts_with("HTTP/1.1 403 "), "{found}");
    let mut page = keys.connect(secure);
    page.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(page.line(), "HTTP/1.1 200 OK");
}

#[test]
fn browsers_are_told_to_stay_with_tls_only_over_it_and_only_if_asked_for() {
    let keys = Keys::new();
    let field = "Strict-Transport-Security: max-age=3600";
    for (flags, wanted) in [(&["--hsts", "3600"][..], true), (&[], false)] {
        let (_server, plain, secure) = serve(&keys, flags);
        let mut page = keys.connect(secure);
        page.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(page.rest().lines().any(|line| line == field), wanted);
        assert!(!ask(plain, "/", HOST).contains("Strict-Transport-Security"));
    }
}

#[test]
fn a_trusted_proxy_says_what_it_was_asked_over() {
    let keys = Keys::new();
    let flags = [
        "--web-redirect",
        "--hsts",
        "60",
        "--trust-proxy",
        "127.0.0.1",
    ];
    let (_server, plain, _) = serve(&keys, &flags);
    for (said, status, stays) in [
        ("X-Forwarded-Proto: https\r\n", 200, true),
        ("X-Forwarded-Proto: http\r\n", 308, false),
        ("X-Forwarded-For: 192.0.2.7\r\n", 200, false),
    ] {
        let found = ask(plain, "/", &format!("{HOST}{said}"));
        assert!(
            found.starts_with(&format!("HTTP/1.1 {status} ")),
            "{said} {found}"
        );
        assert_eq!(
            found.contains("Strict-Transport-Security: max-age=60"),
            stays,
            "{said}"
        );
    }
    // Nobody else is believed, and nobody is sent round in circles.
    let (_server, plain, _) = serve(&keys, &flags[..3]);
    for said in [
        "X-Forwarded-Proto: https\r\n",
        "X-Forwarded-Proto: http\r\n",
    ] {
        let found = ask(plain, "/", &format!("{HOST}{said}"));
        assert!(found.starts_with("HTTP/1.1 200 "), "{said} {found}");
        assert!(
            !found.contains("Strict-Transport-Security"),
            "{said} {found}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let keys = Keys::new();
    for (flags, wanted) in [
        (
            &["--web", "127.0.0.1:0", "--web-redirect"][..],
            "loopchat: --web-redirect: it leads nowhere: ",
        ),
        (
            &["--web", "https://127.0.0.1:0", "--tls-dev", "--hsts", "60"],
            "loopchat: --hsts: not with --tls-dev: ",
        ),
    ] {
        let mut command = loopchat();
        command
            .env("XDG_STATE_HOME", keys.path("state"))
            .args(["--listen", "127.0.0.1:0"]);
        let mut server = Server::spawn(command.args(flags));
        assert_eq!(server.ended().code(), Some(1));
        let log = server.log();
        assert!(log.iter().any(|line| line.starts_with(wanted)), "{log:#?}");
    }
}
