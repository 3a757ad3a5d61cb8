//! An IPC server: `tcp_server`, for processes of the same machine.
//!
//! Shows that it takes the same functions: a server listens on a port or on a path, and only that
//! differs. A path is a file that both processes name; the bytes do not go through it, it is only
//! where they meet. The other process may be written in anything; `README.md` beside this
//! file has Node and Python talk to it. Run it, and `ipc_client` in a second terminal:
//!
//! ```sh
//! cargo run --example ipc_server                     # or -- /tmp/mine.sock, or any other path
//! ```
//!
//! It prints this, the first line at once and the others as a client comes and goes, until Ctrl-C
//! ends it and removes the file:
//!
//! ```text
//! Server listening on /tmp/loopchat-ipc.sock
//! Client connected
//! Received data from client: Hello, server!
//! Client disconnected
//! ```
//!
//! A server that was killed (`kill -9`) leaves its file behind; until that is removed, the next one
//! ends with Node's message, `listen EADDRINUSE: address already in use /tmp/loopchat-ipc.sock`.
//!
//! The same program in Node, line by line:
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
//! server.listen('/tmp/loopchat-ipc.sock', () => {
//!   console.log(`Server listening on ${server.address()}`);
//! });
//!
//! function fail(message) {
//!   console.error(message);
//!   process.exit(1);
//! }
//! ```

use std::fmt::Display;
use std::path::Path;
use std::{env, io, process};

use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::{EventLoop, net};

const PATH: &str = "/tmp/loopchat-ipc.sock";

fn main() -> io::Result<()> {
    let path = env::args().nth(1).unwrap_or(PATH.to_owned());
    let path = Path::new(&path);

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

    server.listen(&mut event_loop, path);
    server.on_listening(&mut event_loop, |_, cx, server| {
        println!("Server listening on {}", server.address(cx).unwrap());
    });

    event_loop.run(&mut ()) // until stopped; what the loop owns is closed when it goes
}

fn fail(message: impl Display) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
