//! A chat client for the terminal: standard input and a socket, both on one event loop.
//!
//! ```text
//! cargo run --release --example chat_client                     # 127.0.0.1:3000
//! cargo run --release --example chat_client -- localhost:3000 --nick ada --room tea
//! cargo run --release --example chat_client -- ./chat.sock      # a path: Unix socket
//! cargo run --release --example chat_client -- --tls chat.example:3001
//! printf 'hello\n/who\n' | cargo run --release --example chat_client
//! ```
//!
//! What you type goes to the server line by line; what it says is printed. After the end of the
//! input (Ctrl-D, or that of a pipe or a file) what is still answered is printed, and the client
//! exits with 0 when the server closes; so it does after `/quit`. Ctrl-C exits with 130.
//!
//! The client's own words go to standard error and start with `-- `. If the server goes away, it
//! tries again after 1, 2, 4 ... up to 30 seconds at most, and goes on with its session: it shows what
//! was said meanwhile, and says again what may not have arrived; the server hears each once.
//!
//! ```text
//! /nick ada
//! * You are now ada.
//! -- connection lost; next try in 1 s
//! -- connected again
//! * You are back as ada, in #lobby with 1 other.
//! [14:03] bob: where are you?
//! ```
//!
//! A server that was started anew knows nothing of the session. Then the client says that it starts
//! anew, takes its nickname and its room again, and tells what was perhaps not said. It speaks JSON
//! for that, over a line: see `docs/protocol.md`. A server that does not know `/json` is spoken to in
//! lines, and there a cut loses whatever was on its way.
//!
//! Nothing is said under another name, or in another room, than was asked for: what is typed waits
//! until the server has confirmed both. If it refuses, you are asked for another; a pipe ends with
//! a reason and 1, and has said nothing. If your name is still held by the connection that was
//! lost, it is asked for again until it is free. Whoever is banned or kicked stays away: the
//! client exits with 1.
//!
//! If it starts anew, what you watch, whom you ignore and whether you want to see times is forgotten,
//! and to be typed again. All that the server says is printed as it comes, with the times and the
//! names of rooms before it.
//!
//! Read it from top to bottom: [`connect`] is the client as one writes it with Node's
//! `net.createConnection`, and each listener it adds is a function below it. All of them get the
//! one [`Client`], which the loop lends them. Nothing here waits: input is read when the loop says
//! that there is some, and output, which may block, is work for the thread pool.
//!
//! | file | what |
//! | --- | --- |
//! | `main.rs` | the socket: connecting, and connecting again |
//! | `wire/` | the protocol: bytes in, events and bytes out; no socket, no clock |
//! | `session.rs` | what may be said, and when; no socket, no clock |
//! | `trust.rs` | over TLS: which servers are trusted |
//! | `input.rs` | standard input, be it a terminal, a pipe or a file |
//! | `output.rs` | what is printed |

mod input;
mod output;
mod session;
mod trust;
mod wire;

use std::io::{self, IsTerminal};
use std::mem;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use loopchat::chat::sanitise;
use loopchat::event_loop::{SIGINT, Timer};
use loopchat::net::{self, Error, EventLoop, Socket, Target};
use loopchat::server::framing::LineDecoder;
use loopchat::tls;

use input::{Input, read_or_pause};
use output::{Output, notice, show};
use session::{Session, Step};
use trust::{Trust, parse_fingerprint};
use wire::{Event, Wire};

/// What every listener gets to reach the loop.
type Context = net::Context<Client>;

/// The longest line, typed or heard, in bytes: nobody makes us collect without end.
const MAX_LINE: usize = 64 * 1024;
/// The longest wait for the next try, in seconds.
const MAX_DELAY: u64 = 30;
/// After so long a silence the peer is asked, by TCP, whether it is still there; ten
/// seconds without an answer later the link is dead.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A chat client for the terminal.
#[derive(Parser)]
#[command(name = "chat_client", version)]
struct Flags {
    /// The server: IP:PORT, HOST:PORT, or a path with a / in it for a Unix socket
    #[arg(
        value_name = "ADDR",
        env = "LOOPCHAT_ADDR",
        default_value = "127.0.0.1:3000"
    )]
    #[arg(value_parser = parse_target)]
    server: Target,
    /// Speak TLS: the server's certificate has to be for its name, and signed by one of the
    /// system's authorities
    #[arg(long)]
    tls: bool,
    /// Trust who is signed by one of the certificates in this file, in PEM, instead
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// Trust the one certificate with this SHA-256, whoever has signed it
    #[arg(long, value_name = "SHA256", requires = "tls", value_parser = parse_fingerprint)]
    fingerprint: Option<String>,
    /// Take this nickname
    #[arg(long, value_name = "NAME", env = "LOOPCHAT_NICK", value_parser = parse_word)]
    nick: Option<String>,
    /// Go to this room
    #[arg(long, value_name = "ROOM", env = "LOOPCHAT_ROOM", value_parser = parse_word)]
    room: Option<String>,
    /// How long the server may take to give name and room; then another connection is tried
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    answer_timeout: u32,
}

