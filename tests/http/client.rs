//! The client: what it sends, how it takes answers of every kind, how its connections are used
//! again.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use loopchat::event_loop::ManualClock;
use loopchat::http::{self, ClientRequest, RequestOptions};
use loopchat::{Context, EventLoop};

use crate::agent::counting;
use crate::nobody::nobody;
use crate::rig::{DEADLINE, Said};

/// Accepts one connection after the other, reads a request of each, up to its empty line or what
/// `until` says, and answers with these bytes.
pub fn answering(answers: &'static [&'static str], until: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
            read_until(&mut stream, until);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Says everything that happens to a request.
pub fn watch(cx: &mut Context<Said>, request: ClientRequest) {
    request.on_response(cx, |said, cx, _, response| {
        said.push(format!(
            "response {}",
            response.status_code(cx).expect("it is there")
        ));
        let body = Rc::new(RefCell::new(String::new()));
        let heard = Rc::clone(&body);
        response.on_data(cx, move |_, _, _, bytes| {
            heard.borrow_mut().push_str(&String::from_utf8_lossy(bytes));
        });
        response.on_end(cx, move |said, _, _| {
            said.push(format!("end {:?}", body.take()))
        });
        response.on_error(cx, |said, _, _, error| {
            said.push(format!("cut short {}", error.code()))
        });
    });
    request.on_continue(cx, |said, _, _| said.push("continue".into()));
    request.on_information(cx, |said, _, _, head| {
        said.push(format!("information {}", head.status_code()))
    });
    request.on_error(cx, |said, _, _, error| {
        said.push(format!("error {}", error.code()))
    });
    request.on_close(cx, |said, _, _| said.push("close".into()));
}

/// Runs a loop until nothing is left to wait for. Its time stands still: none of the servers in
/// other threads is too slow, and no timer of an agent's fires.
pub fn run(set_up: impl FnOnce(&mut Context<Said>) + Send + 'static) -> Said {
    let (tell, told) = channel();
    let body = thread::spawn(move || {
        let event_loop = EventLoop::with_clock(ManualClock::stopped());
        let mut event_loop = event_loop.expect("a loop");
        set_up(&mut event_loop);
        let mut said = Said::new();
        event_loop.run(&mut said).expect("it ends by itself");
        let _ = tell.send(said);
    });
    match told.recv_timeout(DEADLINE) {
        Ok(said) => said,
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Err(RecvTimeoutError::Disconnected) => {
            let panic = body.join().expect_err("it has said nothing");
            std::panic::resume_unwind(panic)
        }
    }
}

/// What happens to one request that gets this answer.
fn answered(answer: &'static [&'static str]) -> Said {
    let address = answering(answer, "\r\n\r\n");
    run(move |cx| {
        let request = http::get(cx, format!("http://{address}/"));
        watch(cx, request);
    })
}

#[test]
fn answers_of_every_kind_are_understood() {
    for (answer, said) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            &["response 200", "end \"hello\"", "close"][..],
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            &["response 200", "end \"hello\"", "close"],
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nto the end",
            &["response 200", "end \"to the end\"", "close"],
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            &["response 200", "end \"hi\"", "close"],
        ),
        (
            "HTTP/1.1 204 No Content\r\n\r\n",
            &["response 204", "end \"\"", "close"],
        ),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            &["response 304", "end \"\"", "close"],
        ),
        (
            "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            &["response 200", "end \"\"", "close"],
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            &[
                "continue",
                "information 100",
                "information 103",
                "response 200",
                "end \"\"",
                "close",
            ],
        ),
    ] {
        let answer: &'static [&'static str] = Box::leak(Box::new([answer]));
        assert_eq!(answered(answer), said, "{answer:?}");
    }
}

#[test]
fn answers_that_are_none_are_errors() {
    for (answer, code) in [
        ("", "ECONNRESET"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "ECONNRESET"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "ECONNRESET"),
        ("junk\r\n\r\n", "HPE_INVALID_CONSTANT"),
        ("HTTP/2.0 200 OK\r\n\r\n", "HPE_INVALID_VERSION"),
        ("HTTP/1.1 20 OK\r\n\r\n", "HPE_INVALID_STATUS"),
        ("HTTP/1.1 099 OK\r\n\r\n", "HPE_INVALID_STATUS"),
        (
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HPE_INVALID_HEADER_TOKEN",
        ),
        (
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HPE_INVALID_HEADER_TOKEN",
        ),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HPE_CR_EXPECTED"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "HPE_UNEXPECTED_CONTENT_LENGTH",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HPE_INVALID_TRANSFER_ENCODING",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HPE_INVALID_CONTENT_LENGTH",
        ),
    ] {
        let answer: &'static [&'static str] = Box::leak(Box::new([answer]));
        assert_eq!(
            answered(answer),
            [format!("error {code}"), "close".into()],
            "{answer:?}"
        );
    }
    let long: &'static str = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(20_000)).leak();
    let long: &'static [&'static str] = Box::leak(Box::new([long]));
    assert_eq!(answered(long), ["error HPE_HEADER_OVERFLOW", "close"]);
}

