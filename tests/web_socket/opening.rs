//! The client's side: both ends on one loop, and servers that answer wrongly.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use loopchat::EventLoop;
use loopchat::http::web_socket::{self, Endpoint, Event, Message, Options, WebSocket};

use super::*;

/// What a client hears, until it is over.
#[derive(Default)]
struct Heard(Vec<String>);

/// Opens a WebSocket, has `opened` do something with it, and runs until nothing is left.
fn open(
    url: &str,
    opened: impl Fn(&mut loopchat::Context<Heard>, WebSocket) + 'static,
) -> Vec<String> {
    let mut event_loop = EventLoop::<Heard>::new().expect("a loop");
    let endpoint = Endpoint::new(&mut event_loop, Options::default());
    endpoint.on_event(
        &mut event_loop,
        |heard: &mut Heard, cx, web_socket, event| {
            heard.0.push(match event {
                Event::Message(Message::Text(text)) => text.to_owned(),
                Event::Message(Message::Binary(bytes)) => format!("{} bytes", bytes.len()),
                other => format!("{other:?}"),
            });
            if heard.0.last().is_some_and(|last| last == "bye") {
                web_socket.close(cx, 4000, "enough");
            }
        },
    );
    web_socket::connect(
        &mut event_loop,
        endpoint,
        url,
        &[],
        move |heard: &mut Heard, cx, result| match result {
            Ok(web_socket) => opened(cx, web_socket),
            Err(error) => heard.0.push(error.to_string()),
        },
    );
    let mut heard = Heard::default();
    event_loop.run(&mut heard).expect("the poll works");
    heard.0
}

#[test]
fn a_client_and_a_server_understand_each_other() {
    let server = Echo::start();
    let url = format!("ws://{}/ws?query", server.address);
    let heard = open(&url, |cx, web_socket| {
        web_socket.send_text(cx, "h\u{e9}llo");
        web_socket.send_binary(cx, &[7; 200_000]);
        web_socket.ping(cx, b"ping");
        let encoded = web_socket::encode_text("encoded");
        web_socket.send_encoded(cx, &encoded);
        web_socket.send_text(cx, "/ping question");
        web_socket.send_text(cx, "bye");
    });
    let wanted = [
        "h\u{e9}llo",
        "200000 bytes",
        "Pong([112, 105, 110, 103])",
        "encoded",
        "Ping([113, 117, 101, 115, 116, 105, 111, 110])",
        "bye",
        "Close(4000, \"\")",
    ];
    assert_eq!(heard, wanted);
    let last = std::iter::repeat_with(|| server.heard()).find(|event| event.contains("close"));
    assert_eq!(last.as_deref(), Some("0 close 4000 enough"));
}

#[test]
fn the_server_may_close_first() {
    let server = Echo::start();
    let heard = open(&format!("ws://{}/ws", server.address), |cx, web_socket| {
        web_socket.send_text(cx, "/close 4001 enough");
    });
    assert_eq!(heard, ["Close(4001, \"enough\")"]);
}

#[test]
fn no_one_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let heard = open(&format!("ws://{address}/"), |_, _| panic!("it was opened"));
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("ECONNREFUSED"), "{heard:?}");
}

/// What a client says of a server that answers this.
fn answered(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut client = Client { stream };
        let request = client.read_head();
        let key = request.split_once("Sec-WebSocket-Key: ").expect("a key").1;
        let key = key.split_once("\r\n").expect("a line").0;
        // The server's part is known to be right: whoever answers wrongly changes it.
        let headers: [(&str, &[u8]); 5] = [
            ("Host", b"localhost"),
            ("Upgrade", b"websocket"),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Version", b"13"),
            ("Sec-WebSocket-Key", key.as_bytes()),
        ];
        let right = web_socket::Handshake::read("GET", (1, 1), headers).expect("in order");
        let right = right.response();
        let proof = right.split_once("Accept: ").expect("a proof").1;
        let proof = proof.split_once("\r\n").expect("a line").0;
        let answer = answer.replace("PROOF", proof);
        client
            .stream
            .write_all(answer.as_bytes())
            .expect("it reads");
        client.wait_for_end();
    });
    let heard = open(&format!("ws://{address}/"), |cx, web_socket| {
        web_socket.close(cx, 1000, "");
        web_socket.terminate(cx);
    });
    server.join().expect("no panic");
    assert_eq!(heard.len(), 1, "{heard:?}");
    heard.concat()
}

#[test]
fn an_answer_that_is_none_is_told_as_such() {
    let cases = [
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: PROOF\r\n\r\n",
            "Close(1006, \"\")", // it was opened
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "Invalid Sec-WebSocket-Accept header",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "Invalid Sec-WebSocket-Accept header",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: PROOF\r\n\r\n",
            "Invalid Upgrade header",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: PROOF\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
            "Server chose a subprotocol that was not offered",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: PROOF\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            "Server chose an extension, and none was offered",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "Unexpected server response: 404",
        ),
    ];
    for (answer, wanted) in cases {
        let heard = answered(answer);
        assert!(heard.contains(wanted), "{answer}: {heard}");
    }
}
