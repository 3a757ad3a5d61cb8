//! Who has come to the wrong port: browsers above all, whose pages can have them send what they
//! like.

use super::house::House;
use super::*;

/// What a page can have a browser send, and other clients by mistake: nothing of it may be heard.
fn foreign() -> Vec<Vec<u8>> {
    let body = "/nick boss\n/topic mine\nhello\n/msg guest1 psst\n/me waves\n";
    let length = body.len();
    let mut sessions: Vec<Vec<u8>> = [
        format!(
            "POST / HTTP/1.1\r\nHost: localhost:3000\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
        format!("GET / HTTP/1.1\r\nHost: localhost:3000\r\nCookie: secret=1\r\n\r\n{body}"),
        format!("put http://localhost:3000/ HTTP/1.0\n\n{body}"),
        format!("OPTIONS * HTTP/1.1\r\n\r\n{body}"),
        format!("\r\n\r\nWHATEVER /x HTTP/1.1\r\n\r\n{body}"),
        format!("GET /{} HTTP/1.1\r\n\r\n{body}", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n{body}", "b".repeat(100_000)),
        format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{body}"),
        format!("SSH-2.0-OpenSSH_9.2\r\n{body}"),
        format!("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n{body}"),
        format!("DESCRIBE rtsp://localhost/ RTSP/1.0\r\n\r\n{body}"),
        format!("EHLO mail.example\r\n{body}"),
        format!("*1\r\n$4\r\nPING\r\n{body}"),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect();
    for handshake in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\n"[..],
        b"\x80\x2E\x01\x03\x01\x00\x15\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C",
        b"\x00\x03\x00\x08\x21\x12\xA4\x42abcdabcdabcd",
    ] {
        sessions.push([handshake, body.as_bytes()].concat());
    }
    sessions
}

/// What a witness has heard by now, answers to itself left out.
fn heard_by(witness: &mut Client) -> Vec<String> {
    let lines = witness.sync();
    lines
        .into_iter()
        .filter(|line| !line.contains("guest1 is here"))
        .collect()
}

#[test]
fn nobody_hears_of_who_has_come_to_the_wrong_port() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    let mut witness = server.join();
    witness.say("guest1 is here");
    for address in [&server.address, &path] {
        for session in foreign() {
            let mut client = Client::connect(address);
            client.send_until_end(&session);
            client.wait_for_end();
            let shown = String::from_utf8_lossy(&session[..20]).into_owned();
            assert_eq!(heard_by(&mut witness), [""; 0], "{address} {shown:?}");
        }
    }
    witness.say("/who");
    witness.expect_line(|line| line.starts_with("* In #lobby (1): "));
    witness.say("/topic");
    witness.expect("* #lobby has no topic.");
}

/// Each piece is alone in a read of the server: the witness was answered in between.
#[test]
fn a_request_may_be_torn_anywhere() {
    let server = Server::start();
    let mut witness = server.join();
    let request = b"\r\nPOST / HTTP/1.1\r\n\r\nhello\n";
    for cut in 1..request.len() {
        let mut client = Client::connect(&server.address);
        client.send(&request[..cut]);
        assert_eq!(heard_by(&mut witness), [""; 0], "cut at {cut}");
        client.send_until_end(&request[cut..]);
        client.wait_for_end();
        assert_eq!(heard_by(&mut witness), [""; 0], "cut at {cut}");
    }
    let mut byte_by_byte = Client::connect(&server.address);
    for byte in request {
        byte_by_byte.send_until_end(&[*byte]);
        assert_eq!(heard_by(&mut witness), [""; 0]);
    }
    byte_by_byte.wait_for_end();
}

/// The pieces are further apart than the silence after which a newcomer is announced.
#[test]
fn a_request_that_comes_slowly_is_none_the_better() {
    let server = Server::start();
    let mut witness = server.join();
    let mut slow = Client::connect(&server.address);
    slow.send("GE");
    // A member that came after it and is silent is announced after its second.
    let silent = server.join();
    let joined = format!("* {} joined #lobby.", silent.name);
    witness.expect(&joined);
    slow.send("T / HTTP/1.1\r\n\r\nhello\n");
    slow.wait_for_end();
    assert_eq!(heard_by(&mut witness), [""; 0]);
}

#[test]
fn a_browser_is_told_where_browsers_go() {
    let server = Server::listening(
        loopchat()
            .args(["--listen", "127.0.0.1:0"])
            .args(["--web-origin", "https://chat.example"])
            .env("LOOPCHAT_WEB", "127.0.0.1:0"),
    );
    let mut browser = Client::connect(&server.address);
    browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let lines = browser.rest();
    // A browser that takes its time has been greeted before; what counts is that it finds the
    // words.
    assert!(
        lines.contains(&"HTTP/1.1 400 Bad Request\r".to_owned()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"Connection: close\r".to_owned()));
    let last = lines.last().unwrap();
    assert!(
        last.ends_with("The chat in a browser is at https://chat.example/"),
        "{last}"
    );
}

/// Who comes and goes within a second is not announced, so that a second must not pass.
#[test]
fn a_health_check_is_nobodys_business() {
    let mut house = House::new(|_| {});
    let [mut witness, _one, _other] = house.three();
    for _ in 0..20 {
        drop(house.0.connect("line"));
        let mut probe = house.0.connect("line");
        probe.shut_down();
        assert!(house.0.rest(&mut probe).starts_with("* Welcome"));
        let member = house.0.connect("line");
        house.0.settle();
        drop(member); // with its greeting unread: that is a reset
        house.0.settle();
    }
    // Whoever comes after them and stays is the first that is announced.
    let silent = house.nc();
    let joined = format!("* {} joined #lobby.\n", silent.name);
    assert_eq!(house.0.read_until(&mut witness.peer, "\n"), joined);
}

#[test]
fn what_only_looks_like_a_request_is_said() {
    let server = Server::start();
    let mut witness = server.join();
    for text in ["GET it done by tonight", "GET /", "I love HTTP/1.1", "*1"] {
        let mut client = server.join();
        client.say(text);
        witness.expect(&format!("{}: {text}", client.name));
    }
    // The same without a line's end.
    let mut client = server.join();
    client.send("GET / HTTP");
    client.half_close();
    witness.expect(&format!("{}: GET / HTTP", client.name));
}
