//! What one connection says: from its bytes to the chat, no faster than it may. Both doors work by
//! it.

use std::ops::ControlFlow;

use crate::chat::{Answer, Millis, Peer};
use crate::net::Holding;
use crate::server::Config;
use crate::server::core::Moment;
use crate::server::core::cost::{Cost, LINE_BYTES};
use crate::server::core::flood::{Bucket, FloodLimit};
use crate::server::core::framing::{Command, Frame, Item, LineDecoder};
use crate::server::core::hub::Hub;
use crate::server::core::sessions::SessionId;
use crate::server::core::strangers::{self, Source};
use crate::server::core::telnet::Negotiation;

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
    /// Lines and telnet commands that are heard at most.
    pub(in crate::server) lines: usize,
}

/// What came of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// How many of them were used.
    pub used: usize,
    /// What that has cost.
    pub cost: Cost,
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
            lines: LINES_PER_TURN,
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
            lines,
        } = read;
        let most = lines.min(LINES_PER_TURN);
        let max_line = hub.max_line();
        let (mut items, mut cost) = (0, Cost::NONE);
        let used = self.decode(
            |Kept {
                 decoder, telnet, ..
             },
             bound| {
                let mut take = |item: Item<'_>| {
                    let price = price(item, max_line, bound.as_deref());
                    let wait = bound.as_mut().map_or(0, |bound| bound.take(price, now));
                    let before = Done::by(hub);
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
                    match hub.takes_more() && wait == 0 && items < most {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                };
                let used = decoder.feed_items(max_line, bytes, &mut take);
                if is_message && used == bytes.len() && !decoder.is_idle() {
                    decoder.feed_items(max_line, b"\n", &mut take);
                }
                used
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
        Fed { used, cost }
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

    /// After [`feed`](Self::feed), and before: how long nothing more is to be read, in
    /// milliseconds, if the connection has used up its lines. The member is told once. The door
    /// calls [`release`](Self::release) when that time is over.
    pub fn hold_back(&mut self, hub: &mut Hub, session: SessionId, now: Millis) -> Option<Millis> {
        self.hold_back_for(hub, Some(session), 0, now)
    }

    /// As [`hold_back`](Self::hold_back), of a member or of nobody, for so many milliseconds at
    /// least.
    pub(in crate::server) fn hold_back_for(
        &mut self,
        hub: &mut Hub,
        session: Option<SessionId>,
        at_least: Millis,
        now: Millis,
    ) -> Option<Millis> {
        let bound = self.bound.as_mut()?;
        let limit = bound.flood?;
        let wait = bound.bucket.wait(limit.pace(), now).max(at_least);
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

    /// What comes from now on is thrown away, at any speed.
    pub fn close(&mut self) {
        self.kept = None;
        if let Some(bound) = &mut self.bound {
            (bound.flood, bound.held_back) = (None, false);
        }
    }

    /// It starts with something to make up for.
    pub(in crate::server) fn inherit(&mut self, bucket: Bucket) {
        if let Some(bound) = &mut self.bound {
            bound.bucket = bucket;
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
struct Done {
    looks: u64,
    answered: u64,
}

impl Done {
    fn by(hub: &Hub) -> Self {
        Self {
            looks: hub.chat.looks(),
            answered: hub.fan_out.answered(),
        }
    }

    /// What has been done since for a line of so many bytes, beyond its price.
    fn since(&self, hub: &Hub, bytes: usize) -> Cost {
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
mod tests {
    use super::*;
    use crate::server::FRAMINGS;
    use crate::server::core::flood::{self, Flood};
    use crate::server::core::rendering::FramingId;

    const AT: Moment = Moment { now: 0, utc: 0 };

    /// Catches: a name that is dear to look at, for the price of a short line; by either door, and
    /// as the last line, which has no end.
    #[test]
    fn what_is_looked_up_for_a_line_is_paid_for() {
        let mut hub = Hub::new(Config::default().into(), &FRAMINGS);
        let peer = Peer::Tcp([192, 0, 2, 7].into());
        let member = hub.connect(peer, FramingId(0), AT).expect("there is room");
        let dear = format!("/nick {}", "\u{1F82}".repeat(12));
        for (line, is_dear) in [
            ("/nick alice", false),
            ("/nick Иван", false),
            ("Хорошо, что вы пришли", false),
            (&*dear, true),
        ] {
            let mut input = LineInput::new(peer, &Config::default(), 0);
            let text = format!("{line}\n");
            let fed = input.feed(&mut hub, member, text.as_bytes(), AT, Hub::frame);
            assert_eq!(fed.cost >= Cost(5 * Cost::LINE.0), is_dear, "{line}");
            assert_eq!(fed.cost == Cost::LINE, !is_dear, "{line}");
            let full_after = |input: &LineInput, ms| {
                let bound = input.bound.as_ref().expect("a stranger");
                bound.bucket.is_full(ms)
            };
            assert_eq!(full_after(&input, 100), !is_dear, "{line}");
            let mut last = LineInput::new(peer, &Config::default(), 0);
            last.feed(&mut hub, member, line.as_bytes(), AT, Hub::frame);
            hub.frame(member, Frame::Line("/nick zoe"), AT);
            let cost = last.finish(&mut hub, member, AT, Hub::frame);
            assert_eq!(cost, fed.cost, "{line}");
            assert_eq!(full_after(&last, 100), !is_dear, "{line}");
        }
    }

    /// Catches: a history of two hundred long messages for the price of a short line, in either
    /// framing.
    #[test]
    fn what_is_answered_is_paid_for() {
        let mut hub = Hub::new(Config::default().into(), &FRAMINGS);
        let peer = Peer::Tcp([192, 0, 2, 7].into());
        for framing in [FramingId(0), FramingId(1)] {
            let member = hub.connect(peer, framing, AT).expect("there is room");
            hub.apply(); // its greeting is no answer
            let mut cost = |line: &str| {
                let mut input = LineInput::new(peer, &Config::default(), 0);
                let text = format!("{line}\n");
                let fed = input.feed(&mut hub, member, text.as_bytes(), AT, Hub::frame);
                let mut last = LineInput::new(peer, &Config::default(), 0);
                last.feed(&mut hub, member, line.as_bytes(), AT, Hub::frame);
                let cost = last.finish(&mut hub, member, AT, Hub::frame);
                assert_eq!(cost, fed.cost, "{line:.20}");
                cost
            };
            for ordinary in ["/who", "/rooms", "/topic", "/history 1", "hello"] {
                assert_eq!(cost(ordinary), Cost::LINE, "{ordinary}");
            }
            for _ in 0..100 {
                cost(&"x".repeat(400)); // twice
            }
            // Some 64 KiB of text are repeated.
            let history = cost("/history 200");
            assert!(history > Cost(50 * Cost::LINE.0), "{history:?}");
        }
    }

    #[test]
    fn this_machine_is_bound_only_by_a_flag() {
        let given = |flood| Config {
            flood,
            ..Config::default()
        };
        let bound = |address: &str, config: &Config| {
            let peer = Peer::Tcp(address.parse().expect("an address"));
            LineInput::new(peer, config, 0).bound
        };
        let by_default = given(None);
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(bound(here, &by_default).is_none(), "{here}");
        }
        let limit = FloodLimit { rate: 1, burst: 1 };
        let by_flag = given(Some(Flood::Limit(limit)));
        assert_eq!(bound("::1", &by_flag).expect("a limit").flood, Some(limit));
        let stranger = bound("192.0.2.7", &by_default).expect("limits");
        assert_eq!(stranger.flood, Some(flood::DEFAULT));
        let free = bound("192.0.2.7", &given(Some(Flood::Off)));
        assert!(free.expect("an address").flood.is_none());
    }
}
