//! The door for `nc`: a connection is a member, a line is what it says.

use std::ops::ControlFlow;

use log::{debug, info};
use rustix::process::geteuid;

use super::connections::LineConnection;
use super::framing::{Frame, LineDecoder};
use super::{ChatServer, Loop};
use crate::chat::{self, Chat, Effect, MemberId, Peer};
use crate::net::{self, Context, Event, RemoteParty, Server, Socket};

/// Lines of one connection that are handled in one turn at most. What is left of its bytes waits
/// for the next, so that nobody's paste holds up the others.
const LINES_PER_TURN: usize = 256;

/// A connection that we have ended is read on, and what comes thrown away, until nothing has
/// come for so many milliseconds: closing it with bytes unread would be a reset, which may cost the
/// peer our last line.
const LINGER_MS: u32 = 500;

/// Connections that are turned away and have time to read why. Those that come on top are closed
/// without a word: they hold descriptors that members could have.
const TURNED_AWAY: usize = 64;

/// How long, in milliseconds, a connection that we have ended has to read its last lines. When the
/// whole server ends, `--shutdown-timeout` says so instead.
const LAST_LINES_MS: u64 = 5000;

/// Makes the door; it opens when it is given a listener.
pub(super) fn open(event_loop: &mut Loop) -> Server {
    let door = net::create_server(event_loop);
    // The door answers what came before the end of a stream, and only then ends its own side.
    door.set_allow_half_open(event_loop, true);
    // A chat's lines are small and wanted now.
    door.set_no_delay(event_loop, true);
    door.on_connection(event_loop, connection);
    door.on_socket_event(event_loop, |server, cx, socket, event| match event {
        Event::Data(bytes) => data(server, cx, socket, bytes),
        Event::End => end(server, cx, socket),
        Event::Drain => drained(server, cx, socket),
        Event::Timeout => lingered(cx, socket),
        Event::Error(error) => debug!("a connection broke: {error}"),
        Event::Close(_) => closed(server, cx, socket),
        _ => {}
    });
    door.on_error(event_loop, |_, _, _, error| {
        log::error!("the line door: {error}")
    });
    door
}

/// Who it is that connects, as the chat wants to know it. `None` if it has gone already.
fn peer(cx: &Context<ChatServer>, socket: Socket) -> Option<Peer> {
    Some(match socket.remote_party(cx)? {
        RemoteParty::Host(address) => Peer::Tcp(address),
        RemoteParty::User(user) => Peer::Local {
            user: user.unwrap_or(u32::MAX),
            // Whoever could end the server by a signal may as well do it by a command.
            operator: user == Some(geteuid().as_raw()),
        },
    })
}

fn connection(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(peer) = peer(cx, socket) else {
        server.connections.turned_away += 1;
        socket.destroy(cx);
        return;
    };
    let now = cx.now();
    let ChatServer {
        chat,
        connections,
        effects,
        config,
        ..
    } = server;
    let admitted = connections.admits(peer, config);
    let connected = admitted.and_then(|()| {
        let refusal = |line: chat::Line| line.to_string();
        chat.connect(peer, now, effects).map_err(refusal)
    });
    let member = match connected {
        Ok(member) => member,
        Err(reason) => return turn_away(server, cx, socket, &reason),
    };
    connections.insert(socket, member, peer, config, now);
    ChatServer::apply(
        &mut server.fan_out,
        &mut server.leaving,
        &mut server.effects,
    );
    server.fan_out.let_wait(member, now);
    server.seat(member, socket, now);
    server.finish(cx);
}

