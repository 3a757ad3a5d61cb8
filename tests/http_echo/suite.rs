//! The example `web_socket_client` beside a conformance suite, which this test is; and beside
//! `http_echo`.

use std::sync::mpsc;
use std::thread;

use loopchat::http::web_socket::{self, Endpoint, Event, Message, Options, WebSocket};
use loopchat::{EventLoop, http};

use super::support::run;
use super::{Command, HttpEcho, built};

/// What a suite has seen.
#[derive(Default)]
struct Seen {
    paths: Vec<String>,
    /// Whose turn it is to be echoed, of each WebSocket that runs a case.
    awaited: Vec<(WebSocket, Vec<u8>)>,
    right: usize,
}

/// A suite of two cases: a text and a large message. It ends when its report is written, and tells
/// what it has seen.
fn suite(at: &mpsc::Sender<u16>) -> (Vec<String>, usize) {
    let mut event_loop = EventLoop::<Seen>::new().expect("a loop");
    let cx = &mut event_loop;
    let endpoint = Endpoint::new(cx, Options::default());
    endpoint.on_event(cx, |seen: &mut Seen, cx, web_socket, event| {
        let Event::Message(message) = event else {
            return;
        };
        let bytes = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        };
        let is_right = |(of, wanted): &(WebSocket, Vec<u8>)| *of == web_socket && wanted == bytes;
        seen.right += usize::from(seen.awaited.iter().any(is_right));
        web_socket.close(cx, 1000, "");
    });
    let server = http::create_server(cx);
    server.on_upgrade(cx, move |seen: &mut Seen, cx, request, socket, head| {
        let path = request.url().to_owned();
        let opened = web_socket::accept(cx, endpoint, request, socket, head);
        let web_socket = opened.expect("it is a WebSocket's handshake");
        match &*path {
            "/getCaseCount" => {
                web_socket.send_text(cx, "2");
                web_socket.close(cx, 1000, "");
            }
            "/runCase?case=1&agent=me" => {
                web_socket.send_text(cx, "čau");
                seen.awaited.push((web_socket, "čau".into()));
            }
            "/runCase?case=2&agent=me" => {
                let bytes: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
                web_socket.send_binary(cx, &bytes);
                seen.awaited.push((web_socket, bytes));
            }
            _ => {
                web_socket.close(cx, 1000, "");
                server.close(cx);
            }
        }
        seen.paths.push(path);
    });
    server.listen(cx, ("127.0.0.1", 0));
    let at = at.clone();
    server.on_listening(cx, move |_, cx, server| {
        at.send(server.net().port(cx)).expect("the test waits");
    });
    let mut seen = Seen::default();
    event_loop.run(&mut seen).expect("it ends");
    (seen.paths, seen.right)
}

#[test]
fn a_client_runs_all_cases_of_a_suite() {
    let (at, port) = mpsc::channel();
    let suite = thread::spawn(move || suite(&at));
    let url = format!("ws://127.0.0.1:{}", port.recv().expect("it listens"));
    let mut client = Command::new(built("web_socket_client"));
    let output = run(client.args([&url, "me"]));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "2 cases, see the suite's report\n");
    let (paths, right) = suite.join().expect("no assertion failed");
    let wanted = [
        "/getCaseCount",
        "/runCase?case=1&agent=me",
        "/runCase?case=2&agent=me",
    ];
    assert_eq!(paths[..3], wanted);
    assert_eq!(paths[3..], ["/updateReports?agent=me"]);
    assert_eq!(right, 2, "cases");
}

#[test]
fn who_is_not_there_is_said() {
    let server = HttpEcho::start();
    let url = server.url("/elsewhere").replacen("http", "ws", 1);
    let output = run(Command::new(built("web_socket_client")).arg(url));
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("Unexpected server response: 404"), "{error}");
}
