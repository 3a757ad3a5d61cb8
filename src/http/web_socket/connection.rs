//! What the loop keeps of one WebSocket, and what the events of its socket do to it.

use std::time::Duration;

use log::debug;

use super::deadlines::Due;
use super::decoder::Decoded;
use super::{
    Endpoint, Event, Message, Options, Protocol, ReadyState, Received, Role, WebSocket, code,
};
use crate::http::server::THROWN_AWAY;
use crate::net::{self, Context, Holding, Socket};

/// The deadlines that one timer's callback handles at most; the others follow a turn later.
const DUE_PER_TURN: usize = 256;

/// Frames one WebSocket is served in one turn, whole messages or not; the rest of what was read
/// waits for the next. They are counted after every [`WINDOW`].
const FRAMES_PER_TURN: u32 = 256;

/// Bytes that are taken apart before the frames in them are counted.
const WINDOW: usize = 2048;

/// Answers to pings are sent together, up to so many bytes.
const ANSWERS: usize = 2048;

/// Hung on its socket. Between two messages it owns no memory beyond this.
pub(super) struct Connection {
    pub(super) endpoint: Endpoint,
    pub(super) protocol: Protocol,
    /// The code and the reason of the peer's close frame.
    closed: Option<(u16, Box<str>)>,
    /// Counts the message that is being put together.
    held: Holding,
    /// What the kernel had been handed when its silence was last looked for.
    sent: u64,
    /// The user reads no more for now.
    pub(super) paused: bool,
    /// Answers wait to be sent: no more is read that could ask for others.
    choked: bool,
    /// A send returned false.
    pub(super) need_drain: bool,
    /// Something came since its silence was last looked for.
    heard: bool,
    /// Its end is waited for.
    ending: bool,
    /// Bytes that were read since then, and since the peer's close frame.
    since_end: u32,
}

impl Connection {
    /// Whether its end has been read for long enough: whatever else comes stays with the kernel.
    fn has_had_enough(&self, options: &Options) -> bool {
        let most = match self.protocol.is_peer_done() {
            true => THROWN_AWAY as usize,
            false => options.max_after_close,
        };
        self.ending && self.since_end as usize > most
    }
}

/// What a WebSocket holds of a message that is not complete, in bytes; nothing on a socket that is
/// none. What waits in the socket itself is [its own](Socket::held).
#[must_use]
pub fn held<S: 'static>(cx: &Context<S>, socket: Socket) -> usize {
    let connection = socket.data::<S, Connection>(cx);
    connection.map_or(0, |connection| connection.held.bytes())
}

/// Makes a connected socket a WebSocket, from here on.
pub(super) fn open<S: 'static>(
    cx: &mut Context<S>,
    endpoint: Endpoint,
    role: Role,
    socket: Socket,
    head: &[u8],
) -> WebSocket {
    let options = endpoint.options(cx);
    let connection = Connection {
        endpoint,
        protocol: Protocol::new(role, options.max_message),
        closed: None,
        held: Holding::default(),
        sent: 0,
        paused: false,
        choked: false,
        need_drain: false,
        heard: false,
        ending: false,
        since_end: 0,
    };
    socket.set_data(cx, connection);
    socket
        .remove_all_listeners(cx)
        .set_timeout(cx, Duration::ZERO)
        .set_no_delay(cx, true)
        .set_allow_half_open(cx, true)
        .unshift(cx, head)
        .on_event(cx, heard);
    let web_socket = WebSocket(socket);
    if !options.ping_interval.is_zero() {
        set_deadline(cx, endpoint, Due::Ping, web_socket);
    }
    web_socket
}

/// An event of the socket's.
fn heard<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket, event: net::Event<'_>) {
    let web_socket = WebSocket(socket);
    match event {
        net::Event::Data(bytes) => data(state, cx, web_socket, bytes),
        net::Event::End => end(cx, web_socket),
        net::Event::Drain => drain(state, cx, web_socket),
        net::Event::Error(error) => {
            debug!("a WebSocket's connection broke: {error}");
            broke(state, cx, web_socket);
        }
        net::Event::Close(_) => close(state, cx, web_socket),
        _ => {}
    }
}

/// Serves what came, up to a turn's share. What is not served is given back to the socket.
fn data<S: 'static>(state: &mut S, cx: &mut Context<S>, web_socket: WebSocket, bytes: &[u8]) {
    let was_ending = web_socket
        .connection(cx)
        .is_some_and(|connection| connection.ending);
    let rest = serve(state, cx, web_socket, bytes);
    web_socket.0.unshift(cx, rest);
    if !was_ending {
        return;
    }
    let Some(connection) = web_socket.connection_mut(cx) else {
        return;
    };
    let served = (bytes.len() - rest.len()) as u32;
    connection.since_end = connection.since_end.saturating_add(served);
    flow(cx, web_socket);
}

