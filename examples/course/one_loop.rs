//! Three protocols on one loop: lines, HTTP and WebSocket, with one state that they share.
//!
//! ```sh
//! cargo run --example one_loop
//! ```
//!
//! A guest book. One can sign it with `nc`, read it with a browser, and watch it with a WebSocket.
//! The clients are in the same program, on the same loop, so that it prints the same each time.

use std::io;

use loopchat::http::web_socket::{self, Endpoint, Message, Options};
use loopchat::{Context, EventLoop, http, net};

/// The one state: what was written in the book, and who watches.
#[derive(Default)]
struct Book {
    entries: Vec<String>,
    watchers: Vec<web_socket::WebSocket>,
}

fn main() -> io::Result<()> {
    let mut event_loop = EventLoop::new()?;
    let cx = &mut event_loop;

    // Door one: a line of text signs the book.
    let lines = net::create_server(cx);
    lines.on_data(cx, |book: &mut Book, cx, _, bytes| {
        let entry = String::from_utf8_lossy(bytes).trim().to_owned();
        for watcher in &book.watchers {
            watcher.send_text(cx, &entry);
        }
        book.entries.push(entry);
    });
    lines.listen(cx, ("127.0.0.1", 0));

    // Door two: HTTP shows it. Door three, on the same port: a request that asks to be a WebSocket.
    let pages = http::create_server(cx);
    pages.on_request(cx, |book: &mut Book, cx, _, response| {
        response.end_with(cx, book.entries.join("\n"));
    });
    let watching = Endpoint::new(cx, Options::default());
    pages.on_upgrade(
        cx,
        move |book: &mut Book, cx, request, socket, head| match web_socket::accept(
            cx, watching, request, socket, head,
        ) {
            Ok(watcher) => book.watchers.push(watcher),
            Err(refusal) => println!("refused: {refusal}"),
        },
    );
    pages.listen_then(cx, ("127.0.0.1", 0), move |_, cx, pages| {
        visit(cx, lines, pages)
    });
    event_loop.run(&mut Book::default())
}

/// A client of each kind, one after the other.
fn visit(cx: &mut Context<Book>, lines: net::Server, pages: http::Server) {
    let url = format!("127.0.0.1:{}", pages.port(cx));
    let client = Endpoint::new(cx, Options::default());
    let page = format!("http://{url}/");
    client.on_message(cx, move |_, cx, web_socket, message| {
        if let Message::Text(text) = message {
            println!("the watcher hears:  {text}");
        }
        http::get(cx, page.as_str()).on_response(cx, move |_, cx, _, response| {
            response.on_data(cx, move |book: &mut Book, cx, _, bytes| {
                println!("the browser shows:  {}", String::from_utf8_lossy(bytes));
                println!("the book holds:     {:?}", book.entries);
                web_socket.close(cx, 1000, "");
                lines.close(cx);
                pages.close(cx);
            });
        });
    });
    let url = format!("ws://{url}/");
    web_socket::connect(cx, client, &url, &[], move |_, cx, opened| {
        println!("the watcher is in:  {}", opened.is_ok());
        let guest = net::create_connection(cx, ("127.0.0.1", lines.port(cx)));
        guest.end_with(cx, "ann was here\n");
        println!("the guest signs:    ann was here");
    });
}
