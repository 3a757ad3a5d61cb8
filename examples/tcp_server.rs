//! A TCP server: it says who comes, what they send and when they go, and answers each piece.
//!
//! Shows `create_server`, and that all that happens is an event: the program says what is to be
//! done on each, and the loop calls back. Run it, and `tcp_client` in a second terminal:
//!
//! ```sh
//! cargo run --example tcp_server                     # or -- 0.0.0.0:8080, or any other address
//! ```
//!
//! It prints this, the first line at once and the others as a client comes and goes, until Ctrl-C
//! ends it:
//!
//! ```text
//! Server listening on port 3000
//! Client connected
//! Received data from client: Hello, server!
//! Client disconnected
//! ```
//!
//! The same program in Node, line by line (the notes' one; it did not answer yet):
//!
//! ```js
//! const net = require('net');
//!
//! const server = net.createServer((socket) => {
//!   console.log('Client connected');
//!
//!   socket.on('data', (data) => {
//!     console.log('Received data from client:', data.toString());
//!     socket.write('Hello, client!');
//!   });
//!
//!   socket.on('end', () => {
//!     console.log('Client disconnected');
//!   });
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
use loopchat::{EventLoop, net};

const ADDRESS: &str = "127.0.0.1:3000";

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or(ADDRESS.to_owned());
    let Ok(address) = text.parse::<SocketAddr>() else {
        fail(format!("{text} is not IP:PORT"));
    };

    // Node has one loop, and it is out of sight. Here it is a value: before it runs, it is what
    // everything is asked of; a callback gets it as `cx`. The `_` is the program's own state, which
    // this program has none of; `ports` has.
    let mut event_loop = EventLoop::new()?;

    let server = net::create_server(&mut event_loop);
    server.on_connection(&mut event_loop, |_, cx, socket| {
        println!("Client connected");

        socket.on_data(cx, |_, cx, socket, data| {
            let data = String::from_utf8_lossy(data);
            println!("Received data from client: {data}");
            socket.write(cx, "Hello, client!");
        });

        socket.on_end(cx, |_, _, _| {
            println!("Client disconnected");
        });
    });

    server.on_error(&mut event_loop, |_, _, _, error| fail(error));
    event_loop.on_signal(&[SIGINT, SIGTERM], |_, cx, _| cx.stop())?;

    server.listen(&mut event_loop, address);
    server.on_listening(&mut event_loop, |_, cx, server| {
        println!("Server listening on port {}", server.port(cx));
    });

    event_loop.run(&mut ()) // until stopped; what the loop owns is closed when it goes
}

fn fail(message: impl Display) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