#[test]
fn a_response_that_is_cut_short_says_so_itself() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        let answer: &'static [&'static str] = Box::leak(Box::new([answer]));
        assert_eq!(
            answered(answer),
            ["response 200", "close", "cut short ECONNRESET"]
        );
    }
    let junk: &'static [&'static str] =
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"];
    let said = answered(junk);
    assert_eq!(said[..2], ["response 200", "error HPE_INVALID_CHUNK_SIZE"]);
    assert_eq!(said.iter().filter(|said| *said == "close").count(), 1);
}

#[test]
fn what_cannot_be_a_request_is_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("it can be");
    let address = listener.local_addr().expect("it has one");
    let said = run(move |cx| {
        let url = format!("http://{address}");
        for options in [
            RequestOptions::from(url.clone()).path("/a b"),
            RequestOptions::from(url.clone()).path("/\r\nX: y"),
            RequestOptions::from(url.clone()).path("/ HTTP/1.1\r\nX: y"),
            RequestOptions::from(url.clone()).method("GET / HTTP/1.1\r\nX: y\r\n"),
            RequestOptions::from(url.clone()).header("X", "a\r\nY: b"),
            RequestOptions::from(url.clone()).header("X\r\nY", "b"),
            RequestOptions::from("https://127.0.0.1/"),
            RequestOptions::from("nowhere"),
        ] {
            let request = http::get(cx, options);
            assert!(request.destroyed(cx));
            watch(cx, request);
        }
        let request = http::request(cx, RequestOptions::from("http://127.0.0.1:1/"));
        let evil = request.set_header(cx, "X", "a\nb").unwrap_err();
        assert_eq!(evil.code(), "ERR_INVALID_CHAR");
        request.destroy(cx);
    });
    let codes: Vec<_> = said
        .iter()
        .filter_map(|said| said.strip_prefix("error "))
        .collect();
    assert_eq!(
        codes,
        [
            "ERR_UNESCAPED_CHARACTERS",
            "ERR_UNESCAPED_CHARACTERS",
            "ERR_UNESCAPED_CHARACTERS",
            "ERR_INVALID_HTTP_TOKEN",
            "ERR_INVALID_CHAR",
            "ERR_INVALID_HTTP_TOKEN",
            "ERR_INVALID_PROTOCOL",
            "ERR_INVALID_URL",
        ]
    );
    assert_eq!(said.iter().filter(|said| *said == "close").count(), 8);
    assert!(listener.accept().is_err(), "nobody even connected");
}

/// What a request looks like on the wire.
fn sent(
    until: &'static str,
    make: impl FnOnce(&mut Context<Said>, String) + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        let request = read_until(&mut stream, until);
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        request
    });
    run(move |cx| make(cx, format!("http://{address}/p")));
    let host = format!("Host: {address}\r\n");
    server
        .join()
        .expect("it answered")
        .replace(&host, "Host: H\r\n")
}

