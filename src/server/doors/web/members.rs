//! Members of the chat on WebSockets. A text message is a line, or several; so is what they get. With
//! the subprotocol `loopchat.v1.json` both are objects.

use log::debug;

use crate::chat::{Answer, DisconnectReason, Peer};
use crate::http::Head;
use crate::http::web_socket::{Endpoint, Event, Handshake, Message, Refusal, WebSocket, code};
use crate::net::{Context, Socket};
use crate::server::core::cost::Cost;
use crate::server::core::fan_out::Payload;
use crate::server::core::hub::Hub;
use crate::server::core::line_input::Read;
use crate::server::core::rendering::{FramingId, Heard};
use crate::server::doors::connections::{Connection, Unheard};
use crate::server::doors::json;
use crate::server::doors::json::objects::{Left, Pace};
use crate::server::doors::json::requests::{self, Begun, SUBPROTOCOL};
use crate::server::doors::json::resuming;
use crate::server::doors::outlet::{Door, Outlet};
use crate::server::doors::web::admit;
use crate::server::doors::web::client;
use crate::server::doors::web::peer;
use crate::server::doors::web::refuse_upgrade;
use crate::server::doors::web::vet_upgrade;
use crate::server::doors::{FRAMINGS, JSON, LINES, WEB_DOOR};
use crate::server::{ChatServer, moment};

/// What is sent to one alone is cut into messages of about so many bytes, between lines: a
/// connection that is cut again and again comes on all the same.
const PIECE: usize = 16 * 1024;

/// What the door does for its members.
pub(in crate::server::doors) static DOOR: Door = Door {
    write: |socket, cx, payload| {
        let web_socket = WebSocket::of(socket);
        match payload {
            Payload::Shared(shared) => _ = web_socket.send_encoded(cx, shared.frame()),
            // It is text, put together from lines.
            Payload::Own(bytes) => pieces(bytes).for_each(|piece| send(cx, web_socket, piece)),
        }
    },
    read_on: |server, cx, socket| read_on(server, cx, WebSocket::of(socket)),
    close: |server, cx, socket, reason| close(server, cx, WebSocket::of(socket), reason),
    forget_unread: |_, _| {},
    show_board: Some(|socket, cx, board| {
        WebSocket::of(socket).send_encoded(cx, board);
    }),
};

/// Listens to all WebSockets there will be.
pub(in crate::server) fn listen(cx: &mut Context<ChatServer>, endpoint: Endpoint) {
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
    if let Some(session) = connection.and_then(|found| found.session) {
        server.hub.leave(session, moment(cx));
        server.finish(cx);
    }
}

/// Makes a request for a WebSocket a member of the chat. Who may not be one is told why: by a
/// status if it is no page that may chat here, and in the chat's own way if there is no room,
/// since a page sees nothing of a status.
pub(in crate::server) fn upgrade(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    endpoint: Endpoint,
    head: &Head,
    socket: Socket,
    rest: &[u8],
) {
    let elsewhere = "Pages from elsewhere may not chat here";
    let vetted = match head.path() {
        "/ws" => vet_upgrade(server, cx, head, socket, elsewhere),
        _ => Err(Refusal::new(404, "WebSockets are at /ws")),
    };
    let understood = vetted.and_then(|()| {
        let client = client(server, cx, head, socket)?;
        Ok((Handshake::from_head(head)?, client))
    });
    let (mut handshake, client) = match understood {
        Ok(understood) => understood,
        Err(refusal) => return refuse_upgrade(cx, socket, &refusal),
    };
    let framing = match handshake.choose_protocol(SUBPROTOCOL) {
        true => JSON,
        false => LINES,
    };
    let web_socket = handshake.accept(cx, endpoint, socket, rest);
    let entering = Entering { framing, client };
    match admit(server, cx, socket) {
        Ok(()) => enter(server, cx, web_socket, entering),
        Err(refused) => keep_out(server, cx, web_socket, entering, &refused),
    }
}

/// Somebody whose WebSocket is one, and who is not in the chat yet.
pub(in crate::server) struct Entering {
    framing: FramingId,
    /// `None` if it is gone.
    client: Option<Peer>,
}

