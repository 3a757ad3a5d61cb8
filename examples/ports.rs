//! Several services on several ports, in one process.
//!
//! An IP address names the machine, a port the service on it. Here one loop on one thread serves
//! three of them, each with a server of its own; they share the program's state, to which every
//! callback gets access in turn. Run it:
//!
//! ```sh
//! cargo run --example ports                # or -- 0.0.0.0:8080: that port and the next two
//! ```
//!
//! It prints
//!
//! ```text
//! echo on port 3000
//! time on port 3001
//! counter on port 3002
//! ```
//!
//! and serves until Ctrl-C. `nc` talks to each:
//!
//! ```sh
//! nc 127.0.0.1 3000                        # echo: every line comes back, until Ctrl-C
//! nc 127.0.0.1 3001                        # time: 17:42:05 UTC
//! nc 127.0.0.1 3002                        # counter: echo 1, time 1, counter 1
//! ```
//!
//! A port belongs to one service at a time. A second `ports` ends with Node's message and exit
//! status 1: `listen EADDRINUSE: address already in use 127.0.0.1:3000`.
//!
//! The same program in Node, line by line:
//!
//! ```js
//! const net = require('net');
//! const visits = { echo: 0, time: 0, counter: 0 };
//!
//! const echo = net.createServer((socket) => {
//!   visits.echo += 1;
//!   socket.pipe(socket);
//! });
//! listen(echo, 'echo', 0);
//!
//! const time = net.createServer((socket) => {
//!   visits.time += 1;
//!   socket.end(`${new Date().toISOString().slice(11, 19)} UTC\n`);
//! });
//! listen(time, 'time', 1);
//!
//! const counter = net.createServer((socket) => {
//!   visits.counter += 1;
//!   const { echo, time, counter } = visits;
//!   socket.end(`echo ${echo}, time ${time}, counter ${counter}\n`);
//! });
//! listen(counter, 'counter', 2);
//!
//! process.on('SIGINT', () => process.exit());
//!
//! function listen(server, name, nth) {
//!   server.on('error', (error) => fail(error.message));
//!   server.listen(3000 + nth, '127.0.0.1', () => {
//!     console.log(`${name} on port ${server.address().port}`);
//!   });
//! }
//!
//! function fail(message) {
//!   console.error(message);
//!   process.exit(1);
//! }
//! ```

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::UNIX_EPOCH;
use std::{env, io, process};

use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::{Context, EventLoop, net};

const ADDRESS: &str = "127.0.0.1:3000";

/// The program's state: how often each service was used. `run` lends it to every callback.
#[derive(Default)]
struct Visits {
    echo: u32,
    time: u32,
    counter: u32,
}

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or(ADDRESS.to_owned());
    let Ok(first) = text.parse::<SocketAddr>() else {
        fail(format!("{text} is not IP:PORT"));
    };
    let address = |nth| match first.port() {
        0 => first, // any free port, each its own
        port => SocketAddr::new(first.ip(), port.saturating_add(nth)),
    };

    let mut event_loop = EventLoop::new()?;

    // Sends back what comes; takes no more than its client reads.
    let echo = net::create_server(&mut event_loop);
    echo.on_connection(&mut event_loop, |visits: &mut Visits, cx, socket| {
        visits.echo += 1;
        socket.pipe(cx, socket);
    });
    listen(&mut event_loop, echo, "echo", address(0));

    // Tells the time of day and hangs up.
    let time = net::create_server(&mut event_loop);
    time.on_connection(&mut event_loop, |visits, cx, socket| {
        visits.time += 1;
        let seconds = UNIX_EPOCH.elapsed().unwrap().as_secs();
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        socket.end_with(cx, format!("{hour:02}:{minute:02}:{second:02} UTC\n"));
    });
    listen(&mut event_loop, time, "time", address(1));

    // Tells how often each of the three was used, which it knows since they are one process.
    let counter = net::create_server(&mut event_loop);
    counter.on_connection(&mut event_loop, |visits, cx, socket| {
        visits.counter += 1;
        let (echo, time, counter) = (visits.echo, visits.time, visits.counter);
        socket.end_with(cx, format!("echo {echo}, time {time}, counter {counter}\n"));
    });
    listen(&mut event_loop, counter, "counter", address(2));

    event_loop.on_signal(&[SIGINT, SIGTERM], |_, cx, _| cx.stop())?;
    event_loop.run(&mut Visits::default())
}

fn listen(cx: &mut Context<Visits>, server: net::Server, name: &'static str, at: SocketAddr) {
    server.on_error(cx, |_, _, _, error| fail(error));
    server.listen(cx, at);
    server.on_listening(cx, move |_, cx, server| {
        println!("{name} on port {}", server.port(cx));
    });
}

fn fail(message: impl Display) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
