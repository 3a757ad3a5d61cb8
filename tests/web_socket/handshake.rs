//! From a request to a WebSocket, or to a refusal.

use super::client::REQUEST;
use super::*;

/// The answer to a request, up to the end of the connection.
fn refused(server: &Echo, request: &str) -> String {
    let mut client = Client::connect(server.address);
    client.send_raw(request);
    String::from_utf8(client.rest()).expect("answers are text")
}

#[test]
fn the_answer_proves_that_the_key_was_read() {
    let server = Echo::start();
    let mut client = Client::connect(server.address);
    client.send_raw(REQUEST);
    assert_eq!(
        client.read_head(),
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         \r\n"
    );
}

#[test]
fn what_comes_with_the_request_is_read_as_frames() {
    let server = Echo::start();
    let mut client = Client::connect(server.address);
    let hello = client::frame(FIN | TEXT, b"hello");
    for cut in 0..hello.len() {
        let mut client = Client::connect(server.address);
        client.send_raw([REQUEST.as_bytes(), &hello[..cut]].concat());
        client.read_head();
        client.send_raw(&hello[cut..]);
        assert_eq!(client.read(), text("hello"));
    }
    client.send_raw([REQUEST.as_bytes(), &hello, &hello].concat());
    client.read_head();
    assert_eq!(client.read(), text("hello"));
    assert_eq!(client.read(), text("hello"));
}

#[test]
fn each_header_that_is_missing_or_wrong_is_refused() {
    let server = Echo::start();
    let cases = [
        ("GET /ws", "POST /ws", "405 "),
        // An Upgrade in HTTP/1.0 is to be ignored (RFC 9110, 7.8), so that is an ordinary request,
        // too.
        ("HTTP/1.1", "HTTP/1.0", "404 "),
        ("Host: localhost\r\n", "", "400 "),
        // Without both headers it is an ordinary request.
        ("Upgrade: websocket\r\n", "", "404 "),
        ("Upgrade: websocket\r\n", "Upgrade: h2c\r\n", "400 "),
        ("Connection: Upgrade\r\n", "", "404 "),
        ("Connection: Upgrade\r\n", "Connection: close\r\n", "404 "),
        // Its body would be in the place of the first frames.
        ("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc", "400 "),
        (
            "\r\n\r\n",
            "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "400 ",
        ),
        ("Sec-WebSocket-Version: 13\r\n", "", "426 "),
        ("Version: 13\r\n", "Version: 8\r\n", "426 "),
        ("Version: 13\r\n", "Version: 13, 8\r\n", "426 "),
        ("Version: 13\r\n", "Version: 130\r\n", "426 "),
        (
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "",
            "400 ",
        ),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "400 "),
        (
            "dGhlIHNhbXBsZSBub25jZQ==",
            "dGhlIHNhbXBsZSBub25jZQo=",
            "400 ",
        ),
        (
            "dGhlIHNhbXBsZSBub25jZQ==",
            "dGhlIHNhbXBsZSBub25j!!==",
            "400 ",
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "400 ",
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Protocol: a, a\r\n\r\n",
            "400 ",
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Protocol: a,,b\r\n\r\n",
            "400 ",
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Protocol: a b\r\n\r\n",
            "400 ",
        ),
        (
            "\r\n\r\n",
            "\r\nOrigin: http://evil.example\r\n\r\n",
            "403 ",
        ),
    ];
    let many: Vec<String> = (0..65).map(|number| format!("p{number}")).collect();
    let many = format!("\r\nSec-WebSocket-Protocol: {}\r\n\r\n", many.join(","));
    let cases = cases.into_iter().chain([("\r\n\r\n", &*many, "400 ")]);
    for (right, wrong, status) in cases {
        assert!(REQUEST.contains(right), "{right}");
        let answer = refused(&server, &REQUEST.replacen(right, wrong, 1));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{wrong}: {answer}"
        );
        assert!(answer.contains("\r\nConnection: close"), "{answer}");
        let version = answer.contains("\r\nSec-WebSocket-Version: 13\r\n");
        assert_eq!(version, status == "426 ", "{answer}");
    }
}

#[test]
fn names_and_values_are_told_apart_as_http_does() {
    let server = Echo::start();
    let request = REQUEST
        .replace("Upgrade: websocket", "uPGRADE: foo, WebSocket")
        .replace("Connection: Upgrade", "CONNECTION: keep-alive , upgrade");
    let mut client = Client::connect(server.address);
    client.send_raw(request);
    assert!(client.read_head().starts_with("HTTP/1.1 101 "));
}

#[test]
fn a_subprotocol_is_chosen_only_if_it_was_offered() {
    let server = Echo::start();
    let chosen = |offer: &str| {
        let mut client = Client::connect(server.address);
        let line = format!("\r\nSec-WebSocket-Protocol: {offer}\r\n\r\n");
        client.send_raw(REQUEST.replace("\r\n\r\n", &line));
        let head = client.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        head.contains("\r\nSec-WebSocket-Protocol: echo\r\n")
    };
    assert!(chosen("soap,echo"));
    assert!(!chosen("soap, echoes"));
}
