//! `nc -N` ends its side when it has sent all it will, and is answered all the same.

use std::process::{Command, Stdio};

use super::*;
use crate::support::{has_tool, run};

/// What a real `nc -N` gets for this.
fn nc(address: SocketAddr, bytes: &str) -> String {
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut command = Command::new("sh");
    command.args(["-c", "printf \"$1\" | nc -N \"$2\" \"$3\"", "sh"]);
    command.args([bytes, &host, &port]).stdin(Stdio::null());
    String::from_utf8(run(&mut command).stdout).expect("text")
}

#[test]
fn nc_gets_its_answer_every_time() {
    if !has_tool("nc") {
        return;
    }
    let (_server, web) = start(&[]);
    for round in 0..20 {
        for path in ["/metrics", "/healthz", "/docs/", "/", "/none"] {
            let text = nc(
                web,
                &format!("GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"),
            );
            let status = if path == "/none" { "404" } else { "200" };
            let wanted = format!("HTTP/1.1 {status} ");
            assert!(text.starts_with(&wanted), "{path}, {round}: {text:?}");
        }
    }
}

#[test]
fn metrics_that_are_asked_for_in_a_row_all_come() {
    const ROW: usize = 70;
    let (_server, web) = start(&[]);
    let mut stream = TcpStream::connect(web).expect("someone listens");
    let deadline = Some(client::DEADLINE);
    stream.set_read_timeout(deadline).expect("it can");
    let asked = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(ROW);
    stream.write_all(asked.as_bytes()).expect("it is taken");
    let write = std::net::Shutdown::Write;
    stream.shutdown(write).expect("it is open");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it ends");
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), ROW);
}
