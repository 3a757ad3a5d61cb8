//! An HTTP client: it asks once, and prints what it gets, piece by piece.
//!
//! The counterpart of `http_server`, which has to run in another terminal:
//!
//! ```sh
//! cargo run --example http_client                    # or -- http://127.0.0.1:8080/
//! ```
//!
//! It prints this, and ends, since there is nothing left to wait for:
//!
//! ```text
//! Received data: Hello, World!
//! ```
//!
//! The same program in Node, line by line (the notes' one):
//!
//! ```js
//! const http = require('http');
//!
//! const options = {
//!   hostname: '127.0.0.1',
//!   port: 3000,
//!   path: '/',
//!   method: 'GET'
//! };
//!
//! const req = http.request(options, (res) => {
//!   res.on('data', (chunk) => {
//!     process.stdout.write(`Received data: ${chunk}`);
//!   });
//! });
//!
//! req.on('error', (error) => {
//!   console.error(`Problem with request: ${error.message}`);
//!   process.exitCode = 1;
//! });
//!
//! req.end();
//! ```

use std::{env, io, process};

use loopchat::{EventLoop, http};

const URL: &str = "http://127.0.0.1:3000/";

/// The exit status.
struct Outcome(i32);

fn main() -> io::Result<()> {
    let url = env::args().nth(1).unwrap_or(URL.into());
    let mut event_loop = EventLoop::<Outcome>::new()?;
    let cx = &mut event_loop;

    let request = http::request(cx, url);
    request.on_response(cx, |_, cx, _request, response| {
        response.on_data(cx, |_, _, _, chunk| {
            print!("Received data: {}", String::from_utf8_lossy(chunk));
        });
    });
    request.on_error(cx, |outcome, _, _, error| {
        eprintln!("Problem with request: {error}");
        outcome.0 = 1;
    });
    request.end(cx);

    let mut outcome = Outcome(0);
    event_loop.run(&mut outcome)?;
    process::exit(outcome.0)
}
