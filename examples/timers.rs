//! The phases of the event loop, each printed as it runs.
//!
//! Shows in which order the loop calls back what one I/O callback asks for. Run it:
//!
//! ```sh
//! cargo run --example timers
//! ```
//!
//! It prints, always in this order,
//!
//! ```text
//! main      the program only says what is to happen
//! tick      the program is through; the loop has not begun
//! poll      I/O callback: hello came
//! poll      I/O callback returns; timeout 0 is overdue
//! tick      directly after the callback that asked for it
//! check     first immediate; asks for a tick and another
//! tick      between two callbacks of one phase
//! check     second immediate
//! closing   the destroyed socket is closed
//! timers    timeout 0, asked for before the immediates
//! check     the immediate of an immediate: next turn
//! exit      nothing is left to wait for
//! ```
//!
//! Why one can tell beforehand: a turn of the loop is poll, check, closing, timers, and
//! `EventLoop::turn` in `src/event_loop/mod.rs` is just that list.
//!
//! - **tick**: not a phase. After every single callback, whatever its phase, all ticks run before
//!   anything else does.
//! - **poll**: the loop sleeps until a socket is ready, and calls back. So the I/O callback is in
//!   this phase.
//! - **check**: immediates come next in the same turn. Those asked for *in* this phase wait for the
//!   next turn, or a program that always asks for one more would never read a socket again.
//! - **closing**: then the `close` of what was closed.
//! - **timers**: last come the timeouts that are due. So a timeout of 0 that is asked for in an I/O
//!   callback always loses against an immediate. Asked for by the main program it is a race: timers
//!   are also looked at once before the first turn, and a timeout of 0 is one of 1 ms, which may or
//!   may not have passed by then.
//!
//! The same program in Node, line by line:
//!
//! ```js
//! const net = require('net');
//! const log = (phase, what) => console.log(phase.padEnd(9), what);
//!
//! const server = net.createServer((socket) => {
//!   socket.on('data', (data) => {
//!     log('poll', `I/O callback: ${data} came`);
//!     setTimeout(() => log('timers', 'timeout 0, asked for before the immediates'), 0);
//!     setImmediate(() => {
//!       log('check', 'first immediate; asks for a tick and another');
//!       setImmediate(() => log('check', 'the immediate of an immediate: next turn'));
//!       process.nextTick(() => log('tick', 'between two callbacks of one phase'));
//!     });
//!     setImmediate(() => log('check', 'second immediate'));
//!     process.nextTick(() => log('tick', 'directly after the callback that asked for it'));
//!     socket.destroy();
//!     server.close();
//!     busy(5);
//!     log('poll', 'I/O callback returns; timeout 0 is overdue');
//!   });
//!   socket.on('close', () => log('closing', 'the destroyed socket is closed'));
//! });
//! server.listen(0, '127.0.0.1', () => {
//!   const client = net.createConnection(server.address().port, '127.0.0.1');
//!   client.write('hello');
//! });
//! process.nextTick(() => log('tick', 'the program is through; the loop has not begun'));
//! process.on('exit', () => log('exit', 'nothing is left to wait for'));
//! log('main', 'the program only says what is to happen');
//!
//! function busy(ms) {
//!   const start = Date.now();
//!   while (Date.now() - start < ms);
//! }
//! ```

use std::fmt::Display;
use std::io;
use std::time::{Duration, Instant};

use loopchat::{EventLoop, net};

fn main() -> io::Result<()> {
    let mut event_loop = EventLoop::new()?;

    let server = net::create_server(&mut event_loop);
    server.on_connection(&mut event_loop, move |_, cx, socket| {
        socket.on_data(cx, move |_, cx, socket, data| {
            let data = String::from_utf8_lossy(data);
            log("poll", format!("I/O callback: {data} came"));
            cx.set_timeout(Duration::ZERO, |_, _| {
                log("timers", "timeout 0, asked for before the immediates")
            });
            cx.set_immediate(|_, cx| {
                log("check", "first immediate; asks for a tick and another");
                cx.set_immediate(|_, _| log("check", "the immediate of an immediate: next turn"));
                cx.next_tick(|_, _| log("tick", "between two callbacks of one phase"));
            });
            cx.set_immediate(|_, _| log("check", "second immediate"));
            cx.next_tick(|_, _| log("tick", "directly after the callback that asked for it"));
            socket.destroy(cx);
            server.close(cx);
            busy(5);
            log("poll", "I/O callback returns; timeout 0 is overdue");
        });
        socket.on_close(cx, |_, _, _, _| {
            log("closing", "the destroyed socket is closed")
        });
    });
    server.listen(&mut event_loop, ("127.0.0.1", 0));
    server.on_listening(&mut event_loop, |_, cx, server| {
        let client = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        client.write(cx, "hello");
    });
    event_loop.next_tick(|_, _| log("tick", "the program is through; the loop has not begun"));
    log("main", "the program only says what is to happen");

    event_loop.run(&mut ())?; // Node does this by itself, after the last line of the program
    log("exit", "nothing is left to wait for");
    Ok(())
}

fn log(phase: &str, what: impl Display) {
    println!("{phase:9} {what}");
}

/// A callback that takes its time; the whole loop waits for it.
fn busy(ms: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {}
}
