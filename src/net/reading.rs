//! From the descriptor to `Data` and `End`, through the loop's one buffer.
//!
//! Whether a socket is read is not switched on and off: it follows from what is known of it,
//! [`Connection::wants`]. So there is no order of pauses, resumes and bytes given back in which
//! one that has enough is read all the same. And whatever happens to it, in one turn it hands out
//! no more than one read may bring: [`Connection::share`].

use super::broken::{give_up, reading_failed, tell_failure};
use super::connection::{Connection, SHARE, readable, settle, update_active};
use super::emitting::{emit, emit_end, emit_from_loop};
use super::idle::touch;
use super::states::{Life, ReadSide, Rest};
use super::stream::Then;
use super::{Context, Error, Event, Handles, closing, lingering, opening, writing};
use crate::event_loop::{HandleId, Readiness};

impl<S> Connection<S> {
    /// Bytes that it has handed out in this turn.
    fn handed_out(&self, turn: Turn) -> usize {
        match self.turn == turn.number {
            true => self.handed_out as usize,
            false => 0,
        }
    }

    /// Bytes that it may still hand out in this turn.
    fn share(&self, turn: Turn) -> usize {
        turn.share.saturating_sub(self.handed_out(turn))
    }

    /// Some of its share of this turn is used up.
    fn use_share(&mut self, turn: Turn, bytes: usize) {
        self.handed_out = (self.handed_out(turn) + bytes).min(SHARE) as u32;
        self.turn = turn.number;
    }
}

/// The turn that is under way.
#[derive(Clone, Copy)]
struct Turn {
    /// Its number, or as much of it as tells it from those about it.
    number: u32,
    /// Bytes that one socket hands out in it at most.
    share: usize,
}

fn turn<S>(cx: &Context<S>) -> Turn {
    Turn {
        number: cx.counters().turns as u32,
        share: cx.read_limit().min(SHARE),
    }
}

/// Somebody wants data: from now on it is read (`readStart`).
fn start<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some(connection) = cx.connection_mut(id) {
        connection.read_side.start();
        settle(cx, id);
    }
}

/// The connection stands: reads if somebody asked for it before, even if it was paused after that.
pub(super) fn connected<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some(connection) = cx.connection_mut(id) {
        if connection.flowing != Some(false) {
            connection.read_side.start();
        }
        settle(cx, id);
    }
}

/// Poll phase: hands out what was kept, or reads once, as far as the share of this turn goes. If
/// there may be more, the socket keeps its readiness and a place in the ready queue.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.flows() && !connection.resume_queued {
        // It comes before anything that is still to be read.
        cx.make_callback(state, |state, cx| flow(state, cx, id));
    } else if connection.is_readable(cx.readiness(id)) {
        if connection.is_opening() && !opening::has_its_turn(cx) {
            return cx.queue_ready(id);
        }
        let mut buffer = cx.take_read_buffer();
        read(state, cx, id, &mut buffer);
        cx.put_read_buffer(buffer);
        give_up(cx, id);
        settle(cx, id);
    }
}

fn read<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, buffer: &mut [u8]) {
    let turn = turn(cx);
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    let room = connection.share(turn).min(buffer.len());
    if room == 0 {
        return; // the next turn
    }
    let (count, then) = connection.wire().fill(&mut buffer[..room], counters);
    connection.bytes_read += count as u64;
    // All of it has its place before anybody is told: who is may have more read, behind it.
    let bytes = &buffer[..count];
    let is_opening = connection.is_opening();
    let goes_on = !is_opening && connection.flowing == Some(true) && connection.unread() == 0;
    if count > 0 && !goes_on {
        connection.keep(bytes);
    }
    connection.keep_overflow();
    if is_opening && !opening::read(state, cx, id, &then) {
        return;
    }
    if count > 0 {
        touch(cx, id);
        received(state, cx, id, goes_on.then_some(bytes));
    }
    let readiness = cx.readiness(id);
    match then {
        // In front of urgent data every read is short.
        Then::More => cx.clear_readiness(id, Readiness::PRIORITY),
        Then::Short if readiness.contains(Readiness::PRIORITY) => {
            cx.clear_readiness(id, Readiness::PRIORITY);
        }
        // If nothing can be sent either, the end is not worth another turn, nor a reset an error
        // (libuv).
        Then::Short | Then::End if count > 0 && hung_up(cx, id) => end_unless_full(state, cx, id),
        Then::Failed(_) if count > 0 => end_unless_full(state, cx, id),
        Then::End if count > 0 => {}
        // What else is remembered stays: if the peer has closed, no further edge comes, and the
        // end is still to be read.
        Then::Short => cx.clear_readiness(id, Readiness::READABLE),
        Then::Empty => {
            cx.clear_readiness(id, readable());
            if let Some(connection) = cx.connection_mut(id)
                && connection.life == Life::Broken(Rest::InKernel)
            {
                connection.life = Life::Broken(Rest::Read);
            }
        }
        Then::End => end_of_stream(state, cx, id),
        Then::Failed(error) => reading_failed(cx, id, error),
    }
}

