//! A callback that returns an error is heard of: it is logged with the place where it was set, and
//! whoever waits for an answer gets one.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use loopchat::event_loop::ManualClock;
use loopchat::http::web_socket::{self, Endpoint, Options};
use loopchat::http::{self, ServerResponse};
use loopchat::net::{self, Address, Error};
use loopchat::{Context, EventLoop};

const DEADLINE: Duration = Duration::from_secs(120);

// --- the log --------------------------------------------------------------------------------

/// The errors that were logged by this test's process. Each test has its own words.
struct Errors(Mutex<Vec<String>>, Condvar);

static ERRORS: Errors = Errors(Mutex::new(Vec::new()), Condvar::new());

impl Errors {
    /// The lines; another test's panic is that test's.
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() == Level::Error
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.lines().push(record.args().to_string());
            self.1.notify_all();
        }
    }

    fn flush(&self) {}
}

fn listen_to_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&ERRORS).expect("the only logger");
        log::set_max_level(LevelFilter::Error);
    });
}

/// Waits for a line that ends so; it tells where in this file the callback was set.
fn logged(end: &str) -> String {
    let found = |lines: &Vec<String>| lines.iter().find(|line| line.ends_with(end)).cloned();
    let lines = ERRORS.lines();
    let waited = ERRORS
        .1
        .wait_timeout_while(lines, DEADLINE, |lines| found(lines).is_none());
    let lines = waited.unwrap_or_else(PoisonError::into_inner).0.to_vec();
    let line = found(&lines).unwrap_or_else(|| panic!("no {end:?} in {lines:#?}"));
    assert!(line.contains(concat!("set at ", file!(), ":")), "{line}");
    line
}

// --- callbacks of the loop ------------------------------------------------------------------

/// Catches: an error that is dropped with what a callback returns.
#[test]
fn errors_of_timers_immediates_ticks_work_and_async_handles_are_logged_and_the_loop_goes_on() {
    listen_to_the_log();
    let mut event_loop = EventLoop::<Vec<u8>>::with_clock(ManualClock::new()).expect("a loop");
    event_loop.set_timeout(Duration::from_millis(1), |_, _| {
        Err::<(), _>("of a timeout")
    });
    event_loop.set_immediate(|_, _| Err::<(), _>("of an immediate"));
    event_loop.next_tick(|_, _| Err::<u8, _>(Error::new("of a tick")));
    event_loop.queue_work(|| 1, |_, _, _| Err::<(), _>("of work"));
    let (_, sender) = event_loop.async_handle(|_, cx, handle| {
        cx.close_async(handle);
        Err::<(), _>("of a send")
    });
    sender.send();
    let mut rounds = 0;
    let interval = event_loop.set_interval(Duration::from_millis(5), move |_, _| {
        rounds += 1;
        match rounds {
            1 => Err("of an interval"),
            _ => Ok(()),
        }
    });
    event_loop.set_timeout(Duration::from_millis(20), move |done: &mut Vec<u8>, cx| {
        done.push(1);
        cx.clear_timer(interval);
    });
    let mut done = Vec::new();
    event_loop.run(&mut done).expect("the poll works");
    assert_eq!(done, [1]);
    for (what, error) in [
        ("a timeout", "of a timeout"),
        ("an interval", "of an interval"),
        ("an immediate", "of an immediate"),
        ("a tick", "of a tick"),
        ("after work", "of work"),
        ("an async handle", "of a send"),
    ] {
        assert!(logged(error).contains(what), "{}", logged(error));
    }
}

/// A callback may be a single call, whatever that returns.
#[test]
fn what_is_no_error_is_dropped() {
    listen_to_the_log();
    let mut event_loop = EventLoop::<Vec<u8>>::new().expect("a loop");
    event_loop.set_immediate(|done: &mut Vec<u8>, _| done.pop());
    event_loop.set_immediate(|done: &mut Vec<u8>, _| done.push(2));
    event_loop.set_immediate(|done: &mut Vec<u8>, _| done.len());
    event_loop.set_immediate(|_, cx: &mut Context<Vec<u8>>| cx.set_immediate(|_, _| "text"));
    event_loop.set_immediate(|_, cx| net::Socket::new(cx).set_reusable(cx, false).destroy(cx));
    event_loop.set_immediate(|_, _| -> Result<(), Box<dyn std::error::Error>> { Ok(()) });
    let mut done = vec![1];
    event_loop.run(&mut done).expect("the poll works");
    assert_eq!(done, [2]);
}

// --- sockets and servers --------------------------------------------------------------------

type Notes = Sender<String>;

