//! The orderly end: SIGINT, SIGTERM, a terminal that is gone (SIGHUP), or an operator's order.
//!
//! What had come by then is heard first. How much that is, is known for each connection: what was
//! read of it, and what the kernel says that it holds. How many turns it takes does not matter.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use log::{info, warn};

use crate::chat::DisconnectReason;
use crate::event_loop::{SIGHUP, SIGINT, SIGTERM, Signal};
use crate::http::web_socket;
use crate::net::{self, Context, Socket};
use crate::server::certificates::{self, Why};
use crate::server::core::hub::seconds;
use crate::server::service_manager::{self, State};
use crate::server::terminal::HangUp;
use crate::server::{ChatServer, Loop, moment};

/// How long after SIGHUP the terminal is looked at again: the system may send it a moment before it
/// takes the terminal away.
const TERMINAL: Duration = Duration::from_secs(1);

/// Shuts down at the first signal that says so; SIGHUP may have [another
/// meaning](crate::server::terminal). The next one ends the process at once, even if the loop is
/// busy.
pub(super) fn on_signals(event_loop: &mut Loop) -> io::Result<()> {
    let hang_up = HangUp::at_start();
    let ending: &[Signal] = match hang_up {
        HangUp::Ends => &[SIGINT, SIGTERM, SIGHUP],
        HangUp::Reads => &[SIGINT, SIGTERM],
    };
    let mut has_come = false;
    event_loop.on_signal(
        &[SIGINT, SIGTERM, SIGHUP],
        move |server: &mut ChatServer, cx, signal| {
            if signal == SIGHUP && !hang_up.is_the_end() {
                certificates::read_again(server, cx, Why::Asked);
                if hang_up == HangUp::Ends {
                    look_again(cx, hang_up, ending);
                }
            } else if std::mem::replace(&mut has_come, true) || server.end.has_begun() {
                cx.stop(); // both came before the loop could look
            } else {
                end_by(server, cx, signal, ending);
            }
        },
    )?;
    Ok(())
}

/// SIGHUP has come, and the terminal is still there.
fn look_again(cx: &mut Context<ChatServer>, hang_up: HangUp, ending: &'static [Signal]) {
    let timer = cx.set_timeout(TERMINAL, move |server: &mut ChatServer, cx| {
        if hang_up.is_the_end() && matches!(server.end, End::Far) {
            end_by(server, cx, SIGHUP, ending);
        }
    });
    cx.set_timer_ref(timer, false);
}

/// A signal has come that says that it is to end; another of them ends it at once.
fn end_by(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    signal: Signal,
    ending: &[Signal],
) {
    for other in ending.iter().copied() {
        if let Err(error) = other.restore_default() {
            warn!("a second {other} will not end the process at once: {error}");
        }
    }
    info!("{signal}: shutting down; again to end at once");
    begin_after_what_came(server, cx);
}

/// How far the orderly end has come.
#[derive(Debug, Default)]
pub(super) enum End {
    /// Nobody has asked for it.
    #[default]
    Far,
    /// What had come when somebody did is being heard, from these.
    Hears(HashMap<Socket, Mark>),
    /// All of that is getting its place in the rooms' log, and its answers.
    Settles,
    /// Everyone is told.
    HasBegun,
}

/// How many bytes of a connection's had come: those that were read, and those that were in the
/// kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u64);

/// A byte that is kept may have come in a frame of its own, of so many bytes; and the frame of one
/// that has not come in full is that much longer at most.
const FRAMED: usize = 8;
const FRAME: usize = 14;

/// Over TLS a byte may have come in a record of its own, of so many bytes at most.
const RECORDED: usize = 32;

impl End {
    pub(super) fn has_begun(&self) -> bool {
        matches!(self, Self::HasBegun)
    }

    /// Whether it has been asked for, and what was said before is under way.
    pub(super) fn is_near(&self) -> bool {
        matches!(self, Self::Hears(_) | Self::Settles)
    }
}

/// Begins when all is heard that has come by now, from whomever, and has got its place; or when
/// half of the time for the end is over. The other half is for last lines.
pub(super) fn begin_after_what_came(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if !matches!(server.end, End::Far) {
        return; // it was asked for twice
    }
    let marks = server.connections.iter().map(|connection| {
        let socket = connection.socket;
        let came = socket.bytes_received(cx) + socket.unread_in_kernel(cx) as u64;
        (socket, Mark(came))
    });
    server.end = End::Hears(marks.collect());
    server.ends_since = Some(cx.now());
    let timeout = seconds(server.config.shutdown_timeout) / 2;
    let deadline = cx.set_deadline(Duration::from_millis(timeout), |server: &mut ChatServer, cx| {
        match &server.end {
            End::Hears(from) => warn!("{} connections have said more than could be heard in time", from.len()),
            End::Settles => warn!("the rooms' log did not settle all that was said, or answer all that was asked, in time"),
            End::Far | End::HasBegun => return,
        }
        begin(server, cx);
    });
    server.end_deadline = Some(deadline);
    go_on(server, cx);
}

