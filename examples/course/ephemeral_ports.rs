//! The limit of ephemeral ports, met: how many connections one address may have to another.
//!
//! ```sh
//! cargo run --example ephemeral_ports
//! ```
//!
//! Linux takes 28,232 ports for that. So that the limit is met at once and nobody else feels it,
//! the program runs itself again in a network of its own (`unshare`, from util-linux, and `ip`,
//! from iproute2), in which there are 100.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, exit};

use socket2::{Domain, Socket, Type};

const NARROW: &str = r#"ip link set lo up && echo "50000 50099" > /proc/sys/net/ipv4/ip_local_port_range && exec "$0" inside"#;

fn main() -> io::Result<()> {
    if std::env::args().nth(1).as_deref() != Some("inside") {
        let own = std::env::current_exe()?;
        let ran = Command::new("unshare")
            .args(["-rn", "sh", "-c", NARROW])
            .arg(own)
            .status()?;
        exit(ran.code().unwrap_or(1));
    }
    let (here, other) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    let servers = [(here, 3000), (here, 3001), (other, 3000)].map(SocketAddr::from);
    let _listening: Vec<Socket> = servers.map(listen).into_iter().collect::<Result<_, _>>()?;
    let mut open = Vec::new();
    for server in servers {
        let before = open.len();
        let error = loop {
            match TcpStream::connect(server) {
                Ok(stream) => open.push(stream),
                Err(error) => break error,
            }
        };
        println!(
            "to {server}: {} connections, then: {error}",
            open.len() - before
        );
    }
    println!("from 127.0.0.1 alone; from a second address:");
    let before = open.len();
    while let Ok(stream) = connect_from(other, servers[0]) {
        open.push(stream.into());
    }
    println!(
        "to {}: {} more from {other}",
        servers[0],
        open.len() - before
    );
    println!(
        "{} connections, and each has four numbers of its own",
        open.len()
    );
    Ok(())
}

/// Nobody accepts: the kernel completes connections, and keeps them in the backlog.
fn listen(at: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&at.into())?;
    socket.listen(1000)?;
    Ok(socket)
}

/// Names the own address and leaves the port to the kernel, until it knows where to (otherwise a
/// port would be taken for all destinations).
fn connect_from(own: Ipv4Addr, to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((own, 0)).into())?;
    socket.connect(&to.into())?;
    Ok(socket)
}
