//! The books of what was given to the rooms' log: who has said it, and what must come of it.

use std::collections::BTreeMap;
use std::rc::Rc;

use loopchat::chat::{
    Answer, Audience, Content, Departure, DisconnectReason, Draft, Effect, Event, EventId,
    MemberId, Message, Millis, Person, Recipient, Redaction, Refusal, RoomId, Settled, TakenBack,
    TopicSet,
};
use loopchat::server::Moment;
use loopchat::server::core::hub::Hub;
use loopchat::server::sessions::SessionId;

use super::checker::{Checker, Seat};
use super::speech::Act;
use super::tally::Count;
use super::{Checked, violated};

/// What was appended and is not settled.
#[derive(Default)]
pub struct Drafts {
    under_way: BTreeMap<EventId, UnderWay>,
    /// How many there are of each member that they hold.
    of: BTreeMap<MemberId, usize>,
    bytes: usize,
    /// Of one member, and bytes of all.
    limits: (usize, usize),
    appended: u64,
    pub counted: Vec<Count>,
}

/// One of them.
struct UnderWay {
    draft: Draft,
    /// Which session has said it; `None` if its time had come.
    session: Option<SessionId>,
    /// The life of its room, if it is for one.
    life: u64,
    /// What is taken back.
    meant: Option<Rc<Message>>,
    /// Its place in the order of all.
    place: u64,
    /// Its member was there.
    is_held: bool,
}

/// How a member leaves whose drafts are under way.
pub enum Leaving {
    Lost,
    Expelled {
        by: MemberId,
        why: Departure,
        reason: DisconnectReason,
    },
}

/// What must come of a draft.
#[derive(Default)]
pub struct Outcome {
    /// What its room hears, and what its author is told.
    pub effects: Vec<Effect>,
    /// Which session has said it.
    pub session: Option<SessionId>,
}

impl Drafts {
    pub fn new(limits: (usize, usize)) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub fn of(&self, member: MemberId) -> usize {
        self.of.get(&member).copied().unwrap_or(0)
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.bytes > self.limits.1
    }

    /// Whether a member has as many as it may.
    pub fn is_many(&self, own: usize) -> bool {
        own >= self.limits.0
    }

    /// Whether a line has to wait.
    pub fn has_to_wait(&self, member: MemberId, act: &Act, is_message: bool) -> bool {
        let waits_for_nothing = matches!(act, Act::TooLong);
        !waits_for_nothing
            && !self.is_empty()
            && (self.is_full()
                || self.is_many(self.of(member))
                || self.of(member) > 0 && !is_message)
    }

    /// What one session has said counts as said by another, by which it goes on.
    pub fn pass_on(&mut self, before: SessionId, session: SessionId) {
        for one in self.under_way.values_mut() {
            if one.session == Some(before) {
                one.session = Some(session);
            }
        }
    }

    /// Everybody has left, whatever is under way.
    pub fn hold_nobody(&mut self) {
        self.of.clear();
        for one in self.under_way.values_mut() {
            one.is_held = false;
        }
    }
}

fn bytes(draft: &Draft) -> usize {
    size_of::<Draft>() + draft.content.text().map_or(0, |text| text.len())
}

impl Checker {
    /// Something was given to the log, by what a session has said or because it was time.
    pub fn drafted(
        &mut self,
        draft: Draft,
        session: Option<SessionId>,
        (is_slow, now): (bool, Millis),
    ) -> Checked {
        let wrong = |rule| violated(rule, format!("{draft:?}"));
        let member = draft.member;
        let room = match &draft.to {
            Recipient::Room { id, .. } => *id,
            Recipient::Member(reader) => {
                let is_message = matches!(draft.content, Content::Message { .. });
                if !is_message || session.is_none() {
                    return wrong("only messages are for one alone");
                }
                self.check_person(member, &draft.author)?;
                self.drafted_private(&draft, (reader.id, &reader.who))?;
                return self.appended(draft, session, (0, None), is_slow);
            }
        };
        let mut meant = None;
        match (&draft.content, session) {
            (Content::Topic { topic, is_known }, _) if *is_known == session.is_none() => {
                let is_pending = match self.rooms.drafted_topic(room, now)? {
                    Some(pending) => {
                        session.is_none()
                            && (pending.member, &pending.topic) == (member, topic)
                            && pending.nickname == *draft.author.nickname
                    }
                    None => session.is_some(),
                };
                if !is_pending {
                    return wrong("of many topics the last is said");
                }
            }
            (Content::Message { .. }, Some(_)) => {}
            (Content::Redaction(taken_back), Some(_)) => {
                let here = self.rooms.get(room);
                meant = here.and_then(|here| here.find(taken_back.message)).cloned();
                if meant.is_none() {
                    return wrong("what is taken back was said there, and is kept");
                }
            }
            _ => return wrong("only topics are said when their time comes"),
        }
        if session.is_some() {
            self.check_person(member, &draft.author)?;
        }
        let Recipient::Room { name, .. } = &draft.to else {
            return wrong("a room has a name");
        };
        let life = self.rooms.life_of(room, name, draft.epoch)?;
        self.appended(draft, session, (life, meant), is_slow)
    }

