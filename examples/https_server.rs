//! The smallest HTTPS server: what `http_server` does, over TLS.
//!
//! Shows that TLS is a layer under HTTP: but for a key and a certificate nothing changes. Both are
//! read from the folder that it runs in; for a try they are made with
//!
//! ```sh
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
//!   -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost
//! cargo run --example https_server                   # or -- 0.0.0.0:8443, or any other address
//! ```
//!
//! Ask it with `tls_client`, or with `curl --cacert cert.pem https://localhost:3443/`. It prints
//! this, until Ctrl-C ends it:
//!
//! ```text
//! Server listening on port 3443
//! ```
//!
//! The same program in Node, line by line:
//!
//! ```js
//! const fs = require('fs');
//! const https = require('https');
//!
//! const options = {
//!   key: fs.readFileSync('key.pem'),
//!   cert: fs.readFileSync('cert.pem')
//! };
//!
//! const server = https.createServer(options, (req, res) => {
//!   res.setHeader('Content-Type', 'text/plain');
//!   res.end('Hello, World!\n');
//! });
//!
//! server.on('error', (error) => fail(error.message));
//! process.on('SIGINT', () => { server.close(); process.exit(); });
//!
//! server.listen(3443, '127.0.0.1', () => {
//!   console.log(`Server listening on port ${server.address().port}`);
//! });
//!
//! function fail(message) {
//!   console.error(message);
//!   process.exit(1);
//! }
//! ```

use std::fmt::Display;
use std::net::SocketAddr;
use std::{env, fs, io, process};

use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::{EventLoop, https, net, tls};

const ADDRESS: &str = "127.0.0.1:3443";

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or(ADDRESS.to_owned());
    let Ok(address) = text.parse::<SocketAddr>() else {
        fail(format!("{text} is not IP:PORT"));
    };
    let options = tls::SecureContextOptions::new().key_and_cert(read("key.pem"), read("cert.pem"));
    let context = tls::SecureContext::new(&options).unwrap_or_else(|error| fail(error));
    let mut event_loop = EventLoop::<()>::new()?;
    let cx = &mut event_loop;

    let options = tls::ServerOptions::new(context);
    let server = https::create_server(cx, options).unwrap_or_else(|error| fail(error));
    server.on_request(cx, |_, cx, _request, response| {
        response.set_header(cx, "Content-Type", "text/plain")?;
        response.end_with(cx, "Hello, World!\n");
        Ok::<(), net::Error>(())
    });

    server.on_error(cx, |_, _, _, error| fail(error));
    cx.on_signal(&[SIGINT, SIGTERM], |_, cx, _| cx.stop())?;

    server.listen_then(cx, address, |_, cx, server| {
        println!("Server listening on port {}", server.port(cx));
    });
    event_loop.run(&mut ())
}

fn read(name: &str) -> Vec<u8> {
    fs::read(name).unwrap_or_else(|error| fail(format!("{name}: {error}")))
}

fn fail(message: impl Display) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
