//! Where each effect of the chat goes.

use log::info;

use super::Hub;
use crate::chat::{Chat, Effect, Event, MemberId, RoomId};
use crate::server::core::access_log;
use crate::server::core::batch::Said;
use crate::server::core::digests::{Place, Saying};
use crate::server::core::fan_out::FanOut;
use crate::server::core::rendering::Heard;

impl Hub {
    /// Passes effects on, in order. What is left is what only a door can do.
    pub fn apply(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Tell { to, answer } => self.fan_out.tell(to, Heard::Answer(&answer)),
                Effect::Private {
                    from,
                    to,
                    message,
                    is_ignored,
                } => {
                    let heard = Heard::Private(&message);
                    if !is_ignored {
                        self.fan_out.tell(to, heard);
                    }
                    if from != to && self.fan_out.echoes(from) {
                        self.fan_out.tell(from, heard);
                    }
                }
                Effect::Say {
                    room,
                    except,
                    event,
                } => self.say(room, except, event),
                Effect::Moved { member, from, to } => {
                    self.fan_out.moved(member, to);
                    from.into_iter().for_each(|room| self.left(room));
                }
                Effect::Watched {
                    member,
                    room,
                    is_watched,
                } => {
                    self.fan_out.watch(member, room, is_watched);
                    self.left(room);
                }
                Effect::Ignored {
                    member,
                    whom,
                    is_ignored,
                } => self.fan_out.ignore(member, whom, is_ignored),
                Effect::Times { member, is_on } => self.fan_out.show_times(member, is_on),
                Effect::Disconnect { member, reason } => self.leaving.push((member, Some(reason))),
                Effect::Record(record) => {
                    info!(target: access_log::TARGET, "{}", access_log::line(&record));
                }
                Effect::Ask { .. } | Effect::Shutdown => self.asked.push(effect),
            }
        }
        self.effects = effects;
        for said in self.digests.take_expulsions().collect::<Vec<_>>() {
            self.say_digest(said);
        }
        if let Some(newcomer) = self.newcomer.take() {
            self.fan_out.let_wait(newcomer, self.at.now);
        }
    }

    /// Somebody has left a room, or not.
    fn left(&mut self, room: RoomId) {
        if self.chat.members_of(room).is_empty() {
            self.digests.forget(room); // nobody is left to hear it
        }
    }

    fn say(&mut self, room: RoomId, except: Option<MemberId>, event: Event) {
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
            _ => self.fan_out.say(room, except, Said::Event(event)),
        }
    }

    pub(super) fn say_digest(&mut self, (room, except, digest): Saying) {
        self.fan_out.say(room, except, Said::Digest(digest));
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