/// Whether both directions are over, as far as the kernel is concerned; a layer has an end of its
/// own, which the kernel does not know.
fn hung_up<S>(cx: &Context<S>, id: HandleId) -> bool {
    let readiness = cx.readiness(id);
    let connection = cx.connection(id);
    if connection.is_some_and(|connection| connection.layered().is_some()) {
        return false;
    }
    let sent_all = connection.is_some_and(|connection| connection.write_side.has_finished());
    readiness.contains(Readiness::READ_CLOSED)
        && (sent_all || readiness.contains(Readiness::WRITE_CLOSED))
}

/// Something came: hands out what goes on at once; of what was kept, whoever reads by hand is told.
fn received<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, bytes: Option<&[u8]>) {
    let turn = turn(cx);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if let Some(bytes) = bytes {
        connection.use_share(turn, bytes.len());
        emit_from_loop(state, cx, id, Event::Data(bytes));
    } else if connection.is_read_by_hand() {
        cx.make_callback(state, |_, cx| queue_readable(cx, id));
    }
}

/// Takes what was kept, so many bytes or all of it (`read`): `None` if there are not so many,
/// unless no more will come. From then on it is read, and what comes is kept.
pub(super) fn take<S>(cx: &mut Context<S>, id: HandleId, count: Option<usize>) -> Option<Vec<u8>> {
    let connection = cx.connection_mut(id)?;
    if connection.life.is_over() || connection.flowing == Some(true) {
        return None;
    }
    connection.read_side.start();
    let is_at_end = connection.read_side.is_at_end();
    let all = connection.unread();
    let count = match count {
        Some(count) if count <= all || !is_at_end => count,
        _ => all,
    };
    let inbox = connection.inbox.as_mut().filter(|_| count <= all);
    let taken = inbox.map(|inbox| inbox.take(count));
    if connection.unread() == 0 {
        connection.inbox = None;
    }
    if connection.read_side == ReadSide::Eof && connection.is_consumed() {
        queue_end(cx, id);
    }
    give_up(cx, id);
    settle(cx, id);
    taken.filter(|taken| !taken.is_empty())
}

/// Says, as a tick, that there is something to be read by hand, or nothing any more.
fn queue_readable<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if std::mem::replace(&mut connection.readable_queued, true) {
        return;
    }
    cx.next_tick(move |state, cx| {
        let Some(connection) = cx.connection_mut(id) else {
            return;
        };
        connection.readable_queued = false;
        let has_more = connection.unread() > 0 || connection.read_side == ReadSide::Eof;
        let told = !connection.life.is_over() && has_more;
        if told && connection.is_read_by_hand() {
            emit(state, cx, id, Event::Readable);
        }
    });
}

/// Somebody reads by hand from now on: nothing flows.
pub(super) fn readable_listener_added<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.flowing = Some(false);
    connection.read_side.start();
    if connection.unread() > 0 || connection.read_side.is_at_end() {
        queue_readable(cx, id);
    }
    settle(cx, id);
}

/// Gives bytes back, to be handed out again before any others, in the next poll phase.
pub(super) fn unshift<S>(cx: &mut Context<S>, id: HandleId, bytes: &[u8]) {
    let turn = turn(cx);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if bytes.is_empty() {
        return;
    }
    if connection.read_side.has_ended() {
        let message = "stream.unshift() after end event";
        let error = Error::with_code("ERR_STREAM_UNSHIFT_AFTER_END_EVENT", message);
        return closing::destroy(cx, id, Some(error));
    }
    if connection.life.is_over() || (connection.errored() && !connection.life.is_broken()) {
        return;
    }
    if let Some(layered) = connection.layered_mut()
        && layered.is_opening()
    {
        // What came before the layer is the layer's: in the clear it is nobody's any more.
        let refused = layered.unshift(bytes).err();
        connection.bytes_read = connection.bytes_read.saturating_sub(bytes.len() as u64);
        return match refused {
            Some(error) => closing::destroy(cx, id, Some(error)),
            None => settle(cx, id),
        };
    }
    if connection.handed_out(turn) > 0 {
        // Who gives some of its share back has had enough of it: the rest is for the next turn.
        connection.use_share(turn, SHARE);
    }
    connection.inbox.get_or_insert_default().unshift(bytes);
    settle(cx, id);
}