/// Lets somebody in, when its turn comes: it is told what was said last, and that may be much.
pub(in crate::server) fn enter(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    entering: Entering,
) {
    let (socket, framing) = (web_socket.socket(), entering.framing);
    let foreseen = server.hub.foresee_welcome(framing);
    if !server.allowance(cx, socket).allows(foreseen) {
        web_socket.pause(cx);
        server.entering.insert(socket, entering);
        return server.postpone(cx, socket);
    }
    let (Some(peer), Some(direct)) = (entering.client, peer(cx, socket)) else {
        return keep_out(server, cx, web_socket, entering, &DisconnectReason::Gone);
    };
    let outlet = Outlet {
        door: WEB_DOOR,
        socket,
    };
    let (connections, config) = (&mut server.connections, &server.config);
    let admitted = connections.readmit(socket, (direct, peer), config, cx.now());
    match admitted.and_then(|()| server.enter(cx, outlet, framing, peer)) {
        Ok((session, cost)) => {
            server.spend_in_turn(cx, socket, cost);
            let connection = server.connections.get_mut(socket);
            if let Some(connection) = connection {
                connection.visits = false;
                connection.session = Some(session);
                if framing == JSON {
                    let flood = connection.input.flood();
                    let max_message = json::max_message(&server.config);
                    let utc = moment(cx).utc;
                    let hello = requests::hello(&server.config, flood, max_message, utc);
                    send(cx, web_socket, &hello);
                    if let Some(token) = resuming::grant(server, session) {
                        send(cx, web_socket, &token);
                    }
                }
            }
            let board = server.board.enter(server.hub.chat(), cx.now());
            web_socket.send_encoded(cx, &board);
            web_socket.resume(cx); // it may have waited
            server.finish(cx);
        }
        Err(refused) => keep_out(server, cx, web_socket, entering, &refused),
    }
}

/// Tells somebody why it is not let in, and ends its connection.
fn keep_out(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    entering: Entering,
    refused: &DisconnectReason,
) {
    if let Some(connection) = server.connections.get_mut(web_socket.socket()) {
        connection.visits = false;
    }
    if let Some(peer) = entering.client {
        server.access_log.refused(peer, refused, cx.now());
    }
    let last = Answer::Disconnected(refused.clone());
    let mut bytes = Vec::new();
    let framing = &FRAMINGS[usize::from(entering.framing.0)];
    (framing.render)(Heard::Answer(&last), &mut bytes);
    send(cx, web_socket, &bytes);
    web_socket.close(cx, code::TRY_AGAIN_LATER, &refused.text());
}