#[test]
fn requests_are_marked_off_by_what_is_known_of_their_bodies() {
    let get = sent("\r\n\r\n", |cx, url| {
        http::get(cx, url);
    });
    assert_eq!(
        get,
        "GET /p HTTP/1.1\r\nHost: H\r\nConnection: keep-alive\r\n\r\n"
    );
    let post = sent("hello", |cx, url| {
        let options = RequestOptions::from(url).method("POST").agent(None);
        http::request(cx, options).end_with(cx, "hello");
    });
    assert_eq!(
        post,
        "POST /p HTTP/1.1\r\nHost: H\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    );
    let empty = sent("\r\n\r\n", |cx, url| {
        http::request(cx, RequestOptions::from(url).method("POST").agent(None)).end(cx);
    });
    assert_eq!(
        empty,
        "POST /p HTTP/1.1\r\nHost: H\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let pieces = sent("0\r\n\r\n", |cx, url| {
        let request = http::request(cx, RequestOptions::from(url).method("PUT").agent(None));
        request.write(cx, "one");
        request.write(cx, "two");
        request.end(cx);
    });
    assert_eq!(
        pieces,
        "PUT /p HTTP/1.1\r\nHost: H\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    );
    // Where Node would send the body of a GET unmarked, to be taken for another request.
    let odd = sent("hello", |cx, url| {
        let request = http::request(cx, RequestOptions::from(url).agent(None));
        request.end_with(cx, "hello");
    });
    assert_eq!(
        odd,
        "GET /p HTTP/1.1\r\nHost: H\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    );
}

#[test]
fn a_unix_socket_serves_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("http.sock");
    let said = run(move |cx| {
        let server = http::create_server(cx);
        server.on_request(cx, |said: &mut Said, cx, request, response| {
            said.push(format!("{:?}", request.header(cx, "host")));
            response.end_with(cx, "over unix");
        });
        server.listen(cx, path.as_path());
        let request = http::get(cx, RequestOptions::new().socket_path(&path).agent(None));
        watch(cx, request);
        request.on_close(cx, move |_, cx, _| server.close(cx));
    });
    assert_eq!(
        said,
        [
            "Some(\"localhost\")",
            "response 200",
            "end \"over unix\"",
            "close"
        ]
    );
}

#[test]
fn a_large_upload_waits_for_its_server() {
    let said = run(move |cx| {
        counting(cx, |_, cx, server| {
            let url = format!("http://127.0.0.1:{}/", server.port(cx));
            let request = http::request(cx, RequestOptions::from(url).method("POST").agent(None));
            let mut left = 100;
            let mut pump = move |cx: &mut Context<Said>| {
                while left > 0 {
                    left -= 1;
                    if !request.write(cx, vec![b'x'; 50_000]) {
                        return;
                    }
                }
                request.end(cx);
            };
            pump(cx);
            request.on_drain(cx, move |said, cx, _| {
                if said.last().is_none_or(|last| last != "drain") {
                    said.push("drain".into());
                }
                pump(cx);
            });
            request.on_response(cx, |_, cx, _, response| {
                let mut total = 0;
                response.on_data(cx, move |said: &mut Said, _, _, bytes| {
                    total += bytes.len();
                    if total == 5_000_001 {
                        said.push("all came back".into());
                    }
                });
            });
            request.on_close(cx, move |_, cx, _| server.close(cx));
        });
    });
    assert!(
        said.contains(&"drain".to_owned()) && said.contains(&"all came back".to_owned()),
        "{said:?}"
    );
}

#[test]
fn nobody_there_is_an_error() {
    let (address, _kept) = nobody();
    let said = run(move |cx| {
        let request = http::get(cx, format!("http://{address}/"));
        watch(cx, request);
    });
    assert_eq!(said, ["error ECONNREFUSED", "close"]);
}

/// Who expects to be told to go on sends the head alone first.
#[test]
fn a_request_that_expects_to_be_asked_sends_its_head_first() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        read_until(&mut stream, "\r\n\r\n");
        let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        let body = read_until(&mut stream, "hello");
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        body
    });
    let said = run(move |cx| {
        let options = RequestOptions::from(format!("http://{address}/"))
            .method("POST")
            .header("Content-Length", "5")
            .header("Expect", "100-continue")
            .agent(None);
        let request = http::request(cx, options);
        watch(cx, request);
        request.on_continue(cx, |_, cx, request| request.end_with(cx, "hello"));
    });
    assert_eq!(server.join().expect("it answered"), "hello");
    assert_eq!(
        said,
        [
            "continue",
            "information 100",
            "response 204",
            "end \"\"",
            "close"
        ]
    );
}

/// What a head has ruled out is not sent, and not swallowed.
#[test]
fn a_body_that_does_not_fit_the_head_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let said = run(move |cx| {
        let url = format!("http://{address}/");
        let silent = http::request(cx, RequestOptions::from(url.clone()).agent(None));
        watch(cx, silent);
        silent.flush_headers(cx);
        assert!(!silent.write(cx, "too late"));
        let long = RequestOptions::from(url)
            .method("PUT")
            .header("Content-Length", "3");
        let long = http::request(cx, long.agent(None));
        watch(cx, long);
        assert!(!long.write(cx, "four"));
    });
    let errors: Vec<_> = said
        .iter()
        .filter(|said| said.starts_with("error"))
        .collect();
    assert_eq!(
        errors,
        [
            "error ERR_HTTP_BODY_NOT_ALLOWED",
            "error ERR_HTTP_CONTENT_LENGTH_MISMATCH"
        ]
    );
}
