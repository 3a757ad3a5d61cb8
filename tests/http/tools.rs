//! Real clients: curl, and Node's own. Where there is none the test is skipped, unless LOOPCHAT_REQUIRE_TOOLS is set.

use std::process::Command;

use crate::rig::Served;

/// The output of a program, or nothing if it is not there.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            let required = std::env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_some();
            assert!(
                !required,
                "LOOPCHAT_REQUIRE_TOOLS is set, but {program}: {error}"
            );
            eprintln!("skipped: {program}: {error}");
            None
        }
    }
}

#[test]
fn curl() {
    let served = Served::echo();
    let url = |path: &str| format!("http://{}{path}", served.address);
    // Two requests on one connection.
    let written = "%{num_connects} %{http_code}\n";
    let (first, second) = (url("/1"), url("/2"));
    let both = ["-s", "-w", written, &first, &second];
    let Some(text) = output("curl", &both) else {
        return;
    };
    assert_eq!(text, "GET /1 1 200\nGET /2 0 200\n");
    // An upload in chunks, and one that waits for `100 Continue`.
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("upload");
    let body = "0123456789".repeat(200_000);
    std::fs::write(&file, &body).expect("it can be written");
    let data = format!("@{}", file.display());
    let third = url("/3");
    for header in [
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "Expect:",
    ] {
        let text = output(
            "curl",
            &["-s", "-H", header, "--data-binary", &data, &third],
        );
        assert!(text == Some(format!("POST /3 {body}")), "{header}");
    }
    let head = output("curl", &["-sI", &url("/4")]).expect("it was there");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let old = output("curl", &["-s0", &url("/5")]).expect("it was there");
    assert_eq!(old, "GET /5 ");
}

#[test]
fn node() {
    let served = Served::echo();
    let script = format!(
        "const http = require('http'), agent = new http.Agent({{ keepAlive: true, maxSockets: 1 }});
        const ask = (path, body) => new Promise((done) => {{
            const req = http.request({{ port: {}, host: '127.0.0.1', path, agent, method: body ? 'POST' : 'GET' }}, (res) => {{
                let text = '';
                res.on('data', (d) => {{ text += d; }});
                res.on('end', () => {{ console.log(res.statusCode, text.length, text.slice(0, 8), req.reusedSocket); setImmediate(done); }});
            }});
            if (body) req.write(body);
            req.end();
        }});
        ask('/1').then(() => ask('/2', 'x'.repeat(300000))).then(() => ask('/3')).then(() => agent.destroy());",
        served.address.port()
    );
    let Some(text) = output("node", &["-e", &script]) else {
        return;
    };
    assert_eq!(
        text,
        "200 7 GET /1  false\n200 300008 POST /2  true\n200 7 GET /3  true\n"
    );
}