/// Serves what came, and returns what is left of it for the next turn.
fn serve<'a, S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    web_socket: WebSocket,
    bytes: &'a [u8],
) -> &'a [u8] {
    let mut input = bytes;
    let mut answer = Vec::new();
    let mut begun = None;
    loop {
        if web_socket.0.destroyed(cx) {
            return &[]; // a listener has terminated it
        }
        let Some(connection) = web_socket.connection_mut(cx) else {
            return &[];
        };
        connection.heard = true;
        let endpoint = connection.endpoint;
        let frames = connection.protocol.frames();
        let served = frames.wrapping_sub(*begun.get_or_insert(frames));
        if connection.paused || connection.choked || served >= FRAMES_PER_TURN {
            break;
        }
        let (mut window, rest) = input.split_at(input.len().min(WINDOW));
        let received = connection.protocol.receive(&mut window, &mut answer);
        input = &input[input.len() - rest.len() - window.len()..];
        connection.held.set(connection.protocol.held());
        let is_ping = matches!(received, Some(Received::Frame(Decoded::Ping(_))));
        if !answer.is_empty() && (!is_ping || answer.len() >= ANSWERS) {
            send_answer(cx, web_socket, &answer);
            answer.clear();
        }
        let Some(received) = received else {
            if input.is_empty() {
                return &[];
            }
            continue;
        };
        match received {
            Received::Frame(Decoded::Text(text)) => {
                let event = Event::Message(Message::Text(&text));
                endpoint.emit(state, cx, web_socket, event);
            }
            Received::Frame(Decoded::Binary(bytes)) => {
                let event = Event::Message(Message::Binary(&bytes));
                endpoint.emit(state, cx, web_socket, event);
            }
            Received::Frame(Decoded::Ping(payload)) => {
                endpoint.emit(state, cx, web_socket, Event::Ping(&payload));
            }
            Received::Frame(Decoded::Pong(payload)) => {
                endpoint.emit(state, cx, web_socket, Event::Pong(&payload));
            }
            Received::Frame(Decoded::Close(code, reason)) => {
                finish(cx, web_socket, Some((code, reason.into())));
            }
            Received::Failed(error) => {
                finish(cx, web_socket, None);
                endpoint.emit(state, cx, web_socket, Event::Error(&error));
            }
        }
    }
    if !answer.is_empty() {
        send_answer(cx, web_socket, &answer);
    }
    input
}

/// Has what comes flow, unless somebody or something is against it.
fn flow<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket) {
    let Some(connection) = web_socket.connection(cx) else {
        return;
    };
    let options = connection.endpoint.options(cx);
    if connection.paused || connection.choked || connection.has_had_enough(&options) {
        web_socket.0.pause(cx);
    } else {
        web_socket.0.resume(cx);
    }
}

/// Writes pongs. While they cannot be sent, no more is read.
fn send_answer<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket, answer: &[u8]) {
    if web_socket.0.write(cx, answer) {
        return;
    }
    if let Some(connection) = web_socket.connection_mut(cx) {
        connection.choked = true;
        flow(cx, web_socket);
    }
}

/// The peer is done: the connection is to end. It does so in the check phase, so that what is
/// answered there to what this turn has brought still goes out, before our close frame.
fn finish<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket, closed: Option<(u16, Box<str>)>) {
    let Some(connection) = web_socket.connection_mut(cx) else {
        return;
    };
    // The server ends it, so that its port need not wait for stray packets: the client's does. But
    // whoever was not understood is left at once.
    let leaves = connection.protocol.role() == Role::Server || closed.is_none();
    connection.closed = closed;
    // Its end is read for; what comes before it is ignored.
    connection.paused = false;
    connection.choked = false;
    connection.since_end = 0;
    flow(cx, web_socket);
    await_end(cx, web_socket);
    cx.set_immediate(move |_: &mut S, cx| {
        let mut answer = Vec::new();
        if let Some(connection) = web_socket.connection_mut(cx)
            && connection.protocol.answer_close(&mut answer)
        {
            web_socket.0.write(cx, answer);
        }
        if leaves {
            web_socket.0.end(cx);
        }
    });
}

/// The peer sends no more. Our side ends in the check phase, so that what is answered there to what
/// this turn has brought still goes out; and as that may never be taken, it has a deadline.
fn end<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket) {
    cx.set_immediate(move |_: &mut S, cx| {
        if let Some(connection) = web_socket.connection_mut(cx) {
            connection.protocol.end();
            web_socket.0.end(cx);
        }
    });
    await_end(cx, web_socket);
}

/// Nothing can be sent any more. What the peer had sent before is still told, for as long as a
/// connection has to end: whoever has paused it is not to keep it for ever, and whoever waits until
/// all is sent need not wait any more.
fn broke<S: 'static>(state: &mut S, cx: &mut Context<S>, web_socket: WebSocket) {
    if !web_socket.0.destroyed(cx) {
        await_end(cx, web_socket);
    }
    drain(state, cx, web_socket);
}

