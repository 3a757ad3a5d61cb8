//! The example `http_echo` as a program, as those see it who point a tool at it.
//!
//! | file | what |
//! | --- | --- |
//! | `clients.rs` | curl, Node's `http`, and Node's `WebSocket` |
//! | `idle.rs` | what connections cost that keep quiet |
//! | `suite.rs` | the client on the other side, `web_socket_client`, and a conformance suite |
//!
//! `cargo test` builds the examples; `cargo test --test http_echo` does not.

#[path = "../support/mod.rs"]
mod support;

mod clients;
#[cfg(target_os = "linux")]
mod idle;
mod suite;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The example, for as long as the test runs.
struct HttpEcho {
    process: Child,
    address: SocketAddr,
}

/// An example, which must be there.
fn built(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let target = test.parent().and_then(|deps| deps.parent());
    let folder = target.expect("target/debug/deps").join("examples");
    let example = folder.join(example);
    assert!(
        example.exists(),
        "it is not built: `cargo build --examples`"
    );
    example
}

impl HttpEcho {
    fn start() -> Self {
        let mut command = Command::new(built("http_echo"));
        // No idle connection is closed while a test runs, however long that takes: an hour.
        command.args(["127.0.0.1:0", "3600000"]);
        command.stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it says where");
        let (_, address) = line.trim_end().rsplit_once(' ').expect("an address");
        let address = address.parse().expect("an address");
        Self { process, address }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for HttpEcho {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
