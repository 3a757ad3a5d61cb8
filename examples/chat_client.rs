//! A chat client for the terminal: standard input and a socket, both on one event loop.
//!
//! ```text
//! cargo run --release --example chat_client                     # 127.0.0.1:3000
//! cargo run --release --example chat_client -- localhost:3000 --nick ada --room tea
//! cargo run --release --example chat_client -- ./chat.sock      # a path: Unix socket
//! printf 'hello\n/who\n' | cargo run --release --example chat_client
//! ```
//!
//! What you type goes to the server line by line; what it says is printed. After the end of the
//! input (Ctrl-D, or that of a pipe or a file) what is still answered is printed, and the client
//! exits with 0 when the server closes; so it does after `/quit`. Ctrl-C exits with 130.
//!
//! The client's own words go to standard error and start with `-- `. If the server goes away, it
//! tries again after 1, 2, 4 ... up to 30 seconds, and takes its nickname and its room again:
//!
//! ```text
//! /nick ada
//! * You are now ada.
//! -- connection lost; next try in 1 s
//! -- connected again
//! * Welcome to loopchat, guest1. You are in #lobby with 0 others.
//! * Type to talk. /help lists the commands, /nick NAME gives you a name.
//! * You are now ada.
//! ```
//!
//! Read it from top to bottom: [`connect`] is the client as one writes it with Node's
//! `net.createConnection`, and each listener it adds is a function below it. All of them get the
//! one [`Client`], which the loop lends them. Nothing here waits: input is read when the loop says
//! that there is some, and output, which may block, is work for the thread pool.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal, Write};
use std::mem;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Parser;
use loopchat::chat::sanitise;
use loopchat::event_loop::{PollHandle, SIGINT, Timer};
use loopchat::net::{self, Error, EventLoop, Socket, Target};
use loopchat::server::framing::{Frame, LineDecoder};
use mio::{Interest, unix::SourceFd};

/// What every listener gets to reach the loop.
type Context = net::Context<Client>;

/// Bytes of standard input that are read at a time.
const PIECE: usize = 16 * 1024;
/// The longest line, typed or heard, in bytes: nobody makes us collect without end.
const MAX_LINE: usize = 64 * 1024;
/// Lines typed at a terminal that are kept while there is no connection.
const MAX_UNSENT: usize = 100;
/// Bytes that may wait to be printed; when there are more, the server has to wait.
const MAX_UNPRINTED: usize = 64 * 1024;
/// The longest wait for the next try, in seconds.
const MAX_DELAY: u64 = 30;

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
    /// Take this nickname
    #[arg(long, value_name = "NAME", env = "LOOPCHAT_NICK")]
    nick: Option<String>,
    /// Go to this room
    #[arg(long, value_name = "ROOM", env = "LOOPCHAT_ROOM")]
    room: Option<String>,
}

fn parse_target(text: &str) -> Result<Target, &'static str> {
    Target::parse(text).ok_or("it wants IP:PORT, HOST:PORT or a path with a /")
}

/// The state: what the loop lends to every callback.
struct Client {
    server: Target,
    /// Someone sits at a terminal: they leave when they want to, not when something fails.
    interactive: bool,
    exit_code: u8,

    socket: Option<Socket>,
    link: Link,
    /// When the socket was connected, in loop time; `None` if it is not.
    since: Option<u64>,
    ever_connected: bool,
    /// What the last error was.
    trouble: String,
    /// Seconds until the next try, and the timer that is set for it.
    delay: u64,
    retry: Option<Timer>,
    /// What to be called and where to be: as the flags ask, then as the server confirms.
    nick: Option<String>,
    room: Option<String>,

    input: Input,
    /// Makes lines of what is typed.
    typed: LineDecoder,
    /// Typed while there was no connection.
    unsent: Vec<String>,
    /// The last write returned false: nothing is read from standard input until `drain`.
    full: bool,