/// Gives the connection its time to end.
pub(super) fn await_end<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket) {
    let Some(connection) = web_socket.connection_mut(cx) else {
        return;
    };
    if !std::mem::replace(&mut connection.ending, true) {
        let endpoint = connection.endpoint;
        set_deadline(cx, endpoint, Due::Close, web_socket);
    }
}

/// All is sent, or nothing can be.
fn drain<S: 'static>(state: &mut S, cx: &mut Context<S>, web_socket: WebSocket) {
    let Some(connection) = web_socket.connection_mut(cx) else {
        return;
    };
    let endpoint = connection.endpoint;
    let tell = std::mem::take(&mut connection.need_drain);
    let choked = std::mem::take(&mut connection.choked);
    if choked {
        flow(cx, web_socket);
    }
    if tell || choked {
        endpoint.emit(state, cx, web_socket, Event::Drain);
    }
}

/// The user reads again.
pub(super) fn resume<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket) {
    let Some(connection) = web_socket.connection_mut(cx) else {
        return;
    };
    connection.paused = false;
    flow(cx, web_socket);
}

fn close<S: 'static>(state: &mut S, cx: &mut Context<S>, web_socket: WebSocket) {
    let Some(connection) = web_socket.0.take_data::<S, Connection>(cx) else {
        return;
    };
    let (code, reason) = match &connection.closed {
        Some((code, reason)) => (*code, &**reason),
        None => (code::ABNORMAL, ""),
    };
    let event = Event::Close(code, reason);
    connection.endpoint.emit(state, cx, web_socket, event);
}

// --- deadlines ------------------------------------------------------------------------------

/// Sees to it that the WebSocket is looked at when this is due.
fn set_deadline<S: 'static>(
    cx: &mut Context<S>,
    endpoint: Endpoint,
    due: Due,
    web_socket: WebSocket,
) {
    let now = cx.now();
    if let Some(shared) = endpoint.shared(cx) {
        shared.deadlines.push(now, due, web_socket);
        arm(cx, endpoint);
    }
}

/// Sets the timer to the first deadline, unless it is set to about that.
fn arm<S: 'static>(cx: &mut Context<S>, endpoint: Endpoint) {
    let now = cx.now();
    let Some(shared) = endpoint.shared(cx) else {
        return;
    };
    let Some(at) = shared.deadlines.next_look(now) else {
        return;
    };
    let set = shared.timer;
    let grain = shared.deadlines.grain();
    if set.is_some_and(|(set, _)| set <= at + grain) {
        return;
    }
    if let Some((_, timer)) = set {
        cx.clear_timer(timer);
    }
    let wait = Duration::from_millis(at.saturating_sub(now));
    let timer = cx.set_timeout(wait, move |_, cx| look(cx, endpoint));
    // Who is waited for holds the loop open, not the waiting.
    cx.set_timer_ref(timer, false);
    if let Some(shared) = endpoint.shared(cx) {
        shared.timer = Some((at, timer));
    }
}

/// Timers phase: looks at those whose deadline is past.
fn look<S: 'static>(cx: &mut Context<S>, endpoint: Endpoint) {
    let (now, awake) = (cx.now(), cx.awake_since());
    if let Some(shared) = endpoint.shared(cx) {
        shared.timer = None;
    }
    for _ in 0..DUE_PER_TURN {
        let due = endpoint
            .shared(cx)
            .and_then(|shared| shared.deadlines.pop(now));
        let Some((due, web_socket, since)) = due else {
            break;
        };
        if since < awake {
            // What the peer has done while the loop was held up is still to be seen.
            set_deadline(cx, endpoint, due, web_socket);
        } else if let Some(next) = self::due(cx, web_socket, due) {
            set_deadline(cx, endpoint, next, web_socket);
        }
    }
    arm(cx, endpoint);
}

/// A deadline is past. What is due next, if anything.
fn due<S: 'static>(cx: &mut Context<S>, web_socket: WebSocket, due: Due) -> Option<Due> {
    let socket = web_socket.0;
    let waiting = socket.buffered(cx) as u64;
    let sent = socket.bytes_written(cx) - waiting;
    let connection = web_socket.connection_mut(cx)?;
    if due == Due::Close {
        debug!("a WebSocket took too long to end");
        web_socket.0.give_up(cx);
        return None;
    }
    if connection.protocol.state() != ReadyState::Open {
        return None; // there is a deadline for its end
    }
    // Whom we do not listen to is not silent. Nor who takes what waits for it: the kernel takes
    // more only when the peer has.
    let takes = waiting > 0 && sent > connection.sent;
    let alive = std::mem::take(&mut connection.heard) || connection.paused || takes;
    connection.sent = sent;
    match due {
        _ if alive => Some(Due::Ping),
        Due::Ping => {
            web_socket.ping(cx, b"");
            Some(Due::Pong)
        }
        _ => {
            debug!("a WebSocket does not answer pings");
            web_socket.0.give_up(cx);
            None
        }
    }
}
