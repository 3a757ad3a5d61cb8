//! What somebody wants to read of what was said: pages of a log, and messages by their words.
//!
//! What the chat remembers it reads out at once. For what is further back, and for words, it gives
//! out a [`Query`], an [effect](super::Effect::Query): a log may keep more than the chat does. What
//! the log has found comes back by [`Chat::found`]; of a log that keeps no more, or has no search,
//! the chat [says so](Chat::not_found).

use std::rc::Rc;

use super::answers::{tell, without_hash};
use super::history::Page;
use super::timeline::Timeline;
use super::{
    Answer, Audience, Chat, Effect, Epoch, LogId, Meant, MemberId, Message, Millis, Pair, Refusal,
    Repeated, RoomId, Text,
};

/// Messages that one answer may always have, however few are remembered.
const PAGE: usize = 200;

/// What somebody wants to read that the chat does not remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its name, in this process.
    pub id: QueryId,
    /// Who asks.
    pub asker: MemberId,
    /// Which log is meant: what [drafts](super::Draft::log) of it were for.
    pub log: LogId,
    /// The room, or whom the asker speaks with.
    pub of: Audience,
    /// The life of that log.
    pub epoch: Epoch,
    /// What has a larger number was not there yet when it was asked, and is in no answer.
    pub up_to: u64,
    /// What is wanted of it.
    pub wanted: Wanted,
    /// So many messages at most.
    pub limit: usize,
    /// And so many bytes of their texts, but one message at least.
    pub bytes: usize,
}

/// Tells queries apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(u64);

impl QueryId {
    /// Some question.
    #[cfg(all(test, feature = "server"))]
    pub(crate) fn of_test() -> Self {
        Self(0)
    }
}

/// What is wanted of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One page of it.
    Page(Side),
    /// Messages that have all of these words, the best first.
    Words(Text),
    /// One message, that the asker may take it back.
    Message(Meant),
}

/// Which messages of a log a page has: those next to a place in it, on one side. One reads on by
/// number, as two may have been said at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The newest of those with smaller numbers.
    Before(u64),
    /// The oldest of those with larger numbers.
    After(u64),
    /// The newest of those that were said before that time, in milliseconds since 1970, UTC.
    Until(Millis),
    /// The oldest of those that were said at that time or later.
    Since(Millis),
}

impl Side {
    /// The newest of all.
    pub const END: Self = Self::Before(u64::MAX);

    /// Whether one who reads on comes to what is older.
    #[must_use]
    pub fn goes_back(self) -> bool {
        matches!(self, Self::Before(_) | Self::Until(_))
    }
}

/// What a log has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was asked.
    pub query: Query,
    /// The messages, oldest first if it is a page; `None` if they cannot be read now.
    pub messages: Option<Vec<Message>>,
    /// Of a page that goes back: nothing was said before the first of them. Of one that goes
    /// forward: none is missing before the first of them. Of words: there are no others.
    pub is_whole: bool,
    /// The log has no more of that page, further on in its direction.
    pub is_last: bool,
}

/// Of which log somebody wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogMeant<'a> {
    /// That of the room that it is in.
    OwnRoom,
    /// That of a room that it hears.
    Room(&'a str),
    /// What it and another have said to each other alone.
    With(&'a str),
}

/// A page of a log, as somebody wants to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// Of which log.
    pub of: LogMeant<'a>,
    /// In which life of it the numbers hold that are named; `None`: in this one.
    pub epoch: Option<Epoch>,
    /// Which part of it; [`Side::END`]: the newest.
    pub side: Side,
    /// So many messages; `None`: as many as are repeated to who enters a room.
    pub count: Option<usize>,
}

impl<'a> Reading<'a> {
    /// Of one's own room, or of what one and another say to each other alone, as they are now.
    pub(super) fn of_line(with: Option<&'a str>, side: Side, count: Option<usize>) -> Self {
        Self {
            of: with.map_or(LogMeant::OwnRoom, LogMeant::With),
            epoch: None,
            side,
            count,
        }
    }
}

/// A log that a member may read.
struct Readable<'a> {
    log: LogId,
    of: Audience,
    epoch: Epoch,
    /// What is remembered of it; nothing, if it was not written to.
    timeline: Option<&'a Timeline>,
}

