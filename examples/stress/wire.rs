//! What a client talks through: a plain connection, or a WebSocket of the server's web door.

use loopchat::http::web_socket::{self, Endpoint, Event, Message, Options, WebSocket};
use loopchat::net::{Address, Error, Socket, Target};

use super::clients;
use super::objects::{self, SUBPROTOCOL};
use super::run::{Context, Phase, Stress};

/// What one message to the server holds at most, in bytes: it takes 64 KiB.
const MOST: usize = 32 * 1024;

/// Larger than what a room says in one turn.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy)]
pub enum Wire {
    /// Lines as they are.
    Line(Socket),
    /// Objects of JSON.
    Web(WebSocket),
}

/// The number of the client whose WebSocket it is; hangs on the socket.
struct Owner(usize);

impl Wire {
    pub fn socket(self) -> Socket {
        match self {
            Self::Line(socket) => socket,
            Self::Web(web_socket) => web_socket.socket(),
        }
    }

    /// Sends lines, as one write; as objects in as few messages as take them.
    pub fn send(self, cx: &mut Context, lines: &[u8]) {
        let web_socket = match self {
            Self::Line(socket) => {
                socket.write(cx, lines);
                return;
            }
            Self::Web(web_socket) => web_socket,
        };
        let mut message = String::new();
        for line in String::from_utf8_lossy(lines).lines() {
            let before = message.len();
            objects::write(line, &mut message);
            if before > 0 && message.len() > MOST {
                let last = message.split_off(before);
                web_socket.send_text(cx, &message);
                message = last;
            }
        }
        web_socket.send_text(cx, &message);
    }

    /// Sends its last lines. The server ends a WebSocket by itself then.
    pub fn end_with(self, cx: &mut Context, lines: &[u8]) {
        match self {
            Self::Line(socket) => drop(socket.end_with(cx, lines)),
            Self::Web(_) => self.send(cx, lines),
        }
    }

    pub fn pause(self, cx: &mut Context) {
        match self {
            Self::Line(socket) => drop(socket.pause(cx)),
            Self::Web(web_socket) => web_socket.pause(cx),
        }
    }

    pub fn destroy(self, cx: &mut Context) {
        self.socket().destroy(cx);
    }
}

/// What all WebSockets do with what they hear.
pub fn listen(cx: &mut Context) -> Endpoint {
    let options = Options::new().max_message(MAX_MESSAGE);
    let endpoint = Endpoint::new(cx, options);
    endpoint.on_event(cx, |stress: &mut Stress, cx, web_socket, event| {
        let socket = web_socket.socket();
        let Some(&Owner(index)) = socket.data::<Stress, Owner>(cx) else {
            return;
        };
        match event {
            Event::Message(Message::Text(text)) => clients::message(stress, cx, index, text),
            Event::Error(error) => {
                let trouble = &mut stress.clients[index].trouble;
                trouble.get_or_insert(error.to_string().into());
            }
            Event::Close(..) => clients::closed(stress, cx, index),
            _ => {}
        }
    });
    endpoint
}

/// Where the web door has its WebSockets; `None` for a Unix socket.
pub fn url(server: &Target) -> Option<String> {
    match server {
        Target::Address(Address::Tcp(address)) => Some(format!("ws://{address}/ws")),
        Target::Host(host, port) => Some(format!("ws://{host}:{port}/ws")),
        Target::Address(Address::Ipc(_)) => None,
    }
}

/// Opens a WebSocket for a client.
pub fn connect(cx: &mut Context, endpoint: Endpoint, url: &str, index: usize) {
    let opened =
        move |stress: &mut Stress, cx: &mut Context, opened: Result<WebSocket, Error>| match opened
        {
            Ok(web_socket) if stress.phase == Phase::Leaving => web_socket.terminate(cx),
            Ok(web_socket) => {
                web_socket.socket().set_data(cx, Owner(index));
                stress.clients[index].wire = Some(Wire::Web(web_socket));
                clients::connected(stress, cx, index);
            }
            Err(_) if stress.phase == Phase::Leaving => {}
            Err(error) => {
                stress.clients[index].trouble = Some(clients::explain(&error).into());
                clients::closed(stress, cx, index);
            }
        };
    web_socket::connect(cx, endpoint, url, &[SUBPROTOCOL], opened);
}
