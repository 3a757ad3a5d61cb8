//! What WebSockets cost that keep quiet, in the program of the example `http_echo`.
//!
//! `cargo test` builds the examples; `cargo test --test web_socket` does not.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::support::raise_limit;
use super::*;

/// The example, for as long as the test runs.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The memory of the process that is its own, in bytes.
fn memory(program: &Program) -> usize {
    let status = format!("/proc/{}/status", program.0.id());
    let status = std::fs::read_to_string(status).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: usize = kib.and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

#[test]
fn an_idle_one_takes_less_than_two_kilobytes() {
    raise_limit();
    let test = std::env::current_exe().expect("this test has a path");
    let target = test.parent().and_then(|deps| deps.parent());
    let example = target
        .expect("target/debug/deps")
        .join("examples/http_echo");
    assert!(
        example.exists(),
        "it is not built: `cargo build --examples`"
    );
    let mut command = Command::new(example);
    command.arg("127.0.0.1:0").stdout(Stdio::piped());
    let mut program = Program(command.spawn().expect("it starts"));
    let mut stdout = BufReader::new(program.0.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it says where");
    let (_, address) = line.trim_end().rsplit_once(' ').expect("an address");
    let address = address.parse().expect("an address");
    let open = |count| -> Vec<Client> {
        let open = |_| {
            let mut client = Client::open(address);
            client.send(FIN | TEXT, "hello");
            assert_eq!(client.read(), text("hello"));
            client
        };
        (0..count).map(open).collect()
    };
    // The buffers that all of them share are there after the first.
    let first = open(20);
    let before = memory(&program);
    let many = open(1000);
    let each = (memory(&program) - before) / many.len();
    assert!(each < 2048, "{each} bytes");
    assert!(each > 100, "{each} bytes: the measure is none");
    drop(first);
}