fn parse_target(text: &str) -> Result<Target, &'static str> {
    Target::parse(text).ok_or("it wants IP:PORT, HOST:PORT or a path with a /")
}

/// A name is sent as a part of a line: what would end that, or go on behind the name, is none.
fn parse_word(text: &str) -> Result<String, &'static str> {
    let given = text.trim_matches(' ');
    match given.contains(|c: char| c.is_whitespace() || c.is_control()) {
        true => Err("it wants one word, without blanks or control characters"),
        false => Ok(given.to_owned()),
    }
}

/// The state: what the loop lends to every callback.
struct Client {
    server: Target,
    /// How TLS is spoken, if it is.
    trust: Option<Trust>,
    /// Someone sits at a terminal: they leave when they want to, not when something fails.
    interactive: bool,
    exit_code: u8,

    socket: Option<Socket>,
    wire: Wire,
    session: Session,
    /// When the socket was connected, in loop time; `None` if it is not.
    since: Option<u64>,
    ever_connected: bool,
    /// What the last error was.
    trouble: String,
    /// The server has ended the session, and said why.
    dismissed: bool,
    /// Seconds until the next try, and the timer that is set for it.
    delay: u64,
    retry: Option<Timer>,
    /// Seconds until a name that a ghost has is asked for again.
    name_delay: u64,
    /// Seconds the server has to give us name and room, and the timer that is set for it.
    answer_timeout: u32,
    overdue: Option<Timer>,

    input: Input,
    /// Makes lines of what is typed.
    typed: LineDecoder,
    /// The last write returned false: nothing is read from standard input until `drain`.
    full: bool,
    output: Output,
}