/// Looks again, in the check phase, whether the end may begin: something has happened. What this
/// turn has brought has been read by then.
pub(super) fn go_on_soon(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if !std::mem::replace(&mut server.looks_at_end, true) {
        cx.set_immediate(|server: &mut ChatServer, cx| {
            server.looks_at_end = false;
            go_on(server, cx);
        });
    }
}

/// Goes on from hearing to settling, and from that to the end.
fn go_on(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if let End::Hears(from) = &mut server.end {
        let mut from = std::mem::take(from);
        from.retain(|&socket, &mut mark| is_to_be_heard(server, cx, socket, mark));
        if !from.is_empty() {
            // What is read may be no more than a part of a line, or of a frame: nobody tells then.
            let is_being_read = |(&socket, &Mark(came)): (&Socket, &Mark)| {
                socket.bytes_received(cx) < came && !socket.is_paused(cx)
            };
            let goes_on = from.iter().any(is_being_read);
            server.end = End::Hears(from);
            if goes_on {
                go_on_soon(server, cx);
            }
            return;
        }
        server.hub.hear_no_more();
        server.end = End::Settles;
    }
    if matches!(server.end, End::Settles) && !server.hub.awaits_news() {
        begin(server, cx);
    }
}

/// Whether something that had come from a connection is still to be heard. What it has sent since
/// is not waited for: it may go on without end.
fn is_to_be_heard(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    Mark(came): Mark,
) -> bool {
    let waits = server.turns.waits(socket);
    let Some(connection) = server.connections.get_mut(socket) else {
        return false;
    };
    let has_more = match connection.is_heard() {
        true => connection.has_more_to_hear() || socket.readable_length(cx) > 0,
        // Whoever only looks at pages is not waited for, unless its turn comes anyway.
        false => connection.visits && waits,
    };
    let read = socket.bytes_received(cx);
    if read < came && connection.is_heard() {
        return socket.readable(cx);
    }
    // It is heard in order: what is kept was sent last.
    let heard_later = connection.held() + web_socket::held(cx, socket);
    let kept = socket.readable_length(cx) + FRAMED * heard_later + FRAME;
    let kept = match socket.encrypted(cx) {
        true => RECORDED * kept,
        false => kept,
    };
    has_more && read.saturating_sub(came) <= kept as u64
}

impl ChatServer {
    /// All doors, open or closed.
    fn doors(&self) -> impl Iterator<Item = net::Server> {
        let web = self.web.iter().map(|entrance| entrance.server.net());
        self.servers.iter().copied().chain(web)
    }
}

/// Stops accepting, tells everyone, and ends every connection after what it is still to get. The
/// loop then ends by itself: nothing else holds it open.
pub(super) fn begin(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if server.end.has_begun() {
        return;
    }
    server.end = End::HasBegun;
    if let Some(deadline) = server.end_deadline.take() {
        cx.clear_timer(deadline); // nothing is due any more before the time for last lines is over
    }
    service_manager::tell(server, cx, State::Stopping);
    let waited = server.ends_since.map_or(0, |since| cx.now() - since);
    let timeout = seconds(server.config.shutdown_timeout).saturating_sub(waited);
    let timeout = Duration::from_millis(timeout);
    for door in server.doors() {
        // That is how long a peer has to take what is with the system already, too.
        door.set_linger(cx, Some(timeout));
    }
    for door in &server.servers {
        door.close(cx);
    }
    for entrance in &server.web {
        entrance.server.close(cx);
    }
    // Whoever only looks at pages gets what it has asked for, and then need not be waited for. Nor
    // need who was turned away, or a proxy that has not said whom it speaks for.
    let turned_away = server.connections.turned_away.iter().copied();
    let turned_away: Vec<_> = turned_away.collect();
    for socket in server.connections.visitors().into_iter().chain(turned_away) {
        socket.destroy_soon(cx);
    }
    if let Some(members) = server.web_members {
        members.extend_close_timeout(cx, timeout);
    }
    let reason = DisconnectReason::Shutdown;
    server.hub.disconnect_everyone(&reason, moment(cx));
    server.finish(cx);
    let deadline = cx.set_deadline(timeout, |server: &mut ChatServer, cx| {
        let doors = server.doors();
        let left: usize = doors.map(|door| door.connections(cx)).sum();
        if left > 0 {
            warn!("{left} connections did not read their last lines in time");
        }
        // The process ends, and with it the system is to let go of what they have not taken.
        for socket in server.connections.sockets() {
            socket.abort(cx);
        }
        cx.stop();
    });
    cx.set_timer_ref(deadline, false);
}
