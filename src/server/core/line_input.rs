//! What one connection says: from its bytes to the chat, no faster than it may. Both doors work by
//! it.

use std::ops::ControlFlow;

use crate::chat::{Answer, Millis, Peer};
use crate::net::Holding;
use crate::server::Config;
use crate::server::core::Moment;
use crate::server::core::cost::{Cost, LINE_BYTES};
use crate::server::core::flood::{Bucket, FloodLimit};
use crate::server::core::framing::{Command, Frame, Item, LineDecoder, Stop};
use crate::server::core::hub::Hub;
use crate::server::core::sessions::SessionId;
use crate::server::core::strangers::{self, Source};
use crate::server::core::telnet::Negotiation;
use crate::server::core::turns::Allowance;

/// Lines and telnet commands of one connection that are handled in one turn at most. What is left
/// of its bytes waits for the next, so that nobody's paste holds up the others.
const LINES_PER_TURN: usize = 256;

/// Who has not spoken for so many milliseconds beyond what fills its bucket is told anew when it
/// types too fast again. A shorter pause may be ours.
const QUIET_MS: Millis = 1000;

/// The incoming half of one connection. There are many, and most say nothing: what only some need
/// is in a box of its own.
#[derive(Debug, Default)]
pub struct LineInput {
    kept: Option<Box<Kept>>,
    bound: Option<Box<Bound>>,
}

/// What is to be remembered between two reads: a torn line, what a telnet client was answered.
#[derive(Debug, Default)]
struct Kept {
    decoder: LineDecoder,
    telnet: Negotiation,
    /// Counts the torn line.
    held: Holding,
}

/// What is kept of a connection on which limits are.
#[derive(Debug)]
struct Bound {
    /// As what it counts, with others from there.
    source: Option<Source>,
    flood: Option<FloodLimit>,
    /// A line counts once for every so many bytes.
    line_bytes: u32,
    bucket: Bucket,
    /// It knows that it types too fast.
    told: bool,
    /// Somebody will [read on](LineInput::release).
    held_back: bool,
    /// When it last said something.
    heard: Millis,
}

/// Some bytes that are to be heard.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Read<'a> {
    pub(in crate::server) bytes: &'a [u8],
    /// The rest of a message, or a whole one: its end is a line's end.
    pub(in crate::server) is_message: bool,
    /// What may be asked for.
    pub(in crate::server) allowance: Allowance,
}

/// What came of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// How many of them were used.
    pub used: usize,
    /// What that has cost.
    pub cost: Cost,
    /// The next line has to wait: it would cost more than is allowed now, or what its author has
    /// said before it is still to get its place.
    pub is_postponed: bool,
}

impl LineInput {
    /// For a peer that has just connected.
    #[must_use]
    pub fn new(peer: Peer, config: &Config, now: Millis) -> Self {
        let flood = strangers::flood_limit(peer, config);
        let is_counted = strangers::is_counted(peer, config);
        let is_bound = flood.is_some() || is_counted || config.idle_timeout > 0;
        let bound = is_bound.then(|| Bound {
            source: strangers::source(peer, config),
            flood,
            line_bytes: config.flood_bytes,
            bucket: Bucket::default(),
            told: false,
            held_back: false,
            heard: now,
        });
        Self {
            kept: None,
            bound: bound.map(Box::new),
        }
    }

