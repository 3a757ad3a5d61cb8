//! What one connection says: from its bytes to the chat, no faster than it may. Both doors work by it.

use std::net::IpAddr;
use std::ops::ControlFlow;

use super::Config;
use super::flood::{self, Bucket, Flood, FloodLimit};
use super::framing::{Frame, LineDecoder};
use super::hub::Hub;
use super::strangers::{address_of_stranger, is_local};
use crate::chat::{self, MemberId, Millis, Peer};

/// Lines of one connection that are handled in one turn at most. What is left of its bytes waits
/// for the next, so that nobody's paste holds up the others.
const LINES_PER_TURN: usize = 256;

/// Who has not spoken for so many milliseconds beyond what fills its bucket is told anew when it types
/// too fast again. A shorter pause may be ours.
const QUIET_MS: Millis = 1000;

/// The incoming half of one connection. There are many, and most say nothing: what only some need
/// is in a box of its own.
#[derive(Debug, Default)]
pub struct LineInput {
    /// The decoder, when it has something to remember: a torn line.
    torn: Option<Box<LineDecoder>>,
    bound: Option<Box<Bound>>,
}

/// What is kept of a connection on which limits are.
#[derive(Debug)]
struct Bound {
    /// It counts as one of this address.
    address: Option<IpAddr>,
    flood: Option<FloodLimit>,
    bucket: Bucket,
    /// It knows that it types too fast.
    told: bool,
    /// Somebody will [read on](LineInput::release).
    held_back: bool,
    /// When it last said something.
    heard: Millis,
}

impl LineInput {
    /// For a peer that has just connected.
    #[must_use]
    pub fn new(peer: Peer, config: &Config, now: Millis) -> Self {
        let flood = match config.flood {
            Some(Flood::Off) => None,
            Some(Flood::Limit(limit)) => Some(limit),
            None => (!is_local(peer)).then_some(flood::DEFAULT),
        };
        let address = address_of_stranger(peer);
        let is_bound = flood.is_some() || address.is_some() || config.idle_timeout > 0;
        let bound = is_bound.then(|| Bound {
            address,
            flood,
            bucket: Bucket::default(),
            told: false,
            held_back: false,
            heard: now,
        });
        Self {
            torn: None,
            bound: bound.map(Box::new),
        }
    }

    /// Takes what has come, up to the cap of a turn, lets `frame` give each frame to the hub, mostly
    /// by [`Hub::frame`], and [applies](Hub::apply) what follows. Returns how many bytes were used.
    /// The door keeps the others and feeds them later; it does not feed while the connection
    /// [is held back](Self::is_held_back).
    pub fn feed(
        &mut self,
        hub: &mut Hub,
        member: MemberId,
        bytes: &[u8],
        now: Millis,
        frame: impl FnMut(&mut Hub, MemberId, Frame<'_>, Millis),
    ) -> usize {
        self.take(hub, member, bytes, false, now, frame)
    }

    /// As [`feed`](Self::feed), for the rest of a message, or a whole one: its end is a line's end.
    pub fn feed_message(
        &mut self,
        hub: &mut Hub,
        member: MemberId,
        bytes: &[u8],
        now: Millis,
        frame: impl FnMut(&mut Hub, MemberId, Frame<'_>, Millis),
    ) -> usize {
        self.take(hub, member, bytes, true, now, frame)
    }

    fn take(
        &mut self,
        hub: &mut Hub,
        member: MemberId,
        bytes: &[u8],
        is_message: bool,
        now: Millis,
        mut frame: impl FnMut(&mut Hub, MemberId, Frame<'_>, Millis),
    ) -> usize {
        let max_line = hub.max_line();
        let mut lines = 0;
        self.decode(|decoder, bound| {
            let mut take = |decoded: Frame<'_>| {
                let wait = bound.as_mut().map_or(0, |bound| bound.take_line(now));
                frame(hub, member, decoded, now);
                hub.apply();
                lines += 1;
                match hub.takes_more() && wait == 0 && lines < LINES_PER_TURN {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            };
            let used = decoder.feed(max_line, bytes, &mut take);
            if is_message && used == bytes.len() && !decoder.is_idle() {
                decoder.feed(max_line, b"\n", &mut take);
            }
            used
        })
    }

    /// The peer has said all it will: what is left is a line, too.
    pub fn finish(
        &mut self,
        hub: &mut Hub,
        member: MemberId,
        now: Millis,
        mut frame: impl FnMut(&mut Hub, MemberId, Frame<'_>, Millis),
    ) {
        let max_line = hub.max_line();
        self.decode(|decoder, _| {
            decoder.finish(max_line, |decoded| {
                frame(hub, member, decoded, now);
                hub.apply();
            });
        });
    }

    fn decode<R>(&mut self, run: impl FnOnce(&mut LineDecoder, &mut Option<Box<Bound>>) -> R) -> R {
        let mut decoder = self.torn.take().map_or_else(LineDecoder::new, |torn| *torn);
        let result = run(&mut decoder, &mut self.bound);
        self.torn = (!decoder.is_idle()).then(|| Box::new(decoder));
        result
    }

    /// After [`feed`](Self::feed): how long nothing more is to be read, in milliseconds, if the
    /// connection has used up its lines. The member is told once. The door calls
    /// [`release`](Self::release) when that time is over.
    pub fn hold_back(&mut self, hub: &mut Hub, member: MemberId, now: Millis) -> Option<Millis> {
        let bound = self.bound.as_mut()?;
        let limit = bound.flood?;
        let wait = bound.bucket.wait(limit, now);
        // Whoever has left by its last line is told nothing more.
        if wait == 0 || hub.chat.room_of(member).is_none() {
            return None;
        }
        bound.held_back = true;
        if !std::mem::replace(&mut bound.told, true) {
            hub.tell(member, chat::flooding(limit.rate));
        }
        Some(wait)
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

    /// What comes from now on is thrown away, at any speed.
    pub fn close(&mut self) {
        self.torn = None;
        if let Some(bound) = &mut self.bound {
            (bound.flood, bound.held_back) = (None, false);
        }
    }

    /// As one of which address it counts, if there is a limit on that.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.bound.as_ref().and_then(|bound| bound.address)
    }

    /// When it last said something, if anyone wants to know: `--idle-timeout` is set.
    #[must_use]
    pub fn heard(&self) -> Option<Millis> {
        self.bound.as_ref().map(|bound| bound.heard)
    }
}

impl Bound {
    /// A line is taken. Returns how long the next has to wait, in milliseconds.
    fn take_line(&mut self, now: Millis) -> Millis {
        self.heard = now;
        let Some(limit) = self.flood else {
            return 0;
        };
        if self.bucket.is_full(now.saturating_sub(QUIET_MS)) {
            self.told = false;
        }
        self.bucket.take(limit, now);
        self.bucket.wait(limit, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
