//! The door for `nc`: a connection is a member, a line is what it says.

use std::ops::ControlFlow;

use log::{debug, info};
use rustix::process::geteuid;

use super::framing::{Frame, LineDecoder};
use super::{ChatServer, Loop};
use crate::chat::{Chat, Effect, MemberId, Peer};
use crate::net::{self, Context, Event, RemoteParty, Server, Socket};

/// Lines of one connection that are handled in one turn at most. What is left of its bytes waits
/// for the next, so that nobody's paste holds up the others.
const LINES_PER_TURN: usize = 256;

/// A connection that we have ended is read on, and what comes thrown away, until nothing has
/// come for so many milliseconds: closing it with bytes unread would be a reset, which may cost the
/// peer our last line.
const LINGER_MS: u32 = 500;

/// How long, in milliseconds, a connection that we have ended has to read its last lines. When the
/// whole server ends, `--shutdown-timeout` says so instead.
const LAST_LINES_MS: u64 = 5000;

/// What the door keeps of a connection.
struct LineConnection {
    socket: Socket,
    /// The decoder, when it has something to remember: a torn line.
    torn: Option<Box<LineDecoder>>,
    /// `None` once it has left the chat.
    member: Option<MemberId>,
}

/// The door's connections, by socket index.
#[derive(Default)]
pub(super) struct Connections(Vec<Option<LineConnection>>);

impl Connections {
    fn insert(&mut self, connection: LineConnection) {
        let index = connection.socket.index();
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        self.0[index] = Some(connection);
    }

    fn get_mut(&mut self, socket: Socket) -> Option<&mut LineConnection> {
        let found = self.0.get_mut(socket.index())?.as_mut();
        found.filter(|connection| connection.socket == socket)
    }

    fn remove(&mut self, socket: Socket) -> Option<LineConnection> {
        self.get_mut(socket)?;
        self.0[socket.index()].take()
    }

    /// Everyone who is still in the chat.
    pub(super) fn members(&self) -> Vec<MemberId> {
        self.0
            .iter()
            .flatten()
            .filter_map(|connection| connection.member)
            .collect()
    }
}

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
        Event::Drain => {
            socket.resume(cx);
        }
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
        socket.destroy(cx);
        return;
    };
    let ChatServer {
        chat,
        connections,
        effects,
        fan_out,
        leaving,
        ..
    } = server;
    let now = cx.now();
    let member = match chat.connect(peer, now, effects) {
        Ok(member) => member,
        Err(reason) => {
            socket.write(cx, format!("{reason}\n").as_bytes());
            return dismiss(server, cx, socket);
        }
    };
    connections.insert(LineConnection {
        socket,
        torn: None,
        member: Some(member),
    });
    ChatServer::apply(fan_out, leaving, effects);
    fan_out.let_wait(member, now);
    server.seat(member, socket);
    server.finish(cx);
}

/// Takes lines, up to the cap; gives the rest back. Whoever does not read its answers is asked no
/// more questions: its bytes wait until it does.
fn data(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: &[u8]) {
    if socket.writable_need_drain(cx) {
        socket.pause(cx);
        socket.unshift(cx, bytes);
        return;
    }
    let mut lines = 0;
    let taken = decode(server, cx.now(), socket, |decoder, max_line, take| {
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
    }
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
    let mut decoder = connection
        .torn
        .take()
        .map_or_else(LineDecoder::new, |torn| *torn);
    let result = run(&mut decoder, max_line, &mut |frame| {
        take(chat, member, frame, max_line, now, effects);
        ChatServer::apply(fan_out, leaving, effects);
        // After a large answer the member has to be seen reading it first; what only a door can
        // answer is answered before the next line.
        match leaving.is_empty() && !fan_out.is_large() && effects.is_empty() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    connection.torn = (!decoder.is_idle()).then(|| Box::new(decoder));
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

/// Nothing has come or gone for a while, after we ended the connection.
fn lingered(cx: &mut Context<ChatServer>, socket: Socket) {
    if socket.buffered(cx) == 0 {
        socket.destroy(cx);
    }
}

/// The connection is gone.
fn closed(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(connection) = server.connections.remove(socket) else {
        return;
    };
    let Some(member) = connection.member else {
        return;
    };
    server.sockets[member.index()] = None;
    server.step(cx, |chat, now, effects| chat.leave(member, now, effects));
    server.fan_out.take(member);
}