    /// Takes what has come, up to the cap of a turn, lets `frame` give each frame to the hub,
    /// mostly by [`Hub::frame`], and [applies](Hub::apply) what follows. The door keeps the bytes
    /// that were not used and feeds them later; it does not feed while the connection [is held
    /// back](Self::is_held_back).
    pub fn feed(
        &mut self,
        hub: &mut Hub,
        session: SessionId,
        bytes: &[u8],
        at: Moment,
        frame: impl FnMut(&mut Hub, SessionId, Frame<'_>, Moment),
    ) -> Fed {
        let read = Read {
            bytes,
            is_message: false,
            allowance: Allowance::PLENTY,
        };
        self.hear(hub, session, read, at, frame)
    }

    /// As [`feed`](Self::feed), of anything that was read.
    pub(in crate::server) fn hear(
        &mut self,
        hub: &mut Hub,
        session: SessionId,
        read: Read<'_>,
        at: Moment,
        mut frame: impl FnMut(&mut Hub, SessionId, Frame<'_>, Moment),
    ) -> Fed {
        let now = at.now;
        let Read {
            bytes,
            is_message,
            mut allowance,
        } = read;
        let max_line = hub.max_line();
        let (mut items, mut cost, mut is_postponed) = (0, Cost::NONE, false);
        let used = self.decode(
            |Kept {
                 decoder, telnet, ..
             },
             bound| {
                let mut take = |item: Item<'_>| {
                    let price = price(item, max_line, bound.as_deref());
                    let before = Done::by(hub);
                    let has_later = allowance.has_later();
                    match item {
                        Item::Frame(Frame::Line(line))
                            if has_later && hub.has_to_wait(session, line) =>
                        {
                            is_postponed = true;
                            return ControlFlow::Break(Stop::Before);
                        }
                        // It must not come before what was said.
                        Item::Frame(Frame::Line(line))
                            if !has_later && hub.overtakes(session, line) =>
                        {
                            return ControlFlow::Continue(());
                        }
                        _ => {}
                    }
                    if let Item::Frame(Frame::Line(line)) = item
                        && !allowance.allows(price + hub.foresee(session, line))
                    {
                        is_postponed = true;
                        let looked = before.since(hub, length(item, max_line));
                        if let Some(bound) = bound.as_mut().filter(|_| looked > Cost::NONE) {
                            bound.take(looked, now);
                        }
                        return ControlFlow::Break(Stop::Before);
                    }
                    let wait = bound.as_mut().map_or(0, |bound| bound.take(price, now));
                    let bytes = length(item, max_line);
                    match item {
                        Item::Frame(decoded) => frame(hub, session, decoded, at),
                        Item::Command(Command::AreYouThere) => hub.tell(session, Answer::Here),
                        Item::Command(command) => telnet.take(command),
                    }
                    hub.apply();
                    // What is in a line, and what is answered, is known once it was heard.
                    let more = before.since(hub, bytes);
                    let wait = match bound.as_mut().filter(|_| more > Cost::NONE) {
                        Some(bound) => bound.take(more, now),
                        None => wait,
                    };
                    (items, cost) = (items + 1, cost + price + more);
                    allowance.spend(price + more);
                    let is_done = wait > 0 || items == LINES_PER_TURN || allowance.is_spent();
                    match hub.takes_more() && !is_done {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(Stop::After),
                    }
                };
                let used = decoder.feed_items(max_line, bytes, &mut take);
                let is_torn = is_message && used == bytes.len() && !decoder.is_idle();
                match is_torn && decoder.feed_items(max_line, b"\n", &mut take) == 0 {
                    true => used - decoder.take_back(),
                    false => used,
                }
            },
        );
        if let Some(bound) = self.bound.as_mut().filter(|_| items > 0) {
            bound.heard = now;
        }
        if items == 0 {
            // A line that has no end yet, or is being skipped.
            let price = Cost::bytes(used);
            self.charge(price, now);
            cost += price;
        }
        Fed {
            used,
            cost,
            is_postponed,
        }
    }

    /// The peer has said all it will: what is left is a line, too. Returns what that has cost.
    pub fn finish(
        &mut self,
        hub: &mut Hub,
        session: SessionId,
        at: Moment,
        mut frame: impl FnMut(&mut Hub, SessionId, Frame<'_>, Moment),
    ) -> Cost {
        let max_line = hub.max_line();
        self.decode(|Kept { decoder, .. }, bound| {
            let mut cost = Cost::NONE;
            decoder.finish(max_line, |decoded| {
                let before = Done::by(hub);
                let item = Item::Frame(decoded);
                if let Frame::Line(line) = decoded
                    && hub.overtakes(session, line)
                {
                    return; // there is no later, and it must not come before what was said
                }
                frame(hub, session, decoded, at);
                hub.apply();
                let more = before.since(hub, length(item, max_line));
                cost = price(item, max_line, bound.as_deref()) + more;
                if let Some(bound) = bound.as_mut() {
                    bound.take(cost, at.now);
                }
            });
            cost
        })
    }

    fn decode<R>(&mut self, run: impl FnOnce(&mut Kept, &mut Option<Box<Bound>>) -> R) -> R {
        let mut kept = self.kept.take().map_or_else(Kept::default, |kept| *kept);
        let result = run(&mut kept, &mut self.bound);
        self.keep(kept);
        result
    }

    fn keep(&mut self, mut kept: Kept) {
        kept.held.set(kept.decoder.heap_size());
        let is_new = kept.decoder.is_idle() && kept.telnet.is_new();
        self.kept = (!is_new).then(|| Box::new(kept));
    }

    /// What a telnet client is to be sent, as it is: once, after [`feed`](Self::feed). Nothing,
    /// mostly.
    pub fn take_answers(&mut self) -> Vec<u8> {
        let kept = self.kept.as_mut();
        kept.map_or_else(Vec::new, |kept| kept.telnet.take_answers())
    }

    /// The connection has asked for something else than a line.
    pub(in crate::server) fn charge(&mut self, cost: Cost, now: Millis) {
        if let Some(bound) = &mut self.bound {
            bound.take(cost, now);
        }
    }

    /// Before [`feed`](Self::feed), and after: how long nothing more is to be read, in
    /// milliseconds, if the connection has used up its lines. The member, if it is one yet, is told
    /// once. The door calls [`release`](Self::release) when that time is over.
    pub fn hold_back(
        &mut self,
        hub: &mut Hub,
        session: Option<SessionId>,
        now: Millis,
    ) -> Option<Millis> {
        let bound = self.bound.as_mut()?;
        let limit = bound.flood?;
        let wait = bound.bucket.wait(limit.pace(), now);
        // Whoever has left by its last line is told nothing more.
        let has_left = session.is_some_and(|session| !hub.is_here(session));
        if wait == 0 || has_left {
            return None;
        }
        bound.held_back = true;
        if let Some(session) = session
            && !std::mem::replace(&mut bound.told, true)
        {
            let per_second = limit.rate;
            hub.tell(session, Answer::Flooding { per_second });
        }
        Some(wait)
    }

    /// Nothing more is to be read of it until it is [released](Self::release): it waits for
    /// [others](crate::server::core::queues) of its address.
    pub fn queue(&mut self) {
        if let Some(bound) = &mut self.bound {
            bound.held_back = true;
        }
    }

    /// What the line that has no end yet will cost, as far as that can be told. What is looked up for
    /// that is paid for now.
    pub(in crate::server) fn foresee_last(
        &mut self,
        hub: &mut Hub,
        session: SessionId,
        now: Millis,
    ) -> Cost {
        let Some(kept) = &self.kept else {
            return Cost::NONE;
        };
        let line = String::from_utf8_lossy(kept.decoder.torn());
        let item = Item::Frame(Frame::Line(&line));
        let price = price(item, hub.max_line(), self.bound.as_deref());
        let before = Done::by(hub);
        let foreseen = hub.foresee(session, &line);
        let looked = before.since(hub, line.len());
        self.charge(looked, now);
        price + foreseen
    }

    /// Whether a line that has no end yet, or else these bytes behind it, may begin like this, telnet
    /// commands aside.
    pub(in crate::server) fn may_begin_with(&self, byte: u8, behind: &[u8]) -> bool {
        const IAC: u8 = 255;
        let kept = self.kept.as_ref();
        let torn = kept.map_or(&[][..], |kept| kept.decoder.torn());
        match (torn.first(), behind.first()) {
            (_, None) => false,
            (Some(&first), _) => first == byte,
            (None, Some(&first)) => first == byte || first == IAC || self.has_something_left(),
        }
    }

    /// Whether there may be a line without an end.
    pub(in crate::server) fn has_something_left(&self) -> bool {
        let kept = self.kept.as_ref();
        kept.is_some_and(|kept| !kept.decoder.is_idle())
    }

    /// How long until it may say another line, in milliseconds.
    pub(in crate::server) fn wait(&self, now: Millis) -> Millis {
        self.bound.as_ref().map_or(0, |bound| {
            let limit = bound.flood.map(FloodLimit::pace);
            limit.map_or(0, |pace| bound.bucket.wait(pace, now))
        })
    }

    /// Whether it is being read more slowly, and its time has not come.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.held_back)
    }

    /// Its time has come.
    pub fn release(&mut self) {
        if let Some(bound) = &mut self.bound {
            bound.held_back = false;
        }
    }

    /// Bytes that are held of a line that is not complete.
    #[must_use]
    pub(in crate::server) fn held(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.held.bytes())
    }