impl Chat {
    /// Tells a member a page of a log. Whatever cannot be told is refused.
    pub fn read(
        &mut self,
        member: MemberId,
        reading: Reading<'_>,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let read = self.looking(|chat| chat.read_page(member, reading, utc, effects));
        if let Err(refusal) = read {
            tell(effects, member, Answer::Refused(refusal));
        }
    }

    /// What [`read`](Self::read) would repeat to a member, as far as it is remembered.
    pub fn foresee_read(&mut self, member: MemberId, reading: Reading<'_>) -> Repeated {
        self.looking(|chat| chat.foresee_page(member, reading))
    }

    pub(super) fn read_page(
        &mut self,
        member: MemberId,
        reading: Reading<'_>,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let id = self.next_query();
        let readable = self.readable(member, reading.of)?;
        if reading.epoch.is_some_and(|epoch| epoch != readable.epoch) {
            return Err(Refusal::OtherEpoch);
        }
        let (side, count) = (reading.side, self.page_size(reading.count));
        let page = self.page(member, readable.timeline, side, count);
        let effect = match page.is_remembered {
            true => Effect::Tell {
                to: member,
                answer: history(readable.of, side, page, utc),
            },
            false => Effect::Query(self.query(id, member, readable, Wanted::Page(side), count)),
        };
        effects.push(effect);
        Ok(())
    }

    pub(super) fn foresee_page(&self, member: MemberId, reading: Reading<'_>) -> Repeated {
        let readable = self.readable(member, reading.of).ok();
        let timeline = readable.and_then(|readable| readable.timeline);
        timeline.map_or_else(Repeated::default, |timeline| {
            let count = self.page_size(reading.count);
            timeline.history.repeated_of(reading.side, count)
        })
    }

    /// How many messages somebody gets who wants so many.
    fn page_size(&self, count: Option<usize>) -> usize {
        let most = self.config.history.max(PAGE);
        count.unwrap_or(self.config.replay).clamp(1, most)
    }

    /// Has messages looked for that have words, in the room that a member is in.
    pub(super) fn search(
        &mut self,
        member: MemberId,
        words: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let id = self.next_query();
        let readable = self.readable(member, LogMeant::OwnRoom)?;
        let query = self.query(id, member, readable, Wanted::Words(words.into()), PAGE);
        effects.push(Effect::Query(query));
        Ok(())
    }

    /// Has one message looked for, in the room that a member is in.
    pub(super) fn look_for(
        &mut self,
        member: MemberId,
        message: Meant,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let id = self.next_query();
        let readable = self.readable(member, LogMeant::OwnRoom)?;
        let query = self.query(id, member, readable, Wanted::Message(message), 1);
        effects.push(Effect::Query(query));
        Ok(())
    }

    /// Tells a member what a log has found for it, or takes it back, if that is why it was asked.
    /// Nothing, if the member is not there any more.
    pub fn found(&mut self, found: Found, utc: Millis, effects: &mut Vec<Effect>) {
        let Found {
            query,
            messages,
            is_whole,
            is_last,
        } = found;
        let (asker, of, now) = (query.asker, query.of, utc);
        if self.member(asker).is_none() {
            return;
        }
        let Some(messages) = messages else {
            return tell(effects, asker, Answer::Refused(Refusal::NotRead));
        };
        debug_assert!(messages.len() <= query.limit, "no more than was asked for");
        let answer = match query.wanted {
            Wanted::Page(side) => {
                // One reads on from what the log has looked at, whoever has said that.
                let far = match side.goes_back() {
                    true => messages.first(),
                    false => messages.last(),
                };
                let next = far.map(|message| message.place.number);
                Answer::History {
                    of,
                    side,
                    next: next.filter(|_| !is_last),
                    messages: self.without_ignored(asker, messages),
                    is_whole,
                    now,
                }
            }
            Wanted::Words(words) => Answer::Found {
                of,
                words,
                messages: self.without_ignored(asker, messages),
                is_whole,
                now,
            },
            Wanted::Message(meant) => {
                let log = (query.log, query.epoch);
                return self.take_back_found(asker, log, (meant, messages.first()), utc, effects);
            }
        };
        tell(effects, asker, answer);
    }

    fn without_ignored(&self, reader: MemberId, messages: Vec<Message>) -> Vec<Rc<Message>> {
        let messages = messages.into_iter();
        let wanted = messages.filter(|message| !self.ignores(reader, message.member));
        wanted.map(Rc::new).collect()
    }

