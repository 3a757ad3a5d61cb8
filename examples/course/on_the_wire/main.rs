//! The same chat, read off the wire: in the clear, and over TLS.
//!
//! ```sh
//! cargo run --example on_the_wire                    # or -- tls
//! ```
//!
//! Ann talks to a server, and between them is somebody who only passes bytes on, and prints what
//! can be seen of them. Over TLS that is the records, and of the first two what is in them. All
//! three are on one loop, so that it prints the same each time.

use std::{env, io, process};

use loopchat::net::{Server, Socket, Target};
use loopchat::{Context, EventLoop, net, tls};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SerialNumber};

mod records;

use records::Tape;

/// What whoever is in between has seen, of Ann and of the server.
#[derive(Default)]
struct Wire {
    ann: Tape,
    server: Tape,
}

fn main() -> io::Result<()> {
    let is_tls = match env::args().nth(1).as_deref() {
        None => false,
        Some("tls") => true,
        Some(other) => {
            eprintln!("{other}: it is `tls` or nothing");
            process::exit(1);
        }
    };
    let mut event_loop = EventLoop::<Wire>::new()?;
    let cx = &mut event_loop;
    let pair = pair().map_err(io::Error::other)?;
    let options = tls::SecureContextOptions::new().key_and_cert(&pair.0, &pair.1);
    let context = tls::SecureContext::new(&options).map_err(io::Error::other)?;
    let server = match is_tls {
        true => tls::create_server(cx, tls::ServerOptions::new(context)),
        false => Ok(net::create_server(cx)),
    };
    let server = server.map_err(io::Error::other)?;
    if is_tls {
        server.on_secure_connection(cx, |_, cx, ann| greet(cx, ann));
    } else {
        server.on_connection(cx, |_, cx, ann| greet(cx, ann));
    }
    let trusted = tls::SecureContextOptions::new().ca(&pair.1);
    let trusted = tls::SecureContext::new(&trusted).map_err(io::Error::other)?;
    server.listen_then(cx, ("127.0.0.1", 0), move |_, cx, server| {
        let between = pass_on(cx, server.port(cx), is_tls);
        between.listen_then(cx, ("127.0.0.1", 0), move |_, cx, between| {
            let to: Target = ("127.0.0.1", between.port(cx)).into();
            let ann = if is_tls {
                let options = tls::ConnectOptions::new().secure_context(trusted);
                tls::connect(cx, to, &options.server_name("chat.example"))
            } else {
                net::create_connection(cx, to)
            };
            talk(cx, ann);
            ann.on_close(cx, move |_, cx, _, _| {
                server.close(cx);
                between.close(cx);
            });
        });
    });
    event_loop.run(&mut Wire::default())
}

/// The server greets who comes, and says what is said to it to everyone: that is Ann.
fn greet(cx: &mut Context<Wire>, ann: Socket) {
    ann.write(cx, "* Welcome, ann.\n");
    ann.on_data(cx, |_, cx, ann, bytes| {
        ann.write(cx, [b"ann: ", bytes].concat());
    });
}

/// Ann answers the greeting, and leaves when she has read what she said.
fn talk(cx: &mut Context<Wire>, ann: Socket) {
    ann.on_data(cx, |_, cx, ann, bytes| match bytes.starts_with(b"*") {
        true => _ = ann.write(cx, "The key is under the mat.\n"),
        false => _ = ann.end(cx),
    });
    ann.on_error(cx, |_, _, _, error| eprintln!("{error}"));
}

/// Whoever is in between: for each connection one of its own to the server, and each byte goes on.
fn pass_on(cx: &mut Context<Wire>, port: u16, is_tls: bool) -> Server {
    let between = net::create_server(cx);
    between.set_allow_half_open(cx, true);
    between.on_connection(cx, move |_, cx, ann| {
        let to = net::ConnectOptions::new(("127.0.0.1", port)).allow_half_open(true);
        let server = net::create_connection(cx, to);
        ann.on_data(cx, move |wire: &mut Wire, cx, _, bytes| {
            wire.ann.saw("ann   ", bytes, is_tls);
            server.write(cx, bytes);
        });
        server.on_data(cx, move |wire: &mut Wire, cx, _, bytes| {
            wire.server.saw("server", bytes, is_tls);
            ann.write(cx, bytes);
        });
        ann.on_end(cx, move |_, cx, _| server.end(cx));
        server.on_end(cx, move |_, cx, _| ann.end(cx));
    });
    between
}

/// A key and its certificate. Their kind, and the number of the certificate, are such that all
/// lengths are the same each time.
fn pair() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let mut params = CertificateParams::new(vec!["chat.example".to_owned()])?;
    params.serial_number = Some(SerialNumber::from(1));
    let cert = params.self_signed(&key)?;
    Ok((key.serialize_pem(), cert.pem()))
}
