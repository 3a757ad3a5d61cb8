//! Answers every request with 200 and the body it got, at the pace at which the client reads it.
//! For conformance suites and for load.
//!
//!     cargo run --example http_echo -- 127.0.0.1:3000
//!     curl --data-binary @Cargo.toml http://127.0.0.1:3000/
//!
//! On `ws://127.0.0.1:3000/ws` every message comes back. A number behind the address is how many
//! milliseconds an idle connection is kept, instead of the usual five seconds.

use std::io;
use std::time::Duration;

use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::http::web_socket::{self, Endpoint, Message, Options, Refusal};
use loopchat::http::{IncomingMessage, ServerResponse};
use loopchat::{Context, EventLoop, http, net};

/// The conformance suite's largest message is 16 MiB.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// Answers with what comes. While the client does not read the answer, no more of the request is
/// read.
fn echo(_: &mut (), cx: &mut Context<()>, request: IncomingMessage, response: ServerResponse) {
    if let Some(length) = request.header(cx, "content-length").map(str::to_owned) {
        // As long as the request, so that even a client of HTTP/1.0 knows where it ends.
        let set = response.set_header(cx, "Content-Length", length);
        set.expect("what was a length is one");
    }
    request.on_data(cx, move |_, cx, request, bytes| {
        if !response.write(cx, bytes) {
            request.pause(cx);
        }
    });
    response.on_drain(cx, move |_, cx, _| request.resume(cx));
    request.on_end(cx, move |_, cx, _| response.end(cx));
}

/// Makes WebSockets of the requests to `/ws`, and sends their messages back. While a client does
/// not read them, no more of it is read.
fn echo_messages(cx: &mut Context<()>, server: http::Server) {
    let options = Options::new()
        .max_message(MAX_MESSAGE)
        .ping_interval(Duration::from_secs(30));
    let endpoint = Endpoint::new(cx, options);
    endpoint.on_message(cx, |_, cx, web_socket, message| {
        let fine = match message {
            Message::Text(text) => web_socket.send_text(cx, text),
            Message::Binary(bytes) => web_socket.send_binary(cx, bytes),
        };
        if !fine {
            web_socket.pause(cx);
        }
    });
    endpoint.on_drain(cx, |_, cx, web_socket| web_socket.resume(cx));
    server.on_upgrade(cx, move |_, cx, request, socket, head| {
        let path = request.url().split('?').next();
        if path != Some("/ws") {
            return Refusal::new(404, "WebSockets are at /ws").send(cx, socket);
        }
        // Who is refused is told why, and there is nothing else to do about it.
        let _ = web_socket::accept(cx, endpoint, request, socket, head);
    });
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let address: net::Address = address.parse().map_err(io::Error::other)?;
    let mut event_loop = EventLoop::<()>::new()?;
    let cx = &mut event_loop;

    let server = http::create_server(cx);
    if let Some(ms) = std::env::args().nth(2) {
        let ms = ms.parse().map_err(io::Error::other)?;
        server.set_keep_alive_timeout(cx, Duration::from_millis(ms));
    }
    server.on_request(cx, echo);
    echo_messages(cx, server);
    server.net().on_error(cx, |_, _, _, error| {
        eprintln!("{error}");
        std::process::exit(1);
    });
    server.listen_then(cx, address, |_, cx, server| {
        if let Some(address) = server.address(cx) {
            println!("Server listening on {address}");
        }
    });
    cx.on_signal(&[SIGINT, SIGTERM], |_, cx, _| cx.stop())?;
    event_loop.run(&mut ())
}
