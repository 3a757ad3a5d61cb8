//! What blocking means: one client that says nothing, and what becomes of the other.
//!
//! ```sh
//! cargo run --example blocking_server            # ann, who says nothing, and bob
//! cargo run --example blocking_server -- 3       # and carol
//! ```
//!
//! The same two clients talk to two servers of one thread each. The first server waits *for a
//! client*, the second waits *for whoever is ready*.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use loopchat::{EventLoop, net};

/// How long bob waits before he knows that he will not be heard.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    let clients = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let others = &["bob", "carol", "dave", "eve"][..clients.unwrap_or(2_usize).clamp(2, 5) - 1];
    println!("a thread that blocks:");
    clients_of(serve_blocking()?, others, Some(PATIENCE))?;
    println!("the same thread with an event loop:");
    clients_of(serve_loop(), others, None)
}

/// `accept` and `read` wait until there is something: meanwhile the thread does nothing else.
fn serve_blocking() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        loop {
            let (client, _) = listener.accept()?; // blocks until somebody connects
            let mut answers = client.try_clone()?;
            for line in BufReader::new(client).lines() {
                let line = line?; // blocks until this one client has said something
                answers.write_all(format!("you said {line}\n").as_bytes())?;
            }
        }
    });
    Ok(address)
}

/// Nothing here waits but the loop, and that for all at once.
fn serve_loop() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || -> io::Result<()> {
        let mut event_loop = EventLoop::<()>::new()?;
        let server = net::create_server(&mut event_loop);
        server.on_data(&mut event_loop, |_, cx, socket, bytes| {
            socket.write(cx, [b"you said ", bytes].concat());
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

/// Ann says nothing, the others say hello. Who has no patience to lose waits as long as it takes.
fn clients_of(server: SocketAddr, others: &[&str], patience: Option<Duration>) -> io::Result<()> {
    let mut ann = Some(TcpStream::connect(server)?);
    println!("  ann connects, and says nothing");
    let mut waiting = Vec::new();
    for name in others {
        let mut client = TcpStream::connect(server)?;
        client.write_all(b"hello\n")?;
        println!("  {name} connects, and says hello");
        waiting.push((name, client));
    }
    for (name, client) in waiting {
        client.set_read_timeout(patience.filter(|_| ann.is_some()))?;
        let mut answers = BufReader::new(client);
        let mut answer = String::new();
        if answers.read_line(&mut answer).is_err() {
            println!("  {name} hears nothing for {PATIENCE:?}");
            answers.get_ref().set_read_timeout(None)?;
            if let Some(ann) = ann.take() {
                ann.shutdown(Shutdown::Both)?;
                println!("  ann leaves");
            }
            answers.read_line(&mut answer)?;
        }
        println!("  {name} hears: {}", answer.trim_end());
        if others.len() > 1 {
            println!("  {name} leaves");
        }
    }
    Ok(())
}
