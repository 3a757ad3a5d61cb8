//! What is to be heard and has no place yet.
//!
//! Nothing is said in a room until the room's log has given it its place, nor to one member alone
//! until the log of the two has. What a member says, takes back or sets as a topic is a [`Draft`],
//! an [effect](super::Effect::Append); what has become of it comes back as a call of
//! [`Chat::settle`], at once or later, and the drafts of one log in the one order in which
//! everybody hears them. Only then is it heard, and is it history.
//!
//! A member whose drafts take their time is *held*: it leaves behind what it has said. Who has
//! such members tells the chat so ([`Chat::hold`]); who settles every draft before the next call
//! never does, and pays nothing.

use std::fmt;
use std::num::ParseIntError;
use std::rc::Rc;
use std::str::FromStr;

use super::answers::tell;
use super::commands::{self, Command};
use super::{
    Answer, Audience, Chat, Departure, DisconnectReason, Effect, Event, EventId, LogId, MemberId,
    Message, MessageKind, Millis, Name, Pair, Peer, Person, Redaction, Refusal, RoomId, Text,
    TopicSet, sanitise,
};

/// Something that is to get a place in a log: a room's, or the one of two members. It is owned,
/// and may go to another thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its name, for ever: whoever is not sure whether it was committed asks by this.
    pub id: EventId,
    /// Who is to hear it, and so whose log it is for.
    pub to: Recipient,
    /// The life of that log, unless the log has one of its own already.
    pub epoch: Epoch,
    /// Who says, takes back or sets it.
    pub author: Person,
    /// As what its author is known to the chat.
    pub member: MemberId,
    /// What it is.
    pub content: Content,
}

/// Who is to hear a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A room.
    Room {
        /// As the chat knows it.
        id: RoomId,
        /// As its log is called.
        name: Name,
    },
    /// One member alone, beside its author. It may be its author.
    Member(Box<Reader>),
}

/// The one member who is to hear something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// As the chat knows it.
    pub id: MemberId,
    /// As others see it.
    pub who: Person,
    /// As what the log of the two is known, as long as it is remembered.
    pub log: Pair,
}

/// What a draft is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Something is said or done.
    Message {
        /// Which of the two.
        kind: MessageKind,
        /// What.
        text: Text,
    },
    /// Something is taken back: the log forgets what it was.
    Redaction(Box<TakenBack>),
    /// The room has another topic.
    Topic {
        /// This one.
        topic: Text,
        /// Its author was told already that it is set.
        is_known: bool,
    },
}

/// Something that is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// Its name.
    pub message: EventId,
    /// Its number in the log.
    pub number: u64,
    /// When it was said.
    pub said: Millis,
    /// The nickname that its author had.
    pub author: Name,
    /// Whether it is its author that takes it back.
    pub is_authors: bool,
}

/// What has become of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It has its place.
    Committed {
        /// What was drafted.
        draft: Draft,
        /// Larger than of all before it in its log, and less than 2⁵³.
        number: u64,
        /// When it was, in milliseconds since 1970, UTC, by the log's clock.
        time: Millis,
    },
    /// It has none, and it is certain that nobody will ever hear it.
    Refused {
        /// What was drafted.
        draft: Draft,
        /// Why.
        why: Unkept,
    },
}

/// Why a log takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unkept {
    /// There is no space left for it.
    Full,
    /// What it is kept by does not work now.
    Unavailable,
}

/// One life of a log: numbers of one are nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub(super) u64);

