//! Real clients. Where one is not installed its test is skipped, unless `LOOPCHAT_REQUIRE_TOOLS`
//! is set.

use std::process::Command;

use super::HttpEcho;
use super::support::{has_tool, run, skip};

/// What a program printed; that it failed is a failure here, too.
fn printed(command: &mut Command) -> String {
    let output = run(command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn curl(arguments: &[&str]) -> String {
    printed(Command::new("curl").arg("--silent").args(arguments))
}

#[test]
fn curl_keeps_a_connection() {
    if !has_tool("curl") {
        return;
    }
    let server = HttpEcho::start();
    let (first, second) = (server.url("/1"), server.url("/2"));
    let written = " %{num_connects} %{http_code}\n";
    let text = curl(&["--data", "hello", "--write-out", written, &first, &second]);
    assert_eq!(text, "hello 1 200\nhello 0 200\n");
}

#[test]
fn curl_uploads_what_comes_back() {
    if !has_tool("curl") {
        return;
    }
    let server = HttpEcho::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (file, heads) = (folder.path().join("upload"), folder.path().join("heads"));
    let body = "0123456789".repeat(500_000);
    std::fs::write(&file, &body).expect("it can be written");
    let (data, heads_path) = (format!("@{}", file.display()), heads.display().to_string());
    // In chunks; after `100 Continue`, which the client would wait for longer than for anything
    // here; at once.
    for (header, continues) in [
        ("Transfer-Encoding: chunked", None),
        ("Expect: 100-continue", Some(true)),
        ("Expect:", Some(false)),
    ] {
        let text = curl(&[
            "--expect100-timeout",
            "30",
            "--dump-header",
            &heads_path,
            "--header",
            header,
            "--data-binary",
            &data,
            &server.url("/upload"),
        ]);
        assert!(text == body, "{header}: {} bytes", text.len());
        let heads = std::fs::read_to_string(&heads).expect("curl has written it");
        assert!(heads.contains("HTTP/1.1 200 OK\r\n"), "{header}: {heads}");
        if let Some(continues) = continues {
            let told = heads.starts_with("HTTP/1.1 100 Continue\r\n\r\n");
            assert_eq!(told, continues, "{header}: {heads}");
        }
    }
}

#[test]
fn curl_asks_for_a_head_and_speaks_1_0() {
    if !has_tool("curl") {
        return;
    }
    let server = HttpEcho::start();
    let written = "%{num_connects} %{size_download}\n";
    let url = server.url("/");
    let heads = curl(&["--head", "--write-out", written, &url, &url]);
    assert_eq!(heads.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{heads}");
    assert_eq!(heads.matches("\nDate: ").count(), 2, "{heads}");
    assert!(
        heads.contains("\r\n\r\n1 0\n") && heads.ends_with("\r\n\r\n0 0\n"),
        "{heads}"
    );
    let old = curl(&["--http1.0", "--data", "hello", &url]);
    assert_eq!(old, "hello");
}

/// What Node prints for a script; nothing if it cannot run it, and may go without.
fn node(server: &HttpEcho, flags: &[&str], script: &str) -> Option<String> {
    if !has_tool("node") {
        return None;
    }
    let address = server.address.to_string();
    let mut command = Command::new("node");
    let output = run(command.args(flags).args(["-e", script, "--", &address]));
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("bad option") {
        skip(&format!("this Node does not know {flags:?}"));
        return None;
    }
    assert!(output.status.success(), "{error}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn nodes_http_keeps_a_connection_and_streams_both_ways() {
    let server = HttpEcho::start();
    let script = "
        const http = require('http'), { Readable } = require('stream');
        const [host, port] = process.argv[1].split(':');
        const ports = new Set(), agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const ask = (path, method, send) => new Promise((done, fail) => {
            const req = http.request({ host, port, path, method, agent }, (res) => {
                const sockets = ports.add(res.socket.localPort).size;
                let length = 0;
                res.on('data', (data) => { length += data.length; });
                res.on('end', () => {
                    console.log(path, res.statusCode, length, sockets);
                    setImmediate(done);
                });
            });
            req.on('error', fail);
            send(req);
        });
        const pieces = function* () { for (let i = 0; i < 300; i++) yield Buffer.alloc(10000, 'x'); };
        (async () => {
            await ask('/get', 'GET', (req) => req.end());
            await ask('/length', 'POST', (req) => req.end('x'.repeat(300000)));
            await ask('/pieces', 'PUT', (req) => Readable.from(pieces()).pipe(req));
            await ask('/expect', 'POST', (req) => {
                req.setHeader('Expect', '100-continue');
                req.on('continue', () => { console.log('continue'); req.end('hello'); });
                req.flushHeaders();
            });
            await Promise.all(['/a', '/b', '/c'].map((path) => ask(path, 'POST', (req) => req.end(path))));
            await ask('/head', 'HEAD', (req) => req.end());
            agent.destroy();
        })();";
    let Some(text) = node(&server, &[], script) else {
        return;
    };
    let expected = [
        "/get 200 0 1",
        "/length 200 300000 1",
        "/pieces 200 3000000 1",
        "continue",
        "/expect 200 5 1",
        "/a 200 2 1",
        "/b 200 2 1",
        "/c 200 2 1",
        "/head 200 0 1",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn nodes_web_socket_is_echoed() {
    let server = HttpEcho::start();
    let script = "
        const socket = new WebSocket(`ws://${process.argv[1]}/ws`);
        const messages = ['hello', 'h\\u00e4 \\u{1f600}', new Uint8Array(70000).fill(7), ''];
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => messages.forEach((message) => socket.send(message));
        let count = 0;
        socket.onmessage = ({ data }) => {
            console.log(typeof data === 'string' ? `text ${data}` : `binary ${data.byteLength}`);
            if (++count === messages.length) socket.close(1000, 'done');
        };
        socket.onerror = () => console.log('error');
        socket.onclose = (event) => console.log('close', event.code, event.wasClean);";
    let Some(text) = node(&server, &["--experimental-websocket"], script) else {
        return;
    };
    let expected = [
        "text hello",
        "text hä 😀",
        "binary 70000",
        "text ",
        "close 1000 true",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}