/// A loop on a thread of its own, with a server that does what `set_up` says.
fn serve<T: Copy + 'static>(
    create: impl FnOnce(&mut Context<Notes>) -> T + Send + 'static,
    net: impl FnOnce(T) -> net::Server + Send + 'static,
    notes: Notes,
) -> SocketAddr {
    listen_to_the_log();
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut event_loop = EventLoop::new().expect("a loop");
        let server = net(create(&mut event_loop));
        let anywhere: Address = "127.0.0.1:0".parse().expect("an address");
        server.listen(&mut event_loop, anywhere);
        tell.send(server.address(&event_loop))
            .expect("the test waits");
        let mut notes = notes;
        event_loop.run(&mut notes).expect("the poll works");
    });
    match told.recv_timeout(DEADLINE) {
        Ok(Some(Address::Tcp(address))) => address,
        _ => panic!("it listens"),
    }
}

fn serve_http(
    set_up: impl FnOnce(&mut Context<Notes>, http::Server) + Send + 'static,
) -> SocketAddr {
    let create = |cx: &mut Context<Notes>| {
        let server = http::create_server(cx);
        set_up(cx, server);
        server
    };
    serve(create, http::Server::net, channel().0)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("it can");
    stream
}

/// What comes up to the end, and whether that was an orderly one.
fn rest(mut stream: TcpStream) -> (String, bool) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (String::from_utf8_lossy(&bytes).into_owned(), true),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return (String::from_utf8_lossy(&bytes).into_owned(), false);
            }
            Err(error) => panic!("{error}: no end after {bytes:?}"),
        }
    }
}

/// Asks, says that nothing more comes, and gets all there is.
fn ask(address: SocketAddr, requests: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(requests.as_bytes()).expect("it is open");
    rest(stream).0
}

/// Catches: a socket that goes on as if its listener had done what it was to do, with a peer that
/// waits.
#[test]
fn a_socket_whose_callback_fails_is_destroyed_with_the_error() {
    type SetUp = fn(&mut Context<Notes>, net::Server);
    let ways: [(&str, SetUp); 5] = [
        ("of on_data", |cx, server| {
            server.on_data(cx, |_, _, _, _| Err::<(), _>("of on_data"));
        }),
        ("of on_socket_event", |cx, server| {
            server.on_socket_event(cx, |_, _, _, event| match event {
                net::Event::Data(_) => Err("of on_socket_event"),
                _ => Ok(()),
            });
        }),
        ("of on_connection", |cx, server| {
            server.on_connection(cx, |_, _, _| Err::<(), _>("of on_connection"));
        }),
        ("of once_data", |cx, server| {
            server.on_connection(cx, |_, cx, socket| {
                socket.once_data(cx, |_, _, _, _| Err::<(), _>("of once_data"));
            });
        }),
        ("of a write", |cx, server| {
            server.on_connection(cx, |_, cx, socket| {
                socket.write_then(cx, "", |_, _, _| Err::<(), _>("of a write"))
            });
        }),
    ];
    for (error, set_up) in ways {
        let (notes, noted) = channel();
        let create = move |cx: &mut Context<Notes>| {
            let server = net::create_server(cx);
            set_up(cx, server);
            server.on_socket_event(cx, |notes: &mut Notes, _, _, event| match event {
                net::Event::Error(error) => notes.send(error.to_string()),
                net::Event::Close(had_error) => notes.send(had_error.to_string()),
                _ => Ok(()),
            });
            server
        };
        let address = serve(create, |server| server, notes);
        let mut stream = connect(address);
        stream.write_all(b"hello").expect("it is open");
        rest(stream);
        assert_eq!(noted.recv_timeout(DEADLINE).as_deref(), Ok(error));
        assert_eq!(noted.recv_timeout(DEADLINE).as_deref(), Ok("true"));
        logged(error);
        // And the server goes on.
        drop(connect(address));
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &str = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Catches: a client that waits for ever, since a header that its handler set was refused.
#[test]
fn a_request_whose_handler_fails_is_answered_with_500_and_the_connection_is_good_for_more() {
    let address = serve_http(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            if request.url(cx) == Some("/last") {
                response.end_with(cx, "fine");
                return Ok(());
            }
            response.set_header(cx, "Content-Length", "3")?;
            response.set_header(cx, "X-Bad", "two\r\nlines")?;
            response.end_with(cx, "abc");
            Ok::<(), Error>(())
        });
    });
    for before in [0, 1, 5] {
        let answers = ask(address, &(GET.repeat(before) + LAST));
        assert_eq!(
            answers
                .matches("HTTP/1.1 500 Internal Server Error\r\n")
                .count(),
            before,
            "{answers}"
        );
        assert_eq!(
            answers.matches("\r\n\r\nInternal Server Error\n").count(),
            before
        );
        assert!(answers.ends_with("\r\n\r\nfine"), "{answers}");
        assert!(!answers.contains("Content-Length: 3"), "{answers}");
    }
    let line = logged("Invalid character in header content");
    assert!(line.contains("'request' of a server"), "{line}");
}

