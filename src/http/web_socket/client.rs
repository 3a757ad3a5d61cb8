//! The client's side of the opening handshake (RFC 6455, 4.1).

use std::cell::RefCell;
use std::rc::Rc;

use data_encoding::BASE64;

use super::handshake::{accept_key, lists};
use super::{Endpoint, Role, WebSocket, connection};
use crate::event_loop::{CallbackResult, CallbackSite};
use crate::http::{self, Head, RequestOptions};
use crate::net::{Context, Error, Socket};

/// What a client asks with, and how it tells whether the answer is one.
///
/// For whoever wants more than [`connect`] does: make a request with [`fields`](Self::fields)
/// besides others, and in its `upgrade` event [`check`](Self::check) the answer, then
/// [`open`](Self::open) the WebSocket.
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    key: String,
    protocols: Vec<String>,
}

impl ClientHandshake {
    /// A handshake with a random key, that offers these subprotocols, the one it likes best first.
    #[must_use]
    pub fn new(protocols: &[&str]) -> Self {
        Self {
            key: BASE64.encode(&rand::random::<[u8; 16]>()),
            protocols: protocols.iter().map(ToString::to_string).collect(),
        }
    }

    /// The header fields of the request.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("Upgrade", "websocket".to_owned()),
            ("Connection", "Upgrade".to_owned()),
            ("Sec-WebSocket-Version", "13".to_owned()),
            ("Sec-WebSocket-Key", self.key.clone()),
        ];
        if !self.protocols.is_empty() {
            fields.push(("Sec-WebSocket-Protocol", self.protocols.join(", ")));
        }
        fields
    }

    /// Checks the answer. The subprotocol that the server has chosen, if it has.
    ///
    /// # Errors
    ///
    /// When the server has not understood the question, or answers what was not asked:
    /// `ERR_WEBSOCKET_HANDSHAKE`.
    pub fn check<'a>(&self, answer: &'a Head) -> Result<Option<&'a str>, Error> {
        let listed = |name, word| {
            let mut values = answer.header_all(name);
            values.any(|value| lists(value, word))
        };
        if answer.status_code() != 101 {
            let status = answer.status_code();
            return Err(failed(format!("Unexpected server response: {status}")));
        }
        if !listed("upgrade", "websocket") || !listed("connection", "upgrade") {
            return Err(failed("Invalid Upgrade header"));
        }
        let proof = answer.header_str("sec-websocket-accept");
        if proof != Some(&accept_key(self.key.as_bytes())) {
            return Err(failed("Invalid Sec-WebSocket-Accept header"));
        }
        if answer.header("sec-websocket-extensions").is_some() {
            return Err(failed("Server chose an extension, and none was offered"));
        }
        let chosen = answer.header_str("sec-websocket-protocol");
        if chosen.is_some_and(|chosen| self.protocols.iter().all(|offered| offered != chosen)) {
            return Err(failed("Server chose a subprotocol that was not offered"));
        }
        Ok(chosen)
    }

    /// Makes the connection a WebSocket. `head` is what has come behind the answer. Its events
    /// come from the next tick on.
    pub fn open<S: 'static>(
        &self,
        cx: &mut Context<S>,
        endpoint: Endpoint,
        socket: Socket,
        head: &[u8],
    ) -> WebSocket {
        connection::open(cx, endpoint, Role::Client, socket, head)
    }
}

fn failed(why: impl Into<String>) -> Error {
    Error::with_code("ERR_WEBSOCKET_HANDSHAKE", why)
}

/// Opens a WebSocket to a `ws://` URL (`new WebSocket(url, protocols)`), and calls back once: with
/// the WebSocket, whose events come to the endpoint's listeners from the next tick on, or with why
/// there is none.
///
/// Offers these subprotocols, the one it likes best first; a server that chooses none of them is
/// taken all the same. Waits as long as the server takes; [`ClientHandshake`] is for more.
#[track_caller]
pub fn connect<S: 'static, R: CallbackResult>(
    cx: &mut Context<S>,
    endpoint: Endpoint,
    url: &str,
    protocols: &[&str],
    callback: impl FnOnce(&mut S, &mut Context<S>, Result<WebSocket, Error>) -> R + 'static,
) {
    let handshake = ClientHandshake::new(protocols);
    let url = match url.strip_prefix("ws://") {
        Some(rest) => format!("http://{rest}"),
        None => url.to_owned(),
    };
    let mut options = RequestOptions::from(url).agent(None);
    for (name, value) in handshake.fields() {
        options = options.header(name, value);
    }
    let site = CallbackSite::caller();
    let callback = move |state: &mut S, cx: &mut Context<S>, opened: Result<WebSocket, Error>| {
        let web_socket = opened.as_ref().ok().copied();
        let returned = callback(state, cx, opened);
        match web_socket {
            Some(web_socket) => web_socket.check(cx, site, "open", returned),
            None => drop(site.check("a WebSocket to be opened", returned)),
        }
    };
    // Whichever listener is first takes it.
    let callback = Rc::new(RefCell::new(Some(callback)));
    let first = move || callback.borrow_mut().take();
    let request = http::get(cx, options);
    request.on_upgrade(cx, {
        let first = first.clone();
        move |state, cx, _, answer, socket, head| {
            let opened = match handshake.check(answer) {
                Ok(_) => Ok(handshake.open(cx, endpoint, socket, head)),
                Err(error) => {
                    socket.destroy(cx);
                    Err(error)
                }
            };
            if let Some(callback) = first() {
                callback(state, cx, opened);
            }
        }
    });
    request.on_response(cx, {
        let first = first.clone();
        move |state, cx, request, response| {
            let status = response.status_code(cx).unwrap_or_default();
            request.destroy(cx);
            if let Some(callback) = first() {
                let error = failed(format!("Unexpected server response: {status}"));
                callback(state, cx, Err(error));
            }
        }
    });
    request.on_error(cx, move |state, cx, _, error| {
        if let Some(callback) = first() {
            callback(state, cx, Err(error.clone()));
        }
    });
}
