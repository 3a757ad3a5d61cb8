//! The programs that people have.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::rig::{Keys, web_address};
use crate::support::{Client, Server, has_tool, loopchat, run};

/// A member by such a program, and one by `nc`, in the clear: they hear each other.
fn hear_each_other(server: &Server, mut other: Client) {
    other.read_greeting();
    let mut plain = server.join();
    other.say("over TLS");
    plain.expect(&format!("{}: over TLS", other.name));
    plain.say("in the clear");
    other.expect(&format!("{}: in the clear", plain.name));
    other.half_close();
    other.wait_for_end();
}

#[test]
fn a_client_over_tls_and_one_in_the_clear_are_in_one_chat() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let mut secure = keys.connect(address).greeted();
    let mut plain = server.join();
    secure.say("over TLS");
    plain.expect(&format!("{}: over TLS", secure.name));
    plain.say("in the clear");
    secure.expect(&format!("{}: in the clear", plain.name));
    secure.say("/quit");
    secure.rest();
}

#[test]
fn openssl_s_client_chats() {
    if !has_tool("openssl") {
        return;
    }
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    for version in ["-tls1_2", "-tls1_3"] {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", version]);
        command.args(["-servername", "localhost", "-verify_hostname", "localhost"]);
        command.args(["-connect", &address.to_string()]);
        command.args(["-CAfile", &keys.path("ca.pem")]);
        let mut client = Client::through(&mut command);
        client.read_greeting();
        let mut plain = server.join();
        client.say("over TLS");
        plain.expect(&format!("{}: over TLS", client.name));
    }
}

#[test]
fn socat_chats() {
    if !has_tool("socat") {
        return;
    }
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let ca = keys.path("ca.pem");
    let there = format!("openssl:{address},cafile={ca},commonname=localhost,snihost=localhost");
    let mut command = Command::new("socat");
    command.args(["-t", "100", "-", &there]);
    hear_each_other(&server, Client::through(&mut command));
}

#[test]
fn ncat_chats() {
    if !has_tool("ncat") {
        return;
    }
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let mut command = Command::new("ncat");
    command.args(["--ssl", "127.0.0.1", &address.port().to_string()]);
    hear_each_other(&server, Client::through(&mut command));
}

/// A server with pages over TLS and in the clear.
fn with_pages(keys: &Keys) -> (Server, SocketAddr) {
    let mut command = keys.command(&["--web", "https://127.0.0.1:0", "--web", "127.0.0.1:0"]);
    let server = Server::listening(&mut command);
    let web = web_address(&server);
    (server, web)
}

#[test]
fn curl_gets_pages() {
    if !has_tool("curl") {
        return;
    }
    let keys = Keys::new();
    let (server, web) = with_pages(&keys);
    let port = web.port();
    let mut command = Command::new("curl");
    command.args(["-sS", "--http1.1", "--cacert", &keys.path("ca.pem")]);
    command.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
    command.arg(format!("https://localhost:{port}/metrics"));
    let found = run(&mut command);
    let text = String::from_utf8(found.stdout).expect("text");
    assert!(found.status.success(), "{found:?}", found = found.stderr);
    assert!(
        text.contains("loopchat_tls_handshakes_total{result=\"done\"} 1\n"),
        "{text}"
    );
    let file = keys.path("cert.pem");
    let expiry = format!("loopchat_tls_certificate_expiry_timestamp_seconds{{file=\"{file}\"}} ");
    assert!(text.contains(&expiry), "{text}");
    // In the clear it is the same.
    let mut plain = TcpStream::connect(server.web_address()).expect("it listens");
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

/// A request for a WebSocket.
fn upgrade(origin: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Origin: {origin}\r\n\r\n"
    )
}

#[test]
fn a_web_socket_over_tls_is_for_pages_over_tls() {
    let keys = Keys::new();
    let (_server, web) = with_pages(&keys);
    for (origin, status) in [
        ("https://localhost", "101 Switching Protocols"),
        ("http://localhost", "403 Forbidden"),
        ("https://evil.example", "403 Forbidden"),
    ] {
        let mut page = keys.connect(web);
        page.send(&upgrade(origin));
        assert_eq!(page.line(), format!("HTTP/1.1 {status}"), "{origin}");
    }
}

#[test]
fn a_proxy_says_who_it_is_before_tls() {
    let keys = Keys::new();
    let flags = [
        "--listen-proxy",
        "tls://127.0.0.1:0",
        "--trust-proxy",
        "127.0.0.1",
    ];
    let mut command = keys.command(&flags);
    let folder = keys.path("operator.sock");
    command.args(["--listen", &folder]);
    let server = Server::listening(&mut command);
    let said = "listening for proxies on tls://";
    let line = server.expect_log(|line| line.contains(said));
    let proxied = line.rsplit_once(said).expect("an address").1;
    let proxied: SocketAddr = proxied.parse().expect("an address");
    let mut secure = keys.connect_behind(proxied, b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 3000\r\n");
    secure.say("hello");
    let mut operator = Client::join(&folder);
    operator.say("/connections");
    operator.expect_line(|line| line.contains("192.0.2.7"));
    // Without TLS behind the header it is told so, in the clear.
    let mut plain = Client::connect(&proxied.to_string());
    plain.send("PROXY TCP4 192.0.2.8 127.0.0.1 4711 3000\r\nhello\n");
    assert!(plain.line().starts_with("! This port speaks TLS"));
    plain.wait_for_end();
}

#[test]
fn a_certificate_is_chosen_by_name() {
    let keys = Keys::new();
    let other = keys.authority.sign(&["*.chat.example", "chat.example"]);
    keys.put("other.pem", "other.key", &other);
    let (cert, key) = (keys.path("other.pem"), keys.path("other.key"));
    let (_server, address) = keys.serve(&["--tls-cert", &cert, "--tls-key", &key]);
    for name in [
        "localhost",
        "chat.example",
        "a.chat.example",
        "CHAT.example",
    ] {
        let client = keys.connect_as(address, name);
        client
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .greeted();
    }
    let error = keys.connect_as(address, "else.example").err();
    let error = error.expect("it is none of those").to_string();
    assert!(error.contains("not valid for name"), "{error}");
}

#[test]
fn variables_are_flags() {
    let keys = Keys::new();
    let mut command = loopchat();
    command
        .env("LOOPCHAT_LISTEN", "127.0.0.1:0,tls://127.0.0.1:0")
        .env("LOOPCHAT_TLS_CERT", keys.path("cert.pem"))
        .env("LOOPCHAT_TLS_KEY", keys.path("key.pem"));
    let server = Server::listening(&mut command);
    keys.connect(crate::rig::tls_address(&server)).greeted();
}