/// Whole lines, in pieces that are not too long if their lines are not.
fn pieces(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let most = lines.len().min(PIECE);
        let in_piece = memchr::memrchr(b'\n', &lines[..most]);
        let end = in_piece.or_else(|| memchr::memchr(b'\n', lines));
        let (piece, rest) = lines.split_at(end.map_or(lines.len(), |end| end + 1));
        lines = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Sends what was put together from text.
fn send(cx: &mut Context<ChatServer>, web_socket: WebSocket, text: &[u8]) {
    web_socket.send_text(cx, &String::from_utf8_lossy(text));
}

/// A message has come.
fn message(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    text: &[u8],
) {
    hear(server, cx, web_socket, (None, true), text);
}

/// Hears a message, or what was left of one that is not new.
fn hear(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    (begun, is_new): (Option<Begun>, bool),
    text: &[u8],
) {
    let socket = web_socket.socket();
    if !server.connections.is_member(socket) {
        return; // what comes after a member has left is thrown away
    }
    if server.must_wait(cx, socket) || server.has_had_its_share(cx, socket) {
        keep(server, cx, web_socket, begun, text);
        if let Some(connection) = server.connections.get_mut(socket)
            && let Some(kept) = &mut connection.unheard
        {
            kept.is_new = is_new;
        }
        return server.finish(cx); // it may have been told so
    }
    match framing_of(server, web_socket) {
        JSON => {
            if is_new {
                // Before it is taken apart, which is work, and not before it is its turn: or all of
                // an address would be charged at once what they are to wait for.
                server.charge(cx, socket, Cost::parsed(text.len()));
            }
            objects(server, cx, web_socket, begun, text);
        }
        _ => lines(server, cx, web_socket, text),
    }
}

fn framing_of(server: &mut ChatServer, web_socket: WebSocket) -> FramingId {
    let connection = server.connections.get_mut(web_socket.socket());
    let session = connection.and_then(|found| found.session);
    session.map_or(LINES, |session| server.hub.fan_out.framing_of(session))
}

/// Hears objects, until one has to wait: then all that comes behind it does.
fn objects(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    begun: Option<Begun>,
    text: &[u8],
) {
    let text = String::from_utf8_lossy(text);
    let said = (begun, &*text);
    let left = json::objects::hear(server, cx, web_socket.socket(), said, Pace::InTurn);
    if let Some(Left { begun, used }) = left {
        keep(server, cx, web_socket, begun, &text.as_bytes()[used..]);
        server.finish(cx); // that is memory
    }
}

/// Hears lines. Of many lines a turn's share is heard; the rest waits, and with it all that comes
/// behind.
fn lines(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    text: &[u8],
) {
    let socket = web_socket.socket();
    let allowance = server.allowance(cx, socket);
    let ChatServer {
        hub, connections, ..
    } = server;
    // What comes after a member has left is thrown away.
    if let Some(Connection {
        input,
        session: Some(session),
        ..
    }) = connections.get_mut(socket)
    {
        let read = Read {
            bytes: text,
            is_message: true,
            allowance,
        };
        let fed = input.hear(hub, *session, read, moment(cx), Hub::frame);
        server.heard(cx, socket, fed);
        let used = fed.used;
        if used < text.len() || text.contains(&b'\n') {
            keep(server, cx, web_socket, None, &text[used..]);
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
fn keep(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    begun: Option<Begun>,
    text: &[u8],
) {
    web_socket.pause(cx);
    if let Some(connection) = server.connections.get_mut(web_socket.socket())
        && (begun.is_some() || !text.is_empty())
    {
        connection.unheard = Some(Unheard::behind(begun, text.to_vec()));
        web_socket.socket().set_kept(cx, true);
    }
}

/// Hears what was kept, and reads on after it.
fn read_on(server: &mut ChatServer, cx: &mut Context<ChatServer>, web_socket: WebSocket) {
    let socket = web_socket.socket();
    let connection = server.connections.get_mut(socket);
    if let Some(kept) = connection.and_then(|found| found.unheard.take()) {
        let kept = *kept;
        hear(
            server,
            cx,
            web_socket,
            (kept.begun, kept.is_new),
            &kept.bytes,
        );
    }
    let connection = server.connections.get_mut(socket);
    if connection.is_none_or(|found| found.unheard.is_none()) {
        socket.set_kept(cx, false); // if it has ended, that is told now
        if !server.must_wait(cx, socket) {
            web_socket.resume(cx);
        }
    }
}

/// Ends the connection of a member that has left the chat, after its last lines. The code tells a
/// page what to make of it.
fn close(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    web_socket: WebSocket,
    reason: Option<&DisconnectReason>,
) {
    if let Some(connection) = server.connections.get_mut(web_socket.socket()) {
        connection.depart();
    }
    web_socket.socket().set_kept(cx, false);
    match reason {
        Some(reason) => web_socket.close(cx, reason.close_code(), &reason.close_reason()),
        None => web_socket.close(cx, code::NORMAL, ""),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_none_is_lost() {
        let short = b"one\ntwo\n".as_slice();
        assert!(pieces(short).eq([short]));
        assert_eq!(pieces(b"").count(), 0);
        let line = |length: usize| [vec![b'x'; length - 1], vec![b'\n']].concat();
        let all = [
            line(PIECE / 2),
            line(PIECE / 2),
            line(1),
            line(3 * PIECE),
            line(7),
        ];
        let bytes = all.concat();
        let lengths: Vec<usize> = pieces(&bytes).map(<[u8]>::len).collect();
        assert_eq!(lengths, [PIECE, 1, 3 * PIECE, 7]);
        assert_eq!(pieces(&bytes).collect::<Vec<_>>().concat(), bytes);
    }
}
