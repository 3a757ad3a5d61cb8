//! One port, several threads that each listen on it: the kernel shares the connections out.
//!
//! ```sh
//! cargo run --example shared_port -- 4
//! ```
//!
//! `SO_REUSEPORT` lets several sockets listen on one address. A connection goes to one of them by
//! a hash of its four numbers, so each thread can have a loop of its own and share nothing.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use socket2::{Domain, Socket, Type};

const CONNECTIONS: usize = 1000;

fn main() -> io::Result<()> {
    let threads = env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(4);
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    let (tell, told) = mpsc::channel();
    for thread in 0..threads {
        let listener = listen(address)?;
        address = listener.local_addr()?; // the first one chooses the port
        let tell = tell.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if tell.send((thread, client.is_ok())).is_err() {
                    return;
                }
            }
        });
    }
    let mut counts = vec![0; threads];
    for _ in 0..CONNECTIONS {
        let _client = TcpStream::connect(address)?;
        let (thread, _) = told.recv().expect("the threads run");
        counts[thread] += 1;
    }
    println!("{CONNECTIONS} connections to one port, by thread: {counts:?}");
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}