/// An empty variable is one that is not set.
fn given(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

fn main() -> io::Result<ExitCode> {
    env_logger::init();
    let flags = Flags::parse();
    let interactive = io::stdin().is_terminal();
    let patience = Duration::from_secs(flags.answer_timeout.into());
    let trust = flags
        .tls
        .then(|| Trust::new(flags.ca.as_deref(), flags.fingerprint, patience));
    let trust = trust.transpose().unwrap_or_else(|reason| {
        let kind = clap::error::ErrorKind::ValueValidation;
        Flags::command().error(kind, reason).exit()
    });
    let mut client = Client {
        server: flags.server,
        trust,
        interactive,
        exit_code: 0,
        socket: None,
        wire: Wire::new(),
        session: Session::new(interactive, given(flags.nick), given(flags.room)),
        since: None,
        ever_connected: false,
        trouble: String::new(),
        dismissed: false,
        delay: 1,
        retry: None,
        name_delay: 1,
        answer_timeout: flags.answer_timeout,
        overdue: None,
        input: Input::Paused,
        typed: LineDecoder::new(),
        full: false,
        output: Output::default(),
    };
    let mut event_loop = EventLoop::new()?;
    event_loop.on_signal(&[SIGINT], |client: &mut Client, cx, _| {
        client.exit_code = 130; // 128 and the signal's number, as shells have it
        cx.stop(); // now, whatever is still to be sent or printed
    })?;
    connect(&mut client, &mut event_loop);
    read_or_pause(&mut client, &mut event_loop);
    // It returns when nothing is left to wait for: no socket, input, timer or output.
    event_loop.run(&mut client)?;
    Ok(ExitCode::from(client.exit_code))
}

// --- the socket ---------------------------------------------------------------------------------

/// Makes a connection. Whether that succeeds is an event; after `Close` there will be a new socket.
fn connect(client: &mut Client, cx: &mut Context) {
    let server = client.server.clone();
    let socket = match &client.trust {
        Some(trust) => tls::connect(cx, server, &trust.options),
        None => net::create_connection(cx, server),
    };
    match &client.trust {
        Some(_) => socket.on_secure_connect(cx, secured),
        None => socket.on_connect(cx, connected),
    };
    socket.on_data(cx, heard);
    socket.on_drain(cx, drained);
    socket.on_end(cx, ended);
    socket.on_error(cx, failed);
    socket.on_close(cx, closed);
    client.socket = Some(socket);
}

/// The handshake is done. Nothing is said to a server that is not to be trusted, and it is not
/// asked again.
fn secured(client: &mut Client, cx: &mut Context, socket: Socket) {
    let checked = client.trust.as_ref().map(|trust| trust.check(cx, socket));
    match checked {
        Some(Err(reason)) => fail(client, cx, &reason),
        _ => connected(client, cx, socket),
    }
}

fn connected(client: &mut Client, cx: &mut Context, socket: Socket) {
    if mem::replace(&mut client.ever_connected, true) {
        notice(client, cx, "connected again");
    }
    client.since = Some(cx.now());
    (client.full, client.dismissed, client.name_delay) = (false, false, 1);
    // A link may die without a word.
    socket.set_keep_alive(cx, Some(KEEP_ALIVE));
    client.wire.connected();
    perform(client, cx, Vec::new());
}

/// Does what the session asks for, and looks what may be read now.
fn perform(client: &mut Client, cx: &mut Context, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Send(line) => client.wire.say(&line),
            Step::Notice(text) => notice(client, cx, &text),
            Step::AskAgain => ask_again_later(client, cx),
            Step::Leave(reason) => {
                fail(client, cx, &reason);
                break;
            }
        }
    }
    if let Some(socket) = client.socket {
        let bytes = client.wire.take_bytes(); // one write for all the lines
        if !bytes.is_empty() {
            client.full |= !socket.write(cx, bytes);
        }
    }
    watch_for_answers(client, cx);
    if client.input == Input::Ended && client.session.is_open() {
        all_said(client, cx);
    }
    read_or_pause(client, cx);
}

/// Somebody has our name. If it is a ghost of ours, the server will notice that it is gone.
fn ask_again_later(client: &mut Client, cx: &mut Context) {
    let wait = jittered(client.name_delay);
    client.name_delay = (client.name_delay * 2).min(MAX_DELAY);
    let socket = client.socket;
    cx.set_timeout(wait, move |client: &mut Client, cx| {
        if client.socket == socket {
            let steps = client.session.ask_again();
            perform(client, cx, steps);
        }
    });
}

/// Whoever does not give us name and room in time is not there any more, whatever TCP says.
fn watch_for_answers(client: &mut Client, cx: &mut Context) {
    let is_entering = client.wire.is_entering() || client.session.is_entering();
    match (is_entering, client.overdue) {
        (true, None) => {
            let wait = Duration::from_secs(client.answer_timeout.into());
            client.overdue = Some(cx.set_timeout(wait, |client: &mut Client, cx| {
                client.overdue = None;
                notice(client, cx, "the server does not answer");
                if let Some(socket) = client.socket {
                    socket.destroy(cx);
                }
            }));
        }
        (false, Some(timer)) => {
            cx.clear_timer(timer);
            client.overdue = None;
        }
        _ => {}
    }
}

/// Up to so many seconds, and no less than half of them. A thousand clients of a
/// server that went down do not come back in the same moment.
fn jittered(seconds: u64) -> Duration {
    Duration::from_millis(rand::random_range(seconds * 500..=seconds * 1000))
}

fn heard(client: &mut Client, cx: &mut Context, socket: Socket, bytes: &[u8]) {
    let events = client.wire.receive(bytes);
    happen(client, cx, events);
    // Backpressure: the kernel's buffer fills, then the server's, until this is printed.
    if client.output.is_full() {
        socket.pause(cx);
    }
}

/// Does what follows from what the server has said.
fn happen(client: &mut Client, cx: &mut Context, events: Vec<Event>) {
    for event in events {
        match event {
            Event::Line(line) => hear(client, cx, &line),
            Event::Notice(text) => notice(client, cx, &sanitise(&text)),
            Event::Ready if client.session.is_ending() => {
                fail(client, cx, "what was said last may be missing");
            }
            Event::Ready => {
                let steps = client.session.connected();
                perform(client, cx, steps);
            }
            Event::Resumed { nick, room } => {
                let steps = client.session.resumed(nick, room);
                perform(client, cx, steps);
            }
        }
    }
    perform(client, cx, Vec::new());
    if client.session.is_ending()
        && !client.wire.is_entering()
        && !client.wire.is_full()
        && let Some(socket) = client.socket
    {
        socket.end(cx); // all was said, some of it again
    }
}

