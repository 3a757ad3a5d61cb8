//! A TLS client: it checks whom it talks to, says something, and prints what it hears.
//!
//! Shows that a socket with TLS is a socket like any other, once its handshake is done: what
//! `tcp_client` does, this does, too. It trusts whoever `cert.pem` of this folder is the
//! certificate of; it goes with `https_server`, which has to run in another terminal:
//!
//! ```sh
//! cargo run --example tls_client                     # or -- example.org:443
//! ```
//!
//! It prints this, and ends:
//!
//! ```text
//! Connected to localhost over TLSv1.3
//! Received: Hello, World!
//! ```
//!
//! The same program in Node, line by line:
//!
//! ```js
//! const fs = require('fs');
//! const tls = require('tls');
//!
//! const options = {
//!   host: 'localhost',
//!   port: 3443,
//!   ca: fs.readFileSync('cert.pem')
//! };
//!
//! const client = tls.connect(options, () => {
//!   const name = client.getPeerCertificate().subject.CN;
//!   console.log(`Connected to ${name} over ${client.getProtocol()}`);
//!   client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
//! });
//!
//! let received = '';
//! client.on('data', (data) => { received += data; });
//! client.on('end', () => {
//!   const [head, body] = received.split('\r\n\r\n');
//!   console.log(`Received: ${body.trim()}`);
//! });
//!
//! client.on('error', (error) => {
//!   console.error(error.message);
//!   process.exitCode = 1;
//! });
//! ```

use std::{env, fs, io, process};

use loopchat::net::Target;
use loopchat::{EventLoop, tls};

const ADDRESS: &str = "localhost:3443";

/// What it keeps.
#[derive(Default)]
struct Client {
    received: String,
    status: i32,
}

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or(ADDRESS.to_owned());
    let Some(target) = Target::parse(&text) else {
        eprintln!("{text} is not HOST:PORT");
        process::exit(1);
    };
    let mut event_loop = EventLoop::<Client>::new()?;
    let cx = &mut event_loop;

    let trusted = tls::SecureContextOptions::new().ca(fs::read("cert.pem")?);
    let trusted = tls::SecureContext::new(&trusted).map_err(io::Error::other)?;
    let options = tls::ConnectOptions::new().secure_context(trusted);

    let client = tls::connect(cx, target, &options);
    client.on_secure_connect(cx, |_, cx, client| {
        let certificate = client.get_peer_certificate(cx);
        let name = certificate.as_ref().and_then(|shown| shown.common_name());
        let protocol = client.get_protocol(cx).unwrap_or_default();
        println!("Connected to {} over {protocol}", name.unwrap_or_default());
        client.write(
            cx,
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        );
    });

    client.on_data(cx, |own, _, _, data| {
        own.received += &String::from_utf8_lossy(data);
    });
    client.on_end(cx, |own, _, _| {
        let (_head, body) = own.received.split_once("\r\n\r\n").unwrap_or_default();
        println!("Received: {}", body.trim());
    });

    client.on_error(cx, |own, _, _, error| {
        eprintln!("{error}");
        own.status = 1;
    });
    let mut own = Client::default();
    event_loop.run(&mut own)?;
    process::exit(own.status)
}
