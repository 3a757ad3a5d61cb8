//! The smallest HTTP server: Hello, World! on port 3000, or the address given.
//!
//!     cargo run --example http_server
//!     curl -i http://127.0.0.1:3000/

use std::io;

use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::{EventLoop, http, net};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let address: net::Address = address.parse().map_err(io::Error::other)?;
    let mut event_loop = EventLoop::<()>::new()?;
    let cx = &mut event_loop;

    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, _request, response| {
        response.set_status_code(cx, 200);
        response.set_header(cx, "Content-Type", "text/plain")?;
        response.end_with(cx, "Hello, World!\n");
        Ok::<(), net::Error>(())
    });
    server.net().on_error(cx, |_, _, _, error| {
        eprintln!("{error}");
        std::process::exit(1);
    });
    server.listen_then(cx, address, |_, cx, server| {
        if let Some(address) = server.address(cx) {
            println!("Server listening on {address}");
        }
    });
    cx.on_signal(&[SIGINT, SIGTERM], move |_, cx, _| {
        server.close(cx);
        server.close_all_connections(cx);
        cx.stop();
    })?;
    event_loop.run(&mut ())
}