    /// The log keeps no more than the chat remembers, or has no search: a member is told what there
    /// is.
    pub fn not_found(&self, query: Query, utc: Millis, effects: &mut Vec<Effect>) {
        let asker = query.asker;
        let answer = match query.wanted {
            Wanted::Words(_) => Answer::Refused(Refusal::NoSearch),
            Wanted::Message(message) => Answer::Refused(Refusal::NoSuchMessage { message }),
            Wanted::Page(side) => {
                let timeline = self.timeline(asker, query.log, query.epoch);
                let page = self.page(asker, timeline, side, query.limit);
                history(query.of, side, page, utc)
            }
        };
        tell(effects, asker, answer);
    }

    /// What is remembered of a page; of a log that is not remembered, that it may be empty.
    fn page(
        &self,
        reader: MemberId,
        timeline: Option<&Timeline>,
        side: Side,
        count: usize,
    ) -> Page {
        let is_wanted = |message: &Message| !self.ignores(reader, message.member);
        match timeline {
            Some(timeline) => timeline.history.page(side, count, is_wanted),
            None => Page {
                messages: Vec::new(),
                is_whole: self.config.history > 0 && !self.private.has_pushed_out(),
                next: None,
                is_remembered: false,
            },
        }
    }

    /// What was said in a room last, for somebody who comes there.
    pub(super) fn replay_of(&self, room: RoomId, reader: MemberId, utc: Millis) -> Answer {
        let room = self.room(room);
        let count = self.config.replay;
        let page = self.page(reader, Some(&room.timeline), Side::END, count);
        history(Audience::Room(room.name().clone()), Side::END, page, utc)
    }

    /// The name of the next question.
    pub(super) fn next_query(&mut self) -> QueryId {
        self.queries += 1;
        QueryId(self.queries)
    }

    fn query(
        &self,
        id: QueryId,
        asker: MemberId,
        readable: Readable<'_>,
        wanted: Wanted,
        limit: usize,
    ) -> Query {
        let up_to = readable
            .timeline
            .map_or(0, |timeline| timeline.position.number);
        Query {
            id,
            asker,
            log: readable.log,
            of: readable.of,
            epoch: readable.epoch,
            up_to,
            wanted,
            limit,
            bytes: self.config.history_bytes,
        }
    }

    fn readable(&self, member: MemberId, meant: LogMeant<'_>) -> Result<Readable<'_>, Refusal> {
        let room = match meant {
            LogMeant::With(nickname) => return self.readable_with(member, nickname),
            LogMeant::OwnRoom => self.members[member.index()].room,
            LogMeant::Room(name) => {
                let room = self.room_meant(name)?.2.filter(|&room| !self.lingers(room));
                let room = room.ok_or_else(|| self.no_room(without_hash(name)))?;
                if !self.hears(member, room) {
                    let room = self.room(room).name().clone();
                    return Err(Refusal::NotInRoom { room });
                }
                room
            }
        };
        let found = self.room(room);
        Ok(Readable {
            log: LogId::Room(room),
            of: Audience::Room(found.name().clone()),
            epoch: found.timeline.position.epoch,
            timeline: Some(&found.timeline),
        })
    }

    fn readable_with(&self, member: MemberId, nickname: &str) -> Result<Readable<'_>, Refusal> {
        let partner = self.partner(member, nickname);
        let partner = partner.ok_or_else(|| self.nobody(nickname))?;
        let pair = Pair::new(member, partner);
        Ok(Readable {
            log: LogId::Pair(self.private_key(pair)),
            of: self.private_audience(member, partner),
            epoch: self.private_epoch(pair),
            timeline: self.private_timeline(pair),
        })
    }

    /// What is remembered of a log that a member reads.
    fn timeline(&self, member: MemberId, log: LogId, epoch: Epoch) -> Option<&Timeline> {
        let timeline = match log {
            LogId::Room(room) => self.rooms.get(room.index()).map(|room| &room.timeline),
            LogId::Pair(key) => {
                let mut pairs = self.private_logs(member);
                pairs.find_map(|(partner, _)| {
                    let pair = Pair::new(member, partner);
                    (self.private_key(pair) == key).then(|| self.private_timeline(pair))?
                })
            }
        };
        timeline.filter(|timeline| timeline.position.epoch == epoch)
    }
}

/// A page, as somebody is told it.
fn history(of: Audience, side: Side, page: Page, utc: Millis) -> Answer {
    Answer::History {
        of,
        side,
        messages: page.messages,
        is_whole: page.is_whole,
        next: page.next,
        now: utc,
    }
}
