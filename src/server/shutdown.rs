//! The orderly end: SIGINT, SIGTERM, or a terminal that is gone (SIGHUP).

use std::io;

use log::{info, warn};

use crate::chat::DisconnectReason;
use crate::event_loop::{SIGHUP, SIGINT, SIGTERM, Signal};
use crate::http;
use crate::net::{Context, Socket};
use crate::server::core::hub::seconds;
use crate::server::service_manager::{self, State};
use crate::server::{ChatServer, Loop, moment};

/// Shuts down at the first signal. The next one ends the process at once, even if the loop is
/// busy.
pub(super) fn on_signals(event_loop: &mut Loop) -> io::Result<()> {
    // Whoever starts it with `nohup` wants it to outlive the terminal.
    let signals: &[Signal] = match SIGHUP.is_ignored() {
        true => &[SIGINT, SIGTERM],
        false => &[SIGINT, SIGTERM, SIGHUP],
    };
    let mut has_come = false;
    event_loop.on_signal(signals, move |server: &mut ChatServer, cx, signal| {
        if std::mem::replace(&mut has_come, true) || server.shutting_down {
            cx.stop(); // both came before the loop could look
            return;
        }
        for other in signals.iter().copied() {
            if let Err(error) = other.restore_default() {
                warn!("a second {other} will not end the process at once: {error}");
            }
        }
        info!("{signal}: shutting down; again to end at once");
        begin_after_what_came(server, cx);
    })?;
    Ok(())
}

/// Turns that may pass between a signal and the end: what came before the signal may be too much
/// for one.
const MORE_TURNS: u32 = 64;

/// Begins when all is heard that has come by now, from whomever, and has got its place.
pub(super) fn begin_after_what_came(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    hear_and_begin(server, cx, MORE_TURNS);
}

/// Begins when the log has settled all that was said, and answered all that was asked, or has had
/// its time for that.
fn settle_and_begin(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if !server.hub.awaits_news() {
        return begin(server, cx);
    }
    server.ends_when_settled = true;
    server.hub.hear_no_more();
    server.ends_since = Some(cx.now());
    // The other half is for last lines.
    let timeout = seconds(server.config.shutdown_timeout) / 2;
    let deadline = cx.set_deadline(timeout, |server: &mut ChatServer, cx| {
        if !server.shutting_down {
            warn!("the rooms' log did not settle all that was said, or answer all that was asked, in time");
            begin(server, cx);
        }
    });
    cx.set_timer_ref(deadline, false);
}

/// Begins after a turn that has heard all there was. Somebody who sends without end is no reason
/// to go on.
fn hear_and_begin(server: &mut ChatServer, cx: &mut Context<ChatServer>, turns: u32) {
    let had_enough = server.turns.has_had_enough(cx.counters().turns);
    let is_unheard = |socket: Socket| socket.readable_length(cx) > 0;
    let anyone_waits = server.turns.anyone_waits() || server.connections.any_unheard(is_unheard);
    let is_more = had_enough || anyone_waits;
    if turns == 0 || !is_more {
        return settle_and_begin(server, cx);
    }
    cx.set_immediate(move |server: &mut ChatServer, cx| hear_and_begin(server, cx, turns - 1));
}

/// Stops accepting, tells everyone, and ends every connection after what it is still to get. The
/// loop then ends by itself: nothing else holds it open.
pub(super) fn begin(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    if server.shutting_down {
        return;
    }
    server.shutting_down = true;
    server.ends_when_settled = false;
    service_manager::tell(server, cx, State::Stopping);
    for door in &server.servers {
        door.close(cx);
    }
    if let Some(web) = server.web {
        web.close(cx);
    }
    // Whoever only looks at pages gets what it has asked for, and then need not be waited for. Nor
    // need who was turned away, or a proxy that has not said whom it speaks for.
    let turned_away = server.connections.turned_away.iter().copied();
    let turned_away: Vec<_> = turned_away.collect();
    for socket in server.connections.visitors().into_iter().chain(turned_away) {
        socket.destroy_soon(cx);
    }
    let waited = server.ends_since.map_or(0, |since| cx.now() - since);
    let timeout = seconds(server.config.shutdown_timeout).saturating_sub(waited);
    if let Some(members) = server.web_members {
        members.extend_close_timeout(cx, u32::try_from(timeout).unwrap_or(u32::MAX));
    }
    let reason = DisconnectReason::Shutdown;
    server.hub.disconnect_everyone(&reason, moment(cx));
    server.finish(cx);
    let deadline = cx.set_deadline(timeout, |server: &mut ChatServer, cx| {
        let web = server.web.map(http::Server::net);
        let doors = server.servers.iter().copied().chain(web);
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
