//! HTTP over TLS: requests, agents, `curl`.

use std::fs;
use std::process::{Command, Stdio};

use loopchat::http::{Agent, AgentOptions, RequestOptions, Server};
use loopchat::tls::{self, ServerOptions};
use loopchat::{EventLoop, http, https, net};

use crate::certificates::Authority;
use crate::rig::{Cx, Seen, any_port, context, event_loop, run, trusting};

fn server(event_loop: &mut EventLoop<Seen>) -> (Server, Authority) {
    let authority = Authority::new("authority");
    let pair = authority.sign(&["localhost"]);
    let options = ServerOptions::new(context(&pair));
    let server = https::create_server(event_loop, options).expect("a server");
    server.listen(event_loop, any_port());
    server.on_request(event_loop, |_: &mut Seen, cx, request, response| {
        let url = request.url(cx).unwrap_or_default().to_owned();
        let socket = request.socket();
        let protocol = socket.get_protocol(cx).unwrap_or_default();
        response.end_with(cx, format!("{url} over {protocol}"));
    });
    (server, authority)
}

fn options(cx: &Cx, server: Server, authority: &Authority) -> RequestOptions {
    let tls = tls::ConnectOptions::new().secure_context(trusting(authority));
    RequestOptions::from("https://localhost")
        .port(server.port(cx))
        .family(4)
        .tls(tls)
}

fn ask(cx: &mut Cx, options: RequestOptions, then: impl FnOnce(&mut Seen, &mut Cx) + 'static) {
    let request = https::get(cx, options);
    request.on_response(cx, |seen: &mut Seen, cx, _, response| {
        seen.log(format!("{:?}", response.status_code(cx)));
        response.on_data(cx, |seen: &mut Seen, _cx, _, bytes| {
            seen.log(String::from_utf8_lossy(bytes));
        });
    });
    request.on_error(cx, |seen: &mut Seen, _cx, _, error| seen.log(error.code()));
    let mut then = Some(then);
    request.on_close(cx, move |_: &mut Seen, cx, _| {
        // Its connection is free behind this event.
        if let Some(then) = then.take() {
            cx.set_immediate(then);
        }
    });
}

#[test]
fn requests_are_answered_on_connections_that_are_used_again() {
    let mut event_loop = event_loop();
    let (server, authority) = server(&mut event_loop);
    server.on_connection(&mut event_loop, |seen: &mut Seen, _cx, _| seen.count += 1);
    let agent = AgentOptions::new().keep_alive(true);
    let agent = Agent::new(&mut event_loop, agent);
    let tls = tls::ConnectOptions::new().secure_context(trusting(&authority));
    let ours = RequestOptions::from("https://localhost/one")
        .port(server.port(&event_loop))
        .family(4)
        .tls(tls.clone())
        .agent(Some(agent));
    ask(&mut event_loop, ours, move |seen, cx| {
        let again = RequestOptions::from("https://localhost/two")
            .port(server.port(cx))
            .family(4)
            .tls(tls.clone())
            .agent(Some(agent));
        ask(cx, again, move |seen, cx| {
            assert_eq!(seen.count, 1, "the same connection");
            // Who trusts differently does not get a connection that others trust.
            let other = tls.reject_unauthorized(false);
            let other = RequestOptions::from("https://localhost/three")
                .port(server.port(cx))
                .family(4)
                .tls(other)
                .agent(Some(agent));
            ask(cx, other, move |seen, cx| {
                assert_eq!(seen.count, 2, "another connection");
                agent.destroy(cx);
                server.close(cx);
            });
        });
        assert_eq!(seen.count, 1);
    });
    let answers = ["/one", "/two", "/three"].map(|url| format!("{url} over TLSv1.3"));
    let [one, two, three] = &answers;
    assert_eq!(
        run(event_loop).log,
        ["Some(200)", one, "Some(200)", two, "Some(200)", three]
    );
}

#[test]
fn a_server_that_nobody_vouches_for_gets_no_request() {
    let mut event_loop = event_loop();
    let (server, _) = server(&mut event_loop);
    let other = Authority::new("another");
    let options = options(&event_loop, server, &other);
    ask(&mut event_loop, options, move |_, cx| {
        server.close(cx);
    });
    assert_eq!(run(event_loop).log, ["UNABLE_TO_VERIFY_LEAF_SIGNATURE"]);
}

#[test]
fn what_is_no_tls_is_a_client_error_of_the_server() {
    let mut event_loop = event_loop();
    let (server, _) = server(&mut event_loop);
    server.on_client_error(&mut event_loop, |seen: &mut Seen, _cx, error, _| {
        seen.log(format!("clientError {}", error.code()));
    });
    let url = format!("http://127.0.0.1:{}/", server.port(&event_loop));
    let request = http::get(&mut event_loop, url.as_str());
    request.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
        seen.log(error.code());
    });
    request.on_close(&mut event_loop, move |_, cx, _| {
        server.close(cx);
    });
    assert_eq!(
        run(event_loop).log,
        ["clientError ERR_SSL_HTTP_REQUEST", "ECONNRESET"]
    );
}

