//! Rule 7: that a connecting socket is writable says only that the attempt is over.

use std::io;

use mio::net::TcpStream;
use mio::{Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use crate::{events, say};

pub fn show() -> io::Result<()> {
    // A port that is taken, so that nobody else listens there, and on which nobody listens.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    silent.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let nobody = silent.local_addr()?.as_socket().expect("TCP");

    let mut poll = Poll::new()?;
    let mut stream = TcpStream::connect(nobody)?;
    poll.registry()
        .register(&mut stream, Token(0), Interest::WRITABLE)?;
    let writable = events(&mut poll)?.iter().any(|event| event.is_writable());
    say(
        "broken",
        format!("connect is under way; writable is {writable}: \"connected!\""),
    );
    let why = stream.take_error()?;
    say(
        "mended",
        format!(
            "writable: take_error() first: {}",
            why.map_or("none".into(), |why| why.to_string())
        ),
    );
    let peer = stream.peer_addr().map_err(|error| error.kind());
    say(
        "mended",
        format!("without an error, peer_addr() has to be there; here it is {peer:?}"),
    );
    Ok(())
}
