//! A WebSocket client that answers every message with itself: the other side of `http_echo`, for
//! conformance suites.
//!
//!     cargo run --example web_socket_client -- ws://127.0.0.1:3000/ws
//!     cargo run --example web_socket_client -- ws://127.0.0.1:9001 loopchat
//!
//! With a name behind the URL, that is where a suite like Autobahn's listens: it is asked how many
//! cases it has (`/getCaseCount`), each is run by that name (`/runCase`), and then its report is
//! written (`/updateReports`). Without, the one WebSocket stays until its server closes it. While a
//! server does not read its echoes, no more of it is read.

use std::io;

use loopchat::http::web_socket::{self, Endpoint, Event, Message, Options, WebSocket};
use loopchat::net::Error;
use loopchat::{Context, EventLoop};

/// The conformance suite's largest message is 16 MiB.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// What is going on.
struct Client {
    url: String,
    /// With a suite: by which name it knows this client.
    agent: Option<String>,
    /// Echoes.
    endpoint: Endpoint,
    /// Which case runs, and how many there are. The one behind the last writes the report.
    case: u32,
    cases: u32,
}

fn echo(cx: &mut Context<Client>, web_socket: WebSocket, message: Message<'_>) {
    let fine = match message {
        Message::Text(text) => web_socket.send_text(cx, text),
        Message::Binary(bytes) => web_socket.send_binary(cx, bytes),
    };
    if !fine {
        web_socket.pause(cx);
    }
}

/// There is nothing to be done without the server.
fn failed(error: &Error) -> ! {
    eprintln!("{error}");
    std::process::exit(1);
}

fn connect(client: &Client, cx: &mut Context<Client>, endpoint: Endpoint, path: &str) {
    let url = format!("{}{path}", client.url);
    web_socket::connect(cx, endpoint, &url, &[], |_, _, opened| {
        if let Err(error) = opened {
            failed(&error);
        }
    });
}

/// Runs the next case of the suite, or has the report written when all have run.
fn next_case(client: &mut Client, cx: &mut Context<Client>, agent: &str) {
    client.case += 1;
    let path = match client.case <= client.cases {
        true => format!("/runCase?case={}&agent={agent}", client.case),
        false => format!("/updateReports?agent={agent}"),
    };
    connect(client, cx, client.endpoint, &path);
}

/// The server has closed a WebSocket that echoed.
fn closed(client: &mut Client, cx: &mut Context<Client>, code: u16, reason: &str) {
    match client.agent.clone() {
        None => println!("Closed: {code} {reason}"),
        Some(agent) if client.case <= client.cases => next_case(client, cx, &agent),
        Some(_) => println!("{} cases, see the suite's report", client.cases),
    }
}

/// Asks the suite how many cases it has, and runs them.
fn run_suite(client: &Client, cx: &mut Context<Client>, agent: String) {
    let counting = Endpoint::new(cx, Options::default());
    counting.on_event(cx, move |client: &mut Client, cx, _, event| match event {
        Event::Message(Message::Text(count)) => client.cases = count.parse().unwrap_or(0),
        Event::Close(..) => next_case(client, cx, &agent),
        _ => {}
    });
    connect(client, cx, counting, "/getCaseCount");
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut event_loop = EventLoop::<Client>::new()?;
    let cx = &mut event_loop;

    let options = Options::new().max_message(MAX_MESSAGE);
    let endpoint = Endpoint::new(cx, options);
    endpoint.on_event(cx, |client, cx, web_socket, event| match event {
        Event::Message(message) => echo(cx, web_socket, message),
        Event::Drain => web_socket.resume(cx),
        Event::Close(code, reason) => closed(client, cx, code, reason),
        _ => {}
    });
    let mut client = Client {
        url: arguments.next().unwrap_or("ws://127.0.0.1:3000/ws".into()),
        agent: arguments.next(),
        endpoint,
        case: 0,
        cases: 0,
    };
    match client.agent.clone() {
        Some(agent) => run_suite(&client, cx, agent),
        None => connect(&client, cx, endpoint, ""),
    }
    event_loop.run(&mut client)
}