    /// Makes lines of what the server says.
    heard: LineDecoder,
    /// What waits to be printed, in order.
    output: Vec<(To, String)>,
    printing: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Link {
    /// Connecting, or waiting for the next try.
    Down,
    Up,
    /// We have said all: when the connection closes, that was it.
    Ending,
}

/// Who reads standard input.
#[derive(Clone, Copy, PartialEq)]
enum Input {
    Paused,
    Polled(PollHandle),
    ByThreadPool,
    Ended,
}

#[derive(PartialEq)]
enum To {
    Stdout,
    Stderr,
}

fn main() -> io::Result<ExitCode> {
    env_logger::init();
    let flags = Flags::parse();
    let mut client = Client {
        server: flags.server,
        interactive: io::stdin().is_terminal(),
        exit_code: 0,
        socket: None,
        link: Link::Down,
        since: None,
        ever_connected: false,
        trouble: String::new(),
        delay: 1,
        retry: None,
        nick: flags.nick,
        room: flags.room,
        input: Input::Paused,
        typed: LineDecoder::new(),
        unsent: Vec::new(),
        full: false,
        heard: LineDecoder::new(),
        output: Vec::new(),
        printing: false,
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
    let socket = net::create_connection(cx, client.server.clone());
    socket.on_connect(cx, connected);
    socket.on_data(cx, heard);
    socket.on_drain(cx, drained);
    socket.on_end(cx, ended);
    socket.on_error(cx, failed);
    socket.on_close(cx, closed);
    client.socket = Some(socket);
}

fn connected(client: &mut Client, cx: &mut Context, socket: Socket) {
    if mem::replace(&mut client.ever_connected, true) {
        notice(client, cx, "connected again");
    }
    client.link = Link::Up;
    client.since = Some(cx.now());
    client.full = false;
    socket.cork(cx); // one write for all that is to be said now
    if let Some(nick) = &client.nick {
        socket.write(cx, format!("/nick {nick}\n").as_bytes());
    }
    // Everyone starts in the lobby.
    if let Some(room) = client.room.as_ref().filter(|room| *room != "lobby") {
        socket.write(cx, format!("/join {room}\n").as_bytes());
    }
    for line in mem::take(&mut client.unsent) {
        say(client, cx, &line);
    }
    socket.uncork(cx);
    if client.input == Input::Ended {
        all_said(client, cx);
    }
    read_or_pause(client, cx);
}

fn heard(client: &mut Client, cx: &mut Context, socket: Socket, bytes: &[u8]) {
    let mut decoder = mem::take(&mut client.heard);
    decoder.feed(MAX_LINE, bytes, |frame| {
        hear(client, cx, frame);
        ControlFlow::Continue(())
    });
    client.heard = decoder;
    // Backpressure: the kernel's buffer fills, then the server's, until this is printed.
    if client
        .output
        .iter()
        .map(|(_, text)| text.len())
        .sum::<usize>()
        > MAX_UNPRINTED
    {
        socket.pause(cx);
    }
}

/// One line from the server. It should be safe to print, but who knows which server that is.
fn hear(client: &mut Client, cx: &mut Context, frame: Frame<'_>) {
    let Frame::Line(line) = frame else {
        return notice(
            client,
            cx,
            "the server said a line that is too long to show",
        );
    };
    let line = sanitise(line);
    // Name and room are followed by what the server confirms, since what was typed may be refused.
    // Only its own lines start with a star. The name that it gives a guest is not confirmed so.
    if let Some(confirmed) = line.strip_prefix("* You are now ") {
        match confirmed.strip_prefix("in #") {
            Some(room) => client.room = room.split(' ').next().map(str::to_owned),
            None => client.nick = confirmed.strip_suffix('.').map(str::to_owned),
        }
    }
    show(client, cx, To::Stdout, &line);
}

/// All that was written is with the kernel: there is room for more.
fn drained(client: &mut Client, cx: &mut Context, _socket: Socket) {
    client.full = false;
    read_or_pause(client, cx);
}

/// The server will say no more, and the socket ends itself now: what is typed from here on is for
/// the next connection.
fn ended(client: &mut Client, cx: &mut Context, _socket: Socket) {
    if client.link == Link::Up {
        client.link = Link::Down;
    }
    read_or_pause(client, cx);
}

fn failed(client: &mut Client, _cx: &mut Context, _socket: Socket, error: &Error) {
    client.trouble = error.to_string(); // `Close` follows
}

/// The connection is gone, or never was: the end if we had said all, or else we try again.
fn closed(client: &mut Client, cx: &mut Context, _socket: Socket, had_error: bool) {
    let mut decoder = mem::take(&mut client.heard);
    decoder.finish(MAX_LINE, |frame| hear(client, cx, frame)); // a last line without its end
    client.socket = None;
    let since = client.since.take();
    if client.link == Link::Ending {
        if had_error && client.input == Input::Ended {
            let reason = format!("{}: answers may be missing", client.trouble);
            fail(client, cx, &reason);
        }
        return;
    }
    client.link = Link::Down;
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
    client.retry = Some(cx.set_timeout(client.delay * 1000, connect));
    client.delay = (client.delay * 2).min(MAX_DELAY);
    read_or_pause(client, cx);
}

// --- standard input -----------------------------------------------------------------------------

/// Begins to read standard input if it is wanted now, or stops if it is not: to be called whenever
/// that may have changed.
///
/// A terminal or a pipe is polled like a socket, except that it stays in blocking mode: the mode
/// belongs to everyone who shares it, the shell included. One read for each event does not block.
/// A file cannot be polled: it is always ready, and slow all the same. The thread pool reads it,
/// piece by piece.
fn read_or_pause(client: &mut Client, cx: &mut Context) {
    let wanted = match client.link {
        Link::Up => !client.full,
        // Whoever types is heard; a pipe can wait, and what is not read yet is not lost.
        Link::Down => client.interactive,
        Link::Ending => false,
    };
    match (wanted, client.input) {
        (true, Input::Paused) => {
            let readable = |client: &mut Client, cx: &mut Context, _, _: &mut _, _| {
                typed(client, cx, read_stdin());
            };
            match cx.poll(SourceFd(&0), Interest::READABLE, readable) {
                Ok(handle) => client.input = Input::Polled(handle),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    client.input = Input::ByThreadPool;
                    cx.queue_work(read_stdin, |client, cx, piece| {
                        client.input = Input::Paused;
                        typed(client, cx, piece);
                    });
                }
                Err(error) => typed(client, cx, Err(error)),
            }
        }
        (false, Input::Polled(handle)) => {
            cx.close_poll(handle);
            client.input = Input::Paused;
        }
        _ => {}
    }
}

/// One read, past the buffer of `std`: of what that holds no event would tell.
fn read_stdin() -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE];
    let count = rustix::io::read(io::stdin(), &mut piece[..])?;
    piece.truncate(count);
    Ok(piece)
}

