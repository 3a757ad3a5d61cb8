//! From the descriptor to `Data` and `End`, through the loop's one buffer.
//!
//! Whether a socket is read is not switched on and off: it follows from what is known of it,
//! [`Connection::wants`]. So there is no order of pauses, resumes and bytes given back in which
//! one that has enough is read all the same. And whatever happens to it, in one turn it hands out
//! no more than one read may bring: [`Connection::share`].

use std::io;

use super::connection::{
    self, Connection, emit, emit_error, emit_from_loop, note_error, touch, update_active,
};
use super::states::{Life, ReadSide, Rest};
use super::stream::Stream;
use super::{Context, Error, Event, Handles, ending, lingering};
use crate::event_loop::{Counters, HandleId, Readiness};

/// Bytes that one socket hands out in one turn at most; fewer, if the program has
/// [limited](Context::set_read_limit) the turn.
const SHARE: usize = 64 * 1024;

/// Reads of one socket in one turn at most, where one does not tell all there is (libuv's number).
const READS: usize = 32;

/// Anything after which a read tells more: bytes, the end, or the error.
fn readable() -> Readiness {
    Readiness::READABLE | Readiness::READ_CLOSED | Readiness::ERROR | Readiness::PRIORITY
}

impl<S> Connection<S> {
    /// Whether it is read whenever there is something to read. Not if nobody has asked for data
    /// yet, nor beyond its high-water mark: then the kernel's buffer fills, and the peer has to
    /// wait.
    pub(super) fn wants(&self) -> bool {
        let may_be_read = matches!(self.life, Life::Open | Life::Broken(Rest::InKernel));
        let mark = (self.high_water_mark as usize).max(1);
        may_be_read && self.read_side == ReadSide::Started && self.unread() < mark
    }

    /// Whether all that was read was handed out, and nobody keeps any of it.
    fn is_consumed(&self) -> bool {
        self.unread() == 0 && !self.is_kept
    }

    /// Whether it has something to hand out.
    pub(super) fn flows(&self) -> bool {
        self.flowing == Some(true) && !self.life.is_over() && self.unread() > 0
    }

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

    /// Keeps what was read.
    fn keep(&mut self, bytes: &[u8]) {
        self.inbox.get_or_insert_default().push(bytes, SHARE);
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

/// Whatever was done to a socket: tells the loop what is to be done next.
fn settle<S>(cx: &mut Context<S>, id: HandleId) {
    update_active(cx, id);
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let tells =
        connection.life == Life::Broken(Rest::InKernel) || cx.readiness(id).contains(readable());
    let hands_out = connection.flows() && !connection.resume_queued;
    if hands_out || (connection.wants() && tells) {
        cx.queue_ready(id);
    }
}

/// Poll phase: hands out what was kept, or reads once, as far as the share of this turn goes. If
/// there may be more, the socket keeps its readiness and a place in the ready queue.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let tells =
        connection.life == Life::Broken(Rest::InKernel) || cx.readiness(id).contains(readable());
    if connection.flows() && !connection.resume_queued {
        // It comes before anything that is still to be read.
        cx.make_callback(state, |state, cx| flow(state, cx, id));
    } else if connection.wants() && tells {
        let mut buffer = cx.take_read_buffer();
        read(state, cx, id, &mut buffer);
        cx.put_read_buffer(buffer);
        give_up(cx, id);
        settle(cx, id);
    }
}

/// What is known after reading, beside the bytes.
enum Then {
    /// There may be more.
    More,
    /// A short read: on TCP it takes all there is, unless something stands in its way.
    Short,
    /// The kernel has no more, and will say so when it has.
    Empty,
    /// The peer has ended its side.
    End,
    Failed(io::Error),
}

/// Reads: once, but on a Unix socket on until it would block. A descriptor that a peer passes ends
/// a read there before what comes behind it, and nothing would ever tell of that.
fn fill(stream: &Stream, buffer: &mut [u8], counters: &mut Counters) -> (usize, Then) {
    let mut count = 0;
    for _ in 0..READS {
        match stream.read(&mut buffer[count..], counters) {
            Ok(0) => return (count, Then::End),
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (count, Then::Empty),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
            Err(error) => return (count, Then::Failed(error)),
        }
        if count == buffer.len() {
            break;
        }
        if !stream.is_ipc() {
            return (count, Then::Short);
        }
    }
    (count, Then::More)
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
    let (count, then) = fill(&connection.stream, &mut buffer[..room], counters);
    if count > 0 {
        connection.bytes_read += count as u64;
        touch(cx, id);
        received(state, cx, id, &buffer[..count]);
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
        Then::Failed(error) => reading_failed(cx, id, &error),
    }
}

/// Whether both directions are over, as far as the kernel is concerned.
fn hung_up<S>(cx: &Context<S>, id: HandleId) -> bool {
    let readiness = cx.readiness(id);
    let sent_all = cx
        .connection(id)
        .is_some_and(|connection| connection.write_side.has_finished());
    readiness.contains(Readiness::READ_CLOSED)
        && (sent_all || readiness.contains(Readiness::WRITE_CLOSED))
}

/// Hands bytes out, if they flow; keeps them otherwise.
fn received<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, bytes: &[u8]) {
    let turn = turn(cx);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.flowing == Some(true) && connection.unread() == 0 {
        connection.use_share(turn, bytes.len());
        emit_from_loop(state, cx, id, Event::Data(bytes));
    } else {
        connection.keep(bytes);
    }
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
        return connection::destroy(cx, id, Some(error));
    }
    if connection.life.is_over() || (connection.errored() && !connection.life.is_broken()) {
        return;
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
    update_active(cx, id);
    if is_consumed {
        cx.make_callback(state, |_, cx| queue_end(cx, id));
    }
}