impl Epoch {
    /// What it is made of.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The one that is made of [these](Self::to_bits).
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl FromStr for Epoch {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A member of whom drafts are under way.
#[derive(Debug, Default)]
pub(super) struct Held {
    drafts: usize,
    /// It is to leave when they are settled.
    leaves: Option<Leaving>,
}

/// Who drafts something: as what the chat knows it, and as others see it.
pub(super) type Author = (MemberId, Person);

/// How a member leaves.
#[derive(Debug)]
pub(super) enum Leaving {
    /// Its connection is gone, or it has asked for that.
    Goes(Departure),
    /// It is sent away.
    Expelled {
        by: MemberId,
        why: Departure,
        reason: DisconnectReason,
    },
}

impl Chat {
    /// A draft of a member's, to another alone perhaps, takes its time: until it is
    /// [settled](Chat::settle) the member does not leave, whatever becomes of its connection. Does
    /// nothing about a member that is not there.
    pub fn hold(&mut self, member: MemberId, to: Option<MemberId>) {
        if self.member(member).is_some() {
            self.held.entry(member).or_default().drafts += 1;
        }
        if let Some(to) = to {
            self.private.is_under_way_to(to);
        }
    }

    /// How many drafts of a member are under way, of those for which it is [held](Chat::hold).
    pub fn drafts_of(&self, member: MemberId) -> usize {
        match self.held.is_empty() {
            true => 0, // nearly always
            false => self.held.get(&member).map_or(0, |held| held.drafts),
        }
    }

    /// Whom a line of a member's is a message to: a room, or one member alone. `None` if it is a
    /// command: messages do not wait for each other.
    pub fn message_in(&self, member: MemberId, line: &str) -> Option<Option<MemberId>> {
        let is_operator = self.peer(member).is_some_and(Peer::is_operator);
        let line = sanitise(line);
        // Who is to be quiet, or speaks to nobody, is told so, in its turn.
        let is_muted = self.member(member).is_some() && self.muted_for(member, self.now).is_some();
        match commands::parse(&line, is_operator)
            .ok()
            .filter(|_| !is_muted)?
        {
            Command::Say(_) | Command::Me(_) => Some(None),
            Command::Msg { to, .. } => self.named(to).map(Some),
            _ => None,
        }
    }

    /// What has become of a draft. If the log has given it its place, those hear it whom it is for,
    /// but not its author, who is told if there is more to it; if not, its author is told why. The
    /// drafts of one log are settled in the order in which everybody is to hear them.
    pub fn settle(&mut self, settled: Settled, now: Millis, effects: &mut Vec<Effect>) {
        let (Settled::Committed { draft, .. } | Settled::Refused { draft, .. }) = &settled;
        let member = draft.member;
        self.settle_draft(settled, now, effects);
        self.release(member, effects);
    }

    /// The same without what follows for its author, who is to be [released](Self::release) then.
    #[inline]
    pub(crate) fn settle_draft(
        &mut self,
        settled: Settled,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        self.now = now;
        match settled {
            Settled::Committed {
                draft,
                number,
                time,
            } => self.commit(draft, number, time, effects),
            Settled::Refused { draft, why } => {
                if let Some(to) = draft.reader() {
                    self.private.is_settled_to(to);
                }
                if self.member(draft.member).is_some() {
                    let text = draft.content.text().cloned();
                    let refusal = Refusal::NotKept {
                        why,
                        text,
                        client_id: None,
                    };
                    tell(effects, draft.member, Answer::Refused(refusal));
                }
            }
        }
    }

    #[inline]
    fn commit(&mut self, draft: Draft, number: u64, time: Millis, effects: &mut Vec<Effect>) {
        let member = draft.member;
        let (id, name) = match draft.to {
            Recipient::Room { id, name } => (id, name),
            Recipient::Member(reader) => {
                let Reader { id: to, who, log } = *reader;
                let place = (draft.id, number, time);
                let said = (draft.epoch, draft.author, draft.content);
                let to = self.private.is_settled_to(to);
                let name = (who.nickname, log);
                return self.commit_private((member, to), name, said, place, effects);
            }
        };
        // The last one may have gone since, and another room be in its place.
        let found = self.rooms.get_mut(id.index());
        let Some(room) = found.filter(|room| room.timeline.position.epoch == draft.epoch) else {
            return;
        };
        let place = room.timeline.place(draft.id, number, time);
        let author = draft.author;
        let mut except = Some(member);
        let mut answer = None;
        let event = match draft.content {
            // The hot path: one allocation, or two for a long text, which history and effect share.
            Content::Message { kind, text } => {
                let message = Rc::new(Message {
                    place,
                    audience: Audience::Room(name),
                    author,
                    member,
                    kind,
                    text,
                });
                room.said += 1;
                self.changes += 1;
                self.remember(id, &message);
                Event::Message(message)
            }
            Content::Redaction(taken_back) => {
                let TakenBack {
                    message,
                    number: _,
                    said,
                    author: of,
                    is_authors,
                } = *taken_back;
                self.change_history(id, |history| history.forget(message));
                let redaction = Rc::new(Redaction {
                    place,
                    room: name,
                    by: author,
                    message,
                    said,
                    author: of,
                    is_authors,
                });
                answer = Some(Answer::Deleted(Rc::clone(&redaction)));
                Event::Redaction(redaction)
            }
            Content::Topic { topic, is_known } => {
                room.topic = Some(topic.clone());
                except = except.filter(|_| is_known);
                Event::Topic(Rc::new(TopicSet {
                    place,
                    room: name,
                    author,
                    topic,
                }))
            }
        };
        if !event.is_message() {
            self.change_history(id, |history| history.note(event.clone()));
        }
        let is_here = self.member(member).is_some();
        if self.rooms[id.index()].len() > 0 {
            effects.push(Effect::Say {
                room: id,
                except: except.filter(|_| is_here),
                event,
            });
        }
        if let Some(answer) = answer.filter(|_| is_here) {
            tell(effects, member, answer);
        }
    }

    /// One draft less is under way. With the last of them its author leaves, if it was to.
    pub(crate) fn release(&mut self, member: MemberId, effects: &mut Vec<Effect>) {
        if self.held.is_empty() {
            return; // nearly always
        }
        let Some(held) = self.held.get_mut(&member) else {
            return;
        };
        held.drafts -= 1;
        if held.drafts > 0 {
            return;
        }
        match self.held.remove(&member).and_then(|held| held.leaves) {
            None => {}
            Some(Leaving::Goes(why)) => self.depart(member, why, effects),
            Some(Leaving::Expelled { by, why, reason }) => {
                self.expel(by, &[member], &reason, &why, effects);
            }
        }
    }

    /// Whether a member that is to leave does so later, when its drafts are settled. Nothing more
    /// is heard of it.
    pub(super) fn leaves_later(&mut self, member: MemberId, how: impl FnOnce() -> Leaving) -> bool {
        let Some(held) = self.held.get_mut(&member) else {
            return false;
        };
        let how = how();
        // Who only goes may still be sent away.
        let is_sent_away = matches!(how, Leaving::Expelled { .. });
        let goes = matches!(held.leaves, Some(Leaving::Goes(_)));
        if held.leaves.is_none() || goes && is_sent_away {
            held.leaves = Some(how);
        }
        true
    }

    /// A member that was to leave with its drafts, since its connection is gone, stays. False if it
    /// was sent away, or is not there.
    pub fn stay(&mut self, member: MemberId) -> bool {
        let held = self.held.get_mut(&member);
        let leaves = held.map(|held| &mut held.leaves);
        if let Some(leaves) = leaves {
            leaves.take_if(|how| matches!(how, Leaving::Goes(Departure::Lost)));
        }
        self.member(member).is_some() && !self.is_leaving(member)
    }

    /// Whether a member is sent away as soon as its drafts are settled.
    pub fn is_expelled(&self, member: MemberId) -> bool {
        let leaves = self.held.get(&member).and_then(|held| held.leaves.as_ref());
        matches!(leaves, Some(Leaving::Expelled { .. }))
    }

    /// Whether a member is to leave as soon as its drafts are settled.
    pub(super) fn is_leaving(&self, member: MemberId) -> bool {
        let held = self.held.get(&member);
        held.is_some_and(|held| held.leaves.is_some())
    }

    /// Something of a member is to be heard in a room.
    #[inline]
    pub(super) fn draft(
        &mut self,
        room: RoomId,
        author: Author,
        content: Content,
        utc: Millis,
    ) -> Effect {
        let (member, author) = author;
        let place = &self.rooms[room.index()];
        let (name, epoch) = (place.name().clone(), place.timeline.position.epoch);
        Effect::Append(Draft {
            id: self.ids.next(utc),
            to: Recipient::Room { id: room, name },
            epoch,
            author,
            member,
            content,
        })
    }

    /// Something that a member says is to be heard by another alone.
    pub(super) fn draft_private(
        &mut self,
        member: MemberId,
        to: MemberId,
        text: Text,
        utc: Millis,
    ) -> Effect {
        let pair = Pair::new(member, to);
        let (epoch, log) = (self.private_epoch(pair), self.private_key(pair));
        let kind = MessageKind::Said;
        Effect::Append(Draft {
            id: self.ids.next(utc),
            to: Recipient::Member(Box::new(Reader {
                id: to,
                who: self.person(to),
                log,
            })),
            epoch,
            author: self.person(member),
            member,
            content: Content::Message { kind, text },
        })
    }
}

impl Draft {
    /// The one member that it is for, unless it is for a room.
    #[must_use]
    pub fn reader(&self) -> Option<MemberId> {
        match &self.to {
            Recipient::Room { .. } => None,
            Recipient::Member(reader) => Some(reader.id),
        }
    }

    /// Which log it is for.
    #[must_use]
    pub fn log(&self) -> LogId {
        match &self.to {
            Recipient::Room { id, .. } => LogId::Room(*id),
            Recipient::Member(reader) => LogId::Pair(reader.log),
        }
    }
}

impl Content {
    /// What its author has written.
    #[must_use]
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Message { text, .. } => Some(text),
            Self::Topic { topic, .. } => Some(topic),
            Self::Redaction(_) => None,
        }
    }
}