/// Forgets what is kept to be handed out. There is room for more then, and the end may be next.
pub(super) fn forget_unread<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if let Some(inbox) = &mut connection.inbox {
        inbox.clear();
    }
    if connection.read_side.is_at_end()
        && connection.flowing == Some(true)
        && connection.is_consumed()
    {
        queue_end(cx, id);
    }
    settle(cx, id);
}

/// Somebody keeps what was handed out, or does so no more.
pub(super) fn set_kept<S>(cx: &mut Context<S>, id: HandleId, is_kept: bool) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let was_kept = std::mem::replace(&mut connection.is_kept, is_kept);
    if was_kept && connection.is_consumed() {
        if connection.read_side.is_at_end() {
            queue_end(cx, id);
        }
        give_up(cx, id);
    }
}

pub(super) fn pause<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.flowing = Some(false);
    if connection.life.is_broken() {
        cx.next_tick(move |state, cx| tell_failure(state, cx, id));
    }
}

pub(super) fn resume<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.is_read_by_hand() {
        return;
    }
    if connection.flowing.replace(true) != Some(true) {
        queue_flow(cx, id);
    }
}

/// Somebody listens to data now: it flows, unless it was paused.
pub(super) fn data_listener_added<S>(cx: &mut Context<S>, id: HandleId) {
    if cx
        .connection(id)
        .is_some_and(|connection| connection.flowing != Some(false))
    {
        resume(cx, id);
    }
}

fn queue_flow<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if !std::mem::replace(&mut connection.resume_queued, true) {
        cx.next_tick(move |state, cx| {
            if let Some(connection) = cx.connection_mut(id) {
                connection.resume_queued = false;
            }
            start(cx, id);
            flow(state, cx, id);
        });
    }
}

/// Hands out what was kept, until it is empty, somebody pauses, or the share of this turn is used
/// up.
fn flow<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    while hand_out(state, cx, id) {}
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.read_side.is_at_end()
        && connection.flowing == Some(true)
        && connection.is_consumed()
    {
        queue_end(cx, id);
    }
    give_up(cx, id);
    settle(cx, id);
}

/// Hands out the first piece of what was kept; false if there is none, it does not flow, or it is
/// for the next turn.
fn hand_out<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) -> bool {
    let turn = turn(cx);
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    if !connection.flows() {
        return false;
    }
    let room = connection.share(turn);
    let inbox = connection.inbox.as_mut();
    let Some(loan) = inbox.and_then(|inbox| inbox.lend(room, turn.share)) else {
        return false;
    };
    connection.use_share(turn, loan.bytes().len());
    if connection.is_consumed() && connection.read_side.is_at_end() {
        // Queued before the last bytes are handed out: even a pause there does not hold it back.
        queue_end(cx, id);
    }
    emit(state, cx, id, Event::Data(loan.bytes()));
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    if let Some(inbox) = &mut connection.inbox {
        inbox.settle(loan);
        if inbox.length() == 0 {
            connection.inbox = None;
        }
    }
    true
}

/// The end was met in the same turn as bytes; if those were given back, it is met again later.
fn end_unless_full<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if cx.connection(id).is_some_and(Connection::wants) {
        end_of_stream(state, cx, id);
    }
}

/// Everything was read: `End` follows what was kept.
fn end_of_stream<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    cx.clear_readiness(id, readable());
    touch(cx, id);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.read_side = ReadSide::Eof;
    let is_consumed = connection.is_consumed();
    let by_hand = connection.is_read_by_hand();
    update_active(cx, id);
    if !by_hand && !is_consumed {
        return;
    }
    cx.make_callback(state, |_, cx| {
        if by_hand {
            queue_readable(cx, id);
        }
        if is_consumed {
            queue_end(cx, id);
        }
    });
}

/// `End`, as a tick; after it, without `allow_half_open`, the socket's own end as another.
fn queue_end<S>(cx: &mut Context<S>, id: HandleId) {
    cx.next_tick(move |state, cx| {
        if !emit_end(state, cx, id) {
            return;
        }
        let Some(connection) = cx.connection(id) else {
            return;
        };
        if connection.writable() && !connection.allow_half_open {
            cx.next_tick(move |_, cx| {
                if cx
                    .connection(id)
                    .is_some_and(|connection| connection.writable())
                {
                    writing::end(cx, id, None, None);
                }
            });
        } else if connection.write_side.has_finished() {
            lingering::close(cx, id);
        }
        give_up(cx, id);
    });
}
