//! One command that blocks, and what everybody else feels of it.
//!
//! ```sh
//! cargo run --release --example blocking_command
//! ```
//!
//! An echo server with two commands that take 200 ms: `/block` does its work on the loop, `/pool`
//! on the thread pool. While one client asks for them, another says a line every two milliseconds
//! and takes the time until it hears it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use loopchat::{EventLoop, net};

/// What the work takes: a picture to scale, a password to hash, a large file to read.
const WORK: Duration = Duration::from_millis(200);

fn main() -> io::Result<()> {
    let server = serve();
    println!("while somebody asks for     lines  slower than 10 ms  slowest");
    for command in ["nothing", "/block", "/pool"] {
        let asking = thread::spawn(move || -> io::Result<()> {
            let mut asker = TcpStream::connect(server)?;
            for _ in 0..3 {
                asker.write_all(format!("{command}\n").as_bytes())?;
                asker.read_exact(&mut [0; 5])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        });
        let waits = ping(server)?;
        asking.join().expect("it asks")?;
        let slow = waits.iter().filter(|wait| wait.as_millis() >= 10).count();
        let slowest = waits.iter().max().copied().unwrap_or_default();
        println!(
            "{command:24} {:>8} {slow:>18} {:>5} ms",
            waits.len(),
            slowest.as_millis()
        );
    }
    Ok(())
}

fn serve() -> SocketAddr {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || -> io::Result<()> {
        let mut event_loop = EventLoop::<()>::new()?;
        let server = net::create_server(&mut event_loop);
        server.on_data(&mut event_loop, |_, cx, socket, bytes| {
            if bytes.starts_with(b"/block") {
                work(); // on the loop: nobody else is served until it returns
                socket.write(cx, "done\n");
            } else if bytes.starts_with(b"/pool") {
                cx.queue_work(work, move |_, cx, ()| {
                    socket.write(cx, "done\n"); // back on the loop
                });
            } else {
                socket.write(cx, "done\n");
            }
        });
        server.listen(&mut event_loop, ("127.0.0.1", 0));
        server.on_listening(&mut event_loop, move |_, cx, server| {
            tell.send(SocketAddr::from(([127, 0, 0, 1], server.port(cx))))
                .is_ok()
        });
        event_loop.run(&mut ())
    });
    told.recv().expect("it listens")
}

fn work() {
    let start = Instant::now();
    while start.elapsed() < WORK {
        std::hint::spin_loop();
    }
}

/// Says a line every two milliseconds for a second; how long each took to come back.
fn ping(server: SocketAddr) -> io::Result<Vec<Duration>> {
    let mut client = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    let (start, mut waits) = (Instant::now(), Vec::new());
    while start.elapsed() < Duration::from_secs(1) {
        let said = Instant::now();
        client.write_all(b"ping\n")?;
        client.read_exact(&mut [0; 5])?;
        waits.push(said.elapsed());
        thread::sleep(Duration::from_millis(2));
    }
    Ok(waits)
}