/// Catches: an answer that is cut short and looks whole, or never ends.
#[test]
fn a_response_that_was_begun_ends_with_the_connection() {
    let address = serve_http(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.write(cx, "some");
            cx.set_immediate(move |_, cx| {
                response.write_then(cx, "more", |_, _, _| Err::<(), _>("after the head"))
            });
        });
    });
    let answer = ask(address, GET);
    assert!(answer.contains("some"), "{answer}");
    assert!(
        !answer.contains("\r\n0\r\n"),
        "no end of the body: {answer}"
    );
    logged("after the head");
}

/// Catches: listeners of a request or a response whose errors are nobody's.
#[test]
fn a_request_whose_body_cannot_be_taken_is_answered() {
    type Listen = fn(&mut Context<Notes>, http::IncomingMessage, ServerResponse);
    let ways: [(&str, Listen); 3] = [
        ("of data", |cx, request, _| {
            request.on_data(cx, |_, _, _, _| Err::<(), _>("of data"));
        }),
        ("of end", |cx, request, _| {
            request
                .resume(cx)
                .on_end(cx, |_, _, _| Err::<(), _>("of end"));
        }),
        ("of the close of a request", |cx, request, response| {
            let late = move |_: &mut Notes, cx: &mut Context<Notes>, _| {
                response.end_with(cx, "fine");
                Err::<(), _>("of the close of a request")
            };
            request.resume(cx).on_end(cx, late);
        }),
    ];
    for (error, listen) in ways {
        let address = serve_http(move |cx, server| {
            server.on_request(cx, move |_, cx, request, response| {
                listen(cx, request, response)
            });
        });
        let post =
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
        let answer = ask(address, post);
        let status = match error.contains("close") {
            true => "HTTP/1.1 200 OK\r\n", // what was answered stands
            false => "HTTP/1.1 500 Internal Server Error\r\n",
        };
        assert!(answer.starts_with(status), "{error}: {answer}");
        logged(error);
    }
}

/// Catches: a client that waits for an upgrade that nobody makes.
#[test]
fn an_upgrade_whose_handler_fails_is_answered_unless_it_has_answered_itself() {
    let address = serve_http(|cx, server| {
        server.on_upgrade(cx, |_, cx, head, socket, _| {
            if head.url() == "/begun" {
                socket.write(cx, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
            }
            Err::<(), _>("of an upgrade")
        });
    });
    let upgrade = |path| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
    };
    let refused = ask(address, &upgrade("/"));
    assert!(
        refused.starts_with("HTTP/1.1 500 Internal Server Error\r\n"),
        "{refused}"
    );
    let begun = ask(address, &upgrade("/begun"));
    assert!(
        begun.is_empty() || begun.starts_with("HTTP/1.1 101 "),
        "{begun}"
    );
    assert!(!begun.contains("500"), "{begun}");
    logged("of an upgrade");
}

/// Catches: a client's request that hangs, with a connection that is never given back.
#[test]
fn a_client_whose_callback_fails_gives_its_request_up() {
    let address = serve_http(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.write(cx, "it goes on, and never ends");
        });
    });
    let mut event_loop = EventLoop::<Vec<String>>::new().expect("a loop");
    let request = http::get(&mut event_loop, format!("http://{address}/"));
    request.on_response(&mut event_loop, |_, cx, _, response| {
        response.on_aborted(cx, |seen: &mut Vec<String>, _, _| {
            seen.push("aborted".into())
        });
        Err::<(), _>("of a response")
    });
    request.on_close(&mut event_loop, |seen: &mut Vec<String>, _, _| {
        seen.push("close".into())
    });
    let mut seen = Vec::new();
    event_loop.run(&mut seen).expect("the poll works");
    assert_eq!(seen, ["aborted", "close"]);
    logged("of a response");
}

/// Catches: a WebSocket whose handler fails at a message and that goes on with the next.
#[test]
fn a_web_socket_whose_callback_fails_is_closed_with_1011() {
    let address = serve_http(|cx, server| {
        let endpoint = Endpoint::new(cx, Options::default());
        endpoint.on_message(cx, |_, cx, web_socket, _| {
            web_socket.send_text(cx, "heard");
            Err::<(), _>("of a message")
        });
        server.on_upgrade(cx, move |_, cx, head, socket, rest| {
            web_socket::accept(cx, endpoint, head, socket, rest)
                .map(drop)
                .map_err(|_| "refused")
        });
    });
    let mut stream = connect(address);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let message = b"\x81\x81\0\0\0\0b";
    let both = [request.as_bytes(), message, message].concat();
    stream.write_all(&both).expect("it is open");
    stream
        .write_all(b"\x88\x82\0\0\0\0\x03\xF3")
        .expect("it is open");
    let mut answer = Vec::new();
    let _reset_or_end = stream.read_to_end(&mut answer);
    let head = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let frames = &answer[head + 4..];
    assert!(frames.starts_with(b"\x81\x05heard\x88"), "{frames:?}");
    let close = &frames[7..];
    assert_eq!(close[2..4], 1011u16.to_be_bytes(), "{frames:?}");
    let _ = stream.shutdown(Shutdown::Both);
    logged("of a message");
}