/// Takes lines, up to the cap; gives the rest back. Whoever does not read its answers is asked no
/// more questions, and whoever types too fast is read more slowly: the bytes wait until then.
fn data(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: &[u8]) {
    let now = cx.now();
    if socket.writable_need_drain(cx) || is_held_back(server, socket) {
        socket.pause(cx);
        socket.unshift(cx, bytes);
        return;
    }
    let mut lines = 0;
    let taken = decode(server, now, socket, |decoder, max_line, take| {
        decoder.feed(max_line, bytes, |frame| {
            lines += 1;
            match take(frame) {
                ControlFlow::Continue(()) if lines < LINES_PER_TURN => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        })
    });
    // What comes after a member has left is thrown away.
    if let Some((_, used)) = taken {
        socket.unshift(cx, &bytes[used..]);
        hold_back(server, cx, socket);
    }
    server.finish(cx);
}

fn is_held_back(server: &mut ChatServer, socket: Socket) -> bool {
    let bound = server
        .connections
        .get_mut(socket)
        .and_then(|found| found.bound.as_ref());
    bound.is_some_and(|bound| bound.held_back)
}

/// Reads nothing more for a while from a connection that has used up its lines.
fn hold_back(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(LineConnection {
        bound: Some(bound),
        member: Some(member),
        ..
    }) = server.connections.get_mut(socket)
    else {
        return;
    };
    let Some(limit) = bound.flood else {
        return;
    };
    let wait = bound.bucket.wait(limit, cx.now());
    if wait == 0 {
        return;
    }
    bound.held_back = true;
    if !std::mem::replace(&mut bound.told, true) {
        server.fan_out.tell(*member, &chat::flooding(limit.rate));
    }
    socket.pause(cx);
    let timer = cx.set_timeout(wait, move |server: &mut ChatServer, cx| {
        let connection = server.connections.get_mut(socket);
        if let Some(bound) = connection.and_then(|found| found.bound.as_mut()) {
            bound.held_back = false;
            read_on(server, cx, socket);
        }
    });
    cx.set_timer_ref(timer, false);
}

/// Reads on, unless something else is still to be waited for.
fn read_on(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    if !socket.writable_need_drain(cx) && !is_held_back(server, socket) {
        socket.resume(cx);
    }
}

/// Everything that waited for a member is with the system.
fn drained(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let connection = server.connections.get_mut(socket);
    if let Some(member) = connection.and_then(|found| found.member) {
        server.caught_up(member);
    }
    read_on(server, cx, socket);
    server.finish(cx);
}

/// The peer has said all it will: what is left is a line, too. It gets its answers, then the end.
fn end(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let last = decode(server, cx.now(), socket, |decoder, max_line, take| {
        decoder.finish(max_line, |frame| {
            let _either_way_it_was_the_last = take(frame);
        });
    });
    if let Some((member, ())) = last
        && server.leaving.is_empty()
    {
        server.chat.leave(member, cx.now(), &mut server.effects);
        server.effects.push(Effect::Disconnect { member });
        ChatServer::apply(
            &mut server.fan_out,
            &mut server.leaving,
            &mut server.effects,
        );
    }
    server.finish(cx);
}

/// What takes a frame; it breaks off when somebody has to leave, or much is to be delivered.
type Take<'a> = &'a mut dyn FnMut(Frame<'_>) -> ControlFlow<()>;

/// Lets the member of a connection say what `run` gets out of its decoder; `None` if it has left.
fn decode<R>(
    server: &mut ChatServer,
    now: u64,
    socket: Socket,
    run: impl FnOnce(&mut LineDecoder, usize, Take<'_>) -> R,
) -> Option<(MemberId, R)> {
    let ChatServer {
        chat,
        connections,
        fan_out,
        leaving,
        effects,
        config,
        ..
    } = server;
    let connection = connections.get_mut(socket)?;
    let member = connection.member?;
    let max_line = config.max_line as usize;
    let LineConnection { torn, bound, .. } = connection;
    let mut decoder = torn.take().map_or_else(LineDecoder::new, |torn| *torn);
    let result = run(&mut decoder, max_line, &mut |frame| {
        let wait = bound.as_mut().map_or(0, |bound| bound.take_line(now));
        take(chat, member, frame, max_line, now, effects);
        ChatServer::apply(fan_out, leaving, effects);
        // After a large answer the member has to be seen reading it first; what only a door can
        // answer is answered before the next line.
        let go_on = leaving.is_empty() && !fan_out.is_large() && effects.is_empty();
        match go_on && wait == 0 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    *torn = (!decoder.is_idle()).then(|| Box::new(decoder));
    Some((member, result))
}

/// One decoded frame: a line for the chat, or a refusal.
fn take(
    chat: &mut Chat,
    member: MemberId,
    frame: Frame<'_>,
    max_line: usize,
    now: u64,
    effects: &mut Vec<Effect>,
) {
    match frame {
        Frame::Line(line) => chat.line(member, line, now, effects),
        Frame::TooLong => effects.push(Effect::Tell {
            to: member,
            line: format!("! That line was not sent: it is longer than {max_line} bytes.").into(),
        }),
    }
}

/// Ends a connection that has left the chat, after what was written to it.
pub(super) fn close(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(connection) = server.connections.get_mut(socket) else {
        return;
    };
    connection.member = None;
    connection.torn = None;
    if let Some(bound) = &mut connection.bound {
        (bound.flood, bound.held_back) = (None, false);
    }
    socket.resume(cx); // to throw away what comes
    dismiss(server, cx, socket);
}

/// Ends our side of a connection, and sees to it that the other side does not take for ever.
fn dismiss(server: &ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    socket.end(cx);
    socket.set_timeout(cx, LINGER_MS);
    if server.shutting_down {
        return;
    }
    let timer = cx.set_timeout(LAST_LINES_MS, move |_, cx| {
        if socket.buffered(cx) > 0 {
            info!("a connection did not read its last lines in time");
        }
        socket.destroy(cx);
    });
    cx.set_timer_ref(timer, false);
}

/// Ends a connection that has never been in the chat, with a reason.
fn turn_away(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, reason: &str) {
    server.connections.turned_away += 1;
    if server.connections.turned_away > TURNED_AWAY {
        socket.destroy(cx);
        return;
    }
    socket.write(cx, format!("{reason}\n").as_bytes());
    dismiss(server, cx, socket);
}

/// Nothing has come or gone for a while, after we ended the connection.
fn lingered(cx: &mut Context<ChatServer>, socket: Socket) {
    if socket.buffered(cx) == 0 {
        socket.destroy(cx);
    }
}

/// The connection is gone.
fn closed(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(connection) = server.connections.remove(socket) else {
        server.connections.turned_away -= 1;
        return;
    };
    let Some(member) = connection.member else {
        return;
    };
    server.sockets[member.index()] = None;
    server.step(cx, |chat, now, effects| chat.leave(member, now, effects));
    server.fan_out.take(member);
}
