//! Where each effect of the chat goes.

use std::rc::Rc;

use log::info;

use super::sessions::{Call, Ending};
use super::{Asked, Hub};
use crate::chat::{Chat, Effect, Event, MemberId, Message, RoomId};
use crate::server::core::access_log;
use crate::server::core::batch::Said;
use crate::server::core::digests::{Place, Saying};
use crate::server::core::fan_out::FanOut;
use crate::server::core::rendering::Heard;
use crate::server::core::sessions::SessionId;

impl Hub {
    /// Passes effects on, in order. What is left is what only a door can do.
    pub fn apply(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut calls = std::mem::take(&mut self.calls).into_iter().peekable();
        for (at, effect) in effects.drain(..).enumerate() {
            while let Some(call) = calls.next_if(|call| call.effects.end <= at) {
                self.conclude(call);
            }
            let call = calls.peek().filter(|call| call.effects.contains(&at));
            self.apply_one(effect, call);
        }
        calls.for_each(|call| self.conclude(call));
        self.effects = effects;
        for said in self.digests.take_expulsions().collect::<Vec<_>>() {
            self.say_digest(said);
        }
        if let Some(newcomer) = self.newcomer.take() {
            self.fan_out.let_wait(newcomer, self.at.now);
        }
    }

    /// What has come of a call is passed on.
    fn conclude(&mut self, call: Call) {
        if let Some(Ending(reason)) = call.ends
            && self.member(call.session).is_some()
        {
            self.detach(call.session, call.member);
            self.leaving.push((call.session, reason));
        }
    }

    /// Passes one on, which has come of a call if its member has several sessions.
    fn apply_one(&mut self, effect: Effect, call: Option<&Call>) {
        let Self {
            chat,
            fan_out,
            sessions,
            ..
        } = self;
        let asking_of = |member| {
            let own = call.filter(|call| call.member == member);
            own.map(|call| call.session)
        };
        match effect {
            Effect::Tell { to, answer } => {
                let heard = Heard::Answer(&answer);
                match asking_of(to).filter(|_| !answer.is_of_all_sessions()) {
                    Some(asking) if sessions.has(asking) => fan_out.tell(asking, heard),
                    Some(_) => {} // it has ended
                    None => sessions
                        .of(to)
                        .for_each(|session| fan_out.tell(session, heard)),
                }
            }
            Effect::Private {
                author,
                reader,
                message,
            } => {
                let heard = Heard::Private(&message);
                let client_id = match self.named.is_empty() {
                    true => None, // nearly always
                    false => self.named.remove(&message.place.id),
                };
                let own = client_id.as_ref();
                let own = own.map_or(heard, |client_id| Heard::Own(&message, client_id));
                let aside = self.asides.get(&message.place.id);
                let gets =
                    |session: &SessionId| aside.is_none_or(|aside| !aside.spared.contains(session));
                if let Some(reader) = reader.filter(|_| reader != author) {
                    let readers = sessions.of(reader).filter(gets);
                    readers.for_each(|session| fan_out.tell(session, heard));
                }
                if let Some(author) = author {
                    // Another session of its author hears it as its own.
                    let said_by = aside.and_then(|aside| aside.said_by);
                    for session in sessions.of(author).filter(gets) {
                        let is_reader = reader == Some(author);
                        if is_reader || Some(session) != said_by || fan_out.echoes(session) {
                            fan_out.tell(session, own);
                        }
                    }
                }
            }
            // It was appended, and another has its place here.
            Effect::Append(_) => debug_assert!(false, "every draft was appended"),
            Effect::Query(_) => debug_assert!(false, "every question was asked"),
            Effect::Say {
                room,
                except,
                event,
            } => {
                let author = except.and_then(asking_of);
                self.say(room, (except, author), event);
            }
            Effect::Moved { member, from, to } => {
                sessions
                    .of(member)
                    .for_each(|session| fan_out.moved(session, to));
                if to.is_none() {
                    sessions.left(member);
                }
                from.into_iter().for_each(|room| self.left(room));
            }
            Effect::Watched {
                member,
                room,
                is_watched,
            } => {
                let of_member = sessions.of(member);
                of_member.for_each(|session| fan_out.watch(session, room, is_watched));
                self.left(room);
            }
            Effect::Ignored {
                member,
                whom,
                is_ignored,
            } => {
                let of_member = sessions.of(member);
                of_member.for_each(|session| fan_out.ignore(session, whom, is_ignored));
            }
            Effect::Times { member, is_on } => {
                let session = asking_of(member).unwrap_or(member.into());
                if sessions.has(session) {
                    fan_out.show_times(session, is_on);
                }
            }
            Effect::Disconnect { member, reason } => {
                if reason.is_final() {
                    self.resuming.forget_member(member);
                }
                let is_here = chat.room_of(member).is_some();
                match asking_of(member).filter(|_| is_here) {
                    // Who quits by one of several sessions stays with the others.
                    Some(session) => {
                        self.detach(session, member);
                        self.leaving.push((session, Some(reason)));
                    }
                    None => {
                        let all: Vec<SessionId> = sessions.of(member).collect();
                        for session in all {
                            if is_here {
                                self.detach(session, member); // it leaves behind what it has said
                            }
                            self.leaving.push((session, Some(reason.clone())));
                        }
                    }
                }
            }
            Effect::Record(record) => {
                info!(target: access_log::TARGET, "{}", access_log::line(&record));
            }
            Effect::Ask { to, what } => {
                let asking = asking_of(to).unwrap_or(to.into());
                self.asked.push(Asked::Question { asking, what });
            }
            Effect::Shutdown => self.asked.push(Asked::Shutdown),
        }
    }