    fn appended(
        &mut self,
        draft: Draft,
        session: Option<SessionId>,
        (life, meant): (u64, Option<Rc<Message>>),
        is_slow: bool,
    ) -> Checked {
        let member = draft.member;
        let is_held = self.seat(member).is_some();
        let drafts = &mut self.drafts;
        drafts.appended += 1;
        drafts.bytes += bytes(&draft);
        if is_held && is_slow {
            *drafts.of.entry(member).or_default() += 1;
        }
        let under_way = UnderWay {
            session,
            life,
            meant,
            place: drafts.appended,
            is_held: is_held && is_slow,
            draft,
        };
        let id = under_way.draft.id;
        if let Some(twice) = drafts.under_way.insert(id, under_way) {
            return violated("ids are unique", format!("{:?}", twice.draft));
        }
        Ok(())
    }

    /// The log has said what has become of a draft. What was committed is history from now on.
    pub fn outcome(&mut self, settled: Settled, is_slow: bool) -> Checked<Outcome> {
        let (Settled::Committed { draft, .. } | Settled::Refused { draft, .. }) = &settled;
        let (id, member) = (draft.id, draft.member);
        let Some(kept) = self.drafts.under_way.remove(&id) else {
            return violated("what is settled was appended", format!("{settled:?}"));
        };
        let overtaken = self.drafts.under_way.values().find(|other| {
            (other.draft.log(), other.draft.member) == (draft.log(), member)
                && other.place < kept.place
        });
        if kept.draft != *draft || overtaken.is_some() {
            let seen = format!("{settled:?}");
            return violated("what a member says in one place is settled in order", seen);
        }
        self.drafts.bytes -= bytes(draft);
        if kept.is_held
            && let Some(count) = self.drafts.of.get_mut(&member)
        {
            *count -= 1;
            if *count == 0 {
                self.drafts.of.remove(&member);
            }
        }
        let client_id = self.client_ids.of(id).cloned();
        let effects = match settled {
            Settled::Committed {
                draft,
                number,
                time,
            } => self.committed(draft, (number, time), kept.life, kept.meant)?,
            Settled::Refused { draft, why } => {
                self.drafts.counted.push(Count::Refused);
                let text = draft.content.text().cloned();
                let refusal = Refusal::NotKept {
                    why,
                    text,
                    client_id,
                };
                let told = Effect::Tell {
                    to: member,
                    answer: Answer::Refused(refusal),
                };
                let is_here = self.seat(member).is_some();
                is_here.then_some(told).into_iter().collect()
            }
        };
        let heard = effects.iter().find_map(|effect| match effect {
            Effect::Say {
                event: Event::Message(said),
                ..
            }
            | Effect::Private { message: said, .. } => Some((said.audience.clone(), said.place)),
            _ => None,
        });
        self.client_ids.settled(id, heard);
        if is_slow {
            self.drafts.counted.push(Count::SettledLate);
        }
        Ok(Outcome {
            effects,
            session: kept.session,
        })
    }

    fn committed(
        &mut self,
        draft: Draft,
        (number, time): (u64, Millis),
        life: u64,
        meant: Option<Rc<Message>>,
    ) -> Checked<Vec<Effect>> {
        let member = draft.member;
        let (id, room) = match draft.to.clone() {
            Recipient::Room { id, name } => (id, name),
            Recipient::Member(reader) => {
                let Content::Message { kind, text } = draft.content.clone() else {
                    return Ok(Vec::new());
                };
                let said = (kind, text);
                let to = (reader.id, reader.who.nickname);
                return self.committed_private(draft, to, said, (number, time));
            }
        };
        // The last one may have gone since, and another room be in its place.
        if self.rooms.get(id).is_none_or(|room| room.life != life) {
            self.drafts.counted.push(Count::RoomsGone);
            return Ok(Vec::new());
        }
        let is_here = self.seat(member).is_some();
        self.drafts
            .counted
            .extend((!is_here).then_some(Count::Posthumous));
        let place = self.rooms.place(id, draft.id, number, time)?;
        self.ledger.add(&room, draft.epoch, number, draft.id);
        let author = draft.author;
        let (mut except, mut answer) = (is_here.then_some(member), None);
        let event = match draft.content {
            Content::Message { kind, text } => {
                let message = Rc::new(Message {
                    place,
                    audience: Audience::Room(room),
                    author,
                    member,
                    kind,
                    text,
                });
                self.rooms.said(id, &message);
                Event::Message(message)
            }
            Content::Redaction(taken_back) => {
                let TakenBack {
                    message,
                    number,
                    said,
                    author: of,
                    is_authors,
                } = *taken_back;
                let is_right = |meant: &Rc<Message>| {
                    (meant.place.time, &meant.author.nickname, meant.place.id)
                        == (said, &of, message)
                        && meant.place.number == number
                        && (meant.member == member) == is_authors
                };
                if !meant.as_ref().is_some_and(is_right) {
                    let seen = format!("{message:?}: {meant:?}");
                    return violated("what is taken back is what was meant", seen);
                }
                let taken = Rc::new(Redaction {
                    place,
                    room,
                    by: author,
                    message,
                    said,
                    author: of,
                    is_authors,
                });
                self.rooms.taken_back(id, message, meant);
                answer = Some(Answer::Deleted(Rc::clone(&taken)));
                Event::Redaction(taken)
            }
            Content::Topic { topic, is_known } => {
                self.rooms.has_topic(id, &topic);
                except = except.filter(|_| is_known);
                Event::Topic(Rc::new(TopicSet {
                    place,
                    room,
                    author,
                    topic,
                }))
            }
        };
        if !event.is_message() {
            self.rooms.noted(id, &event);
        }
        let said = (self.members_in(id) > 0).then_some(Effect::Say {
            room: id,
            except,
            event,
        });
        let told = answer.filter(|_| is_here);
        let told = told.map(|answer| Effect::Tell { to: member, answer });
        Ok(said.into_iter().chain(told).collect())
    }