/// A piece of the input, or its end: an empty piece.
fn typed(client: &mut Client, cx: &mut Context, piece: io::Result<Vec<u8>>) {
    let piece = match piece {
        // Someone else who shares the terminal was faster.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
        Err(error) => {
            notice(client, cx, &format!("cannot read the input: {error}"));
            client.exit_code = 1;
            Vec::new()
        }
        Ok(piece) => piece,
    };
    let mut decoder = mem::take(&mut client.typed);
    let socket = client.socket.inspect(|socket| socket.cork(cx)); // one write for all the lines
    let mut say_frame = |frame: Frame<'_>| match frame {
        Frame::Line(line) => say(client, cx, line),
        Frame::TooLong => notice(client, cx, "a line was not sent: it is too long"),
    };
    if piece.is_empty() {
        decoder.finish(MAX_LINE, say_frame); // a last line without its end
        if let Input::Polled(handle) = mem::replace(&mut client.input, Input::Ended) {
            cx.close_poll(handle);
        }
    } else {
        decoder.feed(MAX_LINE, &piece, |frame| {
            say_frame(frame);
            ControlFlow::Continue(())
        });
    }
    client.typed = decoder;
    socket.inspect(|socket| socket.uncork(cx));
    if client.input == Input::Ended {
        all_said(client, cx);
    }
    read_or_pause(client, cx);
}

/// Sends a line, or keeps it until there is a connection.
fn say(client: &mut Client, cx: &mut Context, line: &str) {
    let words = sanitise(line);
    let quits = (words.split(' ').next()).is_some_and(|word| word.eq_ignore_ascii_case("/quit"));
    match (client.link, client.socket) {
        (Link::Ending, _) => {}
        (Link::Up, Some(socket)) if !socket.destroyed(cx) => {
            client.full |= !socket.write(cx, format!("{line}\n").as_bytes());
            if quits {
                client.link = Link::Ending; // the server says goodbye, and closes
            }
        }
        _ if !client.interactive => client.unsent.push(line.to_owned()), // the rest of a piece
        _ if quits => leave(client, cx),
        _ if client.unsent.len() < MAX_UNSENT => client.unsent.push(line.to_owned()),
        _ => notice(
            client,
            cx,
            "not connected, and too many lines wait: that one is lost",
        ),
    }
}

/// The input has ended. The server is told so, and answers what it still has to. If there is none,
/// a pipe's last lines wait for it, but whoever types Ctrl-D wants to leave.
fn all_said(client: &mut Client, cx: &mut Context) {
    match (client.link, client.socket) {
        (Link::Up, Some(socket)) => {
            client.link = Link::Ending;
            socket.end(cx);
        }
        (Link::Down, _) if client.interactive || client.unsent.is_empty() => leave(client, cx),
        _ => {}
    }
}

/// Leaves nothing to wait for except the output: the loop ends by itself then.
fn leave(client: &mut Client, cx: &mut Context) {
    client.link = Link::Ending;
    if !mem::take(&mut client.unsent).is_empty() {
        fail(client, cx, "the last lines were not sent");
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

// --- output -------------------------------------------------------------------------------------

/// The client's own words.
fn notice(client: &mut Client, cx: &mut Context, text: &str) {
    show(client, cx, To::Stderr, &format!("-- {text}"));
}

/// Prints a line in the check phase, together with all else that this turn of the loop brings.
fn show(client: &mut Client, cx: &mut Context, to: To, line: &str) {
    match client.output.last_mut() {
        Some((last, text)) if *last == to => *text += &format!("{line}\n"),
        _ => client.output.push((to, format!("{line}\n"))),
    }
    if !mem::replace(&mut client.printing, true) {
        cx.set_immediate(print);
    }
}

/// A pager or a stopped terminal takes nothing for hours, and writing to it blocks: so the thread
/// pool does it, and the loop goes on. Ctrl-C, for one, still ends it.
fn print(client: &mut Client, cx: &mut Context) {
    let output = mem::take(&mut client.output);
    let write = move || {
        output.iter().try_for_each(|(to, text)| match to {
            To::Stdout => io::stdout().write_all(text.as_bytes()),
            To::Stderr => io::stderr().write_all(text.as_bytes()),
        })
    };
    cx.queue_work(write, |client, cx, written: io::Result<()>| {
        client.printing = false;
        if let Some(socket) = client.socket {
            socket.resume(cx);
        }
        if written.is_err() {
            client.output.clear(); // nobody reads us any more
            client.exit_code = 1;
            leave(client, cx);
        } else if !client.output.is_empty() {
            client.printing = true;
            print(client, cx);
        }
    });
}