    /// Nobody has listened to it until now, so that it was not silent.
    pub(in crate::server) fn excuse(&mut self, now: Millis) {
        if let Some(bound) = &mut self.bound {
            bound.heard = now;
        }
    }

    /// What comes from now on is thrown away, at any speed.
    pub fn close(&mut self) {
        self.kept = None;
        if let Some(bound) = &mut self.bound {
            (bound.flood, bound.held_back) = (None, false);
        }
    }

    /// It has something to make up for, unless it has more already.
    pub fn inherit(&mut self, bucket: Bucket) {
        if let Some(bound) = &mut self.bound {
            bound.bucket = bound.bucket.max(bucket);
        }
    }

    /// As what it counts, and what it has still to make up for; `None` if nothing limits it.
    pub(in crate::server) fn account(&self) -> Option<(Source, Bucket)> {
        let bound = self.bound.as_ref()?;
        Some((bound.source?, bound.bucket))
    }

    /// What its address is bound to, if anything is.
    pub(in crate::server) fn limit(&self) -> Option<(Source, FloodLimit)> {
        let bound = self.bound.as_ref()?;
        Some((bound.source?, bound.flood?))
    }

    /// How fast it may speak, if that is limited.
    pub(in crate::server) fn flood(&self) -> Option<FloodLimit> {
        self.bound.as_ref()?.flood
    }