/// One line from the server. It should be safe to print, but who knows which server that is.
fn hear(client: &mut Client, cx: &mut Context, line: &str) {
    let line = sanitise(line);
    client.dismissed |= line.starts_with("! Disconnected: ");
    let (shown, steps) = client.session.heard(&line);
    if shown {
        show(client, cx, output::To::Stdout, &line);
    }
    perform(client, cx, steps);
}

/// All that was written is with the kernel: there is room for more.
fn drained(client: &mut Client, cx: &mut Context, _socket: Socket) {
    client.full = false;
    read_or_pause(client, cx);
}

/// The server will say no more, and the socket ends itself now: what is typed from here on is for
/// the next connection.
fn ended(client: &mut Client, cx: &mut Context, _socket: Socket) {
    client.session.lost();
    read_or_pause(client, cx);
}

fn failed(client: &mut Client, _cx: &mut Context, _socket: Socket, error: &Error) {
    client.trouble = error.to_string(); // `Close` follows
}

/// The connection is gone, or never was: the end if we had said all, or else we try again.
fn closed(client: &mut Client, cx: &mut Context, _socket: Socket, had_error: bool) {
    client.socket = None;
    client.session.lost();
    let events = client.wire.lost();
    happen(client, cx, events);
    watch_for_answers(client, cx);
    let since = client.since.take();
    // A pipe has said all, and not all of it has come back.
    let may_go_on = !client.interactive && !client.dismissed && client.wire.can_go_on();
    if client.session.is_ending() && !may_go_on {
        let is_unanswered = had_error || (client.wire.is_unanswered() && !client.dismissed);
        if is_unanswered && client.input == Input::Ended {
            let trouble = match had_error {
                true => &client.trouble,
                false => "connection lost",
            };
            let reason = format!("{trouble}: answers may be missing");
            fail(client, cx, &reason);
        } else if client.dismissed && !client.interactive {
            fail(
                client,
                cx,
                "the server ended the session: lines may be missing",
            );
        }
        return;
    }
    if !client.ever_connected && !client.interactive {
        let reason = format!("cannot connect to {}: {}", client.server, client.trouble);
        return fail(client, cx, &reason);
    }
    // The delays start over only after a connection that has lasted: a server that lets us in and
    // throws us out is not asked again every second.
    if since.is_some_and(|since| cx.now() - since >= MAX_DELAY * 1000) {
        client.delay = 1;
    }
    let what = since.map_or(client.trouble.as_str(), |_| "connection lost");
    let next = format!("{what}; next try in {} s", client.delay);
    notice(client, cx, &next);
    client.retry = Some(cx.set_timeout(jittered(client.delay), connect));
    client.delay = (client.delay * 2).min(MAX_DELAY);
    read_or_pause(client, cx);
}

/// The input has ended. The server is told so, and answers what it still has to. If there is none,
/// a pipe's last lines wait for it, but whoever types Ctrl-D wants to leave.
fn all_said(client: &mut Client, cx: &mut Context) {
    match client.socket {
        Some(_) if client.session.is_open() && client.wire.is_full() => {} // not yet
        Some(socket) if client.session.is_open() => {
            client.session.end();
            socket.end(cx);
        }
        _ if client.interactive => leave(client, cx),
        _ if client.session.is_down() && client.session.waiting() == 0 => leave(client, cx),
        _ => {}
    }
}

/// Leaves nothing to wait for except the output: the loop ends by itself then.
fn leave(client: &mut Client, cx: &mut Context) {
    if client.session.end() > 0 {
        notice(client, cx, "the last lines were not sent");
        client.exit_code = 1;
    }
    if let Some(timer) = client.retry.take() {
        cx.clear_timer(timer);
    }
    if let Some(socket) = client.socket {
        socket.destroy(cx);
    }
    read_or_pause(client, cx);
}

fn fail(client: &mut Client, cx: &mut Context, reason: &str) {
    notice(client, cx, reason);
    client.exit_code = 1;
    leave(client, cx);
}
