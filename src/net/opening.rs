//! How a layer comes between a descriptor and its user, opens, or does not.
//!
//! What its opening costs is the peer's to choose: it may begin as often as it likes, and each time
//! has the other end calculate. So in one turn only so many take a step; the others stay on the
//! ready queue, and whoever chats is served in between.

use std::time::Duration;

use super::closing::destroy;
use super::connection::settle;
use super::emitting::emit;
use super::layer::{Layer, Side, Stage};
use super::layered::{Layered, Wire};
use super::states::Life;
use super::stream::Then;
use super::{Context, Error, Event, Handles, Server, ServerEvent, Socket, server, writing};
use crate::event_loop::HandleId;

/// How many steps of opening layers there are in one turn at most. A step of TLS takes up to a
/// millisecond, with a large RSA key.
const STEPS_PER_TURN: u8 = 4;

/// The steps of the turn that is under way, as data of the loop.
#[derive(Default)]
struct Steps {
    turn: u64,
    taken: u8,
}

/// Takes one of the turn's steps, if any is left.
pub(super) fn has_its_turn<S>(cx: &mut Context<S>) -> bool {
    let turn = cx.counters().turns;
    let extensions = cx.extensions_mut();
    if extensions.get::<Steps>().is_none() {
        extensions.insert(Steps::default());
    }
    let Some(steps) = extensions.get_mut::<Steps>() else {
        return false;
    };
    if steps.turn != turn {
        *steps = Steps { turn, taken: 0 };
    }
    let is_left = steps.taken < STEPS_PER_TURN;
    steps.taken += u8::from(is_left);
    is_left
}

impl Socket {
    /// Puts a layer between the descriptor and whoever uses the socket (`new
    /// tls.TLSSocket(socket)`): on one that connects, or that stands. What came and was not handed
    /// out, or is [given back](Self::unshift) before it has read anything, is the layer's, and what
    /// is written waits until it has opened; [`Event::Secure`] tells of that. If it has not after
    /// the `deadline`, it never will: `ERR_TLS_HANDSHAKE_TIMEOUT`.
    ///
    /// It is the layer of this connection only: a socket that is connected anew after its close has
    /// none until it is given another.
    ///
    /// # Errors
    ///
    /// `ERR_SOCKET_CLOSED` if it is neither, `ERR_STREAM_WRITE_AFTER_END` if it has ended, and an
    /// error without a code if it has a layer, or if something waits that was written to it: that
    /// was not for the layer to send.
    pub fn set_layer<S>(
        self,
        cx: &mut Context<S>,
        layer: Box<dyn Layer>,
        side: Side,
        deadline: Option<Duration>,
    ) -> Result<(), Error> {
        let Some(connection) = cx.connection_mut(self.0) else {
            return Err(Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed"));
        };
        if !matches!(connection.life, Life::Connecting | Life::Open) {
            return Err(Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed"));
        }
        if connection.layered().is_some() {
            return Err(Error::new("the socket has a layer"));
        }
        if connection.write_side.is_ending() {
            let message = "write after end";
            return Err(Error::with_code("ERR_STREAM_WRITE_AFTER_END", message));
        }
        if connection.writable_length() > 0 {
            return Err(Error::new("what was written to the socket is not sent yet"));
        }
        let inbox = connection.inbox.take();
        let early = inbox.map_or(Vec::new(), |inbox| inbox.into_bytes());
        connection.bytes_read = connection.bytes_read.saturating_sub(early.len() as u64);
        let layered = Box::new(Layered::new(layer, side, early));
        connection.own.get_or_insert_default().layered = Some(layered);
        if let Some(deadline) = deadline {
            let timer = cx.set_deadline(deadline, move |state, cx| {
                let message = "TLS handshake timeout";
                let error = Error::with_code("ERR_TLS_HANDSHAKE_TIMEOUT", message);
                fail(state, cx, self.0, error);
            });
            // The socket itself holds the loop open.
            cx.set_timer_ref(timer, false);
            if let Some(connection) = cx.connection_mut(self.0)
                && let Some(layered) = connection.layered_mut()
            {
                layered.deadline = Some(timer);
            }
        }
        if cx
            .connection(self.0)
            .is_some_and(|own| own.life == Life::Open)
        {
            begin(cx, self.0);
        }
        settle(cx, self.0);
        Ok(())
    }

    /// The socket's layer, if it is of this kind.
    #[must_use]
    pub fn layer<S, L: Layer>(self, cx: &Context<S>) -> Option<&L> {
        let layered = cx.connection(self.0)?.layered()?;
        let layer: &dyn std::any::Any = &*layered.layer;
        layer.downcast_ref()
    }

    /// Whether it has a layer that has not opened yet.
    #[must_use]
    pub fn is_opening<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.is_opening() && !connection.life.is_over())
    }

