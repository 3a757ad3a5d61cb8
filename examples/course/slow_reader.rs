//! One client that reads nothing, and two servers: one that writes on, and one that waits for
//! `drain`.
//!
//! ```sh
//! cargo run --example slow_reader
//! ```

use std::io;
use std::net::TcpStream;
use std::thread;

use loopchat::net::Event;
use loopchat::{Context, EventLoop, net};

/// What is said in one turn.
const PIECE: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;
/// How much the first server says; it would never stop by itself.
const LIMIT: usize = 64 * MIB;

/// The program's state: what was said so far, and who does not listen.
struct Talk {
    said: usize,
    minds_drain: bool,
    reader: Option<TcpStream>,
}

fn main() -> io::Result<()> {
    for minds_drain in [false, true] {
        println!(
            "{}",
            if minds_drain {
                "waits for drain:"
            } else {
                "writes on:"
            }
        );
        let mut event_loop = EventLoop::new()?;
        let server = net::create_server(&mut event_loop);
        server.on_connection(&mut event_loop, say_more);
        server.on_socket_event(&mut event_loop, |_, cx, socket, event| {
            if let Event::Drain = event {
                println!(
                    "  drain: {} KiB wait; we may go on",
                    socket.buffered(cx) / 1024
                );
                cx.stop();
            }
        });
        server.listen(&mut event_loop, ("127.0.0.1", 0));
        server.on_listening(&mut event_loop, |talk: &mut Talk, cx, server| {
            // It connects, and does not read.
            talk.reader = TcpStream::connect(("127.0.0.1", server.port(cx))).ok();
        });
        event_loop.run(&mut Talk {
            said: 0,
            minds_drain,
            reader: None,
        })?;
    }
    Ok(())
}

/// There is always something to say in a chat: a piece each turn.
fn say_more(talk: &mut Talk, cx: &mut Context<Talk>, socket: net::Socket) {
    let fine = socket.write(cx, [b'x'; PIECE]);
    talk.said += PIECE;
    let waiting = socket.buffered(cx) / 1024;
    if talk.minds_drain && !fine {
        println!(
            "  write returned false after {} KiB; {waiting} KiB wait; we stop",
            talk.said / 1024
        );
        read_at_last(talk);
        return;
    }
    let mib = talk.said / MIB;
    if talk.said.is_multiple_of(MIB) && mib.is_power_of_two() {
        println!("  said {mib:>3} MiB, of which {waiting:>6} KiB wait in our memory");
    }
    match talk.said < LIMIT {
        true => drop(cx.set_immediate(move |talk: &mut Talk, cx| say_more(talk, cx, socket))),
        false => cx.stop(),
    }
}

/// The reader wakes up.
fn read_at_last(talk: &mut Talk) {
    if let Some(mut reader) = talk.reader.take() {
        thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    }
}
