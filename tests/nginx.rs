//! The recipe for nginx in `docs/operating.md`, as it stands there, under a real nginx.

#[path = "web_socket/client.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod client;
mod support;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use support::{Client, Folder, Process, Server, eventually, has_tool, loopchat, skip};

/// Where Debian's package has the module for `stream`, if it is not built in.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

/// The block of the page, with other ports.
fn recipe(ports: &[(&str, String)]) -> String {
    let page = include_str!("../docs/operating.md");
    let (_, block) = page.split_once("```nginx\n").expect("a block for nginx");
    let (block, _) = block.split_once("```").expect("its end");
    ports
        .iter()
        .fold(block.to_owned(), |block, (written, port)| {
            assert!(block.contains(written), "no {written:?} in {block}");
            block.replace(written, port)
        })
}

/// What has to be around it: nothing that changes what it does. One process, so that ending it
/// ends all.
fn configuration(folder: &Folder, block: &str, module: &str) -> String {
    let here = |name: &str| folder.text(name);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {};", here(what)));
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let http = format!("http {{ access_log off; {}", temporary.join(" "));
    format!(
        "daemon off; master_process off; pid {}; error_log stderr; {user} {module}\nevents {{}}\n{}",
        here("nginx.pid"),
        block.replacen("http {", &http, 1)
    )
}

/// How nginx comes by `stream`: not at all, built in, or by a module.
fn stream_module() -> Option<String> {
    if Path::new(MODULE).exists() {
        return Some(format!("load_module {MODULE};"));
    }
    let version = Command::new("nginx")
        .arg("-V")
        .output()
        .expect("it is there");
    let version = String::from_utf8_lossy(&version.stderr).into_owned();
    version.contains("--with-stream ").then(String::new)
}

/// Where nginx listens for browsers and for lines. A free port of 127.0.0.1 that is found and let go
/// may be somebody else's before nginx has it; so they are of an address that no other process uses,
/// below the ports that the system gives out, and others for each stage.
fn own_addresses() -> [SocketAddr; 2] {
    static STAGES: AtomicU16 = AtomicU16::new(0);
    let stage = STAGES.fetch_add(1, Ordering::Relaxed);
    let [_, high, middle, low] = std::process::id().to_be_bytes(); // 22 bits at most
    let address = Ipv4Addr::new(127, 64 + high, middle, low);
    [8080, 3000].map(|port| SocketAddr::from((address, port + stage)))
}

/// Connects from another address of this machine, which is not the proxy's.
fn dial_from(last: u8, to: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket
        .bind(&from.into())
        .expect("all of 127.0.0.0/8 is ours");
    socket.connect(&to.into()).expect("nginx listens");
    socket.set_tcp_nodelay(true).expect("a TCP socket");
    socket
}

struct Stage {
    operator: Client,
    web: SocketAddr,
    lines: SocketAddr,
    _nginx: Process,
    _server: Server,
    _folder: Folder,
}

fn stage() -> Option<Stage> {
    if !has_tool("nginx") {
        return None;
    }
    let Some(module) = stream_module() else {
        skip("nginx has no stream module");
        return None;
    };
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    // The flags of the page, on free ports.
    let server = Server::listening(
        loopchat()
            .args(["--listen", &path, "--listen-proxy", "127.0.0.1:0"])
            .args([
                "--web",
                "127.0.0.1:0",
                "--web-origin",
                "https://chat.example",
            ])
            .args(["--trust-proxy", "127.0.0.1"]),
    );
    let port_in = |said: &str| {
        let line = server.expect_log(|line| line.contains(said));
        let (_, address) = line.trim_end_matches('/').rsplit_once(':').expect("a port");
        address.parse::<u16>().expect("a number")
    };
    let [web, lines] = own_addresses();
    let block = recipe(&[
        ("listen 80;", format!("listen {web};")),
        (
            "127.0.0.1:8080",
            format!("127.0.0.1:{}", port_in("in a browser: http://")),
        ),
        ("listen 3000;", format!("listen {lines};")),
        (
            "127.0.0.1:3001",
            format!("127.0.0.1:{}", port_in("for proxies on ")),
        ),
    ]);
    let configuration_file = folder.path("nginx.conf");
    fs::write(&configuration_file, configuration(&folder, &block, &module)).expect("a file");
    let prefix = folder.path("");
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(&prefix)
        .arg("-c")
        .arg(&configuration_file)
        .stdin(Stdio::null());
    let nginx = Process::spawn(&mut command);
    for address in [web, lines] {
        eventually("nginx to listen", || TcpStream::connect(address).ok());
    }
    Some(Stage {
        operator: Client::join(&path),
        web,
        lines,
        _nginx: nginx,
        _server: server,
        _folder: folder,
    })
}

impl Stage {
    /// A WebSocket through nginx, from another address.
    fn browser(&self, last: u8, fields: &str) -> (String, client::Client<TcpStream>) {
        let stream = TcpStream::from(dial_from(last, self.web));
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .expect("it can");
        let mut client = client::Client { stream };
        let host = format!("Host: chat.example\r\nOrigin: https://chat.example\r\n{fields}");
        let request = client::REQUEST.replacen("Host: localhost\r\n", &host, 1);
        assert_ne!(request, client::REQUEST);
        client.send_raw(&request);
        (client.read_head(), client)
    }
}

#[test]
fn the_recipe_of_the_docs_tells_members_apart() {
    let Some(mut stage) = stage() else { return };
    // At the line door.
    let mut mallory = Client::over(dial_from(2, stage.lines));
    mallory.read_greeting();
    let mut alice = Client::over(dial_from(3, stage.lines));
    alice.read_greeting();
    for (name, last) in [(&mallory.name, 2), (&alice.name, 3)] {
        stage.operator.say("/connections");
        let wanted = format!("*   {name}, 127.0.0.{last}: ");
        stage.operator.expect_line(|line| line.starts_with(&wanted));
    }
    // At the web door, with what a stranger may add.
    let (head, _bob) = stage.browser(
        4,
        "X-Forwarded-For: 127.0.0.9\r\nForwarded: for=127.0.0.9\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stage.operator.say("/connections");
    stage
        .operator
        .expect_line(|line| line.contains(", 127.0.0.4: "));
    // A ban is of one of them, at both doors.
    stage.operator.say(&format!("/ban {} 1h", mallory.name));
    mallory.expect("! Disconnected: you are banned for 60 minutes.");
    let mut back = Client::over(dial_from(2, stage.lines));
    assert_eq!(
        back.rest(),
        ["! Disconnected: you are banned for 60 minutes."]
    );
    let (_, mut back) = stage.browser(2, "");
    let told = eventually("why", || {
        let frame = back.read();
        let text = String::from_utf8_lossy(&frame.payload).into_owned();
        text.starts_with("! Disconnected: ").then_some(text)
    });
    assert!(told.contains("you are banned"), "{told}");
    alice.say("still here");
    stage
        .operator
        .expect(&format!("{}: still here", alice.name));
}

#[test]
fn nobody_becomes_this_machine_through_it() {
    let Some(stage) = stage() else { return };
    for path in ["/metrics", "/loop"] {
        for host in ["localhost", "127.0.0.1", "chat.example"] {
            let stream = TcpStream::from(dial_from(2, stage.web));
            stream
                .set_read_timeout(Some(Duration::from_secs(120)))
                .expect("it can");
            let mut client = client::Client { stream };
            client.send_raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            let head = client.read_head();
            assert!(
                head.starts_with("HTTP/1.1 403 "),
                "{path} of {host}: {head}"
            );
        }
    }
}
