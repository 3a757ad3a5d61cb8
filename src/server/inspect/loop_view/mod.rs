//! The event loop at work, live: what `/loop` shows, over the WebSocket at `/loop/ws`.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | who watches; ten frames a second while somebody does, and nothing otherwise |
//! | `frame.rs` | what is sent, as JSON |
//! | `summary.rs` | the short form, for `/loop` in the chat |
//!
//! All watchers get the same frames, each encoded once. Who does not read as fast goes without
//! some. What is sent is what the loop did between two frames, so the watching itself is in it: a
//! timer of the delay every 10 ms, and one of the frames every 100 ms.

mod frame;
mod summary;

use std::rc::Rc;
use std::time::Duration;

use log::debug;

use crate::chat::Millis;
use crate::event_loop::{EventLoopDelay, Timer};
use crate::http::Head;
use crate::http::web_socket::{
    Endpoint, Event, Handshake, Message, Refusal, WebSocket, code, encode_text,
};
use crate::net::{Context, Socket};
use crate::server::core::cost::Cost;
use crate::server::doors::web;
use crate::server::{ChatServer, Exposed};
use frame::Sample;

/// How many may watch at a time.
const WATCHERS: usize = 16;

/// The largest message that is taken from one, in bytes: they have little to say.
pub(in crate::server) const MAX_MESSAGE: usize = 1024;

/// The time from frame to frame.
const PERIOD: Duration = Duration::from_millis(100);

/// How often the loop's delay is sampled: what Node does unless told otherwise.
const RESOLUTION: Duration = Duration::from_millis(10);

/// A turn of so many callbacks is worth recording, and waited for so long.
const WORTH_RECORDING: usize = 12;
const WAIT_FOR_IT: Duration = Duration::from_secs(1);

/// What the button does, and how often it may, in milliseconds.
const BLOCK: u64 = 300;
const BLOCK_PERIOD: Millis = 1000;

/// Who watches, and what they were shown last.
#[derive(Default)]
pub(in crate::server) struct LoopView {
    watchers: Vec<Watcher>,
    /// While somebody watches.
    running: Option<Running>,
    last_block: Option<Millis>,
    /// What `/loop` in the chat has told last.
    told: Sample,
}

struct Watcher {
    web_socket: WebSocket,
    may_block: bool,
    wants_recording: bool,
}

/// What runs only while somebody watches.
struct Running {
    timer: Timer,
    delay: EventLoopDelay,
    /// What the last frame showed.
    before: Sample,
    last_turn: u64,
}

/// Listens to all watchers there will be.
pub(in crate::server) fn listen(cx: &mut Context<ChatServer>, endpoint: Endpoint) {
    endpoint.on_event(
        cx,
        |server: &mut ChatServer, cx, web_socket, event| match event {
            Event::Message(Message::Text(text)) => heard(server, cx, web_socket, text),
            Event::Message(Message::Binary(_)) => {
                web_socket.close(cx, code::UNSUPPORTED_DATA, "only text is taken here");
            }
            Event::Error(error) => debug!("a watcher broke the protocol: {error}"),
            Event::Close(..) => {
                left(server, cx, web_socket);
                server.gone(cx, web_socket.socket());
            }
            Event::Ping(_) | Event::Pong(_) => server.control_frame(cx, web_socket),
            Event::Drain => {}
        },
    );
}

/// Makes a request for a WebSocket a watcher, or refuses it.
pub(in crate::server) fn upgrade(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    endpoint: Endpoint,
    head: &Head,
    socket: Socket,
    rest: &[u8],
) {
    let handshake = check(server, cx, head, socket).and_then(|()| Handshake::from_head(head));
    let handshake = match handshake {
        Ok(handshake) => handshake,
        Err(refusal) => return web::refuse_upgrade(cx, socket, &refusal),
    };
    let may_block = web::is_from_here(server, cx, head, socket) && is_same_origin(head);
    let web_socket = handshake.accept(cx, endpoint, socket, rest);
    web_socket.send_text(cx, &frame::hello(may_block));
    server.loop_view.watchers.push(Watcher {
        web_socket,
        may_block,
        wants_recording: false,
    });
    start(server, cx);
}

/// Whether somebody may watch.
fn check(
    server: &mut ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
) -> Result<(), Refusal> {
    web::vet(server, cx, head, socket, Exposed::Loop)?;
    if server.loop_view.watchers.len() >= WATCHERS {
        return Err(Refusal::new(503, "Too many are watching already"));
    }
    web::admit(server, cx, socket)
        .map_err(|_line| Refusal::new(503, "There are too many connections"))
}

/// Whether the page that asks is this server's own; what is no browser says nothing of it.
fn is_same_origin(head: &Head) -> bool {
    let host = head.host().unwrap_or_default();
    head.header_all("origin").all(|origin| {
        let origin = str::from_utf8(origin).unwrap_or_default();
        let from = origin.split_once("://").map_or("", |(_, from)| from);
        !host.is_empty() && from.as_bytes().eq_ignore_ascii_case(host)
    })
}

/// Starts what runs while somebody watches, if it does not yet.
fn start(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if server.loop_view.running.is_some() {
        return;
    }
    cx.start_monitoring();
    let mut delay = cx.monitor_event_loop_delay(RESOLUTION);
    delay.enable(cx);
    let timer = cx.set_interval(PERIOD, show);
    cx.set_timer_ref(timer, false);
    server.loop_view.running = Some(Running {
        timer,
        delay,
        before: Sample::take(server, cx),
        last_turn: 0,
    });
}