    /// Somebody has left a room, or not.
    fn left(&mut self, room: RoomId) {
        if self.chat.members_of(room).is_empty() {
            self.digests.forget(room); // nobody is left to hear it
        }
    }

    /// A room hears something, without a member, or without the session that has said it: the
    /// others of its member hear it as their own.
    fn say(
        &mut self,
        room: RoomId,
        (except, author): (Option<MemberId>, Option<SessionId>),
        event: Event,
    ) {
        if let Event::Message(message) = &event
            && !self.named.is_empty() // nearly always it is
            && let Some(client_id) = self.named.remove(&message.place.id)
        {
            return self.say_own(room, author, message, &client_id);
        }
        match &event {
            Event::Arrival { .. } | Event::Departure { .. } | Event::Rename { .. } => {
                let Self {
                    chat,
                    fan_out,
                    digests,
                    at,
                    ..
                } = self;
                let time = chat.time_in(room, at.utc);
                let Some(place) = place(chat, fan_out, room) else {
                    return;
                };
                let said = digests.hear(place, except, event, at.now, time);
                said.into_iter().for_each(|said| self.say_digest(said));
            }
            _ => {
                let said = Said::Event(event);
                match author {
                    Some(author) => self.say_in(room, &[author], said),
                    None => self.say_to_others(room, except, said),
                }
            }
        }
    }

    /// A message that its author's client knows by an id of its own, which the author's sessions
    /// are shown, and nobody else.
    fn say_own(
        &mut self,
        room: RoomId,
        author: Option<SessionId>,
        message: &Rc<Message>,
        client_id: &str,
    ) {
        // Of who has left by now others may have the place.
        let own = self.sessions.of(message.member);
        let own: Vec<SessionId> = own.filter(|&session| self.is_here(session)).collect();
        let event = Event::Message(Rc::clone(message));
        self.say_in(room, &own, Said::Unechoed(event));
        for session in own {
            if Some(session) != author || self.fan_out.echoes(session) {
                self.fan_out.tell(session, Heard::Own(message, client_id));
            }
        }
    }

    pub(super) fn say_digest(&mut self, (room, except, digest): Saying) {
        self.say_to_others(room, except, Said::Digest(digest));
    }

    fn say_to_others(&mut self, room: RoomId, except: Option<MemberId>, said: Said) {
        match except {
            None => self.say_in(room, &[], said),
            Some(member) if self.sessions.is_plain() => {
                self.say_in(room, &[member.into()], said);
            }
            Some(member) => {
                let all: Vec<SessionId> = self.sessions.of(member).collect();
                self.say_in(room, &all, said);
            }
        }
    }

    fn say_in(&mut self, room: RoomId, except: &[SessionId], said: Said) {
        let readers = self.chat.members_of(room).len();
        self.fan_out.say(room, readers, except, said);
    }
}

/// A room, as those see it who tell it of its members.
pub(super) fn place<'a>(chat: &'a Chat, fan_out: &FanOut, room: RoomId) -> Option<Place<'a>> {
    Some(Place {
        room,
        name: chat.room_name(room)?,
        members: chat.members_of(room).len(),
        has_crowds: fan_out.has_crowds(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Peer;
    use crate::server::core::Moment;
    use crate::server::core::fan_out::Payload;
    use crate::server::core::framing::Frame;
    use crate::server::doors::JSON;
    use crate::server::{Config, FRAMINGS};

    /// Catches: a clock that is set back, after which somebody comes before what was said before it.
    #[test]
    fn who_comes_and_goes_has_the_time_of_its_room() {
        let mut hub = Hub::new(Config::default().into(), &FRAMINGS);
        let peer = Peer::Tcp([127, 0, 0, 1].into());
        let at = |now, utc| Moment { now, utc };
        let [ann, bob] = [(0, 5000), (1, 1000)].map(|(now, utc)| {
            let member = hub
                .connect(peer, JSON, at(now, utc))
                .expect("there is room");
            hub.apply();
            hub.frame(member, Frame::Line("hello"), at(now, utc));
            hub.apply();
            member
        });
        hub.gone(bob, at(2, 2000));
        hub.apply();
        hub.forget(bob);
        hub.tick(at(2000, 3000));
        hub.apply();
        let mut read = String::new();
        let slow = hub.deliver(2000, |member, payload| {
            assert_eq!(member, ann);
            read += match payload {
                Payload::Shared(rendering) => std::str::from_utf8(rendering.bytes()),
                Payload::Own(bytes) => std::str::from_utf8(bytes),
            }
            .expect("text");
            None
        });
        assert!(slow.is_empty());
        let presence = read.lines().filter(|line| line.contains("\"presence\""));
        let at_five = |line: &&str| line.contains("\"time\":5000");
        assert_eq!(presence.clone().count(), 2, "{read}");
        assert_eq!(presence.filter(at_five).count(), 2, "{read}");
    }
}