/// `End`, as a tick; after it, without `allow_half_open`, the socket's own end as another.
fn queue_end<S>(cx: &mut Context<S>, id: HandleId) {
    cx.next_tick(move |state, cx| {
        let Some(connection) = cx.connection_mut(id) else {
            return;
        };
        let has_failed = connection.errored() && !connection.life.is_broken();
        let is_over = connection.read_side.has_ended() || has_failed || connection.life.is_closed();
        if is_over || !connection.is_consumed() {
            return;
        }
        connection.read_side = ReadSide::Ended;
        emit(state, cx, id, Event::End);
        let Some(connection) = cx.connection(id) else {
            return;
        };
        if connection.writable() && !connection.allow_half_open {
            cx.next_tick(move |_, cx| {
                if cx
                    .connection(id)
                    .is_some_and(|connection| connection.writable())
                {
                    ending::end(cx, id, None, None);
                }
            });
        } else if connection.write_side.has_finished() {
            lingering::close(cx, id);
        }
        give_up(cx, id);
    });
}

// --- a connection that broke ----------------------------------------------------------------

/// Reading has failed. What was read before is still handed out.
fn reading_failed<S>(cx: &mut Context<S>, id: HandleId, error: &io::Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let error = Error::system("read", error, None);
    if connection.is_consumed() {
        return connection::destroy(cx, id, Some(error));
    }
    note_error(connection, &error);
    connection.life = Life::Broken(Rest::Read);
    connection.need_drain = false;
    cx.next_tick(move |state, cx| tell_failure(state, cx, id));
}

/// Writing has failed, and that is told. What the peer had sent before is still read and handed
/// out, its end included, and then the socket is destroyed: at once, if there is nothing.
pub(super) fn writing_failed<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.life.is_over() || connection.life.is_broken() {
        return;
    }
    if !connection.life.has_stood()
        || matches!(connection.read_side, ReadSide::Idle | ReadSide::Ended)
    {
        return connection::destroy(cx, id, Some(error));
    }
    note_error(connection, &error);
    connection.life = Life::Broken(Rest::InKernel);
    connection.need_drain = false;
    if connection.wants() {
        // Whether there is anything is not known: no event may have told of it yet.
        let mut buffer = cx.take_read_buffer();
        if let Some((connection, counters)) = cx.connection_and_counters(id) {
            let (count, then) = fill(&connection.stream, &mut buffer, counters);
            if count > 0 {
                connection.bytes_read += count as u64;
                connection.keep(&buffer[..count]);
            }
            match then {
                Then::End => connection.read_side = ReadSide::Eof,
                Then::Empty | Then::Failed(_) => connection.life = Life::Broken(Rest::Read),
                Then::More | Then::Short => {}
            }
        }
        cx.put_read_buffer(buffer);
    }
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.read_side.is_at_end() && connection.is_consumed() {
        queue_end(cx, id);
    }
    give_up(cx, id);
    settle(cx, id);
    tell_failure(state, cx, id);
}

/// Destroys a broken socket of which nothing is to be handed out any more.
fn give_up<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let all_read = match (connection.life, connection.read_side) {
        (Life::Broken(_), ReadSide::Ended) => true,
        (Life::Broken(Rest::Read), side) => !side.is_at_end(),
        _ => false,
    };
    if all_read && connection.is_consumed() {
        connection::destroy(cx, id, None);
    }
}

/// A broken socket that does not flow may stay for long: whoever has paused it is told why it
/// should not, and may resume or destroy it.
fn tell_failure<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.flowing != Some(true)
        && let Some(error) = connection.failure()
    {
        emit_error(state, cx, id, &error);
    }
}
