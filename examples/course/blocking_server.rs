//! What blocking means: one client that says nothing, and what becomes of the other.
//!
//! ```sh
//! cargo run --example blocking_server
//! ```
//!
//! The same two clients talk to two servers of one thread each. The first server waits *for a
//! client*, the second waits *for whoever is ready*.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use loopchat::{EventLoop, net};

/// How long bob waits before he gives up: far longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    println!("a thread that blocks:");
    two_clients(serve_blocking()?)?;
    println!("the same thread with an event loop:");
    two_clients(serve_loop())
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
        server.listen(&mut event_loop, (0, "127.0.0.1"));
        server.on_listening(&mut event_loop, move |_, cx, server| {
            tell.send(SocketAddr::from(([127, 0, 0, 1], server.port(cx))))
                .is_ok()
        });
        event_loop.run(&mut ())
    });
    told.recv().expect("it listens")
}

fn two_clients(server: SocketAddr) -> io::Result<()> {
    let ann = TcpStream::connect(server)?;
    println!("  ann connects, and says nothing");
    let mut bob = Asker::connect(server)?;
    println!("  bob connects, and says hello");
    bob.ask("hello")?;
    ann.shutdown(Shutdown::Both)?;
    println!("  ann leaves");
    bob.ask("again")
}

/// A client that waits for its answers, as long as it has patience.
struct Asker {
    says: TcpStream,
    hears: BufReader<TcpStream>,
    /// Lines that were not answered yet.
    open: usize,
}

impl Asker {
    fn connect(server: SocketAddr) -> io::Result<Self> {
        let says = TcpStream::connect(server)?;
        says.set_read_timeout(Some(PATIENCE))?;
        let hears = BufReader::new(says.try_clone()?);
        let open = 0;
        Ok(Self { says, hears, open })
    }

    fn ask(&mut self, line: &str) -> io::Result<()> {
        self.says.write_all(format!("{line}\n").as_bytes())?;
        self.open += 1;
        while self.open > 0 {
            let mut heard = String::new();
            if self.hears.read_line(&mut heard).is_err() {
                println!("  bob hears nothing");
                return Ok(());
            }
            println!("  bob hears: {}", heard.trim_end());
            self.open -= 1;
        }
        Ok(())
    }
}