/// Somebody watches no more; after the last nothing runs.
fn left(server: &mut ChatServer, cx: &mut Context<ChatServer>, web_socket: WebSocket) {
    let view = &mut server.loop_view;
    view.watchers
        .retain(|watcher| watcher.web_socket != web_socket);
    if view.watchers.is_empty()
        && let Some(mut running) = view.running.take()
    {
        running.delay.disable(cx);
        cx.clear_timer(running.timer);
        cx.stop_monitoring();
    }
}

/// Sends everyone what the loop has done since the last time, and the recorded turn to who wanted
/// one.
fn show(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    let sample = Sample::take(server, cx);
    let watchers = server.loop_view.watchers.len();
    let Some(running) = &mut server.loop_view.running else {
        return;
    };
    let text = frame::frame(cx, &sample, running, watchers);
    running.last_turn = sample.counters.turns - 1; // this one is still under way
    running.before = sample;
    let frame = encode_text(&text);
    for watcher in &server.loop_view.watchers {
        watcher.send(cx, &frame);
    }
    if let Some(recording) = cx.take_recording() {
        let recording = encode_text(&frame::recording(server, cx, &recording));
        for watcher in &mut server.loop_view.watchers {
            // Who could not take it still wants one.
            if watcher.wants_recording && watcher.send(cx, &recording) {
                watcher.wants_recording = false;
            }
        }
    }
    let mut watchers = server.loop_view.watchers.iter();
    if watchers.any(|watcher| watcher.wants_recording && watcher.has_read_all(cx)) {
        cx.record_turn(WORTH_RECORDING, WAIT_FOR_IT);
    }
}

impl LoopView {
    /// The WebSocket of somebody who watches by this connection.
    pub(in crate::server) fn watcher(&self, socket: Socket) -> Option<WebSocket> {
        let mut watching = self.watchers.iter().map(|watcher| watcher.web_socket);
        watching.find(|web_socket| web_socket.socket() == socket)
    }
}

impl Watcher {
    /// Whether it may be sent something: nothing is kept for those who read more slowly than
    /// others.
    fn has_read_all(&self, cx: &Context<ChatServer>) -> bool {
        self.web_socket.buffered_amount(cx) == 0
    }

    /// Sends it a message; false if it goes without.
    fn send(&self, cx: &mut Context<ChatServer>, message: &Rc<Vec<u8>>) -> bool {
        let sends = self.has_read_all(cx);
        if sends {
            self.web_socket.send_encoded(cx, message);
        }
        sends
    }
}

/// A watcher wants something.
fn heard(server: &mut ChatServer, cx: &mut Context<ChatServer>, web_socket: WebSocket, text: &str) {
    let socket = web_socket.socket();
    server.charge(cx, socket, Cost::LINE);
    if server.has_had_its_share(cx, socket) {
        web_socket.pause(cx); // this one is heard
    }
    let now = cx.now();
    let view = &mut server.loop_view;
    let mut watchers = view.watchers.iter_mut();
    let Some(watcher) = watchers.find(|watcher| watcher.web_socket == web_socket) else {
        return;
    };
    match text {
        "record" => {
            watcher.wants_recording = true;
            cx.record_turn(WORTH_RECORDING, WAIT_FOR_IT);
        }
        "reset" => {
            if let Some(running) = &view.running {
                running.delay.reset();
            }
        }
        "block" if watcher.may_block => {
            if let Some(over) = block(view.last_block, now) {
                // What no callback should do: nothing else happens meanwhile, to nobody.
                std::thread::sleep(Duration::from_millis(BLOCK));
                view.last_block = Some(over);
            }
        }
        "block" => {
            web_socket.close(cx, code::POLICY_VIOLATION, "that is for this machine only");
        }
        _ => web_socket.close(cx, code::POLICY_VIOLATION, "record, reset or block"),
    }
}

/// When a block that begins now will be over, if the last one is long enough ago.
fn block(last: Option<Millis>, now: Millis) -> Option<Millis> {
    let may = last.is_none_or(|last| now >= last + BLOCK_PERIOD);
    may.then_some(now + BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;

    #[test]
    fn only_a_page_of_this_server_is_its_own() {
        for (fields, is_own) in [
            ("Host: localhost:8080\r\n", true),
            (
                "Host: localhost:8080\r\nOrigin: http://LocalHost:8080\r\n",
                true,
            ),
            (
                "Host: localhost:8080\r\nOrigin: http://localhost:3000\r\n",
                false,
            ),
            (
                "Host: localhost:8080\r\nOrigin: http://evil.example\r\n",
                false,
            ),
            ("Host: localhost:8080\r\nOrigin: null\r\n", false),
            ("Host: a\r\nOrigin: http://a\r\nOrigin: http://b\r\n", false),
            ("Host:\r\nOrigin: null\r\n", false),
            ("Host:\r\nOrigin: http://\r\n", false),
        ] {
            let text = format!("GET /loop/ws HTTP/1.1\r\n{fields}\r\n");
            let mut head = Head::default();
            let parsed = head.parse_request(text.as_bytes(), &Limits::default());
            assert_eq!(parsed.expect("a head"), Some(text.len()));
            assert_eq!(is_same_origin(&head), is_own, "{fields:?}");
        }
    }

    #[test]
    fn there_is_a_second_between_two_blocks() {
        let over = block(None, 5000).expect("there was none");
        assert_eq!(over, 5000 + BLOCK);
        assert_eq!(block(Some(over), over + BLOCK_PERIOD - 1), None);
        let later = over + BLOCK_PERIOD;
        assert_eq!(block(Some(over), later), Some(later + BLOCK));
    }
}
