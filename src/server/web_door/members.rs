//! Members of the chat on WebSockets: a text message is a line, or several; so is what they get.

use log::debug;

use super::super::ChatServer;
use super::super::connections::{Connection, Unheard};
use super::super::cost::Cost;
use super::super::hub::Hub;
use super::super::line_input::{Fed, Read};
use super::super::outlet::Outlet;
use super::{DISCONNECTED, admit, client, gone, path, peer, refuse_upgrade};
use crate::http::Head;
use crate::http::web_socket::{Endpoint, Event, Handshake, Message, Refusal, WebSocket, code};
use crate::net::{Context, Socket};

/// The largest message that is taken, in bytes, unless lines may be longer: a paste. Whoever sends
/// a larger one is disconnected with 1009.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;

/// Listens to all WebSockets there will be.
pub(super) fn listen(cx: &mut Context<ChatServer>, endpoint: Endpoint) {
    endpoint.on_event(
        cx,
        |server: &mut ChatServer, cx, web_socket, event| match event {
            Event::Message(Message::Text(text)) => message(server, cx, web_socket, text.as_bytes()),
            Event::Message(Message::Binary(_)) => {
                web_socket.close(cx, code::UNSUPPORTED_DATA, "only text is taken here");
                leave(server, cx, web_socket);
            }
            Event::Drain => server.drained(cx, web_socket.socket()),
            Event::Error(error) => {
                debug!("a WebSocket broke the protocol: {error}");
                leave(server, cx, web_socket);
            }
            Event::Close(..) => server.gone(cx, web_socket.socket()),
            Event::Ping(_) | Event::Pong(_) => server.control_frame(cx, web_socket),
        },
    );
}

impl ChatServer {
    /// A WebSocket has sent a control frame. They are answered by themselves, and asked for at a
    /// cost.
    pub(in crate::server) fn control_frame(
        &mut self,
        cx: &mut Context<Self>,
        web_socket: WebSocket,
    ) {
        let socket = web_socket.socket();
        self.charge(cx, socket, Cost::CONTROL_FRAME);
        if self.has_had_its_share(cx, socket) {
            web_socket.pause(cx);
            self.finish(cx); // it may have been told so
        }
    }
}

/// Takes a member out of the chat whose close frame is sent. The connection may take seconds to
/// end, and until then it could go on talking.
fn leave(server: &mut ChatServer, cx: &mut Context<ChatServer>, web_socket: WebSocket) {
    let connection = server.connections.get_mut(web_socket.socket());
    if let Some(member) = connection.and_then(|found| found.member) {
        server.hub.leave(member, cx.now());
        server.finish(cx);
    }
}

/// Makes a request for a WebSocket a member of the chat. Who may not be one is told why: by a
/// status if it is no page that may chat here, and in the chat's own way if there is no room,
/// since a page sees nothing of a status.
pub(super) fn upgrade(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    endpoint: Endpoint,
    head: &Head,
    socket: Socket,
    rest: &[u8],
) {
    let guard = server.site.guard();
    let vetted = match path(head.url()) {
        "/ws" => guard.vet(head, "Pages from elsewhere may not chat here"),
        _ => Err(Refusal::new(404, "WebSockets are at /ws")),
    };
    let understood = vetted.and_then(|()| {
        let client = client(server, cx, head, socket)?;
        Ok((Handshake::from_head(head)?, client))
    });
    let (handshake, client) = match understood {
        Ok(understood) => understood,
        Err(refusal) => return refuse_upgrade(cx, socket, &refusal),
    };
    let web_socket = handshake.accept(cx, endpoint, socket, rest);
    let entered = admit(server, cx, socket).and_then(|()| {
        let (Some(peer), Some(direct)) = (client, peer(cx, socket)) else {
            return Err(gone());
        };
        let (connections, config) = (&mut server.connections, &server.config);
        connections.readmit(socket, (direct, peer), config, cx.now())?;
        server.enter(Outlet::Web(web_socket), peer, cx.now())
    });
    let connection = server.connections.get_mut(socket);
    match entered {
        Ok(member) => {
            if let Some(connection) = connection {
                connection.visits = false;
                connection.member = Some(member);
            }
            let board = server.board.enter(server.hub.chat(), cx.now());
            web_socket.send_encoded(cx, &board);
            server.finish(cx);
        }
        Err(refused) => {
            if let Some(connection) = connection {
                connection.visits = false;
            }
            if let Some(peer) = client {
                server.access_log.refused(peer, refused.why, cx.now());
            }
            web_socket.send_text(cx, &format!("{}\n", refused.line));
            let reason = refused.line.trim_start_matches(DISCONNECTED);
            web_socket.close(cx, code::TRY_AGAIN_LATER, reason);
        }
    }
}

/// A message has come, or what was left of one. Of many lines a turn's share is heard; the rest
/// waits, and with it all that comes behind.
fn message(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    text: &[u8],
) {
    let socket = web_socket.socket();
    if server.must_wait(cx, socket) || server.has_had_its_share(cx, socket) {
        keep(server, cx, web_socket, text);
        return server.finish(cx); // it may have been told so
    }
    let lines = server.lines_to_hear(cx, socket);
    let ChatServer {
        hub, connections, ..
    } = server;
    // What comes after a member has left is thrown away.
    if let Some(Connection {
        input,
        member: Some(member),
        ..
    }) = connections.get_mut(socket)
    {
        let read = Read {
            bytes: text,
            is_message: true,
            lines,
        };
        let Fed { used, cost } = input.hear(hub, *member, read, cx.now(), Hub::frame);
        server.spend(cx, socket, cost);
        if used < text.len() || text.contains(&b'\n') {
            keep(server, cx, web_socket, &text[used..]);
            // Whoever sends many lines in one message has had its share of this turn.
            cx.set_immediate(move |server: &mut ChatServer, cx| server.read_on(cx, socket));
        }
        if server.has_had_its_share(cx, socket) {
            web_socket.pause(cx);
        }
    }
    server.finish(cx);
}

/// Keeps what cannot be heard yet, and reads nothing more. Its bytes are not always whole
/// characters: a line that is too long is refused at its first byte too many.
fn keep(server: &mut ChatServer, cx: &mut Context<ChatServer>, web_socket: WebSocket, text: &[u8]) {
    web_socket.pause(cx);
    if let Some(connection) = server.connections.get_mut(web_socket.socket())
        && !text.is_empty()
    {
        connection.unheard = Some(Unheard::new(text.to_vec()));
    }
}

/// Hears what was kept, and reads on after it.
pub(in crate::server) fn read_on(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
) {
    // The next message comes a tick later at the earliest, unless what was kept has it wait.
    web_socket.resume(cx);
    let connection = server.connections.get_mut(web_socket.socket());
    if let Some(text) = connection.and_then(|found| found.unheard.take()) {
        message(server, cx, web_socket, &text.bytes);
    }
}

/// Ends the connection of a member that has left the chat, after its last lines. The code tells a
/// page what to make of it, the reason is that of the last line.
pub(in crate::server) fn close(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    last: &[u8],
) {
    if let Some(connection) = server.connections.get_mut(web_socket.socket()) {
        connection.depart();
    }
    let last = String::from_utf8_lossy(last);
    let line = last.lines().next_back().unwrap_or_default();
    match line.strip_prefix(DISCONNECTED) {
        Some(reason) => web_socket.close(cx, code::POLICY_VIOLATION, reason),
        None if server.shutting_down => web_socket.close(cx, code::GOING_AWAY, line),
        None => web_socket.close(cx, code::NORMAL, line),
    }
}
