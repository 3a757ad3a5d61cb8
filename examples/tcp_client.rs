//! A TCP client: it says hello, prints the answer and leaves.
//!
//! Shows `create_connection`, and that the loop ends by itself: once the connection is closed there
//! is nothing left to wait for. Run it while `tcp_server` runs in another terminal:
//!
//! ```sh
//! cargo run --example tcp_client                     # or -- localhost:8080, or any other address
//! ```
//!
//! It prints
//!
//! ```text
//! Connected to server
//! Received data from server: Hello, client!
//! Disconnected from server
//! ```
//!
//! and without a server, Node's message and exit status 1: `connect ECONNREFUSED 127.0.0.1:3000`.
//!
//! The same program in Node, line by line:
//!
//! ```js
//! const net = require('net');
//!
//! const client = net.createConnection({ host: '127.0.0.1', port: 3000 }, () => {
//!   console.log('Connected to server');
//!   client.write('Hello, server!');
//! });
//!
//! client.on('data', (data) => {
//!   console.log('Received data from server:', data.toString());
//!   client.end();
//! });
//!
//! client.on('end', () => {
//!   console.log('Disconnected from server');
//! });
//!
//! client.on('error', (error) => fail(error.message));
//!
//! function fail(message) {
//!   console.error(message);
//!   process.exit(1);
//! }
//! ```

use std::fmt::Display;
use std::{env, io, process};

use loopchat::{EventLoop, net};

const ADDRESS: &str = "127.0.0.1:3000";

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or(ADDRESS.to_owned());
    let Some(target) = net::Target::parse(&text) else {
        fail(format!("{text} is not HOST:PORT"));
    };

    let mut event_loop = EventLoop::new()?;

    // The connection does not stand yet when this returns: that is an event, too.
    let client = net::create_connection(&mut event_loop, target);
    client.on_connect(&mut event_loop, |_, cx, client| {
        println!("Connected to server");
        client.write(cx, "Hello, server!");
    });

    client.on_data(&mut event_loop, |_, cx, client, data| {
        let data = String::from_utf8_lossy(data);
        println!("Received data from server: {data}");
        client.end(cx);
    });

    client.on_end(&mut event_loop, |_, _, _| {
        println!("Disconnected from server");
    });

    client.on_error(&mut event_loop, |_, _, _, error| fail(error));

    event_loop.run(&mut ())
}

fn fail(message: impl Display) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
