//! The smallest HTTP server: it answers every request with a greeting.
//!
//! Shows that HTTP is a layer: a request is an event like any other, and who knows `tcp_server`
//! knows this one. Run it, and ask it with `http_client`, with curl, or with a browser:
//!
//! ```sh
//! cargo run --example http_server                    # or -- 0.0.0.0:8080, or any other address
//! ```
//!
//! It prints this, until Ctrl-C ends it:
//!
//! ```text
//! Server listening on port 3000
//! ```
//!
//! The same program in Node, line by line (the notes' one):
//!
//! ```js
//! const http = require('http');
//!
//! const server = http.createServer((req, res) => {
//!   res.statusCode = 200;
//!   res.setHeader('Content-Type', 'text/plain');
//!   res.end('Hello, World!\n');
//! });
//!
//! server.on('error', (error) => fail(error.message));
//! process.on('SIGINT', () => { server.close(); process.exit(); });
//!
//! server.listen(3000, '127.0.0.1', () => {
//!   console.log(`Server listening on port ${server.address().port}`);
//! });
//!
//! function fail(message) {
//!   console.error(message);
//!   process.exit(1);
//! }
//! ```

use std::fmt::Display;
use std::net::SocketAddr;
use std::{env, io, process};

use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::{EventLoop, http, net};

const ADDRESS: &str = "127.0.0.1:3000";

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or(ADDRESS.to_owned());
    let Ok(address) = text.parse::<SocketAddr>() else {
        fail(format!("{text} is not IP:PORT"));
    };
    let mut event_loop = EventLoop::<()>::new()?;
    let cx = &mut event_loop;

    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, _request, response| {
        response.set_status_code(cx, 200);
        response.set_header(cx, "Content-Type", "text/plain")?;
        response.end_with(cx, "Hello, World!\n");
        Ok::<(), net::Error>(())
    });

    server.net().on_error(cx, |_, _, _, error| fail(error));
    cx.on_signal(&[SIGINT, SIGTERM], |_, cx, _| cx.stop())?;

    server.listen_then(cx, address, |_, cx, server| {
        println!("Server listening on port {}", server.port(cx));
    });
    event_loop.run(&mut ())
}

fn fail(message: impl Display) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