    /// When it last said something, if anyone wants to know: `--idle-timeout` is set.
    #[must_use]
    pub fn heard(&self) -> Option<Millis> {
        self.bound.as_ref().map(|bound| bound.heard)
    }
}

/// What was done so far for lines that their bytes do not tell.
pub(in crate::server) struct Done {
    looks: u64,
    answered: u64,
}

impl Done {
    pub(in crate::server) fn by(hub: &Hub) -> Self {
        Self {
            looks: hub.chat.looks(),
            answered: hub.fan_out.answered(),
        }
    }

    /// What has been done since for a line of so many bytes, beyond its price.
    pub(in crate::server) fn since(&self, hub: &Hub, bytes: usize) -> Cost {
        let now = Self::by(hub);
        Cost::looks(now.looks - self.looks, bytes) + Cost::answer(now.answered - self.answered)
    }
}

fn price(item: Item<'_>, max_line: usize, bound: Option<&Bound>) -> Cost {
    let line_bytes = bound.map_or(LINE_BYTES, |bound| bound.line_bytes);
    match item {
        Item::Frame(_) => Cost::line(length(item, max_line), line_bytes),
        Item::Command(Command::AreYouThere) => Cost::LINE,
        Item::Command(_) => Cost::TELNET,
    }
}

/// Bytes that count, of a line.
fn length(item: Item<'_>, max_line: usize) -> usize {
    match item {
        Item::Frame(Frame::Line(line)) => line.len(),
        Item::Frame(Frame::TooLong) => max_line,
        Item::Command(_) => 0,
    }
}

impl Bound {
    /// Something is taken. Returns how long the next has to wait, in milliseconds.
    fn take(&mut self, cost: Cost, now: Millis) -> Millis {
        let Some(limit) = self.flood else {
            return 0;
        };
        if self.bucket.is_full(now.saturating_sub(QUIET_MS)) {
            self.told = false;
        }
        self.bucket.take(limit.pace(), cost, now);
        self.bucket.wait(limit.pace(), now)
    }
}

#[cfg(test)]
mod tests;
