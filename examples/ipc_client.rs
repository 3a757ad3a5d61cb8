//! An IPC client: `tcp_client`, for a server of the same machine.
//!
//! Shows that only the path differs; the socket that comes of it is used in the same way. Run it
//! while `ipc_server` runs in another terminal:
//!
//! ```sh
//! cargo run --example ipc_client                     # or -- /tmp/mine.sock, or any other path
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
//! and without a server, Node's message and exit status 1: `connect ENOENT /tmp/loopchat-ipc.sock`.
//!
//! The same program in Node, line by line:
//!
//! ```js
//! const net = require('net');
//!
//! const client = net.createConnection({ path: '/tmp/loopchat-ipc.sock' }, () => {
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
use std::path::Path;
use std::{env, io, process};

use loopchat::{EventLoop, net};

const PATH: &str = "/tmp/loopchat-ipc.sock";

fn main() -> io::Result<()> {
    let path = env::args().nth(1).unwrap_or(PATH.to_owned());
    let path = Path::new(&path);

    let mut event_loop = EventLoop::new()?;

    // The connection does not stand yet when this returns: that is an event, too.
    let client = net::create_connection(&mut event_loop, path);
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