    /// Takes the layer off again, whose peer does not speak as it does, and gives what has come
    /// back to the socket: it can be read and answered as it is; so it can if nothing has come.
    /// False if the layer has said anything already. To be called by a listener of
    /// [`ServerEvent::TlsClientError`], which so takes the socket over; any other socket is
    /// destroyed behind that event.
    pub fn remove_layer<S>(self, cx: &mut Context<S>) -> bool {
        let Some(connection) = cx.connection_mut(self.0) else {
            return false;
        };
        let given_back = connection.layered_mut().and_then(Layered::give_back);
        let Some(bytes) = given_back.filter(|_| !connection.life.is_over()) else {
            return false;
        };
        let own = connection.own.get_or_insert_default();
        let layered = own.layered.take();
        connection.bytes_read += bytes.len() as u64;
        if !bytes.is_empty() {
            connection.keep(&bytes);
        }
        if let Some(timer) = layered.and_then(|layered| layered.deadline) {
            cx.clear_timer(timer);
        }
        // What was written waited for the layer.
        cx.next_tick(move |state, cx| writing::opened(state, cx, self.0));
        settle(cx, self.0);
        true
    }

    /// Fails a layer that has not opened yet, in a tick: a server hears of it by
    /// [`ServerEvent::TlsClientError`]. A no-op on any other socket.
    pub fn fail_layer<S>(self, cx: &mut Context<S>, error: Error) {
        cx.next_tick(move |state, cx| {
            if self.is_opening(cx) {
                fail(state, cx, self.0, error);
            }
        });
    }
}

/// The connection stands: the layer may begin.
pub(super) fn begin<S>(cx: &mut Context<S>, id: HandleId) {
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    if let Wire {
        stream,
        layered: Some(layered),
    } = connection.wire()
    {
        // A listener of `Connect` may have had it begin.
        layered.begin(stream, counters);
    }
}

/// An opening layer was given what came. False if the socket is not to be read on: it has failed,
/// or has no layer any more.
pub(super) fn read<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, then: &Then) -> bool {
    let Some(layered) = cx
        .connection(id)
        .and_then(|connection| connection.layered())
    else {
        return false;
    };
    match then {
        _ if layered.layer.stage() != Stage::Opening => open(state, cx, id),
        Then::Failed(error) => {
            fail(state, cx, id, error.clone());
            false
        }
        _ => true,
    }
}

/// It has opened: everybody is told, and what was written meanwhile is sent. False if the peer is
/// not whom one wants to talk to.
fn open<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) -> bool {
    let Some(layered) = cx.connection_mut(id).and_then(|own| own.layered_mut()) else {
        return false;
    };
    let verdict = layered.layer.opened();
    let side = layered.side;
    if let (Err(error), Side::Server) = (&verdict, side) {
        fail(state, cx, id, error.clone());
        return false;
    }
    layered.was_opened = true;
    if let Some(timer) = layered.deadline.take() {
        cx.clear_timer(timer);
    }
    cx.make_callback(state, |state, cx| {
        emit(state, cx, id, Event::Secure);
        if let Err(error) = verdict {
            return destroy(cx, id, Some(error));
        }
        if cx.connection(id).is_none_or(|own| own.life.is_over()) {
            return;
        }
        match (side, accepted_by(cx, id)) {
            (Side::Client, _) => {
                emit(state, cx, id, Event::SecureConnect);
            }
            (Side::Server, Some(of)) => {
                let event = ServerEvent::SecureConnection(Socket(id));
                server::emit(state, cx, of, event);
            }
            (Side::Server, None) => {}
        }
        writing::opened(state, cx, id);
    });
    settle(cx, id);
    cx.connection(id).is_some_and(|own| !own.life.is_over())
}

fn accepted_by<S>(cx: &Context<S>, id: HandleId) -> Option<Server> {
    let connection = cx.connection(id)?;
    if connection.life.is_over() {
        return None;
    }
    connection.server.map(Server)
}

/// It has not opened, and will not. A socket that a server has accepted was nobody's yet: the
/// server is told, and may take it over.
fn fail<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: Error) {
    let Some(layered) = cx
        .connection(id)
        .and_then(|connection| connection.layered())
    else {
        return;
    };
    let of = match layered.side {
        Side::Server => accepted_by(cx, id),
        Side::Client => None,
    };
    let Some(of) = of else {
        return destroy(cx, id, Some(error));
    };
    cx.make_callback(state, |state, cx| {
        let event = ServerEvent::TlsClientError(&error, Socket(id));
        server::emit(state, cx, of, event);
        if cx.connection(id).is_some_and(|own| own.layered().is_some()) {
            destroy(cx, id, None);
        }
    });
}
