//! Bodies that a handler does not read, or pauses: what is kept of them, and when that ends.

use std::time::Duration;

use loopchat::Context;
use loopchat::http::{IncomingMessage, ServerResponse};

use crate::rig::{Said, timed};

/// Catches: requests that were answered while they were paused, and pile up on one connection.
#[test]
fn paused_requests_that_are_answered_do_not_pile_up() {
    let mut rig = timed(|cx, server| {
        server.on_request(
            cx,
            |said: &mut Said,
             cx: &mut Context<Said>,
             request: IncomingMessage,
             response: ServerResponse| {
                said.push("request".into());
                request.on_data(cx, |_, cx, request, _| {
                    request.pause(cx);
                });
                request.on_end(cx, |said, _, _| said.push("end".into()));
                cx.set_timeout(Duration::from_secs(1), move |_, cx| {
                    request.resume(cx);
                });
                response.end_with(cx, "x");
            },
        );
    });
    let mut peer = rig.connect("http");
    let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    peer.send(request.repeat(200));
    rig.settle();
    let count = |said: &Said, what| said.iter().filter(|line| *line == what).count();
    let handed_out = count(&rig.state, "request");
    assert!((1..=64).contains(&handed_out), "{handed_out} at once");
    rig.until(|said| (count(said, "end") == 200).then_some(()));
}

/// Catches: a body of which each byte comes in a chunk of its own, and takes fifty times what is
/// counted.
#[test]
fn what_a_piece_of_a_body_takes_counts() {
    let mut rig = timed(|cx, server| {
        server.on_request(
            cx,
            |_: &mut Said, cx: &mut Context<Said>, request: IncomingMessage, _: ServerResponse| {
                cx.set_timeout(Duration::from_secs(1), move |said: &mut Said, cx| {
                    let socket = request.socket();
                    let counted = loopchat::http::held(cx, socket);
                    let unread = socket.unread_in_kernel(cx) + socket.readable_length(cx);
                    said.push(format!("{counted} {unread}"));
                });
            },
        );
    });
    let mut peer = rig.connect("http");
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    peer.send(format!("{head}{}", "1\r\nx\r\n".repeat(2000)));
    let said = rig.until(|said| said.first().cloned());
    let (counted, unread) = said.split_once(' ').expect("two numbers");
    let (counted, unread): (usize, usize) = (counted.parse().unwrap(), unread.parse().unwrap());
    let kept = 2000 - unread / 6;
    assert!(kept > 100, "{said}");
    assert!(
        counted >= kept * 64 && counted < 32 * 1024,
        "{kept} pieces: {said}"
    );
}