#[test]
fn each_protocol_is_asked_for_by_its_own_module() {
    let mut event_loop = event_loop();
    let plain = https::get(&mut event_loop, "http://127.0.0.1/");
    let secure = http::get(&mut event_loop, "https://127.0.0.1/");
    for request in [plain, secure] {
        request.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
            seen.log(error.to_string());
        });
    }
    assert_eq!(
        run(event_loop).log,
        [
            "Protocol \"http:\" not supported. Expected \"https:\"",
            "Protocol \"https:\" not supported. Expected \"http:\""
        ]
    );
}

#[test]
fn curl_is_answered() {
    if Command::new("curl").arg("--version").output().is_err() {
        let required = std::env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_some();
        assert!(!required, "curl is not installed");
        eprintln!("skipped: curl is not installed");
        return;
    }
    let mut event_loop = event_loop();
    let (server, authority) = server(&mut event_loop);
    let directory = tempfile::tempdir().expect("a directory");
    let ca = directory.path().join("ca.pem");
    fs::write(&ca, &authority.cert).expect("written");
    let port = server.port(&event_loop);
    let curl = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--noproxy",
            "*",
        ])
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
        .arg("--cacert")
        .arg(&ca)
        .arg(format!("https://localhost:{port}/from/curl"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let reader = std::thread::spawn(move || curl.wait_with_output().expect("it ends"));
    server.on_connection(&mut event_loop, move |_: &mut Seen, cx, socket| {
        socket.on_close(cx, move |_: &mut Seen, cx, _, _| {
            server.close(cx);
        });
    });
    run(event_loop);
    let heard = reader.join().expect("it is read");
    assert_eq!(
        String::from_utf8_lossy(&heard.stdout),
        "/from/curl over TLSv1.3"
    );
}

/// The client of HTTP/1.0 knows by nothing but the end that the body is whole.
#[test]
fn a_response_that_is_cut_short_does_not_look_complete() {
    for (ends, fault) in [(false, false), (false, true), (true, false)] {
        let mut event_loop = event_loop();
        let authority = Authority::new("authority");
        let pair = authority.sign(&["localhost"]);
        let server = https::create_server(&mut event_loop, ServerOptions::new(context(&pair)));
        let server = server.expect("a server");
        server.listen(&mut event_loop, any_port());
        server.on_request(&mut event_loop, move |_: &mut Seen, cx, _, response| {
            if fault {
                let set = response.set_header(cx, "Content-Length", "10");
                set.expect("the head is not sent");
            }
            response.write(cx, "half");
            match (ends, fault) {
                (true, _) => {
                    response.end(cx);
                }
                (_, true) => {
                    response.end_with(cx, "more than it was to be");
                }
                _ => response.destroy(cx),
            }
        });
        let options = tls::ConnectOptions::new()
            .secure_context(trusting(&authority))
            .host("localhost");
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port(&event_loop)));
        let client = tls::connect(&mut event_loop, address, &options);
        client.write(&mut event_loop, "GET / HTTP/1.0\r\n\r\n");
        client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
            seen.bytes.extend_from_slice(bytes);
        });
        client.on_end(&mut event_loop, |seen: &mut Seen, _cx, _| seen.log("end"));
        client.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
            seen.log(error.code());
        });
        client.on_close(&mut event_loop, move |_, cx, _, _| {
            server.close(cx);
        });
        let seen = run(event_loop);
        let told = match ends {
            true => "end",
            false => "ERR_SSL_UNEXPECTED_EOF_WHILE_READING",
        };
        assert_eq!(seen.log, [told], "{ends} {fault}");
        assert!(seen.bytes.ends_with(b"half"), "what was written is sent");
    }
}

/// Whoever was given the connection has said something, and failed.
#[test]
fn what_an_upgrade_that_fails_has_said_does_not_look_complete() {
    let mut event_loop = event_loop();
    let authority = Authority::new("authority");
    let pair = authority.sign(&["localhost"]);
    let server = https::create_server(&mut event_loop, ServerOptions::new(context(&pair)));
    let server = server.expect("a server");
    server.listen(&mut event_loop, any_port());
    server.on_upgrade(&mut event_loop, |_: &mut Seen, cx, _, socket, _| {
        socket.write(cx, "half");
        Err::<(), _>(net::Error::new("the other half is missing"))
    });
    let options = tls::ConnectOptions::new()
        .secure_context(trusting(&authority))
        .host("localhost");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port(&event_loop)));
    let client = tls::connect(&mut event_loop, address, &options);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: halves\r\n\r\n";
    client.write(&mut event_loop, request);
    client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
        seen.bytes.extend_from_slice(bytes);
    });
    client.on_end(&mut event_loop, |seen: &mut Seen, _cx, _| seen.log("end"));
    client.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
        seen.log(error.code());
    });
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let seen = run(event_loop);
    assert_eq!(seen.log, ["ERR_SSL_UNEXPECTED_EOF_WHILE_READING"]);
    assert_eq!(seen.bytes, b"half");
}