    /// What a slow log has said is passed on. With the last of a member's drafts that member leaves,
    /// if it was to.
    pub fn settled(&mut self, hub: &Hub, settled: Settled, at: Moment) -> Checked {
        let (Settled::Committed { draft, .. } | Settled::Refused { draft, .. }) = &settled;
        let member = draft.member;
        let Outcome {
            mut effects,
            session,
        } = self.outcome(settled, true)?;
        if self.drafts.of(member) == 0 {
            let seat = self.seats.get_mut(&member);
            let leaving =
                seat.and_then(|seat| Some((seat.leaves_as.take()?, seat.leaving.take()?)));
            if let Some((who, leaving)) = leaving {
                effects.extend(self.leaves(member, who, leaving));
            }
        }
        self.drafter = Some(member);
        let observed = self.observe_all(&effects, hub, session, at);
        self.drafter = None;
        observed
    }

    /// What comes of it when a member leaves all its rooms.
    pub(super) fn leaves(&self, member: MemberId, who: Person, leaving: Leaving) -> Vec<Effect> {
        let Some(seat) = self.seat(member) else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        let watched = seat.watched.iter().map(|&room| Effect::Watched {
            member,
            room,
            is_watched: false,
        });
        let moved = Effect::Moved {
            member,
            from: Some(seat.room),
            to: None,
        };
        let mut rooms: Vec<RoomId> = [seat.room]
            .into_iter()
            .chain(seat.watched.clone())
            .collect();
        rooms.retain(|&room| seat.heard_of.contains(&room) && self.members_in(room) > 1);
        let (except, why) = match leaving {
            Leaving::Lost => {
                effects.extend(watched);
                effects.push(moved);
                (None, Departure::Lost)
            }
            Leaving::Expelled { by, why, reason } => {
                effects.push(Effect::Tell {
                    to: member,
                    answer: Answer::Disconnected(reason.clone()),
                });
                effects.extend(watched);
                effects.push(moved);
                effects.push(Effect::Disconnect { member, reason });
                rooms.sort_unstable();
                (Some(by).filter(|&by| self.seat(by).is_some()), why)
            }
        };
        effects.extend(rooms.into_iter().map(|room| Effect::Say {
            room,
            except,
            event: Event::Departure {
                member,
                who: who.clone(),
                why: why.clone(),
            },
        }));
        effects
    }

    /// Whether a member does not leave yet when it is to, since it has said something.
    pub fn is_held(&self, member: MemberId) -> bool {
        self.drafts.of(member) > 0
    }

    /// A member that is held is to leave.
    pub fn leaves_later(&mut self, member: MemberId, how: Leaving) {
        let is_expelled = matches!(how, Leaving::Expelled { .. });
        // Who only goes may still be sent away.
        let may = |seat: &&mut Seat| match &seat.leaving {
            None => true,
            Some(Leaving::Lost) => is_expelled,
            Some(Leaving::Expelled { .. }) => false,
        };
        if let Some(seat) = self.seats.get_mut(&member).filter(may) {
            let expelled = is_expelled.then_some(Count::HeldExpelled);
            self.drafts
                .counted
                .extend([Count::Held].into_iter().chain(expelled));
            seat.leaving = Some(how);
        }
    }
}

impl Seat {
    /// It is to leave when what it has said is settled: nothing more is heard of it.
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }
}

/// Whether it comes of a draft, and of nothing else.
pub fn is_placed(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Say {
            event: Event::Message(_) | Event::Redaction(_) | Event::Topic(_),
            ..
        } | Effect::Private { .. }
            | Effect::Tell {
                answer: Answer::Deleted(_) | Answer::Refused(Refusal::NotKept { .. }),
                ..
            }
    )
}
