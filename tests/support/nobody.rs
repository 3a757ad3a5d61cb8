//! A port on which nobody listens, for as long as a test needs it.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 on which nobody listens, and what keeps it from everybody but a server that
/// is told to listen there: a socket that is bound and does not listen.
pub fn nobody() -> (SocketAddr, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor");
    socket.set_reuse_address(true).expect("it can");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("a port is free");
    let address = socket.local_addr().expect("it is bound").as_socket();
    (address.expect("it is TCP"), socket)
}
