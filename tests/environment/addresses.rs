//! The forms in which people write where to listen.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process;

use crate::can_chat;
use crate::support::{Client, Server, loopchat, run};

fn listening_on(address: &str) -> Server {
    Server::listening(loopchat().args(["--listen", address]))
}

fn port(server: &Server) -> &str {
    server.address.rsplit_once(':').expect("a port").1
}

#[test]
fn a_port_alone_is_this_machine_and_behind_a_colon_everywhere() {
    let here = listening_on("0");
    assert!(here.address.starts_with("127.0.0.1:"), "{}", here.address);
    can_chat(&here.address);
    for text in [":0", "*:0"] {
        let everywhere = listening_on(text);
        let address = &everywhere.address;
        assert!(
            address.starts_with("[::]:") || address.starts_with("0.0.0.0:"),
            "{address}"
        );
        can_chat(&format!("127.0.0.1:{}", port(&everywhere)));
        if address.starts_with("[::]") && TcpListener::bind("[::1]:0").is_ok() {
            can_chat(&format!("[::1]:{}", port(&everywhere)));
        }
    }
}

#[test]
fn a_zone_may_be_a_name() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: there is no IPv6");
        return;
    }
    let server = listening_on("[::1%lo]:0");
    can_chat(&format!("[::1]:{}", port(&server)));
}

#[test]
fn an_abstract_socket_has_no_file() {
    let name = format!("loopchat-chat-{}", process::id());
    let server = listening_on(&format!("@{name}"));
    assert_eq!(server.address, format!("@{name}"));
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let stream = UnixStream::connect_addr(&address).expect("it listens");
    let mut client = Client::over(socket2::Socket::from(stream));
    client.read_greeting();
}

#[test]
fn what_cannot_be_an_address_says_what_is_wrong_with_it() {
    for flag in ["--listen", "--web"] {
        for (text, said) in [
            ("::1:3000", "brackets"),
            ("::1", "[::1]:3000"),
            ("127.0.0.1", "wants IP:PORT"),
            ("localhost:http", "no port"),
            ("65536", "wants IP:PORT"),
            ("[fe80::1%nowhere]:1", "no network interface"),
            ("@", "before a name"),
            (&format!("./{}", "x".repeat(106)), "108 bytes"),
        ] {
            let output = run(loopchat().args(["--listen", "127.0.0.1:0", flag, text]));
            assert_eq!(output.status.code(), Some(1), "{text}");
            let told = String::from_utf8_lossy(&output.stderr);
            let line = told.lines().find(|line| line.starts_with("loopchat: "));
            let line = line.unwrap_or_else(|| panic!("{text}: {told}"));
            assert!(
                line.starts_with(&format!("loopchat: {flag} {text}: ")),
                "{line}"
            );
            assert!(line.contains(said), "{line}");
        }
    }
}
