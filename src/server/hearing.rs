//! What connections say: lines for the chat, up to what each may say now.
//!
//! Whoever does not read its answers is asked no more questions, and whoever types too fast is read more
//! slowly. Both doors work by the same rules; only where unheard bytes wait is different.

use std::ops::ControlFlow;

use super::ChatServer;
use super::connections::Connection;
use super::framing::{Frame, LineDecoder};
use super::outlet::Outlet;
use crate::chat::{self, Chat, Effect, MemberId};
use crate::net::{Context, Socket};

/// Lines of one connection that are handled in one turn at most. What is left of its bytes waits
/// for the next, so that nobody's paste holds up the others.
pub(super) const LINES_PER_TURN: usize = 256;

/// What takes a frame; it breaks off when somebody has to leave, or much is to be delivered.
pub(super) type Take<'a> = &'a mut dyn FnMut(Frame<'_>) -> ControlFlow<()>;

impl ChatServer {
    /// Lets the member of a connection say what `run` gets out of its decoder; `None` if it has left.
    pub(super) fn hear<R>(
        &mut self,
        now: u64,
        socket: Socket,
        run: impl FnOnce(&mut LineDecoder, usize, Take<'_>) -> R,
    ) -> Option<(MemberId, R)> {
        let Self {
            chat,
            connections,
            fan_out,
            leaving,
            effects,
            config,
            ..
        } = self;
        let connection = connections.get_mut(socket)?;
        let member = connection.member?;
        let max_line = config.max_line as usize;
        let Connection { torn, bound, .. } = connection;
        let mut decoder = torn.take().map_or_else(LineDecoder::new, |torn| *torn);
        let result = run(&mut decoder, max_line, &mut |frame| {
            let wait = bound.as_mut().map_or(0, |bound| bound.take_line(now));
            take(chat, member, frame, max_line, now, effects);
            Self::apply(fan_out, leaving, effects);
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

    /// Whether nothing is to be heard from a connection now.
    pub(super) fn must_wait(&mut self, cx: &Context<Self>, socket: Socket) -> bool {
        let connection = self.connections.get_mut(socket);
        let bound = connection.and_then(|found| found.bound.as_ref());
        socket.writable_need_drain(cx) || bound.is_some_and(|bound| bound.held_back)
    }

    /// Has a connection that has used up its lines wait for a while: true if it has to. The caller stops
    /// reading from it.
    pub(super) fn hold_back(&mut self, cx: &mut Context<Self>, socket: Socket) -> bool {
        let Some(Connection {
            bound: Some(bound),
            member: Some(member),
            ..
        }) = self.connections.get_mut(socket)
        else {
            return false;
        };
        let Some(limit) = bound.flood else {
            return false;
        };
        let wait = bound.bucket.wait(limit, cx.now());
        if wait == 0 {
            return false;
        }
        bound.held_back = true;
        if !std::mem::replace(&mut bound.told, true) {
            self.fan_out.tell(*member, &chat::flooding(limit.rate));
        }
        let timer = cx.set_timeout(wait, move |server: &mut Self, cx| {
            let connection = server.connections.get_mut(socket);
            if let Some(bound) = connection.and_then(|found| found.bound.as_mut()) {
                bound.held_back = false;
                server.read_on(cx, socket);
            }
        });
        cx.set_timer_ref(timer, false);
        true
    }

    /// Reads on from a member's connection, unless something else is still to be waited for.
    pub(super) fn read_on(&mut self, cx: &mut Context<Self>, socket: Socket) {
        if self.must_wait(cx, socket) {
            return;
        }
        if let Some(outlet) = self.outlet_of(socket) {
            outlet.read_on(self, cx);
        }
    }

    /// Everything that waited for a member is with the system.
    pub(super) fn drained(&mut self, cx: &mut Context<Self>, socket: Socket) {
        let connection = self.connections.get_mut(socket);
        if let Some(member) = connection.and_then(|found| found.member) {
            self.caught_up(cx, member);
        }
        self.read_on(cx, socket);
        self.finish(cx);
    }

    /// The outlet of whoever is in the chat by this connection.
    fn outlet_of(&mut self, socket: Socket) -> Option<Outlet> {
        let member = self.connections.get_mut(socket)?.member?;
        self.outlets.get(member.index()).copied().flatten()
    }
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
